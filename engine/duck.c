/* duck.c: opening a confined database, running statements, turning the engine's messages into errors.
 *
 * Statements run by stepping a pending result, so that progress is reported and a stop is noticed between two
 * pieces of work; duckdb_interrupt() covers the long pieces. */
#include "base/arena.h"
#include "base/json.h"
#include "base/world.h"
#include "engine/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- errors ---- */

/* What a class of failure means to the caller; matched in order against kind and text. */
static const struct {
    const char *kind, *text; /* exception_type, part of the message; NULL: any */
    enum leat_exit exit;
    const char *reason, *hint;
} meanings[] = {
    {"INTERRUPT", NULL, EX_INTERRUPTED, "cancelled", NULL},
    {"Interrupt", NULL, EX_INTERRUPTED, "cancelled", NULL},
    {NULL, "No space left on device", EX_ENVIRONMENT, "disk_full", "free some space, then retry"},
    {NULL, "max_temp_directory_size", EX_ENVIRONMENT, "disk_full", "free some space, then retry"},
    {"Out of Memory", NULL, EX_ENVIRONMENT, "out_of_memory",
     "give the step more with `memory:`, or fewer `threads:`"},
    {"Permission", NULL, EX_INVALID, "not_allowed",
     "SQL may read the project's zones and the folders under allow_paths in leat.yaml"},
    {"IO", "No files found that match", EX_FAILED, "no_files",
     NULL}, /* a name in the statement, not the disk */
    {"IO", NULL, EX_ENVIRONMENT, "io", NULL},
    {"Parser", NULL, EX_INVALID, "sql", NULL},
    {"Binder", NULL, EX_INVALID, "sql", NULL},
    {"Catalog", NULL, EX_INVALID, "sql", NULL},
    {NULL, NULL, EX_FAILED, "sql", NULL},
};

static void set_meaning(const char *kind, const char *text, struct err *err) {
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (meanings[i].kind && strcmp(meanings[i].kind, kind) != 0) continue;
        if (meanings[i].text && !strstr(text, meanings[i].text)) continue;
        err->exit = meanings[i].exit;
        err_reason(err, meanings[i].reason);
        if (meanings[i].hint) err_hint(err, "%s", meanings[i].hint);
        return;
    }
}

/* One line: the library adds the statement and a caret on further lines, which the caller shows its own
 * way. */
static void first_line(const char *s, char *out, size_t n) {
    size_t len = strcspn(s, "\n");
    snprintf(out, n, "%.*s", (int)(len < n ? len : n - 1), s);
}

/* A line of a CSV file that cannot be read: "CSV Error on Line: N", the line, why, advice, "  file = PATH". */
static bool csv_line(const char *s, char *out, size_t n) {
    static const char begins[] = "CSV Error on Line: ", names[] = "\n  file = ";
    const char *line = strncmp(s, begins, sizeof begins - 1) == 0 ? s + sizeof begins - 1 : NULL;
    const char *original = line ? strchr(line, '\n') : NULL, *file = line ? strstr(line, names) : NULL;
    const char *why = original ? strchr(original + 1, '\n') : NULL;
    if (!why || !file || why >= file) return false;
    file += sizeof names - 1;
    snprintf(out, n, "%.*s:%.*s: %.*s", (int)strcspn(file, "\n"), file, (int)strcspn(line, "\n"), line,
             (int)strcspn(why + 1, "\n"), why + 1);
    return true;
}

void duck_note_error(struct duck *d, json_t *said) {
    const char *position = json_text(said, "position");
    json_decref(d->error_said);
    d->error_said = said;
    d->error_position = position ? strtoll(position, NULL, 10) : -1;
}

int duck_fail(struct duck *d, const char *message, struct err *err) {
    if (!message) message = "the embedded engine failed without a message";
    /* Some messages have the kind before the object. */
    const char *brace = strchr(message, '{');
    json_t *j = brace ? json_loads(brace, 0, NULL) : NULL;
    const char *text = json_text_or(j, "exception_message", message);
    const char *kind = json_text_or(j, "exception_type", "");
    if (err) {
        char line[900];
        if (!csv_line(text, line, sizeof line)) first_line(text, line, sizeof line);
        err_set(err, EX_FAILED, "%s", line);
        set_meaning(kind, text, err);
    }
    duck_note_error(d, j);
    return -1;
}

int64_t duck_error_position(const struct duck *d) { return d->error_position; }
const json_t *duck_error_said(const struct duck *d) { return d->error_said; }

/* ---- opening ---- */

static int set_config(const struct duckdb_api *api, void *config, const char *name, const char *value,
                      struct err *err) {
    if (!api->set_config(config, name, value)) return 0;
    return err_set(err, EX_ENVIRONMENT, "the embedded engine does not know the setting %s = %s", name, value);
}

