/* audit_rows.c: see audit_rows.h. */
#include "zones/audit_rows.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"
#include "engine/duck.h"
#include "zones/delta.h"
#include "zones/write.h"

#include <stdlib.h>
#include <string.h>

void audit_rows_release(struct audit_rows *r) {
    schema_plan_release(&r->schema);
    json_decref(r->files);
    json_decref(r->removes);
    *r = (struct audit_rows){0};
}

static void add_columns(struct buf *b, const json_t *columns) {
    size_t i;
    json_t *c;
    json_array_foreach(columns, i, c) {
        if (i) buf_adds(b, ", ");
        buf_sql_ident(b, json_text_or(c, "name", ""));
    }
}

char *audit_rows_columns(const struct audit_rows *r) {
    struct buf b = BUF_INIT;
    add_columns(&b, r->schema.columns);
    return buf_take(&b);
}

/* ---- loading ---- */

static bool is_mark(const char *name) {
    return strcmp(name, AUDIT_REASON) == 0 || strcmp(name, AUDIT_SOURCE) == 0;
}

static json_t *describe(struct audit_rows *r, const struct audit_query *q, struct err *err) {
    json_t *all =
        q->described ? json_deep_copy(q->described) : duck_describe(r->a->duck, q->sql, q->params, err);
    if (!all || !q->marked) return all;
    for (size_t i = json_array_size(all); i-- > 0;)
        if (is_mark(json_text_or(json_array_get(all, i), "name", ""))) json_array_remove(all, i);
    return all;
}

/* The query's rows under the dataset's names and types. */
static char *projected(const struct audit_rows *r, const struct audit_query *q) {
    struct buf b = BUF_INIT;
    buf_addf(&b, "SELECT %s%s FROM (\n%s\n) AS q", buf_str(&r->schema.projection),
             r->marked ? ", " AUDIT_REASON ", " AUDIT_SOURCE : "", q->sql);
    return buf_take(&b);
}

static int load_table(struct audit_rows *r, const char *select, const json_t *params, struct err *err) {
    struct buf b = BUF_INIT;
    buf_addf(&b, "CREATE TEMP TABLE " AUDIT_ROWS " AS %s", select);
    int rc = duck_exec(r->a->duck, buf_str(&b), params, NULL, err);
    buf_release(&b);
    r->in_table = true;
    return rc;
}

/* Partition columns come from folder names, under the type they had. */
static void add_hive_types(struct buf *b, const json_t *columns, const json_t *partition_by) {
    buf_adds(b, ", hive_partitioning = true, hive_types = {");
    size_t i;
    json_t *name;
    json_array_foreach(partition_by, i, name) {
        if (i) buf_adds(b, ", ");
        const json_t *c = schema_column(columns, json_string_value(name));
        buf_sql_text(b, json_string_value(name));
        buf_adds(b, ": ");
        delta_sql_type(json_object_get(c, "type"), b);
    }
    buf_adds(b, "}");
}

static void add_empty_relation(struct buf *b, const json_t *columns) {
    buf_adds(b, "SELECT ");
    size_t i;
    json_t *c;
    json_array_foreach(columns, i, c) {
        if (i) buf_adds(b, ", ");
        buf_adds(b, "CAST(NULL AS ");
        delta_sql_type(json_object_get(c, "type"), b);
        buf_adds(b, ") AS ");
        buf_sql_ident(b, json_text_or(c, "name", ""));
    }
    buf_adds(b, " WHERE false");
}

/* A view takes no parameters: the list travels as a variable. */
static int view_files(struct audit_rows *r, struct err *err) {
    const struct stage_into *into = r->a->into;
    struct buf b = BUF_INIT;
    buf_adds(&b, "CREATE TEMP VIEW " AUDIT_ROWS " AS ");
    if (json_array_size(r->files) == 0) {
        add_empty_relation(&b, r->schema.columns);
    } else {
        buf_adds(&b, "SELECT ");
        add_columns(&b, r->schema.columns);
        buf_adds(&b, " FROM read_parquet(getvariable('_leat_stage')");
        if (json_array_size(into->partition_by)) add_hive_types(&b, r->schema.columns, into->partition_by);
        buf_adds(&b, ")");
    }
    json_t *params = json_pack("[{ss ss so}]", "name", "files", "type", "list", "value",
                               stage_paths(into->stage, r->files));
    int rc = duck_exec(r->a->duck, "SET VARIABLE _leat_stage = $files", params, NULL, err);
    if (rc == 0) rc = duck_exec(r->a->duck, buf_str(&b), NULL, NULL, err);
    json_decref(params);
    buf_release(&b);
    return rc;
}

static int write_select(struct audit_rows *r, const char *select, const json_t *params, struct err *err) {
    const struct stage_into *into = r->a->into;
    char *folder = stage_folder(into, "rows", err);
    if (!folder) return -1;
    struct write_rows w = {.select = select,
                           .params = params,
                           .stage = into->stage,
                           .folder = folder,
                           .partition_by = into->partition_by};
    json_decref(r->files);
    r->files = write_parquet(r->a->duck, &w, err);
    free(folder);
    return r->files ? 0 : -1;
}

