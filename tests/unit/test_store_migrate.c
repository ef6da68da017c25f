/* Older files: every released version opens, a backup comes first, a failed step leaves the old version
 * whole. */
#include "store/internal.h"
#include "tests/unit/store_fixture.h"

#include <sys/stat.h>

static char *data_file(int version) {
    struct err err = {0};
    char path[256];
    snprintf(path, sizeof path, LEAT_SOURCE_DIR "/tests/data/store/v%d.sql", version);
    char *text = fs_read(path, 1 << 20, NULL, &err);
    if (!text) fail_msg("%s", err.msg);
    return text;
}

/* A file as version `version` left it. */
static void make_old(struct fx *f, int version) {
    struct err err;
    sqlite3 *db;
    char tail[128], *why = NULL, *text = data_file(version);
    fx_folder(f);
    assert_ok(fs_mkdirs(f->state, 0700, &err));
    assert_int_equal(SQLITE_OK, sqlite3_open(fx_path(f, "leat.db"), &db));
    snprintf(tail, sizeof tail, "PRAGMA application_id=%d; PRAGMA user_version=%d; PRAGMA journal_mode=WAL",
             SCHEMA_APPLICATION, version);
    if (sqlite3_exec(db, text, NULL, NULL, &why) || sqlite3_exec(db, tail, NULL, NULL, &why))
        fail_msg("%s", why);
    sqlite3_close(db);
    free(text);
}

static int64_t number(struct store *s, const char *sql) {
    sqlite3_stmt *st;
    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(s->db, sql, -1, &st, NULL));
    assert_int_equal(SQLITE_ROW, sqlite3_step(st));
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return n;
}

static void every_released_version_opens(void **state) {
    (void)state;
    for (int version = 1; version <= SCHEMA_VERSION; version++) {
        struct fx f;
        struct err err = {0};
        int64_t versions;
        make_old(&f, version);
        fx_open(&f);
        assert_int_equal(SCHEMA_VERSION, number(f.s, "PRAGMA user_version"));
        assert_int_equal(version < SCHEMA_VERSION ? version : 0, store_migrated_from(f.s));
        assert_null(story_broken(f.s, &versions));
        assert_int_equal(1, versions);
        struct story t = {.s = f.s};
        struct chapter c = {.n = 1};
        assert_ok(story_begin(&t, &err));
        assert_ok(story_chapter(&t, &c, &err));
        assert_null(story_broken(f.s, &versions));
        assert_int_equal(2, versions);
        fx_end(&f);
    }
}

/* What a file is made of: its columns, its indexes, its tables. The texts of tables that grew a column
 * differ. */
static const char made_of[] =
    "SELECT group_concat(line, char(10)) FROM (SELECT m.name || '.' || c.name || ' ' || c.type || ' ' ||"
    " c.\"notnull\" || ' ' || c.pk || ' ' || c.hidden || coalesce(' ' || c.dflt_value, '') AS line"
    " FROM sqlite_master m, pragma_table_xinfo(m.name) c WHERE m.type = 'table' UNION ALL"
    " SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1)";

static char *text(struct store *s, const char *sql) {
    sqlite3_stmt *st;
    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(s->db, sql, -1, &st, NULL));
    assert_int_equal(SQLITE_ROW, sqlite3_step(st));
    char *found = xstrdup((const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    return found;
}

/* Brought up from any version, a file is what a new one is. */
static void all_ways_lead_to_the_same_schema(void **state) {
    (void)state;
    struct fx new;
    fx_begin(&new);
    char *meant = text(new.s, made_of);
    for (int version = 1; version < SCHEMA_VERSION; version++) {
        struct fx f;
        make_old(&f, version);
        fx_open(&f);
        char *found = text(f.s, made_of);
        assert_string_equal(meant, found);
        free(found);
        fx_end(&f);
    }
    free(meant);
    fx_end(&new);
}

/* The text of a released version is fixed: to change the schema is to write a migration. */
static void the_schema_is_the_one_on_record(void **state) {
    (void)state;
    struct fx f;
    sqlite3_stmt *st;
    int missing = 0;
    char *record = data_file(SCHEMA_VERSION);
    fx_begin(&f);
    static const char all[] =
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'";
    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(f.s->db, all, -1, &st, NULL));
    while (sqlite3_step(st) == SQLITE_ROW) {
        const char *sql = (const char *)sqlite3_column_text(st, 0);
        if (strstr(record, sql)) continue;
        print_error("not as on record in tests/data/store: %s\n", sql);
        missing++;
    }
    sqlite3_finalize(st);
    assert_int_equal(0, missing);
    free(record);
    fx_end(&f);
}

