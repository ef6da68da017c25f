/* status_gather.c: see status.h. */
#include "cli/status.h"

#include "base/json.h"
#include "dag/schedule.h"
#include "scheduler/conductor.h"
#include "scheduler/core/states.h"
#include "scheduler/timetable/timetable.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_S = 5, LOOKED_BACK = 11 };

/* ---- questions ---- */

bool status_selected(const struct state_of *s, const char *pipeline) {
    return !s->v->c->arg_count || selection_find(&s->chosen, pipeline);
}

bool status_is_failing(const struct pipeline_row *p) { return p->failing_since != INSTANT_NONE; }

bool status_serves(const struct state_of *s) { return json_flag(s->daemon, "serves"); }

bool status_is_running(const struct state_of *s, const struct run_row *r) {
    return s->held && strcmp(r->state, "running") == 0;
}

const struct pause_row *status_pause_of(const struct state_of *s, const char *pipeline) {
    for (size_t i = 0; i < s->pause_count; i++)
        if (strcmp(s->pauses[i].pipeline, pipeline) == 0) return &s->pauses[i];
    return NULL;
}

const struct late_one *status_late_of(const struct state_of *s, const char *pipeline) {
    for (size_t i = 0; i < s->late_count; i++)
        if (strcmp(s->late[i].pipeline, pipeline) == 0) return &s->late[i];
    return NULL;
}

const json_t *status_broken(const struct state_of *s) {
    if (!status_serves(s)) return s->broken;
    return json_object_get(json_object_get(s->daemon, "pipelines"), "broken");
}

const json_t *status_problem_of(const struct state_of *s, const char *pipeline) {
    size_t i;
    json_t *b;
    json_array_foreach(status_broken(s), i,
                       b) if (strcmp(json_text_or(b, "pipeline", ""), pipeline) == 0) return b;
    return NULL;
}

bool status_is_gone(const struct state_of *s, const char *pipeline) {
    const struct selected *p = selection_find(&s->chosen, pipeline);
    return p && !p->path;
}

bool status_fails(const struct state_of *s, const struct pipeline_row *p) {
    bool asked = s->v->c->arg_count > 0;
    return status_is_failing(p) && status_selected(s, p->name) && (asked || !status_is_gone(s, p->name));
}

bool status_is_stale(const struct state_of *s, const char *pipeline) {
    for (size_t i = 0; i < s->stale_count; i++)
        if (strcmp(s->stale[i].pipeline, pipeline) == 0) return true;
    return false;
}

bool status_drains(const struct state_of *s) { return json_flag(s->daemon, "draining"); }

static const struct run_row *before_it(const struct state_of *s, const struct run_row *r) {
    for (size_t i = 0; i < s->open_count; i++)
        if (s->open[i].id < r->id && strcmp(s->open[i].pipeline, r->pipeline) == 0) return &s->open[i];
    return NULL;
}

/* It depends on the past, and the slot before has not succeeded; NULL: that is not it. */
static const char *past_of(const struct state_of *s, const struct run_row *r) {
    const struct selected *p = selection_find(&s->chosen, r->pipeline);
    struct run_row before;
    struct err ignored;
    char *problem = NULL;
    struct pipeline *pl = p && p->path && *r->schedule ? load_words(s->v->project, p->path, &problem) : NULL;
    bool depends = pl && pl->depends_on_past;
    pipeline_free(pl);
    free(problem);
    if (!depends || store_run_before(s->v->store, r->pipeline, r->schedule, r->scheduled_for, s->v->arena,
                                     &before, &ignored) != 1)
        return NULL;
    bool well = run_ended_well(before.state);
    if (well || strcmp(before.state, "skipped") == 0) return NULL;
    return arena_printf(s->v->arena, "waits for run %" PRId64 ", which is %s (depends_on_past)", before.id,
                        before.state);
}

static bool has_nothing_to_run(const struct state_of *s, const char *pipeline) {
    const json_t *b = status_problem_of(s, pipeline);
    return b && !json_flag(b, "keeps_last_good");
}

const char *status_why_queued(const struct state_of *s, const struct run_row *r) {
    const struct run_row *before = before_it(s, r);
    bool by_itself = strcmp(r->trigger, "schedule") == 0 || strcmp(r->trigger, "dataset") == 0;
    if (!status_serves(s)) return "waits for `leat serve`";
    if (status_drains(s)) return "the daemon stops: waits for the next `leat serve`";
    if (by_itself && status_pause_of(s, r->pipeline)) return "the pipeline is paused";
    if (has_nothing_to_run(s, r->pipeline)) return "its file is broken";
    if (r->backfill) return arena_printf(s->v->arena, "of backfill %" PRId64, r->backfill);
    if (before) return arena_printf(s->v->arena, "behind run %" PRId64, before->id);
    const char *past = past_of(s, r);
    return past ? past : "about to begin";
}

const struct attempt_row *status_step_of(const struct state_of *s, int64_t run, size_t *others) {
    const struct attempt_row *first = NULL;
    *others = 0;
    for (size_t i = 0; i < s->live_count; i++) {
        if (s->live[i].run != run || s->live[i].phase == 'w') continue;
        *others += first != NULL;
        if (!first) first = &s->live[i];
    }
    return first;
}

static int by_length(const void *a, const void *b) {
    duration_t x = *(const duration_t *)a, y = *(const duration_t *)b;
    return (x > y) - (x < y);
}

duration_t status_usual(const struct state_of *s, const struct attempt_row *a) {
    duration_t took[LOOKED_BACK];
    size_t n = 0;
    struct err ignored;
    if (store_step_durations(s->v->store, a->pipeline, a->step_name, LOOKED_BACK, took, &n, &ignored) < 0 ||
        n == 0)
        return -1;
    qsort(took, n, sizeof *took, by_length);
    return took[n / 2];
}

