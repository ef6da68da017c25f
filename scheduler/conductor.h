/* conductor.h: the one process that runs pipelines: it owns the database, talks to the warden and drives the
 * core.
 *
 * One thread, one libuv loop. A turn of the loop: collect what happened (exits, timers, requests), let the
 * core decide, write every change in one transaction, and only after its commit carry out the effects (start
 * jobs, acknowledge exits, answer requests, report). So a crash at any instant leaves either the old state or
 * the new one, and what was not carried out is found again by recovery, which is also the normal start.
 *
 * `leat run` opens one, submits a run, loops until it has ended, and closes; a daemon loops for ever. */
#ifndef LEAT_SCHEDULER_CONDUCTOR_H
#define LEAT_SCHEDULER_CONDUCTOR_H

#include "base/err.h"
#include "base/instant.h"
#include "base/world.h"
#include "dag/pipeline.h"

#include "store/store.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct conductor;
struct dataset_row;

/* What a program that takes this one's place (exec) inherits, so that nobody gets in between; 0: nothing. */
struct inherited {
    int lock_fd, listen_fd;
    char uuid[STORE_UUID]; /* of the database; "": not known */
};

struct conductor_options {
    const struct project *project;
    const struct world *world;
    const char *programs; /* folder of `leat` and `leat-warden` (from /proc/self/exe) */
    int64_t jobs;         /* local steps at once; 0: max(4, cores) */
    /* The definition to begin a queued run of this pipeline with: one more owner of it, or NULL with err
     * (exit 4: there is none of that name, exit 3: it has errors). NULL: only runs handed in by
     * conductor_submit(). */
    struct pipeline *(*find)(void *ctx, const char *name, struct err *err);
    /* All pipelines that are known, one after the other: *at = 0 first, NULL at the end; borrowed. For what
     * asks who writes a dataset. NULL: none but those of the runs at hand. */
    const struct pipeline *(*next)(void *ctx, size_t *at);
    void *find_ctx; /* of both */
    bool serves;    /* begins what waits in the database, whoever queued it */
    int64_t
        backfill; /* feeds this one, and goes on with its unfinished runs (conductor_backfill()); 0: none */
    struct inherited inherited;
    const char *uuid; /* of the database, when it was open before: no other one, and no new one; NULL: any */
    bool database_only; /* no warden, no socket: to change a row or two while nobody serves */
    /* Reads the stored definition of an interrupted run again, for its finally steps. NULL: one that does not
     * know what SQL reads. */
    const struct pipeline_reader *reader;
    /* Told everything worth showing, one JSON object a happening (cli.md 1.6: seq, at, type, run, step, …),
     * after it is durable. The object is borrowed. May be NULL. */
    void (*report)(void *ctx, const json_t *event);
    void *report_ctx;
    duration_t progress_every; /* how often step_progress is reported; 0: never */
};

/* Takes the instance lock, checks the database, finds or starts the warden. No recovery yet. Exit 8 naming
 * the holder when another conductor is at work, 6 when the environment is wrong. */
struct conductor *conductor_open(const struct conductor_options *o, struct err *err);
void conductor_close(struct conductor *c); /* running steps go on under the warden; NULL is fine */

/* Recovery, to be called once after open: adopts live attempts, takes in the exits that happened meanwhile,
 * rolls open intents forward, settles what is lost. Unfinished runs other than `resume` start no more steps
 * but their finally steps, and end `failed`, reason interrupted (contract.md 16, 18); `resume` (0: none) goes
 * on. Returns when nothing of the old runs is live any more, except for `resume`. Each thing done is reported
 * (type "recovered"). */
int conductor_recover(struct conductor *c, int64_t resume, struct err *err);

