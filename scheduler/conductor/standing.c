/* standing.c: how the conductor at work stands: the answer to the ask `status`.
 *
 *   {pid, serves, live, jobs, jobs_used, runs: [id …], pools: [{name, tokens, used}],
 *    next: {pipeline, schedule, due} or null, clock_doubted, lag_us,
 *    draining,
 *    pipelines: {good, broken: [{pipeline, file, problem, keeps_last_good}]}}
 *
 * Instants are microseconds since 1970. What is durable (runs, pauses, schedules) the asker reads for itself.
 */
#include "scheduler/conductor/inner.h"

#include "base/json.h"
#include "scheduler/catalog.h"

#include <unistd.h>

static json_t *runs_json(const struct conductor *c) {
    json_t *runs = json_array();
    for (struct live_run *r = c->runs; r; r = r->next) json_array_append_new(runs, json_integer(r->id));
    return runs;
}

static json_t *pools_json(const struct conductor *c) {
    const struct project *p = c->options.project;
    json_t *pools = json_array();
    for (size_t i = 0; i < p->pool_count; i++)
        json_array_append_new(pools, json_pack("{ss sI sI}", "name", p->pools[i].name, "tokens",
                                               (json_int_t)p->pools[i].tokens, "used",
                                               (json_int_t)core_pool_used(c->core, (uint32_t)i)));
    return pools;
}

static json_t *next_json(struct conductor *c) {
    struct clock_first f;
    if (!clock_first(c, &f)) return json_null();
    return json_pack("{ss ss sI}", "pipeline", f.pipeline, "schedule", f.schedule, "due", (json_int_t)f.due);
}

static json_t *broken_json(const struct catalog_entry *e) {
    return json_pack("{ss ss ss sb}", "pipeline", e->name, "file", e->path, "problem", e->problem,
                     "keeps_last_good", e->pipeline != NULL);
}

static json_t *pipelines_json(const struct conductor *c) {
    json_t *broken = json_array();
    struct catalog_entry e;
    json_int_t good = 0;
    for (size_t at = 0; c->catalog && catalog_next(c->catalog, &at, &e);) {
        good += !e.problem;
        if (e.problem) json_array_append_new(broken, broken_json(&e));
    }
    return json_pack("{sI so}", "good", good, "broken", broken);
}

int standing(struct conductor *c, const json_t *request, json_t *answer, struct err *err) {
    struct core_load load = core_load(c->core);
    (void)request, (void)err;
    json_put(answer, "pid", json_integer(getpid()));
    json_put(answer, "serves", json_boolean(c->options.serves));
    json_put(answer, "live", json_integer(load.live));
    json_put(answer, "jobs", json_integer(c->options.jobs));
    json_put(answer, "jobs_used", json_integer(load.jobs_used));
    json_put(answer, "runs", runs_json(c));
    json_put(answer, "pools", pools_json(c));
    json_put(answer, "next", next_json(c));
    json_put(answer, "clock_doubted", json_boolean(clock_doubted(c)));
    json_put(answer, "draining", json_boolean(c->draining)); /* it waits for what runs, and ends */
    json_put(answer, "lag_us", json_integer(clock_lag(c)));
    json_put(answer, "pipelines", pipelines_json(c));
    return 0;
}
