/* node.c: looking at nodes, and the way back from a scalar's text to its place in the file. */
#include "dag/node.h"

#include <string.h>

const struct entry *node_find(const struct node *map, const char *key) {
    if (!map || map->kind != NODE_MAP) return NULL;
    for (uint32_t i = 0; i < map->count; i++)
        if (strcmp(map->entries[i].key, key) == 0) return &map->entries[i];
    return NULL;
}

const struct node *node_get(const struct node *map, const char *key) {
    const struct entry *e = node_find(map, key);
    return e ? e->value : NULL;
}

bool node_is_null(const struct node *n) {
    if (n->kind != NODE_SCALAR || n->style != STYLE_PLAIN) return false;
    return !n->count || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0;
}

const char *node_noun(const struct node *n) {
    if (n->kind == NODE_LIST) return "a list";
    if (n->kind == NODE_MAP) return "a map";
    return node_is_null(n) ? "nothing" : "text";
}

/* ---- from text back to source */

static uint32_t next_line(const struct source *s, uint32_t at, uint32_t end) {
    const char *nl = at < end ? memchr(s->text + at, '\n', end - at) : NULL;
    return nl ? (uint32_t)(nl - s->text) + 1 : end;
}

static uint32_t indent_at(const struct source *s, uint32_t at, uint32_t end) {
    uint32_t n = 0;
    while (at + n < end && s->text[at + n] == ' ') n++;
    return n;
}

static bool blank_line(const struct source *s, uint32_t at, uint32_t end) {
    uint32_t i = at + indent_at(s, at, end);
    return i >= end || s->text[i] == '\n' || s->text[i] == '\r';
}

/* The indentation of a block scalar: its header's digit added to the parent's is rare; the first line that
 * is not blank says it in all other cases, and in that one too unless the text itself starts with spaces. */
static uint32_t block_indent(const struct node *n, uint32_t body) {
    uint32_t leading = 0;
    for (const char *t = n->text; *t == ' ' || *t == '\n'; t++) leading = *t == '\n' ? 0 : leading + 1;
    for (uint32_t at = body; at < n->end; at = next_line(n->source, at, n->end)) {
        if (blank_line(n->source, at, n->end)) continue;
        uint32_t indent = indent_at(n->source, at, n->end);
        return indent > leading ? indent - leading : 0;
    }
    return 0;
}

/* A literal block maps line for line. */
static uint32_t literal_offset(const struct node *n, size_t at) {
    uint32_t line = next_line(n->source, n->start, n->end), indent = block_indent(n, line);
    size_t column = 0;
    for (size_t i = 0; i < at && i < n->count; i++) {
        column++;
        if (n->text[i] != '\n') continue;
        line = next_line(n->source, line, n->end);
        column = 0;
    }
    uint32_t width = next_line(n->source, line, n->end) - line;
    uint32_t offset = indent + (uint32_t)column;
    return line + (offset < width ? offset : width ? width - 1 : 0);
}

static bool white(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

/* Bytes of the escape sequence at s in a double-quoted scalar (YAML 1.1, 5.7). */
static uint32_t escape_length(const char *s) {
    switch (s[1]) {
    case 'x': return 4;
    case 'u': return 6;
    case 'U': return 10;
    default: return 2;
    }
}

/* Walks text and source side by side; white space matches white space of any length, as folding does. */
static uint32_t folded_offset(const struct node *n, size_t at) {
    const char *s = n->source->text;
    bool quoted = n->style == STYLE_SINGLE || n->style == STYLE_DOUBLE;
    uint32_t i = n->style == STYLE_FOLDED ? next_line(n->source, n->start, n->end) : n->start + quoted;
    if (n->style == STYLE_FOLDED) i += indent_at(n->source, i, n->end);
    for (size_t k = 0; k <= at && k < n->count && i < n->end; k++) {
        while (n->style == STYLE_DOUBLE && s[i] == '\\' && s[i + 1] == '\n') { /* joins two lines */
            for (i += 2; i < n->end && white(s[i]);) i++;
        }
        if (k == at) break;
        bool lands_on_white = k + 1 < n->count && white(n->text[k + 1]);
        if (n->style == STYLE_DOUBLE && s[i] == '\\') {
            i += escape_length(s + i);
        } else if (n->style == STYLE_SINGLE && s[i] == '\'') {
            i += 2;
        } else if (white(n->text[k]) && white(s[i])) {
            i++;
            while (!lands_on_white && i < n->end && white(s[i])) i++;
        } else {
            i++;
        }
    }
    return i < n->end ? i : n->end;
}

static uint32_t part_offset(const struct node *n, size_t at) {
    return n->style == STYLE_LITERAL ? literal_offset(n, at) : folded_offset(n, at);
}

struct span node_part(const struct node *n, size_t start, size_t end) {
    struct span at = node_span(n);
    if (n->kind != NODE_SCALAR) return at;
    at.start = part_offset(n, start);
    at.end = end > start ? part_offset(n, end - 1) + 1 : at.start;
    if (at.end < at.start) at.end = at.start;
    return at;
}
