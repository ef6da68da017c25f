/* explain.h: schedules in words, and what changes of the clock do to them. */
#ifndef LEAT_CRON_EXPLAIN_H
#define LEAT_CRON_EXPLAIN_H

#include "cron/cron.h"

/* What a text means, such as "at 06:15, Monday to Friday". The text must be one that cron_parse accepts with
 * these options. No full stop. */
void cron_explain(const char *text, const struct cron_options *opts, struct buf *out);

/* What one change of a zone's offset does to a schedule. */
enum cron_effect_kind {
    CRON_EFFECT_NONE,
    CRON_EFFECT_MADE_UP,     /* a wall time that the clock jumps over runs at the moment of the jump */
    CRON_EFFECT_JUMPED_OVER, /* wall times that do not exist; the runs around them stand in */
    CRON_EFFECT_ONCE,        /* a wall time that comes twice runs in its first pass only */
    CRON_EFFECT_TWICE,       /* wall times that come twice run in both passes */
};

struct cron_effect {
    enum cron_effect_kind kind;
    instant_t at;          /* of the change */
    int32_t before, after; /* offsets, seconds east of UTC */
    int64_t wall;          /* CIVIL seconds (as if UTC) of the first wall time it is about */
    bool fires_at;         /* there is a fire at the very instant of the change */
};

/* The first change of the offset in (after, until] that matters to the schedule, INSTANT_NONE `until`: no
 * end. false: there is none. */
bool cron_effect_next(struct cron_clock *k, instant_t after, instant_t until, struct cron_effect *out);
/* "2027-03-28: 02:00 to 03:00 does not exist; the run of 02:30 is at 03:00", without a full stop. */
void cron_effect_text(const struct cron_effect *e, struct buf *out);

/* The length of the local day that holds t: 23, 24 or 25 hours, or what the zone makes of it. tz NULL: UTC */
duration_t cron_day_length(const struct tz *tz, instant_t t);

#endif
