/* logs.c: `leat logs`: what the steps of a run wrote, in order of time. */
#include "base/json.h"
#include "base/utf8.h"
#include "cli/logsource.h"
#include "cli/runs.h"
#include "cli/verbs.h"
#include "scheduler/core/states.h"

#include <inttypes.h>
#include <regex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { POLL_MS = 200 };
enum stamps { STAMPS_LOCAL, STAMPS_UTC, STAMPS_NONE };

struct reading {
    struct view *v;
    struct run_row run;
    int exit; /* of the run, once it has ended */
    struct log_stream *stream;
    const struct tz *tz;
    const char *step;
    enum stamps stamps;
    instant_t since;
    regex_t grep;
    bool has_grep, follow;
    char **tail; /* ring of the last lines, when --tail is given */
    size_t tail_size, tail_count;
    int64_t seq;
    json_t *items;
};

/* ---- one line ------------------------------------------------------------------------------------------ */

/* Text that JSON can hold: bytes that are no UTF-8 become U+FFFD. */
static json_t *safe_text(const char *s, size_t n) {
    struct buf b = BUF_INIT;
    while (n > 0) {
        uint32_t c = 0;
        size_t len = utf8_decode(s, n, &c);
        if (c == UINT32_MAX)
            buf_adds(&b, "\xEF\xBF\xBD");
        else
            buf_add(&b, s, len);
        s += len;
        n -= len;
    }
    json_t *text = json_stringn(buf_str(&b), b.len);
    buf_release(&b);
    return text ? text : json_string("");
}

static json_t *line_json(struct reading *r, const struct log_line *l) {
    char id[24];
    snprintf(id, sizeof id, "%" PRId64, r->run.id);
    json_t *o = json_object();
    if (r->follow) {
        json_put(o, "seq", json_integer(++r->seq));
        json_put_text(o, "type", "log");
    }
    json_put(o, "at", json_instant(l->at));
    json_put_text(o, "run", id);
    json_put_text(o, "step", l->step);
    json_put(o, "attempt", json_integer(l->attempt));
    json_put(o, "text", safe_text(l->text, l->len));
    return o;
}

static void add_stamp(const struct reading *r, const struct log_line *l, struct buf *b) {
    char text[INSTANT_TEXT];
    if (r->stamps == STAMPS_NONE || l->at == INSTANT_NONE) return;
    if (r->stamps == STAMPS_UTC) {
        buf_addf(b, "%s ", instant_text(l->at, text));
        return;
    }
    struct civil c = tz_civil(r->tz, l->at);
    buf_addf(b, "%02d:%02d:%02d ", c.hour, c.minute, c.second);
}

/* Steps of one run are told apart by colour as well as by name. */
static void add_step(const struct reading *r, const struct log_line *l, struct buf *b) {
    static const char *const colors[] = {"36", "35", "34", "33", "32"};
    if (r->step) return;
    const struct out *o = &r->v->c->out;
    uint64_t hash = 5381;
    for (const char *p = l->step; *p; p++) hash = hash * 33 + (unsigned char)*p;
    if (o->color)
        buf_addf(b, "\033[%sm%s\033[0m | ", colors[hash % 5], l->step);
    else
        buf_addf(b, "%s | ", l->step);
}

static void emit(struct reading *r, char *line) {
    if (r->tail_size == 0) {
        out_printf(&r->v->c->out, "%s\n", line);
        free(line);
        return;
    }
    size_t at = r->tail_count++ % r->tail_size;
    free(r->tail[at]);
    r->tail[at] = line;
}

static bool is_wanted(const struct reading *r, const struct log_line *l) {
    if (r->since != INSTANT_NONE && l->at != INSTANT_NONE && l->at < r->since) return false;
    return !r->has_grep || regexec(&r->grep, l->text, 0, NULL, 0) == 0;
}

static void take_line(struct reading *r, const struct log_line *l) {
    if (!is_wanted(r, l)) return;
    if (r->v->c->json) {
        json_t *o = line_json(r, l);
        if (r->follow)
            emit(r, json_line(o));
        else
            json_array_append(r->items, o);
        json_decref(o);
        return;
    }
    struct buf b = BUF_INIT;
    add_stamp(r, l, &b);
    add_step(r, l, &b);
    buf_add(&b, l->text, l->len);
    buf_addc(&b, '\0');
    emit(r, buf_take(&b));
}

