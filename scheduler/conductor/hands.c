/* hands.c: schedules of the clock come, change and go.
 *
 * They outlive definitions here: each is a copy, and what was scheduled until an edit is decided by what was
 * said then (timetable.h); `schedule.rule` in the database is that copy for the next daemon.
 *
 * A schedule that is new begins now, or just before its first slot when `start` lies in the past.
 *
 * Its words changed: in a file that changed while this daemon ran, from now on; before, from the file's mtime
 * on. Zone data changed: from now on; before, from the last firing that was decided on (clock_zones.c). Of a
 * broken file what ran last goes on (serve.c), by the words of the database.
 *
 * It is gone: what had fired is decided at once (timetable_end; what would run is skipped, pipeline_gone),
 * then it is let go; its cursor stays in the database. So it is, at the start, with one that went while nobody
 * served, by its words in the database: what had fired up to now, or up to the mtime of a file that does
 * without it. It comes back: within a minute as if it had never been away, later it begins anew, now. One
 * whose words cannot be read (its zone is gone) is kept: nobody can say what had fired. Every start says so
 * and tries again. */
#include "scheduler/conductor/hands.h"

#include "base/arena.h"
#include "base/json.h"
#include "scheduler/catalog.h"
#include "store/schedules.h"

#include <stdlib.h>
#include <string.h>

void hand_free(struct hand *h) {
    schedule_free(h->schedule);
    schedule_free(h->next);
    free(h);
}

static struct hand *hand_named(const struct lane *l, const char *name) {
    struct hand *h = l->hands;
    while (h && strcmp(h->schedule->name, name) != 0) h = h->sibling;
    return h;
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
    bool is_broken; /* its file: what ran last goes on, by the words of the database */
    bool is_anew;   /* it was away */
};

static int write_entering(struct conductor *c, void *ctx, struct err *err) {
    struct entering *e = ctx;
    json_t *rule = schedule_stored_json(e->schedule, &(struct slot_join){0});
    struct schedule_spec spec = {.pipeline = e->lane->name,
                                 .name = e->schedule->name,
                                 .cursor = first_cursor(e->schedule, e->now),
                                 .rule = rule,
                                 .at = e->now};
    int there = store_schedule_ensure(c->store, &spec, e->arena, &e->row, err);
    json_decref(rule);
    if (there < 0) return -1;
    e->is_anew = there && schedule_was_away(&e->row, e->now);
    if (!e->is_anew || e->row.cursor >= e->now) return 0;
    if (store_schedule_move(c->store, e->row.id, e->row.cursor, e->now, err) < 0) return -1;
    e->row.cursor = e->now;
    return 0;
}

/* The schedule as it was last decided by: its words in the database; NULL with err where they mean nothing any
 * more. *joined: by other zone data, that goes on where the last window ended. */
static struct schedule *decided_by(struct conductor *c, const struct schedule_row *row, const char *name,
                                   bool anew, bool *joined, struct err *err) {
    json_t *rule = json_loads(row->rule, 0, NULL);
    struct schedule *s = schedule_from_rule(name, rule, c->options.project->zone_data, err);
    *joined = s && clock_join_zones(c, row, anew, rule, s);
    json_decref(rule);
    return s;
}

/* What a pause held back and nobody has decided yet. */
static void take_held(struct conductor *c, struct hand *h, const struct schedule_row *row) {
    if (!held_read(row->rule, &h->held) || h->held.until <= row->cursor) return;
    timetable_catch(c->clock->timetable, h->id, h->held.from, h->held.until, h->held.catch_up);
}

/* schedule: handed over. */
static struct hand *hand_new(struct conductor *c, struct lane *l, const struct schedule_row *row,
                             struct schedule *schedule) {
    struct clock *k = c->clock;
    struct hand *h = xcalloc(1, sizeof *h);
    struct err ignored;
    instant_t ahead;
    if (store_slots_ahead(c->store, row->id, row->cursor, &ahead, &ignored)) ahead = INSTANT_NONE;
    *h = (struct hand){.id = row->id,
                       .lane = l,
                       .schedule = schedule,
                       .is_behind = ahead != INSTANT_NONE,
                       .sibling = l->hands};
    l->hands = h;
    idmap_put(&k->hands, (uint64_t)h->id, h);
    timetable_add(k->timetable,
                  &(struct timetable_spec){.id = h->id,
                                           .group = clock_group(l),
                                           .schedule = h->schedule,
                                           .cursor = row->cursor,
                                           .since = row->created_at,
                                           .high = ahead},
                  turn_wall(c));
    take_held(c, h, row);
    c->wants_turn = true;
    return h;
}

