/* check.h: data-quality rules as people write them, parsed into JSON for zones/ to compile.
 *
 *   row_count > 0                     missing(order_id) = 0            missing(user_id) < 1%
 *   duplicates(a, b) = 0              amount >= 0                      status in (new, paid)
 *   duration_s between 0 and 86400    email matches "^.+@.+$"          freshness(order_ts) < 2h
 *   avg(amount) between 1 and 10      references(raw.airports.iata)    warn: …
 *   row_count within 30% of average(last 7 runs)                       {sql: "select …", expect: 0}
 *
 * The object:
 *   {"text": as written, "severity": "fail"|"warn", "line": n, "column": n, "kind": "row"|"set",
 *    "metric": {"name": "row_count"|"missing"|"duplicates"|"freshness"|"sum"|"avg"|"min"|"max"|"value"|"sql"
 *                       |"references",
 *               "columns": [...], "sql": text, "params": [...] (of sql, as FK_SQL's),
 *               "dataset": "zone.name", "column": c},
 *    "op": "="|"!="|"<"|"<="|">"|">="|"between"|"in"|"not in"|"matches"|"not matches"|"within"|"references",
 *    "args": [JSON literals, or {"column": name}, or {"duration": us}],
 *    "percent": true when the bound is a share,
 *    "history": {"function": "average", "runs": 7, "percent": 0.3}}
 *
 * kind follows contract.md 39: a comparison per row is a row rule, everything over the set is a set rule;
 * `metric.name` "value" with one column is the row's own value. `column references(zone.name.column)`
 * compares the row's column; `references(zone.name.column)` alone means the column of the same name. */
#ifndef LEAT_DAG_CHECK_H
#define LEAT_DAG_CHECK_H

#include "base/buf.h"

#include <jansson.h>
#include <stddef.h>

/* New reference, or NULL with a message and a byte offset into text. ${…} in the text is replaced before
 * parsing, as literals, by the caller. Bounded by the text's length; no recursion deeper than 16. */
json_t *check_parse(const char *text, size_t len, char message[256], size_t *offset);
/* The same where a bare name is taken for a column although it is nearly a function's. */
json_t *check_parse_trusting(const char *text, size_t len, char message[256], size_t *offset);
/* The check in words; parses back to the same object. Not for {sql: …} checks. */
void check_print(const json_t *check, struct buf *out);
/* Names of the check functions, for did-you-mean. */
extern const char *const check_functions[];
extern const size_t check_function_count;

#endif
