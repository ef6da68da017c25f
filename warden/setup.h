/* setup.h: from a started program to a daemon that holds its lock and nothing else. */
#ifndef LEAT_WARDEN_SETUP_H
#define LEAT_WARDEN_SETUP_H

#include "base/err.h"
#include "base/instant.h"

#include <stdbool.h>

#define LOCK_FILE   "warden.lock"
#define LOCK_HELD   "held" /* what the ready descriptor says when another warden has the lock */
#define SETUP_READY 3      /* the ready descriptor a conductor passes */

struct setup {
    const char *state; /* absolute */
    int state_dir, lock, ready;
    duration_t idle;
    bool foreground;
};

int setup_parse(struct setup *s, int argc, char **argv, struct err *err);
/* Takes the lock, leaves the caller's session, blocks all signals, becomes a subreaper, closes what was
 * inherited. */
int setup_enter(struct setup *s, struct err *err);
void setup_tell(struct setup *s, const char *line); /* to whoever started us; once */
void setup_leave(struct setup *s);

#endif
