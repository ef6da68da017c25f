/* control.c: see control.h. Paths longer than a socket address holds are reached through /proc/self/fd.
 *
 * Whoever connects costs the conductor a descriptor and a little memory, whatever it sends: a request has a
 * largest size, an asker has so many seconds from its connecting to having read its answer, and when too many
 * are there at once the oldest goes. One that asks at once is never the oldest for long. */
#include "scheduler/control.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAITING_CLIENTS = 128, TICK_MS = 1000 };
enum { PATIENCE_SECONDS = 30 }; /* a daemon that begins reads a thousand files first */

struct control {
    uv_pipe_t listener;
    char *path;
    control_answer *answer;
    void *ctx;
    uint64_t inode;         /* of path */
    bool kept;              /* the socket goes on under another program */
    struct client *clients; /* the youngest first */
    unsigned count, most;
    uv_timer_t patience; /* ticks while somebody is there */
    int handles;         /* open: listener, patience */
};

struct client {
    uv_pipe_t pipe;
    uv_write_t write;
    struct control *owner;
    struct client *next;
    struct buf in;
    char *out;
    unsigned ticks; /* a loop that was busy for long has ticked once: what was sent meanwhile is still read */
};

/* A folder's socket as an address of fixed size; *folder must be closed after use. */
static int address(const char *state, struct sockaddr_un *a, int *folder, struct err *err) {
    *folder = open(state, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*folder < 0) return err_errno(err, "cannot open %s", state);
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(a->sun_path, sizeof a->sun_path, "/proc/self/fd/%d/leat.sock", *folder);
    return 0;
}

static void client_gone(uv_handle_t *h) {
    struct client *c = h->data;
    buf_release(&c->in);
    free(c->out);
    free(c);
}

static void client_close(struct client *c) {
    struct control *o = c->owner;
    if (uv_is_closing((uv_handle_t *)&c->pipe)) return;
    struct client **at = &o->clients;
    while (*at != c) at = &(*at)->next;
    *at = c->next;
    if (--o->count == 0) uv_timer_stop(&o->patience);
    uv_close((uv_handle_t *)&c->pipe, client_gone);
}

static void written(uv_write_t *w, int status) {
    (void)status;
    client_close(w->data);
}

static json_t *refusal(const char *why) {
    return json_pack("{sb ss si}", "ok", false, "error", why, "exit", EX_USAGE);
}

static json_t *answer_line(struct control *o, const char *line) {
    struct err err;
    json_t *request = json_parse(line, &err);
    json_t *answer = request ? o->answer(o->ctx, request) : refusal(err.msg);
    json_decref(request);
    return answer;
}

/* Steals the answer; the client goes once it is written. */
static void answer_with(struct client *c, json_t *answer) {
    uv_read_stop((uv_stream_t *)&c->pipe);
    struct buf line = BUF_INIT;
    char *text = json_line(answer);
    buf_adds(&line, text);
    buf_addc(&line, '\n');
    free(text);
    json_decref(answer);
    uv_buf_t b = uv_buf_init(NULL, 0);
    b.len = line.len;
    b.base = c->out = buf_take(&line);
    c->write.data = c;
    if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &b, 1, written)) client_close(c);
}

static int too_long(struct err *err) {
    return err_set(err, EX_USAGE, "a request has %d KiB at most", LIMIT_REQUEST_BYTES >> 10);
}

static void refuse_long(struct client *c) {
    struct err err;
    too_long(&err);
    answer_with(c, refusal(err.msg));
}

static void give_room(uv_handle_t *h, size_t n, uv_buf_t *out) {
    (void)h, (void)n;
    *out = uv_buf_init(xmalloc(4096), 4096);
}

