/* Opening: who may, what is refused, and that a refusal changes no file. */
#include "store/internal.h"
#include "store/schema.h"
#include "tests/unit/store_fixture.h"

#include "base/sha256.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void sql_file(const char *path, const char *sql) {
    sqlite3 *db;
    assert_int_equal(SQLITE_OK, sqlite3_open(path, &db));
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) fail_msg("%s: %s", sql, why);
    sqlite3_close(db);
}

static int64_t sql_number(const char *path, const char *sql) {
    sqlite3 *db;
    sqlite3_stmt *st;
    assert_int_equal(SQLITE_OK, sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL));
    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(db, sql, -1, &st, NULL));
    assert_int_equal(SQLITE_ROW, sqlite3_step(st));
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}

static void put_file(const char *path, const char *text) {
    struct err err;
    assert_ok(fs_replace(path, text, strlen(text), 0600, &err));
}

static void creates_private_files(void **state) {
    (void)state;
    struct fx f;
    struct stat st;
    fx_begin(&f);
    assert_int_equal(36, strlen(store_uuid(f.s)));
    assert_int_equal('4', store_uuid(f.s)[14]);
    assert_string_equal("", store_warning(f.s));
    assert_false(store_was_unclean(f.s));
    assert_int_equal(0, stat(f.state, &st));
    assert_int_equal(0700, st.st_mode & 0777);
    assert_int_equal(0, stat(store_path(f.s), &st));
    assert_int_equal(0600, st.st_mode & 0777);
    assert_false(fs_exists(fx_path(&f, "leat.db.new")));
    char uuid[40];
    strcpy(uuid, store_uuid(f.s));
    store_close(f.s);
    fx_open(&f);
    assert_string_equal(uuid, store_uuid(f.s));
    assert_false(store_was_unclean(f.s));
    assert_int_equal(0x4C656174, sql_number(store_path(f.s), "PRAGMA application_id"));
    fx_end(&f);
}

static void settings_hold(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct store_info info;
    fx_begin(&f);
    assert_ok(store_info(f.s, &info, &err));
    assert_int_equal(SCHEMA_VERSION, info.schema);
    assert_string_equal(sqlite3_libversion(), info.sqlite);
    assert_int_equal(info.wal_reset_bug, sqlite3_libversion_number() < 3051003);
    assert_ok(store_check(f.s, &err));
    /* Changes are refused outside a transaction, and by a reader always. */
    assert_int_equal(-1, store_run_stop(f.s, 1, "cancel", "x", &err));
    assert_non_null(strstr(err.msg, "outside a transaction"));
    struct store *r;
    assert_hit(1, store_open_reader(f.state, NULL, &r, &err));
    assert_int_equal(-1, store_begin(r, &err));
    assert_int_equal(-1, store_run_stop(r, 1, "cancel", "x", &err));
    store_close(r);
    fx_end(&f);
}

static void second_writer_is_told_who(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct store_holder h;
    char pid[32];
    fx_begin(&f);
    assert_null(store_open_writer(f.state, &fx_options, &err));
    assert_int_equal(EX_CONFLICT, err.exit);
    assert_string_equal("held", err.reason);
    snprintf(pid, sizeof pid, "process %d ", (int)getpid());
    assert_non_null(strstr(err.msg, pid));
    assert_non_null(strstr(err.hint, "leat status"));
    assert_int_equal(1, store_holder(f.state, &h));
    assert_int_equal(getpid(), h.pid);
    store_close(f.s);
    assert_int_equal(0, store_holder(f.state, &h));
    fx_open(&f);
    fx_end(&f);
}

/* The lock is the kernel's: a killed writer leaves none, and the next one knows. */
static void killed_writer_leaves_no_lock(void **state) {
    (void)state;
    struct fx f;
    int ready[2];
    fx_folder(&f);
    assert_int_equal(0, pipe(ready));
    pid_t child = fork();
    if (child == 0) {
        struct err err;
        struct store *s = store_open_writer(f.state, &fx_options, &err);
        if (s && store_begin(s, &err) == 0) fx_definition(s, "p", 3, "aa");
        if (s && store_commit(s, &err) == 0) (void)!write(ready[1], "x", 1);
        pause();
    }
    char c;
    assert_int_equal(1, read(ready[0], &c, 1));
    struct store_holder h;
    siginfo_t ended;
    assert_int_equal(1, store_holder(f.state, &h));
    kill(child, SIGKILL);
    waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT);
    assert_int_equal(0, store_holder(f.state, &h)); /* nor does one that nobody has taken note of */
    waitpid(child, NULL, 0);
    close(ready[0]), close(ready[1]);
    fx_open(&f);
    assert_true(store_was_unclean(f.s));
    struct definition_row d;
    struct err err;
    assert_hit(1, store_definition_get(f.s, 1, f.a, &d, &err));
    assert_string_equal("p", d.pipeline);
    fx_end(&f);
}

