/* work.h: the worker's view of its attempt: the request, the result in the making, and the tools a work
 * operator may ask for. The embedded engine and the database are opened when first asked for. */
#ifndef LEAT_OPERATORS_WORK_H
#define LEAT_OPERATORS_WORK_H

#include "base/err.h"
#include "operators/exchange.h"
#include "operators/progress.h"
#include "operators/stopper.h"
#include "zones/audit.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct duck;
struct store;

struct work {
    struct request request;
    json_t *result;
    struct audit audit; /* filled by work_audit_begin(), poured into the result by the worker */
    bool audit_open;
    struct progress progress;
    struct stopper *stopper;
    struct duck *duck;
    struct store *store;
    bool store_tried;
};

/* Both belong to the work and live as long as it. work_store() gives NULL without error when no database
 * exists yet. */
struct duck *work_duck(struct work *w, struct err *err);
int work_store(struct work *w, struct store **out, struct err *err);

/* Makes the stage and fills w->audit from the request; the engine is opened when `engine` says so. */
int work_audit_begin(struct work *w, bool engine, struct err *err);

bool work_stopped(const struct work *w); /* SIGTERM came: end soon, with work_cancelled() */
int work_cancelled(struct err *err);     /* always -1: reason "cancelled" */
/* What the step is about to read: for the result, and for progress in rows. -1: not known. */
void work_reads(struct work *w, int64_t rows, int64_t bytes);
void work_warn(struct work *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* One line for the step's log. */
void work_log(const struct work *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void work_nothing_new(struct work *w);
/* What the attempt consumed; nothing is proposed when this run does not move the bookmark. Steals. */
void work_propose(struct work *w, json_t *bookmark);
/* The same from the file a process left in LEAT_BOOKMARK_FILE, when the step has a `value` bookmark and it
 * did. */
int work_propose_value(struct work *w, struct err *err);

#endif
