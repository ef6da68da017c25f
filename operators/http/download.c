/* download.c: see download.h. Redirects are followed by hand: each hop is a request of its own, with its own
 * decision about addresses. */
#include "operators/http/download.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/world.h"
#include "operators/http/origin.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_PAUSE_MS = 1000, STALL_SECONDS = 60, CONNECT_SECONDS = 30 };
#define LONGEST_PAUSE (5 * US_PER_MINUTE)

enum answer { ANSWER_DONE, ANSWER_REDIRECT, ANSWER_AGAIN, ANSWER_FAILED };

struct transfer {
    const struct download *d;
    CURL *curl;
    int fd;
    char *url;    /* of this hop; owned */
    bool guarded; /* of this hop */
    bool denied, disk_failed;
    int disk_errno;
    int64_t have;  /* bytes in the file */
    int64_t total; /* -1: unknown */
    long status;
    bool body_good;      /* the answer's body belongs into the file */
    char validator[256]; /* strong ETag or Last-Modified: for If-Range */
    char etag[256], modified[64];
    duration_t retry_after; /* -1: not said */
};

/* ---- what curl calls ----------------------------------------------------------------------------------- */

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a) {
    struct transfer *t = ctx;
    (void)purpose;
    if (t->guarded && download_denies(&a->addr)) {
        t->denied = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* A range that is not the one asked for, or a whole body, starts the file over. */
static int place_body(struct transfer *t) {
    t->body_good = t->status == 200 || t->status == 206;
    if (t->status != 200) return 0;
    t->have = 0;
    return ftruncate(t->fd, 0) < 0 || lseek(t->fd, 0, SEEK_SET) < 0 ? -1 : 0;
}

static size_t take_body(char *p, size_t size, size_t n, void *ctx) {
    struct transfer *t = ctx;
    if (!t->status) {
        curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->status);
        if (place_body(t) < 0) t->disk_failed = true;
    }
    if (!t->disk_failed && t->body_good && fs_write_all(t->fd, p, size * n) < 0) t->disk_failed = true;
    if (t->disk_failed) {
        t->disk_errno = errno;
        return 0;
    }
    if (t->body_good) t->have += (int64_t)(size * n);
    return size * n;
}

static bool header_is(const char *line, size_t n, const char *name, char *out, size_t size) {
    size_t len = strlen(name);
    if (n <= len || strncasecmp(line, name, len) != 0 || line[len] != ':') return false;
    const char *p = line + len + 1, *end = line + n;
    while (p < end && isspace((unsigned char)*p)) p++;
    while (end > p && isspace((unsigned char)end[-1])) end--;
    if ((size_t)(end - p) >= size) return false;
    memcpy(out, p, (size_t)(end - p));
    out[end - p] = 0;
    return true;
}

/* Seconds, or a date. */
static duration_t parse_retry_after(const char *text) {
    char *end;
    long long seconds = strtoll(text, &end, 10);
    if (*text && !*end) return seconds < 0 ? 0 : seconds > 86400 ? US_PER_DAY : seconds * US_PER_SECOND;
    time_t at = curl_getdate(text, NULL);
    if (at < 0) return -1;
    duration_t left = (instant_t)at * US_PER_SECOND - world_wall(world_real());
    return left < 0 ? 0 : left;
}

static size_t take_header(char *p, size_t size, size_t n, void *ctx) {
    struct transfer *t = ctx;
    char text[128];
    size_t len = size * n;
    header_is(p, len, "ETag", t->etag, sizeof t->etag);
    header_is(p, len, "Last-Modified", t->modified, sizeof t->modified);
    if (header_is(p, len, "Retry-After", text, sizeof text)) t->retry_after = parse_retry_after(text);
    return len;
}

static int tick(void *ctx, curl_off_t total, curl_off_t now, curl_off_t up, curl_off_t sent) {
    struct transfer *t = ctx;
    (void)up, (void)sent, (void)now;
    if (t->total < 0 && total > 0) t->total = t->have + total - now;
    if (t->d->progress) t->d->progress(t->d->ctx, t->have, t->total);
    return t->d->stop && t->d->stop(t->d->ctx);
}

/* ---- one request --------------------------------------------------------------------------------------- */

static void set_options(struct transfer *t, struct curl_slist *headers, char range[32]) {
    CURL *c = t->curl;
    curl_easy_reset(c);
    curl_easy_setopt(c, CURLOPT_URL, t->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "leat/" LEAT_VERSION);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, tick);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    /* Behind a proxy the address that we connect to is not the one that matters. */
    if (t->guarded) curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    if (range[0]) curl_easy_setopt(c, CURLOPT_RANGE, range);
}

