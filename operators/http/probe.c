/* probe.c: see probe.h. libcurl's multi interface: it says what it wants to be told, the host tells it. */
#include "operators/http/probe.h"

#include "base/arena.h"
#include "operators/http/download.h"
#include "operators/http/origin.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_SECONDS = 10, PER_HOST = 6 };

struct probe {
    uint64_t id;
    uint32_t slot;
    char *url, *hop; /* as asked; of the request under way */
    bool guarded, hop_guarded, get, denied;
    int hops;
    CURL *easy; /* NULL: it waits its turn */
    char words[CURL_ERROR_SIZE];
    struct probe *next;
};

struct probes {
    struct probe_host host;
    CURLM *multi;
    struct probe *first, **last; /* in the order they were asked */
    int under_way;
};

/* ---- what curl calls ---- */

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx) {
    struct probes *p = ctx;
    (void)easy, (void)socket_ctx;
    int events = what == CURL_POLL_REMOVE
                     ? 0
                     : (what & CURL_POLL_IN ? PROBE_READ : 0) | (what & CURL_POLL_OUT ? PROBE_WRITE : 0);
    p->host.watch(p->host.ctx, fd, events);
    return 0;
}

static int set_timer(CURLM *multi, long ms, void *ctx) {
    struct probes *p = ctx;
    (void)multi;
    p->host.wake(p->host.ctx, ms);
    return 0;
}

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a) {
    struct probe *k = ctx;
    (void)purpose;
    if (k->hop_guarded && download_denies(&a->addr)) {
        k->denied = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
}

/* The body of a GET is of no interest: this ends it. */
static size_t refuse_body(char *data, size_t size, size_t n, void *ctx) {
    (void)data, (void)size, (void)n, (void)ctx;
    return 0;
}

/* ---- one request ---- */

static void set_options(struct probe *k) {
    CURL *c = k->easy;
    curl_easy_setopt(c, CURLOPT_URL, k->hop);
    curl_easy_setopt(c, CURLOPT_PRIVATE, k);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L); /* a name that is not found must not hold up the end */
    curl_easy_setopt(c, CURLOPT_USERAGENT, "leat/" LEAT_VERSION);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, k->words);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)PROBE_SECONDS);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, k);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, refuse_body);
    curl_easy_setopt(c, CURLOPT_NOBODY, k->get ? 0L : 1L);
    /* Behind a proxy, or on a connection made for somebody else, the address is not the one that matters. */
    if (k->hop_guarded) curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    if (k->hop_guarded) curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
}

static bool send_request(struct probes *p, struct probe *k) {
    if (!k->easy) {
        if (!(k->easy = curl_easy_init())) return false;
        p->under_way++;
    }
    curl_easy_reset(k->easy);
    k->denied = false;
    k->words[0] = 0;
    set_options(k);
    return curl_multi_add_handle(p->multi, k->easy) == CURLM_OK;
}

static void probe_free(struct probes *p, struct probe *k) {
    if (k->easy) {
        curl_multi_remove_handle(p->multi, k->easy);
        curl_easy_cleanup(k->easy);
        p->under_way--;
    }
    free(k->url);
    free(k->hop);
    free(k);
}

static struct probe *take_out(struct probes *p, uint64_t id) {
    for (struct probe **at = &p->first; *at; at = &(*at)->next) {
        struct probe *k = *at;
        if (k->id != id) continue;
        *at = k->next;
        if (!*at) p->last = at;
        return k;
    }
    return NULL;
}

static void answer(struct probes *p, struct probe *k, bool there, const char *problem) {
    struct probe_answer a = {.id = k->id, .slot = k->slot, .there = there};
    snprintf(a.problem, sizeof a.problem, "%s", problem);
    take_out(p, k->id);
    probe_free(p, k);
    p->host.answered(p->host.ctx, &a);
}

static void begin_some(struct probes *p) {
    for (struct probe *k = p->first; k && p->under_way < PROBES_AT_ONCE; k = k->next)
        if (!k->easy && !send_request(p, k)) return; /* no memory: later */
}

/* ---- what an answer means ---- */

/* Some servers know no HEAD, and signed URLs are often good for GET alone. */
static bool may_be_no_head(long status) {
    static const long list[] = {400, 401, 403, 405, 501};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (list[i] == status) return true;
    return false;
}

