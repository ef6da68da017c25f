/* promote.c: `promote:`, what is new in a dataset moves to the next zone: typed, de-duplicated, checked.
 *
 * Which rows: those in files added since the version this step last consumed. The pinned version whole for
 * `write: replace`, for a merge when a consumed version removed files (an append stops then), and, in a run
 * about a window, the window's rows (contract.md 30, 37).
 *
 * Which types: `types`, else those the target has, else what the files show. Columns of text files that are
 * to be cast are read as they are written, so that 007 stays 007 for a text column. A value that does not fit
 * makes its row bad. */
#include "operators/promote.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "engine/duck.h"
#include "operators/operators.h"
#include "operators/work.h"
#include "store/datasets.h"
#include "zones/attach.h"
#include "zones/casts.h"
#include "zones/delta.h"
#include "zones/schema.h"
#include "zones/sqltext.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SOURCE_SCHEMA "_leat_source"

struct promotion {
    struct work *w;
    struct store *store;
    struct arena *arena;
    const char *dataset;
    int64_t id, version, since;
    struct dataset_row row;
    bool whole, by_window;
    bool sourced; /* `source` names the file of each row */
    int64_t files, bytes, rows;
};

/* ---- which rows ---------------------------------------------------------------------------------------- */

static const json_t *input_of(const struct request *r, const char *dataset) {
    size_t i;
    json_t *in;
    json_array_foreach(r->inputs, i, in) if (strcmp(json_text_or(in, "dataset", ""), dataset) == 0) return in;
    return NULL;
}

static bool about_window(const struct request *r) {
    if (!r->has_window) return false;
    bool explicit_one = r->bookmark_kind && !r->bookmark_moves;
    return explicit_one || (r->into.of_window && r->into.write == STAGE_REPLACE_PARTITIONS);
}

static int removed_error(const struct promotion *p, int64_t version, struct err *err) {
    err_set(err, EX_CONFLICT, "version %lld of %s removed rows that this step may have appended already",
            (long long)version, p->dataset);
    err_hint(err, "append cannot take rows back: use `write: merge` with a `key`, or `write: replace`; or "
                  "accept it with "
                  "`leat bookmark set`");
    return err_reason(err, "source_removed");
}

static int decide_whole(struct promotion *p, struct err *err) {
    const struct stage_into *into = &p->w->request.into;
    int64_t removed = -1;
    p->by_window = about_window(&p->w->request);
    p->whole = p->by_window || into->write == STAGE_REPLACE;
    if (p->whole || p->since < 0) return 0;
    if (store_files_removed_in(p->store, p->id, p->since, p->version, &removed, err) < 0) return -1;
    if (removed < 0) return 0;
    if (into->write == STAGE_APPEND) return removed_error(p, removed, err);
    p->whole = true;
    return 0;
}

static int window_error(const struct promotion *p, struct err *err) {
    err_set(err, EX_INVALID, "a run about a window cannot tell which rows of %s are the window's",
            p->dataset);
    err_hint(err, "say `partition_by: {column: …, of: window}` with `write: replace_partitions`, or give a "
                  "`select` that "
                  "uses ${window.start} and ${window.end}");
    return err_reason(err, "no_window_rows");
}

/* ---- the view `source` --------------------------------------------------------------------------------- */

static int list_files(struct promotion *p, struct file_list *out, struct err *err) {
    int rc = p->whole ? store_files_at(p->store, p->id, p->version, p->arena, out, err)
                      : store_files_new(p->store, p->id, p->since, p->version, p->arena, out, err);
    for (size_t i = 0; rc >= 0 && i < out->count; i++) {
        p->files++;
        p->bytes += out->rows[i].bytes;
        p->rows = p->rows < 0 || out->rows[i].rows < 0 ? -1 : p->rows + out->rows[i].rows;
    }
    return rc < 0 ? -1 : 0;
}

