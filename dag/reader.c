/* reader.c: YAML text to a tree of nodes, with libyaml's event API.
 *
 * libyaml tells what was written, quotes and marks included, and nothing is interpreted here. The stack of
 * open lists and maps is our own, so depth is a number and not a risk; children wait on one shared stack
 * until their parent closes. Refused here because no field could mean them: duplicate keys, merge keys, tags,
 * a second document, an alias to what is not yet closed.
 *
 * Invariants: 1. offsets are bytes (libyaml counts characters); 2. a node's size counts what an alias names
 * again, so a tree is never walked more than LIMIT_YAML_NODES + LIMIT_YAML_ALIAS_NODES steps. */
#include "base/limits.h"
#include "base/map.h"
#include "base/utf8.h"
#include "dag/node.h"
#include "dag/syntax.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { REREADS = 5, MARK_EVERY = 128, TEXT_BLOCK = 32768 };

struct frame {
    uint8_t kind;
    bool bad;
    uint32_t start;
    uint32_t size;
    size_t base;   /* its first child on the stack of children */
    size_t anchor; /* index + 1; 0: none */
};

struct anchor {
    struct node *node; /* NULL while open */
};

struct reader {
    struct reading *in;
    const char *text; /* the source's, or the copy with blanked blocks */
    uint32_t first;   /* bytes of a byte order mark */
    uint32_t *marks;  /* byte offset of every 128th character; NULL: all is ASCII */
    struct frame frames[LIMIT_YAML_DEPTH];
    size_t depth;
    struct node **children;
    size_t child_count, child_cap;
    struct anchor *anchors;
    size_t anchor_count, anchor_cap;
    struct map anchor_names;
    uint32_t nodes, alias_nodes;
    char *pool; /* small texts side by side, without alignment */
    size_t pool_left;
    struct node *root;
    int documents;
    bool stop; /* no use in reading on */
};

/* ---- offsets */

static uint32_t *index_characters(const char *s, size_t n) {
    size_t i = 0;
    while (i < n && (unsigned char)s[i] < 0x80) i++;
    if (i == n) return NULL;
    uint32_t *marks = xcalloc(n / MARK_EVERY + 2, sizeof *marks), c;
    size_t count = 0;
    for (i = 0; i < n; count++) {
        if (count % MARK_EVERY == 0) marks[count / MARK_EVERY] = (uint32_t)i;
        i += utf8_decode(s + i, n - i, &c);
    }
    if (count % MARK_EVERY == 0) marks[count / MARK_EVERY] = (uint32_t)n;
    return marks;
}

static uint32_t offset_of(const struct reader *r, yaml_mark_t mark) {
    if (!r->marks) return r->first + (uint32_t)mark.index;
    const char *s = r->text + r->first;
    size_t n = r->in->source->len - r->first, i = r->marks[mark.index / MARK_EVERY];
    uint32_t c;
    for (size_t left = mark.index % MARK_EVERY; left && i < n; left--) i += utf8_decode(s + i, n - i, &c);
    return r->first + (uint32_t)i;
}

static struct span span_of(const struct reader *r, const yaml_event_t *e) {
    return (struct span){
        .source = r->in->source, .start = offset_of(r, e->start_mark), .end = offset_of(r, e->end_mark)};
}

/* ---- nodes */

static const char *keep_text(struct reader *r, const char *s, size_t n) {
    if (n + 1 > TEXT_BLOCK / 8) return arena_strndup(r->in->texts, s, n);
    if (n + 1 > r->pool_left) { /* the texts of a small file fit into a small block */
        size_t file = r->in->source->len + TEXT_BLOCK / 8, block = file < TEXT_BLOCK ? file : TEXT_BLOCK;
        r->pool = arena_alloc(r->in->texts, block);
        r->pool_left = block;
    }
    char *p = r->pool;
    memcpy(p, s, n);
    p[n] = 0;
    r->pool += n + 1;
    r->pool_left -= n + 1;
    return p;
}

