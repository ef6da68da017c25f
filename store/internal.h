/* internal.h: what the files of store/ share: the connection, named statements, arguments, readers of rows.
 *
 * A statement is named in statements.h, prepared on its first use and kept. A call is a value:
 *
 *     sql_run(SQL(s, run_stop, err, A_INT(run), A_TEXT(stop), A_TEXT(why)))
 *
 * so arguments carry their type and every use of a statement can be found by its name. */
#ifndef LEAT_STORE_INTERNAL_H
#define LEAT_STORE_INTERNAL_H

#include "store/schema.h"
#include "store/statements.h"
#include "store/store.h"

#include <jansson.h>
#include <sqlite3.h>

enum {
    WAL_LONG_PAGES = 1000,  /* store_tend() copies back from here on */
    WAL_GUARD_PAGES = 8000, /* store_begin() does when nobody called store_tend() */
    WAL_FILE_BYTES = 64 << 20,
    BUSY_TIMEOUT_MS = 5000,
    CACHE_KIB = 16384,
    PROGRESS_OPS = 2000, /* virtual machine steps between two looks at the clock */
};

/* A file, whatever it is called. */
struct file_id {
    uint64_t device, number; /* 0: there is none */
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *prepared[SQL_COUNT];
    const struct world *world;
    char *state, *path;
    bool writer, unclean, replaced, damaged;
    struct file_id at_path, at_log, at_lock; /* what had the names when it was opened; a writer's */
    bool moved;                              /* and does not any more */
    bool snapshot;                           /* between store_snapshot_begin() and _end() */
    duration_t read_limit;                   /* 0: none (writer) */
    duration_t deadline;                     /* of the read under way, on the steady clock */
    int lock_fd;                             /* -1: reader */
    int inherited_lock;                      /* store_options.lock_fd */
    int wal_pages;                           /* frames in the WAL after the last commit */
    int wal_next;                            /* copy back from so many frames on */
    int64_t migrated_from, ballast_bytes;
    char warning[512];
    char uuid[STORE_UUID];
};

/* ---- arguments ---- */

struct arg {
    enum { ARG_NONE, ARG_INT, ARG_TEXT, ARG_REAL, ARG_JSON, ARG_NULL } kind;
    int64_t i;
    double d;
    const char *t;
    const json_t *j;
};

#define A_NONE    ((struct arg){.kind = ARG_NONE})
#define A_INT(v)  ((struct arg){.kind = ARG_INT, .i = (int64_t)(v)})
#define A_REAL(v) ((struct arg){.kind = ARG_REAL, .d = (v)})
#define A_TEXT(v) ((struct arg){.kind = ARG_TEXT, .t = (v)}) /* NULL is NULL */
#define A_JSON(v) ((struct arg){.kind = ARG_JSON, .j = (v)}) /* NULL is NULL; compact text */
struct arg arg_instant(instant_t t);                         /* INSTANT_NONE is NULL */
struct arg arg_known(int64_t v);                             /* negative is NULL */
struct arg arg_ref(int64_t id);                              /* 0 is NULL */
struct arg arg_span(instant_t start, instant_t end); /* bits of the window's length; no window: NULL */
struct arg arg_end(instant_t t);                     /* INSTANT_NONE is the end of time */
#define A_AT(v)    arg_instant(v)
#define A_KNOWN(v) arg_known(v)
#define A_REF(v)   arg_ref(v)

struct sql_call {
    struct store *s;
    enum sql sql;
    const struct arg *args;
    size_t count;
    struct err *err;
};
#define SQL_ARGS(...) ((const struct arg[]){__VA_ARGS__})
#define SQL(store, name, error, ...)                                                                         \
    (&(struct sql_call){.s = (store),                                                                        \
                        .sql = SQL_##name,                                                                   \
                        .args = SQL_ARGS(__VA_ARGS__),                                                       \
                        .count = sizeof SQL_ARGS(__VA_ARGS__) / sizeof(struct arg),                          \
                        .err = (error)})

/* ---- calls ---- */

/* Fills a row from a statement standing on it; texts go to the arena. */
typedef void row_reader(sqlite3_stmt *st, struct arena *a, void *row);

