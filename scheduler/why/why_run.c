/* why_run.c: a run: why it waits, what it does, how and why it ended. */
#include "scheduler/complete.h"
#include "scheduler/core/states.h"
#include "scheduler/why/why_impl.h"

#include "base/json.h"
#include "store/backfills.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *run_source(struct whying *k, int64_t run) { return why_print(k, "run %" PRId64, run); }

/* ---- where it comes from ---- */

static void tell_trigger(struct whying *k, const char *detail) {
    json_t *d = detail ? json_loads(detail, 0, NULL) : NULL;
    const char *dataset = json_text(d, "dataset"), *same = json_text(d, "same");
    if (dataset)
        why_text(k, "started by", "slot", "%s version %lld, which run %lld published", dataset,
                 (long long)json_int(d, "version", 0), (long long)json_int(d, "run", 0));
    else if (same)
        why_text(k, "started by", "slot", "its datasets, complete for that %s", same);
    json_decref(d);
}

static void tell_slot(struct whying *k, const struct slot_row *s) {
    size_t n;
    bool after = after_part(s->schedule_name, &n);
    why_text(k, "schedule", "slot", "%.*s", (int)n, s->schedule_name);
    if (after)
        tell_trigger(k, s->detail);
    else
        why_time(k, "fires at", "slot", s->fire);
    why_span(k, "covers", "slot", s->window_start, s->window_end);
    why_time(k, "decided at", "slot", s->decided_at);
}

static int tell_origin(struct whying *k, const struct run_row *row, struct err *err) {
    struct slot_row slot;
    struct attempt_row by;
    int found = store_slot_of_run(k->store, row->id, k->out->arena, &slot, err);
    if (found < 0) return -1;
    if (found) {
        tell_slot(k, &slot);
        return 0;
    }
    const char *source = run_source(k, row->id);
    why_span(k, "covers", source, row->window_start, row->window_end);
    why_time(k, "asked for at", source, row->created_at);
    if (row->backfill) why_text(k, "part of", source, "backfill %" PRId64, row->backfill);
    found = row->parent ? store_attempt_get(k->store, row->parent, k->out->arena, &by, err) : 0;
    if (found == 1)
        why_text(k, "started by", source, "step %s of run %" PRId64 " (%s)", by.step_name, by.run,
                 by.pipeline);
    if (!row->backfill && !row->parent) why_text(k, "started by", source, "%s", row->trigger);
    if (row->note) why_text(k, "asked with the reason", source, "%s", row->note);
    return found < 0 ? -1 : 0;
}

/* ---- it waits ---- */

static bool by_itself(const struct run_row *row) {
    return strcmp(row->trigger, "schedule") == 0 || strcmp(row->trigger, "dataset") == 0;
}

static bool stands_beside(const struct run_row *row) {
    json_t *options = row->options ? json_loads(row->options, 0, NULL) : NULL;
    bool beside = row->backfill || json_flag(options, "beside");
    json_decref(options);
    return beside;
}

/* The daemon's word on the file, where there is one: it may go on with the last good definition. */
static bool goes_on_all_the_same(const struct whying *k) {
    size_t i;
    json_t *b;
    json_array_foreach(json_object_get(json_object_get(k->standing, "pipelines"), "broken"), i, b) {
        if (strcmp(json_text_or(b, "pipeline", ""), k->name) == 0) return json_flag(b, "keeps_last_good");
    }
    return false;
}

/* Each answers 1 when it is what the run waits for. */
static int waits_for_daemon(struct whying *k, const struct run_row *row, const char *as, struct err *err) {
    (void)err;
    if (k->serves || (k->standing && row->parent)) return 0;
    why_say(k, "%s waits: %s; it begins with the next `leat serve`", as, why_nobody(k));
    why_alive(k);
    return 1;
}

