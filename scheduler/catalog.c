/* catalog.c: see catalog.h.
 *
 * One `struct file` a path, in order of paths. A name is owned by the first file that was read well under it;
 * a second file of the same name has a problem and no pipeline. A file that is gone keeps its name until
 * everything that is being read has been read: when another file claims it meanwhile, the pipeline was
 * renamed on disk, and that is a change, not an end. */
#include "scheduler/catalog.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/map.h"
#include "scheduler/core/idmap.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
};

enum { WATCHED_FOLDERS = 2, BATCH_FILES = 64 };

struct catalog {
    struct catalog_options o;
    struct file **files; /* sorted by path */
    size_t count, cap, reading;
    struct idmap owners; /* hash of a name -> its file */
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

#define CALM_MS 50

static struct stamp stamp_of(const char *path) {
    struct stat st;
    if (!path || stat(path, &st) != 0) return (struct stamp){.mtime_ns = -1};
    return (struct stamp){.mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec,
                          .size = st.st_size,
                          .inode = st.st_ino};
}

static bool same_stamp(struct stamp a, struct stamp b) {
    return a.mtime_ns == b.mtime_ns && a.size == b.size && a.inode == b.inode;
}

/* ---- names ---- */

static uint64_t name_id(const char *name) { return hash_bytes(name, strlen(name)); }

static struct file *owner_of(const struct catalog *c, const char *name) {
    struct file *f = name ? idmap_get(&c->owners, name_id(name)) : NULL;
    return f && strcmp(f->name, name) == 0 ? f : NULL;
}

static void tell(struct catalog *c, const char *name) {
    if (name && !c->closing) c->o.changed(c->o.ctx, name);
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
    f->name = name;
    if (old) tell(c, old);
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

static void take(struct catalog *c, struct file *f) {
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
    if (news) tell(c, is_orphan(c, f) ? shown(c, f->path) : f->name);
}

static void file_free(struct file *f) {
    pipeline_free(f->pipeline);
    free(f->others);
    free(f->path);
    free(f->name);
    free(f->problem);
    free(f);
}

static void catalog_release(struct catalog *c) {
    for (size_t i = 0; i < c->count; i++) file_free(c->files[i]);
    for (int i = 0; i < WATCHED_FOLDERS; i++) free(c->folders[i]);
    idmap_release(&c->owners);
    free(c->files);
    free(c->read);
    free(c);
}

/* The pool's threads and the loop's handles let go one by one. */
static void release_when_quiet(struct catalog *c) {
    if (c->closing && !c->handles && !c->reading) catalog_release(c);
}

static void start_reading(struct catalog *c, struct file *f);
static void flush_batch(struct catalog *c);

/* A name is free again: for a file that wanted it. */
static void offer_name(struct catalog *c, const char *name) {
    for (size_t i = 0; i < c->count; i++) {
        struct file *f = c->files[i];
        if (!f->gone && !f->pipeline && !f->reading && f->name && strcmp(f->name, name) == 0)
            start_reading(c, f);
    }
}

/* Once nothing is being read any more, what is gone is gone. A name may now be free for a file that wanted
 * it. */
static void drop_gone(struct catalog *c) {
    size_t kept = 0, freed = 0, cap = 0;
    char **names = NULL;
    for (size_t i = 0; i < c->count; i++) {
        struct file *f = c->files[i];
        if (!f->gone) {
            c->files[kept++] = f;
            continue;
        }
        GROW(names, freed, cap);
        if (owner_of(c, f->name) == f) names[freed++] = xstrdup(f->name);
        c->moved = true;
        disown(c, f);
        file_free(f);
    }
    c->count = kept;
    for (size_t i = 0; i < freed; i++) {
        tell(c, names[i]);
        offer_name(c, names[i]);
        free(names[i]);
    }
    free(names);
    flush_batch(c);
}

static void release_loaded(struct file *f) {
    pipeline_free(f->loaded.pipeline);
    free(f->loaded.name);
    free(f->loaded.problem);
    f->loaded = (struct loaded){0};
}

/* Files that are read together: what their SQL reads is asked of one process. */
struct batch {
    uv_work_t work;
    struct catalog *catalog;
    size_t count;
    struct file *files[BATCH_FILES];
    const char *paths[BATCH_FILES];
    struct loaded loaded[BATCH_FILES];
};

static void read_batch(uv_work_t *w) {
    struct batch *b = w->data;
    const struct catalog_options *o = &b->catalog->o;
    o->load(o->load_ctx, o->project, b->paths, b->count, b->loaded);
}

static void keep_read(struct catalog *c, struct file *f, const struct loaded *l) {
    f->loaded = *l;
    f->reading = false;
    c->reading--;
    GROW(c->read, c->read_count, c->read_cap);
    c->read[c->read_count++] = f;
}

static int by_age(const void *a, const void *b) {
    const struct file *x = *(struct file *const *)a, *y = *(struct file *const *)b;
    if (x->stamp.mtime_ns != y->stamp.mtime_ns) return x->stamp.mtime_ns < y->stamp.mtime_ns ? -1 : 1;
    return strcmp(x->path, y->path);
}

static void take_read(struct catalog *c) {
    if (c->read_count) qsort(c->read, c->read_count, sizeof *c->read, by_age);
    for (size_t i = 0; i < c->read_count; i++) {
        if (c->read[i]->gone || c->closing)
            release_loaded(c->read[i]);
        else
            take(c, c->read[i]);
    }
    c->read_count = 0;
}

/* What was in the way of the refused ones may not be any more. */
static void offer_again(struct catalog *c) {
    bool moved = c->moved;
    c->moved = false;
    for (size_t i = 0; i < c->count && moved; i++)
        if (c->files[i]->refused && !c->files[i]->reading) start_reading(c, c->files[i]);
    flush_batch(c);
}

static void batch_read(uv_work_t *w, int status) {
    struct batch *b = w->data;
    struct catalog *c = b->catalog;
    (void)status;
    for (size_t i = 0; i < b->count; i++) keep_read(c, b->files[i], &b->loaded[i]);
    free(b);
    if (c->reading) return;
    take_read(c);
    if (c->closing) {
        release_when_quiet(c);
        return;
    }
    drop_gone(c);
    if (!c->reading) offer_again(c);
    malloc_trim(0); /* what reading took for a while: a daemon lives long */
}

static void flush_batch(struct catalog *c) {
    struct batch *b = c->batch;
    c->batch = NULL;
    if (b) uv_queue_work(c->o.loop, &b->work, read_batch, batch_read);
}

/* With the next flush_batch(). */
static void start_reading(struct catalog *c, struct file *f) {
    struct batch *b = c->batch;
    if (!b) {
        b = c->batch = xcalloc(1, sizeof *b);
        b->catalog = c;
        b->work.data = b;
    }
    f->reading = true;
    c->reading++;
    b->paths[b->count] = f->path;
    b->files[b->count++] = f;
    if (b->count == BATCH_FILES) flush_batch(c);
}

/* ---- inotify ---- */

static void calmed(uv_timer_t *t) {
    struct catalog *c = t->data;
    c->o.stirred(c->o.ctx);
}

static bool is_ours(const char *name) {
    const char *dot = strrchr(name, '.');
    return strcmp(name, "pipelines") == 0 || (dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0));
}

static void stirred(uv_fs_event_t *h, const char *name, int events, int status) {
    struct catalog *c = h->data;
    (void)events, (void)status;
    if (name && !is_ours(name)) return; /* a log, a database, a landing file */
    uv_timer_start(&c->calm, calmed, CALM_MS, 0);
}

/* A folder comes, goes, or is another one than before: the watch is of a folder, not of its name. Where none
 * is to be had, the safety net looks. */
static void watch(struct catalog *c) {
    for (int i = 0; i < WATCHED_FOLDERS; i++) {
        struct stamp now = stamp_of(c->folders[i]);
        if (now.mtime_ns >= 0 && now.inode == c->watched[i]) continue;
        uv_fs_event_stop(&c->watches[i]);
        int bad = now.mtime_ns < 0 || uv_fs_event_start(&c->watches[i], stirred, c->folders[i], 0);
        c->watched[i] = bad ? 0 : now.inode;
    }
}

/* ---- looking ---- */

static bool others_changed(const struct file *f) {
    for (size_t i = 0; f->pipeline && i < f->pipeline->file_count; i++)
        if (!same_stamp(f->others[i], stamp_of(f->pipeline->files[i]))) return true;
    return false;
}

static void look_at(struct catalog *c, struct file *f) {
    struct stamp now = stamp_of(f->path);
    f->seen = true;
    f->gone = false;
    bool same = same_stamp(now, f->stamp) && !others_changed(f);
    if (f->reading || (same && !f->problem)) return; /* what is broken may be mended in another file */
    f->stamp = now;
    start_reading(c, f);
}

static int by_path(const void *a, const void *b) {
    return strcmp((*(struct file *const *)a)->path, (*(struct file *const *)b)->path);
}

static struct file *find_path(const struct catalog *c, size_t sorted, char *path) {
    struct file key = {.path = path}, *k = &key, **at;
    if (!sorted) return NULL;
    at = bsearch(&k, c->files, sorted, sizeof *c->files, by_path);
    return at ? *at : NULL;
}

static struct file *add_file(struct catalog *c, const char *path) {
    struct file *f = xcalloc(1, sizeof *f);
    f->catalog = c;
    f->path = xstrdup(path);
    GROW(c->files, c->count, c->cap);
    c->files[c->count++] = f;
    return f;
}

void catalog_look(struct catalog *c) {
    size_t n, known = c->count;
    watch(c); /* before the listing: what comes after it stirs */
    char **paths = project_pipeline_files(c->o.project, &n);
    for (size_t i = 0; i < c->count; i++) c->files[i]->seen = false;
    for (size_t i = 0; i < n; i++) {
        struct file *f = find_path(c, known, paths[i]);
        look_at(c, f ? f : add_file(c, paths[i]));
        free(paths[i]);
    }
    free(paths);
    flush_batch(c);
    for (size_t i = 0; i < known; i++) c->files[i]->gone = !c->files[i]->seen;
    if (c->count) qsort(c->files, c->count, sizeof *c->files, by_path);
    if (!c->reading) drop_gone(c);
}

void catalog_adopt(struct catalog *c, const char *name, struct pipeline *p) {
    char *problem = c->o.refuse ? c->o.refuse(c->o.ctx, p) : NULL;
    for (size_t i = 0; i < c->count && !problem; i++) {
        struct file *f = c->files[i];
        if (f->pipeline || !f->name || strcmp(f->name, name) != 0 || owner_of(c, name)) continue;
        own(c, f, p);
        return;
    }
    free(problem);
    pipeline_free(p);
}

bool catalog_busy(const struct catalog *c) { return c->reading > 0; }

void catalog_fill(struct catalog *c) {
    catalog_look(c);
    while (c->reading) uv_run(c->o.loop, UV_RUN_ONCE);
}

bool catalog_project_changed(struct catalog *c) {
    struct stamp now = stamp_of(c->o.project->file), before = c->project;
    c->project = now;
    return !same_stamp(before, now);
}

void catalog_reread(struct catalog *c) {
    for (size_t i = 0; i < c->count; i++) {
        c->files[i]->stamp = (struct stamp){0};
        c->files[i]->afresh = true;
    }
    catalog_look(c);
}

/* ---- life ---- */

struct catalog *catalog_new(const struct catalog_options *o) {
    struct catalog *c = xcalloc(1, sizeof *c);
    c->o = *o;
    c->project = stamp_of(o->project->file);
    uv_timer_init(o->loop, &c->calm);
    c->calm.data = c;
    c->handles = 1;
    c->folders[0] = xstrdup(o->project->root);
    c->folders[1] = fs_join(o->project->root, "pipelines");
    for (int i = 0; i < WATCHED_FOLDERS; i++) {
        uv_fs_event_init(o->loop, &c->watches[i]);
        c->watches[i].data = c;
        c->handles++;
    }
    return c;
}

static void handle_gone(uv_handle_t *h) {
    struct catalog *c = h->data;
    c->handles--;
    release_when_quiet(c);
}

void catalog_free(struct catalog *c) {
    if (!c) return;
    c->closing = true;
    for (int i = 0; i < WATCHED_FOLDERS; i++) uv_close((uv_handle_t *)&c->watches[i], handle_gone);
    uv_close((uv_handle_t *)&c->calm, handle_gone);
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

int catalog_find(const struct catalog *c, const char *name, struct catalog_entry *out) {
    const struct file *f = owner_of(c, name);
    for (size_t i = 0; !f && i < c->count; i++) {
        const char *known = is_orphan(c, c->files[i]) ? shown(c, c->files[i]->path) : c->files[i]->name;
        if (strcmp(known, name) == 0) f = c->files[i];
    }
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
