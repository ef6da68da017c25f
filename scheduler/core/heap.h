/* heap.h: a binary heap of steps, smallest first, from which any step can be taken out.
 *
 * A step is in at most one heap at a time: it remembers its position, which the heap keeps up to date through
 * `moved`. Order: key, then tie (the run's number), then step, so it is total and the same on every machine.
 */
#ifndef LEAT_SCHEDULER_HEAP_H
#define LEAT_SCHEDULER_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    int64_t key;
    uint64_t tie;
    uint32_t slot; /* of the run */
    uint32_t step;
};

struct heap {
    struct heap_node *nodes;
    size_t count, cap;
    void (*moved)(void *ctx, const struct heap_node *node, size_t at);
    void *ctx;
};

bool heap_before(const struct heap_node *a, const struct heap_node *b);
void heap_push(struct heap *h, struct heap_node node);
struct heap_node heap_take(struct heap *h, size_t at); /* heap_take(h, 0) is the smallest */
void heap_release(struct heap *h);

#endif
