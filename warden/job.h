/* job.h: the jobs a warden knows: those that run and those whose exit record was not acknowledged yet.
 *
 * A job's life is a table of phases and events (job.c); what an event does to processes is in supervise.c. */
#ifndef LEAT_WARDEN_JOB_H
#define LEAT_WARDEN_JOB_H

#include "warden/client.h"
#include "warden/logfile.h"

#define DEADLINE_NONE INT64_MAX

/* X(name, what is going on) */
#define JOB_PHASE_LIST(X)                                                                                    \
    X(RUNNING, "the main process runs")                                                                      \
    X(STOPPING, "the tree was sent TERM; the grace runs")                                                    \
    X(KILLING, "the tree was sent KILL; the main process has not ended yet")                                 \
    X(LINGERING, "the main process ended; what is left may finish")                                          \
    X(SWEEPING, "what is left is being killed")                                                              \
    X(ENDED, "only the exit record is left")

enum job_phase {
#define X(name, text) JOB_##name,
    JOB_PHASE_LIST(X)
#undef X
};

enum job_event {
    JOB_DEADLINE,  /* the phase's time is over */
    JOB_CANCEL,    /* the conductor wants it to end */
    JOB_KILL,      /* … now */
    JOB_MAIN_EXIT, /* the main process was reaped */
    JOB_CLEAR,     /* nothing of the tree is left and nobody holds the output */
};

enum job_action {
    ACT_NONE,
    ACT_TIMEOUT, /* remember why, send TERM, start the grace */
    ACT_CANCEL,  /* the same for a cancel */
    ACT_KILL,    /* the grace is over: KILL */
    ACT_KILL_NOW,
    ACT_LINGER, /* give the rest of the tree its time */
    ACT_SWEEP,  /* kill the rest, look again soon */
    ACT_FINISH, /* write the exit record */
    ACT_BUG,    /* cannot happen */
};

struct job_move {
    enum job_phase next;
    enum job_action action;
};

struct job_move job_move(enum job_phase phase, enum job_event event);

struct job {
    struct job *next_by_id; /* chain of the table */
    int64_t key;            /* treelock_key(id) */
    enum job_phase phase;
    pid_t pid;  /* of the main process; also the number of its session and process group */
    int pipe;   /* -1: closed, the output has ended */
    int cgroup; /* number of its cgroup; -1: none */
    struct logfile *log;
    duration_t deadline, grace; /* deadline: steady clock */
    duration_t sweep_began;     /* when killing the rest began; 0: not yet */
    bool main_reaped;
    bool loud;            /* it fills its pipe, which was made larger */
    bool group_killed;    /* KILL went to the whole group: its members are dying, not escaping */
    struct job_exit exit; /* exit.id is the job's id */
    size_t live_index;    /* place in jobs.live while not ENDED */
};

struct jobs {
    struct job **table;
    size_t table_size, count;
    struct job **live; /* all that are not ENDED, in no order */
    size_t live_count, live_cap;
};

void jobs_release(struct jobs *js);
struct job *jobs_find(const struct jobs *js, const char *id);
struct job *jobs_find_key(const struct jobs *js, int64_t key); /* among the live ones */
struct job *jobs_find_pid(const struct jobs *js, pid_t pid);   /* main process of a live one */
struct job *jobs_add(struct jobs *js, const char *id);         /* RUNNING and live; the id must be new */
void jobs_end(struct jobs *js, struct job *j);                 /* takes it from the live ones */
void jobs_forget(struct jobs *js, struct job *j);              /* ENDED ones only; frees it */
duration_t jobs_deadline(const struct jobs *js);               /* the nearest one, or DEADLINE_NONE */

#endif
