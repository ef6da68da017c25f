/* children.c: runs of other pipelines: a `pipeline` step is attended until the run it started has ended.
 *
 * The run is a row of the database, written with the attempt that starts it, and begins like any other
 * (admit.c). What became of it is read from its row, by a turn after the one that ended it: so it is the same
 * whether it ended here, as a row that never began, or under a conductor that died. */
#include "base/arena.h"
#include "base/json.h"
#include "base/limits.h"
#include "scheduler/conductor/attended.h"

#include <stdlib.h>
#include <string.h>

/* ---- the start ---- */

/* Files may have changed since they were checked: a run that would wait for itself is not started. */
static int refuse_circle(struct conductor *c, const struct live_attempt *a, const char *name,
                         struct err *err) {
    int depth = 0;
    for (const struct live_run *r = a->run; r;
         r = r->parent_run ? live_find(c, r->parent_run) : NULL, depth++) {
        if (strcmp(r->pipeline_name, name) == 0)
            return err_set(err, EX_INVALID, "run %lld of %s waits for this one: it would wait for itself",
                           (long long)r->id, name);
    }
    if (depth < LIMIT_CALL_DEPTH) return 0;
    return err_set(err, EX_INVALID, "pipelines run each other %d deep, that is as far as it goes", depth);
}

static void set_window(const struct live_run *r, const struct op_attend *what, struct run_request *rq) {
    bool own = what->window == WINDOW_OWN, same = what->window == WINDOW_SAME;
    rq->window_start = own ? what->window_start : same ? r->window_start : INSTANT_NONE;
    rq->window_end = own ? what->window_end : same ? r->window_end : INSTANT_NONE;
    rq->window_explicit = !r->move_bookmarks; /* as the run that asks: contract.md 37 */
}

static int fill(const struct live_attempt *a, struct run_request *rq, struct err *err) {
    const struct op_attend *what = &a->attended->what;
    set_window(a->run, what, rq);
    rq->params = pipeline_params_with(rq->pipeline, what->with, err);
    if (!rq->params) return -1;
    if (!rq->pipeline->uses_window || rq->window_start != INSTANT_NONE) return 0;
    err_set(err, EX_USAGE, "%s uses window.*, and this run has none to give", what->what);
    return err_hint(err, "give it one: pipeline: {name: %s, window: …}", what->what);
}

static struct pipeline *find(struct conductor *c, const char *name, struct err *err) {
    if (c->options.find) return c->options.find(c->options.find_ctx, name, err);
    err_set(err, EX_NOT_FOUND, "no pipeline `%s` is at hand", name);
    return NULL;
}

/* The one place where a child is made. */
static int64_t queue_child(struct conductor *c, struct run_request *rq, struct err *err) {
    int64_t run = queue_run(c, rq, err);
    if (run) lane_touch(c, lane_of(c, rq->pipeline->name));
    return run;
}

int child_start(struct conductor *c, struct live_attempt *a, struct err *err) {
    const char *name = a->attended->what.what;
    if (refuse_circle(c, a, name, err)) return -1;
    struct run_request rq = {.pipeline = find(c, name, err),
                             .trigger = "pipeline",
                             .scheduled_for = INSTANT_NONE,
                             .parent = a->id};
    if (!rq.pipeline) return err_reason(err, "pipeline");
    a->attended->child = fill(a, &rq, err) ? 0 : queue_child(c, &rq, err);
    json_decref(rq.params);
    pipeline_free(rq.pipeline);
    return a->attended->child ? 0 : -1;
}

/* ---- the end ---- */

static const char *failed_message(struct conductor *c, const struct run_row *row, struct arena *arena) {
    struct step_row *steps;
    size_t n;
    struct err ignored;
    if (!row->failed_step || store_steps_list(c->store, row->id, arena, &steps, &n, &ignored) < 0)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (strcmp(steps[i].name, row->failed_step) == 0) return steps[i].message;
    return NULL;
}

static void explain(struct conductor *c, const struct run_row *row, struct err *err) {
    struct arena *arena = arena_new();
    const char *message = failed_message(c, row, arena);
    if (row->failed_step)
        err_set(err, EX_FAILED, "run %lld of %s failed at %s: %.600s", (long long)row->id, row->pipeline,
                row->failed_step,
                message       ? message
                : row->reason ? row->reason
                              : "");
    else
        err_set(err, EX_FAILED, "run %lld of %s is %s: %s", (long long)row->id, row->pipeline, row->state,
                row->reason ? row->reason : "");
    err_hint(err, "see: leat runs show %lld", (long long)row->id);
    err_reason(err, "pipeline");
    arena_free(arena);
}

