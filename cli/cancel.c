/* cancel.c: `leat cancel`: asks the conductor at work to stop a run. */
#include "base/json.h"
#include "cli/runs.h"
#include "cli/verbs.h"
#include "scheduler/conductor.h"

static int no_conductor(int64_t run, struct err *err) {
    err_set(err, EX_NOT_FOUND, "no leat is at work here, so run %lld is not running", (long long)run);
    return err_hint(err, "the next leat run settles what an interrupted one left; see: leat runs show %lld",
                    (long long)run);
}

static int ask(struct cli *c, const struct project *p, int64_t run, struct err *err) {
    json_t *request = json_pack("{ss sI sb ss}", "ask", "cancel", "run", (json_int_t)run, "kill",
                                cli_given(c, "kill"), "reason",
                                cli_value(c, "reason") ? cli_value(c, "reason") : "cancelled"),
           *answer = NULL;
    int rc = conductor_ask(p->state, request, &answer, err);
    json_decref(request);
    if (rc == 1) return no_conductor(run, err);
    if (rc == 0 && !json_flag(answer, "ok"))
        rc = err_set(err, EX_NOT_FOUND, "run %lld: %s", (long long)run,
                     json_text_or(answer, "error", "refused"));
    json_decref(answer);
    if (rc) return -1;
    out_printf(&c->out, "run %lld cancelling\n", (long long)run);
    return EX_OK;
}

static int run(struct cli *c, struct err *err) {
    struct view v;
    struct run_row row;
    int rc = view_open(&v, c, err);
    if (rc == 0) rc = run_find(&v, cli_arg(c, 0), &row, err);
    if (rc == 0) rc = ask(c, v.project, row.id, err);
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
