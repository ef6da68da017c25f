/* collect.h: retention and garbage, once a day and piece by piece. Private to this folder. */
#ifndef LEAT_SCHEDULER_CONDUCTOR_COLLECT_H
#define LEAT_SCHEDULER_CONDUCTOR_COLLECT_H

#include "scheduler/conductor.h"

/* The last one that came to its end was a day ago, or more. */
bool collection_due(const struct conductor *c);

/* One collection. Between its pieces anything may happen but the end of the conductor. */
struct collection;
struct collection *collection_new(struct conductor *c);
/* Outside of a turn. 1: there is more; 0: done; -1 with err: not today. */
int collection_step(struct collection *k, struct err *err);
void collection_free(struct collection *k); /* NULL is fine */

#endif
