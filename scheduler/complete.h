/* complete.h: whether a dataset is complete for a span of time: by the runs that are due to write it, not by
 * what it holds. For `wait: {for: DATASET, complete: …}`, for `after: {all: […], same: day|month}`, and for
 * `leat why`.
 *
 * A dataset is complete for [start, end) when every pipeline that writes it has done what it was due to do
 * there:
 *
 *   a schedule with a clock   every slot whose window meets the span has been decided, and its run ended ok
 *                             or warn in its newest generation, or another run of exactly that window did (a
 *                             backfill, one by hand). A skipped slot was due and is not done: nobody knows
 *                             that its data is there, until such a run says so. A day that a calendar leaves
 *                             out has no slot and is not due
 *   `after:` datasets         those must be complete themselves, every version of them that meets the span
 *                             must have been decided, and every run this started for a window that meets it
 *                             must have ended well; with `same:` every day or month that meets the span must
 *                             have had its run
 *   no schedule               nothing is due
 *
 * Where more slots would have to be looked at one by one than LIMIT_COMPLETE_SLOTS, it is not known, and so
 * not complete.
 *
 * Where nothing at all is due in the span, a version says it: one that was published since the span ended. */
#ifndef LEAT_SCHEDULER_COMPLETE_H
#define LEAT_SCHEDULER_COMPLETE_H

#include "base/tz_set.h"
#include "dag/wiring.h"
#include "store/store.h"

struct complete_asks {
    struct store *store;
    struct tz_set *zones;
    const struct wiring *wiring; /* who writes what */
};

/* 1: complete; 0: not yet, *why says what is missing (in the arena); -1 with err. */
int complete_span(const struct complete_asks *q, const char *dataset, instant_t start, instant_t end,
                  struct arena *a, const char **why, struct err *err);
/* Likewise: whether something was published, at or after `since` (INSTANT_NONE: ever). */
int complete_published(const struct complete_asks *q, const char *dataset, instant_t since, struct arena *a,
                       const char **why, struct err *err);

/* The name under which the part of a schedule that starts after datasets has its row, its slots and its runs:
 * what the clock decides about a schedule and what datasets do never meet. In the arena. */
const char *after_name(struct arena *a, const char *schedule);
/* The name of the schedule itself, and whether it is that part; n: length of the name. */
bool after_part(const char *row_name, size_t *n);
/* The local day or month that t lies in; same is SAME_DAY or SAME_MONTH. */
void after_unit(const struct schedule *s, instant_t t, instant_t *start, instant_t *end);

#endif
