/* exchange.c: where the documents are, and the small files a process step leaves. See exchange.h. */
#include "operators/exchange.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fsio.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

char *exchange_path(const char *state, const char *token, const char *suffix) {
    struct buf b = BUF_INIT;
    buf_addf(&b, "%s/stage/%s.%s", state, token, suffix);
    return buf_take(&b);
}

static char *document_path(const char *state, const char *token, const char *action, const char *what) {
    struct buf b = BUF_INIT;
    bool own = strcmp(action, "publish") == 0;
    buf_addf(&b, "%s%s.json", own ? "publish." : "", what);
    char *path = exchange_path(state, token, buf_str(&b));
    buf_release(&b);
    return path;
}

char *exchange_request_path(const char *state, const char *token, const char *action) {
    return document_path(state, token, action, "request");
}

char *exchange_result_path(const char *state, const char *token, const char *action) {
    return document_path(state, token, action, "result");
}

/* Reads a file that need not be there: NULL with err->msg empty then. */
static char *read_optional(const char *path, size_t max, size_t *len, struct err *err) {
    if (err) *err = (struct err){0};
    if (!fs_exists(path)) return NULL;
    return fs_read(path, max, len, err);
}

static bool name_is_good(const char *s, size_t n) {
    if (n == 0 || n > LIMIT_NAME_BYTES) return false;
    for (size_t i = 0; i < n; i++) {
        bool letter = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || s[i] == '_';
        bool digit = s[i] >= '0' && s[i] <= '9';
        if (!letter && !(digit && i > 0)) return false;
    }
    return true;
}

static int add_output(json_t *outputs, const char *line, size_t n, size_t number, struct err *err) {
    const char *equals = memchr(line, '=', n);
    size_t name = equals ? (size_t)(equals - line) : 0;
    if (!equals || !name_is_good(line, name)) {
        err_set(err, EX_FAILED, "LEAT_OUTPUT: line %zu is not name=value", number);
        return err_hint(err, "write one `name=value` a line; a name has letters, digits and _");
    }
    if (utf8_check(line, n) < n)
        return err_set(err, EX_FAILED, "LEAT_OUTPUT: line %zu is not UTF-8 text", number);
    json_t *value = json_stringn(equals + 1, n - name - 1);
    if (!value) return err_set(err, EX_FAILED, "LEAT_OUTPUT: line %zu is not text", number);
    char *key = xmalloc(name + 1);
    memcpy(key, line, name);
    key[name] = 0;
    json_put(outputs, key, value);
    free(key);
    return 0;
}

json_t *exchange_outputs(const char *path, struct err *err) {
    size_t len = 0;
    char *text = read_optional(path, LIMIT_OUTPUT_FILE_BYTES, &len, err);
    if (!text && err && err->msg[0]) return NULL;
    json_t *outputs = json_object();
    size_t number = 0;
    for (const char *p = text, *end = text ? text + len : NULL; p < end;) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        if (!stop) stop = end;
        number++;
        if (stop > p && add_output(outputs, p, (size_t)(stop - p), number, err) < 0) {
            json_decref(outputs);
            free(text);
            return NULL;
        }
        p = stop + 1;
    }
    free(text);
    return outputs;
}

char *exchange_bookmark_value(const char *path, struct err *err) {
    size_t len = 0;
    char *text = read_optional(path, LIMIT_BOOKMARK_VALUE_BYTES, &len, err);
    if (!text) return NULL;
    while (len && (text[len - 1] == '\n' || text[len - 1] == '\r')) text[--len] = 0;
    if (len && utf8_check(text, len) == len && !memchr(text, 0, len)) return text;
    free(text);
    if (len) err_set(err, EX_FAILED, "LEAT_BOOKMARK_FILE does not hold text");
    return NULL;
}
