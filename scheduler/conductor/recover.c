/* recover.c: what a dead conductor, or a dead warden, left behind (design: zones.md 2, reliability.md 2.3).
 *
 *   intent prepared                    publish job again (it is idempotent), unless it still runs or its exit
 * waits attempt running, job alive         adopted: its exit will come attempt running, exit record kept
 * taken in as any exit attempt running, no job, no log    it was never started: the same step starts again
 *   attempt running, no job, a log     its warden died: what is left of its tree is killed, the attempt is
 * lost attempt in its audit, no job       the audit is run again: it is a pure function of the stage */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/map.h"
#include "operators/exchange.h"
#include "scheduler/scope.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_PATIENCE_MS = (int)(WARDEN_PATIENCE / US_PER_MS) };
#define REAP_PATIENCE (20 * US_PER_SECOND)

struct recovery {
    struct conductor *c;
    struct arena *arena;
    struct map alive; /* job ids that run under the warden or whose exit waits */
    int64_t resume;
    struct intent_row *intents;
    size_t intent_count;
};

/* ---- what the warden knows ---- */

static void known(struct recovery *k, const char *id) {
    map_add(&k->alive, arena_strdup(k->arena, id), 1, NULL);
}

static int take_list_event(struct recovery *k, const struct warden_event *e, struct err *err) {
    if (e->kind == WARDEN_LOST)
        return err_set(err, EX_ENVIRONMENT, "the warden ended while it was asked what it runs");
    if (e->kind == WARDEN_JOB) known(k, e->id);
    if (e->kind == WARDEN_EXIT) {
        known(k, e->exit.id);
        struct happening h = {.kind = HAPPENED_EXIT, .exit = e->exit};
        memcpy(h.id, e->exit.id, sizeof h.id);
        turn_happened(k->c, &h);
    }
    return e->kind == WARDEN_LISTED;
}

static int wait_readable(struct conductor *c, struct err *err) {
    struct pollfd p = {.fd = warden_fd(c->warden), .events = POLLIN};
    if (warden_wants_write(c->warden)) p.events |= POLLOUT;
    int n = poll(&p, 1, LIST_PATIENCE_MS);
    if (n < 0 && errno == EINTR) return 0;
    if (n < 0) return err_errno(err, "cannot wait for the warden");
    if (n == 0) return err_set(err, EX_ENVIRONMENT, "the warden does not answer");
    return p.revents & POLLOUT ? warden_flush(c->warden, err) : 0;
}

static int ask_warden(struct recovery *k, struct err *err) {
    if (warden_list(k->c->warden, err)) return -1;
    for (;;) {
        struct warden_event e;
        while (warden_next(k->c->warden, &e)) {
            int listed = take_list_event(k, &e, err);
            if (listed) return listed < 0 ? -1 : 0;
        }
        if (wait_readable(k->c, err)) return -1;
    }
}

/* ---- runs ---- */

static void bare_names(struct recovery *k, struct live_run *r, const struct step_row *rows, size_t n) {
    const char **names = arena_array(k->arena, n, sizeof *names),
               **verbs = arena_array(k->arena, n, sizeof *verbs);
    for (size_t i = 0; i < n; i++) names[i] = rows[i].name, verbs[i] = rows[i].verb;
    live_names(r, (uint32_t)n, names, verbs);
    r->bare_steps = xcalloc(n, sizeof *r->bare_steps);
    r->init = xcalloc(n, sizeof *r->init);
    r->no_edges = xcalloc(n + 1, sizeof *r->no_edges);
    for (size_t i = 0; i < n; i++) {
        r->bare_steps[i].pool = CORE_NO_POOL;
        step_state_parse(rows[i].state, &r->init[i].state);
        r->init[i].left_out = rows[i].left_out;
        r->init[i].warned = rows[i].warned;
        r->init[i].attempts = rows[i].attempts;
        r->init[i].due = turn_now(k->c);
        if (r->init[i].state == STEP_failed)
            json_array_append_new(r->failed_steps, json_string(rows[i].name));
    }
}

