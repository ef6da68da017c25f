/* image.c: the database as it should be. Every write is compare-and-set, and no write may break a rule: this
 * is where the invariants about single changes are checked (those about everything at once: check.c). */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <string.h>

static const char *where(const struct write *w, char out[48]) {
    snprintf(out, 48, "run %u step %u", w->run, w->step);
    return out;
}

static void run_add(struct sim *s, struct image *image, const struct write *w) {
    struct image_run *r = &image->runs[w->run];
    if (r->there) violation(s, "run %u added twice", w->run);
    *r = (struct image_run){.there = true, .state = RUN_queued, .generation = 1, .started = INSTANT_NONE};
    for (uint32_t i = 0; i < pipe_of(s, w->run)->n; i++) {
        struct image_step *t = &r->steps[i];
        t->state = pipe_of(s, w->run)->left_out[i] ? STEP_skipped : STEP_waiting;
        t->left_out = pipe_of(s, w->run)->left_out[i];
        t->generation = 1;
    }
}

/* Success, and what was skipped by the plan, is kept when nothing before it runs again. */
static bool step_kept(const struct sim *s, const struct image_run *r, uint32_t run, uint32_t step) {
    const struct pipe *p = pipe_of(s, run);
    bool good = r->steps[step].state == STEP_success || r->steps[step].state == STEP_skipped;
    if (r->steps[step].left_out) return true;
    if (p->steps[step].finally || !good) return false;
    for (uint32_t i = 0; i < step; i++)
        if (p->edge[i][step] && r->steps[i].state == STEP_waiting) return false;
    return true;
}

static void run_again(struct sim *s, struct image *image, const struct write *w) {
    struct image_run *r = &image->runs[w->run];
    if (!run_state_final(r->state)) violation(s, "run %u begins again before it ended", w->run);
    if (w->generation != r->generation + 1)
        violation(s, "run %u: generation %u after %u", w->run, w->generation, r->generation);
    r->state = RUN_queued;
    r->stop = STOP_NO;
    r->started = INSTANT_NONE;
    r->generation = w->generation;
    for (uint32_t i = 0; i < pipe_of(s, w->run)->n; i++) {
        if (step_kept(s, r, w->run, i)) continue;
        if (r->steps[i].live) violation(s, "run %u step %u: live in a run that ended", w->run, i);
        r->steps[i] = (struct image_step){.state = STEP_waiting, .generation = w->generation};
    }
}

static void run_move(struct sim *s, struct image *image, const struct write *w) {
    struct image_run *r = &image->runs[w->run];
    if (r->state != (enum run_state)w->from || !run_may_move((enum run_state)w->from, (enum run_state)w->to))
        violation(s, "run %u: %s -> %s, but it is %s", w->run, run_state_names[w->from],
                  run_state_names[w->to], run_state_names[r->state]);
    r->state = (enum run_state)w->to;
    if (w->to == RUN_running) r->started = w->at;
}

static void run_stop(struct sim *s, struct image *image, const struct write *w) {
    struct image_run *r = &image->runs[w->run];
    if (run_state_final(r->state)) violation(s, "run %u: stopped after its end", w->run);
    r->stop = (enum run_stop)w->stop;
    memcpy(r->stop_reason, w->reason, sizeof r->stop_reason);
}

static void move_reasons(struct sim *s, const struct image *image, const struct write *w) {
    const struct image_run *r = &image->runs[w->run];
    const struct core_step *step = &pipe_of(s, w->run)->steps[w->step];
    bool asked = w->from == STEP_waiting && step->has_when && w->to != STEP_cancelled;
    bool by_when =
        asked && (w->to == STEP_skipped || w->to == STEP_failed) && strcmp(w->reason, "trigger_rule") != 0;
    enum step_state needs = by_when || w->to == STEP_ready ? STEP_running : (enum step_state)w->to;
    char text[48];
    if (w->from == STEP_waiting && w->to != STEP_cancelled && !rule_holds(s, image, w->run, w->step, needs))
        violation(s, "%s: %s against its trigger rule", where(w, text), step_state_names[w->to]);
    if (w->to == STEP_cancelled && w->from != STEP_running && r->stop == STOP_NO)
        violation(s, "%s: cancelled in a run nobody stopped", where(w, text));
    if (w->to == STEP_retry_wait && r->stop != STOP_NO && (!step->finally || r->stop == STOP_KILL))
        violation(s, "%s: tried again in a stopped run", where(w, text));
}

