/* Backfills: the plan, its counters, who may start, who is in the way (against a naive search). */
#include "tests/unit/store_fixture.h"

#include "store/backfills.h"
#include "store/internal.h"

#define DAY(n) (NOON + (n)*US_PER_DAY)

static void begin(struct fx *f) {
    struct err err;
    fx_begin(f);
    assert_ok(store_begin(f->s, &err));
}

static struct backfill_spec spec_named(const char *name) {
    return (struct backfill_spec){.kind = "backfill",
                                  .name = name,
                                  .subject = "p",
                                  .window_from = DAY(0),
                                  .window_to = DAY(9),
                                  .max_parallel = 4,
                                  .max_failures = -1,
                                  .author = "ann",
                                  .reason = "late data",
                                  .at = NOON};
}

static struct backfill_item item(int64_t n, int64_t stage, int64_t day, int64_t days, const char *action) {
    return (struct backfill_item){.n = n,
                                  .stage = stage,
                                  .pipeline = stage ? "q" : "p",
                                  .window_start = DAY(day),
                                  .window_end = DAY(day + days),
                                  .action = action,
                                  .reason = "because"};
}

/* Four days of p, one of them kept; then two spans of q, one of them refused. */
static int64_t add_plan(struct fx *f, const char *name) {
    struct err err;
    int64_t id = 0;
    const struct backfill_spec b = spec_named(name);
    const struct backfill_item items[] = {
        item(0, 0, 0, 1, "run"),    item(1, 0, 1, 1, "keep"), item(2, 0, 2, 1, "run"),
        item(3, 0, 3, 1, "run"),    item(4, 1, 0, 2, "run"),  item(5, 1, 2, 2, "run"),
        item(6, 1, 9, 1, "refuse"),
    };
    assert_hit(1, store_backfill_add(f->s, &b, items, sizeof items / sizeof *items, &id, &err));
    return id;
}

static void expect_counters(struct fx *f, int64_t id, const char *text) {
    struct err err;
    struct backfill_row b;
    assert_hit(1, store_backfill_get(f->s, id, f->a, &b, &err));
    assert_string_equal(
        text,
        arena_printf(f->a,
                     "%s: %lld = planned %lld running %lld ok %lld failed %lld skipped %lld cancelled %lld",
                     b.state, (long long)b.total, (long long)b.planned, (long long)b.running,
                     (long long)b.done, (long long)b.failed, (long long)b.skipped, (long long)b.cancelled));
}

static int step(struct fx *f, int64_t id, int64_t n, const char *from, const char *to, int64_t run) {
    struct err err = {0};
    const struct item_move m = {.backfill = id, .n = n, .from = from, .to = to, .run = run};
    return store_backfill_item_move(f->s, &m, &err);
}

static const char *numbers(struct fx *f, const struct backfill_item *rows, size_t n) {
    const char *text = "";
    for (size_t i = 0; i < n; i++)
        text = arena_printf(f->a, "%s%s%lld", text, i ? " " : "", (long long)rows[i].n);
    return text;
}

static void expect_next(struct fx *f, int64_t id, int64_t from, int64_t limit, const char *text) {
    struct err err;
    struct backfill_item *rows;
    size_t n;
    assert_ok(store_backfill_next(f->s, id, from, limit, f->a, &rows, &n, &err));
    assert_string_equal(text, numbers(f, rows, n));
}

/* ---- the plan ---- */

