/* workbench.h: one step at a time through the real worker: request file, worker_main(), result file, and,
 * when asked, the real publish (P3, the worker's publish action, P6). On top of lake.h. */
#ifndef LEAT_TESTS_WORKBENCH_H
#define LEAT_TESTS_WORKBENCH_H

#include "lake.h"

#include "operators/exchange.h"
#include "operators/worker.h"
#include "store/bookmarks.h"
#include "zones/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <utime.h>

struct job {
    const char *action;        /* NULL: work */
    const char *verb, *config; /* loose JSON */
    const char *sql;           /* instead of config: {text: {text: sql, line: 3, column: 13}} */
    const char *into; /* loose JSON: members of request.into over the defaults below; NULL: no into */
    const char *siblings, *env, *params;
    const char *const *inputs; /* dataset names, NULL at the end */
    const char *bookmark;      /* kind; NULL: none */
    const char *options;       /* of the bookmark */
    const char *templated;     /* config key */
    const char *engines, *timezone;
    bool keep_bookmark;                 /* move: false */
    instant_t window_start, window_end; /* both 0: none */
};

struct done {
    struct lake_attempt attempt;
    int64_t bookmark;
    json_t *request, *result;
    int exit;
};

static inline void done_free(struct done *d) {
    json_decref(d->request);
    json_decref(d->result);
}

/* ---- the request --------------------------------------------------------------------------------------- */

static inline json_t *loose_or(const char *text, json_t *otherwise) {
    if (!text) return otherwise;
    json_decref(otherwise);
    return loose(text);
}

static inline void bench_bookmark(struct lake *l, const struct job *j, struct done *d) {
    if (!j->bookmark) return;
    const struct bookmark_key key = {"shop", "load", j->bookmark, "source"};
    struct bookmark_row row;
    assert_int_equal(store_begin(l->store, &l->err), 0);
    assert_true(store_bookmark_ensure(l->store, &key, &d->bookmark, &l->err) >= 0);
    assert_int_equal(store_commit(l->store, &l->err), 0);
    assert_int_equal(store_bookmark_get(l->store, d->bookmark, l->arena, &row, &l->err), 1);
    struct request_bookmark b = {.kind = j->bookmark,
                                 .id = row.id,
                                 .version = row.version,
                                 .options = loose_or(j->options, NULL),
                                 .move = !j->keep_bookmark};
    request_bookmark(d->request, &b);
}

/* The version this step has consumed, from its version bookmark; -1: never. */
static inline int64_t bench_since(struct lake *l, const struct done *d, const char *dataset) {
    struct bookmark_row row;
    if (!d->bookmark || store_bookmark_get(l->store, d->bookmark, l->arena, &row, &l->err) != 1 || !row.value)
        return -1;
    json_t *value = json_loads(row.value, JSON_DECODE_ANY, NULL);
    int64_t since = json_int(value, dataset, -1);
    json_decref(value);
    return since;
}

static inline void bench_inputs(struct lake *l, const struct job *j, struct done *d) {
    for (const char *const *name = j->inputs; name && *name; name++) {
        struct dataset_row row = {.id = -1, .head = -1};
        store_dataset_find(l->store, *name, l->arena, &row, &l->err);
        struct request_input in = {.dataset = *name,
                                   .dataset_id = row.head < 0 ? -1 : row.id,
                                   .version = row.head,
                                   .since = bench_since(l, d, *name),
                                   .since_known = j->bookmark != NULL};
        request_input(d->request, &in);
    }
}

