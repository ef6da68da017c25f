/* catalog.h: the pipelines of a project while their files change: the last good definition of each name.
 *
 * Files are found by listing, read in the loop's thread pool, and taken over on the loop. inotify says when
 * to look; catalog_look() is the safety net for what it did not tell (a network share, an overflow, a file
 * that another one includes). What is read together is taken over when all of it has been read, oldest file
 * first: of two files that cannot both be in force the newer is refused. A broken file keeps the last good
 * definition and says what is wrong; a name belongs to the file that had it first; history belongs to the
 * name, so a renamed file goes on. */
#ifndef LEAT_SCHEDULER_CATALOG_H
#define LEAT_SCHEDULER_CATALOG_H

#include "dag/pipeline.h"

#include <uv.h>

struct catalog;

/* What reading one file gave. Texts malloc'ed. */
struct loaded {
    struct pipeline *pipeline; /* NULL: it has errors */
    char *name;                /* as the file says it; NULL: it says none */
    char *problem;             /* "pipelines/x.yaml:31:5: …", the first error; NULL: none */
    size_t errors;
};

struct catalog_options {
    const struct project *project;
    uv_loop_t *loop;
    /* Reads n files; called in a thread of the pool, so it shares nothing that changes. */
    void (*load)(void *ctx, const struct project *project, const char *const *paths, size_t n,
                 struct loaded *out);
    void *load_ctx;
    /* What is wrong with a definition that is sound by itself, beside those that are in force (malloc'ed);
     * NULL: nothing. It is asked again when others have changed. May be NULL. */
    char *(*refuse)(void *ctx, const struct pipeline *p);
    /* A name has another definition, another problem, or is gone; an orphan has another problem. On the
     * loop. */
    void (*changed)(void *ctx, const char *name);
    /* Files have been touched, the project's among them perhaps: catalog_look() is due. On the loop. */
    void (*stirred)(void *ctx);
    void *ctx; /* of these */
};

struct catalog_entry {
    const char *name, *path;   /* path: of the file it comes from, shown as the project sees it */
    bool orphan;               /* it says no name, or one that is another file's: `name` is its path */
    struct pipeline *pipeline; /* the last good definition; borrowed; NULL: there never was one */
    const char *problem;       /* what is wrong with the file now; NULL: nothing */
    size_t errors;
    instant_t changed_at; /* the file's mtime */
};

struct catalog *catalog_new(const struct catalog_options *o);
void catalog_free(struct catalog *c); /* the loop must run once more afterwards; NULL is fine */

/* Lists the files and starts reading what is new or has changed; tells of what is gone. */
void catalog_look(struct catalog *c);
bool catalog_busy(const struct catalog *c); /* files are being read */
/* Looks, and runs the loop until everything has been read: for the start. */
void catalog_fill(struct catalog *c);
/* A definition for a name whose file is broken and never was good here: what ran last, from the database.
 * Consumed. */
void catalog_adopt(struct catalog *c, const char *name, struct pipeline *p);
/* leat.yaml has changed since the project was read, or since this was last asked. */
bool catalog_project_changed(struct catalog *c);
/* Zone data changed: every file is read again, and every definition is another one. */
void catalog_reread(struct catalog *c);

/* 1, or 0: no file says this name, and no orphan has this path. */
int catalog_find(const struct catalog *c, const char *name, struct catalog_entry *out);
/* All of them, in order of paths: *at = 0 first; false at the end. */
bool catalog_next(const struct catalog *c, size_t *at, struct catalog_entry *out);
size_t catalog_count(const struct catalog *c);

#endif
