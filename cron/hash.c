/* hash.c: a seed spread evenly. FNV-1a, 64 bits (Fowler, Noll, Vo); fmix64 of MurmurHash3 (Appleby). */
#include "cron/cron.h"

#include <string.h>

static uint64_t add(uint64_t h, const char *s) {
    for (; *s; s++) h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t mix(uint64_t h) {
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

uint64_t cron_hash(const char *seed, const char *salt) {
    uint64_t h = add(UINT64_C(0xcbf29ce484222325), seed);
    return mix(add(add(h, "\x1f"), salt));
}
