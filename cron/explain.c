/* explain.c: a compiled schedule in words. First the time of day, then the days, then months and years. Short
 * lists are named one by one, anything longer by its rule. */
#include "cron/explain.h"

#include <stdio.h>
#include <string.h>

enum { TIMES_NAMED = 6, ALL_DAYS = 0x7f };

static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"",     "January", "February",  "March",   "April",    "May",     "June",
                                     "July", "August",  "September", "October", "November", "December"};
static const char *const places[] = {"first", "second", "third", "fourth", "fifth"};

/* A set of values of one field, seen as a progression where it is one. */
struct set {
    uint64_t mask;
    int first, last, count, step; /* step 0: no progression */
    int size;                     /* of the field when it goes round: 60, 24; else 0 */
};

static struct set set_of(uint64_t mask, int size) {
    struct set s = {.mask = mask, .size = size, .count = __builtin_popcountll(mask)};
    if (!mask) return s;
    s.first = __builtin_ctzll(mask);
    s.last = 63 - __builtin_clzll(mask);
    if (s.count < 2) return s;
    int step = __builtin_ctzll(mask & (mask - 1)) - s.first, n = 0;
    for (int v = s.first; v < 64 && mask >> v & 1; v += step) n++;
    s.step = n == s.count ? step : 0;
    return s;
}

static bool full(const struct set *s) { return s->count == s->size; }

/* The stretch from the last one round to the first is as long as the others. */
static bool even(const struct set *s) { return s->step && s->first + s->size - s->last == s->step; }

/* ---- lists: "a", "a and b", "a, b and c" */

static void separator(int i, int n, struct buf *out) {
    if (i) buf_adds(out, i == n - 1 ? " and " : ", ");
}

typedef void name_fn(int value, struct buf *out);

static void name_number(int v, struct buf *out) { buf_addf(out, "%d", v); }
static void name_day(int v, struct buf *out) { buf_adds(out, days[v]); }
static void name_month(int v, struct buf *out) { buf_adds(out, months[v]); }

/* Consecutive ones as "a to b". */
static void add_list(uint64_t mask, name_fn *name, struct buf *out) {
    struct set s = set_of(mask, 0);
    if (s.step == 1 && s.count > 2) {
        name(s.first, out);
        buf_adds(out, " to ");
        name(s.last, out);
        return;
    }
    int i = 0;
    for (uint64_t left = mask; left; left &= left - 1, i++) {
        separator(i, s.count, out);
        name(__builtin_ctzll(left), out);
    }
}

/* ---- the time of day */

/* s below 0: not shown. */
static void add_clock(int h, int m, int s, struct buf *out) {
    buf_addf(out, s >= 0 ? "%02d:%02d:%02d" : "%02d:%02d", h, m, s);
}

static void name_times(const struct cron *c, int n, struct buf *out) {
    bool whole = c->second == 1;
    int i = 0;
    buf_adds(out, "at ");
    for (uint64_t h = c->hour; h; h &= h - 1)
        for (uint64_t m = c->minute; m; m &= m - 1)
            for (uint64_t s = c->second; s; s &= s - 1, i++) {
                separator(i, n, out);
                add_clock(__builtin_ctzll(h), __builtin_ctzll(m), whole ? -1 : __builtin_ctzll(s), out);
            }
}

static const char *plural(const struct set *s) { return s->count == 1 ? "" : "s"; }

static const char *ordinal(int n) {
    if (n / 10 == 1) return "th";
    return n % 10 == 1 ? "st" : n % 10 == 2 ? "nd" : n % 10 == 3 ? "rd" : "th";
}

static void add_rhythm(const struct set *s, const char *unit, struct buf *out) {
    if (s->step == 1)
        buf_addf(out, "every %s", unit);
    else
        buf_addf(out, "every %d %ss", s->step, unit);
}

/* "every minute", "every 15 minutes", "at minute 5", "at minutes 3, 17 and 48". True: it begins with
 * every. */
static bool add_head(const struct set *s, const char *unit, struct buf *out) {
    bool round = even(s), rhythm = round || (s->step && s->count > 2);
    if (rhythm) {
        add_rhythm(s, unit, out);
        if (!round) buf_addf(out, " from %s %d to %d", unit, s->first, s->last);
        if (round && s->first) buf_addf(out, " from %s %d on", unit, s->first);
    } else {
        buf_addf(out, "at %s%s ", unit, plural(s));
        add_list(s->mask, name_number, out);
    }
    return rhythm;
}

/* "of every hour", "of hour 6", "of hours 9 to 17", "of every second hour": what the head is a part of. */
static void add_of(const struct set *s, const char *unit, bool needed, struct buf *out) {
    if (full(s)) {
        if (needed) buf_addf(out, " of every %s", unit);
    } else if (s->step > 1 && s->count > 3) {
        buf_addf(out, " of every %d%s %s", s->step, ordinal(s->step), unit);
        if (s->first || !even(s)) buf_addf(out, " from %d to %d", s->first, s->last);
    } else {
        buf_addf(out, " of %s%s ", unit, plural(s));
        add_list(s->mask, name_number, out);
    }
}

/* One minute of hours that follow each other evenly: "every 2 hours from 00:30 to 22:30". */
static void add_hours(const struct set *hours, const struct set *minutes, struct buf *out) {
    buf_addf(out, hours->step > 1 ? "every %d hours from " : "every hour from ", hours->step);
    add_clock(hours->first, minutes->first, -1, out);
    buf_adds(out, " to ");
    add_clock(hours->last, minutes->first, -1, out);
}