static int waits_for_definition(struct whying *k, const struct run_row *row, const char *as,
                                struct err *err) {
    (void)row, (void)err;
    if (k->pipeline || goes_on_all_the_same(k)) return 0;
    if (!k->problem) {
        why_say(k, "%s waits, and ends as skipped: the pipeline's file is gone", as);
        return 1;
    }
    why_say(k, "%s waits until the pipeline's file is mended: %s", as, k->problem);
    why_text(k, "next", "the file", "mend it; see what is wrong with: leat validate %s", k->name);
    return 1;
}

static int waits_for_pause(struct whying *k, const struct run_row *row, const char *as, struct err *err) {
    struct err failed = {0};
    const struct pause_row *p = by_itself(row) ? why_paused(k, &failed) : NULL;
    if (failed.exit) return *err = failed, -1;
    if (!p) return 0;
    why_say(k, "%s waits: %s is paused %s%s", as, k->name,
            p->until == INSTANT_NONE ? "until it is resumed" : "until ",
            p->until == INSTANT_NONE ? "" : why_at(k, p->until));
    why_time(k, "paused at", "pause", p->at);
    if (p->author) why_text(k, "paused by", "pause", "%s", p->author);
    if (p->reason) why_text(k, "because", "pause", "%s", p->reason);
    why_text(k, "next", "pause", "leat resume %s", k->name);
    return 1;
}

static int waits_for_past(struct whying *k, const struct run_row *row, const char *as, struct err *err) {
    struct run_row before;
    if (!k->pipeline || !k->pipeline->depends_on_past || !*row->schedule) return 0;
    int found =
        store_run_before(k->store, k->name, row->schedule, row->scheduled_for, k->out->arena, &before, err);
    if (found <= 0) return found;
    if (run_ended_well(before.state) || strcmp(before.state, "skipped") == 0) return 0;
    const char *source = run_source(k, before.id);
    why_say(k, "%s waits for the success of the slot before (depends_on_past): run %" PRId64 " is %s", as,
            before.id, before.state);
    why_span(k, "the one before covers", source, before.window_start, before.window_end);
    if (strcmp(before.state, "failed") == 0) why_text(k, "next", source, "leat retry %" PRId64, before.id);
    return 1;
}

/* The runs that count against max_active_runs, and those of the same queue that came before. */
static int waits_for_others(struct whying *k, const struct run_row *row, const char *as, struct err *err) {
    struct run_row *open;
    size_t n;
    int64_t running = 0, first = 0, before = 0, most = k->pipeline ? k->pipeline->max_active_runs : 1;
    if (stands_beside(row)) return 0;
    if (store_runs_open(k->store, k->out->arena, &open, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(open[i].pipeline, k->name) != 0 || stands_beside(&open[i])) continue;
        bool runs = strcmp(open[i].state, "running") == 0;
        running += runs;
        if (runs && !first) first = open[i].id;
        if (!runs && open[i].id < row->id) before = open[i].id;
        if (runs) why_time(k, "running since", run_source(k, open[i].id), open[i].started_at);
    }
    if (running >= most)
        why_say(k, "%s waits for its turn: max_active_runs is %" PRId64 ", and run %" PRId64 " %s", as, most,
                first, running > 1 ? "and others are running" : "is running");
    else if (before)
        why_say(k, "%s waits behind run %" PRId64 ", which was asked for before it", as, before);
    if (running < most) return before != 0;
    why_text(k, "max_active_runs",
             k->pipeline ? why_file(k->pipeline, (struct span){0}, k->out->arena) : "default", "%" PRId64,
             most);
    return 1;
}

static int of_queued(struct whying *k, const struct run_row *row, const char *as, struct err *err) {
    static int (*const reasons[])(struct whying *, const struct run_row *, const char *, struct err *) = {
        waits_for_daemon, waits_for_definition, waits_for_pause, waits_for_past, waits_for_others};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        int said = reasons[i](k, row, as, err);
        if (said) return said < 0 ? -1 : 0;
    }
    why_say(k, "%s is about to begin: nothing is in its way", as);
    return 0;
}

