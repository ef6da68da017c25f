/* test_slots.c: windows and slots: cases as text (tests/data/slots), windows that tile in every zone at every
 * change of its clock, and every question answered as by counting. */
#include "base/json.h"
#include "dag/schedule.h"
#include "script.h"

/* ---- cases as text: a line of JSON is a rule, as dag/schedule.h writes it */

struct bench {
    struct schedule *schedule;
    struct slots *slots;
};

static void bench_reset(void *ctx) {
    struct bench *b = ctx;
    slots_free(b->slots);
    schedule_free(b->schedule);
    *b = (struct bench){0};
}

static struct schedule *schedule_of(const char *rule) {
    struct err err = {0};
    json_t *j = json_loads(rule, 0, NULL);
    if (!j) fail_msg("not JSON: %s", rule);
    struct schedule *s = schedule_from_rule("main", j, NULL, &err);
    if (!s) fail_msg("%s: %s", rule, err.msg);
    json_decref(j);
    return s;
}

static void bench_say(void *ctx, char *line) {
    struct bench *b = ctx;
    bench_reset(b);
    b->schedule = schedule_of(line);
    b->slots = slots_new(&b->schedule->rule);
}

static void put_slot(struct buf *out, const struct tz *tz, const struct slot *s) {
    int64_t minutes = (s->end - s->start) / US_PER_MINUTE;
    script_put_time(out, tz, s->fire);
    buf_adds(out, "  [");
    script_put_time(out, tz, s->start);
    buf_adds(out, ", ");
    script_put_time(out, tz, s->end);
    buf_addf(out, ")  %lld:%02d\n", (long long)minutes / 60, (int)(minutes % 60));
}

static void walk(struct bench *b, instant_t from, long n, struct buf *out) {
    struct slot s;
    bool there = slots_next(b->slots, from, &s);
    for (; there && n > 0; n--, there = slots_step(b->slots, &s)) put_slot(out, b->schedule->rule.tz, &s);
    if (!there) buf_adds(out, "none\n");
}

static void walk_back(struct bench *b, instant_t from, long n, struct buf *out) {
    struct slot s;
    bool there = slots_prev(b->slots, from, &s);
    for (; there && n > 0; n--, there = slots_prev(b->slots, s.fire, &s))
        put_slot(out, b->schedule->rule.tz, &s);
    if (!there) buf_adds(out, "none\n");
}

/* The windows that lie in [from, to), as a backfill asks: whatever `end` says. */
static void within(const struct bench *b, instant_t from, instant_t to, struct buf *out) {
    struct slot_rule r = b->schedule->rule;
    r.start = from;
    r.end = to;
    struct bench in = {.schedule = b->schedule, .slots = slots_new(&r)};
    walk(&in, from, 1000, out);
    slots_free(in.slots);
}

static void bench_ask(void *ctx, char *line, struct buf *out) {
    static const char *const faults[] = {
#define X(name) #name,
        SLOTS_FAULT_LIST(X)
#undef X
    };
    struct bench *b = ctx;
    const struct tz *tz = b->schedule->rule.tz;
    char *verb = strsep(&line, " "), *first = strsep(&line, " "), *second = strsep(&line, " ");
    instant_t t = first ? script_time(first, tz) : 0;
    struct slot s;
    if (strcmp(verb, "next") == 0) walk(b, t, second ? atol(second) : 1, out);
    if (strcmp(verb, "prev") == 0) walk_back(b, t, second ? atol(second) : 1, out);
    if (strcmp(verb, "within") == 0) within(b, t, script_time(second, tz), out);
    if (strcmp(verb, "fault") == 0) buf_addf(out, "%s\n", faults[slots_fault(b->slots)]);
    if (strcmp(verb, "cursor") == 0) {
        script_put_time(out, tz, slots_first_cursor(b->slots, t));
        buf_addc(out, '\n');
    }
    bool one = strcmp(verb, "at") == 0 || strcmp(verb, "complete") == 0;
    if (!one) return;
    if (*verb == 'a' ? slots_at(b->slots, t, &s) : slots_complete(b->slots, t, &s))
        put_slot(out, tz, &s);
    else
        buf_adds(out, "none\n");
}

static void test_cases(void **state) {
    (void)state;
    struct bench b = {0};
    script_folder(&(struct script){.reset = bench_reset, .say = bench_say, .ask = bench_ask, .ctx = &b},
                  "slots");
    bench_reset(&b);
}

/* ---- every zone, every change of its clock */

static struct tz **zones;
static size_t zone_count;

