/* trigger_decide.c: which versions of datasets start a run, for which window, and what becomes of it.
 *
 *   any        each version that a run published starts a run for that run's window
 *   all        when each of the datasets has one since the last time: a run for the window of the latest of
 *              them
 *   all, same  a run for each day (month) of the schedule's zone, once, when all datasets are complete for it
 *              (scheduler/complete.h); looked at when one of them is published or a run that writes one ends
 *              well
 *
 * Versions of outside writers, of a rollback and of a restatement start nothing: the first two are nobody's
 * windows, a restatement runs again by itself what read the dataset, as far as it was asked to.
 *
 *   a firing                              becomes
 *   ------------------------------------  -------------------------------------------------------------------
 *   came during a pause                   by the catch-up of the resume: skipped (paused), or like any other;
 *                                         what came before it and was not decided: like any other
 *   no window, and the pipeline uses it   skipped (no_window)
 *   its file went in that moment          skipped (pipeline_gone)
 *   a run of it for the same window
 *   still waits for its turn              part of that run: it has not read anything yet
 *   what would run                        by if_running: wait, allow: a run; cancel: a run, what runs is
 *                                         cancelled; skip: skipped (running) while a run of the pipeline
 *                                         waits or runs
 *
 * Each firing is a slot of the trigger's own schedule row (fire: when the version was published, a little
 * later when another one has that instant), so that completeness, `depends_on_past` and `leat why` know it as
 * they know the clock's. */
#include "scheduler/conductor/triggers.h"

#include "base/arena.h"
#include "base/json.h"
#include "store/backfills.h"
#include "store/datasets.h"
#include "store/schedules.h"

#include <stdlib.h>
#include <string.h>

enum {
    VERSIONS_A_TURN = 64,
    UNITS_LOOKED_AT = 400, /* days or months of one window */
    UNITS_OPEN = 40,       /* that a daemon looks back to when it begins */
};

struct deciding {
    struct conductor *c;
    struct trigger *t;
    const struct held *held; /* NULL: no pause has ended */
    struct arena *arena;
    struct time_span *ready; /* with same: what fires */
    size_t ready_count, ready_cap;
    bool more;
};

struct firing_of {
    instant_t start, end; /* its window */
    instant_t at;
    const char *skip; /* reason; NULL: it runs */
    json_t *detail;   /* what decided it; handed over */
};

/* ---- a firing ---- */

/* Fires of one schedule row grow: two versions may have been published in one turn, or the clock been set
 * back. */
static int fire_instant(struct deciding *k, instant_t at, instant_t *fire, struct err *err) {
    struct trigger *t = k->t;
    struct slot_row *last;
    size_t n = 0;
    if (t->last_fire == INSTANT_NONE &&
        store_slots_last(k->c->store, t->id, INSTANT_NONE, 1, k->arena, &last, &n, err) < 0)
        return -1;
    if (n) t->last_fire = last[0].last_fire;
    *fire = at > t->last_fire ? at : t->last_fire + 1;
    return 0;
}

static bool is_live(const struct lane *l) {
    for (const struct live_run *r = l->runs; r; r = r->lane_next)
        if (!r->ended && !r->backfill) return true;
    return false;
}

