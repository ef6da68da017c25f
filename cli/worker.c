/* worker.c: `leat worker --request FILE`, the process behind the data steps. Started by Leat itself, never by
 * people: what it is given and answers is described in operators/README.md. */
#include "operators/worker.h"

#include "cli/verbs.h"

static int run(struct cli *c, struct err *err) {
    const char *request = cli_value(c, "request");
    if (!request) {
        err_set(err, EX_USAGE, "`leat worker` is started by Leat itself, with --request FILE");
        return err_hint(err, "to run a pipeline: leat run NAME");
    }
    return worker_main(request);
}

static const struct flag flags[] = {
    {.name = "request", .value = "FILE", .help = "what to do"},
    {.name = NULL},
};

static const char *const examples[] = {"leat worker --request FILE\t", NULL};

const struct command command_worker = {
    .name = "worker",
    .group = GROUP_HIDDEN,
    .usage = "--request FILE",
    .about = "Does the data work of one attempt; started by Leat itself.",
    .examples = examples,
    .flags = flags,
    .run = run,
};
