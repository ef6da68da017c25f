/* admit.c: which of the runs that wait in the database begin.
 *
 * A run waits as a row, `queued`; it costs memory only from its beginning on. Each pipeline with runs has a
 * lane: when something about it changed (a run ended, one was queued, a definition came), the lane is dirty,
 * and the next turn begins what may begin, oldest first:
 *
 *   runs of a backfill, and `if_running: allow`   at once: they have caps of their own, or none
 *   all others                                    while fewer than max_active_runs are counted
 *   made by a schedule or a dataset               not while the pipeline is paused
 *   `depends_on_past`                             when the run of the slot before ended ok or warn
 *
 * A pipeline that has no good definition keeps its runs waiting; one that is gone has them end `skipped`. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"
#include "store/schedules.h"

#include <stdlib.h>
#include <string.h>

enum {
    LANES_A_TURN = 64
}; /* a thousand pipelines due at once begin in many turns: the first steps start at once */

/* ---- lanes ---- */

struct lane *lane_of(struct conductor *c, const char *pipeline) {
    uint64_t id = hash_bytes(pipeline, strlen(pipeline));
    struct lane *l = idmap_get(&c->lanes, id);
    if (l) return l;
    l = xcalloc(1, sizeof *l);
    l->name = xstrdup(pipeline);
    idmap_put(&c->lanes, id, l);
    return l;
}

void lane_touch(struct conductor *c, struct lane *l) {
    if (l->dirty) return;
    l->dirty = true;
    GROW(c->dirty, c->dirty_count, c->dirty_cap);
    c->dirty[c->dirty_count++] = l;
    c->wants_turn = true;
}

/* What was remembered of rows that are not there now. */
void lanes_rollback(struct conductor *c) {
    size_t at = 0;
    store_rollback(c->store);
    for (struct lane *l; (l = idmap_next(&c->lanes, &at));) l->definition = 0;
}

void lanes_release(struct conductor *c) {
    size_t at = 0;
    for (struct lane *l; (l = idmap_next(&c->lanes, &at));) {
        free(l->blocked);
        free(l->name);
        free(l);
    }
    idmap_release(&c->lanes);
    free(c->dirty);
    free(c->beside);
}

/* ---- one run ---- */

struct admission {
    struct conductor *c;
    struct lane *lane;
    struct arena *arena;
    struct pipeline *pipeline; /* found once for the lane; borrowed from here on */
    struct run_row row;
};

static bool waits_for_anybody(const struct admission *k) {
    const struct conductor_options *o = &k->c->options;
    return o->serves || k->row.parent != 0 || (k->row.backfill && k->row.backfill == o->backfill);
}

/* A pause holds back what nobody asked for just now. */
static bool starts_by_itself(const struct run_row *row) {
    return strcmp(row->trigger, "schedule") == 0 || strcmp(row->trigger, "dataset") == 0;
}

/* depends_on_past: 1 the slot before is done well (or there was none), 0 it is not; -1 with err. */
static int past_is_well(struct admission *k, struct err *err) {
    struct run_row before;
    if (!k->pipeline->depends_on_past || !*k->row.schedule) return 1;
    int found = store_run_before(k->c->store, k->row.pipeline, k->row.schedule, k->row.scheduled_for,
                                 k->arena, &before, err);
    if (found <= 0) return found < 0 ? -1 : 1;
    return run_ended_well(before.state) || strcmp(before.state, "skipped") == 0;
}

int run_end_queued(struct conductor *c, const struct run_row *row, const char *to, const char *reason,
                   struct err *err) {
    struct run_move m = {.run = row->id, .from = "queued", .to = to, .reason = reason, .at = turn_wall(c)};
    int hit = store_run_move(c->store, &m, err);
    if (hit <= 0) return hit;
    if (row->backfill && backfills_run_ended(c, row->id, to, reason, err)) return -1;
    child_ended(c, row->parent);
    lane_touch(c, lane_of(c, row->pipeline));
    report(c, "run_finished", row->id, NULL,
           json_pack("{ss ss ss}", "pipeline", row->pipeline, "result", to, "reason", reason));
    return 1;
}

