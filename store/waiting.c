/* waiting.c: runs that wait for their turn as rows, and what decides whether they may begin. */
#include "store/internal.h"
#include "store/runs.h"
#include "store/schedules.h"

static const struct row_type run_type = {run_read, sizeof(struct run_row)};

int store_run_waiting(struct store *s, const char *pipeline, int64_t after, int64_t *run, struct err *err) {
    return sql_int(SQL(s, run_waiting, err, A_TEXT(pipeline), A_INT(after)), run);
}

int store_runs_waiting(struct store *s, const char *pipeline, struct arena *a, struct run_row **rows,
                       size_t *n, struct err *err) {
    return sql_list(SQL(s, runs_waiting, err, A_TEXT(pipeline)), run_type, a, rows, n);
}

static void name_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(const char **)row = col_text(st, 0, a);
}

int store_pipelines_waiting(struct store *s, struct arena *a, const char ***names, size_t *n,
                            struct err *err) {
    static const struct row_type type = {name_read, sizeof(const char *)};
    return sql_list(SQL(s, pipelines_waiting, err, A_NONE), type, a, names, n);
}

int store_run_defined(struct store *s, int64_t run, int64_t definition, struct err *err) {
    return (int)sql_run(SQL(s, run_defined, err, A_INT(run), A_INT(definition)));
}

int store_run_before(struct store *s, const char *pipeline, const char *schedule, instant_t scheduled_for,
                     struct arena *a, struct run_row *out, struct err *err) {
    return sql_get(SQL(s, run_before, err, A_TEXT(pipeline), A_TEXT(schedule), A_AT(scheduled_for)), run_read,
                   a, out);
}

int store_runs_of_parent(struct store *s, int64_t attempt, struct arena *a, struct run_row **rows, size_t *n,
                         struct err *err) {
    return sql_list(SQL(s, runs_of_parent, err, A_INT(attempt)), run_type, a, rows, n);
}
