/* store.c: opening and closing, transactions, upkeep of the WAL.
 *
 * Opening for writing, in this order, and nothing on disk is changed before the last refusal:
 *   folder, file system, instance lock; the header's bytes (is it ours?), the version (too new?), integrity
 *   when the last writer did not close; then migration, settings, ballast.
 * The file is born whole: built under another name, then renamed. So a file named leat.db that is empty, or
 * without our application_id, is never ours in the making: it is refused, never "repaired" by starting over,
 * because starting over would forget every bookmark. */
#include "base/buf.h"
#include "base/fsio.h"
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char file_magic[16] = "SQLite format 3";

/* ---- the file's header ---- */

static int damaged_error(const struct store *s, const char *what, struct err *err) {
    err_set(err, EX_ENVIRONMENT, "the database %s is damaged: %s", s->path, what);
    err_reason(err, "corrupt");
    return err_hint(err,
                    "no file was changed; move leat.db, leat.db-wal and leat.db-shm aside together and put a "
                    "backup in place (%s/backup has those made before upgrades)",
                    s->state);
}

static int foreign_error(const struct store *s, unsigned application, struct err *err) {
    if (application == 0)
        err_set(err, EX_ENVIRONMENT, "%s is an SQLite database, but not one of Leat's", s->path);
    else
        err_set(err, EX_ENVIRONMENT, "%s is the database of another program (application_id 0x%08x)", s->path,
                application);
    err_reason(err, "foreign");
    return err_hint(err,
                    "no file was changed; move it aside, or say another folder with `state:` in leat.yaml");
}

/* Reads through SQLite's own handle: opening and closing the file beside it would drop its locks (POSIX). */
static int header_check(struct store *s, struct err *err) {
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    unsigned char head[100];
    sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (!file || !file->pMethods) return store_fail(s, SQLITE_CANTOPEN, "cannot open the database", err);
    int rc = file->pMethods->xFileSize(file, &size);
    if (rc != SQLITE_OK) return store_fail(s, rc, "cannot read the database", err);
    if (size < (sqlite3_int64)sizeof head)
        return damaged_error(s, "it is cut off before its first page ends", err);
    rc = file->pMethods->xRead(file, head, sizeof head, 0);
    if (rc != SQLITE_OK) return store_fail(s, rc, "cannot read the database", err);
    if (memcmp(head, file_magic, sizeof file_magic) != 0) {
        err_set(err, EX_ENVIRONMENT, "%s is not a database", s->path);
        err_reason(err, "foreign");
        return err_hint(
            err, "no file was changed; move it aside, or say another folder with `state:` in leat.yaml");
    }
    unsigned application =
        (unsigned)head[68] << 24 | (unsigned)head[69] << 16 | (unsigned)head[70] << 8 | (unsigned)head[71];
    return application == SCHEMA_APPLICATION ? 0 : foreign_error(s, application, err);
}

static int pragma_int(struct store *s, const char *pragma, int64_t *out, struct err *err) {
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->db, pragma, -1, &st, NULL);
    if (rc == SQLITE_OK) {
        if (sqlite3_step(st) == SQLITE_ROW) *out = sqlite3_column_int64(st, 0);
        rc = sqlite3_finalize(st);
    }
    return rc == SQLITE_OK ? 0
                           : store_fail(s, sqlite3_extended_errcode(s->db), "cannot read the database", err);
}

static int version_check(struct store *s, int64_t target, int64_t *found, struct err *err) {
    if (pragma_int(s, "PRAGMA user_version", found, err)) return -1;
    if (*found > target) {
        err_set(err, EX_ENVIRONMENT,
                "%s was written by a newer leat (version %lld of the schema; this one knows %lld)", s->path,
                (long long)*found, (long long)target);
        err_reason(err, "newer");
        return err_hint(
            err, "no file was changed; use the newer leat, or go back with the copy %s/backup/pre-v%lld.db",
            s->state, (long long)*found);
    }
    if (*found >= 1) return 0;
    return damaged_error(s, "it has no schema version", err);
}

