/* proc.c: small readers of /proc/<pid>. */
#include "warden/proc.h"

#include "base/arena.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PROC_FILE_MAX = 4 << 20 };

void pids_add(struct pids *p, pid_t pid) {
    GROW(p->at, p->count, p->cap);
    p->at[p->count++] = pid;
}

bool pids_have(const struct pids *p, pid_t pid) {
    for (size_t i = 0; i < p->count; i++)
        if (p->at[i] == pid) return true;
    return false;
}

void pids_release(struct pids *p) {
    free(p->at);
    *p = (struct pids){0};
}

static bool read_path(const char *path, struct buf *out) {
    buf_clear(out);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    char b[4096];
    ssize_t n;
    while ((n = read(fd, b, sizeof b)) > 0 && out->len < PROC_FILE_MAX) buf_add(out, b, (size_t)n);
    int saved = errno;
    close(fd);
    errno = saved;
    return n >= 0;
}

bool proc_read(pid_t pid, const char *file, struct buf *out) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    return read_path(path, out);
}

bool proc_stat(pid_t pid, struct proc_stat *out) {
    struct buf b = BUF_INIT;
    bool ok = proc_read(pid, "stat", &b);
    const char *p = ok ? strrchr(buf_str(&b), ')') : NULL; /* the name may hold anything */
    int parent, group, session;
    ok = p &&
         sscanf(p + 1, " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64,
                &out->state, &parent, &group, &session, &out->start_time) == 5;
    if (ok) out->parent = parent, out->group = group, out->session = session;
    buf_release(&b);
    return ok;
}

bool proc_env(pid_t pid, const char *name, char *value, size_t size) {
    struct buf b = BUF_INIT;
    bool found = false;
    size_t n = strlen(name);
    if (!proc_read(pid, "environ", &b)) return buf_release(&b), false;
    for (size_t i = 0; i < b.len && !found; i += strlen(b.s + i) + 1) {
        const char *entry = b.s + i;
        if (strncmp(entry, name, n) != 0 || entry[n] != '=') continue;
        found = (size_t)snprintf(value, size, "%s", entry + n + 1) < size;
        break;
    }
    buf_release(&b);
    return found;
}

bool proc_cgroup(pid_t pid, struct buf *path) {
    struct buf b = BUF_INIT;
    const char *line = proc_read(pid, "cgroup", &b) ? buf_str(&b) : "";
    while (*line && strncmp(line, "0::", 3) != 0) line += strcspn(line, "\n") + (strchr(line, '\n') != NULL);
    buf_clear(path);
    if (*line) buf_add(path, line + 3, strcspn(line + 3, "\n"));
    buf_release(&b);
    return path->len > 0;
}

static void add_numbers(const char *s, struct pids *out) {
    char *end;
    for (long pid; (pid = strtol(s, &end, 10)) > 0; s = end) pids_add(out, (pid_t)pid);
}

/* Calls for each entry of a folder of /proc that is a number. */
static void each_number(const char *folder, void (*call)(void *ctx, pid_t n), void *ctx) {
    DIR *d = opendir(folder);
    if (!d) return;
    for (struct dirent *e; (e = readdir(d));)
        if (isdigit((unsigned char)e->d_name[0])) call(ctx, (pid_t)strtol(e->d_name, NULL, 10));
    closedir(d);
}

struct thread_children {
    pid_t pid;
    struct pids *out;
};

static void add_thread_children(void *ctx, pid_t tid) {
    struct thread_children *t = ctx;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)t->pid, (int)tid);
    struct buf b = BUF_INIT;
    if (read_path(path, &b)) add_numbers(buf_str(&b), t->out);
    buf_release(&b);
}

void proc_children(pid_t pid, struct pids *out) {
    struct thread_children t = {.pid = pid, .out = out};
    char folder[64];
    snprintf(folder, sizeof folder, "/proc/%d/task", (int)pid);
    each_number(folder, add_thread_children, &t);
}

static void add_pid(void *ctx, pid_t pid) { pids_add(ctx, pid); }

void proc_all(struct pids *out) { each_number("/proc", add_pid, out); }

bool proc_signal(pid_t pid, uint64_t start_time, int sig) {
    int fd = (int)syscall(SYS_pidfd_open, pid, 0u);
    if (fd < 0) return false;
    struct proc_stat now;
    bool same = proc_stat(pid, &now) && now.start_time == start_time;
    if (!same) errno = ESRCH;
    bool ok = same && syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0u) == 0;
    int saved = errno;
    close(fd);
    errno = saved;
    return ok;
}
