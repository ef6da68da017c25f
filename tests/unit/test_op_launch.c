/* test_op_launch.c: what shell and exec start, with which environment; the two documents; what a process
 * leaves. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "operators/environment.h"
#include "operators/exchange.h"
#include "operators/launch.h"
#include "operators/op.h"
#include "zones/sqltext.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- argv ---------------------------------------------------------------------------------------------- */

static const struct {
    const char *verb, *config, *argv; /* argv joined with |, or the error after ! */
} launches[] = {
    {"shell", "\"echo $HOME\"", "/bin/sh|-eu|-c|echo $HOME"},
    {"shell", "{\"sh\": \"true\"}", "/bin/sh|-eu|-c|true"},
    {"shell", "{\"bash\": \"a | b\"}", "bash|-euo|pipefail|-c|a | b"},
    {"shell", "{\"python3\": \"print(1)\"}", "python3|-c|print(1)"},
    {"shell", "{\"bash\": \"a\", \"sh\": \"b\"}", "!`shell` takes one of `sh` and `bash`, not both"},
    {"shell", "{}", "!`shell` needs a text: plain, or under `sh`, `bash` or `python3`"},
    {"exec", "[\"/bin/echo\", \"a b\", \"\"]", "/bin/echo|a b|"},
    {"exec", "{\"argv\": [\"x\"]}", "x"},
    {"exec", "[]", "!`exec` needs a program: a list of the program and its arguments"},
    {"exec", "[\"x\", 3]", "!`exec`: item 2 is not text"},
};

static void test_argv(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof launches / sizeof *launches; i++) {
        struct op_launch l = {0};
        struct err err = {0};
        struct buf b = BUF_INIT;
        json_t *request = json_object();
        json_put(request, "config", json_loads(launches[i].config, JSON_DECODE_ANY, NULL));
        int rc = op_find(launches[i].verb)->launch(request, &l, &err);
        if (rc < 0) buf_addf(&b, "!%s", err.msg);
        for (char **w = l.argv; w && *w; w++) buf_addf(&b, "%s%s", w > l.argv ? "|" : "", *w);
        assert_string_equal(buf_str(&b), launches[i].argv);
        op_launch_release(&l);
        json_decref(request);
        buf_release(&b);
    }
}

static void test_argument_too_long(void **state) {
    (void)state;
    char *text = malloc(LAUNCH_ARG_BYTES + 1);
    memset(text, 'x', LAUNCH_ARG_BYTES);
    text[LAUNCH_ARG_BYTES] = 0;
    json_t *request = json_pack("{s[s]}", "config", text);
    struct op_launch l = {0};
    struct err err = {0};
    assert_int_equal(op_find("exec")->launch(request, &l, &err), -1);
    assert_int_equal(err.exit, EX_INVALID);
    json_decref(request);
    free(text);
}

/* Every operator is one of the three (`wait` asks its query as work), has help for each key, and at most one
 * short form. */
static void test_table(void **state) {
    (void)state;
    size_t n = 0, count;
    for (const struct op *const *op = op_table; *op; op++, n++) {
        const struct verb *v = &(*op)->verb;
        bool attended = (*op)->attend != NULL;
        assert_int_equal((v->traits & VERB_ATTENDED) != 0, attended);
        assert_true(attended ? !(*op)->launch : !(*op)->launch != !(*op)->work);
        if (!attended) assert_int_equal((v->traits & VERB_WORKER) != 0, (*op)->work != NULL);
        assert_ptr_equal(op_find(v->name), *op);
        int shorts = 0;
        for (const struct field *f = v->fields; f->name; f++) {
            assert_non_null(f->help);
            assert_non_null(f->example);
            shorts += (f->flags & FIELD_SHORT) != 0;
        }
        assert_int_equal(shorts, 1);
    }
    op_verbs(&count);
    assert_int_equal(count, n);
    assert_null(op_find("nothing"));
}

/* ---- environment --------------------------------------------------------------------------------------- */

static const char *value_of(char **env, const char *name) {
    size_t n = strlen(name);
    for (char **e = env; *e; e++)
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=') return *e + n + 1;
    return NULL;
}

