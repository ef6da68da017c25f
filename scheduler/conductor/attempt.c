/* attempt.c: an attempt from its start to its end.
 *
 *   main job --ok, into--> [audit job, for process steps] --> P3 prepare --> publish job --> P6 commit
 *
 * A worker's main job does its own audit. Everything here runs inside the turn's transaction; jobs start
 * after its commit. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"
#include "operators/exchange.h"
#include "operators/op.h"
#include "scheduler/scope.h"
#include "store/bookmarks.h"
#include "store/datasets.h"
#include "zones/publish.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

void attempt_job_id(const struct live_attempt *a, char id[128]) {
    if (a->publish_try)
        snprintf(id, 128, "%s.%c%u", a->token, (char)a->phase, a->publish_try);
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
    free(a->stage);
    free(a);
}

/* ---- the end
 * ---------------------------------------------------------------------------------------------------- */

static void tell_core(struct conductor *c, const struct live_attempt *a, enum core_outcome outcome,
                      const char *reason, bool permanent) {
    turn_apply(c, &(struct core_event){.kind = CORE_ATTEMPT_ENDED,
                                       .run = a->run->id,
                                       .step = a->step,
                                       .attempt = a->number,
                                       .outcome = outcome,
                                       .permanent = permanent,
                                       .reason = reason && reason[0] ? reason : NULL});
}

/* What runs show may tell of the attempt: bound SQL and warnings, never values of the environment. */
static json_t *detail_of(const struct live_attempt *a) {
    json_t *d = json_object();
    static const char *const members[] = {"sql", "warnings", "progress"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_t *v = json_object_get(a->result, members[i]);
        if (v) json_object_set(d, members[i], v);
    }
    return d;
}

static const char *const killed_words[] = {
    [KILLED_NO] = NULL, [KILLED_TIMEOUT] = "timeout", [KILLED_CANCEL] = "cancel", [KILLED_MEMORY] = "memory"};

