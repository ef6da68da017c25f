/* tz.h: time zones from the system's zone data (TZif files, RFC 9636).
 *
 * A zone maps instants to local time without doubt; local wall times map back to none (a gap), one, or two
 * instants (an overlap). Past the last transition in the file its footer's rule (POSIX TZ text) goes on for
 * ever. Zone data comes from $TZDIR or /usr/share/zoneinfo; `UTC` needs no file. */
#ifndef LEAT_BASE_TZ_H
#define LEAT_BASE_TZ_H

#include "base/err.h"
#include "base/instant.h"

#include <stdbool.h>
#include <stddef.h>

struct tz;

struct tz_local {
    int32_t offset; /* seconds east of UTC */
    bool dst;
    const char *abbreviation; /* borrowed from the zone, e.g. "CEST" */
};

/* What a wall time stands for. GAP: the clock jumped over it; `first` and `second` are then the instants it
 * would be with the offset before and after the jump (first > second). OVERLAP: first < second both show it.
 */
enum tz_wall { TZ_ONE, TZ_GAP, TZ_OVERLAP };

struct tz *tz_load(const char *name, struct err *err); /* caller frees */
void tz_free(struct tz *z);                            /* NULL is fine */
const char *tz_name(const struct tz *z);

void tz_at(const struct tz *z, instant_t t, struct tz_local *out);
struct civil tz_civil(const struct tz *z, instant_t t); /* local wall time */
enum tz_wall tz_instants(const struct tz *z, const struct civil *wall, instant_t *first, instant_t *second);
/* One instant for a wall time: in a gap the moment of the jump, in an overlap the first. */
instant_t tz_instant(const struct tz *z, const struct civil *wall);
/* The first instant after t at which the offset changes; INSTANT_NONE when there is none. */
instant_t tz_next_change(const struct tz *z, instant_t t);

bool tz_exists(const char *name); /* a zone of that name can be loaded */
/* All names, sorted; malloc'ed strings in a malloc'ed list. NULL and 0 when there is no zone data. */
char **tz_names(size_t *count);
void tz_names_free(char **names, size_t count);
/* The name that was meant, "" when none is near. */
void tz_suggest(const char *name, char *out, size_t size);

/* Parses a POSIX TZ rule such as CET-1CEST,M3.5.0,M10.5.0/3 as a zone; for tests. */
struct tz *tz_from_rule(const char *rule, struct err *err);

#endif
