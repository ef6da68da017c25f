/* args.c: argv to struct cli.
 *
 * Two passes. The first finds the verb: the first one or two words that are neither a flag nor the value of a
 * global flag. The second reads every flag against the verb's table and the global one; what is left over are
 * the verb's arguments. `--` ends the flags. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/suggest.h"
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const color_words[] = {"auto", "always", "never", NULL};
static const char *const progress_words[] = {"auto", "bar", "plain", "none", NULL};

const struct flag global_flags[] = {
    {.name = "directory", .letter = 'C', .value = "DIR", .help = "work in the project of this folder"},
    {.name = "json", .help = "print one JSON document (streaming verbs: one event a line)"},
    {.name = "plain", .help = "tab-separated, no header, nothing cut off"},
    {.name = "quiet", .letter = 'q', .help = "say nothing on stderr but errors"},
    {.name = "verbose", .letter = 'v', .help = "say more; may be repeated"},
    {.name = "color", .value = "WHEN", .values = color_words, .help = "auto, always or never"},
    {.name = "no-color", .help = "the same as --color=never"},
    {.name = "progress", .value = "HOW", .values = progress_words, .help = "auto, bar, plain or none"},
    {.name = "no-input", .help = "never ask; fail when an answer would be needed"},
    {.name = "yes", .letter = 'y', .help = "answer yes to every question"},
    {.name = "tz", .value = "ZONE", .help = "show and read times in this time zone"},
    {.name = "help", .letter = 'h', .help = "explain the verb"},
    {.name = "version", .help = "print the version"},
    {.name = NULL},
};

static const struct flag *table_find(const struct flag *table, const char *name, size_t len) {
    for (const struct flag *f = table; f && f->name; f++)
        if (strlen(f->name) == len && memcmp(f->name, name, len) == 0) return f;
    return NULL;
}

static const struct flag *table_find_letter(const struct flag *table, char letter) {
    for (const struct flag *f = table; f && f->name; f++)
        if (f->letter == letter) return f;
    return NULL;
}

const struct flag *flag_find(const struct command *cmd, const char *name, size_t len) {
    const struct flag *f = cmd ? table_find(cmd->flags, name, len) : NULL;
    return f ? f : table_find(global_flags, name, len);
}

const struct flag *flag_find_letter(const struct command *cmd, char letter) {
    const struct flag *f = cmd ? table_find_letter(cmd->flags, letter) : NULL;
    return f ? f : table_find_letter(global_flags, letter);
}

static size_t collect_names(const struct flag *table, const char **names, size_t n) {
    for (const struct flag *f = table; f && f->name; f++) names[n++] = f->name;
    return n;
}

static int unknown_flag(const struct command *cmd, const char *word, size_t len, struct err *err) {
    const char *names[128];
    size_t n = cmd ? collect_names(cmd->flags, names, 0) : 0;
    n = collect_names(global_flags, names, n);
    char typed[64];
    snprintf(typed, sizeof typed, "%.*s", (int)(len < 60 ? len : 60), word);
    const char *bare = typed + strspn(typed, "-");
    const char *meant = strlen(bare) > 1 ? suggest(bare, names, n) : NULL;
    err_set(err, EX_USAGE, "unknown flag `%s`%s%s", typed, cmd ? " of leat " : "", cmd ? cmd->name : "");
    if (meant) return err_hint(err, "did you mean `--%s`?", meant);
    return cmd ? err_hint(err, "see `leat %s --help`", cmd->name) : err_hint(err, "see `leat --help`");
}

static int check_value(const struct flag *f, const char *value, struct err *err) {
    if (!f->values) return 0;
    struct buf list = BUF_INIT;
    for (const char *const *w = f->values; *w; w++) {
        if (strcmp(*w, value) == 0) {
            buf_release(&list);
            return 0;
        }
        buf_addf(&list, "%s%s", w == f->values ? "" : ", ", *w);
    }
    err_set(err, EX_USAGE, "--%s takes one of: %s; not `%s`", f->name, buf_str(&list), value);
    buf_release(&list);
    return -1;
}

static int add_option(struct cli *c, const struct flag *f, const char *value, struct err *err) {
    if (value && check_value(f, value, err) < 0) return -1;
    c->options[c->option_count++] = (struct option){.flag = f, .value = value};
    return 0;
}

/* The words of a command line as they are read. */
struct reader {
    char **argv;
    int argc, at;
};

