/* serve.c: see serve.h. Around the conductor's loop: the catalog of pipelines, signals, upkeep.
 *
 * Upkeep comes with the watchdog (half its interval), or once a minute: a look at the files that inotify may
 * have missed, a write that proves the database writable, and only then the sign of life. Nothing else wakes
 * an idle daemon but the clock's next firing.
 *
 * When nothing can be written (a full disk, a broken database), a life ends and the next is tried after a
 * pause, for as long as it takes (lives.h). Meanwhile nobody listens at the socket, slots wait for the life
 * that decides them, steps go on under the warden, which keeps how they end; systemd is told why, and asked
 * for as much more patience as the pause takes, since this is no hang. */
#include "scheduler/serve.h"

#include "base/json.h"
#include "base/tz.h"
#include "scheduler/conductor/attended.h"
#include "scheduler/conductor/collect.h"
#include "scheduler/conductor/lives.h"
#include "scheduler/conductor/notify.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UPKEEP_EVERY  (60 * US_PER_SECOND)
#define COLLECT_AGAIN (60 * US_PER_MINUTE)
enum { LAST_ANSWERS_MS = 2000 };
enum { LOCK_TRIES = 10, LOCK_PAUSE_US = 100000 };

struct server {
    const struct serve_options *o;
    struct conductor *c;
    struct catalog *catalog;
    uv_signal_t hup, usr2;
    uv_timer_t upkeep, drained, hurry;
    uv_idle_t collector; /* at work while there is a collection: a piece for each round of the loop */
    struct collection *collection;      /* NULL: none is under way */
    instant_t collect_from;             /* steady clock: not before this, one has failed */
    struct inherited before, inherited; /* of the program before this one; for the one after it */
    char uuid[STORE_UUID];              /* of the database that was served in the life before; "": none yet */
    uint64_t zones;                     /* stamp of the zone data that definitions were read with */
    struct err tending, collecting;     /* what of the upkeep failed the last time; {0}: nothing */
    bool began, replace, draining, drain_over, hurried;
};

/* ---- the log ---- */

static const struct {
    const char *type, *level;
} levels[] = {{"broken", "error"},         {"project_broken", "warn"},    {"nothing_to_serve", "warn"},
              {"refused", "warn"},         {"definition_broken", "warn"}, {"clock", "warn"},
              {"cancel_too_late", "warn"}, {"upkeep_failed", "warn"}};

static const char *level_of(const json_t *event) {
    const char *type = json_text_or(event, "type", ""), *result = json_text_or(event, "result", "");
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcmp(type, levels[i].type) == 0) return levels[i].level;
    return strcmp(result, "failed") == 0 ? "warn" : "info";
}

static void log_event(void *ctx, const json_t *event) {
    struct server *s = ctx;
    s->o->log(s->o->log_ctx, level_of(event), event);
}

static void say(struct server *s, const char *type, json_t *detail) {
    report(s->c, type, 0, NULL, detail);
    effects_run(s->c);
}

/* ---- definitions ---- */

/* It is in the database: it was there. */
static bool was_there(struct server *s, const char *name, struct arena *a) {
    struct pipeline_row *rows;
    size_t n = 0;
    struct err ignored;
    bool was = false;
    if (!s->c || store_pipelines_list(s->c->store, a, &rows, &n, &ignored) < 0) return false;
    for (size_t i = 0; i < n && !was; i++) was = strcmp(rows[i].name, name) == 0;
    return was;
}

static void not_there(struct server *s, const char *name, struct err *err) {
    struct arena *a = arena_new();
    const char **names = arena_array(a, s->catalog ? catalog_count(s->catalog) + 1 : 1, sizeof *names);
    struct catalog_entry e;
    size_t n = 0;
    for (size_t at = 0; s->catalog && catalog_next(s->catalog, &at, &e);)
        if (!e.orphan) names[n++] = e.name;
    if (was_there(s, name, a))
        err_set(err, EX_NOT_FOUND, "there is no pipeline `%s` any more: its file is gone", name);
    else
        project_no_pipeline(s->o->conductor.project, name, names, n, err);
    arena_free(a);
}

