/* triggers.h: schedules that start after datasets: what the two files that look after them share. Private to
 * this folder.
 *
 *   triggers.c         who starts after what: definitions, the index by datasets, what happened in this turn
 *   trigger_decide.c   which versions start a run, for which window, and what becomes of it
 *
 * What has been decided is in the database: a cursor for each (schedule, dataset), `trigger_seen`, and a slot
 * for each firing. A turn that publishes decides at its end, in the same transaction; what nobody decided
 * about (another command published, a pause, a daemon that was draining) lies beyond the cursors and is
 * decided when the trigger is looked at again, at the latest by the next daemon. So a version is decided
 * once, whatever dies when. */
#ifndef LEAT_SCHEDULER_CONDUCTOR_TRIGGERS_H
#define LEAT_SCHEDULER_CONDUCTOR_TRIGGERS_H

#include "scheduler/conductor/inner.h"

struct time_span {
    instant_t start, end;
};

/* One schedule of one pipeline, as far as it starts after datasets. */
struct trigger {
    int64_t id; /* of its row, whose name is after_name() of the schedule's */
    struct lane *lane;
    struct schedule *schedule; /* a copy */
    char *name;                /* of the row */
    instant_t since;           /* when the row was made */
    instant_t last_fire;       /* of its newest slot; INSTANT_NONE: there is none, or not asked yet */
    instant_t ends;            /* it goes: what was published up to here is decided; INSTANT_NONE: it stays */
    bool seen, dirty;
    bool open; /* with same: every day that is not decided is to be looked at */
    struct time_span *spans;
    size_t span_count, span_cap; /* with same: windows that something happened in */
    struct trigger *sibling;     /* of the same pipeline */
};

/* How what came up to an instant is decided, when a pause has ended; HELD_BEFORE: it came before the pause,
 * like any other. */
struct held {
    instant_t until;
    enum { HELD_BEFORE, HELD_NONE, HELD_LATEST, HELD_ALL } catch_up;
};

/* Decides what is new, in a turn: 1: there is more, for the next turn; 0; -1 with err. held NULL: no pause
 * has ended; else all that came until it did is decided at once. */
int trigger_decide(struct conductor *c, struct trigger *t, const struct held *held, struct err *err);
/* Every cursor where its dataset stands; those of datasets it does not start after are let go. anew: also
 * those that are there. In a transaction. */
int trigger_cursors(struct conductor *c, const struct trigger *t, bool anew, struct err *err);

#endif
