/* backfill_impl.h: what the files of the backfill plan share. */
#ifndef LEAT_SCHEDULER_BACKFILL_IMPL_H
#define LEAT_SCHEDULER_BACKFILL_IMPL_H

#include "scheduler/plans/backfill.h"

struct planning {
    const struct pipeline *p;
    const struct plan_request *r;
    const struct plan_asks *asks;
    instant_t now;
    struct backfill_plan *out;
    struct arena *arena;             /* of the answers */
    bool *runs;                      /* malloc'ed: per step */
    const struct schedule *slots_of; /* whose windows these are; NULL: units */
};

enum plan_action plan_why_action(enum plan_why why);
/* backfill_windows.c: fills out->windows, oldest first. */
int plan_windows(struct planning *k, struct err *err);
/* backfill_due.c: leaves to the schedule what it will run. */
int plan_due(struct planning *k, struct err *err);
/* backfill_data.c: refuses windows for which an input is there no more; marks the windows that the data have
 * (WHY_present) or lack (WHY_absent). */
int plan_lost(struct planning *k, struct err *err);
int plan_by_data(struct planning *k, struct err *err);

#endif
