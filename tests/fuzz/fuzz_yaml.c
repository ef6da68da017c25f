/* fuzz_yaml.c: any bytes as a pipeline file, with the real table of verbs: it loads, or it says why; what it
 * says can be drawn in every format; what loaded can be evaluated; the fixes that are offered can be made. */
#include "base/diag.h"
#include "dag/pipeline.h"
#include "operators/op.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Says that every text reads raw.a and trusted.b, or that its last byte is wrong. */
static int reads(void *ctx, struct sql_reads *list, size_t n, struct arena *arena, struct err *err) {
    (void)ctx, (void)err;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(list[i].text);
        if (len % 5 == 0) {
            list[i].error = arena_strdup(arena, "wrong");
            list[i].error_at = (uint32_t)(len ? len - 1 : 0);
            continue;
        }
        list[i].names = arena_array(arena, 2, sizeof *list[i].names);
        list[i].names[0] = "raw.a__new";
        list[i].names[1] = "trusted.b";
        list[i].count = 2;
    }
    return 0;
}

static void evaluate(const struct pipeline *p) {
    struct err err;
    json_t *scope = json_object();
    json_t *params = pipeline_params(p, NULL, 0, &err);
    if (params) json_object_set_new(scope, "params", params);
    for (uint32_t i = 0; i < p->step_count && i < 20; i++) {
        const struct step *s = &p->steps[i];
        bool yes;
        json_decref(pipeline_resolve(p, s->config, scope, &err));
        json_decref(pipeline_resolve(p, s->env, scope, &err));
        json_decref(pipeline_checks(p, s, scope, &err));
        pipeline_when(p, s, scope, &yes, &err);
    }
    json_decref(scope);
}

static void draw(struct diags *d) {
    struct buf b = BUF_INIT;
    diags_sort(d);
    for (int f = DIAG_HUMAN; f <= DIAG_GITHUB; f++)
        if (f != DIAG_JSON) diags_render(d, (enum diag_format)f, 20, f == DIAG_HUMAN, &b);
    json_decref(diags_json(d, NULL));
    buf_clear(&b);
    diags_apply_fixes(d, "fuzz.yaml", &b);
    buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct pipeline_reader reader = {.sql_reads = reads};
    struct diags *d = diags_new();
    struct err err = {0};
    reader.verbs = op_verbs(&reader.verb_count);
    struct project *project = project_load("/", d, &err);
    assert(project);
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    struct pipeline *p = pipeline_load_text(project, "fuzz.yaml", text, size, &reader, d, &err);
    assert((p != NULL) == (d->errors == 0));
    free(text);
    if (p) evaluate(p);
    pipeline_free(p);
    project_free(project);
    draw(d);
    diags_free(d);
    return 0;
}
