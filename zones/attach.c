/* attach.c: pinned versions as views. See attach.h.
 *
 * A view reads `read_parquet(getvariable('leat_files_N'), …)`: the list is a session variable, bound as a
 * parameter, so neither the number of files nor their names are in the SQL text.
 *
 * Parquet files of one dataset may differ: columns were added since (missing ones are NULL), outside writers
 * have their own physical types. So columns are matched by name, the files are read in at most two groups,
 * ours and others', and each group's own columns are looked at once before the view is made: a physical
 * TIMESTAMP in a column of instants is what Spark's INT96 looks like, UTC whatever the zone of the session.
 * Partition columns come from the folder names when every file lies where its values say, which lets the
 * engine skip files; else from the catalogue, joined by file name. */
#include "zones/attach.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/map.h"
#include "engine/duck.h"
#include "store/datasets.h"
#include "zones/delta.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_COLUMN "_leat_file"

/* ---- formats of loose files ---- */

static const struct family {
    const char *name, *extensions; /* separated by spaces */
    const char *read;              /* the call: list, are there Hive folders, more options */
    bool typed;                    /* takes `types` */
    bool text;                     /* its types have to be guessed */
} families[] = {
    {"parquet", "parquet", "read_parquet(%s, union_by_name=true, hive_partitioning=%s%s)", false, false},
    {"csv", "csv",
     "read_csv(%s, header=true, delim=',', sample_size=-1, union_by_name=true, "
     "hive_partitioning=%s%s)",
     true, true},
    {"tsv", "tsv tab",
     "read_csv(%s, header=true, delim='\t', sample_size=-1, union_by_name=true, "
     "hive_partitioning=%s%s)",
     true, true},
    {"json", "json ndjson jsonl", "read_json(%s, sample_size=-1, union_by_name=true, hive_partitioning=%s%s)",
     false, true},
};
enum { FAMILIES = sizeof families / sizeof *families };

static bool word_in(const char *words, const char *word, size_t n) {
    for (const char *p = words; *p; p += strcspn(p, " "), p += strspn(p, " "))
        if (strcspn(p, " ") == n && strncasecmp(p, word, n) == 0) return true;
    return false;
}

/* Index of the family, -1 when the extension is unknown. */
static int family_of(const char *path) {
    const char *name = strrchr(path, '/'), *end;
    name = name ? name + 1 : path;
    size_t n = strlen(name);
    end = name + n;
    if (n > 3 && strcasecmp(end - 3, ".gz") == 0) end -= 3;
    if (n > 4 && strcasecmp(end - 4, ".zst") == 0) end -= 4;
    const char *dot = end;
    while (dot > name && dot[-1] != '.') dot--;
    if (dot == name) return -1;
    for (int i = 0; i < FAMILIES; i++)
        if (word_in(families[i].extensions, dot, (size_t)(end - dot))) return i;
    return -1;
}

bool zone_file_readable(const char *path) { return family_of(path) >= 0; }

/* ---- variables and views ---- */

/* What one view is made of. */
struct attach {
    struct duck *duck;
    const char *schema, *view;
    struct buf sql; /* the SELECT, built group by group */
    size_t groups;
    int64_t bytes; /* of the files; -1: not known */
    bool text;     /* some are CSV or JSON */
};

/* Above this, parsing text more than once is cheaper than spilling a copy of it. */
#define TABLE_BYTES (INT64_C(1) << 30)

/* Sets a fresh session variable to a list of texts; its name goes to `name`. */
static int set_list(struct duck *d, const json_t *paths, char name[64], struct err *err) {
    int64_t n = 0;
    if (duck_get_int(d, "SELECT count(*) FROM duckdb_variables() WHERE name LIKE 'leat_files_%'", NULL, &n,
                     NULL, err))
        return -1;
    snprintf(name, 64, "leat_files_%" PRId64, n);
    json_t *params = json_pack("[{s:s,s:s,s:O}]", "name", "files", "type", "list", "value", paths);
    struct buf sql = BUF_INIT;
    buf_addf(&sql, "SET VARIABLE %s = $files", name);
    int r = duck_exec(d, buf_str(&sql), params, NULL, err);
    buf_release(&sql);
    json_decref(params);
    return r;
}

static void next_group(struct attach *a) {
    if (a->groups++) buf_adds(&a->sql, " UNION ALL BY NAME ");
}

