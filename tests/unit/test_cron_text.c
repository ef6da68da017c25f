/* test_cron_text.c: what is said about cron texts and phrases, and how they are printed; tables in
 * tests/data/cron. */
#include "cron/every.h"
#include "cron/explain.h"
#include "cron_fixture.h"

static const struct cron_options seeded = {.seed = "job-1"};

static void check_note(const struct row *r, const struct cron_note *n, char *const *cell) {
    char marked[1100];
    snprintf(marked, sizeof marked, "%.*s", (int)n->length, r->cell[0] + n->offset);
    if (strcmp(cron_code_names[n->code], cell[0]) != 0) ROW_FAIL(r, "%s", cron_code_names[n->code]);
    if (strcmp(marked, cell[1]) != 0) ROW_FAIL(r, "about `%s`", marked);
    if (strcmp(n->message, cell[2]) != 0) ROW_FAIL(r, "says `%s`", n->message);
    if (strcmp(n->hint, cell[3]) != 0) ROW_FAIL(r, "hints `%s`", n->hint);
    if (*n->meant && !strstr(n->hint, n->meant)) ROW_FAIL(r, "means `%s`", n->meant);
}

static void error_row(const struct row *r) {
    struct cron c;
    struct cron_note err;
    if (cron_parse(r->cell[0], NULL, &c, &err) == 0) ROW_FAIL(r, "is taken, not %s", r->cell[1]);
    check_note(r, &err, r->cell + 1);
}

/* Rows of one text follow each other, one for each of its warnings. */
static void lint_row(const struct row *r) {
    static char last[200];
    static size_t nth;
    struct cron_note notes[CRON_NOTES_MAX];
    size_t n = cron_lint(r->cell[0], &seeded, notes);
    nth = strcmp(last, r->cell[0]) == 0 ? nth + 1 : 0;
    snprintf(last, sizeof last, "%s", r->cell[0]);
    if (!*r->cell[1] && n) ROW_FAIL(r, "warns: %s", notes[0].message);
    if (!*r->cell[1]) return;
    if (nth >= n) ROW_FAIL(r, "%zu warnings", n);
    check_note(r, &notes[nth], r->cell + 1);
}

static void canonical_row(const struct row *r) {
    struct cron c, again;
    struct cron_note err;
    struct buf b = BUF_INIT, twice = BUF_INIT;
    if (cron_parse(r->cell[0], &seeded, &c, &err) != 0) ROW_FAIL(r, "%s", err.message);
    cron_print(&c, &b);
    if (strcmp(buf_str(&b), r->cell[1]) != 0) ROW_FAIL(r, "prints `%s`", buf_str(&b));
    if (cron_parse(buf_str(&b), NULL, &again, &err) != 0) ROW_FAIL(r, "%s", err.message);
    if (!cron_same(&c, &again)) ROW_FAIL(r, "`%s` is another schedule", buf_str(&b));
    cron_print(&again, &twice);
    assert_string_equal(buf_str(&b), buf_str(&twice));
    buf_release(&b);
    buf_release(&twice);
}

static void every_row(const struct row *r) {
    struct cron a, b;
    struct cron_note err;
    char text[EVERY_CRON_TEXT];
    if (every_parse(r->cell[0], CRON_DST_AUTO, &a, text, &err) != 0) ROW_FAIL(r, "%s", err.hint);
    if (strcmp(text, r->cell[1]) != 0) ROW_FAIL(r, "is `%s`", text);
    assert_int_equal(cron_parse(text, NULL, &b, &err), 0);
    assert_true(cron_same(&a, &b));
}

static void same_row(const struct row *r) {
    struct cron c, again;
    struct cron_note err;
    struct buf b = BUF_INIT;
    if (cron_parse(r->cell[0], &seeded, &c, &err) != 0) ROW_FAIL(r, "%s", err.message);
    cron_print(&c, &b);
    if (cron_parse(buf_str(&b), NULL, &again, &err) != 0) ROW_FAIL(r, "`%s`: %s", buf_str(&b), err.message);
    if (!cron_same(&c, &again)) ROW_FAIL(r, "`%s` is another schedule", buf_str(&b));
    buf_release(&b);
}