static void again(struct probes *p, struct probe *k) {
    curl_multi_remove_handle(p->multi, k->easy);
    if (!send_request(p, k)) answer(p, k, false, "libcurl cannot start");
}

static void follow(struct probes *p, struct probe *k, long status) {
    char problem[512], *next = NULL;
    curl_easy_getinfo(k->easy, CURLINFO_REDIRECT_URL, &next);
    if (!next || ++k->hops > DOWNLOAD_HOPS) {
        snprintf(problem, sizeof problem, next ? "%.300s redirects more than %d times" : "%.300s answered %d",
                 k->url, next ? DOWNLOAD_HOPS : (int)status);
        answer(p, k, false, problem);
        return;
    }
    k->hop_guarded = k->guarded || !http_same_origin(k->url, next);
    free(k->hop);
    k->hop = xstrdup(next);
    again(p, k);
}

static void judge_status(struct probes *p, struct probe *k, long status) {
    char problem[512];
    snprintf(problem, sizeof problem, "%.400s answered %ld", k->hop, status);
    if (status >= 200 && status < 300) {
        answer(p, k, true, "");
    } else if (status == 404 || status == 410) {
        answer(p, k, false, "");
    } else if (status >= 300 && status < 400) {
        follow(p, k, status);
    } else if (!k->get && may_be_no_head(status)) {
        k->get = true;
        again(p, k);
    } else {
        answer(p, k, false, problem);
    }
}

static void done(struct probes *p, struct probe *k, CURLcode code) {
    char problem[512];
    long status = 0;
    curl_easy_getinfo(k->easy, CURLINFO_RESPONSE_CODE, &status);
    if (k->denied) {
        snprintf(problem, sizeof problem, "%.300s leads to an address inside: refused", k->hop);
        answer(p, k, false, problem);
    } else if (status >= 200 && (code == CURLE_OK || code == CURLE_WRITE_ERROR)) {
        judge_status(p, k, status);
    } else {
        snprintf(problem, sizeof problem, "%.240s: %.240s", k->hop,
                 k->words[0] ? k->words : curl_easy_strerror(code));
        answer(p, k, false, problem);
    }
}

static void read_answers(struct probes *p) {
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(p->multi, &left));) {
        struct probe *k = NULL;
        CURLcode code = m->data.result;
        if (m->msg != CURLMSG_DONE) continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&k);
        done(p, k, code);
    }
    begin_some(p);
}

/* ---- the host's side ---- */

void probes_ready(struct probes *p, int fd, int events) {
    int running;
    int mask = (events & PROBE_READ ? CURL_CSELECT_IN : 0) | (events & PROBE_WRITE ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(p->multi, fd, mask, &running);
    read_answers(p);
}

void probes_timeout(struct probes *p) {
    int running;
    curl_multi_socket_action(p->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    read_answers(p);
}

void probes_ask(struct probes *p, const struct probe_ask *ask) {
    struct probe *k = xcalloc(1, sizeof *k);
    *k = (struct probe){.id = ask->id,
                        .slot = ask->slot,
                        .url = xstrdup(ask->url),
                        .hop = xstrdup(ask->url),
                        .guarded = ask->guarded,
                        .hop_guarded = ask->guarded};
    *p->last = k;
    p->last = &k->next;
    begin_some(p); /* curl asks to be woken; nothing is answered from in here */
}

void probes_drop(struct probes *p, uint64_t id) {
    struct probe *k = take_out(p, id);
    if (k) probe_free(p, k);
}

struct probes *probes_new(const struct probe_host *host, struct err *err) {
    struct probes *p = xcalloc(1, sizeof *p);
    p->host = *host;
    p->last = &p->first;
    p->multi = curl_multi_init();
    if (!p->multi) {
        free(p);
        err_set(err, EX_ENVIRONMENT, "libcurl cannot start");
        return NULL;
    }
    curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
    curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
    curl_multi_setopt(p->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)PER_HOST);
    curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, (long)PROBES_AT_ONCE);
    return p;
}

void probes_free(struct probes *p) {
    if (!p) return;
    while (p->first) {
        struct probe *k = p->first;
        p->first = k->next;
        probe_free(p, k);
    }
    curl_multi_cleanup(p->multi);
    free(p);
}
