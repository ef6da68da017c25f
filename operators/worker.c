/* worker.c: see worker.h. */
#include "operators/worker.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/limits.h"
#include "engine/duck.h"
#include "operators/op.h"
#include "operators/prepare.h"
#include "operators/work.h"
#include "store/store.h"
#include "zones/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- actions ---- */

static int act_work(struct work *w, struct err *err) {
    const struct op *op = op_find(w->request.verb);
    if (!op || !op->work) return err_set(err, EX_INVALID, "`%s` is no verb of the worker", w->request.verb);
    return op->work(w, err);
}

/* P2 of what a process step wrote; a value bookmark is in the file it was given for that. */
static int act_audit(struct work *w, struct err *err) {
    if (!w->request.has_into)
        return err_set(err, EX_INVALID, "there is nothing to audit: the step has no `into:`");
    bool engine = w->request.into.delta || audit_needs_engine(&w->request.into);
    if (work_audit_begin(w, engine, err) < 0 || audit_process(&w->audit, err) < 0) return -1;
    return work_propose_value(w, err);
}

/* A checkpoint only helps readers: without it the publish is as good. */
static void write_checkpoint(struct work *w, struct store *store) {
    struct err err = {0};
    json_t *plan = publish_plan(store, w->request.intent, NULL);
    if (plan && publish_wants_checkpoint(plan)) {
        struct duck *d = work_duck(w, &err);
        if (!d || publish_checkpoint(d, store, plan, w->request.intent, &err) < 0)
            work_warn(w, "no checkpoint was written: %s", err.msg);
    }
    json_decref(plan);
}

static int act_publish(struct work *w, struct err *err) {
    static const char *const words[] = {"done", "outside", "stopped", "failed"};
    struct store *store = NULL;
    if (work_store(w, &store, err) < 0) return -1;
    if (!store) return err_set(err, EX_ENVIRONMENT, "no database to publish from in %s", w->request.state);
    json_t *outside = NULL;
    enum publish_end end = publish_run_intent(store, w->request.intent, &outside, err);
    if (end == PUBLISH_DONE) write_checkpoint(w, store);
    json_put_text(w->result, "publish", words[end]);
    json_put(w->result, "outside", outside);
    return end == PUBLISH_DONE || end == PUBLISH_OUTSIDE ? 0 : -1;
}

/* Reaches no file: looking at a step must not depend on what lies in a folder, nor take long. */
static struct duck *blind_duck(struct work *w, struct err *err) {
    struct duck_options o = {
        .timezone = w->request.timezone, .threads = 1, .memory_bytes = LIMIT_PREPARE_BYTES};
    return w->duck = duck_open(&o, err);
}

/* What is wrong with a step is an answer, not a failure. Without a database nothing was published. */
static int act_parse(struct work *w, struct err *err) {
    struct err ignored = {0};
    struct prepare_request r = {.zones = w->request.zones, .steps = w->request.steps};
    if (!(r.duck = blind_duck(w, err))) return -1;
    if (work_store(w, &r.store, &ignored) < 0) r.store = NULL;
    json_put(w->result, "steps", prepare_steps(&r));
    return 0;
}

static const struct {
    const char *name;
    int (*run)(struct work *w, struct err *err);
} actions[] = {
    {"work", act_work},
    {"audit", act_audit},
    {"publish", act_publish},
    {"parse", act_parse},
};

static int act(struct work *w, struct err *err) {
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(actions[i].name, w->request.action) == 0) return actions[i].run(w, err);
    return err_set(err, EX_INVALID, "the worker knows no action `%s`", w->request.action);
}

/* ---- around the action ---- */

static void pour_audit(struct work *w) {
    if (!w->audit_open) return;
    size_t i;
    json_t *text;
    json_array_foreach(w->audit.warnings, i, text) work_warn(w, "%s", json_string_value(text));
    json_put(w->result, "outputs", json_incref(w->audit.outputs));
    json_put(w->result, "checks", json_incref(w->audit.checks));
    json_put(w->result, "rows_written", json_integer(w->audit.rows));
    json_put(w->result, "bad_rows", json_integer(w->audit.bad_rows));
    if (w->audit.nothing_new) work_nothing_new(w);
    audit_release(&w->audit);
}

/* Nothing of a failed attempt may look publishable. */
static void note_failure(struct work *w, struct err *err) {
    if (work_stopped(w)) work_cancelled(err);
    result_fail(w->result, err);
    json_put(w->result, "outputs", json_array());
    json_put(w->result, "bookmark", NULL);
    work_log(w, "error: %s%s%s", err->msg, err->hint[0] ? "\nhint: " : "", err->hint);
}

static void clean_up(struct work *w) {
    stopper_on_stop(w->stopper, NULL, NULL);
    duck_close(w->duck);
    store_close(w->store);
    progress_close(&w->progress);
    if (w->request.token[0]) {
        char *spill = exchange_path(w->request.state, w->request.token, EXCHANGE_SPILL);
        fs_remove_tree(spill, NULL);
        free(spill);
    }
}

static char *result_path(const struct request *r) {
    return r->result_path ? xstrdup(r->result_path) : exchange_result_path(r->state, r->token, r->action);
}

/* Paths in SQL and globs are relative to the project folder. */
static int enter_project(const struct request *r, struct err *err) {
    if (r->root[0] && chdir(r->root) < 0)
        return err_errno(err, "cannot enter the project folder %s", r->root);
    return 0;
}

static int run(struct work *w, struct err *err) {
    if (w->request.token[0]) {
        char *path = exchange_path(w->request.state, w->request.token, EXCHANGE_PROGRESS);
        progress_open(&w->progress, path);
        free(path);
    }
    struct err why = {0};
    int rc = enter_project(&w->request, &why);
    if (rc == 0) rc = act(w, &why);
    pour_audit(w);
    if (rc < 0) note_failure(w, &why);
    clean_up(w);
    fflush(stdout);
    char *path = result_path(&w->request);
    rc = result_write(w->result, path, err);
    free(path);
    return rc;
}

int worker_main(const char *request_path) {
    struct work w = {.progress = {.fd = -1}};
    struct err err = {0};
    int rc = request_read(request_path, &w.request, &err);
    if (rc == 0) w.stopper = stopper_start(&err);
    if (w.stopper) {
        w.result = result_new();
        rc = run(&w, &err);
        json_decref(w.result);
        stopper_end(w.stopper);
    }
    request_release(&w.request);
    if (rc == 0 && !err.msg[0]) return EX_OK;
    fprintf(stderr, "leat worker: %s\n", err.msg);
    return err.exit ? (int)err.exit : EX_FAILED;
}
