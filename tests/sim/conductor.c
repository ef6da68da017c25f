/* conductor.c: drives the core as core.h says a driver must, and dies wherever the dice say.
 *
 * A turn: events are applied, actions become writes (and effects, kept for later), one commit, then the
 * effects. When the commit fails the turn is kept and tried again; nothing starts meanwhile. After a death
 * the core is built from the committed image alone, and the warden is asked what became of the live attempts.
 */
#include "tests/sim/sim.h"

#include "base/arena.h"
#include "scheduler/core/retry.h"

#include <string.h>

/* Death at any action: most calls below begin with it. */
static void crash_here(struct sim *s) {
    uint32_t per_mille = s->recovering ? s->scene.faults.crash_again : s->scene.faults.crash;
    if (faults_on(s) && rng_chance(&s->rng, per_mille)) longjmp(s->crash, 1);
}

/* What the attempt has seen of the names it moves, for a database that checks it again. */
static void bases_note(const struct sim *s, struct write *w) {
    const struct pipe *p = pipe_of(s, w->run);
    const struct core_step *c = &p->steps[w->step];
    bool ends = w->kind == WRITE_ATTEMPT_END;
    if (!ends && w->kind != WRITE_ATTEMPT_PUBLISHES) return;
    const uint64_t *names = ends ? c->hold : c->publish;
    uint32_t n = ends ? c->hold_count : c->publish_count;
    for (uint32_t i = 0; i < n; i++) w->base[i] = s->working.versions[names[i]];
    if (p->moves_bookmark[w->step]) w->bookmark_base = s->working.versions[c->hold[0]];
}

static void write_add(struct sim *s, struct write w) {
    crash_here(s);
    w.at = wall_now(s);
    bases_note(s, &w);
    image_write(s, &s->working, &w);
    GROW(s->journal, s->journal_count, s->journal_cap);
    s->journal[s->journal_count++] = w;
}

static void effect_add(struct sim *s, struct effect e) {
    if (!e.generation) e.generation = s->working.runs[e.run].steps[e.step].generation;
    GROW(s->effects, s->effect_count, s->effect_cap);
    s->effects[s->effect_count++] = e;
}

static enum core_answer event_send(struct sim *s, const struct core_event *e) {
    struct err err;
    crash_here(s);
    enum core_answer answer = core_apply(s->core, s->now, e, &s->actions, &err);
    if (answer == CORE_REFUSED) violation(s, "the core refused: %s", err.msg);
    return answer;
}

/* ---- attempts ---- */

static void acks_add(struct sim *s, uint32_t run, uint32_t step, uint32_t attempt) {
    for (const char *phase = "mp"; *phase; phase++)
        effect_add(s, (struct effect){
                          .kind = EFFECT_ACK, .run = run, .step = step, .attempt = attempt, .phase = *phase});
}

static void attempt_end(struct sim *s, uint32_t run, uint32_t step, enum core_outcome outcome,
                        duration_t wait) {
    struct image_step *t = &s->working.runs[run].steps[step];
    const struct core_step *c = &pipe_of(s, run)->steps[step];
    bool well = outcome == OUTCOME_success || outcome == OUTCOME_warn;
    uint32_t attempt = t->attempts;
    write_add(s, (struct write){.kind = WRITE_ATTEMPT_END,
                                .run = run,
                                .step = step,
                                .attempt = attempt,
                                .generation = t->generation,
                                .outcome = outcome,
                                .moves = well && (c->hold_count || c->publish_count)});
    s->tried[run][step] = (struct tried){.outcome = outcome};
    acks_add(s, run, step, attempt);
    struct core_event e = {.kind = CORE_ATTEMPT_ENDED,
                           .run = run,
                           .step = step,
                           .attempt = attempt,
                           .outcome = outcome,
                           .wait = wait};
    if (event_send(s, &e) != CORE_TAKEN) violation(s, "run %u step %u: its end is stale", run, step);
    if (!faults_on(s) || !rng_chance(&s->rng, s->scene.faults.stale)) return;
    if (event_send(s, &e) != CORE_STALE) violation(s, "run %u step %u: ended twice", run, step);
    s->counts.stale++;
}

