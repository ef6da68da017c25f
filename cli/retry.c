/* retry.c: `leat retry`: an unfinished run goes on; a failed one begins a new generation. */
#include "base/arena.h"
#include "cli/calls.h"
#include "cli/running.h"
#include "cli/verbs.h"
#include "store/runs.h"

#include <stdlib.h>
#include <string.h>

struct retrying {
    struct cli *c;
    struct pipeline *pipeline;
    int64_t run;
    const char *from_step;
    bool force, unfinished;
};

static int start(struct conductor *k, void *ctx, int64_t *run, struct err *err) {
    struct retrying *r = ctx;
    enum retry_answer answer;
    if (!r->unfinished && conductor_recover(k, 0, err)) return -1;
    int rc = conductor_retry(k, r->run, r->pipeline, r->from_step, r->force, &answer, err);
    r->pipeline = NULL; /* consumed */
    if (rc) return -1;
    if (r->unfinished && conductor_recover(k, answer == RETRY_CONTINUED ? r->run : 0, err)) return -1;
    if (answer == RETRY_NOTHING) cli_say(r->c, "run %lld: nothing to retry\n", (long long)r->run);
    *run = answer == RETRY_NOTHING ? 0 : r->run;
    return 0;
}

/* The run's pipeline and whether it has ended, from the database. */
static int look_up(const struct project *p, int64_t run, struct arena *a, struct run_row *row,
                   struct err *err) {
    struct store *s;
    int there = store_open_reader(p->state, NULL, &s, err);
    int found = there == 1 ? store_run_get(s, run, a, row, err) : there;
    if (there == 1) store_close(s);
    if (found == 0) {
        err_set(err, EX_NOT_FOUND, "there is no run %lld", (long long)run);
        err_hint(err, "see: leat runs");
    }
    return found == 1 ? 0 : -1;
}

static int run_number(const char *text, int64_t *run, struct err *err) {
    char *end;
    *run = strtoll(text, &end, 10);
    return *text && !*end && *run > 0 ? 0 : err_set(err, EX_USAGE, "`%s` is not a run's number", text);
}

static int retry(struct cli *c, const struct project *p, struct arena *a, struct err *err) {
    struct retrying r = {.c = c, .from_step = cli_value(c, "from-step"), .force = cli_given(c, "force")};
    struct run_row row;
    if (run_number(cli_arg(c, 0), &r.run, err) || look_up(p, r.run, a, &row, err)) return -1;
    bool open = strcmp(row.state, "running") == 0 || strcmp(row.state, "queued") == 0;
    r.unfinished =
        open && strcmp(row.stop, "interrupted") != 0; /* else recovery ends it, and it begins again */
    if (!(r.pipeline = load_pipeline(c, p, row.pipeline, err))) return -1;
    if (strcmp(r.pipeline->definition, row.sha256) != 0)
        cli_say(c, "the definition of %s has changed since: the one on disk is used\n", row.pipeline);
    struct calls *calls = calls_new(p); /* keeps the pipeline: r's own is consumed */
    calls_add(calls, r.pipeline);
    struct running how = {.start = start, .ctx = &r, .timezone = r.pipeline->timezone, .calls = calls};
    int rc = calls_check_all(c, calls, err) ? -1 : running(c, p, &how, err);
    calls_free(calls);
    pipeline_free(r.pipeline);
    return rc;
}

static int run(struct cli *c, struct err *err) {
    struct arena *a = arena_new();
    struct project *p = load_project(c, err);
    int rc = p ? retry(c, p, a, err) : -1;
    project_free(p);
    arena_free(a);
    return rc;
}

static const struct flag flags[] = {
    {.name = "from-step",
     .value = "STEP",
     .help = "re-run this step and everything after it, whatever failed"},
    {.name = "jobs", .letter = 'j', .value = "N", .help = "local steps at once"},
    {.name = "force", .help = "publish over what a later run has replaced"},
    {0},
};

static const char *const examples[] = {
    "leat retry 43\tthe failed steps and what follows them",
    "leat retry 43 --from-step clean_orders\tfrom that step on",
    NULL,
};

static const int exits[] = {EX_FAILED,      EX_INVALID,  EX_NOT_FOUND,   EX_GATE,
                            EX_ENVIRONMENT, EX_CONFLICT, EX_INTERRUPTED, 0};

const struct command command_retry = {
    .name = "retry",
    .group = GROUP_FIX,
    .everyday = true,
    .usage = "RUN [--from-step STEP]",
    .about = "Re-runs a run's failed steps and what follows them, or goes on with an interrupted run.",
    .more = "Steps that succeeded are kept. The definition on disk now is used; inputs are pinned afresh.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
