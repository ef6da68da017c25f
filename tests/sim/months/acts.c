/* acts.c: what users do to the daemon, and what befalls it. */
#include "life.h"

#include "base/arena.h"
#include "base/json.h"
#include "store/backfills.h"

#include <string.h>

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

/* The one there is stopped when its pipeline was gone. */
static void resume_backfill(struct life *l) {
    struct arena *a = arena_new();
    struct backfill_row *rows;
    struct err err;
    size_t n;
    if (store_backfills_list(l->c->store, true, a, &rows, &n, &err) < 0) broke(&err);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].state, "paused") == 0)
            ask(l, json_pack("{ss sI}", "ask", "backfill_resume", "backfill", (json_int_t)rows[i].id));
    arena_free(a);
}

/* A day of hours of the first pipeline, once; it may be given up a little later. */
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
    if (!added) return;
    backfills_enter(l->c, id);
    stage->backfill = id;
    if (chance_of(500)) stage->cancel_at = stage->now + (int64_t)chance_below(4 * 3600) * US_PER_SECOND;
}

static void cancel_backfill(struct life *l) {
    stage->cancel_at = 0;
    if (ask(l, json_pack("{ss sI}", "ask", "backfill_cancel", "backfill", (json_int_t)stage->backfill)))
        stage->newest_at_cancel = newest_run(l->c->store);
}

/* ---- files ---- */

/* What was in force at an instant that comes twice is not for the judge to say: then no file is touched. */
static bool time_is_new(void) { return !stage->sets_back && stage_wall() >= stage->latest; }

static void break_file(struct life *l, int pipe) {
    if (file_is_gone(pipe)) return;
    stage->broken[pipe] = !stage->broken[pipe];
    if (!stage->first_broken[pipe]) stage->first_broken[pipe] = stage_wall();
    file_write(pipe, stage->broken[pipe]);
    look(l);
}

/* Not of a paused one: of several edits that were never in force, only the last counts. */
static void edit(struct life *l, int pipe) {
    if (pipe >= CLOCKED || !time_is_new() || stage->edit_count > EDITS / 2) return;
    if (file_is_gone(pipe) || pause_open(pipe)) return;
    stage->broken[pipe] = false;
    struct words words = stage->words[pipe];
    words.minute = (int)chance_below(60);
    file_says(pipe, words);
    file_write(pipe, false);
    look(l);
    if (chance_below(3) == 0) break_file(l, pipe);
}

static void change_zone(struct life *l, int pipe) {
    (void)pipe;
    if (time_is_new()) zone_change();
    look(l);
}

static void rename_file(struct life *l, int pipe) {
    if (file_is_gone(pipe)) return;
    file_rename(pipe);
    look(l);
}

static void jump(struct life *l, int pipe);

/* It comes back before anybody misses it, or much later. Not a broken one: nobody may know its words. */
static void remove_file(struct life *l, int pipe) {
    bool whole = !file_is_gone(pipe) && !stage->broken[pipe];
    if (!time_is_new() || stage->edit_count > EDITS - 2 * PIPES || !whole) return;
    if (chance_below(3) == 0) jump(l, pipe); /* it went while the machine slept */
    if (!time_is_new()) return;
    stage->back_at[pipe] =
        stage->now + (chance_below(3) ? (int64_t)(7200 + chance_below(3 * 86400)) * US_PER_SECOND
                                      : (int64_t)(5 + chance_below(45)) * US_PER_SECOND);
    file_remove(pipe);
    if (chance_below(3) == 0) stage->die_at = 1; /* nobody served when it went */
    look(l);
}

