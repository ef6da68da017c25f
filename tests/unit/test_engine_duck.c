/* test_engine_duck.c: the embedded engine: loading, confinement, parameters, values, errors, what a query
 * reads. */
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "engine/duck.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/leat-duck-XXXXXX";

static struct duck *open_duck(const char *timezone) {
    const char *allowed[] = {folder};
    struct duck_options o = {.timezone = timezone, .threads = 2, .allowed = allowed, .allowed_count = 1};
    struct err err = {0};
    struct duck *d = duck_open(&o, &err);
    if (!d) fail_msg("%s", err.msg);
    return d;
}

static int set_up(void **state) {
    if (!mkdtemp(folder)) return -1;
    *state = open_duck(NULL);
    return 0;
}

static int tear_down(void **state) {
    duck_close(*state);
    return fs_remove_tree(folder, NULL);
}

/* ---- values */

static const struct {
    const char *sql, *type, *text, *json;
} values[] = {
    {"true", "BOOLEAN", "true", "true"},
    {"-7::TINYINT", "TINYINT", "-7", "-7"},
    {"65535::USMALLINT", "USMALLINT", "65535", "65535"},
    {"18446744073709551615::UBIGINT", "UBIGINT", "18446744073709551615", "\"18446744073709551615\""},
    {"(-9223372036854775808)::BIGINT", "BIGINT", "-9223372036854775808", "-9223372036854775808"},
    {"'-170141183460469231731687303715884105728'::HUGEINT", "HUGEINT",
     "-170141183460469231731687303715884105728", "\"-170141183460469231731687303715884105728\""},
    {"12::HUGEINT", "HUGEINT", "12", "12"},
    {"340282366920938463463374607431768211455::UHUGEINT", "UHUGEINT",
     "340282366920938463463374607431768211455", "\"340282366920938463463374607431768211455\""},
    {"1.5::DOUBLE", "DOUBLE", "1.5", "1.5"},
    {"0.1::DOUBLE + 0.2::DOUBLE", "DOUBLE", "0.30000000000000004", "0.30000000000000004"},
    {"0.1::FLOAT", "FLOAT", "0.1", NULL},
    {"'nan'::DOUBLE", "DOUBLE", "nan", "\"nan\""},
    {"-0.05::DECIMAL(4,2)", "DECIMAL(4,2)", "-0.05", "\"-0.05\""},
    {"12345678901234567890123456789012345678::DECIMAL(38,0)", "DECIMAL(38,0)",
     "12345678901234567890123456789012345678", NULL},
    {"DATE '2026-11-19'", "DATE", "2026-11-19", "\"2026-11-19\""},
    {"DATE '1582-10-04'", "DATE", "1582-10-04", NULL},
    {"'infinity'::DATE", "DATE", "infinity", NULL},
    {"TIMESTAMP '2026-11-19 06:15:00.25'", "TIMESTAMP", "2026-11-19T06:15:00.25", NULL},
    {"TIMESTAMPTZ '2026-11-19 06:15:00+02'", "TIMESTAMP WITH TIME ZONE", "2026-11-19T04:15:00Z", NULL},
    {"TIMESTAMP_S '1969-12-31 23:59:59'", "TIMESTAMP_S", "1969-12-31T23:59:59", NULL},
    {"TIMESTAMP_NS '2026-11-19 06:15:00.123456789'", "TIMESTAMP_NS", "2026-11-19T06:15:00.123456789", NULL},
    {"TIME '06:15:00.5'", "TIME", "06:15:00.5", NULL},
    {"TIMETZ '06:15:00+02:30'", "TIME WITH TIME ZONE", "06:15:00+02:30", NULL},
    {"INTERVAL '14 months 3 days 2 hours'", "INTERVAL", "1 years 2 months 3 days 02:00:00", NULL},
    {"INTERVAL '3 days'", "INTERVAL", "3 days", NULL},
    {"'a long text that is not inlined ü'", "VARCHAR", "a long text that is not inlined ü", NULL},
    {"''", "VARCHAR", "", "\"\""},
    {"'\\x00\\xFF'::BLOB", "BLOB", "00ff", "\"00ff\""},
    {"'0101100111'::BIT", "BIT", "0101100111", NULL},
    {"UUID '8f2b3c4d-0000-1111-2222-333344445555'", "UUID", "8f2b3c4d-0000-1111-2222-333344445555", NULL},
    {"'b'::ENUM('a','b')", "ENUM('a', 'b')", "b", "\"b\""},
    {"[1, NULL, 3]", "INTEGER[]", "[1,null,3]", "[1,null,3]"},
    {"[1, 2]::INTEGER[2]", "INTEGER[2]", "[1,2]", "[1,2]"},
    {"{'a': 1, 'b c': [DATE '2026-01-02']}", "STRUCT(\"a\" INTEGER, \"b c\" DATE[])",
     "{\"a\":1,\"b c\":[\"2026-01-02\"]}", NULL},
    {"MAP {'k': 1.5::DOUBLE}", "MAP(VARCHAR, DOUBLE)", "{\"k\":1.5}", NULL},
    {"NULL::INTEGER", "INTEGER", NULL, "null"},
};

