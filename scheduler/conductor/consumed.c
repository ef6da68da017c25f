/* consumed.c: which steps read a dataset for which window, and which of them a later publish made stale.
 *
 * Both are rows of the transaction that they follow from, whoever is at work: the success of a step that has
 * a window says what it read; the publish of a version for a window says who read older ones for a window
 * that meets it. What a run publishes never makes its own reading stale. A step that reads again for the same
 * window is fresh again. */
#include "base/arena.h"
#include "base/json.h"
#include "scheduler/conductor/inner.h"
#include "store/backfills.h"

static int put(struct conductor *c, const struct live_attempt *a, const struct input_row *in,
               struct err *err) {
    const struct live_run *r = a->run;
    return store_consumed_put(c->store,
                              &(struct consumed_row){.dataset = in->dataset_id,
                                                     .pipeline = r->pipeline_name,
                                                     .step = r->names[a->step],
                                                     .window_start = r->window_start,
                                                     .window_end = r->window_end,
                                                     .version = in->version,
                                                     .run = r->id},
                              err);
}

void consumed_by(struct conductor *c, const struct live_attempt *a) {
    struct input_row *rows;
    struct err err;
    size_t n;
    if (a->run->window_start == INSTANT_NONE || !a->id) return;
    struct arena *arena = arena_new();
    int rc = store_inputs_list(c->store, a->id, arena, &rows, &n, &err) < 0 ? -1 : 0;
    for (size_t i = 0; !rc && i < n; i++) rc = put(c, a, &rows[i], &err);
    if (rc) turn_broke(c, &err);
    arena_free(arena);
}

static void mark(struct conductor *c, const struct live_attempt *a, const json_t *output) {
    struct republished p = {.dataset = json_int(output, "dataset_id", 0),
                            .version = json_int(output, "version", -1),
                            .run = a->run->id,
                            .start = a->run->window_start,
                            .end = a->run->window_end,
                            .at = turn_wall(c)};
    struct err err;
    int64_t n;
    if (p.dataset <= 0) return; /* its first version: nobody has read it */
    if (store_consumed_stale(c->store, &p, &n, &err) < 0) {
        turn_broke(c, &err);
        return;
    }
    if (!n) return;
    report(c, "stale", a->run->id, a->run->names[a->step],
           json_pack("{sO sI sI}", "dataset", json_object_get(output, "dataset"), "version",
                     (json_int_t)p.version, "consumers", (json_int_t)n));
}

void consumed_stale(struct conductor *c, const struct live_attempt *a, const json_t *plan) {
    size_t i;
    json_t *output;
    if (a->run->window_start == INSTANT_NONE) return;
    json_array_foreach(json_object_get(plan, "outputs"), i, output) mark(c, a, output);
}
