/* expr_eval.c: the value of an expression against a scope. Everything a type check could not know is checked
 * here. */
#include "base/json.h"
#include "dag/expr.h"
#include "dag/template.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fail(struct eval *v, const struct expr *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static bool fail(struct eval *v, const struct expr *e, const char *fmt, ...) {
    char text[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return expr_complain(v->c, "E0505", e->start, e->end, "%s", text);
}

/* ---- values of the scope */

static int64_t day_number(const char *date) {
    struct civil c = {.year = strtol(date, NULL, 10), .month = atoi(date + 5), .day = atoi(date + 8)};
    return days_from_civil(c.year, c.month, c.day);
}

static bool object_value(struct eval *v, const json_t *j, struct ev *out) {
    const json_t *instant = json_object_get(j, "@instant");
    const char *date = json_text(j, "@date");
    if (json_is_integer(instant)) {
        *out = (struct ev){.type = TYPE_INSTANT, .integer = json_integer_value(instant)};
    } else if (date) {
        if (!text_is_date(date)) return expr_complain(v->c, "E0505", 0, 0, "`%.40s` is not a date", date);
        *out = (struct ev){.type = TYPE_DATE, .integer = day_number(date)};
    } else {
        *out = (struct ev){.type = TYPE_MAP, .json = j};
    }
    return true;
}

bool ev_of_json(struct eval *v, const json_t *j, struct ev *out) {
    if (!j || json_is_null(j)) {
        *out = (struct ev){.type = TYPE_NULL};
        return true;
    }
    switch (json_typeof(j)) {
    case JSON_STRING: *out = (struct ev){.type = TYPE_TEXT, .text = json_string_value(j)}; break;
    case JSON_INTEGER: *out = (struct ev){.type = TYPE_INTEGER, .integer = json_integer_value(j)}; break;
    case JSON_REAL: *out = (struct ev){.type = TYPE_DECIMAL, .real = json_real_value(j)}; break;
    case JSON_ARRAY: *out = (struct ev){.type = TYPE_LIST, .json = j, .count = json_array_size(j)}; break;
    case JSON_OBJECT: return object_value(v, j, out);
    default: *out = (struct ev){.type = TYPE_BOOL, .yes = json_is_true(j)}; break;
    }
    return true;
}

static bool list_item(struct eval *v, const struct ev *list, size_t i, struct ev *out) {
    if (!list->json) {
        *out = list->items[i];
        return true;
    }
    return ev_of_json(v, json_array_get(list->json, i), out);
}

/* window.date and window.duration follow from the bounds. */
static bool derived_window(struct eval *v, const char *name, struct ev *out, bool *known) {
    const json_t *window = json_object_get(v->scope, "window");
    struct ev start, end;
    *known = strcmp(name, "date") == 0 || strcmp(name, "duration") == 0;
    if (!*known) return true;
    if (!ev_of_json(v, json_object_get(window, "start"), &start) ||
        !ev_of_json(v, json_object_get(window, "end"), &end))
        return false;
    *known = start.type == TYPE_INSTANT && end.type == TYPE_INSTANT;
    if (!*known) return true;
    *out = (struct ev){.type = TYPE_DURATION, .integer = end.integer - start.integer};
    if (name[1] == 'u') return true;
    struct civil c = v->tz ? tz_civil(v->tz, start.integer) : civil_of(start.integer);
    *out = (struct ev){.type = TYPE_DATE, .integer = days_from_civil(c.year, c.month, c.day)};
    return true;
}

static bool index_value(struct eval *v, const struct expr *e, const struct path_part *part, struct ev *at) {
    struct ev i;
    if (!expr_eval(v, part->index, &i)) return false;
    if (at->type == TYPE_LIST && i.type == TYPE_INTEGER) {
        if (i.integer < 0 || (size_t)i.integer >= at->count)
            return fail(v, e, "the list has no item %lld", (long long)i.integer);
        struct ev list = *at;
        return list_item(v, &list, (size_t)i.integer, at);
    }
    if (at->type == TYPE_MAP && i.type == TYPE_TEXT)
        return ev_of_json(v, json_object_get(at->json, i.text), at);
    return fail(v, e, "%s cannot be indexed by %s", expr_type_texts[at->type], expr_type_texts[i.type]);
}

