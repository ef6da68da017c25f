/* catalog_look.c: how the catalog finds files that are new, changed or gone, and reads them: see catalog.h. */
#include "scheduler/catalog_impl.h"

#include "base/arena.h"
#include "base/fsio.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BATCH_FILES = 64 };
#define CALM_MS 50

struct stamp stamp_of(const char *path) {
    struct stat st;
    if (!path || stat(path, &st) != 0) return (struct stamp){.mtime_ns = -1};
    return (struct stamp){.mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec,
                          .size = st.st_size,
                          .inode = st.st_ino};
}

static bool same_stamp(struct stamp a, struct stamp b) {
    return a.mtime_ns == b.mtime_ns && a.size == b.size && a.inode == b.inode;
}

/* The pool's threads and the loop's handles let go one by one. */
static void release_when_quiet(struct catalog *c) {
    if (c->closing && !c->handles && !c->reading) catalog_release(c);
}

/* ---- reading ---- */

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
            catalog_take(c, c->read[i]);
    }
    c->read_count = 0;
}

static void batch_read(uv_work_t *w, int status);

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

/* A name is free again: for a file that wanted it. */
static void offer_name(struct catalog *c, const char *name) {
    for (struct file *f = catalog_named(c, name); f; f = f->namesake)
        if (!f->gone && !f->pipeline && !f->reading && strcmp(f->name, name) == 0) start_reading(c, f);
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
        if (catalog_unname(c, f)) names[freed++] = xstrdup(f->name);
        c->moved = true;
        file_free(f);
    }
    c->count = kept;
    for (size_t i = 0; i < freed; i++) {
        catalog_tell(c, names[i]);
        offer_name(c, names[i]);
        free(names[i]);
    }
    free(names);
    flush_batch(c);
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

static struct file *find_path(const struct catalog *c, size_t sorted, const char *path) {
    struct file key = {.path = (char *)(uintptr_t)path}, *k = &key, **at;
    if (!sorted) return NULL;
    at = bsearch(&k, c->files, sorted, sizeof *c->files, by_path);
    return at ? *at : NULL;
}

struct file *catalog_file(const struct catalog *c, const char *path) {
    return find_path(c, c->count, path);
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
