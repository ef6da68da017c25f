/* test_op_prepare.c: steps looked at before they run: columns from the database and from steps that come
 * first, what is sure and what is not, and what must be left alone. */
#include "workbench.h"

#include "engine/duck.h"
#include "operators/prepare.h"

struct bed {
    struct lake *lake;
    struct duck *duck; /* as the worker has it: without a file in reach */
};

/* trusted.orders was published by a step; raw.named has columns but is kept as files; raw.text has none. */
static void publish_all(struct lake *l) {
    static const struct {
        const char *sql, *into;
    } published[] = {
        {"select 1::integer as id, 2.5::decimal(10,2) as amount, 'DE' as country, {'a': 1} as st, now() as "
         "ordered_at",
         "{'dataset': 'trusted.orders'}"},
        {"select 1::integer as id, 'x' as name, {'a': 1} as st",
         "{'dataset': 'raw.named', 'format': 'files', 'schema': 'any'}"},
        {"select 'DE' as iso, 'Germany' as name", "{'dataset': 'trusted.countries'}"},
        {"select 1::bigint as n", "{'dataset': 'refined.counts'}"},
        {"select 1 as id, 'too small' as _leat_reason", "{'dataset': 'trusted.orders__quarantine'}"},
    };
    for (size_t i = 0; i < sizeof published / sizeof *published; i++)
        bench_publish_job(l,
                          &(struct job){.verb = "sql", .sql = published[i].sql, .into = published[i].into});
}

static int setup(void **state) {
    struct bed *b = xcalloc(1, sizeof *b);
    b->lake = lake_new("UTC");
    publish_all(b->lake);
    b->duck = duck_open(&(struct duck_options){.threads = 1}, &b->lake->err);
    *state = b;
    return b->duck ? 0 : -1;
}

static int teardown(void **state) {
    struct bed *b = *state;
    duck_close(b->duck);
    lake_free(b->lake);
    free(b);
    return 0;
}

/* A step: what writes, into which dataset, with which further members of `into` and which checks. */
struct asked {
    const char *sql;                  /* of a sql step; NULL: see promote */
    const char *promote;              /* loose JSON of its config; both NULL: a step nobody can look into */
    const char *params;               /* loose JSON */
    const char *into, *more, *checks; /* a dataset, loose JSON, loose JSON */
};

/* [place] ? when it is doubtful, kind, @position, message, -> what was meant */
struct expected {
    const char *name;
    struct asked steps[4];
    const char *problems; /* separated by line breaks */
};

#define CHECK(metric, columns) "{'kind': 'row', 'metric': {'name': '" metric "', 'columns': [" columns "]}}"

