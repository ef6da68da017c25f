/* serve.c: `leat serve`: the daemon. Its log goes to stdout, a line a happening, as text or as JSON. */
#include "scheduler/serve.h"

#include "base/json.h"
#include "cli/load.h"
#include "cli/servelog.h"
#include "cli/verbs.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int drain_of(const struct cli *c, duration_t *out, struct err *err) {
    const char *text = cli_value(c, "drain-timeout");
    *out = 0;
    if (!text || duration_parse(text, out)) return 0;
    err_set(err, EX_USAGE, "--drain-timeout `%s` is not a duration", text);
    return err_hint(err, "write `30s`, `5m` or `1h`");
}

/* The program under its own name: what was installed there since is what goes on. */
#define HANDED_OVER "LEAT_HANDED_OVER" /* lock, listening socket, which database: "4,9,51e0c0de-…" */

static struct inherited handed_over(void) {
    struct inherited in = {0};
    const char *text = getenv(HANDED_OVER);
    if (!text || sscanf(text, "%d,%d,%39s", &in.lock_fd, &in.listen_fd, in.uuid) < 2)
        in = (struct inherited){0};
    unsetenv(HANDED_OVER); /* no step is to see it */
    return in;
}

static int exec_again(struct cli *c, const char *programs, struct inherited in, struct err *err) {
    char path[4096], text[128];
    snprintf(path, sizeof path, "%s/leat", programs);
    snprintf(text, sizeof text, "%d,%d,%s", in.lock_fd, in.listen_fd, in.uuid);
    setenv(HANDED_OVER, text, 1);
    cli_flush(c, EX_OK);
    execv(path, c->argv);
    return err_errno(err, "cannot start %s again", path);
}

static int serve_project(struct cli *c, const struct project *p, struct err *err) {
    long jobs;
    enum serve_end end;
    struct inherited next;
    const char *format = cli_value(c, "log-format");
    struct servelog log = {
        .out = &c->out, .err = &c->err, .json = c->json || (format && strcmp(format, "json") == 0)};
    char *programs = programs_folder();
    struct sql_asking asking = {.project = p};
    struct pipeline_reader reader = pipeline_reader(&asking);
    struct serve_options o = {.conductor = {.project = p,
                                            .world = c->world,
                                            .programs = programs,
                                            .reader = &reader,
                                            .inherited = handed_over()},
                              .load = load_quietly,
                              .log = servelog_event,
                              .log_ctx = &log,
                              .once = cli_given(c, "once")};
    int rc = cli_number(c, "jobs", 1, 0, &jobs, err) || drain_of(c, &o.drain, err) ? -1 : 0;
    o.conductor.jobs = rc ? 0 : jobs;
    if (!rc) rc = serve(&o, &end, &next, err);
    if (!rc && end == SERVE_STOPPED) rc = servelog_end(&log, err);
    if (!rc && end == SERVE_REPLACED) rc = exec_again(c, programs, next, err);
    free(programs);
    return rc;
}

static int run(struct cli *c, struct err *err) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
    struct project *p = load_project(c, err);
    int rc = p ? serve_project(c, p, err) : -1;
    project_free(p);
    return rc;
}

static const char *const formats[] = {"text", "json", NULL};

static const struct flag flags[] = {
    {.name = "log-format",
     .value = "FORMAT",
     .values = formats,
     .help = "how a line of the log looks: text or json"},
    {.name = "drain-timeout",
     .value = "DURATION",
     .help = "how long to wait at the end for running steps; they go on without it afterwards (default 0s)"},
    {.name = "jobs",
     .letter = 'j',
     .value = "N",
     .help = "local steps at once (default: the cores, at least 4)"},
    {.name = "once", .help = "decide what is due, run it, end when nothing is left to do"},
    {0},
};

static const char *const examples[] = {
    "leat serve\truns every pipeline at its times, until it is stopped",
    "leat serve --log-format json\tone JSON object a line, for journald and log collectors",
    "leat serve --once\tin somebody else's timer: what is due now",
    NULL,
};

static const int exits[] = {EX_INVALID, EX_ENVIRONMENT, EX_CONFLICT, 0};

const struct command command_serve = {
    .name = "serve",
    .group = GROUP_RUN,
    .everyday = true,
    .usage = "[--log-format text|json] [--drain-timeout DURATION] [--once]",
    .about = "Runs pipelines by themselves: by their schedules, and when data arrives.",
    .more = "SIGTERM or Ctrl-C ends it: nothing more starts, and steps that run go on under their supervisor "
            "until the "
            "next start adopts them. SIGHUP looks at all files at once; a changed file is noticed without "
            "it, and a "
            "broken one keeps the last good definition running. SIGUSR2 replaces it by the program now "
            "installed, "
            "without disturbing a step.\n\n"
            "Its log goes to stdout. text: when (UTC), level (info, warn, error), what happened, then "
            "key=value for all that "
            "is known of it. json: one object a line with `at`, `level`, `type`, `run`, `step` and the "
            "members of the "
            "events of `leat run --json`; types of its own are `serving`, `definition`, `definition_broken`, "
            "`definition_gone`, `project_broken`, `nothing_to_serve`, `slots_skipped`, `resumed`, `clock`, "
            "`zones`, "
            "`draining`, `stopped`, `log_lost`: so many lines could not be written, and "
            "`broken`: it cannot write, and tries again after `again_in_seconds`.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .run = run,
};
