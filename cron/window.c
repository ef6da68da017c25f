/* window.c: see window.h. */
#include "cron/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_SECONDS = 86400, HOUR_SECONDS = 3600, SURE = 2 * TZ_OFFSET_MAX };

/* ---- words */

static const char *const unit_names[] = {
    [WINDOW_FIRING] = "firing", [WINDOW_HOUR] = "hour",   [WINDOW_DAY] = "day",
    [WINDOW_WEEK] = "week",     [WINDOW_MONTH] = "month",
};

/* The unit of a word with or without its s; -1: none. */
static int unit_named(const char *word, bool *several) {
    for (int u = WINDOW_FIRING; u <= WINDOW_MONTH; u++) {
        size_t n = strlen(unit_names[u]);
        if (strncmp(word, unit_names[u], n) != 0) continue;
        *several = strcmp(word + n, "s") == 0;
        return *several || !word[n] ? u : -1;
    }
    return -1;
}

static bool parse_since(const char *unit, struct covers *out) {
    bool several;
    int u = unit_named(unit, &several);
    if (u <= WINDOW_FIRING || !several) return false;
    *out = (struct covers){.unit = (enum window_unit)u, .since = true, .count = 1};
    return true;
}

static bool parse_previous(long count, const char *unit, struct covers *out) {
    bool several;
    int u = unit_named(unit, &several);
    if (u < 0 || count < 1 || count > COVERS_COUNT_MAX || (several && u == WINDOW_FIRING)) return false;
    *out = (struct covers){.unit = (enum window_unit)u, .count = (int32_t)count};
    return true;
}

bool covers_parse(const char *text, struct covers *out) {
    char unit[16], digits[8], extra;
    if (sscanf(text, "%15s since previous firing %c", unit, &extra) == 1 &&
        strstr(text, " since previous firing"))
        return parse_since(unit, out);
    if (sscanf(text, "previous %7[0-9] %15s %c", digits, unit, &extra) == 2)
        return strcmp(unit, "firing") != 0 && parse_previous(strtol(digits, NULL, 10), unit, out);
    return sscanf(text, "previous %15s %c", unit, &extra) == 1 && parse_previous(1, unit, out);
}

const char *covers_text(const struct covers *c, char out[COVERS_TEXT]) {
    const char *unit = unit_names[c->unit];
    if (c->since)
        snprintf(out, COVERS_TEXT, "%ss since previous firing", unit);
    else if (c->count == 1)
        snprintf(out, COVERS_TEXT, "previous %s", unit);
    else
        snprintf(out, COVERS_TEXT, "previous %d %ss", c->count, unit);
    return out;
}

/* ---- seconds in a zone */

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static int64_t seconds_of(instant_t t) { return floor_div(t, US_PER_SECOND); }

static struct tz_segment segment_at(const struct tz *tz, int64_t t) {
    return tz ? tz_segment(tz, t) : (struct tz_segment){.from = INT64_MIN, .to = INT64_MAX};
}

/* a - b for the ends of segments, which may be at infinity. */
static int64_t distance(int64_t a, int64_t b) {
    int64_t d;
    return __builtin_sub_overflow(a, b, &d) ? INT64_MAX : d;
}

struct firing_at firing_at(const struct tz *tz, instant_t t) {
    int64_t s = seconds_of(t);
    return (struct firing_at){.at = t, .wall = s + segment_at(tz, s).offset};
}

/* ---- days, weeks and months: numbered from the one that holds 1970-01-01, a Thursday */

static int64_t first_day(enum window_unit unit, int64_t k) {
    if (unit == WINDOW_DAY) return k;
    if (unit == WINDOW_WEEK) return 7 * k - 3;
    int64_t year = floor_div(k, 12);
    return days_from_civil(1970 + year, (int)(k - 12 * year) + 1, 1);
}

static int64_t unit_of_wall(enum window_unit unit, int64_t wall) {
    int64_t day = floor_div(wall, DAY_SECONDS);
    if (unit == WINDOW_DAY) return day;
    if (unit == WINDOW_WEEK) return floor_div(day + 3, 7);
    struct civil c = civil_of(day * US_PER_DAY);
    return (c.year - 1970) * 12 + c.month - 1;
}

/* The first second that shows midnight of a day; the jump, where the clock jumps over it. Far from any change
 * of the offset there is nothing to search. */
static int64_t midnight(const struct tz *tz, int64_t day) {
    int64_t wall = day * DAY_SECONDS;
    struct tz_segment s = segment_at(tz, wall);
    int64_t t = wall - s.offset;
    if (distance(t, s.from) > SURE && distance(s.to, t) > SURE) return t;
    struct civil c = civil_of(wall * US_PER_SECOND);
    return seconds_of(tz_instant(tz, &c));
}

static int64_t begin_of(enum window_unit unit, const struct tz *tz, int64_t k) {
    return midnight(tz, first_day(unit, k));
}

/* The last unit that begins at t or before: of those without a length the one after them. */
static int64_t unit_holding(enum window_unit unit, const struct tz *tz, int64_t t) {
    int64_t k = unit_of_wall(unit, t + segment_at(tz, t).offset);
    while (begin_of(unit, tz, k) > t) k--;
    while (begin_of(unit, tz, k + 1) <= t) k++;
    return k;
}

