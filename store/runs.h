/* runs.h: pipelines, definitions, runs, generations, steps.
 *
 * A definition (the text and its list of steps) is stored once and shared by all its runs. A step has a row
 * only once it has left `waiting`: a run costs what it does, not what its pipeline could do. The lists below
 * fill the others in from the definition, so every step is always shown.
 *
 * States travel as their names (scheduler/core/states.h): store/ knows only which of them are final. */
#ifndef LEAT_STORE_RUNS_H
#define LEAT_STORE_RUNS_H

#include "store/store.h"

#include <jansson.h>

/* ---- definitions ---- */

struct definition_spec {
    const char *pipeline;
    const char *sha256; /* of everything that decides what the pipeline does */
    const char *text;   /* the YAML as it was read; never holds secrets */
    size_t step_count;
    const char *const *names, *const *verbs; /* per step, by index */
    instant_t at;
};

/* Adds pipeline and definition unless they are there; *id is the definition's. */
int store_definition_put(struct store *s, const struct definition_spec *d, int64_t *id, struct err *err);

struct definition_row {
    int64_t id;
    const char *pipeline, *sha256, *text;
    instant_t created_at;
};
int store_definition_get(struct store *s, int64_t id, struct arena *a, struct definition_row *out,
                         struct err *err);
/* That of its newest run; of a pipeline without runs the one that was written down last. 0: there is none. */
int store_definition_last(struct store *s, const char *pipeline, struct arena *a, struct definition_row *out,
                          struct err *err);

/* ---- runs ---- */

struct run_spec {
    int64_t definition;
    const char *trigger;                /* manual schedule backfill dataset pipeline */
    instant_t window_start, window_end; /* INSTANT_NONE: no window */
    bool explicit_window;               /* asked for by hand: bookmarks do not move (contract.md 37) */
    const json_t *params, *options;     /* objects or NULL; options: only, from_step, force … */
    const char *note;                   /* --reason; may be NULL */
    instant_t scheduled_for;            /* fire instant of its slot, or of the one it repeats; INSTANT_NONE */
    const char *schedule;               /* the slot's; NULL: none */
    int64_t parent, backfill;           /* attempt of a `pipeline:` step; backfill; 0: none */
    instant_t at;
};

/* A new run, `queued`, generation 1. */
int store_run_add(struct store *s, const struct run_spec *r, int64_t *run, struct err *err);

struct run_move {
    int64_t run;
    const char *from, *to;
    const char *reason;      /* may be NULL */
    const char *failed_step; /* name of the first that failed; may be NULL */
    instant_t at;
};
/* Compare-and-set of the run's state; keeps started_at, finished_at and the pipeline's summary. 1 hit, 0
 * missed. */
int store_run_move(struct store *s, const struct run_move *m, struct err *err);
/* Remembers that the run is being stopped (run_stop_names) until it ends. 0: it has ended. */
int store_run_stop(struct store *s, int64_t run, const char *stop, const char *reason, struct err *err);

struct kept_step {
    uint32_t from, to; /* index in the old and in the new definition */
};
struct generation_spec {
    int64_t run, definition;
    const json_t *params, *options; /* replace the run's; NULL: as they are */
    const struct kept_step *kept;   /* steps whose rows stand; the rest wait again */
    size_t kept_count;
    instant_t at;
};
/* A finished run begins again as its next generation, `queued`. 1: *generation says which; 0: the run has not
 * finished. */
int store_run_again(struct store *s, const struct generation_spec *g, int64_t *generation, struct err *err);

struct run_row {
    int64_t id, generation, definition;
    const char *pipeline, *sha256; /* of the newest generation's definition */
    const char *trigger, *state, *reason, *failed_step, *note;
    const char *stop, *stop_reason; /* "" when nobody stopped it */
    const char *params, *options;   /* JSON text */
    instant_t window_start, window_end, created_at, started_at, finished_at;
    bool explicit_window;
    instant_t scheduled_for;
    const char *schedule; /* "" for none */
    int64_t parent, backfill;
};
int store_run_get(struct store *s, int64_t run, struct arena *a, struct run_row *out, struct err *err);