/* A run that is only finished, not gone on with: its steps without edges, frozen. */
static int bare_run(struct recovery *k, const struct run_row *row, struct err *err) {
    struct step_row *rows;
    size_t n;
    if (store_steps_list(k->c->store, row->id, k->arena, &rows, &n, err) < 0) return -1;
    struct live_run *r = live_new(k->c, row->id);
    r->generation = row->generation;
    r->trigger = xstrdup(row->trigger);
    r->pipeline_name = xstrdup(row->pipeline);
    r->window_start = row->window_start;
    r->window_end = row->window_end;
    r->started_at = row->started_at;
    r->scope = json_pack("{s{} s{}}", "steps", "secrets");
    bare_names(k, r, rows, n);
    return 0;
}

static struct core_init *init_of(struct live_run *r) { return r->plan ? r->plan->init : r->init; }

/* ---- attempts ---- */

static const struct intent_row *intent_of(const struct recovery *k, int64_t attempt) {
    for (size_t i = 0; i < k->intent_count; i++)
        if (k->intents[i].attempt == attempt) return &k->intents[i];
    return NULL;
}

static json_t *load_or_empty(char *path) {
    struct err ignored;
    json_t *v = fs_exists(path) ? json_load_path(path, &ignored) : NULL;
    free(path);
    return v ? v : json_object();
}

static struct live_attempt *adopt(struct recovery *k, struct live_run *r, const struct attempt_row *row) {
    const char *state = k->c->options.project->state;
    struct live_attempt *a = attempt_new(r, row->step, row->number);
    a->id = row->id;
    snprintf(a->token, sizeof a->token, "%s", row->token);
    snprintf(a->log, sizeof a->log, "%s", row->log);
    a->phase = row->phase ? (enum phase)row->phase : PHASE_MAIN;
    a->started_at = row->started_at;
    a->request = load_or_empty(exchange_request_path(state, a->token, "work"));
    const char *stage = json_text(json_object_get(a->request, "into"), "stage");
    a->stage = stage ? xstrdup(stage) : NULL;
    const struct intent_row *intent = intent_of(k, row->id);
    if (intent) {
        a->intent = intent->id;
        a->phase = PHASE_PUBLISH;
        a->result = load_or_empty(exchange_result_path(state, a->token, "work"));
    } else if (a->phase == PHASE_AUDIT) {
        a->result = json_object();
    }
    return a;
}

static void say(struct recovery *k, const struct live_attempt *a, const char *what) {
    report(k->c, "recovered", a->run->id, a->run->names[a->step], json_pack("{ss}", "what", what));
}

static bool never_started(const struct recovery *k, const struct live_attempt *a) {
    char *log = fs_join(k->c->options.project->state, a->log);
    bool absent = !fs_exists(log); /* the warden makes it before it starts anything */
    free(log);
    return absent;
}

/* The step goes back to where it was, and starts again as soon as its run is entered. */
static int start_again(struct recovery *k, struct live_attempt *a, struct err *err) {
    struct conductor *c = k->c;
    struct live_run *r = a->run;
    struct attempt_end end = {.id = a->id,
                              .from = "running",
                              .to = "lost",
                              .exit_code = -1,
                              .reason = "never_started",
                              .at = turn_wall(c)};
    struct step_move move = {.run = r->id,
                             .generation = r->generation,
                             .step = a->step,
                             .from = "running",
                             .to = "retry_wait",
                             .reason = "never_started",
                             .attempts = a->number,
                             .due = end.at,
                             .rows_read = -1,
                             .bytes_read = -1,
                             .rows_written = -1,
                             .at = end.at};
    if (store_begin(c->store, err)) return -1;
    if (store_attempt_end(c->store, &end, err) < 0 || store_step_move(c->store, &move, err) < 0) {
        store_rollback(c->store);
        return -1;
    }
    struct core_init *init = &init_of(r)[a->step];
    *init = (struct core_init){.state = STEP_retry_wait, .attempts = a->number, .due = turn_now(c)};
    r->attempts[a->step] = NULL;
    effect_add(c, &(struct effect){.kind = EFFECT_CLEAN, .attempt = a});
    return store_commit(c->store, err);
}

