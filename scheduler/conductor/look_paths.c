/* look_paths.c: looks at paths, each batch in a thread of its own: a disk or a share that is slow must hold up
 * neither the loop nor its end.
 *
 * Nobody waits for these threads: a share that does not answer keeps one for as long as it likes, and whoever
 * ends leaves it behind. A thread therefore has copies, and what it shares with the loop (struct mail) lives
 * until the last of both has let go. At most BATCHES_AT_ONCE are under way, but for those that have taken
 * longer than STUCK_AFTER, which no longer count, up to BATCHES_AT_ALL: one share that hangs holds up the paths
 * of its batches, not all. */
#include "base/arena.h"
#include "base/fsio.h"
#include "operators/glob.h"
#include "scheduler/conductor/attended.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 128, BATCHES_AT_ONCE = 2, BATCHES_AT_ALL = 32 };
#define STUCK_AFTER (10 * US_PER_SECOND)

struct looked_at {
    uint32_t slot;
    int64_t attempt;
    char *path;
    bool there;
    char *problem;
};

struct batch {
    struct mail *mail;
    instant_t began;           /* steady clock */
    struct batch *next, *prev; /* of those under way: the loop's */
    struct batch *done_next;   /* of those that are done: the mail's */
    size_t count;
    struct looked_at items[BATCH];
};

/* What threads and the loop share. */
struct mail {
    pthread_mutex_t lock;
    int holders;        /* threads, and the loop */
    uv_async_t *wake;   /* NULL: nobody is there any more */
    struct batch *done; /* not fetched yet */
};

struct look_paths {
    struct conductor *c;
    struct looked_at *waiting;
    size_t count, cap, first; /* those before `first` are in batches */
    struct batch *under_way;
    struct mail *mail;
    uv_async_t wake;
    uv_timer_t stuck; /* while some wait for a batch that may be stuck */
};

/* ---- what is shared ---- */

static void mail_drop(struct mail *m) {
    pthread_mutex_lock(&m->lock);
    bool last = --m->holders == 0;
    pthread_mutex_unlock(&m->lock);
    if (!last) return;
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static void batch_free(struct batch *b) {
    for (size_t i = 0; i < b->count; i++) {
        free(b->items[i].path);
        free(b->items[i].problem);
    }
    free(b);
}

static void under_way_drop(struct look_paths *l, struct batch *b) {
    if (b->prev) b->prev->next = b->next;
    if (!b->prev) l->under_way = b->next;
    if (b->next) b->next->prev = b->prev;
}

/* ---- in a thread ---- */

static void look_at(struct batch *b) {
    for (size_t i = 0; i < b->count; i++) {
        struct err err = {0};
        int there = glob_any(b->items[i].path, &err);
        b->items[i].there = there == 1;
        if (there < 0) b->items[i].problem = xstrdup(err.msg);
    }
}

/* The batch is the loop's again, or nobody's. */
static void hand_back(struct mail *m, struct batch *b) {
    pthread_mutex_lock(&m->lock);
    bool wanted = m->wake;
    if (wanted) {
        b->done_next = m->done;
        m->done = b;
        uv_async_send(m->wake);
    }
    pthread_mutex_unlock(&m->lock);
    if (!wanted) batch_free(b);
    mail_drop(m);
}

static void *look_thread(void *arg) {
    struct batch *b = arg;
    look_at(b);
    hand_back(b->mail, b);
    return NULL;
}

static int start_thread(struct batch *b) {
    pthread_attr_t how;
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&how);
    pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
    int rc = pthread_create(&thread, &how, look_thread, b);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&how);
    return rc;
}

/* ---- on the loop ---- */

static void take_batch(struct look_paths *l, struct batch *b) {
    under_way_drop(l, b);
    for (size_t i = 0; i < b->count; i++) {
        struct looked_at *item = &b->items[i];
        struct live_attempt *a = waits_of(l->c, item->slot, item->attempt);
        if (a) waits_looked(l->c, a, item->there, item->problem);
    }
    batch_free(b);
}

static void after_events(struct look_paths *l) {
    look_paths_go(l);
    waits_arm(l->c);
    if (l->c->wants_turn) uv_stop(&l->c->loop);
}

static void woken(uv_async_t *wake) {
    struct look_paths *l = wake->data;
    pthread_mutex_lock(&l->mail->lock);
    struct batch *b = l->mail->done;
    l->mail->done = NULL;
    pthread_mutex_unlock(&l->mail->lock);
    while (b) {
        struct batch *next = b->done_next;
        take_batch(l, b);
        b = next;
    }
    after_events(l);
}

static void may_be_stuck(uv_timer_t *timer) { after_events(timer->data); }

static void send_batch(struct look_paths *l) {
    struct batch *b = xcalloc(1, sizeof *b);
    size_t left = l->count - l->first;
    *b = (struct batch){.mail = l->mail, .began = turn_now(l->c), .next = l->under_way};
    b->count = left < BATCH ? left : BATCH;
    memcpy(b->items, l->waiting + l->first, b->count * sizeof *b->items);
    l->first += b->count;
    if (b->next) b->next->prev = b;
    l->under_way = b;
    pthread_mutex_lock(&l->mail->lock);
    l->mail->holders++;
    pthread_mutex_unlock(&l->mail->lock);
    if (start_thread(b) == 0) return;
    for (size_t i = 0; i < b->count; i++)
        b->items[i].problem = xstrdup("no thread could be started to look at it");
    hand_back(l->mail, b);
}

static bool may_send(const struct look_paths *l) {
    int all = 0, lively = 0;
    for (const struct batch *b = l->under_way; b; b = b->next) {
        all++;
        lively += turn_now(l->c) - b->began < STUCK_AFTER;
    }
    return lively < BATCHES_AT_ONCE && all < BATCHES_AT_ALL;
}

void look_paths_go(struct look_paths *l) {
    while (l->first < l->count && may_send(l)) send_batch(l);
    if (l->first == l->count) l->first = l->count = 0;
    if (!l->count)
        uv_timer_stop(&l->stuck);
    else if (!uv_is_active((uv_handle_t *)&l->stuck))
        uv_timer_start(&l->stuck, may_be_stuck, STUCK_AFTER / US_PER_MS, 0);
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
    *l = (struct look_paths){.c = c, .mail = xcalloc(1, sizeof *l->mail)};
    pthread_mutex_init(&l->mail->lock, NULL);
    uv_async_init(&c->loop, &l->wake, woken);
    uv_timer_init(&c->loop, &l->stuck);
    l->wake.data = l->stuck.data = l;
    l->mail->holders = 1;
    l->mail->wake = &l->wake;
    return l;
}

void look_paths_close(struct look_paths *l) {
    pthread_mutex_lock(&l->mail->lock);
    struct batch *b = l->mail->done;
    l->mail->done = NULL;
    l->mail->wake = NULL;
    pthread_mutex_unlock(&l->mail->lock);
    while (b) {
        struct batch *next = b->done_next;
        batch_free(b);
        b = next;
    }
    for (size_t i = l->first; i < l->count; i++) free(l->waiting[i].path);
    l->first = l->count = 0;
}

void look_paths_free(struct look_paths *l) {
    if (!l) return;
    mail_drop(l->mail);
    free(l->waiting);
    free(l);
}
