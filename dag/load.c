/* load.c: what every stage of loading needs: words for places, diagnostics, line numbers, kept JSON. */
#include "dag/load.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- words for people */

static void where_add(const struct where *w, struct buf *out) {
    for (const struct where *p = w; p; p = p->of) {
        if (p != w) buf_adds(out, " of ");
        if (p->noun) buf_adds(out, p->noun);
        if (p->noun && p->name) buf_addc(out, ' ');
        if (p->name) buf_addf(out, "`%s`", p->name);
    }
}

const char *where_text(struct load *l, const struct where *w) {
    struct buf b = BUF_INIT;
    where_add(w, &b);
    const char *s = arena_strdup(l->d->arena, buf_str(&b));
    buf_release(&b);
    return s;
}

struct diag *load_diag(struct load *l, const char *code, struct span at, const char *fmt, ...) {
    struct buf b = BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(&b, fmt, ap);
    va_end(ap);
    struct diag *g = diag_add(l->d, code, at, "%s", buf_str(&b));
    buf_release(&b);
    if (l->call.source) diag_also(l->d, g, l->call, "the template is used here");
    return g;
}

static void add_complaint(struct load *l, struct span at, const struct complaint *c) {
    struct diag *g = load_diag(l, c->code, at, "%s", c->message);
    if (*c->label) diag_label(l->d, g, "%s", c->label);
    if (!*c->meant) return;
    if (!*c->label) diag_label(l->d, g, "did you mean `%s`?", c->meant);
    diag_fix(l->d, g, at, c->meant);
}

void load_complain(struct load *l, const struct node *scalar, const struct complaint *c) {
    struct span at = c->end ? node_part(scalar, c->start, c->end) : node_span(scalar);
    struct complaint copy = *c;
    bool quoted = scalar->style != STYLE_PLAIN || scalar->source->text[scalar->start] == '*';
    /* A meant zone or boolean replaces the bare value; inside quotes the quotes would go with it. */
    if (*copy.meant && !c->end && quoted) {
        if (!*copy.label) snprintf(copy.label, sizeof copy.label, "did you mean `%s`?", copy.meant);
        copy.meant[0] = 0;
    }
    if (*copy.meant && !*copy.label)
        snprintf(copy.label, sizeof copy.label, "did you mean `%s`?", copy.meant);
    add_complaint(l, at, &copy);
}

/* ---- lines */

struct line_index {
    struct line_index *next;
    const struct source *source;
    uint32_t *starts;
    size_t count, cap;
};

static struct line_index *index_of(struct load *l, const struct source *s) {
    for (struct line_index *i = l->lines; i; i = i->next)
        if (i->source == s) return i;
    struct line_index *i = xcalloc(1, sizeof *i);
    *i = (struct line_index){.next = l->lines, .source = s};
    l->lines = i;
    for (size_t at = 0; at <= s->len;) {
        GROW(i->starts, i->count, i->cap);
        i->starts[i->count++] = (uint32_t)at;
        const char *nl = at < s->len ? memchr(s->text + at, '\n', s->len - at) : NULL;
        if (!nl) break;
        at = (size_t)(nl - s->text) + 1;
    }
    return i;
}

struct place load_place(struct load *l, struct span at) {
    const struct line_index *i = index_of(l, at.source);
    size_t low = 0, high = i->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        *(i->starts[middle] <= at.start ? &low : &high) = middle;
    }
    const char *line = at.source->text + i->starts[low];
    return (struct place){(uint32_t)low + 1, (uint32_t)utf8_characters(line, at.start - i->starts[low]) + 1};
}

/* ---- memory */

void load_release(struct load *l) {
    for (struct line_index *i = l->lines, *next; i; i = next) {
        next = i->next;
        free(i->starts);
        free(i);
    }
    l->lines = NULL;
    free(l->scope.refs);
    l->scope.refs = NULL;
    l->scope.ref_count = l->scope.ref_cap = 0;
}

json_t *keep_json(struct load *l, json_t *j) {
    GROW(l->kept->list, l->kept->count, l->kept->cap);
    return l->kept->list[l->kept->count++] = j;
}
