/* diag_render.c: diagnostics as people and tools read them.
 *
 * The drawing is a header, the place, the source line with a caret under the span, then notes and help. The
 * gutter is as wide as the largest line number shown. Carets stand in display columns; tabs are drawn as
 * four spaces and control characters as `?`, and a long line is cut to a window around the span. */
#include "base/diag.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAB_COLUMNS = 4, WINDOW_BYTES = 160, LEAD_BYTES = 60 };

#define RED    "\x1b[1;31m"
#define YELLOW "\x1b[1;33m"
#define BLUE   "\x1b[1;34m"
#define BOLD   "\x1b[1m"
#define PLAIN  "\x1b[0m"

struct drawing {
    struct buf *out;
    bool color;
    int gutter; /* digits of the largest line number */
};

static const char *paint(const struct drawing *w, const char *color) { return w->color ? color : ""; }

/* The index of line starts is kept beside the copy that every span of a collected diagnostic points to. */
static struct diag_source *indexed(const struct source *s) {
    struct diag_source *k = (struct diag_source *)((char *)(uintptr_t)s - offsetof(struct diag_source, copy));
    if (k->lines) return k;
    uint32_t n = 1;
    for (size_t i = 0; i < s->len; i++) n += s->text[i] == '\n';
    k->lines = xmalloc(n * sizeof *k->lines);
    k->lines[k->line_count++] = 0;
    for (size_t i = 0; i < s->len; i++)
        if (s->text[i] == '\n') k->lines[k->line_count++] = (uint32_t)i + 1;
    return k;
}

static uint32_t line_of(const struct source *s, uint32_t offset) {
    const struct diag_source *k = indexed(s);
    uint32_t low = 0, high = k->line_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        *(k->lines[middle] <= offset ? &low : &high) = middle;
    }
    return low; /* from 0 */
}

static struct place place(const struct source *s, uint32_t offset) {
    uint32_t line = line_of(s, offset), start = indexed(s)->lines[line];
    return (struct place){line + 1, (uint32_t)utf8_characters(s->text + start, offset - start) + 1};
}

/* One source line as it will be drawn: byte offsets of the part shown. */
struct shown {
    uint32_t number; /* from 1 */
    uint32_t start, end;
    bool cut_before, cut_after;
};

static uint32_t character_start(const struct source *s, uint32_t at, uint32_t least) {
    while (at > least && ((unsigned char)s->text[at] & 0xc0) == 0x80) at--;
    return at;
}

static struct shown line_shown(const struct source *s, struct span at) {
    uint32_t line = line_of(s, at.start), start = indexed(s)->lines[line];
    const char *nl = memchr(s->text + start, '\n', s->len - start);
    uint32_t end = nl ? (uint32_t)(nl - s->text) : (uint32_t)s->len;
    if (end > start && s->text[end - 1] == '\r') end--;
    struct shown v = {.number = line + 1, .start = start, .end = end};
    if (end - start <= WINDOW_BYTES) return v;
    if (at.start - start > LEAD_BYTES) v.start = character_start(s, at.start - LEAD_BYTES, start);
    if (end - v.start > WINDOW_BYTES) v.end = character_start(s, v.start + WINDOW_BYTES, v.start);
    v.cut_before = v.start > start;
    v.cut_after = v.end < end;
    return v;
}

/* Draws bytes for a terminal and returns the columns they take; out may be NULL to measure only. */
static size_t draw_text(struct buf *out, const char *s, size_t n) {
    size_t columns = 0;
    for (size_t i = 0; i < n;) {
        uint32_t c;
        size_t len = utf8_decode(s + i, n - i, &c);
        bool tab = c == '\t', odd = c < ' ' || c == 0x7f || c == UINT32_MAX;
        if (out && tab) buf_addf(out, "%*s", TAB_COLUMNS, "");
        if (out && !tab && odd) buf_addc(out, '?');
        if (out && !tab && !odd) buf_add(out, s + i, len);
        columns += tab ? TAB_COLUMNS : odd ? 1 : (size_t)utf8_width(c);
        i += len;
    }
    return columns;
}

static void draw_gutter(const struct drawing *w, uint32_t number) {
    buf_adds(w->out, paint(w, BLUE));
    if (number)
        buf_addf(w->out, "%*u |", w->gutter, number);
    else
        buf_addf(w->out, "%*s |", w->gutter, "");
    buf_adds(w->out, paint(w, PLAIN));
}

