/* clock_zones.c: zone data that changed while nobody served.
 *
 * A schedule's words in the database name the zone data they were last decided by. Other data fires at other
 * instants: windows that start at the firing before would not go on where the last one ended. What was decided
 * cannot be asked of data that is gone, but its rows are there: the last one says where its window ended. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/json.h"
#include "store/schedules.h"

#include <string.h>

static bool is_by_other_zones(const json_t *rule, const struct schedule *s) {
    char now[SCHEDULE_ZONES];
    const char *then = json_text(rule, "zone_data");
    return then && strcmp(then, schedule_zones(s, now)) != 0;
}

/* INSTANT_NONE: nothing was decided, or nobody can say. */
static instant_t last_end(struct conductor *c, const struct schedule_row *row) {
    struct arena *a = arena_new();
    struct slot_row *rows;
    struct err ignored;
    size_t n = 0;
    int rc = store_slots_last(c->store, row->id, INSTANT_NONE, 1, a, &rows, &n, &ignored);
    instant_t end = rc >= 0 && n ? rows[0].window_end : INSTANT_NONE;
    arena_free(a);
    return end;
}

bool clock_join_zones(struct conductor *c, const struct schedule_row *row, bool anew, const json_t *rule,
                      struct schedule *s) {
    if (!is_by_other_zones(rule, s)) return false;
    struct slots *slots = slots_new(&s->rule);
    struct slot_join join = slots_join(slots, row->cursor, row->created_at);
    instant_t end = last_end(c, row);
    slots_free(slots);
    if (end == INSTANT_NONE) return false;
    bool later = anew ? join.there && join.end > end : s->rule.join.there && s->rule.join.end > end;
    if (later) end = anew ? join.end : s->rule.join.end;
    s->rule.join =
        (struct slot_join){.there = true, .overlaps = join.overlaps, .at = row->cursor, .end = end};
    return true;
}
