/* delta_read.c: one Delta log entry, read tolerantly but strictly: unknown actions and members are ignored,
 * known members must have the right type, and a line that is no JSON object is an error with its number. */
#include "base/fsio.h"
#include "base/json.h"
#include "zones/delta.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ENTRY_BYTES = 1 << 30 };

/* The place in the text, for messages. */
struct place_in {
    const char *name;
    size_t line;
};

static int wrong(const struct place_in *at, struct err *err, const char *what) {
    return err_set(err, EX_ENVIRONMENT, "%s:%zu: %s", at->name, at->line, what);
}

/* ---- add and remove ---- */

static bool partition_is_sound(const json_t *p) {
    const char *key;
    json_t *v;
    if (p && !json_is_null(p) && !json_is_object(p)) return false;
    json_object_foreach((json_t *)(uintptr_t)p, key,
                        v) if (!json_is_null(v) && !json_is_string(v)) return false;
    return true;
}

static bool flag_or(const json_t *v, const char *key, bool otherwise) {
    const json_t *f = json_object_get(v, key);
    return f && !json_is_null(f) ? json_is_true(f) : otherwise;
}

/* The decoded path as JSON; NULL when it is missing, empty, badly escaped or no UTF-8. */
static json_t *path_of(const json_t *body) {
    const char *encoded = json_text(body, "path");
    char *path = encoded ? delta_path_decode(encoded) : NULL;
    json_t *out = path && *path ? json_string(path) : NULL;
    free(path);
    return out;
}

/* Stats that cannot be read are left out: they only help planning. */
static json_t *stats_of(const json_t *body) {
    const char *text = json_text(body, "stats");
    json_t *stats = text ? json_loads(text, 0, NULL) : NULL;
    if (json_is_object(stats)) return stats;
    json_decref(stats);
    return json_null();
}

static int read_add(const json_t *body, const struct place_in *at, struct delta_entry *out, struct err *err) {
    const json_t *size = json_object_get(body, "size"), *partition = json_object_get(body, "partitionValues");
    json_t *path = path_of(body);
    if (!path || !json_is_integer(size) || !partition_is_sound(partition)) {
        json_decref(path);
        return wrong(at, err, "add needs a path, a size and text partition values");
    }
    if (json_is_object(json_object_get(body, "deletionVector")))
        snprintf(out->needs, sizeof out->needs, "deletion vectors");
    json_t *stats = stats_of(body), *add = json_object();
    json_put(add, "target", path);
    json_put(add, "rows", json_integer(json_int(stats, "numRecords", -1)));
    json_put(add, "bytes", json_integer(json_integer_value(size)));
    json_put(add, "partition", json_is_object(partition) ? json_deep_copy(partition) : json_object());
    json_put(add, "stats", stats);
    json_array_append_new(out->adds, add);
    out->changes_data |= flag_or(body, "dataChange", true);
    return 0;
}

static int read_remove(const json_t *body, const struct place_in *at, struct delta_entry *out,
                       struct err *err) {
    json_t *path = path_of(body);
    if (!path) return wrong(at, err, "remove needs a path");
    bool changes = flag_or(body, "dataChange", true);
    json_t *remove = json_object();
    json_put(remove, "path", path);
    json_put(remove, "data_change", json_boolean(changes));
    json_array_append_new(out->removes, remove);
    out->changes_data |= changes;
    return 0;
}

/* ---- the others ---- */

static int read_metadata(const json_t *body, const struct place_in *at, struct delta_entry *out,
                         struct err *err) {
    const char *schema = json_text(body, "schemaString");
    const json_t *by = json_object_get(body, "partitionColumns");
    size_t i;
    json_t *name;
    bool sound = schema && (!by || json_is_array(by));
    json_array_foreach(by, i, name) sound = sound && json_is_string(name);
    if (!sound) return wrong(at, err, "metaData needs a schemaString and partitionColumns");
    json_t *columns = delta_columns_parse(schema, err);
    if (!columns) {
        err_prefix(err, "%s:%zu", at->name, at->line);
        return -1;
    }
    json_decref(out->columns);
    json_decref(out->partition_by);
    snprintf(out->table_id, sizeof out->table_id, "%s", json_text_or(body, "id", ""));
    out->columns = columns;
    out->partition_by = by ? json_deep_copy(by) : json_array();
    if (json_object_size(json_object_get(body, "configuration")))
        snprintf(out->needs, sizeof out->needs, "table properties");
    return 0;
}