static json_t *full_request(void) {
    struct request_head h = {.action = "work",
                             .token = "r1-s0-g1-a2-0123456789abcdef",
                             .project = "shop",
                             .root = "/srv/shop",
                             .state = "/srv/shop/.leat",
                             .uuid = "u",
                             .db = "/srv/shop/.leat/leat.db",
                             .pipeline = "sales",
                             .step = "load",
                             .run = "42",
                             .trigger = "manual",
                             .timezone = "UTC",
                             .verb = "shell",
                             .generation = 1,
                             .attempt = 2,
                             .window_start = 1704067200000000,
                             .window_end = 1704153600000000};
    json_t *r = request_new(&h);
    struct request_config c = {.env = json_pack("{ss ss}", "OWN", "mine", "LEAT_STEP", "renamed"),
                               .params = json_pack("{sb si so}", "dry_run", 1, "min-rows", 5, "day",
                                                   json_pack("{ss}", "@date", "2024-01-01")),
                               .env_allowed = json_pack("[s]", "TEST_ALLOWED")};
    request_configure(r, &c);
    request_input(
        r, &(struct request_input){.dataset = "trusted.orders", .dataset_id = 1, .version = 3, .since = -1});
    request_bookmark(r,
                     &(struct request_bookmark){.kind = "value", .id = 1, .value = "page 6", .move = true});
    struct request_into into = {
        .into = {.dataset = "raw.x", .stage = "/lake/raw/_leat_stage/t", .dataset_id = -1}};
    request_into(r, &into);
    return r;
}

static const struct {
    const char *name, *value;
} wanted[] = {
    {"LEAT_PIPELINE", "sales"},
    {"LEAT_STEP", "renamed"}, /* the step's own env wins */
    {"LEAT_RUN_ID", "42"},
    {"LEAT_ATTEMPT", "2"},
    {"LEAT_WINDOW_START", "2024-01-01T00:00:00Z"},
    {"LEAT_WINDOW_END", "2024-01-02T00:00:00Z"},
    {"LEAT_PROJECT_DIR", "/srv/shop"},
    {"LEAT_OUTPUT_PATH", "/lake/raw/_leat_stage/t"},
    {"LEAT_OUTPUT", "/srv/shop/.leat/stage/r1-s0-g1-a2-0123456789abcdef.out"},
    {"LEAT_BOOKMARK_FROM", "page 6"},
    {"LEAT_BOOKMARK_FILE", "/srv/shop/.leat/stage/r1-s0-g1-a2-0123456789abcdef.bookmark"},
    {"LEAT_INPUT_TRUSTED_ORDERS", "/srv/shop/.leat/stage/r1-s0-g1-a2-0123456789abcdef.trusted.orders.files"},
    {"LEAT_PARAM_DRY_RUN", "true"},
    {"LEAT_PARAM_MIN_ROWS", "5"},
    {"LEAT_PARAM_DAY", "2024-01-01"},
    {"OWN", "mine"},
    {"TEST_ALLOWED", "yes"},
    {"TEST_FORBIDDEN", NULL},
    {"SPARK_TEST", NULL},
};

static void test_environment(void **state) {
    (void)state;
    setenv("TEST_ALLOWED", "yes", 1);
    setenv("TEST_FORBIDDEN", "no", 1);
    setenv("SPARK_TEST", "spark", 1);
    json_t *request = full_request();
    char **env = environment_build(request, NULL);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const char *is = value_of(env, wanted[i].name);
        if (!wanted[i].value != !is || (is && strcmp(is, wanted[i].value) != 0))
            fail_msg("%s=%s", wanted[i].name, is);
    }
    assert_non_null(value_of(env, "PATH"));
    assert_int_equal(strlen(value_of(env, "TRACEPARENT")), 55);
    environment_free(env);
    json_put_text(request, "verb", "spark");
    env = environment_build(request, NULL);
    assert_string_equal(value_of(env, "SPARK_TEST"), "spark");
    environment_free(env);
    json_decref(request);
}

/* ---- documents ----------------------------------------------------------------------------------------- */

