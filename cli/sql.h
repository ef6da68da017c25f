/* sql.h: the embedded engine over the project's datasets, in a child process; see sql.c. */
#ifndef LEAT_CLI_SQL_H
#define LEAT_CLI_SQL_H

#include "cli/view.h"
#include "engine/duck.h"
#include "store/datasets.h"
#include "zones/attach.h"

struct sql_session {
    struct view view;
    struct duck *duck;
};

/* Runs work in a child process and returns its exit code; -1 with err when it was killed. Nothing of the
 * database or the engine may be open. */
int sql_in_child(struct cli *c, int (*work)(struct cli *, struct err *), struct err *err);

int sql_open(struct sql_session *s, struct cli *c, struct err *err); /* close it either way */
void sql_close(struct sql_session *s);
/* Makes "zone.name" (its live version) or "zone.name@12" a view of that name; exit 4 when there is none. */
int sql_attach(struct sql_session *s, const char *name, struct err *err);

void sql_quote_versions(const char *s, struct buf *out);

enum sql_format { SQL_TABLE, SQL_PLAIN, SQL_CSV, SQL_JSON };
/* Prints the rows of a query; SQL_TABLE and SQL_PLAIN at most `limit`. Returns EX_OK, or -1 with err. */
int sql_print(struct sql_session *s, const char *sql, enum sql_format format, size_t limit, struct err *err);

#endif
