/* backfill_asks.c: see backfill_asks.h. */
#include "scheduler/plans/backfill_asks.h"

#include "base/json.h"
#include "scheduler/core/plan.h"
#include "scheduler/core/states.h"
#include "store/datasets.h"
#include "store/runs.h"
#include "store/schedules.h"

#include <stdlib.h>
#include <string.h>

/* ---- runs ---- */

static int ask_runs(void *ctx, const struct plan_request *r, struct arena *a, struct window_run **rows,
                    size_t *n, struct err *err) {
    const struct asked_store *k = ctx;
    const struct window_query q = {.pipeline = k->pipeline->name,
                                   .from = r->from,
                                   .to = r->to,
                                   .only = only_text(&r->step, r->step != NULL, a),
                                   .from_step = r->from_step};
    *n = 0;
    return k->store ? store_window_runs(k->store, &q, a, rows, n, err) : 0;
}

static int ask_before(void *ctx, const char *pipeline, const char *schedule, instant_t fire,
                      struct window_run *out, struct err *err) {
    const struct asked_store *k = ctx;
    struct arena *a = arena_new();
    struct run_row row;
    int found = k->store ? store_run_before(k->store, pipeline, schedule, fire, a, &row, err) : 0;
    if (found == 1) {
        *out = (struct window_run){.start = row.window_start, .end = row.window_end, .run = row.id};
        snprintf(out->state, sizeof out->state, "%s", row.state);
    }
    arena_free(a);
    return found;
}

/* ---- what the clock has decided ---- */

static enum if_missed caught_up_by(const char *catch_up) {
    static const struct {
        const char *word;
        enum if_missed means;
    } words[] = {{"all", MISSED_run_all}, {"latest", MISSED_run_latest}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(catch_up, words[i].word) == 0) return words[i].means;
    return MISSED_skip;
}

static int find_pause(struct store *s, const char *pipeline, struct arena *a, struct plan_decided *out,
                      struct err *err) {
    struct pause_row *rows;
    size_t n;
    if (store_pauses_list(s, INSTANT_NONE, a, &rows, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].pipeline, pipeline) != 0) continue;
        out->paused_from = rows[i].at;
        out->paused_until = rows[i].until;
        out->caught_up = caught_up_by(rows[i].catch_up);
    }
    return 0;
}

static int find_cursor(struct store *s, const char *pipeline, const char *schedule, struct arena *a,
                       struct plan_decided *out, struct err *err) {
    struct schedule_row *rows;
    size_t n;
    if (store_schedules_list(s, pipeline, a, &rows, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].name, schedule) != 0 || rows[i].gone_at != INSTANT_NONE) continue;
        out->cursor = rows[i].cursor;
        return 1;
    }
    return 0;
}

static int ask_decided(void *ctx, const char *pipeline, const char *schedule, struct plan_decided *out,
                       struct err *err) {
    const struct asked_store *k = ctx;
    struct arena *a = arena_new();
    *out = (struct plan_decided){.paused_from = INSTANT_NONE};
    int known = k->store ? find_cursor(k->store, pipeline, schedule, a, out, err) : 0;
    if (known == 1 && find_pause(k->store, pipeline, a, out, err)) known = -1;
    arena_free(a);
    return known;
}

/* ---- data ---- */

struct gathering {
    const struct asked_store *k;
    const struct plan_request *r;
    const struct step *s;
    struct arena *arena;
    struct dataset_row dataset;
    struct time_span *spans;
    size_t count;
};

static void gather(struct gathering *g, instant_t start, instant_t end) {
    g->spans[g->count++] = (struct time_span){.start = start, .end = end};
}

/* 0: it is not partitioned by days. */
static int gather_days(struct gathering *g, struct err *err) {
    const struct output *o = g->s->into;
    const struct days_query q = {.dataset = g->dataset.id,
                                 .column = o->partition_count == 1 ? o->partition_by[0] : NULL,
                                 .empty_is_by_day = o->partition_of_window,
                                 .timezone = g->k->pipeline->timezone};
    return dataset_days(g->k->store, &q, g->arena, &g->spans, &g->count, err);
}

/* Versions that retention has forgotten leave only their runs: those that ended well before the oldest one
 * that is remembered. */
static int gather_forgotten(struct gathering *g, const struct window_run *runs, size_t n, struct err *err) {
    instant_t oldest;
    if (store_version_oldest(g->k->store, g->dataset.id, &oldest, err)) return -1;
    for (size_t i = 0; i < n; i++) {
        if (run_ended_well(runs[i].state) && runs[i].finished_at < oldest)
            gather(g, runs[i].start, runs[i].end);
    }
    return 0;
}

static int gather_versions(struct gathering *g, struct err *err) {
    const struct version_query q = {.dataset = g->dataset.id, .from = g->r->from, .to = g->r->to};
    struct version_window *rows;
    struct window_run *runs = NULL;
    size_t n, run_count;
    if (store_version_windows(g->k->store, &q, g->arena, &rows, &n, err) < 0 ||
        ask_runs((void *)g->k, g->r, g->arena, &runs, &run_count, err) < 0)
        return -1;
    g->spans = arena_array(g->arena, n + run_count + 1, sizeof *g->spans);
    g->count = 0;
    for (size_t i = 0; i < n; i++) gather(g, rows[i].start, rows[i].end);
    if (gather_forgotten(g, runs, run_count, err)) return -1;
    qsort(g->spans, g->count, sizeof *g->spans, time_span_by_start);
    return 1;
}

