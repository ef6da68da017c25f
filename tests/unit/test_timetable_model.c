/* test_timetable_model.c: properties of the timetable under random rules, clocks, pauses and edits.
 *
 *   - what a tick decides is what the table at the top of timetable.h says, told again here the naive way;
 *   - however small the budget and however many the ticks, the same is decided;
 *   - every slot is decided once, in order; across edits, windows that go from firing to firing or day by day
 *     leave no hole. */
#include "base/arena.h"
#include "base/json.h"
#include "scheduler/timetable/timetable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed;

static int64_t pick(int64_t n) {
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (int64_t)(seed >> 33) % n;
}

static int rounds(int n) { return getenv("LEAT_QUICK") ? n / 40 + 1 : n; }

static const char *const texts[] = {
    "\"cron\": [\"*/20 * * * *\"]",    "\"cron\": [\"0 * * * *\", \"30 6 * * *\"]",
    "\"every\": \"day at 02:30\"",     "\"cron\": [\"0 0,12 * * *\"]",
    "\"every\": \"weekday at 06:15\"", "\"cron\": [\"@every 90m\"]"};
static const char *const covers[] = {"previous firing", "previous day", "previous 2 hours"};
static const char *const missed[] = {"run_latest", "run_all", "skip"};
static const char *const running[] = {"wait", "skip", "cancel", "allow"};
static const char *const zones[] = {"UTC", "Europe/Berlin", "America/New_York"};
#define PICK(list) list[pick((int64_t)(sizeof list / sizeof *list))]

static struct schedule *schedule_of(const char *text) {
    struct err err = {0};
    json_t *j = json_loads(text, 0, NULL);
    struct schedule *s = j ? schedule_from_rule("main", j, NULL, &err) : NULL;
    if (!s) fail_msg("%s: %s", text, err.msg);
    json_decref(j);
    return s;
}

static struct schedule *random_schedule(const char *cover) {
    char text[512];
    snprintf(text, sizeof text,
             "{%s, \"timezone\": \"%s\", \"covers\": \"%s\", \"if_missed\": \"%s\", \"if_running\": \"%s\", "
             "\"start_within\": %lld, \"jitter\": %lld, \"seed\": \"s%lld\"}",
             PICK(texts), PICK(zones), cover ? cover : PICK(covers), PICK(missed), PICK(running),
             (long long)(pick(3) ? 0 : pick(100000)), (long long)(pick(3) ? 0 : pick(900)),
             (long long)pick(1000));
    return schedule_of(text);
}

static instant_t at(int year) { return days_from_civil(year, 1, 1) * US_PER_DAY; }

/* ---- one slot of a decision */

struct verdict {
    instant_t fire, start, end;
    enum skip_reason reason;
};

struct verdicts {
    struct verdict *list;
    size_t count, cap;
};

static void add_verdict(struct verdicts *v, struct verdict one) {
    GROW(v->list, v->count, v->cap);
    v->list[v->count++] = one;
}

/* Decisions of one schedule as its slots; `slots` says which they are. */
static void unfold(const struct timetable_decision *d, struct slots *slots, struct verdicts *out) {
    struct slot s;
    if (!slots_at(slots, d->fire, &s)) fail_msg("there is no such slot");
    assert_int_equal(s.start, d->window_start);
    for (int64_t i = 0; i < d->count; i++) {
        if (i > 0) assert_true(slots_step(slots, &s));
        add_verdict(out, (struct verdict){s.fire, s.start, s.end, d->reason});
    }
    assert_int_equal(s.fire, d->last_fire);
    assert_int_equal(s.end, d->window_end);
    assert_true(d->run == (d->reason == SKIP_none) && (d->run ? d->count == 1 : 1));
}

/* ---- told again, the naive way */

struct naive {
    const struct schedule *s;
    struct slots *slots;
    instant_t cursor, began, caught_from, caught_until;
    enum catch_up catch_up;
    bool paused, busy;
};

