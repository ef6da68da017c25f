/* Schedules, slots, pauses, triggers: every function, hit and miss; stretches; windows against a naive
 * search. */
#include "tests/unit/store_fixture.h"

#include "store/internal.h"
#include "store/schedules.h"

#define AT(n) (NOON + (n)*US_PER_HOUR)

static int64_t fx_schedule(struct fx *f, const char *pipeline, const char *name) {
    struct err err;
    struct schedule_row row;
    const struct schedule_spec spec = {.pipeline = pipeline, .name = name, .cursor = AT(0), .at = AT(0)};
    assert_ok(store_schedule_ensure(f->s, &spec, f->a, &row, &err));
    return row.id;
}

static void begin(struct fx *f) {
    struct err err;
    fx_begin(f);
    assert_ok(store_begin(f->s, &err));
}

/* ---- schedules ---- */

static void expect_schedule(struct fx *f, const char *pipeline, const char *text) {
    struct err err;
    struct schedule_row *rows;
    size_t n;
    struct buf b = BUF_INIT;
    assert_ok(store_schedules_list(f->s, pipeline, f->a, &rows, &n, &err));
    for (size_t i = 0; i < n; i++)
        buf_addf(&b, "%s%s.%s@%lld%s", i ? " " : "", rows[i].pipeline, rows[i].name,
                 (long long)((rows[i].cursor - NOON) / US_PER_HOUR),
                 rows[i].gone_at == INSTANT_NONE ? "" : "-");
    assert_string_equal(text, buf_str(&b));
    buf_release(&b);
}

static void a_schedule_is_there_once_and_keeps_its_cursor(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct schedule_row row;
    begin(&f);
    json_t *hourly = json_pack("{ss}", "every", "hour"), *daily = json_pack("{ss}", "every", "day");
    struct schedule_spec spec = {
        .pipeline = "p", .name = "main", .cursor = AT(3), .rule = hourly, .at = AT(4)};
    assert_hit(0, store_schedule_ensure(f.s, &spec, f.a, &row, &err));
    assert_string_equal("p main {\"every\":\"hour\"}",
                        arena_printf(f.a, "%s %s %s", row.pipeline, row.name, row.rule));
    assert_true(row.cursor == AT(3) && row.created_at == AT(4) && row.changed_at == AT(4));
    assert_true(row.gone_at == INSTANT_NONE);
    int64_t id = row.id;
    /* Said again, with other words: what is there stays. */
    spec.cursor = AT(9), spec.rule = daily;
    assert_hit(1, store_schedule_ensure(f.s, &spec, f.a, &row, &err));
    assert_true(row.id == id && row.cursor == AT(3) && strstr(row.rule, "hour"));
    assert_hit(1, store_schedule_rule(f.s, id, daily, AT(5), &err));
    assert_hit(1, store_schedule_ensure(f.s, &spec, f.a, &row, &err));
    assert_true(row.changed_at == AT(5) && strstr(row.rule, "day"));
    /* The cursor moves from where it is only. */
    assert_hit(0, store_schedule_move(f.s, id, AT(2), AT(7), &err));
    assert_hit(1, store_schedule_move(f.s, id, AT(3), AT(7), &err));
    assert_hit(0, store_schedule_move(f.s, id + 1, AT(7), AT(8), &err));
    expect_schedule(&f, "p", "p.main@7");
    /* Gone once; it comes back with its cursor, and says since when it was away. */
    assert_hit(1, store_schedule_gone(f.s, id, AT(8), &err));
    assert_hit(0, store_schedule_gone(f.s, id, AT(9), &err));
    expect_schedule(&f, NULL, "p.main@7-");
    assert_hit(1, store_schedule_ensure(f.s, &spec, f.a, &row, &err));
    assert_true(row.id == id && row.gone_at == AT(8));
    expect_schedule(&f, NULL, "p.main@7");
    assert_hit(0, store_schedule_rule(f.s, id + 1, daily, AT(5), &err));
    fx_schedule(&f, "p", "evening"), fx_schedule(&f, "a", "main");
    expect_schedule(&f, NULL, "a.main@0 p.evening@0 p.main@7");
    expect_schedule(&f, "p", "p.evening@0 p.main@7");
    expect_schedule(&f, "nobody", "");
    json_decref(hourly), json_decref(daily);
    fx_end(&f);
}

/* ---- slots ---- */

