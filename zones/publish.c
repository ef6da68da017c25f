/* publish.c: P4 MOVE and P5 LOG, from the plan alone. See publish.h for the plan and the invariants.
 *
 *   for every output:  make folders, rename staged -> target (there: skip; nowhere: stop), check sizes
 *                      fsync every folder a name was made in, up to the zone
 *   for every output:  look whether its log entry can be written, before the first one is
 *   for every output:  write the log entry beside its place, fsync, link(2), fsync the log's folder
 *
 * Every call may have been made by an earlier life that was killed right after it, so nothing is taken as
 * durable because it is there: folders are fsynced again, and an entry that is ours is fsynced again.
 * Entries are written in the order of the outputs; the first is the one that may be refused for good (the
 * quarantine after it can always go on the new base), so a refusal leaves nothing half published. */
#include "zones/publish.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/map.h"
#include "zones/delta.h"
#include "zones/publish_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRY_BYTES = 1 << 30, OUTSIDE_VERSIONS = 10000 };

/* ---- P4 MOVE ---- */

/* Folders to make durable, each once. */
struct folders {
    struct map seen;
    char **list;
    size_t count, cap;
};

static void folders_release(struct folders *f) {
    for (size_t i = 0; i < f->count; i++) free(f->list[i]);
    free(f->list);
    map_release(&f->seen);
}

static bool folders_add(struct folders *f, const char *path) {
    char *own = xstrdup(path);
    if (!map_add(&f->seen, own, f->count, NULL)) {
        free(own);
        return false;
    }
    GROW(f->list, f->count, f->cap);
    f->list[f->count++] = own;
    return true;
}

/* Adds the folder of `path` and every folder above it up to, and including, `top`. */
static void folders_add_above(struct folders *f, const char *path, const char *top) {
    size_t least = strlen(top);
    char *at = fs_parent(path);
    while (strlen(at) >= least && folders_add(f, at)) {
        char *up = fs_parent(at);
        free(at);
        at = up;
    }
    free(at);
}

static int folders_sync(const struct folders *f, struct err *err) {
    for (size_t i = 0; i < f->count; i++)
        if (fs_sync_path(f->list[i], err)) return -1;
    return 0;
}

static enum publish_end missing_file(const json_t *output, const char *target, struct err *err) {
    err_set(err, EX_CONFLICT, "%s: the checked file %s is neither in the stage nor in its place",
            json_text_or(output, "dataset", "?"), target);
    err_hint(err, "something outside Leat removed it: find out what clears or moves files below %s",
             json_text_or(output, "path", "the zone"));
    err_reason(err, "file_missing");
    return PUBLISH_STOPPED;
}

static enum publish_end wrong_size(const json_t *output, const char *target, int64_t is, int64_t checked,
                                   struct err *err) {
    err_set(err, EX_CONFLICT, "%s: %s has %lld bytes, but %lld were checked",
            json_text_or(output, "dataset", "?"), target, (long long)is, (long long)checked);
    err_reason(err, "file_changed");
    return PUBLISH_STOPPED;
}

static enum publish_end disk_failed(const json_t *output, struct err *err) {
    err_prefix(err, "publishing %s", json_text_or(output, "dataset", "?"));
    if (err && !err->hint[0])
        err_hint(err, "nothing is half published; Leat goes on from here when the disk can be written again");
    return PUBLISH_FAILED;
}

/* Moves one file unless it is there already. Names hold the token, so nobody else's file can be in the
 * way. */
static enum publish_end move_file(const json_t *output, const json_t *file, struct folders *folders,
                                  struct err *err) {
    const char *target = json_text_or(file, "target", ""), *staged = json_text(file, "staged");
    const char *dataset = json_text_or(output, "path", "");
    char *to = fs_join(dataset, target), *parent = fs_parent(to);
    char *from = staged ? fs_join(json_text_or(output, "stage", ""), staged) : NULL;
    enum publish_end end = PUBLISH_DONE;
    struct stat st;
    folders_add_above(folders, to, dataset);
    if (stat(to, &st)) {
        if (fs_mkdirs(parent, 0755, err))
            end = disk_failed(output, err);
        else if (!from || stat(from, &st))
            end = missing_file(output, target, err);
        else if (rename(from, to)) {
            err_errno(err, "cannot move %s to %s", from, to);
            end = disk_failed(output, err);
        }
    }
    int64_t checked = json_int(file, "bytes", -1);
    if (end == PUBLISH_DONE && checked >= 0 && (int64_t)st.st_size != checked)
        end = wrong_size(output, target, (int64_t)st.st_size, checked, err);
    free(to);
    free(parent);
    free(from);
    return end;
}

