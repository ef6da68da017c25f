/* test_op_promote.c: promote steps through the real worker: which rows, which types, which duplicates, which
 * are bad. */
#include "workbench.h"

static int setup(void **state) {
    *state = lake_new("UTC");
    return 0;
}

static int teardown(void **state) {
    lake_free(*state);
    return 0;
}

static const char *const inputs[] = {"raw.orders", NULL};

/* Lands the files below in/ as a version of raw.orders. */
static void land(struct lake *l, const char *name, const char *text) {
    bench_file(l, arena_printf(l->arena, "in/%s", name), text);
    bench_publish_job(l,
                      &(struct job){.verb = "copy",
                                    .config = "'in'",
                                    .bookmark = "files",
                                    .into = "{'dataset': 'raw.orders', 'format': 'files', 'schema': 'any'}"});
}

static struct job promote(const char *config, const char *into) {
    return (struct job){
        .verb = "promote", .inputs = inputs, .bookmark = "version", .config = config, .into = into};
}

static const char *trusted(struct lake *l, const char *expression) {
    return bench_rows(l, "trusted.orders",
                      arena_printf(l->arena, "SELECT %s FROM trusted.orders ORDER BY 1", expression));
}

static void test_consumes_by_version(void **state) {
    struct lake *l = *state;
    struct job j = promote("'raw.orders'", "{'dataset': 'trusted.orders'}");
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "nothing_new"); /* never published */
    done_free(&d);
    land(l, "1.csv", "id,amount\n1,1.5\n2,2.5\n");
    bench_publish_job(l, &j);
    d = bench_run(l, &j);
    assert_outcome(&d, "nothing_new");
    done_free(&d);
    land(l, "2.csv", "id,amount\n3,3.5\n");
    d = bench_run(l, &j);
    assert_int_equal(json_int(d.result, "rows_read", 0), 1);
    bench_publish(l, &d);
    done_free(&d);
    assert_string_equal(trusted(l, "id"), "1 2 3");
}

/* Text stays as it is written; what does not fit is told with its text. */
static void test_types(void **state) {
    struct lake *l = *state;
    land(l, "1.csv", "id,zip,amount,day\n1,00501,1.10,2024-01-01\n2,10001,abc,2024-01-02\n3,,2.345,nope\n");
    struct job j = promote(
        "{'dataset': 'raw.orders', 'types': {'zip': 'text', 'amount': 'decimal(9,2)', 'day': 'date'}}",
        "{'dataset': 'trusted.orders', 'bad_rows': 'quarantine'}");
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "ok");
    assert_int_equal(json_int(d.result, "bad_rows", 0), 2);
    bench_publish(l, &d);
    done_free(&d);
    assert_string_equal(trusted(l, "id || ' ' || zip || ' ' || amount || ' ' || day"),
                        "1 00501 1.10 2024-01-01");
    assert_string_equal(
        bench_rows(l, "trusted.orders__quarantine",
                   "SELECT id || ': ' || _leat_reason || ' [' || _leat_check || '] ' || "
                   "parse_filename(_leat_source) || ';' FROM trusted.orders__quarantine ORDER BY id"),
        "2: amount: abc is not DECIMAL(9,2) [values fit their types] 1.csv; 3: day: nope is not DATE [values "
        "fit "
        "their types] 1.csv;");
}

/* Once the dataset has types, they hold for what comes after. */
static void test_types_of_the_target(void **state) {
    struct lake *l = *state;
    land(l, "1.csv", "id,zip\n1,x1\n");
    struct job j = promote("'raw.orders'", "{'dataset': 'trusted.orders'}");
    bench_publish_job(l, &j);
    land(l, "2.csv", "id,zip\n2,007\n");
    bench_publish_job(l, &j);
    assert_string_equal(trusted(l, "zip"), "007 x1");
    land(l, "3.csv", "id,zip\nthree,9\n");
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "gate");
    assert_string_equal(done_message(&d),
                        "1 of 1 checks of trusted.orders failed: values fit their types (1 of 1 rows fail)");
    done_free(&d);
}