static void check_value(struct duck *d, size_t i) {
    struct err err = {0};
    struct buf sql = BUF_INIT;
    buf_addf(&sql, "SELECT %s AS v", values[i].sql);
    struct duck_rows *r = duck_query(d, buf_str(&sql), NULL, &err);
    if (!r) fail_msg("%s: %s", buf_str(&sql), err.msg);
    assert_string_equal(duck_column_name(r, 0), "v");
    assert_string_equal(duck_column_type(r, 0), values[i].type);
    assert_int_equal(duck_next(r, &err), 1);
    if (values[i].text)
        assert_string_equal(duck_text(r, 0), values[i].text);
    else
        assert_null(duck_text(r, 0));
    json_t *j = duck_json(r, 0);
    char *line = json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT);
    if (values[i].json) assert_string_equal(line, values[i].json);
    free(line);
    json_decref(j);
    assert_int_equal(duck_next(r, &err), 0);
    duck_rows_free(r);
    buf_release(&sql);
}

static void values_read_the_same_everywhere(void **state) {
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) check_value(*state, i);
}

static void rows_stream_past_one_chunk(void **state) {
    struct err err = {0};
    struct duck_rows *r = duck_query(*state, "SELECT i, i % 3 = 0 FROM range(100000) t(i)", NULL, &err);
    int64_t n = 0, sum = 0;
    int got;
    while ((got = duck_next(r, &err)) == 1) {
        n++;
        sum += duck_int(r, 0);
    }
    assert_int_equal(got, 0);
    assert_int_equal(duck_next(r, &err), 0);
    assert_int_equal(n, 100000);
    assert_int_equal(sum, INT64_C(4999950000));
    duck_rows_free(r);
}

/* ---- parameters */

static const struct {
    const char *sql, *params, *result; /* result NULL: refused with `error` */
    const char *error;
} bound[] = {
    {"SELECT $a || '!'", "[{'name':'a','type':'text','value':'it''s; DROP TABLE x'}]", "it's; DROP TABLE x!",
     NULL},
    {"SELECT $n + 1", "[{'name':'n','type':'integer','value':41}]", "42", NULL},
    {"SELECT $n = 0.1::DECIMAL(9,1)", "[{'name':'n','type':'decimal','value':'0.1'}]", "true", NULL},
    {"SELECT typeof($n)", "[{'name':'n','type':'decimal','value':'-12.50'}]", "DECIMAL(4,2)", NULL},
    {"SELECT $n", "[{'name':'n','type':'decimal','value':'-12.50'}]", "-12.50", NULL},
    {"SELECT typeof($n)", "[{'name':'n','type':'decimal','value':1.5}]", "DOUBLE", NULL},
    {"SELECT NOT $b", "[{'name':'b','type':'boolean','value':false}]", "true", NULL},
    {"SELECT $t", "[{'name':'t','type':'timestamp','value':1763533500000000}]", "2025-11-19T06:25:00Z", NULL},
    {"SELECT $t", "[{'name':'t','value':{'@instant':0}}]", "1970-01-01T00:00:00Z", NULL},
    {"SELECT $t::DATE + 1", "[{'name':'t','type':'date','value':'2024-02-28'}]", "2024-02-29", NULL},
    {"SELECT $d", "[{'name':'d','value':{'@date':'2026-11-19'}}]", "2026-11-19", NULL},
    {"SELECT list_contains($l, 'b')", "[{'name':'l','type':'list','value':['a','b']}]", "true", NULL},
    {"SELECT list_sum($l)", "[{'name':'l','value':[1.5,2,3]}]", "6.5", NULL},
    {"SELECT len($l)", "[{'name':'l','value':[]}]", "0", NULL},
    {"SELECT $n IS NULL", "[{'name':'n','type':'integer','value':null}]", "true", NULL},
    {"SELECT $a || $b", "[{'name':'b','value':'2'},{'name':'unused','value':1},{'name':'a','value':'1'}]",
     "12", NULL},
    {"SELECT $n", "[{'name':'m','value':1}]", NULL, "the statement's parameter $n has no value"},
    {"SELECT $n", "[{'name':'n','type':'integer','value':'1'}]", NULL,
     "parameter $n: the value is no integer"},
    {"SELECT $n", "[{'name':'n','type':'date','value':'2026-13-01'}]", NULL,
     "parameter $n: the value is no date"},
    {"SELECT 1; SELECT $n", "[{'name':'n','value':1}]", NULL,
     "one SQL statement is allowed here, the text holds 2"},
};

