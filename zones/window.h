/* window.h: `partition_by: {column: C, of: window}` (contract.md 26); private to zones/. */
#ifndef LEAT_ZONES_WINDOW_H
#define LEAT_ZONES_WINDOW_H

#include "zones/audit_rows.h"

/* Checks that the window is whole local days and that every row of AUDIT_ROWS lies in it (exit 5, reason
 * "outside_window"). cleared: the window's days, as partitions; new reference, empty without `of: window`. */
int window_partitions(struct audit_rows *r, json_t **cleared, struct err *err);

#endif
