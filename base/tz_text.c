/* tz_text.c: instants as people read them. */
#include "base/tz.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const days[] = {"Thu", "Fri", "Sat", "Sun",
                                   "Mon", "Tue", "Wed"}; /* 1970-01-01 was the first */

const char *tz_text(const struct tz *z, instant_t t, char out[TZ_TEXT]) {
    struct tz_local local;
    tz_at(z, t, &local);
    struct civil c = tz_civil(z, t);
    int64_t day = days_from_civil(c.year, c.month, c.day);
    snprintf(out, TZ_TEXT, "%s %04" PRId64 "-%02d-%02d %02d:%02d:%02d %s", days[((day % 7) + 7) % 7], c.year,
             c.month, c.day, c.hour, c.minute, c.second, local.abbreviation);
    return out;
}

const char *tz_text_in(const char *zone, instant_t t, char out[TZ_TEXT]) {
    struct err ignored;
    struct tz *z = tz_load(zone ? zone : "UTC", &ignored);
    if (!z) return instant_text(t, out);
    tz_text(z, t, out);
    tz_free(z);
    return out;
}
