/* exits.c: what the end of a job means for its attempt. A worker's main job does its own audit; a process
 * step with `into:` has an audit job of its own. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/json.h"
#include "operators/exchange.h"
#include "scheduler/conductor/attended.h"
#include "store/bookmarks.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* ---- success ---- */

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
    turn_broke(c, &err);
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
    const json_t *proposal = attempt_proposal(a), *mark = json_object_get(a->request, "bookmark");
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
    if (hit < 0) turn_broke(c, err);
    return hit < 0 ? -1 : 0;
}

enum core_outcome attempt_good_outcome(struct live_attempt *a) {
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
        attempt_finish(c, a, attempt_good_outcome(a), NULL, false);
}

/* ---- exits of the three jobs ---- */

/* Without a cgroup the limit holds the address space: the program is told that there is no memory and ends as
 * it likes. One that came near its limit most likely ended for that. */
static void hint_memory(const struct live_attempt *a, const struct job_exit *x, struct err *err) {
    const json_t *limits = json_object_get(json_object_get(a->request, "siblings"), "limits");
    int64_t limit = json_int(limits, "memory", 0);
    if (!limit || x->max_rss_bytes < limit / 4 * 3) return;
    err_hint(err, "it had used %lld of the %lld MiB it may: give it more with limits: {memory: …}",
             (long long)(x->max_rss_bytes >> 20), (long long)(limit >> 20));
}

/* A program that is not there is the step's fault; a machine that is out of something is not. */
static enum leat_exit start_exit(int error) {
    static const int scarce[] = {EAGAIN, ENOMEM, EMFILE, ENFILE, ENOSPC, EDQUOT, EIO, EROFS};
    for (size_t i = 0; i < sizeof scarce / sizeof *scarce; i++)
        if (scarce[i] == error) return EX_ENVIRONMENT;
    return EX_FAILED;
}

/* Why a job that did not exit with 0 ended, for people. */
void attempt_why(const struct live_attempt *a, const struct job_exit *x, struct err *err) {
    const char *name = a->run->names[a->step];
    if (!x->started) {
        err_set(err, start_exit(x->error), "step %s could not be started (%s): %s", name, x->stage,
                strerror(x->error));
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
        hint_memory(a, x, err);
        err_reason(err, "signal");
    } else {
        err_set(err, EX_FAILED, "step %s ended with exit code %d", name, x->exit_code);
        hint_memory(a, x, err);
        err_reason(err, "exit_code");
    }
}

static void job_failed(struct conductor *c, struct live_attempt *a, const struct job_exit *x) {
    struct err err;
    attempt_why(a, x, &err);
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
        if (store_attempt_phase(c->store, a->id, PHASE_AUDIT, &err) < 0) turn_broke(c, &err);
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
        attempt_finish(c, a, OUTCOME_nothing_new, NULL, false);
    } else if (x->exit_code == EXIT_ASKS_RETRY) {
        attempt_why(a, x, &err);
        err_reason(&err, "retry_asked");
        attempt_failed(c, a, OUTCOME_retry_asked, &err, false);
    } else {
        job_failed(c, a, x);
    }
}

void attempt_exited(struct conductor *c, struct live_attempt *a, const struct job_exit *x) {
    bool worker = json_flag(a->request, "worker");
    if (a->phase == PHASE_MAIN) a->main_exit = *x;
    if (a->attended)
        attended_exited(c, a, x);
    else if (a->phase == PHASE_PUBLISH)
        attempt_published(c, a, x);
    else if (a->phase == PHASE_AUDIT || worker)
        worker_exited(c, a, x);
    else
        process_exited(c, a, x);
}