static struct node *new_node(struct reader *r, enum node_kind kind, struct span at) {
    if (++r->nodes > LIMIT_YAML_NODES && !r->stop) {
        diag_add(r->in->d, "E0113", at, "the file has more than %d values", LIMIT_YAML_NODES);
        r->stop = true;
    }
    struct node *n = arena_alloc(r->in->nodes, sizeof *n);
    *n = (struct node){
        .kind = (uint8_t)kind, .start = at.start, .end = at.end, .size = 1, .source = at.source};
    return n;
}

static void push_child(struct reader *r, struct node *n) {
    if (r->depth) r->frames[r->depth - 1].size += n->size;
    if (!r->depth) {
        r->root = n;
        return;
    }
    GROW(r->children, r->child_count, r->child_cap);
    r->children[r->child_count++] = n;
}

/* ---- anchors */

static size_t add_anchor(struct reader *r, const yaml_char_t *name) {
    if (!name) return 0;
    size_t old;
    GROW(r->anchors, r->anchor_count, r->anchor_cap);
    const char *key = arena_strdup(r->in->nodes, (const char *)name);
    if (!map_add(&r->anchor_names, key, r->anchor_count, &old)) {
        r->anchors[old] = (struct anchor){0}; /* a later anchor of the same name takes its place */
        return old + 1;
    }
    r->anchors[r->anchor_count++] = (struct anchor){0};
    return r->anchor_count;
}

static void on_alias(struct reader *r, const yaml_event_t *e) {
    const char *name = (const char *)e->data.alias.anchor;
    size_t i;
    struct span at = span_of(r, e);
    struct node *n = NULL;
    if (!map_get(&r->anchor_names, name, &i)) {
        struct diag *g = diag_add(r->in->d, "E0116", at, "`*%s` names no anchor of this file", name);
        diag_label(r->in->d, g, "quote it if it is text");
    } else if (!(n = r->anchors[i].node)) {
        diag_add(r->in->d, "E0113", at, "`*%s` is used inside of what it names", name);
    } else if ((r->alias_nodes += n->size) > LIMIT_YAML_ALIAS_NODES || n->size > LIMIT_YAML_ALIAS_NODES) {
        struct diag *g =
            diag_add(r->in->d, "E0113", at, "aliases add more than %d values", LIMIT_YAML_ALIAS_NODES);
        diag_label(r->in->d, g, "a few levels of such aliases fill any memory");
        r->stop = true;
    }
    if (!n) {
        n = new_node(r, NODE_SCALAR, at);
        n->text = "";
        n->bad = true;
    }
    push_child(r, n);
}

/* ---- maps */

static const struct {
    const char *parent, *noun;
} nouns[] = {
    {"steps", "step"}, {"finally", "step"},   {"params", "param"},           {"zones", "zone"},
    {"pools", "pool"}, {"secrets", "secret"}, {"connections", "connection"}, {"templates", "template"}};

/* "step" for the keys of `steps:`, "key" elsewhere. Only the second level has such nouns. */
static const char *entry_noun(const struct reader *r, const struct frame *f) {
    if (f != &r->frames[1] || f->base == 0) return "key";
    const struct node *parent = r->children[f->base - 1];
    for (size_t i = 0; i < sizeof nouns / sizeof *nouns; i++)
        if (parent->kind == NODE_SCALAR && strcmp(parent->text, nouns[i].parent) == 0) return nouns[i].noun;
    return "key";
}

static void refuse_duplicate(struct reader *r, const struct frame *f, const struct node *map,
                             const struct entry *first, const struct entry *again) {
    const char *noun = entry_noun(r, f);
    struct diag *g =
        diag_add(r->in->d, "E0101", key_span(map, again), "%s `%s` is defined twice", noun, again->key);
    diag_label(r->in->d, g, "and again here");
    diag_also(r->in->d, g, key_span(map, first), "first defined here");
    diag_help(r->in->d, g, "rename one of them; YAML readers silently keep only the last");
}

static bool braces_at(const struct reader *r, uint32_t at) {
    const struct source *s = r->in->source;
    while (at && s->text[at - 1] == '{') at--;
    return at + 1 < s->len && s->text[at] == '{' && s->text[at + 1] == '{';
}

