/* delta_type.c: DuckDB's types to Delta's and back, one table each way. See delta.h.
 *
 * Types travel as text (DESCRIBE's, and Delta's own); nested ones are read by descent with a bound on the
 * depth. */
#include "base/arena.h"
#include "base/json.h"
#include "zones/delta.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TYPE_DEPTH = 32 };

static const char zoneless[] =
    "times without a zone are stored as instants: they are taken as wall time in the "
    "pipeline's time zone";
static const char as_text[] = "stored as text: Delta has no such type";
static const char may_not_fit[] = "stored as decimal: values past 38 digits fail";

/* Delta NULL: refused. `converted` types are cast to the Delta type's SQL type when written. */
static const struct {
    const char *sql, *delta;
    bool converted;
    const char *warning;
} from_sql[] = {
    {"BOOLEAN", "boolean", false, NULL},
    {"TINYINT", "byte", false, NULL},
    {"SMALLINT", "short", false, NULL},
    {"INTEGER", "integer", false, NULL},
    {"BIGINT", "long", false, NULL},
    {"UTINYINT", "short", true, NULL},
    {"USMALLINT", "integer", true, NULL},
    {"UINTEGER", "long", true, NULL},
    {"UBIGINT", "decimal(20,0)", true, NULL},
    {"HUGEINT", "decimal(38,0)", true, may_not_fit},
    {"UHUGEINT", "decimal(38,0)", true, may_not_fit},
    {"FLOAT", "float", false, NULL},
    {"DOUBLE", "double", false, NULL},
    {"VARCHAR", "string", false, NULL},
    {"JSON", "string", true, NULL},
    {"BLOB", "binary", false, NULL},
    {"DATE", "date", false, NULL},
    {"TIMESTAMP WITH TIME ZONE", "timestamp", false, NULL},
    {"TIMESTAMPTZ", "timestamp", false, NULL},
    {"TIMESTAMP", "timestamp", true, zoneless},
    {"TIMESTAMP_S", "timestamp", true, zoneless},
    {"TIMESTAMP_MS", "timestamp", true, zoneless},
    {"TIMESTAMP_NS", "timestamp", true, zoneless},
    {"UUID", "string", true, NULL},
    {"INTERVAL", "string", true, as_text},
    {"TIME", "string", true, as_text},
    {"TIME_NS", "string", true, as_text},
    {"TIME WITH TIME ZONE", "string", true, as_text},
    {"TIMETZ", "string", true, as_text},
    {"BIT", "string", true, as_text},
};

static const struct {
    const char *delta, *sql;
    int rank; /* of whole numbers: a higher rank holds every value of a lower one */
} to_sql[] = {
    {"boolean", "BOOLEAN", 0},
    {"byte", "TINYINT", 1},
    {"short", "SMALLINT", 2},
    {"integer", "INTEGER", 3},
    {"long", "BIGINT", 4},
    {"float", "FLOAT", 0},
    {"double", "DOUBLE", 0},
    {"string", "VARCHAR", 0},
    {"binary", "BLOB", 0},
    {"date", "DATE", 0},
    {"timestamp", "TIMESTAMP WITH TIME ZONE", 0},
    {"timestamp_ntz", "TIMESTAMP", 0},
};

void delta_type_release(struct delta_type *t) {
    json_decref(t->type);
    free(t->cast);
    *t = (struct delta_type){0};
}

/* ---- reading DuckDB's type text ---- */

struct reader {
    const char *s;
    bool ntz, converted;
    const char *warning;
};

static json_t *read_type(struct reader *r, int depth);

static bool skip(struct reader *r, const char *word) {
    while (*r->s == ' ') r->s++;
    size_t n = strlen(word);
    if (strncasecmp(r->s, word, n) != 0) return false;
    r->s += n;
    return true;
}

/* A plain or double-quoted name; malloc'ed, NULL when there is none. */
static char *read_name(struct reader *r) {
    struct buf b = BUF_INIT;
    while (*r->s == ' ') r->s++;
    if (*r->s != '"') {
        size_t n = strcspn(r->s, " ,)(\"");
        if (!n) return NULL;
        buf_add(&b, r->s, n);
        r->s += n;
        return buf_take(&b);
    }
    for (r->s++; *r->s; r->s++) {
        if (*r->s == '"' && *++r->s != '"') return b.len ? buf_take(&b) : xstrdup("");
        buf_addc(&b, *r->s);
    }
    buf_release(&b);
    return NULL;
}

