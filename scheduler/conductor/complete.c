/* complete.c: whether a dataset that is waited for is there.
 *
 * Without `complete:` it is when something was published, since the end of the window if the run has one.
 * With it the runs decide that are due to write the dataset, of whatever pipeline: every slot whose window
 * meets the span must have been decided, and its run have ended ok or warn, or another run for the same
 * window (a backfill, one by hand). Where no schedule has a slot in the span there is nothing due: then a
 * version says it, as without `complete:`. */
#include "base/arena.h"
#include "base/json.h"
#include "base/tz_set.h"
#include "scheduler/conductor/attended.h"
#include "store/datasets.h"
#include "store/schedules.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_LOOKED_AT = 20000 }; /* of one schedule: two years of hours */

struct asking {
    struct conductor *c;
    struct arena *arena;
    const char *dataset;
    instant_t start, end; /* the span */
    const char *pipeline; /* that is looked at */
    const char *why;      /* what is missing; NULL: nothing so far */
    size_t slots;         /* seen in the span */
};

/* ---- versions ---- */

static int published(struct asking *q, instant_t since, struct err *err) {
    struct dataset_row d;
    struct version_row v;
    char text[INSTANT_TEXT];
    int found = store_dataset_find(q->c->store, q->dataset, q->arena, &d, err);
    if (found == 1 && d.head >= 0) found = store_version_get(q->c->store, d.id, d.head, q->arena, &v, err);
    if (found < 0) return -1;
    if (found == 0 || d.head < 0)
        q->why = arena_printf(q->arena, "%s has not been published yet", q->dataset);
    else if (since != INSTANT_NONE && v.published_at < since)
        q->why = arena_printf(q->arena, "%s has not been published since %s", q->dataset,
                              instant_text(since, text));
    return 0;
}

/* ---- slots ---- */

static bool meets(const struct asking *q, instant_t start, instant_t end) {
    return start < q->end && end > q->start;
}

/* A run that ended well for exactly this window, whoever started it. */
static int window_done(struct asking *q, instant_t start, instant_t end, struct err *err) {
    struct run_row row;
    return store_run_of_window(q->c->store, q->pipeline, start, end, q->arena, &row, err);
}

static void missing(struct asking *q, instant_t start, const char *state) {
    char text[INSTANT_TEXT];
    if (!q->why)
        q->why = arena_printf(q->arena, "%s for the window from %s is %s", q->pipeline,
                              instant_text(start, text), state);
}

static bool ended_well(const struct slot_row *row) {
    if (strcmp(row->outcome, "run") != 0) return false;
    return !row->run_state || strcmp(row->run_state, "ok") == 0 ||
           strcmp(row->run_state, "warn") == 0; /* NULL: pruned */
}

/* The slots of a rule from one on, as far as they meet the span and fire no later than `last`. */
static int walk(struct asking *q, struct slots *slots, struct slot slot, instant_t last, const char *state,
                struct err *err) {
    for (int i = 0; i < SLOTS_LOOKED_AT && slot.start < q->end && slot.fire <= last && !q->why; i++) {
        int done = 1;
        if (meets(q, slot.start, slot.end)) {
            q->slots++;
            done = window_done(q, slot.start, slot.end, err);
        }
        if (done < 0) return -1;
        if (done == 0) missing(q, slot.start, state);
        if (!slots_step(slots, &slot)) break;
    }
    return 0;
}

/* Skipped slots one by one: a backfill may have filled their windows since. */
static int walk_stretch(struct asking *q, const struct slot_row *row, struct slots *slots, struct err *err) {
    struct slot slot;
    if (!slots || !slots_at(slots, row->fire, &slot)) {
        int done = window_done(q, row->window_start, row->window_end, err);
        if (done == 0) missing(q, row->window_start, row->reason ? row->reason : "skipped");
        return done < 0 ? -1 : 0;
    }
    return walk(q, slots, slot, row->last_fire, row->reason ? row->reason : "skipped", err);
}

static int look_slot(struct asking *q, const struct slot_row *row, struct slots *slots, struct err *err) {
    if (row->window_start == INSTANT_NONE) return 0;
    q->slots++;
    if (ended_well(row)) return 0;
    if (strcmp(row->outcome, "run") != 0) return walk_stretch(q, row, slots, err);
    int done = window_done(q, row->window_start, row->window_end, err);
    if (done == 0) missing(q, row->window_start, row->run_state);
    return done < 0 ? -1 : 0;
}

