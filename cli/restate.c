/* restate.c: `leat restate`: one bad day mended everywhere. The plan, its stages and who follows, is shown
 * first. */
#include "cli/backfill.h"

#include "base/buf.h"
#include "base/json.h"
#include "cli/format.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "cli/writing.h"
#include "scheduler/conductor.h"
#include "scheduler/plans/restate_asks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PLAN_PATIENCE_S = 600 };

struct restating_cli {
    struct view v;
    struct calls *calls;
    struct all_pipelines all;
    const char *broken; /* what could not be read; NULL: nothing */
    struct tz *tz;      /* in which times are typed */
    struct restate_request r;
    struct restate_plan plan;
};

/* ---- what is asked for ---- */

/* The zone of the first pipeline that writes it. */
static const char *zone_of(const struct restating_cli *k) {
    if (k->v.c->tz) return k->v.c->tz;
    for (size_t i = 0; i < k->all.count; i++) {
        const struct pipeline *p = k->all.list[i];
        for (uint32_t s = 0; s < p->step_count; s++)
            if (p->steps[s].into && strcmp(p->steps[s].into->dataset, k->r.dataset) == 0) return p->timezone;
    }
    return "UTC";
}

static int no_span(struct err *err) {
    err_set(err, EX_USAGE, "`leat restate` needs --window, or --from and --to");
    return err_hint(
        err, "--window 2026-11-19; or --from 2026-11-01 --to 2026-11-08: seven days, --to is exclusive");
}

static int read_span(struct restating_cli *k, struct err *err) {
    const char *window = cli_value(k->v.c, "window"), *from = cli_value(k->v.c, "from"),
               *to = cli_value(k->v.c, "to");
    instant_t now = world_wall(k->v.c->world);
    struct span_of_time w = {0};
    if (window ? from || to : !from || !to) return no_span(err);
    int rc =
        window ? when_window(window, k->tz, now, &w, err) : when_instant(from, k->tz, now, &w.start, err);
    if (!rc && !window) rc = when_instant(to, k->tz, now, &w.end, err);
    k->r.from = w.start;
    k->r.to = w.end;
    return rc ? -1 : backfill_check_span(k->tz, w.start, w.end, err);
}

static enum restate_downstream downstream_of(const struct cli *c) {
    const char *word = cli_value(c, "downstream");
    for (int i = RESTATE_none; word && i <= RESTATE_all; i++)
        if (strcmp(restate_downstream_names[i], word) == 0) return (enum restate_downstream)i;
    return RESTATE_all;
}

static int read_request(struct restating_cli *k, struct err *err) {
    struct cli *c = k->v.c;
    long parallel, failures;
    k->r = (struct restate_request){.dataset = cli_arg(c, 0),
                                    .downstream = downstream_of(c),
                                    .name = cli_value(c, "name"),
                                    .author = writing_author(),
                                    .reason = cli_value(c, "reason")};
    if (cli_number(c, "max-parallel", 1, 1, &parallel, err)) return -1;
    if (cli_number(c, "max-failures", 1, -1, &failures, err)) return -1;
    k->r.max_parallel = parallel;
    k->r.max_failures = failures;
    k->tz = tz_load(zone_of(k), err);
    return k->tz ? read_span(k, err) : -1;
}

/* ---- the plan ---- */

static const struct column columns[] = {
    {.title = "STAGE", .right = true},
    {.title = "ACTION", .status = true},
    {.title = "PIPELINE"},
    {.title = "STEPS", .keep = 3},
    {.title = "WINDOWS", .right = true},
    {.title = "WHICH", .keep = 4},
    {.title = "WHY", .keep = 2},
    {.title = NULL},
};

static const char *steps_text(struct view *v, const struct restate_item *i) {
    const char *text = i->steps[0];
    for (size_t s = 1; s < i->step_count; s++) text = arena_printf(v->arena, "%s, %s", text, i->steps[s]);
    return text;
}

static bool is_alike(const struct restate_item *a, const struct restate_item *b) {
    if (a->stage != b->stage || a->pipeline != b->pipeline || a->step_count != b->step_count) return false;
    if (a->gone || b->gone || strcmp(a->reason, b->reason) != 0) return false;
    for (size_t i = 0; i < a->step_count; i++)
        if (strcmp(a->steps[i], b->steps[i]) != 0) return false;
    return true;
}

