/* timetable.h: what the clock decides, as a pure state machine: (schedules, now) -> decisions.
 *
 * Every slot of every schedule is decided exactly once: it runs, or it is skipped for a reason. The timetable
 * does no I/O and reads no clock. The driver hands in the wall time, writes down what comes out, and then
 * carries it out:
 *
 *   timetable_tick(t, now, budget, &out)
 *   BEGIN; a slot row for each decision, a run row for each that runs; each cursor's move (compare-and-set);
 *   COMMIT; cancel what `cancel_running` says; queue the runs; timetable_busy() as runs come and go
 *   out.count = out.move_count = 0; sleep until timetable_next_due()
 *
 * If the commit fails, memory is ahead of the database: make the timetable anew from what is stored.
 *
 * Words: a slot is due at its fire plus the schedule's delay (its jitter). It is on time when it is decided
 * at most SLOT_ON_TIME after that, else late.
 *
 *   due slot                  becomes
 *   ------------------------  --------------------------------------------------------------------------
 *   fired during a pause      by the catch-up of the resume: none: skipped (paused); all: run;
 *                             latest: the newest of them runs, the others are skipped (paused)
 *   later than start_within   skipped (too_late)
 *   late                      by if_missed: run_all: run; skip: skipped (missed); run_latest: runs only when
 *                             no later slot is due, else skipped (missed)
 *   on time                   run
 *
 *   and what would run        by if_running: wait, allow: run; cancel: run, cancel_running says so;
 *                             skip: skipped (running) while the group is busy, as it is from a run on until
 *                             timetable_busy says otherwise
 *
 * Clock jumps (`now` against the largest one seen):
 *
 *   forward, a little or by years (suspend, downtime, a clock set right): the slots between are late; that is
 *       all. Nothing gives up because they are many: see the budget.
 *   backward, up to CLOCK_SET_BACK: cursors stay. Nothing fires until the clock has passed them again.
 *   backward by more: somebody set the clock. Cursors ahead of `now` go back to it (but not to before the
 *       schedule was made), so that a clock that was once years ahead does not silence a schedule for years;
 *       `set_back` tells the driver to say so. The unique key of slots keeps runs from being made twice.
 *       What was skipped ahead of `now` stays as it was until a slot comes again: from that one on it never
 *       was. When the clock passes a schedule's old cursor before any does (1970, then mended), what lies
 *       before it was decided long ago and is not decided again.
 *   at the start, a stored cursor more than CLOCK_SET_BACK ahead of `now`: the same.
 *
 * Costs: adding, changing, removing and deciding one slot cost a logarithm of the number of schedules and a
 * few cron_next; a tick looks only at schedules that are due. About 400 bytes a schedule with one cron text.
 * Same events, same decisions: ties are broken by the schedule's id. */
#ifndef LEAT_SCHEDULER_TIMETABLE_H
#define LEAT_SCHEDULER_TIMETABLE_H

#include "base/instant.h"
#include "dag/pipeline.h" /* struct schedule and its words; declarations only */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOT_ON_TIME   (60 * US_PER_SECOND)
#define CLOCK_SET_BACK (3 * US_PER_HOUR)

struct timetable;

/* ---- what comes out ---- */

/* X(name): why a slot was skipped */
#define SKIP_LIST(X) X(none) X(missed) X(too_late) X(running) X(paused)

enum skip_reason {
#define X(name) SKIP_##name,
    SKIP_LIST(X)
#undef X
        SKIP_REASONS
};
extern const char *const skip_reason_names[SKIP_REASONS]; /* as the column slot.reason has it */

/* One slot that runs, or a stretch of consecutive slots of a schedule skipped for one reason. Decisions of a
 * schedule come in the order of its slots. A stretch that one tick could not finish goes on in the next. */
struct timetable_decision {
    int64_t id; /* of the schedule */
    instant_t fire, last_fire;
    int64_t count;
    instant_t window_start, window_end; /* of the first, of the last */
    bool run;
    enum skip_reason reason; /* SKIP_none when it runs */
    bool cancel_running; /* with run: what runs of the group, and what this schedule queued, is cancelled */
    instant_t due;       /* of the last */
};

/* A schedule's cursor: every slot up to `to` is decided. At most one a schedule in a tick. */
struct timetable_move {
    int64_t id;
    instant_t from, to;
    bool changed; /* an edit is in force: the new schedule decides from now on, the old one is let go */
    struct slot_join join; /* with changed: how its windows go on; belongs into its stored rule */
    bool set_back; /* the clock was set back, to < from: with the first decision about this schedule, from now
                      on, what was skipped from its slot on never was, and is to be forgotten */
};

