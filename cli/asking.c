/* asking.c: see asking.h. */
#include "cli/asking.h"

#include "cli/finding.h"
#include "scheduler/conductor.h"

#include <stdlib.h>

int ask(struct cli *c, const struct project *p, json_t *request, json_t **answer, struct err *err) {
    struct finding f = {.project = p};
    char *programs = programs_folder();
    struct conductor_options o = {
        .project = p, .world = c->world, .programs = programs, .find = finding_find, .find_ctx = &f};
    int rc = conductor_request(&o, request, answer, err);
    free(programs);
    finding_release(&f);
    json_decref(request);
    return rc;
}
