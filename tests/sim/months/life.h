/* life.h: one life of the conductor, as those see it who act on it. */
#ifndef LEAT_TESTS_SIM_MONTHS_LIFE_H
#define LEAT_TESTS_SIM_MONTHS_LIFE_H

#include "scheduler/catalog.h"
#include "scheduler/conductor/inner.h"
#include "stage.h"

struct life {
    struct project *project;
    struct catalog *catalog;
    struct conductor *c;
    uint64_t zones; /* stamp of the zone data it reads files with */
};

void look(struct life *l); /* the catalog reads what has changed */
_Noreturn void broke(const struct err *err);

void acts_due(struct life *l);     /* what users do now */
instant_t acts_next(void);         /* steady: when they do something next */
bool settle_users(struct life *l); /* at the end nothing is paused, broken, gone or held; false: not yet */

#endif
