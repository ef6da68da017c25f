/* delta_tables.c: delta_tables FOLDER: writes Delta tables that have everything odd in them, with the real
 * publish code, and beside each version the rows Leat itself reads: <table>.<version>.jsonl. read_delta.py
 * then compares them with what another reader sees.
 *
 * The table: every type, NULLs, partitions whose values need escapes, a column that came later, replaced
 * partitions, a replaced table, a rollback, and a checkpoint in the middle. */
#include "../unit/lake.h"
#include "zones/attach.h"

#define TYPES                                                                                                \
    "{'name':'id','type':'long','nullable':true},{'name':'small','type':'byte','nullable':true},"            \
    "{'name':'price','type':'decimal(12,3)','nullable':true},{'name':'share','type':'double','nullable':"    \
    "true},"                                                                                                 \
    "{'name':'part','type':'float','nullable':true},{'name':'good','type':'boolean','nullable':true},"       \
    "{'name':'name','type':'string','nullable':true},{'name':'raw','type':'binary','nullable':true},"        \
    "{'name':'day','type':'date','nullable':true},{'name':'ts','type':'timestamp','nullable':true},"         \
    "{'name':'tags','type':{'type':'array','elementType':'string','containsNull':true},'nullable':true},"    \
    "{'name':'who','type':{'type':'struct','fields':[{'name':'a','type':'integer','nullable':true,"          \
    "'metadata':{}}]},'nullable':true},"                                                                     \
    "{'name':'more','type':{'type':'map','keyType':'string','valueType':'long','valueContainsNull':true},"   \
    "'nullable':true},{'name':'city','type':'string','nullable':true}"

#define VALUES                                                                                               \
    "SELECT %d::BIGINT id, 7::TINYINT small, 12.345::DECIMAL(12,3) price, 0.1::DOUBLE AS share, 2.5::FLOAT " \
    "part, "                                                                                                 \
    "true good, 'a, \"b\" ü' AS name, '\\x00\\xff'::BLOB raw, DATE '1582-10-04' AS day, "                   \
    "TIMESTAMPTZ '2026-11-19 06:15:00.123456+00' ts, ['x', NULL] tags, {'a': 1} who, MAP {'k': 5::BIGINT} "  \
    "more"

#define NOTHING                                                                                              \
    "SELECT NULL::BIGINT id, NULL::TINYINT small, NULL::DECIMAL(12,3) price, NULL::DOUBLE AS share, "        \
    "NULL::FLOAT AS part, NULL::BOOLEAN good, NULL::VARCHAR AS name, NULL::BLOB raw, NULL::DATE AS day, "    \
    "NULL::TIMESTAMPTZ ts, NULL::VARCHAR[] tags, NULL::STRUCT(a INTEGER) who, NULL::MAP(VARCHAR, BIGINT) "   \
    "more"

static const char columns[] = "[" TYPES "]";
static const char wider[] = "[" TYPES ",{'name':'later','type':'integer','nullable':true}]";

struct odd {
    const char *operation;
    bool late; /* with the column that came later */
    struct staged files[3];
    size_t count;
};

#define CITY_A "{'city':'Köln/Deutz = 50%'}"
#define CITY_B "{'city':null}"

static const struct odd versions[] = {
    {"append", false, {{VALUES, NULL, "a.parquet", CITY_A}, {NOTHING, NULL, "b.parquet", CITY_B}}, 2},
    {"append", true, {{VALUES ", 4 AS later", NULL, "c.parquet", "{'city':'null'}"}}, 1},
    {"replace_partitions", true, {{VALUES ", 5 AS later", NULL, "d.parquet", CITY_B}}, 1},
    {"replace", true, {{VALUES ", NULL::INTEGER AS later", NULL, "e.parquet", "{'city':'x y'}"}}, 1},
};

static const char dataset[] = "trusted.odd";

static void write_rows(struct lake *l, const char *folder, int64_t version) {
    const struct zone_input in = {
        .dataset = dataset, .dataset_id = lake_id(l, dataset), .version = version, .since = -1};
    if (zone_attach(l->duck, l->store, &in, NULL, &l->err)) fail_msg("%s", l->err.msg);
    json_t *rows = duck_table(l->duck, "SELECT * FROM trusted.odd", NULL, 1000, &l->err), *row;
    if (!rows) fail_msg("%s", l->err.msg);
    FILE *f = fopen(arena_printf(l->arena, "%s/odd.%lld.jsonl", folder, (long long)version), "w");
    assert_non_null(f);
    size_t i;
    json_array_foreach(rows, i, row) {
        char *line = json_line(row);
        fprintf(f, "%s\n", line);
        free(line);
    }
    fclose(f);
    json_decref(rows);
}

