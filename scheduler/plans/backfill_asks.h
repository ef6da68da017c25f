/* backfill_asks.h: the questions of a plan, asked of the database: what the command line and the conductor
 * have in common. */
#ifndef LEAT_SCHEDULER_BACKFILL_ASKS_H
#define LEAT_SCHEDULER_BACKFILL_ASKS_H

#include "scheduler/plans/backfill.h"
#include "store/store.h"

struct asked_store {
    struct store *store; /* NULL: nothing ever ran */
    const struct pipeline *pipeline;
};
struct plan_asks plan_asks_of(struct asked_store *a);

/* How long the plan would take, by what its pipeline's last runs took (their median; for a part of the
 * pipeline the sum of its steps' medians), so many windows at once. 1; 0: there is nothing to go by; -1. */
int backfill_predict(struct store *s, const struct pipeline *p, const struct plan_request *r,
                     const struct backfill_plan *plan, int64_t jobs, duration_t *out, struct err *err);

#endif
