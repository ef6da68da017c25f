/* catalog.c: see catalog.h: whose a name is, and which definition of it is in force.
 *
 * One `struct file` a path, in order of paths. A name is owned by the first file that was read well under it;
 * a second file of the same name has a problem and no pipeline. A file that is gone keeps its name until
 * everything that is being read has been read: when another file claims it meanwhile, the pipeline was
 * renamed on disk, and that is a change, not an end. How files are found and read: catalog_look.c. */
#include "scheduler/catalog_impl.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

static uint64_t name_id(const char *name) { return hash_bytes(name, strlen(name)); }

static struct file *owner_of(const struct catalog *c, const char *name) {
    struct file *f = name ? idmap_get(&c->owners, name_id(name)) : NULL;
    return f && strcmp(f->name, name) == 0 ? f : NULL;
}

void catalog_tell(struct catalog *c, const char *name) {
    if (name && !c->closing) c->o.changed(c->o.ctx, name);
}

struct file *catalog_named(const struct catalog *c, const char *name) {
    return name ? idmap_get(&c->named, name_id(name)) : NULL;
}

static void put_named(struct catalog *c, uint64_t id, struct file *first) {
    idmap_remove(&c->named, id);
    if (first) idmap_put(&c->named, id, first);
}

static void join_named(struct catalog *c, struct file *f) {
    f->namesake = catalog_named(c, f->name);
    put_named(c, name_id(f->name), f);
}

static void leave_named(struct catalog *c, const struct file *f) {
    struct file *before = catalog_named(c, f->name);
    if (before == f) {
        put_named(c, name_id(f->name), f->namesake);
        return;
    }
    while (before->namesake != f) before = before->namesake;
    before->namesake = f->namesake;
}

static void disown(struct catalog *c, struct file *f) {
    if (f->name && owner_of(c, f->name) == f) idmap_remove(&c->owners, name_id(f->name));
    pipeline_free(f->pipeline);
    f->pipeline = NULL;
    free(f->others);
    f->others = NULL;
}

static void remember_files(struct file *f) {
    free(f->others);
    f->others = xcalloc(f->pipeline->file_count + 1, sizeof *f->others);
    for (size_t i = 0; i < f->pipeline->file_count; i++) f->others[i] = stamp_of(f->pipeline->files[i]);
}

static void own(struct catalog *c, struct file *f, struct pipeline *p) {
    struct file *before = owner_of(c, p->name);
    if (before && before != f) disown(c, before); /* it is gone */
    bool mine = before == f;
    bool same = f->pipeline && !f->afresh && strcmp(f->pipeline->definition, p->definition) == 0;
    f->afresh = false;
    pipeline_free(same ? p : f->pipeline);
    if (!same) f->pipeline = p;
    c->moved |= !same;
    if (!mine) idmap_put(&c->owners, name_id(f->name), f);
    remember_files(f);
}

