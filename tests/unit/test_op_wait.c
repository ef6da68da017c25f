/* test_op_wait.c: what `wait` and `pipeline` ask of the conductor, what a query says, and whether something
 * is at a path. */
#include "workbench.h"

#include "operators/glob.h"
#include "operators/op.h"

#define NOV_20 INT64_C(1763596800000000) /* 2025-11-20T00:00:00Z */

/* ---- attend ---- */

static int attend(const char *verb, const char *config, const char *zone, instant_t window_end,
                  struct op_attend *out, json_t **keep, struct err *err) {
    *keep = loose(config);
    struct op_asked asked = {
        .config = *keep, .timezone = zone, .window_end = window_end, .began = NOV_20 + 5 * US_PER_HOUR};
    *err = (struct err){0};
    return op_find(verb)->attend(&asked, out, err);
}

static const struct {
    const char *config;
    enum attend_kind kind;
    const char *what;
    duration_t poll, timeout;
} targets[] = {
    {"{'for': {'path': 'landing/x.csv'}}", ATTEND_PATH, "landing/x.csv", 30 * US_PER_SECOND, 0},
    {"{'for': {'path': 'HTTPS://example.com/x'}, 'poll': 60000000, 'timeout': 7000000}", ATTEND_URL,
     "HTTPS://example.com/x", US_PER_MINUTE, 7 * US_PER_SECOND},
    {"{'for': {'path': 'http.csv'}, 'poll': 1}", ATTEND_PATH, "http.csv", US_PER_SECOND, 0},
    {"{'for': {'dataset': 'raw.orders'}}", ATTEND_DATASET, "raw.orders", 30 * US_PER_SECOND, 0},
    {"{'for': {'sql': {'text': 'select 1', 'params': []}}}", ATTEND_SQL, "select 1", 30 * US_PER_SECOND, 0},
};

static void test_targets(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct op_attend a;
        struct err err;
        json_t *config;
        if (attend("wait", targets[i].config, "UTC", INSTANT_NONE, &a, &config, &err))
            fail_msg("%s", err.msg);
        assert_int_equal(a.kind, targets[i].kind);
        assert_string_equal(a.what, targets[i].what);
        assert_int_equal(a.poll, targets[i].poll);
        assert_int_equal(a.timeout, targets[i].timeout);
        assert_null(a.unit);
        json_decref(config);
    }
    struct op_attend a;
    struct err err;
    json_t *config;
    assert_int_equal(attend("wait",
                            "{'for': {'dataset': 'raw.o'}, 'complete': {'unit': 'days', 'count': 30}}", "UTC",
                            INSTANT_NONE, &a, &config, &err),
                     0);
    assert_string_equal(a.unit, "days");
    assert_int_equal(a.count, 30);
    json_decref(config);
    assert_int_equal(attend("wait", "{'for': {}}", "UTC", INSTANT_NONE, &a, &config, &err), -1);
    json_decref(config);
}

/* An hour is one of the day on which the window ends, or the run began, in the pipeline's zone. */
static const struct {
    const char *time, *zone;
    instant_t window_end;
    const char *at; /* NULL: refused */
} times[] = {
    {"06:15", "UTC", NOV_20, "2025-11-20T06:15:00Z"},
    {"06:15", "UTC", INSTANT_NONE, "2025-11-20T06:15:00Z"},
    {"06:15", "Europe/Berlin", NOV_20 - US_PER_HOUR, "2025-11-20T05:15:00Z"},
    {"06:15", "America/New_York", NOV_20, "2025-11-19T11:15:00Z"},
    {"2025-03-30 02:30", "Europe/Berlin", NOV_20, "2025-03-30T01:00:00Z"}, /* jumped over */
    {"2025-10-26 02:30", "Europe/Berlin", NOV_20, "2025-10-26T00:30:00Z"}, /* the first of two */
    {"2025-11-21", "Europe/Berlin", NOV_20, "2025-11-20T23:00:00Z"},
    {"2025-11-21T06:15:30", "UTC", NOV_20, "2025-11-21T06:15:30Z"},
    {"2025-11-21T06:15:30+02:00", "UTC", NOV_20, "2025-11-21T04:15:30Z"},
    {"tomorrow", "UTC", NOV_20, NULL},
    {"24:00", "UTC", NOV_20, NULL},
    {"2025-11-31", "UTC", NOV_20, NULL},
};

