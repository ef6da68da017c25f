/* when.h: points and spans of time as people type and read them (design: cli.md "Time syntax").
 *
 *   an instant   2026-11-19  2026-11-19T10  2026-11-19T10:30[:15]  2026-11-19T10:30[:15]Z or +01:00  now  today
 *                yesterday  tomorrow  monday (the last one, today included)  -2h  7d ago
 *   a window     a day, hour, month (2026-11) or one of the words: that whole span; A..B: [A, B)
 *
 * Wall times are those of the zone given; a whole day is from midnight to midnight there, 23 or 25 hours when
 * the clocks change. */
#ifndef LEAT_CLI_WHEN_H
#define LEAT_CLI_WHEN_H

#include "base/err.h"
#include "base/instant.h"
#include "base/tz.h"

enum { WHEN_TEXT = 96 };

struct span_of_time {
    instant_t start, end; /* half-open */
};

/* Both: 0, or -1 with err (usage) that shows what can be written. */
int when_instant(const char *text, const struct tz *tz, instant_t now, instant_t *out, struct err *err);
int when_window(const char *text, const struct tz *tz, instant_t now, struct span_of_time *out,
                struct err *err);

/* "Sat 2026-11-21 06:15:00 CET"; "" for INSTANT_NONE. Return out. */
const char *when_text(const struct tz *tz, instant_t t, char out[WHEN_TEXT]);
/* The same without seconds where there are none: "Sat 2026-11-21 06:15 CET". */
const char *when_minute(const struct tz *tz, instant_t t, char out[WHEN_TEXT]);
/* As it is typed: "2026-11-21", "2026-11-21 06:15". */
const char *when_short(const struct tz *tz, instant_t t, char out[WHEN_TEXT]);
/* "2026-11-19" for a whole day, "2026-11" for a month, else both ends; "" for no window. */
const char *when_window_text(const struct tz *tz, const struct span_of_time *w, const char *arrow,
                             char out[WHEN_TEXT]);

#endif
