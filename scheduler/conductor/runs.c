/* runs.c: a run in memory: made from a request or from the database, given to the core, dropped when it has
 * ended. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/map.h"
#include "operators/op.h"
#include "scheduler/retry.h"
#include "scheduler/scope.h"
#include "store/datasets.h"

#include <stdlib.h>
#include <string.h>

struct live_run *live_find(const struct conductor *c, int64_t id) {
    struct live_run *r = c->runs;
    while (r && r->id != id) r = r->next;
    return r;
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
    r->failed_steps = json_array();
    r->next = c->runs;
    c->runs = r;
    return r;
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

void live_drop(struct conductor *c, struct live_run *r) {
    (void)c;
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
                                                             .scheduled_for = INSTANT_NONE,
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

/* Names of the steps into the run, and the definition into the database. */
int live_put_definition(struct conductor *c, struct live_run *r, int64_t *id, struct err *err) {
    const struct pipeline *p = r->pipeline;
    const char **verbs = live_verb_names(p), **names = xcalloc(p->step_count, sizeof *names);
    for (uint32_t i = 0; i < p->step_count; i++) names[i] = p->steps[i].name;
    live_names(r, p->step_count, names, verbs);
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
    return rc < 0 ? -1 : 0;
}

static int make_log_folder(struct conductor *c, const struct live_run *r, struct err *err) {
    char name[64];
    snprintf(name, sizeof name, "log/%lld", (long long)r->id);
    char *path = fs_join(c->options.project->state, name);
    int rc = fs_mkdirs(path, 0700, err);
    free(path);
    return rc;
}

/* Hands the run to the core; the next turn starts it. */
int live_enter(struct conductor *c, struct live_run *r, const struct entrance *in, struct err *err) {
    struct core_run_spec spec = {0};
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
    if (in->state == RUN_running) /* started_at is wall time in the database, steady time in the core */
        spec.started_at = turn_now(c) - (turn_wall(c) - r->started_at);
    struct core_event e = {.kind = CORE_RUN_ADD, .run = r->id, .spec = &spec};
    if (core_apply(c->core, turn_now(c), &e, &c->actions, err) == CORE_REFUSED) return -1;
    c->wants_turn = true;
    if (r->plan && in->state == RUN_running && in->stop != STOP_FREEZE)
        report_run_started(c, r); /* it goes on */
    return make_log_folder(c, r, err);
}

/* ---- submit ---- */

static bool promotes(const struct step *s) {
    size_t n;
    return op_verbs(&n)[s->verb]->traits & VERB_PROMOTE;
}

/* contract.md 37: in an explicit window, a step that would append what its bookmark finds is left out. A
 * promote finds the window's rows by itself, or says that it cannot. */
static bool stays_out(const struct step *s) {
    bool appends = s->into && s->into->write == WRITE_APPEND;
    bool replaces_partitions = s->into && s->into->write == WRITE_REPLACE_PARTITIONS;
    switch (s->bookmark) {
    case BOOKMARK_FILES:
    case BOOKMARK_VALUE: return s->into && !replaces_partitions;
    case BOOKMARK_VERSION: return appends && !promotes(s);
    default: return false;
    }
}

/* contract.md 20: an append of this window that succeeded before stands. */
static int keep_appended(struct conductor *c, struct live_run *r, uint32_t i, struct err *err) {
    const struct step *s = &r->pipeline->steps[i];
    if (!s->into || s->into->write != WRITE_APPEND) return 0;
    if (s->bookmark && r->move_bookmarks) return 0; /* it appends what is new, whatever the window */
    struct arena *a = arena_new();
    struct dataset_row d;
    int64_t version;
    int found = store_dataset_find(c->store, s->into->dataset, a, &d, err);
    if (found == 1)
        found = store_appended_version(c->store,
                                       &(struct append_query){.pipeline = r->pipeline_name,
                                                              .step = s->name,
                                                              .dataset = d.id,
                                                              .run = r->id,
                                                              .window_start = r->window_start,
                                                              .window_end = r->window_end},
                                       &version, err);
    if (found == 1) {
        plan_keep(r->plan, i);
        json_t *v = json_pack("{ss sI}", "dataset", s->into->dataset, "version", (json_int_t)version);
        report(c, "kept", r->id, s->name, v);
    }
    arena_free(a);
    return found < 0 ? -1 : 0;
}

