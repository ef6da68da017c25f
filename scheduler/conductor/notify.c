/* notify.c: see notify.h: one datagram to a Unix socket, which may have an abstract name ("@…"). */
#include "scheduler/conductor/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify(const char *fmt, ...) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char text[512];
    if (!path || !*path || strlen(path) >= sizeof a.sun_path) return;
    memcpy(a.sun_path, path, strlen(path));
    if (*path == '@') a.sun_path[0] = 0;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || n < 0) return;
    size_t len = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    sendto(fd, text, len, MSG_NOSIGNAL, (const struct sockaddr *)&a, size);
    close(fd);
}

duration_t notify_watchdog(void) {
    const char *every = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (!every || (pid && atoll(pid) != getpid())) return 0;
    long long us = atoll(every);
    return us > 0 ? us : 0;
}

void notify_patience(duration_t more) {
    duration_t usual = notify_watchdog(), all = usual + more;
    if (usual) notify("WATCHDOG_USEC=%lld", (long long)all);
}