/* ---- it runs ---- */

static const char *holder_text(struct whying *k, const json_t *h, bool tokens) {
    const char *who = why_print(k, "step %s of run %lld (%s)", json_text_or(h, "step", "?"),
                                (long long)json_int(h, "run", 0), json_text_or(h, "pipeline", "?"));
    return tokens ? why_print(k, "%s holds %lld", who, (long long)json_int(h, "tokens", 1)) : who;
}

static const char *in_the_way(struct whying *k, const json_t *s) {
    const char *block = json_text_or(s, "block", "");
    const json_t *first = json_array_get(json_object_get(s, "holders"), 0);
    const char *holder = first ? holder_text(k, first, strcmp(block, "pool") == 0) : "nobody";
    if (strcmp(block, "pool") == 0)
        return why_print(k, "%lld of the %lld tokens of pool %s, and %s", (long long)json_int(s, "tokens", 1),
                         (long long)json_int(s, "size", 0), json_text_or(s, "pool", "?"), holder);
    if (strcmp(block, "hold") == 0) return why_print(k, "what %s has: its bookmark or its dataset", holder);
    if (strcmp(block, "jobs") == 0) return why_print(k, "a free place among the steps that run at once");
    return why_print(k, "leave to start: no more steps of it do");
}

static void tell_step(struct whying *k, const json_t *s) {
    const char *step = json_text_or(s, "step", "?"), *block = json_text(s, "block");
    size_t i;
    json_t *h;
    if (block) why_text(k, why_print(k, "%s waits for", step), "the conductor", "%s", in_the_way(k, s));
    json_array_foreach(json_object_get(s, "holders"), i, h)
        why_text(k, "held by", "the conductor", "%s", holder_text(k, h, strcmp(block, "pool") == 0));
}

/* What a `wait` step waits for, as its attempt says. */
static const char *awaited(struct whying *k, const struct attempt_row *a) {
    json_t *detail = a->detail ? json_loads(a->detail, 0, NULL) : NULL;
    const json_t *w = json_object_get(detail, "waits"), *r = json_object_get(detail, "runs");
    const char *text = NULL;
    if (json_text(w, "problem"))
        text = why_print(k, "waits for %s: %s", json_text_or(w, "for", "?"), json_text(w, "problem"));
    else if (w)
        text = why_print(k, "waits for %s", json_text_or(w, "for", "?"));
    else if (r)
        text = why_print(k, "waits for run %s of %s", json_text_or(r, "run", "?"),
                         json_text_or(r, "pipeline", "?"));
    json_decref(detail);
    return text;
}

