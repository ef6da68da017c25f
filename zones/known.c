/* known.c: see known.h. */
#include "zones/known.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"
#include "engine/duck.h"
#include "store/datasets.h"
#include "zones/delta.h"
#include "zones/schema.h"

#include <stdlib.h>
#include <string.h>

#define NEW_SUFFIX        "__new"
#define QUARANTINE_SUFFIX "__quarantine"

struct known_dataset {
    const char *name;
    struct known_columns columns;
    bool shown[2]; /* the relation is made: whole, __new */
};

struct known {
    struct duck *duck;
    struct store *store;
    struct arena *arena;
    struct map index; /* name -> place in the list */
    struct known_dataset **list;
    size_t count, cap;
};

struct known *known_new(struct duck *d, struct store *s) {
    struct known *k = xcalloc(1, sizeof *k);
    *k = (struct known){.duck = d, .store = s, .arena = arena_new()};
    return k;
}

void known_free(struct known *k) {
    if (!k) return;
    for (size_t i = 0; i < k->count; i++) json_decref(k->list[i]->columns.list);
    map_release(&k->index);
    free(k->list);
    arena_free(k->arena);
    free(k);
}

bool known_typed(const json_t *list) {
    size_t i;
    json_t *c;
    json_array_foreach(list, i, c) {
        const json_t *type = json_object_get(c, "type");
        if (!type || json_is_null(type)) return false;
    }
    return list != NULL;
}

/* ---- the database ---- */

static bool ends_with(const char *s, const char *suffix) {
    size_t n = strlen(s), m = strlen(suffix);
    return n > m && strcmp(s + n - m, suffix) == 0;
}

static void forget_types(json_t *list) {
    size_t i;
    json_t *c;
    json_array_foreach(list, i, c) json_put(c, "type", NULL);
}

/* A version that cannot be read is one that is not known: whoever runs will hear of it. Files of text have
 * the types the engine sees in all of them together, which no version records. */
static void load(const struct known *k, struct known_dataset *d) {
    struct dataset_row row = {.head = -1};
    struct err ignored = {0};
    if (!k->store || store_dataset_find(k->store, d->name, k->arena, &row, &ignored) != 1) return;
    json_t *list = row.head >= 0 && row.columns ? json_loads(row.columns, 0, NULL) : NULL;
    if (!json_array_size(list)) {
        json_decref(list);
        return;
    }
    bool delta = strcmp(row.format, "delta") == 0;
    if (!delta) forget_types(list);
    /* Rows set aside have the columns of the step that set them aside, whatever those become. */
    bool sure = !ends_with(d->name, QUARANTINE_SUFFIX);
    d->columns = (struct known_columns){.list = list, .names_sure = sure, .types_sure = sure && delta};
}

static struct known_dataset *dataset_of(struct known *k, const char *name) {
    size_t at = k->count;
    if (map_get(&k->index, name, &at)) return k->list[at];
    struct known_dataset *d = arena_alloc(k->arena, sizeof *d);
    d->name = arena_strdup(k->arena, name);
    GROW(k->list, k->count, k->cap);
    k->list[k->count++] = d;
    map_add(&k->index, d->name, at, NULL);
    load(k, d);
    return d;
}

const struct known_columns *known_get(struct known *k, const char *dataset) {
    return &dataset_of(k, dataset)->columns;
}

void known_put(struct known *k, const char *dataset, struct known_columns *columns) {
    struct known_dataset *d = dataset_of(k, dataset);
    json_decref(d->columns.list);
    d->columns = *columns;
    *columns = (struct known_columns){0};
    memset(d->shown, 0, sizeof d->shown);
}

void known_doubt(struct known *k, const char *dataset) {
    struct known_columns *c = &dataset_of(k, dataset)->columns;
    c->names_sure = c->types_sure = false;
}

/* ---- relations ---- */

/* `CAST(NULL AS BIGINT) AS "id", NULL AS "x"`, without rows. */
static void add_select(struct buf *b, const json_t *columns) {
    size_t i;
    json_t *c;
    json_array_foreach(columns, i, c) {
        struct buf type = BUF_INIT;
        bool known = delta_sql_type(json_object_get(c, "type"), &type);
        buf_addf(b, "%s", i ? ", " : "SELECT ");
        buf_addf(b, known ? "CAST(NULL AS %s) AS " : "NULL AS ", buf_str(&type));
        buf_sql_ident(b, json_text_or(c, "name", ""));
        buf_release(&type);
    }
    buf_adds(b, " WHERE false");
}

