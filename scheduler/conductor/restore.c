/* restore.c: a run of the database in memory again: to go on (again.c, and what serves), or only to be
 * finished (recover.c).
 *
 * A run that is only finished starts nothing more but its finally steps (contract.md 16). For them it needs
 * its definition: the text the database keeps, when it still gives what the run began with (the hash covers
 * also the templates, defaults and SQL files it names, so no file on disk could fit where that text does
 * not). Without finally steps, or when the definition cannot be rebuilt, the steps' names are enough: a bare
 * run. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"
#include "operators/op.h"
#include "scheduler/catalog.h"
#include "scheduler/core/retry.h"
#include "scheduler/scope.h"

#include <stdlib.h>
#include <string.h>

static enum run_stop stop_named(const char *name) {
    enum run_stop stop = STOP_NO;
    for (int i = STOP_NO; i < RUN_STOP_COUNT; i++)
        if (strcmp(run_stop_names[i], name) == 0) stop = (enum run_stop)i;
    return stop;
}

void restore_row(struct live_run *r, const struct run_row *row) {
    r->generation = row->generation;
    r->stop = stop_named(row->stop);
    r->trigger = xstrdup(row->trigger);
    r->pipeline_name = xstrdup(row->pipeline);
    r->window_start = row->window_start;
    r->window_end = row->window_end;
    r->started_at = row->started_at;
    r->scheduled_for = row->scheduled_for;
    r->schedule = row->schedule && *row->schedule ? xstrdup(row->schedule) : NULL;
    r->parent = row->parent;
    r->backfill = row->backfill;
    r->params = row->params ? json_loads(row->params, 0, NULL) : json_object();
    json_t *options = row->options ? json_loads(row->options, 0, NULL) : NULL;
    r->move_bookmarks = !row->explicit_window || json_flag(options, "move_bookmark");
    r->counted = !row->backfill && !json_flag(options, "beside");
    json_decref(options);
}

/* ---- steps ---- */

struct core_init *restore_states(const struct pipeline *p, const struct step_row *rows, size_t n,
                                 size_t *from) {
    struct core_init *init = xcalloc(p->step_count, sizeof *init);
    struct map by_name = MAP_INIT;
    for (size_t i = 0; i < n; i++) map_add(&by_name, rows[i].name, i, NULL);
    for (uint32_t i = 0; i < p->step_count; i++) {
        from[i] = SIZE_MAX;
        if (!map_get(&by_name, p->steps[i].name, &from[i])) continue;
        const struct step_row *row = &rows[from[i]];
        step_state_parse(row->state, &init[i].state);
        init[i].left_out = row->left_out;
        init[i].warned = row->warned;
    }
    map_release(&by_name);
    return init;
}

void restore_scope(struct live_run *r, const struct step_row *rows, const size_t *from) {
    live_scope(r);
    for (uint32_t i = 0; i < r->step_count; i++) {
        if (from[i] == SIZE_MAX || r->plan->init[i].state != STEP_success) continue;
        const struct step_row *row = &rows[from[i]];
        json_t *outputs = row->outputs ? json_loads(row->outputs, 0, NULL) : NULL;
        scope_step_done(r->scope, r->names[i], outputs, row->rows_written);
        json_decref(outputs);
    }
}

/* What is left of a wait; a clock that was set back must not make it longer than any wait can be. */
static duration_t wait_left(const struct conductor *c, instant_t due) {
    duration_t left = due - turn_wall(c);
    return left < 0 ? 0 : left > RETRY_WAIT_MAX ? RETRY_WAIT_MAX : left;
}

static void name_steps(struct live_run *r) {
    const struct pipeline *p = r->pipeline;
    const char **verbs = live_verb_names(p), **names = live_step_names(p);
    live_names(r, p->step_count, names, verbs);
    free(names);
    free(verbs);
}

/* The exit code its last attempt was recorded with. */
static enum leat_exit exit_recorded(struct conductor *c, const struct live_run *r,
                                    const struct step_row *row) {
    struct arena *a = arena_new();
    struct attempt_row last;
    struct err ignored;
    const struct attempt_key key = {r->id, row->generation, row->step, row->attempts};
    json_t *detail = NULL;
    if (store_attempt_find(c->store, &key, a, &last, &ignored) == 1 && last.detail)
        detail = json_loads(last.detail, 0, NULL);
    enum leat_exit code = (enum leat_exit)json_int(detail, "exit", EX_FAILED);
    json_decref(detail);
    arena_free(a);
    return code;
}

