/* lives.c: see lives.h.
 *
 * A pause is no sign of life: that follows a successful write, and none is possible now. But the daemon does
 * not hang either, and killing it would free no disk: systemd is asked for the patience of the pause on top of
 * the usual interval (WATCHDOG_USEC=, sd_notify(3)), each time anew. Whatever hangs in the pause or after it
 * is still found. */
#include "scheduler/conductor/lives.h"

#include "base/utf8.h"
#include "scheduler/conductor/notify.h"

#include <signal.h>
#include <string.h>
#include <time.h>

enum { FIRST_S = 1, LONGEST_S = 30, STATUS_BYTES = 300 };
#define HEALTHY_LIFE (10 * US_PER_MINUTE)

int lives_pause(int before, duration_t lasted) {
    if (before == 0 || lasted >= HEALTHY_LIFE) return FIRST_S;
    return before * 2 < LONGEST_S ? before * 2 : LONGEST_S;
}

static void tell(int seconds, const struct err *why) {
    size_t n = strlen(why->msg);
    if (n > STATUS_BYTES) n = utf8_whole(why->msg, STATUS_BYTES);
    notify("STATUS=broken, tries again in %d s: %.*s", seconds, (int)n, why->msg);
    notify_patience(seconds * US_PER_SECOND);
}

bool lives_wait(int seconds, const struct err *why) {
    sigset_t set, old;
    struct timespec t = {.tv_sec = seconds};
    tell(seconds, why);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, &old);
    int got = sigtimedwait(&set, NULL, &t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return got < 0 || got == SIGHUP;
}
