/* schema.h: what a step's columns may do to a dataset's schema (design: reliability.md 6, contract.md 32).
 *
 * The query's columns meet the dataset's current ones; the answer is a projection (every column under the
 * dataset's name, in the dataset's order, cast to the dataset's type) and the columns the version will have.
 *
 *   change                         any                   add                    strict
 *   new column                     added, nullable       added, nullable        blocked
 *   missing column                 NULL (gone, replace)  NULL, with a warning   blocked
 *   narrower type                  cast up               cast up                cast up
 *   wider type                     with replace          with replace           blocked
 *   other type                     with replace          blocked                blocked
 *
 * Names are compared without case: Delta's are unique that way. */
#ifndef LEAT_ZONES_SCHEMA_H
#define LEAT_ZONES_SCHEMA_H

#include "base/buf.h"
#include "base/err.h"
#include "zones/stage.h"

#include <jansson.h>
#include <stdbool.h>

struct schema_plan {
    json_t *columns;       /* Delta columns of the version; owned */
    struct buf projection; /* select list over the query's columns: `CAST("a" AS BIGINT) AS "a", …` */
    bool as_it_is;         /* the projection changes no value, no name and no order */
    bool changed;          /* columns differ from the dataset's current ones, or there were none */
};

/* described: [{"name", "type"}] of the query, SQL types. warnings: array to add to. -1 with err: exit 5,
 * reason "schema", when the policy blocks (the message is the difference column by column, the hint both ways
 * out); exit 3 for types Delta has no place for and for names used twice. */
int schema_plan(const struct stage_into *into, const json_t *described, json_t *warnings,
                struct schema_plan *out, struct err *err);
void schema_plan_release(struct schema_plan *p);

/* -1 with err (exit 3, did-you-mean) unless every name of `names` is a column; `what` is for the message. */
int schema_has(const json_t *columns, const json_t *names, const char *what, struct err *err);
const json_t *schema_column(const json_t *columns, const char *name); /* without case; NULL when absent */
/* true when a column of the list has this Delta type (or one inside it). */
bool schema_uses(const json_t *columns, const char *delta_type);

#endif