static void main_ended(struct sim *s, const struct job *j) {
    struct tried *t = &s->tried[j->run][j->step];
    const struct core_step *c = &pipe_of(s, j->run)->steps[j->step];
    bool publishes = c->publish_count && (j->outcome == OUTCOME_success || j->outcome == OUTCOME_warn);
    if (!publishes || t->cancelled) {
        attempt_end(s, j->run, j->step, publishes ? OUTCOME_cancelled : j->outcome, j->wait);
        return;
    }
    t->phase = PHASE_WAITS;
    t->outcome = j->outcome;
    event_send(s, &(struct core_event){
                      .kind = CORE_PUBLISH_WANTED, .run = j->run, .step = j->step, .attempt = j->attempt});
}

static bool job_is_mine(const struct sim *s, const struct job *j) {
    const struct image_step *t = &s->working.runs[j->run].steps[j->step];
    enum phase phase = s->tried[j->run][j->step].phase;
    return t->live && t->generation == j->generation && t->attempts == j->attempt &&
           phase == (j->phase == 'm' ? PHASE_MAIN : PHASE_PUBLISH);
}

static void job_ended(struct sim *s, struct job *j) {
    struct job job = *j;
    j->told = true;
    if (!job_is_mine(s, &job)) {
        bool waits = s->tried[job.run][job.step].phase == PHASE_WAITS;
        if (!waits)
            effect_add(s, (struct effect){.kind = EFFECT_ACK,
                                          .run = job.run,
                                          .step = job.step,
                                          .generation = job.generation,
                                          .attempt = job.attempt,
                                          .phase = job.phase});
        return;
    }
    if (job.phase == 'm')
        main_ended(s, &job);
    else
        attempt_end(s, job.run, job.step, s->tried[job.run][job.step].outcome, 0);
}

static void jobs_take(struct sim *s) {
    for (size_t i = 0; i < s->job_count; i++)
        if (s->jobs[i].ended && !s->jobs[i].told) job_ended(s, &s->jobs[i]);
}

static bool began(const struct sim *s, uint32_t run, uint32_t step) {
    const struct image_step *t = &s->working.runs[run].steps[step];
    const struct begun *newest = &s->begun[run][step];
    return newest->generation == t->generation && newest->attempt == t->attempts;
}

/* The same attempt starts, unless the run is being stopped. */
static void unbegun_settle(struct sim *s, uint32_t run, uint32_t step) {
    enum run_stop stop = s->working.runs[run].stop;
    bool finally = pipe_of(s, run)->steps[step].finally;
    bool wanted = stop == STOP_NO || (finally && stop != STOP_KILL);
    uint32_t attempt = s->working.runs[run].steps[step].attempts;
    s->counts.unbegun++;
    if (wanted)
        effect_add(s, (struct effect){
                          .kind = EFFECT_SPAWN, .run = run, .step = step, .attempt = attempt, .phase = 'm'});
    else
        attempt_end(s, run, step, OUTCOME_cancelled, 0);
}

/* What the warden does not know is lost, or never began; what was being published is rolled forward. */
static void attempt_settle(struct sim *s, uint32_t run, uint32_t step) {
    const struct image_step *t = &s->working.runs[run].steps[step];
    enum phase phase = s->tried[run][step].phase;
    if (!t->live || phase == PHASE_NONE || phase == PHASE_WAITS) return;
    char letter = phase == PHASE_MAIN ? 'm' : 'p';
    if (job_find(s, run, step, t->generation, t->attempts, letter)) return;
    if (phase == PHASE_PUBLISH) {
        effect_add(
            s, (struct effect){
                   .kind = EFFECT_PUBLISH, .run = run, .step = step, .attempt = t->attempts, .phase = 'p'});
    } else if (!began(s, run, step)) {
        unbegun_settle(s, run, step);
    } else {
        s->counts.lost++;
        attempt_end(s, run, step, OUTCOME_lost, 0);
    }
}

static void attempts_settle(struct sim *s) {
    for (uint32_t r = 0; r < s->scene.run_count; r++)
        for (uint32_t i = 0; core_has_run(s->core, r) && i < pipe_of(s, r)->n; i++) attempt_settle(s, r, i);
}

/* ---- actions ---- */

static void act_step_state(struct sim *s, const struct core_action *a) {
    uint32_t run = (uint32_t)a->run;
    struct write w = {.kind = WRITE_STEP_MOVE,
                      .run = run,
                      .step = a->step,
                      .attempt = a->attempt,
                      .from = a->from,
                      .to = a->to,
                      .due = INSTANT_NONE,
                      .generation = s->working.runs[run].generation,
                      .warned = a->to == STEP_success && s->tried[run][a->step].outcome == OUTCOME_warn};
    memcpy(w.reason, a->reason, sizeof w.reason);
    if (a->to == STEP_retry_wait) w.due = wall_now(s) + (a->at - s->now);
    if (a->to == STEP_retry_wait) s->counts.retried++;
    note(s, "run %u step %u: %s -> %s %s", run, a->step, step_state_names[a->from], step_state_names[a->to],
         a->reason);
    write_add(s, w);
}

