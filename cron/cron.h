/* cron.h: schedules as sets of instants: the cron dialect of docs/reference/cron.md, compiled.
 *
 * An expression and a zone together denote a fire set F of whole UTC seconds. Everything here is a question
 * about that set, and no two functions answer it differently:
 *
 *   next(t) = min{f in F: f > t}     prev(t) = max{f in F: f < t}     at_or_after(t) = min{f in F: f >= t}
 *
 * F holds only civil times of the years 1970 to 2199; past either end the answer is INSTANT_NONE, never an
 * error and never a long search.
 *
 * From civil times to instants (a civil second matches when every field does):
 *   A  an instant is in F when its civil second matches; a FIXED schedule skips the second pass of a civil
 *      second that a backward change of the clock repeats, an INTERVAL schedule runs in both;
 *   B  where the clock jumps over civil seconds G (a gap), the instant of the jump is in F when some second
 *      of G matches and nothing covers it. Covered: the schedule is INTERVAL, or the gap is a day or more,
 *      and the same second plus the length of the gap matches too.
 * A schedule is INTERVAL when the text of its seconds, minutes or hours has a `*`, a range or a step. */
#ifndef LEAT_CRON_CRON_H
#define LEAT_CRON_CRON_H

#include "base/buf.h"
#include "base/instant.h"
#include "base/tz.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* name in the program, name of the field for people, word that salts H, lowest, highest value */
#define CRON_FIELD_LIST(X)                                                                                   \
    X(SECOND, "second", "second", 0, 59)                                                                     \
    X(MINUTE, "minute", "minute", 0, 59)                                                                     \
    X(HOUR, "hour", "hour", 0, 23)                                                                           \
    X(DOM, "day of month", "dom", 1, 31)                                                                     \
    X(MONTH, "month", "month", 1, 12)                                                                        \
    X(DOW, "day of week", "dow", 0, 7)                                                                       \
    X(YEAR, "year", "", CRON_YEAR_MIN, CRON_YEAR_MAX)

enum { CRON_YEAR_MIN = 1970, CRON_YEAR_MAX = 2199 };

enum cron_field {
#define X(name, words, salt, low, high) CRON_##name,
    CRON_FIELD_LIST(X)
#undef X
        CRON_FIELDS,
    CRON_WHOLE = CRON_FIELDS /* of a note: not about one field */
};

/* What can be said about a text: errors are E_…, warnings W_… X(name, title) */
#define CRON_CODE_LIST(X)                                                                                    \
    X(E_EMPTY, "nothing is there")                                                                           \
    X(E_LONG, "the text is too long")                                                                        \
    X(E_COUNT, "not 5, 6 or 7 fields")                                                                       \
    X(E_CHAR, "a character that has no place there")                                                         \
    X(E_SYNTAX, "an item that cannot be read")                                                               \
    X(E_VALUE, "not a value of the field")                                                                   \
    X(E_RANGE, "outside of what the field takes")                                                            \
    X(E_STEP, "a step that the field cannot take")                                                           \
    X(E_HASH, "`H` where it cannot be")                                                                      \
    X(E_NEVER, "no date ever matches")                                                                       \
    X(E_MACRO, "an unknown nickname")                                                                        \
    X(E_DURATION, "not a duration of `@every`")                                                              \
    X(E_TZ, "an unknown time zone")                                                                          \
    X(E_EVENT, "an event, which has no times")                                                               \
    X(E_PHRASE, "not a schedule in words")                                                                   \
    X(E_TIME, "not a time of day")                                                                           \
    X(W_STAR_STEP, "`*/n` beside another day field: both must match")                                        \
    X(W_BOTH_DAYS, "two day fields: either may match")                                                       \
    X(W_STEP_GT_RANGE, "a step wider than its range")                                                        \
    X(W_UNEVEN_STEP, "a step that leaves a shorter stretch at the end")                                      \
    X(W_DOM_29_31, "a day that some months do not have")                                                     \
    X(W_RARE, "more than five years from one date to the next")

enum cron_code {
#define X(name, title) CRON_##name,
    CRON_CODE_LIST(X)
#undef X
};

extern const char *const cron_code_names[]; /* "E_EMPTY", … by enum cron_code */

