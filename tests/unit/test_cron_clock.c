/* test_cron_clock.c: fire sets as sets: random schedules around random changes of odd zones, compared with
 * the clauses of cron.h read literally, instant by instant; and the ends of time. */
#include "cron/cron.h"
#include "cron_fixture.h"

enum { ROUNDS = 1500, FIRES_MAX = 8000 };

#define DAY (86400 * US_PER_SECOND)

static const char *const zones[] = {"America/New_York",
                                    "Australia/Lord_Howe",
                                    "Pacific/Apia",
                                    "Antarctica/Troll",
                                    "Europe/Dublin",
                                    "Asia/Amman",
                                    "America/Santiago",
                                    "Africa/Casablanca",
                                    "Asia/Gaza",
                                    "America/Nuuk",
                                    "Europe/Berlin",
                                    "Asia/Kolkata",
                                    "Pacific/Kwajalein",
                                    "America/Caracas",
                                    "Africa/Monrovia",
                                    "America/Havana",
                                    "Asia/Tehran",
                                    "Pacific/Chatham",
                                    "UTC",
                                    "Asia/Pyongyang"};

static uint64_t random_state = 20260321;

static uint32_t draw(uint32_t below) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % below;
}

/* ---- random texts */

static int item(char *out, size_t size, int low, int high) {
    int a = low + (int)draw((uint32_t)(high - low + 1)), b = low + (int)draw((uint32_t)(high - low + 1));
    int step = 1 + (int)draw((uint32_t)(high - low) / 2 + 1);
    switch (draw(7)) {
    case 0: return snprintf(out, size, "*");
    case 1: return snprintf(out, size, "*/%d", step);
    case 2: return snprintf(out, size, "%d-%d", a, b);
    case 3: return snprintf(out, size, "%d-%d/%d", a, b, step);
    case 4: return snprintf(out, size, "%d/%d", a, step);
    case 5: return snprintf(out, size, "%d,%d", a, b);
    default: return snprintf(out, size, "%d", a);
    }
}

static const char *const doms[] = {"*", "*", "*", "*", "L", "LW", "15W", "L-3", "1,15", "28-31", "*/2", "13"};
static const char *const dows[] = {"*",     "*",   "*",    "*",   "MON-FRI", "SUN",
                                   "FRI#2", "+5L", "+MON", "6,0", "*/2"};

static void random_text(char *out, size_t size) {
    size_t n = 0;
    if (draw(4) == 0) n += (size_t)snprintf(out, size, "%u ", draw(60));
    n += (size_t)item(out + n, size - n, 0, 59);
    out[n++] = ' ';
    n += (size_t)item(out + n, size - n, 0, 23);
    snprintf(out + n, size - n, " %s * %s", doms[draw(sizeof doms / sizeof *doms)],
             dows[draw(sizeof dows / sizeof *dows)]);
}

/* ---- the clauses, read literally */

static int32_t offset_at(const struct tz *tz, instant_t t) {
    struct tz_local l;
    tz_at(tz, t, &l);
    return l.offset;
}

static bool matches(const struct cron *c, int64_t civil) {
    struct cron_clock utc;
    cron_clock_init(&utc, c, NULL);
    return cron_match(&utc, civil * US_PER_SECOND);
}

static bool regular(const struct cron *c, const struct tz *tz, instant_t t) {
    struct civil wall = tz_civil(tz, t);
    instant_t first, second;
    if (!matches(c, instant_of(&wall) / US_PER_SECOND)) return false;
    tz_instants(tz, &wall, &first, &second);
    return c->interval || t == first;
}

static bool made_up(const struct cron *c, const struct tz *tz, instant_t t) {
    int64_t o1 = offset_at(tz, t - 1), gap = offset_at(tz, t) - o1, s = t / US_PER_SECOND;
    for (int64_t l = s + o1; gap > 0 && l < s + o1 + gap; l++) {
        if (l % 60 != 0 && c->second == 1) continue;
        bool covered = (c->interval || gap >= 86400) && matches(c, l + gap);
        if (!covered && matches(c, l)) return true;
    }
    return false;
}

/* ---- one case */

struct fires {
    instant_t list[FIRES_MAX];
    size_t count;
};

static void forwards(struct cron_clock *k, instant_t from, instant_t to, struct fires *out) {
    out->count = 0;
    for (instant_t t = from; (t = cron_next(k, t)) != INSTANT_NONE && t <= to;) {
        assert_true(t > from && out->count < FIRES_MAX);
        assert_true(out->count == 0 || t > out->list[out->count - 1]);
        out->list[out->count++] = t;
    }
}

static void backwards(struct cron_clock *k, instant_t from, instant_t to, const struct fires *f) {
    size_t n = f->count;
    for (instant_t t = to + 1; (t = cron_prev(k, t)) != INSTANT_NONE && t > from;)
        assert_true(n > 0 && f->list[--n] == t);
    assert_int_equal(n, 0);
}

/* A fresh clock, asked from anywhere, says the same. */
static void from_anywhere(const struct cron_clock *k, const struct fires *f) {
    for (size_t i = 1; i < f->count; i += 1 + draw(40)) {
        struct cron_clock fresh;
        instant_t a = f->list[i - 1], b = f->list[i], t = a + (instant_t)draw(1000) * ((b - a) / 1000);
        cron_clock_init(&fresh, k->schedule, k->tz);
        assert_true(cron_next(&fresh, t) == b);
        assert_true(cron_at_or_after(&fresh, b) == b && cron_at_or_after(&fresh, b - 1) == b);
        assert_true(cron_prev(&fresh, b) == a && cron_prev(&fresh, b + 1) == b && cron_match(&fresh, b));
        assert_true(t == a || !cron_match(&fresh, t));
    }
}