/* The data of the other pipeline was stopped by a gate: so is whoever needs it (exit 5). */
static bool is_gate(const struct run_row *row) { return row->reason && strcmp(row->reason, "gate") == 0; }

static void end_badly(struct conductor *c, struct live_attempt *a, const struct run_row *row) {
    struct err err;
    explain(c, row, &err);
    if (is_gate(row)) err.exit = EX_GATE, err_reason(&err, "gate");
    if (a->attended->timed_out) {
        err_prefix(&err, "step %s ran past its timeout", a->run->names[a->step]);
        err_reason(&err, "timeout");
    }
    attempt_failed(c, a, is_gate(row) ? OUTCOME_gate : OUTCOME_failed, &err, false);
}

static void end_well(struct conductor *c, struct live_attempt *a, bool warned) {
    struct step_facts *f = live_facts(a->run, a->step);
    char run[24];
    snprintf(run, sizeof run, "%lld", (long long)a->attended->child);
    json_decref(f->outputs);
    f->outputs = json_pack("{ss}", "run", run);
    f->warned = warned;
    attempt_finish(c, a, warned ? OUTCOME_warn : OUTCOME_success, NULL, false);
}

/* Its row never began, and nobody is left to wait for it. */
static void drop_waiting(struct conductor *c, struct live_attempt *a, const struct run_row *row) {
    const struct step *s = live_step(a->run, a->step);
    bool waits = strcmp(row->state, run_state_names[RUN_queued]) == 0;
    if (waits && a->run->frozen && !(s && s->finally)) child_cancel(c, a, false, "interrupted");
}

void child_look(struct conductor *c, struct live_attempt *a) {
    struct arena *arena = arena_new();
    struct run_row row = {.state = run_state_names[RUN_cancelled], .pipeline = a->attended->what.what};
    struct err err;
    enum run_state state = RUN_cancelled;
    int found = store_run_get(c->store, a->attended->child, arena, &row, &err);
    if (found < 0) turn_broke(c, &err);
    if (found == 0) row.id = a->attended->child, row.reason = "its run is not there any more";
    run_state_parse(row.state, &state);
    if (found >= 0 && !run_state_final(state))
        drop_waiting(c, a, &row);
    else if (state == RUN_ok || state == RUN_warn)
        end_well(c, a, state == RUN_warn);
    else if (found >= 0)
        end_badly(c, a, &row);
    arena_free(arena);
}

void child_ended(struct conductor *c, int64_t parent) {
    if (!parent) return;
    struct arena *arena = arena_new();
    struct attempt_row row;
    struct err err;
    int found = store_attempt_get(c->store, parent, arena, &row, &err);
    if (found < 0) turn_broke(c, &err);
    struct live_run *r = found == 1 ? live_find(c, row.run) : NULL;
    struct live_attempt *a = r && row.step < r->step_count ? r->attempts[row.step] : NULL;
    if (a && a->id == parent && a->attended) waits_tell(c, a);
    arena_free(arena);
}

/* ---- cancel ---- */

static int cancel_row(struct conductor *c, int64_t run, const char *reason, struct err *err) {
    struct arena *arena = arena_new();
    struct run_row row;
    int found = store_run_get(c->store, run, arena, &row, err);
    if (found == 1) found = run_end_queued(c, &row, run_state_names[RUN_cancelled], reason, err);
    arena_free(arena);
    return found;
}

void child_cancel(struct conductor *c, struct live_attempt *a, bool kill, const char *reason) {
    struct err err;
    int64_t run = a->attended->child;
    if (live_find(c, run)) {
        conductor_cancel(c, run, kill, reason);
        return;
    }
    if (cancel_row(c, run, reason, &err) < 0) turn_broke(c, &err);
    waits_tell(c, a);
}

/* ---- recovery ---- */

bool child_goes_on(struct conductor *c, const struct run_row *row) {
    struct arena *arena = arena_new();
    struct attempt_row parent;
    struct err ignored;
    bool found = row->parent && store_attempt_get(c->store, row->parent, arena, &parent, &ignored) == 1;
    const struct live_run *r = found && parent.finished_at == INSTANT_NONE ? live_find(c, parent.run) : NULL;
    arena_free(arena);
    return r && !r->frozen;
}
