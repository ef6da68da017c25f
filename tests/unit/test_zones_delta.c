/* test_zones_delta.c: Delta types, paths, log entries and checkpoints. What other programs read of them is
 * looked at in tests/e2e. */
#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"
#include "engine/duck.h"
#include "zones/delta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- types: SQL type -> Delta type, cast, warning? */

static const struct {
    const char *sql, *delta, *cast; /* delta NULL: refused; cast NULL: none */
    bool warns;
} types[] = {
    {"BOOLEAN", "\"boolean\"", NULL, false},
    {"TINYINT", "\"byte\"", NULL, false},
    {"INTEGER", "\"integer\"", NULL, false},
    {"BIGINT", "\"long\"", NULL, false},
    {"UTINYINT", "\"short\"", "SMALLINT", false},
    {"UINTEGER", "\"long\"", "BIGINT", false},
    {"UBIGINT", "\"decimal(20,0)\"", "DECIMAL(20,0)", false},
    {"HUGEINT", "\"decimal(38,0)\"", "DECIMAL(38,0)", true},
    {"DECIMAL(18,3)", "\"decimal(18,3)\"", NULL, false},
    {"FLOAT", "\"float\"", NULL, false},
    {"VARCHAR", "\"string\"", NULL, false},
    {"JSON", "\"string\"", "VARCHAR", false},
    {"UUID", "\"string\"", "VARCHAR", false},
    {"ENUM('a', 'b)', 'it''s')", "\"string\"", "VARCHAR", false},
    {"TIME", "\"string\"", "VARCHAR", true},
    {"TIME WITH TIME ZONE", "\"string\"", "VARCHAR", true},
    {"INTERVAL", "\"string\"", "VARCHAR", true},
    {"DATE", "\"date\"", NULL, false},
    {"TIMESTAMP WITH TIME ZONE", "\"timestamp\"", NULL, false},
    {"TIMESTAMP", "\"timestamp\"", "TIMESTAMP WITH TIME ZONE", true},
    {"TIMESTAMP_NS", "\"timestamp\"", "TIMESTAMP WITH TIME ZONE", true},
    {"BLOB", "\"binary\"", NULL, false},
    {"INTEGER[]", "{\"containsNull\":true,\"elementType\":\"integer\",\"type\":\"array\"}", NULL, false},
    {"INTEGER[3]", "{\"containsNull\":true,\"elementType\":\"integer\",\"type\":\"array\"}", "INTEGER[]",
     false},
    {"MAP(VARCHAR, UBIGINT)",
     "{\"keyType\":\"string\",\"type\":\"map\",\"valueContainsNull\":true,\"valueType\":\"decimal(20,0)\"}",
     "MAP(VARCHAR, DECIMAL(20,0))", false},
    {"STRUCT(a INTEGER, \"b c\" VARCHAR[][])",
     "{\"fields\":[{\"metadata\":{},\"name\":\"a\",\"nullable\":true,\"type\":\"integer\"},{\"metadata\":{},"
     "\"name\":\"b "
     "c\",\"nullable\":true,\"type\":{\"containsNull\":true,\"elementType\":{\"containsNull\":true,"
     "\"elementType\":\"string\",\"type\":\"array\"},\"type\":\"array\"}}],\"type\":\"struct\"}",
     NULL, false},
    {"UNION(a INTEGER)", NULL, NULL, false},
    {"BIGNUM", NULL, NULL, false},
    {"INTEGERS", NULL, NULL, false},
    {"STRUCT(a INTEGER", NULL, NULL, false},
    {"MAP(INTEGER)", NULL, NULL, false},
    {"", NULL, NULL, false},
};

static void check_type(size_t i) {
    struct delta_type t = {0};
    struct err err = {0};
    int r = delta_type_of("c", types[i].sql, false, &t, &err);
    assert_int_equal(r, types[i].delta ? 0 : -1);
    if (r) {
        assert_int_equal(err.exit, EX_INVALID);
        assert_non_null(strstr(err.msg, "column c has the type"));
        return;
    }
    char *text = json_dumps(t.type, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, types[i].delta);
    if (types[i].cast)
        assert_string_equal(t.cast, types[i].cast);
    else
        assert_null(t.cast);
    assert_int_equal(t.warning != NULL, types[i].warns);
    free(text);
    delta_type_release(&t);
}