static void literally(const struct cron_clock *k, instant_t from, instant_t to, const struct fires *f) {
    instant_t step = k->schedule->second == 1 ? 60 * US_PER_SECOND : US_PER_SECOND;
    size_t n = 0;
    for (instant_t t = from + step; t <= to; t += step) {
        bool fires = regular(k->schedule, k->tz, t) || made_up(k->schedule, k->tz, t);
        bool found = n < f->count && f->list[n] == t;
        assert_int_equal(fires, found);
        n += found;
    }
    assert_int_equal(n, f->count);
}

static instant_t some_change(const struct tz *tz) {
    instant_t t = (instant_t)draw(130 * 365) * DAY, change = tz_next_change(tz, t);
    return (change == INSTANT_NONE ? t : change) / (60 * US_PER_SECOND) * (60 * US_PER_SECOND);
}

static void test_random(void **state) {
    (void)state;
    static struct fires fires;
    for (int i = 0; i < ROUNDS; i++) {
        char text[120];
        struct cron c;
        struct cron_note err;
        struct cron_clock k;
        random_text(text, sizeof text);
        if (cron_parse(text, NULL, &c, &err) != 0) {
            if (err.code != CRON_E_NEVER) fail_msg("%s: %s", text, err.message);
            continue;
        }
        struct err why = {0};
        struct tz *tz = tz_load(zones[draw(sizeof zones / sizeof *zones)], &why);
        if (!tz) fail_msg("%s", why.msg);
        instant_t middle = some_change(tz), from = middle - DAY - DAY / 2, to = middle + DAY + DAY / 2;
        cron_clock_init(&k, &c, tz);
        if (i < 100) print_message("%s in %s\n", text, tz_name(tz));
        forwards(&k, from, to, &fires);
        backwards(&k, from, to, &fires);
        from_anywhere(&k, &fires);
        if (c.second == 1) literally(&k, from, to, &fires);
        tz_free(tz);
    }
}

/* A wall time every day, for all years: one instant each, and all of a vanished day's in one. */
static void test_whole_horizon(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        struct err err = {0};
        struct tz *tz = tz_load(zones[i], &err);
        struct cron c;
        struct cron_note note;
        struct cron_clock k;
        assert_int_equal(cron_parse("30 2 * * *", NULL, &c, &note), 0);
        cron_clock_init(&k, &c, tz);
        int fires = 0,
            lost = strcmp(zones[i], "Pacific/Apia") == 0 || strcmp(zones[i], "Pacific/Kwajalein") == 0;
        for (instant_t t = -10 * DAY, before = t; (t = cron_next(&k, t)) != INSTANT_NONE; before = t, fires++)
            if (fires && t - before > DAY + 4 * US_PER_HOUR) fail_msg("%s: a day is lost", zones[i]);
        assert_int_equal(fires, 84006 - lost);
        tz_free(tz);
    }
}

/* ---- the ends */

static void check_ends(const char *text, const char *first, const char *last) {
    struct cron c;
    struct cron_note err;
    struct cron_clock k;
    char got[INSTANT_TEXT];
    assert_int_equal(cron_parse(text, NULL, &c, &err), 0);
    cron_clock_init(&k, &c, NULL);
    assert_string_equal(instant_text(cron_next(&k, INT64_MIN), got), first);
    assert_string_equal(instant_text(cron_next(&k, -DAY), got), first);
    assert_string_equal(instant_text(cron_prev(&k, INT64_MAX), got), last);
    instant_t t = cron_next(&k, INT64_MIN);
    assert_true(cron_prev(&k, t) == INSTANT_NONE && cron_prev(&k, INT64_MIN) == INSTANT_NONE);
    t = cron_prev(&k, INT64_MAX);
    assert_true(cron_next(&k, t) == INSTANT_NONE && cron_next(&k, INT64_MAX) == INSTANT_NONE);
    assert_false(cron_match(&k, INSTANT_NONE) || cron_match(&k, INT64_MAX));
}

static void test_ends(void **state) {
    (void)state;
    check_ends("* * * * * *", "1970-01-01T00:00:00Z", "2199-12-31T23:59:59Z");
    check_ends("0 6 29 2 *", "1972-02-29T06:00:00Z", "2196-02-29T06:00:00Z");
    check_ends("0 6 29 2 +MON", "1988-02-29T06:00:00Z", "2196-02-29T06:00:00Z");
    check_ends("0 0 6 1 1 * 2030", "2030-01-01T06:00:00Z", "2030-01-01T06:00:00Z");
    check_ends("@every 1w", "1970-01-01T00:00:00Z", "2199-12-26T00:00:00Z");
}

static void test_anchor(void **state) {
    (void)state;
    struct cron c;
    struct cron_note err;
    struct cron_clock k;
    char got[INSTANT_TEXT];
    instant_t anchor;
    assert_true(instant_parse("2026-01-01T00:07:00Z", &anchor));
    const struct cron_options opts = {.anchor = anchor};
    assert_int_equal(cron_parse("@every 1h", &opts, &c, &err), 0);
    cron_clock_init(&k, &c, NULL);
    assert_string_equal(instant_text(cron_next(&k, anchor), got), "2026-01-01T01:07:00Z");
    assert_string_equal(instant_text(cron_prev(&k, anchor), got), "2025-12-31T23:07:00Z");
    assert_string_equal(instant_text(cron_next(&k, INT64_MIN), got), "1970-01-01T00:07:00Z");
    assert_true(cron_match(&k, anchor) && !cron_match(&k, anchor + 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_whole_horizon),
                                       cmocka_unit_test(test_ends), cmocka_unit_test(test_anchor)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