static void act_run_state(struct sim *s, const struct core_action *a) {
    struct write w = {.kind = WRITE_RUN_MOVE, .run = (uint32_t)a->run, .from = a->from, .to = a->to};
    memcpy(w.reason, a->reason, sizeof w.reason);
    note(s, "run %u: %s -> %s %s", w.run, run_state_names[a->from], run_state_names[a->to], a->reason);
    write_add(s, w);
}

static void act_run_stop(struct sim *s, const struct core_action *a) {
    struct write w = {.kind = WRITE_RUN_STOP, .run = (uint32_t)a->run, .stop = a->stop};
    memcpy(w.reason, a->reason, sizeof w.reason);
    note(s, "run %u: stop %s", w.run, run_stop_names[a->stop]);
    write_add(s, w);
}

static void act_start(struct sim *s, const struct core_action *a) {
    uint32_t run = (uint32_t)a->run;
    write_add(s, (struct write){.kind = WRITE_ATTEMPT_START,
                                .run = run,
                                .step = a->step,
                                .attempt = a->attempt,
                                .generation = s->working.runs[run].generation});
    s->tried[run][a->step] = (struct tried){.phase = PHASE_MAIN};
    effect_add(s,
               (struct effect){
                   .kind = EFFECT_SPAWN, .run = run, .step = a->step, .attempt = a->attempt, .phase = 'm'});
}

static void act_may_publish(struct sim *s, const struct core_action *a) {
    uint32_t run = (uint32_t)a->run;
    struct tried *t = &s->tried[run][a->step];
    if (t->phase == PHASE_NONE) return; /* cancelled a moment ago, in this very list */
    if (t->phase != PHASE_WAITS) violation(s, "run %u step %u: may publish, did not ask", run, a->step);
    write_add(s, (struct write){.kind = WRITE_ATTEMPT_PUBLISHES,
                                .run = run,
                                .step = a->step,
                                .attempt = a->attempt,
                                .generation = s->working.runs[run].steps[a->step].generation});
    t->phase = PHASE_PUBLISH;
    effect_add(s, (struct effect){
                      .kind = EFFECT_ACK, .run = run, .step = a->step, .attempt = a->attempt, .phase = 'm'});
    effect_add(s,
               (struct effect){
                   .kind = EFFECT_PUBLISH, .run = run, .step = a->step, .attempt = a->attempt, .phase = 'p'});
}

static void act_cancel(struct sim *s, const struct core_action *a) {
    uint32_t run = (uint32_t)a->run;
    struct tried *t = &s->tried[run][a->step];
    if (t->phase == PHASE_PUBLISH) return; /* too late */
    if (t->phase == PHASE_WAITS) {
        attempt_end(s, run, a->step, OUTCOME_cancelled, 0);
        return;
    }
    t->cancelled = true;
    effect_add(
        s, (struct effect){
               .kind = EFFECT_CANCEL, .run = run, .step = a->step, .attempt = a->attempt, .kill = a->kill});
}

static void act_decide(struct sim *s, const struct core_action *a) {
    uint32_t run = (uint32_t)a->run;
    uint64_t dice = hash_mix(hash_mix(s->scene.seed, (uint64_t)a->run),
                             hash_mix(a->step, s->working.runs[run].generation));
    struct core_event e = {.kind = CORE_DECIDED, .run = a->run, .step = a->step};
    e.decision = dice % 1000 < pipe_of(s, run)->skip[a->step] ? DECISION_skip : DECISION_run;
    if ((dice >> 32) % 32 == 0) e.decision = DECISION_error;
    bool over = core_run_result(s->core, a->run) != RUN_running;
    /* Stale when something that stood before it in the list was a stop. */
    if (event_send(s, &e) == CORE_TAKEN && pipe_of(s, run)->steps[a->step].finally != over)
        violation(s, "run %u step %u: asked for `when` at the wrong time", run, a->step);
}

static void act_fault(struct sim *s, const struct core_action *a) {
    violation(s, "run %lld step %u: forbidden move %u -> %u", (long long)a->run, a->step, a->from, a->to);
}

