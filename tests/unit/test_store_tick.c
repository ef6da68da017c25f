/* What the scheduler asks per tick and per end of a run costs the same over a long history as over none.
 * Prints microseconds per question; LEAT_HISTORY_RUNS says how long the history is (ten attempts a run). */
#include "tests/unit/store_fixture.h"

#include "store/backfills.h"
#include "store/internal.h"
#include "store/schedules.h"

#include <time.h>

enum { PIPELINES = 1000, STEPS = 10, BUSY = 10, TICKS = 4, ASKED = 200, RUNS = 10000 };

#define HOUR(n) (NOON + (int64_t)(n)*US_PER_HOUR)

struct bench {
    struct fx f;
    int64_t definitions[PIPELINES], schedules[PIPELINES];
    int64_t backfill, dataset;
    int64_t tick; /* hours that have passed; the history lies before 0 */
};

static const char *name_of(struct bench *b, int i) { return arena_printf(b->f.a, "p%03d", i); }

static void furnish(struct bench *b) {
    struct err err;
    struct schedule_row row;
    const struct dataset_spec d = {.name = "raw.d", .path = "/d", .format = "delta", .at = NOON};
    fx_begin(&b->f);
    assert_ok(store_begin(b->f.s, &err));
    assert_ok(store_dataset_ensure(b->f.s, &d, &b->dataset, &err));
    for (int i = 0; i < PIPELINES; i++) {
        const struct schedule_spec spec = {
            .pipeline = name_of(b, i), .name = "main", .cursor = HOUR(0), .at = NOON};
        b->definitions[i] = fx_definition(b->f.s, spec.pipeline, STEPS, "aa");
        assert_ok(store_schedule_ensure(b->f.s, &spec, b->f.a, &row, &err));
        b->schedules[i] = row.id;
    }
    assert_ok(store_commit(b->f.s, &err));
}

/* A backfill in two stages: hours, then days, which wait for their hours. */
static void plan_backfill(struct bench *b, int items, const char *state) {
    struct err err;
    struct backfill_item *list = arena_array(b->f.a, (size_t)items, sizeof *list);
    const struct backfill_spec spec = {
        .kind = "backfill", .subject = "p000", .max_parallel = 4, .max_failures = -1, .at = NOON};
    for (int i = 0; i < items; i++) {
        bool daily = i >= items * 24 / 25;
        int n = daily ? i - items * 24 / 25 : i;
        list[i] = (struct backfill_item){.n = i,
                                         .stage = daily,
                                         .pipeline = "p000",
                                         .action = "run",
                                         .reason = "r",
                                         .window_start = HOUR(daily ? 24 * n : n),
                                         .window_end = HOUR(daily ? 24 * n + 24 : n + 1)};
    }
    assert_hit(1, store_backfill_add(b->f.s, &spec, list, (size_t)items, &b->backfill, &err));
    char *end = sqlite3_mprintf("UPDATE backfill_item SET state = %Q WHERE backfill = %lld AND stage = 0",
                                state, (long long)b->backfill);
    assert_ok(store_exec(b->f.s, end, &err));
    sqlite3_free(end);
}

/* Ended runs of the first pipelines, each with its slot, its attempts, and what it read; straight into the
 * tables. */
