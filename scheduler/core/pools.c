/* pools.c: who starts next: the general limit, pools of tokens, and names that one attempt has at a time.
 *
 * Order: steps go by priority, then by the age of their run, then by their index. One point of priority is
 * worth `ageing` runs: a step can be overtaken by at most that many later runs per point, so nothing waits
 * for ever behind a stream of more important work. The key of a step never changes while it waits.
 *
 * Steps that need the same share a lane, so only the best of each lane is ever looked at, and a lane that
 * cannot go does not stand in the way of one that can.
 *
 * Tokens. Where the best step of a pool needs more tokens than are free, smaller ones behind it may go,
 * `bypasses` times; then the pool is kept for it until it starts.
 *
 * Names. A step at the head of its lane that needs a name somebody has goes to sleep among the waiters of
 * that name. When the name comes free the best sleeper of each lane is woken. Invariant: where a name is free
 * and not kept, each lane with sleepers of it has an awake step that needs it, or had one that started since;
 * so a step that leaves its lane without taking its names wakes the next for each of them (names_pass). A
 * step that was woken `bypasses` times in vain becomes the champion, one at a time: its names are kept for
 * it.
 *
 * Nothing here can wait in a circle: a waiting step has nothing; an attempt that waits for its publish names
 * has only names nobody waits for in the middle (core.h). */
#include "scheduler/core/core_impl.h"

#include "base/arena.h"

#include <stdlib.h>

/* ---- heaps ---- */

static struct live *node_live(const struct core *c, const struct heap_node *n) {
    struct run *r = c->runs[n->slot];
    return n->step == CORE_NO_STEP ? &r->timer : &r->steps[n->step];
}

static void node_moved(void *ctx, const struct heap_node *node, size_t at) {
    node_live(ctx, node)->pos = (uint32_t)at;
}

void heap_init(struct core *c, struct heap *h) { *h = (struct heap){.moved = node_moved, .ctx = c}; }

void heap_leave(struct live *l) {
    if (!l->heap) return;
    heap_take(l->heap, l->pos);
    l->heap = NULL;
    l->sleeping = false;
}

static struct heap_node node_of(const struct core *c, const struct run *r, uint32_t step) {
    const int64_t most = INT64_C(1) << 31;
    int64_t p = r->spec.steps[step].priority;
    p = p > most ? most : p < -most ? -most : p;
    return (struct heap_node){
        .key = (int64_t)r->seq - p * c->ageing, .tie = r->seq, .slot = r->slot, .step = step};
}

static void heap_enter(struct core *c, struct heap *h, struct run *r, uint32_t step) {
    r->steps[step].heap = h;
    heap_push(h, node_of(c, r, step));
}

/* ---- lanes ---- */

static uint32_t pool_index(const struct core *c, const struct core_step *s) {
    return s->pool == CORE_NO_POOL ? c->pool_count : s->pool;
}

static int64_t tokens_needed(const struct core *c, const struct core_step *s) {
    if (s->pool == CORE_NO_POOL) return 0;
    int64_t capacity = c->pools[s->pool].capacity, want = s->tokens < 1 ? 1 : s->tokens;
    return want > capacity && capacity > 0 ? capacity : want;
}

static struct lane *lane_add(struct core *c, struct pool_state *pool, struct lane like) {
    struct lane *lane = xmalloc(sizeof *lane);
    *lane = like;
    heap_init(c, &lane->heap);
    GROW(pool->lanes, pool->count, pool->cap);
    return pool->lanes[pool->count++] = lane;
}

static struct lane *lane_of(struct core *c, const struct run *r, uint32_t step) {
    if (r->steps[step].wanting) return &c->publish;
    const struct core_step *s = &r->spec.steps[step];
    struct lane like = {.pool = pool_index(c, s), .tokens = tokens_needed(c, s), .remote = s->remote};
    struct pool_state *pool = &c->pools[like.pool];
    for (size_t i = 0; i < pool->count; i++)
        if (pool->lanes[i]->tokens == like.tokens && pool->lanes[i]->remote == like.remote)
            return pool->lanes[i];
    return lane_add(c, pool, like);
}

