/* timetable_tick.c: what becomes of the slots that are due; the table in timetable.h, in code. */
#include "scheduler/timetable/timetable.h"

#include "base/arena.h"
#include "scheduler/timetable/timetable_impl.h"

/* What one schedule may do in one turn before the others get theirs. */
enum { TURN_SLOTS = 4096, TURN_DECISIONS = 256 };

/* One schedule's turn. */
struct turn {
    struct timetable *t;
    struct tt_entry *e;
    instant_t now;
    struct timetable_budget *budget;
    struct timetable_out *out;
    instant_t newest, newest_paused; /* fires; asked for once, when they matter */
    bool newest_known, newest_paused_known;
};

/* ---- the newest slot that is due */

static instant_t last_fire(struct slots *s, instant_t from, instant_t until) {
    struct slot w;
    return slots_prev(s, until + 1, &w) && w.fire > from ? w.fire : INSTANT_NONE;
}

static bool change_is_due(const struct turn *u) {
    const struct tt_entry *e = u->e;
    bool gone_before = e->ends != INSTANT_NONE && e->next_at > e->ends;
    return e->next && e->next_at <= u->now && !gone_before;
}

/* Of a schedule that goes the last ones are decided at once. */
static instant_t due_limit(const struct turn *u, const struct schedule *s) {
    return u->e->ends != INSTANT_NONE ? u->e->ends : u->now - s->delay;
}

/* Slots that fire up to here are this turn's. An edit decides the last ones of the old schedule at once. */
static instant_t limit_of(const struct turn *u) {
    return change_is_due(u) ? u->e->next_at : due_limit(u, u->e->schedule);
}

/* Up to where a newest one is looked for: what fired in a pause counts, also when jitter has it due later. */
static instant_t newest_limit(const struct turn *u, const struct schedule *s, instant_t until) {
    if (until == INSTANT_NONE) return due_limit(u, s);
    return u->e->ends != INSTANT_NONE && u->e->ends < until ? u->e->ends : until;
}

/* Of all slots that fire up to `until` (INSTANT_NONE: that are due) by the schedule as it is and as it will
 * be. */
static instant_t find_newest(const struct turn *u, instant_t until) {
    const struct tt_entry *e = u->e;
    instant_t limit = newest_limit(u, e->schedule, until), found = INSTANT_NONE;
    if (!change_is_due(u)) return last_fire(e->slots, e->cursor, limit);
    struct slots *next = tt_next_slots(e);
    instant_t from = e->cursor > e->next_at || slots_before_join(next) ? e->cursor : e->next_at;
    found = last_fire(next, from, newest_limit(u, e->next, until));
    slots_free(next);
    if (found != INSTANT_NONE) return found;
    return last_fire(e->slots, e->cursor, until != INSTANT_NONE && until < e->next_at ? until : e->next_at);
}

static bool is_newest(struct turn *u) {
    if (!u->newest_known) u->newest = find_newest(u, INSTANT_NONE);
    u->newest_known = true;
    return u->e->slot.fire == u->newest;
}

static bool is_newest_paused(struct turn *u) {
    if (!u->newest_paused_known) u->newest_paused = find_newest(u, u->e->caught_until);
    u->newest_paused_known = true;
    return u->e->slot.fire == u->newest_paused;
}

/* ---- one slot */

static bool fired_in_pause(const struct tt_entry *e) {
    return e->caught_until != INSTANT_NONE && e->slot.fire > e->caught_from &&
           e->slot.fire <= e->caught_until;
}

static enum skip_reason judge_paused(struct turn *u) {
    switch (u->e->catch_up) {
    case CATCH_UP_all: return SKIP_none;
    case CATCH_UP_latest: return is_newest_paused(u) ? SKIP_none : SKIP_paused;
    default: return SKIP_paused;
    }
}

static enum skip_reason judge_late(struct turn *u) {
    switch (u->e->schedule->if_missed) {
    case MISSED_run_all: return SKIP_none;
    case MISSED_run_latest: return is_newest(u) ? SKIP_none : SKIP_missed;
    default: return SKIP_missed;
    }
}

static enum skip_reason judge(struct turn *u) {
    const struct tt_entry *e = u->e;
    const struct schedule *s = e->schedule;
    duration_t late = u->now - (e->slot.fire + s->delay);
    enum skip_reason reason = SKIP_none;
    if (fired_in_pause(e))
        reason = judge_paused(u);
    else if (s->start_within && late > s->start_within)
        reason = SKIP_too_late;
    else if (late > SLOT_ON_TIME)
        reason = judge_late(u);
    if (reason == SKIP_none && s->if_running == RUNNING_skip && e->group->busy) reason = SKIP_running;
    return reason;
}