struct cron_nickname {
    const char *name, *means; /* "@daily", "0 0 * * *" */
};
extern const struct cron_nickname cron_nicknames[]; /* name NULL at the end */

/* An error or a warning about the bytes [offset, offset + length) of the text; length 0: the whole of it. */
struct cron_note {
    enum cron_code code;
    enum cron_field field;
    uint32_t offset, length;
    char message[200];   /* stands alone, one line */
    char hint[200];      /* what to write instead; "" when nothing is clear */
    char meant[TZ_NAME]; /* what those bytes were meant to be; "" when it is not that clear */
};

enum cron_dst { CRON_DST_AUTO, CRON_DST_FIXED, CRON_DST_INTERVAL };

struct cron_options {
    const char *seed;  /* of H; NULL: H is an error */
    enum cron_dst dst; /* overrides what the text says about FIXED and INTERVAL */
    instant_t anchor;  /* of @every: its instants are anchor + k * D; whole seconds. 0: the epoch */
};

/* A compiled expression: plain data, owns nothing, copied by assignment. Bit v of a mask is value v. What
 * its members mean is for cron/ alone; others ask the functions below. */
struct cron {
    uint64_t second, minute;
    uint64_t year[4];      /* bit y - 1970 */
    int64_t every, anchor; /* seconds; every 0: the masks say it */
    uint32_t hour;
    uint32_t dom, weekday;       /* days of month; days whose nearest Monday to Friday it is */
    uint32_t last, last_weekday; /* bit n: n days before the last of the month; the weekday nearest to it */
    uint16_t month;
    uint16_t zone_at;              /* the zone in front: bytes of the text */
    uint8_t zone_len;              /* 0: none */
    uint8_t dow, dow_last, nth[5]; /* bit 0 is Sunday; nth[k]: the k + 1-th of the month */
    bool either;                   /* day of month OR day of week; else both must match */
    bool interval;                 /* INTERVAL; else FIXED */
    bool any_day, any_month;       /* full: need no look */
};

/* Compiles a text. 0, or -1 with err (never NULL), whose offset is in bytes of text. A zone in front of the
 * text is checked against the zone data. opts may be NULL. */
int cron_parse(const char *text, const struct cron_options *opts, struct cron *out, struct cron_note *err);

/* The zone in front of `text`, from which c was parsed; false, and out untouched, when there is none. */
bool cron_zone(const struct cron *c, const char *text, char out[TZ_NAME]);

/* Warnings about a text that cron_parse accepts; returns how many of at most CRON_NOTES_MAX it wrote. */
enum { CRON_NOTES_MAX = 8 };
size_t cron_lint(const char *text, const struct cron_options *opts, struct cron_note out[CRON_NOTES_MAX]);

/* The canonical text, without a zone: H is resolved, lists are sorted, names are numbers. Two texts that
 * compile to the same schedule print the same, and the text compiles to the same schedule again. */
void cron_print(const struct cron *c, struct buf *out);
bool cron_same(const struct cron *a, const struct cron *b); /* the zone in front does not count */

/* ---- asking ---- */

/* One schedule in one zone, and the part of the zone that was last looked at: asking about nearby instants
 * costs no search. Caller-owned, borrows both; not for two threads at once. `schedule` and `tz` do not
 * change while it is used; after new zone data make it anew. */
struct cron_clock {
    const struct cron *schedule;
    const struct tz *tz;       /* NULL: UTC */
    struct tz_segment segment; /* the stretch with one offset around the last instant */
    int64_t seen;              /* civil seconds below this may have been there before this segment */
};

void cron_clock_init(struct cron_clock *k, const struct cron *schedule, const struct tz *tz);

/* Instants are microseconds; fires are whole seconds. INSTANT_NONE: there is none. */
instant_t cron_next(struct cron_clock *k, instant_t t);        /* the first fire after t */
instant_t cron_prev(struct cron_clock *k, instant_t t);        /* the last fire before t */
instant_t cron_at_or_after(struct cron_clock *k, instant_t t); /* the first fire not before t */
bool cron_match(struct cron_clock *k, instant_t t);            /* t is a fire */

/* ---- hashing ---- */

/* h(seed, salt): FNV-1a over seed, 0x1f, salt, then murmur3's finaliser. The same for ever: H and jitter
 * depend on it. */
uint64_t cron_hash(const char *seed, const char *salt);

#endif