static bool usable_key(struct reader *r, const struct node *key) {
    struct diags *d = r->in->d;
    if (key->kind != NODE_SCALAR) {
        bool braces = braces_at(r, key->start);
        struct diag *g =
            diag_add(d, braces ? "E0121" : "E0103", node_span(key),
                     braces ? "`{{` is a map inside a map to YAML" : "a key must be a plain word, not %s",
                     node_noun(key));
        if (braces) diag_label(d, g, "this tool uses `${…}`");
        return false;
    }
    if (key->style == STYLE_PLAIN && strcmp(key->text, "<<") == 0) {
        struct diag *g = diag_add(d, "E0111", node_span(key), "merge keys are not part of YAML 1.2");
        diag_label(d, g, "use `defaults:` or a template");
        return false;
    }
    return true;
}

/* The entry of the same key before `e`, by scanning when few and by a map when many. */
static struct entry *find_before(struct node *map, struct map *index, const struct entry *e) {
    size_t old;
    if (index->cap || map->count > 16) {
        for (uint32_t i = 0; !index->cap && i < map->count; i++) map_add(index, map->entries[i].key, i, NULL);
        return map_add(index, e->key, map->count, &old) ? NULL : &map->entries[old];
    }
    for (uint32_t i = 0; i < map->count; i++)
        if (strcmp(map->entries[i].key, e->key) == 0) return &map->entries[i];
    return NULL;
}

static void fill_map(struct reader *r, const struct frame *f, struct node *map, struct node **kids,
                     size_t n) {
    struct map index = MAP_INIT;
    map->entries = arena_array(r->in->nodes, n / 2, sizeof *map->entries);
    for (size_t i = 0; i + 1 < n; i += 2) {
        if (!usable_key(r, kids[i])) {
            map->partial = true;
            map->bad = map->bad || kids[i]->kind != NODE_SCALAR;
            continue;
        }
        struct entry e = {
            .key = kids[i]->text, .key_start = kids[i]->start, .key_end = kids[i]->end, .value = kids[i + 1]};
        const struct entry *first = find_before(map, &index, &e);
        if (first)
            refuse_duplicate(r, f, map, first, &e);
        else
            map->entries[map->count++] = e;
    }
    map_release(&index);
}

/* ---- events */

static bool refuse_tag(struct reader *r, const yaml_char_t *tag, const yaml_event_t *e) {
    if (!tag) return false;
    struct span at = span_of(r, e);
    const char *end = strpbrk(r->text + at.start, " \n");
    at.end = end ? (uint32_t)(end - r->text) : at.end;
    struct diag *g = diag_add(r->in->d, "E0110", at, "tags are not used here");
    diag_label(r->in->d, g,
               "remove it: the key decides the type; files are included by keys such as `sql_file:`");
    return true;
}

static void on_scalar(struct reader *r, const yaml_event_t *e) {
    static const uint8_t styles[] = {
        [YAML_PLAIN_SCALAR_STYLE] = STYLE_PLAIN,          [YAML_SINGLE_QUOTED_SCALAR_STYLE] = STYLE_SINGLE,
        [YAML_DOUBLE_QUOTED_SCALAR_STYLE] = STYLE_DOUBLE, [YAML_LITERAL_SCALAR_STYLE] = STYLE_LITERAL,
        [YAML_FOLDED_SCALAR_STYLE] = STYLE_FOLDED,
    };
    struct node *n = new_node(r, NODE_SCALAR, span_of(r, e));
    n->bad = refuse_tag(r, e->data.scalar.tag, e);
    n->style = styles[e->data.scalar.style];
    n->count = (uint32_t)e->data.scalar.length;
    n->text = keep_text(r, (const char *)e->data.scalar.value, e->data.scalar.length);
    size_t anchor = add_anchor(r, e->data.scalar.anchor);
    if (anchor) r->anchors[anchor - 1].node = n;
    push_child(r, n);
}

