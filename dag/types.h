/* types.h: what people write for each kind of plain value: one parser a kind, chosen by a table.
 *
 * The parsers take the untouched text of a scalar. Ones that fail fill a complaint: what is wrong, what was
 * found, and, when it is clear, what was meant. */
#ifndef LEAT_DAG_TYPES_H
#define LEAT_DAG_TYPES_H

#include "base/fields.h"

#include <stdbool.h>
#include <stdint.h>

struct parsed {
    bool yes;
    int64_t integer; /* counts, microseconds, bytes */
    double real;
    bool is_real; /* NUMBER: real rather than integer holds it */
};

struct complaint {
    char code[8];
    char message[240];
    char label[240];
    char meant[80];      /* "" when nothing is near */
    uint32_t start, end; /* part of the text; end 0: all of it */
};

/* Parses text as `f` wants it (kinds without inner structure: BOOL … DATASET; TEXT always succeeds). */
bool type_parse(const struct field *f, const char *text, struct parsed *out, struct complaint *c);
bool type_is_scalar(enum field_kind kind); /* type_parse knows it */

bool text_is_name(const char *s, size_t n);                 /* ^[a-z][a-z0-9_]{0,62}$ */
bool text_is_dataset(const char *s);                        /* two names with a dot between */
bool text_is_integer(const char *s);                        /* canonical: -?(0|[1-9][0-9]*), fits 64 bits */
bool text_is_decimal(const char *s);                        /* digits with one point, no exponent */
bool text_is_date(const char *s);                           /* a real day as YYYY-MM-DD */
bool parse_day(const char *s, int64_t *day);                /* the same, as days since 1970-01-01 */
bool parse_size(const char *s, int64_t *out);               /* 64MiB, 2 GB, 512B */
bool parse_percent(const char *s, double *out);             /* 1% is 0.01 */
bool parse_time_of_day(const char *s, struct complaint *c); /* c->label says which part is wrong */

/* {"name", "name", …} of an enum as "`a`, `b` or `c`". */
const char *words_text(const char *const *words, char *out, size_t size);

#endif