static struct curl_slist *request_headers(const struct transfer *t) {
    char line[320];
    struct curl_slist *list = NULL;
    if (t->have > 0) {
        snprintf(line, sizeof line, "If-Range: %s", t->validator);
        list = curl_slist_append(list, line);
    } else if (t->d->etag && t->d->etag[0]) {
        snprintf(line, sizeof line, "If-None-Match: %s", t->d->etag);
        list = curl_slist_append(list, line);
    }
    return list;
}

/* Without something to know the content by, a broken transfer begins again. */
static void prepare_resume(struct transfer *t, char range[32]) {
    range[0] = 0;
    if (!t->validator[0]) t->have = 0;
    if (t->have == 0 && (ftruncate(t->fd, 0) < 0 || lseek(t->fd, 0, SEEK_SET) < 0)) t->disk_failed = true;
    if (t->have > 0) snprintf(range, 32, "%lld-", (long long)t->have);
}

static CURLcode perform(struct transfer *t) {
    char range[32];
    prepare_resume(t, range);
    t->status = 0;
    t->total = -1;
    t->etag[0] = t->modified[0] = 0;
    t->retry_after = -1;
    t->denied = false;
    struct curl_slist *headers = request_headers(t);
    set_options(t, headers, range);
    CURLcode code = curl_easy_perform(t->curl);
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->status);
    curl_slist_free_all(headers);
    if (t->status == 200 || t->status == 206) {
        bool strong = t->etag[0] == '"';
        snprintf(t->validator, sizeof t->validator, "%s", strong ? t->etag : t->etag[0] ? "" : t->modified);
    }
    return code;
}

/* ---- what the answer means ----------------------------------------------------------------------------- */

static bool is_temporary(long status) {
    return status == 429 || status == 408 || (status >= 500 && status != 501);
}

static enum answer judge_status(struct transfer *t, struct err *err) {
    if (t->status == 200 || t->status == 206 || t->status == 304) {
        if (t->status == 200 && t->have == 0 && ftruncate(t->fd, 0) < 0) return ANSWER_FAILED;
        return ANSWER_DONE;
    }
    if (t->status >= 300 && t->status < 400) return ANSWER_REDIRECT;
    if (t->status == 416 && t->have > 0) {
        t->have = 0;
        t->validator[0] = 0;
        return ANSWER_AGAIN;
    }
    err_set(err, EX_FAILED, "%s answered %ld", t->url, t->status);
    err_reason(err, "http_status");
    return is_temporary(t->status) ? ANSWER_AGAIN : ANSWER_FAILED;
}

static enum answer judge(struct transfer *t, CURLcode code, struct err *err) {
    if (t->disk_failed) {
        errno = t->disk_errno;
        err_errno(err, "cannot write %s", t->d->to);
        return ANSWER_FAILED;
    }
    if (code == CURLE_ABORTED_BY_CALLBACK) {
        err_set(err, EX_INTERRUPTED, "the download was stopped");
        err_reason(err, "cancelled");
        return ANSWER_FAILED;
    }
    if (t->denied) {
        err_set(err, EX_FAILED, "%s leads to an address inside: refused", t->url);
        err_hint(err, "a URL with ${…}, and a redirect, may only lead to public addresses; write the URL out "
                      "if it is right");
        err_reason(err, "denied");
        return ANSWER_FAILED;
    }
    if (code == CURLE_OK) return judge_status(t, err);
    err_set(err, EX_FAILED, "%s: %s", t->url, curl_easy_strerror(code));
    err_reason(err, "network");
    bool hopeless = code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT;
    return hopeless ? ANSWER_FAILED : ANSWER_AGAIN;
}