static void open_frame(struct reader *r, enum node_kind kind, const yaml_event_t *e) {
    bool list = kind == NODE_LIST;
    bool bad = refuse_tag(r, list ? e->data.sequence_start.tag : e->data.mapping_start.tag, e);
    if (r->depth == LIMIT_YAML_DEPTH) {
        diag_add(r->in->d, "E0113", span_of(r, e), "values are nested more than %d levels deep",
                 LIMIT_YAML_DEPTH);
        r->stop = true;
        return;
    }
    struct frame f = {
        .kind = (uint8_t)kind, .start = offset_of(r, e->start_mark), .base = r->child_count, .bad = bad};
    f.anchor = add_anchor(r, list ? e->data.sequence_start.anchor : e->data.mapping_start.anchor);
    r->frames[r->depth++] = f;
}

static void close_frame(struct reader *r, const yaml_event_t *e) {
    struct frame *f = &r->frames[r->depth - 1];
    struct span at = {.source = r->in->source, .start = f->start, .end = offset_of(r, e->end_mark)};
    struct node *n = new_node(r, f->kind, at), **kids = r->children + f->base;
    size_t count = r->child_count - f->base;
    n->size += f->size;
    n->bad = f->bad;
    if (f->kind == NODE_LIST) {
        n->items = arena_array(r->in->nodes, count, sizeof *n->items);
        if (count) memcpy(n->items, kids, count * sizeof *kids);
        n->count = (uint32_t)count;
    } else {
        fill_map(r, f, n, kids, count);
    }
    if (f->anchor) r->anchors[f->anchor - 1].node = n;
    r->child_count = f->base;
    r->depth--;
    push_child(r, n);
}

static void on_document(struct reader *r, const yaml_event_t *e) {
    if (++r->documents == 1) return;
    struct diag *g = diag_add(r->in->d, "E0112", span_of(r, e), "a second document starts here");
    diag_label(r->in->d, g, "one file, one pipeline: move it to a file of its own");
    r->stop = true;
}

static void on_event(struct reader *r, const yaml_event_t *e) {
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT: on_document(r, e); break;
    case YAML_ALIAS_EVENT: on_alias(r, e); break;
    case YAML_SCALAR_EVENT: on_scalar(r, e); break;
    case YAML_SEQUENCE_START_EVENT: open_frame(r, NODE_LIST, e); break;
    case YAML_MAPPING_START_EVENT: open_frame(r, NODE_MAP, e); break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: close_frame(r, e); break;
    default: break;
    }
}

/* Returns false on a syntax error, described in *bad. */
static bool read_events(struct reader *r, yaml_parser_t *parser, struct syntax_error *bad) {
    for (bool end = false; !end && !r->stop;) {
        yaml_event_t e;
        if (!yaml_parser_parse(parser, &e)) {
            *bad = (struct syntax_error){
                .source = r->in->source, .problem = parser->problem, .context = parser->context};
            bad->at = offset_of(r, parser->problem_mark);
            bad->context_at = offset_of(r, parser->context ? parser->context_mark : parser->problem_mark);
            if (parser->error == YAML_READER_ERROR)
                bad->at = bad->context_at = r->first + (uint32_t)parser->problem_offset;
            return false;
        }
        end = e.type == YAML_STREAM_END_EVENT;
        on_event(r, &e);
        yaml_event_delete(&e);
    }
    return true;
}

static void reset(struct reader *r) {
    r->depth = r->child_count = r->anchor_count = 0;
    r->nodes = r->alias_nodes = 0;
    r->documents = 0;
    r->root = NULL;
    map_release(&r->anchor_names);
}

static bool read_once(struct reader *r, struct syntax_error *bad) {
    yaml_parser_t parser;
    reset(r);
    if (!yaml_parser_initialize(&parser)) abort(); /* out of memory, as everywhere */
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)r->text + r->first,
                                 r->in->source->len - r->first);
    bool good = read_events(r, &parser, bad);
    if (bad->problem) {
        bad->problem = arena_strdup(r->in->nodes, bad->problem);
        bad->context = arena_strdup(r->in->nodes, bad->context);
    }
    yaml_parser_delete(&parser);
    return good;
}

