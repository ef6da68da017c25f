/* backfill_items.c: one window of a backfill becomes a run.
 *
 * The plan was made some time ago: what has happened to the window since is looked at once more. A run that
 * is at it just now is waited for; one that did it meanwhile stands, unless everything was to be repeated. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/json.h"
#include "scheduler/core/states.h"
#include "scheduler/plans/backfill.h"
#include "store/backfills.h"
#include "store/windows.h"

#include <stdlib.h>
#include <string.h>

struct starting_item {
    struct conductor *c;
    const struct backfill_row *b;
    struct backfill_item *item;
    json_t *of_all, *own; /* options of the backfill, of the window */
    struct arena *arena;
    const char **only;
    size_t only_count;
};

/* ---- what was asked for ---- */

static void add_only(struct starting_item *k, const char *step) { k->only[k->only_count++] = step; }

static void read_options(struct starting_item *k) {
    k->of_all = k->b->options ? json_loads(k->b->options, 0, NULL) : NULL;
    k->own = k->item->options ? json_loads(k->item->options, 0, NULL) : NULL;
    const json_t *only = json_object_get(k->own, "only");
    const char *step = json_text(k->of_all, "step");
    k->only = arena_array(k->arena, json_array_size(only) + 2, sizeof *k->only);
    for (size_t i = 0; i < json_array_size(only); i++)
        add_only(k, json_string_value(json_array_get(only, i)));
    if (!k->only_count && step) add_only(k, step);
}

/* ---- what has happened since ---- */

static int newest_run(struct starting_item *k, struct window_run *out, struct err *err) {
    const struct window_query q = {.pipeline = k->item->pipeline,
                                   .from = k->item->window_start,
                                   .to = k->item->window_start + 1,
                                   .only = only_text(k->only, k->only_count, k->arena),
                                   .from_step = json_text(k->of_all, "from_step")};
    struct window_run *rows;
    size_t n;
    if (store_window_runs(k->c->store, &q, k->arena, &rows, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].end != k->item->window_end) continue;
        *out = rows[i];
        return 1;
    }
    return 0;
}

/* When nobody serves, a run that only waits for its turn waits for ever. */
static bool at_it(const struct starting_item *k, const struct window_run *r) {
    enum run_state state;
    bool open = run_state_parse(r->state, &state) && !run_state_final(state);
    return open && (k->c->options.serves || live_find(k->c, r->run));
}

static bool done_since(const struct starting_item *k, const struct window_run *r) {
    bool all = strcmp(json_text_or(k->of_all, "redo", ""), "all") == 0 || strcmp(k->b->kind, "backfill") != 0;
    return !all && run_ended_well(r->state) && r->created_at >= k->b->created_at;
}

static int skip_item(struct starting_item *k, int64_t run, struct err *err) {
    const struct item_move m = {
        .backfill = k->b->id, .n = k->item->n, .from = "planned", .to = "skipped", .run = run};
    return store_backfill_item_move(k->c->store, &m, err) < 0 ? -1 : ITEM_DONE_ALREADY;
}

/* ---- the run ---- */

/* Somebody has to look at it; nothing is lost. */
static int stuck(struct starting_item *k, const struct err *why, struct err *err) {
    if (store_backfill_move(k->c->store, k->b->id, k->b->state, "paused", turn_wall(k->c), err) < 0)
        return -1;
    backfill_report(k->c, "backfill_paused", k->b,
                    json_pack("{ss ss}", "message", why->msg, "hint", why->hint));
    return ITEM_STUCK;
}

/* When the window was due: of a slot its fire; of a restated window that of the run that did it last. */
static int scheduled_for(struct starting_item *k, instant_t *out, struct err *err) {
    struct run_row row;
    *out = json_int(k->own, "fire", INSTANT_NONE);
    if (strcmp(k->b->kind, "restate") != 0) return 0;
    int found = store_run_of_window(k->c->store, k->item->pipeline, k->item->window_start,
                                    k->item->window_end, k->arena, &row, err);
    if (found == 1) *out = row.scheduled_for;
    return found < 0 ? -1 : 0;
}

static int queue_item(struct starting_item *k, struct pipeline *p, json_t *params, struct err *err) {
    struct run_request rq = {.pipeline = p,
                             .params = params,
                             .window_start = k->item->window_start,
                             .window_end = k->item->window_end,
                             .window_explicit = true,
                             .move_bookmark = json_flag(k->of_all, "move_bookmark"),
                             .trigger = "backfill",
                             .only = k->only,
                             .only_count = k->only_count,
                             .from_step = json_text(k->of_all, "from_step"),
                             .backfill = k->b->id};
    if (scheduled_for(k, &rq.scheduled_for, err)) return -1;
    if (rq.scheduled_for != INSTANT_NONE) rq.schedule = json_text(k->of_all, "slots_of");
    int64_t run = k->item->run = queue_run(k->c, &rq, err);
    const struct item_move m = {
        .backfill = k->b->id, .n = k->item->n, .from = "planned", .to = "running", .run = run};
    return !run || store_backfill_item_move(k->c->store, &m, err) < 0 ? -1 : ITEM_STARTED;
}

static int start_run(struct starting_item *k, struct err *err) {
    const struct conductor_options *o = &k->c->options;
    struct err why = {0};
    struct pipeline *p = o->find(o->find_ctx, k->item->pipeline, &why);
    if (!p)
        return why.exit == EX_NOT_FOUND ? stuck(k, &why, err) : ITEM_WAITS; /* a broken file may be mended */
    json_t *params = pipeline_params_filled(p, json_object_get(k->of_all, "params"), &why);
    int rc = params ? queue_item(k, p, params, err) : stuck(k, &why, err);
    json_decref(params);
    pipeline_free(p);
    return rc;
}

static int start_item(struct starting_item *k, struct err *err) {
    struct window_run newest;
    read_options(k);
    int found = newest_run(k, &newest, err);
    if (found < 0) return -1;
    if (found && at_it(k, &newest)) return ITEM_WAITS;
    if (found && done_since(k, &newest)) return skip_item(k, newest.run, err);
    return start_run(k, err);
}

int backfill_item_start(struct conductor *c, const struct backfill_row *b, struct backfill_item *item,
                        struct err *err) {
    struct starting_item k = {.c = c, .b = b, .item = item, .arena = arena_new()};
    int rc = start_item(&k, err);
    json_decref(k.of_all);
    json_decref(k.own);
    arena_free(k.arena);
    return rc;
}
