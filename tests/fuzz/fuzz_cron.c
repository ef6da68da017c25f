/* fuzz_cron.c: any bytes as a cron text and as a phrase: refused with a note inside of the text, or compiled;
 * what is compiled prints, compiles to the same again, has words, and answers forwards and backwards
 * alike. */
#include "base/limits.h"
#include "cron/every.h"
#include "cron/explain.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void print_again(const struct cron *c) {
    struct buf once = BUF_INIT, twice = BUF_INIT;
    struct cron again;
    struct cron_note err;
    cron_print(c, &once);
    if (once.len <= LIMIT_CRON_BYTES) {
        const struct cron_options anchored = {.anchor = c->anchor * US_PER_SECOND};
        assert(cron_parse(buf_str(&once), &anchored, &again, &err) == 0);
        assert(cron_same(c, &again));
        cron_print(&again, &twice);
        assert(strcmp(buf_str(&once), buf_str(&twice)) == 0);
    }
    cron_explain(c, &twice);
    assert(twice.len > 0);
    buf_release(&once);
    buf_release(&twice);
}

static void ask(const struct cron *c, const struct tz *tz) {
    static const instant_t from[] = {INT64_MIN, 0, 1490482800000000, 1506783600000000, 4102444800000000};
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        struct cron_clock k;
        struct cron_effect e;
        cron_clock_init(&k, c, tz);
        instant_t a = cron_next(&k, from[i]), b = a == INSTANT_NONE ? a : cron_next(&k, a);
        if (b == INSTANT_NONE) continue;
        assert(a > from[i] && b > a && cron_prev(&k, b) == a && cron_match(&k, a));
        if (cron_effect_next(&k, a, b, &e)) assert(e.at > a && e.at <= b);
    }
}

static void check_note(const struct cron_note *n, const char *text) {
    assert(*n->message && (size_t)n->offset + n->length <= strlen(text));
}

static void check(const struct cron *c) {
    static const char *const rules[] = {"UTC0", "CET-1CEST,M3.5.0,M10.5.0/3",
                                        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"};
    print_again(c);
    ask(c, NULL);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct tz *tz = tz_from_rule(rules[i], NULL);
        ask(c, tz);
        tz_free(tz);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct cron_options opts = {.seed = "job-1"};
    struct cron_note note, notes[CRON_NOTES_MAX];
    struct cron c;
    char *text = calloc(size + 1, 1), cron_text[EVERY_CRON_TEXT];
    if (size) memcpy(text, data, size);
    if (cron_parse(text, &opts, &c, &note) != 0)
        check_note(&note, text);
    else
        check(&c);
    size_t n = cron_lint(text, &opts, notes);
    for (size_t i = 0; i < n; i++) check_note(&notes[i], text);
    if (every_parse(text, CRON_DST_AUTO, &c, cron_text, &note) != 0)
        check_note(&note, text);
    else
        check(&c);
    free(text);
    return 0;
}
