/* test_dag_expr.c: expressions as data (tests/data/dag/expressions.txt): parsed, printed, parsed again,
 * checked, evaluated. */
#include "dag/expr.h"
#include "dag/template.h"
#include "dag_fixture.h"

struct fixture {
    struct arena *arena;
    struct diags *d;
    struct project *project;
    struct tz *tz;
    json_t *scope, *each;
    struct map steps, groups;
    struct param params[8];
    size_t param_count;
    const char *inputs[1];
    int failed;
};

static void add_param(struct fixture *f, const char *name, int type, json_t *value) {
    f->params[f->param_count] = (struct param){.name = name};
    f->params[f->param_count++].type = (unsigned)type;
    json_put(json_object_get(f->scope, "params"), name, value);
}

static void setup(struct fixture *f) {
    struct err err = {0};
    *f = (struct fixture){.arena = arena_new(), .d = diags_new(), .inputs = {"trusted.orders"}};
    f->project = fx_project(f->d);
    f->tz = tz_load("Europe/Berlin", &err);
    assert_non_null(f->tz);
    f->scope = json_load_path(DAG_DATA "/scope.json", &err);
    if (!f->scope) fail_msg("%s", err.msg);
    f->each = json_pack("{ss}", "region", "eu");
    json_object_set(f->scope, "each", f->each);
    json_put(f->scope, "params", json_object());
    map_add(&f->steps, "list", 0, NULL);
    map_add(&f->steps, "load.eu", 1, NULL);
    map_add(&f->groups, "load", 1, NULL);
    add_param(f, "n", PARAM_INTEGER, json_integer(5));
    add_param(f, "x", PARAM_DECIMAL, json_real(1.5));
    add_param(f, "s", PARAM_TEXT, json_string("Ab c"));
    add_param(f, "flag", PARAM_BOOL, json_true());
    add_param(f, "day", PARAM_DATE, json_pack("{ss}", "@date", "2026-11-19"));
    add_param(f, "file", PARAM_PATH, json_string("a/b"));
    add_param(f, "none", PARAM_INTEGER, json_null());
}

static void teardown(struct fixture *f) {
    json_decref(f->scope);
    json_decref(f->each);
    map_release(&f->steps);
    map_release(&f->groups);
    tz_free(f->tz);
    project_free(f->project);
    diags_free(f->d);
    arena_free(f->arena);
}

static struct expr_scope scope_of(const struct fixture *f) {
    return (struct expr_scope){.project = f->project,
                               .params = f->params,
                               .param_count = f->param_count,
                               .steps = &f->steps,
                               .groups = &f->groups,
                               .each = f->each,
                               .inputs = f->inputs,
                               .input_count = 1,
                               .has_output = true};
}

static struct expr *parse(struct fixture *f, const char *text, struct complaint *c) {
    size_t end, len = strlen(text);
    struct expr *e = expr_parse(f->arena, text, 0, len, &end, c);
    if (e && end < len) {
        expr_complain(c, "E0501", (uint32_t)end, (uint32_t)end + 1, "an operator is missing here");
        return NULL;
    }
    return e;
}

