/* backend_store.c: the database is the real store/, on a folder in memory. Every write of the simulated
 * conductor is the call the real one makes; every compare-and-set must hit; after each start what the store
 * lists must be what the image says. Publishing goes through intents, bookmarks move in the transaction of
 * the success. */
#include "tests/sim/sim.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "store/attempts.h"
#include "store/bookmarks.h"
#include "store/datasets.h"
#include "store/intents.h"
#include "store/runs.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a conductor would remember or ask for; ids survive its death because the rows do. */
struct real {
    char dir[64];
    struct world world;
    struct rng rng;
    struct store *store;
    int64_t definitions[MAX_PIPELINES], runs[MAX_RUNS];
    int64_t attempts[MAX_RUNS][MAX_STEPS], intents[MAX_RUNS][MAX_STEPS];
    char tokens[MAX_RUNS][MAX_STEPS][TOKEN_TEXT];
};

static struct real *real_of(struct sim *s) { return s->backend_state; }

static void must(struct sim *s, int64_t got, int64_t want, const char *what, const struct err *err) {
    if (got != want)
        violation(s, "store: %s answers %lld, should be %lld: %s", what, (long long)got, (long long)want,
                  got < 0 ? err->msg : "");
}

#define MUST(want, call)                                                                                     \
    do {                                                                                                     \
        struct err err = {0};                                                                                \
        must(s, (int64_t)(call), want, #call, &err);                                                         \
    } while (0)

/* ---- opening ---- */

static instant_t sim_wall(void *ctx) { return wall_now(ctx); }
static duration_t sim_steady(void *ctx) { return ((struct sim *)ctx)->now; }
static uint64_t sim_random(void *ctx) { return rng_next(&real_of(ctx)->rng); }

static void pipeline_name(uint32_t pipe, char out[16]) { snprintf(out, 16, "pipe%u", pipe); }

static void definition_put(struct sim *s, uint32_t pipe) {
    char pipeline[16], names[MAX_STEPS][16];
    const char *name_list[MAX_STEPS], *verbs[MAX_STEPS];
    pipeline_name(pipe, pipeline);
    for (uint32_t i = 0; i < s->scene.pipes[pipe].n; i++) {
        snprintf(names[i], sizeof names[i], "s%u", i);
        name_list[i] = names[i];
        verbs[i] = "shell";
    }
    const struct definition_spec d = {.pipeline = pipeline,
                                      .sha256 = "00",
                                      .text = "",
                                      .names = name_list,
                                      .verbs = verbs,
                                      .step_count = s->scene.pipes[pipe].n,
                                      .at = wall_now(s)};
    MUST(0, store_definition_put(real_of(s)->store, &d, &real_of(s)->definitions[pipe], &err));
}

static void real_begin(struct sim *s) {
    struct real *r = xcalloc(1, sizeof *r);
    snprintf(r->dir, sizeof r->dir, "/dev/shm/leat-sim-XXXXXX");
    if (!mkdtemp(r->dir)) {
        snprintf(r->dir, sizeof r->dir, "/tmp/leat-sim-XXXXXX");
        if (!mkdtemp(r->dir)) abort();
    }
    r->world = (struct world){.wall = sim_wall, .steady = sim_steady, .random = sim_random, .ctx = s};
    r->rng.state = s->scene.seed;
    s->backend_state = r;
}

static void open_store(struct sim *s) {
    bool first = !s->backend_state;
    if (first) real_begin(s);
    struct real *r = real_of(s);
    struct err err = {0};
    const struct store_options options = {.world = &r->world, .ballast_bytes = -1};
    char state[96];
    snprintf(state, sizeof state, "%s/.leat", r->dir);
    r->store = store_open_writer(state, &options, &err);
    if (!r->store) violation(s, "store: cannot open: %s", err.msg);
    if (!first) return;
    MUST(0, store_begin(r->store, &err));
    for (uint32_t i = 0; i < s->scene.pipe_count; i++) definition_put(s, i);
    MUST(0, store_commit(r->store, &err));
}

static void close_store(struct sim *s) {
    struct real *r = real_of(s);
    if (!r) return;
    store_close(r->store);
    r->store = NULL;
}

static void finish_store(struct sim *s) {
    struct real *r = real_of(s);
    if (!r) return;
    fs_remove_tree(r->dir, NULL);
    free(r);
    s->backend_state = NULL;
}

/* ---- writes: runs and steps ---- */

static void leave_out(struct sim *s, const struct write *w, uint32_t step) {
    const struct step_move m = {.run = real_of(s)->runs[w->run],
                                .generation = 1,
                                .step = step,
                                .from = "waiting",
                                .to = "skipped",
                                .reason = "plan",
                                .left_out = true,
                                .due = INSTANT_NONE,
                                .rows_read = -1,
                                .bytes_read = -1,
                                .rows_written = -1,
                                .at = w->at};
    MUST(1, store_step_move(real_of(s)->store, &m, &err));
}

static void put_run_add(struct sim *s, const struct write *w) {
    struct real *r = real_of(s);
    const struct run_spec spec = {.definition = r->definitions[s->scene.visits[w->run].pipe],
                                  .trigger = "manual",
                                  .window_start = INSTANT_NONE,
                                  .window_end = INSTANT_NONE,
                                  .scheduled_for = INSTANT_NONE,
                                  .at = w->at};
    MUST(0, store_run_add(r->store, &spec, &r->runs[w->run], &err));
    for (uint32_t i = 0; i < pipe_of(s, w->run)->n; i++)
        if (pipe_of(s, w->run)->left_out[i]) leave_out(s, w, i);
}

static void put_run_again(struct sim *s, const struct write *w) {
    struct real *r = real_of(s);
    struct kept_step kept[MAX_STEPS];
    struct generation_spec g = {.run = r->runs[w->run],
                                .definition = r->definitions[s->scene.visits[w->run].pipe],
                                .kept = kept,
                                .at = w->at};
    for (uint32_t i = 0; i < pipe_of(s, w->run)->n; i++)
        if (s->working.runs[w->run].steps[i].generation < w->generation)
            kept[g.kept_count++] = (struct kept_step){.from = i, .to = i};
    int64_t generation = 0;
    MUST(1, store_run_again(r->store, &g, &generation, &err));
    if (generation != w->generation)
        violation(s, "store: run %u is generation %lld", w->run, (long long)generation);
}

static void put_run_move(struct sim *s, const struct write *w) {
    const struct run_move m = {.run = real_of(s)->runs[w->run],
                               .from = run_state_names[w->from],
                               .to = run_state_names[w->to],
                               .reason = w->reason,
                               .at = w->at};
    MUST(1, store_run_move(real_of(s)->store, &m, &err));
}

static void put_run_stop(struct sim *s, const struct write *w) {
    MUST(1, store_run_stop(real_of(s)->store, real_of(s)->runs[w->run], run_stop_names[w->stop], w->reason,
                           &err));
}

static void put_step_move(struct sim *s, const struct write *w) {
    const struct step_move m = {.run = real_of(s)->runs[w->run],
                                .generation = w->generation,
                                .step = w->step,
                                .from = step_state_names[w->from],
                                .to = step_state_names[w->to],
                                .reason = w->reason,
                                .warned = w->warned,
                                .attempts = w->attempt,
                                .due = w->due,
                                .rows_read = -1,
                                .bytes_read = -1,
                                .rows_written = -1,
                                .at = w->at};
    MUST(1, store_step_move(real_of(s)->store, &m, &err));
}

/* ---- writes: attempts, publishes ---- */

static void put_attempt_start(struct sim *s, const struct write *w) {
    struct real *r = real_of(s);
    struct attempt_spec a = {.run = r->runs[w->run],
                             .generation = w->generation,
                             .step = w->step,
                             .number = w->attempt,
                             .log = "log",
                             .at = w->at};
    a.token = token_make(&a, rng_next(&r->rng), r->tokens[w->run][w->step]);
    r->intents[w->run][w->step] = 0;
    MUST(0, store_attempt_start(r->store, &a, &r->attempts[w->run][w->step], &err));
}

static json_t *output_plan(uint64_t name, int64_t version, const char *token) {
    char dataset[24], target[TOKEN_TEXT + 8];
    snprintf(dataset, sizeof dataset, "raw.d%d", (int)name);
    snprintf(target, sizeof target, "%s.csv", token);
    return json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:[{s:s,s:i,s:i}],s:[]}", "dataset", dataset, "path", "/lake",
                     "format", "files", "operation", "append", "base", (json_int_t)(version - 1), "version",
                     (json_int_t)version, "files", "target", target, "rows", 1, "bytes", 10, "removes");
}

