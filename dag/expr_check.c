/* expr_check.c: what the names of an expression are, and whether its types fit.
 *
 * Roots are a table: each has one function that knows what may follow. ANY stands for what only the run will
 * know; it fits everything here and is looked at again when evaluated. */
#include "base/suggest.h"
#include "dag/expr.h"
#include "dag/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES = 512 };

static bool unknown_part(struct complaint *c, const struct path_part *part, const char *what,
                         const char *const *known, size_t n) {
    expr_complain(c, "E0502", part->start, part->end, "unknown %s `%s`", what, part->name ? part->name : "");
    const char *meant = part->name ? suggest(part->name, known, n) : NULL;
    if (meant) snprintf(c->meant, sizeof c->meant, "%s", meant);
    return false;
}

static bool unknown_member(struct complaint *c, const struct path_part *part, const char *of,
                           const char *const *known, size_t n) {
    unknown_part(c, part, "name", known, n);
    snprintf(c->message, sizeof c->message, "`%.80s` has no `%.80s`", of, part->name ? part->name : "");
    if (*c->meant || n > 8) return false;
    char words[160];
    size_t len = 0;
    for (size_t i = 0; i < n && len < sizeof words; i++)
        len += (size_t)snprintf(words + len, sizeof words - len, "%s`%s`", i ? ", " : "", known[i]);
    snprintf(c->label, sizeof c->label, "it has %s", words);
    return false;
}

/* params["x"] is params.x: an index that is a text literal becomes a name. */
static void name_parts(struct expr *e) {
    for (uint32_t i = 1; i < e->count; i++)
        if (!e->parts[i].name && e->parts[i].index->op == EX_TEXT) e->parts[i].name = e->parts[i].index->text;
}

static bool need_name(const struct expr *e, uint32_t i, const char *what, struct complaint *c) {
    if (i < e->count && e->parts[i].name) return true;
    const struct path_part *last = &e->parts[i < e->count ? i : e->count - 1];
    if (i < e->count)
        return expr_complain(c, "E0502", last->start, last->end, "the name of %s must be written out", what);
    expr_complain(c, "E0502", last->start, last->end, "`%s` needs the name of %s",
                  last->name ? last->name : "this", what);
    return false;
}

/* ---- one function a root; each returns how many parts it used, 0 after a complaint */

struct member {
    const char *name;
    enum expr_type type;
    bool in_finally; /* known in `finally:` only */
};

static uint32_t check_members(struct expr *e, const struct member *m, size_t n, const struct expr_scope *s,
                              struct complaint *c) {
    const char *names[16];
    if (!need_name(e, 1, "a member", c)) return 0;
    for (size_t i = 0; i < n; i++) {
        names[i] = m[i].name;
        if (strcmp(m[i].name, e->parts[1].name) != 0) continue;
        if (m[i].in_finally && !s->in_finally)
            return expr_complain(c, "E0502", e->start, e->end, "`run.%s` is known in `finally:` only",
                                 m[i].name);
        e->type = (uint8_t)m[i].type;
        return 2;
    }
    return unknown_member(c, &e->parts[1], e->parts[0].name, names, n);
}

#define MEMBERS(name, ...)                                                                                   \
    static uint32_t check_##name(struct expr *e, struct expr_scope *s, struct complaint *c) {                \
        static const struct member members[] = {__VA_ARGS__};                                                \
        return check_members(e, members, sizeof members / sizeof *members, s, c);                            \
    }
MEMBERS(window_members, {"start", TYPE_INSTANT, false}, {"end", TYPE_INSTANT, false},
        {"date", TYPE_DATE, false}, {"duration", TYPE_DURATION, false})
MEMBERS(run, {"id", TYPE_TEXT, false}, {"attempt", TYPE_INTEGER, false}, {"generation", TYPE_INTEGER, false},
        {"trigger", TYPE_TEXT, false}, {"scheduled_for", TYPE_INSTANT, false}, {"result", TYPE_TEXT, true},
        {"failed_steps", TYPE_LIST, true})
MEMBERS(bookmark, {"from", TYPE_ANY, false}, {"to", TYPE_ANY, false})
MEMBERS(project, {"name", TYPE_TEXT, false}, {"root", TYPE_PATH, false})
MEMBERS(output_members, {"path", TYPE_PATH, false})

