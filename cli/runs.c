/* runs.c: `leat runs`: the runs of this project, newest first. */
#include "cli/runs.h"

#include "base/json.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "cli/view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

json_t *run_json(const struct run_row *r) {
    json_t *o = json_object();
    json_put(o, "id", json_id(r->id));
    json_put_text(o, "pipeline", r->pipeline);
    json_put(o, "window", json_window(r->window_start, r->window_end));
    json_put_text(o, "trigger", r->trigger);
    json_put_text(o, "schedule", *r->schedule ? r->schedule : NULL);
    json_put(o, "scheduled_for", json_instant(r->scheduled_for));
    json_put(o, "backfill", json_id(r->backfill));
    json_put(o, "generation", json_integer(r->generation));
    json_put_text(o, "result", r->state);
    json_put_text(o, "reason", r->reason && *r->reason ? r->reason : NULL);
    json_put_text(o, "failed_step", r->failed_step);
    json_put_text(o, "note", r->note);
    json_put_text(o, "definition", r->sha256);
    json_put(o, "created_at", json_instant(r->created_at));
    json_put(o, "started_at", json_instant(r->started_at));
    json_put(o, "finished_at", json_instant(r->finished_at));
    return o;
}

const char *run_note(struct view *v, const struct run_row *r) {
    const char *reason = r->reason && *r->reason ? r->reason : NULL;
    if (r->failed_step)
        return arena_printf(v->arena, "%s%s%s", r->failed_step, reason ? ": " : "", reason ? reason : "");
    return reason ? reason : r->note ? r->note : "";
}

static const struct column columns[] = {
    {.title = "RUN", .right = true},     {.title = "PIPELINE", .keep = 3}, {.title = "WINDOW", .keep = 5},
    {.title = "RESULT", .status = true}, {.title = "STARTED", .keep = 4},  {.title = "TOOK", .right = true},
    {.title = "TRIGGER", .keep = 1},     {.title = "NOTE", .keep = 2},     {.title = NULL},
};

static void print_table(struct view *v, const struct run_row *rows, size_t n) {
    struct table *t = table_new(columns);
    for (size_t i = 0; i < n; i++) {
        const struct run_row *r = &rows[i];
        table_addf(t, "%" PRId64, r->id);
        table_add(t, r->pipeline);
        table_add(t, view_window(v, r->pipeline, r->window_start, r->window_end));
        table_add(t, r->state);
        table_add(t, view_time(v, r->pipeline, r->started_at));
        table_add(t, view_took(v, r->started_at, r->finished_at));
        if (r->backfill)
            table_addf(t, "%s %" PRId64, r->trigger, r->backfill);
        else
            table_add(t, r->trigger);
        table_add(t, run_note(v, r));
    }
    table_print(t, v->c);
    table_free(t);
}

static int read_window(struct view *v, struct run_filter *f, struct err *err) {
    const char *text = cli_value(v->c, "window");
    if (!text) return 0;
    struct span_of_time w;
    if (when_window(text, view_tz(v, f->pipeline), world_wall(v->c->world), &w, err) < 0) return -1;
    f->window_start = w.start;
    f->window_end = w.end;
    return 0;
}

/* --since takes a span as well ("7d"): so long ago. */
static int read_since(struct view *v, struct run_filter *f, struct err *err) {
    const char *text = cli_value(v->c, "since");
    duration_t d;
    if (!text) return 0;
    instant_t now = world_wall(v->c->world);
    if (!duration_parse(text, &d)) return when_instant(text, view_tz(v, f->pipeline), now, &f->since, err);
    f->since = now - d;
    return 0;
}

static int read_filter(struct view *v, struct run_filter *f, struct err *err) {
    const struct cli *c = v->c;
    long limit;
    *f = (struct run_filter){
        .pipeline = cli_arg(c, 0),
        .state = cli_value(c, "result"),
        .trigger = cli_value(c, "trigger"),
        .since = INSTANT_NONE,
        .window_start = INSTANT_NONE,
        .window_end = INSTANT_NONE,
    };
    if (cli_number(c, "limit", 1, 25, &limit, err) < 0) return -1;
    f->limit = limit;
    if (cli_number(c, "backfill", 1, 0, &limit, err) < 0) return -1;
    f->backfill = limit;
    return read_window(v, f, err) < 0 ? -1 : read_since(v, f, err);
}

/* A name that no run and no file has is a mistake, not an empty list. */
static int check_name(struct view *v, const char *name, size_t rows, struct err *err) {
    if (!name || rows > 0) return 0;
    char *path = find_pipeline_file(v->project, name, err);
    bool known = path != NULL;
    free(path);
    return known ? 0 : -1;
}

static int list(struct view *v, struct err *err) {
    struct run_filter f;
    struct run_row *rows = NULL;
    size_t n = 0;
    if (read_filter(v, &f, err) < 0) return -1;
    if (v->store && store_runs_list(v->store, &f, v->arena, &rows, &n, err) < 0) return -1;
    if (check_name(v, f.pipeline, n, err) < 0) return -1;
    if (v->c->json) {
        json_t *items = json_array();
        for (size_t i = 0; i < n; i++) json_array_append_new(items, run_json(&rows[i]));
        out_document(&v->c->out, "runs", items);
    } else if (n > 0) {
        print_table(v, rows, n);
    } else {
        cli_say(v->c, "no runs\n");
    }
    return EX_OK;
}

static int run(struct cli *c, struct err *err) {
    struct view v;
    int rc = view_open(&v, c, err);
    if (rc == 0) rc = list(&v, err);
    view_close(&v);
    return rc;
}

static const char *const results[] = {"queued", "running",   "ok",      "warn",
                                      "failed", "cancelled", "skipped", NULL};
static const char *const triggers[] = {"manual", "schedule", "backfill", "dataset", "pipeline", NULL};

static const struct flag flags[] = {
    {.name = "result", .value = "RESULT", .values = results, .help = "only those that ended, or are, so"},
    {.name = "since", .value = "TIME", .help = "only those made since (7d, yesterday, 2026-11-19)"},
    {.name = "window", .value = "WINDOW", .help = "only those about this window, or one inside it"},
    {.name = "trigger", .value = "TRIGGER", .values = triggers, .help = "only those started so"},
    {.name = "backfill", .value = "ID", .help = "only those of this backfill"},
    {.name = "limit", .letter = 'n', .value = "N", .help = "at most so many (25)"},
    {.name = NULL},
};

static const char *const examples[] = {
    "leat runs\tthe last 25",
    "leat runs sales_daily -n 4\tthe last four of one pipeline",
    "leat runs --result failed --since 7d --json\tfor a script",
    NULL,
};

static const int exits[] = {EX_NOT_FOUND, EX_ENVIRONMENT, 0};

const struct command command_runs = {
    .name = "runs",
    .group = GROUP_LOOK,
    .everyday = true,
    .usage = "[PIPELINE] [--result R] [--since T] [--window W] [-n N]",
    .about = "Lists runs, newest first.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_max = 1,
    .run = run,
};