static int end_queued(const struct admission *k, const char *to, const char *reason, struct err *err) {
    return run_end_queued(k->c, &k->row, to, reason, err) < 0 ? -1 : 0;
}

/* It cannot begin as it was asked for (a step it names is gone, a parameter has no value): an end like any
 * other. */
static int refuse(struct admission *k, const struct err *why, struct err *err) {
    report(k->c, "refused", k->row.id, NULL, json_pack("{ss ss}", "message", why->msg, "hint", why->hint));
    return end_queued(k, "failed", "cannot_begin", err);
}

static int begin(struct admission *k, struct err *err) {
    struct err why = {0};
    struct live_run *r = run_from_row(k->c, &k->row, pipeline_share(k->pipeline), &why);
    if (!r) return store_in_transaction(k->c->store) ? refuse(k, &why, err) : (*err = why, -1);
    return live_enter(k->c, r, &(struct entrance){.state = RUN_queued}, err);
}

/* 1: began or ended; 0: it goes on waiting; -1 with err. */
static int consider(struct admission *k, struct err *err) {
    if (!waits_for_anybody(k) || (k->lane->paused && starts_by_itself(&k->row))) return 0;
    int well = past_is_well(k, err);
    if (well <= 0) return well;
    return begin(k, err) ? -1 : 1;
}

/* 1: there is a definition; 0: wait for one. A pipeline that is gone ends what waits. */
static int find_definition(struct admission *k, bool *gone) {
    struct err why = {0};
    const struct conductor_options *o = &k->c->options;
    if (!o->find) return 0;
    if (!k->pipeline) k->pipeline = o->find(o->find_ctx, k->lane->name, &why);
    *gone = !k->pipeline && why.exit == EX_NOT_FOUND && o->serves;
    return k->pipeline || *gone;
}

static int admit_row(struct admission *k, struct err *err) {
    bool gone = false;
    if (!find_definition(k, &gone)) return 0;
    if (!gone) return consider(k, err);
    return end_queued(k, "skipped", "pipeline_gone", err) ? -1 : 1;
}

/* ---- one lane ---- */

static bool is_full(const struct admission *k) {
    return k->pipeline && (int64_t)k->lane->counted >= k->pipeline->max_active_runs;
}

bool stands_beside(const struct run_row *row) {
    json_t *options = row->options ? json_loads(row->options, 0, NULL) : NULL;
    bool beside = row->backfill || json_flag(options, "beside");
    json_decref(options);
    return beside;
}

/* The head of each queue (of a schedule, of all else): what stands behind one that may not begin need not be
 * looked at. After one that began, the lane is looked at once more: for what stood behind it. */
static int admit_lane(struct admission *k, struct err *err) {
    struct run_row *heads;
    size_t n;
    bool gone, waits = false;
    if (store_runs_waiting(k->c->store, k->lane->name, k->arena, &heads, &n, err) < 0) return -1;
    if (n) find_definition(k, &gone); /* it says how many may run at once */
    for (size_t i = 0; i < n; i++) waits |= !heads[i].backfill;
    for (size_t i = 0; i < n && !is_full(k); i++) {
        if (live_find(k->c, heads[i].id) || stands_beside(&heads[i])) continue;
        k->row = heads[i];
        int began = admit_row(k, err);
        if (began < 0) return -1;
        if (began) lane_touch(k->c, k->lane);
    }
    clock_busy(k->c, k->lane, waits || k->lane->live);
    return 0;
}

static void add_beside(struct conductor *c, struct lane *l, int64_t run) {
    GROW(c->beside, c->beside_count, c->beside_cap);
    c->beside[c->beside_count++] = (struct beside){.run = run, .lane = l};
    c->wants_turn = true;
}