static void actions_settle(struct sim *s) {
    static void (*const acts[])(struct sim *, const struct core_action *) = {
        [CORE_DECIDE] = act_decide,         [CORE_STEP_STATE] = act_step_state,
        [CORE_START] = act_start,           [CORE_MAY_PUBLISH] = act_may_publish,
        [CORE_CANCEL_ATTEMPT] = act_cancel, [CORE_RUN_STATE] = act_run_state,
        [CORE_RUN_STOP] = act_run_stop,     [CORE_FAULT] = act_fault,
    };
    do {
        while (s->action_next < s->actions.count) {
            struct core_action a = s->actions.items[s->action_next++]; /* the list may move */
            acts[a.kind](s, &a);
        }
        core_settle(s->core, s->now, &s->actions);
    } while (s->action_next < s->actions.count);
    s->actions.count = s->action_next = 0;
}

/* ---- commit and effects ---- */

static void starting_set(struct sim *s, bool stopped) {
    if (s->stopped == stopped) return;
    s->stopped = stopped;
    event_send(s, &(struct core_event){.kind = stopped ? CORE_STOP_STARTING : CORE_RESUME_STARTING});
}

static void effects_do(struct sim *s) {
    static void (*const doers[])(struct sim *, const struct effect *) = {[EFFECT_SPAWN] = job_spawn,
                                                                         [EFFECT_PUBLISH] = job_spawn,
                                                                         [EFFECT_CANCEL] = job_cancel,
                                                                         [EFFECT_ACK] = job_ack};
    for (size_t i = 0; i < s->effect_count; i++) {
        crash_here(s);
        struct effect e = s->effects[i];
        doers[e.kind](s, &e);
    }
    s->effect_count = 0;
}

static void runs_forget(struct sim *s) {
    for (uint32_t r = 0; r < s->scene.run_count; r++)
        if (core_has_run(s->core, r) && run_state_final(core_run_state(s->core, r))) core_forget(s->core, r);
}

static void turn_commit(struct sim *s) {
    crash_here(s);
    bool full = s->disk_full_until > s->now;
    if (s->journal_count && s->backend->commit(s, s->journal, s->journal_count, full) < 0) {
        if (!s->unsaved) s->counts.full++;
        s->unsaved = true;
        starting_set(s, true);
        return;
    }
    s->unsaved = false;
    s->journal_count = 0;
    s->committed = s->working;
    effects_do(s);
    runs_forget(s);
    starting_set(s, false);
}

/* ---- requests of users ---- */

static struct core_init init_of(const struct sim *s, const struct image_step *t) {
    duration_t wait = t->due == INSTANT_NONE ? 0 : t->due - wall_now(s);
    if (wait < 0) wait = 0;
    if (wait > RETRY_WAIT_MAX) wait = RETRY_WAIT_MAX; /* the clock was set back */
    return (struct core_init){.state = t->state,
                              .left_out = t->left_out,
                              .warned = t->warned,
                              .reason = t->reason,
                              .publishing = t->publishing,
                              .attempts = t->attempts,
                              .due = s->now + wait};
}

static void run_enter(struct sim *s, uint32_t run) {
    const struct image_run *r = &s->working.runs[run];
    const struct pipe *p = pipe_of(s, run);
    for (uint32_t i = 0; i < p->n; i++) s->inits[run][i] = init_of(s, &r->steps[i]);
    duration_t elapsed = r->started == INSTANT_NONE ? 0 : wall_now(s) - r->started;
    s->specs[run] = (struct core_run_spec){.run = run,
                                           .generation = r->generation,
                                           .step_count = p->n,
                                           .down_at = p->down_at,
                                           .down = p->down,
                                           .steps = p->steps,
                                           .init = s->inits[run],
                                           .state = r->state,
                                           .timeout = p->timeout,
                                           .started_at = s->now - (elapsed > 0 ? elapsed : 0),
                                           .group = s->scene.visits[run].pipe + 1,
                                           .group_limit = p->limit,
                                           .stop = r->stop,
                                           .stop_reason = r->stop_reason};
    event_send(s, &(struct core_event){.kind = CORE_RUN_ADD, .spec = &s->specs[run]});
}

static bool run_over(const struct sim *s, uint32_t run) {
    const struct image_run *r = &s->committed.runs[run];
    return r->there && run_state_final(r->state) && !core_has_run(s->core, run);
}

