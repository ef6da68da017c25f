/* template.h: text with ${…} in it, as parts.
 *
 * `$${` writes a literal `${`. A template that is exactly one ${…} is *whole*: its value keeps its type. */
#ifndef LEAT_DAG_TEMPLATE_H
#define LEAT_DAG_TEMPLATE_H

#include "dag/expr.h"
#include "dag/node.h"

struct part {
    const char *text; /* expr NULL: literal text */
    uint32_t len;
    struct expr *expr;
    uint32_t start, end; /* ${ and } included: in the scalar's text, after template_place in the source */
};

struct template {
    struct span at;
    bool whole;
    bool secret;
    uint32_t count;
    struct part *parts;
};

/* True when the text holds a ${ that is not $${. */
bool template_in(const char *text);

/* Splits and parses; expressions are not checked yet. NULL with a complaint. */
struct template *template_parse(struct arena *a, const char *text, size_t len, struct complaint *c);
/* Checks every expression. */
bool template_check_part(struct template *t, uint32_t i, struct expr_scope *scope, struct complaint *c);
bool template_check(struct template *t, struct expr_scope *scope, struct complaint *c);

/* Exchanges the offsets of parts for those of the source, once nothing needs the text's any more. */
void template_place(struct template *t, const struct node *scalar);

enum expr_type template_type(const struct template *t); /* TEXT unless whole */
bool template_has_secret(const struct template *t);
bool template_is_early(const struct template *t);
/* The value of a whole template, or the text of the parts put together. */
bool template_eval(struct eval *v, const struct template *t, struct ev *out);

#endif
