/* value.c: one value of a result's vector as text, JSON or number.
 *
 * Text is made in one place for every reader (tables, CSV, samples, bookmarks), so a value looks the same
 * everywhere: RFC 3339, ISO dates, unpadded numbers, shortest form of a float that reads back the same. */
#include "base/json.h"
#include "engine/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct duck_vector duck_vector_of(const struct duckdb_api *api, void *handle) {
    return (struct duck_vector){
        .data = api->vector_get_data(handle), .valid = api->vector_get_validity(handle), .handle = handle};
}

bool duck_vector_null(const struct duck_vector *v, uint64_t row) {
    return v->valid && !(v->valid[row / 64] >> (row % 64) & 1);
}

/* ---- integers of every size ---- */

static i128 huge_at(const struct duck_vector *v, uint64_t row) {
    const struct duckdb_hugeint *h = &((const struct duckdb_hugeint *)v->data)[row];
    return (i128)((u128)(uint64_t)h->upper << 64 | h->lower);
}

static i128 integer_at(int id, const struct duck_vector *v, uint64_t row) {
    switch (id) {
    case DT_BOOLEAN: return ((const bool *)v->data)[row];
    case DT_TINYINT: return ((const int8_t *)v->data)[row];
    case DT_SMALLINT: return ((const int16_t *)v->data)[row];
    case DT_INTEGER:
    case DT_DATE: return ((const int32_t *)v->data)[row];
    case DT_UTINYINT: return ((const uint8_t *)v->data)[row];
    case DT_USMALLINT: return ((const uint16_t *)v->data)[row];
    case DT_UINTEGER: return ((const uint32_t *)v->data)[row];
    case DT_UBIGINT: return ((const uint64_t *)v->data)[row];
    case DT_HUGEINT:
    case DT_UHUGEINT:
    case DT_UUID: return huge_at(v, row);
    default: return ((const int64_t *)v->data)[row];
    }
}

static void u128_text(struct buf *out, u128 n, unsigned scale) {
    char digits[64];
    size_t at = sizeof digits;
    for (unsigned i = 0; n || i <= scale; i++) {
        if (scale && i == scale) digits[--at] = '.';
        digits[--at] = (char)('0' + (int)(n % 10));
        n /= 10;
    }
    buf_add(out, digits + at, sizeof digits - at);
}

static void i128_text(struct buf *out, i128 n, unsigned scale) {
    if (n < 0) buf_addc(out, '-');
    u128_text(out, n < 0 ? -(u128)n : (u128)n, scale);
}

static void real_text(struct buf *out, double n, bool single) {
    char s[40];
    for (int digits = single ? 6 : 15; digits <= (single ? 9 : 17); digits++) {
        snprintf(s, sizeof s, "%.*g", digits, n);
        double back = strtod(s, NULL);
        if (single ? (float)back == (float)n : back == n) break;
    }
    buf_adds(out, s);
}

/* ---- times ---- */

static void fraction_text(struct buf *out, int64_t nanos) {
    if (!nanos) return;
    char s[12];
    int n = snprintf(s, sizeof s, "%09lld", (long long)nanos);
    while (n > 1 && s[n - 1] == '0') n--;
    buf_addc(out, '.');
    buf_add(out, s, (size_t)n);
}

static bool infinite_text(struct buf *out, int64_t v, int64_t max) {
    if (v != max && v != -max) return false;
    buf_adds(out, v > 0 ? "infinity" : "-infinity");
    return true;
}

static void date_text(struct buf *out, int32_t days) {
    if (infinite_text(out, days, INT32_MAX)) return;
    struct civil c = civil_of((instant_t)days * US_PER_DAY);
    buf_addf(out, "%04lld-%02d-%02d", (long long)c.year, c.month, c.day);
}

