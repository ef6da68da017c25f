/* status.c: `leat status`: is everything all right? One row per pipeline that ever ran, kept by the database:
 * the cost is the number of pipelines, never the number of runs. */
#include "base/json.h"
#include "cli/runs.h"
#include "cli/verbs.h"
#include "cli/waiting.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct state_of {
    struct view *v;
    struct pipeline_row *pipelines;
    struct run_row *open;     /* runs that have not ended */
    struct attempt_row *live; /* attempts that have not ended, by start */
    size_t pipeline_count, open_count, live_count;
    size_t failing;
    const char *only; /* one pipeline, or NULL */
    struct store_holder holder;
    bool held;
};

static bool is_failing(const struct pipeline_row *p) { return p->failing_since != INSTANT_NONE; }

static int load(struct state_of *s, struct err *err) {
    struct view *v = s->v;
    s->held = store_holder(v->project->state, &s->holder) == 1;
    if (!v->store) return 0;
    if (store_pipelines_list(v->store, v->arena, &s->pipelines, &s->pipeline_count, err) < 0) return -1;
    if (store_runs_open(v->store, v->arena, &s->open, &s->open_count, err) < 0) return -1;
    if (store_attempts_live(v->store, v->arena, &s->live, &s->live_count, err) < 0) return -1;
    return 0;
}

static bool selected(const struct state_of *s, const char *name) {
    return !s->only || strcmp(s->only, name) == 0;
}

static json_t *running_of(const struct state_of *s, const char *name) {
    json_t *list = json_array();
    for (size_t i = 0; i < s->open_count; i++)
        if (strcmp(s->open[i].pipeline, name) == 0) json_array_append_new(list, json_id(s->open[i].id));
    return list;
}

static json_t *waiting_of(const struct state_of *s, const char *name) {
    json_t *list = json_array();
    for (size_t i = 0; i < s->live_count; i++) {
        json_t *w = strcmp(s->live[i].pipeline, name) == 0 ? waiting_json(&s->live[i]) : NULL;
        if (w) json_array_append_new(list, w);
    }
    return list;
}

static json_t *pipeline_json(const struct state_of *s, const struct pipeline_row *p) {
    json_t *o = json_object();
    json_put_text(o, "pipeline", p->name);
    json_put_text(o, "state", is_failing(p) ? "failing" : p->last_state ? "ok" : "never finished");
    json_put_text(o, "result", p->last_state);
    json_put(o, "last_run", json_id(p->last_run));
    json_put(o, "last_finished", json_id(p->last_finished));
    json_put_text(o, "reason", p->last_reason);
    json_put_text(o, "failed_step", p->last_failed_step);
    json_put(o, "failing_since", json_instant(p->failing_since));
    json_put(o, "failing_runs", json_integer(p->failing_runs));
    json_put(o, "running", running_of(s, p->name));
    json_put(o, "waiting", waiting_of(s, p->name));
    return o;
}

static void print_json(const struct state_of *s) {
    json_t *items = json_array();
    for (size_t i = 0; i < s->pipeline_count; i++)
        if (selected(s, s->pipelines[i].name))
            json_array_append_new(items, pipeline_json(s, &s->pipelines[i]));
    out_document(&s->v->c->out, "status", items);
}

static void word(const struct out *o, const char *text) { out_paint(o, out_status_paint(text), text, 10); }

static void print_holder(const struct state_of *s) {
    const struct out *o = &s->v->c->out;
    if (!s->held) return;
    word(o, "AT WORK");
    out_printf(o, "process %" PRId64 " since %s\n", s->holder.pid, view_time(s->v, NULL, s->holder.since));
}

enum { WAITS_SHOWN = 5 };

static void print_waits(const struct state_of *s, int64_t run) {
    const struct out *o = &s->v->c->out;
    size_t n = 0;
    for (size_t i = 0; i < s->live_count; i++) {
        if (s->live[i].run != run || s->live[i].phase != 'w' || n++ >= WAITS_SHOWN) continue;
        const char *text = waiting_text(s->v, &s->live[i]);
        if (text) out_printf(o, "            %s: %s\n", s->live[i].step_name, text);
    }
    if (n > WAITS_SHOWN) out_printf(o, "            and %zu more that wait\n", n - WAITS_SHOWN);
}