static enum skip_reason naive_reason(struct naive *n, const struct verdict *list, size_t count, size_t i,
                                     instant_t now) {
    const struct verdict *v = &list[i];
    duration_t late = now - v->fire - n->s->delay;
    if (n->caught_until != INSTANT_NONE && v->fire > n->caught_from && v->fire <= n->caught_until) {
        struct slot after; /* due or not */
        bool newest = !slots_next(n->slots, v->fire, &after) || after.fire > n->caught_until;
        bool runs = n->catch_up == CATCH_UP_all || (n->catch_up == CATCH_UP_latest && newest);
        return runs ? SKIP_none : SKIP_paused;
    }
    if (n->s->start_within && late > n->s->start_within) return SKIP_too_late;
    if (late <= SLOT_ON_TIME || n->s->if_missed == MISSED_run_all) return SKIP_none;
    return n->s->if_missed == MISSED_run_latest && i + 1 == count ? SKIP_none : SKIP_missed;
}

static void naive_tick(struct naive *n, instant_t now, struct verdicts *out) {
    struct slot s;
    out->count = 0;
    if (n->paused) return;
    for (instant_t t = n->cursor; slots_next(n->slots, t, &s) && s.fire + n->s->delay <= now; t = s.fire)
        add_verdict(out, (struct verdict){s.fire, s.start, s.end, SKIP_none});
    for (size_t i = 0; i < out->count; i++) {
        struct verdict *v = &out->list[i];
        v->reason = naive_reason(n, out->list, out->count, i, now);
        if (v->reason != SKIP_none) continue;
        if (n->busy && n->s->if_running == RUNNING_skip) v->reason = SKIP_running;
        n->busy = true;
    }
    if (out->count) n->cursor = out->list[out->count - 1].fire;
}

static void compare(const struct verdicts *got, const struct verdicts *want) {
    for (size_t i = 0; i < got->count && i < want->count; i++) {
        const struct verdict *a = &got->list[i], *b = &want->list[i];
        if (a->fire == b->fire && a->start == b->start && a->end == b->end && a->reason == b->reason)
            continue;
        char f[INSTANT_TEXT], g[INSTANT_TEXT];
        fail_msg("slot %zu: %s %s, not %s %s", i, instant_text(a->fire, f), skip_reason_names[a->reason],
                 instant_text(b->fire, g), skip_reason_names[b->reason]);
    }
    assert_int_equal(got->count, want->count);
}

/* ---- the world: schedules without edits, in three timetables of different budgets */

enum { MANY = 5, TABLES = 3 };

struct world_of {
    struct timetable *t[TABLES];
    struct timetable_out out;
    struct schedule *s[MANY];
    struct naive n[MANY];
    instant_t cursor[MANY][TABLES];
    instant_t now, latest;
};

static struct timetable_budget budget_of(int table) {
    if (table == 0) return (struct timetable_budget){.decisions = 1000000, .slots = 1000000};
    if (table == 1) return TIMETABLE_BUDGET;
    return (struct timetable_budget){.decisions = (size_t)(1 + pick(4)), .slots = (size_t)(1 + pick(7))};
}

/* Ticks until nothing is due. */
static void tick_all(struct world_of *w, int table, struct verdicts got[MANY]) {
    instant_t due;
    for (int i = 0; i < MANY; i++) got[i].count = 0;
    do {
        w->out.count = w->out.move_count = 0;
        timetable_tick(w->t[table], w->now, budget_of(table), &w->out);
        for (size_t i = 0; i < w->out.count; i++)
            unfold(&w->out.decisions[i], w->n[w->out.decisions[i].id].slots, &got[w->out.decisions[i].id]);
        for (size_t i = 0; i < w->out.move_count; i++) {
            const struct timetable_move *m = &w->out.moves[i];
            assert_int_equal(m->from, w->cursor[m->id][table]);
            assert_true(m->to > m->from && !m->changed && !m->set_back);
            w->cursor[m->id][table] = m->to;
        }
        due = timetable_next_due(w->t[table], NULL);
    } while (due != INSTANT_NONE && due <= w->now);
}

