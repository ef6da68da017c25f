/* rollback.c: an old version's files as a new version: the publish protocol without an attempt and without
 * files to move. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/json.h"
#include "store/datasets.h"
#include "zones/publish.h"

#include <string.h>

static int in_transaction(struct conductor *c,
                          int (*change)(struct conductor *c, int64_t intent, struct err *err), int64_t intent,
                          struct err *err) {
    if (store_begin(c->store, err)) return -1;
    if (change(c, intent, err) == 0) return store_commit(c->store, err);
    store_rollback(c->store);
    return -1;
}

static int commit(struct conductor *c, int64_t intent, struct err *err) {
    int hit = store_intent_commit(c->store, intent, NULL, turn_wall(c), err);
    return hit == 0  ? err_set(err, EX_CONFLICT, "intent %lld is not open any more", (long long)intent)
           : hit < 0 ? -1
                     : 0;
}

static int close_it(struct conductor *c, int64_t intent, struct err *err) {
    return store_intent_close(c->store, intent, turn_wall(c), err) < 0 ? -1 : 0;
}

static int abort_it(struct conductor *c, int64_t intent, struct err *err) {
    struct err why = *err; /* the reason stays the reason */
    int rc = store_intent_abort(c->store, intent, why.msg, turn_wall(c), err) < 0 ? -1 : 0;
    if (!rc) *err = why;
    return rc;
}

int publish_by_hand(struct conductor *c, int64_t intent, struct err *err) {
    json_t *outside = NULL;
    enum publish_end end = publish_run_intent(c->store, intent, &outside, err);
    json_decref(outside);
    if (end == PUBLISH_DONE)
        return in_transaction(c, commit, intent, err) || in_transaction(c, close_it, intent, err) ? -1 : 0;
    if (end == PUBLISH_OUTSIDE)
        err_set(err, EX_CONFLICT, "another program has written to the dataset meanwhile");
    if (end != PUBLISH_FAILED) in_transaction(c, abort_it, intent, err);
    return -1;
}

static int find_dataset(struct conductor *c, const char *name, struct arena *a, struct dataset_row *d,
                        struct err *err) {
    int found = store_dataset_find(c->store, name, a, d, err);
    if (found == 1 && d->head >= 0) return 0;
    if (found >= 0) {
        err_set(err, EX_NOT_FOUND, "%s has never been published", name);
        err_hint(err, "see: leat zone list");
    }
    return -1;
}

static const char *zone_path(const struct conductor *c, const char *dataset) {
    const char *dot = strchr(dataset, '.');
    const struct zone *z = dot ? project_zone(c->options.project, dataset, (size_t)(dot - dataset)) : NULL;
    return z ? z->path : "";
}

static int prepare(struct conductor *c, const struct rollback_request *r, const struct dataset_row *d,
                   int64_t *intent, struct err *err) {
    char token[TOKEN_TEXT];
    snprintf(token, sizeof token, "rollback-%016llx", (unsigned long long)world_random(c->options.world));
    struct rollback rb = {.dataset = r->dataset,
                          .token = token,
                          .project = c->options.project->name,
                          .dataset_id = d->id,
                          .to_version = r->to_version < 0 ? d->head - 1 : r->to_version,
                          .zone_path = zone_path(c, r->dataset),
                          .now = turn_wall(c)};
    json_t *plan = publish_rollback(c->store, &rb, err);
    if (!plan) return -1;
    struct intent_spec spec = {
        .token = token, .author = r->author, .reason = r->reason, .plan = plan, .at = rb.now};
    int rc = store_begin(c->store, err);
    if (!rc && store_intent_prepare(c->store, &spec, intent, err) != PREPARE_DONE) {
        store_rollback(c->store);
        rc = -1;
    } else if (!rc) {
        rc = store_commit(c->store, err);
    }
    json_decref(plan);
    return rc;
}

int conductor_rollback(struct conductor *c, const struct rollback_request *r, int64_t *from, int64_t *version,
                       struct err *err) {
    struct arena *a = arena_new();
    struct dataset_row d;
    int64_t intent = 0;
    int rc = find_dataset(c, r->dataset, a, &d, err);
    if (!rc) rc = prepare(c, r, &d, &intent, err);
    if (!rc) rc = publish_by_hand(c, intent, err);
    if (!rc) {
        *from = d.head;
        *version = d.head + 1;
    }
    arena_free(a);
    return rc;
}
