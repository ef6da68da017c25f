/* delta_checkpoint.c: a table's whole state as one Parquet file beside the log. See delta.h.
 *
 * The actions are made as JSON, exactly as in the log, and become typed columns by one from_json(): the
 * structure below is the checkpoint's schema. The file appears by rename, after its bytes are durable;
 * `_last_checkpoint` is only written after that. */
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "engine/duck.h"
#include "zones/delta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char structure[] =
    "[{\"txn\":{\"appId\":\"VARCHAR\",\"version\":\"BIGINT\",\"lastUpdated\":\"BIGINT\"},"
    "\"add\":{\"path\":\"VARCHAR\",\"partitionValues\":\"MAP(VARCHAR,VARCHAR)\",\"size\":\"BIGINT\","
    "\"modificationTime\":\"BIGINT\",\"dataChange\":\"BOOLEAN\",\"stats\":\"VARCHAR\","
    "\"tags\":\"MAP(VARCHAR,VARCHAR)\"},"
    "\"remove\":{\"path\":\"VARCHAR\",\"deletionTimestamp\":\"BIGINT\",\"dataChange\":\"BOOLEAN\","
    "\"extendedFileMetadata\":\"BOOLEAN\",\"partitionValues\":\"MAP(VARCHAR,VARCHAR)\",\"size\":\"BIGINT\"},"
    "\"metaData\":{\"id\":\"VARCHAR\",\"name\":\"VARCHAR\",\"description\":\"VARCHAR\","
    "\"format\":{\"provider\":\"VARCHAR\",\"options\":\"MAP(VARCHAR,VARCHAR)\"},\"schemaString\":\"VARCHAR\","
    "\"partitionColumns\":[\"VARCHAR\"],\"configuration\":\"MAP(VARCHAR,VARCHAR)\",\"createdTime\":"
    "\"BIGINT\"},"
    "\"protocol\":{\"minReaderVersion\":\"INTEGER\",\"minWriterVersion\":\"INTEGER\","
    "\"readerFeatures\":[\"VARCHAR\"],\"writerFeatures\":[\"VARCHAR\"]}}]";

static void add_action(json_t *actions, const char *name, json_t *body) {
    json_t *action = json_object();
    json_put(action, name, body);
    json_array_append_new(actions, action);
}

static json_t *file_action(const json_t *file, const char *path_key, const char *time_key, bool changes) {
    struct buf path = BUF_INIT;
    delta_path_encode(&path, json_text_or(file, path_key, ""));
    const json_t *partition = json_object_get(file, "partition");
    json_t *a = json_object();
    json_put_text(a, "path", buf_str(&path));
    json_put(a, "partitionValues", json_is_object(partition) ? json_deep_copy(partition) : json_object());
    json_put(a, "size", json_integer(json_int(file, "bytes", 0)));
    json_put(a, time_key, json_integer(json_int(file, "at", 0) / 1000));
    json_put(a, "dataChange", json_boolean(changes));
    buf_release(&path);
    return a;
}

static void add_files(json_t *actions, const struct delta_state *s) {
    size_t i;
    json_t *f;
    json_array_foreach(s->files, i, f) {
        json_t *a = file_action(f, "target", "modificationTime", false), *stats = delta_stats_text(f);
        if (stats) json_put(a, "stats", stats);
        add_action(actions, "add", a);
    }
    json_array_foreach(s->removed, i, f) {
        json_t *r = file_action(f, "path", "deletionTimestamp", false);
        json_put(r, "extendedFileMetadata", json_true());
        add_action(actions, "remove", r);
    }
}

static json_t *actions_of(const struct delta_state *s) {
    json_t *actions = json_array(), *t;
    size_t i;
    add_action(actions, "protocol", delta_protocol(s->columns));
    add_action(actions, "metaData", delta_metadata(s->table_id, s->columns, s->partition_by, s->created_at));
    json_array_foreach(s->txns, i, t)
        add_action(actions, "txn",
                   json_pack("{s:s,s:I}", "appId", json_text_or(t, "app_id", ""), "version",
                             (json_int_t)json_int(t, "version", 0)));
    add_files(actions, s);
    return actions;
}

static int write_parquet_file(struct duck *d, const json_t *actions, const char *path, struct err *err) {
    struct buf sql = BUF_INIT;
    char *text = json_line(actions);
    json_t *params = json_pack("[{s:s,s:s,s:s}]", "name", "actions", "type", "text", "value", text);
    buf_adds(&sql, "COPY (SELECT unnest(a) FROM (SELECT unnest(from_json($actions::VARCHAR::JSON, ");
    buf_sql_text(&sql, structure);
    buf_adds(&sql, ")) AS a)) TO ");
    buf_sql_text(&sql, path);
    buf_adds(&sql, " (FORMAT parquet, COMPRESSION snappy)");
    int r = params ? duck_exec(d, buf_str(&sql), params, NULL, err)
                   : err_set(err, EX_INVALID, "a path or value of the table is not UTF-8");
    json_decref(params);
    free(text);
    buf_release(&sql);
    return r;
}

static int write_last(const char *log, int64_t version, size_t actions, size_t adds, const char *checkpoint,
                      struct err *err) {
    struct stat st;
    if (stat(checkpoint, &st)) return err_errno(err, "cannot read %s", checkpoint);
    struct buf text = BUF_INIT;
    buf_addf(&text, "{\"version\":%lld,\"size\":%zu,\"sizeInBytes\":%lld,\"numOfAddFiles\":%zu}",
             (long long)version, actions, (long long)st.st_size, adds);
    char *path = fs_join(log, "_last_checkpoint");
    int r = fs_replace(path, text.s, text.len, 0644, err);
    free(path);
    buf_release(&text);
    return r;
}

int delta_checkpoint(struct duck *d, const char *table, const struct delta_state *s, struct err *err) {
    json_t *actions = actions_of(s);
    struct buf path = BUF_INIT, fresh = BUF_INIT;
    char *log = fs_join(table, "_delta_log");
    buf_addf(&path, "%s/%020lld.checkpoint.parquet", log, (long long)s->version);
    buf_addf(&fresh, "%s/.%020lld.checkpoint.tmp", log, (long long)s->version);
    int r = write_parquet_file(d, actions, buf_str(&fresh), err) || fs_sync_path(buf_str(&fresh), err) ||
                    fs_rename(buf_str(&fresh), buf_str(&path), err) ||
                    write_last(log, s->version, json_array_size(actions), json_array_size(s->files),
                               buf_str(&path), err)
                ? -1
                : 0;
    if (r) {
        unlink(buf_str(&fresh));
        err_prefix(err, "checkpoint %lld of %s", (long long)s->version, table);
    }
    buf_release(&path);
    buf_release(&fresh);
    free(log);
    json_decref(actions);
    return r;
}