static void print_tail(struct reading *r) {
    size_t n = r->tail_count < r->tail_size ? r->tail_count : r->tail_size;
    for (size_t i = 0; i < n; i++) {
        char **slot = &r->tail[(r->tail_count - n + i) % r->tail_size];
        out_printf(&r->v->c->out, "%s\n", *slot);
        free(*slot);
        *slot = NULL;
    }
    free(r->tail);
    r->tail = NULL;
    r->tail_size = 0;
}

/* ---- the run ------------------------------------------------------------------------------------------- */

/* As `run` would have ended: the newest attempt of the first step that failed knows. */
static int exit_of(const struct run_row *run, const struct attempt_row *rows, size_t n) {
    if (run_ended_well(run->state)) return EX_OK;
    if (strcmp(run->state, "failed") != 0 || !run->failed_step) return EX_FAILED;
    const struct attempt_row *last = NULL;
    for (size_t i = 0; i < n; i++)
        if (rows[i].step_name && strcmp(rows[i].step_name, run->failed_step) == 0) last = &rows[i];
    json_t *detail = last ? json_parsed(last->detail) : NULL;
    int code = (int)json_int(detail, "exit", EX_FAILED);
    json_decref(detail);
    return code;
}

/* Asks the database anew for the run and its attempts; what it answers lives for one turn. */
static int refresh(struct reading *r, bool *ended, struct err *err) {
    struct arena *a = arena_new();
    struct run_row run;
    struct attempt_row *rows = NULL;
    size_t n = 0;
    int rc = store_run_get(r->v->store, r->run.id, a, &run, err) == 1 ? 0 : -1;
    if (rc == 0) rc = store_attempts_list(r->v->store, r->run.id, a, &rows, &n, err) < 0 ? -1 : 0;
    if (rc == 0) {
        log_stream_add(r->stream, rows, n);
        *ended = run.finished_at != INSTANT_NONE;
        if (*ended) r->exit = exit_of(&run, rows, n);
        r->run.state = arena_strdup(r->v->arena, run.state);
        r->run.reason = arena_strdup(r->v->arena, run.reason);
        r->run.started_at = run.started_at;
        r->run.finished_at = run.finished_at;
    }
    arena_free(a);
    return rc;
}

static void drain(struct reading *r, bool ended) {
    struct log_line line;
    while (log_stream_next(r->stream, ended, &line)) take_line(r, &line);
}

static void print_end(struct reading *r) {
    const struct out *o = &r->v->c->out;
    if (!r->v->c->json) {
        out_printf(o, "run %" PRId64 " ", r->run.id);
        out_paint(o, out_status_paint(r->run.state), r->run.state, 0);
        out_printf(o, " in %s\n", view_took(r->v, r->run.started_at, r->run.finished_at));
        return;
    }
    json_t *e = json_object();
    json_put(e, "seq", json_integer(++r->seq));
    json_put(e, "at", json_instant(r->run.finished_at));
    json_put_text(e, "type", "run_finished");
    json_put(e, "run", json_id(r->run.id));
    json_put_text(e, "result", r->run.state);
    char *line = json_line(e);
    out_printf(o, "%s\n", line);
    free(line);
    json_decref(e);
}

static int follow(struct reading *r, struct err *err) {
    const struct timespec nap = {.tv_nsec = POLL_MS * 1000000L};
    for (bool ended = false;;) {
        if (refresh(r, &ended, err) < 0) return -1;
        drain(r, ended);
        print_tail(r);
        fflush(r->v->c->out.file);
        if (ended) break;
        nanosleep(&nap, NULL);
    }
    print_end(r);
    return r->exit;
}

static int no_attempts(const struct reading *r, struct err *err) {
    if (!r->step) return 0;
    struct step_row *steps = NULL;
    size_t n = 0;
    if (store_steps_list(r->v->store, r->run.id, r->v->arena, &steps, &n, err) < 0) return -1;
    for (size_t i = 0; i < n; i++)
        if (strcmp(steps[i].name, r->step) == 0) return 0;
    err_set(err, EX_NOT_FOUND, "run %" PRId64 " of %s has no step `%s`", r->run.id, r->run.pipeline, r->step);
    return err_hint(err, "see `leat runs show %" PRId64 "`", r->run.id);
}

