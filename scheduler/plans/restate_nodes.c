/* restate_nodes.c: from the roots to everything that read what they change. Steps are taken in an order in
 * which writers come before readers, so every node's stage is known before it is followed. */
#include "scheduler/plans/restate_impl.h"

#include "base/limits.h"
#include "base/suggest.h"
#include "scheduler/plans/backfill_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct span_found {
    instant_t start, end;
    int64_t version;
};

/* ---- nodes ---- */

static int too_many(struct err *err) {
    err_set(err, EX_USAGE, "that is more than %d windows of steps", LIMIT_BACKFILL_WINDOWS);
    return err_hint(err, "take a shorter stretch");
}

const char *restate_key(uint32_t step, instant_t start, instant_t end, char out[RESTATE_KEY]) {
    snprintf(out, RESTATE_KEY, "%u %" PRId64 " %" PRId64, step, start, end);
    return out;
}

/* The node of a step and window, at least in this stage. */
static int reach(struct restating *k, const struct restate_node *n, struct err *err) {
    struct restate_step *t = &k->steps[n->step];
    char key[RESTATE_KEY];
    size_t at;
    if (t->cannot[0]) return 0;
    if (map_get(&k->node_keys, restate_key(n->step, n->start, n->end, key), &at)) {
        if (k->nodes[at].stage < n->stage) k->nodes[at].stage = n->stage;
        return 0;
    }
    if (k->node_count >= LIMIT_BACKFILL_WINDOWS) return too_many(err);
    map_add(&k->node_keys, arena_strdup(k->out->arena, key), k->node_count, NULL);
    GROW(t->nodes, t->node_count, t->node_cap);
    t->nodes[t->node_count++] = (uint32_t)k->node_count;
    GROW(k->nodes, k->node_count, k->node_cap);
    k->nodes[k->node_count++] = *n;
    return 0;
}

/* ---- roots ---- */

struct span_list {
    struct span_found *items; /* in the arena */
    size_t count, room;
};

static void add_span(struct restating *k, struct span_list *l, instant_t start, instant_t end,
                     int64_t version) {
    if (l->count == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        struct span_found *more = arena_array(k->out->arena, room, sizeof *more);
        if (l->count) memcpy(more, l->items, l->count * sizeof *more);
        l->items = more;
        l->room = room;
    }
    l->items[l->count++] = (struct span_found){start, end, version};
}

static int by_start(const void *a, const void *b) {
    const struct span_found *x = a, *y = b;
    if (x->start != y->start) return (x->start > y->start) - (x->start < y->start);
    return (x->end > y->end) - (x->end < y->end);
}

static bool lies_in(const struct span_found *small, const struct span_found *large) {
    bool inside = small->start >= large->start && small->end <= large->end;
    return inside && small->end - small->start < large->end - large->start;
}

/* Smaller windows that were published later have all of it that is asked about. `first` starts when i does:
 * no window before it lies in that of i. */
static bool is_superseded(const struct restating *k, const struct span_list *l, size_t first, size_t i) {
    const struct span_found *w = &l->items[i];
    instant_t done = w->start > k->r->from ? w->start : k->r->from,
              end = w->end < k->r->to ? w->end : k->r->to;
    for (size_t j = first; j < l->count && l->items[j].start <= done && done < end; j++) {
        const struct span_found *o = &l->items[j];
        if (lies_in(o, w) && o->version > w->version && o->end > done) done = o->end;
    }
    return done >= end;
}

