/* core_events.c: what happened, taken by the machine: one row of `takes` is one kind of event. An event about what
 * is over is stale, one about what never was is refused; neither changes anything. */
#include "scheduler/core/core.h"

#include "scheduler/core/core_impl.h"
#include "scheduler/core/retry.h"

#include <assert.h>

struct outcome_row {
    bool well, warns, retry;
    const char *reason;
};

#define X(name, w, k, r, why) [OUTCOME_##name] = {.well = w, .warns = k, .retry = r, .reason = why},
static const struct outcome_row outcomes[OUTCOME_COUNT] = {OUTCOME_LIST(X)};
#undef X
#define X(name, w, k, r, why) [OUTCOME_##name] = #name,
const char *const core_outcome_names[OUTCOME_COUNT] = {OUTCOME_LIST(X)};
#undef X

static enum core_answer add_take(struct core *c, const struct core_event *e, struct core_actions *out,
                                 struct err *err) {
    return run_add(c, e->spec, out, err);
}

/* The run an event is about; NULL when it is over or was forgotten. */
static struct run *event_run(const struct core *c, const struct core_event *e) {
    struct run *r = run_by_id(c, e->run);
    return r && !run_state_final(r->state) ? r : NULL;
}

static enum core_answer event_step(const struct core *c, const struct core_event *e, struct run **r,
                                   struct err *err) {
    *r = event_run(c, e);
    if (!*r) return CORE_STALE;
    if (e->step < (*r)->spec.step_count) return CORE_TAKEN;
    err_set(err, EX_FAILED, "run %lld has no step %u", (long long)e->run, e->step);
    return CORE_REFUSED;
}

static enum core_answer event_attempt(const struct core *c, const struct core_event *e, struct run **r,
                                      struct err *err) {
    enum core_answer found = event_step(c, e, r, err);
    if (found != CORE_TAKEN) return found;
    const struct live *l = &(*r)->steps[e->step];
    if (e->attempt > l->attempts) {
        err_set(err, EX_FAILED, "run %lld step %u: attempt %u was never started", (long long)e->run, e->step,
                e->attempt);
        return CORE_REFUSED;
    }
    return l->state == STEP_running && e->attempt == l->attempts ? CORE_TAKEN : CORE_STALE;
}

static enum core_answer decided_take(struct core *c, const struct core_event *e, struct core_actions *out,
                                     struct err *err) {
    struct run *r;
    enum core_answer found = event_step(c, e, &r, err);
    if (found != CORE_TAKEN) return found;
    if (!r->steps[e->step].deciding) return CORE_STALE;
    r->steps[e->step].deciding = false;
    switch (e->decision) {
    case DECISION_run: step_ready(c, r, e->step, out); break;
    case DECISION_skip: step_end(c, r, e->step, STEP_skipped, e->reason ? e->reason : "when", out); break;
    case DECISION_error:
        step_end(c, r, e->step, STEP_failed, e->reason ? e->reason : "when_error", out);
        break;
    }
    run_look(c, r, out);
    return CORE_TAKEN;
}

static enum core_answer publish_take(struct core *c, const struct core_event *e, struct core_actions *out,
                                     struct err *err) {
    struct run *r;
    enum core_answer found = event_attempt(c, e, &r, err);
    if (found != CORE_TAKEN) return found;
    struct live *l = &r->steps[e->step];
    if (l->wanting) return CORE_STALE;
    if (l->publishing) {
        action_add(out, CORE_MAY_PUBLISH, r, e->step);
        return CORE_TAKEN;
    }
    l->wanting = true;
    pools_wait(c, r, e->step);
    return CORE_TAKEN;
}

