/* attempts.c: attempts, and the tokens that name them outside the database. */
#include "store/attempts.h"

#include "store/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- tokens ---- */

const char *token_make(const struct attempt_spec *a, uint64_t random, char out[TOKEN_TEXT]) {
    snprintf(out, TOKEN_TEXT, "r%" PRId64 "-s%" PRIu32 "-g%" PRId64 "-a%" PRIu32 "-%016" PRIx64, a->run,
             a->step, a->generation, a->number, random);
    return out;
}

/* Reads `prefix` and a decimal number; the place after it, or NULL. */
static const char *read_part(const char *at, const char *prefix, int64_t max, int64_t *out) {
    size_t len = strlen(prefix);
    if (!at || strncmp(at, prefix, len) != 0) return NULL;
    at += len;
    int64_t value = 0;
    const char *start = at;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (value > (max - (*at - '0')) / 10) return NULL;
        value = value * 10 + (*at - '0');
    }
    *out = value;
    return at > start ? at : NULL;
}

bool token_parse(const char *token, struct attempt_spec *out) {
    int64_t run, step, generation, number;
    const char *at = read_part(token, "r", INT64_MAX, &run);
    at = read_part(at, "-s", UINT32_MAX, &step);
    at = read_part(at, "-g", INT64_MAX, &generation);
    at = read_part(at, "-a", UINT32_MAX, &number);
    if (!at || *at != '-' || strspn(at + 1, "0123456789abcdef") != 16) return false;
    if (at[17] != 0 && at[17] != '.') return false;
    *out = (struct attempt_spec){.run = run,
                                 .step = (uint32_t)step,
                                 .generation = generation,
                                 .number = (uint32_t)number,
                                 .token = token};
    return true;
}

/* ---- a life ---- */

int store_attempt_start(struct store *s, const struct attempt_spec *a, int64_t *id, struct err *err) {
    if (sql_must(SQL(s, attempt_add, err, A_INT(a->run), A_INT(a->generation), A_INT(a->step),
                     A_INT(a->number), A_TEXT(a->token), A_TEXT(a->log), A_AT(a->at))))
        return -1;
    *id = sql_last_id(s);
    return 0;
}

int store_attempt_phase(struct store *s, int64_t id, char phase, struct err *err) {
    const char text[2] = {phase, 0};
    return (int)sql_run(SQL(s, attempt_phase, err, A_INT(id), A_TEXT(text)));
}

int store_attempt_attend(struct store *s, int64_t id, char phase, const json_t *detail, struct err *err) {
    const char text[2] = {phase, 0};
    return (int)sql_run(SQL(s, attempt_attend, err, A_INT(id), A_TEXT(text), A_JSON(detail)));
}

int store_attempt_remote(struct store *s, int64_t id, const char *remote_id, struct err *err) {
    return (int)sql_run(SQL(s, attempt_remote, err, A_INT(id), A_TEXT(remote_id)));
}

int store_attempt_end(struct store *s, const struct attempt_end *e, struct err *err) {
    return (int)sql_run(SQL(s, attempt_end, err, A_INT(e->id), A_TEXT(e->from), A_TEXT(e->to),
                            A_KNOWN(e->exit_code), A_REF(e->signal), A_TEXT(e->killed), A_TEXT(e->reason),
                            A_TEXT(e->message), A_TEXT(e->hint), A_JSON(e->detail), A_AT(e->at)));
}

/* ---- asking ---- */

static void attempt_read(sqlite3_stmt *st, struct arena *a, void *row) {
    const char *phase = (const char *)sqlite3_column_text(st, 17);
    *(struct attempt_row *)row = (struct attempt_row){
        .id = sqlite3_column_int64(st, 0),
        .run = sqlite3_column_int64(st, 1),
        .generation = sqlite3_column_int64(st, 2),
        .step = (uint32_t)sqlite3_column_int64(st, 3),
        .number = (uint32_t)sqlite3_column_int64(st, 4),
        .pipeline = col_text(st, 5, a),
        .step_name = col_text(st, 6, a),
        .verb = col_text(st, 7, a),
        .token = col_text(st, 8, a),
        .state = col_text(st, 9, a),
        .killed = col_text(st, 10, a),
        .reason = col_text(st, 11, a),
        .message = col_text(st, 12, a),
        .hint = col_text(st, 13, a),
        .log = col_text(st, 14, a),
        .remote_id = col_text(st, 15, a),
        .detail = col_text(st, 16, a),
        .phase = phase ? phase[0] : 'm',
        .exit_code = (int)col_int(st, 18, -1),
        .signal = (int)col_int(st, 19, 0),
        .started_at = col_instant(st, 20),
        .finished_at = col_instant(st, 21),
    };
}

static const struct row_type attempt_type = {attempt_read, sizeof(struct attempt_row)};

int store_attempt_get(struct store *s, int64_t id, struct arena *a, struct attempt_row *out,
                      struct err *err) {
    return sql_get(SQL(s, attempt_get, err, A_INT(id)), attempt_read, a, out);
}

int store_attempt_find(struct store *s, const struct attempt_key *k, struct arena *a, struct attempt_row *out,
                       struct err *err) {
    return sql_get(
        SQL(s, attempt_numbers, err, A_INT(k->run), A_INT(k->generation), A_INT(k->step), A_INT(k->number)),
        attempt_read, a, out);
}

int store_attempt_by_token(struct store *s, const char *token, struct arena *a, struct attempt_row *out,
                           struct err *err) {
    struct attempt_spec t;
    struct attempt_row row;
    if (!token_parse(token, &t)) return 0;
    const struct attempt_key key = {t.run, t.generation, t.step, t.number};
    int r = store_attempt_find(s, &key, a, &row, err);
    if (r <= 0) return r;
    /* The numbers alone could be those of another life of this database (a restored backup). */
    if (strncmp(row.token, token, strlen(row.token)) != 0) return 0;
    *out = row;
    return 1;
}

int store_attempts_live(struct store *s, struct arena *a, struct attempt_row **rows, size_t *n,
                        struct err *err) {
    return sql_list(SQL(s, attempts_live, err, A_NONE), attempt_type, a, rows, n);
}

int store_attempts_list(struct store *s, int64_t run, struct arena *a, struct attempt_row **rows, size_t *n,
                        struct err *err) {
    return sql_list(SQL(s, attempts_of_run, err, A_INT(run)), attempt_type, a, rows, n);
}
