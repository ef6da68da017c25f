/* test_backfill_plan.c: what becomes of which window, case by case: tests/data/backfill.
 *
 *   | …                               the pipeline (plan_fixture.h)
 *   run A..B STATE                    a run of that window; runs are numbered as they come
 *   has STEP A..B                     the output of STEP has that part of time
 *   lost DATASET A..B                 it was published for that and has nothing of it any more
 *   decided T                         every slot of the schedule up to there; else nobody ever served it
 *   paused T..T CATCH_UP              and what becomes of the slots meanwhile: skip run_latest run_all
 *   before STATE                      the newest run of the slot before the first window
 *   > plan A..B now=T [words]         redo=W every=U schedule=N step=S from_step=S parallel=N; missing newest
 *                                     move
 *
 * Times without a zone are of the pipeline's. */
#include "plan_fixture.h"
#include "scheduler/plans/backfill.h"

enum { FACTS = 64 };

struct bench {
    struct fx_pipelines p;
    struct tz *tz;
    char *facts[FACTS]; /* said before the pipeline's zone is known; malloc'ed */
    size_t fact_count;
    struct window_run runs[FACTS];
    size_t run_count;
    struct {
        char step[32];
        struct time_span span;
    } has[FACTS];
    size_t has_count, lost_count;
    struct {
        char dataset[32];
        struct time_span span;
    } lost[FACTS];
    char before[16];
    bool served;
    struct plan_decided decided;
    size_t asked; /* questions about runs */
};

static void reset(void *ctx) {
    struct bench *b = ctx;
    fx_pipelines_begin(&b->p);
    tz_free(b->tz);
    for (size_t i = 0; i < b->fact_count; i++) free(b->facts[i]);
    struct fx_pipelines p = b->p;
    *b = (struct bench){.p = p};
}

static void say(void *ctx, char *line) {
    struct bench *b = ctx;
    if (*line == '|') {
        fx_pipelines_say(&b->p, line);
        return;
    }
    assert_true(b->fact_count < FACTS);
    b->facts[b->fact_count++] = strdup(line);
}

static enum if_missed caught_up_by(const char *word) {
    for (int i = 0; if_missed_names[i]; i++)
        if (strcmp(if_missed_names[i], word) == 0) return (enum if_missed)i;
    fail_msg("`%s` is not what becomes of slots", word);
    return MISSED_skip;
}

static void learn(struct bench *b, char *line) {
    char *w[FX_WORDS];
    size_t n = fx_split(line, w);
    if (n == 3 && strcmp(w[0], "run") == 0) {
        struct window_run *r = &b->runs[b->run_count++];
        fx_span(w[1], b->tz, &r->start, &r->end);
        r->run = (int64_t)b->run_count;
        snprintf(r->state, sizeof r->state, "%s", w[2]);
    } else if (n == 3 && strcmp(w[0], "has") == 0) {
        snprintf(b->has[b->has_count].step, sizeof b->has->step, "%s", w[1]);
        fx_span(w[2], b->tz, &b->has[b->has_count].span.start, &b->has[b->has_count].span.end);
        b->has_count++;
    } else if (n == 3 && strcmp(w[0], "lost") == 0) {
        snprintf(b->lost[b->lost_count].dataset, sizeof b->lost->dataset, "%s", w[1]);
        fx_span(w[2], b->tz, &b->lost[b->lost_count].span.start, &b->lost[b->lost_count].span.end);
        b->lost_count++;
    } else if (n == 2 && strcmp(w[0], "decided") == 0) {
        b->served = true;
        b->decided = (struct plan_decided){.cursor = script_time(w[1], b->tz), .paused_from = INSTANT_NONE};
    } else if (n == 3 && strcmp(w[0], "paused") == 0) {
        fx_span(w[1], b->tz, &b->decided.paused_from, &b->decided.paused_until);
        b->decided.caught_up = caught_up_by(w[2]);
    } else if (n == 2 && strcmp(w[0], "before") == 0) {
        snprintf(b->before, sizeof b->before, "%s", w[1]);
    } else {
        fail_msg("what is `%s`?", w[0]);
    }
}

/* ---- answers ---- */

static int by_window(const void *x, const void *y) {
    const struct window_run *a = x, *b = y;
    if (a->start != b->start) return (a->start > b->start) - (a->start < b->start);
    return (a->end > b->end) - (a->end < b->end);
}

static int ask_runs(void *ctx, const struct plan_request *r, struct arena *a, struct window_run **rows,
                    size_t *n, struct err *err) {
    struct bench *b = ctx;
    (void)a, (void)err;
    b->asked++;
    qsort(b->runs, b->run_count, sizeof *b->runs, by_window);
    *rows = b->runs;
    *n = b->run_count;
    for (; *n && (*rows)->start < r->from; ++*rows) --*n;
    return 0;
}

static int ask_has(void *ctx, const struct plan_request *r, const struct step *s, struct arena *a,
                   struct time_span **spans, size_t *n, struct err *err) {
    struct bench *b = ctx;
    (void)r, (void)err;
    *n = 0;
    *spans = arena_array(a, FACTS, sizeof **spans);
    for (size_t i = 0; i < b->has_count; i++)
        if (strcmp(b->has[i].step, s->name) == 0) (*spans)[(*n)++] = b->has[i].span;
    return *n > 0;
}

