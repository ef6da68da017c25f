/* test_core_parts.c: the small parts of the core, each alone: states, heap, id map, retry, plan. */
#include "base/arena.h"
#include "scheduler/core/heap.h"
#include "scheduler/core/idmap.h"
#include "scheduler/core/plan.h"
#include "scheduler/core/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next_random(uint64_t *seed) {
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return *seed >> 33;
}

/* ---- states ---- */

static void test_states_have_the_names_of_the_json(void **state) {
    (void)state;
    const char *const steps[] = {"waiting", "ready",   "running",         "retry_wait", "success",
                                 "failed",  "skipped", "upstream_failed", "cancelled"};
    const char *const runs[] = {"queued", "running", "ok", "warn", "failed", "cancelled", "skipped"};
    enum step_state s;
    enum run_state r;
    assert_int_equal(STEP_STATE_COUNT, sizeof steps / sizeof *steps);
    assert_int_equal(RUN_STATE_COUNT, sizeof runs / sizeof *runs);
    for (int i = 0; i < STEP_STATE_COUNT; i++) {
        assert_string_equal(step_state_names[i], steps[i]);
        assert_true(step_state_parse(steps[i], &s) && (int)s == i);
    }
    for (int i = 0; i < RUN_STATE_COUNT; i++) {
        assert_string_equal(run_state_names[i], runs[i]);
        assert_true(run_state_parse(runs[i], &r) && (int)r == i);
    }
    assert_false(step_state_parse("ok", &s));
    assert_false(run_state_parse("success", &r));
}

static void test_nothing_leaves_a_final_state(void **state) {
    (void)state;
    for (int from = 0; from < STEP_STATE_COUNT; from++)
        for (int to = 0; to < STEP_STATE_COUNT; to++)
            if (step_state_final((enum step_state)from) || from == to || to == STEP_waiting)
                assert_false(step_may_move((enum step_state)from, (enum step_state)to));
    for (int from = 0; from < RUN_STATE_COUNT; from++)
        for (int to = 0; to < RUN_STATE_COUNT; to++)
            if (run_state_final((enum run_state)from) || from == to || to == RUN_queued)
                assert_false(run_may_move((enum run_state)from, (enum run_state)to));
    assert_false(step_may_move(STEP_ready, STEP_success));
    assert_false(step_may_move(STEP_waiting, STEP_success));
    assert_true(step_may_move(STEP_running, STEP_retry_wait));
}

/* ---- heap ---- */

enum { ITEMS = 500 };

static void item_moved(void *ctx, const struct heap_node *node, size_t at) {
    ((size_t *)ctx)[node->step] = at;
}

static void test_heap_keeps_order_and_positions(void **state) {
    (void)state;
    size_t at[ITEMS];
    bool in[ITEMS] = {false};
    struct heap h = {.moved = item_moved, .ctx = at};
    uint64_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        uint32_t i = (uint32_t)(next_random(&seed) % ITEMS);
        if (in[i])
            assert_int_equal(heap_take(&h, at[i]).step, i);
        else
            heap_push(&h,
                      (struct heap_node){.key = (int64_t)(next_random(&seed) % 50), .tie = i % 7, .step = i});
        in[i] = !in[i];
        for (size_t k = 1; k < h.count && round % 97 == 0; k++)
            assert_false(heap_before(&h.nodes[k], &h.nodes[(k - 1) / 2]));
    }
    struct heap_node last = heap_take(&h, 0);
    while (h.count) {
        struct heap_node next = heap_take(&h, 0);
        assert_true(heap_before(&last, &next));
        last = next;
    }
    heap_release(&h);
}

/* ---- id map ---- */

