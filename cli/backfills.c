/* backfills.c: `leat backfill list`, `show`, `pause`, `resume`, `cancel`. */
#include "cli/backfill.h"

#include "base/json.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "store/runs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_AT_ONCE = 1000 };

/* ---- as JSON ---- */

static json_t *backfill_json(const struct backfill_row *b) {
    json_t *o = json_object();
    bool restates = strcmp(b->kind, "restate") == 0;
    json_put(o, "id", json_id(b->id));
    json_put_text(o, "kind", b->kind);
    json_put_text(o, "name", b->name);
    json_put_text(o, "pipeline", restates ? NULL : b->subject);
    json_put_text(o, "dataset", restates ? b->subject : NULL);
    json_put(o, "from", json_instant(b->window_from));
    json_put(o, "to", json_instant(b->window_to));
    json_put_text(o, "state", b->state);
    json_put(o, "total", json_integer(b->total));
    json_put(o, "done", json_integer(b->done));
    json_put(o, "failed", json_integer(b->failed));
    json_put(o, "running", json_integer(b->running));
    json_put(o, "skipped", json_integer(b->skipped));
    json_put(o, "cancelled", json_integer(b->cancelled));
    json_put(o, "planned", json_integer(b->planned));
    json_put(o, "max_parallel", json_integer(b->max_parallel));
    json_put(o, "max_failures", json_number(b->max_failures));
    json_put_text(o, "author", b->author);
    json_put_text(o, "reason", b->reason);
    json_put(o, "created_at", json_instant(b->created_at));
    json_put(o, "started_at", json_instant(b->started_at));
    json_put(o, "finished_at", json_instant(b->finished_at));
    json_put(o, "options", json_parsed(b->options));
    return o;
}

/* The run that did it, or the one that the plan kept. */
static json_t *item_json(const struct backfill_item *i) {
    bool over = strcmp(i->state, "planned") != 0 && strcmp(i->state, "skipped") != 0;
    json_t *o = json_object(), *options = json_parsed(i->options);
    json_put(o, "window", json_window(i->window_start, i->window_end));
    json_put_text(o, "pipeline", i->pipeline);
    json_put_text(o, "action", i->action);
    json_put_text(o, "reason", i->reason);
    json_put(o, "run", json_id(i->run));
    json_put_text(o, "result", over ? i->state : NULL);
    json_put_text(o, "state", i->state);
    json_put(o, "stage", json_integer(i->stage));
    json_put(o, "steps", json_incref(json_object_get(options, "only")));
    json_decref(options);
    return o;
}

static int windows_json(struct view *v, int64_t id, json_t *out, struct err *err) {
    struct item_filter f = {.backfill = id, .limit = ITEMS_AT_ONCE};
    size_t n = ITEMS_AT_ONCE;
    while (n == ITEMS_AT_ONCE) {
        struct arena *a = arena_new();
        struct backfill_item *items;
        int rc = store_backfill_items(v->store, &f, a, &items, &n, err);
        for (size_t i = 0; rc >= 0 && i < n; i++) json_array_append_new(out, item_json(&items[i]));
        if (rc >= 0 && n) f.from = items[n - 1].n + 1;
        arena_free(a);
        if (rc < 0) return -1;
    }
    return 0;
}

/* ---- list ---- */

static const struct column columns[] = {
    {.title = "BACKFILL", .right = true},
    {.title = "OF", .keep = 4},
    {.title = "FROM", .keep = 5},
    {.title = "TO", .keep = 5},
    {.title = "STATE", .status = true},
    {.title = "OK", .right = true},
    {.title = "OF", .right = true},
    {.title = "FAILED", .right = true},
    {.title = "STARTED", .keep = 2},
    {.title = "NAME", .keep = 1},
    {.title = NULL},
};

static const char *subject_of(struct view *v, const struct backfill_row *b) {
    return strcmp(b->kind, "restate") == 0 ? arena_printf(v->arena, "restate %s", b->subject) : b->subject;
}

