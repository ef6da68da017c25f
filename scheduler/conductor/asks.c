/* asks.c: what other commands ask of the conductor at work, through its socket; or do themselves on the
 * database when none is (contract.md 17). One row of the table is one word; each handler is one transaction.
 *
 *   cancel   {run, kill, reason}                  a run that lives is stopped, one that waits ends here
 *   queue    {pipeline, params, window, …}        a run that begins when its turn comes
 *   pause    {pipeline, until, catch_up, reason, author}
 *   resume   {pipeline, catch_up}
 *   status   {}                                   who is at work on what, and what comes next
 *   why      {run}                                what its steps wait for, and who has it
 *
 *   backfill_add     {plan, token}       a plan is made again and, when it is the one shown, written down
 *   restate_add      {plan, token}       the same for a restatement
 *   backfill_pause   {backfill}          nothing more of it starts
 *   backfill_resume  {backfill}          it goes on, also with windows that failed or were cancelled
 *   backfill_cancel  {backfill, running} nothing more starts; running: what runs is cancelled too
 *
 * Answers: {"ok": true, …}, or {"ok": false, "error", "hint", "exit"}. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/json.h"
#include "store/schedules.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- cancel ---- */

/* One that is not at hand: it has not begun, or whoever was at work on it is dead and the next one stops it. */
static int cancel_row(struct conductor *c, const struct run_row *row, const json_t *request, json_t *answer,
                      struct err *err) {
    const char *reason = json_text_or(request, "reason", "cancelled");
    enum run_stop stop = json_flag(request, "kill") ? STOP_KILL : STOP_CANCEL;
    int hit = run_end_queued(c, row, "cancelled", reason, err);
    if (hit == 1) json_put(answer, "ended", json_true());
    if (hit) return hit < 0 ? -1 : 0;
    if (row->finished_at == INSTANT_NONE) {
        json_put(answer, "later", json_true());
        return store_run_stop(c->store, row->id, run_stop_names[stop], reason, err) < 0 ? -1 : 0;
    }
    err_set(err, EX_NOT_FOUND, "run %lld is not running: it is %s", (long long)row->id, row->state);
    return err_hint(err, "see: leat runs show %lld", (long long)row->id);
}

static int ask_cancel(struct conductor *c, const json_t *request, json_t *answer, struct err *err) {
    int64_t run = json_int(request, "run", 0);
    struct run_row row;
    if (live_find(c, run)) {
        conductor_cancel(c, run, json_flag(request, "kill"), json_text_or(request, "reason", "cancelled"));
        return 0;
    }
    struct arena *a = arena_new();
    int rc = store_run_get(c->store, run, a, &row, err);
    if (rc == 0) err_set(err, EX_NOT_FOUND, "there is no run %lld", (long long)run);
    rc = rc == 1 ? cancel_row(c, &row, request, answer, err) : -1;
    arena_free(a);
    return rc;
}

/* ---- queue ---- */

static int fill_request(struct conductor *c, const json_t *asked, struct run_request *rq, struct err *err) {
    const char *name = json_text_or(asked, "pipeline", "");
    const json_t *window = json_object_get(asked, "window");
    rq->trigger = "manual";
    rq->window_start = json_int(window, "start", INSTANT_NONE);
    rq->window_end = json_int(window, "end", INSTANT_NONE);
    rq->window_explicit = json_flag(window, "explicit");
    rq->scheduled_for = INSTANT_NONE;
    rq->move_bookmark = json_flag(asked, "move_bookmark");
    rq->force = json_flag(asked, "force");
    rq->from_step = json_text(asked, "from_step");
    rq->reason = json_text(asked, "reason");
    rq->queue = true;
    if (json_is_object(window) && rq->window_start >= rq->window_end)
        return err_set(err, EX_USAGE, "the window ends before it starts: its end is exclusive");
    rq->pipeline = c->options.find(c->options.find_ctx, name, err);
    if (!rq->pipeline) return -1;
    rq->params = pipeline_params_filled(rq->pipeline, json_object_get(asked, "params"), err);
    return rq->params ? 0 : -1;
}