/* One decision: hours of first and last, how many, outcome and reason, what store_slot_add() answers. The
 * window of an hour's slot is the hour before it. */
static const struct decision {
    int first, last, count;
    const char *outcome, *reason, *detail;
    int answer;
    const char *rows; /* afterwards */
} decisions[] = {
    {1, 1, 1, "skipped", "missed", NULL, 1, "1:missed"},
    {2, 2, 1, "skipped", "missed", NULL, 1, "1-2x2:missed"},          /* one stretch */
    {2, 2, 1, "skipped", "missed", NULL, 0, "1-2x2:missed"},          /* decided already */
    {1, 1, 1, "run", NULL, NULL, 0, "1-2x2:missed"},                  /* however it is said */
    {3, 6, 4, "skipped", "missed", NULL, 1, "1-6x6:missed"},          /* a stretch by a stretch */
    {0, 1, 2, "skipped", "missed", NULL, 0, "1-6x6:missed"},          /* overlapping its beginning */
    {0, 9, 9, "skipped", "missed", NULL, 0, "1-6x6:missed"},          /* all of it */
    {6, 7, 2, "skipped", "missed", NULL, 0, "1-6x6:missed"},          /* its end */
    {7, 7, 1, "skipped", "paused", NULL, 1, "1-6x6:missed 7:paused"}, /* another reason */
    {8, 8, 1, "skipped", "running", "{\"run\":4}", 1, "1-6x6:missed 7:paused 8:running"},
    {9, 9, 1, "skipped", "running", "{\"run\":4}", 1, "1-6x6:missed 7:paused 8-9x2:running"},
    {10, 10, 1, "skipped", "running", "{\"run\":5}", 1, /* another cause */
     "1-6x6:missed 7:paused 8-9x2:running 10:running"},
    {12, 12, 1, "run", NULL, NULL, 1, "1-6x6:missed 7:paused 8-9x2:running 10:running 12:run"},
    {13, 13, 1, "run", NULL, NULL, 1, "1-6x6:missed 7:paused 8-9x2:running 10:running 12:run 13:run"},
    /* A clock set back: what lies between two rows belongs to the one before it. */
    {11, 11, 1, "skipped", "running", "{\"run\":5}", 1,
     "1-6x6:missed 7:paused 8-9x2:running 10-11x2:running 12:run 13:run"},
    {14, 15, 0, "skipped", "missed", NULL, 1, /* count 0 is 1, last 0 the first */
     "1-6x6:missed 7:paused 8-9x2:running 10-11x2:running 12:run 13:run 14-15x1:missed"},
};

static void slots_text(const struct slot_row *rows, size_t n, struct buf *b) {
    for (size_t i = 0; i < n; i++) {
        const struct slot_row *r = &rows[n - 1 - i];
        buf_addf(b, "%s%lld", i ? " " : "", (long long)((r->fire - NOON) / US_PER_HOUR));
        if (r->last_fire != r->fire)
            buf_addf(b, "-%lldx%lld", (long long)((r->last_fire - NOON) / US_PER_HOUR), (long long)r->count);
        buf_addf(b, ":%s", r->reason ? r->reason : r->outcome);
    }
}

static void expect_slots(struct fx *f, int64_t schedule, const char *text) {
    struct err err;
    struct slot_row *rows;
    size_t n;
    struct buf b = BUF_INIT;
    assert_ok(store_slots_last(f->s, schedule, INSTANT_NONE, 100, f->a, &rows, &n, &err));
    slots_text(rows, n, &b);
    assert_string_equal(text, buf_str(&b));
    buf_release(&b);
}

static struct slot_row slot_of(int64_t schedule, const struct decision *d) {
    return (struct slot_row){.schedule = schedule,
                             .fire = AT(d->first),
                             .last_fire = AT(d->last),
                             .count = d->count,
                             .window_start = AT(d->first - 1),
                             .window_end = AT(d->last),
                             .outcome = d->outcome,
                             .reason = d->reason,
                             .detail = d->detail,
                             .run = strcmp(d->outcome, "run") == 0,
                             .decided_at = AT(d->last)};
}

