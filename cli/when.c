/* when.c: time as people type and read it; see when.h. */
#include "cli/when.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const weekdays[] = {"thursday", "friday",  "saturday", "sunday",
                                       "monday",   "tuesday", "wednesday"}; /* 1970-01-01 was the first */
static int64_t day_number(const struct civil *c) { return days_from_civil(c->year, c->month, c->day); }

static int weekday_of(int64_t days) { return (int)(((days % 7) + 7) % 7); }

/* Midnight at the beginning of the day `days` after 1970-01-01. */
static instant_t day_start(const struct tz *tz, int64_t days) {
    struct civil c = civil_of(days * US_PER_DAY);
    return tz_instant(tz, &c);
}

static int64_t today(const struct tz *tz, instant_t now) {
    struct civil c = tz_civil(tz, now);
    return day_number(&c);
}

/* ---- words --------------------------------------------------------------------------------------------- */

static bool word_day(const char *text, int64_t base, int64_t *day) {
    static const struct {
        const char *word;
        int64_t offset;
    } words[] = {{"today", 0}, {"yesterday", -1}, {"tomorrow", 1}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i].word) != 0) continue;
        *day = base + words[i].offset;
        return true;
    }
    for (int i = 0; i < 7; i++) {
        if (strcasecmp(text, weekdays[i]) != 0) continue;
        *day = base - (weekday_of(base) - i + 7) % 7;
        return true;
    }
    return false;
}

/* "-2h" or "7d ago". */
static bool relative(const char *text, instant_t now, instant_t *out) {
    char copy[64];
    size_t n = strlen(text);
    duration_t d;
    if (n >= sizeof copy) return false;
    strcpy(copy, text);
    const char *number = copy;
    if (copy[0] == '-')
        number = copy + 1;
    else if (n > 4 && strcasecmp(copy + n - 4, " ago") == 0)
        copy[n - 4] = '\0';
    else
        return false;
    if (!duration_parse(number, &d)) return false;
    *out = now - d;
    return true;
}

/* ---- calendar forms ------------------------------------------------------------------------------------ */

enum precision { NOTHING, MONTH, DAY, HOUR, MINUTE, SECOND };

/* Reads exactly `digits` digits. */
static bool number(const char **p, int digits, int *out) {
    int n = 0;
    for (int i = 0; i < digits; i++) {
        if ((*p)[i] < '0' || (*p)[i] > '9') return false;
        n = n * 10 + ((*p)[i] - '0');
    }
    *p += digits;
    *out = n;
    return true;
}

static bool take(const char **p, const char *any) {
    if (!**p || !strchr(any, **p)) return false;
    (*p)++;
    return true;
}

static int month_days(int64_t year, int month) {
    int next = month == 12 ? 1 : month + 1;
    return (int)(days_from_civil(year + (month == 12), next, 1) - days_from_civil(year, month, 1));
}

static bool sane(const struct civil *c) {
    return c->month >= 1 && c->month <= 12 && c->day >= 1 && c->day <= month_days(c->year, c->month) &&
           c->hour < 24 && c->minute < 60 && c->second < 60;
}

static enum precision read_civil(const char *p, struct civil *c) {
    int year = 0;
    *c = (struct civil){.month = 1, .day = 1};
    if (!number(&p, 4, &year) || !take(&p, "-") || !number(&p, 2, &c->month)) return NOTHING;
    c->year = year;
    if (!*p) return sane(c) ? MONTH : NOTHING;
    if (!take(&p, "-") || !number(&p, 2, &c->day)) return NOTHING;
    if (!*p) return sane(c) ? DAY : NOTHING;
    if (!take(&p, "T ") || !number(&p, 2, &c->hour)) return NOTHING;
    if (!*p) return sane(c) ? HOUR : NOTHING;
    if (!take(&p, ":") || !number(&p, 2, &c->minute)) return NOTHING;
    if (!*p) return sane(c) ? MINUTE : NOTHING;
    if (!take(&p, ":") || !number(&p, 2, &c->second) || *p) return NOTHING;
    return sane(c) ? SECOND : NOTHING;
}

/* "2026-11-19T10Z", "2026-11-19T10:30+01:00": an instant without its seconds. */
static bool zoned(const char *text, instant_t *out) {
    char whole[64];
    size_t zone = strlen("2026-11-19T10");
    if (strlen(text) <= zone) return false;
    bool hour = text[zone] != ':';
    if (!hour) zone += strlen(":30");
    if (strlen(text) <= zone || !strchr("Zz+-", text[zone])) return false;
    int n = snprintf(whole, sizeof whole, "%.*s%s%s", (int)zone, text, hour ? ":00:00" : ":00", text + zone);
    return n < (int)sizeof whole && instant_parse(whole, out);
}

static instant_t after_span(const struct tz *tz, const struct civil *c, enum precision p) {
    struct civil next = *c;
    switch (p) {
    case MONTH:
        next.month = c->month == 12 ? 1 : c->month + 1;
        next.year += c->month == 12;
        return tz_instant(tz, &next);
    case DAY: return day_start(tz, day_number(c) + 1);
    case HOUR: return tz_instant(tz, c) + US_PER_HOUR;
    default: return tz_instant(tz, c) + US_PER_MINUTE;
    }
}

