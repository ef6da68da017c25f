/* supervise.h: runs jobs: starts them, reads their output, ends them, and tells how they ended.
 *
 * Everything here happens on one thread, in answer to a call of the loop. No call blocks. */
#ifndef LEAT_WARDEN_SUPERVISE_H
#define LEAT_WARDEN_SUPERVISE_H

#include "base/world.h"
#include "warden/job.h"
#include "warden/spawn.h"
#include "warden/tree.h"

#define SUPERVISE_LINGER    (1 * US_PER_SECOND) /* what a main process leaves behind may finish in this time */
#define SUPERVISE_SWEEP     (50 * US_PER_MS)    /* between two rounds of killing */
#define SUPERVISE_HELD_PIPE (1 * US_PER_SECOND) /* the output, when only strangers hold it */
#define SUPERVISE_UNKILLABLE                                                                                 \
    (60 * US_PER_SECOND) /* a process that does not die of KILL hangs in the kernel */

struct supervisor {
    const struct world *world;
    int epoll, state_dir;
    /* The loop's: a job started, or ended. Jobs keep their address until they are acknowledged. */
    void (*started)(void *ctx, struct job *j);
    void (*ended)(void *ctx, struct job *j);
    void (*report)(void *ctx, const char *line); /* for the warden's own log; rare */
    void *ctx;

    struct jobs jobs;
    struct tree tree;
    struct cgroups *cgroups;
    struct spawner *spawner;
    int null;          /* /dev/null */
    int64_t oom_kills; /* of the whole machine, when last looked at */
    bool closing;
    char *chunk;
};

/* Fill in the fields above the gap first. `state` is the folder's absolute path. */
int supervisor_open(struct supervisor *s, const char *state, struct err *err);
void supervisor_close(struct supervisor *s);

/* Every start ends in ended(), also one that fails at once. A known id is told again, not started. */
void supervisor_start(struct supervisor *s, const struct job_spec *spec);
void supervisor_cancel(struct supervisor *s, const char *id, bool now);
void supervisor_ack(struct supervisor *s, const char *id);
void supervisor_output(struct supervisor *s, struct job *j); /* its pipe is readable */
void supervisor_reap(struct supervisor *s);                  /* children ended */
void supervisor_tick(struct supervisor *s);                  /* a deadline was reached */
void supervisor_stop(struct supervisor *s);                  /* cancel everything, start nothing more */

#endif
