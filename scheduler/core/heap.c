/* heap.c: see heap.h. */
#include "scheduler/core/heap.h"

#include "base/arena.h"

#include <assert.h>
#include <stdlib.h>

bool heap_before(const struct heap_node *a, const struct heap_node *b) {
    if (a->key != b->key) return a->key < b->key;
    if (a->tie != b->tie) return a->tie < b->tie;
    return a->step < b->step;
}

static void node_set(struct heap *h, size_t at, struct heap_node node) {
    h->nodes[at] = node;
    h->moved(h->ctx, &h->nodes[at], at);
}

static void sift_up(struct heap *h, size_t at, struct heap_node node) {
    while (at > 0 && heap_before(&node, &h->nodes[(at - 1) / 2])) {
        node_set(h, at, h->nodes[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    node_set(h, at, node);
}

static void sift_down(struct heap *h, size_t at, struct heap_node node) {
    for (size_t child; (child = 2 * at + 1) < h->count; at = child) {
        if (child + 1 < h->count && heap_before(&h->nodes[child + 1], &h->nodes[child])) child++;
        if (!heap_before(&h->nodes[child], &node)) break;
        node_set(h, at, h->nodes[child]);
    }
    node_set(h, at, node);
}

void heap_push(struct heap *h, struct heap_node node) {
    GROW(h->nodes, h->count, h->cap);
    h->count++;
    sift_up(h, h->count - 1, node);
}

struct heap_node heap_take(struct heap *h, size_t at) {
    assert(at < h->count);
    struct heap_node taken = h->nodes[at], last = h->nodes[--h->count];
    if (at == h->count) return taken;
    if (at > 0 && heap_before(&last, &h->nodes[(at - 1) / 2]))
        sift_up(h, at, last);
    else
        sift_down(h, at, last);
    return taken;
}

void heap_release(struct heap *h) {
    free(h->nodes);
    h->nodes = NULL;
    h->count = h->cap = 0;
}
