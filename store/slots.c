/* slots.c: what became of each planned firing.
 *
 * Rows of one schedule never overlap: a row holds the instants [fire, last_fire]. So one probe, the row at or
 * before the last instant of a new one, says whether it is decided already and whether it lengthens a
 * stretch. */
#include "store/internal.h"
#include "store/runs.h"
#include "store/schedules.h"

#include <string.h>

/* ---- deciding ---- */

/* The row at or before a slot. */
struct before {
    instant_t fire, last_fire, window_start;
    bool is_alike; /* skipped for the same reason: one stretch */
};

static void before_read(sqlite3_stmt *st, struct arena *a, void *row) {
    (void)a;
    *(struct before *)row = (struct before){.fire = col_instant(st, 0),
                                            .last_fire = col_instant(st, 1),
                                            .window_start = col_instant(st, 2),
                                            .is_alike = col_flag(st, 3)};
}

static struct slot_row filled(const struct slot_row *slot) {
    struct slot_row full = *slot;
    if (!full.last_fire) full.last_fire = full.fire;
    if (!full.count) full.count = 1;
    return full;
}

/* 1: *out; 0: nothing comes before; -1. */
static int find_before(struct store *s, const struct slot_row *slot, struct before *out, struct err *err) {
    return sql_get(SQL(s, slot_before, err, A_INT(slot->schedule), A_AT(slot->last_fire),
                       A_TEXT(slot->reason), A_TEXT(slot->detail), A_AT(slot->window_start)),
                   before_read, NULL, out);
}

static int insert(struct store *s, const struct slot_row *slot, struct err *err) {
    return sql_must(SQL(s, slot_add, err, A_INT(slot->schedule), A_AT(slot->fire), A_AT(slot->last_fire),
                        A_INT(slot->count), A_AT(slot->window_start), A_AT(slot->window_end),
                        arg_span(slot->window_start, slot->window_end), A_TEXT(slot->outcome),
                        A_TEXT(slot->reason), A_TEXT(slot->detail), A_REF(slot->run), A_AT(slot->decided_at)))
               ? -1
               : 1;
}

static int lengthen(struct store *s, const struct before *b, const struct slot_row *slot, struct err *err) {
    return sql_must(SQL(s, slot_grow, err, A_INT(slot->schedule), A_AT(b->fire), A_AT(slot->last_fire),
                        A_INT(slot->count), A_AT(slot->window_end),
                        arg_span(b->window_start, slot->window_end), A_AT(slot->decided_at)))
               ? -1
               : 1;
}

int store_slot_add(struct store *s, const struct slot_row *slot, struct err *err) {
    struct slot_row full = filled(slot);
    struct before b;
    int found = find_before(s, &full, &b, err);
    if (found < 0) return -1;
    if (found && b.last_fire >= full.fire) return 0;
    bool grows = found && b.is_alike && strcmp(full.outcome, "skipped") == 0;
    return grows ? lengthen(s, &b, &full, err) : insert(s, &full, err);
}

int store_slot_run(struct store *s, const struct slot_row *slot, const struct run_spec *run, int64_t *id,
                   struct err *err) {
    struct slot_row full = filled(slot);
    struct run_spec spec = *run;
    struct before b;
    int found = find_before(s, &full, &b, err);
    if (found < 0) return -1;
    if (found && b.last_fire >= full.fire) return 0;
    spec.scheduled_for = full.fire;
    spec.window_start = full.window_start, spec.window_end = full.window_end;
    full.outcome = "run", full.reason = NULL;
    if (store_run_add(s, &spec, &full.run, err) || insert(s, &full, err) < 0) return -1;
    *id = full.run;
    return 1;
}

int store_slots_forget(struct store *s, int64_t schedule, instant_t after, struct err *err) {
    return sql_run(SQL(s, slots_forget, err, A_INT(schedule), A_AT(after))) < 0 ? -1 : 0;
}

static void ahead_read(sqlite3_stmt *st, struct arena *a, void *row) {
    (void)a;
    *(instant_t *)row = col_instant(st, 0);
}

int store_slots_ahead(struct store *s, int64_t schedule, instant_t cursor, instant_t *last, struct err *err) {
    *last = INSTANT_NONE;
    return sql_get(SQL(s, slots_ahead, err, A_INT(schedule), A_AT(cursor)), ahead_read, NULL, last) < 0 ? -1
                                                                                                        : 0;
}

int store_slot_cut(struct store *s, const struct slot_row *t, struct err *err) {
    return (int)sql_run(SQL(s, slot_cut, err, A_INT(t->schedule), A_AT(t->fire), A_AT(t->last_fire),
                            A_INT(t->count), A_AT(t->window_end), arg_span(t->window_start, t->window_end)));
}

/* ---- asking ---- */

static void slot_read(sqlite3_stmt *st, struct arena *a, void *row) {
    *(struct slot_row *)row = (struct slot_row){
        .schedule = sqlite3_column_int64(st, 0),
        .pipeline = col_text(st, 1, a),
        .schedule_name = col_text(st, 2, a),
        .fire = col_instant(st, 3),
        .last_fire = col_instant(st, 4),
        .count = sqlite3_column_int64(st, 5),
        .window_start = col_instant(st, 6),
        .window_end = col_instant(st, 7),
        .outcome = col_text(st, 8, a),
        .reason = col_text(st, 9, a),
        .detail = col_text(st, 10, a),
        .run = col_int(st, 11, 0),
        .run_state = col_text(st, 12, a),
        .decided_at = col_instant(st, 13),
    };
}

static const struct row_type slot_type = {slot_read, sizeof(struct slot_row)};

int store_slot_at(struct store *s, int64_t schedule, instant_t fire, struct arena *a, struct slot_row *out,
                  struct err *err) {
    return sql_get(SQL(s, slot_at, err, A_INT(schedule), A_AT(fire)), slot_read, a, out);
}

int store_slot_of_run(struct store *s, int64_t run, struct arena *a, struct slot_row *out, struct err *err) {
    return sql_get(SQL(s, slot_of_run, err, A_INT(run)), slot_read, a, out);
}

int store_slots_last(struct store *s, int64_t schedule, instant_t before, int64_t limit, struct arena *a,
                     struct slot_row **rows, size_t *n, struct err *err) {
    return sql_list(SQL(s, slots_last, err, A_INT(schedule), arg_end(before), A_INT(limit)), slot_type, a,
                    rows, n);
}

int store_slots_meeting(struct store *s, const char *pipeline, instant_t start, instant_t end,
                        struct arena *a, struct slot_row **rows, size_t *n, struct err *err) {
    return sql_list(SQL(s, slots_meeting, err, A_TEXT(pipeline), A_INT(start), arg_end(end)), slot_type, a,
                    rows, n);
}
