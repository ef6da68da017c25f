/* child.h: a program that the worker runs as its own child, and stops when it is stopped itself.
 *
 * It shares the worker's session and process group, so the warden's signals reach it too, and the warden's
 * KILL takes it with the rest of the tree. */
#ifndef LEAT_OPERATORS_CHILD_H
#define LEAT_OPERATORS_CHILD_H

#include "base/err.h"
#include "base/instant.h"
#include "operators/stopper.h"

#include <stdbool.h>

struct child_run {
    char *const *argv; /* argv[0] is a path */
    char *const *env;
    struct stopper *stopper; /* its stop is passed on as TERM */
    duration_t every;        /* between two calls of tick */
    void (*tick)(void *ctx);
    void *ctx;
};

struct child_end {
    int exit_code; /* -1 when ended by a signal */
    int signal;
};

/* Runs it to its end. -1 with err (exit 6) when it cannot be started. */
int child_run(const struct child_run *c, struct child_end *out, struct err *err);

#endif