static int fill_config(const struct duckdb_api *api, void *config, const struct duck_options *o,
                       struct err *err) {
    static const struct {
        const char *name, *value;
    } fixed[] = {
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"allow_community_extensions", "false"},
    };
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (set_config(api, config, fixed[i].name, fixed[i].value, err)) return -1;
    char text[64];
    snprintf(text, sizeof text, "%" PRId64 "KiB", o->memory_bytes / 1024);
    if (o->memory_bytes && set_config(api, config, "memory_limit", text, err)) return -1;
    snprintf(text, sizeof text, "%" PRId64, o->threads);
    return o->threads ? set_config(api, config, "threads", text, err) : 0;
}

static int open_database(struct duck *d, const struct duck_options *o, struct err *err) {
    void *config = NULL;
    char *why = NULL;
    if (d->api->create_config(&config))
        return err_set(err, EX_ENVIRONMENT, "the embedded engine has no memory");
    int r = fill_config(d->api, config, o, err);
    if (!r && d->api->open_ext(":memory:", &d->database, config, &why)) r = duck_fail(d, why, err);
    if (!r && d->api->connect(d->database, &d->connection))
        r = err_set(err, EX_ENVIRONMENT, "the embedded engine accepts no connection");
    d->api->destroy_config(&config);
    d->api->free(why);
    return r;
}

/* The order matters: folders are named before outside access ends, and the lock comes last. */
static int confine(struct duck *d, const struct duck_options *o, struct err *err) {
    struct buf sql = BUF_INIT;
    buf_adds(&sql, "SET errors_as_json = true; SET enable_progress_bar = true; "
                   "SET enable_progress_bar_print = false; SET temp_directory = ");
    buf_sql_text(&sql, o->temp_folder ? o->temp_folder : "");
    buf_adds(&sql, "; SET TimeZone = ");
    buf_sql_text(&sql, o->timezone ? o->timezone : "UTC");
    buf_adds(&sql, "; SET allowed_directories = [");
    for (size_t i = 0; i < o->allowed_count; i++) {
        if (i) buf_adds(&sql, ", ");
        buf_sql_text(&sql, o->allowed[i]);
    }
    buf_adds(&sql, "]; SET enable_external_access = false; SET lock_configuration = true");
    int r = duck_exec(d, buf_str(&sql), NULL, NULL, err);
    buf_release(&sql);
    return r;
}

struct duck *duck_open(const struct duck_options *o, struct err *err) {
    const struct duckdb_api *api = duckdb_api_load(err);
    if (!api) return NULL;
    struct duck *d = xcalloc(1, sizeof *d);
    *d = (struct duck){.api = api, .tick = o->tick, .tick_ctx = o->tick_ctx, .error_position = -1};
    if (open_database(d, o, err) == 0 && confine(d, o, err) == 0) return d;
    err_prefix(err, "cannot start the embedded engine");
    duck_close(d);
    return NULL;
}

void duck_close(struct duck *d) {
    if (!d) return;
    if (d->connection) d->api->disconnect(&d->connection);
    if (d->database) d->api->close(&d->database);
    json_decref(d->error_said);
    free(d);
}

const char *duck_version(const struct duck *d) { return d->api->library_version(); }
const char *duck_library(const struct duck *d) { return d->api->path; }

void duck_interrupt(struct duck *d) {
    d->stop = 1;
    d->api->interrupt(d->connection);
}

/* ---- running ---- */

enum { TICK_EVERY = 250 * 1000 };

/* Looks at the stop flag and, four times a second, calls the tick. -1 with err when the work must end. */
int duck_pulse(struct duck *d, bool working, struct err *err) {
    duration_t now = world_steady(world_real());
    if (!d->stop && d->tick && now - d->ticked_at >= TICK_EVERY) {
        d->ticked_at = now;
        double percent = working ? d->api->query_progress(d->connection).percentage : -1;
        if (d->tick(d->tick_ctx, percent)) d->stop = 1;
    }
    if (!d->stop) return 0;
    d->api->interrupt(d->connection);
    err_set(err, EX_INTERRUPTED, "the query was stopped");
    return err_reason(err, "cancelled");
}

/* All work is with the engine's own threads: wait a little instead of spinning. */
static void rest(void) { nanosleep(&(struct timespec){.tv_nsec = 300 * 1000}, NULL); }

/* A stop is over when the engine says so: of a query that is given up while threads are still at work on it,
 * the engine frees nothing. */
