/* backfill_watch.c: a backfill as people watch it: a line for each window that ends and, on a terminal, one
 * below them that says how far it is. With --json, an event for each. */
#include "cli/backfill.h"

#include "base/buf.h"
#include "base/json.h"
#include "cli/format.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BAR_CELLS = 20 };
#define REDRAW    (100 * US_PER_MS)
#define HEARTBEAT (30 * US_PER_SECOND)

struct watch {
    struct cli *c;
    const struct tz *tz; /* borrowed */
    int64_t id, to_run, done, failed, running, seq;
    int64_t ended_here; /* windows seen to end: the rate */
    duration_t began, drawn_at;
    bool drawn;
};

struct watch *watch_new(struct cli *c, const struct tz *tz, const struct backfill_row *b) {
    struct watch *w = xcalloc(1, sizeof *w);
    *w = (struct watch){.c = c,
                        .tz = tz,
                        .id = b->id,
                        .to_run = b->total - b->skipped,
                        .done = b->done,
                        .failed = b->failed,
                        .running = b->running,
                        .began = world_steady(c->world)};
    w->drawn_at = w->began;
    return w;
}

void watch_free(struct watch *w) { free(w); }

/* ---- the line at the bottom ---- */

static void erase(struct watch *w) {
    if (w->drawn) fputs("\r\x1b[2K", w->c->err.file);
    w->drawn = false;
}

static void add_bar(const struct watch *w, struct buf *b) {
    const struct out *o = &w->c->err;
    int64_t full = w->to_run ? BAR_CELLS * (w->done + w->failed) / w->to_run : BAR_CELLS;
    for (int i = 0; i < BAR_CELLS; i++) buf_adds(b, i < full ? (o->utf8 ? "█" : "#") : (o->utf8 ? "░" : "-"));
}

/* "2.3/min  ETA 6m58s" */
static void add_rate(const struct watch *w, struct buf *b) {
    duration_t elapsed = world_steady(w->c->world) - w->began;
    int64_t left = w->to_run - w->done - w->failed;
    char eta[DURATION_TEXT];
    if (!w->ended_here || elapsed <= 0) return;
    double per_us = (double)w->ended_here / (double)elapsed, per_min = per_us * (double)US_PER_MINUTE;
    buf_addf(b, "  %.*f/min", per_min < 10 ? 1 : 0, per_min);
    if (left > 0) buf_addf(b, "  ETA %s", duration_text((duration_t)((double)left / per_us), eta));
}

static long long ended(const struct watch *w) { return w->done + w->failed; }

static void add_progress(const struct watch *w, struct buf *b) {
    buf_addf(b, "%lld/%lld windows  %lld failed  %lld running", ended(w), (long long)w->to_run,
             (long long)w->failed, (long long)w->running);
    add_rate(w, b);
}

static bool is_shown(const struct watch *w) { return !w->c->json && !w->c->quiet; }

/* The bar and the hint go first where there is no room: a line that wraps cannot be taken back. */
static void add_line(const struct watch *w, struct buf *b) {
    static const char hint[] = "   (Ctrl-C detaches)";
    struct buf progress = BUF_INIT;
    add_progress(w, &progress);
    int columns = w->c->err.columns, needed = (int)progress.len + 1;
    bool bar = columns > needed + BAR_CELLS + 2;
    buf_adds(b, " ");
    if (bar) add_bar(w, b), buf_adds(b, "  ");
    buf_adds(b, buf_str(&progress));
    if (columns > needed + BAR_CELLS + 2 + (int)sizeof hint) buf_adds(b, hint);
    buf_release(&progress);
}

void watch_draw(struct watch *w) {
    duration_t now = world_steady(w->c->world);
    bool tty = w->c->err.tty;
    if (!is_shown(w) || now - w->drawn_at < (tty ? REDRAW : HEARTBEAT)) return;
    struct buf b = BUF_INIT;
    if (tty)
        add_line(w, &b);
    else
        add_progress(w, &b);
    erase(w);
    fflush(w->c->out.file);
    out_printf(&w->c->err, tty ? "%s" : "still running: %s\n", buf_str(&b));
    fflush(w->c->err.file);
    buf_release(&b);
    w->drawn = tty;
    w->drawn_at = now;
}

/* ---- one window ---- */

static const char *window_text(const struct watch *w, const struct watched_window *e, char out[WHEN_TEXT]) {
    struct span_of_time span = {e->start, e->end};
    return when_window_text(w->tz, &span, out_arrow(&w->c->out), out);
}

