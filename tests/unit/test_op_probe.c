/* test_op_probe.c: looks at URLs, driven by a loop of poll(), against a server that answers by the path it is
 * asked for. */
#include "base/arena.h"
#include "operators/http/probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the server: /204, /HEAD-405 (a GET is answered 200), /hop-N, /to?URL, /hang ---- */

struct server {
    int fd, port;
    pthread_t thread;
    atomic_int heads, gets;
};

static void reply(int c, const char *status, const char *location) {
    char text[512];
    int n = snprintf(text, sizeof text, "HTTP/1.1 %s\r\n%s%s%sContent-Length: 0\r\nConnection: close\r\n\r\n",
                     status, location ? "Location: " : "", location ? location : "", location ? "\r\n" : "");
    ssize_t ignored = write(c, text, (size_t)n);
    (void)ignored;
}

static void answer(struct server *s, int c, bool head, const char *path) {
    char text[256];
    int hops = 0;
    if (strcmp(path, "/hang") == 0) {
        nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    } else if (strncmp(path, "/get-only-", 10) == 0) {
        snprintf(text, sizeof text, "%s No", path + 10);
        reply(c, head ? text : "200 OK", NULL);
    } else if (sscanf(path, "/hop-%d", &hops) == 1) {
        snprintf(text, sizeof text, "/hop-%d", hops - 1);
        reply(c, hops ? "302 Found" : "200 OK", hops ? text : NULL);
    } else if (strcmp(path, "/outside") == 0) { /* another origin: the same machine under another name */
        snprintf(text, sizeof text, "http://localhost:%d/200", s->port);
        reply(c, "302 Found", text);
    } else if (strcmp(path, "/nowhere") == 0) {
        reply(c, "302 Found", NULL);
    } else if (strcmp(path, "/big") == 0) {
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
        ssize_t ignored = write(c, text, strlen(text));
        (void)ignored;
    } else {
        snprintf(text, sizeof text, "%.3s Said", path + 1);
        reply(c, text, NULL);
    }
}

static void *serve(void *arg) {
    struct server *s = arg;
    for (int c; (c = accept(s->fd, NULL, NULL)) >= 0;) {
        char request[2048] = "", method[8] = "", path[256] = "";
        size_t len = 0;
        while (len < sizeof request - 1 && !strstr(request, "\r\n\r\n")) {
            ssize_t got = read(c, request + len, sizeof request - 1 - len);
            if (got <= 0) break;
            len += (size_t)got;
        }
        sscanf(request, "%7s %255s", method, path);
        bool head = strcmp(method, "HEAD") == 0;
        atomic_fetch_add(head ? &s->heads : &s->gets, 1);
        answer(s, c, head, path);
        shutdown(c, SHUT_WR);
        close(c);
    }
    return NULL;
}

