/* test_zones_attach.c: pinned versions as views: partitions, growing schemas, outside files, loose files. */
#include "lake.h"
#include "zones/attach.h"

#define ID_TEXT "[{'name':'id','type':'long','nullable':true},{'name':'t','type':'string','nullable':true}]"

static int attach(struct lake *l, const char *dataset, int64_t version, int64_t since,
                  struct zone_attached *out) {
    const struct zone_input in = {.dataset = dataset,
                                  .dataset_id = lake_id(l, dataset),
                                  .version = version,
                                  .since = since,
                                  .want_new = true};
    return zone_attach(l->duck, l->store, &in, out, &l->err);
}

static void must_attach(struct lake *l, const char *dataset, int64_t version, int64_t since,
                        struct zone_attached *out) {
    if (attach(l, dataset, version, since, out)) fail_msg("%s", l->err.msg);
}

static struct publication delta(const char *columns, const char *by, const struct staged *files, size_t n) {
    return (struct publication){.dataset = "trusted.o",
                                .format = "delta",
                                .operation = "append",
                                .columns = columns,
                                .by = by,
                                .files = files,
                                .count = n,
                                .base = LAKE_HEAD};
}

static void versions_are_pinned_and_new_rows_told_apart(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    const struct staged one[] = {{.sql = "SELECT 1::BIGINT id, 'a' t", .name = "a.parquet"}};
    const struct staged two[] = {{.sql = "SELECT 2::BIGINT id, 'b' t", .name = "b.parquet"},
                                 {.sql = "SELECT 3::BIGINT id, 'c' t", .name = "c.parquet"}};
    struct publication p = delta(ID_TEXT, NULL, one, 1);
    assert_int_equal(lake_publish(l, &p), 0);
    p = delta(ID_TEXT, NULL, two, 2);
    assert_int_equal(lake_publish(l, &p), 1);
    struct zone_attached got;
    must_attach(l, "trusted.o", 1, 0, &got);
    assert_string_equal(lake_ask(l, "SELECT id FROM trusted.o ORDER BY 1"), "1 2 3");
    assert_string_equal(lake_ask(l, "SELECT id FROM trusted.o__new ORDER BY 1"), "2 3");
    assert_int_equal(got.files, 3);
    assert_int_equal(got.rows, 3);
    assert_int_equal(got.new_files, 2);
    assert_int_equal(got.removed_in, -1);
    must_attach(l, "trusted.o", 0, -1, &got);
    assert_string_equal(lake_ask(l, "SELECT id FROM trusted.o"), "1");
    assert_string_equal(lake_ask(l, "SELECT id FROM trusted.o__new"), "1");
    must_attach(l, "trusted.o", 1, 1, &got);
    assert_string_equal(lake_ask(l, "SELECT count(*) FROM trusted.o__new"), "0");
    const struct zone_input old = {
        .dataset = "trusted.o", .view = "trusted.o@0", .dataset_id = lake_id(l, "trusted.o"), .version = 0};
    assert_int_equal(zone_attach(l->duck, l->store, &old, NULL, &l->err), 0);
    assert_string_equal(lake_ask(l, "SELECT id FROM trusted.\"o@0\""), "1");
    p.operation = "replace";
    p.files = one, p.count = 1;
    assert_int_equal(lake_publish(l, &p), 2);
    must_attach(l, "trusted.o", 2, 1, &got);
    assert_string_equal(lake_ask(l, "SELECT id FROM trusted.o"), "1");
    assert_int_equal(got.removed_in, 2);
    lake_free(l);
}

static void partition_columns_keep_type_and_value(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    const char *columns =
        "[{'name':'id','type':'long','nullable':true},{'name':'d','type':'date','nullable':true},"
        "{'name':'city','type':'string','nullable':true}]";
    const struct staged plain[] = {
        {"SELECT 1::BIGINT id", NULL, "a.parquet", "{'d':'2026-01-01','city':'Bonn am Rhein'}"},
        {"SELECT 2::BIGINT id", NULL, "b.parquet", "{'d':null,'city':'a/b=c:100%'}"},
    };
    struct publication p = delta(columns, "['d','city']", plain, 2);
    lake_publish(l, &p);
    must_attach(l, "trusted.o", 0, -1, NULL);
    const char *ask =
        "SELECT id || ':' || coalesce(d::VARCHAR, '-') || ':' || coalesce(city, '-') FROM trusted.o "
        "ORDER BY id";
    assert_string_equal(lake_ask(l, ask), "1:2026-01-01:Bonn am Rhein 2:-:a/b=c:100%");
    assert_string_equal(lake_ask(l, "SELECT column_type FROM (DESCRIBE SELECT d FROM trusted.o)"), "DATE");
    /* A text that reads as NULL in a folder name: the catalogue's values are joined instead. */
    const struct staged odd[] = {
        {"SELECT 3::BIGINT id", NULL, "c.parquet", "{'d':'2026-01-02','city':'null'}"}};
    p = delta(columns, "['d','city']", odd, 1);
    lake_publish(l, &p);
    must_attach(l, "trusted.o", 1, 0, NULL);
    assert_string_equal(lake_ask(l, ask), "1:2026-01-01:Bonn am Rhein 2:-:a/b=c:100% 3:2026-01-02:null");
    assert_string_equal(lake_ask(l, "SELECT city FROM trusted.o__new WHERE d > DATE '2026-01-01'"), "null");
    lake_free(l);
}

