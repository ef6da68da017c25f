/* commit.c: one new version of a dataset: files removed and added, totals, columns, head. Part of P6; the
 * caller's transaction makes it all or nothing.
 *
 * The totals of a version are its base's plus and minus what changed: nothing is counted again. */
#include "base/json.h"
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>

/* Rows, files and bytes; files whose rows are not known (a CSV as it came) are counted apart. */
struct sums {
    int64_t rows, unknown, bytes, files;
};

static void sums_add(struct sums *s, int64_t rows, int64_t bytes) {
    if (rows >= 0) s->rows += rows;
    if (rows < 0) s->unknown++;
    s->bytes += bytes;
    s->files++;
}

static void sums_read(sqlite3_stmt *st, struct arena *a, void *row) {
    (void)a;
    *(struct sums *)row = (struct sums){sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1),
                                        sqlite3_column_int64(st, 2), sqlite3_column_int64(st, 3)};
}

/* ---- files ---- */

static int file_remove(struct store *s, const struct publish *p, const char *path, struct sums *gone,
                       struct err *err) {
    const struct sql_call *c = SQL(s, file_remove, err, A_INT(p->dataset), A_TEXT(path), A_INT(p->version));
    sqlite3_stmt *st;
    if (sql_begin(c, &st)) return -1;
    int r = sql_next(c, st);
    if (r == 1) {
        sums_add(gone, col_int(st, 0, -1), sqlite3_column_int64(st, 1));
        if (sql_next(c, st) < 0) r = -1;
    }
    sql_end(st);
    if (r == 0 && !p->outside)
        return err_set(err, EX_CONFLICT, "version %lld of dataset %lld removes %s, which it does not have",
                       (long long)p->version, (long long)p->dataset, path);
    return r < 0 ? -1 : 0;
}

static int files_remove(struct store *s, const struct publish *p, struct sums *gone, struct err *err) {
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(p->output, "removes"), i, item) {
        const char *path = json_is_string(item) ? json_string_value(item) : json_text_or(item, "path", "");
        if (file_remove(s, p, path, gone, err)) return -1;
    }
    return 0;
}

static int file_add(struct store *s, const struct publish *p, const json_t *f, struct err *err) {
    const json_t *source = json_object_get(f, "source");
    char *partition = partition_text(json_object_get(f, "partition"));
    int r =
        sql_must(SQL(s, file_add, err, A_INT(p->dataset), A_TEXT(json_text_or(f, "target", "")),
                     A_KNOWN(json_int(f, "rows", -1)), A_INT(json_int(f, "bytes", 0)),
                     A_TEXT(json_text(f, "sha256")), A_TEXT(partition), A_JSON(json_object_get(f, "stats")),
                     A_TEXT(json_text(source, "path")), A_KNOWN(json_int(source, "size", -1)),
                     A_KNOWN(json_int(source, "mtime_ns", -1)), A_TEXT(json_text(source, "etag")),
                     A_TEXT(json_text(source, "hash")), A_INT(p->version), A_AT(p->at)));
    free(partition);
    return r;
}

static int files_add(struct store *s, const struct publish *p, struct sums *come, struct err *err) {
    size_t i;
    json_t *f;
    json_array_foreach(json_object_get(p->output, p->outside ? "adds" : "files"), i, f) {
        if (file_add(s, p, f, err)) return -1;
        sums_add(come, json_int(f, "rows", -1), json_int(f, "bytes", 0));
    }
    return 0;
}

/* ---- columns ---- */

struct shape {
    int64_t id;
    char *columns, *partition_by; /* malloc'ed */
};

static void shape_read(sqlite3_stmt *st, struct arena *a, void *row) {
    (void)a;
    const char *columns = (const char *)sqlite3_column_text(st, 1),
               *by = (const char *)sqlite3_column_text(st, 2);
    *(struct shape *)row = (struct shape){sqlite3_column_int64(st, 0), columns ? xstrdup(columns) : NULL,
                                          by ? xstrdup(by) : NULL};
}

