/* attended.c: an attempt without a process, from its claim to its end.
 *
 * A turn decides, always in the same order: it was interrupted; what it waits for is there; its time is over;
 * it is hopeless; else it is looked for once more (a dataset at once, a query by a job). Looks at paths and
 * URLs happen between turns (waits.c). What the last look met is written down when it changes, so that others
 * can say what is waited for and why it takes so long. */
#include "scheduler/conductor/attended.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/utf8.h"
#include "dag/value.h"
#include "operators/exchange.h"
#include "scheduler/scope.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_SHOWN = 120 };

/* ---- what it is ---- */

static const struct op *op_of(const struct live_attempt *a) { return op_find(a->run->verbs[a->step]); }

static const char *zone_of(const struct live_run *r) { return r->pipeline ? r->pipeline->timezone : "UTC"; }

/* Makes a->attended, also when the config makes no sense. Steals config. */
static int begin(struct live_attempt *a, json_t *config, bool guarded, struct err *err) {
    struct attended *w = a->attended = xcalloc(1, sizeof *w);
    struct op_asked asked = {.config = config,
                             .timezone = zone_of(a->run),
                             .zones = a->run->pipeline ? a->run->pipeline->project->zone_data : NULL,
                             .window_end = a->run->window_end,
                             .began =
                                 a->run->started_at == INSTANT_NONE ? a->started_at : a->run->started_at};
    *w = (struct attended){.config = config,
                           .guarded = guarded,
                           .until = INSTANT_NONE,
                           .over = INSTANT_NONE,
                           .next = INSTANT_NONE,
                           .slot = UINT32_MAX,
                           .place = NO_PLACE,
                           .wall_place = NO_PLACE,
                           .problem_told = true};
    return op_of(a)->attend(&asked, &w->what, err);
}

void attended_free(struct attended *w) {
    if (!w) return;
    json_decref(w->config);
    free(w->problem);
    free(w);
}

/* `for` held ${…}: what became of it is not the author's word (contract.md 6). */
static bool is_guarded(const struct value *config) {
    const struct value *target = value_member(config, "for");
    return target && target->shape == VALUE_OBJECT && target->count &&
           target->members->value.shape == VALUE_TEMPLATE;
}

/* The deadline is an instant of the wall clock, for the next conductor too; here it is kept on the steady
 * one. A clock that was set back must not make the wait longer than it was to be. */
static void set_deadline(const struct conductor *c, struct live_attempt *a, instant_t until) {
    struct attended *w = a->attended;
    w->until = until;
    if (until == INSTANT_NONE) return;
    duration_t whole = until - a->started_at, left = until - turn_wall(c);
    w->over = turn_now(c) + (left < 0 ? 0 : left > whole ? whole : left);
}

bool attended_is_over(const struct conductor *c, const struct live_attempt *a) {
    return a->attended->over != INSTANT_NONE && a->attended->over <= turn_now(c);
}

bool attended_has_job(const struct live_attempt *a) {
    return a->attended->looking && a->attended->what.kind == ATTEND_SQL;
}

/* One line of what it is about, for people. */
static const char *what_text(const struct attended *w, char out[TEXT_SHOWN + 8]) {
    const char *text = w->what.what;
    size_t n = strcspn(text, "\n");
    bool cut = text[n] || n > TEXT_SHOWN;
    if (n > TEXT_SHOWN) n = utf8_whole(text, TEXT_SHOWN);
    snprintf(out, TEXT_SHOWN + 8, "%.*s%s", (int)n, text, cut ? "…" : "");
    return out;
}

/* ---- what others may know ---- */

static json_t *until_json(const struct attended *w) {
    char text[INSTANT_TEXT];
    return w->until == INSTANT_NONE ? json_null() : json_string(instant_text(w->until, text));
}

