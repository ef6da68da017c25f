/* backfill_follow.c: a backfill is done here when nobody serves, else watched in the database while it is
 * done. */
#include "cli/backfill.h"

#include "base/json.h"
#include "scheduler/conductor.h"
#include "scheduler/core/states.h"
#include "store/runs.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOK_EVERY_MS = 300, RUNS_AT_ONCE = 1000 };

struct following {
    struct view *v;
    struct calls *calls;
    int64_t id;
    struct watch *watch;
    instant_t since; /* what had ended before is no news */
    json_t *ended;   /* the last run_finished event of each run, by its id, until its window is told of */
};

static int find_row(struct view *v, int64_t id, struct arena *a, struct backfill_row *out, struct err *err) {
    int found = v->store ? store_backfill_get(v->store, id, a, out, err) : 0;
    if (found == 0) err_set(err, EX_NOT_FOUND, "there is no backfill %lld", (long long)id);
    return found == 1 ? 0 : -1;
}

/* ---- here ---- */

static instant_t instant_at(const json_t *o, const char *key) {
    instant_t t;
    return instant_parse(json_text_or(o, key, ""), &t) ? t : 0;
}

static void tell_window(struct following *f, const json_t *e) {
    const json_t *w = json_object_get(e, "window"),
                 *end = json_object_get(f->ended, json_text_or(e, "run", ""));
    double took = json_num(end, "took", -1);
    watch_window(f->watch, &(struct watched_window){.at = instant_at(e, "at"),
                                                    .start = instant_at(w, "start"),
                                                    .end = instant_at(w, "end"),
                                                    .run = strtoll(json_text_or(e, "run", "0"), NULL, 10),
                                                    .state = json_text_or(e, "state", ""),
                                                    .failed_step = json_text(end, "failed_step"),
                                                    .reason = json_text(end, "reason"),
                                                    .took = took < 0 ? -1 : (duration_t)(took * 1e6)});
    if (end) json_object_del(f->ended, json_text_or(e, "run", ""));
}

static void print_event(const struct following *f, const json_t *e) {
    char *text = json_dumps(e, JSON_COMPACT | OUT_JSON_REALS);
    out_printf(&f->v->c->out, "%s\n", text ? text : "{}");
    fflush(f->v->c->out.file);
    free(text);
}

static void tell_others(const struct following *f, const char *type, const json_t *e) {
    if (strcmp(type, "recovered") == 0)
        cli_say(f->v->c, "recovered  run %s%s%s: %s\n", json_text_or(e, "run", "-"),
                json_text(e, "step") ? " " : "", json_text_or(e, "step", ""), json_text_or(e, "what", ""));
    if (strcmp(type, "backfill_paused") == 0 || strcmp(type, "refused") == 0)
        cli_say(f->v->c, "%s: %s\n", strcmp(type, "refused") == 0 ? "refused" : "paused",
                json_text_or(e, "message", ""));
}

static void event(void *ctx, const json_t *e) {
    struct following *f = ctx;
    const char *type = json_text_or(e, "type", "");
    if (f->v->c->json) {
        print_event(f, e);
        return;
    }
    if (strcmp(type, "run_finished") == 0) json_object_set(f->ended, json_text_or(e, "run", ""), (json_t *)e);
    if (strcmp(type, "backfill_item") == 0 && f->watch) tell_window(f, e);
    tell_others(f, type, e);
    if (f->watch) watch_draw(f->watch);
}

static int end_here(struct following *f, struct conductor *k, int signal, struct err *err) {
    struct backfill_row b;
    struct err late;
    if (signal) return watch_detach(f->watch, signal, true);
    if (store_backfill_get(conductor_store(k), f->id, f->v->arena, &b, err) < 0) return -1;
    if (conductor_collect(k, &late))
        cli_say(f->v->c, "warning: old versions could not be collected: %s\n", late.msg);
    if (f->v->c->json && b.finished_at != INSTANT_NONE) return strcmp(b.state, "ok") == 0 ? EX_OK : EX_FAILED;
    return watch_end(f->watch, &b);
}