static void a_plan_is_written_whole(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct backfill_row b;
    struct backfill_item *rows;
    size_t n;
    begin(&f);
    int64_t id = add_plan(&f, NULL);
    expect_counters(&f, id, "queued: 7 = planned 5 running 0 ok 0 failed 0 skipped 2 cancelled 0");
    assert_hit(1, store_backfill_get(f.s, id, f.a, &b, &err));
    assert_string_equal("backfill p {} ann late data", arena_printf(f.a, "%s %s %s %s %s", b.kind, b.subject,
                                                                    b.options, b.author, b.reason));
    assert_true(!b.name && b.window_from == DAY(0) && b.window_to == DAY(9));
    assert_true(b.max_parallel == 4 && b.max_failures == -1 && b.created_at == NOON);
    assert_true(b.started_at == INSTANT_NONE && b.finished_at == INSTANT_NONE);
    const struct item_filter all = {.backfill = id, .limit = 100};
    assert_ok(store_backfill_items(f.s, &all, f.a, &rows, &n, &err));
    assert_string_equal("0 1 2 3 4 5 6", numbers(&f, rows, n));
    assert_string_equal(
        "p keep because skipped",
        arena_printf(f.a, "%s %s %s %s", rows[1].pipeline, rows[1].action, rows[1].reason, rows[1].state));
    assert_true(rows[4].stage == 1 && rows[4].window_start == DAY(0) && rows[4].window_end == DAY(2));
    assert_true(!rows[4].options && rows[4].run == 0);
    assert_hit(0, store_backfill_get(f.s, id + 1, f.a, &b, &err));
    fx_end(&f);
}

