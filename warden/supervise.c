/* supervise.c: what the events of a job's life (job.c) do.
 *
 * A job is over when its main process was reaped, no orphan of it is left and its output has ended; settle()
 * asks that after everything that could have made it so. Until then the exit is not told: the next attempt
 * must not meet processes of this one. */
#include "warden/supervise.h"

#include "base/arena.h"
#include "base/limits.h"
#include "warden/treelock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHUNK = 64 << 10,
    CHUNKS_A_TURN = 32,  /* one loud job must not starve the others */
    LOUD_PIPE = 1 << 20, /* pipe size of a job that fills the usual 64 KiB; fewer, larger reads */
};

static duration_t steady(const struct supervisor *s) { return world_steady(s->world); }
static instant_t wall(const struct supervisor *s) { return world_wall(s->world); }

static void handle(struct supervisor *s, struct job *j, enum job_event event);

/* How many processes the kernel killed for memory since boot. */
static int64_t read_oom_kills(void) {
    char b[16384];
    int fd = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, b, sizeof b - 1);
    close(fd);
    b[n > 0 ? n : 0] = '\0';
    const char *at = strstr(b, "\noom_kill ");
    return at ? strtoll(at + 10, NULL, 10) : 0;
}

int supervisor_open(struct supervisor *s, const char *state, struct err *err) {
    s->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (s->null < 0) return err_errno(err, "cannot open /dev/null");
    s->spawner = spawner_new();
    if (!s->spawner) return err_errno(err, "cannot map a stack for new processes");
    s->cgroups = cgroups_open(s->state_dir, state);
    s->oom_kills = read_oom_kills();
    s->chunk = xmalloc(CHUNK);
    tree_init(&s->tree, &s->jobs, s->cgroups);
    return 0;
}

void supervisor_close(struct supervisor *s) {
    tree_release(&s->tree);
    jobs_release(&s->jobs);
    cgroups_close(s->cgroups);
    spawner_free(s->spawner);
    free(s->chunk);
    close(s->null);
}

/* ---- the end of a job ---- */

static void note_escaped(struct supervisor *s, struct job *j) {
    if (!j->exit.escaped || !j->log) return;
    logfile_note(j->log, wall(s), "%d %s still running after the main process had ended; killed",
                 j->exit.escaped, j->exit.escaped == 1 ? "process was" : "processes were");
}

/* Who sent a KILL that was not ours is not knowable without a cgroup; what is known is said, and no more. */
static void note_memory(struct supervisor *s, struct job *j) {
    if (j->exit.signal != SIGKILL || j->exit.killed != KILLED_NO) return;
    if (cgroups_out_of_memory(s->cgroups, j->cgroup)) {
        j->exit.killed = KILLED_MEMORY;
        return;
    }
    int64_t before = s->oom_kills;
    s->oom_kills = read_oom_kills();
    logfile_note(j->log, wall(s), "ended by SIGKILL, which Leat did not send%s",
                 s->oom_kills > before ? "; the kernel has killed for lack of memory lately, perhaps this"
                                       : "");
}

static void close_log(struct supervisor *s, struct job *j) {
    if (!j->log) return;
    struct logfile_sizes sizes = logfile_close(j->log, wall(s));
    j->log = NULL;
    j->exit.log_bytes = sizes.kept;
    j->exit.dropped_bytes = sizes.dropped;
}

static void close_pipe(struct job *j) {
    if (j->pipe >= 0) close(j->pipe); /* which takes it out of the epoll set */
    j->pipe = -1;
}

static void finish(struct supervisor *s, struct job *j) {
    note_memory(s, j);
    note_escaped(s, j);
    close_pipe(j);
    close_log(s, j);
    cgroups_give_back(s->cgroups, j->cgroup);
    jobs_end(&s->jobs, j);
    s->ended(s->ctx, j);
}

static void settle(struct supervisor *s, struct job *j) {
    if (j->main_reaped && j->pipe < 0 && !tree_has(&s->tree, j)) handle(s, j, JOB_CLEAR);
}

