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

/* Windows that wait for another run, or for a file to be mended, do not hold up the next ones. */
enum { LOOKED_AHEAD = 16, LOOKED_AT_MOST = 512 };

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

static enum item_state item_state_of(const struct backfill_row *b, const char *to, const char *reason) {
    if (run_ended_well(to)) return ITEM_ok;
    if (is_undone(to, reason)) return has_ended(b) ? ITEM_cancelled : ITEM_planned;
    return strcmp(to, run_state_names[RUN_failed]) == 0 ? ITEM_failed : ITEM_cancelled;
}

/* A window that failed and was mended by a retry may have been the last one. */
static int mended(struct conductor *c, int64_t id, struct arena *a, struct err *err) {
    struct backfill_row b;
    if (store_backfill_get(c->store, id, a, &b, err) < 0) return -1;
    if (!backfill_is(&b, BACKFILL_failed) || b.done + b.skipped < b.total) return 0;
    return store_backfill_move(c->store, id, backfill_state_names[BACKFILL_failed],
                               backfill_state_names[BACKFILL_ok], turn_wall(c), err) < 0
               ? -1
               : 0;
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
    if (found == 1) rc = end_item(c, &b, &item, item_state_names[item_state_of(&b, to, reason)], err);
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
    if (found == 0)
        k->b = (struct backfill_row){.id = k->feed->id, .state = backfill_state_names[BACKFILL_ok]};
    return found < 0 ? -1 : 0;
}

/* Windows whose run ended without anybody to take note. */
static int settle(struct feeding *k, struct err *err) {
    struct item_filter f = {
        .backfill = k->b.id, .limit = k->b.running, .state = item_state_names[ITEM_running]};
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
        enum item_state to = found ? item_state_of(&k->b, row.state, row.reason) : ITEM_planned;
        if (end_item(k->c, &k->b, &items[i], item_state_names[to], err)) return -1;
    }
    return reload(k, err);
}

static int begin_feeding(struct feeding *k, struct err *err) {
    if (!backfill_is(&k->b, BACKFILL_queued)) return 0;
    if (store_backfill_move(k->c->store, k->b.id, backfill_state_names[BACKFILL_queued],
                            backfill_state_names[BACKFILL_running], turn_wall(k->c), err) < 0)
        return -1;
    backfill_report(k->c, "backfill_started", &k->b, counts_json(&k->b));
    return reload(k, err);
}

static int end_feeding(struct feeding *k, struct err *err) {
    bool well = k->b.failed + k->b.cancelled == 0;
    const char *to = backfill_state_names[well ? BACKFILL_ok : BACKFILL_failed];
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

struct starting {
    int64_t room;
    bool waits; /* some windows may start later */
    bool stuck;
};

static int start_one(struct feeding *k, struct starting *s, struct backfill_item *item, struct err *err) {
    int started = backfill_item_start(k->c, &k->b, item, err);
    if (started < 0) return -1;
    if (started == ITEM_STARTED) {
        s->room--;
        backfill_report(k->c, "backfill_item", &k->b, item_json(item, item_state_names[ITEM_running]));
    }
    s->waits |= started == ITEM_WAITS;
    s->stuck = started == ITEM_STUCK;
    if (started == ITEM_DONE_ALREADY) k->feed->dirty = k->c->wants_turn = true;
    return 0;
}

/* What may start, starts: a few windows are looked at, and further ones while those wait. */
static int start_items(struct feeding *k, bool *waits, struct err *err) {
    struct starting s = {.room = k->b.max_parallel - k->b.running};
    int64_t from = 0, looked = 0;
    bool more = s.room > 0;
    while (more && s.room > 0 && looked < LOOKED_AT_MOST) {
        struct backfill_item *items;
        size_t n, i, page = (size_t)s.room + LOOKED_AHEAD;
        if (store_backfill_next(k->c->store, k->b.id, from, (int64_t)page, k->arena, &items, &n, err) < 0)
            return -1;
        for (i = 0; i < n && s.room > 0 && !s.stuck; i++)
            if (start_one(k, &s, &items[i], err)) return -1;
        more = n == page && !s.stuck;
        from = n ? items[n - 1].n + 1 : from;
        looked += (int64_t)i;
    }
    *waits = s.waits;
    return looked ? reload(k, err) : 0;
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

static bool is_running(const struct feeding *k) { return backfill_is(&k->b, BACKFILL_running); }

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
