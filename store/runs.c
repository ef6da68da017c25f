/* runs.c: definitions, runs, generations. Steps are in steps.c. */
#include "store/runs.h"

#include "store/internal.h"

#include <string.h>

enum { RUNS_SHOWN = 25 };

/* ---- definitions ---- */

int pipeline_ensure(struct store *s, const char *name, int64_t *id, struct err *err) {
    int r = sql_int(SQL(s, pipeline_find, err, A_TEXT(name)), id);
    if (r) return r < 0 ? -1 : 0;
    if (sql_must(SQL(s, pipeline_add, err, A_TEXT(name)))) return -1;
    *id = sql_last_id(s);
    return 0;
}

int store_definition_put(struct store *s, const struct definition_spec *d, int64_t *id, struct err *err) {
    int64_t pipeline, made;
    if (pipeline_ensure(s, d->pipeline, &pipeline, err)) return -1;
    int r = sql_int(SQL(s, definition_find, err, A_INT(pipeline), A_TEXT(d->sha256)), id);
    if (r) return r < 0 ? -1 : 0;
    if (sql_must(
            SQL(s, definition_add, err, A_INT(pipeline), A_TEXT(d->sha256), A_TEXT(d->text), A_AT(d->at))))
        return -1;
    made = sql_last_id(s);
    for (size_t i = 0; i < d->step_count; i++)
        if (sql_must(SQL(s, definition_step_add, err, A_INT(made), A_INT(i), A_TEXT(d->names[i]),
                         A_TEXT(d->verbs[i]))))
            return -1;
    *id = made;
    return 0;
}

static void definition_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct definition_row *)row = (struct definition_row){
        .id = sqlite3_column_int64(st, 0),
        .pipeline = col_text(st, 1, a),
        .sha256 = col_text(st, 2, a),
        .text = col_text(st, 3, a),
        .created_at = col_instant(st, 4),
    };
}

int store_definition_get(struct store *s, int64_t id, struct arena *a, struct definition_row *out,
                         struct err *err) {
    return sql_get(SQL(s, definition_get, err, A_INT(id)), definition_read, a, out);
}

int store_definition_last(struct store *s, const char *pipeline, struct arena *a, struct definition_row *out,
                          struct err *err) {
    return sql_get(SQL(s, definition_last, err, A_TEXT(pipeline)), definition_read, a, out);
}

/* ---- a run's life ---- */

int store_run_add(struct store *s, const struct run_spec *r, int64_t *run, struct err *err) {
    if (sql_must(SQL(s, run_add, err, A_INT(r->definition), A_TEXT(r->trigger), A_AT(r->window_start),
                     A_AT(r->window_end), A_INT(r->explicit_window), A_JSON(r->params), A_JSON(r->options),
                     A_TEXT(r->note), A_AT(r->scheduled_for), A_TEXT(r->schedule), A_REF(r->parent),
                     A_REF(r->backfill), A_AT(r->at))))
        return -1;
    int64_t id = sql_last_id(s);
    if (sql_must(SQL(s, generation_add, err, A_INT(id), A_INT(1), A_INT(r->definition), A_AT(r->at))))
        return -1;
    if (sql_must(SQL(s, pipeline_ran, err, A_INT(r->definition), A_INT(id)))) return -1;
    *run = id;
    return 0;
}

static bool run_has_ended(const char *state) {
    return strcmp(state, "queued") != 0 && strcmp(state, "running") != 0;
}

int store_run_move(struct store *s, const struct run_move *m, struct err *err) {
    int64_t hit = sql_run(SQL(s, run_move, err, A_INT(m->run), A_TEXT(m->from), A_TEXT(m->to),
                              A_TEXT(m->reason), A_TEXT(m->failed_step), A_AT(m->at)));
    if (hit <= 0) return (int)hit;
    /* A run that never began (`skipped`) says nothing about its pipeline's health. */
    if (!run_has_ended(m->to) || strcmp(m->to, "skipped") == 0) return 1;
    return sql_must(SQL(s, pipeline_ended, err, A_INT(m->run), A_TEXT(m->to), A_AT(m->at))) ? -1 : 1;
}

int store_run_stop(struct store *s, int64_t run, const char *stop, const char *reason, struct err *err) {
    return (int)sql_run(SQL(s, run_stop, err, A_INT(run), A_TEXT(stop), A_TEXT(reason)));
}

/* Kept rows step aside below zero, the others go, the kept come back under their new numbers. */
static int steps_carry(struct store *s, const struct generation_spec *g, struct err *err) {
    for (size_t i = 0; i < g->kept_count; i++)
        if (sql_run(SQL(s, step_keep, err, A_INT(g->run), A_INT(g->kept[i].from), A_INT(g->kept[i].to))) < 0)
            return -1;
    if (sql_run(SQL(s, steps_drop, err, A_INT(g->run))) < 0) return -1;
    return sql_run(SQL(s, steps_settle, err, A_INT(g->run))) < 0 ? -1 : 0;
}