static const char *which(struct view *v, const struct restate_item *first, const struct restate_item *last) {
    struct time_span a = {first->start, first->end}, b = {last->start, last->end};
    return stretch_text(v, view_tz(v, first->pipeline->name), &a, &b);
}

static void show_items(struct restating_cli *k) {
    struct view *v = &k->v;
    struct table *t = table_new(columns);
    for (size_t i = 0, to; i < k->plan.count; i = to) {
        const struct restate_item *item = &k->plan.items[i];
        for (to = i + 1; to < k->plan.count && is_alike(item, &k->plan.items[to]); to++) {
        }
        table_addf(t, "%" PRId64, item->stage + 1);
        table_add(t, item->gone ? "refuse" : "run");
        table_add(t, item->pipeline->name);
        table_add(t, steps_text(v, item));
        table_addf(t, "%zu", to - i);
        table_add(t, which(v, item, &k->plan.items[to - 1]));
        table_add(t, item->gone ? item->gone : item->reason);
    }
    table_print(t, v->c);
    table_free(t);
}

static json_t *item_json(const struct restate_item *i) {
    json_t *steps = json_array();
    for (size_t s = 0; s < i->step_count; s++) json_array_append_new(steps, json_string(i->steps[s]));
    return json_pack("{so ss so sI ss ss sn sn}", "window", json_window(i->start, i->end), "pipeline",
                     i->pipeline->name, "steps", steps, "stage", (json_int_t)i->stage, "action",
                     i->gone ? "refuse" : "run", "reason", i->gone ? i->gone : i->reason, "run", "result");
}

static void show_json(struct restating_cli *k) {
    json_t *windows = json_array(), *notes = json_array();
    for (size_t i = 0; i < k->plan.count; i++) json_array_append_new(windows, item_json(&k->plan.items[i]));
    for (size_t i = 0; i < k->plan.note_count; i++)
        json_array_append_new(notes, json_string(k->plan.notes[i]));
    out_document(&k->v.c->out, "restate",
                 json_pack("[{sn ss so so sn sI sI so so}]", "id", "dataset", k->r.dataset, "from",
                           json_instant(k->r.from), "to", json_instant(k->r.to), "state", "total",
                           (json_int_t)k->plan.count, "refused", (json_int_t)k->plan.refused, "notes", notes,
                           "windows", windows));
}

static void show_plan(struct restating_cli *k) {
    struct cli *c = k->v.c;
    char runs[FORMAT_TEXT], stages[FORMAT_TEXT];
    if (c->json) return;
    out_printf(&c->out, "restate %s: %s in %s\n", k->r.dataset,
               format_plural((int64_t)k->plan.count, "run", runs),
               format_plural(k->plan.stages, "stage", stages));
    show_items(k);
    fflush(c->out.file);
    for (size_t i = 0; i < k->plan.note_count; i++) cli_say(c, "%s\n", k->plan.notes[i]);
    if (k->broken) cli_say(c, "warning: what it reads is not known: %s\n", k->broken);
}

static int refused(const struct restating_cli *k, struct err *err) {
    size_t i = 0;
    while (!k->plan.items[i].gone) i++;
    err_set(err, EX_CONFLICT, "%s cannot run again: %s", k->plan.items[i].pipeline->name,
            k->plan.items[i].gone);
    return err_hint(err, "bring it back first, or restate less: --downstream none, a shorter stretch");
}

/* ---- the verb ---- */

static int add(struct restating_cli *k, struct err *err) {
    json_t *answer,
        *request = json_pack("{ss so ss si}", "ask", "restate_add", "plan", restate_request_json(&k->r),
                             "token", k->plan.token, "patience_seconds", PLAN_PATIENCE_S);
    if (backfill_ask(&k->v, k->calls, request, &answer, err)) return -1;
    return backfill_begun(&k->v, k->calls, answer, err);
}

static int confirm_and_add(struct restating_cli *k, struct err *err) {
    bool yes, dry = cli_given(k->v.c, "dry-run");
    if (!k->v.c->quiet || dry) show_plan(k);
    if (dry && k->v.c->json) show_json(k);
    if (k->plan.refused) return refused(k, err);
    if (dry) return EX_OK;
    if (cli_confirm(k->v.c, "continue?", &yes, err)) return -1;
    if (yes) return add(k, err);
    cli_say(k->v.c, "nothing was written down\n");
    return EX_OK;
}

