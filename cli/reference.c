/* reference.c: docs/reference as Markdown; see reference.h. scripts/gen-docs writes the files. */
#include "cli/reference.h"

#include "base/limits.h"
#include "dag/codes.h"
#include "dag/keys.h"
#include "operators/op.h"

#include <string.h>

#define MADE "Made from the program's own tables by `scripts/gen-docs`; do not edit.\n"

/* ---- the command line ---------------------------------------------------------------------------------- */

static void print_flags(const struct out *o, const struct flag *table) {
    if (!table || !table->name) return;
    out_printf(o, "\n| flag | |\n|---|---|\n");
    for (const struct flag *f = table; f->name; f++) {
        out_printf(o, "| `");
        if (f->letter) out_printf(o, "-%c`, `", f->letter);
        out_printf(o, "--%s%s%s%s` | %s |\n", f->name, f->value ? f->optional ? "[=" : " " : "",
                   f->value ? f->value : "", f->value && f->optional ? "]" : "", f->help);
    }
}

static void print_examples(const struct out *o, const char *const *examples) {
    out_printf(o, "\n```console\n");
    for (const char *const *e = examples; *e; e++) {
        size_t n = strcspn(*e, "\t");
        out_printf(o, "$ %.*s", (int)n, *e);
        if ((*e)[n] && (*e)[n + 1]) out_printf(o, "%*s# %s", (int)(n < 60 ? 60 - n : 2), "", *e + n + 1);
        out_printf(o, "\n");
    }
    out_printf(o, "```\n");
}

static void print_command(const struct out *o, const struct command *cmd) {
    out_printf(o, "\n## leat %s\n\n%s\n\n", cmd->name, cmd->about);
    out_printf(o, "Usage: `leat %s%s%s`", cmd->name, *cmd->usage ? " " : "", cmd->usage);
    if (cmd->alias) out_printf(o, " (alias `%s`)", cmd->alias);
    out_printf(o, "\n");
    print_examples(o, cmd->examples);
    if (cmd->more) out_printf(o, "\n%s\n", cmd->more);
    print_flags(o, cmd->flags);
    out_printf(o, "\nExit codes: 0");
    for (const int *e = cmd->exits; e && *e; e++) out_printf(o, ", %d", *e);
    out_printf(o, ", 2.\n");
}

static void print_cli(const struct out *o) {
    out_printf(o, "# The command line\n\n" MADE "\n## Flags of every verb\n");
    print_flags(o, global_flags);
    for (const struct command *const *c = commands; *c; c++)
        if ((*c)->group != GROUP_HIDDEN) print_command(o, *c);
}

static void print_exit_codes(const struct out *o) {
    out_printf(o, "# Exit codes\n\n" MADE "\n| code | meaning |\n|---|---|\n");
#define X(name, code, text) out_printf(o, "| %d | %s |\n", code, text);
    EXIT_LIST(X)
#undef X
}

/* ---- YAML ---------------------------------------------------------------------------------------------- */

static const char *kind_text(enum field_kind kind) {
    static const char *const texts[] = {
#define X(name, about, json) [FK_##name] = about,
        FIELD_KIND_LIST(X)
#undef X
    };
    return texts[kind];
}

/* `|` ends a cell of a table. */
static void cell(const struct out *o, const char *text) {
    for (const char *p = text ? text : ""; *p; p++) {
        if (*p == '|') fputc('\\', o->file);
        fputc(*p, o->file);
    }
}

static void print_kind(const struct out *o, const struct field *f) {
    if (f->kind != FK_ENUM || !f->values) {
        out_printf(o, "%s", kind_text(f->kind));
    } else {
        for (const char *const *v = f->values; *v; v++)
            out_printf(o, "%s`%s`", v == f->values ? "" : ", ", *v);
    }
    if (f->flags & FIELD_LIST) out_printf(o, ", or a list");
}

