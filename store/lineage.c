/* lineage.c: what attempts read (pins, inputs) and what their checks found. */
#include "store/attempts.h"

#include "base/json.h"
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- pins and inputs ---- */

int store_pin_get(struct store *s, const struct pin *p, int64_t *version, struct err *err) {
    return sql_int(SQL(s, pin_get, err, A_INT(p->run), A_INT(p->generation), A_INT(p->dataset)), version);
}

int store_pin_take(struct store *s, const struct pin *p, int64_t *version, struct err *err) {
    int64_t pinned = -1;
    int r = store_pin_get(s, p, &pinned, err);
    if (r == 0) {
        if (sql_run(SQL(s, pin_take, err, A_INT(p->run), A_INT(p->generation), A_INT(p->dataset))) < 0)
            return -1;
        r = store_pin_get(s, p, &pinned, err);
    }
    if (r < 0) return -1;
    *version = r ? pinned : -1;
    return 0;
}

int store_input_add(struct store *s, const struct step_input *in, struct err *err) {
    return sql_must(SQL(s, input_add, err, A_INT(in->attempt), A_INT(in->dataset), A_INT(in->version),
                        A_KNOWN(in->since)));
}

static void input_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct input_row *)row = (struct input_row){
        .dataset = col_text(st, 0, a),
        .dataset_id = sqlite3_column_int64(st, 1),
        .version = sqlite3_column_int64(st, 2),
        .since = col_int(st, 3, -1),
    };
}

int store_inputs_list(struct store *s, int64_t attempt, struct arena *a, struct input_row **rows, size_t *n,
                      struct err *err) {
    static const struct row_type type = {input_read, sizeof(struct input_row)};
    return sql_list(SQL(s, inputs_list, err, A_INT(attempt)), type, a, rows, n);
}

static void built_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct built_row *)row = (struct built_row){
        .dataset = col_text(st, 0, a),
        .pipeline = col_text(st, 1, a),
        .step = col_text(st, 2, a),
        .version = sqlite3_column_int64(st, 3),
        .run = col_int(st, 4, 0),
    };
}

int store_built_from(struct store *s, int64_t dataset, int64_t version, struct arena *a,
                     struct built_row **rows, size_t *n, struct err *err) {
    static const struct row_type type = {built_read, sizeof(struct built_row)};
    return sql_list(SQL(s, built_from, err, A_INT(dataset), A_INT(version)), type, a, rows, n);
}

/* ---- checks ---- */

static int check_put(struct store *s, int64_t attempt, size_t n, const json_t *c, struct err *err) {
    const json_t *value = json_object_get(c, "value");
    struct arg number =
        json_is_number(value) ? A_REAL(json_number_value(value)) : (struct arg){.kind = ARG_NULL};
    return sql_must(SQL(s, check_add, err, A_INT(attempt), A_INT(n), A_TEXT(json_text_or(c, "check", "")),
                        A_TEXT(json_text_or(c, "severity", "fail")), A_TEXT(json_text(c, "kind")),
                        A_TEXT(json_text_or(c, "result", "error")), A_JSON(json_object_get(c, "actual")),
                        A_JSON(json_object_get(c, "expected")), A_KNOWN(json_int(c, "failed_rows", -1)),
                        A_JSON(json_object_get(c, "sample")), A_KNOWN(json_int(c, "line", -1)),
                        A_KNOWN(json_int(c, "column", -1)), A_TEXT(json_text(c, "metric")), number));
}

/* An audit that is done again (its worker died) replaces what the first one found. */
int store_checks_put(struct store *s, int64_t attempt, const json_t *checks, struct err *err) {
    if (sql_run(SQL(s, checks_drop, err, A_INT(attempt))) < 0) return -1;
    size_t i;
    json_t *check;
    json_array_foreach(checks, i, check) if (check_put(s, attempt, i, check, err)) return -1;
    return 0;
}

static void check_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct check_row *)row = (struct check_row){
        .attempt = sqlite3_column_int64(st, 0),
        .step = (uint32_t)sqlite3_column_int64(st, 1),
        .step_name = col_text(st, 2, a),
        .check = col_text(st, 3, a),
        .severity = col_text(st, 4, a),
        .kind = col_text(st, 5, a),
        .result = col_text(st, 6, a),
        .actual = col_text(st, 7, a),
        .expected = col_text(st, 8, a),
        .sample = col_text(st, 9, a),
        .failed_rows = col_int(st, 10, -1),
        .line = col_int(st, 11, -1),
        .column = col_int(st, 12, -1),
    };
}

/* Rows come by step name, newest attempt first: each step's later (older) attempts are dropped. */
static size_t keep_newest(struct check_row *rows, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool same_step = kept && strcmp(rows[kept - 1].step_name, rows[i].step_name) == 0;
        if (same_step && rows[kept - 1].attempt != rows[i].attempt) continue;
        rows[kept++] = rows[i];
    }
    return kept;
}

int store_checks_list(struct store *s, int64_t run, const char *step, struct arena *a,
                      struct check_row **rows, size_t *n, struct err *err) {
    static const struct row_type type = {check_read, sizeof(struct check_row)};
    if (sql_list(SQL(s, checks_of_run, err, A_INT(run), A_TEXT(step)), type, a, rows, n)) return -1;
    *n = keep_newest(*rows, *n);
    return 0;
}

int store_metric_history(struct store *s, int64_t dataset, const char *metric, size_t n, double *out,
                         size_t *count, struct err *err) {
    const struct sql_call *c = SQL(s, metric_history, err, A_INT(dataset), A_TEXT(metric), A_INT(n));
    sqlite3_stmt *st;
    size_t found = 0;
    int r;
    if (sql_begin(c, &st)) return -1;
    while ((r = sql_next(c, st)) == 1) out[found++] = sqlite3_column_double(st, 0);
    sql_end(st);
    if (r == 0) *count = found;
    return r;
}
