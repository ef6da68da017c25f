/* days.c: see days.h. */
#include "scheduler/plans/days.h"

#include "base/json.h"
#include "store/windows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Midnight of {"flight_date": "2001-01-05"}; false: it is no date. */
static bool midnight_of(const char *text, const char *column, const struct tz *tz, instant_t *out) {
    json_t *p = json_loads(text, 0, NULL);
    const char *value = json_text(p, column);
    char full[INSTANT_TEXT];
    instant_t t;
    bool is_date = value && strlen(value) == 10;
    if (is_date) snprintf(full, sizeof full, "%sT00:00:00Z", value);
    is_date = is_date && instant_parse(full, &t);
    struct civil day = is_date ? civil_of(t) : (struct civil){0};
    if (is_date) *out = tz_instant(tz, &day);
    json_decref(p);
    return is_date;
}

const char *days_column(const char *partition_by, struct arena *a) {
    json_t *list = partition_by ? json_loads(partition_by, 0, NULL) : NULL;
    const char *only = json_array_size(list) == 1 ? json_string_value(json_array_get(list, 0)) : NULL;
    const char *kept = arena_strdup(a, only);
    json_decref(list);
    return kept;
}

int time_span_by_start(const void *a, const void *b) {
    const struct time_span *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

static bool fill(const struct days_query *q, const struct tz *tz, const char *const *texts, size_t n,
                 struct time_span *out) {
    for (size_t i = 0; i < n; i++) {
        if (!midnight_of(texts[i], q->column, tz, &out[i].start)) return false;
        out[i].end = unit_next(WINDOW_DAY, tz, out[i].start);
    }
    qsort(out, n, sizeof *out, time_span_by_start);
    return n > 0 || q->empty_is_by_day;
}

int dataset_days(struct store *s, const struct days_query *q, struct arena *a, struct time_span **days,
                 size_t *n, struct err *err) {
    const char **texts;
    *n = 0;
    if (!q->column) return 0;
    if (store_partitions(s, q->dataset, a, &texts, n, err) < 0) return -1;
    struct tz *tz = tz_load(q->timezone, err);
    if (!tz) return -1;
    *days = arena_array(a, *n + 1, sizeof **days);
    bool by_day = fill(q, tz, texts, *n, *days);
    tz_free(tz);
    return by_day;
}
