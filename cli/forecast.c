/* forecast.c: `leat forecast`: what the schedules of the next days would do, from how long steps usually
 * take. */
#include "scheduler/timetable/forecast.h"

#include "base/json.h"
#include "cli/load.h"
#include "cli/select.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "cli/view.h"
#include "scheduler/catalog.h"
#include "store/runs.h"
#include "store/schedules.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOKED_BACK = 20, SHOWN = 25 };

struct asking {
    struct view v;
    struct forecast_input in;
    struct forecast_pipeline *list;
    struct buf unknown; /* steps that never ran */
    size_t unknown_count;
    duration_t assume;
    long shown;
};

static const struct pipeline *pipeline_of(const struct asking *k, size_t i) { return k->list[i].pipeline; }

/* ---- pipelines ---- */

/* What is not valid is said, and left out, unless somebody asked for it. */
static int take(struct asking *k, struct loaded *l, const char *path, struct err *err) {
    bool refused = !l->pipeline && k->v.c->arg_count;
    if (l->pipeline)
        k->list[k->in.count++].pipeline = l->pipeline;
    else if (!refused)
        cli_say(k->v.c, "left out: %s\n", l->problem ? l->problem : path);
    if (refused) {
        err_set(err, EX_INVALID, "%s is not valid: %s", l->name ? l->name : path,
                l->problem ? l->problem : "it cannot be read");
        err_hint(err, "see what is wrong: leat validate");
    }
    free(l->name);
    free(l->problem);
    return refused ? -1 : 0;
}

static int load_files(struct asking *k, const char *const *paths, size_t n, struct err *err) {
    struct loaded *got = xcalloc(n + 1, sizeof *got);
    int rc = 0;
    k->list = xcalloc(n + 1, sizeof *k->list);
    load_quietly(NULL, k->v.project, paths, n, got);
    for (size_t i = 0; i < n; i++) rc |= take(k, &got[i], paths[i], err);
    free(got);
    return rc;
}

static int load_chosen(struct asking *k, struct err *err) {
    const struct cli *c = k->v.c;
    struct selection chosen;
    size_t n = 0;
    if (select_pipelines(&k->v, c->args, c->arg_count, &chosen, err)) return -1;
    const char **paths = xcalloc(chosen.count + 1, sizeof *paths);
    for (size_t i = 0; i < chosen.count; i++)
        if (chosen.list[i].path) paths[n++] = chosen.list[i].path;
    int rc = load_files(k, paths, n, err);
    free(paths);
    if (rc || n || c->arg_count) return rc;
    err_set(err, EX_NOT_FOUND, "no pipeline files in %s", k->v.project->root);
    return err_hint(err, "put one into pipelines/NAME.yaml");
}

/* ---- what is known of them ---- */

static int by_length(const void *a, const void *b) {
    duration_t x = *(const duration_t *)a, y = *(const duration_t *)b;
    return (x > y) - (x < y);
}

static int usual_of(struct asking *k, const struct pipeline *p, uint32_t step, duration_t *out,
                    struct err *err) {
    duration_t took[LOOKED_BACK];
    size_t n = 0;
    struct store *s = k->v.store;
    if (s && store_step_durations(s, p->name, p->steps[step].name, LOOKED_BACK, took, &n, err) < 0) return -1;
    if (n) {
        qsort(took, n, sizeof *took, by_length);
        *out = took[n / 2];
        return 0;
    }
    *out = k->assume;
    if (p->schedule_count)
        buf_addf(&k->unknown, "%s%s.%s", k->unknown_count++ ? ", " : "", p->name, p->steps[step].name);
    return 0;
}

static int learn(struct asking *k, struct forecast_pipeline *f, struct err *err) {
    const struct pipeline *p = f->pipeline;
    duration_t *usual = xcalloc(p->step_count + 1, sizeof *usual);
    f->usual = usual;
    for (uint32_t i = 0; i < p->step_count; i++)
        if (usual_of(k, p, i, &usual[i], err)) return -1;
    return 0;
}

static enum catch_up catch_up_of(const char *word) {
    return strcmp(word, "all") == 0      ? CATCH_UP_all
           : strcmp(word, "latest") == 0 ? CATCH_UP_latest
                                         : CATCH_UP_none;
}

