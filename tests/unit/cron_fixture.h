/* cron_fixture.h: the tables of tests/data/cron, one row a case. The first row says what the columns are. */
#ifndef LEAT_TESTS_CRON_FIXTURE_H
#define LEAT_TESTS_CRON_FIXTURE_H

#include "base/fsio.h"
#include "base/tz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CELLS_MAX = 8 };

struct row {
    const char *file;
    int line;
    char *cell[CELLS_MAX];
};

/* Calls `each` for every row of the table, which must have exactly `cells` cells, and `least` rows. */
static inline void each_row(const char *file, size_t cells, size_t least, void (*each)(const struct row *)) {
    struct err err = {0};
    char *path = fs_join(LEAT_SOURCE_DIR "/tests/data/cron", file);
    char *text = fs_read(path, 4 << 20, NULL, &err), *rest = text;
    if (!text) fail_msg("%s", err.msg);
    size_t rows = 0;
    strsep(&rest, "\n");
    for (int line = 2; rest; line++) {
        struct row r = {.file = file, .line = line};
        char *s = strsep(&rest, "\n");
        size_t n = 0;
        if (!*s) continue;
        while (s && n < CELLS_MAX) r.cell[n++] = strsep(&s, "\t");
        if (s || n != cells) fail_msg("%s:%d: %zu cells, not %zu", file, line, n, cells);
        each(&r);
        rows++;
    }
    if (rows < least) fail_msg("%s has %zu rows only", file, rows);
    free(text);
    free(path);
}

#define ROW_FAIL(r, format, ...)                                                                             \
    fail_msg("%s:%d: %s: " format, (r)->file, (r)->line, (r)->cell[0], __VA_ARGS__)

static inline struct tz *row_zone(const struct row *r, const char *name) {
    struct err err = {0};
    struct tz *tz = tz_load(name, &err);
    if (!tz) ROW_FAIL(r, "%s", err.msg);
    return tz;
}

static inline instant_t row_instant(const struct row *r, const char *text) {
    instant_t t;
    if (!instant_parse(text, &t)) ROW_FAIL(r, "`%s` is no instant", text);
    return t;
}

#endif