static bool lane_fits(const struct core *c, const struct lane *lane) {
    const struct pool_state *pool = &c->pools[lane->pool];
    return (lane->remote || c->jobs_used < c->jobs) && pool->used + lane->tokens <= pool->capacity;
}

/* ---- names ---- */

struct names {
    const uint64_t *list;
    uint32_t count;
};

/* What it waits for now. */
static struct names names_wanted(const struct run *r, uint32_t step) {
    const struct core_step *s = &r->spec.steps[step];
    return r->steps[step].wanting ? (struct names){s->publish, s->publish_count}
                                  : (struct names){s->hold, s->hold_count};
}

static bool names_have(struct names names, uint64_t name) {
    for (uint32_t i = 0; i < names.count; i++)
        if (names.list[i] == name) return true;
    return false;
}

static bool is_champion(const struct core *c, const struct run *r, uint32_t step) {
    return c->champion.seq == r->seq && c->champion.step == step;
}

/* Kept for the champion, so not to be had by (r, step). An attempt that wants to publish does not care: the
 * champion may be waiting for the very tokens it has. */
static bool name_kept(const struct core *c, uint64_t name, const struct run *r, uint32_t step) {
    if (!c->champion.seq || is_champion(c, r, step) || r->steps[step].wanting) return false;
    return names_have(names_wanted(c->runs[c->champion.slot], c->champion.step), name);
}

static bool name_free(const struct core *c, uint64_t name, const struct run *r, uint32_t step) {
    const struct hold *h = idmap_get(&c->holds, name);
    return !(h && h->taken) && !name_kept(c, name, r, step);
}

static struct hold *hold_of(struct core *c, uint64_t name) {
    struct hold *h = idmap_get(&c->holds, name);
    if (h) return h;
    h = xcalloc(1, sizeof *h);
    h->name = name;
    idmap_put(&c->holds, name, h);
    return h;
}

static void hold_free(struct hold *h) {
    for (size_t i = 0; i < h->count; i++) {
        heap_release(&h->waiters[i]->heap);
        free(h->waiters[i]);
    }
    free(h->waiters);
    free(h);
}

static void hold_drop_idle(struct core *c, struct hold *h) {
    for (size_t i = 0; i < h->count; i++)
        if (h->waiters[i]->heap.count) return;
    if (h->taken) return;
    idmap_remove(&c->holds, h->name);
    hold_free(h);
}

static struct waiters *waiters_of(struct core *c, struct hold *h, struct lane *lane) {
    for (size_t i = 0; i < h->count; i++)
        if (h->waiters[i]->lane == lane) return h->waiters[i];
    struct waiters *w = xmalloc(sizeof *w);
    w->lane = lane;
    heap_init(c, &w->heap);
    GROW(h->waiters, h->count, h->cap);
    return h->waiters[h->count++] = w;
}

static void step_wake(struct core *c, struct lane *lane, struct run *r, uint32_t step) {
    heap_leave(&r->steps[step]);
    heap_enter(c, &lane->heap, r, step);
}

static bool names_missing(const struct core *c, const struct run *r, uint32_t step) {
    struct names names = names_wanted(r, step);
    for (uint32_t i = 0; i < names.count; i++)
        if (!name_free(c, names.list[i], r, step)) return true;
    return false;
}

/* The champion is woken once, when it can have all its names. */
static void champion_wake(struct core *c) {
    if (!c->champion.seq) return;
    struct run *r = c->runs[c->champion.slot];
    uint32_t step = c->champion.step;
    if (r->steps[step].sleeping && !names_missing(c, r, step)) step_wake(c, lane_of(c, r, step), r, step);
}

/* A name came free, or was passed over: the best sleeper of each lane may try. */
static void name_wake(struct core *c, uint64_t name) {
    struct hold *h = idmap_get(&c->holds, name);
    if (!h || h->taken) return;
    champion_wake(c);
    for (size_t i = 0; i < h->count; i++) {
        struct heap *heap = &h->waiters[i]->heap;
        if (!heap->count) continue;
        struct run *r = c->runs[heap->nodes[0].slot];
        uint32_t step = heap->nodes[0].step;
        if (!name_kept(c, name, r, step)) step_wake(c, h->waiters[i]->lane, r, step);
    }
    hold_drop_idle(c, h);
}

