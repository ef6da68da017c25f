/* recover.c: what a dead conductor, or a dead warden, left behind (design: zones.md 2, reliability.md 2.3).
 *
 *   intent prepared        its publish job again (idempotent), unless that still runs or its exit waits
 *   attempt, job alive     adopted: its exit will come
 *   attempt, exit kept     taken in as any exit
 *   attempt, neither:
 *     and its result       it had ended, and waited for its turn to publish
 *     and no log           it was never started: the same attempt starts, or is cancelled with its run
 *     in its main job      its warden died: what is left of its tree is killed, the attempt is lost
 *     in its audit         the audit again: it is a pure function of the stage
 *
 * Runs that nobody goes on with are frozen: see restore.c. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/map.h"
#include "operators/exchange.h"
#include "scheduler/conductor/attended.h"

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

/* ---- attempts ---- */

static struct core_init *init_of(struct live_run *r) { return r->plan ? r->plan->init : r->init; }

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
    snprintf(a->log, sizeof a->log, "%s", row->log ? row->log : "");
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

/* Its job's log, which the warden makes before it starts anything, is not there. Of a machine that was
 * restarted since, that proves nothing: the log's name was not yet durable. */
static bool never_started(const struct conductor *c, const struct live_attempt *a) {
    if (a->phase != PHASE_MAIN || a->started_at < turn_wall(c) - turn_now(c)) return false;
    char *log = fs_join(c->options.project->state, a->log);
    bool absent = !fs_exists(log);
    free(log);
    return absent;
}

/* A worker's job writes its result last of all, durably. Its exit is acknowledged at once, also when the attempt
 * has to wait until another one has published: then the result is what is left of it. */
static bool has_ended(const struct conductor *c, const struct live_attempt *a) {
    if (a->phase != PHASE_MAIN || !json_flag(a->request, "worker")) return false;
    char *result = exchange_result_path(c->options.project->state, a->token, "work");
    bool there = fs_exists(result);
    free(result);
    return there;
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
    if (has_ended(k->c, a)) {
        h.kind = HAPPENED_EXIT;
        h.exit = (struct job_exit){.started = true};
        say(k, a, "had ended, to be published");
    } else if (never_started(k->c, a)) {
        h.kind = HAPPENED_NEVER_STARTED;
        say(k, a, "was about to start, never did");
    } else {
        say(k, a, "lost: its warden died");
    }
    turn_happened(k->c, &h);
    return 0;
}

/* A publish job may be alive under the name of its second or third try: two of them must never run at
 * once. */
