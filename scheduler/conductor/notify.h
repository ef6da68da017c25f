/* notify.h: what systemd is told (sd_notify(3)), where it asked to be told: NOTIFY_SOCKET. */
#ifndef LEAT_SCHEDULER_CONDUCTOR_NOTIFY_H
#define LEAT_SCHEDULER_CONDUCTOR_NOTIFY_H

#include "base/instant.h"

/* Lines such as "READY=1"; nothing happens, and nothing can fail, where nobody listens. */
void notify(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* How often a sign of life is expected (WATCHDOG_USEC, for this process); 0: never. */
duration_t notify_watchdog(void);
/* Until the next sign of life it may take so much longer than that; 0: as usual. */
void notify_patience(duration_t more);

#endif