const struct tz *backfill_zone(struct view *v, const struct backfill_row *b) {
    struct item_filter first = {.backfill = b->id, .limit = 1};
    struct backfill_item *items;
    struct err ignored;
    size_t n;
    if (strcmp(b->kind, "restate") != 0) return view_tz(v, b->subject);
    if (!v->store || store_backfill_items(v->store, &first, v->arena, &items, &n, &ignored) < 0 || !n)
        return v->tz;
    return view_tz(v, items[0].pipeline);
}

static void print_table(struct view *v, const struct backfill_row *rows, size_t n) {
    struct table *t = table_new(columns);
    for (size_t i = 0; i < n; i++) {
        const struct backfill_row *b = &rows[i];
        const struct tz *tz = backfill_zone(v, b);
        char text[WHEN_TEXT];
        table_addf(t, "%" PRId64, b->id);
        table_add(t, subject_of(v, b));
        table_add(t, when_short(tz, b->window_from, text));
        table_add(t, when_short(tz, b->window_to, text));
        table_add(t, b->state);
        table_addf(t, "%" PRId64, b->done);
        table_addf(t, "%" PRId64, b->total - b->skipped);
        table_addf(t, "%" PRId64, b->failed);
        table_add(t, when_text(tz, b->started_at, text));
        table_add(t, b->name);
    }
    table_print(t, v->c);
    table_free(t);
}

static int list(struct view *v, struct err *err) {
    struct backfill_row *rows = NULL;
    size_t n = 0;
    if (v->store && store_backfills_list(v->store, false, v->arena, &rows, &n, err) < 0) return -1;
    if (v->c->json) {
        json_t *items = json_array();
        for (size_t i = 0; i < n; i++) json_array_append_new(items, backfill_json(&rows[i]));
        out_document(&v->c->out, "backfill", items);
        return EX_OK;
    }
    if (n) print_table(v, rows, n);
    if (!n) cli_say(v->c, "no backfills\n");
    return EX_OK;
}

static int run_list(struct cli *c, struct err *err) {
    struct view v;
    int rc = view_open(&v, c, err);
    if (!rc) rc = list(&v, err);
    view_close(&v);
    return rc;
}

/* ---- one of them ---- */

static int not_there(const char *text, struct err *err) {
    err_set(err, EX_NOT_FOUND, "there is no backfill `%s`", text);
    return err_hint(err, "see: leat backfill list");
}

/* By its number or its name. */
static int find(struct view *v, const char *text, struct backfill_row *out, struct err *err) {
    char *end;
    int64_t id = strtoll(text, &end, 10);
    int found = 0;
    if (v->store && *text && !*end) found = store_backfill_get(v->store, id, v->arena, out, err);
    if (v->store && found == 0) found = store_backfill_named(v->store, text, v->arena, out, err);
    return found == 0 ? not_there(text, err) : found < 0 ? -1 : 0;
}

/* ---- show ---- */

static const struct column item_columns[] = {
    {.title = "STATE", .status = true}, {.title = "WINDOW"},
    {.title = "PIPELINE", .keep = 3},   {.title = "RUN", .right = true},
    {.title = "PLANNED AS", .keep = 2}, {.title = NULL},
};

static const char *why_of(struct view *v, const struct backfill_item *i) {
    bool meanwhile = strcmp(i->state, "skipped") == 0 && strcmp(i->action, "run") == 0;
    return meanwhile ? arena_printf(v->arena, "run %" PRId64 " did it meanwhile", i->run) : i->reason;
}

static int show_items(struct view *v, const struct backfill_row *b, struct err *err) {
    struct item_filter f = {.backfill = b->id, .limit = b->total};
    struct backfill_item *items;
    size_t n;
    if (store_backfill_items(v->store, &f, v->arena, &items, &n, err) < 0) return -1;
    struct table *t = table_new(item_columns);
    for (size_t i = 0; i < n; i++) {
        table_add(t, items[i].state);
        table_add(t, view_window(v, items[i].pipeline, items[i].window_start, items[i].window_end));
        table_add(t, items[i].pipeline);
        if (items[i].run)
            table_addf(t, "%" PRId64, items[i].run);
        else
            table_add(t, "");
        table_add(t, why_of(v, &items[i]));
    }
    table_print(t, v->c);
    table_free(t);
    return EX_OK;
}

