/* clock.c: the timetable driven by the wall clock: slots become rows, and runs that wait for their turn.
 *
 * A tick is part of a turn: the slots it decided, the moves of their schedules' cursors and the rows of the
 * runs it makes are one transaction.
 *
 * The clock is waited for by a timerfd that is also told when somebody sets the clock. */
#include "scheduler/conductor/hands.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"
#include "store/schedules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* ---- the wall clock wakes the loop ---- */

static void rang(uv_poll_t *h, int status, int events) {
    struct conductor *c = h->data;
    struct clock *k = c->clock;
    uint64_t times;
    instant_t now = turn_wall(c);
    (void)status, (void)events;
    if (read(c->clock->fd, &times, sizeof times) < 0 && errno == ECANCELED)
        report(c, "clock", 0, NULL, json_pack("{ss}", "what", "the clock was set"));
    if (k->armed != INSTANT_NONE && now >= k->armed) k->lag = now - k->armed;
    c->wants_turn = true;
    uv_stop(&c->loop);
}

void clock_arm(struct conductor *c) {
    struct clock *k = c->clock;
    if (!k) return;
    instant_t due = timetable_next_due(k->timetable, NULL), until = pauses_next(c);
    if (due == INSTANT_NONE || (until != INSTANT_NONE && until < due)) due = until;
    if (clock_doubted(c)) due = clock_doubt_until(c);
    struct itimerspec at = {0};
    k->armed = due > turn_wall(c) ? due : INSTANT_NONE; /* what is due already says nothing about the loop */
    if (due != INSTANT_NONE && due <= 0) due = 1;       /* all zero would disarm it */
    if (due != INSTANT_NONE)
        at.it_value = (struct timespec){.tv_sec = due / US_PER_SECOND, .tv_nsec = due % US_PER_SECOND * 1000};
    timerfd_settime(k->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL);
}

/* ---- a tick ---- */

static struct slot_row slot_of(struct conductor *c, const struct hand *h,
                               const struct timetable_decision *d) {
    return (struct slot_row){.schedule = h->id,
                             .fire = d->fire,
                             .last_fire = d->last_fire,
                             .count = d->count,
                             .window_start = d->window_start,
                             .window_end = d->window_end,
                             .outcome = d->run ? "run" : "skipped",
                             .reason = d->run ? NULL : skip_reason_names[d->reason],
                             .decided_at = turn_wall(c)};
}

/* After a clock that was set back some slots of a stretch may be decided already: the others, one by one. */
static int skip_each(struct conductor *c, const struct hand *h, const struct slot_row *stretch,
                     struct err *err) {
    struct slots *slots = slots_new(&h->schedule->rule);
    struct slot at;
    int rc = 0;
    for (bool there = slots_at(slots, stretch->fire, &at); there && at.fire <= stretch->last_fire && rc >= 0;
         there = slots_step(slots, &at)) {
        struct slot_row one = *stretch;
        one.fire = one.last_fire = at.fire;
        one.window_start = at.start;
        one.window_end = at.end;
        one.count = 1;
        rc = store_slot_add(c->store, &one, err);
    }
    slots_free(slots);
    return rc < 0 ? -1 : 0;
}

static int skip(struct conductor *c, const struct hand *h, const struct slot_row *slot, struct err *err) {
    report(c, "slots_skipped", 0, NULL,
           json_pack("{ss ss ss sI}", "pipeline", h->lane->name, "schedule", h->schedule->name, "reason",
                     slot->reason, "count", (json_int_t)slot->count));
    int hit = store_slot_add(c->store, slot, err);
    return hit == 0 && slot->count > 1 ? skip_each(c, h, slot, err) : hit < 0 ? -1 : 0;
}

static int skip_slots(struct conductor *c, const struct hand *h, const struct timetable_decision *d,
                      struct err *err) {
    struct slot_row slot = slot_of(c, h, d);
    return skip(c, h, &slot, err);
}

/* It was due when its file went. */
static int skip_slot_of_nobody(struct conductor *c, const struct hand *h, struct slot_row slot,
                               struct err *err) {
    slot.outcome = "skipped";
    slot.reason = "pipeline_gone";
    return skip(c, h, &slot, err);
}

