/* Who read what for which window, and who a later publish made stale. */
#include "tests/unit/store_fixture.h"

#include "store/backfills.h"
#include "store/internal.h"

#define DAY(n) (NOON + (n)*US_PER_DAY)

struct lake {
    struct fx f;
    int64_t dataset, other;
};

static void begin(struct lake *l) {
    struct err err;
    fx_begin(&l->f);
    assert_ok(store_begin(l->f.s, &err));
    struct dataset_spec d = {.name = "trusted.orders", .path = "/x", .format = "delta", .at = NOON};
    assert_ok(store_dataset_ensure(l->f.s, &d, &l->dataset, &err));
    d.name = "trusted.rates", d.path = "/y";
    assert_ok(store_dataset_ensure(l->f.s, &d, &l->other, &err));
}

static void put(struct lake *l, const char *step, int64_t day, int64_t days, int64_t version, int64_t run) {
    struct err err;
    const struct consumed_row c = {.dataset = l->dataset,
                                   .pipeline = "report",
                                   .step = step,
                                   .window_start = DAY(day),
                                   .window_end = DAY(day + days),
                                   .version = version,
                                   .run = run};
    assert_hit(0, store_consumed_put(l->f.s, &c, &err));
}

/* A version of the dataset that `run` published for `days` from `day` on; days 0: for no window. */
static void publish(struct lake *l, int64_t version, int64_t run, int64_t day, int64_t days) {
    struct err err;
    char sql[512];
    snprintf(
        sql, sizeof sql,
        "INSERT INTO version(dataset, version, run, operation, published_at, window_start, window_end, rows,"
        " rows_unknown, bytes, files, rows_added, files_added, files_removed, based_on)"
        " VALUES(%lld, %lld, %lld, 'replace_partitions', %lld, nullif(%lld, 0), nullif(%lld, 0), 0, 0, 0, 0, "
        "0,"
        " 0, 0, -1)",
        (long long)l->dataset, (long long)version, (long long)run, (long long)(NOON + version),
        days ? (long long)DAY(day) : 0, days ? (long long)DAY(day + days) : 0);
    assert_ok(store_exec(l->f.s, sql, &err));
}

static int64_t mark_by(struct lake *l, int64_t run, int64_t day, int64_t days, int64_t version) {
    struct err err;
    int64_t n = -1;
    const struct republished r = {.dataset = l->dataset,
                                  .version = version,
                                  .run = run,
                                  .start = DAY(day),
                                  .end = DAY(day + days),
                                  .at = NOON + version};
    assert_hit(0, store_consumed_stale(l->f.s, &r, &n, &err));
    return n;
}

static int64_t mark(struct lake *l, int64_t day, int64_t days, int64_t version) {
    return mark_by(l, 0, day, days, version);
}

/* step@day+days=version, and !version when one made it stale. */
static const char *text_of(struct lake *l, const struct consumed_row *rows, size_t n) {
    const char *text = "";
    for (size_t i = 0; i < n; i++) {
        const struct consumed_row *c = &rows[i];
        text =
            arena_printf(l->f.a, "%s%s%s@%lld+%lld=%lld", text, i ? " " : "", c->step,
                         (long long)((c->window_start - NOON) / US_PER_DAY),
                         (long long)((c->window_end - c->window_start) / US_PER_DAY), (long long)c->version);
        if (c->stale_since == INSTANT_NONE) continue;
        assert_true(c->stale_since == NOON + c->stale_by);
        text = arena_printf(l->f.a, "%s!%lld", text, (long long)c->stale_by);
    }
    return text;
}

static void expect_consumers(struct lake *l, instant_t start, instant_t end, const char *text) {
    struct err err;
    struct consumed_row *rows;
    size_t n;
    assert_ok(store_consumers(l->f.s, l->dataset, start, end, l->f.a, &rows, &n, &err));
    assert_string_equal(text, text_of(l, rows, n));
}

static void expect_stale(struct lake *l, const char *pipeline, int64_t limit, const char *text) {
    struct err err;
    struct consumed_row *rows;
    size_t n;
    assert_ok(store_stale_list(l->f.s, pipeline, limit, l->f.a, &rows, &n, &err));
    assert_string_equal(text, text_of(l, rows, n));
}

static void a_publish_makes_older_readers_of_its_window_stale(void **state) {
    (void)state;
    struct lake l;
    struct err err;
    struct consumed_row *rows;
    size_t n;
    begin(&l);
    put(&l, "daily", 0, 1, 3, 10), put(&l, "daily", 1, 1, 3, 11), put(&l, "daily", 2, 1, 4, 12);
    put(&l, "month", 0, 30, 4, 13);
    expect_consumers(&l, INSTANT_NONE, INSTANT_NONE, "daily@0+1=3 month@0+30=4 daily@1+1=3 daily@2+1=4");
    expect_consumers(&l, DAY(1), DAY(2), "month@0+30=4 daily@1+1=3");
    expect_consumers(&l, DAY(2), INSTANT_NONE, "month@0+30=4 daily@2+1=4");
    expect_consumers(&l, DAY(30), DAY(31), "");
    assert_int_equal(0, mark(&l, 40, 1, 5));
    assert_int_equal(0, mark(&l, 2, 1, 4)); /* what they read already */
    assert_int_equal(2, mark(&l, 1, 1, 5));
    expect_consumers(&l, DAY(0), DAY(3), "daily@0+1=3 month@0+30=4!5 daily@1+1=3!5 daily@2+1=4");
    assert_int_equal(0,
                     mark_by(&l, 12, 2, 1, 6)); /* the run that published is no reader of what was before */
    assert_int_equal(1, mark(&l, 1, 2, 6));     /* since and by what stay as they were first */
    expect_stale(&l, NULL, 9, "month@0+30=4!5 daily@1+1=3!5 daily@2+1=4!6");
    expect_stale(&l, "report", 2, "month@0+30=4!5 daily@1+1=3!5");
    expect_stale(&l, "others", 9, "");
    /* Read again: fresh, and one row. */
    put(&l, "daily", 1, 1, 6, 20);
    expect_stale(&l, NULL, 9, "month@0+30=4!5 daily@2+1=4!6");
    expect_consumers(&l, DAY(1), DAY(2), "month@0+30=4!5 daily@1+1=6");
    assert_ok(store_consumers(l.f.s, l.dataset, DAY(1), DAY(2), l.f.a, &rows, &n, &err));
    assert_true(rows[1].run == 20 && rows[1].dataset == l.dataset);
    assert_string_equal("trusted.orders report",
                        arena_printf(l.f.a, "%s %s", rows[1].dataset_name, rows[1].pipeline));
    /* Other datasets are not touched. */
    assert_ok(store_consumers(l.f.s, l.other, INSTANT_NONE, INSTANT_NONE, l.f.a, &rows, &n, &err));
    assert_int_equal(0, n);
    fx_end(&l.f);
}

