/* gc.h: what may go: old versions past retention, and what no version, intent or live attempt refers to.
 *
 * Two steps with a grace between them: an unreferenced file is first moved to <zone>/_leat_trash/<day>/…,
 * then deleted a day later. The keep-set is read before anything is moved, and it ends at the first thing it
 * cannot read. Versions themselves are forgotten by the conductor (one writer): gc only says which. */
#ifndef LEAT_ZONES_GC_H
#define LEAT_ZONES_GC_H

#include "base/err.h"
#include "base/instant.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct store;

struct gc_zone {
    const char *name, *path;
    duration_t keep_versions; /* 0: for ever */
};

struct gc_options {
    const struct gc_zone *zones;
    size_t zone_count;
    instant_t now;
    duration_t grace;       /* nothing younger is touched; at least the longest step and reader */
    duration_t trash_grace; /* between trash and deletion */
    bool dry_run;
};

struct gc_report {
    int64_t stages, files, bytes; /* moved to the trash */
    int64_t deleted;              /* removed from the trash for good */
};

/* Piece by piece: others may publish, and live, between the pieces. The zones, the store and list are
 * borrowed. */
struct gc;
struct gc *gc_new(struct store *s, const struct gc_options *o, json_t *list);
int gc_step(struct gc *g, struct err *err); /* 1: there is more; 0: done; -1 with err */
const struct gc_report *gc_done(const struct gc *g);
void gc_free(struct gc *g); /* NULL is fine */

/* All of it: moves unreferenced stages and files to the trash and empties what has been there long enough. list (may be
 * NULL) receives the paths as text. */
int gc_run(struct store *s, const struct gc_options *o, struct gc_report *out, json_t *list, struct err *err);

/* The first version of a dataset to keep: every older one is past keep_versions. The head is always kept. */
int gc_first_kept(struct store *s, int64_t dataset_id, duration_t keep_versions, instant_t now,
                  int64_t *version, struct err *err);

#endif