/* Into a Delta dataset that may grow columns, unless the job says otherwise. */
static inline void bench_into(struct lake *l, const struct job *j, struct done *d) {
    if (!j->into) return;
    json_t *o = loose(j->into);
    const char *dataset = json_text(o, "dataset");
    struct dataset_row row = {.head = -1};
    store_dataset_find(l->store, dataset, l->arena, &row, &l->err);
    json_t *all =
        json_pack("{ss ss ss ss sI ss ss}", "format", "delta", "schema", "add", "write", "append", "bad_rows",
                  "fail", "max_bad_rows", (json_int_t)-1, "if_empty", "ok", "path", lake_path(l, dataset));
    json_put(all, "max_bad_part", json_real(-1));
    json_put_text(all, "stage", d->attempt.stage);
    json_put(all, "dataset_id", row.head < 0 ? NULL : json_integer(row.id));
    json_put(all, "base_version", json_integer(row.head));
    json_put(all, "columns", row.columns ? json_loads(row.columns, 0, NULL) : NULL);
    json_object_update(all, o);
    json_decref(o);
    if (strcmp(json_text_or(all, "bad_rows", ""), "quarantine") == 0) {
        const char *name = arena_printf(l->arena, "%s__quarantine", dataset);
        struct dataset_row q = {.id = -1, .head = -1};
        store_dataset_find(l->store, name, l->arena, &q, &l->err);
        json_put(all, "quarantine",
                 json_pack("{ss so ss sI}", "dataset", name, "dataset_id",
                           q.head < 0 ? json_null() : json_integer(q.id), "path", lake_path(l, name),
                           "base_version", (json_int_t)q.head));
    }
    json_put(d->request, "into", all);
}

static inline void bench_request(struct lake *l, const struct job *j, struct done *d) {
    bool window = j->window_start || j->window_end;
    struct request_head head = {.action = j->action ? j->action : "work",
                                .token = d->attempt.token,
                                .project = "demo",
                                .root = l->root,
                                .state = l->state,
                                .uuid = store_uuid(l->store),
                                .db = store_path(l->store),
                                .pipeline = "shop",
                                .step = "load",
                                .run = "1",
                                .trigger = "manual",
                                .timezone = j->timezone ? j->timezone : "UTC",
                                .verb = j->verb,
                                .generation = 1,
                                .attempt = 1,
                                .window_start = window ? j->window_start : INSTANT_NONE,
                                .window_end = window ? j->window_end : INSTANT_NONE};
    d->request = request_new(&head);
    static const char *const zones[] = {"raw", "trusted", "refined"};
    for (size_t i = 0; i < 3; i++)
        request_zone(d->request, zones[i], arena_printf(l->arena, "%s/lake/%s", l->root, zones[i]), "delta",
                     "add");
    json_t *sql = j->sql ? json_pack("{s{ss si si}}", "text", "text", j->sql, "line", 3, "column", 13) : NULL;
    struct request_config c = {.config = loose_or(j->config, sql),
                               .siblings = loose_or(j->siblings, NULL),
                               .env = loose_or(j->env, NULL),
                               .params = loose_or(j->params, NULL)};
    json_t *engines = loose_or(j->engines, NULL);
    c.engines = engines;
    request_configure(d->request, &c);
    json_decref(engines);
    if (j->templated) request_templated(d->request, j->templated);
    bench_bookmark(l, j, d);
    bench_inputs(l, j, d);
    bench_into(l, j, d);
}

/* ---- running ------------------------------------------------------------------------------------------- */

/* Stdout is the step's log: kept out of the test's own. */
static inline int bench_quietly(const char *request) {
    fflush(stdout);
    int keep = dup(1), null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    close(null);
    int rc = worker_main(request);
    fflush(stdout);
    dup2(keep, 1);
    close(keep);
    return rc;
}

static inline void bench_execute(struct lake *l, struct done *d) {
    const char *action = json_text(d->request, "action");
    char *path = exchange_request_path(l->state, d->attempt.token, action);
    char *answer = exchange_result_path(l->state, d->attempt.token, action);
    char *folder = fs_parent(path);
    assert_int_equal(fs_mkdirs(folder, 0700, &l->err), 0);
    if (request_write(d->request, path, &l->err)) fail_msg("%s", l->err.msg);
    d->exit = bench_quietly(path);
    json_decref(d->result);
    d->result = result_load(answer, &l->err);
    if (!d->result) fail_msg("%s", l->err.msg);
    free(folder);
    free(answer);
    free(path);
}

static inline void bench_zone_of(const struct job *j, char zone[64]) {
    json_t *o = j->into ? loose(j->into) : NULL;
    const char *dataset = json_text_or(o, "dataset", "raw.x");
    snprintf(zone, 64, "%.*s", (int)strcspn(dataset, "."), dataset);
    json_decref(o);
}

