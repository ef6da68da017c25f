/* zone.h: what the zone verbs share. */
#ifndef LEAT_CLI_ZONE_H
#define LEAT_CLI_ZONE_H

#include "cli/view.h"
#include "store/datasets.h"

/* The dataset that "zone.name" names; exit 4 and a suggestion when there is none or nothing was published. */
int zone_find(struct view *v, const char *name, struct dataset_row *out, struct err *err);
/* "12", "v12" as a number; -1 with err (usage). */
int zone_version(const char *text, int64_t *out, struct err *err);

#endif
