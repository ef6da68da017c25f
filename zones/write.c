/* write.c: see write.h. Statistics are in stats.c. */
#include "zones/write.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/sha256.h"
#include "engine/duck.h"
#include "zones/delta.h"
#include "zones/stage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- partitions in paths ---- */

static json_t *folder_value(const char *text, size_t n) {
    char *raw = xmalloc(n + 1);
    memcpy(raw, text, n);
    raw[n] = 0;
    char *value = delta_path_decode(raw);
    bool null = !value || strcmp(value, "__HIVE_DEFAULT_PARTITION__") == 0;
    json_t *out = null ? json_null() : json_string(value);
    free(value);
    free(raw);
    return out ? out : json_null();
}

static json_t *value_in_path(const char *path, const char *column) {
    struct buf b = BUF_INIT;
    delta_path_encode(&b, column);
    buf_addc(&b, '=');
    json_t *found = NULL;
    for (const char *p = path, *slash; !found && (slash = strchr(p, '/')); p = slash + 1)
        if (strncmp(p, buf_str(&b), b.len) == 0) found = folder_value(p + b.len, (size_t)(slash - p) - b.len);
    buf_release(&b);
    return found;
}

json_t *write_partition_of(const char *path, const json_t *partition_by) {
    json_t *out = json_object();
    size_t i;
    json_t *name;
    json_array_foreach(partition_by, i, name) {
        json_t *value = value_in_path(path, json_string_value(name));
        if (!value) {
            json_decref(out);
            return NULL;
        }
        json_put(out, json_string_value(name), value);
    }
    return out;
}

/* ---- writing ---- */

static void add_names(struct buf *b, const json_t *names) {
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name) {
        if (i) buf_adds(b, ", ");
        buf_sql_ident(b, json_string_value(name));
    }
}

static void copy_text(struct buf *b, const struct write_rows *w) {
    bool parts = json_array_size(w->partition_by) > 0;
    buf_addf(b, "COPY (%s", w->select);
    if (parts) {
        buf_adds(b, " ORDER BY ");
        add_names(b, w->partition_by);
    }
    buf_adds(b, ") TO ");
    buf_sql_text(b, w->folder);
    buf_adds(b, " (FORMAT parquet, OVERWRITE_OR_IGNORE, ");
    if (parts) {
        buf_adds(b, "PARTITION_BY (");
        add_names(b, w->partition_by);
        buf_adds(b, "))");
    } else {
        buf_adds(b, "FILE_SIZE_BYTES '" WRITE_FILE_BYTES "')");
    }
}

static json_t *list_written(const struct write_rows *w, struct err *err) {
    json_t *files = stage_list(w->folder, err);
    if (!files) return NULL;
    size_t skip = strlen(w->stage) + 1, i;
    json_t *file;
    json_array_foreach(files, i, file) {
        const char *path = json_text(file, "staged");
        json_t *partition = write_partition_of(path, w->partition_by);
        struct buf b = BUF_INIT;
        buf_addf(&b, "%s/%s", w->folder + skip, path);
        json_put_text(file, "staged", buf_str(&b));
        json_put(file, "partition", partition);
        buf_release(&b);
    }
    return files;
}

json_t *write_parquet(struct duck *d, const struct write_rows *w, struct err *err) {
    struct buf sql = BUF_INIT;
    int64_t rows = 0;
    copy_text(&sql, w);
    int rc = duck_exec(d, buf_str(&sql), w->params, &rows, err);
    buf_release(&sql);
    if (rc < 0) return NULL;
    if (rows > 0) return list_written(w, err);
    return fs_remove_tree(w->folder, err) < 0 ? NULL : json_array();
}

/* ---- final names ---- */

static void add_partition_folders(struct buf *b, const json_t *partition) {
    const char *column;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)partition, column, value) {
        delta_partition_folder(b, column, json_string_value(value));
        buf_addc(b, '/');
    }
}

void write_targets(json_t *files, const struct write_names *n) {
    size_t i;
    json_t *file;
    json_array_foreach(files, i, file) {
        if (json_object_get(file, "target")) continue;
        struct buf b = BUF_INIT;
        if (n->folder && n->folder[0]) buf_addf(&b, "%s/", n->folder);
        if (n->by_partition) add_partition_folders(&b, json_object_get(file, "partition"));
        buf_addf(&b, "part-%05zu-%s%s", i, n->token, n->ending);
        json_put_text(file, "target", buf_str(&b));
        buf_release(&b);
    }
}

int write_hashes(const char *stage, json_t *files, struct err *err) {
    size_t i;
    json_t *file;
    json_array_foreach(files, i, file) {
        if (json_text(file, "sha256")) continue;
        char hex[SHA256_HEX];
        char *path = fs_join(stage, json_text(file, "staged"));
        int rc = sha256_file(path, hex, err);
        free(path);
        if (rc < 0) return -1;
        json_put_text(file, "sha256", hex);
    }
    return 0;
}
