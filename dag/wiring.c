/* wiring.c: see wiring.h. Pipelines and datasets are numbered as they are first named and keep their numbers;
 * what is said of them comes and goes. A walk marks what it reached with its own number, so nothing is
 * cleared between two. */
#include "dag/wiring.h"

#include "base/map.h"
#include "base/suggest.h"
#include "dag/value.h"

#include <stdlib.h>
#include <string.h>

enum { PATH_SHOWN = 12 };
#define NONE UINT32_MAX

struct list {
    uint32_t *at;
    size_t count, cap;
};

struct wired {
    char *name;
    struct list calls, writes, awaits; /* pipelines, datasets, datasets */
    uint64_t reached;                  /* by which walk … */
    uint32_t from, via; /* … from which pipeline (NONE: its start), through which dataset (NONE: a step) */
};

struct data {
    char *name;
    struct list writers, awaiters; /* by name */
    struct list alone;             /* writers that do not say `shared: true` */
    uint64_t reached;
};

struct wiring {
    struct wired **nodes;
    struct data **data;
    size_t node_count, node_cap, data_count, data_cap;
    struct map names, datasets; /* -> number */
    uint64_t walks;
    struct list queue; /* of the walk */
};

/* ---- numbers ---- */

static uint32_t node_of(struct wiring *w, const char *name) {
    size_t at;
    if (map_get(&w->names, name, &at)) return (uint32_t)at;
    struct wired *n = xcalloc(1, sizeof *n);
    n->name = xstrdup(name);
    GROW(w->nodes, w->node_count, w->node_cap);
    w->nodes[w->node_count] = n;
    map_add(&w->names, n->name, w->node_count, NULL);
    return (uint32_t)w->node_count++;
}

static uint32_t data_of(struct wiring *w, const char *name) {
    size_t at;
    if (map_get(&w->datasets, name, &at)) return (uint32_t)at;
    struct data *d = xcalloc(1, sizeof *d);
    d->name = xstrdup(name);
    GROW(w->data, w->data_count, w->data_cap);
    w->data[w->data_count] = d;
    map_add(&w->datasets, d->name, w->data_count, NULL);
    return (uint32_t)w->data_count++;
}

/* ---- lists ---- */

static size_t list_find(const struct list *l, uint32_t x) {
    size_t i = 0;
    while (i < l->count && l->at[i] != x) i++;
    return i;
}

static void list_add(struct list *l, uint32_t x) {
    GROW(l->at, l->count, l->cap);
    l->at[l->count++] = x;
}

static void list_drop(struct list *l, uint32_t x) {
    size_t i = list_find(l, x);
    if (i == l->count) return;
    memmove(l->at + i, l->at + i + 1, (l->count - i - 1) * sizeof *l->at);
    l->count--;
}

static void list_add_named(const struct wiring *w, struct list *l, uint32_t x) {
    list_add(l, x);
    for (size_t i = l->count - 1; i && strcmp(w->nodes[l->at[i - 1]]->name, w->nodes[x]->name) > 0; i--) {
        l->at[i] = l->at[i - 1];
        l->at[i - 1] = x;
    }
}

static void list_release(struct list *l) { free(l->at); }

/* ---- life ---- */

struct wiring *wiring_new(void) {
    return xcalloc(1, sizeof(struct wiring));
}

void wiring_free(struct wiring *w) {
    if (!w) return;
    for (size_t i = 0; i < w->node_count; i++) {
        struct wired *n = w->nodes[i];
        list_release(&n->calls), list_release(&n->writes), list_release(&n->awaits);
        free(n->name);
        free(n);
    }
    for (size_t i = 0; i < w->data_count; i++) {
        list_release(&w->data[i]->writers), list_release(&w->data[i]->awaiters);
        list_release(&w->data[i]->alone);
        free(w->data[i]->name);
        free(w->data[i]);
    }
    map_release(&w->names);
    map_release(&w->datasets);
    list_release(&w->queue);
    free(w->nodes);
    free(w->data);
    free(w);
}

/* ---- what a pipeline says ---- */

static void clear(struct wiring *w, uint32_t node) {
    struct wired *n = w->nodes[node];
    for (size_t i = 0; i < n->writes.count; i++) {
        list_drop(&w->data[n->writes.at[i]]->writers, node);
        list_drop(&w->data[n->writes.at[i]]->alone, node);
    }
    for (size_t i = 0; i < n->awaits.count; i++) list_drop(&w->data[n->awaits.at[i]]->awaiters, node);
    n->calls.count = n->writes.count = n->awaits.count = 0;
}