static json_t *array_of(json_t *element) {
    return element ? json_pack("{s:s,s:o,s:b}", "type", "array", "elementType", element, "containsNull", 1)
                   : NULL;
}

static json_t *read_field(struct reader *r, int depth) {
    char *name = read_name(r);
    json_t *type = name ? read_type(r, depth) : NULL;
    json_t *field =
        type ? json_pack("{s:s,s:o,s:b,s:{}}", "name", name, "type", type, "nullable", 1, "metadata") : NULL;
    free(name);
    return field;
}

static json_t *read_struct(struct reader *r, int depth) {
    json_t *fields = json_array();
    do {
        json_t *field = read_field(r, depth);
        if (!field || json_array_append_new(fields, field)) {
            json_decref(fields);
            return NULL;
        }
    } while (skip(r, ","));
    if (skip(r, ")")) return json_pack("{s:s,s:o}", "type", "struct", "fields", fields);
    json_decref(fields);
    return NULL;
}

static json_t *read_map(struct reader *r, int depth) {
    json_t *key = read_type(r, depth), *value = NULL;
    if (key && skip(r, ",")) value = read_type(r, depth);
    if (value && skip(r, ")"))
        return json_pack("{s:s,s:o,s:o,s:b}", "type", "map", "keyType", key, "valueType", value,
                         "valueContainsNull", 1);
    json_decref(key);
    json_decref(value);
    return NULL;
}

static json_t *read_decimal(struct reader *r) {
    int precision, scale, n = 0;
    if (sscanf(r->s, "%2d , %2d )%n", &precision, &scale, &n) != 2 || !n) return NULL;
    r->s += n;
    char text[40];
    snprintf(text, sizeof text, "decimal(%d,%d)", precision, scale);
    return json_string(text);
}

/* The labels do not matter: the values are stored as text. */
static json_t *read_enum(struct reader *r) {
    bool quoted = false;
    for (; *r->s && (quoted || *r->s != ')'); r->s++)
        if (*r->s == '\'') quoted = !quoted;
    r->converted = true;
    return skip(r, ")") ? json_string("string") : NULL;
}

static json_t *read_plain(struct reader *r) {
    size_t best = SIZE_MAX, longest = 0;
    while (*r->s == ' ') r->s++;
    for (size_t i = 0; i < sizeof from_sql / sizeof *from_sql; i++) {
        size_t n = strlen(from_sql[i].sql);
        bool ends =
            strncasecmp(r->s, from_sql[i].sql, n) == 0 && !isalnum((unsigned char)r->s[n]) && r->s[n] != '_';
        if (ends && n > longest) {
            best = i;
            longest = n;
        }
    }
    if (best == SIZE_MAX) return NULL;
    r->s += longest;
    if (r->ntz && strcmp(from_sql[best].sql, "TIMESTAMP") == 0) return json_string("timestamp_ntz");
    r->converted |= from_sql[best].converted;
    if (from_sql[best].warning) r->warning = from_sql[best].warning;
    return json_string(from_sql[best].delta);
}

static json_t *read_one(struct reader *r, int depth) {
    if (skip(r, "STRUCT(")) return read_struct(r, depth + 1);
    if (skip(r, "MAP(")) return read_map(r, depth + 1);
    if (skip(r, "DECIMAL(")) return read_decimal(r);
    if (skip(r, "ENUM(")) return read_enum(r);
    return read_plain(r);
}

/* Any type may be followed by [] or [n], several times. */
static json_t *read_type(struct reader *r, int depth) {
    json_t *t = depth > TYPE_DEPTH ? NULL : read_one(r, depth);
    for (int n = 0; t && *r->s == '['; n++) {
        r->s++;
        r->converted |= *r->s != ']';
        r->s += strspn(r->s, "0123456789");
        if (*r->s == ']' && n < TYPE_DEPTH) {
            r->s++;
            t = array_of(t);
        } else {
            json_decref(t);
            return NULL;
        }
    }
    return t;
}

