/* backfill.c: `leat backfill`: the plan is made and shown, then written down, then done here or by the
 * daemon. */
#include "cli/backfill.h"

#include "base/json.h"
#include "cli/verbs.h"
#include "cli/writing.h"
#include "scheduler/conductor.h"
#include "scheduler/plans/backfill_asks.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLAN_PATIENCE_S = 600 }; /* millions of windows take their time to be written down */

struct backfilling {
    struct view v;
    struct calls *calls;
    struct pipeline *pipeline;
    struct plan_request r;
    struct backfill_plan plan;
    json_t *params;
};

/* ---- what is asked for ---- */

static int read_time(struct backfilling *k, const char *flag, const struct tz *tz, instant_t *out,
                     struct err *err) {
    const char *text = cli_value(k->v.c, flag);
    if (text) return when_instant(text, tz, world_wall(k->v.c->world), out, err);
    err_set(err, EX_USAGE, "`leat backfill` needs --from and --to");
    return err_hint(err, "--to is exclusive: --from 2026-11-01 --to 2026-11-08 is seven days");
}

int backfill_check_span(const struct tz *tz, instant_t from, instant_t to, struct err *err) {
    char a[WHEN_TEXT], b[WHEN_TEXT];
    if (from < to) return 0;
    err_set(err, EX_USAGE, "--from %s is not before --to %s (%s)", when_short(tz, from, a),
            when_short(tz, to, b), tz_name(tz));
    return err_hint(err, "--to is exclusive: --from 2026-11-01 --to 2026-11-08 is seven days");
}

static int read_span(struct backfilling *k, struct err *err) {
    struct tz *tz = tz_load(k->v.c->tz ? k->v.c->tz : k->pipeline->timezone, err);
    if (!tz) return -1;
    int rc = read_time(k, "from", tz, &k->r.from, err) || read_time(k, "to", tz, &k->r.to, err) ? -1 : 0;
    if (!rc) rc = backfill_check_span(tz, k->r.from, k->r.to, err);
    tz_free(tz);
    return rc;
}

static int read_numbers(struct backfilling *k, struct err *err) {
    const struct backfill_defaults *d = &k->pipeline->backfill;
    long parallel, failures;
    if (cli_number(k->v.c, "max-parallel", 1, (long)d->max_parallel, &parallel, err)) return -1;
    if (cli_number(k->v.c, "max-failures", 1, (long)d->max_failures, &failures, err)) return -1;
    k->r.max_parallel = parallel;
    k->r.max_failures = failures;
    return 0;
}

static enum backfill_redo redo_of(const struct backfilling *k) {
    const char *word = cli_value(k->v.c, "redo");
    if (!word) return k->pipeline->backfill.redo;
    return strcmp(word, "all") == 0 ? REDO_ALL : strcmp(word, "failed") == 0 ? REDO_FAILED : REDO_NEVER;
}

static int read_params(struct backfilling *k, struct err *err) {
    size_t n;
    const char **given = cli_values(k->v.c, "param", &n);
    k->params = pipeline_params(k->pipeline, given, n, err);
    k->r.params = k->params;
    free(given);
    return k->params ? 0 : -1;
}

static int read_request(struct backfilling *k, struct err *err) {
    struct cli *c = k->v.c;
    k->r = (struct plan_request){.pipeline = k->pipeline->name,
                                 .schedule = cli_value(c, "schedule"),
                                 .every = cli_value(c, "every"),
                                 .redo = redo_of(k),
                                 .order = cli_given(c, "newest-first") ? NEWEST_FIRST
                                                                       : k->pipeline->backfill.order,
                                 .missing = cli_given(c, "missing"),
                                 .move_bookmark = cli_given(c, "move-bookmark"),
                                 .step = cli_value(c, "step"),
                                 .from_step = cli_value(c, "from-step"),
                                 .name = cli_value(c, "name"),
                                 .author = writing_author(),
                                 .reason = cli_value(c, "reason")};
    if (k->r.step && k->r.from_step) return err_set(err, EX_USAGE, "give --step or --from-step, not both");
    if (k->r.schedule && k->r.every) return err_set(err, EX_USAGE, "give --schedule or --every, not both");
    return read_span(k, err) || read_numbers(k, err) || read_params(k, err) ? -1 : 0;
}

/* ---- asking ---- */

int backfill_ask(struct view *v, struct calls *f, json_t *request, json_t **answer, struct err *err) {
    char *programs = programs_folder();
    struct conductor_options o = {.project = v->project,
                                  .world = v->c->world,
                                  .programs = programs,
                                  .find = calls_find,
                                  .next = calls_next,
                                  .find_ctx = f};
    int rc = conductor_request(&o, request, answer, err);
    free(programs);
    json_decref(request);
    return rc;
}