/* --only and --from-step name steps that are there: said to who asks, not found out when its turn comes. */
static int check_part(const struct run_request *rq, struct err *err) {
    struct plan *plan = plan_new(rq->pipeline, err);
    int rc = plan ? 0 : -1;
    if (!rc && rq->only_count) rc = plan_only(plan, rq->only, rq->only_count, err);
    if (!rc && rq->from_step) rc = plan_from(plan, rq->from_step, err);
    plan_free(plan);
    return rc;
}

static int ask_queue(struct conductor *c, const json_t *request, json_t *answer, struct err *err) {
    struct run_request rq = {0};
    const json_t *only = json_object_get(request, "only");
    rq.only_count = json_array_size(only);
    const char **names = xcalloc(rq.only_count + 1, sizeof *names);
    for (size_t i = 0; i < rq.only_count; i++) names[i] = json_string_value(json_array_get(only, i));
    rq.only = names;
    int64_t run = fill_request(c, request, &rq, err) || check_part(&rq, err) ? 0 : queue_run(c, &rq, err);
    if (run) json_put(answer, "run", json_integer(run));
    free(names);
    json_decref(rq.params);
    pipeline_free(rq.pipeline);
    return run ? 0 : -1;
}

/* ---- pause ---- */

static int known_pipeline(struct conductor *c, const char *name, struct err *err) {
    struct pipeline *p = c->options.find(c->options.find_ctx, name, err);
    pipeline_free(p);
    return p || err->exit == EX_INVALID ? 0 : -1; /* a broken one may be paused too */
}

static int find_pause(struct conductor *c, const char *pipeline, struct arena *a, struct pause_row *out,
                      struct err *err) {
    struct pause_row *rows;
    size_t n;
    if (store_pauses_list(c->store, INSTANT_NONE, a, &rows, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].pipeline, pipeline) != 0) continue;
        *out = rows[i];
        return 1;
    }
    return 0;
}

/* A pause of what is paused goes on from when that began; so does one after a pause whose slots nobody has
 * decided yet. */
static int began(struct conductor *c, const char *pipeline, instant_t *at, struct err *err) {
    struct arena *a = arena_new();
    struct pause_row older;
    int rc = find_pause(c, pipeline, a, &older, err);
    if (rc == 1) *at = older.at;
    arena_free(a);
    return rc < 0 ? -1 : 0;
}

/* The rows are what counts: the timetable is told in the same breath, before the commit that makes them
 * durable; when that fails the conductor is over (handle_word). */
static int ask_pause(struct conductor *c, const json_t *request, json_t *answer, struct err *err) {
    struct pause_row p = {.pipeline = json_text_or(request, "pipeline", ""),
                          .author = json_text(request, "author"),
                          .reason = json_text(request, "reason"),
                          .at = turn_wall(c),
                          .until = json_int(request, "until", INSTANT_NONE),
                          .catch_up = json_text_or(request, "catch_up", "none")};
    (void)answer;
    if (known_pipeline(c, p.pipeline, err) || began(c, p.pipeline, &p.at, err) ||
        store_pause(c->store, &p, err) < 0)
        return -1;
    return pauses_open(c, err);
}

/* The pause gets an end, now, unless it has ended already; the next turn of whoever serves takes it away
 * (pauses.c). */
static int ask_resume(struct conductor *c, const json_t *request, json_t *answer, struct err *err) {
    const char *name = json_text_or(request, "pipeline", "");
    struct arena *a = arena_new();
    struct pause_row p;
    int rc = find_pause(c, name, a, &p, err);
    if (rc == 0) err_set(err, EX_NOT_FOUND, "%s is not paused", name);
    if (rc == 1) {
        json_put(answer, "paused_at", json_integer(p.at));
        bool over = p.until != INSTANT_NONE && p.until <= turn_wall(c);
        if (!over) p.until = turn_wall(c);
        json_put(answer, "until", json_integer(p.until));
        json_put(answer, "over", json_boolean(over));
        p.catch_up = json_text_or(request, "catch_up", p.catch_up);
        json_put_text(answer, "catch_up", p.catch_up);
        rc = store_pause(c->store, &p, err) < 0 || pauses_open(c, err) ? -1 : 0;
    } else {
        rc = -1;
    }
    arena_free(a);
    return rc;
}

