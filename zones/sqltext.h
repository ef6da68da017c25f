/* sqltext.h: just enough SQL lexing to put a statement inside another; shared with operators/. */
#ifndef LEAT_ZONES_SQLTEXT_H
#define LEAT_ZONES_SQLTEXT_H

#include "base/err.h"

/* The one statement of a text without its closing semicolon and what follows it; malloc'ed. NULL with err
 * (exit 3) when there are several, or none. Knows quotes, dollar quotes and both kinds of comments. */
char *sql_one_statement(const char *text, struct err *err);

#endif
