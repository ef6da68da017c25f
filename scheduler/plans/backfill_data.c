/* backfill_data.c: which windows the data have (--missing): a window is there when every output that can tell
 * has all of it. */
#include "scheduler/plans/backfill_impl.h"

#include <stdlib.h>
#include <string.h>

/* The spans become disjoint stretches, in place. */
static size_t join_spans(struct time_span *spans, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept && spans[i].start <= spans[kept - 1].end) {
            if (spans[i].end > spans[kept - 1].end) spans[kept - 1].end = spans[i].end;
        } else {
            spans[kept++] = spans[i];
        }
    }
    return kept;
}

/* Both go by start. */
static void mark_lacking(struct backfill_plan *p, const struct time_span *spans, size_t n) {
    size_t at = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct plan_window *w = &p->windows[i];
        while (at < n && spans[at].end < w->end) at++;
        bool has = at < n && spans[at].start <= w->start;
        if (!has) w->why = WHY_absent;
    }
}

static int ask_output(struct planning *k, const struct step *s, size_t *told, struct err *err) {
    struct time_span *spans = NULL;
    size_t n = 0;
    int rc = k->asks->has(k->asks->ctx, k->r, s, k->arena, &spans, &n, err);
    if (rc <= 0) return rc;
    ++*told;
    mark_lacking(k->out, spans, join_spans(spans, n));
    return 0;
}

static int nobody_tells(const struct planning *k, struct err *err) {
    err_set(err, EX_INVALID, "no output of %s tells which windows are there", k->p->name);
    return err_hint(err, "without --missing the runs there were decide");
}

int plan_by_data(struct planning *k, struct err *err) {
    size_t told = 0;
    for (size_t i = 0; i < k->out->count; i++) k->out->windows[i].why = WHY_present;
    for (uint32_t i = 0; i < k->p->step_count; i++)
        if (k->runs[i] && k->p->steps[i].into && ask_output(k, &k->p->steps[i], &told, err)) return -1;
    return told ? 0 : nobody_tells(k, err);
}

/* ---- inputs ---- */

static bool is_made(const struct planning *k, const char *dataset) {
    for (uint32_t i = 0; i < k->p->step_count; i++) {
        const struct output *o = k->p->steps[i].into;
        if (k->runs[i] && o && strcmp(o->dataset, dataset) == 0) return true;
    }
    return false;
}

/* Both go by start. */
static void mark_lost(struct backfill_plan *p, const struct time_span *spans, size_t n) {
    size_t at = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct plan_window *w = &p->windows[i];
        while (at < n && spans[at].end <= w->start) at++;
        bool meets = at < n && spans[at].start < w->end;
        if (meets && plan_why_action((enum plan_why)w->why) == PLAN_run) w->why = WHY_lost, w->run = 0;
    }
}

static int ask_input(struct planning *k, const char *dataset, struct err *err) {
    struct time_span *spans = NULL;
    size_t n = 0;
    if (is_made(k, dataset)) return 0;
    if (k->asks->lost(k->asks->ctx, k->r, dataset, k->arena, &spans, &n, err) < 0) return -1;
    mark_lost(k->out, spans, join_spans(spans, n));
    return 0;
}

int plan_lost(struct planning *k, struct err *err) {
    for (uint32_t i = 0; i < k->p->step_count; i++) {
        const struct step *s = &k->p->steps[i];
        for (size_t r = 0; k->runs[i] && r < s->read_count; r++)
            if (ask_input(k, s->reads[r].dataset, err)) return -1;
    }
    return 0;
}
