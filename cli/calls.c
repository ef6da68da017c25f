/* calls.c: see calls.h. */
#include "cli/calls.h"

#include "base/arena.h"
#include "base/map.h"
#include "scheduler/catalog.h"

#include <stdlib.h>
#include <string.h>

struct calls {
    const struct project *project;
    struct callee *known;
    struct pipeline **owned; /* of each known one; NULL: it has errors */
    char **names;            /* malloc'ed */
    size_t count, cap, owned_cap, names_cap;
    struct map index; /* name -> place in the lists */
    bool whole;       /* every pipeline of the project has been read */
};

struct calls *calls_new(const struct project *p) {
    struct calls *k = xcalloc(1, sizeof *k);
    k->project = p;
    return k;
}

void calls_free(struct calls *k) {
    if (!k) return;
    for (size_t i = 0; i < k->count; i++) {
        pipeline_free(k->owned[i]);
        free(k->names[i]);
    }
    map_release(&k->index);
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
    k->count++;
}

static void read_file(struct calls *k, const char *path) {
    struct loaded l = {0};
    load_quietly(NULL, k->project, &path, 1, &l);
    if (l.name && !is_known(k, l.name))
        put(k, l.name, l.pipeline);
    else
        pipeline_free(l.pipeline);
    free(l.name);
    free(l.problem);
}

static void read_name(struct calls *k, const char *name) {
    struct err ignored;
    char *path = is_known(k, name) ? NULL : find_pipeline_file(k->project, name, &ignored);
    if (path) read_file(k, path);
    free(path);
}

/* Who writes a dataset can be any pipeline of the project. */
static void read_all(struct calls *k) {
    size_t n = 0;
    char **files = k->whole ? NULL : project_pipeline_files(k->project, &n);
    k->whole = true;
    for (size_t i = 0; i < n; i++) {
        char *name = pipeline_peek_name(files[i]);
        if (name && !is_known(k, name)) read_file(k, files[i]);
        free(name);
        free(files[i]);
    }
    free(files);
}

static void read_steps(struct calls *k, const struct pipeline *p) {
    for (uint32_t i = 0; i < p->step_count; i++) {
        if (p->steps[i].calls) read_name(k, p->steps[i].calls);
        if (p->steps[i].complete) read_all(k);
    }
}

/* Those that are added while it goes on are looked through too. */
void calls_add(struct calls *k, struct pipeline *p) {
    size_t from = k->count;
    if (!is_known(k, p->name)) put(k, p->name, pipeline_share(p));
    for (size_t i = from; i < k->count; i++)
        if (k->known[i].pipeline) read_steps(k, k->known[i].pipeline);
}

/* ---- checking ---- */

void calls_check(const struct calls *k, const struct pipeline *p, struct diags *d) {
    pipeline_check_calls(p, k->known, k->count, d);
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
    bool known = map_get(&k->index, name, &at);
    if (known && k->owned[at]) return pipeline_share(k->owned[at]);
    if (known)
        err_set(err, EX_INVALID, "pipeline `%s` has errors: see `leat validate %s`", name, name);
    else
        err_set(err, EX_NOT_FOUND, "no pipeline `%s` is at hand", name);
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
