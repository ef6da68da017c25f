/* publish_plan.c: P3's decisions: what the next version adds and removes, on which base. See publish.h.
 *
 * Only questions to the database and the two documents; no disk is touched and nothing is changed. What an
 * operation removes is one function per operation, in a table. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/map.h"
#include "store/datasets.h"
#include "zones/delta.h"
#include "zones/publish.h"
#include "zones/publish_impl.h"

#include <stdlib.h>
#include <string.h>

/* One output on its way into the plan. */
struct planning {
    struct store *store;
    struct arena *arena;
    const json_t *request, *result, *into;
    const json_t *given; /* the result's output */
    const char *dataset;
    bool quarantine;        /* the output is the step's quarantine */
    bool known;             /* the dataset has a row */
    struct dataset_row row; /* head -1 when not known */
    json_t *out, *removes;
    struct map removed; /* paths in removes */
};

static int conflict(const struct planning *p, const char *reason, const char *what, struct err *err) {
    err_set(err, EX_CONFLICT, "%s: %s", p->dataset, what);
    err_hint(err, "retry the run: it reads the new version");
    return err_reason(err, reason);
}

/* ---- removes ---- */

static json_t *loads_or_object(const char *text) {
    json_t *v = text ? json_loads(text, 0, NULL) : NULL;
    return v ? v : json_object();
}

json_t *plan_remove_of(const struct file_row *f) {
    json_t *r = json_object();
    json_put_text(r, "path", f->path);
    json_put(r, "bytes", json_integer(f->bytes));
    json_put(r, "rows", json_integer(f->rows));
    json_put(r, "partition", loads_or_object(f->partition));
    return r;
}

static void remove_file(struct planning *p, const struct file_row *f) {
    if (!map_add(&p->removed, arena_strdup(p->arena, f->path), 1, NULL)) return;
    json_array_append_new(p->removes, plan_remove_of(f));
}

static void remove_files(struct planning *p, const struct file_list *list) {
    for (size_t i = 0; i < list->count; i++) remove_file(p, &list->rows[i]);
}

/* What the worker named, as far as it still lives. A file that is gone already is fine for appends (its row
 * was replaced by a newer copy); a merge cannot be on a moved head at all. */
static int remove_named(struct planning *p, struct err *err) {
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(p->given, "removes"), i, v) {
        const char *path = json_is_string(v) ? json_string_value(v) : json_text(v, "path");
        struct file_row f;
        int r = path ? store_file_live(p->store, p->row.id, path, p->arena, &f, err) : 0;
        if (r < 0) return -1;
        if (r > 0) remove_file(p, &f);
    }
    return 0;
}

static int remove_all(struct planning *p, struct err *err) {
    struct file_list list;
    if (store_files_at(p->store, p->row.id, p->row.head, p->arena, &list, err) < 0) return -1;
    remove_files(p, &list);
    return 0;
}

static int remove_partition(struct planning *p, struct map *done, const json_t *partition, struct err *err) {
    char *text = json_dumps(partition, JSON_COMPACT | JSON_SORT_KEYS);
    bool fresh = text && map_add(done, arena_strdup(p->arena, text), 1, NULL);
    free(text);
    if (!fresh) return 0;
    struct file_list list;
    if (store_files_in_partition(p->store, p->row.id, partition, p->arena, &list, err) < 0) return -1;
    remove_files(p, &list);
    return 0;
}

static int remove_partitions(struct planning *p, struct err *err) {
    struct map done = MAP_INIT;
    size_t i;
    json_t *v;
    int r = 0;
    json_array_foreach(json_object_get(p->given, "files"), i, v) {
        if (!r) r = remove_partition(p, &done, json_object_get(v, "partition"), err);
    }
    json_array_foreach(json_object_get(p->given, "partitions_cleared"), i, v) {
        if (!r) r = remove_partition(p, &done, v, err);
    }
    map_release(&done);
    return r;
}

