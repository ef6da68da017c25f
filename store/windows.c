/* windows.c: see windows.h. */
#include "store/windows.h"

#include "store/internal.h"

#include <stdio.h>

static void window_run_read(sqlite3_stmt *st, struct arena *a, void *row) {
    struct window_run *r = row;
    (void)a;
    *r = (struct window_run){.start = col_instant(st, 0),
                             .end = col_instant(st, 1),
                             .run = sqlite3_column_int64(st, 2),
                             .created_at = col_instant(st, 4),
                             .finished_at = col_instant(st, 5)};
    snprintf(r->state, sizeof r->state, "%s", (const char *)sqlite3_column_text(st, 3));
}

int store_window_runs(struct store *s, const struct window_query *q, struct arena *a,
                      struct window_run **rows, size_t *n, struct err *err) {
    static const struct row_type type = {window_run_read, sizeof(struct window_run)};
    return sql_list(SQL(s, window_runs, err, A_TEXT(q->pipeline), A_AT(q->from), A_AT(q->to), A_TEXT(q->only),
                        A_TEXT(q->from_step)),
                    type, a, rows, n);
}

int store_run_durations(struct store *s, const char *pipeline, size_t n, duration_t *out, size_t *count,
                        struct err *err) {
    const struct sql_call *call = SQL(s, run_durations, err, A_TEXT(pipeline), A_INT(n));
    sqlite3_stmt *st;
    int more = sql_begin(call, &st);
    *count = 0;
    if (more < 0) return -1;
    while ((more = sql_next(call, st)) == 1) out[(*count)++] = sqlite3_column_int64(st, 0);
    sql_end(st);
    return more;
}

static void version_window_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct version_window *)row = (struct version_window){.start = col_instant(st, 0),
                                                            .end = col_instant(st, 1),
                                                            .pipeline = col_text(st, 2, a),
                                                            .step = col_text(st, 3, a),
                                                            .version = sqlite3_column_int64(st, 4),
                                                            .files_added = sqlite3_column_int64(st, 5),
                                                            .alive = sqlite3_column_int(st, 6) != 0};
}

int store_version_windows(struct store *s, const struct version_query *q, struct arena *a,
                          struct version_window **rows, size_t *n, struct err *err) {
    static const struct row_type type = {version_window_read, sizeof(struct version_window)};
    return sql_list(
        SQL(s, version_windows, err, A_INT(q->dataset), A_INT(q->from), arg_end(q->to), A_INT(q->undone)),
        type, a, rows, n);
}

int store_version_oldest(struct store *s, int64_t dataset, instant_t *at, struct err *err) {
    *at = 0;
    return sql_int(SQL(s, version_oldest, err, A_INT(dataset)), at) < 0 ? -1 : 0;
}

static void text_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(const char **)row = col_text(st, 0, a);
}

int store_partitions(struct store *s, int64_t dataset, struct arena *a, const char ***texts, size_t *n,
                     struct err *err) {
    static const struct row_type type = {text_read, sizeof(const char *)};
    return sql_list(SQL(s, partitions_live, err, A_INT(dataset)), type, a, texts, n);
}
