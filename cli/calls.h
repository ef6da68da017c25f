/* calls.h: a pipeline and those that its `pipeline:` steps run: loaded, checked against each other, at hand
 * for the conductor. */
#ifndef LEAT_CLI_CALLS_H
#define LEAT_CLI_CALLS_H

#include "cli/load.h"

struct calls;

struct calls *calls_new(const struct project *p);
void calls_free(struct calls *k); /* NULL is fine */
/* One more, with all that it runs in the end; shared. Files are read without a word: what is wrong with one
 * shows in who runs it. */
void calls_add(struct calls *k, struct pipeline *p);
/* One that is at hand, without what it runs; shared. */
void calls_put(struct calls *k, struct pipeline *p);
/* Every pipeline of the project: who writes what, and who is started by it. */
void calls_whole(struct calls *k);
/* What the `pipeline:` steps of p are to be told (dag/pipeline.h), circles it is part of, datasets that
 * others write too, and, when the whole project is known and sound, those that nobody writes
 * (dag/wiring.h). */
void calls_check(const struct calls *k, const struct pipeline *p, struct diags *d);
/* All that were added and all they run: -1 with err (exit 3) after the diagnostics were printed to stderr. */
int calls_check_all(struct cli *c, const struct calls *k, struct err *err);

/* For struct conductor_options: find and next, with the calls as find_ctx. What is not there yet is read. */
struct pipeline *calls_find(void *calls, const char *name, struct err *err);
const struct pipeline *calls_next(void *calls, size_t *at);

#endif
