/* dueheap.c: see dueheap.h. */
#include "scheduler/timetable/dueheap.h"

#include "base/arena.h"

#include <assert.h>
#include <stdlib.h>

enum { CHILDREN = 4 };

static bool before(const struct due_node *a, const struct due_node *b) {
    return a->due != b->due ? a->due < b->due : a->id < b->id;
}

static void sift_down(struct dueheap *h, size_t at, struct due_node node) {
    for (size_t child; (child = CHILDREN * at + 1) < h->count;) {
        size_t best = child, end = child + CHILDREN < h->count ? child + CHILDREN : h->count;
        while (++child < end)
            if (before(&h->nodes[child], &h->nodes[best])) best = child;
        if (!before(&h->nodes[best], &node)) break;
        h->nodes[at] = h->nodes[best];
        at = best;
    }
    h->nodes[at] = node;
}

void dueheap_push(struct dueheap *h, struct due_node node) {
    if (h->hole) {
        h->hole = false;
        sift_down(h, 0, node);
        return;
    }
    GROW(h->nodes, h->count, h->cap);
    size_t at = h->count++;
    for (; at > 0 && before(&node, &h->nodes[(at - 1) / CHILDREN]); at = (at - 1) / CHILDREN)
        h->nodes[at] = h->nodes[(at - 1) / CHILDREN];
    h->nodes[at] = node;
}

static void fill_hole(struct dueheap *h) {
    if (!h->hole) return;
    h->hole = false;
    struct due_node last = h->nodes[--h->count];
    if (h->count > 0) sift_down(h, 0, last);
}

const struct due_node *dueheap_top(struct dueheap *h) {
    fill_hole(h);
    return h->count ? &h->nodes[0] : NULL;
}

void dueheap_pop(struct dueheap *h) {
    fill_hole(h);
    assert(h->count > 0);
    h->hole = true;
}

void dueheap_keep(struct dueheap *h, bool (*wanted)(const void *ctx, const struct due_node *n),
                  const void *ctx) {
    size_t n = 0;
    fill_hole(h);
    for (size_t i = 0; i < h->count; i++)
        if (wanted(ctx, &h->nodes[i])) h->nodes[n++] = h->nodes[i];
    h->count = n;
    for (size_t i = n / CHILDREN + 1; i-- > 0;)
        if (i < n) sift_down(h, i, h->nodes[i]);
}

void dueheap_release(struct dueheap *h) {
    free(h->nodes);
    *h = (struct dueheap){0};
}