static int missing_value(const struct flag *f, struct err *err) {
    err_set(err, EX_USAGE, "--%s needs a value: --%s %s", f->name, f->name, f->value);
    return -1;
}

static int read_long(struct cli *c, struct reader *r, struct err *err) {
    const char *name = r->argv[r->at] + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct flag *f = flag_find(c->command, name, len);
    if (!f) return unknown_flag(c->command, r->argv[r->at], len + 2, err);
    if (!f->value && equals) return err_set(err, EX_USAGE, "--%s takes no value", f->name);
    if (!f->value) return add_option(c, f, NULL, err);
    if (equals) return add_option(c, f, equals + 1, err);
    if (f->optional) return add_option(c, f, NULL, err);
    if (r->at + 1 >= r->argc) return missing_value(f, err);
    return add_option(c, f, r->argv[++r->at], err);
}

static int read_short(struct cli *c, struct reader *r, struct err *err) {
    const char *word = r->argv[r->at];
    for (const char *p = word + 1; *p; p++) {
        const struct flag *f = flag_find_letter(c->command, *p);
        if (!f) return unknown_flag(c->command, word, strlen(word), err);
        if (!f->value) {
            if (add_option(c, f, NULL, err) < 0) return -1;
            continue;
        }
        if (p[1]) return add_option(c, f, p + 1, err);
        if (r->at + 1 >= r->argc) return missing_value(f, err);
        return add_option(c, f, r->argv[++r->at], err);
    }
    return 0;
}

/* "-" alone is a word, and so is a SQL text that begins with a comment. */
static bool is_flag(const char *word) {
    return word[0] == '-' && word[1] && !(word[1] == '-' && (word[2] == ' ' || word[2] == '\n'));
}

/* Does a flag that stands before the verb take the next word? */
static bool takes_next(const char *word) {
    const struct flag *f = NULL;
    if (word[1] == '-')
        f = strchr(word, '=') ? NULL : flag_find(NULL, word + 2, strlen(word + 2));
    else if (word[1] && !word[2])
        f = flag_find_letter(NULL, word[1]);
    return f && f->value && !f->optional;
}

/* The positions of the first two words that can name a verb. */
static size_t find_words(int argc, char **argv, int at[2], char *words[2]) {
    size_t n = 0;
    for (int i = 1; i < argc && n < 2; i++) {
        if (strcmp(argv[i], "--") == 0) break;
        if (is_flag(argv[i])) {
            if (takes_next(argv[i])) i++;
            continue;
        }
        at[n] = i;
        words[n++] = argv[i];
    }
    return n;
}

static int read_all(struct cli *c, int argc, char **argv, const int *skip, size_t skip_count,
                    struct err *err) {
    struct reader r = {.argv = argv, .argc = argc};
    bool only_words = false;
    for (r.at = 1; r.at < argc; r.at++) {
        char *word = argv[r.at];
        bool of_verb = (skip_count > 0 && r.at == skip[0]) || (skip_count > 1 && r.at == skip[1]);
        if (of_verb) continue;
        if (!only_words && strcmp(word, "--") == 0) {
            only_words = true;
        } else if (!only_words && is_flag(word)) {
            if ((word[1] == '-' ? read_long(c, &r, err) : read_short(c, &r, err)) < 0) return -1;
        } else {
            c->args[c->arg_count++] = word;
        }
    }
    return 0;
}