static void each_instant_is_decided_once(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    begin(&f);
    int64_t other = fx_schedule(&f, "p", "other"), id = fx_schedule(&f, "p", "main");
    const struct slot_row apart = slot_of(other, &decisions[0]);
    assert_hit(1, store_slot_add(f.s, &apart, &err)); /* one schedule knows nothing of another */
    for (size_t i = 0; i < sizeof decisions / sizeof *decisions; i++) {
        const struct slot_row slot = slot_of(id, &decisions[i]);
        assert_hit(decisions[i].answer, store_slot_add(f.s, &slot, &err));
        expect_slots(&f, id, decisions[i].rows);
    }
    expect_slots(&f, other, "1:missed");
    fx_end(&f);
}

static void a_stretch_knows_its_first_its_last_and_its_window(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct slot_row r;
    begin(&f);
    int64_t id = fx_schedule(&f, "p", "main");
    const struct decision missed[] = {{2, 4, 3, "skipped", "missed", "{}", 1, NULL},
                                      {5, 5, 1, "skipped", "missed", "{}", 1, NULL}};
    for (int i = 0; i < 2; i++) {
        const struct slot_row slot = slot_of(id, &missed[i]);
        assert_hit(1, store_slot_add(f.s, &slot, &err));
    }
    assert_hit(0, store_slot_at(f.s, id, AT(1), f.a, &r, &err));
    assert_hit(0, store_slot_at(f.s, id, AT(6), f.a, &r, &err));
    for (int hour = 2; hour <= 5; hour++) {
        assert_hit(1, store_slot_at(f.s, id, AT(hour), f.a, &r, &err));
        assert_true(r.fire == AT(2) && r.last_fire == AT(5) && r.count == 4);
        assert_true(r.window_start == AT(1) && r.window_end == AT(5) && r.decided_at == AT(5));
        assert_string_equal(
            "p main skipped missed {}",
            arena_printf(f.a, "%s %s %s %s %s", r.pipeline, r.schedule_name, r.outcome, r.reason, r.detail));
        assert_true(r.run == 0 && !r.run_state);
    }
    /* Without a window it is a row of its own, and a window never meets it. */
    struct slot_row bare = slot_of(id, &(struct decision){6, 6, 1, "skipped", "missed", "{}", 1, NULL});
    bare.window_start = bare.window_end = INSTANT_NONE;
    bare.last_fire = 0, bare.count = 0;
    assert_hit(1, store_slot_add(f.s, &bare, &err));
    expect_slots(&f, id, "2-5x4:missed 6:missed");
    struct slot_row *rows;
    size_t n;
    assert_ok(store_slots_meeting(f.s, "p", INSTANT_NONE, INSTANT_NONE, f.a, &rows, &n, &err));
    assert_int_equal(1, n);
    assert_ok(store_slots_last(f.s, id, AT(6), 1, f.a, &rows, &n, &err)); /* paging */
    assert_true(n == 1 && rows[0].fire == AT(2));
    fx_end(&f);
}

/* Skipped ahead of a clock that is set back to 4: the stretch is cut, what is after it never was; runs
 * stay. */
static void what_was_skipped_ahead_of_the_clock_is_forgotten(void **state) {
    (void)state;
    static const struct decision ahead[] = {{1, 2, 2, "run", NULL, NULL, 1, NULL},
                                            {3, 6, 4, "skipped", "missed", NULL, 1, NULL},
                                            {7, 7, 1, "run", NULL, NULL, 1, NULL},
                                            {8, 9, 2, "skipped", "paused", NULL, 1, NULL}};
    struct fx f;
    struct err err;
    struct slot_row r, *rows;
    size_t n;
    begin(&f);
    int64_t other = fx_schedule(&f, "p", "other"), id = fx_schedule(&f, "p", "main");
    const struct slot_row apart = slot_of(other, &ahead[3]);
    assert_hit(1, store_slot_add(f.s, &apart, &err));
    for (int i = 0; i < 4; i++) {
        const struct slot_row slot = slot_of(id, &ahead[i]);
        assert_hit(1, store_slot_add(f.s, &slot, &err));
    }
    assert_hit(0, store_slots_forget(f.s, id, AT(4), &err));
    expect_slots(&f, id, "1-2x2:run 3-6x4:missed 7:run");
    expect_slots(&f, other, "8-9x2:paused");
    assert_hit(1, store_slot_at(f.s, id, AT(4), f.a, &r, &err));
    r.last_fire = AT(4), r.count = 2, r.window_end = AT(4);
    assert_hit(1, store_slot_cut(f.s, &r, &err));
    assert_hit(0, store_slot_cut(f.s, &r, &err)); /* it ends no later */
    expect_slots(&f, id, "1-2x2:run 3-4x2:missed 7:run");
    assert_ok(store_slots_meeting(f.s, "p", AT(4), AT(6), f.a, &rows, &n, &err));
    assert_int_equal(0, n);
    assert_ok(store_slots_meeting(f.s, "p", AT(3), AT(6), f.a, &rows, &n, &err));
    assert_int_equal(1, n);
    assert_hit(1, store_slot_at(f.s, id, AT(2), f.a, &r, &err));
    r.last_fire = AT(1);
    assert_hit(0, store_slot_cut(f.s, &r, &err)); /* what runs is no stretch to cut */
    const struct slot_row again =
        slot_of(id, &(struct decision){5, 6, 2, "skipped", "missed", NULL, 1, NULL});
    assert_hit(1, store_slot_add(f.s, &again, &err)); /* free again, and the same stretch goes on */
    expect_slots(&f, id, "1-2x2:run 3-6x4:missed 7:run");
    fx_end(&f);
}

