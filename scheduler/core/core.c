/* core.c: what becomes of steps and runs. See core.h for the promises, core_impl.h for where things are.
 *
 * An ended step is put on a list; its children are told when the list is worked off (children_tell), each
 * child looks at its counts, and those that end by that (skipped, upstream_failed) are put on the same list.
 * So a chain of 100,000 skipped steps needs neither recursion nor a sweep.
 *
 * Invariants:
 *  1. state changes only in step_move() and run_move(), through the tables of states.h.
 *  2. a step is in a lane iff it is ready (or running and `wanting`), in timers iff it is in retry_wait.
 *  3. a running step has taken its tokens and names; nobody else has.
 *  4. after a stop no main step of the run is waiting, ready or in retry_wait.
 *  5. `ended` is empty between calls. */
#include "scheduler/core/core.h"

#include "base/arena.h"
#include "scheduler/core/core_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define X(name, text, rank, reason) [STOP_##name] = text,
const char *const run_stop_names[RUN_STOP_COUNT] = {RUN_STOP_LIST(X)};
#undef X

struct stop_row {
    int rank;
    const char *reason;
};

#define X(name, text, r, why) [STOP_##name] = {.rank = r, .reason = why},
static const struct stop_row stops[RUN_STOP_COUNT] = {RUN_STOP_LIST(X)};
#undef X

static bool stopped_by_hand(const struct run *r) { return r->stop == STOP_CANCEL || r->stop == STOP_KILL; }

/* ---- actions and moves ---- */

void core_actions_release(struct core_actions *list) {
    free(list->items);
    *list = (struct core_actions){0};
}

void reason_set(char out[CORE_REASON_TEXT], const char *reason) {
    snprintf(out, CORE_REASON_TEXT, "%s", reason ? reason : "");
}

struct core_action *action_add(struct core_actions *out, enum core_action_kind kind, const struct run *r,
                               uint32_t step) {
    GROW(out->items, out->count, out->cap);
    struct core_action *a = &out->items[out->count++];
    *a = (struct core_action){.kind = kind, .run = r->spec.run, .step = step, .at = INSTANT_NONE};
    if (step != CORE_NO_STEP) a->attempt = r->steps[step].attempts;
    return a;
}

static void ref_push(struct ref_list *list, const struct run *r, uint32_t step) {
    GROW(list->items, list->count, list->cap);
    list->items[list->count++] = (struct step_ref){.seq = r->seq, .slot = r->slot, .step = step};
}

/* The run of a reference; NULL when it is gone and its slot is somebody else's. */
static struct run *ref_run(const struct core *c, const struct step_ref *ref) {
    struct run *r = c->runs[ref->slot];
    return r && r->seq == ref->seq ? r : NULL;
}

static void fault_add(struct core_actions *out, const struct run *r, uint32_t step, unsigned from,
                      unsigned to) {
    struct core_action *a = action_add(out, CORE_FAULT, r, step);
    a->from = (uint8_t)from;
    a->to = (uint8_t)to;
}

/* `ready` is not told here: a step that starts in the same turn goes from waiting to running in one write. */
static bool move_legal(const struct live *l, enum step_state to) {
    return step_may_move(l->state, to) && (to == STEP_ready || step_may_move(l->reported, to));
}

bool step_move(struct run *r, uint32_t step, struct step_move move, struct core_actions *out) {
    struct live *l = &r->steps[step];
    if (!move_legal(l, move.to)) {
        fault_add(out, r, step, l->state, move.to);
        return false;
    }
    r->counts[l->state]--;
    r->counts[move.to]++;
    l->state = (uint8_t)move.to;
    if (move.to == STEP_ready) return true;
    struct core_action *a = action_add(out, CORE_STEP_STATE, r, step);
    a->from = l->reported;
    a->to = l->reported = (uint8_t)move.to;
    a->at = move.at;
    reason_set(a->reason, move.reason);
    return true;
}