static int print_all(struct reading *r, struct err *err) {
    bool ended;
    if (refresh(r, &ended, err) < 0) return -1;
    if (log_stream_attempts(r->stream) == 0 && no_attempts(r, err) < 0) return -1;
    drain(r, true);
    print_tail(r);
    if (r->v->c->json) {
        out_document(&r->v->c->out, "logs", r->items);
        r->items = NULL;
    }
    return EX_OK;
}

/* ---- the verb ------------------------------------------------------------------------------------------ */

static int read_grep(struct reading *r, struct err *err) {
    const char *pattern = cli_value(r->v->c, "grep");
    if (!pattern) return 0;
    int rc = regcomp(&r->grep, pattern, REG_EXTENDED | REG_NOSUB);
    if (rc != 0) {
        char why[128];
        regerror(rc, &r->grep, why, sizeof why);
        return err_set(err, EX_USAGE, "--grep `%s`: %s", pattern, why);
    }
    r->has_grep = true;
    return 0;
}

static int read_flags(struct reading *r, long *attempt, struct err *err) {
    struct cli *c = r->v->c;
    const char *stamps = cli_value(c, "timestamps"), *since = cli_value(c, "since");
    long tail;
    duration_t d;
    if (cli_number(c, "attempt", 1, 0, attempt, err) < 0 || cli_number(c, "tail", 1, 0, &tail, err) < 0)
        return -1;
    r->follow = cli_given(c, "follow");
    r->tail_size = (size_t)tail;
    if (tail > 0) r->tail = xcalloc((size_t)tail, sizeof *r->tail);
    if (stamps && strcmp(stamps, "utc") == 0) r->stamps = STAMPS_UTC;
    if (stamps && strcmp(stamps, "none") == 0) r->stamps = STAMPS_NONE;
    r->since = INSTANT_NONE;
    instant_t now = world_wall(c->world);
    if (since && duration_parse(since, &d))
        r->since = now - d;
    else if (since && when_instant(since, r->tz, now, &r->since, err) < 0)
        return -1;
    return read_grep(r, err);
}

static int show(struct view *v, struct err *err) {
    struct reading r = {.v = v, .items = json_array(), .step = cli_arg(v->c, 1)};
    long attempt = 0;
    int rc = run_find(v, cli_arg(v->c, 0), &r.run, err);
    if (rc == 0) r.tz = view_tz(v, r.run.pipeline);
    if (rc == 0) rc = read_flags(&r, &attempt, err);
    r.stream = log_stream_new(v->project->state, r.step, (uint32_t)attempt);
    if (rc == 0) rc = r.follow ? follow(&r, err) : print_all(&r, err);
    log_stream_free(r.stream);
    if (r.has_grep) regfree(&r.grep);
    free(r.tail);
    json_decref(r.items);
    return rc;
}

static int run(struct cli *c, struct err *err) {
    struct view v;
    int rc = view_open(&v, c, err);
    if (rc == 0) rc = show(&v, err);
    view_close(&v);
    return rc;
}

static const char *const stamp_words[] = {"local", "utc", "none", NULL};

static const struct flag flags[] = {
    {.name = "follow", .letter = 'f', .help = "go on until the run has ended, then exit as it did"},
    {.name = "tail", .value = "N", .help = "only the last N lines"},
    {.name = "grep", .value = "RE", .help = "only lines that match (extended regular expression)"},
    {.name = "since", .value = "TIME", .help = "only lines since (10m, 2026-11-19T10:30)"},
    {.name = "attempt", .value = "N", .help = "only of this attempt"},
    {.name = "timestamps", .value = "HOW", .values = stamp_words, .help = "local (default), utc or none"},
    {.name = NULL},
};

static const char *const examples[] = {
    "leat logs\tthe newest run",
    "leat logs 511 -f\tas it is written, ending with the run's result",
    "leat logs sales_daily clean_orders --tail 20\tone step of a pipeline's newest run",
    NULL,
};

static const int exits[] = {EX_FAILED, EX_NOT_FOUND, EX_GATE, EX_ENVIRONMENT, 0};

const struct command command_logs = {
    .name = "logs",
    .group = GROUP_LOOK,
    .everyday = true,
    .usage = "[RUN|PIPELINE] [STEP] [-f] [--tail N] [--grep RE]",
    .about = "Shows what the steps of a run wrote, in order of time.",
    .more = "With -f it exits as the run did (1 failed, 5 stopped by a gate); else with 0.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_max = 2,
    .run = run,
};
