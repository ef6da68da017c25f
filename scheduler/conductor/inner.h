/* inner.h: what the conductor's files share. Private to this folder.
 *
 *   conductor.c  open, close, the loop and its handles, waiting for a run
 *   turn.c       one turn: events -> core -> one transaction -> effects
 *   runs.c       a run's life in memory
 *   submit.c     a new run: its row, and its way from the row into memory
 *   admit.c      which of the runs that wait in the database begin
 *   again.c      retry: the next generation, or an unfinished run that goes on
 *   claim.c      P0: pins, bookmark, the evaluated request of an attempt
 *   unchanged.c  whether an attempt would only repeat what its dataset already is
 *   attempt.c    an attempt from its start to its end
 *   exits.c      what the end of a job means
 *   publishing.c P3 and P6 of the publish protocol
 *   attended.h   attempts without a process: `wait` and `pipeline` steps, and the files that look after them
 *   effects.c    what is done after the commit: jobs, acknowledgements, files, reports
 *   restore.c    a run of the database in memory again
 *   recover.c    what a dead conductor left
 *   ahead.c      datasets that are ahead of the database
 *   repair.c     a stopped dataset goes on
 *   rollback.c   an old version's files as a new version
 *   clock.c      the timetable driven by the wall clock: slots become runs; hands.c: its schedules come,
 *                change and go; clock_doubt.c: when the clock cannot be right; clock_zones.c: zone data that
 *                changed while nobody served
 *   schedules.c  what both of them ask of a schedule's row, the clock and:
 *   triggers.c   new versions of datasets start the pipelines that come after them
 *   consumed.c   who read what for which window, and is stale
 *   pauses.c     pipelines that start nothing by themselves for a while
 *   backfills.c  durable plans over many windows, fed while runs end; backfill_items.c starts one window,
 *                backfill_add.c writes one down, backfill_asks.c is what else commands ask about them
 *   serve.c      the daemon around the loop; lives.h what lies between two lives of it; notify.c tells systemd
 *   asks.c       what other commands ask of the one at work; shapes.c: what a request has to look like;
 *                standing.c: how it stands; blocks.c: what stands in the way of a run
 *   collect.h    retention and garbage, once a day, piece by piece
 *
 * Invariants: (1) nothing outside the database changes before the commit of the turn that decided it; (2) an
 * exit record is acknowledged only after the commit that used it; (3) an attempt here exists in the database
 * as running or publishing; (4) when a commit fails, memory is ahead of the database and the conductor stops:
 * recovery starts over. */
#ifndef LEAT_SCHEDULER_CONDUCTOR_INNER_H
#define LEAT_SCHEDULER_CONDUCTOR_INNER_H

#include "dag/wiring.h"
#include "scheduler/complete.h"
#include "scheduler/conductor.h"
#include "scheduler/control.h"
#include "scheduler/core/core.h"
#include "scheduler/core/idmap.h"
#include "scheduler/core/plan.h"
#include "store/attempts.h"
#include "store/datasets.h"
#include "store/intents.h"
#include "store/runs.h"
#include "warden/client.h"

#include <uv.h>

enum { PUBLISH_TRIES = 3 };
enum phase { PHASE_MAIN = 'm', PHASE_AUDIT = 'a', PHASE_PUBLISH = 'p', PHASE_ATTENDED = 'w' };

struct attended;
struct waits;

/* What the last attempt of a step gave: becomes the step's row and the event about it. */
struct step_facts {
    char message[1024], hint[512];
    char reason[CORE_REASON_TEXT]; /* of a step that failed before this conductor lived */
    enum leat_exit exit;           /* of a failure, as failure_exit() says; EX_OK: it did not fail */
    int64_t rows_read, bytes_read, rows_written;
    bool nothing_new, warned;
    json_t *outputs;   /* object or NULL */
    json_t *published; /* array of {dataset, version, rows} or NULL */
    json_t *checks;    /* array or NULL */
    json_t *warnings;  /* array or NULL */
    instant_t started_at;
    duration_t took;
    char log[256]; /* relative to the state folder */
};

struct live_attempt {
    struct live_run *run;
    uint32_t step, number;
    int64_t id, intent; /* intent 0: none */
    char token[TOKEN_TEXT];
    char log[256]; /* relative to the state folder */
    enum phase phase;
    bool asked_publish; /* waits for CORE_MAY_PUBLISH */
    bool cancelled;     /* a cancel was sent to its job */
    uint32_t job_try;   /* part of the id of a job that is repeated (publish, a look): 0, 1, 2, 0, … */
    uint32_t publish_failures; /* seen by this conductor */
    json_t *request, *result;  /* result: of the work or audit */
    char *stage;               /* folder, NULL without into: */
    instant_t started_at;
    struct job_exit main_exit; /* of the main job of a process step */
    struct attended *attended; /* attended.h; NULL: it has a process */
};

