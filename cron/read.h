/* read.h: a cron text taken apart into items; for cron/ only. parse.c makes masks of them, lint.c looks at
 * how they were written. */
#ifndef LEAT_CRON_READ_H
#define LEAT_CRON_READ_H

#include "base/limits.h"
#include "cron/cron.h"

enum item_kind {
    ITEM_RANGE,        /* low-high/step, in a circle when low > high; one value is a range too */
    ITEM_HASH,         /* H(low-high)/step; step 0: none */
    ITEM_LAST,         /* L-low */
    ITEM_LAST_WEEKDAY, /* L-lowW */
    ITEM_WEEKDAY,      /* lowW */
    ITEM_DOW_LAST,     /* lowL */
    ITEM_NTH,          /* low#high */
};

enum item_form { FORM_STAR, FORM_VALUE, FORM_SPAN, FORM_SPECIAL };

struct item {
    uint8_t kind, form, field;
    bool stepped; /* `/n` is written */
    uint16_t low, high, step;
    uint16_t at, length; /* bytes of the text */
};

struct part {
    uint16_t at, length;
};

/* Each item takes two bytes of the text at least; a field that is not written has one too. */
enum { ITEMS_MAX = LIMIT_CRON_BYTES / 2 + CRON_FIELDS };

struct cron_text {
    struct part zone, nickname;      /* length 0: none */
    struct part fields[CRON_FIELDS]; /* as written; length 0: left out. Of a nickname: in what it means */
    int field_count;                 /* written: 5, 6 or 7 */
    int64_t every;                   /* seconds; 0: fields */
    bool plus;                       /* the day of week begins with `+` */
    bool star[CRON_FIELDS];          /* begins with `*` or `?` */
    uint16_t count;
    struct item items[ITEMS_MAX];
};

/* 0, or -1 with err. The zone is looked up; whether any date matches is not asked. */
int cron_read(const char *text, struct cron_text *out, struct cron_note *err);

extern const char *const cron_field_words[]; /* "second", …, for people; "" for CRON_WHOLE */
extern const char *const cron_field_salts[];
extern const uint16_t cron_field_low[], cron_field_high[];

/* Fills a note; returns -1 so that a caller can write `return cron_say(…)`. */
int cron_say(struct cron_note *n, enum cron_code code, enum cron_field field, struct part at, const char *fmt,
             ...) __attribute__((format(printf, 5, 6)));
int cron_meant(struct cron_note *n, const char *word); /* NULL: nothing is near */
int cron_hint(struct cron_note *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