static void test_times(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct op_attend a;
        struct err err;
        json_t *config;
        char text[96], at[INSTANT_TEXT];
        snprintf(text, sizeof text, "{'for': {'time': '%s'}}", times[i].time);
        int rc = attend("wait", text, times[i].zone, times[i].window_end, &a, &config, &err);
        json_decref(config);
        assert_int_equal(rc, times[i].at ? 0 : -1);
        if (rc) continue;
        assert_int_equal(a.kind, ATTEND_TIME);
        assert_string_equal(instant_text(a.at, at), times[i].at);
    }
}

static const struct {
    const char *config;
    enum attend_window window;
    const char *start, *end, *error;
} calls[] = {
    {"{'name': 'other'}", WINDOW_SAME, NULL, NULL, NULL},
    {"{'name': 'other', 'window': {'day': 'none'}}", WINDOW_NONE, NULL, NULL, NULL},
    {"{'name': 'other', 'window': {'day': '2025-10-26'}}", WINDOW_OWN, "2025-10-25T22:00:00Z",
     "2025-10-26T23:00:00Z", NULL},
    {"{'name': 'other', 'window': {'from': '2025-11-01', 'to': '2025-11-20T06:00:00Z'}}", WINDOW_OWN,
     "2025-10-31T23:00:00Z", "2025-11-20T06:00:00Z", NULL},
    {"{'name': 'other', 'window': {'from': '2025-11-01'}}", WINDOW_OWN, NULL, NULL, "both `from` and `to`"},
    {"{'name': 'other', 'window': {'day': 'monday'}}", WINDOW_OWN, NULL, NULL, "`monday` is not a time"},
    {"{'name': 'other', 'window': {'from': '2025-11-02', 'to': '2025-11-01'}}", WINDOW_OWN, NULL, NULL,
     "ends before it begins"},
};

static void test_calls(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct op_attend a;
        struct err err;
        json_t *config;
        char text[INSTANT_TEXT];
        int rc = attend("pipeline", calls[i].config, "Europe/Berlin", NOV_20, &a, &config, &err);
        assert_int_equal(rc, calls[i].error ? -1 : 0);
        if (rc) assert_non_null(strstr(err.msg, calls[i].error));
        if (!rc) assert_int_equal(a.window, calls[i].window);
        if (calls[i].start) assert_string_equal(instant_text(a.window_start, text), calls[i].start);
        if (calls[i].end) assert_string_equal(instant_text(a.window_end, text), calls[i].end);
        json_decref(config);
    }
}

/* ---- queries ---- */

static const char *const orders[] = {"raw.orders", NULL};

static struct done ask(struct lake *l, const char *sql, const char *const *inputs) {
    struct job j = {.verb = "wait", .inputs = inputs};
    struct done d = bench_begin(l, &j);
    json_object_set_new(d.request, "config",
                        json_pack("{s{s{ss s[]}}}", "for", "sql", "text", sql, "params"));
    bench_execute(l, &d);
    assert_int_equal(d.exit, 0);
    return d;
}

static const struct {
    const char *sql;
    bool there;
} answers[] = {
    {"select true", true},
    {"select false", false},
    {"select null", false},
    {"select 0", false},
    {"select 3", true},
    {"select -1.5::double", true},
    {"select 0.00::decimal(10, 2)", false},
    {"select 0.01::decimal(10, 2)", true},
    {"select 0::hugeint", false},
    {"select ''", false},
    {"select '0'", true}, /* a text is a text */
    {"select date '2025-11-20'", true},
    {"select 1 where false", false},
    {"select 0, 1", false}, /* the first value */
    {"select * from (values (1), (0)) order by 1", false},
    {"-- a comment\nselect 1;", true},
    {"with a as (select 1 as n) select n from a", true},
};

static void test_what_a_query_says(void **state) {
    struct lake *l = *state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct done d = ask(l, answers[i].sql, NULL);
        assert_outcome(&d, "ok");
        if (json_flag(d.result, "there") != answers[i].there) fail_msg("%s", answers[i].sql);
        done_free(&d);
    }
}

