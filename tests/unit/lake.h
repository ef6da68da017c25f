/* lake.h: a small lake for the tests of zones/: a project folder, the store, the engine, and one call that
 * takes a dataset through P0 to P7 with the real code. */
#ifndef LEAT_TESTS_LAKE_H
#define LEAT_TESTS_LAKE_H

#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"
#include "engine/duck.h"
#include "store/datasets.h"
#include "store/intents.h"
#include "store/runs.h"
#include "zones/delta.h"
#include "zones/publish.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct lake {
    char root[64], state[128];
    struct store *store;
    struct duck *duck;
    struct arena *arena;
    struct err err;
    instant_t now;
};

static inline struct lake *lake_new(const char *timezone) {
    struct lake *l = calloc(1, sizeof *l);
    strcpy(l->root, "/tmp/leat-lake-XXXXXX");
    assert_non_null(mkdtemp(l->root));
    snprintf(l->state, sizeof l->state, "%s/.leat", l->root);
    l->arena = arena_new();
    l->now = INT64_C(1763533500000000);
    const struct store_options o = {.ballast_bytes = -1};
    l->store = store_open_writer(l->state, &o, &l->err);
    if (!l->store) fail_msg("%s", l->err.msg);
    const char *allowed[] = {l->root};
    l->duck = duck_open(&(struct duck_options){.timezone = timezone, .allowed = allowed, .allowed_count = 1},
                        &l->err);
    if (!l->duck) fail_msg("%s", l->err.msg);
    return l;
}

static inline void lake_free(struct lake *l) {
    duck_close(l->duck);
    store_close(l->store);
    arena_free(l->arena);
    assert_int_equal(fs_remove_tree(l->root, NULL), 0);
    free(l);
}

static inline const char *lake_path(struct lake *l, const char *dataset) {
    const char *dot = strchr(dataset, '.');
    return arena_printf(l->arena, "%s/lake/%.*s/%s", l->root, (int)(dot - dataset), dataset, dot + 1);
}

/* JSON with single quotes for double ones. */
static inline json_t *loose(const char *text) {
    char *copy = strdup(text);
    for (char *p = copy; *p; p++)
        if (*p == '\'') *p = '"';
    json_t *j = json_loads(copy, JSON_DECODE_ANY, NULL);
    if (!j) fail_msg("bad JSON in the test: %s", text);
    free(copy);
    return j;
}

struct staged {
    const char *sql;       /* rows of the file; NULL: `text` */
    const char *text;      /* bytes of a file that is no Parquet */
    const char *name;      /* ending of the target: "a.parquet" */
    const char *partition; /* loose JSON object, NULL: none */
};

struct publication {
    const char *dataset, *format, *operation;
    const char *columns, *by; /* loose JSON arrays; NULL: none */
    const char *removes;      /* loose JSON array of paths; NULL: none */
    const struct staged *files;
    size_t count;
    int64_t base;                       /* what the step believes; LAKE_HEAD: the head */
    instant_t window_start, window_end; /* both 0: no window */
};
enum { LAKE_HEAD = -2 };

struct lake_attempt {
    int64_t id, run;
    char token[TOKEN_TEXT];
    char stage[256];
};

static inline void lake_claim(struct lake *l, const char *zone, struct lake_attempt *a) {
    static const char *const names[] = {"load"}, *const verbs[] = {"sql"};
    const struct definition_spec def = {.pipeline = "shop",
                                        .sha256 = "0",
                                        .text = "",
                                        .step_count = 1,
                                        .names = names,
                                        .verbs = verbs,
                                        .at = l->now};
    struct run_spec run = {.trigger = "manual",
                           .window_start = INSTANT_NONE,
                           .window_end = INSTANT_NONE,
                           .scheduled_for = INSTANT_NONE,
                           .at = l->now};
    assert_int_equal(store_begin(l->store, &l->err), 0);
    assert_true(store_definition_put(l->store, &def, &run.definition, &l->err) >= 0);
    assert_true(store_run_add(l->store, &run, &a->run, &l->err) >= 0);
    struct attempt_spec spec = {.run = a->run, .generation = 1, .number = 1, .log = "log", .at = l->now};
    spec.token = token_make(&spec, 0xabcdef, a->token);
    assert_true(store_attempt_start(l->store, &spec, &a->id, &l->err) >= 0);
    assert_int_equal(store_commit(l->store, &l->err), 0);
    snprintf(a->stage, sizeof a->stage, "%s/lake/%s/_leat_stage/%s", l->root, zone, a->token);
    if (fs_mkdirs(a->stage, 0755, &l->err)) fail_msg("%s", l->err.msg);
}

static inline json_t *lake_stage_file(struct lake *l, const struct lake_attempt *a,
                                      const struct publication *p, size_t i) {
    const struct staged *f = &p->files[i];
    const char *name = arena_printf(l->arena, "f%zu.tmp", i);
    const char *path = arena_printf(l->arena, "%s/%s", a->stage, name);
    int64_t rows = -1;
    if (f->sql) {
        if (duck_exec(l->duck, arena_printf(l->arena, "COPY (%s) TO '%s' (FORMAT parquet)", f->sql, path),
                      NULL, &rows, &l->err))
            fail_msg("%s", l->err.msg);
    } else if (fs_replace(path, f->text, strlen(f->text), 0644, &l->err)) {
        fail_msg("%s", l->err.msg);
    }
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    json_t *partition = f->partition ? loose(f->partition) : json_object(),
           *by = p->by ? loose(p->by) : json_array(), *c;
    struct buf target = BUF_INIT;
    size_t k;
    json_array_foreach(by, k, c) {
        delta_partition_folder(&target, json_string_value(c), json_text(partition, json_string_value(c)));
        buf_addc(&target, '/');
    }
    buf_addf(&target, "%s-%zu-%s", a->token, i, f->name);
    json_t *out = json_pack("{s:s,s:s,s:I,s:I,s:o,s:n,s:n}", "staged", name, "target", buf_str(&target),
                            "rows", (json_int_t)rows, "bytes", (json_int_t)st.st_size, "partition", partition,
                            "stats", "source");
    buf_release(&target);
    json_decref(by);
    return out;
}

