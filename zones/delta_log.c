/* delta_log.c: the text of one Delta log entry. See delta.h.
 *
 * Invariant: the text is a function of struct delta_commit alone. No clock, no random number, no file. */
#include "base/json.h"
#include "zones/delta.h"

#include <stdlib.h>
#include <string.h>

#ifndef LEAT_VERSION
#define LEAT_VERSION "0"
#endif

enum { US_TO_MS = 1000 };

/* Leat's operations in the words other programs know. */
static const struct {
    const char *operation, *name, *mode;
} operations[] = {
    {"append", "WRITE", "Append"},
    {"replace", "WRITE", "Overwrite"},
    {"replace_partitions", "WRITE", "Overwrite"},
    {"merge", "MERGE", NULL},
    {"rollback", "RESTORE", NULL},
};

static void add_line(struct buf *out, const char *action, json_t *body) {
    json_t *line = json_object();
    json_put(line, action, body);
    char *text = json_line(line);
    buf_adds(out, text);
    buf_addc(out, '\n');
    free(text);
    json_decref(line);
}

static json_t *user_metadata(const struct delta_commit *c) {
    json_t *who = json_object();
    json_put_text(who, "project", c->project);
    json_put_text(who, "pipeline", c->pipeline);
    json_put_text(who, "step", c->step);
    json_put_text(who, "run", c->run);
    char *text = json_line(who);
    json_t *out = json_string(text);
    free(text);
    json_decref(who);
    return out;
}

static void add_commit_info(const struct delta_commit *c, struct buf *out) {
    const char *name = "WRITE", *mode = NULL;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (strcmp(operations[i].operation, c->operation) != 0) continue;
        name = operations[i].name;
        mode = operations[i].mode;
    }
    json_t *parameters = json_object();
    json_put_text(parameters, "leat.write", c->operation);
    if (mode) json_put_text(parameters, "mode", mode);
    json_t *info = json_object();
    json_put(info, "timestamp", json_integer(c->at / US_TO_MS));
    json_put_text(info, "operation", name);
    json_put(info, "operationParameters", parameters);
    json_put(info, "isBlindAppend",
             json_boolean(!json_array_size(c->removes) && strcmp(c->operation, "append") == 0));
    json_put_text(info, "engineInfo", "Leat/" LEAT_VERSION);
    json_put_text(info, "txnId", c->token);
    json_put(info, "userMetadata", user_metadata(c));
    add_line(out, "commitInfo", info);
}

static bool type_has_ntz(const json_t *type) {
    char *text = json_dumps(type, JSON_ENCODE_ANY | JSON_COMPACT);
    bool has = text && strstr(text, "\"timestamp_ntz\"");
    free(text);
    return has;
}

static bool columns_have_ntz(const json_t *columns) {
    size_t i;
    json_t *c;
    json_array_foreach(columns, i, c) if (type_has_ntz(json_object_get(c, "type"))) return true;
    return false;
}

json_t *delta_protocol(const json_t *columns) {
    if (!columns_have_ntz(columns))
        return json_pack("{s:i,s:i}", "minReaderVersion", 1, "minWriterVersion", 2);
    return json_pack("{s:i,s:i,s:[s],s:[s,s,s]}", "minReaderVersion", 3, "minWriterVersion", 7,
                     "readerFeatures", "timestampNtz", "writerFeatures", "timestampNtz", "appendOnly",
                     "invariants");
}

json_t *delta_metadata(const char *table_id, const json_t *columns, const json_t *partition_by,
                       instant_t created_at) {
    char *schema = delta_schema_string(columns);
    json_t *m =
        json_pack("{s:s,s:{s:s,s:{}},s:s,s:O?,s:{}}", "id", table_id, "format", "provider", "parquet",
                  "options", "schemaString", schema, "partitionColumns", partition_by, "configuration");
    if (!json_is_array(json_object_get(m, "partitionColumns"))) json_put(m, "partitionColumns", json_array());
    if (created_at != INSTANT_NONE) json_put(m, "createdTime", json_integer(created_at / US_TO_MS));
    free(schema);
    return m;
}

static void add_txn(const struct delta_commit *c, struct buf *out) {
    struct buf app = BUF_INIT;
    buf_addf(&app, "leat/%s/%s/%s", c->project ? c->project : "", c->pipeline ? c->pipeline : "",
             c->step ? c->step : "");
    json_t *txn = json_object();
    json_put_text(txn, "appId", buf_str(&app));
    json_put(txn, "version", json_integer(c->sequence));
    json_put(txn, "lastUpdated", json_integer(c->at / US_TO_MS));
    add_line(out, "txn", txn);
    buf_release(&app);
}

static json_t *encoded(const char *path) {
    struct buf b = BUF_INIT;
    delta_path_encode(&b, path);
    json_t *out = json_string(buf_str(&b));
    buf_release(&b);
    return out;
}

static json_t *partition_values(const json_t *file) {
    const json_t *p = json_object_get(file, "partition");
    return json_is_object(p) ? json_deep_copy(p) : json_object();
}

/* Stats travel as JSON inside JSON; numRecords is there whenever the rows are known. */
json_t *delta_stats_text(const json_t *file) {
    const json_t *given = json_object_get(file, "stats");
    json_t *stats = json_object();
    int64_t rows = json_int(file, "rows", -1);
    if (rows >= 0) json_put(stats, "numRecords", json_integer(rows));
    if (json_is_object(given)) json_object_update(stats, (json_t *)(uintptr_t)given);
    char *text = json_line(stats);
    json_t *out = json_object_size(stats) ? json_string(text) : NULL;
    free(text);
    json_decref(stats);
    return out;
}

static void add_remove(const struct delta_commit *c, const json_t *file, struct buf *out) {
    json_t *r = json_object();
    json_put(r, "path", encoded(json_text_or(file, "path", "")));
    json_put(r, "deletionTimestamp", json_integer(c->at / US_TO_MS));
    json_put(r, "dataChange", json_boolean(c->data_change));
    json_put(r, "extendedFileMetadata", json_true());
    json_put(r, "partitionValues", partition_values(file));
    json_put(r, "size", json_integer(json_int(file, "bytes", 0)));
    add_line(out, "remove", r);
}

static void add_add(const struct delta_commit *c, const json_t *file, struct buf *out) {
    json_t *a = json_object(), *stats = delta_stats_text(file);
    json_put(a, "path", encoded(json_text_or(file, "target", "")));
    json_put(a, "partitionValues", partition_values(file));
    json_put(a, "size", json_integer(json_int(file, "bytes", 0)));
    json_put(a, "modificationTime", json_integer(c->at / US_TO_MS));
    json_put(a, "dataChange", json_boolean(c->data_change));
    if (stats) json_put(a, "stats", stats);
    add_line(out, "add", a);
}

void delta_commit_text(const struct delta_commit *c, struct buf *out) {
    size_t i;
    json_t *file;
    add_commit_info(c, out);
    if (c->first) add_line(out, "protocol", delta_protocol(c->columns));
    if (c->columns)
        add_line(out, "metaData",
                 delta_metadata(c->table_id, c->columns, c->partition_by, c->first ? c->at : INSTANT_NONE));
    add_txn(c, out);
    json_array_foreach(c->removes, i, file) add_remove(c, file, out);
    json_array_foreach(c->adds, i, file) add_add(c, file, out);
}
