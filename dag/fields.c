/* fields.c: from nodes to typed values, driven by tables of fields.
 *
 * A row says what a key's value is; the same few functions parse every table. What ${} may become in a field
 * of some kind is one row of `kinds` below. */
#include "base/limits.h"
#include "base/suggest.h"
#include "dag/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KNOWN_MAX = 256 };

/* ---- shapes */

bool wrong_shape(struct load *l, const struct node *n, const struct field *f, const char *wanted) {
    if (n->kind == NODE_SCALAR && node_is_null(n)) {
        struct diag *g = load_diag(l, "E0103", node_span(n), "`%s` has no value", f->name);
        if (f->example) diag_label(l->d, g, "such as `%s`", f->example);
        return false;
    }
    struct diag *g = load_diag(l, "E0103", node_span(n), "`%s` is %s, not %s", f->name, wanted, node_noun(n));
    if (f->example) diag_label(l->d, g, "such as `%s`", f->example);
    return false;
}

/* ---- unknown and missing keys */

const struct field *field_find(const struct field *table, const char *key) {
    for (const struct field *f = table; f && f->name; f++)
        if (strcmp(f->name, key) == 0) return f;
    return NULL;
}

static const char *owner_of(const struct load *l, const char *key) {
    for (const struct neighbour *n = l->neighbours; n && n->owner; n++)
        if (field_find(n->fields, key)) return n->owner;
    return NULL;
}

void unknown_key(struct load *l, const struct node *map, const struct entry *e, const char *const *known,
                 size_t n, const struct where *w) {
    struct diag *g =
        load_diag(l, "E0104", key_span(map, e), "unknown key `%s` in %s", e->key, where_text(l, w));
    const char *owner = owner_of(l, e->key);
    const char *meant = owner ? NULL : suggest(e->key, known, n);
    if (owner) {
        diag_label(l->d, g, "`%s` is a key of %s", e->key, owner);
        return;
    }
    for (uint32_t i = 0; meant && i < map->count; i++)
        if (strcmp(map->entries[i].key, meant) == 0) meant = NULL; /* it is there already */
    diag_meant(l->d, g, meant);
    if (g->label || !n || n > 12) return;
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < n; i++) buf_addf(&b, "%s`%s`", i ? ", " : "", known[i]);
    diag_label(l->d, g, "known here: %s", buf_str(&b));
    buf_release(&b);
}

void missing_keys(struct load *l, const struct value *object, const struct field *table,
                  const struct where *w) {
    for (const struct field *f = table; f->name; f++) {
        if (!(f->flags & FIELD_REQUIRED) || value_member(object, f->name)) continue;
        struct diag *g = load_diag(l, "E0105", w->at, "%s needs `%s`", where_text(l, w), f->name);
        if (f->example) diag_label(l->d, g, "add `%s: %s`", f->name, f->example);
    }
}

/* ---- scalars */

/* What ${} in a field of this kind may be: any text around it, or the whole value of certain types. */
static const struct {
    enum field_kind kind;
    bool embedded; /* may be part of a text */
    const char
        *types; /* of a whole value: b boolean i integer r decimal t text T time D date d duration * any */
    const char *noun;
} kinds[] = {
    {FK_TEXT, true, "birtTDd", "text"},
    {FK_PATH, true, "irtTDd", "a path"},
    {FK_URL, true, "irtTDd", "a URL"},
    {FK_ARG, true, "birtTDd", "text"},
    {FK_MAP, true, "birtTDd", "text"},
    {FK_ANY, true, "*", "a value"},
    {FK_BOOL, false, "b", "true or false"},
    {FK_COUNT, false, "i", "a count"},
    {FK_NUMBER, false, "ir", "a number"},
    {FK_DURATION, false, "dt", "a duration"},
    {FK_SIZE, false, "it", "a size"},
    {FK_PERCENT, false, "rt", "a percentage"},
    {FK_ENUM, false, "t", "one of its words"},
    {FK_NAME, false, "t", "a name"},
    {FK_DATASET, false, "t", "a dataset"},
    {FK_STEP, false, "t", "the name of a step"},
    {FK_TIME_OF_DAY, false, "t", "a time of day"},
    {FK_TIME_ZONE, false, "t", "a time zone"},
};

