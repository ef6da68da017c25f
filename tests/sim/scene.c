/* scene.c: a random scene. Small pipelines, tight limits and few names, so that everything gets in
 * everything's way; every knob is drawn too, many of them at their extremes. */
#include "tests/sim/sim.h"

#include <string.h>

uint64_t hash_mix(uint64_t a, uint64_t b) {
    uint64_t x = a ^ (b * UINT64_C(0x9e3779b97f4a7c15)) ^ UINT64_C(0x632be59bd9b4e019);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t rng_next(struct rng *r) { return hash_mix(r->state += UINT64_C(0x9e3779b97f4a7c15), 1); }
uint32_t rng_below(struct rng *r, uint32_t n) { return n ? (uint32_t)(rng_next(r) % n) : 0; }
bool rng_chance(struct rng *r, uint32_t per_mille) { return rng_below(r, 1000) < per_mille; }

static instant_t seconds(struct rng *r, uint32_t most) {
    return (instant_t)rng_below(r, most + 1) * US_PER_SECOND;
}

static instant_t perhaps(struct rng *r, uint32_t per_mille, instant_t at) {
    return rng_chance(r, per_mille) ? at : INSTANT_NONE;
}

static struct retry retry_make(struct rng *r) {
    static const char *only[] = {"failed", "lost"};
    struct retry retry = {
        .times = rng_below(r, 4), .wait = seconds(r, 20), .exponential = rng_chance(r, 500)};
    if (rng_chance(r, 300)) retry.max_wait = seconds(r, 15);
    if (rng_chance(r, 200)) retry.only = only, retry.only_count = 2;
    return rng_chance(r, 400) ? (struct retry){0} : retry;
}

/* Names 0 … 9 are datasets, 10 … bookmarks: one a step of a pipeline. A dataset is held from the start or
 * asked for in the middle, never both by one step. */
static void names_make(struct rng *r, struct pipe *p, uint32_t pipe, uint32_t i) {
    struct core_step *s = &p->steps[i];
    s->hold = p->hold[i];
    s->publish = p->publish[i];
    if (rng_chance(r, 400)) {
        p->moves_bookmark[i] = true;
        p->hold[i][s->hold_count++] = 10 + pipe * MAX_STEPS + i;
    }
    if (rng_chance(r, 600)) return;
    bool from_start = rng_chance(r, 300);
    uint32_t count = 1 + rng_below(r, 2), first = rng_below(r, 5);
    for (uint32_t k = 0; k < count; k++)
        if (from_start)
            p->hold[i][s->hold_count++] = first + k;
        else
            p->publish[i][s->publish_count++] = first + k;
}

static void step_make(struct rng *r, const struct scene *scene, struct pipe *p, uint32_t i, bool plain) {
    static const uint32_t fails[] = {0, 0, 100, 500, 1000};
    struct core_step *s = &p->steps[i];
    *s = (struct core_step){.rule =
                                plain ? RULE_all_success : (enum trigger_rule)rng_below(r, RULE_always + 1),
                            .allow_failure = rng_chance(r, 200),
                            .has_when = rng_chance(r, 200),
                            .remote = rng_chance(r, 150),
                            .pool = CORE_NO_POOL,
                            .tokens = 1 + rng_below(r, 4),
                            .priority = rng_chance(r, 300) ? (int64_t)rng_below(r, 7) - 3 : 0,
                            .retry = retry_make(r)};
    if (scene->config.pool_count && rng_chance(r, 500)) s->pool = rng_below(r, scene->config.pool_count);
    p->fail[i] = fails[rng_below(r, 5)];
    p->slow[i] = rng_below(r, 60);
    p->skip[i] = rng_chance(r, 500) ? 500 : 0;
    p->left_out[i] = rng_chance(r, 50);
}

static void edges_make(struct rng *r, struct pipe *p) {
    uint32_t density = 100 + rng_below(r, 600), e = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        p->down_at[i] = e;
        for (uint32_t k = i + 1; k < p->n; k++) {
            if (p->steps[i].finally || p->steps[k].finally || !rng_chance(r, density)) continue;
            p->edge[i][k] = true;
            p->down[e++] = k;
        }
    }
    p->down_at[p->n] = e;
}

static void pipe_make(struct rng *r, struct scene *scene, uint32_t index) {
    struct pipe *p = &scene->pipes[index];
    bool plain = rng_chance(r, 300);
    p->n = rng_below(r, MAX_STEPS + 1);
    uint32_t finals = rng_chance(r, 500) ? rng_below(r, 3) : 0;
    for (uint32_t i = 0; i < p->n; i++) {
        step_make(r, scene, p, i, plain);
        names_make(r, p, index, i);
        p->steps[i].finally = i + finals >= p->n;
    }
    edges_make(r, p);
    p->limit = rng_below(r, 3);
    p->timeout = rng_chance(r, 250) ? US_PER_SECOND + seconds(r, 120) : 0;
}

static void visit_make(struct rng *r, struct scene *scene, struct visit *v) {
    v->pipe = rng_below(r, scene->pipe_count);
    v->arrives = seconds(r, 200);
    v->cancelled = perhaps(r, 150, v->arrives + seconds(r, 120));
    v->killed = perhaps(r, 80, v->arrives + seconds(r, 150));
    v->frozen = perhaps(r, 80, v->arrives + seconds(r, 150));
    v->retries = rng_below(r, 3);
}

static uint32_t rate(struct rng *r, uint32_t most) { return rng_chance(r, 500) ? 0 : rng_below(r, most + 1); }

void scene_make(struct scene *s, uint64_t seed) {
    struct rng r = {.state = hash_mix(seed, 7)};
    *s = (struct scene){.seed = seed, .quiet = 400 * US_PER_SECOND};
    s->config = (struct core_config){.jobs = 1 + rng_below(&r, 4),
                                     .pools = s->pools,
                                     .pool_count = rng_below(&r, MAX_POOLS + 1),
                                     .asked = {.times = rng_below(&r, 3), .wait = seconds(&r, 10)},
                                     .quiet_ready = rng_chance(&r, 500),
                                     .bypasses = 1 + rng_below(&r, 4),
                                     .ageing = 1 + rng_below(&r, 5)};
    for (uint32_t i = 0; i < MAX_POOLS; i++)
        s->pools[i] = (struct core_pool){.name = "pool", .tokens = 1 + rng_below(&r, 3)};
    s->pipe_count = 1 + rng_below(&r, MAX_PIPELINES);
    for (uint32_t i = 0; i < s->pipe_count; i++) pipe_make(&r, s, i);
    s->run_count = 1 + rng_below(&r, MAX_RUNS);
    for (uint32_t i = 0; i < s->run_count; i++) visit_make(&r, s, &s->visits[i]);
    s->faults = (struct faults){.crash = rate(&r, 25),
                                .crash_again = rate(&r, 200),
                                .spawn = rate(&r, 150),
                                .warden = rate(&r, 40),
                                .disk = rate(&r, 40),
                                .clock = rate(&r, 40),
                                .stale = rate(&r, 300)};
}