static int check_partitions(struct audit_rows *r, struct err *err) {
    const json_t *by = r->a->into->partition_by;
    if (schema_has(r->schema.columns, by, "partition_by", err) < 0) return -1;
    if (json_array_size(by) < json_array_size(r->schema.columns)) return 0;
    return err_set(err, EX_INVALID,
                   "partition_by names every column of %s: a file needs at least one of its own",
                   r->a->into->dataset);
}

int audit_rows_load(struct audit_rows *r, const struct audit_query *q, bool keep_in_table, struct err *err) {
    r->marked = q->marked;
    json_t *described = describe(r, q, err);
    if (!described) return -1;
    int rc = schema_plan(r->a->into, described, r->a->warnings, &r->schema, err);
    json_decref(described);
    if (rc < 0 || check_partitions(r, err) < 0) return -1;
    char *select = projected(r, q);
    if (keep_in_table || q->marked) {
        rc = load_table(r, select, q->params, err);
    } else {
        rc = write_select(r, select, q->params, err);
        if (rc == 0) rc = view_files(r, err);
    }
    free(select);
    if (rc < 0) return -1;
    return duck_get_int(r->a->duck, "SELECT count(*) FROM " AUDIT_ROWS, NULL, &r->count, NULL, err);
}

/* ---- showing ---- */

/* What stood under the dataset's name (the pinned version, a table when it was text) makes room for the
 * stage. */
static int drop_old(struct audit_rows *r, const char *schema, const char *name, struct err *err) {
    json_t *params = json_pack("[{ss ss} {ss ss}]", "name", "s", "value", schema, "name", "n", "value", name);
    int64_t table = 0;
    int rc = duck_get_int(r->a->duck,
                          "SELECT count(*) FROM duckdb_tables() WHERE schema_name = $s AND table_name = $n",
                          params, &table, NULL, err);
    json_decref(params);
    struct buf b = BUF_INIT;
    buf_addf(&b, "DROP %s IF EXISTS ", table ? "TABLE" : "VIEW");
    buf_sql_ident(&b, schema);
    buf_addc(&b, '.');
    buf_sql_ident(&b, name);
    if (rc == 0) rc = duck_exec(r->a->duck, buf_str(&b), NULL, NULL, err);
    buf_release(&b);
    return rc;
}

int audit_rows_show(struct audit_rows *r, struct err *err) {
    const char *dataset = r->a->into->dataset, *dot = strchr(dataset, '.');
    struct buf schema = BUF_INIT, b = BUF_INIT;
    buf_add(&schema, dataset, (size_t)(dot - dataset));
    buf_adds(&b, "CREATE SCHEMA IF NOT EXISTS ");
    buf_sql_ident(&b, buf_str(&schema));
    buf_adds(&b, "; CREATE TEMP VIEW stage AS SELECT ");
    add_columns(&b, r->schema.columns);
    buf_adds(&b, " FROM " AUDIT_ROWS "; CREATE VIEW ");
    buf_sql_ident(&b, buf_str(&schema));
    buf_addc(&b, '.');
    buf_sql_ident(&b, dot + 1);
    buf_adds(&b, " AS FROM temp.stage");
    int rc = drop_old(r, buf_str(&schema), dot + 1, err);
    if (rc == 0) rc = duck_exec(r->a->duck, buf_str(&b), NULL, NULL, err);
    buf_release(&schema);
    buf_release(&b);
    return rc;
}

/* ---- writing what may be published ---- */

int audit_rows_write(struct audit_rows *r, struct err *err) {
    if (!r->in_table) return 0;
    struct buf b = BUF_INIT;
    buf_adds(&b, "SELECT ");
    add_columns(&b, r->schema.columns);
    buf_adds(&b, " FROM " AUDIT_ROWS);
    int rc = write_select(r, buf_str(&b), NULL, err);
    buf_release(&b);
    return rc;
}

static json_t *output_object(const struct audit_output *o) {
    json_t *out = json_object();
    json_put_text(out, "dataset", o->dataset);
    json_put(out, "dataset_id", o->dataset_id < 0 ? NULL : json_integer(o->dataset_id));
    json_put_text(out, "operation", o->operation);
    json_put(out, "partitions_cleared", o->cleared ? json_incref(o->cleared) : json_array());
    json_put(out, "files", json_incref(o->files));
    json_put(out, "removes", o->removes ? json_incref(o->removes) : json_array());
    json_put(out, "columns", o->columns ? json_incref(o->columns) : NULL);
    json_put(out, "rows", json_integer(o->rows));
    return out;
}

int audit_output_add(struct audit *a, const struct audit_output *o, struct err *err) {
    const char *stage = a->into->stage;
    if (write_hashes(stage, o->files, err) < 0 || stage_sync(stage, o->files, err) < 0) return -1;
    json_array_append_new(a->outputs, output_object(o));
    return 0;
}
