/* world.h: the outside world that the scheduler sees: clocks and randomness, as one struct handed down.
 * Tests and the simulator hand down another. Nothing else in the project reads a clock or draws a random
 * number. */
#ifndef LEAT_BASE_WORLD_H
#define LEAT_BASE_WORLD_H

#include "base/instant.h"

#include <stdint.h>

struct world {
    instant_t (*wall)(void *ctx);    /* microseconds since 1970, jumps when somebody sets the clock */
    duration_t (*steady)(void *ctx); /* microseconds since some moment, never goes back, counts suspend */
    uint64_t (*random)(void *ctx);   /* 64 unpredictable bits */
    void *ctx;
};

const struct world *world_real(void);
static inline instant_t world_wall(const struct world *w) { return w->wall(w->ctx); }
static inline duration_t world_steady(const struct world *w) { return w->steady(w->ctx); }
static inline uint64_t world_random(const struct world *w) { return w->random(w->ctx); }

#endif
