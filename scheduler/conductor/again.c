/* again.c: `retry`: a failed run's next generation, or an unfinished run that goes on. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "store/datasets.h"

#include <stdlib.h>
#include <string.h>

/* contract.md 19: a later run has replaced what this one would replace again. */
static int refuse_overwrite(struct conductor *c, const struct live_run *r, struct err *err) {
    struct arena *a = arena_new();
    int rc = 0;
    for (uint32_t i = 0; i < r->step_count && !rc; i++) {
        const struct step *s = &r->pipeline->steps[i];
        struct dataset_row d;
        if (!s->into || s->into->write != WRITE_REPLACE || r->plan->init[i].state != STEP_waiting) continue;
        if (store_dataset_find(c->store, s->into->dataset, a, &d, err) != 1 || d.last_run <= r->id) continue;
        rc = err_set(err, EX_CONFLICT, "run %lld has since published %s with `write: replace`",
                     (long long)d.last_run, s->into->dataset);
        err_hint(err, "to publish the older result over it: leat retry %lld --force", (long long)r->id);
    }
    arena_free(a);
    return rc;
}

struct again {
    const char *from_step;
    bool force;
    struct step_row *rows;
    size_t count;
    size_t *from; /* per new step: index into rows */
};

static int write_again(struct conductor *c, struct live_run *r, const struct again *g, struct err *err) {
    int64_t definition;
    if (live_put_definition(c, r, &definition, err)) return -1;
    if (!g->force && refuse_overwrite(c, r, err)) return -1;
    struct kept_step *kept = xcalloc(r->step_count, sizeof *kept);
    size_t n = 0;
    for (uint32_t i = 0; i < r->step_count; i++)
        if (r->plan->init[i].state != STEP_waiting && g->from[i] != SIZE_MAX)
            kept[n++] = (struct kept_step){.from = g->rows[g->from[i]].step, .to = i};
    int hit = store_run_again(
        c->store,
        &(struct generation_spec){
            .run = r->id, .definition = definition, .kept = kept, .kept_count = n, .at = turn_wall(c)},
        &r->generation, err);
    free(kept);
    if (hit == 0) return err_set(err, EX_CONFLICT, "run %lld has not finished", (long long)r->id);
    return hit < 0 ? -1 : 0;
}

static int new_generation(struct conductor *c, struct live_run *r, struct again *g, enum retry_answer *answer,
                          struct err *err) {
    struct core_init *before = restore_states(r->pipeline, g->rows, g->count, g->from);
    uint32_t again = plan_retry(r->plan, before);
    free(before);
    *answer = again ? RETRY_STARTED : RETRY_NOTHING;
    if (g->from_step) {
        if (plan_from(r->plan, g->from_step, err)) return -1;
        *answer = RETRY_STARTED;
    }
    if (*answer == RETRY_NOTHING) return 0;
    int rc = store_begin(c->store, err);
    if (!rc) rc = write_again(c, r, g, err);
    if (!rc)
        rc = store_commit(c->store, err);
    else
        lanes_rollback(c);
    if (rc) return -1;
    r->stop = STOP_NO; /* that was the generation before */
    restore_scope(r, g->rows, g->from);
    live_holds(r);
    return live_enter(c, r, &(struct entrance){.state = RUN_queued}, err);
}

/* An unfinished run goes on with the definition it has; a changed one is a new generation's matter. */
static int go_on(struct conductor *c, struct live_run *r, const struct run_row *row, struct again *g,
                 struct err *err) {
    if (strcmp(row->sha256, r->pipeline->definition) != 0) {
        err_set(err, EX_CONFLICT, "the definition of %s has changed since run %lld began", row->pipeline,
                (long long)row->id);
        return err_hint(err, "start a new run: leat run %s (it lets what is still running finish first)",
                        row->pipeline);
    }
    restore_plan(c, r, g->rows, g->count);
    return 0;
}

static int retry_row(struct conductor *c, struct live_run *r, const struct run_row *row, struct again *g,
                     enum retry_answer *answer, struct err *err) {
    restore_row(r, row);
    enum run_state state;
    if (strcmp(row->pipeline, r->pipeline->name) != 0)
        return err_set(err, EX_CONFLICT, "run %lld is of %s, not of %s", (long long)row->id, row->pipeline,
                       r->pipeline->name);
    if (!run_state_parse(row->state, &state) || !(r->plan = plan_new(r->pipeline, err))) return -1;
    if (run_state_final(state)) return new_generation(c, r, g, answer, err);
    *answer = RETRY_CONTINUED; /* conductor_recover() enters it, with its live attempts */
    return go_on(c, r, row, g, err);
}

int conductor_retry(struct conductor *c, int64_t run, struct pipeline *pipeline, const char *from_step,
                    bool force, enum retry_answer *answer, struct err *err) {
    struct arena *a = arena_new();
    struct run_row row;
    struct live_run *r = live_new(c, run);
    r->pipeline = pipeline;
    struct again g = {.from_step = from_step, .force = force};
    g.from = xcalloc(pipeline->step_count, sizeof *g.from);
    int found = store_run_get(c->store, run, a, &row, err);
    if (found == 0) err_set(err, EX_NOT_FOUND, "there is no run %lld", (long long)run);
    int rc = found == 1 ? store_steps_list(c->store, run, a, &g.rows, &g.count, err) : -1;
    if (rc >= 0) rc = retry_row(c, r, &row, &g, answer, err);
    free(g.from);
    arena_free(a);
    if (rc >= 0 && *answer != RETRY_NOTHING) return 0;
    live_unlink(c, r);
    live_drop(r);
    return rc < 0 ? -1 : 0;
}