static void draw_source_line(const struct drawing *w, const struct source *s, const struct shown *v) {
    draw_gutter(w, v->number);
    buf_addc(w->out, ' ');
    if (v->cut_before) buf_adds(w->out, "…");
    draw_text(w->out, s->text + v->start, v->end - v->start);
    if (v->cut_after) buf_adds(w->out, "…");
    while (w->out->len && w->out->s[w->out->len - 1] == ' ') w->out->s[--w->out->len] = 0;
    buf_addc(w->out, '\n');
}

struct mark {
    struct span at;
    const char *label;
    char under;
    const char *color;
};

static void draw_caret(const struct drawing *w, const struct shown *v, const struct mark *m) {
    const char *text = m->at.source->text;
    uint32_t start = m->at.start < v->end ? m->at.start : v->end;
    uint32_t end = m->at.end < v->end ? m->at.end : v->end;
    size_t before = draw_text(NULL, text + v->start, start - v->start) + v->cut_before;
    size_t columns = end > start ? draw_text(NULL, text + start, end - start) : 0;
    draw_gutter(w, 0);
    buf_addf(w->out, " %*s%s", (int)before, "", paint(w, m->color));
    for (size_t i = 0; i < columns || i == 0; i++) buf_addc(w->out, m->under);
    if (m->label) buf_addf(w->out, " %s", m->label);
    buf_addf(w->out, "%s\n", paint(w, PLAIN));
}

static void draw_mark(const struct drawing *w, const struct mark *m) {
    struct shown v = line_shown(m->at.source, m->at);
    draw_source_line(w, m->at.source, &v);
    draw_caret(w, &v, m);
}

/* Two places of one file, in the order of the file. */
static void draw_both(const struct drawing *w, const struct mark *a, const struct mark *b) {
    if (a->at.start > b->at.start) {
        const struct mark *swap = a;
        a = b, b = swap;
    }
    uint32_t la = line_of(a->at.source, a->at.start), lb = line_of(b->at.source, b->at.start);
    draw_mark(w, a);
    if (la == lb) {
        struct shown v = line_shown(b->at.source, b->at);
        draw_caret(w, &v, b);
        return;
    }
    if (lb - la > 1) buf_addf(w->out, "%s%*s ⋮%s\n", paint(w, BLUE), w->gutter, "", paint(w, PLAIN));
    draw_mark(w, b);
}

static void draw_place(const struct drawing *w, const char *arrow, struct span at) {
    struct place p = place(at.source, at.start);
    buf_addf(w->out, "%s%*s%s%s %s:%u:%u\n", paint(w, BLUE), w->gutter, "", arrow, paint(w, PLAIN),
             at.source->path, p.line, p.column);
    draw_gutter(w, 0);
    buf_addc(w->out, '\n');
}

/* "   = help: text", further lines below the text. */
static void draw_advice(const struct drawing *w, const char *kind, const char *text) {
    int indent = w->gutter + 1 + (int)strlen("= ") + (int)strlen(kind) + (int)strlen(": ");
    buf_addf(w->out, "%*s %s= %s%s: ", w->gutter, "", paint(w, BLUE), kind, paint(w, PLAIN));
    for (const char *line = text, *nl; line; line = nl) {
        nl = strchr(line, '\n');
        size_t n = nl ? (size_t)(nl++ - line) : strlen(line);
        if (line != text) buf_addf(w->out, "%*s", indent, "");
        buf_add(w->out, line, n);
        buf_addc(w->out, '\n');
    }
}

static void draw_marks(const struct drawing *w, const struct diag *g, const char *color) {
    struct mark first = {.at = g->at, .label = g->label, .under = '^', .color = color};
    struct mark second = {.at = g->also, .label = g->also_label, .under = '-', .color = BLUE};
    draw_place(w, "-->", g->at);
    if (g->also.source == g->at.source) {
        draw_both(w, &first, &second);
        return;
    }
    draw_mark(w, &first);
    if (!g->also.source) return;
    draw_place(w, ":::", g->also);
    draw_mark(w, &second);
}

static void draw_diag(const struct drawing *w, const struct diag *g) {
    bool error = g->severity == SEVERITY_ERROR;
    const char *color = error ? RED : YELLOW;
    buf_addf(w->out, "%s%s[%s]%s%s: %s%s\n", paint(w, color), error ? "error" : "warning", g->code,
             paint(w, PLAIN), paint(w, BOLD), g->message, paint(w, PLAIN));
    if (g->at.source)
        draw_marks(w, g, color);
    else if (g->label)
        draw_advice(w, "note", g->label);
    if (g->note) draw_advice(w, "note", g->note);
    if (!g->help) return;
    if (g->at.source) {
        draw_gutter(w, 0);
        buf_addc(w->out, '\n');
    }
    draw_advice(w, "help", g->help);
}

/* ---- the closing line */

