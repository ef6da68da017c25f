/* diag.c: collecting diagnostics, and the forms that need no drawing (diag_render.c draws).
 *
 * Sources are copied on first use, so a diagnostic never points into a pipeline that may be freed before it
 * is shown. Lines are looked up in an index made once per source. */
#include "base/diag.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct diags *diags_new(void) {
    struct diags *d = xcalloc(1, sizeof *d);
    d->arena = arena_new();
    return d;
}

void diags_free(struct diags *d) {
    if (!d) return;
    for (size_t i = 0; i < d->source_count; i++) free(d->sources[i]->lines);
    free(d->sources);
    free(d->list);
    arena_free(d->arena);
    free(d);
}

static bool same_source(const struct diag_source *k, const struct source *s) {
    return k->from == s && k->from_text == s->text && k->copy.len == s->len &&
           strcmp(k->copy.path, s->path) == 0;
}

static const struct source *keep_source(struct diags *d, const struct source *s) {
    if (!s) return NULL;
    for (size_t i = 0; i < d->source_count; i++)
        if (s == &d->sources[i]->copy || same_source(d->sources[i], s)) return &d->sources[i]->copy;
    struct diag_source *k = arena_alloc(d->arena, sizeof *k);
    *k = (struct diag_source){.from = s, .from_text = s->text};
    k->copy = (struct source){
        .path = arena_strdup(d->arena, s->path),
        .text = arena_strndup(d->arena, s->text ? s->text : "", s->text ? s->len : 0),
        .len = s->text ? s->len : 0,
    };
    GROW(d->sources, d->source_count, d->source_cap);
    d->sources[d->source_count++] = k;
    return &k->copy;
}

static struct span keep_span(struct diags *d, struct span at) {
    at.source = keep_source(d, at.source);
    if (!at.source) return (struct span){0};
    if (at.end > at.source->len) at.end = (uint32_t)at.source->len;
    if (at.start > at.end) at.start = at.end;
    return at;
}

static char *format(struct arena *a, const char *fmt, va_list ap) {
    struct buf b = BUF_INIT;
    buf_vaddf(&b, fmt, ap);
    char *s = arena_strdup(a, buf_str(&b));
    buf_release(&b);
    return s;
}

struct diag *diag_add(struct diags *d, const char *code, struct span at, const char *fmt, ...) {
    bool warning = code[0] == 'W';
    *(warning ? &d->warnings : &d->errors) += 1;
    struct diag *g = &d->spare;
    if (d->count < LIMIT_DIAG_KEPT) {
        GROW(d->list, d->count, d->cap);
        g = &d->list[d->count++];
    }
    *g = (struct diag){.severity = warning ? SEVERITY_WARNING : SEVERITY_ERROR};
    snprintf(g->code, sizeof g->code, "%s", code);
    if (g == &d->spare) return g;
    va_list ap;
    va_start(ap, fmt);
    g->message = format(d->arena, fmt, ap);
    va_end(ap);
    g->at = keep_span(d, at);
    return g;
}

#define SETTER(name, member)                                                                                 \
    void name(struct diags *d, struct diag *g, const char *fmt, ...) {                                       \
        if (g == &d->spare) return;                                                                          \
        va_list ap;                                                                                          \
        va_start(ap, fmt);                                                                                   \
        g->member = format(d->arena, fmt, ap);                                                               \
        va_end(ap);                                                                                          \
    }
SETTER(diag_label, label)
SETTER(diag_help, help)
SETTER(diag_note, note)
#undef SETTER

void diag_also(struct diags *d, struct diag *g, struct span at, const char *label) {
    if (g == &d->spare) return;
    g->also = keep_span(d, at);
    g->also_label = arena_strdup(d->arena, label);
}

void diag_fix(struct diags *d, struct diag *g, struct span at, const char *text) {
    if (g == &d->spare) return;
    g->fix = (struct fix){.at = keep_span(d, at), .text = arena_strdup(d->arena, text)};
}

void diag_meant(struct diags *d, struct diag *g, const char *word) {
    if (!word || g == &d->spare) return;
    diag_label(d, g, "did you mean `%s`?", word);
    diag_fix(d, g, g->at, word);
}

/* ---- places */

struct place place_of(const struct source *s, uint32_t offset) {
    if (offset > s->len) offset = (uint32_t)s->len;
    struct place p = {.line = 1};
    uint32_t line = 0;
    for (const char *nl; (nl = memchr(s->text + line, '\n', offset - line)); p.line++)
        line = (uint32_t)(nl - s->text) + 1;
    p.column = (uint32_t)utf8_characters(s->text + line, offset - line) + 1;
    return p;
}

static int text_order(const char *a, const char *b) { return strcmp(a ? a : "", b ? b : ""); }

