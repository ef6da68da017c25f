/* progress.h: the worker's progress file: one JSON line, rewritten in place by a single pwrite of at most
 * 4096 bytes, so that a reader sees one state or the next. Never fails: progress is a courtesy. */
#ifndef LEAT_OPERATORS_PROGRESS_H
#define LEAT_OPERATORS_PROGRESS_H

#include "base/instant.h"

#include <stdint.h>

struct progress {
    int fd; /* -1: nowhere */
    duration_t written_at;
    double percent;           /* 0-100; -1: unknown */
    int64_t rows, rows_total; /* -1: unknown */
    char text[256];
};

void progress_open(struct progress *p, const char *path);
void progress_close(struct progress *p);
/* Writes what the fields say now, at most four times a second. */
void progress_write(struct progress *p);

#endif
