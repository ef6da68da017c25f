/* explain.c: `leat explain CODE`: what a diagnostic means, with a wrong and a right file. */
#include "base/suggest.h"
#include "cli/verbs.h"
#include "dag/codes.h"

#include <string.h>
#include <strings.h>

static const struct code *find(const char *name) {
    for (size_t i = 0; i < code_count; i++)
        if (strcasecmp(codes[i].code, name) == 0) return &codes[i];
    return NULL;
}

static int unknown(const char *name, struct err *err) {
    const char *names[256];
    size_t n = 0;
    for (; n < code_count && n < 256; n++) names[n] = codes[n].code;
    const char *meant = suggest(name, names, n);
    err_set(err, EX_NOT_FOUND, "there is no code `%s`", name);
    return meant ? err_hint(err, "did you mean `%s`?", meant)
                 : err_hint(err, "codes are like E0104; see `leat explain`");
}

static void print_file(const struct out *o, const char *text) {
    while (*text) {
        size_t n = strcspn(text, "\n");
        out_printf(o, "  %.*s\n", (int)n, text);
        text += n + (text[n] == '\n');
    }
}

static void print_code(const struct out *o, const struct code *c) {
    out_paint(o, PAINT_BOLD, c->code, 0);
    out_printf(o, ": %s\n\n", c->title);
    out_paint(o, PAINT_RED, "wrong", 0);
    out_printf(o, "\n\n");
    print_file(o, c->wrong);
    out_printf(o, "\n");
    out_paint(o, PAINT_GREEN, "right", 0);
    out_printf(o, "\n\n");
    print_file(o, c->right);
}

static int run(struct cli *c, struct err *err) {
    const char *name = cli_arg(c, 0);
    if (!name) {
        for (size_t i = 0; i < code_count; i++)
            out_printf(&c->out, "%s  %s\n", codes[i].code, codes[i].title);
        return EX_OK;
    }
    const struct code *code = find(name);
    if (!code) return unknown(name, err);
    print_code(&c->out, code);
    return EX_OK;
}

static const char *const examples[] = {
    "leat explain E0203\twhat it means, with a wrong and a right file",
    "leat explain\tall codes",
    NULL,
};

static const int exits[] = {EX_NOT_FOUND, 0};

const struct command command_explain = {
    .name = "explain",
    .group = GROUP_LEARN,
    .usage = "[CODE]",
    .about = "Explains a diagnostic of `leat validate`.",
    .examples = examples,
    .exits = exits,
    .args_max = 1,
    .run = run,
};
