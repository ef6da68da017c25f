/* cancel.c: `leat cancel`: asks the conductor at work to stop a run. */
#include "base/json.h"
#include "cli/asking.h"
#include "cli/runs.h"
#include "cli/select.h"
#include "cli/verbs.h"
#include "scheduler/conductor.h"

#include <string.h>

static int cancel(struct cli *c, const struct project *p, int64_t run, struct err *err) {
    json_t *request = json_pack("{ss sI sb ss}", "ask", "cancel", "run", (json_int_t)run, "kill",
                                cli_given(c, "kill"), "reason",
                                cli_value(c, "reason") ? cli_value(c, "reason") : "cancelled"),
           *answer;
    if (ask(c, p, request, &answer, err)) return -1;
    out_printf(&c->out, "run %lld %s\n", (long long)run,
               json_flag(answer, "ended")   ? "cancelled before it began"
               : json_flag(answer, "later") ? "is stopped by the next leat that is at work here"
                                            : "cancelling");
    json_decref(answer);
    return EX_OK;
}

/* Every run of those pipelines that has not ended. */
static int cancel_all(struct view *v, struct err *err) {
    struct cli *c = v->c;
    struct selection chosen;
    struct run_row *open = NULL;
    size_t n = 0, cancelled = 0;
    if (select_pipelines(v, c->args, 1, &chosen, err)) return -1;
    if (v->store && store_runs_open(v->store, v->arena, &open, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++) {
        if (!selection_find(&chosen, open[i].pipeline)) continue;
        if (cancel(c, v->project, open[i].id, err)) return -1;
        cancelled++;
    }
    if (!cancelled) cli_say(c, "no run of %s waits or runs\n", cli_arg(c, 0));
    return EX_OK;
}

/* Of a pipeline the newest run that has not ended; what has ended is refused by whoever is at work. */
static int cancel_one(struct view *v, struct err *err) {
    const char *name = cli_arg(v->c, 0);
    struct run_row row, *open = NULL;
    size_t n = 0;
    if (v->store && store_runs_open(v->store, v->arena, &open, &n, err) < 0) return -1;
    while (n && strcmp(open[n - 1].pipeline, name) != 0) n--;
    if (n) return cancel(v->c, v->project, open[n - 1].id, err);
    if (run_find(v, name, &row, err)) return -1;
    return cancel(v->c, v->project, row.id, err);
}

static int run(struct cli *c, struct err *err) {
    struct view v;
    int rc = view_open(&v, c, err);
    if (rc == 0) rc = select_is_wide(cli_arg(c, 0)) ? cancel_all(&v, err) : cancel_one(&v, err);
    view_close(&v);
    return rc;
}

static const struct flag flags[] = {
    {.name = "kill", .help = "KILL at once, and no finally steps"},
    {.name = "reason", .value = "TEXT", .help = "kept with the run"},
    {0},
};

static const char *const examples[] = {
    "leat cancel 511\tits steps get ten seconds to stop",
    "leat cancel sales_daily\tits newest run that has not ended",
    "leat cancel tag:finance\tall runs of these pipelines that wait or run", NULL};
static const int exits[] = {EX_NOT_FOUND, EX_ENVIRONMENT, 0};

const struct command command_cancel = {
    .name = "cancel",
    .group = GROUP_RUN,
    .usage = "RUN|PIPELINE|SELECTION [--kill]",
    .about = "Stops runs: their steps are asked to stop, and killed if they do not.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
