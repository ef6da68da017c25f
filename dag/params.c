/* params.c: the parameters of a pipeline: their declaration, and the values given for a run. */
#include "base/json.h"
#include "base/suggest.h"
#include "dag/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    const char *wants;
} types[] = {
    [PARAM_TEXT] = {"text", "text"},
    [PARAM_INTEGER] = {"integer", "an integer"},
    [PARAM_DECIMAL] = {"decimal", "a decimal number"},
    [PARAM_BOOL] = {"boolean", "true or false"},
    [PARAM_DATE] = {"date", "a date such as 2026-11-19"},
    [PARAM_PATH] = {"path", "a path"},
};
enum { TYPES = sizeof types / sizeof *types };

/* Text as a value of the type; NULL when it is none. */
static json_t *value_of(unsigned type, const char *text) {
    switch (type) {
    case PARAM_INTEGER: return text_is_integer(text) ? json_integer(strtoll(text, NULL, 10)) : NULL;
    case PARAM_DECIMAL:
        return text_is_integer(text) || text_is_decimal(text) ? json_real(strtod(text, NULL)) : NULL;
    case PARAM_BOOL:
        return strcmp(text, "true") == 0 ? json_true() : strcmp(text, "false") == 0 ? json_false() : NULL;
    case PARAM_DATE: return text_is_date(text) ? json_pack("{ss}", "@date", text) : NULL;
    default: return json_string(text);
    }
}

/* contract.md 5: what is written plainly says the type. */
static unsigned type_of(const struct node *n) {
    if (n->kind != NODE_SCALAR || n->style != STYLE_PLAIN) return PARAM_TEXT;
    if (text_is_integer(n->text)) return PARAM_INTEGER;
    if (text_is_decimal(n->text)) return PARAM_DECIMAL;
    if (strcmp(n->text, "true") == 0 || strcmp(n->text, "false") == 0) return PARAM_BOOL;
    return PARAM_TEXT;
}

static json_t *parse_value(struct build *b, const struct param *p, const struct node *n) {
    if (n->kind != NODE_SCALAR || template_in(n->text)) {
        load_diag(&b->l, "E0210", node_span(n), "a value of parameter `%s` is plain text or a number",
                  p->name);
        return NULL;
    }
    json_t *v = value_of(p->type, n->text);
    if (v) return keep_json(&b->l, v);
    struct diag *g =
        load_diag(&b->l, "E0210", node_span(n), "`%.80s` is no value of parameter `%s`", n->text, p->name);
    diag_label(b->l.d, g, "it takes %s", types[p->type].wants);
    return NULL;
}

static void parse_values(struct build *b, struct param *p, const struct node *n) {
    p->values = keep_json(&b->l, json_array());
    for (uint32_t i = 0; i < (n->kind == NODE_LIST ? n->count : 1); i++) {
        json_t *v = parse_value(b, p, n->kind == NODE_LIST ? n->items[i] : n);
        if (v) json_array_append(p->values, v);
    }
}

static bool among(const json_t *values, const json_t *v) {
    size_t i;
    json_t *one;
    json_array_foreach(values, i, one) if (json_equal(one, (json_t *)(uintptr_t)v)) return true;
    return !values;
}

static void parse_map(struct build *b, struct param *p, const struct node *n) {
    struct where w = {.noun = "parameter", .name = p->name, .at = node_span(n)};
    struct value row;
    if (!fields_parse(&b->l, n, param_fields, &w, &row)) return;
    const struct value *type = value_member(&row, "type"), *about = value_member(&row, "about");
    const struct node *otherwise = node_get(n, "default"), *values = node_get(n, "values");
    p->type = otherwise ? type_of(otherwise) : PARAM_TEXT;
    for (unsigned i = 0; type && i < TYPES; i++)
        if (strcmp(types[i].name, type->text) == 0) p->type = i;
    if (about) p->about = about->text;
    if (values) parse_values(b, p, values);
    if (!otherwise || node_is_null(otherwise)) return;
    p->otherwise = parse_value(b, p, otherwise);
    if (!p->otherwise || among(p->values, p->otherwise)) return;
    load_diag(&b->l, "E0210", node_span(otherwise), "the default of parameter `%s` is not among its `values`",
              p->name);
}

static void parse_param(struct build *b, struct param *p, const struct node *n) {
    if (n->kind == NODE_MAP) {
        parse_map(b, p, n);
        return;
    }
    if (n->kind == NODE_SCALAR && node_is_null(n)) return; /* no default: it must be given */
    p->type = type_of(n);
    p->otherwise = parse_value(b, p, n);
}

void build_params(struct build *b, const struct node *n) {
    static const struct field name = {.name = "params", .kind = FK_NAME, .example = "{min_rows: 1000}"};
    struct pipeline *pub = &b->full->pub;
    if (n->kind != NODE_MAP) {
        wrong_shape(&b->l, n, &name, "a map");
        return;
    }
    pub->params = arena_array(b->l.arena, n->count, sizeof *pub->params);
    for (uint32_t i = 0; i < n->count; i++) {
        const struct entry *e = &n->entries[i];
        struct param *p = &pub->params[pub->param_count];
        if (!text_is_name(e->key, strlen(e->key))) {
            struct diag *g = load_diag(&b->l, "E0206", key_span(n, e), "`%.80s` is not a name", e->key);
            diag_label(b->l.d, g, "names are a-z, 0-9 and `_`, and start with a letter");
            continue;
        }
        *p = (struct param){.name = e->key};
        pub->param_count++;
        parse_param(b, p, e->value);
    }
    b->l.scope.params = pub->params;
    b->l.scope.param_count = pub->param_count;
    if (pub->param_count <= 64 * sizeof b->params_used / sizeof *b->params_used)
        b->l.scope.params_used = b->params_used;
}

