/* test_dag_files.c: pipelines as data. errors/ and pipelines/: each .yaml with the whole text of its
 * diagnostics; good/: each .yaml with what it loads as; and the examples of every code. LEAT_UPDATE=1 writes
 * what is expected anew. */
#include "dag/codes.h"
#include "dag_fixture.h"
#include "engine/duck.h"
#include "operators/prepare.h"

/* The real engine, in this process, in a project where nothing was ever run. */
static json_t *ask_engine(void *ctx, const json_t *steps, struct err *err) {
    (void)ctx;
    struct duck *d = duck_open(&(struct duck_options){.threads = 1}, err);
    if (!d) fail_msg("%s", err->msg);
    json_t *zones = json_pack("{s{} s{} s{} s{}}", "raw", "trusted", "refined", "gold");
    const struct prepare_request r = {.duck = d, .zones = zones, .steps = steps};
    json_t *answers = prepare_steps(&r);
    json_decref(zones);
    duck_close(d);
    return answers;
}

static const struct pipeline_reader reader = {fx_table, sizeof fx_table / sizeof *fx_table, ask_engine, NULL};

static struct pipeline *load(const struct project *p, const char *path, struct diags *d) {
    struct err err = {0};
    struct pipeline *pl = pipeline_load(p, path, &reader, d, &err);
    diags_sort(d);
    return pl;
}

static void check_errors(const char *folder) {
    size_t n;
    char **files = fx_files(folder, ".yaml", &n);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        struct diags *pd = diags_new(), *d = diags_new();
        struct project *p = fx_project(pd);
        struct pipeline *pl = load(p, files[i], d);
        if (pl && d->errors) fail_msg("%s: a pipeline and errors", files[i]);
        pipeline_free(pl);
        project_free(p); /* diagnostics must outlive both */
        struct buf b = BUF_INIT;
        diags_render(d, DIAG_HUMAN, 20, false, &b);
        fx_golden(files[i], ".expected", buf_str(&b));
        buf_release(&b);
        diags_free(d);
        diags_free(pd);
    }
    fx_files_free(files, n);
}

static void test_errors(void **state) {
    (void)state;
    check_errors(DAG_DATA "/errors");
}

static void test_page(void **state) {
    (void)state;
    check_errors(DAG_DATA "/pipelines");
}

/* ---- good ones */

static json_t *step_names(const struct pipeline *p, const uint32_t *at, const uint32_t *row, uint32_t i) {
    json_t *list = json_array();
    for (uint32_t k = at[i]; k < at[i + 1]; k++)
        json_array_append_new(list, json_string(p->steps[row[k]].name));
    return list;
}

static json_t *resolved(const struct pipeline *p, const struct value *v, const json_t *scope) {
    struct err err = {0};
    json_t *j = pipeline_resolve(p, v, scope, &err);
    return j ? j : json_sprintf("error: %s (%s)", err.msg, err.hint);
}

static json_t *output_json(const struct pipeline *p, const struct step *s, const json_t *scope) {
    const struct output *o = s->into;
    struct err err = {0};
    json_t *v = json_object(), *columns = json_array(), *key = json_array();
    for (size_t i = 0; i < o->partition_count; i++)
        json_array_append_new(columns, json_string(o->partition_by[i]));
    for (size_t i = 0; i < o->key_count; i++) json_array_append_new(key, json_string(o->key[i]));
    json_put_text(v, "dataset", o->dataset);
    json_put_text(v, "write", write_mode_names[o->write]);
    json_put(v, "partition_by", columns);
    json_put(v, "of_window", json_boolean(o->partition_of_window));
    json_put(v, "key", key);
    json_put(v, "bad_rows", json_integer(o->bad_rows));
    json_put(v, "max_bad", json_pack("[If]", (json_int_t)o->max_bad_rows, o->max_bad_part));
    json_put(v, "if_empty", json_integer(o->if_empty));
    json_t *checks = pipeline_checks(p, s, scope, &err), *texts = json_array();
    size_t i;
    json_t *check;
    json_array_foreach(checks, i, check)
        json_array_append_new(texts, json_sprintf("%s %s %s", json_text(check, "severity"),
                                                  json_text(check, "kind"), json_text(check, "text")));
    json_put(v, "checks", checks ? texts : json_string(err.msg));
    if (!checks) json_decref(texts);
    json_decref(checks);
    return v;
}

