/* internal.h: what engine/'s own files share. */
#ifndef LEAT_ENGINE_INTERNAL_H
#define LEAT_ENGINE_INTERNAL_H

#include "base/buf.h"
#include "base/instant.h"
#include "engine/api.h"
#include "engine/duck.h"

#include <stdatomic.h>

/* Both compilers have 128-bit integers; they are no part of ISO C. */
__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;

struct duck {
    const struct duckdb_api *api;
    void *database, *connection;
    duck_tick *tick;
    void *tick_ctx;
    duration_t ticked_at;
    atomic_int stop; /* set by duck_interrupt(), maybe from another thread: nothing runs any more */
    int64_t error_position;
    json_t *error_said; /* owned; NULL: the last error was not the engine's, or it had no words for it */
};

/* A type, described once per result so that reading a value needs no call into the library. */
struct duck_type {
    enum duckdb_type id;
    int storage;            /* of decimals and enums: the integer type they are stored as */
    uint8_t scale, width;   /* decimal */
    bool json;              /* VARCHAR that holds JSON */
    uint64_t array_size;    /* array */
    char **names;           /* enum values, struct fields */
    struct duck_type *kids; /* list, array: 1; map: key, value; struct and union: fields */
    size_t kid_count, name_count;
};

struct duck_vector {
    const void *data;
    const uint64_t *valid; /* NULL: all are */
    void *handle;
};

/* type.c: takes nothing over; -1 with err for a type that cannot be shown. */
int duck_type_read(const struct duckdb_api *api, void *logical, struct duck_type *out, struct err *err);
void duck_type_release(struct duck_type *t);
void duck_type_text(const struct duck_type *t, struct buf *out);

/* value.c */
struct duck_vector duck_vector_of(const struct duckdb_api *api, void *handle);
bool duck_vector_null(const struct duck_vector *v, uint64_t row);
void duck_value_text(const struct duckdb_api *api, const struct duck_type *t, const struct duck_vector *v,
                     uint64_t row, struct buf *out);
json_t *duck_value_json(const struct duckdb_api *api, const struct duck_type *t, const struct duck_vector *v,
                        uint64_t row);
int64_t duck_value_int(const struct duck_type *t, const struct duck_vector *v, uint64_t row);
double duck_value_real(const struct duck_type *t, const struct duck_vector *v, uint64_t row);

/* params.c */
int duck_bind(struct duck *d, void *statement, const json_t *params, struct err *err);

/* duck.c: turns the library's message (JSON) into an error; always -1. */
int duck_fail(struct duck *d, const char *message, struct err *err);
/* What the engine says of its last error; steals `said`, NULL forgets. */
void duck_note_error(struct duck *d, json_t *said);
int duck_prepare(struct duck *d, const char *sql, const json_t *params, void **statement, struct err *err);
int duck_run(struct duck *d, void *statement, struct duckdb_result *out, struct err *err);
int duck_pulse(struct duck *d, bool working, struct err *err);

#endif
