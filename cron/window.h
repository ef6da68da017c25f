/* window.h: which window a firing is about: calendar arithmetic in a zone. Pure.
 *
 *   covers := "previous firing"
 *           | "previous" [N] ("hours" | "days" | "weeks" | "months")       one: without the s
 *           | ("hours" | "days" | "weeks" | "months") "since previous firing"
 *
 * A window is half-open, [start, end), and ends when its firing fires, or before. Units are those of the wall
 * clock and of the calendar in the zone: a day goes from midnight to midnight, so it has 23 or 25 hours when
 * the clocks change; weeks start on Monday. `previous 2 days` are the two whole days before the day of the
 * firing; `days since previous firing` are the whole days from that of the firing before to yesterday.
 *
 * Where units begin:
 *   day, week, month   at the first instant that shows its midnight; where the clock jumps over midnight, at
 *                      the jump. A day that a zone left out (Samoa, 30 December 2011) has no length: it is
 *                      no day, and `previous day` does not count it.
 *   hour               at every instant that shows a full hour, also when that comes twice, and where the
 *                      clock jumps over one. Where it goes back by half an hour, that hour is longer.
 *
 * A firing belongs to the unit of the wall time it stands for: 23:45 that was jumped over and is made up at
 * midnight is still of the day before (Pyongyang, 4 May 2018).
 *
 * Put side by side the windows of a schedule leave no hole and do not overlap when it fires once in each unit
 * (`previous UNIT`), and always with `previous firing` and `UNITs since previous firing`. */
#ifndef LEAT_CRON_WINDOW_H
#define LEAT_CRON_WINDOW_H

#include "base/instant.h"
#include "base/tz.h"

#include <stdbool.h>
#include <stdint.h>

enum window_unit { WINDOW_FIRING, WINDOW_HOUR, WINDOW_DAY, WINDOW_WEEK, WINDOW_MONTH };

struct covers {
    enum window_unit unit;
    bool since;    /* UNITs since previous firing; not with WINDOW_FIRING */
    int32_t count; /* previous N units; 1 with `since` and WINDOW_FIRING. 1 … COVERS_COUNT_MAX */
};

enum { COVERS_TEXT = 48, COVERS_COUNT_MAX = 10000 };

bool covers_parse(const char *text, struct covers *out);
const char *covers_text(const struct covers *c, char out[COVERS_TEXT]); /* canonical; returns out */

/* A fire, and the wall time it stands for (civil seconds, as if UTC): what the clock shows at that instant,
 * or what it jumped over when the fire makes up for that. */
struct firing_at {
    instant_t at;
    int64_t wall;
};
/* An instant as a firing: its wall time is what the clock shows. tz NULL: UTC, here and below. */
struct firing_at firing_at(const struct tz *tz, instant_t t);

/* The window of `fire`, where `before` is the fire before it, which matters only to WINDOW_FIRING and
 * `since`; else NULL will do. An empty window (start == end: the second firing of a day with `days since
 * previous firing`) is about nothing. */
void window_of(const struct covers *c, const struct tz *tz, const struct firing_at *before,
               const struct firing_at *fire, instant_t *start, instant_t *end);

/* The start of the unit that holds t, and the start of the n-th unit before the one that starts at `start`.
 * unit is not WINDOW_FIRING. */
instant_t unit_floor(enum window_unit unit, const struct tz *tz, instant_t t);
instant_t unit_back(enum window_unit unit, const struct tz *tz, instant_t start, int32_t n);
/* The start of the unit after the one that holds t. */
instant_t unit_next(enum window_unit unit, const struct tz *tz, instant_t t);

#endif
