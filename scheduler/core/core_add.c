/* core_add.c: runs come into the core and leave it, alone or behind others of their group. */
#include "scheduler/core/core_impl.h"

#include "base/arena.h"

#include <stdlib.h>

/* ---- groups ---- */

void group_kick(struct core *c, struct group *g) {
    if (g->kicked) return;
    g->kicked = true;
    GROW(c->kicked, c->kicked_count, c->kicked_cap);
    c->kicked[c->kicked_count++] = g;
}

static struct group *group_of(struct core *c, const struct core_run_spec *spec) {
    if (spec->group_limit <= 0) return &c->unlimited;
    struct group *g = idmap_get(&c->groups, spec->group);
    if (!g) {
        g = xcalloc(1, sizeof *g);
        g->key = spec->group;
        idmap_put(&c->groups, spec->group, g);
    }
    g->limit = spec->group_limit;
    return g;
}

static void queue_add(struct core *c, struct run *r) {
    struct group *g = r->group;
    r->prev = g->last;
    *(g->last ? &g->last->next : &g->first) = r;
    g->last = r;
    c->load.queued_runs++;
}

static void queue_remove(struct core *c, struct run *r) {
    struct group *g = r->group;
    *(r->prev ? &r->prev->next : &g->first) = r->next;
    *(r->next ? &r->next->prev : &g->last) = r->prev;
    r->prev = r->next = NULL;
    c->load.queued_runs--;
}

void group_leave(struct core *c, struct run *r) {
    if (r->state == RUN_queued)
        queue_remove(c, r);
    else
        r->group->active--;
    c->load.runs--;
    group_kick(c, r->group);
}

static void group_drop_idle(struct core *c, struct group *g) {
    g->kicked = false;
    if (g == &c->unlimited || g->active || g->first) return;
    idmap_remove(&c->groups, g->key);
    free(g);
}

struct run *group_next(struct core *c) {
    while (c->kicked_at < c->kicked_count) {
        struct group *g = c->kicked[c->kicked_at];
        struct run *r = g->first;
        if (r && g->active < g->limit && !c->stopped) {
            queue_remove(c, r);
            g->active++;
            return r;
        }
        c->kicked_at++;
        group_drop_idle(c, g);
    }
    c->kicked_at = c->kicked_count = 0;
    return NULL;
}

/* ---- is the specification one? ---- */

static int edges_check(const struct core_run_spec *spec, struct err *err) {
    for (uint32_t i = 0; i < spec->step_count; i++) {
        uint32_t from = spec->down_at[i], to = spec->down_at[i + 1];
        if (from > to) return err_set(err, EX_FAILED, "step %u: its edges end before they begin", i);
        for (uint32_t e = from; e < to; e++) {
            uint32_t child = spec->down[e];
            if (child >= spec->step_count)
                return err_set(err, EX_FAILED, "step %u: edge to step %u", i, child);
            if (spec->steps[i].finally || spec->steps[child].finally)
                return err_set(err, EX_FAILED, "step %u: a finally step has no edges", i);
        }
    }
    return 0;
}

static int step_check(const struct core *c, const struct core_step *s, uint32_t i, struct err *err) {
    if (s->pool != CORE_NO_POOL && s->pool >= c->pool_count)
        return err_set(err, EX_FAILED, "step %u: pool %u does not exist", i, s->pool);
    if ((unsigned)s->rule > RULE_always) return err_set(err, EX_FAILED, "step %u: no such trigger rule", i);
    return 0;
}

static int init_check(const struct core_run_spec *spec, uint32_t i, struct err *err) {
    const struct core_init *now = &spec->init[i];
    bool live = now->state == STEP_running || now->state == STEP_ready || now->state == STEP_retry_wait;
    if ((unsigned)now->state >= STEP_STATE_COUNT) return err_set(err, EX_FAILED, "step %u: no such state", i);
    if (spec->state == RUN_queued && live)
        return err_set(err, EX_FAILED, "step %u is %s in a queued run", i, step_state_names[now->state]);
    if (now->state == STEP_running && now->attempts == 0)
        return err_set(err, EX_FAILED, "step %u is running without an attempt", i);
    if (now->publishing && now->state != STEP_running)
        return err_set(err, EX_FAILED, "step %u publishes but is %s", i, step_state_names[now->state]);
    return 0;
}

static int spec_check(const struct core *c, const struct core_run_spec *spec, struct err *err) {
    if (idmap_get(&c->run_ids, (uint64_t)spec->run)) return err_set(err, EX_FAILED, "it is there already");
    if (spec->state != RUN_queued && spec->state != RUN_running)
        return err_set(err, EX_FAILED, "it ended %s", run_state_names[spec->state]);
    for (uint32_t i = 0; i < spec->step_count; i++) {
        if (step_check(c, &spec->steps[i], i, err) < 0) return -1;
        if (spec->init && init_check(spec, i, err) < 0) return -1;
    }
    return edges_check(spec, err);
}