static void a_growing_schema_reads_as_null(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    const struct staged one[] = {{.sql = "SELECT 1::BIGINT id, 'a' t", .name = "a.parquet"}};
    const struct staged two[] = {
        {.sql = "SELECT 2::BIGINT id, 'b' t, 2.5::DECIMAL(9,2) x", .name = "b.parquet"}};
    struct publication p = delta(ID_TEXT, NULL, one, 1);
    lake_publish(l, &p);
    p = delta("[{'name':'id','type':'long','nullable':true},{'name':'t','type':'string','nullable':true},"
              "{'name':'x','type':'decimal(9,2)','nullable':true}]",
              NULL, two, 1);
    lake_publish(l, &p);
    must_attach(l, "trusted.o", 1, 0, NULL);
    assert_string_equal(lake_ask(l, "SELECT id || t || coalesce(x::VARCHAR, '-') FROM trusted.o ORDER BY id"),
                        "1a- 2b2.50");
    must_attach(l, "trusted.o", 0, -1, NULL);
    assert_string_equal(lake_ask(l, "SELECT count(*) FROM (DESCRIBE trusted.o)"), "2");
    lake_free(l);
}

static void an_empty_version_is_an_empty_table(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    struct publication p = delta(ID_TEXT, NULL, NULL, 0);
    lake_publish(l, &p);
    must_attach(l, "trusted.o", 0, -1, NULL);
    assert_string_equal(lake_ask(l, "SELECT count(*) FROM trusted.o"), "0");
    assert_string_equal(lake_ask(l, "SELECT column_type FROM (DESCRIBE trusted.o)"), "BIGINT VARCHAR");
    lake_free(l);
}

/* An outside writer's version: recorded through replan, with Spark's idea of a timestamp. */
static void outside_files_keep_their_instants(void **state) {
    (void)state;
    struct lake *l = lake_new("Europe/Berlin");
    const char *columns =
        "[{'name':'id','type':'long','nullable':true},{'name':'ts','type':'timestamp','nullable':true}]";
    const struct staged one[] = {
        {.sql = "SELECT 1::BIGINT id, TIMESTAMPTZ '2026-01-01 12:00:00+00' ts", .name = "a.parquet"}};
    struct publication p = delta(columns, NULL, one, 1);
    lake_publish(l, &p);
    const char *path = lake_path(l, "trusted.o");
    const char *make = arena_printf(l->arena,
                                    "COPY (SELECT 2::BIGINT id, TIMESTAMP '2026-01-01 12:00:00' ts) TO "
                                    "'%s/outside.parquet' (FORMAT parquet)",
                                    path);
    assert_int_equal(duck_exec(l->duck, make, NULL, NULL, &l->err), 0);
    static const char entry[] =
        "{\"commitInfo\":{\"engineInfo\":\"Spark/4\"}}\n{\"add\":{\"path\":\"outside.parquet\","
        "\"partitionValues\":{},\"size\":1,\"modificationTime\":1,\"dataChange\":true}}\n";
    char *log = delta_log_path(path, 1);
    assert_int_equal(fs_create(log, entry, sizeof entry - 1, 0644, &l->err), 0);
    free(log);
    /* The next append meets it, and goes on top. */
    struct lake_attempt a = {0};
    lake_claim(l, "trusted", &a);
    int64_t intent = lake_prepare(l, &a, &p);
    json_t *outside = NULL;
    assert_int_equal(publish_run_intent(l->store, intent, &outside, &l->err), PUBLISH_OUTSIDE);
    struct intent_row row;
    assert_int_equal(store_intent_get(l->store, intent, l->arena, &row, &l->err), 1);
    json_t *plan = json_loads(row.plan, 0, NULL), *fresh = publish_rebase(plan, outside, l->now, &l->err);
    if (!fresh) fail_msg("%s", l->err.msg);
    assert_int_equal(store_begin(l->store, &l->err), 0);
    if (store_intent_replan(l->store, intent, fresh, l->now, &l->err) != 1) fail_msg("%s", l->err.msg);
    assert_int_equal(store_commit(l->store, &l->err), 0);
    json_decref(outside);
    if (publish_run_intent(l->store, intent, &outside, &l->err) != PUBLISH_DONE) fail_msg("%s", l->err.msg);
    lake_commit(l, intent, true);
    must_attach(l, "trusted.o", 2, -1, NULL);
    assert_string_equal(lake_ask(l, "SELECT ts FROM trusted.o ORDER BY id, ts"),
                        "2026-01-01T12:00:00Z 2026-01-01T12:00:00Z 2026-01-01T12:00:00Z");
    json_decref(plan);
    json_decref(fresh);
    lake_free(l);
}