/* ---- schedules ---- */

/* What the clock has not decided yet, up to now or later. */
static int look_undecided(struct asking *q, const struct schedule_row *row, struct slots *slots,
                          struct err *err) {
    struct slot slot;
    if (!slots_next(slots, row->cursor, &slot)) return 0;
    return walk(q, slots, slot, INT64_MAX, "not due yet, or waits for its turn", err);
}

static int look_schedule(struct asking *q, const struct schedule_row *row, const struct slot_row *decided,
                         size_t n, struct err *err) {
    json_t *rule = json_loads(row->rule, 0, NULL);
    struct err ignored; /* a zone that is gone: what was decided still counts */
    struct schedule *s =
        rule ? schedule_from_rule(row->name, rule, q->c->options.project->zone_data, &ignored) : NULL;
    struct slots *slots = s ? slots_new(&s->rule) : NULL;
    int rc = 0;
    for (size_t i = 0; i < n && !rc && !q->why; i++)
        if (decided[i].schedule == row->id) rc = look_slot(q, &decided[i], slots, err);
    if (!rc && !q->why && slots && row->gone_at == INSTANT_NONE) rc = look_undecided(q, row, slots, err);
    slots_free(slots);
    schedule_free(s);
    json_decref(rule);
    return rc;
}

static int look_pipeline(struct asking *q, const char *name, struct err *err) {
    struct schedule_row *schedules;
    struct slot_row *decided;
    size_t n, count;
    q->pipeline = name;
    if (store_schedules_list(q->c->store, name, q->arena, &schedules, &n, err) < 0) return -1;
    if (store_slots_meeting(q->c->store, name, q->start, q->end, q->arena, &decided, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < n && !q->why; i++)
        if (look_schedule(q, &schedules[i], decided, count, err)) return -1;
    return 0;
}

bool writes_dataset(const struct pipeline *p, const char *dataset) {
    for (uint32_t i = 0; i < p->step_count; i++)
        if (p->steps[i].into && strcmp(p->steps[i].into->dataset, dataset) == 0) return true;
    return false;
}

static int look_writers(struct asking *q, struct err *err) {
    const struct conductor_options *o = &q->c->options;
    size_t at = 0;
    const struct pipeline *p;
    while (o->next && !q->why && (p = o->next(o->find_ctx, &at)))
        if (writes_dataset(p, q->dataset) && look_pipeline(q, p->name, err)) return -1;
    return q->slots || q->why ? 0 : published(q, q->end, err);
}

/* ---- the span ---- */

static enum window_unit unit_of(const char *word) {
    return strcmp(word, "hours") == 0   ? WINDOW_HOUR
           : strcmp(word, "days") == 0  ? WINDOW_DAY
           : strcmp(word, "weeks") == 0 ? WINDOW_WEEK
                                        : WINDOW_MONTH;
}

/* `previous 30 days`: the whole days before the one in which the window ends, in the pipeline's zone. */
static int find_span(const struct conductor *c, const struct live_attempt *a, instant_t *start,
                     instant_t *end, struct err *err) {
    const struct op_attend *what = &a->attended->what;
    const struct live_run *r = a->run;
    *start = r->window_start;
    *end = r->window_end;
    if (strcmp(what->unit, "window") == 0) return 0;
    struct tz *tz =
        tz_set_load(c->options.project->zone_data, r->pipeline ? r->pipeline->timezone : "UTC", err);
    if (!tz) return -1;
    struct covers covers = {.unit = unit_of(what->unit), .count = (int32_t)what->count};
    struct firing_at at = firing_at(tz, r->window_end != INSTANT_NONE ? r->window_end : a->started_at);
    window_of(&covers, tz, NULL, &at, start, end);
    tz_free(tz);
    return 0;
}

int dataset_there(struct conductor *c, const struct live_attempt *a, struct arena *arena, const char **why,
                  struct err *err) {
    struct asking q = {.c = c, .arena = arena, .dataset = a->attended->what.what};
    int rc = 0;
    if (!a->attended->what.unit) {
        rc = published(&q, a->run->window_end, err);
    } else {
        rc = find_span(c, a, &q.start, &q.end, err);
        if (!rc && q.end == INSTANT_NONE)
            rc = err_set(err, EX_INVALID, "`complete: window` needs a run with a window");
        if (!rc) rc = look_writers(&q, err);
    }
    *why = q.why;
    return rc ? -1 : !q.why;
}