json_t *attended_detail(const struct live_attempt *a) {
    const struct attended *w = a->attended;
    char at[INSTANT_TEXT], run[24];
    bool child = w->what.kind == ATTEND_RUN;
    json_t *d = json_object();
    if (!w->what.what) return d;
    json_put_text(d, "kind", attend_words[w->what.kind]);
    json_put_text(d, child ? "pipeline" : "for", w->what.what);
    snprintf(run, sizeof run, "%lld", (long long)w->child);
    if (child) json_put_text(d, "run", run);
    if (w->what.at != INSTANT_NONE) json_put_text(d, "at", instant_text(w->what.at, at));
    if (!child) json_put(d, "poll", json_real((double)w->what.poll / 1e6));
    if (w->problem) json_put_text(d, "problem", w->problem);
    json_put(d, "until", until_json(w));
    json_put(d, "guarded", json_boolean(w->guarded));
    json_put(d, "config", json_incref(w->config));
    return json_pack("{so}", child ? "runs" : "waits", d);
}

static void write_detail(struct conductor *c, struct live_attempt *a) {
    json_t *detail = attended_detail(a);
    struct err err;
    if (store_attempt_attend(c->store, a->id, PHASE_ATTENDED, detail, &err) < 0) turn_broke(c, &err);
    json_decref(detail);
    a->attended->problem_told = true;
}

json_t *attended_progress(struct conductor *c, const struct live_attempt *a) {
    const struct attended *w = a->attended;
    char what[TEXT_SHOWN + 8], left[DURATION_TEXT];
    struct buf text = BUF_INIT;
    json_t *d = json_object();
    duration_t next = w->next == INSTANT_NONE ? -1 : w->next - turn_now(c);
    if (w->what.kind == ATTEND_RUN)
        buf_addf(&text, "run %lld of %s", (long long)w->child, what_text(w, what));
    else
        buf_addf(&text, "waiting for %s", what_text(w, what));
    if (w->problem) buf_addf(&text, ": %s", w->problem);
    if (next >= 0) buf_addf(&text, ", next look in %s", duration_text(next + US_PER_SECOND - 1, left));
    json_put_text(d, "text", buf_str(&text));
    if (next >= 0) json_put(d, "next_look_in", json_real((double)next / 1e6));
    buf_release(&text);
    return d;
}

/* ---- its ends ---- */

static void fail(struct conductor *c, struct live_attempt *a, const struct err *err, bool permanent) {
    attempt_failed(c, a, OUTCOME_failed, err, permanent);
}

/* A wait's time is over for all tries, unless a retry is asked for by this very reason. */
static bool retries_timeout(const struct live_attempt *a) {
    const struct step *s = live_step(a->run, a->step);
    for (size_t i = 0; s && i < s->retry.only_count; i++)
        if (strcmp(s->retry.only[i], "timeout") == 0) return true;
    return false;
}

static void end_over(struct conductor *c, struct live_attempt *a) {
    const struct attended *w = a->attended;
    char what[TEXT_SHOWN + 8], waited[DURATION_TEXT];
    struct err err;
    err_set(&err, EX_FAILED, "step %s waited %s for %s, in vain", a->run->names[a->step],
            duration_text(w->until - a->started_at, waited), what_text(w, what));
    if (w->problem) err_hint(&err, "the last look: %s", w->problem);
    err_reason(&err, "timeout");
    fail(c, a, &err, !retries_timeout(a));
}

static void end_interrupted(struct conductor *c, struct live_attempt *a) {
    struct err err;
    if (attended_has_job(a))
        effect_add(c, &(struct effect){.kind = EFFECT_CANCEL, .attempt = a, .kill = true});
    err_set(&err, EX_FAILED, "step %s was waiting when its run was interrupted", a->run->names[a->step]);
    err_reason(&err, "interrupted");
    fail(c, a, &err, true);
}

static void end_cancelled(struct conductor *c, struct live_attempt *a) {
    struct err err;
    err_set(&err, EX_FAILED, "step %s was cancelled", a->run->names[a->step]);
    err_reason(&err, "cancelled");
    attempt_failed(c, a, OUTCOME_cancelled, &err, false);
}

static void end_hopeless(struct conductor *c, struct live_attempt *a) {
    struct err err;
    err_set(&err, EX_INVALID, "%s", a->attended->problem ? a->attended->problem : "it cannot be looked for");
    err_reason(&err, "wait");
    fail(c, a, &err, true);
}

