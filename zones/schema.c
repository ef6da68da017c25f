/* schema.c: see schema.h. */
#include "zones/schema.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/suggest.h"
#include "zones/delta.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- small questions ----------------------------------------------------------------------------------- */

const json_t *schema_column(const json_t *columns, const char *name) {
    size_t i;
    json_t *c;
    json_array_foreach(columns, i, c) if (strcasecmp(json_text_or(c, "name", ""), name) == 0) return c;
    return NULL;
}

/* Types nest at most as deep as the parser that read them allowed. */
static bool type_uses(const json_t *type, const char *word) {
    if (json_is_string(type)) return strcmp(json_string_value(type), word) == 0;
    const json_t *parts = json_is_object(type) ? NULL : type;
    size_t i;
    const char *key;
    json_t *part;
    if (parts) {
        json_array_foreach(parts, i, part) if (type_uses(part, word)) return true;
        return false;
    }
    json_object_foreach((json_t *)(uintptr_t)type, key, part) {
        bool holds_type = strcmp(key, "name") != 0 && strcmp(key, "metadata") != 0;
        if (holds_type && type_uses(part, word)) return true;
    }
    return false;
}

bool schema_uses(const json_t *columns, const char *delta_type) {
    size_t i;
    json_t *c;
    json_array_foreach(columns, i, c) if (type_uses(json_object_get(c, "type"), delta_type)) return true;
    return false;
}

static const char *nearest(const json_t *columns, const char *name) {
    size_t n = json_array_size(columns);
    const char **names = xcalloc(n + 1, sizeof *names);
    for (size_t i = 0; i < n; i++) names[i] = json_text_or(json_array_get(columns, i), "name", "");
    const char *best = suggest(name, names, n);
    free(names);
    return best;
}

int schema_has(const json_t *columns, const json_t *names, const char *what, struct err *err) {
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name) {
        const char *word = json_string_value(name);
        if (schema_column(columns, word)) continue;
        err_set(err, EX_INVALID, "%s: the step gives no column `%s`", what, word);
        const char *meant = nearest(columns, word);
        if (meant) err_hint(err, "did you mean `%s`?", meant);
        return err_reason(err, "column");
    }
    return 0;
}

static char *type_text(const json_t *type) {
    return json_is_string(type) ? xstrdup(json_string_value(type)) : json_line(type);
}

/* ---- the first version ---- */

static int names_differ(const json_t *columns, struct err *err) {
    size_t n = json_array_size(columns);
    for (size_t i = 0; i < n; i++) {
        const char *name = json_text_or(json_array_get(columns, i), "name", "");
        for (size_t j = 0; j < i; j++) {
            if (strcasecmp(name, json_text_or(json_array_get(columns, j), "name", "")) != 0) continue;
            err_set(err, EX_INVALID, "the step gives two columns named `%s`", name);
            return err_hint(err, "give one of them another name: `… as other_name`");
        }
    }
    return 0;
}

static void add_item(struct buf *out, const char *from, const char *cast, const char *name) {
    if (out->len) buf_adds(out, ", ");
    if (cast) buf_adds(out, "CAST(");
    if (from)
        buf_sql_ident(out, from);
    else
        buf_adds(out, "NULL");
    if (cast) buf_addf(out, " AS %s)", cast);
    if (from && !cast && strcmp(from, name) == 0) return;
    buf_adds(out, " AS ");
    buf_sql_ident(out, name);
}

/* The column as the query gives it: its Delta type, and the cast that makes it one. */
static int own_type(const json_t *described, bool ntz, struct delta_type *out, struct err *err) {
    const char *name = json_text_or(described, "name", "");
    return delta_type_of(name, json_text_or(described, "type", ""), ntz, out, err);
}

static void warn_loss(json_t *warnings, const char *name, const struct delta_type *t) {
    if (!t->warning) return;
    struct buf b = BUF_INIT;
    buf_addf(&b, "column `%s`: %s", name, t->warning);
    json_array_append_new(warnings, json_string(buf_str(&b)));
    buf_release(&b);
}

static json_t *column_of(const char *name, const json_t *type) {
    json_t *c = json_object();
    json_put_text(c, "name", name);
    json_put(c, "type", json_deep_copy(type));
    json_put(c, "nullable", json_true());
    return c;
}

/* ---- meeting the current columns ---- */

struct meeting {
    const struct stage_into *into;
    const json_t *described;
    json_t *warnings;
    struct schema_plan *out;
    struct buf blocked; /* the difference, as far as it is not allowed */
    bool ntz;
};

static void block(struct meeting *m, const char *fmt, const char *name, const char *a, const char *b) {
    if (m->blocked.len) buf_adds(&m->blocked, "; ");
    buf_addf(&m->blocked, "%s `%s`", fmt, name);
    if (a) buf_addf(&m->blocked, " %s", a);
    if (b) buf_addf(&m->blocked, " -> %s", b);
}

static void keep(struct meeting *m, const char *from, const char *cast, const char *name,
                 const json_t *type) {
    add_item(&m->out->projection, from, cast, name);
    if (!from || cast || strcmp(from, name) != 0) m->out->as_it_is = false;
    json_array_append_new(m->out->columns, column_of(name, type));
}