/* One of each kind: many names say the same. */
static int load_zones(void **state) {
    (void)state;
    size_t n;
    char **names = tz_names(&n);
    zones = xcalloc(n, sizeof *zones);
    for (size_t i = 0; i < n; i++) {
        struct tz *tz = tz_load(names[i], NULL);
        bool known = !tz;
        for (size_t k = 0; !known && k < zone_count; k++) known = tz_same(zones[k], tz);
        if (known)
            tz_free(tz);
        else
            zones[zone_count++] = tz;
    }
    tz_names_free(names, n);
    return zone_count < 100;
}

static int free_zones(void **state) {
    (void)state;
    for (size_t i = 0; i < zone_count; i++) tz_free(zones[i]);
    free(zones);
    return 0;
}

static instant_t at(int year) { return days_from_civil(year, 1, 1) * US_PER_DAY; }

/* LEAT_QUICK: under valgrind. */
static size_t stride(void) { return getenv("LEAT_QUICK") ? 40 : 1; }

static void each_change(int from, int until, void (*check)(const struct tz *tz, instant_t change, void *ctx),
                        void *ctx) {
    for (size_t i = 0; i < zone_count; i += stride())
        for (instant_t t = tz_next_change(zones[i], at(from)); t != INSTANT_NONE && t < at(until);
             t = tz_next_change(zones[i], t))
            check(zones[i], t, ctx);
}

static void fail_at(const struct tz *tz, const struct slot *a, const struct slot *b, const char *what) {
    struct buf out = BUF_INIT;
    put_slot(&out, tz, a);
    put_slot(&out, tz, b);
    fail_msg("%s: %s\n%s", tz_name(tz), what, buf_str(&out));
}

/* From one slot to the next: no hole, no overlap, never empty, closed before it fires; and however one asks,
 * the answer is the same. */
static void check_pair(struct slots *s, const struct slot *a, const struct slot *b) {
    const struct tz *tz = slots_rule(s)->tz;
    struct slot next = {0}, prev = {0};
    if (a->end != b->start) fail_at(tz, a, b, "the windows do not tile");
    if (b->start >= b->end || b->end > b->fire) fail_at(tz, a, b, "the window is empty, or not over");
    if (!slots_next(s, a->fire, &next) || memcmp(&next, b, sizeof next) != 0) fail_at(tz, &next, b, "next");
    if (!slots_prev(s, b->fire, &prev) || memcmp(&prev, a, sizeof prev) != 0) fail_at(tz, &prev, a, "prev");
}

static void check_around(struct slots *s, instant_t from, instant_t to) {
    struct slot a, b;
    if (!slots_next(s, from, &a)) fail_msg("no slot");
    for (b = a; a.fire < to && slots_step(s, &b); a = b) check_pair(s, &a, &b);
}

struct tiling {
    struct schedule *schedule;
    duration_t around;
};

static void tiles_at(const struct tz *tz, instant_t change, void *ctx) {
    const struct tiling *t = ctx;
    struct slot_rule r = t->schedule->rule;
    r.tz = tz;
    struct slots *s = slots_new(&r);
    check_around(s, change - t->around, change + t->around);
    slots_free(s);
}

