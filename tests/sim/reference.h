/* reference.h: trigger rules a second time, naively, straight from Airflow's table (design: peers.md Part
 * B 1.3). The oracle of the model test and of the simulator; shares nothing with scheduler/core/rules.c. */
#ifndef LEAT_TESTS_REFERENCE_H
#define LEAT_TESTS_REFERENCE_H

#include "dag/pipeline.h"
#include "scheduler/core/states.h"

/* Direct parents: U, S, F, UF, SK of the table. A parent left out by the plan is in s, a cancelled one in f;
 * one that failed and may is in f for the rules that ask for failures and in s for the others. */
struct sums {
    int u, s, f, uf, sk;
};

static inline bool asks_for_failures(enum trigger_rule rule) {
    return rule == RULE_all_failed || rule == RULE_one_failed;
}

static inline void sums_add(struct sums *n, enum trigger_rule rule, enum step_state parent, bool allowed,
                            bool left_out) {
    n->u++;
    if (parent == STEP_success || (parent == STEP_skipped && left_out)) n->s++;
    if (parent == STEP_skipped && !left_out) n->sk++;
    if (parent == STEP_upstream_failed) n->uf++;
    if (parent == STEP_cancelled) n->f++;
    if (parent != STEP_failed) return;
    if (allowed && !asks_for_failures(rule))
        n->s++;
    else
        n->f++;
}

/* "runs when" and "otherwise, set state", row by row. running: it may run; waiting: nothing yet. */
static inline enum step_state rule_naive(enum trigger_rule rule, struct sums n) {
    const enum step_state run = STEP_running, skip = STEP_skipped, uf = STEP_upstream_failed,
                          wait = STEP_waiting;
    bool done = n.s + n.f + n.uf + n.sk == n.u, failed = n.f + n.uf > 0;
    if (n.u == 0) return run;
    switch (rule) {
    case RULE_all_success: return n.s == n.u ? run : failed ? uf : n.sk ? skip : wait;
    case RULE_all_failed: return n.f + n.uf == n.u ? run : n.s || n.sk ? skip : wait;
    case RULE_all_done: return done ? run : wait;
    case RULE_all_skipped: return n.sk == n.u ? run : n.s || failed ? skip : wait;
    case RULE_one_failed: return failed ? run : done ? skip : wait;
    case RULE_one_success: return n.s ? run : !done ? wait : n.sk == n.u ? skip : uf;
    case RULE_one_done: return n.s + n.f ? run : done ? skip : wait;
    case RULE_none_failed: return n.s + n.sk == n.u ? run : failed ? uf : wait;
    case RULE_none_failed_min_one_success:
        return failed ? uf : n.sk == n.u ? skip : n.s + n.sk == n.u ? run : wait;
    case RULE_none_skipped: return n.sk ? skip : done ? run : wait;
    case RULE_always: return run;
    }
    return wait;
}

#endif
