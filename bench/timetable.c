/* timetable.c: what the clock costs: the timetable alone, without the database.
 *
 *   a tick with one schedule due, among few and among many; many due at one instant; ten million missed slots
 *   of one schedule while another one is on time */
#include "scheduler/timetable/timetable.h"
#include "base/json.h"
#include "base/world.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 700, TICKS = 100 }; /* less than a day of seconds */

static double now_us(void) { return (double)world_steady(world_real()); }

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *list, size_t n, double q) {
    qsort(list, n, sizeof *list, by_value);
    return list[(size_t)((double)(n - 1) * q)];
}

static struct schedule *schedule_of(const char *text) {
    struct err err = {0};
    json_t *j = json_loads(text, 0, NULL);
    struct schedule *s = schedule_from_rule("main", j, NULL, &err);
    json_decref(j);
    if (s) return s;
    fprintf(stderr, "%s: %s\n", text, err.msg);
    exit(1);
}

/* Schedules that fire once a month, not on the first, at all minutes of the day, in three zones. */
struct many {
    struct schedule **list;
    size_t count;
};

static struct many monthly(void) {
    static const char *const zones[] = {"UTC", "Europe/Berlin", "America/New_York"};
    struct many m = {.list = calloc(3 * 1440, sizeof *m.list)};
    char text[200];
    for (int i = 0; i < 3 * 1440; i++) {
        snprintf(text, sizeof text,
                 "{\"every\": \"month on %d at %02d:%02d\", \"timezone\": \"%s\", \"covers\": \"previous "
                 "month\"}",
                 3 + i % 25, i / 60 % 24, i % 60, zones[i / 1440]);
        m.list[m.count++] = schedule_of(text);
    }
    return m;
}

static void add(struct timetable *t, int64_t id, const struct schedule *s, instant_t now) {
    timetable_add(
        t, &(struct timetable_spec){.id = id, .group = id, .schedule = s, .cursor = now, .since = now}, now);
}

/* One schedule is due every second, n - 1 stand by. Returns the median of a tick. */
static double one_due(const struct many *m, size_t n, const struct schedule *often, instant_t start) {
    struct timetable *t = timetable_new();
    struct timetable_out out = {0};
    double *took = calloc(SAMPLES, sizeof *took), before = (double)mallinfo2().uordblks, began = now_us();
    for (size_t i = 1; i < n; i++) add(t, (int64_t)i, m->list[i * 7919 % m->count], start);
    double added = now_us() - began, bytes = (double)mallinfo2().uordblks - before;
    add(t, 0, often, start);
    for (int i = 0; i < SAMPLES; i++) {
        began = now_us();
        for (int k = 0; k < TICKS; k++) {
            out.count = out.move_count = 0;
            timetable_tick(t, timetable_next_due(t, NULL), TIMETABLE_BUDGET, &out);
        }
        took[i] = (now_us() - began) / TICKS;
    }
    double median = quantile(took, SAMPLES, 0.5);
    printf("  %7zu schedules: tick with one due %4.0f ns   add %5.0f ns   %4.0f bytes each\n", n,
           median * 1000, added * 1000 / (double)n, bytes / (double)n);
    timetable_free(t);
    timetable_out_release(&out);
    free(took);
    return median;
}

static void burst(const struct schedule *s, size_t n, instant_t start) {
    struct timetable *t = timetable_new();
    struct timetable_out out = {0};
    for (size_t i = 0; i < n; i++) add(t, (int64_t)i, s, start);
    double began = now_us(), longest = 0;
    instant_t now = timetable_next_due(t, NULL);
    size_t ticks = 0, decisions = 0;
    for (; timetable_next_due(t, NULL) <= now; ticks++) {
        double tick = now_us();
        out.count = out.move_count = 0;
        timetable_tick(t, now, TIMETABLE_BUDGET, &out);
        decisions += out.count;
        if (now_us() - tick > longest) longest = now_us() - tick;
    }
    printf("  %7zu due at one instant: %zu decided in %.1f ms, %zu ticks, the longest %.2f ms\n", n,
           decisions, (now_us() - began) / 1000, ticks, longest / 1000);
    timetable_free(t);
    timetable_out_release(&out);
}

static void missed(const char *rule, instant_t start, duration_t away) {
    struct schedule *behind = schedule_of(rule), *well = schedule_of("{\"cron\": [\"* * * * *\"]}");
    struct timetable *t = timetable_new();
    struct timetable_out out = {0};
    instant_t now = start + away;
    add(t, 1, behind, start);
    add(t, 2, well, now - US_PER_MINUTE);
    double began = now_us(), longest = 0;
    int64_t slots = 0, rest = 0;
    for (size_t ticks = 0; timetable_next_due(t, NULL) <= now; ticks++) {
        double tick = now_us();
        out.count = out.move_count = 0;
        timetable_tick(t, now, TIMETABLE_BUDGET, &out);
        for (size_t i = 0; i < out.count; i++) {
            slots += out.decisions[i].count;
            if (out.decisions[i].id == 2) rest += ticks == 0;
        }
        if (now_us() - tick > longest) longest = now_us() - tick;
    }
    printf(
        "  %10lld missed slots: %.2f s, longest tick %.2f ms; another schedule %s in the first tick   %s\n",
        (long long)slots, (now_us() - began) / 1e6, longest / 1000, rest ? "was decided" : "WAITED", rule);
    timetable_free(t);
    timetable_out_release(&out);
    schedule_free(behind);
    schedule_free(well);
}

int main(void) {
    instant_t start;
    instant_parse("2026-06-01T00:00:00Z", &start);
    struct many m = monthly();
    struct schedule *often = schedule_of("{\"cron\": [\"* * * * * *\"]}");
    puts("timetable: deciding slots, without writing them down");
    double few = one_due(&m, 10, often, start);
    one_due(&m, 1000, often, start);
    double all = one_due(&m, 100000, often, start);
    printf("  ratio of a tick, 100,000 to 10: %.2f\n", all / few);
    burst(m.list[0], 1000, start);
    burst(m.list[0], 100000, start);
    missed("{\"cron\": [\"* * * * * *\"]}", start, 10000000 * US_PER_SECOND);
    missed("{\"cron\": [\"* * * * * *\"], \"timezone\": \"Europe/Berlin\", \"covers\": \"previous day\"}",
           start, 10000000 * US_PER_SECOND);
    for (size_t i = 0; i < m.count; i++) schedule_free(m.list[i]);
    free(m.list);
    schedule_free(often);
    return 0;
}
