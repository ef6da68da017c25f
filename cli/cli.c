/* cli.c: one invocation from argv to exit code; see cli.h. */
#include "cli/cli.h"

#include "cli/help.h"
#include "cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void cli_print_error(struct cli *c, const struct err *err) {
    fflush(c->out.file);
    out_paint(&c->err, PAINT_RED, "error", 0);
    out_printf(&c->err, ": %s\n", err->msg);
    if (!err->hint[0]) return;
    out_paint(&c->err, PAINT_CYAN, "  hint", 0);
    out_printf(&c->err, ": %s\n", err->hint);
}

void cli_say(struct cli *c, const char *fmt, ...) {
    if (c->quiet) return;
    fflush(c->out.file);
    va_list ap;
    va_start(ap, fmt);
    vfprintf(c->err.file, fmt, ap);
    va_end(ap);
}

int cli_confirm(struct cli *c, const char *question, bool *yes, struct err *err) {
    *yes = c->yes;
    if (c->yes) return 0;
    if (c->no_input || !isatty(STDIN_FILENO)) {
        err_set(err, EX_USAGE, "this needs a yes, and nobody can be asked");
        return err_hint(err, "give --yes when you mean it");
    }
    out_printf(&c->err, "%s [y/N] ", question);
    fflush(c->err.file);
    char line[16] = "";
    if (!fgets(line, sizeof line, stdin)) line[0] = '\0';
    *yes = line[0] == 'y' || line[0] == 'Y';
    return 0;
}

/* A program started with a closed stdin, stdout or stderr must not find its database under that number. */
static void fill_standard_fds(void) {
    int fd;
    do fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO && fcntl(fd, F_SETFD, 0) == 0);
    if (fd > STDERR_FILENO) close(fd);
}

static int enter_folder(const struct cli *c, struct err *err) {
    const char *dir = cli_value(c, "directory");
    if (!dir || chdir(dir) == 0) return 0;
    err_errno(err, "cannot work in %s", dir);
    err->exit = EX_NOT_FOUND;
    return -1;
}

static int dispatch(struct cli *c, struct err *err) {
    if (cli_given(c, "version")) return command_version.run(c, err);
    if (!c->command) {
        bool asked = cli_given(c, "help");
        help_overview(c, asked ? &c->out : &c->err);
        return asked ? EX_OK : EX_USAGE;
    }
    if (cli_given(c, "help")) {
        help_command(c, c->command);
        return EX_OK;
    }
    if (enter_folder(c, err) < 0) return -1;
    return c->command->run(c, err);
}

/* Results that did not reach their file are a failure even when everything else went well. */
int cli_flush(struct cli *c, int code) {
    bool failed = ferror(c->out.file) != 0;
    if (fflush(c->out.file) != 0) failed = true;
    if (!failed || errno == EPIPE) return code;
    struct err err = {.exit = EX_ENVIRONMENT};
    err_errno(&err, "cannot write to stdout");
    cli_print_error(c, &err);
    return EX_ENVIRONMENT;
}

int cli_main(int argc, char **argv) {
    fill_standard_fds();
    setlocale(LC_CTYPE, "");
    struct cli c;
    struct err err = {0};
    int code = cli_parse(&c, argc, argv, &err);
    if (code == 0) code = dispatch(&c, &err);
    if (code < 0) {
        cli_print_error(&c, &err);
        code = (int)err.exit;
    }
    code = cli_flush(&c, code);
    cli_release(&c);
    return code;
}
