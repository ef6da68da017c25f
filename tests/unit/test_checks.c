/* test_checks.c: the rules of tests/data/checks through dag/'s parser and the real worker.
 *
 * Lines of a case:
 *   sql:     the step's rows                         before: rows of an earlier version of trusted.checked
 *   with:    dataset | rows                          into:   members of request.into
 *   result | check | actual [|= expected]            a check, and what it must say; `sql:` checks have an
 *                                                    expectation
 *   rows:    rows to publish                         bad:    rows set aside
 *   message: how the error begins; "" when it says nothing about it */
#include "workbench.h"

#include "base/buf.h"
#include "dag/check.h"

struct expected {
    const char *result, *check, *actual;
};

struct check_case {
    const char *file;
    int line;
    const char *sql, *into, *message, *rows, *bad;
    const char *before[4], *with[4];
    size_t befores, withs, count;
    struct expected checks[32];
};

/* ---- reading ------------------------------------------------------------------------------------------- */

static char *trim(char *s) {
    s += strspn(s, " ");
    for (size_t n = strlen(s); n && s[n - 1] == ' ';) s[--n] = 0;
    return s;
}

static char *cut(char **rest, const char *by) {
    char *start = *rest, *found = start ? strstr(start, by) : NULL;
    *rest = found ? found + strlen(by) : NULL;
    if (found) *found = 0;
    return start ? trim(start) : NULL;
}

static bool keyed(const char *line, const char *key, const char **value) {
    size_t n = strlen(key);
    if (strncmp(line, key, n) != 0 || line[n] != ':') return false;
    *value = line + n + 1 + strspn(line + n + 1, " ");
    return true;
}

static void read_line(struct check_case *c, char *line) {
    const char *value;
    if (keyed(line, "sql", &c->sql) || keyed(line, "into", &c->into) || keyed(line, "message", &c->message) ||
        keyed(line, "rows", &c->rows) || keyed(line, "bad", &c->bad))
        return;
    if (keyed(line, "before", &value)) {
        c->before[c->befores++] = value;
        return;
    }
    if (keyed(line, "with", &value)) {
        c->with[c->withs++] = value;
        return;
    }
    char *rest = line;
    struct expected *e = &c->checks[c->count++];
    e->result = cut(&rest, " | ");
    e->check = cut(&rest, " | ");
    e->actual = rest ? trim(rest) : "";
}

/* ---- building ------------------------------------------------------------------------------------------ */

/* The expectation of an `sql:` check stands behind its actual value: "4 |< 4". */
static json_t *sql_check(struct expected *e) {
    char message[256], *actual = (char *)(uintptr_t)e->actual, *rest = actual;
    size_t offset;
    e->actual = cut(&rest, "|");
    struct buf b = BUF_INIT;
    buf_addf(&b, "row_count %s", rest ? rest : "= 0");
    json_t *spec = check_parse(buf_str(&b), b.len, message, &offset);
    buf_release(&b);
    if (!spec) fail_msg("%s: %s", e->check, message);
    json_put(spec, "metric", json_pack("{ss ss}", "name", "sql", "sql", e->check + 5));
    json_put_text(spec, "text", e->check);
    return spec;
}

/* The words of dag/check.h; `warn: ` in front makes it a warning. */
static json_t *check_of(const struct check_case *c, struct expected *e) {
    char message[256];
    size_t offset;
    bool warn = strncmp(e->check, "warn: ", 6) == 0;
    const char *rule = warn ? e->check + 6 : e->check;
    if (strncmp(rule, "sql: ", 5) == 0) return sql_check(e);
    json_t *spec = check_parse(rule, strlen(rule), message, &offset);
    if (!spec) fail_msg("%s:%d: %s: %s", c->file, c->line, e->check, message);
    json_put_text(spec, "severity", warn ? "warn" : "fail");
    return spec;
}

static char *into_of(struct check_case *c) {
    json_t *into = c->into ? loose(c->into) : json_object(), *checks = json_array();
    for (size_t i = 0; i < c->count; i++) json_array_append_new(checks, check_of(c, &c->checks[i]));
    json_put_text(into, "dataset", "trusted.checked");
    json_put(into, "checks", checks);
    char *text = json_dumps(into, 0);
    json_decref(into);
    return text;
}

