/* sql.c: named statements: prepared once, arguments bound by kind, rows collected, result codes made
 * errors. */
#include "store/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *text;
} statements[SQL_COUNT] = {
#define X(name, text) [SQL_##name] = {#name, text},
    STATEMENT_LIST(X)
#undef X
};

const char *sql_text(enum sql id) { return statements[id].text; }
const char *sql_name(enum sql id) { return statements[id].name; }
int64_t sql_last_id(struct store *s) { return sqlite3_last_insert_rowid(s->db); }

/* ---- errors ---- */

static const struct {
    int code;
    enum leat_exit exit;
    const char *reason, *hint;
} failures[] = {
    {SQLITE_FULL, EX_ENVIRONMENT, "disk_full", "free some space and run the same command again"},
    {SQLITE_IOERR, EX_ENVIRONMENT, "io_error", "the disk reported an error; look at the kernel's log"},
    {SQLITE_CORRUPT, EX_ENVIRONMENT, "corrupt",
     "no file was changed; move leat.db, leat.db-wal and leat.db-shm aside together and put a backup in "
     "place"},
    {SQLITE_NOTADB, EX_ENVIRONMENT, "corrupt",
     "no file was changed; move leat.db aside, or say another folder with `state:` in leat.yaml"},
    {SQLITE_NOMEM, EX_ENVIRONMENT, "out_of_memory", "free some memory"},
    {SQLITE_BUSY, EX_ENVIRONMENT, "locked", "another program has the database open for writing: close it"},
    {SQLITE_LOCKED, EX_ENVIRONMENT, "locked", "another program has the database open for writing: close it"},
    {SQLITE_INTERRUPT, EX_ENVIRONMENT, "read_timeout", "ask for less at once (-n, --since)"},
    {SQLITE_READONLY, EX_ENVIRONMENT, "read_only", "check the owner and mode of the state folder"},
    {SQLITE_PERM, EX_ENVIRONMENT, "permission", "check the owner and mode of the state folder"},
    {SQLITE_CANTOPEN, EX_ENVIRONMENT, "permission",
     "check the owner and mode of the state folder and its files"},
};

/* The system's own "no space" hides behind several of SQLite's I/O codes (the -shm file cannot grow). */
static int primary_code(struct store *s, int rc) {
    int primary = rc & 0xff;
    if (primary == SQLITE_IOERR && rc == SQLITE_IOERR_NOMEM) return SQLITE_NOMEM;
    if (primary != SQLITE_IOERR && primary != SQLITE_CANTOPEN) return primary;
    int number = s->db ? sqlite3_system_errno(s->db) : 0;
    bool space = number == ENOSPC || number == EDQUOT;
    return space && rc != SQLITE_IOERR_FSYNC ? SQLITE_FULL : primary;
}

int store_fail(struct store *s, int rc, const char *what, struct err *err) {
    int primary = primary_code(s, rc);
    const char *said = s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc);
    bool disk = primary == SQLITE_IOERR || primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
    if (disk) s->damaged = true;
    err_set(err, EX_FAILED, "%s (%s): %s", what, s->path, said);
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        if (failures[i].code != primary) continue;
        if (err) err->exit = failures[i].exit;
        err_reason(err, failures[i].reason);
        err_hint(err, "%s", failures[i].hint);
        break;
    }
    return -1;
}

int store_exec(struct store *s, const char *sql, struct err *err) {
    int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : store_fail(s, rc, "cannot use the database", err);
}

/* ---- binding ---- */

struct arg arg_instant(instant_t t) {
    return t == INSTANT_NONE ? (struct arg){.kind = ARG_NULL} : (struct arg){.kind = ARG_INT, .i = t};
}

struct arg arg_known(int64_t v) {
    return v < 0 ? (struct arg){.kind = ARG_NULL} : (struct arg){.kind = ARG_INT, .i = v};
}

struct arg arg_ref(int64_t id) {
    return id == 0 ? (struct arg){.kind = ARG_NULL} : (struct arg){.kind = ARG_INT, .i = id};
}

struct arg arg_span(instant_t start, instant_t end) {
    if (start == INSTANT_NONE || end == INSTANT_NONE) return (struct arg){.kind = ARG_NULL};
    int64_t bits = 0;
    uint64_t length = end > start ? (uint64_t)end - (uint64_t)start : 1;
    while (bits < SPAN_MAX && UINT64_C(1) << bits < length) bits++;
    return (struct arg){.kind = ARG_INT, .i = bits};
}

struct arg arg_end(instant_t t) {
    return (struct arg){.kind = ARG_INT, .i = t == INSTANT_NONE ? INT64_MAX : t};
}

static int bind_json(sqlite3_stmt *st, int at, const json_t *j) {
    if (!j || json_is_null(j)) return sqlite3_bind_null(st, at);
    char *text = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text) return SQLITE_NOMEM;
    return sqlite3_bind_text(st, at, text, -1, free);
}

static int bind_one(sqlite3_stmt *st, int at, const struct arg *a) {
    switch (a->kind) {
    case ARG_INT: return sqlite3_bind_int64(st, at, a->i);
    case ARG_REAL: return sqlite3_bind_double(st, at, a->d);
    case ARG_TEXT: return sqlite3_bind_text(st, at, a->t, -1, SQLITE_STATIC); /* NULL binds NULL */
    case ARG_JSON: return bind_json(st, at, a->j);
    case ARG_NULL: return sqlite3_bind_null(st, at);
    case ARG_NONE: break;
    }
    return SQLITE_OK;
}

