/* test_zones_repair.c: what is on disk and not in the database is adopted as it is, or refused with the
 * reason. */
#include "lake.h"

#include "zones/repair.h"

#define COLUMNS "[{'name':'id','type':'long','nullable':true},{'name':'d','type':'date','nullable':true}]"
#define WIDER                                                                                                \
    "[{'name':'id','type':'long','nullable':true},{'name':'d','type':'date','nullable':true},"               \
    "{'name':'x','type':'string','nullable':true}]"

static const struct staged days[] = {
    {.text = "one", .name = "a.parquet", .partition = "{'d':'2026-01-01'}"},
    {.text = "two!", .name = "b.parquet", .partition = "{'d':'2026-01-02'}"},
};

/* v0 two files, v1 one of them replaced, v2 one more with a wider schema. */
static void make_history(struct lake *l, const char *format) {
    struct publication p = {.dataset = "trusted.o",
                            .format = format,
                            .operation = "append",
                            .columns = COLUMNS,
                            .by = "['d']",
                            .files = days,
                            .count = 2,
                            .base = LAKE_HEAD};
    lake_publish(l, &p);
    p.count = 1;
    p.operation = "replace_partitions";
    lake_publish(l, &p);
    p.operation = "append";
    p.columns = WIDER;
    lake_publish(l, &p);
}

/* ---- a database of the same lake that knows less ---- */

struct other {
    struct lake *l;
    struct store *s;
    const char *format;
    struct dataset_row row; /* id -1 before anything was adopted */
};

static void other_find(struct other *o) {
    if (store_dataset_find(o->s, "trusted.o", o->l->arena, &o->row, &o->l->err) == 1) return;
    o->row = (struct dataset_row){
        .id = -1, .name = "trusted.o", .path = lake_path(o->l, "trusted.o"), .format = o->format, .head = -1};
}

static struct other other_open(struct lake *l, const char *format) {
    const struct store_options options = {.ballast_bytes = -1};
    struct other o = {.l = l, .format = format};
    o.s = store_open_writer(arena_printf(l->arena, "%s/other", l->root), &options, &l->err);
    if (!o.s) fail_msg("%s", l->err.msg);
    other_find(&o);
    return o;
}

/* The number of versions that were adopted; -1 with l->err. */
static int adopt(struct other *o) {
    struct lake *l = o->l;
    struct repair found;
    if (repair_look(o->s, &o->row, &found, &l->err)) return -1;
    struct adoption a = {.dataset = o->row.id,
                         .versions = found.versions,
                         .whole_from = found.whole_from,
                         .author = "tester",
                         .reason = "why",
                         .at = l->now};
    const struct dataset_spec spec = {
        .name = "trusted.o", .path = o->row.path, .format = o->format, .at = l->now};
    assert_int_equal(store_begin(o->s, &l->err), 0);
    if (a.dataset < 0) assert_true(store_dataset_ensure(o->s, &spec, &a.dataset, &l->err) >= 0);
    if (store_versions_adopt(o->s, &a, &l->err)) fail_msg("%s", l->err.msg);
    assert_int_equal(store_commit(o->s, &l->err), 0);
    int n = (int)json_array_size(found.versions);
    repair_release(&found);
    other_find(o);
    return n;
}

static const char *files_text(struct lake *l, struct store *s, int64_t version) {
    struct dataset_row d;
    struct file_list files;
    struct buf b = BUF_INIT;
    assert_int_equal(store_dataset_find(s, "trusted.o", l->arena, &d, &l->err), 1);
    assert_int_equal(store_files_at(s, d.id, version, l->arena, &files, &l->err), 0);
    for (size_t i = 0; i < files.count; i++)
        buf_addf(&b, "%s %lld %s\n", files.rows[i].path, (long long)files.rows[i].bytes,
                 files.rows[i].partition ? files.rows[i].partition : "");
    const char *text = arena_strdup(l->arena, buf_str(&b));
    buf_release(&b);
    return text;
}

