/* look_paths.c: looks at paths, in the loop's thread pool: a disk or a share that is slow must not hold up
 * the loop. Paths go in batches of copies, so the threads share nothing with it; at most BATCHES_AT_ONCE are
 * under way, which leaves threads for others when a share does not answer at all. */
#include "base/arena.h"
#include "base/fsio.h"
#include "operators/glob.h"
#include "scheduler/conductor/attended.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 128, BATCHES_AT_ONCE = 2 };

struct looked_at {
    uint32_t slot;
    int64_t attempt;
    char *path;
    bool there;
    char *problem;
};

struct batch {
    struct look_paths *owner;
    uv_work_t work;
    size_t count;
    struct looked_at items[BATCH];
};

struct look_paths {
    struct conductor *c;
    struct looked_at *waiting;
    size_t count, cap, first; /* those before `first` are in batches */
    int under_way;
    bool closed;
};

/* In a thread. */
static void look_at(uv_work_t *work) {
    struct batch *b = work->data;
    for (size_t i = 0; i < b->count; i++) {
        struct err err = {0};
        int there = glob_any(b->items[i].path, &err);
        b->items[i].there = there == 1;
        if (there < 0) b->items[i].problem = xstrdup(err.msg);
    }
}

static void item_release(struct looked_at *i) {
    free(i->path);
    free(i->problem);
}

/* Back in the loop. */
static void looked(uv_work_t *work, int status) {
    struct batch *b = work->data;
    (void)status;
    struct look_paths *l = b->owner;
    struct conductor *c = l->c;
    l->under_way--;
    for (size_t i = 0; i < b->count; i++) {
        struct looked_at *item = &b->items[i];
        struct live_attempt *a = l->closed ? NULL : waits_of(c, item->slot, item->attempt);
        if (a) waits_looked(c, a, item->there, item->problem);
        item_release(item);
    }
    free(b);
    if (l->closed) return;
    look_paths_go(l);
    waits_arm(c);
    if (c->wants_turn) uv_stop(&c->loop);
}

static void send_batch(struct look_paths *l) {
    struct batch *b = xcalloc(1, sizeof *b);
    size_t left = l->count - l->first;
    b->owner = l;
    b->work.data = b;
    b->count = left < BATCH ? left : BATCH;
    memcpy(b->items, l->waiting + l->first, b->count * sizeof *b->items);
    l->first += b->count;
    l->under_way++;
    uv_queue_work(&l->c->loop, &b->work, look_at, looked);
}

void look_paths_go(struct look_paths *l) {
    while (l->first < l->count && l->under_way < BATCHES_AT_ONCE) send_batch(l);
    if (l->first == l->count) l->first = l->count = 0;
}

/* Relative paths start at the project's folder. */
void look_paths_add(struct look_paths *l, const struct live_attempt *a) {
    const char *path = a->attended->what.what;
    GROW(l->waiting, l->count, l->cap);
    l->waiting[l->count++] = (struct looked_at){
        .slot = a->attended->slot,
        .attempt = a->id,
        .path = path[0] == '/' ? xstrdup(path) : fs_join(l->c->options.project->root, path)};
}

struct look_paths *look_paths_new(struct conductor *c) {
    struct look_paths *l = xcalloc(1, sizeof *l);
    l->c = c;
    return l;
}

void look_paths_close(struct look_paths *l) {
    l->closed = true;
    for (size_t i = l->first; i < l->count; i++) item_release(&l->waiting[i]);
    l->first = l->count = 0;
}

void look_paths_free(struct look_paths *l) {
    if (!l) return;
    free(l->waiting);
    free(l);
}
