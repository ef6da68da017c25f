/* rules.h: trigger rules, with Airflow's names and exact meanings, as a function of counts alone. */
#ifndef LEAT_SCHEDULER_RULES_H
#define LEAT_SCHEDULER_RULES_H

#include "dag/pipeline.h" /* enum trigger_rule */

#include <stdint.h>

/* What the direct parents of a step have come to so far. A parent left out by the plan is a success; one that
 * was cancelled is a failure. */
struct parents {
    uint32_t total;
    uint32_t success, failed, upstream_failed, skipped;
    /* Failed, but `allow_failure`: a failure to the rules that ask for failures (all_failed, one_failed), so
     * that a fallback can hang on it; a success to all the others. */
    uint32_t allowed;
};

enum verdict { VERDICT_wait, VERDICT_run, VERDICT_skip, VERDICT_upstream_failed };

/* Rules fire as early as they can: one_failed does not wait for the siblings, all_success gives up on the
 * first failure. A step without parents runs, whatever its rule. */
enum verdict rule_verdict(enum trigger_rule rule, const struct parents *p);

#endif