/* (r, step) goes away without having taken its names: the next one's turn. */
static void names_pass(struct core *c, struct run *r, uint32_t step) {
    struct names names = names_wanted(r, step);
    for (uint32_t i = 0; i < names.count; i++) name_wake(c, names.list[i]);
}

static void names_take(struct core *c, struct names names) {
    for (uint32_t i = 0; i < names.count; i++) hold_of(c, names.list[i])->taken = true;
}

static void names_give(struct core *c, struct names names) {
    for (uint32_t i = 0; i < names.count; i++) {
        struct hold *h = idmap_get(&c->holds, names.list[i]);
        if (h) h->taken = false;
        name_wake(c, names.list[i]);
    }
}

static void champion_crown(struct core *c, struct run *r, uint32_t step) {
    struct live *l = &r->steps[step];
    if (l->bypassed < UINT8_MAX) l->bypassed++;
    if (l->bypassed < c->bypasses || c->champion.seq) return;
    c->champion = (struct step_ref){.seq = r->seq, .slot = r->slot, .step = step};
}

static void champion_retire(struct core *c, const struct run *r, uint32_t step) {
    if (is_champion(c, r, step)) c->champion = (struct step_ref){0};
}

/* Sends the head of a lane to sleep when a name it needs is not to be had. */
static bool head_sleeps(struct core *c, struct lane *lane) {
    struct run *r = c->runs[lane->heap.nodes[0].slot];
    uint32_t step = lane->heap.nodes[0].step, i = 0;
    struct names names = names_wanted(r, step);
    while (i < names.count && name_free(c, names.list[i], r, step)) i++;
    if (i == names.count) return false;
    heap_leave(&r->steps[step]);
    heap_enter(c, &waiters_of(c, hold_of(c, names.list[i]), lane)->heap, r, step);
    r->steps[step].sleeping = true;
    champion_crown(c, r, step);
    names_pass(c, r, step);
    return true;
}

static bool lane_settle(struct core *c, struct lane *lane) {
    bool moved = false;
    while (lane->heap.count && head_sleeps(c, lane)) moved = true;
    return moved;
}

/* Until the head of every lane can have its names. One that falls asleep may wake others, in lanes already
 * passed; each of those slept on a name that is free now, and those only become fewer: this ends. */
static void heads_settle(struct core *c) {
    for (bool moved = true; moved;) {
        moved = lane_settle(c, &c->publish);
        for (uint32_t i = 0; i <= c->pool_count; i++)
            for (size_t k = 0; k < c->pools[i].count; k++) moved |= lane_settle(c, c->pools[i].lanes[k]);
    }
}

/* ---- the choice ---- */

struct choice {
    struct lane *best, *fits; /* of one pool: the lane whose head is first; the first one that can go */
};

static bool head_beats(const struct heap_node *head, const struct lane *than) {
    return !than || heap_before(head, than->heap.nodes);
}

static struct choice pool_choice(const struct core *c, const struct pool_state *pool) {
    struct choice found = {0};
    for (size_t i = 0; i < pool->count; i++) {
        struct lane *lane = pool->lanes[i];
        if (!lane->heap.count) continue;
        const struct heap_node *head = lane->heap.nodes;
        if (head_beats(head, found.best)) found.best = lane;
        if (lane_fits(c, lane) && head_beats(head, found.fits)) found.fits = lane;
    }
    return found;
}

/* Steps without a pool compete for nothing but the general limit, which has no large or small steps. */
static bool pool_kept(const struct core *c, const struct pool_state *pool, struct choice choice) {
    return pool != &c->pools[c->pool_count] && choice.fits != choice.best && pool->bypasses >= c->bypasses;
}

static struct lane *lane_next(struct core *c) {
    if (c->publish.heap.count) return &c->publish;
    struct lane *found = NULL;
    bool overtakes = false;
    for (uint32_t i = 0; i <= c->pool_count && !c->stopped; i++) {
        struct choice choice = pool_choice(c, &c->pools[i]);
        if (!choice.fits || pool_kept(c, &c->pools[i], choice)) continue;
        if (!head_beats(choice.fits->heap.nodes, found)) continue;
        found = choice.fits;
        overtakes = choice.fits != choice.best;
    }
    if (!found) return NULL;
    struct pool_state *pool = &c->pools[found->pool];
    pool->bypasses = overtakes ? pool->bypasses + 1 : 0;
    return found;
}