/* Test data is easier to read with single quotes: '' is a quote inside a text. */
static json_t *loose_json(const char *s) {
    struct buf b = BUF_INIT;
    for (; *s; s++) {
        if (s[0] == '\'' && s[1] == '\'') {
            buf_addc(&b, '\'');
            s++;
        } else {
            buf_addc(&b, *s == '\'' ? '"' : *s);
        }
    }
    json_t *j = json_loads(buf_str(&b), 0, NULL);
    buf_release(&b);
    return j;
}

static void parameters_are_bound_by_type(void **state) {
    for (size_t i = 0; i < sizeof bound / sizeof *bound; i++) {
        struct err err = {0};
        json_t *params = loose_json(bound[i].params);
        assert_non_null(params);
        char *got = duck_get_text(*state, bound[i].sql, params, &err);
        if (bound[i].result) {
            if (!got) fail_msg("%s: %s", bound[i].sql, err.msg);
            assert_string_equal(got, bound[i].result);
        } else {
            assert_null(got);
            assert_string_equal(err.msg, bound[i].error);
        }
        free(got);
        json_decref(params);
    }
}

static void a_window_bound_is_wall_time_in_the_session_zone(void **state) {
    (void)state;
    struct duck *d = open_duck("Europe/Berlin");
    json_t *params = loose_json("[{'name':'t','type':'timestamp','value':1763506800000000}]");
    struct err err = {0};
    char *got = duck_get_text(d, "SELECT TIMESTAMP '2025-11-19 00:00:00' = $t", params, &err);
    assert_string_equal(got, "true");
    free(got);
    json_decref(params);
    duck_close(d);
}

/* ---- errors */

static const struct {
    const char *sql;
    enum leat_exit exit;
    const char *reason, *message; /* message: a part */
    int64_t position;
} failures[] = {
    {"SELECT 1 FRM x y", EX_INVALID, "sql", "syntax error at or near \"x\"", 13},
    {"SELECT nope FROM (SELECT 1 AS a)", EX_INVALID, "sql", "Referenced column \"nope\" not found", 7},
    {"SELECT * FROM raw.orders", EX_INVALID, "sql", "raw.orders", 14},
    {"SELECT 'x'::INTEGER", EX_FAILED, "sql", "Could not convert string 'x' to INT32", 10},
    {"SELECT error('boom')", EX_FAILED, "sql", "boom", -1},
    {"SELECT * FROM read_csv('/etc/passwd')", EX_INVALID, "not_allowed", "/etc/passwd", 14},
    {"COPY (SELECT 1) TO '/tmp/leat-outside.csv'", EX_INVALID, "not_allowed", "/tmp/leat-outside.csv", -1},
    {"SET enable_external_access = true", EX_FAILED, "sql", "configuration has been locked", -1},
    {"SET allowed_directories = ['/']", EX_FAILED, "sql", "configuration has been locked", -1},
    {"INSTALL httpfs", EX_INVALID, "not_allowed", "", -1},
    {"ATTACH '/tmp/leat-outside.db'", EX_INVALID, "not_allowed", "", -1},
    {"", EX_INVALID, "", "the SQL text holds no statement", -1},
};

