/* backfill.c: what becomes of each window, and why. */
#include "base/tz.h"
#include "scheduler/plans/backfill_impl.h"

#include "base/map.h"
#include "operators/op.h"
#include "scheduler/core/plan.h"
#include "scheduler/core/states.h"
#include "scheduler/plans/windowed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const plan_action_names[] = {[PLAN_run] = "run", [PLAN_keep] = "keep", [PLAN_refuse] = "refuse"};

const char *const plan_why_words[PLAN_WHYS] = {
#define X(name, action, words) words,
    PLAN_WHY_LIST(X)
#undef X
};
static const uint8_t why_actions[PLAN_WHYS] = {
#define X(name, action, words) PLAN_##action,
    PLAN_WHY_LIST(X)
#undef X
};

enum plan_action plan_why_action(enum plan_why why) { return (enum plan_action)why_actions[why]; }

const char *plan_why_text(const struct plan_window *w, char out[PLAN_WHY_TEXT]) {
    const char *words = plan_why_words[w->why], *number = strstr(words, "%lld");
    if (number)
        snprintf(out, PLAN_WHY_TEXT, "%.*s%" PRId64 "%s", (int)(number - words), words, w->run, number + 4);
    else
        snprintf(out, PLAN_WHY_TEXT, "%s", words);
    return out;
}

void backfill_plan_release(struct backfill_plan *p) {
    free(p->windows);
    free(p->left_out);
    *p = (struct backfill_plan){0};
}

/* ---- which steps run ---- */

static void leave_out(struct planning *k, const struct step *s, const char *why) {
    struct backfill_plan *out = k->out;
    GROW(out->left_out, out->left_out_count, out->left_out_cap);
    out->left_out[out->left_out_count++] = (struct plan_left_out){.step = s->name, .why = why};
}

static int look_at_step(struct planning *k, const struct step *s, struct err *err) {
    const char *why;
    switch (k->r->move_bookmark ? IN_WINDOW_RUNS : step_in_window(s, &why)) {
    case IN_WINDOW_REFUSED:
        err_set(err, EX_INVALID, "%s cannot be run for a window: step %s: %s", k->p->name, s->name, why);
        return err_hint(err, "leave it out (--step, --from-step), or bring what is new: --move-bookmark");
    case IN_WINDOW_LEFT_OUT: leave_out(k, s, why); return 0;
    case IN_WINDOW_RUNS: break;
    }
    k->runs[s->index] = true;
    k->out->sees_window |= !s->finally && step_sees_window(s);
    return 0;
}

static int select_steps(const struct planning *k, struct plan *plan, struct err *err) {
    if (k->r->step) return plan_only(plan, &k->r->step, 1, err);
    return k->r->from_step ? plan_from(plan, k->r->from_step, err) : 0;
}

static bool any_runs(const struct planning *k) {
    for (uint32_t i = 0; i < k->p->step_count; i++)
        if (k->runs[i] && !k->p->steps[i].finally) return true;
    return false;
}

static int nothing_runs(const struct planning *k, struct err *err) {
    const struct plan_left_out *first = k->out->left_out;
    err_set(err, EX_INVALID, "%s has no step that can run for a window: step %s: %s", k->p->name,
            k->out->left_out_count ? first->step : "", k->out->left_out_count ? first->why : "");
    return err_hint(err, "let it look at ${window.…} and replace partitions, or bring what is new: "
                         "--move-bookmark");
}

static int plan_steps(struct planning *k, struct err *err) {
    struct plan *plan = plan_new(k->p, err);
    int rc = plan ? select_steps(k, plan, err) : -1;
    for (uint32_t i = 0; i < k->p->step_count && !rc; i++)
        if (!plan->init[i].left_out) rc = look_at_step(k, &k->p->steps[i], err);
    plan_free(plan);
    return rc || any_runs(k) ? rc : nothing_runs(k, err);
}

/* ---- by the runs there were ---- */

static const struct {
    const char *state;
    uint8_t why[3]; /* by enum backfill_redo */
} by_state[] = {
    {"ok", {WHY_ok, WHY_ok, WHY_ok_again}},
    {"warn", {WHY_ok, WHY_ok, WHY_ok_again}},
    {"failed", {WHY_failed, WHY_failed_again, WHY_failed_again}},
    {"cancelled", {WHY_cancelled, WHY_cancelled_again, WHY_cancelled_again}},
    {"queued", {WHY_under_way, WHY_under_way, WHY_under_way}},
    {"running", {WHY_under_way, WHY_under_way, WHY_under_way}},
};

static enum plan_why why_of_run(const struct window_run *run, enum backfill_redo redo) {
    for (size_t i = 0; i < sizeof by_state / sizeof *by_state; i++)
        if (strcmp(by_state[i].state, run->state) == 0) return (enum plan_why)by_state[i].why[redo];
    return WHY_never_ran;
}

struct history {
    struct window_run *rows;
    size_t count, at; /* rows before `at` start before the windows to come */
};

static const struct window_run *history_find(struct history *h, const struct plan_window *w) {
    while (h->at < h->count && h->rows[h->at].start < w->start) h->at++;
    for (size_t i = h->at; i < h->count && h->rows[i].start == w->start; i++)
        if (h->rows[i].end == w->end) return &h->rows[i];
    return NULL;
}

static void decide_by_run(const struct planning *k, struct history *h, struct plan_window *w) {
    const struct window_run *run = history_find(h, w);
    enum plan_why why = run ? why_of_run(run, k->r->redo) : WHY_never_ran;
    if (k->r->missing && why != WHY_under_way) return; /* the data have been asked */
    w->why = (uint8_t)why;
    w->run = run && why != WHY_never_ran ? run->run : 0;
}