struct live_run {
    int64_t id, generation;
    struct pipeline *pipeline; /* NULL: recovered, only to finish what is live */
    struct plan *plan;         /* NULL likewise */
    char **names, **verbs;     /* per step */
    uint32_t step_count;
    json_t *params, *scope, *failed_steps;
    instant_t window_start, window_end, started_at;
    bool move_bookmarks;
    enum run_stop stop; /* as the database remembered it when the run was restored */
    char *trigger, *pipeline_name;
    struct live_attempt **attempts; /* per step; NULL: none live */
    struct step_facts **facts;      /* per step; NULL: none yet */
    struct core_step *bare_steps;   /* of a recovered run without plan */
    struct core_init *init;
    uint32_t *no_edges;
    uint64_t *holds; /* names that plan->steps point into */
    instant_t scheduled_for;
    char *schedule;           /* NULL: not made by one */
    int64_t parent, backfill; /* 0: none; parent: attempt of a `pipeline` step … */
    int64_t parent_run;       /* … and its run */
    bool frozen;              /* recovered only to be finished */
    bool counted;             /* against max_active_runs of its pipeline */
    bool ended;
    struct live_run *before, *next, *next_ended;
    struct live_run *lane_before, *lane_next; /* while it is in the core */
    bool in_lane;
};

/* What is kept of each pipeline that has runs here: how many count against its max_active_runs, and whether
 * its queue has to be looked at. */
struct lane {
    char *name;
    uint32_t counted;
    uint32_t live;            /* runs in the core that are not of a backfill: what `if_running` asks about */
    struct live_run *runs;    /* of it, chained by lane_next */
    struct hand *hands;       /* its schedules (clock.c) */
    struct trigger *triggers; /* those of them that start after datasets (triggers.c) */
    int64_t *blocked;         /* runs that stand in no queue and could not begin when they were looked at */
    size_t blocked_count, blocked_cap;
    bool dirty, paused;
    instant_t paused_at; /* when that began */
    int64_t definition;  /* row of the last one written down, whose hash this is */
    char sha256[65];
};

/* A backfill that this conductor feeds. */
struct feed {
    int64_t id;
    bool dirty;   /* look at it in this or the next turn */
    bool settled; /* what ended while nobody fed it has been looked at */
};

enum effect_kind { EFFECT_START, EFFECT_CANCEL, EFFECT_ACK, EFFECT_REPORT, EFFECT_CLEAN };

struct effect {
    enum effect_kind kind;
    struct live_attempt *attempt; /* START, CANCEL, CLEAN (freed by it) */
    bool kill;                    /* CANCEL */
    char id[128];                 /* ACK */
    json_t *event;                /* REPORT */
};

/* Something that happened and waits for the next turn. */
struct happening {
    enum {
        HAPPENED_EXIT,
        HAPPENED_NOT_STARTED,   /* it could not be */
        HAPPENED_NEVER_STARTED, /* nobody got so far */
        HAPPENED_LOST,
        HAPPENED_PUBLISH_AGAIN
    } kind;
    struct job_exit exit; /* EXIT */
    char id[128];         /* job id */
    struct err err;       /* NOT_STARTED: why */
};

