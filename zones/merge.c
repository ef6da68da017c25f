/* merge.c: see merge.h.
 *
 * The base's files are read by their own columns and Hive folders. A table whose folders do not tell the
 * partition (an outside writer's) is rewritten whole, from the view that knows better. */
#include "zones/merge.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "engine/duck.h"
#include "store/datasets.h"
#include "zones/attach.h"
#include "zones/delta.h"
#include "zones/write.h"

#include <stdlib.h>
#include <string.h>

#define MERGE_ROWS "_leat_merge"
#define FILE_NAME  "_leat_file"

struct merge {
    struct audit_rows *rows;
    struct arena *arena;
    struct file_list base;
    const char *folder; /* of the dataset */
    json_t *params;     /* $base: paths to look at, $hit: paths to rewrite */
    char *keys;         /* SQL list */
};

static char *name_list(const json_t *names) {
    struct buf b = BUF_INIT;
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name) {
        if (i) buf_adds(&b, ", ");
        buf_sql_ident(&b, json_string_value(name));
    }
    return buf_take(&b);
}

static int keep_newest(struct merge *m, struct err *err) {
    const struct stage_into *into = m->rows->a->into;
    char *columns = audit_rows_columns(m->rows);
    struct buf b = BUF_INIT;
    buf_addf(&b,
             "CREATE TEMP TABLE " MERGE_ROWS
             " AS SELECT %s FROM (SELECT *, row_number() OVER (PARTITION BY %s ORDER BY ",
             columns, m->keys);
    if (into->merge_by) {
        buf_sql_ident(&b, into->merge_by);
        buf_adds(&b, " DESC NULLS LAST, ");
    }
    buf_adds(&b, "rowid DESC) AS _leat_nth FROM " AUDIT_ROWS ") WHERE _leat_nth = 1");
    int rc = duck_exec(m->rows->a->duck, buf_str(&b), NULL, NULL, err);
    buf_release(&b);
    free(columns);
    return rc;
}

/* ---- the base's files ---------------------------------------------------------------------------------- */

static bool folders_tell(const struct merge *m) {
    const json_t *by = m->rows->a->into->partition_by;
    for (size_t i = 0; i < m->base.count; i++) {
        json_t *found = write_partition_of(m->base.rows[i].path, by);
        bool told = found != NULL;
        json_decref(found);
        if (!told) return false;
    }
    return true;
}

static void put_list(struct merge *m, const char *name, json_t *paths) {
    json_array_append_new(m->params, json_pack("{ss ss so}", "name", name, "type", "list", "value", paths));
}

static json_t *base_paths(const struct merge *m) {
    json_t *paths = json_array();
    for (size_t i = 0; i < m->base.count; i++) {
        char *path = fs_join(m->folder, m->base.rows[i].path);
        json_array_append_new(paths, json_string(path));
        free(path);
    }
    return paths;
}

static void add_reader(struct buf *b, const struct merge *m, const char *param) {
    const json_t *by = m->rows->a->into->partition_by;
    buf_addf(
        b, "read_parquet($%s, union_by_name = true, filename = '" FILE_NAME "', hive_partitioning = ", param);
    buf_adds(b, json_array_size(by) ? "true, hive_types = {" : "false");
    size_t i;
    json_t *name;
    json_array_foreach(by, i, name) {
        if (i) buf_adds(b, ", ");
        buf_sql_text(b, json_string_value(name));
        buf_adds(b, ": ");
        delta_sql_type(
            json_object_get(schema_column(m->rows->schema.columns, json_string_value(name)), "type"), b);
    }
    buf_adds(b, json_array_size(by) ? "})" : ")");
}

/* The files in which a staged key lives; they become r->removes and $hit. */
static int find_hit(struct merge *m, struct err *err) {
    struct buf b = BUF_INIT;
    buf_adds(&b, "SELECT DISTINCT " FILE_NAME " FROM ");
    add_reader(&b, m, "base");
    buf_addf(&b, " SEMI JOIN " MERGE_ROWS " USING (%s)", m->keys);
    struct duck_rows *rows = duck_query(m->rows->a->duck, buf_str(&b), m->params, err);
    buf_release(&b);
    json_t *hit = json_array();
    size_t skip = strlen(m->folder) + 1;
    int more = rows ? duck_next(rows, err) : -1;
    for (; more == 1; more = duck_next(rows, err)) {
        const char *path = duck_text(rows, 0);
        if (!path || strlen(path) <= skip) continue;
        json_array_append_new(hit, json_string(path));
        json_array_append_new(m->rows->removes, json_string(path + skip));
    }
    duck_rows_free(rows);
    put_list(m, "hit", hit);
    return more;
}