static int step_to_end(struct duck *d, void *pending, struct err *err) {
    for (;;) {
        int state = d->api->pending_execute_task(pending);
        if (state == PENDING_READY) return 0;
        bool stopped = duck_pulse(d, true, err) < 0;
        if (state == PENDING_ERROR) return stopped ? -1 : duck_fail(d, d->api->pending_error(pending), err);
        if (state == PENDING_NO_TASKS) rest();
    }
}

int duck_run(struct duck *d, void *statement, struct duckdb_result *out, struct err *err) {
    void *pending = NULL;
    *out = (struct duckdb_result){0};
    if (duck_pulse(d, false, err)) return -1;
    int r = d->api->pending_prepared_streaming(statement, &pending)
                ? duck_fail(d, d->api->pending_error(pending), err)
                : step_to_end(d, pending, err);
    if (!r && d->api->execute_pending(pending, out)) {
        r = duck_fail(d, d->api->result_error(out), err);
        d->api->destroy_result(out);
    }
    d->api->destroy_pending(&pending);
    return r;
}

static int prepare_at(struct duck *d, void *extracted, uint64_t i, const json_t *params, void **statement,
                      struct err *err) {
    *statement = NULL;
    int r = d->api->prepare_extracted_statement(d->connection, extracted, i, statement)
                ? duck_fail(d, d->api->prepare_error(*statement), err)
                : duck_bind(d, *statement, params, err);
    if (r) d->api->destroy_prepare(statement);
    return r;
}

/* How many statements the text has; 0 is an error too. */
static uint64_t extract(struct duck *d, const char *sql, void **extracted, struct err *err) {
    duck_note_error(d, NULL);
    *extracted = NULL;
    uint64_t n = d->api->extract_statements(d->connection, sql, extracted);
    const char *why = n ? NULL : d->api->extract_statements_error(*extracted);
    if (why)
        duck_fail(d, why, err);
    else if (!n)
        err_set(err, EX_INVALID, "the SQL text holds no statement");
    return n;
}

int duck_prepare(struct duck *d, const char *sql, const json_t *params, void **statement, struct err *err) {
    void *extracted;
    uint64_t n = extract(d, sql, &extracted, err);
    int r = -1;
    if (n > 1)
        err_set(err, EX_INVALID, "one SQL statement is allowed here, the text holds %" PRIu64, n);
    else if (n == 1)
        r = prepare_at(d, extracted, 0, params, statement, err);
    d->api->destroy_extracted(&extracted);
    return r;
}

/* COPY, INSERT … answer with one row holding the count. */
static int drain(struct duck *d, struct duckdb_result *result, int64_t *changed, struct err *err) {
    int r = 0;
    struct duck_type type = {0};
    void *logical = d->api->column_count(result) == 1 ? d->api->column_logical_type(result, 0) : NULL;
    if (logical && duck_type_read(d->api, logical, &type, NULL) == 0) type.storage = 0;
    for (void *chunk; (chunk = d->api->fetch_chunk(*result)); d->api->destroy_data_chunk(&chunk)) {
        if (type.id != DT_BIGINT || !changed || !d->api->data_chunk_get_size(chunk)) continue;
        struct duck_vector v = duck_vector_of(d->api, d->api->data_chunk_get_vector(chunk, 0));
        *changed = duck_value_int(&type, &v, 0);
    }
    const char *why = d->api->result_error(result);
    if (why && *why) r = duck_fail(d, why, err);
    duck_type_release(&type);
    if (logical) d->api->destroy_logical_type(&logical);
    return r;
}

static int run_one(struct duck *d, void *extracted, uint64_t i, const json_t *params, int64_t *changed,
                   struct err *err) {
    void *statement;
    struct duckdb_result result;
    if (prepare_at(d, extracted, i, params, &statement, err)) return -1;
    int r = duck_run(d, statement, &result, err);
    if (!r) {
        r = drain(d, &result, changed, err);
        d->api->destroy_result(&result);
    }
    d->api->destroy_prepare(&statement);
    return r;
}

int duck_exec(struct duck *d, const char *sql, const json_t *params, int64_t *changed, struct err *err) {
    void *extracted;
    uint64_t n = extract(d, sql, &extracted, err);
    int r = n ? 0 : -1;
    if (changed) *changed = 0;
    if (n > 1 && params) r = err_set(err, EX_INVALID, "parameters need a single SQL statement");
    for (uint64_t i = 0; i < n && !r; i++) r = run_one(d, extracted, i, params, changed, err);
    d->api->destroy_extracted(&extracted);
    return r;
}

int duck_execf(struct duck *d, struct err *err, const char *fmt, ...) {
    struct buf sql = BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&sql, fmt, ap);
    va_end(ap);
    int r = duck_exec(d, buf_str(&sql), NULL, NULL, err);
    buf_release(&sql);
    return r;
}
