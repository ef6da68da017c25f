/* test_core_model.c: the core against a second, naive scheduler that sweeps over everything and whose rules
 * are those of tests/sim/reference.h, for every DAG of up to three steps with every rule and outcome, in
 * several orders; and for a sample of those of four (LEAT_FULL=1: all). */
#include "scheduler/core/core.h"
#include "tests/sim/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 4, RULES = RULE_always + 1 };

/* What will become of a step that gets to run. */
enum fate { FATE_success, FATE_failed, FATE_allowed, FATE_when_false, FATES };

struct world {
    uint32_t n;
    bool edge[N][N]; /* from lower to higher index */
    enum trigger_rule rule[N];
    enum fate fate[N];
    uint32_t seed; /* decides who ends first */
};

static uint32_t next_random(uint32_t *seed) { return *seed = *seed * 1664525u + 1013904223u; }

/* ---- the naive one ---- */

/* running also stands for "asked about when" */
struct model {
    enum step_state state[N];
};

static struct sums sums_of(const struct world *w, const struct model *m, uint32_t step) {
    struct sums n = {0};
    for (uint32_t i = 0; i < w->n; i++)
        if (w->edge[i][step]) sums_add(&n, w->rule[step], m->state[i], w->fate[i] == FATE_allowed, false);
    return n;
}

/* One look at everybody, on what was true before the look; true when something changed. */
static bool model_sweep(const struct world *w, struct model *m) {
    struct model before = *m;
    for (uint32_t i = 0; i < w->n; i++)
        if (before.state[i] == STEP_waiting) m->state[i] = rule_naive(w->rule[i], sums_of(w, &before, i));
    return memcmp(&before, m, sizeof before) != 0;
}

static enum run_state model_result(const struct world *w, const struct model *m) {
    for (uint32_t i = 0; i < w->n; i++)
        if ((m->state[i] == STEP_failed && w->fate[i] != FATE_allowed) || m->state[i] == STEP_upstream_failed)
            return RUN_failed;
    return RUN_ok;
}

static const enum step_state fate_states[FATES] = {STEP_success, STEP_failed, STEP_failed, STEP_skipped};

/* ---- the real one ---- */

struct real {
    struct core *core;
    struct core_actions actions;
    struct core_step steps[N];
    uint32_t down_at[N + 1], down[N * N];
    int64_t run;
    uint32_t seed;
};

static void real_add(struct real *r, const struct world *w) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        r->down_at[i] = n;
        for (uint32_t k = 0; k < w->n; k++)
            if (w->edge[i][k]) r->down[n++] = k;
        r->steps[i] = (struct core_step){.rule = w->rule[i],
                                         .pool = CORE_NO_POOL,
                                         .allow_failure = w->fate[i] == FATE_allowed,
                                         .has_when = w->fate[i] == FATE_when_false};
    }
    r->down_at[w->n] = n;
    struct core_run_spec spec = {.run = ++r->run,
                                 .step_count = w->n,
                                 .down_at = r->down_at,
                                 .down = r->down,
                                 .steps = r->steps,
                                 .state = RUN_queued};
    r->actions.count = 0;
    assert_int_equal(
        core_apply(r->core, 0, &(struct core_event){.kind = CORE_RUN_ADD, .spec = &spec}, &r->actions, NULL),
        0);
    core_settle(r->core, 0, &r->actions);
}

static void real_end(struct real *r, const struct world *w, uint32_t step) {
    struct core_event e = {.kind = CORE_ATTEMPT_ENDED, .run = r->run, .step = step, .attempt = 1};
    e.outcome = w->fate[step] == FATE_success ? OUTCOME_success : OUTCOME_failed;
    if (w->fate[step] == FATE_when_false)
        e = (struct core_event){.kind = CORE_DECIDED, .run = r->run, .step = step, .decision = DECISION_skip};
    assert_int_equal(core_apply(r->core, 0, &e, &r->actions, NULL), CORE_TAKEN);
    core_settle(r->core, 0, &r->actions);
}

/* ---- both ---- */

static void world_fail(const struct world *w, const char *what) {
    char text[512];
    int n = snprintf(text, sizeof text, "%s; seed %u:", what, w->seed);
    for (uint32_t i = 0; i < w->n; i++) {
        n += snprintf(text + n, sizeof text - (size_t)n, " %u(rule %d, fate %d", i, (int)w->rule[i],
                      (int)w->fate[i]);
        for (uint32_t k = 0; k < i; k++)
            if (w->edge[k][i]) n += snprintf(text + n, sizeof text - (size_t)n, ", after %u", k);
        n += snprintf(text + n, sizeof text - (size_t)n, ")");
    }
    fail_msg("%s", text);
}

