/* repair.h: what can be put right about a dataset that was stopped: versions on disk that the database does
 * not know (a restored backup) are taken as they are; nothing is written, moved or read again. */
#ifndef LEAT_ZONES_REPAIR_H
#define LEAT_ZONES_REPAIR_H

#include "base/err.h"

#include <jansson.h>
#include <stdint.h>

struct store;
struct dataset_row;

struct repair {
    /* Versions after the head, in order, as store_versions_adopt() takes them; empty: the log ends at the
     * head:
     *   [{"version", "token"|null, "pipeline"|null, "step"|null, "run"|null, "operation", "writer", "adds",
     *     "removes", "columns"|null, "partition_by"|null, "table_id"|null}] */
    json_t *versions;
    int64_t last;       /* the version that will be the head */
    int64_t whole_from; /* older versions have lost files already */
};

/* Reads the log of the dataset's folder on from its head, and looks whether every file of the version that
 * will be live is there. row.id -1 (with head -1): the database does not know the dataset; s may then be
 * NULL. -1: exit 8 with the place when this is no repair: the head on disk is not the database's, a file is
 * missing or has another size, the log says something Leat cannot do; exit 6 when it cannot be read. */
int repair_look(struct store *s, const struct dataset_row *row, struct repair *out, struct err *err);
void repair_release(struct repair *r);

#endif
