/* step.c: one step: its keys from up to four layers, its verb, and what it comes after.
 *
 * Layers, the first that says a key wins: the step itself, its template, the pipeline's defaults, the
 * project's. Each key is parsed where it was written, so its expressions are checked in the scope of its own
 * layer. */
#include "base/suggest.h"
#include "dag/step_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY_ERRORS = 200 };

/* ---- collecting */

static void second_verb(struct maker *m, const struct layer *layer, const struct entry *e) {
    struct diag *g =
        load_diag(m->l, "E0106", key_span(layer->map, e), "%s has two verbs", where_text(m->l, &m->where));
    diag_label(m->l->d, g, "a step does one thing: make this a step of its own");
    diag_also(m->l->d, g, key_span(m->verb.layer->map, m->verb.entry), "the other one");
    m->unsure = true;
}

static bool is_default_only(const char *key) { return strcmp(key, "notify") == 0; }

static void collect_entry(struct maker *m, const struct layer *layer, const struct entry *e) {
    size_t row;
    bool known = map_get(&m->b->keys, e->key, &row);
    if (known && row < STEP_KEYS) {
        if (!m->found[row].entry) m->found[row] = (struct found){e, layer};
        return;
    }
    if (layer->kind == LAYER_DEFAULTS && is_default_only(e->key)) return;
    if (layer->kind == LAYER_TEMPLATE && strcmp(e->key, "params") == 0) return;
    if (known && m->verb.entry) {
        if (m->verb.layer == layer) second_verb(m, layer, e);
    } else if (known) {
        m->verb = (struct found){e, layer};
        m->note->verb = m->b->reader->verbs[row - STEP_KEYS];
    } else if (m->sibling_count < UNKNOWN_MAX) {
        m->siblings[m->sibling_count++] = (struct found){e, layer};
    }
}

static void add_layer(struct maker *m, const struct node *map, enum layer_kind kind) {
    if (!map || map->kind != NODE_MAP) return;
    m->layers[m->layer_count] = (struct layer){map, kind};
    const struct layer *layer = &m->layers[m->layer_count++];
    for (uint32_t i = 0; i < map->count; i++) collect_entry(m, layer, &map->entries[i]);
}

/* ---- scope */

void step_enter_layer(struct maker *m, const struct layer *layer) {
    bool template = layer->kind == LAYER_TEMPLATE;
    m->l->scope.with = template ? m->use.args : NULL;
    m->l->scope.with_count = template ? m->use.arg_count : 0;
    static const struct with_arg none;
    if (template && !m->use.args) m->l->scope.with = &none;
    m->l->early = m->plan->each || template;
    m->l->call = template ? m->use.call : (struct span){0};
}

struct span step_at_key(const struct maker *m, enum step_key k) {
    const struct found *f = &m->found[k];
    return f->entry ? key_span(f->layer->map, f->entry) : (struct span){0};
}

/* What `inputs.…` may name: known before anything else of the step is parsed. */
static void collect_inputs(struct maker *m) {
    const struct value *reads = &m->value[STEP_READS];
    size_t n = 0;
    for (uint32_t i = 0; m->good[STEP_READS] && i < reads->count && n < INPUTS_MAX; i++)
        if (reads->items[i].shape == VALUE_TEXT) m->inputs[n++] = reads->items[i].text;
    m->l->scope.inputs = m->inputs;
    m->l->scope.input_count = n;
}

static void enter_scope(struct maker *m) {
    struct expr_scope *scope = &m->l->scope;
    scope->each = m->plan->each;
    scope->has_output = m->found[STEP_INTO].entry != NULL;
    scope->in_finally = m->plan->finally;
    scope->ref_count = 0;
    scope->no_suggestions = m->l->d->errors > MANY_ERRORS;
}

/* ---- unknown keys and the verb */

static bool is_later(const char *key) {
    for (size_t i = 0; later_verbs[i]; i++)
        if (strcmp(later_verbs[i], key) == 0) return true;
    return false;
}

static const char *verb_list(struct maker *m) {
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < m->b->reader->verb_count; i++)
        buf_addf(&b, "%s`%s`", i ? ", " : "", m->b->reader->verbs[i]->name);
    const char *s = arena_strdup(m->l->d->arena, buf_str(&b));
    buf_release(&b);
    return s;
}

