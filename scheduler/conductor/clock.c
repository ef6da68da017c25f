/* clock.c: the timetable driven by the wall clock: slots become rows, and runs that wait for their turn.
 *
 * A tick is part of a turn: the slots it decided, the moves of their schedules' cursors and the rows of the
 * runs it makes are one transaction. Schedules outlive definitions here: each is a copy, and what was
 * scheduled until an edit is decided by what was said then (timetable.h); `schedule.rule` in the database is
 * that copy for the next daemon.
 *
 * A schedule that is new begins now, or just before its first slot when `start` lies in the past.
 *
 * Its words changed: in a file that changed while this daemon ran, from now on; before, from the file's mtime
 * on. Of a broken file what ran last goes on (serve.c), by the words of the database.
 *
 * It is gone: what had fired is decided at once (timetable_end; what would run is skipped, pipeline_gone),
 * then it is let go; its cursor stays in the database. So it is, at the start, with one that went while nobody
 * served, by its words in the database: what had fired up to now, or up to the mtime of a file that does
 * without it. It comes back: within a minute as if it had never been away, later it begins anew, now. One
 * whose words cannot be read (its zone is gone) is kept: nobody can say what had fired. Every start says so
 * and tries again.
 *
 * The clock is waited for by a timerfd that is also told when somebody sets the clock. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"
#include "scheduler/catalog.h"
#include "scheduler/timetable/timetable.h"
#include "store/schedules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define AWAY_AS_IF_NOT SLOT_ON_TIME

/* One schedule of one pipeline. */
struct hand {
    int64_t id; /* of its row */
    struct lane *lane;
    struct schedule *schedule, *next; /* next: of an edit that is not in force yet */
    unsigned zone_age;
    bool seen, leaving;
    struct hand *sibling; /* of the same pipeline */
};

struct clock {
    struct timetable *timetable;
    struct timetable_out out;
    struct idmap hands; /* by id */
    instant_t armed;    /* what the loop waits for; INSTANT_NONE: nothing, or it is due already */
    duration_t lag;     /* how late it woke for it the last time */
    uv_poll_t poll;
    int fd;
    unsigned zone_age; /* how often zone data changed: a schedule of before is changed though its words are
                          the same */
    bool leaving;      /* some hand is */
    bool doubted;      /* the clock, in the turn before */
    bool waits;        /* some definition does, for a clock that can be right */
};

static int64_t group_of(const struct lane *l) { return (int64_t)hash_bytes(l->name, strlen(l->name)); }

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

/* ---- hands come and go ---- */

static void hand_free(struct hand *h) {
    schedule_free(h->schedule);
    schedule_free(h->next);
    free(h);
}

static struct hand *hand_named(const struct lane *l, const char *name) {
    struct hand *h = l->hands;
    while (h && strcmp(h->schedule->name, name) != 0) h = h->sibling;
    return h;
}

static char *rule_text(const struct schedule *s) {
    json_t *rule = schedule_rule_json(s);
    char *text = json_dumps(rule, JSON_SORT_KEYS | JSON_COMPACT);
    json_decref(rule);
    return text;
}

static instant_t clamp(instant_t t, instant_t low, instant_t high) {
    return t < low ? low : t > high ? high : t;
}

/* Another file says something else now: from `at` on. */
static void hand_change(struct conductor *c, struct hand *h, const struct schedule *s, instant_t at) {
    schedule_free(h->next);
    h->next = schedule_copy(s);
    timetable_change(c->clock->timetable, h->id, h->next, at);
    c->wants_turn = true;
}

static instant_t first_cursor(const struct schedule *s, instant_t now) {
    struct slots *slots = slots_new(&s->rule);
    instant_t cursor = slots_first_cursor(slots, now);
    slots_free(slots);
    return cursor;
}

struct entering {
    struct conductor *c;
    struct lane *lane;
    const struct schedule *schedule;
    instant_t now, changed_at; /* the file's mtime */
    struct arena *arena;
    struct schedule_row row;
    bool is_new, is_broken; /* its file: what ran last goes on, by the words of the database */
};

