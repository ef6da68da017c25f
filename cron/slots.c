/* slots.c: see slots.h.
 *
 * Both ends of a window only grow from fire to fire, so the first fire with a window after `start`, and the
 * last with one before `end`, are found by halving: a few dozen questions, whatever the schedule. */
#include "cron/slots.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

/* Instants before and after every fire. */
#define BEFORE_ALL (-3 * US_PER_DAY)
#define AFTER_ALL  ((instant_t)days_from_civil(CRON_YEAR_MAX + 1, 1, 4) * US_PER_DAY)

struct slots {
    struct slot_rule rule;
    struct cron_clock clocks[]; /* of rule.crons */
};

struct slots *slots_new(const struct slot_rule *rule) {
    struct slots *s = xcalloc(1, sizeof *s + rule->cron_count * sizeof *s->clocks);
    s->rule = *rule;
    for (size_t i = 0; i < rule->cron_count; i++) cron_clock_init(&s->clocks[i], &rule->crons[i], rule->tz);
    return s;
}

void slots_free(struct slots *s) { free(s); }

const struct slot_rule *slots_rule(const struct slots *s) { return &s->rule; }

/* ---- F: the fires of all texts */

static instant_t any_next(struct slots *s, instant_t t) {
    instant_t best = INSTANT_NONE;
    for (size_t i = 0; i < s->rule.cron_count; i++) {
        instant_t f = cron_next(&s->clocks[i], t);
        if (f != INSTANT_NONE && (best == INSTANT_NONE || f < best)) best = f;
    }
    return best;
}

static instant_t any_prev(struct slots *s, instant_t t) {
    instant_t best = INSTANT_NONE; /* the smallest instant there is */
    for (size_t i = 0; i < s->rule.cron_count; i++) {
        instant_t f = cron_prev(&s->clocks[i], t);
        if (f > best) best = f;
    }
    return best;
}

/* ---- F': without the dates of the calendar */

static const struct tz *closed_zone(const struct slots *s) {
    return s->rule.closed_tz ? s->rule.closed_tz : s->rule.tz;
}

static int64_t date_of(const struct tz *tz, instant_t t) {
    int64_t wall = firing_at(tz, t).wall;
    return wall / 86400 - (wall % 86400 < 0);
}

static const struct date_range *closed_on(const struct slots *s, instant_t fire) {
    if (!s->rule.closed_count) return NULL;
    int64_t day = date_of(closed_zone(s), fire);
    size_t low = 0, high = s->rule.closed_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->rule.closed[middle].last < day)
            low = middle + 1;
        else
            high = middle;
    }
    bool in = low < s->rule.closed_count && s->rule.closed[low].first <= day;
    return in ? &s->rule.closed[low] : NULL;
}

static instant_t day_begins(const struct tz *tz, int64_t day) {
    struct civil c = civil_of(day * US_PER_DAY);
    return tz ? tz_instant(tz, &c) : instant_of(&c);
}

/* No change of the clock shows another date again near the midnight at t. */
static bool calm(const struct tz *tz, instant_t t) {
    return !tz || (tz_next_change(tz, t - 2 * US_PER_DAY) == tz_next_change(tz, t + 2 * US_PER_DAY));
}

/* Both: an instant to go on from, with nothing but closed dates between it and the fire. */
static instant_t closed_until(const struct slots *s, const struct date_range *r, instant_t fire) {
    const struct tz *tz = closed_zone(s);
    instant_t first = day_begins(tz, r->first);
    if (fire < first + 2 * US_PER_DAY && !calm(tz, first)) return fire;
    instant_t end = day_begins(tz, r->last + 1) - 1;
    return end > fire ? end : fire;
}

static instant_t closed_since(const struct slots *s, const struct date_range *r, instant_t fire) {
    const struct tz *tz = closed_zone(s);
    instant_t first = day_begins(tz, r->first), end = day_begins(tz, r->last + 1);
    if (fire > end - 2 * US_PER_DAY && !calm(tz, end)) return fire;
    if (!calm(tz, first)) first += 2 * US_PER_DAY;
    return first < fire ? first : fire;
}

instant_t slots_fire_next(struct slots *s, instant_t t) {
    for (;;) {
        instant_t fire = any_next(s, t);
        const struct date_range *r = fire == INSTANT_NONE ? NULL : closed_on(s, fire);
        if (!r) return fire;
        t = closed_until(s, r, fire);
    }
}