/* A file without a byte has no header: it would be a column of its own. */
static json_t *readable_paths(const struct promotion *p, const struct file_list *files) {
    json_t *paths = json_array();
    for (size_t i = 0; i < files->count; i++) {
        char *path = fs_join(p->row.path, files->rows[i].path);
        if (files->rows[i].bytes > 0) json_array_append_new(paths, json_string(path));
        free(path);
    }
    return paths;
}

/* The type a column is to have as SQL text, in the arena; NULL: as it comes. */
static const char *target_type(const struct promotion *p, const char *column) {
    const char *key;
    json_t *type;
    json_object_foreach(json_object_get(p->w->request.config, "types"), key, type) {
        if (strcasecmp(key, column) == 0) return json_string_value(type);
    }
    const json_t *old = schema_column(p->w->request.into.columns, column);
    struct buf b = BUF_INIT;
    const char *out = NULL;
    if (old && delta_sql_type(json_object_get(old, "type"), &b)) out = arena_strdup(p->arena, buf_str(&b));
    buf_release(&b);
    return out;
}

static json_t *text_columns(const struct promotion *p, const json_t *described, bool has_select) {
    json_t *out = json_array();
    size_t i;
    json_t *c;
    json_array_foreach(described, i, c) {
        const char *name = json_text_or(c, "name", "");
        const char *target = target_type(p, name), *found = json_text_or(c, "type", "");
        /* A `select` calculates with numbers: they must be numbers. */
        bool text = casts_want_text(found, target) && (!has_select || casts_want_text("DATE", target));
        if (text) json_array_append_new(out, json_string(name));
    }
    return out;
}

static int view_loose(struct promotion *p, const json_t *paths, struct err *err) {
    struct duck *d = p->w->duck;
    bool has_select = json_object_get(p->w->request.config, "select") != NULL;
    struct zone_loose loose = {
        .schema = SOURCE_SCHEMA, .view = "files", .paths = paths, .with_source = true, .bytes = p->bytes};
    if (zone_attach_loose(d, &loose, err) < 0) return -1;
    json_t *described =
        duck_describe(d, "SELECT * EXCLUDE (" AUDIT_SOURCE ") FROM " SOURCE_SCHEMA ".files", NULL, err);
    if (!described) return -1;
    json_t *as_text = text_columns(p, described, has_select);
    loose.as_text = as_text;
    int rc = json_array_size(as_text) ? zone_attach_loose(d, &loose, err) : 0;
    json_decref(as_text);
    json_decref(described);
    p->sourced = true;
    if (rc < 0) return -1;
    return duck_exec(d, "CREATE TEMP VIEW " PROMOTE_SOURCE " AS FROM " SOURCE_SCHEMA ".files", NULL, NULL,
                     err);
}

static int view_delta(struct promotion *p, struct err *err) {
    struct zone_input in = {.dataset = p->dataset,
                            .dataset_id = p->id,
                            .version = p->version,
                            .since = p->since,
                            .want_new = !p->whole,
                            .only_new = !p->whole};
    if (zone_attach(p->w->duck, p->store, &in, NULL, err) < 0) return -1;
    const char *dot = strchr(p->dataset, '.');
    struct buf b = BUF_INIT;
    buf_adds(&b, "CREATE TEMP VIEW " PROMOTE_SOURCE " AS FROM ");
    buf_sql_ident(&b, arena_strndup(p->arena, p->dataset, (size_t)(dot - p->dataset)));
    buf_addc(&b, '.');
    buf_sql_ident(&b, p->whole ? dot + 1 : arena_printf(p->arena, "%s__new", dot + 1));
    int rc = duck_exec(p->w->duck, buf_str(&b), NULL, NULL, err);
    buf_release(&b);
    return rc;
}

static int view_source(struct promotion *p, const struct file_list *files, struct err *err) {
    if (strcmp(p->row.format, "delta") == 0) return view_delta(p, err);
    json_t *paths = readable_paths(p, files);
    int rc = view_loose(p, paths, err);
    json_decref(paths);
    return rc;
}

/* ---- the query ----------------------------------------------------------------------------------------- */

struct query {
    struct casts casts;
    struct buf names; /* the columns alone */
    bool has_source;  /* the base has AUDIT_SOURCE */
};

