/* map.c: linear probing at a load of at most one half. */
#include "base/map.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

uint64_t hash_bytes(const void *p, size_t n) {
    const unsigned char *s = p;
    uint64_t h = 14695981039346656037ULL;
    for (size_t i = 0; i < n; i++) h = (h ^ s[i]) * 1099511628211ULL;
    return h;
}

uint64_t hash_more(uint64_t h, const void *p, size_t n) {
    return (h ^ hash_bytes(p, n)) * UINT64_C(0x9e3779b97f4a7c15);
}

void map_release(struct map *m) {
    free(m->slots);
    *m = (struct map)MAP_INIT;
}

static struct map_slot *find(const struct map *m, const char *key, uint64_t hash) {
    size_t i = (size_t)hash & (m->cap - 1);
    while (m->slots[i].key && (m->slots[i].hash != hash || strcmp(m->slots[i].key, key) != 0))
        i = (i + 1) & (m->cap - 1);
    return &m->slots[i];
}

static void rehash(struct map *m) {
    struct map old = *m;
    m->cap = old.cap ? old.cap * 2 : 16;
    m->slots = xcalloc(m->cap, sizeof *m->slots);
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].key) *find(m, old.slots[i].key, old.slots[i].hash) = old.slots[i];
    free(old.slots);
}

bool map_add(struct map *m, const char *key, size_t value, size_t *old) {
    if ((m->count + 1) * 2 > m->cap) rehash(m);
    uint64_t hash = hash_bytes(key, strlen(key));
    struct map_slot *s = find(m, key, hash);
    if (s->key) {
        if (old) *old = s->value;
        return false;
    }
    *s = (struct map_slot){.key = key, .hash = hash, .value = value};
    m->count++;
    return true;
}

bool map_get(const struct map *m, const char *key, size_t *value) {
    if (!m->cap) return false;
    const struct map_slot *s = find(m, key, hash_bytes(key, strlen(key)));
    if (!s->key) return false;
    if (value) *value = s->value;
    return true;
}
