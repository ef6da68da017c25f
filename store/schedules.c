/* schedules.c: schedules with their cursors, and pauses. Slots are in slots.c, the runs they queue in waiting.c,
 * what triggers by datasets have seen in triggers.c. */
#include "store/schedules.h"

#include "store/internal.h"

/* ---- schedules ---- */

static void schedule_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct schedule_row *)row = (struct schedule_row){
        .id = sqlite3_column_int64(st, 0),
        .pipeline = col_text(st, 1, a),
        .name = col_text(st, 2, a),
        .cursor = col_instant(st, 3),
        .rule = col_text(st, 4, a),
        .created_at = col_instant(st, 5),
        .changed_at = col_instant(st, 6),
        .gone_at = col_instant(st, 7),
    };
}

int store_schedule_ensure(struct store *s, const struct schedule_spec *spec, struct arena *a,
                          struct schedule_row *out, struct err *err) {
    int64_t pipeline;
    struct schedule_row before, after;
    if (pipeline_ensure(s, spec->pipeline, &pipeline, err)) return -1;
    const struct sql_call *named = SQL(s, schedule_named, err, A_INT(pipeline), A_TEXT(spec->name));
    int there = sql_get(named, schedule_read, a, &before);
    if (there < 0) return -1;
    if (sql_run(SQL(s, schedule_add, err, A_INT(pipeline), A_TEXT(spec->name), A_AT(spec->cursor),
                    A_JSON(spec->rule), A_AT(spec->at))) < 0)
        return -1;
    int found = sql_get(named, schedule_read, a, &after);
    if (found == 1) *out = after;
    if (found == 1 && there) out->gone_at = before.gone_at;
    if (found == 0) err_set(err, EX_FAILED, "schedule %s of %s is not there", spec->name, spec->pipeline);
    return found == 1 ? there : -1;
}

int store_schedules_list(struct store *s, const char *pipeline, struct arena *a, struct schedule_row **rows,
                         size_t *n, struct err *err) {
    static const struct row_type type = {schedule_read, sizeof(struct schedule_row)};
    return sql_list(SQL(s, schedules_list, err, A_TEXT(pipeline)), type, a, rows, n);
}

int store_schedule_move(struct store *s, int64_t schedule, instant_t from, instant_t to, struct err *err) {
    return (int)sql_run(SQL(s, schedule_move, err, A_INT(schedule), A_AT(from), A_AT(to)));
}

int store_schedule_rule(struct store *s, int64_t schedule, const json_t *rule, instant_t at,
                        struct err *err) {
    return (int)sql_run(SQL(s, schedule_rule, err, A_INT(schedule), A_JSON(rule), A_AT(at)));
}

int store_schedule_gone(struct store *s, int64_t schedule, instant_t at, struct err *err) {
    return (int)sql_run(SQL(s, schedule_gone, err, A_INT(schedule), A_AT(at)));
}

/* ---- pauses ---- */

int store_pause(struct store *s, const struct pause_row *p, struct err *err) {
    int64_t pipeline;
    if (pipeline_ensure(s, p->pipeline, &pipeline, err)) return -1;
    return sql_must(SQL(s, pause_put, err, A_INT(pipeline), A_AT(p->at), A_AT(p->until), A_TEXT(p->author),
                        A_TEXT(p->reason), A_TEXT(p->catch_up ? p->catch_up : "none")));
}

int store_resume(struct store *s, const char *pipeline, struct err *err) {
    return (int)sql_run(SQL(s, pause_drop, err, A_TEXT(pipeline)));
}

static void pause_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct pause_row *)row = (struct pause_row){
        .pipeline = col_text(st, 0, a),
        .author = col_text(st, 1, a),
        .reason = col_text(st, 2, a),
        .at = col_instant(st, 3),
        .until = col_instant(st, 4),
        .catch_up = col_text(st, 5, a),
    };
}

int store_pauses_list(struct store *s, instant_t at, struct arena *a, struct pause_row **rows, size_t *n,
                      struct err *err) {
    static const struct row_type type = {pause_read, sizeof(struct pause_row)};
    return sql_list(SQL(s, pauses_list, err, A_AT(at)), type, a, rows, n);
}
