/* step_keys.c: the keys of a step become its fields. */
#include "base/json.h"
#include "base/suggest.h"
#include "dag/step_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FINALLY_TIMEOUT_MINUTES = 10, RETRY_WAIT_SECONDS = 30 };

static const char *text_of(struct maker *m, enum step_key k) {
    return m->good[k] && m->value[k].shape == VALUE_TEXT ? m->value[k].text : NULL;
}

static unsigned word_of(struct maker *m, enum step_key k, const char *const *words, unsigned otherwise) {
    const char *s = text_of(m, k);
    for (unsigned i = 0; s && words[i]; i++)
        if (strcmp(words[i], s) == 0) return i;
    return otherwise;
}

static int64_t integer_of(const struct value *v, int64_t otherwise) {
    return v && v->shape == VALUE_INTEGER ? v->integer : otherwise;
}

static const char **texts_of(struct maker *m, const struct value *list, size_t *count) {
    const char **out = arena_array(m->l->arena, list->count, sizeof *out);
    *count = 0;
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i].shape == VALUE_TEXT) out[(*count)++] = list->items[i].text;
    return out;
}

static void take_retry(struct maker *m) {
    struct retry *r = &m->s->retry;
    const struct value *v = &m->value[STEP_RETRY];
    *r = (struct retry){.wait = RETRY_WAIT_SECONDS * US_PER_SECOND, .max_wait = US_PER_HOUR};
    if (!m->good[STEP_RETRY]) return;
    const struct value *backoff = value_member(v, "backoff"), *only = value_member(v, "if");
    r->times = integer_of(value_member(v, "times"), 0);
    r->wait = integer_of(value_member(v, "wait"), r->wait);
    r->max_wait = integer_of(value_member(v, "max_wait"), r->max_wait);
    r->exponential = backoff && strcmp(backoff->text, "exponential") == 0;
    if (only) r->only = texts_of(m, only, &r->only_count);
}

static void take_pool(struct maker *m) {
    const struct value *v = &m->value[STEP_POOL], *name = value_member(v, "name");
    const char *names[256];
    size_t n = 0;
    if (!m->good[STEP_POOL] || !name) return;
    bool attended = m->note->verb && m->note->verb->traits & VERB_ATTENDED;
    if (attended && m->found[STEP_POOL].layer->kind == LAYER_DEFAULTS) return; /* it would hold it idle */
    m->s->pool = name->text;
    m->s->pool_tokens = integer_of(value_member(v, "tokens"), 1);
    for (; n < m->l->project->pool_count && n < 256; n++) {
        const struct pool *p = &m->l->project->pools[n];
        names[n] = p->name;
        if (strcmp(p->name, name->text) != 0) continue;
        if (m->s->pool_tokens > p->tokens)
            load_diag(m->l, "E0406", v->at, "the step wants %lld tokens of pool `%s`, which has %lld",
                      (long long)m->s->pool_tokens, p->name, (long long)p->tokens);
        return;
    }
    struct diag *g = load_diag(m->l, "E0406", name->at, "unknown pool `%s`", name->text);
    const char *meant = suggest(name->text, names, n);
    diag_meant(m->l->d, g, meant);
    if (!meant) diag_label(m->l->d, g, "define it in leat.yaml: pools: {%s: 4}", name->text);
}

static void take_max_bad(struct maker *m, struct output *o) {
    const struct found *f = &m->found[STEP_MAX_BAD];
    o->max_bad_rows = -1;
    o->max_bad_part = -1;
    if (!f->entry || !m->good[STEP_MAX_BAD]) return;
    const struct value *v = &m->value[STEP_MAX_BAD];
    if (v->shape == VALUE_INTEGER && v->integer >= 0)
        o->max_bad_rows = v->integer;
    else if (v->shape != VALUE_TEXT || !parse_percent(v->text, &o->max_bad_part))
        load_diag(m->l, "E0205", v->at, "`max_bad` is a count such as `100`, or a percentage such as `1%%`");
}

