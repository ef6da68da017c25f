/* test_restate_plan.c: what is made anew, in which order: tests/data/restate.
 *
 *   | …                               the pipelines (plan_fixture.h)
 *   written DATASET PIPELINE.STEP A..B [v=N]       a version that was published for a window
 *   consumed DATASET PIPELINE.STEP A..B            who read it for which window
 *   gone DATASET A..B                              what it had of that is there no more
 *   > restate DATASET A..B [none|pipeline]
 *
 * Times are UTC. */
#include "plan_fixture.h"
#include "scheduler/plans/restate.h"

enum { FACTS = 64, NAME = 64 };

struct fact {
    char dataset[NAME], pipeline[NAME], step[NAME];
    instant_t start, end;
    int64_t version;
};

struct bench {
    struct fx_pipelines p;
    struct fact written[FACTS], consumed[FACTS], gone[FACTS];
    size_t written_count, consumed_count, gone_count;
};

static void reset(void *ctx) {
    struct bench *b = ctx;
    fx_pipelines_begin(&b->p);
    struct fx_pipelines p = b->p;
    *b = (struct bench){.p = p};
}

static void learn(struct fact *f, char *const *w, size_t n) {
    const char *v = fx_value(w, "v");
    snprintf(f->dataset, NAME, "%s", w[1]);
    fx_span(w[n - 1 - (v != NULL)], NULL, &f->start, &f->end);
    f->version = v ? atol(v) : 0;
    char *dot = strchr(w[2], '.');
    if (strcmp(w[0], "gone") == 0 || !dot) return;
    snprintf(f->pipeline, NAME, "%.*s", (int)(dot - w[2]), w[2]);
    snprintf(f->step, NAME, "%s", dot + 1);
}

static void say(void *ctx, char *line) {
    struct bench *b = ctx;
    char *w[FX_WORDS];
    if (*line == '|') {
        fx_pipelines_say(&b->p, line);
        return;
    }
    size_t n = fx_split(line, w);
    if (strcmp(w[0], "written") == 0)
        learn(&b->written[b->written_count++], w, n);
    else if (strcmp(w[0], "consumed") == 0)
        learn(&b->consumed[b->consumed_count++], w, n);
    else if (strcmp(w[0], "gone") == 0)
        learn(&b->gone[b->gone_count++], w, n);
    else
        fail_msg("what is `%s`?", w[0]);
}

/* ---- answers ---- */

static bool meets(const struct fact *f, const char *dataset, instant_t start, instant_t end) {
    return strcmp(f->dataset, dataset) == 0 && f->start < end && f->end > start;
}

static int ask_written(void *ctx, const char *dataset, instant_t from, instant_t to, struct arena *a,
                       struct version_window **rows, size_t *n, struct err *err) {
    struct bench *b = ctx;
    (void)err;
    *rows = arena_array(a, FACTS, sizeof **rows);
    *n = 0;
    for (size_t i = 0; i < b->written_count; i++) {
        const struct fact *f = &b->written[i];
        if (meets(f, dataset, from, to))
            (*rows)[(*n)++] = (struct version_window){.start = f->start,
                                                      .end = f->end,
                                                      .pipeline = f->pipeline,
                                                      .step = f->step,
                                                      .version = f->version};
    }
    return 0;
}

static int ask_consumers(void *ctx, const char *dataset, instant_t from, instant_t to, struct arena *a,
                         struct consumed_row **rows, size_t *n, struct err *err) {
    struct bench *b = ctx;
    (void)err;
    *rows = arena_array(a, FACTS, sizeof **rows);
    *n = 0;
    for (size_t i = 0; i < b->consumed_count; i++) {
        const struct fact *f = &b->consumed[i];
        if (meets(f, dataset, from, to))
            (*rows)[(*n)++] = (struct consumed_row){
                .pipeline = f->pipeline, .step = f->step, .window_start = f->start, .window_end = f->end};
    }
    return 0;
}

static int ask_gone(void *ctx, const char *dataset, const struct step *writer, const char *timezone,
                    instant_t start, instant_t end, char why[GONE_TEXT], struct err *err) {
    struct bench *b = ctx;
    (void)writer, (void)timezone, (void)err;
    for (size_t i = 0; i < b->gone_count; i++) {
        if (!meets(&b->gone[i], dataset, start, end)) continue;
        snprintf(why, GONE_TEXT, "%s is gone", dataset);
        return 1;
    }
    return 0;
}

/* ---- the plan ---- */

static void put_item(struct buf *out, const struct restate_item *i) {
    buf_addf(out, "%lld %s %s:", (long long)i->stage, i->gone ? "refuse" : "run", i->pipeline->name);
    for (size_t s = 0; s < i->step_count; s++) buf_addf(out, " %s", i->steps[s]);
    buf_adds(out, "  ");
    script_put_time(out, NULL, i->start);
    buf_adds(out, " .. ");
    script_put_time(out, NULL, i->end);
    buf_addf(out, "  %s\n", i->gone ? i->gone : i->reason);
}

static void ask(void *ctx, char *line, struct buf *out) {
    struct bench *b = ctx;
    char *w[FX_WORDS];
    struct err err = {0};
    struct restate_plan p;
    fx_pipelines_close(&b->p);
    size_t n = fx_split(line, w);
    assert_true(n >= 3 && strcmp(w[0], "restate") == 0);
    struct restate_request got,
        r = {.dataset = w[1], .downstream = RESTATE_all, .max_parallel = 1, .max_failures = -1};
    fx_span(w[2], NULL, &r.from, &r.to);
    if (fx_flag(w, "none")) r.downstream = RESTATE_none;
    if (fx_flag(w, "pipeline")) r.downstream = RESTATE_pipeline;
    json_t *sent = restate_request_json(&r);
    restate_request_read(sent, &got);
    struct restate_asks asks = {
        .ctx = b, .written = ask_written, .consumers = ask_consumers, .gone = ask_gone};
    struct restate_sources s = {(const struct pipeline *const *)b->p.list, b->p.count, &asks,
                                script_time("2026-12-01", NULL)};
    if (restate_plan(&s, &got, &p, &err)) {
        fx_put_err(out, &err);
    } else {
        for (size_t i = 0; i < p.count; i++) put_item(out, &p.items[i]);
        for (size_t i = 0; i < p.note_count; i++) buf_addf(out, "note: %s\n", p.notes[i]);
        restate_plan_release(&p);
    }
    json_decref(sent);
}

static void every_case_is_planned_as_written(void **state) {
    (void)state;
    static struct bench b;
    struct script s = {.reset = reset, .say = say, .ask = ask, .ctx = &b};
    script_folder(&s, "restate");
    reset(&b);
    fx_pipelines_end(&b.p);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_case_is_planned_as_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