static const char history[] =
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %d) INSERT INTO run(id, "
    "pipeline,"
    " trigger, state, created_at, started_at, finished_at, window_start, window_end, scheduled_for, schedule)"
    " SELECT i + 1, 1 + i %% %d, 'schedule', CASE WHEN i %% 500 = 0 THEN 'failed' ELSE 'ok' END, i, i, i + 5,"
    " %lld - (%d - i) * 3600000000, %lld - (%d - i - 1) * 3600000000, %lld - (%d - i - 1) * 3600000000, "
    "'main' FROM n;"
    "INSERT INTO generation SELECT id, 1, pipeline, 1 FROM run;"
    "INSERT INTO attempt(run, step, generation, number, token, state, started_at, finished_at) SELECT r.id, "
    "d.idx, 1, 1,"
    " 'r' || r.id || '-s' || d.idx || '-g1-a1-0123456789abcdef', 'success', 1, 2 FROM run r, definition_step "
    "d"
    " WHERE d.definition = r.pipeline;"
    "INSERT INTO slot(schedule, fire, last_fire, window_start, window_end, span, outcome, run, decided_at)"
    " SELECT pipeline, scheduled_for, scheduled_for, window_start, window_end, 32, 'run', id, created_at "
    "FROM run;"
    "INSERT INTO consumed(dataset, pipeline, step, window_start, window_end, span, version, run)"
    " SELECT 1, 'p' || pipeline, 's', window_start, window_end, 32, id, id FROM run;";

static void live_through(struct bench *b, int runs) {
    struct err err;
    char *sql = sqlite3_mprintf(history, runs, BUSY, (long long)NOON, runs, (long long)NOON, runs,
                                (long long)NOON, runs);
    assert_ok(store_begin(b->f.s, &err));
    assert_ok(store_exec(b->f.s, sql, &err));
    plan_backfill(b, runs, "ok");
    assert_ok(store_commit(b->f.s, &err));
    assert_ok(store_tend(b->f.s, true, &err));
    sqlite3_free(sql);
}

/* ---- the questions ---- */

/* One due slot of each pipeline: slot, run, cursor. */
static void decide_all(struct bench *b) {
    struct err err;
    int64_t run;
    for (int i = 0; i < PIPELINES; i++) {
        const struct slot_row slot = {.schedule = b->schedules[i],
                                      .fire = HOUR(b->tick + 1),
                                      .window_start = HOUR(b->tick),
                                      .window_end = HOUR(b->tick + 1),
                                      .decided_at = HOUR(b->tick + 1)};
        const struct run_spec spec = {.definition = b->definitions[i],
                                      .trigger = "schedule",
                                      .schedule = "main",
                                      .at = HOUR(b->tick + 1)};
        assert_hit(1, store_slot_run(b->f.s, &slot, &spec, &run, &err));
        assert_hit(1, store_schedule_move(b->f.s, b->schedules[i], HOUR(b->tick), HOUR(b->tick + 1), &err));
    }
    b->tick++;
}

static void ask_waiting(struct bench *b, int i) {
    struct err err;
    int64_t run;
    assert_hit(1, store_run_waiting(b->f.s, name_of(b, i % BUSY), 0, &run, &err));
}

static void ask_heads(struct bench *b, int i) {
    struct err err;
    struct run_row *rows;
    size_t n;
    assert_ok(store_runs_waiting(b->f.s, name_of(b, i % BUSY), b->f.a, &rows, &n, &err));
    assert_int_equal(1, n);
}

static void ask_before(struct bench *b, int i) {
    struct err err;
    struct run_row row;
    assert_hit(1, store_run_before(b->f.s, name_of(b, i % BUSY), "main", HOUR(b->tick), b->f.a, &row, &err));
}

static void ask_defined(struct bench *b, int i) {
    struct err err;
    int64_t run;
    assert_hit(1, store_run_waiting(b->f.s, name_of(b, i % BUSY), 0, &run, &err));
    assert_hit(1, store_run_defined(b->f.s, run, b->definitions[i % BUSY], &err));
}

static void ask_slot(struct bench *b, int i) {
    struct err err;
    struct slot_row row;
    assert_hit(1, store_slot_at(b->f.s, b->schedules[i % BUSY], HOUR(b->tick), b->f.a, &row, &err));
}

static void ask_slots_meeting(struct bench *b, int i) {
    struct err err;
    struct slot_row *rows;
    size_t n;
    instant_t day = HOUR(-24 * (1 + i % 700)); /* far back too */
    assert_ok(
        store_slots_meeting(b->f.s, name_of(b, i % BUSY), day, day + US_PER_DAY, b->f.a, &rows, &n, &err));
    assert_true(n <= 24);
}

static void ask_consumed(struct bench *b, int i) {
    struct err err;
    const struct consumed_row c = {.dataset = b->dataset,
                                   .pipeline = "px",
                                   .step = "s",
                                   .window_start = HOUR(i),
                                   .window_end = HOUR(i + 1),
                                   .version = 1000000000,
                                   .run = i + 1};
    assert_hit(0, store_consumed_put(b->f.s, &c, &err));
}

static void ask_stale(struct bench *b, int i) {
    struct err err;
    int64_t n;
    instant_t hour = HOUR(-1 - i * 30);
    const struct republished r = {
        .dataset = b->dataset, .version = 1000000001, .start = hour, .end = hour + US_PER_HOUR, .at = NOON};
    assert_hit(0, store_consumed_stale(b->f.s, &r, &n, &err));
    assert_true(n <= 1);
}

static void ask_consumers(struct bench *b, int i) {
    struct err err;
    struct consumed_row *rows;
    size_t n;
    instant_t day = HOUR(-24 * (1 + i % 700));
    assert_ok(store_consumers(b->f.s, b->dataset, day, day + US_PER_DAY, b->f.a, &rows, &n, &err));
    assert_true(n <= 24);
}

/* The end of an item, and the start of the next. */
static void ask_backfill(struct bench *b, int i) {
    struct err err;
    struct backfill_item *next;
    size_t n;
    (void)i;
    assert_ok(store_backfill_next(b->f.s, b->backfill, 0, 1, b->f.a, &next, &n, &err));
    assert_int_equal(1, n);
    const struct item_move start = {
        .backfill = b->backfill, .n = next->n, .from = "planned", .to = "running", .run = 7};
    const struct item_move end = {.backfill = b->backfill, .n = next->n, .from = "running", .to = "ok"};
    assert_hit(1, store_backfill_item_move(b->f.s, &start, &err));
    assert_hit(1, store_backfill_item_move(b->f.s, &end, &err));
}

static const struct question {
    const char *what;
    void (*ask)(struct bench *, int);
} questions[] = {
    {"oldest run waiting", ask_waiting},
    {"heads of its queues", ask_heads},
    {"run of the slot before", ask_before},
    {"definition of a queued run", ask_defined},
    {"slot at an instant", ask_slot},
    {"slots of a day long ago", ask_slots_meeting},
    {"what a step consumed", ask_consumed},
    {"who is stale by an hour long ago", ask_stale},
    {"consumers of a day long ago", ask_consumers},
    {"next item of a backfill", ask_backfill},
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

static double seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct costs {
    double tick, commit, each[QUESTIONS];
};

/* The best of some ticks: the machine has other things to do. The questions are rolled back. */
static struct costs measure(struct bench *b) {
    struct costs c = {0};
    struct err err;
    for (int i = 0; i < TICKS; i++) {
        double t = seconds(CLOCK_PROCESS_CPUTIME_ID);
        assert_ok(store_begin(b->f.s, &err));
        decide_all(b);
        double decided = seconds(CLOCK_PROCESS_CPUTIME_ID), begun = seconds(CLOCK_MONOTONIC);
        assert_ok(store_commit(b->f.s, &err));
        double synced = seconds(CLOCK_MONOTONIC) - begun;
        if (i == 0 || decided - t < c.tick) c.tick = decided - t;
        if (i == 0 || synced < c.commit) c.commit = synced;
        assert_ok(store_tend(b->f.s, true, &err));
    }
    assert_ok(store_begin(b->f.s, &err));
    for (int q = 0; q < QUESTIONS; q++) {
        double t = seconds(CLOCK_PROCESS_CPUTIME_ID);
        for (int i = 0; i < ASKED; i++) questions[q].ask(b, i);
        c.each[q] = seconds(CLOCK_PROCESS_CPUTIME_ID) - t;
    }
    store_rollback(b->f.s);
    return c;
}

static int history_runs(void) {
    const char *text = getenv("LEAT_HISTORY_RUNS");
    return text ? atoi(text) : RUNS;
}

/* Not a timed test: only a factor that a scan would pass by orders of magnitude. */
static void a_tick_costs_what_it_decides(void **state) {
    (void)state;
    static struct bench b;
    struct err err;
    int runs = history_runs();
    furnish(&b);
    assert_ok(store_begin(b.f.s, &err));
    plan_backfill(&b, 50 * ASKED, "planned");
    assert_ok(store_commit(b.f.s, &err));
    struct costs few = measure(&b);
    assert_ok(
        store_exec(b.f.s, "BEGIN; DELETE FROM generation; DELETE FROM slot; DELETE FROM run; COMMIT", &err));
    live_through(&b, runs);
    assert_ok(store_begin(b.f.s, &err));
    plan_backfill(&b, 50 * ASKED, "planned");
    assert_ok(store_commit(b.f.s, &err));
    struct costs many = measure(&b);
    print_message(
        "%d runs, %d attempts:\n  %d slots, runs and cursors %.1f ms -> %.1f ms, commit %.1f -> %.1f ms\n",
        runs, runs * STEPS, PIPELINES, few.tick * 1e3, many.tick * 1e3, few.commit * 1e3, many.commit * 1e3);
    for (int q = 0; q < QUESTIONS; q++) {
        print_message("  %-34s %8.1f us -> %8.1f us\n", questions[q].what, few.each[q] / ASKED * 1e6,
                      many.each[q] / ASKED * 1e6);
        assert_true(many.each[q] < few.each[q] * 10 + 0.1);
    }
    assert_true(many.tick < few.tick * 10 + 0.1);
    fx_end(&b.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_tick_costs_what_it_decides)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
