/* test_op_http.c: downloads against a server that misbehaves as told, and the addresses that lead inside. */
#include "workbench.h"

#include "operators/http/download.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

/* ---- a server: one canned answer a request, in order --------------------------------------------------- */

struct server {
    int fd, port;
    pthread_t thread;
    const char *const *answers; /* NULL at the end; the last one is repeated */
    atomic_int served;
    char requests[16][2048];
};

static void answer(struct server *s, int c, int n) {
    char *to = s->requests[n < 16 ? n : 15];
    size_t len = 0;
    while (len < 2047 && !(len > 3 && memcmp(to + len - 4, "\r\n\r\n", 4) == 0)) {
        ssize_t got = read(c, to + len, 1);
        if (got <= 0) break;
        len++;
    }
    to[len] = 0;
    int last = 0;
    while (s->answers[last + 1]) last++;
    const char *text = s->answers[n < last ? n : last];
    ssize_t ignored = write(c, text, strlen(text));
    (void)ignored;
}

static void *serve(void *arg) {
    struct server *s = arg;
    for (int c; (c = accept(s->fd, NULL, NULL)) >= 0;) {
        answer(s, c, atomic_fetch_add(&s->served, 1));
        shutdown(c, SHUT_WR);
        close(c);
    }
    return NULL;
}

