/* value.c: values to JSON, each kind as base/fields.h says. */
#include "dag/value.h"

#include "base/json.h"
#include "dag/check.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const struct value *value_member(const struct value *object, const char *key) {
    if (!object || object->shape != VALUE_OBJECT) return NULL;
    for (uint32_t i = 0; i < object->count; i++)
        if (strcmp(object->members[i].key, key) == 0) return &object->members[i].value;
    return NULL;
}

/* ---- parts of paths and URLs */

/* A value that becomes part of a path must not leave its place in it (pipelines.md 2.4). */
static bool path_part_good(const char *s) {
    for (const char *p = s; *p; p++)
        if ((unsigned char)*p < ' ' || strchr("/*?[]{}\\\x7f", *p)) return false;
    return strcmp(s, "..") != 0 && strcmp(s, ".") != 0 && !strstr(s, "..");
}

static bool add_path_part(struct eval *v, const struct part *part, const struct ev *x, const char *text,
                          struct buf *out) {
    buf_adds(out, text);
    if (x->type == TYPE_PATH || path_part_good(text)) return true;
    expr_complain(v->c, "E0505", part->start, part->end, "`%.60s` cannot be part of a path", text);
    snprintf(v->c->label, sizeof v->c->label,
             "no `/`, `..`, glob or control characters; declare the parameter `type: path` to allow them");
    return false;
}

static bool add_url_part(struct eval *v, const struct part *part, const struct ev *x, const char *text,
                         struct buf *out) {
    (void)v, (void)part, (void)x;
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (isalnum(c) || strchr("-._~", c)) /* RFC 3986 2.3 */
            buf_addc(out, *p);
        else
            buf_addf(out, "%%%02X", c);
    }
    return true;
}

static bool is_url(const struct template *t) {
    return !t->parts[0].expr &&
           (strncmp(t->parts[0].text, "http://", 7) == 0 || strncmp(t->parts[0].text, "https://", 8) == 0);
}

typedef bool add_part(struct eval *v, const struct part *part, const struct ev *x, const char *text,
                      struct buf *out);

static bool template_parts(struct eval *v, const struct template *t, add_part *add, struct buf *out) {
    for (uint32_t i = 0; i < t->count; i++) {
        const struct part *part = &t->parts[i];
        struct ev x;
        const char *text;
        if (!part->expr) {
            buf_add(out, part->text, part->len);
            continue;
        }
        if (!expr_eval(v, part->expr, &x) || !ev_text(v, &x, &text) || !add(v, part, &x, text, out)) {
            v->c->start = part->start, v->c->end = part->end;
            return false;
        }
    }
    return true;
}

static json_t *place_json(struct eval *v, const struct value *x) {
    const struct template *t = x->template;
    bool url = x->kind == FK_URL ? !t->whole : is_url(t);
    struct buf b = BUF_INIT;
    json_t *out = NULL;
    if (x->kind == FK_URL && t->whole) {
        struct ev whole;
        const char *text;
        if (template_eval(v, t, &whole) && ev_text(v, &whole, &text)) out = json_string(text);
    } else if (template_parts(v, t, url ? add_url_part : add_path_part, &b)) {
        out = json_string(buf_str(&b));
    }
    buf_release(&b);
    return out;
}

/* ---- templates that must become something */

static json_t *refuse(struct eval *v, const struct ev *x, const char *wanted) {
    expr_complain(v->c, "E0505", 0, 0, "%s is needed here, not %s", wanted, expr_type_texts[x->type]);
    return NULL;
}

static json_t *text_json(struct eval *v, const struct ev *x) {
    const char *text;
    return ev_text(v, x, &text) ? json_string(text) : NULL;
}

static json_t *parsed_json(struct eval *v, enum field_kind kind, const char *text) {
    static const char *const none[] = {NULL};
    struct field f = {.name = "it", .kind = kind, .values = none};
    struct parsed p;
    if (!type_parse(&f, text, &p, v->c)) return NULL;
    if (kind == FK_PERCENT) return json_real(p.real);
    return json_integer(p.integer);
}

/* Counts, durations, sizes and shares: a value of the right type, or text that says one. */
static json_t *measure_json(struct eval *v, const struct value *value, const struct ev *x) {
    bool text = x->type == TYPE_TEXT || x->type == TYPE_PATH;
    switch (value->kind) {
    case FK_COUNT:
        if (x->type != TYPE_INTEGER || x->integer < 0) return refuse(v, x, "a count");
        return json_integer(x->integer);
    case FK_NUMBER:
        if (x->type == TYPE_DECIMAL) return json_real(x->real);
        return x->type == TYPE_INTEGER ? json_integer(x->integer) : refuse(v, x, "a number");
    case FK_DURATION:
        if (x->type == TYPE_DURATION) return json_integer(x->integer);
        return text ? parsed_json(v, FK_DURATION, x->text) : refuse(v, x, "a duration");
    case FK_SIZE:
        if (x->type == TYPE_INTEGER && x->integer >= 0) return json_integer(x->integer);
        return text ? parsed_json(v, FK_SIZE, x->text) : refuse(v, x, "a size");
    default:
        if (x->type == TYPE_DECIMAL) return json_real(x->real);
        return text ? parsed_json(v, FK_PERCENT, x->text) : refuse(v, x, "a percentage");
    }
}