static int learn_pauses(struct asking *k, struct err *err) {
    struct pause_row *rows = NULL;
    size_t n = 0;
    if (k->v.store && store_pauses_list(k->v.store, INSTANT_NONE, k->v.arena, &rows, &n, err) < 0) return -1;
    for (size_t i = 0; i < k->in.count; i++)
        for (size_t r = 0; r < n; r++) {
            if (strcmp(rows[r].pipeline, pipeline_of(k, i)->name) != 0) continue;
            k->list[i].paused = rows[r].until == INSTANT_NONE || rows[r].until > k->in.from;
            k->list[i].pause_from = rows[r].at;
            k->list[i].pause_until = rows[r].until;
            k->list[i].catch_up = catch_up_of(rows[r].catch_up);
        }
    return 0;
}

/* ---- the question ---- */

static int read_span(const struct cli *c, const char *flag, duration_t otherwise, duration_t *out,
                     struct err *err) {
    const char *text = cli_value(c, flag);
    *out = otherwise;
    if (!text || duration_parse(text, out)) return 0;
    err_set(err, EX_USAGE, "--%s `%s` is not a duration", flag, text);
    return err_hint(err, "write 7d, 36h or 90m");
}

static int read_question(struct asking *k, struct err *err) {
    const struct cli *c = k->v.c;
    const char *from = cli_value(c, "from");
    long jobs, cores = sysconf(_SC_NPROCESSORS_ONLN);
    duration_t length;
    instant_t now = world_wall(c->world);
    k->in.from = now;
    if (from && when_instant(from, k->v.tz, now, &k->in.from, err)) return -1;
    if (read_span(c, "for", 7 * US_PER_DAY, &length, err) || read_span(c, "assume", 0, &k->assume, err))
        return -1;
    if (cli_number(c, "jobs", 1, cores > 4 ? cores : 4, &jobs, err)) return -1;
    if (cli_number(c, "limit", 0, SHOWN, &k->shown, err)) return -1;
    if (length <= 0) {
        err_set(err, EX_USAGE, "--for `%s` is no time at all", cli_value(c, "for"));
        return err_hint(err, "write 7d, 36h or 90m");
    }
    k->in.until = k->in.from + length;
    k->in.jobs = jobs;
    k->in.project = k->v.project;
    return 0;
}

/* ---- answers ---- */

static json_t *run_json(const struct asking *k, const struct forecast_run *r) {
    json_t *o = json_object();
    json_put_text(o, "pipeline", pipeline_of(k, r->pipeline)->name);
    json_put_text(o, "schedule", r->schedule);
    json_put(o, "fire_at", json_instant(r->fire));
    json_put(o, "due_at", json_instant(r->due));
    json_put(o, "window", json_window(r->window_start, r->window_end));
    json_put(o, "starts_at", json_instant(r->start));
    json_put(o, "finishes_at", json_instant(r->finish));
    json_put_text(o, "result", r->finish == INSTANT_NONE ? NULL : run_state_names[r->ends]);
    json_put(o, "step_waits_us", json_integer(r->waited));
    return o;
}

static json_t *skips_json(const struct asking *k, const struct forecast *f) {
    json_t *list = json_array();
    for (size_t i = 0; i < f->skip_count; i++) {
        const struct forecast_skip *s = &f->skips[i];
        json_array_append_new(list,
                              json_pack("{ss ss ss sI so so}", "pipeline", pipeline_of(k, s->pipeline)->name,
                                        "schedule", s->schedule, "reason", skip_reason_names[s->reason],
                                        "count", (json_int_t)s->count, "first", json_instant(s->first),
                                        "last", json_instant(s->last)));
    }
    return list;
}

static const char *longest_step(const struct asking *k, const struct forecast *f,
                                const struct forecast_full *s) {
    const struct pipeline *p = pipeline_of(k, f->runs[s->longest_run].pipeline);
    return arena_printf(k->v.arena, "%s.%s", p->name, p->steps[s->longest_step].name);
}

static json_t *full_json(const struct asking *k, const struct forecast *f) {
    json_t *list = json_array();
    for (size_t i = 0; i < f->full_count; i++) {
        const struct forecast_full *s = &f->full[i];
        json_t *o = json_object();
        json_put_text(o, "pool", s->pool);
        json_put(o, "from", json_instant(s->from));
        json_put(o, "until", json_instant(s->until));
        json_put(o, "steps", json_integer((json_int_t)s->waits));
        json_put(o, "longest_us", json_integer(s->longest));
        json_put_text(o, "longest_step", longest_step(k, f, s));
        json_array_append_new(list, o);
    }
    return list;
}

static bool starts_after_data(const struct pipeline *p) {
    for (size_t i = 0; i < p->schedule_count; i++)
        if (p->schedules[i].after.count) return true;
    return false;
}

