/* get.c: see get.h. */
#include "operators/http/get.h"

#include "base/buf.h"

#include <curl/curl.h>

struct body {
    struct buf text;
    size_t max;
};

static size_t take(char *p, size_t size, size_t n, void *ctx) {
    struct body *b = ctx;
    if (b->text.len + size * n > b->max) return 0;
    buf_add(&b->text, p, size * n);
    return size * n;
}

char *http_get(const char *url, long timeout_ms, size_t max) {
    struct body b = {.max = max};
    CURL *c = curl_easy_init();
    if (!c) return NULL;
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &b);
    long status = 0;
    if (curl_easy_perform(c) == CURLE_OK) curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(c);
    if (status == 200) return buf_take(&b.text);
    buf_release(&b.text);
    return NULL;
}