static int read_protocol(const json_t *body, const struct place_in *at, struct delta_entry *out,
                         struct err *err) {
    out->reader_version = json_int(body, "minReaderVersion", 0);
    out->writer_version = json_int(body, "minWriterVersion", 0);
    if (out->reader_version < 1 || out->writer_version < 1)
        return wrong(at, err, "protocol needs minReaderVersion and minWriterVersion");
    if (out->reader_version > 1 || out->writer_version > 2)
        snprintf(out->needs, sizeof out->needs, "reader version %lld and writer version %lld",
                 (long long)out->reader_version, (long long)out->writer_version);
    return 0;
}

static int read_txn(const json_t *body, const struct place_in *at, struct delta_entry *out, struct err *err) {
    const char *app = json_text(body, "appId");
    if (!app || !json_is_integer(json_object_get(body, "version")))
        return wrong(at, err, "txn needs appId and version");
    snprintf(out->app_id, sizeof out->app_id, "%s", app);
    out->app_version = json_int(body, "version", 0);
    return 0;
}

/* What delta_log.c's user_metadata() and operationParameters said. */
static json_t *made_by(const json_t *info) {
    const char *text = json_text(info, "userMetadata");
    json_t *who = text ? json_loads(text, 0, NULL) : NULL, *made = json_object();
    static const char *const names[] = {"pipeline", "step", "run"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_put_text(made, names[i], json_text(who, names[i]));
    json_put_text(made, "operation",
                  json_text_or(json_object_get(info, "operationParameters"), "leat.write", "append"));
    json_decref(who);
    return made;
}

static int read_commit_info(const json_t *body, const struct place_in *at, struct delta_entry *out,
                            struct err *err) {
    (void)at, (void)err;
    snprintf(out->writer, sizeof out->writer, "%s", json_text_or(body, "engineInfo", ""));
    if (strncmp(out->writer, "Leat/", 5) != 0) return 0;
    snprintf(out->token, sizeof out->token, "%s", json_text_or(body, "txnId", ""));
    json_decref(out->made_by);
    out->made_by = made_by(body);
    return 0;
}

static const struct {
    const char *name;
    int (*read)(const json_t *body, const struct place_in *at, struct delta_entry *out, struct err *err);
} actions[] = {
    {"add", read_add},           {"remove", read_remove}, {"metaData", read_metadata},
    {"protocol", read_protocol}, {"txn", read_txn},       {"commitInfo", read_commit_info},
};

static int read_line(const char *line, size_t n, const struct place_in *at, struct delta_entry *out,
                     struct err *err) {
    json_t *action = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(action)) {
        json_decref(action);
        return wrong(at, err, "this line of the log is no JSON object");
    }
    int r = 0;
    for (size_t i = 0; i < sizeof actions / sizeof *actions && !r; i++) {
        const json_t *body = json_object_get(action, actions[i].name);
        if (!body || json_is_null(body)) continue;
        r = json_is_object(body) ? actions[i].read(body, at, out, err)
                                 : wrong(at, err, "an action of the log is no object");
    }
    json_decref(action);
    return r;
}

void delta_entry_release(struct delta_entry *e) {
    json_decref(e->adds);
    json_decref(e->removes);
    json_decref(e->columns);
    json_decref(e->partition_by);
    json_decref(e->made_by);
    *e = (struct delta_entry){0};
}

static bool is_blank(const char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r') return false;
    return true;
}

int delta_entry_parse(const char *text, size_t len, const char *name, struct delta_entry *out,
                      struct err *err) {
    struct place_in at = {.name = name};
    *out = (struct delta_entry){.adds = json_array(), .removes = json_array()};
    size_t used = 0;
    for (const char *p = text, *end = text + len; p < end;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((newline ? newline : end) - p);
        at.line++;
        bool blank = is_blank(p, n);
        if (!blank && read_line(p, n, &at, out, err)) {
            delta_entry_release(out);
            return -1;
        }
        used += !blank;
        p = newline ? newline + 1 : end;
    }
    if (used) return 0;
    delta_entry_release(out);
    return err_set(err, EX_ENVIRONMENT, "%s: the log entry is empty", name);
}

int delta_entry_read(const char *table, int64_t version, struct delta_entry *out, struct err *err) {
    char *path = delta_log_path(table, version);
    struct stat st;
    int r = -1;
    if (stat(path, &st) && (errno == ENOENT || errno == ENOTDIR)) {
        r = 1;
    } else {
        size_t len;
        char *text = fs_read(path, ENTRY_BYTES, &len, err);
        if (text) r = delta_entry_parse(text, len, path, out, err);
        free(text);
    }
    free(path);
    return r;
}