/* The dataset has the column, the step does not give it. */
static void meet_missing(struct meeting *m, const json_t *current) {
    const char *name = json_text_or(current, "name", "");
    const struct stage_into *into = m->into;
    if (into->policy == STAGE_ANY && into->write == STAGE_REPLACE) {
        m->out->changed = true;
        return;
    }
    if (into->policy == STAGE_STRICT || json_is_false(json_object_get(current, "nullable"))) {
        block(m, "missing", name, NULL, NULL);
        return;
    }
    struct buf sql = BUF_INIT, text = BUF_INIT;
    delta_sql_type(json_object_get(current, "type"), &sql);
    keep(m, NULL, buf_str(&sql), name, json_object_get(current, "type"));
    buf_addf(&text, "column `%s` of %s is not given by the step: it is NULL in the new rows", name,
             into->dataset);
    json_array_append_new(m->warnings, json_string(buf_str(&text)));
    buf_release(&sql);
    buf_release(&text);
}

static bool may_retype(const struct meeting *m, bool wider) {
    if (m->into->write != STAGE_REPLACE) return false;
    return m->into->policy == STAGE_ANY || (wider && m->into->policy == STAGE_ADD);
}

static bool written_alike(const char *a, const char *b) { return strcasecmp(a, b) == 0; }

/* Both have it. */
static void meet_both(struct meeting *m, const json_t *current, const json_t *given,
                      const struct delta_type *t) {
    const char *name = json_text_or(current, "name", ""), *from = json_text_or(given, "name", "");
    const json_t *type = json_object_get(current, "type");
    if (json_equal(type, t->type)) {
        keep(m, from, t->cast, name, type);
        return;
    }
    if (may_retype(m, delta_type_is_wider(t->type, type))) {
        keep(m, from, t->cast, name, t->type);
        m->out->changed = true;
        return;
    }
    struct buf sql = BUF_INIT;
    bool known = delta_sql_type(type, &sql);
    if (known && delta_type_is_wider(type, t->type)) {
        bool alike = written_alike(buf_str(&sql), json_text_or(given, "type", ""));
        keep(m, from, alike ? NULL : buf_str(&sql), name, type);
    } else {
        char *old = type_text(type), *now = type_text(t->type);
        block(m, "type of", name, old, now);
        free(old);
        free(now);
    }
    buf_release(&sql);
}

static int meet_current(struct meeting *m, const json_t *current, struct err *err) {
    const json_t *given = schema_column(m->described, json_text_or(current, "name", ""));
    if (!given) {
        meet_missing(m, current);
        return 0;
    }
    struct delta_type t = {0};
    if (own_type(given, m->ntz, &t, err) < 0) return -1;
    meet_both(m, current, given, &t);
    delta_type_release(&t);
    return 0;
}

static int meet_new(struct meeting *m, const json_t *given, struct err *err) {
    const char *name = json_text_or(given, "name", "");
    struct delta_type t = {0};
    if (own_type(given, m->ntz, &t, err) < 0) return -1;
    warn_loss(m->warnings, name, &t);
    if (m->into->policy == STAGE_STRICT && m->into->columns) {
        char *text = type_text(t.type);
        block(m, "new column", name, text, NULL);
        free(text);
    } else {
        keep(m, name, t.cast, name, t.type);
        m->out->changed = true;
    }
    delta_type_release(&t);
    return 0;
}

static int blocked(const struct meeting *m, struct err *err) {
    static const char *const words[] = {"any", "add", "strict"};
    err_set(err, EX_GATE, "the schema of %s may not change like this (policy `%s`): %s", m->into->dataset,
            words[m->into->policy], buf_str(&m->blocked));
    err_hint(err,
             "either give the columns as they are (a `cast(… as …)` in the step), or allow it: `schema:` of "
             "zone `%.*s` "
             "in leat.yaml (any, add, strict), with `write: replace` where a type changes",
             (int)strcspn(m->into->dataset, "."), m->into->dataset);
    return err_reason(err, "schema");
}

/* Order of the query against order of the projection: told by the names alone. */
static void note_order(struct meeting *m) {
    size_t n = json_array_size(m->described);
    if (n != json_array_size(m->out->columns)) m->out->as_it_is = false;
    for (size_t i = 0; i < n && m->out->as_it_is; i++) {
        const char *a = json_text_or(json_array_get(m->described, i), "name", "");
        m->out->as_it_is = strcmp(a, json_text_or(json_array_get(m->out->columns, i), "name", "")) == 0;
    }
}

static int meet_all(struct meeting *m, struct err *err) {
    size_t i;
    json_t *c;
    json_array_foreach(m->into->columns, i, c) if (meet_current(m, c, err) < 0) return -1;
    json_array_foreach(m->described, i, c) {
        if (schema_column(m->into->columns, json_text_or(c, "name", ""))) continue;
        if (meet_new(m, c, err) < 0) return -1;
    }
    return m->blocked.len ? blocked(m, err) : 0;
}

int schema_plan(const struct stage_into *into, const json_t *described, json_t *warnings,
                struct schema_plan *out, struct err *err) {
    *out = (struct schema_plan){.columns = json_array(), .as_it_is = true};
    struct meeting m = {.into = into,
                        .described = described,
                        .warnings = warnings,
                        .out = out,
                        .ntz = schema_uses(into->columns, "timestamp_ntz")};
    int rc = names_differ(described, err);
    if (rc == 0) rc = meet_all(&m, err);
    buf_release(&m.blocked);
    if (rc == 0)
        note_order(&m);
    else
        schema_plan_release(out);
    return rc;
}

void schema_plan_release(struct schema_plan *p) {
    json_decref(p->columns);
    buf_release(&p->projection);
    *p = (struct schema_plan){0};
}
