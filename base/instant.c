/* instant.c: days_from_civil and its inverse after Howard Hinnant, "chrono-compatible low-level date
 * algorithms". */
#include "base/instant.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t days_from_civil(int64_t y, int m, int d) {
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

struct civil civil_of(instant_t t) {
    int64_t days = floor_div(t, US_PER_DAY), rest = t - days * US_PER_DAY;
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    struct civil c = {
        .day = (int)(doy - (153 * mp + 2) / 5 + 1),
        .month = (int)(mp < 10 ? mp + 3 : mp - 9),
        .hour = (int)(rest / US_PER_HOUR),
        .minute = (int)(rest / US_PER_MINUTE % 60),
        .second = (int)(rest / US_PER_SECOND % 60),
        .micros = (int)(rest % US_PER_SECOND),
    };
    c.year = yoe + era * 400 + (c.month <= 2);
    return c;
}

instant_t instant_of(const struct civil *c) {
    return days_from_civil(c->year, c->month, c->day) * US_PER_DAY + c->hour * US_PER_HOUR +
           c->minute * US_PER_MINUTE + c->second * US_PER_SECOND + c->micros;
}

const char *instant_text(instant_t t, char out[INSTANT_TEXT]) {
    struct civil c = civil_of(t);
    int n = snprintf(out, INSTANT_TEXT, "%04lld-%02d-%02dT%02d:%02d:%02d", (long long)c.year, c.month, c.day,
                     c.hour, c.minute, c.second);
    if (c.micros) {
        n += snprintf(out + n, INSTANT_TEXT - (size_t)n, ".%06d", c.micros);
        while (out[n - 1] == '0') n--;
    }
    snprintf(out + n, INSTANT_TEXT - (size_t)n, "Z");
    return out;
}

/* Exactly n digits at *s into *out. */
static bool digits(const char **s, int n, int *out) {
    int v = 0;
    for (int i = 0; i < n; i++) {
        if (!isdigit((unsigned char)(*s)[i])) return false;
        v = v * 10 + ((*s)[i] - '0');
    }
    *s += n;
    *out = v;
    return true;
}

static bool literal(const char **s, char c) { return **s == c ? (*s)++, true : false; }

static bool fraction(const char **s, int *micros) {
    *micros = 0;
    if (!literal(s, '.')) return true;
    if (!isdigit((unsigned char)**s)) return false;
    for (int scale = 100000; isdigit((unsigned char)**s); (*s)++, scale /= 10) *micros += (**s - '0') * scale;
    return true;
}

static bool offset(const char **s, duration_t *out) {
    *out = 0;
    if (literal(s, 'Z') || literal(s, 'z')) return true;
    int sign = **s == '-' ? -1 : 1, h, m;
    if (!literal(s, '+') && !literal(s, '-')) return false;
    if (!digits(s, 2, &h) || !literal(s, ':') || !digits(s, 2, &m) || h > 23 || m > 59) return false;
    *out = sign * (h * US_PER_HOUR + m * US_PER_MINUTE);
    return true;
}

static int days_in_month(int64_t y, int m) {
    static const int d[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return m == 2 && ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0) ? 29 : d[m - 1];
}

static bool day(const char **s, struct civil *c) {
    int year;
    if (!digits(s, 4, &year) || !literal(s, '-') || !digits(s, 2, &c->month) || !literal(s, '-') ||
        !digits(s, 2, &c->day))
        return false;
    c->year = year;
    return c->month >= 1 && c->month <= 12 && c->day >= 1 && c->day <= days_in_month(c->year, c->month);
}

static bool minute(const char **s, struct civil *c) {
    return digits(s, 2, &c->hour) && literal(s, ':') && digits(s, 2, &c->minute) && c->hour < 24 &&
           c->minute < 60;
}

static bool second(const char **s, struct civil *c) {
    return literal(s, ':') && digits(s, 2, &c->second) && c->second < 60;
}

static bool between(const char **s) { return literal(s, 'T') || literal(s, ' ') || literal(s, 't'); }

bool instant_parse(const char *s, instant_t *out) {
    struct civil c = {0};
    duration_t off;
    if (!day(&s, &c) || !between(&s) || !minute(&s, &c) || !second(&s, &c) || !fraction(&s, &c.micros) ||
        !offset(&s, &off) || *s)
        return false;
    *out = instant_of(&c) - off;
    return true;
}

bool civil_parse(const char *s, struct civil *out) {
    struct civil c = {0};
    if (!day(&s, &c)) return false;
    if (*s && (!between(&s) || !minute(&s, &c) || (*s && !second(&s, &c)) || *s)) return false;
    *out = c;
    return true;
}

static const struct {
    const char *name;
    duration_t size;
} units[] = {
    {"ms", US_PER_MS},          {"s", US_PER_SECOND},      {"m", US_PER_MINUTE},
    {"h", US_PER_HOUR},         {"d", US_PER_DAY},         {"second", US_PER_SECOND},
    {"seconds", US_PER_SECOND}, {"minute", US_PER_MINUTE}, {"minutes", US_PER_MINUTE},
    {"hour", US_PER_HOUR},      {"hours", US_PER_HOUR},    {"day", US_PER_DAY},
    {"days", US_PER_DAY},
};

bool duration_parse(const char *s, duration_t *out) {
    if (!isdigit((unsigned char)*s)) return false;
    int64_t n = 0;
    for (; isdigit((unsigned char)*s); s++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s - '0', &n)) return false;
    while (*s == ' ') s++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(s, units[i].name) == 0) return !__builtin_mul_overflow(n, units[i].size, out);
    return false;
}

const char *duration_text(duration_t d, char out[DURATION_TEXT]) {
    long long s = d / US_PER_SECOND;
    if (d < US_PER_MINUTE)
        snprintf(out, DURATION_TEXT, "%.*fs", d < 100 * US_PER_MS ? 2 : 1, (double)d / 1e6);
    else if (d < US_PER_HOUR)
        snprintf(out, DURATION_TEXT, "%lldm%02llds", s / 60, s % 60);
    else if (d < US_PER_DAY)
        snprintf(out, DURATION_TEXT, "%lldh%02lldm", s / 3600, s / 60 % 60);
    else
        snprintf(out, DURATION_TEXT, "%lldd%02lldh", s / 86400, s / 3600 % 24);
    return out;
}