/* Step keys, verbs, and the siblings of the verb: what an unknown key may have meant. */
static size_t known_keys(struct maker *m, const char **out, size_t max) {
    size_t n = 0;
    const struct verb *v = m->note->verb;
    for (const struct field *f = step_fields; f->name && n < max; f++) out[n++] = f->name;
    for (size_t i = 0; !v && i < m->b->reader->verb_count && n < max; i++)
        out[n++] = m->b->reader->verbs[i]->name;
    for (const struct field *f = v ? v->siblings : NULL; f && f->name && n < max; f++) out[n++] = f->name;
    return n;
}

static void unknown_step_key(struct maker *m, const struct found *f) {
    const char *known[128];
    size_t n = known_keys(m, known, sizeof known / sizeof *known);
    m->unsure = true;
    step_enter_layer(m, f->layer);
    if (is_later(f->entry->key)) {
        struct diag *g = load_diag(m->l, "E0107", key_span(f->layer->map, f->entry),
                                   "`%s` is not a verb of this version", f->entry->key);
        diag_label(m->l->d, g, "the verbs are %s", verb_list(m));
        return;
    }
    if (field_find(process_fields, f->entry->key)) {
        struct diag *g = load_diag(m->l, "E0104", key_span(f->layer->map, f->entry), "unknown key `%s` in %s",
                                   f->entry->key, where_text(m->l, &m->where));
        diag_label(m->l->d, g, "only steps that start a process of yours have it");
        return;
    }
    struct neighbour around[] = {{m->note->verb ? m->note->verb->fields : NULL, ""},
                                 {default_fields, "`defaults:`"},
                                 {schedule_fields, "`schedule:`"},
                                 {pipeline_fields, "the pipeline, one level up"},
                                 {0}};
    char verb[80] = "";
    if (m->note->verb) snprintf(verb, sizeof verb, "`%s:`, one level down", m->note->verb->name);
    around[0].owner = verb;
    m->l->neighbours = around;
    unknown_key(m->l, f->layer->map, f->entry, known, n, &m->where);
    m->l->neighbours = NULL;
}

static const struct field *sibling_field(const struct verb *v, const char *key) {
    const struct field *f = v ? field_find(v->siblings, key) : NULL;
    if (f || !v || !(v->traits & VERB_SECRET_ENV)) return f;
    return field_find(process_fields, key);
}

static void parse_siblings(struct maker *m) {
    struct value *out = NULL;
    for (size_t i = 0; i < m->sibling_count; i++) {
        const struct found *f = &m->siblings[i];
        const struct field *row = sibling_field(m->note->verb, f->entry->key);
        if (!row) {
            unknown_step_key(m, f);
            continue;
        }
        if (!out) {
            out = arena_alloc(m->l->arena, sizeof *out);
            *out = (struct value){.shape = VALUE_OBJECT, .kind = FK_OBJECT, .at = node_span(f->layer->map)};
            out->members = arena_array(m->l->arena, m->sibling_count, sizeof *out->members);
        }
        step_enter_layer(m, f->layer);
        struct where w = {.name = row->name, .of = &m->where, .at = key_span(f->layer->map, f->entry)};
        struct member *member = &out->members[out->count++];
        *member = (struct member){.key = row->name, .key_at = w.at};
        field_parse(m->l, f->entry->value, row, &w, &member->value);
    }
    m->s->siblings = out;
}

/* A verb with several ways to say its text takes one of them. */
static void one_text(struct maker *m, const struct value *config) {
    const struct member *first = NULL;
    for (uint32_t i = 0; i < config->count; i++) {
        const struct member *k = &config->members[i];
        if (k->value.kind != FK_SHELL) continue;
        if (first) {
            struct diag *g = load_diag(m->l, "E0106", k->key_at, "`%s` takes one of `%s` and `%s`",
                                       m->note->verb->name, first->key, k->key);
            diag_also(m->l->d, g, first->key_at, "the other one");
        }
        first = k;
    }
    bool texts = m->note->verb->fields && m->note->verb->fields[0].kind == FK_SHELL;
    if (texts && !first && config->count == 0)
        load_diag(m->l, "E0105", m->note->at_verb, "`%s` needs its text", m->note->verb->name);
}