int store_check(struct store *s, struct err *err) {
    static const char *const checks[] = {"PRAGMA integrity_check(1)", "PRAGMA foreign_key_check"};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        sqlite3_stmt *st = NULL;
        s->deadline = 0;
        int rc = sqlite3_prepare_v2(s->db, checks[i], -1, &st, NULL);
        if (rc == SQLITE_OK) rc = sqlite3_step(st);
        const char *said = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
        int r = 0;
        if (rc == SQLITE_ROW && i == 0 && said && strcmp(said, "ok") != 0)
            r = damaged_error(s, said, err);
        else if (rc == SQLITE_ROW && i == 1)
            r = damaged_error(s, "a row refers to one that is not there", err);
        else if (rc != SQLITE_ROW && rc != SQLITE_DONE)
            r = store_fail(s, sqlite3_extended_errcode(s->db), "cannot check the database", err);
        sqlite3_finalize(st);
        if (r) return -1;
    }
    return 0;
}

/* ---- the connection ---- */

static int wal_grew(void *ctx, sqlite3 *db, const char *name, int pages) {
    (void)db, (void)name;
    ((struct store *)ctx)->wal_pages = pages;
    return SQLITE_OK;
}

static int read_over(void *ctx) {
    const struct store *s = ctx;
    return s->deadline && world_steady(s->world) > s->deadline;
}

static void db_flag(sqlite3 *db, int flag, int value) { sqlite3_db_config(db, flag, value, NULL); }

static int connect(struct store *s, const struct store_options *o, const char *name, int flags,
                   struct err *err) {
    int rc =
        sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, o ? o->vfs : NULL);
    if (rc != SQLITE_OK) return store_fail(s, rc, "cannot open the database", err);
    /* Until everything is accepted, closing must not copy the WAL back: a refused file stays as it is. */
    db_flag(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1);
    db_flag(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1);
    db_flag(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0);
    db_flag(s->db, SQLITE_DBCONFIG_DQS_DML, 0);
    db_flag(s->db, SQLITE_DBCONFIG_DQS_DDL, 0);
    sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
    return 0;
}

static int settings(struct store *s, struct err *err) {
    char sql[512];
    snprintf(
        sql, sizeof sql,
        "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-%d;%s",
        s->writer ? CACHE_KIB : CACHE_KIB / 4,
        s->writer ? "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=67108864;"
                  : "PRAGMA query_only=ON;");
    if (store_exec(s, sql, err)) return -1;
    if (s->writer) sqlite3_wal_hook(s->db, wal_grew, s); /* takes the place of SQLite's own checkpoints */
    if (!s->writer) sqlite3_progress_handler(s->db, PROGRESS_OPS, read_over, s);
    return 0;
}

static int wal_mode_check(struct store *s, struct err *err) {
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->db, "PRAGMA journal_mode", -1, &st, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_step(st);
    bool wal = rc == SQLITE_ROW && sqlite3_stricmp((const char *)sqlite3_column_text(st, 0), "wal") == 0;
    sqlite3_finalize(st);
    if (rc != SQLITE_ROW)
        return store_fail(s, sqlite3_extended_errcode(s->db), "cannot read the database", err);
    /* A copy made by VACUUM INTO and put back in place is not in WAL mode yet. */
    if (!wal && s->writer) return store_exec(s, "PRAGMA journal_mode=WAL", err);
    return 0;
}

static struct store *store_new(const char *state, const struct store_options *o) {
    struct store *s = xcalloc(1, sizeof *s);
    s->world = o && o->world ? o->world : world_real();
    s->state = xstrdup(state);
    s->path = fs_join(state, "leat.db");
    s->lock_fd = -1;
    s->inherited_lock = o ? o->lock_fd : 0;
    s->wal_next = WAL_LONG_PAGES;
    s->ballast_bytes = o ? o->ballast_bytes : 0;
    return s;
}

static void uuid_read(sqlite3_stmt *st, struct arena *a, void *row) {
    (void)a;
    snprintf(row, sizeof((struct store *)0)->uuid, "%s", (const char *)sqlite3_column_text(st, 0));
}

