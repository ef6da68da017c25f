/* explain.h: schedules in words, and what changes of the clock do to them. */
#ifndef LEAT_CRON_EXPLAIN_H
#define LEAT_CRON_EXPLAIN_H

#include "cron/cron.h"

/* What a schedule means: "at 06:15 on Monday to Friday". One line, no full stop. */
void cron_explain(const struct cron *c, struct buf *out);

/* What one change of a zone's offset does to a schedule. */
enum cron_effect_kind {
    CRON_EFFECT_NONE,     /* no run is there: only the day has another length */
    CRON_EFFECT_MADE_UP,  /* wall times that the clock jumps over run together at the jump */
    CRON_EFFECT_LEFT_OUT, /* wall times that the clock jumps over are left out; runs around them stand in */
    CRON_EFFECT_ONCE,     /* wall times that come twice run the first time only */
    CRON_EFFECT_TWICE,    /* wall times that come twice run both times */
};

struct cron_effect {
    enum cron_effect_kind kind;
    instant_t at;          /* the change */
    int32_t before, after; /* offsets, seconds east of UTC */
    int64_t first, last;   /* wall times it is about, in seconds as if in UTC; not of NONE */
    duration_t day;        /* how long the local day is that begins last at the change */
};

/* The first change of the offset in (after, until]; false: there is none. */
bool cron_effect_next(const struct cron_clock *k, instant_t after, instant_t until, struct cron_effect *out);
/* "2027-03-28 has 23 hours: 02:00 to 03:00 does not exist; the run of 02:30 is at 03:00" */
void cron_effect_text(const struct cron_effect *e, struct buf *out);

#endif
