/* calls.c: see calls.h. */
#include "cli/calls.h"

#include "base/arena.h"
#include "base/map.h"
#include "dag/wiring.h"
#include "scheduler/catalog.h"

#include <stdlib.h>
#include <string.h>

struct calls {
    const struct project *project;
    struct callee *known;
    struct pipeline **owned; /* of each known one; NULL: it has errors */
    char **names;            /* malloc'ed */
    size_t count, cap, owned_cap, names_cap;
    size_t followed;  /* so many of them have been looked through for what they run */
    struct map index; /* name -> place in the lists */
    struct wiring *wiring;
    size_t broken; /* of the known ones: who knows what they write */
    bool whole;    /* every pipeline of the project has been read */
};

struct calls *calls_new(const struct project *p) {
    struct calls *k = xcalloc(1, sizeof *k);
    k->project = p;
    k->wiring = wiring_new();
    return k;
}

void calls_free(struct calls *k) {
    if (!k) return;
    for (size_t i = 0; i < k->count; i++) {
        pipeline_free(k->owned[i]);
        free(k->names[i]);
    }
    map_release(&k->index);
    wiring_free(k->wiring);
    free(k->known);
    free(k->owned);
    free(k->names);
    free(k);
}

/* ---- reading ---- */

static bool is_known(const struct calls *k, const char *name) { return map_get(&k->index, name, NULL); }

static void put(struct calls *k, const char *name, struct pipeline *p) {
    GROW(k->known, k->count, k->cap);
    GROW(k->owned, k->count, k->owned_cap);
    GROW(k->names, k->count, k->names_cap);
    k->names[k->count] = xstrdup(name);
    k->known[k->count] = (struct callee){.name = k->names[k->count], .pipeline = p};
    k->owned[k->count] = p;
    map_add(&k->index, k->names[k->count], k->count, NULL);
    if (p) wiring_put(k->wiring, p);
    k->broken += !p;
    k->count++;
}

static void take(struct calls *k, struct loaded *l) {
    if (l->name && !is_known(k, l->name))
        put(k, l->name, l->pipeline);
    else
        pipeline_free(l->pipeline);
    free(l->name);
    free(l->problem);
}

/* Together: one process of the engine is asked about all of them. */
static void read_files(struct calls *k, char *const *paths, size_t n) {
    struct loaded *all = xcalloc(n + 1, sizeof *all);
    load_quietly(NULL, k->project, (const char *const *)paths, n, all);
    for (size_t i = 0; i < n; i++) take(k, &all[i]);
    free(all);
}

static int read_name(struct calls *k, const char *name, struct err *err) {
    if (is_known(k, name)) return 0;
    char *path = find_pipeline_file(k->project, name, err);
    if (!path) return -1;
    read_files(k, &path, 1);
    free(path);
    return 0;
}

/* Who writes a dataset, and whom it starts, can be any pipeline of the project. */
void calls_whole(struct calls *k) {
    size_t n = 0, unknown = 0;
    char **files = k->whole ? NULL : project_pipeline_files(k->project, &n);
    k->whole = true;
    for (size_t i = 0; i < n; i++) {
        char *name = pipeline_peek_name(files[i]);
        if (name && !is_known(k, name)) {
            char *path = files[i];
            files[i] = files[unknown];
            files[unknown++] = path;
        }
        free(name);
    }
    if (unknown) read_files(k, files, unknown);
    for (size_t i = 0; i < n; i++) free(files[i]);
    free(files);
}

static void read_steps(struct calls *k, const struct pipeline *p) {
    struct err ignored;
    for (uint32_t i = 0; i < p->step_count; i++) {
        if (p->steps[i].calls) read_name(k, p->steps[i].calls, &ignored);
        if (p->steps[i].complete) calls_whole(k);
    }
}

void calls_put(struct calls *k, struct pipeline *p) {
    if (!is_known(k, p->name)) put(k, p->name, pipeline_share(p));
}

/* Those that are added while it goes on are looked through too. */
static void look_through(struct calls *k) {
    for (; k->followed < k->count; k->followed++)
        if (k->known[k->followed].pipeline) read_steps(k, k->known[k->followed].pipeline);
}

void calls_add(struct calls *k, struct pipeline *p) {
    calls_put(k, p);
    look_through(k);
}

/* ---- checking ---- */

void calls_check(const struct calls *k, const struct pipeline *p, struct diags *d) {
    pipeline_check_calls(p, k->known, k->count, &k->index, d);
    wiring_check(k->wiring, p, d);
    wiring_check_shared(k->wiring, p, d);
    if (k->whole && !k->broken && d->errors == 0) wiring_check_awaited(k->wiring, p, d);
}

int calls_check_all(struct cli *c, const struct calls *k, struct err *err) {
    struct diags *d = diags_new();
    const char *first = NULL;
    for (size_t i = 0; i < k->count; i++) {
        const struct pipeline *p = k->known[i].pipeline;
        size_t before = d->errors;
        if (p) calls_check(k, p, d);
        if (!first && d->errors > before) first = p->name;
    }
    load_print(c, d);
    int rc = 0;
    if (first) {
        rc = err_set(err, EX_INVALID, "%s is not valid; nothing was started", first);
        err_hint(err, "mend it, then look again with `leat validate`");
    }
    diags_free(d);
    return rc;
}

/* ---- for the conductor ---- */

struct pipeline *calls_find(void *calls, const char *name, struct err *err) {
    struct calls *k = calls;
    size_t at;
    if (read_name(k, name, err)) return NULL;
    look_through(k);
    bool known = map_get(&k->index, name, &at);
    if (known && k->owned[at]) return pipeline_share(k->owned[at]);
    err_set(err, EX_INVALID, "pipeline `%s` has errors: see `leat validate %s`", name, name);
    return NULL;
}

const struct pipeline *calls_next(void *calls, size_t *at) {
    struct calls *k = calls;
    while (*at < k->count) {
        const struct pipeline *p = k->known[(*at)++].pipeline;
        if (p) return p;
    }
    return NULL;
}
