/* step_impl.h: one step while it is read: shared by step.c and step_keys.c. Nobody else includes it. */
#ifndef LEAT_DAG_STEP_IMPL_H
#define LEAT_DAG_STEP_IMPL_H

#include "dag/use.h"

enum { LAYERS = 4, UNKNOWN_MAX = 16, INPUTS_MAX = 64 };

enum layer_kind { LAYER_STEP, LAYER_TEMPLATE, LAYER_DEFAULTS };

struct layer {
    const struct node *map;
    enum layer_kind kind;
};

struct found {
    const struct entry *entry; /* NULL: not said */
    const struct layer *layer;
};

struct maker {
    struct build *b;
    struct load *l;
    uint32_t index;
    const struct planned *plan;
    struct step *s;
    struct note *note;
    struct where where;
    struct use use;
    struct layer layers[LAYERS];
    size_t layer_count;
    struct found found[STEP_KEYS];
    struct value value[STEP_KEYS];
    bool good[STEP_KEYS];
    struct found verb, siblings[UNKNOWN_MAX];
    size_t sibling_count;
    const char *inputs[INPUTS_MAX];
    bool unsure; /* a key was not understood: what is missing may be it */
};

/* ---- step.c ---- */

void step_enter_layer(struct maker *m, const struct layer *layer); /* what is parsed next was written there */
struct span step_at_key(const struct maker *m, enum step_key k);

/* ---- step_keys.c ---- */

void step_take_keys(struct maker *m);
void step_need_into(struct maker *m); /* keys that describe an output say nothing without one */

#endif
