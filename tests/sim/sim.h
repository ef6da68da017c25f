/* sim.h: the scheduler core in a seeded, faulty world on a virtual clock.
 *
 *   scene.c      what there is: pipelines, runs, limits, how often things go wrong; all from the seed
 *   image.c      the database as it should be: every write compare-and-set and checked against the rules
 *   backend_*.c  the database as it is: none (memory), or the real store/
 *   world.c      time, the warden and its jobs, requests of users
 *   conductor.c  a driver of the core as core.h demands it, that can die at any action
 *   check.c      the invariants
 *   main.c       the two phases: faults on, faults off
 *
 * Everything is decided by the seed: the same seed plays the same story. */
#ifndef LEAT_TESTS_SIM_H
#define LEAT_TESTS_SIM_H

#include "scheduler/core/core.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

enum { MAX_STEPS = 10, MAX_PIPELINES = 3, MAX_RUNS = 8, MAX_NAMES = 40, MAX_LIST = 3, MAX_POOLS = 2 };

/* ---- chance ---- */

struct rng {
    uint64_t state;
};
uint64_t rng_next(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n); /* 0 … n - 1 */
bool rng_chance(struct rng *r, uint32_t per_mille);
uint64_t hash_mix(uint64_t a, uint64_t b);

/* ---- scene ---- */

struct pipe {
    uint32_t n;
    bool edge[MAX_STEPS][MAX_STEPS];
    struct core_step steps[MAX_STEPS];
    uint32_t fail[MAX_STEPS];       /* per mille */
    uint32_t slow[MAX_STEPS];       /* seconds, at most */
    uint32_t skip[MAX_STEPS];       /* per mille that `when` is false */
    bool moves_bookmark[MAX_STEPS]; /* hold[0] is its bookmark */
    bool left_out[MAX_STEPS];
    uint64_t hold[MAX_STEPS][MAX_LIST], publish[MAX_STEPS][MAX_LIST];
    uint32_t down_at[MAX_STEPS + 1], down[MAX_STEPS * MAX_STEPS];
    int64_t limit;
    duration_t timeout;
};

struct visit { /* one run, and what users do to it */
    uint32_t pipe;
    instant_t arrives, cancelled, killed, frozen; /* steady; INSTANT_NONE: never */
    uint32_t retries;                             /* of the whole run, when it failed */
};

struct faults { /* per mille */
    uint32_t crash, crash_again, spawn, warden, disk, clock, stale;
};

struct scene {
    uint64_t seed;
    struct core_config config;
    struct core_pool pools[MAX_POOLS];
    struct pipe pipes[MAX_PIPELINES];
    uint32_t pipe_count;
    struct visit visits[MAX_RUNS];
    uint32_t run_count;
    struct faults faults;
    instant_t quiet; /* from here on nothing fails */
};
void scene_make(struct scene *s, uint64_t seed);

/* ---- image: what the database holds ---- */

struct image_step {
    enum step_state state;
    uint32_t attempts, generation;
    bool warned, left_out, nothing_new;
    bool live, publishing;  /* of the newest attempt */
    instant_t due;          /* wall */
    int64_t base[MAX_LIST]; /* versions the attempt has seen of what it will move */
    char reason[CORE_REASON_TEXT];
};

struct image_run {
    bool there;
    enum run_state state;
    enum run_stop stop;
    char stop_reason[CORE_REASON_TEXT];
    uint32_t generation;
    instant_t started; /* wall */
    struct image_step steps[MAX_STEPS];
};

struct image {
    struct image_run runs[MAX_RUNS];
    int64_t versions[MAX_NAMES];  /* of bookmarks and datasets */
    int64_t publishes[MAX_NAMES]; /* committed by anybody */
};

enum write_kind {
    WRITE_RUN_ADD,
    WRITE_RUN_AGAIN,
    WRITE_RUN_MOVE,
    WRITE_RUN_STOP,
    WRITE_STEP_MOVE,
    WRITE_ATTEMPT_START,
    WRITE_ATTEMPT_PUBLISHES,
    WRITE_ATTEMPT_END,
};

/* One change of the database; those of a turn are one transaction. */
struct write {
    enum write_kind kind;
    uint32_t run, step; /* indices */
    uint32_t attempt, generation;
    uint8_t from, to, stop;
    bool warned, moves; /* attempt end: it ended well, so what it had moves on */
    enum core_outcome outcome;
    instant_t due, at; /* wall */
    int64_t
        base[MAX_LIST]; /* versions of what it moves: attempt end: its hold names; publishes: those names */
    int64_t bookmark_base;
    char reason[CORE_REASON_TEXT];
};