static uint32_t check_window(struct expr *e, struct expr_scope *s, struct complaint *c) {
    s->uses_window = true;
    return check_window_members(e, s, c);
}

static uint32_t check_output(struct expr *e, struct expr_scope *s, struct complaint *c) {
    if (!s->has_output)
        return expr_complain(c, "E0502", e->start, e->end,
                             "`output.path` is known in steps with `into:` only");
    return check_output_members(e, s, c);
}

static uint32_t check_with(struct expr *e, const struct expr_scope *s, struct complaint *c) {
    const char *names[CANDIDATES];
    size_t n = 0;
    for (; n < s->with_count && n < CANDIDATES; n++) {
        names[n] = s->with[n].name;
        if (strcmp(names[n], e->parts[1].name) != 0) continue;
        const struct template *value = s->with[n].value;
        e->op = EX_WITH;
        e->type = (uint8_t)template_type(value);
        e->secret = template_has_secret(value);
        e->depth = 1;
        uint32_t used = e->count;
        e->with = value;
        return used > 2 ? expr_complain(c, "E0505", e->start, e->end, "a template's parameter has no parts")
                        : 2;
    }
    return unknown_part(c, &e->parts[1], "parameter of the template", names, n);
}

static uint32_t check_params(struct expr *e, struct expr_scope *s, struct complaint *c) {
    static const enum expr_type types[] = {
        [PARAM_TEXT] = TYPE_TEXT, [PARAM_INTEGER] = TYPE_INTEGER, [PARAM_DECIMAL] = TYPE_DECIMAL,
        [PARAM_BOOL] = TYPE_BOOL, [PARAM_DATE] = TYPE_DATE,       [PARAM_PATH] = TYPE_PATH};
    if (!need_name(e, 1, "a parameter", c)) return 0;
    if (s->with) return check_with(e, s, c);
    const char *names[CANDIDATES];
    size_t n = 0;
    for (; n < s->param_count && n < CANDIDATES; n++) {
        names[n] = s->params[n].name;
        if (strcmp(names[n], e->parts[1].name) != 0) continue;
        if (s->params_used) s->params_used[n / 64] |= UINT64_C(1) << (n % 64);
        e->type = (uint8_t)types[s->params[n].type];
        return 2;
    }
    return unknown_part(c, &e->parts[1], "parameter", names, n);
}

static enum expr_type type_of_json(const json_t *j) {
    switch (json_typeof(j)) {
    case JSON_STRING: return TYPE_TEXT;
    case JSON_INTEGER: return TYPE_INTEGER;
    case JSON_REAL: return TYPE_DECIMAL;
    case JSON_TRUE:
    case JSON_FALSE: return TYPE_BOOL;
    case JSON_ARRAY: return TYPE_LIST;
    case JSON_OBJECT: return TYPE_MAP;
    default: return TYPE_NULL;
    }
}

static uint32_t check_each(struct expr *e, struct expr_scope *s, struct complaint *c) {
    const char *names[CANDIDATES], *key;
    size_t n = 0;
    json_t *value;
    if (!s->each)
        return expr_complain(c, "E0502", e->start, e->end, "`each` is known in steps with `each:` only");
    if (!need_name(e, 1, "a value of `each:`", c)) return 0;
    json_object_foreach((json_t *)(uintptr_t)s->each, key, value) {
        if (n < CANDIDATES) names[n++] = key;
        if (strcmp(key, e->parts[1].name) != 0) continue;
        e->type = (uint8_t)type_of_json(value);
        return 2;
    }
    return unknown_member(c, &e->parts[1], "each", names, n);
}

static uint32_t check_zones(struct expr *e, struct expr_scope *s, struct complaint *c) {
    const char *names[CANDIDATES];
    size_t n = 0;
    if (!need_name(e, 1, "a zone", c)) return 0;
    for (; n < s->project->zone_count && n < CANDIDATES; n++) {
        names[n] = s->project->zones[n].name;
        if (strcmp(names[n], e->parts[1].name) != 0) continue;
        if (!need_name(e, 2, "a member of a zone", c)) return 0;
        static const char *const path = "path";
        if (strcmp(e->parts[2].name, path) != 0)
            return unknown_member(c, &e->parts[2], "zones.NAME", &path, 1);
        e->type = TYPE_PATH;
        return 3;
    }
    return unknown_part(c, &e->parts[1], "zone", names, n);
}

