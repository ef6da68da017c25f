/* rows.c: a query's rows, one at a time, and the small results made of them. */
#include "base/arena.h"
#include "base/json.h"
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

struct column {
    struct duck_type type;
    struct duck_vector vector;
    struct buf type_text, text;
};

struct duck_rows {
    struct duck *duck;
    void *statement, *chunk;
    struct duckdb_result result;
    struct column *columns;
    size_t count;
    uint64_t row, size; /* of the chunk; row is one past the current */
    bool ended;
};

static int read_columns(struct duck_rows *r, struct err *err) {
    const struct duckdb_api *api = r->duck->api;
    r->count = (size_t)api->column_count(&r->result);
    r->columns = xcalloc(r->count ? r->count : 1, sizeof *r->columns);
    for (size_t i = 0; i < r->count; i++) {
        void *logical = api->column_logical_type(&r->result, i);
        int bad = duck_type_read(api, logical, &r->columns[i].type, err);
        api->destroy_logical_type(&logical);
        if (bad) {
            err_prefix(err, "column %s has", duck_column_name(r, i));
            return err_hint(err, "cast it to VARCHAR in the query");
        }
        duck_type_text(&r->columns[i].type, &r->columns[i].type_text);
    }
    return 0;
}

struct duck_rows *duck_query(struct duck *d, const char *sql, const json_t *params, struct err *err) {
    struct duck_rows *r = xcalloc(1, sizeof *r);
    r->duck = d;
    int bad = duck_prepare(d, sql, params, &r->statement, err) ||
              duck_run(d, r->statement, &r->result, err) || read_columns(r, err);
    if (!bad) return r;
    duck_rows_free(r);
    return NULL;
}

void duck_rows_free(struct duck_rows *r) {
    if (!r) return;
    const struct duckdb_api *api = r->duck->api;
    for (size_t i = 0; i < r->count; i++) {
        duck_type_release(&r->columns[i].type);
        buf_release(&r->columns[i].type_text);
        buf_release(&r->columns[i].text);
    }
    free(r->columns);
    if (r->chunk) api->destroy_data_chunk(&r->chunk);
    if (r->result.internal) api->destroy_result(&r->result);
    if (r->statement) api->destroy_prepare(&r->statement);
    free(r);
}

size_t duck_columns(const struct duck_rows *r) { return r->count; }

const char *duck_column_name(const struct duck_rows *r, size_t column) {
    struct duckdb_result result = r->result; /* the library's getter wants no const */
    return r->duck->api->column_name(&result, column);
}

const char *duck_column_type(const struct duck_rows *r, size_t column) {
    return buf_str(&r->columns[column].type_text);
}

/* 1: a chunk with rows, 0: no more, -1. */
static int next_chunk(struct duck_rows *r, struct err *err) {
    struct duck *d = r->duck;
    do {
        if (r->chunk) d->api->destroy_data_chunk(&r->chunk);
        if (duck_pulse(d, true, err)) return -1;
        r->chunk = d->api->fetch_chunk(r->result);
        r->row = 0;
        r->size = r->chunk ? d->api->data_chunk_get_size(r->chunk) : 0;
    } while (r->chunk && !r->size);
    if (r->chunk) return 1;
    const char *why = d->api->result_error(&r->result);
    return why && *why ? duck_fail(d, why, err) : 0;
}

int duck_next(struct duck_rows *r, struct err *err) {
    if (r->row < r->size) {
        r->row++;
        return 1;
    }
    if (r->ended) return 0;
    int got = next_chunk(r, err);
    if (got <= 0) {
        r->ended = true;
        r->size = r->row = 0;
        return got;
    }
    for (size_t i = 0; i < r->count; i++)
        r->columns[i].vector = duck_vector_of(r->duck->api, r->duck->api->data_chunk_get_vector(r->chunk, i));
    r->row = 1;
    return 1;
}

bool duck_is_null(const struct duck_rows *r, size_t column) {
    return duck_vector_null(&r->columns[column].vector, r->row - 1);
}

int64_t duck_int(const struct duck_rows *r, size_t column) {
    return duck_value_int(&r->columns[column].type, &r->columns[column].vector, r->row - 1);
}

double duck_real(const struct duck_rows *r, size_t column) {
    return duck_value_real(&r->columns[column].type, &r->columns[column].vector, r->row - 1);
}

const char *duck_text(struct duck_rows *r, size_t column) {
    struct column *c = &r->columns[column];
    if (duck_is_null(r, column)) return NULL;
    buf_clear(&c->text);
    duck_value_text(r->duck->api, &c->type, &c->vector, r->row - 1, &c->text);
    return buf_str(&c->text);
}

json_t *duck_json(struct duck_rows *r, size_t column) {
    struct column *c = &r->columns[column];
    return duck_value_json(r->duck->api, &c->type, &c->vector, r->row - 1);
}

/* ---- small results ---- */

int duck_get_int(struct duck *d, const char *sql, const json_t *params, int64_t *out, bool *null,
                 struct err *err) {
    struct duck_rows *r = duck_query(d, sql, params, err);
    if (!r) return -1;
    int got = duck_next(r, err);
    bool empty = got == 1 ? duck_is_null(r, 0) : true;
    if (got >= 0) {
        *out = empty ? 0 : duck_int(r, 0);
        if (null) *null = empty;
    }
    duck_rows_free(r);
    return got < 0 ? -1 : 0;
}

char *duck_get_text(struct duck *d, const char *sql, const json_t *params, struct err *err) {
    struct duck_rows *r = duck_query(d, sql, params, err);
    if (!r) return NULL;
    int got = duck_next(r, err);
    const char *text = got == 1 ? duck_text(r, 0) : NULL;
    char *out = text ? xstrdup(text) : NULL;
    if (!out && got >= 0 && err) err->msg[0] = 0;
    duck_rows_free(r);
    return out;
}

static json_t *row_json(struct duck_rows *r) {
    json_t *row = json_object();
    for (size_t i = 0; i < r->count; i++) json_object_set_new(row, duck_column_name(r, i), duck_json(r, i));
    return row;
}

json_t *duck_table(struct duck *d, const char *sql, const json_t *params, size_t max, struct err *err) {
    struct duck_rows *r = duck_query(d, sql, params, err);
    if (!r) return NULL;
    json_t *out = json_array();
    int got = 1;
    while (json_array_size(out) < max && (got = duck_next(r, err)) == 1)
        json_array_append_new(out, row_json(r));
    duck_rows_free(r);
    if (got >= 0) return out;
    json_decref(out);
    return NULL;
}

/* DESCRIBE plans the query with its parameters bound, which a merely prepared statement has not. */
json_t *duck_describe(struct duck *d, const char *sql, const json_t *params, struct err *err) {
    static const char prefix[] = "DESCRIBE ";
    struct buf text = BUF_INIT;
    buf_addf(&text, "%s%s", prefix, sql);
    struct duck_rows *r = duck_query(d, buf_str(&text), params, err);
    buf_release(&text);
    if (!r) {
        if (d->error_position >= 0) d->error_position -= (int64_t)sizeof prefix - 1;
        return NULL;
    }
    json_t *out = json_array();
    int got;
    while ((got = duck_next(r, err)) == 1) {
        json_t *column = json_object();
        json_put_text(column, "name", duck_text(r, 0));
        json_put_text(column, "type", duck_text(r, 1));
        json_array_append_new(out, column);
    }
    duck_rows_free(r);
    if (got == 0) return out;
    json_decref(out);
    return NULL;
}
