/* backfill_due.c: windows that their schedule will run anyway.
 *
 *   its slot                                 is left to the schedule
 *   has fired, but is not due yet (jitter)   always
 *   is due, and has not been decided         when it will run: a pause that held it back says so by its
 *     (nobody serves, or a pause)            catch_up, else start_within and if_missed do */
#include "scheduler/plans/backfill_impl.h"

#include "cron/slots.h"

struct due {
    const struct schedule *schedule;
    instant_t limit; /* slots that fire up to here are due */
    struct plan_decided decided;
    instant_t newest, newest_paused; /* fires */
};

static instant_t last_fire(struct slots *s, instant_t until) {
    struct slot slot;
    return slots_prev(s, until + 1, &slot) ? slot.fire : INSTANT_NONE;
}

static void find_newest(struct due *d) {
    const struct plan_decided *p = &d->decided;
    bool over = p->paused_until != INSTANT_NONE && p->paused_until < d->limit;
    struct slots *s = slots_new(&d->schedule->rule);
    d->newest = last_fire(s, d->limit);
    d->newest_paused = over ? last_fire(s, p->paused_until) : d->newest;
    slots_free(s);
}

static bool fired_in_pause(const struct plan_decided *p, instant_t fire) {
    bool before_end = p->paused_until == INSTANT_NONE || fire <= p->paused_until;
    return p->paused_from != INSTANT_NONE && fire > p->paused_from && before_end;
}

static bool will_run(const struct due *d, instant_t fire) {
    bool paused = fired_in_pause(&d->decided, fire);
    duration_t late = d->limit - fire, within = d->schedule->start_within;
    if (!paused && within && late > within) return false;
    switch (paused ? d->decided.caught_up : d->schedule->if_missed) {
    case MISSED_run_all: return true;
    case MISSED_run_latest: return fire == (paused ? d->newest_paused : d->newest);
    default: return false;
    }
}

static void leave(const struct due *d, struct plan_window *w) {
    bool comes = w->fire > d->limit;
    if (plan_why_action((enum plan_why)w->why) != PLAN_run || !(comes || will_run(d, w->fire))) return;
    w->why = comes ? WHY_due : WHY_made_up_for;
    w->run = 0;
}

int plan_due(struct planning *k, struct err *err) {
    struct due d = {.schedule = k->slots_of};
    if (!d.schedule) return 0;
    d.limit = k->now - d.schedule->delay;
    int known = k->asks->decided(k->asks->ctx, k->p->name, d.schedule->name, &d.decided, err);
    if (known < 0) return -1;
    instant_t after = known && d.decided.cursor < d.limit ? d.decided.cursor : d.limit;
    if (after < d.limit) find_newest(&d);
    for (size_t i = k->out->count; i > 0 && k->out->windows[i - 1].fire > after; i--)
        leave(&d, &k->out->windows[i - 1]);
    return 0;
}
