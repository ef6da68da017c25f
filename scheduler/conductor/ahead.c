/* ahead.c: datasets whose log on disk goes on after what the database knows (design: zones.md 2): the
 * database was restored from an older backup, or its disk lied. Such a dataset is stopped before anything is
 * made for it; `leat zone repair` goes on from there.
 *
 * Looked at for every attempt, the dataset it will publish to: one name look-up. For all datasets when the
 * last writer did not close the database, or closed another file than this one: a start like any other costs
 * nothing. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/json.h"
#include "zones/publish.h"

#include <string.h>

/* An entry that an open intent wrote is on its way into the database. One of another program is followed by
 * the next publish, where there can be one: in a Delta log. */
static int is_ahead(struct conductor *c, const struct dataset_row *d, struct publish_ahead *found,
                    struct err *err) {
    int r = publish_ahead(d->path, d->format, d->head, found, err);
    if (r <= 0 || (!found->ours && strcmp(d->format, "delta") == 0)) return r < 0 ? -1 : 0;
    struct arena *a = arena_new();
    struct intent_row intent;
    r = store_intent_of_dataset(c->store, d->id, a, &intent, err);
    arena_free(a);
    return r < 0 ? -1 : !r;
}

int ahead_stop(struct conductor *c, const struct dataset_row *d, struct err *err) {
    struct publish_ahead found;
    int r = is_ahead(c, d, &found, err);
    if (r <= 0) return r;
    publish_ahead_error(d->name, d->head, &found, err);
    struct err why = *err;
    if (store_dataset_stop(c->store, d->id, why.msg, err) < 0) return -1;
    *err = why;
    return 1;
}

/* One that cannot be looked at is left to who needs it. */
static int stop_one(struct conductor *c, const struct dataset_row *d, struct err *err) {
    struct err why;
    if (store_begin(c->store, err)) return -1;
    int r = ahead_stop(c, d, &why);
    if (store_commit(c->store, err)) return -1;
    if (r == 1)
        report(c, "dataset_stopped", 0, NULL,
               json_pack("{ss ss ss}", "dataset", d->name, "message", why.msg, "hint", why.hint));
    return 0;
}

int ahead_look(struct conductor *c, struct err *err) {
    if (!store_was_unclean(c->store) && !store_was_replaced(c->store)) return 0;
    struct arena *a = arena_new();
    struct dataset_row *rows;
    size_t n;
    int rc = store_datasets_list(c->store, a, &rows, &n, err) < 0 ? -1 : 0;
    for (size_t i = 0; i < n && !rc; i++)
        if (!rows[i].stopped) rc = stop_one(c, &rows[i], err);
    arena_free(a);
    effects_run(c);
    return rc;
}
