/* test_dag_load.c: loading at its edges: large, long, cut short, unreadable; parameters; projects; hashes. */
#include "base/arena.h"
#include "base/limits.h"
#include "dag_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

static struct pipeline *load_text(const struct project *p, const char *text, size_t len, struct diags *d) {
    struct err err = {0};
    return pipeline_load_text(p, "case.yaml", text, len, &fx_reader, d, &err);
}

static void show(struct diags *d) {
    struct buf b = BUF_INIT;
    diags_sort(d);
    diags_render(d, DIAG_HUMAN, 20, false, &b);
    print_error("%s", buf_str(&b));
    buf_release(&b);
}

/* ---- size */

/* LEAT_QUICK: under valgrind. */
static int many(void) { return getenv("LEAT_QUICK") ? 2000 : 100000; }

static char *many_steps(bool chain) {
    struct buf b = BUF_INIT;
    buf_adds(&b, "pipeline: many\nsteps:\n");
    for (int i = 0; i < many(); i++) {
        buf_addf(&b, "  s%d:\n    exec: [/bin/true]\n", i);
        if (chain && i) buf_addf(&b, "    after: s%d\n", i - 1);
    }
    return buf_take(&b);
}

struct job {
    bool chain, cycle;
    uint32_t edges, errors;
};

static void *load_many(void *ctx) {
    struct job *job = ctx;
    struct diags *pd = diags_new(), *d = diags_new();
    struct err err;
    struct project *p = project_load(DAG_DATA, pd, &err);
    char *text = many_steps(job->chain), *first = strstr(text, "  s0:\n    exec: [/bin/true]\n");
    struct buf b = BUF_INIT;
    buf_add(&b, text, (size_t)(first - text));
    buf_addf(&b, "  s0:\n    exec: [/bin/true]\n%s", job->cycle ? "    after: s99999\n" : "");
    buf_adds(&b, first + strlen("  s0:\n    exec: [/bin/true]\n"));
    struct pipeline *pl = load_text(p, buf_str(&b), b.len, d);
    if (pl) job->edges = pl->up_at[pl->step_count];
    if (pl && pl->step_count != (uint32_t)many()) job->errors = 99;
    job->errors += (uint32_t)d->errors;
    pipeline_free(pl);
    project_free(p);
    diags_free(d);
    diags_free(pd);
    buf_release(&b);
    free(text);
    return NULL;
}

