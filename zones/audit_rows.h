/* audit_rows.h: the rows of a stage on their way through the audit; private to zones/.
 *
 * `_leat_rows` is a temporary table, or a view over Parquet already written, with the dataset's columns (and
 * the two marks of audit.h when the query has them). `stage` and the dataset's own name show it without the
 * marks. */
#ifndef LEAT_ZONES_AUDIT_ROWS_H
#define LEAT_ZONES_AUDIT_ROWS_H

#include "zones/audit.h"
#include "zones/schema.h"

#define AUDIT_ROWS  "_leat_rows"
#define AUDIT_BAD   "_leat_bad"
#define AUDIT_CHECK "_leat_check"

struct audit_rows {
    struct audit *a;
    struct schema_plan schema;
    bool marked;
    bool in_table;   /* not written yet */
    json_t *files;   /* written ones; owned */
    json_t *removes; /* paths of live files that these replace; owned */
    int64_t count;   /* rows that came */

    int64_t bad_count; /* moved from AUDIT_ROWS to AUDIT_BAD */
};

void audit_rows_release(struct audit_rows *r);

/* From a query to AUDIT_ROWS (audit_rows.c). keep_in_table: whatever follows needs the rows once more. */
int audit_rows_load(struct audit_rows *r, const struct audit_query *q, bool keep_in_table, struct err *err);
/* Makes `stage` and the dataset's own name mean these rows. */
int audit_rows_show(struct audit_rows *r, struct err *err);
/* Writes the rows of AUDIT_ROWS, unless they are written. */
int audit_rows_write(struct audit_rows *r, struct err *err);
/* Column list of the dataset as SQL, malloc'ed. */
char *audit_rows_columns(const struct audit_rows *r);
/* One more output: names, statistics, hashes, fsync. operation: of stage_write_names. Takes no reference. */
struct audit_output {
    const char *dataset, *operation;
    int64_t dataset_id;
    json_t *files, *removes, *columns, *cleared; /* borrowed; may be NULL */
    int64_t rows;                                /* -1: not known */
};
int audit_output_add(struct audit *a, const struct audit_output *o, struct err *err);

#endif
