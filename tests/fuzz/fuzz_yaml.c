/* fuzz_yaml.c: any bytes as a pipeline file, with the real table of verbs: it loads, or it says why; what it
 * says can be drawn in every format; what loaded can be evaluated; the fixes that are offered can be made. */
#include "base/diag.h"
#include "dag/pipeline.h"
#include "operators/op.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A place in a step that a problem may be at; some are nowhere. */
static json_t *some_place(size_t n) {
    static const char *const roots[] = {"config",   "checks", "key", "partition_by",
                                        "merge_by", "into",   "what"};
    json_t *at = json_pack("[s]", roots[n % 7]);
    if (n % 3) json_array_append_new(at, n % 2 ? json_integer((json_int_t)(n % 4)) : json_string("text"));
    if (n % 5 == 0) json_array_append_new(at, json_string("key"));
    return at;
}

static json_t *some_problem(size_t n) {
    static const char *const kinds[] = {"sql", "column", "type", "word", "columns", "policy", "?"};
    json_t *o =
        json_pack("{ss ss so sI sb sb}", "kind", kinds[n % 7], "message", "wrong", "at", some_place(n),
                  "position", (json_int_t)(n % 11) - 1, "key", n % 2 == 0, "doubtful", n % 13 == 0);
    if (n % 3 == 0) json_object_set_new(o, "name", json_string("a"));
    if (n % 4 == 0) json_object_set_new(o, "meant", json_string("b"));
    return o;
}

/* Says that every step reads raw.a and trusted.b, and that something in it is wrong now and then. */
static json_t *ask(void *ctx, const json_t *steps, struct err *err) {
    (void)ctx, (void)err;
    json_t *answers = json_array(), *step;
    size_t i;
    json_array_foreach(steps, i, step) {
        char *text = json_dumps(step, JSON_COMPACT);
        size_t len = strlen(text);
        free(text);
        json_t *answer = json_pack("{s[ss] s[s] s[s] s[]}", "reads", "raw.a__new", "trusted.b", "checked",
                                   "refined.c", "columns", "row_counts", "problems");
        if (len % 5 == 0) json_array_append_new(json_object_get(answer, "problems"), some_problem(len));
        json_array_append_new(answers, answer);
    }
    return answers;
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
    struct pipeline_reader reader = {.ask = ask};
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
