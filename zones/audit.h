/* audit.h: P2 of the publish protocol: from what a step wrote to what may be published.
 *
 * Three kinds of steps end here:
 *
 *   audit_query    the step is a query (sql, promote): it is run, cast to the dataset's columns and written
 *                  as Parquet
 *   audit_process  a process filled the stage (shell, exec, spark): its files are read by extension and
 *                  rewritten where the dataset's format asks for it
 *   audit_copies   files are kept byte for byte (copy)
 *
 * Then, for all of them: the schema policy, the checks, bad rows set aside, merge, window and emptiness
 * rules, file statistics, hashes, and at last fsync of everything. The stage is only ever added to, so P2 can
 * be repeated.
 *
 * Rows that need looking at before they are written (row rules that set rows aside, casts that may fail,
 * merge) are kept in a temporary table, which spills to the disk; all else is streamed into Parquet and
 * checked there. */
#ifndef LEAT_ZONES_AUDIT_H
#define LEAT_ZONES_AUDIT_H

#include "base/err.h"
#include "base/instant.h"
#include "zones/stage.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct duck;
struct store;

struct audit {
    const struct stage_into *into;
    const char *token, *pipeline, *step, *timezone;
    instant_t window_start, window_end; /* INSTANT_NONE: no window */
    instant_t now;
    struct duck *duck;    /* NULL only for audit_copies() without audit_needs_engine() */
    struct store *store;  /* NULL: nothing was ever published */
    const json_t *inputs; /* request.inputs: pinned versions, for references() and SQL checks */

    /* Out. Arrays and objects are owned by the caller and made by audit_init(). */
    json_t *outputs, *checks, *warnings;
    int64_t rows;     /* that will be published; -1: not known */
    int64_t bad_rows; /* set aside or dropped */
    bool nothing_new; /* if_empty: skip, and there was nothing: publish nothing */
};

void audit_init(struct audit *a);
void audit_release(struct audit *a);

/* The columns by which a query tells of bad rows: they go to the quarantine, never to the dataset. Both are
 * text; a row whose reason is not NULL is bad. */
#define AUDIT_REASON "_leat_reason"
#define AUDIT_SOURCE "_leat_source"

struct audit_query {
    const char *sql;         /* one SELECT, no semicolon */
    const json_t *params;    /* may be NULL */
    bool marked;             /* it has the two columns above */
    const json_t *described; /* duck_describe() of it, when it is known; else NULL */
};

/* All three: 0, or -1 with err; exit 5 when a check, the schema policy or an empty result stops the publish
 * (checks and warnings are filled in all the same). */
int audit_query(struct audit *a, const struct audit_query *q, struct err *err);
int audit_process(struct audit *a, struct err *err);
/* files: array of {"staged", "bytes", "sha256"|null, "source"|null}; removes: paths of live files they
 * replace. */
int audit_copies(struct audit *a, json_t *files, const json_t *removes, struct err *err);
/* true when audit_copies() will have to read the files. */
bool audit_needs_engine(const struct stage_into *into);

#endif
