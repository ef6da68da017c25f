/* load.c: finding and loading the project and its pipelines; see load.h. */
#include "cli/load.h"

#include "base/limits.h"
#include "operators/op.h"
#include "scheduler/catalog.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Warnings alone are for `leat validate` and -v: whoever runs a pipeline wants to see the run. */
void load_print(struct cli *c, struct diags *d) {
    if (d->errors == 0 && (d->count == 0 || !c->verbose)) return; /* warnings are `validate`'s business */
    struct buf text = BUF_INIT;
    diags_sort(d);
    diags_render(d, DIAG_HUMAN, LIMIT_DIAG_SHOWN, c->err.color, &text);
    fflush(c->out.file);
    fputs(buf_str(&text), c->err.file);
    buf_release(&text);
}

struct project *load_project(struct cli *c, struct err *err) {
    struct diags *d = diags_new();
    struct project *p = project_load(".", d, err);
    if (p) load_print(c, d);
    if (p && d->errors > 0) {
        err_set(err, EX_INVALID, "%s is not valid", p->file ? p->file : "the project");
        project_free(p);
        p = NULL;
    }
    diags_free(d);
    return p;
}

static void free_texts(char **list, size_t n) {
    for (size_t i = 0; i < n; i++) free(list[i]);
    free(list);
}

static int no_pipeline(const struct project *p, const char *name, char **names, size_t n, struct err *err) {
    const char **known = xcalloc(n + 1, sizeof *known);
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (names[i]) known[count++] = names[i];
    project_no_pipeline(p, name, known, count, err);
    if (strpbrk(name, "*?[:")) err_hint(err, "one pipeline is meant here: its name, or its file");
    free(known);
    return -1;
}

static bool is_path(const char *name) {
    const char *dot = strrchr(name, '.');
    return strchr(name, '/') || (dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0));
}

/* The file that has the name of the pipeline but not, where it can be found, its `pipeline:` line: it is
 * empty, too large, cannot be read. Loading it tells what is wrong. */
static char *file_named(char **files, char **names, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++) {
        const char *slash = strrchr(files[i], '/'), *base = slash ? slash + 1 : files[i];
        size_t len = strcspn(base, ".");
        if (!names[i] && strlen(name) == len && strncmp(base, name, len) == 0) return xstrdup(files[i]);
    }
    return NULL;
}

char *find_pipeline_file(const struct project *p, const char *name, struct err *err) {
    if (is_path(name)) {
        char *path = realpath(name, NULL);
        if (path) return path;
        err_errno(err, "cannot read %s", name);
        err->exit = EX_NOT_FOUND;
        return NULL;
    }
    size_t n = 0;
    char **files = project_pipeline_files(p, &n), **names = xcalloc(n + 1, sizeof *names), *found = NULL;
    for (size_t i = 0; i < n && !found; i++) {
        names[i] = pipeline_peek_name(files[i]);
        if (names[i] && strcmp(names[i], name) == 0) found = xstrdup(files[i]);
    }
    if (!found) found = file_named(files, names, n, name);
    if (!found) no_pipeline(p, name, names, n, err);
    free_texts(names, n);
    free_texts(files, n);
    return found;
}

struct pipeline *load_pipeline(struct cli *c, const struct project *p, const char *name, struct err *err) {
    char *path = find_pipeline_file(p, name, err);
    if (!path) return NULL;
    struct diags *d = diags_new();
    struct sql_asking asking = {.project = p};
    struct pipeline_reader reader = pipeline_reader(&asking);
    struct pipeline *pl = pipeline_load(p, path, &reader, d, err);
    load_print(c, d);
    if (!pl && d->errors > 0) {
        err_set(err, EX_INVALID, "%s is not valid; nothing was started", name);
        err_hint(err, "mend it, then look again with `leat validate`");
    }
    if (pl && !pl->reads_known && asking.failed.msg[0]) {
        *err = asking.failed;
        err_prefix(err, "the order of %s's steps cannot be known", pl->name);
        err->exit = EX_ENVIRONMENT;
        pipeline_free(pl);
        pl = NULL;
    }
    diags_free(d);
    free(path);
    return pl;
}

/* One file of those that are loaded together. */
struct quiet {
    struct diags *diags;
    struct loading *loading;
    struct err why;
};

static void end_quietly(struct quiet *q, const struct err *unasked, const char *path, struct loaded *out) {
    out->pipeline = q->loading ? loading_end(q->loading) : NULL;
    out->errors = q->diags->errors;
    if (out->pipeline && !out->pipeline->reads_known) { /* its steps would run in any order */
        pipeline_free(out->pipeline);
        out->pipeline = NULL;
        q->why = *unasked;
    }
    out->name = out->pipeline ? xstrdup(out->pipeline->name) : pipeline_peek_name(path);
    if (!out->pipeline) out->problem = q->diags->errors ? diags_first(q->diags) : xstrdup(q->why.msg);
    diags_free(q->diags);
}

void load_quietly(void *ctx, const struct project *p, const char *const *paths, size_t n,
                  struct loaded *out) {
    struct sql_asking asking = {.project = p};
    struct pipeline_reader reader = pipeline_reader(&asking);
    struct quiet *list = xcalloc(n + 1, sizeof *list);
    struct loading **all = xcalloc(n + 1, sizeof *all);
    (void)ctx;
    for (size_t i = 0; i < n; i++) {
        list[i].diags = diags_new();
        all[i] = list[i].loading = loading_begin(p, paths[i], &reader, list[i].diags, &list[i].why);
    }
    loading_ask(all, n);
    for (size_t i = 0; i < n; i++) end_quietly(&list[i], &asking.failed, paths[i], &out[i]);
    free(all);
    free(list);
}

struct pipeline *load_words(const struct project *p, const char *path, char **problem) {
    struct pipeline_reader reader = {.ask = NULL};
    struct diags *d = diags_new();
    struct err err = {0};
    reader.verbs = op_verbs(&reader.verb_count);
    struct pipeline *pl = pipeline_load(p, path, &reader, d, &err);
    *problem = pl ? NULL : diags_first(d);
    if (!pl && !*problem) *problem = xstrdup(err.msg);
    diags_free(d);
    return pl;
}

char *programs_folder(void) {
    char *self = realpath("/proc/self/exe", NULL);
    char *slash = self ? strrchr(self, '/') : NULL;
    if (slash) *slash = '\0';
    return self ? self : xstrdup(".");
}