static void test_idmap_is_what_was_put_and_not_removed(void **state) {
    (void)state;
    struct idmap m = {0};
    static int values[ITEMS];
    bool in[ITEMS] = {false};
    uint64_t seed = 2;
    for (int round = 0; round < 50000; round++) {
        uint32_t i = (uint32_t)(next_random(&seed) % ITEMS);
        if (in[i])
            idmap_remove(&m, i * UINT64_C(0x100000001));
        else
            idmap_put(&m, i * UINT64_C(0x100000001), &values[i]);
        in[i] = !in[i];
        uint32_t k = (uint32_t)(next_random(&seed) % ITEMS);
        assert_ptr_equal(idmap_get(&m, k * UINT64_C(0x100000001)), in[k] ? &values[k] : NULL);
    }
    size_t seen = 0, at = 0, count = 0;
    while (idmap_next(&m, &at)) seen++;
    for (int i = 0; i < ITEMS; i++) count += in[i];
    assert_int_equal(seen, count);
    assert_int_equal(m.count, count);
    idmap_remove(&m, 12345);
    idmap_release(&m);
    assert_null(idmap_get(&m, 1));
}

/* ---- retry ---- */

struct retry_case {
    const char *what;
    struct retry policy;
    uint32_t attempts;
    duration_t low, high; /* -1: no retry */
};

#define S US_PER_SECOND
static const struct retry_case retry_cases[] = {
    {"none left", {.times = 2, .wait = S}, 3, -1, -1},
    {"no policy", {.times = 0}, 1, -1, -1},
    {"fixed: up to a tenth more", {.times = 2, .wait = 10 * S}, 1, 10 * S, 11 * S},
    {"fixed again", {.times = 2, .wait = 10 * S}, 2, 10 * S, 11 * S},
    {"exponential: up to a quarter more",
     {.times = 9, .wait = 10 * S, .exponential = true},
     1,
     10 * S,
     12500000},
    {"doubled", {.times = 9, .wait = 10 * S, .exponential = true}, 2, 20 * S, 25 * S},
    {"doubled twice", {.times = 9, .wait = 10 * S, .exponential = true}, 3, 40 * S, 50 * S},
    {"capped: never more",
     {.times = 9, .wait = 10 * S, .max_wait = 30 * S, .exponential = true},
     3,
     22500000,
     30 * S},
    {"no overflow",
     {.times = 1000, .wait = US_PER_HOUR, .exponential = true},
     900,
     18 * US_PER_HOUR,
     US_PER_DAY},
    {"said longer than a day", {.times = 1, .wait = 3 * US_PER_DAY}, 1, 3 * US_PER_DAY, 4 * US_PER_DAY},
    {"max_wait below wait", {.times = 1, .wait = 10 * S, .max_wait = 2 * S}, 1, 1800000, 2 * S},
    {"at once", {.times = 1, .wait = 0}, 1, 0, 0},
};

static void test_retry_waits(void **state) {
    (void)state;
    static const struct retry nothing = {0};
    for (size_t i = 0; i < sizeof retry_cases / sizeof *retry_cases; i++) {
        const struct retry_case *c = &retry_cases[i];
        duration_t first = -1, other = -1;
        for (int64_t run = 0; run < 200; run++) {
            struct retry_question q = {.policy = &c->policy,
                                       .asked = &nothing,
                                       .outcome = OUTCOME_failed,
                                       .reason = "exit_1",
                                       .attempts = c->attempts,
                                       .run = run,
                                       .step = 3};
            duration_t wait = -1, again = -1;
            if (retry_decide(&q, &wait) != (c->low >= 0)) fail_msg("%s", c->what);
            if (retry_decide(&q, &again) && again != wait) fail_msg("%s: not the same twice", c->what);
            if (c->low >= 0 && (wait < c->low || wait > c->high))
                fail_msg("%s: %lld", c->what, (long long)wait);
            if (run == 0) first = wait;
            if (wait != first) other = wait;
        }
        if (c->low != c->high && other < 0) fail_msg("%s: all at the same time", c->what);
    }
}

/* ---- plan ---- */

/* land -> clean.DE, clean.FR -> report; alarm after report (one_failed); sweep is a finally step */
enum { LAND, CLEAN_DE, CLEAN_FR, REPORT, ALARM, SWEEP, PLAN_STEPS };

struct fixture {
    struct pool pools[2];
    struct project project;
    struct pipeline pipeline;
    struct step steps[PLAN_STEPS];
    uint32_t up_at[PLAN_STEPS + 1], up[8], down_at[PLAN_STEPS + 1], down[8], order[PLAN_STEPS];
    json_t *each;
};

