/* test_tz.c: time zones: against the C library over many zones and instants, and the cases that matter one by
 * one. */
#include "base/arena.h"
#include "base/fsio.h"
#include "base/tz.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct tz *load(const char *name) {
    struct err err = {0};
    struct tz *z = tz_load(name, &err);
    if (!z) fail_msg("%s", err.msg);
    return z;
}

static struct civil wall(int year, int month, int day, int hour, int minute) {
    return (struct civil){.year = year, .month = month, .day = day, .hour = hour, .minute = minute};
}

static instant_t at(const char *text) {
    instant_t t;
    assert_true(instant_parse(text, &t));
    return t;
}

static const struct {
    const char *zone, *instant;
    int hours_x60; /* offset in minutes */
    const char *abbreviation;
} known[] = {
    {"UTC", "2026-06-01T00:00:00Z", 0, "UTC"},
    {"Europe/Berlin", "2026-01-15T12:00:00Z", 60, "CET"},
    {"Europe/Berlin", "2026-07-15T12:00:00Z", 120, "CEST"},
    {"Europe/Berlin", "2026-03-29T00:59:59Z", 60, "CET"},
    {"Europe/Berlin", "2026-03-29T01:00:00Z", 120, "CEST"},
    {"Europe/Berlin", "2199-07-15T12:00:00Z", 120, "CEST"}, /* by the footer's rule */
    {"America/New_York", "2100-12-25T12:00:00Z", -300, "EST"},
    {"Australia/Lord_Howe", "2026-01-15T00:00:00Z", 660, "+11"}, /* half an hour of daylight time */
    {"Australia/Lord_Howe", "2026-07-15T00:00:00Z", 630, "+1030"},
    {"Asia/Kolkata", "2026-01-15T00:00:00Z", 330, "IST"},
    {"Asia/Kathmandu", "2026-01-15T00:00:00Z", 345, "+0545"},
    {"Europe/Dublin", "2026-01-15T00:00:00Z", 0, "GMT"},  /* winter is its daylight time, negative */
    {"America/Nuuk", "2026-07-15T00:00:00Z", -60, "-01"}, /* rule with negative hours */
};

static void test_known(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct tz *z = load(known[i].zone);
        struct tz_local l;
        tz_at(z, at(known[i].instant), &l);
        if (l.offset != known[i].hours_x60 * 60 || strcmp(l.abbreviation, known[i].abbreviation) != 0)
            fail_msg("%s at %s: %d %s", known[i].zone, known[i].instant, l.offset, l.abbreviation);
        assert_string_equal(tz_name(z), known[i].zone);
        tz_free(z);
    }
}

static void test_gap(void **state) {
    (void)state;
    struct tz *z = load("Europe/Berlin");
    instant_t a, b;
    struct civil gap = wall(2026, 3, 29, 2, 30), twice = wall(2026, 10, 25, 2, 30),
                 plain = wall(2026, 6, 1, 12, 0);
    assert_int_equal(tz_instants(z, &gap, &a, &b), TZ_GAP);
    assert_int_equal(a, at("2026-03-29T01:30:00Z"));
    assert_int_equal(b, at("2026-03-29T00:30:00Z"));
    assert_int_equal(tz_instant(z, &gap), at("2026-03-29T01:00:00Z"));
    assert_int_equal(tz_instants(z, &twice, &a, &b), TZ_OVERLAP);
    assert_int_equal(a, at("2026-10-25T00:30:00Z"));
    assert_int_equal(b, at("2026-10-25T01:30:00Z"));
    assert_int_equal(tz_instant(z, &twice), a);
    assert_int_equal(tz_instants(z, &plain, &a, &b), TZ_ONE);
    assert_int_equal(a, at("2026-06-01T10:00:00Z"));
    assert_int_equal(tz_next_change(z, at("2026-06-01T00:00:00Z")), at("2026-10-25T01:00:00Z"));
    assert_int_equal(tz_next_change(z, at("2150-06-01T00:00:00Z")), at("2150-10-25T01:00:00Z"));
    tz_free(z);
}

/* A whole day was left out: 2011-12-30 does not exist on Samoa. */
static void test_missing_day(void **state) {
    (void)state;
    struct tz *z = load("Pacific/Apia");
    struct civil day = wall(2011, 12, 30, 12, 0);
    instant_t a, b;
    assert_int_equal(tz_instants(z, &day, &a, &b), TZ_GAP);
    assert_int_equal(tz_instant(z, &day), at("2011-12-30T10:00:00Z"));
    tz_free(z);
}

static uint64_t next_random(uint64_t *s) { return *s = *s * 6364136223846793005u + 1442695040888963407u; }

