/* transcript.c: each type of event has one function that shows it (a table); the live block is drawn
 * below. */
#include "cli/transcript.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/map.h"
#include "cli/format.h"
#include "cli/when.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIVE_LINES = 8, TAIL_LINES = 10, TAIL_BYTES = 8192, NAME_WIDTH = 16, BAR_CELLS = 20 };
#define HEARTBEAT (30 * US_PER_SECOND)
#define REDRAW    (100 * US_PER_MS)

struct live_line {
    char *step, *text;
};

/* A run that a step of the shown one started. */
struct child {
    char *run, *pipeline;
    int64_t steps;
};

struct transcript {
    struct cli *c;
    struct child *children;
    size_t child_count, child_cap;
    bool in_child;     /* the event at hand is of one of them */
    char *state, *run; /* the run that is shown: one left by an earlier command, then the one asked for */
    struct tz *tz;
    int64_t started, steps; /* steps started so far, and of the pipeline; steps 0: not known */
    struct live_line live[LIVE_LINES];
    size_t live_count, live_more, drawn;
    int failure;
    json_t *failed; /* the first step_finished event whose failure is the run's */
    bool published;
};

struct transcript *transcript_new(struct cli *c, const char *state, const char *timezone) {
    struct transcript *t = xcalloc(1, sizeof *t);
    struct err ignored;
    t->c = c;
    t->state = xstrdup(state);
    t->failure = EX_FAILED;
    t->tz = tz_load(timezone, &ignored);
    if (!t->tz) t->tz = tz_load("UTC", &ignored);
    return t;
}

static void forget_live(struct transcript *t) {
    for (size_t i = 0; i < t->live_count; i++) {
        free(t->live[i].step);
        free(t->live[i].text);
    }
    t->live_count = t->live_more = 0;
}

void transcript_free(struct transcript *t) {
    if (!t) return;
    forget_live(t);
    for (size_t i = 0; i < t->child_count; i++) {
        free(t->children[i].run);
        free(t->children[i].pipeline);
    }
    free(t->children);
    free(t->state);
    free(t->run);
    tz_free(t->tz);
    json_decref(t->failed);
    free(t);
}

duration_t transcript_progress_every(const struct transcript *t) {
    if (t->c->quiet && !t->c->json) return 0;
    return t->c->err.tty && !t->c->json ? REDRAW : HEARTBEAT;
}

int transcript_failure(const struct transcript *t) { return t->failure; }

/* ---- the live block ---- */

static void erase(struct transcript *t) {
    for (; t->drawn; t->drawn--) fputs("\x1b[1A\x1b[2K", t->c->err.file);
    fflush(t->c->err.file);
}

static void draw(struct transcript *t) {
    if (!t->c->err.tty || t->c->json || t->c->quiet) return;
    fflush(t->c->out.file);
    for (size_t i = 0; i < t->live_count; i++, t->drawn++)
        out_printf(&t->c->err, "%-*s %s\n", NAME_WIDTH, t->live[i].step,
                   t->live[i].text ? t->live[i].text : "");
    if (t->live_more) {
        out_printf(&t->c->err, "+%zu more running\n", t->live_more);
        t->drawn++;
    }
    fflush(t->c->err.file);
}

static size_t live_find(const struct transcript *t, const char *step) {
    size_t i = 0;
    while (i < t->live_count && strcmp(t->live[i].step, step) != 0) i++;
    return i;
}

static void live_add(struct transcript *t, const char *step) {
    if (t->live_count == LIVE_LINES)
        t->live_more++;
    else
        t->live[t->live_count++] = (struct live_line){.step = xstrdup(step)};
}

static void live_remove(struct transcript *t, const char *step) {
    size_t i = live_find(t, step);
    if (i == t->live_count) {
        if (t->live_more) t->live_more--;
        return;
    }
    free(t->live[i].step);
    free(t->live[i].text);
    t->live[i] = t->live[--t->live_count];
}

/* ---- one line ---- */

static void clock_of(const struct transcript *t, const json_t *e, char out[16]) {
    instant_t at = 0;
    instant_parse(json_text_or(e, "at", ""), &at);
    struct civil w = tz_civil(t->tz, at);
    snprintf(out, 16, "%02d:%02d:%02d", w.hour, w.minute, w.second);
}