static enum publish_end move_output(const json_t *output, struct err *err) {
    const char *path = json_text_or(output, "path", "");
    struct folders folders = {0};
    enum publish_end end = PUBLISH_DONE;
    size_t i;
    json_t *file;
    char *zone = fs_parent(path);
    /* The folder may be new: its own name is made durable in the zone. */
    if (fs_mkdirs(path, 0755, err)) end = disk_failed(output, err);
    folders_add(&folders, path);
    folders_add(&folders, zone);
    json_array_foreach(json_object_get(output, "files"), i, file) {
        if (end != PUBLISH_DONE) break;
        end = move_file(output, file, &folders, err);
    }
    if (end == PUBLISH_DONE && folders_sync(&folders, err)) end = disk_failed(output, err);
    folders_release(&folders);
    free(zone);
    return end;
}

/* ---- P5 LOG ---- */

bool output_is_delta(const json_t *output) {
    return strcmp(json_text_or(output, "format", ""), "delta") == 0;
}

char *entry_path(const char *dataset, bool delta, int64_t version) {
    if (delta) return delta_log_path(dataset, version);
    struct buf b = BUF_INIT;
    buf_addf(&b, "%s/_leat/%lld.json", dataset, (long long)version);
    return buf_take(&b);
}

static void delta_entry_text(const json_t *plan, const json_t *output, int64_t sequence, struct buf *out) {
    bool first = json_flag(output, "first");
    const struct delta_commit c = {
        .version = json_int(output, "version", 0),
        .at = json_int(plan, "at", 0),
        .operation = json_text_or(output, "operation", "append"),
        .token = json_text_or(plan, "token", ""),
        .project = json_text(plan, "project"),
        .pipeline = json_text(plan, "pipeline"),
        .step = json_text(plan, "step"),
        .run = json_text(plan, "run"),
        .sequence = sequence,
        .adds = json_object_get(output, "files"),
        .removes = json_object_get(output, "removes"),
        .columns = first || json_flag(output, "columns_changed") ? json_object_get(output, "columns") : NULL,
        .partition_by = json_object_get(output, "partition_by"),
        .table_id = json_text_or(output, "table_id", ""),
        .first = first,
        .data_change = true,
    };
    delta_commit_text(&c, out);
}

/* Of a `files` dataset: one object, what the version adds and removes on its base. */
static void files_entry_text(const json_t *plan, const json_t *output, int64_t sequence, struct buf *out) {
    static const char *const from_plan[] = {"token", "project", "pipeline", "step", "run", "at"};
    static const char *const from_output[] = {"dataset",      "operation", "version", "base",   "columns",
                                              "partition_by", "files",     "removes", "cleared"};
    json_t *entry = json_pack("{s:i,s:I}", "leat", 1, "intent", (json_int_t)sequence);
    for (size_t i = 0; i < sizeof from_plan / sizeof *from_plan; i++)
        json_object_set(entry, from_plan[i], json_object_get(plan, from_plan[i]));
    for (size_t i = 0; i < sizeof from_output / sizeof *from_output; i++)
        json_object_set(entry, from_output[i], json_object_get(output, from_output[i]));
    char *text = json_line(entry);
    buf_addf(out, "%s\n", text);
    free(text);
    json_decref(entry);
}

int entry_token(const char *dataset, bool delta, int64_t version, struct publish_ahead *out,
                struct err *err) {
    *out = (struct publish_ahead){.version = version};
    if (delta) {
        struct delta_entry e;
        int r = delta_entry_read(dataset, version, &e, err);
        if (r) return r;
        memcpy(out->token, e.token, sizeof out->token);
        memcpy(out->writer, e.writer, sizeof out->writer);
        delta_entry_release(&e);
    } else {
        char *path = entry_path(dataset, false, version);
        json_t *e = fs_exists(path) ? json_load_path(path, err) : NULL;
        int r = e ? 0 : fs_exists(path) ? -1 : 1;
        free(path);
        if (r) return r;
        snprintf(out->token, sizeof out->token, "%s", json_text_or(e, "token", ""));
        snprintf(out->writer, sizeof out->writer, "Leat");
        json_decref(e);
    }
    out->ours = out->token[0] != 0;
    return 0;
}

