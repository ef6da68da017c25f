/* repair.c: a stopped dataset goes on: with the versions that its log has and the database does not, or
 * because nothing is wrong with it any more. What was shown is looked for again, now that nobody else can
 * write. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/json.h"
#include "zones/repair.h"

#include <string.h>

static int refuse_busy(struct conductor *c, const struct dataset_row *d, struct err *err) {
    struct arena *a = arena_new();
    struct intent_row intent;
    int r = d->id < 0 ? 0 : store_intent_of_dataset(c->store, d->id, a, &intent, err);
    if (r == 1) {
        err_set(err, EX_CONFLICT, "%s is being published by %s", d->name, intent.token);
        err_reason(err, "dataset_busy");
    }
    arena_free(a);
    return r ? -1 : 0;
}

static int refuse_changed(const struct dataset_row *d, const struct repair *now, int64_t shown,
                          struct err *err) {
    if (now->last == shown) return 0;
    err_set(err, EX_CONFLICT, "%s ends at version %lld now, not at %lld", d->name, (long long)now->last,
            (long long)shown);
    err_hint(err, "look again: leat zone repair %s", d->name);
    return err_reason(err, "version_moved");
}

static int write_repair(struct conductor *c, const struct repair_request *r, const struct dataset_row *d,
                        const struct repair *found, struct err *err) {
    struct adoption a = {.dataset = d->id,
                         .versions = found->versions,
                         .whole_from = found->whole_from,
                         .author = r->author,
                         .reason = r->reason,
                         .at = turn_wall(c)};
    const struct dataset_spec spec = {.name = d->name, .path = d->path, .format = d->format, .at = a.at};
    if (store_begin(c->store, err)) return -1;
    int rc = d->id < 0 ? store_dataset_ensure(c->store, &spec, &a.dataset, err) : 0;
    if (!rc) rc = store_versions_adopt(c->store, &a, err);
    if (!rc) return store_commit(c->store, err);
    store_rollback(c->store);
    return -1;
}

int conductor_repair(struct conductor *c, const struct repair_request *r, struct err *err) {
    struct arena *a = arena_new();
    struct repair found = {0};
    struct dataset_row d = *r->dataset;
    int rc = store_dataset_find(c->store, d.name, a, &d, err) < 0 || refuse_busy(c, &d, err) ? -1 : 0;
    if (!rc) rc = repair_look(c->store, &d, &found, err);
    if (!rc) rc = refuse_changed(&d, &found, r->last, err);
    if (!rc) rc = write_repair(c, r, &d, &found, err);
    repair_release(&found);
    arena_free(a);
    return rc;
}