/* The stretch that this slot makes longer; NULL: there is none. */
static struct timetable_decision *stretch_of(const struct turn *u, enum skip_reason reason) {
    if (reason == SKIP_none || !u->out->count) return NULL;
    struct timetable_decision *d = &u->out->decisions[u->out->count - 1];
    return d->id == u->e->id && d->reason == reason ? d : NULL;
}

static void record(struct turn *u, enum skip_reason reason) {
    struct tt_entry *e = u->e;
    const struct slot *s = &e->slot;
    struct timetable_decision *d = stretch_of(u, reason);
    instant_t due = s->fire + e->schedule->delay;
    e->high = INSTANT_NONE; /* what was decided ahead of it never was */
    if (d) {
        d->last_fire = s->fire;
        d->window_end = s->end;
        d->due = due;
        d->count++;
        return;
    }
    bool run = reason == SKIP_none;
    GROW(u->out->decisions, u->out->count, u->out->cap);
    u->out->decisions[u->out->count++] = (struct timetable_decision){
        .id = e->id,
        .fire = s->fire,
        .last_fire = s->fire,
        .count = 1,
        .window_start = s->start,
        .window_end = s->end,
        .run = run,
        .reason = reason,
        .cancel_running = run && e->group->busy && e->schedule->if_running == RUNNING_cancel,
        .due = due};
    if (run) e->group->busy = true;
    u->budget->decisions--;
}

/* ---- one turn */

static void note_move(const struct turn *u) {
    struct tt_entry *e = u->e;
    if (e->cursor == e->told && !e->changed) return;
    if (e->move_tick != u->t->ticks) {
        GROW(u->out->moves, u->out->move_count, u->out->move_cap);
        e->move_tick = u->t->ticks;
        e->move_at = u->out->move_count;
        u->out->moves[u->out->move_count++] = (struct timetable_move){.id = e->id, .from = e->told};
    }
    struct timetable_move *m = &u->out->moves[e->move_at];
    m->to = e->told = e->cursor;
    m->changed = m->changed || e->changed;
    m->join = slots_rule(e->slots)->join;
    m->set_back = m->set_back || e->set_back;
    e->changed = e->set_back = false;
}

/* A clock that was set back has passed the old cursor again before any slot came: what it jumped over was
 * decided then. */
static void skip_decided(const struct turn *u) {
    struct tt_entry *e = u->e;
    if (e->high == INSTANT_NONE || u->now < e->high) return;
    bool late = e->slot.fire != INSTANT_NONE && u->now - e->slot.fire - e->schedule->delay > SLOT_ON_TIME;
    if (late && e->cursor < e->high) {
        e->cursor = e->high;
        tt_seek(e);
    }
    e->high = INSTANT_NONE;
}

/* false: there is more to do. */
static bool decide_slots(struct turn *u) {
    struct tt_entry *e = u->e;
    instant_t limit = limit_of(u);
    size_t decisions = u->budget->decisions, slots = u->budget->slots;
    while (e->slot.fire != INSTANT_NONE && e->slot.fire <= limit) {
        bool spent = !u->budget->decisions || !u->budget->slots;
        bool others =
            decisions - u->budget->decisions >= TURN_DECISIONS || slots - u->budget->slots >= TURN_SLOTS;
        if (spent || others) return false;
        record(u, judge(u));
        u->budget->slots--;
        e->cursor = e->slot.fire;
        if (!slots_step(e->slots, &e->slot)) e->slot.fire = INSTANT_NONE;
    }
    return true;
}

static void take_turn(struct turn *u) {
    struct tt_entry *e = u->e;
    skip_decided(u);
    bool done = decide_slots(u);
    if (done && change_is_due(u)) tt_apply_change(e);
    note_move(u);
    if (done)
        tt_queue(u->t, e); /* after a change perhaps at once */
    else
        tt_wait(u->t, e);
}

/* ---- a tick */

static void watch_clock(struct timetable *t, instant_t now) {
    if (t->seen == INSTANT_NONE || now >= t->seen) {
        t->seen = now;
        return;
    }
    if (now >= t->seen - CLOCK_SET_BACK) return;
    t->seen = now;
    size_t at = 0;
    for (struct tt_entry *e; (e = idmap_next(&t->entries, &at));) {
        tt_set_back(e, now);
        tt_queue(t, e);
    }
}

void timetable_tick(struct timetable *t, instant_t now, struct timetable_budget budget,
                    struct timetable_out *out) {
    t->ticks++;
    watch_clock(t, now);
    while (budget.decisions && budget.slots) {
        struct tt_entry *e = tt_take_due(t, now);
        if (!e) return;
        struct turn u = {.t = t, .e = e, .now = now, .budget = &budget, .out = out};
        take_turn(&u);
    }
}
