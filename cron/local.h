/* local.h: which civil seconds match, whatever the zone; for cron/ only.
 *
 * Civil seconds are seconds since 1970-01-01T00:00:00 as a calendar without a zone counts them. */
#ifndef LEAT_CRON_LOCAL_H
#define LEAT_CRON_LOCAL_H

#include "cron/cron.h"

#define CRON_LOCAL_END INT64_C(7258118400) /* 2200-01-01T00:00:00 */

/* The first match not before l, the last match not after l. false: there is none between 1970 and 2199. Not
 * for @every. */
bool cron_local_next(const struct cron *c, int64_t l, int64_t *out);
bool cron_local_prev(const struct cron *c, int64_t l, int64_t *out);
bool cron_local_match(const struct cron *c, int64_t l);

/* How many dates match. */
int cron_local_dates(const struct cron *c);

#endif
