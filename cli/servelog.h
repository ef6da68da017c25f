/* servelog.h: the log of `leat serve`: one line an event, as text (time, level, what, name=value …) or as the
 * event's JSON with its level.
 *
 * A daemon does not stop, and does not wait for long, because nobody takes its log: a full disk, a reader
 * that is gone or asleep. stderr is told once, lines are counted, and the first that can be written again
 * comes after one that says how many were lost (`log_lost`). */
#ifndef LEAT_CLI_SERVELOG_H
#define LEAT_CLI_SERVELOG_H

#include "base/err.h"
#include "cli/out.h"

#include <jansson.h>
#include <stdbool.h>

struct servelog {
    struct out *out;
    const struct out *err;
    bool json;
    long long lost; /* lines since the last one that could be written */
    bool torn;      /* the last one was cut off in its middle */
    int failure;    /* errno of the first of them; EAGAIN: its reader does not read */
};

void servelog_event(void *ctx, const char *level, const json_t *event); /* ctx is a struct servelog */
/* At the end: -1 when lines are lost, unless their reader went away. */
int servelog_end(const struct servelog *l, struct err *err);

#endif
