/* fuzz_expr.c: any bytes as an expression and as a template: what is read prints, reads back and prints the
 * same; what checks evaluates or complains. */
#include "dag/expr.h"
#include "dag/template.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void evaluate(struct arena *a, struct expr *e) {
    static const struct param params[] = {{.name = "n", .type = PARAM_INTEGER},
                                          {.name = "s", .type = PARAM_TEXT},
                                          {.name = "d", .type = PARAM_DATE}};
    struct project project = {.env_allowed_count = 0};
    struct map none = MAP_INIT;
    struct expr_scope s = {.project = &project,
                           .params = params,
                           .param_count = 3,
                           .steps = &none,
                           .groups = &none,
                           .has_output = true};
    struct complaint c = {0};
    json_t *scope = json_pack("{s{si ss s{ss}} s{s{sI} s{sI}}}", "params", "n", 5, "s", "text", "d", "@date",
                              "2026-11-19", "window", "start", "@instant", (json_int_t)1763510400000000,
                              "end", "@instant", (json_int_t)1763596800000000);
    struct eval v = {.scope = scope, .arena = a, .c = &c};
    struct ev x;
    if (expr_check(e, &s, &c) && expr_eval(&v, e, &x)) {
        const char *text;
        assert(x.type != TYPE_ANY);
        json_decref(ev_json(&v, &x));
        ev_text(&v, &x, &text);
    } else {
        assert(*c.message);
    }
    json_decref(scope);
    free(s.refs);
}

static void print_again(struct arena *a, const struct expr *e) {
    struct buf once = BUF_INIT, twice = BUF_INIT;
    struct complaint c = {0};
    size_t end;
    expr_print(e, &once);
    struct expr *again = expr_parse(a, buf_str(&once), 0, once.len, &end, &c);
    assert(again && end == once.len);
    expr_print(again, &twice);
    assert(strcmp(buf_str(&once), buf_str(&twice)) == 0);
    buf_release(&once);
    buf_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *a = arena_new();
    struct complaint c = {0};
    size_t end;
    char *text = arena_strndup(a, (const char *)data, size);
    size_t len = strlen(text);
    struct expr *e = expr_parse(a, text, 0, len, &end, &c);
    assert(e || *c.message);
    if (e) print_again(a, e);
    if (e) evaluate(a, e);
    struct template *t = template_parse(a, text, len, &c);
    for (uint32_t i = 0; t && i < t->count; i++)
        if (t->parts[i].expr) print_again(a, t->parts[i].expr);
    arena_free(a);
    return 0;
}