static int make_view(struct attach *a, struct err *err) {
    struct buf sql = BUF_INIT;
    buf_adds(&sql, "CREATE SCHEMA IF NOT EXISTS ");
    buf_sql_ident(&sql, a->schema);
    bool table = a->text && a->bytes >= 0 && a->bytes <= TABLE_BYTES;
    buf_addf(&sql, "; CREATE OR REPLACE %s ", table ? "TABLE" : "VIEW");
    buf_sql_ident(&sql, a->schema);
    buf_addc(&sql, '.');
    buf_sql_ident(&sql, a->view);
    buf_addf(&sql, " AS %s", buf_str(&a->sql));
    int r = duck_exec(a->duck, buf_str(&sql), NULL, NULL, err);
    if (r) err_prefix(err, "cannot read %s.%s", a->schema, a->view);
    buf_release(&sql);
    return r;
}

/* ---- a group of Parquet files with declared columns ---- */

struct group {
    json_t *paths;         /* absolute */
    const json_t *columns; /* of the version */
    const json_t *by;      /* partition columns' names */
    const struct file_row **files;
    size_t count;
    bool folders;              /* partition values are in the folder names */
    char list[64], values[64]; /* variables */
};

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

static bool folders_tell(const struct group *g, const char *dataset_path) {
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
    if (set_list(a->duck, g->paths, g->list, err)) return -1;
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
    next_group(a);
    add_select(g, described, &a->sql);
    json_decref(described);
    return 0;
}

/* ---- a Delta version ---- */

/* What attaching a dataset needs to know. */
struct source {
    struct store *store;
    struct arena *arena;
    struct dataset_row row;
    struct version_row version;
    json_t *columns, *by;
};

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

