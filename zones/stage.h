/* stage.h: where a step's output is before it is published, and what the step's `into:` says about it.
 *
 *   <zone>/_leat_stage/<token>/          the stage: LEAT_OUTPUT_PATH of process steps
 *       …                                what a process step wrote
 *       files/…                          what `copy` copied, under the names the dataset will have
 *       _leat/rows/…                     Parquet that Leat wrote for the dataset
 *       _leat/quarantine/…               Parquet for the quarantine dataset
 *
 * Names that start with `_` or `.` are never part of a process step's output. */
#ifndef LEAT_ZONES_STAGE_H
#define LEAT_ZONES_STAGE_H

#include "base/err.h"
#include "base/instant.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define STAGE_COPIES "files/"

enum stage_write { STAGE_APPEND, STAGE_REPLACE, STAGE_REPLACE_PARTITIONS, STAGE_MERGE };
enum stage_bad { STAGE_BAD_FAIL, STAGE_BAD_QUARANTINE, STAGE_BAD_DROP };
enum stage_empty { STAGE_EMPTY_FAIL, STAGE_EMPTY_OK, STAGE_EMPTY_SKIP };
enum stage_policy { STAGE_ANY, STAGE_ADD, STAGE_STRICT };

struct stage_quarantine {
    const char *dataset; /* NULL: there is none */
    int64_t dataset_id;  /* -1: not published yet */
};

/* request.into, read. Everything is borrowed from the JSON. */
struct stage_into {
    const char *dataset; /* "trusted.orders" */
    int64_t dataset_id;  /* -1: not published yet */
    int64_t base;        /* version the step started from; -1: none */
    const char *stage;   /* absolute folder */
    const char *path;    /* the dataset's folder */
    bool delta;          /* format: delta, else files */
    enum stage_policy policy;
    enum stage_write write;
    enum stage_bad bad_rows;
    enum stage_empty if_empty;
    const json_t *columns;            /* current schema, Delta columns; NULL: none yet */
    const json_t *key, *partition_by; /* arrays of text, may be empty */
    bool of_window;                   /* partition_by {column, of: window} */
    const char *merge_by;             /* NULL: staging order */
    const json_t *checks;             /* dag/check.h objects */
    int64_t max_bad_rows;             /* -1: no limit */
    double max_bad_part;              /* -1: no limit */
    bool requires_checks;
    struct stage_quarantine quarantine;
};

extern const char *const stage_write_names[];

/* Reads request.into. -1 with err (exit 3) when a member is missing or a word is unknown. */
int stage_into_read(const json_t *into, struct stage_into *out, struct err *err);

/* Makes the stage folder, durable. Exit 6 with the zone named when it cannot be written. */
int stage_make(const struct stage_into *into, struct err *err);
/* A folder below the stage for Leat's own files; malloc'ed path, made; NULL with err. */
char *stage_folder(const struct stage_into *into, const char *name, struct err *err);

/* The files of a process step below the stage: array of {"staged": relative path, "bytes"}, sorted by name,
 * names with `_` or `.` in front left out, folders too. Symbolic links and other odd files are an error that
 * names them. New reference. */
json_t *stage_list(const char *stage, struct err *err);

/* Where such files are: an array of absolute paths; new reference. */
json_t *stage_paths(const char *stage, const json_t *files);

/* fsync of files (objects with "staged") and of every folder on the way. */
int stage_sync(const char *stage, const json_t *files, struct err *err);

#endif
