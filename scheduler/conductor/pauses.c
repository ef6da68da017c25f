/* pauses.c: pipelines that start nothing by themselves for a while.
 *
 * A pause is a row with an optional end and what becomes of the slots that come meanwhile (catch_up).
 * Resuming by hand gives the row an end, now, unless it has one that has passed: so it is done the same way
 * when nobody serves, and the next daemon finds it. In a turn, pauses whose end has come are taken away, and
 * the timetable decides what they held back: not all at once where jitter or the budget says later. So that a
 * daemon that begins meanwhile knows, too, the rule of each schedule keeps what is held:
 *
 *   "held": {"from", "until", "catch_up"}      means nothing once the cursor has passed `until` */
#include "scheduler/conductor/hands.h"

#include "base/arena.h"
#include "base/json.h"
#include "store/schedules.h"

#include <string.h>

static const char *const catch_ups[] = {
    [CATCH_UP_none] = "none", [CATCH_UP_latest] = "latest", [CATCH_UP_all] = "all"};

static enum catch_up catch_up_of(const char *word) {
    for (size_t i = 0; word && i < sizeof catch_ups / sizeof *catch_ups; i++)
        if (strcmp(word, catch_ups[i]) == 0) return (enum catch_up)i;
    return CATCH_UP_none;
}

/* ---- what is held ---- */

void held_put(json_t *rule, const struct held *h) {
    json_put(rule, "held",
             json_pack("{sI sI ss}", "from", (json_int_t)h->from, "until", (json_int_t)h->until, "catch_up",
                       catch_ups[h->catch_up]));
}

static bool held_of(const json_t *rule, struct held *out) {
    const json_t *held = json_object_get(rule, "held");
    *out = (struct held){.from = json_int(held, "from", 0),
                         .until = json_int(held, "until", 0),
                         .catch_up = catch_up_of(json_text(held, "catch_up"))};
    return held != NULL;
}

bool held_read(const char *rule, struct held *out) {
    json_t *j = json_loads(rule, 0, NULL);
    bool found = held_of(j, out);
    json_decref(j);
    return found;
}

/* As the timetable does: with what an earlier pause holds back still it is one. */
static int keep_held(struct conductor *c, const struct schedule_row *row, struct held held, struct err *err) {
    struct hand *h = idmap_get(&c->clock->hands, (uint64_t)row->id);
    struct held before;
    if (!h || row->cursor >= held.until) return 0;
    json_t *rule = json_loads(row->rule, 0, NULL);
    if (held_of(rule, &before) && before.until > row->cursor && before.from < held.from)
        held.from = before.from;
    h->held = held;
    held_put(rule, &held);
    int rc = store_schedule_rule(c->store, row->id, rule, row->changed_at, err) < 0 ? -1 : 0;
    json_decref(rule);
    return rc;
}

static int keep_all_held(struct conductor *c, const struct pause_row *p, struct err *err) {
    const struct held held = {p->at, p->until, catch_up_of(p->catch_up)};
    struct arena *a = arena_new();
    struct schedule_row *rows;
    size_t n = 0;
    int rc = store_schedules_list(c->store, p->pipeline, a, &rows, &n, err) < 0 ? -1 : 0;
    for (size_t i = 0; i < n && !rc; i++) rc = keep_held(c, &rows[i], held, err);
    arena_free(a);
    return rc;
}

/* ---- pauses come and go ---- */

/* The rows have changed: the timetable is told which groups are paused. */
int pauses_open(struct conductor *c, struct err *err) {
    struct arena *a = arena_new();
    struct pause_row *rows;
    size_t n;
    c->pause_until = INSTANT_NONE;
    int rc = store_pauses_list(c->store, INSTANT_NONE, a, &rows, &n, err);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        struct lane *l = lane_of(c, rows[i].pipeline);
        l->paused = true;
        l->paused_at = rows[i].at;
        if (clock_timetable(c)) timetable_pause(clock_timetable(c), clock_group(l), l->paused_at);
        if (rows[i].until != INSTANT_NONE &&
            (c->pause_until == INSTANT_NONE || rows[i].until < c->pause_until))
            c->pause_until = rows[i].until;
    }
    arena_free(a);
    c->wants_turn = true;
    return rc < 0 ? -1 : 0;
}

instant_t pauses_next(const struct conductor *c) { return c->pause_until; }

static int end_pause(struct conductor *c, const struct pause_row *p, struct err *err) {
    struct lane *l = lane_of(c, p->pipeline);
    if (store_resume(c->store, p->pipeline, err) < 0 || keep_all_held(c, p, err)) return -1;
    l->paused = false;
    timetable_resume(clock_timetable(c), clock_group(l), p->at, p->until, catch_up_of(p->catch_up));
    triggers_resume(c, l, p->at, p->until, p->catch_up);
    lane_touch(c, l);
    report(c, "resumed", 0, NULL, json_pack("{ss ss}", "pipeline", p->pipeline, "catch_up", p->catch_up));
    return 0;
}

void pauses_tick(struct conductor *c) {
    instant_t now = turn_wall(c);
    struct err err;
    if (c->pause_until == INSTANT_NONE || c->pause_until > now) return;
    struct arena *a = arena_new();
    struct pause_row *rows;
    size_t n = 0;
    c->pause_until = INSTANT_NONE;
    if (store_pauses_list(c->store, INSTANT_NONE, a, &rows, &n, &err) < 0) turn_broke(c, &err);
    for (size_t i = 0; i < n && !c->is_broken; i++) {
        if (rows[i].until == INSTANT_NONE) continue;
        if (rows[i].until <= now && end_pause(c, &rows[i], &err)) turn_broke(c, &err);
        if (rows[i].until > now && (c->pause_until == INSTANT_NONE || rows[i].until < c->pause_until))
            c->pause_until = rows[i].until;
    }
    arena_free(a);
}