struct conductor {
    struct conductor_options options;
    char *worker, *warden_program;
    struct store *store;
    struct warden *warden;
    struct core *core;
    struct control *control;
    struct waits *waits;
    struct live_run *runs, *ended; /* ended: in this turn, chained by next_ended */
    struct idmap by_id, lanes;     /* runs by id; lanes by hash of the pipeline's name */
    struct beside {
        int64_t run;
        struct lane *lane;
    } * beside; /* queued runs that stand in no queue: of backfills, `if_running: allow` */
    size_t beside_count, beside_cap;
    struct lane **dirty; /* lanes whose queues are to be looked at */
    size_t dirty_count, dirty_cap;
    struct core_actions actions;
    struct effect *effects;
    size_t effect_count, effect_cap;
    struct happening *happened;
    size_t happened_count, happened_cap;
    int64_t *to_close; /* committed intents waiting for P7 */
    size_t to_close_count, to_close_cap;
    uint64_t seq;
    uv_loop_t loop;
    uv_poll_t warden_poll;
    uv_timer_t due, progress;
    uv_signal_t sigint, sigterm;
    bool loop_open, warden_lost, wants_turn;
    int signal, signals;       /* first SIGINT or SIGTERM; how many there were */
    struct catalog *catalog;   /* of one that serves */
    struct clock *clock;       /* likewise */
    struct triggers *triggers; /* likewise */
    struct wiring *wiring;     /* conductor_wiring() */
    struct feed *feeds;        /* open backfills that this one feeds */
    size_t feed_count, feed_cap;
    bool feeds_wait;       /* some window waits for what another run does */
    instant_t pause_until; /* when the first pause ends; INSTANT_NONE */
    bool quiet_catalog;    /* the first look at all files: not every one is news */
    bool draining;         /* starts nothing more */
    int64_t waited;
    enum run_state waited_state;
    char waited_reason[CORE_REASON_TEXT];
    bool waited_ended;
    struct err broken; /* why the conductor cannot go on */
    bool is_broken;
};

/* ---- turn.c */
int turn_take(struct conductor *c, struct err *err); /* one turn; -1: the conductor is broken */
int turn_apply(struct conductor *c, const struct core_event *e);
void turn_broke(struct conductor *c,
                const struct err *err); /* the conductor cannot go on; the first reason stays */
instant_t turn_wall(const struct conductor *c);
instant_t turn_now(const struct conductor *c); /* the core's clock */
void turn_happened(struct conductor *c, const struct happening *h);

/* ---- runs.c */
struct live_run *live_find(const struct conductor *c, int64_t id);
struct live_run *live_new(struct conductor *c, int64_t id);
void live_unlink(struct conductor *c, struct live_run *r); /* out of the list; still to be dropped */
void live_ended(struct conductor *c, struct live_run *r);  /* to be dropped at the end of the turn */
void live_drop(struct live_run *r);
void live_names(struct live_run *r, uint32_t count, const char *const *names, const char *const *verbs);
void live_scope(struct live_run *r);
const char **live_verb_names(const struct pipeline *p); /* per step; the list is malloc'ed */
const char **live_step_names(const struct pipeline *p); /* likewise */
int definition_put(struct conductor *c, const struct pipeline *p, int64_t *id, struct err *err);
/* Names of the steps into the run, and the definition into the database. */
int live_put_definition(struct conductor *c, struct live_run *r, int64_t *id, struct err *err);
void live_holds(struct live_run *r);
struct step_facts *live_facts(struct live_run *r, uint32_t step);
const struct step *live_step(const struct live_run *r, uint32_t step); /* NULL for a recovered run */
struct entrance {
    enum run_state state;
    enum run_stop stop; /* as remembered by the database */
    const char *stop_reason;
};
int live_enter(struct conductor *c, struct live_run *r, const struct entrance *in, struct err *err);

/* ---- submit.c */
/* Writes the row of a new run, `queued`; inside a transaction. Its id, or 0 with err. */
int64_t queue_run(struct conductor *c, const struct run_request *rq, struct err *err);
/* The same for a slot, whose row is written with it. 1: *run; 0: that slot is decided already; -1. */
struct slot_row;
int queue_slot(struct conductor *c, const struct run_request *rq, const struct slot_row *slot, int64_t *run,
               struct err *err);
/* A run of the database into memory and, with live_enter() after the commit, into the core. Inside a
 * transaction; the pipeline is consumed. NULL with err. */
struct live_run *run_from_row(struct conductor *c, const struct run_row *row, struct pipeline *pipeline,
                              struct err *err);

/* ---- admit.c */
struct lane *lane_of(struct conductor *c, const char *pipeline); /* made when it is not there */
void lane_touch(struct conductor *c, struct lane *l); /* look at its queue in this or the next turn */
void admit_beside(struct conductor *c, const char *pipeline,
                  int64_t run);                /* a queued run that has no cap here */
bool stands_beside(const struct run_row *row); /* such a run */
void admit_waiting(struct conductor *c);       /* in a turn, inside its transaction */
/* A run that never began ends; its lane, its backfill and who waits for it are told. 1 hit, 0: it is not queued any
 * more, -1. */
int run_end_queued(struct conductor *c, const struct run_row *row, const char *to, const char *reason,
                   struct err *err);