static bool no_secret(struct eval *v, const struct expr *e) {
    expr_complain(v->c, "E0701", e->start, e->end, "the secret `%.60s` cannot be had", e->parts[1].name);
    snprintf(v->c->label, sizeof v->c->label,
             "the file or variable that `secrets:` of leat.yaml names for it is not there");
    return false;
}

static bool eval_path(struct eval *v, const struct expr *e, struct ev *out) {
    bool known = false;
    if (e->count == 2 && strcmp(e->parts[0].name, "window") == 0 &&
        !derived_window(v, e->parts[1].name, out, &known))
        return false;
    if (known) return true;
    struct ev at = {.type = TYPE_MAP, .json = v->scope};
    for (uint32_t i = 0; i < e->count; i++) {
        const struct path_part *part = &e->parts[i];
        bool good = true;
        if (at.type == TYPE_NULL) break;
        if (!part->name)
            good = index_value(v, e, part, &at);
        else if (at.type != TYPE_MAP)
            return fail(v, e, "%s has no part `%s`", expr_type_texts[at.type], part->name);
        else
            good = ev_of_json(v, json_object_get(at.json, part->name), &at);
        if (!good) return false;
    }
    if (at.type == TYPE_NULL && e->count == 2 && e->parts[1].name && strcmp(e->parts[0].name, "secrets") == 0)
        return no_secret(v, e);
    *out = at;
    if (e->type == TYPE_PATH && at.type == TYPE_TEXT) out->type = TYPE_PATH;
    return true;
}

/* ---- comparisons */

static bool numeric(const struct ev *x) { return x->type == TYPE_INTEGER || x->type == TYPE_DECIMAL; }
static bool textual(const struct ev *x) { return x->type == TYPE_TEXT || x->type == TYPE_PATH; }
static double real_of(const struct ev *x) { return x->type == TYPE_DECIMAL ? x->real : (double)x->integer; }

/* -1, 0, 1, or 2 when the two cannot be compared. */
static int compare(const struct ev *a, const struct ev *b) {
    if (a->type == TYPE_NULL || b->type == TYPE_NULL) return a->type == b->type ? 0 : 2;
    if (textual(a) && textual(b)) {
        int c = strcmp(a->text, b->text);
        return (c > 0) - (c < 0);
    }
    if (numeric(a) && numeric(b) && a->type != b->type) {
        double x = real_of(a), y = real_of(b);
        return (x > y) - (x < y);
    }
    if (a->type != b->type) return 2;
    if (a->type == TYPE_BOOL) return a->yes == b->yes ? 0 : 2;
    if (a->type == TYPE_DECIMAL) return (a->real > b->real) - (a->real < b->real);
    if (a->type == TYPE_LIST || a->type == TYPE_MAP) return a->json && a->json == b->json ? 0 : 2;
    return (a->integer > b->integer) - (a->integer < b->integer);
}

static bool eval_comparison(struct eval *v, const struct expr *e, struct ev *out) {
    struct ev a, b;
    if (!expr_eval(v, e->a, &a) || !expr_eval(v, e->b, &b)) return false;
    int c = compare(&a, &b);
    *out = (struct ev){.type = TYPE_BOOL};
    if (e->op == EX_EQ || e->op == EX_NE) {
        out->yes = (c == 0) == (e->op == EX_EQ);
        return true;
    }
    if (c == 2)
        return fail(v, e, "cannot compare %s and %s", expr_type_texts[a.type], expr_type_texts[b.type]);
    out->yes = e->op == EX_LT ? c < 0 : e->op == EX_LE ? c <= 0 : e->op == EX_GT ? c > 0 : c >= 0;
    return true;
}

