/* test_audit_process.c: stages that a process filled (shell, exec, spark) through the worker's audit
 * action. */
#include "workbench.h"

static int setup(void **state) {
    *state = lake_new("UTC");
    return 0;
}

static int teardown(void **state) {
    lake_free(*state);
    return 0;
}

static void stage_file(struct lake *l, const struct done *d, const char *name, const char *text) {
    bench_file(l, arena_printf(l->arena, "%s/%s", d->attempt.stage + strlen(l->root) + 1, name), text);
}

static struct job audit_into(const char *into) {
    return (struct job){.action = "audit", .verb = "shell", .into = into};
}

static void test_csv_becomes_parquet(void **state) {
    struct lake *l = *state;
    struct job j = audit_into("{'dataset': 'trusted.out'}");
    struct done d = bench_begin(l, &j);
    stage_file(l, &d, "a.csv", "id,s\n1,x\n");
    stage_file(l, &d, "sub/b.csv", "s,id\ny,2\n");
    stage_file(l, &d, "_SUCCESS", "");
    stage_file(l, &d, ".part.crc", "crc");
    bench_execute(l, &d);
    assert_outcome(&d, "ok");
    assert_int_equal(json_int(d.result, "rows_written", 0), 2);
    bench_publish(l, &d);
    assert_string_equal(bench_rows(l, "trusted.out", "SELECT id || s FROM trusted.out ORDER BY id"), "1x 2y");
    done_free(&d);
}

/* Folders of partition_by become columns: text at first, later what the dataset has. */
static void test_hive_folders(void **state) {
    struct lake *l = *state;
    struct job j = audit_into("{'dataset': 'trusted.days', 'partition_by': ['day']}");
    struct done d = bench_begin(l, &j);
    stage_file(l, &d, "day=2024-01-01/a.csv", "id\n1\n");
    stage_file(l, &d, "day=2024-01-02/a.csv", "id\n2\n");
    bench_execute(l, &d);
    assert_outcome(&d, "ok");
    assert_int_equal(done_files(&d, 0), 2);
    bench_publish(l, &d);
    done_free(&d);
    assert_string_equal(
        bench_rows(l, "trusted.days", "SELECT id || day || typeof(day) FROM trusted.days ORDER BY id"),
        "12024-01-01VARCHAR 22024-01-02VARCHAR");
    bench_publish_job(l, &(struct job){.verb = "sql",
                                       .sql = "select 1 as id, date '2024-01-01' as day",
                                       .into = "{'dataset': 'trusted.dates', 'partition_by': ['day']}"});
    j.into = "{'dataset': 'trusted.dates', 'partition_by': ['day']}";
    d = bench_begin(l, &j);
    stage_file(l, &d, "day=2024-01-02/a.csv", "id\n2\n");
    bench_execute(l, &d);
    assert_outcome(&d, "ok");
    bench_publish(l, &d);
    done_free(&d);
    assert_string_equal(
        bench_rows(l, "trusted.dates", "SELECT id || typeof(day) FROM trusted.dates ORDER BY id"),
        "1DATE 2DATE");
}

static void test_files_zone_keeps_bytes(void **state) {
    struct lake *l = *state;
    struct job j = audit_into(
        "{'dataset': 'raw.out', 'format': 'files', 'schema': 'any', 'checks': [{'text': 'row_count > "
        "1', 'kind': 'set', 'metric': {'name': 'row_count', 'columns': []}, 'op': '>', 'args': [1]}]}");
    struct done d = bench_begin(l, &j);
    stage_file(l, &d, "x/a.csv", "id\n1\n2\n");
    bench_execute(l, &d);
    assert_outcome(&d, "ok");
    assert_int_equal(json_int(d.result, "rows_written", 0), 2);
    bench_publish(l, &d);
    done_free(&d);
    assert_string_equal(bench_rows(l, "raw.out", "SELECT sum(id) FROM raw.out"), "3");
    d = bench_begin(l, &j);
    stage_file(l, &d, "a.csv", "id\n1\n");
    bench_execute(l, &d);
    assert_outcome(&d, "gate");
    done_free(&d);
}

