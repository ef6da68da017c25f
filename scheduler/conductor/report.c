/* report.c: events as the design's cli.md 1.6 shapes them, queued behind the commit that makes them true. */
#include "scheduler/conductor/attended.h"

#include "base/fsio.h"
#include "base/json.h"
#include "operators/exchange.h"

#include <stdlib.h>
#include <string.h>

enum { PROGRESS_BYTES = 4096 };

static json_t *event_new(struct conductor *c, const char *type, int64_t run, const char *step) {
    char at[INSTANT_TEXT], id[24];
    json_t *e = json_object();
    json_put(e, "seq", json_integer((json_int_t)++c->seq));
    json_put_text(e, "at", instant_text(turn_wall(c), at));
    json_put_text(e, "type", type);
    if (run) {
        snprintf(id, sizeof id, "%lld", (long long)run);
        json_put_text(e, "run", id);
    }
    if (step) json_put_text(e, "step", step);
    const struct live_run *r = run ? live_find(c, run) : NULL;
    if (r && r->parent_run && live_find(c, r->parent_run)) {
        snprintf(id, sizeof id, "%lld", (long long)r->parent_run);
        json_put_text(e, "parent_run", id);
    }
    return e;
}

void report(struct conductor *c, const char *type, int64_t run, const char *step, json_t *detail) {
    json_t *e = c->options.report ? event_new(c, type, run, step) : NULL;
    if (e && detail) json_object_update_missing(e, detail);
    json_decref(detail);
    if (e) effect_add(c, &(struct effect){.kind = EFFECT_REPORT, .event = e});
}

static json_t *seconds(duration_t d) { return json_real((double)d / 1e6); }

static json_t *instant_json(instant_t t) {
    char text[INSTANT_TEXT];
    return t == INSTANT_NONE ? json_null() : json_string(instant_text(t, text));
}

static json_t *window_json(const struct live_run *r) {
    if (r->window_start == INSTANT_NONE) return json_null();
    return json_pack("{so so}", "start", instant_json(r->window_start), "end", instant_json(r->window_end));
}

void report_run_started(struct conductor *c, struct live_run *r) {
    if (!c->options.report) return;
    json_t *d = json_object();
    json_put_text(d, "pipeline", r->pipeline_name);
    json_put(d, "window", window_json(r));
    json_put_text(d, "timezone", r->pipeline ? r->pipeline->timezone : "UTC");
    json_put_text(d, "trigger", r->trigger);
    json_put(d, "generation", json_integer(r->generation));
    json_put_text(d, "definition", r->pipeline ? r->pipeline->definition : NULL);
    json_put(d, "steps", json_integer(r->step_count));
    report(c, "run_started", r->id, NULL, d);
}

static json_t *counts_json(struct conductor *c, const struct live_run *r) {
    uint32_t n[STEP_STATE_COUNT];
    core_run_counts(c->core, r->id, n);
    json_t *counts = json_object();
    for (size_t i = 0; i < STEP_STATE_COUNT; i++) json_put(counts, step_state_names[i], json_integer(n[i]));
    uint32_t warned = 0;
    for (uint32_t i = 0; i < r->step_count; i++) warned += r->facts[i] && r->facts[i]->warned;
    json_put(counts, "warned", json_integer(warned));
    return counts;
}

/* What a command that waited for the run exits with: a failed run as its first failed step says. */
static enum leat_exit run_exit(const struct live_run *r, const struct core_action *a) {
    if (a->to == RUN_ok || a->to == RUN_warn) return EX_OK;
    const struct step_facts *f = a->to == RUN_failed && a->step != CORE_NO_STEP ? r->facts[a->step] : NULL;
    return f && f->exit ? f->exit : EX_FAILED;
}

void report_run_finished(struct conductor *c, struct live_run *r, const struct core_action *a) {
    if (!c->options.report) return;
    json_t *d = json_object();
    json_put_text(d, "pipeline", r->pipeline_name);
    json_put_text(d, "result", run_state_names[a->to]);
    json_put_text(d, "reason", a->reason[0] ? a->reason : NULL);
    json_put_text(d, "failed_step", a->step == CORE_NO_STEP ? NULL : r->names[a->step]);
    json_put(d, "exit", json_integer(run_exit(r, a)));
    json_put(d, "took", r->started_at == INSTANT_NONE ? json_null() : seconds(turn_wall(c) - r->started_at));
    json_put(d, "counts", counts_json(c, r));
    report(c, "run_finished", r->id, NULL, d);
}

/* ---- steps ---- */

