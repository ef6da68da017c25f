/* core.h: the scheduler as a pure state machine: (state, event, now) -> (state', actions).
 *
 * The core decides what starts, what waits, what is skipped, what is tried again and how a run ends. It does
 * no I/O, reads no clock, draws no random number and calls no system; it allocates only when a run is added
 * or an array grows. The conductor feeds it real events, tests/sim feeds it invented ones.
 *
 *   one turn of the driver:
 *     for each event seen:  core_apply(core, now, &event, &actions, &err)
 *     repeat:               core_settle(core, now, &actions); answer each new CORE_DECIDE with CORE_DECIDED
 *     BEGIN; write down every CORE_STEP_STATE / CORE_RUN_STATE / CORE_RUN_STOP (compare-and-set); COMMIT
 *     carry out every CORE_START / CORE_CANCEL_ATTEMPT / CORE_MAY_PUBLISH; acknowledge the events
 *     actions.count = 0; sleep until an event or core_next_due()
 *
 * Events may be fed while the list is worked through; an action about an attempt that was ended that way (its
 * CORE_MAY_PUBLISH stood further down) is to be passed over.
 *
 * The core is ahead of the database between apply and COMMIT. If the commit fails (disk full), keep the list,
 * send CORE_STOP_STARTING and try the same transaction again later; if the process dies, nothing was carried
 * out and recovery rebuilds the core from the database with CORE_RUN_ADD and `init`.
 *
 * `now` is any clock that does not go back (the conductor's: world_steady()); all instants here are on it. A
 * `now` smaller than an earlier one counts as the earlier one. Instants that live in the database are wall
 * time: the driver converts.
 *
 * Costs: ending a step is O(its children + log of the ready steps); starting one is O(log n) plus the number
 * of different (pool, tokens) pairs in use; nothing ever sweeps a run. A run costs about 40 bytes a step
 * beside the caller's arrays. */
#ifndef LEAT_SCHEDULER_CORE_H
#define LEAT_SCHEDULER_CORE_H

#include "base/err.h"
#include "base/instant.h"
#include "dag/pipeline.h" /* enum trigger_rule, struct retry */
#include "scheduler/core/states.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core;

#define CORE_NO_STEP UINT32_MAX
#define CORE_NO_POOL UINT32_MAX

/* ---- configuration ---- */

struct core_pool {
    const char *name;
    int64_t tokens; /* 0: nothing of it starts */
};

struct core_config {
    int64_t jobs; /* general limit: attempts of local steps at once; >= 1 */
    const struct core_pool *pools;
    uint32_t pool_count;
    /* What an attempt that asks for a retry (exit 75) gets when its step has no `retry:` (times 0), and the
     * wait it gets when the step's own wait is 0. {0}: a step without `retry:` fails. */
    struct retry asked;
    /* Do not report `ready`: the row stays `waiting` (or `retry_wait`) until it starts, one write a step
     * less. */
    bool quiet_ready;
    uint32_t bypasses; /* 0: 16. Smaller steps that may overtake one that waits for more tokens of a pool */
    uint32_t ageing;   /* 0: 1024. Later runs that may overtake a waiting step, per point of priority */
};

/* ---- a run ---- */

/* What does not change about a step. scheduler/core/plan.h makes these from a struct pipeline. */
struct core_step {
    enum trigger_rule rule; /* RULE_always for a step named by --only or --from-step: it waits for nobody */
    bool finally;           /* starts once when all others ended; has no edges */
    bool allow_failure;
    bool has_when;  /* CORE_DECIDE is asked before it may start */
    bool remote;    /* does not count against the general limit */
    uint32_t pool;  /* index into core_config.pools, or CORE_NO_POOL */
    int64_t tokens; /* of the pool; more than the pool has counts as all of it; < 1 counts as 1 */
    int64_t priority;
    struct retry retry;
    /* Things only one attempt may have at a time, by any 64-bit name (hash the bookmark, the dataset).
     * `hold`: from the start of the attempt to its end: its bookmark; the dataset's writer when it needs it
     * from P0 (merge). `publish`: asked for in the middle by CORE_PUBLISH_WANTED, all at once, kept to the
     * end: the datasets it publishes. A dataset is in one of the two lists, for one step; a step that has
     * both holds nothing from the start that others ask for in the middle. (So nobody waits in a circle.) */
    const uint64_t *hold, *publish;
    uint32_t hold_count, publish_count;
};

