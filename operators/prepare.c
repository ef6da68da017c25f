/* prepare.c: questions to answers, step by step. See prepare.h. */
#include "operators/prepare_impl.h"

#include "base/arena.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

struct duck *prepare_duck(const struct prepare_step *s) {
    return s->all->r.duck;
}
struct known *prepare_known(const struct prepare_step *s) {
    return s->all->known;
}
struct arena *prepare_arena(const struct prepare_step *s) {
    return s->all->arena;
}

const char *step_dataset(const struct prepare_step *s) {
    return json_text(json_object_get(s->question, "into"), "dataset");
}

const struct op *step_op(const struct prepare_step *s) {
    return op_find(json_text_or(s->question, "verb", ""));
}

void prepare_complain(struct prepare_step *s, const struct problem *p) {
    json_t *o = json_object();
    json_put_text(o, "kind", p->kind);
    json_put(o, "doubtful", json_boolean(p->doubtful));
    json_put(o, "at", p->at);
    json_put(o, "key", json_boolean(p->key));
    json_put(o, "position", json_integer(p->position));
    json_put_text(o, "name", p->name);
    json_put_text(o, "message", p->message);
    json_put_text(o, "meant", p->meant);
    json_put_text(o, "note", p->note);
    json_array_append_new(json_object_get(s->answer, "problems"), o);
}

/* ---- reading the texts ---- */

static void unread(struct prepare_step *s, const struct statement *st, json_t *at) {
    struct problem p = {
        .kind = PROBLEM_SQL, .message = st->error, .at = at, .position = st->error_at, .note = st->hint};
    prepare_complain(s, &p);
}

static void read_statement(struct prepare_step *s, const json_t *sql, const char *list, json_t *at) {
    const struct statement *st = statement_of(s->all, sql);
    json_t *names = json_object_get(s->answer, list);
    if (st->error) {
        unread(s, st, at);
        return;
    }
    for (size_t i = 0; i < st->reads.count; i++)
        json_array_append_new(names, json_string(st->reads.names[i]));
    json_decref(at);
}

static void read_texts(struct prepare_step *s) {
    const char *key;
    size_t i;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)s->config, key, v) if (is_statement(v))
        read_statement(s, v, "reads", json_pack("[ss]", "config", key));
    json_array_foreach(json_object_get(s->question, "checks"), i, v) {
        const json_t *sql = json_object_get(v, "sql");
        if (is_statement(sql)) read_statement(s, sql, "checked", json_pack("[sis]", "checks", (int)i, "sql"));
    }
}

static void begin(struct prepare *p, struct prepare_step *s, const json_t *question) {
    *s = (struct prepare_step){.all = p,
                               .question = question,
                               .config = json_object_get(question, "config"),
                               .answer =
                                   json_pack("{s[] s[] sn s[]}", "reads", "checked", "columns", "problems")};
    read_texts(s);
}

/* ---- one step ---- */

/* How it writes, when its SQL names what is new in a dataset and when not (contract.md 25). */
static enum stage_write write_of(const struct prepare_step *s) {
    const json_t *into = json_object_get(s->question, "into"), *name;
    const char *word = json_text_or(into, "write", "");
    size_t i;
    json_array_foreach(json_object_get(s->answer, "reads"), i, name) {
        const char *read = json_string_value(name);
        if (dataset_name(s->all->arena, read) != read) word = json_text_or(into, "write_new", word);
    }
    for (i = 0; i <= STAGE_MERGE; i++)
        if (strcmp(stage_write_names[i], word) == 0) return (enum stage_write)i;
    return STAGE_APPEND;
}

static enum stage_policy policy_of(const struct prepare_step *s) {
    static const char *const words[] = {"any", "add", "strict"};
    const char *word = json_text_or(json_object_get(s->question, "into"), "schema", "");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], word) == 0) return (enum stage_policy)i;
    return STAGE_ANY;
}

static void not_publishable(struct prepare_step *s, const struct known_columns *now, const struct err *err) {
    bool policy = err->exit == EX_GATE;
    struct problem p = {.kind = policy ? PROBLEM_POLICY : PROBLEM_COLUMNS,
                        .message = err->msg,
                        .at = json_pack("[s]", "into"),
                        .doubtful = !s->rows.types_sure || (policy && !now->types_sure),
                        .position = -1,
                        .note = err->hint[0] ? err->hint : NULL};
    prepare_complain(s, &p);
}

static json_t *names_of(const json_t *columns) {
    json_t *names = json_array(), *c;
    size_t i;
    json_array_foreach(columns, i, c) json_array_append(names, json_object_get(c, "name"));
    return names;
}

/* What comes into the dataset is known: its keys and checks can be looked at, and who reads it. */
static void publish(struct prepare_step *s, struct known_columns *after) {
    struct known *known = s->all->known;
    struct known_columns kept = *after;
    json_incref(kept.list);
    if (after->names_sure) json_put(s->answer, "columns", names_of(after->list));
    known_put(known, step_dataset(s), after);
    prepare_keys(s, &kept);
    json_decref(kept.list);
}

static void finish(struct prepare_step *s) {
    const char *dataset = step_dataset(s);
    struct known *known = s->all->known;
    struct known_columns after = {0};
    struct err err = {0};
    if (!dataset) return;
    const struct known_columns *now = known_get(known, dataset);
    const struct stage_into into = {.dataset = dataset, .policy = policy_of(s), .write = write_of(s)};
    if (s->rows.list && known_after(&into, now, &s->rows, &after, &err) == 0) {
        publish(s, &after);
        return;
    }
    if (s->rows.list) not_publishable(s, now, &err);
    known_doubt(known, dataset);
}

static void look_at(struct prepare_step *s) {
    const struct op *op = step_op(s);
    if (op && op->prepare) op->prepare(s);
    finish(s);
}

/* ---- all of them ---- */

static json_t *take_answers(struct prepare *p) {
    json_t *answers = json_array();
    for (size_t i = 0; i < p->count; i++) json_array_append_new(answers, p->steps[i].answer);
    return answers;
}

static void release(struct prepare *p) {
    for (size_t i = 0; i < p->count; i++) json_decref(p->steps[i].rows.list);
    statements_release(p);
    known_free(p->known);
    free(p->steps);
    arena_free(p->arena);
}

json_t *prepare_steps(const struct prepare_request *r) {
    struct prepare p = {.r = *r,
                        .known = known_new(r->duck, r->store),
                        .arena = arena_new(),
                        .count = json_array_size(r->steps)};
    p.steps = xcalloc(p.count + 1, sizeof *p.steps);
    size_t *order = xcalloc(p.count + 1, sizeof *order);
    for (size_t i = 0; i < p.count; i++) begin(&p, &p.steps[i], json_array_get(r->steps, i));
    size_t n = prepare_order(&p, order);
    for (size_t i = 0; i < n; i++) look_at(&p.steps[order[i]]);
    json_t *answers = take_answers(&p);
    free(order);
    release(&p);
    return answers;
}
