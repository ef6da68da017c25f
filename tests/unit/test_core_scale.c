/* test_core_scale.c: runs of 100,000 steps (LEAT_STEPS), and many runs. Prints how long each took; that the
 * work stays proportional is tested by the ceiling, a second being what one sweep a step would exceed a
 * hundredfold. */
#include "base/arena.h"
#include "scheduler/core/core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct big {
    struct core_step *steps;
    uint32_t *down_at, *down;
    struct core_run_spec spec;
    struct core *core;
    struct core_actions actions;
    uint32_t started, ended;
};

static uint32_t step_count(void) {
    const char *s = getenv("LEAT_STEPS");
    return s ? (uint32_t)strtoul(s, NULL, 10) : getenv("LEAT_QUICK") ? 2000 : 100000;
}

static void big_init(struct big *b, uint32_t n, uint32_t edges, int64_t jobs) {
    *b = (struct big){.steps = xcalloc(n, sizeof *b->steps),
                      .down_at = xcalloc((size_t)n + 1, sizeof *b->down_at),
                      .down = xcalloc((size_t)edges + 1, sizeof *b->down)};
    for (uint32_t i = 0; i < n; i++) b->steps[i] = (struct core_step){.pool = CORE_NO_POOL, .tokens = 1};
    static const struct core_pool pool = {"p", 3};
    b->core = core_new(&(struct core_config){.jobs = jobs, .pools = &pool, .pool_count = 1});
    b->spec = (struct core_run_spec){.run = 1,
                                     .step_count = n,
                                     .down_at = b->down_at,
                                     .down = b->down,
                                     .steps = b->steps,
                                     .state = RUN_queued};
}

static void big_release(struct big *b) {
    core_free(b->core);
    core_actions_release(&b->actions);
    free(b->steps);
    free(b->down_at);
    free(b->down);
}

static void event_send(struct big *b, struct core_event e) {
    struct err err;
    if (core_apply(b->core, 0, &e, &b->actions, &err) != CORE_TAKEN) fail_msg("%s", err.msg);
}

/* Ends everything that was started, in turns, until nothing is left. */
static void big_run(struct big *b, enum core_outcome outcome) {
    clock_t from = clock();
    event_send(b, (struct core_event){.kind = CORE_RUN_ADD, .spec = &b->spec});
    core_settle(b->core, 0, &b->actions);
    uint32_t *turn = xcalloc((size_t)b->spec.step_count + 1, sizeof *turn);
    for (;;) {
        uint32_t n = 0;
        for (size_t i = 0; i < b->actions.count; i++)
            if (b->actions.items[i].kind == CORE_START) turn[n++] = b->actions.items[i].step;
        b->actions.count = 0;
        if (!n) break;
        b->started += n;
        for (uint32_t i = 0; i < n; i++)
            event_send(
                b,
                (struct core_event){
                    .kind = CORE_ATTEMPT_ENDED, .run = 1, .step = turn[i], .attempt = 1, .outcome = outcome});
        core_settle(b->core, 0, &b->actions);
    }
    free(turn);
    double seconds = (double)(clock() - from) / CLOCKS_PER_SEC;
    print_message("  %u steps, %u started: %.3f s\n", b->spec.step_count, b->started, seconds);
    assert_true(seconds < 10);
}

static void chain_fill(struct big *b) {
    uint32_t n = b->spec.step_count;
    for (uint32_t i = 0; i + 1 < n; i++) {
        b->down_at[i] = i;
        b->down[i] = i + 1;
    }
    b->down_at[n - 1] = b->down_at[n] = n - 1;
}

static void test_chain(void **state) {
    (void)state;
    struct big b;
    uint32_t n = step_count();
    big_init(&b, n, n, 4);
    chain_fill(&b);
    big_run(&b, OUTCOME_success);
    assert_int_equal(b.started, n);
    assert_int_equal(core_run_state(b.core, 1), RUN_ok);
    big_release(&b);
}

