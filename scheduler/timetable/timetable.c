/* timetable.c: who is in the timetable, and when each is due. What becomes of slots is in timetable_tick.c.
 *
 * The heap holds a node for every schedule that has something to do at a known instant; a node counts only
 * while the schedule says that instant too, so changes push a new node and leave the old one. */
#include "scheduler/timetable/timetable.h"

#include "base/arena.h"
#include "scheduler/timetable/timetable_impl.h"

#include <assert.h>
#include <stdlib.h>

enum { HEAP_SLACK = 64 };
#define AT_ONCE (INSTANT_NONE + 1)

const char *const skip_reason_names[SKIP_REASONS] = {
#define X(name) #name,
    SKIP_LIST(X)
#undef X
};

struct timetable *timetable_new(void) {
    struct timetable *t = xcalloc(1, sizeof *t);
    t->seen = INSTANT_NONE;
    return t;
}

static void entry_free(struct tt_entry *e) {
    slots_free(e->slots);
    free(e);
}

void timetable_free(struct timetable *t) {
    if (!t) return;
    size_t at = 0;
    for (struct tt_entry *e; (e = idmap_next(&t->entries, &at));) entry_free(e);
    at = 0;
    for (struct tt_group *g; (g = idmap_next(&t->groups, &at));) free(g);
    idmap_release(&t->entries);
    idmap_release(&t->groups);
    dueheap_release(&t->heap);
    free(t->row);
    free(t);
}

void timetable_out_release(struct timetable_out *out) {
    free(out->decisions);
    free(out->moves);
    *out = (struct timetable_out){0};
}

/* ---- groups: there while something is in them or known of them */

static struct tt_group *group_find(const struct timetable *t, int64_t id) {
    return idmap_get(&t->groups, (uint64_t)id);
}

static struct tt_group *group_get(struct timetable *t, int64_t id) {
    struct tt_group *g = group_find(t, id);
    if (g) return g;
    g = xcalloc(1, sizeof *g);
    g->id = id;
    idmap_put(&t->groups, (uint64_t)id, g);
    return g;
}

static void group_drop_empty(struct timetable *t, struct tt_group *g) {
    if (g->first || g->busy || g->paused) return;
    idmap_remove(&t->groups, (uint64_t)g->id);
    free(g);
}

static void group_join(struct tt_group *g, struct tt_entry *e) {
    e->group = g;
    e->right = g->first;
    if (g->first) g->first->left = e;
    g->first = e;
}

static void group_leave(struct timetable *t, struct tt_entry *e) {
    if (e->left)
        e->left->right = e->right;
    else
        e->group->first = e->right;
    if (e->right) e->right->left = e->left;
    group_drop_empty(t, e->group);
}

void timetable_busy(struct timetable *t, int64_t group, bool busy) {
    struct tt_group *g = busy ? group_get(t, group) : group_find(t, group);
    if (!g) return;
    g->busy = busy;
    group_drop_empty(t, g);
}

void timetable_pause(struct timetable *t, int64_t group, instant_t from) {
    struct tt_group *g = group_get(t, group);
    g->paused = true;
    g->paused_at = from;
    for (struct tt_entry *e = g->first; e; e = e->right)
        if (e->ends == INSTANT_NONE) e->due = INSTANT_NONE;
}

/* While slots of an earlier pause are not decided (jitter, the budget), the two are one. */
static void catch_slots(struct tt_entry *e, instant_t from, instant_t until, enum catch_up catch_up) {
    bool decided =
        e->caught_until == INSTANT_NONE || e->slot.fire == INSTANT_NONE || e->slot.fire > e->caught_until;
    if (decided || from < e->caught_from) e->caught_from = from;
    e->caught_until = until;
    e->catch_up = catch_up;
}

void timetable_resume(struct timetable *t, int64_t group, instant_t from, instant_t until,
                      enum catch_up catch_up) {
    struct tt_group *g = group_find(t, group);
    if (!g || !g->paused) return;
    g->paused = false;
    for (struct tt_entry *e = g->first; e; e = e->right) {
        catch_slots(e, from, until, catch_up);
        tt_queue(t, e);
    }
    group_drop_empty(t, g);
}

