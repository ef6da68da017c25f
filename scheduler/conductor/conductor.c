/* conductor.c: opening and closing, the loop and its handles, waiting for a run. */
#include "scheduler/conductor/attended.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"
#include "store/backfills.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- what wakes the loop ---- */

static void want_exit(struct conductor *c, const struct job_exit *x) {
    struct happening h = {.kind = HAPPENED_EXIT, .exit = *x};
    memcpy(h.id, x->id, sizeof h.id);
    turn_happened(c, &h);
}

static void drain_warden(struct conductor *c) {
    struct warden_event e;
    while (!c->warden_lost && warden_next(c->warden, &e)) {
        if (e.kind == WARDEN_EXIT) want_exit(c, &e.exit);
        if (e.kind == WARDEN_LOST) c->warden_lost = true;
    }
}

static void warden_ready(uv_poll_t *h, int status, int events) {
    struct conductor *c = h->data;
    struct err err;
    (void)status;
    if (!c->warden) return;
    if ((events & UV_WRITABLE) && warden_flush(c->warden, &err)) c->warden_lost = true;
    drain_warden(c);
    if (c->warden_lost) uv_poll_stop(h);
}

static void watch_warden(struct conductor *c) {
    if (!c->warden) return;
    int events = UV_READABLE | (warden_wants_write(c->warden) ? UV_WRITABLE : 0);
    uv_poll_start(&c->warden_poll, events, warden_ready);
}

/* Timers run before the loop polls: without the stop it would sleep on what they ask for. */
static void due(uv_timer_t *t) {
    struct conductor *c = t->data;
    c->wants_turn = true;
    uv_stop(&c->loop);
}

static void show_progress(uv_timer_t *t) {
    struct conductor *c = t->data;
    report_progress(c);
    effects_run(c);
    if (c->wants_turn || c->happened_count) uv_stop(&c->loop);
}

static void signalled(uv_signal_t *s, int number) {
    struct conductor *c = s->data;
    bool again = c->signals++ > 0;
    if (!again) c->signal = number;
    if (c->options.serves || c->options.backfill) { /* whoever loops ends it; its steps go on */
        uv_stop(&c->loop);
        return;
    }
    report(c, again ? "killing" : "cancelling", c->waited, NULL, json_pack("{si}", "signal", number));
    effects_run(c);
    for (struct live_run *r = c->runs; r; r = r->next)
        if (!r->ended) conductor_cancel(c, r->id, again, number == SIGINT ? "interrupted" : "terminated");
}

static void arm_due(struct conductor *c) {
    instant_t at = core_next_due(c->core);
    uv_timer_stop(&c->due);
    if (at == INSTANT_NONE) return;
    uv_update_time(&c->loop); /* the turn took time */
    duration_t left = at - turn_now(c);
    uv_timer_start(&c->due, due, left > 0 ? (uint64_t)(left + US_PER_MS - 1) / 1000 : 0, 0);
}

/* After every poll of the loop: at most one turn. */
static void after_poll(struct conductor *c) {
    struct err err;
    if (c->warden_lost && recover_warden_lost(c, &err)) {
        c->broken = err;
        c->is_broken = true;
    }
    if (c->is_broken || (!c->happened_count && !c->wants_turn)) return;
    if (turn_take(c, &err) == 0) arm_due(c);
    clock_arm(c);
    waits_arm(c);
}

/* What is committed is closed (P7) with the next turn's transaction or, when nothing else comes, in its
 * own. */
void conductor_poll(struct conductor *c) {
    bool pending = c->wants_turn || c->happened_count, unclosed = c->to_close_count > 0;
    watch_warden(c);
    uv_run(&c->loop, pending || unclosed ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    c->wants_turn |= unclosed;
    after_poll(c);
}

/* ---- open and close ---- */

static void raise_open_files(void) {
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur == l.rlim_max) return;
    l.rlim_cur = l.rlim_max;
    setrlimit(RLIMIT_NOFILE, &l);
}

static int64_t default_jobs(void) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 4 ? cores : 4;
}

/* A step without `retry:` that exits with 75 (EX_TEMPFAIL) is tried again so often, after so long. */
enum { ASKED_TIMES = 3 };
#define ASKED_WAIT (10 * US_PER_SECOND)

static void open_core(struct conductor *c) {
    const struct project *p = c->options.project;
    struct core_pool *pools = xcalloc(p->pool_count, sizeof *pools);
    for (size_t i = 0; i < p->pool_count; i++)
        pools[i] = (struct core_pool){.name = p->pools[i].name, .tokens = p->pools[i].tokens};
    if (!c->options.jobs) c->options.jobs = default_jobs();
    struct core_config config = {.jobs = c->options.jobs,
                                 .pools = pools,
                                 .pool_count = (uint32_t)p->pool_count,
                                 .asked = {.times = ASKED_TIMES, .wait = ASKED_WAIT},
                                 .quiet_ready = true};
    c->core = core_new(&config);
    free(pools);
}

static int make_folders(const struct project *p, struct err *err) {
    static const char *const names[] = {"log", "stage"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = fs_join(p->state, names[i]);
        int rc = fs_mkdirs(path, 0700, err);
        free(path);
        if (rc) return -1;
    }
    return 0;
}