static void compare(const struct tz *z, int64_t seconds) {
    time_t t = (time_t)seconds;
    struct tm tm;
    struct tz_local l;
    assert_non_null(localtime_r(&t, &tm));
    tz_at(z, seconds * US_PER_SECOND, &l);
    if (l.offset != tm.tm_gmtoff || l.dst != (tm.tm_isdst > 0) || strcmp(l.abbreviation, tm.tm_zone) != 0)
        fail_msg("%s at %lld: %d %d %s, the C library says %ld %d %s", tz_name(z), (long long)seconds,
                 l.offset, l.dst, l.abbreviation, tm.tm_gmtoff, tm.tm_isdst, tm.tm_zone);
    /* and back: the wall time stands for this instant, alone or as one of two */
    struct civil c = tz_civil(z, seconds * US_PER_SECOND);
    instant_t a, b;
    if (tz_instants(z, &c, &a, &b) == TZ_GAP ||
        (a != seconds * US_PER_SECOND && b != seconds * US_PER_SECOND))
        fail_msg("%s at %lld does not come back from its wall time", tz_name(z), (long long)seconds);
}

/* Every change of every zone from 1970 to 2100 at T - 1, T and T + 1; and a look every week between them, so
 * that a change the C library alone knows is found too. */
static void compare_zone(const struct tz *z) {
    const int64_t end = 4102444800, week = 7 * 86400; /* 2100-01-01 */
    int64_t change = 0;
    for (int64_t t = 0; t < end; t += week) {
        for (; change <= t && change != INT64_MAX; change = tz_segment(z, change).to)
            for (int d = -1; d <= 1; d++) compare(z, change + d);
        compare(z, t);
    }
}

