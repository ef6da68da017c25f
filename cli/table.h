/* table.h: rows in columns, measured in display columns.
 *
 * On a terminal the column with the lowest `keep` is cut first (with an ellipsis) until the table fits; a
 * pipe gets everything. --plain: tab-separated, no header, nothing cut off or padded. */
#ifndef LEAT_CLI_TABLE_H
#define LEAT_CLI_TABLE_H

#include "cli/cli.h"

struct column {
    const char *title; /* NULL ends the list */
    bool right;        /* numbers */
    bool status;       /* a status word: painted */
    int keep;          /* 0: never cut; else the smaller, the sooner */
};

struct table;

struct table *table_new(const struct column *columns); /* columns are borrowed */
void table_free(struct table *t);
/* Adds the next cell, row by row; the text is copied, NULL is "". */
void table_add(struct table *t, const char *text);
void table_addf(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_print(const struct table *t, const struct cli *c);

#endif