/* What fired up to `at` is decided in the next ticks, then it is let go. */
static void hand_leave(struct conductor *c, struct hand *h, instant_t at) {
    struct clock *k = c->clock;
    h->leaving = true;
    if (!h->listed) {
        h->next_leaving = k->leaving;
        k->leaving = h;
    }
    h->listed = true;
    timetable_end(k->timetable, h->id, at);
    c->wants_turn = true;
}

static void hand_add(struct entering *e) {
    struct err ignored;
    bool joined;
    struct schedule *s = decided_by(e->c, &e->row, e->schedule->name, e->is_anew, &joined, &ignored);
    struct hand *h = hand_new(e->c, e->lane, &e->row, s ? s : schedule_copy(e->schedule));
    h->seen = true;
    if (!schedule_same_words(h->schedule, e->schedule) && !e->is_broken)
        hand_change(e->c, h, e->schedule, clamp(e->changed_at, e->row.cursor, e->now));
    else if (joined)
        hand_change(e->c, h, h->schedule, e->row.cursor);
}

static int hand_enter(struct entering *e, struct err *err) {
    e->arena = arena_new();
    int rc = write_alone(e->c, write_entering, e, err);
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
    bool same = schedule_same_words(h->next ? h->next : h->schedule, s);
    if (!same) hand_change(c, h, s, turn_wall(c));
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

static void hand_remove(struct clock *k, struct hand *h) {
    struct hand **link = &h->lane->hands;
    timetable_remove(k->timetable, h->id);
    idmap_remove(&k->hands, (uint64_t)h->id);
    while (*link != h) link = &(*link)->sibling;
    *link = h->sibling;
    hand_free(h);
}

/* It is let go, or it came back. */
static bool is_over(const struct clock *k, const struct hand *h) {
    return !h->leaving || timetable_ended(k->timetable, h->id);
}

void hands_let_go(struct conductor *c) {
    struct clock *k = c->clock;
    struct err err;
    for (struct hand **link = &k->leaving, *h; (h = *link);) {
        if (!is_over(k, h)) {
            link = &h->next_leaving;
            continue;
        }
        *link = h->next_leaving;
        h->listed = false;
        if (!h->leaving) continue;
        if (store_schedule_gone(c->store, h->id, turn_wall(c), &err) < 0) turn_broke(c, &err);
        hand_remove(k, h);
    }
    c->wants_turn |= k->leaving != NULL;
}

/* ---- those that only the database knows ---- */

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
    bool after = after_part(row->name, &n), joined;
    const char *name = arena_printf(a, "%.*s", (int)n, row->name);
    struct schedule *s = decided_by(c, row, name, false, &joined, &why);
    struct lane *l = lane_of(c, row->pipeline);
    if (!s) {
        report_unreadable(c, row, &why);
    } else if (after) {
        triggers_leave(c, l, row, s, at);
    } else {
        struct hand *h = hand_new(c, l, row, s);
        if (joined) hand_change(c, h, s, row->cursor);
        hand_leave(c, h, at);
    }
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

void hands_enter_all(struct conductor *c) {
    struct catalog_entry e;
    struct err err;
    for (size_t at = 0; catalog_next(c->catalog, &at, &e) && !c->is_broken;)
        if (e.pipeline) clock_definition(c, e.name, &e);
    if (!c->is_broken && !c->clock->waits && leave_all_unknown(c, &err)) turn_broke(c, &err);
}

/* ---- zone data ---- */

/* A schedule with the zone data that there is now, read anew; its file may be broken, or not read yet. */
static void renew(struct conductor *c, struct hand *h) {
    const struct schedule *was = h->next ? h->next : h->schedule;
    struct err ignored;
    json_t *rule = schedule_rule_json(was);
    struct schedule *s = schedule_from_rule(was->name, rule, c->options.project->zone_data, &ignored);
    json_decref(rule);
    if (s && !schedule_same_zones(was, s)) hand_change(c, h, s, turn_wall(c));
    schedule_free(s);
}

void clock_zones_changed(struct conductor *c) {
    size_t at = 0;
    for (struct hand *h; (h = idmap_next(&c->clock->hands, &at));) renew(c, h);
}
