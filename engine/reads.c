/* reads.c: what the text of a query tells by itself, from the parser's own syntax tree: the tables it names,
 * and the columns it gives when each has a name there.
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
    size_t selects; /* SELECTs in it, the outermost one too */
    bool dynamic, unnests;
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

static bool has(const json_t *node, const char *key, const char *word) {
    return strcmp(json_text_or(node, key, ""), word) == 0;
}

/* Whether some node below has this value. */
static bool any_has(const json_t *tree, const char *key, const char *word) {
    struct walk w = {0};
    bool found = false;
    push(&w, tree);
    while (w.count && !found) {
        const json_t *node = w.stack[--w.count];
        found = has(node, key, word);
        push_children(&w, node);
    }
    free(w.stack);
    return found;
}

static void note_table(struct walk *w, const json_t *node) {
    const char *schema = json_text_or(node, "schema_name", ""), *table = json_text(node, "table_name");
    if (!*schema || !table) return;
    char *name = arena_printf(w->arena, "%s.%s", schema, table);
    if (!map_add(&w->seen, name, w->name_count, NULL)) return;
    GROW(w->names, w->name_count, w->name_cap);
    w->names[w->name_count++] = name;
}

static void note_node(struct walk *w, const json_t *node) {
    if (has(node, "type", "BASE_TABLE")) note_table(w, node);
    if (has(node, "type", "SELECT_NODE")) w->selects++;
    if (has(node, "function_name", "unnest")) w->unnests = true;
    if (has(node, "type", "TABLE_FUNCTION")) w->dynamic |= any_has(node, "class", "PARAMETER");
}

static void walk_tree(struct walk *w, const json_t *tree) {
    push(w, tree);
    while (w->count) {
        const json_t *node = w->stack[--w->count];
        if (json_is_object(node)) note_node(w, node);
        push_children(w, node);
    }
}

/* ---- columns of the result ---- */

/* The outermost SELECT whose list names the columns; NULL when the text does not name them. */
static const json_t *naming_select(const json_t *node) {
    while (has(node, "type", "SET_OPERATION_NODE")) {
        if (strstr(json_text_or(node, "setop_type", ""), "BY_NAME")) return NULL;
        node = json_object_get(node, "left");
    }
    return has(node, "type", "SELECT_NODE") ? node : NULL;
}

/* The name an item of a select list gives its column; NULL when it may be several, or the engine's choice. */
static const char *item_name(const json_t *item) {
    const char *alias = json_text_or(item, "alias", "");
    const json_t *path = json_object_get(item, "column_names");
    if (any_has(item, "class", "STAR") || has(item, "function_name", "unnest")) return NULL;
    return *alias ? alias : json_string_value(json_array_get(path, json_array_size(path) - 1));
}

static void note_columns(const json_t *node, struct arena *arena, struct duck_reads *out) {
    const json_t *select = naming_select(node), *list = json_object_get(select, "select_list"), *item;
    size_t i, n = json_array_size(list);
    const char **columns = arena_array(arena, n + 1, sizeof *columns);
    json_array_foreach(list, i, item) {
        const char *name = item_name(item);
        if (!name) return;
        columns[i] = arena_strdup(arena, name);
    }
    if (!n) return;
    out->columns = columns;
    out->column_count = n;
}

/* ---- all of it ---- */

static int serialize_failed(struct duck *d, const json_t *tree, struct err *err) {
    const char *why = json_text_or(tree, "error_message", "the text does not parse as SQL");
    json_t *said = json_pack("{ss ss}", "exception_type", "Parser", "exception_message", why);
    const char *position = json_text(tree, "position");
    if (position) json_put_text(said, "position", position);
    duck_note_error(d, said);
    err_set(err, EX_INVALID, "%.*s", (int)strcspn(why, "\n"), why);
    return err_reason(err, "sql");
}

static void read_tree(const json_t *statements, struct arena *arena, struct duck_reads *out) {
    struct walk w = {.arena = arena};
    const json_t *node = json_object_get(json_array_get(statements, 0), "node");
    walk_tree(&w, statements);
    *out = (struct duck_reads){.count = w.name_count, .dynamic = w.dynamic, .unnests = w.unnests};
    out->names = arena_array(arena, w.name_count + 1, sizeof *out->names);
    if (w.name_count) memcpy(out->names, w.names, w.name_count * sizeof *w.names);
    out->one_table =
        w.selects == 1 && w.name_count == 1 && has(json_object_get(node, "from_table"), "type", "BASE_TABLE");
    note_columns(node, arena, out);
    map_release(&w.seen);
    free(w.stack);
    free(w.names);
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
    int rc = json_flag(tree, "error") ? serialize_failed(d, tree, err) : 0;
    if (rc == 0) read_tree(json_object_get(tree, "statements"), arena, out);
    json_decref(tree);
    return rc;
}
