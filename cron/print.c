/* print.c: the canonical text of a schedule.
 *
 * Values, sorted, as runs and steps. What the form of a text says has to survive: a FIXED schedule is printed
 * without any `*`, range or step in its time of day, an INTERVAL one with one at least (5-5 when need be);
 * OR of the day fields without a leading `*`, AND with one or with `+`. */
#include "cron/read.h"

#include <string.h>

/* LIST: single values. RUNS: also a-b, a-b/n and `*`. BARE: those without `*`. TIME: RUNS, and two values
 * make a step too. */
enum style { STYLE_LIST, STYLE_RUNS, STYLE_BARE, STYLE_TIME };

struct values {
    uint64_t mask;
    int low, high; /* of the field */
    enum style style;
    const char *between;
};

static void add_between(struct values *v, struct buf *out) {
    buf_adds(out, v->between);
    v->between = ",";
}

static int first_of(uint64_t mask) { return __builtin_ctzll(mask); }
static int last_of(uint64_t mask) { return 63 - __builtin_clzll(mask); }

/* How many values stand in a row from `from`, `step` apart. */
static int count_from(uint64_t mask, int from, int step) {
    int n = 0;
    for (int v = from; v < 64 && mask >> v & 1; v += step) n++;
    return n;
}

/* The step when all values are one progression of it; 0: they are none. */
static int step_of(const struct values *v) {
    int first = first_of(v->mask), count = __builtin_popcountll(v->mask);
    if (count < 2 || v->style == STYLE_LIST) return 0;
    int step = first_of(v->mask & (v->mask - 1)) - first;
    bool pair = count == 2 && v->style == STYLE_TIME && first == v->low && first + 2 * step > v->high;
    if (count == 2 && !pair) return 0;
    return count_from(v->mask, first, step) == count ? step : 0;
}

static void print_step(struct values *v, int step, struct buf *out) {
    int first = first_of(v->mask), last = last_of(v->mask);
    add_between(v, out);
    if (first == v->low && last + step > v->high && v->style != STYLE_BARE)
        buf_addc(out, '*');
    else
        buf_addf(out, "%d-%d", first, last);
    if (step > 1) buf_addf(out, "/%d", step);
}

static void print_runs(struct values *v, struct buf *out) {
    for (uint64_t left = v->mask; left;) {
        int from = first_of(left), n = count_from(left, from, 1);
        if (n < 3 || v->style == STYLE_LIST) n = 1;
        add_between(v, out);
        buf_addf(out, n > 1 ? "%d-%d" : "%d", from, from + n - 1);
        for (int i = 0; i < n; i++) left &= left - 1;
    }
}

static void print_values(struct values *v, struct buf *out) {
    int step = v->mask ? step_of(v) : 0;
    if (step)
        print_step(v, step, out);
    else
        print_runs(v, out);
}

/* ---- the fields */

static void print_time(const struct cron *c, bool seconds, struct buf *out) {
    enum style style = c->interval ? STYLE_TIME : STYLE_LIST;
    struct values second = {c->second, 0, 59, style, ""}, minute = {c->minute, 0, 59, style, ""},
                  hour = {c->hour, 0, 23, style, " "};
    size_t start = out->len;
    if (seconds) {
        print_values(&second, out);
        minute.between = " ";
    }
    print_values(&minute, out);
    print_values(&hour, out);
    if (c->interval && !strpbrk(buf_str(out) + start, "*-/"))
        buf_addf(out, "-%d", last_of(c->hour)); /* of one value a range: 5-5 */
}

static void print_dom(const struct cron *c, struct buf *out) {
    struct values days = {c->dom, 1, 31, c->either ? STYLE_BARE : STYLE_RUNS, " "};
    print_values(&days, out);
    for (uint32_t left = c->weekday; left; left &= left - 1) {
        add_between(&days, out);
        buf_addf(out, "%dW", __builtin_ctz(left));
    }
    for (uint64_t left = (uint64_t)c->last | (uint64_t)c->last_weekday << 32; left; left &= left - 1) {
        int n = first_of(left);
        add_between(&days, out);
        buf_addc(out, 'L');
        if (n % 32) buf_addf(out, "-%d", n % 32);
        if (n >= 32) buf_addc(out, 'W');
    }
}

static void print_dow(const struct cron *c, bool plus, struct buf *out) {
    struct values days = {c->dow, 0, 6, c->either ? STYLE_BARE : STYLE_RUNS, plus ? " +" : " "};
    print_values(&days, out);
    for (int k = 0; k < 5; k++) {
        for (uint32_t left = c->nth[k]; left; left &= left - 1) {
            add_between(&days, out);
            buf_addf(out, "%d#%d", __builtin_ctz(left), k + 1);
        }
    }
    for (uint32_t left = c->dow_last; left; left &= left - 1) {
        add_between(&days, out);
        buf_addf(out, "%dL", __builtin_ctz(left));
    }
}

static void print_days(const struct cron *c, struct buf *out) {
    struct values month = {c->month, 1, 12, STYLE_RUNS, " "};
    size_t start = out->len + 1;
    print_dom(c, out);
    bool star = out->s[start] == '*' || c->dow == 0x7f;
    print_values(&month, out);
    print_dow(c, !c->either && !star, out);
}

/* ---- years */

static bool has_year(const struct cron *c, int y) {
    int bit = y - CRON_YEAR_MIN;
    return y <= CRON_YEAR_MAX && c->year[bit / 64] >> (bit % 64) & 1;
}

static int year_after(const struct cron *c, int y) {
    for (y++; y <= CRON_YEAR_MAX && !has_year(c, y);) y++;
    return y;
}

static int year_count(const struct cron *c) {
    int n = 0;
    for (size_t i = 0; i < 4; i++) n += __builtin_popcountll(c->year[i]);
    return n;
}

/* One progression, else runs. */
static void print_years(const struct cron *c, struct buf *out) {
    int first = year_after(c, CRON_YEAR_MIN - 1), step = year_after(c, first) - first, n = 0;
    for (int y = first; has_year(c, y); y += step) n++;
    const char *between = " ";
    if (n == year_count(c) && n > 2) {
        buf_addf(out, " %d-%d/%d", first, first + (n - 1) * step, step);
        return;
    }
    for (int y = first, end; y <= CRON_YEAR_MAX; y = year_after(c, end)) {
        for (end = y; has_year(c, end + 1);) end++;
        buf_addf(out, end > y ? "%s%d-%d" : "%s%d", between, y, end);
        between = ",";
    }
}

static void print_every(int64_t seconds, struct buf *out) {
    static const struct {
        int64_t size;
        char name;
    } units[] = {{604800, 'w'}, {86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    buf_adds(out, "@every ");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (seconds / units[i].size)
            buf_addf(out, "%lld%c", (long long)(seconds / units[i].size), units[i].name);
        seconds %= units[i].size;
    }
}

void cron_print(const struct cron *c, struct buf *out) {
    bool years = year_count(c) <= CRON_YEAR_MAX - CRON_YEAR_MIN;
    if (c->every) {
        print_every(c->every, out);
        return;
    }
    print_time(c, years || c->second != 1, out);
    print_days(c, out);
    if (years) print_years(c, out);
}