/* After a clock that was set back a slot may come again: it was decided once, for ever. */
static int run_slot(struct conductor *c, const struct hand *h, const struct timetable_decision *d,
                    struct err *err) {
    struct slot_row slot = slot_of(c, h, d);
    struct run_request rq = {.trigger = "schedule",
                             .window_start = d->window_start,
                             .window_end = d->window_end,
                             .scheduled_for = d->fire,
                             .schedule = h->schedule->name,
                             .beside = h->schedule->if_running == RUNNING_allow};
    int64_t run = 0;
    rq.pipeline = c->options.find(c->options.find_ctx, h->lane->name, err);
    if (!rq.pipeline) return err->exit == EX_NOT_FOUND ? skip_slot_of_nobody(c, h, slot, err) : -1;
    int hit = queue_slot(c, &rq, &slot, &run, err);
    pipeline_free(rq.pipeline);
    if (hit == 1 && d->cancel_running) runs_supersede(c, h->lane, h->schedule->name, run, err);
    return hit < 0 ? -1 : 0;
}

static int in_force(struct conductor *c, struct hand *h, const struct timetable_move *m, struct err *err) {
    schedule_free(h->schedule);
    h->schedule = h->next;
    h->next = NULL;
    json_t *rule = schedule_stored_json(h->schedule, &m->join);
    if (h->held.until > m->to) held_put(rule, &h->held);
    int rc = store_schedule_rule(c->store, h->id, rule, m->to, err);
    json_decref(rule);
    return rc < 0 ? -1 : 0;
}

/* The part of a stretch of skipped slots that lies before `to`. */
static int cut_stretch(struct conductor *c, const struct hand *h, struct slot_row *stretch, instant_t to,
                       struct err *err) {
    struct slots *slots = slots_new(&h->schedule->rule);
    struct slot at;
    stretch->count = 0;
    for (bool there = slots_at(slots, stretch->fire, &at); there && at.fire <= to;
         there = slots_step(slots, &at)) {
        stretch->last_fire = at.fire;
        stretch->window_end = at.end;
        stretch->count++;
    }
    slots_free(slots);
    return stretch->count ? store_slot_cut(c->store, stretch, err) : 0;
}

/* The clock was set back and this slot comes again: what was skipped from it on is to be decided anew. */
static int forget_ahead(struct conductor *c, struct hand *h, instant_t fire, struct err *err) {
    struct arena *a = arena_new();
    struct slot_row stretch;
    instant_t to = fire - 1;
    int rc = store_slots_forget(c->store, h->id, to, err);
    int held = rc ? -1 : store_slot_at(c->store, h->id, to, a, &stretch, err);
    if (held == 1 && !stretch.run && stretch.last_fire > to) held = cut_stretch(c, h, &stretch, to, err);
    arena_free(a);
    h->is_behind = false;
    return held < 0 ? -1 : 0;
}

static int decide(struct conductor *c, const struct timetable_decision *d, struct err *err) {
    struct hand *h = idmap_get(&c->clock->hands, (uint64_t)d->id);
    if (h->is_behind && forget_ahead(c, h, d->fire, err)) return -1;
    return d->run ? run_slot(c, h, d, err) : skip_slots(c, h, d, err);
}

/* By more than three hours. */
static void set_back(struct conductor *c, const struct timetable_move *m) {
    struct hand *h = idmap_get(&c->clock->hands, (uint64_t)m->id);
    h->is_behind = true;
    report(c, "clock", 0, NULL,
           json_pack("{ss ss}", "what", "the clock was set back by more than three hours", "pipeline",
                     h->lane->name));
}

static int move(struct conductor *c, const struct timetable_move *m, struct err *err) {
    struct hand *h = idmap_get(&c->clock->hands, (uint64_t)m->id);
    int hit = m->from == m->to ? 1 : store_schedule_move(c->store, m->id, m->from, m->to, err);
    if (hit < 0) return -1;
    if (hit == 0)
        return err_set(err, EX_CONFLICT, "another program moved the cursor of schedule %s of %s",
                       h->schedule->name, h->lane->name);
    return m->changed ? in_force(c, h, m, err) : 0;
}