static void show_line(struct watch *w, const struct watched_window *e) {
    char text[WHEN_TEXT], took[DURATION_TEXT] = "";
    struct civil at = tz_civil(w->tz, e->at);
    bool failed = strcmp(e->state, "failed") == 0;
    const struct out *o = &w->c->out;
    if (e->took >= 0) duration_text(e->took, took);
    out_printf(o, "%02d:%02d:%02d  %lld of %lld  ", at.hour, at.minute, at.second, ended(w),
               (long long)w->to_run);
    out_paint(o, out_status_paint(e->state), failed ? "FAILED" : e->state, 9);
    out_printf(o, "  %s  run %lld%s%s", window_text(w, e, text), (long long)e->run, took[0] ? "  " : "",
               took);
    if (failed && e->failed_step && *e->failed_step)
        out_printf(o, "  at %s   leat logs %lld %s", e->failed_step, (long long)e->run, e->failed_step);
    out_printf(o, "\n");
}

static void print_event(struct watch *w, const char *type, json_t *e) {
    char at[INSTANT_TEXT];
    json_t *head =
        json_pack("{sI ss ss so}", "seq", (json_int_t)++w->seq, "at",
                  instant_text(world_wall(w->c->world), at), "type", type, "backfill", json_id(w->id));
    json_object_update(head, e);
    char *text = json_dumps(head, JSON_COMPACT | OUT_JSON_REALS);
    out_printf(&w->c->out, "%s\n", text);
    fflush(w->c->out.file);
    free(text);
    json_decref(head);
    json_decref(e);
}

static void count(struct watch *w, const char *state) {
    bool ok = strcmp(state, "ok") == 0, failed = strcmp(state, "failed") == 0;
    w->done += ok;
    w->failed += failed;
    w->ended_here += ok || failed;
}

void watch_window(struct watch *w, const struct watched_window *e) {
    bool began = strcmp(e->state, "running") == 0;
    w->running += began ? 1 : -1;
    if (!began) count(w, e->state);
    if (w->c->json) {
        print_event(w, "backfill_item",
                    json_pack("{so so ss}", "window", json_window(e->start, e->end), "run", json_id(e->run),
                              "state", e->state));
        return;
    }
    if (began || w->c->quiet) return;
    erase(w);
    show_line(w, e);
    if (!w->c->out.tty) fflush(w->c->out.file);
}

void watch_counts(struct watch *w, const struct backfill_row *b) {
    w->done = b->done;
    w->failed = b->failed;
    w->running = b->running;
}

/* ---- the end ---- */

static int exit_of(const char *state) {
    if (strcmp(state, "ok") == 0) return EX_OK;
    return strcmp(state, "paused") == 0 ? EX_WAIT_OVER : EX_FAILED;
}

static void say_next(const struct watch *w, const struct backfill_row *b) {
    if (backfill_is(b, BACKFILL_ok)) return;
    cli_say(w->c, "see      leat backfill show %lld\n", (long long)b->id);
    cli_say(w->c, "go on    leat backfill resume %lld\n", (long long)b->id);
}

int watch_end(struct watch *w, const struct backfill_row *b) {
    const struct out *o = &w->c->out;
    char took[DURATION_TEXT];
    bool failed = backfill_is(b, BACKFILL_failed);
    erase(w);
    if (w->c->json) {
        print_event(w, "backfill_finished",
                    json_pack("{ss sI sI sI sI sI}", "result", b->state, "total", (json_int_t)b->total,
                              "done", (json_int_t)b->done, "failed", (json_int_t)b->failed, "skipped",
                              (json_int_t)b->skipped, "cancelled", (json_int_t)b->cancelled));
        return exit_of(b->state);
    }
    if (w->c->quiet) return exit_of(b->state);
    out_printf(o, "backfill %lld ", (long long)b->id);
    out_paint(o, out_status_paint(b->state), failed ? "FAILED" : b->state, 0);
    if (b->started_at != INSTANT_NONE && b->finished_at != INSTANT_NONE)
        out_printf(o, " in %s", duration_text(b->finished_at - b->started_at, took));
    out_printf(o, "   ok %lld  failed %lld  kept %lld", (long long)b->done, (long long)b->failed,
               (long long)b->skipped);
    if (b->cancelled) out_printf(o, "  cancelled %lld", (long long)b->cancelled);
    if (b->planned) out_printf(o, "  not started %lld", (long long)b->planned);
    out_printf(o, "\n");
    fflush(o->file);
    say_next(w, b);
    return exit_of(b->state);
}

int watch_detach(struct watch *w, int signal, bool here) {
    long long id = (long long)w->id;
    erase(w);
    if (here)
        cli_say(w->c,
                "\ndetached: what runs goes on, nothing more starts until the next `leat serve`, or:\n"
                "  leat backfill resume %lld\n",
                id);
    else
        cli_say(w->c, "\ndetached: the daemon goes on; look at it with: leat backfill show %lld\n", id);
    return signal == 15 ? EX_TERMINATED : EX_INTERRUPTED;
}