static bool run_move(struct run *r, enum run_state to, const char *reason, struct core_actions *out) {
    if (!run_may_move(r->state, to)) {
        fault_add(out, r, CORE_NO_STEP, r->state, to);
        return false;
    }
    struct core_action *a = action_add(out, CORE_RUN_STATE, r, CORE_NO_STEP);
    a->from = (uint8_t)r->state;
    a->to = (uint8_t)to;
    a->step = r->first_failed;
    reason_set(a->reason, reason);
    r->state = to;
    return true;
}

/* ---- what a run knows ---- */

static void failure_tally(struct run *r, uint32_t step, const char *reason) {
    r->failed++;
    if (r->first_failed != CORE_NO_STEP || r->steps[step].state != STEP_failed) return;
    r->first_failed = step;
    reason_set(r->first_reason, reason);
}

void step_tally(struct run *r, uint32_t step, const char *reason) {
    const struct core_step *s = &r->spec.steps[step];
    const struct live *l = &r->steps[step];
    bool bad = l->state == STEP_failed || l->state == STEP_upstream_failed;
    if (l->state == STEP_success && l->warned) r->warned = true;
    if (s->finally) {
        r->finals_bad |= (bad && !s->allow_failure) || l->state == STEP_cancelled;
        return;
    }
    if (l->state == STEP_cancelled) r->cut++;
    if (bad && !s->allow_failure) failure_tally(r, step, reason);
}

struct result {
    enum run_state state;
    const char *reason;
};

/* How the run ends, finally steps left aside. A stop counts only when it kept something from ending well. */
static struct result run_result(const struct run *r) {
    bool whole = r->cut == 0 && r->failed == 0;
    if (whole && r->warned) return (struct result){RUN_warn, "check_warned"};
    if (whole) return (struct result){RUN_ok, ""};
    if (stopped_by_hand(r)) return (struct result){RUN_cancelled, r->stop_reason};
    if (r->stop == STOP_TIMEOUT) return (struct result){RUN_failed, r->stop_reason};
    if (r->stop == STOP_FREEZE && r->cut) return (struct result){RUN_failed, r->stop_reason};
    if (r->cut && r->first_failed == CORE_NO_STEP) return (struct result){RUN_cancelled, "cancelled"};
    return (struct result){RUN_failed, r->first_reason};
}

static void run_end(struct core *c, struct run *r, struct core_actions *out) {
    struct result found = run_result(r);
    if (r->state == RUN_queued) found.state = stopped_by_hand(r) ? RUN_cancelled : RUN_failed;
    if (r->state == RUN_queued) found.reason = r->stop_reason;
    if (found.state == RUN_ok && r->finals_bad) found = (struct result){RUN_warn, "finally_failed"};
    group_leave(c, r);
    run_move(r, found.state, found.reason, out);
}

/* ---- steps ---- */

void timer_set(struct core *c, struct run *r, uint32_t step, instant_t due) {
    struct live *l = step == CORE_NO_STEP ? &r->timer : &r->steps[step];
    l->heap = &c->timers;
    heap_push(&c->timers, (struct heap_node){.key = due, .tie = r->seq, .slot = r->slot, .step = step});
}

void step_end(struct core *c, struct run *r, uint32_t step, enum step_state to, const char *reason,
              struct core_actions *out) {
    if (!step_move(r, step, (struct step_move){.to = to, .reason = reason, .at = INSTANT_NONE}, out)) return;
    r->steps[step].deciding = false;
    *(r->spec.steps[step].finally ? &r->finals_left : &r->main_left) -= 1;
    step_tally(r, step, reason);
    ref_push(&c->ended, r, step);
}

void step_ready(struct core *c, struct run *r, uint32_t step, struct core_actions *out) {
    if (!step_move(r, step, (struct step_move){.to = STEP_ready}, out)) return;
    if (!c->quiet_ready) ref_push(&c->fresh, r, step);
    pools_wait(c, r, step);
}