static void instant_text_at(struct buf *out, int64_t v, int64_t per_second, const char *suffix) {
    if (infinite_text(out, v, INT64_MAX)) return;
    int64_t seconds = v / per_second, rest = v % per_second;
    if (rest < 0) {
        rest += per_second;
        seconds--;
    }
    int64_t days = seconds / 86400, of_day = seconds % 86400;
    if (of_day < 0) {
        of_day += 86400;
        days--;
    }
    date_text(out, (int32_t)days);
    buf_addf(out, "T%02d:%02d:%02d", (int)(of_day / 3600), (int)(of_day / 60 % 60), (int)(of_day % 60));
    fraction_text(out, rest * (1000000000 / per_second));
    buf_adds(out, suffix);
}

static void clock_text(struct buf *out, int64_t v, int64_t per_second) {
    int64_t s = v / per_second;
    buf_addf(out, "%02d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    fraction_text(out, v % per_second * (1000000000 / per_second));
}

/* 40 bits of microseconds, 24 bits of offset counted downward from +15:59:59 (DuckDB's dtime_tz_t). */
static void clock_zone_text(struct buf *out, uint64_t bits) {
    int offset = 16 * 3600 - 1 - (int)(bits & 0xFFFFFF), size = abs(offset);
    clock_text(out, (int64_t)(bits >> 24), US_PER_SECOND);
    buf_addf(out, "%c%02d:%02d", offset < 0 ? '-' : '+', size / 3600, size / 60 % 60);
}

static void interval_text(struct buf *out, const struct duckdb_interval *i) {
    size_t start = out->len;
    if (i->months / 12) buf_addf(out, "%d years ", i->months / 12);
    if (i->months % 12) buf_addf(out, "%d months ", i->months % 12);
    if (i->days) buf_addf(out, "%d days ", i->days);
    if (i->micros || out->len == start) {
        if (i->micros < 0) buf_addc(out, '-');
        clock_text(out, i->micros < 0 ? -i->micros : i->micros, US_PER_SECOND);
        return;
    }
    out->s[--out->len] = 0;
}

/* ---- text, bytes ---- */

static const char *bytes_at(const struct duck_vector *v, uint64_t row, size_t *n) {
    const struct duckdb_string *s = &((const struct duckdb_string *)v->data)[row];
    *n = s->length;
    return s->length <= 12 ? s->prefix : s->pointer;
}

static void hex_text(struct buf *out, const char *p, size_t n) {
    for (size_t i = 0; i < n; i++) buf_addf(out, "%02x", (unsigned char)p[i]);
}

/* The first byte says how many bits of the second are padding. */
static void bits_text(struct buf *out, const char *p, size_t n) {
    size_t skip = n ? (size_t)p[0] : 0;
    for (size_t i = 8 + skip; i < n * 8; i++)
        buf_addc(out, (unsigned char)p[i / 8] >> (7 - i % 8) & 1 ? '1' : '0');
}

static void string_text(struct buf *out, enum duckdb_type id, const struct duck_vector *v, uint64_t row) {
    size_t n;
    const char *p = bytes_at(v, row, &n);
    if (id == DT_BLOB)
        hex_text(out, p, n);
    else if (id == DT_BIT)
        bits_text(out, p, n);
    else
        buf_add(out, p, n);
}

/* The top bit is flipped in storage so that comparing integers compares UUIDs. */
static void uuid_text(struct buf *out, const struct duck_vector *v, uint64_t row) {
    u128 n = (u128)huge_at(v, row) ^ ((u128)1 << 127);
    for (int i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20) buf_addc(out, '-');
        buf_addc(out, "0123456789abcdef"[(int)(n >> (124 - 4 * i) & 15)]);
    }
}

static const char *enum_at(const struct duck_type *t, const struct duck_vector *v, uint64_t row) {
    size_t i = (size_t)integer_at(t->storage, v, row);
    return i < t->name_count ? t->names[i] : "";
}