static void same_version(const struct other *o, int64_t version) {
    struct lake *l = o->l;
    struct version_row a, b;
    assert_int_equal(store_version_get(l->store, lake_id(l, "trusted.o"), version, l->arena, &a, &l->err), 1);
    assert_int_equal(store_version_get(o->s, o->row.id, version, l->arena, &b, &l->err), 1);
    assert_string_equal(files_text(l, l->store, version), files_text(l, o->s, version));
    assert_string_equal(a.token, b.token);
    assert_string_equal(a.operation, b.operation);
    assert_string_equal(a.step, b.step);
    assert_string_equal(a.columns, b.columns);
    assert_string_equal(a.partition_by, b.partition_by);
    assert_int_equal(a.rows, b.rows);
    assert_int_equal(a.bytes, b.bytes);
    assert_int_equal(a.files, b.files);
    assert_int_equal(0, b.run); /* its number is another run's by now */
    assert_string_equal("tester", b.author);
    assert_string_equal("adopted: why", b.reason);
}

/* ---- */

static const char *const formats[] = {"delta", "files"};

static void what_is_on_disk_is_known_again(void **state) {
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        struct lake *l = lake_new(NULL);
        make_history(l, formats[f]);
        struct other o = other_open(l, formats[f]);
        assert_int_equal(adopt(&o), 3);
        for (int64_t v = 0; v < 3; v++) same_version(&o, v);
        struct dataset_row d;
        assert_int_equal(store_dataset_find(l->store, "trusted.o", l->arena, &d, &l->err), 1);
        assert_string_equal(d.table_id, strcmp(formats[f], "delta") == 0 ? o.row.table_id : d.table_id);
        assert_int_equal(adopt(&o), 0); /* and again: nothing is left */
        store_close(o.s);
        lake_free(l);
    }
}

static const char *entry(struct lake *l, const char *format, int64_t version) {
    char *path = strcmp(format, "delta") == 0 ? delta_log_path(lake_path(l, "trusted.o"), version)
                                              : fs_join(lake_path(l, "trusted.o"), "");
    const char *kept = strcmp(format, "delta") == 0
                           ? arena_strdup(l->arena, path)
                           : arena_printf(l->arena, "%s_leat/%lld.json", path, (long long)version);
    free(path);
    return kept;
}

static void put_text(struct lake *l, const char *path, const char *text) {
    unlink(path);
    if (fs_create(path, text, strlen(text), 0644, &l->err)) fail_msg("%s", l->err.msg);
}

/* The database knows version 0, the disk three. A stopped dataset goes on. */
static void an_older_database_catches_up(void **state) {
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        struct lake *l = lake_new(NULL);
        make_history(l, formats[f]);
        struct other o = other_open(l, formats[f]);
        const char *first = entry(l, formats[f], 1), *aside = arena_printf(l->arena, "%s/aside", l->root);
        assert_int_equal(rename(first, aside), 0);
        assert_int_equal(adopt(&o), 1);
        assert_int_equal(rename(aside, first), 0);
        assert_int_equal(store_begin(o.s, &l->err), 0);
        assert_int_equal(store_dataset_stop(o.s, o.row.id, "ahead", &l->err), 1);
        assert_int_equal(store_commit(o.s, &l->err), 0);
        assert_int_equal(adopt(&o), 2);
        for (int64_t v = 0; v < 3; v++) same_version(&o, v);
        assert_null(o.row.stopped);
        store_close(o.s);
        lake_free(l);
    }
}

static void another_program_s_version_is_one_of_its_own(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    make_history(l, "delta");
    const char *file = arena_printf(l->arena, "%s/d=2026-01-03", lake_path(l, "trusted.o"));
    assert_int_equal(fs_mkdirs(file, 0755, &l->err), 0);
    put_text(l, arena_printf(l->arena, "%s/x y.parquet", file), "three");
    put_text(l, entry(l, "delta", 3),
             "{\"commitInfo\":{\"engineInfo\":\"Spark/4\"}}\n"
             "{\"add\":{\"path\":\"d=2026-01-03/x%20y.parquet\",\"size\":5,"
             "\"partitionValues\":{\"d\":\"2026-01-03\"},\"dataChange\":true}}\n");
    struct other o = other_open(l, "delta");
    assert_int_equal(adopt(&o), 4);
    struct version_row v;
    assert_int_equal(store_version_get(o.s, o.row.id, 3, l->arena, &v, &l->err), 1);
    assert_string_equal(v.operation, "outside");
    assert_string_equal(v.author, "Spark/4");
    assert_null(v.token);
    assert_int_equal(v.files, 4);
    assert_int_equal(v.rows, -1);
    store_close(o.s);
    lake_free(l);
}