static int ask_lost(void *ctx, const struct plan_request *r, const char *dataset, struct arena *a,
                    struct time_span **spans, size_t *n, struct err *err) {
    struct bench *b = ctx;
    (void)r, (void)err;
    *n = 0;
    *spans = arena_array(a, FACTS, sizeof **spans);
    for (size_t i = 0; i < b->lost_count; i++)
        if (strcmp(b->lost[i].dataset, dataset) == 0) (*spans)[(*n)++] = b->lost[i].span;
    return 0;
}

static int ask_before(void *ctx, const char *pipeline, const char *schedule, instant_t fire,
                      struct window_run *out, struct err *err) {
    struct bench *b = ctx;
    (void)pipeline, (void)schedule, (void)err;
    *out = (struct window_run){.start = fire - US_PER_DAY, .end = fire, .run = 99};
    snprintf(out->state, sizeof out->state, "%s", b->before);
    return b->before[0] != 0;
}

static int ask_decided(void *ctx, const char *pipeline, const char *schedule, struct plan_decided *out,
                       struct err *err) {
    struct bench *b = ctx;
    (void)pipeline, (void)schedule, (void)err;
    *out = b->decided;
    return b->served;
}

/* ---- the plan ---- */

static void put_window(struct buf *out, const struct tz *tz, const struct plan_window *w) {
    script_put_time(out, tz, w->start);
    buf_adds(out, " .. ");
    script_put_time(out, tz, w->end);
}

/* Neighbours with the same words are one line. */
static void put_windows(struct buf *out, const struct tz *tz, const struct backfill_plan *p) {
    for (size_t i = 0, to; i < p->count; i = to) {
        const struct plan_window *w = &p->windows[i];
        char why[PLAN_WHY_TEXT], other[PLAN_WHY_TEXT];
        plan_why_text(w, why);
        for (to = i + 1; to < p->count && strcmp(plan_why_text(&p->windows[to], other), why) == 0;) to++;
        buf_addf(out, "%s %zu: %s: ", plan_action_names[w->action], to - i, why);
        put_window(out, tz, w);
        if (to > i + 1) buf_adds(out, " to "), put_window(out, tz, &p->windows[to - 1]);
        buf_adds(out, "\n");
    }
}

static enum backfill_redo redo_of(const char *word) {
    if (!word || strcmp(word, "never") == 0) return REDO_NEVER;
    return strcmp(word, "failed") == 0 ? REDO_FAILED : REDO_ALL;
}

static long number_of(char *const *words, const char *key, long otherwise) {
    const char *v = fx_value(words, key);
    return v ? atol(v) : otherwise;
}

/* Through its JSON, as it travels. */
static void plan_as_sent(struct bench *b, const struct plan_request *r, instant_t now, struct buf *out) {
    struct err err = {0};
    struct backfill_plan p;
    struct plan_request got;
    json_t *sent = plan_request_json(r);
    struct plan_asks asks = {.ctx = b,
                             .runs = ask_runs,
                             .has = ask_has,
                             .lost = ask_lost,
                             .before = ask_before,
                             .decided = ask_decided};
    plan_request_read(sent, &got);
    if (backfill_plan(b->p.list[0], &got, &asks, now, &p, &err)) {
        fx_put_err(out, &err);
    } else {
        assert_true(b->asked <= 1); /* whatever the number of windows */
        put_windows(out, b->tz, &p);
        for (size_t i = 0; i < p.left_out_count; i++)
            buf_addf(out, "left out: %s: %s\n", p.left_out[i].step, p.left_out[i].why);
        if (!p.sees_window) buf_adds(out, "no step looks at its window\n");
        if (p.max_parallel != got.max_parallel) buf_addf(out, "%lld at once\n", (long long)p.max_parallel);
        backfill_plan_release(&p);
    }
    b->asked = 0;
    json_decref(sent);
}

static void ask(void *ctx, char *line, struct buf *out) {
    struct bench *b = ctx;
    char *w[FX_WORDS];
    fx_pipelines_close(&b->p);
    const struct pipeline *p = b->p.list[0];
    if (!b->tz) b->tz = tz_load(p->timezone, NULL);
    for (size_t i = 0; i < b->fact_count; i++) learn(b, b->facts[i]), free(b->facts[i]);
    b->fact_count = 0;
    size_t n = fx_split(line, w);
    assert_true(n >= 2 && strcmp(w[0], "plan") == 0);
    struct plan_request r = {.pipeline = p->name,
                             .redo = redo_of(fx_value(w, "redo")),
                             .order = fx_flag(w, "newest") ? NEWEST_FIRST : OLDEST_FIRST,
                             .missing = fx_flag(w, "missing"),
                             .move_bookmark = fx_flag(w, "move"),
                             .every = fx_value(w, "every"),
                             .schedule = fx_value(w, "schedule"),
                             .step = fx_value(w, "step"),
                             .from_step = fx_value(w, "from_step"),
                             .max_parallel = number_of(w, "parallel", 4),
                             .max_failures = -1};
    fx_span(w[1], b->tz, &r.from, &r.to);
    const char *now = fx_value(w, "now");
    plan_as_sent(b, &r, now ? script_time(now, b->tz) : script_time("2026-12-01", b->tz), out);
}

static void every_case_is_planned_as_written(void **state) {
    (void)state;
    static struct bench b;
    struct script s = {.reset = reset, .say = say, .ask = ask, .ctx = &b};
    script_folder(&s, "backfill");
    reset(&b);
    fx_pipelines_end(&b.p);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_case_is_planned_as_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
