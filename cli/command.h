/* command.h: what a command of `leat` is: one const struct per verb, listed in commands.c.
 *
 * The struct drives everything that is said about the verb: parsing of its flags, did-you-mean, `--help`, the
 * reference page (`leat help --markdown`) and the test that both are complete. A new verb is a file with one
 * struct and one line in commands.c. */
#ifndef LEAT_CLI_COMMAND_H
#define LEAT_CLI_COMMAND_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct cli;

struct flag {
    const char *name;          /* without the dashes; NULL ends a table */
    char letter;               /* 0: no short form */
    bool optional;             /* the value may be left out: --flag or --flag=VALUE */
    const char *value;         /* what help calls the value; NULL: a switch */
    const char *const *values; /* the only words it takes, NULL at the end; NULL: anything */
    const char *help;          /* one line, no full stop */
};

enum command_group { GROUP_START, GROUP_RUN, GROUP_LOOK, GROUP_FIX, GROUP_LEARN, GROUP_HIDDEN };

struct command {
    const char *name;  /* "runs", "runs show": at most two words */
    const char *alias; /* another first word; NULL: none */
    enum command_group group;
    bool everyday;               /* shown by `leat` alone */
    const char *usage;           /* what follows `leat NAME` */
    const char *about;           /* one sentence */
    const char *more;            /* further paragraphs for the help; NULL: none */
    const char *const *examples; /* "command\twhat it does", NULL at the end */
    const struct flag *flags;    /* NULL: only the global ones */
    const int *exits;            /* the codes it ends with beside 0 and 2, 0 at the end; NULL: none */
    size_t args_min, args_max;   /* positional words */
    /* Returns the exit code, or -1 with err. */
    int (*run)(struct cli *c, struct err *err);
};

extern const struct command *const commands[]; /* NULL at the end, in the order of the help */
extern const struct flag global_flags[];

/* The command that the words name: the longest match of one or two words; *used says how many. NULL with
 * err (usage, with a suggestion) when there is none. */
const struct command *command_find(char *const *words, size_t n, size_t *used, struct err *err);
/* A flag of the command (may be NULL) or a global one. */
const struct flag *flag_find(const struct command *cmd, const char *name, size_t len);
const struct flag *flag_find_letter(const struct command *cmd, char letter);

#endif