static void server_start(struct server *s, const char *const *answers) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    *s = (struct server){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .answers = answers};
    assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(s->fd, 8), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &n), 0);
    s->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s) {
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

/* ---- downloads ----------------------------------------------------------------------------------------- */

#define OK_HEAD "HTTP/1.1 200 OK\r\nConnection: close\r\n"

static const struct {
    const char *what;
    const char *answers[5];
    const char *body; /* NULL: it fails */
    const char *message, *reason;
    int requests;
} cases[] = {
    {"plain", {OK_HEAD "Content-Length: 5\r\n\r\nhello"}, "hello", "", "", 1},
    {"empty", {OK_HEAD "Content-Length: 0\r\n\r\n"}, "", "", "", 1},
    {"busy, then fine",
     {"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy",
      "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      OK_HEAD "Content-Length: 5\r\n\r\nhello"},
     "hello",
     "",
     "",
     3},
    {"cut short, then the rest",
     {OK_HEAD "ETag: \"v1\"\r\nContent-Length: 10\r\n\r\nhello",
      "HTTP/1.1 206 Partial\r\nETag: \"v1\"\r\nContent-Range: bytes 5-9/10\r\nContent-Length: "
      "5\r\nConnection: "
      "close\r\n\r\nworld"},
     "helloworld",
     "",
     "",
     2},
    {"cut short, changed meanwhile",
     {OK_HEAD "ETag: \"v1\"\r\nContent-Length: 10\r\n\r\nhello",
      OK_HEAD "ETag: \"v2\"\r\nContent-Length: 3\r\n\r\nnew"},
     "new",
     "",
     "",
     2},
    {"cut short, nothing to know it by",
     {OK_HEAD "Content-Length: 10\r\n\r\nhello", OK_HEAD "Content-Length: 10\r\n\r\nhelloworld"},
     "helloworld",
     "",
     "",
     2},
    {"not there",
     {"HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
     NULL,
     "answered 404",
     "http_status",
     1},
    {"never well",
     {"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
     NULL,
     "answered 500",
     "http_status",
     DOWNLOAD_TRIES},
    {"led inside",
     {"HTTP/1.1 302 There\r\nLocation: http://127.0.0.2:1/x\r\nContent-Length: 0\r\nConnection: "
      "close\r\n\r\n"},
     NULL,
     "http://127.0.0.2:1/x leads to an address inside: refused",
     "denied",
     1},
    {"led to a file",
     {"HTTP/1.1 302 There\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
     NULL,
     "",
     "network",
     1},
    {"led around on its own origin",
     {"HTTP/1.1 301 There\r\nLocation: /b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      OK_HEAD "Content-Length: 2\r\n\r\nok"},
     "ok",
     "",
     "",
     2},
    {"led in a circle",
     {"HTTP/1.1 301 There\r\nLocation: /a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
     NULL,
     "redirects more than 5 times",
     "http_status",
     DOWNLOAD_HOPS + 1},
};

static void test_downloads(void **state) {
    (void)state;
    char folder[] = "/tmp/leat-http-XXXXXX";
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct server s;
        char url[64], to[64];
        server_start(&s, cases[i].answers);
        snprintf(url, sizeof url, "http://127.0.0.1:%d/a", s.port);
        snprintf(to, sizeof to, "%s/body", folder);
        struct download d = {.url = url, .to = to, .pause = 1000};
        struct downloaded got;
        struct err err = {0};
        int rc = download_url(&d, &got, &err);
        server_stop(&s);
        if (rc != (cases[i].body ? 0 : -1)) fail_msg("%s: %s", cases[i].what, err.msg);
        if (!strstr(err.msg, cases[i].message)) fail_msg("%s: %s", cases[i].what, err.msg);
        assert_string_equal(err.reason, cases[i].reason);
        assert_int_equal(s.served, cases[i].requests);
        assert_int_equal(fs_exists(to), cases[i].body != NULL);
        if (!cases[i].body) continue;
        char *body = fs_read(to, 1000, NULL, &err);
        if (!body || strcmp(body, cases[i].body) != 0) fail_msg("%s: %s", cases[i].what, body);
        assert_int_equal(got.bytes, (int64_t)strlen(body));
        free(body);
    }
    assert_int_equal(fs_remove_tree(folder, NULL), 0);
}

/* The second request says what is there already. */
static void test_resume_asks_for_the_rest(void **state) {
    (void)state;
    static const char *const answers[] = {OK_HEAD "ETag: \"v1\"\r\nContent-Length: 10\r\n\r\nhello",
                                          "HTTP/1.1 206 P\r\nContent-Range: bytes 5-9/10\r\nContent-Length: "
                                          "5\r\nConnection: close\r\n\r\nworld",
                                          NULL};
    struct server s;
    char url[64], folder[] = "/tmp/leat-http-XXXXXX", to[64];
    assert_non_null(mkdtemp(folder));
    server_start(&s, answers);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/a", s.port);
    snprintf(to, sizeof to, "%s/body", folder);
    struct download d = {.url = url, .to = to, .pause = 1000};
    struct downloaded got;
    struct err err;
    assert_int_equal(download_url(&d, &got, &err), 0);
    server_stop(&s);
    assert_non_null(strstr(s.requests[1], "Range: bytes=5-\r\n"));
    assert_non_null(strstr(s.requests[1], "If-Range: \"v1\"\r\n"));
    assert_int_equal(fs_remove_tree(folder, NULL), 0);
}

static bool stop_at_once(void *ctx) { return ++*(int *)ctx > 1; }

/* A stop is noticed in the pause, however long the server wants it. */
static void test_stop_in_the_pause(void **state) {
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", NULL};
    struct server s;
    char url[64], folder[] = "/tmp/leat-http-XXXXXX", to[64];
    int asked = 0;
    assert_non_null(mkdtemp(folder));
    server_start(&s, answers);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/a", s.port);
    snprintf(to, sizeof to, "%s/body", folder);
    struct download d = {.url = url, .to = to, .stop = stop_at_once, .ctx = &asked};
    struct downloaded got;
    struct err err;
    assert_int_equal(download_url(&d, &got, &err), -1);
    assert_string_equal(err.reason, "cancelled");
    server_stop(&s);
    assert_int_equal(fs_remove_tree(folder, NULL), 0);
}

/* ---- addresses ----------------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    bool denied;
} addresses[] = {
    {"127.0.0.1", true},
    {"10.1.2.3", true},
    {"172.16.0.1", true},
    {"172.32.0.1", false},
    {"192.168.1.1", true},
    {"169.254.169.254", true},
    {"100.64.0.1", true},
    {"0.0.0.0", true},
    {"224.0.0.1", true},
    {"255.255.255.255", true},
    {"8.8.8.8", false},
    {"93.184.216.34", false},
    {"::1", true},
    {"::", true},
    {"fe80::1", true},
    {"fc00::1", true},
    {"fd12::1", true},
    {"ff02::1", true},
    {"::ffff:127.0.0.1", true},
    {"::ffff:8.8.8.8", false},
    {"::127.0.0.1", true},
    {"64:ff9b::a00:1", true},
    {"64:ff9b::808:808", false},
    {"2002:7f00:1::", true},
    {"2606:4700::1111", false},
};

static void test_addresses(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct sockaddr_storage a = {0};
        struct sockaddr_in *v4 = (struct sockaddr_in *)&a;
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a;
        bool is6 = strchr(addresses[i].text, ':') != NULL;
        a.ss_family = is6 ? AF_INET6 : AF_INET;
        int ok = is6 ? inet_pton(AF_INET6, addresses[i].text, &v6->sin6_addr)
                     : inet_pton(AF_INET, addresses[i].text, &v4->sin_addr);
        assert_int_equal(ok, 1);
        if (download_denies((struct sockaddr *)&a) != addresses[i].denied) fail_msg("%s", addresses[i].text);
    }
}

/* ---- the verb ------------------------------------------------------------------------------------------ */

#define INTO_RAW "{'dataset': 'raw.web', 'format': 'files', 'schema': 'any'}"

static void test_copy_from_url(void **state) {
    (void)state;
    static const char *const answers[] = {OK_HEAD "ETag: \"v1\"\r\nContent-Length: 5\r\n\r\nid\n1\n",
                                          "HTTP/1.1 304 Same\r\nETag: \"v1\"\r\nConnection: close\r\n\r\n",
                                          OK_HEAD "ETag: \"v2\"\r\nContent-Length: 5\r\n\r\nid\n2\n",
                                          OK_HEAD "ETag: \"v3\"\r\nContent-Length: 5\r\n\r\nid\n2\n", NULL};
    static const char *const outcomes[] = {"ok", "nothing_new", "ok", "nothing_new"};
    struct lake *l = lake_new("UTC");
    struct server s;
    server_start(&s, answers);
    const char *config = arena_printf(l->arena, "'http://127.0.0.1:%d/data/orders.csv?x=1'", s.port);
    struct job j = {.verb = "copy", .config = config, .bookmark = "files", .into = INTO_RAW};
    for (size_t i = 0; i < 4; i++) {
        struct done d = bench_run(l, &j);
        assert_outcome(&d, outcomes[i]);
        if (strcmp(outcomes[i], "ok") == 0) bench_publish(l, &d);
        done_free(&d);
    }
    /* The second content took the first one's place. */
    assert_string_equal(bench_rows(l, "raw.web", "SELECT id FROM raw.web"), "2");
    assert_non_null(strstr(s.requests[1], "If-None-Match: \"v1\"\r\n"));
    j = (struct job){.verb = "copy", .config = config, .into = INTO_RAW, .templated = "from"};
    struct done d = bench_begin(l, &j);
    json_put(d.request, "config", json_pack("{so}", "from", loose(config)));
    bench_execute(l, &d);
    assert_outcome(&d, "failed");
    assert_string_equal(done_reason(&d), "denied");
    done_free(&d);
    server_stop(&s);
    lake_free(l);
}

int main(void) {
    unsetenv("http_proxy");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_downloads),         cmocka_unit_test(test_resume_asks_for_the_rest),
        cmocka_unit_test(test_stop_in_the_pause), cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_copy_from_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
