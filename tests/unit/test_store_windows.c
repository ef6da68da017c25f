/* What the history and the data have of many windows at once. */
#include "tests/unit/store_fixture.h"

#include "store/internal.h"
#include "store/windows.h"

#define DAY(n) (NOON + (n)*US_PER_DAY)

static int64_t definition_of(struct fx *f, const char *pipeline) {
    return fx_definition(f->s, pipeline, 2, pipeline);
}

/* A run for day n that ended so; options is JSON text or NULL. */
static int64_t ran(struct fx *f, int64_t definition, int64_t day, const char *state, const char *options,
                   duration_t took) {
    struct err err;
    int64_t run;
    json_t *o = options ? json_loads(options, 0, NULL) : NULL;
    const struct run_spec r = {.definition = definition,
                               .trigger = "backfill",
                               .window_start = DAY(day),
                               .window_end = DAY(day + 1),
                               .options = o,
                               .scheduled_for = INSTANT_NONE,
                               .at = NOON};
    assert_ok(store_run_add(f->s, &r, &run, &err));
    json_decref(o);
    if (strcmp(state, "queued") == 0) return run;
    assert_hit(1, store_run_move(f->s, &(struct run_move){run, "queued", "running", .at = NOON}, &err));
    if (strcmp(state, "running") != 0)
        assert_hit(1,
                   store_run_move(f->s, &(struct run_move){run, "running", state, .at = NOON + took}, &err));
    return run;
}

/* "0:ok/3 1:failed/2": day, state and run of the newest that counts. */
static const char *runs_text(struct fx *f, const struct window_query *q) {
    struct err err;
    struct window_run *rows;
    struct buf b = BUF_INIT;
    size_t n;
    assert_ok(store_window_runs(f->s, q, f->a, &rows, &n, &err));
    for (size_t i = 0; i < n; i++)
        buf_addf(&b, "%s%lld:%s/%lld", i ? " " : "", (long long)((rows[i].start - NOON) / US_PER_DAY),
                 rows[i].state, (long long)rows[i].run);
    const char *text = arena_strdup(f->a, buf_str(&b));
    buf_release(&b);
    return text;
}

static void the_newest_run_of_each_window_counts(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    int64_t sales = definition_of(&f, "sales"), other = definition_of(&f, "other");
    ran(&f, sales, 1, "failed", NULL, 1);
    ran(&f, sales, 0, "ok", NULL, 1);
    ran(&f, sales, 1, "ok", "{}", 1);
    ran(&f, other, 2, "ok", NULL, 1);
    ran(&f, sales, 3, "running", NULL, 1);
    ran(&f, sales, 4, "queued", NULL, 1);
    ran(&f, sales, 9, "ok", NULL, 1);
    struct window_query q = {.pipeline = "sales", .from = DAY(0), .to = DAY(9)};
    assert_string_equal("0:ok/2 1:ok/3 3:running/5 4:queued/6", runs_text(&f, &q));
    q.from = DAY(1), q.to = DAY(2);
    assert_string_equal("1:ok/3", runs_text(&f, &q));
    q.pipeline = "nobody";
    assert_string_equal("", runs_text(&f, &q));
    store_rollback(f.s);
    fx_end(&f);
}

static void a_run_that_was_withdrawn_never_was(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    int64_t sales = definition_of(&f, "sales");
    ran(&f, sales, 0, "ok", NULL, 1);
    for (int64_t day = 0; day < 3; day++) {
        const struct run_move m = {ran(&f, sales, day, "queued", NULL, 1), "queued", "cancelled",
                                   .reason = day < 2 ? "withdrawn" : "cancelled", .at = NOON};
        assert_hit(1, store_run_move(f.s, &m, &err));
    }
    struct window_query q = {.pipeline = "sales", .from = DAY(0), .to = DAY(9)};
    assert_string_equal("0:ok/1 2:cancelled/4", runs_text(&f, &q));
    store_rollback(f.s);
    fx_end(&f);
}

