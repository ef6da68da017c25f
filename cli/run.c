/* run.c: `leat run`: a pipeline, now, in this process. No daemon is needed. */
#include "base/arena.h"
#include "base/json.h"
#include "cli/asking.h"
#include "cli/calls.h"
#include "cli/running.h"
#include "cli/verbs.h"
#include "cli/when.h"

#include <stdlib.h>
#include <string.h>

enum { SUGGEST_PATIENCE_S = 2 };

/* contract.md 13: without a window it is the last complete one of the first schedule that has windows. It is
 * not an explicit one: bookmarks move. */
static void window_of_schedule(struct cli *c, const struct pipeline *p, struct run_request *rq) {
    size_t i = 0;
    while (i < p->schedule_count && !p->schedules[i].firing_count) i++;
    if (i == p->schedule_count) return;
    struct slots *slots = slots_new(&p->schedules[i].rule);
    struct slot slot;
    if (slots_complete(slots, world_wall(c->world), &slot)) {
        rq->window_start = slot.start;
        rq->window_end = slot.end;
    }
    slots_free(slots);
}

/* --window, or --from and --to: one window. */
static int window_given(struct cli *c, const struct pipeline *p, struct run_request *rq, struct err *err) {
    const char *window = cli_value(c, "window"), *from = cli_value(c, "from"), *to = cli_value(c, "to");
    rq->window_start = rq->window_end = INSTANT_NONE;
    if (!window && !from && !to) {
        window_of_schedule(c, p, rq);
        return 0;
    }
    if (window && (from || to)) return err_set(err, EX_USAGE, "give --window or --from and --to, not both");
    if (!window && (!from || !to)) {
        err_set(err, EX_USAGE, "--from and --to go together");
        return err_hint(err, "--to is exclusive: --from 2026-11-01 --to 2026-11-08 is seven days");
    }
    struct tz *tz = tz_load(c->tz ? c->tz : p->timezone, err);
    if (!tz) {
        err->exit = EX_USAGE; /* the pipeline's own was looked at before */
        return -1;
    }
    struct span_of_time span = {0};
    instant_t now = world_wall(c->world);
    int rc =
        window ? when_window(window, tz, now, &span, err) : when_instant(from, tz, now, &span.start, err);
    if (!rc && !window) rc = when_instant(to, tz, now, &span.end, err);
    tz_free(tz);
    if (rc) return -1;
    if (span.start >= span.end)
        return err_set(err, EX_USAGE, "the window ends before it starts: --to is exclusive");
    rq->window_start = span.start;
    rq->window_end = span.end;
    rq->window_explicit = true;
    return 0;
}

static int window_needed(const struct pipeline *p, const struct run_request *rq, struct err *err) {
    if (!p->uses_window || rq->window_start != INSTANT_NONE) return 0;
    err_set(err, EX_USAGE, "%s uses window.*, and no window was given%s", p->name,
            p->schedule_count ? ": its schedule has no complete one yet" : "");
    return err_hint(err, "leat run %s --window yesterday", p->name);
}

static int fill(struct cli *c, struct run_request *rq, struct err *err) {
    size_t n;
    const char **params = cli_values(c, "param", &n);
    rq->params = pipeline_params(rq->pipeline, params, n, err);
    free(params);
    if (!rq->params) return -1;
    return window_given(c, rq->pipeline, rq, err) || window_needed(rq->pipeline, rq, err) ? -1 : 0;
}

static int start(struct conductor *k, void *ctx, int64_t *run, struct err *err) {
    struct run_request *rq = ctx;
    if (conductor_recover(k, 0, err)) return -1;
    *run = conductor_submit(k, rq, err);
    rq->pipeline = NULL;
    rq->params = NULL;
    return *run ? 0 : -1;
}

/* --queue: it begins when its turn comes, in whoever serves. */
static int queue(struct cli *c, const struct project *p, struct run_request *rq, struct err *err) {
    json_t *request = json_pack("{ss ss sO sb sb}", "ask", "queue", "pipeline", rq->pipeline->name, "params",
                                rq->params, "force", rq->force, "move_bookmark", rq->move_bookmark),
           *only = json_array(), *answer;
    for (size_t i = 0; i < rq->only_count; i++) json_array_append_new(only, json_string(rq->only[i]));
    json_put(request, "only", only);
    if (rq->from_step) json_put_text(request, "from_step", rq->from_step);
    if (rq->reason) json_put_text(request, "reason", rq->reason);
    if (rq->window_start != INSTANT_NONE)
        json_put(request, "window",
                 json_pack("{sI sI sb}", "start", (json_int_t)rq->window_start, "end",
                           (json_int_t)rq->window_end, "explicit", rq->window_explicit));
    if (ask(c, p, request, &answer, err)) return -1;
    long long run = (long long)json_int(answer, "run", 0);
    if (c->json)
        out_printf(&c->out, "{\"run\":\"%lld\"}\n", run);
    else
        out_printf(&c->out, "run %lld queued; watch it with: leat logs %lld -f\n", run, run);
    json_decref(answer);
    return EX_OK;
}