static struct store *open_that(const struct fx *f, const char *uuid, struct err *err) {
    struct store_options o = fx_options;
    o.uuid = uuid;
    return store_open_writer(f->state, &o, err);
}

/* Files that nobody will see again are not written to; put back, they are gone on with. */
static void a_folder_that_is_moved_away(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    char away[128], uuid[STORE_UUID];
    fx_begin(&f);
    snprintf(away, sizeof away, "%s/away", f.dir);
    snprintf(uuid, sizeof uuid, "%s", store_uuid(f.s));
    assert_int_equal(0, rename(f.state, away));
    assert_int_equal(-1, store_begin(f.s, &err));
    assert_string_equal("moved", err.reason);
    store_close(f.s);
    assert_null(open_that(&f, uuid, &err));
    assert_string_equal("moved", err.reason);
    assert_false(fs_exists(f.state)); /* nothing is in the way of what is put back */
    assert_int_equal(0, rename(away, f.state));
    assert_non_null(f.s = open_that(&f, uuid, &err));
    assert_true(store_was_unclean(f.s));
    assert_ok(store_begin(f.s, &err));
    store_close(f.s);
    assert_null(f.s = open_that(&f, "another", &err));
    assert_string_equal("moved", err.reason);
    fx_end(&f);
}

/* A database in the place of one that is open: the log of the one is not read into the other. */
static void a_database_in_the_place_of_an_open_one(void **state) {
    (void)state;
    struct fx f, other;
    struct err err;
    char from[160], place[160], aside[160];
    fx_begin(&f);
    fx_begin(&other);
    snprintf(place, sizeof place, "%s/leat.db", f.state);
    snprintf(aside, sizeof aside, "%s/leat.db-wal.replaced", f.state);
    store_close(other.s);
    snprintf(from, sizeof from, "%s/leat.db", other.state);
    assert_int_equal(0, rename(from, place));
    assert_int_equal(-1, store_begin(f.s, &err));
    assert_string_equal("moved", err.reason);
    store_close(f.s);
    assert_true(fs_exists(aside));
    assert_non_null(f.s = open_that(&f, NULL, &err));
    assert_true(store_was_unclean(f.s));
    other.s = NULL;
    fx_end(&other);
    fx_end(&f);
}

