/* runs.c: a run in memory: made from a request or from the database, given to the core, dropped when it has
 * ended. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/map.h"
#include "operators/op.h"
#include "scheduler/core/retry.h"
#include "scheduler/scope.h"
#include "store/datasets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct live_run *live_find(const struct conductor *c, int64_t id) {
    return idmap_get(&c->by_id, (uint64_t)id);
}

const struct step *live_step(const struct live_run *r, uint32_t step) {
    return r->pipeline ? &r->pipeline->steps[step] : NULL;
}

struct step_facts *live_facts(struct live_run *r, uint32_t step) {
    if (!r->facts[step]) {
        r->facts[step] = xcalloc(1, sizeof **r->facts);
        *r->facts[step] = (struct step_facts){.rows_read = -1, .bytes_read = -1, .rows_written = -1};
    }
    return r->facts[step];
}

struct live_run *live_new(struct conductor *c, int64_t id) {
    struct live_run *r = xcalloc(1, sizeof *r);
    r->id = id;
    r->generation = 1;
    r->window_start = r->window_end = r->started_at = INSTANT_NONE;
    r->scheduled_for = INSTANT_NONE;
    r->failed_steps = json_array();
    r->next = c->runs;
    if (c->runs) c->runs->before = r;
    c->runs = r;
    idmap_put(&c->by_id, (uint64_t)id, r);
    return r;
}

void live_unlink(struct conductor *c, struct live_run *r) {
    if (r->before)
        r->before->next = r->next;
    else
        c->runs = r->next;
    if (r->next) r->next->before = r->before;
    idmap_remove(&c->by_id, (uint64_t)r->id);
}

static void lane_enter(struct conductor *c, struct live_run *r) {
    struct lane *l = lane_of(c, r->pipeline_name);
    r->in_lane = true;
    r->lane_next = l->runs;
    if (l->runs) l->runs->lane_before = r;
    l->runs = r;
    if (r->counted) l->counted++;
    if (r->backfill) return; /* a schedule does not ask about those */
    l->live++;
    clock_busy(c, l, true);
}

static void lane_leave(struct live_run *r, struct lane *l) {
    if (!r->in_lane) return;
    if (r->lane_before)
        r->lane_before->lane_next = r->lane_next;
    else
        l->runs = r->lane_next;
    if (r->lane_next) r->lane_next->lane_before = r->lane_before;
    if (r->counted) l->counted--;
    if (!r->backfill) l->live--;
    r->in_lane = false;
}

void live_ended(struct conductor *c, struct live_run *r) {
    struct lane *l = lane_of(c, r->pipeline_name);
    lane_leave(r, l);
    lane_touch(c, l);
    r->ended = true;
    r->next_ended = c->ended;
    c->ended = r;
}

void live_names(struct live_run *r, uint32_t count, const char *const *names, const char *const *verbs) {
    r->step_count = count;
    r->names = xcalloc(count, sizeof *r->names);
    r->verbs = xcalloc(count, sizeof *r->verbs);
    r->attempts = xcalloc(count, sizeof *r->attempts);
    r->facts = xcalloc(count, sizeof *r->facts);
    for (uint32_t i = 0; i < count; i++) {
        r->names[i] = xstrdup(names[i]);
        r->verbs[i] = xstrdup(verbs[i]);
    }
}

static void facts_free(struct step_facts *f) {
    if (!f) return;
    json_decref(f->outputs);
    json_decref(f->published);
    json_decref(f->checks);
    json_decref(f->warnings);
    free(f);
}

void live_drop(struct live_run *r) {
    for (uint32_t i = 0; i < r->step_count; i++) {
        attempt_free(r->attempts[i]);
        facts_free(r->facts[i]);
        free(r->names[i]);
        free(r->verbs[i]);
    }
    free(r->attempts);
    free(r->facts);
    free(r->names);
    free(r->verbs);
    free(r->bare_steps);
    free(r->init);
    free(r->no_edges);
    free(r->holds);
    free(r->trigger);
    free(r->schedule);
    free(r->pipeline_name);
    json_decref(r->params);
    json_decref(r->scope);
    json_decref(r->failed_steps);
    plan_free(r->plan);
    pipeline_free(r->pipeline);
    free(r);
}

void live_scope(struct live_run *r) {
    r->scope = scope_of_run(r->pipeline, &(struct scope_run){.run = r->id,
                                                             .generation = r->generation,
                                                             .trigger = r->trigger,
                                                             .window_start = r->window_start,
                                                             .window_end = r->window_end,
                                                             .scheduled_for = r->scheduled_for,
                                                             .params = r->params});
}

/* ---- exclusive names: bookmarks and datasets ---- */

static uint64_t name_hash(const char *kind, const char *a, const char *b) {
    char text[512];
    int n = snprintf(text, sizeof text, "%s:%s:%s", kind, a, b);
    return hash_bytes(text, n < (int)sizeof text ? (size_t)n : sizeof text - 1);
}

enum { HOLDS_PER_STEP = 5, PUBLISHES_AT = 3 }; /* bookmark, dataset, slot; dataset, quarantine */

/* `max_parallel` of an each group: its instances share so many slots, each for one at a time. */
static uint64_t slot_name(const struct live_run *r, const struct step *s, uint32_t nth) {
    char slot[64];
    snprintf(slot, sizeof slot, "%lld:%lld", (long long)r->id, (long long)(nth % s->max_parallel));
    return name_hash("slot", s->group, slot);
}

/* Number of instances of its group that come before a step (they stand together). */
static uint32_t instance_number(const struct pipeline *p, uint32_t step) {
    uint32_t n = 0;
    const char *group = p->steps[step].group;
    while (group && n < step && p->steps[step - n - 1].group &&
           strcmp(p->steps[step - n - 1].group, group) == 0)
        n++;
    return n;
}

