/* complete.c: see complete.h. The pipelines that write the dataset are looked at first, then those that write
 * what they start after, and so on: a list that grows, each dataset and each pipeline once. */
#include "scheduler/complete.h"
#include "scheduler/core/states.h"

#include "base/limits.h"
#include "base/map.h"
#include "store/datasets.h"
#include "store/runs.h"
#include "store/schedules.h"

#include <stdlib.h>
#include <string.h>

struct asking {
    const struct complete_asks *with;
    struct arena *arena;
    instant_t start, end; /* the span */
    const char **datasets;
    size_t dataset_count, dataset_cap;
    struct map known;     /* datasets and pipelines that are, or will be, looked at */
    const char *pipeline; /* that is looked at */
    const struct tz *tz;  /* of the schedule that is looked at; NULL: UTC */
    const char *why;      /* what is missing; NULL: nothing so far */
    size_t due;           /* slots and runs that meet the span */
    size_t walked;        /* slots that were looked at one by one */
};

/* ---- names ---- */

#define AFTER_PART ".after"

const char *after_name(struct arena *a, const char *schedule) {
    return arena_printf(a, "%s" AFTER_PART, schedule);
}

bool after_part(const char *row_name, size_t *n) {
    const char *dot = strchr(row_name, '.');
    *n = dot ? (size_t)(dot - row_name) : strlen(row_name);
    return dot && strcmp(dot, AFTER_PART) == 0;
}

void after_unit(const struct schedule *s, instant_t t, instant_t *start, instant_t *end) {
    enum window_unit unit = s->after.same == SAME_MONTH ? WINDOW_MONTH : WINDOW_DAY;
    *start = unit_floor(unit, s->rule.tz, t);
    *end = unit_next(unit, s->rule.tz, t);
}

/* ---- versions ---- */

int complete_published(const struct complete_asks *q, const char *dataset, instant_t since, struct arena *a,
                       const char **why, struct err *err) {
    struct dataset_row d;
    struct version_row v;
    char text[TZ_TEXT];
    int found = store_dataset_find(q->store, dataset, a, &d, err);
    if (found == 1 && d.head >= 0) found = store_version_get(q->store, d.id, d.head, a, &v, err);
    if (found < 0) return -1;
    *why = NULL;
    if (found == 0 || d.head < 0)
        *why = arena_printf(a, "%s has not been published yet", dataset);
    else if (since != INSTANT_NONE && v.published_at < since)
        *why = arena_printf(a, "%s has not been published since %s", dataset, tz_text_in("UTC", since, text));
    return !*why;
}

/* ---- windows ---- */

static bool meets(const struct asking *q, instant_t start, instant_t end) {
    return start < q->end && end > q->start;
}

/* A run that ended well for exactly this window, whoever started it. */
static int window_done(struct asking *q, instant_t start, instant_t end, struct err *err) {
    struct run_row row;
    return store_run_of_window(q->with->store, q->pipeline, start, end, q->arena, &row, err);
}

static void missing(struct asking *q, instant_t start, const char *state) {
    char text[TZ_TEXT];
    if (!q->why)
        q->why = arena_printf(q->arena, "%s for the window from %s is %s", q->pipeline,
                              q->tz ? tz_text(q->tz, start, text) : tz_text_in("UTC", start, text), state);
}

/* Due in the span: done, or missing. */
static int must_be_done(struct asking *q, instant_t start, instant_t end, const char *state,
                        struct err *err) {
    q->due++;
    int done = window_done(q, start, end, err);
    if (done == 0) missing(q, start, state);
    return done < 0 ? -1 : 0;
}

/* ---- slots ---- */

static bool ended_well(const struct slot_row *row) {
    if (strcmp(row->outcome, "run") != 0) return false;
    return !row->run_state || run_ended_well(row->run_state); /* NULL: pruned */
}

/* One more; nothing is complete that was not looked at to its end. */
static bool may_walk(struct asking *q) {
    if (q->walked++ < LIMIT_COMPLETE_SLOTS) return true;
    q->why = arena_printf(q->arena,
                          "not known: too many slots of %s would have to be looked at one by one (%d are)",
                          q->pipeline, LIMIT_COMPLETE_SLOTS);
    return false;
}

/* The slots of a rule that fire after `since` and no later than `last`, as far as they meet the span: a
 * window ends when it fires, or before, so no slot up to the span's start does. */
static int walk(struct asking *q, struct slots *slots, instant_t since, instant_t last, const char *state,
                struct err *err) {
    struct slot slot;
    bool there = slots_next(slots, since > q->start ? since : q->start, &slot);
    for (; there && slot.start < q->end && slot.fire <= last && !q->why; there = slots_step(slots, &slot)) {
        if (!meets(q, slot.start, slot.end)) continue;
        if (may_walk(q) && must_be_done(q, slot.start, slot.end, state, err)) return -1;
    }
    return 0;
}

/* Skipped slots one by one: a backfill may have filled their windows since. */
static int walk_stretch(struct asking *q, const struct slot_row *row, struct slots *slots, struct err *err) {
    const char *reason = row->reason ? arena_printf(q->arena, "skipped (%s)", row->reason) : "skipped";
    struct slot slot;
    if (slots && slots_at(slots, row->fire, &slot))
        return walk(q, slots, row->fire - 1, row->last_fire, reason, err);
    return must_be_done(q, row->window_start, row->window_end, reason, err);
}

