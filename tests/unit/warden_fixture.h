/* warden_fixture.h: a state folder with a real warden, for tests that run real processes.
 *
 * Waiting is always for an event; nothing sleeps and hopes. PATIENCE only ends a test that hangs: it is long
 * enough for a sanitizer's build on a machine that does other things too. */
#ifndef LEAT_TESTS_WARDEN_FIXTURE_H
#define LEAT_TESTS_WARDEN_FIXTURE_H

#include "base/fsio.h"
#include "base/world.h"
#include "warden/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#ifndef LEAT_BINARY_DIR /* the header compiled alone */
#define LEAT_BINARY_DIR "."
#endif
#define PROGRAM  LEAT_BINARY_DIR "/leat-warden"
#define PATIENCE (90 * US_PER_SECOND)
#define UNUSED   __attribute__((unused)) static

struct fixture {
    char state[64];
    struct warden *w;
    bool fresh;
};

static const char *const plain_env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/", NULL};

static duration_t fixture_now(void) { return world_steady(world_real()); }

UNUSED void fixture_connect(struct fixture *f) {
    struct err err = {0};
    f->w = warden_connect(f->state, PROGRAM, &f->fresh, &err);
    if (!f->w) fail_msg("cannot connect: %s", err.msg);
}

UNUSED bool fixture_lock_held(const struct fixture *f) {
    char path[96];
    snprintf(path, sizeof path, "%s/warden.lock", f->state);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return false;
    bool held = flock(fd, LOCK_EX | LOCK_NB) < 0;
    close(fd);
    return held;
}

/* 0 when the file does not hold a whole line yet. */
static pid_t pid_in(const char *path) {
    char *s = fs_exists(path) ? fs_read(path, 64, NULL, NULL) : NULL;
    pid_t pid = s && strchr(s, '\n') ? (pid_t)atoi(s) : 0;
    free(s);
    return pid;
}

/* Polls a condition that has no descriptor to wait for. */
#define WAIT_UNTIL(condition)                                                                                \
    do {                                                                                                     \
        duration_t until_ = fixture_now() + PATIENCE;                                                        \
        while (!(condition)) {                                                                               \
            if (fixture_now() > until_) fail_msg("waited in vain for %s", #condition);                       \
            poll(NULL, 0, 5);                                                                                \
        }                                                                                                    \
    } while (0)

UNUSED pid_t fixture_warden_pid(const struct fixture *f) {
    char path[96];
    pid_t pid;
    snprintf(path, sizeof path, "%s/warden.lock", f->state);
    WAIT_UNTIL((pid = pid_in(path)) > 0);
    return pid;
}

UNUSED void fixture_wait_gone(const struct fixture *f) { WAIT_UNTIL(!fixture_lock_held(f)); }

UNUSED int fixture_open(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    if (!f) return -1;
    snprintf(f->state, sizeof f->state, "/tmp/leat-warden-XXXXXX");
    if (!mkdtemp(f->state)) return -1;
    *state = f;
    return 0;
}

UNUSED int fixture_open_connected(void **state) {
    if (fixture_open(state) < 0 || !*state) return -1;
    fixture_connect(*state);
    return 0;
}

UNUSED int fixture_close(void **state) {
    struct fixture *f = *state;
    warden_close(f->w);
    if (fixture_lock_held(f)) kill(fixture_warden_pid(f), SIGTERM); /* sooner than it would end by itself */
    fixture_wait_gone(f);
    int r = fs_remove_tree(f->state, NULL);
    free(f);
    return r;
}

UNUSED void fixture_log_path(const struct fixture *f, const char *id, char out[256]) {
    snprintf(out, 256, "%s/log/%s.log", f->state, id);
}

/* Queues a job; `spec` needs no more than argv, the rest has defaults. */
UNUSED void fixture_start(struct fixture *f, const char *id, struct job_spec spec) {
    char log[256];
    struct err err = {0};
    assert(f); /* so that analysers do not take f->state for NULL */
    fixture_log_path(f, id, log);
    spec.id = id;
    if (!spec.env) spec.env = plain_env;
    if (!spec.cwd) spec.cwd = "/";
    if (!spec.log_path) spec.log_path = log;
    spec.uid = (uid_t)-1;
    spec.gid = (gid_t)-1;
    if (!spec.grace) spec.grace = PATIENCE;
    if (warden_start(f->w, &spec, &err) < 0 || warden_flush(f->w, &err) < 0) fail_msg("%s", err.msg);
}

UNUSED void fixture_start_shell(struct fixture *f, const char *id, const char *script, struct job_spec spec) {
    const char *const argv[] = {"sh", "-c", script, NULL};
    spec.argv = argv;
    fixture_start(f, id, spec);
}

UNUSED void fixture_flush(struct fixture *f) {
    struct err err = {0};
    while (warden_wants_write(f->w)) {
        struct pollfd p = {.fd = warden_fd(f->w), .events = POLLOUT};
        if (warden_flush(f->w, &err) < 0) fail_msg("%s", err.msg);
        if (warden_wants_write(f->w)) poll(&p, 1, 100);
    }
}

/* The next event of any kind. */
UNUSED struct warden_event fixture_next(struct fixture *f) {
    struct warden_event e;
    duration_t until = fixture_now() + PATIENCE;
    while (!warden_next(f->w, &e)) {
        struct pollfd p = {.fd = warden_fd(f->w), .events = POLLIN};
        if (fixture_now() > until) fail_msg("no event from the warden");
        poll(&p, 1, 100);
    }
    return e;
}

UNUSED struct warden_event fixture_await(struct fixture *f, enum warden_event_kind kind, const char *id) {
    for (;;) {
        struct warden_event e = fixture_next(f);
        if (e.kind == kind && (!id || strcmp(e.id, id) == 0)) return e;
        if (e.kind == WARDEN_LOST) fail_msg("the warden was lost while waiting");
    }
}

UNUSED void fixture_ack(struct fixture *f, const char *id) {
    struct err err = {0};
    if (warden_ack(f->w, id, &err) < 0 || warden_flush(f->w, &err) < 0) fail_msg("%s", err.msg);
}

/* Waits for the exit and acknowledges it. */
UNUSED struct job_exit fixture_exit(struct fixture *f, const char *id) {
    struct job_exit e = fixture_await(f, WARDEN_EXIT, id).exit;
    fixture_ack(f, id);
    return e;
}

UNUSED char *fixture_log(const struct fixture *f, const char *id) {
    char path[256];
    fixture_log_path(f, id, path);
    char *s = fs_read(path, 1 << 30, NULL, NULL);
    if (!s) fail_msg("no log %s", path);
    return s;
}

UNUSED bool fixture_log_has(const struct fixture *f, const char *id, const char *text) {
    char path[256];
    fixture_log_path(f, id, path);
    char *s = fs_read(path, 1 << 30, NULL, NULL);
    bool has = s && strstr(s, text);
    free(s);
    return has;
}

/* A pid that a job wrote in the state folder. */
UNUSED pid_t fixture_pid_file(const struct fixture *f, const char *name) {
    char path[256];
    pid_t pid;
    snprintf(path, sizeof path, "%s/%s", f->state, name);
    WAIT_UNTIL((pid = pid_in(path)) > 0);
    return pid;
}

/* Ended; a zombie that waits for a slow init counts as ended. */
UNUSED bool process_gone(pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    char *s = fs_read(path, 4096, NULL, NULL);
    bool gone = !s || strstr(s, ") Z ");
    free(s);
    return gone;
}

#endif
