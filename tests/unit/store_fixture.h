/* store_fixture.h: a store in a temporary folder, and the shortest way to a published version.
 *
 * story_*: the same little story (a due slot makes a run, whose step publishes one version and moves its
 * bookmark, in the transactions of the real protocol) that the fault, power-loss and disk-full tests tell
 * over and over. */
#ifndef LEAT_TESTS_STORE_FIXTURE_H
#define LEAT_TESTS_STORE_FIXTURE_H

#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "store/attempts.h"
#include "store/bookmarks.h"
#include "store/datasets.h"
#include "store/intents.h"
#include "store/runs.h"
#include "store/schedules.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NOON INT64_C(1700000000000000)

/* Says the error when an expected success is none. */
#define assert_ok(call)                                                                                      \
    do {                                                                                                     \
        err = (struct err){0};                                                                               \
        if ((call) < 0) fail_msg("%s: %s", #call, err.msg);                                                  \
    } while (0)
#define assert_hit(expected, call)                                                                           \
    do {                                                                                                     \
        err = (struct err){0};                                                                               \
        int64_t got_ = (int64_t)(call);                                                                      \
        if (got_ != (expected)) fail_msg("%s: %lld %s", #call, (long long)got_, err.msg);                    \
    } while (0)

struct fx {
    char dir[64], state[96];
    struct store *s;
    struct arena *a;
    int64_t definition;
};

static const struct store_options fx_options = {.ballast_bytes = -1};

/* `base`: "/tmp", or "/dev/shm" for tests that pull no plug of their own and want to be quick. */
static inline void fx_folder_in(struct fx *f, const char *base) {
    *f = (struct fx){.a = arena_new()};
    snprintf(f->dir, sizeof f->dir, "%s/leat-store-XXXXXX", access(base, W_OK) ? "/tmp" : base);
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->state, sizeof f->state, "%s/.leat", f->dir);
}

static inline void fx_folder(struct fx *f) { fx_folder_in(f, "/tmp"); }

static inline void fx_open(struct fx *f) {
    struct err err = {0};
    f->s = store_open_writer(f->state, &fx_options, &err);
    if (!f->s) fail_msg("cannot open: %s", err.msg);
}

static inline void fx_begin(struct fx *f) {
    fx_folder(f);
    fx_open(f);
}

static inline void fx_end(struct fx *f) {
    store_close(f->s);
    arena_free(f->a);
    fs_remove_tree(f->dir, NULL);
}

static inline char *fx_path(struct fx *f, const char *name) {
    return arena_printf(f->a, "%s/%s", f->state, name);
}

/* A definition of n steps s0 … of `pipeline`; inside a transaction. */
static inline int64_t fx_definition(struct store *s, const char *pipeline, size_t n, const char *sha) {
    struct err err;
    struct arena *a = arena_new();
    const char **names = arena_array(a, n, sizeof *names), **verbs = arena_array(a, n, sizeof *verbs);
    for (size_t i = 0; i < n; i++) {
        names[i] = arena_printf(a, "s%zu", i);
        verbs[i] = "shell";
    }
    const struct definition_spec d = {.pipeline = pipeline,
                                      .sha256 = sha,
                                      .text = "steps: …",
                                      .step_count = n,
                                      .names = names,
                                      .verbs = verbs,
                                      .at = NOON};
    int64_t id = 0;
    assert_ok(store_definition_put(s, &d, &id, &err));
    arena_free(a);
    return id;
}

static inline int64_t fx_run(struct store *s, int64_t definition) {
    struct err err;
    int64_t run = 0;
    const struct run_spec r = {.definition = definition,
                               .trigger = "manual",
                               .window_start = INSTANT_NONE,
                               .window_end = INSTANT_NONE,
                               .scheduled_for = INSTANT_NONE,
                               .at = NOON};
    assert_ok(store_run_add(s, &r, &run, &err));
    return run;
}

static inline struct attempt_spec fx_attempt_spec(int64_t run, uint32_t step, uint32_t number,
                                                  char token[TOKEN_TEXT]) {
    struct attempt_spec a = {
        .run = run, .generation = 1, .step = step, .number = number, .log = "log/x.log", .at = NOON};
    token_make(&a, UINT64_C(0x0123456789abcdef), token);
    a.token = token;
    return a;
}

static inline int64_t fx_attempt(struct store *s, int64_t run, uint32_t step) {
    struct err err;
    char token[TOKEN_TEXT];
    int64_t id = 0;
    const struct attempt_spec a = fx_attempt_spec(run, step, 1, token);
    assert_ok(store_attempt_start(s, &a, &id, &err));
    return id;
}

/* A plan that adds one file of `rows` rows as version base + 1. */
static inline json_t *fx_plan(const char *dataset, int64_t base, const char *operation, const char *target,
                              int64_t rows) {
    return json_pack(
        "{s:[{s:s,s:s,s:s,s:s,s:I,s:I,s:s,s:s,s:[{s:s,s:s}],s:[{s:s,s:I,s:I,s:s,s:{s:s},s:{s:i}}],s:[]}]}",
        "outputs", "dataset", dataset, "path", "/lake/x", "format", "delta", "operation", operation, "base",
        (json_int_t)base, "version", (json_int_t)(base + 1), "table_id", "t-1", "stage", "/stage", "columns",
        "name", "id", "type", "long", "files", "target", target, "rows", (json_int_t)rows, "bytes",
        (json_int_t)(rows * 10), "sha256", "00", "partition", "day", "2026-01-01", "stats", "numRecords", 1,
        "removes");
}

/* ---- the story ---- */

struct story {
    struct store *s;
    int64_t definition, bookmark;
    int64_t schedule;
    instant_t cursor; /* of the schedule, as committed */
};

static inline int story_schedule(struct story *t, struct err *err) {
    struct arena *a = arena_new();
    struct schedule_row row;
    const struct schedule_spec spec = {.pipeline = "sales", .name = "main", .cursor = NOON, .at = NOON};
    int r = store_schedule_ensure(t->s, &spec, a, &row, err);
    if (r >= 0) t->schedule = row.id, t->cursor = row.cursor;
    arena_free(a);
    return r < 0 ? -1 : 0;
}

static inline int story_begin(struct story *t, struct err *err) {
    static const char *const names[] = {"load"}, *const verbs[] = {"sql"};
    const struct definition_spec d = {.pipeline = "sales",
                                      .sha256 = "aa",
                                      .text = "x",
                                      .step_count = 1,
                                      .names = names,
                                      .verbs = verbs,
                                      .at = NOON};
    const struct bookmark_key k = {
        .pipeline = "sales", .step = "load", .kind = "files", .source = "landing/*.csv"};
    if (store_begin(t->s, err)) return -1;
    if (store_definition_put(t->s, &d, &t->definition, err)) return -1;
    if (store_bookmark_ensure(t->s, &k, &t->bookmark, err) || story_schedule(t, err)) return -1;
    return store_commit(t->s, err);
}

struct chapter {
    int64_t n; /* publishes version n (from 0) on bookmark version n */
    int64_t run, attempt, intent;
    char token[TOKEN_TEXT];
};

/* A tick of the clock: the slot, its run, and the cursor. */
static inline int chapter_tick(struct story *t, struct chapter *c, struct err *err) {
    instant_t fire = t->cursor + US_PER_HOUR;
    const struct run_spec r = {
        .definition = t->definition, .trigger = "schedule", .schedule = "main", .at = NOON + c->n};
    const struct slot_row slot = {.schedule = t->schedule,
                                  .fire = fire,
                                  .window_start = t->cursor,
                                  .window_end = fire,
                                  .decided_at = NOON + c->n};
    if (store_slot_run(t->s, &slot, &r, &c->run, err) != 1) return -1;
    return store_schedule_move(t->s, t->schedule, t->cursor, fire, err) == 1 ? 0 : -1;
}

static inline int chapter_claim(struct story *t, struct chapter *c, struct err *err) {
    if (store_begin(t->s, err) || chapter_tick(t, c, err)) return -1;
    const struct run_move m = {.run = c->run, .from = "queued", .to = "running", .at = NOON + c->n};
    const struct step_move sm = {.run = c->run,
                                 .generation = 1,
                                 .from = "waiting",
                                 .to = "running",
                                 .attempts = 1,
                                 .at = NOON + c->n,
                                 .due = INSTANT_NONE,
                                 .rows_read = -1,
                                 .bytes_read = -1,
                                 .rows_written = -1};
    const struct attempt_spec a = fx_attempt_spec(c->run, 0, 1, c->token);
    if (store_run_move(t->s, &m, err) != 1 || store_step_move(t->s, &sm, err) != 1) return -1;
    if (store_attempt_start(t->s, &a, &c->attempt, err) || store_commit(t->s, err)) return -1;
    t->cursor += US_PER_HOUR;
    return 0;
}

static inline int chapter_prepare(struct story *t, struct chapter *c, struct err *err) {
    char target[32], path[32];
    snprintf(target, sizeof target, "part-%lld", (long long)c->n);
    snprintf(path, sizeof path, "landing/%lld.csv", (long long)c->n);
    json_t *plan = fx_plan("raw.orders", c->n - 1, "append", target, 7);
    json_t *value = json_pack("{s:s,s:[{s:s,s:i,s:i}]}", "kind", "files", "files", "path", path, "size", 1,
                              "mtime_ns", 2);
    const struct intent_spec spec = {.token = c->token,
                                     .attempt = c->attempt,
                                     .plan = plan,
                                     .bookmark = t->bookmark,
                                     .bookmark_version = c->n,
                                     .bookmark_value = value,
                                     .at = NOON + c->n};
    int r = store_begin(t->s, err);
    if (!r && store_intent_prepare(t->s, &spec, &c->intent, err) != PREPARE_DONE) r = -1;
    json_decref(plan);
    json_decref(value);
    return r ? -1 : store_commit(t->s, err);
}

static inline int chapter_commit(struct story *t, struct chapter *c, struct err *err) {
    const struct step_move sm = {.run = c->run,
                                 .generation = 1,
                                 .from = "running",
                                 .to = "success",
                                 .attempts = 1,
                                 .at = NOON + c->n,
                                 .due = INSTANT_NONE,
                                 .rows_read = 7,
                                 .bytes_read = 70,
                                 .rows_written = 7};
    const struct run_move m = {.run = c->run, .from = "running", .to = "ok", .at = NOON + c->n};
    if (store_begin(t->s, err) || store_intent_commit(t->s, c->intent, NULL, NOON + c->n, err) != 1)
        return -1;
    if (store_step_move(t->s, &sm, err) != 1 || store_run_move(t->s, &m, err) != 1) return -1;
    return store_commit(t->s, err);
}

static inline int chapter_close(struct story *t, struct chapter *c, struct err *err) {
    if (store_begin(t->s, err) || store_intent_close(t->s, c->intent, NOON + c->n, err) != 1) return -1;
    return store_commit(t->s, err);
}

static inline int story_chapter(struct story *t, struct chapter *c, struct err *err) {
    if (chapter_claim(t, c, err) || chapter_prepare(t, c, err)) return -1;
    return chapter_commit(t, c, err) || chapter_close(t, c, err) ? -1 : 0;
}

/* What a conductor does first: what is prepared goes forward, what has no intent is lost. */
static inline int story_recover(struct story *t, struct err *err) {
    struct arena *a = arena_new();
    struct intent_row *open;
    struct attempt_row *live;
    size_t no = 0, nl = 0;
    int r = store_begin(t->s, err);
    if (!r) r = store_intents_open(t->s, a, &open, &no, err);
    for (size_t i = 0; i < no && !r; i++) {
        struct chapter c = {.run = open[i].run, .attempt = open[i].attempt, .intent = open[i].id};
        const struct run_move m = {.run = c.run, .from = "running", .to = "ok", .at = NOON};
        bool prepared = strcmp(open[i].state, "prepared") == 0;
        if (prepared && store_intent_commit(t->s, c.intent, NULL, NOON, err) != 1) r = -1;
        if (!r && prepared && store_run_move(t->s, &m, err) != 1) r = -1;
        if (!r && store_intent_close(t->s, c.intent, NOON, err) != 1) r = -1;
    }
    if (!r) r = store_attempts_live(t->s, a, &live, &nl, err);
    for (size_t i = 0; i < nl && !r; i++) {
        const struct attempt_end e = {
            .id = live[i].id, .from = "running", .to = "lost", .exit_code = -1, .at = NOON};
        const struct run_move m = {.run = live[i].run, .from = "running", .to = "failed", .at = NOON};
        if (store_attempt_end(t->s, &e, err) != 1 || store_run_move(t->s, &m, err) != 1) r = -1;
    }
    arena_free(a);
    return r ? -1 : store_commit(t->s, err);
}

/* Every slot up to the cursor is decided, and those that run have their run: no more, no less. */
static inline const char *clock_broken(struct store *s, struct arena *a) {
    enum { ALL = 1000 };
    struct err err;
    struct schedule_row *schedules;
    struct slot_row *slots;
    struct run_row *runs;
    size_t n, ns, nr, made = 0;
    const struct run_filter clock_made = {.trigger = "schedule",
                                          .since = INSTANT_NONE,
                                          .window_start = INSTANT_NONE,
                                          .window_end = INSTANT_NONE,
                                          .limit = ALL};
    if (store_schedules_list(s, "sales", a, &schedules, &n, &err)) return "schedules";
    if (n == 0) return NULL;
    if (store_slots_last(s, schedules[0].id, INSTANT_NONE, ALL, a, &slots, &ns, &err)) return "slots";
    if (store_runs_list(s, &clock_made, a, &runs, &nr, &err)) return "runs of slots";
    if (ns && slots[0].last_fire != schedules[0].cursor) return "slots and cursor apart";
    for (size_t i = 0; i < ns; i++) {
        if (slots[i].run && !slots[i].run_state) return "a slot without its run";
        made += slots[i].run != 0;
    }
    return made == nr ? NULL : "a run without its slot";
}

/* What must hold at every moment; *versions is the number published. NULL, or what is broken. */
static inline const char *story_broken(struct store *s, int64_t *versions) {
    struct err err = {0};
    struct arena *a = arena_new();
    struct dataset_row d = {.head = -1};
    struct bookmark_row *b = NULL;
    struct file_list files = {0};
    struct version_row *v = NULL;
    struct attempt_row *live = NULL;
    struct run_row *runs = NULL;
    struct intent_row *open = NULL;
    size_t nb = 0, nv = 0, nl = 0, nr = 0, no = 0;
    const char *broken = NULL;
    if (store_check(s, &err)) broken = "integrity";
    if (store_dataset_find(s, "raw.orders", a, &d, &err) < 0) broken = "dataset";
    if (store_bookmarks_list(s, NULL, NULL, a, &b, &nb, &err)) broken = "bookmarks";
    if (d.id && store_files_at(s, d.id, d.head, a, &files, &err)) broken = "files";
    if (d.id && store_versions_list(s, d.id, -1, 0, a, &v, &nv, &err)) broken = "versions";
    if (store_attempts_live(s, a, &live, &nl, &err)) broken = "attempts";
    if (store_runs_open(s, a, &runs, &nr, &err)) broken = "runs";
    if (store_intents_open(s, a, &open, &no, &err)) broken = "intents";
    if (!broken) broken = clock_broken(s, a);
    if (!broken && nb && b[0].version != d.head + 1) broken = "bookmark and head apart";
    if (!broken && (int64_t)files.count != d.head + 1) broken = "files and head apart";
    if (!broken && (int64_t)nv != d.head + 1) broken = "versions and head apart";
    if (!broken && d.head >= 0 && (d.files != d.head + 1 || d.rows != 7 * (d.head + 1))) broken = "totals";
    if (!broken && nl != nr) broken = "a live attempt without an open run, or the other way";
    if (!broken && no > 1) broken = "two open intents";
    if (!broken && no == 1 && strcmp(open[0].state, "prepared") == 0 &&
        (nl != 1 || strcmp(live[0].state, "publishing")))
        broken = "a prepared intent without its attempt";
    *versions = d.head + 1;
    arena_free(a);
    return broken;
}

#endif
