/* datasets.c: datasets and their versions. Files are in files.c; publishing is in commit.c. */
#include "store/datasets.h"

#include "store/internal.h"

#include <string.h>

/* ---- datasets ---- */

int store_dataset_ensure(struct store *s, const struct dataset_spec *d, int64_t *id, struct err *err) {
    if (sql_run(SQL(s, dataset_add, err, A_TEXT(d->name), A_TEXT(d->path), A_TEXT(d->format), A_AT(d->at))) <
        0)
        return -1;
    return sql_int(SQL(s, dataset_id, err, A_TEXT(d->name)), id) == 1 ? 0 : -1;
}

static const char *zone_of(const char *name, struct arena *a) {
    return arena_strndup(a, name, strcspn(name, "."));
}

static void dataset_read(sqlite3_stmt *st, struct arena *a, void *row) {
    const char *name = col_text(st, 1, a);
    instant_t created = col_instant(st, 14);
    bool rows_known = col_int(st, 10, 0) == 0;
    *(struct dataset_row *)row = (struct dataset_row){
        .id = sqlite3_column_int64(st, 0),
        .name = name,
        .zone = zone_of(name, a),
        .path = col_text(st, 2, a),
        .format = col_text(st, 3, a),
        .head = sqlite3_column_int64(st, 4),
        .columns = col_text(st, 5, a),
        .partition_by = col_text(st, 6, a),
        .table_id = col_text(st, 7, a),
        .stopped = col_text(st, 8, a),
        .rows = rows_known ? col_int(st, 9, 0) : -1,
        .bytes = col_int(st, 11, 0),
        .files = col_int(st, 12, 0),
        .last_run = col_int(st, 13, 0),
        .created_at = created,
        .updated_at = col_int(st, 15, created),
    };
}

int store_dataset_find(struct store *s, const char *name, struct arena *a, struct dataset_row *out,
                       struct err *err) {
    return sql_get(SQL(s, dataset_find, err, A_TEXT(name)), dataset_read, a, out);
}

int store_dataset_get(struct store *s, int64_t id, struct arena *a, struct dataset_row *out,
                      struct err *err) {
    return sql_get(SQL(s, dataset_get, err, A_INT(id)), dataset_read, a, out);
}

int store_datasets_list(struct store *s, struct arena *a, struct dataset_row **rows, size_t *n,
                        struct err *err) {
    static const struct row_type type = {dataset_read, sizeof(struct dataset_row)};
    return sql_list(SQL(s, datasets_list, err, A_NONE), type, a, rows, n);
}

int store_dataset_stop(struct store *s, int64_t id, const char *reason, struct err *err) {
    return (int)sql_run(SQL(s, dataset_stop, err, A_INT(id), A_TEXT(reason)));
}

/* ---- versions ---- */

static void version_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct version_row *)row = (struct version_row){
        .version = sqlite3_column_int64(st, 0),
        .run = col_int(st, 1, 0),
        .intent = col_int(st, 2, 0),
        .token = col_text(st, 3, a),
        .pipeline = col_text(st, 4, a),
        .step = col_text(st, 5, a),
        .operation = col_text(st, 6, a),
        .author = col_text(st, 7, a),
        .reason = col_text(st, 8, a),
        .published_at = col_instant(st, 9),
        .window_start = col_instant(st, 10),
        .window_end = col_instant(st, 11),
        .rows = sqlite3_column_int64(st, 13) == 0 ? sqlite3_column_int64(st, 12) : -1,
        .bytes = sqlite3_column_int64(st, 14),
        .files = sqlite3_column_int64(st, 15),
        .rows_added = sqlite3_column_int64(st, 16),
        .files_added = sqlite3_column_int64(st, 17),
        .files_removed = sqlite3_column_int64(st, 18),
        .checks_ok = sqlite3_column_int64(st, 19),
        .checks_warn = sqlite3_column_int64(st, 20),
        .checks_failed = sqlite3_column_int64(st, 21),
        .columns = col_text(st, 22, a),
        .partition_by = col_text(st, 23, a),
        .based_on = sqlite3_column_int64(st, 24),
        .rolled_back_to = col_int(st, 25, -1),
    };
}

int store_version_get(struct store *s, int64_t dataset, int64_t version, struct arena *a,
                      struct version_row *out, struct err *err) {
    return sql_get(SQL(s, version_get, err, A_INT(dataset), A_INT(version)), version_read, a, out);
}

