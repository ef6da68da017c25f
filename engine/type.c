/* type.c: DuckDB's logical types, read once per result into our own description. */
#include "base/arena.h"
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

enum { TYPE_DEPTH = 32 }; /* nesting of lists and structs; deeper is refused, so nothing recurses further */

static const char *const names[] = {
#define X(id, name) [id] = #name,
    DUCKDB_TYPE_LIST(X)
#undef X
};

static const char *name_of(enum duckdb_type id) {
    if (id == DT_TIMESTAMP_TZ) return "TIMESTAMP WITH TIME ZONE";
    if (id == DT_TIME_TZ) return "TIME WITH TIME ZONE";
    if (id == DT_SQLNULL) return "\"NULL\"";
    return names[id];
}

static int read_at(const struct duckdb_api *api, void *logical, struct duck_type *out, int depth,
                   struct err *err);

/* Reads a child type and gives its handle back. */
static int read_kid(const struct duckdb_api *api, void *logical, struct duck_type *out, int depth,
                    struct err *err) {
    int r = read_at(api, logical, out, depth + 1, err);
    api->destroy_logical_type(&logical);
    return r;
}

static void make_kids(struct duck_type *t, size_t n) {
    t->kids = xcalloc(n ? n : 1, sizeof *t->kids);
    t->kid_count = n;
}

static void take_name(const struct duckdb_api *api, struct duck_type *t, size_t i, char *name) {
    t->names[i] = xstrdup(name ? name : "");
    api->free(name);
}

static int read_fields(const struct duckdb_api *api, void *logical, struct duck_type *t, int depth,
                       struct err *err) {
    size_t n = (size_t)api->struct_type_child_count(logical);
    make_kids(t, n);
    t->names = xcalloc(n ? n : 1, sizeof *t->names);
    t->name_count = n;
    for (size_t i = 0; i < n; i++) {
        take_name(api, t, i, api->struct_type_child_name(logical, i));
        if (read_kid(api, api->struct_type_child_type(logical, i), &t->kids[i], depth, err)) return -1;
    }
    return 0;
}

static void read_enum(const struct duckdb_api *api, void *logical, struct duck_type *t) {
    t->storage = api->enum_internal_type(logical);
    t->name_count = api->enum_dictionary_size(logical);
    t->names = xcalloc(t->name_count ? t->name_count : 1, sizeof *t->names);
    for (size_t i = 0; i < t->name_count; i++) take_name(api, t, i, api->enum_dictionary_value(logical, i));
}

static int read_nested(const struct duckdb_api *api, void *logical, struct duck_type *t, int depth,
                       struct err *err) {
    switch (t->id) {
    case DT_LIST:
        make_kids(t, 1);
        return read_kid(api, api->list_type_child_type(logical), t->kids, depth, err);
    case DT_ARRAY:
        make_kids(t, 1);
        t->array_size = api->array_type_array_size(logical);
        return read_kid(api, api->array_type_child_type(logical), t->kids, depth, err);
    case DT_MAP:
        make_kids(t, 2);
        return read_kid(api, api->map_type_key_type(logical), &t->kids[0], depth, err) ||
                       read_kid(api, api->map_type_value_type(logical), &t->kids[1], depth, err)
                   ? -1
                   : 0;
    default: return read_fields(api, logical, t, depth, err);
    }
}

static void read_alias(const struct duckdb_api *api, void *logical, struct duck_type *t) {
    char *alias = api->logical_type_get_alias(logical);
    t->json = alias && strcmp(alias, "JSON") == 0;
    api->free(alias);
}

static int read_at(const struct duckdb_api *api, void *logical, struct duck_type *t, int depth,
                   struct err *err) {
    int id = api->get_type_id(logical);
    if (id <= 0 || (size_t)id >= sizeof names / sizeof *names || !names[id] || id == DT_BIGNUM ||
        id == DT_UNION || depth > TYPE_DEPTH)
        return err_set(err, EX_INVALID, "a type (number %d of DuckDB) that cannot be read here", id);
    t->id = (enum duckdb_type)id;
    switch (t->id) {
    case DT_DECIMAL:
        t->width = api->decimal_width(logical);
        t->scale = api->decimal_scale(logical);
        t->storage = api->decimal_internal_type(logical);
        return 0;
    case DT_ENUM: read_enum(api, logical, t); return 0;
    case DT_VARCHAR: read_alias(api, logical, t); return 0;
    case DT_LIST:
    case DT_ARRAY:
    case DT_MAP:
    case DT_STRUCT: return read_nested(api, logical, t, depth, err);
    default: return 0;
    }
}

int duck_type_read(const struct duckdb_api *api, void *logical, struct duck_type *out, struct err *err) {
    *out = (struct duck_type){0};
    if (read_at(api, logical, out, 0, err) == 0) return 0;
    duck_type_release(out);
    return -1;
}

void duck_type_release(struct duck_type *t) {
    for (size_t i = 0; i < t->kid_count; i++) duck_type_release(&t->kids[i]);
    for (size_t i = 0; i < t->name_count; i++) free(t->names[i]);
    free(t->kids);
    free(t->names);
    *t = (struct duck_type){0};
}

static void enum_text(const struct duck_type *t, struct buf *out) {
    buf_adds(out, "ENUM(");
    for (size_t i = 0; i < t->name_count; i++) {
        if (i) buf_adds(out, ", ");
        buf_sql_text(out, t->names[i]);
    }
    buf_addc(out, ')');
}

static void struct_text(const struct duck_type *t, struct buf *out) {
    buf_adds(out, "STRUCT(");
    for (size_t i = 0; i < t->kid_count; i++) {
        if (i) buf_adds(out, ", ");
        buf_sql_ident(out, t->names[i]);
        buf_addc(out, ' ');
        duck_type_text(&t->kids[i], out);
    }
    buf_addc(out, ')');
}

void duck_type_text(const struct duck_type *t, struct buf *out) {
    switch (t->id) {
    case DT_DECIMAL: buf_addf(out, "DECIMAL(%d,%d)", t->width, t->scale); return;
    case DT_ENUM: enum_text(t, out); return;
    case DT_STRUCT: struct_text(t, out); return;
    case DT_LIST:
        duck_type_text(t->kids, out);
        buf_adds(out, "[]");
        return;
    case DT_ARRAY:
        duck_type_text(t->kids, out);
        buf_addf(out, "[%llu]", (unsigned long long)t->array_size);
        return;
    case DT_MAP:
        buf_adds(out, "MAP(");
        duck_type_text(&t->kids[0], out);
        buf_adds(out, ", ");
        duck_type_text(&t->kids[1], out);
        buf_addc(out, ')');
        return;
    default: buf_adds(out, t->json ? "JSON" : name_of(t->id));
    }
}