static int add_published(struct restating *k, const struct restate_step *t, struct span_list *l,
                         struct err *err) {
    struct version_window *rows;
    size_t n;
    const struct restate_asks *asks = k->s->asks;
    if (asks->written(asks->ctx, k->r->dataset, k->r->from, k->r->to, k->out->arena, &rows, &n, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        bool own =
            strcmp(rows[i].pipeline, t->pipeline->name) == 0 && strcmp(rows[i].step, t->step->name) == 0;
        if (own) add_span(k, l, rows[i].start, rows[i].end, rows[i].version);
    }
    return 0;
}

/* It may have published nothing for a window because nothing had changed: what it read says that it ran. */
static int add_consumed(struct restating *k, const struct restate_step *t, struct span_list *l,
                        struct err *err) {
    const struct restate_asks *asks = k->s->asks;
    for (size_t r = 0; r < t->step->read_count; r++) {
        struct consumed_row *rows;
        size_t n;
        if (asks->consumers(asks->ctx, t->step->reads[r].dataset, k->r->from, k->r->to, k->out->arena, &rows,
                            &n, err))
            return -1;
        for (size_t i = 0; i < n; i++) {
            bool own =
                strcmp(rows[i].pipeline, t->pipeline->name) == 0 && strcmp(rows[i].step, t->step->name) == 0;
            if (own) add_span(k, l, rows[i].window_start, rows[i].window_end, 0);
        }
    }
    return 0;
}

/* It never ran for a window: those that its pipeline would have. */
static int add_usual(struct restating *k, const struct restate_step *t, struct span_list *l,
                     struct err *err) {
    struct backfill_plan plan = {0};
    struct plan_request r = {.pipeline = t->pipeline->name, .from = k->r->from, .to = k->r->to};
    struct planning p = {.p = t->pipeline, .r = &r, .now = k->s->now, .out = &plan};
    int rc = plan_windows(&p, err);
    if (rc && k->r->to <= k->s->now) err_hint(err, "take a longer stretch: --from, --to");
    for (size_t i = 0; i < plan.count && !rc; i++)
        add_span(k, l, plan.windows[i].start, plan.windows[i].end, 0);
    backfill_plan_release(&plan);
    return rc;
}

static int cannot_root(const struct restate_step *t, struct err *err) {
    err_set(err, EX_INVALID, "%s cannot be restated: step %s.%s: %s", t->step->into->dataset,
            t->pipeline->name, t->step->name, t->cannot);
    return err_hint(err, "steps that write with replace_partitions, merge or replace can");
}

static int add_root(struct restating *k, uint32_t step, struct err *err) {
    const struct restate_step *t = &k->steps[step];
    struct span_list l = {0};
    if (t->cannot[0]) return cannot_root(t, err);
    if (add_published(k, t, &l, err) || add_consumed(k, t, &l, err)) return -1;
    if (!l.count && add_usual(k, t, &l, err)) return -1;
    qsort(l.items, l.count, sizeof *l.items, by_start);
    int rc = 0;
    for (size_t i = 0, first = 0; i < l.count && !rc; i++) {
        if (l.items[i].start > l.items[first].start) first = i;
        if (is_superseded(k, &l, first, i)) continue;
        rc = reach(k, &(struct restate_node){step, l.items[i].start, l.items[i].end, 0, k->r->dataset}, err);
    }
    return rc;
}

static int nobody_writes(const struct restating *k, struct err *err) {
    const char **names = xcalloc(k->step_count + 1, sizeof *names);
    size_t n = 0;
    for (size_t i = 0; i < k->step_count; i++)
        if (k->steps[i].step->into) names[n++] = k->steps[i].step->into->dataset;
    const char *meant = suggest(k->r->dataset, names, n);
    err_set(err, EX_NOT_FOUND, "no step writes `%s`", k->r->dataset);
    if (meant)
        err_hint(err, "did you mean `%s`?", meant);
    else
        err_hint(err, "see what there is: leat zone list");
    free(names);
    return -1;
}

static int add_roots(struct restating *k, struct err *err) {
    if (!map_get(&k->writers, k->r->dataset, NULL)) return nobody_writes(k, err);
    for (uint32_t i = 0; i < k->step_count; i++)
        if (k->steps[i].root && add_root(k, i, err)) return -1;
    return 0;
}

/* ---- followers ---- */

static bool of_root_pipeline(const struct restating *k, const struct pipeline *p) {
    for (size_t i = 0; i < k->step_count; i++)
        if (k->steps[i].root && k->steps[i].pipeline == p) return true;
    return false;
}

static bool is_wanted(const struct restating *k, const struct pipeline *p) {
    if (k->r->downstream == RESTATE_all) return true;
    return k->r->downstream == RESTATE_pipeline && of_root_pipeline(k, p);
}

/* The same run makes what it reads: it need not wait for another. */
static int follow_same_run(struct restating *k, const struct restate_node *from, struct err *err) {
    const struct restate_step *w = &k->steps[from->step];
    int rc = 0;
    for (size_t i = 0; i < w->reader_count && !rc; i++) {
        if (k->steps[w->readers[i]].pipeline != w->pipeline) continue;
        rc = reach(k,
                   &(struct restate_node){w->readers[i], from->start, from->end, from->stage,
                                          w->step->into->dataset},
                   err);
    }
    return rc;
}

static int follow_row(struct restating *k, const struct restate_node *from, const struct consumed_row *row,
                      struct err *err) {
    const struct restate_step *w = &k->steps[from->step];
    size_t at;
    if (!map_get(&k->names, arena_printf(k->out->arena, "%s.%s", row->pipeline, row->step), &at)) return 0;
    const struct restate_step *t = &k->steps[at];
    bool same_run =
        t->pipeline == w->pipeline && row->window_start == from->start && row->window_end == from->end;
    if (same_run || t == w || !is_wanted(k, t->pipeline)) return 0;
    return reach(k,
                 &(struct restate_node){(uint32_t)at, row->window_start, row->window_end, from->stage + 1,
                                        w->step->into->dataset},
                 err);
}

static int follow(struct restating *k, uint32_t node, struct err *err) {
    const struct restate_node from = k->nodes[node]; /* the list may move */
    const struct step *s = k->steps[from.step].step;
    const struct restate_asks *asks = k->s->asks;
    struct consumed_row *rows;
    size_t n;
    if (!s->into || k->r->downstream == RESTATE_none) return 0;
    if (follow_same_run(k, &from, err)) return -1;
    struct arena *a = arena_new();
    int rc = asks->consumers(asks->ctx, s->into->dataset, from.start, from.end, a, &rows, &n, err);
    for (size_t i = 0; !rc && i < n; i++) rc = follow_row(k, &from, &rows[i], err);
    arena_free(a);
    return rc;
}

/* ---- what stays as it is ---- */

static void note_readers(struct restating *k, const struct restate_step *w) {
    for (size_t i = 0; i < w->reader_count; i++) {
        struct restate_step *t = &k->steps[w->readers[i]];
        if (t->node_count || t->noted || !is_wanted(k, t->pipeline)) continue;
        t->noted = true;
        if (t->cannot[0])
            restate_note(k, "%s.%s reads %s and is not restated: %s", t->pipeline->name, t->step->name,
                         w->step->into->dataset, t->cannot);
        else
            restate_note(k, "%s.%s reads %s, but never did for a window: run it afterwards: leat run %s",
                         t->pipeline->name, t->step->name, w->step->into->dataset, t->pipeline->name);
    }
}

int restate_nodes(struct restating *k, struct err *err) {
    if (add_roots(k, err)) return -1;
    for (size_t i = 0; i < k->step_count; i++) {
        const struct restate_step *t = &k->steps[k->order[i]];
        for (size_t n = 0; n < t->node_count; n++)
            if (follow(k, t->nodes[n], err)) return -1;
    }
    for (size_t i = 0; i < k->step_count; i++)
        if (k->steps[i].node_count) note_readers(k, &k->steps[i]);
    return 0;
}
