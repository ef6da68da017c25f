/* test_dag_calls.c: `pipeline:` steps across files: tests/data/dag/calls is one project, each .yaml of it
 * with the whole text of what its calls are told. LEAT_UPDATE=1 writes what is expected anew. */
#include "base/map.h"
#include "dag/wiring.h"
#include "dag_fixture.h"

struct loaded {
    char **files;
    size_t count;
    struct project *project;
    struct pipeline **pipelines;
    struct callee *known;
    struct map names;
    struct wiring *wiring;
};

static void load_all(struct loaded *l, struct diags *d) {
    struct err err = {0};
    l->project = fx_project(d);
    l->wiring = wiring_new();
    l->files = fx_files(DAG_DATA "/calls", ".yaml", &l->count);
    l->pipelines = xcalloc(l->count, sizeof *l->pipelines);
    l->known = xcalloc(l->count, sizeof *l->known);
    for (size_t i = 0; i < l->count; i++) {
        struct diags *own = diags_new();
        l->pipelines[i] = pipeline_load(l->project, l->files[i], &fx_reader, own, &err);
        l->known[i] = (struct callee){.name = pipeline_peek_name(l->files[i]), .pipeline = l->pipelines[i]};
        map_add(&l->names, l->known[i].name, i, NULL);
        if (l->pipelines[i]) wiring_put(l->wiring, l->pipelines[i]);
        diags_free(own);
    }
}

static void release(struct loaded *l) {
    for (size_t i = 0; i < l->count; i++) {
        pipeline_free(l->pipelines[i]);
        free((char *)(uintptr_t)l->known[i].name);
    }
    map_release(&l->names);
    free(l->known);
    wiring_free(l->wiring);
    free(l->pipelines);
    project_free(l->project);
    fx_files_free(l->files, l->count);
}

static void test_calls(void **state) {
    (void)state;
    struct loaded l = {.names = MAP_INIT};
    struct diags *pd = diags_new();
    load_all(&l, pd);
    assert_true(l.count > 5);
    for (size_t i = 0; i < l.count; i++) {
        if (!l.pipelines[i]) continue;
        struct diags *d = diags_new();
        pipeline_check_calls(l.pipelines[i], l.known, l.count, &l.names, d);
        wiring_check(l.wiring, l.pipelines[i], d);
        wiring_check_shared(l.wiring, l.pipelines[i], d);
        if (d->errors == 0) wiring_check_awaited(l.wiring, l.pipelines[i], d);
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
    struct wiring *wiring = wiring_new();
    struct map names = MAP_INIT;
    struct err err = {0};
    for (int i = 0; i < RING; i++) {
        char text[128];
        int n =
            snprintf(text, sizeof text, "pipeline: p%d\nsteps:\n  a: {pipeline: p%d}\n", i, (i + 1) % RING);
        struct pipeline *p = pipeline_load_text(project, "ring.yaml", text, (size_t)n, &fx_reader, d, &err);
        assert_non_null(p);
        known[i] = (struct callee){p->name, p};
        map_add(&names, p->name, (size_t)i, NULL);
        wiring_put(wiring, p);
    }
    struct diags *found = diags_new();
    pipeline_check_calls(known[0].pipeline, known, RING, &names, found);
    wiring_check(wiring, known[0].pipeline, found);
    assert_int_equal(found->errors, 1);
    assert_true(fx_has_code(found, "E0414"));
    for (int i = 0; i < RING; i++) pipeline_free((struct pipeline *)(uintptr_t)known[i].pipeline);
    map_release(&names);
    free(known);
    wiring_free(wiring);
    project_free(project);
    diags_free(found);
    diags_free(d);
    diags_free(pd);
}

static struct pipeline *text(struct project *project, const char *yaml) {
    struct diags *d = diags_new();
    struct err err = {0};
    struct pipeline *p = pipeline_load_text(project, "x.yaml", yaml, strlen(yaml), &fx_reader, d, &err);
    if (!p) fail_msg("%s", d->count ? d->list[0].message : err.msg);
    diags_free(d);
    return p;
}

static bool circles(struct wiring *w, const struct pipeline *p) {
    struct diags *d = diags_new();
    wiring_check(w, p, d);
    bool found = d->errors > 0;
    diags_free(d);
    return found;
}

/* Definitions come and go: what is said last counts; writers in order of names. */
static void test_edits(void **state) {
    (void)state;
    struct diags *pd = diags_new();
    struct project *project = fx_project(pd);
    struct wiring *w = wiring_new();
    struct pipeline *
        a = text(project, "pipeline: a\nschedule: {after: trusted.b}\nsteps:\n  s: {copy: x, into: raw.a}\n"),
       *b = text(project, "pipeline: b\nschedule: {after: raw.a}\nsteps:\n  s: {copy: x, into: trusted.b}\n"),
       *calm = text(project, "pipeline: b\nsteps:\n  s: {copy: x, into: raw.a}\n");
    wiring_put(w, b);
    wiring_put(w, a);
    assert_true(circles(w, a) && circles(w, b));
    wiring_put(w, calm);
    assert_false(circles(w, a) || circles(w, calm));
    assert_string_equal(wiring_writer(w, "raw.a", 0), "a");
    assert_string_equal(wiring_writer(w, "raw.a", 1), "b");
    assert_null(wiring_writer(w, "raw.a", 2));
    assert_null(wiring_writer(w, "trusted.b", 0));
    assert_string_equal(wiring_written(w, "b", 0), "raw.a");
    wiring_put(w, b);
    assert_true(circles(w, b));
    wiring_drop(w, "a");
    assert_false(circles(w, b));
    assert_null(wiring_writer(w, "raw.a", 0));
    assert_null(wiring_written(w, "a", 0));
    pipeline_free(a);
    pipeline_free(b);
    pipeline_free(calm);
    wiring_free(w);
    project_free(project);
    diags_free(pd);
}

/* with: at run time: what `${…}` became is taken by the parameter's type. */
static void test_values(void **state) {
    (void)state;
    struct loaded l = {.names = MAP_INIT};
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
        cmocka_unit_test(test_edits),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
