/* retry.c: see retry.h. */
#include "scheduler/core/retry.h"

#include <string.h>

/* splitmix64: every bit of the seed reaches every bit of the result. */
static uint64_t mix(uint64_t x) {
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t jitter_seed(const struct retry_question *q) {
    return mix(mix((uint64_t)q->run) ^ mix(((uint64_t)q->step << 32) | q->attempts));
}

static bool reason_named(const struct retry *policy, const char *reason) {
    for (size_t i = 0; i < policy->only_count; i++)
        if (strcmp(policy->only[i], reason) == 0) return true;
    return false;
}

static bool reason_retried(const struct retry_question *q) {
    if (q->outcome == OUTCOME_retry_asked) return true;
    if (q->policy->only_count) return reason_named(q->policy, q->reason);
    return q->outcome != OUTCOME_gate;
}

/* wait * 2^(retry - 1), not beyond the cap (which also keeps it from overflowing). */
static duration_t wait_grown(const struct retry *policy, duration_t wait, uint32_t retry, duration_t cap) {
    if (policy->exponential)
        for (uint32_t i = 1; i < retry && wait < cap; i++) wait = wait > cap / 2 ? cap : wait * 2;
    return wait < cap ? wait : cap;
}

static duration_t wait_jittered(const struct retry_question *q, duration_t wait, duration_t cap) {
    duration_t spread = wait / (q->policy->exponential ? 4 : 10);
    duration_t low = wait + spread <= cap ? wait : cap - spread;
    return low + (duration_t)(jitter_seed(q) % ((uint64_t)spread + 1));
}

bool retry_decide(const struct retry_question *q, duration_t *wait) {
    bool asked = q->outcome == OUTCOME_retry_asked;
    const struct retry *policy = asked && q->policy->times == 0 ? q->asked : q->policy;
    if (q->permanent || (int64_t)q->attempts > policy->times || !reason_retried(q)) return false;
    duration_t first = asked && policy->wait == 0 ? q->asked->wait : policy->wait;
    duration_t cap = policy->max_wait > 0 ? policy->max_wait : RETRY_WAIT_MAX;
    if (policy->max_wait <= 0 && first > cap) cap = first + first / 4;
    struct retry_question own = *q;
    own.policy = policy;
    duration_t found = wait_jittered(&own, wait_grown(policy, first, q->attempts, cap), cap);
    *wait = found > q->at_least ? found : q->at_least;
    return true;
}
