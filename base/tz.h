/* tz.h: time zones from the system's zone data (TZif files of version 2 and later, RFC 9636).
 *
 * A zone maps instants to local time without doubt; local wall times map back to none (a gap), one, or two
 * instants (an overlap). Past the last transition in the file its footer's rule (POSIX TZ text) goes on for
 * ever. Zone data comes from $TZDIR or /usr/share/zoneinfo; `UTC` needs no file. Files that count leap
 * seconds (`right/`) are refused: they do not speak of POSIX time.
 *
 * A loaded zone never changes. That its file has changed is for the caller to notice (tz_changed, or a watch
 * on tz_folder()), to load it again, and to ask again whatever it asked before. */
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

/* A longest stretch [from, to) of instants with one offset; INT64_MIN and INT64_MAX where it has no end. */
struct tz_segment {
    int64_t from, to; /* seconds since 1970 */
    int32_t offset;   /* seconds east of UTC */
};

enum { TZ_NAME = 65, TZ_VERSION = 32, TZ_OFFSET_MAX = 93599 };

struct tz *tz_load(const char *name, struct err *err); /* caller frees */
/* The same zone for another owner: each calls tz_free. NULL in, NULL out. */
struct tz *tz_share(const struct tz *z);
void tz_free(struct tz *z); /* NULL is fine */
const char *tz_name(const struct tz *z);
/* The file of the zone is another one than the one it was loaded from, or gone. Costs a stat. */
bool tz_changed(const struct tz *z);
/* Both say the same about every instant: what a changed file need not disturb. */
bool tz_same(const struct tz *a, const struct tz *b);
/* A number of what it says, to be kept: another one where another zone says something else. z NULL: UTC. */
uint64_t tz_digest(const struct tz *z);

void tz_at(const struct tz *z, instant_t t, struct tz_local *out);
struct civil tz_civil(const struct tz *z, instant_t t); /* local wall time */
/* As people read it: "Sat 2026-11-21 06:15:00 CET". Return out. */
enum { TZ_TEXT = 64 };
const char *tz_text(const struct tz *z, instant_t t, char out[TZ_TEXT]);
const char *tz_text_in(const char *zone, instant_t t,
                       char out[TZ_TEXT]); /* UTC where there is no such zone */
enum tz_wall tz_instants(const struct tz *z, const struct civil *wall, instant_t *first, instant_t *second);
/* One instant for a wall time: in a gap the moment of the jump, in an overlap the first. */
instant_t tz_instant(const struct tz *z, const struct civil *wall);
/* The first instant after t at which the offset changes; INSTANT_NONE when there is none. */
instant_t tz_next_change(const struct tz *z, instant_t t);
/* The stretch that holds t (seconds): adjacent stretches of one offset are one. For t before the year 2200
 * it costs a search in a table; what comes after is as if it went on for ever. */
struct tz_segment tz_segment(const struct tz *z, int64_t t);

bool tz_exists(const char *name); /* a zone of that name can be loaded */
/* All names, sorted; malloc'ed strings in a malloc'ed list. NULL and 0 when there is no zone data. */
char **tz_names(size_t *count);
void tz_names_free(char **names, size_t count);
/* The name that was meant, "" when none is near. */
void tz_suggest(const char *name, char *out, size_t size);

const char *tz_folder(void); /* where zone data is looked for; of the environment, or a constant */
/* A number that changes when the zone data as a whole is replaced; 0 when there is none. Cheap enough for
 * every minute. Packages replace file by file: ask tz_changed of each zone until it is still. */
uint64_t tz_database_stamp(void);
/* The version of the zone data, "2025b"; "" when it does not say. */
void tz_database_version(char out[TZ_VERSION]);

/* Parses a POSIX TZ rule such as CET-1CEST,M3.5.0,M10.5.0/3 as a zone; for tests. */
struct tz *tz_from_rule(const char *rule, struct err *err);

#endif