/* On a stack that no recursion over 100,000 steps would fit. */
static void run_small(struct job *job) {
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    assert_int_equal(pthread_attr_setstacksize(&attr, 512 << 10), 0);
    assert_int_equal(pthread_create(&thread, &attr, load_many, job), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
}

static void test_many_steps(void **state) {
    (void)state;
    struct job wide = {0}, chain = {.chain = true}, cycle = {.chain = true, .cycle = true};
    run_small(&wide);
    assert_int_equal(wide.errors, 0);
    assert_int_equal(wide.edges, 0);
    run_small(&chain);
    assert_int_equal(chain.errors, 0);
    assert_int_equal(chain.edges, many() - 1);
    run_small(&cycle);
    assert_int_equal(cycle.errors, 1);
}

static void test_many_errors(void **state) {
    (void)state;
    struct diags *d = diags_new();
    struct project *p = fx_project(d);
    struct buf b = BUF_INIT;
    buf_adds(&b, "pipeline: many\nsteps:\n");
    for (int i = 0; i < 20000; i++)
        buf_addf(&b, "  s%d:\n    exec: [\"${steps.t%d.rows}\"]\n    after: t%d\n    timeout: %d\n", i, i, i,
                 i);
    assert_null(load_text(p, buf_str(&b), b.len, d));
    assert_int_equal(d->errors, 60000);
    buf_release(&b);
    project_free(p);
    diags_free(d);
}

/* ---- damage */

/* Every prefix of every good file loads or complains, and so does every file with one byte changed. */
static void test_cut_and_bent(void **state) {
    (void)state;
    static const char bytes[] = "\t:{}[]#\"'*&!|>%@`$-, \n\\x";
    struct diags *pd = diags_new();
    struct project *p = fx_project(pd);
    size_t n;
    uint64_t seed = 7;
    char **files = fx_files(DAG_DATA "/good", ".yaml", &n);
    for (size_t i = 0; i < n; i++) {
        size_t len;
        char *text = fx_file(files[i], &len);
        for (size_t cut = 0; cut < len; cut += 3) {
            struct diags *d = diags_new();
            pipeline_free(load_text(p, text, cut, d));
            diags_free(d);
        }
        for (int k = 0; k < 400; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            size_t at = (size_t)(seed >> 33) % len;
            char old = text[at];
            text[at] = bytes[(seed >> 20) % (sizeof bytes - 1)];
            struct diags *d = diags_new();
            struct buf b = BUF_INIT;
            struct pipeline *pl = load_text(p, text, len, d);
            if (!pl != (d->errors > 0))
                fail_msg("%s: byte %zu: %zu errors and %s pipeline", files[i], at, d->errors,
                         pl ? "a" : "no");
            diags_sort(d);
            diags_render(d, DIAG_HUMAN, 20, false, &b);
            buf_release(&b);
            pipeline_free(pl);
            diags_free(d);
            text[at] = old;
        }
        free(text);
    }
    fx_files_free(files, n);
    project_free(p);
    diags_free(pd);
}

static void test_unreadable(void **state) {
    (void)state;
    struct diags *d = diags_new();
    struct project *p = fx_project(d);
    struct err err = {0};
    assert_null(pipeline_load(p, DAG_DATA "/nothing.yaml", &fx_reader, d, &err));
    assert_int_equal(err.exit, EX_NOT_FOUND);
    assert_non_null(strstr(err.msg, "nothing.yaml"));
    assert_null(pipeline_load(p, DAG_DATA, &fx_reader, d, &err)); /* a folder */
    assert_int_equal(d->errors, 0);
    char path[] = "/tmp/leat-large-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, LIMIT_YAML_BYTES + 1), 0);
    close(fd);
    assert_null(pipeline_load(p, path, &fx_reader, d, &err));
    assert_true(fx_has_code(d, "E0113"));
    assert_non_null(strstr(d->list[0].message, "at most 64 MiB"));
    unlink(path);
    project_free(p);
    diags_free(d);
    assert_null(project_load("/nothing/here", NULL, &err));
}

static void test_no_engine(void **state) {
    (void)state;
    struct pipeline_reader without = fx_reader;
    static const char text[] =
        "pipeline: a\nsteps:\n  a:\n    sql: select * from raw.x\n    into: trusted.x\n";
    struct diags *d = diags_new();
    struct project *p = fx_project(d);
    struct err err = {0};
    without.ask = NULL;
    struct pipeline *pl = pipeline_load_text(p, "a.yaml", text, strlen(text), &without, d, &err);
    assert_non_null(pl);
    assert_true(fx_has_code(d, "W0107"));
    assert_int_equal(pl->steps[0].read_count, 0);
    pipeline_free(pl);
    project_free(p);
    diags_free(d);
}

/* ---- parameters */

static const struct {
    const char *given[3];
    const char *want; /* JSON, or part of the message */
    bool good;
} params[] = {
    {{"day=2026-01-02"},
     "{\"n\":5,\"day\":{\"@date\":\"2026-01-02\"},\"full\":false,\"name\":\"x y\",\"x\":1.5}",
     true},
    {{"n=7", "day=2026-01-02", "full=true"},
     "{\"n\":7,\"day\":{\"@date\":\"2026-01-02\"},\"full\":true,\"name\":\"x y\",\"x\":1.5}",
     true},
    {{"day=2026-01-02", "name=a=b"},
     "{\"n\":5,\"day\":{\"@date\":\"2026-01-02\"},\"full\":false,\"name\":\"a=b\",\"x\":1.5}",
     true},
    {{NULL}, "`day` of pipeline `a` has no default", false},
    {{"day=tomorrow"}, "`day` takes a date", false},
    {{"day=2026-02-30"}, "`day` takes a date", false},
    {{"n=07"}, "`n` takes an integer", false},
    {{"n=9"}, "`n` cannot be `9`", false},
    {{"nn=1"}, "no parameter `nn`", false},
    {{"full=yes"}, "`full` takes true or false", false},
    {{"n"}, "not name=value", false},
};

static void test_params(void **state) {
    (void)state;
    static const char text[] = "pipeline: a\nparams:\n  n: {default: 5, values: [5, 7]}\n  day: {type: "
                               "date}\n  full: false\n  name: x y\n  x: 1.5\n"
                               "steps:\n  a:\n    shell: echo\n";
    struct diags *d = diags_new();
    struct project *p = fx_project(d);
    struct pipeline *pl = load_text(p, text, strlen(text), d);
    if (!pl) show(d);
    assert_non_null(pl);
    for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
        struct err err = {0};
        size_t n = 0;
        while (n < 3 && params[i].given[n]) n++;
        json_t *j = pipeline_params(pl, params[i].given, n, &err);
        if (params[i].good != (j != NULL)) fail_msg("case %zu: %s", i, err.msg);
        json_error_t bad;
        json_t *want = params[i].good ? json_loads(params[i].want, 0, &bad) : NULL;
        if (params[i].good && !json_equal(j, want)) fail_msg("case %zu", i);
        if (!params[i].good && !strstr(err.msg, params[i].want)) fail_msg("case %zu: %s", i, err.msg);
        if (!params[i].good) assert_int_equal(err.exit, EX_USAGE);
        json_decref(want);
        json_decref(j);
    }
    pipeline_free(pl);
    project_free(p);
    diags_free(d);
}