static void report_started(struct conductor *c, struct live_run *r, const struct core_action *a) {
    json_t *d = json_object();
    json_put_text(d, "verb", r->verbs[a->step]);
    json_put(d, "attempt", json_integer(a->attempt));
    json_put(d, "index", json_integer(a->step));
    report(c, "step_started", r->id, r->names[a->step], d);
}

static void report_checks(struct conductor *c, struct live_run *r, uint32_t step, const json_t *checks) {
    size_t i;
    json_t *check;
    json_array_foreach(checks, i, check) report(c, "check", r->id, r->names[step], json_copy(check));
}

static void report_published(struct conductor *c, struct live_run *r, uint32_t step,
                             const json_t *published) {
    size_t i;
    json_t *p;
    json_array_foreach(published, i, p) report(c, "published", r->id, r->names[step], json_copy(p));
}

static json_t *facts_json(const struct step_facts *f) {
    json_t *d = json_object();
    if (!f) return d;
    json_put_text(d, "message", f->message[0] ? f->message : NULL);
    json_put_text(d, "hint", f->hint[0] ? f->hint : NULL);
    json_put(d, "rows_read", json_integer(f->rows_read));
    json_put(d, "rows_written", json_integer(f->rows_written));
    json_put(d, "nothing_new", json_boolean(f->nothing_new));
    json_put(d, "warned", json_boolean(f->warned));
    json_put(d, "took", f->started_at ? seconds(f->took) : json_null());
    json_put_text(d, "log", f->log[0] ? f->log : NULL);
    json_put(d, "published", f->published ? json_incref(f->published) : NULL);
    json_put(d, "warnings", f->warnings ? json_incref(f->warnings) : NULL);
    return d;
}

static void report_ended(struct conductor *c, struct live_run *r, const struct core_action *a) {
    struct step_facts *f = r->facts[a->step];
    if (f) report_checks(c, r, a->step, f->checks);
    if (f && a->to == STEP_success) report_published(c, r, a->step, f->published);
    json_t *d = facts_json(f);
    json_put_text(d, "state", step_state_names[a->to]);
    json_put_text(d, "reason", a->reason[0] ? a->reason : NULL);
    json_put_text(d, "verb", r->verbs[a->step]);
    json_put(d, "attempt", json_integer(a->attempt));
    json_put(d, "index", json_integer(a->step));
    const struct step *s = live_step(r, a->step);
    if (s && s->allow_failure) json_put(d, "allowed", json_boolean(a->to == STEP_failed));
    if (s && s->at.source) {
        json_put_text(d, "file", s->at.source->path);
        json_put(d, "line", json_integer(place_of(s->at.source, s->at.start).line));
    }
    if (a->to == STEP_retry_wait) json_put(d, "retry_in", seconds(a->at - turn_now(c)));
    report(c, a->to == STEP_retry_wait ? "step_retry" : "step_finished", r->id, r->names[a->step], d);
}

void report_step(struct conductor *c, struct live_run *r, const struct core_action *a) {
    if (!c->options.report) return;
    if (a->to == STEP_running)
        report_started(c, r, a);
    else if (a->to == STEP_retry_wait || step_state_final(a->to))
        report_ended(c, r, a);
}

/* ---- progress ---- */

static json_t *progress_written(struct conductor *c, const struct live_attempt *a) {
    struct err ignored;
    char *path = exchange_path(c->options.project->state, a->token, EXCHANGE_PROGRESS);
    char *text = fs_read(path, PROGRESS_BYTES, NULL, &ignored);
    json_t *d = text ? json_loads(text, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    free(text);
    free(path);
    if (json_is_object(d)) return d;
    json_decref(d);
    return json_object();
}

static void report_attempt(struct conductor *c, struct live_run *r, const struct live_attempt *a) {
    json_t *d = a->attended ? attended_progress(c, a) : progress_written(c, a);
    json_put(d, "elapsed", seconds(turn_wall(c) - a->started_at));
    report(c, "step_progress", r->id, r->names[a->step], d);
}

enum { WAITS_SHOWN = 16 }; /* of a run at a time: thousands of lines tell nobody anything */

static void report_run_progress(struct conductor *c, struct live_run *r) {
    int waits = 0;
    for (uint32_t i = 0; i < r->step_count; i++) {
        const struct live_attempt *a = r->attempts[i];
        if (!a || !a->id || (a->attended && waits++ >= WAITS_SHOWN)) continue;
        report_attempt(c, r, a);
    }
}

void report_progress(struct conductor *c) {
    for (struct live_run *r = c->runs; r; r = r->next) report_run_progress(c, r);
}