static void states_compare(const struct real *r, const struct world *w, const struct model *m) {
    for (uint32_t i = 0; i < w->n; i++) {
        enum step_state is = core_step_state(r->core, r->run, i), should = m->state[i];
        if (should == STEP_running && w->fate[i] == FATE_when_false) should = STEP_waiting;
        if (is != should) world_fail(w, step_state_names[is]);
    }
}

static bool pick_running(const struct model *m, const struct world *w, uint32_t *seed, uint32_t *out) {
    uint32_t list[N], n = 0;
    for (uint32_t i = 0; i < w->n; i++)
        if (m->state[i] == STEP_running) list[n++] = i;
    if (n) *out = list[(next_random(seed) >> 16) % n];
    return n > 0;
}

static void world_play(struct real *r, const struct world *w) {
    struct model m = {.state = {STEP_waiting, STEP_waiting, STEP_waiting, STEP_waiting}};
    uint32_t seed = w->seed, step;
    real_add(r, w);
    while (model_sweep(w, &m)) {
    }
    states_compare(r, w, &m);
    while (pick_running(&m, w, &seed, &step)) {
        m.state[step] = fate_states[w->fate[step]];
        while (model_sweep(w, &m)) {
        }
        real_end(r, w, step);
        states_compare(r, w, &m);
    }
    if (core_run_state(r->core, r->run) != model_result(w, &m)) world_fail(w, "run state");
    for (size_t i = 0; i < r->actions.count; i++)
        if (r->actions.items[i].kind == CORE_FAULT) world_fail(w, "fault");
    core_forget(r->core, r->run);
}

/* ---- all of them ---- */

static uint32_t power(uint32_t base, uint32_t exponent) {
    uint32_t p = 1;
    while (exponent--) p *= base;
    return p;
}

static void edges_set(struct world *w, uint32_t mask) {
    for (uint32_t k = 1, bit = 0; k < w->n; k++)
        for (uint32_t i = 0; i < k; i++, bit++) w->edge[i][k] = mask >> bit & 1;
}

static bool has_parent(const struct world *w, uint32_t step) {
    for (uint32_t i = 0; i < step; i++)
        if (w->edge[i][step]) return true;
    return false;
}

/* Takes the rules of steps with parents from the digits of `code`; false when code is beyond the last. */
static bool rules_set(struct world *w, uint32_t code) {
    for (uint32_t i = 0; i < w->n; i++) {
        w->rule[i] = RULE_all_success;
        if (!has_parent(w, i)) continue;
        w->rule[i] = (enum trigger_rule)(code % RULES);
        code /= RULES;
    }
    return code == 0;
}

static void fates_play(struct real *r, struct world *w, uint32_t stride, uint32_t *count) {
    for (uint32_t code = 0; code < power(FATES, w->n); code++) {
        for (uint32_t i = 0; i < w->n; i++) w->fate[i] = (enum fate)(code / power(FATES, i) % FATES);
        if ((*count)++ % stride) continue;
        w->seed = next_random(&r->seed);
        world_play(r, w);
    }
}

static void dags_play(uint32_t n, uint32_t stride, uint32_t seed) {
    struct real r = {.seed = seed, .core = core_new(&(struct core_config){.jobs = 100})};
    struct world w = {.n = n};
    uint32_t count = 0;
    for (uint32_t mask = 0; mask < power(2, n * (n - 1) / 2); mask++) {
        edges_set(&w, mask);
        for (uint32_t code = 0; rules_set(&w, code); code++) fates_play(&r, &w, stride, &count);
    }
    core_actions_release(&r.actions);
    core_free(r.core);
}

static void test_up_to_three_steps(void **state) {
    (void)state;
    uint32_t every = getenv("LEAT_QUICK") ? 97 : 1;
    dags_play(1, 1, 1);
    dags_play(2, 1, 2);
    dags_play(3, every, 3);
    dags_play(3, every, 4);
}

static void test_four_steps(void **state) {
    (void)state;
    dags_play(4, getenv("LEAT_FULL") ? 1 : getenv("LEAT_QUICK") ? 2909 : 29, 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_up_to_three_steps),
                                       cmocka_unit_test(test_four_steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