/* Each dataset once, whatever the number of instances that write it. */
static void put_writes(struct wiring *w, uint32_t node, const struct pipeline *p) {
    uint64_t walk = ++w->walks;
    for (uint32_t i = 0; i < p->step_count; i++) {
        const struct output *o = p->steps[i].into;
        if (!o) continue;
        uint32_t d = data_of(w, o->dataset);
        struct list *alone = &w->data[d]->alone;
        if (!o->shared && (!alone->count || alone->at[alone->count - 1] != node)) list_add(alone, node);
        if (w->data[d]->reached == walk) continue;
        w->data[d]->reached = walk;
        list_add(&w->nodes[node]->writes, d);
        list_add_named(w, &w->data[d]->writers, node);
    }
}

static void put_awaits(struct wiring *w, uint32_t node, const struct pipeline *p) {
    uint64_t walk = ++w->walks;
    for (size_t i = 0; i < p->schedule_count; i++) {
        const struct after *a = &p->schedules[i].after;
        for (size_t k = 0; k < a->count; k++) {
            uint32_t d = data_of(w, a->datasets[k]);
            if (w->data[d]->reached == walk) continue;
            w->data[d]->reached = walk;
            list_add(&w->nodes[node]->awaits, d);
            list_add_named(w, &w->data[d]->awaiters, node);
        }
    }
}

void wiring_put(struct wiring *w, const struct pipeline *p) {
    uint32_t node = node_of(w, p->name);
    clear(w, node);
    put_writes(w, node, p);
    put_awaits(w, node, p);
    for (uint32_t i = 0; i < p->step_count; i++) {
        if (!p->steps[i].calls) continue;
        uint32_t called = node_of(w, p->steps[i].calls); /* the list of nodes may move */
        list_add(&w->nodes[node]->calls, called);
    }
}

void wiring_drop(struct wiring *w, const char *name) {
    size_t at;
    if (map_get(&w->names, name, &at)) clear(w, (uint32_t)at);
}

const char *wiring_writer(const struct wiring *w, const char *dataset, size_t i) {
    size_t at;
    if (!map_get(&w->datasets, dataset, &at) || i >= w->data[at]->writers.count) return NULL;
    return w->nodes[w->data[at]->writers.at[i]]->name;
}

const char *wiring_written(const struct wiring *w, const char *pipeline, size_t i) {
    size_t at;
    if (!map_get(&w->names, pipeline, &at) || i >= w->nodes[at]->writes.count) return NULL;
    return w->data[w->nodes[at]->writes.at[i]]->name;
}

/* ---- walks ---- */

static void reach(struct wiring *w, uint32_t node, uint32_t from, uint32_t via) {
    struct wired *n = w->nodes[node];
    if (n->reached == w->walks) return;
    n->reached = w->walks;
    n->from = from;
    n->via = via;
    list_add(&w->queue, node);
}

/* What starts when what this one writes is published. */
static void reach_awaiters(struct wiring *w, uint32_t node) {
    const struct list *writes = &w->nodes[node]->writes;
    for (size_t i = 0; i < writes->count; i++) {
        const struct list *l = &w->data[writes->at[i]]->awaiters;
        for (size_t k = 0; k < l->count; k++) reach(w, l->at[k], node, writes->at[i]);
    }
}

static void reach_calls(struct wiring *w, uint32_t node) {
    const struct list *calls = &w->nodes[node]->calls;
    for (size_t i = 0; i < calls->count; i++) reach(w, calls->at[i], node, NONE);
}

static void walk_begin(struct wiring *w) {
    w->walks++;
    w->queue.count = 0;
}

/* Whether what has been reached leads to `self`. */
static bool walk_to(struct wiring *w, uint32_t self) {
    for (size_t head = 0; head < w->queue.count && w->nodes[self]->reached != w->walks; head++) {
        reach_calls(w, w->queue.at[head]);
        reach_awaiters(w, w->queue.at[head]);
    }
    return w->nodes[self]->reached == w->walks;
}

/* ---- circles ---- */

/* The way that the walk took to `self`: its last pipelines, and whether a dataset is part of it. */
static bool path_text(const struct wiring *w, uint32_t self, struct buf *out) {
    uint32_t path[PATH_SHOWN], at = self;
    size_t n = 0;
    bool data = false, more = true;
    while (more) {
        const struct wired *x = w->nodes[at];
        data |= x->via != NONE;
        if (n < PATH_SHOWN) path[n] = at;
        n++;
        more = x->from != self && x->from != NONE;
        at = x->from;
    }
    buf_addf(out, "`%s`%s", w->nodes[self]->name, n > PATH_SHOWN ? " -> …" : "");
    for (size_t i = n < PATH_SHOWN ? n : PATH_SHOWN; i--;) {
        const struct wired *x = w->nodes[path[i]];
        if (x->via != NONE) buf_addf(out, " -> %s", w->data[x->via]->name);
        buf_addf(out, " -> `%s`", x->name);
    }
    return data;
}

