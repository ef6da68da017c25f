/* backfill_windows.c: which windows lie in [from, to): those of a schedule's slots, or local units of
 * time. */
#include "base/tz.h"
#include "scheduler/plans/backfill_impl.h"

#include "base/limits.h"
#include "base/suggest.h"
#include "cron/slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- refusals ---- */

static int backwards(const struct plan_request *r, const char *zone, struct err *err) {
    char from[TZ_TEXT], to[TZ_TEXT];
    err_set(err, EX_USAGE, "--from %s is not before --to %s", tz_text_in(zone, r->from, from),
            tz_text_in(zone, r->to, to));
    return err_hint(err, "--to is exclusive: --from 2026-11-01 --to 2026-11-08 is seven days");
}

static int too_many(const struct planning *k, struct err *err) {
    err_set(err, EX_USAGE, "that is more than %d windows of %s", LIMIT_BACKFILL_WINDOWS, k->p->name);
    return err_hint(err, "take a shorter stretch, or larger ones: --every day");
}

static int none(const struct planning *k, struct err *err) {
    char from[TZ_TEXT], to[TZ_TEXT];
    err_set(err, EX_USAGE, "no window of %s lies between %s and %s", k->p->name,
            tz_text_in(k->p->timezone, k->r->from, from), tz_text_in(k->p->timezone, k->r->to, to));
    return err_hint(err, "see its windows: leat next %s; or say what they are: --every hour", k->p->name);
}

static int in_future(const struct planning *k, const struct plan_window *w, struct err *err) {
    char end[TZ_TEXT], now[TZ_TEXT];
    err_set(err, EX_USAGE, "a window of %s would end in the future, at %s: it is %s", k->p->name,
            tz_text_in(k->p->timezone, w->end, end),
            tz_text_in(k->p->timezone, k->now - k->now % US_PER_SECOND, now));
    return err_hint(err, "only what has ended can be done: up to now is --from … --to now");
}

/* Windows come in order: one that equals the last, or lies in the future, is seen at once. */
static int take(struct planning *k, const struct plan_window *w, struct err *err) {
    struct backfill_plan *out = k->out;
    const struct plan_window *last = out->count ? &out->windows[out->count - 1] : NULL;
    if (w->end > k->now) return in_future(k, w, err);
    if (last && last->start == w->start && last->end == w->end) return 0; /* two slots may share a window */
    if (out->count >= LIMIT_BACKFILL_WINDOWS) return too_many(k, err);
    GROW(out->windows, out->count, out->cap);
    out->windows[out->count++] = *w;
    return 0;
}

/* ---- slots ---- */

static int no_schedule(const struct planning *k, struct err *err) {
    const struct pipeline *p = k->p;
    const char **names = xcalloc(p->schedule_count + 1, sizeof *names);
    size_t n = 0;
    for (size_t i = 0; i < p->schedule_count; i++)
        if (p->schedules[i].rule.cron_count) names[n++] = p->schedules[i].name;
    const char *meant = suggest(k->r->schedule, names, n);
    err_set(err, EX_NOT_FOUND, "%s has no schedule `%s` that fires by the clock", p->name, k->r->schedule);
    if (meant)
        err_hint(err, "did you mean `%s`?", meant);
    else if (!n)
        err_hint(err, "leave --schedule out: it has windows of days, or say which: --every hour");
    free(names);
    return -1;
}

static const struct schedule *schedule_asked(const struct planning *k) {
    const struct pipeline *p = k->p;
    for (size_t i = 0; i < p->schedule_count; i++) {
        const struct schedule *s = &p->schedules[i];
        bool named = !k->r->schedule || strcmp(k->r->schedule, s->name) == 0;
        if (named && s->rule.cron_count) return s;
    }
    return NULL;
}

static int take_slots(struct planning *k, const struct schedule *s, struct err *err) {
    struct slot_rule rule = s->rule;
    struct slot slot;
    if (rule.start == INSTANT_NONE || rule.start < k->r->from) rule.start = k->r->from;
    rule.end = k->r->to;
    k->slots_of = s;
    k->out->schedule = s->name;
    k->out->zone = s->timezone;
    struct slots *slots = slots_new(&rule);
    int rc = 0;
    for (bool more = slots_next(slots, k->r->from, &slot); more && !rc; more = slots_step(slots, &slot)) {
        struct plan_window w = {.start = slot.start, .end = slot.end, .fire = slot.fire};
        rc = take(k, &w, err);
    }
    slots_free(slots);
    return rc;
}

/* ---- units ---- */

struct units {
    enum window_unit unit;
    int32_t count;
};

static int not_units(const char *text, struct err *err) {
    err_set(err, EX_USAGE, "--every `%s` is not a unit of time", text);
    return err_hint(err, "write hour, day, week or month, or several of them: \"6 hours\"");
}

/* "day", "6 hours": what `covers: previous …` takes. */
static int parse_units(const char *text, struct units *out, struct err *err) {
    char words[COVERS_TEXT], *rest;
    struct covers c;
    if (strtol(text, &rest, 10) == 0 && rest != text)
        return err_set(err, EX_USAGE, "--every `%s` is an interval of zero", text);
    int n = snprintf(words, sizeof words, "previous %s", text);
    bool good = n < (int)sizeof words && covers_parse(words, &c) && c.unit != WINDOW_FIRING && !c.since;
    if (!good) return not_units(text, err);
    *out = (struct units){.unit = c.unit, .count = c.count};
    return 0;
}

static instant_t after_units(const struct units *u, const struct tz *tz, instant_t t) {
    for (int32_t i = 0; i < u->count; i++) t = unit_next(u->unit, tz, t);
    return t;
}

static int take_units(struct planning *k, struct err *err) {
    struct units u = {.unit = WINDOW_DAY, .count = 1};
    if (k->r->every && parse_units(k->r->every, &u, err)) return -1;
    struct tz *tz = tz_load(k->p->timezone, err);
    if (!tz) return -1;
    k->out->zone = k->p->timezone;
    instant_t start = unit_floor(u.unit, tz, k->r->from), end;
    if (start < k->r->from) start = unit_next(u.unit, tz, start);
    int rc = 0;
    for (; !rc && (end = after_units(&u, tz, start)) <= k->r->to; start = end) {
        struct plan_window w = {.start = start, .end = end, .fire = INSTANT_NONE};
        rc = take(k, &w, err);
    }
    tz_free(tz);
    return rc;
}

int plan_windows(struct planning *k, struct err *err) {
    if (k->r->from >= k->r->to) return backwards(k->r, k->p->timezone, err);
    const struct schedule *s = k->r->every ? NULL : schedule_asked(k);
    if (!s && k->r->schedule && !k->r->every) return no_schedule(k, err);
    if (s ? take_slots(k, s, err) : take_units(k, err)) return -1;
    return k->out->count ? 0 : none(k, err);
}