/* Where a step stands when its run is added: NULL for a new run. */
struct core_init {
    enum step_state state;
    bool left_out;      /* with skipped: "skipped by plan": children see a success */
    bool warned;        /* with success: a check warned */
    const char *reason; /* with failed: why; may be NULL */
    bool publishing;    /* with running: it has its `publish` names already (an intent is open) */
    uint32_t attempts;  /* made so far in this generation; with running: the number of the live one */
    instant_t due;      /* with retry_wait: when the next attempt may start */
};

/* Why a run was stopped. X(name, text, rank, default reason): one of a higher rank replaces one of a
 * lower. */
#define RUN_STOP_LIST(X)                                                                                     \
    X(NO, "", 0, "")                                                                                         \
    X(CANCEL, "cancel", 3, "cancelled")                                                                      \
    X(KILL, "kill", 4, "cancelled")                                                                          \
    X(TIMEOUT, "timeout", 2, "timeout")                                                                      \
    X(FREEZE, "interrupted", 1, "interrupted")

enum run_stop {
#define X(name, text, rank, reason) STOP_##name,
    RUN_STOP_LIST(X)
#undef X
        RUN_STOP_COUNT
};
extern const char *const run_stop_names[RUN_STOP_COUNT];

/* Everything pointed to is borrowed until core_forget(). */
struct core_run_spec {
    int64_t run; /* id, unique among the runs in the core */
    uint32_t generation;
    uint32_t step_count;
    const uint32_t *down_at, *down; /* struct pipeline's arrays; without a cycle */
    const struct core_step *steps;
    const struct core_init *init; /* per step; NULL: all waiting */
    enum run_state state;         /* RUN_queued, or RUN_running for one that had begun */
    instant_t started_at;         /* with RUN_running: counts against the timeout; INSTANT_NONE: now */
    duration_t timeout;           /* of the whole run without its finally steps; 0: none */
    uint64_t group;               /* runs with one group count together (hash of the pipeline's name) … */
    int64_t group_limit;          /* … and at most so many are running; 0: no limit */
    enum run_stop stop;           /* recovery: as the last CORE_RUN_STOP of this generation said */
    const char *stop_reason;      /* and its reason; may be NULL */
};

/* ---- events ---- */

enum core_event_kind {
    CORE_RUN_ADD,        /* spec */
    CORE_DECIDED,        /* run, step, decision, reason: the answer to CORE_DECIDE */
    CORE_PUBLISH_WANTED, /* run, step, attempt: wants its `publish` names; answered by CORE_MAY_PUBLISH */
    CORE_ATTEMPT_ENDED,  /* run, step, attempt, outcome, reason, permanent, wait */
    CORE_RUN_CANCEL,     /* run, kill, reason */
    CORE_RUN_FREEZE,     /* run: starts no more steps but its finally steps; live attempts finish */
    CORE_STOP_STARTING,  /* nothing starts any more (drain, disk full); live attempts finish, retries wait */
    CORE_RESUME_STARTING,
};

enum core_decision { DECISION_run, DECISION_skip, DECISION_error };

/* X(name, ends well, warns, may be retried, default reason) */
#define OUTCOME_LIST(X)                                                                                      \
    X(success, true, false, false, "")                                                                       \
    X(nothing_new, true, false, false, "nothing_new")                                                        \
    X(warn, true, true, false, "") /* success; a check warned */                                             \
    X(failed, false, false, true, "failed")                                                                  \
    X(gate, false, false, true, "gate") /* the data is bad: retried only when `if:` names its reason */      \
    X(lost, false, false, true, "lost") /* its warden died */                                                \
    X(retry_asked, false, false, true, "retry_asked") /* exit 75: `if:` is not asked */                      \
    X(cancelled, false, false, false, "cancelled")

enum core_outcome {
#define X(name, well, warns, retry, reason) OUTCOME_##name,
    OUTCOME_LIST(X)
#undef X
        OUTCOME_COUNT
};
extern const char *const core_outcome_names[OUTCOME_COUNT];

