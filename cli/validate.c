/* validate.c: `leat validate`: reads and checks pipelines, runs nothing. */
#include "base/fsio.h"
#include "base/json.h"
#include "base/limits.h"
#include "cli/calls.h"
#include "cli/format.h"
#include "cli/verbs.h"

#include <stdlib.h>
#include <string.h>

/* One invocation. All files share one list of diagnostics, so that each is reported once. */
struct validation {
    struct cli *c;
    struct project *project;
    struct diags *diags;
    struct calls *calls; /* the files, and what they run */
    char **files;
    struct checked *checked; /* of each file */
    size_t file_count, invalid;
    json_t *items;
    bool fix, strict;
    enum diag_format format;
    long max;
};

/* A file that has been read. */
struct checked {
    struct pipeline *p; /* NULL: it has errors */
    struct diags *d;
};

static const char *shown_path(const struct project *p, const char *path) {
    size_t n = strlen(p->root);
    return strncmp(path, p->root, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static size_t count_checks(const struct pipeline *p) {
    size_t n = 0;
    for (uint32_t i = 0; i < p->step_count; i++)
        if (p->steps[i].into) n += json_array_size(p->steps[i].into->checks);
    return n;
}

static void describe(const struct pipeline *p, char *out, size_t room) {
    char steps[FORMAT_TEXT], checks[FORMAT_TEXT];
    size_t n = count_checks(p);
    format_plural((int64_t)p->step_count, "step", steps);
    format_plural((int64_t)n, "check", checks);
    snprintf(out, room, "%s%s%s", steps, n ? ", " : "", n ? checks : "");
}

static void add_item(struct validation *v, struct diags *d, const char *path, bool ok) {
    json_t *item = json_object();
    json_put_text(item, "file", path);
    json_put(item, "ok", json_boolean(ok));
    json_put(item, "diagnostics", diags_json(d, NULL));
    json_array_append_new(v->items, item);
}

static int apply_fixes(struct validation *v, struct diags *d, const char *path, struct err *err) {
    struct buf text = BUF_INIT;
    size_t n = diags_apply_fixes(d, shown_path(v->project, path), &text);
    char fixes[FORMAT_TEXT];
    int rc = 0;
    if (n > 0) rc = fs_replace(path, text.s, text.len, 0644, err);
    if (n > 0 && rc == 0)
        cli_say(v->c, "%s: %s applied; run `leat validate` again\n", shown_path(v->project, path),
                format_plural((int64_t)n, "fix", fixes));
    buf_release(&text);
    return rc;
}

/* The human line of a file: what it is, or how much is wrong. */
static void print_line(const struct validation *v, const struct diags *d, const char *path,
                       const struct pipeline *p) {
    char text[96], errors[FORMAT_TEXT], warnings[FORMAT_TEXT];
    const struct out *o = &v->c->out;
    out_paint(o, PAINT_NONE, path, 32);
    out_printf(o, "  ");
    format_plural((int64_t)d->errors, "error", errors);
    format_plural((int64_t)d->warnings, "warning", warnings);
    if (p) {
        describe(p, text, sizeof text);
        out_paint(o, PAINT_GREEN, "ok", 0);
        out_printf(o, "   %s%s%s\n", text, d->warnings ? ", " : "", d->warnings ? warnings : "");
    } else {
        out_paint(o, PAINT_RED, errors, 0);
        out_printf(o, "%s%s\n", d->warnings ? ", " : "", d->warnings ? warnings : "");
    }
}

static void print_diags(const struct validation *v, struct diags *d) {
    struct buf text = BUF_INIT;
    diags_render(d, v->format, (size_t)v->max, v->c->out.color, &text);
    fputs(buf_str(&text), v->c->out.file);
    buf_release(&text);
}

static void report(struct validation *v, struct diags *d, const char *path, const struct pipeline *p) {
    diags_sort(d);
    if (v->format == DIAG_JSON) {
        add_item(v, d, path, p != NULL);
        return;
    }
    if (v->format == DIAG_HUMAN) print_line(v, d, path, p);
    if (d->count > 0) print_diags(v, d);
}

static bool starts_after(const struct pipeline *p) {
    for (size_t i = 0; i < p->schedule_count; i++)
        if (p->schedules[i].after.count) return true;
    return false;
}

static int read_file(struct validation *v, size_t i, struct err *err) {
    struct checked *f = &v->checked[i];
    struct sql_asking asking = {.project = v->project};
    struct pipeline_reader reader = pipeline_reader(&asking);
    f->d = diags_new();
    f->p = pipeline_load(v->project, v->files[i], &reader, f->d, err);
    if (!f->p && f->d->errors == 0) return -1;
    if (f->p) calls_put(v->calls, f->p);
    return 0;
}

/* What they run, and the whole project where datasets start some of them. */
static void read_others(struct validation *v) {
    bool whole = false;
    for (size_t i = 0; i < v->file_count; i++) {
        if (!v->checked[i].p) continue;
        calls_add(v->calls, v->checked[i].p);
        whole |= starts_after(v->checked[i].p);
    }
    if (whole) calls_whole(v->calls);
}

static int judge_file(struct validation *v, size_t i, struct err *err) {
    const struct checked *f = &v->checked[i];
    if (f->p) calls_check(v->calls, f->p, f->d);
    v->invalid += f->d->errors > 0 || (v->strict && f->d->warnings > 0);
    report(v, f->d, shown_path(v->project, v->files[i]), f->d->errors ? NULL : f->p);
    return v->fix ? apply_fixes(v, f->d, v->files[i], err) : 0;
}

/* What was read before a file that cannot be is judged all the same. */
static int validate_files(struct validation *v, struct err *err) {
    size_t n = 0;
    v->calls = calls_new(v->project);
    v->checked = xcalloc(v->file_count + 1, sizeof *v->checked);
    while (n < v->file_count && read_file(v, n, err) == 0) n++;
    int rc = n < v->file_count ? -1 : 0;
    read_others(v);
    for (size_t i = 0; i < n; i++)
        if (judge_file(v, i, err)) rc = -1;
    for (size_t i = 0; i < v->file_count; i++) {
        pipeline_free(v->checked[i].p);
        if (v->checked[i].d) diags_free(v->checked[i].d);
    }
    free(v->checked);
    calls_free(v->calls);
    return rc;
}

static int collect_files(struct validation *v, struct err *err) {
    const struct cli *c = v->c;
    if (c->arg_count == 0) {
        v->files = project_pipeline_files(v->project, &v->file_count);
        if (v->file_count > 0) return 0;
        err_set(err, EX_NOT_FOUND, "no pipeline files in %s", v->project->root);
        return err_hint(err, "put one into pipelines/NAME.yaml; it begins with `pipeline: NAME`");
    }
    v->files = xcalloc(c->arg_count, sizeof *v->files);
    for (size_t i = 0; i < c->arg_count; i++) {
        v->files[i] = find_pipeline_file(v->project, c->args[i], err);
        if (!v->files[i]) return -1;
        v->file_count++;
    }
    return 0;
}

/* leat.yaml is a file like the others. */
static int validate_project(struct validation *v, struct err *err) {
    struct diags *d = diags_new();
    v->project = project_load(".", d, err);
    if (v->project && d->count > 0) {
        const char *path = v->project->file ? shown_path(v->project, v->project->file) : "leat.yaml";
        diags_sort(d);
        if (v->format == DIAG_JSON)
            add_item(v, d, path, d->errors == 0);
        else
            print_diags(v, d);
        v->invalid += d->errors > 0;
    }
    diags_free(d);
    return v->project ? 0 : -1;
}

static enum diag_format format_of(const struct cli *c) {
    static const struct {
        const char *word;
        enum diag_format format;
    } words[] = {{"human", DIAG_HUMAN}, {"json", DIAG_JSON}, {"gcc", DIAG_GCC}, {"github", DIAG_GITHUB}};
    const char *word = cli_value(c, "format");
    for (size_t i = 0; word && i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].word, word) == 0) return words[i].format;
    return c->json ? DIAG_JSON : DIAG_HUMAN;
}

