/* backfills.c: durable plans over many windows, fed while runs end.
 *
 * A backfill is a row with counters, its windows are rows with states (store/backfills.h). While it is open,
 * windows become runs as long as fewer than max_parallel of it run; the run that a window became ends
 * together with it, in one transaction. Nothing is kept in memory but which backfills are fed, so a kill at
 * any instant loses nothing: what a dead conductor left running is recovered as any run, and its end settles
 * the window.
 *
 *   its run ended            the window is
 *   ok, warn                 ok
 *   failed                   failed; after so many of them nothing more starts
 *   failed (interrupted)     planned again: somebody else recovered it, and may not go on with it
 *   cancelled (withdrawn)    planned again: it had not begun when the backfill was held
 *   cancelled, skipped       cancelled
 *
 * A window that a failure of an earlier stage keeps from starting for ever is cancelled, when nothing else is
 * left. The cap is a backfill's own: it does not count against max_active_runs, nor wait for it. In the core
 * its runs have the priority of all others: older runs come first, so a scheduled run waits for at most
 * max_parallel runs of a backfill that began before it, and a backfill for no more than the runs that came
 * before its own. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/json.h"
#include "store/backfills.h"

#include <stdlib.h>
#include <string.h>

enum { LOOKED_AHEAD = 16 }; /* windows that wait for another run do not hold up the next ones */

/* ---- which ---- */

static struct feed *feed_find(struct conductor *c, int64_t id) {
    for (size_t i = 0; i < c->feed_count; i++)
        if (c->feeds[i].id == id) return &c->feeds[i];
    return NULL;
}

void backfills_enter(struct conductor *c, int64_t id) {
    bool ours = c->options.serves || c->options.backfill == id;
    struct feed *f = feed_find(c, id);
    if (!ours) return;
    if (!f) {
        GROW(c->feeds, c->feed_count, c->feed_cap);
        f = &c->feeds[c->feed_count++];
        *f = (struct feed){.id = id};
    }
    f->dirty = c->wants_turn = true;
}

static void touch(struct conductor *c, int64_t id) {
    struct feed *f = feed_find(c, id);
    if (f) f->dirty = c->wants_turn = true;
}

void backfills_touch(struct conductor *c) {
    c->feeds_wait = false;
    for (size_t i = 0; i < c->feed_count; i++) c->feeds[i].dirty = c->wants_turn = true;
}

int backfills_open(struct conductor *c, struct err *err) {
    struct arena *a = arena_new();
    struct backfill_row *rows;
    size_t n;
    int rc = store_backfills_list(c->store, true, a, &rows, &n, err) < 0 ? -1 : 0;
    for (size_t i = 0; i < n && !rc; i++) backfills_enter(c, rows[i].id);
    arena_free(a);
    return rc;
}

void backfills_release(struct conductor *c) { free(c->feeds); }

/* ---- events ---- */

void backfill_report(struct conductor *c, const char *type, const struct backfill_row *b, json_t *detail) {
    char id[24];
    json_t *d = detail ? detail : json_object();
    snprintf(id, sizeof id, "%lld", (long long)b->id);
    json_put_text(d, "backfill", id);
    json_put_text(d, "subject", b->subject);
    report(c, type, 0, NULL, d);
}

static json_t *counts_json(const struct backfill_row *b) {
    return json_pack("{sI sI sI sI sI sI}", "total", (json_int_t)b->total, "done", (json_int_t)b->done,
                     "failed", (json_int_t)b->failed, "running", (json_int_t)b->running, "skipped",
                     (json_int_t)b->skipped, "cancelled", (json_int_t)b->cancelled);
}

static json_t *item_json(const struct backfill_item *i, const char *state) {
    char start[INSTANT_TEXT], end[INSTANT_TEXT], id[24];
    json_t *d = json_pack("{ss s{ss ss} ss}", "pipeline", i->pipeline, "window", "start",
                          instant_text(i->window_start, start), "end", instant_text(i->window_end, end),
                          "state", state);
    snprintf(id, sizeof id, "%lld", (long long)i->run);
    if (i->run) json_put_text(d, "run", id);
    return d;
}

/* ---- a window ends ---- */

static bool has_ended(const struct backfill_row *b) { return b->finished_at != INSTANT_NONE; }

/* Ends of a run after which its window is as if nothing had been. */
static const struct {
    const char *to, *reason;
} undone[] = {{"failed", "interrupted"}, {"cancelled", "withdrawn"}};

static bool is_undone(const char *to, const char *reason) {
    for (size_t i = 0; reason && i < sizeof undone / sizeof *undone; i++)
        if (strcmp(to, undone[i].to) == 0 && strcmp(reason, undone[i].reason) == 0) return true;
    return false;
}

static const char *item_state_of(const struct backfill_row *b, const char *to, const char *reason) {
    if (run_ended_well(to)) return "ok";
    if (is_undone(to, reason)) return has_ended(b) ? "cancelled" : "planned";
    return strcmp(to, "failed") == 0 ? "failed" : "cancelled";
}

/* A window that failed and was mended by a retry may have been the last one. */
static int mended(struct conductor *c, int64_t id, struct arena *a, struct err *err) {
    struct backfill_row b;
    if (store_backfill_get(c->store, id, a, &b, err) < 0) return -1;
    if (strcmp(b.state, "failed") != 0 || b.done + b.skipped < b.total) return 0;
    return store_backfill_move(c->store, id, "failed", "ok", turn_wall(c), err) < 0 ? -1 : 0;
}

static int end_item(struct conductor *c, const struct backfill_row *b, const struct backfill_item *item,
                    const char *to, struct err *err) {
    const struct item_move m = {.backfill = b->id, .n = item->n, .from = item->state, .to = to};
    if (strcmp(item->state, to) == 0) return 0;
    if (store_backfill_item_move(c->store, &m, err) < 0) return -1;
    backfill_report(c, "backfill_item", b, item_json(item, to));
    touch(c, b->id);
    return 0;
}

