/* use.c: templates: structural substitution, never text.
 *
 * A template is a step with a key more, `params:`. Its tree is parsed anew for each use, with `params.X`
 * standing for what the call site wrote under `with:`, checked in the call site's own scope; so an expression
 * means the same wherever it is written, and nothing is evaluated twice. */
#include "dag/use.h"

#include "base/suggest.h"

#include <stdlib.h>
#include <string.h>

enum { TEMPLATES_MAX = 256 };

static const struct node *find_template(struct build *b, const struct node *name) {
    const struct project_full *full = (const struct project_full *)b->l.project;
    const struct node *all = full->templates_node, *map = node_get(all, name->text);
    if (map && map->kind == NODE_MAP) return map;
    const char *names[TEMPLATES_MAX];
    size_t n = 0;
    for (; all && all->kind == NODE_MAP && n < all->count && n < TEMPLATES_MAX; n++)
        names[n] = all->entries[n].key;
    struct diag *g = load_diag(&b->l, "E0407", node_span(name), "unknown template `%.80s`", name->text);
    const char *meant = suggest(name->text, names, n);
    diag_meant(b->l.d, g, meant);
    if (!meant)
        diag_label(b->l.d, g,
                   n ? "templates are defined under `templates:` in leat.yaml"
                     : "leat.yaml defines no templates");
    return NULL;
}

/* A plain value as an expression of the declared type, so that it keeps that type wherever it is used. */
static struct template *constant(struct build *b, const char *text, const char *type) {
    struct template *t = arena_alloc(b->l.arena, sizeof *t);
    struct expr *e = arena_alloc(b->l.arena, sizeof *e);
    *e = (struct expr){.op = EX_TEXT, .type = TYPE_PATH, .depth = 1, .text = text};
    if (strcmp(type, "integer") == 0)
        *e = (struct expr){
            .op = EX_INTEGER, .type = TYPE_INTEGER, .depth = 1, .integer = strtoll(text, NULL, 10)};
    if (strcmp(type, "decimal") == 0)
        *e = (struct expr){.op = EX_DECIMAL, .type = TYPE_DECIMAL, .depth = 1, .real = strtod(text, NULL)};
    if (strcmp(type, "boolean") == 0)
        *e = (struct expr){.op = EX_BOOL, .type = TYPE_BOOL, .depth = 1, .yes = strcmp(text, "true") == 0};
    t->parts = arena_alloc(b->l.arena, sizeof *t->parts);
    t->parts[0].expr = e;
    t->count = 1;
    t->whole = true;
    return t;
}

static bool has_type(const char *text, const char *type) {
    if (strcmp(type, "integer") == 0) return text_is_integer(text);
    if (strcmp(type, "decimal") == 0) return text_is_integer(text) || text_is_decimal(text);
    if (strcmp(type, "boolean") == 0) return strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
    return strcmp(type, "date") != 0 || text_is_date(text);
}

static const char *plain_type(const struct node *n) {
    if (n->kind != NODE_SCALAR || n->style != STYLE_PLAIN || node_is_null(n)) return "text";
    if (text_is_integer(n->text)) return "integer";
    if (text_is_decimal(n->text)) return "decimal";
    return strcmp(n->text, "true") == 0 || strcmp(n->text, "false") == 0 ? "boolean" : "text";
}

/* What `params:` of a template says of one: its type, and the default or NULL. */
static const char *declared(const struct node *n, const struct node **otherwise) {
    *otherwise = n;
    if (n->kind == NODE_MAP) {
        const struct node *type = node_get(n, "type");
        *otherwise = node_get(n, "default");
        if (type && type->kind == NODE_SCALAR) return type->text;
    }
    if (*otherwise && (*otherwise)->kind == NODE_SCALAR && node_is_null(*otherwise)) *otherwise = NULL;
    return *otherwise ? plain_type(*otherwise) : "text";
}

static struct template *argument(struct build *b, const char *name, const char *type, const struct node *n) {
    static const struct field any = {.name = "with", .kind = FK_ANY};
    if (n->kind != NODE_SCALAR) {
        load_diag(&b->l, "E0103", node_span(n), "`%s` of a template is one value, not %s", name,
                  node_noun(n));
        return NULL;
    }
    if (template_in(n->text)) {
        struct template *t = field_template(&b->l, n, &any, n->text);
        if (t) template_place(t, n);
        return t;
    }
    if (has_type(n->text, type)) return constant(b, n->text, type);
    struct diag *g =
        load_diag(&b->l, "E0210", node_span(n), "`%.80s` is no value of parameter `%s`", n->text, name);
    diag_label(b->l.d, g, "its type is %s", type);
    return NULL;
}

static bool take_param(struct build *b, const struct node *with, const struct entry *param, struct use *u) {
    const struct node *otherwise, *given = node_get(with, param->key);
    const char *type = declared(param->value, &otherwise);
    if (!given) given = otherwise;
    if (!given) {
        struct diag *g = load_diag(&b->l, "E0105", u->call, "the template needs `%s`", param->key);
        diag_label(b->l.d, g, "add it under `with:`");
        return false;
    }
    struct template *t = argument(b, param->key, type, given);
    if (!t) return false;
    u->args[u->arg_count++] = (struct with_arg){.name = param->key, .value = t};
    return true;
}

static bool known_params(struct build *b, const struct node *with, const struct node *params) {
    static const struct where w = {.name = "with"};
    bool good = true;
    const char *names[TEMPLATES_MAX];
    size_t n = 0;
    for (; params && n < params->count && n < TEMPLATES_MAX; n++) names[n] = params->entries[n].key;
    for (uint32_t i = 0; with && i < with->count; i++) {
        if (node_find(params, with->entries[i].key)) continue;
        unknown_key(&b->l, with, &with->entries[i], names, n, &w);
        good = false;
    }
    return good;
}

static bool take_args(struct build *b, const struct node *with, struct use *u) {
    const struct node *params = node_get(u->map, "params");
    if (params && params->kind != NODE_MAP) params = NULL; /* reported with leat.yaml */
    if (!known_params(b, with, params)) return false;
    bool good = true;
    u->args = arena_array(b->l.arena, params ? params->count : 0, sizeof *u->args);
    for (uint32_t i = 0; params && i < params->count; i++)
        good &= take_param(b, with, &params->entries[i], u);
    return good;
}

bool use_parse(struct build *b, const struct node *step, struct use *out) {
    static const struct field use = {.name = "use", .kind = FK_NAME, .example = "load_table"};
    static const struct field field = {.name = "with", .kind = FK_OBJECT, .example = "{table: orders}"};
    const struct node *name = node_get(step, "use"), *with = node_get(step, "with");
    *out = (struct use){0};
    if (with && !name) {
        load_diag(&b->l, "E0108", key_span(step, node_find(step, "with")), "`with` needs `use`");
        return false;
    }
    if (!name) return true;
    if (name->kind != NODE_SCALAR || node_is_null(name))
        return wrong_shape(&b->l, name, &use, "the name of a template");
    if (with && with->kind != NODE_MAP) return wrong_shape(&b->l, with, &field, "a map");
    const struct node *map = find_template(b, name);
    if (!map) return false;
    *out = (struct use){.map = map, .call = node_span(name)};
    return take_args(b, with, out);
}
