/* datasets.h: datasets, their versions, and the files of each version.
 *
 * A file lives from the version that added it up to (not including) the one that removed it; the files of a
 * version are those alive in it. Listing costs what the list holds plus what changed since, never the
 * dataset's history. Only intents.h changes versions and files. */
#ifndef LEAT_STORE_DATASETS_H
#define LEAT_STORE_DATASETS_H

#include "store/store.h"

#include <jansson.h>

struct dataset_spec {
    const char *name;   /* "raw.orders" */
    const char *path;   /* absolute folder */
    const char *format; /* files delta */
    instant_t at;
};
/* Adds the dataset (head -1) unless it is there; path and format follow what is said while nothing is
 * published. */
int store_dataset_ensure(struct store *s, const struct dataset_spec *d, int64_t *id, struct err *err);

struct dataset_row {
    int64_t id;
    const char *name, *zone, *path, *format;
    int64_t head;                       /* -1: never published */
    const char *columns, *partition_by; /* JSON text of the head's; NULL before the first publish */
    const char *table_id;               /* NULL before the first publish */
    const char *stopped;                /* NULL, or why nothing may be published */
    int64_t rows, bytes, files;         /* of the head; rows -1: not known */
    int64_t last_run;                   /* that published the head; 0: none */
    instant_t created_at, updated_at;
};
int store_dataset_find(struct store *s, const char *name, struct arena *a, struct dataset_row *out,
                       struct err *err);
int store_dataset_get(struct store *s, int64_t id, struct arena *a, struct dataset_row *out, struct err *err);
int store_datasets_list(struct store *s, struct arena *a, struct dataset_row **rows, size_t *n,
                        struct err *err);
/* Stops a dataset (reason for people), or lets it go on (NULL). */
int store_dataset_stop(struct store *s, int64_t id, const char *reason, struct err *err);

/* ---- versions ---- */

struct version_row {
    int64_t version, run, intent; /* run 0: none (rollback by hand, outside writer) */
    const char *token, *pipeline, *step;
    const char *operation; /* append replace replace_partitions merge rollback outside */
    const char *author;    /* who rolled back, or the outside writer; NULL */
    const char *reason;    /* of a rollback by hand; NULL */
    instant_t published_at, window_start, window_end;
    int64_t rows, bytes, files; /* totals of the version; rows -1: not known */
    int64_t rows_added, files_added, files_removed;
    int64_t checks_ok, checks_warn, checks_failed;
    const char *columns, *partition_by; /* JSON text */
    int64_t based_on;                   /* -1: the first */
    int64_t rolled_back_to;             /* -1: not a rollback */
};
int store_version_get(struct store *s, int64_t dataset, int64_t version, struct arena *a,
                      struct version_row *out, struct err *err);
/* Newest first; limit 0: all. before: versions below it; -1: any. */
int store_versions_list(struct store *s, int64_t dataset, int64_t before, int64_t limit, struct arena *a,
                        struct version_row **rows, size_t *n, struct err *err);
/* Versions of a dataset after one, oldest first, at most limit. */
int store_versions_after(struct store *s, int64_t dataset, int64_t after, int64_t limit, struct arena *a,
                         struct version_row **rows, size_t *n, struct err *err);
/* The first of them that a run published for a window that meets [start, end). */
int store_version_pending(struct store *s, int64_t dataset, int64_t after, instant_t start, instant_t end,
                          int64_t *version, struct err *err);
/* The newest version that replaced everything (contract.md 19) and the run that did. 1; 0: none. */
int store_version_replaced(struct store *s, int64_t dataset, int64_t *version, int64_t *run, struct err *err);
/* The oldest version published at or after `at`, else the head: retention keeps from there on. -1: none. */
int store_version_since(struct store *s, int64_t dataset, instant_t at, int64_t *version, struct err *err);
/* Forgets versions below `keep` and the files only they had, at most `limit` rows of each. The head always
 * stays. Versions that an unfinished run has pinned stay, with everything after them. 1: there is more to
 * forget; 0: done. */
int store_versions_forget(struct store *s, int64_t dataset, int64_t keep, int64_t limit, struct err *err);

/* ---- files ---- */

struct file_row {
    int64_t id;
    const char *path; /* relative to the dataset's folder */
    int64_t rows, bytes;
    const char *sha256, *partition, *stats;              /* JSON text or NULL */
    const char *source_path, *source_etag, *source_hash; /* the landing file it is a copy of; NULL */
    int64_t source_size, source_mtime_ns;
    int64_t added_version, removed_version; /* removed -1: still alive */
    instant_t added_at;
};
struct file_list {
    struct file_row *rows;
    size_t count;
};

/* Of a version, in the order they were added. */
int store_files_at(struct store *s, int64_t dataset, int64_t version, struct arena *a, struct file_list *out,
                   struct err *err);
/* Of `version`, added after `since` (-1: all). */
int store_files_new(struct store *s, int64_t dataset, int64_t since, int64_t version, struct arena *a,
                    struct file_list *out, struct err *err);
/* The first version in (since, version] that removed a file `since` had; -1: none did. */
int store_files_removed_in(struct store *s, int64_t dataset, int64_t since, int64_t version, int64_t *first,
                           struct err *err);
struct file_totals {
    int64_t files, rows, bytes; /* rows -1 when some file's is not known */
};
int store_files_totals(struct store *s, int64_t dataset, int64_t since, int64_t version,
                       struct file_totals *out, struct err *err);
/* Alive at the head: in one partition ({column: text|null}; any key order), */
int store_files_in_partition(struct store *s, int64_t dataset, const json_t *partition, struct arena *a,
                             struct file_list *out, struct err *err);
/* by path, by the landing file they copy (1 found, 0 none), */
int store_file_live(struct store *s, int64_t dataset, const char *path, struct arena *a, struct file_row *out,
                    struct err *err);
int store_file_of_source(struct store *s, int64_t dataset, const char *source, struct arena *a,
                         struct file_row *out, struct err *err);
/* by the step (and window) that published them: quarantined rows replace those of the same (step, window).
 * any_window: all of that step's. */
struct file_owner {
    int64_t dataset;
    const char *pipeline, *step;
    bool any_window;
    instant_t window_start, window_end;
};
int store_files_of_step(struct store *s, const struct file_owner *o, struct arena *a, struct file_list *out,
                        struct err *err);
/* Every file of every kept version: the collector's keep-set. */
int store_files_all(struct store *s, int64_t dataset, struct arena *a, struct file_list *out,
                    struct err *err);
/* Tokens whose stages must stay: live attempts and open intents. */
int store_tokens_live(struct store *s, struct arena *a, const char ***tokens, size_t *n, struct err *err);

#endif