static const struct row_type version_type = {version_read, sizeof(struct version_row)};

int store_versions_after(struct store *s, int64_t dataset, int64_t after, int64_t limit, struct arena *a,
                         struct version_row **rows, size_t *n, struct err *err) {
    return sql_list(SQL(s, versions_after, err, A_INT(dataset), A_INT(after), A_INT(limit)), version_type, a,
                    rows, n);
}

int store_version_pending(struct store *s, int64_t dataset, int64_t after, instant_t start, instant_t end,
                          int64_t *version, struct err *err) {
    return sql_int(SQL(s, version_pending, err, A_INT(dataset), A_INT(after), A_AT(start), A_AT(end)),
                   version);
}

int store_versions_list(struct store *s, int64_t dataset, int64_t before, int64_t limit, struct arena *a,
                        struct version_row **rows, size_t *n, struct err *err) {
    return sql_list(SQL(s, versions_list, err, A_INT(dataset), A_INT(before < 0 ? INT64_MAX : before),
                        A_INT(limit > 0 ? limit : -1)),
                    version_type, a, rows, n);
}

struct replaced {
    int64_t version, run;
};

static void replaced_read(sqlite3_stmt *st, struct arena *a, void *row) {
    (void)a;
    *(struct replaced *)row = (struct replaced){sqlite3_column_int64(st, 0), col_int(st, 1, 0)};
}

int store_version_replaced(struct store *s, int64_t dataset, int64_t *version, int64_t *run,
                           struct err *err) {
    struct replaced last;
    int r = sql_get(SQL(s, replaced_last, err, A_INT(dataset)), replaced_read, NULL, &last);
    if (r != 1) return r;
    *version = last.version;
    *run = last.run;
    return 1;
}

int store_version_since(struct store *s, int64_t dataset, instant_t at, int64_t *version, struct err *err) {
    int64_t found = -1;
    int r = sql_int(SQL(s, version_since, err, A_INT(dataset), A_AT(at)), &found);
    if (r == 0) r = sql_int(SQL(s, version_head, err, A_INT(dataset)), &found);
    if (r < 0) return -1;
    *version = found;
    return 0;
}

/* ---- forgetting ---- */

/* The lowest version that must stay whole whatever retention says: the head, and what unfinished runs
 * read. */
static int floor_of(struct store *s, int64_t dataset, int64_t keep, int64_t *floor, struct err *err) {
    int64_t head, pinned;
    int r = sql_int(SQL(s, version_head, err, A_INT(dataset)), &head);
    if (r <= 0) return r;
    if (keep > head) keep = head;
    r = sql_int(SQL(s, version_pinned, err, A_INT(dataset)), &pinned);
    if (r < 0) return -1;
    if (r == 1 && pinned < keep) keep = pinned;
    *floor = keep;
    return 1;
}

/* What readers will no longer be told was removed: remembered as one number (store_files_removed_in()). */
static int64_t forget_files(struct store *s, int64_t dataset, int64_t keep, int64_t limit, struct err *err) {
    int64_t last = 0;
    int r = sql_int(SQL(s, files_forget_last, err, A_INT(dataset), A_INT(keep), A_INT(limit)), &last);
    if (r < 0) return -1;
    if (last > 0 && sql_run(SQL(s, dataset_forgotten, err, A_INT(dataset), A_INT(last))) < 0) return -1;
    return sql_run(SQL(s, files_forget, err, A_INT(dataset), A_INT(keep), A_INT(limit)));
}

int store_versions_forget(struct store *s, int64_t dataset, int64_t keep, int64_t limit, struct err *err) {
    int64_t floor, intent;
    int r = sql_int(SQL(s, intent_of_dataset, err, A_INT(dataset)), &intent);
    if (r) return r < 0 ? -1 : 0; /* being published: another time */
    r = floor_of(s, dataset, keep, &floor, err);
    if (r <= 0 || floor <= 0) return r < 0 ? -1 : 0;
    if (sql_run(SQL(s, dataset_forget, err, A_INT(dataset), A_INT(floor))) < 0) return -1;
    int64_t files = forget_files(s, dataset, floor, limit, err);
    if (files < 0) return -1;
    int64_t versions = sql_run(SQL(s, versions_forget, err, A_INT(dataset), A_INT(floor), A_INT(limit)));
    if (versions < 0) return -1;
    return files >= limit || versions >= limit;
}