void clock_tick(struct conductor *c, size_t decisions) {
    struct clock *k = c->clock;
    struct err err;
    pauses_tick(c);
    struct timetable_budget budget = TIMETABLE_BUDGET;
    budget.decisions = decisions;
    timetable_tick(k->timetable, turn_wall(c), budget, &k->out);
    for (size_t i = 0; i < k->out.move_count; i++)
        if (k->out.moves[i].set_back) set_back(c, &k->out.moves[i]);
    for (size_t i = 0; i < k->out.count && !c->is_broken; i++)
        if (decide(c, &k->out.decisions[i], &err)) turn_broke(c, &err);
    for (size_t i = 0; i < k->out.move_count && !c->is_broken; i++)
        if (move(c, &k->out.moves[i], &err)) turn_broke(c, &err);
    k->out.count = k->out.move_count = 0;
    if (k->leaving && !c->is_broken) hands_let_go(c);
}

void clock_busy(struct conductor *c, const struct lane *l, bool busy) {
    if (c->clock) timetable_busy(c->clock->timetable, clock_group(l), busy);
}

bool clock_idle(struct conductor *c) {
    struct clock *k = c->clock;
    instant_t due = k ? timetable_next_due(k->timetable, NULL) : INSTANT_NONE, now = turn_wall(c),
              until = pauses_next(c);
    if (clock_doubted(c)) return true;
    if (k && k->leaving) return false;
    return (due == INSTANT_NONE || due > now) && (until == INSTANT_NONE || until > now);
}

bool clock_first(struct conductor *c, struct clock_first *out) {
    int64_t id;
    instant_t due = c->clock ? timetable_next_due(c->clock->timetable, &id) : INSTANT_NONE;
    const struct hand *h = due == INSTANT_NONE ? NULL : idmap_get(&c->clock->hands, (uint64_t)id);
    if (!h) return false;
    *out = (struct clock_first){.pipeline = h->lane->name, .schedule = h->schedule->name, .due = due};
    return true;
}

duration_t clock_lag(const struct conductor *c) { return c->clock ? c->clock->lag : 0; }

struct timetable *clock_timetable(struct conductor *c) {
    return c->clock ? c->clock->timetable : NULL;
}
int64_t clock_group(const struct lane *l) { return (int64_t)hash_bytes(l->name, strlen(l->name)); }

/* ---- life ---- */

static int enter_first(struct conductor *c, struct err *err) {
    if (store_begin(c->store, err)) return -1;
    hands_enter_all(c);
    if (!c->is_broken) return store_commit(c->store, err);
    store_rollback(c->store);
    *err = c->broken;
    return -1;
}

void clock_look(struct conductor *c) {
    struct clock *k = c->clock;
    bool doubted = clock_doubted(c);
    if (doubted != k->doubted) clock_doubt_report(c, doubted);
    k->doubted = doubted;
    if (doubted || !k->waits) return;
    k->waits = false;
    hands_enter_all(c);
}

int clock_open(struct conductor *c, struct err *err) {
    struct clock *k = xcalloc(1, sizeof *k);
    k->timetable = timetable_new();
    k->armed = INSTANT_NONE;
    k->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    c->clock = k;
    triggers_open(c);
    if (k->fd < 0) return err_errno(err, "cannot wait for the clock");
    uv_poll_init(&c->loop, &k->poll, k->fd);
    k->poll.data = c;
    uv_poll_start(&k->poll, UV_READABLE, rang);
    if (pauses_open(c, err)) return -1; /* before any schedule goes: what a pause holds back ends with it */
    return enter_first(c, err);
}

/* Before the loop is closed. */
void clock_close(struct conductor *c) {
    struct clock *k = c->clock;
    if (!k) return;
    size_t at = 0;
    for (struct hand *h; (h = idmap_next(&k->hands, &at));) {
        h->lane->hands = NULL;
        hand_free(h);
    }
    if (k->fd >= 0) {
        uv_close((uv_handle_t *)&k->poll, NULL);
        uv_run(&c->loop, UV_RUN_NOWAIT);
        close(k->fd);
    }
    idmap_release(&k->hands);
    timetable_out_release(&k->out);
    timetable_free(k->timetable);
    free(k);
    c->clock = NULL;
    triggers_close(c);
}
