/* runs.h: what the verbs about runs share. */
#ifndef LEAT_CLI_RUNS_H
#define LEAT_CLI_RUNS_H

#include "cli/view.h"
#include "store/runs.h"

json_t *run_json(const struct run_row *r);                     /* cli.md 1.6 */
const char *run_note(struct view *v, const struct run_row *r); /* why it ended so, in a few words */
/* The run that a word names: a number, or a pipeline (its newest run); NULL: the newest of all. -1 with err
 * (exit 4, or 2 for what is neither). */
int run_find(struct view *v, const char *word, struct run_row *out, struct err *err);

#endif
