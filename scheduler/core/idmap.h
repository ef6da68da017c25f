/* idmap.h: 64-bit name -> pointer, open addressing with linear probing; deletion closes the gap, so a map
 * that is used for years stays as small as what is in it. */
#ifndef LEAT_SCHEDULER_IDMAP_H
#define LEAT_SCHEDULER_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap_slot {
    uint64_t id;
    void *value; /* NULL: free */
};

struct idmap {
    struct idmap_slot *slots;
    size_t count, cap; /* cap is a power of two, or 0 */
};

void idmap_release(struct idmap *m);
void *idmap_get(const struct idmap *m, uint64_t id);       /* NULL: not there */
void idmap_put(struct idmap *m, uint64_t id, void *value); /* id must not be there; value not NULL */
void idmap_remove(struct idmap *m, uint64_t id);           /* nothing happens when it is not there */
/* Walks all entries: start with *at = 0; NULL at the end. The map must not change meanwhile. */
void *idmap_next(const struct idmap *m, size_t *at);

#endif