static void types_follow_the_table(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) check_type(i);
}

static void zoneless_times_stay_where_the_schema_has_them(void **state) {
    (void)state;
    struct delta_type t = {0};
    struct err err = {0};
    assert_int_equal(delta_type_of("c", "TIMESTAMP", true, &t, &err), 0);
    assert_string_equal(json_string_value(t.type), "timestamp_ntz");
    assert_null(t.cast);
    delta_type_release(&t);
}

static void a_type_nested_too_deeply_is_refused(void **state) {
    (void)state;
    char text[4096] = "";
    for (int i = 0; i < 200; i++) strcat(text, "STRUCT(a ");
    strcat(text, "INTEGER");
    for (int i = 0; i < 200; i++) strcat(text, ")");
    struct delta_type t;
    assert_int_equal(delta_type_of("c", text, false, &t, NULL), -1);
}

static const struct {
    const char *to, *from;
    bool wider;
} widenings[] = {
    {"long", "integer", true},
    {"integer", "long", false},
    {"integer", "integer", false},
    {"double", "float", true},
    {"double", "integer", true},
    {"double", "long", false},
    {"decimal(12,2)", "decimal(10,2)", true},
    {"decimal(12,4)", "decimal(10,2)", true},
    {"decimal(11,4)", "decimal(10,2)", false},
    {"decimal(20,0)", "long", true},
    {"decimal(10,2)", "integer", false},
    {"decimal(12,2)", "integer", true},
    {"string", "integer", false},
    {"timestamp_ntz", "date", false},
};

static void widening_keeps_every_value(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof widenings / sizeof *widenings; i++) {
        json_t *to = json_string(widenings[i].to), *from = json_string(widenings[i].from);
        if (delta_type_is_wider(to, from) != widenings[i].wider)
            fail_msg("%s from %s", widenings[i].to, widenings[i].from);
        json_decref(to);
        json_decref(from);
    }
}

static void schemas_round_trip(void **state) {
    (void)state;
    json_t *described = json_pack("[{s:s,s:s},{s:s,s:s}]", "name", "a", "type", "TIMESTAMP", "name",
                                  "b \"x\"", "type", "STRUCT(k UUID)[]");
    json_t *warnings = json_array();
    struct err err = {0};
    json_t *columns = delta_columns_of(described, false, warnings, &err);
    assert_non_null(columns);
    assert_int_equal(json_array_size(warnings), 1);
    char *schema = delta_schema_string(columns);
    json_t *again = delta_columns_parse(schema, &err);
    assert_true(json_equal(columns, again));
    assert_null(delta_columns_parse("{\"type\":\"struct\"}", &err));
    assert_null(
        delta_columns_parse("{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"wide\"}]}", &err));
    free(schema);
    json_decref(described);
    json_decref(warnings);
    json_decref(columns);
    json_decref(again);
}

/* ---- paths */

static const struct {
    const char *path, *encoded;
} paths[] = {
    {"a/b-1.parquet", "a/b-1.parquet"},
    {"dt=2026-01-01/x.parquet", "dt=2026-01-01/x.parquet"},
    {"city=a%20b/x", "city=a%2520b/x"},
    {"ü #?", "%C3%BC%20%23%3F"},
};

static void paths_are_percent_encoded(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct buf b = BUF_INIT;
        delta_path_encode(&b, paths[i].path);
        assert_string_equal(buf_str(&b), paths[i].encoded);
        char *back = delta_path_decode(buf_str(&b));
        assert_string_equal(back, paths[i].path);
        free(back);
        buf_release(&b);
    }
    assert_null(delta_path_decode("a%0"));
    assert_null(delta_path_decode("a%00"));
    assert_null(delta_path_decode("%zz"));
}

