/* graph.c: edges from data and `after:`, topological order, cycles, and writers of one dataset.
 *
 * Everything here is loops over arrays: a chain of 100,000 steps costs no stack. Edges are kept as compressed
 * rows; the order is Kahn's, smallest index first among what became ready earlier, so it is the same every
 * time. */
#include "dag/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CYCLE_SHOWN = 12 };

void add_edge(struct build *b, uint32_t from, uint32_t to) {
    GROW(b->edges, b->edge_count, b->edge_cap);
    b->edges[b->edge_count++] = (struct edge){from, to};
}

/* ---- edges from data */

/* Writers of each dataset as lists threaded through an array. */
struct writers {
    struct map heads; /* dataset -> index of its first writer */
    uint32_t *next;   /* of each step; UINT32_MAX ends */
    uint32_t *last;   /* of each first writer: the end of its list */
};

static struct writers collect_writers(struct pipeline *p, struct arena *a) {
    struct writers w = {.next = xcalloc(p->step_count, sizeof *w.next),
                        .last = xcalloc(p->step_count, sizeof *w.last)};
    for (uint32_t i = 0; i < p->step_count; i++) {
        size_t head;
        const struct output *o = p->steps[i].into;
        w.next[i] = UINT32_MAX;
        w.last[i] = i;
        if (!o || p->steps[i].finally) continue;
        if (!map_add(&w.heads, o->dataset, i, &head)) {
            w.next[w.last[head]] = i;
            w.last[head] = i;
        }
        if (o->bad_rows == BAD_QUARANTINE)
            map_add(&w.heads, arena_printf(a, "%s__quarantine", o->dataset), i, NULL);
    }
    return w;
}

static void release_writers(struct writers *w) {
    map_release(&w->heads);
    free(w->next);
    free(w->last);
}

static void edges_from_writers(struct build *b, const struct writers *w, const char *dataset, uint32_t to) {
    size_t at;
    if (!map_get(&w->heads, dataset, &at)) return;
    for (uint32_t from = (uint32_t)at; from != UINT32_MAX; from = w->next[from])
        if (from != to) add_edge(b, from, to);
}

/* What a step's checks compare with must be written before them as well. */
static void data_edges(struct build *b, const struct writers *w) {
    const struct pipeline *p = &b->full->pub;
    for (uint32_t i = 0; i < p->step_count; i++) {
        const struct step *s = &p->steps[i];
        const struct note *note = &b->notes[i];
        if (s->finally) continue;
        for (size_t k = 0; k < s->read_count; k++) edges_from_writers(b, w, s->reads[k].dataset, i);
        for (size_t k = 0; k < note->checked_count; k++) edges_from_writers(b, w, note->checked[k], i);
    }
}

/* ---- rows */

static int edge_order(const void *pa, const void *pb) {
    const struct edge *a = pa, *b = pb;
    if (a->to != b->to) return a->to < b->to ? -1 : 1;
    return (a->from > b->from) - (a->from < b->from);
}

static void drop_repeats(struct build *b) {
    if (!b->edge_count) return;
    qsort(b->edges, b->edge_count, sizeof *b->edges, edge_order);
    size_t kept = 1;
    for (size_t i = 1; i < b->edge_count; i++)
        if (edge_order(&b->edges[i], &b->edges[kept - 1]) != 0) b->edges[kept++] = b->edges[i];
    b->edge_count = kept;
}

static void fill_rows(struct build *b, bool up, uint32_t **at, uint32_t **row) {
    const struct pipeline *p = &b->full->pub;
    uint32_t n = p->step_count, *fill = xcalloc(n + 1, sizeof *fill);
    *at = arena_array(b->l.arena, n + 1, sizeof **at);
    *row = arena_array(b->l.arena, b->edge_count, sizeof **row);
    for (size_t i = 0; i < b->edge_count; i++) (*at)[(up ? b->edges[i].to : b->edges[i].from) + 1]++;
    for (uint32_t i = 0; i < n; i++) (*at)[i + 1] += (*at)[i];
    for (size_t i = 0; i < b->edge_count; i++) {
        uint32_t self = up ? b->edges[i].to : b->edges[i].from,
                 other = up ? b->edges[i].from : b->edges[i].to;
        (*row)[(*at)[self] + fill[self]++] = other;
    }
    free(fill);
}

