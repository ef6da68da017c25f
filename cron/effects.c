/* effects.c: what a change of the offset does to a schedule, found and said. */
#include "cron/explain.h"
#include "cron/local.h"

#include <stdio.h>

enum { WHOLE_DAY = 86400, WALL_TEXT = 32 };

/* ---- finding */

/* Local midnight to local midnight, for the day that the wall shows right after the change. */
static duration_t day_length(const struct tz *tz, instant_t at) {
    struct civil c = tz_civil(tz, at), day = {.year = c.year, .month = c.month, .day = c.day};
    struct civil next = civil_of(instant_of(&day) + US_PER_DAY);
    return tz_instant(tz, &next) - tz_instant(tz, &day);
}

static bool fires_at(const struct cron_clock *k, instant_t t) {
    struct cron_clock own = *k;
    return cron_match(&own, t);
}

/* There are matches in [from, to) of civil time. */
static bool matches_between(const struct cron_clock *k, int64_t from, int64_t to, struct cron_effect *e) {
    if (k->schedule->every || !cron_local_next(k->schedule, from, &e->first) || e->first >= to) return false;
    return cron_local_prev(k->schedule, to - 1, &e->last);
}

static enum cron_effect_kind kind_of(const struct cron_clock *k, int64_t t, struct cron_effect *e) {
    bool gap = e->after > e->before, interval = k->schedule->interval;
    int64_t from = t + (gap ? e->before : e->after), to = t + (gap ? e->after : e->before);
    if (!matches_between(k, from, to, e)) return CRON_EFFECT_NONE;
    if (!gap) return interval ? CRON_EFFECT_TWICE : CRON_EFFECT_ONCE;
    /* A regular run at the very jump stands in for them too. */
    bool coverable = interval || to - from >= WHOLE_DAY;
    bool regular = cron_local_match(k->schedule, to);
    bool run = fires_at(k, e->at);
    return run && !(coverable && regular) ? CRON_EFFECT_MADE_UP : CRON_EFFECT_LEFT_OUT;
}

bool cron_effect_next(const struct cron_clock *k, instant_t after, instant_t until, struct cron_effect *out) {
    instant_t at = k->tz ? tz_next_change(k->tz, after) : INSTANT_NONE;
    if (at == INSTANT_NONE || at > until) return false;
    struct tz_local before, now;
    tz_at(k->tz, at - 1, &before);
    tz_at(k->tz, at, &now);
    *out = (struct cron_effect){.at = at, .before = before.offset, .after = now.offset};
    out->kind = kind_of(k, at / US_PER_SECOND, out);
    out->day = day_length(k->tz, at);
    return true;
}

/* ---- saying */

/* "02:30", with seconds when there are any. */
static const char *clock_text(int64_t wall, char out[WALL_TEXT]) {
    struct civil c = civil_of(wall * US_PER_SECOND);
    int n = snprintf(out, WALL_TEXT, "%02d:%02d", c.hour, c.minute);
    if (c.second) snprintf(out + n, WALL_TEXT - (size_t)n, ":%02d", c.second);
    return out;
}

static void date_text(int64_t wall, struct buf *out) {
    struct civil c = civil_of(wall * US_PER_SECOND);
    buf_addf(out, "%04lld-%02d-%02d", (long long)c.year, c.month, c.day);
}

static void add_span(int64_t from, int64_t to, struct buf *out) {
    char a[WALL_TEXT], b[WALL_TEXT];
    bool dates = to - from >= WHOLE_DAY;
    if (dates) date_text(from, out);
    buf_addf(out, dates ? " %s to " : "%s to ", clock_text(from, a));
    if (dates) date_text(to, out);
    buf_addf(out, dates ? " %s" : "%s", clock_text(to, b));
}

static void add_runs(const struct cron_effect *e, const char *one, const char *several, struct buf *out) {
    char a[WALL_TEXT], b[WALL_TEXT];
    clock_text(e->first, a);
    clock_text(e->last, b);
    if (e->first == e->last)
        buf_addf(out, "; the run of %s %s", a, one);
    else
        buf_addf(out, "; the runs of %s to %s %s", a, b, several);
}

static void add_effect(const struct cron_effect *e, int64_t wall, struct buf *out) {
    char at[WALL_TEXT], one[64], several[64];
    clock_text(wall, at);
    snprintf(one, sizeof one, "is at %s", at);
    snprintf(several, sizeof several, "are one at %s", at);
    switch (e->kind) {
    case CRON_EFFECT_MADE_UP: add_runs(e, one, several, out); break;
    case CRON_EFFECT_LEFT_OUT: add_runs(e, "is left out", "are left out", out); break;
    case CRON_EFFECT_ONCE: add_runs(e, "is in the first pass only", "are in the first pass only", out); break;
    case CRON_EFFECT_TWICE: add_runs(e, "is in both passes", "are in both passes", out); break;
    case CRON_EFFECT_NONE: break;
    }
}

void cron_effect_text(const struct cron_effect *e, struct buf *out) {
    char length[DURATION_TEXT];
    int64_t s = e->at / US_PER_SECOND, before = s + e->before, after = s + e->after;
    bool gap = after > before;
    date_text(after, out);
    if (e->day == US_PER_DAY)
        buf_adds(out, ": ");
    else if (e->day % US_PER_HOUR == 0)
        buf_addf(out, " has %lld hours: ", (long long)(e->day / US_PER_HOUR));
    else
        buf_addf(out, " has %s: ", duration_text(e->day, length));
    add_span(gap ? before : after, gap ? after : before, out);
    buf_adds(out, gap ? " does not exist" : " comes twice");
    add_effect(e, after, out);
}