/* Instants that mean the same in every zone. */
const char *status_restate(const struct state_of *s, const struct stale_count *c) {
    char from[INSTANT_TEXT], to[INSTANT_TEXT];
    return arena_printf(s->v->arena, "leat restate %s --from %s --to %s", c->dataset,
                        instant_text(c->start, from), instant_text(c->end, to));
}

size_t status_troubles(const struct state_of *s) {
    size_t n = s->deaf + json_flag(s->daemon, "clock_doubted"), i;
    json_t *b;
    for (size_t k = 0; k < s->pipeline_count; k++) n += status_fails(s, &s->pipelines[k]);
    for (size_t k = 0; k < s->late_count; k++) n += status_selected(s, s->late[k].pipeline);
    json_array_foreach(status_broken(s), i, b) n += status_selected(s, json_text_or(b, "pipeline", ""));
    return n;
}

/* ---- who is at work ---- */

static void ask_daemon(struct state_of *s) {
    json_t *request = json_pack("{ss si}", "ask", "status", "patience_seconds", PATIENCE_S), *answer = NULL;
    struct err ignored;
    s->held = store_holder(s->v->project->state, &s->holder) == 1;
    int rc = conductor_ask(s->v->project->state, request, &answer, &ignored);
    json_decref(request);
    if (rc == 0) s->daemon = answer;
    s->deaf = s->held && rc < 0;
}

/* ---- what is late ---- */

static void add_late(struct state_of *s, const char *pipeline, instant_t due, int64_t run, const char *why) {
    if (due + SLOT_ON_TIME >= s->now) return;
    GROW(s->late, s->late_count, s->late_cap);
    s->late[s->late_count++] = (struct late_one){.pipeline = pipeline, .due = due, .run = run, .why = why};
}

static void look_at_queued(struct state_of *s) {
    for (size_t i = 0; i < s->open_count; i++) {
        const struct run_row *r = &s->open[i];
        if (strcmp(r->state, "queued") != 0 || strcmp(r->trigger, "schedule") != 0) continue;
        if (!status_pause_of(s, r->pipeline) && !status_late_of(s, r->pipeline))
            add_late(s, r->pipeline, r->scheduled_for, r->id, status_why_queued(s, r));
    }
}

/* The first slot that nobody has decided. A rule that cannot be read says nothing. */
static void look_at_schedule(struct state_of *s, const struct schedule_row *row) {
    struct err ignored;
    struct slot at;
    json_t *rule = json_loads(row->rule, 0, NULL);
    struct schedule *plan =
        rule ? schedule_from_rule(row->name, rule, s->v->project->zone_data, &ignored) : NULL;
    struct slots *slots = plan ? slots_new(&plan->rule) : NULL;
    if (slots && slots_next(slots, row->cursor, &at))
        add_late(s, row->pipeline, at.fire + plan->delay, 0,
                 status_serves(s) ? "not decided yet"
                                  : "nobody serves: it is decided by the next `leat serve`");
    slots_free(slots);
    schedule_free(plan);
    json_decref(rule);
}

static void look_for_late(struct state_of *s) {
    look_at_queued(s);
    for (size_t i = 0; i < s->schedule_count; i++) {
        const struct schedule_row *row = &s->schedules[i];
        if (row->gone_at == INSTANT_NONE && !status_pause_of(s, row->pipeline) &&
            !status_late_of(s, row->pipeline))
            look_at_schedule(s, row);
    }
}

/* ---- all of it ---- */

static int load(struct state_of *s, struct err *err) {
    struct view *v = s->v;
    struct store *db = v->store;
    if (!db) return 0;
    int bad = store_pipelines_list(db, v->arena, &s->pipelines, &s->pipeline_count, err) < 0 ||
              store_runs_open(db, v->arena, &s->open, &s->open_count, err) < 0 ||
              store_attempts_live(db, v->arena, &s->live, &s->live_count, err) < 0 ||
              store_pauses_list(db, s->now, v->arena, &s->pauses, &s->pause_count, err) < 0 ||
              store_schedules_list(db, NULL, v->arena, &s->schedules, &s->schedule_count, err) < 0 ||
              store_backfills_list(db, true, v->arena, &s->backfills, &s->backfill_count, err) < 0 ||
              store_stale_counts(db, v->arena, &s->stale, &s->stale_count, err) < 0;
    return bad ? -1 : 0;
}

/* Nobody serves: what the next daemon would refuse. */
static int read_broken(struct state_of *s, struct err *err) {
    char word[] = "state:broken", *const words[] = {word};
    struct selection broken;
    s->broken = json_array();
    if (select_pipelines(s->v, words, 1, &broken, err)) return -1;
    for (size_t i = 0; i < broken.count; i++)
        json_array_append_new(s->broken, json_pack("{ss ss sb}", "pipeline", broken.list[i].shown, "problem",
                                                   broken.list[i].problem, "keeps_last_good", 0));
    return 0;
}

int status_gather(struct state_of *s, struct view *v, struct err *err) {
    *s = (struct state_of){.v = v, .now = world_wall(v->c->world)};
    ask_daemon(s);
    if (load(s, err) || select_pipelines(v, v->c->args, v->c->arg_count, &s->chosen, err)) return -1;
    if (!status_serves(s) && read_broken(s, err)) return -1;
    look_for_late(s);
    return 0;
}

void status_release(struct state_of *s) {
    json_decref(s->daemon);
    json_decref(s->broken);
    free(s->late);
}