/* What is to be done with an attempt that the warden does not know. */
static int settle_unknown(struct recovery *k, struct live_attempt *a, struct err *err) {
    struct happening h = {.kind = HAPPENED_LOST};
    attempt_job_id(a, h.id);
    if (warden_reap_tree(k->c->options.project->state, h.id, REAP_PATIENCE, err)) return -1;
    if (a->phase != PHASE_MAIN) { /* audit and publish are repeated: both depend on files alone */
        say(k, a, a->phase == PHASE_PUBLISH ? "publishing goes on" : "its checks run again");
        effect_add(k->c, &(struct effect){.kind = EFFECT_START, .attempt = a});
        return 0;
    }
    if (a->run->plan && never_started(k, a)) {
        say(k, a, "was about to start: starts again");
        return start_again(k, a, err);
    }
    say(k, a, "lost: its warden died");
    turn_happened(k->c, &h);
    return 0;
}

/* A publish job may be alive under the name of its second or third try: two of them must never run at once.
 */
static void find_publish_try(const struct recovery *k, struct live_attempt *a) {
    char id[128];
    for (a->publish_try = PUBLISH_TRIES - 1; a->publish_try; a->publish_try--) {
        attempt_job_id(a, id);
        if (map_get(&k->alive, id, NULL)) return;
    }
}

static int recover_attempt(struct recovery *k, const struct attempt_row *row, struct err *err) {
    struct live_run *r = live_find(k->c, row->run);
    if (!r || row->step >= r->step_count)
        return err_set(err, EX_ENVIRONMENT, "attempt %s belongs to no unfinished run", row->token);
    struct live_attempt *a = adopt(k, r, row);
    char id[128];
    if (a->phase == PHASE_PUBLISH) find_publish_try(k, a);
    attempt_job_id(a, id);
    init_of(r)[row->step].state = STEP_running;
    init_of(r)[row->step].attempts = row->number;
    init_of(r)[row->step].publishing = a->intent != 0;
    if (!map_get(&k->alive, id, NULL)) return settle_unknown(k, a, err);
    say(k, a, "still running, adopted");
    return 0;
}