static int write_entering(struct entering *e, struct err *err) {
    json_t *rule = schedule_rule_json(e->schedule);
    struct schedule_spec spec = {.pipeline = e->lane->name,
                                 .name = e->schedule->name,
                                 .cursor = first_cursor(e->schedule, e->now),
                                 .rule = rule,
                                 .at = e->now};
    int there = store_schedule_ensure(e->c->store, &spec, e->arena, &e->row, err);
    json_decref(rule);
    if (there < 0) return -1;
    e->is_new = there == 0;
    bool away = !e->is_new && e->row.gone_at != INSTANT_NONE && e->now - e->row.gone_at > AWAY_AS_IF_NOT;
    if (!away || e->row.cursor >= e->now) return 0;
    if (store_schedule_move(e->c->store, e->row.id, e->row.cursor, e->now, err) < 0) return -1;
    e->row.cursor = e->now;
    return 0;
}

/* The schedule as it was last decided by: its words in the database, where they still mean something. */
static struct schedule *decided_by(const struct entering *e) {
    struct err ignored;
    struct tz_set *zones = e->c->options.project->zone_data;
    json_t *rule = e->is_new ? NULL : json_loads(e->row.rule, 0, NULL);
    struct schedule *s = rule ? schedule_from_rule(e->schedule->name, rule, zones, &ignored) : NULL;
    json_decref(rule);
    return s ? s : schedule_copy(e->schedule);
}

/* schedule: handed over. */
static struct hand *hand_new(struct conductor *c, struct lane *l, const struct schedule_row *row,
                             struct schedule *schedule) {
    struct clock *k = c->clock;
    struct hand *h = xcalloc(1, sizeof *h);
    *h = (struct hand){
        .id = row->id, .lane = l, .schedule = schedule, .zone_age = k->zone_age, .sibling = l->hands};
    l->hands = h;
    idmap_put(&k->hands, (uint64_t)h->id, h);
    timetable_add(k->timetable,
                  &(struct timetable_spec){.id = h->id,
                                           .group = group_of(l),
                                           .schedule = h->schedule,
                                           .cursor = row->cursor,
                                           .since = row->created_at},
                  turn_wall(c));
    c->wants_turn = true;
    return h;
}

/* What fired up to `at` is decided in the next ticks, then it is let go. */
static void hand_leave(struct conductor *c, struct hand *h, instant_t at) {
    h->leaving = c->clock->leaving = true;
    timetable_end(c->clock->timetable, h->id, at);
    c->wants_turn = true;
}

static void hand_add(struct entering *e) {
    struct hand *h = hand_new(e->c, e->lane, &e->row, decided_by(e));
    h->seen = true;
    char *was = rule_text(h->schedule), *is = rule_text(e->schedule);
    if (strcmp(was, is) != 0 && !e->is_broken)
        hand_change(e->c, h, e->schedule, clamp(e->changed_at, e->row.cursor, e->now));
    free(was);
    free(is);
}

/* In a transaction of its own, or in that of the start, which writes down all of them. */
static int write_alone(struct entering *e, struct err *err) {
    if (store_in_transaction(e->c->store)) return write_entering(e, err);
    if (store_begin(e->c->store, err)) return -1;
    if (write_entering(e, err) == 0) return store_commit(e->c->store, err);
    store_rollback(e->c->store);
    return -1;
}

static int hand_enter(struct entering *e, struct err *err) {
    e->arena = arena_new();
    int rc = write_alone(e, err);
    if (!rc) hand_add(e);
    arena_free(e->arena);
    return rc;
}

static int hand_update(struct conductor *c, struct lane *l, const struct schedule *s,
                       const struct catalog_entry *e, struct err *err) {
    struct hand *h = hand_named(l, s->name);
    if (!h) {
        struct entering in = {.c = c,
                              .lane = l,
                              .schedule = s,
                              .now = turn_wall(c),
                              .changed_at = e->changed_at,
                              .is_broken = e->problem};
        return hand_enter(&in, err);
    }
    h->seen = true;
    h->leaving = false;
    timetable_end(c->clock->timetable, h->id, INSTANT_NONE);
    if (e->problem) return 0; /* what ran last goes on, by the words in force */
    char *was = rule_text(h->next ? h->next : h->schedule), *is = rule_text(s);
    if (strcmp(was, is) != 0 || h->zone_age != c->clock->zone_age) hand_change(c, h, s, turn_wall(c));
    h->zone_age = c->clock->zone_age;
    free(was);
    free(is);
    return 0;
}

