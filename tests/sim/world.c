/* world.c: what is outside the conductor: the warden with its jobs, the clocks.
 *
 * How an attempt ends depends on (seed, run, step, generation, attempt) alone, so that it does not change
 * when the order of events does. The warden keeps an ended job until it is acknowledged; when it dies all its
 * jobs are gone. */
#include "tests/sim/sim.h"

#include "base/arena.h"

struct job *job_find(struct sim *s, uint32_t run, uint32_t step, uint32_t generation, uint32_t attempt,
                     char phase) {
    for (size_t i = 0; i < s->job_count; i++) {
        struct job *j = &s->jobs[i];
        if (j->run == run && j->step == step && j->generation == generation && j->attempt == attempt &&
            j->phase == phase)
            return j;
    }
    return NULL;
}

static enum core_outcome outcome_of(const struct sim *s, const struct job *j, struct rng *r) {
    static const enum core_outcome good[] = {OUTCOME_success, OUTCOME_success, OUTCOME_nothing_new,
                                             OUTCOME_warn};
    static const enum core_outcome bad[] = {OUTCOME_failed, OUTCOME_failed, OUTCOME_gate,
                                            OUTCOME_retry_asked};
    uint32_t fail = pipe_of(s, j->run)->fail[j->step];
    /* A step that always fails does so in its first generation only: the retry of the run must mend
     * something. */
    if (fail == 1000 && j->generation > 1) fail = 0;
    return rng_chance(r, fail) ? bad[rng_below(r, 4)] : good[rng_below(r, 4)];
}

static void job_fate(struct sim *s, struct job *j) {
    uint64_t id = hash_mix(hash_mix(j->run, j->step), hash_mix(j->generation, j->attempt));
    struct rng r = {.state = hash_mix(s->scene.seed, hash_mix(id, (uint64_t)j->phase))};
    j->outcome = j->phase == 'p' ? OUTCOME_success : outcome_of(s, j, &r);
    j->ends = s->now + (instant_t)rng_below(&r, pipe_of(s, j->run)->slow[j->step] * 1000 + 1) * US_PER_MS;
    if (rng_chance(&r, 50)) j->wait = (duration_t)rng_below(&r, 30) * US_PER_SECOND;
}

static void live_check(struct sim *s, const struct job *j) {
    for (size_t i = 0; i < s->job_count; i++)
        if (s->jobs[i].run == j->run && s->jobs[i].step == j->step && !s->jobs[i].ended)
            violation(s, "run %u step %u: two jobs at once", j->run, j->step);
    if (job_find(s, j->run, j->step, j->generation, j->attempt, j->phase))
        violation(s, "run %u step %u: attempt %u started twice", j->run, j->step, j->attempt);
}

void job_spawn(struct sim *s, const struct effect *e) {
    struct job j = {.run = e->run,
                    .step = e->step,
                    .generation = e->generation,
                    .attempt = e->attempt,
                    .phase = e->phase};
    live_check(s, &j);
    if (j.phase == 'm') s->begun[j.run][j.step] = (struct begun){j.generation, j.attempt};
    job_fate(s, &j);
    if (j.phase == 'm' && faults_on(s) && rng_chance(&s->rng, s->scene.faults.spawn)) {
        j.ended = true;
        j.outcome = OUTCOME_failed;
    }
    GROW(s->jobs, s->job_count, s->job_cap);
    s->jobs[s->job_count++] = j;
}

/* Most obey at once, some take their time, some have just succeeded. */
void job_cancel(struct sim *s, const struct effect *e) {
    struct job *j = job_find(s, e->run, e->step, e->generation, e->attempt, 'm');
    if (!j || j->ended) return;
    instant_t soon = s->now + (e->kill ? 0 : (instant_t)rng_below(&s->rng, 8000) * US_PER_MS);
    if (j->ends <= soon && rng_chance(&s->rng, 500)) return;
    j->ends = soon < j->ends ? soon : j->ends;
    j->outcome = OUTCOME_cancelled;
}

void job_ack(struct sim *s, const struct effect *e) {
    struct job *j = job_find(s, e->run, e->step, e->generation, e->attempt, e->phase);
    if (!j) return;
    if (!j->ended) violation(s, "run %u step %u: acknowledged while it runs", e->run, e->step);
    *j = s->jobs[--s->job_count];
}

static void clock_jump(struct sim *s) {
    static const duration_t jumps[] = {US_PER_HOUR, -US_PER_HOUR, 3650 * US_PER_DAY, -3650 * US_PER_DAY};
    s->wall += jumps[rng_below(&s->rng, 4)];
    note(s, "the clock jumps");
}

static void warden_die(struct sim *s) {
    note(s, "the warden dies with %zu jobs", s->job_count);
    s->job_count = 0;
    s->warden_died = true;
}

void world_pass(struct sim *s) {
    if (faults_on(s) && rng_chance(&s->rng, s->scene.faults.warden)) warden_die(s);
    if (faults_on(s) && rng_chance(&s->rng, s->scene.faults.clock)) clock_jump(s);
    if (faults_on(s) && rng_chance(&s->rng, s->scene.faults.disk))
        s->disk_full_until = s->now + (instant_t)rng_below(&s->rng, 40) * US_PER_SECOND;
    if (!faults_on(s)) s->disk_full_until = 0;
    for (size_t i = 0; i < s->job_count; i++)
        if (s->jobs[i].ends <= s->now) s->jobs[i].ended = true;
}

instant_t world_next(const struct sim *s) {
    instant_t next = INT64_MAX;
    for (size_t i = 0; i < s->job_count; i++)
        if (!s->jobs[i].ended && s->jobs[i].ends < next) next = s->jobs[i].ends;
    return next;
}