/* Columns are known by their names, wherever they stand; a new one is added, a lost one is NULL. */
static void test_moved_columns(void **state) {
    struct lake *l = *state;
    struct job j = promote("'raw.orders'", "{'dataset': 'trusted.orders'}");
    land(l, "1.csv", "id,amount\n1,10\n");
    bench_publish_job(l, &j);
    land(l, "2.csv", "amount,id\n20,2\n");
    bench_publish_job(l, &j);
    land(l, "3.csv", "id,total\n3,30\n");
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "ok");
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(d.result, "warnings"), 0)),
        "column `amount` of trusted.orders is not given by the step: it is NULL in the new rows");
    bench_publish(l, &d);
    done_free(&d);
    assert_string_equal(trusted(l, "concat(id, ':', amount, ':', total)"), "1:10: 2:20: 3::30");
    j.into = "{'dataset': 'trusted.orders', 'schema': 'strict'}";
    land(l, "4.csv", "id,sum\n4,40\n");
    d = bench_run(l, &j);
    assert_outcome(&d, "gate");
    assert_string_equal(done_message(&d),
                        "the schema of trusted.orders may not change like this (policy `strict`): missing "
                        "`amount`; missing `total`; new column `sum` long");
    done_free(&d);
}

static const struct {
    const char *keep, *rows;
} kept[] = {
    {"'last'", "1c 2b :n :m"},
    {"'first'", "1a 2b :n :m"},
    {"'newest  v'", "1b 2b :n :m"},
    {"'oldest v'", "1c 2b :n :m"},
};

static void test_dedupe(void **state) {
    struct lake *l = *state;
    land(l, "1.csv", "id,s,v\n1,a,2\n1,b,3\n2,b,1\n1,c,1\n,n,1\n,m,2\n");
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        struct job j =
            promote(arena_printf(l->arena, "{'dataset': 'raw.orders', 'dedupe': {'key': ['id'], 'keep': %s}}",
                                 kept[i].keep),
                    "{'dataset': 'trusted.orders', 'write': 'replace'}");
        j.bookmark = NULL;
        bench_publish_job(l, &j);
        const char *rows =
            bench_rows(l, "trusted.orders",
                       "SELECT CASE WHEN id IS NULL THEN ':' ELSE id::VARCHAR END || s FROM trusted.orders "
                       "ORDER BY id NULLS LAST, s DESC");
        assert_string_equal(rows, kept[i].rows);
    }
}

static const struct {
    const char *config, *message;
} refused[] = {
    {"{'dataset': 'raw.orders', 'dedupe': {'key': ['idd']}}", "dedupe.key: the step gives no column `idd`"},
    {"{'dataset': 'raw.orders', 'dedupe': {'key': ['id'], 'keep': 'best'}}",
     "dedupe.keep: `best` is none of"},
    {"{'dataset': 'raw.orders', 'dedupe': {'key': ['id'], 'keep': 'newest vv'}}",
     "dedupe.keep: the step gives no column `vv`"},
    {"{'dataset': 'raw.orders', 'types': {'ids': 'bigint'}}", "types: the step gives no column `ids`"},
    {"{'dataset': 'raw.orders', 'types': {'id': 'bignt'}}", "types: `bignt` of column `id` is no type"},
    {"{'dataset': 'raw.orders', 'types': {'id': 'int); drop table x; --'}}",
     "types: `int); drop table x; --` of column"},
    {"{'dataset': 'raw.orders', 'select': 'select nope from source'}",
     "Referenced column \"nope\" not found"},
};

static void test_refusals(void **state) {
    struct lake *l = *state;
    land(l, "1.csv", "id,s,v\n1,a,2\n");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct job j = promote(refused[i].config, "{'dataset': 'trusted.orders'}");
        struct done d = bench_run(l, &j);
        assert_outcome(&d, "failed");
        if (strncmp(done_message(&d), refused[i].message, strlen(refused[i].message)) != 0)
            fail_msg("%s: %s", refused[i].config, done_message(&d));
        done_free(&d);
    }
}

static void test_select(void **state) {
    struct lake *l = *state;
    land(l, "1.csv", "id,amount\n1,10\n2,20\n");
    struct job j = promote(
        "{'dataset': 'raw.orders', 'select': {'text': 'select id, amount * 2 as twice from source where "
        "id > $n;', 'params': [{'name': 'n', 'type': 'integer', 'value': 1}]}, 'types': {'twice': "
        "'double'}}",
        "{'dataset': 'trusted.orders'}");
    bench_publish_job(l, &j);
    assert_string_equal(trusted(l, "id || ':' || twice"), "2:40.0");
}

/* A landing file that was rewritten takes rows back: append cannot, merge and replace read the whole
 * again. */