static json_t *step_json(const struct pipeline *p, const struct step *s, const json_t *run) {
    json_t *v = json_object(), *reads = json_array(), *scope = json_copy((json_t *)(uintptr_t)run);
    if (s->each) json_object_set(scope, "each", s->each);
    for (size_t i = 0; i < s->read_count; i++)
        json_array_append_new(reads,
                              json_sprintf("%s%s", s->reads[i].dataset, s->reads[i].only_new ? " new" : ""));
    json_put_text(v, "name", s->name);
    json_put_text(v, "verb", fx_verbs[s->verb].name);
    json_put(v, "config", resolved(p, s->config, scope));
    if (s->siblings) json_put(v, "siblings", resolved(p, s->siblings, scope));
    if (s->env) json_put(v, "env", resolved(p, s->env, scope));
    json_put(v, "after", step_names(p, p->up_at, p->up, s->index));
    json_put(v, "reads", reads);
    if (s->bookmark) json_put_text(v, "bookmark", bookmark_kind_names[s->bookmark]);
    if (s->bookmark_options) json_put(v, "bookmark_options", json_incref(s->bookmark_options));
    if (s->into) json_put(v, "into", output_json(p, s, scope));
    if (s->retry.times)
        json_put(v, "retry",
                 json_pack("[IIIb]", (json_int_t)s->retry.times, (json_int_t)s->retry.wait,
                           (json_int_t)s->retry.max_wait, s->retry.exponential));
    if (s->timeout) json_put(v, "timeout", json_integer(s->timeout));
    if (s->pool) json_put(v, "pool", json_sprintf("%s %lld", s->pool, (long long)s->pool_tokens));
    if (s->finally) json_put(v, "finally", json_true());
    if (s->rule) json_put_text(v, "rule", trigger_rule_names[s->rule]);
    if (s->group) json_put_text(v, "group", s->group);
    if (s->when) {
        bool yes = false;
        struct err err = {0};
        int r = pipeline_when(p, s, scope, &yes, &err);
        json_put(v, "when", r ? json_string(err.msg) : json_boolean(yes));
    }
    json_decref(scope);
    return v;
}

static void check_order(const struct pipeline *p) {
    uint32_t *place = xcalloc(p->step_count, sizeof *place);
    for (uint32_t i = 0; i < p->step_count; i++) place[p->order[i]] = i;
    for (uint32_t i = 0; i < p->step_count; i++)
        for (uint32_t k = p->up_at[i]; k < p->up_at[i + 1]; k++) assert_true(place[p->up[k]] < place[i]);
    free(place);
}

static json_t *firing_json(const struct firing *f) {
    struct buf b = BUF_INIT;
    json_t *v = json_object();
    cron_print(f->cron, &b);
    json_put_text(v, "text", f->text);
    json_put_text(v, "cron_text", f->cron_text);
    json_put_text(v, "canonical", buf_str(&b));
    json_put_text(v, "seed", f->seed);
    buf_release(&b);
    return v;
}

static json_t *firings_json(const struct schedule *s) {
    json_t *list = json_array();
    for (size_t i = 0; i < s->firing_count; i++) json_array_append_new(list, firing_json(&s->firings[i]));
    return list;
}

/* Each as its rule, which must come back the same from its JSON and as a copy. */
static json_t *schedules_json(const struct pipeline *p) {
    json_t *list = json_array();
    for (size_t i = 0; i < p->schedule_count; i++) {
        const struct schedule *s = &p->schedules[i];
        struct err err = {0};
        json_t *rule = schedule_rule_json(s);
        struct schedule *read = schedule_from_rule(s->name, rule, NULL, &err), *copy = schedule_copy(s);
        if (!read) fail_msg("%s", err.msg);
        json_t *again = schedule_rule_json(read), *copied = schedule_rule_json(copy);
        assert_true(json_equal(rule, again) && json_equal(rule, copied));
        assert_true(read->delay == s->delay && read->rule.cron_count == s->rule.cron_count);
        for (size_t k = 0; k < s->rule.cron_count; k++)
            assert_true(cron_same(read->firings[k].cron, s->firings[k].cron) &&
                        cron_same(copy->firings[k].cron, s->firings[k].cron));
        json_put_text(rule, "name", s->name);
        json_put(rule, "firings", firings_json(s));
        json_array_append_new(list, rule);
        json_decref(again);
        json_decref(copied);
        schedule_free(read);
        schedule_free(copy);
    }
    return list;
}

static json_t *pipeline_json(const struct pipeline *p, const json_t *scope) {
    json_t *v = json_object(), *steps = json_array(), *run = json_copy((json_t *)(uintptr_t)scope);
    struct err err = {0};
    json_t *params = pipeline_params(p, NULL, 0, &err);
    if (params) json_object_set_new(run, "params", params);
    json_put_text(v, "pipeline", p->name);
    if (!params) json_put_text(v, "params", err.msg);
    json_put(v, "uses_window", json_boolean(p->uses_window));
    json_put_text(v, "timezone", p->timezone);
    if (p->schedule_count) json_put(v, "schedules", schedules_json(p));
    for (uint32_t i = 0; i < p->step_count; i++)
        json_array_append_new(steps, step_json(p, &p->steps[i], run));
    json_put(v, "steps", steps);
    assert_int_equal(strlen(p->definition), 64);
    check_order(p);
    json_decref(run);
    return v;
}

