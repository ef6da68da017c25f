/* duck.h: the embedded engine: DuckDB through its C API, loaded at run time.
 *
 * Only the worker process opens one; everything else of Leat works without DuckDB. A `struct duck` is one
 * in-memory database with one connection, confined: no extension is fetched, no file outside the allowed
 * folders is read or written, and SQL cannot change that (the configuration is locked).
 *
 * Values never become part of a SQL text: parameters are bound by name.
 *
 * A parameter list is a JSON array of {"name", "type", "value"}; type is one of
 *   text      string                       integer   64-bit
 *   decimal   string of digits, or number  boolean   true/false
 *   timestamp microseconds since 1970 (an instant, bound as TIMESTAMPTZ), or {"@instant": microseconds}
 *   date      "YYYY-MM-DD" or {"@date": …} list      array of the above, of one type
 * Without a type the value's JSON type decides. A null value binds NULL. */
#ifndef LEAT_ENGINE_DUCK_H
#define LEAT_ENGINE_DUCK_H

#include "base/arena.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define DUCK_VERSION "1.5.6" /* the version this project is tested with; 1.x below it is refused */

struct duck;
struct duck_rows;

/* Called between pieces of a running statement, at most four times a second. percent is -1 when unknown.
 * A result other than 0 stops the statement (it ends with the reason "cancelled"). */
typedef int duck_tick(void *ctx, double percent);

struct duck_options {
    const char *timezone;    /* IANA name; NULL: UTC. Never the host's. */
    int64_t memory_bytes;    /* 0: the engine's default */
    int64_t threads;         /* 0: the engine's default */
    const char *temp_folder; /* for spilling; made when needed; NULL: never spill */
    const char *const *allowed;
    size_t allowed_count; /* absolute folders that may be read and written; others are refused */
    duck_tick *tick;      /* NULL: none */
    void *tick_ctx;
};

/* Loads the library (search order: $LEAT_DUCKDB, .deps beside the build, /usr/local/lib/leat, the system)
 * and opens a confined database. NULL with err: exit 6, reason "no_duckdb" or "wrong_duckdb", the hint says
 * how to get it. */
struct duck *duck_open(const struct duck_options *o, struct err *err);
void duck_close(struct duck *d);                /* NULL is fine */
const char *duck_version(const struct duck *d); /* "v1.5.6" */
const char *duck_library(const struct duck *d); /* the file it was loaded from */
/* Stops the running statement. Safe from a signal handler and from other threads. */
void duck_interrupt(struct duck *d);

/* ---- statements ---- */

/* Runs a statement (several, separated by `;`, only when params is NULL) to its end. changed may be NULL:
 * rows inserted, updated or copied. */
int duck_exec(struct duck *d, const char *sql, const json_t *params, int64_t *changed, struct err *err);
int duck_execf(struct duck *d, struct err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Starts a query; rows stream. The connection can do nothing else until duck_rows_free(). */
struct duck_rows *duck_query(struct duck *d, const char *sql, const json_t *params, struct err *err);
void duck_rows_free(struct duck_rows *r); /* NULL is fine */
size_t duck_columns(const struct duck_rows *r);
const char *duck_column_name(const struct duck_rows *r, size_t column);
const char *duck_column_type(const struct duck_rows *r, size_t column); /* SQL text: "DECIMAL(18,3)" */
int duck_next(struct duck_rows *r, struct err *err); /* 1: a row is there, 0: the end, -1: failed */
bool duck_is_null(const struct duck_rows *r, size_t column);
int64_t duck_int(const struct duck_rows *r, size_t column); /* 0 for NULL and for what is no number */
double duck_real(const struct duck_rows *r, size_t column);
/* The value as text, valid until the next call for this column or duck_next(); NULL for NULL. Timestamps as
 * RFC 3339 UTC (…Z for TIMESTAMPTZ, no suffix for zone-less), dates ISO, decimals and integers unpadded,
 * nested values as JSON, blobs as hex. */
const char *duck_text(struct duck_rows *r, size_t column);
/* New reference: integers that fit 64 bits, reals, booleans, arrays, objects and null as such; all else
 * text. */
json_t *duck_json(struct duck_rows *r, size_t column);

/* ---- small results ---- */

/* First column of the first row; *null says it was NULL or there was no row. null may be NULL. */
int duck_get_int(struct duck *d, const char *sql, const json_t *params, int64_t *out, bool *null,
                 struct err *err);
char *duck_get_text(struct duck *d, const char *sql, const json_t *params, struct err *err); /* malloc'ed;
                                                   NULL with err->msg empty when NULL or no row */
/* At most max rows as an array of objects (column name -> duck_json()); new reference. */
json_t *duck_table(struct duck *d, const char *sql, const json_t *params, size_t max, struct err *err);
/* Columns of a query without running it: array of {"name", "type"} (type is SQL text); new reference. */
json_t *duck_describe(struct duck *d, const char *sql, const json_t *params, struct err *err);

/* Where in the SQL text the last error of this connection was: byte offset, -1 when unknown. */
int64_t duck_error_position(const struct duck *d);
/* That error as the engine says it: {"exception_type", "exception_message", "error_subtype", "name", "type",
 * "candidates"}, all text, absent where it says nothing. Borrowed until the next error; NULL: not known. */
const json_t *duck_error_said(const struct duck *d);

/* ---- what a query reads ---- */

/* What the text of a SELECT alone tells; everything is in the arena. */
struct duck_reads {
    const char **names; /* "schema.table", each once, in order of appearance */
    size_t count;
    const char **columns; /* of the result; NULL when the text does not name each of them (a star, …) */
    size_t column_count;
    bool one_table; /* one SELECT over one table with a schema: its columns are that table's */
    bool dynamic;   /* a parameter decides which table or file is read */
    bool unnests;   /* unnest() is in it: what a column holds decides which columns come out */
};

/* Reads a SELECT's syntax tree; touches no file and no table. Fails (exit 3) with the parser's message and
 * duck_error_position() when it is no SELECT or does not parse. */
int duck_parse_reads(struct duck *d, const char *sql, struct arena *arena, struct duck_reads *out,
                     struct err *err);

#endif