static void check_tick(struct world_of *w) {
    struct verdicts got[MANY] = {0}, want = {0};
    struct naive before[MANY];
    memcpy(before, w->n, sizeof before);
    for (int table = 0; table < TABLES; table++) {
        tick_all(w, table, got);
        memcpy(w->n, before, sizeof before);
        for (int i = 0; i < MANY; i++) {
            naive_tick(&w->n[i], w->now, &want);
            compare(&got[i], &want);
            assert_int_equal(w->cursor[i][table], w->n[i].cursor);
        }
    }
    for (int i = 0; i < MANY; i++) free(got[i].list);
    free(want.list);
}

static void naive_resume(struct naive *n, instant_t until, enum catch_up how) {
    struct slot next;
    bool decided = n->caught_until == INSTANT_NONE || !slots_next(n->slots, n->cursor, &next) ||
                   next.fire > n->caught_until;
    if (decided) n->caught_from = n->began;
    n->caught_until = until;
    n->catch_up = how;
}

static void happen(struct world_of *w, int i) {
    struct naive *n = &w->n[i];
    int64_t what = pick(4);
    bool busy = pick(2);
    enum catch_up how = (enum catch_up)pick(3);
    /* nobody may have looked for a while after the pause ended by itself */
    instant_t until = w->now - pick(2) * pick(w->now - n->began + 1);
    for (int table = 0; table < TABLES; table++) {
        if (what == 0) timetable_busy(w->t[table], i, busy);
        if (what == 1) timetable_pause(w->t[table], i, n->paused ? n->began : w->now);
        if (what == 2) timetable_resume(w->t[table], i, n->began, until, how);
    }
    if (what == 0) n->busy = busy;
    if (what == 2 && n->paused) naive_resume(n, until, how);
    if (what == 1 && !n->paused) n->began = w->now;
    if (what == 1 || what == 2) n->paused = what == 1;
}

static void world_start(struct world_of *w) {
    *w = (struct world_of){.now = at(2020) + pick(365 * 5) * US_PER_DAY};
    for (int table = 0; table < TABLES; table++) w->t[table] = timetable_new();
    for (int i = 0; i < MANY; i++) {
        w->s[i] = random_schedule(NULL);
        instant_t cursor = w->now - pick(3) * pick(20) * US_PER_DAY;
        w->n[i] = (struct naive){.s = w->s[i],
                                 .slots = slots_new(&w->s[i]->rule),
                                 .cursor = cursor,
                                 .began = w->now,
                                 .caught_until = INSTANT_NONE};
        struct timetable_spec spec = {
            .id = i, .group = i, .schedule = w->s[i], .cursor = cursor, .since = INSTANT_NONE};
        for (int table = 0; table < TABLES; table++) {
            timetable_add(w->t[table], &spec, w->now);
            w->cursor[i][table] = cursor;
        }
    }
}

static void world_end(struct world_of *w) {
    for (int table = 0; table < TABLES; table++) timetable_free(w->t[table]);
    for (int i = 0; i < MANY; i++) {
        slots_free(w->n[i].slots);
        schedule_free(w->s[i]);
    }
    timetable_out_release(&w->out);
}

static duration_t random_step(void) {
    static const duration_t most[] = {90, 3600, 86400, 86400 * 20};
    return pick(most[pick(4)]) * US_PER_SECOND + pick(2) * pick(US_PER_SECOND);
}

static void test_as_the_table_says(void **state) {
    (void)state;
    for (int round = 0, n = rounds(120); round < n; round++) {
        struct world_of w;
        seed = (uint64_t)round * 7919 + 1;
        world_start(&w);
        for (int i = 0; i < 40; i++) {
            while (pick(2)) happen(&w, (int)pick(MANY));
            if (w.now > w.latest) w.latest = w.now;
            /* A little back changes nothing. */
            w.now = pick(8) ? w.now + random_step() : w.latest - pick(10800) * US_PER_SECOND;
            check_tick(&w);
        }
        world_end(&w);
    }
}

/* ---- edits: windows go on */

struct editing {
    struct timetable *t;
    struct timetable_out out;
    struct schedule *now, *next;
    instant_t last_fire, last_end;
};

