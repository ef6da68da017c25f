/* backfill.h: the plan of a backfill: the windows of a pipeline in [from, to), what becomes of each, and why.
 * Pure: what is in the database it asks through an interface, for all windows at once.
 *
 *   windows   those of the slots of its schedule, where they lie inside [from, to) and not before the
 *             schedule's `start` (its `end` does not matter here); without a schedule, or with `every`: local
 *             units of time
 *   action    run, keep (it is there already, or somebody else's), refuse (it cannot be done; the rest can)
 *
 *   newest run of the window   --redo never   --redo failed   --redo all
 *   none, skipped, withdrawn   run            run             run
 *   ok, warn                   keep           keep            run
 *   failed, cancelled          keep           run             run
 *   queued, running            keep           keep            keep
 *
 * A window that its schedule will run is left to it (backfill_due.c), whatever is asked for.
 *
 * With `missing` runs do not count but those under way: a window runs when some output does not have it. Runs
 * of a part of the pipeline (--step, --from-step) count only for a plan of the same part; whole ones count
 * for all.
 *
 * The same question of the same database has the same answer: a plan has a token, so that what is written
 * down is what was shown. */
#ifndef LEAT_SCHEDULER_BACKFILL_H
#define LEAT_SCHEDULER_BACKFILL_H

#include "base/arena.h"
#include "dag/pipeline.h"
#include "scheduler/plans/days.h" /* struct time_span */
#include "store/windows.h"        /* struct window_run; declarations only */

struct plan_request {
    const char *pipeline;
    instant_t from, to;
    const char *schedule; /* whose windows; NULL: the first that the clock fires */
    const char *every;    /* "day", "6 hours": units instead of slots; NULL */
    enum backfill_redo redo;
    enum backfill_order order;
    bool missing, move_bookmark;
    const char *step, *from_step;       /* a part of the pipeline; NULL */
    int64_t max_parallel, max_failures; /* max_failures -1: no limit */
    const char *name, *author, *reason; /* NULL: none */
    const json_t *params;               /* as given; NULL */
};

/* Between programs and in the database. The texts of what is read are borrowed from the object. */
json_t *plan_request_json(const struct plan_request *r);
void plan_request_read(const json_t *from, struct plan_request *out);

/* A part of a pipeline as options.only of a run has it; in the arena; NULL: the whole. */
const char *only_text(const char *const *steps, size_t n, struct arena *a);

/* ---- questions ---- */

/* How far a schedule has come. */
struct plan_decided {
    instant_t cursor;                    /* every slot up to here is decided */
    instant_t paused_from, paused_until; /* INSTANT_NONE: no pause; no end */
    enum if_missed caught_up;            /* what the pause makes of slots that fired meanwhile */
};

struct plan_asks {
    void *ctx;
    /* The newest run that counts of each window that starts in [from, to), by start, then end. */
    int (*runs)(void *ctx, const struct plan_request *r, struct arena *a, struct window_run **rows, size_t *n,
                struct err *err);
    /* Which parts of [from, to) the output of a step has, by start; may overlap. 0: its data cannot tell. */
    int (*has)(void *ctx, const struct plan_request *r, const struct step *s, struct arena *a,
               struct time_span **spans, size_t *n, struct err *err);
    /* Parts of [from, to) that a dataset was published for and has nothing of any more, by start; may
     * overlap. */
    int (*lost)(void *ctx, const struct plan_request *r, const char *dataset, struct arena *a,
                struct time_span **spans, size_t *n, struct err *err);
    /* The newest run of the last slot before this fire: 1, or 0: none. */
    int (*before)(void *ctx, const char *pipeline, const char *schedule, instant_t fire,
                  struct window_run *out, struct err *err);
    /* 1; 0: nobody ever served it. */
    int (*decided)(void *ctx, const char *pipeline, const char *schedule, struct plan_decided *out,
                   struct err *err);
};

/* ---- the plan ---- */

enum plan_action { PLAN_run, PLAN_keep, PLAN_refuse };
extern const char *const plan_action_names[];

/* X(name, action, words; %lld is the run's number) */
#define PLAN_WHY_LIST(X)                                                                                     \
    X(never_ran, run, "never ran")                                                                           \
    X(failed_again, run, "failed in run %lld")                                                               \
    X(cancelled_again, run, "cancelled in run %lld")                                                         \
    X(ok_again, run, "ok in run %lld, to be repeated")                                                       \
    X(absent, run, "not in the data")                                                                        \
    X(ok, keep, "ok in run %lld")                                                                            \
    X(failed, keep, "failed in run %lld")                                                                    \
    X(cancelled, keep, "cancelled in run %lld")                                                              \
    X(present, keep, "the data has it")                                                                      \
    X(under_way, keep, "run %lld is under way")                                                              \
    X(due, keep, "its schedule is about to run it")                                                          \
    X(made_up_for, keep, "its schedule has yet to run it")                                                   \
    X(past_failed, refuse, "the window before it has not succeeded")                                         \
    X(part_of_day, refuse, "not whole days, which a step replaces")                                          \
    X(lost, refuse, "an input has nothing of it any more")

enum plan_why {
#define X(name, action, words) WHY_##name,
    PLAN_WHY_LIST(X)
#undef X
        PLAN_WHYS
};
extern const char *const plan_why_words[PLAN_WHYS];
enum { PLAN_WHY_TEXT = 64 };

struct plan_window {
    instant_t start, end, fire; /* fire INSTANT_NONE: no slot's */
    int64_t run;                /* that the reason names; 0: none */
    uint8_t action, why;
};
const char *plan_why_text(const struct plan_window *w, char out[PLAN_WHY_TEXT]);

/* A step that a backfill leaves out, and why. */
struct plan_left_out {
    const char *step, *why;
};

struct backfill_plan {
    struct plan_window *windows; /* malloc'ed; in the order they start */
    size_t count, cap;
    size_t actions[3];    /* how many of each */
    const char *schedule; /* whose slots; NULL: units */
    const char *zone;     /* of the windows */
    int64_t max_parallel; /* as asked for, or what the pipeline allows */
    int64_t max_failures;
    struct plan_left_out *left_out; /* malloc'ed */
    size_t left_out_count, left_out_cap;
    bool sees_window; /* some step that runs looks at its window, or may */
    char token[20];
};
void backfill_plan_release(struct backfill_plan *p);

/* Exit 2: from is not before to, a window in the future, none at all, too many, an interval of zero; exit 3:
 * no step can run for a window, or one of them says it cannot; exit 4: no such step or schedule; exit 8:
 * depends_on_past and the window before the first has not succeeded. *out only on 0. */
int backfill_plan(const struct pipeline *p, const struct plan_request *r, const struct plan_asks *asks,
                  instant_t now, struct backfill_plan *out, struct err *err);

#endif
