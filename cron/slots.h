/* slots.h: the slots of a schedule: which of its fires count, and the window of each.
 *
 *   F    the fires of its cron texts together; one instant is one fire
 *   F'   F without the fires on dates of its calendar; windows are taken on F'
 *   S    the fires of F' whose windows lie within [start, end) and are not empty: its slots
 *
 * Windows of later slots start and end no earlier, so every question here costs a few steps of cron_next or
 * cron_prev, however far away `start` is. Two slots may share a window (`previous day` of an hourly
 * schedule). A backfill over [A, B) is the walk through the slots of the same rule with start = A, end = B.
 */
#ifndef LEAT_CRON_SLOTS_H
#define LEAT_CRON_SLOTS_H

#include "cron/cron.h"
#include "cron/window.h"

/* Days since 1970-01-01, both included. */
struct date_range {
    int64_t first, last;
};

/* After an edit: what was scheduled up to `at` was decided by other words, whose last window ended at `end`.
 * The windows go on from there:
 *
 *   previous firing, UNITs since   fires up to `at` are no slots; the first window after it starts at `end`
 *   previous [N] UNITs             fires up to `at` are slots only when their windows start at `end` or
 *                                  later: no window is left out because its new fire is past, none comes
 *                                  twice */
struct slot_join {
    bool there;    /* there was an edit */
    bool overlaps; /* windows overlapped then, as rolling ones do: no fire up to `at` is a slot */
    instant_t at, end;
};

/* What a schedule says. Plain data; everything pointed to is borrowed and does not change. */
struct slot_rule {
    const struct cron *crons; /* none: no slots */
    size_t cron_count;
    const struct tz *tz; /* of crons and windows; NULL: UTC */
    struct covers covers;
    instant_t start, end; /* bounds of windows; INSTANT_NONE: none */
    struct slot_join join;
    const struct date_range *closed; /* the calendar: dates without fires; sorted, disjoint */
    size_t closed_count;
    const struct tz *closed_tz; /* whose dates; NULL: those of tz */
};

struct slot {
    instant_t fire;
    instant_t start, end; /* its window */
};

/* A rule being asked: it keeps the place in the zone that was last looked at. Not for two threads at once. */
struct slots;

/* The rule is copied, what it points to borrowed. */
struct slots *slots_new(const struct slot_rule *rule);
void slots_free(struct slots *s); /* NULL is fine */
const struct slot_rule *slots_rule(const struct slots *s);

/* All: false when there is none, *out is then unchanged. */
bool slots_next(struct slots *s, instant_t t, struct slot *out);  /* the first that fires after t */
bool slots_prev(struct slots *s, instant_t t, struct slot *out);  /* the last that fires before t */
bool slots_at(struct slots *s, instant_t fire, struct slot *out); /* the one that fires then */
/* The slot after the one in *slot, which came from these slots: the cheap way to walk through them. */
bool slots_step(struct slots *s, struct slot *slot);

/* The fires of F', whatever start and end say; INSTANT_NONE: there is none. */
instant_t slots_fire_next(struct slots *s, instant_t t);
instant_t slots_fire_prev(struct slots *s, instant_t t);
/* The window of a fire of F', whatever start and end say. false: it is the first fire of all. */
bool slots_window(struct slots *s, instant_t fire, struct slot *out);

/* The last slot that has fired at t or before: its window is the last complete one (contract: `run` without
 * a window). */
bool slots_complete(struct slots *s, instant_t t, struct slot *out);
/* Where the clock of a new schedule begins: at `now`, or, when slots with a given `start` lie before that,
 * just before the first of them. */
instant_t slots_first_cursor(struct slots *s, instant_t now);

/* How other words go on after these slots when they are in force from `at` on. Slots up to `since`, when the
 * schedule was made (INSTANT_NONE: not known), were decided only when there is a `start`; when none was,
 * there is nothing to join. */
struct slot_join slots_join(struct slots *s, instant_t at, instant_t since);

/* Fires up to the join may be slots. */
bool slots_before_join(const struct slots *s);

/* Why a rule has no slot at all. X(name) */
#define SLOTS_FAULT_LIST(X)                                                                                  \
    X(NONE)   /* it has some */                                                                              \
    X(NEVER)  /* its texts never fire */                                                                     \
    X(CLOSED) /* its calendar forbids every fire */                                                          \
    X(BOUNDS) /* no window lies between start and end */

enum slots_fault {
#define X(name) SLOTS_##name,
    SLOTS_FAULT_LIST(X)
#undef X
};
enum slots_fault slots_fault(struct slots *s);

#endif