static json_t *template_json(struct eval *v, const struct value *x) {
    struct ev value;
    if (x->kind == FK_PATH || x->kind == FK_URL) return place_json(v, x);
    if (!template_eval(v, x->template, &value)) return NULL;
    switch (x->kind) {
    case FK_BOOL:
        return value.type == TYPE_BOOL ? json_boolean(value.yes) : refuse(v, &value, "true or false");
    case FK_COUNT:
    case FK_NUMBER:
    case FK_DURATION:
    case FK_SIZE:
    case FK_PERCENT: return measure_json(v, x, &value);
    case FK_ANY: return ev_json(v, &value);
    default: return text_json(v, &value);
    }
}

/* ---- SQL */

size_t sql_written_offset(const struct sql_text *sql, size_t at) {
    for (uint32_t i = sql->part_count; i-- > 0;) {
        const struct sql_part *part = &sql->parts[i];
        if (part->rendered > at) continue;
        return part->text ? part->from + (at - part->rendered) : part->from;
    }
    return at;
}

static const char *const param_types[] = {
    [TYPE_NULL] = "null",     [TYPE_BOOL] = "boolean", [TYPE_INTEGER] = "integer", [TYPE_DECIMAL] = "decimal",
    [TYPE_TEXT] = "text",     [TYPE_PATH] = "text",    [TYPE_INSTANT] = "instant", [TYPE_DATE] = "date",
    [TYPE_DURATION] = "text", [TYPE_LIST] = "list",    [TYPE_MAP] = "map",         [TYPE_IDENT] = "text"};

/* As the engine's binder takes it: instants in microseconds, durations as text it casts to an interval. */
static json_t *param_json(struct eval *v, uint32_t number, const struct ev *x) {
    char name[16];
    json_t *value;
    snprintf(name, sizeof name, "p%u", number);
    if (x->type == TYPE_INSTANT)
        value = json_integer(x->integer);
    else if (x->type == TYPE_DURATION)
        value = json_sprintf("%lld microseconds", (long long)x->integer);
    else
        value = ev_json(v, x);
    return json_pack("{ss ss so}", "name", name, "type", param_types[x->type], "value", value);
}

static bool sql_part_json(struct eval *v, const struct sql_part *part, struct buf *text, json_t *params) {
    struct ev x;
    if (part->text) {
        buf_add(text, part->text, part->len);
        return true;
    }
    if (!expr_eval(v, part->expr, &x)) return false;
    if (part->param) {
        buf_addf(text, "$p%u", part->param);
        json_array_append_new(params, param_json(v, part->param, &x));
        return true;
    }
    if (x.type != TYPE_IDENT) return refuse(v, &x, "an identifier") != NULL;
    buf_sql_ident(text, x.text);
    return true;
}

static json_t *sql_json(struct eval *v, const struct sql_text *sql) {
    struct buf text = BUF_INIT;
    json_t *params = json_array(), *out = NULL;
    bool good = true;
    for (uint32_t i = 0; i < sql->part_count && good; i++)
        good = sql_part_json(v, &sql->parts[i], &text, params);
    if (good) {
        out = json_pack("{ss sO sI sI}", "text", buf_str(&text), "params", params, "line",
                        (json_int_t)sql->line, "column", (json_int_t)sql->column);
        if (out && sql->path) json_put_text(out, "path", sql->path);
        if (!out) expr_complain(v->c, "E0505", 0, 0, "a value is not UTF-8 text");
    }
    json_decref(params);
    buf_release(&text);
    return out;
}

/* ---- before any run */

json_t *sql_known(const struct sql_text *sql) {
    json_t *params = json_array();
    char name[16];
    for (uint32_t i = 0; i < sql->part_count; i++) {
        const struct sql_part *part = &sql->parts[i];
        if (!part->param) continue;
        snprintf(name, sizeof name, "p%u", part->param);
        json_array_append_new(params,
                              json_pack("{ss ss?}", "name", name, "type", param_types[part->expr->type]));
    }
    bool open = strstr(sql->text, SQL_IDENT) != NULL;
    return json_pack("{ss so sb}", "text", sql->text, "params", params, "open", open);
}

static json_t *list_known(const struct value *x) {
    json_t *out = json_array();
    for (uint32_t i = 0; i < x->count; i++) json_array_append_new(out, value_known(&x->items[i]));
    return out;
}

static json_t *object_known(const struct value *x) {
    json_t *out = json_object();
    for (uint32_t i = 0; i < x->count; i++)
        json_object_set_new(out, x->members[i].key, value_known(&x->members[i].value));
    return out;
}