static const char *kind_noun(enum field_kind kind) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].kind == kind) return kinds[i].noun;
    return kind == FK_SQL     ? "SQL text"
           : kind == FK_SHELL ? "shell text"
           : kind == FK_EXPR  ? "a condition"
           : kind == FK_SPAN  ? "a span of time"
                              : "text";
}

static bool type_allowed(const char *types, enum expr_type type) {
    static const char letters[] = {[TYPE_BOOL] = 'b', [TYPE_INTEGER] = 'i',  [TYPE_DECIMAL] = 'r',
                                   [TYPE_TEXT] = 't', [TYPE_PATH] = 't',     [TYPE_INSTANT] = 'T',
                                   [TYPE_DATE] = 'D', [TYPE_DURATION] = 'd', [TYPE_IDENT] = 0};
    if (type == TYPE_ANY || (*types == '*' && type != TYPE_IDENT)) return true;
    return type < sizeof letters && letters[type] && strchr(types, letters[type]);
}

static bool fits_kind(struct load *l, const struct node *n, const struct template *t, const struct field *f) {
    size_t i = 0;
    while (i + 1 < sizeof kinds / sizeof *kinds && kinds[i].kind != f->kind) i++;
    bool secrets = f->kind == FK_MAP || l->scope.project_only;
    if (t->secret && !secrets) {
        struct diag *g = load_diag(l, "E0702", node_span(n), "a secret may not be in `%s`", f->name);
        diag_label(l->d, g, "pass it through `env:`; %s",
                   f->kind == FK_ARG ? "arguments are seen by every user of the machine"
                                     : "it would be stored");
        return false;
    }
    if (!t->whole && !kinds[i].embedded) {
        struct diag *g = load_diag(l, "E0505", node_span(n), "`%s` is %s: `${…}` must be the whole value",
                                   f->name, kinds[i].noun);
        diag_label(l->d, g, "text around `${…}` makes it text");
        return false;
    }
    for (uint32_t k = 0; k < t->count; k++) {
        const struct part *part = &t->parts[k];
        if (!part->expr || type_allowed(kinds[i].types, (enum expr_type)part->expr->type)) continue;
        bool ident = part->expr->type == TYPE_IDENT;
        struct diag *g =
            load_diag(l, "E0505", node_part(n, part->start, part->end),
                      ident ? "`ident()` is for SQL only%s%s%s" : "`%s` is %s, not %s", ident ? "" : f->name,
                      ident ? "" : kinds[i].noun, ident ? "" : expr_type_texts[part->expr->type]);
        (void)g;
        return false;
    }
    return true;
}

struct template *field_template(struct load *l, const struct node *n, const struct field *f,
                                const char *text) {
    struct complaint c = {0};
    bool good = true;
    struct template *t = template_parse(l->arena, text, strlen(text), &c);
    if (!t) {
        load_complain(l, n, &c);
        return NULL;
    }
    for (uint32_t i = 0; i < t->count; i++) { /* every one of them: a text may hold several mistakes */
        if (template_check_part(t, i, &l->scope, &c)) continue;
        load_complain(l, n, &c);
        good = false;
    }
    return good && fits_kind(l, n, t, f) ? t : NULL;
}

static const char *evaluate_early(struct load *l, const struct node *n, const struct template *t) {
    struct complaint c = {0};
    json_t *scope = json_object();
    if (l->scope.each) json_object_set(scope, "each", (json_t *)(uintptr_t)l->scope.each);
    struct eval v = {.scope = scope, .tz = l->tz, .arena = l->arena, .c = &c};
    struct ev x;
    const char *text = NULL;
    if (!template_eval(&v, t, &x) || !ev_text(&v, &x, &text)) {
        load_complain(l, n, &c);
        text = NULL;
    }
    json_decref(scope);
    return text;
}