static void took(uv_stream_t *s, ssize_t n, const uv_buf_t *b) {
    struct client *c = s->data;
    bool whole = n > 0 && memchr(b->base, '\n', (size_t)n);
    if (n > 0) buf_add(&c->in, b->base, (size_t)n);
    free(b->base);
    if (n < 0)
        client_close(c);
    else if (c->in.len > LIMIT_REQUEST_BYTES)
        refuse_long(c);
    else if (whole)
        answer_with(c, answer_line(c->owner, buf_str(&c->in)));
}

/* ---- askers come, and some have to go ---- */

static struct client *oldest(const struct control *o) {
    struct client *c = o->clients;
    while (c && c->next) c = c->next;
    return c;
}

static void tick(uv_timer_t *t) {
    struct control *o = t->data;
    for (struct client *c = o->clients, *next; c; c = next) {
        next = c->next;
        if (++c->ticks > LIMIT_CLIENT_SECONDS) client_close(c);
    }
}

static struct client *client_new(struct control *o, uv_loop_t *loop) {
    struct client *c = xcalloc(1, sizeof *c);
    c->owner = o;
    uv_pipe_init(loop, &c->pipe, 0);
    c->pipe.data = c;
    if (o->count++ == 0) uv_timer_start(&o->patience, tick, TICK_MS, TICK_MS);
    c->next = o->clients;
    o->clients = c;
    return c;
}

static void came(uv_stream_t *listener, int status) {
    struct control *o = listener->data;
    if (status < 0) return;
    if (o->count >= o->most) client_close(oldest(o));
    struct client *c = client_new(o, listener->loop);
    if (uv_accept(listener, (uv_stream_t *)&c->pipe) ||
        uv_read_start((uv_stream_t *)&c->pipe, give_room, took))
        client_close(c);
}

/* Most descriptors are for what the conductor is here for. */
static unsigned most_clients(void) {
    struct rlimit l;
    bool few = getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur / 4 < LIMIT_CLIENTS;
    return few ? (unsigned)l.rlim_cur / 4 + 1 : LIMIT_CLIENTS;
}

/* ---- the socket ---- */

static int bind_fresh(struct control *o, const char *state, struct err *err) {
    struct sockaddr_un a;
    int folder;
    if (address(state, &a, &folder, err)) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(o->path);
    mode_t mask = umask(0177);
    int bad = fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, WAITING_CLIENTS);
    umask(mask);
    if (bad) err_errno(err, "cannot listen on %s", o->path);
    close(folder);
    if (bad && fd >= 0) close(fd);
    return bad ? -1 : fd;
}

static int listen_on(struct control *o, uv_loop_t *loop, const struct control_options *co, struct err *err) {
    int fd = co->listen_fd > 0 ? co->listen_fd : bind_fresh(o, co->state, err);
    if (fd < 0) return -1;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    uv_pipe_init(loop, &o->listener, 0);
    uv_pipe_open(&o->listener, fd);
    uv_timer_init(loop, &o->patience);
    o->listener.data = o->patience.data = o;
    o->handles = 2;
    o->most = most_clients();
    return 0;
}

static uint64_t inode_of(const char *path) {
    struct stat st;
    return stat(path, &st) ? 0 : (uint64_t)st.st_ino;
}

bool control_there(const struct control *o) { return inode_of(o->path) == o->inode; }

int control_listen(struct control *o, struct err *err) {
    if (uv_listen((uv_stream_t *)&o->listener, WAITING_CLIENTS, came) == 0) return 0;
    return err_set(err, EX_ENVIRONMENT, "cannot listen on %s", o->path);
}

bool control_busy(const struct control *o) { return o->clients != NULL; }

struct control *control_open(uv_loop_t *loop, const struct control_options *co, struct err *err) {
    struct control *o = xcalloc(1, sizeof *o);
    o->path = fs_join(co->state, "leat.sock");
    o->answer = co->answer;
    o->ctx = co->ctx;
    if (listen_on(o, loop, co, err) == 0) {
        o->inode = inode_of(o->path);
        return o;
    }
    free(o->path);
    free(o);
    return NULL;
}