static void items_are_listed_by_state_and_page(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    begin(&f);
    int64_t id = add_plan(&f, NULL);
    const struct {
        struct item_filter filter;
        const char *numbers;
    } cases[] = {
        {{.backfill = id, .limit = 2}, "0 1"},
        {{.backfill = id, .from = 5, .limit = 9}, "5 6"},
        {{.backfill = id, .limit = 9, .state = "planned"}, "0 2 3 4 5"},
        {{.backfill = id, .from = 3, .limit = 2, .state = "planned"}, "3 4"},
        {{.backfill = id, .limit = 9, .state = "skipped"}, "1 6"},
        {{.backfill = id, .limit = 9, .state = "failed"}, ""},
        {{.backfill = id + 1, .limit = 9}, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct backfill_item *rows;
        size_t n;
        assert_ok(store_backfill_items(f.s, &cases[i].filter, f.a, &rows, &n, &err));
        assert_string_equal(cases[i].numbers, numbers(&f, rows, n));
    }
    fx_end(&f);
}

static void a_name_is_one_backfill(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct backfill_row b;
    int64_t again = 0;
    begin(&f);
    add_plan(&f, NULL), add_plan(&f, NULL); /* as many without a name as there are */
    int64_t id = add_plan(&f, "october");
    const struct backfill_spec same = spec_named("october");
    const struct backfill_item other = item(0, 0, 7, 1, "run");
    assert_hit(0, store_backfill_add(f.s, &same, &other, 1, &again, &err));
    assert_int_equal(id, again);
    expect_counters(&f, id, "queued: 7 = planned 5 running 0 ok 0 failed 0 skipped 2 cancelled 0");
    assert_hit(1, store_backfill_named(f.s, "october", f.a, &b, &err));
    assert_int_equal(id, b.id);
    assert_hit(0, store_backfill_named(f.s, "november", f.a, &b, &err));
    fx_end(&f);
}

static void what_no_plan_can_be_is_refused(void **state) {
    (void)state;
    struct fx f;
    struct err err = {0};
    int64_t id = 0;
    begin(&f);
    struct backfill_spec b = spec_named(NULL);
    const struct backfill_item twice[] = {item(0, 0, 0, 1, "run"), item(0, 0, 1, 1, "run")};
    const struct backfill_item odd = item(0, 0, 0, 1, "maybe");
    assert_int_equal(-1, store_backfill_add(f.s, &b, twice, 2, &id, &err));
    assert_int_equal(-1, store_backfill_add(f.s, &b, &odd, 1, &id, &err));
    b.kind = "wish";
    assert_int_equal(-1, store_backfill_add(f.s, &b, NULL, 0, &id, &err));
    assert_int_equal(0, id);
    fx_end(&f);
}

/* ---- its life ---- */

static void expect_list(struct fx *f, bool open_only, const char *text) {
    struct err err;
    struct backfill_row *rows;
    const char *all = "";
    size_t n;
    assert_ok(store_backfills_list(f->s, open_only, f->a, &rows, &n, &err));
    for (size_t i = 0; i < n; i++)
        all = arena_printf(f->a, "%s%s%lld:%s", all, i ? " " : "", (long long)rows[i].id, rows[i].state);
    assert_string_equal(text, all);
}

static void a_backfill_moves_by_compare_and_set(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct backfill_row b;
    begin(&f);
    add_plan(&f, NULL), add_plan(&f, NULL), add_plan(&f, NULL);
    assert_hit(0, store_backfill_move(f.s, 1, "running", "ok", DAY(1), &err));
    assert_hit(1, store_backfill_move(f.s, 1, "queued", "running", DAY(1), &err));
    assert_hit(1, store_backfill_move(f.s, 1, "running", "paused", DAY(2), &err));
    assert_hit(1, store_backfill_move(f.s, 1, "paused", "running", DAY(3), &err));
    expect_list(&f, true, "1:running 2:queued 3:queued");
    assert_hit(1, store_backfill_move(f.s, 1, "running", "failed", DAY(4), &err));
    assert_hit(1, store_backfill_move(f.s, 3, "queued", "cancelled", DAY(4), &err));
    expect_list(&f, true, "2:queued");
    expect_list(&f, false, "3:cancelled 2:queued 1:failed");
    assert_hit(1, store_backfill_get(f.s, 1, f.a, &b, &err));
    assert_true(b.started_at == DAY(1) && b.finished_at == DAY(4));
    assert_hit(1, store_backfill_move(f.s, 1, "failed", "queued", DAY(5), &err)); /* its failures again */
    assert_hit(1, store_backfill_get(f.s, 1, f.a, &b, &err));
    assert_true(b.started_at == DAY(1) && b.finished_at == INSTANT_NONE);
    assert_hit(0, store_backfill_move(f.s, 9, "queued", "running", DAY(5), &err));
    err = (struct err){0};
    assert_int_equal(-1, store_backfill_move(f.s, 1, "queued", "maybe", DAY(5), &err));
    fx_end(&f);
}

static void counters_move_with_items(void **state) {
    (void)state;
    static const struct {
        int64_t n;
        const char *from, *to;
        int answer;
        const char *counters;
    } moves[] = {
        {0, "planned", "running", 1, "planned 4 running 1 ok 0 failed 0 skipped 2 cancelled 0"},
        {0, "planned", "running", 0, "planned 4 running 1 ok 0 failed 0 skipped 2 cancelled 0"},
        {0, "running", "ok", 1, "planned 4 running 0 ok 1 failed 0 skipped 2 cancelled 0"},
        {2, "planned", "running", 1, "planned 3 running 1 ok 1 failed 0 skipped 2 cancelled 0"},
        {2, "running", "failed", 1, "planned 3 running 0 ok 1 failed 1 skipped 2 cancelled 0"},
        {5, "planned", "cancelled", 1, "planned 2 running 0 ok 1 failed 1 skipped 2 cancelled 1"},
        {1, "planned", "running", 0, "planned 2 running 0 ok 1 failed 1 skipped 2 cancelled 1"},
        {9, "planned", "running", 0, "planned 2 running 0 ok 1 failed 1 skipped 2 cancelled 1"},
        {2, "failed", "planned", 1, "planned 3 running 0 ok 1 failed 0 skipped 2 cancelled 1"},
        {1, "skipped", "planned", 1, "planned 4 running 0 ok 1 failed 0 skipped 1 cancelled 1"},
        {2, "planned", "maybe", -1, "planned 4 running 0 ok 1 failed 0 skipped 1 cancelled 1"},
    };
    struct fx f;
    begin(&f);
    int64_t other = add_plan(&f, NULL), id = add_plan(&f, NULL);
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        assert_int_equal(moves[i].answer, step(&f, id, moves[i].n, moves[i].from, moves[i].to, 0));
        expect_counters(&f, id, arena_printf(f.a, "queued: 7 = %s", moves[i].counters));
    }
    expect_counters(&f, other, "queued: 7 = planned 5 running 0 ok 0 failed 0 skipped 2 cancelled 0");
    fx_end(&f);
}

