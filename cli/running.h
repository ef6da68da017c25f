/* running.h: what `run` and `retry` share: a conductor, a transcript, and the way from a run's end to an exit
 * code. */
#ifndef LEAT_CLI_RUNNING_H
#define LEAT_CLI_RUNNING_H

#include "cli/load.h"
#include "scheduler/conductor.h"

struct running {
    /* Recovers and starts. 0 with *run (0: there is nothing to do), or -1 with err. */
    int (*start)(struct conductor *k, void *ctx, int64_t *run, struct err *err);
    void *ctx;
    const char *timezone;
    struct calls *calls; /* definitions that the conductor may ask for (cli/calls.h); NULL: none */
};

/* Opens a conductor, starts, waits for the run's end; the exit code, or -1 with err. */
int running(struct cli *c, const struct project *p, const struct running *r, struct err *err);

#endif