/* Whoever writes it down compares everything that is asked; here is said what people mistake. */
static int another_one(const struct backfill_row *b, const struct named_ask *a, struct err *err) {
    char was[2][WHEN_TEXT], is[2][WHEN_TEXT];
    if (strcmp(b->kind, a->kind) != 0 || strcmp(b->subject, a->subject) != 0)
        err_set(err, EX_CONFLICT, "`%s` is the name of backfill %lld, a %s of %s", b->name, (long long)b->id,
                strcmp(b->kind, "restate") == 0 ? "restatement" : "backfill", b->subject);
    else
        err_set(err, EX_CONFLICT, "`%s` is the name of backfill %lld, from %s to %s, not from %s to %s (%s)",
                b->name, (long long)b->id, when_short(a->tz, b->window_from, was[0]),
                when_short(a->tz, b->window_to, was[1]), when_short(a->tz, a->from, is[0]),
                when_short(a->tz, a->to, is[1]), tz_name(a->tz));
    return err_hint(err, "take another --name; see: leat backfill show %lld", (long long)b->id);
}

int backfill_named(struct view *v, const struct named_ask *a, struct err *err) {
    struct backfill_row b;
    int found = v->store ? store_backfill_named(v->store, a->name, v->arena, &b, err) : 0;
    if (found != 1) return found;
    bool same = strcmp(b.kind, a->kind) == 0 && strcmp(b.subject, a->subject) == 0;
    if (!same || b.window_from != a->from || b.window_to != a->to) return another_one(&b, a, err);
    cli_say(v->c, "backfill %lld `%s` is there: %lld of %lld windows are done\n", (long long)b.id, b.name,
            (long long)b.done, (long long)(b.total - b.skipped));
    return 1;
}

static void say_waits(struct cli *c, long long id, bool serves) {
    if (c->json)
        out_printf(&c->out, "{\"backfill\":\"%lld\"}\n", id);
    else if (serves)
        out_printf(&c->out, "backfill %lld goes on in the daemon; look at it with: leat backfill show %lld\n",
                   id, id);
    else
        out_printf(&c->out,
                   "backfill %lld is written down; it begins with the next `leat serve`, or: leat backfill "
                   "resume %lld\n",
                   id, id);
}

int backfill_begun(struct view *v, struct calls *f, json_t *answer, struct err *err) {
    struct cli *c = v->c;
    int64_t id = json_int(answer, "backfill", 0);
    bool serves = json_flag(answer, "serves"), done = strcmp(json_text_or(answer, "state", ""), "ok") == 0;
    instant_t since = world_wall(c->world);
    json_decref(answer);
    if (done && !c->json) out_printf(&c->out, "backfill %lld is done\n", (long long)id);
    if (done) return EX_OK;
    if (cli_given(c, "detach")) {
        say_waits(c, (long long)id, serves);
        return EX_OK;
    }
    if (!c->json && !c->quiet) out_printf(&c->out, "backfill %lld\n", (long long)id);
    fflush(c->out.file);
    bool opened = v->store || store_open_reader(v->project->state, NULL, &v->store, err) == 1;
    return opened ? backfill_follow(v, f, id, since, err) : -1;
}

static int add(struct backfilling *k, struct err *err) {
    json_t *answer,
        *request = json_pack("{ss so ss si}", "ask", "backfill_add", "plan", plan_request_json(&k->r),
                             "token", k->plan.token, "patience_seconds", PLAN_PATIENCE_S);
    if (backfill_ask(&k->v, k->calls, request, &answer, err)) return -1;
    return backfill_begun(&k->v, k->calls, answer, err);
}

/* ---- the plan ---- */

static duration_t predict(struct backfilling *k) {
    struct err ignored;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    duration_t took;
    int known =
        backfill_predict(k->v.store, k->pipeline, &k->r, &k->plan, cores > 4 ? cores : 4, &took, &ignored);
    return known == 1 ? took : -1;
}

/* Windows that the definition cannot do are for whoever wrote it; the others lack something. */
static int nothing_to_run(const struct backfilling *k, struct err *err) {
    bool invalid = false;
    if (!k->plan.actions[PLAN_refuse]) return EX_OK;
    for (size_t i = 0; i < k->plan.count; i++) invalid |= k->plan.windows[i].why == WHY_part_of_day;
    err_set(err, invalid ? EX_INVALID : EX_CONFLICT, "every window that is left is refused");
    if (cli_given(k->v.c, "dry-run")) return -1; /* it was shown why */
    return err_hint(err, "see why: leat backfill %s … --dry-run", k->pipeline->name);
}

/* Shows it and asks; 1: go on, 0: not, -1. */
static int confirm(struct backfilling *k, struct err *err) {
    bool yes, dry = cli_given(k->v.c, "dry-run");
    struct shown_plan shown = {.v = &k->v, .request = &k->r, .plan = &k->plan, .usual = predict(k)};
    if (!k->v.c->quiet || dry) backfill_plan_show(&shown, dry || k->v.c->verbose);
    if (dry || !k->plan.actions[PLAN_run]) return 0;
    if (cli_confirm(k->v.c, "continue?", &yes, err)) return -1;
    if (!yes) cli_say(k->v.c, "nothing was written down\n");
    return yes;
}

