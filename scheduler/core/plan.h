/* plan.h: what a run will do, before it does it: the pipeline's steps in the core's terms, and which of them
 * are selected, kept from before or left out. Pure; `leat plan` shows it, the conductor hands it to the core.
 *
 * The order of calls: plan_new, then plan_retry or plan_restore (when the run is not new), then one of
 * plan_only and plan_from, then plan_leave_out and plan_keep, then plan_spec. */
#ifndef LEAT_SCHEDULER_PLAN_H
#define LEAT_SCHEDULER_PLAN_H

#include "scheduler/core/core.h"

struct plan {
    const struct pipeline *pipeline; /* borrowed */
    struct core_step *steps;         /* hold and publish are the caller's to set */
    struct core_init *init;
    uint32_t count;
};

/* All steps, waiting. Pool indices are those of pipeline->project->pools; an unknown pool is refused. */
struct plan *plan_new(const struct pipeline *p, struct err *err);
void plan_free(struct plan *plan); /* NULL is fine; after core_forget() of its run */

/* --only: exactly the named steps (NAME or an instance NAME.VALUE; NAME also means all its instances). The
 * others, finally steps too, are left out. A named step whose parents are all left out waits for nobody,
 * whatever its trigger rule. Exit 4 with did-you-mean for a name that is not there. */
int plan_only(struct plan *plan, const char *const *names, size_t n, struct err *err);
/* --from-step: the named step (or all instances of it), everything after it, and the finally steps. */
int plan_from(struct plan *plan, const char *name, struct err *err);

/* A new generation after `before` (final states, one per step): success, skipped and left out are kept; the
 * rest, everything after it, and the finally steps run again. Returns how many run, finally steps aside; 0:
 * nothing to retry (and nothing is changed). A step that did not exist before counts as STEP_waiting. */
uint32_t plan_retry(struct plan *plan, const struct core_init *before);
/* The same generation continued: takes over where every step stands. */
void plan_restore(struct plan *plan, const struct core_init *now);

/* "Skipped by plan": satisfied for the trigger rules of its children. */
void plan_leave_out(struct plan *plan, uint32_t step);
/* Its work of an earlier run stands ("already appended in v12"): a success that does not run. */
void plan_keep(struct plan *plan, uint32_t step);

/* Fills steps, init, edges, timeout and the group limit; the caller sets the rest. Borrows from the plan. */
void plan_spec(const struct plan *plan, struct core_run_spec *out);

#endif