static int identity_read(struct store *s, struct err *err) {
    int r = sql_get(SQL(s, meta_get, err, A_TEXT("uuid")), uuid_read, NULL, s->uuid);
    return r == 0 ? damaged_error(s, "the project's identity is missing", err) : r < 0 ? -1 : 0;
}

/* ---- opening for writing ---- */

static off_t size_beside(const struct store *s, const char *suffix) {
    char path[4096];
    struct stat st;
    snprintf(path, sizeof path, "%s%s", s->path, suffix);
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static int file_ready(struct store *s, const struct store_options *o, struct err *err) {
    if (fs_exists(s->path)) return 0;
    if (size_beside(s, "-wal") > 0)
        return damaged_error(s, "leat.db is missing, its leat.db-wal is still there", err);
    return create_database(s, o, err);
}

static int writer_accept(struct store *s, const struct store_options *o, struct err *err) {
    const struct migrations *m = o && o->migrations ? o->migrations : &schema_migrations;
    int64_t found = 0;
    if (header_check(s, err) || version_check(s, m->target, &found, err)) return -1;
    if (s->unclean && store_check(s, err)) return -1;
    if (wal_mode_check(s, err)) return -1;
    if (found < m->target && migrate_database(s, m, found, err)) return -1;
    if (settings(s, err) || identity_read(s, err) || place_is(s, o ? o->uuid : NULL, err)) return -1;
    db_flag(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0);
    place_note(s);
    return 0;
}

static int writer_open(struct store *s, const struct store_options *o, struct err *err) {
    s->writer = true;
    if (place_expected(s, o ? o->uuid : NULL, err)) return -1;
    if (fs_mkdirs(s->state, 0700, err) || network_disk_refuse(s->state, err) || lock_take(s, err)) return -1;
    if (file_ready(s, o, err)) return -1;
    if (connect(s, o, s->path, SQLITE_OPEN_READWRITE, err)) return -1;
    return writer_accept(s, o, err);
}

/* Releases what a refused or finished store holds. clean: the database was closed as it should be. */
static void store_drop(struct store *s, bool clean) {
    store_release_statements(s);
    if (sqlite3_close(s->db) != SQLITE_OK) clean = false;
    s->db = NULL;
    place_leave(s);
    if (s->inherited_lock > 0) close(s->inherited_lock);
    if (s->lock_fd >= 0) {
        if (clean) lock_mark_clean(s);
        close(s->lock_fd);
    }
    free(s->state);
    free(s->path);
    free(s);
}

static struct store *writer_try(const char *state, const struct store_options *o, struct err *err) {
    struct store *s = store_new(state, o);
    if (writer_open(s, o, err) == 0) return s;
    /* What was clean before stays clean: a refusal changed nothing. */
    store_drop(s, s->lock_fd >= 0 && !s->unclean && !s->replaced);
    return NULL;
}

/* On a disk that is full already even the log's index may not fit: the ballast of an earlier start makes
 * room. */
struct store *store_open_writer(const char *state, const struct store_options *o, struct err *err) {
    struct err first = {0};
    struct store *s = writer_try(state, o, &first);
    if (!s && strcmp(first.reason, "disk_full") == 0 && ballast_drop(state)) {
        s = writer_try(state, o, &first);
        if (s)
            snprintf(s->warning, sizeof s->warning, "the disk of %s is full: only failures can be recorded",
                     state);
        if (s) return s;
    }
    if (!s && err) *err = first;
    if (s) ballast_make(s);
    return s;
}

/* ---- opening for reading ---- */

static int reader_accept(struct store *s, const struct store_options *o, struct err *err) {
    const struct migrations *m = o && o->migrations ? o->migrations : &schema_migrations;
    int64_t found = 0;
    if (header_check(s, err) || version_check(s, m->target, &found, err)) return -1;
    if (found < m->target) {
        err_set(err, EX_ENVIRONMENT,
                "%s is of an older leat (version %lld of the schema; this one reads %lld)", s->path,
                (long long)found, (long long)m->target);
        err_reason(err, "older");
        return err_hint(err, "any command that writes brings it up to date, after a backup: leat run …");
    }
    return settings(s, err) || identity_read(s, err) ? -1 : 0;
}

/* The path as a URI that tells SQLite nobody will change the file while it is open. */
static char *immutable_uri(const char *path) {
    struct buf uri = BUF_INIT;
    buf_adds(&uri, "file:");
    for (const char *at = path; *at; at++) {
        if (strchr("%?#", *at))
            buf_addf(&uri, "%%%02X", (unsigned)(unsigned char)*at);
        else
            buf_addc(&uri, *at);
    }
    buf_adds(&uri, "?immutable=1");
    return buf_take(&uri);
}

static int reader_connect(struct store *s, const struct store_options *o, const char *name, int flags,
                          struct err *err) {
    return connect(s, o, name, flags | SQLITE_OPEN_READONLY, err) || reader_accept(s, o, err) ? -1 : 0;
}

/* Reading a WAL database needs a -shm file beside it. Where none can be made (a folder of somebody else, a
 * read-only disk) and no log is there, nobody is writing: the file alone is the database. */
static int reader_open(struct store *s, const struct store_options *o, struct err *err) {
    if (network_disk_refuse(s->state, err)) return -1;
    if (reader_connect(s, o, s->path, 0, err) == 0) return 0;
    bool shm = access(s->state, W_OK) != 0 && (errno == EROFS || errno == EACCES);
    if (!shm || size_beside(s, "-wal") > 0 || size_beside(s, "-shm") >= 0) return -1;
    store_release_statements(s);
    sqlite3_close(s->db);
    s->db = NULL;
    char *uri = immutable_uri(s->path);
    int r = reader_connect(s, o, uri, SQLITE_OPEN_URI, err);
    free(uri);
    return r;
}

int store_open_reader(const char *state, const struct store_options *o, struct store **out, struct err *err) {
    struct store *s = store_new(state, o);
    int r = 1;
    s->read_limit = o && o->read_limit ? o->read_limit : 2 * US_PER_SECOND;
    if (!fs_exists(s->path) && errno != ENOENT)
        r = err_errno(err, "cannot look at %s", s->path);
    else if (!fs_exists(s->path))
        r = size_beside(s, "-wal") > 0 ? damaged_error(s, "leat.db is missing", err) : 0;
    else if (reader_open(s, o, err))
        r = -1;
    if (r == 1)
        *out = s;
    else
        store_drop(s, false);
    return r;
}

void store_close(struct store *s) {
    if (!s) return;
    store_rollback(s);
    store_drop(s, s->writer && !s->damaged);
}

bool store_is_writer(const struct store *s) { return s->writer; }
const char *store_sqlite_version(void) { return sqlite3_libversion(); }
bool store_was_unclean(const struct store *s) { return s->unclean; }
bool store_was_replaced(const struct store *s) { return s->replaced; }
int64_t store_migrated_from(const struct store *s) { return s->migrated_from; }
const char *store_warning(const struct store *s) { return s->warning; }
const char *store_path(const struct store *s) { return s->path; }
const char *store_uuid(const struct store *s) { return s->uuid; }

/* ---- transactions ---- */

bool store_in_transaction(const struct store *s) { return !s->snapshot && !sqlite3_get_autocommit(s->db); }

static void checkpoint(struct store *s, int mode, int *rc) {
    int frames = 0, copied = 0;
    sqlite3_busy_timeout(s->db, 0); /* readers may hold frames back: that is no reason to wait */
    *rc = sqlite3_wal_checkpoint_v2(s->db, "main", mode, &frames, &copied);
    sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
    /* Frames a reader holds back are not tried again at every turn. */
    bool all = *rc == SQLITE_OK && copied >= frames;
    s->wal_next = all ? WAL_LONG_PAGES : s->wal_pages + WAL_LONG_PAGES;
    if (all) s->wal_pages = 0;
}

int store_begin(struct store *s, struct err *err) {
    if (!s->writer) return err_set(err, EX_FAILED, "the database is open for reading only");
    if (store_in_transaction(s)) return err_set(err, EX_FAILED, "a transaction is open already");
    if (place_check(s, err)) return -1;
    int rc;
    if (s->wal_pages > WAL_GUARD_PAGES && s->wal_pages >= s->wal_next)
        checkpoint(s, SQLITE_CHECKPOINT_PASSIVE, &rc);
    return store_exec(s, "BEGIN IMMEDIATE", err);
}

int store_commit(struct store *s, struct err *err) {
    if (!store_in_transaction(s))
        return err_set(err, EX_FAILED, "nothing to commit: an earlier failure rolled the transaction back");
    if (store_exec(s, "COMMIT", err) == 0) return 0;
    store_rollback(s);
    return -1;
}

void store_rollback(struct store *s) {
    if (s->db && !sqlite3_get_autocommit(s->db)) store_exec(s, "ROLLBACK", NULL);
    s->snapshot = false;
}

int store_snapshot_begin(struct store *s, struct err *err) {
    if (s->snapshot || store_in_transaction(s))
        return err_set(err, EX_FAILED, "a transaction is open already");
    s->deadline = s->read_limit ? world_steady(s->world) + s->read_limit : 0;
    if (store_exec(s, "BEGIN", err)) return -1;
    s->snapshot = true;
    return 0;
}

void store_snapshot_end(struct store *s) {
    if (s->snapshot) store_rollback(s);
}

/* ---- upkeep ---- */

int store_alive(struct store *s, instant_t at, struct err *err) {
    char text[INSTANT_TEXT];
    return sql_must(SQL(s, meta_put, err, A_TEXT("alive"), A_TEXT(instant_text(at, text))));
}

static void alive_read(sqlite3_stmt *st, struct arena *a, void *row) {
    (void)a;
    if (!instant_parse((const char *)sqlite3_column_text(st, 0), row)) *(instant_t *)row = INSTANT_NONE;
}

int store_alive_at(struct store *s, instant_t *at, struct err *err) {
    int found = sql_get(SQL(s, meta_get, err, A_TEXT("alive")), alive_read, NULL, at);
    return found == 1 && *at == INSTANT_NONE ? 0 : found;
}

int64_t store_wal_pages(const struct store *s) { return s->wal_pages; }

int store_tend(struct store *s, bool idle, struct err *err) {
    if (!s->writer || store_in_transaction(s)) return 0;
    int rc = SQLITE_OK;
    if (idle && s->wal_pages > 0)
        checkpoint(s, SQLITE_CHECKPOINT_TRUNCATE, &rc);
    else if (s->wal_pages >= s->wal_next)
        checkpoint(s, SQLITE_CHECKPOINT_PASSIVE, &rc);
    if (idle) ballast_remake(s);
    if ((rc & 0xff) != SQLITE_IOERR) return 0;
    struct err e;
    store_fail(s, rc, "cannot copy the write-ahead log back", &e);
    if (strcmp(e.reason, "io_error") != 0) return 0; /* a full disk: the log stays, nothing is lost */
    if (err) *err = e;
    return -1;
}

int store_info(struct store *s, struct store_info *out, struct err *err) {
    int number = sqlite3_libversion_number();
    struct store_info info = {.sqlite = sqlite3_libversion(),
                              .wal_reset_bug = number >= 3007000 && number < 3051003};
    if (pragma_int(s, "PRAGMA user_version", &info.schema, err)) return -1;
    if (pragma_int(s, "PRAGMA page_count", &info.pages, err)) return -1;
    if (pragma_int(s, "PRAGMA page_size", &info.page_bytes, err)) return -1;
    if (pragma_int(s, "PRAGMA freelist_count", &info.free_pages, err)) return -1;
    off_t wal = size_beside(s, "-wal");
    info.wal_bytes = wal > 0 ? wal : 0;
    *out = info;
    return 0;
}
