/* seen.h: the set of a files bookmark, for bookmarks.c. Internal to store/. */
#ifndef LEAT_STORE_SEEN_H
#define LEAT_STORE_SEEN_H

#include "base/err.h"

#include <jansson.h>
#include <stdint.h>

struct store;

/* Adds the files ({path, size, mtime_ns, etag, hash}) as of `version`, replacing what was known of the same
 * paths; *total becomes the size of the set. */
int seen_commit(struct store *s, int64_t bookmark, int64_t version, const json_t *files, int64_t *total,
                struct err *err);
/* Makes the set of version `to` the set of `version` (the next). Costs what changed in between. */
int seen_restore(struct store *s, int64_t bookmark, int64_t version, int64_t to, struct err *err);
/* What version `to` has more (or less) than version `from`, as a number of files. */
int seen_difference(struct store *s, int64_t bookmark, int64_t from, int64_t to, int64_t *more,
                    struct err *err);

#endif
