/* stamp.c: a step that says when it began and ended: bench/run's chain measures between two of them.
 *
 *     bench-stamp FILE [wall]     appends "<start> <end>" in nanoseconds of the monotonic or the wall clock
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

int main(int argc, char **argv) {
    char line[64];
    clockid_t clock = argc > 2 && strcmp(argv[2], "wall") == 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    long long start = now_ns(clock);
    int fd = argc > 1 ? open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    if (fd < 0) return 2;
    int n = snprintf(line, sizeof line, "%lld %lld\n", start, now_ns(clock));
    return write(fd, line, (size_t)n) == n ? 0 : 1;
}
