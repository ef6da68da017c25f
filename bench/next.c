/* next.c: what the next fire time costs: for each line `expression<TAB>zone` of stdin one line
 * `parse ns<TAB>next ns`, or `-` when the expression is refused. Next is asked on and on from 2024; each
 * number is the median of several batches. */
#include "base/arena.h"
#include "cron/cron.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCHES = 9, CALLS = 400, LINE = 2048 };

static const instant_t begin = 1704067200 * US_PER_SECOND; /* 2024-01-01 */

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int order(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *list, size_t n) {
    qsort(list, n, sizeof *list, order);
    return list[n / 2];
}

static double time_next(struct cron_clock *k) {
    double took[BATCHES];
    instant_t t = begin;
    for (int b = 0; b < BATCHES; b++) {
        double start = now_ns();
        for (int i = 0; i < CALLS; i++) {
            t = cron_next(k, t);
            if (t == INSTANT_NONE) t = begin;
        }
        took[b] = (now_ns() - start) / CALLS;
    }
    return median(took, BATCHES);
}

static double time_parse(const char *text) {
    double took[BATCHES];
    struct cron c;
    struct cron_note err;
    volatile int sum = 0;
    for (int b = 0; b < BATCHES; b++) {
        double start = now_ns();
        for (int i = 0; i < CALLS; i++) sum += cron_parse(text, NULL, &c, &err);
        took[b] = (now_ns() - start) / CALLS;
    }
    return median(took, BATCHES);
}

int main(void) {
    char line[LINE];
    while (fgets(line, sizeof line, stdin)) {
        char *rest = line, *text = strsep(&rest, "\t\n"), *zone = strsep(&rest, "\t\n");
        struct cron c;
        struct cron_note err;
        struct cron_clock k;
        struct tz *tz = zone && strcmp(zone, "UTC") != 0 ? tz_load(zone, NULL) : NULL;
        bool good = cron_parse(text, NULL, &c, &err) == 0;
        if (good) cron_clock_init(&k, &c, tz);
        if (good)
            printf("%.1f\t%.1f\n", time_parse(text), time_next(&k));
        else
            printf("-\n");
        tz_free(tz);
    }
    return 0;
}