static void step_offer(struct core *c, struct run *r, uint32_t step, struct core_actions *out) {
    if (!r->spec.steps[step].has_when) {
        step_ready(c, r, step, out);
        return;
    }
    r->steps[step].deciding = true;
    action_add(out, CORE_DECIDE, r, step);
}

void step_look(struct core *c, struct run *r, uint32_t step, struct core_actions *out) {
    struct live *l = &r->steps[step];
    const struct core_step *s = &r->spec.steps[step];
    if (l->state != STEP_waiting || l->deciding) return;
    switch (s->finally ? VERDICT_run : rule_verdict(s->rule, &l->parents)) {
    case VERDICT_wait: break;
    case VERDICT_run: step_offer(c, r, step, out); break;
    case VERDICT_skip: step_end(c, r, step, STEP_skipped, "trigger_rule", out); break;
    case VERDICT_upstream_failed: step_end(c, r, step, STEP_upstream_failed, "upstream_failed", out); break;
    }
}

void parents_count(const struct run *r, uint32_t parent, struct parents *of_child) {
    const struct live *l = &r->steps[parent];
    switch ((enum step_state)l->state) {
    case STEP_success: of_child->success++; break;
    case STEP_failed:
        *(r->spec.steps[parent].allow_failure ? &of_child->allowed : &of_child->failed) += 1;
        break;
    case STEP_cancelled: of_child->failed++; break;
    case STEP_upstream_failed: of_child->upstream_failed++; break;
    case STEP_skipped: *(l->left_out ? &of_child->success : &of_child->skipped) += 1; break;
    default: break;
    }
}

static void children_count(struct run *r, uint32_t parent) {
    for (uint32_t e = r->spec.down_at[parent]; e < r->spec.down_at[parent + 1]; e++)
        parents_count(r, parent, &r->steps[r->spec.down[e]].parents);
}

static void children_look(struct core *c, struct run *r, uint32_t parent, struct core_actions *out) {
    if (r->state != RUN_running) return;
    for (uint32_t e = r->spec.down_at[parent]; e < r->spec.down_at[parent + 1]; e++)
        step_look(c, r, r->spec.down[e], out);
}

/* In waves: all that ended together is counted before any child decides, so failure wins over skip whatever
 * the order of the list. */
static void children_tell(struct core *c, struct core_actions *out) {
    for (size_t from = 0, to; from < c->ended.count; from = to) {
        to = c->ended.count;
        for (size_t i = from; i < to; i++)
            children_count(c->runs[c->ended.items[i].slot], c->ended.items[i].step);
        for (size_t i = from; i < to; i++)
            children_look(c, c->runs[c->ended.items[i].slot], c->ended.items[i].step, out);
    }
    c->ended.count = 0;
}

/* ---- runs ---- */

static void finals_begin(struct core *c, struct run *r, struct core_actions *out) {
    r->finals_begun = true;
    heap_leave(&r->timer);
    for (uint32_t i = 0; i < r->final_count; i++) step_look(c, r, r->finals[i], out);
}

/* After anything that may have ended a step: tells the children, begins the finally steps, ends the run. */
void run_look(struct core *c, struct run *r, struct core_actions *out) {
    children_tell(c, out);
    if (r->main_left || run_state_final(r->state)) return;
    if (r->state == RUN_running && !r->finals_begun) finals_begin(c, r, out);
    children_tell(c, out);
    if (r->finals_left == 0) run_end(c, r, out);
}

/* Does the run's stop reach this step? Finally steps are stopped by a kill alone, and in a run that never
 * began. */
bool stop_reaches(const struct run *r, uint32_t step) {
    return !r->spec.steps[step].finally || r->stop == STOP_KILL || r->state == RUN_queued;
}