static int64_t bookmark_of(struct sim *s, const struct write *w) {
    char pipeline[16], step[16];
    int64_t id = 0;
    pipeline_name(s->scene.visits[w->run].pipe, pipeline);
    snprintf(step, sizeof step, "s%u", w->step);
    const struct bookmark_key k = {.pipeline = pipeline, .step = step, .kind = "value", .source = "x"};
    MUST(0, store_bookmark_ensure(real_of(s)->store, &k, &id, &err));
    return id;
}

/* P3. The first name of a hold list is the bookmark where there is one. */
static void prepare(struct sim *s, const struct write *w, const uint64_t *names, uint32_t n) {
    struct real *r = real_of(s);
    json_t *outputs = json_array(), *value = json_pack("{s:s,s:s}", "kind", "value", "value", "x");
    for (uint32_t i = 0; i < n; i++)
        if (names[i] < 10)
            json_array_append_new(outputs, output_plan(names[i], w->base[i], r->tokens[w->run][w->step]));
    json_t *plan = json_pack("{s:o}", "outputs", outputs);
    bool moves = pipe_of(s, w->run)->moves_bookmark[w->step];
    const struct intent_spec spec = {.token = r->tokens[w->run][w->step],
                                     .attempt = r->attempts[w->run][w->step],
                                     .plan = plan,
                                     .bookmark = moves ? bookmark_of(s, w) : 0,
                                     .bookmark_version = w->bookmark_base,
                                     .bookmark_value = moves ? value : NULL,
                                     .at = w->at};
    MUST(PREPARE_DONE, store_intent_prepare(r->store, &spec, &r->intents[w->run][w->step], &err));
    json_decref(plan);
    json_decref(value);
}

