/* turn.c: one turn of the conductor: what happened -> the core -> one transaction -> effects. */
#include "scheduler/conductor/attended.h"

#include "base/arena.h"
#include "base/json.h"
#include "scheduler/scope.h"

#include <stdlib.h>
#include <string.h>

instant_t turn_wall(const struct conductor *c) { return world_wall(c->options.world); }
instant_t turn_now(const struct conductor *c) { return world_steady(c->options.world); }

void turn_happened(struct conductor *c, const struct happening *h) {
    GROW(c->happened, c->happened_count, c->happened_cap);
    c->happened[c->happened_count++] = *h;
}

void turn_broke(struct conductor *c, const struct err *err) {
    if (c->is_broken) return;
    c->broken = *err;
    c->is_broken = true;
}

int turn_apply(struct conductor *c, const struct core_event *e) {
    struct err err;
    enum core_answer answer = core_apply(c->core, turn_now(c), e, &c->actions, &err);
    if (answer == CORE_REFUSED) turn_broke(c, &err);
    return answer == CORE_TAKEN ? 0 : -1;
}

/* ---- what happened ---- */

static void take_exit(struct conductor *c, const struct happening *h) {
    struct live_attempt *a = attempt_of_job(c, h->id);
    effect_add(c, &(struct effect){.kind = EFFECT_ACK, .id = ""});
    memcpy(c->effects[c->effect_count - 1].id, h->id, sizeof h->id);
    if (a) attempt_exited(c, a, &h->exit);
}

static void take_not_started(struct conductor *c, const struct happening *h) {
    struct live_attempt *a = attempt_of_job(c, h->id);
    if (a && a->attended)
        attended_not_asked(c, a, &h->err);
    else if (a && a->phase == PHASE_PUBLISH)
        attempt_publish_failed(c, a, &h->err); /* from P3 on only forward */
    else if (a)
        attempt_failed(c, a, OUTCOME_failed, &h->err, false);
}

static void take_never_started(struct conductor *c, const struct happening *h) {
    struct live_attempt *a = attempt_of_job(c, h->id);
    if (a) attempt_never_started(c, a);
}

static void take_lost(struct conductor *c, const struct happening *h) {
    struct live_attempt *a = attempt_of_job(c, h->id);
    if (!a) return;
    if (a->phase == PHASE_PUBLISH) { /* from P3 on only forward: the publish job is run again */
        effect_add(c, &(struct effect){.kind = EFFECT_START, .attempt = a});
        return;
    }
    struct err err;
    err_set(&err, EX_FAILED, "the warden ended while the step ran; what was left of it was stopped");
    err_reason(&err, "lost");
    if (a->attended)
        attended_not_asked(c, a, &err); /* only a look is lost */
    else
        attempt_failed(c, a, OUTCOME_lost, &err, false);
}

static void take_publish_again(struct conductor *c, const struct happening *h) {
    struct live_attempt *a = attempt_of_job(c, h->id);
    if (a && a->phase == PHASE_PUBLISH)
        effect_add(c, &(struct effect){.kind = EFFECT_START, .attempt = a});
    else if (a)
        attempt_may_publish(c, a);
}

static void take(struct conductor *c, const struct happening *h) {
    static void (*const takers[])(struct conductor *, const struct happening *) = {
        [HAPPENED_EXIT] = take_exit,
        [HAPPENED_NOT_STARTED] = take_not_started,
        [HAPPENED_NEVER_STARTED] = take_never_started,
        [HAPPENED_LOST] = take_lost,
        [HAPPENED_PUBLISH_AGAIN] = take_publish_again,
    };
    takers[h->kind](c, h);
}

/* ---- what the core says ---- */

static void decide(struct conductor *c, const struct core_action *a) {
    struct live_run *r = live_find(c, a->run);
    const struct step *s = live_step(r, a->step);
    if (s->finally)
        scope_run_result(r->scope, run_state_names[core_run_result(c->core, r->id)],
                         json_incref(r->failed_steps));
    bool yes = false;
    struct err err;
    struct scope_attempt at = {.number = 0};
    json_t *scope = scope_of_attempt(r->scope, s, &at);
    int bad = pipeline_when(r->pipeline, s, scope, &yes, &err);
    json_decref(scope);
    if (bad) memcpy(live_facts(r, a->step)->message, err.msg, sizeof err.msg);
    turn_apply(c, &(struct core_event){.kind = CORE_DECIDED,
                                       .run = a->run,
                                       .step = a->step,
                                       .decision = bad   ? DECISION_error
                                                   : yes ? DECISION_run
                                                         : DECISION_skip,
                                       .reason = bad ? "when_error" : "when"});
}