/* A change: number of rows changed, or -1. Refused outside a transaction. */
int64_t sql_run(const struct sql_call *c);
/* A change that must hit exactly one row, else -1 ("the database contradicts itself"). */
int sql_must(const struct sql_call *c);
/* The first column of the first row: 1 (*out set; NULL gives 0), 0 none, -1. Takes RETURNING too. */
int sql_int(const struct sql_call *c, int64_t *out);
int sql_get(const struct sql_call *c, row_reader *read, struct arena *a, void *row); /* 1, 0, -1 */
/* All rows into one array of the arena. */
struct row_type {
    row_reader *read;
    size_t size;
};
int sql_list(const struct sql_call *c, struct row_type type, struct arena *a, void *rows, size_t *n);
/* Step by step, for what is summed up in C: begin, then next while 1, then end. */
int sql_begin(const struct sql_call *c, sqlite3_stmt **st);
int sql_next(const struct sql_call *c, sqlite3_stmt *st);
void sql_end(sqlite3_stmt *st);

const char *sql_text(enum sql id); /* for the tests that look at query plans */
const char *sql_name(enum sql id);
int64_t sql_last_id(struct store *s);
/* All or nothing inside a transaction: begin; then keep, or drop everything since. */
int sql_mark(struct store *s, struct err *err);
int sql_keep(struct store *s, struct err *err);
void sql_drop(struct store *s);

const char *col_text(sqlite3_stmt *st, int i, struct arena *a); /* NULL for NULL */
int64_t col_int(sqlite3_stmt *st, int i, int64_t if_null);
instant_t col_instant(sqlite3_stmt *st, int i);
bool col_flag(sqlite3_stmt *st, int i);

/* ---- errors and upkeep ---- */

/* The result code as an error: always -1. what: "cannot …"; path and SQLite's words are added. */
int store_fail(struct store *s, int rc, const char *what, struct err *err);
int store_exec(struct store *s, const char *sql, struct err *err); /* pragmas and migrations */
void store_release_statements(struct store *s);

int lock_take(struct store *s, struct err *err); /* sets lock_fd, unclean and replaced */
void lock_mark_clean(struct store *s);
/* What has the names of database, log and lock: noted once it is open; looked at before a transaction, -1
 * when it is not what is open; and when it is closed, a log that lies beside somebody else's database goes
 * aside. */
void place_note(struct store *s);
int place_check(struct store *s, struct err *err);
void place_leave(const struct store *s);
/* uuid: of the database that is expected; NULL: any, or a new one. -1: there is none; it is another one. */
int place_expected(const struct store *s, const char *uuid, struct err *err);
int place_is(const struct store *s, const char *uuid, struct err *err);
const char *network_disk_name(unsigned long type); /* of statfs(2); NULL: a local one */
int network_disk_refuse(const char *path, struct err *err);
void ballast_make(struct store *s);   /* a failure becomes a warning */
bool ballast_drop(const char *state); /* true when there was one to give back */
void ballast_remake(struct store *s); /* when there is room again */

/* Creates the file (schema, identity) under a temporary name and gives it its own when it is whole. */
int create_database(struct store *s, const struct store_options *o, struct err *err);
/* Runs the steps a file of version `found` lacks, after a backup. */
int migrate_database(struct store *s, const struct migrations *m, int64_t found, struct err *err);

/* ---- across nouns ---- */

int pipeline_ensure(struct store *s, const char *name, int64_t *id, struct err *err); /* adds it when new */
row_reader run_read;                                                                  /* SQL_RUN_COLUMNS */

struct bookmark_move;
/* A partition as it is stored and looked up: keys sorted; NULL for none. malloc'ed. */
char *partition_text(const json_t *partition);
/* The proposal becomes version m->version + 1. 1 moved, 0 it was not at m->version. Whether an intent has the
 * bookmark is the caller's question. */
int bookmark_commit(struct store *s, const struct bookmark_move *m, const json_t *proposal, struct err *err);

/* One new version of a dataset, from one element of a plan's outputs (or of plan.outside). */
struct publish {
    int64_t dataset, base, version, intent; /* intent 0: an outside writer's */
    const char *token, *pipeline, *step, *author, *reason;
    int64_t run, attempt;
    instant_t window_start, window_end, at;
    const json_t
        *output; /* operation, files | adds, removes, columns, partition_by, table_id, rolled_back_to */
    bool outside;
};
int publish_version(struct store *s, const struct publish *p, struct err *err);

#endif
