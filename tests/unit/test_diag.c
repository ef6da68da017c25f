/* test_diag.c: diagnostics: drawing, tools' formats, order, limits, fixes. */
#include "base/arena.h"
#include "base/diag.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct source source(const char *path, const char *text) {
    return (struct source){.path = path, .text = text, .len = strlen(text)};
}

/* The span of a word in the source. */
static struct span word(const struct source *s, const char *w) {
    const char *at = strstr(s->text, w);
    assert_non_null(at);
    uint32_t start = (uint32_t)(at - s->text);
    return (struct span){s, start, start + (uint32_t)strlen(w)};
}

static char *render(struct diags *d, enum diag_format format, size_t max, bool color) {
    struct buf b = BUF_INIT;
    diags_sort(d);
    diags_render(d, format, max, color, &b);
    return buf_take(&b);
}

static void expect(struct diags *d, enum diag_format format, size_t max, const char *want) {
    char *text = render(d, format, max, false);
    assert_string_equal(text, want);
    free(text);
}

static void test_human(void **state) {
    (void)state;
    struct diags *d = diags_new();
    struct source s = source("a.yaml", "one: 1\ntwo: 2\nthree: 3\nfour: 4\n");
    struct diag *g = diag_add(d, "E0101", word(&s, "four"), "key `%s` is wrong", "four");
    diag_label(d, g, "here");
    diag_also(d, g, word(&s, "one"), "and there");
    diag_note(d, g, "a note");
    diag_help(d, g, "first line\nsecond line");
    g = diag_add(d, "W0101", word(&s, "two"), "a warning");
    diag_meant(d, g, "too");
    diag_add(d, "E0102", (struct span){0}, "nowhere");
    expect(d, DIAG_HUMAN, 20,
           "error[E0102]: nowhere\n"
           "warning[W0101]: a warning\n"
           " --> a.yaml:2:1\n"
           "  |\n"
           "2 | two: 2\n"
           "  | ^^^ did you mean `too`?\n"
           "  |\n"
           "error[E0101]: key `four` is wrong\n"
           " --> a.yaml:4:1\n"
           "  |\n"
           "1 | one: 1\n"
           "  | --- and there\n"
           "  ⋮\n"
           "4 | four: 4\n"
           "  | ^^^^ here\n"
           "  = note: a note\n"
           "  |\n"
           "  = help: first line\n"
           "          second line\n"
           "\n"
           "2 errors, 1 warning in a.yaml.  1 can be fixed for you: leat validate --fix\n");
    diags_free(d);
}

/* The source may be gone, and its memory used by another, before anything is drawn. */
static void test_outlives_source(void **state) {
    (void)state;
    struct diags *d = diags_new();
    char *text = xstrdup("key: value\n");
    struct source *s = xmalloc(sizeof *s);
    *s = source("a.yaml", text);
    diag_add(d, "E0104", word(s, "key"), "unknown");
    memset(text, 'x', strlen(text));
    free(text);
    free(s);
    expect(d, DIAG_GCC, 20, "a.yaml:1:1: error: unknown [E0104]\n");
    diags_free(d);
}

static void test_columns(void **state) {
    (void)state;
    struct diags *d = diags_new();
    struct source s = source("a.yaml", "名前: データ x\n\te\xcc\x81: y\n");
    diag_add(d, "E0104", word(&s, "x"), "after wide characters");
    diag_add(d, "E0104", word(&s, "y"), "after a tab and a combining accent");
    expect(d, DIAG_HUMAN, 20,
           "error[E0104]: after wide characters\n"
           " --> a.yaml:1:9\n"
           "  |\n"
           "1 | 名前: データ x\n"
           "  |              ^\n"
           "  |\n"
           "error[E0104]: after a tab and a combining accent\n"
           " --> a.yaml:2:6\n"
           "  |\n"
           "2 |     e\xcc\x81: y\n"
           "  |        ^\n"
           "\n"
           "2 errors in a.yaml.\n");
    diags_free(d);
    assert_int_equal(utf8_columns("データ", strlen("データ")), 6);
    assert_int_equal(utf8_characters("e\xcc\x81", 3), 2);
    assert_int_equal(utf8_check("a\xc3\xa9\xff", 4), 3);
    assert_int_equal(utf8_check("\xed\xa0\x80", 3), 0); /* a surrogate */
    assert_int_equal(utf8_check("\xc0\x80", 2), 0);     /* overlong */
    assert_int_equal(utf8_check("\xf4\x90\x80\x80", 4), 0);
    assert_int_equal(utf8_check("\xe2\x82", 2), 0); /* cut short */
}

static void test_formats(void **state) {
    (void)state;
    struct diags *d = diags_new();
    struct source s = source("dir/a,b:c.yaml", "k: v\n");
    struct diag *g = diag_add(d, "E0203", word(&s, "v"), "100%% wrong: a, b");
    diag_label(d, g, "line one\nline two");
    diag_help(d, g, "do this");
    diag_fix(d, g, word(&s, "v"), "w");
    expect(d, DIAG_GCC, 20, "dir/a,b:c.yaml:1:4: error: 100% wrong: a, b: line one\nline two [E0203]\n");
    expect(d, DIAG_GITHUB, 20,
           "::error file=dir/a%2Cb%3Ac.yaml,line=1,col=4,endColumn=5,title=E0203::100%25 wrong: a, b: line "
           "one%0Aline two\n");
    json_t *j = diags_json(d, "dir/a,b:c.yaml");
    char *text = json_dumps(j, JSON_COMPACT);
    assert_string_equal(text, "[{\"code\":\"E0203\",\"severity\":\"error\",\"message\":\"100% wrong: a, "
                              "b\",\"line\":1,\"column\":4,\"end_line\":1,"
                              "\"end_column\":5,\"label\":\"line one\\nline two\",\"help\":\"do "
                              "this\",\"fix\":{\"line\":1,\"column\":4,"
                              "\"end_line\":1,\"end_column\":5,\"text\":\"w\"}}]");
    free(text);
    json_decref(j);
    j = diags_json(d, "other.yaml");
    assert_int_equal(json_array_size(j), 0);
    json_decref(j);
    diags_free(d);
}