struct core_event {
    enum core_event_kind kind;
    int64_t run;
    uint32_t step, attempt;
    enum core_decision decision;
    enum core_outcome outcome;
    bool permanent;     /* a failure that no retry can mend (a wrong definition, a lost input) */
    bool kill;          /* cancel: KILL at once, and no finally steps */
    duration_t wait;    /* before a retry, at least (Retry-After); 0: the policy alone */
    const char *reason; /* one machine word; NULL: the outcome's own. Only read during the call */
    const struct core_run_spec *spec;
};

/* ---- actions ---- */

enum core_action_kind {
    CORE_DECIDE,      /* run, step: evaluate `when`; core_run_result() answers run.result for finally steps */
    CORE_STEP_STATE,  /* run, step, attempt, from, to, reason; at: due time when to is retry_wait */
    CORE_START,       /* run, step, attempt: follows the step's move to running */
    CORE_MAY_PUBLISH, /* run, step, attempt */
    CORE_CANCEL_ATTEMPT, /* run, step, attempt, kill, reason. It may still end well: then that counts */
    CORE_RUN_STATE,      /* run, from, to, reason; step: the first that failed, or CORE_NO_STEP */
    CORE_RUN_STOP,       /* run, stop, reason: to be remembered with the run until it ends */
    CORE_FAULT,          /* run, step, from, to: a forbidden move was asked for and not made: a bug, say so */
};

enum { CORE_REASON_TEXT = 32 };

struct core_action {
    enum core_action_kind kind;
    uint32_t step, attempt;
    int64_t run;
    instant_t at;
    uint8_t from, to; /* enum step_state or enum run_state */
    uint8_t stop;     /* enum run_stop */
    bool kill;
    char reason[CORE_REASON_TEXT];
};

struct core_actions {
    struct core_action *items;
    size_t count, cap;
};

#define CORE_ACTIONS_INIT                                                                                    \
    { 0 }
void core_actions_release(struct core_actions *list);

/* ---- the machine ---- */

/* Copies the configuration except pool names' text and the lists of config->asked. */
struct core *core_new(const struct core_config *config);
void core_free(struct core *c); /* NULL is fine */

enum core_answer {
    CORE_REFUSED = -1, /* the event makes no sense (err says why); nothing changed */
    CORE_TAKEN = 0,
    CORE_STALE = 1, /* about an attempt, step or run that is over (an exit told twice); nothing changed */
};

/* Takes one event; appends what follows from it. Starting happens in core_settle(). */
enum core_answer core_apply(struct core *c, instant_t now, const struct core_event *event,
                            struct core_actions *out, struct err *err);
/* Lets time pass to `now`, begins queued runs, starts what may start, ends what is over. Call it after every
 * batch of events and at core_next_due(). Calling it again changes nothing. */
void core_settle(struct core *c, instant_t now, struct core_actions *out);
/* When core_settle() is next due by time alone (a retry, a timeout); INSTANT_NONE: never. */
instant_t core_next_due(const struct core *c);

/* Drops a run that has ended (or, before a restart, any run): frees what it held and its memory. */
void core_forget(struct core *c, int64_t run);

/* ---- questions (cheap; none changes anything) ---- */

bool core_has_run(const struct core *c, int64_t run);
enum run_state core_run_state(const struct core *c, int64_t run);
/* How the run would end as things stand, finally steps left aside: the value of run.result. RUN_running while
 * other steps are unfinished. */
enum run_state core_run_result(const struct core *c, int64_t run);
enum step_state core_step_state(const struct core *c, int64_t run, uint32_t step);
uint32_t core_step_attempts(const struct core *c, int64_t run, uint32_t step);
/* Number of steps in each state. */
void core_run_counts(const struct core *c, int64_t run, uint32_t counts[STEP_STATE_COUNT]);
/* Why a ready step does not start; BLOCK_no when it is not ready or nothing stands in its way. */
enum core_block { BLOCK_no, BLOCK_stopped, BLOCK_jobs, BLOCK_pool, BLOCK_hold };
enum core_block core_step_block(const struct core *c, int64_t run, uint32_t step);

struct core_load {
    uint32_t runs, queued_runs; /* not ended */
    uint32_t live;              /* attempts */
    int64_t jobs_used;
};
struct core_load core_load(const struct core *c);
int64_t core_pool_used(const struct core *c, uint32_t pool);

#endif
