/* client.c: the conductor's end of the socket.
 *
 * Connecting is a short loop: try the socket; when nobody answers look at the lock; start a warden when it is
 * free, wait a little when it is held (one is just starting or ending). Everything after the greeting is
 * non-blocking: messages are queued as frames and leave several to a datagram. */
#include "warden/client.h"

#include "base/arena.h"
#include "base/world.h"
#include "warden/link.h"
#include "warden/protocol.h"
#include "warden/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define REFUSED_PATIENCE                                                                                     \
    (1 * US_PER_SECOND) /* a conductor that is just dying lets go of its lock before its socket */
#define RETRY_MS 20
enum { START_TRIES = 2 }; /* a warden that was killed while it started is worth another one */

struct warden {
    int fd;
    struct buf in, out;
    size_t sent;
    struct msg_reader reader; /* over `in` */
    bool lost, lost_told;
};

static duration_t steady(void) { return world_steady(world_real()); }

static int left_ms(duration_t until) {
    duration_t left = until - steady();
    return left <= 0 ? 0 : (int)(left / US_PER_MS) + 1;
}

/* ---- one try to connect ---- */

enum attempt { ATTEMPT_OK, ATTEMPT_NOBODY, ATTEMPT_REFUSED };

static int connect_socket(int state_dir) {
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/" SOCKET_FILE, state_dir);
    /* Blocking on purpose: a full backlog is a warden that is busy starting processes. */
    struct timeval patience = {.tv_sec = WARDEN_PATIENCE / US_PER_SECOND};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0) return fd;
    int saved = errno;
    close(fd);
    return errno = saved, -1;
}

static bool wait_readable(int fd, duration_t until) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int r;
    do r = poll(&p, 1, left_ms(until));
    while (r < 0 && errno == EINTR);
    return r > 0;
}

/* The warden's first message. Its datagram may hold exit records behind the greeting: the reader keeps its
 * place. */
static enum attempt read_greeting(struct warden *w, duration_t until, struct err *err) {
    struct msg m;
    if (!wait_readable(w->fd, until) || frames_receive(w->fd, &w->in) != 1) return ATTEMPT_NOBODY;
    w->reader = (struct msg_reader){.at = (const unsigned char *)w->in.s,
                                    .end = (const unsigned char *)w->in.s + w->in.len};
    if (msg_read(&w->reader, &m) != MSG_READ) return ATTEMPT_NOBODY;
    enum attempt r = m.type == MSG_WELCOME ? ATTEMPT_OK : ATTEMPT_NOBODY;
    if (m.type == MSG_REFUSED) {
        r = ATTEMPT_REFUSED;
        err_set(err, EX_CONFLICT, "%s", m.text);
    }
    msg_release(&m);
    return r;
}

static enum attempt try_connect(int state_dir, duration_t until, struct warden **out, struct err *err) {
    int fd = connect_socket(state_dir);
    if (fd < 0) return ATTEMPT_NOBODY;
    struct warden *w = xcalloc(1, sizeof *w);
    w->fd = fd;
    msg_add(&w->out, &(struct msg){.type = MSG_HELLO, .version = PROTOCOL_VERSION});
    warden_flush(w, NULL);
    enum attempt r = read_greeting(w, until, err);
    if (r == ATTEMPT_OK)
        *out = w;
    else
        warden_close(w);
    return r;
}

/* ---- the lock ---- */

static bool lock_held(int state_dir) {
    int fd = openat(state_dir, LOCK_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return false;
    bool held = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    close(fd);
    return held;
}

/* ---- starting one ---- */

/* A nested conductor's warden stays attributable to the job it runs in; nothing else of our environment is
 * its business. */
static int spawn_program(const char *program, const char *state, int ready, pid_t *pid) {
    char fd[8], job[JOB_ID_MAX + 16];
    snprintf(fd, sizeof fd, "%d", SETUP_READY);
    const char *own = getenv("LEAT_JOB");
    snprintf(job, sizeof job, "LEAT_JOB=%s", own ? own : "");
    const char *argv[] = {program, "--state", state, "--ready-fd", fd, NULL};
    const char *env[] = {own ? job : NULL, NULL};
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) return errno = ENOMEM, -1;
    posix_spawn_file_actions_adddup2(&actions, ready, SETUP_READY);
    int r = posix_spawn(pid, program, &actions, NULL, (char *const *)(uintptr_t)argv,
                        (char *const *)(uintptr_t)env);
    posix_spawn_file_actions_destroy(&actions);
    return r ? (errno = r, -1) : 0;
}

