/* restate_asks.h: the questions of a restatement's plan, asked of the database, and the pipelines it is made
 * over. */
#ifndef LEAT_SCHEDULER_RESTATE_ASKS_H
#define LEAT_SCHEDULER_RESTATE_ASKS_H

#include "scheduler/plans/restate.h"
#include "store/store.h"

/* What is asked, and what is known of it already: the days of a dataset are read once for a plan. {.store},
 * not NULL; restate_asked_release() after the plan. */
struct restate_asked {
    struct store *store;
    struct arena *arena; /* of the days; NULL: none yet */
    struct known_days *days;
};
struct restate_asks restate_asks_of(struct restate_asked *k);
void restate_asked_release(struct restate_asked *k);

/* Every pipeline of a project, as `find` knows it (conductor_options.find). Those that cannot be read are
 * told of in *broken, one line, in the arena; NULL: none. */
struct all_pipelines {
    struct pipeline **list; /* malloc'ed, each owned */
    size_t count;
};
void all_pipelines_read(const struct project *p, struct pipeline *(*find)(void *, const char *, struct err *),
                        void *find_ctx, struct arena *a, struct all_pipelines *out, const char **broken);
void all_pipelines_release(struct all_pipelines *p);

#endif