static void test_request_goes_round(void **state) {
    (void)state;
    const char *path = "/tmp/leat-test-request.json";
    json_t *built = full_request();
    struct request r;
    struct err err = {0};
    assert_int_equal(request_write(built, path, &err), 0);
    if (request_read(path, &r, &err)) fail_msg("%s", err.msg);
    assert_true(json_equal(built, r.json));
    assert_string_equal(r.pipeline, "sales");
    assert_int_equal(r.attempt, 2);
    assert_true(r.has_window && r.has_into && r.bookmark_moves);
    assert_string_equal(r.bookmark_value, "page 6");
    assert_string_equal(r.into.stage, "/lake/raw/_leat_stage/t");
    assert_int_equal(r.into.dataset_id, -1);
    request_release(&r);
    json_decref(built);
    unlink(path);
}

static void test_result_tells_its_error(void **state) {
    (void)state;
    struct err put = {0}, got = {0};
    json_t *r = result_new();
    assert_int_equal(result_outcome(r), RESULT_OK);
    assert_false(result_error(r, &got));
    err_set(&put, EX_GATE, "2 checks failed");
    err_reason(&put, "check_failed");
    result_fail(r, &put);
    assert_int_equal(result_outcome(r), RESULT_GATE);
    assert_true(result_error(r, &got));
    assert_string_equal(got.msg, put.msg);
    assert_string_equal(got.reason, put.reason);
    assert_int_equal(got.exit, EX_GATE);
    result_add_read(r, 5, 10);
    result_add_read(r, -1, 10);
    result_add_read(r, 5, 10);
    assert_int_equal(json_int(r, "rows_read", 0), -1);
    assert_int_equal(json_int(r, "bytes_read", 0), 30);
    json_decref(r);
}

static const struct {
    const char *text, *json; /* the outputs as JSON, or the error after ! */
} outputs[] = {
    {"", "{}"},
    {"a=1\nb=x=y\n\nc=", "{\"a\":\"1\",\"b\":\"x=y\",\"c\":\"\"}"},
    {"a=1\na=2\n", "{\"a\":\"2\"}"},
    {"no equals", "!LEAT_OUTPUT: line 1 is not name=value"},
    {"a=1\n1a=2", "!LEAT_OUTPUT: line 2 is not name=value"},
    {"a=\xff\n", "!LEAT_OUTPUT: line 1 is not UTF-8 text"},
};

static void test_outputs(void **state) {
    (void)state;
    char path[] = "/tmp/leat-outputs-XXXXXX";
    close(mkstemp(path));
    struct err err = {0};
    json_t *none = exchange_outputs("/nowhere/out", &err);
    assert_int_equal(json_object_size(none), 0);
    json_decref(none);
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        err = (struct err){0};
        assert_int_equal(fs_replace(path, outputs[i].text, strlen(outputs[i].text), 0600, &err), 0);
        json_t *o = exchange_outputs(path, &err);
        char *text = o ? json_line(o) : NULL;
        assert_string_equal(o ? text : err.msg, outputs[i].json + (outputs[i].json[0] == '!'));
        free(text);
        json_decref(o);
    }
    unlink(path);
}

/* ---- SQL texts ----------------------------------------------------------------------------------------- */

static const struct {
    const char *text, *one; /* NULL: refused */
} statements[] = {
    {"select 1", "select 1"},
    {"select 1;", "select 1"},
    {"select ';' -- ;\n;  -- end; really\n/* ; */ ;", "select ';' -- ;\n"},
    {"select \"a;b\", $$;$$, $t$;$t$, $n from x", "select \"a;b\", $$;$$, $t$;$t$, $n from x"},
    {"select 'it''s;'", "select 'it''s;'"},
    {"select 1; select 2", NULL},
    {" ; ", NULL},
    {"/* nothing */", NULL},
    {"select 'open;", "select 'open;"},
};

static void test_one_statement(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        struct err err;
        char *one = sql_one_statement(statements[i].text, &err);
        if (!one != !statements[i].one || (one && strcmp(one, statements[i].one) != 0))
            fail_msg("%s: %s", statements[i].text, one);
        free(one);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_argv),
        cmocka_unit_test(test_argument_too_long),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_request_goes_round),
        cmocka_unit_test(test_result_tells_its_error),
        cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_one_statement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