void pools_take(struct core *c, struct run *r, uint32_t step) {
    const struct core_step *s = &r->spec.steps[step];
    struct live *l = &r->steps[step];
    c->pools[pool_index(c, s)].used += tokens_needed(c, s);
    if (!s->remote) c->jobs_used++;
    names_take(c, (struct names){s->hold, s->hold_count});
    if (l->publishing) names_take(c, (struct names){s->publish, s->publish_count});
    r->live++;
    c->load.live++;
}

void pools_give(struct core *c, struct run *r, uint32_t step) {
    const struct core_step *s = &r->spec.steps[step];
    struct live *l = &r->steps[step];
    if (l->wanting) pools_leave(c, r, step);
    c->pools[pool_index(c, s)].used -= tokens_needed(c, s);
    if (!s->remote) c->jobs_used--;
    r->live--;
    c->load.live--;
    if (l->publishing) names_give(c, (struct names){s->publish, s->publish_count});
    l->publishing = l->wanting = false;
    names_give(c, (struct names){s->hold, s->hold_count});
}

void pools_wait(struct core *c, struct run *r, uint32_t step) {
    r->steps[step].bypassed = 0;
    heap_enter(c, &lane_of(c, r, step)->heap, r, step);
}

void pools_leave(struct core *c, struct run *r, uint32_t step) {
    heap_leave(&r->steps[step]);
    champion_retire(c, r, step);
    names_pass(c, r, step);
}

bool pools_next(struct core *c, struct run **r, uint32_t *step) {
    heads_settle(c);
    struct lane *lane = lane_next(c);
    if (!lane) return false;
    *r = c->runs[lane->heap.nodes[0].slot];
    *step = lane->heap.nodes[0].step;
    struct live *l = &(*r)->steps[*step];
    heap_leave(l);
    champion_retire(c, *r, *step);
    if (!l->wanting) {
        pools_take(c, *r, *step);
        return true;
    }
    names_take(c, names_wanted(*r, *step));
    l->wanting = false;
    l->publishing = true;
    return true;
}

/* ---- beginning, end, questions ---- */

void pools_init(struct core *c, const struct core_config *config) {
    c->pool_count = config->pool_count;
    c->pools = xcalloc((size_t)c->pool_count + 1, sizeof *c->pools);
    for (uint32_t i = 0; i < c->pool_count; i++) c->pools[i].capacity = config->pools[i].tokens;
    heap_init(c, &c->publish.heap);
    heap_init(c, &c->timers);
}

static void pool_release(struct pool_state *pool) {
    for (size_t i = 0; i < pool->count; i++) {
        heap_release(&pool->lanes[i]->heap);
        free(pool->lanes[i]);
    }
    free(pool->lanes);
}

void pools_release(struct core *c) {
    for (uint32_t i = 0; i <= c->pool_count; i++) pool_release(&c->pools[i]);
    free(c->pools);
    size_t at = 0;
    for (struct hold *h; (h = idmap_next(&c->holds, &at));) hold_free(h);
    idmap_release(&c->holds);
    heap_release(&c->publish.heap);
    heap_release(&c->timers);
}

enum core_block pools_block(const struct core *c, const struct run *r, uint32_t step) {
    const struct core_step *s = &r->spec.steps[step];
    const struct pool_state *pool = &c->pools[pool_index(c, s)];
    if (c->stopped) return BLOCK_stopped;
    if (names_missing(c, r, step)) return BLOCK_hold;
    if (s->pool != CORE_NO_POOL && pool->used + tokens_needed(c, s) > pool->capacity) return BLOCK_pool;
    if (!s->remote && c->jobs_used >= c->jobs) return BLOCK_jobs;
    return s->pool != CORE_NO_POOL && pool->bypasses >= c->bypasses ? BLOCK_pool : BLOCK_no;
}