static int work_here(struct following *f, const struct conductor_options *o, struct err *err) {
    struct conductor *k = conductor_open(o, err);
    const char *state;
    int signal = 0, rc = k ? conductor_recover(k, 0, err) : -1;
    if (!rc) rc = conductor_backfill(k, &state, &signal, err);
    if (!rc) rc = end_here(f, k, signal, err);
    conductor_close(k);
    return rc;
}

static int follow_here(struct following *f, struct err *err) {
    struct cli *c = f->v->c;
    long jobs;
    if (cli_number(c, "jobs", 1, 0, &jobs, err)) return -1;
    char *programs = programs_folder();
    struct sql_asking asking = {.project = f->v->project};
    struct pipeline_reader reader = pipeline_reader(&asking);
    struct conductor_options o = {.project = f->v->project,
                                  .world = c->world,
                                  .programs = programs,
                                  .jobs = jobs,
                                  .find = calls_find,
                                  .next = calls_next,
                                  .find_ctx = f->calls,
                                  .reader = &reader,
                                  .report = event,
                                  .report_ctx = f,
                                  .backfill = f->id,
                                  .progress_every = c->err.tty && !c->json ? 100 * US_PER_MS : 0};
    int rc = work_here(f, &o, err);
    free(programs);
    return rc;
}

/* ---- in the database, while somebody serves ---- */

struct polling {
    struct following *f;
    int64_t seen;  /* the newest run of it that was told of */
    int64_t *open; /* malloc'ed: those of them that have not ended */
    size_t count, cap;
    bool alone_said;
};

static struct watched_window watched_of(const struct run_row *r, const char *state) {
    bool ended = r->finished_at != INSTANT_NONE, began = r->started_at != INSTANT_NONE;
    return (struct watched_window){.at = ended ? r->finished_at : r->created_at,
                                   .start = r->window_start,
                                   .end = r->window_end,
                                   .run = r->id,
                                   .state = state,
                                   .failed_step = r->failed_step,
                                   .reason = r->reason,
                                   .took = ended && began ? r->finished_at - r->started_at : -1};
}

static const char *item_state(const struct run_row *r) {
    if (run_ended_well(r->state)) return "ok";
    return strcmp(r->state, "failed") == 0 ? "failed" : "cancelled";
}

static void take_run(struct polling *p, const struct run_row *r) {
    if (r->finished_at != INSTANT_NONE && r->finished_at < p->f->since) return;
    GROW(p->open, p->count, p->cap);
    p->open[p->count++] = r->id;
    struct watched_window w = watched_of(r, "running");
    watch_window(p->f->watch, &w);
}

/* Runs are listed newest first, page by page, and told of oldest first. */
static int list_new(struct polling *p, struct arena *a, struct run_row **out, size_t *count,
                    struct err *err) {
    struct run_filter filter = {.backfill = p->f->id,
                                .since = INSTANT_NONE,
                                .window_start = INSTANT_NONE,
                                .window_end = INSTANT_NONE,
                                .limit = RUNS_AT_ONCE};
    struct run_row *rows;
    size_t n = RUNS_AT_ONCE, cap = 0;
    while (n == RUNS_AT_ONCE && (!filter.before || filter.before > p->seen)) {
        if (store_runs_list(p->f->v->store, &filter, a, &rows, &n, err) < 0) return -1;
        for (size_t i = 0; i < n && rows[i].id > p->seen; i++) {
            GROW(*out, *count, cap);
            (*out)[(*count)++] = rows[i];
        }
        if (n) filter.before = rows[n - 1].id;
    }
    return 0;
}

static int take_new(struct polling *p, struct arena *a, struct err *err) {
    struct run_row *fresh = NULL;
    size_t n = 0;
    int rc = list_new(p, a, &fresh, &n, err);
    for (size_t i = n; rc == 0 && i-- > 0;) take_run(p, &fresh[i]);
    if (rc == 0 && n) p->seen = fresh[0].id;
    free(fresh);
    return rc;
}

