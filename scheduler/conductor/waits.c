/* waits.c: whom to look at, and when.
 *
 * Two heaps over all attended attempts: by the steady clock, when the next look or the deadline is due (one
 * timer of the loop for the first of them); and by the wall clock, for those that wait for a time (a timerfd,
 * which also tells when somebody sets the clock). Looks that are due within one slack of each other are made
 * together, so that ten thousand waits that began together cost one wake-up a poll: paths go to the thread
 * pool in batches, URLs wait their turn in the prober, queries are asked QUERIES_AT_ONCE at a time. */
#include "base/arena.h"
#include "scheduler/conductor/attended.h"
#include "scheduler/core/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { QUERIES_AT_ONCE = 2, SLACK_PART = 8 };
#define SLACK_MAX US_PER_SECOND

struct waits {
    struct conductor *c;
    struct live_attempt **slots; /* NULL: free */
    size_t slot_count, slot_cap;
    uint32_t *free_slots;
    size_t free_count, free_cap;
    struct told {
        uint32_t slot;
        int64_t attempt;
    } * told; /* for the next turn */
    size_t told_count, told_cap;
    size_t datasets; /* that wait for a dataset or ask a query: a publish is of interest to them */
    struct heap due, walls;
    struct look_paths *paths;
    struct look_urls *urls; /* NULL until the first URL */
    struct told *queries;   /* that want to ask and have to wait their turn */
    size_t query_count, query_cap;
    int asking;
    uv_timer_t timer;
    uv_poll_t wall_poll;
    int wall_fd; /* -1 until the first time is waited for */
};

/* ---- slots and heaps ---- */

static void due_moved(void *ctx, const struct heap_node *node, size_t at) {
    ((struct waits *)ctx)->slots[node->slot]->attended->place = at;
}

static void wall_moved(void *ctx, const struct heap_node *node, size_t at) {
    ((struct waits *)ctx)->slots[node->slot]->attended->wall_place = at;
}

static uint32_t slot_take(struct waits *w, struct live_attempt *a) {
    if (!w->free_count) {
        GROW(w->slots, w->slot_count, w->slot_cap);
        GROW(w->free_slots, w->free_count, w->free_cap);
        w->free_slots[w->free_count++] = (uint32_t)w->slot_count++;
    }
    uint32_t slot = w->free_slots[--w->free_count];
    w->slots[slot] = a;
    return slot;
}

static void slot_give(struct waits *w, uint32_t slot) {
    w->slots[slot] = NULL;
    GROW(w->free_slots, w->free_count, w->free_cap);
    w->free_slots[w->free_count++] = slot;
}

struct live_attempt *waits_of(struct conductor *c, uint32_t slot, int64_t attempt) {
    struct waits *w = c->waits;
    struct live_attempt *a = slot < w->slot_count ? w->slots[slot] : NULL;
    return a && a->id == attempt ? a : NULL;
}

void waits_tell(struct conductor *c, struct live_attempt *a) {
    struct waits *w = c->waits;
    if (a->attended->told) return;
    a->attended->told = true;
    GROW(w->told, w->told_count, w->told_cap);
    w->told[w->told_count++] = (struct told){.slot = a->attended->slot, .attempt = a->id};
    c->wants_turn = true;
}

void waits_turn(struct conductor *c) {
    struct waits *w = c->waits;
    size_t n = w ? w->told_count : 0; /* more may be told meanwhile: for the turn after this */
    for (size_t i = 0; i < n && !c->is_broken; i++) {
        struct live_attempt *a = waits_of(c, w->told[i].slot, w->told[i].attempt);
        if (!a) continue;
        a->attended->told = false;
        attended_happened(c, a);
    }
    if (n) memmove(w->told, w->told + n, (w->told_count - n) * sizeof *w->told);
    if (n) w->told_count -= n;
}

static void leave(struct heap *h, size_t *place) {
    size_t at = *place;
    *place = NO_PLACE;
    if (at != NO_PLACE) heap_take(h, at);
}

