/* help.c: help texts, all from the table of commands; see help.h. */
#include "cli/help.h"

#include "base/suggest.h"
#include "base/utf8.h"
#include "cli/reference.h"

#include <string.h>

static const struct {
    enum command_group group;
    const char *title;
} groups[] = {
    {GROUP_START, "Start"}, {GROUP_RUN, "Run"},     {GROUP_LOOK, "Look"},
    {GROUP_FIX, "Mend"},    {GROUP_LEARN, "Learn"},
};

static const char *const first_examples[] = {
    "leat validate\tcheck every pipeline of this project",
    "leat run hello\trun one now, and again: it says what is new",
    "leat runs -n 5\tthe last five runs",
    NULL,
};

static void title(const struct out *o, const char *text) {
    out_paint(o, PAINT_BOLD, text, 0);
    out_printf(o, "\n");
}

/* "left  right", the left column `width` wide. */
static void row(const struct out *o, const char *left, int width, const char *right) {
    out_printf(o, "  ");
    out_paint(o, PAINT_NONE, left, right && *right ? width : 0);
    if (right && *right) out_printf(o, "  %s", right);
    out_printf(o, "\n");
}

static void print_examples(const struct out *o, const char *const *examples) {
    int width = 0;
    for (const char *const *e = examples; *e; e++) {
        int n = (int)strcspn(*e, "\t");
        if (n > width && n <= 60) width = n;
    }
    for (const char *const *e = examples; *e; e++) {
        size_t n = strcspn(*e, "\t");
        char left[200];
        snprintf(left, sizeof left, "%.*s", (int)n, *e);
        row(o, left, width, (*e)[n] ? *e + n + 1 : "");
    }
}

static void print_group(const struct out *o, enum command_group group, bool everyday) {
    for (const struct command *const *c = commands; *c; c++)
        if ((*c)->group == group && (!everyday || (*c)->everyday)) row(o, (*c)->name, 18, (*c)->about);
}

static bool has_any(enum command_group group, bool everyday) {
    for (const struct command *const *c = commands; *c; c++)
        if ((*c)->group == group && (!everyday || (*c)->everyday)) return true;
    return false;
}

static void print_groups(const struct out *o, bool everyday) {
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (!has_any(groups[i].group, everyday)) continue;
        title(o, groups[i].title);
        print_group(o, groups[i].group, everyday);
    }
}

void help_overview(const struct cli *c, const struct out *o) {
    (void)c;
    out_printf(o, "leat: pipelines in YAML, checked data in versioned tables, one program.\n\n");
    print_groups(o, true);
    out_printf(o, "\n");
    title(o, "Examples");
    print_examples(o, first_examples);
    out_printf(o, "\nEvery verb: leat help     One verb: leat VERB --help     Concepts: leat help topics\n");
}

static void flag_left(const struct flag *f, char *out, size_t room) {
    const char *open = f->optional ? "[=" : " ", *close = f->optional ? "]" : "";
    char letter[8] = "    ";
    if (f->letter) snprintf(letter, sizeof letter, "-%c, ", f->letter);
    snprintf(out, room, "%s--%s%s%s%s", letter, f->name, f->value ? open : "", f->value ? f->value : "",
             f->value ? close : "");
}

static void print_flags(const struct out *o, const struct flag *table) {
    for (const struct flag *f = table; f && f->name; f++) {
        char left[96];
        flag_left(f, left, sizeof left);
        row(o, left, 26, f->help);
    }
}

static const char *exit_text(int code) {
#define X(name, number, text)                                                                                \
    if (code == (number)) return text;
    EXIT_LIST(X)
#undef X
    return "";
}

static void print_exit(const struct out *o, int code) {
    char left[8];
    snprintf(left, sizeof left, "%d", code);
    row(o, left, 4, exit_text(code));
}

void help_command(const struct cli *c, const struct command *cmd) {
    const struct out *o = &c->out;
    out_printf(o, "%s\n\n", cmd->about);
    title(o, "Usage");
    out_printf(o, "  leat %s%s%s\n", cmd->name, *cmd->usage ? " " : "", cmd->usage);
    if (cmd->alias) out_printf(o, "  leat %s%s%s\n", cmd->alias, *cmd->usage ? " " : "", cmd->usage);
    out_printf(o, "\n");
    title(o, "Examples");
    print_examples(o, cmd->examples);
    if (cmd->more) out_printf(o, "\n%s\n", cmd->more);
    if (cmd->flags) {
        out_printf(o, "\n");
        title(o, "Flags");
        print_flags(o, cmd->flags);
    }
    out_printf(o, "\n");
    title(o, "Flags of every verb");
    print_flags(o, global_flags);
    out_printf(o, "\n");
    title(o, "Exit codes");
    print_exit(o, EX_OK);
    for (const int *e = cmd->exits; e && *e; e++) print_exit(o, *e);
    print_exit(o, EX_USAGE);
}

static int unknown_topic(const char *name, struct err *err) {
    const char *names[64];
    size_t n = 0;
    for (const struct topic *t = topics; t->name && n < 64; t++) names[n++] = t->name;
    const char *meant = suggest(name, names, n);
    err_set(err, EX_NOT_FOUND, "no verb and no topic is called `%s`", name);
    return meant ? err_hint(err, "did you mean `leat help %s`?", meant)
                 : err_hint(err, "see `leat help topics`");
}

int help_topic(const struct cli *c, const char *name, struct err *err) {
    for (const struct topic *t = topics; t->name; t++) {
        if (strcmp(t->name, name) != 0) continue;
        if (t->print)
            t->print(&c->out);
        else
            out_printf(&c->out, "%s", t->text);
        return EX_OK;
    }
    return unknown_topic(name, err);
}

/* ---- the verb ---- */

static void print_topics(const struct out *o) {
    title(o, "Topics");
    for (const struct topic *t = topics; t->name; t++) row(o, t->name, 18, t->about);
}

static int run(struct cli *c, struct err *err) {
    const char *word = cli_arg(c, 0);
    if (cli_given(c, "markdown")) {
        reference_print(&c->out, cli_value(c, "markdown"));
        return EX_OK;
    }
    if (!word) {
        print_groups(&c->out, false);
        print_topics(&c->out);
        return EX_OK;
    }
    if (strcmp(word, "topics") == 0) {
        print_topics(&c->out);
        return EX_OK;
    }
    size_t used = 0;
    struct err ignored = {0};
    const struct command *cmd = command_find(c->args, c->arg_count, &used, &ignored);
    if (!cmd) return help_topic(c, word, err);
    help_command(c, cmd);
    return EX_OK;
}

static const char *const examples[] = {
    "leat help\tevery verb and topic",
    "leat help run\tthe same as leat run --help",
    "leat help exit-codes\twhat a script can rely on",
    NULL,
};

static const struct flag flags[] = {
    {.name = "markdown", .value = "PAGE", .values = reference_pages, .help = "print a page of the reference"},
    {.name = NULL},
};

static const int exits[] = {EX_NOT_FOUND, 0};

const struct command command_help = {
    .name = "help",
    .group = GROUP_LEARN,
    .usage = "[VERB|TOPIC]",
    .about = "Explains a verb or a concept.",
    .examples = examples,
    .flags = flags,
    .exits = exits,
    .args_max = 2,
    .run = run,
};
