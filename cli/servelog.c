/* servelog.c: see servelog.h. */
#include "cli/servelog.h"

#include "base/buf.h"
#include "base/instant.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_one_of(const char *key, const char *const *keys) {
    for (; *keys; keys++)
        if (strcmp(key, *keys) == 0) return true;
    return false;
}

/* Not said in a line of text: where it stands already, what nobody reads there, what is not known (a count of
 * -1), and what did not happen. */
static bool is_left_out(const char *key, const json_t *v) {
    static const char *const never[] = {"seq",      "at",  "type",  "counts",   "outputs", "log",
                                        "warnings", "sql", "index", "timezone", NULL};
    static const char *const when_true[] = {"nothing_new", "warned", NULL};
    if (json_is_null(v) || is_one_of(key, never)) return true;
    if (json_is_integer(v) && json_integer_value(v) == -1) return true;
    return json_is_false(v) && is_one_of(key, when_true);
}

static void add_text(struct buf *b, const char *text) {
    if (*text && !strpbrk(text, " \"=\n\t\\")) {
        buf_adds(b, text);
        return;
    }
    json_t *quoted = json_string(text);
    char *s = json_dumps(quoted, JSON_ENCODE_ANY);
    buf_adds(b, s);
    free(s);
    json_decref(quoted);
}

static void add_value(struct buf *b, const json_t *v) {
    if (json_is_string(v)) {
        add_text(b, json_string_value(v));
        return;
    }
    const json_t *start = json_object_get(v, "start"), *end = json_object_get(v, "end");
    if (json_is_string(start) && json_is_string(end)) {
        buf_addf(b, "%s..%s", json_string_value(start), json_string_value(end));
        return;
    }
    char *s = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
    buf_adds(b, s ? s : "");
    free(s);
}

static void text_line(struct buf *b, const char *level, const json_t *event) {
    const char *key;
    json_t *v;
    buf_addf(b, "%s %-5s %s", json_text_or(event, "at", "-"), level, json_text_or(event, "type", ""));
    json_object_foreach((json_t *)(uintptr_t)event, key, v) {
        if (is_left_out(key, v)) continue;
        buf_addf(b, " %s=", key);
        add_value(b, v);
    }
}

static void json_line_of(struct buf *b, const char *level, const json_t *event) {
    json_t *e = json_copy((json_t *)(uintptr_t)event);
    json_put_text(e, "level", level);
    char *s = json_line(e);
    buf_adds(b, s);
    free(s);
    json_decref(e);
}

void servelog_event(void *ctx, const char *level, const json_t *event) {
    const struct servelog *l = ctx;
    struct buf b = BUF_INIT;
    if (strcmp(json_text_or(event, "type", ""), "step_progress") == 0) return;
    (l->json ? json_line_of : text_line)(&b, level, event);
    buf_addc(&b, '\n');
    fwrite(b.s, 1, b.len, l->out->file);
    fflush(l->out->file);
    buf_release(&b);
}