static void line(struct transcript *t, const json_t *e, const char *word, const char *tail) {
    char at[16], count[48];
    clock_of(t, e, at);
    int n = snprintf(count, sizeof count, "%lld", (long long)json_int(e, "index", 0) + 1);
    if (t->steps) snprintf(count + n, sizeof count - (size_t)n, " of %lld", (long long)t->steps);
    out_printf(&t->c->out, "%s  %s  ", at, count);
    out_paint(&t->c->out, out_status_paint(word), word, 7);
    out_printf(&t->c->out, " %-*s%s%s\n", NAME_WIDTH, json_text_or(e, "step", ""), tail[0] ? "  " : "", tail);
}

static void note(struct transcript *t, const char *word, const char *text) {
    if (text && text[0]) out_printf(&t->c->out, "          %s%s\n", word, text);
}

static const char *took(const json_t *e, char text[DURATION_TEXT]) {
    double s = json_num(e, "took", -1);
    text[0] = 0;
    return s < 0 ? text : duration_text((duration_t)(s * 1e6), text);
}

/* ---- events ---- */

/* "window 2026-11-19 (Europe/Berlin)" */
static void show_window(const struct transcript *t, const json_t *w) {
    const struct out *o = &t->c->out;
    struct span_of_time span;
    char text[WHEN_TEXT];
    if (!instant_parse(json_text_or(w, "start", ""), &span.start) ||
        !instant_parse(json_text_or(w, "end", ""), &span.end))
        return;
    out_printf(o, "  window %s (%s)", when_window_text(t->tz, &span, out_arrow(o), text), tz_name(t->tz));
}

static void show_run_started(struct transcript *t, const json_t *e) {
    const json_t *w = json_object_get(e, "window");
    const struct out *o = &t->c->out;
    t->steps = json_int(e, "steps", 0);
    out_printf(o, "run %s  %s", t->run, json_text_or(e, "pipeline", ""));
    if (json_is_object(w)) show_window(t, w);
    if (json_int(e, "generation", 1) > 1)
        out_printf(o, "  generation %lld", (long long)json_int(e, "generation", 1));
    out_printf(o, "  definition %.6s\n\n", json_text_or(e, "definition", "------"));
}

static void show_step_started(struct transcript *t, const json_t *e) {
    char again[48] = "";
    if (json_int(e, "attempt", 1) > 1)
        snprintf(again, sizeof again, "attempt %lld", (long long)json_int(e, "attempt", 1));
    line(t, e, "start", again);
    live_add(t, json_text_or(e, "step", ""));
}

static void published_text(const struct transcript *t, const json_t *e, struct buf *out) {
    size_t i;
    json_t *p;
    char rows[FORMAT_TEXT];
    json_array_foreach(json_object_get(e, "published"), i, p) {
        int64_t n = json_int(p, "rows", -1);
        if (i) buf_adds(out, ", ");
        if (n >= 0)
            buf_addf(out, "%s %s %s ", format_count(&t->c->out, n, rows), n == 1 ? "row" : "rows",
                     out_arrow(&t->c->out));
        buf_addf(out, "%s v%lld", json_text_or(p, "dataset", ""), (long long)json_int(p, "version", 0));
    }
}

/* The word of a finished step: what happened is more telling than its state. */
static const char *word_of(const json_t *e) {
    static const struct {
        const char *state, *word;
    } words[] = {{"success", "ok"},
                 {"failed", "FAILED"},
                 {"skipped", "skip"},
                 {"upstream_failed", "blocked"},
                 {"cancelled", "cancel"}};
    if (json_flag(e, "nothing_new")) return "none"; /* a success that had nothing to do: not skipped */
    if (json_flag(e, "warned")) return "warn";
    const char *state = json_text_or(e, "state", "");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(state, words[i].state) == 0) return words[i].word;
    return state;
}

static void show_warnings(struct transcript *t, const json_t *e) {
    size_t i;
    json_t *w;
    json_array_foreach(json_object_get(e, "warnings"), i, w) note(t, "warning: ", json_string_value(w));
}