static struct pipeline *find(void *ctx, const char *name, struct err *err) {
    struct server *s = ctx;
    struct catalog_entry e;
    int found = s->catalog ? catalog_find(s->catalog, name, &e) : 0;
    if (found && e.pipeline) return pipeline_share(e.pipeline);
    if (found) err_set(err, EX_INVALID, "%s", e.problem ? e.problem : e.path);
    if (!found) not_there(s, name, err);
    return NULL;
}

static const struct pipeline *next(void *ctx, size_t *at) {
    struct server *s = ctx;
    struct catalog_entry e;
    while (s->catalog && catalog_next(s->catalog, at, &e))
        if (e.pipeline) return e.pipeline;
    return NULL;
}

/* A definition that would start itself in the end; the wiring keeps what is in force. */
static char *refuse(void *ctx, const struct pipeline *p) {
    struct server *s = ctx;
    struct wiring *w = conductor_wiring(s->c);
    struct diags *d = diags_new();
    struct catalog_entry before;
    wiring_put(w, p);
    wiring_check(w, p, d);
    char *problem = diags_first(d);
    bool was = problem && catalog_find(s->catalog, p->name, &before) == 1 && before.pipeline;
    if (was)
        wiring_put(w, before.pipeline);
    else if (problem)
        wiring_drop(w, p->name);
    diags_free(d);
    return problem;
}

static void say_definition(struct server *s, const char *name, const struct catalog_entry *e) {
    json_t *d = json_pack("{ss}", "pipeline", name);
    if (e) json_put_text(d, "file", e->path);
    if (e && e->problem) json_put_text(d, "problem", e->problem);
    if (e && e->problem) json_put(d, "keeps_last_good", json_boolean(e->pipeline != NULL));
    if (e && e->pipeline) json_put_text(d, "definition", e->pipeline->definition);
    say(s, !e ? "definition_gone" : e->problem ? "definition_broken" : "definition", d);
}

static void changed(void *ctx, const char *name) {
    struct server *s = ctx;
    struct catalog_entry e;
    bool there = catalog_find(s->catalog, name, &e) == 1;
    if (!s->c->quiet_catalog || (there && e.problem)) say_definition(s, name, there ? &e : NULL);
    if (there && e.orphan) return;
    lane_touch(s->c, lane_of(s->c, name));
    backfills_touch(s->c);
    clock_definition(s->c, name, there ? &e : NULL);
    uv_stop(&s->c->loop);
}

/* ---- signals and timers ---- */

/* A changed leat.yaml is taken over as a new program would: by starting again, if it is sound. */
static void project_changed(struct server *s) {
    if (s->draining) return;
    struct diags *d = diags_new();
    struct err err = {0};
    struct project *p = project_load(s->o->conductor.project->root, d, &err);
    s->replace = p && d->errors == 0;
    if (!s->replace)
        say(s, "project_broken",
            json_pack("{ss ss}", "file", "leat.yaml", "problem", d->errors ? d->list[0].message : err.msg));
    project_free(p);
    diags_free(d);
}

static void look(struct server *s) {
    catalog_look(s->catalog);
    if (catalog_project_changed(s->catalog)) project_changed(s);
    uint64_t zones = tz_database_stamp();
    if (zones != s->zones) {
        char version[TZ_VERSION];
        tz_database_version(version);
        say(s, "zones", json_pack("{ss ss}", "what", "zone data changed", "version", version));
        clock_zones_changed(s->c);
        catalog_reread(s->catalog);
    }
    s->zones = zones;
    uv_stop(&s->c->loop);
}

static void stirred(void *ctx) { look(ctx); }

static void hung_up(uv_signal_t *h, int number) {
    struct server *s = h->data;
    (void)number;
    notify("RELOADING=1");
    look(s);
    notify("READY=1");
}