struct sim;
/* Checks the write against the image and the rules, and makes it. */
void image_write(struct sim *s, struct image *image, const struct write *w);

/* ---- backend: where the writes go ---- */

struct backend {
    const char *name;
    void (*open)(struct sim *s);  /* a conductor starts; the first time: an empty database */
    void (*close)(struct sim *s); /* it ended, or died: nothing uncommitted survives */
    /* One transaction. -1: nothing happened; `full` makes the disk full somewhere on the way. */
    int (*commit)(struct sim *s, const struct write *writes, size_t n, bool full);
    void (*compare)(struct sim *s, const struct image *should); /* is what it holds what it should? */
    void (*finish)(struct sim *s);                              /* the story is over */
};
extern const struct backend backend_memory;
extern const struct backend *const backend_real; /* NULL: built without store/ */

/* ---- world ---- */

struct job {
    uint32_t run, step, generation, attempt;
    char phase; /* m, p */
    bool ended, told;
    instant_t ends;
    enum core_outcome outcome;
    duration_t wait; /* Retry-After */
};

enum phase { PHASE_NONE, PHASE_MAIN, PHASE_WAITS, PHASE_PUBLISH };

struct tried { /* the conductor's memory of a live attempt */
    enum phase phase;
    enum core_outcome outcome; /* of its main job */
    bool cancelled;
};

struct effect {
    enum { EFFECT_SPAWN, EFFECT_PUBLISH, EFFECT_CANCEL, EFFECT_ACK } kind;
    uint32_t run, step, generation, attempt;
    bool kill;
    char phase;
};

struct begun { /* the newest main job of a step that began: its log is there, whoever dies */
    uint32_t generation, attempt;
};

struct counts {
    uint64_t turns, writes, starts, crashes, lost, unbegun, full, published, runs, retried, stale;
};

struct sim {
    struct scene scene;
    const struct backend *backend;
    void *backend_state;
    struct rng rng;
    instant_t now;   /* steady */
    duration_t wall; /* wall - steady; jumps */
    struct image committed, working;
    struct write *journal;
    size_t journal_count, journal_cap;
    bool unsaved; /* the last commit failed: the journal waits */
    instant_t disk_full_until;
    struct job *jobs;
    size_t job_count, job_cap;
    struct begun begun[MAX_RUNS][MAX_STEPS];
    bool warden_died;  /* and nobody has told the conductor yet */
    struct core *core; /* NULL: the conductor is dead */
    struct core_actions actions;
    size_t action_next;
    struct core_run_spec specs[MAX_RUNS];
    struct core_init inits[MAX_RUNS][MAX_STEPS];
    struct tried tried[MAX_RUNS][MAX_STEPS];
    struct effect *effects;
    size_t effect_count, effect_cap;
    bool stopped; /* told the core to start nothing */
    instant_t restart;
    bool cancel_done[MAX_RUNS], kill_done[MAX_RUNS], freeze_done[MAX_RUNS];
    bool recovering;
    jmp_buf crash;
    struct counts counts;
    bool verbose;
};

bool faults_on(const struct sim *s);
void violation(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
void note(const struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
instant_t wall_now(const struct sim *s);
const struct pipe *pipe_of(const struct sim *s, uint32_t run);

/* world.c */
void job_spawn(struct sim *s, const struct effect *e);
void job_cancel(struct sim *s, const struct effect *e);
void job_ack(struct sim *s, const struct effect *e);
struct job *job_find(struct sim *s, uint32_t run, uint32_t step, uint32_t generation, uint32_t attempt,
                     char phase);
void world_pass(struct sim *s); /* what the time has brought: jobs end, the warden dies, the clock jumps */
instant_t world_next(const struct sim *s);

/* conductor.c */
void conductor_start(struct sim *s); /* recovers */
void conductor_turn(struct sim *s);
void conductor_die(struct sim *s);
instant_t conductor_next(const struct sim *s);

/* check.c */
void check_turn(struct sim *s); /* between settle and commit */
void check_image(struct sim *s, const struct image *image);
/* Would the step's trigger rule say `to` (running, skipped, upstream_failed)? Parents that ended in this very
 * turn may count or not: the core looks at children while others still end. */
bool rule_holds(const struct sim *s, const struct image *image, uint32_t run, uint32_t step,
                enum step_state to);

#endif