/* Something about the lane has changed: what was in their way may be gone. */
static void look_again_beside(struct conductor *c, struct lane *l) {
    for (size_t i = 0; i < l->blocked_count; i++) add_beside(c, l, l->blocked[i]);
    l->blocked_count = 0;
}

static void admit_dirty(struct conductor *c) {
    size_t n = c->dirty_count < LANES_A_TURN ? c->dirty_count : LANES_A_TURN;
    for (size_t i = 0; i < n && !c->is_broken; i++) {
        struct admission k = {.c = c, .lane = c->dirty[i], .arena = arena_new()};
        struct err err;
        k.lane->dirty = false;
        look_again_beside(c, k.lane);
        if (admit_lane(&k, &err) < 0) turn_broke(c, &err);
        pipeline_free(k.pipeline);
        arena_free(k.arena);
    }
    if (n) memmove(c->dirty, c->dirty + n, (c->dirty_count - n) * sizeof *c->dirty);
    c->dirty_count -= n;
    c->wants_turn |= c->dirty_count > 0;
}

/* ---- those that stand in no queue ---- */

void admit_beside(struct conductor *c, const char *pipeline, int64_t run) {
    add_beside(c, lane_of(c, pipeline), run);
}

static void block(struct lane *l, int64_t run) {
    GROW(l->blocked, l->blocked_count, l->blocked_cap);
    l->blocked[l->blocked_count++] = run;
}

/* 1: it is no longer to be looked at. */
static int admit_by_id(struct admission *k, int64_t run, struct err *err) {
    if (live_find(k->c, run)) return 1;
    int found = store_run_get(k->c->store, run, k->arena, &k->row, err);
    if (found <= 0) return found < 0 ? -1 : 1;
    return strcmp(k->row.state, "queued") == 0 ? admit_row(k, err) : 1;
}

/* Those that cannot begin yet (no definition, a pause) wait with their lane. */
static void admit_all_beside(struct conductor *c) {
    size_t n = c->beside_count < LANES_A_TURN ? c->beside_count : LANES_A_TURN;
    for (size_t i = 0; i < n && !c->is_broken; i++) {
        struct admission k = {.c = c, .lane = c->beside[i].lane, .arena = arena_new()};
        struct err err;
        int done = admit_by_id(&k, c->beside[i].run, &err);
        if (done < 0) turn_broke(c, &err);
        if (done == 0) block(k.lane, c->beside[i].run);
        pipeline_free(k.pipeline);
        arena_free(k.arena);
    }
    if (n) memmove(c->beside, c->beside + n, (c->beside_count - n) * sizeof *c->beside);
    c->beside_count -= n;
    c->wants_turn |= c->beside_count > 0;
}

void admit_waiting(struct conductor *c) {
    admit_dirty(c);
    admit_all_beside(c);
}

/* ---- a newer one takes their place ---- */

static int supersede_waiting(struct conductor *c, struct lane *l, const char *schedule, int64_t newest,
                             struct arena *a, struct err *err) {
    int64_t after = 0, id;
    int found;
    for (; (found = store_run_waiting(c->store, l->name, after, &id, err)) == 1; after = id) {
        struct run_row row;
        if (id == newest || live_find(c, id)) continue;
        int there = store_run_get(c->store, id, a, &row, err);
        if (there < 0) return -1;
        if (!there || row.backfill || strcmp(row.schedule, schedule) != 0) continue;
        if (run_end_queued(c, &row, "cancelled", "superseded", err) < 0) return -1;
    }
    return found;
}

void runs_supersede(struct conductor *c, struct lane *l, const char *schedule, int64_t newest,
                    struct err *err) {
    struct arena *a = arena_new();
    for (struct live_run *r = l->runs; r; r = r->lane_next)
        if (!r->ended && !r->backfill) conductor_cancel(c, r->id, false, "superseded");
    if (supersede_waiting(c, l, schedule, newest, a, err) < 0) turn_broke(c, err);
    arena_free(a);
}
