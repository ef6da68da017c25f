/* link.c: accepts a conductor, obeys its messages, queues answers.
 *
 * Answers of a whole turn of the loop leave together. When the conductor reads slowly they wait here; there
 * are never more than a few per job. */
#include "warden/link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 16 };

/* A project's path may be longer than a socket address can be; the number of an open folder never is. */
static struct sockaddr_un address_in(int state_dir) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/" SOCKET_FILE, state_dir);
    return a;
}

static int watch(struct link *l, int fd, void *what, uint32_t events) {
    struct epoll_event e = {.events = events, .data.ptr = what};
    return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e);
}

int link_open(struct link *l, int state_dir, struct err *err) {
    l->conductor = -1;
    struct sockaddr_un a = address_in(state_dir);
    unlinkat(state_dir, SOCKET_FILE, 0); /* of a dead warden: we hold the lock */
    l->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->listener < 0) return err_errno(err, "cannot make a socket");
    if (bind(l->listener, (struct sockaddr *)&a, sizeof a) < 0 ||
        fchmodat(state_dir, SOCKET_FILE, 0600, 0) < 0 || listen(l->listener, BACKLOG) < 0 ||
        watch(l, l->listener, &l->listener, EPOLLIN) < 0)
        return err_errno(err, "cannot listen at " SOCKET_FILE " in the state folder");
    return 0;
}

static void drop_conductor(struct link *l) {
    if (l->conductor >= 0) close(l->conductor);
    l->conductor = -1;
    l->writing = false;
    buf_clear(&l->out);
    l->sent = 0;
}

void link_close(struct link *l) {
    drop_conductor(l);
    if (l->listener >= 0) close(l->listener);
    buf_release(&l->in);
    buf_release(&l->out);
}

/* ---- out ---- */

void link_send(struct link *l, const struct msg *m) {
    if (l->conductor >= 0 && l->greeted) msg_add(&l->out, m);
}

/* Asks for (or stops asking for) the moment the socket takes more. */
static void watch_writing(struct link *l, bool wanted) {
    if (wanted == l->writing) return;
    struct epoll_event e = {.events = EPOLLIN | (wanted ? (uint32_t)EPOLLOUT : 0), .data.ptr = &l->conductor};
    if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, l->conductor, &e) == 0) l->writing = wanted;
}

void link_flush(struct link *l) {
    if (l->conductor < 0 || l->sent == l->out.len) return;
    bool gone = frames_send(l->conductor, &l->out, &l->sent) < 0;
    if (gone) l->greeted = false; /* no more answers; what it sent before it died is still to be read */
    if (gone || l->sent == l->out.len) {
        buf_clear(&l->out);
        l->sent = 0;
    }
    watch_writing(l, l->out.len > 0);
}

/* ---- in ---- */

static void send_exits(struct link *l) {
    const struct jobs *js = &l->s->jobs;
    for (size_t i = 0; i < js->table_size; i++)
        for (const struct job *j = js->table[i]; j; j = j->next_by_id)
            if (j->phase == JOB_ENDED) link_send(l, &(struct msg){.type = MSG_EXIT, .exit = j->exit});
}

static void send_live(struct link *l) {
    const struct jobs *js = &l->s->jobs;
    for (size_t i = 0; i < js->live_count; i++)
        link_send(l, &(struct msg){.type = MSG_JOB, .id = js->live[i]->exit.id, .pid = js->live[i]->pid});
    link_send(l, &(struct msg){.type = MSG_LISTED});
}

static void greet(struct link *l) {
    if (l->greeted) return;
    l->greeted = true;
    link_send(l, &(struct msg){.type = MSG_WELCOME, .version = PROTOCOL_VERSION, .pid = getpid()});
    send_exits(l);
}

static void obey(struct link *l, const struct msg *m) {
    switch (m->type) {
    case MSG_HELLO: greet(l); break;
    case MSG_START: supervisor_start(l->s, &m->spec); break;
    case MSG_CANCEL: supervisor_cancel(l->s, m->id, m->now); break;
    case MSG_ACK: supervisor_ack(l->s, m->id); break;
    case MSG_LIST: send_live(l); break;
    default: break; /* the warden's own messages, echoed: meaningless */
    }
}

/* False: what came cannot be understood. */
static bool obey_datagram(struct link *l) {
    struct msg_reader r = {.at = (const unsigned char *)l->in.s,
                           .end = (const unsigned char *)l->in.s + l->in.len};
    struct msg m;
    enum msg_result got;
    while ((got = msg_read(&r, &m)) == MSG_READ) {
        obey(l, &m);
        msg_release(&m);
    }
    return got == MSG_END;
}

void link_receive(struct link *l) {
    enum { A_TURN = 8 }; /* exits and output want their turn too */
    for (int i = 0; l->conductor >= 0 && i < A_TURN; i++) {
        int r = frames_receive(l->conductor, &l->in);
        if (r == 0) return;
        if (r < 0 || !obey_datagram(l)) drop_conductor(l);
    }
}

/* ---- accept ---- */

static void refuse(int fd, const char *text) {
    struct buf b = BUF_INIT;
    size_t sent = 0;
    msg_add(&b, &(struct msg){.type = MSG_REFUSED, .text = text});
    frames_send(fd, &b, &sent);
    buf_release(&b);
    close(fd);
}

static void refuse_second(const struct link *l, int fd) {
    char text[128];
    snprintf(text, sizeof text, "the warden already serves the conductor with pid %d", (int)l->peer);
    refuse(fd, text);
}

/* Obeys what a conductor that is gone had sent before. */
static void drain_dead(struct link *l) {
    char byte;
    while (l->conductor >= 0 &&
           (recv(l->conductor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno == ECONNRESET))
        link_receive(l);
}

static void accept_one(struct link *l, int fd) {
    struct ucred peer;
    socklen_t n = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 || peer.uid != geteuid()) {
        refuse(fd, "the warden belongs to another user");
        return;
    }
    drain_dead(l);
    if (l->conductor >= 0) {
        refuse_second(l, fd);
        return;
    }
    l->conductor = fd;
    l->peer = peer.pid;
    l->greeted = false;
    if (watch(l, fd, &l->conductor, EPOLLIN) < 0) drop_conductor(l);
}

void link_accept(struct link *l) {
    for (;;) {
        int fd = accept4(l->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) return;
        accept_one(l, fd);
    }
}
