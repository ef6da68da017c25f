/* impl.h: what the files of bookmarks/ share. */
#ifndef LEAT_BOOKMARKS_IMPL_H
#define LEAT_BOOKMARKS_IMPL_H

#include "bookmarks/bookmark.h"

const char *bookmark_value_text(const char *kind, const json_t *value, struct arena *a);
/* Fills plan->next: what the next run will read once the plan is applied. */
int bookmark_plan_next(struct store *s, struct bookmark_plan *p, struct arena *a, struct err *err);

#endif
