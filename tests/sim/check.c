/* check.c: what must be true of everything at once, after every turn: the list of reliability.md 1.1, as far
 * as it is about scheduling. */
#include "tests/sim/sim.h"

#include "tests/sim/reference.h"

#include <string.h>

/* ---- rules ---- */

static bool mains_over(const struct sim *s, const struct image *image, uint32_t run) {
    const struct pipe *p = pipe_of(s, run);
    for (uint32_t i = 0; i < p->n; i++)
        if (!p->steps[i].finally && !step_state_final(image->runs[run].steps[i].state)) return false;
    return true;
}

struct families {
    uint32_t certain[MAX_STEPS], fresh[MAX_STEPS], certain_count, fresh_count;
};

static struct families parents_of(const struct sim *s, const struct image *image, uint32_t run,
                                  uint32_t step) {
    struct families f = {0};
    for (uint32_t i = 0; i < step; i++) {
        if (!pipe_of(s, run)->edge[i][step]) continue;
        bool now = step_state_final(image->runs[run].steps[i].state);
        bool before = s->committed.runs[run].there &&
                      s->committed.runs[run].generation == image->runs[run].generation &&
                      step_state_final(s->committed.runs[run].steps[i].state);
        if (now && !before)
            f.fresh[f.fresh_count++] = i;
        else
            f.certain[f.certain_count++] = i;
    }
    return f;
}

static void parent_add(const struct sim *s, const struct image *image, uint32_t run, uint32_t parent,
                       enum trigger_rule rule, struct sums *n) {
    const struct image_step *t = &image->runs[run].steps[parent];
    sums_add(n, rule, t->state, pipe_of(s, run)->steps[parent].allow_failure, t->left_out);
}

bool rule_holds(const struct sim *s, const struct image *image, uint32_t run, uint32_t step,
                enum step_state to) {
    const struct core_step *t = &pipe_of(s, run)->steps[step];
    if (t->finally) return to == STEP_running && mains_over(s, image, run);
    struct families f = parents_of(s, image, run, step);
    for (uint32_t subset = 0; subset < 1u << f.fresh_count; subset++) {
        struct sums n = {.u = 0};
        for (uint32_t i = 0; i < f.certain_count; i++) parent_add(s, image, run, f.certain[i], t->rule, &n);
        for (uint32_t i = 0; i < f.fresh_count; i++)
            if (subset >> i & 1)
                parent_add(s, image, run, f.fresh[i], t->rule, &n);
            else
                n.u++;
        if (rule_naive(t->rule, n) == to) return true;
    }
    return false;
}

/* ---- limits ---- */

struct use {
    int64_t jobs, live, pools[MAX_POOLS];
    int names[MAX_NAMES];
};

static void step_use(const struct scene *scene, const struct core_step *c, const struct image_step *t,
                     struct use *u) {
    if (!t->live) return;
    u->live++;
    u->jobs += !c->remote;
    if (c->pool != CORE_NO_POOL) {
        int64_t most = scene->pools[c->pool].tokens;
        u->pools[c->pool] += c->tokens < most ? c->tokens : most;
    }
    for (uint32_t i = 0; i < c->hold_count; i++) u->names[c->hold[i]]++;
    for (uint32_t i = 0; t->publishing && i < c->publish_count; i++) u->names[c->publish[i]]++;
}

static struct use use_of(const struct sim *s, const struct image *image) {
    struct use u = {0};
    for (uint32_t r = 0; r < s->scene.run_count; r++)
        for (uint32_t i = 0; i < pipe_of(s, r)->n; i++)
            step_use(&s->scene, &pipe_of(s, r)->steps[i], &image->runs[r].steps[i], &u);
    return u;
}

static void limits_check(struct sim *s, const struct use *u) {
    if (u->jobs > s->scene.config.jobs) violation(s, "%lld attempts at once", (long long)u->jobs);
    for (uint32_t i = 0; i < s->scene.config.pool_count; i++)
        if (u->pools[i] > s->scene.pools[i].tokens)
            violation(s, "pool %u: %lld tokens", i, (long long)u->pools[i]);
    for (int i = 0; i < MAX_NAMES; i++)
        if (u->names[i] > 1) violation(s, "name %d has %d holders", i, u->names[i]);
}

/* At most so many runs of one pipeline are running. */
static void groups_check(struct sim *s, const struct image *image) {
    for (uint32_t p = 0; p < s->scene.pipe_count; p++) {
        int64_t running = 0;
        for (uint32_t r = 0; r < s->scene.run_count; r++)
            running +=
                s->scene.visits[r].pipe == p && image->runs[r].there && image->runs[r].state == RUN_running;
        if (s->scene.pipes[p].limit && running > s->scene.pipes[p].limit)
            violation(s, "pipeline %u: %lld runs at once", p, (long long)running);
    }
}

/* ---- runs that ended ---- */

struct sum {
    bool failed, cut, warned, finals_bad;
};