static void refuse(const struct wiring *w, uint32_t self, struct span at, struct diags *d) {
    struct buf path = BUF_INIT;
    bool data = path_text(w, self, &path);
    struct diag *g = diag_add(d, data ? "E0416" : "E0414", at, "pipelines %s each other: %s",
                              data ? "start" : "run", buf_str(&path));
    diag_label(d, g,
               data ? "it would, in the end, start itself" : "the run would, in the end, wait for itself");
    buf_release(&path);
}

static struct span at_after(const struct pipeline *p, const char *dataset) {
    for (size_t i = 0; i < p->schedule_count; i++)
        for (size_t k = 0; k < p->schedules[i].after.count; k++)
            if (strcmp(p->schedules[i].after.datasets[k], dataset) == 0)
                return p->schedules[i].after.places[k];
    return (struct span){0};
}

static struct span at_into(const struct pipeline *p, const char *dataset) {
    for (uint32_t i = 0; i < p->step_count; i++)
        if (p->steps[i].into && strcmp(p->steps[i].into->dataset, dataset) == 0) return p->steps[i].into->at;
    return (struct span){0};
}

/* The dataset of p that the walk went through first. */
static uint32_t first_data(const struct wiring *w, uint32_t self) {
    uint32_t at = self;
    while (w->nodes[at]->from != self) at = w->nodes[at]->from;
    return w->nodes[at]->via;
}

static void check_data(struct wiring *w, uint32_t self, const struct pipeline *p, struct diags *d) {
    walk_begin(w);
    reach_awaiters(w, self);
    if (!walk_to(w, self)) return;
    uint32_t last = w->nodes[self]->via;
    refuse(w, self,
           last != NONE ? at_after(p, w->data[last]->name) : at_into(p, w->data[first_data(w, self)]->name),
           d);
}

static void check_call(struct wiring *w, uint32_t self, const struct step *s, struct diags *d) {
    walk_begin(w);
    reach(w, node_of(w, s->calls), self, NONE);
    if (walk_to(w, self)) refuse(w, self, value_member(s->config, "name")->at, d);
}

void wiring_check(struct wiring *w, const struct pipeline *p, struct diags *d) {
    uint32_t self = node_of(w, p->name);
    check_data(w, self, p, d);
    for (uint32_t i = 0; i < p->step_count; i++) {
        const struct step *s = &p->steps[i];
        bool again = s->group && i && p->steps[i - 1].group && strcmp(s->group, p->steps[i - 1].group) == 0;
        if (s->calls && !again) check_call(w, self, s, d); /* instances of one step say the same */
    }
}

/* ---- what several write, and what nobody does ---- */

/* Another pipeline that writes it and, if this one says that it shares, does not say so; NONE. */
static uint32_t rival(const struct wiring *w, uint32_t self, const struct output *o) {
    size_t at;
    if (!map_get(&w->datasets, o->dataset, &at)) return NONE;
    const struct list *l = o->shared ? &w->data[at]->alone : &w->data[at]->writers;
    for (size_t i = 0; i < l->count; i++)
        if (l->at[i] != self) return l->at[i];
    return NONE;
}

void wiring_check_shared(struct wiring *w, const struct pipeline *p, struct diags *d) {
    uint32_t self = node_of(w, p->name);
    const char *said = NULL; /* of the instances of one step, the first */
    for (uint32_t i = 0; i < p->step_count; i++) {
        const struct output *o = p->steps[i].into;
        uint32_t other = o ? rival(w, self, o) : NONE;
        if (other == NONE || (said && strcmp(said, o->dataset) == 0)) continue;
        said = o->dataset;
        struct diag *g =
            diag_add(d, "W0111", o->at, "pipeline `%s` writes `%s` too", w->nodes[other]->name, o->dataset);
        diag_label(d, g, "their writes are serialised, in no order of yours");
        diag_help(d, g, "say `shared: true` in both steps if that is meant");
    }
}

static const char *meant(const struct wiring *w, const char *dataset) {
    const char **names = xcalloc(w->data_count + 1, sizeof *names);
    size_t n = 0;
    for (size_t i = 0; i < w->data_count; i++)
        if (w->data[i]->writers.count) names[n++] = w->data[i]->name;
    const char *found = suggest(dataset, names, n);
    free(names);
    return found;
}

void wiring_check_awaited(const struct wiring *w, const struct pipeline *p, struct diags *d) {
    for (size_t i = 0; i < p->schedule_count; i++) {
        const struct after *a = &p->schedules[i].after;
        for (size_t k = 0; k < a->count; k++) {
            if (wiring_writer(w, a->datasets[k], 0)) continue;
            struct diag *g = diag_add(d, "W0112", a->places[k], "no pipeline writes `%s`", a->datasets[k]);
            const char *name = meant(w, a->datasets[k]);
            diag_meant(d, g, name);
            if (!name) diag_label(d, g, "nothing will ever start it");
        }
    }
}
