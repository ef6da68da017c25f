/* syntax.h: what libyaml found wrong, in words that say what to type. Used by the reader only. */
#ifndef LEAT_DAG_SYNTAX_H
#define LEAT_DAG_SYNTAX_H

#include "base/diag.h"

struct syntax_error {
    const struct source *source;
    const char *problem, *context; /* libyaml's words; context may be NULL */
    uint32_t at, context_at;       /* byte offsets */
};

/* Adds the diagnostic and returns the offset whose top-level block is to blame. */
uint32_t syntax_explain(struct diags *d, const struct syntax_error *e);

#endif
