/* consumed.c: which steps have read a dataset for which window, and which of them a later publish made
 * stale. */
#include "store/backfills.h"
#include "store/internal.h"

int store_consumed_put(struct store *s, const struct consumed_row *c, struct err *err) {
    return sql_must(SQL(s, consumed_put, err, A_INT(c->dataset), A_TEXT(c->pipeline), A_TEXT(c->step),
                        A_AT(c->window_start), A_AT(c->window_end), arg_span(c->window_start, c->window_end),
                        A_INT(c->version), A_INT(c->run)));
}

int store_consumed_stale(struct store *s, const struct republished *r, int64_t *n, struct err *err) {
    int64_t hit = sql_run(SQL(s, consumed_stale, err, A_INT(r->dataset), A_INT(r->start), arg_end(r->end),
                              A_INT(r->version), A_AT(r->at), A_REF(r->run)));
    if (hit < 0) return -1;
    *n = hit;
    return 0;
}

static void consumed_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct consumed_row *)row = (struct consumed_row){
        .dataset = sqlite3_column_int64(st, 0),
        .dataset_name = col_text(st, 1, a),
        .pipeline = col_text(st, 2, a),
        .step = col_text(st, 3, a),
        .window_start = col_instant(st, 4),
        .window_end = col_instant(st, 5),
        .version = sqlite3_column_int64(st, 6),
        .run = sqlite3_column_int64(st, 7),
        .stale_since = col_instant(st, 8),
        .stale_by = col_int(st, 9, -1),
    };
}

static const struct row_type consumed_type = {consumed_read, sizeof(struct consumed_row)};

int store_consumers(struct store *s, int64_t dataset, instant_t start, instant_t end, struct arena *a,
                    struct consumed_row **rows, size_t *n, struct err *err) {
    return sql_list(SQL(s, consumers, err, A_INT(dataset), A_INT(start), arg_end(end)), consumed_type, a,
                    rows, n);
}

int store_stale_list(struct store *s, const char *pipeline, int64_t limit, struct arena *a,
                     struct consumed_row **rows, size_t *n, struct err *err) {
    if (!pipeline) return sql_list(SQL(s, stale_list, err, A_INT(limit)), consumed_type, a, rows, n);
    return sql_list(SQL(s, stale_pipeline, err, A_INT(limit), A_TEXT(pipeline)), consumed_type, a, rows, n);
}

static void count_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct stale_count *)row = (struct stale_count){.pipeline = col_text(st, 0, a),
                                                      .dataset = col_text(st, 1, a),
                                                      .windows = sqlite3_column_int64(st, 2),
                                                      .start = col_instant(st, 3),
                                                      .end = col_instant(st, 4),
                                                      .since = col_instant(st, 5)};
}

int store_stale_counts(struct store *s, struct arena *a, struct stale_count **rows, size_t *n,
                       struct err *err) {
    static const struct row_type type = {count_read, sizeof(struct stale_count)};
    return sql_list(SQL(s, stale_counts, err, A_NONE), type, a, rows, n);
}
