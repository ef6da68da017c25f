/* days.h: which days a dataset has, where it is partitioned by them. */
#ifndef LEAT_SCHEDULER_DAYS_H
#define LEAT_SCHEDULER_DAYS_H

#include "base/arena.h"
#include "dag/pipeline.h"
#include "store/store.h"

struct time_span {
    instant_t start, end;
};
struct days_query {
    int64_t dataset;
    const struct output *into; /* of a step that writes it */
    const char *timezone;      /* whose days */
};
/* The days that files of the head are in, by start. 1; 0: it is not partitioned by days (or empty, and
 * nothing says that it would be); -1. */
int dataset_days(struct store *s, const struct days_query *q, struct arena *a, struct time_span **days,
                 size_t *n, struct err *err);

#endif
