/* attach.c: pinned versions as views. See attach.h.
 *
 * A view reads `read_parquet(getvariable('leat_files_N'), …)`: the list is a session variable, bound as a
 * parameter, so neither the number of files nor their names are in the SQL text.
 *
 * attach_parquet.c makes the SELECT of a table, loose.c that of files that are read by their extension. */
#include "zones/attach_impl.h"

#include "base/fsio.h"
#include "base/json.h"
#include "zones/loose.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool zone_file_readable(const char *path) { return loose_family(path) >= 0; }

/* ---- variables and views ---- */

/* Above this, parsing text more than once is cheaper than spilling a copy of it. */
#define TABLE_BYTES (INT64_C(1) << 30)

int attach_variable(struct duck *d, const json_t *paths, char name[64], struct err *err) {
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

void attach_next(struct attach *a) {
    if (a->groups++) buf_adds(&a->sql, " UNION ALL BY NAME ");
}

static void attach_release(struct attach *a) {
    buf_release(&a->sql);
    json_decref(a->loose);
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
    if (r && a->loose) loose_blame(a->duck, a->loose, err);
    if (r) err_prefix(err, "cannot read %s.%s", a->schema, a->view);
    buf_release(&sql);
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

static int add_family(struct attach *a, int family, const json_t *paths, const struct loose_reading *how,
                      struct err *err) {
    char list[64];
    if (!json_array_size(paths)) return 0;
    if (attach_variable(a->duck, paths, list, err)) return -1;
    attach_next(a);
    a->text |= loose_is_text(family);
    buf_adds(&a->sql, "SELECT * FROM ");
    loose_read(&a->sql, family, list, how);
    return 0;
}

/* A text file of no bytes has no header: the reader would make up a column for it. */
static bool is_empty(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && st.st_size == 0;
}

/* One group per family; columns are matched by name. */
static int attach_loose(struct attach *a, const json_t *paths, const struct loose_reading *how,
                        struct err *err) {
    json_t *by_family[LOOSE_FAMILIES], *path;
    size_t i;
    int r = 0;
    a->loose = json_deep_copy(paths);
    for (int f = 0; f < LOOSE_FAMILIES; f++) by_family[f] = json_array();
    json_array_foreach(paths, i, path) {
        int f = loose_family(json_string_value(path));
        if (f < 0) r = not_readable(a, json_string_value(path), err);
        if (r) break;
        if (loose_is_text(f) && is_empty(json_string_value(path))) continue;
        json_array_append(by_family[f], path);
    }
    for (int f = 0; f < LOOSE_FAMILIES && !r; f++) r = add_family(a, f, by_family[f], how, err);
    for (int f = 0; f < LOOSE_FAMILIES; f++) json_decref(by_family[f]);
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
    const struct loose_reading how = {buf_str(&hive), buf_str(&types), l->with_source};
    int r = attach_loose(&a, l->paths, &how, err);
    if (!r && !a.groups) attach_empty(&a, NULL);
    if (!r) r = make_view(&a, err);
    buf_release(&hive);
    buf_release(&types);
    attach_release(&a);
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
    if (json_array_size(s->by) && group_folders_tell(&all, s->row.path)) hive_option(s->by, &hive);
    const struct loose_reading how = {buf_str(&hive), "", false};
    int r = attach_loose(a, all.paths, &how, err);
    if (!r && !a->groups) attach_empty(a, s->columns);
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
    attach_release(&a);
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
