/* change.c: a planned change made, if the bookmark is still as it was planned on. */
#include "bookmarks/impl.h"

static const char *const words[] = {[BOOKMARK_SET] = "set",
                                    [BOOKMARK_RESET] = "reset",
                                    [BOOKMARK_REWIND] = "rewind",
                                    [BOOKMARK_UNDO] = "undo"};

int bookmark_apply(struct store *s, const struct bookmark_plan *p, const struct bookmark_by *by,
                   struct err *err) {
    const struct bookmark_row *b = &p->bookmark;
    const struct bookmark_move move = {.id = b->id,
                                       .version = b->version,
                                       .change = words[p->verb],
                                       .author = by->author,
                                       .reason = by->reason,
                                       .at = by->at};
    char who[160];
    int busy = store_bookmark_busy(s, b->id, who, err);
    if (busy < 0) return -1;
    int r = 0;
    if (!busy)
        r = p->restore >= 0 ? store_bookmark_restore(s, &move, p->restore, err)
                            : store_bookmark_put(s, &move, p->value, err);
    if (r == 1) return 0;
    if (r < 0) return -1;
    err_set(err, EX_CONFLICT, "the bookmark of %s.%s changed meanwhile%s%s", b->pipeline, b->step,
            busy ? ": " : "", busy ? who : "");
    err_reason(err, "bookmark_moved");
    return err_hint(err, "look again: leat bookmark show %s.%s", b->pipeline, b->step);
}
