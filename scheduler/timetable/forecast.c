/* forecast.c: see forecast.h. One turn of the virtual clock: the earliest of a slot, a step's end, what the
 * core waits for and a pause's end; then as the conductor does it. */
#include "scheduler/timetable/forecast.h"

#include "base/buf.h"
#include "scheduler/core/idmap.h"
#include "scheduler/core/plan.h"

#include <stdlib.h>
#include <string.h>

/* A run in the core. */
struct flow {
    size_t run;          /* index of runs; its id in the core is one more */
    instant_t *ready_at; /* per step that had to wait for room; else INSTANT_NONE */
    struct flow *next;   /* of its pipeline */
};

struct ending {
    instant_t at;
    uint64_t order; /* of equal ones */
    int64_t run;
    uint32_t step, attempt;
};

struct lane_of_forecast {
    struct plan *plan;
    struct flow *flows;
    bool paused;
};

struct machine {
    const struct forecast_input *in;
    struct forecast *f;
    struct core *core;
    struct timetable *timetable;
    struct timetable_out out;
    struct core_actions actions;
    struct lane_of_forecast *lanes;
    struct scheduled {
        size_t pipeline;
        const struct schedule *schedule;
    } * schedules; /* by id - 1 */
    size_t schedule_count, schedule_cap;
    struct idmap flows;     /* by the core's id */
    struct ending *endings; /* a heap */
    size_t ending_count, ending_cap;
    uint64_t order;
    instant_t now;
};

static size_t at_index(int64_t run) { return (size_t)run - 1; }
static int64_t group_of(size_t pipeline) { return (int64_t)pipeline + 1; }

/* ---- ends of steps, a heap ---- */

