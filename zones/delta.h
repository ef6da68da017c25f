/* delta.h: Delta Lake tables: the log's writer and reader, and the two systems of types.
 *
 * Written: reader version 1, writer version 2 (reader 3, writer 7 with `timestampNtz` only for a table that
 * has such a column already). A commit's text depends on nothing but its arguments, so a crash between P3 and
 * P5 is repaired by writing the same bytes again. Reference: the Delta transaction log protocol
 * (delta-io/delta, PROTOCOL.md).
 *
 * A column is JSON everywhere: {"name", "type", "nullable"}, type is a Delta type (text such as "long" or
 * "decimal(10,2)", or an object for array, map, struct), optional "metadata". */
#ifndef LEAT_ZONES_DELTA_H
#define LEAT_ZONES_DELTA_H

#include "base/buf.h"
#include "base/err.h"
#include "base/instant.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { DELTA_CHECKPOINT_EVERY = 10 };

/* ---- types ---- */

struct delta_type {
    json_t *type;        /* the Delta type */
    char *cast;          /* SQL type to cast a value to before it is written; NULL: none is needed */
    const char *warning; /* static or NULL: what the conversion means */
};
void delta_type_release(struct delta_type *t);

/* The Delta type of a DuckDB type as duck_column_type() and DESCRIBE write it. -1 with err (exit 3) for a
 * type that has no place in Delta; the message names `column`. Nested types are converted inside. */
int delta_type_of(const char *column, const char *sql_type, bool ntz_allowed, struct delta_type *out,
                  struct err *err);
/* The DuckDB type to read a Delta type as: "BIGINT", "DECIMAL(10,2)", "STRUCT(a BIGINT)[]"; false when the
 * type is unknown. */
bool delta_sql_type(const json_t *type, struct buf *out);
/* true when every value of `from` is a value of `to` (integers, float -> double, decimals, date ->
 * timestamp_ntz is not one). Equal types are not wider. */
bool delta_type_is_wider(const json_t *to, const json_t *from);
/* Columns from a DESCRIBE result ([{"name", "type"}] with SQL types); new reference; warnings (array of
 * text) may be NULL. */
json_t *delta_columns_of(const json_t *described, bool ntz_allowed, json_t *warnings, struct err *err);
/* The table's schemaString for columns, and back (new reference, NULL with err). */
char *delta_schema_string(const json_t *columns);
json_t *delta_columns_parse(const char *schema_string, struct err *err);

/* ---- paths ---- */

/* Percent-encodes a relative path as `add.path` wants it (RFC 2396 unreserved and / are kept), and back. */
void delta_path_encode(struct buf *out, const char *path);
char *delta_path_decode(const char *path); /* malloc'ed; NULL when an escape is malformed or gives NUL */
/* Appends the Hive folder `column=value` with Hive's escapes; NULL value is __HIVE_DEFAULT_PARTITION__. */
void delta_partition_folder(struct buf *out, const char *column, const char *value);

/* ---- writing ---- */

/* One table version to write. Everything is borrowed. Shapes of the JSON:
 *   adds     [{"target": relative path, "rows", "bytes", "partition": {col: text|null}, "stats": {…}|null}]
 *   removes  [{"path": relative path, "bytes", "rows", "partition": {…}}] */
struct delta_commit {
    int64_t version;
    instant_t at;          /* commit time, file modification time, deletion time: fixed at P3 */
    const char *operation; /* append replace replace_partitions merge rollback */
    const char *token, *project, *pipeline, *step, *run;
    int64_t sequence; /* txn.version: the intent's id */
    const json_t *adds, *removes;
    const json_t *columns;      /* NULL: the schema stays */
    const json_t *partition_by; /* array of names; used when columns is set */
    const char *table_id;       /* UUID text; used when columns is set */
    bool first;                 /* writes `protocol` too */
    bool data_change;           /* false: files are rearranged only */
};

void delta_commit_text(const struct delta_commit *c, struct buf *out); /* newline-delimited JSON */
/* The parts that a checkpoint repeats; new references. created_at INSTANT_NONE: left out. */
json_t *delta_protocol(const json_t *columns);
json_t *delta_metadata(const char *table_id, const json_t *columns, const json_t *partition_by,
                       instant_t created_at);
json_t *delta_stats_text(const json_t *file); /* text, or NULL when nothing is known */
/* A name-based UUID, the same for the same text: table ids that a repeated P5 writes again. */
void delta_uuid(const char *text, char out[37]);
char *delta_log_path(const char *table, int64_t version); /* malloc'ed <table>/_delta_log/<20 digits>.json */

/* ---- reading ---- */

/* One entry of the log, parsed. Unknown actions and fields are ignored, as the protocol asks; what is known
 * must have the right type. */
struct delta_entry {
    json_t *adds;         /* [{"target", "rows"|-1, "bytes", "partition", "stats"|null}], paths decoded */
    json_t *removes;      /* [{"path", "data_change"}] */
    json_t *columns;      /* NULL: no metaData in this entry */
    json_t *partition_by; /* set with columns */
    char token[128];      /* commitInfo's leat token; "" when another writer made it */
    char writer[128];     /* commitInfo.engineInfo, "" when absent */
    json_t *made_by; /* of one with a token: {"pipeline", "step", "run", "operation"}, each may be null; else
                        NULL */
    char table_id[40]; /* metaData.id; "" without one */
    char app_id[256];  /* txn.appId; "" when none */
    int64_t app_version;
    int64_t reader_version, writer_version; /* 0: no protocol action */
    char
        needs[160]; /* what Leat cannot do that the table now asks for: "reader version 3"; "" when nothing */
    bool changes_data; /* some add or remove with dataChange */
};

int delta_entry_parse(const char *text, size_t len, const char *name, struct delta_entry *out,
                      struct err *err); /* name is for messages */
void delta_entry_release(struct delta_entry *e);
/* Reads <table>/_delta_log/<version>.json. 1: there is none, 0: read, -1: failed. */
int delta_entry_read(const char *table, int64_t version, struct delta_entry *out, struct err *err);

/* ---- checkpoints ---- */

struct duck;
/* The whole state of a table at a version, for a checkpoint. Everything is borrowed. */
struct delta_state {
    int64_t version;
    const json_t *files;   /* as adds above, with "at": instant the file was added at */
    const json_t *removed; /* tombstones still kept: as removes above, with "at"; may be NULL */
    const json_t *columns, *partition_by;
    const char *table_id;
    instant_t created_at; /* INSTANT_NONE: not known */
    const json_t *txns;   /* [{"app_id", "version"}] */
};
/* Writes <20 digits>.checkpoint.parquet and _last_checkpoint, durably. A checkpoint only speeds readers up:
 * a failure is for a warning, never for the step. */
int delta_checkpoint(struct duck *d, const char *table, const struct delta_state *s, struct err *err);

#endif
