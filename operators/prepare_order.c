/* prepare_order.c: steps in an order in which each comes after those that write what it reads.
 *
 * Datasets are nodes beside the steps: a step comes before what it writes, a dataset before its readers, so
 * that a thousand instances that write what a thousand others read are two thousand edges. A step that reads
 * what it writes does not wait for itself. */
#include "operators/prepare_impl.h"

#include "base/arena.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

struct edge {
    size_t from, to;
};

struct graph {
    const struct prepare *p;
    struct map datasets; /* written by a step -> node */
    size_t nodes;
    struct edge *edges;
    size_t count, cap;
};

const char *dataset_name(struct arena *a, const char *name) {
    static const char suffix[] = "__new";
    size_t n = strlen(name), m = sizeof suffix - 1;
    return n > m && strcmp(name + n - m, suffix) == 0 ? arena_strndup(a, name, n - m) : name;
}

static void add_edge(struct graph *g, size_t from, size_t to) {
    GROW(g->edges, g->count, g->cap);
    g->edges[g->count++] = (struct edge){from, to};
}

static void add_writer(struct graph *g, size_t step) {
    const char *dataset = step_dataset(&g->p->steps[step]);
    size_t node = g->nodes;
    if (!dataset) return;
    if (map_add(&g->datasets, dataset, node, &node)) g->nodes++;
    add_edge(g, step, node);
}

static void add_read(struct graph *g, size_t step, const char *name) {
    const char *dataset = dataset_name(g->p->arena, name), *own = step_dataset(&g->p->steps[step]);
    size_t node;
    if (own && strcmp(own, dataset) == 0) return;
    if (map_get(&g->datasets, dataset, &node)) add_edge(g, node, step);
}

static void add_reads(struct graph *g, size_t step, const json_t *names) {
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name) add_read(g, step, json_string_value(name));
}

static int by_start(const void *a, const void *b) {
    const struct edge *x = a, *y = b;
    if (x->from != y->from) return x->from < y->from ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

/* Kahn's algorithm; a node is done when all before it are. */
static size_t sort_nodes(const struct graph *g, size_t *order) {
    size_t *left = xcalloc(g->nodes + 1, sizeof *left), *first = xcalloc(g->nodes + 2, sizeof *first);
    size_t *queue = xcalloc(g->nodes + 1, sizeof *queue), known = 0, steps = 0;
    for (size_t i = 0; i < g->count; i++) {
        left[g->edges[i].to]++;
        first[g->edges[i].from + 1]++;
    }
    for (size_t i = 0; i < g->nodes; i++) first[i + 1] += first[i];
    for (size_t i = 0; i < g->nodes; i++)
        if (!left[i]) queue[known++] = i;
    for (size_t done = 0; done < known; done++) {
        size_t at = queue[done];
        if (at < g->p->count) order[steps++] = at;
        for (size_t k = first[at]; k < first[at + 1]; k++)
            if (--left[g->edges[k].to] == 0) queue[known++] = g->edges[k].to;
    }
    free(left);
    free(first);
    free(queue);
    return steps;
}

size_t prepare_order(const struct prepare *p, size_t *order) {
    struct graph g = {.p = p, .nodes = p->count};
    for (size_t i = 0; i < p->count; i++) add_writer(&g, i);
    for (size_t i = 0; i < p->count; i++) {
        const struct prepare_step *s = &p->steps[i];
        add_reads(&g, i, json_object_get(s->question, "reads"));
        add_reads(&g, i, json_object_get(s->answer, "reads"));
        add_reads(&g, i, json_object_get(s->answer, "checked"));
    }
    if (g.count) qsort(g.edges, g.count, sizeof *g.edges, by_start);
    size_t n = sort_nodes(&g, order);
    map_release(&g.datasets);
    free(g.edges);
    return n;
}
