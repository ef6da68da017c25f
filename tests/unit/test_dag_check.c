/* test_dag_check.c: check rules as data (tests/data/dag/checks.txt): parsed, printed, parsed again. */
#include "dag/check.h"
#include "dag_fixture.h"

static void add_columns(const json_t *metric, struct buf *out) {
    const json_t *columns = json_object_get(metric, "columns"), *c;
    size_t i;
    buf_adds(out, json_text_or(metric, "name", "?"));
    if (!json_array_size(columns)) return;
    buf_addc(out, '(');
    json_array_foreach(columns, i, c) buf_addf(out, "%s%s", i ? "," : "", json_string_value(c));
    buf_addc(out, ')');
}

/* "= kind metric op args …" or "! offset message". */
static char *summary(const char *rule) {
    char message[256];
    size_t offset = 0;
    struct buf out = BUF_INIT;
    json_t *j = check_parse(rule, strlen(rule), message, &offset);
    if (!j) {
        buf_addf(&out, "! %zu %s", offset, message);
        return buf_take(&out);
    }
    assert_string_equal(json_text(j, "text"), rule);
    assert_string_equal(json_text(j, "severity"), "fail");
    const json_t *metric = json_object_get(j, "metric"), *history = json_object_get(j, "history");
    char *args = json_dumps(json_object_get(j, "args"), JSON_REAL_PRECISION(15));
    buf_addf(&out, "= %s ", json_text_or(j, "kind", "?"));
    add_columns(metric, &out);
    buf_addf(&out, " %s %s", json_text_or(j, "op", "?"), args);
    if (json_flag(j, "percent")) buf_adds(&out, " percent");
    if (json_text(metric, "dataset"))
        buf_addf(&out, " %s.%s", json_text(metric, "dataset"), json_text(metric, "column"));
    if (history)
        buf_addf(&out, " %s %lld %g", json_text(history, "function"), (long long)json_int(history, "runs", 0),
                 json_num(history, "percent", 0));
    free(args);
    json_decref(j);
    return buf_take(&out);
}

static void check_printing(const char *rule, const char *want) {
    char message[256];
    size_t offset;
    json_t *j = check_parse(rule, strlen(rule), message, &offset), *again;
    if (!j) return;
    struct buf once = BUF_INIT, twice = BUF_INIT;
    check_print(j, &once);
    again = check_parse(buf_str(&once), once.len, message, &offset);
    if (!again) fail_msg("%s prints as %s, which cannot be read: %s", rule, buf_str(&once), message);
    check_print(again, &twice);
    assert_string_equal(buf_str(&once), buf_str(&twice));
    assert_string_equal(buf_str(&once), want);
    json_object_del(j, "text");
    json_object_del(again, "text");
    assert_true(json_equal(j, again));
    json_decref(j);
    json_decref(again);
    buf_release(&once);
    buf_release(&twice);
}

static int check_case(const char *rule, const char *want, const char *printed) {
    char *found = summary(rule);
    int bad = strcmp(found, want) != 0;
    if (bad) print_error("%s\n  expected %s\n  found    %s\n", rule, want, found);
    free(found);
    check_printing(rule, printed ? printed : rule);
    return bad;
}

static void test_cases(void **state) {
    (void)state;
    char *text = fx_file(DAG_DATA "/checks.txt", NULL), *save = NULL;
    const char *rule = NULL, *want = NULL, *printed = NULL;
    int cases = 0, failed = 0;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        bool result = (line[0] == '=' || line[0] == '!') && line[1] == ' ' && rule && !want;
        if (*line == '#') continue;
        if (result) {
            want = line;
        } else if (*line == '~') {
            printed = line + 2;
        } else {
            if (want) failed += check_case(rule, want, printed);
            rule = line;
            want = printed = NULL;
            cases++;
        }
    }
    failed += check_case(rule, want, printed);
    assert_true(cases > 60);
    assert_int_equal(failed, 0);
    free(text);
}

static void test_limits(void **state) {
    (void)state;
    struct buf b = BUF_INIT;
    char message[256];
    size_t offset;
    buf_adds(&b, "a in (");
    for (int i = 0; i < 10001; i++) buf_adds(&b, i ? ",x" : "x");
    buf_addc(&b, ')');
    assert_null(check_parse(buf_str(&b), b.len, message, &offset));
    assert_non_null(strstr(message, "more than 10000 values"));
    buf_clear(&b);
    for (int i = 0; i < 100000; i++) buf_addc(&b, 'a');
    buf_adds(&b, " > 0");
    assert_null(check_parse(buf_str(&b), b.len, message, &offset));
    assert_non_null(strstr(message, "at most"));
    buf_release(&b);
    assert_null(check_parse("", 0, message, &offset));
    assert_null(check_parse("a > \"\xff\"", 8, message, &offset));
    assert_int_equal(check_function_count, 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