void lanes_release(struct conductor *c);
void lanes_rollback(struct conductor *c); /* of a transaction after which this conductor goes on */
/* What runs of the pipeline, and what this schedule of it queued, ends as superseded by a newer run. */
void runs_supersede(struct conductor *c, struct lane *l, const char *schedule, int64_t newest,
                    struct err *err);
/* ---- restore.c */
void restore_row(struct live_run *r, const struct run_row *row); /* what it says, without steps */
/* Where the steps of a definition stood, by name; rows[from[i]] is step i's row (SIZE_MAX: it is new). */
struct core_init *restore_states(const struct pipeline *p, const struct step_row *rows, size_t n,
                                 size_t *from);
/* The run's scope, with what its successful steps gave. */
void restore_scope(struct live_run *r, const struct step_row *rows, const size_t *from);
/* Every step where it stood; the run's pipeline and plan are those it began with. rows:
 * store_steps_list(). */
void restore_plan(struct conductor *c, struct live_run *r, const struct step_row *rows, size_t n);
/* A definition of the database, when what it names still gives it; NULL. */
struct definition_row;
struct pipeline *restore_definition(struct conductor *c, const struct definition_row *d);
/* A file that was broken while nobody served: what ran last goes on. Once the catalog is filled. */
void restore_last_good(struct conductor *c);
/* An unfinished run, new in memory, that goes on with the definition it began with. 1; 0: that cannot be had
 * any more; -1 with err. Reported, not yet entered. */
int restore_going(struct conductor *c, const struct run_row *row, struct arena *a, struct err *err);
/* An unfinished run, new in memory, only to be finished: with its finally steps when its definition can be
 * rebuilt. It is reported, not yet entered. */
int restore_frozen(struct conductor *c, const struct run_row *row, struct arena *a, struct err *err);

/* ---- claim.c */
/* The attempt's token and row: the beginning of P0. */
int claim_row(struct conductor *c, struct live_attempt *a, struct err *err);
/* The request of a job that asks an attended attempt's query, over its datasets as they are now. */
json_t *claim_look(struct conductor *c, const struct live_attempt *a, json_t *config, struct err *err);
/* P0 of an attempt, inside the turn's transaction. -1 with err: the attempt (if a->id) has to end as
 * failed. */
int claim(struct conductor *c, struct live_attempt *a, struct err *err);

/* ---- children.c */
/* A run has ended, in memory or as a row alone: the attempt that started it ends likewise. parent 0:
 * nothing. */
void child_ended(struct conductor *c, int64_t parent);
/* Recovery: the run was started by an attempt of a run that goes on, so it goes on too. */
bool child_goes_on(struct conductor *c, const struct run_row *row);

/* ---- unchanged.c */
bool attempt_unchanged(struct conductor *c, const struct live_attempt *a); /* after its claim */

/* ---- attempt.c */
struct live_attempt *attempt_of_job(struct conductor *c, const char *job_id);
struct live_attempt *attempt_new(struct live_run *r, uint32_t step, uint32_t number);
void attempt_start(struct conductor *c, struct live_run *r, uint32_t step, uint32_t number);
/* It was written down and its job never began: the same attempt starts now, unless its run has been
 * stopped. */
void attempt_never_started(struct conductor *c, struct live_attempt *a);
void attempt_failed(struct conductor *c, struct live_attempt *a, enum core_outcome outcome,
                    const struct err *err, bool permanent);
void attempt_free(struct live_attempt *a);
/* Its row is ended, the core is told, its files go after the commit. err: why, NULL for a good end. */
void attempt_finish(struct conductor *c, struct live_attempt *a, enum core_outcome outcome,
                    const struct err *err, bool permanent);
struct attempt_end attempt_end_of(struct conductor *c, const struct live_attempt *a, const char *to,
                                  const struct err *err);
json_t *attempt_detail(const struct live_attempt *a, const struct err *err); /* err: why it failed, or NULL */
/* What a run should exit with that failed by this: a gate, or something wrong with the machine, its engine or
 * a credential, is told apart from work that failed (EX_FAILED). */
enum leat_exit failure_exit(const struct err *err);
void attempt_keep_facts(struct conductor *c, struct live_attempt *a, const struct err *err);
void attempt_over(struct conductor *c, struct live_attempt *a);
void attempt_tell(struct conductor *c, const struct live_attempt *a, enum core_outcome outcome,
                  const char *reason, bool permanent);
void attempt_job_id(const struct live_attempt *a, char id[128]);

