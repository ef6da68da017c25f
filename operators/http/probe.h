/* probe.h: is something there at a URL? Many URLs at once, without a thread and without blocking: the
 * caller's loop says when sockets are ready and time has passed, through the functions of struct probe_host.
 *
 * A look is a HEAD, and a GET whose body is not read where the server will have no HEAD. 200 to 299: it is
 * there. 404 and 410: not yet. Everything else (other answers, no connection, no answer in PROBE_SECONDS) is
 * a problem in words: looking again later may mend it. Redirects, and which addresses a URL may lead to, as
 * download.h has it. At most PROBES_AT_ONCE are under way, the others wait their turn. */
#ifndef LEAT_OPERATORS_HTTP_PROBE_H
#define LEAT_OPERATORS_HTTP_PROBE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { PROBES_AT_ONCE = 32, PROBE_SECONDS = 30, PROBE_READ = 1, PROBE_WRITE = 2 };

struct probe_answer {
    uint64_t id;
    uint32_t slot; /* as asked */
    bool there;
    char problem[512]; /* "": none */
};

struct probe_host {
    /* The descriptor is to be watched for these events from now on; 0: not any more (it is closed next). */
    void (*watch)(void *ctx, int fd, int events);
    /* probes_timeout() is to be called after so many ms, 0: soon, but not from in here; -1: not any more. */
    void (*wake)(void *ctx, long ms);
    /* Called from probes_ready() and probes_timeout() only. */
    void (*answered)(void *ctx, const struct probe_answer *answer);
    void *ctx;
};

struct probes;
struct probes *probes_new(const struct probe_host *host, struct err *err);
void probes_free(struct probes *p); /* unwatches everything, answers nothing; NULL is fine */

struct probe_ask {
    uint64_t id;   /* of one ask at a time */
    uint32_t slot; /* the asker's own: comes back with the answer */
    const char *url;
    bool guarded; /* it was computed and may not lead inside (contract.md 6) */
};
void probes_ask(struct probes *p, const struct probe_ask *ask);
void probes_drop(struct probes *p, uint64_t id); /* it will not be answered; fine when it is not there */
void probes_ready(struct probes *p, int fd, int events);
void probes_timeout(struct probes *p);

#endif