static void what_no_slot_can_be_is_refused(void **state) {
    (void)state;
    static const struct decision bad[] = {
        {1, 1, 1, "maybe", NULL, NULL, 0, NULL},
        {2, 1, 1, "skipped", "missed", NULL, 0, NULL},  /* ends before it begins */
        {1, 2, -1, "skipped", "missed", NULL, 0, NULL}, /* fewer than one */
    };
    struct fx f;
    struct err err;
    begin(&f);
    int64_t id = fx_schedule(&f, "p", "main");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct slot_row slot = slot_of(id, &bad[i]);
        assert_int_equal(-1, store_slot_add(f.s, &slot, &err));
    }
    struct slot_row runless = slot_of(id, &(struct decision){3, 3, 1, "run", NULL, NULL, 0, NULL});
    runless.run = 0;
    assert_int_equal(-1, store_slot_add(f.s, &runless, &err));
    struct slot_row nowhere = slot_of(id + 7, &decisions[0]);
    assert_int_equal(-1, store_slot_add(f.s, &nowhere, &err)); /* no such schedule */
    expect_slots(&f, id, "");
    fx_end(&f);
}

static void a_slot_and_its_run_are_made_together(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct run_row run;
    struct slot_row r;
    begin(&f);
    int64_t definition = fx_definition(f.s, "p", 1, "aa"), id = fx_schedule(&f, "p", "main"), first = 0,
            second = 0;
    const struct slot_row slot = {.schedule = id,
                                  .fire = AT(2),
                                  .window_start = AT(1),
                                  .window_end = AT(2),
                                  .detail = "{\"late\":3}",
                                  .decided_at = AT(3)};
    const struct run_spec spec = {
        .definition = definition, .trigger = "schedule", .schedule = "main", .at = AT(3)};
    assert_hit(1, store_slot_run(f.s, &slot, &spec, &first, &err));
    assert_hit(1, store_run_get(f.s, first, f.a, &run, &err));
    assert_true(run.scheduled_for == AT(2) && run.window_start == AT(1) && run.window_end == AT(2));
    assert_string_equal("queued schedule main",
                        arena_printf(f.a, "%s %s %s", run.state, run.trigger, run.schedule));
    assert_true(run.parent == 0 && run.backfill == 0);
    /* The same instant makes no second run. */
    assert_hit(0, store_slot_run(f.s, &slot, &spec, &second, &err));
    assert_hit(0, store_run_get(f.s, first + 1, f.a, &run, &err));
    assert_int_equal(0, second);
    assert_hit(1, store_slot_of_run(f.s, first, f.a, &r, &err));
    assert_true(r.fire == AT(2) && r.run == first && r.count == 1 && r.last_fire == AT(2));
    assert_string_equal("run queued {\"late\":3}",
                        arena_printf(f.a, "%s %s %s", r.outcome, r.run_state, r.detail));
    assert_hit(0, store_slot_of_run(f.s, first + 1, f.a, &r, &err));
    /* What became of the run is seen through its slot. */
    const struct run_move m = {
        .run = first, .from = "queued", .to = "cancelled", .reason = "superseded", .at = AT(4)};
    assert_hit(1, store_run_move(f.s, &m, &err));
    assert_hit(1, store_slot_at(f.s, id, AT(2), f.a, &r, &err));
    assert_string_equal("cancelled", r.run_state);
    fx_end(&f);
}