static void partition_folders_escape_as_hive_does(void **state) {
    (void)state;
    struct buf b = BUF_INIT;
    delta_partition_folder(&b, "a b", "x/y:1");
    buf_addc(&b, ' ');
    delta_partition_folder(&b, "n", NULL);
    assert_string_equal(buf_str(&b), "a b=x%2Fy%3A1 n=__HIVE_DEFAULT_PARTITION__");
    buf_release(&b);
}

/* ---- the log */

static struct delta_commit sample_commit(json_t **owner) {
    json_t *o =
        json_loads("{\"columns\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true},"
                   "{\"name\":\"dt\",\"type\":\"date\",\"nullable\":true}],\"by\":[\"dt\"],"
                   "\"adds\":[{\"target\":\"dt=2026-01-01/part r1.parquet\",\"rows\":2,\"bytes\":100,"
                   "\"partition\":{\"dt\":\"2026-01-01\"},\"stats\":{\"minValues\":{\"id\":1}}},"
                   "{\"target\":\"dt=__HIVE_DEFAULT_PARTITION__/p.parquet\",\"rows\":1,\"bytes\":90,"
                   "\"partition\":{\"dt\":null},\"stats\":null}],"
                   "\"removes\":[{\"path\":\"old.parquet\",\"bytes\":7,\"rows\":1,\"partition\":{}}]}",
                   0, NULL);
    *owner = o;
    return (struct delta_commit){.version = 0,
                                 .at = INT64_C(1763533500000123),
                                 .operation = "append",
                                 .token = "r1-s0-g1-a1-00ff",
                                 .project = "shop",
                                 .pipeline = "orders",
                                 .step = "promote",
                                 .run = "1",
                                 .sequence = 17,
                                 .adds = json_object_get(o, "adds"),
                                 .removes = json_object_get(o, "removes"),
                                 .columns = json_object_get(o, "columns"),
                                 .partition_by = json_object_get(o, "by"),
                                 .table_id = "8f2b3c4d-0000-8111-8222-333344445555",
                                 .first = true,
                                 .data_change = true};
}

static const char *const expected_log[] = {
    "{\"commitInfo\":{\"timestamp\":1763533500000,\"operation\":\"WRITE\",\"operationParameters\":{\"leat."
    "write\":"
    "\"append\",\"mode\":\"Append\"},\"isBlindAppend\":false,\"engineInfo\":\"Leat/" LEAT_VERSION
    "\",\"txnId\":\"r1-s0-g1-a1-00ff\",\"userMetadata\":\"{\\\"project\\\":\\\"shop\\\",\\\"pipeline\\\":"
    "\\\"orders\\\",\\\"step\\\":\\\"promote\\\",\\\"run\\\":\\\"1\\\"}\"}}",
    "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}",
    "{\"metaData\":{\"id\":\"8f2b3c4d-0000-8111-8222-333344445555\",\"format\":{\"provider\":\"parquet\","
    "\"options\":{}},\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":"
    "\\\"id\\\","
    "\\\"type\\\":\\\"long\\\",\\\"nullable\\\":true,\\\"metadata\\\":{}},{\\\"name\\\":\\\"dt\\\","
    "\\\"type\\\":"
    "\\\"date\\\",\\\"nullable\\\":true,\\\"metadata\\\":{}}]}\",\"partitionColumns\":[\"dt\"],"
    "\"configuration\":{},\"createdTime\":1763533500000}}",
    "{\"txn\":{\"appId\":\"leat/shop/orders/promote\",\"version\":17,\"lastUpdated\":1763533500000}}",
    "{\"remove\":{\"path\":\"old.parquet\",\"deletionTimestamp\":1763533500000,\"dataChange\":true,"
    "\"extendedFileMetadata\":true,\"partitionValues\":{},\"size\":7}}",
    "{\"add\":{\"path\":\"dt=2026-01-01/"
    "part%20r1.parquet\",\"partitionValues\":{\"dt\":\"2026-01-01\"},\"size\":"
    "100,\"modificationTime\":1763533500000,\"dataChange\":true,\"stats\":\"{\\\"numRecords\\\":2,"
    "\\\"minValues\\\":{\\\"id\\\":1}}\"}}",
    "{\"add\":{\"path\":\"dt=__HIVE_DEFAULT_PARTITION__/"
    "p.parquet\",\"partitionValues\":{\"dt\":null},\"size\":90,"
    "\"modificationTime\":1763533500000,\"dataChange\":true,\"stats\":\"{\\\"numRecords\\\":1}\"}}",
};