const char *early_text(struct load *l, const struct node *n, const struct field *f) {
    if (!strchr(n->text, '$') || !template_in(n->text)) return n->text;
    struct field text = *f;
    text.kind = FK_TEXT;
    struct template *t = field_template(l, n, &text, n->text);
    if (!t) return NULL;
    if (template_is_early(t)) return evaluate_early(l, n, t);
    struct diag *g = load_diag(l, "E0507", node_span(n), "`%s` must be known when the file is read", f->name);
    diag_label(l->d, g,
               l->early ? "only `${each.…}` and a template's parameters can be used here"
                        : "write the value itself");
    return NULL;
}

static void note_braces(struct load *l, const struct node *n) {
    const char *open = strstr(n->text, "{{");
    if (!open || !strstr(open, "}}")) return;
    size_t at = (size_t)(open - n->text);
    struct diag *g = load_diag(l, "W0109", node_part(n, at, at + 2), "`{{` stands for itself here");
    diag_label(l->d, g, "this tool uses `${…}`");
}

static bool parse_plain(struct load *l, const struct node *n, const struct field *f, const char *text,
                        struct value *out) {
    struct parsed p;
    struct complaint c;
    if (!type_parse(f, text, &p, &c)) {
        load_complain(l, n, &c);
        return false;
    }
    switch (f->kind) {
    case FK_BOOL: out->shape = VALUE_BOOL, out->yes = p.yes; break;
    case FK_COUNT:
    case FK_DURATION:
    case FK_SIZE: out->shape = VALUE_INTEGER, out->integer = p.integer; break;
    case FK_PERCENT: out->shape = VALUE_REAL, out->real = p.real; break;
    case FK_NUMBER:
        out->shape = p.is_real ? VALUE_REAL : VALUE_INTEGER;
        if (p.is_real)
            out->real = p.real;
        else
            out->integer = p.integer;
        break;
    default: out->shape = VALUE_TEXT, out->text = text; break;
    }
    return true;
}

static bool known_zone(struct load *l, const struct node *n, const char *dataset) {
    size_t len = strcspn(dataset, ".");
    if (project_zone(l->project, dataset, len)) return true;
    const char *names[64];
    size_t count = 0;
    for (; count < l->project->zone_count && count < 64; count++)
        names[count] = l->project->zones[count].name;
    const char *zone = arena_strndup(l->d->arena, dataset, len);
    struct span at = strcmp(n->text, dataset) == 0 ? node_part(n, 0, len) : node_span(n);
    struct diag *g = load_diag(l, "E0404", at, "unknown zone `%s`", zone);
    const char *meant = suggest(zone, names, count);
    diag_meant(l->d, g, meant);
    if (meant) return false;
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < count; i++) buf_addf(&b, "%s`%s`", i ? ", " : "", names[i]);
    diag_label(l->d, g, "the zones are %s", buf_str(&b));
    buf_release(&b);
    return false;
}

static bool parse_fixed(struct load *l, const struct node *n, const struct field *f, struct value *out) {
    const char *text = early_text(l, n, f);
    if (!text || !parse_plain(l, n, f, text, out)) return false;
    return f->kind != FK_DATASET || known_zone(l, n, text);
}

static bool parse_scalar(struct load *l, const struct node *n, const struct field *f, struct value *out) {
    bool textual = f->kind == FK_TEXT || f->kind == FK_PATH || f->kind == FK_URL || f->kind == FK_MAP;
    if (textual && strchr(n->text, '{')) note_braces(l, n);
    bool dollar = strchr(n->text, '$') != NULL;
    if (!dollar || !template_in(n->text) || f->flags & FIELD_FIXED) {
        const char *text = n->text;
        if (dollar && strstr(text, "$${") && !template_in(text)) {
            struct complaint c;
            const struct template *t = template_parse(l->arena, text, n->count, &c);
            text = t ? t->parts[0].text : text;
        }
        if (f->flags & FIELD_FIXED || f->kind == FK_DATASET || f->kind == FK_STEP)
            return parse_fixed(l, n, f, out);
        return parse_plain(l, n, f, text, out);
    }
    struct template *t = field_template(l, n, f, n->text);
    if (!t) return false;
    template_place(t, n);
    out->shape = VALUE_TEMPLATE;
    out->template = t;
    return true;
}