/* After a stop nothing is tried again, except a finally step that the stop does not reach. */
static bool attempt_retried(const struct core *c, const struct run *r, const struct core_event *e,
                            const char *reason, duration_t *wait) {
    const struct core_step *s = &r->spec.steps[e->step];
    if (!outcomes[e->outcome].retry || (r->stop != STOP_NO && stop_reaches(r, e->step))) return false;
    struct retry_question q = {.policy = &s->retry,
                               .asked = &c->asked,
                               .outcome = e->outcome,
                               .reason = reason,
                               .permanent = e->permanent,
                               .attempts = e->attempt,
                               .at_least = e->wait,
                               .run = e->run,
                               .step = e->step};
    return retry_decide(&q, wait);
}

static void attempt_end(struct core *c, struct run *r, const struct core_event *e, struct core_actions *out) {
    const struct outcome_row *row = &outcomes[e->outcome];
    const char *reason = e->reason && *e->reason ? e->reason : row->reason;
    duration_t wait;
    if (row->well) {
        r->steps[e->step].warned = row->warns;
        step_end(c, r, e->step, STEP_success, reason, out);
    } else if (attempt_retried(c, r, e, reason, &wait)) {
        instant_t due = c->now + wait;
        struct step_move move = {.to = STEP_retry_wait, .reason = reason, .at = due};
        if (step_move(r, e->step, move, out)) timer_set(c, r, e->step, due);
    } else {
        bool cancelled = e->outcome == OUTCOME_cancelled;
        step_end(c, r, e->step, cancelled ? STEP_cancelled : STEP_failed, reason, out);
    }
}

static enum core_answer ended_take(struct core *c, const struct core_event *e, struct core_actions *out,
                                   struct err *err) {
    struct run *r;
    enum core_answer found = event_attempt(c, e, &r, err);
    if (found != CORE_TAKEN) return found;
    if (e->outcome >= OUTCOME_COUNT) {
        err_set(err, EX_FAILED, "outcome %d does not exist", (int)e->outcome);
        return CORE_REFUSED;
    }
    pools_give(c, r, e->step);
    attempt_end(c, r, e, out);
    run_look(c, r, out);
    return CORE_TAKEN;
}

static enum core_answer cancel_take(struct core *c, const struct core_event *e, struct core_actions *out,
                                    struct err *err) {
    (void)err;
    struct run *r = event_run(c, e);
    return r ? run_stop(c, r, e->kill ? STOP_KILL : STOP_CANCEL, e->reason, out) : CORE_STALE;
}

static enum core_answer freeze_take(struct core *c, const struct core_event *e, struct core_actions *out,
                                    struct err *err) {
    (void)err;
    struct run *r = event_run(c, e);
    return r ? run_stop(c, r, STOP_FREEZE, e->reason, out) : CORE_STALE;
}

static enum core_answer stop_take(struct core *c, const struct core_event *e, struct core_actions *out,
                                  struct err *err) {
    (void)e, (void)out, (void)err;
    c->stopped = true;
    return CORE_TAKEN;
}

static enum core_answer resume_take(struct core *c, const struct core_event *e, struct core_actions *out,
                                    struct err *err) {
    (void)e, (void)out, (void)err;
    c->stopped = false;
    size_t at = 0;
    for (struct group *g; (g = idmap_next(&c->groups, &at));) group_kick(c, g);
    group_kick(c, &c->unlimited);
    return CORE_TAKEN;
}

typedef enum core_answer event_take(struct core *, const struct core_event *, struct core_actions *,
                                    struct err *);
static event_take *const takes[] = {
    [CORE_RUN_ADD] = add_take,
    [CORE_DECIDED] = decided_take,
    [CORE_PUBLISH_WANTED] = publish_take,
    [CORE_ATTEMPT_ENDED] = ended_take,
    [CORE_RUN_CANCEL] = cancel_take,
    [CORE_RUN_FREEZE] = freeze_take,
    [CORE_STOP_STARTING] = stop_take,
    [CORE_RESUME_STARTING] = resume_take,
};

enum core_answer core_apply(struct core *c, instant_t now, const struct core_event *event,
                            struct core_actions *out, struct err *err) {
    core_clock(c, now);
    assert(c->ended.count == 0);
    return takes[event->kind](c, event, out, err);
}
