/* life.c: one life of the conductor that serves: it steps through virtual time until the horizon, or dies. */
#include "life.h"

#include "base/tz.h"
#include "operators/op.h"
#include "scheduler/conductor/attended.h"
#include "scheduler/timetable/timetable.h"

#include <stdio.h>
#include <unistd.h>

/* ---- the world ---- */

instant_t stage_wall(void) { return stage->now + stage->wall_ahead; }

static instant_t wall(void *ctx) { return (void)ctx, stage_wall(); }
static duration_t steady(void *ctx) { return (void)ctx, stage->now; }
static uint64_t random_bits(void *ctx) { return (void)ctx, chance_next(); }
static const struct world world = {.wall = wall, .steady = steady, .random = random_bits};

/* ---- definitions ---- */

static void load(void *ctx, const struct project *p, const char *const *paths, size_t n, struct loaded *out) {
    struct pipeline_reader reader = {.ask = NULL};
    (void)ctx;
    reader.verbs = op_verbs(&reader.verb_count);
    for (size_t i = 0; i < n; i++) {
        struct diags *d = diags_new();
        struct err err = {0};
        out[i].pipeline = pipeline_load(p, paths[i], &reader, d, &err);
        out[i].errors = d->errors;
        out[i].name = out[i].pipeline ? xstrdup(out[i].pipeline->name) : pipeline_peek_name(paths[i]);
        if (!out[i].pipeline) out[i].problem = xstrdup(d->errors ? d->list[0].message : err.msg);
        diags_free(d);
    }
}

static struct pipeline *find(void *ctx, const char *name, struct err *err) {
    struct life *l = ctx;
    struct catalog_entry e;
    int found = catalog_find(l->catalog, name, &e);
    if (found && e.pipeline) return pipeline_share(e.pipeline);
    err_set(err, found ? EX_INVALID : EX_NOT_FOUND, "%s", name);
    return NULL;
}

static const struct pipeline *next(void *ctx, size_t *at) {
    struct life *l = ctx;
    struct catalog_entry e;
    while (l->catalog && catalog_next(l->catalog, at, &e))
        if (e.pipeline) return e.pipeline;
    return NULL;
}

static void changed(void *ctx, const char *name) {
    struct life *l = ctx;
    struct catalog_entry e;
    bool there = catalog_find(l->catalog, name, &e) == 1;
    lane_touch(l->c, lane_of(l->c, name));
    backfills_touch(l->c);
    clock_definition(l->c, name, there ? &e : NULL);
}

static void stirred(void *ctx) { (void)ctx; }

/* As the daemon does. */
void look(struct life *l) {
    uint64_t zones = tz_database_stamp();
    catalog_look(l->catalog);
    if (zones != l->zones) {
        clock_zones_changed(l->c);
        catalog_reread(l->catalog);
    }
    l->zones = zones;
    while (catalog_busy(l->catalog)) uv_run(&l->c->loop, UV_RUN_ONCE);
}

/* ---- dying ---- */

void point(void) {
    if (stage->die_at && ++stage->points >= stage->die_at) _exit(DIED);
}

_Noreturn void broke(const struct err *err) {
    story("broken: %s", err->msg);
    _exit(disk_failed() ? BROKE : VIOLATED);
}

static void violated(const char *what, int pipe) {
    story("VIOLATED: %s (%s)", what, pipe_name(pipe));
    _exit(VIOLATED);
}

/* What holds after every turn. */
static void check_caps(const struct life *l) {
    if (core_load(l->c->core).jobs_used > 3) violated("more jobs than allowed", 0);
    for (int p = 0; p < PIPES; p++) {
        const struct lane *lane = lane_of(l->c, pipe_name(p));
        int running = 0;
        for (const struct live_run *r = lane->runs; r; r = r->lane_next)
            running += r->counted && core_run_state(l->c->core, r->id) == RUN_running;
        if (running > pipe_runs(p)) violated("more runs than max_active_runs", p);
    }
}

