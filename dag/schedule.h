/* schedule.h: what cron/ says about a text, as a diagnostic. */
#ifndef LEAT_DAG_SCHEDULE_H
#define LEAT_DAG_SCHEDULE_H

#include "base/diag.h"
#include "cron/cron.h"

/* Adds it, at the bytes that the note is about; hints become labels, help or fixes. */
void schedule_tell(struct diags *d, struct span at, const struct cron_note *note);

#endif
