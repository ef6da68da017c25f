/* window.c: see window.h. Days are those of the pipeline's time zone, which is the engine session's. */
#include "zones/window.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/tz.h"
#include "engine/duck.h"

static json_t *window_params(const struct audit *a) {
    return json_pack("[{ss ss sI} {ss ss sI}]", "name", "start", "type", "timestamp", "value",
                     (json_int_t)a->window_start, "name", "end", "type", "timestamp", "value",
                     (json_int_t)a->window_end);
}

#define LOCAL_WINDOW "(SELECT CAST($start AS TIMESTAMP) AS s, CAST($end AS TIMESTAMP) AS e) AS w"

static int check_whole_days(struct audit *a, const json_t *params, struct err *err) {
    int64_t whole = 0;
    if (duck_get_int(
            a->duck,
            "SELECT CAST(s = date_trunc('day', s) AND e = date_trunc('day', e) AND s < e AS INTEGER) "
            "FROM " LOCAL_WINDOW,
            params, &whole, NULL, err) < 0)
        return -1;
    if (whole) return 0;
    char from[TZ_TEXT], to[TZ_TEXT];
    err_set(err, EX_INVALID, "the window %s to %s is not whole days in %s",
            tz_text_in(a->timezone, a->window_start, from), tz_text_in(a->timezone, a->window_end, to),
            a->timezone);
    return err_hint(err, "`partition_by: {of: window}` replaces whole days: run it for windows of days");
}

/* A date column, or one whose text is a date. */
static void add_day(struct buf *b, const char *column) {
    buf_adds(b, "TRY_CAST(");
    buf_sql_ident(b, column);
    buf_adds(b, " AS DATE)");
}

static int check_inside(struct audit_rows *r, const char *column, const json_t *params, struct err *err) {
    struct buf b = BUF_INIT;
    int64_t outside = 0;
    buf_adds(&b, "SELECT count(*) FROM " AUDIT_ROWS ", " LOCAL_WINDOW " WHERE NOT coalesce(");
    add_day(&b, column);
    buf_adds(&b, " >= CAST(s AS DATE) AND ");
    add_day(&b, column);
    buf_adds(&b, " < CAST(e AS DATE), false)");
    int rc = duck_get_int(r->a->duck, buf_str(&b), params, &outside, NULL, err);
    buf_release(&b);
    if (rc < 0 || outside == 0) return rc;
    char from[TZ_TEXT], to[TZ_TEXT];
    err_set(err, EX_GATE, "%lld rows for %s have a `%s` outside the window %s to %s", (long long)outside,
            r->a->into->dataset, column, tz_text_in(r->a->timezone, r->a->window_start, from),
            tz_text_in(r->a->timezone, r->a->window_end, to));
    err_hint(err, "select only the window's rows: `where %s >= ${window.start} and %s < ${window.end}`",
             column, column);
    return err_reason(err, "outside_window");
}

static int list_days(struct audit *a, const char *column, const json_t *params, json_t *out,
                     struct err *err) {
    struct duck_rows *days =
        duck_query(a->duck,
                   "SELECT CAST(CAST(unnest(generate_series(s, e - INTERVAL 1 DAY, INTERVAL 1 "
                   "DAY)) AS DATE) AS VARCHAR) FROM " LOCAL_WINDOW,
                   params, err);
    int more = days ? duck_next(days, err) : -1;
    for (; more == 1; more = duck_next(days, err))
        json_array_append_new(out, json_pack("{ss}", column, duck_text(days, 0)));
    duck_rows_free(days);
    return more;
}

/* Some hours of a day would take the place of the whole day (contract.md 26). A day that the clocks shorten
 * is one of 23 hours. */
static int refuse_part_of_day(struct audit_rows *r, struct err *err) {
    struct audit *a = r->a;
    const json_t *by = a->into->partition_by;
    if (a->window_start == INSTANT_NONE || a->window_end - a->window_start >= 23 * US_PER_HOUR) return 0;
    if (a->into->write != STAGE_REPLACE_PARTITIONS || json_array_size(by) != 1) return 0;
    const char *column = json_string_value(json_array_get(by, 0));
    struct buf b = BUF_INIT;
    int64_t dates = 0;
    buf_adds(&b, "SELECT count(*) FROM (DESCRIBE SELECT ");
    buf_sql_ident(&b, column);
    buf_adds(&b, " FROM " AUDIT_ROWS ") WHERE column_type = 'DATE'");
    int rc = duck_get_int(a->duck, buf_str(&b), NULL, &dates, NULL, err);
    buf_release(&b);
    if (rc < 0 || !dates) return rc;
    err_set(err, EX_INVALID, "a window shorter than a day would replace whole days of %s with a part of them",
            a->into->dataset);
    err_hint(err, "partition `%s` by the hour as well, use `write: merge`, or run it for windows of days",
             column);
    return err_reason(err, "part_of_day");
}

int window_partitions(struct audit_rows *r, json_t **cleared, struct err *err) {
    struct audit *a = r->a;
    const struct stage_into *into = a->into;
    const char *column = json_string_value(json_array_get(into->partition_by, 0));
    *cleared = json_array();
    if (!into->of_window) return refuse_part_of_day(r, err);
    if (into->write != STAGE_REPLACE_PARTITIONS || !column) return 0;
    if (a->window_start == INSTANT_NONE) {
        err_set(err, EX_INVALID, "`partition_by: {column: %s, of: window}` needs a run with a window",
                column);
        return err_hint(err, "run it with --window or --from and --to");
    }
    json_t *params = window_params(a);
    int rc = check_whole_days(a, params, err);
    if (rc == 0) rc = check_inside(r, column, params, err);
    /* Days without rows are cleared only where an empty result is fine (contract.md 31). */
    if (rc == 0 && into->if_empty == STAGE_EMPTY_OK) rc = list_days(a, column, params, *cleared, err);
    json_decref(params);
    return rc;
}
