/* publishing.c: P3 (prepare, in the turn that saw the audit) and P6 (commit, in the turn that saw the publish
 * job end). */
#include "scheduler/conductor/attended.h"

#include "base/arena.h"
#include "base/json.h"
#include "operators/exchange.h"
#include "store/bookmarks.h"
#include "store/datasets.h"
#include "zones/publish.h"

#include <stdlib.h>
#include <string.h>

/* ---- P3 ---- */

/* The bookmark's move that P6 (or the end of a step without output) makes; NULL: none. */
const json_t *attempt_proposal(const struct live_attempt *a) {
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
    if (store_attempt_phase(c->store, a->id, PHASE_PUBLISH, &err) < 0) turn_broke(c, &err);
    effect_add(c, &(struct effect){.kind = EFFECT_START, .attempt = a});
}

void attempt_may_publish(struct conductor *c, struct live_attempt *a) {
    struct err err = {0};
    json_t *plan = publish_prepare(c->store, a->request, a->result, turn_wall(c), &err);
    if (!plan) {
        attempt_failed(c, a, OUTCOME_failed, &err, false);
        return;
    }
    const json_t *mark = json_object_get(a->request, "bookmark"), *proposal = attempt_proposal(a);
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
    case PREPARE_FAILED: turn_broke(c, &err); break;
    case PREPARE_DATASET_BUSY:
    case PREPARE_BOOKMARK_BUSY: retry_publish_soon(c, a); break;
    default: attempt_failed(c, a, OUTCOME_failed, &err, end != PREPARE_HEAD_MOVED); break;
    }
}

/* ---- P6 ---- */

static void keep_published(struct conductor *c, struct live_attempt *a, const json_t *plan) {
    json_t *list = json_array(), *out;
    size_t i;
    json_array_foreach(json_object_get(plan, "outputs"), i, out) {
        waits_published(c, json_text_or(out, "dataset", ""));
        triggers_published(c, json_text_or(out, "dataset", ""));
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

enum { FORGET_ROWS = 1000 };

/* `horizon` of a files bookmark: whole folders of older files leave the set, a piece with every publish. */
static void forget_old_files(struct conductor *c, const struct live_attempt *a) {
    const json_t *mark = json_object_get(a->request, "bookmark");
    duration_t horizon = json_int(json_object_get(mark, "options"), "horizon", 0);
    struct err err;
    if (horizon <= 0) return;
    int64_t oldest_ns = (turn_wall(c) - horizon) * 1000;
    if (store_bookmark_files_forget(c->store, json_int(mark, "id", 0), oldest_ns, FORGET_ROWS, &err) < 0)
        turn_broke(c, &err);
}

static void commit(struct conductor *c, struct live_attempt *a) {
    struct arena *arena = arena_new();
    struct intent_row row;
    struct err err;
    json_t *detail = attempt_detail(a, NULL);
    struct attempt_end end = attempt_end_of(c, a, "success", NULL);
    end.detail = detail;
    int found = store_intent_get(c->store, a->intent, arena, &row, &err);
    int hit = found == 1 ? store_intent_commit(c->store, a->intent, &end, turn_wall(c), &err) : found;
    if (hit == 0) err_set(&err, EX_CONFLICT, "intent %lld is not open any more", (long long)a->intent);
    json_t *plan = hit == 1 && row.plan ? json_loads(row.plan, 0, NULL) : NULL;
    if (plan) keep_published(c, a, plan);
    if (plan) consumed_stale(c, a, plan);
    json_decref(plan);
    json_decref(detail);
    arena_free(arena);
    if (hit != 1) {
        turn_broke(c, &err);
        return;
    }
    forget_old_files(c, a);
    GROW(c->to_close, c->to_close_count, c->to_close_cap);
    c->to_close[c->to_close_count++] = a->intent;
    consumed_by(c, a);
    attempt_keep_facts(c, a, NULL);
    attempt_over(c, a);
    attempt_tell(c, a, attempt_good_outcome(a), NULL, false);
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
    if (next && store_intent_replan(c->store, a->intent, next, turn_wall(c), &err) < 0) turn_broke(c, &err);
    if (next) {
        effect_add(c, &(struct effect){.kind = EFFECT_START, .attempt = a});
    } else {
        struct err ignored;
        if (store_intent_abort(c->store, a->intent, err.msg, turn_wall(c), &ignored) < 0)
            turn_broke(c, &ignored);
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
        if (store_dataset_stop(c->store, json_int(out, "dataset_id", 0), why->msg, &err) < 0)
            turn_broke(c, &err);
    }
    if (store_intent_abort(c->store, a->intent, why->msg, turn_wall(c), &err) < 0) turn_broke(c, &err);
    json_decref(plan);
    arena_free(arena);
    attempt_failed(c, a, OUTCOME_failed, why, true);
}

/* P4-P5 failed though nothing is wrong with the plan: forward is the only way, so try again, then give up
 * loudly. */
void attempt_publish_failed(struct conductor *c, struct live_attempt *a, const struct err *why) {
    a->job_try = (a->job_try + 1) % PUBLISH_TRIES;
    if (++a->publish_failures < PUBLISH_TRIES) {
        effect_add(c, &(struct effect){.kind = EFFECT_START, .attempt = a});
        return;
    }
    struct err err = *why;
    err_prefix(&err, "%s is checked and staged but cannot be published", a->run->names[a->step]);
    if (why->hint[0])
        err_hint(&err, "%s; when that is mended the next leat command that writes goes on from here",
                 why->hint);
    else
        err_hint(&err, "mend the cause; the next leat command that writes goes on from here");
    err.exit = EX_ENVIRONMENT;
    turn_broke(c, &err);
}

void attempt_published(struct conductor *c, struct live_attempt *a, const struct job_exit *x) {
    char *path = exchange_result_path(c->options.project->state, a->token, "publish");
    struct err err = {0};
    bool done = x->started && x->exit_code == 0;
    json_t *result = done ? result_load(path, &err) : NULL;
    free(path);
    if (!done) attempt_why(a, x, &err);
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
            attempt_publish_failed(c, a, &err);
    }
    json_decref(result);
}