struct run_filter {
    const char *pipeline, *state, *trigger; /* NULL: any */
    instant_t since;                        /* created at or after; INSTANT_NONE: any */
    instant_t window_start, window_end;     /* windows inside [start, end); INSTANT_NONE: any */
    int64_t backfill;                       /* runs of this backfill; 0: any */
    int64_t before;                         /* ids below; 0: any (paging) */
    int64_t limit;                          /* 0: 25 */
};
/* Newest first. */
int store_runs_list(struct store *s, const struct run_filter *f, struct arena *a, struct run_row **rows,
                    size_t *n, struct err *err);
/* Runs that have not ended, oldest first: recovery and `status`. */
int store_runs_open(struct store *s, struct arena *a, struct run_row **rows, size_t *n, struct err *err);

/* One line per pipeline that ever ran: `status`. Kept up to date as runs end, never counted. */
struct pipeline_row {
    const char *name;
    int64_t last_run, last_finished; /* run ids; 0: none */
    const char *last_state;          /* of last_finished; NULL */
    const char *last_reason, *last_failed_step;
    instant_t failing_since;        /* INSTANT_NONE: its last finished run was fine */
    int64_t failing_runs;           /* in a row */
    int64_t runs, ok, warn, failed; /* ended runs, ever */
};
int store_pipelines_list(struct store *s, struct arena *a, struct pipeline_row **rows, size_t *n,
                         struct err *err);

/* The newest run of the pipeline that is `ok` or `warn` for exactly this window; for backfills, plan and
 * retention's questions. */
int store_run_of_window(struct store *s, const char *pipeline, instant_t start, instant_t end,
                        struct arena *a, struct run_row *out, struct err *err);

/* ---- steps ---- */

struct step_move {
    int64_t run, generation;
    uint32_t step;
    const char *from, *to; /* `waiting` also means: no row yet */
    const char *reason, *message;
    bool nothing_new, warned, left_out;
    uint32_t attempts;                           /* made so far in this generation */
    instant_t due;                               /* with retry_wait */
    int64_t rows_read, bytes_read, rows_written; /* -1: not known */
    const json_t *outputs;                       /* steps.NAME.outputs; may be NULL */
    instant_t at;
};
/* Compare-and-set of a step's state. 1 hit, 0 missed. Numbers and outputs are written with success and
 * failed. */
int store_step_move(struct store *s, const struct step_move *m, struct err *err);

struct step_row {
    uint32_t step;
    int64_t generation; /* the one that last moved it */
    const char *name, *verb, *state, *reason, *message;
    bool nothing_new, warned, left_out;
    uint32_t attempts;
    instant_t due, started_at, finished_at;
    int64_t rows_read, bytes_read, rows_written;
    const char *outputs; /* JSON text or NULL */
};
/* Every step of the run's newest definition, by index. */
int store_steps_list(struct store *s, int64_t run, struct arena *a, struct step_row **rows, size_t *n,
                     struct err *err);
/* Durations of the step's last n successes of the pipeline, newest first; *count <= n. For "usually …". */
int store_step_durations(struct store *s, const char *pipeline, const char *step, size_t n, duration_t *out,
                         size_t *count, struct err *err);

/* contract.md 20: the version that an earlier success of (pipeline, step, window) appended to the dataset, so
 * that a re-run keeps it. 1: *version; 0: none. A step without a window asks with INSTANT_NONE and its run.
 */
struct append_query {
    const char *pipeline, *step;
    int64_t dataset, run;
    instant_t window_start, window_end;
};
int store_appended_version(struct store *s, const struct append_query *q, int64_t *version, struct err *err);

#endif