static void edges_index(struct fixture *f) {
    static const uint32_t edges[][2] = {
        {LAND, CLEAN_DE}, {LAND, CLEAN_FR}, {CLEAN_DE, REPORT}, {CLEAN_FR, REPORT}, {REPORT, ALARM}};
    uint32_t up = 0, down = 0;
    for (uint32_t i = 0; i < PLAN_STEPS; i++) {
        f->up_at[i] = up;
        f->down_at[i] = down;
        f->order[i] = i;
        for (size_t e = 0; e < sizeof edges / sizeof *edges; e++) {
            if (edges[e][1] == i) f->up[up++] = edges[e][0];
            if (edges[e][0] == i) f->down[down++] = edges[e][1];
        }
    }
    f->up_at[PLAN_STEPS] = up;
    f->down_at[PLAN_STEPS] = down;
}

static void fixture_fill(struct fixture *f) {
    static const char *const names[] = {"land", "clean.DE", "clean.FR", "report", "alarm", "sweep"};
    *f = (struct fixture){.pools = {{"db", 2}, {"net", 3}}, .each = json_object()};
    f->project = (struct project){.pools = f->pools, .pool_count = 2};
    for (uint32_t i = 0; i < PLAN_STEPS; i++) f->steps[i] = (struct step){.name = names[i], .index = i};
    f->steps[LAND].pool = "net";
    f->steps[LAND].pool_tokens = 2;
    f->steps[CLEAN_DE].each = f->steps[CLEAN_FR].each = f->each;
    f->steps[ALARM].rule = RULE_one_failed;
    f->steps[SWEEP].finally = true;
    edges_index(f);
    f->pipeline = (struct pipeline){.name = "p",
                                    .project = &f->project,
                                    .steps = f->steps,
                                    .step_count = PLAN_STEPS,
                                    .up_at = f->up_at,
                                    .up = f->up,
                                    .down_at = f->down_at,
                                    .down = f->down,
                                    .order = f->order,
                                    .max_active_runs = 3,
                                    .timeout = 5};
}

/* One letter a step: . runs, - left out, k kept as success, s skipped; followed by ! when it waits for
 * nobody. */
static void plan_expect(const struct plan *p, const char *want) {
    char got[2 * PLAN_STEPS + 1], *at = got;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct core_init *init = &p->init[i];
        *at++ = init->left_out                ? '-'
                : init->state == STEP_success ? 'k'
                : init->state == STEP_skipped ? 's'
                                              : '.';
        if (p->steps[i].rule == RULE_always && !p->steps[i].finally && !init->left_out) *at++ = '!';
    }
    *at = '\0';
    assert_string_equal(got, want);
}

