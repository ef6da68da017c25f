/* test_dag_calls.c: `pipeline:` steps across files: tests/data/dag/calls is one project, each .yaml of it
 * with the whole text of what its calls are told. LEAT_UPDATE=1 writes what is expected anew. */
#include "dag_fixture.h"

struct loaded {
    char **files;
    size_t count;
    struct project *project;
    struct pipeline **pipelines;
    struct callee *known;
};

static void load_all(struct loaded *l, struct diags *d) {
    struct err err = {0};
    l->project = fx_project(d);
    l->files = fx_files(DAG_DATA "/calls", ".yaml", &l->count);
    l->pipelines = xcalloc(l->count, sizeof *l->pipelines);
    l->known = xcalloc(l->count, sizeof *l->known);
    for (size_t i = 0; i < l->count; i++) {
        struct diags *own = diags_new();
        l->pipelines[i] = pipeline_load(l->project, l->files[i], &fx_reader, own, &err);
        l->known[i] = (struct callee){.name = pipeline_peek_name(l->files[i]), .pipeline = l->pipelines[i]};
        diags_free(own);
    }
}

static void release(struct loaded *l) {
    for (size_t i = 0; i < l->count; i++) {
        pipeline_free(l->pipelines[i]);
        free((char *)(uintptr_t)l->known[i].name);
    }
    free(l->known);
    free(l->pipelines);
    project_free(l->project);
    fx_files_free(l->files, l->count);
}

static void test_calls(void **state) {
    (void)state;
    struct loaded l;
    struct diags *pd = diags_new();
    load_all(&l, pd);
    assert_true(l.count > 5);
    for (size_t i = 0; i < l.count; i++) {
        if (!l.pipelines[i]) continue;
        struct diags *d = diags_new();
        pipeline_check_calls(l.pipelines[i], l.known, l.count, d);
        diags_sort(d);
        struct buf b = BUF_INIT;
        diags_render(d, DIAG_HUMAN, 20, false, &b);
        fx_golden(l.files[i], ".expected", buf_str(&b));
        buf_release(&b);
        diags_free(d);
    }
    release(&l);
    diags_free(pd);
}

/* A ring of many, and a walk that no stack must follow. */
static void test_ring(void **state) {
    (void)state;
    enum { RING = 2000 };
    struct diags *pd = diags_new(), *d = diags_new();
    struct project *project = fx_project(pd);
    struct callee *known = xcalloc(RING, sizeof *known);
    struct err err = {0};
    for (int i = 0; i < RING; i++) {
        char text[128];
        int n =
            snprintf(text, sizeof text, "pipeline: p%d\nsteps:\n  a: {pipeline: p%d}\n", i, (i + 1) % RING);
        struct pipeline *p = pipeline_load_text(project, "ring.yaml", text, (size_t)n, &fx_reader, d, &err);
        assert_non_null(p);
        known[i] = (struct callee){p->name, p};
    }
    struct diags *found = diags_new();
    pipeline_check_calls(known[0].pipeline, known, RING, found);
    assert_int_equal(found->errors, 1);
    assert_true(fx_has_code(found, "E0414"));
    for (int i = 0; i < RING; i++) pipeline_free((struct pipeline *)(uintptr_t)known[i].pipeline);
    free(known);
    project_free(project);
    diags_free(found);
    diags_free(d);
    diags_free(pd);
}

/* with: at run time: what `${…}` became is taken by the parameter's type. */
static void test_values(void **state) {
    (void)state;
    struct loaded l;
    struct diags *pd = diags_new();
    struct err err = {0};
    load_all(&l, pd);
    const struct pipeline *needs = NULL, *plain = NULL;
    for (size_t i = 0; i < l.count; i++) {
        if (strcmp(l.known[i].name, "needs") == 0) needs = l.pipelines[i];
        if (strcmp(l.known[i].name, "plain") == 0) plain = l.pipelines[i];
    }
    json_t *with = json_pack("{ss}", "day", "2026-11-20");
    json_t *params = pipeline_params_with(needs, with, &err);
    json_t *want = json_pack("{s{ss} ss}", "day", "@date", "2026-11-20", "size", "small");
    assert_true(json_equal(params, want));
    json_decref(params);
    json_decref(want);
    json_decref(with);

    assert_null(pipeline_params_with(needs, NULL, &err));
    assert_string_equal(err.hint, "add it to the step: with: {day: …}");
    with = json_pack("{si sb sf}", "rows", 7, "ready", 0, "region", 1.5);
    params = pipeline_params_with(plain, with, &err);
    want = json_pack("{ss si sb}", "region", "1.5", "rows", 7, "ready", 0);
    assert_true(json_equal(params, want));
    json_decref(params);
    json_decref(want);
    json_decref(with);

    with = json_pack("{s[i]}", "rows", 7);
    assert_null(pipeline_params_with(plain, with, &err));
    assert_string_equal(err.msg, "parameter `rows` takes a plain value, no list or map");
    json_decref(with);
    release(&l);
    diags_free(pd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
