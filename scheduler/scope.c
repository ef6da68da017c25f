/* scope.c: see scope.h. The roots are those of the design's pipelines.md 2.4. */
#include "scheduler/scope.h"

#include "base/buf.h"
#include "base/json.h"
#include "scheduler/secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *instant_value(instant_t t) {
    return t == INSTANT_NONE ? json_null() : json_pack("{sI}", "@instant", (json_int_t)t);
}

static json_t *window_values(const struct scope_run *r) {
    if (r->window_start == INSTANT_NONE) return json_object();
    return json_pack("{soso}", "start", instant_value(r->window_start), "end", instant_value(r->window_end));
}

static json_t *run_values(const struct scope_run *r) {
    json_t *v = json_object();
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)r->run);
    json_put_text(v, "id", id);
    json_put(v, "generation", json_integer(r->generation));
    json_put_text(v, "trigger", r->trigger);
    json_put(v, "scheduled_for", instant_value(r->scheduled_for));
    return v;
}

static json_t *zone_values(const struct project *p) {
    json_t *v = json_object();
    for (size_t i = 0; i < p->zone_count; i++)
        json_put(v, p->zones[i].name, json_pack("{ss}", "path", p->zones[i].path));
    return v;
}

/* The real environment wins over env files (pipelines.md 2.6). */
static json_t *env_values(const struct project *p) {
    json_t *v = json_object();
    for (size_t i = 0; i < p->env_allowed_count; i++) {
        const char *name = p->env_allowed[i], *text = getenv(name);
        if (!text) text = json_text(p->env_files_env, name);
        if (text) json_put_text(v, name, text);
    }
    return v;
}

json_t *scope_of_run(const struct pipeline *p, const struct scope_run *r) {
    json_t *scope = json_object();
    json_object_set(scope, "params", (json_t *)(uintptr_t)r->params);
    json_put(scope, "window", window_values(r));
    json_put(scope, "run", run_values(r));
    json_put(scope, "steps", json_object());
    json_put(scope, "zones", zone_values(p->project));
    json_put(scope, "project", json_pack("{ssss}", "name", p->project->name, "root", p->project->root));
    json_put(scope, "env", env_values(p->project));
    const struct secret_sources from = {p->project->root, p->project->env_files_env};
    json_put(scope, "secrets", secrets_resolve(p->project->secrets, &from));
    return scope;
}

static json_t *input_values(const struct scope_attempt *a) {
    json_t *v = json_object();
    size_t i;
    json_t *in;
    json_array_foreach(a->inputs, i, in) {
        const char *dataset = json_text(in, "dataset"), *dot = dataset ? strchr(dataset, '.') : NULL;
        if (!dot) continue;
        char zone[64];
        snprintf(zone, sizeof zone, "%.*s", (int)(dot - dataset), dataset);
        if (!json_object_get(v, zone)) json_put(v, zone, json_object());
        struct buf files = BUF_INIT;
        buf_addf(&files, "%s.%s.files", a->inputs_prefix, dataset);
        json_put(json_object_get(v, zone), dot + 1,
                 json_pack("{sssO}", "files", buf_str(&files), "version", json_object_get(in, "version")));
        buf_release(&files);
    }
    return v;
}

json_t *scope_of_attempt(const json_t *run_scope, const struct step *s, const struct scope_attempt *a) {
    json_t *scope = json_copy((json_t *)(uintptr_t)run_scope);
    json_t *run = json_copy(json_object_get(run_scope, "run"));
    json_put(run, "attempt", json_integer(a->number));
    json_put(scope, "run", run);
    if (s->each) json_object_set(scope, "each", s->each);
    if (a->stage) json_put(scope, "output", json_pack("{ss}", "path", a->stage));
    if (a->inputs) json_put(scope, "inputs", input_values(a));
    if (s->bookmark == BOOKMARK_VALUE)
        json_put(scope, "bookmark", json_pack("{ss?}", "from", a->bookmark_from));
    return scope;
}

void scope_step_done(json_t *run_scope, const char *step, const json_t *outputs, int64_t rows) {
    json_t *steps = json_object_get(run_scope, "steps");
    json_t *v = json_pack("{sI}", "rows", (json_int_t)rows);
    json_object_set(v, "outputs", (json_t *)(uintptr_t)outputs);
    json_put(steps, step, v);
}

void scope_run_result(json_t *run_scope, const char *result, json_t *failed_steps) {
    json_t *run = json_object_get(run_scope, "run");
    json_put_text(run, "result", result);
    json_put(run, "failed_steps", failed_steps);
}
