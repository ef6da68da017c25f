/* triggers.c: new versions of datasets start the pipelines that come after them: see triggers.h.
 *
 * The index dataset -> triggers is kept up as definitions change; what a publish costs depends on who starts
 * after that dataset alone. A trigger that is new begins at the versions there are now; one that goes decides
 * what came until then, also when it went while nobody served (clock.c finds it in the database); one that
 * comes back within a minute goes on as if it had never been away. */
#include "scheduler/conductor/triggers.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"
#include "scheduler/catalog.h"
#include "store/schedules.h"

#include <stdlib.h>
#include <string.h>

/* Those that start after one dataset. */
struct watchers {
    struct trigger **list;
    size_t count, cap;
};

struct triggers {
    struct idmap rows;      /* by id */
    struct idmap datasets;  /* hash of a name -> its watchers */
    struct trigger **dirty; /* for the end of this or the next turn */
    size_t dirty_count, dirty_cap;
};

static uint64_t name_id(const char *name) { return hash_bytes(name, strlen(name)); }

/* ---- the index ---- */

static struct watchers *watchers_of(const struct triggers *k, const char *dataset) {
    return idmap_get(&k->datasets, name_id(dataset));
}

static void watch(struct triggers *k, struct trigger *t) {
    const struct after *a = &t->schedule->after;
    for (size_t i = 0; i < a->count; i++) {
        struct watchers *w = watchers_of(k, a->datasets[i]);
        if (!w) {
            w = xcalloc(1, sizeof *w);
            idmap_put(&k->datasets, name_id(a->datasets[i]), w);
        }
        GROW(w->list, w->count, w->cap);
        w->list[w->count++] = t;
    }
}

static void drop_from(struct trigger **list, size_t *count, const struct trigger *t) {
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++)
        if (list[i] != t) list[kept++] = list[i];
    *count = kept;
}

static void unwatch(struct triggers *k, const struct trigger *t) {
    const struct after *a = &t->schedule->after;
    for (size_t i = 0; i < a->count; i++) {
        struct watchers *w = watchers_of(k, a->datasets[i]);
        if (w) drop_from(w->list, &w->count, t);
        if (!w || w->count) continue;
        idmap_remove(&k->datasets, name_id(a->datasets[i]));
        free(w->list);
        free(w);
    }
}

static void touch(struct conductor *c, struct trigger *t) {
    struct triggers *k = c->triggers;
    c->wants_turn = true;
    if (t->dirty) return;
    t->dirty = true;
    GROW(k->dirty, k->dirty_count, k->dirty_cap);
    k->dirty[k->dirty_count++] = t;
}

/* ---- rows ---- */

/* What the clock decides is another row's. */
static struct schedule without_clock(const struct schedule *s) {
    struct schedule half = *s;
    half.firing_count = 0;
    return half;
}

static int write_rule(struct conductor *c, const struct schedule_row *row, const json_t *rule,
                      struct err *err) {
    json_t *was = json_loads(row->rule, 0, NULL);
    bool same = json_equal(was, rule);
    json_decref(was);
    return same || store_schedule_rule(c->store, row->id, rule, turn_wall(c), err) >= 0 ? 0 : -1;
}

static int write_row(struct conductor *c, void *ctx, struct err *err) {
    struct trigger *t = ctx;
    struct arena *a = arena_new();
    struct schedule_row row;
    struct schedule half = without_clock(t->schedule);
    instant_t now = turn_wall(c);
    json_t *rule = schedule_rule_json(&half);
    struct schedule_spec spec = {
        .pipeline = t->lane->name, .name = t->name, .cursor = now, .rule = rule, .at = now};
    int there = store_schedule_ensure(c->store, &spec, a, &row, err);
    int rc = there < 0 || write_rule(c, &row, rule, err) ? -1 : 0;
    json_decref(rule);
    if (!rc) {
        t->id = row.id;
        t->since = row.created_at;
        rc = trigger_cursors(c, t, there && schedule_was_away(&row, now), err);
    }
    arena_free(a);
    return rc;
}

/* What came before the pause that ends; then what came during it. */
static int decide_held(struct conductor *c, struct trigger *t, instant_t from, const struct held *held,
                       struct err *err) {
    bool all_of_it = from > held->until;
    struct held before = {.until = all_of_it ? held->until : from - 1, .catch_up = HELD_BEFORE};
    return trigger_decide(c, t, &before, err) < 0 ? -1 : trigger_decide(c, t, held, err);
}