static void print_field(const struct out *o, const struct field *f, const char *prefix) {
    out_printf(o, "| `%s%s`%s | ", prefix, f->name, f->flags & FIELD_REQUIRED ? " (required)" : "");
    print_kind(o, f);
    out_printf(o, " | ");
    cell(o, f->otherwise);
    out_printf(o, " | ");
    cell(o, f->help);
    if (f->example) {
        out_printf(o, " `");
        cell(o, f->example);
        out_printf(o, "`");
    }
    out_printf(o, " |\n");
}

/* One level of maps is shown in place; deeper ones are small enough for their example. */
static void print_rows(const struct out *o, const struct field *table) {
    for (const struct field *f = table; f && f->name; f++) {
        print_field(o, f, "");
        if (f->kind != FK_OBJECT) continue;
        char prefix[72];
        snprintf(prefix, sizeof prefix, "%s.", f->name);
        for (const struct field *g = f->fields; g && g->name; g++) print_field(o, g, prefix);
    }
}

static void print_table(const struct out *o, const char *title, const struct field *table) {
    out_printf(o, "\n## %s\n\n| key | value | default | |\n|---|---|---|---|\n", title);
    print_rows(o, table);
}

static void print_verb(const struct out *o, const struct verb *v) {
    out_printf(o, "\n## `%s`\n\n%s\n\n| key | value | default | |\n|---|---|---|---|\n", v->name, v->about);
    print_rows(o, v->fields);
    if (!v->siblings || !v->siblings->name) return;
    out_printf(o, "\nBeside it, in the step:\n\n| key | value | default | |\n|---|---|---|---|\n");
    print_rows(o, v->siblings);
}

static void print_pipeline(const struct out *o) {
    out_printf(o, "# Keys of a pipeline file\n\n" MADE
                  "\n`leat schema pipeline` prints the same as JSON Schema.\n");
    print_table(o, "The pipeline", pipeline_fields);
    print_table(o, "A step", step_fields);
    print_table(o, "A bookmark", bookmark_fields);
    print_table(o, "A parameter", param_fields);
    print_table(o, "Defaults", default_fields);
}

static void print_verbs(const struct out *o) {
    size_t n = 0;
    const struct verb *const *verbs = op_verbs(&n);
    out_printf(o,
               "# Verbs: what a step does\n\n" MADE "\nExactly one per step. A plain value is short for the "
               "first key of the map.\n");
    for (size_t i = 0; i < n; i++) print_verb(o, verbs[i]);
}

static void print_project(const struct out *o) {
    out_printf(o, "# Keys of leat.yaml\n\n" MADE "\n`leat schema project` prints the same as JSON Schema.\n");
    print_table(o, "The project", project_fields);
    print_table(o, "A zone", zone_fields);
    print_table(o, "A calendar", calendar_fields);
}

static void print_limits(const struct out *o) {
    out_printf(o, "# Limits\n\n" MADE "\n| limit | number | why |\n|---|---|---|\n");
#define X(name, value, reason) out_printf(o, "| `%s` | %lld | %s |\n", #name, (long long)(value), reason);
    LIMIT_LIST(X)
#undef X
}

static void print_codes(const struct out *o) {
    out_printf(o, "# Diagnostic codes\n\n" MADE "\n`leat explain CODE` prints the same.\n");
    for (size_t i = 0; i < code_count; i++)
        out_printf(o, "\n## %s: %s\n\nWrong:\n\n```yaml\n%s```\n\nRight:\n\n```yaml\n%s```\n", codes[i].code,
                   codes[i].title, codes[i].wrong, codes[i].right);
}

/* ---- pages --------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*print)(const struct out *o);
} pages[] = {
    {"cli", print_cli},     {"exit-codes", print_exit_codes}, {"pipeline", print_pipeline},
    {"verbs", print_verbs}, {"project", print_project},       {"limits", print_limits},
    {"codes", print_codes}, {"cron", reference_print_cron},
};

const char *const reference_pages[] = {"cli",    "exit-codes", "pipeline", "verbs", "project",
                                       "limits", "codes",      "cron",     NULL};

void reference_print(const struct out *o, const char *page) {
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (strcmp(pages[i].name, page) == 0) pages[i].print(o);
}
