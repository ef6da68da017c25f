/* prepare_query.c: one statement against what is known: read, and prepared.
 *
 * The engine is asked the way the step will ask it (DESCRIBE binds names and types with the parameters'
 * types), over empty relations. */
#include "operators/prepare_impl.h"

#include "base/arena.h"
#include "base/json.h"
#include "zones/sqltext.h"

#include <stdlib.h>
#include <string.h>

bool is_statement(const json_t *value) {
    return json_text(value, "text") && json_object_get(value, "params");
}

/* ---- reading ---- */

/* A value of each type that a parameter can have; only the type counts. */
static json_t *stand_in(const char *type) {
    static const struct {
        const char *type, *value;
    } values[] = {
        {"text", "\"2001-01-01\""}, {"integer", "1"},           {"decimal", "0.5"},
        {"boolean", "true"},        {"date", "\"2001-01-01\""}, {"instant", "978307200"},
    };
    for (size_t i = 0; type && i < sizeof values / sizeof *values; i++)
        if (strcmp(values[i].type, type) == 0) return json_loads(values[i].value, JSON_DECODE_ANY, NULL);
    return NULL;
}

static void read_params(struct statement *st, const json_t *given) {
    size_t i;
    json_t *p;
    st->params = json_array();
    st->typed = true;
    json_array_foreach(given, i, p) {
        const char *type = json_text(p, "type");
        json_t *value = stand_in(type), *with = json_object();
        st->typed = st->typed && value;
        json_put_text(with, "name", json_text(p, "name"));
        if (value) json_put_text(with, "type", type);
        json_put(with, "value", value);
        json_array_append_new(st->params, with);
    }
}

static void read_text(struct prepare *p, struct statement *st, const char *text) {
    struct err err = {0};
    st->sql = sql_one_statement(text, &err);
    st->error_at = -1;
    if (st->sql && duck_parse_reads(p->r.duck, st->sql, p->arena, &st->reads, &err) < 0) {
        st->error_at = duck_error_position(p->r.duck);
        free(st->sql);
        st->sql = NULL;
    }
    if (st->sql) return;
    bool other = strstr(err.msg, "Only SELECT") != NULL;
    st->error = other ? "this is another statement than one SELECT" : arena_strdup(p->arena, err.msg);
    if (other) st->hint = "give the rows with SELECT: `into:` and `write:` say what becomes of them";
    if (err.hint[0]) st->hint = arena_strdup(p->arena, err.hint);
}

struct statement *statement_of(struct prepare *p, const json_t *sql) {
    char *params = json_line(json_object_get(sql, "params"));
    const char *key = arena_printf(p->arena, "%s\n%s", params, json_text_or(sql, "text", ""));
    size_t at = p->statement_count;
    free(params);
    if (!map_add(&p->texts, key, at, &at)) return p->statements[at];
    struct statement *st = arena_alloc(p->arena, sizeof *st);
    GROW(p->statements, p->statement_count, p->statement_cap);
    p->statements[p->statement_count++] = st;
    st->open = json_flag(sql, "open");
    read_params(st, json_object_get(sql, "params"));
    read_text(p, st, json_text_or(sql, "text", ""));
    return st;
}

void statements_release(struct prepare *p) {
    for (size_t i = 0; i < p->statement_count; i++) {
        struct statement *st = p->statements[i];
        json_decref(st->params);
        json_decref(st->rows.list);
        json_decref(st->problem);
        free(st->sql);
    }
    free(p->statements);
    map_release(&p->texts);
}

/* ---- what it reads ---- */

static void add_table(struct reading *r, const char *dataset, const struct known_columns *c) {
    r->typed = r->typed && known_typed(c->list);
    r->names_sure = r->names_sure && c->names_sure;
    r->types_sure = r->types_sure && c->types_sure;
    json_array_extend(r->columns, c->list);
    if (r->count == TABLES_NOTED) return;
    r->tables[r->count].dataset = dataset;
    r->tables[r->count++].columns = c->list;
}