static void query_release(struct query *q) {
    casts_release(&q->casts);
    buf_release(&q->names);
}

static void add_comma(struct buf *b) {
    if (b->len) buf_adds(b, ", ");
}

static int add_column(struct promotion *p, struct query *q, const json_t *c, struct err *err) {
    const char *name = json_text_or(c, "name", ""), *found = json_text_or(c, "type", "");
    const char *target = target_type(p, name);
    if (target && !(target = promote_type(p->w->duck, p->arena, name, target, err))) return -1;
    add_comma(&q->names);
    buf_sql_ident(&q->names, name);
    casts_add(&q->casts, name, found, target);
    return 0;
}

static int check_types(const struct promotion *p, const json_t *described, struct err *err) {
    json_t *names = json_array();
    const char *key;
    json_t *type;
    json_object_foreach(json_object_get(p->w->request.config, "types"), key, type)
        json_array_append_new(names, json_string(key));
    int rc = schema_has(described, names, "types", err);
    json_decref(names);
    return rc;
}

static int add_columns(struct promotion *p, struct query *q, const json_t *described, struct err *err) {
    size_t i;
    json_t *c;
    if (check_types(p, described, err) < 0) return -1;
    json_array_foreach(described, i, c) {
        if (strcmp(json_text_or(c, "name", ""), AUDIT_SOURCE) == 0)
            q->has_source = true;
        else if (add_column(p, q, c, err) < 0)
            return -1;
    }
    return 0;
}

static int add_order(struct buf *b, const char *keep, const json_t *described, struct err *err) {
    struct promote_order order = {0};
    if (!promote_keep(keep, &order, err)) return -1;
    json_t *names = order.column ? json_pack("[s]", order.column) : NULL;
    int rc = schema_has(described, names, "dedupe.keep", err);
    json_decref(names);
    if (order.column) buf_sql_ident(b, order.column);
    buf_adds(b, order.order);
    return rc;
}

/* One row of each key stays. Bad rows and rows without a whole key are nobody's duplicates. */
static int add_dedupe(struct buf *nth, struct buf *where, const json_t *dedupe, const json_t *described,
                      struct err *err) {
    const json_t *key = json_object_get(dedupe, "key");
    json_t *keys = json_is_string(key) ? json_pack("[O]", key) : json_incref((json_t *)(uintptr_t)key);
    int rc = schema_has(described, keys, "dedupe.key", err);
    struct buf list = BUF_INIT;
    size_t i;
    json_t *name;
    buf_adds(where, " WHERE _leat_nth = 1 OR " AUDIT_REASON " IS NOT NULL");
    json_array_foreach(keys, i, name) {
        add_comma(&list);
        buf_sql_ident(&list, json_string_value(name));
        buf_adds(where, " OR ");
        buf_sql_ident(where, json_string_value(name));
        buf_adds(where, " IS NULL");
    }
    buf_addf(nth, ", row_number() OVER (PARTITION BY %s, " AUDIT_REASON " IS NULL ORDER BY ", buf_str(&list));
    if (rc == 0) rc = add_order(nth, json_text_or(dedupe, "keep", "last"), described, err);
    buf_adds(nth, ") AS _leat_nth");
    buf_release(&list);
    json_decref(keys);
    return rc;
}

/* The window's rows, by the day in the partition column. */
static void add_window(struct buf *where, const struct promotion *p) {
    const struct stage_into *into = &p->w->request.into;
    const char *column = json_string_value(json_array_get(into->partition_by, 0));
    if (!p->by_window || json_object_get(p->w->request.config, "select") || !column) return;
    struct buf day = BUF_INIT;
    buf_adds(&day, "TRY_CAST(");
    buf_sql_ident(&day, column);
    buf_adds(&day, " AS DATE)");
    buf_addf(where,
             " WHERE %s >= CAST(CAST($leat_start AS TIMESTAMP) AS DATE) AND %s < CAST(CAST($leat_end AS "
             "TIMESTAMP) AS "
             "DATE)",
             buf_str(&day), buf_str(&day));
    buf_release(&day);
}