/* ---- the new rows -------------------------------------------------------------------------------------- */

static int write_merged(struct merge *m, const char *rest, struct err *err) {
    struct audit *a = m->rows->a;
    char *columns = audit_rows_columns(m->rows), *folder = stage_folder(a->into, "rows", err);
    struct buf b = BUF_INIT;
    buf_addf(&b, "SELECT %s FROM (SELECT * FROM " MERGE_ROWS "%s)", columns, rest);
    struct write_rows w = {.select = buf_str(&b),
                           .params = m->params,
                           .stage = a->into->stage,
                           .folder = folder,
                           .partition_by = a->into->partition_by};
    json_decref(m->rows->files);
    m->rows->files = folder ? write_parquet(a->duck, &w, err) : NULL;
    buf_release(&b);
    free(columns);
    free(folder);
    return m->rows->files ? 0 : -1;
}

static int merge_by_file(struct merge *m, struct err *err) {
    put_list(m, "base", base_paths(m));
    if (find_hit(m, err) < 0) return -1;
    if (json_array_size(m->rows->removes) == 0) return write_merged(m, "", err);
    struct buf b = BUF_INIT;
    buf_adds(&b, " UNION ALL BY NAME SELECT * EXCLUDE (" FILE_NAME ") FROM (SELECT * FROM ");
    add_reader(&b, m, "hit");
    buf_addf(&b, " ANTI JOIN " MERGE_ROWS " USING (%s))", m->keys);
    int rc = write_merged(m, buf_str(&b), err);
    buf_release(&b);
    return rc;
}

static int merge_whole(struct merge *m, struct err *err) {
    const struct audit *a = m->rows->a;
    const struct stage_into *into = a->into;
    struct zone_input in = {.dataset = into->dataset,
                            .view = "_leat_base.rows",
                            .dataset_id = into->dataset_id,
                            .version = into->base,
                            .since = -1};
    if (zone_attach(a->duck, a->store, &in, NULL, err) < 0) return -1;
    for (size_t i = 0; i < m->base.count; i++)
        json_array_append_new(m->rows->removes, json_string(m->base.rows[i].path));
    struct buf b = BUF_INIT;
    buf_addf(&b,
             " UNION ALL BY NAME SELECT * FROM (SELECT * FROM _leat_base.rows ANTI JOIN " MERGE_ROWS
             " USING (%s))",
             m->keys);
    int rc = write_merged(m, buf_str(&b), err);
    buf_release(&b);
    return rc;
}

/* ---- all of it ----------------------------------------------------------------------------------------- */

static int load_base(struct merge *m, struct err *err) {
    const struct audit *a = m->rows->a;
    struct dataset_row row;
    if (a->into->base < 0 || a->into->dataset_id < 0) return 0;
    if (!a->store)
        return err_set(err, EX_ENVIRONMENT, "the database that knows %s is gone", a->into->dataset);
    int rc = store_dataset_get(a->store, a->into->dataset_id, m->arena, &row, err);
    if (rc < 0) return -1;
    m->folder = rc ? row.path : a->into->path;
    return store_files_at(a->store, a->into->dataset_id, a->into->base, m->arena, &m->base, err) < 0 ? -1 : 0;
}

static int merge_all(struct merge *m, struct err *err) {
    if (keep_newest(m, err) < 0 || load_base(m, err) < 0) return -1;
    if (m->base.count == 0) return write_merged(m, "", err);
    return folders_tell(m) ? merge_by_file(m, err) : merge_whole(m, err);
}

int merge_rows(struct audit_rows *r, struct err *err) {
    const struct stage_into *into = r->a->into;
    json_t *by = into->merge_by ? json_pack("[s]", into->merge_by) : NULL;
    int rc = schema_has(r->schema.columns, into->key, "key", err);
    if (rc == 0) rc = schema_has(r->schema.columns, by, "merge_by", err);
    json_decref(by);
    if (rc == 0 && !into->delta) {
        rc = err_set(err, EX_INVALID,
                     "`write: merge` needs a Delta dataset; zone of %s keeps files as they came",
                     into->dataset);
        err_hint(err, "merge in the step that promotes to the next zone");
    }
    if (rc < 0) return rc;
    struct merge m = {.rows = r, .arena = arena_new(), .params = json_array(), .keys = name_list(into->key)};
    rc = merge_all(&m, err);
    free(m.keys);
    json_decref(m.params);
    arena_free(m.arena);
    return rc;
}