static int take_ended(struct polling *p, struct arena *a, struct err *err) {
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct run_row r;
        int found = store_run_get(p->f->v->store, p->open[i], a, &r, err);
        if (found < 0) return -1;
        bool ended = found == 0 || r.finished_at != INSTANT_NONE;
        if (!ended) p->open[kept++] = p->open[i];
        if (!ended || !found) continue;
        struct watched_window w = watched_of(&r, item_state(&r));
        watch_window(p->f->watch, &w);
    }
    p->count = kept;
    return 0;
}

static void say_alone(struct polling *p) {
    struct store_holder holder;
    bool alone = store_holder(p->f->v->project->state, &holder) == 0;
    if (alone && !p->alone_said)
        cli_say(p->f->v->c, "nobody is at work here any more: it goes on when `leat serve` is back\n");
    p->alone_said = alone;
}

/* 1: it is over; 0: not yet. */
static int look(struct polling *p, struct backfill_row *b, struct arena *a, struct err *err) {
    if (take_new(p, a, err) || take_ended(p, a, err) || find_row(p->f->v, p->f->id, a, b, err)) return -1;
    watch_counts(p->f->watch, b);
    watch_draw(p->f->watch);
    say_alone(p);
    bool held = b->finished_at != INSTANT_NONE || strcmp(b->state, "paused") == 0;
    return held && b->running == 0;
}

/* The signal that came meanwhile; 0: none. */
static int pause_a_little(const sigset_t *signals) {
    struct timespec t = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    int got = sigtimedwait(signals, NULL, &t);
    return got > 0 ? got : 0;
}

static int poll_until_over(struct polling *p, const sigset_t *signals, struct err *err) {
    for (;;) {
        struct arena *a = arena_new();
        struct backfill_row b;
        int over = look(p, &b, a, err);
        int rc = over == 1 ? watch_end(p->f->watch, &b) : over;
        arena_free(a);
        if (over) return rc;
        int signal = pause_a_little(signals);
        if (signal) return watch_detach(p->f->watch, signal, false);
    }
}

static int follow_daemon(struct following *f, struct err *err) {
    struct polling p = {.f = f};
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, &before);
    int rc = poll_until_over(&p, &signals, err);
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(p.open);
    return rc;
}

/* ---- which of the two ---- */

enum at_work { NOBODY, A_DAEMON, ANOTHER };

static int who_is_at_work(const struct view *v, enum at_work *out, int64_t *pid, struct err *err) {
    json_t *request = json_pack("{ss}", "ask", "status"), *answer = NULL;
    int rc = conductor_ask(v->project->state, request, &answer, err);
    json_decref(request);
    if (rc < 0) return -1;
    *out = rc == 1 ? NOBODY : json_flag(answer, "serves") ? A_DAEMON : ANOTHER;
    *pid = json_int(answer, "pid", 0);
    json_decref(answer);
    return 0;
}

/* Another command is at work: it ends some time. */
static int wait_for(struct following *f, int64_t pid, bool *said) {
    struct timespec t = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    if (!*said) cli_say(f->v->c, "waiting for the leat at work here, process %lld, to end\n", (long long)pid);
    *said = true;
    return nanosleep(&t, NULL);
}

static int follow(struct following *f, struct err *err) {
    enum at_work who;
    int64_t pid = 0;
    for (bool said = false;;) {
        if (who_is_at_work(f->v, &who, &pid, err)) return -1;
        if (who == A_DAEMON) return follow_daemon(f, err);
        int rc = who == NOBODY ? follow_here(f, err) : -1;
        if (who == NOBODY && (rc >= 0 || err->exit != EX_CONFLICT)) return rc;
        if (wait_for(f, pid, &said)) return watch_detach(f->watch, SIGINT, true);
    }
}

int backfill_follow(struct view *v, struct calls *calls, int64_t id, instant_t since, struct err *err) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct backfill_row b;
    sigaction(SIGPIPE, &ignore, NULL); /* it belongs to its project, not to who watches it */
    if (find_row(v, id, v->arena, &b, err)) return -1;
    const struct tz *tz = backfill_zone(v, &b);
    struct following f = {.v = v, .calls = calls, .id = id, .since = since, .ended = json_object()};
    f.watch = watch_new(v->c, tz, &b);
    int rc = follow(&f, err);
    watch_free(f.watch);
    json_decref(f.ended);
    return rc;
}
