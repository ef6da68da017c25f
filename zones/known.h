/* known.h: the columns of datasets as far as they are known before anything runs, as empty relations of the
 * embedded engine, so that statements can be prepared against them.
 *
 * The database knows what a dataset was last published with. Steps that will write it may change that, so two
 * doubts are kept apart: whether these are the names, and whether these are the types. A column whose type is
 * not known is a NULL without a type, which the engine takes wherever a value may stand. */
#ifndef LEAT_ZONES_KNOWN_H
#define LEAT_ZONES_KNOWN_H

#include "base/err.h"
#include "zones/stage.h"

#include <jansson.h>
#include <stdbool.h>

struct duck;
struct store;

/* Of a dataset. */
struct known_columns {
    json_t *list; /* Delta columns (delta.h), `type` null when not known; owned; NULL: nothing is known */
    bool names_sure, types_sure;
};

/* Of what a step gives. */
struct known_rows {
    json_t *list; /* [{"name", "type"}] with SQL types, null when not known; owned; NULL: nothing is known */
    bool names_sure, types_sure;
};

bool known_typed(const json_t *list); /* every column has a type */

struct known;
struct known *known_new(struct duck *d, struct store *s); /* both borrowed; s NULL: nothing was ever run */
void known_free(struct known *k);

/* Columns of "zone.name", from the database when first asked. Never NULL; borrowed until the next change of
 * that dataset. */
const struct known_columns *known_get(struct known *k, const char *dataset);
void known_put(struct known *k, const char *dataset, struct known_columns *columns); /* steals the list */
void known_doubt(struct known *k, const char *dataset); /* nobody can tell what is written to it next */

/* Makes the relation that a statement calls "zone.name" or "zone.name__new"; its columns are put to *out. 1,
 * 0 when they are not known, -1 with err. */
int known_show(struct known *k, const char *name, struct known_columns *out, struct err *err);
/* Makes a relation of these columns under an unqualified name, and takes it away again. */
int known_show_as(struct known *k, const char *name, const json_t *columns, struct err *err);
void known_hide(struct known *k, const char *name);

/* The columns a dataset has once `given` is published into it: `now` meets them as schema.h says. into:
 * dataset, policy and write are used. -1 with err: exit 5 when the schema policy would block it, exit 3 for
 * columns that cannot be published at all. */
int known_after(const struct stage_into *into, const struct known_columns *now,
                const struct known_rows *given, struct known_columns *out, struct err *err);

#endif
