/* cancel.c: `leat cancel`: asks the conductor at work to stop a run. */
#include "base/json.h"
#include "cli/asking.h"
#include "cli/runs.h"
#include "cli/verbs.h"
#include "scheduler/conductor.h"

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

static int run(struct cli *c, struct err *err) {
    struct view v;
    struct run_row row;
    int rc = view_open(&v, c, err);
    if (rc == 0) rc = run_find(&v, cli_arg(c, 0), &row, err);
    if (rc == 0) rc = cancel(c, v.project, row.id, err);
    view_close(&v);
    return rc;
}

static const struct flag flags[] = {
    {.name = "kill", .help = "KILL at once, and no finally steps"},
    {.name = "reason", .value = "TEXT", .help = "kept with the run"},
    {0},
};

static const char *const examples[] = {"leat cancel 511\tits steps get ten seconds to stop",
                                       "leat cancel sales_daily\tthe newest run of a pipeline", NULL};
static const int exits[] = {EX_NOT_FOUND, EX_ENVIRONMENT, 0};

const struct command command_cancel = {
    .name = "cancel",
    .group = GROUP_RUN,
    .usage = "RUN|PIPELINE [--kill]",
    .about = "Stops a running run: its steps are asked to stop, and killed if they do not.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