static void take_partitions(struct maker *m, struct output *o) {
    const struct value *v = &m->value[STEP_PARTITION_BY], *column = value_member(v, "column");
    if (!m->good[STEP_PARTITION_BY] || !column) return;
    o->partition_by = texts_of(m, column, &o->partition_count);
    o->partition_of_window = value_member(v, "of") != NULL;
    if (o->partition_of_window && o->partition_count > 1)
        load_diag(m->l, "E0408", v->at, "`of: window` takes one partition column");
}

static const struct zone *zone_of(struct maker *m, const char *dataset) {
    return project_zone(m->l->project, dataset, strcspn(dataset, "."));
}

static void reserved_name(struct maker *m, const char *dataset) {
    static const char *const endings[] = {"__new", "__quarantine"};
    size_t len = strlen(dataset);
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(endings[i]);
        if (len > n && strcmp(dataset + len - n, endings[i]) == 0)
            load_diag(m->l, "E0208", m->value[STEP_INTO].at, "names ending in `%s` are reserved", endings[i]);
    }
}

static void take_output(struct maker *m) {
    const char *dataset = text_of(m, STEP_INTO);
    if (!dataset) return;
    struct output *o = arena_alloc(m->l->arena, sizeof *o);
    *o = (struct output){.dataset = dataset, .zone = zone_of(m, dataset)};
    reserved_name(m, dataset);
    take_partitions(m, o);
    take_max_bad(m, o);
    if (m->good[STEP_KEY]) o->key = texts_of(m, &m->value[STEP_KEY], &o->key_count);
    o->merge_by = text_of(m, STEP_MERGE_BY);
    o->bad_rows = word_of(m, STEP_BAD_ROWS, key_bad_rows, BAD_FAIL);
    o->if_empty = word_of(m, STEP_IF_EMPTY, key_if_empty, EMPTY_OK);
    o->skip_unchanged = word_of(m, STEP_WHEN_UNCHANGED, key_when_unchanged, 0) == 1;
    o->write = (enum write_mode)word_of(m, STEP_WRITE, key_write_modes, WRITE_REPLACE);
    o->checks = keep_json(m->l, json_array());
    m->note->write_said = m->good[STEP_WRITE];
    m->note->empty_said = m->good[STEP_IF_EMPTY];
    o->shared = m->good[STEP_SHARED] && m->value[STEP_SHARED].yes;
    o->at = step_at_key(m, STEP_INTO);
    m->s->into = o;
}

/* The objects as far as they are known; pipeline_checks() gives them all. */
static void take_checks(struct maker *m) {
    const struct value *v = &m->value[STEP_CHECKS];
    if (!m->found[STEP_CHECKS].entry || !m->s->into) return;
    struct value *kept = arena_alloc(m->l->arena, sizeof *kept);
    *kept = *v;
    m->b->full->checks[m->index] = kept;
    for (uint32_t i = 0; i < v->count; i++) {
        const struct check_text *k = v->items[i].shape == VALUE_CHECK ? v->items[i].check : NULL;
        if (!k) continue;
        if (k->dataset) add_checked(m->b, m->index, k->dataset);
        json_t *j = k->object ? json_incref(k->object)
                              : json_pack("{ss ss sI sI sb}", "text", k->written ? k->written : "",
                                          "severity", k->severity, "line", (json_int_t)k->line, "column",
                                          (json_int_t)k->column, "template", 1);
        json_array_append_new(m->s->into->checks, j);
    }
}

void step_need_into(struct maker *m) {
    static const enum step_key keys[] = {STEP_WRITE,  STEP_PARTITION_BY, STEP_KEY,     STEP_MERGE_BY,
                                         STEP_CHECKS, STEP_BAD_ROWS,     STEP_MAX_BAD, STEP_SHARED};
    if (m->found[STEP_INTO].entry) return;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct found *f = &m->found[keys[i]];
        if (!f->entry || f->layer->kind == LAYER_DEFAULTS) continue;
        step_enter_layer(m, f->layer);
        struct diag *g =
            load_diag(m->l, "E0108", step_at_key(m, keys[i]), "`%s` needs `into`", f->entry->key);
        diag_label(m->l->d, g, "the step publishes nothing");
    }
    const struct verb *v = m->note->verb;
    if (!v || !(v->traits & VERB_INTO) || m->unsure) return;
    struct diag *g =
        load_diag(m->l, "E0105", m->note->at_verb, "%s needs `into`", where_text(m->l, &m->where));
    diag_label(m->l->d, g, "`%s` produces a dataset: add `into: zone.name`", v->name);
}

