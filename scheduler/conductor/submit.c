/* submit.c: a new run: its row in the database, and its way from the row into memory.
 *
 * Every run is written down first, `queued`, and read back from its row: a run that is started at once, one
 * that waited for days and one that a dead conductor left go the same way. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/json.h"
#include "scheduler/core/retry.h"
#include "scheduler/plans/windowed.h"
#include "scheduler/scope.h"
#include "store/datasets.h"
#include "store/schedules.h"

#include <stdlib.h>
#include <string.h>

/* ---- the plan ---- */

/* contract.md 20: an append of this window that succeeded before stands. */
static int keep_appended(struct conductor *c, struct live_run *r, uint32_t i, struct err *err) {
    const struct step *s = &r->pipeline->steps[i];
    if (!s->into || s->into->write != WRITE_APPEND) return 0;
    if (s->bookmark && r->move_bookmarks) return 0; /* it appends what is new, whatever the window */
    struct arena *a = arena_new();
    struct dataset_row d;
    int64_t version;
    int found = store_dataset_find(c->store, s->into->dataset, a, &d, err);
    if (found == 1)
        found = store_appended_version(c->store,
                                       &(struct append_query){.pipeline = r->pipeline_name,
                                                              .step = s->name,
                                                              .dataset = d.id,
                                                              .run = r->id,
                                                              .window_start = r->window_start,
                                                              .window_end = r->window_end},
                                       &version, err);
    if (found == 1) {
        plan_keep(r->plan, i);
        json_t *v = json_pack("{ss sI}", "dataset", s->into->dataset, "version", (json_int_t)version);
        report(c, "kept", r->id, s->name, v);
    }
    arena_free(a);
    return found < 0 ? -1 : 0;
}

static int plan_windowed(struct conductor *c, struct live_run *r, bool force, struct err *err) {
    if (r->window_start == INSTANT_NONE) return 0;
    for (uint32_t i = 0; i < r->step_count; i++) {
        if (r->plan->init[i].left_out) continue;
        if (!r->move_bookmarks && step_in_window(&r->pipeline->steps[i], NULL) == IN_WINDOW_LEFT_OUT)
            plan_leave_out(r->plan, i);
        else if (!force && keep_appended(c, r, i, err))
            return -1;
    }
    return 0;
}

/* --only and --from-step, as they were written down. */
static int plan_options(struct live_run *r, const json_t *options, struct err *err) {
    const json_t *only = json_object_get(options, "only");
    const char *from = json_text(options, "from_step");
    size_t n = json_array_size(only);
    const char **names = xcalloc(n + 1, sizeof *names);
    for (size_t i = 0; i < n; i++) names[i] = json_string_value(json_array_get(only, i));
    int rc = n ? plan_only(r->plan, names, n, err) : 0;
    free(names);
    return rc || !from ? rc : plan_from(r->plan, from, err);
}

static int make_plan(struct conductor *c, struct live_run *r, const json_t *options, struct err *err) {
    if (!(r->plan = plan_new(r->pipeline, err))) return -1;
    if (plan_options(r, options, err)) return -1;
    if (plan_windowed(c, r, json_flag(options, "force"), err)) return -1;
    live_scope(r);
    live_holds(r);
    return 0;
}

/* What the plan decided before anything ran is written down at once: a retry, and whoever goes on after a
 * crash, must not take such a step for one that waits. */
static int write_decided(struct conductor *c, const struct live_run *r, struct err *err) {
    for (uint32_t i = 0; i < r->step_count; i++) {
        const struct core_init *init = &r->plan->init[i];
        if (init->state == STEP_waiting) continue;
        int hit = store_step_move(c->store,
                                  &(struct step_move){.run = r->id,
                                                      .generation = r->generation,
                                                      .step = i,
                                                      .from = step_state_names[STEP_waiting],
                                                      .to = step_state_names[init->state],
                                                      .reason = init->left_out ? "plan" : "kept",
                                                      .left_out = init->left_out,
                                                      .due = INSTANT_NONE,
                                                      .rows_read = -1,
                                                      .bytes_read = -1,
                                                      .rows_written = -1,
                                                      .at = turn_wall(c)},
                                  err);
        if (hit < 0) return -1;
    }
    return 0;
}

/* ---- the row ---- */

