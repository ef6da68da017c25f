/* backfills.h: durable plans over many windows (`backfill`, `restate`), their items and counters. */
#ifndef LEAT_STORE_BACKFILLS_H
#define LEAT_STORE_BACKFILLS_H

#include "store/store.h"

#include <jansson.h>

/* States, as the database and JSON have them: names are texts, so that a row is shown as it is. */
#define BACKFILL_STATE_LIST(X) X(queued) X(running) X(paused) X(ok) X(failed) X(cancelled)
#define ITEM_STATE_LIST(X)     X(planned) X(running) X(ok) X(failed) X(skipped) X(cancelled)

enum backfill_state {
#define X(name) BACKFILL_##name,
    BACKFILL_STATE_LIST(X)
#undef X
        BACKFILL_STATES
};
enum item_state {
#define X(name) ITEM_##name,
    ITEM_STATE_LIST(X)
#undef X
        ITEM_STATES
};
extern const char *const backfill_state_names[BACKFILL_STATES], *const item_state_names[ITEM_STATES];

struct backfill_spec {
    const char *kind; /* backfill restate */
    const char *name; /* --name; NULL */
    const char *subject;
    instant_t window_from, window_to;
    const json_t *options;
    int64_t max_parallel, max_failures; /* max_failures -1: no limit */
    const char *author, *reason;
    instant_t at;
};

struct backfill_item {
    int64_t n; /* order of starting; from 0 */
    int64_t stage;
    const char *pipeline;
    instant_t window_start, window_end;
    const char *action; /* run keep refuse */
    const char *reason;
    const char *options; /* JSON text or NULL */
    const char *state;   /* of item_state_names */
    int64_t run;         /* 0: none */
};

/* Writes the plan whole, `queued`: items with action run are `planned`, the others `skipped`, whatever their
 * `state` says; `run` of one that is kept is the run that made it. 1: *id; 0: a backfill of that name is
 * there
 * (*id is it), nothing was written. */
int store_backfill_add(struct store *s, const struct backfill_spec *b, const struct backfill_item *items,
                       size_t n, int64_t *id, struct err *err);

/* Further items of a plan that is too long to be held at once; in the transaction of store_backfill_add(). */
int store_backfill_more(struct store *s, int64_t backfill, const struct backfill_item *items, size_t n,
                        struct err *err);

struct backfill_row {
    int64_t id;
    const char *kind, *name, *subject, *options, *state, *author, *reason;
    instant_t window_from, window_to;
    int64_t max_parallel, max_failures;
    int64_t total, done, failed, running, skipped, cancelled; /* items by state; done: ok */
    int64_t planned;                                          /* what is left to start */
    instant_t created_at, started_at, finished_at;
};
bool backfill_is(const struct backfill_row *b, enum backfill_state state);
int store_backfill_get(struct store *s, int64_t id, struct arena *a, struct backfill_row *out,
                       struct err *err);
int store_backfill_named(struct store *s, const char *name, struct arena *a, struct backfill_row *out,
                         struct err *err);
/* Newest first; open_only: those that have not ended, oldest first. */
int store_backfills_list(struct store *s, bool open_only, struct arena *a, struct backfill_row **rows,
                         size_t *n, struct err *err);
/* Compare-and-set of its state; a final one sets finished_at, another one takes it back. */
int store_backfill_move(struct store *s, int64_t id, const char *from, const char *to, instant_t at,
                        struct err *err);

/* Items by order of starting, `from` on, at most limit. state NULL: any. */
struct item_filter {
    int64_t backfill, from, limit;
    const char *state;
};
int store_backfill_items(struct store *s, const struct item_filter *f, struct arena *a,
                         struct backfill_item **rows, size_t *n, struct err *err);
/* The items that may start now: planned, and no item of an earlier stage in the way
 * (store_backfill_blockers); by order of starting, `from` on, at most limit. */
int store_backfill_next(struct store *s, int64_t backfill, int64_t from, int64_t limit, struct arena *a,
                        struct backfill_item **rows, size_t *n, struct err *err);
/* The item a run belongs to. */
int store_backfill_item_of_run(struct store *s, int64_t run, struct arena *a, int64_t *backfill,
                               struct backfill_item *out, struct err *err);
/* Compare-and-set, and the counters of the backfill with it. run 0: as it is. */
struct item_move {
    int64_t backfill, n;
    const char *from, *to;
    int64_t run;
};
int store_backfill_item_move(struct store *s, const struct item_move *m, struct err *err);
/* Every item that has not started: cancelled, in one statement; how many. */
int store_backfill_cancel_planned(struct store *s, int64_t backfill, int64_t *n, struct err *err);
/* Every item that is in `state` (failed, cancelled) is planned again; how many. */
int store_backfill_replan(struct store *s, int64_t backfill, const char *state, int64_t *n, struct err *err);
/* Items of stages below `stage` that meet [start, end) and are not `ok` or `skipped`: *n 0 means go. What an
 * earlier failure keeps from starting must therefore end `cancelled`, so that it is in the way of others. */
int store_backfill_blockers(struct store *s, int64_t backfill, int64_t stage, instant_t start, instant_t end,
                            int64_t *n, struct err *err);

/* ---- who read what for which window ---- */

struct consumed_row {
    int64_t dataset;
    const char *dataset_name; /* out only */
    const char *pipeline, *step;
    instant_t window_start, window_end;
    int64_t version, run;
    instant_t stale_since; /* out only; INSTANT_NONE: fresh */
    int64_t stale_by;      /* out only: that version; -1 */
};
/* A step with a window succeeded: what it read for that window is this, and no longer stale; unless another
 * run has published a later version for a window that meets it: then it is stale by the first of those. */
int store_consumed_put(struct store *s, const struct consumed_row *c, struct err *err);
/* A publish of `version` by `run` (0: none) for [start, end) (INSTANT_NONE: open on that side): those that
 * other runs consumed of an older version for a window that meets it are stale; how many became so. Since and
 * by what stays as it was first. */
struct republished {
    int64_t dataset, version, run;
    instant_t start, end, at;
};
int store_consumed_stale(struct store *s, const struct republished *r, int64_t *n, struct err *err);
/* Consumers of a dataset whose windows meet [start, end), by window. INSTANT_NONE: open on that side. */
int store_consumers(struct store *s, int64_t dataset, instant_t start, instant_t end, struct arena *a,
                    struct consumed_row **rows, size_t *n, struct err *err);
/* How many windows of each pipeline are stale by each dataset, and the span they lie in. */
struct stale_count {
    const char *pipeline, *dataset;
    int64_t windows;
    instant_t start, end, since;
};
int store_stale_counts(struct store *s, struct arena *a, struct stale_count **rows, size_t *n,
                       struct err *err);
/* Stale ones of a pipeline (NULL: all), at most limit, oldest window first. */
int store_stale_list(struct store *s, const char *pipeline, int64_t limit, struct arena *a,
                     struct consumed_row **rows, size_t *n, struct err *err);

#endif