static void test_chain_that_fails_at_its_head(void **state) {
    (void)state;
    struct big b;
    uint32_t n = step_count();
    big_init(&b, n, n, 4);
    chain_fill(&b);
    big_run(&b, OUTCOME_failed);
    assert_int_equal(b.started, 1);
    assert_int_equal(core_run_state(b.core, 1), RUN_failed);
    assert_int_equal(core_step_state(b.core, 1, n - 1), STEP_upstream_failed);
    big_release(&b);
}

static void test_independent_steps(void **state) {
    (void)state;
    struct big b;
    big_init(&b, step_count(), 0, 4);
    big_run(&b, OUTCOME_success);
    assert_int_equal(b.started, step_count());
    big_release(&b);
}

/* One step before all, one after all, everything between in a pool, each with a name of its own or a shared
 * one. */
static void test_fan_out_and_in_with_pool_and_names(void **state) {
    (void)state;
    struct big b;
    uint32_t n = step_count(), e = 0;
    uint64_t *names = xcalloc(n, sizeof *names);
    big_init(&b, n, 2 * n, 1000);
    for (uint32_t i = 0; i < n; i++) {
        b.down_at[i] = e;
        for (uint32_t k = 1; i == 0 && k + 1 < n; k++) b.down[e++] = k;
        if (i > 0 && i + 1 < n) b.down[e++] = n - 1;
        names[i] = i % 2 ? 7 : i + 100;
        b.steps[i].hold = &names[i];
        b.steps[i].hold_count = 1;
        if (i % 3 == 0) b.steps[i].pool = 0;
        b.steps[i].tokens = 1 + i % 5;
        b.steps[i].priority = i % 11;
    }
    b.down_at[n] = e;
    big_run(&b, OUTCOME_success);
    assert_int_equal(b.started, n);
    assert_int_equal(core_run_state(b.core, 1), RUN_ok);
    free(names);
    big_release(&b);
}

static void test_thousands_of_runs(void **state) {
    (void)state;
    enum { RUNS = 20000 };
    static const uint32_t down_at[] = {0, 1, 1}, down[] = {1};
    static const struct core_step steps[] = {{.pool = CORE_NO_POOL}, {.pool = CORE_NO_POOL}};
    struct core *c = core_new(&(struct core_config){.jobs = 8});
    struct core_actions out = CORE_ACTIONS_INIT;
    clock_t from = clock();
    for (int64_t run = 1; run <= RUNS; run++) {
        struct core_run_spec spec = {.run = run,
                                     .step_count = 2,
                                     .down_at = down_at,
                                     .down = down,
                                     .steps = steps,
                                     .group = (uint64_t)run % 100 + 1,
                                     .group_limit = 1,
                                     .state = RUN_queued};
        core_apply(c, 0, &(struct core_event){.kind = CORE_RUN_ADD, .spec = &spec}, &out, NULL);
    }
    uint32_t ended = 0;
    for (size_t done = 0, last = 0;; last = done) {
        core_settle(c, 0, &out);
        for (; done < out.count; done++) {
            struct core_action a = out.items[done];
            if (a.kind == CORE_START)
                core_apply(
                    c, 0,
                    &(struct core_event){
                        .kind = CORE_ATTEMPT_ENDED, .run = a.run, .step = a.step, .attempt = a.attempt},
                    &out, NULL);
            if (a.kind != CORE_RUN_STATE || !run_state_final((enum run_state)a.to)) continue;
            core_forget(c, a.run);
            ended++;
        }
        if (done == last) break;
    }
    print_message("  %d runs: %.3f s\n", RUNS, (double)(clock() - from) / CLOCKS_PER_SEC);
    assert_int_equal(ended, RUNS);
    assert_int_equal(core_load(c).runs, 0);
    assert_int_equal(core_load(c).live, 0);
    core_actions_release(&out);
    core_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_chain_that_fails_at_its_head),
        cmocka_unit_test(test_independent_steps),
        cmocka_unit_test(test_fan_out_and_in_with_pool_and_names),
        cmocka_unit_test(test_thousands_of_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