static int plan_windowed(struct conductor *c, struct live_run *r, bool force, struct err *err) {
    if (r->window_start == INSTANT_NONE) return 0;
    for (uint32_t i = 0; i < r->step_count; i++) {
        if (r->plan->init[i].left_out) continue;
        if (!r->move_bookmarks && stays_out(&r->pipeline->steps[i]))
            plan_leave_out(r->plan, i);
        else if (!force && keep_appended(c, r, i, err))
            return -1;
    }
    return 0;
}

static int make_plan(struct conductor *c, struct live_run *r, const struct run_request *rq, struct err *err) {
    if (!(r->plan = plan_new(r->pipeline, err))) return -1;
    if (rq->only_count && plan_only(r->plan, rq->only, rq->only_count, err)) return -1;
    if (rq->from_step && plan_from(r->plan, rq->from_step, err)) return -1;
    if (plan_windowed(c, r, rq->force, err)) return -1;
    live_scope(r);
    live_holds(r);
    return 0;
}

/* What the plan decided before anything ran is written down at once: a retry, and whoever goes on after a
 * crash, must not take such a step for one that waits. */
static int write_decided(struct conductor *c, const struct live_run *r, struct err *err) {
    for (uint32_t i = 0; i < r->step_count; i++) {
        const struct core_init *init = &r->plan->init[i];
        if (init->state == STEP_waiting) continue;
        int hit = store_step_move(c->store,
                                  &(struct step_move){.run = r->id,
                                                      .generation = r->generation,
                                                      .step = i,
                                                      .from = step_state_names[STEP_waiting],
                                                      .to = step_state_names[init->state],
                                                      .reason = init->left_out ? "plan" : "kept",
                                                      .left_out = init->left_out,
                                                      .due = INSTANT_NONE,
                                                      .rows_read = -1,
                                                      .bytes_read = -1,
                                                      .rows_written = -1,
                                                      .at = turn_wall(c)},
                                  err);
        if (hit < 0) return -1;
    }
    return 0;
}

static json_t *options_of(const struct run_request *rq) {
    json_t *o = json_object();
    if (rq->from_step) json_put_text(o, "from_step", rq->from_step);
    if (rq->force) json_put(o, "force", json_true());
    if (rq->move_bookmark) json_put(o, "move_bookmark", json_true());
    if (rq->only_count) json_put(o, "only", json_array());
    for (size_t i = 0; i < rq->only_count; i++)
        json_array_append_new(json_object_get(o, "only"), json_string(rq->only[i]));
    return o;
}

static int write_run(struct conductor *c, struct live_run *r, const struct run_request *rq, struct err *err) {
    int64_t definition;
    if (live_put_definition(c, r, &definition, err)) return -1;
    json_t *options = options_of(rq);
    int rc = store_run_add(c->store,
                           &(struct run_spec){.definition = definition,
                                              .trigger = rq->trigger,
                                              .window_start = rq->window_start,
                                              .window_end = rq->window_end,
                                              .explicit_window = rq->window_explicit,
                                              .params = rq->params,
                                              .options = options,
                                              .note = rq->reason,
                                              .at = turn_wall(c)},
                           &r->id, err);
    json_decref(options);
    return rc < 0 || make_plan(c, r, rq, err) ? -1 : write_decided(c, r, err);
}

int64_t conductor_submit(struct conductor *c, struct run_request *rq, struct err *err) {
    struct live_run *r = live_new(c, 0);
    r->pipeline = rq->pipeline;
    r->params = rq->params;
    r->trigger = xstrdup(rq->trigger);
    r->pipeline_name = xstrdup(rq->pipeline->name);
    r->window_start = rq->window_start;
    r->window_end = rq->window_end;
    r->move_bookmarks = !rq->window_explicit || rq->move_bookmark;
    int rc = store_begin(c->store, err);
    if (!rc) rc = write_run(c, r, rq, err);
    if (!rc)
        rc = store_commit(c->store, err);
    else
        store_rollback(c->store);
    if (!rc) rc = live_enter(c, r, &(struct entrance){.state = RUN_queued}, err);
    if (!rc) return r->id;
    c->runs = r->next;
    live_drop(c, r);
    return 0;
}