static struct attempt_end end_of(struct conductor *c, const struct live_attempt *a, const char *to,
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

static void broken(struct conductor *c, const struct err *err) {
    if (c->is_broken) return;
    c->is_broken = true;
    c->broken = *err;
}

static void keep_facts(struct conductor *c, struct live_attempt *a, const struct err *err) {
    struct step_facts *f = live_facts(a->run, a->step);
    snprintf(f->message, sizeof f->message, "%s", err ? err->msg : "");
    snprintf(f->hint, sizeof f->hint, "%s", err ? err->hint : "");
    memcpy(f->log, a->log, sizeof f->log);
    f->started_at = a->started_at;
    f->took = turn_wall(c) - a->started_at;
}

/* The attempt is over: its row is written, its files go after the commit. */
static void over(struct conductor *c, struct live_attempt *a) {
    a->run->attempts[a->step] = NULL;
    effect_add(c, &(struct effect){.kind = EFFECT_CLEAN, .attempt = a});
}

static const char *const end_words[OUTCOME_COUNT] = {
    [OUTCOME_success] = "success",    [OUTCOME_nothing_new] = "success", [OUTCOME_warn] = "success",
    [OUTCOME_failed] = "failed",      [OUTCOME_gate] = "failed",         [OUTCOME_lost] = "lost",
    [OUTCOME_retry_asked] = "failed", [OUTCOME_cancelled] = "cancelled",
};

static void finish(struct conductor *c, struct live_attempt *a, enum core_outcome outcome,
                   const struct err *err, bool permanent) {
    struct attempt_end end = end_of(c, a, end_words[outcome], err);
    json_t *detail = detail_of(a);
    end.detail = detail;
    struct err failed;
    int hit = a->id ? store_attempt_end(c->store, &end, &failed) : 1;
    json_decref(detail);
    if (hit < 0) broken(c, &failed);
    keep_facts(c, a, err);
    over(c, a);
    tell_core(c, a, outcome, err ? err->reason : NULL, permanent);
}

void attempt_failed(struct conductor *c, struct live_attempt *a, enum core_outcome outcome,
                    const struct err *err, bool permanent) {
    finish(c, a, a->cancelled ? OUTCOME_cancelled : outcome, err, permanent);
}

/* ---- the start
 * -------------------------------------------------------------------------------------------------- */

void attempt_start(struct conductor *c, struct live_run *r, uint32_t step, uint32_t number) {
    struct live_attempt *a = attempt_new(r, step, number);
    const struct step *s = live_step(r, step);
    if (s->finally)
        scope_run_result(r->scope, run_state_names[core_run_result(c->core, r->id)],
                         json_incref(r->failed_steps));
    struct step_facts *f = r->facts[step];
    if (f) f->nothing_new = f->warned = false;
    struct err err;
    if (claim(c, a, &err)) {
        bool store_failed = !a->id || store_in_transaction(c->store) == false;
        if (store_failed)
            broken(c, &err);
        else
            attempt_failed(c, a, OUTCOME_failed, &err, true);
        return;
    }
    if (attempt_unchanged(c, a)) {
        live_facts(r, step)->nothing_new = true;
        finish(c, a, OUTCOME_nothing_new, NULL, false);
        return;
    }
    effect_add(c, &(struct effect){.kind = EFFECT_START, .attempt = a});
}

/* ---- P3
 * ---------------------------------------------------------------------------------------------------------
 */

/* The bookmark's move that P6 (or the end of a step without output) makes; NULL: none. */
static const json_t *proposal_of(const struct live_attempt *a) {
    const json_t *mark = json_object_get(a->request, "bookmark");
    if (!json_is_object(mark) || !json_flag(mark, "move")) return NULL;
    const json_t *v = json_object_get(a->result, "bookmark");
    return json_is_object(v) ? v : NULL;
}

static void retry_publish_soon(struct conductor *c, struct live_attempt *a) {
    struct happening h = {.kind = HAPPENED_PUBLISH_AGAIN};
    attempt_job_id(a, h.id);
    turn_happened(c, &h);
}

static void prepared(struct conductor *c, struct live_attempt *a) {
    a->phase = PHASE_PUBLISH;
    struct err err;
    if (store_attempt_phase(c->store, a->id, PHASE_PUBLISH, &err) < 0) broken(c, &err);
    effect_add(c, &(struct effect){.kind = EFFECT_START, .attempt = a});
}

void attempt_may_publish(struct conductor *c, struct live_attempt *a) {
    struct err err = {0};
    json_t *plan = publish_prepare(c->store, a->request, a->result, turn_wall(c), &err);
    if (!plan) {
        attempt_failed(c, a, OUTCOME_failed, &err, false);
        return;
    }
    const json_t *mark = json_object_get(a->request, "bookmark"), *proposal = proposal_of(a);
    struct intent_spec spec = {.token = a->token,
                               .attempt = a->id,
                               .plan = plan,
                               .bookmark = proposal ? json_int(mark, "id", 0) : 0,
                               .bookmark_version = json_int(mark, "version", 0),
                               .bookmark_value = proposal,
                               .at = turn_wall(c)};
    enum prepare_end end = store_intent_prepare(c->store, &spec, &a->intent, &err);
    json_decref(plan);
    switch (end) {
    case PREPARE_DONE: prepared(c, a); break;
    case PREPARE_FAILED: broken(c, &err); break;
    case PREPARE_DATASET_BUSY:
    case PREPARE_BOOKMARK_BUSY: retry_publish_soon(c, a); break;
    default: attempt_failed(c, a, OUTCOME_failed, &err, end != PREPARE_HEAD_MOVED); break;
    }
}

/* ---- success
 * ------------------------------------------------------------------------------------------------------ */

static void keep_result(struct live_attempt *a) {
    struct step_facts *f = live_facts(a->run, a->step);
    f->rows_read = json_int(a->result, "rows_read", -1);
    f->bytes_read = json_int(a->result, "bytes_read", -1);
    f->rows_written = json_int(a->result, "rows_written", -1);
    json_decref(f->checks);
    json_decref(f->warnings);
    f->checks = json_incref(json_object_get(a->result, "checks"));
    f->warnings = json_incref(json_object_get(a->result, "warnings"));
}

static bool some_check_warned(const json_t *checks) {
    size_t i;
    json_t *check;
    json_array_foreach(checks, i,
                       check) if (strcmp(json_text_or(check, "result", ""), "warn") == 0) return true;
    return false;
}

static int keep_checks(struct conductor *c, struct live_attempt *a) {
    const json_t *checks = json_object_get(a->result, "checks");
    struct err err;
    if (json_array_size(checks) == 0 || store_checks_put(c->store, a->id, checks, &err) >= 0) return 0;
    broken(c, &err);
    return -1;
}

/* name=value lines of LEAT_OUTPUT become steps.NAME.outputs. */
static int keep_outputs(struct conductor *c, struct live_attempt *a, struct err *err) {
    char *path = exchange_path(c->options.project->state, a->token, EXCHANGE_OUT);
    json_t *outputs = exchange_outputs(path, err);
    free(path);
    if (!outputs && err->msg[0]) return -1;
    struct step_facts *f = live_facts(a->run, a->step);
    json_decref(f->outputs);
    f->outputs = outputs;
    return 0;
}

/* A step that publishes nothing moves its bookmark here. */
static int move_bookmark(struct conductor *c, struct live_attempt *a, struct err *err) {
    const json_t *proposal = proposal_of(a), *mark = json_object_get(a->request, "bookmark");
    if (!proposal) return 0;
    struct bookmark_move m = {.id = json_int(mark, "id", 0),
                              .version = json_int(mark, "version", 0),
                              .change = "advance",
                              .run = a->run->id,
                              .attempt = a->id,
                              .at = turn_wall(c)};
    int hit = store_bookmark_advance(c->store, &m, proposal, err);
    if (hit == 0) {
        err_set(err, EX_CONFLICT, "the bookmark of %s was changed while the step ran",
                a->run->names[a->step]);
        return err_reason(err, "bookmark_moved");
    }
    if (hit < 0) broken(c, err);
    return hit < 0 ? -1 : 0;
}

static enum core_outcome good_outcome(struct live_attempt *a) {
    struct step_facts *f = live_facts(a->run, a->step);
    f->warned = some_check_warned(json_object_get(a->result, "checks"));
    if (a->result && result_outcome(a->result) == RESULT_NOTHING_NEW) f->nothing_new = true;
    return f->nothing_new ? OUTCOME_nothing_new : f->warned ? OUTCOME_warn : OUTCOME_success;
}

static void succeeded(struct conductor *c, struct live_attempt *a) {
    struct err err = {0};
    if (keep_outputs(c, a, &err) || move_bookmark(c, a, &err))
        attempt_failed(c, a, OUTCOME_failed, &err, false);
    else
        finish(c, a, good_outcome(a), NULL, false);
}

/* ---- exits of the three jobs
 * ---------------------------------------------------------------------------------------- */

/* Why a job that did not exit with 0 ended, for people. */
static void why_exited(const struct live_attempt *a, const struct job_exit *x, struct err *err) {
    const char *name = a->run->names[a->step];
    if (!x->started) {
        err_set(err, EX_FAILED, "step %s could not be started (%s): %s", name, x->stage, strerror(x->error));
        err_reason(err, "start_failed");
    } else if (x->killed == KILLED_TIMEOUT) {
        err_set(err, EX_FAILED, "step %s ran past its timeout and was stopped", name);
        err_reason(err, "timeout");
    } else if (x->killed == KILLED_MEMORY) {
        err_set(err, EX_FAILED, "step %s was stopped by its memory limit", name);
        err_hint(err, "give it more: limits: {memory: 2GiB}");
        err_reason(err, "out_of_memory");
    } else if (x->killed == KILLED_CANCEL) {
        err_set(err, EX_FAILED, "step %s was cancelled", name);
        err_reason(err, "cancelled");
    } else if (x->signal) {
        err_set(err, EX_FAILED, "step %s was ended by signal %d (%s)", name, x->signal, strsignal(x->signal));
        if (x->signal == SIGKILL)
            err_hint(err, "nobody here sent it: the system may have run out of memory (see dmesg)");
        err_reason(err, "signal");
    } else {
        err_set(err, EX_FAILED, "step %s ended with exit code %d", name, x->exit_code);
        err_reason(err, "exit_code");
    }
}

static void job_failed(struct conductor *c, struct live_attempt *a, const struct job_exit *x) {
    struct err err;
    why_exited(a, x, &err);
    if (x->killed == KILLED_CANCEL) a->cancelled = true;
    attempt_failed(c, a, OUTCOME_failed, &err, false);
}

static bool has_outputs(const struct live_attempt *a) {
    return json_array_size(json_object_get(a->result, "outputs")) > 0;
}

/* After P2: the result says what the stage holds. */
static void audited(struct conductor *c, struct live_attempt *a, enum result_outcome outcome) {
    keep_result(a);
    if (keep_checks(c, a)) return;
    struct err err = {0};
    if (outcome == RESULT_FAILED || outcome == RESULT_GATE) {
        if (!result_error(a->result, &err)) err_set(&err, EX_FAILED, "the worker gave no reason");
        if (outcome == RESULT_GATE) err_reason(&err, "gate"); /* one word for all of them: exit 5 */
        bool permanent = err.exit == EX_INVALID || err.exit == EX_CONFLICT;
        attempt_failed(c, a, outcome == RESULT_GATE ? OUTCOME_gate : OUTCOME_failed, &err, permanent);
    } else if (outcome == RESULT_NOTHING_NEW || !has_outputs(a)) {
        succeeded(c, a);
    } else if (keep_outputs(c, a, &err)) {
        attempt_failed(c, a, OUTCOME_failed, &err, false);
    } else {
        a->asked_publish = true;
        turn_apply(
            c, &(struct core_event){
                   .kind = CORE_PUBLISH_WANTED, .run = a->run->id, .step = a->step, .attempt = a->number});
    }
}

static void worker_exited(struct conductor *c, struct live_attempt *a, const struct job_exit *x) {
    char *path = exchange_result_path(c->options.project->state, a->token, "work");
    struct err err;
    bool done = x->started && x->exit_code == 0;
    json_t *process = a->result; /* what the process step itself gave, when this was its audit */
    json_t *result = done ? result_load(path, &err) : NULL;
    free(path);
    if (!result) {
        if (done)
            attempt_failed(c, a, OUTCOME_failed, &err, false);
        else
            job_failed(c, a, x);
        return;
    }
    json_object_update_missing(result, process);
    if (process && json_is_null(json_object_get(result, "bookmark")))
        json_object_set(result, "bookmark", json_object_get(process, "bookmark"));
    json_decref(process);
    a->result = result;
    audited(c, a, result_outcome(result));
}

/* A value bookmark: what the process wrote to LEAT_BOOKMARK_FILE. */
static int process_bookmark(struct conductor *c, struct live_attempt *a, struct err *err) {
    const json_t *mark = json_object_get(a->request, "bookmark");
    if (!json_is_object(mark) || strcmp(json_text_or(mark, "kind", ""), "value") != 0) return 0;
    char *path = exchange_path(c->options.project->state, a->token, EXCHANGE_BOOKMARK);
    char *value = exchange_bookmark_value(path, err);
    free(path);
    if (!value) return err->msg[0] ? -1 : 0;
    json_put(a->result, "bookmark", json_pack("{ssss}", "kind", "value", "value", value));
    free(value);
    return 0;
}

static void process_succeeded(struct conductor *c, struct live_attempt *a) {
    struct err err = {0};
    a->result = json_object();
    if (process_bookmark(c, a, &err)) {
        attempt_failed(c, a, OUTCOME_failed, &err, false);
    } else if (!a->stage) {
        succeeded(c, a);
    } else {
        a->phase = PHASE_AUDIT;
        if (store_attempt_phase(c->store, a->id, PHASE_AUDIT, &err) < 0) broken(c, &err);
        effect_add(c, &(struct effect){.kind = EFFECT_START, .attempt = a});
    }
}

enum { EXIT_ASKS_RETRY = 75, EXIT_NOTHING_NEW = 99 };

static void process_exited(struct conductor *c, struct live_attempt *a, const struct job_exit *x) {
    struct err err;
    if (!x->started || x->killed || x->signal) {
        job_failed(c, a, x);
    } else if (x->exit_code == 0) {
        process_succeeded(c, a);
    } else if (x->exit_code == EXIT_NOTHING_NEW) {
        live_facts(a->run, a->step)->nothing_new = true;
        finish(c, a, OUTCOME_nothing_new, NULL, false);
    } else if (x->exit_code == EXIT_ASKS_RETRY) {
        why_exited(a, x, &err);
        err_reason(&err, "retry_asked");
        attempt_failed(c, a, OUTCOME_retry_asked, &err, false);
    } else {
        job_failed(c, a, x);
    }
}

/* ---- P6
 * ---------------------------------------------------------------------------------------------------------------
 */

static void keep_published(struct live_attempt *a, const json_t *plan) {
    json_t *list = json_array(), *out;
    size_t i;
    json_array_foreach(json_object_get(plan, "outputs"), i, out) {
        int64_t rows = 0;
        size_t k;
        json_t *file;
        json_array_foreach(json_object_get(out, "files"), k, file) rows += json_int(file, "rows", 0);
        json_array_append_new(list, json_pack("{sO sO sO sI}", "dataset", json_object_get(out, "dataset"),
                                              "version", json_object_get(out, "version"), "operation",
                                              json_object_get(out, "operation"), "rows", (json_int_t)rows));
    }
    struct step_facts *f = live_facts(a->run, a->step);
    json_decref(f->published);
    f->published = list;
}

static void commit(struct conductor *c, struct live_attempt *a) {
    struct arena *arena = arena_new();
    struct intent_row row;
    struct err err;
    json_t *detail = detail_of(a);
    struct attempt_end end = end_of(c, a, "success", NULL);
    end.detail = detail;
    int found = store_intent_get(c->store, a->intent, arena, &row, &err);
    int hit = found == 1 ? store_intent_commit(c->store, a->intent, &end, turn_wall(c), &err) : found;
    if (hit == 0) err_set(&err, EX_CONFLICT, "intent %lld is not open any more", (long long)a->intent);
    json_t *plan = hit == 1 && row.plan ? json_loads(row.plan, 0, NULL) : NULL;
    if (plan) keep_published(a, plan);
    json_decref(plan);
    json_decref(detail);
    arena_free(arena);
    if (hit != 1) {
        broken(c, &err);
        return;
    }
    GROW(c->to_close, c->to_close_count, c->to_close_cap);
    c->to_close[c->to_close_count++] = a->intent;
    keep_facts(c, a, NULL);
    over(c, a);
    tell_core(c, a, good_outcome(a), NULL, false);
}

/* An outside writer committed first: plan again on its version, where the operation allows that. */
static void rebase(struct conductor *c, struct live_attempt *a, const json_t *outside) {
    struct arena *arena = arena_new();
    struct intent_row row;
    struct err err;
    json_t *plan = NULL, *next = NULL;
    if (store_intent_get(c->store, a->intent, arena, &row, &err) == 1 && row.plan)
        plan = json_loads(row.plan, 0, NULL);
    if (plan) next = publish_rebase(plan, outside, turn_wall(c), &err);
    if (next && store_intent_replan(c->store, a->intent, next, turn_wall(c), &err) < 0) broken(c, &err);
    if (next) {
        effect_add(c, &(struct effect){.kind = EFFECT_START, .attempt = a});
    } else {
        struct err ignored;
        if (store_intent_abort(c->store, a->intent, err.msg, turn_wall(c), &ignored) < 0) broken(c, &ignored);
        attempt_failed(c, a, OUTCOME_failed, &err, true);
    }
    json_decref(plan);
    json_decref(next);
    arena_free(arena);
}

static void stop_datasets(struct conductor *c, struct live_attempt *a, const struct err *why) {
    struct arena *arena = arena_new();
    struct intent_row row;
    struct err err;
    json_t *plan = NULL, *out;
    if (store_intent_get(c->store, a->intent, arena, &row, &err) == 1 && row.plan)
        plan = json_loads(row.plan, 0, NULL);
    size_t i;
    json_array_foreach(json_object_get(plan, "outputs"), i, out) {
        if (store_dataset_stop(c->store, json_int(out, "dataset_id", 0), why->msg, &err) < 0) broken(c, &err);
    }
    if (store_intent_abort(c->store, a->intent, why->msg, turn_wall(c), &err) < 0) broken(c, &err);
    json_decref(plan);
    arena_free(arena);
    attempt_failed(c, a, OUTCOME_failed, why, true);
}

/* P4-P5 failed though nothing is wrong with the plan: forward is the only way, so try again, then give up
 * loudly. */
static void publish_failed(struct conductor *c, struct live_attempt *a, const struct err *why) {
    a->publish_try = (a->publish_try + 1) % PUBLISH_TRIES;
    if (++a->publish_failures < PUBLISH_TRIES) {
        effect_add(c, &(struct effect){.kind = EFFECT_START, .attempt = a});
        return;
    }
    struct err err = *why;
    err_prefix(&err, "%s is checked and staged but cannot be published", a->run->names[a->step]);
    if (!err.hint[0]) err_hint(&err, "mend the cause; the next leat command that writes goes on from here");
    err.exit = EX_ENVIRONMENT;
    broken(c, &err);
}

static void publish_exited(struct conductor *c, struct live_attempt *a, const struct job_exit *x) {
    char *path = exchange_result_path(c->options.project->state, a->token, "publish");
    struct err err = {0};
    bool done = x->started && x->exit_code == 0;
    json_t *result = done ? result_load(path, &err) : NULL;
    free(path);
    if (!done) why_exited(a, x, &err);
    const char *end = json_text_or(result, "publish", "failed");
    if (result && strcmp(end, "done") == 0)
        commit(c, a);
    else if (result && strcmp(end, "outside") == 0)
        rebase(c, a, json_object_get(result, "outside"));
    else {
        if (result && !result_error(result, &err))
            err_set(&err, EX_ENVIRONMENT, "the publish worker gave no reason");
        if (strcmp(end, "stopped") == 0)
            stop_datasets(c, a, &err);
        else
            publish_failed(c, a, &err);
    }
    json_decref(result);
}

void attempt_exited(struct conductor *c, struct live_attempt *a, const struct job_exit *x) {
    bool worker = json_flag(a->request, "worker");
    if (a->phase == PHASE_MAIN) a->main_exit = *x;
    if (a->phase == PHASE_PUBLISH)
        publish_exited(c, a, x);
    else if (a->phase == PHASE_AUDIT || worker)
        worker_exited(c, a, x);
    else
        process_exited(c, a, x);
}