static void put_attempt_publishes(struct sim *s, const struct write *w) {
    const struct core_step *c = &pipe_of(s, w->run)->steps[w->step];
    prepare(s, w, c->publish, c->publish_count);
}

static const char *end_word(enum core_outcome outcome) {
    static const char *const words[OUTCOME_COUNT] = {
        [OUTCOME_success] = "success",    [OUTCOME_nothing_new] = "success", [OUTCOME_warn] = "success",
        [OUTCOME_failed] = "failed",      [OUTCOME_gate] = "failed",         [OUTCOME_lost] = "lost",
        [OUTCOME_retry_asked] = "failed", [OUTCOME_cancelled] = "cancelled"};
    return words[outcome];
}

static bool holds_dataset(const struct core_step *c) {
    for (uint32_t i = 0; i < c->hold_count; i++)
        if (c->hold[i] < 10) return true;
    return false;
}

static void bookmark_advance(struct sim *s, const struct write *w) {
    json_t *value = json_pack("{s:s,s:s}", "kind", "value", "value", "x");
    const struct bookmark_move m = {.id = bookmark_of(s, w),
                                    .version = w->bookmark_base,
                                    .change = "advance",
                                    .author = "step",
                                    .run = real_of(s)->runs[w->run],
                                    .attempt = real_of(s)->attempts[w->run][w->step],
                                    .at = w->at};
    MUST(1, store_bookmark_advance(real_of(s)->store, &m, value, &err));
    json_decref(value);
}

/* P6 and P7 for what was prepared (a step that holds its datasets prepares only now); else the bare end. */
static void put_attempt_end(struct sim *s, const struct write *w) {
    struct real *r = real_of(s);
    const struct core_step *c = &pipe_of(s, w->run)->steps[w->step];
    int64_t *intent = &r->intents[w->run][w->step];
    struct attempt_end e = {.id = r->attempts[w->run][w->step],
                            .from = "running",
                            .to = end_word(w->outcome),
                            .exit_code = -1,
                            .at = w->at};
    if (w->moves && !*intent && holds_dataset(c)) prepare(s, w, c->hold, c->hold_count);
    if (w->moves && *intent) {
        MUST(1, store_intent_commit(r->store, *intent, &e, w->at, &err));
        MUST(1, store_intent_close(r->store, *intent, w->at, &err));
        return;
    }
    if (w->moves && pipe_of(s, w->run)->moves_bookmark[w->step]) bookmark_advance(s, w);
    MUST(1, store_attempt_end(r->store, &e, &err));
}

/* ---- a transaction ---- */

static int commit_store(struct sim *s, const struct write *writes, size_t n, bool full) {
    static void (*const puts[])(struct sim *, const struct write *) = {
        [WRITE_RUN_ADD] = put_run_add,
        [WRITE_RUN_AGAIN] = put_run_again,
        [WRITE_RUN_MOVE] = put_run_move,
        [WRITE_RUN_STOP] = put_run_stop,
        [WRITE_STEP_MOVE] = put_step_move,
        [WRITE_ATTEMPT_START] = put_attempt_start,
        [WRITE_ATTEMPT_PUBLISHES] = put_attempt_publishes,
        [WRITE_ATTEMPT_END] = put_attempt_end,
    };
    struct real *r = real_of(s);
    struct real before = *r;
    size_t most = full ? rng_below(&r->rng, (uint32_t)n + 1) : n;
    MUST(0, store_begin(r->store, &err));
    for (size_t i = 0; i < most; i++) puts[writes[i].kind](s, &writes[i]);
    if (full) {
        store_rollback(r->store);
        *r = before;
        return -1;
    }
    MUST(0, store_commit(r->store, &err));
    return 0;
}