/* ---- conditions */

static bool parse_condition(struct load *l, const struct node *n, const struct field *f, struct value *out) {
    struct complaint c = {0};
    const char *text = n->text;
    struct expr *e = NULL;
    size_t end = 0;
    if (strncmp(text, "${", 2) == 0) {
        struct template *t = template_parse(l->arena, text, n->count, &c);
        e = t && t->whole ? t->parts[0].expr : NULL;
        if (t && !e)
            expr_complain(&c, "E0501", 0, 0,
                          "a condition is one expression, with or without `${…}` around it");
    } else {
        e = expr_parse(l->arena, text, 0, n->count, &end, &c);
        if (e && end < n->count) {
            expr_complain(&c, "E0501", (uint32_t)end, (uint32_t)end + 1, "an operator is missing here");
            e = NULL;
        }
    }
    if (!e || !expr_check(e, &l->scope, &c)) {
        load_complain(l, n, &c);
        return false;
    }
    if (e->type != TYPE_BOOL && e->type != TYPE_ANY) {
        load_diag(l, "E0505", node_span(n), "`%s` is a condition, not %s", f->name, expr_type_texts[e->type]);
        return false;
    }
    out->shape = VALUE_EXPR;
    out->expr = e;
    return true;
}

static bool parse_sql(struct load *l, const struct node *n, const struct field *f, struct value *out) {
    out->shape = VALUE_SQL;
    if (f->flags & FIELD_FILE) {
        out->sql = sql_file_parse(l, n, f);
        return out->sql != NULL;
    }
    if (n->style == STYLE_FOLDED) {
        struct diag *g = load_diag(l, "W0104", node_span(n), "folded text `>` joins the lines of this SQL");
        diag_label(l->d, g, "use `|`: errors are then shown at their line");
    }
    out->sql = sql_parse(l, n);
    return out->sql != NULL;
}

static bool parse_shell(struct load *l, const struct node *n, struct value *out) {
    out->shape = VALUE_TEXT;
    out->text = n->text;
    return shell_check(l, n);
}

/* ---- lists and maps */

static bool parse_any(struct load *l, const struct node *n, const struct field *f, struct value *out);

static bool parse_any_list(struct load *l, const struct node *n, const struct field *f, struct value *out) {
    bool good = true;
    out->shape = VALUE_LIST;
    out->count = n->count;
    out->items = arena_array(l->arena, n->count, sizeof *out->items);
    for (uint32_t i = 0; i < n->count; i++) good &= parse_any(l, n->items[i], f, &out->items[i]);
    return good;
}

static bool parse_any_map(struct load *l, const struct node *n, const struct field *f, struct value *out) {
    bool good = true;
    out->shape = VALUE_OBJECT;
    out->count = n->count;
    out->members = arena_array(l->arena, n->count, sizeof *out->members);
    for (uint32_t i = 0; i < n->count; i++) {
        struct member *m = &out->members[i];
        *m = (struct member){.key = n->entries[i].key, .key_at = key_span(n, &n->entries[i])};
        good &= parse_any(l, n->entries[i].value, f, &m->value);
    }
    return good;
}

