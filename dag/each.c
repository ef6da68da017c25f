/* each.c: the steps of a pipeline by name, with `each:` unfolded into one instance per value.
 *
 * An instance is named `step.VALUE`; several lists give every combination. Names become file names, so a
 * value may hold letters, digits, `_`, `-` and `.` only. */
#include "base/json.h"
#include "base/limits.h"
#include "dag/build.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct field each_field = {
    .name = "each", .kind = FK_ANY, .flags = FIELD_FIXED, .example = "{region: [eu, us]}"};

static bool value_name_good(const char *s) {
    if (!*s || *s == '.' || strlen(s) > LIMIT_NAME_BYTES) return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("_-.", *s)) return false;
    return true;
}

static bool scalars_only(struct build *b, const struct entry *e, const struct node *map) {
    const struct node *list = e->value;
    if (list->kind == NODE_SCALAR && template_in(list->text)) {
        struct diag *g = load_diag(&b->l, "E0507", node_span(list),
                                   "the values of `each:` must be known when the file is read");
        diag_label(b->l.d, g, "write them as a list");
        return false;
    }
    if (list->kind != NODE_LIST || !list->count) {
        struct diag *g = load_diag(&b->l, "E0103", list->count ? node_span(list) : key_span(map, e),
                                   "`%s` of `each:` is a list of values", e->key);
        diag_label(b->l.d, g, "such as `%s: [eu, us]`", e->key);
        return false;
    }
    bool good = true;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct node *n = list->items[i];
        bool fine = n->kind == NODE_SCALAR && value_name_good(n->text);
        for (uint32_t k = 0; fine && k < i && list->count <= 1000; k++)
            if (list->items[k]->kind == NODE_SCALAR && strcmp(list->items[k]->text, n->text) == 0) {
                struct diag *g =
                    load_diag(&b->l, "E0101", node_span(n), "`%s` is in the list twice", n->text);
                diag_also(b->l.d, g, node_span(list->items[k]), "first here");
                good = false;
            }
        if (fine) continue;
        struct diag *g =
            load_diag(&b->l, "E0206", node_span(n), "a value of `each:` becomes part of a step's name");
        diag_label(b->l.d, g, "letters, digits, `_`, `-` and `.` only");
        good = false;
    }
    return good;
}

static json_t *item_json(struct build *b, const struct node *n) {
    static const struct where w = {.noun = "each"};
    struct value v;
    struct complaint c = {0};
    struct eval eval = {.arena = b->l.arena, .c = &c};
    struct span at;
    return field_parse(&b->l, n, &each_field, &w, &v) ? value_json(&eval, &v, &at) : NULL;
}

static void add_planned(struct build *b, const struct planned *p) {
    size_t old;
    if (!map_add(&b->names, p->name, b->planned_count, &old)) {
        load_diag(&b->l, "E0101", key_span(p->map, p->entry), "step `%s` is defined twice", p->name);
        return;
    }
    GROW(b->planned, b->planned_count, b->planned_cap);
    b->planned[b->planned_count++] = *p;
}

/* Counts through all combinations like an odometer, the last list turning fastest. */
static void unfold(struct build *b, const struct planned *base, const struct node *each) {
    uint32_t at[16] = {0};
    for (bool more = true; more && b->planned_count < LIMIT_STEPS;) {
        struct planned p = *base;
        struct buf name = BUF_INIT;
        buf_adds(&name, base->name);
        p.each = keep_json(&b->l, json_object());
        for (uint32_t i = 0; i < each->count; i++) {
            const struct node *n = each->entries[i].value->items[at[i]];
            buf_addf(&name, ".%s", n->text);
            json_put(p.each, each->entries[i].key, item_json(b, n));
        }
        p.name = arena_strdup(b->l.arena, buf_str(&name));
        buf_release(&name);
        add_planned(b, &p);
        more = false;
        for (uint32_t i = each->count; i-- > 0 && !more;) {
            more = ++at[i] < each->entries[i].value->count;
            if (!more) at[i] = 0;
        }
    }
}

static bool each_good(struct build *b, const struct node *each) {
    static const struct where w = {.noun = "each"};
    bool good = each->kind == NODE_MAP && each->count;
    if (!good) return wrong_shape(&b->l, each, &each_field, "a map of lists");
    (void)w;
    if (each->count > 16) {
        load_diag(&b->l, "E0113", node_span(each), "`each:` takes at most 16 lists");
        return false;
    }
    double all = 1;
    for (uint32_t i = 0; i < each->count; i++) {
        good &= scalars_only(b, &each->entries[i], each);
        all *= each->entries[i].value->count;
    }
    if (!good || all + (double)b->planned_count <= LIMIT_STEPS) return good;
    load_diag(&b->l, "E0113", node_span(each), "a pipeline has at most %d steps", LIMIT_STEPS);
    return false;
}

static void plan_step(struct build *b, const struct node *map, const struct entry *e, bool finally) {
    struct planned p = {.map = map, .entry = e, .name = e->key, .finally = finally};
    if (!text_is_name(e->key, strlen(e->key))) {
        struct diag *g =
            load_diag(&b->l, "E0206", key_span(map, e), "`%.80s` is not a name for a step", e->key);
        diag_label(b->l.d, g,
                   "names are a-z, 0-9 and `_`, start with a letter, and have at most 63 characters");
    }
    const struct node *each = node_get(e->value, "each");
    if (!each) {
        add_planned(b, &p);
        return;
    }
    if (!each_good(b, each)) return;
    map_add(&b->groups, e->key, b->planned_count, NULL);
    p.group = e->key;
    unfold(b, &p, each);
}

void plan_steps(struct build *b, const struct node *map, bool finally) {
    static const struct field f = {
        .name = "steps", .kind = FK_OBJECT, .example = "hello: {shell: echo hello}"};
    if (map->kind != NODE_MAP || !map->count) {
        struct field named = f;
        if (finally) named.name = "finally";
        wrong_shape(&b->l, map, &named, "a map of steps");
        return;
    }
    for (uint32_t i = 0; i < map->count; i++) plan_step(b, map, &map->entries[i], finally);
}