static enum color_when color_of(const struct cli *c) {
    if (cli_given(c, "no-color")) return COLOR_NEVER;
    const char *when = cli_value(c, "color");
    if (!when || strcmp(when, "auto") == 0) return COLOR_AUTO;
    return strcmp(when, "always") == 0 ? COLOR_ALWAYS : COLOR_NEVER;
}

static void apply_globals(struct cli *c) {
    enum color_when when = color_of(c);
    c->out = out_open(stdout, when);
    c->err = out_open(stderr, when);
    c->json = cli_given(c, "json");
    c->plain = cli_given(c, "plain");
    c->quiet = cli_given(c, "quiet");
    c->no_input = cli_given(c, "no-input");
    c->yes = cli_given(c, "yes");
    c->tz = cli_value(c, "tz");
    for (size_t i = 0; i < c->option_count; i++)
        if (strcmp(c->options[i].flag->name, "verbose") == 0) c->verbose++;
}

static int check_args(const struct cli *c, struct err *err) {
    const struct command *cmd = c->command;
    if (cli_given(c, "help") || cli_given(c, "version")) return 0;
    if (c->arg_count >= cmd->args_min && c->arg_count <= cmd->args_max) return 0;
    if (c->arg_count < cmd->args_min)
        err_set(err, EX_USAGE, "`leat %s` needs more: leat %s %s", cmd->name, cmd->name, cmd->usage);
    else
        err_set(err, EX_USAGE, "`leat %s` does not take `%s`", cmd->name, c->args[cmd->args_max]);
    return err_hint(err, "see `leat %s --help`", cmd->name);
}

int cli_parse(struct cli *c, int argc, char **argv, struct err *err) {
    *c = (struct cli){.world = world_real(), .argv = argv};
    size_t room = (size_t)argc + 1;
    for (int i = 1; i < argc; i++) room += strlen(argv[i]); /* -vvv is three options */
    c->options = xcalloc(room, sizeof *c->options);
    c->args = xcalloc((size_t)argc + 1, sizeof *c->args);
    c->out = out_open(stdout, COLOR_AUTO);
    c->err = out_open(stderr, COLOR_AUTO);
    int at[2] = {0};
    char *words[2] = {0};
    size_t found = find_words(argc, argv, at, words), used = 0;
    if (found > 0) {
        c->command = command_find(words, found, &used, err);
        if (!c->command) return -1;
        c->verb = words[0];
    }
    if (read_all(c, argc, argv, at, used, err) < 0) return -1;
    apply_globals(c);
    return c->command ? check_args(c, err) : 0;
}

void cli_release(struct cli *c) {
    free(c->options);
    free(c->args);
}

const char *cli_arg(const struct cli *c, size_t i) { return i < c->arg_count ? c->args[i] : NULL; }

bool cli_given(const struct cli *c, const char *flag) {
    for (size_t i = 0; i < c->option_count; i++)
        if (strcmp(c->options[i].flag->name, flag) == 0) return true;
    return false;
}

const char *cli_value(const struct cli *c, const char *flag) {
    for (size_t i = c->option_count; i-- > 0;)
        if (strcmp(c->options[i].flag->name, flag) == 0) return c->options[i].value;
    return NULL;
}

const char **cli_values(const struct cli *c, const char *flag, size_t *n) {
    const char **list = xcalloc(c->option_count + 1, sizeof *list);
    *n = 0;
    for (size_t i = 0; i < c->option_count; i++)
        if (strcmp(c->options[i].flag->name, flag) == 0) list[(*n)++] = c->options[i].value;
    return list;
}

int cli_number(const struct cli *c, const char *flag, long min, long otherwise, long *out, struct err *err) {
    const char *text = cli_value(c, flag);
    if (!text) {
        *out = otherwise;
        return 0;
    }
    char *end = NULL;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (end == text || *end || errno || n < min)
        return err_set(err, EX_USAGE, "--%s takes a whole number from %ld on, not `%s`", flag, min, text);
    *out = n;
    return 0;
}