struct run_request {
    struct pipeline *pipeline;          /* handed over: freed with the run */
    json_t *params;                     /* stolen; from pipeline_params() */
    instant_t window_start, window_end; /* INSTANT_NONE: none */
    bool window_explicit; /* given by the user for a past slot: bookmarks do not move (contract.md 37) */
    bool move_bookmark;
    const char *trigger;     /* "manual" */
    const char *const *only; /* step names */
    size_t only_count;
    const char *from_step; /* NULL */
    bool force;
    const char *reason;      /* free text of the user; NULL */
    instant_t scheduled_for; /* fire instant of its slot; INSTANT_NONE */
    const char *schedule;    /* the schedule's name; NULL */
    int64_t parent;          /* attempt of the `pipeline:` step that starts it; 0 */
    int64_t backfill;        /* 0: none; such a run does not count against max_active_runs */
    bool beside;             /* if_running: allow: nor does this one */
    bool queue;              /* waits for its turn even when nobody serves */
};

/* Writes down a new run; its id, or 0 with err. The request is consumed either way. */
int64_t conductor_submit(struct conductor *c, struct run_request *rq, struct err *err);

enum retry_answer { RETRY_NOTHING, RETRY_STARTED, RETRY_CONTINUED };
/* A new generation of a finished run, or (before conductor_recover(c, run)) the same one of an unfinished
 * run. The pipeline is the definition to use; consumed. -1 with err. */
int conductor_retry(struct conductor *c, int64_t run, struct pipeline *pipeline, const char *from_step,
                    bool force, enum retry_answer *answer, struct err *err);

/* Asks the run's steps to stop; a second time, or with kill, KILL. */
void conductor_cancel(struct conductor *c, int64_t run, bool kill, const char *reason);

/* Loops until the run has ended (0: until nothing is live). *state gets its final state's name (runs.h).
 * Returns -1 when the conductor cannot go on (database or disk failed, warden gone for good): steps go on,
 * nothing is lost. SIGINT and SIGTERM cancel the run gracefully, a second one kills; *signal gets the first.
 */
int conductor_wait(struct conductor *c, int64_t run, const char **state, int *signal, struct err *err);

/* Feeds options.backfill until nothing of it runs and it has ended or been paused; after conductor_recover().
 * *state gets its state's name (static text). SIGINT and SIGTERM let go of it (*signal): what runs goes on
 * under the warden, and whoever serves next, or feeds it again, goes on with it. */
int conductor_backfill(struct conductor *c, const char **state, int *signal, struct err *err);

/* Publishes a new version of a dataset that lists the files of an old one (-1: of the one before the head).
 * Call it after conductor_recover(). Exit 4 for an unknown dataset or version, 8 when retention has removed
 * some of its files. */
struct rollback_request {
    const char *dataset, *author, *reason;
    int64_t to_version;
};
int conductor_rollback(struct conductor *c, const struct rollback_request *r, int64_t *from, int64_t *version,
                       struct err *err);

/* Records the versions that the log of a dataset has and the database does not, and lets the dataset go on
 * (zones/repair.h). Call it after conductor_recover(). Exit 8 when the log does not end where it was seen to.
 */
struct repair_request {
    const struct dataset_row *dataset; /* as it was seen; id -1: not known to the database */
    int64_t last;                      /* the version its log was seen to end at */
    const char *author, *reason;
};
int conductor_repair(struct conductor *c, const struct repair_request *r, struct err *err);

/* Retention and garbage collection when the last was a day ago, in one go: after the work. A failure is worth
 * a warning, no more. A daemon does it piece by piece (conductor/collect.h). */
int conductor_collect(struct conductor *c, struct err *err);

/* The database, for verbs that change something small (bookmarks) after conductor_recover(). Borrowed. */
struct store *conductor_store(struct conductor *c);

/* ---- what other commands ask (contract.md 17); asks.c has the table of words ---- */

/* Asks the conductor at work on this state folder; 1 when none is at work. *answer: new reference,
 * {"ok": true, …} or {"ok": false, "error", "hint", "exit"}. */
int conductor_ask(const char *state, const json_t *request, json_t **answer, struct err *err);
/* The same of the one at work or, when there is none, done here on the database alone; -1 with err also when
 * the answer says no. find as in the options, for what needs a definition. */
int conductor_request(const struct conductor_options *o, const json_t *request, json_t **answer,
                      struct err *err);

#endif