/* ---- going on after a syntax error */

static bool starts_block(const char *s) { return *s && !strchr(" \t\r\n#-.", *s); }

/* Blanks the top-level block around `at`. Returns false when there was nothing left to blank. */
static bool blank_block(char *text, size_t len, uint32_t first, uint32_t at) {
    size_t start = at < len ? at : len, end;
    bool any = false;
    while (start > first && (text[start - 1] != '\n' || (start != first && !starts_block(text + start))))
        start--;
    for (end = start; end < len;) {
        const char *nl = memchr(text + end, '\n', len - end);
        end = nl ? (size_t)(nl - text) + 1 : len;
        if (end < len && end > at && starts_block(text + end)) break;
    }
    for (size_t i = start; i < end; i++) {
        if (strchr("\r\n ", text[i])) continue;
        text[i] = ' ';
        any = true;
    }
    return any;
}

static void read_all(struct reader *r) {
    struct syntax_error bad = {0};
    char *copy = NULL;
    for (int tries = 0; !read_once(r, &bad) && tries <= REREADS; tries++, bad = (struct syntax_error){0}) {
        r->in->damaged = true;
        r->root = NULL;
        uint32_t at = syntax_explain(r->in->d, &bad);
        if (tries == REREADS) break;
        if (!copy) {
            copy = xmalloc(r->in->source->len + 1);
            memcpy(copy, r->in->source->text, r->in->source->len + 1);
            r->text = copy;
        }
        if (!blank_block(copy, r->in->source->len, r->first, at)) break;
        free(r->marks); /* a character of several bytes became several characters */
        r->marks = index_characters(copy + r->first, r->in->source->len - r->first);
    }
    free(copy);
}

/* ---- what is not text at all */

static bool refuse_bytes(struct reading *in) {
    const struct source *s = in->source;
    size_t bad = utf8_check(s->text, s->len);
    if (bad < s->len) {
        struct span at = {.source = s, .start = (uint32_t)bad, .end = (uint32_t)bad + 1};
        bool wide = s->len > 1 && ((unsigned char)s->text[0] == 0xff || (unsigned char)s->text[0] == 0xfe);
        struct diag *g =
            diag_add(in->d, "E0114", at, wide ? "the file is UTF-16, not UTF-8" : "the file is not UTF-8");
        diag_label(in->d, g, "byte 0x%02x at offset %zu; save the file as UTF-8",
                   (unsigned)(unsigned char)s->text[bad], bad);
        return true;
    }
    for (size_t i = 0; i < s->len; i++) {
        unsigned char c = (unsigned char)s->text[i];
        if ((c >= ' ' && c != 0x7f) || c == '\t' || c == '\n' || c == '\r') continue;
        struct span at = {.source = s, .start = (uint32_t)i, .end = (uint32_t)i + 1};
        struct diag *g = diag_add(in->d, "E0114", at, "the file holds a control character");
        diag_label(in->d, g, "byte 0x%02x at offset %zu", c, i);
        return true;
    }
    return false;
}

struct node *node_read(struct reading *in) {
    in->damaged = false;
    if (refuse_bytes(in)) return NULL;
    bool bom = in->source->len >= 3 && memcmp(in->source->text, "\xef\xbb\xbf", 3) == 0;
    struct reader *r = xcalloc(1, sizeof *r);
    *r = (struct reader){.in = in, .text = in->source->text, .first = bom ? 3 : 0};
    r->marks = index_characters(r->text + r->first, in->source->len - r->first);
    size_t before = in->d->errors;
    read_all(r);
    struct node *root = r->root; /* not set when a limit was met on the way */
    if (root && node_is_null(root)) root = NULL;
    if (!root && in->d->errors == before)
        diag_add(in->d, "E0120", (struct span){.source = in->source}, "the file is empty");
    map_release(&r->anchor_names);
    free(r->marks);
    free(r->children);
    free(r->anchors);
    free(r);
    return root;
}
