/* zone.c: zone data of the stage's own (RFC 9636): one offset, and another one from an instant on. It changes
 * as a package changes it: file by file, and at last the file that says the version. */
#include "stage.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

duration_t zone_offset(const struct zone_data *z, instant_t t) { return t < z->jump ? z->before : z->after; }

/* ---- TZif ---- */

static void put(FILE *f, int64_t n, int bytes) {
    for (int i = bytes - 1; i >= 0; i--) fputc((int)((uint64_t)n >> (8 * i) & 0xFF), f);
}

/* isutc, isstd, leap, time, type, char */
static void put_header(FILE *f, int times, int types) {
    fwrite("TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 1, 20, f);
    const int counts[] = {0, 0, 0, times, types, 4};
    for (int i = 0; i < 6; i++) put(f, counts[i], 4);
}

static void put_type(FILE *f, duration_t offset) {
    put(f, offset / US_PER_SECOND, 4);
    put(f, 0, 2); /* no daylight saving time; the abbreviation is the first */
}

static void put_zone(FILE *f, const struct zone_data *z) {
    put_header(f, 0, 1);
    put_type(f, 0);
    fwrite("LMT", 1, 4, f);
    put_header(f, 1, 2);
    put(f, z->jump / US_PER_SECOND, 8);
    put(f, 1, 1);
    put_type(f, z->before);
    put_type(f, z->after);
    fwrite("LMT\0\n\n", 1, 6, f);
}

/* ---- files ---- */

/* Nothing but the clock of the stage says when it was written. */
static FILE *open_new(const char *name, char path[320]) {
    snprintf(path, 320, "%s/zones/%s.new", stage->folder, name);
    FILE *f = fopen(path, "w");
    if (!f) abort();
    return f;
}

static void take_over(FILE *f, const char *path) {
    char to[320];
    struct timespec at = {.tv_sec = stage_wall() / US_PER_SECOND, .tv_nsec = stage->zone_count};
    fclose(f);
    utimensat(AT_FDCWD, path, (struct timespec[]){at, at}, 0);
    snprintf(to, sizeof to, "%.*s", (int)(strlen(path) - strlen(".new")), path);
    if (rename(path, to)) abort();
}

static void write_zone(const struct zone_data *z) {
    char path[320];
    FILE *f = open_new(ZONE_NAME, path);
    put_zone(f, z);
    take_over(f, path);
    f = open_new("+VERSION", path);
    fprintf(f, "2026.%d\n", stage->zone_count);
    take_over(f, path);
}

/* ---- what it says ---- */

static const struct zone_data *in_force(void) { return &stage->zones[stage->zone_count - 1]; }

static duration_t some_offset(void) { return ((duration_t)chance_below(95) - 47) * 15 * US_PER_MINUTE; }

/* None is farther from UTC than this. */
static bool is_offset(duration_t offset) { return offset >= -15 * US_PER_HOUR && offset <= 15 * US_PER_HOUR; }

/* At midnight of one of the next days, or at any minute: over wall times that fire, and into them. */
static struct zone_data with_jump(duration_t offset) {
    static const int sizes[] = {60, 60, 30, 45, 120, 180, 24 * 60};
    duration_t by = sizes[chance_below(sizeof sizes / sizeof *sizes)] * US_PER_MINUTE;
    if (chance_below(2)) by = -by;
    if (!is_offset(offset + by)) by = -by;
    if (!is_offset(offset + by)) by = offset < 0 ? US_PER_HOUR : -US_PER_HOUR;
    instant_t day = (stage_wall() / US_PER_DAY + 1 + (instant_t)chance_below(4)) * US_PER_DAY;
    instant_t local = chance_below(2) ? (by < 0 ? -by : 0) : (instant_t)chance_below(1440) * US_PER_MINUTE;
    return (struct zone_data){.jump = day + local - offset, .before = offset, .after = offset + by};
}

/* A government says when the clocks will jump; or the data was wrong, for long or since lately. */
static struct zone_data some_zone(void) {
    duration_t now = zone_offset(in_force(), stage_wall());
    instant_t lately = stage_wall() / US_PER_DAY * US_PER_DAY;
    if (chance_below(2)) return with_jump(now);
    if (chance_below(2)) return with_jump(some_offset());
    return (struct zone_data){
        .jump = lately - (instant_t)chance_below(3) * US_PER_DAY, .before = now, .after = some_offset()};
}

static void say_zone(struct zone_data z) {
    z.since = stage_wall();
    stage->zones[stage->zone_count++] = z;
    write_zone(&z);
    story("the zone: %lld minutes, from %lld on %lld", (long long)(z.before / US_PER_MINUTE),
          (long long)(z.jump / US_PER_SECOND), (long long)(z.after / US_PER_MINUTE));
}

void zone_change(void) {
    if (stage->zone_count == ZONES || !files_may_have_zone()) return;
    say_zone(some_zone());
    files_in_zone();
}

void zone_begin(void) {
    char path[300];
    stage->zones[stage->zone_count++] = (struct zone_data){.since = INT64_MIN};
    snprintf(path, sizeof path, "%s/zones", stage->folder);
    mkdir(path, 0700);
    setenv("TZDIR", path, 1);
    snprintf(path, sizeof path, "%s/zones/Stage", stage->folder);
    mkdir(path, 0700);
    say_zone(some_zone());
    stage->zones[1].since = INT64_MIN;
}