instant_t slots_fire_prev(struct slots *s, instant_t t) {
    for (;;) {
        instant_t fire = any_prev(s, t);
        const struct date_range *r = fire == INSTANT_NONE ? NULL : closed_on(s, fire);
        if (!r) return fire;
        t = closed_since(s, r, fire);
    }
}

/* ---- windows */

/* The first wall time of a gap [from, to) that some text matches; to: none. `shown` when one matches what the
 * clock shows after it: then the fire is that one's. */
static int64_t made_up(const struct slots *s, int64_t from, int64_t to) {
    int64_t best = to;
    for (size_t i = 0; i < s->rule.cron_count; i++) {
        struct cron_clock wall; /* wall times are the instants of UTC */
        if (s->rule.crons[i].every) continue;
        cron_clock_init(&wall, &s->rule.crons[i], NULL);
        instant_t f = cron_at_or_after(&wall, from * US_PER_SECOND);
        if (f != INSTANT_NONE && f / US_PER_SECOND < best) best = f / US_PER_SECOND;
        if (cron_match(&wall, to * US_PER_SECOND)) return to;
    }
    return best;
}

static struct firing_at firing_of(const struct slots *s, instant_t fire) {
    struct firing_at f = firing_at(s->rule.tz, fire);
    if (!s->rule.tz || s->rule.covers.unit == WINDOW_FIRING) return f;
    int64_t second = fire / US_PER_SECOND;
    if (tz_segment(s->rule.tz, second).from != second) return f;
    int64_t gap = second + tz_segment(s->rule.tz, second - 1).offset;
    if (gap < f.wall) f.wall = made_up(s, gap, f.wall);
    return f;
}

static bool needs_before(const struct covers *c) { return c->unit == WINDOW_FIRING || c->since; }

/* The first fire after an edit goes on where the windows of before ended. */
static bool joins(const struct slots *s, instant_t before, instant_t fire) {
    const struct slot_join *j = &s->rule.join;
    return j->there && needs_before(&s->rule.covers) && before <= j->at && fire > j->at;
}

bool slots_window(struct slots *s, instant_t fire, struct slot *out) {
    struct firing_at now = firing_of(s, fire), before = {0};
    if (needs_before(&s->rule.covers)) {
        instant_t f = slots_fire_prev(s, fire);
        if (f == INSTANT_NONE) return false;
        before = firing_of(s, f);
    }
    out->fire = fire;
    window_of(&s->rule.covers, s->rule.tz, &before, &now, &out->start, &out->end);
    if (joins(s, before.at, fire)) out->start = s->rule.join.end;
    return true;
}

/* ---- S: within start and end */

static bool too_early(const struct slots *s, const struct slot *w) {
    const struct slot_join *j = &s->rule.join;
    if (s->rule.start != INSTANT_NONE && w->start < s->rule.start) return true;
    if (!j->there || w->fire > j->at) return false;
    return j->overlaps || needs_before(&s->rule.covers) || w->start < j->end;
}

static bool too_late(const struct slots *s, const struct slot *w) {
    return s->rule.end != INSTANT_NONE && w->end > s->rule.end;
}

/* The next fire after t has a window before start, or none. */
static bool early_after(struct slots *s, instant_t t) {
    struct slot w;
    instant_t f = slots_fire_next(s, t);
    return f != INSTANT_NONE && (!slots_window(s, f, &w) || too_early(s, &w));
}

static bool late_before(struct slots *s, instant_t t) {
    struct slot w;
    instant_t f = slots_fire_prev(s, t);
    return f != INSTANT_NONE && slots_window(s, f, &w) && too_late(s, &w);
}

/* The fire after `fire` whose window begins at start or after; `fire` itself is too early. */
static instant_t first_in_bounds(struct slots *s, instant_t fire) {
    instant_t low = fire > s->rule.start ? fire : s->rule.start, high = low;
    if (!early_after(s, low)) return slots_fire_next(s, low);
    for (duration_t step = US_PER_HOUR; early_after(s, high); step *= 2) {
        low = high;
        high += step;
    }
    while (high - low > 1) {
        instant_t middle = low + (high - low) / 2;
        if (early_after(s, middle))
            low = middle;
        else
            high = middle;
    }
    return slots_fire_next(s, high); /* the one at `high` is the last that is too early */
}