static void step_stop(struct core *c, struct run *r, uint32_t step, struct core_actions *out) {
    enum step_state state = r->steps[step].state;
    if (step_state_final(state) || !stop_reaches(r, step)) return;
    if (state == STEP_running) {
        if (r->stop == STOP_FREEZE) return;
        struct core_action *a = action_add(out, CORE_CANCEL_ATTEMPT, r, step);
        a->kill = r->stop == STOP_KILL;
        reason_set(a->reason, r->stop_reason);
        return;
    }
    if (state == STEP_ready) pools_leave(c, r, step);
    heap_leave(&r->steps[step]);
    step_end(c, r, step, STEP_cancelled, r->stop_reason, out);
}

static void stop_carry_out(struct core *c, struct run *r, struct core_actions *out) {
    for (uint32_t i = 0; i < r->spec.step_count; i++) step_stop(c, r, i, out);
}

/* A kill that says no reason keeps the one of the cancel before it. */
static void stop_set(struct run *r, enum run_stop stop, const char *reason) {
    bool again = r->stop == STOP_CANCEL && !reason;
    r->stop = stop;
    if (again) return;
    reason_set(r->stop_reason, reason && *reason ? reason : stops[stop].reason);
}

enum core_answer run_stop(struct core *c, struct run *r, enum run_stop stop, const char *reason,
                          struct core_actions *out) {
    bool over = r->main_left == 0 && r->state == RUN_running && stop != STOP_KILL;
    if (stops[stop].rank <= stops[r->stop].rank || over) return CORE_STALE;
    stop_set(r, stop, reason);
    struct core_action *a = action_add(out, CORE_RUN_STOP, r, CORE_NO_STEP);
    a->stop = (uint8_t)stop;
    reason_set(a->reason, r->stop_reason);
    stop_carry_out(c, r, out);
    run_look(c, r, out);
    return CORE_TAKEN;
}

void run_resume(struct core *c, struct run *r, struct core_actions *out) {
    if (r->spec.stop != STOP_NO) stop_set(r, r->spec.stop, r->spec.stop_reason);
    if (r->stop != STOP_NO) stop_carry_out(c, r, out);
    if (r->state == RUN_running && r->spec.timeout > 0 && r->main_left)
        timer_set(c, r, CORE_NO_STEP, r->spec.started_at + r->spec.timeout);
    for (uint32_t i = 0; r->state == RUN_running && i < r->spec.step_count; i++)
        if (!r->spec.steps[i].finally) step_look(c, r, i, out);
    if (r->state == RUN_running || r->stop != STOP_NO) run_look(c, r, out);
}

static void run_begin(struct core *c, struct run *r, struct core_actions *out) {
    if (!run_move(r, RUN_running, "", out)) return;
    r->spec.started_at = c->now;
    run_resume(c, r, out);
}

/* ---- letting time pass, starting ---- */

static void timers_fire(struct core *c, struct core_actions *out) {
    while (c->timers.count && c->timers.nodes[0].key <= c->now) {
        struct heap_node node = c->timers.nodes[0];
        struct run *r = c->runs[node.slot];
        heap_leave(node.step == CORE_NO_STEP ? &r->timer : &r->steps[node.step]);
        if (node.step == CORE_NO_STEP)
            run_stop(c, r, STOP_TIMEOUT, NULL, out);
        else
            step_ready(c, r, node.step, out);
    }
}

static void step_start(struct run *r, uint32_t step, struct core_actions *out) {
    r->steps[step].attempts++;
    step_move(r, step, (struct step_move){.to = STEP_running, .at = INSTANT_NONE}, out);
    action_add(out, CORE_START, r, step);
}

static void steps_start(struct core *c, struct core_actions *out) {
    struct run *r;
    uint32_t step;
    while (pools_next(c, &r, &step)) {
        if (r->steps[step].publishing)
            action_add(out, CORE_MAY_PUBLISH, r, step);
        else
            step_start(r, step, out);
    }
}

