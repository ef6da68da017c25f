/* backfill_asks.c: what commands ask about backfills: one is written down, held, taken up again, given up.
 *
 * What is written down is what was shown: the plan is made again here, in the transaction that keeps it, and has to
 * have the token of the one that was confirmed. A name that is there already goes on with its backfill. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/json.h"
#include "scheduler/backfill.h"
#include "scheduler/backfill_asks.h"
#include "store/backfills.h"

#include <stdlib.h>
#include <string.h>

enum { ITEMS_AT_ONCE = 1000 };

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

static int answer_again(struct conductor *c, int64_t id, json_t *answer, struct err *err) {
    struct arena *a = arena_new();
    struct backfill_row b;
    int rc = find_backfill(c, id, a, &b, err);
    if (!rc) answer_backfill(c, &b, answer);
    arena_free(a);
    return rc;
}

/* Paused, failed and cancelled ones go on; what failed or was cancelled is planned again. */
static int go_on(struct conductor *c, const struct backfill_row *b, struct err *err) {
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
    if (!rc) rc = go_on(c, &b, err);
    if (!rc) rc = answer_again(c, b.id, answer, err);
    arena_free(a);
    return rc;
}

/* ---- nothing more starts ---- */

/* Runs that are queued and have not begun end here; their windows are as if nothing had been. */
static int withdraw(struct conductor *c, const struct backfill_row *b, struct arena *a, struct err *err) {
    struct item_filter f = {.backfill = b->id, .limit = b->running, .state = "running"};
    struct backfill_item *items;
    size_t n;
    if (!b->running) return 0;
    if (store_backfill_items(c->store, &f, a, &items, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        struct run_move m = {
            .run = items[i].run, .from = "queued", .to = "cancelled", .reason = "withdrawn", .at = turn_wall(c)};
        const struct item_move back = {.backfill = b->id, .n = items[i].n, .from = "running", .to = "planned"};
        if (live_find(c, items[i].run)) continue; /* it has begun */
        int hit = store_run_move(c->store, &m, err);
        if (hit < 0 || (hit && store_backfill_item_move(c->store, &back, err) < 0)) return -1;
    }
    return 0;
}

/* What runs is stopped by whoever is at work on it, or by the next one. */
static int cancel_running(struct conductor *c, const struct backfill_row *b, struct arena *a, struct err *err) {
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
    if (!rc) rc = answer_again(c, b.id, answer, err);
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
    if (!rc) rc = answer_again(c, b.id, answer, err);
    if (!rc) backfills_enter(c, b.id);
    arena_free(a);
    return rc;
}

/* ---- a new one ---- */

struct adding {
    struct conductor *c;
    const json_t *request; /* plan, token */
    struct plan_request r;
    struct pipeline *pipeline;
    struct backfill_plan plan;
    int64_t id;
};

/* A name stands for what it was first used for. */
static bool is_same(const struct adding *k, const char *options) {
    static const char *const keys[] = {"pipeline", "from", "to", "schedule", "every", "step", "from_step"};
    json_t *before = options ? json_loads(options, 0, NULL) : NULL;
    const json_t *now = json_object_get(k->request, "plan");
    bool same = true;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && same; i++) {
        json_t *a = json_object_get(before, keys[i]), *b = json_object_get(now, keys[i]);
        same = (!a && !b) || json_equal(a, b);
    }
    json_decref(before);
    return same;
}

/* 1: it is there and goes on; 0: there is none of that name. */
static int find_named(struct adding *k, struct arena *a, struct err *err) {
    struct backfill_row b;
    int found = k->r.name ? store_backfill_named(k->c->store, k->r.name, a, &b, err) : 0;
    if (found <= 0) return found;
    if (!is_same(k, b.options)) {
        err_set(err, EX_CONFLICT, "backfill %lld `%s` is about something else: %s", (long long)b.id, b.name, b.subject);
        return err_hint(err, "take another --name; see: leat backfill show %lld", (long long)b.id);
    }
    k->id = b.id;
    return go_on(k->c, &b, err) ? -1 : 1;
}

