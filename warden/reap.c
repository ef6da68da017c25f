/* reap.c: the lost-warden path: the end of a tree whose warden is dead.
 *
 * Nobody is subreaper any more, so what was left hangs below init or is being killed by PDEATHSIG. Processes
 * are found by the id in their environment or by the byte their tree lock is on, and in one write by the
 * cgroup that carries the id; each is signalled through a pidfd after a second look, so a number that was
 * used again is never hit. Rounds go on until nothing is found and the tree lock is free. */
#include "base/world.h"
#include "warden/cgroup.h"
#include "warden/client.h"
#include "warden/proc.h"
#include "warden/protocol.h"
#include "warden/treelock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { ROUND_MS = 20 };

struct reaping {
    int state_dir;
    const char *id;
    int64_t key;
    bool lock_held; /* somebody has the tree lock: worth asking everybody for their descriptors */
};

/* The environment has no more than the id: a lock that says it is the same id of another folder is
 * believed. */
static bool belongs(const struct reaping *r, pid_t pid) {
    char id[JOB_ID_MAX + 1];
    bool named = proc_env(pid, "LEAT_JOB", id, sizeof id) && strcmp(id, r->id) == 0;
    if (!named && !r->lock_held) return false;
    struct treelock l = treelock_of(pid);
    return l.key == r->key ? treelock_is_in(&l, r->state_dir) : named;
}

/* The start time is read before the question, so an answer about another process cannot get the signal. */
static bool kill_if_belongs(const struct reaping *r, pid_t pid) {
    struct proc_stat st;
    if (pid == getpid() || !proc_stat(pid, &st) || st.state == 'Z' || !belongs(r, pid)) return false;
    proc_signal(pid, st.start_time, SIGKILL);
    return true;
}

/* How many were found. */
static size_t kill_round(struct reaping *r) {
    struct pids all = {0};
    size_t found = 0;
    r->lock_held = treelock_held(r->state_dir, r->key);
    cgroups_kill_left(r->state_dir, r->id);
    proc_all(&all);
    for (size_t i = 0; i < all.count; i++) found += kill_if_belongs(r, all.at[i]);
    pids_release(&all);
    return found;
}

int warden_reap_tree(const char *state, const char *id, duration_t patience, struct err *err) {
    struct reaping r = {.id = id, .key = treelock_key(id)};
    r.state_dir = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r.state_dir < 0) return err_errno(err, "cannot open the state folder %s", state);
    const struct world *world = world_real();
    duration_t until = world_steady(world) + patience;
    bool left;
    while ((left = kill_round(&r) > 0 || treelock_held(r.state_dir, r.key)) && world_steady(world) < until)
        poll(NULL, 0, ROUND_MS);
    close(r.state_dir);
    if (!left) return 0;
    return err_set(err, EX_ENVIRONMENT, "processes of %s are still alive after SIGKILL", id);
}
