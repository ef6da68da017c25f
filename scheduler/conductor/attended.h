/* attended.h: attempts without a process: what the files that look after them share. Private to this folder.
 *
 *   attended.c    an attended attempt from its claim to its end; recovery; what is told of it
 *   waits.c       whom to look at when: the heaps and the timers
 *   look_paths.c  looks at paths, in threads that nobody waits for
 *   look_urls.c   looks at URLs, on the loop (operators/http/probe.h)
 *   there.c       whether a dataset is there (scheduler/complete.h: or complete)
 *   children.c    runs of other pipelines
 *
 * While it waits, an attempt is a row (phase `w`) and a `struct attended`: no process, no thread. A look at a
 * path or a URL happens outside of a turn and changes nothing in the database; what it finds becomes a
 * happening, and the turn that takes it in decides. Datasets are asked of the database in a turn; a query is
 * asked by a job of the warden. */
#ifndef LEAT_SCHEDULER_CONDUCTOR_ATTENDED_H
#define LEAT_SCHEDULER_CONDUCTOR_ATTENDED_H

#include "base/map.h"
#include "operators/op.h"
#include "scheduler/conductor/inner.h"

#define NO_PLACE SIZE_MAX

struct attended {
    struct op_attend what;    /* its texts are those of `config` */
    json_t *config;           /* of the verb, evaluated */
    bool guarded;             /* `for` held ${…} */
    instant_t until;          /* deadline, wall clock; INSTANT_NONE: none */
    instant_t over, next;     /* steady clock: deadline, next look; INSTANT_NONE: none */
    uint32_t slot;            /* in struct waits */
    size_t place, wall_place; /* in the heaps; NO_PLACE */
    bool looking;             /* a look is under way: on a path, a URL, or a job that asks a query */
    bool woken;               /* something happened meanwhile: look again when it is done */
    bool queued;              /* its query waits for another to be done */
    bool told;                /* the next turn takes it in */
    bool there, hopeless, timed_out, interrupted;
    char *problem;     /* what the last look met; NULL: nothing */
    bool problem_told; /* the database has it */
    int64_t child;     /* run; 0: none */
};

/* ---- attended.c: what the rest of the conductor calls, all inside of a turn unless said ---- */

/* P0 of an attended attempt: its row, its evaluated config. Like claim(). */
int attended_claim(struct conductor *c, struct live_attempt *a, struct err *err);
/* It waits from now on. */
void attended_start(struct conductor *c, struct live_attempt *a);
/* Something happened to it: a look is done, it is due, it is over its time. */
void attended_happened(struct conductor *c, struct live_attempt *a);
/* The job that asked its query has ended, was lost, or could not be started. */
void attended_exited(struct conductor *c, struct live_attempt *a, const struct job_exit *x);
void attended_not_asked(struct conductor *c, struct live_attempt *a, const struct err *why);
void attended_cancel(struct conductor *c, struct live_attempt *a, bool kill);
/* Outside of a turn, before its run is entered: a live attempt of a dead conductor goes on, or, when its run
 * does not, will end as interrupted. alive: job ids of the warden. */
void attended_recover(struct conductor *c, struct live_attempt *a, const struct attempt_row *row,
                      const struct map *alive);
json_t *attended_detail(const struct live_attempt *a); /* for the attempt's row; new reference */
json_t *attended_progress(struct conductor *c, const struct live_attempt *a); /* for step_progress */
bool attended_has_job(const struct live_attempt *a); /* a job of it runs: it can be lost */
void attended_forget(struct conductor *c,
                     struct live_attempt *a); /* it is over: nothing looks at it any more */
void attended_free(struct attended *w);       /* NULL is fine */
bool attended_is_over(const struct conductor *c, const struct live_attempt *a); /* past its deadline */

/* ---- waits.c ---- */

struct waits;
struct waits *waits_open(struct conductor *c);
void waits_close(struct waits *w);             /* before the loop's handles are closed */
void waits_free(struct waits *w);              /* and after; NULL is fine for both */
size_t waits_count(const struct conductor *c); /* attended attempts */
void waits_add(struct conductor *c, struct live_attempt *a);
void waits_remove(struct conductor *c, struct live_attempt *a);
/* The look is done and found nothing: the next one is a poll away, or at once when it was woken meanwhile. */
void waits_later(struct conductor *c, struct live_attempt *a);
/* Something happened to it: the next turn takes it in. May be said at any time, and twice. */
void waits_tell(struct conductor *c, struct live_attempt *a);
void waits_turn(struct conductor *c); /* in a turn: attended_happened() of all that were told */
/* The attempt of an answer that came from outside: NULL when it is over. */
struct live_attempt *waits_of(struct conductor *c, uint32_t slot, int64_t attempt);
/* A look came back. problem NULL: none. Outside of a turn. */
void waits_looked(struct conductor *c, struct live_attempt *a, bool there, const char *problem);
/* A dataset was published; a run has ended (what is complete may have changed). */
void waits_published(struct conductor *c, const char *dataset);
void waits_run_ended(struct conductor *c, const struct live_run *r);
/* One more query may be asked now; false: it gets its turn when another is done. */
bool waits_may_ask(struct conductor *c, struct live_attempt *a);
void waits_asked(struct conductor *c); /* one is done */
void waits_arm(struct conductor *c);
/* What its timers do: whoever is due by either clock is looked at, or told of the time. */
void waits_ring(struct conductor *c);
instant_t waits_next(const struct conductor *c);      /* steady: a look or a deadline; INSTANT_NONE: none */
instant_t waits_next_time(const struct conductor *c); /* wall: a time that is waited for */

/* ---- look_paths.c ---- */

struct look_paths;
struct look_paths *look_paths_new(struct conductor *c);
void look_paths_close(
    struct look_paths *l); /* before the loop's handles are closed: what is under way comes to nothing */
void look_paths_free(struct look_paths *l); /* and after; NULL is fine */
void look_paths_add(struct look_paths *l, const struct live_attempt *a);
void look_paths_go(struct look_paths *l);

/* ---- look_urls.c ---- */

struct look_urls;
struct look_urls *look_urls_new(struct conductor *c, struct err *err);
void look_urls_close(struct look_urls *l); /* before the loop's handles are closed; NULL is fine */
void look_urls_free(struct look_urls *l);
void look_urls_add(struct look_urls *l, const struct live_attempt *a);
void look_urls_drop(struct look_urls *l, const struct live_attempt *a);

/* ---- there.c ---- */

/* 1: there; 0: not yet, *why says what is missing (in the arena); -1 with err. Asks the database only. */
int dataset_there(struct conductor *c, const struct live_attempt *a, struct arena *arena, const char **why,
                  struct err *err);

/* ---- children.c ---- */

/* Starts the run: its row is written in the transaction that starts the attempt. */
int child_start(struct conductor *c, struct live_attempt *a, struct err *err);
/* Ends the attempt when its run has ended. */
void child_look(struct conductor *c, struct live_attempt *a);
void child_cancel(struct conductor *c, struct live_attempt *a, bool kill, const char *reason);

#endif
