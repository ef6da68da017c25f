/* runs_show.c: `leat runs show RUN`: one run with its steps, attempts and checks. */
#include "base/json.h"
#include "base/map.h"
#include "cli/format.h"
#include "cli/runs.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "cli/waiting.h"
#include "store/attempts.h"
#include "store/schedules.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Everything that is known of one run. */
struct shown {
    struct view *v;
    struct run_row run;
    struct step_row *steps;
    struct attempt_row *attempts;
    struct check_row *checks;
    size_t step_count, attempt_count, check_count;
};

static int newest(struct view *v, const char *pipeline, struct run_row *out, struct err *err) {
    struct run_filter f = {.pipeline = pipeline,
                           .since = INSTANT_NONE,
                           .window_start = INSTANT_NONE,
                           .window_end = INSTANT_NONE,
                           .limit = 1};
    struct run_row *rows = NULL;
    size_t n = 0;
    if (store_runs_list(v->store, &f, v->arena, &rows, &n, err) < 0) return -1;
    if (n > 0) {
        *out = rows[0];
        return 0;
    }
    char *path = pipeline ? find_pipeline_file(v->project, pipeline, err) : NULL;
    if (pipeline && !path) return -1;
    free(path);
    err_set(err, EX_NOT_FOUND, "no run yet%s%s", pipeline ? " of " : "", pipeline ? pipeline : "");
    return err_hint(err, "leat run %s", pipeline ? pipeline : "PIPELINE");
}

int run_find(struct view *v, const char *word, struct run_row *out, struct err *err) {
    if (!v->store) return view_nothing(v, "run", word ? word : "", err);
    if (!word || strspn(word, "0123456789") != strlen(word)) return newest(v, word, out, err);
    int hit = store_run_get(v->store, strtoll(word, NULL, 10), v->arena, out, err);
    if (hit == 1) return 0;
    if (hit == 0) {
        err_set(err, EX_NOT_FOUND, "there is no run %s", word);
        err_hint(err, "see `leat runs`");
    }
    return -1;
}

static int load(struct shown *s, struct err *err) {
    struct view *v = s->v;
    int64_t id = s->run.id;
    if (store_steps_list(v->store, id, v->arena, &s->steps, &s->step_count, err) < 0) return -1;
    if (store_attempts_list(v->store, id, v->arena, &s->attempts, &s->attempt_count, err) < 0) return -1;
    return store_checks_list(v->store, id, NULL, v->arena, &s->checks, &s->check_count, err) < 0 ? -1 : 0;
}

/* ---- JSON ---------------------------------------------------------------------------------------------- */

static json_t *attempt_json(const struct view *v, const struct attempt_row *a) {
    json_t *o = json_object();
    json_put(o, "number", json_integer(a->number));
    json_put(o, "generation", json_integer(a->generation));
    json_put_text(o, "state", a->state);
    json_put(o, "started_at", json_instant(a->started_at));
    json_put(o, "finished_at", json_instant(a->finished_at));
    json_put(o, "exit_code", a->exit_code < 0 ? json_null() : json_integer(a->exit_code));
    json_put(o, "signal", a->signal ? json_integer(a->signal) : json_null());
    json_put_text(o, "remote_id", a->remote_id);
    json_put_text(o, "reason", a->reason && *a->reason ? a->reason : NULL);
    json_put_text(o, "message", a->message && *a->message ? a->message : NULL);
    json_put_text(o, "hint", a->hint && *a->hint ? a->hint : NULL);
    json_put_text(o, "log", a->log ? arena_printf(v->arena, "%s/%s", v->project->state, a->log) : NULL);
    json_put(o, "detail", json_parsed(a->detail));
    return o;
}

static json_t *check_json(const struct check_row *k) {
    json_t *o = json_object();
    json_put_text(o, "check", k->check);
    json_put_text(o, "severity", k->severity);
    json_put_text(o, "kind", k->kind);
    json_put_text(o, "result", k->result);
    json_put(o, "actual", json_parsed(k->actual));
    json_put(o, "expected", json_parsed(k->expected));
    json_put(o, "failed_rows", json_number(k->failed_rows));
    json_put(o, "sample", json_parsed(k->sample));
    return o;
}

/* Values as the pipeline's own text has them: a date is kept as {"@date": …}. */
static json_t *params_json(const char *text) {
    json_t *params = json_parsed(text), *value;
    const char *name;
    void *next;
    json_object_foreach_safe(params, next, name, value) {
        const char *date = json_text(value, "@date");
        if (date) json_put_text(params, name, date);
    }
    return params;
}

static json_t *step_json(const struct step_row *p) {
    json_t *o = json_object();
    json_put_text(o, "name", p->name);
    json_put_text(o, "verb", p->verb);
    json_put_text(o, "state", p->state);
    json_put(o, "nothing_new", json_boolean(p->nothing_new));
    json_put_text(o, "reason", p->reason && *p->reason ? p->reason : NULL);
    json_put_text(o, "message", p->message && *p->message ? p->message : NULL);
    json_put(o, "started_at", json_instant(p->started_at));
    json_put(o, "finished_at", json_instant(p->finished_at));
    json_put(o, "attempts", json_array());
    json_put(o, "rows_read", json_number(p->rows_read));
    json_put(o, "bytes_read", json_number(p->bytes_read));
    json_put(o, "rows_written", json_number(p->rows_written));
    json_put(o, "outputs", json_parsed(p->outputs));
    json_put(o, "checks", json_array());
    return o;
}