/* Caller-owned, grows; {0} is empty. The driver empties it by setting the counts to 0. */
struct timetable_out {
    struct timetable_decision *decisions;
    size_t count, cap;
    struct timetable_move *moves;
    size_t move_count, move_cap;
};
void timetable_out_release(struct timetable_out *out);

/* ---- schedules ---- */

struct timetable *timetable_new(void);
void timetable_free(struct timetable *t);

enum catch_up { CATCH_UP_none, CATCH_UP_latest, CATCH_UP_all };

struct timetable_spec {
    int64_t id;                      /* unique; also the order of ties */
    int64_t group;                   /* the pipeline: pauses and `busy` are its */
    const struct schedule *schedule; /* borrowed until it is removed, or changed and the change in force */
    instant_t cursor;                /* every slot up to here is decided */
    instant_t since; /* when it was made: no cursor goes back to before; INSTANT_NONE: not known */
    instant_t
        high; /* the last slot ahead of the cursor that was skipped: the clock was set back before, and no
                        slot has come again; INSTANT_NONE or 0: there is none */
};

/* A schedule without cron texts may be added; it decides nothing. The id must not be there. `now` as in
 * tick. */
void timetable_add(struct timetable *t, const struct timetable_spec *spec, instant_t now);
/* Slots that are due but not decided are forgotten: remove what has no definition any more. */
void timetable_remove(struct timetable *t, int64_t id);
/* It is to go: slots that fired up to `at` are decided in the next ticks, also those that are not due yet
 * because of jitter, and those that a pause holds back (skipped, paused). INSTANT_NONE: it stays after all.
 */
void timetable_end(struct timetable *t, int64_t id, instant_t at);
bool timetable_ended(const struct timetable *t, int64_t id); /* and nothing of it is left to be decided */
bool timetable_has(const struct timetable *t, int64_t id);

/* An edit: slots that fire up to `at` are decided by the schedule as it was (those not due yet because of
 * jitter: at once), later ones by `next`, whose windows go on where the last one ended (struct slot_join): a
 * window that neither came to is decided by `next` at once, as a late one. It comes into force in a tick,
 * with a move whose `changed` is set. An edit before an earlier one is in force takes its place. */
void timetable_change(struct timetable *t, int64_t id, const struct schedule *next, instant_t at);

/* ---- groups ---- */

/* The driver's word on whether a run of the group is queued or running; for if_running. */
void timetable_busy(struct timetable *t, int64_t group, bool busy);
/* A paused group decides nothing: cursors stay. The group need not have schedules. The pause began at `from`
 * and ended at `until`, which may be long ago: slots that fired before or after it are late ones like any. */
void timetable_pause(struct timetable *t, int64_t group, instant_t from);
void timetable_resume(struct timetable *t, int64_t group, instant_t from, instant_t until,
                      enum catch_up catch_up);
bool timetable_paused(const struct timetable *t, int64_t group);
/* The same for one schedule, when the pause was over before it was added: not all it held back is decided. */
void timetable_catch(struct timetable *t, int64_t id, instant_t from, instant_t until,
                     enum catch_up catch_up);

/* ---- time ---- */

/* What one tick may do; the rest waits for the next one, which is due at once, and every schedule gets a turn
 * before one gets a second: a schedule with ten million missed slots does not hold up the others. */
struct timetable_budget {
    size_t decisions; /* each is a transaction's row or two */
    size_t slots;     /* looked at: 0.1 to 0.3 µs each */
};
#define TIMETABLE_BUDGET ((struct timetable_budget){.decisions = 2000, .slots = 50000})

/* Decides what is due at `now` and appends to out. */
void timetable_tick(struct timetable *t, instant_t now, struct timetable_budget budget,
                    struct timetable_out *out);
/* When tick has work next; INSTANT_NONE: never. In the past or present: call it at once. id, unless NULL:
 * which schedule is first. */
instant_t timetable_next_due(struct timetable *t, int64_t *id);
/* When the next slot of this schedule is due that is not decided; INSTANT_NONE: none, or paused. */
instant_t timetable_due(const struct timetable *t, int64_t id);
size_t timetable_count(const struct timetable *t);

#endif
