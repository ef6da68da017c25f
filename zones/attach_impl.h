/* attach_impl.h: what the files of attach.h share. Nobody else includes it. */
#ifndef LEAT_ZONES_ATTACH_IMPL_H
#define LEAT_ZONES_ATTACH_IMPL_H

#include "base/arena.h"
#include "base/buf.h"
#include "engine/duck.h"
#include "store/datasets.h"
#include "zones/attach.h"

/* What one view is made of. */
struct attach {
    struct duck *duck;
    const char *schema, *view;
    struct buf sql; /* the SELECT, built group by group */
    size_t groups;
    int64_t bytes; /* of the files; -1: not known */
    bool text;     /* some are CSV or JSON */
    json_t *loose; /* their paths, when they are read by their extension; NULL */
};

/* Sets a fresh session variable to a list of texts; its name goes to `name`. */
int attach_variable(struct duck *d, const json_t *paths, char name[64], struct err *err);
void attach_next(struct attach *a); /* another group is added to a->sql */

/* What attaching a dataset needs to know. */
struct source {
    struct store *store;
    struct arena *arena;
    struct dataset_row row;
    struct version_row version;
    json_t *columns, *by;
};

/* ---- attach_parquet.c ---- */

/* Files that are read by one call. */
struct group {
    json_t *paths;         /* absolute */
    const json_t *columns; /* of the version */
    const json_t *by;      /* partition columns' names */
    const struct file_row **files;
    size_t count;
    bool folders;              /* partition values are in the folder names */
    char list[64], values[64]; /* variables */
};
struct group group_new(const struct source *s, size_t max);
void group_add(struct group *g, const struct source *s, const struct file_row *f);
/* Every file lies where its partition values say. */
bool group_folders_tell(const struct group *g, const char *dataset_path);

/* No file: a table without rows that has the columns. */
void attach_empty(struct attach *a, const json_t *columns);
int attach_delta(struct attach *a, struct source *s, const struct file_list *files, struct err *err);

#endif