static void step_sum(struct sim *s, const struct image *image, uint32_t run, uint32_t step, struct sum *sum) {
    const struct image_step *t = &image->runs[run].steps[step];
    const struct core_step *c = &pipe_of(s, run)->steps[step];
    bool bad = (t->state == STEP_failed || t->state == STEP_upstream_failed) && !c->allow_failure;
    if (!step_state_final(t->state))
        violation(s, "run %u ended, step %u is %s", run, step, step_state_names[t->state]);
    if (t->live) violation(s, "run %u ended, step %u has a live attempt", run, step);
    if (c->finally && t->state == STEP_cancelled && image->runs[run].stop != STOP_KILL &&
        image->runs[run].started != INSTANT_NONE)
        violation(s, "run %u ended, finally step %u did not run", run, step);
    if (t->state == STEP_success && t->warned) sum->warned = true;
    if (c->finally)
        sum->finals_bad |= bad || t->state == STEP_cancelled;
    else
        sum->failed |= bad, sum->cut |= t->state == STEP_cancelled;
}

static enum run_state end_expected(const struct image_run *r, struct sum sum) {
    bool by_hand = r->stop == STOP_CANCEL || r->stop == STOP_KILL;
    if (!sum.failed && !sum.cut) return sum.warned || sum.finals_bad ? RUN_warn : RUN_ok;
    if (by_hand) return RUN_cancelled;
    if (r->stop == STOP_NO && !sum.failed) return RUN_cancelled;
    return RUN_failed;
}

static void ended_check(struct sim *s, const struct image *image, uint32_t run) {
    const struct image_run *r = &image->runs[run];
    struct sum sum = {0};
    for (uint32_t i = 0; i < pipe_of(s, run)->n; i++) step_sum(s, image, run, i, &sum);
    enum run_state should = end_expected(r, sum);
    if (r->started == INSTANT_NONE) should = r->stop == STOP_FREEZE ? RUN_failed : RUN_cancelled;
    if (r->state != should)
        violation(s, "run %u ended %s, should be %s", run, run_state_names[r->state],
                  run_state_names[should]);
}

/* ---- all together ---- */

void check_image(struct sim *s, const struct image *image) {
    struct use u = use_of(s, image);
    limits_check(s, &u);
    groups_check(s, image);
    for (int i = 0; i < MAX_NAMES; i++)
        if (image->versions[i] != image->publishes[i])
            violation(s, "name %d: version is not the number of publishes", i);
    for (uint32_t r = 0; r < s->scene.run_count; r++)
        if (image->runs[r].there && run_state_final(image->runs[r].state)) ended_check(s, image, r);
}

/* `ready` need not be in the database. */
static bool states_agree(const struct sim *s, enum step_state core, enum step_state image) {
    if (core == image) return true;
    return s->scene.config.quiet_ready && core == STEP_ready &&
           (image == STEP_waiting || image == STEP_retry_wait);
}

static void core_step_check(struct sim *s, uint32_t run, uint32_t step) {
    enum step_state is = core_step_state(s->core, run, step), should = s->working.runs[run].steps[step].state;
    if (!states_agree(s, is, should))
        violation(s, "run %u step %u: the core says %s, the database %s", run, step, step_state_names[is],
                  step_state_names[should]);
    if (s->working.runs[run].steps[step].live != (is == STEP_running))
        violation(s, "run %u step %u: %s, and its attempt is not", run, step, step_state_names[is]);
    if (is == STEP_ready && core_step_block(s->core, run, step) == BLOCK_no)
        violation(s, "run %u step %u: ready, nothing in its way, and not started", run, step);
}

/* Whoever waits to publish waits for somebody. */
static void wait_check(struct sim *s, const struct use *u, uint32_t run, uint32_t step) {
    const struct core_step *c = &pipe_of(s, run)->steps[step];
    if (s->tried[run][step].phase != PHASE_WAITS) return;
    for (uint32_t i = 0; i < c->publish_count; i++)
        if (u->names[c->publish[i]]) return;
    violation(s, "run %u step %u: waits to publish, and nothing is in its way", run, step);
}

void check_turn(struct sim *s) {
    check_image(s, &s->working);
    struct use u = use_of(s, &s->working);
    for (uint32_t r = 0; r < s->scene.run_count; r++)
        for (uint32_t i = 0; i < pipe_of(s, r)->n; i++) wait_check(s, &u, r, i);
    struct core_load load = core_load(s->core);
    if (load.live != u.live || load.jobs_used != u.jobs)
        violation(s, "the core counts %u live attempts and %lld jobs, there are %lld and %lld", load.live,
                  (long long)load.jobs_used, (long long)u.live, (long long)u.jobs);
    for (uint32_t i = 0; i < s->scene.config.pool_count; i++)
        if (core_pool_used(s->core, i) != u.pools[i])
            violation(s, "pool %u: the core counts %lld tokens, %lld are in use", i,
                      (long long)core_pool_used(s->core, i), (long long)u.pools[i]);
    for (uint32_t r = 0; r < s->scene.run_count; r++)
        for (uint32_t i = 0; core_has_run(s->core, r) && i < pipe_of(s, r)->n; i++) core_step_check(s, r, i);
}
