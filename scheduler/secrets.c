/* secrets.c: see secrets.h. */
#include "scheduler/secrets.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

enum { SECRET_BYTES = 64 << 10 };

static json_t *from_file(const char *rest, const struct secret_sources *from) {
    char *path = fs_join(from->root, rest);
    size_t len;
    struct err ignored;
    char *text = fs_read(path, SECRET_BYTES, &len, &ignored);
    free(path);
    if (!text) return NULL;
    while (len && (text[len - 1] == '\n' || text[len - 1] == '\r')) text[--len] = 0;
    json_t *v = json_string(text);
    explicit_bzero(text, len);
    free(text);
    return v;
}

static json_t *from_env(const char *rest, const struct secret_sources *from) {
    const char *v = getenv(rest);
    if (!v) v = json_text(from->env_files, rest);
    return v ? json_string(v) : NULL;
}

static const struct {
    const char *scheme;
    json_t *(*read)(const char *rest, const struct secret_sources *from);
} sources[] = {{"file:", from_file}, {"env:", from_env}};

static json_t *resolve_one(const char *reference, const struct secret_sources *from) {
    for (size_t i = 0; reference && i < sizeof sources / sizeof *sources; i++) {
        size_t n = strlen(sources[i].scheme);
        if (strncmp(reference, sources[i].scheme, n) == 0) return sources[i].read(reference + n, from);
    }
    return NULL;
}

json_t *secrets_resolve(const json_t *references, const struct secret_sources *from) {
    json_t *values = json_object(), *reference;
    const char *name;
    json_object_foreach((json_t *)(uintptr_t)references, name, reference) {
        json_t *v = resolve_one(json_string_value(reference), from);
        if (v) json_put(values, name, v);
    }
    return values;
}

const char **secrets_masks(const json_t *secrets) {
    const char **list = xcalloc(json_object_size(secrets) + 1, sizeof *list);
    size_t n = 0;
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)secrets, name, v) {
        if (json_string_length(v)) list[n++] = json_string_value(v);
    }
    return list;
}