int backfills_run_ended(struct conductor *c, int64_t run, const char *to, const char *reason,
                        struct err *err) {
    struct arena *a = arena_new();
    struct backfill_item item;
    struct backfill_row b;
    int64_t id;
    int found = store_backfill_item_of_run(c->store, run, a, &id, &item, err);
    if (found == 1) found = store_backfill_get(c->store, id, a, &b, err);
    int rc = found < 0 ? -1 : 0;
    if (found == 1) rc = end_item(c, &b, &item, item_state_of(&b, to, reason), err);
    if (found == 1 && !rc && has_ended(&b)) rc = mended(c, id, a, err);
    arena_free(a);
    return rc;
}

/* ---- feeding ---- */

struct feeding {
    struct conductor *c;
    struct feed *feed;
    struct arena *arena;
    struct backfill_row b;
};

/* One that is not there, has ended. */
static int reload(struct feeding *k, struct err *err) {
    int found = store_backfill_get(k->c->store, k->feed->id, k->arena, &k->b, err);
    if (found == 0) k->b = (struct backfill_row){.id = k->feed->id, .state = "ok"};
    return found < 0 ? -1 : 0;
}

/* Windows whose run ended without anybody to take note. */
static int settle(struct feeding *k, struct err *err) {
    struct item_filter f = {.backfill = k->b.id, .limit = k->b.running, .state = "running"};
    struct backfill_item *items;
    size_t n;
    k->feed->settled = true;
    if (!k->b.running) return 0;
    if (store_backfill_items(k->c->store, &f, k->arena, &items, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        struct run_row row;
        int found = store_run_get(k->c->store, items[i].run, k->arena, &row, err);
        if (found < 0) return -1;
        if (found && row.finished_at == INSTANT_NONE) continue;
        const char *to = found ? item_state_of(&k->b, row.state, row.reason) : "planned";
        if (end_item(k->c, &k->b, &items[i], to, err)) return -1;
    }
    return reload(k, err);
}

static int begin_feeding(struct feeding *k, struct err *err) {
    if (strcmp(k->b.state, "queued") != 0) return 0;
    if (store_backfill_move(k->c->store, k->b.id, "queued", "running", turn_wall(k->c), err) < 0) return -1;
    backfill_report(k->c, "backfill_started", &k->b, counts_json(&k->b));
    return reload(k, err);
}

static int end_feeding(struct feeding *k, struct err *err) {
    bool well = k->b.failed + k->b.cancelled == 0;
    const char *to = well ? "ok" : "failed";
    if (store_backfill_move(k->c->store, k->b.id, k->b.state, to, turn_wall(k->c), err) < 0) return -1;
    json_t *d = counts_json(&k->b);
    json_put_text(d, "result", to);
    backfill_report(k->c, "backfill_finished", &k->b, d);
    k->b.state = to;
    return 0;
}

static bool gives_up(const struct backfill_row *b) {
    return b->max_failures >= 0 && b->failed >= b->max_failures;
}

/* What may start, starts. *waits: some windows may later. */
static int start_items(struct feeding *k, bool *waits, struct err *err) {
    int64_t room = k->b.max_parallel - k->b.running;
    struct backfill_item *items;
    size_t n;
    if (room <= 0) return 0;
    if (store_backfill_next(k->c->store, k->b.id, 0, room + LOOKED_AHEAD, k->arena, &items, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n && room > 0; i++) {
        int started = backfill_item_start(k->c, &k->b, &items[i], err);
        if (started < 0) return -1;
        if (started == ITEM_STARTED) room--;
        if (started == ITEM_STARTED)
            backfill_report(k->c, "backfill_item", &k->b, item_json(&items[i], "running"));
        if (started == ITEM_WAITS) *waits = true;
        if (started == ITEM_DONE_ALREADY) k->feed->dirty = k->c->wants_turn = true;
        if (started == ITEM_STUCK) break;
    }
    return reload(k, err);
}

/* Nothing runs and nothing can start. */
static int run_dry(struct feeding *k, struct err *err) {
    int64_t cancelled;
    if (!gives_up(&k->b) && k->b.planned) { /* behind a failure of an earlier stage */
        if (store_backfill_cancel_planned(k->c->store, k->b.id, &cancelled, err) < 0 || reload(k, err))
            return -1;
    }
    return end_feeding(k, err);
}

static bool is_running(const struct feeding *k) { return strcmp(k->b.state, "running") == 0; }

static int feed_it(struct feeding *k, struct err *err) {
    bool waits = false;
    if (reload(k, err) || (!k->feed->settled && settle(k, err))) return -1;
    if (begin_feeding(k, err)) return -1;
    if (is_running(k) && !gives_up(&k->b) && start_items(k, &waits, err)) return -1;
    k->c->feeds_wait |= waits;
    bool more = k->b.running || waits || k->feed->dirty;
    return is_running(k) && !more ? run_dry(k, err) : 0;
}

/* It has ended, or is paused. */
static void stop_feeding(struct conductor *c, size_t i) { c->feeds[i] = c->feeds[--c->feed_count]; }

void backfills_feed(struct conductor *c) {
    struct err err;
    for (size_t i = c->feed_count; i-- > 0 && !c->is_broken;) {
        if (!c->feeds[i].dirty) continue;
        struct feeding k = {.c = c, .feed = &c->feeds[i], .arena = arena_new()};
        k.feed->dirty = false;
        if (feed_it(&k, &err)) turn_broke(c, &err);
        if (!c->is_broken && !is_running(&k)) stop_feeding(c, i);
        arena_free(k.arena);
    }
}
