/* audit.c: the order of things in P2. See audit.h. */
#include "zones/audit.h"

#include "base/json.h"
#include "engine/duck.h"
#include "zones/audit_rows.h"
#include "zones/write.h"

#include <stdlib.h>
#include <string.h>

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

/* ---- the end of all three
 * ---------------------------------------------------------------------------------- */

static int publish_rows(struct audit_rows *r, struct err *err) {
    struct audit *a = r->a;
    const struct stage_into *into = a->into;
    a->rows = r->count - r->bad_count;
    struct write_names names = {.token = a->token, .by_partition = true, .ending = ".parquet"};
    write_targets(r->files, &names);
    if (write_stats(a->duck, into->stage, r->files, r->schema.columns, err) < 0) return -1;
    struct audit_output out = {.dataset = into->dataset,
                               .operation = stage_write_names[into->write],
                               .dataset_id = into->dataset_id,
                               .files = r->files,
                               .removes = r->removes,
                               .columns = r->schema.columns,
                               .rows = a->rows};
    return audit_output_add(a, &out, err);
}

static int rows_empty(struct audit *a, struct err *err) {
    if (a->into->if_empty == STAGE_EMPTY_OK) return 0;
    if (a->into->if_empty == STAGE_EMPTY_SKIP) {
        a->nothing_new = true;
        return 0;
    }
    err_set(err, EX_GATE, "no rows came for %s", a->into->dataset);
    err_hint(err, "when that is fine, say `if_empty: ok` (publishes an empty result) or `skip`");
    return err_reason(err, "empty");
}

/* ---- queries
 * ----------------------------------------------------------------------------------------------- */

static int query_rows(struct audit_rows *r, const struct audit_query *q, struct err *err) {
    if (audit_rows_load(r, q, false, err) < 0) return -1;
    if (r->count == 0 && rows_empty(r->a, err) < 0) return -1;
    if (r->a->nothing_new) return 0;
    if (audit_rows_show(r, err) < 0) return -1;
    if (audit_rows_write(r, err) < 0) return -1;
    return publish_rows(r, err);
}

int audit_query(struct audit *a, const struct audit_query *q, struct err *err) {
    struct audit_rows r = {.a = a, .files = json_array(), .removes = json_array()};
    int rc = query_rows(&r, q, err);
    audit_rows_release(&r);
    return rc;
}

/* ---- files as they came
 * ------------------------------------------------------------------------------------ */

bool audit_needs_engine(const struct stage_into *into) {
    return json_array_size(into->checks) > 0 || into->policy != STAGE_ANY;
}

/* What the dataset calls a staged copy. */
static const char *copy_name(const char *staged) {
    size_t n = strlen(STAGE_COPIES);
    return strncmp(staged, STAGE_COPIES, n) == 0 ? staged + n : staged;
}

static void name_copies(struct audit *a, json_t *files) {
    size_t i;
    json_t *file;
    json_array_foreach(files, i, file) {
        if (json_object_get(file, "target")) continue;
        struct buf b = BUF_INIT;
        buf_addf(&b, "v=%lld-%s/%s", (long long)a->into->base + 1, a->token,
                 copy_name(json_text(file, "staged")));
        json_put_text(file, "target", buf_str(&b));
        buf_release(&b);
        if (!json_object_get(file, "rows")) json_put(file, "rows", json_integer(-1));
        if (!json_object_get(file, "partition")) json_put(file, "partition", json_object());
    }
}

int audit_copies(struct audit *a, json_t *files, const json_t *removes, struct err *err) {
    const struct stage_into *into = a->into;
    if (json_array_size(files) == 0 && rows_empty(a, err) < 0) return -1;
    if (a->nothing_new) return 0;
    name_copies(a, files);
    a->rows = -1;
    struct audit_output out = {.dataset = into->dataset,
                               .operation = stage_write_names[into->write],
                               .dataset_id = into->dataset_id,
                               .files = files,
                               .removes = (json_t *)(uintptr_t)removes,
                               .rows = -1};
    return audit_output_add(a, &out, err);
}