static void failures_say_what_and_where(void **state) {
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        struct err err = {0};
        assert_int_equal(duck_exec(*state, failures[i].sql, NULL, NULL, &err), -1);
        if (!strstr(err.msg, failures[i].message) || err.exit != failures[i].exit ||
            strcmp(err.reason, failures[i].reason) != 0 ||
            duck_error_position(*state) != failures[i].position)
            fail_msg("%s: exit %d, %s, at %lld: %s", failures[i].sql, (int)err.exit, err.reason,
                     (long long)duck_error_position(*state), err.msg);
        assert_null(strchr(err.msg, '\n'));
    }
}

static void a_line_that_cannot_be_read_is_named(void **state) {
    struct err err = {0};
    char path[64], sql[256], said[256];
    snprintf(path, sizeof path, "%s/bad.csv", folder);
    snprintf(sql, sizeof sql, "COPY (SELECT unnest(['1', 'z']) AS a) TO '%s'", path);
    assert_int_equal(0, duck_exec(*state, sql, NULL, NULL, &err));
    snprintf(sql, sizeof sql, "SELECT * FROM read_csv('%s', header=true, types={'a': 'INT'})", path);
    assert_int_equal(-1, duck_exec(*state, sql, NULL, NULL, &err));
    snprintf(said, sizeof said,
             "%s:3: Error when converting column \"a\". Could not convert string \"z\" to 'INTEGER'", path);
    assert_string_equal(said, err.msg);
}

static void files_inside_the_folders_work(void **state) {
    struct err err = {0};
    int64_t changed = 0;
    struct buf sql = BUF_INIT;
    buf_addf(&sql, "COPY (SELECT i FROM range(5000) t(i)) TO '%s/a.parquet'", folder);
    if (duck_exec(*state, buf_str(&sql), NULL, &changed, &err)) fail_msg("%s", err.msg);
    assert_int_equal(changed, 5000);
    buf_clear(&sql);
    buf_addf(&sql, "SELECT count(*) FROM read_parquet('%s/a.parquet')", folder);
    int64_t n;
    bool null;
    assert_int_equal(duck_get_int(*state, buf_str(&sql), NULL, &n, &null, &err), 0);
    assert_int_equal(n, 5000);
    assert_false(null);
    buf_release(&sql);
}

static int stop_after(void *ctx, double percent) {
    (void)percent;
    return ++*(int *)ctx >= 3;
}

static void a_tick_stops_a_long_query(void **state) {
    (void)state;
    int ticks = 0;
    struct duck_options o = {.tick = stop_after, .tick_ctx = &ticks, .threads = 1};
    struct err err = {0};
    struct duck *d = duck_open(&o, &err);
    int r = duck_exec(d, "SELECT sum(a.i * b.i) FROM range(10000000) a(i), range(1000000) b(i)", NULL, NULL,
                      &err);
    assert_int_equal(r, -1);
    assert_string_equal(err.reason, "cancelled");
    assert_int_equal(err.exit, EX_INTERRUPTED);
    assert_int_equal(duck_exec(d, "SELECT 1", NULL, NULL, &err), -1);
    duck_close(d);
}

/* While several threads work on it; the sanitizer's leak check at the end of the program is half of the
 * test. */
static void a_stopped_copy_leaves_nothing_behind(void **state) {
    (void)state;
    int ticks = 0;
    const char *allowed[] = {folder};
    struct duck_options o = {
        .tick = stop_after, .tick_ctx = &ticks, .threads = 2, .allowed = allowed, .allowed_count = 1};
    struct err err = {0};
    struct buf sql = BUF_INIT;
    struct duck *d = duck_open(&o, &err);
    buf_addf(
        &sql,
        "COPY (SELECT sum(a.i * b.i %% 7) FROM range(1000000) a(i), range(1000000) b(i)) TO '%s/b.parquet'",
        folder);
    assert_int_equal(duck_exec(d, buf_str(&sql), NULL, NULL, &err), -1);
    assert_string_equal(err.reason, "cancelled");
    buf_release(&sql);
    duck_close(d);
}