/* ---- looks inside of a turn ---- */

static void note_problem(struct attended *w, const char *problem) {
    bool same = (!problem && !w->problem) || (problem && w->problem && strcmp(problem, w->problem) == 0);
    if (same) return;
    free(w->problem);
    w->problem = problem && problem[0] ? xstrdup(problem) : NULL;
    w->problem_told = false;
}

static void look_dataset(struct conductor *c, struct live_attempt *a) {
    struct arena *arena = arena_new();
    const char *why = NULL;
    struct err err = {0};
    int there = dataset_there(c, a, arena, &why, &err);
    note_problem(a->attended, there < 0 ? err.msg : why);
    arena_free(arena);
    if (there == 1)
        attempt_finish(c, a, OUTCOME_success, NULL, false);
    else
        waits_later(c, a);
}

/* The job that asks: it is not part of the attempt's life, only of one look. */
static void ask_query(struct conductor *c, struct live_attempt *a) {
    struct err err = {0};
    if (!waits_may_ask(c, a)) return;
    json_decref(a->request);
    a->request = claim_look(c, a, json_incref(a->attended->config), &err);
    if (!a->request) {
        waits_asked(c);
        note_problem(a->attended, err.msg);
        waits_later(c, a);
        return;
    }
    a->attended->looking = true;
    a->job_try = !a->job_try;
    effect_add(c, &(struct effect){.kind = EFFECT_START, .attempt = a});
}

static json_t *query_result(struct conductor *c, const struct live_attempt *a, struct err *err) {
    char *path = exchange_result_path(c->options.project->state, a->token, "work");
    json_t *result = result_load(path, err);
    free(path);
    return result;
}

static void take_answer(struct live_attempt *a, const json_t *result) {
    struct attended *w = a->attended;
    struct err err = {0};
    bool failed = result_error(result, &err);
    w->there = json_flag(result, "there");
    w->hopeless = failed && json_flag(result, "hopeless");
    note_problem(w, failed ? err.msg : json_text(result, "why"));
}

void attended_exited(struct conductor *c, struct live_attempt *a, const struct job_exit *x) {
    struct err err = {0};
    waits_asked(c);
    a->attended->looking = false;
    json_t *result = x->started && x->exit_code == 0 ? query_result(c, a, &err) : NULL;
    if (result)
        take_answer(a, result);
    else if (x->started && x->exit_code == 0)
        note_problem(a->attended, err.msg);
    else
        attempt_why(a, x, &err), note_problem(a->attended, err.msg);
    json_decref(result);
    if (a->cancelled) {
        end_cancelled(c, a);
        return;
    }
    waits_later(c, a);
    attended_happened(c, a);
}

void attended_not_asked(struct conductor *c, struct live_attempt *a, const struct err *why) {
    waits_asked(c);
    a->attended->looking = false;
    note_problem(a->attended, why->msg);
    if (a->cancelled)
        end_cancelled(c, a);
    else
        waits_later(c, a);
}

/* ---- the turn decides ---- */

/* A run that is over its time is cancelled: the attempt ends when that has ended. */
static void time_is_over(struct conductor *c, struct live_attempt *a) {
    struct attended *w = a->attended;
    if (w->what.kind == ATTEND_RUN) {
        if (!w->timed_out) child_cancel(c, a, false, "timeout");
        w->timed_out = true;
    } else if (attended_has_job(a)) {
        effect_add(
            c, &(struct effect){.kind = EFFECT_CANCEL, .attempt = a, .kill = true}); /* its exit decides */
    } else {
        end_over(c, a);
    }
}

static bool is_due(const struct conductor *c, const struct attended *w) {
    return w->next != INSTANT_NONE && w->next <= turn_now(c);
}

static void look_again(struct conductor *c, struct live_attempt *a) {
    struct attended *w = a->attended;
    if (w->what.kind == ATTEND_RUN)
        child_look(c, a);
    else if (w->what.kind == ATTEND_DATASET && is_due(c, w))
        look_dataset(c, a);
    else if (w->what.kind == ATTEND_SQL && is_due(c, w) && !w->looking)
        ask_query(c, a);
}