static int look_slot(struct asking *q, const struct slot_row *row, struct slots *slots, struct err *err) {
    if (row->window_start == INSTANT_NONE) return 0;
    if (strcmp(row->outcome, "run") != 0) return walk_stretch(q, row, slots, err);
    if (!ended_well(row)) return must_be_done(q, row->window_start, row->window_end, row->run_state, err);
    q->due++;
    return 0;
}

/* What the clock has not decided yet, up to now or later. */
static int look_undecided(struct asking *q, const struct schedule_row *row, struct slots *slots,
                          struct err *err) {
    return walk(q, slots, row->cursor, INT64_MAX, "not due yet, or waits for its turn", err);
}

/* ---- what starts after datasets ---- */

static void add_dataset(struct asking *q, const char *name) {
    const char *key = arena_strdup(q->arena, name);
    if (!map_add(&q->known, key, 0, NULL)) return;
    GROW(q->datasets, q->dataset_count, q->dataset_cap);
    q->datasets[q->dataset_count++] = key;
}

/* A version for the span that nobody has decided about yet. */
static int look_pending(struct asking *q, const struct schedule_row *row, const char *dataset,
                        struct err *err) {
    struct dataset_row d;
    int64_t seen = -1, version;
    int found = store_dataset_find(q->with->store, dataset, q->arena, &d, err);
    if (found == 1) found = store_trigger_seen(q->with->store, row->id, dataset, &seen, err);
    if (found == 1)
        found = store_version_pending(q->with->store, d.id, seen, q->start, q->end, &version, err);
    if (found == 1)
        q->why = arena_printf(q->arena, "%s has not been started yet for %s version %lld", q->pipeline,
                              dataset, (long long)version);
    return found < 0 ? -1 : 0;
}

static int look_units(struct asking *q, const struct schedule *s, instant_t since, struct err *err) {
    instant_t start, end;
    for (instant_t t = q->start > since ? q->start : since; t < q->end && !q->why; t = end) {
        after_unit(s, t, &start, &end);
        if (must_be_done(q, start, end, "not complete yet", err)) return -1;
    }
    return 0;
}

/* The datasets themselves are looked at later; with `all` without `same` what is pending waits for the
 * others. */
static int look_after(struct asking *q, const struct schedule_row *row, const struct schedule *s,
                      struct err *err) {
    if (s->after.same) return look_units(q, s, row->created_at, err);
    for (size_t i = 0; i < s->after.count; i++) add_dataset(q, s->after.datasets[i]);
    for (size_t i = 0; i < s->after.count && !s->after.all && !q->why; i++)
        if (look_pending(q, row, s->after.datasets[i], err)) return -1;
    return 0;
}

/* ---- schedules ---- */

static int look_rest(struct asking *q, const struct schedule_row *row, const struct schedule *s,
                     struct slots *slots, struct err *err) {
    size_t n;
    if (after_part(row->name, &n)) return look_after(q, row, s, err);
    return look_undecided(q, row, slots, err);
}

static int look_schedule(struct asking *q, const struct schedule_row *row, const struct slot_row *decided,
                         size_t n, struct err *err) {
    json_t *rule = json_loads(row->rule, 0, NULL);
    struct err ignored; /* a zone that is gone: what was decided still counts */
    struct schedule *s = rule ? schedule_from_rule(row->name, rule, q->with->zones, &ignored) : NULL;
    struct slots *slots = s ? slots_new(&s->rule) : NULL;
    int rc = 0;
    q->tz = s ? s->rule.tz : NULL;
    for (size_t i = 0; i < n && !rc && !q->why; i++)
        if (decided[i].schedule == row->id) rc = look_slot(q, &decided[i], slots, err);
    if (!rc && !q->why && s && row->gone_at == INSTANT_NONE) rc = look_rest(q, row, s, slots, err);
    q->tz = NULL;
    slots_free(slots);
    schedule_free(s);
    json_decref(rule);
    return rc;
}

static int look_pipeline(struct asking *q, const char *name, struct err *err) {
    struct store *s = q->with->store;
    struct schedule_row *schedules;
    struct slot_row *decided;
    size_t n, count;
    q->pipeline = arena_strdup(q->arena, name);
    if (!map_add(&q->known, arena_printf(q->arena, " %s", name), 0, NULL)) return 0;
    if (store_schedules_list(s, name, q->arena, &schedules, &n, err) < 0) return -1;
    if (store_slots_meeting(s, name, q->start, q->end, q->arena, &decided, &count, err) < 0) return -1;
    for (size_t i = 0; i < n && !q->why; i++)
        if (look_schedule(q, &schedules[i], decided, count, err)) return -1;
    return 0;
}

static int look_writers(struct asking *q, const char *dataset, struct err *err) {
    const char *writer;
    for (size_t i = 0; !q->why && (writer = wiring_writer(q->with->wiring, dataset, i)); i++)
        if (look_pipeline(q, writer, err)) return -1;
    return 0;
}

int complete_span(const struct complete_asks *with, const char *dataset, instant_t start, instant_t end,
                  struct arena *a, const char **why, struct err *err) {
    struct asking q = {.with = with, .arena = a, .start = start, .end = end};
    int rc = 0;
    add_dataset(&q, dataset);
    for (size_t i = 0; i < q.dataset_count && !rc && !q.why; i++) rc = look_writers(&q, q.datasets[i], err);
    map_release(&q.known);
    free(q.datasets);
    *why = q.why;
    if (rc || q.why) return rc ? -1 : 0;
    return q.due ? 1 : complete_published(with, dataset, end, a, why, err);
}
