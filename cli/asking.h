/* asking.h: verbs that have something done by the conductor at work or, when none is, do it on the database
 * (scheduler/conductor/asks.c has what can be asked). */
#ifndef LEAT_CLI_ASKING_H
#define LEAT_CLI_ASKING_H

#include "cli/load.h"

#include <jansson.h>

/* The request is consumed; *answer: new reference, only on 0. */
int ask(struct cli *c, const struct project *p, json_t *request, json_t **answer, struct err *err);

#endif
