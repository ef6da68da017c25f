/* look_urls.c: looks at URLs on the loop: operators/http/probe.h says which sockets to watch, the loop
 * tells. */
#include "base/arena.h"
#include "operators/http/probe.h"
#include "scheduler/conductor/attended.h"

#include <stdlib.h>

struct socket_watch {
    uv_poll_t poll; /* first: its address is the watch's */
    struct look_urls *owner;
    int fd;
    struct socket_watch *next;
};

struct look_urls {
    struct conductor *c;
    struct probes *probes;
    uv_timer_t timer;
    struct socket_watch *watches;
};

/* A look that was dropped may still have an answer on its way: it is known by its attempt. */
static uint64_t probe_id(const struct live_attempt *a) { return (uint64_t)a->id; }

/* ---- what the prober calls ---- */

static void after_events(struct look_urls *l) {
    waits_arm(l->c);
    if (l->c->wants_turn) uv_stop(&l->c->loop);
}

static void socket_ready(uv_poll_t *h, int status, int events) {
    struct socket_watch *s = (struct socket_watch *)h;
    struct look_urls *l = s->owner;
    int both = PROBE_READ | PROBE_WRITE; /* an error shows itself to whoever reads or writes */
    int seen = status < 0
                   ? both
                   : (events & UV_READABLE ? PROBE_READ : 0) | (events & UV_WRITABLE ? PROBE_WRITE : 0);
    probes_ready(l->probes, s->fd, seen);
    after_events(l);
}

static struct socket_watch *watch_of(struct look_urls *l, int fd) {
    struct socket_watch *s = l->watches;
    while (s && s->fd != fd) s = s->next;
    return s;
}

static void watch_freed(uv_handle_t *h) { free(h); }

static void unwatch(struct look_urls *l, int fd) {
    for (struct socket_watch **at = &l->watches; *at; at = &(*at)->next) {
        struct socket_watch *s = *at;
        if (s->fd != fd) continue;
        *at = s->next;
        uv_poll_stop(&s->poll);
        uv_close((uv_handle_t *)&s->poll, watch_freed);
        return;
    }
}

static struct socket_watch *watch_new(struct look_urls *l, int fd) {
    struct socket_watch *s = xcalloc(1, sizeof *s);
    *s = (struct socket_watch){.owner = l, .fd = fd, .next = l->watches};
    l->watches = s;
    uv_poll_init(&l->c->loop, &s->poll, fd);
    return s;
}

static void watch(void *ctx, int fd, int events) {
    struct look_urls *l = ctx;
    if (!events) {
        unwatch(l, fd);
        return;
    }
    struct socket_watch *s = watch_of(l, fd);
    if (!s) s = watch_new(l, fd);
    uv_poll_start(&s->poll,
                  (events & PROBE_READ ? UV_READABLE : 0) | (events & PROBE_WRITE ? UV_WRITABLE : 0),
                  socket_ready);
}

static void timer_rang(uv_timer_t *timer) {
    struct look_urls *l = timer->data;
    probes_timeout(l->probes);
    after_events(l);
}

static void wake(void *ctx, long ms) {
    struct look_urls *l = ctx;
    uv_timer_stop(&l->timer);
    if (ms < 0) return;
    uv_update_time(&l->c->loop);
    uv_timer_start(&l->timer, timer_rang, (uint64_t)ms, 0);
}

static void answered(void *ctx, const struct probe_answer *answer) {
    struct look_urls *l = ctx;
    struct live_attempt *a = waits_of(l->c, answer->slot, (int64_t)answer->id);
    if (a) waits_looked(l->c, a, answer->there, answer->problem);
}

/* ---- the waits' side ---- */

void look_urls_add(struct look_urls *l, const struct live_attempt *a) {
    const struct attended *t = a->attended;
    struct probe_ask ask = {.id = probe_id(a), .slot = t->slot, .url = t->what.what, .guarded = t->guarded};
    probes_ask(l->probes, &ask);
}

void look_urls_drop(struct look_urls *l, const struct live_attempt *a) {
    if (l) probes_drop(l->probes, probe_id(a));
}

struct look_urls *look_urls_new(struct conductor *c, struct err *err) {
    struct look_urls *l = xcalloc(1, sizeof *l);
    l->c = c;
    struct probe_host host = {.watch = watch, .wake = wake, .answered = answered, .ctx = l};
    if (!(l->probes = probes_new(&host, err))) {
        free(l);
        return NULL;
    }
    uv_timer_init(&c->loop, &l->timer);
    l->timer.data = l;
    return l;
}

void look_urls_close(struct look_urls *l) {
    if (!l) return;
    probes_free(l->probes);
    l->probes = NULL;
    while (l->watches) unwatch(l, l->watches->fd);
    uv_timer_stop(&l->timer);
}

void look_urls_free(struct look_urls *l) { free(l); }