void timetable_catch(struct timetable *t, int64_t id, instant_t from, instant_t until,
                     enum catch_up catch_up) {
    struct tt_entry *e = tt_find(t, id);
    if (e) catch_slots(e, from, until, catch_up);
}

bool timetable_paused(const struct timetable *t, int64_t group) {
    const struct tt_group *g = group_find(t, group);
    return g && g->paused;
}

/* ---- when an entry is due */

struct tt_entry *tt_find(const struct timetable *t, int64_t id) {
    return idmap_get(&t->entries, (uint64_t)id);
}

static instant_t sooner(instant_t a, instant_t b) {
    if (a == INSTANT_NONE || b == INSTANT_NONE) return a == INSTANT_NONE ? b : a;
    return a < b ? a : b;
}

static bool decides_last_ones(const struct tt_entry *e) {
    bool slot = e->slot.fire != INSTANT_NONE && e->slot.fire <= e->ends;
    return slot || (e->next && e->next_at <= e->ends);
}

static bool is_held(const struct tt_entry *e) { return e->group->paused && e->ends == INSTANT_NONE; }

instant_t tt_entry_due(const struct tt_entry *e) {
    instant_t due = INSTANT_NONE;
    if (is_held(e)) return due;
    if (e->ends != INSTANT_NONE) return decides_last_ones(e) ? AT_ONCE : INSTANT_NONE;
    if (e->cursor < e->told) return AT_ONCE; /* set back: the driver has to know */
    if (e->slot.fire != INSTANT_NONE) due = e->slot.fire + e->schedule->delay;
    return e->next ? sooner(due, e->next_at) : due;
}

static bool node_counts(const void *ctx, const struct due_node *n) {
    const struct tt_entry *e = tt_find(ctx, n->id);
    return e && e->due == n->due;
}

void tt_queue(struct timetable *t, struct tt_entry *e) {
    if (e->waiting) return;
    instant_t due = tt_entry_due(e);
    if (due == e->due) return;
    e->due = due;
    if (due == INSTANT_NONE) return;
    if (t->heap.count > 2 * t->entries.count + HEAP_SLACK) dueheap_keep(&t->heap, node_counts, t);
    dueheap_push(&t->heap, (struct due_node){.due = due, .id = e->id});
}

void tt_wait(struct timetable *t, struct tt_entry *e) {
    if (t->row_at > t->row_count / 2) { /* what was taken from the front goes */
        for (size_t i = t->row_at; i < t->row_count; i++) t->row[i - t->row_at] = t->row[i];
        t->row_count -= t->row_at;
        t->row_at = 0;
    }
    GROW(t->row, t->row_count, t->row_cap);
    t->row[t->row_count++] = e->id;
    e->waiting = true;
}

/* The first node that counts; NULL: there is none. */
static const struct due_node *heap_first(struct timetable *t) {
    const struct due_node *n;
    while ((n = dueheap_top(&t->heap)) && !node_counts(t, n)) dueheap_pop(&t->heap);
    return n;
}

/* The first of the row that still waits; NULL: none. */
static struct tt_entry *row_first(struct timetable *t) {
    for (; t->row_at < t->row_count; t->row_at++) {
        struct tt_entry *e = tt_find(t, t->row[t->row_at]);
        if (!e || !e->waiting) continue;
        if (!is_held(e)) return e;
        e->waiting = false; /* resuming queues it */
    }
    return NULL;
}

struct tt_entry *tt_take_due(struct timetable *t, instant_t now) {
    const struct due_node *n = heap_first(t);
    struct tt_entry *e = NULL;
    if (n && n->due <= now) {
        e = tt_find(t, n->id);
        dueheap_pop(&t->heap);
        e->due = INSTANT_NONE;
    } else if ((e = row_first(t))) {
        t->row_at++;
        e->waiting = false;
    }
    return e;
}

