/* core_impl.h: the inside of the core, shared by core.c, core_events.c, core_add.c and pools.c. Nobody else
 * includes it.
 *
 * A step that may start, or waits for a time, sits in exactly one heap:
 *
 *   lane            steps that need the same: (pool, tokens, local or remote). All resources they wait for
 *                   are counted, none is named
 *   hold's waiters  steps of one lane that wait for one name (a bookmark, a dataset) another attempt has
 *   timers          steps in retry_wait; runs with a timeout (step CORE_NO_STEP)
 *
 * `heap` and `pos` in struct live say where, so taking it out is O(log n). */
#ifndef LEAT_SCHEDULER_CORE_IMPL_H
#define LEAT_SCHEDULER_CORE_IMPL_H

#include "scheduler/core/core.h"
#include "scheduler/core/heap.h"
#include "scheduler/core/idmap.h"
#include "scheduler/core/rules.h"

/* What changes about a step. */
struct live {
    struct parents parents;
    uint32_t attempts;
    uint32_t pos;      /* in heap */
    struct heap *heap; /* NULL: in none */
    uint8_t state;     /* enum step_state */
    uint8_t reported;  /* the last state told to the driver: differs only while `ready` is untold */
    uint8_t bypassed;  /* times it was woken for a name and somebody else had taken it */
    bool deciding : 1; /* CORE_DECIDE is open */
    bool left_out : 1;
    bool warned : 1;
    bool wanting : 1;    /* a running attempt that waits for its `publish` names */
    bool publishing : 1; /* it has them */
    bool sleeping : 1;   /* its heap is a hold's */
};

/* Runs that count together. */
struct group {
    uint64_t key;
    int64_t limit, active;
    struct run *first, *last; /* queued, in order of arrival */
    bool kicked;              /* in core.kicked: it may begin a run, or be dropped */
};

struct run {
    struct core_run_spec spec;
    uint32_t slot; /* in core.runs */
    uint64_t seq;  /* order of arrival; never used again */
    enum run_state state;
    enum run_stop stop;
    char stop_reason[CORE_REASON_TEXT];
    struct live *steps;
    uint32_t *finals; /* indices of the finally steps */
    uint32_t final_count;
    bool finals_begun;
    uint32_t counts[STEP_STATE_COUNT];
    uint32_t main_left, finals_left; /* not ended */
    uint32_t cut, failed;            /* main steps cancelled; failed or upstream_failed and not allowed to */
    bool warned, finals_bad;
    uint32_t first_failed;
    char first_reason[CORE_REASON_TEXT];
    uint32_t live; /* attempts */
    struct group *group;
    struct run *prev, *next; /* in the group's queue */
    struct live timer;       /* only heap and pos: the timeout */
};

/* Names one attempt has at a time. It exists while somebody has it or waits for it. */
struct hold {
    uint64_t name;
    bool taken;
    struct waiters **waiters; /* one per lane that has waited */
    size_t count, cap;
};

struct lane {
    uint32_t pool; /* index into core.pools; the last one is "no pool" */
    int64_t tokens;
    bool remote;
    struct heap heap;
};

struct waiters {
    struct lane *lane;
    struct heap heap;
};

struct pool_state {
    int64_t capacity, used;
    uint32_t bypasses; /* starts since its best step could not */
    struct lane **lanes;
    size_t count, cap;
};

/* A step named across turns: runs come and go, slots are used again, seq tells. */
struct step_ref {
    uint64_t seq;
    uint32_t slot, step;
};

struct ref_list {
    struct step_ref *items;
    size_t count, cap;
};