static void test_against_library(void **state) {
    (void)state;
    size_t n;
    char **names = tz_names(&n);
    uint64_t seed = 42;
    assert_true(n > 300);
    for (size_t i = 0; i < n; i++) {
        struct tz *z = load(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        compare_zone(z);
        for (int k = 0; k < 60; k++)
            compare(z, (int64_t)(next_random(&seed) >> 1) % 7258118400); /* 1970 to 2199 */
        tz_free(z);
    }
    unsetenv("TZ");
    tz_names_free(names, n);
}

static void test_segments(void **state) {
    (void)state;
    struct tz *z = load("Europe/Berlin"), *utc = load("UTC");
    struct tz_segment s = tz_segment(z, at("2026-07-01T00:00:00Z") / US_PER_SECOND);
    assert_int_equal(s.from * US_PER_SECOND, at("2026-03-29T01:00:00Z"));
    assert_int_equal(s.to * US_PER_SECOND, at("2026-10-25T01:00:00Z"));
    assert_int_equal(s.offset, 7200);
    s = tz_segment(utc, 0);
    assert_true(s.from == INT64_MIN && s.to == INT64_MAX && s.offset == 0);
    /* Kaliningrad 2011: daylight time became the standard; the offset stayed. */
    struct tz *k = load("Europe/Kaliningrad");
    s = tz_segment(k, at("2012-01-01T00:00:00Z") / US_PER_SECOND);
    assert_int_equal(s.from * US_PER_SECOND, at("2011-03-27T00:00:00Z"));
    assert_int_equal(s.to * US_PER_SECOND, at("2014-10-25T23:00:00Z"));
    assert_true(tz_same(z, z) && !tz_same(z, k));
    assert_true(tz_digest(z) == tz_digest(z) && tz_digest(z) != tz_digest(k));
    assert_true(tz_digest(utc) == tz_digest(NULL) && tz_digest(z) != tz_digest(utc));
    tz_free(k);
    tz_free(z);
    tz_free(utc);
}

static void test_names(void **state) {
    (void)state;
    static const char *const bad[] = {"Europe/Berln", "",        "/etc/passwd",     "../../etc/passwd",
                                      "Europe",       "Europe/", "posixrules.tab",  "Europe//Berlin",
                                      "tzdata.zi",    "a b",     "Europe/Berlin\n", "localtime"};
    char meant[80];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (tz_exists(bad[i])) fail_msg("`%s` is a zone", bad[i]);
    assert_true(tz_exists("Etc/UTC") && tz_exists("America/Argentina/Buenos_Aires"));
    struct err err = {0};
    assert_null(tz_load("Europe/Berln", &err));
    assert_string_equal(err.msg, "unknown time zone `Europe/Berln`");
    assert_string_equal(err.hint, "did you mean `Europe/Berlin`?");
    tz_suggest("Europe/Berln", meant, sizeof meant);
    assert_string_equal(meant, "Europe/Berlin");
    tz_suggest("tokyo", meant, sizeof meant);
    assert_string_equal(meant, "Asia/Tokyo");
    tz_suggest("Nowhere/At_All", meant, sizeof meant);
    assert_string_equal(meant, "");
}

static void test_rules(void **state) {
    (void)state;
    static const char *const good[] = {"CET-1CEST,M3.5.0,M10.5.0/3", "<-03>3", "EST5EDT,J60/1:30,300",
                                       "IST-1GMT0,M10.5.0,M3.5.0/1", "<+00>0<+02>-2,M3.5.0/1,M10.5.0/3"};
    static const char *const bad[] = {"",
                                      "C",
                                      "CET",
                                      "CET-1CEST,M13.1.0,M10.5.0",
                                      "CET-1CEST,M3.5.0",
                                      "CET-1CEST,M3.5.7,M1.1.1",
                                      "CET-25",
                                      "CET-1 ",
                                      "CET-1CEST,J0,J1",
                                      "<CET-1"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct tz *z = tz_from_rule(good[i], NULL);
        if (!z) fail_msg("%s is refused", good[i]);
        tz_free(z);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (tz_from_rule(bad[i], NULL)) fail_msg("%s is taken", bad[i]);
}

/* Every truncation and every flipped byte of a zone file is refused or harmless. */
static void test_damaged_files(void **state) {
    (void)state;
    char folder[] = "/tmp/leat-tz-XXXXXX";
    size_t len;
    struct err err = {0};
    char *data = fs_read("/usr/share/zoneinfo/Europe/Berlin", 1 << 20, &len, &err);
    if (!data) skip();
    assert_non_null(mkdtemp(folder));
    char *path = fs_join(folder, "Zone");
    setenv("TZDIR", folder, 1);
    for (size_t i = 0; i < 2 * len; i += 3) {
        size_t n = i < len ? i : len;
        char old = data[i % len];
        if (i >= len) data[i % len] = (char)(old ^ 0xff);
        FILE *f = fopen(path, "wbe");
        assert_non_null(f);
        assert_int_equal(fwrite(data, 1, n, f), n);
        fclose(f);
        data[i % len] = old;
        struct tz *z = tz_load("Zone", &err);
        struct tz_local l;
        if (z) tz_at(z, at("2026-07-15T12:00:00Z"), &l);
        if (z) tz_next_change(z, at("2026-07-15T12:00:00Z"));
        if (z && n < len) fail_msg("a file of %zu of %zu bytes is taken", n, len);
        tz_free(z);
    }
    unsetenv("TZDIR");
    assert_int_equal(fs_remove_tree(folder, &err), 0);
    free(path);
    free(data);
}

static void put_zone(const char *path, const char *of) {
    size_t len;
    struct err err = {0};
    char *from = fs_join("/usr/share/zoneinfo", of), *data = fs_read(from, 1 << 20, &len, &err);
    if (!data) fail_msg("%s", err.msg);
    if (fs_replace(path, data, len, 0644, &err) != 0) fail_msg("%s", err.msg);
    free(from);
    free(data);
}

/* Zone data is replaced under a running program. */
static void test_reload(void **state) {
    (void)state;
    char folder[] = "/tmp/leat-tz-XXXXXX", version[TZ_VERSION];
    struct err err = {0};
    assert_non_null(mkdtemp(folder));
    char *path = fs_join(folder, "Zone"), *zi = fs_join(folder, "tzdata.zi");
    setenv("TZDIR", folder, 1);
    put_zone(path, "Europe/Berlin");
    struct tz *old = load("Zone");
    uint64_t stamp = tz_database_stamp();
    tz_database_version(version);
    assert_string_equal(version, "");
    assert_true(!tz_changed(old) && tz_database_stamp() == stamp);
    put_zone(path, "Asia/Tokyo");
    assert_int_equal(fs_replace(zi, "# version 2099x\n", 16, 0644, &err), 0);
    struct tz *new = load("Zone");
    assert_true(tz_changed(old) && !tz_changed(new) && !tz_same(old, new));
    assert_true(tz_digest(old) != tz_digest(new) && tz_digest(new) == tz_digest(new));
    assert_true(tz_database_stamp() != stamp);
    tz_database_version(version);
    assert_string_equal(version, "2099x");
    assert_int_equal(unlink(path), 0);
    assert_true(tz_changed(new));
    tz_free(old);
    tz_free(new);
    unsetenv("TZDIR");
    assert_int_equal(fs_remove_tree(folder, &err), 0);
    free(path);
    free(zi);
}

/* Files that are well made, but not for us. */
static void test_refused_files(void **state) {
    (void)state;
    struct err err = {0};
    if (access("/usr/share/zoneinfo/right/Europe/Berlin", R_OK) != 0) skip();
    assert_null(tz_load("right/Europe/Berlin", &err));
    assert_non_null(strstr(err.msg, "counts leap seconds"));
    char folder[] = "/tmp/leat-tz-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *path = fs_join(folder, "Old");
    setenv("TZDIR", folder, 1);
    put_zone(path, "Europe/Berlin");
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "\0", 1, 4), 1); /* the version */
    close(fd);
    assert_null(tz_load("Old", &err));
    assert_non_null(strstr(err.msg, "version 1"));
    unsetenv("TZDIR");
    assert_int_equal(fs_remove_tree(folder, &err), 0);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),         cmocka_unit_test(test_gap),
        cmocka_unit_test(test_missing_day),   cmocka_unit_test(test_against_library),
        cmocka_unit_test(test_names),         cmocka_unit_test(test_rules),
        cmocka_unit_test(test_damaged_files), cmocka_unit_test(test_segments),
        cmocka_unit_test(test_reload),        cmocka_unit_test(test_refused_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