int known_show_as(struct known *k, const char *name, const json_t *columns, struct err *err) {
    struct buf b = BUF_INIT;
    buf_adds(&b, "CREATE OR REPLACE TEMP VIEW ");
    buf_sql_ident(&b, name);
    buf_adds(&b, " AS ");
    add_select(&b, columns);
    int rc = duck_exec(k->duck, buf_str(&b), NULL, NULL, err);
    buf_release(&b);
    return rc;
}

void known_hide(struct known *k, const char *name) {
    struct buf b = BUF_INIT;
    struct err ignored = {0};
    buf_adds(&b, "DROP VIEW IF EXISTS temp.main.");
    buf_sql_ident(&b, name);
    duck_exec(k->duck, buf_str(&b), NULL, NULL, &ignored);
    buf_release(&b);
}

static int show(struct known *k, const char *name, const json_t *columns, struct err *err) {
    struct buf schema = BUF_INIT, b = BUF_INIT;
    const char *dot = strchr(name, '.');
    char *zone = arena_strndup(k->arena, name, (size_t)(dot - name));
    buf_sql_ident(&schema, zone);
    buf_addf(&b, "CREATE SCHEMA IF NOT EXISTS %s; CREATE OR REPLACE VIEW %s.", buf_str(&schema),
             buf_str(&schema));
    buf_sql_ident(&b, dot + 1);
    buf_adds(&b, " AS ");
    add_select(&b, columns);
    int rc = duck_exec(k->duck, buf_str(&b), NULL, NULL, err);
    buf_release(&schema);
    buf_release(&b);
    return rc;
}

int known_show(struct known *k, const char *name, struct known_columns *out, struct err *err) {
    bool fresh = ends_with(name, NEW_SUFFIX);
    size_t len = strlen(name) - (fresh ? strlen(NEW_SUFFIX) : 0);
    struct known_dataset *d = dataset_of(k, arena_strndup(k->arena, name, len));
    if (!d->columns.list) return 0;
    if (!d->shown[fresh] && show(k, name, d->columns.list, err) < 0) return -1;
    d->shown[fresh] = true;
    *out = d->columns;
    return 1;
}

/* ---- after a publish ---- */

/* Columns the dataset has and the step does not give stay, except where a publish may drop them. */
static bool replaces_all(const struct stage_into *into) {
    return into->policy == STAGE_ANY && into->write == STAGE_REPLACE;
}

static json_t *column_of(const char *name, const json_t *type) {
    json_t *c = json_object();
    json_put_text(c, "name", name);
    json_put(c, "type", type ? json_deep_copy(type) : NULL);
    json_put(c, "nullable", json_true());
    return c;
}

static json_t *delta_of(const json_t *given) {
    struct delta_type t = {0};
    struct err ignored = {0};
    const char *type = json_text(given, "type"), *name = json_text_or(given, "name", "");
    if (!type || delta_type_of(name, type, false, &t, &ignored) < 0) return NULL;
    json_t *out = json_incref(t.type);
    delta_type_release(&t);
    return out;
}

/* Where a type is missing on either side the names meet alone. */
static json_t *meet_names(const struct stage_into *into, const json_t *now, const json_t *given) {
    json_t *out = json_array(), *c;
    size_t i;
    json_array_foreach(now, i, c) {
        const char *name = json_text_or(c, "name", "");
        bool dropped = replaces_all(into) && !schema_column(given, name);
        const json_t *type = replaces_all(into) ? NULL : json_object_get(c, "type");
        if (!dropped) json_array_append_new(out, column_of(name, type));
    }
    json_array_foreach(given, i, c) {
        const char *name = json_text_or(c, "name", "");
        json_t *type = schema_column(out, name) ? NULL : delta_of(c);
        if (!schema_column(out, name)) json_array_append_new(out, column_of(name, type));
        json_decref(type);
    }
    return out;
}

static int meet_types(const struct stage_into *into, const json_t *now, const json_t *given, json_t **out,
                      struct err *err) {
    struct stage_into meets = *into;
    struct schema_plan plan;
    json_t *warnings = json_array();
    meets.columns = now;
    int rc = schema_plan(&meets, given, warnings, &plan, err);
    json_decref(warnings);
    if (rc < 0) return -1;
    *out = json_incref(plan.columns);
    schema_plan_release(&plan);
    return 0;
}

int known_after(const struct stage_into *into, const struct known_columns *now,
                const struct known_rows *given, struct known_columns *out, struct err *err) {
    bool anew = !now->list || replaces_all(into);
    bool typed = known_typed(given->list) && (!now->list || known_typed(now->list));
    *out = (struct known_columns){.names_sure = given->names_sure && (anew || now->names_sure),
                                  .types_sure = given->types_sure && typed && (anew || now->types_sure)};
    if (typed) return meet_types(into, now->list, given->list, &out->list, err);
    out->list = meet_names(into, now->list, given->list);
    return 0;
}
