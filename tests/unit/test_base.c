/* test_base.c: the small parts everything stands on. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/instant.h"
#include "base/json.h"
#include "base/map.h"
#include "base/sha256.h"
#include "base/suggest.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void instants_round_trip(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
        instant_t t;
    } cases[] = {
        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z", -500000},
        {"2026-11-20T06:15:00+01:00", "2026-11-20T05:15:00Z", INT64_C(1795151700000000)},
        {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z", INT64_C(951782400000000)},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", INT64_C(-62135596800000000)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        instant_t t;
        char text[INSTANT_TEXT];
        assert_true(instant_parse(cases[i].in, &t));
        assert_int_equal(t, cases[i].t);
        assert_string_equal(instant_text(t, text), cases[i].out);
    }
    static const char *bad[] = {"2026-02-29T00:00:00Z", "2026-11-20", "2026-11-20T24:00:00Z", "x",
                                "2026-11-20T00:00:00"};
    instant_t t;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(instant_parse(bad[i], &t));
}

static void durations_need_a_unit(void **state) {
    (void)state;
    duration_t d;
    assert_true(duration_parse("20 minutes", &d));
    assert_int_equal(d, 20 * US_PER_MINUTE);
    assert_true(duration_parse("500ms", &d));
    assert_int_equal(d, 500 * US_PER_MS);
    static const char *bad[] = {"10", "", "m", "1.5h", "-1s", "10 parsecs", "99999999999999999999s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(duration_parse(bad[i], &d));
}

static void suggestions_are_unique_and_near(void **state) {
    (void)state;
    static const char *const words[] = {"retry", "timeout", "schedule", "sql", "sql_file", "status"};
    const size_t n = sizeof words / sizeof *words;
    assert_string_equal(suggest("retires", words, n), "retry");
    assert_string_equal(suggest("sqll", words, n), "sql");
    assert_string_equal(suggest("tiemout", words, n), "timeout");
    assert_string_equal(suggest("sched", words, n), "schedule");
    assert_null(suggest("zzzz", words, n));
}

static void maps_keep_what_they_are_given(void **state) {
    (void)state;
    struct map m = MAP_INIT;
    static char keys[1000][8];
    for (size_t i = 0; i < 1000; i++) {
        snprintf(keys[i], sizeof keys[i], "k%zu", i);
        assert_true(map_add(&m, keys[i], i, NULL));
    }
    size_t old;
    assert_false(map_add(&m, "k7", 1, &old));
    assert_int_equal(old, 7);
    for (size_t i = 0, v; i < 1000; i++) assert_true(map_get(&m, keys[i], &v) && v == i);
    assert_false(map_get(&m, "absent", NULL));
    map_release(&m);
}

static void files_are_created_once(void **state) {
    (void)state;
    char dir[] = "/tmp/leat-test-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *deep = fs_join(dir, "a/b"), *file = fs_join(dir, "a/b/f");
    struct err err;
    assert_int_equal(fs_mkdirs(deep, 0700, &err), 0);
    assert_int_equal(fs_create(file, "one", 3, 0600, &err), 0);
    assert_int_equal(fs_create(file, "two", 3, 0600, &err), 1);
    char *text = fs_read(file, 100, NULL, &err);
    assert_string_equal(text, "one");
    free(text);
    assert_int_equal(fs_replace(file, "two", 3, 0600, &err), 0);
    assert_null(fs_read(file, 2, NULL, &err));
    assert_int_equal(fs_remove_tree(dir, &err), 0);
    assert_false(fs_exists(dir));
    free(deep);
    free(file);
}

static void sha256_matches_the_standard(void **state) {
    (void)state;
    char hex[SHA256_HEX];
    sha256_text("abc", 3, hex); /* FIPS 180-2, appendix B.1 */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* ---- text that is cut, or was no text ---- */

static void texts_are_cut_between_characters(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t n, whole;
    } cases[] = {
        {"abc", 2, 2},
        {"a\xc3\xa9", 2, 1},
        {"a\xc3\xa9", 3, 3},
        {"\xe2\x82\xac", 2, 0},
        {"\xe2\x82\xac", 3, 3},
        {"x\xf0\x9f\x98\x80", 4, 1},
        {"x\xf0\x9f\x98\x80", 5, 5},
        {"\x80\x80\x80", 3, 3},
        {"", 0, 0},
        {"a\xff", 2, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(utf8_whole(cases[i].text, cases[i].n), cases[i].whole);
}

static void errors_are_text(void **state) {
    (void)state;
    struct err err;
    char long_text[2000];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(long_text, 'x', shift);
        for (size_t i = shift; i + 4 < sizeof long_text; i += 4) memcpy(long_text + i, "\xf0\x9f\x98\x80", 5);
        err_set(&err, EX_FAILED, "%s", long_text);
        err_hint(&err, "%s", long_text);
        assert_int_equal(utf8_check(err.msg, strlen(err.msg)), strlen(err.msg));
        assert_true(strlen(err.msg) > sizeof err.msg - 6 && !strchr(err.msg, '?'));
        assert_int_equal(utf8_check(err.hint, strlen(err.hint)), strlen(err.hint));
        err_prefix(&err, "%s", "\xc3\xa9");
        assert_int_equal(utf8_check(err.msg, strlen(err.msg)), strlen(err.msg));
    }
    err_set(&err, EX_FAILED, "no file %s: %.3s", "caf\xe9.csv", "ab\xc3\xa9");
    assert_string_equal(err.msg, "no file caf?.csv: ab?");
}

static void json_keeps_every_text(void **state) {
    (void)state;
    json_t *o = json_object();
    json_put_text(o, "good", "\xc3\xa9");
    json_put_text(o, "cut", "ab\xc3");
    json_put_text(o, "latin", "caf\xe9.csv");
    json_put_text(o, "none", NULL);
    assert_string_equal(json_text(o, "good"), "\xc3\xa9");
    assert_string_equal(json_text(o, "cut"), "ab\xef\xbf\xbd");
    assert_string_equal(json_text(o, "latin"), "caf\xef\xbf\xbd.csv");
    assert_true(json_is_null(json_object_get(o, "none")));
    json_decref(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants_round_trip),
        cmocka_unit_test(durations_need_a_unit),
        cmocka_unit_test(suggestions_are_unique_and_near),
        cmocka_unit_test(maps_keep_what_they_are_given),
        cmocka_unit_test(files_are_created_once),
        cmocka_unit_test(sha256_matches_the_standard),
        cmocka_unit_test(texts_are_cut_between_characters),
        cmocka_unit_test(errors_are_text),
        cmocka_unit_test(json_keeps_every_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
