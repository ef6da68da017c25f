/* tree.h: the processes of a job beside its main one.
 *
 * The warden is a child subreaper: whatever loses its parent below it becomes the warden's own child, an
 * "orphan". Each orphan is attributed to a job by its session, its cgroup, LEAT_JOB in its environment, or
 * its tree lock. One with none of these is reported and left alone.
 *
 * Orphans are unreaped children, so their pids cannot be used again while they are listed here. */
#ifndef LEAT_WARDEN_TREE_H
#define LEAT_WARDEN_TREE_H

#include "warden/cgroup.h"
#include "warden/job.h"
#include "warden/proc.h"

struct orphan {
    pid_t pid;
    int64_t job; /* key; -1: nobody's */
    bool killed;
};

struct tree {
    int children; /* /proc/thread-self/children, kept open: one read tells all */
    struct orphan *orphans;
    size_t count, cap;
    struct jobs *jobs;
    struct cgroups *cgroups;
    struct buf text;
    struct pids pids;
};

void tree_init(struct tree *t, struct jobs *jobs, struct cgroups *cgroups);
void tree_release(struct tree *t);

/* Looks for new orphans. Returns the pid of one that is nobody's, at most one a call; 0 when there is
 * none. */
pid_t tree_scan(struct tree *t);
void tree_reaped(struct tree *t, pid_t pid);
bool tree_has(const struct tree *t, const struct job *j); /* is an orphan of this job left? */
size_t tree_give_up(struct tree *t, const struct job *j); /* its orphans are nobody's from now on; how many */
/* TERM (and CONT, for the stopped) to every process of the job that can be found. */
void tree_terminate(struct tree *t, const struct job *j);
/* KILL to the main process, its group and the job's orphans. Counts in exit.escaped the orphans that died of
 * it. */
void tree_kill(struct tree *t, struct job *j);

#endif
