/* files.c: asking for the files of versions. */
#include "store/datasets.h"

#include "store/internal.h"

#include <stdlib.h>

static void file_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct file_row *)row = (struct file_row){
        .id = sqlite3_column_int64(st, 0),
        .path = col_text(st, 1, a),
        .rows = col_int(st, 2, -1),
        .bytes = sqlite3_column_int64(st, 3),
        .sha256 = col_text(st, 4, a),
        .partition = col_text(st, 5, a),
        .stats = col_text(st, 6, a),
        .source_path = col_text(st, 7, a),
        .source_etag = col_text(st, 8, a),
        .source_hash = col_text(st, 9, a),
        .source_size = col_int(st, 10, -1),
        .source_mtime_ns = col_int(st, 11, -1),
        .added_version = sqlite3_column_int64(st, 12),
        .removed_version = col_int(st, 13, -1),
        .added_at = col_instant(st, 14),
    };
}

static const struct row_type file_type = {file_read, sizeof(struct file_row)};

int store_files_new(struct store *s, int64_t dataset, int64_t since, int64_t version, struct arena *a,
                    struct file_list *out, struct err *err) {
    return sql_list(SQL(s, files_new, err, A_INT(dataset), A_INT(since), A_INT(version)), file_type, a,
                    &out->rows, &out->count);
}

int store_files_at(struct store *s, int64_t dataset, int64_t version, struct arena *a, struct file_list *out,
                   struct err *err) {
    return store_files_new(s, dataset, -1, version, a, out, err);
}

int store_files_removed_in(struct store *s, int64_t dataset, int64_t since, int64_t version, int64_t *first,
                           struct err *err) {
    int64_t found = -1, forgotten = -1;
    /* Removals that retention forgot: one of them may have been a file that `since` had. */
    if (sql_int(SQL(s, dataset_forgotten_get, err, A_INT(dataset)), &forgotten) < 0) return -1;
    if (since >= 0 && forgotten > since && forgotten <= version) {
        *first = forgotten;
        return 0;
    }
    if (sql_int(SQL(s, files_removed_in, err, A_INT(dataset), A_INT(since), A_INT(version)), &found) < 0)
        return -1;
    *first = found;
    return 0;
}

static void totals_read(sqlite3_stmt *st, struct arena *a, void *row) {
    (void)a;
    bool rows_known = sqlite3_column_int64(st, 2) == 0;
    *(struct file_totals *)row = (struct file_totals){
        .files = sqlite3_column_int64(st, 0),
        .rows = rows_known ? col_int(st, 1, 0) : -1,
        .bytes = col_int(st, 3, 0),
    };
}

int store_files_totals(struct store *s, int64_t dataset, int64_t since, int64_t version,
                       struct file_totals *out, struct err *err) {
    return sql_get(SQL(s, files_totals, err, A_INT(dataset), A_INT(since), A_INT(version)), totals_read, NULL,
                   out) < 0
               ? -1
               : 0;
}

char *partition_text(const json_t *partition) {
    if (!json_is_object(partition) || json_object_size(partition) == 0) return NULL;
    return json_dumps(partition, JSON_COMPACT | JSON_SORT_KEYS);
}

int store_files_in_partition(struct store *s, int64_t dataset, const json_t *partition, struct arena *a,
                             struct file_list *out, struct err *err) {
    char *text = partition_text(partition);
    int r = sql_list(SQL(s, files_in_partition, err, A_INT(dataset), A_TEXT(text ? text : "{}")), file_type,
                     a, &out->rows, &out->count);
    free(text);
    return r;
}

int store_file_live(struct store *s, int64_t dataset, const char *path, struct arena *a, struct file_row *out,
                    struct err *err) {
    return sql_get(SQL(s, file_live, err, A_INT(dataset), A_TEXT(path)), file_read, a, out);
}

int store_file_of_source(struct store *s, int64_t dataset, const char *source, struct arena *a,
                         struct file_row *out, struct err *err) {
    return sql_get(SQL(s, file_of_source, err, A_INT(dataset), A_TEXT(source)), file_read, a, out);
}

int store_files_of_step(struct store *s, const struct file_owner *o, struct arena *a, struct file_list *out,
                        struct err *err) {
    if (o->any_window)
        return sql_list(SQL(s, files_of_step, err, A_INT(o->dataset), A_TEXT(o->pipeline), A_TEXT(o->step)),
                        file_type, a, &out->rows, &out->count);
    return sql_list(SQL(s, files_of_window, err, A_INT(o->dataset), A_TEXT(o->pipeline), A_TEXT(o->step),
                        A_AT(o->window_start), A_AT(o->window_end)),
                    file_type, a, &out->rows, &out->count);
}

int store_files_all(struct store *s, int64_t dataset, struct arena *a, struct file_list *out,
                    struct err *err) {
    return sql_list(SQL(s, files_all, err, A_INT(dataset)), file_type, a, &out->rows, &out->count);
}

static void token_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(const char **)row = col_text(st, 0, a);
}

int store_tokens_live(struct store *s, struct arena *a, const char ***tokens, size_t *n, struct err *err) {
    static const struct row_type type = {token_read, sizeof(const char *)};
    return sql_list(SQL(s, tokens_live, err, A_NONE), type, a, tokens, n);
}