static void replaced(uv_signal_t *h, int number) {
    struct server *s = h->data;
    (void)number;
    s->replace = !s->draining;
    uv_stop(&s->c->loop);
}

static void tell_state(struct server *s) {
    struct core_load load = core_load(s->c->core);
    notify("STATUS=%u runs, %u steps running", load.runs, load.live);
}

/* Written down; at the beginning, with the upkeep and at the end: when nobody was here is known later. */
static int sign_of_life(struct server *s, struct err *err) {
    struct store *db = s->c->store;
    if (store_begin(db, err) == 0 && store_alive(db, turn_wall(s->c), err) == 0 && store_commit(db, err) == 0)
        return 0;
    store_rollback(db);
    return -1;
}

/* Nobody would find a daemon whose socket was deleted: its next life makes another one. */
static int still_there(struct server *s, struct err *err) {
    if (control_there(s->c->control)) return 0;
    return err_set(err, EX_ENVIRONMENT, "the socket %s/leat.sock was removed",
                   s->o->conductor.project->state);
}

/* Once; again when it was well meanwhile, or something else is wrong. */
static void say_upkeep(struct server *s, struct err *last, const struct err *now) {
    bool news = now->msg[0] && strcmp(now->msg, last->msg) != 0;
    *last = *now;
    if (news) say(s, "upkeep_failed", json_pack("{ss ss}", "message", now->msg, "hint", now->hint));
}

static void tend(struct server *s) {
    struct err err = {0};
    if (store_tend(s->c->store, true, &err) == 0) err = (struct err){0};
    say_upkeep(s, &s->tending, &err);
}

/* ---- retention and garbage, once a day, also while runs go on ---- */

static void stop_collecting(struct server *s) {
    if (!s->collection) return;
    uv_idle_stop(&s->collector);
    collection_free(s->collection);
    s->collection = NULL;
}

static void collect_piece(uv_idle_t *h) {
    struct server *s = h->data;
    struct err err = {0};
    int more = s->draining || s->c->is_broken ? 0 : collection_step(s->collection, &err);
    if (more > 0) return;
    stop_collecting(s);
    if (!more) err = (struct err){0};
    say_upkeep(s, &s->collecting, &err);
    if (!more) return;
    s->collect_from = turn_now(s->c) + COLLECT_AGAIN;
}

static void begin_collecting(struct server *s) {
    if (s->collection || s->draining || turn_now(s->c) < s->collect_from || !collection_due(s->c)) return;
    s->collection = collection_new(s->c);
    uv_idle_start(&s->collector, collect_piece);
}

/* Nobody waits for the log to be emptied, which waits for readers: when nothing runs. */
static void keep_up(uv_timer_t *t) {
    struct server *s = t->data;
    struct err err;
    look(s);
    if (sign_of_life(s, &err) || still_there(s, &err)) {
        turn_broke(s->c, &err);
        return;
    }
    notify("WATCHDOG=1");
    tell_state(s);
    if (!s->c->runs) tend(s);
    begin_collecting(s);
}

static void drain_over(uv_timer_t *t) {
    struct server *s = t->data;
    s->drain_over = true;
    uv_stop(&s->c->loop);
}

/* SIGHUP and SIGUSR2 would kill a process that has no handler for them just now. */
static void hold_signals(int how) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(how, &set, NULL);
}

static void open_handles(struct server *s) {
    struct conductor *c = s->c;
    uv_signal_init(&c->loop, &s->hup);
    uv_signal_init(&c->loop, &s->usr2);
    uv_timer_init(&c->loop, &s->upkeep);
    uv_timer_init(&c->loop, &s->drained);
    uv_timer_init(&c->loop, &s->hurry);
    uv_idle_init(&c->loop, &s->collector);
    s->collector.data = s;
    s->hup.data = s->usr2.data = s->upkeep.data = s->drained.data = s->hurry.data = s;
    uv_signal_start(&s->hup, hung_up, SIGHUP);
    uv_signal_start(&s->usr2, replaced, SIGUSR2);
    duration_t watchdog = notify_watchdog();
    uint64_t every = (uint64_t)((watchdog ? watchdog / 2 : UPKEEP_EVERY) / US_PER_MS);
    uv_timer_start(&s->upkeep, keep_up, every, every);
    hold_signals(SIG_UNBLOCK);
}