static void handle_gone(uv_handle_t *h) {
    struct control *o = h->data;
    if (--o->handles) return;
    free(o->path);
    free(o);
}

int control_keep(struct control *o) {
    uv_os_fd_t own;
    int fd = uv_fileno((uv_handle_t *)&o->listener, &own) == 0 ? dup(own) : -1;
    o->kept = fd > 0;
    return o->kept ? fd : 0;
}

void control_close(struct control *o) {
    if (!o) return;
    if (!o->kept) unlink(o->path);
    while (o->clients) client_close(o->clients);
    uv_close((uv_handle_t *)&o->patience, handle_gone);
    uv_close((uv_handle_t *)&o->listener, handle_gone);
}

/* ---- the asking side ---- */

struct asking {
    const char *state;
    int64_t seconds;
};

/* The other side went, and had not read what was asked (the kernel says so, unix(7)): it has done nothing, and
 * it is as if nobody had listened. */
static bool unheard(void) { return errno == ECONNRESET || errno == EPIPE; }

/* Of its socket's timeouts: EAGAIN. 1: unheard. */
static int no_answer(const struct asking *k, const char *what, struct err *err) {
    if (unheard()) return 1;
    if (errno != EAGAIN) return err_errno(err, "%s %s", what, k->state);
    err_set(err, EX_ENVIRONMENT, "%s %s: it did not answer for %lld seconds", what, k->state,
            (long long)k->seconds);
    return err_hint(err, "it is busy, or it was stopped (SIGSTOP): see leat status");
}

static int connect_to(const struct asking *k, struct err *err) {
    struct sockaddr_un a;
    int folder;
    if (address(k->state, &a, &folder, err)) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = k->seconds};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    int r = connect(fd, (struct sockaddr *)&a, sizeof a), why = errno;
    if (r) no_answer(k, "cannot reach the conductor of", err);
    close(folder);
    if (r == 0) return fd;
    close(fd);
    errno = why;
    return -1;
}

static int unanswered(struct err *err) {
    err_set(err, EX_ENVIRONMENT, "the conductor ended before it answered");
    return err_hint(err, "it may have done what was asked: look with leat status before asking again");
}

static int read_line(const struct asking *k, int fd, struct buf *line, struct err *err) {
    char chunk[4096];
    while (!memchr(buf_str(line), '\n', line->len)) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return no_answer(k, "no answer from the conductor of", err);
        if (n == 0) return unanswered(err);
        buf_add(line, chunk, (size_t)n);
    }
    return 0;
}

/* Whoever asks may not have set SIGPIPE aside. */
static int send_all(int fd, const char *s, size_t n) {
    while (n) {
        ssize_t k = send(fd, s, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return -1;
        s += k;
        n -= (size_t)k;
    }
    return 0;
}

static int exchange_lines(const struct asking *k, int fd, struct buf *line, struct err *err) {
    if (line->len > LIMIT_REQUEST_BYTES) return too_long(err);
    if (send_all(fd, line->s, line->len)) return no_answer(k, "cannot ask the conductor of", err);
    buf_clear(line);
    return read_line(k, fd, line, err);
}

int control_ask(const char *state, const json_t *request, json_t **answer, struct err *err) {
    struct asking k = {.state = state, .seconds = json_int(request, "patience_seconds", PATIENCE_SECONDS)};
    int fd = connect_to(&k, err);
    if (fd < 0) return errno == ENOENT || errno == ECONNREFUSED || unheard() ? 1 : -1;
    struct buf line = BUF_INIT;
    char *text = json_line(request);
    buf_addf(&line, "%s\n", text);
    free(text);
    int r = exchange_lines(&k, fd, &line, err);
    json_t *v = r ? NULL : json_parse(buf_str(&line), err);
    if (v) *answer = v;
    buf_release(&line);
    close(fd);
    return v ? 0 : r > 0 ? 1 : -1;
}
