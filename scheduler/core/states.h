/* states.h: the states of steps and runs, their names, and every legal move between them.
 *
 * One list each: the enum, the text that goes into the database and JSON, and the table of moves all come
 * from here. A move that is not in the table is refused by the core and reported as an action (CORE_FAULT);
 * it is never made. */
#ifndef LEAT_SCHEDULER_STATES_H
#define LEAT_SCHEDULER_STATES_H

#include <stdbool.h>

/* X(name, final) */
#define STEP_STATE_LIST(X)                                                                                   \
    X(waiting, false)    /* for its parents, or for the answer to `when` */                                  \
    X(ready, false)      /* may start: waits for the general limit, a pool or a hold */                      \
    X(running, false)    /* has a live attempt */                                                            \
    X(retry_wait, false) /* the last attempt failed; the next has a time */                                  \
    X(success, true)     /* also "nothing new" and "warned" */                                               \
    X(failed, true)                                                                                          \
    X(skipped, true)         /* `when: false`, a trigger rule, or left out by the plan */                    \
    X(upstream_failed, true) /* cannot run because of a parent */                                            \
    X(cancelled, true)       /* stopped, or never started, because its run was stopped */

/* X(from, to) */
#define STEP_MOVE_LIST(X)                                                                                    \
    X(waiting, ready)                                                                                        \
    X(waiting, running) /* became ready and started in one turn: `ready` is not written down */              \
    X(waiting, skipped)                                                                                      \
    X(waiting, upstream_failed)                                                                              \
    X(waiting, failed) /* `when` could not be evaluated */                                                   \
    X(waiting, cancelled)                                                                                    \
    X(ready, running)                                                                                        \
    X(ready, cancelled)                                                                                      \
    X(running, success)                                                                                      \
    X(running, failed)                                                                                       \
    X(running, retry_wait)                                                                                   \
    X(running, cancelled)                                                                                    \
    X(retry_wait, ready)                                                                                     \
    X(retry_wait, running) /* as waiting -> running */                                                       \
    X(retry_wait, cancelled)

/* X(name, final) */
#define RUN_STATE_LIST(X)                                                                                    \
    X(queued, false) /* behind other runs of its group (max_active_runs) */                                  \
    X(running, false)                                                                                        \
    X(ok, true)                                                                                              \
    X(warn, true)                                                                                            \
    X(failed, true)                                                                                          \
    X(cancelled, true)                                                                                       \
    X(skipped, true) /* its slot was skipped: it never began */

#define RUN_MOVE_LIST(X)                                                                                     \
    X(queued, running)                                                                                       \
    X(queued, failed) /* frozen before it began */                                                           \
    X(queued, cancelled)                                                                                     \
    X(queued, skipped)                                                                                       \
    X(running, ok)                                                                                           \
    X(running, warn)                                                                                         \
    X(running, failed)                                                                                       \
    X(running, cancelled)

enum step_state {
#define X(name, final) STEP_##name,
    STEP_STATE_LIST(X)
#undef X
        STEP_STATE_COUNT
};

enum run_state {
#define X(name, final) RUN_##name,
    RUN_STATE_LIST(X)
#undef X
        RUN_STATE_COUNT
};

extern const char *const step_state_names[STEP_STATE_COUNT];
extern const char *const run_state_names[RUN_STATE_COUNT];

bool step_state_parse(const char *name, enum step_state *out);
bool run_state_parse(const char *name, enum run_state *out);
bool run_ended_well(const char *name); /* of a state: ok, warn */
bool step_state_final(enum step_state s);
bool run_state_final(enum run_state s);
bool step_may_move(enum step_state from, enum step_state to);
bool run_may_move(enum run_state from, enum run_state to);

#endif