static void publish_before(struct lake *l, const struct check_case *c) {
    static const char into[] =
        "{'dataset': 'trusted.checked', 'write': 'replace', 'checks': [{'text': 'row_count > 0', "
        "'kind': 'set', 'metric': {'name': 'row_count', 'columns': []}, 'op': '>', 'args': [0]}, "
        "{'text': 'max(id) > 0', 'kind': 'set', 'metric': {'name': 'max', 'columns': ['id']}, "
        "'op': '>', 'args': [0]}]}";
    for (size_t i = 0; i < c->befores; i++)
        bench_publish_job(l, &(struct job){.verb = "sql", .sql = c->before[i], .into = into});
    for (size_t i = 0; i < c->withs; i++) {
        char *copy = strdup(c->with[i]), *sql = copy;
        const char *dataset = cut(&sql, "|");
        bench_publish_job(l, &(struct job){.verb = "sql",
                                           .sql = sql,
                                           .into = arena_printf(l->arena, "{'dataset': '%s'}", dataset)});
        free(copy);
    }
}

/* ---- judging ------------------------------------------------------------------------------------------- */

static const json_t *result_of(const json_t *results, const char *check) {
    size_t i;
    json_t *r;
    const char *plain = strncmp(check, "warn: ", 6) == 0 ? check + 6 : check;
    json_array_foreach(results, i, r) if (strcmp(json_text_or(r, "check", ""), plain) == 0) return r;
    return NULL;
}

static void judge_check(const struct check_case *c, const json_t *results, const struct expected *e,
                        int *wrong) {
    const json_t *r = result_of(results, e->check);
    const char *result = json_text_or(r, "result", "nothing"), *actual = json_text_or(r, "actual", "");
    if (strcmp(result, e->result) != 0 || strcmp(actual, e->actual) != 0)
        print_error("%s:%d: %s | %s | %s\n", c->file, c->line, result, e->check, actual), ++*wrong;
    bool sampled = json_array_size(json_object_get(r, "sample")) > 0;
    if (strstr(actual, " rows fail") && actual[0] != '0' && !sampled) fail_msg("%s: no sample", e->check);
}

static void judge_end(const struct check_case *c, const struct done *d) {
    bool shut = c->message != NULL;
    for (size_t i = 0; i < c->count; i++)
        shut |= strcmp(c->checks[i].result, "fail") == 0 || strcmp(c->checks[i].result, "error") == 0;
    if (strcmp(done_outcome(d), shut ? "gate" : "ok") != 0)
        fail_msg("%s:%d: %s: %s", c->file, c->line, done_outcome(d), done_message(d));
    if (c->message && strncmp(done_message(d), c->message, strlen(c->message)) != 0)
        fail_msg("%s:%d: %s", c->file, c->line, done_message(d));
    if (c->rows) assert_int_equal(json_int(d->result, "rows_written", -9), atoi(c->rows));
    if (c->bad) assert_int_equal(json_int(d->result, "bad_rows", -9), atoi(c->bad));
}

static int run_case(struct check_case *c) {
    struct lake *l = lake_new("UTC");
    publish_before(l, c);
    char *into = into_of(c);
    struct done d = bench_run(l, &(struct job){.verb = "sql", .sql = c->sql, .into = into});
    const json_t *results = json_object_get(d.result, "checks");
    int wrong = 0;
    for (size_t i = 0; i < c->count; i++) judge_check(c, results, &c->checks[i], &wrong);
    if (!wrong) judge_end(c, &d);
    done_free(&d);
    free(into);
    lake_free(l);
    return wrong;
}

static void test_rules(void **state) {
    (void)state;
    static const char file[] = LEAT_SOURCE_DIR "/tests/data/checks/rules.txt";
    struct err err;
    char *text = fs_read(file, 1 << 20, NULL, &err), *rest = text;
    if (!text) fail_msg("%s", err.msg);
    struct check_case c = {.file = "rules.txt"};
    int number = 0, cases = 0, wrong = 0;
    for (char *line; (line = strsep(&rest, "\n"));) {
        number++;
        if (line[0] && line[0] != '#') {
            if (!c.line) c.line = number;
            read_line(&c, line);
            continue;
        }
        if (line[0] == '#' || !c.sql) continue;
        wrong += run_case(&c);
        cases++;
        c = (struct check_case){.file = "rules.txt"};
    }
    if (c.sql) wrong += run_case(&c);
    assert_true(cases >= 10);
    assert_int_equal(wrong, 0);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