static bool is_nested(enum duckdb_type id) {
    return id == DT_LIST || id == DT_ARRAY || id == DT_MAP || id == DT_STRUCT;
}

static void nested_text(const struct duckdb_api *api, const struct duck_type *t, const struct duck_vector *v,
                        uint64_t row, struct buf *out) {
    json_t *j = duck_value_json(api, t, v, row);
    char *s = json_line(j);
    buf_adds(out, s ? s : "");
    free(s);
    json_decref(j);
}

void duck_value_text(const struct duckdb_api *api, const struct duck_type *t, const struct duck_vector *v,
                     uint64_t row, struct buf *out) {
    const int64_t *i64 = v->data;
    switch (t->id) {
    case DT_BOOLEAN: buf_adds(out, ((const bool *)v->data)[row] ? "true" : "false"); return;
    case DT_FLOAT: real_text(out, (double)((const float *)v->data)[row], true); return;
    case DT_DOUBLE: real_text(out, ((const double *)v->data)[row], false); return;
    case DT_DECIMAL: i128_text(out, integer_at(t->storage, v, row), t->scale); return;
    case DT_UHUGEINT: u128_text(out, (u128)huge_at(v, row), 0); return;
    case DT_TIMESTAMP: instant_text_at(out, i64[row], 1000000, ""); return;
    case DT_TIMESTAMP_TZ: instant_text_at(out, i64[row], 1000000, "Z"); return;
    case DT_TIMESTAMP_S: instant_text_at(out, i64[row], 1, ""); return;
    case DT_TIMESTAMP_MS: instant_text_at(out, i64[row], 1000, ""); return;
    case DT_TIMESTAMP_NS: instant_text_at(out, i64[row], 1000000000, ""); return;
    case DT_DATE: date_text(out, ((const int32_t *)v->data)[row]); return;
    case DT_TIME: clock_text(out, i64[row], 1000000); return;
    case DT_TIME_NS: clock_text(out, i64[row], 1000000000); return;
    case DT_TIME_TZ: clock_zone_text(out, ((const uint64_t *)v->data)[row]); return;
    case DT_INTERVAL: interval_text(out, &((const struct duckdb_interval *)v->data)[row]); return;
    case DT_UUID: uuid_text(out, v, row); return;
    case DT_ENUM: buf_adds(out, enum_at(t, v, row)); return;
    case DT_VARCHAR:
    case DT_BLOB:
    case DT_BIT: string_text(out, t->id, v, row); return;
    default:
        if (is_nested(t->id))
            nested_text(api, t, v, row, out);
        else
            i128_text(out, integer_at((int)t->id, v, row), 0);
    }
}

/* ---- JSON ---- */

static json_t *items_json(const struct duckdb_api *api, const struct duck_type *t, void *child, uint64_t from,
                          uint64_t count) {
    struct duck_vector v = duck_vector_of(api, child);
    json_t *out = json_array();
    for (uint64_t i = 0; i < count; i++) json_array_append_new(out, duck_value_json(api, t, &v, from + i));
    return out;
}

static json_t *fields_json(const struct duckdb_api *api, const struct duck_type *t,
                           const struct duck_vector *v, uint64_t row) {
    json_t *out = json_object();
    for (size_t i = 0; i < t->kid_count; i++) {
        struct duck_vector field = duck_vector_of(api, api->struct_vector_get_child(v->handle, i));
        json_object_set_new(out, t->names[i], duck_value_json(api, &t->kids[i], &field, row));
    }
    return out;
}

