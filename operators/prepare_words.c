/* prepare_words.c: what the engine says of a statement, in our words, and how sure that is.
 *
 * Errors that may come from a stand-in value or from a file that is out of reach here are none of ours: the
 * step will meet them, or not. */
#include "operators/prepare_impl.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/suggest.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What an error depends on: the names of columns, their types as well, or nothing that may change. */
enum ground { GROUND_NONE, GROUND_NAMES, GROUND_TYPES };

/* The engine's words around a name, and ours. */
static const struct {
    const char *before, *after, *noun;
    enum ground ground;
} wordings[] = {
    {"Referenced column \"", "\" not found", "column", GROUND_NAMES},
    {"Referenced column ", " not found", "column", GROUND_NAMES},
    {"\" does not have a column named \"", "\"", "column", GROUND_NAMES},
    {"Column \"", "\" in EXCLUDE list", "column", GROUND_NAMES},
    {"Column \"", "\" in REPLACE list", "column", GROUND_NAMES},
    {"Column \"", "\" in RENAME list", "column", GROUND_NAMES},
    {"Referenced table \"", "\" not found", "table", GROUND_NONE},
    {"because schema \"", "\" does not exist", "zone", GROUND_NONE},
    {"Table with name ", " does not exist", "table", GROUND_NONE},
    {"Function with name ", " does not exist", "function", GROUND_NONE},
    {"Type with name ", " does not exist", "type", GROUND_NONE},
};

struct words {
    const char *noun, *name, *message; /* noun NULL: the engine's own message */
    enum ground ground;
};

static struct words words_of(struct arena *a, const char *message) {
    const char *line = arena_strndup(a, message, strcspn(message, "\n"));
    struct words w = {.message = line, .ground = GROUND_TYPES};
    for (size_t i = 0; i < sizeof wordings / sizeof *wordings; i++) {
        const char *from = strstr(line, wordings[i].before), *to = NULL;
        if (from) to = strstr(from += strlen(wordings[i].before), wordings[i].after);
        if (!to) continue;
        w = (struct words){.noun = wordings[i].noun,
                           .name = arena_strndup(a, from, (size_t)(to - from)),
                           .message = line,
                           .ground = wordings[i].ground};
        return w;
    }
    return w;
}

/* ---- did you mean ---- */

/* Names to choose from, each once: two tables may share a column. */
struct names {
    const char **list;
    size_t count, cap;
};

static void add_name(struct names *n, const char *name) {
    for (size_t i = 0; i < n->count; i++)
        if (strcasecmp(n->list[i], name) == 0) return;
    GROW(n->list, n->count, n->cap);
    n->list[n->count++] = name;
}

static void add_candidates(struct prepare *p, struct names *n) {
    const char *c = json_text_or(duck_error_said(p->r.duck), "candidates", "");
    for (; *c; c += strcspn(c, ","), c += strspn(c, ", "))
        add_name(n, arena_strndup(p->arena, c, strcspn(c, ",")));
}

/* The dataset of this name, where its zone was forgotten. */
static const char *with_zone(const struct prepare *p, const char *table) {
    for (size_t i = 0; i < p->count; i++) {
        const char *dataset = step_dataset(&p->steps[i]), *dot = dataset ? strchr(dataset, '.') : NULL;
        if (dot && strcmp(dot + 1, table) == 0) return dataset;
    }
    const char *candidate = json_text_or(duck_error_said(p->r.duck), "candidates", "");
    return strchr(candidate, '.') ? arena_strdup(p->arena, candidate) : NULL;
}

/* The engine offers the nearest name however far it is; ours must be near. */
static const char *meant_of(struct prepare *p, const struct words *w, const struct reading *r) {
    const char *noun = w->noun ? w->noun : "", *key;
    struct names n = {0};
    size_t i;
    json_t *v;
    if (strcmp(noun, "table") == 0 && !strchr(w->name, '.')) return with_zone(p, w->name);
    if (strcmp(noun, "column") == 0)
        json_array_foreach(r->columns, i, v) add_name(&n, json_text_or(v, "name", ""));
    if (strcmp(noun, "zone") == 0)
        json_object_foreach((json_t *)(uintptr_t)p->r.zones, key, v) add_name(&n, key);
    if (*noun) add_candidates(p, &n);
    const char *meant = n.count ? suggest(w->name, n.list, n.count) : NULL;
    free(n.list);
    return meant;
}

/* ---- the problem ---- */

static const char *note_of(struct prepare *p, const struct words *w, const struct reading *r) {
    struct buf b = BUF_INIT;
    const char *candidates = json_text(duck_error_said(p->r.duck), "candidates");
    bool column = w->noun && strcmp(w->noun, "column") == 0;
    for (size_t i = 0; column && i < r->count; i++)
        buf_addf(&b, "%s%s", i ? "\n" : "",
                 columns_note(p->arena, r->tables[i].dataset, r->tables[i].columns));
    if (!w->noun && candidates) buf_addf(&b, "there are: %.300s", candidates);
    const char *out = b.len ? arena_strdup(p->arena, buf_str(&b)) : NULL;
    buf_release(&b);
    return out;
}

static const char *message_of(struct prepare *p, const struct statement *st, const struct words *w,
                              const struct reading *r) {
    if (!w->noun) return w->message;
    bool of_one = w->ground == GROUND_NAMES && r->count == 1 && (st->reads.one_table || !st->reads.count);
    return arena_printf(p->arena, "no %s `%s`%s%s", w->noun, w->name, of_one ? " in " : "",
                        of_one ? r->tables[0].dataset : "");
}

/* Conversions may fail for the stand-in, files are out of reach: only what is said about names and types
 * counts. */
static bool is_ours(const json_t *said) {
    static const char *const kinds[] = {"Parser", "Binder", "Catalog"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(json_text_or(said, "exception_type", ""), kinds[i]) == 0) return true;
    return false;
}

json_t *statement_problem(struct prepare *p, const struct statement *st, const struct reading *r) {
    const json_t *said = duck_error_said(p->r.duck);
    struct words w = words_of(p->arena, json_text_or(said, "exception_message", ""));
    if (!is_ours(said) || (w.ground == GROUND_TYPES && !r->typed)) return NULL;
    bool sure = w.ground == GROUND_NONE || (r->names_sure && (w.ground == GROUND_NAMES || r->types_sure));
    json_t *o = json_object();
    json_put(o, "doubtful", json_boolean(!sure));
    json_put(o, "position", json_integer(duck_error_position(p->r.duck)));
    json_put_text(o, "name", w.name);
    json_put_text(o, "message", message_of(p, st, &w, r));
    json_put_text(o, "meant", meant_of(p, &w, r));
    json_put_text(o, "note", note_of(p, &w, r));
    return o;
}