static int refuse(const char *column, const char *sql_type, struct err *err) {
    err_set(err, EX_INVALID, "column %s has the type %.100s, which a Delta table cannot hold", column,
            sql_type);
    err_hint(err, "cast it in the query, for example to VARCHAR");
    return err_reason(err, "type");
}

int delta_type_of(const char *column, const char *sql_type, bool ntz_allowed, struct delta_type *out,
                  struct err *err) {
    struct reader r = {.s = sql_type, .ntz = ntz_allowed};
    struct buf cast = BUF_INIT;
    json_t *type = read_type(&r, 0);
    if (!type || *r.s || !delta_sql_type(type, &cast)) {
        json_decref(type);
        buf_release(&cast);
        return refuse(column, sql_type, err);
    }
    *out =
        (struct delta_type){.type = type, .cast = r.converted ? buf_take(&cast) : NULL, .warning = r.warning};
    buf_release(&cast);
    return 0;
}

/* ---- Delta to SQL ---- */

static bool decimal_parse(const char *s, int *precision, int *scale) {
    int n = 0;
    if (strcmp(s, "decimal") == 0) {
        *precision = 10, *scale = 0;
        return true;
    }
    return sscanf(s, "decimal( %2d , %2d )%n", precision, scale, &n) == 2 && n && !s[n] && *precision >= 1 &&
           *precision <= 38 && *scale >= 0 && *scale <= *precision;
}

static bool primitive_sql(const char *s, struct buf *out) {
    int precision, scale;
    for (size_t i = 0; i < sizeof to_sql / sizeof *to_sql; i++) {
        if (strcmp(to_sql[i].delta, s) != 0) continue;
        buf_adds(out, to_sql[i].sql);
        return true;
    }
    if (!decimal_parse(s, &precision, &scale)) return false;
    buf_addf(out, "DECIMAL(%d,%d)", precision, scale);
    return true;
}

static bool sql_type(const json_t *type, struct buf *out, int depth);

static bool struct_sql(const json_t *type, struct buf *out, int depth) {
    const json_t *fields = json_object_get(type, "fields");
    size_t i;
    json_t *f;
    if (!json_array_size(fields)) return false;
    buf_adds(out, "STRUCT(");
    json_array_foreach(fields, i, f) {
        const char *name = json_text(f, "name");
        if (!name) return false;
        if (i) buf_adds(out, ", ");
        buf_sql_ident(out, name);
        buf_addc(out, ' ');
        if (!sql_type(json_object_get(f, "type"), out, depth + 1)) return false;
    }
    buf_addc(out, ')');
    return true;
}

static bool map_sql(const json_t *type, struct buf *out, int depth) {
    buf_adds(out, "MAP(");
    if (!sql_type(json_object_get(type, "keyType"), out, depth + 1)) return false;
    buf_adds(out, ", ");
    if (!sql_type(json_object_get(type, "valueType"), out, depth + 1)) return false;
    buf_addc(out, ')');
    return true;
}

static bool sql_type(const json_t *type, struct buf *out, int depth) {
    if (depth > TYPE_DEPTH) return false;
    if (json_is_string(type)) return primitive_sql(json_string_value(type), out);
    const char *kind = json_text_or(type, "type", "");
    if (strcmp(kind, "struct") == 0) return struct_sql(type, out, depth);
    if (strcmp(kind, "map") == 0) return map_sql(type, out, depth);
    if (strcmp(kind, "array") != 0 || !sql_type(json_object_get(type, "elementType"), out, depth + 1))
        return false;
    buf_adds(out, "[]");
    return true;
}

bool delta_sql_type(const json_t *type, struct buf *out) { return sql_type(type, out, 0); }

/* ---- widening ---- */

static int rank_of(const char *type) {
    for (size_t i = 0; i < sizeof to_sql / sizeof *to_sql; i++)
        if (strcmp(to_sql[i].delta, type) == 0) return to_sql[i].rank;
    return 0;
}