static void take_env(struct maker *m) {
    const struct verb *v = m->note->verb;
    const struct found *f = &m->found[STEP_ENV];
    if (!f->entry || !v) return;
    if (v->traits & VERB_SECRET_ENV) {
        if (!m->good[STEP_ENV]) return;
        struct value *env = arena_alloc(m->l->arena, sizeof *env);
        *env = m->value[STEP_ENV];
        m->s->env = env;
    } else if (f->layer->kind != LAYER_DEFAULTS) {
        struct diag *g =
            load_diag(m->l, "E0108", step_at_key(m, STEP_ENV), "`env` does nothing for `%s`", v->name);
        diag_label(m->l->d, g, "it starts no process of yours; use `${…}` in its own keys");
    }
}

static void take_bookmark(struct maker *m) {
    const struct found *f = &m->found[STEP_BOOKMARK];
    const struct verb *v = m->note->verb;
    if (!f->entry) return;
    step_enter_layer(m, f->layer);
    m->note->bookmark_said = true;
    m->note->at_bookmark = step_at_key(m, STEP_BOOKMARK);
    if (!parse_bookmark(m->b, f->entry->value, m->s) || !v) return;
    if (m->s->bookmark == BOOKMARK_FILES && !(v->traits & VERB_EXTRACT)) {
        struct diag *g =
            load_diag(m->l, "E0409", node_span(f->entry->value), "`%s` consumes no files", v->name);
        diag_label(m->l->d, g,
                   v->traits & VERB_SECRET_ENV ? "`value` is the bookmark of a process"
                                               : "`version` is the bookmark of a step that reads datasets");
    }
    bool process = v->traits & VERB_SECRET_ENV;
    if (m->s->bookmark == BOOKMARK_VALUE && !process)
        load_diag(m->l, "E0409", node_span(f->entry->value),
                  "`value` bookmarks are written by a process, and `%s` is none", v->name);
}

static void take_small(struct maker *m) {
    struct step *s = m->s;
    s->about = text_of(m, STEP_ABOUT);
    s->rule = (enum trigger_rule)word_of(m, STEP_TRIGGER_RULE, trigger_rule_names, RULE_all_success);
    s->timeout = m->good[STEP_TIMEOUT] ? m->value[STEP_TIMEOUT].integer
                 : s->finally          ? FINALLY_TIMEOUT_MINUTES * US_PER_MINUTE
                                       : 0;
    s->allow_failure = m->good[STEP_ALLOW_FAILURE] && m->value[STEP_ALLOW_FAILURE].yes;
    if (m->good[STEP_PRIORITY] && m->value[STEP_PRIORITY].shape == VALUE_REAL)
        load_diag(m->l, "E0202", m->value[STEP_PRIORITY].at, "`priority` is a whole number");
    s->priority = m->good[STEP_PRIORITY] ? integer_of(&m->value[STEP_PRIORITY], 0) : 0;
    if (m->good[STEP_MAX_PARALLEL]) s->max_parallel = m->value[STEP_MAX_PARALLEL].integer;
    if (m->found[STEP_MAX_PARALLEL].entry && !m->plan->each)
        load_diag(m->l, "E0108", step_at_key(m, STEP_MAX_PARALLEL), "`max_parallel` needs `each`");
    if (!m->good[STEP_WHEN]) return;
    struct value *when = arena_alloc(m->l->arena, sizeof *when);
    *when = m->value[STEP_WHEN];
    s->when = when;
}

void step_take_keys(struct maker *m) {
    take_small(m);
    take_retry(m);
    take_pool(m);
    take_output(m);
    take_checks(m);
    take_bookmark(m);
    take_env(m);
}