static bool eval_in(struct eval *v, const struct expr *e, struct ev *out) {
    struct ev a, list, item;
    if (!expr_eval(v, e->a, &a) || !expr_eval(v, e->b, &list)) return false;
    if (list.type != TYPE_LIST)
        return fail(v, e, "`in` needs a list on its right, not %s", expr_type_texts[list.type]);
    *out = (struct ev){.type = TYPE_BOOL};
    for (size_t i = 0; i < list.count && !out->yes; i++) {
        if (!list_item(v, &list, i, &item)) return false;
        out->yes = compare(&a, &item) == 0;
    }
    return true;
}

/* ---- arithmetic */

static bool integers(struct eval *v, const struct expr *e, int64_t a, int64_t b, int64_t *out) {
    bool over = e->op == EX_ADD   ? __builtin_add_overflow(a, b, out)
                : e->op == EX_SUB ? __builtin_sub_overflow(a, b, out)
                                  : __builtin_mul_overflow(a, b, out);
    return !over || fail(v, e, "the result does not fit 64 bits");
}

static bool eval_numbers(struct eval *v, const struct expr *e, const struct ev *a, const struct ev *b,
                         struct ev *out) {
    if (a->type == TYPE_INTEGER && b->type == TYPE_INTEGER && e->op != EX_DIV) {
        *out = (struct ev){.type = TYPE_INTEGER};
        return integers(v, e, a->integer, b->integer, &out->integer);
    }
    double x = real_of(a), y = real_of(b);
    if (e->op == EX_DIV && y == 0) return fail(v, e, "division by zero");
    double r = e->op == EX_ADD ? x + y : e->op == EX_SUB ? x - y : e->op == EX_MUL ? x * y : x / y;
    *out = (struct ev){.type = TYPE_DECIMAL, .real = r};
    return isfinite(r) || fail(v, e, "the result is too large");
}

static bool eval_texts(struct eval *v, const struct ev *a, const struct ev *b, struct ev *out) {
    *out = (struct ev){.type = TYPE_TEXT, .text = arena_printf(v->arena, "%s%s", a->text, b->text)};
    return true;
}

/* Days only: a date plus 36 hours would be no date. */
static bool eval_date(struct eval *v, const struct expr *e, const struct ev *a, const struct ev *b,
                      struct ev *out) {
    if (b->integer % US_PER_DAY) return fail(v, e, "only whole days can be added to a date");
    *out = (struct ev){.type = TYPE_DATE};
    return integers(v, e, a->integer, b->integer / US_PER_DAY, &out->integer);
}

static bool eval_times(struct eval *v, const struct expr *e, const struct ev *a, const struct ev *b,
                       struct ev *out) {
    bool sub = e->op == EX_SUB, add = e->op == EX_ADD;
    *out = (struct ev){.type = a->type};
    if ((add || sub) && a->type == TYPE_DATE && b->type == TYPE_DURATION) return eval_date(v, e, a, b, out);
    if ((add || sub) && (a->type == TYPE_INSTANT || a->type == TYPE_DURATION) && b->type == TYPE_DURATION)
        return integers(v, e, a->integer, b->integer, &out->integer);
    out->type = TYPE_DURATION;
    if (sub && a->type == TYPE_INSTANT && b->type == TYPE_INSTANT)
        return integers(v, e, a->integer, b->integer, &out->integer);
    if (sub && a->type == TYPE_DATE && b->type == TYPE_DATE)
        return !__builtin_mul_overflow(a->integer - b->integer, US_PER_DAY, &out->integer) ||
               fail(v, e, "the result does not fit 64 bits");
    if (e->op == EX_MUL && ((a->type == TYPE_DURATION && b->type == TYPE_INTEGER) ||
                            (a->type == TYPE_INTEGER && b->type == TYPE_DURATION)))
        return integers(v, e, a->integer, b->integer, &out->integer);
    if (e->op == EX_DIV && a->type == TYPE_DURATION && b->type == TYPE_INTEGER) {
        if (b->integer == 0) return fail(v, e, "division by zero");
        out->integer = b->integer == -1 ? -a->integer : a->integer / b->integer;
        return true;
    }
    return fail(v, e, "this does not work on %s and %s", expr_type_texts[a->type], expr_type_texts[b->type]);
}

