/* clone_x86_64.c: clone3 by hand. The child returns from the system call on the new, empty stack, so it must
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
    long r = SYS_clone3;
    register int (*child_fn)(void *) __asm__("r12") = fn;
    register void *child_arg __asm__("r13") = arg;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "mov %%r13, %%rdi\n\t"
                     "call *%%r12\n\t"
                     "hlt\n"
                     "1:"
                     : "+a"(r)
                     : "D"(&a), "S"(sizeof a), "r"(child_fn), "r"(child_arg)
                     : "rcx", "r11", "memory");
    if (r < 0) return errno = (int)-r, -1;
    return (pid_t)r;
}