static void show_step_finished(struct transcript *t, const json_t *e) {
    struct buf tail = BUF_INIT;
    char text[DURATION_TEXT];
    const char *state = json_text_or(e, "state", "");
    bool failed = strcmp(state, "failed") == 0;
    published_text(t, e, &tail);
    if (json_flag(e, "nothing_new")) buf_adds(&tail, "nothing new");
    if (strcmp(state, "skipped") == 0 || strcmp(state, "upstream_failed") == 0)
        buf_addf(&tail, "%s", json_text_or(e, "reason", ""));
    if (failed) buf_adds(&tail, json_text_or(e, "message", json_text_or(e, "reason", "")));
    if (took(e, text)[0]) buf_addf(&tail, "%s%s", tail.len ? "   " : "", text);
    line(t, e, word_of(e), buf_str(&tail));
    show_warnings(t, e);
    buf_release(&tail);
    live_remove(t, json_text_or(e, "step", ""));
    if (json_array_size(json_object_get(e, "published"))) t->published = true;
    if (failed && !t->failed && !t->in_child && !json_flag(e, "allowed")) t->failed = json_deep_copy(e);
}

static void show_step_retry(struct transcript *t, const json_t *e) {
    char wait[DURATION_TEXT], tail[1200];
    duration_text((duration_t)(json_num(e, "retry_in", 0) * 1e6), wait);
    snprintf(tail, sizeof tail, "%s; tried again in %s",
             json_text_or(e, "message", json_text_or(e, "reason", "")), wait);
    line(t, e, "retry", tail);
    live_remove(t, json_text_or(e, "step", ""));
}

static void show_check(struct transcript *t, const json_t *e) {
    const char *result = json_text_or(e, "result", "");
    if (strcmp(result, "ok") == 0) return;
    out_printf(&t->c->out, "          check %s: %s", result, json_text_or(e, "check", ""));
    const char *actual = json_text(e, "actual");
    if (actual) out_printf(&t->c->out, ", found %s", actual);
    out_printf(&t->c->out, "\n");
}

static void bar(const struct out *o, double percent, struct buf *text) {
    int full = (int)(percent / 100 * BAR_CELLS);
    for (int i = 0; i < BAR_CELLS; i++)
        buf_adds(text, i < full ? (o->utf8 ? "█" : "#") : (o->utf8 ? "░" : "-"));
    buf_addf(text, "  %3.0f%%", percent);
}

static void progress_text(struct transcript *t, const json_t *e, struct buf *text) {
    double percent = json_num(e, "percent", -1);
    char elapsed[DURATION_TEXT], rows[FORMAT_TEXT];
    if (percent >= 0 && t->c->err.tty)
        bar(&t->c->err, percent, text);
    else if (percent >= 0)
        buf_addf(text, "%.0f%%", percent);
    if (json_int(e, "rows", -1) >= 0)
        buf_addf(text, "  %s rows", format_count(&t->c->err, json_int(e, "rows", 0), rows));
    if (json_text(e, "text")) buf_addf(text, "  %s", json_text(e, "text"));
    buf_addf(text, "  %s", duration_text((duration_t)(json_num(e, "elapsed", 0) * 1e6), elapsed));
}

static void show_step_progress(struct transcript *t, const json_t *e) {
    struct buf text = BUF_INIT;
    const char *step = json_text_or(e, "step", "");
    char at[16];
    progress_text(t, e, &text);
    size_t i = live_find(t, step);
    if (t->c->err.tty && i < t->live_count) {
        free(t->live[i].text);
        t->live[i].text = buf_take(&text);
    } else if (!t->c->err.tty) {
        clock_of(t, e, at);
        cli_say(t->c, "%s  still running %s %s\n", at, step, buf_str(&text));
    }
    buf_release(&text);
}

/* ---- the end ---- */

static char *read_tail(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NULL;
    off_t size = lseek(fd, 0, SEEK_END), from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
    char *text = xcalloc(1, TAIL_BYTES + 1);
    ssize_t n = pread(fd, text, TAIL_BYTES, from);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    return text;
}

/* The last lines of the log, indented; control characters are dropped. */
static void show_log_tail(struct transcript *t, const char *log) {
    char *path = log ? fs_join(t->state, log) : NULL, *text = path ? read_tail(path) : NULL;
    free(path);
    if (!text) return;
    char *from = text + strlen(text);
    for (int lines = 0; from > text; from--)
        if (from[-1] == '\n' && *from && ++lines == TAIL_LINES) break;
    for (char *s = from; *s; s++) {
        if (s == from || s[-1] == '\n') out_printf(&t->c->out, "    | ");
        if (*s == '\n' || *s == '\t' || (unsigned char)*s >= 32) fputc(*s, t->c->out.file);
    }
    if (*from && text[strlen(text) - 1] != '\n') fputc('\n', t->c->out.file);
    free(text);
}

