/* control.c: see control.h. Paths longer than a socket address holds are reached through /proc/self/fd. */
#include "scheduler/control.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { REQUEST_BYTES = 64 << 10, WAITING_CLIENTS = 128 };
enum { PATIENCE_SECONDS = 30 }; /* a daemon that begins reads a thousand files first */

struct control {
    uv_pipe_t listener;
    char *path;
    control_answer *answer;
    void *ctx;
    bool kept; /* the socket goes on under another program */
    struct client *clients;
};

struct client {
    uv_pipe_t pipe;
    uv_write_t write;
    struct control *owner;
    struct client *next;
    struct buf in;
    char *out;
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
    for (struct client **at = c->owner ? &c->owner->clients : NULL; at && *at; at = &(*at)->next)
        if (*at == c) {
            *at = c->next;
            break;
        }
    buf_release(&c->in);
    free(c->out);
    free(c);
}

static void client_close(struct client *c) {
    if (!uv_is_closing((uv_handle_t *)&c->pipe)) uv_close((uv_handle_t *)&c->pipe, client_gone);
}

static void written(uv_write_t *w, int status) {
    (void)status;
    client_close(w->data);
}

static json_t *answer_line(struct control *o, const char *line) {
    struct err err;
    json_t *request = json_parse(line, &err);
    json_t *answer = request ? o->answer(o->ctx, request) : json_pack("{ss}", "error", err.msg);
    json_decref(request);
    return answer;
}

static void serve_line(struct client *c) {
    uv_read_stop((uv_stream_t *)&c->pipe);
    json_t *answer = answer_line(c->owner, buf_str(&c->in));
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

static void give_room(uv_handle_t *h, size_t n, uv_buf_t *out) {
    (void)h, (void)n;
    *out = uv_buf_init(xmalloc(4096), 4096);
}

static void took(uv_stream_t *s, ssize_t n, const uv_buf_t *b) {
    struct client *c = s->data;
    if (n > 0) buf_add(&c->in, b->base, (size_t)n);
    free(b->base);
    if (n < 0 || c->in.len > REQUEST_BYTES)
        client_close(c);
    else if (memchr(buf_str(&c->in), '\n', c->in.len))
        serve_line(c);
}

static void came(uv_stream_t *listener, int status) {
    struct control *o = listener->data;
    if (status < 0) return;
    struct client *c = xcalloc(1, sizeof *c);
    c->owner = o;
    uv_pipe_init(listener->loop, &c->pipe, 0);
    c->pipe.data = c;
    c->next = o->clients;
    o->clients = c;
    if (uv_accept(listener, (uv_stream_t *)&c->pipe) ||
        uv_read_start((uv_stream_t *)&c->pipe, give_room, took))
        client_close(c);
}

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
    o->listener.data = o;
    return 0;
}

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
    if (listen_on(o, loop, co, err) == 0) return o;
    free(o->path);
    free(o);
    return NULL;
}

static void listener_gone(uv_handle_t *h) {
    struct control *o = h->data;
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
    for (struct client *c = o->clients; c; c = c->next) {
        c->owner = NULL;
        client_close(c);
    }
    uv_close((uv_handle_t *)&o->listener, listener_gone);
}

/* ---- the asking side ---- */

static int connect_to(const char *state, int64_t seconds, struct err *err) {
    struct sockaddr_un a;
    int folder;
    if (address(state, &a, &folder, err)) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = seconds};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    int r = connect(fd, (struct sockaddr *)&a, sizeof a);
    if (r) err_errno(err, "cannot reach the conductor of %s", state);
    close(folder);
    if (r == 0) return fd;
    close(fd);
    return -1;
}

static int read_line(int fd, struct buf *line, struct err *err) {
    char chunk[4096];
    while (!memchr(buf_str(line), '\n', line->len)) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return err_errno(err, "the conductor did not answer");
        if (n == 0) return err_set(err, EX_ENVIRONMENT, "the conductor ended before it answered");
        buf_add(line, chunk, (size_t)n);
    }
    return 0;
}

static int exchange_lines(int fd, const json_t *request, json_t **answer, struct err *err) {
    struct buf line = BUF_INIT;
    char *text = json_line(request);
    buf_addf(&line, "%s\n", text);
    free(text);
    int r = fs_write_all(fd, line.s, line.len) ? err_errno(err, "cannot ask the conductor") : 0;
    buf_clear(&line);
    if (!r) r = read_line(fd, &line, err);
    json_t *v = r ? NULL : json_parse(buf_str(&line), err);
    buf_release(&line);
    if (!v) return -1;
    *answer = v;
    return 0;
}

int control_ask(const char *state, const json_t *request, json_t **answer, struct err *err) {
    int fd = connect_to(state, json_int(request, "patience_seconds", PATIENCE_SECONDS), err);
    if (fd < 0) return errno == ENOENT || errno == ECONNREFUSED ? 1 : -1;
    int r = exchange_lines(fd, request, answer, err);
    close(fd);
    return r;
}