/* Digits before the point that a whole-number type may have. */
static int whole_digits(int rank) {
    static const int digits[] = {0, 3, 5, 10, 19};
    return digits[rank];
}

bool delta_type_is_wider(const json_t *to, const json_t *from) {
    const char *t = json_string_value(to), *f = json_string_value(from);
    if (!t || !f || strcmp(t, f) == 0) return false;
    int tr = rank_of(t), fr = rank_of(f), tp, ts, fp, fs;
    if (tr && fr) return tr > fr;
    if (strcmp(t, "double") == 0) return strcmp(f, "float") == 0 || (fr && fr <= 3);
    if (!decimal_parse(t, &tp, &ts)) return false;
    if (fr) return tp - ts >= whole_digits(fr);
    return decimal_parse(f, &fp, &fs) && ts >= fs && tp - ts >= fp - fs;
}

/* ---- schemas ---- */

static void add_warning(json_t *warnings, const char *column, const char *warning) {
    struct buf b = BUF_INIT;
    buf_addf(&b, "column %s: %s", column, warning);
    json_array_append_new(warnings, json_string(buf_str(&b)));
    buf_release(&b);
}

static json_t *column_of(const json_t *described, bool ntz_allowed, json_t *warnings, struct err *err) {
    const char *name = json_text_or(described, "name", "");
    struct delta_type t;
    if (delta_type_of(name, json_text_or(described, "type", ""), ntz_allowed, &t, err)) return NULL;
    if (warnings && t.warning) add_warning(warnings, name, t.warning);
    json_t *column = json_pack("{s:s,s:O,s:b}", "name", name, "type", t.type, "nullable", 1);
    delta_type_release(&t);
    return column;
}

json_t *delta_columns_of(const json_t *described, bool ntz_allowed, json_t *warnings, struct err *err) {
    json_t *out = json_array(), *d;
    size_t i;
    json_array_foreach(described, i, d) {
        json_t *column = column_of(d, ntz_allowed, warnings, err);
        if (!column) {
            json_decref(out);
            return NULL;
        }
        json_array_append_new(out, column);
    }
    return out;
}

char *delta_schema_string(const json_t *columns) {
    json_t *fields = json_array(), *c;
    size_t i;
    json_array_foreach(columns, i, c) {
        const json_t *metadata = json_object_get(c, "metadata");
        json_t *f = json_object();
        json_put_text(f, "name", json_text_or(c, "name", ""));
        json_put(f, "type", json_incref(json_object_get(c, "type")));
        json_put(f, "nullable", json_boolean(!json_is_false(json_object_get(c, "nullable"))));
        json_put(f, "metadata", json_is_object(metadata) ? json_deep_copy(metadata) : json_object());
        json_array_append_new(fields, f);
    }
    json_t *schema = json_pack("{s:s,s:o}", "type", "struct", "fields", fields);
    char *s = json_line(schema);
    json_decref(schema);
    return s;
}

static bool field_is_sound(const json_t *f) {
    struct buf b = BUF_INIT;
    bool sound = json_text(f, "name") && delta_sql_type(json_object_get(f, "type"), &b);
    buf_release(&b);
    return sound;
}

json_t *delta_columns_parse(const char *schema_string, struct err *err) {
    json_t *schema = json_loads(schema_string, 0, NULL), *out = json_array(), *f;
    const json_t *fields = json_object_get(schema, "fields");
    bool sound = json_is_array(fields) && strcmp(json_text_or(schema, "type", ""), "struct") == 0;
    size_t i;
    json_array_foreach(fields, i, f) {
        sound = sound && field_is_sound(f);
        if (!sound) break;
        json_t *c =
            json_pack("{s:s,s:O,s:b}", "name", json_text(f, "name"), "type", json_object_get(f, "type"),
                      "nullable", !json_is_false(json_object_get(f, "nullable")));
        const json_t *metadata = json_object_get(f, "metadata");
        if (json_object_size(metadata)) json_put(c, "metadata", json_deep_copy(metadata));
        json_array_append_new(out, c);
    }
    json_decref(schema);
    if (sound) return out;
    json_decref(out);
    err_set(err, EX_INVALID, "the table's schema cannot be read: %.200s", schema_string);
    return NULL;
}
