/* backfill_add.c: a backfill or a restatement is written down.
 *
 * What is written down is what was shown: the plan is made again here, in the transaction that keeps it, and
 * has to have the token of the one that was confirmed. A name that is there already goes on with what it
 * stands for, unless somebody has held it or given it up: a script that runs each night does not undo that. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/json.h"
#include "scheduler/plans/backfill.h"
#include "scheduler/plans/backfill_asks.h"
#include "scheduler/plans/restate.h"
#include "scheduler/plans/restate_asks.h"
#include "store/backfills.h"

#include <stdlib.h>
#include <string.h>

enum { ITEMS_AT_ONCE = 1000 };

/* ---- by name ---- */

/* A name stands for what it was first used for. What is asked differently now; NULL: nothing. */
static const char *other_word(const json_t *now, const char *options) {
    static const char *const keys[] = {"pipeline",   "dataset", "from",         "to",
                                       "schedule",   "every",   "step",         "from_step",
                                       "downstream", "params",  "move_bookmark"};
    json_t *before = options ? json_loads(options, 0, NULL) : NULL;
    const char *found = NULL;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !found; i++) {
        json_t *a = json_object_get(before, keys[i]), *b = json_object_get(now, keys[i]);
        if ((a || b) && !json_equal(a, b)) found = keys[i];
    }
    json_decref(before);
    return found;
}

static int another_one(const struct backfill_row *b, const char *other, struct err *err) {
    err_set(err, EX_CONFLICT, "backfill %lld `%s` of %s is another one: `%s` is not what it was",
            (long long)b->id, b->name, b->subject, other);
    return err_hint(err, "take another --name; see: leat backfill show %lld", (long long)b->id);
}

static int was_stopped(const struct backfill_row *b, struct err *err) {
    err_set(err, EX_CONFLICT, "backfill %lld `%s` of %s is %s: the same --name does not undo that",
            (long long)b->id, b->name, b->subject, b->state);
    return err_hint(err, "go on with it: leat backfill resume %lld", (long long)b->id);
}

static int go_on_named(struct conductor *c, const struct backfill_row *b, const json_t *plan,
                       struct err *err) {
    const char *other = other_word(plan, b->options);
    if (other) return another_one(b, other, err);
    bool stopped = strcmp(b->state, "paused") == 0 || strcmp(b->state, "cancelled") == 0;
    return stopped ? was_stopped(b, err) : backfill_go_on(c, b, err);
}

/* 1: it is there and goes on; 0: there is none of that name. */
static int find_named(struct conductor *c, const json_t *plan, int64_t *id, struct err *err) {
    const char *name = json_text(plan, "name");
    struct arena *a = arena_new();
    struct backfill_row b;
    int found = name ? store_backfill_named(c->store, name, a, &b, err) : 0;
    if (found == 1) *id = b.id;
    if (found == 1 && go_on_named(c, &b, plan, err)) found = -1;
    arena_free(a);
    return found;
}

static int check_token(const json_t *request, const char *made, struct err *err) {
    if (strcmp(json_text_or(request, "token", ""), made) == 0) return 0;
    err_set(err, EX_CONFLICT,
            "the plan has changed since it was shown: runs came or went, or a file was edited");
    return err_hint(err, "look at it again");
}

static int check_find(const struct conductor *c, struct err *err) {
    if (c->options.find) return 0;
    return err_set(err, EX_CONFLICT,
                   "another command is at work here that cannot read pipelines: wait for its end");
}

/* Items in pieces, so that no plan is held twice. */
struct writing {
    struct conductor *c;
    const struct backfill_spec *spec;
    size_t count;
    void (*item)(const void *plan, size_t i, struct arena *a, struct backfill_item *out);
    const void *plan;
    int64_t id;
};

static int write_piece(struct writing *w, size_t from, size_t n, struct err *err) {
    struct arena *a = arena_new();
    struct backfill_item *items = arena_array(a, n + 1, sizeof *items);
    for (size_t i = 0; i < n; i++) w->item(w->plan, from + i, a, &items[i]);
    int rc = from ? store_backfill_more(w->c->store, w->id, items, n, err)
                  : store_backfill_add(w->c->store, w->spec, items, n, &w->id, err);
    arena_free(a);
    return rc < 0 ? -1 : 0;
}

static int write_items(struct writing *w, struct err *err) {
    for (size_t at = 0; at < w->count; at += ITEMS_AT_ONCE) {
        size_t left = w->count - at;
        if (write_piece(w, at, left < ITEMS_AT_ONCE ? left : ITEMS_AT_ONCE, err)) return -1;
    }
    return 0;
}

/* ---- a backfill ---- */

struct adding {
    struct conductor *c;
    const json_t *request; /* plan, token */
    struct plan_request r;
    struct pipeline *pipeline;
    struct backfill_plan plan;
    int64_t id;
};

static void backfill_item(const void *plan, size_t i, struct arena *a, struct backfill_item *out) {
    const struct adding *k = plan;
    const struct plan_window *w = &k->plan.windows[i];
    char why[PLAN_WHY_TEXT];
    *out = (struct backfill_item){.n = (int64_t)i,
                                  .pipeline = k->pipeline->name,
                                  .window_start = w->start,
                                  .window_end = w->end,
                                  .action = plan_action_names[w->action],
                                  .reason = arena_strdup(a, plan_why_text(w, why)),
                                  .run = w->action == PLAN_keep ? w->run : 0};
    if (w->fire != INSTANT_NONE) out->options = arena_printf(a, "{\"fire\":%lld}", (long long)w->fire);
}

