/* publish.h: how a checked stage becomes a version: P3's decisions, P4 MOVE, P5 LOG (design: zones.md 2).
 *
 *   conductor  publish_prepare()   pure decisions: base and new version, what the version adds and removes
 *              (store)             P3: the plan is written with the intent, in the transaction of the fence
 *   worker     publish_run()       P4 + P5 from the plan alone; may be killed anywhere and run again
 *   conductor  (store)             P6: head, bookmark, attempt, run in one transaction; P7 closes the intent
 *
 * The plan is a JSON object, fixed at P3; what P5 writes depends on nothing else, so it can be written again:
 *
 *   {"token", "project", "pipeline", "step", "run", "at": microseconds,
 *    "outputs": [{"dataset", "dataset_id"|null, "zone", "path": dataset folder, "stage": dir,
 *                 "format": "files"|"delta",
 *                 "operation": "append|replace|replace_partitions|merge|rollback",
 *                 "base": version|-1, "version": base + 1, "first": bool,
 *                 "table_id", "columns": [current schema], "columns_changed": bool, "partition_by": [names],
 *                 "files": [{"staged", "target", "rows", "bytes", "sha256", "partition", "stats", "source"}],
 *                 "removes": [{"path", "bytes", "rows", "partition"}],
 *                 "cleared": [partitions cleared even where nothing came],
 *                 "files_total", "rows_total", "bytes_total": of the new version}]}
 *
 * Invariants: (1) a final name is written once and never replaced; (2) every byte and name is durable before
 * the log entry that refers to it exists; (3) the log entry appears whole, by link(2), or not at all; (4) an
 * entry with another token is never overwritten and never taken for ours. */
#ifndef LEAT_ZONES_PUBLISH_H
#define LEAT_ZONES_PUBLISH_H

#include "base/err.h"
#include "base/instant.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct store;

/* ---- P3, in the conductor ---- */

/* Decides the plan of an attempt from its request, its result and the datasets' current heads. Re-bases where
 * the operation allows it: append always; replace takes the new head's files as its removes;
 * replace_partitions recomputes them; merge only on the very base it read (else exit 8, reason
 * "version_moved"). New reference, or NULL with err. */
json_t *publish_prepare(struct store *s, const json_t *request, const json_t *result, instant_t now,
                        struct err *err);

/* A rollback as a plan: the next version lists `to_version`'s files. Exit 4 when that version is unknown,
 * exit 8 when retention has removed some of its files (the message names one). The caller opens an intent
 * with it and goes on as for any other publish. */
struct rollback {
    const char *dataset, *token, *project;
    int64_t dataset_id, to_version;
    const char *zone_path;
    instant_t now;
};
json_t *publish_rollback(struct store *s, const struct rollback *r, struct err *err);

/* After publish_run() met an outside writer: the plan on the new base, with the outside versions to record
 * first as plan.outside. NULL with exit 8 when the operation does not allow it. */
json_t *publish_rebase(const json_t *plan, const json_t *outside, instant_t now, struct err *err);

/* ---- P4 and P5, in the worker ---- */

enum publish_end {
    PUBLISH_DONE,    /* every output's log entry is there and is ours */
    PUBLISH_OUTSIDE, /* another program wrote the next version first: *outside says what (publish_rebase) */
    PUBLISH_STOPPED, /* a staged file is neither in the stage nor in place, or the dataset is ahead of the
                        database: err says what; the dataset must stop */
    PUBLISH_FAILED,  /* the disk failed or is full: err says so; run it again later */
};

/* sequence is the intent's id. outside: new reference or NULL, only set with PUBLISH_OUTSIDE:
 *   [{"output": index, "version", "adds": [...], "removes": [...], "columns"|null, "writer"}]. */
enum publish_end publish_run(const json_t *plan, int64_t sequence, json_t **outside, struct err *err);
/* The same from the intent stored in the database. */
enum publish_end publish_run_intent(struct store *s, int64_t intent, json_t **outside, struct err *err);

/* Every tenth version of a Delta table gets a checkpoint: after publish_run() ended with PUBLISH_DONE, when
 * publish_wants_checkpoint(), the worker may open the engine and write it. A failure is a warning. */
struct duck;
json_t *publish_plan(struct store *s, int64_t intent, struct err *err); /* of an open intent; new reference */
bool publish_wants_checkpoint(const json_t *plan);
int publish_checkpoint(struct duck *d, struct store *s, const json_t *plan, int64_t sequence,
                       struct err *err);

/* ---- recovery's question ---- */

struct publish_ahead {
    int64_t version; /* the next version, found on disk though the database does not know it */
    bool ours;       /* written by Leat: the database is older than the files (a restored backup) */
    char token[128];
    char writer[128];
};

/* Looks whether the log of a dataset folder goes on after `head` (one name look-up when it does not).
 * 1: it does (*out says how), 0: it does not, -1: unreadable. */
int publish_ahead(const char *path, const char *format, int64_t head, struct publish_ahead *out,
                  struct err *err);
/* The message for a dataset that is ahead of its database: always -1, exit 8, reason "dataset_ahead". */
int publish_ahead_error(const char *dataset, int64_t head, const struct publish_ahead *a, struct err *err);

#endif
