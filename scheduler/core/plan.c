/* plan.c: see plan.h. Marks are spread along the topological order, so no graph is walked recursively. */
#include "scheduler/core/plan.h"

#include "base/arena.h"
#include "base/suggest.h"

#include <stdlib.h>
#include <string.h>

/* ---- from the pipeline ---- */

static int pool_find(const struct pipeline *p, const struct step *s, uint32_t *out, struct err *err) {
    *out = CORE_NO_POOL;
    if (!s->pool) return 0;
    for (size_t i = 0; i < p->project->pool_count; i++)
        if (strcmp(p->project->pools[i].name, s->pool) == 0) *out = (uint32_t)i;
    if (*out != CORE_NO_POOL) return 0;
    err_set(err, EX_INVALID, "step %s: pool '%s' is not in the project's pools", s->name, s->pool);
    return err_hint(err, "add it under pools: in leat.yaml");
}

static int step_plan(const struct pipeline *p, const struct step *s, struct core_step *out, struct err *err) {
    *out = (struct core_step){.rule = s->finally ? RULE_always : s->rule,
                              .finally = s->finally,
                              .allow_failure = s->allow_failure,
                              .has_when = s->when != NULL,
                              .remote = s->attended,
                              .tokens = s->pool_tokens,
                              .priority = s->priority,
                              .retry = s->retry};
    return pool_find(p, s, &out->pool, err);
}

struct plan *plan_new(const struct pipeline *p, struct err *err) {
    struct plan *plan = xcalloc(1, sizeof *plan);
    plan->pipeline = p;
    plan->count = p->step_count;
    plan->steps = xcalloc((size_t)plan->count + 1, sizeof *plan->steps);
    plan->init = xcalloc((size_t)plan->count + 1, sizeof *plan->init);
    for (uint32_t i = 0; i < plan->count; i++)
        if (step_plan(p, &p->steps[i], &plan->steps[i], err) < 0) {
            plan_free(plan);
            return NULL;
        }
    return plan;
}

void plan_free(struct plan *plan) {
    if (!plan) return;
    free(plan->steps);
    free(plan->init);
    free(plan);
}

void plan_spec(const struct plan *plan, struct core_run_spec *out) {
    const struct pipeline *p = plan->pipeline;
    out->step_count = plan->count;
    out->steps = plan->steps;
    out->init = plan->init;
    out->down_at = p->down_at;
    out->down = p->down;
    out->timeout = p->timeout;
    out->group_limit = p->max_active_runs;
}

/* ---- leaving out and keeping ---- */

void plan_leave_out(struct plan *plan, uint32_t step) {
    plan->init[step] = (struct core_init){.state = STEP_skipped, .left_out = true};
}

void plan_keep(struct plan *plan, uint32_t step) {
    plan->init[step] = (struct core_init){.state = STEP_success};
}

/* Marks everything after a marked step. */
static void marks_spread(const struct pipeline *p, bool *marks) {
    for (uint32_t k = 0; k < p->step_count; k++) {
        uint32_t step = p->order[k];
        if (!marks[step]) continue;
        for (uint32_t e = p->down_at[step]; e < p->down_at[step + 1]; e++) marks[p->down[e]] = true;
    }
}

/* ---- selection ---- */

/* NAME is the step itself or, for NAME.VALUE, one of its instances. */
static bool name_selects(const struct step *s, const char *name) {
    size_t n = strlen(name);
    return strncmp(s->name, name, n) == 0 && (s->name[n] == '\0' || (s->each && s->name[n] == '.'));
}

static int name_unknown(const struct pipeline *p, const char *name, struct err *err) {
    const char **names = xcalloc((size_t)p->step_count + 1, sizeof *names);
    for (uint32_t i = 0; i < p->step_count; i++) names[i] = p->steps[i].name;
    const char *near = suggest(name, names, p->step_count);
    free(names);
    err_set(err, EX_NOT_FOUND, "pipeline %s has no step '%s'", p->name, name);
    return near ? err_hint(err, "did you mean '%s'?", near) : -1;
}

static int name_mark(const struct pipeline *p, const char *name, bool *marks, struct err *err) {
    bool found = false;
    for (uint32_t i = 0; i < p->step_count; i++) {
        if (!name_selects(&p->steps[i], name)) continue;
        marks[i] = found = true;
    }
    return found ? 0 : name_unknown(p, name, err);
}

static bool parents_left_out(const struct plan *plan, uint32_t step) {
    const struct pipeline *p = plan->pipeline;
    for (uint32_t e = p->up_at[step]; e < p->up_at[step + 1]; e++)
        if (!plan->init[p->up[e]].left_out) return false;
    return true;
}

/* What is not in `in` is left out; a named step that has no parents in the plan waits for nobody. */
static void selection_apply(struct plan *plan, const bool *in, const bool *named) {
    for (uint32_t i = 0; i < plan->count; i++)
        if (!in[i]) plan_leave_out(plan, i);
    for (uint32_t i = 0; i < plan->count; i++)
        if (named[i] && parents_left_out(plan, i)) plan->steps[i].rule = RULE_always;
}

int plan_only(struct plan *plan, const char *const *names, size_t n, struct err *err) {
    bool *named = xcalloc((size_t)plan->count + 1, sizeof *named);
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) rc = name_mark(plan->pipeline, names[i], named, err);
    if (rc == 0) selection_apply(plan, named, named);
    free(named);
    return rc;
}

int plan_from(struct plan *plan, const char *name, struct err *err) {
    const struct pipeline *p = plan->pipeline;
    bool *named = xcalloc(((size_t)plan->count + 1) * 2, sizeof *named), *in = named + plan->count + 1;
    int rc = name_mark(p, name, named, err);
    memcpy(in, named, plan->count * sizeof *in);
    marks_spread(p, in);
    for (uint32_t i = 0; i < plan->count; i++) in[i] |= p->steps[i].finally;
    if (rc == 0) selection_apply(plan, in, named);
    free(named);
    return rc;
}

/* ---- again ---- */

uint32_t plan_retry(struct plan *plan, const struct core_init *before) {
    const struct pipeline *p = plan->pipeline;
    bool *again = xcalloc((size_t)plan->count + 1, sizeof *again);
    for (uint32_t i = 0; i < plan->count; i++)
        again[i] = !p->steps[i].finally && before[i].state != STEP_success && before[i].state != STEP_skipped;
    marks_spread(p, again);
    uint32_t runs = 0;
    for (uint32_t i = 0; i < plan->count; i++) runs += again[i] &= !before[i].left_out;
    for (uint32_t i = 0; i < plan->count && runs; i++)
        if (!again[i] && (!p->steps[i].finally || before[i].left_out))
            plan->init[i] = (struct core_init){
                .state = before[i].state, .left_out = before[i].left_out, .warned = before[i].warned};
    free(again);
    return runs;
}

void plan_restore(struct plan *plan, const struct core_init *now) {
    if (plan->count) memcpy(plan->init, now, plan->count * sizeof *now);
}
