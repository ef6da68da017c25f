/* merge.h: `write: merge`: the staged rows upsert the dataset by key; private to zones/.
 *
 * Of staged rows with one key the newest by merge_by stays, else the last one as they came. Live files that
 * hold one of the keys are read, and written again without those rows and with the staged ones; all other
 * files stay as they are. */
#ifndef LEAT_ZONES_MERGE_H
#define LEAT_ZONES_MERGE_H

#include "zones/audit_rows.h"

/* Fills in r->files and r->removes from AUDIT_ROWS (a table). */
int merge_rows(struct audit_rows *r, struct err *err);

#endif