static void what_was_published_while_it_ran_makes_it_stale_at_once(void **state) {
    (void)state;
    struct lake l;
    begin(&l);
    publish(&l, 1, 10, 0, 1);
    publish(&l, 2, 11, 5, 1); /* another window */
    publish(&l, 3, 20, 0, 1); /* its own, by the run that read */
    publish(&l, 4, 12, 0, 0); /* says nothing about a window */
    put(&l, "load", 0, 1, 1, 20);
    expect_consumers(&l, DAY(0), DAY(1), "load@0+1=1");
    publish(&l, 5, 13, 0, 2);
    publish(&l, 6, 14, 0, 1);
    put(&l, "load", 0, 1, 1, 20);
    expect_consumers(&l, DAY(0), DAY(1), "load@0+1=1!5"); /* by the first of them */
    put(&l, "load", 0, 1, 5, 21);
    expect_consumers(&l, DAY(0), DAY(1), "load@0+1=5!6");
    put(&l, "load", 0, 1, 6, 22);
    expect_consumers(&l, DAY(0), DAY(1), "load@0+1=6");
    publish(&l, 7, 0, 0, 1); /* by hand, no run */
    put(&l, "load", 0, 1, 6, 22);
    expect_stale(&l, NULL, 9, "load@0+1=6!7");
    fx_end(&l.f);
}

/* How much of whom: several steps of one window are one window. */
static void stale_windows_are_counted_by_pipeline(void **state) {
    (void)state;
    struct lake l;
    struct err err;
    struct stale_count *rows;
    size_t n;
    begin(&l);
    put(&l, "a", 0, 1, 1, 10), put(&l, "b", 0, 1, 1, 10), put(&l, "a", 3, 2, 1, 11),
        put(&l, "a", 9, 1, 1, 12);
    assert_ok(store_stale_counts(l.f.s, l.f.a, &rows, &n, &err));
    assert_int_equal(0, n);
    mark(&l, 0, 5, 2);
    assert_ok(store_stale_counts(l.f.s, l.f.a, &rows, &n, &err));
    assert_int_equal(1, n);
    assert_string_equal("report trusted.orders",
                        arena_printf(l.f.a, "%s %s", rows[0].pipeline, rows[0].dataset));
    assert_true(rows[0].windows == 2 && rows[0].start == DAY(0) && rows[0].end == DAY(5) &&
                rows[0].since == NOON + 2);
    fx_end(&l.f);
}

enum { READERS = 400, QUESTIONS = 200 };

static uint64_t luck = 88172645463325252u;
static int64_t draw(int64_t below) {
    luck ^= luck << 13, luck ^= luck >> 7, luck ^= luck << 17;
    return (int64_t)(luck >> 11) % below;
}

/* Any window against any other: as many as by looking at all of them. */
static void readers_are_found_by_any_window_they_meet(void **state) {
    (void)state;
    struct lake l;
    struct err err;
    struct {
        int64_t day, days;
        bool is_stale;
    } r[READERS];
    begin(&l);
    for (int i = 0; i < READERS; i++) {
        r[i].day = draw(1000), r[i].days = 1 + draw(INT64_C(1) << draw(10)), r[i].is_stale = false;
        put(&l, arena_printf(l.f.a, "s%d", i), r[i].day, r[i].days, 1, i + 1);
    }
    for (int q = 0; q < QUESTIONS; q++) {
        int64_t day = draw(1000), days = 1 + draw(INT64_C(1) << draw(6)), fresh = 0;
        size_t met = 0, n;
        struct consumed_row *rows;
        for (int i = 0; i < READERS; i++) {
            bool meets = r[i].day < day + days && r[i].day + r[i].days > day;
            met += meets, fresh += meets && !r[i].is_stale;
            r[i].is_stale |= meets && q % 4 == 0;
        }
        assert_ok(store_consumers(l.f.s, l.dataset, DAY(day), DAY(day + days), l.f.a, &rows, &n, &err));
        assert_int_equal(met, n);
        if (q % 4 == 0) assert_int_equal(fresh, mark(&l, day, days, 2));
    }
    fx_end(&l.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_publish_makes_older_readers_of_its_window_stale),
        cmocka_unit_test(what_was_published_while_it_ran_makes_it_stale_at_once),
        cmocka_unit_test(stale_windows_are_counted_by_pipeline),
        cmocka_unit_test(readers_are_found_by_any_window_they_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
