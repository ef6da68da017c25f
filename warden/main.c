/* main.c: leat-warden: arguments, becoming a daemon, the loop.
 *
 *     leat-warden --state DIR [--ready-fd N] [--idle SECONDS] [--foreground]
 *
 * It writes "ok" or a line that says what is wrong to the ready descriptor and closes it. It ends by itself
 * when no job is left and no conductor has been connected for a while; exit records nobody acknowledged go to
 * disk first.
 *
 * The loop: wait for events; deadlines; children; output; then the conductor, last, because only its messages
 * can free a job that an event of the same turn points to. Answers leave at the end of the turn. */
#include "base/fsio.h"
#include "warden/exits.h"
#include "warden/link.h"
#include "warden/protocol.h"
#include "warden/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define IDLE_DEFAULT   (3 * US_PER_SECOND)
#define IDLE_WITHOUT   (200 * US_PER_MS) /* with nothing to keep for anybody */
#define MILLISECOND_UP (US_PER_MS - 1)

enum { EVENTS = 256, NOTES_MAX = 1 << 20 };

struct warden_program {
    struct setup setup;
    int epoll, signals;
    struct supervisor s;
    struct link link;
    bool served;           /* a conductor was there once */
    duration_t idle_since; /* -1: not idle */
};

/* Rare lines, for people: <state>/warden.log. */
static void note(void *ctx, const char *line) {
    const struct warden_program *w = ctx;
    int fd = openat(w->setup.state_dir, "warden.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
                    0600);
    if (fd < 0) return;
    if (lseek(fd, 0, SEEK_END) < NOTES_MAX) {
        char at[INSTANT_TEXT];
        dprintf(fd, "%s %s\n", instant_text(world_wall(w->s.world), at), line);
    }
    close(fd);
}

static void on_started(void *ctx, struct job *j) {
    struct warden_program *w = ctx;
    link_send(&w->link, &(struct msg){.type = MSG_STARTED, .id = j->exit.id, .pid = j->pid});
}

static void on_ended(void *ctx, struct job *j) {
    struct warden_program *w = ctx;
    link_send(&w->link, &(struct msg){.type = MSG_EXIT, .exit = j->exit});
}

/* ---- opening ---- */

static int watch_signals(struct warden_program *w, struct err *err) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &w->signals};
    if (w->signals < 0 || epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->signals, &e) < 0)
        return err_errno(err, "cannot watch signals");
    return 0;
}

static int open_all(struct warden_program *w, struct err *err) {
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (w->epoll < 0) return err_errno(err, "cannot make an epoll descriptor");
    w->s = (struct supervisor){.world = world_real(),
                               .epoll = w->epoll,
                               .state_dir = w->setup.state_dir,
                               .ctx = w,
                               .started = on_started,
                               .ended = on_ended,
                               .report = note};
    w->link = (struct link){.epoll = w->epoll, .s = &w->s, .listener = -1, .conductor = -1};
    if (watch_signals(w, err) < 0 || supervisor_open(&w->s, w->setup.state, err) < 0) return -1;
    struct err bad = {0};
    if (exits_load(w->setup.state, &w->s.jobs, &bad) < 0) note(w, bad.msg);
    return link_open(&w->link, w->setup.state_dir, err);
}

/* ---- idle ---- */

static duration_t idle_limit(const struct warden_program *w) {
    return w->s.jobs.count || !w->served ? w->setup.idle : IDLE_WITHOUT;
}

static void update_idle(struct warden_program *w) {
    if (w->link.conductor >= 0) w->served = true;
    bool idle = w->link.conductor < 0 && w->s.jobs.live_count == 0;
    if (!idle)
        w->idle_since = -1;
    else if (w->idle_since < 0)
        w->idle_since = world_steady(w->s.world);
}

static bool is_over(const struct warden_program *w) {
    if (w->s.closing && w->s.jobs.live_count == 0) return true;
    return w->idle_since >= 0 && world_steady(w->s.world) - w->idle_since >= idle_limit(w);
}

/* ---- the loop ---- */

/* Deadlines are on the clock that counts suspend; epoll does not, so after a resume it is late by at most one
 * wait. */
static int wait_ms(const struct warden_program *w) {
    enum { LONGEST_MS = 60000 };
    duration_t at = jobs_deadline(&w->s.jobs);
    if (w->idle_since >= 0 && w->idle_since + idle_limit(w) < at) at = w->idle_since + idle_limit(w);
    if (at == DEADLINE_NONE) return -1;
    duration_t left = at - world_steady(w->s.world);
    if (left <= 0) return 0;
    return left / US_PER_MS >= LONGEST_MS ? LONGEST_MS : (int)((left + MILLISECOND_UP) / US_PER_MS);
}

static void take_signals(struct warden_program *w) {
    struct signalfd_siginfo got[8];
    ssize_t n = read(w->signals, got, sizeof got);
    for (ssize_t i = 0; i < n / (ssize_t)sizeof *got; i++) {
        if (got[i].ssi_signo != SIGTERM) continue;
        note(w, "asked to end: stopping all jobs");
        supervisor_stop(&w->s);
    }
    supervisor_reap(&w->s);
}

static void dispatch(struct warden_program *w, const struct epoll_event *e, int n) {
    bool accept = false, receive = false, signalled = false;
    for (int i = 0; i < n; i++) {
        void *what = e[i].data.ptr;
        if (what == &w->link.listener)
            accept = true;
        else if (what == &w->link.conductor)
            receive = true;
        else if (what == &w->signals)
            signalled = true;
        else
            supervisor_output(&w->s, what);
    }
    if (signalled) take_signals(w);
    if (receive) link_receive(&w->link);
    if (accept) link_accept(&w->link);
}

static void run(struct warden_program *w) {
    struct epoll_event events[EVENTS];
    w->idle_since = world_steady(w->s.world);
    while (!is_over(w)) {
        int n = epoll_wait(w->epoll, events, EVENTS, wait_ms(w));
        supervisor_tick(&w->s);
        dispatch(w, events, n);
        link_flush(&w->link);
        update_idle(w);
    }
}

/* The socket goes first: who connects from now on finds nobody, waits for the lock and starts the next
 * warden, which reads what is written here. */
static int end(struct warden_program *w) {
    struct err err = {0};
    unlinkat(w->setup.state_dir, SOCKET_FILE, 0);
    link_close(&w->link);
    int r = exits_save(w->setup.state, &w->s.jobs, &err);
    if (r < 0) note(w, err.msg);
    supervisor_close(&w->s);
    close(w->signals);
    close(w->epoll);
    return r;
}

int main(int argc, char **argv) {
    struct warden_program w = {.setup = {.idle = IDLE_DEFAULT, .ready = -1}};
    struct err err = {0};
    if (setup_parse(&w.setup, argc, argv, &err) < 0 || setup_enter(&w.setup, &err) < 0 ||
        open_all(&w, &err) < 0) {
        setup_tell(&w.setup, err.msg);
        return EX_ENVIRONMENT;
    }
    setup_tell(&w.setup, "ok");
    run(&w);
    int r = end(&w);
    setup_leave(&w.setup);
    return r < 0 ? EX_ENVIRONMENT : 0;
}
