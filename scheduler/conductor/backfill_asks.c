/* backfill_asks.c: what commands ask about backfills that are there: to hold one, take it up again, give it
 * up. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/json.h"
#include "store/backfills.h"

#include <stdlib.h>
#include <string.h>

/* ---- one that is there ---- */

static int find_backfill(struct conductor *c, int64_t id, struct arena *a, struct backfill_row *out,
                         struct err *err) {
    int found = store_backfill_get(c->store, id, a, out, err);
    if (found == 0) {
        err_set(err, EX_NOT_FOUND, "there is no backfill %lld", (long long)id);
        err_hint(err, "see: leat backfill list");
    }
    return found == 1 ? 0 : -1;
}

static bool is_open(const struct backfill_row *b) { return b->finished_at == INSTANT_NONE; }

static void answer_backfill(struct conductor *c, const struct backfill_row *b, json_t *answer) {
    json_put(answer, "backfill", json_integer(b->id));
    json_put_text(answer, "state", b->state);
    json_put(answer, "serves", json_boolean(c->options.serves));
    json_put(answer, "running", json_integer(b->running));
    json_put(answer, "planned", json_integer(b->planned));
}

int backfill_answer(struct conductor *c, int64_t id, json_t *answer, struct err *err) {
    struct arena *a = arena_new();
    struct backfill_row b;
    int rc = find_backfill(c, id, a, &b, err);
    if (!rc) answer_backfill(c, &b, answer);
    arena_free(a);
    return rc;
}

int backfill_go_on(struct conductor *c, const struct backfill_row *b, struct err *err) {
    int64_t n;
    if (strcmp(b->state, "ok") == 0) return 0;
    if (!is_open(b) && (store_backfill_replan(c->store, b->id, "failed", &n, err) < 0 ||
                        store_backfill_replan(c->store, b->id, "cancelled", &n, err) < 0))
        return -1;
    bool held = strcmp(b->state, "queued") != 0 && strcmp(b->state, "running") != 0;
    if (held && store_backfill_move(c->store, b->id, b->state, "queued", turn_wall(c), err) < 0) return -1;
    backfills_enter(c, b->id);
    return 0;
}

int ask_backfill_resume(struct conductor *c, const json_t *request, json_t *answer, struct err *err) {
    struct arena *a = arena_new();
    struct backfill_row b;
    int rc = find_backfill(c, json_int(request, "backfill", 0), a, &b, err);
    if (!rc) rc = backfill_go_on(c, &b, err);
    if (!rc) rc = backfill_answer(c, b.id, answer, err);
    arena_free(a);
    return rc;
}

/* ---- nothing more starts ---- */

static int withdraw_run(struct conductor *c, int64_t run, struct arena *a, struct err *err) {
    struct run_row row;
    if (live_find(c, run)) return 0; /* it has begun */
    int found = store_run_get(c->store, run, a, &row, err);
    return found == 1 ? run_end_queued(c, &row, "cancelled", "withdrawn", err) : found;
}

/* Runs that are queued and have not begun end here; their windows are as if nothing had been. */
static int withdraw(struct conductor *c, const struct backfill_row *b, struct arena *a, struct err *err) {
    struct item_filter f = {.backfill = b->id, .limit = b->running, .state = "running"};
    struct backfill_item *items;
    size_t n;
    if (!b->running) return 0;
    if (store_backfill_items(c->store, &f, a, &items, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++)
        if (withdraw_run(c, items[i].run, a, err) < 0) return -1;
    return 0;
}

/* What runs is stopped by whoever is at work on it, or by the next one. */
static int cancel_running(struct conductor *c, const struct backfill_row *b, struct arena *a,
                          struct err *err) {
    struct item_filter f = {.backfill = b->id, .limit = b->running, .state = "running"};
    struct backfill_item *items;
    size_t n;
    if (store_backfill_items(c->store, &f, a, &items, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        if (live_find(c, items[i].run))
            conductor_cancel(c, items[i].run, false, "cancelled");
        else if (store_run_stop(c->store, items[i].run, run_stop_names[STOP_CANCEL], "cancelled", err) < 0)
            return -1;
    }
    return 0;
}

static int already(const struct backfill_row *b, struct err *err) {
    err_set(err, EX_CONFLICT, "backfill %lld has ended: it is %s", (long long)b->id, b->state);
    return err_hint(err, "see: leat backfill show %lld", (long long)b->id);
}

static int pause_it(struct conductor *c, const struct backfill_row *b, struct arena *a, struct err *err) {
    if (!is_open(b)) return already(b, err);
    if (withdraw(c, b, a, err)) return -1;
    if (strcmp(b->state, "paused") == 0) return 0;
    return store_backfill_move(c->store, b->id, b->state, "paused", turn_wall(c), err) < 0 ? -1 : 0;
}

int ask_backfill_pause(struct conductor *c, const json_t *request, json_t *answer, struct err *err) {
    struct arena *a = arena_new();
    struct backfill_row b;
    int rc = find_backfill(c, json_int(request, "backfill", 0), a, &b, err);
    if (!rc) rc = pause_it(c, &b, a, err);
    if (!rc) rc = backfill_answer(c, b.id, answer, err);
    if (!rc) backfills_enter(c, b.id); /* whoever feeds it notices */
    arena_free(a);
    return rc;
}

static int cancel_it(struct conductor *c, const struct backfill_row *b, bool running, struct arena *a,
                     struct err *err) {
    int64_t n;
    if (!is_open(b)) return already(b, err);
    if (withdraw(c, b, a, err) || store_backfill_cancel_planned(c->store, b->id, &n, err) < 0) return -1;
    if (store_backfill_move(c->store, b->id, b->state, "cancelled", turn_wall(c), err) < 0) return -1;
    return running && b->running ? cancel_running(c, b, a, err) : 0;
}

int ask_backfill_cancel(struct conductor *c, const json_t *request, json_t *answer, struct err *err) {
    struct arena *a = arena_new();
    struct backfill_row b;
    int rc = find_backfill(c, json_int(request, "backfill", 0), a, &b, err);
    if (!rc) rc = cancel_it(c, &b, json_flag(request, "running"), a, err);
    if (!rc) rc = backfill_answer(c, b.id, answer, err);
    if (!rc) backfills_enter(c, b.id);
    arena_free(a);
    return rc;
}
