/* idmap.c: see idmap.h. At most three quarters full; no tombstones. */
#include "scheduler/core/idmap.h"

#include "base/arena.h"

#include <assert.h>
#include <stdlib.h>

/* The finaliser of MurmurHash3: run ids are consecutive numbers, so their bits need spreading. */
static uint64_t id_spread(uint64_t x) {
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ (x >> 33);
}

static size_t slot_of(const struct idmap *m, uint64_t id) {
    size_t at = (size_t)id_spread(id) & (m->cap - 1);
    while (m->slots[at].value && m->slots[at].id != id) at = (at + 1) & (m->cap - 1);
    return at;
}

void idmap_release(struct idmap *m) {
    free(m->slots);
    *m = (struct idmap){0};
}

void *idmap_get(const struct idmap *m, uint64_t id) { return m->cap ? m->slots[slot_of(m, id)].value : NULL; }

static void map_double(struct idmap *m) {
    struct idmap bigger = {.cap = m->cap ? m->cap * 2 : 16, .count = m->count};
    bigger.slots = xcalloc(bigger.cap, sizeof *bigger.slots);
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].value) bigger.slots[slot_of(&bigger, m->slots[i].id)] = m->slots[i];
    free(m->slots);
    *m = bigger;
}

void idmap_put(struct idmap *m, uint64_t id, void *value) {
    if ((m->count + 1) * 4 > m->cap * 3) map_double(m);
    size_t at = slot_of(m, id);
    assert(!m->slots[at].value && value);
    m->slots[at] = (struct idmap_slot){.id = id, .value = value};
    m->count++;
}

/* Moves up every later entry of the cluster that may live in the gap. */
void idmap_remove(struct idmap *m, uint64_t id) {
    if (!idmap_get(m, id)) return;
    size_t mask = m->cap - 1, gap = slot_of(m, id);
    for (size_t at = (gap + 1) & mask; m->slots[at].value; at = (at + 1) & mask) {
        size_t home = (size_t)id_spread(m->slots[at].id) & mask;
        if (((at - home) & mask) < ((at - gap) & mask)) continue;
        m->slots[gap] = m->slots[at];
        gap = at;
    }
    m->slots[gap] = (struct idmap_slot){0};
    m->count--;
}

void *idmap_next(const struct idmap *m, size_t *at) {
    while (*at < m->cap) {
        void *value = m->slots[(*at)++].value;
        if (value) return value;
    }
    return NULL;
}