/* What came before it went: what a pause held back ends with it. */
static int decide_last_ones(struct conductor *c, struct trigger *t, struct err *err) {
    bool paused = t->lane->paused;
    struct held all = {.until = t->ends, .catch_up = paused ? HELD_NONE : HELD_ALL};
    int more = 1;
    while (more > 0)
        more = paused ? decide_held(c, t, t->lane->paused_at, &all, err) : trigger_decide(c, t, &all, err);
    return more;
}

static int write_gone(struct conductor *c, void *ctx, struct err *err) {
    struct trigger *t = ctx;
    if (decide_last_ones(c, t, err)) return -1;
    return store_schedule_gone(c->store, t->id, turn_wall(c), err) < 0 ? -1 : 0;
}

/* ---- definitions ---- */

static void trigger_free(struct trigger *t) {
    schedule_free(t->schedule);
    free(t->spans);
    free(t->name);
    free(t);
}

static void enter(struct conductor *c, struct trigger *t) {
    t->ends = INSTANT_NONE;
    watch(c->triggers, t);
    t->open = true;
    touch(c, t);
}

static int add(struct conductor *c, struct lane *l, const struct schedule *s, struct err *err) {
    struct arena *a = arena_new();
    struct trigger *t = xcalloc(1, sizeof *t);
    *t = (struct trigger){.lane = l,
                          .schedule = schedule_copy(s),
                          .seen = true,
                          .last_fire = INSTANT_NONE,
                          .ends = INSTANT_NONE,
                          .sibling = l->triggers};
    t->name = xstrdup(after_name(a, s->name));
    arena_free(a);
    if (write_alone(c, write_row, t, err)) {
        trigger_free(t);
        return -1;
    }
    l->triggers = t;
    idmap_put(&c->triggers->rows, (uint64_t)t->id, t);
    enter(c, t);
    return 0;
}

/* Other words are in force at once: what was published before has been decided. */
static int change(struct conductor *c, struct trigger *t, const struct schedule *s, struct err *err) {
    struct schedule was = without_clock(t->schedule), is = without_clock(s);
    bool same = schedule_same_words(&was, &is);
    unwatch(c->triggers, t);
    schedule_free(t->schedule); /* the zone may be another one though its name is the same */
    t->schedule = schedule_copy(s);
    int rc = same ? 0 : write_alone(c, write_row, t, err);
    enter(c, t);
    return rc;
}

static int update(struct conductor *c, struct lane *l, const struct schedule *s, struct err *err) {
    size_t n;
    for (struct trigger *t = l->triggers; t; t = t->sibling) {
        if (!after_part(t->name, &n) || strlen(s->name) != n || strncmp(t->name, s->name, n) != 0) continue;
        t->seen = true;
        return change(c, t, s, err);
    }
    return add(c, l, s, err);
}

/* It is in the list of the dirty ones no more. */
static void trigger_remove(struct triggers *k, struct trigger *t) {
    struct trigger **link = &t->lane->triggers;
    while (*link != t) link = &(*link)->sibling;
    *link = t->sibling;
    unwatch(k, t);
    idmap_remove(&k->rows, (uint64_t)t->id);
    trigger_free(t);
}

static void let_go(struct conductor *c, struct trigger *t) {
    struct triggers *k = c->triggers;
    struct err err;
    t->ends = INT64_MAX;
    if (write_alone(c, write_gone, t, &err)) turn_broke(c, &err);
    drop_from(k->dirty, &k->dirty_count, t);
    trigger_remove(k, t);
}

void triggers_leave(struct conductor *c, struct lane *l, const struct schedule_row *row, struct schedule *s,
                    instant_t at) {
    struct trigger *t = xcalloc(1, sizeof *t);
    *t = (struct trigger){.id = row->id,
                          .lane = l,
                          .schedule = s,
                          .name = xstrdup(row->name),
                          .since = row->created_at,
                          .last_fire = INSTANT_NONE,
                          .open = s->after.same != SAME_NONE,
                          .ends = at < turn_wall(c) ? at : INT64_MAX,
                          .sibling = l->triggers};
    l->triggers = t;
    idmap_put(&c->triggers->rows, (uint64_t)t->id, t);
    touch(c, t);
}

