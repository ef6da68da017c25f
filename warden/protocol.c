/* protocol.c: frames, in both directions.
 *
 * One table says which fields a message carries; two tables say which numbers a spec and an exit record
 * carry. Encoder and decoder walk the same tables, so they cannot disagree.
 *
 * Invariants: (1) a decoder never reads past the frame; (2) a count is believed only as far as the bytes that
 * are there could hold it, so allocations are bounded by the size of the frame; (3) texts hold no NUL inside.
 */
#include "warden/protocol.h"

#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct msg_kind {
    enum msg_type type;
    unsigned fields;
};

static const struct msg_kind kinds[] = {
#define X(name, number, fields) {MSG_##name, fields},
    MSG_LIST(X)
#undef X
};

static const size_t spec_numbers[] = {
    offsetof(struct job_spec, timeout),
    offsetof(struct job_spec, grace),
    offsetof(struct job_spec, limits.cpu_seconds),
    offsetof(struct job_spec, limits.memory_bytes),
    offsetof(struct job_spec, limits.open_files),
    offsetof(struct job_spec, limits.processes),
    offsetof(struct job_spec, limits.file_bytes),
    offsetof(struct job_spec, log_head_bytes),
    offsetof(struct job_spec, log_tail_bytes),
};

static const size_t exit_numbers[] = {
    offsetof(struct job_exit, started_at),    offsetof(struct job_exit, ended_at),
    offsetof(struct job_exit, user_cpu),      offsetof(struct job_exit, system_cpu),
    offsetof(struct job_exit, max_rss_bytes), offsetof(struct job_exit, log_bytes),
    offsetof(struct job_exit, dropped_bytes),
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct msg_kind *kind_of(unsigned type) {
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (kinds[i].type == type) return &kinds[i];
    return NULL;
}

bool job_id_valid(const char *id) {
    size_t n = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return n > 0 && n <= JOB_ID_MAX && id[n] == '\0';
}

/* ---- writing ---- */

static void put_number(struct buf *out, uint64_t v, size_t bytes) {
    unsigned char b[8];
    for (size_t i = 0; i < bytes; i++) b[i] = (unsigned char)(v >> (8 * i));
    buf_add(out, b, bytes);
}

static void put_text(struct buf *out, const char *s) {
    if (!s) s = "";
    size_t n = strlen(s);
    put_number(out, n, 4);
    buf_add(out, s, n + 1);
}

static void put_list(struct buf *out, const char *const *list) {
    size_t n = 0;
    while (list && list[n]) n++;
    put_number(out, n, 4);
    for (size_t i = 0; i < n; i++) put_text(out, list[i]);
}

static void put_numbers(struct buf *out, const void *base, const size_t *offsets, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int64_t v;
        memcpy(&v, (const char *)base + offsets[i], sizeof v);
        put_number(out, (uint64_t)v, 8);
    }
}

static void put_spec(struct buf *out, const struct job_spec *s) {
    put_text(out, s->id);
    put_text(out, s->cwd);
    put_text(out, s->log_path);
    put_list(out, s->argv);
    put_list(out, s->env);
    put_list(out, s->masks);
    put_numbers(out, s, spec_numbers, COUNT(spec_numbers));
    put_number(out, s->uid, 4);
    put_number(out, s->gid, 4);
}

static void put_exit(struct buf *out, const struct job_exit *e) {
    put_text(out, e->id);
    put_text(out, e->stage);
    put_number(out, e->started, 1);
    put_number(out, (uint32_t)e->error, 4);
    put_number(out, (uint32_t)e->exit_code, 4);
    put_number(out, (uint32_t)e->signal, 4);
    put_number(out, e->killed, 1);
    put_number(out, (uint32_t)e->escaped, 4);
    put_numbers(out, e, exit_numbers, COUNT(exit_numbers));
}

static void put_fields(struct buf *out, const struct msg *m, unsigned fields) {
    if (fields & FIELD_VERSION) put_number(out, m->version, 4);
    if (fields & FIELD_ID) put_text(out, m->id);
    if (fields & FIELD_PID) put_number(out, (uint32_t)m->pid, 4);
    if (fields & FIELD_NOW) put_number(out, m->now, 1);
    if (fields & FIELD_TEXT) put_text(out, m->text);
    if (fields & FIELD_SPEC) put_spec(out, &m->spec);
    if (fields & FIELD_EXIT) put_exit(out, &m->exit);
}

void msg_add(struct buf *out, const struct msg *m) {
    size_t start = out->len;
    put_number(out, 0, 4);
    put_number(out, m->type, 1);
    put_fields(out, m, kind_of(m->type)->fields);
    size_t length = out->len - start - 4;
    for (size_t i = 0; i < 4; i++) out->s[start + i] = (char)(unsigned char)(length >> (8 * i));
}