static bool starts_others(const struct pipeline *p) {
    for (size_t i = 0; i < p->step_count; i++)
        if (p->steps[i].calls) return true;
    return false;
}

/* What a forecast leaves out (timetable/forecast.h), as far as definitions tell: whose runs, and why. */
static const struct {
    const char *member, *words;
    bool (*is)(const struct pipeline *p);
} left_outs[] = {
    {"starts_after_data", "runs that start when data arrive", starts_after_data},
    {"starts_others", "runs that steps of these start", starts_others},
};
enum { LEFT_OUTS = sizeof left_outs / sizeof *left_outs };

static json_t *left_out_json(const struct asking *k, size_t which) {
    json_t *names = json_array();
    for (size_t i = 0; i < k->in.count; i++) {
        const struct pipeline *p = pipeline_of(k, i);
        if (left_outs[which].is(p)) json_array_append_new(names, json_string(p->name));
    }
    return names;
}

static void print_left_out(const struct asking *k) {
    for (size_t which = 0; which < LEFT_OUTS; which++) {
        json_t *names = left_out_json(k, which), *name;
        size_t i;
        json_array_foreach(names, i, name) {
            if (i == 0) cli_say(k->v.c, "not in it: %s: ", left_outs[which].words);
            cli_say(k->v.c, "%s%s", i ? ", " : "", json_string_value(name));
        }
        if (json_array_size(names)) cli_say(k->v.c, "\n");
        json_decref(names);
    }
}

static void print_json(struct asking *k, const struct forecast *f) {
    json_t *items = json_array(), *beside = json_object();
    for (size_t i = 0; i < f->run_count; i++) json_array_append_new(items, run_json(k, &f->runs[i]));
    json_put(beside, "from", json_instant(k->in.from));
    json_put(beside, "until", json_instant(f->ends));
    json_put(beside, "skipped", skips_json(k, f));
    json_put(beside, "full", full_json(k, f));
    json_put_text(beside, "unknown_steps", k->unknown_count ? buf_str(&k->unknown) : NULL);
    for (size_t i = 0; i < LEFT_OUTS; i++) json_put(beside, left_outs[i].member, left_out_json(k, i));
    out_document_beside(&k->v.c->out, "forecast", items, "forecast", beside);
}

static const struct column columns[] = {
    {.title = "STARTS", .keep = 4},      {.title = "PIPELINE", .keep = 3},
    {.title = "WINDOW", .keep = 5},      {.title = "WAITS", .right = true},
    {.title = "TAKES", .right = true},   {.title = "FINISHES", .keep = 2},
    {.title = "RESULT", .status = true}, {.title = NULL},
};

static const char *span_text(const struct asking *k, duration_t d) {
    char text[DURATION_TEXT];
    return d > 0 ? arena_strdup(k->v.arena, duration_text(d, text)) : "";
}

/* WAITS: for its turn, and then its steps for room. */
static void print_runs(struct asking *k, const struct forecast *f) {
    size_t n = k->shown && (size_t)k->shown < f->run_count ? (size_t)k->shown : f->run_count;
    struct table *t = table_new(columns);
    for (size_t i = 0; i < n; i++) {
        const struct forecast_run *r = &f->runs[i];
        const char *name = pipeline_of(k, r->pipeline)->name;
        bool began = r->start != INSTANT_NONE, over = r->finish != INSTANT_NONE;
        table_add(t, began ? view_time(&k->v, name, r->start) : "-");
        table_add(t, name);
        table_add(t, view_window(&k->v, name, r->window_start, r->window_end));
        table_add(t, began ? span_text(k, r->start - r->due + r->waited) : "");
        table_add(t, began && over ? span_text(k, r->finish - r->start) : "");
        table_add(t, over ? view_time(&k->v, name, r->finish) : "");
        table_add(t, over ? run_state_names[r->ends] : "never");
    }
    if (n) table_print(t, k->v.c);
    table_free(t);
    if (n < f->run_count) cli_say(k->v.c, "and %zu more: -n 0 shows all\n", f->run_count - n);
}

