/* cli.h: one invocation of `leat`: its words, flags and streams.
 *
 * Results go to stdout, everything said about them (progress, warnings, what to type next) to stderr. Only
 * cli/ prints and only main() exits. Flags may stand before or after the verb, in any order. */
#ifndef LEAT_CLI_CLI_H
#define LEAT_CLI_CLI_H

#include "base/err.h"
#include "base/world.h"
#include "cli/command.h"
#include "cli/out.h"

#include <stdbool.h>
#include <stddef.h>

struct option {
    const struct flag *flag;
    const char *value; /* NULL for a switch, or an optional value that was left out */
};

struct cli {
    const struct command *command;
    const char *verb; /* its first word as it was typed: the alias, maybe */
    char **argv;      /* as the program got it */
    char **args;      /* the words after the verb, borrowed from argv */
    size_t arg_count;
    struct option *options;
    size_t option_count;
    struct out out, err;
    const struct world *world;
    bool json, plain, quiet, no_input, yes;
    int verbose;
    const char *tz; /* --tz, or NULL */
};

int cli_main(int argc, char **argv);

bool cli_given(const struct cli *c, const char *flag);
const char *cli_value(const struct cli *c, const char *flag); /* of the last one; NULL when not given */
/* All values in order; malloc'ed list of borrowed texts. */
const char **cli_values(const struct cli *c, const char *flag, size_t *n);
/* The value as a number from min on; `otherwise` when not given; -1 with err (usage) when it is none. */
int cli_number(const struct cli *c, const char *flag, long min, long otherwise, long *out, struct err *err);
const char *cli_arg(const struct cli *c, size_t i); /* NULL past the end */

/* Fills c from argv; 0, or -1 with err (usage). Streams are set up even then. */
int cli_parse(struct cli *c, int argc, char **argv, struct err *err);
void cli_release(struct cli *c);

/* Asks on the terminal; true for yes. --yes answers yes. Without a terminal or with --no-input: -1 with err
 * that says which flag to give. */
int cli_confirm(struct cli *c, const char *question, bool *yes, struct err *err);
void cli_say(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* stderr, not -q */
/* Flushes stdout; the code, or EX_ENVIRONMENT (said on stderr) when what was printed did not arrive. */
int cli_flush(struct cli *c, int code);
void cli_print_error(struct cli *c, const struct err *err);

#endif