static const struct expected cases[] = {
    {"nothing is wrong", {{"select id, amount + 1 as a from trusted.orders", .into = "refined.a"}}, ""},
    {"a wrong column",
     {{"select id, amuont from trusted.orders", .into = "refined.a"}},
     "[config.text] sql @11: no column `amuont` in trusted.orders -> amount"},
    {"in what is new",
     {{"select amuont from trusted.orders__new", .into = "refined.a"}},
     "[config.text] sql @7: no column `amuont` in trusted.orders -> amount"},
    {"behind wide characters",
     {{"select 'äöü€' as x, amuont from trusted.orders", .into = "refined.a"}},
     "[config.text] sql @25: no column `amuont` in trusted.orders -> amount"},
    {"of an alias, in one of two",
     {{"select o.amuont from trusted.orders o join trusted.countries c on c.iso = o.country",
       .into = "refined.a"}},
     "[config.text] sql @7: no column `amuont` -> amount"},
    {"in a query inside",
     {{"with x as (select id as number from trusted.orders) select numbr as n from x", .into = "refined.a"}},
     "[config.text] sql @59: no column `numbr` -> number"},
    {"in a star's list",
     {{"select * exclude (rn) from trusted.orders", .into = "refined.a"}},
     "[config.text] sql: no column `rn` in trusted.orders"},
    {"nothing is near",
     {{"select quux from trusted.orders", .into = "refined.a"}},
     "[config.text] sql @7: no column `quux` in trusted.orders"},
    {"a wrong function",
     {{"select lowr(country) as c from trusted.orders", .into = "refined.a"}},
     "[config.text] sql @7: no function `lowr` -> lower"},
    {"a wrong table, its zone forgotten",
     {{"select * from orders", .into = "refined.a"}, {"select 1 as n", .into = "raw.orders"}},
     "[config.text] sql @14: no table `orders` -> raw.orders"},
    {"a wrong zone",
     {{"select * from trusetd.orders", .into = "refined.a"}},
     "[config.text] sql @14: no zone `trusetd` -> trusted"},
    {"types clash",
     {{"select id from trusted.orders where ordered_at > 3", .into = "refined.a"}},
     "[config.text] sql @47: Cannot compare values of type TIMESTAMP WITH TIME ZONE and type INTEGER_LITERAL "
     "- an explicit cast is required"},
    {"a function does not take it",
     {{"select sum(country) as s from trusted.orders", .into = "refined.a"}},
     "[config.text] sql @7: No function matches the given name and argument types 'sum(VARCHAR)'. You might "
     "need to add explicit type casts."},
    {"parameters have types",
     {{"select id from trusted.orders where ordered_at > $p1 and id = $p2",
       .params = "[{'name': 'p1', 'type': 'instant'}, {'name': 'p2', 'type': 'integer'}]",
       .into = "refined.a"}},
     ""},
    {"a parameter's type clashes",
     {{"select id from trusted.orders where ordered_at > $p1",
       .params = "[{'name': 'p1', 'type': 'integer'}]", .into = "refined.a"}},
     "[config.text] sql @47: Cannot compare values of type TIMESTAMP WITH TIME ZONE and type BIGINT - an "
     "explicit cast is required"},
    {"a parameter's type is not known",
     {{"select $p1 as x from trusted.orders where ordered_at > $p1",
       .params = "[{'name': 'p1', 'type': null}]", .into = "refined.a"}},
     ""},
    {"columns are wrong all the same",
     {{"select $p1 as x, amuont from trusted.orders", .params = "[{'name': 'p1', 'type': null}]",
       .into = "refined.a"}},
     "[config.text] sql @17: no column `amuont` in trusted.orders -> amount"},

    /* ---- left alone */
    {"nobody knows the columns", {{"select quux from raw.text", .into = "refined.a"}}, ""},
    {"a file that is not there",
     {{"select quux from read_parquet('nothing/*.parquet')", .into = "refined.a"}},
     ""},
    {"a file beside a dataset",
     {{"select quux from trusted.orders, read_csv('/etc/passwd')", .into = "refined.a"}},
     ""},
    {"a file as a table", {{"select quux from 'nothing.csv'", .into = "refined.a"}}, ""},
    {"a table that a parameter names",
     {{"select quux from query_table($p1)", .params = "[{'name': 'p1', 'type': 'text'}]",
       .into = "refined.a"}},
     ""},
    {"a value that does not convert",
     {{"select id from trusted.orders where ordered_at > $p1::date",
       .params = "[{'name': 'p1', 'type': 'text'}]", .into = "refined.a"}},
     ""},
    {"the engine's own tables",
     {{"select table_name from information_schema.tables", .into = "refined.a"}},
     ""},

    /* ---- columns whose types are not known */
    {"files have names",
     {{"select nam from raw.named", .into = "refined.a"}},
     "[config.text] sql @7: no column `nam` in raw.named -> name"},
    {"but no types",
     {{"select sum(name) as s, st.b as b from raw.named where id > now()", .into = "refined.a"}},
     ""},
    {"what is in a column may be anything",
     {{"select b from (select unnest(st) from raw.named)", .into = "refined.a"}},
     ""},

    /* ---- chains */
    {"the first day: a step writes what another reads",
     {{"select n + 1 as m, x from trusted.new", .into = "refined.a"},
      {"select 1 as n, 'y' as y from raw.text", .into = "trusted.new"}},
     "[config.text] sql @19: no column `x` in trusted.new"},
    {"and on: names come from the text when the source is not known",
     {{"select country, total, other from trusted.sums", .into = "refined.a"},
      {"select country, sum(amount) as total from trusted.typed group by all", .into = "trusted.sums"},
      {"select cast(a as decimal(10,2)) as amount, country from raw.text", .into = "trusted.typed"}},
     "[config.text] sql @23: no column `other` in trusted.sums"},
    {"types come along",
     {{"select sum(c) as s from trusted.x", .into = "refined.a"},
      {"select upper(country) as c from trusted.orders", .into = "trusted.x"}},
     "[config.text] sql @7: No function matches the given name and argument types 'sum(VARCHAR)'. You might "
     "need to add explicit type casts."},
    {"a column is added to what was published",
     {{"select discount, country from trusted.orders", .into = "refined.a"},
      {"select 1::integer as id, 0.1 as discount from raw.text", .into = "trusted.orders",
       .more = "{'write': 'append'}"}},
     ""},
    {"a column is taken away, where a replace may",
     {{"select name from raw.named", .into = "refined.a"},
      {"select 1 as id", .into = "raw.named", .more = "{'schema': 'any', 'write': 'replace'}"}},
     "[config.text] sql @7: no column `name` in raw.named"},
    {"but not where the policy keeps it",
     {{"select country from trusted.orders", .into = "refined.a"},
      {"select 1::integer as id", .into = "trusted.orders", .more = "{'write': 'replace'}"}},
     ""},
    {"a step that reads what it writes",
     {{"select id, amuont from trusted.orders", .into = "trusted.orders"}},
     "[config.text] sql @11: no column `amuont` in trusted.orders -> amount"},
    {"steps that wait for each other",
     {{"select quux from trusted.b", .into = "trusted.a"},
      {"select quux from trusted.a", .into = "trusted.b"}},
     ""},

    /* ---- doubts */
    {"a process may add the column",
     {{"select amuont from trusted.orders", .into = "refined.a"}, {.into = "trusted.orders"}},
     "[config.text]? sql @7: no column `amuont` in trusted.orders -> amount"},
    {"a wrong function is wrong all the same",
     {{"select lowr(country) as c from trusted.orders", .into = "refined.a"}, {.into = "trusted.orders"}},
     "[config.text] sql @7: no function `lowr` -> lower"},
    {"a doubt is passed on",
     {{"select x, id from trusted.copy", .into = "refined.a"},
      {"select * from trusted.orders", .into = "trusted.copy"},
      {.into = "trusted.orders"}},
     "[config.text]? sql @7: no column `x` in trusted.copy"},
    {"until somebody names the columns",
     {{"select x, id from trusted.copy", .into = "refined.a"},
      {"select id from trusted.orders", .into = "trusted.copy"},
      {.into = "trusted.orders"}},
     "[config.text] sql @7: no column `x` in trusted.copy"},
    {"a star over what nobody knows",
     {{"select amuont from trusted.orders", .into = "refined.a"},
      {"select *, 1 as one from raw.text", .into = "trusted.orders"}},
     "[config.text]? sql @7: no column `amuont` in trusted.orders -> amount"},
    {"rows set aside",
     {{"select quux from trusted.orders__quarantine", .into = "refined.a"}},
     "[config.text]? sql @7: no column `quux` in trusted.orders__quarantine"},

    /* ---- keys and checks */
    {"keys name columns",
     {{"select id, amount from trusted.orders", .into = "refined.a",
       .more = "{'partition_by': ['day'], 'key': ['id', 'idd'], 'merge_by': 'amuont'}"}},
     "[partition_by.0] column: `partition_by`: no column `day` in refined.a\n"
     "[key.1] column: `key`: no column `idd` in refined.a -> id\n"
     "[merge_by.0] column: `merge_by`: no column `amuont` in refined.a -> amount"},
    {"checks do",
     {{"select id, amount, country from trusted.orders", .into = "refined.a",
       .checks = "[" CHECK("missing", "'countri'") ", " CHECK("duplicates", "'id', 'x'") ", " CHECK(
           "value", "'AMOUNT'") ","
                                "{'metric': {'name': 'row_count', 'columns': []}}, null,"
                                "{'metric': {'name': 'value', 'columns': ['amount']}, 'args': [{'column': "
                                "'totl'}, 3]}]"}},
     "[checks.0] column: no column `countri` in refined.a -> country\n"
     "[checks.1] column: no column `x` in refined.a\n"
     "[checks.5] column: no column `totl` in refined.a"},
    {"of a dataset that is compared with",
     {{"select country from trusted.orders", .into = "refined.a",
       .checks = "[{'metric': {'name': 'references', 'columns': ['country'], 'dataset': 'trusted.countries', "
                 "'column': 'isoo'}},"
                 "{'metric': {'name': 'references', 'columns': ['country'], 'dataset': 'raw.text', 'column': "
                 "'quux'}}]"}},
     "[checks.0] column: no column `isoo` in trusted.countries -> iso"},
    {"a check's own SQL reads the staged rows",
     {{"select id as number from trusted.orders", .into = "refined.a",
       .checks =
           "[{'sql': {'text': 'select count(*) from stage where numbr < 0', 'params': []}},"
           "{'sql': {'text': 'select count(*) from refined.a where number < 0', 'params': []}},"
           "{'sql': {'text': 'select max(n) from refined.counts join stage on n = number', 'params': []}},"
           "{'sql': {'text': 'select quux from raw.text', 'params': []}}]"}},
     "[checks.0.sql] sql @33: no column `numbr` in refined.a -> number"},
    {"and nobody else does",
     {{"select number from stage", .into = "refined.b"},
      {"select id as number from trusted.orders", .into = "refined.a",
       .checks = "[{'sql': {'text': 'select count(*) from stage', 'params': []}}]"}},
     "[config.text] sql @19: no table `stage`"},
    {"without columns nothing is said",
     {{"select * from raw.text", .into = "refined.a", .more = "{'key': ['quux']}",
       .checks = "[" CHECK("missing", "'quux'") "]"}},
     ""},
    {"columns a dataset has count too",
     {{"select 2::bigint as m", .into = "refined.counts", .more = "{'write': 'append'}",
       .checks = "[" CHECK("missing", "'n'") "]"}},
     ""},

    /* ---- publishing */
    {"two columns of one name",
     {{"select 1 as n, 2 as N", .into = "refined.a"}},
     "[into] columns: the step gives two columns named `N`"},
    {"a type without a place",
     {{"select union_value(k := 1) as n", .into = "refined.a"}},
     "[into] columns: column n has the type UNION(k INTEGER), which a Delta table cannot hold"},
    {"the policy blocks",
     {{"select 'one' as n", .into = "refined.counts"}},
     "[into] policy: the schema of refined.counts may not change like this (policy `add`): type of `n` long "
     "-> "
     "string"},

    /* ---- promote */
    {"a promotion",
     {{.promote = "{'dataset': 'trusted.orders', 'types': {'amount': 'double'}, 'dedupe': {'key': ['id'], "
                  "'keep': 'newest ordered_at'}}",
       .into = "refined.orders"},
      {"select id, amount, quux from refined.orders", .into = "refined.a"}},
     "1 [config.text] sql @19: no column `quux` in refined.orders"},
    {"its types, keys and order",
     {{.promote = "{'dataset': 'trusted.orders', 'types': {'amuont': 'double', 'id': 'intger'}, 'dedupe': "
                  "{'key': ['idd'], 'keep': 'newest orderd_at'}}",
       .into = "refined.orders"}},
     "[config.types.amuont] key column: `types`: no column `amuont` in trusted.orders -> amount\n"
     "[config.types.id] type: `intger` is no SQL type\n"
     "[config.dedupe.key.0] column: `dedupe`: no column `idd` in trusted.orders -> id\n"
     "[config.dedupe.keep] column: `keep`: no column `orderd_at` in trusted.orders -> ordered_at"},
    {"its select",
     {{.promote =
           "{'dataset': 'trusted.orders', 'select': {'text': 'select id, amuont from source', 'params': "
           "[]}}",
       .into = "refined.orders"}},
     "[config.select] sql @11: no column `amuont` in trusted.orders -> amount"},
    {"what the select names",
     {{.promote =
           "{'dataset': 'raw.text', 'select': {'text': 'select id, x as day from source', 'params': []}, "
           "'types': {'dai': 'date', 'id': 'bigint'}}",
       .into = "refined.orders"}},
     "[config.types.dai] key column: `types`: no column `dai` in the select -> day"},
    {"words are wrong whatever is known",
     {{.promote = "{'dataset': 'raw.text', 'types': {'x': 'varchr'}, 'dedupe': {'key': ['id'], 'keep': "
                  "'latest'}}",
       .into = "refined.orders"}},
     "[config.types.x] type: `varchr` is no SQL type\n"
     "[config.dedupe.keep] word: dedupe.keep: `latest` is none of `last`, `first`, `newest COLUMN`, `oldest "
     "COLUMN`"},
    {"types that are known only when it runs",
     {{.promote = "{'dataset': 'trusted.orders', 'types': {'id': null}}", .into = "refined.orders"}},
     ""},
};