static void fresh_report(struct core *c, struct core_actions *out) {
    for (size_t i = 0; i < c->fresh.count; i++) {
        struct run *r = ref_run(c, &c->fresh.items[i]);
        uint32_t step = c->fresh.items[i].step;
        if (!r || r->steps[step].state != STEP_ready || r->steps[step].reported == STEP_ready) continue;
        struct core_action *a = action_add(out, CORE_STEP_STATE, r, step);
        a->from = r->steps[step].reported;
        a->to = r->steps[step].reported = STEP_ready;
    }
    c->fresh.count = 0;
}

void core_settle(struct core *c, instant_t now, struct core_actions *out) {
    core_clock(c, now);
    timers_fire(c, out);
    for (struct run *r; (r = group_next(c));) run_begin(c, r, out);
    steps_start(c, out);
    fresh_report(c, out);
}

instant_t core_next_due(const struct core *c) {
    return c->timers.count ? c->timers.nodes[0].key : INSTANT_NONE;
}

/* ---- the object ---- */

static uint32_t or_default(uint32_t value, uint32_t otherwise) { return value ? value : otherwise; }

struct core *core_new(const struct core_config *config) {
    struct core *c = xcalloc(1, sizeof *c);
    c->jobs = config->jobs;
    c->asked = config->asked;
    c->quiet_ready = config->quiet_ready;
    c->bypasses = or_default(config->bypasses, 16);
    c->ageing = or_default(config->ageing, 1024);
    c->now = INSTANT_NONE;
    c->next_seq = 1;
    c->unlimited.limit = INT64_MAX;
    pools_init(c, config);
    return c;
}

void core_free(struct core *c) {
    if (!c) return;
    for (size_t i = 0; i < c->run_count; i++)
        if (c->runs[i]) run_drop(c, c->runs[i]);
    while (group_next(c)) {
    } /* drops the empty groups */
    pools_release(c);
    idmap_release(&c->run_ids);
    idmap_release(&c->groups);
    free(c->runs);
    free(c->free_slots);
    free(c->kicked);
    free(c->ended.items);
    free(c->fresh.items);
    free(c);
}

void core_forget(struct core *c, int64_t run) {
    struct run *r = run_by_id(c, run);
    if (r) run_drop(c, r);
}

/* ---- questions ---- */

bool core_has_run(const struct core *c, int64_t run) { return run_by_id(c, run) != NULL; }

enum run_state core_run_state(const struct core *c, int64_t run) {
    const struct run *r = run_by_id(c, run);
    assert(r);
    return r->state;
}

enum run_state core_run_result(const struct core *c, int64_t run) {
    const struct run *r = run_by_id(c, run);
    assert(r);
    return r->main_left ? RUN_running : run_result(r).state;
}

enum step_state core_step_state(const struct core *c, int64_t run, uint32_t step) {
    const struct run *r = run_by_id(c, run);
    assert(r && step < r->spec.step_count);
    return (enum step_state)r->steps[step].state;
}

uint32_t core_step_attempts(const struct core *c, int64_t run, uint32_t step) {
    const struct run *r = run_by_id(c, run);
    assert(r && step < r->spec.step_count);
    return r->steps[step].attempts;
}

void core_run_counts(const struct core *c, int64_t run, uint32_t counts[STEP_STATE_COUNT]) {
    const struct run *r = run_by_id(c, run);
    assert(r);
    for (int i = 0; i < STEP_STATE_COUNT; i++) counts[i] = r->counts[i];
}

enum core_block core_step_block(const struct core *c, int64_t run, uint32_t step) {
    const struct run *r = run_by_id(c, run);
    assert(r && step < r->spec.step_count);
    return r->steps[step].state == STEP_ready ? pools_block(c, r, step) : BLOCK_no;
}

struct core_load core_load(const struct core *c) {
    struct core_load load = c->load;
    load.jobs_used = c->jobs_used;
    return load;
}

int64_t core_pool_used(const struct core *c, uint32_t pool) {
    assert(pool < c->pool_count);
    return c->pools[pool].used;
}