/* The reason of a step that failed before this conductor lived may become its run's. */
static void note_failed(struct conductor *c, struct live_run *r, uint32_t step, const struct step_row *row,
                        struct core_init *init) {
    if (init->state != STEP_failed) return;
    struct step_facts *f = live_facts(r, step);
    f->exit = exit_recorded(c, r, row);
    snprintf(f->reason, sizeof f->reason, "%s", row->reason ? row->reason : "");
    init->reason = f->reason;
    json_array_append_new(r->failed_steps, json_string(r->names[step]));
}

void restore_plan(struct conductor *c, struct live_run *r, const struct step_row *rows, size_t n) {
    name_steps(r);
    size_t *from = xcalloc(r->step_count, sizeof *from);
    struct core_init *now = restore_states(r->pipeline, rows, n, from);
    for (uint32_t i = 0; i < r->step_count; i++) {
        if (from[i] == SIZE_MAX) continue;
        const struct step_row *row = &rows[from[i]];
        now[i].attempts = row->attempts;
        if (now[i].state == STEP_retry_wait) now[i].due = turn_now(c) + wait_left(c, row->due);
        note_failed(c, r, i, row, &now[i]);
    }
    plan_restore(r->plan, now);
    restore_scope(r, rows, from);
    live_holds(r);
    free(now);
    free(from);
}

/* ---- a run without its definition ---- */

static void bare_step(struct conductor *c, struct live_run *r, uint32_t i, const struct step_row *row) {
    r->bare_steps[i].pool = CORE_NO_POOL;
    step_state_parse(row->state, &r->init[i].state);
    r->init[i].left_out = row->left_out;
    r->init[i].warned = row->warned;
    r->init[i].attempts = row->attempts;
    r->init[i].due = turn_now(c);
    note_failed(c, r, i, row, &r->init[i]);
}

/* Its steps without edges. */
static void bare_run(struct conductor *c, struct live_run *r, const struct step_row *rows, size_t n) {
    const char **names = xcalloc(n, sizeof *names), **verbs = xcalloc(n, sizeof *verbs);
    for (size_t i = 0; i < n; i++) names[i] = rows[i].name, verbs[i] = rows[i].verb;
    live_names(r, (uint32_t)n, names, verbs);
    free(names);
    free(verbs);
    r->bare_steps = xcalloc(n, sizeof *r->bare_steps);
    r->init = xcalloc(n, sizeof *r->init);
    r->no_edges = xcalloc(n + 1, sizeof *r->no_edges);
    for (uint32_t i = 0; i < n; i++) bare_step(c, r, i, &rows[i]);
    r->scope = json_pack("{s{} s{}}", "steps", "secrets");
}

/* ---- the definition it began with ---- */

/* What serves has most definitions at hand. */
static struct pipeline *known_definition(struct conductor *c, const struct definition_row *d) {
    struct err ignored;
    struct pipeline *p = c->options.find ? c->options.find(c->options.find_ctx, d->pipeline, &ignored) : NULL;
    if (p && strcmp(p->definition, d->sha256) == 0) return p;
    pipeline_free(p);
    return NULL;
}

struct pipeline *restore_definition(struct conductor *c, const struct definition_row *d) {
    struct pipeline *known = known_definition(c, d);
    if (known) return known;
    struct pipeline_reader verbs_only = {.ask = NULL};
    verbs_only.verbs = op_verbs(&verbs_only.verb_count);
    const struct pipeline_reader *reader = c->options.reader ? c->options.reader : &verbs_only;
    struct diags *diags = diags_new();
    struct err ignored;
    char name[160];
    snprintf(name, sizeof name, "definition %.6s of %s", d->sha256, d->pipeline);
    struct pipeline *p =
        pipeline_load_text(c->options.project, name, d->text, strlen(d->text), reader, diags, &ignored);
    diags_free(diags);
    if (!p || strcmp(p->definition, d->sha256) == 0) return p;
    pipeline_free(p);
    return NULL;
}

