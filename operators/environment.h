/* environment.h: the environment of a step's process (design: pipelines.md 2.10, contract.md 3 and 6).
 *
 * Nothing is passed on by accident: a short list of names is inherited, then what the project allows, then
 * LEAT_* values, then the verb's own, then the step's `env:`, which wins. */
#ifndef LEAT_OPERATORS_ENVIRONMENT_H
#define LEAT_OPERATORS_ENVIRONMENT_H

#include <jansson.h>

/* "NAME=value" texts, NULL at the end; list and texts malloc'ed. `extra` has the same shape and may be
 * NULL. */
char **environment_build(const json_t *request, char *const *extra);
void environment_free(char **env); /* NULL is fine */

#endif