/* A value that was refused has a shape and nothing in it. */
json_t *value_known(const struct value *x) {
    json_t *out = NULL;
    switch ((enum value_shape)x->shape) {
    case VALUE_TEXT: out = x->text ? json_string(x->text) : NULL; break;
    case VALUE_BOOL: out = json_boolean(x->yes); break;
    case VALUE_INTEGER: out = json_integer(x->integer); break;
    case VALUE_REAL: out = json_real(x->real); break;
    case VALUE_SQL: out = x->sql ? sql_known(x->sql) : NULL; break;
    case VALUE_LIST: out = list_known(x); break;
    case VALUE_OBJECT: out = object_known(x); break;
    default: break;
    }
    return out ? out : json_null();
}

/* ---- checks */

void check_literal(const struct ev *x, const char *text, struct buf *out) {
    bool bare = x->type == TYPE_INTEGER || x->type == TYPE_DECIMAL || x->type == TYPE_DURATION ||
                x->type == TYPE_BOOL || x->type == TYPE_NULL;
    if (bare) {
        buf_adds(out, text);
        return;
    }
    buf_addc(out, '"');
    for (; *text; text++) {
        if (*text == '"') buf_addc(out, '"');
        buf_addc(out, *text);
    }
    buf_addc(out, '"');
}

static bool add_check_part(struct eval *v, const struct part *part, const struct ev *x, const char *text,
                           struct buf *out) {
    (void)v, (void)part;
    check_literal(x, text, out);
    return true;
}

static json_t *words_json(struct eval *v, const struct template *t) {
    struct buf b = BUF_INIT;
    char message[256];
    size_t offset;
    json_t *out = NULL;
    if (template_parts(v, t, add_check_part, &b)) {
        out = check_parse_trusting(buf_str(&b), b.len, message, &offset);
        if (!out) expr_complain(v->c, "E0508", 0, 0, "the check `%.120s`: %.100s", buf_str(&b), message);
    }
    buf_release(&b);
    return out;
}

static json_t *sql_check_json(struct eval *v, const struct check_text *k) {
    json_t *sql = sql_json(v, k->sql), *out;
    if (!sql) return NULL;
    struct buf b = BUF_INIT;
    char message[256];
    size_t offset;
    buf_adds(&b, "row_count ");
    bool good = template_parts(v, k->expect, add_check_part, &b);
    out = good ? check_parse(buf_str(&b), b.len, message, &offset) : NULL;
    if (good && !out) expr_complain(v->c, "E0508", 0, 0, "`expect`: %.100s", message);
    buf_release(&b);
    if (out) {
        json_put(out, "metric",
                 json_pack("{ss sO sO}", "name", "sql", "sql", json_object_get(sql, "text"), "params",
                           json_object_get(sql, "params")));
        json_put_text(out, "kind", "set");
        json_put_text(out, "text", k->written);
    }
    json_decref(sql);
    return out;
}

static json_t *check_json(struct eval *v, const struct check_text *k) {
    if (k->object) return json_deep_copy(k->object);
    json_t *out = k->sql ? sql_check_json(v, k) : words_json(v, k->text);
    if (!out) return NULL;
    json_put_text(out, "severity", k->severity);
    json_put(out, "line", json_integer(k->line));
    json_put(out, "column", json_integer(k->column));
    return out;
}

/* ---- all of them; lists and maps nest at most as deep as the file does */

static json_t *list_json(struct eval *v, const struct value *x, struct span *where) {
    json_t *out = json_array();
    for (uint32_t i = 0; i < x->count; i++) {
        json_t *item = value_json(v, &x->items[i], where);
        if (!item) {
            json_decref(out);
            return NULL;
        }
        json_array_append_new(out, item);
    }
    return out;
}

static json_t *object_json(struct eval *v, const struct value *x, struct span *where) {
    json_t *out = json_object();
    for (uint32_t i = 0; i < x->count; i++) {
        json_t *item = value_json(v, &x->members[i].value, where);
        if (!item) {
            json_decref(out);
            return NULL;
        }
        json_object_set_new(out, x->members[i].key, item);
    }
    return out;
}

static json_t *expr_json(struct eval *v, const struct expr *e) {
    struct ev x;
    return expr_eval(v, e, &x) ? ev_json(v, &x) : NULL;
}

json_t *value_json(struct eval *v, const struct value *x, struct span *where) {
    json_t *out = NULL;
    if (x->shape == VALUE_LIST) return list_json(v, x, where);
    if (x->shape == VALUE_OBJECT) return object_json(v, x, where);
    *v->c = (struct complaint){0};
    switch ((enum value_shape)x->shape) {
    case VALUE_NULL: return json_null();
    case VALUE_TEXT: out = json_string(x->text); break;
    case VALUE_BOOL: return json_boolean(x->yes);
    case VALUE_INTEGER: return json_integer(x->integer);
    case VALUE_REAL: return json_real(x->real);
    case VALUE_TEMPLATE: out = template_json(v, x); break;
    case VALUE_EXPR: out = expr_json(v, x->expr); break;
    case VALUE_SQL: out = sql_json(v, x->sql); break;
    default: out = check_json(v, x->check); break;
    }
    if (out) return out;
    if (!*v->c->message) expr_complain(v->c, "E0505", 0, 0, "the value is not UTF-8 text");
    *where = x->at;
    if (x->shape == VALUE_TEMPLATE && v->c->end) where->start = v->c->start, where->end = v->c->end;
    return NULL;
}
