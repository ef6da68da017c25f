/* repair.c: see repair.h. The log is followed as a reader would: what each version adds and removes, on top
 * of the files that the database has at its head; then the files that are live at the end are looked for. */
#include "zones/repair.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"
#include "store/datasets.h"
#include "zones/delta.h"
#include "zones/publish_impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ADOPTED_VERSIONS = 10000 };

struct looking {
    struct store *store;
    const struct dataset_row *row;
    struct repair *out;
    json_t *live; /* path -> bytes */
    bool delta;
};

static int no_repair(const struct looking *l, const char *reason, const char *what, struct err *err) {
    err_set(err, EX_CONFLICT, "%s: %s", l->row->name, what);
    return err_reason(err, reason);
}

static int at_version(const struct looking *l, int64_t version, const char *what, struct err *err) {
    err_set(err, EX_CONFLICT, "%s: version %lld on disk %s", l->row->name, (long long)version, what);
    return err_reason(err, "not_adoptable");
}

/* ---- one entry of the log ---- */

/* 1: there is none; 0; -1. */
static int read_delta(const struct looking *l, int64_t version, json_t **out, struct err *err) {
    struct delta_entry e;
    int r = delta_entry_read(l->row->path, version, &e, err);
    if (r) return r;
    json_t *v = json_object();
    json_put(v, "adds", json_incref(e.adds));
    json_put(v, "removes", json_incref(e.removes));
    json_put(v, "columns", e.columns ? json_incref(e.columns) : NULL);
    json_put(v, "partition_by", e.partition_by ? json_incref(e.partition_by) : NULL);
    json_put_text(v, "table_id", e.table_id[0] ? e.table_id : NULL);
    json_put_text(v, "token", e.token[0] ? e.token : NULL);
    json_put_text(v, "writer", e.writer);
    json_put_text(v, "operation", "outside");
    if (e.made_by) json_object_update(v, e.made_by);
    r = e.needs[0] ? -1 : 0;
    if (r) {
        at_version(l, version, "asks for what Leat cannot do", err);
        err_hint(err, "the table now needs %s", e.needs);
    }
    delta_entry_release(&e);
    *out = v;
    return r;
}

static int read_files(const struct looking *l, int64_t version, json_t **out, struct err *err) {
    static const char *const same[] = {"token",     "pipeline", "step",        "run",
                                       "operation", "columns",  "partition_by"};
    char *path = entry_path(l->row->path, false, version);
    bool there = fs_exists(path);
    json_t *e = there ? json_load_path(path, err) : NULL, *v = NULL;
    free(path);
    if (!e) return there ? -1 : 1;
    if (json_is_array(json_object_get(e, "files")) && json_text(e, "operation")) {
        v = json_object();
        for (size_t i = 0; i < sizeof same / sizeof *same; i++)
            json_put(v, same[i], json_incref(json_object_get(e, same[i])));
        json_put(v, "adds", json_incref(json_object_get(e, "files")));
        json_put(v, "removes", json_incref(json_object_get(e, "removes")));
        json_put_text(v, "writer", "Leat");
    }
    json_decref(e);
    *out = v;
    return v ? 0 : at_version(l, version, "has a log entry that is none of Leat's", err);
}

/* ---- following it ---- */

static bool stays_inside(const char *path) {
    if (!path || !*path || *path == '/' || strstr(path, "://")) return false;
    for (const char *p = path; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
        if (strncmp(p, "../", 3) == 0 || strcmp(p, "..") == 0) return false;
    return true;
}

static bool file_there(const struct looking *l, const char *path, int64_t bytes) {
    struct stat st;
    char *full = fs_join(l->row->path, path);
    bool there = stat(full, &st) == 0 && S_ISREG(st.st_mode) && (bytes < 0 || st.st_size == bytes);
    free(full);
    return there;
}

static void follow_removes(struct looking *l, int64_t version, const json_t *removes) {
    size_t i;
    json_t *r;
    json_array_foreach(removes, i, r) {
        const char *path = json_is_string(r) ? json_string_value(r) : json_text_or(r, "path", "");
        if (json_object_del(l->live, path) == 0 && !file_there(l, path, -1)) l->out->whole_from = version;
    }
}

static int follow_adds(struct looking *l, int64_t version, const json_t *adds, struct err *err) {
    size_t i;
    json_t *a;
    json_array_foreach(adds, i, a) {
        const char *path = json_text(a, "target");
        if (!stays_inside(path)) return at_version(l, version, "names a file outside its folder", err);
        if (json_object_get(l->live, path))
            return at_version(l, version, "adds a file that is there already", err);
        json_put(l->live, path, json_integer(json_int(a, "bytes", -1)));
    }
    return 0;
}

/* A word that the history does not know would say nothing there. */
static bool known_operation(const char *word) {
    static const char *const words[] = {"append", "replace", "replace_partitions", "merge", "rollback"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], word) == 0) return true;
    return false;
}

