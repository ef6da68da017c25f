/* judge_zone.c: when words and a zone fire, minute by minute: which local times match; what a jump of the clocks
 * leaves out is made up for at the jump, once, where it would be lost; a time of the day that comes twice fires
 * the first time. */
#include "judge.h"

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* Local: as a calendar without zones counts. */
static bool matches(const struct words *w, instant_t local) {
    int64_t minutes = floor_div(local, US_PER_MINUTE), hour = floor_div(minutes, 60);
    return minutes - hour * 60 == w->minute && (hour - floor_div(hour, 24) * 24) % w->every == 0;
}

/* Every n-th hour goes on through the jump; an hour of the day does not. */
static bool is_interval(const struct words *w) { return w->every < 24; }

static bool came_before(const struct zone_data *z, instant_t t) {
    return t >= z->jump && z->before > z->after && t + z->after - z->before < z->jump;
}

/* Some local time that the jump left out, and that nothing else stands for. */
static bool is_made_up(const struct words *w, const struct zone_data *z, instant_t t) {
    duration_t by = z->after - z->before;
    if (t != z->jump) return false;
    for (instant_t local = t + z->before; local < t + z->after; local += US_PER_MINUTE) {
        bool covered = (is_interval(w) || by >= US_PER_DAY) && matches(w, local + by);
        if (matches(w, local) && !covered) return true;
    }
    return false;
}

bool zone_fires(const struct words *w, const struct zone_data *z, instant_t t) {
    if (!w->every || w->minute < 0 || t % US_PER_MINUTE) return false;
    bool twice = !is_interval(w) && came_before(z, t);
    return (matches(w, t + zone_offset(z, t)) && !twice) || is_made_up(w, z, t);
}

/* The wall time on the day that this instant is part of; one that is left out is the jump. */
instant_t zone_at(const struct zone_data *z, instant_t day_of, duration_t time) {
    instant_t local = floor_div(day_of + zone_offset(z, day_of), US_PER_DAY) * US_PER_DAY + time;
    if (local - z->before < z->jump) return local - z->before;
    return local - z->after < z->jump ? z->jump : local - z->after;
}
