/* copyfile.h: one file into the stage, hashed on the way; private to operators/. */
#ifndef LEAT_OPERATORS_COPYFILE_H
#define LEAT_OPERATORS_COPYFILE_H

#include "base/err.h"
#include "base/sha256.h"

#include <stdbool.h>
#include <stdint.h>

struct copy_job {
    const char *from, *to;  /* the folder of `to` is made when it is missing; `to` must not exist */
    int64_t size, mtime_ns; /* of the source when it was found */
    bool (*stop)(void *ctx);
    void (*moved)(void *ctx, int64_t bytes); /* progress */
    void *ctx;
};

/* 0: copied, hex is its SHA-256 (fsync is the audit's). 1: the source changed or vanished meanwhile: `to` is
 * gone again. -1: failed. */
int copy_file(const struct copy_job *job, char hex[SHA256_HEX], struct err *err);

#endif
