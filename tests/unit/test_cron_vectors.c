/* test_cron_vectors.c: the tables of fire times in tests/data/cron: forwards, backwards, refused. Their
 * sources are the test suites and bug reports of other implementations, where they agree with the dialect,
 * and its clauses. */
#include "cron/cron.h"
#include "cron_fixture.h"

typedef instant_t ask_fn(struct cron_clock *, instant_t);

static void parse(const struct row *r, const char *seed, struct cron *c) {
    struct cron_note err;
    const struct cron_options opts = {.seed = seed};
    if (cron_parse(r->cell[0], &opts, c, &err) != 0)
        ROW_FAIL(r, "%s at %u: %s", cron_code_names[err.code], err.offset, err.message);
}

/* The zone of the text counts more than that of the table. */
static struct tz *zone_of(const struct row *r, const struct cron *c, const char *table) {
    char name[TZ_NAME];
    return row_zone(r, cron_zone(c, r->cell[0], name) ? name : table);
}

static void check(const struct row *r, struct cron_clock *k, ask_fn *ask, instant_t t, char *wanted) {
    char got[INSTANT_TEXT];
    if (strcmp(wanted, "NONE") == 0) {
        assert_true(ask(k, t) == INSTANT_NONE);
        return;
    }
    for (char *want; (want = strsep(&wanted, ","));) {
        t = ask(k, t);
        if (t == INSTANT_NONE) ROW_FAIL(r, "nothing, not %s", want);
        if (strcmp(instant_text(t, got), want) != 0) ROW_FAIL(r, "%s, not %s", got, want);
        if (!cron_match(k, t)) ROW_FAIL(r, "%s is no match", got);
    }
}

static void check_row(const struct row *r, ask_fn *ask, const char *seed, char *const *cell) {
    struct cron c;
    struct cron_clock k;
    parse(r, seed, &c);
    struct tz *tz = zone_of(r, &c, cell[0]);
    cron_clock_init(&k, &c, tz);
    check(r, &k, ask, row_instant(r, cell[1]), cell[2]);
    tz_free(tz);
}

static void next_row(const struct row *r) { check_row(r, cron_next, NULL, r->cell + 1); }
static void prev_row(const struct row *r) { check_row(r, cron_prev, NULL, r->cell + 1); }
static void hash_row(const struct row *r) { check_row(r, cron_next, r->cell[1], r->cell + 2); }

static void invalid_row(const struct row *r) {
    struct cron c;
    struct cron_note err;
    if (cron_parse(r->cell[0], NULL, &c, &err) == 0) ROW_FAIL(r, "is taken, not %s", r->cell[1]);
    if (strcmp(cron_code_names[err.code], r->cell[1]) != 0)
        ROW_FAIL(r, "%s (%s), not %s", cron_code_names[err.code], err.message, r->cell[1]);
    if (err.offset + err.length > strlen(r->cell[0])) ROW_FAIL(r, "%u+%u is outside", err.offset, err.length);
}

static void test_next(void **state) {
    (void)state;
    each_row("vectors_public.tsv", 5, 1300, next_row);
    each_row("vectors_pitfalls.tsv", 5, 70, next_row);
    each_row("vectors_spec.tsv", 5, 120, next_row);
    each_row("vectors_own.tsv", 5, 10, next_row);
}

static void test_prev(void **state) {
    (void)state;
    each_row("vectors_prev_public.tsv", 5, 60, prev_row);
    each_row("vectors_pitfalls_prev.tsv", 5, 8, prev_row);
}

static void test_hash(void **state) {
    (void)state;
    assert_true(cron_hash("job-1", "minute") == UINT64_C(0xc219ea311969c1d5));
    assert_true(cron_hash("job-1", "hour") == UINT64_C(0x611712fa8d5ca7a7));
    assert_true(cron_hash("job-1", "dom") == UINT64_C(0x235650d2c087129d));
    each_row("vectors_hash.tsv", 5, 40, hash_row);
}

static void test_invalid(void **state) {
    (void)state;
    each_row("invalid_public.tsv", 3, 270, invalid_row);
    each_row("invalid_pitfalls.tsv", 3, 30, invalid_row);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_next), cmocka_unit_test(test_prev),
                                       cmocka_unit_test(test_hash), cmocka_unit_test(test_invalid)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
