/* stats.c: write_stats(): Delta statistics from Parquet footers, for all files in one statement.
 *
 * Bounds must never be tighter than the data: where a row group has no bounds, the column gets none; a
 * timestamp's upper bound is rounded up to the millisecond that Delta keeps; long texts get none. Column `i`
 * of the answer has its lower bound, upper bound, NULL count, and whether every row group had what we need.
 */
#include "base/buf.h"
#include "base/instant.h"
#include "base/json.h"
#include "base/map.h"
#include "engine/duck.h"
#include "zones/delta.h"
#include "zones/stage.h"
#include "zones/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BOUND_BYTES = 32, DOUBLE_DIGITS = 15 };

/* How the bounds of a Delta type are computed (SQL type to compare as) and written as JSON. */
enum bound_kind { BOUND_NONE, BOUND_NUMBER, BOUND_TEXT, BOUND_DATE, BOUND_INSTANT };

static const struct {
    const char *delta, *sql;
    enum bound_kind kind;
} bounds[] = {
    {"byte", "BIGINT", BOUND_NUMBER},
    {"short", "BIGINT", BOUND_NUMBER},
    {"integer", "BIGINT", BOUND_NUMBER},
    {"long", "BIGINT", BOUND_NUMBER},
    {"float", "FLOAT", BOUND_NUMBER},
    {"double", "DOUBLE", BOUND_NUMBER},
    {"string", "VARCHAR", BOUND_TEXT},
    {"date", "DATE", BOUND_DATE},
    {"timestamp", "TIMESTAMPTZ", BOUND_INSTANT},
};

struct bound {
    enum bound_kind kind;
    const char *sql;
};

static struct bound bound_of(const json_t *column) {
    const char *type = json_string_value(json_object_get(column, "type"));
    int precision = 0;
    if (!type || strstr(json_text_or(column, "name", ""), ", ")) return (struct bound){0};
    if (sscanf(type, "decimal(%d", &precision) == 1)
        return precision <= DOUBLE_DIGITS ? (struct bound){BOUND_NUMBER, "DOUBLE"} : (struct bound){0};
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (strcmp(bounds[i].delta, type) == 0) return (struct bound){bounds[i].kind, bounds[i].sql};
    return (struct bound){0};
}

/* Nested columns have a path of several parts; their statistics are left out. */
static size_t columns_counted(const json_t *columns) {
    size_t n = json_array_size(columns);
    return n < WRITE_STATS_COLUMNS ? n : WRITE_STATS_COLUMNS;
}

static void add_bound(struct buf *b, const char *function, const struct bound *k, const char *side,
                      size_t i) {
    const char *open = k->kind == BOUND_INSTANT ? "epoch_us(" : "";
    const char *close = k->kind == BOUND_INSTANT ? ")" : k->kind == BOUND_DATE ? "::VARCHAR" : "";
    buf_addf(b, "%s%s(CASE WHEN path_in_schema = $c%zu THEN TRY_CAST(stats_%s_value AS %s) END)%s, ", open,
             function, i, side, k->sql, close);
}

static void add_column(struct buf *b, const struct bound *k, size_t i) {
    if (k->kind == BOUND_NONE) {
        buf_adds(b, "NULL, NULL, NULL, NULL, ");
        return;
    }
    add_bound(b, "min", k, "min", i);
    add_bound(b, "max", k, "max", i);
    buf_addf(b, "(sum(stats_null_count) FILTER (path_in_schema = $c%zu))::BIGINT, ", i);
    buf_addf(b,
             "(bool_and(TRY_CAST(stats_min_value AS %s) IS NOT NULL AND TRY_CAST(stats_max_value AS %s) IS "
             "NOT NULL OR "
             "stats_null_count = num_values) FILTER (path_in_schema = $c%zu))::INTEGER, ",
             k->sql, k->sql, i);
}

static char *stats_text(const json_t *columns) {
    struct buf b = BUF_INIT;
    buf_adds(&b, "SELECT ");
    for (size_t i = 0; i < columns_counted(columns); i++) {
        struct bound k = bound_of(json_array_get(columns, i));
        add_column(&b, &k, i);
    }
    buf_adds(
        &b,
        "file_name, (sum(row_group_num_rows) FILTER (column_id = 0))::BIGINT FROM parquet_metadata($files) "
        "GROUP BY file_name");
    return buf_take(&b);
}