static void group_add(struct group *g, const struct source *s, const struct file_row *f) {
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

static struct group group_new(const struct source *s, size_t max) {
    return (struct group){.paths = json_array(),
                          .columns = s->columns,
                          .by = s->by,
                          .files = arena_array(s->arena, max + 1, sizeof(struct file_row *))};
}

/* No file: a table without rows that has the columns. */
static void add_empty(struct attach *a, const json_t *columns) {
    size_t i;
    json_t *c;
    next_group(a);
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

static int attach_delta(struct attach *a, struct source *s, const struct file_list *files, struct err *err) {
    struct group ours = group_new(s, files->count), others = group_new(s, files->count);
    int r = split(s, files, &ours, &others, err);
    bool parted = json_array_size(s->by) > 0;
    ours.folders = !parted || folders_tell(&ours, s->row.path);
    others.folders = !parted || folders_tell(&others, s->row.path);
    if (!r) r = attach_group(a, &ours, err) || attach_group(a, &others, err) ? -1 : 0;
    if (!r && !a->groups) add_empty(a, s->columns);
    json_decref(ours.paths);
    json_decref(others.paths);
    return r;
}

/* ---- a version of loose files ---- */

static int not_readable(const struct attach *a, const char *path, struct err *err) {
    const char *name = strrchr(path, '/');
    err_set(err, EX_INVALID, "%s.%s holds %s, which SQL cannot read by its name", a->schema, a->view,
            name ? name + 1 : path);
    err_hint(err,
             "csv, tsv, json, ndjson and parquet (also .gz, .zst) can be read; other files can be copied");
    return err_reason(err, "not_readable");
}

/* What else a reader is told: the Hive columns, columns that stay text, whether it names its files. */
struct reading {
    const char *hive;  /* "" without Hive folders */
    const char *types; /* "" or ", types={…}" */
    bool with_source;
};

static int add_family(struct attach *a, const struct family *f, const json_t *paths,
                      const struct reading *how, struct err *err) {
    char list[64], variable[96];
    struct buf more = BUF_INIT;
    if (!json_array_size(paths)) return 0;
    if (set_list(a->duck, paths, list, err)) return -1;
    snprintf(variable, sizeof variable, "getvariable('%s')", list);
    next_group(a);
    a->text |= f->text;
    buf_adds(&a->sql, "SELECT * FROM ");
    buf_addf(&more, "%s%s%s", how->hive, f->typed ? how->types : "",
             how->with_source ? ", filename='_leat_source'" : "");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    buf_addf(&a->sql, f->read, variable, *how->hive ? "true" : "false", buf_str(&more));
#pragma GCC diagnostic pop
    buf_release(&more);
    return 0;
}

/* A text file of no bytes has no header: the reader would make up a column for it. */
static bool is_empty(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && st.st_size == 0;
}

/* One group per family; columns are matched by name. */
static int attach_loose(struct attach *a, const json_t *paths, const struct reading *how, struct err *err) {
    json_t *by_family[FAMILIES], *path;
    size_t i;
    int r = 0;
    for (int f = 0; f < FAMILIES; f++) by_family[f] = json_array();
    json_array_foreach(paths, i, path) {
        int f = family_of(json_string_value(path));
        if (f < 0) r = not_readable(a, json_string_value(path), err);
        if (r) break;
        if (families[f].text && is_empty(json_string_value(path))) continue;
        json_array_append(by_family[f], path);
    }
    for (int f = 0; f < FAMILIES && !r; f++) r = add_family(a, &families[f], by_family[f], how, err);
    for (int f = 0; f < FAMILIES; f++) json_decref(by_family[f]);
    return r;
}

/* ", OPTION={'a': VARCHAR}": these columns stay text. */
static void text_option(const char *option, const json_t *names, struct buf *out) {
    size_t i;
    json_t *name;
    if (json_array_size(names)) buf_addf(out, ", %s={", option);
    json_array_foreach(names, i, name) {
        if (i) buf_adds(out, ", ");
        buf_sql_text(out, json_string_value(name));
        buf_adds(out, ": VARCHAR");
    }
    if (json_array_size(names)) buf_addc(out, '}');
}

static void hive_option(const json_t *by, struct buf *out) { text_option("hive_types", by, out); }

int zone_attach_loose(struct duck *d, const struct zone_loose *l, struct err *err) {
    struct attach a = {.duck = d, .schema = l->schema, .view = l->view, .bytes = l->bytes ? l->bytes : -1};
    struct buf hive = BUF_INIT, types = BUF_INIT;
    hive_option(l->hive_by, &hive);
    text_option("types", l->as_text, &types);
    const struct reading how = {buf_str(&hive), buf_str(&types), l->with_source};
    int r = attach_loose(&a, l->paths, &how, err);
    if (!r && !a.groups) add_empty(&a, NULL);
    if (!r) r = make_view(&a, err);
    buf_release(&hive);
    buf_release(&types);
    buf_release(&a.sql);
    return r;
}

int zone_attach_files(struct duck *d, const char *schema, const char *view, const json_t *paths,
                      const json_t *hive_by, struct err *err) {
    return zone_attach_loose(
        d, &(struct zone_loose){.schema = schema, .view = view, .paths = paths, .hive_by = hive_by}, err);
}

static int attach_files(struct attach *a, struct source *s, const struct file_list *files, struct err *err) {
    struct group all = group_new(s, files->count);
    for (size_t i = 0; i < files->count; i++) {
        group_add(&all, s, &files->rows[i]);
        a->bytes += files->rows[i].bytes;
    }
    struct buf hive = BUF_INIT;
    if (json_array_size(s->by) && folders_tell(&all, s->row.path)) hive_option(s->by, &hive);
    const struct reading how = {buf_str(&hive), "", false};
    int r = attach_loose(a, all.paths, &how, err);
    if (!r && !a->groups) add_empty(a, s->columns);
    json_decref(all.paths);
    buf_release(&hive);
    return r;
}

/* ---- inputs ---- */

static int never_published(const struct zone_input *in, struct err *err) {
    err_set(err, EX_NOT_FOUND, "%s has not been published yet", in->dataset);
    err_hint(err, "run the step that writes it first: `leat zone list` shows what there is");
    return err_reason(err, "no_dataset");
}

static int source_open(struct source *s, const struct zone_input *in, struct err *err) {
    if (in->dataset_id < 0 || in->version < 0) return never_published(in, err);
    int r = store_dataset_get(s->store, in->dataset_id, s->arena, &s->row, err);
    if (r > 0) r = store_version_get(s->store, in->dataset_id, in->version, s->arena, &s->version, err);
    if (r < 0) return -1;
    if (r == 0) {
        err_set(err, EX_NOT_FOUND, "%s has no version %" PRId64 " (any more)", in->dataset, in->version);
        err_hint(err, "see `leat zone history %s`", in->dataset);
        return err_reason(err, "no_version");
    }
    s->columns = s->version.columns ? json_loads(s->version.columns, 0, NULL) : NULL;
    s->by = s->version.partition_by ? json_loads(s->version.partition_by, 0, NULL) : NULL;
    if (!s->columns) s->columns = json_array();
    if (!s->by) s->by = json_array();
    return 0;
}

static int attach_list(struct duck *d, struct source *s, const struct zone_input *in, const char *suffix,
                       const struct file_list *files, struct err *err) {
    const char *view = in->view ? in->view : in->dataset, *dot = strchr(view, '.');
    if (!dot) return err_set(err, EX_INVALID, "%s is no zone.name", view);
    struct attach a = {.duck = d,
                       .schema = arena_strndup(s->arena, view, (size_t)(dot - view)),
                       .view = arena_printf(s->arena, "%s%s", dot + 1, suffix)};
    bool delta = strcmp(s->row.format, "delta") == 0;
    int r = delta ? attach_delta(&a, s, files, err) : attach_files(&a, s, files, err);
    if (!r) r = make_view(&a, err);
    buf_release(&a.sql);
    return r;
}

/* Sums; rows become unknown when one file's are. */
static void sum_files(const struct file_list *files, int64_t *count, int64_t *bytes, int64_t *rows) {
    for (size_t i = 0; i < files->count; i++) {
        ++*count;
        *bytes += files->rows[i].bytes;
        *rows = *rows < 0 || files->rows[i].rows < 0 ? -1 : *rows + files->rows[i].rows;
    }
}

static int attach_new(struct duck *d, struct source *s, const struct zone_input *in,
                      struct zone_attached *out, struct err *err) {
    struct file_list fresh;
    if (store_files_new(s->store, in->dataset_id, in->since, in->version, s->arena, &fresh, err) < 0 ||
        store_files_removed_in(s->store, in->dataset_id, in->since, in->version, &out->removed_in, err) < 0)
        return -1;
    sum_files(&fresh, &out->new_files, &out->new_bytes, &out->new_rows);
    return attach_list(d, s, in, "__new", &fresh, err);
}

static int attach_input(struct duck *d, struct source *s, const struct zone_input *in,
                        struct zone_attached *out, struct err *err) {
    struct file_list files;
    if (source_open(s, in, err) ||
        store_files_at(s->store, in->dataset_id, in->version, s->arena, &files, err) < 0)
        return -1;
    sum_files(&files, &out->files, &out->bytes, &out->rows);
    if (!in->only_new && attach_list(d, s, in, "", &files, err)) return -1;
    return in->want_new ? attach_new(d, s, in, out, err) : 0;
}

int zone_attach(struct duck *d, struct store *s, const struct zone_input *in, struct zone_attached *out,
                struct err *err) {
    struct source source = {.store = s, .arena = arena_new()};
    struct zone_attached got = {.removed_in = -1};
    int r = attach_input(d, &source, in, &got, err);
    json_decref(source.columns);
    json_decref(source.by);
    arena_free(source.arena);
    if (!r && out) *out = got;
    return r;
}

int zone_attach_request(struct duck *d, struct store *s, const json_t *request, struct zone_attached *out,
                        struct err *err) {
    struct zone_attached sum = {.removed_in = -1};
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(request, "inputs"), i, v) {
        const struct zone_input in = {.dataset = json_text_or(v, "dataset", ""),
                                      .dataset_id = json_int(v, "dataset_id", -1),
                                      .version = json_int(v, "version", -1),
                                      .since = json_int(v, "since", -1),
                                      .want_new = json_flag(v, "since_known")};
        struct zone_attached one;
        if (zone_attach(d, s, &in, &one, err)) return -1;
        sum.files += one.files, sum.bytes += one.bytes;
        sum.rows = sum.rows < 0 || one.rows < 0 ? -1 : sum.rows + one.rows;
        sum.new_files += one.new_files, sum.new_bytes += one.new_bytes;
        sum.new_rows = sum.new_rows < 0 || one.new_rows < 0 ? -1 : sum.new_rows + one.new_rows;
        if (sum.removed_in < 0) sum.removed_in = one.removed_in;
    }
    if (out) *out = sum;
    return 0;
}

json_t *zone_file_paths(struct store *s, int64_t dataset_id, int64_t version, struct err *err) {
    struct arena *a = arena_new();
    struct dataset_row row;
    struct file_list files = {0};
    json_t *out = NULL;
    int r = store_dataset_get(s, dataset_id, a, &row, err);
    if (r == 0) err_set(err, EX_NOT_FOUND, "there is no such dataset");
    if (r > 0 && store_files_at(s, dataset_id, version, a, &files, err) >= 0) {
        out = json_array();
        for (size_t i = 0; i < files.count; i++) {
            char *path = fs_join(row.path, files.rows[i].path);
            json_array_append_new(out, json_string(path));
            free(path);
        }
    }
    arena_free(a);
    return out;
}
