/* status_print.c: `leat status` for people: a line a thing, the most urgent kinds of things first. */
#include "base/json.h"
#include "cli/format.h"
#include "cli/status.h"
#include "cli/waiting.h"

#include <inttypes.h>
#include <string.h>

enum { WAITS_SHOWN = 5, QUEUED_SHOWN = 10 };

static void word(const struct out *o, const char *text) { out_paint(o, out_status_paint(text), text, 10); }

/* ---- who is at work ---- */

/* "hello at Sat 2026-11-21 22:05:00 UTC"; NULL: nothing is going to fire. */
static const char *next_text(const struct state_of *s) {
    const json_t *next = json_object_get(s->daemon, "next");
    const char *name = json_text(next, "pipeline");
    if (!name) return NULL;
    return arena_printf(s->v->arena, "%s at %s", name,
                        view_time(s->v, name, json_int(next, "due", INSTANT_NONE)));
}

static void print_pools(const struct state_of *s) {
    size_t i;
    json_t *p;
    json_array_foreach(json_object_get(s->daemon, "pools"), i, p) {
        long long used = (long long)json_int(p, "used", 0), tokens = (long long)json_int(p, "tokens", 0);
        if (used)
            out_printf(&s->v->c->out, ", pool %s %lld of %lld", json_text_or(p, "name", ""), used, tokens);
    }
}

static void print_daemon(const struct state_of *s) {
    const struct out *o = &s->v->c->out;
    const char *next = status_drains(s) ? NULL : next_text(s);
    char steps[FORMAT_TEXT];
    word(o, "DAEMON");
    out_printf(o, "up %s, pid %lld, %lld of %lld slots busy", view_took(s->v, s->holder.since, INSTANT_NONE),
               (long long)json_int(s->daemon, "pid", 0), (long long)json_int(s->daemon, "jobs_used", 0),
               (long long)json_int(s->daemon, "jobs", 0));
    print_pools(s);
    if (status_drains(s))
        out_printf(o, ", stopping: starts nothing more, and waits for %s",
                   format_plural(json_int(s->daemon, "live", 0), "step", steps));
    out_printf(o, ", lag %lld ms", (long long)(json_int(s->daemon, "lag_us", 0) / US_PER_MS));
    out_printf(o, next ? "   next: %s\n" : "\n", next);
    if (!json_flag(s->daemon, "clock_doubted")) return;
    word(o, "CLOCK");
    out_printf(o, "it is %s here: that cannot be right, and no schedule is decided until it is set\n",
               view_time(s->v, NULL, s->now));
}

/* Nobody is told to start a daemon who has nothing for it to do. */
static bool has_use_for_one(const struct state_of *s) {
    for (size_t i = 0; i < s->schedule_count; i++)
        if (s->schedules[i].gone_at == INSTANT_NONE) return true;
    for (size_t i = 0; i < s->open_count; i++)
        if (strcmp(s->open[i].state, "queued") == 0) return true;
    return false;
}

static void print_who(const struct state_of *s) {
    const struct out *o = &s->v->c->out;
    if (status_serves(s)) {
        print_daemon(s);
    } else if (s->held) {
        word(o, "AT WORK");
        out_printf(o, "process %" PRId64 " since %s%s\n", s->holder.pid,
                   view_time(s->v, NULL, s->holder.since), s->deaf ? "; it does not answer" : "");
    } else if (has_use_for_one(s)) {
        word(o, "DAEMON");
        out_printf(o, "not running: nothing starts by itself   leat serve\n");
    }
}

/* ---- runs ---- */

static void print_waits(const struct state_of *s, int64_t run) {
    const struct out *o = &s->v->c->out;
    size_t n = 0;
    for (size_t i = 0; i < s->live_count; i++) {
        if (s->live[i].run != run || s->live[i].phase != 'w' || n++ >= WAITS_SHOWN) continue;
        const char *text = waiting_text(s->v, &s->live[i]);
        if (text) out_printf(o, "            %s: %s\n", s->live[i].step_name, text);
    }
    if (n > WAITS_SHOWN) out_printf(o, "            and %zu more that wait\n", n - WAITS_SHOWN);
}