static void find_job_try(const struct recovery *k, struct live_attempt *a) {
    char id[128];
    for (a->job_try = PUBLISH_TRIES - 1; a->job_try; a->job_try--) {
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
    if (a->phase == PHASE_PUBLISH) find_job_try(k, a);
    attempt_job_id(a, id);
    init_of(r)[row->step].state = STEP_running;
    init_of(r)[row->step].attempts = row->number;
    init_of(r)[row->step].publishing = a->intent != 0;
    if (a->phase == PHASE_ATTENDED) {
        attended_recover(k->c, a, row, &k->alive);
        return 0;
    }
    if (!map_get(&k->alive, id, NULL)) return settle_unknown(k, a, err);
    say(k, a, "still running, adopted");
    return 0;
}

/* One line a run: there may be thousands. */
static void say_waits(struct recovery *k, const struct live_run *r) {
    int n = 0;
    for (uint32_t i = 0; i < r->step_count; i++) {
        const struct live_attempt *a = r->attempts[i];
        n += a && a->attended && !a->attended->interrupted;
    }
    if (n)
        report(k->c, "recovered", r->id, NULL, json_pack("{ss si}", "what", "goes on waiting", "steps", n));
}

static int recover_attempts(struct recovery *k, struct err *err) {
    struct attempt_row *rows;
    size_t n;
    if (store_attempts_live(k->c->store, k->arena, &rows, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++)
        if (recover_attempt(k, &rows[i], err)) return -1;
    for (const struct live_run *r = k->c->runs; r; r = r->next) say_waits(k, r);
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

/* ---- runs ---- */

/* A run that only waits for its turn stays a row: whoever serves begins it (admit.c). What `leat run` was
 * about to begin itself was nobody else's. */
static bool waits_its_turn(const struct recovery *k, const struct run_row *row) {
    if (strcmp(row->state, run_state_names[RUN_queued]) != 0 || row->generation > 1) return false;
    json_t *options = row->options ? json_loads(row->options, 0, NULL) : NULL;
    bool asked = json_flag(options, "queue") || strcmp(row->trigger, "manual") != 0;
    json_decref(options);
    return asked || k->c->options.serves;
}

/* What is due at once is decided before lanes are looked at: `if_running` has to know by then. */
static void wait_in_lane(struct conductor *c, struct lane *l) {
    lane_touch(c, l);
    clock_busy(c, l, true);
}

/* The rows of those that do not; the others' lanes are looked at. */
static size_t leave_waiting(struct recovery *k, struct run_row *rows, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (waits_its_turn(k, &rows[i]) && stands_beside(&rows[i]))
            admit_beside(k->c, rows[i].pipeline, rows[i].id);
        else if (waits_its_turn(k, &rows[i]))
            wait_in_lane(k->c, lane_of(k->c, rows[i].pipeline));
        else
            rows[kept++] = rows[i];
    }
    return kept;
}

/* An unfinished run that does not go on is stopped for good: whoever has to recover once more finishes it
 * too. One that was being stopped already stays so: what the user asked for counts. */
static int freeze(struct recovery *k, struct run_row *row, struct err *err) {
    if (row->stop[0]) return 0;
    row->stop = run_stop_names[STOP_FREEZE];
    row->stop_reason = "interrupted";
    if (store_begin(k->c->store, err)) return -1;
    if (store_run_stop(k->c->store, row->id, row->stop, row->stop_reason, err) >= 0)
        return store_commit(k->c->store, err);
    store_rollback(k->c->store);
    return -1;
}

/* One that serves goes on with every run, one that feeds a backfill with the runs of that. */
static bool goes_on_here(const struct conductor *c, int64_t backfill) {
    return c->options.serves || (backfill && backfill == c->options.backfill);
}

static int restore_run(struct recovery *k, struct run_row *row, struct err *err) {
    if (row->id == k->resume) return 0;
    bool wanted = goes_on_here(k->c, row->backfill) || child_goes_on(k->c, row);
    int goes_on = wanted ? restore_going(k->c, row, k->arena, err) : 0;
    if (goes_on) return goes_on < 0 ? -1 : 0;
    return freeze(k, row, err) || restore_frozen(k->c, row, k->arena, err) ? -1 : 0;
}

static int restore_runs(struct recovery *k, struct run_row *rows, size_t n, struct err *err) {
    for (size_t i = 0; i < n; i++)
        if (restore_run(k, &rows[i], err)) return -1;
    return 0;
}

static int enter_runs(struct recovery *k, const struct run_row *rows, size_t n, struct err *err) {
    for (size_t i = 0; i < n; i++) {
        struct live_run *r = live_find(k->c, rows[i].id);
        struct entrance in = {.stop = r->stop, .stop_reason = rows[i].stop_reason};
        run_state_parse(rows[i].state, &in.state);
        if (live_enter(k->c, r, &in, err)) return -1;
    }
    return 0;
}

static bool old_runs_live(const struct conductor *c) {
    for (const struct live_run *r = c->runs; r; r = r->next)
        if (r->frozen) return true;
    return c->to_close_count > 0;
}

/* Lets what is live of the old runs come to its end. */
static int finish_old_runs(struct conductor *c, struct err *err) {
    c->wants_turn = true;
    while (!c->is_broken && old_runs_live(c)) conductor_poll(c);
    if (c->is_broken) *err = c->broken;
    return c->is_broken ? -1 : 0;
}

static int recover_all(struct recovery *k, struct err *err) {
    struct run_row *rows;
    size_t n;
    if (store_runs_open(k->c->store, k->arena, &rows, &n, err) < 0) return -1;
    if (ask_warden(k, err) || close_committed(k, err)) return -1;
    n = leave_waiting(k, rows, n);
    if (restore_runs(k, rows, n, err) || recover_attempts(k, err) || enter_runs(k, rows, n, err)) return -1;
    effects_run(k->c);
    if (!k->c->options.serves && finish_old_runs(k->c, err)) return -1;
    return ahead_look(k->c, err) ? -1 : 0;
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
        if (a->attended && !attended_has_job(a)) continue;
        struct happening h = {.kind = never_started(c, a) ? HAPPENED_NEVER_STARTED : HAPPENED_LOST};
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
