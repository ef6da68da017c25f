/* node.h: YAML text as a tree of untyped nodes with their places.
 *
 * Scalars are the untouched text: what a value *is* decides the field that holds it (dag/fields.h), never the
 * scalar. Nodes are immutable; an alias is the very node it names, so a tree may share branches but has no
 * cycles, and the number of nodes counted through aliases is bounded (base/limits.h). */
#ifndef LEAT_DAG_NODE_H
#define LEAT_DAG_NODE_H

#include "base/arena.h"
#include "base/diag.h"

#include <stdbool.h>
#include <stdint.h>

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };
enum node_style { STYLE_PLAIN, STYLE_SINGLE, STYLE_DOUBLE, STYLE_LITERAL, STYLE_FOLDED };

struct entry;

struct node {
    uint8_t kind;  /* enum node_kind */
    uint8_t style; /* enum node_style, of scalars */
    bool bad;      /* reported already: whoever meets it fails in silence */
    bool partial;  /* a map that lost entries: what is missing may have been there */
    uint32_t start, end;
    uint32_t size;  /* nodes in this branch, aliases followed */
    uint32_t count; /* bytes of text, items, or entries */
    const struct source *source;
    union {
        const char *text; /* NUL-terminated */
        struct node **items;
        struct entry *entries; /* unique keys, in the order of the file */
    };
};

struct entry {
    const char *key;
    uint32_t key_start, key_end;
    struct node *value;
};

struct reading {
    const struct source *source;
    struct arena *nodes; /* the tree lives here */
    struct arena *texts; /* its texts live here: values refer to them when the tree is gone */
    struct diags *d;
    bool damaged; /* out: a syntax error cost us some top-level block; what is missing may be there */
};

/* The only document of the source, or NULL (then there was an error, or the file is empty). Every problem is
 * a diagnostic. After a syntax error the top-level block around it is blanked and the rest read again, at
 * most five times, to find what else is wrong. */
struct node *node_read(struct reading *r);

static inline struct span node_span(const struct node *n) {
    return (struct span){.source = n->source, .start = n->start, .end = n->end};
}
static inline struct span key_span(const struct node *map, const struct entry *e) {
    return (struct span){.source = map->source, .start = e->key_start, .end = e->key_end};
}

const struct entry *node_find(const struct node *map, const char *key); /* NULL when absent or no map */
const struct node *node_get(const struct node *map, const char *key);   /* likewise */
bool node_is_null(const struct node *n);                                /* nothing, `~` or `null`, unquoted */
const char *node_noun(const struct node *n); /* "a list", "a map", "text", "nothing" */

/* Where bytes [start, end) of a scalar's text stand in the source: exact for plain, single-quoted and literal
 * text, near for escapes and folded text. */
struct span node_part(const struct node *scalar, size_t start, size_t end);

#endif
