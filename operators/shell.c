/* shell.c: `shell:`, a text for an interpreter, verbatim: nothing is ever pasted into it. Values reach it
 * through the environment (environment.h). Errors stop it: -e and -u are the default, and pipefail where
 * there is one. */
#include "operators/launch.h"
#include "operators/operators.h"

#include <stdbool.h>
#include <string.h>

enum { SHELL_FLAGS = 3 };

static const struct interpreter {
    const char *key;
    const char *program;
    const char *flags[SHELL_FLAGS];
    size_t flag_count;
} interpreters[] = {
    {"sh", "/bin/sh", {"-eu", "-c"}, 2},
    {"bash", "bash", {"-euo", "pipefail", "-c"}, 3},
    {"python3", "python3", {"-c"}, 1},
};

static int launch(const json_t *request, struct op_launch *out, struct err *err) {
    const struct interpreter *with = NULL;
    const char *text = NULL;
    for (size_t i = 0; i < sizeof interpreters / sizeof *interpreters; i++) {
        const struct interpreter *in = &interpreters[i];
        bool plain = json_is_string(json_object_get(request, "config")) && i > 0;
        const char *value = plain ? NULL : json_string_value(op_config(request, in->key));
        if (!value) continue;
        if (with)
            return err_set(err, EX_INVALID, "`shell` takes one of `%s` and `%s`, not both", with->key,
                           in->key);
        with = in;
        text = value;
    }
    if (!with)
        return err_set(err, EX_INVALID, "`shell` needs a text: plain, or under `sh`, `bash` or `python3`");
    const char *words[1 + SHELL_FLAGS + 1] = {with->program};
    memcpy(words + 1, with->flags, with->flag_count * sizeof *words);
    words[1 + with->flag_count] = text;
    out->argv = launch_argv(words, with->flag_count + 2, err);
    return out->argv ? 0 : -1;
}

static const struct field fields[] = {
    {.name = "sh",
     .kind = FK_SHELL,
     .flags = FIELD_SHORT,
     .help = "Text for /bin/sh -eu.",
     .example = "gzip -t landing/*.gz"},
    {.name = "bash",
     .kind = FK_SHELL,
     .help = "Text for bash -euo pipefail.",
     .example = "sort in | uniq > out"},
    {.name = "python3", .kind = FK_SHELL, .help = "Text for python3.", .example = "print('hello')"},
    {0},
};

const struct op op_shell = {
    .verb = {.name = "shell",
             .about = "Runs a text with a shell.",
             .fields = fields,
             .siblings = process_siblings,
             .traits = VERB_SECRET_ENV},
    .launch = launch,
};
