/* restate.c: see restate.h. */
#include "base/tz.h"
#include "scheduler/plans/restate_impl.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

const char *const restate_downstream_names[] = {
    [RESTATE_none] = "none", [RESTATE_pipeline] = "pipeline", [RESTATE_all] = "all", NULL};

/* ---- what is asked for ---- */

json_t *restate_request_json(const struct restate_request *r) {
    json_t *j =
        json_pack("{ss sI sI ss sI sI}", "dataset", r->dataset, "from", (json_int_t)r->from, "to",
                  (json_int_t)r->to, "downstream", restate_downstream_names[r->downstream], "max_parallel",
                  (json_int_t)r->max_parallel, "max_failures", (json_int_t)r->max_failures);
    if (r->name) json_put_text(j, "name", r->name);
    if (r->author) json_put_text(j, "author", r->author);
    if (r->reason) json_put_text(j, "reason", r->reason);
    return j;
}

static enum restate_downstream downstream_named(const char *word) {
    for (int i = RESTATE_none; i <= RESTATE_all; i++)
        if (strcmp(restate_downstream_names[i], word) == 0) return (enum restate_downstream)i;
    return RESTATE_all;
}

void restate_request_read(const json_t *from, struct restate_request *out) {
    *out = (struct restate_request){.dataset = json_text_or(from, "dataset", ""),
                                    .from = json_int(from, "from", 0),
                                    .to = json_int(from, "to", 0),
                                    .downstream = downstream_named(json_text_or(from, "downstream", "all")),
                                    .max_parallel = json_int(from, "max_parallel", 1),
                                    .max_failures = json_int(from, "max_failures", -1),
                                    .name = json_text(from, "name"),
                                    .author = json_text(from, "author"),
                                    .reason = json_text(from, "reason")};
}

/* ---- the plan ---- */

void restate_plan_release(struct restate_plan *p) {
    free(p->notes);
    arena_free(p->arena);
    *p = (struct restate_plan){0};
}

static void release(struct restating *k) {
    for (size_t i = 0; i < k->step_count; i++) {
        free(k->steps[i].readers);
        free(k->steps[i].nodes);
    }
    free(k->steps);
    free(k->nodes);
    free(k->order);
    map_release(&k->node_keys);
    map_release(&k->writers);
    map_release(&k->names);
}

static int backwards(const struct restate_request *r, struct err *err) {
    char from[TZ_TEXT], to[TZ_TEXT];
    return err_set(err, EX_USAGE, "--from %s is not before --to %s", tz_text_in("UTC", r->from, from),
                   tz_text_in("UTC", r->to, to));
}

int restate_plan(const struct restate_sources *s, const struct restate_request *r, struct restate_plan *out,
                 struct err *err) {
    struct restate_plan made = {.arena = arena_new()};
    struct restating k = {.s = s, .r = r, .out = &made};
    int rc = r->from < r->to ? 0 : backwards(r, err);
    if (!rc) rc = restate_steps(&k, err) || restate_nodes(&k, err) || restate_items(&k, err) ? -1 : 0;
    release(&k);
    if (rc)
        restate_plan_release(&made);
    else
        *out = made;
    return rc;
}
