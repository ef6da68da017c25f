/* cgroup.h: version 2 control groups, where this user may make them; elsewhere every call is a quiet "no".
 *
 * One folder leat-<hash of the state folder> holds a slot per job that runs at once; slots are used again,
 * because making and removing a cgroup costs more than starting a process. A slot's job is written to its
 * extended attribute user.leat.job, so that after the warden's death a job's processes can still be found. */
#ifndef LEAT_WARDEN_CGROUP_H
#define LEAT_WARDEN_CGROUP_H

#include "warden/client.h"

struct cgroups;

/* NULL when there are none to be had: detected by trying. `state` is an absolute path, `state_dir` a
 * descriptor of it. */
struct cgroups *cgroups_open(int state_dir, const char *state);
void cgroups_close(struct cgroups *c); /* removes what is empty; NULL is fine, as everywhere below */

struct cgroup_take {
    int slot;   /* -1: none */
    int folder; /* descriptor for clone; owned by the slot */
    bool limits_memory, limits_processes;
};
struct cgroup_take cgroups_take(struct cgroups *c, const char *id, const struct job_limits *limits);
void cgroups_kill(struct cgroups *c, int slot);          /* every process in it, at once */
bool cgroups_out_of_memory(struct cgroups *c, int slot); /* did the kernel kill in it for memory? */
int cgroups_slot_of(const struct cgroups *c, pid_t pid); /* -1: in none of ours */
void cgroups_give_back(struct cgroups *c, int slot);     /* the job ended */
/* Somebody removed the slot before a process was in it: gives it back; the free ones are made anew. */
void cgroups_renew(struct cgroups *c, int slot);
/* Without a warden: kills every process in the slot that was left with this job. */
void cgroups_kill_left(int state_dir, const char *id);

#endif