/* ---- running them ---- */

static json_t *step_config(const struct asked *a) {
    if (a->promote) return loose(a->promote);
    if (!a->sql) return json_null();
    return json_pack("{s{ss so}}", "text", "text", a->sql, "params",
                     a->params ? loose(a->params) : json_array());
}

static json_t *step_question(const struct asked *a) {
    json_t *into = json_pack("{ss ss ss ss}", "dataset", a->into, "schema", "add", "write", "replace",
                             "write_new", "append");
    json_t *more = a->more ? loose(a->more) : json_object(), *config = step_config(a);
    json_object_update(into, more);
    json_decref(more);
    json_t *reads = json_array();
    if (a->promote) json_array_append(reads, json_object_get(config, "dataset"));
    return json_pack("{ss so so so so}", "verb",
                     a->promote ? "promote"
                     : a->sql   ? "sql"
                                : "shell",
                     "config", config, "into", into, "reads", reads, "checks",
                     a->checks ? loose(a->checks) : json_array());
}

static void add_place(struct buf *b, const json_t *at) {
    size_t i;
    json_t *part;
    buf_addc(b, '[');
    json_array_foreach(at, i, part) {
        if (i) buf_addc(b, '.');
        if (json_is_string(part))
            buf_adds(b, json_string_value(part));
        else
            buf_addf(b, "%lld", (long long)json_integer_value(part));
    }
    buf_addc(b, ']');
}