static void test_empty_stage(void **state) {
    struct lake *l = *state;
    struct job j = audit_into("{'dataset': 'trusted.none'}");
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "nothing_new"); /* no columns are known yet */
    done_free(&d);
    bench_publish_job(
        l, &(struct job){.verb = "sql", .sql = "select 1 as id", .into = "{'dataset': 'trusted.none'}"});
    j.into = "{'dataset': 'trusted.none', 'write': 'replace'}";
    d = bench_run(l, &j);
    assert_outcome(&d, "ok");
    bench_publish(l, &d);
    done_free(&d);
    assert_string_equal(bench_rows(l, "trusted.none", "SELECT count(*) FROM trusted.none"), "0");
    j.into = "{'dataset': 'trusted.none', 'if_empty': 'fail'}";
    d = bench_run(l, &j);
    assert_outcome(&d, "gate");
    done_free(&d);
}

static const struct {
    const char *name, *text, *message;
} refused[] = {
    {"a.xlsx", "x", "what the step wrote: _leat_stage.came holds a.xlsx, which SQL cannot read by its name"},
    {"a.parquet", "not parquet", "what the step wrote: "},
};

static void test_refusals(void **state) {
    struct lake *l = *state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct job j = audit_into("{'dataset': 'trusted.out'}");
        struct done d = bench_begin(l, &j);
        stage_file(l, &d, refused[i].name, refused[i].text);
        bench_execute(l, &d);
        assert_outcome(&d, "failed");
        if (strncmp(done_message(&d), refused[i].message, strlen(refused[i].message)) != 0)
            fail_msg("%s: %s", refused[i].name, done_message(&d));
        done_free(&d);
    }
    struct job j = audit_into("{'dataset': 'trusted.out'}");
    struct done d = bench_begin(l, &j);
    assert_int_equal(symlink("/etc/passwd", arena_printf(l->arena, "%s/p.csv", d.attempt.stage)), 0);
    bench_execute(l, &d);
    assert_outcome(&d, "failed");
    assert_non_null(strstr(done_message(&d), "is neither a file nor a folder"));
    done_free(&d);
}

/* What LEAT_BOOKMARK_FILE holds is the next value. */
static void test_value_bookmark(void **state) {
    struct lake *l = *state;
    struct job j = audit_into("{'dataset': 'trusted.out'}");
    j.bookmark = "value";
    struct done d = bench_begin(l, &j);
    stage_file(l, &d, "a.csv", "id\n1\n");
    char *path = exchange_path(l->state, d.attempt.token, EXCHANGE_BOOKMARK);
    assert_int_equal(fs_mkdirs(arena_printf(l->arena, "%s/stage", l->state), 0700, &l->err), 0);
    assert_int_equal(fs_replace(path, "page 7\n", 7, 0600, &l->err), 0);
    free(path);
    bench_execute(l, &d);
    assert_string_equal(json_text(json_object_get(d.result, "bookmark"), "value"), "page 7");
    done_free(&d);
}

/* The same stage audited twice gives the same rows: P2 may be repeated after a crash. */
static void test_audit_can_be_repeated(void **state) {
    struct lake *l = *state;
    struct job j = audit_into("{'dataset': 'trusted.out'}");
    struct done d = bench_begin(l, &j);
    stage_file(l, &d, "a.csv", "id,s\n1,x\n");
    bench_execute(l, &d);
    assert_outcome(&d, "ok");
    bench_execute(l, &d);
    assert_outcome(&d, "ok");
    assert_int_equal(done_files(&d, 0), 1);
    bench_publish(l, &d);
    assert_string_equal(bench_rows(l, "trusted.out", "SELECT id || s FROM trusted.out"), "1x");
    done_free(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_csv_becomes_parquet, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hive_folders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files_zone_keeps_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_stage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_value_bookmark, setup, teardown),
        cmocka_unit_test_setup_teardown(test_audit_can_be_repeated, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