instant_t timetable_next_due(struct timetable *t, int64_t *id) {
    const struct due_node *n = heap_first(t);
    const struct tt_entry *e = row_first(t);
    instant_t due = e ? tt_entry_due(e) : INSTANT_NONE;
    if (id && e) *id = e->id;
    if (!n || (e && due <= n->due)) return due;
    if (id) *id = n->id;
    return n->due;
}

instant_t timetable_due(const struct timetable *t, int64_t id) {
    const struct tt_entry *e = tt_find(t, id);
    if (!e || e->group->paused || e->slot.fire == INSTANT_NONE) return INSTANT_NONE;
    return e->slot.fire + e->schedule->delay;
}

size_t timetable_count(const struct timetable *t) { return t->entries.count; }
bool timetable_has(const struct timetable *t, int64_t id) { return tt_find(t, id) != NULL; }

/* ---- coming, changing, going */

void tt_seek(struct tt_entry *e) {
    e->slot.fire = INSTANT_NONE;
    slots_next(e->slots, e->cursor, &e->slot);
}

static void entry_use(struct tt_entry *e, const struct schedule *s, struct slots *slots) {
    slots_free(e->slots);
    e->schedule = s;
    e->slots = slots;
    tt_seek(e);
}

void tt_set_back(struct tt_entry *e, instant_t now) {
    instant_t to = e->since != INSTANT_NONE && e->since > now ? e->since : now;
    if (e->next && e->next_at > now) e->next_at = now;
    if (e->ends > now) e->ends = now;
    if (e->cursor <= to) return;
    if (e->high == INSTANT_NONE || e->high < e->cursor) e->high = e->cursor;
    e->cursor = to;
    e->set_back = true;
    tt_seek(e);
}

struct slots *tt_next_slots(const struct tt_entry *e) {
    struct slot_rule rule = e->next->rule;
    rule.join = slots_join(e->slots, e->next_at, e->since);
    return slots_new(&rule);
}

void tt_apply_change(struct tt_entry *e) {
    struct slots *slots = tt_next_slots(e);
    if (e->cursor < e->next_at && !slots_before_join(slots)) e->cursor = e->next_at;
    entry_use(e, e->next, slots);
    e->next = NULL;
    e->changed = true;
}

void timetable_add(struct timetable *t, const struct timetable_spec *spec, instant_t now) {
    assert(!tt_find(t, spec->id));
    struct tt_entry *e = xcalloc(1, sizeof *e);
    e->id = spec->id;
    e->cursor = e->told = spec->cursor;
    e->since = spec->since;
    e->due = e->caught_until = e->ends = INSTANT_NONE;
    e->high = spec->high ? spec->high : INSTANT_NONE;
    idmap_put(&t->entries, (uint64_t)e->id, e);
    group_join(group_get(t, spec->group), e);
    entry_use(e, spec->schedule, slots_new(&spec->schedule->rule));
    if (e->cursor > now + CLOCK_SET_BACK) tt_set_back(e, now);
    tt_queue(t, e);
}

void timetable_remove(struct timetable *t, int64_t id) {
    struct tt_entry *e = tt_find(t, id);
    if (!e) return;
    idmap_remove(&t->entries, (uint64_t)id);
    group_leave(t, e);
    entry_free(e);
}

void timetable_end(struct timetable *t, int64_t id, instant_t at) {
    struct tt_entry *e = tt_find(t, id);
    if (!e || (e->ends != INSTANT_NONE) == (at != INSTANT_NONE)) return;
    e->ends = at;
    if (at != INSTANT_NONE && e->group->paused) catch_slots(e, e->group->paused_at, at, CATCH_UP_none);
    tt_queue(t, e);
}

bool timetable_ended(const struct timetable *t, int64_t id) {
    const struct tt_entry *e = tt_find(t, id);
    return e && e->ends != INSTANT_NONE && !decides_last_ones(e);
}

void timetable_change(struct timetable *t, int64_t id, const struct schedule *next, instant_t at) {
    struct tt_entry *e = tt_find(t, id);
    if (!e) return;
    e->next = next;
    e->next_at = at;
    tt_queue(t, e);
}