/* ---- hops and tries ------------------------------------------------------------------------------------ */

/* The origin that was written out stays trusted; all others are looked at. */
static int follow(struct transfer *t, struct err *err) {
    char *next = NULL;
    curl_easy_getinfo(t->curl, CURLINFO_REDIRECT_URL, &next);
    if (!next) return err_set(err, EX_FAILED, "%s answered %ld without a place to go", t->url, t->status);
    t->guarded = t->d->guarded || !http_same_origin(t->d->url, next);
    free(t->url);
    t->url = xstrdup(next);
    return 0;
}

static enum answer try_once(struct transfer *t, struct err *err) {
    free(t->url);
    t->url = xstrdup(t->d->url);
    t->guarded = t->d->guarded;
    for (int hop = 0; hop <= DOWNLOAD_HOPS; hop++) {
        enum answer a = judge(t, perform(t), err);
        if (a != ANSWER_REDIRECT) return a;
        if (follow(t, err) < 0) return ANSWER_FAILED;
    }
    err_set(err, EX_FAILED, "%s redirects more than %d times", t->d->url, DOWNLOAD_HOPS);
    err_reason(err, "http_status");
    return ANSWER_FAILED;
}

/* Sleeps in short pieces, for the stop. */
static bool rest(const struct download *d, duration_t pause) {
    duration_t until = world_steady(world_real()) + pause;
    while (world_steady(world_real()) < until) {
        if (d->stop && d->stop(d->ctx)) return false;
        duration_t left = until - world_steady(world_real());
        duration_t nap = left < 100 * US_PER_MS ? left : 100 * US_PER_MS;
        if (nap > 0) nanosleep(&(struct timespec){.tv_nsec = (long)nap * 1000}, NULL);
    }
    return true;
}

static duration_t pause_of(const struct transfer *t, int tried) {
    duration_t first = t->d->pause ? t->d->pause : FIRST_PAUSE_MS * US_PER_MS;
    duration_t pause = t->retry_after >= 0 ? t->retry_after : first << (tried - 1);
    return pause > LONGEST_PAUSE ? LONGEST_PAUSE : pause;
}

static int try_all(struct transfer *t, struct err *err) {
    for (int tried = 1;; tried++) {
        struct err why = {0};
        enum answer a = try_once(t, &why);
        if (a == ANSWER_DONE) return 0;
        duration_t pause = pause_of(t, tried);
        if (a == ANSWER_FAILED || tried == DOWNLOAD_TRIES) {
            *err = why;
            return -1;
        }
        if (t->d->retrying) t->d->retrying(t->d->ctx, why.msg, pause);
        if (rest(t->d, pause)) continue;
        err_set(err, EX_INTERRUPTED, "the download was stopped");
        return err_reason(err, "cancelled");
    }
}

static void describe(const struct transfer *t, struct downloaded *out) {
    *out = (struct downloaded){.bytes = t->have, .not_modified = t->status == 304};
    snprintf(out->etag, sizeof out->etag, "%s", t->etag);
    time_t at = t->modified[0] ? curl_getdate(t->modified, NULL) : -1;
    if (at > 0) out->modified_ns = (int64_t)at * 1000000000;
}

int download_url(const struct download *d, struct downloaded *out, struct err *err) {
    struct transfer t = {.d = d, .curl = curl_easy_init()};
    if (!t.curl) return err_set(err, EX_ENVIRONMENT, "libcurl cannot start");
    t.fd = open(d->to, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    int rc = t.fd < 0 ? err_errno(err, "cannot create %s", d->to) : try_all(&t, err);
    if (t.fd >= 0 && close(t.fd) < 0 && rc == 0) rc = err_errno(err, "cannot write %s", d->to);
    if (rc == 0) describe(&t, out);
    curl_easy_cleanup(t.curl);
    free(t.url);
    if (rc < 0 || out->not_modified) unlink(d->to);
    return rc;
}
