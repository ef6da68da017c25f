/* setup.c: the order matters: the lock before the fork (it belongs to the open file and survives it), so that
 * whoever started us learns at once when there is a warden already; the signal mask before anything can
 * end. */
#include "warden/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int usage(struct err *err, const char *what) {
    err_set(err, EX_USAGE, "%s", what);
    err_hint(err, "usage: leat-warden --state DIR [--ready-fd N] [--idle SECONDS] [--foreground]; leat "
                  "starts it by itself");
    return -1;
}

static int parse_one(struct setup *s, const char *flag, const char *value) {
    if (strcmp(flag, "--state") == 0)
        s->state = value;
    else if (strcmp(flag, "--ready-fd") == 0)
        s->ready = atoi(value);
    else if (strcmp(flag, "--idle") == 0)
        s->idle = (duration_t)(strtod(value, NULL) * US_PER_SECOND);
    else
        return -1;
    return 0;
}

int setup_parse(struct setup *s, int argc, char **argv, struct err *err) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--foreground") == 0)
            s->foreground = true;
        else if (i + 1 >= argc || parse_one(s, argv[i], argv[i + 1]) < 0)
            return usage(err, "unknown argument");
        else
            i++;
    }
    if (!s->state || s->state[0] != '/') return usage(err, "--state needs an absolute folder");
    return 0;
}

static int take_lock(struct setup *s, struct err *err) {
    s->state_dir = open(s->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->state_dir < 0) return err_errno(err, "cannot open the state folder %s", s->state);
    s->lock = openat(s->state_dir, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock < 0) return err_errno(err, "cannot open %s/" LOCK_FILE, s->state);
    if (flock(s->lock, LOCK_EX | LOCK_NB) == 0) return 0;
    if (errno != EWOULDBLOCK) return err_errno(err, "cannot lock %s/" LOCK_FILE, s->state);
    return err_set(err, EX_CONFLICT, LOCK_HELD);
}

/* Nothing inherited stays open but the ready descriptor. */
static void close_inherited(const struct setup *s) {
    unsigned keep = s->ready > 2 ? (unsigned)s->ready : 2;
    if (keep > 3) syscall(SYS_close_range, 3u, keep - 1, 0u);
    syscall(SYS_close_range, keep + 1, ~0u, 0u);
    if (s->ready > 2) fcntl(s->ready, F_SETFD, FD_CLOEXEC);
}

/* Blocked rather than ignored: an ignored signal would stay ignored in the jobs. Raw calls, since the C
 * library keeps two signals to itself that a caller may have ignored all the same. */
static void reset_signals(void) {
    const unsigned long to_default[4] = {0}; /* the kernel's sigaction: handler 0, no flags, empty mask */
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int i = 1; i <= 64; i++) syscall(SYS_rt_sigaction, i, to_default, NULL, 8);
}

/* Each job needs two descriptors; the jobs themselves get the usual soft limit back (spawn.c). */
static void raise_limits(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0) return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

static int leave_session(const struct setup *s, struct err *err) {
    if (s->foreground) return 0;
    pid_t pid = fork();
    if (pid < 0) return err_errno(err, "cannot fork");
    if (pid > 0) _exit(0);
    setsid();
    return 0;
}

static void close_stdio(const struct setup *s) {
    int null = s->foreground ? -1 : open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; null >= 0 && i < 3; i++) dup2(null, i);
    if (null > 2) close(null);
}

static void write_pid(const struct setup *s) {
    char text[16];
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(s->lock, 0) < 0 || pwrite(s->lock, text, (size_t)n, 0) < 0) return; /* for people only */
}

int setup_enter(struct setup *s, struct err *err) {
    reset_signals();
    close_inherited(s);
    umask(077);
    if (take_lock(s, err) < 0 || leave_session(s, err) < 0) return -1;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) return err_errno(err, "cannot become a child subreaper");
    raise_limits();
    close_stdio(s);
    write_pid(s);
    return chdir("/") < 0 ? err_errno(err, "cannot enter /") : 0;
}

void setup_tell(struct setup *s, const char *line) {
    if (s->ready < 0) {
        if (strcmp(line, "ok") != 0) dprintf(2, "leat-warden: %s\n", line);
        return;
    }
    dprintf(s->ready, "%s\n", line);
    close(s->ready);
    s->ready = -1;
}

void setup_leave(struct setup *s) {
    close(s->state_dir);
    close(s->lock);
}