static int tell_attempts(struct whying *k, const struct run_row *row, const char **first, struct err *err) {
    struct attempt_row *live;
    size_t n;
    *first = NULL;
    if (store_attempts_live(k->store, k->out->arena, &live, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        if (live[i].run != row->id) continue;
        const char *what = awaited(k, &live[i]);
        if (!what) what = why_print(k, "runs since %s", why_at(k, live[i].started_at));
        why_text(k, why_print(k, "step %s", live[i].step_name), run_source(k, row->id), "%s", what);
        if (!*first) *first = why_print(k, "step %s %s", live[i].step_name, what);
    }
    return 0;
}

static int tell_retries(struct whying *k, const struct run_row *row, const char **first, struct err *err) {
    struct step_row *steps;
    size_t n;
    if (store_steps_list(k->store, row->id, k->out->arena, &steps, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(steps[i].state, "retry_wait") != 0) continue;
        const char *what = why_print(k, "is tried again at %s", why_at(k, steps[i].due));
        why_text(k, why_print(k, "step %s", steps[i].name), run_source(k, row->id), "%s, after: %s", what,
                 steps[i].message ? steps[i].message : "a failure");
        if (!*first) *first = why_print(k, "step %s %s", steps[i].name, what);
    }
    return 0;
}

static int of_running(struct whying *k, const struct run_row *row, const char *as, struct err *err) {
    const char *first, *blocked = NULL;
    size_t i;
    json_t *s;
    if (!k->standing) {
        why_say(k, "%s was interrupted: nobody is at work on it", as);
        why_alive(k);
        why_text(k, "next", run_source(k, row->id), "leat serve, or: leat retry %" PRId64, row->id);
        return 0;
    }
    json_t *answer =
        k->asks->ask(k->asks->ctx, json_pack("{ss sI}", "ask", "why", "run", (json_int_t)row->id));
    if (tell_attempts(k, row, &first, err) || tell_retries(k, row, &first, err))
        return json_decref(answer), -1;
    json_array_foreach(json_object_get(answer, "steps"), i, s) {
        if (!blocked && json_text(s, "block"))
            blocked = why_print(k, "step %s waits for %s", json_text_or(s, "step", "?"), in_the_way(k, s));
        tell_step(k, s);
    }
    json_decref(answer);
    if (first && blocked)
        why_say(k, "%s is running: %s; %s", as, first, blocked);
    else
        why_say(k, "%s is running: %s", as,
                first     ? first
                : blocked ? blocked
                          : "its next step is about to start");
    why_time(k, "running since", run_source(k, row->id), row->started_at);
    return 0;
}

/* ---- it ended ---- */

static int last_attempt(struct whying *k, const struct run_row *row, struct attempt_row *out,
                        struct err *err) {
    struct attempt_row *rows;
    size_t n;
    int found = 0;
    if (!row->failed_step) return 0;
    if (store_attempts_list(k->store, row->id, k->out->arena, &rows, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].step_name, row->failed_step) != 0 || strcmp(rows[i].state, "success") == 0)
            continue;
        *out = rows[i];
        found = 1;
    }
    return found;
}

static const char *step_place(struct whying *k, const char *name) {
    for (uint32_t i = 0; k->pipeline && i < k->pipeline->step_count; i++)
        if (strcmp(k->pipeline->steps[i].name, name) == 0)
            return why_file(k->pipeline, k->pipeline->steps[i].at, k->out->arena);
    return NULL;
}

/* A step that never got as far as an attempt (its `when:` could not be evaluated) says why in its own row. */
static int step_message(struct whying *k, const struct run_row *row, const char **message, struct err *err) {
    struct step_row *steps;
    size_t n;
    *message = NULL;
    if (!row->failed_step) return 0;
    if (store_steps_list(k->store, row->id, k->out->arena, &steps, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++)
        if (strcmp(steps[i].name, row->failed_step) == 0) *message = steps[i].message;
    return 0;
}

static void tell_failure(struct whying *k, const struct run_row *row, const struct attempt_row *a) {
    const char *source = run_source(k, row->id), *place = step_place(k, row->failed_step);
    why_text(k, "attempt", source, "%u, ended %s", a->number, why_at(k, a->finished_at));
    if (a->hint && *a->hint) why_text(k, "hint", source, "%s", a->hint);
    if (place) why_text(k, "step", place, "%s (%s)", row->failed_step, a->verb);
    if (a->log) why_text(k, "log", source, "leat logs %" PRId64 " %s", row->id, row->failed_step);
}

static int of_failed(struct whying *k, const struct run_row *row, const char *as, struct err *err) {
    struct attempt_row a;
    const char *message;
    int found = last_attempt(k, row, &a, err);
    if (found < 0 || step_message(k, row, &message, err)) return -1;
    if (found && a.message) message = a.message;
    if (row->failed_step)
        why_say(k, "%s failed at step %s: %s", as, row->failed_step,
                message && *message           ? message
                : row->reason && *row->reason ? row->reason
                                              : "it gave no reason");
    else
        why_say(k, "%s failed: %s", as, row->reason && *row->reason ? row->reason : "it gave no reason");
    if (found) tell_failure(k, row, &a);
    why_text(k, "next", run_source(k, row->id), "leat retry %" PRId64, row->id);
    return 0;
}

static const char *cancel_words(const char *reason) {
    static const char *const words[][2] = {
        {"superseded", "a newer run of its schedule took its place (if_running: cancel)"},
        {"interrupted", "somebody pressed Ctrl-C"},
        {"terminated", "its command was told to end"},
        {"cancelled", "somebody cancelled it"}};
    for (size_t i = 0; reason && i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i][0], reason) == 0) return words[i][1];
    return reason && *reason ? reason : "no reason was given";
}