static void add_problem(struct buf *b, size_t step, const json_t *p) {
    const char *meant = json_text(p, "meant");
    int64_t position = json_int(p, "position", -1);
    if (b->len) buf_addc(b, '\n');
    if (step) buf_addf(b, "%zu ", step);
    add_place(b, json_object_get(p, "at"));
    buf_addf(b, "%s%s %s", json_flag(p, "doubtful") ? "?" : "", json_flag(p, "key") ? " key" : "",
             json_text(p, "kind"));
    if (position >= 0) buf_addf(b, " @%lld", (long long)position);
    buf_addf(b, ": %s", json_text(p, "message"));
    if (meant) buf_addf(b, " -> %s", meant);
}

static json_t *ask(struct bed *b, const struct expected *c) {
    json_t *zones = json_pack("{s{} s{} s{}}", "raw", "trusted", "refined"), *steps = json_array();
    for (size_t i = 0; i < 4 && c->steps[i].into; i++)
        json_array_append_new(steps, step_question(&c->steps[i]));
    const struct prepare_request r = {
        .duck = b->duck, .store = b->lake->store, .zones = zones, .steps = steps};
    json_t *answers = prepare_steps(&r);
    json_decref(zones);
    json_decref(steps);
    return answers;
}

static void test_cases(void **state) {
    size_t failed = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *answers = ask(*state, &cases[i]), *answer, *problem;
        struct buf got = BUF_INIT;
        size_t k, n;
        json_array_foreach(answers, k, answer)
            json_array_foreach(json_object_get(answer, "problems"), n, problem) add_problem(&got, k, problem);
        bool same = strcmp(buf_str(&got), cases[i].problems) == 0;
        if (!same)
            print_error("%s:\n--- expected\n%s\n--- found\n%s\n", cases[i].name, cases[i].problems,
                        buf_str(&got));
        failed += !same;
        buf_release(&got);
        json_decref(answers);
    }
    assert_int_equal(failed, 0);
}