/* A run of the pipeline waits or runs; those of a backfill are nobody's business. */
static int is_busy(struct deciding *k, struct err *err) {
    struct run_row *heads;
    size_t n;
    if (is_live(k->t->lane)) return 1;
    if (store_runs_waiting(k->c->store, k->t->lane->name, k->arena, &heads, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++)
        if (!heads[i].backfill) return 1;
    return 0;
}

static int skip_firing(struct deciding *k, const struct slot_row *slot, struct err *err) {
    report(k->c, "trigger_skipped", 0, NULL,
           json_pack("{ss ss ss}", "pipeline", k->t->lane->name, "schedule", k->t->schedule->name, "reason",
                     slot->reason));
    return store_slot_add(k->c->store, slot, err) < 0 ? -1 : 0;
}

static int run_firing(struct deciding *k, struct pipeline *p, const struct slot_row *slot, struct err *err) {
    enum if_running how = k->t->schedule->if_running;
    struct run_request rq = {.pipeline = p,
                             .trigger = "dataset",
                             .window_start = slot->window_start,
                             .window_end = slot->window_end,
                             .scheduled_for = slot->fire,
                             .schedule = k->t->name,
                             .beside = how == RUNNING_allow};
    int64_t run = 0;
    int hit = queue_slot(k->c, &rq, slot, &run, err);
    if (hit == 1 && how == RUNNING_cancel) runs_supersede(k->c, k->t->lane, k->t->name, run, err);
    if (hit == 1)
        report(k->c, "triggered", run, NULL,
               json_pack("{ss ss so}", "pipeline", p->name, "schedule", k->t->schedule->name, "by",
                         json_loads(slot->detail, 0, NULL)));
    return hit < 0 ? -1 : 0;
}

/* 1: the run that waits for the same window reads this version too. */
static int joins_one_that_waits(struct deciding *k, const struct firing_of *f, struct err *err) {
    struct run_for q = {
        .pipeline = k->t->lane->name, .schedule = k->t->name, .window_start = f->start, .window_end = f->end};
    int64_t run;
    return store_run_queued_for(k->c->store, &q, &run, err);
}

static int choose_skip(struct deciding *k, const struct pipeline *p, struct firing_of *f, struct err *err) {
    int busy = 0;
    if (f->skip) return 0;
    if (p->uses_window && f->start == INSTANT_NONE) f->skip = "no_window";
    if (!f->skip && k->t->schedule->if_running == RUNNING_skip) busy = is_busy(k, err);
    if (busy > 0) f->skip = "running";
    return busy < 0 ? -1 : 0;
}

static int become(struct deciding *k, struct pipeline *p, struct firing_of *f, struct err *err) {
    int joins = f->skip ? 0 : joins_one_that_waits(k, f, err);
    if (joins) return joins < 0 ? -1 : 0;
    if (choose_skip(k, p, f, err)) return -1;
    char *detail = json_dumps(f->detail, JSON_COMPACT);
    struct slot_row slot = {.schedule = k->t->id,
                            .window_start = f->start,
                            .window_end = f->end,
                            .outcome = f->skip ? "skipped" : "run",
                            .reason = f->skip,
                            .detail = detail,
                            .decided_at = turn_wall(k->c)};
    int rc = fire_instant(k, f->at, &slot.fire, err);
    if (!rc) rc = f->skip ? skip_firing(k, &slot, err) : run_firing(k, p, &slot, err);
    if (!rc) k->t->last_fire = slot.fire;
    free(detail);
    return rc;
}

static int fire(struct deciding *k, struct firing_of *f, struct err *err) {
    const struct conductor_options *o = &k->c->options;
    struct pipeline *p = o->find(o->find_ctx, k->t->lane->name, err);
    bool gone = !p && err->exit == EX_NOT_FOUND;
    if (gone && !f->skip) f->skip = "pipeline_gone";
    int rc = p || gone ? become(k, p, f, err) : -1;
    pipeline_free(p);
    json_decref(f->detail);
    return rc;
}

/* ---- versions ---- */

static int is_restated(struct deciding *k, int64_t run, struct err *err) {
    struct run_row r;
    struct backfill_row b;
    int found = store_run_get(k->c->store, run, k->arena, &r, err);
    if (found != 1 || !r.backfill) return found < 0 ? -1 : 0;
    found = store_backfill_get(k->c->store, r.backfill, k->arena, &b, err);
    return found == 1 ? strcmp(b.kind, "restate") == 0 : found;
}

/* 1: it starts something; 0; -1. */
static int starts(struct deciding *k, const struct version_row *v, struct err *err) {
    if (!v->run) return 0;
    int restated = is_restated(k, v->run, err);
    return restated < 0 ? -1 : !restated;
}

static bool is_held(const struct deciding *k, const struct version_row *v) {
    return !k->held || v->published_at <= k->held->until;
}

/* It came during the pause, and not everything of that is made up for. */
static bool is_caught(const struct deciding *k) {
    return k->held && (k->held->catch_up == HELD_NONE || k->held->catch_up == HELD_LATEST);
}

struct source_of {
    const char *dataset;
    int64_t id, head, seen; /* seen: decided up to here */
};

/* 1; 0: nothing new. */
static int find_source(struct deciding *k, size_t i, struct source_of *out, struct err *err) {
    const char *dataset = k->t->schedule->after.datasets[i];
    struct dataset_row d;
    *out = (struct source_of){.dataset = dataset, .seen = -1};
    int found = store_dataset_find(k->c->store, dataset, k->arena, &d, err);
    if (found <= 0) return found;
    out->id = d.id;
    out->head = d.head;
    if (store_trigger_seen(k->c->store, k->t->id, dataset, &out->seen, err) < 0) return -1;
    return d.head > out->seen;
}

static int move_to(struct deciding *k, struct source_of *s, int64_t version, struct err *err) {
    s->seen = version;
    return store_trigger_move(k->c->store, k->t->id, s->dataset, version, err) < 0 ? -1 : 0;
}

/* The newest of them that starts something. */
static int newest(struct deciding *k, const struct source_of *s, struct version_row *out, struct err *err) {
    int64_t before = -1;
    struct version_row *rows;
    size_t n;
    do {
        if (store_versions_list(k->c->store, s->id, before, VERSIONS_A_TURN, k->arena, &rows, &n, err) < 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            if (rows[i].version <= s->seen) return 0;
            int yes = is_held(k, &rows[i]) ? starts(k, &rows[i], err) : 0;
            if (yes) *out = rows[i];
            if (yes) return yes;
        }
        if (n) before = rows[n - 1].version;
    } while (n == VERSIONS_A_TURN);
    return 0;
}

static json_t *detail_of(const char *dataset, const struct version_row *v) {
    return json_pack("{ss sI sI}", "dataset", dataset, "version", (json_int_t)v->version, "run",
                     (json_int_t)v->run);
}

/* Hands the versions after the cursor to `each`, oldest first, and moves the cursor behind them. */
typedef int each_version(struct deciding *k, const struct source_of *s, const struct version_row *v,
                         void *ctx, struct err *err);

static int walk_batch(struct deciding *k, struct source_of *s, each_version *each, void *ctx, bool *again,
                      struct err *err) {
    struct version_row *rows;
    size_t n, done = 0;
    if (store_versions_after(k->c->store, s->id, s->seen, VERSIONS_A_TURN, k->arena, &rows, &n, err) < 0)
        return -1;
    for (; done < n && is_held(k, &rows[done]); done++) {
        int yes = starts(k, &rows[done], err);
        if (yes < 0 || (yes && each(k, s, &rows[done], ctx, err))) return -1;
    }
    *again = n == VERSIONS_A_TURN && done == n;
    if (done) return move_to(k, s, rows[done - 1].version, err);
    return n ? 0 : move_to(k, s, s->head, err); /* retention has forgotten them */
}

/* A piece in a turn; what a pause held back at once, since its end is remembered by this transaction
 * alone. */
static int walk_versions(struct deciding *k, struct source_of *s, each_version *each, void *ctx,
                         struct err *err) {
    bool again;
    do {
        if (walk_batch(k, s, each, ctx, &again, err)) return -1;
    } while (again && k->held);
    k->more |= again;
    return 0;
}

/* ---- any ---- */

struct latest {
    const char *dataset; /* NULL: not asked for */
    int64_t version;
};

static int fire_version(struct deciding *k, const struct source_of *s, const struct version_row *v, void *ctx,
                        struct err *err) {
    const struct latest *latest = ctx;
    struct firing_of f = {.start = v->window_start, .end = v->window_end, .at = v->published_at};
    bool is_latest =
        latest->dataset && v->version == latest->version && strcmp(s->dataset, latest->dataset) == 0;
    if (is_caught(k) && !is_latest) f.skip = "paused";
    f.detail = detail_of(s->dataset, v);
    return fire(k, &f, err);
}

static int find_latest(struct deciding *k, struct latest *out, struct err *err) {
    instant_t at = INSTANT_NONE;
    for (size_t i = 0; i < k->t->schedule->after.count; i++) {
        struct source_of s;
        struct version_row v;
        int found = find_source(k, i, &s, err);
        if (found == 1) found = newest(k, &s, &v, err);
        if (found < 0) return -1;
        if (!found || v.published_at < at) continue;
        at = v.published_at;
        *out = (struct latest){s.dataset, v.version};
    }
    return 0;
}

static int decide_any(struct deciding *k, struct err *err) {
    struct latest latest = {0};
    if (k->held && k->held->catch_up == HELD_LATEST && find_latest(k, &latest, err)) return -1;
    for (size_t i = 0; i < k->t->schedule->after.count; i++) {
        struct source_of s;
        int found = find_source(k, i, &s, err);
        if (found < 0 || (found && walk_versions(k, &s, fire_version, &latest, err))) return -1;
    }
    return 0;
}

/* ---- all ---- */

static int decide_all(struct deciding *k, struct err *err) {
    size_t n = k->t->schedule->after.count, last = 0;
    struct source_of *s = arena_array(k->arena, n, sizeof *s);
    struct version_row *v = arena_array(k->arena, n, sizeof *v);
    for (size_t i = 0; i < n; i++) {
        int found = find_source(k, i, &s[i], err);
        if (found == 1) found = newest(k, &s[i], &v[i], err);
        if (found <= 0) return found; /* not all of them yet */
        if (v[i].published_at >= v[last].published_at) last = i;
    }
    struct firing_of f = {
        .start = v[last].window_start, .end = v[last].window_end, .at = v[last].published_at};
    if (k->held && k->held->catch_up == HELD_NONE) f.skip = "paused";
    f.detail = detail_of(s[last].dataset, &v[last]);
    if (fire(k, &f, err)) return -1;
    for (size_t i = 0; i < n; i++)
        if (move_to(k, &s[i], v[i].version, err)) return -1;
    return 0;
}

/* ---- all, of the same day or month ---- */

/* Once for each: a slot with exactly this window. */
static int is_decided(struct deciding *k, instant_t start, instant_t end, struct err *err) {
    struct slot_row *rows;
    size_t n;
    for (size_t i = 0; i < k->ready_count; i++)
        if (k->ready[i].start == start) return 1;
    if (store_slots_meeting(k->c->store, k->t->lane->name, start, end, k->arena, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (rows[i].schedule == k->t->id && rows[i].window_start == start && rows[i].window_end == end)
            return 1;
    return 0;
}

static int is_complete(struct deciding *k, instant_t start, instant_t end, struct err *err) {
    struct complete_asks asks = conductor_completeness(k->c);
    const struct after *after = &k->t->schedule->after;
    for (size_t i = 0; i < after->count; i++) {
        const char *why;
        int yes = complete_span(&asks, after->datasets[i], start, end, k->arena, &why, err);
        if (yes <= 0) return yes;
    }
    return 1;
}

static int look_unit(struct deciding *k, instant_t start, instant_t end, struct err *err) {
    int decided = is_decided(k, start, end, err);
    if (decided) return decided < 0 ? -1 : 0;
    int complete = is_complete(k, start, end, err);
    if (complete <= 0) return complete;
    GROW(k->ready, k->ready_count, k->ready_cap);
    k->ready[k->ready_count++] = (struct time_span){start, end};
    return 0;
}

static int look_span(struct deciding *k, instant_t from, instant_t to, struct err *err) {
    instant_t start, end;
    int looked = 0;
    for (instant_t t = from; t < to && looked < UNITS_LOOKED_AT; t = end, looked++) {
        after_unit(k->t->schedule, t, &start, &end);
        if (look_unit(k, start, end, err)) return -1;
    }
    return 0;
}

/* The last ones up to now: runs may have ended, and pipelines have gone, while nobody served. */
static int look_open(struct deciding *k, struct err *err) {
    duration_t unit = k->t->schedule->after.same == SAME_MONTH ? 31 * US_PER_DAY : US_PER_DAY;
    instant_t now = turn_wall(k->c), from = now - UNITS_OPEN * unit;
    return look_span(k, from > k->t->since ? from : k->t->since, now, err);
}

static int look_version(struct deciding *k, const struct source_of *s, const struct version_row *v, void *ctx,
                        struct err *err) {
    (void)s, (void)ctx;
    return v->window_start == INSTANT_NONE ? 0 : look_span(k, v->window_start, v->window_end, err);
}

static int look_everything(struct deciding *k, struct err *err) {
    struct trigger *t = k->t;
    for (size_t i = 0; i < t->schedule->after.count; i++) {
        struct source_of s;
        int found = find_source(k, i, &s, err);
        if (found < 0 || (found && walk_versions(k, &s, look_version, NULL, err))) return -1;
    }
    if (k->held && k->held->catch_up == HELD_BEFORE) return 0; /* what else happened was during the pause */
    for (size_t i = 0; i < t->span_count; i++)
        if (look_span(k, t->spans[i].start, t->spans[i].end, err)) return -1;
    if (t->open && look_open(k, err)) return -1;
    t->span_count = 0;
    t->open = false;
    return 0;
}

static int by_start(const void *a, const void *b) {
    const struct time_span *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

/* The day is part of it: two skipped days are two slots, not one stretch. */
static json_t *detail_of_all(const struct after *after, instant_t start) {
    json_t *names = json_array();
    char from[INSTANT_TEXT];
    for (size_t i = 0; i < after->count; i++) json_array_append_new(names, json_string(after->datasets[i]));
    return json_pack("{so ss ss}", "complete", names, "same", after->same == SAME_MONTH ? "month" : "day",
                     "from", instant_text(start, from));
}

static int decide_same(struct deciding *k, struct err *err) {
    int rc = look_everything(k, err);
    if (k->ready_count) qsort(k->ready, k->ready_count, sizeof *k->ready, by_start);
    for (size_t i = 0; i < k->ready_count && !rc; i++) {
        struct firing_of f = {.start = k->ready[i].start, .end = k->ready[i].end, .at = turn_wall(k->c)};
        bool latest = i + 1 == k->ready_count && k->held && k->held->catch_up == HELD_LATEST;
        if (is_caught(k) && !latest) f.skip = "paused";
        f.detail = detail_of_all(&k->t->schedule->after, f.start);
        rc = fire(k, &f, err);
    }
    free(k->ready);
    return rc;
}

/* ---- all kinds ---- */

int trigger_decide(struct conductor *c, struct trigger *t, const struct held *held, struct err *err) {
    struct deciding k = {.c = c, .t = t, .held = held, .arena = arena_new()};
    const struct after *after = &t->schedule->after;
    int rc = after->same ? decide_same(&k, err) : after->all ? decide_all(&k, err) : decide_any(&k, err);
    arena_free(k.arena);
    return rc ? -1 : k.more;
}

/* ---- cursors ---- */

static int begin_at_head(struct conductor *c, const struct trigger *t, const char *dataset, struct arena *a,
                         struct err *err) {
    struct dataset_row d = {.head = -1};
    if (store_dataset_find(c->store, dataset, a, &d, err) < 0) return -1;
    return store_trigger_move(c->store, t->id, dataset, d.head, err) < 0 ? -1 : 0;
}

static bool starts_after(const struct trigger *t, const char *dataset) {
    for (size_t i = 0; i < t->schedule->after.count; i++)
        if (strcmp(t->schedule->after.datasets[i], dataset) == 0) return true;
    return false;
}

static int forget(struct conductor *c, const struct trigger *t, bool anew, struct arena *a, struct err *err) {
    struct trigger_row *rows;
    size_t n;
    if (store_triggers_list(c->store, t->id, a, &rows, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        if (!anew && starts_after(t, rows[i].dataset)) continue;
        if (store_trigger_forget(c->store, t->id, rows[i].dataset, err) < 0) return -1;
    }
    return 0;
}

int trigger_cursors(struct conductor *c, const struct trigger *t, bool anew, struct err *err) {
    struct arena *a = arena_new();
    int rc = forget(c, t, anew, a, err);
    for (size_t i = 0; i < t->schedule->after.count && !rc; i++) {
        const char *dataset = t->schedule->after.datasets[i];
        int64_t seen;
        int there = store_trigger_seen(c->store, t->id, dataset, &seen, err);
        rc = there < 0 ? -1 : there == 0 ? begin_at_head(c, t, dataset, a, err) : 0;
    }
    arena_free(a);
    return rc;
}
