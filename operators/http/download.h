/* download.h: one URL into one file, as patiently as it deserves.
 *
 * A transfer that breaks goes on where it stopped (Range with If-Range), when the server can and the content
 * is still the same; else it begins again. 429, 408, 5xx and broken connections are tried again, after
 * Retry-After where the server gives one, else after a growing pause. Only http and https; at most
 * DOWNLOAD_HOPS redirects.
 *
 * Address denial (contract.md 6): a URL that was built from ${…}, and every redirect to another origin, may
 * not lead to loopback, private, link-local, unspecified or multicast addresses. The address is looked at
 * when the connection is about to be made, so a name cannot be resolved one way for the check and another way
 * for the transfer. */
#ifndef LEAT_OPERATORS_HTTP_DOWNLOAD_H
#define LEAT_OPERATORS_HTTP_DOWNLOAD_H

#include "base/err.h"
#include "base/instant.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { DOWNLOAD_HOPS = 5, DOWNLOAD_TRIES = 6 };

struct download {
    const char *url, *to; /* to: made, or emptied */
    bool guarded;         /* the first URL may not lead inside either */
    const char *etag;     /* If-None-Match; NULL: none */
    duration_t pause;     /* before the second try; doubles; 0: one second */
    bool (*stop)(void *ctx);
    void (*progress)(void *ctx, int64_t bytes, int64_t total); /* total -1: unknown */
    void (*retrying)(void *ctx, const char *why, duration_t pause);
    void *ctx;
};

struct downloaded {
    int64_t bytes;
    int64_t modified_ns; /* Last-Modified; 0: not said */
    char etag[256];      /* "" when not said */
    bool not_modified;   /* 304: nothing was written */
};

/* -1 with err: exit 1 for what the server answered, 6 for a disk; reasons "http_status", "network", "denied",
 * "disk_full", "cancelled". */
int download_url(const struct download *d, struct downloaded *out, struct err *err);

/* true for addresses that lead inside. */
bool download_denies(const struct sockaddr *address);

#endif
