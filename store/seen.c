/* seen.c: ten million consumed files as rows.
 *
 * A path is cut at its last slash: folders are rows of their own, files are clustered below their folder, so
 * looking up a sorted listing walks the tree once, and a whole folder can be forgotten. Every file row is
 * alive from one version of the bookmark to another: versions never change, "as it was" is a condition and
 * not a copy. */
#include "store/seen.h"

#include "base/json.h"
#include "store/bookmarks.h"
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>

enum { LOOKUPS_PER_READ = 5000 }; /* far below the time limit of a read */

/* ---- folders ---- */

/* The folder of the last path, since neighbours mostly share it. */
struct folder {
    int64_t bookmark, id; /* id 0: there is no such folder */
    char *path;           /* malloc'ed, with its slash; NULL: none looked up yet */
};

static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static bool folder_is(const struct folder *f, const char *path, size_t len) {
    return f->path && strlen(f->path) == len && memcmp(f->path, path, len) == 0;
}

static void folder_name(struct folder *f, const char *path, size_t len) {
    free(f->path);
    f->path = xmalloc(len + 1);
    memcpy(f->path, path, len);
    f->path[len] = 0;
    f->id = 0;
}

static int folder_find(struct store *s, struct folder *f, const char *path, struct err *err) {
    size_t len = folder_length(path);
    if (folder_is(f, path, len)) return 0;
    folder_name(f, path, len);
    return sql_int(SQL(s, folder_find, err, A_INT(f->bookmark), A_TEXT(f->path)), &f->id) < 0 ? -1 : 0;
}

/* Finds or makes the folder, and raises its newest time. */
static int folder_enter(struct store *s, struct folder *f, const char *path, int64_t mtime_ns,
                        struct err *err) {
    size_t len = folder_length(path);
    bool known = folder_is(f, path, len);
    if (!known) folder_name(f, path, len);
    if (sql_run(SQL(s, folder_add, err, A_INT(f->bookmark), A_TEXT(f->path), A_INT(mtime_ns))) < 0) return -1;
    if (known) return 0;
    return sql_int(SQL(s, folder_find, err, A_INT(f->bookmark), A_TEXT(f->path)), &f->id) == 1 ? 0 : -1;
}

/* ---- committing ---- */

static int file_commit(struct store *s, struct folder *folder, int64_t version, const json_t *file,
                       int64_t *total, struct err *err) {
    const char *path = json_text_or(file, "path", "");
    int64_t mtime = json_int(file, "mtime_ns", 0);
    if (folder_enter(s, folder, path, mtime, err)) return -1;
    const char *name = path + folder_length(path);
    int64_t before = sql_run(SQL(s, seen_close, err, A_INT(folder->id), A_TEXT(name), A_INT(version)));
    if (before < 0) return -1;
    int64_t added = sql_run(SQL(s, seen_add, err, A_INT(folder->id), A_TEXT(name), A_INT(version),
                                A_INT(folder->bookmark), A_INT(json_int(file, "size", 0)), A_INT(mtime),
                                A_TEXT(json_text(file, "etag")), A_TEXT(json_text(file, "hash"))));
    if (added < 0) return -1;
    *total += added - before;
    return 0;
}

int seen_commit(struct store *s, int64_t bookmark, int64_t version, const json_t *files, int64_t *total,
                struct err *err) {
    struct folder folder = {.bookmark = bookmark};
    int r = 0;
    size_t i;
    json_t *file;
    json_array_foreach(files, i, file) {
        r = file_commit(s, &folder, version, file, total, err);
        if (r) break;
    }
    free(folder.path);
    return r;
}

int seen_restore(struct store *s, int64_t bookmark, int64_t version, int64_t to, struct err *err) {
    if (sql_run(SQL(s, seen_undo_new, err, A_INT(bookmark), A_INT(to), A_INT(version))) < 0) return -1;
    return sql_run(SQL(s, seen_undo_gone, err, A_INT(bookmark), A_INT(to), A_INT(version))) < 0 ? -1 : 0;
}

/* ---- looking up ---- */

struct identity {
    const struct seen_file *asked;
    enum file_seen seen;
};

static bool same(const char *a, const char *b) { return a && b && strcmp(a, b) == 0; }

/* The hash alone, or the etag where both sides have one, or size and time. */
static void identity_read(sqlite3_stmt *st, struct arena *a, void *row) {
    (void)a;
    struct identity *i = row;
    const struct seen_file *f = i->asked;
    const char *etag = (const char *)sqlite3_column_text(st, 2),
               *hash = (const char *)sqlite3_column_text(st, 3);
    bool size = sqlite3_column_int64(st, 0) == f->size;
    bool equal = size && sqlite3_column_int64(st, 1) == f->mtime_ns;
    if (etag && f->etag) equal = size && same(etag, f->etag);
    if (f->by_hash) equal = same(hash, f->hash);
    i->seen = equal ? FILE_SAME : FILE_CHANGED;
}