struct core {
    int64_t jobs, jobs_used;
    struct retry asked;
    bool quiet_ready, stopped;
    uint32_t bypasses, ageing;
    instant_t now;
    struct pool_state *pools; /* pool_count + 1 */
    uint32_t pool_count;
    struct lane
        publish; /* running attempts that want their `publish` names: always first, limited by nothing */
    struct idmap holds;
    struct step_ref champion; /* seq 0: none. The one step whose names are kept for it: see pools.c */
    struct heap timers;
    struct run **runs; /* by slot; NULL: free */
    size_t run_count, run_cap;
    uint32_t *free_slots;
    size_t free_count, free_cap;
    struct idmap run_ids, groups;
    struct group unlimited;
    struct group **kicked;                      /* looked at by the next core_settle() */
    size_t kicked_at, kicked_count, kicked_cap; /* those before kicked_at are done */
    uint64_t next_seq;
    struct core_load load;
    struct ref_list ended; /* steps whose children have not been told yet; empty between calls */
    struct ref_list fresh; /* steps that became ready and were not reported yet */
};

static inline struct run *run_by_id(const struct core *c, int64_t id) {
    return idmap_get(&c->run_ids, (uint64_t)id);
}

/* Time never goes back. */
static inline void core_clock(struct core *c, instant_t now) {
    if (now > c->now) c->now = now;
}

/* ---- core.c ---- */

/* Looks at a waiting step's parents and starts, skips or fails it when they decide. */
void step_look(struct core *c, struct run *r, uint32_t step, struct core_actions *out);
/* Adds an ended step to what its run knows. */
void step_tally(struct run *r, uint32_t step, const char *reason);
void parents_count(const struct run *r, uint32_t parent, struct parents *of_child);
void timer_set(struct core *c, struct run *r, uint32_t step, instant_t due);
/* Carries out the stop a run came with; sets one that is under way going. */
void run_resume(struct core *c, struct run *r, struct core_actions *out);
void reason_set(char out[CORE_REASON_TEXT], const char *reason);
struct core_action *action_add(struct core_actions *out, enum core_action_kind kind, const struct run *r,
                               uint32_t step);
struct step_move {
    enum step_state to;
    const char *reason; /* may be NULL */
    instant_t at;
};
/* false: the table of states.h forbids it; a CORE_FAULT was said. */
bool step_move(struct run *r, uint32_t step, struct step_move move, struct core_actions *out);
void step_ready(struct core *c, struct run *r, uint32_t step, struct core_actions *out);
void step_end(struct core *c, struct run *r, uint32_t step, enum step_state to, const char *reason,
              struct core_actions *out);
/* After a step moved: tells its children, begins the finally steps, ends the run. */
void run_look(struct core *c, struct run *r, struct core_actions *out);
enum core_answer run_stop(struct core *c, struct run *r, enum run_stop stop, const char *reason,
                          struct core_actions *out);
bool stop_reaches(const struct run *r, uint32_t step);

/* ---- core_add.c: runs come and go ---- */

enum core_answer run_add(struct core *c, const struct core_run_spec *spec, struct core_actions *out,
                         struct err *err);
void run_drop(struct core *c, struct run *r);
void group_kick(struct core *c, struct group *g);
void group_leave(struct core *c, struct run *r); /* it ended, or is dropped */
struct run *group_next(struct core *c);          /* a queued run that may begin now, taken out of its queue */

/* ---- pools.c ---- */

void pools_init(struct core *c, const struct core_config *config);
void pools_release(struct core *c);
void pools_wait(struct core *c, struct run *r, uint32_t step);  /* it may start, or wants to publish */
void pools_leave(struct core *c, struct run *r, uint32_t step); /* it no longer waits, and starts not */
/* The step that goes first now, with everything it needs taken for it. */
bool pools_next(struct core *c, struct run **r, uint32_t *step);
void pools_take(struct core *c, struct run *r, uint32_t step); /* recovery: a live attempt has what it has */
void pools_give(struct core *c, struct run *r, uint32_t step); /* its attempt ended */
enum core_block pools_block(const struct core *c, const struct run *r, uint32_t step);
void heap_init(struct core *c, struct heap *h);
void heap_leave(struct live *l); /* out of whatever heap it is in */

#endif
