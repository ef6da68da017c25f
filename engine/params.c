/* params.c: JSON parameters become typed values, bound by name. See duck.h for the shapes. */
#include "base/arena.h"
#include "base/json.h"
#include "engine/internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A maker returns NULL when the value does not fit the type. */
typedef void *value_maker(const struct duckdb_api *api, const json_t *v);

static void *make_text(const struct duckdb_api *api, const json_t *v) {
    return json_is_string(v) ? api->create_varchar(json_string_value(v)) : NULL;
}

static void *make_integer(const struct duckdb_api *api, const json_t *v) {
    return json_is_integer(v) ? api->create_int64(json_integer_value(v)) : NULL;
}

static void *make_boolean(const struct duckdb_api *api, const json_t *v) {
    return json_is_boolean(v) ? api->create_bool(json_is_true(v)) : NULL;
}

/* "-12.50" -> digits -1250, width 4, scale 2. At most 38 digits, so the value fits 128 bits. */
static void *make_decimal_text(const struct duckdb_api *api, const char *s) {
    bool negative = *s == '-';
    u128 n = 0;
    unsigned width = 0, scale = 0;
    bool point = false;
    for (s += negative || *s == '+'; *s; s++) {
        if (*s == '.' && !point) {
            point = true;
            continue;
        }
        if (!isdigit((unsigned char)*s) || ++width > 38) return NULL;
        n = n * 10 + (unsigned)(*s - '0');
        scale += point;
    }
    if (!width) return NULL;
    if (negative) n = -n;
    return api->create_decimal((struct duckdb_decimal){
        .width = (uint8_t)width,
        .scale = (uint8_t)scale,
        .value = {.lower = (uint64_t)n, .upper = (int64_t)(uint64_t)(n >> 64)},
    });
}

static void *make_decimal(const struct duckdb_api *api, const json_t *v) {
    if (json_is_string(v)) return make_decimal_text(api, json_string_value(v));
    if (json_is_integer(v)) return make_integer(api, v);
    return json_is_real(v) ? api->create_double(json_real_value(v)) : NULL;
}

static void *make_timestamp(const struct duckdb_api *api, const json_t *v) {
    const json_t *at = json_is_object(v) ? json_object_get(v, "@instant") : v;
    instant_t t;
    if (json_is_integer(at))
        t = json_integer_value(at);
    else if (!json_is_string(at) || !instant_parse(json_string_value(at), &t))
        return NULL;
    return api->create_timestamp_tz((struct duckdb_timestamp){t});
}

static void *make_date(const struct duckdb_api *api, const json_t *v) {
    const char *s = json_string_value(json_is_object(v) ? json_object_get(v, "@date") : v);
    int year, month, day, end = 0;
    if (!s || sscanf(s, "%4d-%2d-%2d%n", &year, &month, &day, &end) != 3 || s[end]) return NULL;
    if (month < 1 || month > 12 || day < 1 || day > 31) return NULL;
    return api->create_date((struct duckdb_date){(int32_t)days_from_civil(year, month, day)});
}

static void *make_value(const struct duckdb_api *api, const char *type, const json_t *v);

static const struct {
    const char *name;
    value_maker *make;
    int id; /* of a list's items */
} makers[] = {
    {"text", make_text, DT_VARCHAR},
    {"string", make_text, DT_VARCHAR},
    {"path", make_text, DT_VARCHAR},
    {"integer", make_integer, DT_BIGINT},
    {"count", make_integer, DT_BIGINT},
    {"decimal", make_decimal, DT_DOUBLE},
    {"number", make_decimal, DT_DOUBLE},
    {"boolean", make_boolean, DT_BOOLEAN},
    {"bool", make_boolean, DT_BOOLEAN},
    {"timestamp", make_timestamp, DT_TIMESTAMP_TZ},
    {"instant", make_timestamp, DT_TIMESTAMP_TZ},
    {"date", make_date, DT_DATE},
};

static int maker_index(const char *type) {
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (strcmp(makers[i].name, type) == 0) return (int)i;
    return -1;
}

static const char *type_of_json(const json_t *v) {
    if (json_is_array(v)) return "list";
    if (json_is_integer(v)) return "integer";
    if (json_is_real(v)) return "decimal";
    if (json_is_boolean(v)) return "boolean";
    if (json_object_get(v, "@instant")) return "timestamp";
    return json_object_get(v, "@date") ? "date" : "text";
}

/* Items share one type: of the first, with decimals read as doubles when they are not whole. */
static void *make_list(const struct duckdb_api *api, const json_t *v) {
    if (!json_is_array(v)) return NULL;
    size_t n = json_array_size(v), made = 0;
    const char *type = n ? type_of_json(json_array_get(v, 0)) : "text";
    int at = maker_index(type);
    if (at < 0) return NULL;
    void **items = xcalloc(n + 1, sizeof *items);
    while (made < n && (items[made] = make_value(api, type, json_array_get(v, made)))) made++;
    void *child = api->create_logical_type(makers[at].id);
    void *list = made == n ? api->create_list_value(child, items, n) : NULL;
    api->destroy_logical_type(&child);
    for (size_t i = 0; i < made; i++) api->destroy_value(&items[i]);
    free(items);
    return list;
}

static void *make_value(const struct duckdb_api *api, const char *type, const json_t *v) {
    if (!v || json_is_null(v)) return api->create_null_value();
    if (strcmp(type, "list") == 0) return make_list(api, v);
    int at = maker_index(type);
    return at < 0 ? NULL : makers[at].make(api, v);
}

static const json_t *find_param(const json_t *params, const char *name) {
    size_t i;
    json_t *p;
    json_array_foreach(params, i, p) {
        const char *is = json_text(p, "name");
        if (is && strcmp(is, name) == 0) return p;
    }
    return NULL;
}

static int bind_one(struct duck *d, void *statement, uint64_t index, const json_t *p, struct err *err) {
    const json_t *v = json_object_get(p, "value");
    const char *type = json_text_or(p, "type", type_of_json(v));
    void *value = make_value(d->api, type, v);
    if (!value)
        return err_set(err, EX_INVALID, "parameter $%s: the value is no %s", json_text_or(p, "name", "?"),
                       type);
    int bad = d->api->bind_value(statement, index, value);
    d->api->destroy_value(&value);
    return bad ? err_set(err, EX_INVALID, "parameter $%s (%s) cannot be used here",
                         json_text_or(p, "name", "?"), type)
               : 0;
}

/* Walks the statement's own parameters, so a list may hold more than one statement needs. */
int duck_bind(struct duck *d, void *statement, const json_t *params, struct err *err) {
    uint64_t n = d->api->nparams(statement);
    for (uint64_t i = 1; i <= n; i++) {
        const char *name = d->api->parameter_name(statement, i);
        const json_t *p = name ? find_param(params, name) : NULL;
        int r = p ? bind_one(d, statement, i, p, err)
                  : err_set(err, EX_INVALID, "the statement's parameter $%s has no value", name ? name : "?");
        d->api->free((void *)(uintptr_t)name);
        if (r) return -1;
    }
    return 0;
}