static void test_plan_selects(void **state) {
    (void)state;
    struct fixture f;
    fixture_fill(&f);
    struct err err = {0};
    static const struct {
        const char *only[3], *from, *want;
    } cases[] = {
        {{NULL}, NULL, "......"},      {{"land"}, NULL, ".!-----"},
        {{"clean"}, NULL, "-.!.!---"}, {{"clean.FR", "report"}, NULL, "--.!.--"},
        {{"alarm"}, NULL, "----.!-"},  {{"sweep"}, NULL, "-----."},
        {{NULL}, "land", ".!....."},   {{NULL}, "report", "---.!.."},
        {{NULL}, "clean", "-.!.!..."}, {{NULL}, "clean.DE", "-.!-..."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan *p = plan_new(&f.pipeline, &err);
        size_t n = 0;
        while (cases[i].only[n]) n++;
        if (n) assert_int_equal(plan_only(p, cases[i].only, n, &err), 0);
        if (cases[i].from) assert_int_equal(plan_from(p, cases[i].from, &err), 0);
        plan_expect(p, cases[i].want);
        plan_free(p);
    }
    json_decref(f.each);
}

static void test_plan_names_what_is_not_there(void **state) {
    (void)state;
    struct fixture f;
    fixture_fill(&f);
    struct err err = {0};
    struct plan *p = plan_new(&f.pipeline, &err);
    assert_int_equal(plan_only(p, (const char *const[]){"land", "reprot"}, 2, &err), -1);
    assert_int_equal(err.exit, EX_NOT_FOUND);
    assert_string_equal(err.msg, "pipeline p has no step 'reprot'");
    assert_string_equal(err.hint, "did you mean 'report'?");
    plan_expect(p, "......");
    assert_int_equal(plan_from(p, "land.DE", &err), -1);
    plan_expect(p, "......");
    plan_free(p);
    f.steps[LAND].pool = "nett";
    assert_null(plan_new(&f.pipeline, &err));
    assert_string_equal(err.msg, "step land: pool 'nett' is not in the project's pools");
    json_decref(f.each);
}

static void test_plan_retries_what_failed_and_what_follows(void **state) {
    (void)state;
    struct fixture f;
    fixture_fill(&f);
    static const struct {
        enum step_state before[PLAN_STEPS];
        uint32_t runs;
        const char *want;
    } cases[] = {
        {{STEP_success, STEP_failed, STEP_success, STEP_upstream_failed, STEP_skipped, STEP_success},
         3,
         "k.k..."},
        {{STEP_success, STEP_success, STEP_success, STEP_success, STEP_skipped, STEP_failed}, 0, "......"},
        {{STEP_success, STEP_skipped, STEP_success, STEP_failed, STEP_success, STEP_success}, 2, "ksk..."},
        {{STEP_cancelled, STEP_cancelled, STEP_cancelled, STEP_cancelled, STEP_cancelled, STEP_success},
         5,
         "......"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan *p = plan_new(&f.pipeline, NULL);
        struct core_init before[PLAN_STEPS] = {0};
        for (int k = 0; k < PLAN_STEPS; k++) before[k].state = cases[i].before[k];
        assert_int_equal(plan_retry(p, before), cases[i].runs);
        plan_expect(p, cases[i].want);
        plan_free(p);
    }
    struct plan *p = plan_new(&f.pipeline, NULL);
    struct core_init before[PLAN_STEPS] = {0};
    for (int k = 0; k < PLAN_STEPS; k++)
        before[k] = (struct core_init){.state = STEP_skipped, .left_out = true};
    before[CLEAN_DE] = (struct core_init){.state = STEP_failed};
    assert_int_equal(plan_retry(p, before), 1);
    plan_expect(p, "-.----");
    plan_free(p);
    json_decref(f.each);
}

static void test_plan_speaks_the_core_s_language(void **state) {
    (void)state;
    struct fixture f;
    fixture_fill(&f);
    struct plan *p = plan_new(&f.pipeline, NULL);
    assert_int_equal(p->steps[LAND].pool, 1);
    assert_int_equal(p->steps[LAND].tokens, 2);
    assert_int_equal(p->steps[REPORT].pool, CORE_NO_POOL);
    assert_int_equal(p->steps[ALARM].rule, RULE_one_failed);
    assert_true(p->steps[SWEEP].finally);
    plan_keep(p, LAND);
    plan_expect(p, "k.....");
    struct core_init now[PLAN_STEPS] = {[LAND] = {.state = STEP_running, .attempts = 3}};
    plan_restore(p, now);
    assert_int_equal(p->init[LAND].attempts, 3);
    struct core_run_spec spec = {.run = 7};
    plan_spec(p, &spec);
    assert_int_equal(spec.step_count, PLAN_STEPS);
    assert_int_equal(spec.group_limit, 3);
    assert_int_equal(spec.timeout, 5);
    plan_free(p);
    plan_free(NULL);
    json_decref(f.each);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_have_the_names_of_the_json),
        cmocka_unit_test(test_nothing_leaves_a_final_state),
        cmocka_unit_test(test_heap_keeps_order_and_positions),
        cmocka_unit_test(test_idmap_is_what_was_put_and_not_removed),
        cmocka_unit_test(test_retry_waits),
        cmocka_unit_test(test_plan_selects),
        cmocka_unit_test(test_plan_names_what_is_not_there),
        cmocka_unit_test(test_plan_retries_what_failed_and_what_follows),
        cmocka_unit_test(test_plan_speaks_the_core_s_language),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