/* Where nothing is published when nothing changed, a window without a version says nothing. */
static bool may_publish_nothing(const struct output *o) {
    return o->skip_unchanged || o->if_empty == EMPTY_SKIP;
}

static int ask_has(void *ctx, const struct plan_request *r, const struct step *s, struct arena *a,
                   struct time_span **spans, size_t *n, struct err *err) {
    struct gathering g = {.k = ctx, .r = r, .s = s, .arena = a};
    int found = g.k->store ? store_dataset_find(g.k->store, s->into->dataset, a, &g.dataset, err) : 0;
    if (found < 0) return -1;
    int told = found ? gather_days(&g, err) : 1; /* a dataset that is not there has nothing */
    if (told == 0 && !may_publish_nothing(s->into)) told = gather_versions(&g, err);
    *spans = g.spans;
    *n = g.count;
    return told;
}

/* Windows that it was published for, where neither a day of theirs nor a file of that version is left. Only a
 * dataset that is kept by days can tell. */
static int gather_lost(struct gathering *g, const struct time_span *days, size_t day_count, struct err *err) {
    const struct version_query q = {
        .dataset = g->dataset.id, .from = g->r->from, .to = g->r->to, .undone = true};
    struct version_window *rows;
    size_t n, at = 0;
    if (store_version_windows(g->k->store, &q, g->arena, &rows, &n, err) < 0) return -1;
    g->spans = arena_array(g->arena, n + 1, sizeof *g->spans);
    for (size_t i = 0; i < n; i++) {
        while (at < day_count && days[at].end <= rows[i].start) at++;
        bool there = at < day_count && days[at].start < rows[i].end;
        if (there || !rows[i].files_added || rows[i].alive) continue;
        gather(g, rows[i].start, rows[i].end);
    }
    return 0;
}

static int ask_lost(void *ctx, const struct plan_request *r, const char *dataset, struct arena *a,
                    struct time_span **spans, size_t *n, struct err *err) {
    struct gathering g = {.k = ctx, .r = r, .arena = a};
    struct time_span *days;
    size_t day_count;
    *n = 0;
    int found = g.k->store ? store_dataset_find(g.k->store, dataset, a, &g.dataset, err) : 0;
    if (found <= 0) return found;
    const struct days_query q = {.dataset = g.dataset.id,
                                 .column = days_column(g.dataset.partition_by, a),
                                 .empty_is_by_day = true,
                                 .timezone = g.k->pipeline->timezone};
    int by_day = dataset_days(g.k->store, &q, a, &days, &day_count, err);
    if (by_day <= 0) return by_day;
    if (gather_lost(&g, days, day_count, err)) return -1;
    *spans = g.spans;
    *n = g.count;
    return 0;
}

struct plan_asks plan_asks_of(struct asked_store *a) {
    return (struct plan_asks){.ctx = a,
                              .runs = ask_runs,
                              .has = ask_has,
                              .lost = ask_lost,
                              .before = ask_before,
                              .decided = ask_decided};
}

/* ---- how long it takes ---- */

enum { LOOKED_BACK = 20 };

static int by_size(const void *a, const void *b) {
    const duration_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static duration_t median(duration_t *list, size_t n) {
    qsort(list, n, sizeof *list, by_size);
    return n % 2 ? list[n / 2] : (list[n / 2 - 1] + list[n / 2]) / 2;
}

static int usual_run(struct store *s, const struct pipeline *p, duration_t *out, struct err *err) {
    duration_t took[LOOKED_BACK];
    size_t n;
    if (store_run_durations(s, p->name, LOOKED_BACK, took, &n, err) < 0) return -1;
    if (n) *out = median(took, n);
    return n > 0;
}

/* The steps of a part, one after the other; 0 when none of them ever ran. */
static int usual_part(struct store *s, const struct pipeline *p, const struct plan *plan, duration_t *out,
                      struct err *err) {
    duration_t took[LOOKED_BACK], sum = 0;
    size_t n, known = 0;
    for (uint32_t i = 0; i < p->step_count; i++) {
        if (plan->init[i].left_out) continue;
        if (store_step_durations(s, p->name, p->steps[i].name, LOOKED_BACK, took, &n, err) < 0) return -1;
        if (n) sum += median(took, n), known++;
    }
    *out = sum;
    return known > 0;
}

static int usual(struct store *s, const struct pipeline *p, const struct plan_request *r, duration_t *out,
                 struct err *err) {
    if (!r->step && !r->from_step) return usual_run(s, p, out, err);
    struct plan *plan = plan_new(p, err);
    int rc = !plan ? -1 : r->step ? plan_only(plan, &r->step, 1, err) : plan_from(plan, r->from_step, err);
    if (!rc) rc = usual_part(s, p, plan, out, err);
    plan_free(plan);
    return rc;
}

int backfill_predict(struct store *s, const struct pipeline *p, const struct plan_request *r,
                     const struct backfill_plan *plan, int64_t jobs, duration_t *out, struct err *err) {
    duration_t each = 0;
    int known = s ? usual(s, p, r, &each, err) : 0;
    if (known <= 0) return known;
    int64_t wide = plan->max_parallel < jobs ? plan->max_parallel : jobs;
    int64_t rounds = ((int64_t)plan->actions[PLAN_run] + wide - 1) / wide;
    *out = rounds * each;
    return 1;
}
