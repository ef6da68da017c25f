/* test_cli_when.c: time as people type it; the cases are tests/data/cli/when.tsv. */
#include "base/fsio.h"
#include "cli/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Columns: kind (instant, window), zone, now, text, what it means (UTC), how it is shown. */
struct line {
    char *cell[6];
};

static bool split(char *text, struct line *out) {
    if (!*text || *text == '#') return false;
    for (size_t i = 0; i < 6; i++) {
        out->cell[i] = strsep(&text, "\t");
        assert_non_null(out->cell[i]);
    }
    return true;
}

static void check_instant(const struct line *l, const struct tz *tz, instant_t now) {
    instant_t t;
    struct err err = {0};
    char got[INSTANT_TEXT], shown[WHEN_TEXT];
    if (when_instant(l->cell[3], tz, now, &t, &err) < 0) {
        assert_string_equal(l->cell[4], "error");
        return;
    }
    assert_string_equal(instant_text(t, got), l->cell[4]);
    assert_string_equal(when_text(tz, t, shown), l->cell[5]);
}

static void check_window(const struct line *l, const struct tz *tz, instant_t now) {
    struct span_of_time w;
    struct err err = {0};
    char a[INSTANT_TEXT], b[INSTANT_TEXT], both[2 * INSTANT_TEXT + 2], shown[WHEN_TEXT];
    if (when_window(l->cell[3], tz, now, &w, &err) < 0) {
        assert_string_equal(l->cell[4], "error");
        return;
    }
    snprintf(both, sizeof both, "%s %s", instant_text(w.start, a), instant_text(w.end, b));
    assert_string_equal(both, l->cell[4]);
    assert_string_equal(when_window_text(tz, &w, "->", shown), l->cell[5]);
}

static void test_cases(void **state) {
    (void)state;
    struct err err = {0};
    char *text = fs_read(LEAT_SOURCE_DIR "/tests/data/cli/when.tsv", 1 << 20, NULL, &err), *rest = text;
    assert_non_null(text);
    size_t cases = 0;
    for (char *row; (row = strsep(&rest, "\n"));) {
        struct line l;
        if (!split(row, &l)) continue;
        struct tz *tz = tz_load(l.cell[1], &err);
        assert_non_null(tz);
        instant_t now;
        assert_true(instant_parse(l.cell[2], &now));
        print_message("%s %s\n", l.cell[1], l.cell[3]);
        (strcmp(l.cell[0], "instant") == 0 ? check_instant : check_window)(&l, tz, now);
        tz_free(tz);
        cases++;
    }
    assert_true(cases > 20);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