static char *compact(const json_t *v) { return v && !json_is_null(v) ? json_dumps(v, JSON_COMPACT) : NULL; }

static bool same_text(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

/* The shape of the new version: its base's, unless the output says other columns. */
static int shape_of(struct store *s, const struct publish *p, int64_t *id, struct err *err) {
    struct shape base = {0};
    int r = sql_get(SQL(s, shape_of, err, A_INT(p->dataset), A_INT(p->base)), shape_read, NULL, &base);
    char *columns = compact(json_object_get(p->output, "columns"));
    char *by = compact(json_object_get(p->output, "partition_by"));
    bool keeps =
        r == 1 && (!columns || same_text(columns, base.columns)) && (!by || same_text(by, base.partition_by));
    if (r >= 0) *id = base.id;
    if (r >= 0 && !keeps) {
        r = sql_must(SQL(s, shape_add, err, A_INT(p->dataset), A_TEXT(columns ? columns : base.columns),
                         A_TEXT(by ? by : base.partition_by)));
        *id = sql_last_id(s);
    }
    free(columns), free(by), free(base.columns), free(base.partition_by);
    return r < 0 ? -1 : 0;
}

/* ---- the version ---- */

struct verdicts {
    int64_t ok, warn, failed;
};

static void verdicts_read(sqlite3_stmt *st, struct arena *a, void *row) {
    (void)a;
    *(struct verdicts *)row = (struct verdicts){col_int(st, 0, 0), col_int(st, 1, 0), col_int(st, 2, 0)};
}

static int version_write(struct store *s, const struct publish *p, const struct sums *gone,
                         const struct sums *come, struct err *err) {
    struct sums base = {0};
    struct verdicts checks = {0};
    int64_t shape = 0;
    if (sql_get(SQL(s, version_sums, err, A_INT(p->dataset), A_INT(p->base)), sums_read, NULL, &base) < 0)
        return -1;
    if (p->attempt && sql_get(SQL(s, checks_count, err, A_INT(p->attempt)), verdicts_read, NULL, &checks) < 0)
        return -1;
    if (shape_of(s, p, &shape, err)) return -1;
    return sql_must(SQL(s, version_add, err, A_INT(p->dataset), A_INT(p->version), A_REF(p->intent),
                        A_TEXT(p->token), A_REF(p->run), A_TEXT(p->pipeline), A_TEXT(p->step),
                        A_TEXT(json_text_or(p->output, "operation", p->outside ? "outside" : "append")),
                        A_TEXT(p->author), A_TEXT(p->reason), A_AT(p->at), A_AT(p->window_start),
                        A_AT(p->window_end), A_INT(base.rows - gone->rows + come->rows),
                        A_INT(base.unknown - gone->unknown + come->unknown),
                        A_INT(base.bytes - gone->bytes + come->bytes),
                        A_INT(base.files - gone->files + come->files), A_INT(come->rows), A_INT(come->files),
                        A_INT(gone->files), A_INT(checks.ok), A_INT(checks.warn), A_INT(checks.failed),
                        A_REF(shape), A_INT(p->base), A_KNOWN(json_int(p->output, "rolled_back_to", -1))));
}

static int head_move(struct store *s, const struct publish *p, struct err *err) {
    int64_t hit = sql_run(SQL(s, dataset_move, err, A_INT(p->dataset), A_INT(p->base), A_INT(p->version),
                              A_TEXT(json_text(p->output, "table_id"))));
    if (hit == 1) return 0;
    if (hit < 0) return -1;
    err_set(err, EX_CONFLICT, "dataset %lld is not at version %lld any more: version %lld cannot follow it",
            (long long)p->dataset, (long long)p->base, (long long)p->version);
    return err_reason(err, "version_moved");
}

int publish_version(struct store *s, const struct publish *p, struct err *err) {
    struct sums gone = {0}, come = {0};
    if (head_move(s, p, err)) return -1;
    if (files_remove(s, p, &gone, err) || files_add(s, p, &come, err)) return -1;
    return version_write(s, p, &gone, &come, err);
}