/* Steps by name, so that attempts and checks find theirs without a search each. */
static json_t *steps_json(const struct shown *s) {
    struct map by_name = MAP_INIT;
    json_t *steps = json_array();
    for (size_t i = 0; i < s->step_count; i++) {
        json_array_append_new(steps, step_json(&s->steps[i]));
        map_add(&by_name, s->steps[i].name, i, NULL);
    }
    size_t at;
    for (size_t i = 0; i < s->attempt_count; i++)
        if (map_get(&by_name, s->attempts[i].step_name, &at))
            json_array_append_new(json_object_get(json_array_get(steps, at), "attempts"),
                                  attempt_json(s->v, &s->attempts[i]));
    for (size_t i = 0; i < s->check_count; i++)
        if (map_get(&by_name, s->checks[i].step_name, &at))
            json_array_append_new(json_object_get(json_array_get(steps, at), "checks"),
                                  check_json(&s->checks[i]));
    map_release(&by_name);
    return steps;
}

/* The step that started the run. */
static bool find_parent(const struct shown *s, struct attempt_row *out) {
    struct err ignored;
    return s->run.parent && store_attempt_get(s->v->store, s->run.parent, s->v->arena, out, &ignored) == 1;
}

static json_t *parent_json(const struct shown *s) {
    struct attempt_row parent;
    if (!find_parent(s, &parent)) return json_null();
    json_t *o = json_object();
    json_put(o, "run", json_id(parent.run));
    json_put_text(o, "step", parent.step_name);
    return o;
}

/* What datasets did: {dataset, version, run}, or {complete, same, from}; null for runs that they did not
 * start. */
static json_t *starter_json(const struct shown *s) {
    struct slot_row slot;
    struct err ignored;
    if (strcmp(s->run.trigger, "dataset") != 0) return json_null();
    if (store_slot_of_run(s->v->store, s->run.id, s->v->arena, &slot, &ignored) != 1) return json_null();
    json_t *by = json_parsed(slot.detail);
    int64_t run = json_int(by, "run", 0);
    if (run) json_put(by, "run", json_id(run));
    return by;
}

static void print_json(const struct shown *s) {
    json_t *item = run_json(&s->run), *items = json_array();
    json_put(item, "params", params_json(s->run.params));
    json_put(item, "parent", parent_json(s));
    json_put(item, "started_by", starter_json(s));
    json_put(item, "steps", steps_json(s));
    json_array_append_new(items, item);
    out_document(&s->v->c->out, "runs", items);
}

/* ---- for people ---------------------------------------------------------------------------------------- */

static const struct column step_columns[] = {
    {.title = "STEP", .keep = 4},      {.title = "VERB", .keep = 1},     {.title = "STATE", .status = true},
    {.title = "TRIES", .right = true}, {.title = "TOOK", .right = true}, {.title = "READ", .right = true},
    {.title = "WROTE", .right = true}, {.title = "NOTE", .keep = 2},     {.title = NULL},
};

static void print_starter(const struct shown *s) {
    json_t *by = starter_json(s);
    const char *dataset = json_text(by, "dataset"), *same = json_text(by, "same");
    if (dataset)
        out_printf(&s->v->c->out, "by      %s v%lld of run %s\n", dataset,
                   (long long)json_int(by, "version", 0), json_text_or(by, "run", "?"));
    else if (same)
        out_printf(&s->v->c->out, "by      its datasets, complete for that %s\n", same);
    json_decref(by);
}

static void print_parent(const struct shown *s) {
    struct attempt_row parent;
    print_starter(s);
    if (!find_parent(s, &parent)) return;
    out_printf(&s->v->c->out, "by      step %s of run %" PRId64 " (%s)\n", parent.step_name, parent.run,
               parent.pipeline);
}

static void print_head(const struct shown *s) {
    const struct run_row *r = &s->run;
    const struct out *o = &s->v->c->out;
    const char *window = view_window(s->v, r->pipeline, r->window_start, r->window_end);
    out_printf(o, "run %" PRId64 "  %s  ", r->id, r->pipeline);
    out_paint(o, out_status_paint(r->state), r->state, 0);
    if (*window) out_printf(o, "  window %s (%s)", window, tz_name(view_tz(s->v, r->pipeline)));
    out_printf(o, "  %s", r->trigger);
    if (r->generation > 1) out_printf(o, "  generation %" PRId64, r->generation);
    out_printf(o, "  definition %.6s\n", r->sha256 ? r->sha256 : "");
    if (r->started_at == INSTANT_NONE) return;
    out_printf(o, "started %s", view_time(s->v, r->pipeline, r->started_at));
    out_printf(o, r->finished_at == INSTANT_NONE ? ", running for %s\n" : ", took %s\n",
               view_took(s->v, r->started_at, r->finished_at));
    print_parent(s);
    if (r->note) out_printf(o, "note    %s\n", r->note);
    if (r->reason && *r->reason) out_printf(o, "reason  %s\n", r->reason);
}

