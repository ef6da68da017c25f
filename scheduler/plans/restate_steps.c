/* restate_steps.c: the steps of all pipelines as one graph: who writes what others read. */
#include "scheduler/plans/restate_impl.h"

#include "scheduler/plans/windowed.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void restate_note(struct restating *k, const char *fmt, ...) {
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    GROW(k->out->notes, k->out->note_count, k->out->note_cap);
    k->out->notes[k->out->note_count++] = arena_strdup(k->out->arena, text);
}

/* ---- what a step can do ---- */

static const char *why_not(const struct step *s) {
    const char *why;
    if (step_in_window(s, &why) != IN_WINDOW_RUNS) return why;
    bool appends = s->into && s->into->write == WRITE_APPEND;
    return appends ? "it appends: its rows would be there twice" : "";
}

static bool writes(const struct step *s, const char *dataset) {
    return s->into && strcmp(s->into->dataset, dataset) == 0;
}

/* The first writer stays where the map has it, the others come behind it. */
static void add_writer(struct restating *k, const char *dataset, uint32_t step) {
    size_t first;
    k->steps[step].next_writer = NO_WRITER;
    if (!map_get(&k->writers, dataset, &first)) {
        map_add(&k->writers, dataset, step, NULL);
        return;
    }
    k->steps[step].next_writer = k->steps[first].next_writer;
    k->steps[first].next_writer = step;
}

static void add_steps(struct restating *k, const struct pipeline *p) {
    for (uint32_t i = 0; i < p->step_count; i++) {
        struct restate_step *t = &k->steps[k->step_count];
        *t = (struct restate_step){.pipeline = p, .step = &p->steps[i], .cannot = why_not(&p->steps[i])};
        t->root = writes(t->step, k->r->dataset);
        if (t->step->into) add_writer(k, t->step->into->dataset, (uint32_t)k->step_count);
        map_add(&k->names, arena_printf(k->out->arena, "%s.%s", p->name, t->step->name), k->step_count, NULL);
        k->step_count++;
    }
}

/* ---- who reads from whom ---- */

static void add_reader(struct restating *k, uint32_t writer, uint32_t reader) {
    struct restate_step *w = &k->steps[writer];
    if (writer == reader) return; /* it reads what it wrote before */
    for (size_t i = 0; i < w->reader_count; i++)
        if (w->readers[i] == reader) return;
    GROW(w->readers, w->reader_count, w->reader_cap);
    w->readers[w->reader_count++] = reader;
    k->steps[reader].waits++;
}

static void connect(struct restating *k, uint32_t reader, const char *dataset) {
    size_t first;
    if (!map_get(&k->writers, dataset, &first)) return;
    for (uint32_t i = (uint32_t)first; i != NO_WRITER; i = k->steps[i].next_writer) add_reader(k, i, reader);
}

static void connect_all(struct restating *k) {
    for (uint32_t i = 0; i < k->step_count; i++)
        for (size_t r = 0; r < k->steps[i].step->read_count; r++)
            connect(k, i, k->steps[i].step->reads[r].dataset);
}

/* ---- the order ---- */

static int in_a_circle(const struct restating *k, struct err *err) {
    uint32_t i = 0;
    while (!k->steps[i].waits) i++;
    err_set(err, EX_INVALID, "steps read what they write in a circle: %s.%s is in it",
            k->steps[i].pipeline->name, k->steps[i].step->name);
    return err_hint(err, "a restatement has no order there");
}

static int put_in_order(struct restating *k, struct err *err) {
    size_t n = 0;
    k->order = xcalloc(k->step_count + 1, sizeof *k->order);
    for (uint32_t i = 0; i < k->step_count; i++)
        if (!k->steps[i].waits) k->order[n++] = i;
    for (size_t at = 0; at < n; at++) {
        const struct restate_step *w = &k->steps[k->order[at]];
        for (size_t i = 0; i < w->reader_count; i++)
            if (--k->steps[w->readers[i]].waits == 0) k->order[n++] = w->readers[i];
    }
    return n == k->step_count ? 0 : in_a_circle(k, err);
}

int restate_steps(struct restating *k, struct err *err) {
    size_t n = 0;
    for (size_t i = 0; i < k->s->count; i++) n += k->s->pipelines[i]->step_count;
    k->steps = xcalloc(n + 1, sizeof *k->steps);
    for (size_t i = 0; i < k->s->count; i++) add_steps(k, k->s->pipelines[i]);
    connect_all(k);
    return put_in_order(k, err);
}