/* ---- the way up, with invented steps ---- */

static const struct migration good_steps[] = {
    {1, "add a table",
     MIGRATION_TEXTS("CREATE TABLE extra(x INTEGER) STRICT", "INSERT INTO extra VALUES(1)")},
    {2, "give every run a colour",
     MIGRATION_TEXTS("ALTER TABLE run ADD COLUMN colour TEXT; UPDATE run SET colour = 'green'")},
};
static const struct migration bad_steps[] = {
    {1, "add a table", MIGRATION_TEXTS("CREATE TABLE extra(x INTEGER) STRICT")},
    {2, "break", MIGRATION_TEXTS("CREATE TABLE half(x)", "INSERT INTO nowhere VALUES(1)")},
};
static const struct migrations good = {good_steps, 2, 3}, bad = {bad_steps, 2, 3};

static void an_older_file_is_backed_up_and_brought_up(void **state) {
    (void)state;
    struct fx f;
    struct err err = {0};
    struct stat st;
    struct store *r = NULL;
    const struct store_options o = {.ballast_bytes = -1, .migrations = &good};
    make_old(&f, 1);
    assert_int_equal(-1, store_open_reader(f.state, &o, &r, &err));
    assert_string_equal("older", err.reason);
    assert_non_null(strstr(err.hint, "any command that writes"));
    f.s = store_open_writer(f.state, &o, &err);
    if (!f.s) fail_msg("%s", err.msg);
    assert_int_equal(1, store_migrated_from(f.s));
    assert_int_equal(3, number(f.s, "PRAGMA user_version"));
    assert_int_equal(1, number(f.s, "SELECT count(*) FROM run WHERE colour = 'green'"));
    assert_int_equal(0, stat(fx_path(&f, "backup/pre-v3.db"), &st));
    assert_int_equal(0600, st.st_mode & 0777);
    store_close(f.s);
    f.s = store_open_writer(f.state, &o, &err); /* once */
    assert_int_equal(0, store_migrated_from(f.s));
    store_close(f.s);
    /* This program, which does not know version 3, refuses it, and says which copy leads back. */
    assert_null(store_open_writer(f.state, &fx_options, &err));
    assert_string_equal("newer", err.reason);
    assert_non_null(strstr(err.hint, "backup/pre-v3.db"));
    /* The copy is whole, and works in place of the file. */
    assert_int_equal(0, rename(fx_path(&f, "backup/pre-v3.db"), fx_path(&f, "leat.db")));
    fx_open(&f);
    int64_t versions;
    assert_null(story_broken(f.s, &versions));
    assert_int_equal(1, versions);
    fx_end(&f);
}

static void a_failed_step_leaves_what_was_reached(void **state) {
    (void)state;
    struct fx f;
    struct err err = {0};
    const struct store_options o = {.ballast_bytes = -1, .migrations = &bad};
    const struct store_options better = {.ballast_bytes = -1, .migrations = &good};
    make_old(&f, 1);
    assert_null(store_open_writer(f.state, &o, &err));
    assert_non_null(strstr(err.msg, "upgrading the database to version 3 (break)"));
    assert_true(fs_exists(fx_path(&f, "backup/pre-v3.db")));
    f.s = store_open_writer(f.state, &better, &err); /* goes on from version 2 */
    if (!f.s) fail_msg("%s", err.msg);
    assert_int_equal(2, store_migrated_from(f.s));
    assert_int_equal(0, number(f.s, "SELECT count(*) FROM sqlite_master WHERE name = 'half'"));
    assert_int_equal(0, number(f.s, "SELECT count(*) FROM extra"));
    fx_end(&f);
}

static void no_backup_no_upgrade(void **state) {
    (void)state;
    struct fx f;
    struct err err = {0};
    const struct store_options o = {.ballast_bytes = -1, .migrations = &good};
    make_old(&f, 1);
    assert_ok(fs_replace(fx_path(&f, "backup"), "in the way", 10, 0600, &err));
    assert_null(store_open_writer(f.state, &o, &err));
    assert_non_null(strstr(err.msg, "not a folder"));
    assert_int_equal(0, unlink(fx_path(&f, "backup")));
    fx_open(&f);
    assert_int_equal(1, store_migrated_from(f.s)); /* nothing had been changed */
    fx_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_released_version_opens),
        cmocka_unit_test(all_ways_lead_to_the_same_schema),
        cmocka_unit_test(the_schema_is_the_one_on_record),
        cmocka_unit_test(an_older_file_is_backed_up_and_brought_up),
        cmocka_unit_test(a_failed_step_leaves_what_was_reached),
        cmocka_unit_test(no_backup_no_upgrade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
