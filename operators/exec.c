/* exec.c: `exec:`, a program with its arguments. Each list item is one argv element; no shell sees them. */
#include "base/arena.h"
#include "operators/launch.h"
#include "operators/operators.h"

#include <stdlib.h>

static int launch(const json_t *request, struct op_launch *out, struct err *err) {
    const json_t *list = op_config(request, "argv");
    size_t n = json_array_size(list);
    if (n == 0)
        return err_set(err, EX_INVALID, "`exec` needs a program: a list of the program and its arguments");
    const char **words = xcalloc(n, sizeof *words);
    for (size_t i = 0; i < n; i++) {
        words[i] = json_string_value(json_array_get(list, i));
        if (words[i]) continue;
        free(words);
        return err_set(err, EX_INVALID, "`exec`: item %zu is not text", i + 1);
    }
    out->argv = launch_argv(words, n, err);
    free(words);
    return out->argv ? 0 : -1;
}

static const struct field fields[] = {
    {.name = "argv",
     .kind = FK_ARG,
     .flags = FIELD_REQUIRED | FIELD_LIST | FIELD_SHORT,
     .help = "The program and its arguments, one item each.",
     .example = "[python3, scripts/report.py]"},
    {0},
};

const struct op op_exec = {
    .verb = {.name = "exec",
             .about = "Runs a program.",
             .fields = fields,
             .siblings = process_siblings,
             .traits = VERB_SECRET_ENV},
    .launch = launch,
};
