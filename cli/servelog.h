/* servelog.h: the log of `leat serve`: one line an event, as text (time, level, what, name=value …) or as the
 * event's JSON with its level. */
#ifndef LEAT_CLI_SERVELOG_H
#define LEAT_CLI_SERVELOG_H

#include "cli/out.h"

#include <jansson.h>
#include <stdbool.h>

struct servelog {
    struct out *out;
    bool json;
};

void servelog_event(void *ctx, const char *level, const json_t *event); /* ctx is a struct servelog */

#endif
