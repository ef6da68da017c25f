/* collect.c: once a day, after the work: versions past retention are forgotten, what nothing refers to goes
 * to the trash.
 *
 * The day of the last collection is the modification time of <state>/collected: losing it costs one
 * collection. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/json.h"
#include "store/datasets.h"
#include "zones/gc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FORGET_ROWS = 1000 };
#define GRACE       (2 * US_PER_DAY) /* longer than any step or reader we expect */
#define TRASH_GRACE (1 * US_PER_DAY)

static bool due_today(const char *marker, instant_t now) {
    struct stat st;
    return stat(marker, &st) != 0 || now - (instant_t)st.st_mtime * US_PER_SECOND >= US_PER_DAY;
}

/* Forgets in pieces, one transaction each, so that no turn of anybody is long. */
static int forget(struct conductor *c, int64_t dataset, int64_t keep, struct err *err) {
    int more = 1;
    while (more == 1) {
        if (store_begin(c->store, err)) return -1;
        more = store_versions_forget(c->store, dataset, keep, FORGET_ROWS, err);
        if (more < 0) {
            store_rollback(c->store);
            return -1;
        }
        if (store_commit(c->store, err)) return -1;
    }
    return 0;
}

static int forget_versions(struct conductor *c, struct err *err) {
    struct arena *a = arena_new();
    struct dataset_row *rows;
    size_t n;
    int rc = store_datasets_list(c->store, a, &rows, &n, err) < 0 ? -1 : 0;
    for (size_t i = 0; i < n && !rc; i++) {
        const struct zone *z = project_zone(c->options.project, rows[i].zone, strlen(rows[i].zone));
        int64_t keep;
        if (!z || !z->keep_versions || rows[i].head < 1) continue;
        rc = gc_first_kept(c->store, rows[i].id, z->keep_versions, turn_wall(c), &keep, err) < 0 ? -1 : 0;
        if (!rc) rc = forget(c, rows[i].id, keep, err);
    }
    arena_free(a);
    return rc;
}

static int collect_files(struct conductor *c, struct err *err) {
    const struct project *p = c->options.project;
    struct gc_zone *zones = xcalloc(p->zone_count, sizeof *zones);
    for (size_t i = 0; i < p->zone_count; i++)
        zones[i] = (struct gc_zone){
            .name = p->zones[i].name, .path = p->zones[i].path, .keep_versions = p->zones[i].keep_versions};
    struct gc_options o = {.zones = zones,
                           .zone_count = p->zone_count,
                           .now = turn_wall(c),
                           .grace = GRACE,
                           .trash_grace = TRASH_GRACE};
    struct gc_report done = {0};
    int rc = gc_run(c->store, &o, &done, NULL, err);
    free(zones);
    if (!rc && (done.stages || done.files || done.deleted))
        report(c, "collected", 0, NULL,
               json_pack("{sI sI sI sI}", "stages", (json_int_t)done.stages, "files", (json_int_t)done.files,
                         "bytes", (json_int_t)done.bytes, "deleted", (json_int_t)done.deleted));
    effects_run(c);
    return rc;
}

int conductor_collect(struct conductor *c, struct err *err) {
    char *marker = fs_join(c->options.project->state, "collected");
    int rc = 0;
    if (due_today(marker, turn_wall(c))) {
        rc = forget_versions(c, err);
        if (!rc) rc = collect_files(c, err);
        if (!rc) rc = fs_replace(marker, "", 0, 0600, err);
    }
    free(marker);
    return rc;
}