static int plan_by_runs(struct planning *k, struct err *err) {
    struct history h = {0};
    if (k->asks->runs(k->asks->ctx, k->r, k->arena, &h.rows, &h.count, err)) return -1;
    for (size_t i = 0; i < k->out->count; i++) decide_by_run(k, &h, &k->out->windows[i]);
    return 0;
}

/* ---- what else stands in the way ---- */

static bool replaces_days(const struct planning *k) {
    for (uint32_t i = 0; i < k->p->step_count; i++) {
        const struct output *o = k->p->steps[i].into;
        if (k->runs[i] && o && o->partition_of_window) return true;
    }
    return false;
}

static bool is_midnight(const struct tz *tz, instant_t t) { return unit_floor(WINDOW_DAY, tz, t) == t; }

static int refuse_parts_of_days(struct planning *k, struct err *err) {
    if (!replaces_days(k)) return 0;
    struct tz *tz = tz_load(k->p->timezone, err);
    if (!tz) return -1;
    for (size_t i = 0; i < k->out->count; i++) {
        struct plan_window *w = &k->out->windows[i];
        if (!is_midnight(tz, w->start) || !is_midnight(tz, w->end)) w->why = WHY_part_of_day;
    }
    tz_free(tz);
    return 0;
}

/* ---- depends_on_past ---- */

static int past_failed(const struct planning *k, const struct window_run *before, struct err *err) {
    char start[INSTANT_TEXT], shown[TZ_TEXT];
    instant_text(before->start, start);
    err_set(err, EX_CONFLICT,
            "%s says `depends_on_past`, and the window before the first, from %s on, is %s in run %lld",
            k->p->name, tz_text_in(k->p->timezone, before->start, shown), before->state,
            (long long)before->run);
    return err_hint(err, "mend it first: leat retry %lld; or begin with it: --redo failed --from %s",
                    (long long)before->run, start);
}

static int ask_before(struct planning *k, struct err *err) {
    const struct plan_window *first = &k->out->windows[0];
    struct window_run before;
    if (!k->out->schedule) return 0;
    int found = k->asks->before(k->asks->ctx, k->p->name, k->out->schedule, first->fire, &before, err);
    if (found <= 0) return found;
    return run_ended_well(before.state) || strcmp(before.state, "skipped") == 0
               ? 0
               : past_failed(k, &before, err);
}

/* The window after one that stays as it is must not run. */
static bool holds_up(const struct plan_window *w) {
    return w->why == WHY_failed || w->why == WHY_cancelled || why_actions[w->why] == PLAN_refuse;
}

/* One after the other, the oldest first, and nothing after a failure. */
static int follow_past(struct planning *k, struct err *err) {
    if (!k->p->depends_on_past) return 0;
    if (k->r->order == NEWEST_FIRST) {
        err_set(err, EX_USAGE, "%s says `depends_on_past`: its windows run oldest first", k->p->name);
        return err_hint(err, "leave --newest-first out");
    }
    if (ask_before(k, err)) return -1;
    bool held = false;
    for (size_t i = 0; i < k->out->count; i++) {
        struct plan_window *w = &k->out->windows[i];
        if (held && why_actions[w->why] == PLAN_run) w->why = WHY_past_failed, w->run = 0;
        held = holds_up(w);
    }
    k->out->max_parallel = k->out->max_failures = 1;
    return 0;
}

/* ---- the whole ---- */

static void turn_around(struct backfill_plan *p) {
    for (size_t i = 0, j = p->count; i + 1 < j; i++) {
        struct plan_window w = p->windows[i];
        p->windows[i] = p->windows[--j];
        p->windows[j] = w;
    }
}

static uint64_t with_number(uint64_t h, int64_t v) { return hash_more(h, &v, sizeof v); }

static void finish(struct planning *k) {
    struct backfill_plan *out = k->out;
    uint64_t token = hash_bytes(k->p->name, strlen(k->p->name));
    if (k->r->order == NEWEST_FIRST) turn_around(out);
    for (size_t i = 0; i < out->count; i++) {
        struct plan_window *w = &out->windows[i];
        w->action = why_actions[w->why];
        out->actions[w->action]++;
        token = with_number(with_number(with_number(token, w->start), w->end), w->action);
    }
    snprintf(out->token, sizeof out->token, "%016" PRIx64, token);
}

static int make(struct planning *k, struct err *err) {
    if (plan_steps(k, err) || plan_windows(k, err)) return -1;
    if (k->r->missing && plan_by_data(k, err)) return -1;
    if (plan_by_runs(k, err)) return -1;
    if (plan_due(k, err)) return -1;
    if (refuse_parts_of_days(k, err) || plan_lost(k, err) || follow_past(k, err)) return -1;
    finish(k);
    return 0;
}

int backfill_plan(const struct pipeline *p, const struct plan_request *r, const struct plan_asks *asks,
                  instant_t now, struct backfill_plan *out, struct err *err) {
    struct backfill_plan made = {.max_parallel = r->max_parallel, .max_failures = r->max_failures};
    struct planning k = {.p = p, .r = r, .asks = asks, .now = now, .out = &made, .arena = arena_new()};
    k.runs = xcalloc((size_t)p->step_count + 1, sizeof *k.runs);
    int rc = make(&k, err);
    free(k.runs);
    arena_free(k.arena);
    if (rc)
        backfill_plan_release(&made);
    else
        *out = made;
    return rc;
}