static void show_cause(struct transcript *t) {
    const struct out *o = &t->c->out;
    const char *step = json_text_or(t->failed, "step", "");
    out_printf(o, "  cause  %s", json_text_or(t->failed, "message", json_text_or(t->failed, "reason", "")));
    if (json_text(t->failed, "file"))
        out_printf(o, "   %s:%lld", json_text(t->failed, "file"), (long long)json_int(t->failed, "line", 0));
    out_printf(o, "\n");
    show_log_tail(t, json_text(t->failed, "log"));
    if (json_text(t->failed, "hint")) out_printf(o, "  hint   %s\n", json_text(t->failed, "hint"));
    if (json_text(t->failed, "log")) out_printf(o, "  see    leat logs %s %s\n", t->run, step);
    out_printf(o, "  fix    edit, then: leat retry %s      re-runs %s and what follows\n", t->run, step);
}

static void show_run_finished(struct transcript *t, const json_t *e) {
    const json_t *n = json_object_get(e, "counts");
    const struct out *o = &t->c->out;
    char text[DURATION_TEXT];
    const char *result = json_text_or(e, "result", "");
    bool failed = strcmp(result, "failed") == 0;
    int64_t warned = json_int(n, "warned", 0);
    out_printf(o, "\nrun %s ", json_text_or(e, "run", ""));
    out_paint(o, out_status_paint(result), failed ? "FAILED" : result, 0);
    if (failed && json_text(e, "failed_step")) out_printf(o, " at %s", json_text(e, "failed_step"));
    if (took(e, text)[0]) out_printf(o, " %s %s", failed ? "after" : "in", text);
    out_printf(o, "   ok %lld  warn %lld  failed %lld  skipped %lld",
               (long long)(json_int(n, "success", 0) - warned), (long long)warned,
               (long long)json_int(n, "failed", 0),
               (long long)(json_int(n, "skipped", 0) + json_int(n, "upstream_failed", 0)));
    if (json_int(n, "cancelled", 0))
        out_printf(o, "  cancelled %lld", (long long)json_int(n, "cancelled", 0));
    if (failed && !t->published) out_printf(o, "   nothing was published");
    out_printf(o, "\n");
    if (failed && t->failed) show_cause(t);
}

static void show_recovered(struct transcript *t, const json_t *e) {
    const char *message = json_text(e, "message"), *step = json_text(e, "step");
    struct buf text = BUF_INIT;
    buf_addf(&text, "recovered  run %s%s%s: %s", json_text_or(e, "run", "-"), step ? " " : "",
             step ? step : "", json_text_or(e, "what", ""));
    if (json_int(e, "steps", 0)) buf_addf(&text, " (%lld steps)", (long long)json_int(e, "steps", 0));
    if (message) buf_addf(&text, ": %s", message);
    cli_say(t->c, "%s\n", buf_str(&text));
    buf_release(&text);
}

static void show_dataset_stopped(struct transcript *t, const json_t *e) {
    cli_say(t->c, "stopped  %s\n  hint: %s\n", json_text_or(e, "message", ""), json_text_or(e, "hint", ""));
}

static void show_cancelling(struct transcript *t, const json_t *e) {
    (void)e;
    cli_say(t->c, "cancelling… running steps get 10 s to stop (Ctrl-C again to kill)\n");
}

static void show_killing(struct transcript *t, const json_t *e) {
    (void)e;
    cli_say(t->c, "killing…\n");
}

static void show_cancel_too_late(struct transcript *t, const json_t *e) {
    cli_say(t->c, "%s is already being published: it will be finished\n", json_text_or(e, "step", ""));
}

static void show_kept(struct transcript *t, const json_t *e) {
    cli_say(t->c, "%s kept: already appended in v%lld (--force repeats it)\n", json_text_or(e, "step", ""),
            (long long)json_int(e, "version", 0));
}

static const struct {
    const char *type;
    void (*show)(struct transcript *t, const json_t *e);
    bool always; /* also with -q */
} shows[] = {
    {"run_started", show_run_started, false},
    {"step_started", show_step_started, false},
    {"step_finished", show_step_finished, false},
    {"step_retry", show_step_retry, false},
    {"check", show_check, false},
    {"step_progress", show_step_progress, false},
    {"run_finished", show_run_finished, false},
    {"recovered", show_recovered, true},
    {"dataset_stopped", show_dataset_stopped, true},
    {"cancelling", show_cancelling, true},
    {"killing", show_killing, true},
    {"cancel_too_late", show_cancel_too_late, true},
    {"kept", show_kept, false},
};

