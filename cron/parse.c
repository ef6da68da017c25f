/* parse.c: from items to masks. */
#include "cron/local.h"
#include "cron/read.h"

#include <stdio.h>
#include <string.h>

enum { ALL_DAYS = 0x7f };

_Static_assert(sizeof(struct cron) <= 128, "100,000 schedules are a few megabytes");

#define ALL_DOM    UINT32_C(0xfffffffe)
#define ALL_MONTHS UINT16_C(0x1ffe)

/* The values from low to high in steps; past the top of the field it goes on at `base`. */
static uint64_t circle(int low, int high, int step, int base, int size) {
    uint64_t mask = 0;
    int span = high >= low ? high - low : high - low + size;
    if (step == 1 && high >= low) return ((UINT64_C(2) << span) - 1) << low;
    for (int d = 0; d <= span; d += step) {
        int v = low + d;
        mask |= UINT64_C(1) << (v >= base + size ? v - size : v);
    }
    return mask;
}

/* 7 is Sunday too. From low to high <= 7 it is a place of its own; one that begins there begins at 0. */
static uint64_t dow_circle(int low, int high, int step) {
    if (low <= high) {
        uint64_t mask = circle(low, high, step, 0, 8);
        return (mask | mask >> 7) & ALL_DAYS;
    }
    return low == 7 ? circle(0, high, step, 0, 8) : circle(low, high, step, 0, 7);
}

static uint64_t range_mask(const struct item *i, int low, int high, int step) {
    if (i->field == CRON_DOW) return dow_circle(low, high, step);
    int base = cron_field_low[i->field];
    return circle(low, high, step, base, cron_field_high[i->field] - base + 1);
}

static uint64_t hash_mask(const struct item *i, const char *seed) {
    uint64_t h = cron_hash(seed, cron_field_salts[i->field]);
    if (i->step) return range_mask(i, i->low + (int)(h % i->step), i->high, i->step);
    int v = i->low + (int)(h % (uint64_t)(i->high - i->low + 1));
    return range_mask(i, v, v, 1);
}

