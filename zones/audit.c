/* audit.c: the order of things in P2. See audit.h. */
#include "zones/audit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "engine/duck.h"
#include "zones/attach.h"
#include "zones/audit_rows.h"
#include "zones/casts.h"
#include "zones/checks.h"
#include "zones/delta.h"
#include "zones/merge.h"
#include "zones/quarantine.h"
#include "zones/window.h"
#include "zones/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void audit_init(struct audit *a) {
    a->outputs = json_array();
    a->checks = json_array();
    a->warnings = json_array();
}

void audit_release(struct audit *a) {
    json_decref(a->outputs);
    json_decref(a->checks);
    json_decref(a->warnings);
    a->outputs = a->checks = a->warnings = NULL;
}

/* `requires: checks` of a zone: nothing goes there unlooked at. */
static int need_checks(const struct stage_into *into, struct err *err) {
    if (!into->requires_checks || json_array_size(into->checks) > 0) return 0;
    err_set(err, EX_GATE, "zone `%.*s` takes nothing without checks, and the step has none",
            (int)strcspn(into->dataset, "."), into->dataset);
    err_hint(err, "add `checks:` to the step, for example `checks: [row_count > 0]`");
    return err_reason(err, "no_checks");
}

/* Nothing came: the step's own decision (contract.md 31). */
static int decide_empty(struct audit *a, struct err *err) {
    if (a->into->if_empty == STAGE_EMPTY_OK) return 0;
    if (a->into->if_empty == STAGE_EMPTY_SKIP) {
        a->nothing_new = true;
        return 0;
    }
    err_set(err, EX_GATE, "nothing came for %s", a->into->dataset);
    err_hint(err, "when that is fine, say `if_empty: ok` (publishes an empty result) or `if_empty: skip`");
    return err_reason(err, "empty");
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

/* <token's folder> in zones that keep files, the partition's folders in Delta tables. */
static void name_rows(struct audit *a, json_t *files) {
    struct buf folder = BUF_INIT;
    bool parts = json_array_size(a->into->partition_by) > 0;
    if (!a->into->delta && !parts) buf_addf(&folder, "v=%lld-%s", (long long)a->into->base + 1, a->token);
    struct write_names names = {
        .token = a->token, .folder = buf_str(&folder), .by_partition = true, .ending = ".parquet"};
    write_targets(files, &names);
    buf_release(&folder);
}

static int add_rows_output(struct audit_rows *r, json_t *cleared, struct err *err) {
    struct audit *a = r->a;
    const struct stage_into *into = a->into;
    name_rows(a, r->files);
    if (write_stats(a->duck, into->stage, r->files, r->schema.columns, err) < 0) return -1;
    struct audit_output out = {.dataset = into->dataset,
                               .operation = stage_write_names[into->write],
                               .dataset_id = into->dataset_id,
                               .files = r->files,
                               .removes = r->removes,
                               .columns = r->schema.columns,
                               .cleared = cleared,
                               .rows = a->rows};
    return audit_output_add(a, &out, err);
}

static int write_outputs(struct audit_rows *r, struct err *err) {
    struct audit *a = r->a;
    json_t *cleared = NULL;
    a->rows = r->count - r->bad_count;
    a->bad_rows = r->bad_count;
    int rc = window_partitions(r, &cleared, err);
    if (rc == 0) rc = a->into->write == STAGE_MERGE ? merge_rows(r, err) : audit_rows_write(r, err);
    if (rc == 0) rc = add_rows_output(r, cleared, err);
    if (rc == 0) rc = quarantine_rows(r, err);
    json_decref(cleared);
    return rc;
}

static int query_rows(struct audit_rows *r, const struct audit_query *q, struct err *err) {
    const struct stage_into *into = r->a->into;
    bool twice = checks_set_aside(into) || into->write == STAGE_MERGE;
    if (need_checks(into, err) < 0 || audit_rows_load(r, q, twice, err) < 0) return -1;
    if (r->count == 0 && decide_empty(r->a, err) < 0) return -1;
    if (r->a->nothing_new) return 0;
    if (audit_rows_show(r, err) < 0 || checks_run(r, err) < 0) return -1;
    return write_outputs(r, err);
}

int audit_query(struct audit *a, const struct audit_query *q, struct err *err) {
    struct audit_rows r = {.a = a, .files = json_array(), .removes = json_array()};
    int rc = query_rows(&r, q, err);
    audit_rows_release(&r);
    return rc;
}

/* ---- files as they came -------------------------------------------------------------------------------- */

#define CAME_SCHEMA "_leat_stage"
#define CAME_VIEW   "came"

bool audit_needs_engine(const struct stage_into *into) {
    return json_array_size(into->checks) > 0 || into->policy != STAGE_ANY;
}

/* Makes the files a view. Partition columns that stand in folder names are text there; columns in as_text
 * too. */
static int view_came(struct audit *a, const json_t *files, const json_t *as_text, struct err *err) {
    const json_t *by = a->into->partition_by;
    json_t *paths = stage_paths(a->into->stage, files);
    const char *first = json_text(json_array_get(files, 0), "staged");
    json_t *told = first && json_array_size(by) ? write_partition_of(first, by) : NULL;
    struct zone_loose loose = {.schema = CAME_SCHEMA,
                               .view = CAME_VIEW,
                               .paths = paths,
                               .hive_by = told ? by : NULL,
                               .as_text = as_text};
    size_t i;
    json_t *file;
    json_array_foreach(files, i, file) loose.bytes += json_int(file, "bytes", 0);
    int rc = zone_attach_loose(a->duck, &loose, err);
    json_decref(told);
    json_decref(paths);
    return rc;
}

/* Rules over files that stay as they are: the same rules over a view of them. */
static int check_came(struct audit_rows *r, const json_t *files, struct err *err) {
    struct audit *a = r->a;
    if (checks_set_aside(a->into)) {
        err_set(err, EX_INVALID, "`bad_rows` cannot take rows out of files that are kept byte for byte (%s)",
                a->into->dataset);
        return err_hint(err, "set bad rows aside in the step that promotes them to the next zone");
    }
    if (view_came(a, files, NULL, err) < 0) return -1;
    json_t *described = duck_describe(a->duck, "FROM " CAME_SCHEMA "." CAME_VIEW, NULL, err);
    if (!described) return -1;
    int rc = schema_plan(a->into, described, a->warnings, &r->schema, err);
    json_decref(described);
    if (rc < 0) return -1;
    rc = duck_exec(a->duck, "CREATE TEMP VIEW " AUDIT_ROWS " AS FROM " CAME_SCHEMA "." CAME_VIEW, NULL, NULL,
                   err);
    if (rc == 0) rc = duck_get_int(a->duck, "SELECT count(*) FROM " AUDIT_ROWS, NULL, &r->count, NULL, err);
    if (rc == 0) rc = audit_rows_show(r, err);
    if (rc == 0) rc = checks_run(r, err);
    a->rows = r->count;
    return rc;
}

/* What the dataset calls a staged copy. */
static const char *copy_name(const char *staged) {
    size_t n = strlen(STAGE_COPIES);
    return strncmp(staged, STAGE_COPIES, n) == 0 ? staged + n : staged;
}

static int name_copies(struct audit *a, json_t *files, struct err *err) {
    const json_t *by = a->into->partition_by;
    size_t i;
    json_t *file;
    json_array_foreach(files, i, file) {
        const char *name = copy_name(json_text(file, "staged"));
        json_t *partition = write_partition_of(name, by);
        if (!partition) {
            err_set(err, EX_FAILED, "%s does not say its partition: `partition_by` needs folders like %s=…",
                    name, json_string_value(json_array_get(by, 0)));
            return err_reason(err, "partition");
        }
        struct buf b = BUF_INIT;
        buf_addf(&b, "v=%lld-%s/%s", (long long)a->into->base + 1, a->token, name);
        json_put_text(file, "target", buf_str(&b));
        buf_release(&b);
        if (!json_object_get(file, "rows")) json_put(file, "rows", json_integer(-1));
        json_put(file, "partition", partition);
    }
    return 0;
}

static int add_copies_output(struct audit_rows *r, json_t *files, const json_t *removes, struct err *err) {
    struct audit *a = r->a;
    const struct stage_into *into = a->into;
    if (name_copies(a, files, err) < 0) return -1;
    struct audit_output out = {.dataset = into->dataset,
                               .operation = stage_write_names[into->write],
                               .dataset_id = into->dataset_id,
                               .files = files,
                               .removes = (json_t *)(uintptr_t)removes,
                               .columns = r->schema.columns,
                               .rows = a->rows};
    return audit_output_add(a, &out, err);
}

static int copies_kept(const struct stage_into *into, struct err *err) {
    if (!into->delta && into->write != STAGE_MERGE) return 0;
    err_set(err, EX_INVALID, "%s cannot take files as they came: its zone has the format %s", into->dataset,
            into->delta ? "delta" : "files, which cannot be merged");
    return err_hint(err,
                    "copy into a zone with `format: files` (the first one has it) and promote from there");
}

int audit_copies(struct audit *a, json_t *files, const json_t *removes, struct err *err) {
    struct audit_rows r = {.a = a};
    bool empty = json_array_size(files) == 0;
    a->rows = empty ? 0 : -1;
    if (copies_kept(a->into, err) < 0 || need_checks(a->into, err) < 0) return -1;
    if (empty && decide_empty(a, err) < 0) return -1;
    if (a->nothing_new) return 0;
    int rc = !empty && audit_needs_engine(a->into) ? check_came(&r, files, err) : 0;
    if (rc == 0) rc = add_copies_output(&r, files, removes, err);
    audit_rows_release(&r);
    return rc;
}

/* ---- what a process wrote ------------------------------------------------------------------------------ */

/* The dataset's type of a column as SQL; empty when it has none. */
static void dataset_type(const struct audit *a, const char *column, struct buf *out) {
    const json_t *old = schema_column(a->into->columns, column);
    buf_clear(out);
    if (old) delta_sql_type(json_object_get(old, "type"), out);
}

static bool is_partition(const struct audit *a, const char *column) {
    size_t i;
    json_t *name;
    json_array_foreach(a->into->partition_by, i,
                       name) if (strcmp(json_string_value(name), column) == 0) return true;
    return false;
}

/* Parquet knows its types: there, only folder names are to be cast. */
static bool knows_types(const json_t *files) {
    size_t i;
    json_t *file;
    json_array_foreach(files, i, file) {
        const char *path = json_text(file, "staged"), *dot = strrchr(path, '.');
        if (!dot || strcasecmp(dot, ".parquet") != 0) return false;
    }
    return true;
}

static json_t *came_as_text(const struct audit *a, const json_t *described) {
    json_t *out = json_array();
    struct buf type = BUF_INIT;
    size_t i;
    json_t *c;
    json_array_foreach(described, i, c) {
        const char *name = json_text_or(c, "name", "");
        dataset_type(a, name, &type);
        if (type.len && !is_partition(a, name) &&
            casts_want_text(json_text_or(c, "type", ""), buf_str(&type)))
            json_array_append_new(out, json_string(name));
    }
    buf_release(&type);
    return out;
}

static json_t *describe_came(struct audit *a, struct err *err) {
    return duck_describe(a->duck, "FROM " CAME_SCHEMA "." CAME_VIEW, NULL, err);
}

/* Files that say little about types are read again, with the columns as text that are to be cast. */
static json_t *look_at_came(struct audit *a, const json_t *files, bool typed, struct err *err) {
    json_t *described = view_came(a, files, NULL, err) < 0 ? NULL : describe_came(a, err);
    if (!described || typed) return described;
    json_t *as_text = came_as_text(a, described);
    if (json_array_size(as_text)) {
        json_decref(described);
        described = view_came(a, files, as_text, err) < 0 ? NULL : describe_came(a, err);
    }
    json_decref(as_text);
    return described;
}

static char *came_query(const struct audit *a, const json_t *described, bool typed, bool *marked) {
    struct casts casts = {0};
    struct buf type = BUF_INIT, b = BUF_INIT;
    size_t i;
    json_t *c;
    json_array_foreach(described, i, c) {
        const char *name = json_text_or(c, "name", "");
        dataset_type(a, name, &type);
        bool cast = type.len && (!typed || is_partition(a, name));
        casts_add(&casts, name, json_text_or(c, "type", ""), cast ? buf_str(&type) : NULL);
    }
    *marked = casts.reasons.len > 0;
    buf_addf(&b, "SELECT %s", buf_str(&casts.select));
    if (*marked) {
        buf_adds(&b, ", ");
        casts_reason(&casts, &b);
        buf_adds(&b, " AS " AUDIT_REASON ", CAST(NULL AS VARCHAR) AS " AUDIT_SOURCE);
    }
    buf_adds(&b, " FROM " CAME_SCHEMA "." CAME_VIEW);
    casts_release(&casts);
    buf_release(&type);
    return buf_take(&b);
}

static int rewrite_came(struct audit *a, const json_t *files, struct err *err) {
    bool typed = knows_types(files), marked;
    json_t *described = look_at_came(a, files, typed, err);
    if (!described) {
        err_prefix(err, "what the step wrote");
        return -1;
    }
    char *sql = came_query(a, described, typed, &marked);
    json_decref(described);
    struct audit_query q = {.sql = sql, .marked = marked};
    int rc = audit_query(a, &q, err);
    free(sql);
    return rc;
}

/* An empty stage still has the dataset's columns, once there are any. */
static int publish_nothing(struct audit *a, struct err *err) {
    if (decide_empty(a, err) < 0) return -1;
    if (a->nothing_new) return 0;
    if (!a->into->columns) {
        json_array_append_new(a->warnings,
                              json_string("the step wrote no file, and no columns are known yet: nothing "
                                          "is published"));
        a->nothing_new = true;
        return 0;
    }
    struct buf b = BUF_INIT;
    size_t i;
    json_t *c;
    buf_adds(&b, "SELECT ");
    json_array_foreach(a->into->columns, i, c) {
        buf_adds(&b, i ? ", CAST(NULL AS " : "CAST(NULL AS ");
        delta_sql_type(json_object_get(c, "type"), &b);
        buf_adds(&b, ") AS ");
        buf_sql_ident(&b, json_text_or(c, "name", ""));
    }
    buf_adds(&b, " WHERE false");
    struct audit_query q = {.sql = buf_str(&b)};
    int rc = audit_query(a, &q, err);
    buf_release(&b);
    return rc;
}

int audit_process(struct audit *a, struct err *err) {
    json_t *files = stage_list(a->into->stage, err);
    if (!files) return -1;
    int rc;
    if (!a->into->delta)
        rc = audit_copies(a, files, NULL, err);
    else if (json_array_size(files) == 0)
        rc = publish_nothing(a, err);
    else
        rc = rewrite_came(a, files, err);
    json_decref(files);
    return rc;
}
