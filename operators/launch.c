/* launch.c: see launch.h. */
#include "operators/launch.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

static void words_free(char **words) {
    for (char **w = words; w && *w; w++) free(*w);
    free(words);
}

char **launch_argv(const char *const *words, size_t n, struct err *err) {
    char **argv = xcalloc(n + 1, sizeof *argv);
    for (size_t i = 0; i < n; i++) {
        if (strlen(words[i]) < LAUNCH_ARG_BYTES) {
            argv[i] = xstrdup(words[i]);
            continue;
        }
        err_set(err, EX_INVALID, "argument %zu is %zu bytes long; the system takes %d in one argument", i,
                strlen(words[i]), LAUNCH_ARG_BYTES - 1);
        err_hint(err, "put the text in a file of the project and run that file");
        words_free(argv);
        return NULL;
    }
    return argv;
}

void op_launch_release(struct op_launch *l) {
    words_free(l->argv);
    words_free(l->env);
    *l = (struct op_launch){0};
}