static void add_years(struct cron *c, const struct item *i) {
    for (int y = i->low; y <= i->high; y += i->step) {
        int bit = y - CRON_YEAR_MIN;
        c->year[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
}

static void add_mask(struct cron *c, enum cron_field field, uint64_t mask) {
    switch (field) {
    case CRON_SECOND: c->second |= mask; break;
    case CRON_MINUTE: c->minute |= mask; break;
    case CRON_HOUR: c->hour |= (uint32_t)mask; break;
    case CRON_DOM: c->dom |= (uint32_t)mask; break;
    case CRON_MONTH: c->month |= (uint16_t)mask; break;
    default: c->dow |= (uint8_t)mask; break;
    }
}

static void add_item(struct cron *c, const struct item *i, const char *seed) {
    uint8_t day = (uint8_t)(1u << (i->low % 7));
    switch (i->kind) {
    case ITEM_HASH: add_mask(c, i->field, hash_mask(i, seed)); break;
    case ITEM_LAST: c->last |= 1u << i->low; break;
    case ITEM_LAST_WEEKDAY: c->last_weekday |= 1u << i->low; break;
    case ITEM_WEEKDAY: c->weekday |= 1u << i->low; break;
    case ITEM_DOW_LAST: c->dow_last |= day; break;
    case ITEM_NTH: c->nth[i->high - 1] |= day; break;
    default:
        if (i->field == CRON_YEAR)
            add_years(c, i);
        else
            add_mask(c, i->field, range_mask(i, i->low, i->high, i->step));
    }
}

/* Written with a `*`, a range or a step in a field of the time of day. */
static bool is_interval(const struct item *i) {
    return i->field <= CRON_HOUR && (i->stepped || i->form == FORM_STAR || i->form == FORM_SPAN);
}

/* One bit for each of the 230 years. */
static const uint64_t all_years[4] = {~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0),
                                      (UINT64_C(1) << (CRON_YEAR_MAX - CRON_YEAR_MIN + 1 - 3 * 64)) - 1};

/* One form for each set of days: what is in a full field adds nothing, and OR with one is every day. */
static void normalise(struct cron *c) {
    bool full_dom = c->dom == ALL_DOM, full_dow = c->dow == ALL_DAYS;
    if (c->either && (full_dom || full_dow)) full_dom = full_dow = true, c->either = false;
    if (full_dom) c->dom = ALL_DOM, c->last = c->last_weekday = c->weekday = 0;
    if (full_dow) c->dow = ALL_DAYS, c->dow_last = 0, memset(c->nth, 0, sizeof c->nth);
    c->any_day = full_dom && full_dow;
    c->any_month = c->month == ALL_MONTHS && memcmp(c->year, all_years, sizeof c->year) == 0;
}

static int compile(struct cron *c, const struct cron_text *t, const char *seed, struct cron_note *err) {
    for (uint16_t n = 0; n < t->count; n++) {
        const struct item *i = &t->items[n];
        if (i->kind == ITEM_HASH && !seed)
            return cron_say(err, CRON_E_HASH, i->field, (struct part){i->at, i->length},
                            "`H` needs a seed: the name of the pipeline that it is of");
        add_item(c, i, seed);
        c->interval = c->interval || is_interval(i);
    }
    if (t->field_count == 5) c->second = 1;
    if (t->field_count < CRON_FIELDS) memcpy(c->year, all_years, sizeof c->year);
    c->either = !t->plus && !t->star[CRON_DOM] && !t->star[CRON_DOW];
    normalise(c);
    return 0;
}

/* The day fields, which no date can satisfy. */
static int never(const struct cron *c, const struct cron_text *t, struct cron_note *err) {
    struct part first = t->fields[CRON_DOM], last = t->fields[t->field_count == 7 ? CRON_YEAR : CRON_DOW];
    struct part all = {first.at, (uint16_t)(last.at + last.length - first.at)};
    cron_say(err, CRON_E_NEVER, CRON_DOM, all, "no date from %d to %d matches the day fields", CRON_YEAR_MIN,
             CRON_YEAR_MAX);
    bool late = c->dom && !(c->dom & ((1u << 29) - 1));
    return late ? cron_hint(err, "the last day of any month is `L`") : -1;
}

int cron_parse(const char *text, const struct cron_options *opts, struct cron *out, struct cron_note *err) {
    static const struct cron_options none = {0};
    struct cron_text t;
    struct cron c = {0};
    int64_t first;
    if (!opts) opts = &none;
    if (cron_read(text, &t, err) != 0) return -1;
    c.zone_at = t.zone.at;
    c.zone_len = (uint8_t)t.zone.length;
    c.every = t.every;
    c.anchor = t.every ? opts->anchor / US_PER_SECOND % t.every : 0;
    if (!t.every && compile(&c, &t, opts->seed, err) != 0) return -1;
    if (!t.every && !cron_local_next(&c, 0, &first)) return never(&c, &t, err);
    if (opts->dst != CRON_DST_AUTO) c.interval = opts->dst == CRON_DST_INTERVAL;
    *out = c;
    return 0;
}

bool cron_zone(const struct cron *c, const char *text, char out[TZ_NAME]) {
    if (!c->zone_len) return false;
    snprintf(out, TZ_NAME, "%.*s", c->zone_len, text + c->zone_at);
    return true;
}

bool cron_same(const struct cron *a, const struct cron *b) {
    if (a->every || b->every) return a->every == b->every && a->anchor == b->anchor;
    return a->second == b->second && a->minute == b->minute && a->hour == b->hour && a->dom == b->dom &&
           a->weekday == b->weekday && a->last == b->last && a->last_weekday == b->last_weekday &&
           a->month == b->month && a->dow == b->dow && a->dow_last == b->dow_last && a->either == b->either &&
           a->interval == b->interval && memcmp(a->nth, b->nth, sizeof a->nth) == 0 &&
           memcmp(a->year, b->year, sizeof a->year) == 0;
}