/* The entry before ours must be there (or a checkpoint of it), else ours would hang in the air. */
static bool base_is_there(const json_t *output, bool delta) {
    int64_t base = json_int(output, "base", -1);
    if (base < 0) return true;
    char *path = entry_path(json_text_or(output, "path", ""), delta, base);
    bool there = fs_exists(path);
    if (!there && delta) {
        struct buf b = BUF_INIT;
        buf_add(&b, path, strlen(path) - strlen("json"));
        buf_adds(&b, "checkpoint.parquet");
        there = fs_exists(buf_str(&b));
        buf_release(&b);
    }
    free(path);
    return there;
}

static enum publish_end base_gone(const json_t *output, struct err *err) {
    err_set(err, EX_CONFLICT, "%s: the log of version %lld is gone from %s, so version %lld cannot follow it",
            json_text_or(output, "dataset", "?"), (long long)json_int(output, "base", -1),
            json_text_or(output, "path", ""), (long long)json_int(output, "version", -1));
    err_hint(err, "restore the dataset's folder from a backup");
    err_reason(err, "log_missing");
    return PUBLISH_STOPPED;
}

/* Makes the whole way to the entry durable: the log's folder, its name in the dataset's. */
static int sync_entry(const char *path, const char *dataset, struct err *err) {
    char *folder = fs_parent(path);
    int r = fs_sync_path(path, err) || fs_sync_path(folder, err) || fs_sync_path(dataset, err) ? -1 : 0;
    free(folder);
    return r;
}

/* 0 written now, 1 somebody's entry is there, -1. */
static int write_entry(const json_t *plan, const json_t *output, int64_t sequence, bool delta,
                       const char *path, struct err *err) {
    struct buf text = BUF_INIT;
    if (delta)
        delta_entry_text(plan, output, sequence, &text);
    else
        files_entry_text(plan, output, sequence, &text);
    char *folder = fs_parent(path);
    int r = fs_mkdirs(folder, 0755, err) ? -1 : fs_create(path, text.s, text.len, 0644, err);
    free(folder);
    buf_release(&text);
    return r;
}

/* ---- meeting others ---- */

static json_t *outside_version(const struct delta_entry *e, size_t output, int64_t version) {
    json_t *v = json_object();
    json_put(v, "output", json_integer((json_int_t)output));
    json_put(v, "version", json_integer(version));
    json_put(v, "adds", json_incref(e->adds));
    json_put(v, "removes", json_incref(e->removes));
    json_put(v, "columns", e->columns ? json_incref(e->columns) : NULL);
    json_put(v, "partition_by", e->partition_by ? json_incref(e->partition_by) : NULL);
    json_put(v, "changes_data", json_boolean(e->changes_data));
    json_put_text(v, "writer", e->writer);
    json_put_text(v, "needs", e->needs[0] ? e->needs : NULL);
    return v;
}

/* Reads on from `version` to the log's end. Entries of Leat's own mean a database older than the files. */
static enum publish_end read_outside(const json_t *output, size_t index, json_t *list, struct err *err) {
    const char *dataset = json_text_or(output, "path", "");
    int64_t base = json_int(output, "base", -1);
    for (int64_t v = base + 1; v < base + OUTSIDE_VERSIONS; v++) {
        struct delta_entry e;
        int r = delta_entry_read(dataset, v, &e, err);
        if (r < 0) return disk_failed(output, err);
        if (r > 0) return PUBLISH_OUTSIDE;
        struct publish_ahead ahead = {.version = v, .ours = e.token[0] != 0};
        memcpy(ahead.token, e.token, sizeof ahead.token);
        if (!ahead.ours) json_array_append_new(list, outside_version(&e, index, v));
        delta_entry_release(&e);
        if (!ahead.ours) continue;
        publish_ahead_error(json_text_or(output, "dataset", "?"), base, &ahead, err);
        return PUBLISH_STOPPED;
    }
    err_set(err, EX_CONFLICT, "%s: another program wrote more than %d versions since version %lld",
            json_text_or(output, "dataset", "?"), OUTSIDE_VERSIONS, (long long)base);
    err_reason(err, "outside_writer");
    return PUBLISH_STOPPED;
}