/* A map is a list of key-value structs; keys become JSON names. */
static json_t *map_json(const struct duckdb_api *api, const struct duck_type *t, const struct duck_vector *v,
                        uint64_t row) {
    const struct duckdb_list_entry *e = &((const struct duckdb_list_entry *)v->data)[row];
    void *pairs = api->list_vector_get_child(v->handle);
    struct duck_vector keys = duck_vector_of(api, api->struct_vector_get_child(pairs, 0));
    struct duck_vector values = duck_vector_of(api, api->struct_vector_get_child(pairs, 1));
    json_t *out = json_object();
    struct buf key = BUF_INIT;
    for (uint64_t i = e->offset; i < e->offset + e->length; i++) {
        buf_clear(&key);
        duck_value_text(api, &t->kids[0], &keys, i, &key);
        json_object_set_new(out, buf_str(&key), duck_value_json(api, &t->kids[1], &values, i));
    }
    buf_release(&key);
    return out;
}

static json_t *nested_json(const struct duckdb_api *api, const struct duck_type *t,
                           const struct duck_vector *v, uint64_t row) {
    const struct duckdb_list_entry *e = v->data;
    switch (t->id) {
    case DT_LIST:
        return items_json(api, t->kids, api->list_vector_get_child(v->handle), e[row].offset, e[row].length);
    case DT_ARRAY:
        return items_json(api, t->kids, api->array_vector_get_child(v->handle), row * t->array_size,
                          t->array_size);
    case DT_MAP: return map_json(api, t, v, row);
    default: return fields_json(api, t, v, row);
    }
}

static json_t *text_json(const struct duckdb_api *api, const struct duck_type *t, const struct duck_vector *v,
                         uint64_t row) {
    struct buf b = BUF_INIT;
    duck_value_text(api, t, v, row, &b);
    json_t *out = json_stringn(buf_str(&b), b.len);
    if (!out) out = json_string("(not UTF-8)");
    buf_release(&b);
    return out;
}

static bool is_whole(const struct duck_type *t) { return t->id >= DT_TINYINT && t->id <= DT_UBIGINT; }

json_t *duck_value_json(const struct duckdb_api *api, const struct duck_type *t, const struct duck_vector *v,
                        uint64_t row) {
    if (duck_vector_null(v, row)) return json_null();
    if (is_nested(t->id)) return nested_json(api, t, v, row);
    if (t->id == DT_BOOLEAN) return json_boolean(((const bool *)v->data)[row]);
    if (t->id == DT_FLOAT || t->id == DT_DOUBLE) {
        double n = duck_value_real(t, v, row);
        return isfinite(n) ? json_real(n) : text_json(api, t, v, row);
    }
    if (is_whole(t) || t->id == DT_HUGEINT) {
        i128 n = integer_at((int)t->id, v, row);
        if (n >= INT64_MIN && n <= INT64_MAX) return json_integer((json_int_t)n);
    }
    return text_json(api, t, v, row);
}

/* ---- numbers ---- */

int64_t duck_value_int(const struct duck_type *t, const struct duck_vector *v, uint64_t row) {
    if (duck_vector_null(v, row)) return 0;
    switch (t->id) {
    case DT_FLOAT:
    case DT_DOUBLE: return (int64_t)duck_value_real(t, v, row);
    case DT_DECIMAL: {
        i128 n = integer_at(t->storage, v, row);
        for (int i = 0; i < t->scale; i++) n /= 10;
        return (int64_t)n;
    }
    case DT_VARCHAR:
    case DT_BLOB:
    case DT_BIT:
    case DT_INTERVAL:
    case DT_UUID: return 0;
    default: return is_nested(t->id) ? 0 : (int64_t)integer_at((int)t->id, v, row);
    }
}

double duck_value_real(const struct duck_type *t, const struct duck_vector *v, uint64_t row) {
    if (duck_vector_null(v, row)) return 0;
    if (t->id == DT_FLOAT) return (double)((const float *)v->data)[row];
    if (t->id == DT_DOUBLE) return ((const double *)v->data)[row];
    if (t->id == DT_DECIMAL) return (double)integer_at(t->storage, v, row) / pow(10, t->scale);
    if (t->id == DT_HUGEINT) return (double)huge_at(v, row);
    return (double)duck_value_int(t, v, row);
}