static inline void lake_exchange(struct lake *l, const struct lake_attempt *a, const struct publication *p,
                                 json_t **request, json_t **result) {
    struct dataset_row row = {.head = -1};
    store_dataset_find(l->store, p->dataset, l->arena, &row, &l->err);
    json_t *files = json_array();
    for (size_t i = 0; i < p->count; i++) json_array_append_new(files, lake_stage_file(l, a, p, i));
    int64_t base = p->base == LAKE_HEAD ? row.head : p->base;
    json_t *seen = row.columns ? json_loads(row.columns, 0, NULL) : json_null();
    json_t *into = json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:I,s:o}", "dataset", p->dataset, "path",
                             lake_path(l, p->dataset), "format", p->format, "stage", a->stage, "write",
                             p->operation, "partition_by", p->by ? loose(p->by) : json_array(),
                             "base_version", (json_int_t)base, "columns", seen);
    *request = json_pack("{s:s,s:s,s:s,s:s,s:{s:s},s:o}", "token", a->token, "pipeline", "shop", "step",
                         "load", "run", "1", "project", "name", "demo", "into", into);
    *result = json_pack("{s:s,s:[{s:s,s:s,s:o,s:o,s:o}]}", "outcome", "ok", "outputs", "dataset", p->dataset,
                        "operation", p->operation, "files", files, "columns",
                        p->columns ? loose(p->columns) : json_null(), "removes",
                        p->removes ? loose(p->removes) : json_array());
}

/* P3: the intent's id, or -1 with l->err. */
static inline int64_t lake_prepare(struct lake *l, const struct lake_attempt *a,
                                   const struct publication *p) {
    json_t *request, *result;
    lake_exchange(l, a, p, &request, &result);
    json_t *plan = publish_prepare(l->store, request, result, l->now, &l->err);
    json_decref(request);
    json_decref(result);
    if (!plan) return -1;
    const struct intent_spec spec = {.token = a->token, .attempt = a->id, .plan = plan, .at = l->now};
    int64_t intent = -1;
    assert_int_equal(store_begin(l->store, &l->err), 0);
    enum prepare_end end = store_intent_prepare(l->store, &spec, &intent, &l->err);
    if (end != PREPARE_DONE) fail_msg("prepare: %d %s", (int)end, l->err.msg);
    assert_int_equal(store_commit(l->store, &l->err), 0);
    json_decref(plan);
    return intent;
}

/* P6 and P7. */
static inline void lake_commit(struct lake *l, int64_t intent, bool attempt) {
    const struct attempt_end end = {.exit_code = 0, .at = l->now};
    assert_int_equal(store_begin(l->store, &l->err), 0);
    if (store_intent_commit(l->store, intent, attempt ? &end : NULL, l->now, &l->err) != 1)
        fail_msg("%s", l->err.msg);
    if (store_intent_close(l->store, intent, l->now, &l->err) != 1) fail_msg("%s", l->err.msg);
    assert_int_equal(store_commit(l->store, &l->err), 0);
    l->now += US_PER_MINUTE;
}

/* The run ends, and with it its pins. */
static inline void lake_end_run(struct lake *l, int64_t run) {
    static const char *const way[] = {"queued", "running", "ok"};
    assert_int_equal(store_begin(l->store, &l->err), 0);
    for (int i = 0; i < 2; i++) {
        const struct run_move m = {.run = run, .from = way[i], .to = way[i + 1], .at = l->now};
        assert_int_equal(store_run_move(l->store, &m, &l->err), 1);
    }
    assert_int_equal(store_commit(l->store, &l->err), 0);
}

/* P0 to P7; the new head. */
static inline int64_t lake_publish(struct lake *l, const struct publication *p) {
    struct lake_attempt a = {0};
    lake_claim(l, arena_strndup(l->arena, p->dataset, strcspn(p->dataset, ".")), &a);
    int64_t intent = lake_prepare(l, &a, p);
    if (intent < 0) fail_msg("%s", l->err.msg);
    json_t *outside = NULL;
    if (publish_run_intent(l->store, intent, &outside, &l->err) != PUBLISH_DONE) fail_msg("%s", l->err.msg);
    lake_commit(l, intent, true);
    lake_end_run(l, a.run);
    struct dataset_row row;
    assert_int_equal(store_dataset_find(l->store, p->dataset, l->arena, &row, &l->err), 1);
    return row.head;
}

static inline int64_t lake_id(struct lake *l, const char *dataset) {
    struct dataset_row row;
    assert_int_equal(store_dataset_find(l->store, dataset, l->arena, &row, &l->err), 1);
    return row.id;
}

/* The first column of a query's rows, joined with spaces. */
static inline const char *lake_ask(struct lake *l, const char *sql) {
    struct duck_rows *r = duck_query(l->duck, sql, NULL, &l->err);
    if (!r) fail_msg("%s: %s", sql, l->err.msg);
    struct buf b = BUF_INIT;
    int got;
    while ((got = duck_next(r, &l->err)) == 1) {
        const char *text = duck_text(r, 0);
        buf_addf(&b, "%s%s", b.len ? " " : "", text ? text : "NULL");
    }
    if (got < 0) fail_msg("%s: %s", sql, l->err.msg);
    duck_rows_free(r);
    const char *out = arena_strdup(l->arena, buf_str(&b));
    buf_release(&b);
    return out;
}

#endif
