/* clock_doubt.c: a wall clock that cannot be right: of a machine that has no time yet (1970), or was given a
 * wrong one (2200).
 *
 * By such a clock nothing is decided: no slot, no end of a pause, no schedule enters or changes. A schedule
 * that was first seen in 1970 would be half a century behind the moment the clock is set, and one that runs
 * all it missed would run until its disk is full. What is asked for by hand runs; when the clock is set,
 * schedules go on where they were. A clock that is wrong by less is the timetable's (timetable.h). */
#include "scheduler/conductor/inner.h"

#include "base/json.h"

/* Leat is younger than the one; what is scheduled ends with 2199, and no machine of today sees the other. */
#define FIRST_PLAUSIBLE (INT64_C(1577836800) * US_PER_SECOND) /* 2020-01-01 */
#define LAST_PLAUSIBLE  (INT64_C(4102444800) * US_PER_SECOND) /* 2100-01-01 */

bool clock_doubted(const struct conductor *c) {
    instant_t now = turn_wall(c);
    return now < FIRST_PLAUSIBLE || now >= LAST_PLAUSIBLE;
}

/* Nothing is waited for but that somebody sets the clock. */
instant_t clock_doubt_until(const struct conductor *c) {
    instant_t now = turn_wall(c);
    return (now > LAST_PLAUSIBLE ? now : LAST_PLAUSIBLE) + 36525 * US_PER_DAY;
}

void clock_doubt_report(struct conductor *c, bool doubted) {
    report(c, "clock", 0, NULL,
           doubted ? json_pack("{ss ss}", "what", "the clock cannot be right: no schedule is decided by it",
                               "hint", "set it; a daemon that serves notices at once")
                   : json_pack("{ss}", "what", "the clock can be right again: schedules go on"));
}