/* Which of what it read was published anew since. */
static int tell_stale(struct whying *k, const struct run_row *row, const char **dataset, struct err *err) {
    enum { LOOKED_AT = 1000 };
    struct consumed_row *rows;
    size_t n;
    *dataset = NULL;
    if (store_stale_list(k->store, k->name, LOOKED_AT, k->out->arena, &rows, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        const struct consumed_row *c = &rows[i];
        char from[INSTANT_TEXT], to[INSTANT_TEXT];
        if (c->run != row->id) continue;
        why_text(k, why_print(k, "step %s read", c->step), "what was read", "%s version %" PRId64,
                 c->dataset_name, c->version);
        why_time(k, why_print(k, "version %" PRId64 " came at", c->stale_by), c->dataset_name,
                 c->stale_since);
        if (!*dataset)
            why_text(k, "next", "what was read", "leat restate %s --from %s --to %s", c->dataset_name,
                     instant_text(c->window_start, from), instant_text(c->window_end, to));
        *dataset = c->dataset_name;
    }
    return 0;
}

static int of_done(struct whying *k, const struct run_row *row, const char *as, struct err *err) {
    const char *dataset;
    if (tell_stale(k, row, &dataset, err)) return -1;
    if (dataset)
        why_say(k, "%s ended %s, but %s has been published anew since it read it: it is stale", as,
                row->state, dataset);
    else
        why_say(k, "%s ended %s at %s", as, row->state, why_at(k, row->finished_at));
    why_time(k, "started at", run_source(k, row->id), row->started_at);
    why_time(k, "ended at", run_source(k, row->id), row->finished_at);
    return 0;
}

int why_of_run(struct whying *k, const struct run_row *row, const char *as, struct err *err) {
    int rc = 0;
    if (strcmp(row->state, "queued") == 0)
        rc = of_queued(k, row, as, err);
    else if (strcmp(row->state, "running") == 0)
        rc = of_running(k, row, as, err);
    else if (strcmp(row->state, "failed") == 0)
        rc = of_failed(k, row, as, err);
    else if (strcmp(row->state, "cancelled") == 0)
        why_say(k, "%s was cancelled: %s", as, cancel_words(row->reason));
    else if (strcmp(row->state, "skipped") == 0)
        why_say(k, "%s was skipped: %s", as,
                row->reason && strcmp(row->reason, "pipeline_gone") == 0
                    ? "its pipeline was gone before it began"
                : row->reason ? row->reason
                              : "no reason was given");
    else
        rc = of_done(k, row, as, err);
    return rc ? -1 : tell_origin(k, row, err);
}

int why_run(const struct why_asks *asks, int64_t run, struct why *out, struct err *err) {
    struct whying k;
    struct run_row row;
    *out = (struct why){.arena = arena_new()};
    int found = asks->store ? store_run_get(asks->store, run, out->arena, &row, err) : 0;
    if (found == 0) {
        err_set(err, EX_NOT_FOUND, "there is no run %" PRId64, run);
        err_hint(err, "see: leat runs");
    }
    if (found <= 0 || why_begin(&k, asks, row.pipeline, out, err)) return -1;
    out->subject = why_print(&k, "run %" PRId64, run);
    int rc = why_of_run(&k, &row, why_print(&k, "run %" PRId64 " of %s", run, row.pipeline), err);
    why_end(&k);
    return rc;
}
