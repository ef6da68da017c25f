/* retry.h: whether a failed attempt is followed by another, and when. Pure: the jitter is a hash of (run,
 * step, attempt), so the same failure waits the same time in a test, in a simulation and after a crash. */
#ifndef LEAT_SCHEDULER_RETRY_H
#define LEAT_SCHEDULER_RETRY_H

#include "scheduler/core/core.h"

/* No wait grows beyond this without an own max_wait. */
#define RETRY_WAIT_MAX US_PER_DAY

struct retry_question {
    const struct retry *policy; /* the step's */
    const struct retry *asked;  /* core_config.asked */
    enum core_outcome outcome;
    const char *reason; /* what `if:` is compared with */
    bool permanent;
    uint32_t attempts; /* made in this generation, the failed one among them */
    duration_t at_least;
    int64_t run;
    uint32_t step;
};

/* The rules:
 *  1. `times` counts the attempts after the first, in one generation, for whatever reason they failed: an
 *     attempt lost with its warden and one that asked for its retry (exit 75) count like any other.
 *  2. `if:` names the reasons that are retried; without it every reason is, except `gate`: bad data does not
 *     get better by looking again, so it must be named. An attempt that asked for a retry is not filtered.
 *  3. The wait is `wait`, doubled by each further retry when exponential, and never more than max_wait. Up to
 *     a tenth (fixed) or a quarter (exponential) is added so that steps that failed together do not all come
 *     back together; under the cap it is taken off instead.
 *  4. A permanent failure is not retried. */
bool retry_decide(const struct retry_question *q, duration_t *wait);

#endif
