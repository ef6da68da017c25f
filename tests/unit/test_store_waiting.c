/* Runs that wait as rows: whose turn it is, what they begin with, what came before them, who started them. */
#include "tests/unit/store_fixture.h"

#include "store/schedules.h"

#define AT(n) (NOON + (n)*US_PER_HOUR)

static const struct wish {
    const char *pipeline, *schedule;
    int hour; /* 0: not of a slot */
    int64_t parent, backfill;
} wishes[] = {
    {"p", "main", 1, 0, 0},  /* run 1 */
    {"p", NULL, 0, 0, 0},    /* 2: by hand */
    {"p", "main", 2, 0, 0},  /* 3 */
    {"p", "night", 2, 0, 0}, /* 4 */
    {"q", "main", 5, 0, 0},  /* 5: another pipeline */
    {"p", "main", 1, 0, 7},  /* 6: a backfill repeats slot 1 */
    {"p", NULL, 0, 0, 7},    /* 7 */
    {"p", NULL, 0, 40, 0},   /* 8: started by an attempt */
    {"p", "main", 4, 0, 0},  /* 9 */
    {"q", NULL, 0, 40, 0},   /* 10 */
};
enum { WISHES = sizeof wishes / sizeof *wishes };

static void begin(struct fx *f) {
    struct err err;
    fx_begin(f);
    assert_ok(store_begin(f->s, &err));
    int64_t p = fx_definition(f->s, "p", 1, "aa"), q = fx_definition(f->s, "q", 1, "aa"), run = 0;
    fx_definition(f->s, "idle", 1, "aa");
    for (int i = 0; i < WISHES; i++) {
        const struct wish *w = &wishes[i];
        const struct run_spec r = {.definition = *w->pipeline == 'p' ? p : q,
                                   .trigger = "schedule",
                                   .window_start = INSTANT_NONE,
                                   .window_end = INSTANT_NONE,
                                   .scheduled_for = w->hour ? AT(w->hour) : INSTANT_NONE,
                                   .schedule = w->schedule,
                                   .parent = w->parent,
                                   .backfill = w->backfill,
                                   .at = NOON};
        assert_ok(store_run_add(f->s, &r, &run, &err));
        assert_int_equal(i + 1, run);
    }
}

static void move(struct fx *f, int64_t run, const char *from, const char *to) {
    struct err err;
    const struct run_move m = {.run = run, .from = from, .to = to, .at = NOON};
    assert_hit(1, store_run_move(f->s, &m, &err));
}

static const char *ids(struct fx *f, const struct run_row *rows, size_t n) {
    const char *text = "";
    for (size_t i = 0; i < n; i++)
        text = arena_printf(f->a, "%s%s%lld", text, i ? " " : "", (long long)rows[i].id);
    return text;
}

static void a_run_remembers_why_it_is_there(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    begin(&f);
    for (int i = 0; i < WISHES; i++) {
        const struct wish *w = &wishes[i];
        struct run_row r;
        assert_hit(1, store_run_get(f.s, i + 1, f.a, &r, &err));
        assert_string_equal(w->schedule ? w->schedule : "", r.schedule);
        assert_true(r.scheduled_for == (w->hour ? AT(w->hour) : INSTANT_NONE));
        assert_true(r.parent == w->parent && r.backfill == w->backfill);
    }
    fx_end(&f);
}

static void those_that_wait_are_asked_for_one_by_one(void **state) {
    (void)state;
    static const struct {
        const char *pipeline;
        int64_t after, run; /* run 0: none */
    } cases[] = {{"p", 0, 1},  {"p", 1, 2},  {"p", 4, 6},    {"p", 9, 0},     {"q", 0, 5},
                 {"q", 5, 10}, {"q", 10, 0}, {"idle", 0, 0}, {"nobody", 0, 0}};
    struct fx f;
    struct err err;
    begin(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t run = 0;
        assert_hit(cases[i].run != 0, store_run_waiting(f.s, cases[i].pipeline, cases[i].after, &run, &err));
        assert_int_equal(cases[i].run, run);
    }
    fx_end(&f);
}