/* ---- the table ---- */

static const struct {
    const char *word;
    int (*handle)(struct conductor *c, const json_t *request, json_t *answer, struct err *err);
    bool writes;
} words[] = {
    {"cancel", ask_cancel, true},
    {"queue", ask_queue, true},
    {"pause", ask_pause, true},
    {"resume", ask_resume, true},
    {"backfill_add", ask_backfill_add, true},
    {"restate_add", ask_restate_add, true},
    {"backfill_pause", ask_backfill_pause, true},
    {"backfill_resume", ask_backfill_resume, true},
    {"backfill_cancel", ask_backfill_cancel, true},
    {"status", standing, false},
    {"why", blocks, false},
};

/* A handler that refuses has changed nothing. What it changed in memory before the database failed is not true:
 * the conductor is over, as after a turn that could not be committed. */
static int handle_word(struct conductor *c, size_t i, const json_t *request, json_t *answer,
                       struct err *err) {
    if (!words[i].writes) return words[i].handle(c, request, answer, err);
    if (store_begin(c->store, err)) return -1;
    int rc = words[i].handle(c, request, answer, err);
    bool done = rc == 0 && !c->is_broken;
    if (done && store_commit(c->store, err) == 0) return 0;
    if (done || !store_in_transaction(c->store)) turn_broke(c, err);
    if (c->is_broken) *err = c->broken;
    lanes_rollback(c);
    return -1;
}

static int handle(struct conductor *c, const json_t *request, json_t *answer, struct err *err) {
    const char *word = json_text(request, "ask");
    if (!word) return err_set(err, EX_USAGE, "a request is one object with `ask`: what is asked");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i].word) != 0) continue;
        return asked_shape(word, request, err) ? -1 : handle_word(c, i, request, answer, err);
    }
    return err_set(err, EX_CONFLICT, "the leat at work here does not know `%s`: it is an older one", word);
}

json_t *asked(void *ctx, const json_t *request) {
    struct err err = {0};
    json_t *answer = json_object();
    int rc = handle(ctx, request, answer, &err);
    json_put(answer, "ok", json_boolean(rc == 0));
    if (rc == 0) return answer;
    json_put_text(answer, "error", err.msg);
    if (err.hint[0]) json_put_text(answer, "hint", err.hint);
    json_put(answer, "exit", json_integer(err.exit));
    return answer;
}

/* ---- the asking side ---- */

int conductor_ask(const char *state, const json_t *request, json_t **out, struct err *err) {
    return control_ask(state, request, out, err);
}

static int do_here(const struct conductor_options *o, const json_t *request, json_t **answer,
                   struct err *err) {
    struct conductor_options here = *o;
    here.database_only = true;
    struct conductor *c = conductor_open(&here, err);
    if (!c) return -1;
    *answer = asked(c, request);
    conductor_close(c);
    return 0;
}

/* One that begins has the lock a moment before it has the socket. */
enum { LOCK_TRIES = 10, LOCK_PAUSE_US = 100000 };

static int ask_or_do(const struct conductor_options *o, const json_t *request, json_t **answer,
                     struct err *err) {
    int rc = conductor_ask(o->project->state, request, answer, err);
    return rc == 1 ? do_here(o, request, answer, err) : rc;
}

int conductor_request(const struct conductor_options *o, const json_t *request, json_t **answer,
                      struct err *err) {
    json_t *got = NULL;
    int rc = ask_or_do(o, request, &got, err);
    for (int i = 1; i < LOCK_TRIES && rc < 0 && !got && err->exit == EX_CONFLICT; i++) {
        usleep(LOCK_PAUSE_US);
        rc = ask_or_do(o, request, &got, err);
    }
    if (rc < 0) return -1;
    if (json_flag(got, "ok")) {
        *answer = got;
        return 0;
    }
    err_set(err, (enum leat_exit)json_int(got, "exit", EX_FAILED), "%s",
            json_text_or(got, "error", "refused"));
    if (json_text(got, "hint")) err_hint(err, "%s", json_text(got, "hint"));
    json_decref(got);
    return -1;
}
