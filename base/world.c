/* world.c: the real world (CLOCK_REALTIME, CLOCK_BOOTTIME, getrandom). */
#include "base/world.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_clock(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * US_PER_SECOND + t.tv_nsec / 1000;
}

static instant_t real_wall(void *ctx) { return (void)ctx, read_clock(CLOCK_REALTIME); }
static duration_t real_steady(void *ctx) { return (void)ctx, read_clock(CLOCK_BOOTTIME); }

static uint64_t real_random(void *ctx) {
    (void)ctx;
    uint64_t v;
    if (getrandom(&v, sizeof v, 0) != (ssize_t)sizeof v) abort();
    return v;
}

const struct world *world_real(void) {
    static const struct world w = {.wall = real_wall, .steady = real_steady, .random = real_random};
    return &w;
}