void clock_definition(struct conductor *c, const char *pipeline, const struct catalog_entry *e) {
    struct lane *l = lane_of(c, pipeline);
    struct err err;
    if (!c->clock || (e && !e->pipeline)) return; /* broken, and never was good */
    triggers_definition(c, pipeline, e);
    if (e && clock_doubted(c)) {
        c->clock->waits = true;
        return;
    }
    for (struct hand *h = l->hands; h; h = h->sibling) h->seen = false;
    for (size_t i = 0; e && i < e->pipeline->schedule_count; i++)
        if (e->pipeline->schedules[i].firing_count && hand_update(c, l, &e->pipeline->schedules[i], e, &err))
            turn_broke(c, &err);
    for (struct hand *h = l->hands; h; h = h->sibling)
        if (!h->seen) hand_leave(c, h, turn_wall(c));
}

/* One that leaves and of which all that was due is decided; *more: others still decide. */
static struct hand *hand_over(struct clock *k, bool *more) {
    size_t at = 0;
    *more = false;
    for (struct hand *h; (h = idmap_next(&k->hands, &at));) {
        if (!h->leaving) continue;
        if (timetable_ended(k->timetable, h->id)) return h;
        *more = true;
    }
    return NULL;
}

static void hand_remove(struct clock *k, struct hand *h) {
    struct hand **link = &h->lane->hands;
    timetable_remove(k->timetable, h->id);
    idmap_remove(&k->hands, (uint64_t)h->id);
    while (*link != h) link = &(*link)->sibling;
    *link = h->sibling;
    hand_free(h);
}