/* Columns that checks may be about: those the dataset will have, when they are certain. */
static void test_columns(void **state) {
    static const struct {
        struct asked step;
        const char *columns;
    } wanted[] = {
        {{"select id, amount from trusted.orders", .into = "refined.a"}, "[\"id\",\"amount\"]"},
        {{"select x as y from raw.text", .into = "refined.a"}, "[\"y\"]"},
        {{"select 2 as m from raw.text", .into = "refined.counts"}, "[\"n\",\"m\"]"},
        {{"select * from raw.text", .into = "refined.a"}, "null"},
        {{.into = "refined.a"}, "null"},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const struct expected c = {.steps = {wanted[i].step}};
        json_t *answers = ask(*state, &c);
        char *text = json_dumps(json_object_get(json_array_get(answers, 0), "columns"),
                                JSON_COMPACT | JSON_ENCODE_ANY);
        assert_string_equal(text, wanted[i].columns);
        free(text);
        json_decref(answers);
    }
}

/* Many instances of one text over many datasets: a question each, the text is looked at once. */
static void test_many(void **state) {
    struct bed *b = *state;
    json_t *zones = json_pack("{s{} s{}}", "trusted", "refined"), *steps = json_array(), *answer;
    for (int i = 0; i < 2000; i++) {
        char into[40];
        snprintf(into, sizeof into, "refined.a%d", i % 1000);
        const struct asked a = {
            .sql = i < 1000 ? "select id from trusted.orders" : "select x from refined.a7", .into = into};
        json_array_append_new(steps, step_question(&a));
    }
    const struct prepare_request r = {
        .duck = b->duck, .store = b->lake->store, .zones = zones, .steps = steps};
    json_t *answers = prepare_steps(&r);
    size_t i, problems = 0;
    json_array_foreach(answers, i, answer) problems += json_array_size(json_object_get(answer, "problems"));
    assert_true(problems >= 999); /* the one that reads what it writes may be left out */
    json_decref(answers);
    json_decref(zones);
    json_decref(steps);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cases, setup, teardown),
        cmocka_unit_test_setup_teardown(test_columns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