/* ---- exits.c */
void attempt_exited(struct conductor *c, struct live_attempt *a, const struct job_exit *x);
enum core_outcome attempt_good_outcome(struct live_attempt *a);
/* Why a job that did not exit with 0 ended, for people. */
void attempt_why(const struct live_attempt *a, const struct job_exit *x, struct err *err);

/* ---- publishing.c */
void attempt_may_publish(struct conductor *c, struct live_attempt *a);
void attempt_published(struct conductor *c, struct live_attempt *a, const struct job_exit *x);
/* Its publish job ended badly, or could not be started. */
void attempt_publish_failed(struct conductor *c, struct live_attempt *a, const struct err *why);
/* The bookmark's move that the attempt proposes; NULL: none. */
const json_t *attempt_proposal(const struct live_attempt *a);

/* ---- effects.c */
void effect_add(struct conductor *c, const struct effect *e);
void effects_run(struct conductor *c);
int effect_start_job(struct conductor *c, struct live_attempt *a, struct err *err);
/* Queues an event for the listener: steals detail (an object of the event's own members, or NULL). */
void report(struct conductor *c, const char *type, int64_t run, const char *step, json_t *detail);
void report_step(struct conductor *c, struct live_run *r, const struct core_action *a);
void report_run_started(struct conductor *c, struct live_run *r);
void report_run_finished(struct conductor *c, struct live_run *r, const struct core_action *a);
void report_progress(struct conductor *c);

/* ---- conductor.c */
void conductor_poll(struct conductor *c); /* waits for something to happen, then takes a turn */

/* ---- schedules.c */
struct schedule_row;
bool schedule_same_words(const struct schedule *a, const struct schedule *b);
/* It was gone so long that it begins anew. */
bool schedule_was_away(const struct schedule_row *row, instant_t now);
/* In a transaction of its own, or in the one there is: that of a turn, or of the start, which writes down all
 * of them. */
typedef int write_fn(struct conductor *c, void *ctx, struct err *err);
int write_alone(struct conductor *c, write_fn *write, void *ctx, struct err *err);

/* ---- clock.c, hands.c */
struct catalog_entry;
int clock_open(struct conductor *c, struct err *err); /* with every definition of the catalog */
void clock_close(struct conductor *c);
/* A pipeline has another definition, a broken one, or none (NULL) any more. */
void clock_definition(struct conductor *c, const char *pipeline, const struct catalog_entry *e);
void clock_zones_changed(struct conductor *c); /* zone data: later firings are those it says now */
/* What is due: slots, cursors and runs of the turn's transaction. */
enum { CLOCK_FEW = 16, CLOCK_MANY = 2000 };
void clock_tick(struct conductor *c, size_t decisions);
void clock_look(struct conductor *c); /* in a turn, before its tick: whether the clock can be right */
void clock_arm(struct conductor *c);  /* after a turn: wakes the loop when something is due */
bool clock_idle(struct conductor *c); /* nothing is due */
struct clock_first {
    const char *pipeline, *schedule;
    instant_t due;
};
bool clock_first(struct conductor *c, struct clock_first *out); /* what is due first; false: nothing, ever */
duration_t clock_lag(const struct conductor *c); /* how late the loop woke for the last firing */
void clock_busy(struct conductor *c, const struct lane *l, bool busy);
struct timetable *clock_timetable(struct conductor *c); /* NULL: this one does not serve */
int64_t clock_group(const struct lane *l);

/* ---- clock_zones.c */
struct schedule_row;
/* true: `rule`, its words in the database, was decided by zone data that says something else than what there is
 * now; s, made of them, goes on where the last window ended. anew: it came back, and begins at its cursor. */
bool clock_join_zones(struct conductor *c, const struct schedule_row *row, bool anew, const json_t *rule,
                      struct schedule *s);

/* ---- clock_doubt.c */
bool clock_doubted(const struct conductor *c); /* nothing is decided by such a clock */
instant_t clock_doubt_until(const struct conductor *c);
void clock_doubt_report(struct conductor *c, bool doubted);

/* ---- triggers.c */
void triggers_open(struct conductor *c);
void triggers_close(struct conductor *c);
/* As clock_definition(), which calls it. */
void triggers_definition(struct conductor *c, const char *pipeline, const struct catalog_entry *e);
bool triggers_have(const struct conductor *c,
                   int64_t schedule); /* the row of a schedule that is one of them */
/* One that only the database knows was there until `at`: decided and let go in the next turn. The schedule is
 * handed over. */
void triggers_leave(struct conductor *c, struct lane *l, const struct schedule_row *row, struct schedule *s,
                    instant_t at);
