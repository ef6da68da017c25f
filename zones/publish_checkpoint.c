/* publish_checkpoint.c: a checkpoint for the Delta tables whose new version calls for one. See publish.h.
 *
 * Runs in the worker after P5, before P6: the state is the base's files in the database, and the plan. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"
#include "engine/duck.h"
#include "store/datasets.h"
#include "zones/delta.h"
#include "zones/publish.h"
#include "zones/publish_impl.h"

#include <stdlib.h>
#include <string.h>

static bool wants(const json_t *output) {
    int64_t version = json_int(output, "version", 0);
    return output_is_delta(output) && version > 0 && version % DELTA_CHECKPOINT_EVERY == 0;
}

bool publish_wants_checkpoint(const json_t *plan) {
    size_t i;
    json_t *output;
    json_array_foreach(json_object_get(plan, "outputs"), i, output) if (wants(output)) return true;
    return false;
}

struct checkpointing {
    struct store *store;
    struct arena *arena;
    const json_t *plan, *output;
    int64_t dataset, base, at;
    json_t *files, *removed, *txns;
};

static json_t *file_state(const struct file_row *f, const char *key, int64_t at) {
    json_t *v = json_object();
    json_put_text(v, key, f->path);
    json_put(v, "rows", json_integer(f->rows));
    json_put(v, "bytes", json_integer(f->bytes));
    json_put(v, "at", json_integer(at));
    json_put(v, "partition", f->partition ? json_loads(f->partition, 0, NULL) : NULL);
    json_put(v, "stats", f->stats ? json_loads(f->stats, 0, NULL) : NULL);
    return v;
}

static void add_plan_files(struct checkpointing *c) {
    static const char *const lists[] = {"files", "removes"};
    json_t *to[] = {c->files, c->removed}, *f;
    size_t i;
    for (int k = 0; k < 2; k++) {
        json_array_foreach(json_object_get(c->output, lists[k]), i, f) {
            json_t *copy = json_copy(f);
            json_put(copy, "at", json_integer(c->at));
            json_array_append_new(to[k], copy);
        }
    }
}

/* Live files of the base but for the plan's removes; and what earlier versions removed, while retention still
 * knows it, unless it lives again. */
static int load_files(struct checkpointing *c, struct err *err) {
    struct file_list live, all;
    if (store_files_at(c->store, c->dataset, c->base, c->arena, &live, err) < 0 ||
        store_files_all(c->store, c->dataset, c->arena, &all, err) < 0)
        return -1;
    struct map gone = MAP_INIT, here = MAP_INIT;
    size_t i;
    json_t *f;
    json_array_foreach(json_object_get(c->output, "removes"), i, f)
        map_add(&gone, json_text_or(f, "path", ""), 0, NULL);
    json_array_foreach(json_object_get(c->output, "files"), i, f)
        map_add(&here, json_text_or(f, "target", ""), 0, NULL);
    for (i = 0; i < live.count; i++) {
        map_add(&here, live.rows[i].path, 0, NULL);
        if (!map_get(&gone, live.rows[i].path, NULL))
            json_array_append_new(c->files, file_state(&live.rows[i], "target", live.rows[i].added_at));
    }
    for (i = 0; i < all.count; i++)
        if (map_add(&here, all.rows[i].path, 0, NULL))
            json_array_append_new(c->removed, file_state(&all.rows[i], "path", c->at));
    map_release(&gone);
    map_release(&here);
    add_plan_files(c);
    return 0;
}

static void add_txn(struct checkpointing *c, struct map *seen, const char *pipeline, const char *step,
                    int64_t version) {
    char *app = arena_printf(c->arena, "leat/%s/%s/%s", json_text_or(c->plan, "project", ""),
                             pipeline ? pipeline : "", step ? step : "");
    if (!map_add(seen, app, 0, NULL)) return;
    json_array_append_new(c->txns, json_pack("{s:s,s:I}", "app_id", app, "version", (json_int_t)version));
}

/* The newest transaction of every step, as the protocol wants kept. */
static int load_txns(struct checkpointing *c, int64_t sequence, instant_t *created_at, struct err *err) {
    struct version_row *rows;
    size_t n;
    struct map seen = MAP_INIT;
    if (store_versions_list(c->store, c->dataset, -1, 0, c->arena, &rows, &n, err) < 0) return -1;
    add_txn(c, &seen, json_text(c->plan, "pipeline"), json_text(c->plan, "step"), sequence);
    for (size_t i = 0; i < n; i++)
        if (rows[i].intent > 0) add_txn(c, &seen, rows[i].pipeline, rows[i].step, rows[i].intent);
    *created_at = n ? rows[n - 1].published_at : c->at;
    map_release(&seen);
    return 0;
}

static int checkpoint_output(struct checkpointing *c, struct duck *d, int64_t sequence, struct err *err) {
    instant_t created_at;
    if (load_files(c, err) || load_txns(c, sequence, &created_at, err)) return -1;
    const struct delta_state state = {
        .version = json_int(c->output, "version", 0),
        .files = c->files,
        .removed = c->removed,
        .columns = json_object_get(c->output, "columns"),
        .partition_by = json_object_get(c->output, "partition_by"),
        .table_id = json_text_or(c->output, "table_id", ""),
        .created_at = created_at,
        .txns = c->txns,
    };
    return delta_checkpoint(d, json_text_or(c->output, "path", ""), &state, err);
}

int publish_checkpoint(struct duck *d, struct store *s, const json_t *plan, int64_t sequence,
                       struct err *err) {
    size_t i;
    json_t *output;
    int r = 0;
    json_array_foreach(json_object_get(plan, "outputs"), i, output) {
        if (r || !wants(output) || json_int(output, "base", -1) < 0) continue;
        struct checkpointing c = {.store = s,
                                  .arena = arena_new(),
                                  .plan = plan,
                                  .output = output,
                                  .dataset = json_int(output, "dataset_id", -1),
                                  .base = json_int(output, "base", -1),
                                  .at = json_int(plan, "at", 0),
                                  .files = json_array(),
                                  .removed = json_array(),
                                  .txns = json_array()};
        r = checkpoint_output(&c, d, sequence, err);
        json_decref(c.files);
        json_decref(c.removed);
        json_decref(c.txns);
        arena_free(c.arena);
    }
    return r;
}
