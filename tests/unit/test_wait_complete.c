/* test_wait_complete.c: when a dataset counts as there, and as complete: slots that wait, run, fail, are
 * skipped, are filled by others; against the real store. */
#include "store_fixture.h"

#include "dag/pipeline.h"
#include "operators/op.h"
#include "scheduler/conductor/attended.h"
#include "store/internal.h"
#include "store/schedules.h"

#define DAY(n)  (INT64_C(1763510400000000) + (n)*US_PER_DAY) /* 2025-11-19 + n */
#define FIRE(n) (DAY(n) + 6 * US_PER_HOUR)

static const char writer_text[] = "pipeline: orders\n"
                                  "schedule: {every: day at 06:00, timezone: UTC, covers: previous day}\n"
                                  "steps:\n"
                                  "  load: {copy: landing/*.csv, into: trusted.orders}\n";
static const char minutely_text[] = "pipeline: orders\n"
                                    "schedule: {cron: \"* * * * *\", timezone: UTC}\n"
                                    "steps:\n"
                                    "  load: {copy: landing/*.csv, into: trusted.orders}\n";
static const char other_text[] = "pipeline: other\n"
                                 "steps:\n"
                                 "  load: {copy: landing/*.csv, into: raw.others}\n";

struct scene {
    struct fx fx;
    struct project *project;
    struct pipeline *pipelines[2];
    struct conductor c;
    struct live_run run;
    struct live_attempt attempt;
    struct attended attended;
    int64_t definition, schedule;
};

static const struct pipeline *next(void *ctx, size_t *at) {
    struct scene *s = ctx;
    return *at < 2 ? s->pipelines[(*at)++] : NULL;
}

static struct pipeline *load(struct project *project, const char *text) {
    struct pipeline_reader reader = {.ask = NULL};
    struct diags *d = diags_new();
    struct err err;
    reader.verbs = op_verbs(&reader.verb_count);
    struct pipeline *p = pipeline_load_text(project, "x.yaml", text, strlen(text), &reader, d, &err);
    if (!p) fail_msg("%s", d->list[0].message);
    diags_free(d);
    return p;
}

static void begin(struct scene *s) {
    struct err err;
    assert_ok(store_begin(s->fx.s, &err));
}
static void commit(struct scene *s) {
    struct err err;
    assert_ok(store_commit(s->fx.s, &err));
}

static int scene_open_with(void **state, const char *text) {
    struct scene *s = calloc(1, sizeof *s);
    struct err err;
    struct diags *d = diags_new();
    fx_begin(&s->fx);
    s->project = project_load(s->fx.dir, d, &err);
    diags_free(d);
    s->pipelines[0] = load(s->project, other_text);
    s->pipelines[1] = load(s->project, text);
    s->c =
        (struct conductor){.store = s->fx.s, .options = {.project = s->project, .next = next, .find_ctx = s}};
    s->run = (struct live_run){.window_start = DAY(0), .window_end = DAY(1)};
    s->attended = (struct attended){
        .what = {.kind = ATTEND_DATASET, .what = "trusted.orders", .unit = "window", .count = 1}};
    s->attempt = (struct live_attempt){.run = &s->run, .attended = &s->attended, .started_at = DAY(1)};
    begin(s);
    s->definition = fx_definition(s->fx.s, "orders", 1, "aa");
    json_t *rule = schedule_rule_json(&s->pipelines[1]->schedules[0]);
    struct schedule_spec spec = {
        .pipeline = "orders", .name = "main", .cursor = FIRE(0), .rule = rule, .at = DAY(0)};
    struct schedule_row row;
    assert_ok(store_schedule_ensure(s->fx.s, &spec, s->fx.a, &row, &err));
    json_decref(rule);
    s->schedule = row.id;
    commit(s);
    *state = s;
    return 0;
}

static int scene_open(void **state) { return scene_open_with(state, writer_text); }
static int minutely_open(void **state) { return scene_open_with(state, minutely_text); }

static int scene_close(void **state) {
    struct scene *s = *state;
    pipeline_free(s->pipelines[0]);
    pipeline_free(s->pipelines[1]);
    wiring_free(s->c.wiring);
    project_free(s->project);
    fx_end(&s->fx);
    free(s);
    return 0;
}

/* ---- what happens ---- */

static void cursor(struct scene *s, instant_t from, instant_t to) {
    struct err err;
    begin(s);
    assert_hit(1, store_schedule_move(s->fx.s, s->schedule, from, to, &err));
    commit(s);
}

/* The slot of day n: its window is day n, it fires on day n + 1. */
static int64_t slot_runs(struct scene *s, int n) {
    struct err err;
    int64_t run = 0;
    struct slot_row slot = {.schedule = s->schedule,
                            .fire = FIRE(n + 1),
                            .window_start = DAY(n),
                            .window_end = DAY(n + 1),
                            .decided_at = FIRE(n + 1)};
    struct run_spec spec = {.definition = s->definition,
                            .trigger = "schedule",
                            .window_start = DAY(n),
                            .window_end = DAY(n + 1),
                            .scheduled_for = FIRE(n + 1),
                            .schedule = "main",
                            .at = FIRE(n + 1)};
    begin(s);
    assert_hit(1, store_slot_run(s->fx.s, &slot, &spec, &run, &err));
    commit(s);
    return run;
}

