/* ahead.c: bookmarks that were moved by what a dataset no longer has. */
#include "bookmarks/bookmark.h"

#include "base/json.h"

#include <string.h>

/* The version whose content it has now: a rewind or an undo has that of an older one, a reset that of
 * none. */
static int content_version(struct store *s, const struct bookmark_row *b, struct arena *a, int64_t *version,
                           struct err *err) {
    struct bookmark_row at = *b;
    while (at.same_as > 0) { /* always an older one: this ends */
        int r = store_bookmark_at(s, b->id, at.same_as, a, &at, err);
        if (r <= 0) return -1;
    }
    *version = at.value ? at.version : 0;
    return 0;
}

/* What the rewind would say; nothing when somebody is at work on the bookmark. */
static void describe(struct store *s, struct bookmark_ahead *b, struct arena *a) {
    const struct bookmark_request rewind = {.verb = BOOKMARK_REWIND, .to_version = b->back};
    struct bookmark_plan plan;
    struct err ignored;
    if (bookmark_plan(s, b->bookmark.id, &rewind, a, &plan, &ignored)) return;
    b->from = plan.from;
    b->to = plan.to;
    b->next = plan.next;
    bookmark_plan_release(&plan);
}

int bookmarks_ahead(struct store *s, const struct version_span *span, struct arena *a,
                    struct bookmark_ahead **rows, size_t *n, struct err *err) {
    struct bookmark_moved *moved;
    size_t count, kept = 0;
    if (store_bookmarks_moved(s, span, a, &moved, &count, err) < 0) return -1;
    *rows = arena_array(a, count + 1, sizeof **rows);
    for (size_t i = 0; i < count; i++) {
        struct bookmark_ahead b = {.back = moved[i].first - 1};
        int64_t now;
        if (store_bookmark_get(s, moved[i].bookmark, a, &b.bookmark, err) != 1) return -1;
        if (content_version(s, &b.bookmark, a, &now, err) < 0) return -1;
        if (now <= b.back) continue;
        describe(s, &b, a);
        (*rows)[kept++] = b;
    }
    *n = kept;
    return 0;
}