static uint32_t check_env(struct expr *e, struct expr_scope *s, struct complaint *c) {
    if (!need_name(e, 1, "a variable", c)) return 0;
    for (size_t i = 0; i < s->project->env_allowed_count; i++) {
        if (strcmp(s->project->env_allowed[i], e->parts[1].name) != 0) continue;
        e->type = TYPE_PATH; /* chosen by who runs the program, not by data */
        return 2;
    }
    expr_complain(c, "E0703", e->parts[1].start, e->parts[1].end, "`%s` is not listed under `env_allowed`",
                  e->parts[1].name);
    const char *meant = suggest(e->parts[1].name, s->project->env_allowed, s->project->env_allowed_count);
    if (meant)
        snprintf(c->meant, sizeof c->meant, "%s", meant);
    else
        snprintf(c->label, sizeof c->label, "add it to `env_allowed:` in leat.yaml");
    return 0;
}

static uint32_t check_secrets(struct expr *e, struct expr_scope *s, struct complaint *c) {
    const char *names[CANDIDATES], *key;
    size_t n = 0;
    json_t *value;
    if (!need_name(e, 1, "a secret", c)) return 0;
    json_object_foreach(s->project->secrets, key, value) {
        if (n < CANDIDATES) names[n++] = key;
        if (strcmp(key, e->parts[1].name) != 0) continue;
        e->type = TYPE_TEXT;
        e->secret = true;
        return 2;
    }
    expr_complain(c, "E0701", e->parts[1].start, e->parts[1].end, "unknown secret `%s`", e->parts[1].name);
    const char *meant = suggest(e->parts[1].name, names, n);
    if (meant)
        snprintf(c->meant, sizeof c->meant, "%s", meant);
    else
        snprintf(c->label, sizeof c->label, "define it under `secrets:` in leat.yaml");
    return 0;
}

static uint32_t check_inputs(struct expr *e, struct expr_scope *s, struct complaint *c) {
    static const struct member members[] = {{"files", TYPE_PATH, false}, {"version", TYPE_INTEGER, false}};
    static const char *const names[] = {"files", "version"};
    char dataset[160];
    if (!need_name(e, 1, "a zone", c) || !need_name(e, 2, "a dataset", c) ||
        !need_name(e, 3, "a member of an input", c))
        return 0;
    snprintf(dataset, sizeof dataset, "%s.%s", e->parts[1].name, e->parts[2].name);
    bool known = false;
    for (size_t i = 0; i < s->input_count; i++) known = known || strcmp(s->inputs[i], dataset) == 0;
    if (!known) {
        expr_complain(c, "E0502", e->parts[1].start, e->parts[2].end, "`%s` is not among the step's `reads:`",
                      dataset);
        const char *meant = suggest(dataset, s->inputs, s->input_count);
        if (meant) snprintf(c->meant, sizeof c->meant, "%s", meant);
        return 0;
    }
    for (size_t i = 0; i < 2; i++) {
        if (strcmp(members[i].name, e->parts[3].name) != 0) continue;
        e->type = (uint8_t)members[i].type;
        return 4;
    }
    return unknown_member(c, &e->parts[3], dataset, names, 2);
}

static bool add_ref(struct expr_scope *s, size_t step) {
    GROW(s->refs, s->ref_count, s->ref_cap);
    s->refs[s->ref_count++] = (uint32_t)step;
    return true;
}

/* steps.load.DE is the instance `load.DE`: its two parts become one. */
static void join_instance(struct expr *e, const struct expr_scope *s) {
    char joined[160];
    size_t i;
    if (e->count < 3 || !e->parts[1].name || !e->parts[2].name || map_get(s->steps, e->parts[1].name, NULL))
        return;
    snprintf(joined, sizeof joined, "%s.%s", e->parts[1].name, e->parts[2].name);
    if (!map_get(s->steps, joined, &i)) return;
    for (size_t k = 0; k < s->steps->cap; k++) /* borrow the map's own copy of the name */
        if (s->steps->slots[k].key && s->steps->slots[k].value == i)
            e->parts[1].name = s->steps->slots[k].key;
    e->parts[1].end = e->parts[2].end;
    memmove(&e->parts[2], &e->parts[3], (e->count - 3) * sizeof *e->parts);
    e->count--;
}

