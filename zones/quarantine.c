/* quarantine.c: see quarantine.h. */
#include "zones/quarantine.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "engine/duck.h"
#include "store/datasets.h"
#include "zones/delta.h"
#include "zones/write.h"

#include <stdlib.h>
#include <string.h>

static json_t *text_column(const char *name) {
    return json_pack("{ss ss sb}", "name", name, "type", "string", "nullable", 1);
}

/* What AUDIT_BAD has. */
static json_t *bad_columns(const struct audit_rows *r) {
    json_t *columns = json_deep_copy(r->schema.columns);
    json_array_append_new(columns, text_column(AUDIT_CHECK));
    json_array_append_new(columns, text_column(AUDIT_REASON));
    json_array_append_new(columns, text_column(AUDIT_SOURCE));
    return columns;
}

/* The quarantine's columns now; an empty array before its first version. */
static int current_columns(const struct audit *a, json_t **out, struct err *err) {
    int64_t id = a->into->quarantine.dataset_id;
    struct arena *arena = arena_new();
    struct dataset_row row = {0};
    int rc = a->store && id >= 0 ? store_dataset_get(a->store, id, arena, &row, err) : 0;
    *out = rc == 1 && row.columns ? json_loads(row.columns, 0, NULL) : NULL;
    if (!*out) *out = json_array();
    arena_free(arena);
    return rc < 0 ? -1 : 0;
}

/* Older columns stay, with the type they had; new ones follow. A value that does not fit an old type is told
 * in the reason at most: the quarantine must never be what stops a publish. */
static json_t *select_columns(const json_t *current, const json_t *have, struct buf *select) {
    json_t *out = json_array();
    size_t i;
    json_t *c;
    json_array_foreach(current, i, c) {
        const char *name = json_text_or(c, "name", "");
        const json_t *mine = schema_column(have, name);
        buf_adds(select, select->len ? ", TRY_CAST(" : "TRY_CAST(");
        if (mine)
            buf_sql_ident(select, json_text_or(mine, "name", ""));
        else
            buf_adds(select, "NULL");
        buf_adds(select, " AS ");
        delta_sql_type(json_object_get(c, "type"), select);
        buf_adds(select, ") AS ");
        buf_sql_ident(select, name);
        json_array_append(out, c);
    }
    json_array_foreach(have, i, c) {
        if (schema_column(current, json_text_or(c, "name", ""))) continue;
        if (select->len) buf_adds(select, ", ");
        buf_sql_ident(select, json_text_or(c, "name", ""));
        json_array_append(out, c);
    }
    return out;
}

static json_t *write_bad(struct audit_rows *r, const char *columns, struct err *err) {
    const struct stage_into *into = r->a->into;
    if (r->bad_count == 0) return json_array();
    char *folder = stage_folder(into, "quarantine", err);
    if (!folder) return NULL;
    struct buf b = BUF_INIT;
    buf_addf(&b, "SELECT %s FROM " AUDIT_BAD, columns);
    struct write_rows w = {.select = buf_str(&b), .stage = into->stage, .folder = folder};
    json_t *files = write_parquet(r->a->duck, &w, err);
    buf_release(&b);
    free(folder);
    return files;
}

/* Did this step set rows aside for this window before? They go, even when none come. */
static int has_earlier(const struct audit *a, bool *yes, struct err *err) {
    const struct stage_into *into = a->into;
    bool whole = into->write == STAGE_REPLACE;
    *yes = false;
    if (!a->store || into->quarantine.dataset_id < 0 || (a->window_start == INSTANT_NONE && !whole)) return 0;
    struct file_owner owner = {.dataset = into->quarantine.dataset_id,
                               .pipeline = a->pipeline,
                               .step = a->step,
                               .any_window = whole,
                               .window_start = a->window_start,
                               .window_end = a->window_end};
    struct arena *arena = arena_new();
    struct file_list list = {0};
    int rc = store_files_of_step(a->store, &owner, arena, &list, err);
    *yes = rc >= 0 && list.count > 0;
    arena_free(arena);
    return rc < 0 ? -1 : 0;
}

static int add_output(struct audit_rows *r, json_t *files, json_t *columns, struct err *err) {
    struct audit *a = r->a;
    struct write_names names = {.token = a->token, .ending = ".parquet"};
    write_targets(files, &names);
    if (write_stats(a->duck, a->into->stage, files, columns, err) < 0) return -1;
    struct audit_output out = {.dataset = a->into->quarantine.dataset,
                               .operation = stage_write_names[STAGE_APPEND],
                               .dataset_id = a->into->quarantine.dataset_id,
                               .files = files,
                               .columns = columns,
                               .rows = r->bad_count};
    return audit_output_add(a, &out, err);
}

static int write_output(struct audit_rows *r, struct err *err) {
    json_t *current = NULL, *have = bad_columns(r);
    struct buf select = BUF_INIT;
    int rc = current_columns(r->a, &current, err);
    json_t *columns = rc == 0 ? select_columns(current, have, &select) : NULL;
    json_t *files = columns ? write_bad(r, buf_str(&select), err) : NULL;
    rc = files ? add_output(r, files, columns, err) : -1;
    buf_release(&select);
    json_decref(files);
    json_decref(columns);
    json_decref(current);
    json_decref(have);
    return rc;
}

int quarantine_rows(struct audit_rows *r, struct err *err) {
    const struct stage_into *into = r->a->into;
    if (into->bad_rows != STAGE_BAD_QUARANTINE || !into->quarantine.dataset) return 0;
    bool earlier;
    if (has_earlier(r->a, &earlier, err) < 0) return -1;
    return r->bad_count || earlier ? write_output(r, err) : 0;
}
