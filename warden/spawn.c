/* spawn.c: clone, a short list of steps, exec.
 *
 * Between clone and exec the child runs on its own stack in the parent's memory while the parent waits. It
 * therefore allocates nothing, takes no lock and calls only what is a plain system call. Everything that
 * needs memory (the list of paths to try) is made before.
 *
 * All signals are blocked in the warden for its whole life, so none can be delivered to the child before it
 * has unblocked them, right before exec; and none is handled or ignored, so there is nothing to reset.
 *
 * The steps are a table: the order matters (limits need the old user's rights, PDEATHSIG is cleared by a
 * change of user) and a failing row names its stage. */
#include "warden/spawn.h"

#include "base/arena.h"
#include "base/buf.h"
#include "warden/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK_BYTES = 256 << 10, GUARD_BYTES = 64 << 10 };

struct report {
    const char *volatile stage;
    volatile int error;
};

struct spawner {
    char *stack;           /* GUARD_BYTES that fault, then STACK_BYTES */
    struct report *report; /* shared, in case a tool makes a real fork of the clone */
};

struct child {
    const struct spawn_request *r;
    const char *const *paths; /* to try, in this order; NULL at the end */
    struct report *report;
    pid_t parent;
    sigset_t no_signals;
};

struct spawner *spawner_new(void) {
    struct spawner *s = xcalloc(1, sizeof *s);
    const int prot = PROT_READ | PROT_WRITE;
    s->stack = mmap(NULL, GUARD_BYTES + STACK_BYTES, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (s->stack == MAP_FAILED) return free(s), NULL;
    s->report = mmap(NULL, sizeof *s->report, prot, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s->report == MAP_FAILED || mprotect(s->stack, GUARD_BYTES, PROT_NONE) < 0)
        return spawner_free(s), NULL;
    return s;
}

void spawner_free(struct spawner *s) {
    if (!s) return;
    munmap(s->stack, GUARD_BYTES + STACK_BYTES);
    if (s->report != MAP_FAILED) munmap(s->report, sizeof *s->report);
    free(s);
}

/* ---- the steps of the child; each returns -1 with errno ---- */

static int step_session(const struct child *c) { return (void)c, setsid() < 0 ? -1 : 0; }

/* The number the tree lock gets; -1: it cannot be passed on. */
static int pass_tree(int tree) {
    int fd = dup2(tree, SPAWN_TREE_FD);
    if (fd < 0 && errno == EBADF) fd = dup2(tree, SPAWN_TREE_FD_LOW);
    if (fd == tree) fcntl(fd, F_SETFD, 0); /* dup2 onto itself keeps close-on-exec */
    return fd;
}

static int step_stdio(const struct child *c) {
    const struct spawn_request *r = c->r;
    if (dup2(r->in, 0) < 0 || dup2(r->out, 1) < 0 || dup2(r->out, 2) < 0) return -1;
    int tree = pass_tree(r->tree);
    if (tree < 0) return -1;
    /* All of the warden's descriptors close at exec anyway; this is for those a library might have opened. */
    syscall(SYS_close_range, 3u, (unsigned)tree - 1u, 0u);
    syscall(SYS_close_range, (unsigned)tree + 1u, ~0u, 0u);
    return 0;
}

static int limit(int what, int64_t value) {
    if (value <= 0) return 0;
    struct rlimit old, new = {.rlim_cur = (rlim_t)value, .rlim_max = (rlim_t)value};
    if (getrlimit((__rlimit_resource_t)what, &old) < 0) return -1;
    if (new.rlim_max > old.rlim_max) new.rlim_cur = new.rlim_max = old.rlim_max;
    return setrlimit((__rlimit_resource_t)what, &new);
}

static int limit_files(int64_t wanted) {
    if (wanted > 0) return limit(RLIMIT_NOFILE, wanted);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0) return -1;
    files.rlim_cur = files.rlim_max < SPAWN_SOFT_FILES ? files.rlim_max : SPAWN_SOFT_FILES;
    return setrlimit(RLIMIT_NOFILE, &files);
}

/* SIGXCPU at the limit, SIGKILL two seconds later. */
static int limit_cpu(int64_t seconds) {
    if (seconds <= 0) return 0;
    struct rlimit cpu = {.rlim_cur = (rlim_t)seconds, .rlim_max = (rlim_t)seconds + 2};
    return setrlimit(RLIMIT_CPU, &cpu);
}

static int step_limits(const struct child *c) {
    const struct job_limits *l = c->r->limits;
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    if (limit_files(l->open_files) < 0 || limit_cpu(l->cpu_seconds) < 0) return -1;
    if (limit(RLIMIT_FSIZE, l->file_bytes) < 0) return -1;
    if (c->r->limit_processes && limit(RLIMIT_NPROC, l->processes) < 0) return -1;
    return c->r->limit_memory ? limit(RLIMIT_AS, l->memory_bytes) : 0;
}

