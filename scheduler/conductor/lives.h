/* lives.h: what lies between two lives of a daemon: the pause, and what systemd is told meanwhile. Private to
 * this folder. */
#ifndef LEAT_SCHEDULER_CONDUCTOR_LIVES_H
#define LEAT_SCHEDULER_CONDUCTOR_LIVES_H

#include "base/err.h"
#include "base/instant.h"

#include <stdbool.h>

/* Seconds from the end of a life that broke to the next one: short at first, twice as long each time, up to
 * half a minute; from the beginning again after a life that lasted. before: the pause before that life, 0:
 * there was none. */
int lives_pause(int before, duration_t lasted);
/* Waits so long, unless a signal says to end: false. SIGHUP: tries again at once. */
bool lives_wait(int seconds, const struct err *why);

#endif
