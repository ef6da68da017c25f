/* why_window.c: a pipeline and a window: which slots are about it, what became of them, or why there is
 * none. */
#include "scheduler/complete.h"
#include "scheduler/core/states.h"
#include "scheduler/why/why_impl.h"

#include "base/json.h"
#include "base/limits.h"
#include "cron/explain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *rule_source(struct whying *k, const struct ruled *r) {
    return r && r->written ? why_file(k->pipeline, r->written->at, k->out->arena) : "schedule";
}

/* ---- the slots about a window ---- */

struct item {
    const struct ruled
        *rule; /* NULL: of a schedule that is not there any more, or that starts after datasets */
    struct slot slot;
    struct slot_row row; /* decided: row.schedule is not 0 */
};

struct windowed {
    struct whying *k;
    instant_t start, end;
    struct ruled *rules;
    struct item *items;
    size_t rule_count, count, cap;
    bool cut; /* there are more than were looked at */
};

static bool is_decided(const struct item *i) { return i->row.schedule != 0; }

static void add_item(struct windowed *w, struct item i) {
    GROW(w->items, w->count, w->cap);
    w->items[w->count++] = i;
}

/* Its windows end when it fires, or before: what fires later than the start of the span may meet it. */
static int add_of_rule(struct windowed *w, const struct ruled *r, struct err *err) {
    struct slot slot;
    bool there = slots_next(r->slots, w->start, &slot);
    for (int i = 0; there && slot.start < w->end; i++, there = slots_step(r->slots, &slot)) {
        struct item item = {.rule = r, .slot = slot};
        if ((w->cut |= i == LIMIT_WHY_SLOTS)) break;
        if (slot.end <= w->start) continue;
        if (r->row.id &&
            store_slot_at(w->k->store, r->row.id, slot.fire, w->k->out->arena, &item.row, err) < 0)
            return -1;
        add_item(w, item);
    }
    return 0;
}

static bool is_covered(const struct windowed *w, const struct slot_row *row) {
    for (size_t i = 0; i < w->count; i++)
        if (w->items[i].row.schedule == row->schedule && w->items[i].row.fire == row->fire) return true;
    return false;
}