static void explain_row(const struct row *r) {
    struct cron c;
    struct cron_note err;
    struct buf b = BUF_INIT;
    if (cron_parse(r->cell[0], &seeded, &c, &err) != 0) ROW_FAIL(r, "%s", err.message);
    cron_explain(&c, &b);
    if (strcmp(buf_str(&b), r->cell[1]) != 0) ROW_FAIL(r, "means `%s`", buf_str(&b));
    buf_release(&b);
}

static void test_explain(void **state) {
    (void)state;
    each_row("explain.tsv", 2, 50, explain_row);
}

static void test_errors(void **state) {
    (void)state;
    each_row("errors.tsv", 5, 60, error_row);
}

static void test_lint(void **state) {
    (void)state;
    each_row("lint.tsv", 5, 28, lint_row);
}

static void test_canonical(void **state) {
    (void)state;
    each_row("canonical.tsv", 2, 50, canonical_row);
    each_row("vectors_public.tsv", 5, 1300, same_row);
    each_row("vectors_spec.tsv", 5, 120, same_row);
    each_row("vectors_hash.tsv", 5, 40, same_row);
}

static void test_every(void **state) {
    (void)state;
    each_row("every.tsv", 2, 25, every_row);
}

/* The attribute changes how a text is taken, and the printed text says so. */
static void test_dst_attribute(void **state) {
    (void)state;
    const struct cron_options fixed = {.dst = CRON_DST_FIXED}, interval = {.dst = CRON_DST_INTERVAL};
    struct cron c;
    struct cron_note err;
    struct buf b = BUF_INIT;
    assert_int_equal(cron_parse("*/30 2 * * *", &fixed, &c, &err), 0);
    cron_print(&c, &b);
    assert_string_equal(buf_str(&b), "0,30 2 * * *");
    buf_clear(&b);
    assert_int_equal(cron_parse("30 2 * * *", &interval, &c, &err), 0);
    cron_print(&c, &b);
    assert_string_equal(buf_str(&b), "30 2-2 * * *");
    buf_release(&b);
}

static void test_limits(void **state) {
    (void)state;
    char text[2100];
    struct cron c;
    struct cron_note err;
    memset(text, 0, sizeof text);
    memset(text, ' ', 1015);
    strcpy(text + 1015, "0 6 * * *"); /* 1,024 bytes */
    assert_int_equal(cron_parse(text, NULL, &c, &err), 0);
    memset(text, ' ', 1016);
    strcpy(text + 1016, "0 6 * * *");
    assert_int_equal(cron_parse(text, NULL, &c, &err), -1);
    assert_int_equal(err.code, CRON_E_LONG);
    strcpy(text, "0 6 * * 1"); /* as many items as fit */
    while (strlen(text) < 1022) strcat(text, ",1");
    assert_int_equal(cron_parse(text, NULL, &c, &err), 0);
}

static void test_zone(void **state) {
    (void)state;
    struct cron c;
    struct cron_note err;
    char zone[TZ_NAME];
    const char *text = "  cron_tz=Asia/Tokyo \t0 6 * * *";
    assert_int_equal(cron_parse(text, NULL, &c, &err), 0);
    assert_true(cron_zone(&c, text, zone));
    assert_string_equal(zone, "Asia/Tokyo");
    assert_int_equal(cron_parse("0 6 * * *", NULL, &c, &err), 0);
    assert_false(cron_zone(&c, "0 6 * * *", zone));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_errors),        cmocka_unit_test(test_lint),
                                       cmocka_unit_test(test_canonical),     cmocka_unit_test(test_every),
                                       cmocka_unit_test(test_dst_attribute), cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_zone),          cmocka_unit_test(test_explain)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