/* ---- the same as the image? ---- */

static void differs(struct sim *s, uint32_t run, const char *what, const char *is, const char *should) {
    violation(s, "store: run %u: %s is %s, should be %s", run, what, is, should);
}

static void step_compare(struct sim *s, uint32_t run, const struct step_row *row,
                         const struct image_step *t) {
    if (strcmp(row->state, step_state_names[t->state]) != 0)
        differs(s, run, row->name, row->state, step_state_names[t->state]);
    if (t->state == STEP_waiting) return;
    if (row->warned != t->warned || row->left_out != t->left_out)
        differs(s, run, row->name, "flagged", "otherwise");
    if (row->attempts != t->attempts) differs(s, run, row->name, "at another attempt", "the image's");
    if (t->state == STEP_retry_wait && row->due != t->due)
        differs(s, run, row->name, "due", "at another time");
}

static void run_compare(struct sim *s, uint32_t run, const struct image_run *should, struct arena *a) {
    struct run_row row = {0};
    struct step_row *steps = NULL;
    size_t n = 0;
    MUST(1, store_run_get(real_of(s)->store, real_of(s)->runs[run], a, &row, &err));
    if (strcmp(row.state, run_state_names[should->state]) != 0)
        differs(s, run, "state", row.state, run_state_names[should->state]);
    if (!run_state_final(should->state) && strcmp(row.stop, run_stop_names[should->stop]) != 0)
        differs(s, run, "stop", row.stop, run_stop_names[should->stop]);
    if (row.generation != should->generation) differs(s, run, "generation", "another", "the image's");
    MUST(0, store_steps_list(real_of(s)->store, real_of(s)->runs[run], a, &steps, &n, &err));
    if (n != pipe_of(s, run)->n) differs(s, run, "number of steps", "another", "the pipeline's");
    for (size_t i = 0; i < n; i++) step_compare(s, run, &steps[i], &should->steps[i]);
}

static void names_compare(struct sim *s, const struct image *should, struct arena *a) {
    for (int name = 0; name < 10; name++) {
        char dataset[24];
        struct dataset_row row = {.head = -1};
        struct err err = {0};
        snprintf(dataset, sizeof dataset, "raw.d%d", name);
        if (store_dataset_find(real_of(s)->store, dataset, a, &row, &err) < 0)
            violation(s, "store: %s", err.msg);
        if (row.head != should->versions[name] - 1)
            violation(s, "store: %s is at version %lld", dataset, (long long)row.head);
    }
}

static void live_compare(struct sim *s, const struct image *should, struct arena *a) {
    struct attempt_row *rows = NULL;
    size_t n = 0, live = 0;
    MUST(0, store_attempts_live(real_of(s)->store, a, &rows, &n, &err));
    for (uint32_t r = 0; r < s->scene.run_count; r++)
        for (uint32_t i = 0; i < pipe_of(s, r)->n; i++)
            live += should->runs[r].there && should->runs[r].steps[i].live;
    if (n != live) violation(s, "store: %zu live attempts, should be %zu", n, live);
}

static void bookmarks_compare(struct sim *s, const struct image *should, struct arena *a) {
    struct bookmark_row *rows = NULL;
    size_t n = 0;
    MUST(0, store_bookmarks_list(real_of(s)->store, NULL, NULL, a, &rows, &n, &err));
    for (size_t i = 0; i < n; i++) {
        unsigned pipe = 0, step = 0;
        sscanf(rows[i].pipeline, "pipe%u", &pipe);
        sscanf(rows[i].step, "s%u", &step);
        if (rows[i].version != should->versions[10 + pipe * MAX_STEPS + step])
            violation(s, "store: bookmark %s.%s is at version %lld", rows[i].pipeline, rows[i].step,
                      (long long)rows[i].version);
    }
}

static void compare_store(struct sim *s, const struct image *should) {
    struct arena *a = arena_new();
    for (uint32_t r = 0; r < s->scene.run_count; r++)
        if (should->runs[r].there) run_compare(s, r, &should->runs[r], a);
    names_compare(s, should, a);
    bookmarks_compare(s, should, a);
    live_compare(s, should, a);
    arena_free(a);
}

static const struct backend store_backend = {.name = "store",
                                             .open = open_store,
                                             .close = close_store,
                                             .commit = commit_store,
                                             .compare = compare_store,
                                             .finish = finish_store};
const struct backend *const backend_real = &store_backend;