/* In a turn, after its tick. */
static void let_go(struct conductor *c) {
    struct clock *k = c->clock;
    struct err err;
    for (struct hand *h; (h = hand_over(k, &k->leaving));) { /* the map changes while it is walked through */
        if (store_schedule_gone(c->store, h->id, turn_wall(c), &err) < 0) turn_broke(c, &err);
        hand_remove(k, h);
    }
    c->wants_turn |= k->leaving;
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

static int skip(struct conductor *c, const struct hand *h, const struct slot_row *slot, struct err *err) {
    report(c, "slots_skipped", 0, NULL,
           json_pack("{ss ss ss sI}", "pipeline", h->lane->name, "schedule", h->schedule->name, "reason",
                     slot->reason, "count", (json_int_t)slot->count));
    return store_slot_add(c->store, slot, err) < 0 ? -1 : 0;
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

static int decide(struct conductor *c, const struct timetable_decision *d, struct err *err) {
    const struct hand *h = idmap_get(&c->clock->hands, (uint64_t)d->id);
    return d->run ? run_slot(c, h, d, err) : skip_slots(c, h, d, err);
}

static int in_force(struct conductor *c, struct hand *h, const struct timetable_move *m, struct err *err) {
    schedule_free(h->schedule);
    h->schedule = h->next;
    h->next = NULL;
    json_t *rule = schedule_stored_json(h->schedule, &m->join);
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

/* By more than three hours: what was skipped ahead of the clock is to be decided when its time comes
 * again. */
static int set_back(struct conductor *c, const struct hand *h, instant_t to, struct err *err) {
    struct arena *a = arena_new();
    struct slot_row stretch;
    report(c, "clock", 0, NULL,
           json_pack("{ss ss}", "what", "the clock was set back by more than three hours", "pipeline",
                     h->lane->name));
    int rc = store_slots_forget(c->store, h->id, to, err);
    int held = rc ? -1 : store_slot_at(c->store, h->id, to, a, &stretch, err);
    if (held == 1 && !stretch.run && stretch.last_fire > to) held = cut_stretch(c, h, &stretch, to, err);
    arena_free(a);
    return held < 0 ? -1 : 0;
}

static int move(struct conductor *c, const struct timetable_move *m, struct err *err) {
    struct hand *h = idmap_get(&c->clock->hands, (uint64_t)m->id);
    int hit = m->from == m->to ? 1 : store_schedule_move(c->store, m->id, m->from, m->to, err);
    if (hit < 0) return -1;
    if (hit == 0)
        return err_set(err, EX_CONFLICT, "another program moved the cursor of schedule %s of %s",
                       h->schedule->name, h->lane->name);
    if (m->set_back && set_back(c, h, m->to, err)) return -1;
    return m->changed ? in_force(c, h, m, err) : 0;
}

void clock_tick(struct conductor *c, size_t decisions) {
    struct clock *k = c->clock;
    struct err err;
    pauses_tick(c);
    struct timetable_budget budget = TIMETABLE_BUDGET;
    budget.decisions = decisions;
    timetable_tick(k->timetable, turn_wall(c), budget, &k->out);
    for (size_t i = 0; i < k->out.count && !c->is_broken; i++)
        if (decide(c, &k->out.decisions[i], &err)) turn_broke(c, &err);
    for (size_t i = 0; i < k->out.move_count && !c->is_broken; i++)
        if (move(c, &k->out.moves[i], &err)) turn_broke(c, &err);
    k->out.count = k->out.move_count = 0;
    if (k->leaving && !c->is_broken) let_go(c);
}

void clock_busy(struct conductor *c, const struct lane *l, bool busy) {
    if (c->clock) timetable_busy(c->clock->timetable, group_of(l), busy);
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
int64_t clock_group(const struct lane *l) { return group_of(l); }

/* ---- life ---- */

/* Until when a schedule that only the database knows was there; INSTANT_NONE: it is not gone, or it was let go
 * long ago. A broken file is no reason to forget where its schedules stood. */
static instant_t was_there_until(struct conductor *c, const struct schedule_row *row) {
    struct catalog_entry e;
    instant_t now = turn_wall(c);
    bool known = idmap_get(&c->clock->hands, (uint64_t)row->id) || triggers_have(c, row->id);
    if (row->gone_at != INSTANT_NONE || known) return INSTANT_NONE;
    if (catalog_find(c->catalog, row->pipeline, &e) != 1) return now;
    if (!e.pipeline) return INSTANT_NONE;
    instant_t at = e.changed_at > row->cursor ? e.changed_at : row->cursor;
    return at < now ? at : now;
}

static void report_unreadable(struct conductor *c, const struct schedule_row *row, const struct err *why) {
    report(c, "clock", 0, NULL,
           json_pack("{ss ss ss ss}", "what",
                     "what a schedule that is gone missed cannot be decided: the next start tries again",
                     "pipeline", row->pipeline, "schedule", row->name, "problem", why->msg));
}

static void leave_unknown(struct conductor *c, const struct schedule_row *row, struct arena *a) {
    struct err why;
    size_t n;
    instant_t at = was_there_until(c, row);
    if (at == INSTANT_NONE) return;
    bool after = after_part(row->name, &n);
    json_t *rule = json_loads(row->rule, 0, NULL);
    struct schedule *s = schedule_from_rule(arena_printf(a, "%.*s", (int)n, row->name), rule,
                                            c->options.project->zone_data, &why);
    struct lane *l = lane_of(c, row->pipeline);
    json_decref(rule);
    if (!s)
        report_unreadable(c, row, &why);
    else if (after)
        triggers_leave(c, l, row, s, at);
    else
        hand_leave(c, hand_new(c, l, row, s), at);
}

/* Schedules that went while nobody served. */
static int leave_all_unknown(struct conductor *c, struct err *err) {
    struct arena *a = arena_new();
    struct schedule_row *rows;
    size_t n = 0;
    int rc = store_schedules_list(c->store, NULL, a, &rows, &n, err) < 0 ? -1 : 0;
    for (size_t i = 0; i < n && !rc; i++) leave_unknown(c, &rows[i], a);
    arena_free(a);
    return rc;
}

/* In a transaction; a failure is the conductor's. */
static void enter_all(struct conductor *c) {
    struct catalog_entry e;
    struct err err;
    for (size_t at = 0; catalog_next(c->catalog, &at, &e) && !c->is_broken;)
        if (e.pipeline) clock_definition(c, e.name, &e);
    if (!c->is_broken && !c->clock->waits && leave_all_unknown(c, &err)) turn_broke(c, &err);
}

static int enter_first(struct conductor *c, struct err *err) {
    if (store_begin(c->store, err)) return -1;
    enter_all(c);
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
    enter_all(c);
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

void clock_zones_changed(struct conductor *c) { c->clock->zone_age++; }
