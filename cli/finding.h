/* finding.h: definitions by name for a conductor that a verb opens: each is read once, and quietly. */
#ifndef LEAT_CLI_FINDING_H
#define LEAT_CLI_FINDING_H

#include "base/map.h"
#include "dag/pipeline.h"

struct finding {
    const struct project *project;
    struct map names; /* -> index of `pipelines` */
    struct pipeline **pipelines;
    size_t count, cap;
};

void finding_release(struct finding *f);
/* One already at hand; shared. */
void finding_know(struct finding *f, struct pipeline *p);
/* conductor_options.find; ctx is the struct finding. One more owner, or NULL with err: exit 4 when there is
 * none of that name, 3 with its first error when it has some. */
struct pipeline *finding_find(void *ctx, const char *name, struct err *err);

#endif
