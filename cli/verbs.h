/* verbs.h: the commands, one file each. */
#ifndef LEAT_CLI_VERBS_H
#define LEAT_CLI_VERBS_H

#include "cli/cli.h"

extern const struct command command_help;
extern const struct command command_validate;
extern const struct command command_version;
extern const struct command command_worker;

#endif