static int follow(struct looking *l, int64_t version, json_t *entry, struct err *err) {
    json_put(entry, "version", json_integer(version));
    if (!known_operation(json_text_or(entry, "operation", ""))) json_put_text(entry, "operation", "outside");
    follow_removes(l, version, json_object_get(entry, "removes"));
    if (follow_adds(l, version, json_object_get(entry, "adds"), err)) return -1;
    json_array_append(l->out->versions, entry);
    l->out->last = version;
    return 0;
}

static int follow_log(struct looking *l, struct err *err) {
    for (int64_t version = l->row->head + 1; version <= l->row->head + ADOPTED_VERSIONS; version++) {
        json_t *entry = NULL;
        int r = (l->delta ? read_delta : read_files)(l, version, &entry, err);
        if (!r) r = follow(l, version, entry, err);
        json_decref(entry);
        if (r) return r < 0 ? -1 : 0;
    }
    return no_repair(l, "not_adoptable", "its log goes on for more versions than can be adopted at once",
                     err);
}

/* ---- where it begins ---- */

static int load_live(struct looking *l, struct err *err) {
    if (l->row->head < 0) return 0;
    struct arena *a = arena_new();
    struct file_list files;
    int r = store_files_at(l->store, l->row->id, l->row->head, a, &files, err);
    for (size_t i = 0; i < files.count && r >= 0; i++)
        json_put(l->live, files.rows[i].path, json_integer(files.rows[i].bytes));
    arena_free(a);
    return r < 0 ? -1 : 0;
}

/* The version the database calls its head was written by the same hand as the one on disk: else the two went
 * different ways, and what follows on disk does not follow on what the database knows. An entry that is gone
 * (a checkpoint took its place) tells nothing. */
static int same_head(const struct looking *l, struct err *err) {
    struct publish_ahead disk;
    if (l->row->head < 0) return 0;
    int r = entry_token(l->row->path, l->delta, l->row->head, &disk, err);
    if (r) return r < 0 ? -1 : 0;
    struct arena *a = arena_new();
    struct version_row head;
    r = store_version_get(l->store, l->row->id, l->row->head, a, &head, err);
    bool same = r == 1 && strcmp(head.token ? head.token : "", disk.token) == 0;
    arena_free(a);
    if (r < 0 || same) return r < 0 ? -1 : 0;
    at_version(l, l->row->head, "is not the one the database knows", err);
    return err_hint(err,
                    "this is the database of another lake, or of another time of it: restore the right one");
}

static int live_files_there(const struct looking *l, struct err *err) {
    const char *path;
    json_t *bytes;
    json_object_foreach(l->live, path, bytes) {
        if (file_there(l, path, json_integer_value(bytes))) continue;
        err_set(err, EX_CONFLICT,
                "%s: its file %s is missing from %s, or has another size than it was published with",
                l->row->name, path, l->row->path);
        err_hint(err, "put the file back from a backup of the zone");
        return err_reason(err, "file_missing");
    }
    return 0;
}

int repair_look(struct store *s, const struct dataset_row *row, struct repair *out, struct err *err) {
    *out = (struct repair){.versions = json_array(), .last = row->head};
    struct looking l = {.store = s,
                        .row = row,
                        .out = out,
                        .live = json_object(),
                        .delta = strcmp(row->format, "delta") == 0};
    int r =
        same_head(&l, err) || load_live(&l, err) || follow_log(&l, err) || live_files_there(&l, err) ? -1 : 0;
    json_decref(l.live);
    if (r) repair_release(out);
    return r;
}

void repair_release(struct repair *r) {
    json_decref(r->versions);
    r->versions = NULL;
}
