/* serve.h: the daemon: a conductor that begins runs by itself, follows the files of pipelines, and is
 * stopped, reloaded and replaced without disturbing a step.
 *
 * One life of a conductor follows another: when the disk is full or the database fails, this one is closed
 * (steps go on under the warden), and a new one is tried until it recovers. */
#ifndef LEAT_SCHEDULER_SERVE_H
#define LEAT_SCHEDULER_SERVE_H

#include "scheduler/catalog.h"
#include "scheduler/conductor.h"

struct serve_options {
    struct conductor_options conductor; /* serves, find and report are set here */
    /* As in catalog_options. */
    void (*load)(void *ctx, const struct project *project, const char *const *paths, size_t n,
                 struct loaded *out);
    void *load_ctx;
    /* Everything worth a line of the log; level: "info", "warn", "error". The event is borrowed. */
    void (*log)(void *ctx, const char *level, const json_t *event);
    void *log_ctx;
    duration_t drain; /* how long running steps are waited for at the end; they go on without it afterwards */
    bool once;        /* decides what is due, runs it, ends when nothing is left to do */
};

enum serve_end {
    SERVE_STOPPED,  /* by a signal, or `once` and done */
    SERVE_REPLACED, /* by SIGUSR2, or because leat.yaml changed: the caller executes the program again */
};

/* *inherited: for the program that takes its place, with SERVE_REPLACED.
 *
 * 0 with *end, or -1 with err: it could not begin (exit 8: another conductor is at work). SIGINT and SIGTERM:
 * starts nothing more, waits for `drain`, ends; a second one ends at once. SIGHUP: looks at all files. SIGHUP
 * and SIGUSR2 stay blocked, and pending, while no conductor lives, and over exec: nobody dies of one that
 * comes too early. */
int serve(const struct serve_options *o, enum serve_end *end, struct inherited *inherited, struct err *err);

#endif