/* A step goes before its supervisor. Best effort: without /proc the kernel chooses its victim unaided. */
static int step_oom_score(const struct child *c) {
    (void)c;
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t w = write(fd, "500", 3);
    (void)w;
    close(fd);
    return 0;
}

/* Raw calls: the library's versions would try to change all threads of a process that is not quite there.
 * Groups of the old user never come along. */
static int step_user(const struct child *c) {
    const struct spawn_request *r = c->r;
    bool group = r->gid != (gid_t)-1, user = r->uid != (uid_t)-1;
    if ((group || user) && syscall(SYS_setgroups, group ? 1 : 0, &r->gid) < 0) return -1;
    if (group && syscall(SYS_setgid, r->gid) < 0) return -1;
    return user && syscall(SYS_setuid, r->uid) < 0 ? -1 : 0;
}

/* The main process must not outlive the warden, even if the warden died before this line. */
static int step_parent(const struct child *c) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return -1;
    return getppid() == c->parent ? 0 : (errno = ESRCH, -1);
}

static int step_cwd(const struct child *c) { return chdir(c->r->cwd); }

/* The sanitizers' book-keeping of stacks does not know the child's. Nor may it see a function entered that is
 * never left: the ThreadSanitizer's call stack, which is the parent's too, would grow with every job. */
#define UNSANITIZED __attribute__((no_sanitize("address", "thread", "undefined"))) static

/* Like execvp, but never hands a file without #! to a shell. The most telling error wins: a file that may not
 * be run says more than a later folder that has none. */
UNSANITIZED int step_exec(const struct child *c) {
    int error = ENOENT;
    sigprocmask(SIG_SETMASK, &c->no_signals, NULL);
    for (const char *const *p = c->paths; *p; p++) {
        execve(*p, (char *const *)(uintptr_t)c->r->argv, (char *const *)(uintptr_t)c->r->env);
        if (errno != ENOENT && errno != ENOTDIR) error = errno;
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) break;
    }
    errno = error;
    return -1;
}

static const struct {
    const char *stage;
    int (*run)(const struct child *c);
} steps[] = {
    {"session", step_session}, {"stdio", step_stdio},   {"limits", step_limits}, {"limits", step_oom_score},
    {"user", step_user},       {"parent", step_parent}, {"chdir", step_cwd},     {"exec", step_exec},
};

UNSANITIZED int child_main(void *arg) {
    const struct child *c = arg;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (steps[i].run(c) == 0) continue;
        c->report->error = errno;
        c->report->stage = steps[i].stage;
        break;
    }
    syscall(SYS_exit_group, 127);
    return 0;
}

/* ---- the parent ---- */

static const char *env_path(const char *const *env) {
    for (; *env; env++)
        if (strncmp(*env, "PATH=", 5) == 0) return *env + 5;
    return "/usr/local/bin:/usr/bin:/bin";
}

/* "dir/name" for each folder of PATH, NUL between them. Returns how many. */
static size_t path_texts(struct buf *b, const char *path, const char *name) {
    size_t count = 0;
    for (;;) {
        size_t n = strcspn(path, ":");
        if (n)
            buf_addf(b, "%.*s/%s", (int)n, path, name);
        else
            buf_addf(b, "./%s", name);
        buf_addc(b, '\0');
        count++;
        if (!path[n]) return count;
        path += n + 1;
    }
}

/* The files exec should try, as one allocation of pointers; the texts are in b. */
static const char **paths_to_try(struct buf *b, const struct spawn_request *r) {
    size_t count = 1;
    if (strchr(r->argv[0], '/') || !*r->argv[0]) {
        buf_adds(b, r->argv[0]);
        buf_addc(b, '\0');
    } else {
        count = path_texts(b, env_path(r->env), r->argv[0]);
    }
    const char **paths = xcalloc(count + 1, sizeof *paths);
    const char *p = b->s;
    for (size_t i = 0; i < count; i++, p += strlen(p) + 1) paths[i] = p;
    return paths;
}

static pid_t start(struct spawner *s, struct child *c) {
    char *top = s->stack + GUARD_BYTES + STACK_BYTES;
    if (c->r->cgroup < 0) return clone(child_main, top, CLONE_VM | CLONE_VFORK | SIGCHLD, c);
    return clone_into_cgroup(child_main, s->stack + GUARD_BYTES, STACK_BYTES, c->r->cgroup, c);
}

struct spawn_result spawn(struct spawner *s, const struct spawn_request *r) {
    struct buf texts = BUF_INIT;
    const char **paths = paths_to_try(&texts, r);
    struct child c = {.r = r, .paths = paths, .report = s->report, .parent = getpid()};
    sigemptyset(&c.no_signals);
    *s->report = (struct report){0};
    pid_t pid = start(s, &c);
    struct spawn_result result = {.pid = pid};
    if (pid < 0) {
        result = (struct spawn_result){.stage = "fork", .error = errno};
    } else if (s->report->stage) {
        result = (struct spawn_result){.stage = s->report->stage, .error = s->report->error};
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    free(paths);
    buf_release(&texts);
    return result;
}
