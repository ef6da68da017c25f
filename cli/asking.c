/* asking.c: see asking.h. */
#include "cli/asking.h"

#include "scheduler/conductor.h"

#include <stdlib.h>

struct finding {
    struct cli *c;
    const struct project *p;
};

static struct pipeline *find(void *ctx, const char *name, struct err *err) {
    struct finding *f = ctx;
    return load_pipeline(f->c, f->p, name, err);
}

int ask(struct cli *c, const struct project *p, json_t *request, json_t **answer, struct err *err) {
    struct finding f = {.c = c, .p = p};
    char *programs = programs_folder();
    struct conductor_options o = {
        .project = p, .world = c->world, .programs = programs, .find = find, .find_ctx = &f};
    int rc = conductor_request(&o, request, answer, err);
    free(programs);
    json_decref(request);
    return rc;
}
