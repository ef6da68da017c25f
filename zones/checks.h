/* checks.h: data-quality rules (dag/check.h objects) run over the rows of a stage (design: zones.md 3,
 * contract.md 39).
 *
 * Row rules are one expression per rule, set rules one aggregate each; all of them are asked in one pass (two
 * when bad rows are set aside: set rules are about the rows that stay). When that pass fails, each rule is
 * asked alone, so that the one that cannot run says so (ERROR) and the others still answer. NULL passes every
 * row rule but `missing`. A set rule without a value (avg of nothing) passes over no rows and fails over
 * some.
 *
 * In a rule's own SQL, `stage` and the dataset's own name are the staged rows (those that stay, when bad ones
 * are set aside); other datasets are as this run pinned them, else as published now.
 *
 * Values never become part of a statement: bounds are bound parameters. */
#ifndef LEAT_ZONES_CHECKS_H
#define LEAT_ZONES_CHECKS_H

#include "zones/audit_rows.h"

/* true when rows may have to be looked at again after the rules were asked. */
bool checks_set_aside(const struct stage_into *into);

/* Runs all rules over AUDIT_ROWS; results go to r->a->checks, what must not be published to r->bad…. -1 with
 * err: exit 5, reason "check_failed", "check_error" or "too_many_bad" when the gate is shut, other exits when
 * the engine failed. */
int checks_run(struct audit_rows *r, struct err *err);

#endif
