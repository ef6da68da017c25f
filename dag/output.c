/* output.c: how a step writes: the defaults of contract.md 25 and 31, and which combinations make no sense.
 *
 * Runs after the reads of SQL are known: naming zone.name__new gives a step a bookmark, and a bookmark
 * decides the defaults. */
#include "dag/build.h"

#include <stdlib.h>
#include <string.h>

struct maker {
    struct build *b;
    struct step *s;
    struct note *note;
    struct output *o;
};

enum write_mode default_write(const struct verb *v, const struct output *o, bool consumes) {
    unsigned traits = v ? v->traits : 0;
    if (o->key_count) return WRITE_MERGE;
    if (traits & (VERB_EXTRACT | VERB_PROMOTE) || consumes) return WRITE_APPEND;
    return o->partition_count ? WRITE_REPLACE_PARTITIONS : WRITE_REPLACE;
}

static void refuse(struct maker *m, struct span at, const char *message, const char *label) {
    if (!at.source) at = m->note->at_into;
    struct diag *g = load_diag(&m->b->l, "E0408", at, "%s", message);
    if (label) diag_label(m->b->l.d, g, "%s", label);
}

static void check_modes(struct maker *m) {
    const struct output *o = m->o;
    bool promote = m->note->verb && m->note->verb->traits & VERB_PROMOTE;
    if (o->write == WRITE_MERGE && !o->key_count)
        refuse(m, m->note->at_write, "`write: merge` needs `key`",
               "add `key:` with the columns that tell rows apart");
    if (o->write != WRITE_MERGE && o->key_count)
        refuse(m, m->note->at_key, "`key` is for `write: merge`", NULL);
    if (o->write != WRITE_MERGE && o->merge_by)
        refuse(m, m->note->at_merge_by, "`merge_by` is for `write: merge`", NULL);
    if (o->write == WRITE_REPLACE_PARTITIONS && !o->partition_count)
        refuse(m, m->note->at_write, "`write: replace_partitions` needs `partition_by`",
               "say which columns make the partitions");
    if (o->partition_of_window && o->write != WRITE_REPLACE_PARTITIONS)
        refuse(m, m->note->at_partition, "`of: window` is for `write: replace_partitions`", NULL);
    if (promote && o->write == WRITE_REPLACE_PARTITIONS)
        refuse(
            m, m->note->at_write, "`promote` cannot replace partitions",
            "it brings what is new: a partition would keep only that; use `merge` with `key`, or `append`");
}

static void check_gate(struct maker *m) {
    const struct zone *z = m->o->zone;
    if (!z || !z->requires_checks || json_array_size(m->o->checks) || m->b->l.damaged) return;
    struct diag *g = load_diag(&m->b->l, "E0405", m->note->at_into,
                               "zone `%s` requires checks, and step `%s` has none", z->name, m->s->name);
    diag_label(m->b->l.d, g, "add `checks: [row_count > 0]`");
}

void build_output(struct build *b, uint32_t index) {
    struct maker m = {.b = b, .s = &b->full->pub.steps[index], .note = &b->notes[index]};
    m.o = m.s->into;
    if (!m.o) return;
    if (m.o->partition_of_window) m.s->uses_window = b->l.scope.uses_window = true;
    if (!m.note->write_said) m.o->write = default_write(m.note->verb, m.o, m.s->bookmark);
    if (!m.note->empty_said)
        m.o->if_empty = json_array_size(m.o->checks) && !m.s->bookmark ? EMPTY_FAIL : EMPTY_OK;
    check_modes(&m);
    check_gate(&m);
}
