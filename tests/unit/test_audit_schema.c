/* test_audit_schema.c: what a step's columns may do to a dataset's schema, case by case. */
#include "workbench.h"

#include "zones/schema.h"

static const struct schema_case {
    const char *policy, *write;
    const char *current; /* name:delta type, with commas; "" before the first version */
    const char *given;   /* name:SQL type */
    const char *columns; /* the version's, as `current`; or the error after "!" */
    const char *projection;
} cases[] = {
    /* The first version: whatever comes, under Delta's types. */
    {"add", "append", "", "a INTEGER,b VARCHAR", "a integer,b string", "\"a\", \"b\""},
    {"strict", "append", "", "a INTEGER", "a integer", "\"a\""},
    {"add", "append", "", "a HUGEINT,u UINTEGER", "a decimal(38,0),u long",
     "CAST(\"a\" AS DECIMAL(38,0)) AS \"a\", CAST(\"u\" AS BIGINT) AS \"u\""},
    /* The same columns; order and case are the dataset's. */
    {"strict", "append", "a long,b string", "a BIGINT,b VARCHAR", "a long,b string", "\"a\", \"b\""},
    {"strict", "append", "a long,b string", "B VARCHAR,A BIGINT", "a long,b string",
     "\"A\" AS \"a\", \"B\" AS \"b\""},
    /* Narrower types are cast up, whatever the policy. */
    {"strict", "append", "a long", "a INTEGER", "a long", "CAST(\"a\" AS BIGINT) AS \"a\""},
    {"add", "append", "a double", "a FLOAT", "a double", "CAST(\"a\" AS DOUBLE) AS \"a\""},
    {"add", "append", "a decimal(18,2)", "a DECIMAL(9,2)", "a decimal(18,2)",
     "CAST(\"a\" AS DECIMAL(18,2)) AS \"a\""},
    /* Wider ones only where the whole table is written again. */
    {"add", "append", "a integer", "a BIGINT", "!type of `a` integer -> long", ""},
    {"any", "append", "a integer", "a BIGINT", "!type of `a` integer -> long", ""},
    {"add", "replace", "a integer", "a BIGINT", "a long", "\"a\""},
    {"strict", "replace", "a integer", "a BIGINT", "!type of `a` integer -> long", ""},
    {"add", "replace", "a string", "a BIGINT", "!type of `a` string -> long", ""},
    {"any", "replace", "a string", "a BIGINT", "a long", "\"a\""},
    /* New columns. */
    {"add", "append", "a long", "b VARCHAR,a BIGINT", "a long,b string", "\"a\", \"b\""},
    {"any", "append", "a long", "a BIGINT,b VARCHAR", "a long,b string", "\"a\", \"b\""},
    {"strict", "append", "a long", "a BIGINT,b VARCHAR", "!new column `b` string", ""},
    /* Missing ones. */
    {"add", "append", "a long,b string", "a BIGINT", "a long,b string",
     "\"a\", CAST(NULL AS VARCHAR) AS \"b\""},
    {"strict", "append", "a long,b string", "a BIGINT", "!missing `b`", ""},
    {"any", "replace", "a long,b string", "a BIGINT", "a long", "\"a\""},
    {"add", "replace", "a long,b string", "a BIGINT", "a long,b string",
     "\"a\", CAST(NULL AS VARCHAR) AS \"b\""},
    /* All of it at once. */
    {"strict", "append", "a long,b string,c date", "a VARCHAR,b VARCHAR,d DOUBLE",
     "!type of `a` long -> string; missing `c`; new column `d` double", ""},
    /* What no table can hold. */
    {"add", "append", "", "a INTEGER,A INTEGER", "!the step gives two columns named `A`", ""},
};

static json_t *parse_columns(const char *text, bool described) {
    json_t *out = json_array();
    char *copy = strdup(text), *rest = copy, *item;
    while ((item = strsep(&rest, ",")) && *item) {
        char *type = item;
        strsep(&type, " ");
        /* decimal(9,2) was cut at its comma */
        char whole[64];
        snprintf(whole, sizeof whole, "%s", type);
        if (strchr(type, '(') && !strchr(type, ')'))
            snprintf(whole, sizeof whole, "%s,%s", type, strsep(&rest, ","));
        json_t *c = json_pack("{ss ss}", "name", item, "type", whole);
        if (!described) json_put(c, "nullable", json_true());
        json_array_append_new(out, c);
    }
    free(copy);
    return out;
}

static const char *print_columns(struct buf *b, const json_t *columns) {
    size_t i;
    json_t *c;
    json_array_foreach(columns, i, c)
        buf_addf(b, "%s%s %s", i ? "," : "", json_text(c, "name"), json_text(c, "type"));
    return buf_str(b);
}

static int index_of(const char *const *words, const char *word) {
    int i = 0;
    while (strcmp(words[i], word) != 0) i++;
    return i;
}

static void run_case(const struct schema_case *c) {
    static const char *const policies[] = {"any", "add", "strict"};
    json_t *current = parse_columns(c->current, false), *given = parse_columns(c->given, true),
           *warnings = json_array();
    struct stage_into into = {.dataset = "trusted.t",
                              .policy = (enum stage_policy)index_of(policies, c->policy),
                              .write = (enum stage_write)index_of(stage_write_names, c->write),
                              .columns = c->current[0] ? current : NULL};
    struct schema_plan plan;
    struct err err = {0};
    struct buf b = BUF_INIT;
    int rc = schema_plan(&into, given, warnings, &plan, &err);
    if (c->columns[0] == '!') {
        if (rc == 0 || !strstr(err.msg, c->columns + 1))
            fail_msg("%s <- %s: %s", c->current, c->given, err.msg);
    } else {
        if (rc < 0) fail_msg("%s <- %s: %s", c->current, c->given, err.msg);
        assert_string_equal(print_columns(&b, plan.columns), c->columns);
        assert_string_equal(buf_str(&plan.projection), c->projection);
    }
    buf_release(&b);
    schema_plan_release(&plan);
    json_decref(current);
    json_decref(given);
    json_decref(warnings);
}

static void test_policies(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) run_case(&cases[i]);
}

static void test_hint_has_both_ways_out(void **state) {
    (void)state;
    json_t *current = parse_columns("a integer", false), *given = parse_columns("a BIGINT", true);
    struct stage_into into = {.dataset = "trusted.t", .policy = STAGE_ADD, .columns = current};
    struct schema_plan plan;
    struct err err = {0};
    assert_int_equal(schema_plan(&into, given, NULL, &plan, &err), -1);
    assert_int_equal(err.exit, EX_GATE);
    assert_string_equal(err.reason, "schema");
    assert_non_null(strstr(err.hint, "cast("));
    assert_non_null(strstr(err.hint, "`schema:` of zone `trusted`"));
    json_decref(current);
    json_decref(given);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_policies),
                                       cmocka_unit_test(test_hint_has_both_ways_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