/* A daemon is at work here: it would run it. */
static void suggest_queue(const struct project *p, const char *name, struct err *err) {
    json_t *request = json_pack("{ss si}", "ask", "status", "patience_seconds", SUGGEST_PATIENCE_S), *answer;
    struct err ignored;
    int rc = conductor_ask(p->state, request, &answer, &ignored);
    json_decref(request);
    if (rc) return;
    if (json_flag(answer, "serves")) err_hint(err, "let the daemon run it: leat run %s --queue", name);
    json_decref(answer);
}

static int go(struct cli *c, const struct project *p, struct run_request *rq, struct err *err) {
    struct calls *calls = calls_new(p); /* keeps the pipeline: the request's own is consumed */
    calls_add(calls, rq->pipeline);
    struct running r = {.start = start, .ctx = rq, .timezone = rq->pipeline->timezone, .calls = calls};
    int rc = calls_check_all(c, calls, err) ? -1 : running(c, p, &r, err);
    if (rc < 0 && strcmp(err->reason, "held") == 0) suggest_queue(p, cli_arg(c, 0), err);
    calls_free(calls);
    return rc;
}

static int run(struct cli *c, struct err *err) {
    struct run_request rq = {.trigger = "manual", .scheduled_for = INSTANT_NONE};
    const char **only = cli_values(c, "only", &rq.only_count);
    rq.only = only;
    rq.from_step = cli_value(c, "from-step");
    rq.force = cli_given(c, "force");
    rq.move_bookmark = cli_given(c, "move-bookmark");
    rq.reason = cli_value(c, "reason");
    struct project *p = load_project(c, err);
    rq.pipeline = p ? load_pipeline(c, p, cli_arg(c, 0), err) : NULL;
    int rc = rq.pipeline ? fill(c, &rq, err) : -1;
    if (!rc) rc = cli_given(c, "queue") ? queue(c, p, &rq, err) : go(c, p, &rq, err);
    json_decref(rq.params);
    pipeline_free(rq.pipeline);
    free(only);
    project_free(p);
    return rc;
}

static const struct flag flags[] = {
    {.name = "window",
     .value = "W",
     .help =
         "the span of data time to run for: a day, hour, month, A..B, yesterday (default: the last complete "
         "window of the schedule)"},
    {.name = "from", .value = "A", .help = "start of the one window; with --to"},
    {.name = "to", .value = "B", .help = "its end, exclusive"},
    {.name = "param",
     .letter = 'p',
     .value = "NAME=VALUE",
     .help = "a parameter of the pipeline; may be repeated"},
    {.name = "only", .value = "STEP", .help = "run just this step; may be repeated"},
    {.name = "from-step", .value = "STEP", .help = "run this step and everything after it"},
    {.name = "jobs",
     .letter = 'j',
     .value = "N",
     .help = "local steps at once (default: the cores, at least 4)"},
    {.name = "queue", .help = "leave it to `leat serve`, which begins it when its turn comes"},
    {.name = "force", .help = "repeat appends that were already made for the window"},
    {.name = "move-bookmark", .help = "let bookmarks move in an explicit window"},
    {.name = "reason", .value = "TEXT", .help = "kept with the run"},
    {0},
};

static const char *const examples[] = {
    "leat run hello\truns it now and shows every step",
    "leat run sales_daily --window yesterday -p min_rows=10\tfor one window, with a parameter",
    "leat run sales_daily --from-step clean_orders\tthat step and what follows",
    "leat run hello --json\tevents for programs, one a line",
    NULL,
};

static const int exits[] = {EX_FAILED,      EX_INVALID,  EX_NOT_FOUND,   EX_GATE,
                            EX_ENVIRONMENT, EX_CONFLICT, EX_INTERRUPTED, 0};

const struct command command_run = {
    .name = "run",
    .group = GROUP_RUN,
    .everyday = true,
    .usage = "PIPELINE [--window W | --from A --to B] [-p NAME=VALUE …]",
    .about = "Runs a pipeline now and shows what happens.",
    .more = "The first Ctrl-C asks running steps to stop, a second one kills them. What an earlier command "
            "that was "
            "killed left unfinished is recovered first, and said.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
