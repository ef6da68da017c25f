/* use.h: `use:` and `with:`: a step whose keys come from a template of leat.yaml. */
#ifndef LEAT_DAG_USE_H
#define LEAT_DAG_USE_H

#include "dag/build.h"

struct use {
    const struct node *map; /* the template's own; NULL: the step uses none */
    struct span call;       /* the name after `use:` */
    struct with_arg *args;
    size_t arg_count;
};

/* False after a diagnostic. */
bool use_parse(struct build *b, const struct node *step, struct use *out);

#endif