static char *compose(struct promotion *p, const struct query *q, const char *base, const json_t *described,
                     struct err *err) {
    const json_t *dedupe = json_object_get(p->w->request.config, "dedupe");
    struct buf nth = BUF_INIT, where = BUF_INIT, window = BUF_INIT, b = BUF_INIT;
    int rc = json_is_object(dedupe) ? add_dedupe(&nth, &where, dedupe, described, err) : 0;
    add_window(&window, p);
    buf_addf(&b, "SELECT %s, " AUDIT_REASON ", " AUDIT_SOURCE " FROM (SELECT *%s FROM (SELECT %s, ",
             buf_str(&q->names), buf_str(&nth), buf_str(&q->casts.select));
    casts_reason(&q->casts, &b);
    buf_addf(&b,
             " AS " AUDIT_REASON ", %s AS " AUDIT_SOURCE
             ", row_number() OVER () AS _leat_row FROM (\n%s\n) AS s)%s)%s",
             q->has_source ? AUDIT_SOURCE : "CAST(NULL AS VARCHAR)", base, buf_str(&window), buf_str(&where));
    buf_release(&nth);
    buf_release(&where);
    buf_release(&window);
    if (rc == 0) return buf_take(&b);
    buf_release(&b);
    return NULL;
}

/* ---- the step ------------------------------------------------------------------------------------------ */

static json_t *all_params(const struct promotion *p, const json_t *select) {
    json_t *params = json_array();
    const json_t *own = json_object_get(select, "params");
    if (own) json_array_extend(params, (json_t *)(uintptr_t)own);
    const struct request *r = &p->w->request;
    if (!r->has_window) return params;
    json_array_append_new(params, json_pack("{ss ss sI}", "name", "leat_start", "type", "timestamp", "value",
                                            (json_int_t)r->window_start));
    json_array_append_new(params, json_pack("{ss ss sI}", "name", "leat_end", "type", "timestamp", "value",
                                            (json_int_t)r->window_end));
    return params;
}

static int run_query(struct promotion *p, const char *base, const json_t *params, struct err *err) {
    struct work *w = p->w;
    struct query q = {0};
    json_t *described = duck_describe(w->duck, base, params, err);
    int rc = described ? add_columns(p, &q, described, err) : -1;
    char *sql = rc == 0 ? compose(p, &q, base, described, err) : NULL;
    query_release(&q);
    json_decref(described);
    if (!sql) return -1;
    result_sql(w->result, sql, params);
    struct audit_query audit = {.sql = sql, .params = params, .marked = true};
    rc = audit_query(&w->audit, &audit, err);
    free(sql);
    return rc;
}

static int promote_rows(struct promotion *p, struct err *err) {
    const json_t *select = json_object_get(p->w->request.config, "select");
    const char *text = json_is_object(select) ? json_text(select, "text") : json_string_value(select);
    const struct stage_into *into = &p->w->request.into;
    bool told = text || (into->of_window && json_array_size(into->partition_by));
    if (p->by_window && !told) return window_error(p, err);
    char *base = text ? sql_one_statement(text, err) : xstrdup("SELECT * FROM " PROMOTE_SOURCE);
    if (!base) return -1;
    json_t *params = all_params(p, select);
    int rc = run_query(p, base, params, err);
    json_decref(params);
    free(base);
    return rc;
}

static void tell(const struct promotion *p) {
    struct work *w = p->w;
    bool same =
        !json_object_get(w->request.config, "select") && !json_object_get(w->request.config, "dedupe");
    int64_t came = w->audit.rows + w->audit.bad_rows;
    result_add_read(w->result, p->rows < 0 && same ? came : p->rows, p->bytes);
    work_log(w, "%s version %lld: %lld files; %lld rows for %s, %lld bad", p->dataset, (long long)p->version,
             (long long)p->files, (long long)w->audit.rows, w->request.into.dataset,
             (long long)w->audit.bad_rows);
}

