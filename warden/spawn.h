/* spawn.h: starts one process, and says exactly why when it cannot.
 *
 * The child shares the warden's memory until it has exec'ed (CLONE_VM | CLONE_VFORK), so a start costs the
 * same however large the warden is, and a failed step of the way to exec is written straight into the
 * caller's result: a stage and an errno, never a guess from exit code 127. */
#ifndef LEAT_WARDEN_SPAWN_H
#define LEAT_WARDEN_SPAWN_H

#include "warden/client.h"

enum {
    /* The tree lock's number in every process of a job: below 64, where a descriptor table need not grow, and
     * above what scripts use. The low one is for hard limits that forbid it. */
    SPAWN_TREE_FD = 60,
    SPAWN_TREE_FD_LOW = 9,
    SPAWN_SOFT_FILES = 1024, /* the soft limit of a step: select() breaks above */
};

struct spawner; /* the stack of the children to be */

struct spawn_request {
    const char *const *argv;
    const char *const *env; /* whole */
    const char *cwd;
    const struct job_limits *limits;
    uid_t uid; /* (uid_t)-1: unchanged */
    gid_t gid;
    int in, out;       /* stdin; stdout and stderr */
    int tree;          /* becomes SPAWN_TREE_FD */
    int cgroup;        /* folder of the cgroup to be born in; -1: none */
    bool limit_memory; /* by RLIMIT_AS: the cgroup does not do it */
    bool limit_processes;
};

struct spawn_result {
    pid_t pid;         /* 0 when the start failed */
    const char *stage; /* of the failure */
    int error;
};

struct spawner *spawner_new(void); /* NULL with errno */
void spawner_free(struct spawner *s);
struct spawn_result spawn(struct spawner *s, const struct spawn_request *r);

#endif