static void a_commit_is_the_same_bytes_every_time(void **state) {
    (void)state;
    json_t *owner;
    struct delta_commit c = sample_commit(&owner);
    struct buf once = BUF_INIT, twice = BUF_INIT, expected = BUF_INIT;
    delta_commit_text(&c, &once);
    delta_commit_text(&c, &twice);
    for (size_t i = 0; i < sizeof expected_log / sizeof *expected_log; i++)
        buf_addf(&expected, "%s\n", expected_log[i]);
    assert_string_equal(buf_str(&once), buf_str(&twice));
    assert_string_equal(buf_str(&once), buf_str(&expected));
    buf_release(&once);
    buf_release(&twice);
    buf_release(&expected);
    json_decref(owner);
}

static void a_commit_reads_back(void **state) {
    (void)state;
    json_t *owner;
    struct delta_commit c = sample_commit(&owner);
    struct buf text = BUF_INIT;
    struct err err = {0};
    struct delta_entry e;
    delta_commit_text(&c, &text);
    if (delta_entry_parse(text.s, text.len, "log", &e, &err)) fail_msg("%s", err.msg);
    assert_int_equal(json_array_size(e.adds), 2);
    assert_string_equal(json_text(json_array_get(e.adds, 0), "target"), "dt=2026-01-01/part r1.parquet");
    assert_int_equal(json_int(json_array_get(e.adds, 0), "rows", -1), 2);
    assert_string_equal(json_text(json_array_get(e.removes, 0), "path"), "old.parquet");
    assert_true(json_equal(e.columns, json_object_get(owner, "columns")));
    assert_true(json_equal(e.partition_by, json_object_get(owner, "by")));
    assert_string_equal(e.token, c.token);
    assert_string_equal(e.app_id, "leat/shop/orders/promote");
    assert_int_equal(e.app_version, 17);
    assert_string_equal(e.needs, "");
    assert_true(e.changes_data);
    delta_entry_release(&e);
    buf_release(&text);
    json_decref(owner);
}

static const struct {
    const char *text, *error; /* error NULL: it parses */
} entries[] = {
    {"{\"commitInfo\":{\"txnId\":\"x\",\"engineInfo\":\"delta-rs:1\"}}\n", NULL},
    {"{\"cdc\":{\"path\":1}}\n{\"newAction\":[]}\n", NULL},
    {"\n{\"add\":{\"path\":\"a\",\"size\":1,\"partitionValues\":{},\"future\":{}}}\r\n\n", NULL},
    {"{\"add\":{\"path\":\"a\",\"size\":1,\"stats\":\"no json\"}}", NULL},
    {"", "log: the log entry is empty"},
    {"[]\n", "log:1: this line of the log is no JSON object"},
    {"{}\n{\"add\":", "log:2: this line of the log is no JSON object"},
    {"{\"add\":{\"path\":\"a%2\",\"size\":1}}", "log:1: add needs a path, a size and text partition values"},
    {"{\"add\":{\"path\":\"a\"}}", "log:1: add needs a path, a size and text partition values"},
    {"{\"add\":{\"path\":\"a\",\"size\":1,\"partitionValues\":{\"a\":1}}}",
     "log:1: add needs a path, a size and text partition values"},
    {"{\"add\":7}", "log:1: an action of the log is no object"},
    {"{\"remove\":{}}", "log:1: remove needs a path"},
    {"{\"protocol\":{\"minReaderVersion\":1}}",
     "log:1: protocol needs minReaderVersion and minWriterVersion"},
    {"{\"metaData\":{\"schemaString\":\"{}\"}}", "log:1: the table's schema cannot be read: {}"},
    {"{\"add\":{\"path\":\"a\",\"path\":\"b\",\"size\":1}}", "log:1: this line of the log is no JSON object"},
};