/* ---- reading ---- */

struct cursor {
    const unsigned char *at, *end;
    bool bad; /* sticky: everything read after it is zero or "" */
};

static uint64_t take_number(struct cursor *c, size_t bytes) {
    if (c->bad || (size_t)(c->end - c->at) < bytes) return c->bad = true, 0;
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++) v |= (uint64_t)c->at[i] << (8 * i);
    c->at += bytes;
    return v;
}

static const char *take_text(struct cursor *c) {
    size_t n = (size_t)take_number(c, 4);
    if (c->bad || (size_t)(c->end - c->at) <= n || c->at[n] || memchr(c->at, 0, n)) return c->bad = true, "";
    const char *s = (const char *)c->at;
    c->at += n + 1;
    return s;
}

/* Fills dst, of at most `cap` pointers, with a list and its NULL. Returns the pointers used. */
static size_t take_list(struct cursor *c, const char **dst, size_t cap) {
    size_t n = (size_t)take_number(c, 4);
    if (c->bad || n >= cap) return c->bad = true, 0;
    for (size_t i = 0; i < n; i++) dst[i] = take_text(c);
    dst[n] = NULL;
    return n + 1;
}

static void take_numbers(struct cursor *c, void *base, const size_t *offsets, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int64_t v = (int64_t)take_number(c, 8);
        memcpy((char *)base + offsets[i], &v, sizeof v);
    }
}

/* A text takes at least 5 bytes, so the bytes left bound how many there can be in the three lists
 * together. */
static void take_lists(struct cursor *c, struct msg *m) {
    size_t cap = (size_t)(c->end - c->at) / 5 + 3;
    m->lists = xcalloc(cap, sizeof *m->lists);
    const char *const **to[] = {&m->spec.argv, &m->spec.env, &m->spec.masks};
    size_t used = 0;
    for (size_t i = 0; i < COUNT(to); i++) {
        *to[i] = m->lists + used;
        used += take_list(c, m->lists + used, cap - used);
    }
}

static void take_spec(struct cursor *c, struct msg *m) {
    struct job_spec *s = &m->spec;
    s->id = take_text(c);
    s->cwd = take_text(c);
    s->log_path = take_text(c);
    take_lists(c, m);
    take_numbers(c, s, spec_numbers, COUNT(spec_numbers));
    s->uid = (uid_t)take_number(c, 4);
    s->gid = (gid_t)take_number(c, 4);
    if (!c->bad && !job_id_valid(s->id)) c->bad = true;
}

static void take_exit(struct cursor *c, struct job_exit *e) {
    const char *id = take_text(c), *stage = take_text(c);
    e->started = take_number(c, 1) != 0;
    e->error = (int)(uint32_t)take_number(c, 4);
    e->exit_code = (int)(uint32_t)take_number(c, 4);
    e->signal = (int)(uint32_t)take_number(c, 4);
    unsigned killed = (unsigned)take_number(c, 1);
    e->escaped = (int32_t)(uint32_t)take_number(c, 4);
    take_numbers(c, e, exit_numbers, COUNT(exit_numbers));
    if (c->bad || killed > KILLED_MEMORY || !job_id_valid(id) || strlen(stage) >= sizeof e->stage) {
        c->bad = true;
        return;
    }
    e->killed = (enum job_killed)killed;
    memcpy(e->id, id, strlen(id) + 1);
    memcpy(e->stage, stage, strlen(stage) + 1);
}

static void take_id(struct cursor *c, struct msg *m) {
    m->id = take_text(c);
    if (!c->bad && !job_id_valid(m->id)) c->bad = true;
}

static void take_fields(struct cursor *c, struct msg *m, unsigned fields) {
    if (fields & FIELD_VERSION) m->version = (uint32_t)take_number(c, 4);
    if (fields & FIELD_ID) take_id(c, m);
    if (fields & FIELD_PID) m->pid = (pid_t)(uint32_t)take_number(c, 4);
    if (fields & FIELD_NOW) m->now = take_number(c, 1) != 0;
    if (fields & FIELD_TEXT) m->text = take_text(c);
    if (fields & FIELD_SPEC) take_spec(c, m);
    if (fields & FIELD_EXIT) take_exit(c, &m->exit);
}

/* Cuts the next frame off the datagram. */
static enum msg_result next_frame(struct msg_reader *r, struct cursor *frame) {
    if (r->at == r->end) return MSG_END;
    struct cursor c = {.at = r->at, .end = r->end};
    size_t length = (size_t)take_number(&c, 4);
    if (c.bad || length == 0 || (size_t)(c.end - c.at) < length) return MSG_BROKEN;
    *frame = (struct cursor){.at = c.at, .end = c.at + length};
    r->at = frame->end;
    return MSG_READ;
}