static void test_datasets_as_they_are(void **state) {
    struct lake *l = *state;
    const char *sql = "select count(*) >= 3 from raw.orders";
    struct done d = ask(l, sql, orders);
    assert_outcome(&d, "ok"); /* it was never published: something to wait for */
    assert_false(json_flag(d.result, "there"));
    assert_string_equal(json_text(d.result, "why"), "raw.orders has not been published yet");
    done_free(&d);
    for (int n = 2; n < 4; n++) {
        bench_publish_job(
            l, &(struct job){.verb = "sql",
                             .config = n == 2 ? "{'text': {'text': 'select range as id from range(2)'}}"
                                              : "{'text': {'text': 'select range as id from range(3)'}}",
                             .into = "{'dataset': 'raw.orders', 'write': 'replace'}"});
        d = ask(l, sql, orders);
        assert_outcome(&d, "ok");
        assert_int_equal(json_flag(d.result, "there"), n == 3);
        done_free(&d);
    }
}

/* What can never be asked is told apart from what may be mended. */
static const struct {
    const char *sql, *message;
    bool hopeless;
} failures[] = {
    {"selec 1", "syntax error", true},
    {"select 1; select 2", "", true},
    {"create table t(a int)", "one SELECT", true},
    {"copy (select 1) to 'x.csv'", "one SELECT", true},
    {"select nothing", "nothing", false},
    {"select * from read_csv('landing/none.csv')", "none.csv", false},
    {"select * from read_csv('/etc/passwd')", "/etc/passwd", false},
};

static void test_failures(void **state) {
    struct lake *l = *state;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        struct done d = ask(l, failures[i].sql, NULL);
        assert_outcome(&d, "failed");
        assert_false(json_flag(d.result, "there"));
        if (json_flag(d.result, "hopeless") != failures[i].hopeless ||
            !strstr(done_message(&d), failures[i].message))
            fail_msg("%s: %s", failures[i].sql, done_message(&d));
        done_free(&d);
    }
    char path[256];
    snprintf(path, sizeof path, "%s/x.csv", l->root);
    assert_int_equal(access(path, F_OK), -1);
}

static int open_lake(void **state) {
    *state = lake_new("UTC");
    return 0;
}
static int close_lake(void **state) {
    lake_free(*state);
    return 0;
}

/* ---- paths ---- */

static void test_paths(void **state) {
    struct lake *l = *state;
    struct err err = {0};
    bench_file(l, "landing/2025-11-20/a.csv", "");
    bench_file(l, "landing/[odd].csv", "");
    static const struct {
        const char *path;
        int there;
    } cases[] = {
        {"landing/2025-11-20/a.csv", 1},
        {"landing/2025-11-20/b.csv", 0},
        {"landing/2025-11-20", 1},
        {"landing/2025-11-20/", 1},
        {"landing/*/a.csv", 1},
        {"landing/*/b.csv", 0},
        {"landing/2025-*", 1},
        {"landing/**/*.csv", 1},
        {"landing/**/*.json", 0},
        {"landing/[odd].csv", 1},
        {"nowhere/*.csv", 0},
        {"landing/2025-11-20/a.csv/x", 0},
        {"landing/2025-11-2?/[a-c].csv", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", l->root, cases[i].path);
        if (glob_any(path, &err) != cases[i].there) fail_msg("%s: not %d", cases[i].path, cases[i].there);
    }
    char *longest = xstrdup("/");
    longest = xrealloc(longest, 8000);
    memset(longest + 1, 'x', 7000);
    longest[7001] = 0;
    assert_int_equal(glob_any(longest, &err), -1);
    assert_non_null(strstr(err.msg, "cannot look at"));
    free(longest);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_calls),
        cmocka_unit_test_setup_teardown(test_what_a_query_says, open_lake, close_lake),
        cmocka_unit_test_setup_teardown(test_datasets_as_they_are, open_lake, close_lake),
        cmocka_unit_test_setup_teardown(test_failures, open_lake, close_lake),
        cmocka_unit_test_setup_teardown(test_paths, open_lake, close_lake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