static int plan(struct restating_cli *k, struct err *err) {
    struct restate_asked asked = {.store = k->v.store};
    struct restate_asks asks = restate_asks_of(&asked);
    struct restate_sources s = {(const struct pipeline *const *)k->all.list, k->all.count, &asks,
                                world_wall(k->v.c->world)};
    int rc = restate_plan(&s, &k->r, &k->plan, err);
    restate_asked_release(&asked);
    return rc;
}

/* A name that is there goes on with what it stands for. */
static int named(struct restating_cli *k, struct err *err) {
    const struct restate_request *r = &k->r;
    if (!r->name || cli_given(k->v.c, "dry-run")) return 0;
    const struct named_ask a = {"restate", r->name, r->dataset, r->from, r->to, k->tz};
    return backfill_named(&k->v, &a, err);
}

static int restate(struct restating_cli *k, struct err *err) {
    if (!k->v.store) return view_nothing(&k->v, "dataset", cli_arg(k->v.c, 0), err);
    k->r.dataset = cli_arg(k->v.c, 0);
    all_pipelines_read(k->v.project, calls_find, k->calls, k->v.arena, &k->all, &k->broken);
    if (read_request(k, err)) return -1;
    int there = named(k, err);
    if (there < 0) return -1;
    if (there) return add(k, err);
    return plan(k, err) ? -1 : confirm_and_add(k, err);
}

static int run(struct cli *c, struct err *err) {
    struct restating_cli k = {0};
    int rc = view_open(&k.v, c, err);
    k.calls = calls_new(k.v.project);
    if (!rc) rc = restate(&k, err);
    restate_plan_release(&k.plan);
    all_pipelines_release(&k.all);
    calls_free(k.calls);
    tz_free(k.tz);
    view_close(&k.v);
    return rc;
}

static const struct flag flags[] = {
    {.name = "window", .value = "W", .help = "the span that was wrong: a day, hour, month, A..B, yesterday"},
    {.name = "from", .value = "A", .help = "its start; with --to"},
    {.name = "to", .value = "B", .help = "its end, exclusive"},
    {.name = "downstream",
     .value = "WHICH",
     .values = restate_downstream_names,
     .help = "who follows: none, steps of the same pipeline, or all that read it (default)"},
    {.name = "max-parallel", .value = "N", .help = "runs at once (default 1)"},
    {.name = "max-failures", .value = "N", .help = "start nothing more after so many failed ones"},
    {.name = "name",
     .value = "TEXT",
     .help = "the same name again goes on with it, unless it is paused or cancelled"},
    {.name = "reason", .value = "TEXT", .help = "kept with it"},
    {.name = "dry-run", .help = "show the plan"},
    {.name = "detach", .help = "write it down and return"},
    {.name = "jobs", .letter = 'j', .value = "N", .help = "local steps at once, when it is done here"},
    {0},
};

static const char *const examples[] = {
    "leat restate trusted.orders --window 2026-11-19 --dry-run\twho read that day, and in which order it is "
    "mended",
    "leat restate trusted.orders --window 2026-11-19\tmends it, and everything made from it",
    "leat restate raw.orders --from 2026-11-01 --to 2026-11-08 --downstream none\tjust the dataset",
    NULL,
};

static const int exits[] = {EX_FAILED,    EX_INVALID,  EX_NOT_FOUND,   EX_ENVIRONMENT,
                            EX_WAIT_OVER, EX_CONFLICT, EX_INTERRUPTED, 0};

const struct command command_restate = {
    .name = "restate",
    .group = GROUP_FIX,
    .usage = "DATASET --window W | --from A --to B [--downstream none|pipeline|all]",
    .about = "Makes a dataset anew for a span of time, and everything that was made from it.",
    .more = "The step that writes it runs again for the windows that meet the span; then, stage by stage, "
            "every step of "
            "any pipeline that read it for a window that meets a changed one. Bookmarks stay where they are. "
            "It is kept "
            "in the database like a backfill, and `leat backfill list`, `show`, `pause`, `resume` and "
            "`cancel` know it. "
            "Ends with 8 when an input that some window needs is there no more.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
