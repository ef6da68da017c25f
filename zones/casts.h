/* casts.h: columns of files that say little about their types (CSV, JSON, folder names) get the types they
 * are to have.
 *
 * A value that does not fit becomes NULL and its row bad: the reason tells the column, the text and the type.
 */
#ifndef LEAT_ZONES_CASTS_H
#define LEAT_ZONES_CASTS_H

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>

struct casts {
    struct buf select;  /* the columns, cast */
    struct buf reasons; /* arguments of concat_ws; empty when nothing was cast */
};

void casts_release(struct casts *c);
/* target: SQL type, as the engine writes it; NULL or the type found: the column stays as it is. */
void casts_add(struct casts *c, const char *name, const char *found, const char *target);
/* SQL for a row's reason: NULL when all its values fit. */
void casts_reason(const struct casts *c, struct buf *out);

/* Is a column that the reader took for `found` better cast from what is written in the file? Text targets are
 * (007 stays 007), and numbers; dates and times are not: the reader knows formats that a cast does not. */
bool casts_want_text(const char *found, const char *target);

#endif