static void entries_are_read_tolerantly_but_strictly(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        struct err err = {0};
        struct delta_entry e;
        int r = delta_entry_parse(entries[i].text, strlen(entries[i].text), "log", &e, &err);
        if (r == 0) delta_entry_release(&e);
        if ((r != 0) != (entries[i].error != NULL)) fail_msg("%s: %s", entries[i].text, err.msg);
        if (entries[i].error) assert_string_equal(err.msg, entries[i].error);
    }
}

static void what_leat_cannot_write_is_noticed(void **state) {
    (void)state;
    static const char text[] = "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7}}";
    struct delta_entry e;
    assert_int_equal(delta_entry_parse(text, sizeof text - 1, "log", &e, NULL), 0);
    assert_string_equal(e.needs, "reader version 3 and writer version 7");
    delta_entry_release(&e);
}

/* ---- checkpoints */

static void a_checkpoint_holds_every_action(void **state) {
    (void)state;
    char folder[] = "/tmp/leat-delta-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char log[128], sql[256];
    snprintf(log, sizeof log, "%s/_delta_log", folder);
    struct err err = {0};
    assert_int_equal(fs_mkdirs(log, 0755, &err), 0);
    const char *allowed[] = {folder};
    struct duck *d = duck_open(&(struct duck_options){.allowed = allowed, .allowed_count = 1}, &err);
    if (!d) fail_msg("%s", err.msg);
    json_t *owner, *txns = json_pack("[{s:s,s:i}]", "app_id", "leat/shop/orders/promote", "version", 17);
    struct delta_commit c = sample_commit(&owner);
    const struct delta_state s = {.version = 10,
                                  .files = c.adds,
                                  .removed = c.removes,
                                  .columns = c.columns,
                                  .partition_by = c.partition_by,
                                  .table_id = c.table_id,
                                  .created_at = c.at,
                                  .txns = txns};
    if (delta_checkpoint(d, folder, &s, &err)) fail_msg("%s", err.msg);
    snprintf(sql, sizeof sql,
             "SELECT count(add), count(remove), count(txn), count(protocol), count(metaData), "
             "max(add.partitionValues['dt']), max(metaData.partitionColumns[1]) FROM "
             "read_parquet('%s/00000000000000000010.checkpoint.parquet')",
             log);
    json_t *t = duck_table(d, sql, NULL, 1, &err);
    if (!t) fail_msg("%s", err.msg);
    char *line = json_line(json_array_get(t, 0));
    static const char *const counts[] = {":2,", ":1,", ":1,", ":1,", ":1,", ":\"2026-01-01\",", ":\"dt\"}"};
    const char *at = line;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        at = strstr(at, counts[i]);
        if (!at) fail_msg("%s", line);
        at++;
    }
    free(line);
    json_decref(t);
    json_decref(owner);
    json_decref(txns);
    duck_close(d);
    assert_int_equal(fs_remove_tree(folder, &err), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_follow_the_table),
        cmocka_unit_test(zoneless_times_stay_where_the_schema_has_them),
        cmocka_unit_test(a_type_nested_too_deeply_is_refused),
        cmocka_unit_test(widening_keeps_every_value),
        cmocka_unit_test(schemas_round_trip),
        cmocka_unit_test(paths_are_percent_encoded),
        cmocka_unit_test(partition_folders_escape_as_hive_does),
        cmocka_unit_test(a_commit_is_the_same_bytes_every_time),
        cmocka_unit_test(a_commit_reads_back),
        cmocka_unit_test(entries_are_read_tolerantly_but_strictly),
        cmocka_unit_test(what_leat_cannot_write_is_noticed),
        cmocka_unit_test(a_checkpoint_holds_every_action),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