static void server_start(struct server *s) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    *s = (struct server){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(s->fd, 128), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &n), 0);
    s->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s) {
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

/* ---- the loop ---- */

enum { SOCKETS = 64, ASKS = 512 };

struct loop {
    struct probes *probes;
    struct pollfd fds[SOCKETS];
    int count, most, answered;
    long wake_ms; /* -1: never */
    struct probe_answer answers[ASKS];
};

static void watch(void *ctx, int fd, int events) {
    struct loop *l = ctx;
    int i = 0;
    while (i < l->count && l->fds[i].fd != fd) i++;
    if (!events) {
        assert_true(i < l->count);
        l->fds[i] = l->fds[--l->count];
        return;
    }
    assert_true(i < SOCKETS);
    short both = (short)((events & PROBE_READ ? POLLIN : 0) | (events & PROBE_WRITE ? POLLOUT : 0));
    l->fds[i] = (struct pollfd){.fd = fd, .events = both};
    if (i == l->count) l->count++;
    if (l->count > l->most) l->most = l->count;
}

static void wake(void *ctx, long ms) { ((struct loop *)ctx)->wake_ms = ms; }

static void answered(void *ctx, const struct probe_answer *a) {
    struct loop *l = ctx;
    assert_true(l->answered < ASKS);
    l->answers[l->answered++] = *a;
}

static void loop_open(struct loop *l) {
    struct err err;
    *l = (struct loop){.wake_ms = -1};
    struct probe_host host = {.watch = watch, .wake = wake, .answered = answered, .ctx = l};
    l->probes = probes_new(&host, &err);
    assert_non_null(l->probes);
}

/* Until so many answers have come. */
static void loop_run(struct loop *l, int wanted) {
    for (int turns = 0; l->answered < wanted; turns++) {
        assert_true(turns < 100000);
        struct pollfd fds[SOCKETS];
        int count = l->count, timeout = l->wake_ms < 0 ? 2000 : (int)l->wake_ms;
        memcpy(fds, l->fds, sizeof fds);
        int n = poll(fds, (nfds_t)count, timeout);
        if (n == 0) {
            assert_true(l->wake_ms >= 0);
            l->wake_ms = -1;
            probes_timeout(l->probes);
        }
        for (int i = 0; i < count && n > 0; i++) {
            int seen = (fds[i].revents & (POLLIN | POLLHUP | POLLERR) ? PROBE_READ : 0) |
                       (fds[i].revents & POLLOUT ? PROBE_WRITE : 0);
            bool still = false;
            for (int k = 0; k < l->count; k++) still |= l->fds[k].fd == fds[i].fd;
            if (seen && still) probes_ready(l->probes, fds[i].fd, seen);
        }
    }
}

static struct probe_answer look(int port, const char *host, const char *path, bool guarded) {
    struct loop l;
    char url[256];
    snprintf(url, sizeof url, "http://%s:%d%s", host, port, path);
    loop_open(&l);
    probes_ask(l.probes, &(struct probe_ask){.id = 7, .slot = 3, .url = url, .guarded = guarded});
    loop_run(&l, 1);
    probes_free(l.probes);
    assert_int_equal(l.count, 0);
    assert_int_equal(l.answers[0].id, 7);
    assert_int_equal(l.answers[0].slot, 3);
    return l.answers[0];
}

/* ---- cases ---- */

static const struct {
    const char *path;
    bool guarded, there;
    const char *problem; /* a part of it; "": none */
    int heads, gets;
} cases[] = {
    {"/200", false, true, "", 1, 0},
    {"/204", false, true, "", 1, 0},
    {"/404", false, false, "", 1, 0},
    {"/410", false, false, "", 1, 0},
    {"/500", false, false, "/500 answered 500", 1, 0},
    {"/429", false, false, "answered 429", 1, 0},
    {"/403", false, false, "answered 403", 1, 1},
    {"/get-only-405", false, true, "", 1, 1},
    {"/get-only-403", false, true, "", 1, 1},
    {"/hop-3", false, true, "", 4, 0},
    {"/hop-9", false, false, "redirects more than 5 times", 6, 0},
    {"/nowhere", false, false, "answered 302", 1, 0},
    {"/outside", false, false, "leads to an address inside: refused", 1, 0},
    {"/200", true, false, "leads to an address inside: refused", 0, 0},
    {"/hang", false, false, ": ", 1, 0},
    {"/big", false, true, "", 1, 0},
};

static void test_answers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct server s;
        server_start(&s);
        struct probe_answer a = look(s.port, "127.0.0.1", cases[i].path, cases[i].guarded);
        server_stop(&s);
        bool as_wanted = a.there == cases[i].there && strstr(a.problem, cases[i].problem) &&
                         (a.problem[0] != 0) == (cases[i].problem[0] != 0) && s.heads == cases[i].heads &&
                         s.gets == cases[i].gets;
        if (!as_wanted)
            fail_msg("%s: there %d, problem %s, %d heads, %d gets", cases[i].path, a.there, a.problem,
                     s.heads, s.gets);
    }
}

static void test_nobody_there(void **state) {
    (void)state;
    struct server s;
    server_start(&s);
    server_stop(&s);
    struct probe_answer a = look(s.port, "127.0.0.1", "/200", false);
    assert_false(a.there);
    assert_non_null(strstr(a.problem, "http://127.0.0.1:"));
    a = look(s.port, "no-such-host.invalid", "/200", false);
    assert_false(a.there);
    assert_true(a.problem[0]);
}

/* Many at once: all are answered, so many at a time. */
static void test_many(void **state) {
    (void)state;
    struct server s;
    struct loop l;
    char url[256];
    enum { MANY = 300 };
    server_start(&s);
    loop_open(&l);
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(url, sizeof url, "http://127.0.0.1:%d/%s", s.port, i % 3 ? "404" : "200");
        probes_ask(l.probes, &(struct probe_ask){.id = i, .slot = i, .url = url});
    }
    loop_run(&l, MANY);
    int there = 0;
    bool seen[MANY] = {0};
    for (int i = 0; i < MANY; i++) {
        assert_false(seen[l.answers[i].id]);
        seen[l.answers[i].id] = true;
        there += l.answers[i].there;
        assert_int_equal(l.answers[i].there, l.answers[i].id % 3 == 0);
    }
    assert_int_equal(there, MANY / 3);
    assert_true(l.most <= PROBES_AT_ONCE);
    probes_free(l.probes);
    server_stop(&s);
}

/* What was dropped is not answered; what is under way at the end neither. */
static void test_drop(void **state) {
    (void)state;
    struct server s;
    struct loop l;
    char url[256];
    server_start(&s);
    loop_open(&l);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/200", s.port);
    for (uint64_t i = 0; i < 100; i++) probes_ask(l.probes, &(struct probe_ask){.id = i, .url = url});
    for (uint64_t i = 0; i < 100; i += 2) probes_drop(l.probes, i);
    probes_drop(l.probes, 1000);
    loop_run(&l, 50);
    for (int i = 0; i < l.answered; i++) assert_int_equal(l.answers[i].id % 2, 1);
    probes_ask(l.probes, &(struct probe_ask){.id = 200, .url = url});
    probes_free(l.probes);
    assert_int_equal(l.answered, 50);
    assert_int_equal(l.count, 0);
    server_stop(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