static void show(struct transcript *t, const json_t *e) {
    const char *type = json_text_or(e, "type", "");
    for (size_t i = 0; i < sizeof shows / sizeof *shows; i++) {
        if (strcmp(shows[i].type, type) != 0 || (t->c->quiet && !shows[i].always)) continue;
        erase(t);
        shows[i].show(t, e);
        draw(t);
    }
}

/* ---- runs that a step of the shown one started: their steps stand among its own, as PIPELINE/STEP ---- */

static struct child *child_find(const struct transcript *t, const char *run) {
    for (size_t i = 0; i < t->child_count; i++)
        if (strcmp(t->children[i].run, run) == 0) return &t->children[i];
    return NULL;
}

static void child_begin(struct transcript *t, const json_t *e) {
    char text[256];
    const char *run = json_text_or(e, "run", ""), *pipeline = json_text_or(e, "pipeline", "");
    GROW(t->children, t->child_count, t->child_cap);
    t->children[t->child_count++] =
        (struct child){.run = xstrdup(run), .pipeline = xstrdup(pipeline), .steps = json_int(e, "steps", 0)};
    snprintf(text, sizeof text, "run %.20s of %.100s", run, pipeline);
    if (!t->c->quiet) note(t, "", text);
}

static void child_end(struct transcript *t, const json_t *e) {
    char text[256], time[DURATION_TEXT];
    struct child *k = child_find(t, json_text_or(e, "run", ""));
    snprintf(text, sizeof text, "run %.20s of %.100s %s in %s", json_text_or(e, "run", ""),
             json_text_or(e, "pipeline", ""), json_text_or(e, "result", ""), took(e, time));
    if (!t->c->quiet) note(t, "", text);
    if (!k) return;
    free(k->run);
    free(k->pipeline);
    *k = t->children[--t->child_count];
}

static void child_show(struct transcript *t, const json_t *e) {
    const struct child *k = child_find(t, json_text_or(e, "run", ""));
    const char *step = json_text(e, "step");
    json_t *named = json_copy((json_t *)(uintptr_t)e);
    int64_t steps = t->steps;
    if (k && step) json_put(named, "step", json_sprintf("%s/%s", k->pipeline, step));
    t->steps = k ? k->steps : 0;
    t->in_child = true;
    show(t, named);
    t->in_child = false;
    t->steps = steps;
    json_decref(named);
}

static void child_event(struct transcript *t, const json_t *e) {
    const char *type = json_text_or(e, "type", "");
    erase(t);
    if (strcmp(type, "run_started") == 0)
        child_begin(t, e);
    else if (strcmp(type, "run_finished") == 0)
        child_end(t, e);
    else
        child_show(t, e);
    draw(t);
}

static void print_json(struct transcript *t, const json_t *e) {
    char *text = json_dumps(e, JSON_COMPACT | OUT_JSON_REALS);
    out_printf(&t->c->out, "%s\n", text ? text : "{}");
    fflush(t->c->out.file);
    free(text);
}

/* What is known of one run's end says nothing about the next one's. */
static void notice_run(struct transcript *t, const json_t *e) {
    const char *run = json_text(e, "run");
    if (!run || (t->run && strcmp(t->run, run) == 0)) return;
    free(t->run);
    json_decref(t->failed);
    t->run = xstrdup(run);
    t->failed = NULL;
    t->failure = EX_FAILED;
    t->published = false;
    t->steps = 0;
}

/* The exit code follows the run's end even where nothing is shown. */
static void notice_end(struct transcript *t, const json_t *e) {
    if (strcmp(json_text_or(e, "type", ""), "run_finished") == 0)
        t->failure = (int)json_int(e, "exit", EX_FAILED);
}

void transcript_event(void *ctx, const json_t *e) {
    struct transcript *t = ctx;
    bool of_child = json_text(e, "parent_run") != NULL;
    if (!of_child) notice_run(t, e);
    if (!of_child) notice_end(t, e);
    if (t->c->json) {
        print_json(t, e);
        return;
    }
    if (of_child)
        child_event(t, e);
    else
        show(t, e);
    bool progress = strcmp(json_text_or(e, "type", ""), "step_progress") == 0;
    if (!t->c->out.tty && !progress) fflush(t->c->out.file);
}