static int diag_order(const void *pa, const void *pb) {
    const struct diag *a = pa, *b = pb;
    const char *fa = a->at.source ? a->at.source->path : NULL, *fb = b->at.source ? b->at.source->path : NULL;
    int c = text_order(fa, fb);
    if (!c) c = (a->at.start > b->at.start) - (a->at.start < b->at.start);
    if (!c) c = (a->at.end > b->at.end) - (a->at.end < b->at.end);
    if (!c) c = strcmp(a->code, b->code);
    return c ? c : text_order(a->message, b->message);
}

void diags_sort(struct diags *d) {
    if (!d->count) return;
    qsort(d->list, d->count, sizeof *d->list, diag_order);
    size_t kept = 1;
    for (size_t i = 1; i < d->count; i++) {
        if (diag_order(&d->list[kept - 1], &d->list[i]) != 0)
            d->list[kept++] = d->list[i];
        else
            *(d->list[i].severity == SEVERITY_WARNING ? &d->warnings : &d->errors) -= 1;
    }
    d->count = kept;
}

char *diags_first(struct diags *d) {
    struct buf b = BUF_INIT;
    size_t i = 0;
    diags_sort(d);
    while (i < d->count && d->list[i].severity != SEVERITY_ERROR) i++;
    if (i == d->count) return NULL;
    const struct diag *g = &d->list[i];
    if (g->at.source) {
        struct place at = place_of(g->at.source, g->at.start);
        buf_addf(&b, "%s:%u:%u: ", g->at.source->path, at.line, at.column);
    }
    buf_adds(&b, g->message);
    if (g->label) buf_addf(&b, " (%s)", g->label);
    return buf_take(&b);
}

/* ---- JSON */

/* Text quoted from a file may be cut inside of a character: what is no UTF-8 becomes `?`. */
static json_t *text_or_null(const char *s) {
    size_t len = s ? strlen(s) : 0;
    if (!s || utf8_check(s, len) == len) return s ? json_string(s) : json_null();
    char *copy = xstrdup(s);
    for (size_t bad; (bad = utf8_check(copy, len)) < len;) copy[bad] = '?';
    json_t *v = json_string(copy);
    free(copy);
    return v;
}

static void put_span(json_t *o, struct span at) {
    if (!at.source) return;
    struct place a = place_of(at.source, at.start), b = place_of(at.source, at.end);
    json_put(o, "line", json_integer(a.line));
    json_put(o, "column", json_integer(a.column));
    json_put(o, "end_line", json_integer(b.line));
    json_put(o, "end_column", json_integer(b.column));
}

static json_t *diag_json(const struct diag *g) {
    json_t *o = json_object();
    json_put_text(o, "code", g->code);
    json_put_text(o, "severity", g->severity == SEVERITY_ERROR ? "error" : "warning");
    json_put(o, "message", text_or_null(g->message));
    put_span(o, g->at);
    json_put(o, "label", text_or_null(g->label));
    json_put(o, "help", text_or_null(g->help ? g->help : g->label));
    if (g->note) json_put(o, "note", text_or_null(g->note));
    json_t *fix = json_null();
    if (g->fix.text) {
        fix = json_object();
        put_span(fix, g->fix.at);
        json_put(fix, "text", text_or_null(g->fix.text));
    }
    json_put(o, "fix", fix);
    return o;
}

json_t *diags_json(struct diags *d, const char *path) {
    json_t *list = json_array();
    for (size_t i = 0; i < d->count; i++) {
        const struct source *s = d->list[i].at.source;
        if (path && (!s || strcmp(s->path, path) != 0)) continue;
        json_array_append_new(list, diag_json(&d->list[i]));
    }
    return list;
}

/* ---- fixes */

static int fix_order(const void *pa, const void *pb) {
    const struct fix *a = *(const struct fix *const *)pa, *b = *(const struct fix *const *)pb;
    return (a->at.start > b->at.start) - (a->at.start < b->at.start);
}

static size_t fixes_of(const struct diags *d, const char *path, const struct fix **out) {
    size_t n = 0;
    for (size_t i = 0; i < d->count; i++) {
        const struct fix *f = &d->list[i].fix;
        if (f->text && f->at.source && strcmp(f->at.source->path, path) == 0) out[n++] = f;
    }
    qsort(out, n, sizeof *out, fix_order);
    return n;
}

size_t diags_apply_fixes(struct diags *d, const char *path, struct buf *out) {
    const struct fix **fixes = xcalloc(d->count + 1, sizeof *fixes);
    size_t n = fixes_of(d, path, fixes), done = 0;
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (done && fixes[i]->at.start < at) continue;
        buf_add(out, fixes[i]->at.source->text + at, fixes[i]->at.start - at);
        buf_adds(out, fixes[i]->text);
        at = fixes[i]->at.end;
        done++;
    }
    if (done) buf_add(out, fixes[0]->at.source->text + at, fixes[0]->at.source->len - at);
    free(fixes);
    return done;
}
