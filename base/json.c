/* json.c: see json.h. */
#include "base/json.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *json_text(const json_t *obj, const char *key) {
    return json_string_value(json_object_get(obj, key));
}

const char *json_text_or(const json_t *obj, const char *key, const char *otherwise) {
    const char *s = json_text(obj, key);
    return s ? s : otherwise;
}

int64_t json_int(const json_t *obj, const char *key, int64_t otherwise) {
    const json_t *v = json_object_get(obj, key);
    return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

double json_num(const json_t *obj, const char *key, double otherwise) {
    const json_t *v = json_object_get(obj, key);
    return json_is_number(v) ? json_number_value(v) : otherwise;
}

bool json_flag(const json_t *obj, const char *key) { return json_is_true(json_object_get(obj, key)); }

void json_put(json_t *obj, const char *key, json_t *value) {
    json_object_set_new(obj, key, value ? value : json_null());
}

json_t *json_words(const char *text) {
    json_t *v = json_string(text);
    if (v) return v;
    struct buf b = BUF_INIT;
    for (size_t at = 0, n = strlen(text); at < n;) {
        size_t good = utf8_check(text + at, n - at);
        buf_add(&b, text + at, good);
        at += good;
        if (at < n) buf_adds(&b, "\xef\xbf\xbd"), at++;
    }
    v = json_string(buf_str(&b));
    buf_release(&b);
    return v;
}

void json_put_text(json_t *obj, const char *key, const char *text) {
    json_object_set_new(obj, key, text ? json_words(text) : json_null());
}

static json_t *failed(const json_error_t *e, const char *where, struct err *err) {
    err_set(err, EX_ENVIRONMENT, "%s:%d:%d: %s", where, e->line, e->column, e->text);
    return NULL;
}

json_t *json_load_path(const char *path, struct err *err) {
    FILE *f = fopen(path, "re");
    if (!f) {
        err_errno(err, "cannot read %s", path);
        return NULL;
    }
    json_error_t e;
    json_t *v = json_loadf(f, JSON_REJECT_DUPLICATES, &e);
    fclose(f);
    return v ? v : failed(&e, path, err);
}

json_t *json_parse(const char *text, struct err *err) {
    json_error_t e;
    json_t *v = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    return v ? v : failed(&e, "json", err);
}

char *json_line(const json_t *v) {
    char *s = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
    return s ? s : xstrdup("null");
}
