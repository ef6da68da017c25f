/* test_op_sql.c: sql steps through the real worker: what they read, write, refuse and report. */
#include "workbench.h"

static int setup(void **state) {
    *state = lake_new("UTC");
    return 0;
}

static int teardown(void **state) {
    lake_free(*state);
    return 0;
}

static const char *const orders[] = {"raw.orders", NULL};
#define ORDERS_COLUMNS                                                                                       \
    "[{'name':'id','type':'long','nullable':true},{'name':'amount','type':'double','nullable':true}]"

static void publish_orders(struct lake *l, const char *sql) {
    const struct staged files[] = {{.sql = sql, .name = "a.parquet"}};
    const struct publication p = {.dataset = "raw.orders",
                                  .format = "delta",
                                  .operation = "append",
                                  .columns = ORDERS_COLUMNS,
                                  .files = files,
                                  .count = 1,
                                  .base = LAKE_HEAD};
    lake_publish(l, &p);
}

static void test_select_becomes_a_version(void **state) {
    struct lake *l = *state;
    publish_orders(l, "SELECT range AS id, range * 1.5::DOUBLE AS amount FROM range(10)");
    struct job j = {
        .verb = "sql",
        .inputs = orders,
        .config = "{'text': {'text': 'select id, amount from raw.orders where id < $n; -- done', 'params': "
                  "[{'name': 'n', 'type': 'integer', 'value': 4}]}}",
        .into = "{'dataset': 'trusted.orders'}"};
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "ok");
    assert_int_equal(json_int(d.result, "rows_read", 0), 10);
    assert_int_equal(json_int(d.result, "rows_written", 0), 4);
    assert_int_equal(
        json_int(json_object_get(json_array_get(json_object_get(done_output(&d, 0), "files"), 0), "stats"),
                 "numRecords", 0),
        4);
    const json_t *sql = json_array_get(json_object_get(d.result, "sql"), 0);
    assert_string_equal(json_text(sql, "text"), "select id, amount from raw.orders where id < $n");
    assert_int_equal(json_array_size(json_object_get(sql, "params")), 1);
    bench_publish(l, &d);
    assert_string_equal(
        bench_rows(l, "trusted.orders", "SELECT sum(id) || '/' || sum(amount) FROM trusted.orders"), "6/9.0");
    done_free(&d);
}

static void test_partitions_are_one_file_each(void **state) {
    struct lake *l = *state;
    struct job j = {
        .verb = "sql",
        .config = "{'text': {'text': 'select range as id, (hash(range) % 50)::int as p, null::date as d from "
                  "range(100000)'}}",
        .into = "{'dataset': 'trusted.parts', 'partition_by': ['p', 'd'], 'write': 'replace_partitions'}"};
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "ok");
    assert_true(done_files(&d, 0) <= 52);
    const json_t *file = json_array_get(json_object_get(done_output(&d, 0), "files"), 0);
    assert_true(json_is_null(json_object_get(json_object_get(file, "partition"), "d")));
    bench_publish(l, &d);
    bench_publish_job(
        l, &(struct job){.verb = "sql",
                         .config = "{'text': {'text': 'select -1 as id, 7 as p, null::date as d'}}",
                         .into = "{'dataset': 'trusted.parts', 'partition_by': ['p', 'd'], 'write': "
                                 "'replace_partitions'}"});
    assert_string_equal(
        bench_rows(l, "trusted.parts",
                   "SELECT count(*) || ' ' || count(DISTINCT p) || ' ' || count(*) FILTER (p = 7) FROM "
                   "trusted.parts"),
        lake_ask(l, "SELECT count(*) + 1 || ' 50 1' FROM range(100000) WHERE hash(range) % 50 <> 7"));
    done_free(&d);
}

static void test_types_delta_lacks_are_converted(void **state) {
    struct lake *l = *state;
    struct job j = {
        .verb = "sql",
        .timezone = "Europe/Berlin",
        .sql = "select 1::hugeint as h, 2::ubigint as u, uuid() as id, timestamp '2024-07-01 12:00:00' as t, "
               "[1, 2]::utinyint[] as a",
        .into = "{'dataset': 'trusted.types'}"};
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "ok");
    bench_publish(l, &d);
    /* Wall time in the pipeline's zone: noon in Berlin in summer is ten in UTC. */
    assert_string_equal(bench_rows(l, "trusted.types",
                                   "SELECT epoch(t)::bigint || ' ' || typeof(h) || ' ' || u FROM "
                                   "trusted.types"),
                        "1719828000 DECIMAL(38,0) 2");
    done_free(&d);
}