/* The numbers are the kernel's (linux/magic.h, statfs(2)). */
static void which_disks_are_far_away(void **state) {
    (void)state;
    static const struct {
        unsigned long type;
        const char *name;
    } cases[] = {{0x6969, "NFS"},      {0xFF534D42, "CIFS"}, {0x01021997, "9p"}, {0x65735546, "FUSE"},
                 {0x00C36400, "Ceph"}, {0xEF53, NULL},       {0x01021994, NULL}, {0x58465342, NULL},
                 {0x9123683E, NULL},   {0x794C7630, NULL},   {0x2FC12FC1, NULL}, {0, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *name = network_disk_name(cases[i].type);
        assert_int_equal(cases[i].name == NULL, name == NULL);
        if (name) assert_string_equal(cases[i].name, name);
    }
    assert_int_equal(0, network_disk_refuse("/tmp", NULL));
}

/* "Nothing has run yet" is for what is not there, not for what cannot be looked at. */
static void a_reader_that_may_not_look(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct store *r;
    fx_folder(&f);
    FILE *plain = fopen(f.state, "w");
    assert_non_null(plain);
    fclose(plain);
    assert_int_equal(-1, store_open_reader(f.state, NULL, &r, &err));
    assert_int_equal(EX_ENVIRONMENT, err.exit);
    fx_end(&f);
}

static void open_and_close(struct fx *f, bool replaced) {
    fx_open(f);
    assert_int_equal(replaced, store_was_replaced(f->s));
    store_close(f->s);
    f->s = NULL;
}

/* Whatever is put in its place is noticed once: a backup, also under the same inode. */
static void a_database_put_back_is_noticed(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct store *r;
    fx_begin(&f);
    store_close(f.s);
    open_and_close(&f, false);
    assert_hit(1, store_open_reader(f.state, NULL, &r, &err)); /* readers leave it as it is */
    store_close(r);
    open_and_close(&f, false);
    size_t len;
    char *path = fs_join(f.state, "leat.db"), *text = fs_read(path, 1 << 24, &len, &err);
    assert_non_null(text);
    assert_ok(fs_replace(path, text, len, 0600, &err));
    open_and_close(&f, true);
    open_and_close(&f, false);
    FILE *file = fopen(path, "r+e");
    assert_non_null(file);
    assert_int_equal(len, fwrite(text, 1, len, file));
    fclose(file);
    open_and_close(&f, true);
    open_and_close(&f, false);
    free(text);
    free(path);
    fx_end(&f);
}

static void readers_work_without_and_beside_a_writer(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct store *r = NULL;
    struct run_row row;
    fx_folder(&f);
    assert_hit(0, store_open_reader(f.state, NULL, &r, &err)); /* no folder: no run was ever made */
    fx_open(&f);
    assert_ok(store_begin(f.s, &err));
    int64_t run = fx_run(f.s, fx_definition(f.s, "p", 1, "aa"));
    assert_hit(1, store_open_reader(f.state, NULL, &r, &err));
    assert_hit(0, store_run_get(r, run, f.a, &row, &err));
    assert_ok(store_commit(f.s, &err));
    assert_hit(1, store_run_get(r, run, f.a, &row, &err));
    assert_ok(store_snapshot_begin(r, &err));
    assert_hit(1, store_run_get(r, run, f.a, &row, &err));
    assert_string_equal("queued", row.state);
    assert_ok(store_begin(f.s, &err));
    assert_hit(
        1, store_run_move(f.s, &(struct run_move){.run = run, .from = "queued", .to = "running", .at = NOON},
                          &err));
    assert_ok(store_commit(f.s, &err));
    assert_hit(1, store_run_get(r, run, f.a, &row, &err));
    assert_string_equal("queued", row.state); /* one moment */
    store_snapshot_end(r);
    assert_hit(1, store_run_get(r, run, f.a, &row, &err));
    assert_string_equal("running", row.state);
    store_close(r);
    store_close(f.s);
    f.s = NULL;
    assert_false(fs_exists(fx_path(&f, "leat.db-wal")));
    assert_hit(1, store_open_reader(f.state, NULL, &r, &err)); /* no -wal, no -shm */
    assert_hit(1, store_run_get(r, run, f.a, &row, &err));
    fx_open(&f); /* and a writer may come while the reader is there */
    assert_false(store_was_unclean(f.s));
    assert_hit(1, store_run_get(r, run, f.a, &row, &err));
    store_close(r);
    fx_end(&f);
}

/* A clock that goes on a second each time it is looked at. */
static duration_t ticking(void *ctx) { return *(duration_t *)ctx += US_PER_SECOND; }
static instant_t standing(void *ctx) { return (void)ctx, NOON; }
static uint64_t four(void *ctx) { return (void)ctx, 4; }

static void a_read_has_a_time_limit(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct store *r;
    duration_t now = 0;
    const struct world w = {.wall = standing, .steady = ticking, .random = four, .ctx = &now};
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    int64_t run = fx_run(f.s, fx_definition(f.s, "p", 20000, "aa"));
    assert_ok(store_commit(f.s, &err));
    assert_hit(1, store_open_reader(f.state, &(struct store_options){.world = &w}, &r, &err));
    struct step_row *rows;
    size_t n;
    assert_int_equal(-1, store_steps_list(r, run, f.a, &rows, &n, &err));
    assert_string_equal("read_timeout", err.reason);
    assert_int_equal(EX_ENVIRONMENT, err.exit);
    store_close(r);
    fx_end(&f);
}

/* ---- refusals ---- */

struct bad_file {
    const char *name, *reason, *says;
    void (*make)(struct fx *f, const char *path);
    bool after_crash; /* the last writer did not close it */
    bool both;        /* readers refuse too */
};

static void make_text(struct fx *f, const char *path) {
    (void)f;
    struct buf b = {0};
    for (int i = 0; i < 100; i++) buf_adds(&b, "this is not a database\n");
    put_file(path, b.s);
    buf_release(&b);
}
static void make_empty(struct fx *f, const char *path) { (void)f, put_file(path, ""); }
static void make_foreign(struct fx *f, const char *path) {
    (void)f;
    sql_file(path, "PRAGMA application_id=0x47504B47; CREATE TABLE t(x)");
}
static void make_plain(struct fx *f, const char *path) { (void)f, sql_file(path, "CREATE TABLE t(x)"); }
static void make_newer(struct fx *f, const char *path) {
    fx_open(f);
    store_close(f->s);
    f->s = NULL;
    sql_file(path, "PRAGMA user_version=99");
}
static void make_unversioned(struct fx *f, const char *path) {
    fx_open(f);
    store_close(f->s);
    f->s = NULL;
    sql_file(path, "PRAGMA user_version=0");
}
static void make_full(struct fx *f) {
    struct err err;
    fx_open(f);
    assert_ok(store_begin(f->s, &err));
    fx_definition(f->s, "p", 5000, "aa");
    assert_ok(store_commit(f->s, &err));
    store_close(f->s);
    f->s = NULL;
}
static void make_truncated(struct fx *f, const char *path) {
    make_full(f);
    assert_int_equal(0, truncate(path, 8192));
}
static void make_damaged(struct fx *f, const char *path) {
    make_full(f);
    int fd = open(path, O_RDWR);
    off_t end = lseek(fd, 0, SEEK_END);
    char page[4096];
    memset(page, 0x5a, sizeof page);
    assert_int_equal(4096, pwrite(fd, page, 4096, end / 2 / 4096 * 4096));
    close(fd);
}
static void make_missing(struct fx *f, const char *path) {
    make_full(f);
    unlink(path);
    put_file(arena_printf(f->a, "%s-wal", path), "the log of a database that is gone");
}

static const struct bad_file bad_files[] = {
    {"text", "foreign", "is not a database", make_text, false, true},
    {"empty", "corrupt", "cut off", make_empty, false, true},
    {"foreign", "foreign", "application_id 0x47504b47", make_foreign, false, true},
    {"plain", "foreign", "not one of Leat's", make_plain, false, true},
    {"newer", "newer", "version 99 of the schema; this one knows 2", make_newer, false, true},
    {"unversioned", "corrupt", "no schema version", make_unversioned, false, true},
    {"truncated", "corrupt", "malformed", make_truncated, false, true},
    {"damaged", "corrupt", "is damaged", make_damaged, true, false},
    {"missing", "corrupt", "is missing", make_missing, false, true},
};

static void mark_unclean(struct fx *f) {
    struct err err;
    char *path = fx_path(f, "lock"), *text = fs_read(path, 4096, NULL, NULL);
    if (!text) return;
    char *at = strstr(text, "\"clean\":true");
    if (at) memcpy(at, "\"clean\":null", 12);
    assert_ok(fs_replace(path, text, strlen(text), 0600, &err));
    free(text);
}

static void fingerprint(const char *path, char hex[SHA256_HEX]) {
    strcpy(hex, "absent");
    if (fs_exists(path)) sha256_file(path, hex, NULL);
}

static void refuses_bad_files_and_changes_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++) {
        const struct bad_file *b = &bad_files[i];
        struct fx f;
        struct err err = {0};
        char before[SHA256_HEX], after[SHA256_HEX];
        fx_folder(&f);
        assert_ok(fs_mkdirs(f.state, 0700, &err));
        char *path = fx_path(&f, "leat.db");
        b->make(&f, path);
        if (b->after_crash) mark_unclean(&f);
        fingerprint(path, before);
        struct store *s = store_open_writer(f.state, &fx_options, &err);
        if (s || strcmp(err.reason, b->reason) || !strstr(err.msg, b->says) || err.exit != EX_ENVIRONMENT ||
            !*err.hint)
            fail_msg("%s: opened %d, reason %s, message %s", b->name, s != NULL, err.reason, err.msg);
        struct store *r = NULL;
        if (b->both && store_open_reader(f.state, NULL, &r, &err) != -1)
            fail_msg("%s: a reader opened it", b->name);
        if (b->both && strcmp(err.reason, b->reason))
            fail_msg("%s: reader says %s: %s", b->name, err.reason, err.msg);
        fingerprint(path, after);
        if (strcmp(before, after)) fail_msg("%s: the file was changed", b->name);
        /* Nobody holds the lock after a refusal. */
        put_file(path, "");
        assert_null(store_open_writer(f.state, &fx_options, &err));
        assert_string_not_equal("held", err.reason);
        fx_end(&f);
    }
}