static void visit_arrive(struct sim *s, uint32_t run) {
    const struct visit *v = &s->scene.visits[run];
    const struct image_run *r = &s->working.runs[run];
    if (!r->there && v->arrives <= s->now) {
        write_add(s, (struct write){.kind = WRITE_RUN_ADD, .run = run});
        run_enter(s, run);
        s->counts.runs++;
    } else if (run_over(s, run) && r->generation <= v->retries &&
               (r->state == RUN_failed || r->state == RUN_cancelled)) {
        note(s, "run %u: again", run);
        write_add(s, (struct write){.kind = WRITE_RUN_AGAIN, .run = run, .generation = r->generation + 1});
        run_enter(s, run);
    }
}

static void visit_stop(struct sim *s, uint32_t run, instant_t at, bool *done, struct core_event e) {
    if (*done || at == INSTANT_NONE || at > s->now || !core_has_run(s->core, run)) return;
    *done = true;
    e.run = run;
    event_send(s, &e);
}

static void visits_take(struct sim *s) {
    for (uint32_t r = 0; r < s->scene.run_count; r++) {
        const struct visit *v = &s->scene.visits[r];
        visit_arrive(s, r);
        visit_stop(s, r, v->frozen, &s->freeze_done[r], (struct core_event){.kind = CORE_RUN_FREEZE});
        visit_stop(s, r, v->cancelled, &s->cancel_done[r], (struct core_event){.kind = CORE_RUN_CANCEL});
        visit_stop(s, r, v->killed, &s->kill_done[r],
                   (struct core_event){.kind = CORE_RUN_CANCEL, .kill = true});
    }
}

/* ---- turns ---- */

static void turn_finish(struct sim *s) {
    actions_settle(s);
    check_turn(s);
    turn_commit(s);
}

void conductor_turn(struct sim *s) {
    s->counts.turns++;
    if (s->unsaved) {
        turn_commit(s);
        if (s->unsaved) return;
    }
    if (s->warden_died) {
        s->warden_died = false;
        attempts_settle(s);
    }
    visits_take(s);
    jobs_take(s);
    turn_finish(s);
}

static void phases_restore(struct sim *s) {
    memset(s->tried, 0, sizeof s->tried);
    for (uint32_t r = 0; r < s->scene.run_count; r++)
        for (uint32_t i = 0; i < pipe_of(s, r)->n; i++) {
            const struct image_step *t = &s->working.runs[r].steps[i];
            if (t->live) s->tried[r][i].phase = t->publishing ? PHASE_PUBLISH : PHASE_MAIN;
        }
}

void conductor_start(struct sim *s) {
    note(s, "the conductor starts");
    s->backend->open(s);
    s->backend->compare(s, &s->committed);
    check_image(s, &s->committed);
    s->recovering = true;
    s->warden_died = false;
    s->core = core_new(&s->scene.config);
    for (size_t i = 0; i < s->job_count; i++) s->jobs[i].told = false;
    phases_restore(s);
    for (uint32_t r = 0; r < s->scene.run_count; r++)
        if (s->working.runs[r].there && !run_state_final(s->working.runs[r].state)) run_enter(s, r);
    attempts_settle(s);
    turn_finish(s);
    s->recovering = false;
}

void conductor_die(struct sim *s) {
    note(s, "the conductor dies");
    s->counts.crashes++;
    core_free(s->core);
    s->core = NULL;
    s->backend->close(s);
    s->working = s->committed;
    s->journal_count = s->effect_count = s->actions.count = s->action_next = 0;
    s->unsaved = s->stopped = s->recovering = false;
    s->restart = s->now + (instant_t)rng_below(&s->rng, 20) * US_PER_SECOND;
}

static instant_t sooner(instant_t a, instant_t b) { return b != INSTANT_NONE && b < a ? b : a; }

instant_t conductor_next(const struct sim *s) {
    if (!s->core) return s->restart;
    if (s->unsaved) return s->now + US_PER_SECOND;
    instant_t next = sooner(INT64_MAX, core_next_due(s->core));
    for (uint32_t r = 0; r < s->scene.run_count; r++) {
        const struct visit *v = &s->scene.visits[r];
        if (!s->working.runs[r].there) next = sooner(next, v->arrives);
        if (!core_has_run(s->core, r)) continue;
        if (!s->freeze_done[r]) next = sooner(next, v->frozen);
        if (!s->cancel_done[r]) next = sooner(next, v->cancelled);
        if (!s->kill_done[r]) next = sooner(next, v->killed);
    }
    return next;
}