static void parse_verb(struct maker *m) {
    const struct verb *v = m->note->verb;
    const struct entry *e = m->verb.entry;
    if (!e) {
        if (m->unsure || m->l->damaged) return;
        struct diag *g = load_diag(m->l, "E0106", m->where.at, "%s has no verb", where_text(m->l, &m->where));
        diag_label(m->l->d, g, "add one of %s", verb_list(m));
        return;
    }
    struct value *config = arena_alloc(m->l->arena, sizeof *config);
    struct field field = {.name = v->name, .kind = FK_OBJECT, .fields = v->fields};
    struct where w = {.name = v->name, .of = &m->where, .at = key_span(m->verb.layer->map, e)};
    struct neighbour around[] = {
        {step_fields, "the step, one level up"}, {v->siblings, "the step, one level up"}, {0}};
    step_enter_layer(m, m->verb.layer);
    m->note->at_verb = w.at;
    m->l->neighbours = around;
    bool good = field_parse(m->l, e->value, &field, &w, config);
    m->l->neighbours = NULL;
    m->s->config = config;
    if (good)
        one_text(m, config);
    else
        m->unsure = true;
}

/* ---- keys */

static void parse_key(struct maker *m, enum step_key k) {
    const struct found *f = &m->found[k];
    if (!f->entry) return;
    step_enter_layer(m, f->layer);
    struct where w = {.name = step_fields[k].name, .of = &m->where, .at = key_span(f->layer->map, f->entry)};
    m->good[k] = field_parse(m->l, f->entry->value, &step_fields[k], &w, &m->value[k]);
}

static bool custom_key(enum step_key k) {
    return k == STEP_USE || k == STEP_WITH || k == STEP_EACH || k == STEP_BOOKMARK || k == STEP_READS ||
           k == STEP_TAGS;
}

/* ---- what comes first */

static void unknown_after(struct maker *m, const struct value *v) {
    if (m->l->damaged) return;
    const char *names[4096];
    size_t n = 0;
    for (size_t i = 0; i < m->b->planned_count && n < 4096 && m->l->d->errors < MANY_ERRORS; i++)
        names[n++] = m->b->planned[i].group ? m->b->planned[i].group : m->b->planned[i].name;
    struct diag *g = load_diag(m->l, "E0401", v->at, "%s comes after `%.80s`, which does not exist",
                               where_text(m->l, &m->where), v->text);
    diag_meant(m->l->d, g, suggest(v->text, names, n));
}

static bool in_finally(const struct maker *m, size_t i) { return m->b->planned[i].finally; }

static void take_after(struct maker *m) {
    const struct value *list = &m->value[STEP_AFTER];
    if (!m->found[STEP_AFTER].entry) return;
    if (m->s->finally) {
        load_diag(m->l, "E0108", step_at_key(m, STEP_AFTER),
                  "steps of `finally:` run when all others ended: `after` has no meaning there");
        return;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        const struct value *v = &list->items[i];
        size_t at;
        if (v->shape != VALUE_TEXT) continue;
        if (map_get(&m->b->groups, v->text, &at)) {
            for (; at < m->b->planned_count && m->b->planned[at].group &&
                   strcmp(m->b->planned[at].group, v->text) == 0;
                 at++)
                add_edge(m->b, (uint32_t)at, m->index);
        } else if (!map_get(&m->b->names, v->text, &at)) {
            unknown_after(m, v);
        } else if (in_finally(m, at)) {
            load_diag(m->l, "E0401", v->at, "`%s` belongs to `finally:`, nothing can come after it", v->text);
        } else {
            add_edge(m->b, (uint32_t)at, m->index);
        }
    }
}

/* steps.X.outputs.y says that X comes first. */
static void take_refs(struct maker *m) {
    for (size_t i = 0; i < m->l->scope.ref_count && !m->s->finally; i++)
        if (m->l->scope.refs[i] != m->index) add_edge(m->b, m->l->scope.refs[i], m->index);
}

static void take_reads(struct maker *m) {
    const struct value *list = &m->value[STEP_READS];
    for (uint32_t i = 0; m->found[STEP_READS].entry && i < list->count; i++)
        if (list->items[i].shape == VALUE_TEXT)
            add_read(m->b, m->s, list->items[i].text, false, list->items[i].at);
    const struct verb *v = m->note->verb;
    const struct value *dataset =
        v && v->traits & VERB_PROMOTE ? value_member(m->s->config, "dataset") : NULL;
    if (dataset && dataset->shape == VALUE_TEXT) add_read(m->b, m->s, dataset->text, false, dataset->at);
    if (v && v->traits & VERB_PROMOTE && !m->s->bookmark) m->s->bookmark = BOOKMARK_VERSION;
}

