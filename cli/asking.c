/* asking.c: see asking.h. */
#include "cli/asking.h"

#include "cli/calls.h"
#include "scheduler/conductor.h"

#include <stdlib.h>

int ask(struct cli *c, const struct project *p, json_t *request, json_t **answer, struct err *err) {
    struct calls *calls = calls_new(p);
    char *programs = programs_folder();
    struct conductor_options o = {.project = p,
                                  .world = c->world,
                                  .programs = programs,
                                  .find = calls_find,
                                  .next = calls_next,
                                  .find_ctx = calls};
    int rc = conductor_request(&o, request, answer, err);
    free(programs);
    calls_free(calls);
    json_decref(request);
    return rc;
}
