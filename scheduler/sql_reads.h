/* sql_reads.h: asks a worker what SQL statements read, so that this process never loads the engine. */
#ifndef LEAT_SCHEDULER_SQL_READS_H
#define LEAT_SCHEDULER_SQL_READS_H

#include "dag/pipeline.h"

struct sql_reader {
    const struct project *project;
    const char *worker; /* path of `leat` */
};

/* For struct pipeline_reader; ctx is a struct sql_reader. Runs `leat worker` once for all statements and waits for it.
 * Fails (exit 6) when there is no engine. */
int sql_reads_by_worker(void *ctx, struct sql_reads *list, size_t n, struct arena *arena, struct err *err);

#endif