static bool is_zone(const struct prepare *p, const char *name) {
    size_t n = strcspn(name, ".");
    char *zone = arena_strndup(p->arena, name, n);
    return json_object_get(p->r.zones, zone) != NULL;
}

/* -1 when the engine fails. A schema that is no zone is left to the engine: it has some of its own. */
static int show_tables(struct prepare *p, const struct statement *st, struct reading *r, struct err *err) {
    for (size_t i = 0; r->known && i < st->reads.count; i++) {
        struct known_columns c;
        const char *name = st->reads.names[i];
        if (!is_zone(p, name)) continue;
        int rc = known_show(p->known, name, &c, err);
        if (rc < 0) return -1;
        r->known = rc == 1;
        if (rc == 1) add_table(r, dataset_name(p->arena, name), &c);
    }
    return 0;
}

static int show_local(struct prepare *p, const struct prepare_local *local, struct reading *r,
                      struct err *err) {
    if (!local) return 0;
    r->known = local->of->list != NULL;
    if (!r->known) return 0;
    add_table(r, local->dataset, local->of);
    return known_show_as(p->known, local->name, local->of->list, err);
}

/* ---- the columns it gives ---- */

static struct known_rows rows_by_text(const struct statement *st) {
    if (!st->reads.columns) return (struct known_rows){0};
    struct known_rows rows = {.list = json_array(), .names_sure = true};
    for (size_t i = 0; i < st->reads.column_count; i++) {
        json_t *c = json_object();
        json_put_text(c, "name", st->reads.columns[i]);
        json_put(c, "type", NULL);
        json_array_append_new(rows.list, c);
    }
    return rows;
}

static struct known_rows rows_by_engine(const struct statement *st, const struct reading *r,
                                        json_t *described) {
    size_t i;
    json_t *c;
    if (!r->typed) json_array_foreach(described, i, c) json_put(c, "type", NULL);
    return (struct known_rows){.list = described,
                               .names_sure = r->names_sure || st->reads.columns,
                               .types_sure = r->types_sure && r->typed};
}

static void look(struct prepare *p, struct statement *st, const struct prepare_local *local) {
    struct reading r = {
        .known = true, .typed = st->typed, .names_sure = true, .types_sure = true, .columns = json_array()};
    struct err err = {0};
    json_t *described = NULL;
    bool ready = st->sql && !st->open && !st->reads.dynamic && show_local(p, local, &r, &err) == 0 &&
                 show_tables(p, st, &r, &err) == 0 && r.known;
    /* What unnest() makes of a column without a type says nothing of its columns. */
    ready = ready && (r.typed || !st->reads.unnests);
    if (ready) described = duck_describe(p->r.duck, st->sql, st->params, &err);
    if (ready && !described) st->problem = statement_problem(p, st, &r);
    if (local) known_hide(p->known, local->name);
    st->rows = described ? rows_by_engine(st, &r, described) : rows_by_text(st);
    json_decref(r.columns);
}

static void forget(struct statement *st) {
    json_decref(st->rows.list);
    json_decref(st->problem);
    st->rows = (struct known_rows){0};
    st->problem = NULL;
}

struct known_rows prepare_query(struct prepare_step *s, const json_t *sql, const struct prepare_local *local,
                                json_t *at) {
    struct statement *st = statement_of(s->all, sql);
    if (local || !st->looked) {
        forget(st);
        look(s->all, st, local);
        st->looked = !local;
    }
    if (st->problem) {
        struct problem p = {.kind = PROBLEM_SQL,
                            .message = json_text_or(st->problem, "message", ""),
                            .at = json_incref(at),
                            .doubtful = json_flag(st->problem, "doubtful"),
                            .position = json_int(st->problem, "position", -1),
                            .name = json_text(st->problem, "name"),
                            .meant = json_text(st->problem, "meant"),
                            .note = json_text(st->problem, "note")};
        prepare_complain(s, &p);
    }
    json_decref(at);
    struct known_rows rows = st->rows;
    json_incref(rows.list);
    return rows;
}