/* "sessionise 6m20s of ~17m"; the run's own time when no step of it runs. */
static const char *progress_of(const struct state_of *s, const struct run_row *r) {
    size_t others;
    char usual[DURATION_TEXT], more[32] = "";
    const struct attempt_row *a = status_step_of(s, r->id, &others);
    if (!a) return view_took(s->v, r->started_at, INSTANT_NONE);
    duration_t d = status_usual(s, a);
    if (others) snprintf(more, sizeof more, " and %zu more", others);
    return arena_printf(s->v->arena, "%s %s%s%s%s", a->step_name,
                        view_took(s->v, a->started_at, INSTANT_NONE), d >= 0 ? " of ~" : "",
                        d >= 0 ? duration_text(d, usual) : "", more);
}

static void print_hint(const struct state_of *s, const struct run_row *r, bool looked_after) {
    const struct out *o = &s->v->c->out;
    if (looked_after)
        out_printf(o, "leat logs %" PRId64 " -f\n", r->id);
    else if (has_use_for_one(s))
        out_printf(o, "leat serve goes on with it\n");
    else
        out_printf(o, "leat retry %" PRId64 " goes on with it\n", r->id);
}

/* A run that has not ended while nobody holds the lock was interrupted; one that never began only waits. */
static void print_open(const struct state_of *s) {
    const struct out *o = &s->v->c->out;
    size_t waiting = 0;
    for (size_t i = 0; i < s->open_count; i++) {
        const struct run_row *r = &s->open[i];
        if (!status_selected(s, r->pipeline)) continue;
        bool running = status_is_running(s, r), queued = strcmp(r->state, "queued") == 0;
        if (queued && ++waiting > QUEUED_SHOWN) continue;
        word(o, running ? "RUNNING" : queued ? "QUEUED" : "STOPPED");
        out_printf(o, "run %" PRId64 "  %s  %s  %s   ", r->id, r->pipeline,
                   view_window(s->v, r->pipeline, r->window_start, r->window_end),
                   running  ? progress_of(s, r)
                   : queued ? status_why_queued(s, r)
                            : "");
        print_hint(s, r, running || queued);
        if (running) print_waits(s, r->id);
    }
    if (waiting <= QUEUED_SHOWN) return;
    word(o, "QUEUED");
    out_printf(o, "and %zu more   leat runs --result queued\n", waiting - QUEUED_SHOWN);
}

/* ---- what is not as it should be ---- */

static void print_late(const struct state_of *s) {
    const struct out *o = &s->v->c->out;
    for (size_t i = 0; i < s->late_count; i++) {
        const struct late_one *l = &s->late[i];
        if (!status_selected(s, l->pipeline)) continue;
        word(o, "LATE");
        out_printf(o, "%s  due %s, %s late, %s\n", l->pipeline, view_time(s->v, l->pipeline, l->due),
                   view_took(s->v, l->due, INSTANT_NONE), l->why);
    }
}

static void print_failing(const struct state_of *s) {
    const struct out *o = &s->v->c->out;
    for (size_t i = 0; i < s->pipeline_count; i++) {
        const struct pipeline_row *p = &s->pipelines[i];
        if (!status_fails(s, p)) continue;
        word(o, "FAILING");
        out_printf(o, "%s  since %s, %" PRId64 " run%s; %s%s%s   leat runs show %" PRId64 "\n", p->name,
                   view_time(s->v, p->name, p->failing_since), p->failing_runs,
                   p->failing_runs == 1 ? "" : "s", p->last_failed_step ? p->last_failed_step : "",
                   p->last_failed_step ? ": " : "",
                   p->last_reason && *p->last_reason ? p->last_reason : "failed", p->last_finished);
    }
}

static void print_broken(const struct state_of *s) {
    const struct out *o = &s->v->c->out;
    size_t i;
    json_t *b;
    json_array_foreach(status_broken(s), i, b) {
        const char *name = json_text_or(b, "pipeline", "");
        if (!status_selected(s, name)) continue;
        word(o, "BROKEN");
        out_printf(o, "%s  %s%s   leat validate\n", name, json_text_or(b, "problem", ""),
                   !status_serves(s)                 ? ""
                   : json_flag(b, "keeps_last_good") ? "; the last good definition keeps running"
                                                     : "; nothing of it runs");
    }
}

