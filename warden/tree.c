/* tree.c: finding and ending what a job left behind.
 *
 * Killing proceeds by generations: a killed orphan's children become orphans, are found by the next scan and
 * killed in turn. That signals only own unreaped children (never a pid that was used again), needs no lock on
 * a moving target, and ends, since the dead do not fork; a cgroup, where there is one, does it in one write.
 *
 * A process group is signalled by number only while the number is sure to be the job's: as long as the main
 * process is not reaped, or an orphan of that group is known. */
#include "warden/tree.h"

#include "base/arena.h"
#include "warden/protocol.h"
#include "warden/treelock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { READ_BYTES = 32 << 10 };

void tree_init(struct tree *t, struct jobs *jobs, struct cgroups *cgroups) {
    *t = (struct tree){.jobs = jobs, .cgroups = cgroups};
    t->children = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
}

void tree_release(struct tree *t) {
    if (t->children >= 0) close(t->children);
    free(t->orphans);
    buf_release(&t->text);
    pids_release(&t->pids);
}

/* ---- who are our children? ---- */

/* Kernels without CONFIG_PROC_CHILDREN: ask every process for its parent. */
static void children_by_parent(struct tree *t) {
    struct pids all = {0};
    struct proc_stat st;
    proc_all(&all);
    for (size_t i = 0; i < all.count; i++)
        if (proc_stat(all.at[i], &st) && st.parent == getpid()) pids_add(&t->pids, all.at[i]);
    pids_release(&all);
}

static void own_children(struct tree *t) {
    t->pids.count = 0;
    if (t->children < 0) {
        children_by_parent(t);
        return;
    }
    char b[READ_BYTES];
    off_t at = 0;
    buf_clear(&t->text);
    for (ssize_t n; (n = pread(t->children, b, sizeof b, at)) > 0; at += n) buf_add(&t->text, b, (size_t)n);
    char *end;
    const char *s = buf_str(&t->text);
    for (long pid; (pid = strtol(s, &end, 10)) > 0; s = end) pids_add(&t->pids, (pid_t)pid);
}

static size_t unreaped_mains(const struct jobs *js) {
    size_t n = 0;
    for (size_t i = 0; i < js->live_count; i++) n += !js->live[i]->main_reaped;
    return n;
}

static struct orphan *find_orphan(const struct tree *t, pid_t pid) {
    for (size_t i = 0; i < t->count; i++)
        if (t->orphans[i].pid == pid) return &t->orphans[i];
    return NULL;
}

static bool is_main(const struct jobs *js, pid_t pid) {
    const struct job *j = jobs_find_pid(js, pid);
    return j && !j->main_reaped;
}

/* ---- whose is it? ---- */

static const struct job *by_cgroup(const struct tree *t, pid_t pid) {
    int slot = cgroups_slot_of(t->cgroups, pid);
    for (size_t i = 0; slot >= 0 && i < t->jobs->live_count; i++)
        if (t->jobs->live[i]->cgroup == slot) return t->jobs->live[i];
    return NULL;
}

static const struct job *by_environment(const struct tree *t, pid_t pid) {
    char id[JOB_ID_MAX + 1];
    return proc_env(pid, "LEAT_JOB", id, sizeof id) ? jobs_find(t->jobs, id) : NULL;
}

static int64_t owner_of(const struct tree *t, pid_t pid) {
    struct proc_stat st;
    const struct job *j = proc_stat(pid, &st) ? jobs_find_pid(t->jobs, st.session) : NULL;
    if (!j) j = by_cgroup(t, pid);
    if (!j) j = by_environment(t, pid);
    if (!j) j = jobs_find_key(t->jobs, treelock_of(pid).key);
    return j ? j->key : -1;
}

static void add_orphan(struct tree *t, pid_t pid) {
    GROW(t->orphans, t->count, t->cap);
    t->orphans[t->count++] = (struct orphan){.pid = pid, .job = owner_of(t, pid)};
}

/* The dead have no environment; they are about to be reaped and are nobody's problem. */
static bool is_dead(pid_t pid) {
    struct proc_stat st;
    return !proc_stat(pid, &st) || st.state == 'Z' || st.state == 'X';
}

pid_t tree_scan(struct tree *t) {
    own_children(t);
    if (t->pids.count == unreaped_mains(t->jobs) + t->count) return 0;
    pid_t nobodys = 0;
    for (size_t i = 0; i < t->pids.count && !nobodys; i++) {
        pid_t pid = t->pids.at[i];
        if (is_main(t->jobs, pid) || find_orphan(t, pid)) continue;
        add_orphan(t, pid);
        if (t->orphans[t->count - 1].job < 0 && !is_dead(pid)) nobodys = pid;
    }
    return nobodys;
}

void tree_reaped(struct tree *t, pid_t pid) {
    struct orphan *o = find_orphan(t, pid);
    if (o) *o = t->orphans[--t->count];
}

bool tree_has(const struct tree *t, const struct job *j) {
    for (size_t i = 0; i < t->count; i++)
        if (t->orphans[i].job == j->key) return true;
    return false;
}

size_t tree_give_up(struct tree *t, const struct job *j) {
    size_t n = 0;
    for (size_t i = 0; i < t->count; i++)
        if (t->orphans[i].job == j->key) t->orphans[i].job = -1, n++;
    return n;
}

/* ---- signals ---- */

/* Everything below the roots, roots included; breadth first. */
static void add_descendants(struct pids *p) {
    for (size_t i = 0; i < p->count; i++) {
        struct pids below = {0};
        proc_children(p->at[i], &below);
        for (size_t k = 0; k < below.count; k++)
            if (!pids_have(p, below.at[k])) pids_add(p, below.at[k]);
        pids_release(&below);
    }
}

static void terminate_outside_group(pid_t pid, pid_t group) {
    struct proc_stat st;
    if (!proc_stat(pid, &st) || st.group == group) return;
    if (proc_signal(pid, st.start_time, SIGTERM)) proc_signal(pid, st.start_time, SIGCONT);
}

void tree_terminate(struct tree *t, const struct job *j) {
    struct pids all = {0};
    if (!j->main_reaped) pids_add(&all, j->pid);
    for (size_t i = 0; i < t->count; i++)
        if (t->orphans[i].job == j->key) pids_add(&all, t->orphans[i].pid);
    add_descendants(&all);
    if (!j->main_reaped) {
        kill(-j->pid, SIGTERM);
        kill(-j->pid, SIGCONT);
    }
    pid_t group = j->main_reaped ? 0 : j->pid;
    for (size_t i = 0; i < all.count; i++) terminate_outside_group(all.at[i], group);
    pids_release(&all);
}

static void kill_orphan(struct orphan *o, struct job *j) {
    bool in_group = getpgid(o->pid) == j->pid;
    bool dying = is_dead(o->pid) || (in_group && j->group_killed);
    if (!o->killed && !dying) j->exit.escaped++;
    o->killed = true;
    if (in_group) kill(-j->pid, SIGKILL);
    kill(o->pid, SIGKILL);
}

void tree_kill(struct tree *t, struct job *j) {
    for (size_t i = 0; i < t->count; i++)
        if (t->orphans[i].job == j->key) kill_orphan(&t->orphans[i], j);
    cgroups_kill(t->cgroups, j->cgroup);
    if (j->main_reaped) return;
    kill(-j->pid, SIGKILL);
    j->group_killed = true;
}