/* ---- the definition's hash: what decides what a pipeline does changes it, nothing else does */

static void definition_of(const struct project *p, const char *text, char out[65]) {
    struct diags *d = diags_new();
    struct pipeline *pl = load_text(p, text, strlen(text), d);
    if (!pl) show(d);
    assert_non_null(pl);
    memcpy(out, pl->definition, 65);
    pipeline_free(pl);
    diags_free(d);
}

static void write_file(const char *folder, const char *name, const char *text) {
    struct err err;
    char *path = fs_join(folder, name), *parent = fs_parent(path);
    if (fs_mkdirs(parent, 0755, &err) || fs_replace(path, text, strlen(text), 0600, &err))
        fail_msg("%s", err.msg);
    free(path);
    free(parent);
}

static void test_definition(void **state) {
    (void)state;
    char folder[] = "/tmp/leat-def-XXXXXX", a[65], b[65];
    static const char text[] = "pipeline: a\nsteps:\n  a:\n    sql_file: a.sql\n    into: trusted.x\n";
    struct err err;
    struct diags *d = diags_new();
    assert_non_null(mkdtemp(folder));
    write_file(folder, "a.sql", "select 1");
    write_file(folder, "leat.yaml", "leat: 1\n");
    struct project *p = project_load(folder, d, &err);
    definition_of(p, text, a);
    definition_of(p, text, b);
    assert_string_equal(a, b);
    write_file(folder, "a.sql", "select 2");
    definition_of(p, text, b);
    assert_string_not_equal(a, b);
    write_file(folder, "a.sql", "select 1");
    project_free(p);
    write_file(folder, "leat.yaml", "leat: 1\ndefaults: {retry: 2}\n");
    p = project_load(folder, d, &err);
    definition_of(p, text, b);
    assert_string_not_equal(a, b);
    project_free(p);
    assert_int_equal(d->errors, 0);
    assert_int_equal(fs_remove_tree(folder, &err), 0);
    diags_free(d);
}

/* ---- projects */