/* ---- order and cycles */

/* Returns how many steps could be ordered; *left counts the parents each step still waits for. */
static uint32_t order_steps(struct pipeline *p, uint32_t *left) {
    uint32_t done = 0, known = 0;
    for (uint32_t i = 0; i < p->step_count; i++) {
        left[i] = p->up_at[i + 1] - p->up_at[i];
        if (!left[i]) p->order[known++] = i;
    }
    for (; done < known; done++) {
        uint32_t i = p->order[done];
        for (uint32_t k = p->down_at[i]; k < p->down_at[i + 1]; k++)
            if (--left[p->down[k]] == 0) p->order[known++] = p->down[k];
    }
    return known;
}

/* From any step that still waits, walking to a parent that still waits must come back to one seen before. */
static uint32_t find_cycle(const struct pipeline *p, const uint32_t *left, uint32_t *cycle) {
    uint32_t *seen = xcalloc(p->step_count, sizeof *seen), at = 0, n = 0;
    while (!left[at]) at++;
    while (!seen[at]) {
        seen[at] = ++n;
        cycle[n - 1] = at;
        uint32_t k = p->up_at[at];
        while (!left[p->up[k]]) k++;
        at = p->up[k];
    }
    uint32_t start = seen[at] - 1;
    memmove(cycle, cycle + start, (n - start) * sizeof *cycle);
    free(seen);
    return n - start;
}

/* "because it reads raw.orders": why `to` comes after `from`. */
static const char *reason_of(const struct build *b, uint32_t from, uint32_t to) {
    const struct step *s = &b->full->pub.steps[to];
    const struct note *note = &b->notes[to];
    const struct output *o = b->full->pub.steps[from].into;
    for (size_t i = 0; o && i < s->read_count; i++)
        if (strcmp(s->reads[i].dataset, o->dataset) == 0) return o->dataset;
    for (size_t i = 0; o && i < note->checked_count; i++)
        if (strcmp(note->checked[i], o->dataset) == 0) return o->dataset;
    return NULL;
}

static void refuse_cycle(struct build *b, const uint32_t *left) {
    const struct pipeline *p = &b->full->pub;
    uint32_t *cycle = xcalloc(p->step_count, sizeof *cycle), n = find_cycle(p, left, cycle), first = 0;
    for (uint32_t i = 1; i < n; i++)
        if (cycle[i] < cycle[first]) first = i;
    struct buf path = BUF_INIT, why = BUF_INIT;
    /* The walk went from a step to what it waits for; people read in the order of running. */
    for (uint32_t i = 0; i <= n && i <= CYCLE_SHOWN; i++) {
        uint32_t at = cycle[(first + n - i % n) % n], next = cycle[(first + n - (i + 1) % n) % n];
        buf_addf(&path, "%s`%s`", i ? " -> " : "",
                 i == CYCLE_SHOWN && n > CYCLE_SHOWN ? "…" : p->steps[at].name);
        const char *data = i < n ? reason_of(b, at, next) : NULL;
        if (data)
            buf_addf(&why, "%s`%s` reads `%s`, which `%s` writes", why.len ? "\n" : "", p->steps[next].name,
                     data, p->steps[at].name);
    }
    if (n > CYCLE_SHOWN) buf_addf(&path, " -> `%s`", p->steps[cycle[first]].name);
    struct diag *g =
        load_diag(&b->l, "E0402", p->steps[cycle[first]].at, "steps wait for each other: %s", buf_str(&path));
    diag_label(b->l.d, g, "this step comes, in the end, after itself");
    if (why.len) diag_help(b->l.d, g, "%s", buf_str(&why));
    buf_release(&path);
    buf_release(&why);
    free(cycle);
}

/* ---- writers of one dataset */

struct walk {
    const struct pipeline *p;
    uint32_t *place; /* of each step in the order */
    uint32_t *stack;
    uint32_t *visited; /* by the walk with this number */
    uint32_t number;
};

/* Whether `to` comes after `from`. Looks only at steps ordered between them, so that the walks between all
 * writers of a dataset together see each step at most once. */