static bool looks(const struct life *l) {
    for (const struct live_run *r = l->c->runs; r; r = r->next)
        for (uint32_t i = 0; i < r->step_count; i++) {
            const struct live_attempt *a = r->attempts[i];
            if (a && a->attended && a->attended->looking) return true;
        }
    return false;
}

/* The looks that are due by the virtual clocks, which no timer knows; paths are looked at in threads. */
static void let_wait(struct life *l) {
    waits_ring(l->c);
    while (looks(l)) uv_run(&l->c->loop, UV_RUN_ONCE);
}

static bool is_due(instant_t at, instant_t now) { return at != INSTANT_NONE && at <= now; }

static void take_turns(struct life *l) {
    struct conductor *c = l->c;
    for (int i = 0; i < 2000; i++) {
        let_wait(l);
        c->wants_turn = true;
        conductor_poll(c);
        if (c->is_broken) broke(&c->broken);
        check_caps(l);
        bool more = c->happened_count || c->dirty_count || c->to_close_count || !clock_idle(c) ||
                    is_due(waits_next(c), stage->now);
        if (more || c->wants_turn) continue;
        files_at_rest();
        return;
    }
    story("it does not come to rest");
    _exit(2);
}

/* ---- time ---- */

static int64_t earlier(int64_t a, int64_t b) { return b == INSTANT_NONE || b >= a ? a : b; }

static int64_t next_event(struct life *l) {
    int64_t end = stage->now < stage->horizon ? stage->horizon : stage->now + US_PER_HOUR;
    int64_t next = earlier(end, core_next_due(l->c->core));
    instant_t due = timetable_next_due(clock_timetable(l->c), NULL), until = pauses_next(l->c);
    if (due != INSTANT_NONE) next = earlier(next, due - stage->wall_ahead);
    if (until != INSTANT_NONE) next = earlier(next, until - stage->wall_ahead);
    instant_t time = waits_next_time(l->c);
    next = earlier(next, waits_next(l->c));
    if (time != INSTANT_NONE) next = earlier(next, time - stage->wall_ahead);
    for (int i = 0; i < JOBS; i++)
        if (stage->jobs[i].used && stage->jobs[i].ends > stage->now)
            next = earlier(next, stage->jobs[i].ends);
    next = earlier(next, acts_next());
    return next <= stage->now ? stage->now + US_PER_MS : next;
}

static void open_life(struct life *l) {
    struct err err = {0};
    struct diags *d = diags_new();
    char programs[300];
    if (!(l->project = project_load(stage->folder, d, &err))) broke(&err);
    snprintf(programs, sizeof programs, "%s", stage->folder);
    struct conductor_options o = {.project = l->project,
                                  .world = &world,
                                  .programs = programs,
                                  .jobs = 3,
                                  .find = find,
                                  .next = next,
                                  .find_ctx = l,
                                  .serves = true};
    if (!(l->c = conductor_open(&o, &err))) broke(&err);
    struct catalog_options co = {.project = l->project,
                                 .loop = &l->c->loop,
                                 .load = load,
                                 .changed = changed,
                                 .stirred = stirred,
                                 .ctx = l};
    l->catalog = l->c->catalog = catalog_new(&co);
    l->zones = tz_database_stamp();
    catalog_fill(l->catalog);
    restore_last_good(l->c);
    if (clock_open(l->c, &err) || conductor_recover(l->c, 0, &err) || backfills_open(l->c, &err)) broke(&err);
    diags_free(d);
}

int live(void) {
    struct life l = {0};
    disk_open();
    open_life(&l);
    bool settled = false;
    while (stage->now < stage->horizon ||
           (core_load(l.c->core).runs && stage->now < stage->horizon + US_PER_DAY)) {
        acts_due(&l);
        if (stage->now >= stage->quiet && !settled) settled = settle_users(&l);
        take_turns(&l);
        stage->now = next_event(&l);
    }
    clock_close(l.c);
    catalog_free(l.catalog);
    conductor_close(l.c);
    return 0;
}
