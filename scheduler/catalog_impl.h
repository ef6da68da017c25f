/* catalog_impl.h: the catalog inside; private to catalog*.c. */
#ifndef LEAT_SCHEDULER_CATALOG_IMPL_H
#define LEAT_SCHEDULER_CATALOG_IMPL_H

#include "scheduler/catalog.h"
#include "scheduler/core/idmap.h"

struct stamp {
    int64_t mtime_ns, size;
    uint64_t inode;
};

struct file {
    struct catalog *catalog;
    char *path, *name, *problem;
    struct pipeline *pipeline; /* only of the owner of its name */
    size_t errors;
    struct stamp stamp, *others; /* others: of pipeline->files */
    bool reading, seen, gone;
    bool refused; /* beside the definitions that are in force */
    bool afresh;  /* take the pipeline even when its definition is the same */
    struct loaded loaded;
    struct file *namesake; /* the next one that says this name */
};

enum { WATCHED_FOLDERS = 2 };

struct catalog {
    struct catalog_options o;
    struct file **files; /* sorted by path */
    size_t count, cap, reading;
    struct idmap owners; /* hash of a name -> its file */
    struct idmap named;  /* hash of a name -> the first of the files that say it */
    struct stamp project;
    struct batch *batch; /* being filled */
    struct file **read;  /* to be taken over when nothing is being read any more */
    size_t read_count, read_cap;
    bool moved;                             /* some definition is another one, or gone */
    uv_fs_event_t watches[WATCHED_FOLDERS]; /* the project's folder, pipelines/ */
    char *folders[WATCHED_FOLDERS];
    uint64_t watched[WATCHED_FOLDERS]; /* inodes; 0: not watched */
    uv_timer_t calm;                   /* an editor writes a file in several moves */
    int handles;                       /* open */
    bool closing;
};

/* ---- catalog.c */
void catalog_take(struct catalog *c, struct file *f); /* it has been read: f->loaded */
void catalog_tell(struct catalog *c, const char *name);
/* A file that is gone lets go of its name. true: it was the owner. */
bool catalog_unname(struct catalog *c, struct file *f);
/* The first file that says this name, and the next; some may say another. NULL: no more. */
struct file *catalog_named(const struct catalog *c, const char *name);
void catalog_release(struct catalog *c);
void file_free(struct file *f);

/* ---- catalog_look.c */
struct stamp stamp_of(const char *path);
struct file *catalog_file(const struct catalog *c, const char *path); /* NULL: there is none */

#endif