static bool reaches(struct walk *w, uint32_t from, uint32_t to) {
    const struct pipeline *p = w->p;
    uint32_t n = 0;
    w->stack[n++] = from;
    w->number++;
    while (n) {
        uint32_t i = w->stack[--n];
        if (i == to) return true;
        for (uint32_t k = p->down_at[i]; k < p->down_at[i + 1]; k++) {
            uint32_t next = p->down[k];
            if (w->place[next] > w->place[to] || w->visited[next] == w->number) continue;
            w->visited[next] = w->number;
            w->stack[n++] = next;
        }
    }
    return false;
}

/* Instances of one each: may write side by side when no write undoes another. */
static bool side_by_side(const struct step *a, const struct step *b) {
    return a->group && b->group && strcmp(a->group, b->group) == 0 && a->into->write != WRITE_REPLACE;
}

static void refuse_writers(struct build *b, const struct step *first, const struct step *second) {
    bool same = first->group && second->group && strcmp(first->group, second->group) == 0;
    if (same) {
        struct diag *g =
            load_diag(&b->l, "E0403", b->notes[second->index].at_into, "every instance of `%s` replaces `%s`",
                      first->group, first->into->dataset);
        diag_label(b->l.d, g, "only one of them would be left; write `append`, or a dataset each");
        return;
    }
    struct diag *g = load_diag(&b->l, "E0403", b->notes[second->index].at_into,
                               "steps `%s` and `%s` both write `%s`, in no order", first->name, second->name,
                               first->into->dataset);
    diag_label(b->l.d, g, "say which comes first: `after: %s`", first->name);
    diag_also(b->l.d, g, b->notes[first->index].at_into, "the other one");
}

static int place_order(const void *a, const void *b, void *ctx) {
    const struct walk *w = ctx;
    uint32_t x = w->place[*(const uint32_t *)a], y = w->place[*(const uint32_t *)b];
    return (x > y) - (x < y);
}

static void check_dataset(struct build *b, struct walk *w, const struct writers *all, uint32_t head,
                          uint32_t *list) {
    const struct step *steps = b->full->pub.steps;
    size_t n = 0;
    for (uint32_t i = head; i != UINT32_MAX; i = all->next[i]) list[n++] = i;
    if (n < 2) return;
    qsort_r(list, n, sizeof *list, place_order, w);
    for (size_t i = 0; i + 1 < n; i++) {
        const struct step *first = &steps[list[i]], *second = &steps[list[i + 1]];
        if (side_by_side(first, second) || reaches(w, list[i], list[i + 1])) continue;
        refuse_writers(b, first, second);
        return;
    }
}

static void check_writers(struct build *b, const struct writers *all) {
    const struct pipeline *p = &b->full->pub;
    uint32_t n = p->step_count, *list = xcalloc(n, sizeof *list);
    struct walk w = {.p = p,
                     .place = xcalloc(n, sizeof *w.place),
                     .stack = xcalloc(n, sizeof *w.stack),
                     .visited = xcalloc(n, sizeof *w.visited)};
    for (uint32_t i = 0; i < n; i++) w.place[p->order[i]] = i;
    for (uint32_t i = 0; i < n; i++) {
        size_t head;
        const struct output *o = p->steps[i].into;
        if (o && !p->steps[i].finally && map_get(&all->heads, o->dataset, &head) && head == i)
            check_dataset(b, &w, all, i, list);
    }
    free(w.place);
    free(w.stack);
    free(w.visited);
    free(list);
}

void build_graph(struct build *b) {
    struct pipeline *p = &b->full->pub;
    struct writers w = collect_writers(p, b->l.arena);
    data_edges(b, &w);
    drop_repeats(b);
    fill_rows(b, true, &p->up_at, &p->up);
    fill_rows(b, false, &p->down_at, &p->down);
    p->order = arena_array(b->l.arena, p->step_count, sizeof *p->order);
    uint32_t *left = xcalloc(p->step_count, sizeof *left);
    if (order_steps(p, left) < p->step_count)
        refuse_cycle(b, left);
    else
        check_writers(b, &w);
    free(left);
    release_writers(&w);
}