/* The clock jumps over a whole date in [from, to]. */
static bool day_left_out(const struct tz *tz, int64_t from, int64_t to) {
    for (struct tz_segment s = segment_at(tz, to); s.from >= from && s.from != INT64_MIN;) {
        struct tz_segment before = segment_at(tz, s.from - 1);
        if (s.offset - before.offset >= DAY_SECONDS) return true;
        s = before;
    }
    return false;
}

static int64_t units_back(enum window_unit unit, const struct tz *tz, int64_t start, int32_t n) {
    int64_t k = unit_holding(unit, tz, start), there = begin_of(unit, tz, k - n);
    if (unit != WINDOW_DAY || !day_left_out(tz, there, start)) return there;
    for (; n > 0; n--) start = begin_of(unit, tz, unit_holding(unit, tz, start - 1));
    return start;
}

/* ---- hours */

/* The clock's change at `t` jumps over a full hour. */
static bool skips_hour(int64_t t, int32_t before, int32_t after) {
    return floor_div(t + before - 1, HOUR_SECONDS) < floor_div(t + after, HOUR_SECONDS);
}

static int64_t hour_floor(const struct tz *tz, int64_t t) {
    for (;;) {
        struct tz_segment s = segment_at(tz, t);
        int64_t wall = t + s.offset, hour = t - (wall - HOUR_SECONDS * floor_div(wall, HOUR_SECONDS));
        if (hour >= s.from) return hour;
        if (skips_hour(s.from, segment_at(tz, s.from - 1).offset, s.offset)) return s.from;
        t = s.from - 1; /* the hour began before the change, and goes on */
    }
}

static int64_t hours_back(const struct tz *tz, int64_t start, int32_t n) {
    while (n > 0) {
        start = hour_floor(tz, start - 1);
        struct tz_segment s = segment_at(tz, start);
        int64_t more = distance(start, s.from) / HOUR_SECONDS;
        if ((start + s.offset) % HOUR_SECONDS != 0) more = 0;
        if (more > --n) more = n;
        start -= more * HOUR_SECONDS;
        n -= (int32_t)more;
    }
    return start;
}

/* The next full hour of this stretch of one offset, else its end when an hour begins there. */
static int64_t hour_next(const struct tz *tz, int64_t t) {
    for (;;) {
        struct tz_segment s = segment_at(tz, t), after;
        int64_t wall = t + s.offset;
        int64_t hour = t + HOUR_SECONDS * (floor_div(wall, HOUR_SECONDS) + 1) - wall;
        if (hour < s.to) return hour;
        after = segment_at(tz, s.to);
        bool shows_one = (s.to + after.offset) % HOUR_SECONDS == 0;
        if (shows_one || skips_hour(s.to, s.offset, after.offset)) return s.to;
        t = s.to;
    }
}

/* Units without a length are passed over. */
static int64_t units_next(enum window_unit unit, const struct tz *tz, int64_t t) {
    int64_t k = unit_holding(unit, tz, t) + 1;
    while (begin_of(unit, tz, k) <= t) k++;
    return begin_of(unit, tz, k);
}

/* ---- windows */

instant_t unit_floor(enum window_unit unit, const struct tz *tz, instant_t t) {
    int64_t s = seconds_of(t);
    s = unit == WINDOW_HOUR ? hour_floor(tz, s) : begin_of(unit, tz, unit_holding(unit, tz, s));
    return s * US_PER_SECOND;
}

instant_t unit_back(enum window_unit unit, const struct tz *tz, instant_t start, int32_t n) {
    int64_t s = seconds_of(start);
    s = unit == WINDOW_HOUR ? hours_back(tz, s, n) : units_back(unit, tz, s, n);
    return s * US_PER_SECOND;
}

instant_t unit_next(enum window_unit unit, const struct tz *tz, instant_t t) {
    int64_t s = seconds_of(t);
    s = unit == WINDOW_HOUR ? hour_next(tz, s) : units_next(unit, tz, s);
    return s * US_PER_SECOND;
}

/* Where the unit of a firing begins. One that makes up for a wall time belongs to that time's unit, which may
 * have begun before the jump. */
static instant_t unit_of_firing(enum window_unit unit, const struct tz *tz, const struct firing_at *f) {
    int64_t s = seconds_of(f->at), shown = s + segment_at(tz, s).offset;
    if (f->wall == shown) return unit_floor(unit, tz, f->at);
    if (unit != WINDOW_HOUR) return begin_of(unit, tz, unit_of_wall(unit, f->wall)) * US_PER_SECOND;
    int64_t gap = s + segment_at(tz, s - 1).offset; /* the first wall time that was jumped over */
    bool before = HOUR_SECONDS * floor_div(f->wall, HOUR_SECONDS) < gap;
    return before ? unit_floor(unit, tz, f->at - US_PER_SECOND) : f->at;
}

void window_of(const struct covers *c, const struct tz *tz, const struct firing_at *before,
               const struct firing_at *fire, instant_t *start, instant_t *end) {
    if (c->unit == WINDOW_FIRING) {
        *start = before->at;
        *end = fire->at;
        return;
    }
    *end = unit_of_firing(c->unit, tz, fire);
    *start = c->since ? unit_of_firing(c->unit, tz, before) : unit_back(c->unit, tz, *end, c->count);
}