/* As it was, with other words, or another definition of the same name in a file of another. */
static void put_back(struct life *l, int pipe) {
    static const int hours[] = {2, 3, 4, 6, 8, 12, 24};
    struct words words = stage->was[pipe];
    bool same = pause_open(pipe) || chance_below(4) == 0; /* of a paused one: what would never be in force */
    if (!same && pipe < CLOCKED) words.minute = (int)chance_below(60);
    if (!same && chance_below(2)) {
        if (pipe < CLOCKED) words.every = hours[chance_below(sizeof hours / sizeof *hours)];
        stage->other[pipe] = !stage->other[pipe];
        stage->file[pipe] = !stage->file[pipe];
    }
    story("%s comes back: minute %d of every %d hours%s", pipe_name(pipe), words.minute, words.every,
          stage->other[pipe] ? ", another one" : "");
    stage->back_at[pipe] = 0;
    file_put_back(pipe, words);
    look(l);
}

/* ---- accidents ---- */

static void jump(struct life *l, int pipe) {
    (void)l, (void)pipe;
    duration_t by = chance_below(4) ? (duration_t)chance_below(5 * 3600) * US_PER_SECOND
                                    : (duration_t)chance_below(3) * US_PER_DAY;
    if (stage->seed % 4 != 1 && chance_below(stage->sets_back ? 2 : 4) == 0)
        by = -(duration_t)chance_below(stage->sets_back ? 86400 : 7200) * US_PER_SECOND;
    if (stage->jump_count == JUMPS) return;
    stage->jumps[stage->jump_count++] = (struct jump){.at = stage_wall(), .by = by};
    stage->went_back = stage->went_back || by < 0;
    if (by < 0) files_time_went_back();
    if (stage_wall() > stage->latest) stage->latest = stage_wall();
    stage->wall_ahead += by;
}

static void kill_warden(struct life *l, int pipe) {
    (void)l, (void)pipe;
    if (chance_of(500)) stage->warden_dies = true;
}

/* ---- when ---- */

static const struct {
    const char *name;
    void (*act)(struct life *, int);
} acts[] = {{"pause or resume", pause_or_resume},
            {"queue", queue},
            {"cancel", cancel},
            {"edit", edit},
            {"change zone", change_zone},
            {"break", break_file},
            {"rename", rename_file},
            {"remove", remove_file},
            {"jump", jump},
            {"kill warden", kill_warden},
            {"backfill", backfill}};

static void act(struct life *l) {
    uint32_t i = chance_below(sizeof acts / sizeof *acts);
    int pipe = (int)chance_below(PIPES);
    stage->next_act = stage->now + (int64_t)(1 + chance_below(86400)) * US_PER_SECOND;
    stage->acts++;
    story("%s %s", acts[i].name, pipe_name(pipe));
    acts[i].act(l, pipe);
}

static void come_back(struct life *l, int pipe) {
    if (time_is_new())
        put_back(l, pipe);
    else
        stage->back_at[pipe] = stage->now + US_PER_HOUR;
}

void acts_due(struct life *l) {
    if (stage->now >= stage->next_act && stage->now < stage->quiet) act(l);
    if (stage->cancel_at && stage->now >= stage->cancel_at) cancel_backfill(l);
    landing_due();
    for (int p = 0; p < PIPES; p++)
        if (stage->back_at[p] && stage->now >= stage->back_at[p]) come_back(l, p);
}

instant_t acts_next(void) {
    instant_t next = landing_next();
    if (stage->now < stage->quiet && stage->next_act < next) next = stage->next_act;
    if (stage->cancel_at && stage->cancel_at < next) next = stage->cancel_at;
    for (int p = 0; p < PIPES; p++)
        if (stage->back_at[p] && stage->back_at[p] < next) next = stage->back_at[p];
    return next;
}

bool settle_users(struct life *l) {
    bool settled = true;
    for (int p = 0; p < PIPES; p++) {
        if (file_is_gone(p)) come_back(l, p);
        if (pause_open(p)) pause_or_resume(l, p);
        if (stage->broken[p]) break_file(l, p);
        settled = settled && !file_is_gone(p);
    }
    if (settled) resume_backfill(l);
    return settled;
}
