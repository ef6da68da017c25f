/* backfill_plan.c: the plan of a backfill as people and programs read it. */
#include "cli/backfill.h"

#include "base/buf.h"
#include "base/json.h"
#include "cli/format.h"
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

/* A whole day or month by its name, anything else by where it begins. */
static const char *window_name(struct view *v, const struct tz *tz, const struct time_span *w) {
    char text[WHEN_TEXT];
    struct span_of_time span = {w->start, w->end};
    when_window_text(tz, &span, "\x1f", text);
    char *arrow = strchr(text, '\x1f');
    if (arrow) arrow[-1] = '\0';
    return arena_strdup(v->arena, text);
}

const char *stretch_text(struct view *v, const struct tz *tz, const struct time_span *first,
                         const struct time_span *last) {
    const char *a = window_name(v, tz, first), *b = window_name(v, tz, last);
    if (strcmp(a, b) == 0) return a;
    return arena_printf(v->arena, "%s %s %s", a, out_ellipsis(&v->c->out), b);
}

const char *windows_text(struct view *v, const struct tz *tz, size_t n, const struct time_span *first,
                         const struct time_span *last) {
    char count[FORMAT_TEXT];
    format_count(&v->c->out, (int64_t)n, count);
    return arena_printf(v->arena, "%s window%s %s", count, n == 1 ? "" : "s",
                        stretch_text(v, tz, first, last));
}

static struct time_span span_of(const struct plan_window *w) { return (struct time_span){w->start, w->end}; }

/* ---- the first line ---- */

/* What is kept or refused is said with what to type to have it otherwise. X(whys, words) */
static const struct {
    enum plan_why why[2];
    const char *words;
} kept[] = {
    {{WHY_ok, WHY_ok}, "already ok (kept; --redo all to repeat)"},
    {{WHY_failed, WHY_cancelled}, "failed before (kept; --redo failed to repeat)"},
    {{WHY_present, WHY_present}, "there in the data (kept)"},
    {{WHY_under_way, WHY_under_way}, "under way (kept)"},
    {{WHY_due, WHY_due}, "about to be run by the schedule (kept)"},
    {{WHY_made_up_for, WHY_made_up_for},
     "left to the schedule, which makes up for them when it is served (kept)"},
    {{WHY_past_failed, WHY_past_failed}, "refused: the window before has not succeeded"},
    {{WHY_part_of_day, WHY_part_of_day}, "refused: not whole days"},
    {{WHY_lost, WHY_lost}, "refused: an input has nothing of them any more"},
};

static size_t count_why(const struct backfill_plan *p, enum plan_why a, enum plan_why b) {
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++) n += p->windows[i].why == a || p->windows[i].why == b;
    return n;
}

static void add_count(const struct shown_plan *p, struct buf *out, size_t n, const char *words) {
    char count[FORMAT_TEXT];
    if (n) buf_addf(out, ", %s %s", format_count(&p->v->c->out, (int64_t)n, count), words);
}

static void show_head(const struct shown_plan *p, const struct tz *tz) {
    const struct backfill_plan *plan = p->plan;
    const struct out *o = &p->v->c->out;
    struct buf b = BUF_INIT;
    char count[FORMAT_TEXT];
    bool newest = p->request->order == NEWEST_FIRST;
    struct time_span first = span_of(&plan->windows[newest ? plan->count - 1 : 0]);
    struct time_span last = span_of(&plan->windows[newest ? 0 : plan->count - 1]);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        add_count(p, &b, count_why(plan, kept[i].why[0], kept[i].why[1]), kept[i].words);
    out_printf(o, "%s: %s (to is exclusive, %s); %s to run%s\n", p->request->pipeline,
               windows_text(p->v, tz, plan->count, &first, &last), plan->zone,
               format_count(o, (int64_t)plan->actions[PLAN_run], count), buf_str(&b));
    buf_release(&b);
}

/* ---- the rest ---- */

static const struct column columns[] = {{.title = "ACTION", .status = true},
                                        {.title = "WINDOWS", .right = true},
                                        {.title = "WHICH", .keep = 2},
                                        {.title = "WHY", .keep = 1},
                                        {.title = NULL}};

/* Neighbours with one reason are one line. */
static size_t same_from(const struct backfill_plan *p, size_t i) {
    size_t to = i + 1;
    while (to < p->count && p->windows[to].why == p->windows[i].why) to++;
    return to;
}