static void edited_tick(struct editing *e, instant_t now, bool whole_days) {
    do {
        e->out.count = e->out.move_count = 0;
        timetable_tick(e->t, now, budget_of(2), &e->out);
        for (size_t i = 0; i < e->out.count; i++) {
            const struct timetable_decision *d = &e->out.decisions[i];
            if (d->fire <= e->last_fire) fail_msg("a slot came twice, or late");
            bool hole = e->last_end != INSTANT_NONE && d->window_start > e->last_end;
            bool twice = e->last_end != INSTANT_NONE && d->window_start < e->last_end;
            if (hole || (twice && !whole_days)) fail_msg("%s", hole ? "a hole" : "an overlap");
            e->last_fire = d->last_fire;
            e->last_end = d->window_end;
        }
        for (size_t i = 0; i < e->out.move_count; i++) {
            if (!e->out.moves[i].changed) continue;
            schedule_free(e->now);
            e->now = e->next;
            e->next = NULL;
        }
    } while (timetable_next_due(e->t, NULL) <= now);
}

static struct schedule *random_edit(bool whole_days) {
    static const char *const hours[] = {"00:00", "02:30", "06:15", "12:00", "23:45"};
    char text[200];
    if (!whole_days) return random_schedule("previous firing");
    snprintf(text, sizeof text,
             "{\"every\": \"day at %s\", \"timezone\": \"Europe/Berlin\", \"covers\": \"%s\", "
             "\"if_missed\": \"%s\"}",
             PICK(hours), "previous day", PICK(missed));
    return schedule_of(text);
}

static void edit_for_a_while(bool whole_days) {
    struct editing e = {.t = timetable_new(), .now = random_edit(whole_days), .last_end = INSTANT_NONE};
    instant_t now = at(2020) + pick(365 * 5) * US_PER_DAY;
    struct timetable_spec spec = {.id = 1, .group = 1, .schedule = e.now, .cursor = now, .since = now};
    e.last_fire = now;
    timetable_add(e.t, &spec, now);
    for (int i = 0; i < 40; i++) {
        duration_t step = random_step();
        if (pick(2)) {
            struct schedule *old = e.next;
            e.next = random_edit(whole_days);
            timetable_change(e.t, 1, e.next, now + pick(step / US_PER_SECOND + 1) * US_PER_SECOND);
            schedule_free(old);
        }
        now += step;
        edited_tick(&e, now, whole_days);
    }
    timetable_free(e.t);
    timetable_out_release(&e.out);
    schedule_free(e.now);
    schedule_free(e.next);
}

static void test_edits(void **state) {
    (void)state;
    for (int round = 0, n = rounds(600); round < n; round++) {
        seed = (uint64_t)round * 104729 + 3;
        edit_for_a_while(round % 2);
    }
}

/* ---- come and go: the heap does not fill with what is no longer wanted */

static void test_coming_and_going(void **state) {
    (void)state;
    struct timetable *t = timetable_new();
    struct timetable_out out = {0};
    struct schedule *s = schedule_of("{\"every\": \"day at 06:15\"}"),
                    *u = schedule_of("{\"every\": \"day at 07:15\"}");
    instant_t now = at(2026);
    for (int i = 0; i < 20000; i++) {
        int64_t id = i % 50;
        if (timetable_has(t, id) && i % 3 == 0)
            timetable_remove(t, id);
        else if (timetable_has(t, id))
            timetable_change(t, id, i % 2 ? s : u, now + pick(1000) * US_PER_SECOND);
        else
            timetable_add(t,
                          &(struct timetable_spec){
                              .id = id, .group = id % 7, .schedule = s, .cursor = now, .since = now},
                          now);
    }
    assert_true(timetable_count(t) <= 50);
    now += US_PER_DAY;
    timetable_tick(t, now, TIMETABLE_BUDGET, &out);
    assert_true(out.count >= timetable_count(t) && timetable_next_due(t, NULL) > now);
    timetable_free(t);
    timetable_out_release(&out);
    schedule_free(s);
    schedule_free(u);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_the_table_says), cmocka_unit_test(test_edits),
                                       cmocka_unit_test(test_coming_and_going)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