static const char *shown(const struct catalog *c, const char *path) {
    size_t n = strlen(c->o.project->root);
    return strncmp(path, c->o.project->root, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static bool is_orphan(const struct catalog *c, const struct file *f) {
    const struct file *owner = owner_of(c, f->name);
    return !f->name || (owner && owner != f);
}

/* ---- a file has been read ---- */

/* Whether it is another one than before. */
static bool set_problem(struct file *f, char *text, size_t errors) {
    bool same = text && f->problem && strcmp(text, f->problem) == 0;
    free(f->problem);
    f->problem = text;
    f->errors = errors;
    return !same;
}

static char *taken_text(const struct catalog *c, const struct file *by, const char *name) {
    char text[1024];
    snprintf(text, sizeof text, "the name `%s` belongs to %s", name, shown(c, by->path));
    return xstrdup(text);
}

static void rename_file(struct catalog *c, struct file *f, char *name) {
    bool same = f->name && name && strcmp(f->name, name) == 0;
    if (!name || same) {
        free(name);
        return;
    }
    char *old = f->name;
    disown(c, f);
    if (old) leave_named(c, f);
    f->name = name;
    join_named(c, f);
    if (old) catalog_tell(c, old);
    free(old);
}

/* It may be sound by itself and still not be in force beside the others: the last good one stays. */
static void refuse(struct catalog *c, struct file *f, struct loaded *l) {
    char *problem = l->pipeline && c->o.refuse ? c->o.refuse(c->o.ctx, l->pipeline) : NULL;
    f->refused = problem != NULL;
    if (!problem) return;
    free(l->problem);
    pipeline_free(l->pipeline);
    *l = (struct loaded){.problem = problem, .errors = 1};
}

/* It took the name of a file that is gone, and is broken: the last good definition goes on under its new
 * path. */
static void inherit(struct catalog *c, struct file *f) {
    struct file *before = owner_of(c, f->name);
    if (!before || before == f || !before->gone || !before->pipeline) return;
    f->pipeline = before->pipeline;
    before->pipeline = NULL;
    disown(c, before);
    idmap_put(&c->owners, name_id(f->name), f);
    remember_files(f);
}

void catalog_take(struct catalog *c, struct file *f) {
    struct loaded l = f->loaded;
    f->loaded = (struct loaded){0};
    rename_file(c, f, l.name);
    struct file *other = l.pipeline ? owner_of(c, l.pipeline->name) : NULL;
    if (other && other != f && !other->gone) {
        free(l.problem);
        l.problem = taken_text(c, other, l.pipeline->name);
        l.errors = 1;
        pipeline_free(l.pipeline);
        l.pipeline = NULL;
    }
    refuse(c, f, &l);
    bool news = set_problem(f, l.problem, l.errors) || l.pipeline;
    if (l.pipeline)
        own(c, f, l.pipeline);
    else
        inherit(c, f);
    if (news) catalog_tell(c, is_orphan(c, f) ? shown(c, f->path) : f->name);
}

bool catalog_unname(struct catalog *c, struct file *f) {
    bool owner = owner_of(c, f->name) == f;
    disown(c, f);
    if (f->name) leave_named(c, f);
    return owner;
}

void file_free(struct file *f) {
    pipeline_free(f->pipeline);
    free(f->others);
    free(f->path);
    free(f->name);
    free(f->problem);
    free(f);
}

void catalog_release(struct catalog *c) {
    for (size_t i = 0; i < c->count; i++) file_free(c->files[i]);
    for (int i = 0; i < WATCHED_FOLDERS; i++) free(c->folders[i]);
    idmap_release(&c->owners);
    idmap_release(&c->named);
    free(c->files);
    free(c->read);
    free(c);
}

/* The first of them in order of paths. */
static struct file *first_named(const struct catalog *c, const char *name) {
    struct file *first = NULL;
    for (struct file *f = catalog_named(c, name); f; f = f->namesake)
        if (strcmp(f->name, name) == 0 && (!first || strcmp(f->path, first->path) < 0)) first = f;
    return first;
}

void catalog_adopt(struct catalog *c, const char *name, struct pipeline *p) {
    char *problem = c->o.refuse ? c->o.refuse(c->o.ctx, p) : NULL;
    struct file *f = problem || owner_of(c, name) ? NULL : first_named(c, name);
    if (f) {
        own(c, f, p);
        return;
    }
    free(problem);
    pipeline_free(p);
}

/* ---- questions ---- */

static void entry_of(const struct catalog *c, const struct file *f, struct catalog_entry *out) {
    bool orphan = is_orphan(c, f);
    *out = (struct catalog_entry){.name = orphan ? shown(c, f->path) : f->name,
                                  .orphan = orphan,
                                  .path = shown(c, f->path),
                                  .pipeline = f->pipeline,
                                  .problem = f->problem,
                                  .errors = f->errors,
                                  .changed_at = f->stamp.mtime_ns / 1000};
}

/* An orphan is known by its path. */
static struct file *find_orphan(const struct catalog *c, const char *shown_path) {
    char *path = fs_join(c->o.project->root, shown_path);
    struct file *f = catalog_file(c, path);
    free(path);
    if (!f) f = catalog_file(c, shown_path);
    return f && is_orphan(c, f) && strcmp(shown(c, f->path), shown_path) == 0 ? f : NULL;
}

int catalog_find(const struct catalog *c, const char *name, struct catalog_entry *out) {
    const struct file *f = owner_of(c, name);
    if (!f) f = first_named(c, name);
    if (!f) f = find_orphan(c, name);
    if (!f) return 0;
    entry_of(c, f, out);
    return 1;
}

bool catalog_next(const struct catalog *c, size_t *at, struct catalog_entry *out) {
    if (*at >= c->count) return false;
    entry_of(c, c->files[(*at)++], out);
    return true;
}

size_t catalog_count(const struct catalog *c) { return c->count; }