static bool unknown_step(const struct path_part *part, const struct expr_scope *s, struct complaint *c) {
    if (map_get(s->groups, part->name, NULL)) {
        expr_complain(c, "E0502", part->start, part->end, "step `%s` has several instances", part->name);
        snprintf(c->label, sizeof c->label, "name one: steps[\"%.40s.VALUE\"]", part->name);
        return false;
    }
    const char *names[CANDIDATES];
    size_t n = 0;
    for (size_t i = 0; i < s->steps->cap && n < CANDIDATES && !s->no_suggestions; i++)
        if (s->steps->slots[i].key) names[n++] = s->steps->slots[i].key;
    return unknown_part(c, part, "step", names, n);
}

static uint32_t check_steps(struct expr *e, struct expr_scope *s, struct complaint *c) {
    static const char *const names[] = {"outputs", "rows"};
    size_t step;
    if (!need_name(e, 1, "a step", c)) return 0;
    join_instance(e, s);
    if (!map_get(s->steps, e->parts[1].name, &step)) return unknown_step(&e->parts[1], s, c);
    if (!need_name(e, 2, "a member of a step", c)) return 0;
    if (strcmp(e->parts[2].name, "rows") == 0) {
        e->type = TYPE_INTEGER;
        return add_ref(s, step) ? 3 : 0;
    }
    if (strcmp(e->parts[2].name, "outputs") != 0)
        return unknown_member(c, &e->parts[2], e->parts[1].name, names, 2);
    if (!need_name(e, 3, "an output", c)) return 0;
    e->type = TYPE_ANY; /* text once the step wrote it, null when it did not */
    return add_ref(s, step) ? 4 : 0;
}

static const struct {
    const char *name;
    bool in_project;
    uint32_t (*check)(struct expr *e, struct expr_scope *s, struct complaint *c);
} roots[] = {
    {"params", false, check_params},  {"window", false, check_window},
    {"run", false, check_run},        {"bookmark", false, check_bookmark},
    {"steps", false, check_steps},    {"each", false, check_each},
    {"output", false, check_output},  {"zones", false, check_zones},
    {"project", true, check_project}, {"env", true, check_env},
    {"secrets", true, check_secrets}, {"inputs", false, check_inputs},
};
enum { ROOTS = sizeof roots / sizeof *roots };

static bool check_node(struct expr *e, struct expr_scope *s, struct complaint *c);

static bool check_indexes(struct expr *e, uint32_t from, struct expr_scope *s, struct complaint *c) {
    for (uint32_t i = from; i < e->count; i++) {
        if (e->parts[i].index && !check_node(e->parts[i].index, s, c)) return false;
        if (e->parts[i].index) e->secret = e->secret || e->parts[i].index->secret;
    }
    if (from < e->count && e->type != TYPE_ANY && e->type != TYPE_LIST && e->type != TYPE_MAP)
        return expr_complain(c, "E0505", e->parts[from].start, e->parts[from].end, "%s has no parts",
                             expr_type_texts[e->type]);
    if (from < e->count) e->type = TYPE_ANY;
    return true;
}

static bool check_path(struct expr *e, struct expr_scope *s, struct complaint *c) {
    const char *names[ROOTS];
    size_t n = 0;
    name_parts(e);
    for (size_t i = 0; i < ROOTS; i++) {
        if (s->project_only && !roots[i].in_project) continue;
        names[n++] = roots[i].name;
        if (strcmp(roots[i].name, e->parts[0].name) != 0) continue;
        uint32_t used = roots[i].check(e, s, c);
        return used && (e->op == EX_WITH || check_indexes(e, used, s, c));
    }
    return unknown_part(c, &e->parts[0], "name", names, n);
}

/* ---- operators */

static bool numeric(uint8_t t) { return t == TYPE_INTEGER || t == TYPE_DECIMAL; }
static uint8_t plain(uint8_t t) { return t == TYPE_PATH ? TYPE_TEXT : t; }

static bool mismatch(const struct expr *e, struct complaint *c, const char *doing) {
    return expr_complain(c, "E0505", e->start, e->end, "cannot %s %s and %s", doing,
                         expr_type_texts[e->a->type], expr_type_texts[e->b->type]);
}

