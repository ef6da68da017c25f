/* proc.h: what /proc tells about a process. Every answer can be stale; callers signal only through a pidfd
 * after asking again, or processes that are their own unreaped children. */
#ifndef LEAT_WARDEN_PROC_H
#define LEAT_WARDEN_PROC_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_stat {
    pid_t parent, group, session;
    char state;          /* Z: ended, not reaped */
    uint64_t start_time; /* in ticks since boot: with the pid it names a process */
};

struct pids {
    pid_t *at;
    size_t count, cap;
};

void pids_add(struct pids *p, pid_t pid);
bool pids_have(const struct pids *p, pid_t pid);
void pids_release(struct pids *p);

bool proc_read(pid_t pid, const char *file, struct buf *out); /* /proc/<pid>/<file>, at most 4 MiB */
bool proc_stat(pid_t pid, struct proc_stat *out);
bool proc_env(pid_t pid, const char *name, char *value, size_t size); /* the first entry of that name */
bool proc_cgroup(pid_t pid, struct buf *path);                        /* path in the v2 hierarchy */
void proc_children(pid_t pid, struct pids *out);                      /* of all threads; appends */
void proc_all(struct pids *out);                                      /* every process; appends */
/* Sends a signal if the process still has this start time. False with errno. */
bool proc_signal(pid_t pid, uint64_t start_time, int sig);

#endif