static void add_time(const struct cron *c, struct buf *out) {
    struct set second = set_of(c->second, 60), minute = set_of(c->minute, 60), hour = set_of(c->hour, 24);
    bool whole = c->second == 1, every;
    int times = second.count * minute.count * hour.count;
    if (times <= TIMES_NAMED) {
        name_times(c, times, out);
    } else if (whole && minute.count == 1 && hour.step && !full(&hour)) {
        add_hours(&hour, &minute, out);
    } else if (whole) {
        every = add_head(&minute, "minute", out);
        if (every && !full(&hour) && (hour.step == 1 || hour.count == 1))
            buf_addf(out, " from %02d:00 to %02d:59", hour.first, hour.last);
        else
            add_of(&hour, "hour", !every, out);
    } else {
        every = add_head(&second, "second", out);
        add_of(&minute, "minute", !every, out);
        add_of(&hour, "hour", !even(&minute), out);
    }
}

/* ---- the days */

/* Parts of a sentence that are joined by "and". */
struct parts {
    struct buf *out;
    int count;
};

static void next_part(struct parts *p) {
    if (p->count++) buf_adds(p->out, " and ");
}

static bool all_months(const struct cron *c) { return c->month == UINT16_C(0x1ffe); }

static void add_of_month(const struct cron *c, struct buf *out) {
    buf_adds(out, " of ");
    if (all_months(c))
        buf_adds(out, "the month");
    else
        add_list(c->month, name_month, out);
}

static void add_dom(const struct cron *c, struct buf *out) {
    struct parts p = {.out = out};
    struct set s = set_of(c->dom, 0);
    if (s.step > 1 && s.count > 3) {
        next_part(&p);
        buf_addf(out, "every %d%s day from %d to %d", s.step, ordinal(s.step), s.first, s.last);
    } else if (s.count) {
        next_part(&p);
        buf_addf(out, "day%s ", plural(&s));
        add_list(s.mask, name_number, out);
    }
    for (uint32_t left = c->weekday; left; left &= left - 1) {
        next_part(&p);
        buf_addf(out, "the weekday nearest to day %d", __builtin_ctz(left));
    }
    for (uint64_t left = (uint64_t)c->last | (uint64_t)c->last_weekday << 32; left; left &= left - 1) {
        int n = __builtin_ctzll(left);
        next_part(&p);
        if (n == 32)
            buf_adds(out, "the last weekday");
        else
            buf_adds(out, n > 32 ? "the weekday nearest to " : "");
        if (n % 32) buf_addf(out, "%d day%s before ", n % 32, n % 32 > 1 ? "s" : "");
        if (n != 32) buf_adds(out, "the last day");
    }
    add_of_month(c, out);
}

static bool has_places(const struct cron *c) {
    return c->dow_last || memcmp(c->nth, (uint8_t[5]){0}, sizeof c->nth) != 0;
}

static void add_dow(const struct cron *c, struct buf *out) {
    struct parts p = {.out = out};
    if (c->dow) {
        next_part(&p);
        add_list(c->dow, name_day, out);
    }
    for (int k = 0; k <= 5; k++) {
        uint8_t mask = k < 5 ? c->nth[k] : c->dow_last;
        if (!mask) continue;
        next_part(&p);
        buf_addf(out, "the %s ", k < 5 ? places[k] : "last");
        add_list(mask, name_day, out);
    }
}

/* What comes round every hour of every day does so without saying. */
static bool unsaid(const struct cron *c) { return c->hour == 0xffffff; }

static void add_days(const struct cron *c, struct buf *out) {
    bool dom = c->dom != UINT32_C(0xfffffffe), dow = c->dow != ALL_DAYS, said = false;
    if (!dom && !dow && !unsaid(c)) buf_adds(out, " every day");
    if (dom) buf_adds(out, " on ");
    if (dom) add_dom(c, out);
    if (dom && dow) buf_adds(out, c->either ? ", and also on " : " if that is ");
    if (dow && !dom) buf_adds(out, " on ");
    if (dow) add_dow(c, out);
    said = dom && !(dow && c->either);
    if (dow && has_places(c) && !said) add_of_month(c, out), said = true;
    if (said || all_months(c)) return;
    buf_adds(out, " in ");
    add_list(c->month, name_month, out);
}

static void add_years(const struct cron *c, struct buf *out) {
    int first = 0, last = 0, count = 0;
    for (int y = CRON_YEAR_MIN; y <= CRON_YEAR_MAX; y++) {
        int bit = y - CRON_YEAR_MIN;
        if (!(c->year[bit / 64] >> (bit % 64) & 1)) continue;
        if (!count++) first = y;
        last = y;
    }
    if (count == CRON_YEAR_MAX - CRON_YEAR_MIN + 1) return;
    buf_addf(out, first == last ? " in %d" : " in %d to %d", first, last);
    if (count != last - first + 1) buf_addf(out, ", %d years of them", count);
}

static void explain_every(const struct cron *c, struct buf *out) {
    char t[INSTANT_TEXT];
    struct buf text = BUF_INIT;
    cron_print(c, &text);
    buf_addf(out, "%s of elapsed time, counted from %s", buf_str(&text) + 1, /* without the @ */
             instant_text(c->anchor * US_PER_SECOND, t));
    buf_release(&text);
}

void cron_explain(const struct cron *c, struct buf *out) {
    if (c->every) {
        explain_every(c, out);
        return;
    }
    add_time(c, out);
    add_days(c, out);
    add_years(c, out);
}