/* Puts it where its next look or its deadline says. */
static void place(struct waits *w, const struct live_attempt *a) {
    struct attended *t = a->attended;
    instant_t at = t->next;
    if (t->over != INSTANT_NONE && (at == INSTANT_NONE || t->over < at)) at = t->over;
    leave(&w->due, &t->place);
    if (at != INSTANT_NONE)
        heap_push(&w->due, (struct heap_node){.key = at, .tie = (uint64_t)a->id, .slot = t->slot});
}

/* ---- the wall clock ---- */

static void arm_wall(struct waits *w) {
    struct itimerspec at = {0};
    if (w->wall_fd < 0) return;
    if (w->walls.count) {
        instant_t first =
            w->walls.nodes[0].key > 0 ? w->walls.nodes[0].key : 1; /* all zero would disarm it */
        at.it_value =
            (struct timespec){.tv_sec = first / US_PER_SECOND, .tv_nsec = first % US_PER_SECOND * 1000};
    }
    timerfd_settime(w->wall_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL);
}

static void ring_walls(struct waits *w) {
    instant_t now = turn_wall(w->c);
    while (w->walls.count && w->walls.nodes[0].key <= now) {
        struct live_attempt *a = w->slots[w->walls.nodes[0].slot];
        leave(&w->walls, &a->attended->wall_place);
        a->attended->there = true;
        waits_tell(w->c, a);
    }
    arm_wall(w);
}

/* Also when the clock was set (ECANCELED): what is due is looked at anew. */
static void wall_rang(uv_poll_t *h, int status, int events) {
    struct waits *w = h->data;
    uint64_t times;
    (void)status, (void)events;
    if (read(w->wall_fd, &times, sizeof times) < 0 && errno != ECANCELED) return;
    ring_walls(w);
    uv_stop(&w->c->loop);
}

static int wall_open(struct waits *w, struct err *err) {
    if (w->wall_fd >= 0) return 0;
    w->wall_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (w->wall_fd < 0) return err_errno(err, "cannot make a timer");
    uv_poll_init(&w->c->loop, &w->wall_poll, w->wall_fd);
    w->wall_poll.data = w;
    uv_poll_start(&w->wall_poll, UV_READABLE, wall_rang);
    return 0;
}

static void wait_for_time(struct waits *w, const struct live_attempt *a) {
    struct err err;
    if (wall_open(w, &err)) turn_broke(w->c, &err);
    heap_push(&w->walls, (struct heap_node){
                             .key = a->attended->what.at, .tie = (uint64_t)a->id, .slot = a->attended->slot});
    ring_walls(w);
}

/* ---- looking ---- */

static void look_url(struct waits *w, struct live_attempt *a) {
    struct err err = {0};
    if (!w->urls) w->urls = look_urls_new(w->c, &err);
    a->attended->looking = true;
    if (w->urls)
        look_urls_add(w->urls, a);
    else
        waits_looked(w->c, a, false, err.msg);
}

static void look(struct waits *w, struct live_attempt *a) {
    struct attended *t = a->attended;
    bool polled = t->what.kind == ATTEND_PATH || t->what.kind == ATTEND_URL;
    if (!polled) { /* asked in the turn: it stays due until then */
        waits_tell(w->c, a);
        return;
    }
    t->next = INSTANT_NONE; /* before the look: one that fails at once says when the next is */
    if (t->what.kind == ATTEND_URL) {
        look_url(w, a);
        return;
    }
    t->looking = true;
    look_paths_add(w->paths, a);
}

static void take_due(struct waits *w, instant_t now) {
    struct live_attempt *a = w->slots[w->due.nodes[0].slot];
    struct attended *t = a->attended;
    leave(&w->due, &t->place);
    if (t->over != INSTANT_NONE && t->over <= now) {
        waits_tell(w->c, a);
        return;
    }
    look(w, a);
    bool asked_in_turn = t->next != INSTANT_NONE;
    if (!asked_in_turn) place(w, a); /* the deadline goes on meanwhile */
}

