/* bookmark.h: what the bookmark verbs share: naming a bookmark, showing one. */
#ifndef LEAT_CLI_BOOKMARK_H
#define LEAT_CLI_BOOKMARK_H

#include "bookmarks/bookmark.h"
#include "cli/view.h"

/* Those that PIPELINE or PIPELINE.STEP names, all with NULL; exit 4 and a suggestion when there is none. */
int bookmark_select(struct view *v, const char *word, struct bookmark_row **rows, size_t *n, struct err *err);
/* Exactly one. */
int bookmark_one(struct view *v, const char *word, struct bookmark_row *out, struct err *err);
json_t *bookmark_item(const struct bookmark_row *b); /* cli.md 1.6 */

#endif