static bool eval_sum(struct eval *v, const struct expr *e, struct ev *out) {
    struct ev a, b;
    if (!expr_eval(v, e->a, &a) || !expr_eval(v, e->b, &b)) return false;
    if (numeric(&a) && numeric(&b)) return eval_numbers(v, e, &a, &b, out);
    if (textual(&a) && textual(&b) && e->op == EX_ADD) return eval_texts(v, &a, &b, out);
    return eval_times(v, e, &a, &b, out);
}

/* ---- the rest */

static bool eval_negative(struct eval *v, const struct expr *e, struct ev *out) {
    if (!expr_eval(v, e->a, out)) return false;
    out->real = -out->real;
    if (out->type == TYPE_DECIMAL) return true;
    if (out->type != TYPE_INTEGER && out->type != TYPE_DURATION)
        return fail(v, e, "%s cannot be negative", expr_type_texts[out->type]);
    return !__builtin_sub_overflow(0, out->integer, &out->integer) ||
           fail(v, e, "the result does not fit 64 bits");
}

static bool eval_bool(struct eval *v, const struct expr *e, bool *out) {
    struct ev x;
    if (!expr_eval(v, e, &x)) return false;
    *out = x.yes;
    return x.type == TYPE_BOOL || fail(v, e, "a condition is expected here, not %s", expr_type_texts[x.type]);
}

static bool eval_logic(struct eval *v, const struct expr *e, struct ev *out) {
    bool a, b;
    if (!eval_bool(v, e->a, &a)) return false;
    *out = (struct ev){.type = TYPE_BOOL, .yes = !a};
    if (e->op == EX_NOT) return true;
    out->yes = a;
    if (a == (e->op == EX_OR)) return true; /* the right side is not looked at */
    if (!eval_bool(v, e->b, &b)) return false;
    out->yes = b;
    return true;
}

static bool eval_items(struct eval *v, const struct expr *e, struct ev **items) {
    *items = arena_array(v->arena, e->count, sizeof **items);
    for (uint32_t i = 0; i < e->count; i++)
        if (!expr_eval(v, e->items[i], &(*items)[i])) return false;
    return true;
}

static bool eval_call(struct eval *v, const struct expr *e, struct ev *out) {
    struct ev *args;
    if (!eval_items(v, e, &args)) return false;
    v->c->end = 0;
    if (!e->function->eval(v, args, e->count, out)) {
        if (!v->c->end) v->c->start = e->start, v->c->end = e->end;
        return false;
    }
    if (e->type == TYPE_PATH && out->type == TYPE_TEXT) out->type = TYPE_PATH;
    return true;
}

static bool eval_list(struct eval *v, const struct expr *e, struct ev *out) {
    *out = (struct ev){.type = TYPE_LIST, .count = e->count};
    return eval_items(v, e, &out->items);
}

static bool eval_with(struct eval *v, const struct expr *e, struct ev *out) {
    if (template_eval(v, e->with, out)) return true;
    v->c->start = e->start, v->c->end = e->end;
    return false;
}