static void expect_heads(struct fx *f, const char *pipeline, const char *text) {
    struct err err;
    struct run_row *rows;
    size_t n;
    assert_ok(store_runs_waiting(f->s, pipeline, f->a, &rows, &n, &err));
    assert_string_equal(text, ids(f, rows, n));
}

static void only_the_heads_of_queues_are_looked_at(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct run_row *rows;
    size_t n;
    begin(&f);
    expect_heads(&f, "p", "1 2 4 6"); /* main, by hand and by others, night, the backfill */
    expect_heads(&f, "q", "5 10");
    expect_heads(&f, "idle", "");
    expect_heads(&f, "nobody", "");
    assert_ok(store_runs_waiting(f.s, "p", f.a, &rows, &n, &err));
    assert_string_equal("main", rows[0].schedule);
    assert_int_equal(7, rows[3].backfill);
    move(&f, 1, "queued", "running");
    expect_heads(&f, "p", "2 3 4 6");
    move(&f, 3, "queued", "cancelled");
    move(&f, 6, "queued", "running");
    move(&f, 2, "queued", "skipped");
    expect_heads(&f, "p", "4 7 8 9");
    fx_end(&f);
}

static void expect_waiting(struct fx *f, const char *text) {
    struct err err;
    const char **names, *all = "";
    size_t n;
    assert_ok(store_pipelines_waiting(f->s, f->a, &names, &n, &err));
    for (size_t i = 0; i < n; i++) all = arena_printf(f->a, "%s%s%s", all, i ? " " : "", names[i]);
    assert_string_equal(text, all);
}

static void pipelines_with_queues_are_known(void **state) {
    (void)state;
    struct fx f;
    begin(&f);
    expect_waiting(&f, "p q");
    move(&f, 5, "queued", "running");
    move(&f, 10, "queued", "cancelled");
    expect_waiting(&f, "p");
    fx_end(&f);
}

static void a_queued_run_can_be_cancelled(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct run_row r;
    struct pipeline_row *p;
    size_t n;
    begin(&f);
    const struct run_move m = {
        .run = 1, .from = "queued", .to = "cancelled", .reason = "superseded", .at = AT(3)};
    assert_hit(1, store_run_move(f.s, &m, &err));
    assert_hit(0, store_run_move(f.s, &m, &err));
    assert_hit(1, store_run_get(f.s, 1, f.a, &r, &err));
    assert_string_equal("cancelled superseded", arena_printf(f.a, "%s %s", r.state, r.reason));
    assert_true(r.started_at == INSTANT_NONE && r.finished_at == AT(3));
    assert_ok(store_pipelines_list(f.s, f.a, &p, &n, &err));
    assert_true(n == 2 && p[0].failing_runs == 0 && p[0].failing_since == INSTANT_NONE);
    fx_end(&f);
}

static void a_run_begins_with_the_newest_definition(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct run_row r;
    struct step_row *steps;
    size_t n;
    begin(&f);
    int64_t newer = fx_definition(f.s, "p", 3, "bb"), foreign = fx_definition(f.s, "q", 1, "cc");
    assert_hit(1, store_run_defined(f.s, 1, newer, &err));
    assert_hit(1, store_run_get(f.s, 1, f.a, &r, &err));
    assert_string_equal("bb", r.sha256);
    assert_ok(store_steps_list(f.s, 1, f.a, &steps, &n, &err));
    assert_int_equal(3, n);
    assert_hit(0, store_run_defined(f.s, 1, foreign, &err));
    assert_hit(0, store_run_defined(f.s, 1, 99, &err));
    assert_hit(0, store_run_defined(f.s, 99, newer, &err));
    move(&f, 3, "queued", "running");
    assert_hit(0, store_run_defined(f.s, 3, newer, &err)); /* it has begun */
    assert_hit(1, store_run_get(f.s, 3, f.a, &r, &err));
    assert_string_equal("aa", r.sha256);
    /* A later generation that waits again has its own. */
    const struct generation_spec again = {.run = 3, .definition = r.definition, .at = NOON};
    int64_t generation = 0;
    move(&f, 3, "running", "failed");
    assert_hit(1, store_run_again(f.s, &again, &generation, &err));
    assert_hit(1, store_run_defined(f.s, 3, newer, &err));
    assert_hit(1, store_run_get(f.s, 3, f.a, &r, &err));
    assert_true(r.generation == 2 && r.definition == newer);
    fx_end(&f);
}