static void state_folder_in_the_way(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    fx_folder(&f);
    put_file(f.state, "x");
    assert_null(store_open_writer(f.state, &fx_options, &err));
    assert_int_equal(EX_ENVIRONMENT, err.exit);
    assert_non_null(strstr(err.msg, "not a folder"));
    fx_end(&f);
}

static void leftovers_of_a_crashed_creation_are_no_obstacle(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    fx_folder(&f);
    assert_ok(fs_mkdirs(f.state, 0700, &err));
    put_file(fx_path(&f, "leat.db.new"), "half a database");
    put_file(fx_path(&f, "leat.db.new-journal"), "half a journal");
    fx_open(&f);
    assert_false(fs_exists(fx_path(&f, "leat.db.new-journal")));
    fx_end(&f);
}

static void ballast_is_made_and_given_back(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct stat st;
    fx_folder(&f);
    f.s = store_open_writer(f.state, &(struct store_options){.ballast_bytes = 1 << 20}, &err);
    assert_non_null(f.s);
    assert_int_equal(0, stat(fx_path(&f, "ballast"), &st));
    assert_int_equal(1 << 20, st.st_size);
    assert_true(store_ballast_whole(f.s));
    assert_hit(1, store_disk_full(f.s, &err));
    assert_hit(0, store_disk_full(f.s, &err));
    assert_false(store_ballast_whole(f.s));
    assert_ok(store_tend(f.s, false, &err));
    assert_false(store_ballast_whole(f.s));
    assert_ok(store_tend(f.s, true, &err));
    assert_true(store_ballast_whole(f.s));
    fx_end(&f);
}

