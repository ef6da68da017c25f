/* attempt.c: an attempt from its start to its end.
 *
 *   main job --ok, into--> [audit job, for process steps] --> P3 prepare --> publish job --> P6 commit
 *
 * exits.c says what the end of a job means, publishing.c holds P3 and P6. Everything runs inside the turn's
 * transaction; jobs start after its commit. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/json.h"
#include "scheduler/conductor/attended.h"
#include "scheduler/scope.h"

#include <stdlib.h>
#include <string.h>

void attempt_job_id(const struct live_attempt *a, char id[128]) {
    if (a->job_try)
        snprintf(id, 128, "%s.%c%u", a->token, (char)a->phase, a->job_try);
    else
        snprintf(id, 128, "%s.%c", a->token, (char)a->phase);
}

struct live_attempt *attempt_of_job(struct conductor *c, const char *job_id) {
    struct attempt_spec t;
    if (!token_parse(job_id, &t)) return NULL;
    struct live_run *r = live_find(c, t.run);
    struct live_attempt *a = r && t.step < r->step_count ? r->attempts[t.step] : NULL;
    char id[128];
    if (!a) return NULL;
    attempt_job_id(a, id);
    return strcmp(id, job_id) == 0 ? a : NULL;
}

struct live_attempt *attempt_new(struct live_run *r, uint32_t step, uint32_t number) {
    struct live_attempt *a = xcalloc(1, sizeof *a);
    *a = (struct live_attempt){.run = r, .step = step, .number = number, .phase = PHASE_MAIN};
    r->attempts[step] = a;
    return a;
}

void attempt_free(struct live_attempt *a) {
    if (!a) return;
    json_decref(a->request);
    json_decref(a->result);
    attended_free(a->attended);
    free(a->stage);
    free(a);
}
/* ---- the end ---- */

void attempt_tell(struct conductor *c, const struct live_attempt *a, enum core_outcome outcome,
                  const char *reason, bool permanent) {
    turn_apply(c, &(struct core_event){.kind = CORE_ATTEMPT_ENDED,
                                       .run = a->run->id,
                                       .step = a->step,
                                       .attempt = a->number,
                                       .outcome = outcome,
                                       .permanent = permanent,
                                       .reason = reason && reason[0] ? reason : NULL});
}

enum leat_exit failure_exit(const struct err *err) {
    return err->exit == EX_GATE || err->exit == EX_ENVIRONMENT ? err->exit : EX_FAILED;
}

/* What runs show may tell of the attempt: bound SQL and warnings, never values of the environment; and whose
 * fault a failure was, for who has to say it later. */
json_t *attempt_detail(const struct live_attempt *a, const struct err *err) {
    json_t *d = a->attended ? attended_detail(a) : json_object();
    if (err && failure_exit(err) != EX_FAILED) json_put(d, "exit", json_integer(err->exit));
    static const char *const members[] = {"sql", "warnings", "progress"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_t *v = json_object_get(a->result, members[i]);
        if (v) json_object_set(d, members[i], v);
    }
    return d;
}

static const char *const killed_words[] = {
    [KILLED_NO] = NULL, [KILLED_TIMEOUT] = "timeout", [KILLED_CANCEL] = "cancel", [KILLED_MEMORY] = "memory"};

struct attempt_end attempt_end_of(struct conductor *c, const struct live_attempt *a, const char *to,
                                  const struct err *err) {
    bool exited = a->main_exit.id[0];
    return (struct attempt_end){.id = a->id,
                                .from = a->intent ? "publishing" : "running",
                                .to = to,
                                .exit_code = exited ? a->main_exit.exit_code : -1,
                                .signal = a->main_exit.signal,
                                .killed = killed_words[a->main_exit.killed],
                                .reason = err && err->reason[0] ? err->reason : NULL,
                                .message = err ? err->msg : NULL,
                                .hint = err && err->hint[0] ? err->hint : NULL,
                                .at = turn_wall(c)};
}