static void ring_due(struct waits *w) {
    instant_t now = turn_now(w->c);
    while (w->due.count && w->due.nodes[0].key <= now) take_due(w, now);
    look_paths_go(w->paths);
}

static void timer_rang(uv_timer_t *timer) {
    struct waits *w = timer->data;
    ring_due(w);
    waits_arm(w->c);
    if (w->c->wants_turn) uv_stop(&w->c->loop);
}

void waits_ring(struct conductor *c) {
    ring_due(c->waits);
    ring_walls(c->waits);
}

instant_t waits_next(const struct conductor *c) {
    return c->waits->due.count ? c->waits->due.nodes[0].key : INSTANT_NONE;
}

instant_t waits_next_time(const struct conductor *c) {
    return c->waits->walls.count ? c->waits->walls.nodes[0].key : INSTANT_NONE;
}

void waits_arm(struct conductor *c) {
    struct waits *w = c->waits;
    if (!w) return;
    uv_timer_stop(&w->timer);
    if (!w->due.count) return;
    uv_update_time(&c->loop);
    duration_t left = w->due.nodes[0].key - turn_now(c);
    uv_timer_start(&w->timer, timer_rang, left > 0 ? (uint64_t)(left + US_PER_MS - 1) / 1000 : 0, 0);
}

/* A poll later, and up to a slack more, so that those near each other fall on one instant. */
static instant_t next_look(const struct conductor *c, const struct attended *t) {
    duration_t poll = t->what.poll, slack = poll / SLACK_PART < SLACK_MAX ? poll / SLACK_PART : SLACK_MAX;
    instant_t at = turn_now(c) + poll;
    return slack > 1 ? (at / slack + 1) * slack : at;
}

void waits_later(struct conductor *c, struct live_attempt *a) {
    struct attended *t = a->attended;
    t->next = t->woken ? turn_now(c) : next_look(c, t);
    t->woken = false;
    place(c->waits, a);
}

static bool is_other(const char *a, const char *b) { return !a != !b || (a && strcmp(a, b) != 0); }

void waits_looked(struct conductor *c, struct live_attempt *a, bool there, const char *problem) {
    struct attended *t = a->attended;
    const char *met = problem && problem[0] ? problem : NULL;
    t->looking = false;
    t->there = there;
    if (is_other(t->problem, met)) {
        free(t->problem);
        t->problem = met ? xstrdup(met) : NULL;
        t->problem_told = false;
    }
    if (!there) waits_later(c, a);
    if (there || !t->problem_told) waits_tell(c, a);
}

/* ---- queries, so many at a time ---- */

bool waits_may_ask(struct conductor *c, struct live_attempt *a) {
    struct waits *w = c->waits;
    a->attended->next = INSTANT_NONE;
    place(w, a); /* its deadline goes on meanwhile */
    if (w->asking < QUERIES_AT_ONCE) {
        w->asking++;
        return true;
    }
    if (a->attended->queued) return false;
    a->attended->queued = true;
    GROW(w->queries, w->query_count, w->query_cap);
    w->queries[w->query_count++] = (struct told){.slot = a->attended->slot, .attempt = a->id};
    return false;
}

void waits_asked(struct conductor *c) {
    struct waits *w = c->waits;
    w->asking--;
    struct live_attempt *a = NULL;
    while (!a && w->query_count) {
        a = waits_of(c, w->queries[0].slot, w->queries[0].attempt);
        memmove(w->queries, w->queries + 1, --w->query_count * sizeof *w->queries);
    }
    if (!a) return;
    a->attended->queued = false;
    a->attended->next = turn_now(c);
    waits_tell(c, a);
}

/* ---- what happens in the project ---- */

static bool watches(const struct live_attempt *a, const char *dataset) {
    const struct attended *t = a->attended;
    const struct step *s = live_step(a->run, a->step);
    if (t->what.kind == ATTEND_DATASET) return strcmp(t->what.what, dataset) == 0;
    if (t->what.kind != ATTEND_SQL || !s) return false;
    for (size_t i = 0; i < s->watched_count; i++)
        if (strcmp(s->watched[i], dataset) == 0) return true;
    return false;
}

