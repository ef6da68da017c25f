/* bookmark.h: what a step has consumed, in the words people use: propose, set, reset, rewind, undo, describe.
 *
 * A step's attempt proposes, the publish transaction commits (store/intents.h P6, or store_bookmark_advance()
 * for a step without into:). People change it with the verbs here: each is a new version with author and
 * reason, is refused (exit 8) while an intent or a live attempt has the bookmark, and can be undone.
 *
 * Two halves: bookmark_plan() works out a change on a reader or writer and changes nothing, so it can be
 * shown first; bookmark_apply() makes it, compare-and-set against what was shown. */
#ifndef LEAT_BOOKMARKS_BOOKMARK_H
#define LEAT_BOOKMARKS_BOOKMARK_H

#include "store/bookmarks.h"

enum bookmark_verb { BOOKMARK_SET, BOOKMARK_RESET, BOOKMARK_REWIND, BOOKMARK_UNDO };

/* What is asked for. With REWIND exactly one of to_version, to_run, by; SET takes `to`. */
struct bookmark_request {
    enum bookmark_verb verb;
    const char *to;     /* SET: value: the text; version: "12" or "raw.orders=12,raw.users=3" */
    int64_t to_version; /* -1: not said; 0 is "never" */
    int64_t to_run;     /* 0: not said */
    duration_t
        by; /* 0: not said. files, version: as it was so long ago; value: an instant or date is moved back */
    instant_t now;
};

/* A change worked out. Everything lives in the arena. */
struct bookmark_plan {
    struct bookmark_row bookmark; /* as it is now */
    enum bookmark_verb verb;
    int64_t restore;       /* version whose content comes back; -1: `value` is new */
    json_t *value;         /* owned: release with bookmark_plan_release(); NULL: nothing (reset) */
    const char *from, *to; /* short texts for people: "41 files", "raw.orders v12", "2026-11-19", "nothing" */
    const char *next;      /* one sentence: what the next run will therefore read */
    bool same;             /* nothing would change */
};
/* Exit 4: no such version or run; exit 2: a value of the wrong shape; exit 8: busy (who is in the
 * message). */
int bookmark_plan(struct store *s, int64_t id, const struct bookmark_request *r, struct arena *a,
                  struct bookmark_plan *out, struct err *err);
void bookmark_plan_release(struct bookmark_plan *p);
struct bookmark_by {
    const char *author, *reason;
    instant_t at;
};
/* In a transaction of the writer. Exit 8 when the bookmark is not as it was planned on. */
int bookmark_apply(struct store *s, const struct bookmark_plan *p, const struct bookmark_by *by,
                   struct err *err);

/* The value as one short text: "41 files", "raw.orders v12, raw.users v3", the text itself, "nothing". */
const char *bookmark_text(const struct bookmark_row *b, struct arena *a);
/* The value as JSON for `bookmark list`: files: {"files": n}; version: {"raw.orders": 12}; value: text; null.
 * New reference. */
json_t *bookmark_json(const struct bookmark_row *b);

/* A bookmark that stands behind publishes which a dataset no longer has: what they were made from is not read
 * again unless it is rewound. from, to and next are bookmark_plan()'s words about that; NULL while somebody
 * is at work on it. */
struct bookmark_ahead {
    struct bookmark_row bookmark;
    int64_t back; /* the version to rewind to */
    const char *from, *to, *next;
};
/* Those moved by the publishes of the versions in the span, and not taken back since. By pipeline and
 * step. */
int bookmarks_ahead(struct store *s, const struct version_span *span, struct arena *a,
                    struct bookmark_ahead **rows, size_t *n, struct err *err);

/* Checks an attempt's proposal (the result's `bookmark`) before P3: kind, shapes, 64 KiB. exit 1, reason
 * "bookmark_value". */
int bookmark_check(const char *kind, const json_t *proposal, struct err *err);
/* true when committing the proposal would change nothing: the move is left out. */
bool bookmark_is_same(const struct bookmark_row *b, const json_t *proposal);
/* The consumed version of a dataset; -1: never. */
int64_t bookmark_since(const struct bookmark_row *b, const char *dataset);

#endif