static void the_log_is_copied_back(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    fx_begin(&f);
    assert_ok(store_begin(f.s, &err));
    fx_definition(f.s, "p", 100000, "aa");
    assert_ok(store_commit(f.s, &err));
    assert_true(store_wal_pages(f.s) > 1000);
    assert_ok(store_tend(f.s, false, &err));
    assert_int_equal(0, store_wal_pages(f.s));
    assert_ok(store_begin(f.s, &err));
    fx_run(f.s, 1);
    assert_ok(store_commit(f.s, &err));
    assert_in_range(store_wal_pages(f.s), 1, 100); /* the log began again */
    /* A reader holds frames back: nobody waits, and it is not tried at every turn. */
    struct store *r;
    struct run_row row;
    assert_hit(1, store_open_reader(f.state, NULL, &r, &err));
    assert_ok(store_snapshot_begin(r, &err));
    assert_hit(1, store_run_get(r, 1, f.a, &row, &err));
    assert_ok(store_begin(f.s, &err));
    fx_run(f.s, 1);
    assert_ok(store_commit(f.s, &err));
    assert_ok(store_tend(f.s, true, &err));
    assert_true(store_wal_pages(f.s) > 0);
    store_close(r);
    assert_ok(store_tend(f.s, true, &err));
    assert_int_equal(0, store_wal_pages(f.s));
    struct store_info info;
    assert_ok(store_info(f.s, &info, &err));
    assert_int_equal(0, info.wal_bytes);
    fx_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creates_private_files),
        cmocka_unit_test(settings_hold),
        cmocka_unit_test(second_writer_is_told_who),
        cmocka_unit_test(killed_writer_leaves_no_lock),
        cmocka_unit_test(a_database_put_back_is_noticed),
        cmocka_unit_test(readers_work_without_and_beside_a_writer),
        cmocka_unit_test(a_read_has_a_time_limit),
        cmocka_unit_test(refuses_bad_files_and_changes_nothing),
        cmocka_unit_test(state_folder_in_the_way),
        cmocka_unit_test(a_folder_that_is_moved_away),
        cmocka_unit_test(which_disks_are_far_away),
        cmocka_unit_test(a_reader_that_may_not_look),
        cmocka_unit_test(a_database_in_the_place_of_an_open_one),
        cmocka_unit_test(leftovers_of_a_crashed_creation_are_no_obstacle),
        cmocka_unit_test(ballast_is_made_and_given_back),
        cmocka_unit_test(the_log_is_copied_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
