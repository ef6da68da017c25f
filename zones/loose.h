/* loose.h: files that are read by their extension: by which call, and which one cannot be read and why.
 * Private to zones/.
 *
 * Text is read strictly: a header, RFC 4180 quotes (also `\"`, as Spark writes them), no line left out, every
 * line with as many columns as the header. What the engine would guess instead (lines to skip, a comment sign,
 * no quotes at all) makes another table of a broken file without a word. */
#ifndef LEAT_ZONES_LOOSE_H
#define LEAT_ZONES_LOOSE_H

#include "base/buf.h"
#include "engine/duck.h"

enum { LOOSE_FAMILIES = 4 };

/* Index of the family of a file, -1 when its extension is none of them. */
int loose_family(const char *path);
bool loose_is_text(int family); /* its types have to be guessed */

/* What else a reader is told: the Hive columns, columns that stay text, whether it names its files. */
struct loose_reading {
    const char *hive;  /* "" without Hive folders */
    const char *types; /* "" or ", types={…}" */
    bool with_source;  /* a column _leat_source */
};
/* Adds the call that reads the files of a session variable. */
void loose_read(struct buf *sql, int family, const char *variable, const struct loose_reading *how);

/* Reading these failed with err. When one of them is the reason, err is anew: file, line, why. */
void loose_blame(struct duck *d, const json_t *paths, struct err *err);

#endif