/* ---- actions ---- */

static void scan(struct supervisor *s) {
    char line[128];
    for (pid_t pid; (pid = tree_scan(&s->tree)) > 0;) {
        snprintf(line, sizeof line, "process %d escaped from an unknown job; left alone", (int)pid);
        s->report(s->ctx, line);
    }
}

static void terminate(struct supervisor *s, struct job *j, enum job_killed why, const char *text) {
    j->exit.killed = why;
    j->deadline = steady(s) + (j->grace > 0 ? j->grace : 0);
    scan(s);
    tree_terminate(&s->tree, j);
    logfile_note(j->log, wall(s), "%s: TERM sent", text);
}

static void kill_all(struct supervisor *s, struct job *j) {
    scan(s);
    tree_kill(&s->tree, j);
    j->deadline = steady(s) + US_PER_SECOND;
}

/* Only strangers hold the output now, or the kernel holds a process: waiting longer would not help. */
static void give_up_if_hopeless(struct supervisor *s, struct job *j) {
    duration_t swept = steady(s) - j->sweep_began;
    if (swept >= SUPERVISE_UNKILLABLE) {
        size_t n = tree_give_up(&s->tree, j);
        logfile_note(j->log, wall(s), "%zu processes did not die of KILL; no longer waited for", n);
        close_pipe(j);
    } else if (j->pipe >= 0 && swept >= SUPERVISE_HELD_PIPE && !tree_has(&s->tree, j)) {
        logfile_note(j->log, wall(s),
                     "the output is held open by a process that is not part of this job; closed");
        close_pipe(j);
    }
}

static void sweep(struct supervisor *s, struct job *j) {
    if (!j->sweep_began) j->sweep_began = steady(s);
    scan(s);
    tree_kill(&s->tree, j);
    j->deadline = steady(s) + SUPERVISE_SWEEP;
    give_up_if_hopeless(s, j);
    settle(s, j);
}

static void act(struct supervisor *s, struct job *j, enum job_action action) {
    switch (action) {
    case ACT_NONE: break;
    case ACT_TIMEOUT: terminate(s, j, KILLED_TIMEOUT, "timeout"); break;
    case ACT_CANCEL: terminate(s, j, KILLED_CANCEL, "cancelled"); break;
    case ACT_KILL: kill_all(s, j); break;
    case ACT_KILL_NOW:
        if (j->exit.killed == KILLED_NO) j->exit.killed = KILLED_CANCEL;
        kill_all(s, j);
        break;
    case ACT_LINGER: j->deadline = steady(s) + SUPERVISE_LINGER; break;
    case ACT_SWEEP: sweep(s, j); break;
    case ACT_FINISH: finish(s, j); break;
    case ACT_BUG: assert(false && "an event that this phase cannot see");
    }
}

static void handle(struct supervisor *s, struct job *j, enum job_event event) {
    struct job_move m = job_move(j->phase, event);
    if (m.next != JOB_ENDED) j->phase = m.next; /* finish() ends it */
    act(s, j, m.action);
}

/* ---- start ---- */

static bool fail_start(struct job *j, const char *stage, int error) {
    snprintf(j->exit.stage, sizeof j->exit.stage, "%s", stage);
    j->exit.error = error;
    return false;
}

static bool open_log(struct job *j, const struct job_spec *spec) {
    struct logfile_options o = {.path = spec->log_path,
                                .masks = spec->masks,
                                .head = spec->log_head_bytes,
                                .tail = spec->log_tail_bytes};
    if (o.head <= 0 && o.tail <= 0) o.head = LIMIT_LOG_HEAD_BYTES, o.tail = LIMIT_LOG_TAIL_BYTES;
    j->log = logfile_open(&o);
    return j->log || fail_start(j, "log", errno);
}

struct start { /* what one start needs beside the job; closed when it is over */
    int out, tree;
    const char **env;
    char *job_entry;
};