bool expr_eval(struct eval *v, const struct expr *e, struct ev *out) {
    switch (e->op) {
    case EX_NULL: *out = (struct ev){.type = TYPE_NULL}; return true;
    case EX_BOOL: *out = (struct ev){.type = TYPE_BOOL, .yes = e->yes}; return true;
    case EX_INTEGER: *out = (struct ev){.type = TYPE_INTEGER, .integer = e->integer}; return true;
    case EX_DURATION: *out = (struct ev){.type = TYPE_DURATION, .integer = e->integer}; return true;
    case EX_DECIMAL: *out = (struct ev){.type = TYPE_DECIMAL, .real = e->real}; return true;
    case EX_TEXT: *out = (struct ev){.type = TYPE_PATH, .text = e->text}; return true;
    case EX_PATH: return eval_path(v, e, out);
    case EX_CALL: return eval_call(v, e, out);
    case EX_LIST: return eval_list(v, e, out);
    case EX_WITH: return eval_with(v, e, out);
    case EX_NEG: return eval_negative(v, e, out);
    case EX_NOT:
    case EX_AND:
    case EX_OR: return eval_logic(v, e, out);
    case EX_IN: return eval_in(v, e, out);
    case EX_OTHERWISE: return expr_eval(v, e->a, out) && (out->type != TYPE_NULL || expr_eval(v, e->b, out));
    default: return e->op <= EX_GE ? eval_comparison(v, e, out) : eval_sum(v, e, out);
    }
}

/* ---- results */

static const char *duration_exact(struct eval *v, int64_t us) {
    static const struct {
        const char *unit;
        int64_t size;
    } units[] = {{"d", US_PER_DAY}, {"h", US_PER_HOUR}, {"m", US_PER_MINUTE}, {"s", US_PER_SECOND}};
    for (size_t i = 0; i < 4; i++)
        if (us % units[i].size == 0 && us)
            return arena_printf(v->arena, "%lld%s", (long long)(us / units[i].size), units[i].unit);
    return us % US_PER_MS ? arena_printf(v->arena, "%.6fs", (double)us / 1e6)
                          : arena_printf(v->arena, "%lldms", (long long)(us / US_PER_MS));
}

static const char *real_text(struct eval *v, double x) {
    char text[64];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x) break;
    }
    return arena_strdup(v->arena, text);
}

static const char *date_text(struct eval *v, int64_t day) {
    struct civil c = civil_of(day * US_PER_DAY);
    return arena_printf(v->arena, "%04lld-%02d-%02d", (long long)c.year, c.month, c.day);
}

bool ev_text(struct eval *v, const struct ev *x, const char **out) {
    char text[INSTANT_TEXT];
    switch (x->type) {
    case TYPE_BOOL: *out = x->yes ? "true" : "false"; break;
    case TYPE_INTEGER: *out = arena_printf(v->arena, "%lld", (long long)x->integer); break;
    case TYPE_DECIMAL: *out = real_text(v, x->real); break;
    case TYPE_TEXT:
    case TYPE_PATH: *out = x->text; break;
    case TYPE_INSTANT: *out = arena_strdup(v->arena, instant_text(x->integer, text)); break;
    case TYPE_DATE: *out = date_text(v, x->integer); break;
    case TYPE_DURATION: *out = duration_exact(v, x->integer); break;
    case TYPE_NULL:
        expr_complain(v->c, "E0505", 0, 0, "it has no value in this run");
        snprintf(v->c->label, sizeof v->c->label, "give one with `??`");
        return false;
    default:
        return expr_complain(v->c, "E0505", 0, 0, "%s cannot be part of a text", expr_type_texts[x->type]);
    }
    return true;
}

static json_t *list_json(struct eval *v, const struct ev *x) {
    if (x->json) return json_deep_copy(x->json);
    json_t *list = json_array();
    for (size_t i = 0; i < x->count; i++) json_array_append_new(list, ev_json(v, &x->items[i]));
    return list;
}

json_t *ev_json(struct eval *v, const struct ev *x) {
    const char *text = "";
    switch (x->type) {
    case TYPE_NULL: return json_null();
    case TYPE_BOOL: return json_boolean(x->yes);
    case TYPE_INTEGER: return json_integer(x->integer);
    case TYPE_DECIMAL: return json_real(x->real);
    case TYPE_MAP: return json_deep_copy(x->json);
    case TYPE_LIST: return list_json(v, x);
    case TYPE_IDENT: return json_string(x->text);
    default: ev_text(v, x, &text); return json_string(text);
    }
}