static void test_windows_tile(void **state) {
    (void)state;
    static const struct {
        const char *rule;
        int days;
    } cases[] = {
        {"{\"every\": \"day at 00:00\", \"covers\": \"previous day\"}", 2},
        {"{\"every\": \"day at 02:30\", \"covers\": \"previous day\"}", 2},
        {"{\"every\": \"day at 23:45\", \"covers\": \"previous day\"}", 2},
        {"{\"every\": \"weekday at 06:15\", \"covers\": \"days since previous firing\"}", 4},
        {"{\"every\": \"monday, thursday at 23:59\", \"covers\": \"days since previous firing\"}", 8},
        {"{\"every\": \"sunday at 00:30\", \"covers\": \"previous week\"}", 15},
        {"{\"every\": \"month on 1 at 00:00\", \"covers\": \"previous month\"}", 40},
        {"{\"every\": \"month on last at 23:59\", \"covers\": \"previous month\"}", 40},
        {"{\"every\": \"hour at :00\", \"covers\": \"previous firing\"}", 1},
        {"{\"cron\": [\"*/15 * * * *\"], \"covers\": \"previous firing\"}", 1},
        {"{\"cron\": [\"30 2 * * *\", \"5,35 0-3 * * *\"], \"covers\": \"previous firing\"}", 2},
        {"{\"every\": \"day at 02:30\", \"covers\": \"days since previous firing\", \"calendar\": {\"name\": "
         "\"c\", \"days\": [[\"2007-01-01\", \"2009-12-31\"], [\"2018-05-04\", \"2018-05-04\"]]}}",
         3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tiling t = {.schedule = schedule_of(cases[i].rule), .around = cases[i].days * US_PER_DAY};
        each_change(i < 4 ? 1971 : 1990, i < 4 ? 2038 : 2013, tiles_at, &t);
        schedule_free(t.schedule);
    }
}

static void check_unit(enum window_unit unit, const struct tz *tz, instant_t t) {
    instant_t start = unit_floor(unit, tz, t), back = start;
    assert_true(start <= t);
    assert_int_equal(unit_floor(unit, tz, start), start);
    instant_t next = unit_next(unit, tz, t);
    if (next <= t || unit_floor(unit, tz, next) != next ||
        unit_floor(unit, tz, next - US_PER_SECOND) != start)
        fail_msg("%s: the unit after that of %lld", tz ? tz_name(tz) : "UTC", (long long)t);
    for (int i = 1; i <= 30; i++) {
        instant_t before = unit_floor(unit, tz, back - US_PER_SECOND);
        if (before != unit_back(unit, tz, back, 1) || before != unit_back(unit, tz, start, i))
            fail_msg("%s: unit %d, %d before %lld", tz_name(tz), unit, i, (long long)(start / US_PER_SECOND));
        assert_true(before < back);
        back = before;
    }
}

static void units_at(const struct tz *tz, instant_t change, void *ctx) {
    (void)ctx;
    static const int minutes[] = {-3000, -95, -31, -1, 0, 1, 29, 61, 125, 1450};
    for (size_t i = 0; i < sizeof minutes / sizeof *minutes; i++)
        for (int unit = WINDOW_HOUR; unit <= WINDOW_MONTH; unit++)
            check_unit((enum window_unit)unit, tz, change + minutes[i] * US_PER_MINUTE);
}

static void test_units(void **state) {
    (void)state;
    each_change(2004, 2013, units_at, NULL);
}

/* ---- against counting */

static uint64_t seed = 20261128;

static int64_t pick(int64_t n) {
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (int64_t)(seed >> 33) % n;
}

static const char *pick_of(const char *const *list, size_t n) { return list[pick((int64_t)n)]; }
#define PICK(list) pick_of(list, sizeof list / sizeof *list)

static const char *const some_crons[] = {"*/20 * * * *", "15 6 * * *",  "30 2 * * *", "0 0 * * 1",
                                         "0 */7 * * *",  "45 23 * * *", "0 0 1 * *",  "17 3 * * 1-5",
                                         "@every 5h",    "59 23 L * *"};
static const char *const some_covers[] = {
    "previous firing",  "previous day",      "previous 3 hours",          "previous 2 weeks",
    "previous 30 days", "previous 2 months", "days since previous firing"};
static const char *const some_zones[] = {"Europe/Berlin",
                                         "America/New_York",
                                         "Australia/Lord_Howe",
                                         "Pacific/Apia",
                                         "America/St_Johns",
                                         "Asia/Pyongyang",
                                         "UTC"};

static void random_rule(struct buf *b) {
    buf_addf(b, "{\"cron\": [\"%s\"", PICK(some_crons));
    if (pick(2)) buf_addf(b, ", \"%s\"", PICK(some_crons));
    buf_addf(b, "], \"timezone\": \"%s\", \"covers\": \"%s\"}", PICK(some_zones), PICK(some_covers));
}

/* All slots of [from, to), counted: every fire of every text, then the dates, then the bounds. */
struct counted {
    struct slot *list;
    size_t count, cap;
};

static void count_slots(const struct slot_rule *r, instant_t from, instant_t to, struct counted *out) {
    struct slot_rule open = *r;
    open.start = open.end = INSTANT_NONE;
    struct slots *s = slots_new(&open);
    for (instant_t t = from; (t = slots_fire_next(s, t)) != INSTANT_NONE && t < to;) {
        struct slot w;
        if (!slots_window(s, t, &w) || w.start >= w.end) continue;
        if (r->start != INSTANT_NONE && w.start < r->start) continue;
        if (r->end != INSTANT_NONE && w.end > r->end) continue;
        GROW(out->list, out->count, out->cap);
        out->list[out->count++] = w;
    }
    slots_free(s);
}

static bool closed_on(const struct slot_rule *r, instant_t t) {
    struct civil c = r->tz ? tz_civil(r->tz, t) : civil_of(t);
    int64_t day = days_from_civil(c.year, c.month, c.day);
    for (size_t i = 0; i < r->closed_count; i++)
        if (day >= r->closed[i].first && day <= r->closed[i].last) return true;
    return false;
}

/* F' is F without the dates, in both directions. */
static void check_closed(const struct slot_rule *r, instant_t from, instant_t to) {
    struct slot_rule all = *r;
    all.closed_count = 0;
    struct slots *f = slots_new(&all), *g = slots_new(r);
    instant_t t = from, u = from, back = to;
    for (;;) {
        do t = slots_fire_next(f, t);
        while (t != INSTANT_NONE && t < to && closed_on(r, t));
        u = slots_fire_next(g, u);
        if (t == INSTANT_NONE || t >= to) break;
        assert_int_equal(t, u);
    }
    for (t = to; t != INSTANT_NONE && t > from;) {
        do t = slots_fire_prev(f, t);
        while (t != INSTANT_NONE && t > from && closed_on(r, t));
        back = slots_fire_prev(g, back);
        if (t > from) assert_int_equal(t, back);
    }
    slots_free(f);
    slots_free(g);
}

static void check_rule(const struct slot_rule *r, instant_t from, instant_t to) {
    struct counted want = {0};
    struct slots *s = slots_new(r);
    struct slot w, first;
    size_t n = 0;
    count_slots(r, from, to, &want);
    for (bool there = slots_next(s, from, &w); there && w.fire < to; there = slots_step(s, &w), n++) {
        assert_true(n < want.count);
        assert_memory_equal(&w, &want.list[n], sizeof w);
        assert_true(slots_at(s, w.fire, &first) && memcmp(&w, &first, sizeof w) == 0);
    }
    assert_int_equal(n, want.count);
    for (instant_t t = to; slots_prev(s, t, &w) && w.fire > from; t = w.fire) {
        assert_true(n > 0);
        assert_memory_equal(&w, &want.list[--n], sizeof w);
    }
    assert_int_equal(n, 0);
    slots_free(s);
    free(want.list);
}

static void test_counting(void **state) {
    (void)state;
    for (size_t i = 0; i < 400; i += stride()) {
        struct buf b = BUF_INIT;
        instant_t from = at(2011) + pick(365 * 9) * US_PER_DAY;
        random_rule(&b);
        struct schedule *s = schedule_of(buf_str(&b));
        struct date_range days[2] = {{.first = from / US_PER_DAY + 20 + pick(9)}, {0}};
        days[0].last = days[0].first + (pick(3) ? pick(3) : 20);
        days[1].first = days[0].last + 2 + pick(10);
        days[1].last = days[1].first + pick(40);
        struct slot_rule r = s->rule;
        if (pick(2)) r.closed = days, r.closed_count = 2;
        if (pick(2)) r.start = from + pick(50) * US_PER_DAY + pick(86400) * US_PER_SECOND;
        if (pick(2)) r.end = from + (50 + pick(50)) * US_PER_DAY;
        check_closed(&r, from, from + 90 * US_PER_DAY);
        check_rule(&r, from, from + 120 * US_PER_DAY);
        schedule_free(s);
        buf_release(&b);
    }
}

/* ---- words */

static void test_words(void **state) {
    (void)state;
    static const char *const good[] = {"previous firing",
                                       "previous hour",
                                       "previous day",
                                       "previous 7 days",
                                       "previous week",
                                       "previous 3 months",
                                       "previous 10000 hours",
                                       "hours since previous firing",
                                       "months since previous firing"};
    static const char *const bad[] = {"",
                                      "previous",
                                      "previous 0 days",
                                      "previous 10001 days",
                                      "previous -1 day",
                                      "previous 2 firings",
                                      "previous year",
                                      "day",
                                      "firings since previous firing",
                                      "day since previous firing",
                                      "previous day since previous firing",
                                      "previous 12345678 days",
                                      "previous 2 days ",
                                      "days since",
                                      "previous days ago"};
    struct covers c;
    char text[COVERS_TEXT];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(covers_parse(good[i], &c));
        assert_string_equal(covers_text(&c, text), good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (covers_parse(bad[i], &c) && strcmp(bad[i], "previous 2 days ") != 0) fail_msg("`%s`", bad[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_words),
                                       cmocka_unit_test(test_counting), cmocka_unit_test(test_units),
                                       cmocka_unit_test(test_windows_tile)};
    return cmocka_run_group_tests(tests, load_zones, free_zones);
}