static inline struct done bench_begin(struct lake *l, const struct job *j) {
    struct done d = {0};
    char zone[64];
    bench_zone_of(j, zone);
    lake_claim(l, zone, &d.attempt);
    bench_request(l, j, &d);
    return d;
}

static inline struct done bench_run(struct lake *l, const struct job *j) {
    struct done d = bench_begin(l, j);
    bench_execute(l, &d);
    assert_int_equal(d.exit, 0);
    return d;
}

/* P3, P4 and P5 in the worker, P6, P7. */
static inline void bench_publish(struct lake *l, struct done *d) {
    json_t *plan = publish_prepare(l->store, d->request, d->result, l->now, &l->err);
    if (!plan) fail_msg("%s", l->err.msg);
    json_t *mark = json_object_get(d->result, "bookmark");
    struct bookmark_row row = {0};
    if (json_is_object(mark))
        assert_int_equal(store_bookmark_get(l->store, d->bookmark, l->arena, &row, &l->err), 1);
    const struct intent_spec spec = {.token = d->attempt.token,
                                     .attempt = d->attempt.id,
                                     .plan = plan,
                                     .bookmark = json_is_object(mark) ? d->bookmark : 0,
                                     .bookmark_version = row.version,
                                     .bookmark_value = json_is_object(mark) ? mark : NULL,
                                     .at = l->now};
    int64_t intent = -1;
    assert_int_equal(store_begin(l->store, &l->err), 0);
    if (store_intent_prepare(l->store, &spec, &intent, &l->err) != PREPARE_DONE) fail_msg("%s", l->err.msg);
    if (store_checks_put(l->store, d->attempt.id, json_object_get(d->result, "checks"), &l->err) < 0)
        fail_msg("%s", l->err.msg);
    assert_int_equal(store_commit(l->store, &l->err), 0);
    json_put_text(d->request, "action", "publish");
    request_intent(d->request, intent);
    json_t *work = json_incref(d->result);
    bench_execute(l, d);
    assert_string_equal(json_text(d->result, "publish"), "done");
    json_decref(d->result);
    d->result = work;
    lake_commit(l, intent, true);
    json_decref(plan);
}

/* ---- answers ------------------------------------------------------------------------------------------- */

static inline const char *done_outcome(const struct done *d) {
    return json_text_or(d->result, "outcome", "");
}
static inline const char *done_message(const struct done *d) {
    return json_text_or(json_object_get(d->result, "error"), "msg", "");
}
static inline const char *done_reason(const struct done *d) {
    return json_text_or(json_object_get(d->result, "error"), "reason", "");
}
static inline const json_t *done_output(const struct done *d, size_t i) {
    return json_array_get(json_object_get(d->result, "outputs"), i);
}
static inline size_t done_files(const struct done *d, size_t i) {
    return json_array_size(json_object_get(done_output(d, i), "files"));
}

#define assert_outcome(d, word)                                                                              \
    do {                                                                                                     \
        if (strcmp(done_outcome(d), word) != 0)                                                              \
            fail_msg("outcome %s, not %s: %s", done_outcome(d), word, done_message(d));                      \
    } while (0)

/* Runs, expects ok, publishes. */
static inline void bench_publish_job(struct lake *l, const struct job *j) {
    struct done d = bench_run(l, j);
    assert_outcome(&d, "ok");
    bench_publish(l, &d);
    done_free(&d);
}

/* The rows of a dataset's head, as lake_ask() shows them. The view is dropped again. */
static inline const char *bench_rows(struct lake *l, const char *dataset, const char *select) {
    struct dataset_row row;
    assert_int_equal(store_dataset_find(l->store, dataset, l->arena, &row, &l->err), 1);
    const struct zone_input in = {.dataset = dataset, .dataset_id = row.id, .version = row.head, .since = -1};
    if (zone_attach(l->duck, l->store, &in, NULL, &l->err)) fail_msg("%s", l->err.msg);
    return lake_ask(l, select);
}

static inline void bench_file(struct lake *l, const char *name, const char *text) {
    char *path = fs_join(l->root, name), *folder = fs_parent(path);
    assert_int_equal(fs_mkdirs(folder, 0755, &l->err), 0);
    if (fs_replace(path, text, strlen(text), 0644, &l->err)) fail_msg("%s", l->err.msg);
    free(folder);
    free(path);
}

#endif