/* ---- one life ---- */

/* Nothing more starts; what runs is waited for, or left to the warden. Whoever is to stop is not replaced. */
static void drain(struct server *s) {
    struct conductor *c = s->c;
    s->replace = false;
    s->draining = c->draining = true;
    notify("STOPPING=1");
    say(s, "draining",
        json_pack("{sI sf}", "running", (json_int_t)core_load(c->core).live, "seconds",
                  (double)s->o->drain / 1e6));
    turn_apply(c, &(struct core_event){.kind = CORE_STOP_STARTING});
    c->wants_turn = true;
    uv_timer_start(&s->drained, drain_over, (uint64_t)(s->o->drain / US_PER_MS), 0);
}

static bool idle(struct conductor *c) {
    bool quiet = !c->runs && !c->dirty_count && !c->happened_count && !c->wants_turn && !c->to_close_count;
    return quiet && clock_idle(c);
}

/* Attempts that a process is at work for. What only waits goes on in the next life. */
static size_t processes(struct conductor *c) { return core_load(c->core).live - waits_count(c); }

static bool over(struct server *s) {
    struct conductor *c = s->c;
    if (c->is_broken) return true;
    if (s->draining) return s->drain_over || c->signals > 1 || processes(c) == 0;
    return s->replace || (s->o->once && idle(c) && !catalog_busy(s->catalog));
}

static void loop(struct server *s) {
    while (!over(s)) {
        conductor_poll(s->c);
        if (s->c->signal && !s->draining) drain(s);
    }
}

/* It is left to serve: files may come. But it may be the wrong folder, too. */
static void say_nothing(struct server *s) {
    const struct project *p = s->o->conductor.project;
    say(s, "nothing_to_serve",
        json_pack(
            "{ss ss}", "message",
            p->file ? "no pipeline is here yet" : "no pipeline and no leat.yaml is here, or above", "hint",
            "pipelines are files pipelines/NAME.yaml; serve another folder with: leat -C FOLDER serve"));
}

static int begin(struct server *s, struct err *err) {
    struct catalog_options co = {.project = s->o->conductor.project,
                                 .loop = &s->c->loop,
                                 .load = s->o->load,
                                 .load_ctx = s->o->load_ctx,
                                 .refuse = refuse,
                                 .changed = changed,
                                 .stirred = stirred,
                                 .ctx = s};
    s->catalog = catalog_new(&co);
    s->c->catalog = s->catalog;
    s->c->quiet_catalog = true;
    s->zones = tz_database_stamp();
    catalog_fill(s->catalog);
    restore_last_good(s->c);
    s->c->quiet_catalog = false;
    open_handles(s);
    if (sign_of_life(s, err) || clock_open(s->c, err) || conductor_recover(s->c, 0, err) ||
        backfills_open(s->c, err) || control_listen(s->c->control, err))
        return -1;
    say(s, "serving",
        json_pack("{si si}", "pid", (int)getpid(), "pipelines", (int)catalog_count(s->catalog)));
    if (!catalog_count(s->catalog)) say_nothing(s);
    notify_patience(0);
    notify("READY=1\nMAINPID=%d", (int)getpid());
    return 0;
}

static void hurry(uv_timer_t *t) {
    struct server *s = t->data;
    s->hurried = true;
    uv_stop(&s->c->loop);
}

/* Who has asked already gets an answer; who comes later waits for the next one, or is told that nobody
 * serves. */
static void answer_the_last(struct server *s) {
    struct conductor *c = s->c;
    if (c->is_broken) return;
    uv_timer_start(&s->hurry, hurry, LAST_ANSWERS_MS, 0);
    while (!c->is_broken && control_busy(c->control) && !s->hurried) conductor_poll(c);
    if (c->wants_turn && !c->is_broken) conductor_poll(c);
}