static size_t files_of(const struct diags *d, const char **only) {
    size_t n = 0;
    const char *last = NULL;
    for (size_t i = 0; i < d->count; i++) {
        const struct source *s = d->list[i].at.source;
        if (!s || (last && strcmp(last, s->path) == 0)) continue;
        *only = last = s->path;
        n++;
    }
    return n;
}

static void draw_summary(const struct drawing *w, const struct diags *d) {
    size_t fixes = 0, shown = d->errors + d->warnings;
    const char *file = "";
    for (size_t i = 0; i < d->count; i++) fixes += d->list[i].fix.text != NULL;
    size_t files = files_of(d, &file);
    if (!shown) return;
    if (d->errors) buf_addf(w->out, "%zu error%s", d->errors, d->errors == 1 ? "" : "s");
    if (d->errors && d->warnings) buf_adds(w->out, ", ");
    if (d->warnings) buf_addf(w->out, "%zu warning%s", d->warnings, d->warnings == 1 ? "" : "s");
    if (files == 1) buf_addf(w->out, " in %s", file);
    if (files > 1) buf_addf(w->out, " in %zu files", files);
    buf_addc(w->out, '.');
    if (fixes) buf_addf(w->out, "  %zu can be fixed for you: leat validate --fix", fixes);
    buf_addc(w->out, '\n');
}

static int digits_of(uint32_t n) { return n < 10 ? 1 : 1 + digits_of(n / 10); }

static int gutter_of(const struct diags *d, size_t max) {
    uint32_t most = 1;
    for (size_t i = 0; i < d->count && i < max; i++) {
        const struct diag *g = &d->list[i];
        uint32_t a = g->at.source ? line_of(g->at.source, g->at.start) + 1 : 0;
        uint32_t b = g->also.source ? line_of(g->also.source, g->also.start) + 1 : 0;
        if (a > most) most = a;
        if (b > most) most = b;
    }
    return digits_of(most);
}

static void render_human(struct diags *d, size_t max, bool color, struct buf *out) {
    struct drawing w = {.out = out, .color = color, .gutter = gutter_of(d, max)};
    for (size_t i = 0; i < d->count && i < max; i++) {
        draw_diag(&w, &d->list[i]);
        if (i + 1 == d->count || i + 1 == max || !d->list[i].at.source) continue;
        draw_gutter(&w, 0);
        buf_addc(out, '\n');
    }
    size_t all = d->errors + d->warnings, shown = d->count < max ? d->count : max;
    if (all) buf_addc(out, '\n');
    if (all > shown) buf_addf(out, "and %zu more\n", all - shown);
    draw_summary(&w, d);
}

/* ---- one line each, for tools */

static void render_gcc(const struct diag *g, struct buf *out) {
    if (g->at.source) {
        struct place p = place(g->at.source, g->at.start);
        buf_addf(out, "%s:%u:%u: ", g->at.source->path, p.line, p.column);
    }
    buf_adds(out, g->severity == SEVERITY_ERROR ? "error: " : "warning: ");
    buf_addf(out, g->label ? "%s: %s [%s]\n" : "%s%s [%s]\n", g->message, g->label ? g->label : "", g->code);
}

/* GitHub's workflow commands: messages escape %, CR, LF; properties also `:` and `,`. */
static void add_escaped(struct buf *out, const char *s, const char *which) {
    for (; *s; s++) {
        if (strchr(which, *s))
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)*s);
        else
            buf_addc(out, *s);
    }
}

static void render_github(const struct diag *g, struct buf *out) {
    buf_adds(out, g->severity == SEVERITY_ERROR ? "::error " : "::warning ");
    if (g->at.source) {
        struct place a = place(g->at.source, g->at.start), b = place(g->at.source, g->at.end);
        buf_adds(out, "file=");
        add_escaped(out, g->at.source->path, "%\r\n:,");
        buf_addf(out, ",line=%u,col=%u,", a.line, a.column);
        if (a.line == b.line) buf_addf(out, "endColumn=%u,", b.column);
    }
    buf_addf(out, "title=%s::", g->code);
    add_escaped(out, g->message, "%\r\n");
    if (g->label) buf_adds(out, ": ");
    if (g->label) add_escaped(out, g->label, "%\r\n");
    buf_addc(out, '\n');
}

void diags_render(struct diags *d, enum diag_format form, size_t max, bool color, struct buf *out) {
    if (form == DIAG_HUMAN) {
        render_human(d, max, color, out);
        return;
    }
    for (size_t i = 0; i < d->count && i < max; i++)
        form == DIAG_GCC ? render_gcc(&d->list[i], out) : render_github(&d->list[i], out);
}
