/* test_collect.c: retention and garbage piece by piece, against a real store with a long history. LEAT_VERSIONS=N: how
 * long; prints the longest piece. */
#include "store_fixture.h"

#include "base/diag.h"
#include "base/world.h"
#include "dag/pipeline.h"
#include "scheduler/conductor/collect.h"
#include "scheduler/conductor/inner.h"
#include "store/internal.h"

enum { VERSIONS = 10000 };

struct scene {
    struct fx fx;
    struct project *project;
    struct conductor c;
    int versions;
};

static void run_sql(struct scene *s, const char *sql) {
    char *problem = NULL;
    if (sqlite3_exec(s->fx.s->db, sql, NULL, NULL, &problem)) fail_msg("%s", problem);
}

static int64_t count(struct scene *s, const char *table) {
    sqlite3_stmt *st;
    const char *sql = arena_printf(s->fx.a, "SELECT count(*) FROM %s", table);
    assert_int_equal(sqlite3_prepare_v2(s->fx.s->db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return n;
}

/* A dataset that was replaced whole, once a minute, a year ago. */
static void long_history(struct scene *s) {
    const char *sql = arena_printf(
        s->fx.a,
        "BEGIN;"
        "INSERT INTO dataset(id, name, path, format, head, created_at) "
        "VALUES(1, 'raw.x', '%s/lake/raw/x', 'files', %d - 1, 0);"
        "WITH RECURSIVE v(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM v WHERE n + 1 < %d)"
        "INSERT INTO version(dataset, version, operation, published_at, rows, rows_unknown, bytes, files, "
        "rows_added,"
        " files_added, files_removed, based_on) SELECT 1, n, 'replace', n * 60000000, 1, 0, 1, 1, 1, 1, 1, n "
        "- 1 FROM v;"
        "INSERT INTO data_file(dataset, path, rows, bytes, added_version, removed_version, added_at)"
        " SELECT 1, version || '.csv', 1, 1, version, iif(version = %d - 1, NULL, version + 1), published_at"
        " FROM version; COMMIT",
        s->fx.dir, s->versions, s->versions, s->versions);
    struct err err;
    run_sql(s, sql);
    assert_ok(store_tend(s->fx.s, true, &err)); /* its log is nobody's piece */
}

static int scene_open(void **state) {
    static const char yaml[] = "leat: 1\nzones:\n  raw: {path: lake/raw, keep_versions: 30 days}\n";
    struct scene *s = calloc(1, sizeof *s);
    struct err err;
    const char *versions = getenv("LEAT_VERSIONS");
    s->versions = versions ? atoi(versions) : VERSIONS;
    fx_begin(&s->fx);
    assert_ok(
        fs_replace(arena_printf(s->fx.a, "%s/leat.yaml", s->fx.dir), yaml, sizeof yaml - 1, 0644, &err));
    struct diags *d = diags_new();
    s->project = project_load(s->fx.dir, d, &err);
    if (!s->project || d->errors) fail_msg("%s", d->errors ? d->list[0].message : err.msg);
    diags_free(d);
    s->c = (struct conductor){.store = s->fx.s, .options = {.project = s->project, .world = world_real()}};
    long_history(s);
    *state = s;
    return 0;
}

static int scene_close(void **state) {
    struct scene *s = *state;
    free(s->c.effects);
    project_free(s->project);
    fx_end(&s->fx);
    free(s);
    return 0;
}

static void one_version_is_left_and_no_piece_is_long(void **state) {
    struct scene *s = *state;
    struct err err = {0};
    duration_t longest = 0, began = turn_now(&s->c);
    int more = 1, pieces = 0;
    assert_true(collection_due(&s->c));
    struct collection *k = collection_new(&s->c);
    for (; more == 1; pieces++) {
        duration_t before = turn_now(&s->c);
        more = collection_step(k, &err);
        assert_false(store_in_transaction(s->fx.s));
        if (turn_now(&s->c) - before > longest) longest = turn_now(&s->c) - before;
    }
    assert_int_equal(more, 0);
    collection_free(k);
    assert_int_equal(count(s, "version"), 1);
    assert_true(pieces > s->versions / 1000);
    assert_false(collection_due(&s->c));
    print_message("%d versions forgotten in %d pieces, %.0f ms; the longest piece %.1f ms\n", s->versions,
                  pieces, (double)(turn_now(&s->c) - began) / 1e3, (double)longest / 1e3);
}

/* What was forgotten before it was killed stays forgotten; it is due until it has ended. */
static void a_killed_one_goes_on(void **state) {
    struct scene *s = *state;
    struct err err = {0};
    struct collection *k = collection_new(&s->c);
    for (int i = 0; i < 5; i++) assert_int_equal(collection_step(k, &err), 1);
    collection_free(k);
    int64_t left = count(s, "version");
    assert_true(left > 1 && left < s->versions);
    assert_true(collection_due(&s->c));
    assert_int_equal(conductor_collect(&s->c, &err), 0);
    assert_int_equal(count(s, "version"), 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_open, scene_close)

int main(void) {
    const struct CMUnitTest tests[] = {CASE(one_version_is_left_and_no_piece_is_long),
                                       CASE(a_killed_one_goes_on)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