static instant_t last_in_bounds(struct slots *s, instant_t fire) {
    instant_t high = fire, low = high;
    for (duration_t step = US_PER_HOUR; late_before(s, low); step *= 2) {
        high = low;
        low -= step;
    }
    while (high - low > 1) {
        instant_t middle = low + (high - low) / 2;
        if (late_before(s, middle))
            high = middle;
        else
            low = middle;
    }
    return slots_fire_prev(s, low); /* the one at `low` is the first that is too late */
}

bool slots_next(struct slots *s, instant_t t, struct slot *out) {
    struct slot w;
    for (instant_t f = slots_fire_next(s, t); f != INSTANT_NONE;) {
        bool window = slots_window(s, f, &w);
        if (window && too_late(s, &w)) return false;
        if (window && too_early(s, &w)) {
            f = first_in_bounds(s, f);
            continue;
        }
        if (window && w.start < w.end) {
            *out = w;
            return true;
        }
        f = slots_fire_next(s, f);
    }
    return false;
}

bool slots_prev(struct slots *s, instant_t t, struct slot *out) {
    struct slot w;
    for (instant_t f = slots_fire_prev(s, t); f != INSTANT_NONE;) {
        if (!slots_window(s, f, &w) || too_early(s, &w)) return false;
        if (too_late(s, &w)) {
            f = last_in_bounds(s, f);
            continue;
        }
        if (w.start < w.end) {
            *out = w;
            return true;
        }
        f = slots_fire_prev(s, f);
    }
    return false;
}

bool slots_at(struct slots *s, instant_t fire, struct slot *out) {
    struct slot w;
    if (!slots_next(s, fire - 1, &w) || w.fire != fire) return false;
    *out = w;
    return true;
}

/* The window of the fire after the one in *w; its start is known from the window before. */
static bool step(struct slots *s, struct slot *w) {
    const struct covers *c = &s->rule.covers;
    struct firing_at before = {.at = w->fire}, fire;
    instant_t last_end = w->end;
    w->fire = slots_fire_next(s, w->fire);
    if (w->fire == INSTANT_NONE) return false;
    fire = firing_of(s, w->fire);
    window_of(c, s->rule.tz, c->since ? &fire : &before, &fire, &w->start, &w->end);
    if (c->since) w->start = last_end;
    return true;
}

bool slots_step(struct slots *s, struct slot *slot) {
    struct slot w = *slot;
    do
        if (!step(s, &w)) return false;
    while (w.start >= w.end);
    if (too_late(s, &w)) return false;
    *slot = w;
    return true;
}

/* ---- questions of others */

bool slots_complete(struct slots *s, instant_t t, struct slot *out) { return slots_prev(s, t + 1, out); }

instant_t slots_first_cursor(struct slots *s, instant_t now) {
    struct slot first;
    if (s->rule.start == INSTANT_NONE || !slots_next(s, s->rule.start, &first)) return now;
    return first.fire <= now ? first.fire - US_PER_SECOND : now;
}

bool slots_before_join(const struct slots *s) {
    return s->rule.join.there && !s->rule.join.overlaps && !needs_before(&s->rule.covers);
}

/* One window after the other, without overlap: as the last two say. */
static bool tiles(struct slots *s, const struct slot *last) {
    struct slot before;
    return !slots_prev(s, last->fire, &before) || before.end <= last->start;
}

struct slot_join slots_join(struct slots *s, instant_t at, instant_t since) {
    struct slot_join join = s->rule.join;
    struct slot last;
    join.at = at;
    if (!slots_prev(s, at + 1, &last)) return join;
    if (since != INSTANT_NONE && s->rule.start == INSTANT_NONE && last.fire <= since) return join;
    return (struct slot_join){.there = true, .overlaps = !tiles(s, &last), .at = at, .end = last.end};
}

enum slots_fault slots_fault(struct slots *s) {
    struct slot w;
    if (!s->rule.cron_count || slots_next(s, BEFORE_ALL, &w)) return SLOTS_NONE;
    if (any_next(s, BEFORE_ALL) == INSTANT_NONE) return SLOTS_NEVER;
    return slots_fire_next(s, BEFORE_ALL) == INSTANT_NONE ? SLOTS_CLOSED : SLOTS_BOUNDS;
}