static void print_paused(const struct state_of *s) {
    const struct out *o = &s->v->c->out;
    for (size_t i = 0; i < s->pause_count; i++) {
        const struct pause_row *p = &s->pauses[i];
        if (!status_selected(s, p->pipeline)) continue;
        word(o, "PAUSED");
        out_printf(o, "%s  %s%s%s%s   leat resume %s\n", p->pipeline,
                   p->until == INSTANT_NONE ? "until it is resumed" : "until ",
                   p->until == INSTANT_NONE ? "" : view_time(s->v, p->pipeline, p->until),
                   p->reason ? ": " : "", p->reason ? p->reason : "", p->pipeline);
    }
}

/* It waits for somebody: who paused it, or its failures. */
static void print_held(const struct state_of *s) {
    const struct out *o = &s->v->c->out;
    for (size_t i = 0; i < s->backfill_count; i++) {
        const struct backfill_row *b = &s->backfills[i];
        bool restates = strcmp(b->kind, "restate") == 0;
        if (!backfill_is(b, BACKFILL_paused)) continue;
        if (restates ? s->v->c->arg_count > 0 : !status_selected(s, b->subject)) continue;
        word(o, "PAUSED");
        out_printf(o,
                   "backfill %" PRId64 " of %s  %" PRId64 " of %" PRId64 " windows done, %" PRId64
                   " failed   leat backfill resume %" PRId64 "\n",
                   b->id, b->subject, b->done, b->total - b->skipped, b->failed, b->id);
    }
}

/* What was read for these windows has been published anew since. */
static void print_stale(const struct state_of *s) {
    const struct out *o = &s->v->c->out;
    char windows[FORMAT_TEXT];
    for (size_t i = 0; i < s->stale_count; i++) {
        const struct stale_count *c = &s->stale[i];
        if (!status_selected(s, c->pipeline)) continue;
        word(o, "STALE");
        out_printf(o, "%s  %s, %s: %s has changed since   %s\n", c->pipeline,
                   format_plural(c->windows, "window", windows),
                   view_window(s->v, c->pipeline, c->start, c->end), c->dataset, status_restate(s, c));
    }
}

/* History without a file: said to who asks about it. */
static void print_gone(const struct state_of *s) {
    const struct out *o = &s->v->c->out;
    for (size_t i = 0; s->v->c->arg_count && i < s->chosen.count; i++) {
        const char *name = s->chosen.list[i].shown;
        if (s->chosen.list[i].path) continue;
        word(o, "GONE");
        out_printf(o, "%s  its file is gone, its history is kept   leat runs %s\n", name, name);
    }
}

/* Nothing else is said about it. */
static bool is_fine(const struct state_of *s, const struct pipeline_row *p) {
    if (status_is_failing(p) || !p->last_state || !status_selected(s, p->name)) return false;
    if (status_late_of(s, p->name) || status_pause_of(s, p->name)) return false;
    if (status_problem_of(s, p->name) || status_is_gone(s, p->name)) return false;
    for (size_t i = 0; i < s->open_count; i++)
        if (strcmp(s->open[i].pipeline, p->name) == 0) return false;
    return !status_is_stale(s, p->name);
}

static void print_fine(const struct state_of *s) {
    const struct out *o = &s->v->c->out;
    size_t fine = 0;
    const char *name = NULL;
    for (size_t i = 0; i < s->pipeline_count; i++) {
        if (!is_fine(s, &s->pipelines[i])) continue;
        fine++;
        name = s->pipelines[i].name;
    }
    if (fine == 0) return;
    word(o, "OK");
    if (fine == 1)
        out_printf(o, "%s\n", name);
    else
        out_printf(o, "%zu pipelines\n", fine);
}

void status_print(const struct state_of *s) {
    print_who(s);
    print_open(s);
    print_late(s);
    print_failing(s);
    print_broken(s);
    print_stale(s);
    print_paused(s);
    print_held(s);
    print_gone(s);
    print_fine(s);
    if (s->pipeline_count == 0) cli_say(s->v->c, "nothing has run yet: leat run PIPELINE, or leat serve\n");
}