/* ---- windows that meet a window ---- */

enum { SLOTS = 400, QUESTIONS = 300 };

static uint64_t luck = 88172645463325252u;
static int64_t draw(int64_t below) {
    luck ^= luck << 13, luck ^= luck >> 7, luck ^= luck << 17;
    return (int64_t)(luck >> 11) % below;
}

struct window {
    instant_t start, end;
};

/* Lengths from a microsecond to years: every size class, and windows far from where they were decided. */
static struct window any_window(void) {
    int64_t length = 1 + draw(INT64_C(1) << draw(48)), start = NOON + draw(400 * US_PER_DAY);
    return (struct window){start, start + length};
}

static void slots_are_found_by_any_window_they_meet(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct slot_row *rows;
    struct window w[SLOTS];
    size_t n;
    begin(&f);
    int64_t ids[] = {fx_schedule(&f, "p", "a"), fx_schedule(&f, "p", "b"), fx_schedule(&f, "q", "a")};
    for (int i = 0; i < SLOTS; i++) {
        w[i] = any_window();
        struct slot_row slot = slot_of(ids[i % 3], &(struct decision){i, i, 1, "run", NULL, NULL, 1, NULL});
        slot.window_start = w[i].start, slot.window_end = w[i].end, slot.run = i + 1;
        assert_hit(1, store_slot_add(f.s, &slot, &err));
    }
    for (int question = 0; question < QUESTIONS; question++) {
        struct window asked = any_window();
        if (question % 7 == 0) asked = w[draw(SLOTS)];
        if (question % 50 == 1) asked.start = INSTANT_NONE;
        if (question % 50 == 2) asked.end = INSTANT_NONE;
        instant_t last = INT64_MIN, end = asked.end == INSTANT_NONE ? INT64_MAX : asked.end;
        size_t expected = 0;
        for (int i = 0; i < SLOTS; i++) expected += i % 3 != 2 && w[i].start < end && w[i].end > asked.start;
        assert_ok(store_slots_meeting(f.s, "p", asked.start, asked.end, f.a, &rows, &n, &err));
        assert_int_equal(expected, n);
        for (size_t i = 0; i < n; i++) {
            assert_true(rows[i].window_start < end && rows[i].window_end > asked.start);
            assert_true(rows[i].window_start >= last);
            last = rows[i].window_start;
        }
    }
    assert_ok(store_slots_meeting(f.s, "nobody", INSTANT_NONE, INSTANT_NONE, f.a, &rows, &n, &err));
    assert_int_equal(0, n);
    fx_end(&f);
}

/* ---- pauses and triggers ---- */

static void a_pause_is_one_row_until_it_is_resumed(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct pause_row *rows;
    struct pipeline_row *pipelines;
    size_t n;
    begin(&f);
    assert_hit(0, store_resume(f.s, "p", &err));
    struct pause_row p = {.pipeline = "p", .author = "ann", .at = AT(1), .until = INSTANT_NONE};
    assert_hit(0, store_pause(f.s, &p, &err));
    p.author = "bob", p.reason = "upgrade", p.at = AT(2), p.until = AT(9), p.catch_up = "latest";
    assert_hit(0, store_pause(f.s, &p, &err)); /* replaces */
    p.pipeline = "a", p.reason = NULL, p.until = INSTANT_NONE, p.catch_up = NULL;
    assert_hit(0, store_pause(f.s, &p, &err));
    assert_ok(store_pauses_list(f.s, INSTANT_NONE, f.a, &rows, &n, &err));
    assert_int_equal(2, n);
    assert_string_equal("a", rows[0].pipeline);
    assert_true(rows[0].until == INSTANT_NONE && !rows[0].reason);
    assert_string_equal("p bob upgrade",
                        arena_printf(f.a, "%s %s %s", rows[1].pipeline, rows[1].author, rows[1].reason));
    assert_true(rows[1].at == AT(2) && rows[1].until == AT(9));
    assert_string_equal("none latest", arena_printf(f.a, "%s %s", rows[0].catch_up, rows[1].catch_up));
    assert_hit(1, store_resume(f.s, "p", &err));
    assert_hit(0, store_resume(f.s, "p", &err));
    assert_ok(store_pauses_list(f.s, INSTANT_NONE, f.a, &rows, &n, &err));
    assert_int_equal(1, n);
    /* A pipeline that is only known by name has not run. */
    assert_ok(store_pipelines_list(f.s, f.a, &pipelines, &n, &err));
    assert_int_equal(0, n);
    fx_end(&f);
}