enum msg_result msg_read(struct msg_reader *r, struct msg *out) {
    struct cursor frame;
    for (;;) {
        enum msg_result got = next_frame(r, &frame);
        if (got != MSG_READ) return got;
        unsigned type = (unsigned)take_number(&frame, 1);
        const struct msg_kind *kind = kind_of(type);
        if (!kind) continue;
        struct msg m = {.type = kind->type};
        take_fields(&frame, &m, kind->fields);
        if (frame.bad) return msg_release(&m), MSG_BROKEN;
        *out = m;
        return MSG_READ;
    }
}

void msg_release(struct msg *m) {
    free(m->lists);
    m->lists = NULL;
}

/* ---- datagrams ---- */

static size_t frame_bytes(const struct buf *frames, size_t at) {
    struct cursor c = {.at = (const unsigned char *)frames->s + at,
                       .end = (const unsigned char *)frames->s + frames->len};
    return 4 + (size_t)take_number(&c, 4);
}

/* As many frames as fit a datagram; one frame at least. */
static size_t datagram_bytes(const struct buf *frames, size_t at) {
    size_t n = frame_bytes(frames, at);
    while (at + n < frames->len && n + frame_bytes(frames, at + n) <= PROTOCOL_DATAGRAM)
        n += frame_bytes(frames, at + n);
    return n;
}

static int memfd_of(const char *p, size_t n) {
    int fd = memfd_create("leat-frame", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return -1;
    for (size_t done = 0; done < n;) {
        ssize_t w = write(fd, p + done, n - done);
        if (w < 0) return close(fd), -1;
        done += (size_t)w;
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) return close(fd), -1;
    return fd;
}

static ssize_t send_with_fd(int fd, const char *p, size_t n, int with) {
    struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &with, sizeof with);
    return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static ssize_t send_large(int fd, const char *p, size_t n) {
    int with = memfd_of(p, n);
    if (with < 0) return -1;
    struct buf stub = BUF_INIT;
    msg_add(&stub, &(struct msg){.type = MSG_LARGE});
    ssize_t r = send_with_fd(fd, stub.s, stub.len, with);
    int saved = errno;
    buf_release(&stub);
    close(with);
    errno = saved;
    return r < 0 ? r : (ssize_t)n;
}

int frames_send(int fd, const struct buf *frames, size_t *sent) {
    while (*sent < frames->len) {
        size_t n = datagram_bytes(frames, *sent);
        const char *p = frames->s + *sent;
        ssize_t r =
            n > PROTOCOL_DATAGRAM ? send_large(fd, p, n) : send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (r < 0 && errno == EINTR) continue;
        /* ENOBUFS, ENOMEM, EMFILE: a shortage passes; the frames stay queued. */
        if (r < 0 &&
            (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == EMFILE || errno == ENFILE))
            return 0;
        if (r < 0) return -1;
        *sent += n;
    }
    return 0;
}

static int read_memfd(int fd, struct buf *in) {
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || !(seals & F_SEAL_SHRINK) || !(seals & F_SEAL_WRITE) || fstat(fd, &st) < 0 ||
        st.st_size > PROTOCOL_FRAME_MAX)
        return errno = EPROTO, -1;
    buf_clear(in);
    char *chunk = xmalloc(PROTOCOL_DATAGRAM);
    off_t at = 0;
    ssize_t n;
    while ((n = pread(fd, chunk, PROTOCOL_DATAGRAM, at)) > 0) {
        buf_add(in, chunk, (size_t)n);
        at += n;
    }
    free(chunk);
    return n < 0 ? -1 : 1;
}

/* The one descriptor of a datagram, or -1. Room is made for one only: the kernel closes any more. */
static int passed_fd(struct msghdr *m) {
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) return -1;
    int fd;
    memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

int frames_receive(int fd, struct buf *in) {
    char bytes[PROTOCOL_DATAGRAM + 64];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {.iov_base = bytes, .iov_len = sizeof bytes};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    ssize_t n;
    /* A peer that died with something unread shows as one ECONNRESET; what it had sent comes after it. */
    do n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    if (n < 0) return errno == EAGAIN ? 0 : -1;
    int with = passed_fd(&m);
    if (with >= 0) {
        int r = read_memfd(with, in);
        close(with);
        return r;
    }
    if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) return errno = EPROTO, -1;
    if (n == 0) return errno = 0, -1;
    buf_clear(in);
    buf_add(in, bytes, (size_t)n);
    return 1;
}