/* JSON's types for what is written plainly; a decimal only if it reads back the same (1.10 stays text). */
static void any_plain(const struct node *n, struct value *out) {
    char text[64];
    if (node_is_null(n)) {
        out->shape = VALUE_NULL;
    } else if (strcmp(n->text, "true") == 0 || strcmp(n->text, "false") == 0) {
        out->shape = VALUE_BOOL;
        out->yes = n->text[0] == 't';
    } else if (text_is_integer(n->text)) {
        out->shape = VALUE_INTEGER;
        out->integer = strtoll(n->text, NULL, 10);
    } else if (text_is_decimal(n->text)) {
        double real = strtod(n->text, NULL);
        snprintf(text, sizeof text, "%.15g", real);
        if (strcmp(text, n->text) != 0) return;
        out->shape = VALUE_REAL;
        out->real = real;
    }
}

static bool parse_any(struct load *l, const struct node *n, const struct field *f, struct value *out) {
    *out = (struct value){.kind = FK_ANY, .at = node_span(n)};
    if (n->kind == NODE_LIST) return parse_any_list(l, n, f, out);
    if (n->kind == NODE_MAP) return parse_any_map(l, n, f, out);
    struct field any = *f;
    any.kind = FK_ANY;
    if (template_in(n->text) && !(f->flags & FIELD_FIXED)) {
        struct template *t = field_template(l, n, &any, n->text);
        if (!t) return false;
        template_place(t, n);
        out->shape = VALUE_TEMPLATE;
        out->template = t;
        return true;
    }
    out->shape = VALUE_TEXT;
    out->text = early_text(l, n, &any);
    if (!out->text) return false;
    if (n->style == STYLE_PLAIN && out->text == n->text) any_plain(n, out);
    return true;
}

static bool parse_text_map(struct load *l, const struct node *n, const struct field *f, struct value *out) {
    bool good = true;
    if (n->kind != NODE_MAP) return wrong_shape(l, n, f, "a map");
    out->shape = VALUE_OBJECT;
    out->count = n->count;
    out->members = arena_array(l->arena, n->count, sizeof *out->members);
    for (uint32_t i = 0; i < n->count; i++) {
        const struct node *item = n->entries[i].value;
        struct member *m = &out->members[i];
        struct field row = *f;
        row.name = n->entries[i].key;
        *m = (struct member){.key = row.name, .key_at = key_span(n, &n->entries[i])};
        m->value = (struct value){.kind = FK_MAP, .at = node_span(item)};
        if (item->kind != NODE_SCALAR)
            good = wrong_shape(l, item, &row, "text");
        else if (node_is_null(item))
            m->value.shape = VALUE_TEXT, m->value.text = "";
        else {
            row.kind = FK_MAP;
            good &= parse_scalar(l, item, &row, &m->value);
        }
    }
    return good;
}

static bool listed(const char *const *words, const char *key) {
    for (; words && *words; words++)
        if (strcmp(*words, key) == 0) return true;
    return false;
}

static bool refuse_key(struct load *l, const struct node *map, const struct entry *e,
                       const struct field *table, const struct where *w) {
    const char *known[KNOWN_MAX];
    size_t n = 0;
    for (; table[n].name && n < KNOWN_MAX; n++) known[n] = table[n].name;
    unknown_key(l, map, e, known, n, w);
    return false;
}

bool fields_parse_except(struct load *l, const struct node *map, const struct field *table,
                         const char *const *skip, const struct where *w, struct value *out) {
    bool known = true, good = true; /* a value that was reported by the reader fails without an error here */
    size_t errors = l->d->errors;
    const struct neighbour *around = l->neighbours; /* they are those of this map, not of what is inside */
    *out = (struct value){.shape = VALUE_OBJECT, .kind = FK_OBJECT, .at = node_span(map)};
    out->members = arena_array(l->arena, map->count, sizeof *out->members);
    for (uint32_t i = 0; i < map->count; i++) {
        const struct entry *e = &map->entries[i];
        const struct field *f = field_find(table, e->key);
        if (!f) {
            known = refuse_key(l, map, e, table, w);
            continue;
        }
        struct where inner = {.name = f->name, .of = w, .at = key_span(map, e)};
        struct member *m = &out->members[out->count++];
        *m = (struct member){.key = f->name, .key_at = inner.at};
        l->neighbours = NULL;
        if (!listed(skip, f->name)) good &= field_parse(l, e->value, f, &inner, &m->value);
        l->neighbours = around;
    }
    /* A key that is spelled wrong was reported: the missing one is probably it. */
    if (known && !l->damaged && !map->partial) missing_keys(l, out, table, w);
    return good && l->d->errors == errors;
}