static void test_good(void **state) {
    (void)state;
    size_t n;
    struct err err;
    json_t *scope = json_load_path(DAG_DATA "/scope.json", &err);
    if (!scope) fail_msg("%s", err.msg);
    char **files = fx_files(DAG_DATA "/good", ".yaml", &n);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        struct diags *d = diags_new();
        struct project *p = fx_project(d);
        assert_int_equal(d->errors, 0);
        struct pipeline *pl = load(p, files[i], d);
        struct buf b = BUF_INIT;
        if (!pl) {
            diags_render(d, DIAG_HUMAN, 20, false, &b);
            fail_msg("%s:\n%s", files[i], buf_str(&b));
        }
        json_t *v = pipeline_json(pl, scope);
        json_put(v, "warnings", diags_json(d, NULL));
        size_t k;
        json_t *w, *codes_seen = json_array();
        json_array_foreach(json_object_get(v, "warnings"), k, w) json_array_append_new(
            codes_seen, json_sprintf("%s %lld", json_text(w, "code"), (long long)json_int(w, "line", 0)));
        json_put(v, "warnings", codes_seen);
        char *text = json_dumps(v, JSON_INDENT(1));
        buf_addf(&b, "%s\n", text);
        fx_golden(files[i], ".json", buf_str(&b));
        free(text);
        json_decref(v);
        buf_release(&b);
        pipeline_free(pl);
        project_free(p);
        diags_free(d);
    }
    fx_files_free(files, n);
    json_decref(scope);
}

/* ---- the examples of codes */

static void load_example(const char *text, struct diags *d) {
    struct diags *pd = diags_new();
    struct err err = {0};
    if (strncmp(text, "leat:", 5) == 0) {
        char folder[] = "/tmp/leat-codes-XXXXXX";
        assert_non_null(mkdtemp(folder));
        char *file = fs_join(folder, "leat.yaml");
        assert_int_equal(fs_replace(file, text, strlen(text), 0644, &err), 0);
        project_free(project_load(folder, d, &err));
        assert_int_equal(fs_remove_tree(folder, &err), 0);
        free(file);
    } else {
        struct project *p = fx_project(pd);
        pipeline_free(pipeline_load_text(p, "demo.yaml", text, strlen(text), &reader, d, &err));
        project_free(p);
    }
    diags_sort(d);
    diags_free(pd);
}

static void test_examples(void **state) {
    (void)state;
    for (size_t i = 0; i < code_count; i++) {
        const struct code *c = &codes[i];
        assert_ptr_equal(code_find(c->code), c);
        assert_true(strlen(c->title) > 5 && !strchr(c->title, '\n'));
        if (*c->wrong == '#') continue;
        struct diags *wrong = diags_new(), *right = diags_new();
        load_example(c->wrong, wrong);
        load_example(c->right, right);
        struct buf b = BUF_INIT;
        diags_render(wrong, DIAG_HUMAN, 20, false, &b);
        if (!fx_has_code(wrong, c->code)) fail_msg("%s: the wrong example shows\n%s", c->code, buf_str(&b));
        buf_clear(&b);
        diags_render(right, DIAG_HUMAN, 20, false, &b);
        if (right->errors || fx_has_code(right, c->code))
            fail_msg("%s: the right example shows\n%s", c->code, buf_str(&b));
        buf_release(&b);
        diags_free(wrong);
        diags_free(right);
    }
    assert_null(code_find("E9999"));
}

/* Every code that the sources can show is in the table. */
static void test_all_codes_known(void **state) {
    (void)state;
    size_t n;
    char **files = fx_files(LEAT_SOURCE_DIR "/dag", ".c", &n);
    for (size_t i = 0; i < n; i++) {
        char *text = fx_file(files[i], NULL);
        for (const char *p = text; (p = strchr(p, '"')); p++) {
            char code[6];
            if ((p[1] != 'E' && p[1] != 'W') || strspn(p + 2, "0123456789") != 4 || p[6] != '"') continue;
            snprintf(code, sizeof code, "%.5s", p + 1);
            if (!code_find(code)) fail_msg("%s shows %s, which dag/codes.h does not have", files[i], code);
        }
        free(text);
    }
    fx_files_free(files, n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),     cmocka_unit_test(test_errors),          cmocka_unit_test(test_good),
        cmocka_unit_test(test_examples), cmocka_unit_test(test_all_codes_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
