/* child.c: see child.h. The wait is a pidfd, so that an exit is seen at once between two ticks. */
#include "operators/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void send_term(void *ctx) { kill(*(pid_t *)ctx, SIGTERM); }

static int spawn(const struct child_run *c, pid_t *pid, struct err *err) {
    posix_spawnattr_t attr;
    sigset_t defaults;
    posix_spawnattr_init(&attr);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attr, &defaults);
    posix_spawnattr_setsigmask(&attr, stopper_mask(c->stopper));
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    errno = posix_spawn(pid, c->argv[0], NULL, &attr, c->argv, c->env);
    posix_spawnattr_destroy(&attr);
    return errno ? err_errno(err, "cannot start %s", c->argv[0]) : 0;
}

/* Ticks until the process can be waited for. Without pidfds (an old kernel) the ticks alone must do. */
static void wait_ticking(const struct child_run *c, pid_t pid) {
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    int ms = (int)(c->every / US_PER_MS);
    siginfo_t info = {0};
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        poll(&p, fd >= 0, ms > 0 ? ms : 1000);
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == pid) break;
        if (c->tick) c->tick(c->ctx);
    }
    if (fd >= 0) close(fd);
}

int child_run(const struct child_run *c, struct child_end *out, struct err *err) {
    pid_t pid;
    int status;
    if (spawn(c, &pid, err) < 0) return -1;
    stopper_on_stop(c->stopper, send_term, &pid);
    if (stopper_stopped(c->stopper)) kill(pid, SIGTERM);
    wait_ticking(c, pid);
    /* After this the pid may be another's: nothing may be sent to it any more. */
    stopper_on_stop(c->stopper, NULL, NULL);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return err_errno(err, "cannot wait for %s", c->argv[0]);
    *out = (struct child_end){.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                              .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0};
    return 0;
}