/* contract.md 41: quarantined rows replace those of the same step and window, with `write: replace` all of
 * the step's. Without a window there is nothing that says which earlier rows they stand for. */
static int remove_quarantined(struct planning *p, struct err *err) {
    const json_t *window = json_object_get(p->request, "window");
    bool replace = strcmp(json_text_or(p->into, "write", ""), "replace") == 0;
    if (!json_is_object(window) && !replace) return 0;
    const struct file_owner owner = {
        .dataset = p->row.id,
        .pipeline = json_text_or(p->request, "pipeline", ""),
        .step = json_text_or(p->request, "step", ""),
        .any_window = replace,
        .window_start = json_int(window, "start", INSTANT_NONE),
        .window_end = json_int(window, "end", INSTANT_NONE),
    };
    struct file_list list;
    if (store_files_of_step(p->store, &owner, p->arena, &list, err) < 0) return -1;
    remove_files(p, &list);
    return 0;
}

/* A merge rewrote the files it read: it fits on no other version. */
static int remove_merged(struct planning *p, struct err *err) {
    int64_t base = json_int(p->into, "base_version", -1);
    if (base == p->row.head) return remove_named(p, err);
    return conflict(p, "version_moved", "another version was published while this merge was prepared", err);
}

static const struct {
    const char *operation;
    int (*removes)(struct planning *p, struct err *err);
} operations[] = {
    {"append", remove_named},
    {"replace", remove_all},
    {"replace_partitions", remove_partitions},
    {"merge", remove_merged},
};

static int decide_removes(struct planning *p, struct err *err) {
    const char *operation = json_text_or(p->given, "operation", "");
    if (p->row.head < 0) return 0;
    if (p->quarantine) return remove_quarantined(p, err);
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (strcmp(operations[i].operation, operation) == 0) return operations[i].removes(p, err);
    return err_set(err, EX_INVALID, "%s: the result names the operation \"%s\"", p->dataset, operation);
}

/* ---- files ---- */

