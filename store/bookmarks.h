/* bookmarks.h: rows of bookmarks. The verbs people use are in bookmarks/; the conductor uses ensure, get and
 * advance.
 *
 * A bookmark belongs to (pipeline, step, kind); `source` says what it is about and may change without losing
 * what was consumed. Its history is append-only: version 0 is "never", the highest version is the current
 * one. A files bookmark's set is rows, each alive from one version to another, so that any version's set can
 * be asked for and become current again at the cost of the difference. */
#ifndef LEAT_STORE_BOOKMARKS_H
#define LEAT_STORE_BOOKMARKS_H

#include "store/store.h"

#include <jansson.h>

struct bookmark_row {
    int64_t id;
    const char *pipeline, *step, *source, *kind; /* files version value */
    int64_t version;                             /* 0: never moved */
    const char *value; /* JSON text: files {"files": n}, version {"zone.name": v}, value "text"; NULL: never,
                          or reset */
    int64_t run, attempt;
    const char *change; /* advance set reset rewind undo; NULL at version 0 */
    const char *author, *reason;
    int64_t same_as; /* the version this one restored; -1 */
    instant_t changed_at;
};

struct bookmark_key {
    const char *pipeline, *step, *kind, *source;
};
int store_bookmark_ensure(struct store *s, const struct bookmark_key *k, int64_t *id, struct err *err);
int store_bookmark_get(struct store *s, int64_t id, struct arena *a, struct bookmark_row *out,
                       struct err *err);
/* step NULL: all of the pipeline; pipeline NULL: all. By pipeline and step. */
int store_bookmarks_list(struct store *s, const char *pipeline, const char *step, struct arena *a,
                         struct bookmark_row **rows, size_t *n, struct err *err);
/* As it was at a version; value, author … of that version. */
int store_bookmark_at(struct store *s, int64_t id, int64_t version, struct arena *a, struct bookmark_row *out,
                      struct err *err);
/* Newest first; limit 0: all. */
int store_bookmark_history(struct store *s, int64_t id, int64_t limit, struct arena *a,
                           struct bookmark_row **rows, size_t *n, struct err *err);
/* The highest version at or before an instant; 0: none. */
int store_bookmark_version_at(struct store *s, int64_t id, instant_t at, int64_t *version, struct err *err);
/* The version the run left behind: its own last, else the current one when it ended. 1, or 0: no such run. */
int store_bookmark_version_of_run(struct store *s, int64_t id, int64_t run, int64_t *version,
                                  struct err *err);

/* Versions of a dataset: after < version <= upto. */
struct version_span {
    int64_t dataset, after, upto;
};
struct bookmark_moved {
    int64_t bookmark, first; /* the first of its versions that a publish in the span made */
};
/* Bookmarks that the publishes of these versions moved. By pipeline and step. */
int store_bookmarks_moved(struct store *s, const struct version_span *span, struct arena *a,
                          struct bookmark_moved **rows, size_t *n, struct err *err);

/* Who stands in the way of changing it: an open intent, or a live attempt of its step. 1: `who` says; 0:
 * nobody. */
int store_bookmark_busy(struct store *s, int64_t id, char who[160], struct err *err);

struct bookmark_move {
    int64_t id, version; /* expected current version */
    const char *change, *author, *reason;
    int64_t run, attempt; /* 0: none */
    instant_t at;
};
/* The attempt's proposal (the result's `bookmark` object) becomes the next version: for steps that publish
 * nothing; with a publish, P6 does it. A version bookmark keeps datasets the proposal does not name. 1 moved;
 * 0 it was not at `version` or an intent has it. */
int store_bookmark_advance(struct store *s, const struct bookmark_move *m, const json_t *proposal,
                           struct err *err);
/* `set`: a value (version, value kinds) or NULL for `reset` of any kind. Same answers. */
int store_bookmark_put(struct store *s, const struct bookmark_move *m, const json_t *value, struct err *err);
/* `rewind`, `undo`: the content of version `to` becomes the next version. Same answers. */
int store_bookmark_restore(struct store *s, const struct bookmark_move *m, int64_t to, struct err *err);

/* ---- the set of a files bookmark ---- */

enum file_seen { FILE_NEW, FILE_SAME, FILE_CHANGED };
struct seen_file {
    const char *path;
    int64_t size, mtime_ns;
    const char *etag, *hash; /* asked for when not NULL */
    bool by_hash;            /* identity: hash: only the hash decides */
    enum file_seen seen;     /* out */
};
/* Looks each file up in the set as of `version`. Sorted paths are fastest. Long lists take several short
 * reads. */
int store_bookmark_seen(struct store *s, int64_t id, int64_t version, struct seen_file *files, size_t n,
                        struct err *err);
/* Number of files in the set as of `version`. */
int store_bookmark_files_count(struct store *s, int64_t id, int64_t version, int64_t *count, struct err *err);
/* Going from one version to another: files no longer covered (they are read again), and files covered more. A
 * path that both know counts only when the one knows a newer form of it than the other. */
int store_bookmark_files_differ(struct store *s, int64_t id, int64_t from, int64_t to, int64_t *gone,
                                int64_t *come, struct err *err);
struct seen_row {
    const char *path, *etag, *hash;
    int64_t size, mtime_ns, since_version;
};
/* The set as of `version`, at most limit rows, by folder. */
int store_bookmark_files_list(struct store *s, int64_t id, int64_t version, int64_t limit, struct arena *a,
                              struct seen_row **rows, size_t *n, struct err *err);
/* Horizon: drops whole folders whose newest file is older, at most `limit` rows. 1: there is more. Versions
 * before the current one lose those files too. */
int store_bookmark_files_forget(struct store *s, int64_t id, int64_t older_than_ns, int64_t limit,
                                struct err *err);

#endif
