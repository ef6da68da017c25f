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

static int plan_of(struct bench *b, char *line, struct restate_plan *out, struct err *err) {
    char *w[FX_WORDS];
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
    int rc = restate_plan(&s, &got, out, err);
    json_decref(sent);
    return rc;
}

static void ask(void *ctx, char *line, struct buf *out) {
    struct err err = {0};
    struct restate_plan p;
    if (plan_of(ctx, line, &p, &err)) {
        fx_put_err(out, &err);
        return;
    }
    for (size_t i = 0; i < p.count; i++) put_item(out, &p.items[i]);
    for (size_t i = 0; i < p.note_count; i++) buf_addf(out, "note: %s\n", p.notes[i]);
    restate_plan_release(&p);
}

static void every_case_is_planned_as_written(void **state) {
    (void)state;
    static struct bench b;
    struct script s = {.reset = reset, .say = say, .ask = ask, .ctx = &b};
    script_folder(&s, "restate");
    reset(&b);
    fx_pipelines_end(&b.p);
}

/* ---- the token ---- */

/* Three pipelines: b and c read what a writes; c also reads what b writes. */
static void token_with(struct bench *b, const char *fact, char out[20]) {
    static const char *const lines[] = {
        "| pipeline: a",
        "| steps: {s: {sql: \"select 1 as x where now() < ${window.end}\", into: raw.a, write: replace}}",
        "| pipeline: b",
        "| steps: {s: {sql: select * from raw.a, into: raw.b}}",
        "| pipeline: c",
        "| steps: {s: {sql: select * from raw.a join raw.b using (x) join raw.d using (x), into: raw.c}}",
        "written raw.a a.s 2026-10-05..2026-10-06",
        "consumed raw.a b.s 2026-10-05..2026-10-06",
        "consumed raw.a c.s 2026-10-05..2026-10-06",
    };
    struct err err = {0};
    struct restate_plan p;
    reset(b);
    for (size_t i = 0; i <= sizeof lines / sizeof *lines; i++) {
        char *line = strdup(i < sizeof lines / sizeof *lines ? lines[i] : fact);
        if (*line) say(b, line);
        free(line);
    }
    char question[] = "restate raw.a 2026-10-05..2026-10-06";
    assert_int_equal(0, plan_of(b, question, &p, &err));
    assert_int_equal(3, p.count);
    memcpy(out, p.token, sizeof p.token);
    restate_plan_release(&p);
}

static void a_token_is_of_all_that_is_shown(void **state) {
    (void)state;
    static struct bench b;
    char plain[20], again[20], later[20], refused[20];
    token_with(&b, "", plain);
    token_with(&b, "", again);
    token_with(&b, "consumed raw.b c.s 2026-10-05..2026-10-06", later); /* c has to wait for b */
    token_with(&b, "gone raw.d 2026-10-05..2026-10-06", refused);
    assert_string_equal(plain, again);
    assert_string_not_equal(plain, later);
    assert_string_not_equal(plain, refused);
    reset(&b);
    fx_pipelines_end(&b.p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_is_planned_as_written),
        cmocka_unit_test(a_token_is_of_all_that_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
