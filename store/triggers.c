/* triggers.c: up to which version a dataset's consumers have been decided, and the run that still waits for
 * its turn. */
#include "store/internal.h"
#include "store/schedules.h"

int store_trigger_seen(struct store *s, int64_t schedule, const char *dataset, int64_t *version,
                       struct err *err) {
    return sql_int(SQL(s, trigger_seen, err, A_INT(schedule), A_TEXT(dataset)), version);
}

int store_trigger_move(struct store *s, int64_t schedule, const char *dataset, int64_t version,
                       struct err *err) {
    return (int)sql_run(SQL(s, trigger_move, err, A_INT(schedule), A_TEXT(dataset), A_INT(version)));
}

int store_trigger_forget(struct store *s, int64_t schedule, const char *dataset, struct err *err) {
    return (int)sql_run(SQL(s, trigger_forget, err, A_INT(schedule), A_TEXT(dataset)));
}

static void trigger_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct trigger_row *)row =
        (struct trigger_row){.dataset = col_text(st, 0, a), .version = sqlite3_column_int64(st, 1)};
}

int store_triggers_list(struct store *s, int64_t schedule, struct arena *a, struct trigger_row **rows,
                        size_t *n, struct err *err) {
    static const struct row_type type = {trigger_read, sizeof(struct trigger_row)};
    return sql_list(SQL(s, triggers_list, err, A_INT(schedule)), type, a, rows, n);
}

int store_run_queued_for(struct store *s, const struct run_for *q, int64_t *run, struct err *err) {
    if (q->window_start == INSTANT_NONE)
        return sql_int(SQL(s, run_queued_bare, err, A_TEXT(q->pipeline), A_TEXT(q->schedule)), run);
    return sql_int(SQL(s, run_queued_window, err, A_TEXT(q->pipeline), A_TEXT(q->schedule),
                       A_AT(q->window_start), A_AT(q->window_end)),
                   run);
}