static void a_part_counts_for_the_same_part_only(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    int64_t sales = definition_of(&f, "sales");
    ran(&f, sales, 0, "ok", "{\"only\":[\"s0\"]}", 1);
    ran(&f, sales, 1, "ok", "{\"from_step\":\"s1\"}", 1);
    ran(&f, sales, 2, "failed", NULL, 1);
    ran(&f, sales, 2, "ok", "{\"only\":[\"s0\"],\"queue\":true}", 1);
    struct window_query q = {.pipeline = "sales", .from = DAY(0), .to = DAY(9)};
    assert_string_equal("2:failed/3", runs_text(&f, &q));
    q.only = "[\"s0\"]";
    assert_string_equal("0:ok/1 2:ok/4", runs_text(&f, &q));
    q.only = "[\"s1\"]";
    assert_string_equal("2:failed/3", runs_text(&f, &q));
    q.only = NULL, q.from_step = "s1";
    assert_string_equal("1:ok/2 2:failed/3", runs_text(&f, &q));
    store_rollback(f.s);
    fx_end(&f);
}

static void what_runs_took_is_that_of_the_last_good_whole_ones(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    duration_t took[3];
    size_t n;
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    int64_t sales = definition_of(&f, "sales");
    assert_ok(store_run_durations(f.s, "sales", 3, took, &n, &err));
    assert_int_equal(0, n);
    for (int64_t i = 1; i <= 4; i++) ran(&f, sales, i, i % 2 ? "ok" : "warn", NULL, 10 * i);
    ran(&f, sales, 5, "failed", NULL, 99);
    ran(&f, sales, 6, "ok", "{\"only\":[\"s0\"]}", 98);
    assert_ok(store_run_durations(f.s, "sales", 3, took, &n, &err));
    assert_int_equal(3, n);
    assert_int_equal(40, took[0]);
    assert_int_equal(30, took[1]);
    assert_int_equal(20, took[2]);
    store_rollback(f.s);
    fx_end(&f);
}

/* ---- data ---- */

struct lake {
    struct fx f;
    int64_t dataset;
};

static void begin_lake(struct lake *l) {
    struct err err;
    fx_begin(&l->f);
    assert_ok(store_begin(l->f.s, &err));
    const struct dataset_spec d = {.name = "trusted.orders", .path = "/x", .format = "delta", .at = NOON};
    assert_ok(store_dataset_ensure(l->f.s, &d, &l->dataset, &err));
}

