/* err.h: an error is a value.
 *
 * A function that can fail takes `struct err *` last, returns 0 or -1 (or a pointer, NULL on failure), and
 * sets the error only on failure. Library code never prints and never exits; only cli/ and the worker's main
 * do. What it says is UTF-8: it is cut between characters, and a byte that is none becomes a `?`. */
#ifndef LEAT_BASE_ERR_H
#define LEAT_BASE_ERR_H

/* The exit codes of every program of this project (design: cli.md 1.2). X(name, code, text) */
#define EXIT_LIST(X)                                                                                         \
    X(OK, 0, "done, or nothing to do")                                                                       \
    X(FAILED, 1, "the work failed: a step failed")                                                           \
    X(USAGE, 2, "usage error: unknown verb, flag or argument")                                               \
    X(INVALID, 3, "definition invalid")                                                                      \
    X(NOT_FOUND, 4, "not found: pipeline, run, dataset or bookmark")                                         \
    X(GATE, 5, "stopped by a data-quality gate")                                                             \
    X(ENVIRONMENT, 6, "environment: database, engine, disk or credential")                                   \
    X(WAIT_OVER, 7, "--wait timed out; the run continues")                                                   \
    X(CONFLICT, 8, "conflict: already running, bookmark or version moved underneath")                        \
    X(FINDINGS, 10, "with --exit-code only: finished, and there are findings")                               \
    X(INTERRUPTED, 130, "interrupted by SIGINT")                                                             \
    X(TERMINATED, 143, "ended by SIGTERM")

enum leat_exit {
#define X(name, code, text) EX_##name = code,
    EXIT_LIST(X)
#undef X
};

struct err {
    enum leat_exit exit; /* what the program would exit with for this error */
    char reason[32];     /* one machine word, e.g. "disk_full"; "" when none */
    char msg[1024];      /* one line: what is wrong, where */
    char hint[512];      /* what to type next; "" when none */
};

/* Both return -1 so that a caller can write `return err_set(…)`. err may be NULL. */
int err_set(struct err *err, enum leat_exit exit, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Like err_set, with ": strerror(errno)" added; ENOSPC, EMFILE … also set the reason word. */
int err_errno(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_hint(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_reason(struct err *err, const char *word);
void err_prefix(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* "prefix: msg" */

#endif
