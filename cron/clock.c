/* clock.c: from civil times to instants: clauses A and B of cron.h in a zone.
 *
 * A zone is a row of segments with one offset each. Inside of one a fire is a civil match minus the offset;
 * what is special happens where a segment begins, at T (offset o1 before, o2 after):
 *
 *   gap, o2 > o1        T itself may be made up for civil seconds [T + o1, T + o2); clause B
 *   overlap, o2 < o1    civil seconds [T + o2, T + o1) were there before; a FIXED schedule leaves them out
 *
 * Forwards, T comes before the segment's own matches; backwards, after them. When the next match is far away
 * the segments between are not visited: a fire is never farther from its civil time than the greatest
 * offset. */
#include "cron/local.h"

enum { WHOLE_DAY = 86400, FAR = 8 * WHOLE_DAY, NEAR = 2 * WHOLE_DAY };

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* ---- segments */

static struct tz_segment segment_at(const struct cron_clock *k, int64_t t) {
    if (!k->tz) return (struct tz_segment){INT64_MIN, INT64_MAX, 0};
    return tz_segment(k->tz, t);
}

/* The segment before, if it is near enough to s for its civil times to matter there. */
static bool step_back(const struct cron_clock *k, const struct tz_segment *s, struct tz_segment *p) {
    if (p->from == INT64_MIN || s->from - p->from > NEAR) return false;
    *p = segment_at(k, p->from - 1);
    return true;
}

static void enter(struct cron_clock *k, int64_t t) {
    if (t >= k->segment.from && t < k->segment.to) return;
    k->segment = segment_at(k, t);
    k->seen = INT64_MIN;
    for (struct tz_segment p = k->segment; step_back(k, &k->segment, &p);)
        if (p.to + p.offset > k->seen) k->seen = p.to + p.offset;
}

/* The earlier segment that had the civil second l too. */
static bool seen_in(const struct cron_clock *k, int64_t l, struct tz_segment *p) {
    for (*p = k->segment; step_back(k, &k->segment, p);)
        if (l - p->offset >= p->from && l - p->offset < p->to) return true;
    return false;
}

/* The next match in civil time that clause A allows in this segment. */
static bool find_next(const struct cron_clock *k, int64_t l, int64_t *out) {
    struct tz_segment p;
    while (cron_local_next(k->schedule, l, out)) {
        if (k->schedule->interval || *out >= k->seen || !seen_in(k, *out, &p)) return true;
        l = p.to + p.offset;
    }
    return false;
}

static bool find_prev(const struct cron_clock *k, int64_t l, int64_t *out) {
    struct tz_segment p;
    while (cron_local_prev(k->schedule, l, out)) {
        if (k->schedule->interval || *out >= k->seen || !seen_in(k, *out, &p)) return true;
        if (p.from == INT64_MIN) return false;
        l = p.from + p.offset - 1;
    }
    return false;
}

/* Clause B at the beginning of the segment. Civil seconds that differ only in what a shift by the length of
 * the gap leaves alone are covered together, so one of them is looked at. */
static bool made_up(const struct cron_clock *k) {
    const struct tz_segment *s = &k->segment;
    if (s->from == INT64_MIN) return false;
    int64_t before = segment_at(k, s->from - 1).offset, gap = s->offset - before;
    if (gap <= 0) return false;
    bool coverable = k->schedule->interval || gap >= WHOLE_DAY;
    int64_t unit = gap % WHOLE_DAY == 0 ? WHOLE_DAY : gap % 3600 == 0 ? 3600 : gap % 60 == 0 ? 60 : 1;
    int64_t l = s->from + before;
    while (cron_local_next(k->schedule, l, &l) && l < s->from + s->offset) {
        if (!coverable || !cron_local_match(k->schedule, l + gap)) return true;
        l = (l / unit + 1) * unit;
    }
    return false;
}

/* ---- @every */

static instant_t every_next(const struct cron *c, int64_t s) {
    int64_t k = floor_div(s - 1 - c->anchor, c->every) + 1, f = c->anchor + k * c->every;
    if (f < 0) f += ((-f + c->every - 1) / c->every) * c->every;
    return f < CRON_LOCAL_END ? f * US_PER_SECOND : INSTANT_NONE;
}

static instant_t every_prev(const struct cron *c, int64_t s) {
    if (s >= CRON_LOCAL_END) s = CRON_LOCAL_END - 1;
    int64_t f = c->anchor + floor_div(s - c->anchor, c->every) * c->every;
    return f >= 0 ? f * US_PER_SECOND : INSTANT_NONE;
}

/* ---- asking */

void cron_clock_init(struct cron_clock *k, const struct cron *schedule, const struct tz *tz) {
    *k = (struct cron_clock){.schedule = schedule, .tz = tz, .segment = {INT64_MAX, INT64_MIN, 0}};
}

/* From the end of a segment on: the instant before which no fire can be. false: there is none at all. */
static bool leap_forward(const struct cron_clock *k, int64_t *s) {
    int64_t l;
    if (!cron_local_next(k->schedule, *s - TZ_OFFSET_MAX, &l)) return false;
    if (l - TZ_OFFSET_MAX > *s) *s = l - TZ_OFFSET_MAX;
    return true;
}

static bool leap_back(const struct cron_clock *k, int64_t *s) {
    int64_t l;
    if (!cron_local_prev(k->schedule, *s + TZ_OFFSET_MAX, &l)) return false;
    if (l + TZ_OFFSET_MAX < *s) *s = l + TZ_OFFSET_MAX;
    return true;
}

/* The first fire not before s, which is in seconds. */
static instant_t first_from(struct cron_clock *k, int64_t s) {
    const struct tz_segment *g = &k->segment;
    for (;;) {
        int64_t l;
        enter(k, s);
        if (s == g->from && made_up(k)) return s * US_PER_SECOND;
        bool found = find_next(k, s + g->offset, &l);
        if (found && l - g->offset < g->to) return (l - g->offset) * US_PER_SECOND;
        if (g->to == INT64_MAX) return INSTANT_NONE;
        s = g->to;
        if ((!found || l - g->offset - s > FAR) && !leap_forward(k, &s)) return INSTANT_NONE;
    }
}

static instant_t last_until(struct cron_clock *k, int64_t s) {
    const struct tz_segment *g = &k->segment;
    for (;;) {
        int64_t l;
        enter(k, s);
        bool found = find_prev(k, s + g->offset, &l);
        if (found && l - g->offset >= g->from) return (l - g->offset) * US_PER_SECOND;
        if (g->from == INT64_MIN) return INSTANT_NONE;
        if (made_up(k)) return g->from * US_PER_SECOND;
        s = g->from - 1;
        if ((!found || s - (l - g->offset) > FAR) && !leap_back(k, &s)) return INSTANT_NONE;
    }
}

instant_t cron_next(struct cron_clock *k, instant_t t) {
    int64_t s = floor_div(t, US_PER_SECOND) + 1;
    return k->schedule->every ? every_next(k->schedule, s) : first_from(k, s);
}

instant_t cron_prev(struct cron_clock *k, instant_t t) {
    int64_t s = t / US_PER_SECOND + (t % US_PER_SECOND > 0) - 1;
    return k->schedule->every ? every_prev(k->schedule, s) : last_until(k, s);
}

instant_t cron_at_or_after(struct cron_clock *k, instant_t t) {
    return cron_next(k, t == INT64_MIN ? t : t - 1);
}

bool cron_match(struct cron_clock *k, instant_t t) {
    return t != INSTANT_NONE && cron_at_or_after(k, t) == t;
}