static json_t *options_of(const struct run_request *rq) {
    json_t *o = json_object();
    if (rq->from_step) json_put_text(o, "from_step", rq->from_step);
    if (rq->force) json_put(o, "force", json_true());
    if (rq->move_bookmark) json_put(o, "move_bookmark", json_true());
    if (rq->beside) json_put(o, "beside", json_true());
    if (rq->queue) json_put(o, "queue", json_true());
    if (rq->only_count) json_put(o, "only", json_array());
    for (size_t i = 0; i < rq->only_count; i++)
        json_array_append_new(json_object_get(o, "only"), json_string(rq->only[i]));
    return o;
}

/* The row to be; options is the caller's to let go. */
static int spec_of(struct conductor *c, const struct run_request *rq, json_t *options, struct run_spec *out,
                   struct err *err) {
    int64_t definition;
    if (definition_put(c, rq->pipeline, &definition, err)) return -1;
    *out = (struct run_spec){.definition = definition,
                             .trigger = rq->trigger,
                             .window_start = rq->window_start,
                             .window_end = rq->window_end,
                             .explicit_window = rq->window_explicit,
                             .params = rq->params,
                             .options = options,
                             .note = rq->reason,
                             .scheduled_for = rq->scheduled_for,
                             .schedule = rq->schedule,
                             .parent = rq->parent,
                             .backfill = rq->backfill,
                             .at = turn_wall(c)};
    return 0;
}

static void queued(struct conductor *c, const struct run_request *rq, int64_t run) {
    if (rq->backfill || rq->beside)
        admit_beside(c, rq->pipeline->name, run);
    else
        lane_touch(c, lane_of(c, rq->pipeline->name));
}

int64_t queue_run(struct conductor *c, const struct run_request *rq, struct err *err) {
    struct run_spec spec;
    int64_t run = 0;
    json_t *options = options_of(rq);
    int rc = spec_of(c, rq, options, &spec, err) ? -1 : store_run_add(c->store, &spec, &run, err);
    json_decref(options);
    if (rc < 0) return 0;
    queued(c, rq, run);
    return run;
}

int queue_slot(struct conductor *c, const struct run_request *rq, const struct slot_row *slot, int64_t *run,
               struct err *err) {
    struct run_spec spec;
    json_t *options = options_of(rq);
    int hit = spec_of(c, rq, options, &spec, err) ? -1 : store_slot_run(c->store, slot, &spec, run, err);
    json_decref(options);
    if (hit == 1) queued(c, rq, *run);
    return hit;
}

/* ---- from the row ---- */

static int fill_from_row(struct conductor *c, struct live_run *r, const struct run_row *row,
                         struct err *err) {
    int64_t definition;
    restore_row(r, row);
    if (live_put_definition(c, r, &definition, err)) return -1;
    if (definition != row->definition && store_run_defined(c->store, r->id, definition, err) < 0) return -1;
    json_t *options = row->options ? json_loads(row->options, 0, NULL) : NULL,
           *params = pipeline_params_filled(r->pipeline, r->params, err);
    int rc = params ? make_plan(c, r, options, err) : -1;
    json_decref(params);
    json_decref(options);
    return rc || write_decided(c, r, err) ? -1 : 0;
}

struct live_run *run_from_row(struct conductor *c, const struct run_row *row, struct pipeline *pipeline,
                              struct err *err) {
    struct live_run *r = live_new(c, row->id);
    r->pipeline = pipeline;
    if (fill_from_row(c, r, row, err) == 0) return r;
    live_unlink(c, r);
    live_drop(r);
    return NULL;
}

/* ---- at once ---- */

static struct live_run *write_run(struct conductor *c, const struct run_request *rq, struct err *err) {
    struct arena *a = arena_new();
    struct run_row row;
    int64_t id = queue_run(c, rq, err);
    struct live_run *r = NULL;
    if (id && store_run_get(c->store, id, a, &row, err) == 1)
        r = run_from_row(c, &row, pipeline_share(rq->pipeline), err);
    arena_free(a);
    return r;
}

int64_t conductor_submit(struct conductor *c, struct run_request *rq, struct err *err) {
    struct live_run *r = NULL;
    int rc = store_begin(c->store, err);
    if (!rc && !(r = write_run(c, rq, err))) rc = -1;
    if (!rc)
        rc = store_commit(c->store, err);
    else
        lanes_rollback(c);
    if (!rc) rc = live_enter(c, r, &(struct entrance){.state = RUN_queued}, err);
    pipeline_free(rq->pipeline);
    json_decref(rq->params);
    if (!rc) return r->id;
    if (r) live_unlink(c, r);
    if (r) live_drop(r);
    return 0;
}