static void print_trouble(struct asking *k, const struct forecast *f) {
    const struct out *o = &k->v.c->out;
    size_t n = k->shown && (size_t)k->shown < f->full_count ? (size_t)k->shown : f->full_count;
    for (size_t i = 0; i < n; i++) {
        const struct forecast_full *s = &f->full[i];
        out_paint(o, PAINT_YELLOW, "FULL", 6); /* the general limit has no name */
        out_printf(o, "%s%s  %s to %s: %zu step%s wait%s, at most %s (%s)\n", s->pool ? "pool " : "all slots",
                   s->pool ? s->pool : "", view_time(&k->v, NULL, s->from), view_time(&k->v, NULL, s->until),
                   s->waits, s->waits == 1 ? "" : "s", s->waits == 1 ? "s" : "", span_text(k, s->longest),
                   longest_step(k, f, s));
    }
    if (n < f->full_count) cli_say(k->v.c, "and full %zu more times: -n 0 shows all\n", f->full_count - n);
    for (size_t i = 0; i < f->skip_count; i++) {
        const struct forecast_skip *s = &f->skips[i];
        const char *name = pipeline_of(k, s->pipeline)->name;
        out_paint(o, PAINT_YELLOW, "SKIP", 6);
        out_printf(o, "%s.%s  %" PRId64 " slot%s, %s: %s to %s\n", name, s->schedule, s->count,
                   s->count == 1 ? "" : "s", skip_reason_names[s->reason], view_time(&k->v, name, s->first),
                   view_time(&k->v, name, s->last));
    }
}

static void print_text(struct asking *k, const struct forecast *f) {
    char length[DURATION_TEXT];
    print_runs(k, f);
    print_trouble(k, f);
    print_left_out(k);
    cli_say(k->v.c, "%zu run%s in %s from %s\n", f->run_count, f->run_count == 1 ? "" : "s",
            duration_text(f->ends - k->in.from, length), view_time(&k->v, NULL, k->in.from));
    if (f->ends < k->in.until)
        cli_say(k->v.c, "cut off there: a forecast has at most %d runs\n", FORECAST_RUNS);
    if (k->unknown_count)
        cli_say(k->v.c, "never ran, counted as %s (--assume 10m says otherwise): %s\n",
                duration_text(k->assume, length), buf_str(&k->unknown));
}

static int answer(struct asking *k, struct err *err) {
    if (read_question(k, err)) return -1;
    if (load_chosen(k, err)) return -1;
    k->in.pipelines = k->list;
    for (size_t i = 0; i < k->in.count; i++)
        if (learn(k, &k->list[i], err)) return -1;
    if (learn_pauses(k, err)) return -1;
    struct forecast *f = forecast_make(&k->in, err);
    if (!f) return -1;
    (k->v.c->json ? print_json : print_text)(k, f);
    forecast_free(f);
    return EX_OK;
}

static int run(struct cli *c, struct err *err) {
    struct asking k = {.unknown = BUF_INIT};
    int rc = view_open(&k.v, c, err);
    if (rc == 0) rc = answer(&k, err);
    for (size_t i = 0; i < k.in.count; i++) {
        free((void *)(uintptr_t)k.list[i].usual);
        pipeline_free((struct pipeline *)(uintptr_t)k.list[i].pipeline);
    }
    free(k.list);
    buf_release(&k.unknown);
    view_close(&k.v);
    return rc;
}

static const struct flag flags[] = {
    {.name = "for", .value = "DURATION", .help = "how far to look (7d)"},
    {.name = "from", .value = "TIME", .help = "from then on (now)"},
    {.name = "assume", .value = "DURATION", .help = "what a step that never ran counts as (0s)"},
    {.name = "jobs",
     .letter = 'j',
     .value = "N",
     .help = "local steps at once (default: the cores, at least 4)"},
    {.name = "limit",
     .letter = 'n',
     .value = "N",
     .help = "show so many runs, and so many times that something is full (25); 0: all"},
    {0},
};

static const char *const examples[] = {
    "leat forecast\tthe next seven days of all pipelines",
    "leat forecast sales_daily --for 36h -n 0\tevery run of one pipeline",
    "leat forecast --from 2027-03-27 --assume 10m --json\tfor a script; new steps count as ten minutes",
    NULL,
};
static const int exits[] = {EX_INVALID, EX_NOT_FOUND, EX_ENVIRONMENT, 0};

const struct command command_forecast = {
    .name = "forecast",
    .group = GROUP_LOOK,
    .usage = "[SELECTION...] [--for 7d] [--from T] [--assume DURATION]",
    .about = "Predicts starts, finishes and full pools from schedules and from how long steps usually take.",
    .more = "The scheduler itself is played on a clock that runs ahead: pools, priorities, max_active_runs, "
            "if_running and "
            "pauses are honoured. A step takes the median of its last successes and ends well. Runs under "
            "way, runs by "
            "hand, backfills and triggers by data are not part of it, and times on shared lines are UTC "
            "unless --tz says "
            "otherwise.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_max = 1000,
    .run = run,
};