static void run_sql(struct lake *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void run_sql(struct lake *l, const char *fmt, ...) {
    struct err err;
    char sql[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(sql, sizeof sql, fmt, ap);
    va_end(ap);
    assert_ok(store_exec(l->f.s, sql, &err));
}

static void publish(struct lake *l, int64_t version, const char *step, int64_t day, int64_t days,
                    int64_t back_to) {
    char to[24] = "NULL";
    if (back_to >= 0) snprintf(to, sizeof to, "%lld", (long long)back_to);
    run_sql(
        l,
        "INSERT INTO version(dataset, version, pipeline, step, operation, published_at, window_start, "
        "window_end,"
        " rows, rows_unknown, bytes, files, rows_added, files_added, files_removed, based_on, rolled_back_to)"
        " VALUES(%lld, %lld, 'sales', '%s', 'replace', %lld, nullif(%lld, 0), nullif(%lld, 0), 0, 0, 0, 0, "
        "0, 0,"
        " 0, -1, %s)",
        (long long)l->dataset, (long long)version, step, (long long)(NOON + version),
        days ? (long long)DAY(day) : 0, days ? (long long)DAY(day + days) : 0, to);
}

static const char *windows_text(struct lake *l, int64_t from, int64_t to, bool undone) {
    struct err err;
    const struct version_query q = {l->dataset, DAY(from), DAY(to), undone};
    struct version_window *rows;
    struct buf b = BUF_INIT;
    size_t n;
    assert_ok(store_version_windows(l->f.s, &q, l->f.a, &rows, &n, &err));
    for (size_t i = 0; i < n; i++)
        buf_addf(&b, "%s%s@%lld+%lld=v%lld", i ? " " : "", rows[i].step,
                 (long long)((rows[i].start - NOON) / US_PER_DAY),
                 (long long)((rows[i].end - rows[i].start) / US_PER_DAY), (long long)rows[i].version);
    const char *text = arena_strdup(l->f.a, buf_str(&b));
    buf_release(&b);
    return text;
}

static void windows_of_versions_are_those_that_stand(void **state) {
    (void)state;
    struct lake l;
    struct err err;
    begin_lake(&l);
    publish(&l, 0, "a", 1, 1, -1);
    publish(&l, 1, "a", 2, 1, -1);
    publish(&l, 2, "b", 2, 1, -1);
    publish(&l, 3, "a", 2, 1, -1);
    publish(&l, 4, "a", 0, 30, -1);
    publish(&l, 5, "a", 0, 0, -1);
    assert_string_equal("a@0+30=v4 a@1+1=v0 a@2+1=v3 b@2+1=v2", windows_text(&l, 1, 3, false));
    assert_string_equal("a@0+30=v4 a@2+1=v3 b@2+1=v2", windows_text(&l, 2, 3, false));
    assert_string_equal("", windows_text(&l, 30, 40, false));
    publish(&l, 6, "a", 0, 0, 1); /* what came after version 1 does not count any more */
    assert_string_equal("a@1+1=v0 a@2+1=v1", windows_text(&l, 1, 3, false));
    assert_string_equal("a@0+30=v4 a@1+1=v0 a@2+1=v3 b@2+1=v2", windows_text(&l, 1, 3, true));
    publish(&l, 7, "a", 2, 1, -1);
    assert_string_equal("a@1+1=v0 a@2+1=v7", windows_text(&l, 1, 3, false));
    instant_t oldest = 1;
    assert_ok(store_version_oldest(l.f.s, l.dataset, &oldest, &err));
    assert_int_equal(0, oldest);
    run_sql(&l, "DELETE FROM version WHERE version < 3");
    assert_ok(store_version_oldest(l.f.s, l.dataset, &oldest, &err));
    assert_int_equal(NOON + 3, oldest);
    store_rollback(l.f.s);
    fx_end(&l.f);
}

static void partitions_are_those_of_live_files(void **state) {
    (void)state;
    struct lake l;
    struct err err;
    const char **texts;
    size_t n;
    begin_lake(&l);
    for (int i = 0; i < 4; i++)
        run_sql(
            &l,
            "INSERT INTO data_file(dataset, path, bytes, partition, added_version, removed_version, added_at)"
            " VALUES(%lld, 'f%d', 1, '{\"d\":\"2026-01-0%d\"}', %d, %s, 1)",
            (long long)l.dataset, i, 1 + i / 2, i, i == 3 ? "5" : "NULL");
    run_sql(&l,
            "INSERT INTO data_file(dataset, path, bytes, added_version, added_at) VALUES(%lld, 'x', 1, 9, 1)",
            (long long)l.dataset);
    assert_ok(store_partitions(l.f.s, l.dataset, l.f.a, &texts, &n, &err));
    assert_int_equal(2, n);
    assert_string_equal("{\"d\":\"2026-01-01\"}", texts[0]);
    assert_string_equal("{\"d\":\"2026-01-02\"}", texts[1]);
    store_rollback(l.f.s);
    fx_end(&l.f);
}

static void a_version_is_alive_while_one_of_its_files_is(void **state) {
    (void)state;
    struct lake l;
    struct err err;
    struct version_query asked = {0, DAY(0), DAY(9), true};
    struct version_window *rows;
    size_t n;
    begin_lake(&l);
    for (int i = 3; i-- > 0;) publish(&l, i, "a", 1 + i, 1, -1);
    for (int i = 0; i < 4; i++)
        run_sql(&l,
                "INSERT INTO data_file(dataset, path, bytes, added_version, removed_version, added_at)"
                " VALUES(%lld, 'f%d', 1, %d, %s, 1)",
                (long long)l.dataset, i, i / 2, i == 1 ? "NULL" : "2");
    asked.dataset = l.dataset;
    assert_ok(store_version_windows(l.f.s, &asked, l.f.a, &rows, &n, &err));
    assert_int_equal(3, n);
    for (int i = 0; i < 3; i++) assert_int_equal(DAY(1 + i), rows[i].start);
    assert_true(rows[0].alive && !rows[1].alive && !rows[2].alive);
    store_rollback(l.f.s);
    fx_end(&l.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_run_of_each_window_counts),
        cmocka_unit_test(a_run_that_was_withdrawn_never_was),
        cmocka_unit_test(a_part_counts_for_the_same_part_only),
        cmocka_unit_test(what_runs_took_is_that_of_the_last_good_whole_ones),
        cmocka_unit_test(windows_of_versions_are_those_that_stand),
        cmocka_unit_test(a_version_is_alive_while_one_of_its_files_is),
        cmocka_unit_test(partitions_are_those_of_live_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