/* A run that has not ended while nobody holds the lock was interrupted. */
static void print_open(const struct state_of *s) {
    const struct out *o = &s->v->c->out;
    for (size_t i = 0; i < s->open_count; i++) {
        const struct run_row *r = &s->open[i];
        if (!selected(s, r->pipeline)) continue;
        bool running = s->held && strcmp(r->state, "running") == 0;
        word(o, running ? "RUNNING" : s->held ? "QUEUED" : "STOPPED");
        out_printf(o, "run %" PRId64 "  %s  %s  %s   ", r->id, r->pipeline,
                   view_window(s->v, r->pipeline, r->window_start, r->window_end),
                   running ? view_took(s->v, r->started_at, INSTANT_NONE) : "");
        out_printf(o, s->held ? "leat logs %" PRId64 " -f\n" : "leat retry %" PRId64 " goes on with it\n",
                   r->id);
        if (s->held) print_waits(s, r->id);
    }
}

static void print_failing(const struct state_of *s) {
    const struct out *o = &s->v->c->out;
    for (size_t i = 0; i < s->pipeline_count; i++) {
        const struct pipeline_row *p = &s->pipelines[i];
        if (!is_failing(p) || !selected(s, p->name)) continue;
        word(o, "FAILING");
        out_printf(o, "%s  since %s, %" PRId64 " run%s; %s%s%s   leat runs show %" PRId64 "\n", p->name,
                   view_time(s->v, p->name, p->failing_since), p->failing_runs,
                   p->failing_runs == 1 ? "" : "s", p->last_failed_step ? p->last_failed_step : "",
                   p->last_failed_step ? ": " : "",
                   p->last_reason && *p->last_reason ? p->last_reason : "failed", p->last_finished);
    }
}

static void print_fine(const struct state_of *s) {
    const struct out *o = &s->v->c->out;
    size_t fine = 0;
    const char *name = NULL;
    for (size_t i = 0; i < s->pipeline_count; i++) {
        const struct pipeline_row *p = &s->pipelines[i];
        if (is_failing(p) || !p->last_state || !selected(s, p->name)) continue;
        fine++;
        name = p->name;
    }
    if (fine == 0) return;
    word(o, "OK");
    if (fine == 1)
        out_printf(o, "%s\n", name);
    else
        out_printf(o, "%zu pipelines\n", fine);
}

static int check_name(const struct state_of *s, struct err *err) {
    if (!s->only) return 0;
    for (size_t i = 0; i < s->pipeline_count; i++)
        if (strcmp(s->pipelines[i].name, s->only) == 0) return 0;
    char *path = find_pipeline_file(s->v->project, s->only, err);
    bool known = path != NULL;
    free(path);
    return known ? 0 : -1;
}

static int show(struct view *v, struct err *err) {
    struct state_of s = {.v = v, .only = cli_arg(v->c, 0)};
    if (load(&s, err) < 0 || check_name(&s, err) < 0) return -1;
    for (size_t i = 0; i < s.pipeline_count; i++)
        s.failing += is_failing(&s.pipelines[i]) && selected(&s, s.pipelines[i].name);
    if (v->c->json) {
        print_json(&s);
    } else {
        print_holder(&s);
        print_open(&s);
        print_failing(&s);
        print_fine(&s);
        if (s.pipeline_count == 0) cli_say(v->c, "nothing has run yet\n");
    }
    return s.failing > 0 && cli_given(v->c, "exit-code") ? EX_FINDINGS : EX_OK;
}

static int run(struct cli *c, struct err *err) {
    struct view v;
    int rc = view_open(&v, c, err);
    if (rc == 0) rc = show(&v, err);
    view_close(&v);
    return rc;
}

static const struct flag flags[] = {
    {.name = "exit-code", .help = "exit with 10 when a pipeline is failing"},
    {.name = NULL},
};

static const char *const examples[] = {
    "leat status\twhat runs, what fails, what is fine",
    "leat status --exit-code -q > /dev/null || page somebody\tin a monitor",
    NULL,
};

static const int exits[] = {EX_NOT_FOUND, EX_ENVIRONMENT, EX_FINDINGS, 0};

const struct command command_status = {
    .name = "status",
    .alias = "ps",
    .group = GROUP_LOOK,
    .everyday = true,
    .usage = "[PIPELINE] [--exit-code]",
    .about = "Says whether everything is all right.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_max = 1,
    .run = run,
};