static bool check_comparison(struct expr *e, struct complaint *c) {
    uint8_t a = plain(e->a->type), b = plain(e->b->type);
    bool order = e->op >= EX_LT && e->op <= EX_GE;
    e->type = TYPE_BOOL;
    if (a == TYPE_ANY || b == TYPE_ANY || (numeric(a) && numeric(b))) return true;
    if (!order && (a == TYPE_NULL || b == TYPE_NULL)) return true;
    if (a != b || (order && (a == TYPE_BOOL || a == TYPE_LIST || a == TYPE_MAP || a == TYPE_NULL)))
        return mismatch(e, c, "compare");
    return true;
}

/* Which operand types add, subtract, multiply or divide to which result. Numbers are looked at apart. */
static const struct {
    uint8_t op, a, b, result;
} sums[] = {
    {EX_ADD, TYPE_TEXT, TYPE_TEXT, TYPE_TEXT},
    {EX_ADD, TYPE_INSTANT, TYPE_DURATION, TYPE_INSTANT},
    {EX_ADD, TYPE_DATE, TYPE_DURATION, TYPE_DATE},
    {EX_ADD, TYPE_DURATION, TYPE_DURATION, TYPE_DURATION},
    {EX_SUB, TYPE_INSTANT, TYPE_DURATION, TYPE_INSTANT},
    {EX_SUB, TYPE_DATE, TYPE_DURATION, TYPE_DATE},
    {EX_SUB, TYPE_DURATION, TYPE_DURATION, TYPE_DURATION},
    {EX_SUB, TYPE_INSTANT, TYPE_INSTANT, TYPE_DURATION},
    {EX_SUB, TYPE_DATE, TYPE_DATE, TYPE_DURATION},
    {EX_MUL, TYPE_DURATION, TYPE_INTEGER, TYPE_DURATION},
    {EX_MUL, TYPE_INTEGER, TYPE_DURATION, TYPE_DURATION},
    {EX_DIV, TYPE_DURATION, TYPE_INTEGER, TYPE_DURATION},
};

static bool check_sum(struct expr *e, struct complaint *c) {
    static const char *const doing[] = {
        [EX_ADD] = "add", [EX_SUB] = "subtract", [EX_MUL] = "multiply", [EX_DIV] = "divide"};
    uint8_t a = plain(e->a->type), b = plain(e->b->type);
    e->type = TYPE_ANY;
    if (a == TYPE_ANY || b == TYPE_ANY) return true;
    e->type = a == TYPE_INTEGER && b == TYPE_INTEGER && e->op != EX_DIV ? TYPE_INTEGER : TYPE_DECIMAL;
    if (numeric(a) && numeric(b)) return true;
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        if (sums[i].op != e->op || sums[i].a != a || sums[i].b != b) continue;
        e->type = sums[i].result;
        return true;
    }
    return mismatch(e, c, doing[e->op]);
}

static bool check_bools(struct expr *e, struct complaint *c) {
    const struct expr *kids[] = {e->a, e->op == EX_NOT ? e->a : e->b};
    e->type = TYPE_BOOL;
    for (int i = 0; i < 2; i++)
        if (kids[i]->type != TYPE_BOOL && kids[i]->type != TYPE_ANY)
            return expr_complain(c, "E0505", kids[i]->start, kids[i]->end,
                                 "a condition is expected here, not %s", expr_type_texts[kids[i]->type]);
    return true;
}

static bool check_in(struct expr *e, struct complaint *c) {
    e->type = TYPE_BOOL;
    if (e->b->type == TYPE_LIST || e->b->type == TYPE_ANY) return true;
    return expr_complain(c, "E0505", e->b->start, e->b->end, "`in` needs a list on its right, not %s",
                         expr_type_texts[e->b->type]);
}

static bool check_otherwise(struct expr *e) {
    uint8_t a = e->a->type, b = e->b->type;
    e->type = a == TYPE_NULL ? b : a == b ? a : TYPE_ANY;
    return true;
}

static bool check_negative(struct expr *e, struct complaint *c) {
    e->type = e->a->type;
    if (numeric(e->type) || e->type == TYPE_DURATION || e->type == TYPE_ANY) return true;
    return expr_complain(c, "E0505", e->start, e->end, "only numbers and durations can be negative, not %s",
                         expr_type_texts[e->type]);
}

/* ---- calls */

