/* bookmark.c: `bookmark:`: a kind, or a map of the kind and its options. */
#include "base/json.h"
#include "dag/build.h"

#include <stdio.h>
#include <string.h>

static bool is_column(struct build *b, const struct node *n) {
    const struct entry *e = node_find(n, "column");
    bool word = n->kind == NODE_SCALAR && strcmp(n->text, "column") == 0;
    if (!e && !word) return false;
    struct diag *g = load_diag(&b->l, "E0409", e ? key_span(n, e) : node_span(n),
                               "`column` bookmarks belong to `query`, which this version does not have");
    diag_label(b->l.d, g, "the kinds are `files`, `version` and `value`");
    return true;
}

static int kind_of(const char *name) {
    int k = BOOKMARK_FILES;
    while (k <= BOOKMARK_VALUE && strcmp(bookmark_kind_names[k], name) != 0) k++;
    return k;
}

static void take_options(struct build *b, const struct value *v, struct step *s) {
    static const char *const options[] = {"identity", "settle", "on_change", "horizon"};
    for (size_t i = 0; i < 4; i++) {
        const struct value *x = value_member(v, options[i]);
        if (!x) continue;
        if (s->bookmark != BOOKMARK_FILES) {
            load_diag(&b->l, "E0409", x->at, "`%s` is an option of `files` bookmarks only", options[i]);
            continue;
        }
        if (!s->bookmark_options) s->bookmark_options = keep_json(&b->l, json_object());
        json_put(s->bookmark_options, options[i],
                 x->shape == VALUE_TEXT ? json_string(x->text) : json_integer(x->integer));
    }
}

/* `files: true`, `files:` and `files: {settle: 10s}` all say the kind. */
static bool parse_kind(struct build *b, const struct node *map, const struct entry *e, struct step *s) {
    static const struct where w = {.name = "bookmark"};
    const struct node *n = e->value;
    if (s->bookmark) {
        load_diag(&b->l, "E0106", key_span(map, e), "a bookmark has one kind");
        return false;
    }
    s->bookmark = (enum bookmark_kind)kind_of(e->key);
    if (n->kind == NODE_SCALAR && (node_is_null(n) || strcmp(n->text, "true") == 0)) return true;
    if (n->kind == NODE_MAP) {
        struct value v;
        if (fields_parse(&b->l, n, bookmark_fields, &w, &v)) take_options(b, &v, s);
        return true;
    }
    struct diag *g = load_diag(&b->l, "E0103", node_span(n), "`%s` takes no value here", e->key);
    diag_label(b->l.d, g, "write `bookmark: %s`, or options such as `settle: 10s` beside it", e->key);
    return false;
}

bool parse_bookmark(struct build *b, const struct node *n, struct step *s) {
    static const struct where w = {.name = "bookmark"};
    static const char *const kinds[] = {"files", "version", "value", NULL};
    static const struct field kind = {
        .name = "bookmark", .kind = FK_ENUM, .flags = FIELD_FIXED, .values = kinds, .example = "files"};
    struct value v;
    if (is_column(b, n)) return false;
    if (n->kind != NODE_MAP) {
        if (!field_parse(&b->l, n, &kind, &w, &v)) return false;
        s->bookmark = (enum bookmark_kind)kind_of(v.text);
        return true;
    }
    if (!fields_parse(&b->l, n, bookmark_fields, &w, &v)) return false;
    for (uint32_t i = 0; i < n->count; i++)
        if (kind_of(n->entries[i].key) <= BOOKMARK_VALUE && !parse_kind(b, n, &n->entries[i], s))
            return false;
    const struct value *said = value_member(&v, "kind");
    if (said && !s->bookmark) s->bookmark = (enum bookmark_kind)kind_of(said->text);
    if (s->bookmark) {
        take_options(b, &v, s);
        return true;
    }
    struct diag *g = load_diag(&b->l, "E0105", node_span(n), "`bookmark` needs a kind");
    diag_label(b->l.d, g, "such as `files: true`");
    return false;
}
