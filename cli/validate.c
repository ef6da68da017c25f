/* validate.c: `leat validate`: reads and checks pipelines, runs nothing. */
#include "base/fsio.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/map.h"
#include "cli/calls.h"
#include "cli/format.h"
#include "cli/verbs.h"
#include "cli/when.h"

#include <stdlib.h>
#include <string.h>

struct file {
    char *path;
    struct diags *diags;
    struct loading *loading;   /* NULL: it cannot be read, `why` or diags say so; or it has been */
    struct pipeline *pipeline; /* NULL: it has errors */
    struct err why;
};

/* One invocation. All files are asked about together: one process of the engine, and a step of one pipeline
 * knows what another one writes. */
struct validation {
    struct cli *c;
    struct project *project;
    struct file *files;
    struct calls *calls; /* the files, and what they run */
    size_t file_count, invalid;
    json_t *items;
    bool fix, strict;
    enum diag_format format;
    long max;
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

/* ", next run Fri 2026-11-20 06:15 CET": of the schedule that fires first; or that none ever will. */
static void describe_next(const struct cli *c, const struct pipeline *p, char *out, size_t room) {
    const struct schedule *first = NULL;
    bool timed = false;
    instant_t now = world_wall(c->world), fire = 0;
    char text[WHEN_TEXT];
    *out = '\0';
    for (size_t i = 0; i < p->schedule_count; i++) {
        struct slots *slots = slots_new(&p->schedules[i].rule);
        struct slot slot;
        timed |= p->schedules[i].firing_count > 0;
        if (slots_next(slots, now, &slot) && (!first || slot.fire < fire)) {
            first = &p->schedules[i];
            fire = slot.fire;
        }
        slots_free(slots);
    }
    if (first && first->rule.tz)
        snprintf(out, room, ", next run %s", when_minute(first->rule.tz, fire, text));
    else if (timed)
        snprintf(out, room, ", no more runs: its schedule is over");
}

static void describe(const struct cli *c, const struct pipeline *p, char *out, size_t room) {
    char steps[FORMAT_TEXT], checks[FORMAT_TEXT], next[WHEN_TEXT + 16];
    size_t n = count_checks(p);
    describe_next(c, p, next, sizeof next);
    format_plural((int64_t)p->step_count, "step", steps);
    format_plural((int64_t)n, "check", checks);
    snprintf(out, room, "%s%s%s%s", steps, n ? ", " : "", n ? checks : "", next);
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
    char text[256], errors[FORMAT_TEXT], warnings[FORMAT_TEXT];
    const struct out *o = &v->c->out;
    out_paint(o, PAINT_NONE, path, 32);
    out_printf(o, "  ");
    format_plural((int64_t)d->errors, "error", errors);
    format_plural((int64_t)d->warnings, "warning", warnings);
    if (p) {
        describe(v->c, p, text, sizeof text);
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

static void load_files(struct validation *v, const struct pipeline_reader *reader) {
    struct loading **all = xcalloc(v->file_count + 1, sizeof *all);
    for (size_t i = 0; i < v->file_count; i++) {
        struct file *f = &v->files[i];
        f->diags = diags_new();
        all[i] = f->loading = loading_begin(v->project, f->path, reader, f->diags, &f->why);
    }
    loading_ask(all, v->file_count);
    free(all);
}

/* A name belongs to one file of the project, whichever of them are looked at. */
static void check_names(struct validation *v) {
    struct map index = MAP_INIT;
    size_t n = 0, at;
    char **files = project_pipeline_files(v->project, &n);
    struct diags **each = xcalloc(n + 1, sizeof(struct diags *));
    for (size_t i = 0; i < n; i++) map_add(&index, files[i], i, NULL);
    for (size_t i = 0; i < v->file_count; i++)
        if (map_get(&index, v->files[i].path, &at)) each[at] = v->files[i].diags;
    project_check_names(v->project, files, n, each);
    map_release(&index);
    for (size_t i = 0; i < n; i++) free(files[i]);
    free(files);
    free(each);
}

/* What the files run, and the whole project where datasets start some of them. */
static void read_others(struct validation *v) {
    bool whole = false;
    v->calls = calls_new(v->project);
    for (size_t i = 0; i < v->file_count; i++) {
        struct file *f = &v->files[i];
        f->pipeline = f->loading ? loading_end(f->loading) : NULL;
        f->loading = NULL;
        if (f->pipeline) calls_put(v->calls, f->pipeline);
    }
    for (size_t i = 0; i < v->file_count; i++) {
        if (!v->files[i].pipeline) continue;
        calls_add(v->calls, v->files[i].pipeline);
        whole |= starts_after(v->files[i].pipeline);
    }
    if (whole) calls_whole(v->calls);
}

/* One of several: the others are looked at all the same. */
static void add_unread(const struct validation *v, const struct file *f) {
    const struct source s = {.path = shown_path(v->project, f->path), .text = ""};
    struct diag *g = diag_add(f->diags, "E0124", (struct span){.source = &s}, "%s", f->why.msg);
    if (f->why.hint[0]) diag_help(f->diags, g, "%s", f->why.hint);
}

static int validate_file(struct validation *v, const struct file *f, struct err *err) {
    struct diags *d = f->diags;
    const struct pipeline *p = f->pipeline;
    if (p) calls_check(v->calls, p, d);
    if (!p && !d->errors && v->file_count > 1) add_unread(v, f);
    bool ok = p && d->errors == 0 && !(v->strict && d->warnings > 0);
    int rc = 0;
    if (!p && d->errors == 0)
        rc = (*err = f->why, -1);
    else
        report(v, d, shown_path(v->project, f->path), d->errors ? NULL : p);
    if (rc == 0 && v->fix) rc = apply_fixes(v, d, f->path, err);
    v->invalid += !ok;
    return rc;
}

static int validate_files(struct validation *v, struct err *err) {
    struct sql_asking asking = {.project = v->project};
    struct pipeline_reader reader = pipeline_reader(&asking);
    int rc = 0;
    load_files(v, &reader);
    read_others(v);
    check_names(v);
    for (size_t i = 0; rc == 0 && i < v->file_count; i++) rc = validate_file(v, &v->files[i], err);
    return rc;
}

static void release_files(struct validation *v) {
    for (size_t i = 0; i < v->file_count; i++) {
        struct file *f = &v->files[i];
        pipeline_free(f->pipeline);
        diags_free(f->diags);
        free(f->path);
    }
    free(v->files);
}

static int collect_files(struct validation *v, struct err *err) {
    const struct cli *c = v->c;
    char **found = c->arg_count ? NULL : project_pipeline_files(v->project, &v->file_count);
    size_t n = c->arg_count ? c->arg_count : v->file_count;
    v->files = xcalloc(n + 1, sizeof *v->files);
    for (size_t i = 0; found && i < n; i++) v->files[i].path = found[i];
    free(found);
    for (size_t i = 0; i < c->arg_count; i++) {
        v->files[i].path = find_pipeline_file(v->project, c->args[i], err);
        if (!v->files[i].path) return -1;
        v->file_count++;
    }
    if (n) return 0;
    err_set(err, EX_NOT_FOUND, "no pipeline files in %s", v->project->root);
    return err_hint(err, "put one into pipelines/NAME.yaml; it begins with `pipeline: NAME`");
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
    release_files(&v);
    json_decref(v.items);
    calls_free(v.calls);
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
    .more =
        "Every mistake of a file is shown in one pass, with its place and what to type instead. SQL is\n"
        "prepared, not executed, against the columns of the last versions and of what earlier steps give.\n"
        "What a code such as E0104 means: leat explain E0104.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_max = 1000000,
    .run = run,
};