static void the_run_of_the_slot_before(void **state) {
    (void)state;
    static const struct {
        const char *pipeline, *schedule;
        int hour;
        int64_t run; /* 0: none */
    } cases[] = {
        {"p", "main", 1, 0}, /* the first has no past */
        {"p", "main", 2, 6}, /* the backfill's, which repeated slot 1 later */
        {"p", "main", 3, 3}, /* slot 3 was skipped */
        {"p", "main", 4, 3}, {"p", "main", 9, 9}, {"p", "night", 2, 0},  {"p", "night", 3, 4},
        {"q", "main", 5, 0}, {"q", "main", 6, 5}, {"p", "nosuch", 9, 0}, {"nobody", "main", 9, 0},
    };
    struct fx f;
    struct err err;
    begin(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run_row r = {0};
        assert_hit(cases[i].run != 0, store_run_before(f.s, cases[i].pipeline, cases[i].schedule,
                                                       AT(cases[i].hour), f.a, &r, &err));
        assert_int_equal(cases[i].run, r.id);
    }
    const struct run_move m = {
        .run = 6, .from = "queued", .to = "cancelled", .reason = "withdrawn", .at = NOON};
    struct run_row r = {0};
    assert_hit(1, store_run_move(f.s, &m, &err)); /* the backfill took it back */
    assert_hit(1, store_run_before(f.s, "p", "main", AT(2), f.a, &r, &err));
    assert_int_equal(1, r.id);
    fx_end(&f);
}

static void an_attempt_knows_the_runs_it_started(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct run_row *rows;
    size_t n;
    begin(&f);
    assert_ok(store_runs_of_parent(f.s, 40, f.a, &rows, &n, &err));
    assert_string_equal("10 8", ids(&f, rows, n));
    assert_ok(store_runs_of_parent(f.s, 41, f.a, &rows, &n, &err));
    assert_int_equal(0, n);
    fx_end(&f);
}

static void runs_of_a_backfill_can_be_listed(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct run_row *rows;
    size_t n;
    struct run_filter filter = {
        .since = INSTANT_NONE, .window_start = INSTANT_NONE, .window_end = INSTANT_NONE, .backfill = 7};
    begin(&f);
    assert_ok(store_runs_list(f.s, &filter, f.a, &rows, &n, &err));
    assert_string_equal("7 6", ids(&f, rows, n));
    filter.before = 7;
    assert_ok(store_runs_list(f.s, &filter, f.a, &rows, &n, &err));
    assert_string_equal("6", ids(&f, rows, n));
    filter = (struct run_filter){.since = INSTANT_NONE,
                                 .window_start = INSTANT_NONE,
                                 .window_end = INSTANT_NONE,
                                 .backfill = 7,
                                 .pipeline = "q"};
    assert_ok(store_runs_list(f.s, &filter, f.a, &rows, &n, &err));
    assert_int_equal(0, n);
    fx_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_remembers_why_it_is_there),
        cmocka_unit_test(those_that_wait_are_asked_for_one_by_one),
        cmocka_unit_test(only_the_heads_of_queues_are_looked_at),
        cmocka_unit_test(pipelines_with_queues_are_known),
        cmocka_unit_test(a_queued_run_can_be_cancelled),
        cmocka_unit_test(a_run_begins_with_the_newest_definition),
        cmocka_unit_test(the_run_of_the_slot_before),
        cmocka_unit_test(an_attempt_knows_the_runs_it_started),
        cmocka_unit_test(runs_of_a_backfill_can_be_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
