/* calls.c: `pipeline:` steps, judged by the pipelines they run: names, parameters, what is held. Circles:
 * wiring.c. */
#include "base/suggest.h"
#include "dag/build.h"

#include <stdlib.h>
#include <string.h>

struct calls {
    const struct pipeline *p;
    const struct callee *known;
    size_t count;
    const struct map *names; /* name -> index in known */
    struct diags *d;
};

static const struct callee *callee_of(const struct calls *c, const char *name) {
    size_t at;
    return map_get(c->names, name, &at) ? &c->known[at] : NULL;
}

static struct span at_name(const struct step *s) { return value_member(s->config, "name")->at; }

/* ---- the name */

static void refuse_unknown(struct calls *c, const struct step *s) {
    const char **names = xcalloc(c->count + 1, sizeof *names);
    for (size_t i = 0; i < c->count; i++) names[i] = c->known[i].name;
    struct diag *g = diag_add(c->d, "E0415", at_name(s), "unknown pipeline `%s`", s->calls);
    const char *meant = suggest(s->calls, names, c->count);
    diag_meant(c->d, g, meant);
    if (!meant) diag_label(c->d, g, "no file of this project begins with `pipeline: %s`", s->calls);
    free(names);
}

static void refuse_broken(struct calls *c, const struct step *s) {
    struct diag *g = diag_add(c->d, "E0415", at_name(s), "pipeline `%s` has errors", s->calls);
    diag_label(c->d, g, "it could not be run: see `leat validate %s`", s->calls);
}

/* ---- the parameters */

static const struct param *param_of(const struct pipeline *p, const char *name) {
    for (size_t i = 0; i < p->param_count; i++)
        if (strcmp(p->params[i].name, name) == 0) return &p->params[i];
    return NULL;
}

static void refuse_param(struct calls *c, const struct pipeline *called, const struct member *m) {
    const char **names = xcalloc(called->param_count + 1, sizeof *names);
    for (size_t i = 0; i < called->param_count; i++) names[i] = called->params[i].name;
    struct diag *g =
        diag_add(c->d, "E0415", m->key_at, "pipeline `%s` has no parameter `%s`", called->name, m->key);
    diag_meant(c->d, g, suggest(m->key, names, called->param_count));
    if (!called->param_count) diag_label(c->d, g, "it has none");
    free(names);
}

/* A plain value is what it is now; one with `${…}` is judged when the step runs. */
static json_t *plain_json(const struct value *v) {
    switch ((enum value_shape)v->shape) {
    case VALUE_TEXT: return json_string(v->text);
    case VALUE_INTEGER: return json_integer(v->integer);
    case VALUE_REAL: return json_real(v->real);
    case VALUE_BOOL: return json_boolean(v->yes);
    default: return NULL;
    }
}

static void check_value(struct calls *c, const struct pipeline *called, const struct member *m) {
    struct err err = {0};
    json_t *value = plain_json(&m->value),
           *taken = value ? pipeline_param(called, m->key, value, &err) : NULL;
    if (value && !taken) {
        struct diag *g = diag_add(c->d, "E0210", m->value.at, "%s", err.msg);
        diag_label(c->d, g, "%s", err.hint[0] ? err.hint : "see its `params:`");
    }
    json_decref(taken);
    json_decref(value);
}

static void check_missing(struct calls *c, const struct step *s, const struct pipeline *called,
                          const struct value *with) {
    for (size_t i = 0; i < called->param_count; i++) {
        const struct param *p = &called->params[i];
        if (p->otherwise || value_member(with, p->name)) continue;
        struct diag *g =
            diag_add(c->d, "E0415", at_name(s), "pipeline `%s` needs parameter `%s`", called->name, p->name);
        diag_label(c->d, g, "it has no default: add `with: {%s: …}`", p->name);
    }
}

static void check_params(struct calls *c, const struct step *s, const struct pipeline *called) {
    const struct value *with = value_member(s->config, "with");
    for (uint32_t i = 0; with && with->shape == VALUE_OBJECT && i < with->count; i++) {
        const struct member *m = &with->members[i];
        if (param_of(called, m->key))
            check_value(c, called, m);
        else
            refuse_param(c, called, m);
    }
    check_missing(c, s, called, with);
}

/* ---- what is held */

/* The step would hold its tokens for as long as something waits for them. */
static bool check_pool(struct calls *c, const struct step *s, const struct pipeline *called) {
    int64_t all = 0;
    const struct project *project = c->p->project;
    for (size_t i = 0; i < project->pool_count; i++)
        if (strcmp(project->pools[i].name, s->pool) == 0) all = project->pools[i].tokens;
    for (uint32_t i = 0; i < called->step_count; i++) {
        const struct step *needs = &called->steps[i];
        if (!needs->pool || strcmp(needs->pool, s->pool) != 0 || s->pool_tokens + needs->pool_tokens <= all)
            continue;
        struct diag *g = diag_add(c->d, "E0417", at_name(s),
                                  "this step and step `%s` of pipeline `%s` never fit into pool `%s`",
                                  needs->name, called->name, s->pool);
        diag_label(c->d, g, "it holds its tokens until that pipeline has ended: leave out `pool` here");
        return false;
    }
    return true;
}

/* Every pipeline that the step's run can lead to, each once. */
static void check_held(struct calls *c, const struct step *s) {
    bool *seen = xcalloc(c->count, sizeof *seen);
    size_t *queue = xcalloc(c->count, sizeof *queue), head = 0, tail = 0, at;
    if (map_get(c->names, s->calls, &at)) seen[queue[tail++] = at] = true;
    while (head < tail) {
        const struct pipeline *called = c->known[queue[head++]].pipeline;
        if (!called) continue;
        if (!check_pool(c, s, called)) break;
        for (uint32_t i = 0; i < called->step_count; i++) {
            const char *name = called->steps[i].calls;
            if (name && map_get(c->names, name, &at) && !seen[at]) seen[queue[tail++] = at] = true;
        }
    }
    free(queue);
    free(seen);
}

void pipeline_check_calls(const struct pipeline *p, const struct callee *known, size_t n,
                          const struct map *names, struct diags *d) {
    struct calls c = {.p = p, .known = known, .count = n, .names = names, .d = d};
    for (uint32_t i = 0; i < p->step_count; i++) {
        const struct step *s = &p->steps[i];
        bool again = s->group && i && p->steps[i - 1].group && strcmp(s->group, p->steps[i - 1].group) == 0;
        if (!s->calls || again) continue; /* instances of one step say the same */
        const struct callee *k = callee_of(&c, s->calls);
        if (!k)
            refuse_unknown(&c, s);
        else if (!k->pipeline)
            refuse_broken(&c, s);
        else
            check_params(&c, s, k->pipeline);
        if (k && s->pool) check_held(&c, s);
    }
}
