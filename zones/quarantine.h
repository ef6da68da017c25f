/* quarantine.h: the rows that checks set aside become a version of the quarantine dataset; private to zones/.
 *
 * Its columns are those of the dataset plus _leat_check, _leat_reason and _leat_source, all rows are
 * appended, and they replace what the same step set aside for the same window (contract.md 41;
 * zones/publish.h decides which files). */
#ifndef LEAT_ZONES_QUARANTINE_H
#define LEAT_ZONES_QUARANTINE_H

#include "zones/audit_rows.h"

/* Writes AUDIT_BAD and adds the output, when there are such rows or earlier ones to be replaced. */
int quarantine_rows(struct audit_rows *r, struct err *err);

#endif
