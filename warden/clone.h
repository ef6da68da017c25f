/* clone.h: a vfork-like start inside a cgroup (CLONE_INTO_CGROUP, Linux 5.7), which the C library has no call
 * for.
 *
 * Joining a cgroup after the start would be a write to cgroup.procs, which stops every fork of the machine
 * for a grace period (milliseconds); being born in it costs nothing. One file per processor: clone_x86_64.c,
 * clone_aarch64.c, clone_other.c (answers ENOSYS: no cgroups there). */
#ifndef LEAT_WARDEN_CLONE_H
#define LEAT_WARDEN_CLONE_H

#include <stddef.h>
#include <sys/types.h>

/* Runs fn(arg) in a child that shares the caller's memory, on the stack [stack, stack + bytes), while the
 * caller waits until it has exec'ed or ended. Returns the pid, or -1 with errno. */
pid_t clone_into_cgroup(int (*fn)(void *arg), void *stack, size_t bytes, int cgroup, void *arg);

#endif
