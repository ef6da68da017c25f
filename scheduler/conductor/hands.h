/* hands.h: the clock's schedules: what the two files that look after them share. Private to this folder.
 *
 *   clock.c   the wall clock wakes the loop; what a tick decided becomes rows
 *   hands.c   schedules come, change and go */
#ifndef LEAT_SCHEDULER_CONDUCTOR_HANDS_H
#define LEAT_SCHEDULER_CONDUCTOR_HANDS_H

#include "scheduler/conductor/inner.h"

#include "scheduler/timetable/timetable.h"

/* What a pause held back, while not all of it is decided (pauses.c). */
struct held {
    instant_t from, until; /* until 0: nothing */
    enum catch_up catch_up;
};
void held_put(json_t *rule, const struct held *h);
bool held_read(const char *rule, struct held *out);

/* One schedule of one pipeline. */
struct hand {
    int64_t id; /* of its row */
    struct lane *lane;
    struct schedule *schedule, *next; /* next: of an edit that is not in force yet */
    struct held held;                 /* by a pause that is over; until 0: nothing */
    bool seen, leaving;
    bool is_behind;       /* the clock was set back: slots ahead of its cursor have outcomes */
    bool listed;          /* with those that leave; it may have come back since */
    struct hand *sibling; /* of the same pipeline */
    struct hand *next_leaving;
};

struct clock {
    struct timetable *timetable;
    struct timetable_out out;
    struct idmap hands;   /* by id */
    struct hand *leaving; /* those that are listed */
    instant_t armed;      /* what the loop waits for; INSTANT_NONE: nothing, or it is due already */
    duration_t lag;       /* how late it woke for it the last time */
    uv_poll_t poll;
    int fd;
    bool doubted; /* the clock, in the turn before */
    bool waits;   /* some definition does, for a clock that can be right */
};

/* Those of every definition come, those that no file has any more go. In a transaction; a failure is the
 * conductor's. */
void hands_enter_all(struct conductor *c);
void hands_let_go(struct conductor *c); /* in a turn, after its tick: those of which all is decided */
void hand_free(struct hand *h);

#endif