static void publish(struct lake *l, const char *folder, const struct odd *o, int n) {
    struct staged files[3];
    for (size_t i = 0; i < o->count; i++) {
        files[i] = o->files[i];
        const char *hole = strstr(files[i].sql, "%d");
        if (hole)
            files[i].sql =
                arena_printf(l->arena, "%.*s%d%s", (int)(hole - files[i].sql), files[i].sql, n, hole + 2);
    }
    const struct publication p = {.dataset = dataset,
                                  .format = "delta",
                                  .operation = o->operation,
                                  .columns = o->late ? wider : columns,
                                  .by = "['city']",
                                  .files = files,
                                  .count = o->count,
                                  .base = LAKE_HEAD};
    write_rows(l, folder, lake_publish(l, &p));
}

static void roll_back(struct lake *l, const char *folder, int64_t to) {
    const struct rollback r = {.dataset = dataset,
                               .token = "rollback-1",
                               .project = "demo",
                               .dataset_id = lake_id(l, dataset),
                               .to_version = to,
                               .now = l->now};
    json_t *plan = publish_rollback(l->store, &r, &l->err), *outside;
    const struct intent_spec spec = {
        .token = r.token, .author = "me", .reason = "test", .plan = plan, .at = l->now};
    int64_t intent;
    assert_int_equal(store_begin(l->store, &l->err), 0);
    assert_int_equal(store_intent_prepare(l->store, &spec, &intent, &l->err), PREPARE_DONE);
    assert_int_equal(store_commit(l->store, &l->err), 0);
    assert_int_equal(publish_run(plan, intent, &outside, &l->err), PUBLISH_DONE);
    lake_commit(l, intent, false);
    write_rows(l, folder, json_int(json_array_get(json_object_get(plan, "outputs"), 0), "version", -1));
    json_decref(plan);
}

/* The whole of lake.h's P0 to P7, with the checkpoint between P5 and P6 as the worker makes it. */
static void publish_tenth(struct lake *l, const char *folder, const struct odd *o) {
    struct lake_attempt a = {0};
    lake_claim(l, "trusted", &a);
    const struct staged file = {
        .sql = "SELECT 10::BIGINT id, 1 AS later", .name = "t.parquet", .partition = CITY_A};
    const struct publication p = {.dataset = dataset,
                                  .format = "delta",
                                  .operation = o->operation,
                                  .columns = wider,
                                  .by = "['city']",
                                  .files = &file,
                                  .count = 1,
                                  .base = LAKE_HEAD};
    int64_t intent = lake_prepare(l, &a, &p);
    struct intent_row row;
    assert_int_equal(store_intent_get(l->store, intent, l->arena, &row, &l->err), 1);
    json_t *plan = json_loads(row.plan, 0, NULL), *outside;
    assert_int_equal(publish_run(plan, intent, &outside, &l->err), PUBLISH_DONE);
    assert_true(publish_wants_checkpoint(plan));
    if (publish_checkpoint(l->duck, l->store, plan, intent, &l->err)) fail_msg("%s", l->err.msg);
    json_decref(plan);
    lake_commit(l, intent, true);
    lake_end_run(l, a.run);
    write_rows(l, folder, 10);
}

static void build(void **state) {
    const char *folder = *state;
    struct lake *l = lake_new("Europe/Berlin");
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) publish(l, folder, &versions[i], (int)i);
    roll_back(l, folder, 1); /* version 4 */
    for (int i = 5; i < 10; i++) publish(l, folder, &versions[1], i);
    publish_tenth(l, folder, &versions[1]);
    publish(l, folder, &versions[2], 11);
    publish(l, folder, &versions[1], 12);
    const char *from = lake_path(l, dataset), *to = arena_printf(l->arena, "%s/odd", folder);
    if (fs_remove_tree(to, &l->err) || rename(from, to)) fail_msg("cannot move %s to %s", from, to);
    lake_free(l);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(build, argv[1])};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