/* Looked for at once; when a look is under way, once more after it. */
static void wake(struct waits *w, struct live_attempt *a) {
    struct attended *t = a->attended;
    t->woken = t->looking;
    if (t->looking) return;
    t->next = turn_now(w->c);
    place(w, a);
}

void waits_published(struct conductor *c, const char *dataset) {
    struct waits *w = c->waits;
    for (size_t i = 0; w->datasets && i < w->slot_count; i++)
        if (w->slots[i] && watches(w->slots[i], dataset)) wake(w, w->slots[i]);
}

static bool writes(struct conductor *c, const char *pipeline, const char *dataset) {
    const char *name = "";
    for (size_t i = 0; name && strcmp(name, dataset) != 0; i++)
        name = wiring_written(conductor_wiring(c), pipeline, i);
    return name;
}

/* Its end may make complete what it writes. */
void waits_run_ended(struct conductor *c, const struct live_run *r) {
    struct waits *w = c->waits;
    for (size_t i = 0; w->datasets && i < w->slot_count; i++) {
        const struct op_attend *what = w->slots[i] ? &w->slots[i]->attended->what : NULL;
        if (!what || what->kind != ATTEND_DATASET || !what->unit) continue;
        if (!r->pipeline || writes(c, r->pipeline_name, what->what)) wake(w, w->slots[i]);
    }
}

/* ---- coming and going ---- */

static bool is_of_datasets(const struct attended *t) {
    return t->what.kind == ATTEND_DATASET || t->what.kind == ATTEND_SQL;
}

void waits_add(struct conductor *c, struct live_attempt *a) {
    struct waits *w = c->waits;
    struct attended *t = a->attended;
    bool polled = t->what.kind != ATTEND_TIME && t->what.kind != ATTEND_RUN;
    t->slot = slot_take(w, a);
    w->datasets += is_of_datasets(t);
    if (t->interrupted) return; /* it only waits for the turn that ends it */
    if (polled && !t->looking) t->next = turn_now(c);
    if (t->looking) w->asking++; /* a dead conductor's query */
    place(w, a);
    if (t->what.kind == ATTEND_TIME) wait_for_time(w, a);
}

void waits_remove(struct conductor *c, struct live_attempt *a) {
    struct waits *w = c->waits;
    struct attended *t = a->attended;
    if (t->slot == UINT32_MAX) return;
    leave(&w->due, &t->place);
    leave(&w->walls, &t->wall_place);
    if (t->what.kind == ATTEND_URL && t->looking) look_urls_drop(w->urls, a);
    if (attended_has_job(a)) waits_asked(c);
    w->datasets -= is_of_datasets(t);
    slot_give(w, t->slot);
    t->slot = UINT32_MAX;
}

size_t waits_count(const struct conductor *c) {
    return c->waits ? c->waits->slot_count - c->waits->free_count : 0;
}

struct waits *waits_open(struct conductor *c) {
    struct waits *w = xcalloc(1, sizeof *w);
    *w = (struct waits){.c = c, .wall_fd = -1};
    w->due = (struct heap){.moved = due_moved, .ctx = w};
    w->walls = (struct heap){.moved = wall_moved, .ctx = w};
    w->paths = look_paths_new(c);
    uv_timer_init(&c->loop, &w->timer);
    w->timer.data = w;
    return w;
}

void waits_close(struct waits *w) {
    if (!w) return;
    look_urls_close(w->urls);
    look_paths_close(w->paths);
    if (w->wall_fd >= 0) uv_poll_stop(&w->wall_poll);
    uv_timer_stop(&w->timer);
}

void waits_free(struct waits *w) {
    if (!w) return;
    if (w->wall_fd >= 0) close(w->wall_fd);
    look_urls_free(w->urls);
    look_paths_free(w->paths);
    heap_release(&w->due);
    heap_release(&w->walls);
    free(w->slots);
    free(w->free_slots);
    free(w->queries);
    free(w->told);
    free(w);
}