/* "= json" or "! message (from-to) did you mean x". */
static char *run(struct fixture *f, const char *text) {
    struct complaint c = {0};
    struct expr *e = parse(f, text, &c);
    struct expr_scope s = scope_of(f);
    struct eval v = {.scope = f->scope, .tz = f->tz, .arena = f->arena, .c = &c};
    struct ev x;
    struct buf out = BUF_INIT;
    if (e && expr_check(e, &s, &c) && expr_eval(&v, e, &x)) {
        bool fits = e->type == TYPE_ANY || x.type == TYPE_NULL || e->type == x.type ||
                    (e->type == TYPE_TEXT && x.type == TYPE_PATH) ||
                    (e->type == TYPE_PATH && x.type == TYPE_TEXT);
        if (!fits)
            fail_msg("%s: checked as %s, is %s", text, expr_type_texts[e->type], expr_type_texts[x.type]);
        json_t *j = ev_json(&v, &x);
        char *line = json_dumps(j, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        buf_addf(&out, "= %s", line);
        free(line);
        json_decref(j);
    } else {
        assert_true(*c.code && *c.message);
        buf_addf(&out, "! %s (%u-%u)", c.message, c.start, c.end);
        if (*c.meant) buf_addf(&out, " did you mean %s", c.meant);
    }
    free(s.refs);
    return buf_take(&out);
}

static void check_printing(struct fixture *f, const char *text, const char *want) {
    struct complaint c = {0};
    struct expr *e = parse(f, text, &c);
    if (!e) return;
    struct buf once = BUF_INIT, twice = BUF_INIT;
    expr_print(e, &once);
    struct expr *again = parse(f, arena_strdup(f->arena, buf_str(&once)), &c);
    if (!again) fail_msg("%s prints as %s, which cannot be read: %s", text, buf_str(&once), c.message);
    expr_print(again, &twice);
    assert_string_equal(buf_str(&once), buf_str(&twice));
    if (want) assert_string_equal(buf_str(&once), want);
    buf_release(&once);
    buf_release(&twice);
}

static void check_case(struct fixture *f, const char *expr, const char *want, const char *printed) {
    char *found = run(f, expr);
    if (strcmp(found, want) != 0) {
        print_error("%s\n  expected %s\n  found    %s\n", expr, want, found);
        f->failed++;
    }
    free(found);
    check_printing(f, expr, printed);
}

static void test_cases(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    char *text = fx_file(DAG_DATA "/expressions.txt", NULL), *save = NULL;
    const char *expr = NULL, *want = NULL;
    int cases = 0;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (*line == '#') continue;
        bool result = (line[0] == '=' || line[0] == '!') && line[1] == ' ';
        bool printed = line[0] == '~';
        if (!result && !printed) {
            if (expr) check_case(&f, expr, want, NULL);
            expr = line;
            want = NULL;
        } else if (result) {
            want = line;
            cases++;
        } else {
            check_case(&f, expr, want, line + 2);
            expr = NULL;
        }
    }
    if (expr) check_case(&f, expr, want, NULL);
    assert_true(cases > 120);
    assert_int_equal(f.failed, 0);
    free(text);
    teardown(&f);
}

/* ---- templates */

static const struct {
    const char *text, *want; /* NULL: an error */
} templates[] = {
    {"plain", "plain"},
    {"", ""},
    {"${params.n}", "5"},
    {"a${params.n}b${params.s}c", "a5bAb cc"},
    {"$${params.n} ${params.n}", "${params.n} 5"},
    {"$5 ${params.n} $", "$5 5 $"},
    {"$$ ${params.n}", "$$ 5"},
    {"${\"}\"}x", "}x"},
    {"${window.start}|${window.date}|${90m}|${1.5}|${true}", "2025-11-19T00:00:00Z|2025-11-19|90m|1.5|true"},
    {"${params.n", NULL},
    {"x ${params.none}", NULL},
    {"x ${[1]}", NULL},
};

static void test_templates(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++) {
        struct complaint c = {0};
        struct expr_scope s = scope_of(&f);
        struct template *t = template_parse(f.arena, templates[i].text, strlen(templates[i].text), &c);
        struct eval v = {.scope = f.scope, .tz = f.tz, .arena = f.arena, .c = &c};
        struct ev x;
        const char *text = NULL;
        bool good = t && template_check(t, &s, &c) && template_eval(&v, t, &x) && ev_text(&v, &x, &text);
        if (good != (templates[i].want != NULL))
            fail_msg("%s: %s", templates[i].text, good ? text : c.message);
        if (good) assert_string_equal(text, templates[i].want);
        free(s.refs);
    }
    teardown(&f);
}

/* Values in the scope are data: what looks like an expression in them stays as it is. */
static void test_evaluated_once(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    json_put_text(json_object_get(f.scope, "params"), "s", "${params.n}; drop table x");
    char *found = run(&f, "params.s + \"!\"");
    assert_string_equal(found, "= \"${params.n}; drop table x!\"");
    free(found);
    teardown(&f);
}

static void test_long_expression(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    struct buf b = BUF_INIT;
    for (int i = 0; i < 200; i++) buf_adds(&b, "1 + ");
    buf_adds(&b, "1");
    char *found = run(&f, buf_str(&b));
    assert_string_equal(found, "= 201");
    free(found);
    buf_clear(&b);
    for (int i = 0; i < 100000; i++) buf_adds(&b, "1 + ");
    found = run(&f, buf_str(&b));
    assert_non_null(strstr(found, "nested too deeply"));
    free(found);
    buf_clear(&b);
    for (int i = 0; i < 100000; i++) buf_addc(&b, '(');
    found = run(&f, buf_str(&b));
    assert_non_null(strstr(found, "nested too deeply"));
    free(found);
    buf_release(&b);
    teardown(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_templates),
                                       cmocka_unit_test(test_evaluated_once),
                                       cmocka_unit_test(test_long_expression)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