/* In a turn: a dataset has a new version; a run ended ok or warn; a pause ended that began at `from`. */
void triggers_published(struct conductor *c, const char *dataset);
void triggers_run_ended(struct conductor *c, const struct live_run *r);
void triggers_resume(struct conductor *c, struct lane *l, instant_t from, instant_t until,
                     const char *catch_up);
void triggers_tick(struct conductor *c); /* at its end: runs of what happened, in the same transaction */

/* ---- consumed.c */
/* In the transaction that records the success of a step: what it read for its window. */
void consumed_by(struct conductor *c, const struct live_attempt *a);
/* In P6: what others read before of these datasets, for this window, is stale. */
void consumed_stale(struct conductor *c, const struct live_attempt *a, const json_t *plan);

/* ---- there.c */
struct wiring *conductor_wiring(struct conductor *c);
struct complete_asks conductor_completeness(struct conductor *c);

/* ---- pauses.c */
int pauses_open(struct conductor *c, struct err *err); /* the rows have changed */
void pauses_tick(struct conductor *c);                 /* in a turn: ends those whose end has come */
instant_t pauses_next(const struct conductor *c);

/* ---- backfills.c */
int backfills_open(struct conductor *c, struct err *err); /* after recovery: those that this one feeds */
void backfills_enter(struct conductor *c,
                     int64_t id);          /* one more, or one that goes on, if it is for this one */
void backfills_feed(struct conductor *c);  /* in a turn: what may start is queued */
void backfills_touch(struct conductor *c); /* what waits may not have to any more */
void backfills_release(struct conductor *c);
/* In a transaction: a run ended, and so does the window it was for. reason: the run's; may be NULL. */
int backfills_run_ended(struct conductor *c, int64_t run, const char *to, const char *reason,
                        struct err *err);
struct backfill_row;
void backfill_report(struct conductor *c, const char *type, const struct backfill_row *b, json_t *detail);

/* ---- backfill_items.c */
struct backfill_item;
enum item_start {
    ITEM_WAITS,        /* for a run that is at its window, or for a definition */
    ITEM_STARTED,      /* item->run is its run */
    ITEM_DONE_ALREADY, /* somebody else has done it since */
    ITEM_STUCK,        /* it cannot start: the backfill is paused */
};
/* In a turn; -1 with err. */
int backfill_item_start(struct conductor *c, const struct backfill_row *b, struct backfill_item *item,
                        struct err *err);

/* ---- backfill_add.c */
int ask_backfill_add(struct conductor *c, const json_t *request, json_t *answer, struct err *err);
int ask_restate_add(struct conductor *c, const json_t *request, json_t *answer, struct err *err);

/* ---- backfill_asks.c */
/* Paused, failed and cancelled ones go on; what failed or was cancelled is planned again. In a
 * transaction. */
int backfill_go_on(struct conductor *c, const struct backfill_row *b, struct err *err);
int backfill_answer(struct conductor *c, int64_t id, json_t *answer, struct err *err); /* how it stands now */
int ask_backfill_pause(struct conductor *c, const json_t *request, json_t *answer, struct err *err);
int ask_backfill_resume(struct conductor *c, const json_t *request, json_t *answer, struct err *err);
int ask_backfill_cancel(struct conductor *c, const json_t *request, json_t *answer, struct err *err);

/* ---- asks.c */
/* One of their handlers. */
int standing(struct conductor *c, const json_t *request, json_t *answer, struct err *err);
/* ---- blocks.c */
int blocks(struct conductor *c, const json_t *request, json_t *answer, struct err *err); /* the ask `why` */
/* ---- shapes.c */
int asked_shape(const char *word, const json_t *request,
                struct err *err);                /* exit 2: it is not what it takes */
json_t *asked(void *ctx, const json_t *request); /* a control_answer; ctx is the conductor */
/* ---- ahead.c */
/* Stops the dataset when its log goes on after what the database knows. Inside a transaction. 1: it does, err
 * says so; 0: it does not; -1. */
int ahead_stop(struct conductor *c, const struct dataset_row *d, struct err *err);
/* Every dataset, when this start may have found an older database. */
int ahead_look(struct conductor *c, struct err *err);

/* ---- rollback.c */
/* P4 to P7 of an intent that belongs to no attempt, at once: it moves no files. */
int publish_by_hand(struct conductor *c, int64_t intent, struct err *err);

/* ---- recover.c */
int recover_warden_lost(struct conductor *c, struct err *err);

#endif
