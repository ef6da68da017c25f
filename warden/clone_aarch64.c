/* clone_aarch64.c: clone3 by hand. The child returns from the system call on the new, empty stack, so it must
 * not return from a C function: it calls fn right there. */
#include "warden/clone.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>

pid_t clone_into_cgroup(int (*fn)(void *arg), void *stack, size_t bytes, int cgroup, void *arg) {
    const int share = CLONE_VM | CLONE_VFORK;
    struct clone_args a = {
        .flags = (unsigned)share | CLONE_INTO_CGROUP,
        .exit_signal = SIGCHLD,
        .stack = (uintptr_t)stack,
        .stack_size = bytes,
        .cgroup = (unsigned)cgroup,
    };
    register long r __asm__("x0") = (long)&a;
    register long size __asm__("x1") = sizeof a;
    register long number __asm__("x8") = SYS_clone3;
    register int (*child_fn)(void *) __asm__("x10") = fn;
    register void *child_arg __asm__("x11") = arg;
    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, xzr\n\t"
                     "mov x0, x11\n\t"
                     "blr x10\n\t"
                     "brk #1\n"
                     "1:"
                     : "+r"(r)
                     : "r"(size), "r"(number), "r"(child_fn), "r"(child_arg)
                     : "x30", "memory", "cc");
    if (r < 0) return errno = (int)-r, -1;
    return (pid_t)r;
}
