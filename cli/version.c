/* version.c: `leat version`. */
#include "base/json.h"
#include "cli/verbs.h"

#include <stdlib.h>

#ifndef LEAT_COMPILER
#define LEAT_COMPILER __VERSION__
#endif

static int run(struct cli *c, struct err *err) {
    (void)err;
    if (!c->json) {
        out_printf(&c->out, "leat %s\n", LEAT_VERSION);
        return EX_OK;
    }
    json_t *item = json_object(), *items = json_array();
    json_put_text(item, "version", LEAT_VERSION);
    json_put_text(item, "compiler", LEAT_COMPILER);
    json_array_append_new(items, item);
    out_document(&c->out, "version", items);
    return EX_OK;
}

static const char *const examples[] = {"leat version\t", "leat version --json\tfor scripts", NULL};

const struct command command_version = {
    .name = "version",
    .group = GROUP_LEARN,
    .usage = "",
    .about = "Prints the version.",
    .examples = examples,
    .run = run,
};
