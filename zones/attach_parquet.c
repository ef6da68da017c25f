/* attach_parquet.c: a version of a table as a SELECT over its Parquet files.
 *
 * Files of one dataset may differ: columns were added since (missing ones are NULL), outside writers
 * have their own physical types. So columns are matched by name, the files are read in at most two groups,
 * ours and others', and each group's own columns are looked at once before the view is made: a physical
 * TIMESTAMP in a column of instants is what Spark's INT96 looks like, UTC whatever the zone of the session.
 * Partition columns come from the folder names when every file lies where its values say, which lets the
 * engine skip files; else from the catalogue, joined by file name. */
#include "zones/attach_impl.h"

#include "base/fsio.h"
#include "base/json.h"
#include "base/map.h"
#include "zones/delta.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_COLUMN "_leat_file"

/* ---- a group of Parquet files with declared columns ---- */

static bool is_partition(const struct group *g, const char *column) {
    size_t i;
    json_t *name;
    json_array_foreach(g->by, i, name) if (strcmp(json_string_value(name), column) == 0) return true;
    return false;
}

static const json_t *column_type(const struct group *g, const char *name) {
    size_t i;
    json_t *c;
    json_array_foreach(g->columns, i, c) if (strcmp(json_text_or(c, "name", ""), name) ==
                                             0) return json_object_get(c, "type");
    return NULL;
}

static void add_sql_type(struct buf *out, const json_t *type) {
    if (!type || !delta_sql_type(type, out)) buf_adds(out, "VARCHAR");
}

/* Where the file's partition values say it lies; "a=1/b=2/". false: a value that folder names cannot tell
 * apart from NULL. */
static bool expected_folder(const struct group *g, const json_t *partition, struct buf *out) {
    size_t i;
    json_t *name;
    json_array_foreach(g->by, i, name) {
        const char *value = json_text(partition, json_string_value(name));
        if (value && (!*value || strcasecmp(value, "null") == 0)) return false;
        delta_partition_folder(out, json_string_value(name), value);
        buf_addc(out, '/');
    }
    return true;
}

static bool lies_as_told(const struct group *g, const struct file_row *f) {
    json_t *partition = f->partition ? json_loads(f->partition, 0, NULL) : NULL;
    struct buf folder = BUF_INIT;
    bool told = expected_folder(g, partition, &folder) &&
                strncmp(f->path, buf_str(&folder), folder.len) == 0 && !strchr(f->path + folder.len, '=');
    buf_release(&folder);
    json_decref(partition);
    return told;
}

bool group_folders_tell(const struct group *g, const char *dataset_path) {
    if (strchr(dataset_path, '=')) return false;
    for (size_t i = 0; i < g->count; i++)
        if (!lies_as_told(g, g->files[i])) return false;
    return true;
}

/* read_parquet(…) of the group. */
static void add_reader(const struct group *g, struct buf *out) {
    bool hive = g->folders && json_array_size(g->by);
    buf_addf(out, "read_parquet(getvariable('%s'), union_by_name=true, hive_partitioning=%s", g->list,
             hive ? "true" : "false");
    size_t i;
    json_t *name;
    if (hive) buf_adds(out, ", hive_types={");
    json_array_foreach(g->by, i, name) {
        if (!hive) break;
        if (i) buf_adds(out, ", ");
        buf_sql_text(out, json_string_value(name));
        buf_adds(out, ": ");
        add_sql_type(out, column_type(g, json_string_value(name)));
    }
    if (hive) buf_adds(out, "}");
    if (!g->folders) buf_adds(out, ", filename='" FILE_COLUMN "'");
    buf_addc(out, ')');
}

/* The partition values as a list of structs {file, v: [values]}, for the join. */
static int set_values(struct duck *d, struct group *g, struct err *err) {
    struct buf text = BUF_INIT, sql = BUF_INIT;
    json_t *rows = json_array();
    for (size_t i = 0; i < g->count; i++) {
        json_t *partition = g->files[i]->partition ? json_loads(g->files[i]->partition, 0, NULL) : NULL;
        json_t *values = json_array(), *name;
        size_t k;
        json_array_foreach(g->by, k, name) {
            const char *v = json_text(partition, json_string_value(name));
            json_array_append_new(values, v ? json_string(v) : json_null());
        }
        json_array_append_new(rows, json_pack("{s:O,s:o}", "file", json_array_get(g->paths, i), "v", values));
        json_decref(partition);
    }
    char *line = json_line(rows);
    buf_adds(&text, line);
    json_t *params = json_pack("[{s:s,s:s,s:s}]", "name", "rows", "type", "text", "value", buf_str(&text));
    snprintf(g->values, sizeof g->values, "%s_values", g->list);
    buf_addf(
        &sql,
        "SET VARIABLE %s = from_json($rows::VARCHAR::JSON, '[{\"file\":\"VARCHAR\",\"v\":[\"VARCHAR\"]}]')",
        g->values);
    int r = duck_exec(d, buf_str(&sql), params, NULL, err);
    free(line);
    json_decref(rows);
    json_decref(params);
    buf_release(&text);
    buf_release(&sql);
    return r;
}