static int plan_and_add(struct backfilling *k, struct err *err) {
    struct asked_store asked = {.store = k->v.store, .pipeline = k->pipeline};
    struct plan_asks asks = plan_asks_of(&asked);
    if (backfill_plan(k->pipeline, &k->r, &asks, world_wall(k->v.c->world), &k->plan, err)) return -1;
    int go = confirm(k, err);
    if (go < 0) return -1;
    if (go) return add(k, err);
    return k->plan.actions[PLAN_run] ? EX_OK : nothing_to_run(k, err);
}

/* A name that is there goes on with what it stands for: its plan was shown when it was made. */
static int named(struct backfilling *k, struct err *err) {
    const struct plan_request *r = &k->r;
    if (!r->name || cli_given(k->v.c, "dry-run")) return 0;
    const struct named_ask a = {"backfill", r->name, r->pipeline,
                                r->from,    r->to,   view_tz(&k->v, r->pipeline)};
    return backfill_named(&k->v, &a, err);
}

static int backfill(struct backfilling *k, struct err *err) {
    if (!(k->pipeline = load_pipeline(k->v.c, k->v.project, cli_arg(k->v.c, 0), err))) return -1;
    calls_add(k->calls, k->pipeline);
    if (read_request(k, err)) return -1;
    int there = named(k, err);
    return there < 0 ? -1 : there ? add(k, err) : plan_and_add(k, err);
}

static int run(struct cli *c, struct err *err) {
    struct backfilling k = {0};
    int rc = view_open(&k.v, c, err);
    k.calls = calls_new(k.v.project);
    if (!rc) rc = backfill(&k, err);
    json_decref(k.params);
    backfill_plan_release(&k.plan);
    pipeline_free(k.pipeline);
    calls_free(k.calls);
    view_close(&k.v);
    return rc;
}

static const char *const redos[] = {"never", "failed", "all", NULL};

static const struct flag flags[] = {
    {.name = "from", .value = "A", .help = "start of the first window, at the earliest"},
    {.name = "to", .value = "B", .help = "end of the last window, at the latest: exclusive"},
    {.name = "redo",
     .value = "WHICH",
     .values = redos,
     .help = "windows that ran before: never, failed ones, or all"},
    {.name = "missing", .help = "windows that the data do not have, whatever ran"},
    {.name = "every",
     .value = "UNIT",
     .help = "windows of this length instead of the schedule's: hour, day, \"6 hours\""},
    {.name = "schedule", .value = "NAME", .help = "windows of this schedule (default: the first)"},
    {.name = "newest-first", .help = "the newest window first"},
    {.name = "max-parallel", .value = "N", .help = "windows at once; does not count against max_active_runs"},
    {.name = "max-failures", .value = "N", .help = "start nothing more after so many failed windows"},
    {.name = "step", .value = "STEP", .help = "of every window just this step"},
    {.name = "from-step", .value = "STEP", .help = "of every window this step and everything after it"},
    {.name = "param",
     .letter = 'p',
     .value = "NAME=VALUE",
     .help = "a parameter of the pipeline; may be repeated"},
    {.name = "name",
     .value = "TEXT",
     .help = "the same name again goes on with it, unless it is paused or cancelled"},
    {.name = "move-bookmark", .help = "let bookmarks move: steps bring what is new, whatever the window"},
    {.name = "reason", .value = "TEXT", .help = "kept with it"},
    {.name = "dry-run", .help = "show the plan, and when it would be done"},
    {.name = "detach", .help = "write it down and return"},
    {.name = "jobs", .letter = 'j', .value = "N", .help = "local steps at once, when it is done here"},
    {0},
};

static const char *const examples[] = {
    "leat backfill sales_daily --from 2026-10-01 --to 2026-11-01 --max-parallel 4\tfour days at once",
    "leat backfill sales_daily --from 2026-01-01 --to today --missing --dry-run\twhat the data do not have",
    "leat backfill sales_daily --from 2026-10-01 --to 2026-11-01 --redo failed\tonce more what failed",
    "leat backfill sales_daily --from 2026-01-01 --to 2026-11-01 --name year --detach -y\tby a script, once",
    NULL,
};

static const int exits[] = {EX_FAILED,    EX_INVALID,  EX_NOT_FOUND,   EX_ENVIRONMENT,
                            EX_WAIT_OVER, EX_CONFLICT, EX_INTERRUPTED, 0};

const struct command command_backfill = {
    .name = "backfill",
    .group = GROUP_RUN,
    .usage = "PIPELINE --from A --to B [--redo never|failed|all | --missing] [--max-parallel N]",
    .about = "Runs a pipeline for many windows of the past.",
    .more = "The plan is shown first: what becomes of each window, and why. What ran well is not repeated "
            "unless --redo "
            "all says so, and bookmarks stay where they are. A backfill is kept in the database: it goes on "
            "after a "
            "crash, in the daemon when one serves, else in this command; Ctrl-C only lets go of it. With "
            "--max-failures "
            "or a pause, what is left waits for `leat backfill resume`. Ends with 7 when somebody paused it.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
