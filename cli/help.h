/* help.h: what `--help`, `leat help` and the reference page print, all from the table of commands. */
#ifndef LEAT_CLI_HELP_H
#define LEAT_CLI_HELP_H

#include "cli/cli.h"

void help_overview(const struct cli *c, const struct out *o); /* `leat` alone */
void help_command(const struct cli *c, const struct command *cmd);
/* A topic of topics.c by name; 0, or -1 with err and a suggestion. */
int help_topic(const struct cli *c, const char *name, struct err *err);

struct topic {
    const char *name, *about;
    const char *text; /* NULL: printed by `print` */
    void (*print)(const struct out *o);
};
extern const struct topic topics[]; /* name NULL at the end */

#endif