static json_t *stats_params(const char *stage, const json_t *files, const json_t *columns) {
    json_t *params =
        json_pack("[{ss ss so}]", "name", "files", "type", "list", "value", stage_paths(stage, files));
    for (size_t i = 0; i < columns_counted(columns); i++) {
        char name[16];
        snprintf(name, sizeof name, "c%zu", i);
        json_array_append_new(params, json_pack("{ss ss ss}", "name", name, "type", "text", "value",
                                                json_text_or(json_array_get(columns, i), "name", "")));
    }
    return params;
}

/* Delta keeps milliseconds: down for a lower bound, up for an upper one. */
static json_t *instant_bound(int64_t us, bool upper) {
    int64_t ms = us >= 0 ? us / US_PER_MS : -((-us + US_PER_MS - 1) / US_PER_MS);
    if (upper && ms * US_PER_MS < us) ms++;
    struct civil c = civil_of(ms * US_PER_MS);
    char text[64];
    snprintf(text, sizeof text, "%04lld-%02d-%02dT%02d:%02d:%02d.%03dZ", (long long)c.year, c.month, c.day,
             c.hour, c.minute, c.second, c.micros / 1000);
    return json_string(text);
}

static json_t *bound_value(struct duck_rows *r, size_t column, enum bound_kind kind, bool upper) {
    if (duck_is_null(r, column)) return NULL;
    if (kind == BOUND_INSTANT) return instant_bound(duck_int(r, column), upper);
    json_t *v = duck_json(r, column);
    bool good = kind == BOUND_NUMBER ? json_is_number(v) /* not Infinity or NaN */
                                     : json_is_string(v) && json_string_length(v) <= TEXT_BOUND_BYTES;
    if (good) return v;
    json_decref(v);
    return NULL;
}

static json_t *row_stats(struct duck_rows *r, const json_t *columns, int64_t rows) {
    json_t *low = json_object(), *high = json_object(), *nulls = json_object();
    for (size_t i = 0; i < columns_counted(columns); i++) {
        const json_t *c = json_array_get(columns, i);
        const char *name = json_text_or(c, "name", "");
        enum bound_kind kind = bound_of(c).kind;
        if (kind == BOUND_NONE) continue;
        if (!duck_is_null(r, 4 * i + 2)) json_put(nulls, name, json_integer(duck_int(r, 4 * i + 2)));
        if (!duck_int(r, 4 * i + 3)) continue;
        json_t *from = bound_value(r, 4 * i, kind, false), *to = bound_value(r, 4 * i + 1, kind, true);
        if (from) json_put(low, name, from);
        if (to) json_put(high, name, to);
    }
    return json_pack("{sI so so so}", "numRecords", (json_int_t)rows, "minValues", low, "maxValues", high,
                     "nullCount", nulls);
}

struct taking {
    const char *stage;
    json_t *files;
    const json_t *columns;
    struct map by_path; /* path below the stage -> index */
};

static int take_rows(struct duck_rows *r, const struct taking *t, struct err *err) {
    size_t at = 4 * columns_counted(t->columns), skip = strlen(t->stage) + 1, index;
    for (;;) {
        int more = duck_next(r, err);
        if (more <= 0) return more;
        const char *path = duck_text(r, at);
        if (!path || strlen(path) <= skip || !map_get(&t->by_path, path + skip, &index)) continue;
        json_t *file = json_array_get(t->files, index);
        int64_t rows = duck_int(r, at + 1);
        json_put(file, "rows", json_integer(rows));
        json_put(file, "stats", row_stats(r, t->columns, rows));
    }
}

int write_stats(struct duck *d, const char *stage, json_t *files, const json_t *columns, struct err *err) {
    if (json_array_size(files) == 0) return 0;
    char *sql = stats_text(columns);
    json_t *params = stats_params(stage, files, columns);
    struct duck_rows *r = duck_query(d, sql, params, err);
    struct taking t = {.stage = stage, .files = files, .columns = columns, .by_path = MAP_INIT};
    size_t i;
    json_t *file;
    json_array_foreach(files, i, file) map_add(&t.by_path, json_text(file, "staged"), i, NULL);
    int rc = r ? take_rows(r, &t, err) : -1;
    map_release(&t.by_path);
    duck_rows_free(r);
    json_decref(params);
    free(sql);
    if (rc < 0) err_prefix(err, "reading the footers of the staged files");
    return rc;
}