/* The SQL whose tables are reads. */
static void take_sql(struct maker *m) {
    const struct verb *v = m->note->verb;
    if (!v || !(v->traits & VERB_SQL) || !m->s->config || m->s->config->shape != VALUE_OBJECT) return;
    for (uint32_t i = 0; i < m->s->config->count; i++) {
        const struct value *x = &m->s->config->members[i].value;
        if (x->shape == VALUE_SQL) m->note->sql = x->sql;
    }
}

static void no_output_in_finally(struct maker *m) {
    if (m->s->finally && m->found[STEP_INTO].entry) {
        struct diag *g =
            load_diag(m->l, "E0108", step_at_key(m, STEP_INTO), "steps of `finally:` publish nothing");
        diag_label(m->l->d, g, "move the step to `steps:`");
    }
}

static void note_places(struct maker *m) {
    struct note *n = m->note;
    n->at_into = step_at_key(m, STEP_INTO);
    n->at_write = m->found[STEP_WRITE].entry ? m->value[STEP_WRITE].at : n->at_into;
    n->at_key = step_at_key(m, STEP_KEY);
    n->at_partition = step_at_key(m, STEP_PARTITION_BY);
    n->at_merge_by = step_at_key(m, STEP_MERGE_BY);
    n->call = m->use.call;
}

static const struct value *kept(struct maker *m, const struct value *v) {
    struct value *copy = arena_alloc(m->l->nodes, sizeof *copy);
    *copy = *v;
    return copy;
}

/* Columns that are named: whoever looks at them later shows where they are written. */
static void note_columns(struct maker *m) {
    struct note *n = m->note;
    const struct value *column = value_member(&m->value[STEP_PARTITION_BY], "column");
    if (m->good[STEP_KEY]) n->key = kept(m, &m->value[STEP_KEY]);
    if (m->good[STEP_MERGE_BY]) n->merge_by = kept(m, &m->value[STEP_MERGE_BY]);
    if (m->good[STEP_PARTITION_BY]) n->partition_columns = column;
}

static void make_step(struct maker *m) {
    parse_key(m, STEP_READS);
    collect_inputs(m);
    enter_scope(m);
    for (int k = 0; k < STEP_KEYS; k++)
        if (!custom_key((enum step_key)k)) parse_key(m, (enum step_key)k);
    parse_siblings(m);
    parse_verb(m);
    step_enter_layer(m, &m->layers[0]);
    step_take_keys(m);
    take_reads(m);
    take_sql(m);
    take_after(m);
    take_refs(m);
    note_places(m);
    build_attended(m->b, m->index);
    note_columns(m);
    step_need_into(m);
    no_output_in_finally(m);
    m->l->call = (struct span){0};
    m->l->scope.with = NULL;
}

void build_step(struct build *b, uint32_t index) {
    const struct planned *plan = &b->planned[index];
    struct maker m = {.b = b,
                      .l = &b->l,
                      .index = index,
                      .plan = plan,
                      .s = &b->full->pub.steps[index],
                      .note = &b->notes[index]};
    const struct node *map = plan->entry->value;
    *m.s = (struct step){.name = plan->name,
                         .index = index,
                         .finally = plan->finally,
                         .at = key_span(plan->map, plan->entry),
                         .group = plan->group,
                         .each = plan->each};
    m.where = (struct where){.noun = "step", .name = plan->entry->key, .at = m.s->at};
    m.note->node = map;
    if (map->bad) return;
    if (map->kind != NODE_MAP) {
        struct diag *g = load_diag(m.l, "E0103", map->count ? node_span(map) : m.s->at, "%s is a map, not %s",
                                   where_text(m.l, &m.where), node_noun(map));
        diag_label(m.l->d, g, "such as `%s: {shell: echo hello}`", plan->entry->key);
        return;
    }
    m.l->scope.each = plan->each;
    m.unsure = !use_parse(b, map, &m.use) || map->partial;
    add_layer(&m, map, LAYER_STEP);
    if (!m.unsure) add_layer(&m, m.use.map, LAYER_TEMPLATE);
    add_layer(&m, b->defaults, LAYER_DEFAULTS);
    add_layer(&m, ((const struct project_full *)b->l.project)->defaults_node, LAYER_DEFAULTS);
    for (size_t i = 0; m.note->verb && i < b->reader->verb_count; i++)
        if (b->reader->verbs[i] == m.note->verb) m.s->verb = (uint32_t)i;
    const bool elsewhere = m.l->scope.uses_window;
    m.l->scope.uses_window = false;
    make_step(&m);
    m.s->uses_window = m.l->scope.uses_window;
    m.l->scope.uses_window |= elsewhere;
}