/* The live attempt of each step, by its place in the list of steps; NULL: none. */
static const struct attempt_row **live_attempts(const struct shown *s) {
    const struct attempt_row **live = arena_array(s->v->arena, s->step_count + 1, sizeof *live);
    for (size_t i = 0; i < s->attempt_count; i++) {
        const struct attempt_row *a = &s->attempts[i];
        if (a->finished_at == INSTANT_NONE && a->step < s->step_count) live[a->step] = a;
    }
    return live;
}

static const char *step_note(struct view *v, const struct step_row *p, const struct attempt_row *live) {
    const char *waits = live ? waiting_text(v, live) : NULL;
    if (waits) return waits;
    if (p->message && *p->message) return p->message;
    if (p->nothing_new) return "nothing new";
    if (p->left_out) return "left out by the plan";
    if (p->warned) return "a check warned";
    return p->reason ? arena_strdup(v->arena, p->reason) : "";
}

static void print_steps(const struct shown *s) {
    struct table *t = table_new(step_columns);
    const struct attempt_row **live = live_attempts(s);
    char text[FORMAT_TEXT];
    for (size_t i = 0; i < s->step_count; i++) {
        const struct step_row *p = &s->steps[i];
        table_add(t, p->name);
        table_add(t, p->verb);
        table_add(t, p->state);
        if (p->attempts)
            table_addf(t, "%" PRIu32, p->attempts);
        else
            table_add(t, "");
        table_add(t, view_took(s->v, p->started_at, p->finished_at));
        table_add(t, format_count(&s->v->c->out, p->rows_read, text));
        table_add(t, format_count(&s->v->c->out, p->rows_written, text));
        table_add(t, step_note(s->v, p, live[i]));
    }
    table_print(t, s->v->c);
    table_free(t);
}

static const struct column check_columns[] = {
    {.title = "CHECK", .keep = 2},       {.title = "OF", .keep = 1},
    {.title = "RESULT", .status = true}, {.title = "FOUND"},
    {.title = "ROWS", .right = true},    {.title = NULL},
};

/* The actual value is JSON; a text is shown without its quotes. */
static const char *found_text(struct view *v, const char *actual) {
    json_t *value = json_parsed(actual);
    const char *text = json_is_null(value)     ? ""
                       : json_is_string(value) ? arena_strdup(v->arena, json_string_value(value))
                                               : actual;
    json_decref(value);
    return text;
}

static void print_checks(const struct shown *s) {
    if (s->check_count == 0) return;
    out_printf(&s->v->c->out, "\n");
    struct table *t = table_new(check_columns);
    for (size_t i = 0; i < s->check_count; i++) {
        const struct check_row *k = &s->checks[i];
        table_add(t, k->check);
        table_add(t, k->step_name);
        table_add(t, strcmp(k->result, "fail") == 0 && strcmp(k->severity, "warn") != 0 ? "FAIL" : k->result);
        table_add(t, found_text(s->v, k->actual));
        if (k->failed_rows > 0)
            table_addf(t, "%" PRId64, k->failed_rows);
        else
            table_add(t, "");
    }
    table_print(t, s->v->c);
    table_free(t);
}

static void print_next(const struct shown *s) {
    if (strcmp(s->run.state, "failed") != 0) return;
    cli_say(s->v->c, "\nsee  leat logs %" PRId64 "\nthen leat retry %" PRId64 "\n", s->run.id, s->run.id);
}

static int show(struct view *v, struct err *err) {
    struct shown s = {.v = v};
    if (run_find(v, cli_arg(v->c, 0), &s.run, err) < 0 || load(&s, err) < 0) return -1;
    if (v->c->json) {
        print_json(&s);
        return EX_OK;
    }
    print_head(&s);
    out_printf(&v->c->out, "\n");
    print_steps(&s);
    print_checks(&s);
    print_next(&s);
    return EX_OK;
}

static int run(struct cli *c, struct err *err) {
    struct view v;
    int rc = view_open(&v, c, err);
    if (rc == 0) rc = show(&v, err);
    view_close(&v);
    return rc;
}

static const char *const examples[] = {
    "leat runs show 43\tone run, its steps and checks",
    "leat runs show sales_daily\tthe newest run of a pipeline",
    "leat runs show 43 --json\teverything that is known of it",
    NULL,
};

static const int exits[] = {EX_NOT_FOUND, EX_ENVIRONMENT, 0};

const struct command command_runs_show = {
    .name = "runs show",
    .group = GROUP_LOOK,
    .usage = "[RUN|PIPELINE]",
    .about = "Shows one run: its steps, attempts and checks.",
    .examples = examples,
    .exits = exits,
    .args_max = 1,
    .run = run,
};