static void loose_files_are_read_by_their_ending(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    const struct staged files[] = {
        {.text = "id,t\n1,a\n", .name = "a.csv"},
        {.text = "id,t,x\n2,b,7\n", .name = "b.CSV"},
        {.text = "id\tt\n3\tc,d\n", .name = "c.tsv"},
        {.text = "{\"id\":4,\"t\":\"d\"}\n{\"id\":5,\"t\":\"e\"}\n", .name = "d.ndjson"},
        {.sql = "SELECT 6::BIGINT id, 'f' t", .name = "e.parquet"},
    };
    struct publication p = {.dataset = "raw.o",
                            .format = "files",
                            .operation = "append",
                            .files = files,
                            .count = sizeof files / sizeof *files,
                            .base = LAKE_HEAD};
    lake_publish(l, &p);
    must_attach(l, "raw.o", 0, -1, NULL);
    assert_string_equal(lake_ask(l, "SELECT id || t || coalesce(x::VARCHAR, '') FROM raw.o ORDER BY id"),
                        "1a 2b7 3c,d 4d 5e 6f");
    const struct staged other[] = {{.text = "x", .name = "f.xlsx"}};
    p.files = other, p.count = 1;
    lake_publish(l, &p);
    assert_int_equal(attach(l, "raw.o", 1, -1, NULL), -1);
    assert_string_equal(l->err.reason, "not_readable");
    assert_int_equal(l->err.exit, EX_INVALID);
    assert_true(zone_file_readable("a/B.Json.GZ"));
    assert_true(zone_file_readable("x.parquet"));
    assert_false(zone_file_readable("x.txt"));
    assert_false(zone_file_readable("csv"));
    lake_free(l);
}

static void a_dataset_nobody_published_is_named(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    const struct zone_input in = {.dataset = "trusted.nope", .dataset_id = -1, .version = -1};
    assert_int_equal(zone_attach(l->duck, l->store, &in, NULL, &l->err), -1);
    assert_int_equal(l->err.exit, EX_NOT_FOUND);
    assert_string_equal(l->err.msg, "trusted.nope has not been published yet");
    lake_free(l);
}

static void thousands_of_files_are_one_short_statement(void **state) {
    (void)state;
    enum { MANY = 3000 };
    struct lake *l = lake_new(NULL);
    char master[128], copy[160];
    snprintf(master, sizeof master, "%s/m.parquet", l->root);
    const char *make =
        arena_printf(l->arena, "COPY (SELECT 1::BIGINT id, 'a' t) TO '%s' (FORMAT parquet)", master);
    assert_int_equal(duck_exec(l->duck, make, NULL, NULL, &l->err), 0);
    json_t *paths = json_array();
    for (int i = 0; i < MANY; i++) {
        snprintf(copy, sizeof copy, "%s/f%d.parquet", l->root, i);
        assert_int_equal(link(master, copy), 0);
        json_array_append_new(paths, json_string(copy));
    }
    if (zone_attach_files(l->duck, "stage", "rows", paths, NULL, &l->err)) fail_msg("%s", l->err.msg);
    assert_string_equal(lake_ask(l, "SELECT sum(id) FROM stage.rows"), "3000");
    json_decref(paths);
    lake_free(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_pinned_and_new_rows_told_apart),
        cmocka_unit_test(partition_columns_keep_type_and_value),
        cmocka_unit_test(a_growing_schema_reads_as_null),
        cmocka_unit_test(an_empty_version_is_an_empty_table),
        cmocka_unit_test(outside_files_keep_their_instants),
        cmocka_unit_test(loose_files_are_read_by_their_ending),
        cmocka_unit_test(a_dataset_nobody_published_is_named),
        cmocka_unit_test(thousands_of_files_are_one_short_statement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
