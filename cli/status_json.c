/* status_json.c: `leat status --json`: one item a pipeline that ever ran, and beside them how the daemon
 * stands. */
#include "base/json.h"
#include "cli/status.h"
#include "cli/waiting.h"

#include <string.h>

static json_t *running_of(const struct state_of *s, const char *name) {
    json_t *list = json_array();
    for (size_t i = 0; i < s->open_count; i++)
        if (strcmp(s->open[i].pipeline, name) == 0) json_array_append_new(list, json_id(s->open[i].id));
    return list;
}

static json_t *queued_of(const struct state_of *s, const char *name) {
    json_t *list = json_array();
    for (size_t i = 0; i < s->open_count; i++) {
        const struct run_row *r = &s->open[i];
        if (strcmp(r->pipeline, name) != 0 || strcmp(r->state, "queued") != 0) continue;
        json_array_append_new(list,
                              json_pack("{so ss}", "run", json_id(r->id), "reason", status_why_queued(s, r)));
    }
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

static json_t *late_json(const struct late_one *l) {
    if (!l) return json_null();
    return json_pack("{so so ss}", "due", json_instant(l->due), "run", json_id(l->run), "reason", l->why);
}

static json_t *pause_json(const struct pause_row *p) {
    if (!p) return json_null();
    json_t *o = json_object();
    json_put(o, "at", json_instant(p->at));
    json_put(o, "until", json_instant(p->until));
    json_put_text(o, "author", p->author);
    json_put_text(o, "reason", p->reason);
    json_put_text(o, "catch_up", p->catch_up);
    return o;
}

static json_t *stale_of(const struct state_of *s, const char *name) {
    json_t *list = json_array();
    for (size_t i = 0; i < s->stale_count; i++) {
        const struct stale_count *c = &s->stale[i];
        if (strcmp(c->pipeline, name) != 0) continue;
        json_array_append_new(list, json_pack("{ss sI so so so ss}", "dataset", c->dataset, "windows",
                                              (json_int_t)c->windows, "from", json_instant(c->start), "to",
                                              json_instant(c->end), "since", json_instant(c->since),
                                              "command", status_restate(s, c)));
    }
    return list;
}

static json_t *pipeline_json(const struct state_of *s, const struct pipeline_row *p) {
    json_t *o = json_object();
    json_put_text(o, "pipeline", p->name);
    json_put_text(o, "state", status_is_failing(p) ? "failing" : p->last_state ? "ok" : "never finished");
    json_put_text(o, "result", p->last_state);
    json_put(o, "last_run", json_id(p->last_run));
    json_put(o, "last_finished", json_id(p->last_finished));
    json_put_text(o, "reason", p->last_reason);
    json_put_text(o, "failed_step", p->last_failed_step);
    json_put(o, "failing_since", json_instant(p->failing_since));
    json_put(o, "failing_runs", json_integer(p->failing_runs));
    json_put_text(o, "problem", json_text(status_problem_of(s, p->name), "problem"));
    json_put(o, "gone", json_boolean(status_is_gone(s, p->name)));
    json_put(o, "running", running_of(s, p->name));
    json_put(o, "queued", queued_of(s, p->name));
    json_put(o, "waiting", waiting_of(s, p->name));
    json_put(o, "late", late_json(status_late_of(s, p->name)));
    json_put(o, "stale", stale_of(s, p->name));
    json_put(o, "paused", pause_json(status_pause_of(s, p->name)));
    return o;
}

static json_t *next_json(const struct state_of *s) {
    const json_t *next = json_object_get(s->daemon, "next");
    if (!json_is_object(next)) return json_null();
    return json_pack("{ss ss so}", "pipeline", json_text_or(next, "pipeline", ""), "schedule",
                     json_text_or(next, "schedule", ""), "due",
                     json_instant(json_int(next, "due", INSTANT_NONE)));
}

static json_t *daemon_json(const struct state_of *s) {
    if (!status_serves(s)) return json_null();
    static const char *const as_told[] = {"pid",       "jobs",   "jobs_used", "pools",
                                          "pipelines", "lag_us", "draining"};
    json_t *o = json_object();
    json_put(o, "since", json_instant(s->held ? s->holder.since : INSTANT_NONE));
    json_put(o, "next", next_json(s));
    for (size_t i = 0; i < sizeof as_told / sizeof *as_told; i++)
        json_object_set(o, as_told[i], json_object_get(s->daemon, as_told[i]));
    return o;
}

void status_json(const struct state_of *s) {
    json_t *items = json_array();
    for (size_t i = 0; i < s->pipeline_count; i++)
        if (status_selected(s, s->pipelines[i].name))
            json_array_append_new(items, pipeline_json(s, &s->pipelines[i]));
    out_document_beside(&s->v->c->out, "status", items, "daemon", daemon_json(s));
}