static void show_head(struct view *v, const struct backfill_row *b) {
    const struct out *o = &v->c->out;
    const struct tz *tz = backfill_zone(v, b);
    char from[WHEN_TEXT], to[WHEN_TEXT];
    out_printf(o, "backfill %" PRId64 "  %s  %s %s %s (to is exclusive, %s)  ", b->id, subject_of(v, b),
               when_short(tz, b->window_from, from), out_ellipsis(o), when_short(tz, b->window_to, to),
               tz_name(tz));
    out_paint(o, out_status_paint(b->state), b->state, 0);
    out_printf(o,
               "\nok %" PRId64 "  failed %" PRId64 "  running %" PRId64 "  not started %" PRId64
               "  kept %" PRId64,
               b->done, b->failed, b->running, b->planned, b->skipped);
    if (b->cancelled) out_printf(o, "  cancelled %" PRId64, b->cancelled);
    out_printf(o, "  %" PRId64 " at once\n", b->max_parallel);
    if (b->name || b->author || b->reason)
        out_printf(o, "%s%s%s%s%s\n", b->name ? b->name : "", b->name ? "  " : "", b->author ? b->author : "",
                   b->reason ? "  " : "", b->reason ? b->reason : "");
    out_printf(o, "\n");
}

static int show(struct view *v, struct err *err) {
    struct backfill_row b;
    if (find(v, cli_arg(v->c, 0), &b, err)) return -1;
    if (!v->c->json) {
        show_head(v, &b);
        return show_items(v, &b, err);
    }
    json_t *o = backfill_json(&b), *windows = json_array();
    json_put(o, "windows", windows);
    if (windows_json(v, b.id, windows, err)) {
        json_decref(o);
        return -1;
    }
    out_document(&v->c->out, "backfill", json_pack("[o]", o));
    return EX_OK;
}

static int run_show(struct cli *c, struct err *err) {
    struct view v;
    int rc = view_open(&v, c, err);
    if (!rc) rc = show(&v, err);
    view_close(&v);
    return rc;
}

/* ---- pause, resume, cancel ---- */

static int ask_about(struct view *v, struct calls *f, const char *word, json_t **answer, struct err *err) {
    struct backfill_row b;
    if (find(v, cli_arg(v->c, 0), &b, err)) return -1;
    json_t *request = json_pack("{ss sI sb}", "ask", word, "backfill", (json_int_t)b.id, "running",
                                cli_given(v->c, "running"));
    return backfill_ask(v, f, request, answer, err);
}

static void say_stopped(struct cli *c, const json_t *answer, const char *done) {
    long long id = json_int(answer, "backfill", 0), running = json_int(answer, "running", 0);
    if (c->json) {
        out_printf(&c->out, "{\"backfill\":\"%lld\",\"state\":\"%s\"}\n", id,
                   json_text_or(answer, "state", ""));
        return;
    }
    out_printf(&c->out, "backfill %lld %s: nothing more of it starts", id, done);
    if (running)
        out_printf(&c->out, "; %lld window%s still run%s", running, running == 1 ? "" : "s",
                   running == 1 ? "s" : "");
    out_printf(&c->out, "\n");
}

static int stop(struct cli *c, const char *word, const char *done, struct err *err) {
    struct view v;
    json_t *answer;
    int rc = view_open(&v, c, err);
    struct calls *f = calls_new(v.project);
    if (!rc) rc = ask_about(&v, f, word, &answer, err);
    if (!rc) {
        say_stopped(c, answer, done);
        json_decref(answer);
    }
    calls_free(f);
    view_close(&v);
    return rc;
}

