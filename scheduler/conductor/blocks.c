/* blocks.c: what stands in the way of a run that is at work: the answer to the ask `why`.
 *
 *   {serves, live, steps: [{step, state, attempt, block, pool, tokens, size,
 *                           holders: [{run, pipeline, step, tokens}]}]}
 *
 * live: the run is known here. Steps: those that are ready or tried again later, running steps aside, which
 * the asker reads for itself. block: "stopped", "jobs", "pool", "hold", or none: it begins at once. Holders
 * are the live attempts that have what the step wants. */
#include "scheduler/conductor/inner.h"

#include "base/json.h"

#include <string.h>

static const char *const block_words[] = {
    [BLOCK_stopped] = "stopped", [BLOCK_jobs] = "jobs", [BLOCK_pool] = "pool", [BLOCK_hold] = "hold"};

static const struct core_step *core_step_of(const struct live_run *r, uint32_t step) {
    return r->plan ? &r->plan->steps[step] : NULL;
}

/* ---- who has it ---- */

static bool names_meet(const uint64_t *a, size_t n, const uint64_t *b, size_t m) {
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++)
            if (a[i] == b[k]) return true;
    return false;
}

/* What it holds from its start; and, once it publishes, its datasets. */
static bool shares_name(const struct core_step *wanted, const struct core_step *has) {
    return names_meet(wanted->hold, wanted->hold_count, has->hold, has->hold_count) ||
           names_meet(wanted->hold, wanted->hold_count, has->publish, has->publish_count);
}

static bool has_it(enum core_block block, const struct core_step *wanted, const struct core_step *has) {
    switch (block) {
    case BLOCK_pool: return has->pool == wanted->pool;
    case BLOCK_hold: return shares_name(wanted, has);
    case BLOCK_jobs: return !has->remote;
    default: return false;
    }
}

enum { HOLDERS_SHOWN = 20 };

static void add_holders_of(json_t *list, enum core_block block, const struct core_step *wanted,
                           const struct live_run *r) {
    for (uint32_t i = 0; r->plan && i < r->step_count && json_array_size(list) < HOLDERS_SHOWN; i++) {
        const struct core_step *has = core_step_of(r, i);
        if (!r->attempts[i] || !has_it(block, wanted, has)) continue;
        json_array_append_new(list, json_pack("{sI ss ss sI}", "run", (json_int_t)r->id, "pipeline",
                                              r->pipeline_name, "step", r->names[i], "tokens",
                                              (json_int_t)(has->tokens < 1 ? 1 : has->tokens)));
    }
}

/* ---- one step ---- */

static void put_pool(const struct conductor *c, json_t *o, const struct core_step *s) {
    const struct project *p = c->options.project;
    if (s->pool == CORE_NO_POOL) return;
    json_put_text(o, "pool", p->pools[s->pool].name);
    json_put(o, "tokens", json_integer(s->tokens < 1 ? 1 : s->tokens));
    json_put(o, "size", json_integer(p->pools[s->pool].tokens));
}

static void add_step(struct conductor *c, json_t *list, const struct live_run *r, uint32_t i) {
    enum step_state state = core_step_state(c->core, r->id, i);
    const struct core_step *s = core_step_of(r, i);
    if (!s || (state != STEP_ready && state != STEP_retry_wait)) return;
    enum core_block block = core_step_block(c->core, r->id, i);
    json_t *holders = json_array(), *o = json_object();
    json_put_text(o, "step", r->names[i]);
    json_put_text(o, "state", step_state_names[state]);
    json_put(o, "attempt", json_integer(core_step_attempts(c->core, r->id, i) + 1));
    json_put_text(o, "block", block_words[block]);
    if (block == BLOCK_pool) put_pool(c, o, s);
    for (struct live_run *other = c->runs; other && block; other = other->next)
        add_holders_of(holders, block, s, other);
    json_put(o, "holders", holders);
    json_array_append_new(list, o);
}

int blocks(struct conductor *c, const json_t *request, json_t *answer, struct err *err) {
    struct live_run *r = live_find(c, json_int(request, "run", 0));
    json_t *steps = json_array();
    (void)err;
    for (uint32_t i = 0; r && !r->ended && i < r->step_count; i++) add_step(c, steps, r, i);
    json_put(answer, "serves", json_boolean(c->options.serves));
    json_put(answer, "live", json_boolean(r != NULL));
    json_put(answer, "steps", steps);
    return 0;
}
