/* every.h: schedules in words, compiled to the same object as cron texts.
 *
 *   every := N minutes|hours | "hour at" :MM | "day at" HH:MM | "weekday at" HH:MM
 *          | monday{, thursday} "at" HH:MM | "month on" D|last "at" HH:MM
 *
 * `N minutes` with N dividing 60 and `N hours` with N dividing 24 follow the wall clock: 15 minutes is
 * `*` `/15 * * * *`, 24 hours is `0 0 * * *`. Whole hours in minutes are hours. Any other N is elapsed time,
 * `@every`, anchored at 1970-01-01T00:00:00Z: 90 minutes is a fire every 90 minutes, for ever, whatever the
 * clocks on the wall do. All others are wall-clock times. */
#ifndef LEAT_CRON_EVERY_H
#define LEAT_CRON_EVERY_H

#include "cron/cron.h"

enum { EVERY_CRON_TEXT = 64 };

/* Compiles a phrase; 0, or -1 with err (never NULL), whose offset is in bytes of the phrase. `cron_text`, if
 * not NULL, gets the cron text that means the same. dst as in cron_options. */
int every_parse(const char *phrase, enum cron_dst dst, struct cron *out, char cron_text[EVERY_CRON_TEXT],
                struct cron_note *err);

#endif