static int run_pause(struct cli *c, struct err *err) { return stop(c, "backfill_pause", "paused", err); }
static int run_cancel(struct cli *c, struct err *err) { return stop(c, "backfill_cancel", "cancelled", err); }

static int run_resume(struct cli *c, struct err *err) {
    struct view v;
    json_t *answer;
    int rc = view_open(&v, c, err);
    struct calls *f = calls_new(v.project);
    if (!rc) rc = ask_about(&v, f, "backfill_resume", &answer, err);
    if (!rc) rc = backfill_begun(&v, f, answer, err);
    calls_free(f);
    view_close(&v);
    return rc;
}

static const struct flag cancel_flags[] = {
    {.name = "running", .help = "stop the windows that run, too; without it they are let finish"},
    {0},
};
static const struct flag resume_flags[] = {
    {.name = "detach", .help = "return at once"},
    {.name = "jobs", .letter = 'j', .value = "N", .help = "local steps at once, when it is done here"},
    {0},
};

static const char *const list_examples[] = {"leat backfill list\tthe newest first", NULL};
static const char *const show_examples[] = {"leat backfill show 3\tevery window, and why",
                                            "leat backfill show 3 --json\tfor programs", NULL};
static const char *const pause_examples[] = {"leat backfill pause 3\tuntil it is resumed", NULL};
static const char *const resume_examples[] = {"leat backfill resume 3\tgoes on, failed windows too", NULL};
static const char *const cancel_examples[] = {"leat backfill cancel 3\twhat runs is let finish",
                                              "leat backfill cancel 3 --running\twhat runs is stopped", NULL};
static const int look_exits[] = {EX_NOT_FOUND, EX_ENVIRONMENT, 0};
static const int stop_exits[] = {EX_NOT_FOUND, EX_ENVIRONMENT, EX_CONFLICT, 0};
static const int resume_exits[] = {EX_FAILED,    EX_INVALID,  EX_NOT_FOUND,   EX_ENVIRONMENT,
                                   EX_WAIT_OVER, EX_CONFLICT, EX_INTERRUPTED, 0};

const struct command command_backfill_list = {
    .name = "backfill list",
    .group = GROUP_LOOK,
    .usage = "",
    .about = "Lists backfills and restatements, the newest first.",
    .examples = list_examples,
    .exits = look_exits,
    .run = run_list,
};

const struct command command_backfill_show = {
    .name = "backfill show",
    .group = GROUP_LOOK,
    .usage = "NUMBER|NAME",
    .about = "Shows one backfill, window by window.",
    .examples = show_examples,
    .exits = look_exits,
    .args_min = 1,
    .args_max = 1,
    .run = run_show,
};

const struct command command_backfill_pause = {
    .name = "backfill pause",
    .group = GROUP_RUN,
    .usage = "NUMBER|NAME",
    .about = "Lets nothing more of a backfill start; what runs is let finish.",
    .examples = pause_examples,
    .exits = stop_exits,
    .args_min = 1,
    .args_max = 1,
    .run = run_pause,
};

const struct command command_backfill_resume = {
    .name = "backfill resume",
    .group = GROUP_RUN,
    .usage = "NUMBER|NAME [--detach]",
    .about = "Goes on with a backfill that was paused, cancelled, interrupted or has failed.",
    .more = "Windows that failed or were cancelled run again. In the daemon when one serves, else in this "
            "command.",
    .examples = resume_examples,
    .flags = resume_flags,
    .exits = resume_exits,
    .args_min = 1,
    .args_max = 1,
    .run = run_resume,
};

const struct command command_backfill_cancel = {
    .name = "backfill cancel",
    .group = GROUP_RUN,
    .usage = "NUMBER|NAME [--running]",
    .about = "Gives a backfill up: when this returns, nothing more of it starts.",
    .examples = cancel_examples,
    .flags = cancel_flags,
    .exits = stop_exits,
    .args_min = 1,
    .args_max = 1,
    .run = run_cancel,
};
