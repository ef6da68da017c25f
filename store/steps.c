/* steps.c: steps of runs. No row means `waiting`: leaving it inserts the row, everything else updates it. */
#include "store/internal.h"
#include "store/runs.h"

#include <string.h>

int store_step_move(struct store *s, const struct step_move *m, struct err *err) {
    const struct arg args[] = {
        A_INT(m->run),         A_INT(m->step),         A_INT(m->generation),     A_TEXT(m->from),
        A_TEXT(m->to),         A_INT(m->nothing_new),  A_INT(m->warned),         A_INT(m->left_out),
        A_INT(m->attempts),    A_TEXT(m->reason),      A_TEXT(m->message),       A_AT(m->due),
        A_KNOWN(m->rows_read), A_KNOWN(m->bytes_read), A_KNOWN(m->rows_written), A_JSON(m->outputs),
        A_AT(m->at),
    };
    bool enters = strcmp(m->from, "waiting") == 0;
    const struct sql_call call = {.s = s,
                                  .sql = enters ? SQL_step_enter : SQL_step_move,
                                  .args = args,
                                  .count = sizeof args / sizeof *args,
                                  .err = err};
    return (int)sql_run(&call);
}

static void step_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct step_row *)row = (struct step_row){
        .step = (uint32_t)sqlite3_column_int64(st, 0),
        .generation = sqlite3_column_int64(st, 1),
        .name = col_text(st, 2, a),
        .verb = col_text(st, 3, a),
        .state = col_text(st, 4, a),
        .reason = col_text(st, 5, a),
        .message = col_text(st, 6, a),
        .nothing_new = col_flag(st, 7),
        .warned = col_flag(st, 8),
        .left_out = col_flag(st, 9),
        .attempts = (uint32_t)sqlite3_column_int64(st, 10),
        .due = col_instant(st, 11),
        .started_at = col_instant(st, 12),
        .finished_at = col_instant(st, 13),
        .rows_read = col_int(st, 14, -1),
        .bytes_read = col_int(st, 15, -1),
        .rows_written = col_int(st, 16, -1),
        .outputs = col_text(st, 17, a),
    };
}

int store_steps_list(struct store *s, int64_t run, struct arena *a, struct step_row **rows, size_t *n,
                     struct err *err) {
    static const struct row_type type = {step_read, sizeof(struct step_row)};
    return sql_list(SQL(s, steps_list, err, A_INT(run)), type, a, rows, n);
}

int store_step_durations(struct store *s, const char *pipeline, const char *step, size_t n, duration_t *out,
                         size_t *count, struct err *err) {
    const struct sql_call *c = SQL(s, step_durations, err, A_TEXT(pipeline), A_TEXT(step), A_INT(n));
    sqlite3_stmt *st;
    size_t found = 0;
    int r;
    if (sql_begin(c, &st)) return -1;
    while ((r = sql_next(c, st)) == 1) out[found++] = sqlite3_column_int64(st, 0);
    sql_end(st);
    if (r == 0) *count = found;
    return r;
}

int store_appended_version(struct store *s, const struct append_query *q, int64_t *version, struct err *err) {
    if (q->window_start == INSTANT_NONE)
        return sql_int(
            SQL(s, appended_run, err, A_INT(q->dataset), A_TEXT(q->pipeline), A_TEXT(q->step), A_INT(q->run)),
            version);
    return sql_int(SQL(s, appended_window, err, A_INT(q->dataset), A_TEXT(q->pipeline), A_TEXT(q->step),
                       A_AT(q->window_start), A_AT(q->window_end)),
                   version);
}
