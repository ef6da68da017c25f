/* reads.c: which tables a query names, from the parser's own syntax tree.
 *
 * json_serialize_sql() touches neither files nor tables. Unqualified names are CTEs or mistakes; a table with
 * a schema is a dataset `zone.name`. The tree is walked with a stack of its own: queries nest as deep as
 * their author likes. */
#include "base/json.h"
#include "base/map.h"
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

struct walk {
    const json_t **stack;
    size_t count, cap;
    struct map seen;
    struct arena *arena;
    const char **names;
    size_t name_count, name_cap;
};

static void push(struct walk *w, const json_t *v) {
    if (!json_is_object(v) && !json_is_array(v)) return;
    GROW(w->stack, w->count, w->cap);
    w->stack[w->count++] = v;
}

/* Last child first, so that the first is visited first. */
static void push_children(struct walk *w, const json_t *node) {
    size_t start = w->count, i;
    const char *key;
    json_t *child;
    if (json_is_array(node)) {
        json_array_foreach(node, i, child) push(w, child);
    } else {
        json_object_foreach((json_t *)(uintptr_t)node, key, child) push(w, child);
    }
    for (size_t a = start, b = w->count; a + 1 < b; a++) {
        const json_t *swap = w->stack[a];
        w->stack[a] = w->stack[--b];
        w->stack[b] = swap;
    }
}

static void note_table(struct walk *w, const json_t *node) {
    const char *type = json_text(node, "type"), *schema = json_text_or(node, "schema_name", "");
    const char *table = json_text(node, "table_name");
    if (!type || strcmp(type, "BASE_TABLE") != 0 || !*schema || !table) return;
    char *name = arena_printf(w->arena, "%s.%s", schema, table);
    if (!map_add(&w->seen, name, w->name_count, NULL)) return;
    GROW(w->names, w->name_count, w->name_cap);
    w->names[w->name_count++] = name;
}

static void walk_tree(struct walk *w, const json_t *tree) {
    push(w, tree);
    while (w->count) {
        const json_t *node = w->stack[--w->count];
        if (json_is_object(node)) note_table(w, node);
        push_children(w, node);
    }
}

static int serialize_failed(struct duck *d, const json_t *tree, struct err *err) {
    const char *position = json_text(tree, "position");
    d->error_position = position ? strtoll(position, NULL, 10) : -1;
    const char *why = json_text_or(tree, "error_message", "the text does not parse as SQL");
    err_set(err, EX_INVALID, "%.*s", (int)strcspn(why, "\n"), why);
    return err_reason(err, "sql");
}

int duck_parse_reads(struct duck *d, const char *sql, struct arena *arena, struct duck_reads *out,
                     struct err *err) {
    json_t *params = json_pack("[{s:s,s:s,s:s}]", "name", "q", "type", "text", "value", sql);
    if (!params) return err_set(err, EX_INVALID, "the SQL text is not UTF-8");
    char *text = duck_get_text(d, "SELECT json_serialize_sql($q::VARCHAR)", params, err);
    json_decref(params);
    if (!text) return -1;
    /* Places that are not known are 2^64-1, more than JSON integers hold here: numbers are read as reals. */
    json_error_t why;
    json_t *tree = json_loads(text, JSON_DECODE_INT_AS_REAL, &why);
    free(text);
    if (!tree) return err_set(err, EX_INVALID, "the statement is nested too deeply to be read: %s", why.text);
    if (json_flag(tree, "error")) {
        int r = serialize_failed(d, tree, err);
        json_decref(tree);
        return r;
    }
    struct walk w = {.arena = arena};
    walk_tree(&w, json_object_get(tree, "statements"));
    out->names = arena_array(arena, w.name_count ? w.name_count : 1, sizeof *out->names);
    if (w.name_count) memcpy(out->names, w.names, w.name_count * sizeof *w.names);
    out->count = w.name_count;
    map_release(&w.seen);
    free(w.stack);
    free(w.names);
    json_decref(tree);
    return 0;
}
