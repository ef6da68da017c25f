/* test_op_worker.c: the worker as a process: requests that are none, parsing, stopping, progress, a missing
 * engine, a full disk. Where signals or the environment matter it runs in a child, as it does under the
 * warden. */
#include "workbench.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

static int setup(void **state) {
    *state = lake_new("UTC");
    return 0;
}

static int teardown(void **state) {
    lake_free(*state);
    return 0;
}

static void test_bad_requests(void **state) {
    struct lake *l = *state;
    static const char *const texts[] = {"", "[]", "{}", "{\"action\": \"work\"}",
                                        "{\"action\": \"work\", \"result\": 3}"};
    int keep = dup(2), null = open("/dev/null", O_WRONLY);
    dup2(null, 2);
    const char *path = arena_printf(l->arena, "%s/bad.json", l->root);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(fs_replace(path, texts[i], strlen(texts[i]), 0600, &l->err), 0);
        assert_int_not_equal(worker_main(path), 0);
    }
    assert_int_not_equal(worker_main("/nowhere/request.json"), 0);
    dup2(keep, 2);
    close(keep);
    close(null);
}

static const struct {
    const char *sql, *names, *error;
    int position;
} parsed[] = {
    {"select * from raw.orders o join trusted.customers using (id) where o.d < $d",
     "raw.orders trusted.customers", NULL, -1},
    {"with a as (select * from raw.a) select * from a, raw.b, raw.a", "raw.a raw.b", NULL, -1},
    {"select * from raw.orders__new", "raw.orders__new", NULL, -1},
    {"select 1; ", "", NULL, -1},
    {"select from where", "", "syntax error at or near", 12},
    {"select 1; select 2", "", "there is more after the first", -1},
    {"delete from raw.orders", "", "another statement than one SELECT", -1},
    {"", "", "the SQL text is empty", -1},
};

static json_t *parse_question(const char *sql) {
    return json_pack("{ss s{s{ss s[]}}}", "verb", "sql", "config", "text", "text", sql, "params");
}

static void compare_parsed(size_t i, const json_t *answer) {
    const json_t *problem = json_array_get(json_object_get(answer, "problems"), 0);
    const char *error = json_text(problem, "message");
    struct buf names = BUF_INIT;
    size_t k;
    json_t *name;
    json_array_foreach(json_object_get(answer, "reads"), k, name)
        buf_addf(&names, "%s%s", k ? " " : "", json_string_value(name));
    assert_string_equal(buf_str(&names), parsed[i].names);
    buf_release(&names);
    if (!parsed[i].error != !error) fail_msg("%s: %s", parsed[i].sql, error ? error : "no error");
    if (error && !strstr(error, parsed[i].error)) fail_msg("%s: %s", parsed[i].sql, error);
    if (error) assert_int_equal(json_int(problem, "position", -2), parsed[i].position);
}

/* Looking at steps, as a process: what is wrong with them is an answer. test_op_prepare.c has the answers. */
static void test_parse(void **state) {
    struct lake *l = *state;
    struct job j = {.action = "parse", .verb = ""};
    struct done d = bench_begin(l, &j);
    size_t n = sizeof parsed / sizeof *parsed;
    json_t *steps = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(steps, parse_question(parsed[i].sql));
    request_steps(d.request, steps);
    json_decref(steps);
    bench_execute(l, &d);
    assert_outcome(&d, "ok");
    const json_t *answers = json_object_get(d.result, "steps");
    assert_int_equal(json_array_size(answers), n);
    for (size_t i = 0; i < n; i++) compare_parsed(i, json_array_get(answers, i));
    done_free(&d);
}

/* ---- in a child ---------------------------------------------------------------------------------------- */

struct child {
    pid_t pid;
    char *request, *result, *progress;
};

static struct child start(struct lake *l, struct done *d, const char *duckdb) {
    struct child c = {.request = exchange_request_path(l->state, d->attempt.token, "work"),
                      .result = exchange_result_path(l->state, d->attempt.token, "work"),
                      .progress = exchange_path(l->state, d->attempt.token, EXCHANGE_PROGRESS)};
    assert_int_equal(fs_mkdirs(arena_printf(l->arena, "%s/stage", l->state), 0700, &l->err), 0);
    assert_int_equal(request_write(d->request, c.request, &l->err), 0);
    fflush(NULL);
    c.pid = fork();
    if (c.pid == 0) {
        if (duckdb) setenv("LEAT_DUCKDB", duckdb, 1);
        execl("/proc/self/exe", "test_op_worker", c.request, (char *)NULL);
        _exit(127);
    }
    return c;
}

static int finish(struct lake *l, struct child *c, struct done *d) {
    int status;
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    d->result = fs_exists(c->result) ? result_load(c->result, &l->err) : NULL;
    free(c->request);
    free(c->result);
    free(c->progress);
    return status;
}

