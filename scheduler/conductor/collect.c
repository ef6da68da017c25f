/* collect.c: see collect.h. First versions past retention are forgotten, dataset by dataset, then what nothing
 * refers to goes to the trash (zones/gc.h). A piece is one transaction or one look, so that no turn of anybody
 * waits long for it.
 *
 * Runs may go on meanwhile: what live attempts read is not forgotten (a pin is a floor), what they write is
 * younger than the grace and has their token.
 *
 * The day of the last collection is the modification time of <state>/collected: losing it costs one
 * collection. Each piece stays done: one that was killed forgets and moves nothing twice, it only looks
 * again. */
#include "scheduler/conductor/collect.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"
#include "scheduler/conductor/inner.h"
#include "store/datasets.h"
#include "zones/gc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FORGET_ROWS = 500 };
#define GRACE       (2 * US_PER_DAY) /* longer than any step or reader we expect */
#define TRASH_GRACE (1 * US_PER_DAY)

struct collection {
    struct conductor *c;
    struct arena *arena;
    struct dataset_row *datasets;
    size_t count, next;
    bool listed;  /* the datasets are known */
    int64_t keep; /* of the one before `next`, which is being forgotten; -1: none is */
    struct gc_zone *zones;
    struct gc *gc; /* NULL: versions are still being forgotten */
};

static char *marker_path(const struct conductor *c) {
    return fs_join(c->options.project->state, "collected");
}

bool collection_due(const struct conductor *c) {
    char *marker = marker_path(c);
    struct stat st;
    bool due = stat(marker, &st) != 0 || turn_wall(c) - (instant_t)st.st_mtime * US_PER_SECOND >= US_PER_DAY;
    free(marker);
    return due;
}

/* ---- versions ---- */

static int read_datasets(struct collection *k, struct err *err) {
    k->listed = true;
    return store_datasets_list(k->c->store, k->arena, &k->datasets, &k->count, err) < 0 ? -1 : 1;
}

static int begin_dataset(struct collection *k, struct err *err) {
    const struct dataset_row *d = &k->datasets[k->next++];
    const struct zone *z = project_zone(k->c->options.project, d->zone, strlen(d->zone));
    if (!z || !z->keep_versions || d->head < 1) return 1;
    return gc_first_kept(k->c->store, d->id, z->keep_versions, turn_wall(k->c), &k->keep, err) < 0 ? -1 : 1;
}

static int forget_some(struct collection *k, struct err *err) {
    struct store *s = k->c->store;
    if (store_begin(s, err)) return -1;
    int more = store_versions_forget(s, k->datasets[k->next - 1].id, k->keep, FORGET_ROWS, err);
    if (more < 0 || store_commit(s, err)) {
        store_rollback(s);
        return -1;
    }
    if (!more) k->keep = -1;
    return store_tend(s, false, err) ? -1 : 1;
}

/* ---- files ---- */

static int begin_files(struct collection *k) {
    const struct project *p = k->c->options.project;
    k->zones = xcalloc(p->zone_count, sizeof *k->zones);
    for (size_t i = 0; i < p->zone_count; i++)
        k->zones[i] = (struct gc_zone){
            .name = p->zones[i].name, .path = p->zones[i].path, .keep_versions = p->zones[i].keep_versions};
    struct gc_options o = {.zones = k->zones,
                           .zone_count = p->zone_count,
                           .now = turn_wall(k->c),
                           .grace = GRACE,
                           .trash_grace = TRASH_GRACE};
    k->gc = gc_new(k->c->store, &o, NULL);
    return 1;
}

static void say_collected(struct conductor *c, const struct gc_report *done) {
    if (done->stages || done->files || done->deleted)
        report(c, "collected", 0, NULL,
               json_pack("{sI sI sI sI}", "stages", (json_int_t)done->stages, "files",
                         (json_int_t)done->files, "bytes", (json_int_t)done->bytes, "deleted",
                         (json_int_t)done->deleted));
    effects_run(c);
}

static int end(struct collection *k, struct err *err) {
    char *marker = marker_path(k->c);
    int rc = fs_replace(marker, "", 0, 0600, err);
    free(marker);
    say_collected(k->c, gc_done(k->gc));
    return rc;
}

static int collect_files(struct collection *k, struct err *err) {
    int more = gc_step(k->gc, err);
    return more ? more : end(k, err);
}

/* ---- piece by piece ---- */

struct collection *collection_new(struct conductor *c) {
    struct collection *k = xcalloc(1, sizeof *k);
    *k = (struct collection){.c = c, .arena = arena_new(), .keep = -1};
    return k;
}

int collection_step(struct collection *k, struct err *err) {
    if (k->gc) return collect_files(k, err);
    if (!k->listed) return read_datasets(k, err);
    if (k->keep >= 0) return forget_some(k, err);
    if (k->next < k->count) return begin_dataset(k, err);
    return begin_files(k);
}

void collection_free(struct collection *k) {
    if (!k) return;
    gc_free(k->gc);
    free(k->zones);
    arena_free(k->arena);
    free(k);
}

int conductor_collect(struct conductor *c, struct err *err) {
    int more = 1;
    if (!collection_due(c)) return 0;
    struct collection *k = collection_new(c);
    while (more == 1) more = collection_step(k, err);
    collection_free(k);
    return more;
}