static int check_token(const struct adding *k, struct err *err) {
    const char *shown = json_text_or(k->request, "token", "");
    if (strcmp(shown, k->plan.token) == 0) return 0;
    err_set(err, EX_CONFLICT, "the plan has changed since it was shown: runs came or went, or %s was edited",
            k->pipeline->name);
    return err_hint(err, "look at it again");
}

static struct backfill_item item_of(const struct adding *k, size_t i, struct arena *a) {
    const struct plan_window *w = &k->plan.windows[i];
    char why[PLAN_WHY_TEXT];
    struct backfill_item item = {.n = (int64_t)i,
                                 .pipeline = k->pipeline->name,
                                 .window_start = w->start,
                                 .window_end = w->end,
                                 .action = plan_action_names[w->action],
                                 .reason = arena_strdup(a, plan_why_text(w, why)),
                                 .run = w->action == PLAN_keep ? w->run : 0};
    if (w->fire != INSTANT_NONE) item.options = arena_printf(a, "{\"fire\":%lld}", (long long)w->fire);
    return item;
}

static int add_items(struct adding *k, size_t from, size_t n, const struct backfill_spec *spec, struct err *err) {
    struct arena *a = arena_new();
    struct backfill_item *items = arena_array(a, n + 1, sizeof *items);
    for (size_t i = 0; i < n; i++) items[i] = item_of(k, from + i, a);
    int rc = from ? store_backfill_more(k->c->store, k->id, items, n, err)
                  : store_backfill_add(k->c->store, spec, items, n, &k->id, err);
    arena_free(a);
    return rc < 0 ? -1 : 0;
}

static int write_plan(struct adding *k, struct err *err) {
    json_t *options = json_deep_copy(json_object_get(k->request, "plan"));
    if (k->plan.schedule) json_put_text(options, "slots_of", k->plan.schedule);
    const struct backfill_spec spec = {.kind = "backfill",
                                       .name = k->r.name,
                                       .subject = k->pipeline->name,
                                       .window_from = k->r.from,
                                       .window_to = k->r.to,
                                       .options = options,
                                       .max_parallel = k->plan.max_parallel,
                                       .max_failures = k->plan.max_failures,
                                       .author = k->r.author,
                                       .reason = k->r.reason,
                                       .at = turn_wall(k->c)};
    int rc = 0;
    for (size_t at = 0; at < k->plan.count && !rc; at += ITEMS_AT_ONCE) {
        size_t left = k->plan.count - at;
        rc = add_items(k, at, left < ITEMS_AT_ONCE ? left : ITEMS_AT_ONCE, &spec, err);
    }
    json_decref(options);
    return rc;
}

static int make_plan(struct adding *k, struct err *err) {
    const struct conductor_options *o = &k->c->options;
    if (!o->find)
        return err_set(err, EX_CONFLICT, "another command is at work here that cannot read pipelines: wait for its end");
    if (!(k->pipeline = o->find(o->find_ctx, k->r.pipeline, err))) return -1;
    struct asked_store asked = {.store = k->c->store, .pipeline = k->pipeline};
    struct plan_asks asks = plan_asks_of(&asked);
    if (backfill_plan(k->pipeline, &k->r, &asks, turn_wall(k->c), &k->plan, err)) return -1;
    return check_token(k, err);
}

static int add(struct adding *k, struct arena *a, struct err *err) {
    int there = find_named(k, a, err);
    if (there) return there < 0 ? -1 : 0;
    if (make_plan(k, err) || write_plan(k, err)) return -1;
    backfills_enter(k->c, k->id);
    return 0;
}

int ask_backfill_add(struct conductor *c, const json_t *request, json_t *answer, struct err *err) {
    struct arena *a = arena_new();
    struct adding k = {.c = c, .request = request};
    plan_request_read(json_object_get(request, "plan"), &k.r);
    int rc = add(&k, a, err);
    if (!rc) rc = answer_again(c, k.id, answer, err);
    backfill_plan_release(&k.plan);
    pipeline_free(k.pipeline);
    arena_free(a);
    return rc;
}