/* One column of the version: from the folder name, from the joined values, from the file, or NULL. */
static void add_column(const struct group *g, const json_t *column, const struct map *physical,
                       const char *const *physical_types, struct buf *out) {
    const char *name = json_text_or(column, "name", "");
    const json_t *type = json_object_get(column, "type");
    size_t at = 0;
    bool instant = json_is_string(type) && strcmp(json_string_value(type), "timestamp") == 0;
    bool in_file = map_get(physical, name, &at);
    buf_adds(out, "CAST(");
    if (!g->folders && is_partition(g, name)) {
        size_t i, k = 0;
        json_t *by;
        json_array_foreach(g->by, i, by) if (strcmp(json_string_value(by), name) == 0) k = i;
        buf_addf(out, "p.v[%zu]", k + 1);
    } else if (!in_file) {
        buf_adds(out, "NULL");
    } else {
        bool zoneless = instant && strcmp(physical_types[at], "TIMESTAMP") == 0;
        if (zoneless) buf_adds(out, "timezone('UTC', ");
        buf_adds(out, "f.");
        buf_sql_ident(out, name);
        if (zoneless) buf_addc(out, ')');
    }
    buf_adds(out, " AS ");
    add_sql_type(out, type);
    buf_adds(out, ") AS ");
    buf_sql_ident(out, name);
}

static void add_select(const struct group *g, const json_t *described, struct buf *out) {
    struct map physical = MAP_INIT;
    const char **types = xcalloc(json_array_size(described) + 1, sizeof *types);
    size_t i;
    json_t *c;
    json_array_foreach(described, i, c) {
        types[i] = json_text_or(c, "type", "");
        map_add(&physical, json_text_or(c, "name", ""), i, NULL);
    }
    buf_adds(out, "SELECT ");
    json_array_foreach(g->columns, i, c) {
        if (i) buf_adds(out, ", ");
        add_column(g, c, &physical, types, out);
    }
    buf_adds(out, " FROM ");
    add_reader(g, out);
    buf_adds(out, " AS f");
    if (!g->folders)
        buf_addf(out, " JOIN (SELECT unnest(getvariable('%s')) AS p) ON f." FILE_COLUMN " = p.file",
                 g->values);
    map_release(&physical);
    free(types);
}

static int attach_group(struct attach *a, struct group *g, struct err *err) {
    if (!g->count) return 0;
    if (attach_variable(a->duck, g->paths, g->list, err)) return -1;
    if (!g->folders && set_values(a->duck, g, err)) return -1;
    struct buf probe = BUF_INIT;
    buf_adds(&probe, "SELECT * FROM ");
    add_reader(g, &probe);
    json_t *described = duck_describe(a->duck, buf_str(&probe), NULL, err);
    buf_release(&probe);
    if (!described) {
        err_prefix(err, "cannot read %s.%s", a->schema, a->view);
        return -1;
    }
    attach_next(a);
    add_select(g, described, &a->sql);
    json_decref(described);
    return 0;
}

/* ---- a Delta version ---- */

/* Whether an outside writer made a version; each is looked up once. `seen` is version as text -> 0 or 1. */
static int is_outside(struct source *s, struct map *seen, int64_t version, size_t *outside, struct err *err) {
    char key[24];
    snprintf(key, sizeof key, "%" PRId64, version);
    if (map_get(seen, key, outside)) return 0;
    struct version_row v;
    int r = store_version_get(s->store, s->row.id, version, s->arena, &v, err);
    if (r < 0) return -1;
    *outside = r > 0 && strcmp(v.operation, "outside") == 0;
    map_add(seen, arena_strdup(s->arena, key), *outside, NULL);
    return 0;
}

void group_add(struct group *g, const struct source *s, const struct file_row *f) {
    char *path = fs_join(s->row.path, f->path);
    json_array_append_new(g->paths, json_string(path));
    g->files[g->count++] = f;
    free(path);
}

static int split(struct source *s, const struct file_list *files, struct group *ours, struct group *others,
                 struct err *err) {
    struct map seen = MAP_INIT;
    int r = 0;
    for (size_t i = 0; i < files->count && !r; i++) {
        size_t outside = 0;
        r = is_outside(s, &seen, files->rows[i].added_version, &outside, err);
        if (!r) group_add(outside ? others : ours, s, &files->rows[i]);
    }
    map_release(&seen);
    return r;
}

struct group group_new(const struct source *s, size_t max) {
    return (struct group){.paths = json_array(),
                          .columns = s->columns,
                          .by = s->by,
                          .files = arena_array(s->arena, max + 1, sizeof(struct file_row *))};
}

/* No file: a table without rows that has the columns. */
void attach_empty(struct attach *a, const json_t *columns) {
    size_t i;
    json_t *c;
    attach_next(a);
    buf_adds(&a->sql, "SELECT ");
    json_array_foreach(columns, i, c) {
        if (i) buf_adds(&a->sql, ", ");
        buf_adds(&a->sql, "CAST(NULL AS ");
        add_sql_type(&a->sql, json_object_get(c, "type"));
        buf_adds(&a->sql, ") AS ");
        buf_sql_ident(&a->sql, json_text_or(c, "name", ""));
    }
    if (!json_array_size(columns)) buf_adds(&a->sql, "NULL AS nothing");
    buf_adds(&a->sql, " WHERE false");
}

int attach_delta(struct attach *a, struct source *s, const struct file_list *files, struct err *err) {
    struct group ours = group_new(s, files->count), others = group_new(s, files->count);
    int r = split(s, files, &ours, &others, err);
    bool parted = json_array_size(s->by) > 0;
    ours.folders = !parted || group_folders_tell(&ours, s->row.path);
    others.folders = !parted || group_folders_tell(&others, s->row.path);
    if (!r) r = attach_group(a, &ours, err) || attach_group(a, &others, err) ? -1 : 0;
    if (!r && !a->groups) attach_empty(a, s->columns);
    json_decref(ours.paths);
    json_decref(others.paths);
    return r;
}