/* Our end never blocks; theirs must, or programs would lose output. */
static bool open_pipe(struct supervisor *s, struct job *j, struct start *st) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return fail_start(j, "pipe", errno);
    j->pipe = ends[0];
    st->out = ends[1];
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = j};
    if (fcntl(j->pipe, F_SETFL, O_NONBLOCK) < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, j->pipe, &e) < 0)
        return fail_start(j, "pipe", errno);
    return true;
}

/* The job's id goes first, so that it is the one that is found. */
static void build_env(struct start *st, const struct job_spec *spec) {
    size_t n = 0;
    while (spec->env[n]) n++;
    st->env = xcalloc(n + 2, sizeof *st->env);
    struct buf b = BUF_INIT;
    buf_addf(&b, "LEAT_JOB=%s", spec->id);
    st->env[0] = st->job_entry = buf_take(&b);
    for (size_t i = 0, to = 1; i < n; i++)
        if (strncmp(spec->env[i], "LEAT_JOB=", 9) != 0) st->env[to++] = spec->env[i];
}

static struct spawn_result spawn_in_group(struct supervisor *s, struct job *j, const struct job_spec *spec,
                                          const struct start *st) {
    struct cgroup_take group = cgroups_take(s->cgroups, spec->id, &spec->limits);
    j->cgroup = group.slot;
    return spawn(s->spawner, &(struct spawn_request){
                                 .argv = spec->argv,
                                 .env = st->env,
                                 .cwd = spec->cwd,
                                 .limits = &spec->limits,
                                 .uid = spec->uid,
                                 .gid = spec->gid,
                                 .in = s->null,
                                 .out = st->out,
                                 .tree = st->tree,
                                 .cgroup = group.folder,
                                 .limit_memory = !group.limits_memory,
                                 .limit_processes = !group.limits_processes,
                             });
}

/* A warden of this path's last state folder, which was removed under it, takes the groups with it when it
 * ends. */
static bool lost_group(const struct job *j, const struct spawn_result *r) {
    return j->cgroup >= 0 && r->stage && strcmp(r->stage, "fork") == 0 &&
           (r->error == ENOENT || r->error == ENODEV);
}

static bool run_spawn(struct supervisor *s, struct job *j, const struct job_spec *spec, struct start *st) {
    build_env(st, spec);
    struct spawn_result r = spawn_in_group(s, j, spec, st);
    if (lost_group(j, &r)) {
        cgroups_renew(s->cgroups, j->cgroup);
        r = spawn_in_group(s, j, spec, st);
    }
    if (r.pid <= 0 || r.stage) return fail_start(j, r.stage, r.error);
    j->pid = r.pid;
    return true;
}

static bool try_start(struct supervisor *s, struct job *j, const struct job_spec *spec, struct start *st) {
    if (s->closing) return fail_start(j, "warden", ESHUTDOWN);
    if (!spec->argv[0] || spec->cwd[0] != '/' || spec->log_path[0] != '/')
        return fail_start(j, "spec", EINVAL);
    if (!open_log(j, spec) || !open_pipe(s, j, st)) return false;
    st->tree = treelock_take(s->state_dir, j->key);
    if (st->tree < 0) return fail_start(j, "tree", errno);
    return run_spawn(s, j, spec, st);
}

static void close_start(struct start *st) {
    if (st->out >= 0) close(st->out);
    if (st->tree >= 0) close(st->tree);
    free(st->env);
    free(st->job_entry);
}

static void end_unstarted(struct supervisor *s, struct job *j) {
    j->exit.exit_code = -1;
    j->exit.ended_at = wall(s);
    if (j->log)
        logfile_note(j->log, wall(s), "could not start: %s: %s", j->exit.stage, strerror(j->exit.error));
    close_pipe(j);
    close_log(s, j);
    cgroups_give_back(s->cgroups, j->cgroup);
    jobs_end(&s->jobs, j);
    s->ended(s->ctx, j);
}

static void tell_again(struct supervisor *s, struct job *j) {
    if (j->phase == JOB_ENDED)
        s->ended(s->ctx, j);
    else
        s->started(s->ctx, j);
}