static void test_new_rows_only(void **state) {
    struct lake *l = *state;
    struct job j = {.verb = "sql",
                    .inputs = orders,
                    .bookmark = "version",
                    .config = "{'text': {'text': 'select * from raw.orders__new'}}",
                    .into = "{'dataset': 'trusted.fresh'}"};
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "nothing_new"); /* never published */
    done_free(&d);
    publish_orders(l, "SELECT 1::BIGINT AS id, 1::DOUBLE AS amount");
    bench_publish_job(l, &j);
    d = bench_run(l, &j);
    assert_outcome(&d, "nothing_new");
    assert_int_equal(json_array_size(json_object_get(d.result, "outputs")), 0);
    done_free(&d);
    publish_orders(l, "SELECT 2::BIGINT AS id, 2::DOUBLE AS amount");
    bench_publish_job(l, &j);
    assert_string_equal(bench_rows(l, "trusted.fresh", "SELECT id FROM trusted.fresh ORDER BY id"), "1 2");
}

/* What must not run, and how it says so. */
static const struct {
    const char *sql, *message, *reason;
} refused[] = {
    {"select amout from raw.orders", "line 3:20: ", "sql"},
    {"select 1 as a; select 2 as a", "a step runs one SELECT; there is more after the first `;`", ""},
    {"insert into raw.orders values (1, 2)", "line 3:", "sql"},
    {"  -- nothing\n ;", "the SQL text is empty", ""},
    {"select * from read_csv('/etc/passwd')", "", "not_allowed"},
    {"select 1 as a, 2 as A", "the step gives two columns named", ""},
    {"select 1 as a, interval 1 day as b, nope(3)", "line 3:", "sql"},
    {"copy (select 1) to 'x.csv'", "line 3:", "sql"},
};

static void test_refusals(void **state) {
    struct lake *l = *state;
    publish_orders(l, "SELECT 1::BIGINT AS id, 1::DOUBLE AS amount");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct job j = {
            .verb = "sql", .inputs = orders, .sql = refused[i].sql, .into = "{'dataset': 'trusted.no'}"};
        struct done d = bench_run(l, &j);
        if (strncmp(done_message(&d), refused[i].message, strlen(refused[i].message)) != 0 ||
            (refused[i].reason[0] && strcmp(done_reason(&d), refused[i].reason) != 0))
            fail_msg("%s: %s (%s)", refused[i].sql, done_message(&d), done_reason(&d));
        assert_int_equal(json_array_size(json_object_get(d.result, "outputs")), 0);
        done_free(&d);
    }
}

static void test_merge_upserts(void **state) {
    struct lake *l = *state;
    static const char *const rounds[] = {
        "select * from (values (1, 'a', date '2024-01-01', 1), (2, 'b', date '2024-01-02', 1)) t(id, s, d, "
        "v)",
        "select * from (values (2, 'old', date '2024-01-02', 2), (2, 'new', date '2024-01-02', 3), (3, 'c', "
        "date "
        "'2024-01-02', 1)) t(id, s, d, v)",
        /* A row that moves to another partition, and a column more. */
        "select 1 as id, 'moved' as s, date '2024-01-03' as d, 9 as v, true as extra",
    };
    static const char *const want[] = {"1a 2b", "1a 2new 3c", "1moved 2new 3c"};
    static const size_t removes[] = {0, 1, 1};
    for (size_t i = 0; i < 3; i++) {
        struct job j = {.verb = "sql",
                        .sql = rounds[i],
                        .into =
                            "{'dataset': 'trusted.people', 'write': 'merge', 'key': ['id'], 'merge_by': 'v', "
                            "'partition_by': ['d']}"};
        struct done d = bench_run(l, &j);
        assert_outcome(&d, "ok");
        assert_int_equal(json_array_size(json_object_get(done_output(&d, 0), "removes")), removes[i]);
        bench_publish(l, &d);
        assert_string_equal(bench_rows(l, "trusted.people", "SELECT id || s FROM trusted.people ORDER BY id"),
                            want[i]);
        done_free(&d);
    }
}

/* A table whose folders do not tell the partition is rewritten whole. */
static void test_merge_without_folders(void **state) {
    struct lake *l = *state;
    publish_orders(l, "SELECT range AS id, 1.0::DOUBLE AS amount FROM range(3)");
    publish_orders(l, "SELECT range + 10 AS id, 1.0::DOUBLE AS amount FROM range(2)");
    struct job j = {
        .verb = "sql",
        .sql = "select 1::bigint as id, 5.0::double as amount",
        .into = "{'dataset': 'raw.orders', 'write': 'merge', 'key': ['id'], 'partition_by': ['amount']}"};
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "ok");
    assert_int_equal(json_array_size(json_object_get(done_output(&d, 0), "removes")), 2);
    int64_t rows = 0;
    size_t i;
    json_t *file;
    json_array_foreach(json_object_get(done_output(&d, 0), "files"), i, file) rows +=
        json_int(file, "rows", 0);
    assert_int_equal(rows, 5);
    done_free(&d);
}

