/* publish_rollback.c: an old version's files as the next version. See publish.h.
 *
 * Nothing is copied: the plan re-adds files that later versions removed and removes files that later versions
 * added. P4 then only looks whether they are all there. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/map.h"
#include "store/datasets.h"
#include "zones/publish.h"
#include "zones/publish_impl.h"

#include <stdlib.h>
#include <string.h>

struct rolling {
    struct arena *arena;
    struct dataset_row row;
    struct version_row target, head;
    struct file_list then, now; /* files of the two versions */
};

static int load_version(struct store *s, const struct rollback *r, int64_t version, struct arena *a,
                        struct version_row *out, struct err *err) {
    int got = store_version_get(s, r->dataset_id, version, a, out, err);
    if (got != 0) return got < 0 ? -1 : 0;
    err_set(err, EX_NOT_FOUND, "%s has no version %lld any more", r->dataset, (long long)version);
    err_hint(err, "see `leat zone history %s`", r->dataset);
    return err_reason(err, "no_version");
}

static int load_all(struct store *s, const struct rollback *r, struct rolling *w, struct err *err) {
    int got = store_dataset_get(s, r->dataset_id, w->arena, &w->row, err);
    if (got < 0) return -1;
    if (got == 0 || w->row.head < 0) return err_set(err, EX_NOT_FOUND, "%s was never published", r->dataset);
    if (w->row.stopped) {
        err_set(err, EX_CONFLICT, "%s is stopped: %s", r->dataset, w->row.stopped);
        return err_reason(err, "dataset_stopped");
    }
    return load_version(s, r, r->to_version, w->arena, &w->target, err) ||
                   load_version(s, r, w->row.head, w->arena, &w->head, err) ||
                   store_files_at(s, r->dataset_id, r->to_version, w->arena, &w->then, err) < 0 ||
                   store_files_at(s, r->dataset_id, w->row.head, w->arena, &w->now, err) < 0
               ? -1
               : 0;
}

static json_t *parsed(const char *text) { return text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL; }

/* A file of the old version, with nothing staged. */
static json_t *add_of(const struct file_row *f) {
    json_t *a = json_object();
    json_put(a, "staged", NULL);
    json_put_text(a, "target", f->path);
    json_put(a, "rows", json_integer(f->rows));
    json_put(a, "bytes", json_integer(f->bytes));
    json_put_text(a, "sha256", f->sha256);
    json_put(a, "partition", parsed(f->partition));
    json_put(a, "stats", parsed(f->stats));
    json_t *source = NULL;
    if (f->source_path) {
        source = json_object();
        json_put_text(source, "path", f->source_path);
        json_put(source, "size", json_integer(f->source_size));
        json_put(source, "mtime_ns", json_integer(f->source_mtime_ns));
        json_put_text(source, "etag", f->source_etag);
        json_put_text(source, "hash", f->source_hash);
    }
    json_put(a, "source", source);
    return a;
}

static int file_gone(const struct rollback *r, const struct file_row *f, struct err *err) {
    err_set(err, EX_CONFLICT, "%s: version %lld cannot come back, its file %s is gone", r->dataset,
            (long long)r->to_version, f->path);
    err_hint(err, "choose a newer version: `leat zone history %s`", r->dataset);
    return err_reason(err, "file_missing");
}

static void fill_paths(struct map *m, const struct file_list *l) {
    for (size_t i = 0; i < l->count; i++) map_add(m, l->rows[i].path, i, NULL);
}

static int put_adds(const struct rollback *r, const struct rolling *w, json_t *out, struct err *err) {
    struct map now = MAP_INIT;
    json_t *adds = json_array();
    int bad = 0;
    fill_paths(&now, &w->now);
    for (size_t i = 0; i < w->then.count && !bad; i++) {
        const struct file_row *f = &w->then.rows[i];
        if (map_get(&now, f->path, NULL)) continue;
        char *path = fs_join(w->row.path, f->path);
        if (!fs_exists(path)) bad = file_gone(r, f, err);
        free(path);
        json_array_append_new(adds, add_of(f));
    }
    map_release(&now);
    json_put(out, "files", adds);
    return bad;
}

static void put_removes(const struct rolling *w, json_t *out) {
    struct map then = MAP_INIT;
    json_t *removes = json_array();
    fill_paths(&then, &w->then);
    for (size_t i = 0; i < w->now.count; i++)
        if (!map_get(&then, w->now.rows[i].path, NULL))
            json_array_append_new(removes, plan_remove_of(&w->now.rows[i]));
    map_release(&then);
    json_put(out, "removes", removes);
}

static void put_schema(const struct rolling *w, json_t *out) {
    json_t *columns = parsed(w->target.columns), *by = parsed(w->target.partition_by);
    json_t *old_columns = parsed(w->head.columns), *old_by = parsed(w->head.partition_by);
    bool same = columns && old_columns && json_equal(columns, old_columns) &&
                (by == old_by || (by && old_by && json_equal(by, old_by)));
    json_put(out, "columns", columns ? columns : json_array());
    json_put(out, "columns_changed", json_boolean(!same));
    json_put(out, "partition_by", by ? by : json_array());
    json_decref(old_columns);
    json_decref(old_by);
}

static json_t *output_of(const struct rollback *r, const struct rolling *w, struct err *err) {
    json_t *out = json_object();
    json_put_text(out, "dataset", r->dataset);
    json_put(out, "dataset_id", json_integer(r->dataset_id));
    json_put_text(out, "zone", w->row.zone);
    json_put_text(out, "path", w->row.path);
    json_put_text(out, "stage", "");
    json_put_text(out, "format", w->row.format);
    json_put_text(out, "operation", "rollback");
    json_put(out, "rolled_back_to", json_integer(r->to_version));
    json_put(out, "base", json_integer(w->row.head));
    json_put(out, "version", json_integer(w->row.head + 1));
    json_put(out, "first", json_false());
    json_put_text(out, "table_id", w->row.table_id);
    json_put(out, "cleared", json_array());
    json_put(out, "files_total", json_integer(w->target.files));
    json_put(out, "rows_total", json_integer(w->target.rows));
    json_put(out, "bytes_total", json_integer(w->target.bytes));
    put_schema(w, out);
    put_removes(w, out);
    if (put_adds(r, w, out, err) == 0) return out;
    json_decref(out);
    return NULL;
}

json_t *publish_rollback(struct store *s, const struct rollback *r, struct err *err) {
    struct rolling w = {.arena = arena_new()};
    json_t *out = load_all(s, r, &w, err) ? NULL : output_of(r, &w, err), *plan = NULL;
    if (out) {
        plan = json_object();
        json_put_text(plan, "token", r->token);
        json_put_text(plan, "project", r->project);
        json_put_text(plan, "pipeline", NULL);
        json_put_text(plan, "step", NULL);
        json_put_text(plan, "run", NULL);
        json_put(plan, "at", json_integer(r->now));
        json_put(plan, "outputs", json_pack("[o]", out));
    }
    arena_free(w.arena);
    return plan;
}
