/* text.c: a bookmark's value in words and as JSON. */
#include "bookmarks/bookmark.h"

#include "base/buf.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

json_t *bookmark_json(const struct bookmark_row *b) {
    json_t *value = b->value ? json_loads(b->value, JSON_DECODE_ANY, NULL) : NULL;
    return value ? value : json_null();
}

static const char *versions_text(const json_t *value, struct arena *a) {
    struct buf text = BUF_INIT;
    const char *dataset;
    json_t *version;
    json_object_foreach((json_t *)value, dataset, version) {
        if (text.len) buf_adds(&text, ", ");
        buf_addf(&text, "%s v%lld", dataset, (long long)json_integer_value(version));
    }
    const char *kept = text.len ? arena_strdup(a, buf_str(&text)) : "nothing";
    buf_release(&text);
    return kept;
}

const char *bookmark_value_text(const char *kind, const json_t *value, struct arena *a) {
    if (!value || json_is_null(value)) return "nothing";
    if (strcmp(kind, "version") == 0) return versions_text(value, a);
    if (strcmp(kind, "files") == 0) {
        long long files = (long long)json_int(value, "files", 0);
        return files == 0 ? "nothing" : arena_printf(a, "%lld file%s", files, files == 1 ? "" : "s");
    }
    if (json_is_string(value)) return arena_strdup(a, json_string_value(value));
    char *line = json_line(value);
    const char *kept = arena_strdup(a, line);
    free(line);
    return kept;
}

const char *bookmark_text(const struct bookmark_row *b, struct arena *a) {
    json_t *value = bookmark_json(b);
    const char *text = bookmark_value_text(b->kind, value, a);
    json_decref(value);
    return text;
}

int64_t bookmark_since(const struct bookmark_row *b, const char *dataset) {
    json_t *value = strcmp(b->kind, "version") == 0 ? bookmark_json(b) : NULL;
    int64_t since = json_int(value, dataset, -1);
    json_decref(value);
    return since;
}