/* Zones that keep files get Parquet, in a folder of the publish. */
static void test_into_a_files_zone(void **state) {
    struct lake *l = *state;
    struct job j = {.verb = "sql",
                    .sql = "select 1 as id, 'x' as s",
                    .into = "{'dataset': 'raw.made', 'format': 'files', 'schema': 'any'}"};
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "ok");
    const char *target = json_text(json_array_get(json_object_get(done_output(&d, 0), "files"), 0), "target");
    assert_int_equal(strncmp(target, "v=0-r", 5), 0);
    assert_non_null(strstr(target, "/part-00000-"));
    bench_publish(l, &d);
    done_free(&d);
    assert_string_equal(bench_rows(l, "raw.made", "SELECT id || s FROM raw.made"), "1x");
    j.into = "{'dataset': 'raw.made', 'format': 'files', 'schema': 'any', 'write': 'merge', 'key': ['id']}";
    d = bench_run(l, &j);
    assert_string_equal(done_message(&d),
                        "`write: merge` needs a Delta dataset; zone of raw.made keeps files as they came");
    done_free(&d);
}

/* Paths are those of the project folder; nothing above it can be read. */
static void test_paths_in_sql(void **state) {
    struct lake *l = *state;
    bench_file(l, "landing/a.csv", "id\n7\n");
    bench_publish_job(l, &(struct job){.verb = "sql",
                                       .sql = "select * from read_csv('landing/*.csv')",
                                       .into = "{'dataset': 'trusted.local'}"});
    assert_string_equal(bench_rows(l, "trusted.local", "SELECT id FROM trusted.local"), "7");
    static const char *const outside[] = {"select * from read_csv('landing/../../../etc/passwd')",
                                          "select * from read_text('/etc/hostname')"};
    for (size_t i = 0; i < 2; i++) {
        struct done d = bench_run(
            l, &(struct job){.verb = "sql", .sql = outside[i], .into = "{'dataset': 'trusted.local'}"});
        assert_outcome(&d, "failed");
        assert_string_equal(done_reason(&d), "not_allowed");
        done_free(&d);
    }
}

static void test_empty_results(void **state) {
    struct lake *l = *state;
    static const struct {
        const char *word, *outcome;
    } cases[] = {{"fail", "gate"}, {"ok", "ok"}, {"skip", "nothing_new"}};
    for (size_t i = 0; i < 3; i++) {
        const char *into =
            arena_printf(l->arena, "{'dataset': 'trusted.none', 'if_empty': '%s'}", cases[i].word);
        struct job j = {.verb = "sql", .config = "{'text': 'select 1 as a where false'}", .into = into};
        struct done d = bench_run(l, &j);
        assert_outcome(&d, cases[i].outcome);
        if (strcmp(cases[i].outcome, "ok") == 0) {
            assert_int_equal(done_files(&d, 0), 0);
            bench_publish(l, &d);
            assert_string_equal(bench_rows(l, "trusted.none", "SELECT count(*) FROM trusted.none"), "0");
        }
        done_free(&d);
    }
}

static void test_window_partitions(void **state) {
    struct lake *l = *state;
    const instant_t day = INT64_C(1704067200) * US_PER_SECOND; /* 2024-01-01 in UTC */
    static const struct {
        const char *sql;
        int days;
        const char *message;
        size_t cleared;
    } cases[] = {
        {"select 1 as id, date '2024-01-01' as d", 2, "", 2},
        {"select 1 as id, date '2024-01-03' as d", 2,
         "1 rows for refined.daily have a `d` outside the window", 0},
        {"select 1 as id, null::date as d", 2, "1 rows for refined.daily have a `d` outside the window", 0},
        {"select 1 as id, '2024-01-02' as d", 2, "", 2},
        {"select 1 as id, date '2024-01-01' as d where false", 3, "", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct job j = {
            .verb = "sql",
            .sql = cases[i].sql,
            .window_start = day,
            .window_end = day + cases[i].days * US_PER_DAY,
            .into = "{'dataset': 'refined.daily', 'write': 'replace_partitions', 'partition_by': ['d'], "
                    "'partition_of_window': true}"};
        struct done d = bench_run(l, &j);
        if (strncmp(done_message(&d), cases[i].message, strlen(cases[i].message)) != 0)
            fail_msg("%s", done_message(&d));
        assert_int_equal(json_array_size(json_object_get(done_output(&d, 0), "partitions_cleared")),
                         cases[i].cleared);
        done_free(&d);
    }
    /* Half a day is no whole day; in Berlin a UTC day is none either. */
    struct job j = {.verb = "sql",
                    .timezone = "Europe/Berlin",
                    .config = "{'text': 'select 1 as id, current_date as d'}",
                    .window_start = day,
                    .window_end = day + US_PER_DAY,
                    .into =
                        "{'dataset': 'refined.daily', 'write': 'replace_partitions', 'partition_by': ['d'], "
                        "'partition_of_window': true}"};
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "failed");
    assert_non_null(strstr(done_message(&d), "is not whole days in Europe/Berlin"));
    done_free(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_select_becomes_a_version, setup, teardown),
        cmocka_unit_test_setup_teardown(test_partitions_are_one_file_each, setup, teardown),
        cmocka_unit_test_setup_teardown(test_types_delta_lacks_are_converted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_new_rows_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merge_upserts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merge_without_folders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_into_a_files_zone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_paths_in_sql, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_results, setup, teardown),
        cmocka_unit_test_setup_teardown(test_window_partitions, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
