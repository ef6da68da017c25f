/* table.c: the list of operators. Adding one is adding its file and one line here (README.md). */
#include "operators/operators.h"

#include <string.h>

const struct op *const op_table[] = {
    &op_shell,   &op_exec,  &op_copy, &op_sql,      &op_sql_file,
    &op_promote, &op_spark, &op_wait, &op_pipeline, NULL,
};

/* The same list as dag/ wants it. */
static const struct verb *const verbs[] = {
    &op_shell.verb,   &op_exec.verb,  &op_copy.verb, &op_sql.verb,      &op_sql_file.verb,
    &op_promote.verb, &op_spark.verb, &op_wait.verb, &op_pipeline.verb,
};

_Static_assert(sizeof op_table / sizeof *op_table == sizeof verbs / sizeof *verbs + 1,
               "both lists name the same operators");

const struct op *op_find(const char *verb) {
    for (size_t i = 0; op_table[i]; i++)
        if (strcmp(op_table[i]->verb.name, verb) == 0) return op_table[i];
    return NULL;
}

const struct verb *const *op_verbs(size_t *count) {
    *count = sizeof verbs / sizeof *verbs;
    return verbs;
}

const json_t *op_config(const json_t *request, const char *key) {
    const json_t *config = json_object_get(request, "config");
    return json_is_object(config) ? json_object_get(config, key) : config;
}
