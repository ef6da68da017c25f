/* attended.c: steps that the conductor looks after without a process: what they wait for or run, and the keys
 * that mean nothing there. They publish and consume nothing, so they pin nothing either: a dataset that is
 * waited for is an edge, and is looked at as it is then. */
#include "dag/build.h"

#include <string.h>

#define POLL_MIN US_PER_SECOND

static const struct member *member_of(const struct value *config, enum field_kind kind) {
    for (uint32_t i = 0; i < config->count; i++)
        if (config->members[i].value.kind == kind) return &config->members[i];
    return NULL;
}

/* ---- keys without meaning */

static void refuse(struct build *b, const struct note *note, struct span at, const char *key,
                   const char *why) {
    struct diag *g = load_diag(&b->l, "E0108", at, "`%s` does nothing for `%s`", key, note->verb->name);
    diag_label(b->l.d, g, "%s", why);
}

static void refuse_keys(struct build *b, const struct step *s, const struct note *note) {
    if (s->into) refuse(b, note, note->at_into, "into", "it publishes nothing");
    if (s->bookmark) refuse(b, note, note->at_bookmark, "bookmark", "it consumes nothing");
    if (s->read_count)
        refuse(b, note, s->reads[0].at, "reads", "it pins nothing; say `after:` for the order");
}

/* ---- what is waited for */

static void take_target(struct build *b, uint32_t index, const struct value *target) {
    const struct member *what = target->members;
    b->full->pub.steps[index].queries = what->value.shape == VALUE_SQL;
    if (what->value.shape == VALUE_SQL) b->notes[index].sql = what->value.sql;
    if (strcmp(what->key, "dataset") == 0 && what->value.shape == VALUE_TEXT)
        add_watched(b, index, what->value.text);
}

static void check_span(struct build *b, const struct member *span, const struct value *target) {
    if (target && target->count && strcmp(target->members->key, "dataset") == 0) return;
    struct diag *g = load_diag(&b->l, "E0108", span->key_at, "`%s` needs a dataset", span->key);
    diag_label(b->l.d, g, "it is about the windows that other pipelines have written");
}

static void check_duration(struct build *b, const struct member *m) {
    if (m->value.kind != FK_DURATION || m->value.shape != VALUE_INTEGER || m->value.integer >= POLL_MIN)
        return;
    load_diag(&b->l, "E0203", m->value.at, "`%s` is at least 1s", m->key);
}

/* ---- what is run */

static void take_call(struct build *b, struct step *s) {
    const struct value *name = value_member(s->config, "name"), *with = value_member(s->config, "with");
    if (name && name->shape == VALUE_TEXT) s->calls = name->text;
    if (!with || with->shape == VALUE_OBJECT) return;
    struct diag *g = load_diag(&b->l, "E0103", with->at, "`with` is a map of the pipeline's parameters");
    diag_label(b->l.d, g, "such as `{region: eu}`");
}

void build_attended(struct build *b, uint32_t index) {
    struct step *s = &b->full->pub.steps[index];
    const struct note *note = &b->notes[index];
    if (!note->verb || !(note->verb->traits & VERB_ATTENDED)) return;
    s->attended = true;
    refuse_keys(b, s, note);
    if (!s->config || s->config->shape != VALUE_OBJECT) return;
    for (uint32_t i = 0; i < s->config->count; i++) check_duration(b, &s->config->members[i]);
    if (note->verb->traits & VERB_CALL) take_call(b, s);
    const struct member *target = member_of(s->config, FK_TARGET), *span = member_of(s->config, FK_SPAN);
    if (target && target->value.shape == VALUE_OBJECT && target->value.count)
        take_target(b, index, &target->value);
    if (span) check_span(b, span, target ? &target->value : NULL);
    s->complete = span != NULL;
}