static void test_source_that_removed(void **state) {
    struct lake *l = *state;
    struct job append = promote("'raw.orders'", "{'dataset': 'trusted.orders'}");
    struct job merge =
        promote("'raw.orders'", "{'dataset': 'trusted.orders', 'write': 'merge', 'key': ['id']}");
    land(l, "1.csv", "id,s\n1,a\n");
    land(l, "2.csv", "id,s\n2,b\n");
    bench_publish_job(l, &append);
    land(l, "1.csv", "id,s\n1,A\n3,c\n");
    struct done d = bench_run(l, &append);
    assert_outcome(&d, "failed");
    assert_string_equal(done_reason(&d), "source_removed");
    assert_int_equal(json_int(json_object_get(d.result, "error"), "exit", 0), EX_CONFLICT);
    assert_string_equal(done_message(&d),
                        "version 2 of raw.orders removed rows that this step may have appended already");
    done_free(&d);
    bench_publish_job(l, &merge);
    assert_string_equal(trusted(l, "id || s"), "1A 2b 3c");
    d = bench_run(l, &merge);
    assert_outcome(&d, "nothing_new");
    done_free(&d);
}

static void test_promote_from_delta(void **state) {
    struct lake *l = *state;
    static const char *const sources[] = {"trusted.orders", NULL};
    land(l, "1.csv", "id,s\n1,a\n");
    struct job first = promote("'raw.orders'", "{'dataset': 'trusted.orders'}");
    struct job second =
        promote("{'dataset': 'trusted.orders', 'types': {'id': 'integer'}}", "{'dataset': 'refined.orders'}");
    second.inputs = sources;
    bench_publish_job(l, &first);
    bench_publish_job(l, &second);
    assert_string_equal(bench_rows(l, "refined.orders", "SELECT id || s || typeof(id) FROM refined.orders"),
                        "1aINTEGER");
}

/* A run about a window takes the window's rows, and says when it cannot know them. */
static void test_window(void **state) {
    struct lake *l = *state;
    const instant_t day = INT64_C(1704153600) * US_PER_SECOND; /* 2024-01-02 */
    land(l, "1.csv", "id,day\n1,2024-01-01\n2,2024-01-02\n3,2024-01-03\n");
    struct job j = promote("'raw.orders'",
                           "{'dataset': 'trusted.orders', 'write': 'replace_partitions', 'partition_by': "
                           "['day'], 'partition_of_window': true}");
    j.keep_bookmark = true;
    j.window_start = day;
    j.window_end = day + US_PER_DAY;
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "ok");
    assert_true(json_is_null(json_object_get(d.result, "bookmark")));
    bench_publish(l, &d);
    done_free(&d);
    assert_string_equal(trusted(l, "id"), "2");
    j.into = "{'dataset': 'trusted.orders'}";
    d = bench_run(l, &j);
    assert_outcome(&d, "failed");
    assert_string_equal(done_message(&d),
                        "a run about a window cannot tell which rows of raw.orders are the window's");
    done_free(&d);
}

/* Quarantined rows of a replaced dataset are replaced too. */
static void test_quarantine_is_replaced(void **state) {
    struct lake *l = *state;
    struct job j = promote("{'dataset': 'raw.orders', 'types': {'n': 'integer'}}",
                           "{'dataset': 'trusted.orders', 'bad_rows': 'quarantine', 'write': 'replace'}");
    j.bookmark = NULL;
    land(l, "1.csv", "id,n\n1,x\n2,3\n");
    bench_publish_job(l, &j);
    land(l, "2.csv", "id,n\n4,y\n");
    bench_publish_job(l, &j);
    assert_string_equal(
        bench_rows(l, "trusted.orders__quarantine", "SELECT id FROM trusted.orders__quarantine ORDER BY 1"),
        "1 4");
    land(l, "1.csv", "id,n\n1,1\n");
    land(l, "2.csv", "id,n\n4,4\n");
    bench_publish_job(l, &j);
    assert_string_equal(
        bench_rows(l, "trusted.orders__quarantine", "SELECT count(*) FROM trusted.orders__quarantine"), "0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_consumes_by_version, setup, teardown),
        cmocka_unit_test_setup_teardown(test_types, setup, teardown),
        cmocka_unit_test_setup_teardown(test_types_of_the_target, setup, teardown),
        cmocka_unit_test_setup_teardown(test_moved_columns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dedupe, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_select, setup, teardown),
        cmocka_unit_test_setup_teardown(test_source_that_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_promote_from_delta, setup, teardown),
        cmocka_unit_test_setup_teardown(test_window, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quarantine_is_replaced, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