static void versions_that_lost_files_are_not_kept(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    make_history(l, "delta");
    struct file_list files;
    assert_int_equal(store_files_at(l->store, lake_id(l, "trusted.o"), 0, l->arena, &files, &l->err), 0);
    for (size_t i = 0; i < files.count; i++)
        if (files.rows[i].removed_version == 1)
            assert_int_equal(
                unlink(arena_printf(l->arena, "%s/%s", lake_path(l, "trusted.o"), files.rows[i].path)), 0);
    struct other o = other_open(l, "delta");
    assert_int_equal(adopt(&o), 3);
    struct version_row *rows;
    size_t n;
    assert_int_equal(store_versions_list(o.s, o.row.id, -1, 0, l->arena, &rows, &n, &l->err), 0);
    assert_int_equal(n, 2);
    same_version(&o, 1);
    same_version(&o, 2);
    store_close(o.s);
    lake_free(l);
}

/* ---- refused ---- */

static const struct {
    const char *line; /* of a version 3 that another program wrote */
    const char *says;
} refused[] = {
    {"{\"add\":{\"path\":\"../../x\",\"size\":3,\"partitionValues\":{}}}", "names a file outside its folder"},
    {"{\"add\":{\"path\":\"s3://b/x\",\"size\":3,\"partitionValues\":{}}}",
     "names a file outside its folder"},
    {"{\"add\":{\"path\":\"/etc/passwd\",\"size\":3,\"partitionValues\":{}}}",
     "names a file outside its folder"},
    {"{\"add\":{\"path\":\"gone\",\"size\":3,\"partitionValues\":{}}}", "its file gone is missing from"},
    {"{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7}}", "asks for what Leat cannot do"},
    {"{\"add\":{\"path\":\"TWICE\",\"size\":3,\"partitionValues\":{}}}", "adds a file that is there already"},
    {"no JSON", "is no JSON object"},
};

static void what_cannot_be_trusted_is_refused(void **state) {
    (void)state;
    struct lake *l = lake_new(NULL);
    make_history(l, "delta");
    struct other o = other_open(l, "delta");
    struct file_list files;
    assert_int_equal(store_files_at(l->store, lake_id(l, "trusted.o"), 2, l->arena, &files, &l->err), 0);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const char *line = refused[i].line;
        if (strstr(line, "TWICE"))
            line = arena_printf(l->arena, "{\"add\":{\"path\":\"%s\",\"size\":3,\"partitionValues\":{}}}",
                                files.rows[0].path);
        put_text(l, entry(l, "delta", 3), line);
        assert_int_equal(adopt(&o), -1);
        if (!strstr(l->err.msg, refused[i].says)) fail_msg("%s: %s", refused[i].line, l->err.msg);
    }
    unlink(entry(l, "delta", 3));
    const char *live = arena_printf(l->arena, "%s/%s", lake_path(l, "trusted.o"), files.rows[0].path);
    put_text(l, live, "another size");
    assert_int_equal(adopt(&o), -1);
    assert_non_null(strstr(l->err.msg, "has another size than it was published with"));
    store_close(o.s);
    lake_free(l);
}

/* The head on disk is another hand's: what follows it does not follow on what the database knows. */
static void another_history_is_refused(void **state) {
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        struct lake *l = lake_new(NULL);
        make_history(l, formats[f]);
        struct other o = other_open(l, formats[f]);
        assert_int_equal(adopt(&o), 3);
        put_text(l, entry(l, formats[f], 2),
                 f ? "{\"token\":\"r9\",\"operation\":\"append\",\"files\":[]}"
                   : "{\"commitInfo\":{\"engineInfo\":\"Leat/1\",\"txnId\":\"r9\"}}\n");
        assert_int_equal(adopt(&o), -1);
        assert_non_null(strstr(l->err.msg, "version 2 on disk is not the one the database knows"));
        store_close(o.s);
        lake_free(l);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_on_disk_is_known_again),
        cmocka_unit_test(an_older_database_catches_up),
        cmocka_unit_test(another_program_s_version_is_one_of_its_own),
        cmocka_unit_test(versions_that_lost_files_are_not_kept),
        cmocka_unit_test(what_cannot_be_trusted_is_refused),
        cmocka_unit_test(another_history_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