/* The first line the starting warden writes; "" when it died without one, or takes longer than it may. */
static void read_ready(int fd, duration_t until, char *line, size_t size) {
    size_t n = 0;
    while (n + 1 < size && wait_readable(fd, until)) {
        ssize_t r = read(fd, line + n, size - 1 - n);
        if (r <= 0) break;
        n += (size_t)r;
    }
    line[n] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

/* dup2 onto itself would keep close-on-exec: the pipe's end must not be the number it becomes. */
static int open_ready(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    if (ends[1] != SETUP_READY) return 0;
    int other = fcntl(ends[1], F_DUPFD_CLOEXEC, SETUP_READY + 1);
    close(ends[1]);
    ends[1] = other;
    return other < 0 ? (close(ends[0]), -1) : 0;
}

/* 1: started; 0: another one holds the lock; -1: error. */
static int start_warden(const char *program, const char *state, duration_t until, struct err *err) {
    int ends[2];
    pid_t pid;
    char line[1024];
    if (open_ready(ends) < 0) return err_errno(err, "cannot make a pipe for the warden");
    int r = spawn_program(program, state, ends[1], &pid);
    close(ends[1]);
    if (r < 0) {
        err_errno(err, "cannot start the warden %s", program);
        err_hint(err, "leat-warden belongs beside leat; install both");
        return close(ends[0]), -1;
    }
    read_ready(ends[0], until, line, sizeof line);
    close(ends[0]);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    if (strcmp(line, "ok") == 0) return 1;
    if (strcmp(line, LOCK_HELD) == 0) return 0;
    const char *why = *line ? line : steady() < until ? "it ended without a word" : "it takes too long";
    return err_set(err, EX_ENVIRONMENT, "the warden %s did not start: %s", program, why);
}

/* ---- connecting ---- */

struct connecting {
    const char *state, *program; /* program NULL: never start one */
    int state_dir;
    duration_t until;
    duration_t refused_since; /* 0: never */
    int failed_starts;
    bool fresh;
};

static bool refused_for_good(const struct connecting *c) {
    return c->refused_since && steady() - c->refused_since > REFUSED_PATIENCE;
}

static void pause_briefly(void) { poll(NULL, 0, RETRY_MS); }

static void unanswered(const struct connecting *c, struct err *err) {
    err_set(err, EX_ENVIRONMENT, "the warden of %s holds its lock but does not answer", c->state);
    err_hint(err, "its pid is in %s/" LOCK_FILE, c->state);
}

/* NULL with err->msg set on failure, NULL with it empty when there is no warden and none may be started. */
static struct warden *connect_loop(struct connecting *c, struct err *err) {
    struct warden *w = NULL;
    struct err refused = {0};
    do {
        enum attempt r = try_connect(c->state_dir, c->until, &w, &refused);
        if (r == ATTEMPT_OK) return w;
        if (r == ATTEMPT_REFUSED && c->refused_since == 0) c->refused_since = steady();
        if (r == ATTEMPT_NOBODY && !lock_held(c->state_dir)) {
            if (!c->program) return NULL;
            int started = start_warden(c->program, c->state, c->until, err);
            if (started < 0 && ++c->failed_starts == START_TRIES) return NULL;
            c->fresh |= started == 1;
            if (started == 1) continue;
        }
        pause_briefly();
    } while (steady() < c->until && !refused_for_good(c));
    if (refused.msg[0])
        *err = refused;
    else if (!c->failed_starts) /* else err says why */
        unanswered(c, err);
    return NULL;
}

static struct warden *connect_state(struct connecting *c, struct err *err) {
    struct err local = {0};
    c->state_dir = open(c->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c->state_dir < 0) return err_errno(err, "cannot open the state folder %s", c->state), NULL;
    c->until = steady() + WARDEN_PATIENCE;
    struct warden *w = connect_loop(c, &local);
    close(c->state_dir);
    if (!w && err) *err = local;
    return w;
}

struct warden *warden_connect(const char *state, const char *program, bool *fresh, struct err *err) {
    struct connecting c = {.state = state, .program = program};
    struct warden *w = connect_state(&c, err);
    if (w) *fresh = c.fresh;
    return w;
}

struct warden *warden_find(const char *state, struct err *err) {
    struct connecting c = {.state = state};
    return connect_state(&c, err);
}

void warden_close(struct warden *w) {
    if (!w) return;
    close(w->fd);
    buf_release(&w->in);
    buf_release(&w->out);
    free(w);
}

int warden_fd(const struct warden *w) { return w->fd; }

/* ---- out ---- */

static int queue(struct warden *w, const struct msg *m, struct err *err) {
    if (w->lost) return err_set(err, EX_ENVIRONMENT, "the connection to the warden is lost");
    msg_add(&w->out, m);
    return 0;
}

static int queue_for(struct warden *w, const struct msg *m, struct err *err) {
    if (!job_id_valid(m->id)) return err_set(err, EX_ENVIRONMENT, "\"%s\" is not a job id", m->id);
    return queue(w, m, err);
}

int warden_start(struct warden *w, const struct job_spec *spec, struct err *err) {
    if (!job_id_valid(spec->id)) return err_set(err, EX_ENVIRONMENT, "\"%s\" is not a job id", spec->id);
    size_t before = w->out.len;
    if (queue(w, &(struct msg){.type = MSG_START, .spec = *spec}, err) < 0) return -1;
    if (w->out.len - before <= PROTOCOL_FRAME_MAX) return 0;
    w->out.len = before;
    return err_set(err, EX_INVALID, "the arguments and environment of %s are larger than %d MiB", spec->id,
                   PROTOCOL_FRAME_MAX >> 20);
}

int warden_cancel(struct warden *w, const char *id, bool kill_now, struct err *err) {
    return queue_for(w, &(struct msg){.type = MSG_CANCEL, .id = id, .now = kill_now}, err);
}

int warden_ack(struct warden *w, const char *id, struct err *err) {
    return queue_for(w, &(struct msg){.type = MSG_ACK, .id = id}, err);
}

int warden_list(struct warden *w, struct err *err) { return queue(w, &(struct msg){.type = MSG_LIST}, err); }

bool warden_wants_write(const struct warden *w) { return !w->lost && w->sent < w->out.len; }

int warden_flush(struct warden *w, struct err *err) {
    if (w->lost || w->sent == w->out.len) return 0;
    if (frames_send(w->fd, &w->out, &w->sent) < 0) {
        /* What the warden said before it died is still to be read; then comes WARDEN_LOST. */
        w->sent = w->out.len;
        return err_errno(err, "the warden does not listen");
    }
    if (w->sent == w->out.len) {
        buf_clear(&w->out);
        w->sent = 0;
    }
    return 0;
}

/* ---- in ---- */

static const struct {
    enum msg_type from;
    enum warden_event_kind to;
} event_kinds[] = {{MSG_STARTED, WARDEN_STARTED},
                   {MSG_EXIT, WARDEN_EXIT},
                   {MSG_JOB, WARDEN_JOB},
                   {MSG_LISTED, WARDEN_LISTED}};

static bool to_event(const struct msg *m, struct warden_event *out) {
    for (size_t i = 0; i < sizeof event_kinds / sizeof *event_kinds; i++) {
        if (event_kinds[i].from != m->type) continue;
        *out = (struct warden_event){.kind = event_kinds[i].to, .pid = m->pid, .exit = m->exit};
        snprintf(out->id, sizeof out->id, "%s", m->id ? m->id : m->exit.id);
        return true;
    }
    return false;
}

/* Makes the reader hold something. False when nothing came; the connection's end sets `lost`. */
static bool fill(struct warden *w) {
    int r = frames_receive(w->fd, &w->in);
    if (r < 0) w->lost = true;
    if (r <= 0) return false;
    w->reader = (struct msg_reader){.at = (const unsigned char *)w->in.s,
                                    .end = (const unsigned char *)w->in.s + w->in.len};
    return true;
}

static bool tell_lost(struct warden *w, struct warden_event *out) {
    if (!w->lost || w->lost_told) return false;
    w->lost_told = true;
    *out = (struct warden_event){.kind = WARDEN_LOST};
    return true;
}

bool warden_next(struct warden *w, struct warden_event *out) {
    while (!w->lost) {
        struct msg m;
        enum msg_result got = msg_read(&w->reader, &m);
        if (got == MSG_BROKEN) w->lost = true;
        if (got == MSG_END && !fill(w)) break;
        if (got != MSG_READ) continue;
        bool known = to_event(&m, out);
        msg_release(&m);
        if (known) return true;
    }
    return tell_lost(w, out);
}