static void an_item_is_found_by_its_run(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    struct backfill_item i = {0};
    int64_t backfill = 0;
    begin(&f);
    int64_t id = add_plan(&f, NULL);
    assert_hit(0, store_backfill_item_of_run(f.s, 50, f.a, &backfill, &i, &err));
    assert_int_equal(1, step(&f, id, 2, "planned", "running", 50));
    assert_int_equal(1, step(&f, id, 2, "running", "failed", 0)); /* 0 leaves it */
    assert_hit(1, store_backfill_item_of_run(f.s, 50, f.a, &backfill, &i, &err));
    assert_true(backfill == id && i.n == 2 && i.run == 50);
    assert_string_equal("failed", i.state);
    assert_int_equal(1, step(&f, id, 2, "failed", "running", 51)); /* another run in its place */
    assert_hit(0, store_backfill_item_of_run(f.s, 50, f.a, &backfill, &i, &err));
    assert_hit(1, store_backfill_item_of_run(f.s, 51, f.a, &backfill, &i, &err));
    fx_end(&f);
}

static void what_has_not_started_is_cancelled_at_once(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    int64_t n = -1;
    begin(&f);
    int64_t other = add_plan(&f, NULL), id = add_plan(&f, NULL);
    assert_int_equal(1, step(&f, id, 0, "planned", "running", 50));
    assert_hit(0, store_backfill_cancel_planned(f.s, id, &n, &err));
    assert_int_equal(4, n);
    expect_counters(&f, id, "queued: 7 = planned 0 running 1 ok 0 failed 0 skipped 2 cancelled 4");
    assert_hit(0, store_backfill_cancel_planned(f.s, id, &n, &err));
    assert_int_equal(0, n);
    assert_hit(0, store_backfill_cancel_planned(f.s, id + 1, &n, &err));
    assert_int_equal(0, n);
    expect_counters(&f, other, "queued: 7 = planned 5 running 0 ok 0 failed 0 skipped 2 cancelled 0");
    fx_end(&f);
}

/* ---- stages ---- */

static void a_stage_waits_for_the_windows_it_meets(void **state) {
    (void)state;
    struct fx f;
    struct err err;
    int64_t n = -1;
    begin(&f);
    int64_t id = add_plan(&f, NULL);
    expect_next(&f, id, 0, 100, "0 2 3");
    expect_next(&f, id, 1, 100, "2 3");
    expect_next(&f, id, 0, 1, "0");
    assert_int_equal(1, step(&f, id, 0, "planned", "running", 0));
    expect_next(&f, id, 0, 100, "2 3"); /* running is in the way of item 4 */
    assert_int_equal(1, step(&f, id, 0, "running", "ok", 0));
    expect_next(&f, id, 0, 100, "2 3 4"); /* its other half was kept */
    assert_ok(store_backfill_blockers(f.s, id, 1, DAY(2), DAY(4), &n, &err));
    assert_int_equal(2, n);
    assert_ok(store_backfill_blockers(f.s, id, 1, DAY(0), DAY(2), &n, &err));
    assert_int_equal(0, n);
    assert_ok(
        store_backfill_blockers(f.s, id, 0, DAY(0), DAY(9), &n, &err)); /* nothing is before the first */
    assert_int_equal(0, n);
    assert_ok(store_backfill_blockers(f.s, id, 1, DAY(4), DAY(9), &n, &err)); /* half-open */
    assert_int_equal(0, n);
    assert_int_equal(1, step(&f, id, 2, "planned", "running", 0));
    assert_int_equal(1, step(&f, id, 2, "running", "failed", 0));
    assert_int_equal(1, step(&f, id, 3, "planned", "cancelled", 0));
    assert_ok(store_backfill_blockers(f.s, id, 1, DAY(2), DAY(4), &n, &err)); /* neither lets it go */
    assert_int_equal(2, n);
    expect_next(&f, id, 0, 100, "4");
    expect_next(&f, id + 1, 0, 100, "");
    fx_end(&f);
}

