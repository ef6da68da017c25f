/* finding.c: see finding.h. */
#include "cli/finding.h"

#include "base/arena.h"
#include "cli/load.h"
#include "scheduler/catalog.h"

#include <stdlib.h>

void finding_release(struct finding *f) {
    for (size_t i = 0; i < f->count; i++) pipeline_free(f->pipelines[i]);
    free(f->pipelines);
    map_release(&f->names);
}

void finding_know(struct finding *f, struct pipeline *p) {
    if (!map_add(&f->names, p->name, f->count, NULL)) return;
    GROW(f->pipelines, f->count, f->cap);
    f->pipelines[f->count++] = pipeline_share(p);
}

static struct pipeline *load(struct finding *f, const char *path, struct err *err) {
    struct loaded l = {0};
    load_quietly(NULL, f->project, (const char *const *)&path, 1, &l);
    if (!l.pipeline) {
        err_set(err, EX_INVALID, "%s", l.problem ? l.problem : path);
        err_hint(err, "mend it, then look again with `leat validate`");
    }
    free(l.name);
    free(l.problem);
    return l.pipeline;
}

struct pipeline *finding_find(void *ctx, const char *name, struct err *err) {
    struct finding *f = ctx;
    size_t at;
    if (map_get(&f->names, name, &at)) return pipeline_share(f->pipelines[at]);
    char *path = find_pipeline_file(f->project, name, err);
    struct pipeline *p = path ? load(f, path, err) : NULL;
    free(path);
    if (p) finding_know(f, p);
    return p;
}