static void a_trigger_never_goes_back(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    int64_t version = -5;
    begin(&f);
    int64_t id = fx_schedule(&f, "p", "main"), other = fx_schedule(&f, "p", "other");
    assert_hit(0, store_trigger_seen(f.s, id, "raw.orders", &version, &err));
    assert_int_equal(-5, version);
    assert_hit(1, store_trigger_move(f.s, id, "raw.orders", 4, &err));
    assert_hit(0, store_trigger_move(f.s, id, "raw.orders", 4, &err));
    assert_hit(0, store_trigger_move(f.s, id, "raw.orders", 3, &err));
    assert_hit(1, store_trigger_move(f.s, id, "raw.orders", 6, &err));
    assert_hit(1, store_trigger_seen(f.s, id, "raw.orders", &version, &err));
    assert_int_equal(6, version);
    assert_hit(0, store_trigger_seen(f.s, id, "raw.others", &version, &err));
    assert_hit(0, store_trigger_seen(f.s, other, "raw.orders", &version, &err));
    struct trigger_row *rows;
    size_t n;
    assert_hit(1, store_trigger_move(f.s, id, "raw.items", -1, &err)); /* not published yet */
    assert_ok(store_triggers_list(f.s, id, f.a, &rows, &n, &err));
    assert_true(n == 2 && rows[0].version == -1 && rows[1].version == 6);
    assert_string_equal("raw.items", rows[0].dataset);
    assert_hit(1, store_trigger_forget(f.s, id, "raw.items", &err));
    assert_hit(0, store_trigger_forget(f.s, id, "raw.items", &err));
    assert_hit(0, store_trigger_seen(f.s, id, "raw.items", &version, &err));
    fx_end(&f);
}

static int64_t queue_for(struct fx *f, const char *schedule, instant_t start) {
    struct err err;
    int64_t run;
    const struct run_spec r = {.definition = f->definition,
                               .trigger = "dataset",
                               .schedule = schedule,
                               .scheduled_for = NOON,
                               .window_start = start,
                               .window_end = start == INSTANT_NONE ? INSTANT_NONE : start + US_PER_DAY,
                               .at = NOON};
    assert_ok(store_run_add(f->s, &r, &run, &err));
    return run;
}

/* A version for a window whose run still waits needs no other run. */
static void a_run_that_waits_is_found_by_its_window(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    int64_t run;
    begin(&f);
    f.definition = fx_definition(f.s, "p", 1, "aa");
    int64_t day = queue_for(&f, "main", NOON), bare = queue_for(&f, "main", INSTANT_NONE);
    queue_for(&f, "other", NOON);
    struct run_for q = {
        .pipeline = "p", .schedule = "main", .window_start = NOON, .window_end = NOON + US_PER_DAY};
    assert_hit(1, store_run_queued_for(f.s, &q, &run, &err));
    assert_int_equal(day, run);
    q.window_end += 1;
    assert_hit(0, store_run_queued_for(f.s, &q, &run, &err));
    q.window_start = q.window_end = INSTANT_NONE;
    assert_hit(1, store_run_queued_for(f.s, &q, &run, &err));
    assert_int_equal(bare, run);
    const struct run_move m = {.run = bare, .from = "queued", .to = "running", .at = NOON};
    assert_hit(1, store_run_move(f.s, &m, &err));
    assert_hit(0, store_run_queued_for(f.s, &q, &run, &err));
    fx_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schedule_is_there_once_and_keeps_its_cursor),
        cmocka_unit_test(each_instant_is_decided_once),
        cmocka_unit_test(a_stretch_knows_its_first_its_last_and_its_window),
        cmocka_unit_test(what_was_skipped_ahead_of_the_clock_is_forgotten),
        cmocka_unit_test(what_no_slot_can_be_is_refused),
        cmocka_unit_test(a_slot_and_its_run_are_made_together),
        cmocka_unit_test(slots_are_found_by_any_window_they_meet),
        cmocka_unit_test(a_pause_is_one_row_until_it_is_resumed),
        cmocka_unit_test(a_trigger_never_goes_back),
        cmocka_unit_test(a_run_that_waits_is_found_by_its_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