static void check_hit(struct conductor *c, int hit, const struct err *err, const char *what) {
    struct err missed;
    if (hit < 0) turn_broke(c, err);
    if (hit == 0) {
        err_set(&missed, EX_CONFLICT,
                "the database does not agree about a %s's state: another program changed it", what);
        turn_broke(c, &missed);
    }
}

static void write_step_state(struct conductor *c, const struct core_action *a) {
    struct live_run *r = live_find(c, a->run);
    const struct step_facts *f = r->facts[a->step];
    bool ended = a->to == STEP_success || a->to == STEP_failed;
    struct step_move m = {.run = a->run,
                          .generation = r->generation,
                          .step = a->step,
                          .from = step_state_names[a->from],
                          .to = step_state_names[a->to],
                          .reason = a->reason[0] ? a->reason : NULL,
                          .message = f && f->message[0] ? f->message : NULL,
                          .nothing_new = f && f->nothing_new,
                          .warned = f && f->warned,
                          .left_out = a->to == STEP_skipped && strcmp(a->reason, "plan") == 0,
                          .attempts = a->attempt,
                          .due = INSTANT_NONE,
                          .rows_read = f && ended ? f->rows_read : -1,
                          .bytes_read = f && ended ? f->bytes_read : -1,
                          .rows_written = f && ended ? f->rows_written : -1,
                          .outputs = f && ended ? f->outputs : NULL,
                          .at = turn_wall(c)};
    if (a->to == STEP_retry_wait) m.due = m.at + (a->at - turn_now(c));
    struct err err;
    check_hit(c, store_step_move(c->store, &m, &err), &err, "step");
    if (a->to == STEP_failed) json_array_append_new(r->failed_steps, json_string(r->names[a->step]));
    if (a->to == STEP_success)
        scope_step_done(r->scope, r->names[a->step], m.outputs, f ? f->rows_written : -1);
    report_step(c, r, a);
}

static void write_run_state(struct conductor *c, const struct core_action *a) {
    struct live_run *r = live_find(c, a->run);
    struct run_move m = {.run = a->run,
                         .from = run_state_names[a->from],
                         .to = run_state_names[a->to],
                         .reason = a->reason[0] ? a->reason : NULL,
                         .failed_step = a->step == CORE_NO_STEP ? NULL : r->names[a->step],
                         .at = turn_wall(c)};
    struct err err;
    check_hit(c, store_run_move(c->store, &m, &err), &err, "run");
    if (a->to == RUN_running) {
        r->started_at = m.at;
        report_run_started(c, r);
    }
    if (!run_state_final(a->to)) return;
    report_run_finished(c, r, a);
    if (r->backfill && backfills_run_ended(c, a->run, m.to, m.reason, &err)) turn_broke(c, &err);
    if (c->feeds_wait) backfills_touch(c);
    live_ended(c, r);
    child_ended(c, r->parent);
    waits_run_ended(c, r);
    if (a->to == RUN_ok || a->to == RUN_warn) triggers_run_ended(c, r);
    if (c->waited != a->run) return;
    c->waited_ended = true;
    c->waited_state = a->to;
    memcpy(c->waited_reason, a->reason, sizeof a->reason);
}

static void write_run_stop(struct conductor *c, const struct core_action *a) {
    struct err err;
    int hit = store_run_stop(c->store, a->run, run_stop_names[a->stop], a->reason, &err);
    if (hit < 0) turn_broke(c, &err);
}

static void start(struct conductor *c, const struct core_action *a) {
    attempt_start(c, live_find(c, a->run), a->step, a->attempt);
}

static void may_publish(struct conductor *c, const struct core_action *a) {
    struct live_attempt *at = live_find(c, a->run)->attempts[a->step];
    if (at) attempt_may_publish(c, at);
}

static void cancel_attempt(struct conductor *c, const struct core_action *a) {
    struct live_attempt *at = live_find(c, a->run)->attempts[a->step];
    if (!at) return;
    if (at->phase == PHASE_PUBLISH) {
        report(c, "cancel_too_late", a->run, at->run->names[a->step], NULL);
        return;
    }
    at->cancelled = true;
    if (at->attended) {
        attended_cancel(c, at, a->kill);
        return;
    }
    if (at->asked_publish) { /* no job of it is alive: it only waited for its turn */
        struct err err;
        err_set(&err, EX_FAILED, "cancelled before it was published");
        err_reason(&err, "cancelled");
        attempt_failed(c, at, OUTCOME_cancelled, &err, false);
        return;
    }
    effect_add(c, &(struct effect){.kind = EFFECT_CANCEL, .attempt = at, .kill = a->kill});
}

