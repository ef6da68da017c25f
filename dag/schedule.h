/* schedule.h: what `schedule:` says, checked and compiled.
 *
 * The words of a schedule, its compiled cron texts, its zone and its calendar make a rule of slots
 * (cron/slots.h); the rest is what becomes of slots (scheduler/timetable/timetable.h). A rule can be written
 * down as JSON and read back without the pipeline: what was scheduled until an edit is decided by what was
 * said then. */
#ifndef LEAT_DAG_SCHEDULE_H
#define LEAT_DAG_SCHEDULE_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/tz_set.h"
#include "cron/slots.h"

#include <jansson.h>

/* X(name): what becomes of slots that were missed; of one that comes while a run is going */
#define IF_MISSED_LIST(X)  X(run_latest) X(run_all) X(skip)
#define IF_RUNNING_LIST(X) X(wait) X(skip) X(cancel) X(allow)

enum if_missed {
#define X(name) MISSED_##name,
    IF_MISSED_LIST(X)
#undef X
};
enum if_running {
#define X(name) RUNNING_##name,
    IF_RUNNING_LIST(X)
#undef X
};
extern const char *const if_missed_names[], *const if_running_names[]; /* NULL at the end */

/* `after:`: datasets whose new versions start a run (contract: any one, or all of one day or month). */
struct after {
    bool all;
    enum { SAME_NONE, SAME_DAY, SAME_MONTH } same; /* with all */
    const char **datasets;                         /* zone.name */
    struct span *places;                           /* of each in the file; NULL in a copy */
    size_t count;                                  /* 0: no `after:` */
};

/* One text of `cron:`, or the phrase of `every:`: when a schedule fires. */
struct firing {
    const char *text;        /* as written */
    bool phrase;             /* of `every:` */
    const char *cron_text;   /* what it means as a cron text; the same as `text` when it is one */
    const char *seed;        /* of H: "<seed>/<index>": a moved file or a changed text keeps it */
    const struct cron *cron; /* compiled; one of the rule's */
    struct span at;          /* in the file */
};

struct schedule {
    const char *name;       /* `main` unless it says otherwise */
    const char *timezone;   /* of all its firings and windows: `timezone:`, else the one that its cron texts
                               say, else "UTC" */
    struct firing *firings; /* in the order written; none when only `after:` starts it */
    size_t firing_count;
    const char *seed;      /* of jitter: "<pipeline>", and ".<schedule>" unless that is main */
    struct slot_rule rule; /* crons, zone, covers, start, end, calendar */
    enum cron_dst dst;
    enum if_missed if_missed;
    enum if_running if_running;
    duration_t start_within; /* 0: no deadline */
    duration_t jitter;       /* as written; 0: none */
    duration_t delay;        /* from fire to due: the schedule's share of its jitter; whole seconds */
    const char *calendar;    /* its name; NULL: none */
    struct after after;
    struct span at; /* of its map in the file */
};

/* What decides when it fires, about which windows and what becomes of its slots, as a JSON object with sorted
 * keys: equal texts (JSON_SORT_KEYS | JSON_COMPACT) decide alike. The calendar's dates are in it. New
 * reference. */
json_t *schedule_rule_json(const struct schedule *s);
/* The same, and how it was joined to what was said before, and by which zone data; what the database
 * keeps. */
json_t *schedule_stored_json(const struct schedule *s, const struct slot_join *join);
/* A schedule of its own from what either wrote, also by an older version; name as given. NULL
 * with err: a zone is gone, or it is not such an object. Caller frees with schedule_free; not one of a
 * pipeline. */
struct schedule *schedule_from_rule(const char *name, const json_t *rule, struct tz_set *zones,
                                    struct err *err);
void schedule_free(struct schedule *s); /* NULL is fine */
/* A copy that outlives its pipeline; it shares the zones. schedule_free. */
struct schedule *schedule_copy(const struct schedule *s);
void schedule_set_delay(struct schedule *s); /* delay, from jitter and seed */

/* What its zones say: the same of both; as text, to be kept. */
enum { SCHEDULE_ZONES = 24 };
bool schedule_same_zones(const struct schedule *a, const struct schedule *b);
const char *schedule_zones(const struct schedule *s, char out[SCHEDULE_ZONES]);

/* What cron/ says about a text, as a diagnostic at the bytes it is about; hints become labels, help or
 * fixes. */
void schedule_tell(struct diags *d, struct span at, const struct cron_note *note);

#endif