static enum publish_end meet_entry(const json_t *plan, const json_t *output, size_t index, const char *path,
                                   json_t *list, struct err *err) {
    const char *dataset = json_text_or(output, "path", "");
    bool delta = output_is_delta(output);
    struct publish_ahead found;
    if (entry_token(dataset, delta, json_int(output, "version", 0), &found, err))
        return disk_failed(output, err);
    if (strcmp(found.token, json_text_or(plan, "token", "")) == 0)
        return sync_entry(path, dataset, err) ? disk_failed(output, err) : PUBLISH_DONE;
    if (delta && !found.ours) return read_outside(output, index, list, err);
    publish_ahead_error(json_text_or(output, "dataset", "?"), json_int(output, "base", -1), &found, err);
    return PUBLISH_STOPPED;
}

/* Before the first entry is written: could each of them be? So that what stands in the way of the second is
 * known while nothing is published yet. */
static enum publish_end look_ahead(const json_t *plan, const json_t *output, size_t index, json_t *list,
                                   struct err *err) {
    bool delta = output_is_delta(output);
    if (!base_is_there(output, delta)) return base_gone(output, err);
    char *path = entry_path(json_text_or(output, "path", ""), delta, json_int(output, "version", 0));
    enum publish_end end = fs_exists(path) ? meet_entry(plan, output, index, path, list, err) : PUBLISH_DONE;
    free(path);
    return end;
}

static enum publish_end log_output(const json_t *plan, const json_t *output, size_t index, int64_t sequence,
                                   json_t *list, struct err *err) {
    const char *dataset = json_text_or(output, "path", "");
    bool delta = output_is_delta(output);
    char *path = entry_path(dataset, delta, json_int(output, "version", 0));
    enum publish_end end = PUBLISH_DONE;
    int r = write_entry(plan, output, sequence, delta, path, err);
    if (r < 0 || (r == 0 && fs_sync_path(dataset, err)))
        end = disk_failed(output, err);
    else if (r > 0)
        end = meet_entry(plan, output, index, path, list, err);
    free(path);
    return end;
}

enum publish_end publish_run(const json_t *plan, int64_t sequence, json_t **outside, struct err *err) {
    const json_t *outputs = json_object_get(plan, "outputs");
    json_t *output, *list = json_array();
    enum publish_end end = PUBLISH_DONE;
    size_t i;
    *outside = NULL;
    json_array_foreach(outputs, i, output) {
        if (end == PUBLISH_DONE) end = move_output(output, err);
    }
    json_array_foreach(outputs, i, output) {
        if (end == PUBLISH_DONE) end = look_ahead(plan, output, i, list, err);
    }
    json_array_foreach(outputs, i, output) {
        if (end == PUBLISH_DONE) end = log_output(plan, output, i, sequence, list, err);
    }
    if (end == PUBLISH_OUTSIDE)
        *outside = list;
    else
        json_decref(list);
    return end;
}

/* ---- ahead of the database ---- */

int publish_ahead(const char *path, const char *format, int64_t head, struct publish_ahead *out,
                  struct err *err) {
    int r = entry_token(path, strcmp(format, "delta") == 0, head + 1, out, err);
    return r < 0 ? -1 : r == 0;
}

int publish_ahead_error(const char *dataset, int64_t head, const struct publish_ahead *a, struct err *err) {
    err_set(err, EX_CONFLICT,
            "%s is ahead of the database: version %lld is on disk (published by %s), the database knows %lld "
            "as the "
            "newest",
            dataset, (long long)a->version, a->token, (long long)head);
    err_hint(
        err,
        "the database seems to be restored from an older backup: restore the newest one, or take what is on "
        "disk as it is: leat zone repair %s --adopt; until then nothing is published here",
        dataset);
    return err_reason(err, "dataset_ahead");
}