void attempt_keep_facts(struct conductor *c, struct live_attempt *a, const struct err *err) {
    struct step_facts *f = live_facts(a->run, a->step);
    snprintf(f->message, sizeof f->message, "%s", err ? err->msg : "");
    snprintf(f->hint, sizeof f->hint, "%s", err ? err->hint : "");
    f->exit = err ? failure_exit(err) : EX_OK;
    memcpy(f->log, a->log, sizeof f->log);
    f->started_at = a->started_at;
    f->took = turn_wall(c) - a->started_at;
}

/* The attempt is over: its row is written, its files go after the commit. */
void attempt_over(struct conductor *c, struct live_attempt *a) {
    a->run->attempts[a->step] = NULL;
    attended_forget(c, a);
    effect_add(c, &(struct effect){.kind = EFFECT_CLEAN, .attempt = a});
}

static const char *const end_words[OUTCOME_COUNT] = {
    [OUTCOME_success] = "success",    [OUTCOME_nothing_new] = "success", [OUTCOME_warn] = "success",
    [OUTCOME_failed] = "failed",      [OUTCOME_gate] = "failed",         [OUTCOME_lost] = "lost",
    [OUTCOME_retry_asked] = "failed", [OUTCOME_cancelled] = "cancelled",
};

void attempt_finish(struct conductor *c, struct live_attempt *a, enum core_outcome outcome,
                    const struct err *err, bool permanent) {
    struct attempt_end end = attempt_end_of(c, a, end_words[outcome], err);
    json_t *detail = attempt_detail(a, err);
    end.detail = detail;
    struct err failed;
    int hit = a->id ? store_attempt_end(c->store, &end, &failed) : 1;
    json_decref(detail);
    if (hit < 0) turn_broke(c, &failed);
    if (!err) consumed_by(c, a);
    attempt_keep_facts(c, a, err);
    attempt_over(c, a);
    attempt_tell(c, a, outcome, err ? err->reason : NULL, permanent);
}

void attempt_failed(struct conductor *c, struct live_attempt *a, enum core_outcome outcome,
                    const struct err *err, bool permanent) {
    attempt_finish(c, a, a->cancelled ? OUTCOME_cancelled : outcome, err, permanent);
}

/* ---- the start ---- */

static void begin(struct conductor *c, struct live_attempt *a) {
    struct live_run *r = a->run;
    const struct step *s = live_step(r, a->step);
    if (s->finally)
        scope_run_result(r->scope, run_state_names[core_run_result(c->core, r->id)],
                         json_incref(r->failed_steps));
    struct step_facts *f = r->facts[a->step];
    if (f) f->nothing_new = f->warned = false;
    struct err err;
    if (s->attended ? attended_claim(c, a, &err) : claim(c, a, &err)) {
        bool store_failed = !a->id || store_in_transaction(c->store) == false;
        if (store_failed)
            turn_broke(c, &err);
        else
            attempt_failed(c, a, OUTCOME_failed, &err, true);
        return;
    }
    if (s->attended) {
        attended_start(c, a);
        return;
    }
    if (attempt_unchanged(c, a)) {
        live_facts(r, a->step)->nothing_new = true;
        attempt_finish(c, a, OUTCOME_nothing_new, NULL, false);
        return;
    }
    effect_add(c, &(struct effect){.kind = EFFECT_START, .attempt = a});
}

void attempt_start(struct conductor *c, struct live_run *r, uint32_t step, uint32_t number) {
    begin(c, attempt_new(r, step, number));
}

/* As the core sees it: a stop reaches finally steps when it is a kill. */
static bool still_wanted(const struct live_attempt *a) {
    const struct step *s = live_step(a->run, a->step);
    if (!s || a->cancelled || a->run->stop == STOP_KILL) return false;
    return a->run->stop == STOP_NO || s->finally;
}

void attempt_never_started(struct conductor *c, struct live_attempt *a) {
    struct err err;
    if (still_wanted(a)) {
        json_decref(a->request);
        free(a->stage);
        a->request = NULL;
        a->stage = NULL;
        begin(c, a);
        return;
    }
    err_set(&err, EX_FAILED, "step %s was about to start when leat was killed: it never ran",
            a->run->names[a->step]);
    err_reason(&err, "never_started");
    attempt_failed(c, a, OUTCOME_cancelled, &err, false);
}