bool fields_parse(struct load *l, const struct node *map, const struct field *table, const struct where *w,
                  struct value *out) {
    return fields_parse_except(l, map, table, NULL, w, out);
}

static const struct field *short_field(const struct field *table) {
    for (const struct field *f = table; f && f->name; f++)
        if (f->flags & FIELD_SHORT) return f;
    return NULL;
}

static bool parse_object(struct load *l, const struct node *n, const struct field *f, const struct where *w,
                         struct value *out) {
    const struct field *only = short_field(f->fields);
    if (!f->fields && n->kind == NODE_MAP) return parse_any_map(l, n, f, out);
    if (f->fields && n->kind == NODE_MAP) return fields_parse(l, n, f->fields, w, out);
    if (!only || (n->kind == NODE_SCALAR && node_is_null(n))) return wrong_shape(l, n, f, "a map");
    out->shape = VALUE_OBJECT;
    out->members = arena_array(l->arena, 1, sizeof *out->members);
    struct field row = *only;
    if (n->kind != NODE_LIST || !(only->flags & FIELD_LIST))
        row.name = f->name; /* the name that was written */
    out->members[0] = (struct member){.key = only->name, .key_at = w->at};
    out->count = 1;
    if (!field_parse(l, n, &row, w, &out->members[0].value)) return false;
    missing_keys(l, out, f->fields, w);
    return true;
}

static bool parse_list(struct load *l, const struct node *n, const struct field *f, const struct where *w,
                       struct value *out) {
    struct field item = *f;
    struct node *const *items = n->kind == NODE_LIST ? n->items : NULL;
    uint32_t count = items ? n->count : 1;
    bool good = true;
    item.flags &= ~(unsigned)FIELD_LIST;
    if (items && !count && f->flags & FIELD_REQUIRED) {
        load_diag(l, "E0103", node_span(n), "`%s` is an empty list", f->name);
        return false;
    }
    out->shape = VALUE_LIST;
    out->count = count;
    out->items = arena_array(l->arena, count, sizeof *out->items);
    for (uint32_t i = 0; i < count; i++)
        good &= field_parse(l, items ? items[i] : n, &item, w, &out->items[i]);
    return good;
}

bool field_parse(struct load *l, const struct node *n, const struct field *f, const struct where *w,
                 struct value *out) {
    *out = (struct value){.shape = VALUE_NULL, .kind = (uint8_t)f->kind, .at = node_span(n)};
    if (n->bad) return false;
    if (f->flags & FIELD_LIST) return parse_list(l, n, f, w, out);
    if (f->kind == FK_ANY) return parse_any(l, n, f, out);
    if (f->kind == FK_OBJECT) return parse_object(l, n, f, w, out);
    if (f->kind == FK_MAP) return parse_text_map(l, n, f, out);
    if (f->kind == FK_CHECK) return check_field(l, n, out);
    bool empty = n->kind == NODE_SCALAR && node_is_null(n);
    if (n->kind != NODE_SCALAR || empty) {
        return wrong_shape(l, n, f, kind_noun(f->kind));
    }
    if (f->kind == FK_SQL) return parse_sql(l, n, f, out);
    if (f->kind == FK_TARGET) return target_field(l, n, f, w, out);
    if (f->kind == FK_SPAN) return span_field(l, n, f, out);
    if (f->kind == FK_SHELL) return parse_shell(l, n, out);
    if (f->kind == FK_EXPR) return parse_condition(l, n, f, out);
    return parse_scalar(l, n, f, out);
}
