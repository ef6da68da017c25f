/* map.h: text -> number, open addressing, insertion only. Keys are borrowed and must outlive the map. */
#ifndef LEAT_BASE_MAP_H
#define LEAT_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
    const char *key;
    uint64_t hash;
    size_t value;
};

struct map {
    struct map_slot *slots;
    size_t count, cap;
};

#define MAP_INIT                                                                                             \
    { 0 }

void map_release(struct map *m);
/* Adds key -> value. Returns false, and leaves the map as it is, when the key is there (its value in
 * *old). */
bool map_add(struct map *m, const char *key, size_t value, size_t *old);
bool map_get(const struct map *m, const char *key, size_t *value); /* value may be NULL */
uint64_t hash_bytes(const void *p, size_t n);                      /* FNV-1a, 64 bits */
uint64_t hash_more(uint64_t h, const void *p, size_t n);           /* of what h is of, then these */

#endif