static void spilling_needs_a_folder(void **state) {
    (void)state;
    const char *allowed[] = {folder};
    char temp[64];
    snprintf(temp, sizeof temp, "%s/spill", folder);
    struct duck_options o = {
        .threads = 1, .memory_bytes = 64 << 20, .allowed = allowed, .allowed_count = 1, .temp_folder = temp};
    struct err err = {0};
    const char *sql =
        "CREATE TABLE big AS SELECT i, md5(i::VARCHAR) AS a FROM range(1500000) t(i) ORDER BY a";
    struct duck *d = duck_open(&o, &err);
    assert_non_null(d);
    if (duck_exec(d, sql, NULL, NULL, &err)) fail_msg("%s", err.msg);
    duck_close(d);
    o.temp_folder = NULL;
    d = duck_open(&o, &err);
    assert_int_equal(duck_exec(d, sql, NULL, NULL, &err), -1);
    assert_string_equal(err.reason, "out_of_memory");
    assert_int_equal(err.exit, EX_ENVIRONMENT);
    duck_close(d);
}

/* ---- small results */

static void tables_and_descriptions_are_json(void **state) {
    struct err err = {0};
    json_t *t = duck_table(*state, "SELECT i AS a, 'x' || i AS b FROM range(10) t(i)", NULL, 2, &err);
    char *line = json_line(t);
    assert_string_equal(line, "[{\"a\":0,\"b\":\"x0\"},{\"a\":1,\"b\":\"x1\"}]");
    free(line);
    json_decref(t);
    json_t *params = loose_json("[{'name':'n','value':1}]");
    t = duck_describe(*state, "SELECT $n AS a, 1.5::DECIMAL(9,2) AS b, NULL AS c", params, &err);
    if (!t) fail_msg("%s", err.msg);
    line = json_line(t);
    assert_string_equal(line,
                        "[{\"name\":\"a\",\"type\":\"BIGINT\"},{\"name\":\"b\",\"type\":\"DECIMAL(9,2)\"},{"
                        "\"name\":\"c\",\"type\":\"INTEGER\"}]");
    free(line);
    json_decref(t);
    json_decref(params);
    assert_null(duck_get_text(*state, "SELECT 1 WHERE false", NULL, &err));
    assert_string_equal(err.msg, "");
}

/* ---- what a query reads */

static const struct {
    const char *sql, *reads; /* NULL: an error */
    const char *columns;     /* NULL: the text does not name them */
    const char *flags;       /* o: of one table, d: dynamic, u: unnests */
} reading[] = {
    {"SELECT 1", "", NULL, ""},
    {"SELECT 1 AS n", "", "n ", ""},
    {"SELECT * FROM raw.orders", "raw.orders ", NULL, "o"},
    {"SELECT o.id, sum(amount) AS total, \"A b\" FROM raw.orders o", "raw.orders ", "id total A b ", "o"},
    {"SELECT id, count(*) FROM raw.orders", "raw.orders ", NULL, "o"},
    {"SELECT id, o.* FROM raw.orders o", "raw.orders ", NULL, "o"},
    {"SELECT max(COLUMNS(*)) AS m FROM raw.orders", "raw.orders ", NULL, "o"},
    {"SELECT unnest(s) AS u FROM raw.orders", "raw.orders ", NULL, "ou"},
    {"WITH o AS (SELECT * FROM raw.orders__new) SELECT * FROM o JOIN trusted.customers c USING (id)",
     "raw.orders__new trusted.customers ", NULL, ""},
    {"WITH o AS (SELECT * FROM raw.orders) SELECT x FROM o", "raw.orders ", "x ", ""},
    {"SELECT x FROM (SELECT * FROM raw.orders)", "raw.orders ", "x ", ""},
    {"SELECT id AS a FROM raw.a WHERE x = $p AND id NOT IN (SELECT id FROM refined.blocked)",
     "raw.a refined.blocked ", "a ", ""},
    {"SELECT a FROM raw.a UNION ALL SELECT b FROM raw.a", "raw.a ", "a ", ""},
    {"SELECT a FROM raw.a UNION ALL BY NAME SELECT b FROM raw.a", "raw.a ", NULL, ""},
    {"SELECT (SELECT max(v) FROM trusted.b) FROM cte", "trusted.b ", NULL, ""},
    {"FROM raw.\"odd name\"", "raw.odd name ", NULL, "o"},
    {"SELECT a FROM read_parquet('a.parquet')", "", "a ", ""},
    {"SELECT a FROM read_parquet($p)", "", "a ", "d"},
    {"SELECT a FROM query_table($p), raw.b", "raw.b ", "a ", "d"},
    {"INSERT INTO raw.a SELECT 1", NULL, NULL, ""},
    {"SELECT FROM WHERE", NULL, NULL, ""},
};

