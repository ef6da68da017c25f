/* why.c: see why.h. What all answers are made of: the sentence, facts, who is at work. */
#include "scheduler/why/why_impl.h"

#include "base/json.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- texts ---- */

static const char *print_list(struct whying *k, const char *fmt, va_list args) {
    struct buf b = BUF_INIT;
    buf_vaddf(&b, fmt, args);
    const char *text = arena_strdup(k->out->arena, buf_str(&b));
    buf_release(&b);
    return text;
}

const char *why_print(struct whying *k, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    const char *text = print_list(k, fmt, args);
    va_end(args);
    return text;
}

void why_say(struct whying *k, const char *fmt, ...) {
    va_list args;
    if (k->out->answer) return;
    va_start(args, fmt);
    k->out->answer = print_list(k, fmt, args);
    va_end(args);
}

const char *why_at(struct whying *k, instant_t t) { return k->asks->time(k->asks->ctx, k->name, t); }

static const char *window_text(struct whying *k, instant_t start, instant_t end) {
    return k->asks->window(k->asks->ctx, k->name, start, end);
}

const char *why_about(struct whying *k, instant_t start, instant_t end) {
    if (start == INSTANT_NONE) return "no window";
    return why_print(k, "the window %s", window_text(k, start, end));
}

const char *why_file(const struct pipeline *p, struct span at, struct arena *a) {
    if (!at.source) return p->source ? p->source->path : p->path;
    return arena_printf(a, "%s:%u", at.source->path, place_of(at.source, at.start).line);
}

/* ---- facts ---- */

static void add(struct whying *k, struct why_fact f) {
    GROW(k->out->facts, k->out->count, k->out->cap);
    k->out->facts[k->out->count++] = f;
}

void why_text(struct whying *k, const char *what, const char *source, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    const char *text = print_list(k, fmt, args);
    va_end(args);
    add(k, (struct why_fact){.what = what, .shown = text, .value = json_string(text), .source = source});
}

static json_t *instant_value(instant_t t) {
    char text[INSTANT_TEXT];
    return json_string(instant_text(t, text));
}

void why_time(struct whying *k, const char *what, const char *source, instant_t t) {
    if (t == INSTANT_NONE) return;
    add(k,
        (struct why_fact){.what = what, .shown = why_at(k, t), .value = instant_value(t), .source = source});
}

void why_span(struct whying *k, const char *what, const char *source, instant_t start, instant_t end) {
    if (start == INSTANT_NONE) return;
    json_t *value = json_pack("{so so}", "start", instant_value(start), "end", instant_value(end));
    add(k, (struct why_fact){
               .what = what, .shown = window_text(k, start, end), .value = value, .source = source});
}

void why_release(struct why *w) {
    for (size_t i = 0; i < w->count; i++) json_decref(w->facts[i].value);
    free(w->facts);
    arena_free(w->arena);
    *w = (struct why){0};
}

/* ---- who is at work ---- */

void why_alive(struct whying *k) {
    struct err ignored;
    instant_t at;
    if (k->standing) {
        why_text(k, "at work", "the conductor", "process %lld, which is no daemon",
                 (long long)json_int(k->standing, "pid", 0));
    } else if (k->store && store_alive_at(k->store, &at, &ignored) == 1) {
        why_time(k, "last sign of life of a daemon", "the database", at);
    } else {
        why_text(k, "last sign of life of a daemon", "the database", "none was ever recorded");
    }
}

const char *why_nobody(struct whying *k) {
    return k->standing ? "no daemon is at work: only a single command is" : "no daemon is at work";
}

/* ---- pauses ---- */

const struct pause_row *why_paused(struct whying *k, struct err *err) {
    struct pause_row *rows;
    size_t n = 0;
    if (store_pauses_list(k->store, k->asks->now, k->out->arena, &rows, &n, err) < 0) return NULL;
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].pipeline, k->name) == 0) return &rows[i];
    return NULL;
}

/* ---- no file any more ---- */

bool why_is_gone(const struct whying *k) { return !k->pipeline && !k->problem; }

/* The last slot of the schedule, when it was due and its file was not there. */
static int tell_dropped(struct whying *k, const struct schedule_row *row, struct err *err) {
    struct slot_row *slots;
    size_t n;
    if (store_slots_last(k->store, row->id, INSTANT_NONE, 1, k->out->arena, &slots, &n, err) < 0) return -1;
    if (!n || !slots[0].reason || strcmp(slots[0].reason, "pipeline_gone") != 0) return 0;
    why_text(k, "what was due", "slot", "the slot of %s was skipped: pipeline_gone",
             why_at(k, slots[0].fire));
    return 0;
}

const char *why_gone(struct whying *k, struct err *err) {
    struct schedule_row *rows;
    size_t n = 0;
    instant_t since = INSTANT_NONE;
    if (!k->store) return why_print(k, "the file of %s is gone", k->name);
    if (store_schedules_list(k->store, k->name, k->out->arena, &rows, &n, err) < 0) return NULL;
    for (size_t i = 0; i < n; i++)
        if (rows[i].gone_at != INSTANT_NONE && (since == INSTANT_NONE || rows[i].gone_at > since))
            since = rows[i].gone_at;
    why_time(k, "gone since", "schedule", since);
    for (size_t i = 0; i < n; i++)
        if (tell_dropped(k, &rows[i], err)) return NULL;
    if (since == INSTANT_NONE) return why_print(k, "the file of %s is gone", k->name);
    return why_print(k, "the file of %s is gone since %s", k->name, why_at(k, since));
}

/* ---- begin and end ---- */

int why_begin(struct whying *k, const struct why_asks *asks, const char *pipeline, struct why *out,
              struct err *err) {
    struct pipeline_row *rows;
    size_t n = 0;
    bool known = false;
    if (!out->arena) out->arena = arena_new();
    *k = (struct whying){.asks = asks, .store = asks->store, .out = out};
    k->name = arena_strdup(out->arena, pipeline);
    k->pipeline = asks->find(asks->ctx, k->name, &k->problem);
    if (!k->pipeline && !k->problem && k->store &&
        store_pipelines_list(k->store, out->arena, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) known |= strcmp(rows[i].name, k->name) == 0;
    if (!k->pipeline && !k->problem && !known) {
        err_set(err, EX_NOT_FOUND, "there is no pipeline `%s`", k->name);
        return err_hint(err, "see: leat status");
    }
    k->standing = asks->ask(asks->ctx, json_pack("{ss}", "ask", "status"));
    k->serves = json_flag(k->standing, "serves");
    return 0;
}

void why_end(struct whying *k) {
    json_decref(k->standing);
    k->standing = NULL;
}