static void slots_skipped(struct scene *s, int from, int to) {
    struct err err;
    struct slot_row slot = {.schedule = s->schedule,
                            .fire = FIRE(from + 1),
                            .last_fire = FIRE(to + 1),
                            .count = to - from + 1,
                            .window_start = DAY(from),
                            .window_end = DAY(to + 1),
                            .outcome = "skipped",
                            .reason = "missed",
                            .decided_at = FIRE(to + 1)};
    begin(s);
    assert_hit(1, store_slot_add(s->fx.s, &slot, &err));
    commit(s);
}

static void run_moves(struct scene *s, int64_t run, const char *from, const char *to) {
    struct err err;
    struct run_move m = {.run = run, .from = from, .to = to, .at = FIRE(2)};
    begin(s);
    assert_hit(1, store_run_move(s->fx.s, &m, &err));
    commit(s);
}

static void filled_by_hand(struct scene *s, int n) {
    struct err err;
    int64_t run;
    struct run_spec spec = {.definition = s->definition,
                            .trigger = "backfill",
                            .window_start = DAY(n),
                            .window_end = DAY(n + 1),
                            .scheduled_for = INSTANT_NONE,
                            .at = FIRE(n + 1)};
    begin(s);
    assert_ok(store_run_add(s->fx.s, &spec, &run, &err));
    commit(s);
    run_moves(s, run, "queued", "running");
    run_moves(s, run, "running", "ok");
}

/* ---- what it is called ---- */

static void there(struct scene *s) {
    struct err err = {0};
    const char *why = NULL;
    int rc = dataset_there(&s->c, &s->attempt, s->fx.a, &why, &err);
    if (rc != 1) fail_msg("it is not there: %s %s", why ? why : "", err.msg);
}

static void missing(struct scene *s, const char *words) {
    struct err err = {0};
    const char *why = NULL;
    int rc = dataset_there(&s->c, &s->attempt, s->fx.a, &why, &err);
    if (rc != 0 || !strstr(why, words)) fail_msg("%d: %s, not: %s", rc, why ? why : err.msg, words);
}

static void test_window(void **state) {
    struct scene *s = *state;
    missing(s, "orders for the window from Wed 2025-11-19 00:00:00 UTC is not due yet");
    int64_t run = slot_runs(s, 0);
    cursor(s, FIRE(0), FIRE(1));
    missing(s, "is queued");
    run_moves(s, run, "queued", "running");
    missing(s, "is running");
    run_moves(s, run, "running", "failed");
    missing(s, "is failed");
    filled_by_hand(s, 0);
    there(s);
}

/* A retry's newest generation counts; a warning is no failure. */
static void test_generation(void **state) {
    struct scene *s = *state;
    struct err err;
    int64_t run = slot_runs(s, 0), generation;
    cursor(s, FIRE(0), FIRE(1));
    run_moves(s, run, "queued", "running");
    run_moves(s, run, "running", "warn");
    there(s);
    begin(s);
    struct generation_spec g = {.run = run, .definition = s->definition, .at = FIRE(2)};
    assert_hit(1, store_run_again(s->fx.s, &g, &generation, &err));
    commit(s);
    missing(s, "is queued");
}

/* Skipped slots are filled one by one. */
static void test_skipped(void **state) {
    struct scene *s = *state;
    s->run.window_end = DAY(3);
    slots_skipped(s, 0, 2);
    cursor(s, FIRE(0), FIRE(3));
    missing(s, "2025-11-19 00:00:00 UTC is skipped (missed)");
    filled_by_hand(s, 0);
    filled_by_hand(s, 2);
    missing(s, "2025-11-20 00:00:00 UTC is skipped (missed)");
    filled_by_hand(s, 1);
    there(s);
}

/* ---- a minute at a time ---- */

static void minutes_skipped(struct scene *s, instant_t from, instant_t to) {
    struct err err;
    struct slot_row slot = {.schedule = s->schedule,
                            .fire = from + US_PER_MINUTE,
                            .last_fire = to,
                            .count = (to - from) / US_PER_MINUTE,
                            .window_start = from,
                            .window_end = to,
                            .outcome = "skipped",
                            .reason = "missed",
                            .decided_at = to};
    begin(s);
    assert_hit(1, store_slot_add(s->fx.s, &slot, &err));
    commit(s);
}