/* ---- the two questions --------------------------------------------------------------------------------- */

static int not_a_time(const char *text, struct err *err) {
    err_set(err, EX_USAGE, "`%s` is not a time", text);
    return err_hint(err, "write 2026-11-19, 2026-11-19T10:30, today, monday, -2h or \"7d ago\"");
}

int when_instant(const char *text, const struct tz *tz, instant_t now, instant_t *out, struct err *err) {
    struct civil c;
    int64_t day;
    if (strcasecmp(text, "now") == 0) {
        *out = now;
        return 0;
    }
    if (instant_parse(text, out) || zoned(text, out) || relative(text, now, out)) return 0;
    if (word_day(text, today(tz, now), &day)) {
        *out = day_start(tz, day);
        return 0;
    }
    if (read_civil(text, &c) == NOTHING) return not_a_time(text, err);
    *out = tz_instant(tz, &c);
    return 0;
}

static int window_between(const char *text, const char *dots, const struct tz *tz, instant_t now,
                          struct span_of_time *out, struct err *err) {
    char from[64];
    snprintf(from, sizeof from, "%.*s", (int)(dots - text), text);
    struct span_of_time w;
    if (when_instant(from, tz, now, &w.start, err) < 0 || when_instant(dots + 2, tz, now, &w.end, err) < 0)
        return -1;
    if (w.start >= w.end) return err_set(err, EX_USAGE, "the window `%s` ends before it begins", text);
    *out = w;
    return 0;
}

int when_window(const char *text, const struct tz *tz, instant_t now, struct span_of_time *out,
                struct err *err) {
    const char *dots = strstr(text, "..");
    if (dots) return window_between(text, dots, tz, now, out, err);
    int64_t day;
    if (word_day(text, today(tz, now), &day)) {
        *out = (struct span_of_time){day_start(tz, day), day_start(tz, day + 1)};
        return 0;
    }
    struct civil c;
    enum precision p = read_civil(text, &c);
    if (p == NOTHING || p == SECOND) {
        err_set(err, EX_USAGE, "`%s` is not a window", text);
        return err_hint(err, "write a day (2026-11-19, yesterday), hour (2026-11-19T10), month (2026-11) or "
                             "A..B; see `leat help windows`");
    }
    *out = (struct span_of_time){tz_instant(tz, &c), after_span(tz, &c, p)};
    return 0;
}

/* ---- for people ---------------------------------------------------------------------------------------- */

const char *when_text(const struct tz *tz, instant_t t, char out[WHEN_TEXT]) {
    out[0] = '\0';
    if (t == INSTANT_NONE) return out;
    return tz_text(tz, t, out);
}

const char *when_minute(const struct tz *tz, instant_t t, char out[WHEN_TEXT]) {
    when_text(tz, t, out);
    char *zone = strrchr(out, ' ');
    if (zone && zone - out > 3 && strncmp(zone - 3, ":00", 3) == 0) memmove(zone - 3, zone, strlen(zone) + 1);
    return out;
}

static int put_end(char *out, size_t room, const struct civil *c) {
    int n = snprintf(out, room, "%04" PRId64 "-%02d-%02d %02d:%02d", c->year, c->month, c->day, c->hour,
                     c->minute);
    if (c->second) n += snprintf(out + n, room - (size_t)n, ":%02d", c->second);
    return n;
}

const char *when_short(const struct tz *tz, instant_t t, char out[WHEN_TEXT]) {
    struct civil c = tz_civil(tz, t);
    put_end(out, WHEN_TEXT, &c);
    if (!c.hour && !c.minute && !c.second) *strchr(out, ' ') = '\0';
    return out;
}

const char *when_window_text(const struct tz *tz, const struct span_of_time *w, const char *arrow,
                             char out[WHEN_TEXT]) {
    out[0] = '\0';
    if (w->start == INSTANT_NONE || w->end == INSTANT_NONE) return out;
    struct civil a = tz_civil(tz, w->start), b = tz_civil(tz, w->end);
    int64_t day = day_number(&a);
    if (w->start == day_start(tz, day) && w->end == day_start(tz, day + 1)) {
        snprintf(out, WHEN_TEXT, "%04" PRId64 "-%02d-%02d", a.year, a.month, a.day);
        return out;
    }
    struct civil first = {.year = a.year, .month = a.month, .day = 1};
    if (w->start == tz_instant(tz, &first) && w->end == after_span(tz, &first, MONTH)) {
        snprintf(out, WHEN_TEXT, "%04" PRId64 "-%02d", a.year, a.month);
        return out;
    }
    int n = put_end(out, WHEN_TEXT, &a);
    n += snprintf(out + n, WHEN_TEXT - (size_t)n, " %s ", arrow);
    put_end(out + n, WHEN_TEXT - (size_t)n, &b);
    return out;
}
