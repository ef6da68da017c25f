/* dueheap.h: a 4-ary heap of (instant, id), smallest first; four children share a cache line.
 *
 * What is popped is mostly pushed again a little later, so a pop only leaves a hole at the top, which the
 * next push fills. Nothing is taken out but the smallest: what is no longer wanted is passed over when it
 * comes up, by asking whether the id still is due at that instant. dueheap_keep throws such nodes away when
 * they are many. */
#ifndef LEAT_SCHEDULER_DUEHEAP_H
#define LEAT_SCHEDULER_DUEHEAP_H

#include "base/instant.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct due_node {
    instant_t due;
    int64_t id; /* the order of ties */
};

struct dueheap {
    struct due_node *nodes;
    size_t count, cap; /* the hole is counted */
    bool hole;         /* nodes[0] is gone */
};

void dueheap_push(struct dueheap *h, struct due_node node);
const struct due_node *dueheap_top(struct dueheap *h); /* the smallest, until the next call; NULL: empty */
void dueheap_pop(struct dueheap *h);                   /* it goes */
/* Keeps the nodes that `wanted` says yes to. */
void dueheap_keep(struct dueheap *h, bool (*wanted)(const void *ctx, const struct due_node *n),
                  const void *ctx);
void dueheap_release(struct dueheap *h);

#endif
