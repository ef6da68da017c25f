/* schedules.h: what the clock has decided: schedules with their cursors, slots with their outcomes, pauses.
 *
 * A slot is (pipeline, schedule, fire instant) and unique for ever. A tick of the clock is one transaction:
 * its slots, the move of the cursor, and the rows of the runs it makes. What is asked here per tick and per
 * end of a run costs a fixed number of index probes, whatever the history. */
#ifndef LEAT_STORE_SCHEDULES_H
#define LEAT_STORE_SCHEDULES_H

#include "store/store.h"

#include <jansson.h>

struct schedule_spec {
    const char *pipeline, *name;
    instant_t cursor;   /* of a new one */
    const json_t *rule; /* its words */
    instant_t at;
};
struct schedule_row {
    int64_t id;
    const char *pipeline, *name, *rule; /* rule: JSON text */
    instant_t cursor, created_at, changed_at, gone_at;
};
/* Adds pipeline and schedule unless they are there, and takes back that it was gone; *out: cursor, rule and
 * gone_at as they were. 1: it was there; 0: it is new. */
int store_schedule_ensure(struct store *s, const struct schedule_spec *spec, struct arena *a,
                          struct schedule_row *out, struct err *err);
/* By pipeline and name; also those that are gone. */
int store_schedules_list(struct store *s, const char *pipeline /* NULL: all */, struct arena *a,
                         struct schedule_row **rows, size_t *n, struct err *err);
/* Compare-and-set. 0: the cursor was not at `from`. It goes back only when the wall clock was set back. */
int store_schedule_move(struct store *s, int64_t schedule, instant_t from, instant_t to, struct err *err);
int store_schedule_rule(struct store *s, int64_t schedule, const json_t *rule, instant_t at, struct err *err);
/* 0: it was gone already. */
int store_schedule_gone(struct store *s, int64_t schedule, instant_t at, struct err *err);

struct slot_row {
    int64_t schedule;
    const char *pipeline, *schedule_name; /* out only */
    instant_t fire, last_fire;            /* of one alone: the same; 0 means so */
    int64_t count;                        /* 0: 1 */
    instant_t window_start, window_end;   /* INSTANT_NONE: none */
    const char *outcome;                  /* run skipped */
    const char *reason, *detail;          /* detail: JSON text; NULL */
    int64_t run;                          /* 0: none */
    const char *run_state;                /* out only: of that run today; NULL: none, or pruned */
    instant_t decided_at;
};
/* 1; 0: an instant of it is decided already: a slot or stretch holds it, and nothing changed. A skip that
 * follows at once on a skip of the same schedule, reason and detail (nothing decided in between) makes that
 * stretch longer instead of a new row. */
int store_slot_add(struct store *s, const struct slot_row *slot, struct err *err);
/* A slot that runs, and its run. `fire`, window and `detail` are the slot's (outcome and run need not be
 * said), everything else `run`'s. 1: *id; 0: decided already, and no run was made. */
struct run_spec;
int store_slot_run(struct store *s, const struct slot_row *slot, const struct run_spec *run, int64_t *id,
                   struct err *err);
/* The last instant ahead of the cursor that was skipped, INSTANT_NONE when there is none: the wall clock was set
 * back, and no slot has come again. */
int store_slots_ahead(struct store *s, int64_t schedule, instant_t cursor, instant_t *last, struct err *err);
/* The wall clock was set back: what was skipped after `after` never was. A stretch that began before is the
 * caller's to cut (store_slot_at, store_slot_cut). */
int store_slots_forget(struct store *s, int64_t schedule, instant_t after, struct err *err);
/* A stretch of skipped slots (as store_slot_at gave it) ends earlier: last_fire, count and window_end as
 * said. 0: it is none, or ends no later. */
int store_slot_cut(struct store *s, const struct slot_row *stretch, struct err *err);
/* The slot or stretch that holds this instant. */
int store_slot_at(struct store *s, int64_t schedule, instant_t fire, struct arena *a, struct slot_row *out,
                  struct err *err);
