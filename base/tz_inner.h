/* tz_inner.h: what a loaded zone holds; for the files of tz.h only.
 *
 * tz_file.c reads TZif, tz_rule.c POSIX rules, tz.c answers, tz_names.c knows the folder. */
#ifndef LEAT_BASE_TZ_INNER_H
#define LEAT_BASE_TZ_INNER_H

#include "base/tz.h"

#include <stdatomic.h>
#include <sys/stat.h>

enum { TZ_ABBREVIATION = 16 };

struct tz_type {
    int32_t offset;
    bool dst;
    const char *abbreviation;
};

/* When a rule changes, in local wall time of the side it leaves. */
struct tz_date {
    enum { DAY_JULIAN, DAY_ZERO, DAY_MONTH } form; /* Jn, n, Mm.w.d */
    int month, week, day;
    int32_t time; /* seconds after local midnight, -167 to 167 hours */
};

struct tz_rule {
    bool present, has_dst;
    struct tz_type standard, daylight;
    struct tz_date start, end; /* of daylight time */
    char names[2][TZ_ABBREVIATION];
};

/* From `at` on the offset is `offset`, until the next one; never equal to its neighbour's. */
struct tz_jump {
    int64_t at;
    int32_t offset;
};

struct tz {
    char *name;
    char *path;       /* of the file; NULL: made without one */
    struct stat stat; /* of the file, before it was read */
    char *data;       /* the file; abbreviations point into it */
    int64_t *times;   /* of the transitions */
    uint8_t *indexes; /* their types */
    size_t time_count;
    struct tz_type *types;
    size_t type_count;
    struct tz_rule rule;   /* after the last transition */
    atomic_uint shares;    /* besides the first one */
    struct tz_jump *jumps; /* all changes of the offset until the year 2200; the first is at INT64_MIN */
    size_t jump_count;
};

bool tz_rule_parse(const char *text, struct tz_rule *out);
const struct tz_type *tz_rule_type(const struct tz_rule *r, int64_t t);
/* The first change of the rule after t; INT64_MAX: it has none. */
int64_t tz_rule_next(const struct tz_rule *r, int64_t t);

/* Fills z from a file's bytes, which z->data holds; NULL, or why it is refused. */
const char *tz_file_parse(struct tz *z, size_t len);

bool tz_name_is_safe(const char *s); /* a path below the folder, and nothing else */

#endif