void attended_happened(struct conductor *c, struct live_attempt *a) {
    struct attended *w = a->attended;
    struct live_run *r = a->run;
    uint32_t step = a->step;
    if (w->interrupted)
        end_interrupted(c, a);
    else if (w->there)
        attempt_finish(c, a, OUTCOME_success, NULL, false);
    else if (attended_is_over(c, a) && !w->timed_out)
        time_is_over(c, a);
    else if (w->hopeless)
        end_hopeless(c, a);
    else
        look_again(c, a);
    if (r->attempts[step] == a && !w->problem_told) write_detail(c, a);
}

void attended_cancel(struct conductor *c, struct live_attempt *a, bool kill) {
    if (a->attended->what.kind == ATTEND_RUN)
        child_cancel(c, a, kill, "cancelled");
    else if (attended_has_job(a))
        effect_add(c, &(struct effect){.kind = EFFECT_CANCEL, .attempt = a, .kill = kill});
    else
        end_cancelled(c, a);
}

void attended_forget(struct conductor *c, struct live_attempt *a) {
    if (a->attended) waits_remove(c, a);
}

/* ---- the start ---- */

static json_t *resolve_config(struct live_attempt *a, const struct step *s, struct err *err) {
    json_t *scope = scope_of_attempt(a->run->scope, s, &(struct scope_attempt){.number = a->number});
    json_t *config = pipeline_resolve(a->run->pipeline, s->config, scope, err);
    json_decref(scope);
    return config;
}

int attended_claim(struct conductor *c, struct live_attempt *a, struct err *err) {
    const struct step *s = live_step(a->run, a->step);
    if (claim_row(c, a, err)) return -1;
    json_t *config = resolve_config(a, s, err);
    if (!config || begin(a, config, is_guarded(s->config), err)) return -1;
    duration_t timeout = a->attended->what.timeout ? a->attended->what.timeout : s->timeout;
    set_deadline(c, a, timeout ? a->started_at + timeout : INSTANT_NONE);
    return a->attended->what.kind == ATTEND_RUN ? child_start(c, a, err) : 0;
}

void attended_start(struct conductor *c, struct live_attempt *a) {
    a->phase = PHASE_ATTENDED;
    write_detail(c, a);
    waits_add(c, a);
}

/* ---- recovery ---- */

/* A job that asks its query may be alive, or its exit be waiting. */
static void find_query(struct live_attempt *a, const struct map *alive) {
    char id[128];
    for (a->job_try = 0; a->job_try < 2; a->job_try++) {
        attempt_job_id(a, id);
        a->attended->looking = map_get(alive, id, NULL);
        if (a->attended->looking) return;
    }
    a->job_try = 0;
}

/* Waits of a run that does not go on end; a run that was started ends by itself, as that does. */
static bool goes_on(const struct live_attempt *a) {
    const struct step *s = live_step(a->run, a->step);
    return !a->run->frozen || (s && s->finally);
}

void attended_recover(struct conductor *c, struct live_attempt *a, const struct attempt_row *row,
                      const struct map *alive) {
    json_t *detail = row->detail ? json_loads(row->detail, 0, NULL) : NULL;
    const json_t *kept = json_object_get(detail, "waits");
    if (!kept) kept = json_object_get(detail, "runs");
    struct err err;
    instant_t until = INSTANT_NONE;
    int bad = begin(a, json_incref(json_object_get(kept, "config")), json_flag(kept, "guarded"), &err);
    struct attended *w = a->attended;
    if (json_text(kept, "until")) instant_parse(json_text(kept, "until"), &until);
    set_deadline(c, a, until);
    note_problem(w, json_text(kept, "problem"));
    w->problem_told = true;
    w->child = strtoll(json_text_or(kept, "run", "0"), NULL, 10);
    json_decref(detail);
    w->interrupted = bad || (!goes_on(a) && w->what.kind != ATTEND_RUN);
    if (!bad && w->what.kind == ATTEND_SQL) find_query(a, alive);
    waits_add(c, a);
    waits_tell(c, a);
}
