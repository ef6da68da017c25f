/* proposal.c: what an attempt says it has consumed, checked before it can become a version. */
#include "bookmarks/bookmark.h"

#include "base/json.h"
#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

static int wrong(struct err *err, const char *why) {
    err_set(err, EX_FAILED, "the step's bookmark cannot be kept: %s", why);
    return err_reason(err, "bookmark_value");
}

static int files_check(const json_t *proposal, struct err *err) {
    const json_t *files = json_object_get(proposal, "files");
    if (!json_is_array(files)) return wrong(err, "it has no list of files");
    size_t i;
    json_t *file;
    json_array_foreach(files, i, file) {
        const char *path = json_text(file, "path");
        if (!path || !*path) return wrong(err, "a file has no path");
        if (!json_is_integer(json_object_get(file, "size"))) return wrong(err, "a file has no size");
    }
    return 0;
}

static int version_check(const json_t *proposal, struct err *err) {
    json_t *datasets = json_object_get(proposal, "datasets"), *version;
    if (!json_is_object(datasets)) return wrong(err, "it names no datasets");
    const char *name;
    json_object_foreach(datasets, name, version) {
        if (!strchr(name, '.')) return wrong(err, "a dataset's name has no zone");
        if (!json_is_integer(version) || json_integer_value(version) < 0)
            return wrong(err, "a dataset's version is not a number");
    }
    return 0;
}

static int value_check(const json_t *proposal, struct err *err) {
    const json_t *value = json_object_get(proposal, "value");
    if (!value) return wrong(err, "it has no value");
    char *text = json_line(value);
    bool fits =
        text && strlen(text) <= (size_t)LIMIT_BOOKMARK_VALUE_BYTES + 2; /* the quotes are not the value's */
    free(text);
    return fits ? 0 : wrong(err, "it is longer than 64 KiB");
}

static const struct {
    const char *kind;
    int (*check)(const json_t *, struct err *);
} kinds[] = {{"files", files_check}, {"version", version_check}, {"value", value_check}};

int bookmark_check(const char *kind, const json_t *proposal, struct err *err) {
    const char *said = json_text(proposal, "kind");
    if (!said || strcmp(said, kind) != 0) return wrong(err, "it is not of the step's kind");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].kind, kind) == 0) return kinds[i].check(proposal, err);
    return wrong(err, "its kind is unknown");
}

/* Every proposed dataset at the version it has already. */
static bool versions_same(const json_t *now, const json_t *datasets) {
    const char *name;
    json_t *version;
    json_object_foreach((json_t *)datasets, name, version) {
        if (!json_equal(json_object_get(now, name), version)) return false;
    }
    return true;
}

bool bookmark_is_same(const struct bookmark_row *b, const json_t *proposal) {
    if (!proposal || json_is_null(proposal)) return true;
    if (strcmp(b->kind, "files") == 0) return json_array_size(json_object_get(proposal, "files")) == 0;
    json_t *now = bookmark_json(b);
    bool same = strcmp(b->kind, "version") == 0 ? versions_same(now, json_object_get(proposal, "datasets"))
                                                : json_equal(now, json_object_get(proposal, "value"));
    json_decref(now);
    return same;
}