static int promote(struct promotion *p, struct err *err) {
    struct file_list files = {0};
    int found = store_dataset_get(p->store, p->id, p->arena, &p->row, err);
    if (found < 0) return -1;
    if (found == 0) return err_set(err, EX_NOT_FOUND, "%s is not in the database", p->dataset);
    if (decide_whole(p, err) < 0 || list_files(p, &files, err) < 0) return -1;
    bool consumed = !p->by_window && p->since == p->version;
    if (consumed || (files.count == 0 && !p->whole)) {
        work_nothing_new(p->w);
        return 0;
    }
    if (view_source(p, &files, err) < 0 || promote_rows(p, err) < 0) return -1;
    tell(p);
    work_propose(p->w,
                 json_pack("{ss s{sI}}", "kind", "version", "datasets", p->dataset, (json_int_t)p->version));
    return 0;
}

static int work(struct work *w, struct err *err) {
    const char *dataset = json_string_value(op_config(w->request.json, "dataset"));
    if (!dataset || !strchr(dataset, '.')) return err_set(err, EX_INVALID, "`promote` names no zone.dataset");
    if (!w->request.has_into) return err_set(err, EX_INVALID, "`promote` needs `into:`");
    const json_t *in = input_of(&w->request, dataset);
    struct promotion p = {.w = w,
                          .dataset = dataset,
                          .id = json_int(in, "dataset_id", -1),
                          .version = json_int(in, "version", -1),
                          .since = json_int(in, "since", -1)};
    if (work_store(w, &p.store, err) < 0) return -1;
    if (p.id < 0 || p.version < 0 || !p.store) {
        work_log(w, "%s has not been published yet: nothing to promote", dataset);
        work_nothing_new(w);
        return 0;
    }
    if (work_audit_begin(w, true, err) < 0) return -1;
    p.arena = arena_new();
    int rc = promote(&p, err);
    arena_free(p.arena);
    return rc;
}

/* ---- the verb ------------------------------------------------------------------------------------------ */

static const struct field dedupe_fields[] = {
    {.name = "key",
     .kind = FK_TEXT,
     .flags = FIELD_REQUIRED | FIELD_LIST | FIELD_SHORT,
     .help = "Columns that make a row the same row.",
     .example = "order_id"},
    {.name = "keep",
     .kind = FK_TEXT,
     .otherwise = "last",
     .help =
         "Which of the rows with one key stays: `first` or `last` as they came, or `newest COLUMN`, `oldest "
         "COLUMN`.",
     .example = "newest updated_at"},
    {0},
};

static const struct field fields[] = {
    {.name = "dataset",
     .kind = FK_DATASET,
     .flags = FIELD_REQUIRED | FIELD_SHORT,
     .help = "Where the rows come from.",
     .example = "raw.orders"},
    {.name = "select",
     .kind = FK_SQL,
     .help = "A SELECT over `source`, the rows to promote.",
     .example = "select * from source where amount is not null"},
    {.name = "types",
     .kind = FK_MAP,
     .help = "SQL types of columns; a value that does not fit makes its row a bad row.",
     .example = "{amount: \"decimal(18,2)\"}"},
    {.name = "dedupe",
     .kind = FK_OBJECT,
     .fields = dedupe_fields,
     .help = "Keeps one row of each key, of the rows promoted together.",
     .example = "{key: order_id, keep: newest updated_at}"},
    {0},
};

static const struct field siblings[] = {
    {.name = "memory",
     .kind = FK_SIZE,
     .help = "Memory the promotion may use before it spills to the disk.",
     .example = "4GiB"},
    {.name = "threads",
     .kind = FK_COUNT,
     .otherwise = "one per core",
     .help = "Threads of the promotion.",
     .example = "2"},
    {0},
};

const struct op op_promote = {
    .verb = {.name = "promote",
             .about = "Moves what is new in a dataset to the next zone.",
             .fields = fields,
             .siblings = siblings,
             .traits = VERB_WORKER | VERB_INTO | VERB_PROMOTE},
    .work = work,
    .prepare = promote_prepare,
};