static int open_parts(struct conductor *c, struct err *err) {
    const char *state = c->options.project->state;
    struct store_options so = {
        .world = c->options.world, .lock_fd = c->options.inherited.lock_fd, .uuid = c->options.uuid};
    if (!(c->store = store_open_writer(state, &so, err))) return -1;
    if (make_folders(c->options.project, err)) return -1;
    bool fresh;
    open_core(c);
    if (c->options.database_only) return 0;
    if (!(c->warden = warden_connect(state, c->warden_program, &fresh, err))) return -1;
    struct control_options co = {
        .state = state, .answer = asked, .ctx = c, .listen_fd = c->options.inherited.listen_fd};
    c->control = control_open(&c->loop, &co, err);
    if (!c->control) return -1;
    return c->options.serves ? 0 : control_listen(c->control, err); /* serve.c: once it knows its pipelines */
}

static void open_loop(struct conductor *c) {
    uv_loop_init(&c->loop);
    c->loop_open = true;
    uv_timer_init(&c->loop, &c->due);
    uv_timer_init(&c->loop, &c->progress);
    uv_signal_init(&c->loop, &c->sigint);
    uv_signal_init(&c->loop, &c->sigterm);
    c->due.data = c->progress.data = c->sigint.data = c->sigterm.data = c;
    uv_signal_start(&c->sigint, signalled, SIGINT);
    uv_signal_start(&c->sigterm, signalled, SIGTERM);
    uint64_t every = (uint64_t)(c->options.progress_every / US_PER_MS);
    if (every) uv_timer_start(&c->progress, show_progress, every, every);
    c->waits = waits_open(c);
}

struct conductor *conductor_open(const struct conductor_options *o, struct err *err) {
    struct conductor *c = xcalloc(1, sizeof *c);
    c->options = *o;
    c->worker = fs_join(o->programs, "leat");
    c->warden_program = fs_join(o->programs, "leat-warden");
    raise_open_files();
    open_loop(c);
    if (open_parts(c, err) == 0) {
        if (c->warden) uv_poll_init(&c->loop, &c->warden_poll, warden_fd(c->warden));
        c->warden_poll.data = c;
        return c;
    }
    if (!c->control && o->inherited.listen_fd > 0) close(o->inherited.listen_fd);
    conductor_close(c);
    return NULL;
}

static void close_handle(uv_handle_t *h, void *ctx) {
    (void)ctx;
    if (!uv_is_closing(h)) uv_close(h, NULL);
}

static void close_loop(struct conductor *c) {
    if (!c->loop_open) return;
    uv_walk(&c->loop, close_handle, NULL);
    uv_run(&c->loop, UV_RUN_DEFAULT);
    uv_loop_close(&c->loop);
}

/* What only waits for P7, and an empty WAL for the next reader. */
static void close_store(struct conductor *c) {
    struct err err;
    if (c->store && !c->is_broken && c->to_close_count) turn_take(c, &err);
    if (c->store && !c->is_broken) store_tend(c->store, true, &err);
    store_close(c->store);
}

/* The last acknowledgements: a warden that keeps nothing ends at once. */
static void close_warden(struct conductor *c) {
    struct err ignored;
    if (c->warden) warden_flush(c->warden, &ignored);
    warden_close(c->warden);
}

void conductor_close(struct conductor *c) {
    if (!c) return;
    close_store(c);
    control_close(c->control);
    waits_close(c->waits);
    close_loop(c);
    close_warden(c);
    while (c->runs) {
        struct live_run *r = c->runs;
        if (c->core) core_forget(c->core, r->id);
        live_unlink(c, r);
        live_drop(r);
    }
    waits_free(c->waits);
    wiring_free(c->wiring);
    lanes_release(c);
    backfills_release(c);
    idmap_release(&c->by_id);
    core_free(c->core);
    core_actions_release(&c->actions);
    free(c->effects);
    free(c->happened);
    free(c->to_close);
    free(c->worker);
    free(c->warden_program);
    free(c);
}

struct store *conductor_store(struct conductor *c) {
    return c->store;
}

/* ---- waiting ---- */

void conductor_cancel(struct conductor *c, int64_t run, bool kill, const char *reason) {
    turn_apply(c, &(struct core_event){.kind = CORE_RUN_CANCEL, .run = run, .kill = kill, .reason = reason});
    c->wants_turn = true;
}

static bool settled(const struct conductor *c, int64_t run) {
    if (run) return c->waited_ended;
    return c->runs == NULL && !c->happened_count;
}

int conductor_wait(struct conductor *c, int64_t run, const char **state, int *signal, struct err *err) {
    if (c->waited != run) { /* a run that goes on may have ended while the old ones were recovered */
        c->waited = run;
        c->waited_ended = false;
    }
    while (!c->is_broken && !settled(c, run)) conductor_poll(c);
    if (signal) *signal = c->signal;
    if (c->is_broken) {
        *err = c->broken;
        return -1;
    }
    if (state) *state = run ? run_state_names[c->waited_state] : "";
    return 0;
}

static int fed_state(struct conductor *c, const char **state, struct err *err) {
    static const char *const states[] = {"queued", "running", "paused", "ok", "failed", "cancelled"};
    struct arena *a = arena_new();
    struct backfill_row b;
    int found = store_backfill_get(c->store, c->options.backfill, a, &b, err);
    *state = "";
    for (size_t i = 0; found == 1 && i < sizeof states / sizeof *states; i++)
        if (strcmp(b.state, states[i]) == 0) *state = states[i];
    arena_free(a);
    return found < 0 ? -1 : 0;
}

int conductor_backfill(struct conductor *c, const char **state, int *signal, struct err *err) {
    if (backfills_open(c, err)) return -1;
    while (!c->is_broken && !c->signal && (c->feed_count || c->runs || c->happened_count || c->wants_turn))
        conductor_poll(c);
    *signal = c->signal;
    if (c->is_broken) {
        *err = c->broken;
        return -1;
    }
    return fed_state(c, state, err);
}
