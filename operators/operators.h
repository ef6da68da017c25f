/* operators.h: the operators that exist, and what several of them share; private to operators/. */
#ifndef LEAT_OPERATORS_OPERATORS_H
#define LEAT_OPERATORS_OPERATORS_H

#include "operators/op.h"

extern const struct op op_shell, op_exec, op_copy, op_sql, op_sql_file, op_promote, op_spark, op_wait,
    op_pipeline;

extern const struct field process_siblings[]; /* cwd, user, limits */

/* Value of a verb's short form or map form: config.key, or config itself when it is no object. Borrowed. */
const json_t *op_config(const json_t *request, const char *key);

#endif
