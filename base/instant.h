/* instant.h: points in time and durations.
 *
 * An instant is microseconds since 1970-01-01T00:00:00Z (proleptic Gregorian, no leap seconds). A duration is
 * microseconds. Wall clock and monotonic clock come from world.h, never from here. */
#ifndef LEAT_BASE_INSTANT_H
#define LEAT_BASE_INSTANT_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef int64_t instant_t;
typedef int64_t duration_t;

#define INSTANT_NONE  INT64_MIN
#define US_PER_MS     INT64_C(1000)
#define US_PER_SECOND INT64_C(1000000)
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR   (60 * US_PER_MINUTE)
#define US_PER_DAY    (24 * US_PER_HOUR)

enum { INSTANT_TEXT = 40, DURATION_TEXT = 32 };

struct civil {
    int64_t year;
    int month, day, hour, minute, second, micros; /* month and day from 1 */
};

int64_t days_from_civil(int64_t year, int month, int day); /* days since 1970-01-01 */
struct civil civil_of(instant_t t);                        /* in UTC */
instant_t instant_of(const struct civil *c);               /* fields are not normalised */

/* RFC 3339 in UTC, fraction only when there is one: 2026-11-20T06:15:00Z. Returns out. */
const char *instant_text(instant_t t, char out[INSTANT_TEXT]);
bool instant_parse(const char *s, instant_t *out); /* RFC 3339 with Z or an offset; nothing else */
/* A day or a wall time, without a zone: 2026-11-20, 2026-11-20 06:15, 2026-11-20T06:15:30. */
bool civil_parse(const char *s, struct civil *out);
/* Pipelines' durations: 30s, 500ms, 5m, 2h, 1d, "20 minutes". A bare number is refused. */
bool duration_parse(const char *s, duration_t *out);
/* For people: 0.2s, 3.1s, 6m20s, 2h05m, 3d04h. Returns out. */
const char *duration_text(duration_t d, char out[DURATION_TEXT]);

#endif