/* What was decided by other words, or started after datasets. */
static int add_decided(struct windowed *w, struct err *err) {
    struct slot_row *rows;
    size_t n;
    if (!w->k->store) return 0;
    if (store_slots_meeting(w->k->store, w->k->name, w->start, w->end, w->k->out->arena, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (is_covered(w, &rows[i])) continue;
        add_item(w, (struct item){.row = rows[i],
                                  .slot = {rows[i].fire, rows[i].window_start, rows[i].window_end}});
    }
    return 0;
}

static int find_items(struct windowed *w, struct err *err) {
    if (why_rules(w->k, &w->rules, &w->rule_count, err)) return -1;
    for (size_t i = 0; i < w->rule_count; i++)
        if (add_of_rule(w, &w->rules[i], err)) return -1;
    return add_decided(w, err);
}

/* ---- one slot ---- */

/* "raw.days version 3", "its datasets"; NULL: the clock. */
static const char *starter(struct whying *k, const struct item *i) {
    size_t n;
    if (!is_decided(i) || !after_part(i->row.schedule_name, &n)) return NULL;
    json_t *d = i->row.detail ? json_loads(i->row.detail, 0, NULL) : NULL;
    const char *text = "its datasets";
    if (json_text(d, "dataset"))
        text = why_print(k, "%s version %lld", json_text(d, "dataset"), (long long)json_int(d, "version", 0));
    json_decref(d);
    return text;
}

static const char *slot_name(struct whying *k, const struct item *i) {
    const char *by = starter(k, i);
    if (by) return why_print(k, "what %s would have started", by);
    return why_print(k, "the slot of %s", why_at(k, i->slot.fire));
}

/* What the clocks did between the beginning of its window and its firing. */
static void tell_clock(struct whying *k, const struct item *i) {
    const struct schedule *s = i->rule ? i->rule->schedule : NULL;
    struct cron_effect e;
    for (size_t f = 0; s && f < s->firing_count; f++) {
        struct cron_clock clock;
        cron_clock_init(&clock, s->firings[f].cron, s->rule.tz);
        for (instant_t t = i->slot.start; cron_effect_next(&clock, t, i->slot.fire, &e); t = e.at) {
            struct buf b = BUF_INIT;
            cron_effect_text(&e, &b);
            why_text(k, "the clocks", "zone data", "%s", buf_str(&b));
            buf_release(&b);
        }
    }
}

static void tell_arithmetic(struct whying *k, const struct item *i) {
    char covers[COVERS_TEXT];
    const struct ruled *r = i->rule;
    const char *source = rule_source(k, r);
    if (r)
        why_text(k, "schedule", source, "%s, covers %s, %s", r->schedule->name,
                 covers_text(&r->schedule->rule.covers, covers), r->schedule->timezone);
    why_time(k, "fires at", source, i->slot.fire);
    if (r && r->schedule->delay) why_time(k, "due at (jitter)", source, i->slot.fire + r->schedule->delay);
    why_span(k, "covers", source, i->slot.start, i->slot.end);
    tell_clock(k, i);
}

static const char *if_missed_of(const struct item *i) {
    return i->rule ? if_missed_names[i->rule->schedule->if_missed] : "";
}

static const char *missed_text(struct whying *k, const struct item *i) {
    const char *how = if_missed_of(i), *when = why_at(k, i->row.decided_at);
    if (strcmp(how, "run_latest") == 0)
        return why_print(k,
                         "it was only decided at %s, late, and of what is late only the newest runs "
                         "(if_missed: run_latest)",
                         when);
    return why_print(k, "it was only decided at %s, late, and what is late does not run (if_missed: skip)",
                     when);
}

static const char *too_late_text(struct whying *k, const struct item *i) {
    char within[DURATION_TEXT];
    duration_t d = i->rule ? i->rule->schedule->start_within : 0;
    return why_print(k, "it was only decided at %s, later than start_within%s%s allows",
                     why_at(k, i->row.decided_at), d ? ": " : "", d ? duration_text(d, within) : "");
}

/* Every reason that slots are skipped for: those of the timetable, of triggers, of a file that went. */
static const struct {
    const char *reason, *words;
    const char *(*say)(struct whying *k, const struct item *i); /* instead of words */
} skips[] = {
    {"missed", NULL, missed_text},
    {"too_late", NULL, too_late_text},
    {"running", "a run of the pipeline was waiting or running (if_running: skip)", NULL},
    {"paused", "it came while the pipeline was paused, and was not caught up with", NULL},
    {"no_window", "the run that published had no window, and the pipeline uses its own", NULL},
    {"pipeline_gone", "the file of the pipeline was gone when it was decided", NULL},
};

static const char *skip_text(struct whying *k, const struct item *i) {
    const char *reason = i->row.reason ? i->row.reason : "";
    for (size_t n = 0; n < sizeof skips / sizeof *skips; n++)
        if (strcmp(reason, skips[n].reason) == 0) return skips[n].say ? skips[n].say(k, i) : skips[n].words;
    return *reason ? reason : "no reason was recorded";
}

static int done_since(struct whying *k, const struct item *i, struct run_row *out, struct err *err) {
    if (i->slot.start == INSTANT_NONE || !k->store) return 0;
    return store_run_of_window(k->store, k->name, i->slot.start, i->slot.end, k->out->arena, out, err);
}

/* Where no clock has windows, there is one alone. */
static void tell_how_to_fill(struct whying *k, const struct item *i, const char *source) {
    char from[INSTANT_TEXT], to[INSTANT_TEXT];
    instant_text(i->slot.start, from);
    instant_text(i->slot.end, to);
    if (i->rule)
        why_text(k, "next", source, "leat backfill %s --from %s --to %s", k->name, from, to);
    else
        why_text(k, "next", source, "leat run %s --window %s..%s", k->name, from, to);
}

static int of_skipped(struct whying *k, const struct item *i, struct err *err) {
    struct run_row since;
    int done = done_since(k, i, &since, err);
    if (done < 0) return -1;
    if (done)
        why_say(k, "%s was skipped (%s), but run %" PRId64 " (%s) has done its window since", slot_name(k, i),
                i->row.reason, since.id, since.trigger);
    else
        why_say(k, "%s was skipped: %s", slot_name(k, i), skip_text(k, i));
    tell_arithmetic(k, i);
    why_text(k, "skipped", "slot", "%s%s", i->row.reason,
             i->row.count > 1 ? why_print(k, ", one of a stretch of %" PRId64, i->row.count) : "");
    why_time(k, "decided at", "slot", i->row.decided_at);
    if (!done && i->slot.start != INSTANT_NONE) tell_how_to_fill(k, i, "slot");
    return 0;
}

static int of_ran(struct whying *k, const struct item *i, struct err *err) {
    struct run_row run;
    int found = store_run_get(k->store, i->row.run, k->out->arena, &run, err);
    const char *by = starter(k, i);
    if (found < 0) return -1;
    const char *as = by ? why_print(k, "run %" PRId64 ", started by %s,", i->row.run, by)
                        : why_print(k, "run %" PRId64 ", of %s,", i->row.run, slot_name(k, i));
    if (found) return why_of_run(k, &run, as, err);
    why_say(k, "%s ended, and has been forgotten since", as);
    tell_arithmetic(k, i);
    return 0;
}

/* Due, and nobody has decided about it. */
static int of_overdue(struct whying *k, const struct item *i, struct err *err) {
    struct err failed = {0};
    const struct pause_row *p = k->store ? why_paused(k, &failed) : NULL;
    if (failed.exit) return *err = failed, -1;
    if (p) {
        why_say(
            k,
            "%s has not been decided: %s is paused, and what comes meanwhile is decided when it is resumed",
            slot_name(k, i), k->name);
        why_time(k, "paused at", "pause", p->at);
        why_text(k, "next", "pause", "leat resume %s [--catch-up all|latest|none]", k->name);
    } else if (!k->serves) {
        why_say(k, "%s never started: %s; the next `leat serve` decides about it (if_missed: %s)",
                slot_name(k, i), why_nobody(k), if_missed_of(i));
        why_alive(k);
        why_text(k, "next", "the conductor", "leat serve");
    } else {
        why_say(k, "%s is about to be decided", slot_name(k, i));
    }
    return 0;
}

/* A schedule begins when it is first served, unless `start` says otherwise. */
static bool before_its_time(struct whying *k, const struct item *i) {
    const struct ruled *r = i->rule;
    return i->slot.fire <= (r->row.id ? r->row.cursor : slots_first_cursor(r->slots, k->asks->now));
}

/* What a file's schedule would have fired while it was gone is nobody's to decide. */
static bool was_away(const struct item *i) {
    const struct ruled *r = i->rule;
    return r->row.id && i->slot.fire > slots_first_cursor(r->slots, r->row.created_at);
}

static void of_away(struct whying *k, const struct item *i) {
    why_say(k, "%s came while this schedule was not there: its file was gone, or did without it",
            slot_name(k, i));
    tell_how_to_fill(k, i, "schedule");
}

static void of_before(struct whying *k, const struct item *i) {
    why_say(k, "%s came before this schedule was %s served, and it has no `start` that reaches back so far",
            slot_name(k, i), i->rule->row.id ? "first" : "ever");
    if (i->rule->row.id) why_time(k, "first served at", "schedule", i->rule->row.created_at);
    tell_how_to_fill(k, i, "schedule");
}

/* Nobody will decide it. */
static int of_gone(struct whying *k, const struct item *i, struct err *err) {
    const char *gone = why_gone(k, err);
    if (gone) why_say(k, "%s does not start: %s", slot_name(k, i), gone);
    return gone ? 0 : -1;
}

static int of_undecided(struct whying *k, const struct item *i, struct err *err) {
    struct run_row since;
    instant_t due = i->slot.fire + i->rule->schedule->delay;
    int rc = 0, done = done_since(k, i, &since, err);
    if (done < 0) return -1;
    if (done) {
        why_say(k, "no slot was decided for it, but run %" PRId64 " (%s) has done this window", since.id,
                since.trigger);
    } else if (why_is_gone(k)) {
        rc = of_gone(k, i, err);
    } else if (before_its_time(k, i)) {
        was_away(i) ? of_away(k, i) : of_before(k, i);
    } else if (due > k->asks->now) {
        why_say(k, "%s is not due yet: it fires at %s", why_about(k, i->slot.start, i->slot.end),
                why_at(k, i->slot.fire));
    } else {
        rc = of_overdue(k, i, err);
    }
    if (!rc) tell_arithmetic(k, i);
    return rc;
}

static int of_item(struct whying *k, const struct item *i, struct err *err) {
    if (!is_decided(i)) return of_undecided(k, i, err);
    return i->row.run ? of_ran(k, i, err) : of_skipped(k, i, err);
}

/* ---- several slots ---- */

enum tally {
    TALLY_done,
    TALLY_failed,
    TALLY_running,
    TALLY_queued,
    TALLY_skipped,
    TALLY_before,
    TALLY_open,
    TALLY_later,
    TALLIES
};
static const char *const tally_words[TALLIES] = {
    "done", "failed", "running", "queued", "skipped", "while it was not served", "overdue", "not due yet"};

static enum tally tally_of_run(const char *state) {
    if (!state || run_ended_well(state)) return TALLY_done;
    if (strcmp(state, "running") == 0) return TALLY_running;
    return strcmp(state, "queued") == 0 ? TALLY_queued : TALLY_failed;
}

static int tally_of(struct whying *k, const struct item *i, enum tally *out, struct err *err) {
    struct run_row since;
    int done = done_since(k, i, &since, err);
    if (done < 0) return -1;
    *out = done                          ? TALLY_done
           : is_decided(i) && i->row.run ? tally_of_run(i->row.run_state)
           : is_decided(i)               ? TALLY_skipped
           : before_its_time(k, i)       ? TALLY_before
           : i->slot.fire > k->asks->now ? TALLY_later
                                         : TALLY_open;
    return 0;
}

/* The sentence about one of them, said about all. */
static int of_first(struct windowed *w, const struct item *first, const char *all, struct err *err) {
    struct whying *k = w->k;
    if (!first) {
        why_say(k, "%s", all);
        return 0;
    }
    if (of_item(k, first, err)) return -1;
    k->out->answer = why_print(k, "%s; the first that is not done: %s", all, k->out->answer);
    return 0;
}

static int of_many(struct windowed *w, struct err *err) {
    size_t counts[TALLIES] = {0};
    const struct item *first = NULL;
    const char *all =
        why_print(w->k, w->cut ? "of the first %zu slots about %s:" : "%zu slots are about %s:", w->count,
                  why_about(w->k, w->start, w->end));
    bool more = false;
    for (size_t i = 0; i < w->count; i++) {
        enum tally t;
        if (tally_of(w->k, &w->items[i], &t, err)) return -1;
        counts[t]++;
        if (!first && t != TALLY_done) first = &w->items[i];
    }
    for (int t = 0; t < TALLIES; t++) {
        if (!counts[t]) continue;
        all = why_print(w->k, "%s%s %zu %s", all, more ? "," : "", counts[t], tally_words[t]);
        more = true;
    }
    return of_first(w, first, all, err);
}

static const struct item *only_exact(const struct windowed *w) {
    const struct item *found = NULL;
    if (w->count == 1) return w->items;
    for (size_t i = 0; i < w->count; i++) {
        if (w->items[i].slot.start != w->start || w->items[i].slot.end != w->end) continue;
        if (found) return NULL;
        found = &w->items[i];
    }
    return found;
}

/* ---- none ---- */

/* A run that no schedule made. */
static int of_other_run(struct windowed *w, struct err *err) {
    struct run_row *rows;
    size_t n;
    struct run_filter f = {.pipeline = w->k->name,
                           .since = INSTANT_NONE,
                           .window_start = w->start,
                           .window_end = w->end,
                           .limit = 1};
    if (!w->k->store) return 0;
    if (store_runs_list(w->k->store, &f, w->k->out->arena, &rows, &n, err) < 0) return -1;
    if (!n) return 0;
    const char *as =
        why_print(w->k, "no slot is about it; run %" PRId64 " (%s)", rows[0].id, rows[0].trigger);
    return why_of_run(w->k, &rows[0], as, err) ? -1 : 1;
}

static bool has_slot(const struct windowed *w, const struct slot_rule *rule, struct slot *out) {
    struct slots *s = slots_new(rule);
    bool there = slots_next(s, w->start, out);
    while (there && out->end <= w->start && out->start < w->end) there = slots_step(s, out);
    slots_free(s);
    return there && out->start < w->end && out->end > w->start;
}

static bool says_calendar(struct windowed *w, const struct ruled *r) {
    struct slot_rule open = r->schedule->rule;
    struct slot slot;
    open.closed_count = 0;
    if (!r->schedule->rule.closed_count || !has_slot(w, &open, &slot)) return false;
    why_say(w->k, "no slot is about it: the calendar `%s` leaves out the day on which it would fire, %s",
            r->schedule->calendar, why_at(w->k, slot.fire));
    why_text(w->k, "calendar", rule_source(w->k, r), "%s", r->schedule->calendar);
    return true;
}

static bool says_bounds(struct windowed *w, const struct ruled *r) {
    struct slot_rule unbound = r->schedule->rule;
    struct slot slot;
    unbound.start = unbound.end = INSTANT_NONE;
    if (!has_slot(w, &unbound, &slot)) return false;
    bool early = r->schedule->rule.start != INSTANT_NONE && slot.start < r->schedule->rule.start;
    why_say(w->k, "no slot is about it: the schedule's windows %s at %s (`%s`)", early ? "begin" : "end",
            why_at(w->k, early ? r->schedule->rule.start : r->schedule->rule.end), early ? "start" : "end");
    why_time(w->k, early ? "start" : "end", rule_source(w->k, r),
             early ? r->schedule->rule.start : r->schedule->rule.end);
    return true;
}

static void tell_neighbours(struct windowed *w, const struct ruled *r) {
    struct slot after, before;
    char covers[COVERS_TEXT];
    const char *source = rule_source(w->k, r);
    why_text(w->k, "schedule", source, "%s, covers %s, %s", r->schedule->name,
             covers_text(&r->schedule->rule.covers, covers), r->schedule->timezone);
    bool later = slots_next(r->slots, w->start, &after);
    if (slots_prev(r->slots, later ? after.fire : w->end, &before))
        why_span(w->k, "the slot before covers", source, before.start, before.end);
    if (later) why_span(w->k, "the slot after covers", source, after.start, after.end);
}

static int of_nothing(struct windowed *w, struct err *err) {
    struct whying *k = w->k;
    int said = of_other_run(w, err);
    for (size_t i = 0; said == 0 && i < w->rule_count; i++)
        said = says_calendar(w, &w->rules[i]) || says_bounds(w, &w->rules[i]);
    if (said == 0) said = why_datasets(k, w->start, w->end, err);
    if (said < 0) return -1;
    if (why_is_gone(k)) {
        const char *gone = why_gone(k, err);
        if (!gone) return -1;
        why_say(k, "no slot is about it: %s", gone);
    }
    if (k->problem) why_say(k, "no slot is known of it, and its file is broken: %s", k->problem);
    if (w->rule_count)
        why_say(k, "no slot is about it: its schedule has none whose window meets it");
    else
        why_say(k, "%s has no schedule: only `leat run` and `leat backfill` make runs of it", k->name);
    for (size_t i = 0; i < w->rule_count; i++) tell_neighbours(w, &w->rules[i]);
    return 0;
}

/* ---- */

int why_window(const struct why_asks *asks, const char *pipeline, instant_t start, instant_t end,
               struct why *out, struct err *err) {
    struct whying k;
    *out = (struct why){0};
    if (why_begin(&k, asks, pipeline, out, err)) return -1;
    struct windowed w = {.k = &k, .start = start, .end = end};
    out->subject = why_print(&k, "%s, %s", k.name, why_about(&k, start, end));
    int rc = find_items(&w, err);
    const struct item *one = rc ? NULL : only_exact(&w);
    if (!rc) rc = one ? of_item(&k, one, err) : w.count ? of_many(&w, err) : of_nothing(&w, err);
    free(w.items);
    why_rules_release(w.rules, w.rule_count);
    why_end(&k);
    return rc;
}