static void step_move(struct sim *s, struct image *image, const struct write *w) {
    struct image_step *t = &image->runs[w->run].steps[w->step];
    char text[48];
    if (t->state != (enum step_state)w->from ||
        !step_may_move((enum step_state)w->from, (enum step_state)w->to))
        violation(s, "%s: %s -> %s, but it is %s", where(w, text), step_state_names[w->from],
                  step_state_names[w->to], step_state_names[t->state]);
    if (image->runs[w->run].state != RUN_running &&
        !(image->runs[w->run].state == RUN_queued && w->to == STEP_cancelled))
        violation(s, "%s: moves in a run that is %s", where(w, text),
                  run_state_names[image->runs[w->run].state]);
    move_reasons(s, image, w);
    t->state = (enum step_state)w->to;
    t->due = w->due;
    if (w->to == STEP_success) t->warned = w->warned;
    memcpy(t->reason, w->reason, sizeof t->reason);
}

/* What an attempt sees when it starts, and must find unchanged when it moves it: its bookmark and the
 * datasets it holds; those it publishes are seen when it may. */
static void bases_read(const struct image *image, struct image_step *t, const uint64_t *names, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) t->base[i] = image->versions[names[i]];
}

static void bases_move(struct sim *s, struct image *image, const struct write *w, const uint64_t *names,
                       uint32_t n) {
    const struct image_step *t = &image->runs[w->run].steps[w->step];
    for (uint32_t i = 0; i < n; i++) {
        if (image->versions[names[i]] != t->base[i])
            violation(s, "run %u step %u: name %d moved from %lld to %lld under it", w->run, w->step,
                      (int)names[i], (long long)t->base[i], (long long)image->versions[names[i]]);
        image->versions[names[i]]++;
        image->publishes[names[i]]++;
    }
}

static void attempt_start(struct sim *s, struct image *image, const struct write *w) {
    struct image_step *t = &image->runs[w->run].steps[w->step];
    const struct core_step *step = &pipe_of(s, w->run)->steps[w->step];
    char text[48];
    if (t->live) violation(s, "%s: a second live attempt", where(w, text));
    if (w->generation != t->generation || w->attempt != t->attempts + 1)
        violation(s, "%s: attempt %u after %u, generation %u in %u", where(w, text), w->attempt, t->attempts,
                  w->generation, t->generation);
    if (t->state != STEP_running)
        violation(s, "%s: started, but it is %s", where(w, text), step_state_names[t->state]);
    t->live = true;
    t->attempts = w->attempt;
    bases_read(image, t, step->hold, step->hold_count);
    s->counts.starts++;
}

static void attempt_publishes(struct sim *s, struct image *image, const struct write *w) {
    struct image_step *t = &image->runs[w->run].steps[w->step];
    const struct core_step *step = &pipe_of(s, w->run)->steps[w->step];
    char text[48];
    if (!t->live || t->publishing || w->attempt != t->attempts)
        violation(s, "%s: publishes as attempt %u, of %u", where(w, text), w->attempt, t->attempts);
    t->publishing = true;
    if (step->hold_count + step->publish_count <= MAX_LIST)
        for (uint32_t i = 0; i < step->publish_count; i++)
            t->base[step->hold_count + i] = image->versions[step->publish[i]];
}

static void publishes_move(struct sim *s, struct image *image, const struct write *w) {
    struct image_step *t = &image->runs[w->run].steps[w->step];
    const struct core_step *step = &pipe_of(s, w->run)->steps[w->step];
    bases_move(s, image, w, step->hold, step->hold_count);
    if (!t->publishing) return;
    memmove(t->base, t->base + step->hold_count, step->publish_count * sizeof *t->base);
    bases_move(s, image, w, step->publish, step->publish_count);
    s->counts.published++;
}

static void attempt_end(struct sim *s, struct image *image, const struct write *w) {
    struct image_step *t = &image->runs[w->run].steps[w->step];
    char text[48];
    if (!t->live || w->attempt != t->attempts)
        violation(s, "%s: attempt %u ends, but is not live", where(w, text), w->attempt);
    if (t->publishing && !w->moves) violation(s, "%s: an open intent was given up", where(w, text));
    if (w->moves) publishes_move(s, image, w);
    t->live = t->publishing = false;
}

void image_write(struct sim *s, struct image *image, const struct write *w) {
    static void (*const writers[])(struct sim *, struct image *, const struct write *) = {
        [WRITE_RUN_ADD] = run_add,
        [WRITE_RUN_AGAIN] = run_again,
        [WRITE_RUN_MOVE] = run_move,
        [WRITE_RUN_STOP] = run_stop,
        [WRITE_STEP_MOVE] = step_move,
        [WRITE_ATTEMPT_START] = attempt_start,
        [WRITE_ATTEMPT_PUBLISHES] = attempt_publishes,
        [WRITE_ATTEMPT_END] = attempt_end,
    };
    writers[w->kind](s, image, w);
    s->counts.writes++;
}
