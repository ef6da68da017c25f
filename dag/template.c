/* template.c: see template.h. */
#include "dag/template.h"

#include "base/buf.h"

#include <string.h>

static const char *next_open(const char *s) {
    for (const char *p = s; (p = strstr(p, "${")); p += 2)
        if (p == s || p[-1] != '$') return p;
    return NULL;
}

bool template_in(const char *text) { return next_open(text) != NULL; }

/* Literal text with $${ written as ${. */
static struct part literal_part(struct arena *a, const char *text, size_t start, size_t end) {
    char *out = arena_alloc(a, end - start + 1);
    size_t n = 0;
    for (size_t i = start; i < end; i++) {
        if (end - i >= 3 && memcmp(text + i, "$${", 3) == 0) i++;
        out[n++] = text[i];
    }
    return (struct part){.text = out, .len = (uint32_t)n, .start = (uint32_t)start, .end = (uint32_t)end};
}

static size_t count_opens(const char *text) {
    size_t n = 0;
    for (const char *p = text; (p = next_open(p)); p += 2) n++;
    return n;
}

static bool parse_part(struct arena *a, const char *text, size_t len, struct part *part,
                       struct complaint *c) {
    size_t end;
    part->expr = expr_parse(a, text, part->start + 2, len, &end, c);
    if (!part->expr) return false;
    if (end >= len) return expr_complain(c, "E0501", part->start, (uint32_t)len, "this `${` is never closed");
    if (text[end] != '}')
        return expr_complain(c, "E0501", (uint32_t)end, (uint32_t)end + 1,
                             "an operator or `}` is missing here");
    part->end = (uint32_t)end + 1;
    return true;
}

struct template *template_parse(struct arena *a, const char *text, size_t len, struct complaint *c) {
    struct template *t = arena_alloc(a, sizeof *t);
    t->parts = arena_array(a, count_opens(text) * 2 + 1, sizeof *t->parts);
    size_t at = 0;
    for (const char *open; (open = next_open(text + at));) {
        size_t start = (size_t)(open - text);
        if (start > at) t->parts[t->count++] = literal_part(a, text, at, start);
        struct part *part = &t->parts[t->count++];
        *part = (struct part){.start = (uint32_t)start};
        if (!parse_part(a, text, len, part, c)) return NULL;
        at = part->end;
    }
    if (at < len || !t->count) t->parts[t->count++] = literal_part(a, text, at, len);
    t->whole = t->count == 1 && t->parts[0].expr;
    return t;
}

bool template_check_part(struct template *t, uint32_t i, struct expr_scope *scope, struct complaint *c) {
    struct part *part = &t->parts[i];
    if (!part->expr) return true;
    if (!expr_check(part->expr, scope, c)) return false;
    t->secret = t->secret || part->expr->secret;
    uint8_t type = part->expr->type;
    if (t->whole || (type != TYPE_LIST && type != TYPE_MAP && type != TYPE_NULL)) return true;
    return expr_complain(c, "E0505", part->start, part->end, "%s cannot be part of a text",
                         expr_type_texts[type]);
}

bool template_check(struct template *t, struct expr_scope *scope, struct complaint *c) {
    for (uint32_t i = 0; i < t->count; i++)
        if (!template_check_part(t, i, scope, c)) return false;
    return true;
}

void template_place(struct template *t, const struct node *scalar) {
    t->at = node_span(scalar);
    for (uint32_t i = 0; i < t->count; i++) {
        struct span at = node_part(scalar, t->parts[i].start, t->parts[i].end);
        t->parts[i].start = at.start;
        t->parts[i].end = at.end;
    }
}

enum expr_type template_type(const struct template *t) {
    if (t->whole) return (enum expr_type)t->parts[0].expr->type;
    return t->count == 1 ? TYPE_PATH : TYPE_TEXT; /* text written in the file is trusted as a path */
}

bool template_has_secret(const struct template *t) { return t->secret; }

bool template_is_early(const struct template *t) {
    for (uint32_t i = 0; i < t->count; i++)
        if (t->parts[i].expr && !expr_is_early(t->parts[i].expr)) return false;
    return true;
}

static bool part_failed(struct eval *v, const struct part *part) {
    v->c->start = part->start;
    v->c->end = part->end;
    return false;
}

bool template_eval(struct eval *v, const struct template *t, struct ev *out) {
    if (t->whole) return expr_eval(v, t->parts[0].expr, out) || part_failed(v, &t->parts[0]);
    struct buf b = BUF_INIT;
    bool good = true;
    for (uint32_t i = 0; i < t->count && good; i++) {
        const struct part *part = &t->parts[i];
        struct ev x;
        const char *text;
        if (!part->expr) {
            buf_add(&b, part->text, part->len);
            continue;
        }
        good = (expr_eval(v, part->expr, &x) && ev_text(v, &x, &text)) || part_failed(v, part);
        if (good) buf_adds(&b, text);
    }
    *out = (struct ev){.type = TYPE_TEXT, .text = arena_strdup(v->arena, buf_str(&b))};
    buf_release(&b);
    return good;
}
