/* lint.c: warnings about pipelines that work (design: pipelines.md 2.9). Runs only when there are no
 * errors. */
#include "dag/build.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static struct diag *warn(struct build *b, const char *code, struct span at, const char *message,
                         const char *label) {
    struct diag *g = load_diag(&b->l, code, at, "%s", message);
    if (label) diag_label(b->l.d, g, "%s", label);
    return g;
}

static struct span key_of(struct build *b, const char *key) {
    const struct entry *e = node_find(b->root, key);
    return e ? key_span(b->root, e) : node_span(b->root);
}

static void lint_head(struct build *b) {
    const struct pipeline *p = &b->full->pub;
    if (!p->about && !p->owner)
        warn(b, "W0101", key_of(b, "pipeline"), "the pipeline has neither `about` nor `owner`",
             "say in one line what it does, and who to ask");
}

static void lint_schedule(struct build *b, const struct schedule_note *n) {
    if (n->s->firing_count && !node_get(n->node, "timezone") && !n->s->firings[0].cron->zone_len) {
        bool only = b->full->pub.schedule_count == 1;
        warn(b, "W0103", only ? key_of(b, "schedule") : node_span(n->node), "the schedule has no `timezone`",
             "its times are UTC");
    }
    lint_firings(b, n);
}

static void lint_params(struct build *b) {
    const struct pipeline *p = &b->full->pub;
    const struct node *params = node_get(b->root, "params");
    char message[120];
    bool process = false; /* processes get every parameter as LEAT_PARAM_NAME */
    for (uint32_t i = 0; i < p->step_count; i++)
        process = process || (b->notes[i].verb && b->notes[i].verb->traits & VERB_SECRET_ENV);
    for (size_t i = 0; params && b->l.scope.params_used && !process && i < p->param_count; i++) {
        if (b->params_used[i / 64] >> (i % 64) & 1) continue;
        snprintf(message, sizeof message, "parameter `%s` is not used", p->params[i].name);
        warn(b, "W0105", key_span(params, node_find(params, p->params[i].name)), message, NULL);
    }
}

/* The first word of SQL after comments and white space, then `*`. */
static bool selects_all(const char *sql) {
    for (;;) {
        while (isspace((unsigned char)*sql)) sql++;
        if (strncmp(sql, "--", 2) != 0) break;
        sql += strcspn(sql, "\n");
    }
    if (strncasecmp(sql, "select", 6) != 0) return false;
    for (sql += 6; isspace((unsigned char)*sql);) sql++;
    return *sql == '*' && !isalnum((unsigned char)sql[1]) && strncasecmp(sql + 1, " exclude", 8) != 0;
}

static void lint_output(struct build *b, uint32_t i) {
    const struct step *s = &b->full->pub.steps[i];
    const struct project *project = b->l.project;
    bool first = s->into->zone == project->zones,
         last = s->into->zone == project->zones + project->zone_count - 1;
    if (!first && !json_array_size(s->into->checks))
        warn(b, "W0102", b->notes[i].at_into, "the dataset has no checks",
             "such as `checks: [row_count > 0]`");
    if (last && !first && b->notes[i].sql && selects_all(b->notes[i].sql->text))
        warn(b, "W0108", b->notes[i].at_verb, "`select *` decides the columns of a refined dataset",
             "name them: a new column upstream would change it");
}

static bool reads_new_of(const struct step *s, const char *dataset) {
    for (size_t i = 0; i < s->read_count; i++)
        if (s->reads[i].only_new && strcmp(s->reads[i].dataset, dataset) == 0) return true;
    return false;
}

/* contract.md 29: rows that an upstream replaced come again as new ones. */
static void lint_new_rows(struct build *b, uint32_t i) {
    const struct pipeline *p = &b->full->pub;
    const struct step *s = &p->steps[i];
    if (!s->into || s->into->write != WRITE_APPEND) return;
    for (uint32_t k = p->up_at[i]; k < p->up_at[i + 1]; k++) {
        const struct output *o = p->steps[p->up[k]].into;
        if (!o || o->write == WRITE_APPEND || !reads_new_of(s, o->dataset)) continue;
        struct diag *g =
            warn(b, "W0106", b->notes[i].at_into, "rows that are replaced upstream will be appended again",
                 "use `write: merge` with `key`");
        diag_note(b->l.d, g, "`%s` writes `%s` with `%s`", p->steps[p->up[k]].name, o->dataset,
                  write_mode_names[o->write]);
        return;
    }
}

static void lint_lonely(struct build *b, uint32_t i) {
    const struct pipeline *p = &b->full->pub;
    const struct step *s = &p->steps[i];
    bool alone = p->up_at[i] == p->up_at[i + 1] && p->down_at[i] == p->down_at[i + 1];
    if (!alone || s->into || s->finally || s->group || p->step_count < 2) return;
    bool any = p->up_at[p->step_count] > 0;
    if (any)
        warn(b, "W0110", s->at, "the step comes after nothing, before nothing, and publishes nothing",
             "add `after:` if its place matters");
}

void lint_pipeline(struct build *b) {
    lint_head(b);
    for (size_t i = 0; i < b->full->pub.schedule_count; i++) lint_schedule(b, &b->schedule_notes[i]);
    lint_params(b);
    for (uint32_t i = 0; i < b->full->pub.step_count; i++) {
        if (b->full->pub.steps[i].into) lint_output(b, i);
        lint_new_rows(b, i);
        lint_lonely(b, i);
    }
}