static void test_color(void **state) {
    (void)state;
    struct diags *d = diags_new();
    struct source s = source("a.yaml", "k: v\n");
    diag_add(d, "E0203", word(&s, "v"), "wrong");
    char *plain = render(d, DIAG_HUMAN, 20, false), *colored = render(d, DIAG_HUMAN, 20, true);
    assert_null(strchr(plain, '\x1b'));
    assert_non_null(strstr(colored, "\x1b[1;31merror[E0203]"));
    assert_non_null(strstr(colored, "\x1b[0m"));
    free(plain);
    free(colored);
    diags_free(d);
}

static void test_order_and_cap(void **state) {
    (void)state;
    struct diags *d = diags_new();
    struct source b = source("b.yaml", "b\n"), a = source("a.yaml", "x y\n");
    diag_add(d, "E0104", word(&b, "b"), "last");
    diag_add(d, "E0104", word(&a, "y"), "second");
    diag_add(d, "E0104", word(&a, "x"), "first");
    diag_add(d, "E0104", word(&a, "y"), "second"); /* an exact repeat is dropped */
    expect(d, DIAG_GCC, 20,
           "a.yaml:1:1: error: first [E0104]\na.yaml:1:3: error: second [E0104]\nb.yaml:1:1: error: last "
           "[E0104]\n");
    assert_int_equal(d->errors, 3);
    char *text = render(d, DIAG_HUMAN, 1, false);
    assert_non_null(strstr(text, "\nand 2 more\n3 errors in 2 files.\n"));
    free(text);
    diags_free(d);
}

static void test_many(void **state) {
    (void)state;
    struct diags *d = diags_new();
    struct source s = source("a.yaml", "text\n");
    for (int i = 0; i < 100000; i++) {
        struct diag *g = diag_add(d, "E0104", word(&s, "text"), "number %d", i);
        diag_label(d, g, "label %d", i);
        diag_meant(d, g, "test");
    }
    assert_int_equal(d->errors, 100000);
    assert_int_equal(d->count, LIMIT_DIAG_KEPT);
    char *text = render(d, DIAG_HUMAN, 20, false);
    assert_non_null(strstr(text, "and 99980 more\n100000 errors in a.yaml."));
    free(text);
    diags_free(d);
}

static void test_long_lines(void **state) {
    (void)state;
    struct diags *d = diags_new();
    struct buf b = BUF_INIT;
    for (int i = 0; i < 100000; i++) buf_adds(&b, "ä");
    buf_adds(&b, "here");
    for (int i = 0; i < 100000; i++) buf_adds(&b, "ü");
    struct source s = source("a.yaml", buf_str(&b));
    diag_add(d, "E0104", word(&s, "here"), "found");
    char *text = render(d, DIAG_HUMAN, 20, false);
    assert_true(strlen(text) < 1000);
    assert_non_null(strstr(text, "…ä"));
    assert_non_null(strstr(text, "ü…\n"));
    assert_int_equal(utf8_check(text, strlen(text)), strlen(text));
    free(text);
    buf_release(&b);
    diags_free(d);
}

/* Spans outside of the text are cut, not followed. */
static void test_odd_spans(void **state) {
    (void)state;
    struct diags *d = diags_new();
    struct source empty = source("empty.yaml", ""), s = source("a.yaml", "ab\ncd");
    diag_add(d, "E0120", (struct span){&empty, 0, 0}, "empty");
    diag_add(d, "E0104", (struct span){&s, 1000, 2000}, "past the end");
    diag_add(d, "E0104", (struct span){&s, 4, 1}, "backwards");
    diag_add(d, "E0104", (struct span){&s, 1, 5}, "over two lines");
    char *text = render(d, DIAG_HUMAN, 20, false);
    assert_non_null(strstr(text, " --> a.yaml:2:3\n"));
    assert_non_null(strstr(text, " --> empty.yaml:1:1\n"));
    free(text);
    diags_free(d);
}

static void test_fixes(void **state) {
    (void)state;
    struct diags *d = diags_new();
    struct source s = source("a.yaml", "retires: 3\nsqll: x\nkeep: y\n");
    struct buf out = BUF_INIT;
    assert_int_equal(diags_apply_fixes(d, "a.yaml", &out), 0);
    diag_meant(d, diag_add(d, "E0104", word(&s, "sqll"), "unknown"), "sql");
    diag_meant(d, diag_add(d, "E0104", word(&s, "retires"), "unknown"), "retry");
    diag_meant(d, diag_add(d, "E0104", word(&s, "tires"), "inside of another"), "tyres");
    diag_add(d, "E0104", word(&s, "keep"), "no fix");
    assert_int_equal(diags_apply_fixes(d, "a.yaml", &out), 2);
    assert_string_equal(buf_str(&out), "retry: 3\nsql: x\nkeep: y\n");
    assert_int_equal(diags_apply_fixes(d, "b.yaml", &out), 0);
    buf_release(&out);
    diags_free(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_human),     cmocka_unit_test(test_outlives_source),
        cmocka_unit_test(test_columns),   cmocka_unit_test(test_formats),
        cmocka_unit_test(test_color),     cmocka_unit_test(test_order_and_cap),
        cmocka_unit_test(test_many),      cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_odd_spans), cmocka_unit_test(test_fixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
