/* windows.h: what the history and the data have of many windows at once: for plans over years. Each question
 * is one walk through an index, whatever it is asked for. */
#ifndef LEAT_STORE_WINDOWS_H
#define LEAT_STORE_WINDOWS_H

#include "store/store.h"

struct window_run {
    instant_t start, end;
    int64_t run;
    char state[12];
    instant_t created_at, finished_at; /* finished_at INSTANT_NONE: not yet */
};
/* The newest run of each window of the pipeline that starts in [from, to), by start, then end; those that
 * were skipped, or withdrawn by their backfill before they began, do not count. Runs of a part of the pipeline (options.only as JSON text, options.from_step)
 * count only when asked for the same part; runs of the whole always do. */
struct window_query {
    const char *pipeline;
    instant_t from, to;
    const char *only, *from_step; /* NULL: the whole */
};
int store_window_runs(struct store *s, const struct window_query *q, struct arena *a,
                      struct window_run **rows, size_t *n, struct err *err);
/* How long the last n runs of the whole pipeline that ended ok or warn took; *count <= n. */
int store_run_durations(struct store *s, const char *pipeline, size_t n, duration_t *out, size_t *count,
                        struct err *err);

/* Windows that versions were published for, where they meet [from, to): by start, end, pipeline and
 * step; of each the newest version. */
struct version_window {
    instant_t start, end;
    const char *pipeline, *step;
    int64_t version, files_added;
    bool alive; /* some file that it added is in the head */
};
struct version_query {
    int64_t dataset;
    instant_t from, to;
    bool undone; /* also what was rolled back since */
};
int store_version_windows(struct store *s, const struct version_query *q, struct arena *a,
                          struct version_window **rows, size_t *n, struct err *err);
/* When the oldest version that is remembered was published, *at 0: none has been forgotten. */
int store_version_oldest(struct store *s, int64_t dataset, instant_t *at, struct err *err);
/* The partitions that files of the head are in, as JSON texts. */
int store_partitions(struct store *s, int64_t dataset, struct arena *a, const char ***texts, size_t *n,
                     struct err *err);

#endif