static void compare_reads(size_t i, const struct duck_reads *reads) {
    struct buf names = BUF_INIT, columns = BUF_INIT, flags = BUF_INIT;
    for (size_t k = 0; k < reads->count; k++) buf_addf(&names, "%s ", reads->names[k]);
    for (size_t k = 0; k < reads->column_count; k++) buf_addf(&columns, "%s ", reads->columns[k]);
    buf_addf(&flags, "%s%s%s", reads->one_table ? "o" : "", reads->dynamic ? "d" : "",
             reads->unnests ? "u" : "");
    assert_string_equal(buf_str(&names), reading[i].reads);
    assert_string_equal(buf_str(&columns), reading[i].columns ? reading[i].columns : "");
    if (!reading[i].columns != !reads->columns || strcmp(buf_str(&flags), reading[i].flags) != 0)
        fail_msg("%s: flags %s", reading[i].sql, buf_str(&flags));
    buf_release(&names);
    buf_release(&columns);
    buf_release(&flags);
}

static void reads_are_found_in_the_syntax_tree(void **state) {
    for (size_t i = 0; i < sizeof reading / sizeof *reading; i++) {
        struct arena *arena = arena_new();
        struct duck_reads reads = {0};
        struct err err = {0};
        int r = duck_parse_reads(*state, reading[i].sql, arena, &reads, &err);
        if (r != (reading[i].reads ? 0 : -1)) fail_msg("%s: %s", reading[i].sql, err.msg);
        if (reading[i].reads)
            compare_reads(i, &reads);
        else
            assert_true(err.exit == EX_INVALID && err.msg[0] && duck_error_said(*state));
        arena_free(arena);
    }
}

/* The parts of an error that callers build their own words from. */
static void an_error_has_parts(void **state) {
    struct err err = {0};
    assert_null(duck_describe(*state, "SELECT 1 AS amount, amuont", NULL, &err));
    const json_t *said = duck_error_said(*state);
    assert_string_equal(json_text(said, "exception_type"), "Binder");
    assert_string_equal(json_text(said, "error_subtype"), "COLUMN_NOT_FOUND");
    assert_string_equal(json_text(said, "name"), "amuont");
    assert_int_equal(duck_error_position(*state), 20);
    assert_null(duck_describe(*state, "SELECT lowr('A')", NULL, &err));
    assert_string_equal(json_text(duck_error_said(*state), "name"), "lowr");
    assert_int_equal(duck_exec(*state, "SELECT 1", NULL, NULL, &err), 0);
    assert_null(duck_error_said(*state));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_read_the_same_everywhere),
        cmocka_unit_test(rows_stream_past_one_chunk),
        cmocka_unit_test(parameters_are_bound_by_type),
        cmocka_unit_test(a_window_bound_is_wall_time_in_the_session_zone),
        cmocka_unit_test(failures_say_what_and_where),
        cmocka_unit_test(a_line_that_cannot_be_read_is_named),
        cmocka_unit_test(files_inside_the_folders_work),
        cmocka_unit_test(a_tick_stops_a_long_query),
        cmocka_unit_test(a_stopped_copy_leaves_nothing_behind),
        cmocka_unit_test(spilling_needs_a_folder),
        cmocka_unit_test(tables_and_descriptions_are_json),
        cmocka_unit_test(reads_are_found_in_the_syntax_tree),
        cmocka_unit_test(an_error_has_parts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
