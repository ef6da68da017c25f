/* reference.h: the pages of docs/reference, printed from the tables that the program runs on. */
#ifndef LEAT_CLI_REFERENCE_H
#define LEAT_CLI_REFERENCE_H

#include "cli/cli.h"

extern const char *const reference_pages[]; /* NULL at the end */
void reference_print(const struct out *o, const char *page);
void reference_print_cron(const struct out *o); /* reference_cron.c */

#endif