static void test_project(void **state) {
    (void)state;
    char folder[] = "/tmp/Leat-Shop-XXXXXX";
    struct err err = {0};
    struct diags *d = diags_new();
    assert_non_null(mkdtemp(folder));
    char *inside = fs_join(folder, "deep/er");
    assert_int_equal(fs_mkdirs(inside, 0755, &err), 0);
    struct project *p = project_load(inside, d, &err); /* no leat.yaml anywhere above */
    assert_non_null(p);
    assert_string_equal(p->root, inside);
    assert_string_equal(p->name, "er");
    assert_null(p->file);
    assert_int_equal(p->zone_count, 3);
    assert_string_equal(p->zones[0].name, "raw");
    assert_int_equal(p->zones[0].format, FORMAT_FILES);
    assert_int_equal(p->zones[0].schema, SCHEMA_ANY);
    assert_int_equal(p->zones[2].format, FORMAT_DELTA);
    assert_int_equal(p->zones[2].schema, SCHEMA_ADD);
    assert_true(strstr(p->zones[1].path, "/deep/er/lake/trusted"));
    assert_null(project_zone(p, "gold", 4));
    project_free(p);

    setenv("LEAT_TEST_LAKE", "/data/lake", 1);
    write_file(
        folder, ".env",
        "# comment\nexport A=1\nB='x $y' \nC=\"a\\nb\" # no\nD=plain # comment\n\nLEAT_TEST_LAKE=/other\n");
    write_file(folder, "leat.yaml",
               "leat: 1\nstate: var/state\nenv_files: [.env]\nenv_allowed: [LEAT_TEST_LAKE, A]\nallow_paths: "
               "[reference, /data]\npools: {db: 4}\n"
               "zones:\n  landing: {path: \"${env.LEAT_TEST_LAKE}/landing\", keep_versions: 90 days}\n  "
               "gold:\n    path: ./gold\n    requires: checks\n"
               "    format: files\n    schema: strict\nsecrets: {token: \"env:TOKEN\"}\n"
               "engines: {spark: {home: \"${env.A}/spark\", master: \"local[*]\", conf: {a.b: 1}}, aws: "
               "{region: eu}}\nconnections: {db: {password: \"${secrets.token}\"}}\n");
    p = project_load(inside, d, &err);
    if (d->errors) show(d);
    assert_int_equal(d->errors, 0);
    assert_string_equal(p->root, folder);
    assert_true(strncmp(p->name, "_eat__hop_", 10) == 0);
    assert_string_equal(p->zones[0].path, "/data/lake/landing"); /* the real environment wins */
    assert_int_equal(p->zones[0].keep_versions, 90 * US_PER_DAY);
    assert_true(p->zones[1].requires_checks && p->zones[1].format == FORMAT_FILES &&
                p->zones[1].schema == SCHEMA_STRICT);
    assert_true(strstr(p->state, "/var/state"));
    assert_int_equal(p->pool_count, 1);
    assert_int_equal(p->pools[0].tokens, 4);
    assert_int_equal(p->allow_path_count, 2);
    assert_string_equal(p->allow_paths[1], "/data");
    assert_string_equal(json_text(p->secrets, "token"), "env:TOKEN");
    assert_string_equal(json_text(p->env_files_env, "B"), "x $y");
    assert_string_equal(json_text(p->env_files_env, "C"), "a\nb");
    assert_string_equal(json_text(p->env_files_env, "D"), "plain");
    const json_t *spark = json_object_get(p->engines, "spark");
    assert_string_equal(json_text(spark, "home"), "1/spark");
    assert_string_equal(json_text(json_object_get(spark, "conf"), "a.b"), "1");
    project_free(p);
    unsetenv("LEAT_TEST_LAKE");
    assert_int_equal(fs_remove_tree(folder, &err), 0);
    free(inside);
    diags_free(d);
}