static bool sooner(const struct ending *a, const struct ending *b) {
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(struct ending *a, struct ending *b) {
    struct ending t = *a;
    *a = *b;
    *b = t;
}

static void ending_add(struct machine *m, struct ending e) {
    GROW(m->endings, m->ending_count, m->ending_cap);
    size_t i = m->ending_count++;
    m->endings[i] = e;
    for (; i && sooner(&m->endings[i], &m->endings[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&m->endings[i], &m->endings[(i - 1) / 2]);
}

static struct ending ending_take(struct machine *m) {
    struct ending first = m->endings[0];
    m->endings[0] = m->endings[--m->ending_count];
    for (size_t i = 0, child; (child = 2 * i + 1) < m->ending_count; i = child) {
        if (child + 1 < m->ending_count && sooner(&m->endings[child + 1], &m->endings[child])) child++;
        if (!sooner(&m->endings[child], &m->endings[i])) break;
        swap(&m->endings[child], &m->endings[i]);
    }
    return first;
}

/* ---- runs ---- */

static struct flow *flow_of(const struct machine *m, int64_t run) {
    return idmap_get(&m->flows, (uint64_t)run);
}
static struct forecast_run *run_of(const struct machine *m, int64_t run) {
    return &m->f->runs[at_index(run)];
}

static void apply(struct machine *m, const struct core_event *e) {
    struct err ignored; /* stale: an end of a step that was cancelled */
    core_apply(m->core, m->now, e, &m->actions, &ignored);
}

static void busy(struct machine *m, size_t pipeline) {
    timetable_busy(m->timetable, group_of(pipeline), m->lanes[pipeline].flows != NULL);
}

static void cancel_running(struct machine *m, size_t pipeline) {
    for (struct flow *w = m->lanes[pipeline].flows; w; w = w->next)
        apply(m, &(struct core_event){
                     .kind = CORE_RUN_CANCEL, .run = (int64_t)w->run + 1, .reason = "superseded"});
}

static void begin(struct machine *m, const struct timetable_decision *d) {
    const struct scheduled *s = &m->schedules[d->id - 1];
    const struct pipeline *p = m->in->pipelines[s->pipeline].pipeline;
    struct lane_of_forecast *l = &m->lanes[s->pipeline];
    if (d->cancel_running) cancel_running(m, s->pipeline);
    GROW(m->f->runs, m->f->run_count, m->f->run_cap);
    m->f->runs[m->f->run_count++] = (struct forecast_run){.pipeline = s->pipeline,
                                                          .schedule = s->schedule->name,
                                                          .fire = d->fire,
                                                          .due = d->due,
                                                          .window_start = d->window_start,
                                                          .window_end = d->window_end,
                                                          .start = INSTANT_NONE,
                                                          .finish = INSTANT_NONE};
    struct flow *w = xcalloc(1, sizeof *w);
    *w = (struct flow){.run = m->f->run_count - 1, .next = l->flows};
    w->ready_at = xmalloc((p->step_count + 1) * sizeof *w->ready_at);
    for (uint32_t i = 0; i < p->step_count; i++) w->ready_at[i] = INSTANT_NONE;
    l->flows = w;
    struct core_run_spec spec = {
        .run = (int64_t)m->f->run_count, .generation = 1, .started_at = INSTANT_NONE};
    plan_spec(l->plan, &spec);
    spec.state = RUN_queued;
    spec.group = (uint64_t)group_of(s->pipeline);
    if (p->depends_on_past) spec.group_limit = 1;
    if (s->schedule->if_running == RUNNING_allow) spec.group_limit = 0;
    idmap_put(&m->flows, (uint64_t)spec.run, w);
    apply(m, &(struct core_event){.kind = CORE_RUN_ADD, .run = spec.run, .spec = &spec});
    busy(m, s->pipeline);
}

static void skip(struct machine *m, const struct timetable_decision *d) {
    const struct scheduled *s = &m->schedules[d->id - 1];
    for (size_t i = m->f->skip_count; i-- > 0;) { /* one line a schedule and reason */
        struct forecast_skip *k = &m->f->skips[i];
        if (k->pipeline != s->pipeline || k->reason != d->reason ||
            strcmp(k->schedule, s->schedule->name) != 0)
            continue;
        k->last = d->last_fire;
        k->count += d->count;
        return;
    }
    GROW(m->f->skips, m->f->skip_count, m->f->skip_cap);
    m->f->skips[m->f->skip_count++] = (struct forecast_skip){.pipeline = s->pipeline,
                                                             .schedule = s->schedule->name,
                                                             .reason = d->reason,
                                                             .first = d->fire,
                                                             .last = d->last_fire,
                                                             .count = d->count};
}

static void run_ended(struct machine *m, const struct core_action *a) {
    struct forecast_run *r = run_of(m, a->run);
    struct flow *w = flow_of(m, a->run), **link = &m->lanes[r->pipeline].flows;
    r->finish = m->now;
    r->ends = (enum run_state)a->to;
    while (*link != w) link = &(*link)->next;
    *link = w->next;
    idmap_remove(&m->flows, (uint64_t)a->run);
    free(w->ready_at);
    free(w);
    busy(m, r->pipeline);
}

/* ---- waiting for room ---- */

static const char *pool_of(const struct machine *m, int64_t run, uint32_t step) {
    const struct plan *plan = m->lanes[run_of(m, run)->pipeline].plan;
    uint32_t pool = plan->steps[step].pool;
    return pool == CORE_NO_POOL ? NULL : m->in->project->pools[pool].name;
}

static bool same_place(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

/* The spell that this wait belongs to: of the same place, and not over when it began. */
static struct forecast_full *spell_of(struct machine *m, const char *pool, instant_t from) {
    for (size_t i = m->f->full_count; i-- > 0;)
        if (same_place(m->f->full[i].pool, pool)) {
            if (m->f->full[i].until < from) break;
            return &m->f->full[i];
        }
    GROW(m->f->full, m->f->full_count, m->f->full_cap);
    struct forecast_full *s = &m->f->full[m->f->full_count++];
    *s = (struct forecast_full){.pool = pool, .from = from};
    return s;
}

static void waited(struct machine *m, const struct core_action *a, instant_t since) {
    duration_t d = m->now - since;
    struct forecast_run *r = run_of(m, a->run);
    if (d <= 0) return;
    if (d > r->waited) r->waited = d;
    struct forecast_full *s = spell_of(m, pool_of(m, a->run, a->step), since);
    if (since < s->from) s->from = since;
    s->until = m->now;
    s->waits++;
    if (d <= s->longest) return;
    s->longest = d;
    s->longest_run = at_index(a->run);
    s->longest_step = a->step;
}

/* ---- what the core says ---- */

static void step_moved(struct machine *m, const struct core_action *a) {
    struct flow *w = flow_of(m, a->run);
    if (a->to == STEP_ready) w->ready_at[a->step] = m->now;
    if (a->to == STEP_running && w->ready_at[a->step] != INSTANT_NONE) waited(m, a, w->ready_at[a->step]);
}

static void start(struct machine *m, const struct core_action *a) {
    const struct forecast_pipeline *p = &m->in->pipelines[run_of(m, a->run)->pipeline];
    ending_add(m, (struct ending){.at = m->now + p->usual[a->step],
                                  .order = m->order++,
                                  .run = a->run,
                                  .step = a->step,
                                  .attempt = a->attempt});
}

static void handle(struct machine *m, const struct core_action *a) {
    switch (a->kind) {
    case CORE_DECIDE:
        apply(m, &(struct core_event){
                     .kind = CORE_DECIDED, .run = a->run, .step = a->step, .decision = DECISION_run});
        break;
    case CORE_STEP_STATE: step_moved(m, a); break;
    case CORE_START: start(m, a); break;
    case CORE_CANCEL_ATTEMPT:
        apply(m, &(struct core_event){.kind = CORE_ATTEMPT_ENDED,
                                      .run = a->run,
                                      .step = a->step,
                                      .attempt = a->attempt,
                                      .outcome = OUTCOME_cancelled});
        break;
    case CORE_RUN_STATE:
        if (a->to == RUN_running) run_of(m, a->run)->start = m->now;
        if (run_state_final(a->to)) run_ended(m, a);
        break;
    default: break;
    }
}

/* As the conductor's turn: until the core has nothing more to say. Runs that ended are forgotten last. */
static void settle(struct machine *m) {
    size_t next = 0;
    do {
        while (next < m->actions.count) {
            struct core_action a = m->actions.items[next++];
            handle(m, &a);
        }
        core_settle(m->core, m->now, &m->actions);
    } while (next < m->actions.count);
    for (size_t i = 0; i < m->actions.count; i++) {
        const struct core_action *a = &m->actions.items[i];
        if (a->kind == CORE_RUN_STATE && run_state_final(a->to)) core_forget(m->core, a->run);
    }
    m->actions.count = 0;
}

/* ---- time ---- */

static void end_pauses(struct machine *m) {
    for (size_t i = 0; i < m->in->count; i++) {
        const struct forecast_pipeline *p = &m->in->pipelines[i];
        if (!m->lanes[i].paused || p->pause_until == INSTANT_NONE || p->pause_until > m->now) continue;
        m->lanes[i].paused = false;
        timetable_resume(m->timetable, group_of(i), p->pause_from, p->pause_until, p->catch_up);
    }
}

static void tick(struct machine *m) {
    end_pauses(m);
    timetable_tick(m->timetable, m->now, TIMETABLE_BUDGET, &m->out);
    for (size_t i = 0; i < m->out.count; i++)
        (m->out.decisions[i].run ? begin : skip)(m, &m->out.decisions[i]);
    m->out.count = m->out.move_count = 0;
}

static void end_steps(struct machine *m) {
    while (m->ending_count && m->endings[0].at <= m->now) {
        struct ending e = ending_take(m);
        if (!flow_of(m, e.run)) continue;
        apply(m, &(struct core_event){.kind = CORE_ATTEMPT_ENDED,
                                      .run = e.run,
                                      .step = e.step,
                                      .attempt = e.attempt,
                                      .outcome = OUTCOME_success});
    }
}

static instant_t earlier(instant_t a, instant_t b) {
    return a == INSTANT_NONE ? b : b == INSTANT_NONE || a < b ? a : b;
}

/* When the next slot is decided, within the forecast. */
static instant_t next_slot(const struct machine *m) {
    instant_t at = timetable_next_due(m->timetable, NULL);
    for (size_t i = 0; i < m->in->count; i++)
        if (m->lanes[i].paused) at = earlier(at, m->in->pipelines[i].pause_until);
    return at != INSTANT_NONE && at < m->in->until ? at : INSTANT_NONE;
}

/* Slots are decided until the end; what began then runs to its end. */
static void play(struct machine *m) {
    for (;;) {
        bool cut = m->f->run_count >= FORECAST_RUNS;
        instant_t slot = cut ? INSTANT_NONE : next_slot(m);
        instant_t at =
            earlier(slot, earlier(m->ending_count ? m->endings[0].at : INSTANT_NONE, core_next_due(m->core)));
        if (cut && m->f->ends > m->now) m->f->ends = m->now;
        if (at == INSTANT_NONE) return;
        if (at > m->now) m->now = at;
        end_steps(m);
        settle(m); /* what ends makes room, and a pipeline idle, before a slot of the same instant asks */
        if (slot != INSTANT_NONE && slot <= m->now) tick(m);
        settle(m);
    }
}

/* ---- life ---- */

static void add_schedules(struct machine *m, size_t i) {
    const struct pipeline *p = m->in->pipelines[i].pipeline;
    for (size_t k = 0; k < p->schedule_count; k++) {
        GROW(m->schedules, m->schedule_count, m->schedule_cap);
        m->schedules[m->schedule_count++] = (struct scheduled){i, &p->schedules[k]};
        timetable_add(
            m->timetable,
            &(struct timetable_spec){.id = (int64_t)m->schedule_count,
                                     .group = group_of(i),
                                     .schedule = &p->schedules[k],
                                     .cursor = m->in->from - p->schedules[k].delay, /* not due yet */
                                     .since = INSTANT_NONE},
            m->in->from);
    }
    m->lanes[i].paused = m->in->pipelines[i].paused;
    if (m->lanes[i].paused) timetable_pause(m->timetable, group_of(i), m->in->pipelines[i].pause_from);
}

static void open_core(struct machine *m) {
    const struct project *p = m->in->project;
    struct core_pool *pools = xcalloc(p->pool_count + 1, sizeof *pools);
    for (size_t i = 0; i < p->pool_count; i++)
        pools[i] = (struct core_pool){.name = p->pools[i].name, .tokens = p->pools[i].tokens};
    m->core = core_new(
        &(struct core_config){.jobs = m->in->jobs, .pools = pools, .pool_count = (uint32_t)p->pool_count});
    free(pools);
}

static int open_lanes(struct machine *m, struct err *err) {
    m->lanes = xcalloc(m->in->count + 1, sizeof *m->lanes);
    for (size_t i = 0; i < m->in->count; i++) {
        m->lanes[i].plan = plan_new(m->in->pipelines[i].pipeline, err);
        if (!m->lanes[i].plan) return -1;
        add_schedules(m, i);
    }
    return 0;
}

/* What a pool without tokens keeps waiting for ever is still in the core. */
static void close_machine(struct machine *m) {
    for (size_t i = 0; i < m->in->count; i++)
        for (struct flow *w = m->lanes[i].flows, *next; w; w = next) {
            next = w->next;
            core_forget(m->core, (int64_t)w->run + 1);
            free(w->ready_at);
            free(w);
        }
    core_free(m->core);
    timetable_free(m->timetable);
    timetable_out_release(&m->out);
    core_actions_release(&m->actions);
    for (size_t i = 0; i < m->in->count; i++) plan_free(m->lanes[i].plan);
    idmap_release(&m->flows);
    free(m->lanes);
    free(m->schedules);
    free(m->endings);
}

static int by_begin(const void *a, const void *b) {
    const struct forecast_full *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

struct forecast *forecast_make(const struct forecast_input *in, struct err *err) {
    struct machine m = {
        .in = in, .f = xcalloc(1, sizeof *m.f), .timetable = timetable_new(), .now = in->from};
    m.f->ends = in->until;
    open_core(&m);
    int rc = open_lanes(&m, err);
    if (!rc) play(&m);
    close_machine(&m);
    if (m.f->full_count) qsort(m.f->full, m.f->full_count, sizeof *m.f->full, by_begin);
    if (!rc) return m.f;
    forecast_free(m.f);
    return NULL;
}

void forecast_free(struct forecast *f) {
    if (!f) return;
    free(f->runs);
    free(f->skips);
    free(f->full);
    free(f);
}