static bool path_stays_inside(const char *path) {
    if (!path || !*path || *path == '/') return false;
    for (const char *p = path; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
        if (strncmp(p, "../", 3) == 0 || strcmp(p, "..") == 0) return false;
    return true;
}

/* Final names must be unique for ever: they hold the token. */
static int check_files(const struct planning *p, const char *token, struct err *err) {
    size_t i;
    json_t *f;
    json_array_foreach(json_object_get(p->given, "files"), i, f) {
        const char *target = json_text(f, "target"), *staged = json_text(f, "staged");
        if (path_stays_inside(target) && path_stays_inside(staged) && strstr(target, token)) continue;
        return err_set(err, EX_INVALID, "%s: the result moves %s to %s, which is no place of this attempt",
                       p->dataset, staged ? staged : "nothing", target ? target : "nothing");
    }
    return 0;
}

/* ---- schema ---- */

static json_t *current_columns(const struct planning *p) {
    return p->row.head >= 0 && p->row.columns ? json_loads(p->row.columns, 0, NULL) : NULL;
}

/* The worker compared the stage with the columns in the request. When another schema was published since,
 * its judgement is void, unless the whole table is replaced. */
static int check_schema(const struct planning *p, const json_t *current, struct err *err) {
    if (p->quarantine || json_int(p->into, "base_version", -1) == p->row.head) return 0;
    const json_t *seen = json_object_get(p->into, "columns");
    bool replace = strcmp(json_text_or(p->given, "operation", ""), "replace") == 0;
    if (replace || !current || !json_is_array(seen) ||
        json_equal((json_t *)(uintptr_t)seen, (json_t *)(uintptr_t)current))
        return 0;
    return conflict(p, "version_moved", "its columns changed while this step was running", err);
}

static int decide_columns(struct planning *p, struct err *err) {
    json_t *current = current_columns(p), *given = json_object_get(p->given, "columns");
    if (check_schema(p, current, err)) {
        json_decref(current);
        return -1;
    }
    json_t *columns = json_is_array(given) ? json_incref(given)
                      : current            ? json_incref(current)
                                           : json_array();
    bool changed = !current || !json_equal(columns, current);
    json_put(p->out, "columns", columns);
    json_put(p->out, "columns_changed", json_boolean(changed));
    json_decref(current);
    return 0;
}

/* ---- one output ---- */

static int find_dataset(struct planning *p, struct err *err) {
    int r = store_dataset_find(p->store, p->dataset, p->arena, &p->row, err);
    if (r < 0) return -1;
    p->known = r > 0;
    if (!p->known) p->row = (struct dataset_row){.head = -1, .rows = 0};
    if (!p->row.stopped) return 0;
    err_set(err, EX_CONFLICT, "%s is stopped: %s", p->dataset, p->row.stopped);
    return err_reason(err, "dataset_stopped");
}

static void put_totals(struct planning *p) {
    bool fresh = p->row.head < 0;
    int64_t files = fresh ? 0 : p->row.files, bytes = fresh ? 0 : p->row.bytes,
            rows = fresh ? 0 : p->row.rows;
    size_t i;
    json_t *f;
    json_array_foreach(p->removes, i, f) {
        int64_t n = json_int(f, "rows", -1);
        files--, bytes -= json_int(f, "bytes", 0);
        rows = rows < 0 || n < 0 ? -1 : rows - n;
    }
    json_array_foreach(json_object_get(p->out, "files"), i, f) {
        int64_t n = json_int(f, "rows", -1);
        files++, bytes += json_int(f, "bytes", 0);
        rows = rows < 0 || n < 0 ? -1 : rows + n;
    }
    json_put(p->out, "files_total", json_integer(files));
    json_put(p->out, "bytes_total", json_integer(bytes));
    json_put(p->out, "rows_total", json_integer(rows));
}

static const char *folder_of(const struct planning *p) {
    if (p->known && p->row.path) return p->row.path;
    const json_t *quarantine = json_object_get(p->into, "quarantine");
    return json_text_or(p->quarantine ? quarantine : p->into, "path", "");
}

static json_t *partition_names(const struct planning *p) {
    if (p->quarantine) return json_array();
    const json_t *by = json_object_get(p->into, "partition_by");
    return json_is_array(by) ? json_deep_copy(by) : json_array();
}

static void put_identity(struct planning *p) {
    json_put_text(p->out, "dataset", p->dataset);
    json_put(p->out, "dataset_id", p->known ? json_integer(p->row.id) : NULL);
    char *zone = arena_strndup(p->arena, p->dataset, strcspn(p->dataset, "."));
    json_put_text(p->out, "zone", zone);
    json_put_text(p->out, "path", folder_of(p));
    json_put_text(p->out, "stage", json_text_or(p->into, "stage", ""));
    json_put_text(p->out, "format",
                  p->known && p->row.format ? p->row.format : json_text_or(p->into, "format", "files"));
    json_put_text(p->out, "operation", json_text_or(p->given, "operation", "append"));
}

static void put_version(struct planning *p, const char *token) {
    json_put(p->out, "base", json_integer(p->row.head));
    json_put(p->out, "version", json_integer(p->row.head + 1));
    json_put(p->out, "first", json_boolean(p->row.head < 0));
    char uuid[37];
    struct buf seed = BUF_INIT;
    buf_addf(&seed, "%s %s", p->dataset, token);
    delta_uuid(buf_str(&seed), uuid);
    buf_release(&seed);
    json_put_text(p->out, "table_id", p->row.head >= 0 && p->row.table_id ? p->row.table_id : uuid);
}

/* A Delta table's partition columns are fixed for its life, except when it is replaced whole. */
static int decide_partitions(struct planning *p, struct err *err) {
    json_t *wanted = partition_names(p);
    json_t *current =
        p->row.head >= 0 && p->row.partition_by ? json_loads(p->row.partition_by, 0, NULL) : NULL;
    bool same = !current || json_equal(current, wanted);
    bool whole = strcmp(json_text_or(p->given, "operation", ""), "replace") == 0;
    bool delta = strcmp(json_text_or(p->out, "format", ""), "delta") == 0;
    json_put(p->out, "partition_by", wanted);
    if (!same && (whole || !delta)) json_put(p->out, "columns_changed", json_true());
    json_decref(current);
    if (same || whole || !delta) return 0;
    err_set(err, EX_CONFLICT, "%s is partitioned differently from this step's partition_by", p->dataset);
    err_hint(err, "give it the same partition_by, or write: replace to rewrite the table");
    return err_reason(err, "partitions_differ");
}

static int plan_into(struct planning *p, const char *token, struct err *err) {
    if (find_dataset(p, err) || check_files(p, token, err)) return -1;
    put_identity(p);
    put_version(p, token);
    json_put(p->out, "files", json_deep_copy(json_object_get(p->given, "files")));
    if (!json_is_array(json_object_get(p->out, "files"))) json_put(p->out, "files", json_array());
    if (decide_columns(p, err) || decide_partitions(p, err) || decide_removes(p, err)) return -1;
    json_put(p->out, "removes", json_incref(p->removes));
    const json_t *cleared = json_object_get(p->given, "partitions_cleared");
    json_put(p->out, "cleared", json_is_array(cleared) ? json_deep_copy(cleared) : json_array());
    put_totals(p);
    return 0;
}

static json_t *plan_output(const struct planning *of, const json_t *given, const char *token,
                           struct err *err) {
    struct planning p = *of;
    p.given = given;
    p.dataset = json_text_or(given, "dataset", "");
    p.out = json_object();
    p.removes = json_array();
    p.removed = (struct map)MAP_INIT;
    const char *quarantine = json_text(json_object_get(p.into, "quarantine"), "dataset");
    p.quarantine = quarantine && strcmp(quarantine, p.dataset) == 0;
    int r = plan_into(&p, token, err);
    map_release(&p.removed);
    json_decref(p.removes);
    if (r == 0) return p.out;
    json_decref(p.out);
    return NULL;
}

/* ---- the plan ---- */

static json_t *plan_head(const json_t *request, instant_t now) {
    json_t *plan = json_object();
    json_put_text(plan, "token", json_text_or(request, "token", ""));
    json_put_text(plan, "project", json_text(json_object_get(request, "project"), "name"));
    json_put_text(plan, "pipeline", json_text(request, "pipeline"));
    json_put_text(plan, "step", json_text(request, "step"));
    json_put_text(plan, "run", json_text(request, "run"));
    json_put(plan, "at", json_integer(now));
    json_put(plan, "outputs", json_array());
    return plan;
}

/* The quarantine comes last: its log entry can always be written on a new base (publish.c). */
static int add_output(const struct planning *p, json_t *outputs, json_t *out) {
    const char *quarantine = json_text(json_object_get(p->into, "quarantine"), "dataset");
    bool last = quarantine && strcmp(quarantine, json_text_or(out, "dataset", "")) == 0;
    return json_array_insert_new(outputs, last ? json_array_size(outputs) : 0, out);
}

json_t *publish_prepare(struct store *s, const json_t *request, const json_t *result, instant_t now,
                        struct err *err) {
    struct planning p = {.store = s,
                         .arena = arena_new(),
                         .request = request,
                         .result = result,
                         .into = json_object_get(request, "into")};
    json_t *plan = plan_head(request, now), *given;
    const json_t *outputs = json_object_get(result, "outputs");
    size_t i;
    int r = json_array_size(outputs) ? 0
                                     : err_set(err, EX_INVALID, "the result of %s has no outputs",
                                               json_text_or(request, "step", "the step"));
    json_array_foreach(outputs, i, given) {
        json_t *out = r ? NULL : plan_output(&p, given, json_text_or(request, "token", ""), err);
        r = out ? add_output(&p, json_object_get(plan, "outputs"), out) : -1;
    }
    arena_free(p.arena);
    if (r == 0) return plan;
    json_decref(plan);
    return NULL;
}
