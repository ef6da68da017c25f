/* rules.c: the table of trigger rules.
 *
 * A row says what the first failed, upstream_failed, skipped or successful parent decides at once (wait:
 * nothing yet), and what is decided when all parents have ended without that: when all of them were skipped,
 * and otherwise. The columns are asked from left to right: failure wins over skip, skip over success. */
#include "scheduler/core/rules.h"

struct rule {
    bool now;            /* asks for nothing */
    bool wants_failures; /* an allowed failure counts as a failure */
    enum verdict failed, upstream_failed, skipped, success;
    enum verdict all_skipped, done;
};

#define WAIT VERDICT_wait
#define RUN  VERDICT_run
#define SKIP VERDICT_skip
#define FAIL VERDICT_upstream_failed

/* clang-format off */
#define ROW(f, u, k, s, a, d) \
    .failed = f, .upstream_failed = u, .skipped = k, .success = s, .all_skipped = a, .done = d

static const struct rule rules[] = {
    /*                                          first: failed upstr. skipped success | all: skipped done */
    [RULE_all_success]                 = {              ROW(FAIL, FAIL,  SKIP,   WAIT,     SKIP,     RUN)},
    [RULE_all_done]                    = {              ROW(WAIT, WAIT,  WAIT,   WAIT,     RUN,      RUN)},
    [RULE_all_failed]                  = {.wants_failures = true,
                                                        ROW(WAIT, WAIT,  SKIP,   SKIP,     SKIP,     RUN)},
    [RULE_one_success]                 = {              ROW(WAIT, WAIT,  WAIT,   RUN,      SKIP,     FAIL)},
    [RULE_one_failed]                  = {.wants_failures = true,
                                                        ROW(RUN,  RUN,   WAIT,   WAIT,     SKIP,     SKIP)},
    [RULE_one_done]                    = {              ROW(RUN,  WAIT,  WAIT,   RUN,      SKIP,     SKIP)},
    [RULE_none_failed]                 = {              ROW(FAIL, FAIL,  WAIT,   WAIT,     RUN,      RUN)},
    [RULE_none_failed_min_one_success] = {              ROW(FAIL, FAIL,  WAIT,   WAIT,     SKIP,     RUN)},
    [RULE_none_skipped]                = {              ROW(WAIT, WAIT,  SKIP,   WAIT,     SKIP,     RUN)},
    [RULE_all_skipped]                 = {              ROW(SKIP, SKIP,  WAIT,   SKIP,     RUN,      SKIP)},
    [RULE_always]                      = {.now = true},
};
/* clang-format on */

enum verdict rule_verdict(enum trigger_rule rule, const struct parents *p) {
    const struct rule *r = &rules[rule];
    if (r->now || p->total == 0) return RUN;
    uint32_t failed = p->failed + (r->wants_failures ? p->allowed : 0);
    uint32_t success = p->success + (r->wants_failures ? 0 : p->allowed);
    if (failed && r->failed) return r->failed;
    if (p->upstream_failed && r->upstream_failed) return r->upstream_failed;
    if (p->skipped && r->skipped) return r->skipped;
    if (success && r->success) return r->success;
    if (failed + p->upstream_failed + p->skipped + success < p->total) return WAIT;
    return p->skipped == p->total ? r->all_skipped : r->done;
}