static void test_project_errors(void **state) {
    (void)state;
    char folder[] = "/tmp/leat-bad-XXXXXX";
    struct err err = {0};
    struct diags *d = diags_new();
    assert_non_null(mkdtemp(folder));
    write_file(folder, ".env", "A=1\nnot a line\n");
    char *env = fs_join(folder, ".env");
    chmod(env, 0644);
    write_file(folder, "leat.yaml",
               "leat: 2\nproject: My Shop\nzone: {}\nenv_files: .env\npools: {db: none, Big: 0}\nzones: "
               "{raw: lake, trusted: lake, gold: {path: x, formt: delta}}\n"
               "secrets: [a]\ntemplates: {a: {params: [x]}, b: 5}\ndefaults: {timeot: 5}\n");
    struct project *p = project_load(folder, d, &err);
    assert_non_null(p); /* even so */
    static const char *const want[] = {"E0123", "E0206", "E0104", "E0122",
                                       "W0701", "E0202", "E0410", "E0103"};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        if (!fx_has_code(d, want[i])) fail_msg("no %s", want[i]);
    project_free(p);
    diags_free(d);
    assert_int_equal(fs_remove_tree(folder, &err), 0);
    free(env);
}

static void test_pipeline_files(void **state) {
    (void)state;
    char folder[] = "/tmp/leat-files-XXXXXX";
    struct err err = {0};
    struct diags *d = diags_new();
    size_t n;
    assert_non_null(mkdtemp(folder));
    write_file(folder, "b.yaml", "# a comment\npipeline: second # one\nsteps: {}\n");
    write_file(folder, "a.yml", "steps: {}\npipeline: \"first\"\n");
    write_file(folder, "other.yaml", "key: value\n");
    struct project *p = project_load(folder, d, &err);
    char **files = project_pipeline_files(p, &n);
    assert_int_equal(n, 2);
    assert_non_null(strstr(files[0], "a.yml"));
    char *name = pipeline_peek_name(files[0]);
    assert_string_equal(name, "first");
    free(name);
    name = pipeline_peek_name(files[1]);
    assert_string_equal(name, "second");
    free(name);
    fx_files_free(files, n);
    write_file(folder, "pipelines/x.yaml", "pipeline: same\n");
    write_file(folder, "pipelines/y.yaml", "# again\npipeline: same\n");
    files = project_pipeline_files(p, &n);
    assert_int_equal(n, 2);
    struct diags *first = diags_new();
    project_check_names(p, files, n, (struct diags *const[]){first, d});
    assert_true(fx_has_code(first, "E0411"));
    diags_free(first);
    assert_true(fx_has_code(d, "E0411"));
    struct buf b = BUF_INIT;
    diags_render(d, DIAG_GCC, 20, false, &b);
    assert_string_equal(buf_str(&b), "pipelines/y.yaml:2:1: error: pipeline `same` is defined twice: "
                                     "pipelines/x.yaml has this name too [E0411]\n");
    buf_release(&b);
    fx_files_free(files, n);
    project_free(p);
    diags_free(d);
    assert_int_equal(fs_remove_tree(folder, &err), 0);
}

/* A key the fixer changed must load. */
static void test_fixes_load(void **state) {
    (void)state;
    static const char text[] = "pipeline: a\nschedule:\n  every: day at 06:15\n  timezone: "
                               "Europe/Berln\nsteps:\n  a:\n    shel: echo\n    trigger_rule: all_don\n"
                               "  b:\n    after: aa\n    exec: [\"${run.idd}\"]\n    allow_failure: yes\n";
    struct diags *d = diags_new(), *again = diags_new();
    struct project *p = fx_project(d);
    struct buf fixed = BUF_INIT;
    assert_null(load_text(p, text, strlen(text), d));
    assert_int_equal(diags_apply_fixes(d, "case.yaml", &fixed), 6);
    struct pipeline *pl = load_text(p, buf_str(&fixed), fixed.len, again);
    if (!pl) show(again);
    assert_non_null(pl);
    pipeline_free(pl);
    buf_release(&fixed);
    project_free(p);
    diags_free(d);
    diags_free(again);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_steps),     cmocka_unit_test(test_many_errors),
        cmocka_unit_test(test_cut_and_bent),   cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_no_engine),      cmocka_unit_test(test_params),
        cmocka_unit_test(test_definition),     cmocka_unit_test(test_project),
        cmocka_unit_test(test_project_errors), cmocka_unit_test(test_pipeline_files),
        cmocka_unit_test(test_fixes_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