static void fault(struct conductor *c, const struct core_action *a) {
    struct err err;
    err_set(&err, EX_ENVIRONMENT, "the scheduler asked for a forbidden move (run %lld, step %u)",
            (long long)a->run, a->step);
    turn_broke(c, &err);
}

static void handle(struct conductor *c, const struct core_action *a) {
    static void (*const handlers[])(struct conductor *, const struct core_action *) = {
        [CORE_DECIDE] = decide,
        [CORE_STEP_STATE] = write_step_state,
        [CORE_START] = start,
        [CORE_MAY_PUBLISH] = may_publish,
        [CORE_CANCEL_ATTEMPT] = cancel_attempt,
        [CORE_RUN_STATE] = write_run_state,
        [CORE_RUN_STOP] = write_run_stop,
        [CORE_FAULT] = fault,
    };
    handlers[a->kind](c, a);
}

/* Lets the core decide until it has nothing more to say; every answer may make it say more. */
static void settle(struct conductor *c) {
    size_t next = 0;
    do {
        while (next < c->actions.count && !c->is_broken) {
            struct core_action a = c->actions.items[next++]; /* the list may move */
            handle(c, &a);
        }
        if (!c->is_broken) core_settle(c->core, turn_now(c), &c->actions);
    } while (next < c->actions.count && !c->is_broken);
    c->actions.count = 0;
}

static void close_intents(struct conductor *c) {
    struct err err;
    for (size_t i = 0; i < c->to_close_count; i++)
        if (store_intent_close(c->store, c->to_close[i], turn_wall(c), &err) < 0) turn_broke(c, &err);
    c->to_close_count = 0;
}

static void drop_ended_runs(struct conductor *c) {
    while (c->ended) {
        struct live_run *r = c->ended;
        c->ended = r->next_ended;
        core_forget(c->core, r->id);
        live_unlink(c, r);
        live_drop(r);
    }
}

static int begin_or_break(struct conductor *c) {
    if (!c->is_broken && store_begin(c->store, &c->broken)) c->is_broken = true;
    return c->is_broken ? -1 : 0;
}

static int commit_or_break(struct conductor *c) {
    if (c->is_broken)
        store_rollback(c->store);
    else if (store_commit(c->store, &c->broken))
        c->is_broken = true;
    return c->is_broken ? -1 : 0;
}

/* What the clock decides. A few slots share the turn's transaction; a thousand of one second are durable
 * before anything else is done, and do not wait for their runs to begin. */
static void tick(struct conductor *c) {
    if (!c->clock || c->draining || c->is_broken) return;
    clock_look(c);
    if (c->is_broken || clock_idle(c)) return;
    clock_tick(c, CLOCK_FEW);
    if (c->is_broken || clock_idle(c)) return;
    clock_tick(c, CLOCK_MANY);
    if (commit_or_break(c) == 0) begin_or_break(c);
}

static void take_happenings(struct conductor *c) {
    size_t n = c->happened_count;
    for (size_t i = 0; i < n && !c->is_broken; i++) {
        struct happening h = c->happened[i];
        take(c, &h);
    }
    if (n) memmove(c->happened, c->happened + n, (c->happened_count - n) * sizeof *c->happened);
    c->happened_count -= n;
}

static void transact(struct conductor *c) {
    if (begin_or_break(c)) return;
    tick(c);
    close_intents(c);
    take_happenings(c);
    waits_turn(c);
    if (!c->is_broken && !c->draining) backfills_feed(c);
    if (!c->is_broken && !c->draining) admit_waiting(c);
    settle(c);
    triggers_tick(c);
    commit_or_break(c);
}

int turn_take(struct conductor *c, struct err *err) {
    c->wants_turn = false;
    transact(c);
    if (c->is_broken) {
        *err = c->broken;
        return -1;
    }
    effects_run(c);
    drop_ended_runs(c);
    struct err tend;
    if (store_tend(c->store, false, &tend)) turn_broke(c, &tend);
    return c->is_broken ? (*err = c->broken, -1) : 0;
}