static const char *why_of_stretch(struct view *v, const struct plan_window *first, size_t n) {
    char text[PLAN_WHY_TEXT];
    plan_why_text(first, text);
    bool names_run = strstr(plan_why_words[first->why], "%lld") != NULL;
    return n > 1 && names_run ? arena_printf(v->arena, "%s %s", text, out_ellipsis(&v->c->out))
                              : arena_strdup(v->arena, text);
}

static void show_windows(const struct shown_plan *p, const struct tz *tz) {
    struct table *t = table_new(columns);
    for (size_t i = 0, to; i < p->plan->count; i = to) {
        const struct plan_window *w = &p->plan->windows[i];
        to = same_from(p->plan, i);
        struct time_span a = span_of(w), b = span_of(&p->plan->windows[to - 1]);
        table_add(t, plan_action_names[w->action]);
        table_addf(t, "%zu", to - i);
        table_add(t, stretch_text(p->v, tz, &a, &b));
        table_add(t, why_of_stretch(p->v, w, to - i));
    }
    table_print(t, p->v->c);
    table_free(t);
}

static void show_notes(const struct shown_plan *p) {
    struct cli *c = p->v->c;
    char took[DURATION_TEXT];
    for (size_t i = 0; i < p->plan->left_out_count; i++)
        cli_say(c, "step %s is left out: %s\n", p->plan->left_out[i].step, p->plan->left_out[i].why);
    if (!p->plan->sees_window)
        cli_say(c, "warning: no step of %s looks at its window: each of these runs does the same\n",
                p->request->pipeline);
    if (!p->plan->actions[PLAN_run]) return;
    if (p->usual < 0)
        cli_say(c, "no earlier run tells how long this takes\n");
    else
        cli_say(c, "about %s, %lld at once, by what earlier runs took\n", duration_text(p->usual, took),
                (long long)p->plan->max_parallel);
}

static const struct tz *zone_of(const struct shown_plan *p) {
    if (p->v->c->tz) return p->v->tz;
    return view_tz(p->v, p->request->pipeline);
}

void backfill_plan_show(const struct shown_plan *p, bool whole) {
    const struct tz *tz = zone_of(p);
    if (p->v->c->json) {
        if (whole) out_document(&p->v->c->out, "backfill", json_pack("[o]", backfill_plan_json(p)));
        return;
    }
    show_head(p, tz);
    if (whole) show_windows(p, tz);
    fflush(p->v->c->out.file);
    show_notes(p);
}

/* ---- for programs ---- */

static json_t *window_json(const struct plan_window *w) {
    char why[PLAN_WHY_TEXT];
    return json_pack("{so ss ss so sn}", "window", json_window(w->start, w->end), "action",
                     plan_action_names[w->action], "reason", plan_why_text(w, why), "run", json_id(w->run),
                     "result");
}

json_t *backfill_plan_json(const struct shown_plan *p) {
    const struct backfill_plan *plan = p->plan;
    json_t *o = json_object(), *windows = json_array(), *out = json_array();
    for (size_t i = 0; i < plan->count; i++) json_array_append_new(windows, window_json(&plan->windows[i]));
    for (size_t i = 0; i < plan->left_out_count; i++)
        json_array_append_new(
            out, json_pack("{ss ss}", "step", plan->left_out[i].step, "why", plan->left_out[i].why));
    json_put(o, "id", json_null());
    json_put_text(o, "pipeline", p->request->pipeline);
    json_put(o, "from", json_instant(p->request->from));
    json_put(o, "to", json_instant(p->request->to));
    json_put_text(o, "timezone", plan->zone);
    json_put(o, "state", json_null());
    json_put(o, "total", json_integer((json_int_t)plan->count));
    json_put(o, "to_run", json_integer((json_int_t)plan->actions[PLAN_run]));
    json_put(o, "kept", json_integer((json_int_t)plan->actions[PLAN_keep]));
    json_put(o, "refused", json_integer((json_int_t)plan->actions[PLAN_refuse]));
    json_put(o, "max_parallel", json_integer(plan->max_parallel));
    json_put(o, "max_failures", json_number(plan->max_failures));
    json_put(o, "expected_seconds", p->usual < 0 ? json_null() : json_real((double)p->usual / 1e6));
    json_put(o, "left_out", out);
    json_put(o, "windows", windows);
    return o;
}
