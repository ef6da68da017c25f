/* scope.h: what the names in ${…} stand for, as the JSON object that dag/ evaluates against (dag/pipeline.h).
 *
 * A scope has two layers: what is the same for every step of a run, built once, and what belongs to one
 * attempt. */
#ifndef LEAT_SCHEDULER_SCOPE_H
#define LEAT_SCHEDULER_SCOPE_H

#include "base/err.h"
#include "base/instant.h"
#include "dag/pipeline.h"

#include <jansson.h>

struct scope_run {
    int64_t run, generation;
    const char *trigger;                /* manual, schedule, … */
    instant_t window_start, window_end; /* INSTANT_NONE: no window */
    instant_t scheduled_for;            /* INSTANT_NONE: not scheduled */
    const json_t *params;               /* object */
};

struct scope_attempt {
    int64_t number;
    const char *stage;         /* the staging folder; NULL without into: */
    const json_t *inputs;      /* array of the request's inputs; may be NULL */
    const char *inputs_prefix; /* "<state>/stage/<token>": pinned file lists are <prefix>.<dataset>.files */
    const char *bookmark_from; /* value bookmark's current value; NULL: none yet */
};

/* New reference. Secrets are resolved here (file:, env:), so the object must never be stored or logged; an
 * unresolvable secret is left out, and naming it is then an evaluation error that says so. */
json_t *scope_of_run(const struct pipeline *p, const struct scope_run *r);
/* New reference, sharing the run's members. */
json_t *scope_of_attempt(const json_t *run_scope, const struct step *s, const struct scope_attempt *a);
/* Remembers what a finished step gave: steps.NAME.outputs and .rows. outputs may be NULL. */
void scope_step_done(json_t *run_scope, const char *step, const json_t *outputs, int64_t rows);
/* For `finally`: run.result and run.failed_steps. */
void scope_run_result(json_t *run_scope, const char *result, json_t *failed_steps /* stolen */);

#endif