static int recover_attempts(struct recovery *k, struct err *err) {
    struct attempt_row *rows;
    size_t n;
    if (store_attempts_live(k->c->store, k->arena, &rows, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++)
        if (recover_attempt(k, &rows[i], err)) return -1;
    return 0;
}

static int close_committed(struct recovery *k, struct err *err) {
    if (store_intents_open(k->c->store, k->arena, &k->intents, &k->intent_count, err) < 0) return -1;
    for (size_t i = 0; i < k->intent_count; i++) {
        if (strcmp(k->intents[i].state, "committed") != 0) {
            if (!k->intents[i].attempt && publish_by_hand(k->c, k->intents[i].id, err)) return -1;
            continue;
        }
        GROW(k->c->to_close, k->c->to_close_count, k->c->to_close_cap);
        k->c->to_close[k->c->to_close_count++] = k->intents[i].id;
        k->c->wants_turn = true;
    }
    return 0;
}

static int recover_run(struct recovery *k, const struct run_row *row, struct err *err) {
    return row->id == k->resume ? 0 : bare_run(k, row, err);
}

static enum run_stop stop_of(const struct run_row *row) {
    enum run_stop stop = STOP_NO;
    for (int i = STOP_NO; i <= STOP_FREEZE; i++)
        if (strcmp(run_stop_names[i], row->stop) == 0) stop = (enum run_stop)i;
    return stop;
}

static int enter_runs(struct recovery *k, const struct run_row *rows, size_t n, struct err *err) {
    for (size_t i = 0; i < n; i++) {
        struct entrance in = {.state = RUN_queued, .stop = STOP_FREEZE, .stop_reason = "interrupted"};
        run_state_parse(rows[i].state, &in.state);
        if (rows[i].id == k->resume) in.stop = stop_of(&rows[i]), in.stop_reason = rows[i].stop_reason;
        if (rows[i].id != k->resume)
            report(k->c, "recovered", rows[i].id, NULL, json_pack("{ss}", "what", "interrupted"));
        if (live_enter(k->c, live_find(k->c, rows[i].id), &in, err)) return -1;
    }
    return 0;
}

static bool old_runs_live(const struct conductor *c, int64_t resume) {
    for (const struct live_run *r = c->runs; r; r = r->next)
        if (r->id != resume) return true;
    return c->to_close_count > 0;
}

/* Lets what is live of the old runs come to its end. */
static int finish_old_runs(struct conductor *c, int64_t resume, struct err *err) {
    c->wants_turn = true;
    while (!c->is_broken && old_runs_live(c, resume)) {
        conductor_poll(c);
        c->wants_turn |= c->to_close_count > 0; /* nothing else may come that would close them */
    }
    if (c->is_broken) *err = c->broken;
    return c->is_broken ? -1 : 0;
}

static int recover_all(struct recovery *k, struct err *err) {
    struct run_row *rows;
    size_t n;
    if (store_runs_open(k->c->store, k->arena, &rows, &n, err) < 0) return -1;
    if (ask_warden(k, err) || close_committed(k, err)) return -1;
    for (size_t i = 0; i < n; i++)
        if (recover_run(k, &rows[i], err)) return -1;
    if (recover_attempts(k, err) || enter_runs(k, rows, n, err)) return -1;
    effects_run(k->c);
    return finish_old_runs(k->c, k->resume, err);
}

int conductor_recover(struct conductor *c, int64_t resume, struct err *err) {
    struct recovery k = {.c = c, .arena = arena_new(), .resume = resume};
    c->waited = resume;
    c->waited_ended = false;
    int rc = recover_all(&k, err);
    map_release(&k.alive);
    arena_free(k.arena);
    return rc;
}

/* ---- the warden died while the conductor lives ---- */

static int lose_run(struct conductor *c, struct live_run *r, struct err *err) {
    for (uint32_t i = 0; i < r->step_count; i++) {
        struct live_attempt *a = r->attempts[i];
        if (!a || (a->asked_publish && a->phase != PHASE_PUBLISH)) continue; /* no job of it runs */
        struct happening h = {.kind = HAPPENED_LOST};
        attempt_job_id(a, h.id);
        if (warden_reap_tree(c->options.project->state, h.id, REAP_PATIENCE, err)) return -1;
        turn_happened(c, &h);
    }
    return 0;
}

int recover_warden_lost(struct conductor *c, struct err *err) {
    bool fresh;
    uv_poll_stop(&c->warden_poll);
    uv_close((uv_handle_t *)&c->warden_poll, NULL);
    uv_run(&c->loop, UV_RUN_NOWAIT); /* lets the handle go before its descriptor does */
    warden_close(c->warden);
    if (!(c->warden = warden_connect(c->options.project->state, c->warden_program, &fresh, err))) return -1;
    c->warden_lost = false;
    uv_poll_init(&c->loop, &c->warden_poll, warden_fd(c->warden));
    c->warden_poll.data = c;
    for (struct live_run *r = c->runs; r; r = r->next)
        if (lose_run(c, r, err)) return -1;
    report(c, "recovered", 0, NULL,
           json_pack("{ss}", "what", "the warden died: its steps are lost and tried again"));
    c->wants_turn = true;
    return 0;
}
