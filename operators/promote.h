/* promote.h: what the keys of `promote:` mean, for when it runs (promote.c) and for when it is looked at
 * before (promote_keys.c); private to operators/. */
#ifndef LEAT_OPERATORS_PROMOTE_H
#define LEAT_OPERATORS_PROMOTE_H

#include "base/err.h"

#include <stdbool.h>

struct arena;
struct duck;
struct prepare_step;

#define PROMOTE_SOURCE "source" /* what `select` reads */

/* The name of a type as the engine writes it; NULL with err for what is no type. */
const char *promote_type(struct duck *d, struct arena *a, const char *column, const char *type,
                         struct err *err);

/* `keep`: which of the rows with one key comes first. */
struct promote_order {
    const char *order;  /* SQL, behind the column where there is one */
    const char *column; /* NULL: the order in which they came; borrowed from the text */
};
bool promote_keep(const char *keep, struct promote_order *out, struct err *err);

void promote_prepare(struct prepare_step *s);

#endif