static void minutes_filled(struct scene *s, instant_t from, instant_t to) {
    const char *text = arena_printf(
        s->fx.a,
        "WITH RECURSIVE m(t) AS (SELECT %lld UNION ALL SELECT t + 60000000 FROM m WHERE t < %lld)"
        "INSERT INTO run(pipeline, trigger, state, window_start, window_end, created_at, "
        "finished_at) SELECT (SELECT id FROM pipeline WHERE name = 'orders'), 'backfill', 'ok', t, "
        "t + 60000000, t, t FROM m;"
        "INSERT INTO generation(run, number, definition, created_at) SELECT id, 1, %lld, created_at "
        "FROM run WHERE id NOT IN (SELECT run FROM generation)",
        (long long)from, (long long)(to - US_PER_MINUTE), (long long)s->definition);
    char *problem = NULL;
    if (sqlite3_exec(s->fx.s->db, text, NULL, NULL, &problem)) fail_msg("%s", problem);
}

static void set_span(struct scene *s, instant_t from, instant_t to) {
    s->run.window_start = from;
    s->run.window_end = to;
    cursor(s, FIRE(0), to);
}

/* A stretch that begins long before the span is looked at where the span begins. */
static void test_long_stretch(void **state) {
    struct scene *s = *state;
    minutes_skipped(s, DAY(-60), DAY(1));
    set_span(s, DAY(0), DAY(1));
    missing(s, "orders for the window from Wed 2025-11-19 00:00:00 UTC is skipped (missed)");
    minutes_filled(s, DAY(0), DAY(1) - US_PER_MINUTE);
    missing(s, "orders for the window from Wed 2025-11-19 23:59:00 UTC is skipped (missed)");
    minutes_filled(s, DAY(1) - US_PER_MINUTE, DAY(1));
    there(s);
}

static void test_far_behind(void **state) {
    struct scene *s = *state;
    minutes_filled(s, DAY(50), DAY(51) - US_PER_MINUTE);
    s->run.window_start = DAY(50);
    s->run.window_end = DAY(51);
    missing(s, "orders for the window from Thu 2026-01-08 23:59:00 UTC is not due yet");
}

static void test_too_many(void **state) {
    struct scene *s = *state;
    minutes_skipped(s, DAY(-40), DAY(0));
    minutes_filled(s, DAY(-40), DAY(0));
    set_span(s, DAY(-30), DAY(0));
    there(s);
    s->run.window_start = DAY(-40);
    missing(s, "not known: too many slots of orders");
}

/* previous 2 days: the days before the one in which the window ends. */
static void test_span(void **state) {
    struct scene *s = *state;
    s->attended.what.unit = "days";
    s->attended.what.count = 2;
    s->run.window_start = DAY(2);
    s->run.window_end = DAY(2) + 5 * US_PER_HOUR; /* an hourly run's: days 0 and 1 */
    int64_t run = slot_runs(s, 0);
    cursor(s, FIRE(0), FIRE(1));
    run_moves(s, run, "queued", "running");
    run_moves(s, run, "running", "ok");
    missing(s, "2025-11-20 00:00:00 UTC is not due yet");
    run = slot_runs(s, 1);
    cursor(s, FIRE(1), FIRE(2));
    run_moves(s, run, "queued", "running");
    run_moves(s, run, "running", "ok");
    there(s);
}

/* A window that the clock has not come to, done by hand: complete all the same. */
static void test_ahead_of_the_clock(void **state) {
    struct scene *s = *state;
    missing(s, "not due yet");
    filled_by_hand(s, 0);
    there(s);
}

/* Before a schedule's first slot nothing is due: a version says it. */
static void test_no_slots(void **state) {
    struct scene *s = *state;
    s->run.window_start = DAY(-10);
    s->run.window_end = DAY(-9);
    missing(s, "trusted.orders has not been published yet");
    s->attended.what.what = "raw.others"; /* its writer has no schedule */
    missing(s, "raw.others has not been published yet");
}

static void test_no_window(void **state) {
    struct scene *s = *state;
    struct err err = {0};
    const char *why;
    s->run.window_start = s->run.window_end = INSTANT_NONE;
    assert_int_equal(dataset_there(&s->c, &s->attempt, s->fx.a, &why, &err), -1);
    assert_string_equal(err.msg, "`complete: window` needs a run with a window");
}

static void test_published(void **state) {
    struct scene *s = *state;
    struct err err;
    struct story t = {.s = s->fx.s};
    struct chapter c = {0};
    s->attended.what.unit = NULL;
    s->attended.what.what = "raw.orders";
    missing(s, "has not been published yet");
    assert_ok(story_begin(&t, &err));
    assert_ok(story_chapter(&t, &c, &err));
    s->run.window_end = INSTANT_NONE;
    there(s);
    s->run.window_end = NOON - US_PER_DAY;
    there(s);
    s->run.window_end = NOON + US_PER_DAY;
    missing(s, "has not been published since Wed 2023-11-15");
}

#define MINUTES(f) cmocka_unit_test_setup_teardown(f, minutely_open, scene_close)
#define CASE(f)    cmocka_unit_test_setup_teardown(f, scene_open, scene_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_window),        CASE(test_generation),         CASE(test_skipped),
        CASE(test_span),          CASE(test_ahead_of_the_clock), CASE(test_no_slots),
        CASE(test_no_window),     CASE(test_published),          MINUTES(test_long_stretch),
        MINUTES(test_far_behind), MINUTES(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
