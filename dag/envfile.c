/* envfile.c: files of NAME=value lines, as shells and containers know them.
 *
 * `export ` in front is allowed; a value may stand in single quotes (verbatim) or double quotes (\n \t \"
 * \\); without quotes it ends at ` #`. Nothing is expanded. */
#include "base/fsio.h"
#include "base/json.h"
#include "base/limits.h"
#include "dag/build.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool name_good(const char *s, size_t n) {
    if (!n || isdigit((unsigned char)*s)) return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && s[i] != '_') return false;
    return true;
}

/* The value that starts at s, up to the end of its line, into out. */
static bool take_value(const char *s, size_t n, struct buf *out) {
    char quote = n && (*s == '\'' || *s == '"') ? *s : 0;
    size_t i = quote != 0;
    if (!quote) {
        size_t end = n;
        for (size_t k = 1; k < n; k++)
            if (s[k] == '#' && isspace((unsigned char)s[k - 1]) && k < end) end = k;
        while (end && isspace((unsigned char)s[end - 1])) end--;
        buf_add(out, s, end);
        return true;
    }
    for (; i < n && s[i] != quote; i++) {
        char c = s[i];
        if (quote == '"' && c == '\\' && i + 1 < n) {
            c = s[++i];
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        buf_addc(out, c);
    }
    return i < n;
}

static bool take_line(const char *s, size_t n, json_t *into) {
    while (n && isspace((unsigned char)*s)) s++, n--;
    if (!n || *s == '#') return true;
    if (n > 7 && strncmp(s, "export ", 7) == 0) s += 7, n -= 7;
    const char *equals = memchr(s, '=', n);
    if (!equals || !name_good(s, (size_t)(equals - s))) return false;
    struct buf value = BUF_INIT;
    char name[256];
    size_t len = (size_t)(equals - s), rest = n - len - 1;
    bool good = len < sizeof name && take_value(equals + 1, rest, &value);
    if (good) {
        memcpy(name, s, len);
        name[len] = 0;
        json_t *text = json_string(buf_str(&value));
        good = text != NULL;
        if (good) json_put(into, name, text);
    }
    buf_release(&value);
    return good;
}

int env_file_read(const char *path, json_t *into, struct diags *d) {
    struct err err;
    struct stat st;
    size_t len = 0;
    char *text = fs_read(path, LIMIT_OUTPUT_FILE_BYTES, &len, &err);
    if (!text) {
        diag_add(d, "E0122", (struct span){0}, "%s", err.msg);
        return -1;
    }
    struct source source = {.path = path, .text = text, .len = len};
    if (stat(path, &st) == 0 && st.st_mode & 077) {
        struct diag *g = diag_add(d, "W0701", (struct span){.source = &source},
                                  "other users of the machine can read this file");
        diag_label(d, g, "chmod 600 %s", path);
    }
    int r = 0;
    for (size_t at = 0; at < len;) {
        const char *nl = memchr(text + at, '\n', len - at);
        size_t end = nl ? (size_t)(nl - text) : len;
        if (!take_line(text + at, end - at, into)) {
            diag_add(d, "E0122",
                     (struct span){.source = &source, .start = (uint32_t)at, .end = (uint32_t)end},
                     "this line is not NAME=value");
            r = -1;
        }
        at = end + 1;
    }
    free(text);
    return r;
}
