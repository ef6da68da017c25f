/* local.c: the search for matching civil seconds.
 *
 * A month's matching days are one mask of 31 bits, made from the fields in a few operations; the next day is
 * its lowest set bit, the next time of day at most three more. So a search looks at one month, or at one
 * month a year when only some months can match, and never steps through days or minutes.
 *
 * All arithmetic is on days since 1970 in 32 bits: the horizon is 84,006 days long. */
#include "cron/local.h"

enum { DAY = 86400, YEARS = CRON_YEAR_MAX - CRON_YEAR_MIN + 1 };

#define LOCAL_DAYS ((uint32_t)(CRON_LOCAL_END / DAY))

struct date {
    uint32_t year, month, day;
};

/* ---- calendar */

/* After Howard Hinnant, "chrono-compatible low-level date algorithms", for days from 1970 on. */
static struct date date_of(uint32_t days) {
    uint32_t z = days + 719468;
    uint32_t era = z / 146097, doe = z % 146097;
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint32_t mp = (5 * doy + 2) / 153;
    uint32_t month = mp < 10 ? mp + 3 : mp - 9;
    return (struct date){yoe + era * 400 + (month <= 2), month, doy - (153 * mp + 2) / 5 + 1};
}

static uint32_t first_of(uint32_t year, uint32_t month) {
    uint32_t y = year - (month <= 2);
    uint32_t era = y / 400, yoe = y % 400;
    uint32_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static uint32_t length_of(uint32_t year, uint32_t month) {
    static const uint8_t days[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month];
}

/* ---- the days of one month */

struct month {
    uint32_t length, weekday; /* of its first day, Sunday is 0 */
};

/* Bits 1 to 31: the days whose weekday is in the mask. */
static uint32_t days_of_week(const struct month *m, uint32_t mask) {
    uint64_t turned = (mask >> m->weekday | mask << (7 - m->weekday)) & 0x7f;
    return (uint32_t)(turned * UINT64_C(0x10204081) << 1); /* repeated every seven bits */
}

/* The Monday to Friday nearest to a day, inside of the month, as a bit; 0 when it has no such day. */
static uint32_t weekday_near(const struct month *m, uint32_t day) {
    if (day < 1 || day > m->length) return 0;
    uint32_t w = (m->weekday + day - 1) % 7;
    if (w == 6) day = day == 1 ? 3 : day - 1;
    if (w == 0) day = day == m->length ? day - 2 : day + 1;
    return 1u << day;
}

static uint32_t special_days(const struct cron *c, const struct month *m) {
    uint32_t days = 0;
    for (uint32_t left = c->weekday; left; left &= left - 1)
        days |= weekday_near(m, (uint32_t)__builtin_ctz(left));
    for (uint32_t left = c->last_weekday; left; left &= left - 1)
        days |= weekday_near(m, m->length - (uint32_t)__builtin_ctz(left));
    for (uint32_t left = c->last; left; left &= left - 1) {
        uint32_t back = (uint32_t)__builtin_ctz(left);
        if (back < m->length) days |= 1u << (m->length - back);
    }
    return days;
}

static uint32_t special_weekdays(const struct cron *c, const struct month *m) {
    uint32_t days = 0;
    for (uint32_t k = 0; k < 5; k++)
        if (c->nth[k]) days |= days_of_week(m, c->nth[k]) & (uint32_t)(UINT64_C(0x7f) << (7 * k + 1));
    if (c->dow_last) days |= days_of_week(m, c->dow_last) & 0x7fu << (m->length - 6);
    return days;
}

/* Bit d: day d matches. */
static uint32_t matching_days(const struct cron *c, const struct month *m) {
    uint32_t real = (uint32_t)((UINT64_C(2) << m->length) - 2);
    if (c->any_day) return real;
    uint32_t dom = c->dom, dow = days_of_week(m, c->dow);
    if (c->weekday | c->last | c->last_weekday) dom |= special_days(c, m);
    dow |= special_weekdays(c, m);
    return (c->either ? dom | dow : dom & dow) & real;
}

static bool has_year(const struct cron *c, uint32_t year) {
    uint32_t y = year - CRON_YEAR_MIN;
    return c->year[y / 64] >> (y % 64) & 1;
}

/* Days of the month with first day `first`; 0 when the month or the year does not match. */
static uint32_t days_in(const struct cron *c, uint32_t year, uint32_t month, uint32_t first) {
    if (!(c->month >> month & 1) || !has_year(c, year)) return 0;
    struct month m = {length_of(year, month), (first + 4) % 7}; /* 1970-01-01 was a Thursday */
    return matching_days(c, &m);
}

/* ---- the time of day: seconds since midnight */

static uint32_t ctz64(uint64_t x) { return (uint32_t)__builtin_ctzll(x); }
static uint32_t top64(uint64_t x) { return 63 - (uint32_t)__builtin_clzll(x); }

static uint32_t time_of(uint32_t h, uint32_t m, uint32_t s) { return h * 3600 + m * 60 + s; }

static uint32_t first_time(const struct cron *c) {
    return time_of(ctz64(c->hour), ctz64(c->minute), ctz64(c->second));
}

static uint32_t last_time(const struct cron *c) {
    return time_of(top64(c->hour), top64(c->minute), top64(c->second));
}

/* Not before t; DAY: none. */
static uint32_t time_next(const struct cron *c, uint32_t t) {
    uint32_t h = t / 3600, m = t / 60 % 60, s = t % 60;
    if (c->hour >> h & 1) {
        uint64_t seconds = c->second & ~UINT64_C(0) << s, minutes = c->minute & ~UINT64_C(1) << m;
        if (c->minute >> m & 1 && seconds) return time_of(h, m, ctz64(seconds));
        if (minutes) return time_of(h, ctz64(minutes), ctz64(c->second));
    }
    uint32_t hours = c->hour & ~1u << h;
    return hours ? time_of(ctz64(hours), ctz64(c->minute), ctz64(c->second)) : DAY;
}

/* Not after t; DAY: none. */
static uint32_t time_prev(const struct cron *c, uint32_t t) {
    uint32_t h = t / 3600, m = t / 60 % 60, s = t % 60;
    if (c->hour >> h & 1) {
        uint64_t seconds = c->second & ((UINT64_C(2) << s) - 1),
                 minutes = c->minute & ((UINT64_C(1) << m) - 1);
        if (c->minute >> m & 1 && seconds) return time_of(h, m, top64(seconds));
        if (minutes) return time_of(h, top64(minutes), top64(c->second));
    }
    uint32_t hours = c->hour & ((1u << h) - 1);
    return hours ? time_of(top64(hours), top64(c->minute), top64(c->second)) : DAY;
}

/* ---- the search */

/* The next month that may match, after the one in d; false: the years are over. */
static bool month_next(const struct cron *c, struct date *d) {
    uint32_t later = has_year(c, d->year) ? c->month & ~1u << d->month : 0;
    if (later) {
        d->month = (uint32_t)__builtin_ctz(later);
        return true;
    }
    d->month = (uint32_t)__builtin_ctz(c->month);
    for (d->year++; d->year <= CRON_YEAR_MAX; d->year++)
        if (has_year(c, d->year)) return true;
    return false;
}

static bool month_prev(const struct cron *c, struct date *d) {
    uint32_t sooner = has_year(c, d->year) ? c->month & ((1u << d->month) - 1) : 0;
    if (sooner) {
        d->month = top64(sooner);
        return true;
    }
    d->month = top64(c->month);
    for (d->year--; d->year >= CRON_YEAR_MIN; d->year--)
        if (has_year(c, d->year)) return true;
    return false;
}

/* The first matching day after `day`, which is d; DAYS: none. */
static bool day_next(const struct cron *c, uint32_t day, struct date *d, uint32_t days, uint32_t *out) {
    uint32_t later = days & (uint32_t)(~UINT64_C(1) << d->day);
    if (later) {
        *out = day - d->day + (uint32_t)__builtin_ctz(later);
        return true;
    }
    while (month_next(c, d)) {
        uint32_t first = first_of(d->year, d->month);
        days = days_in(c, d->year, d->month, first);
        if (!days) continue;
        *out = first - 1 + (uint32_t)__builtin_ctz(days);
        return true;
    }
    return false;
}

static bool day_prev(const struct cron *c, uint32_t day, struct date *d, uint32_t days, uint32_t *out) {
    uint32_t sooner = days & ((1u << d->day) - 1);
    if (sooner) {
        *out = day - d->day + top64(sooner);
        return true;
    }
    while (month_prev(c, d)) {
        uint32_t first = first_of(d->year, d->month);
        days = days_in(c, d->year, d->month, first);
        if (!days) continue;
        *out = first - 1 + top64(days);
        return true;
    }
    return false;
}

static bool every_day(const struct cron *c) { return c->any_day && c->any_month; }

bool cron_local_next(const struct cron *c, int64_t l, int64_t *out) {
    if (l >= CRON_LOCAL_END) return false;
    if (l < 0) l = 0;
    uint32_t day = (uint32_t)(l / DAY), time = (uint32_t)(l % DAY), found;
    if (every_day(c)) {
        found = time_next(c, time);
        if (found == DAY) found = ++day < LOCAL_DAYS ? first_time(c) : DAY;
        *out = (int64_t)day * DAY + found;
        return found != DAY;
    }
    struct date d = date_of(day);
    uint32_t days = days_in(c, d.year, d.month, day - (d.day - 1));
    found = days >> d.day & 1 ? time_next(c, time) : DAY;
    if (found == DAY) {
        if (!day_next(c, day, &d, days, &day)) return false;
        found = first_time(c);
    }
    *out = (int64_t)day * DAY + found;
    return true;
}

bool cron_local_prev(const struct cron *c, int64_t l, int64_t *out) {
    if (l < 0) return false;
    if (l >= CRON_LOCAL_END) l = CRON_LOCAL_END - 1;
    uint32_t day = (uint32_t)(l / DAY), time = (uint32_t)(l % DAY);
    struct date d = date_of(day);
    uint32_t days = days_in(c, d.year, d.month, day - (d.day - 1));
    uint32_t found = days >> d.day & 1 ? time_prev(c, time) : DAY;
    if (found == DAY) {
        if (!day_prev(c, day, &d, days, &day)) return false;
        found = last_time(c);
    }
    *out = (int64_t)day * DAY + found;
    return true;
}

bool cron_local_match(const struct cron *c, int64_t l) {
    int64_t found;
    return cron_local_next(c, l, &found) && found == l;
}

int cron_local_dates(const struct cron *c) {
    int sum = 0;
    for (uint32_t year = CRON_YEAR_MIN; year <= CRON_YEAR_MAX; year++)
        for (uint32_t month = 1; month <= 12; month++)
            sum += __builtin_popcount(days_in(c, year, month, first_of(year, month)));
    return sum;
}