static int look_up(struct store *s, struct folder *folder, int64_t version, struct seen_file *f,
                   struct err *err) {
    struct identity found = {.asked = f, .seen = FILE_NEW};
    if (folder_find(s, folder, f->path, err)) return -1;
    const char *name = f->path + folder_length(f->path);
    if (folder->id && sql_get(SQL(s, seen_get, err, A_INT(folder->id), A_TEXT(name), A_INT(version)),
                              identity_read, NULL, &found) < 0)
        return -1;
    f->seen = found.seen;
    return 0;
}

/* One short read of a part of the list. */
static int look_up_part(struct store *s, struct folder *folder, int64_t version, struct seen_file *files,
                        size_t n, struct err *err) {
    bool own = !s->snapshot && !store_in_transaction(s);
    if (own && store_snapshot_begin(s, err)) return -1;
    int r = 0;
    for (size_t i = 0; i < n && !r; i++) r = look_up(s, folder, version, &files[i], err);
    if (own) store_snapshot_end(s);
    return r;
}

int store_bookmark_seen(struct store *s, int64_t id, int64_t version, struct seen_file *files, size_t n,
                        struct err *err) {
    struct folder folder = {.bookmark = id};
    int r = 0;
    for (size_t at = 0; at < n && !r; at += LOOKUPS_PER_READ) {
        size_t part = n - at < LOOKUPS_PER_READ ? n - at : LOOKUPS_PER_READ;
        r = look_up_part(s, &folder, version, files + at, part, err);
    }
    free(folder.path);
    return r;
}

/* ---- counting and listing ---- */

int store_bookmark_files_count(struct store *s, int64_t id, int64_t version, int64_t *count,
                               struct err *err) {
    struct bookmark_row b;
    struct arena *a = arena_new();
    int r = store_bookmark_at(s, id, version, a, &b, err);
    json_t *value = r == 1 && b.value ? json_loads(b.value, JSON_DECODE_ANY, NULL) : NULL;
    if (r == 1) *count = json_int(value, "files", 0);
    json_decref(value);
    arena_free(a);
    if (r == 0) return err_set(err, EX_NOT_FOUND, "the bookmark has no version %lld", (long long)version);
    return r < 0 ? -1 : 0;
}

int seen_difference(struct store *s, int64_t id, int64_t from, int64_t to, int64_t *more, struct err *err) {
    int64_t low = from < to ? from : to, high = from < to ? to : from, newer, older;
    if (sql_int(SQL(s, seen_count_new, err, A_INT(id), A_INT(low), A_INT(high)), &newer) != 1) return -1;
    if (sql_int(SQL(s, seen_count_gone, err, A_INT(id), A_INT(low), A_INT(high)), &older) != 1) return -1;
    *more = from > to ? older - newer : newer - older;
    return 0;
}

int store_bookmark_files_differ(struct store *s, int64_t id, int64_t from, int64_t to, int64_t *gone,
                                int64_t *come, struct err *err) {
    int64_t low = from < to ? from : to, high = from < to ? to : from, newer, older;
    if (sql_int(SQL(s, seen_only_new, err, A_INT(id), A_INT(low), A_INT(high)), &newer) != 1) return -1;
    if (sql_int(SQL(s, seen_only_gone, err, A_INT(id), A_INT(low), A_INT(high)), &older) != 1) return -1;
    *gone = from > to ? newer : older;
    *come = from > to ? older : newer;
    return 0;
}

static void seen_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct seen_row *)row = (struct seen_row){
        .path = col_text(st, 0, a),
        .etag = col_text(st, 1, a),
        .hash = col_text(st, 2, a),
        .size = sqlite3_column_int64(st, 3),
        .mtime_ns = sqlite3_column_int64(st, 4),
        .since_version = sqlite3_column_int64(st, 5),
    };
}

int store_bookmark_files_list(struct store *s, int64_t id, int64_t version, int64_t limit, struct arena *a,
                              struct seen_row **rows, size_t *n, struct err *err) {
    static const struct row_type type = {seen_read, sizeof(struct seen_row)};
    return sql_list(SQL(s, seen_list, err, A_INT(id), A_INT(version), A_INT(limit > 0 ? limit : -1)), type, a,
                    rows, n);
}

/* ---- forgetting ---- */

static int64_t folder_forget(struct store *s, int64_t id, int64_t folder, struct err *err) {
    int64_t live;
    if (sql_int(SQL(s, folder_files_live, err, A_INT(folder)), &live) != 1) return -1;
    int64_t dropped = sql_run(SQL(s, folder_files_drop, err, A_INT(folder)));
    if (dropped < 0 || sql_must(SQL(s, folder_drop, err, A_INT(folder)))) return -1;
    if (live > 0 && sql_run(SQL(s, bookmark_recount, err, A_INT(id), A_INT(live))) < 0) return -1;
    return dropped;
}

int store_bookmark_files_forget(struct store *s, int64_t id, int64_t older_than_ns, int64_t limit,
                                struct err *err) {
    int64_t folder, gone = 0;
    int r;
    while ((r = sql_int(SQL(s, folder_old, err, A_INT(id), A_INT(older_than_ns)), &folder)) == 1) {
        if (gone >= limit) return 1;
        int64_t dropped = folder_forget(s, id, folder, err);
        if (dropped < 0) return -1;
        gone += dropped;
    }
    return r;
}