void restore_last_good(struct conductor *c) {
    struct arena *a = arena_new();
    struct catalog_entry e;
    struct definition_row d;
    struct err ignored;
    for (size_t at = 0; catalog_next(c->catalog, &at, &e);) {
        if (e.pipeline || store_definition_last(c->store, e.name, a, &d, &ignored) != 1) continue;
        struct pipeline *p = restore_definition(c, &d);
        if (p) catalog_adopt(c->catalog, e.name, p);
    }
    arena_free(a);
}

/* Finally steps that are still to run. */
static bool finally_waits(const struct live_run *r) {
    for (uint32_t i = 0; i < r->step_count; i++)
        if (r->pipeline->steps[i].finally && !step_state_final(r->plan->init[i].state)) return true;
    return false;
}

/* The run's pipeline and plan. 1: they are there; 0: it has no finally steps to need them for; -1: it has, or
 * may have, some, and they cannot run: err says why. */
static int definition_plan(struct conductor *c, struct live_run *r, const struct definition_row *d,
                           struct err *err) {
    if (!strstr(d->text, "finally")) return 0; /* most have none, and loading can cost a process */
    r->pipeline = restore_definition(c, d);
    if (!r->pipeline)
        return err_set(err, EX_INVALID,
                       "definition %.6s cannot be rebuilt: leat.yaml or a file it names has changed since",
                       d->sha256);
    r->plan = plan_new(r->pipeline, err);
    return r->plan ? 1 : -1;
}

/* Said with every step that never began: which of them are finally steps is not known without a
 * definition. */
static void note_without_finally(struct live_run *r, const struct err *why) {
    for (uint32_t i = 0; i < r->step_count; i++) {
        if (step_state_final(r->init[i].state) || r->init[i].state == STEP_running) continue;
        struct step_facts *f = live_facts(r, i);
        snprintf(f->message, sizeof f->message,
                 "the run was interrupted, and its finally steps could not run: %s", why->msg);
    }
}

static void say_interrupted(struct conductor *c, struct live_run *r, const struct err *why) {
    const char *what = why->msg[0]                   ? "interrupted: its finally steps cannot run"
                       : r->plan && finally_waits(r) ? "interrupted: its finally steps run"
                                                     : "interrupted";
    json_t *said = json_pack("{ss}", "what", what);
    if (why->msg[0]) json_put_text(said, "message", why->msg);
    report(c, "recovered", r->id, NULL, said);
}

int restore_going(struct conductor *c, const struct run_row *row, struct arena *a, struct err *err) {
    struct step_row *rows;
    struct definition_row d;
    size_t n;
    if (store_steps_list(c->store, row->id, a, &rows, &n, err) < 0) return -1;
    if (store_definition_get(c->store, row->definition, a, &d, err) < 0) return -1;
    struct pipeline *p = restore_definition(c, &d);
    struct plan *plan = p ? plan_new(p, err) : NULL;
    if (!plan) {
        pipeline_free(p);
        return 0;
    }
    struct live_run *r = live_new(c, row->id);
    restore_row(r, row);
    r->pipeline = p;
    r->plan = plan;
    restore_plan(c, r, rows, n);
    report(c, "recovered", row->id, NULL, json_pack("{ss}", "what", "goes on"));
    return 1;
}

int restore_frozen(struct conductor *c, const struct run_row *row, struct arena *a, struct err *err) {
    struct step_row *rows;
    struct definition_row d;
    struct err why = {0};
    size_t n;
    bool began = strcmp(row->state, run_state_names[RUN_running]) == 0;
    if (store_steps_list(c->store, row->id, a, &rows, &n, err) < 0) return -1;
    if (store_definition_get(c->store, row->definition, a, &d, err) < 0) return -1;
    struct live_run *r = live_new(c, row->id);
    restore_row(r, row);
    r->frozen = true;
    int planned = began ? definition_plan(c, r, &d, &why) : 0;
    if (planned > 0) {
        restore_plan(c, r, rows, n);
    } else {
        pipeline_free(r->pipeline);
        r->pipeline = NULL;
        bare_run(c, r, rows, n);
    }
    if (planned < 0) note_without_finally(r, &why);
    say_interrupted(c, r, &why);
    return 0;
}