#define LONG_QUERY "select sum(a.range * b.range % 7) as n from range(1000000) a, range(1000000) b"

/* Waits for the progress file to have something in it: the query runs by then. */
static void wait_for_progress(const struct child *c) {
    enum { PATIENCE_MS = 120000, LOOK_MS = 20 };
    for (int i = 0; i < PATIENCE_MS / LOOK_MS; i++) {
        struct stat st;
        if (stat(c->progress, &st) == 0 && st.st_size > 0) return;
        usleep(LOOK_MS * 1000);
    }
    kill(c->pid, SIGKILL);
    waitpid(c->pid, NULL, 0);
    fail_msg("no progress");
}

static void test_stop(void **state) {
    struct lake *l = *state;
    struct job j = {.verb = "sql", .sql = LONG_QUERY, .into = "{'dataset': 'trusted.slow'}"};
    struct done d = bench_begin(l, &j);
    struct child c = start(l, &d, NULL);
    wait_for_progress(&c);
    char *text = fs_read(c.progress, 4096, NULL, &l->err);
    json_t *progress = json_loads(text, 0, NULL);
    assert_true(json_is_object(progress));
    assert_true(json_object_get(progress, "percent") != NULL);
    json_decref(progress);
    free(text);
    kill(c.pid, SIGTERM);
    int status = finish(l, &c, &d);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_outcome(&d, "failed");
    assert_string_equal(done_reason(&d), "cancelled");
    assert_int_equal(json_array_size(json_object_get(d.result, "outputs")), 0);
    done_free(&d);
}

static void test_missing_engine(void **state) {
    struct lake *l = *state;
    struct job j = {.verb = "sql", .sql = "select 1 as a", .into = "{'dataset': 'trusted.x'}"};
    /* A file that is no library, too: the one named is the one meant. */
    bench_file(l, "wrong.so", "no library");
    const char *wrong = arena_printf(l->arena, "%s/wrong.so", l->root);
    const char *const libraries[] = {"/nowhere/libduckdb.so", wrong};
    for (size_t i = 0; i < 2; i++) {
        struct done d = bench_begin(l, &j);
        struct child c = start(l, &d, libraries[i]);
        int status = finish(l, &c, &d);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        assert_outcome(&d, "failed");
        assert_int_equal(json_int(json_object_get(d.result, "error"), "exit", 0), EX_ENVIRONMENT);
        assert_true(json_text(json_object_get(d.result, "error"), "hint")[0] != 0);
        done_free(&d);
    }
}

/* Without the engine, files can still be copied. */
static void test_copy_needs_no_engine(void **state) {
    struct lake *l = *state;
    bench_file(l, "in/a.csv", "id\n1\n");
    struct job j = {
        .verb = "copy", .config = "'in'", .into = "{'dataset': 'raw.x', 'format': 'files', 'schema': 'any'}"};
    struct done d = bench_begin(l, &j);
    struct child c = start(l, &d, "/nowhere/libduckdb.so");
    finish(l, &c, &d);
    assert_outcome(&d, "ok");
    done_free(&d);
}

static void test_disk_full_under_a_query(void **state) {
    struct lake *l = *state;
    const char *disk = arena_printf(l->arena, "%s/lake/trusted", l->root);
    assert_int_equal(fs_mkdirs(disk, 0755, &l->err), 0);
    if (mount("tmpfs", disk, "tmpfs", 0, "size=256k") < 0) skip();
    struct job j = {.verb = "sql",
                    .sql = "select range as a, md5(range::varchar) as b from range(1000000)",
                    .into = "{'dataset': 'trusted.big'}"};
    struct done d = bench_run(l, &j);
    umount2(disk, MNT_DETACH);
    assert_outcome(&d, "failed");
    assert_string_equal(done_reason(&d), "disk_full");
    assert_int_equal(json_int(json_object_get(d.result, "error"), "exit", 0), EX_ENVIRONMENT);
    done_free(&d);
}

static void test_memory_limit(void **state) {
    struct lake *l = *state;
    struct job j = {.verb = "sql",
                    .siblings = "{'memory': 16777216, 'threads': 1}",
                    .sql = "select list(range) as all_of_them from range(50000000)",
                    .into = "{'dataset': 'trusted.big'}"};
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "failed");
    assert_string_equal(done_reason(&d), "out_of_memory");
    done_free(&d);
}

/* With an argument it is the worker itself: a process that has not loaded the engine yet. */
int main(int argc, char **argv) {
    if (argc > 1) return bench_quietly(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bad_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parse, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing_engine, setup, teardown),
        cmocka_unit_test_setup_teardown(test_copy_needs_no_engine, setup, teardown),
        cmocka_unit_test_setup_teardown(test_disk_full_under_a_query, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory_limit, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
