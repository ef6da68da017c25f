/* life.c: one life of the conductor that serves: it steps through virtual time until the horizon, or dies. */
#include "stage.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"
#include "operators/op.h"
#include "scheduler/catalog.h"
#include "scheduler/conductor/inner.h"
#include "scheduler/timetable/timetable.h"
#include "store/backfills.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct life {
    struct project *project;
    struct catalog *catalog;
    struct conductor *c;
};

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

static void changed(void *ctx, const char *name) {
    struct life *l = ctx;
    struct catalog_entry e;
    bool there = catalog_find(l->catalog, name, &e) == 1;
    lane_touch(l->c, lane_of(l->c, name));
    backfills_touch(l->c);
    clock_definition(l->c, name, there ? &e : NULL);
}

static void stirred(void *ctx) { (void)ctx; }

static void look(struct life *l) {
    catalog_look(l->catalog);
    while (catalog_busy(l->catalog)) uv_run(&l->c->loop, UV_RUN_ONCE);
}

/* ---- dying ---- */

void point(void) {
    if (stage->die_at && ++stage->points >= stage->die_at) _exit(DIED);
}

static void broke(const struct err *err) {
    story("broken: %s", err->msg);
    _exit(BROKE);
}

static void violated(const char *what, int pipe) {
    story("VIOLATED: %s (%s)", what, pipe_name(pipe));
    _exit(4);
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

static void take_turns(struct life *l) {
    struct conductor *c = l->c;
    for (int i = 0; i < 2000; i++) {
        c->wants_turn = true;
        conductor_poll(c);
        if (c->is_broken) broke(&c->broken);
        check_caps(l);
        bool more = c->happened_count || c->dirty_count || c->to_close_count || !clock_idle(c);
        if (!more && !c->wants_turn) return;
    }
    story("it does not come to rest");
    _exit(2);
}

/* ---- what users do ---- */

/* Not to be died in: what was answered is what the stage remembers. */
static bool ask(struct life *l, json_t *request) {
    int64_t die_at = stage->die_at;
    stage->die_at = 0;
    json_t *answer = asked(l->c, request);
    stage->die_at = die_at;
    bool ok = json_flag(answer, "ok");
    if (!ok) story("refused: %s", json_text_or(answer, "error", ""));
    json_decref(request);
    json_decref(answer);
    return ok;
}

static struct pause_span *pause_open(int pipe) {
    for (int i = 0; i < stage->pause_count; i++)
        if (stage->pauses[i].pipe == pipe && stage->pauses[i].to == INSTANT_NONE) return &stage->pauses[i];
    return NULL;
}

/* The stage is told once it is durable: asked() has committed when it returns. */
static void pause_or_resume(struct life *l, int pipe) {
    static const char *const words[] = {"none", "latest", "all"};
    struct pause_span *open = pause_open(pipe);
    if (open) {
        instant_t at = stage_wall();
        if (ask(l, json_pack("{ss ss ss}", "ask", "resume", "pipeline", pipe_name(pipe), "catch_up",
                             words[chance_below(3)])))
            open->to = at;
    } else if (stage->pause_count < PAUSES) {
        if (!ask(l, json_pack("{ss ss}", "ask", "pause", "pipeline", pipe_name(pipe)))) return;
        stage->pauses[stage->pause_count++] =
            (struct pause_span){.pipe = pipe, .from = stage_wall(), .to = INSTANT_NONE};
    }
}

static void queue(struct life *l, int pipe) {
    ask(l, json_pack("{ss ss}", "ask", "queue", "pipeline", pipe_name(pipe)));
}

static void cancel(struct life *l, int pipe) {
    struct lane *lane = lane_of(l->c, pipe_name(pipe));
    if (lane->runs) ask(l, json_pack("{ss sI}", "ask", "cancel", "run", (json_int_t)lane->runs->id));
}

static int64_t newest_run(struct store *s) {
    struct arena *a = arena_new();
    struct run_row *rows;
    struct err err;
    size_t n = 0;
    if (store_runs_list(
            s,
            &(struct run_filter){
                .since = INSTANT_NONE, .window_start = INSTANT_NONE, .window_end = INSTANT_NONE, .limit = 1},
            a, &rows, &n, &err) < 0)
        broke(&err);
    int64_t id = n ? rows[0].id : 0;
    arena_free(a);
    return id;
}

/* A day of hours of the first pipeline; a second time it is given up. */
static void backfill(struct life *l, int pipe) {
    struct backfill_item items[24];
    struct err err;
    int64_t id;
    instant_t day = (stage_wall() / US_PER_DAY - 2) * US_PER_DAY;
    (void)pipe;
    for (int i = 0; i < 24; i++)
        items[i] = (struct backfill_item){.n = i,
                                          .pipeline = pipe_name(0),
                                          .window_start = day + i * US_PER_HOUR,
                                          .window_end = day + (i + 1) * US_PER_HOUR,
                                          .action = "run",
                                          .reason = "never ran"};
    json_t *options = json_object();
    struct backfill_spec spec = {.kind = "backfill",
                                 .name = "day",
                                 .subject = pipe_name(0),
                                 .window_from = day,
                                 .window_to = day + US_PER_DAY,
                                 .options = options,
                                 .max_parallel = 2,
                                 .max_failures = -1,
                                 .at = stage_wall()};
    if (store_begin(l->c->store, &err)) broke(&err);
    int added = store_backfill_add(l->c->store, &spec, items, 24, &id, &err);
    if (added < 0 || store_commit(l->c->store, &err)) broke(&err);
    json_decref(options);
    if (added) {
        backfills_enter(l->c, id);
        return;
    }
    if (stage->newest_at_cancel || !chance_of(500)) return;
    if (ask(l, json_pack("{ss sI}", "ask", "backfill_cancel", "backfill", (json_int_t)id)))
        stage->newest_at_cancel = newest_run(l->c->store);
}

/* Not of a paused one: of several edits that were never in force, only the last counts. */
static void edit(struct life *l, int pipe) {
    if (stage->sets_back || stage->edit_count == EDITS || stage->minute[pipe] < 0 || pause_open(pipe)) return;
    stage->minute[pipe] = (int)chance_below(60);
    stage->broken[pipe] = false;
    stage->edits[stage->edit_count++] =
        (struct edit){.pipe = pipe, .at = stage_wall(), .minute = stage->minute[pipe]};
    pipe_write(pipe, false);
    look(l);
}

static void break_file(struct life *l, int pipe) {
    if (stage->minute[pipe] < 0) return;
    stage->broken[pipe] = !stage->broken[pipe];
    pipe_write(pipe, stage->broken[pipe]);
    look(l);
}

static void jump(struct life *l, int pipe) {
    (void)l, (void)pipe;
    duration_t by = chance_below(4) ? (duration_t)chance_below(5 * 3600) * US_PER_SECOND
                                    : (duration_t)chance_below(3) * US_PER_DAY;
    if (chance_below(4) == 0) by = -(duration_t)chance_below(stage->sets_back ? 86400 : 7200) * US_PER_SECOND;
    stage->went_back = stage->went_back || by < 0;
    stage->wall_ahead += by;
}

static void kill_warden(struct life *l, int pipe) {
    (void)l, (void)pipe;
    if (chance_of(500)) stage->warden_dies = true;
}

static void act(struct life *l) {
    static void (*const acts[])(struct life *, int) = {pause_or_resume, queue, cancel,      edit,
                                                       break_file,      jump,  kill_warden, backfill};
    static const char *const names[] = {"pause or resume", "queue", "cancel",      "edit",
                                        "break",           "jump",  "kill warden", "backfill"};
    uint32_t i = chance_below(sizeof acts / sizeof *acts);
    int pipe = (int)chance_below(PIPES);
    stage->next_act = stage->now + (int64_t)(1 + chance_below(86400)) * US_PER_SECOND;
    stage->acts++;
    story("%s %s", names[i], pipe_name(pipe));
    acts[i](l, pipe);
}

/* At the end nothing is paused, broken or held. */
static void settle_users(struct life *l) {
    for (int p = 0; p < PIPES; p++) {
        if (pause_open(p)) pause_or_resume(l, p);
        if (stage->broken[p]) break_file(l, p);
    }
}

/* ---- time ---- */

static int64_t earlier(int64_t a, int64_t b) { return b == INSTANT_NONE || b >= a ? a : b; }

static int64_t next_event(struct life *l) {
    int64_t end = stage->now < stage->horizon ? stage->horizon : stage->now + US_PER_HOUR;
    int64_t next = earlier(end, core_next_due(l->c->core));
    instant_t due = timetable_next_due(clock_timetable(l->c), NULL), until = pauses_next(l->c);
    if (due != INSTANT_NONE) next = earlier(next, due - stage->wall_ahead);
    if (until != INSTANT_NONE) next = earlier(next, until - stage->wall_ahead);
    for (int i = 0; i < JOBS; i++)
        if (stage->jobs[i].used && stage->jobs[i].ends > stage->now)
            next = earlier(next, stage->jobs[i].ends);
    if (stage->now < stage->quiet) next = earlier(next, stage->next_act);
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
    catalog_fill(l->catalog);
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
        if (stage->now >= stage->next_act && stage->now < stage->quiet) act(&l);
        if (stage->now >= stage->quiet && !settled) settle_users(&l), settled = true;
        take_turns(&l);
        stage->now = next_event(&l);
    }
    clock_close(l.c);
    catalog_free(l.catalog);
    conductor_close(l.c);
    return 0;
}