static bool fits(char want, uint8_t type) {
    if (type == TYPE_ANY) return true;
    switch (want) {
    case 't': return type == TYPE_INSTANT || type == TYPE_DATE;
    case 's': return plain(type) == TYPE_TEXT;
    case 'd': return type == TYPE_DURATION;
    case 'l': return type == TYPE_LIST;
    case 'n': return plain(type) == TYPE_TEXT || type == TYPE_LIST;
    default: return type != TYPE_IDENT;
    }
}

static const char *wanted(char want) {
    switch (want) {
    case 't': return "a time or date";
    case 's': return "text";
    case 'd': return "a duration";
    case 'l': return "a list";
    case 'n': return "text or a list";
    default: return "a value";
    }
}

static bool check_call(struct expr *e, struct complaint *c) {
    const struct function *f = e->function;
    size_t n = strlen(f->args);
    if (e->count != n)
        return expr_complain(c, "E0506", e->start, e->end, "`%s` takes %zu argument%s, not %u", f->name, n,
                             n == 1 ? "" : "s", e->count);
    for (size_t i = 0; i < n; i++)
        if (!fits(f->args[i], e->items[i]->type))
            return expr_complain(c, "E0505", e->items[i]->start, e->items[i]->end,
                                 "`%s` needs %s here, not %s", f->name, wanted(f->args[i]),
                                 expr_type_texts[e->items[i]->type]);
    e->type = (uint8_t)(f->type == TYPE_ANY ? e->items[0]->type : f->type);
    return !f->check || f->check(e, c);
}

/* ---- the walk: depth is bounded by the parser */

static bool check_items(struct expr *e, struct expr_scope *s, struct complaint *c) {
    for (uint32_t i = 0; i < e->count; i++) {
        if (!check_node(e->items[i], s, c)) return false;
        e->secret = e->secret || e->items[i]->secret;
    }
    if (e->op == EX_CALL) return check_call(e, c);
    e->type = TYPE_LIST;
    return true;
}

static bool check_operator(struct expr *e, struct expr_scope *s, struct complaint *c) {
    bool one = e->op == EX_NEG || e->op == EX_NOT;
    if (!check_node(e->a, s, c) || (!one && !check_node(e->b, s, c))) return false;
    e->secret = e->a->secret || (!one && e->b->secret);
    if (e->a->type == TYPE_IDENT || (!one && e->b->type == TYPE_IDENT))
        return expr_complain(c, "E0505", e->start, e->end, "`ident()` must stand alone in `${…}`");
    if (e->op == EX_NEG) return check_negative(e, c);
    if (e->op == EX_IN) return check_in(e, c);
    if (e->op == EX_OTHERWISE) return check_otherwise(e);
    if (e->op == EX_NOT || e->op == EX_AND || e->op == EX_OR) return check_bools(e, c);
    return e->op >= EX_ADD && e->op <= EX_DIV ? check_sum(e, c) : check_comparison(e, c);
}

static bool check_node(struct expr *e, struct expr_scope *s, struct complaint *c) {
    static const uint8_t literals[] = {
        [EX_NULL] = TYPE_NULL,       [EX_BOOL] = TYPE_BOOL, [EX_INTEGER] = TYPE_INTEGER,
        [EX_DECIMAL] = TYPE_DECIMAL, [EX_TEXT] = TYPE_PATH, [EX_DURATION] = TYPE_DURATION};
    if (e->op <= EX_DURATION) {
        e->type = literals[e->op]; /* text written in the file is trusted like a path written there */
        return true;
    }
    if (e->op == EX_PATH) return check_path(e, s, c);
    if (e->op == EX_CALL || e->op == EX_LIST) return check_items(e, s, c);
    return e->op == EX_WITH || check_operator(e, s, c);
}

bool expr_check(struct expr *e, struct expr_scope *scope, struct complaint *c) {
    return check_node(e, scope, c);
}

bool expr_is_early(const struct expr *e) {
    if (e->op <= EX_DURATION) return true;
    if (e->op == EX_PATH) return strcmp(e->parts[0].name, "each") == 0;
    if (e->op == EX_WITH) return template_is_early(e->with);
    if (e->op == EX_CALL || e->op == EX_LIST) {
        for (uint32_t i = 0; i < e->count; i++)
            if (!expr_is_early(e->items[i])) return false;
        return true;
    }
    bool one = e->op == EX_NEG || e->op == EX_NOT;
    return expr_is_early(e->a) && (one || expr_is_early(e->b));
}
