/* create.c: a new file, and an older one brought up to date.
 *
 * A new file is built under another name in rollback-journal mode, switched to WAL, closed and renamed:
 * leat.db is there whole, with its application_id, or not at all. An older one is copied first (VACUUM INTO,
 * to a temporary name, then renamed), then each step is one transaction that also sets the version: a crash
 * leaves some version whole. */
#include "base/fsio.h"
#include "store/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void uuid_make(const struct world *w, char out[40]) {
    uint64_t a = world_random(w), b = world_random(w);
    a = (a & ~UINT64_C(0xF000)) | UINT64_C(0x4000);
    b = (b & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62;
    snprintf(out, 40, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xFFFF),
             (unsigned)(a & 0xFFFF), (unsigned)(b >> 48), (unsigned long long)(b & UINT64_C(0xFFFFFFFFFFFF)));
}

static void remove_leftovers(const char *path) {
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *name = xmalloc(strlen(path) + 16);
        sprintf(name, "%s%s", path, suffixes[i]);
        unlink(name);
        free(name);
    }
}

static int exec_texts(struct store *s, const char *const *texts, struct err *err) {
    for (size_t i = 0; texts[i]; i++)
        if (store_exec(s, texts[i], err)) return -1;
    return 0;
}

static int fill(struct store *s, struct err *err) {
    char head[160], tail[160], uuid[40];
    uuid_make(s->world, uuid);
    snprintf(head, sizeof head, "PRAGMA synchronous=FULL; BEGIN IMMEDIATE; PRAGMA application_id=%d;",
             SCHEMA_APPLICATION);
    snprintf(tail, sizeof tail,
             "INSERT INTO meta(name, value) VALUES('uuid', '%s'); PRAGMA user_version=%d; COMMIT;"
             "PRAGMA journal_mode=WAL",
             uuid, SCHEMA_VERSION);
    if (store_exec(s, head, err) || exec_texts(s, schema_text, err)) return -1;
    return store_exec(s, tail, err);
}

/* The mode is set before SQLite sees the file; -wal and -shm take it over. */
static int touch_private(const char *path, struct err *err) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return err_errno(err, "cannot create %s", path);
    close(fd);
    return 0;
}

int create_database(struct store *s, const struct store_options *o, struct err *err) {
    char *part = fs_join(s->state, "leat.db.new"), *final = s->path;
    remove_leftovers(part);
    if (touch_private(part, err)) {
        free(part);
        return -1;
    }
    s->path = part; /* for messages, and what connecting would open */
    int rc = sqlite3_open_v2(
        part, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, o ? o->vfs : NULL);
    int r = rc == SQLITE_OK ? fill(s, err) : store_fail(s, rc, "cannot create the database", err);
    rc = sqlite3_close(s->db);
    s->db = NULL;
    if (!r && rc != SQLITE_OK) r = store_fail(s, rc, "cannot create the database", err);
    if (!r) r = fs_sync_path(part, err);
    if (!r) r = fs_rename(part, final, err);
    if (r) remove_leftovers(part);
    s->path = final;
    free(part);
    return r;
}

/* ---- older files ---- */

static int vacuum_into(struct store *s, const char *path, struct err *err) {
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->db, "VACUUM INTO ?1", -1, &st, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_bind_text(st, 1, path, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_step(st) == SQLITE_DONE ? SQLITE_OK : sqlite3_extended_errcode(s->db);
    sqlite3_finalize(st);
    return rc == SQLITE_OK ? 0 : store_fail(s, rc, "cannot back the database up before its upgrade", err);
}

static int backup(struct store *s, int64_t target, struct err *err) {
    char name[64];
    char *folder = fs_join(s->state, "backup");
    snprintf(name, sizeof name, "pre-v%lld.db", (long long)target);
    char *path = fs_join(folder, name);
    snprintf(name, sizeof name, "pre-v%lld.db.part", (long long)target);
    char *part = fs_join(folder, name);
    remove_leftovers(part);
    int r = fs_mkdirs(folder, 0700, err);
    if (!r) r = vacuum_into(s, part, err);
    if (!r && chmod(part, 0600)) r = err_errno(err, "cannot protect %s", part);
    if (!r) r = fs_sync_path(part, err);
    if (!r) r = fs_rename(part, path, err);
    if (r) remove_leftovers(part);
    free(part);
    free(path);
    free(folder);
    return r;
}

static int migrate_step(struct store *s, const struct migration *m, struct err *err) {
    char version[64];
    snprintf(version, sizeof version, "PRAGMA user_version=%lld; COMMIT", (long long)m->from + 1);
    if (store_exec(s, "BEGIN IMMEDIATE", err) == 0 && exec_texts(s, m->sql, err) == 0 &&
        store_exec(s, version, err) == 0)
        return 0;
    if (!sqlite3_get_autocommit(s->db)) store_exec(s, "ROLLBACK", NULL);
    err_prefix(err, "upgrading the database to version %lld (%s)", (long long)m->from + 1, m->about);
    return -1;
}

int migrate_database(struct store *s, const struct migrations *m, int64_t found, struct err *err) {
    if (backup(s, m->target, err)) return -1;
    if (store_exec(s, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF", err)) return -1;
    for (size_t i = 0; i < m->count; i++)
        if (m->steps[i].from >= found && migrate_step(s, &m->steps[i], err)) return -1;
    s->migrated_from = found;
    return store_check(s, err);
}
