/* write.h: rows of the embedded engine become Parquet files in the stage, described as publishing wants them.
 *
 * Partitioned rows are sorted by partition first: that gives one file a partition (and is faster than many
 * open files); unpartitioned ones are cut at WRITE_FILE_BYTES. A file is described as
 *
 *   {"staged": path below the stage, "target": final path below the dataset's folder, "rows", "bytes",
 *    "sha256", "partition": {column: text|null}, "stats": Delta statistics|null, "source": null}
 *
 * and its final name holds the attempt's token, so no name is ever used twice. */
#ifndef LEAT_ZONES_WRITE_H
#define LEAT_ZONES_WRITE_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct duck;

enum { WRITE_STATS_COLUMNS = 32 }; /* statistics of the first columns only, as other Delta writers do */
#define WRITE_FILE_BYTES "256MB"

struct write_rows {
    const char *select;         /* the rows; parameters as in `params` */
    const json_t *params;       /* may be NULL */
    const char *stage, *folder; /* absolute; folder lies below the stage and is empty */
    const json_t *partition_by; /* names, may be NULL */
};

/* Writes the files; nothing when there are no rows. New reference: array of {"staged", "bytes",
 * "partition"}. */
json_t *write_parquet(struct duck *d, const struct write_rows *w, struct err *err);

struct write_names {
    const char *token;
    const char *folder; /* "" or a first part of every final path, without the slash */
    bool by_partition;  /* Hive folders of the partition in the final path */
    const char *ending; /* ".parquet"; NULL: that of the staged file */
};
/* Adds "target" to files that have none; names count from 0. */
void write_targets(json_t *files, const struct write_names *n);

/* Adds "rows" and "stats" from the Parquet footers. columns: Delta columns. */
int write_stats(struct duck *d, const char *stage, json_t *files, const json_t *columns, struct err *err);
/* Adds "sha256" where it is missing. */
int write_hashes(const char *stage, json_t *files, struct err *err);

/* Reads column=value folders of a relative path: an object of the named columns, or NULL when one is not
 * there. */
json_t *write_partition_of(const char *path, const json_t *partition_by);

#endif
