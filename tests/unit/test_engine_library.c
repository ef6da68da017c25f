/* test_engine_library.c: a missing or unfit DuckDB is said clearly, with how to get it. */
#include "base/fsio.h"
#include "engine/duck.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Each try is a process of its own: a library is loaded once per process. */
static int try_library(const char *path, struct err *out) {
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct err err = {0};
        setenv("LEAT_DUCKDB", path, 1);
        struct duck *d = duck_open(&(struct duck_options){0}, &err);
        if (write(pipes[1], &err, sizeof err) != sizeof err) _exit(9);
        _exit(d != NULL);
    }
    close(pipes[1]);
    size_t got = 0;
    for (ssize_t n; (n = read(pipes[0], (char *)out + got, sizeof *out - got)) > 0;) got += (size_t)n;
    close(pipes[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(got, sizeof *out);
    return WEXITSTATUS(status);
}

static void must_refuse(const char *path, const char *why) {
    struct err err;
    assert_int_equal(try_library(path, &err), 0);
    assert_int_equal(err.exit, EX_ENVIRONMENT);
    assert_string_equal(err.reason, "wrong_duckdb");
    if (!strstr(err.msg, why) || !strstr(err.msg, path)) fail_msg("%s", err.msg);
    assert_non_null(strstr(err.hint, "scripts/setup"));
}

static void what_is_no_library_is_refused(void **state) {
    (void)state;
    char path[] = "/tmp/leat-no-library-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "not an ELF file\n", 16), 16);
    close(fd);
    must_refuse(path, "cannot be used as the embedded engine");
    unlink(path);
    must_refuse("/nowhere/libduckdb.so", "cannot be used as the embedded engine");
}

static void a_library_without_the_functions_is_refused(void **state) {
    (void)state;
    must_refuse("libm.so.6", "it has no function duckdb_library_version");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_library_is_refused),
        cmocka_unit_test(a_library_without_the_functions_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