/* ---- values for a run */

static const struct param *find_param(const struct pipeline *p, const char *name, size_t len) {
    for (size_t i = 0; i < p->param_count; i++)
        if (strlen(p->params[i].name) == len && strncmp(p->params[i].name, name, len) == 0)
            return &p->params[i];
    return NULL;
}

static int unknown_param(const struct pipeline *p, const char *name, struct err *err) {
    const char **names = xcalloc(p->param_count + 1, sizeof *names);
    for (size_t i = 0; i < p->param_count; i++) names[i] = p->params[i].name;
    const char *meant = suggest(name, names, p->param_count);
    err_set(err, EX_USAGE, "pipeline `%s` has no parameter `%s`", p->name, name);
    if (meant)
        err_hint(err, "did you mean `%s`?", meant);
    else if (!p->param_count)
        err_hint(err, "it has none");
    else
        err_hint(err, "its parameters are declared under `params:` in %s", p->source->path);
    free(names);
    return -1;
}

static int take(const struct pipeline *p, const char *name, const char *text, json_t *out, struct err *err) {
    const struct param *param = find_param(p, name, strlen(name));
    if (!param) return unknown_param(p, name, err);
    json_t *v = value_of(param->type, text);
    if (!v)
        return err_set(err, EX_USAGE, "parameter `%s` takes %s, not `%s`", name, types[param->type].wants,
                       text);
    if (!among(param->values, v)) {
        char *words = json_dumps(param->values, JSON_COMPACT);
        err_set(err, EX_USAGE, "parameter `%s` cannot be `%s`", name, text);
        err_hint(err, "its values are %s", words);
        free(words);
        json_decref(v);
        return -1;
    }
    json_object_set_new(out, name, v);
    return 0;
}

static int take_given(const struct pipeline *p, const char *given, json_t *out, struct err *err) {
    const char *equals = strchr(given, '=');
    char name[80];
    if (!equals) return err_set(err, EX_USAGE, "`-p %s` is not name=value", given);
    snprintf(name, sizeof name, "%.*s", (int)(equals - given), given);
    return take(p, name, equals + 1, out, err);
}

/* What was not given. */
static int take_defaults(const struct pipeline *p, bool by_step, json_t *out, struct err *err) {
    for (size_t i = 0; i < p->param_count; i++) {
        const struct param *param = &p->params[i];
        if (json_object_get(out, param->name)) continue;
        if (!param->otherwise) {
            err_set(err, EX_USAGE, "parameter `%s` of pipeline `%s` has no default and must be given",
                    param->name, p->name);
            return by_step ? err_hint(err, "add it to the step: with: {%s: …}", param->name)
                           : err_hint(err, "add -p %s=…", param->name);
        }
        json_object_set(out, param->name, param->otherwise);
    }
    return 0;
}

static json_t *fill(const struct pipeline *p, int r, bool by_step, json_t *out, struct err *err) {
    if (r == 0 && take_defaults(p, by_step, out, err) == 0) return out;
    json_decref(out);
    return NULL;
}

json_t *pipeline_params(const struct pipeline *p, const char *const *given, size_t n, struct err *err) {
    json_t *out = json_object();
    int r = 0;
    for (size_t i = 0; i < n && !r; i++) r = take_given(p, given[i], out, err);
    return fill(p, r, false, out, err);
}

json_t *pipeline_params_filled(const struct pipeline *p, const json_t *before, struct err *err) {
    json_t *out = json_object();
    for (size_t i = 0; i < p->param_count; i++) {
        json_t *v = json_object_get(before, p->params[i].name);
        if (v) json_object_set(out, p->params[i].name, v);
    }
    return fill(p, 0, false, out, err);
}

/* ---- values from `with:` */

/* A plain value as one would write it; malloc'ed, NULL for lists and maps. */
static char *written(const json_t *v) {
    if (json_is_string(v)) return xstrdup(json_string_value(v));
    return json_is_array(v) || json_is_object(v) ? NULL
                                                 : json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

static int take_json(const struct pipeline *p, const char *name, const json_t *v, json_t *out,
                     struct err *err) {
    char *text = written(v);
    if (!text) return err_set(err, EX_USAGE, "parameter `%s` takes a plain value, no list or map", name);
    int r = take(p, name, text, out, err);
    free(text);
    return r;
}

json_t *pipeline_param(const struct pipeline *p, const char *name, const json_t *value, struct err *err) {
    json_t *out = json_object();
    int r = take_json(p, name, value, out, err);
    json_t *v = r ? NULL : json_incref(json_object_get(out, name));
    json_decref(out);
    return v;
}

json_t *pipeline_params_with(const struct pipeline *p, const json_t *with, struct err *err) {
    json_t *out = json_object(), *v;
    const char *name;
    int r = 0;
    json_object_foreach((json_t *)(uintptr_t)with, name, v) {
        if (!r) r = take_json(p, name, v, out, err);
    }
    return fill(p, r, true, out, err);
}