static void hold_names(const struct live_run *r, uint32_t step, struct core_step *out, uint64_t *room) {
    const struct step *s = &r->pipeline->steps[step];
    const struct output *o = s->into;
    bool merge = o && o->write == WRITE_MERGE;
    uint64_t *hold = room, *publish = room + PUBLISHES_AT;
    out->hold = hold;
    out->publish = publish;
    out->hold_count = out->publish_count = 0;
    if (s->bookmark) hold[out->hold_count++] = name_hash("bookmark", r->pipeline_name, s->name);
    if (merge) hold[out->hold_count++] = name_hash("dataset", o->dataset, "");
    if (s->group && s->max_parallel > 0)
        hold[out->hold_count++] = slot_name(r, s, instance_number(r->pipeline, step));
    if (o && !merge) publish[out->publish_count++] = name_hash("dataset", o->dataset, "");
    if (o && o->bad_rows == BAD_QUARANTINE)
        publish[out->publish_count++] = name_hash("dataset", o->dataset, "__quarantine");
}

void live_holds(struct live_run *r) {
    r->holds = xcalloc((size_t)r->step_count * HOLDS_PER_STEP, sizeof *r->holds);
    for (uint32_t i = 0; i < r->step_count; i++) {
        const struct step *s = &r->pipeline->steps[i];
        if (s->into || s->bookmark || s->group)
            hold_names(r, i, &r->plan->steps[i], r->holds + (size_t)i * HOLDS_PER_STEP);
    }
}

/* ---- the definition in the database ---- */

const char **live_verb_names(const struct pipeline *p) {
    size_t n;
    const struct verb *const *verbs = op_verbs(&n);
    const char **list = xcalloc(p->step_count, sizeof *list);
    for (uint32_t i = 0; i < p->step_count; i++) list[i] = verbs[p->steps[i].verb]->name;
    return list;
}

const char **live_step_names(const struct pipeline *p) {
    const char **names = xcalloc(p->step_count, sizeof *names);
    for (uint32_t i = 0; i < p->step_count; i++) names[i] = p->steps[i].name;
    return names;
}

int definition_put(struct conductor *c, const struct pipeline *p, int64_t *id, struct err *err) {
    struct lane *l = lane_of(c, p->name);
    if (l->definition && strcmp(l->sha256, p->definition) == 0) {
        *id = l->definition;
        return 0;
    }
    const char **verbs = live_verb_names(p), **names = live_step_names(p);
    int rc = store_definition_put(c->store,
                                  &(struct definition_spec){.pipeline = p->name,
                                                            .sha256 = p->definition,
                                                            .text = p->source ? p->source->text : "",
                                                            .step_count = p->step_count,
                                                            .names = names,
                                                            .verbs = verbs,
                                                            .at = turn_wall(c)},
                                  id, err);
    free(verbs);
    free(names);
    if (rc < 0) return -1;
    l->definition = *id; /* until a rollback: lanes_rollback() */
    memcpy(l->sha256, p->definition, sizeof l->sha256);
    return 0;
}

int live_put_definition(struct conductor *c, struct live_run *r, int64_t *id, struct err *err) {
    const char **verbs = live_verb_names(r->pipeline), **names = live_step_names(r->pipeline);
    live_names(r, r->pipeline->step_count, names, verbs);
    free(verbs);
    free(names);
    return definition_put(c, r->pipeline, id, err);
}

/* Not made durable: after a power cut no job of the run lives that would need it. */
static int make_log_folder(struct conductor *c, const struct live_run *r, struct err *err) {
    char name[64];
    snprintf(name, sizeof name, "log/%lld", (long long)r->id);
    char *path = fs_join(c->options.project->state, name);
    int rc = mkdir(path, 0700) && errno != EEXIST ? err_errno(err, "cannot make %s", path) : 0;
    free(path);
    return rc;
}

/* The run whose attempt started this one. */
static void find_parent(struct conductor *c, struct live_run *r) {
    if (!r->parent) return;
    struct arena *a = arena_new();
    struct attempt_row row;
    struct err ignored;
    if (store_attempt_get(c->store, r->parent, a, &row, &ignored) == 1) r->parent_run = row.run;
    arena_free(a);
}

/* Hands the run to the core; the next turn starts it. */
int live_enter(struct conductor *c, struct live_run *r, const struct entrance *in, struct err *err) {
    struct core_run_spec spec = {0};
    find_parent(c, r);
    if (r->plan)
        plan_spec(r->plan, &spec);
    else
        spec = (struct core_run_spec){.step_count = r->step_count,
                                      .down_at = r->no_edges,
                                      .down = r->no_edges,
                                      .steps = r->bare_steps,
                                      .init = r->init};
    spec.run = r->id;
    spec.generation = (uint32_t)r->generation;
    spec.state = in->state;
    spec.stop = in->stop;
    spec.stop_reason = in->stop_reason;
    spec.group = name_hash("pipeline", r->pipeline_name, "");
    if (!r->counted)
        spec.group_limit = 0;     /* it neither waits for others of its pipeline nor makes them wait */
    if (in->state == RUN_running) /* started_at is wall time in the database, steady time in the core */
        spec.started_at = turn_now(c) - (turn_wall(c) - r->started_at);
    struct core_event e = {.kind = CORE_RUN_ADD, .run = r->id, .spec = &spec};
    if (core_apply(c->core, turn_now(c), &e, &c->actions, err) == CORE_REFUSED) return -1;
    lane_enter(c, r);
    c->wants_turn = true;
    if (r->plan && in->state == RUN_running && in->stop != STOP_FREEZE)
        report_run_started(c, r); /* it goes on */
    return make_log_folder(c, r, err);
}
