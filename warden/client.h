/* client.h: the conductor's side of the warden's socket.
 *
 * The warden starts jobs (one process tree each), drains their output into a log file, enforces timeouts and
 * limits, and keeps an exit record per job until it is acknowledged. It outlives its conductor. A job's id is
 * chosen by the conductor (the attempt's token plus a phase letter) and is unique for ever.
 *
 * A start may be repeated when it is not known whether it arrived: a known id is answered, not started again.
 * After WARDEN_LOST connect again: when `fresh` is false the warden lives and only the connection was lost.
 *
 * Nothing here blocks except warden_connect() (bounded by WARDEN_PATIENCE). The socket is SOCK_SEQPACKET at
 * <state>/warden.sock; messages larger than a datagram travel in a memfd. */
#ifndef LEAT_WARDEN_CLIENT_H
#define LEAT_WARDEN_CLIENT_H

#include "base/err.h"
#include "base/instant.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What a living warden may take to start or to answer; a machine at its limits needs seconds for what else
 * takes milliseconds. */
#define WARDEN_PATIENCE (30 * US_PER_SECOND)

struct warden; /* a connection */

struct job_limits { /* 0: not set */
    int64_t cpu_seconds, memory_bytes, open_files, processes, file_bytes;
};

struct job_spec {
    const char *id;           /* <= 120 bytes of [A-Za-z0-9._-] */
    const char *const *argv;  /* argv[0] is looked up in PATH of `env` when it has no slash */
    const char *const *env;   /* "NAME=value", NULL at the end: the whole environment */
    const char *cwd;          /* absolute */
    const char *log_path;     /* absolute; created 0600 before the start, appended to by later attempts of the
                                 same path */
    const char *const *masks; /* secrets to hide in the log, NULL at the end; may be NULL */
    duration_t timeout;       /* 0: none */
    duration_t grace;         /* between TERM and KILL */
    struct job_limits limits;
    int64_t log_head_bytes, log_tail_bytes; /* kept of the output */
    uid_t uid;                              /* (uid_t)-1: unchanged */
    gid_t gid;
};

enum job_killed { KILLED_NO, KILLED_TIMEOUT, KILLED_CANCEL, KILLED_MEMORY };

struct job_exit {
    char id[128];
    bool started;   /* false: the start itself failed: stage and error say where and why */
    char stage[24]; /* "log", "pipe", "chdir", "user", "limits", "exec" … */
    int error;      /* errno of the failed start */
    int exit_code;  /* -1 when ended by a signal */
    int signal;     /* 0 when not */
    enum job_killed killed;
    instant_t started_at, ended_at; /* wall clock */
    duration_t user_cpu, system_cpu;
    int64_t max_rss_bytes;
    int64_t log_bytes, dropped_bytes;
    int32_t escaped; /* processes of the tree that had to be killed after the main one ended */
};

enum warden_event_kind {
    WARDEN_STARTED, /* id, pid */
    WARDEN_EXIT,    /* exit; repeated after every connect until acknowledged */
    WARDEN_JOB,     /* answer to warden_list(): one live job; id, pid */
    WARDEN_LISTED,  /* end of the answer; after a connect also the end of the repeated exits */
    WARDEN_LOST,    /* the warden died or closed the connection: every live job is lost */
};

struct warden_event {
    enum warden_event_kind kind;
    char id[128];
    pid_t pid;
    struct job_exit exit;
};

/* Connects to the warden of a state folder (an absolute path), starting one (the program at `program`) when
 * none holds its lock. *fresh says whether it was started now. Exit 8 when another conductor is connected. */
struct warden *warden_connect(const char *state, const char *program, bool *fresh, struct err *err);
/* Like warden_connect but never starts one: NULL without error set (err->msg empty) when none lives. */
struct warden *warden_find(const char *state, struct err *err);
void warden_close(struct warden *w);   /* closes the connection; jobs go on. NULL is fine */
int warden_fd(const struct warden *w); /* for the loop: readable when warden_next() has something */

int warden_start(struct warden *w, const struct job_spec *spec,
                 struct err *err); /* queued; the exit record tells */
int warden_cancel(struct warden *w, const char *id, bool kill_now,
                  struct err *err); /* TERM, grace, KILL; or KILL now */
int warden_ack(struct warden *w, const char *id,
               struct err *err); /* the exit record is safe in the database */
int warden_list(struct warden *w, struct err *err);
bool warden_wants_write(const struct warden *w); /* queued messages: call warden_flush() when writable */
int warden_flush(struct warden *w, struct err *err);
/* Takes the next event; false when there is none now. After WARDEN_LOST only warden_close() is allowed. */
bool warden_next(struct warden *w, struct warden_event *out);

/* The lost-warden path: kills what is left of a job's tree (by cgroup, tree lock or the LEAT_JOB=<id> in its
 * environment) and waits, at most `patience`, until nothing of it lives. 0 when the tree is gone. Nothing
 * else is ever killed. */
int warden_reap_tree(const char *state, const char *id, duration_t patience, struct err *err);

#endif