/* ---- coming ---- */

static uint32_t slot_take(struct core *c) {
    if (c->free_count) return c->free_slots[--c->free_count];
    GROW(c->runs, c->run_count, c->run_cap);
    return (uint32_t)c->run_count++;
}

static void finals_find(struct run *r) {
    for (uint32_t i = 0; i < r->spec.step_count; i++) r->final_count += r->spec.steps[i].finally;
    if (!r->final_count) return;
    r->finals = xcalloc(r->final_count, sizeof *r->finals);
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->spec.step_count; i++)
        if (r->spec.steps[i].finally) r->finals[n++] = i;
}

static struct run *run_new(struct core *c, const struct core_run_spec *spec) {
    struct run *r = xcalloc(1, sizeof *r);
    r->spec = *spec;
    r->seq = c->next_seq++;
    r->state = spec->state;
    r->first_failed = CORE_NO_STEP;
    if (spec->step_count) r->steps = xcalloc(spec->step_count, sizeof *r->steps);
    finals_find(r);
    r->slot = slot_take(c);
    c->runs[r->slot] = r;
    idmap_put(&c->run_ids, (uint64_t)spec->run, r);
    c->load.runs++;
    return r;
}

static void step_restore(struct run *r, uint32_t step) {
    struct live *l = &r->steps[step];
    struct core_init now = r->spec.init ? r->spec.init[step] : (struct core_init){.state = STEP_waiting};
    l->state = l->reported = (uint8_t)now.state;
    l->attempts = now.attempts;
    l->left_out = now.left_out;
    l->warned = now.warned;
    l->publishing = now.publishing;
    r->counts[now.state]++;
    if (step_state_final(now.state)) return;
    *(r->spec.steps[step].finally ? &r->finals_left : &r->main_left) += 1;
}

static void step_count_in(struct run *r, uint32_t step) {
    bool final = step_state_final(r->steps[step].state);
    if (final) step_tally(r, step, r->spec.init[step].reason);
    for (uint32_t e = r->spec.down_at[step]; e < r->spec.down_at[step + 1]; e++) {
        struct parents *of_child = &r->steps[r->spec.down[e]].parents;
        of_child->total++;
        if (final) parents_count(r, step, of_child);
    }
}

static void step_place(struct core *c, struct run *r, uint32_t step) {
    const struct core_init *now = &r->spec.init[step];
    if (now->state == STEP_running) pools_take(c, r, step);
    if (now->state == STEP_ready) pools_wait(c, r, step);
    if (now->state == STEP_retry_wait) timer_set(c, r, step, now->due);
}

static void run_enter(struct core *c, struct run *r, struct core_actions *out) {
    r->group = group_of(c, &r->spec);
    if (r->state == RUN_queued) {
        queue_add(c, r);
        group_kick(c, r->group);
    } else {
        r->group->active++;
        if (r->spec.started_at == INSTANT_NONE) r->spec.started_at = c->now;
        for (uint32_t i = 0; r->spec.init && i < r->spec.step_count; i++) step_place(c, r, i);
    }
    run_resume(c, r, out);
}

enum core_answer run_add(struct core *c, const struct core_run_spec *spec, struct core_actions *out,
                         struct err *err) {
    if (spec_check(c, spec, err) < 0) {
        if (err) err_prefix(err, "run %lld", (long long)spec->run);
        return CORE_REFUSED;
    }
    struct run *r = run_new(c, spec);
    for (uint32_t i = 0; i < spec->step_count; i++) step_restore(r, i);
    for (uint32_t i = 0; i < spec->step_count; i++) step_count_in(r, i);
    run_enter(c, r, out);
    return CORE_TAKEN;
}

/* ---- going ---- */

static void step_drop(struct core *c, struct run *r, uint32_t step) {
    struct live *l = &r->steps[step];
    if (l->state == STEP_running) pools_give(c, r, step);
    if (l->state == STEP_ready) pools_leave(c, r, step);
    heap_leave(l);
}

void run_drop(struct core *c, struct run *r) {
    if (!run_state_final(r->state)) {
        for (uint32_t i = 0; i < r->spec.step_count; i++) step_drop(c, r, i);
        group_leave(c, r);
    }
    heap_leave(&r->timer);
    c->runs[r->slot] = NULL;
    GROW(c->free_slots, c->free_count, c->free_cap);
    c->free_slots[c->free_count++] = r->slot;
    idmap_remove(&c->run_ids, (uint64_t)r->spec.run);
    free(r->steps);
    free(r->finals);
    free(r);
}