static void finish(struct validation *v) {
    char files[FORMAT_TEXT];
    if (v->format == DIAG_JSON) {
        out_document(&v->c->out, "validate", v->items);
        v->items = NULL;
    } else if (v->format == DIAG_HUMAN && v->file_count > 1) {
        out_printf(&v->c->out, "\n%s, %zu not valid\n", format_plural((int64_t)v->file_count, "file", files),
                   v->invalid);
    }
}

static int run(struct cli *c, struct err *err) {
    struct validation v = {.c = c, .format = format_of(c), .items = json_array()};
    v.fix = cli_given(c, "fix");
    v.strict = cli_given(c, "strict") || strcmp(c->verb, "lint") == 0;
    int rc = cli_number(c, "max-errors", 1, LIMIT_DIAG_SHOWN, &v.max, err);
    if (rc == 0) rc = validate_project(&v, err);
    if (rc == 0) rc = collect_files(&v, err);
    if (rc == 0) rc = validate_files(&v, err);
    if (rc == 0) finish(&v);
    for (size_t i = 0; i < v.file_count; i++) free(v.files[i]);
    free(v.files);
    json_decref(v.items);
    project_free(v.project);
    return rc < 0 ? -1 : v.invalid > 0 ? EX_INVALID : EX_OK;
}

static const char *const formats[] = {"human", "json", "gcc", "github", NULL};

static const struct flag flags[] = {
    {.name = "strict", .help = "warnings count too"},
    {.name = "format", .value = "FORMAT", .values = formats, .help = "human, json, gcc or github"},
    {.name = "fix", .help = "make the changes that are safe: a mistyped key, a missing quote, a unit"},
    {.name = "max-errors", .value = "N", .help = "show at most so many of a file (20)"},
    {.name = NULL},
};

static const char *const examples[] = {
    "leat validate\tevery pipeline of this project",
    "leat validate pipelines/orders.yaml\tone file",
    "leat validate --strict --format github\tin a build, with annotations",
    "leat lint\tthe same as leat validate --strict",
    NULL,
};

static const int exits[] = {EX_INVALID, EX_NOT_FOUND, 0};

const struct command command_validate = {
    .name = "validate",
    .alias = "lint",
    .group = GROUP_START,
    .everyday = true,
    .usage = "[FILE|PIPELINE...] [--strict] [--format FORMAT] [--fix]",
    .about = "Reads and checks pipeline files; runs nothing.",
    .more = "Every mistake of a file is shown in one pass, with its place and what to type instead. What a\n"
            "code such as E0104 means: leat explain E0104.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_max = 1000000,
    .run = run,
};
