/* days.h: which days a dataset has, where it is partitioned by them. */
#ifndef LEAT_SCHEDULER_DAYS_H
#define LEAT_SCHEDULER_DAYS_H

#include "base/arena.h"
#include "dag/pipeline.h"
#include "store/store.h"

struct time_span {
    instant_t start, end;
};
int time_span_by_start(const void *a, const void *b); /* for qsort */
struct days_query {
    int64_t dataset;
    const char *column;   /* its only partition column; NULL: it has none, or several */
    bool empty_is_by_day; /* without a partition: it would be by days */
    const char *timezone; /* whose days */
};
/* The column of a list of partition columns, JSON as datasets.h has it; in the arena. */
const char *days_column(const char *partition_by, struct arena *a);
/* The days that files of the head are in, by start. 1; 0: it is not partitioned by days; -1. */
int dataset_days(struct store *s, const struct days_query *q, struct arena *a, struct time_span **days,
                 size_t *n, struct err *err);

#endif
