/* timetable_impl.h: the timetable inside; private to timetable*.c. */
#ifndef LEAT_SCHEDULER_TIMETABLE_IMPL_H
#define LEAT_SCHEDULER_TIMETABLE_IMPL_H

#include "cron/slots.h"
#include "scheduler/core/idmap.h"
#include "scheduler/timetable/dueheap.h"
#include "scheduler/timetable/timetable.h"

struct tt_group {
    int64_t id;
    struct tt_entry *first;
    bool busy, paused;
    instant_t paused_at; /* when that began */
};

/* One schedule. It is in at most one place: `due` says that a node of the heap counts, `waiting` that it is
 * in the row of those that one turn could not finish. */
struct tt_entry {
    int64_t id;
    struct tt_group *group;
    struct tt_entry *left, *right; /* of its group */
    const struct schedule *schedule;
    struct slots *slots;
    struct slot slot;            /* the next one that is not decided; fire INSTANT_NONE: there is none */
    instant_t due;               /* in the heap at this instant; INSTANT_NONE: not in it */
    instant_t cursor, told;      /* every slot up to here is decided; what the driver knows of it */
    instant_t since;             /* no cursor goes back to before */
    instant_t high;              /* the cursor before the clock was set back; INSTANT_NONE */
    const struct schedule *next; /* an edit that is not in force yet, at next_at; NULL: none */
    instant_t next_at;
    instant_t ends;         /* it goes: what fired up to here is decided at once; INSTANT_NONE: it stays */
    instant_t caught_from;  /* slots that fire after here, */
    instant_t caught_until; /* and up to here, fired during a pause; INSTANT_NONE: none did */
    enum catch_up catch_up;
    bool waiting, changed, set_back;
    uint64_t move_tick; /* the tick whose moves[move_at] is about this entry */
    size_t move_at;
};

struct timetable {
    struct idmap entries, groups; /* -> struct tt_entry, struct tt_group */
    struct dueheap heap;
    int64_t *row; /* ids that wait for another turn: from row_at on */
    size_t row_at, row_count, row_cap;
    instant_t seen; /* the largest `now` since the clock was last set back; INSTANT_NONE: none yet */
    uint64_t ticks;
};

struct tt_entry *tt_find(const struct timetable *t, int64_t id); /* NULL: none */
instant_t tt_entry_due(const struct tt_entry *e);                /* INSTANT_NONE: nothing to do */
void tt_queue(struct timetable *t, struct tt_entry *e);          /* by tt_entry_due */
void tt_wait(struct timetable *t, struct tt_entry *e);           /* for another turn */
/* The entry whose turn it is at `now`, out of its place; NULL: none is due. */
struct tt_entry *tt_take_due(struct timetable *t, instant_t now);
void tt_seek(struct tt_entry *e); /* slot: the first after the cursor */
/* The clock is at `now`, long before the entry's cursor. */
void tt_set_back(struct tt_entry *e, instant_t now);
/* What will decide when the edit is in force: its words, joined to what was. Caller frees. */
struct slots *tt_next_slots(const struct tt_entry *e);
void tt_apply_change(struct tt_entry *e);

#endif
