/* forecast.h: what schedules would do in a span of time to come: the timetable and the core that decide in
 * earnest, on a virtual clock, with an executor that only writes down. Pure: no I/O, no clock, no chance;
 * same input, same forecast.
 *
 * Every step takes what it usually takes and ends well; every `when:` says yes; nothing is published, so
 * steps do not wait for each other's datasets. Pools, the general limit, priorities, max_active_runs,
 * if_running, depends_on_past (as one run at a time) and pauses are those of the real thing. Runs that are
 * under way now, runs by hand, backfills and triggers by data are not part of it. */
#ifndef LEAT_SCHEDULER_FORECAST_H
#define LEAT_SCHEDULER_FORECAST_H

#include "base/err.h"
#include "dag/pipeline.h"
#include "scheduler/core/states.h"
#include "scheduler/timetable/timetable.h"

/* More runs than this are not forecast: it ends there, and says so. */
enum { FORECAST_RUNS = 200000 };

struct forecast_pipeline {
    const struct pipeline *pipeline; /* borrowed */
    const duration_t *usual;         /* per step; of one that never ran what it is to count as */
    bool paused;
    instant_t pause_from;
    instant_t pause_until; /* INSTANT_NONE: as long as the forecast goes */
    enum catch_up catch_up;
};

struct forecast_input {
    instant_t from, until;
    int64_t jobs;
    const struct project *project; /* its pools */
    const struct forecast_pipeline *pipelines;
    size_t count;
};

struct forecast_run {
    size_t pipeline; /* index of the input */
    const char *schedule;
    instant_t fire, due, window_start, window_end;
    instant_t start, finish; /* start: INSTANT_NONE: cancelled while it waited */
    enum run_state ends; /* ok; cancelled: by a later one (if_running: cancel); failed: past its timeout */
    duration_t waited;   /* longest wait of one of its steps for room */
};

struct forecast_skip {
    size_t pipeline;
    const char *schedule;
    enum skip_reason reason;
    instant_t first, last;
    int64_t count;
};

/* A time during which steps waited for the same thing. */
struct forecast_full {
    const char *pool; /* NULL: the general limit of local steps */
    instant_t from, until;
    size_t waits;
    duration_t longest;
    size_t longest_run; /* index of runs */
    uint32_t longest_step;
};

/* Runs by due time, skips by schedule, spells of full pools by their begin. */
struct forecast {
    struct forecast_run *runs;
    struct forecast_skip *skips;
    struct forecast_full *full;
    size_t run_count, run_cap, skip_count, skip_cap, full_count, full_cap;
    instant_t ends; /* `until`, or where it was cut off */
};

/* NULL with err: a pipeline cannot be planned (an unknown pool). */
struct forecast *forecast_make(const struct forecast_input *in, struct err *err);
void forecast_free(struct forecast *f); /* NULL is fine */

#endif