static int bind_all(sqlite3_stmt *st, const struct sql_call *c) {
    for (size_t i = 0; i < c->count; i++) {
        int rc = bind_one(st, (int)i + 1, &c->args[i]);
        if (rc != SQLITE_OK) return rc;
    }
    return SQLITE_OK;
}

/* ---- running ---- */

static int call_failed(const struct sql_call *c, int rc) {
    char what[96];
    sqlite3_snprintf(sizeof what, what, "cannot carry out %s in the database", statements[c->sql].name);
    if ((rc & 0xff) == SQLITE_INTERRUPT) sqlite3_snprintf(sizeof what, what, "reading took too long");
    return store_fail(c->s, rc, what, c->err);
}

int sql_begin(const struct sql_call *c, sqlite3_stmt **st) {
    sqlite3_stmt **kept = &c->s->prepared[c->sql];
    if (!*kept) {
        int rc =
            sqlite3_prepare_v3(c->s->db, statements[c->sql].text, -1, SQLITE_PREPARE_PERSISTENT, kept, NULL);
        if (rc != SQLITE_OK) return call_failed(c, rc);
    }
    if (!sqlite3_stmt_readonly(*kept) && !store_in_transaction(c->s))
        return err_set(c->err, EX_FAILED,
                       "%s outside a transaction: it was rolled back by an earlier failure",
                       statements[c->sql].name);
    if (c->s->read_limit && !c->s->snapshot) c->s->deadline = world_steady(c->s->world) + c->s->read_limit;
    int rc = bind_all(*kept, c);
    if (rc != SQLITE_OK) return call_failed(c, rc);
    *st = *kept;
    return 0;
}

int sql_next(const struct sql_call *c, sqlite3_stmt *st) {
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) return 1;
    if (rc == SQLITE_DONE) return 0;
    return call_failed(c, sqlite3_extended_errcode(c->s->db));
}

void sql_end(sqlite3_stmt *st) {
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}

int64_t sql_run(const struct sql_call *c) {
    sqlite3_stmt *st;
    if (sql_begin(c, &st)) return -1;
    int r = sql_next(c, st);
    int64_t changed = r < 0 ? -1 : sqlite3_changes64(c->s->db);
    sql_end(st);
    return changed;
}

int sql_must(const struct sql_call *c) {
    int64_t changed = sql_run(c);
    if (changed == 1) return 0;
    if (changed < 0) return -1;
    return err_set(c->err, EX_FAILED,
                   "the database (%s) contradicts itself: %s changed %lld rows instead of one", c->s->path,
                   statements[c->sql].name, (long long)changed);
}

int sql_int(const struct sql_call *c, int64_t *out) {
    sqlite3_stmt *st;
    if (sql_begin(c, &st)) return -1;
    int r = sql_next(c, st);
    int64_t value = r == 1 ? sqlite3_column_int64(st, 0) : 0;
    /* A RETURNING statement has made its change at the first row, and is over at the next step. */
    if (r == 1 && !sqlite3_stmt_readonly(st) && sql_next(c, st) < 0) r = -1;
    sql_end(st);
    if (r == 1) *out = value;
    return r;
}

int sql_get(const struct sql_call *c, row_reader *read, struct arena *a, void *row) {
    sqlite3_stmt *st;
    if (sql_begin(c, &st)) return -1;
    int r = sql_next(c, st);
    if (r == 1) read(st, a, row);
    sql_end(st);
    return r;
}

int sql_list(const struct sql_call *c, struct row_type type, struct arena *a, void *rows, size_t *n) {
    sqlite3_stmt *st;
    if (sql_begin(c, &st)) return -1;
    char *list = NULL;
    size_t count = 0, cap = 0;
    int r;
    while ((r = sql_next(c, st)) == 1) {
        grow_array((void **)&list, &cap, count + 1, type.size);
        memset(list + count * type.size, 0, type.size);
        type.read(st, a, list + count++ * type.size);
    }
    sql_end(st);
    if (r == 0) {
        void *kept = count ? memcpy(arena_array(a, count, type.size), list, count * type.size) : NULL;
        memcpy(rows, &kept, sizeof kept);
        *n = count;
    }
    free(list);
    return r;
}

int sql_mark(struct store *s, struct err *err) { return store_exec(s, "SAVEPOINT leat", err); }
int sql_keep(struct store *s, struct err *err) { return store_exec(s, "RELEASE leat", err); }

void sql_drop(struct store *s) {
    if (store_in_transaction(s)) store_exec(s, "ROLLBACK TO leat; RELEASE leat", NULL);
}

/* ---- columns ---- */

const char *col_text(sqlite3_stmt *st, int i, struct arena *a) {
    const char *s = (const char *)sqlite3_column_text(st, i);
    return s ? arena_strndup(a, s, (size_t)sqlite3_column_bytes(st, i)) : NULL;
}

int64_t col_int(sqlite3_stmt *st, int i, int64_t if_null) {
    return sqlite3_column_type(st, i) == SQLITE_NULL ? if_null : sqlite3_column_int64(st, i);
}

instant_t col_instant(sqlite3_stmt *st, int i) { return col_int(st, i, INSTANT_NONE); }
bool col_flag(sqlite3_stmt *st, int i) { return sqlite3_column_int(st, i) != 0; }

void store_release_statements(struct store *s) {
    for (size_t i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(s->prepared[i]);
        s->prepared[i] = NULL;
    }
}