/* The slot that made this run; 0: none (by hand, a backfill). */
int store_slot_of_run(struct store *s, int64_t run, struct arena *a, struct slot_row *out, struct err *err);
/* The last decisions, newest first: of slots that begin before `before` (INSTANT_NONE: any), at most
 * limit. */
int store_slots_last(struct store *s, int64_t schedule, instant_t before, int64_t limit, struct arena *a,
                     struct slot_row **rows, size_t *n, struct err *err);
/* Slots of a pipeline whose windows meet [start, end), oldest first; for `why` and completeness.
 * INSTANT_NONE: open on that side. */
int store_slots_meeting(struct store *s, const char *pipeline, instant_t start, instant_t end,
                        struct arena *a, struct slot_row **rows, size_t *n, struct err *err);

struct pause_row {
    const char *pipeline, *author, *reason;
    instant_t at, until;  /* until INSTANT_NONE: until resumed */
    const char *catch_up; /* NULL in: none. What becomes of the slots meanwhile: none latest all */
};
int store_pause(struct store *s, const struct pause_row *p, struct err *err); /* replaces an older one */
int store_resume(struct store *s, const char *pipeline,
                 struct err *err); /* takes it away; 0: there was none */
/* Those in force at `at`; INSTANT_NONE: also those that are over, while nobody has decided their slots. */
int store_pauses_list(struct store *s, instant_t at, struct arena *a, struct pause_row **rows, size_t *n,
                      struct err *err);

/* ---- triggers by datasets ---- */

int store_trigger_seen(struct store *s, int64_t schedule, const char *dataset, int64_t *version,
                       struct err *err); /* 0: never decided */
/* 0: it was there, or beyond. */
int store_trigger_move(struct store *s, int64_t schedule, const char *dataset, int64_t version,
                       struct err *err);
/* A dataset that the schedule does not start after any more: it will be new when it comes back. */
int store_trigger_forget(struct store *s, int64_t schedule, const char *dataset, struct err *err);
struct trigger_row {
    const char *dataset;
    int64_t version;
};
int store_triggers_list(struct store *s, int64_t schedule, struct arena *a, struct trigger_row **rows,
                        size_t *n, struct err *err);
/* The queued run that a dataset started by this schedule for exactly this window (INSTANT_NONE: none). 1, 0,
 * -1. */
struct run_for {
    const char *pipeline, *schedule;
    instant_t window_start, window_end;
};
int store_run_queued_for(struct store *s, const struct run_for *q, int64_t *run, struct err *err);

/* ---- runs that wait for their turn (state `queued`, known to the database alone) ---- */

/* The oldest queued run of the pipeline with an id above `after`; only the id. 1, 0, -1. */
int store_run_waiting(struct store *s, const char *pipeline, int64_t after, int64_t *run, struct err *err);
/* The heads of a pipeline's queues, oldest first. Runs of one backfill, of one schedule, and all others are a
 * queue each: when its head may not begin, those behind it may not either, and need not be looked at. */
struct run_row;
int store_runs_waiting(struct store *s, const char *pipeline, struct arena *a, struct run_row **rows,
                       size_t *n, struct err *err);
/* Names of pipelines that have queued runs. */
int store_pipelines_waiting(struct store *s, struct arena *a, const char ***names, size_t *n,
                            struct err *err);
/* The definition a queued run begins with: the newest good one, not the one it was queued by. 0: it is not
 * queued any more, or the definition is another pipeline's. */
int store_run_defined(struct store *s, int64_t run, int64_t definition, struct err *err);
/* depends_on_past: of the pipeline's runs with this schedule and a scheduled_for before this one, the newest
 * run of the latest. Slots that were skipped have none and are passed over; a backfill's run counts, because
 * it has schedule and scheduled_for of the slot it repeats, unless it was withdrawn before it began. */
int store_run_before(struct store *s, const char *pipeline, const char *schedule, instant_t scheduled_for,
                     struct arena *a, struct run_row *out, struct err *err);
/* The runs started by an attempt of a `pipeline:` step, newest first. */
int store_runs_of_parent(struct store *s, int64_t attempt, struct arena *a, struct run_row **rows, size_t *n,
                         struct err *err);

#endif
