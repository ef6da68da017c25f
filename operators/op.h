/* op.h: what an operator is.
 *
 * An operator is one const struct per verb, listed in operators/table.c. There are two kinds:
 *
 *   launch   fills argv and environment; the warden runs the process (shell, exec)
 *   work     runs inside `leat worker`, a process of its own under the warden (copy, sql, promote, spark); it
 * may load the embedded engine and may block
 *
 * Neither publishes. A step with `into:` leaves files in its stage; the worker audits them (zones/audit.h)
 * and the conductor publishes (zones/publish.h). Conductor and worker talk through two JSON files in
 * .leat/stage: the request and the result, described in operators/README.md and built and read only by
 * operators/exchange.c. */
#ifndef LEAT_OPERATORS_OP_H
#define LEAT_OPERATORS_OP_H

#include "base/err.h"
#include "base/fields.h"

#include <jansson.h>

struct work;         /* operators/work.h: the worker's view of its attempt */
struct prepare_step; /* operators/prepare.h: a step that is looked at before it runs */

struct op_launch {
    char **argv; /* malloc'ed, NULL at the end */
    char **env;  /* "NAME=value" additions for this verb; malloc'ed, NULL at the end; may be NULL */
};

struct op {
    struct verb verb;
    /* Exactly one of the two is set. `request` is the whole request (operators/README.md), config evaluated.
     */
    int (*launch)(const json_t *request, struct op_launch *out, struct err *err);
    int (*work)(struct work *w, struct err *err);
    /* Which rows it will give, and what is wrong with its config. NULL: nobody can tell. Runs in the worker.
     */
    void (*prepare)(struct prepare_step *s);
};

extern const struct op *const op_table[]; /* NULL at the end */
const struct op *op_find(const char *verb);
const struct verb *const *op_verbs(size_t *count); /* for dag/ */

#endif
