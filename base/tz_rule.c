/* tz_rule.c: POSIX TZ rules: CET-1CEST,M3.5.0,M10.5.0/3. With what RFC 9636 adds: hours from -167 to 167,
 * names in angle brackets, daylight time all year, and daylight time that is behind standard time. */
#include "base/tz_inner.h"

#include <ctype.h>
#include <string.h>

/* ---- reading */

static bool eat(const char **s, char c) { return **s == c ? (*s)++, true : false; }

static bool eat_number(const char **s, int least, int most, int *out) {
    int v = 0, digits = 0;
    for (; isdigit((unsigned char)**s) && digits < 4; (*s)++, digits++) v = v * 10 + (**s - '0');
    *out = v;
    return digits && v >= least && v <= most;
}

static bool of_name(char c, bool quoted) {
    return quoted ? isalnum((unsigned char)c) || c == '+' || c == '-' : isalpha((unsigned char)c);
}

static bool eat_name(const char **s, char out[TZ_ABBREVIATION]) {
    bool quoted = eat(s, '<');
    size_t n = 0;
    while (of_name(**s, quoted) && n + 1 < TZ_ABBREVIATION) out[n++] = *(*s)++;
    out[n] = 0;
    return n >= 3 && (!quoted || eat(s, '>'));
}

static bool eat_time(const char **s, int most_hours, int32_t *out) {
    int sign = 1, h, m = 0, sec = 0;
    if (eat(s, '-'))
        sign = -1;
    else
        eat(s, '+');
    if (!eat_number(s, 0, most_hours, &h)) return false;
    if (eat(s, ':')) {
        if (!eat_number(s, 0, 59, &m)) return false;
        if (eat(s, ':') && !eat_number(s, 0, 59, &sec)) return false;
    }
    *out = sign * (h * 3600 + m * 60 + sec);
    return true;
}

static bool eat_date(const char **s, struct tz_date *d) {
    d->time = 2 * 3600;
    if (eat(s, 'J')) {
        d->form = DAY_JULIAN;
        if (!eat_number(s, 1, 365, &d->day)) return false;
    } else if (eat(s, 'M')) {
        d->form = DAY_MONTH;
        if (!eat_number(s, 1, 12, &d->month) || !eat(s, '.') || !eat_number(s, 1, 5, &d->week) ||
            !eat(s, '.') || !eat_number(s, 0, 6, &d->day))
            return false;
    } else {
        d->form = DAY_ZERO;
        if (!eat_number(s, 0, 365, &d->day)) return false;
    }
    return !eat(s, '/') || eat_time(s, 167, &d->time);
}

bool tz_rule_parse(const char *s, struct tz_rule *r) {
    int32_t west;
    if (!eat_name(&s, r->names[0]) || !eat_time(&s, 24, &west)) return false;
    r->standard = (struct tz_type){.offset = -west, .abbreviation = r->names[0]};
    r->present = true;
    if (!*s) return true;
    if (!eat_name(&s, r->names[1])) return false;
    r->daylight =
        (struct tz_type){.offset = r->standard.offset + 3600, .dst = true, .abbreviation = r->names[1]};
    if (*s && *s != ',') {
        if (!eat_time(&s, 24, &west)) return false;
        r->daylight.offset = -west;
    }
    r->has_dst = true;
    return eat(&s, ',') && eat_date(&s, &r->start) && eat(&s, ',') && eat_date(&s, &r->end) && !*s;
}

/* ---- asking */

static bool leap_year(int64_t y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }

static int64_t month_day(int64_t year, const struct tz_date *d) {
    int64_t first = days_from_civil(year, d->month, 1);
    int64_t next = d->month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, d->month + 1, 1);
    int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    int64_t day = first + ((d->day - weekday) + 7) % 7 + (d->week - 1) * 7;
    return day < next ? day : day - 7;
}

/* Seconds since 1970 of the change in `year`, where `offset` is what holds before it. */
static int64_t change_in(int64_t year, const struct tz_date *d, int32_t offset) {
    int64_t day;
    switch (d->form) {
    case DAY_MONTH: day = month_day(year, d); break;
    case DAY_JULIAN:
        day = days_from_civil(year, 1, 1) + d->day - 1 + (leap_year(year) && d->day >= 60);
        break;
    default: day = days_from_civil(year, 1, 1) + d->day; break;
    }
    return day * 86400 + d->time - offset;
}

struct change {
    int64_t at;
    bool daylight; /* begins */
};

enum { CHANGES = 6 };

#define FAR (INT64_C(1) << 42) /* more than a hundred thousand years: keeps microseconds in 64 bits */

/* Those of the year of t and of both its neighbours: a change may lie days outside of the year it is of. */
static void changes_around(const struct tz_rule *r, int64_t t, struct change out[CHANGES]) {
    int64_t near = t < -FAR ? -FAR : t > FAR ? FAR : t;
    int64_t year = civil_of((near + r->standard.offset) * US_PER_SECOND).year;
    for (int i = 0; i < CHANGES / 2; i++) {
        out[2 * i] = (struct change){change_in(year - 1 + i, &r->start, r->standard.offset), true};
        out[2 * i + 1] = (struct change){change_in(year - 1 + i, &r->end, r->daylight.offset), false};
    }
}

/* The last change decides. Where daylight time ends and begins in one instant, it goes on. */
const struct tz_type *tz_rule_type(const struct tz_rule *r, int64_t t) {
    if (!r->has_dst) return &r->standard;
    struct change list[CHANGES], last = {INT64_MIN, false};
    changes_around(r, t, list);
    for (int i = 0; i < CHANGES; i++)
        if (list[i].at <= t && (list[i].at > last.at || (list[i].at == last.at && list[i].daylight)))
            last = list[i];
    return last.daylight ? &r->daylight : &r->standard;
}

int64_t tz_rule_next(const struct tz_rule *r, int64_t t) {
    int64_t best = INT64_MAX;
    if (!r->has_dst) return best;
    struct change list[CHANGES];
    changes_around(r, t, list);
    for (int i = 0; i < CHANGES; i++)
        if (list[i].at > t && list[i].at < best) best = list[i].at;
    return best;
}