int store_run_again(struct store *s, const struct generation_spec *g, int64_t *generation, struct err *err) {
    int64_t number;
    int r = sql_int(SQL(s, run_again, err, A_INT(g->run), A_JSON(g->params), A_JSON(g->options)), &number);
    if (r <= 0) return r;
    if (sql_must(
            SQL(s, generation_add, err, A_INT(g->run), A_INT(number), A_INT(g->definition), A_AT(g->at))))
        return -1;
    if (steps_carry(s, g, err)) return -1;
    *generation = number;
    return 1;
}

/* ---- asking ---- */

void run_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct run_row *)row = (struct run_row){
        .id = sqlite3_column_int64(st, 0),
        .generation = sqlite3_column_int64(st, 1),
        .definition = sqlite3_column_int64(st, 2),
        .pipeline = col_text(st, 3, a),
        .sha256 = col_text(st, 4, a),
        .trigger = col_text(st, 5, a),
        .state = col_text(st, 6, a),
        .reason = col_text(st, 7, a),
        .failed_step = col_text(st, 8, a),
        .note = col_text(st, 9, a),
        .stop = col_text(st, 10, a),
        .stop_reason = col_text(st, 11, a),
        .params = col_text(st, 12, a),
        .options = col_text(st, 13, a),
        .window_start = col_instant(st, 14),
        .window_end = col_instant(st, 15),
        .created_at = col_instant(st, 16),
        .started_at = col_instant(st, 17),
        .finished_at = col_instant(st, 18),
        .explicit_window = col_flag(st, 19),
        .scheduled_for = col_instant(st, 20),
        .schedule = col_text(st, 21, a),
        .parent = col_int(st, 22, 0),
        .backfill = col_int(st, 23, 0),
    };
    struct run_row *r = row;
    if (!r->stop) r->stop = "";
    if (!r->stop_reason) r->stop_reason = "";
    if (!r->schedule) r->schedule = "";
}

static const struct row_type run_type = {run_read, sizeof(struct run_row)};

int store_run_get(struct store *s, int64_t run, struct arena *a, struct run_row *out, struct err *err) {
    return sql_get(SQL(s, run_get, err, A_INT(run)), run_read, a, out);
}

/* The index that leaves the least to look at; the other conditions are tested on what it gives. */
static enum sql runs_statement(const struct run_filter *f) {
    bool window = f->window_start != INSTANT_NONE && f->window_end != INSTANT_NONE;
    if (f->backfill) return SQL_runs_backfill;
    if (f->pipeline && window) return SQL_runs_window;
    if (f->pipeline && f->state) return SQL_runs_pipeline_state;
    if (f->pipeline) return SQL_runs_pipeline;
    if (f->state) return SQL_runs_state;
    if (f->trigger) return SQL_runs_trigger;
    return SQL_runs_all;
}

int store_runs_list(struct store *s, const struct run_filter *f, struct arena *a, struct run_row **rows,
                    size_t *n, struct err *err) {
    const struct arg args[] = {
        A_INT(f->before ? f->before : INT64_MAX),
        A_AT(f->since),
        A_AT(f->window_start),
        A_AT(f->window_end),
        A_TEXT(f->trigger),
        A_TEXT(f->state),
        A_TEXT(f->pipeline),
        A_INT(f->limit > 0 ? f->limit : RUNS_SHOWN),
        A_REF(f->backfill),
    };
    const struct sql_call call = {
        .s = s, .sql = runs_statement(f), .args = args, .count = sizeof args / sizeof *args, .err = err};
    return sql_list(&call, run_type, a, rows, n);
}

int store_runs_open(struct store *s, struct arena *a, struct run_row **rows, size_t *n, struct err *err) {
    return sql_list(SQL(s, runs_open, err, A_NONE), run_type, a, rows, n);
}

int store_run_of_window(struct store *s, const char *pipeline, instant_t start, instant_t end,
                        struct arena *a, struct run_row *out, struct err *err) {
    return sql_get(SQL(s, run_of_window, err, A_TEXT(pipeline), A_AT(start), A_AT(end)), run_read, a, out);
}

static void pipeline_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct pipeline_row *)row = (struct pipeline_row){
        .name = col_text(st, 0, a),
        .last_run = col_int(st, 1, 0),
        .last_finished = col_int(st, 2, 0),
        .last_state = col_text(st, 3, a),
        .last_reason = col_text(st, 4, a),
        .last_failed_step = col_text(st, 5, a),
        .failing_since = col_instant(st, 6),
        .failing_runs = sqlite3_column_int64(st, 7),
        .runs = sqlite3_column_int64(st, 8),
        .ok = sqlite3_column_int64(st, 9),
        .warn = sqlite3_column_int64(st, 10),
        .failed = sqlite3_column_int64(st, 11),
    };
}

int store_pipelines_list(struct store *s, struct arena *a, struct pipeline_row **rows, size_t *n,
                         struct err *err) {
    static const struct row_type type = {pipeline_read, sizeof(struct pipeline_row)};
    return sql_list(SQL(s, pipelines_list, err, A_NONE), type, a, rows, n);
}
