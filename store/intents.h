/* intents.h: the database's half of the publish protocol: P3 PREPARE, P6 COMMIT, P7 DONE (design: zones.md
 * 2).
 *
 * An intent is what an attempt will publish, fixed once: the plan (zones/publish.h) and the bookmark's move.
 *
 *   prepared --P6--> committed --P7--> done        prepared --abort--> aborted
 *
 * While an intent is open (prepared or committed) its datasets and its bookmark belong to it: unique indexes
 * refuse a second one, and `bookmark set` and `rollback` get exit 8. Head, files, version, bookmark and
 * attempt move in one call, in one transaction, all compare-and-set: together or not at all. */
#ifndef LEAT_STORE_INTENTS_H
#define LEAT_STORE_INTENTS_H

#include "store/attempts.h"

struct intent_spec {
    const char *token;            /* unique */
    int64_t attempt;              /* 0: no attempt (rollback by hand) */
    const char *author;           /* rollback by hand: who; else NULL */
    const char *reason;           /* rollback by hand: why; else NULL */
    const json_t *plan;           /* zones/publish.h; outputs without dataset_id name a dataset to be made */
    int64_t bookmark;             /* 0: none moves */
    int64_t bookmark_version;     /* the version the attempt read */
    const json_t *bookmark_value; /* the result's `bookmark` object */
    instant_t at;
};

enum prepare_end {
    PREPARE_FAILED = -1,
    PREPARE_DONE,            /* *intent is its id; the attempt is `publishing` */
    PREPARE_FENCED,          /* the attempt is not `running` any more: drop its stage */
    PREPARE_HEAD_MOVED,      /* a dataset's head is not the plan's base: plan again */
    PREPARE_DATASET_BUSY,    /* another open intent has the dataset: wait */
    PREPARE_DATASET_STOPPED, /* somebody must look at the dataset first */
    PREPARE_BOOKMARK_MOVED,  /* changed underneath: the attempt fails, exit 8 */
    PREPARE_BOOKMARK_BUSY,   /* another open intent moves it: wait */
};
/* P3. Everything but DONE changes nothing and sets err (exit 8) with the dataset's or bookmark's name. */
enum prepare_end store_intent_prepare(struct store *s, const struct intent_spec *spec, int64_t *intent,
                                      struct err *err);

/* P6: heads base -> version, version rows, files added and removed, bookmark, metrics of its checks, the
 * run's own pins, lineage outbox, and the attempt publishing -> success (end: its details; from, to and id
 * are ignored; may be NULL without an attempt). 1 committed now; 0 it was not `prepared`. */
int store_intent_commit(struct store *s, int64_t intent, const struct attempt_end *end, instant_t at,
                        struct err *err);
/* P7: committed -> done; its plan is dropped. */
int store_intent_close(struct store *s, int64_t intent, instant_t at, struct err *err);
/* prepared -> aborted: nothing of it will be published. The attempt stays for store_attempt_end(). Only when
 * P5 is known not to have happened. */
int store_intent_abort(struct store *s, int64_t intent, const char *reason, instant_t at, struct err *err);
/* An outside writer was first: records plan.outside as versions of their own (operation `outside`) and
 * replaces the plan of the prepared intent with this one, on the new base. 1 done, 0 not `prepared`. */
int store_intent_replan(struct store *s, int64_t intent, const json_t *plan, instant_t at, struct err *err);

/* ---- without an intent: the disk is ahead of the database ---- */

struct adoption {
    int64_t dataset;
    const json_t
        *versions;      /* zones/repair.h; the first follows the head; empty: the dataset is only let go on */
    int64_t whole_from; /* older versions have lost files: they are not kept any more; 0: none has */
    const char *author, *reason; /* reason may be NULL */
    instant_t at;
};
/* Records the versions as they are and lets the dataset go on when it was stopped. All or nothing. */
int store_versions_adopt(struct store *s, const struct adoption *a, struct err *err);

/* ---- asking ---- */

struct intent_row {
    int64_t id, attempt, run;
    uint32_t step;
    const char *token, *state, *author, *reason;
    const char *plan; /* JSON text; NULL once closed */
    int64_t bookmark, bookmark_version;
    const char *bookmark_value; /* JSON text or NULL */
    instant_t created_at;
};
int store_intent_get(struct store *s, int64_t intent, struct arena *a, struct intent_row *out,
                     struct err *err);
/* Prepared and committed ones, oldest first: recovery. */
int store_intents_open(struct store *s, struct arena *a, struct intent_row **rows, size_t *n,
                       struct err *err);
/* The open intent that has the dataset. 1 found, 0 none. */
int store_intent_of_dataset(struct store *s, int64_t dataset, struct arena *a, struct intent_row *out,
                            struct err *err);

#endif