void supervisor_start(struct supervisor *s, const struct job_spec *spec) {
    struct job *j = jobs_find(&s->jobs, spec->id);
    if (j) {
        tell_again(s, j);
        return;
    }
    j = jobs_add(&s->jobs, spec->id);
    j->grace = spec->grace;
    j->exit.started_at = wall(s);
    struct start st = {.out = -1, .tree = -1};
    j->exit.started = try_start(s, j, spec, &st);
    close_start(&st);
    if (!j->exit.started) {
        end_unstarted(s, j);
        return;
    }
    if (spec->timeout > 0) j->deadline = steady(s) + spec->timeout;
    s->started(s->ctx, j);
}

/* ---- events from outside ---- */

void supervisor_cancel(struct supervisor *s, const char *id, bool now) {
    struct job *j = jobs_find(&s->jobs, id);
    if (j) handle(s, j, now ? JOB_KILL : JOB_CANCEL);
}

void supervisor_ack(struct supervisor *s, const char *id) {
    struct job *j = jobs_find(&s->jobs, id);
    if (j && j->phase == JOB_ENDED) jobs_forget(&s->jobs, j);
}

void supervisor_stop(struct supervisor *s) {
    s->closing = true;
    for (size_t i = s->jobs.live_count; i-- > 0;) handle(s, s->jobs.live[i], JOB_CANCEL);
}

/* May be refused; then it stays small. */
static void enlarge_pipe(struct job *j) {
    if (!j->loud) fcntl(j->pipe, F_SETPIPE_SZ, LOUD_PIPE);
    j->loud = true;
}

static void read_output(struct supervisor *s, struct job *j) {
    for (int i = 0; j->pipe >= 0 && i < CHUNKS_A_TURN; i++) {
        ssize_t n = read(j->pipe, s->chunk, CHUNK);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            close_pipe(j);
            return;
        }
        logfile_write(j->log, s->chunk, (size_t)n, wall(s));
        if (n == CHUNK) enlarge_pipe(j);
    }
}

void supervisor_output(struct supervisor *s, struct job *j) {
    if (j->pipe < 0) return; /* closed by an earlier event of this turn */
    read_output(s, j);
    settle(s, j);
}

static duration_t of_timeval(struct timeval t) { return (duration_t)t.tv_sec * US_PER_SECOND + t.tv_usec; }

static void main_ended(struct supervisor *s, struct job *j, int status, const struct rusage *use) {
    j->main_reaped = true;
    j->exit.ended_at = wall(s);
    j->exit.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    j->exit.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    j->exit.user_cpu = of_timeval(use->ru_utime);
    j->exit.system_cpu = of_timeval(use->ru_stime);
    j->exit.max_rss_bytes = (int64_t)use->ru_maxrss * 1024;
    read_output(s, j);
}

static bool reap_one(struct supervisor *s) {
    int status;
    struct rusage use;
    pid_t pid = wait4(-1, &status, WNOHANG, &use);
    if (pid <= 0) return false;
    struct job *j = jobs_find_pid(&s->jobs, pid);
    if (j && !j->main_reaped)
        main_ended(s, j, status, &use);
    else
        tree_reaped(&s->tree, pid);
    return true;
}

void supervisor_reap(struct supervisor *s) {
    bool any = false;
    while (reap_one(s)) any = true;
    if (!any) return;
    scan(s);
    for (size_t i = s->jobs.live_count; i-- > 0;) {
        struct job *j = s->jobs.live[i];
        if (!j->main_reaped) continue;
        if (j->phase < JOB_LINGERING) handle(s, j, JOB_MAIN_EXIT);
        if (j->phase != JOB_ENDED) settle(s, j);
    }
}

void supervisor_tick(struct supervisor *s) {
    duration_t now = steady(s);
    for (size_t i = s->jobs.live_count; i-- > 0;)
        if (s->jobs.live[i]->deadline <= now) handle(s, s->jobs.live[i], JOB_DEADLINE);
}