enum { ITEMS = 300, STAGES = 4, ROUNDS = 60 };

static uint64_t luck = 88172645463325252u;
static int64_t draw(int64_t below) {
    luck ^= luck << 13, luck ^= luck >> 7, luck ^= luck << 17;
    return (int64_t)(luck >> 11) % below;
}

static int64_t blockers_of(const struct backfill_item *items, int64_t stage, instant_t start, instant_t end) {
    int64_t found = 0;
    for (int i = 0; i < ITEMS; i++) {
        const struct backfill_item *b = &items[i];
        bool over = strcmp(b->state, "ok") == 0 || strcmp(b->state, "skipped") == 0;
        found += !over && b->stage < stage && b->window_start < end && b->window_end > start;
    }
    return found;
}

/* Hours, days and months in four stages, moved at random: the same answers as by looking at everything. */
static void who_may_start_is_what_a_naive_search_finds(void **state) {
    (void)state;
    static const char *const states[] = {"ok", "ok", "ok", "failed", "cancelled", "running"};
    static const int64_t hours[] = {1, 24, 720, 7};
    struct fx f;
    struct err err;
    struct backfill_item items[ITEMS], *next;
    size_t count;
    int64_t id = 0, n = 0;
    begin(&f);
    for (int i = 0; i < ITEMS; i++) {
        items[i] = item(i, draw(STAGES), 0, 1, draw(9) ? "run" : "keep");
        items[i].window_start = NOON + draw(2000) * US_PER_HOUR;
        items[i].window_end = items[i].window_start + hours[draw(4)] * US_PER_HOUR;
        items[i].state = strcmp(items[i].action, "run") ? "skipped" : "planned";
    }
    const struct backfill_spec b = spec_named(NULL);
    assert_hit(1, store_backfill_add(f.s, &b, items, ITEMS, &id, &err));
    for (int round = 0; round < ROUNDS; round++) {
        for (int k = 0; k < 6; k++) {
            struct backfill_item *i = &items[draw(ITEMS)];
            const char *to = states[draw(6)];
            assert_int_equal(1, step(&f, id, i->n, i->state, to, 0));
            i->state = to;
        }
        const struct backfill_item *asked = &items[draw(ITEMS)];
        assert_ok(
            store_backfill_blockers(f.s, id, asked->stage, asked->window_start, asked->window_end, &n, &err));
        assert_int_equal(blockers_of(items, asked->stage, asked->window_start, asked->window_end), n);
        assert_ok(store_backfill_next(f.s, id, 0, ITEMS, f.a, &next, &count, &err));
        size_t at = 0;
        for (int i = 0; i < ITEMS; i++) {
            if (strcmp(items[i].state, "planned") != 0) continue;
            if (blockers_of(items, items[i].stage, items[i].window_start, items[i].window_end)) continue;
            assert_true(at < count && next[at].n == i);
            at++;
        }
        assert_int_equal(at, count);
    }
    fx_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_is_written_whole),
        cmocka_unit_test(items_are_listed_by_state_and_page),
        cmocka_unit_test(a_name_is_one_backfill),
        cmocka_unit_test(what_no_plan_can_be_is_refused),
        cmocka_unit_test(a_backfill_moves_by_compare_and_set),
        cmocka_unit_test(counters_move_with_items),
        cmocka_unit_test(an_item_is_found_by_its_run),
        cmocka_unit_test(what_has_not_started_is_cancelled_at_once),
        cmocka_unit_test(a_stage_waits_for_the_windows_it_meets),
        cmocka_unit_test(who_may_start_is_what_a_naive_search_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