static void keep_for_next(struct server *s) {
    s->inherited =
        (struct inherited){.lock_fd = store_keep_lock(s->c->store), .listen_fd = control_keep(s->c->control)};
    memcpy(s->inherited.uuid, s->uuid, sizeof s->uuid);
}

static void end_life(struct server *s) {
    struct err ignored;
    if (!s->c) return;
    hold_signals(SIG_BLOCK);
    if (!s->c->is_broken) sign_of_life(s, &ignored);
    if (s->replace && !s->c->is_broken) keep_for_next(s);
    if (!s->c->is_broken)
        say(s, "stopped", json_pack("{sI}", "left_running", (json_int_t)core_load(s->c->core).live));
    stop_collecting(s);
    clock_close(s->c);
    catalog_free(s->catalog);
    s->catalog = s->c->catalog = NULL;
    conductor_close(s->c);
    s->c = NULL;
}

/* 0: it ended as it should; -1: it broke (err), and another one may go on. */
static int live(struct server *s, struct err *err) {
    struct conductor_options co = s->o->conductor;
    co.serves = true;
    co.find = find;
    co.next = next;
    co.find_ctx = s;
    co.report = log_event;
    co.report_ctx = s;
    co.inherited = s->before;
    co.uuid = s->uuid[0] ? s->uuid : NULL;
    s->before = (struct inherited){0}; /* they were the first life's */
    if (!(s->c = conductor_open(&co, err))) return -1;
    snprintf(s->uuid, sizeof s->uuid, "%s", store_uuid(s->c->store));
    int rc = begin(s, err);
    s->began = s->began || rc == 0;
    if (!rc) loop(s);
    if (!rc) answer_the_last(s);
    if (!rc && s->c->is_broken) *err = s->c->broken, rc = -1;
    end_life(s);
    return rc;
}

/* ---- life after life ---- */

static void log_broken(struct server *s, const struct err *err, int pause) {
    char at[INSTANT_TEXT];
    json_t *e =
        json_pack("{ss ss ss ss si}", "at", instant_text(world_wall(s->o->conductor.world), at), "type",
                  "broken", "message", err->msg, "hint", err->hint, "again_in_seconds", pause);
    s->o->log(s->o->log_ctx, "error", e);
    json_decref(e);
}

/* A command that writes a row by itself holds the lock for a moment; a run, or another daemon, for longer. */
static int first_life(struct server *s, struct err *err) {
    int rc = live(s, err);
    for (int i = 1; i < LOCK_TRIES && rc && !s->began && err->exit == EX_CONFLICT; i++) {
        usleep(LOCK_PAUSE_US);
        rc = live(s, err);
    }
    return rc;
}

/* Nothing is left of the life before but which database it was about. */
static void next_life(struct server *s) {
    struct server fresh = {.o = s->o, .began = true};
    memcpy(fresh.uuid, s->uuid, sizeof fresh.uuid);
    *s = fresh;
}

int serve(const struct serve_options *o, enum serve_end *end, struct inherited *inherited, struct err *err) {
    struct server s = {.o = o, .before = o->conductor.inherited};
    s.began = s.before.uuid[0] != '\0'; /* in the program before this one */
    memcpy(s.uuid, s.before.uuid, sizeof s.uuid);
    hold_signals(SIG_BLOCK);
    const struct world *world = o->conductor.world;
    instant_t began = world_steady(world);
    int rc = first_life(&s, err), pause = 0;
    *end = SERVE_STOPPED;
    while (rc && s.began) {
        pause = lives_pause(pause, world_steady(world) - began);
        log_broken(&s, err, pause);
        if (!lives_wait(pause, err)) return 0;
        next_life(&s);
        began = world_steady(world);
        rc = live(&s, err);
    }
    *end = s.replace ? SERVE_REPLACED : SERVE_STOPPED;
    *inherited = s.inherited;
    return rc;
}
