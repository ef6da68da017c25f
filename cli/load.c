/* load.c: see load.h. */
#include "cli/load.h"

#include "base/arena.h"
#include "base/fsio.h"
#include "base/limits.h"
#include "base/suggest.h"
#include "operators/op.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *load_programs(void) {
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    return fs_parent(path);
}

size_t load_show(struct cli *c, struct diags *d) {
    struct buf text = BUF_INIT;
    diags_sort(d);
    if (!c->quiet || d->errors) diags_render(d, DIAG_HUMAN, LIMIT_DIAG_SHOWN, c->err.color, &text);
    fputs(buf_str(&text), c->err.file);
    buf_release(&text);
    return d->errors;
}

int load_project(struct cli *c, struct loaded *l, struct err *err) {
    *l = (struct loaded){.diags = diags_new(), .programs = load_programs()};
    l->worker = fs_join(l->programs, "leat");
    if (!(l->project = project_load(".", l->diags, err))) return -1;
    l->sql = (struct sql_reader){.project = l->project, .worker = l->worker};
    l->reader = (struct pipeline_reader){.sql_reads = sql_reads_by_worker, .ctx = &l->sql};
    l->reader.verbs = op_verbs(&l->reader.verb_count);
    if (l->diags->errors == 0) return 0;
    load_show(c, l->diags);
    return err_set(err, EX_INVALID, "%s has errors", l->project->file ? l->project->file : "the project");
}

void load_release(struct loaded *l) {
    project_free(l->project);
    diags_free(l->diags);
    free(l->programs);
    free(l->worker);
}

static void free_list(char **list, size_t n) {
    for (size_t i = 0; i < n; i++) free(list[i]);
    free(list);
}

static void no_such_pipeline(const char *which, char *const *names, size_t n, struct err *err) {
    err_set(err, EX_NOT_FOUND, "there is no pipeline `%s` in this project", which);
    const char *meant = suggest(which, (const char *const *)names, n);
    if (meant) err_hint(err, "did you mean `%s`?", meant);
    else if (n == 0) err_hint(err, "pipelines are the files pipelines/*.yaml, or *.yaml beside leat.yaml");
}

/* The file whose `pipeline:` is the name; malloc'ed, NULL with err. */
static char *file_of(const struct project *p, const char *which, struct err *err) {
    size_t n;
    char **files = project_pipeline_files(p, &n), *found = NULL;
    char **names = xcalloc(n, sizeof *names);
    size_t named = 0;
    for (size_t i = 0; i < n; i++) {
        char *name = pipeline_peek_name(files[i]);
        if (name && !found && strcmp(name, which) == 0) found = xstrdup(files[i]);
        if (name) names[named++] = name;
    }
    if (!found) no_such_pipeline(which, names, named, err);
    free_list(names, named);
    free_list(files, n);
    return found;
}

static bool is_file_name(const char *which) {
    const char *dot = strrchr(which, '.');
    return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

struct pipeline *load_pipeline(struct cli *c, struct loaded *l, const char *which, struct err *err) {
    char *path = is_file_name(which) ? xstrdup(which) : file_of(l->project, which, err);
    if (!path) return NULL;
    err->msg[0] = 0;
    struct pipeline *p = pipeline_load(l->project, path, &l->reader, l->diags, err);
    if (!p && !err->msg[0]) {
        load_show(c, l->diags);
        err_set(err, EX_INVALID, "%s has %zu error%s", path, l->diags->errors, l->diags->errors == 1 ? "" : "s");
        err_hint(err, "mend it, then: leat validate %s", which);
    }
    free(path);
    return p;
}