void triggers_definition(struct conductor *c, const char *pipeline, const struct catalog_entry *e) {
    struct lane *l = lane_of(c, pipeline);
    struct err err;
    if (c->wiring && e)
        wiring_put(c->wiring, e->pipeline);
    else if (c->wiring)
        wiring_drop(c->wiring, pipeline);
    for (struct trigger *t = l->triggers; t; t = t->sibling) t->seen = false;
    for (size_t i = 0; e && i < e->pipeline->schedule_count; i++)
        if (e->pipeline->schedules[i].after.count && update(c, l, &e->pipeline->schedules[i], &err))
            turn_broke(c, &err);
    for (struct trigger *t = l->triggers, *next; t; t = next) {
        next = t->sibling;
        if (!t->seen) let_go(c, t);
    }
}

bool triggers_have(const struct conductor *c, int64_t schedule) {
    return idmap_get(&c->triggers->rows, (uint64_t)schedule) != NULL;
}

/* ---- what happened ---- */

void triggers_published(struct conductor *c, const char *dataset) {
    const struct watchers *w = c->triggers ? watchers_of(c->triggers, dataset) : NULL;
    for (size_t i = 0; w && i < w->count; i++) touch(c, w->list[i]);
}

static void run_ended(struct conductor *c, struct trigger *t, const struct live_run *r) {
    if (!t->schedule->after.same) return;
    GROW(t->spans, t->span_count, t->span_cap);
    t->spans[t->span_count++] = (struct time_span){r->window_start, r->window_end};
    touch(c, t);
}

/* The day of its window may be complete now, also when it published nothing. */
void triggers_run_ended(struct conductor *c, const struct live_run *r) {
    const char *dataset;
    if (!c->triggers || r->window_start == INSTANT_NONE) return;
    for (size_t i = 0; (dataset = wiring_written(conductor_wiring(c), r->pipeline_name, i)); i++) {
        const struct watchers *w = watchers_of(c->triggers, dataset);
        for (size_t k = 0; w && k < w->count; k++) run_ended(c, w->list[k], r);
    }
}

/* ---- decisions ---- */

static void decide_last(struct conductor *c, struct trigger *t) {
    struct err err;
    if (write_alone(c, write_gone, t, &err))
        turn_broke(c, &err);
    else
        trigger_remove(c->triggers, t);
}

static void decide(struct conductor *c, struct trigger *t) {
    struct err err;
    int more = t->lane->paused ? 0 : trigger_decide(c, t, NULL, &err);
    if (more < 0) turn_broke(c, &err);
    if (more > 0) touch(c, t);
}

void triggers_tick(struct conductor *c) {
    struct triggers *k = c->triggers;
    if (!k || c->draining || c->is_broken) return;
    size_t n = k->dirty_count; /* those that have more to decide come again, at the end of the list */
    for (size_t i = 0; i < n && !c->is_broken; i++) {
        struct trigger *t = k->dirty[i];
        t->dirty = false;
        if (t->ends != INSTANT_NONE)
            decide_last(c, t);
        else
            decide(c, t);
    }
    if (n) memmove(k->dirty, k->dirty + n, (k->dirty_count - n) * sizeof *k->dirty);
    k->dirty_count -= n;
}

void triggers_resume(struct conductor *c, struct lane *l, instant_t from, instant_t until,
                     const char *catch_up) {
    struct held held = {.until = until, .catch_up = HELD_NONE};
    struct err err;
    if (strcmp(catch_up, "all") == 0) held.catch_up = HELD_ALL;
    if (strcmp(catch_up, "latest") == 0) held.catch_up = HELD_LATEST;
    for (struct trigger *t = l->triggers; c->triggers && t && !c->is_broken; t = t->sibling) {
        t->open = true;
        if (decide_held(c, t, from, &held, &err) < 0) turn_broke(c, &err);
        touch(c, t);
    }
}

/* ---- life ---- */

void triggers_open(struct conductor *c) { c->triggers = xcalloc(1, sizeof *c->triggers); }

void triggers_close(struct conductor *c) {
    struct triggers *k = c->triggers;
    size_t at = 0;
    if (!k) return;
    for (struct trigger *t; (t = idmap_next(&k->rows, &at));) {
        t->lane->triggers = NULL;
        trigger_free(t);
    }
    at = 0;
    for (struct watchers *w; (w = idmap_next(&k->datasets, &at));) {
        free(w->list);
        free(w);
    }
    idmap_release(&k->rows);
    idmap_release(&k->datasets);
    free(k->dirty);
    free(k);
    c->triggers = NULL;
}
