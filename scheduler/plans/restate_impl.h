/* restate_impl.h: what the files of the restatement's plan share. */
#ifndef LEAT_SCHEDULER_RESTATE_IMPL_H
#define LEAT_SCHEDULER_RESTATE_IMPL_H

#include "base/map.h"
#include "scheduler/plans/restate.h"

#define NO_WRITER UINT32_MAX

/* A step of one of the pipelines. */
struct restate_step {
    const struct pipeline *pipeline;
    const struct step *step;
    const char *cannot; /* why it cannot be restated; "": it can */
    bool root, noted;
    uint32_t next_writer; /* of the same dataset; NO_WRITER */
    uint32_t *readers;    /* malloc'ed: steps that read what it writes */
    size_t reader_count, reader_cap;
    uint32_t waits;  /* of the order: steps before it that are not in it yet */
    uint32_t *nodes; /* malloc'ed: for which windows it runs */
    size_t node_count, node_cap;
};

/* One step for one window. */
struct restate_node {
    uint32_t step;
    instant_t start, end;
    int64_t stage;
    const char *dataset; /* that it reads, or writes as a root */
};

struct restating {
    const struct restate_sources *s;
    const struct restate_request *r;
    struct restate_plan *out;
    struct restate_step *steps; /* malloc'ed */
    size_t step_count;
    struct restate_node *nodes; /* malloc'ed */
    size_t node_count, node_cap;
    struct map node_keys; /* "step start end" -> index */
    struct map writers;   /* dataset -> index of its first writer; next_writer goes on */
    struct map names;     /* "pipeline.step" -> index */
    uint32_t *order;      /* malloc'ed: of steps, what writes before what reads */
};

/* restate_steps.c: every step, who reads from whom, in which order. */
int restate_steps(struct restating *k, struct err *err);
void restate_note(struct restating *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
enum { RESTATE_KEY = 64 };
const char *restate_key(uint32_t step, instant_t start, instant_t end,
                        char out[RESTATE_KEY]); /* returns out */
/* restate_nodes.c: the roots, and what follows from them. */
int restate_nodes(struct restating *k, struct err *err);
/* restate_items.c: nodes become items. */
int restate_items(struct restating *k, struct err *err);

#endif