static int write_backfill(struct adding *k, struct err *err) {
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
    struct writing w = {.c = k->c, .spec = &spec, .count = k->plan.count, .item = backfill_item, .plan = k};
    int rc = write_items(&w, err);
    k->id = w.id;
    json_decref(options);
    return rc;
}

static int plan_backfill(struct adding *k, struct err *err) {
    const struct conductor_options *o = &k->c->options;
    if (check_find(k->c, err) || !(k->pipeline = o->find(o->find_ctx, k->r.pipeline, err))) return -1;
    struct asked_store asked = {.store = k->c->store, .pipeline = k->pipeline};
    struct plan_asks asks = plan_asks_of(&asked);
    if (backfill_plan(k->pipeline, &k->r, &asks, turn_wall(k->c), &k->plan, err)) return -1;
    return check_token(k->request, k->plan.token, err);
}

int ask_backfill_add(struct conductor *c, const json_t *request, json_t *answer, struct err *err) {
    struct adding k = {.c = c, .request = request};
    plan_request_read(json_object_get(request, "plan"), &k.r);
    int there = find_named(c, json_object_get(request, "plan"), &k.id, err), rc = there < 0 ? -1 : 0;
    if (!there) rc = plan_backfill(&k, err) || write_backfill(&k, err) ? -1 : 0;
    if (!rc) rc = backfill_answer(c, k.id, answer, err);
    if (!rc) backfills_enter(c, k.id);
    backfill_plan_release(&k.plan);
    pipeline_free(k.pipeline);
    return rc;
}

/* ---- a restatement ---- */

struct restating_add {
    struct conductor *c;
    const json_t *request;
    struct restate_request r;
    struct restate_plan plan;
    int64_t id;
};

static void restate_item(const void *plan, size_t i, struct arena *a, struct backfill_item *out) {
    const struct restate_item *item = &((const struct restate_plan *)plan)->items[i];
    const char *only = only_text(item->steps, item->step_count, a);
    *out = (struct backfill_item){.n = (int64_t)i,
                                  .stage = item->stage,
                                  .pipeline = item->pipeline->name,
                                  .window_start = item->start,
                                  .window_end = item->end,
                                  .action = "run",
                                  .reason = item->reason,
                                  .options = arena_printf(a, "{\"only\":%s}", only)};
}

static int write_restatement(struct restating_add *k, struct err *err) {
    const struct backfill_spec spec = {.kind = "restate",
                                       .name = k->r.name,
                                       .subject = k->r.dataset,
                                       .window_from = k->r.from,
                                       .window_to = k->r.to,
                                       .options = json_object_get(k->request, "plan"),
                                       .max_parallel = k->r.max_parallel,
                                       .max_failures = k->r.max_failures,
                                       .author = k->r.author,
                                       .reason = k->r.reason,
                                       .at = turn_wall(k->c)};
    struct writing w = {
        .c = k->c, .spec = &spec, .count = k->plan.count, .item = restate_item, .plan = &k->plan};
    int rc = write_items(&w, err);
    k->id = w.id;
    return rc;
}

static int is_refused(const struct restate_plan *p, struct err *err) {
    size_t i = 0;
    if (!p->refused) return 0;
    while (!p->items[i].gone) i++;
    return err_set(err, EX_CONFLICT, "%s cannot run again: %s", p->items[i].pipeline->name, p->items[i].gone);
}

static int plan_and_write(struct restating_add *k, struct err *err) {
    const struct conductor_options *o = &k->c->options;
    struct restate_asked asked = {.store = k->c->store};
    struct restate_asks asks = restate_asks_of(&asked);
    struct arena *a = arena_new();
    struct all_pipelines all;
    const char *broken;
    if (check_find(k->c, err)) return arena_free(a), -1;
    all_pipelines_read(o->project, o->find, o->find_ctx, a, &all, &broken);
    struct restate_sources s = {(const struct pipeline *const *)all.list, all.count, &asks, turn_wall(k->c)};
    int rc = restate_plan(&s, &k->r, &k->plan, err);
    if (!rc) rc = check_token(k->request, k->plan.token, err);
    if (!rc) rc = is_refused(&k->plan, err);
    if (!rc) rc = write_restatement(k, err);
    restate_asked_release(&asked);
    all_pipelines_release(&all);
    arena_free(a);
    return rc;
}

int ask_restate_add(struct conductor *c, const json_t *request, json_t *answer, struct err *err) {
    struct restating_add k = {.c = c, .request = request};
    restate_request_read(json_object_get(request, "plan"), &k.r);
    int there = find_named(c, json_object_get(request, "plan"), &k.id, err), rc = there < 0 ? -1 : 0;
    if (!there) rc = plan_and_write(&k, err);
    if (!rc) rc = backfill_answer(c, k.id, answer, err);
    if (!rc) backfills_enter(c, k.id);
    restate_plan_release(&k.plan);
    return rc;
}
