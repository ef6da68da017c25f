/* Real processes under a real warden: how they end, what their log holds, what is left of them.
 *
 * Scripts run by sh in the state folder ($S); most cases are one row. */
#include "warden_fixture.h"

#include "warden/logline.h"

struct run_case {
    const char *name, *script;
    int64_t timeout_ms, grace_ms;
    bool cancel, kill_now; /* once the log says "ready" */
    /* expected */
    int exit_code, signal;
    enum job_killed killed;
    int escaped;
    const char *log, *not_log;
};

#define READY "echo ready; "

static const struct run_case run_cases[] = {
    {.name = "ok", .script = "echo hello; echo oops >&2", .log = "Z hello\n"},
    {.name = "stderr", .script = "echo oops >&2", .log = "Z oops\n"},
    {.name = "code", .script = "exit 7", .exit_code = 7},
    {.name = "code127", .script = "exit 127", .exit_code = 127},
    {.name = "signal", .script = "kill -11 $$", .exit_code = -1, .signal = 11},
    {.name = "own_kill",
     .script = "kill -9 $$",
     .exit_code = -1,
     .signal = 9,
     .log = "SIGKILL, which Leat did not send"},
    {.name = "closed", .script = "exec >&- 2>&-; exit 3", .exit_code = 3},
    {.name = "environment", .script = "echo [$LEAT_JOB] [$HOME]; env | wc -l", .log = "[environment] [/]\n"},
    {.name = "stdin", .script = "cat; echo read", .log = "Z read\n"},
    {.name = "umask", .script = "umask", .log = "0077"},
    {.name = "soft_files", .script = "ulimit -Sn; ulimit -c", .log = "Z 1024\n"},
    {.name = "signals",
     .script = "grep SigBlk /proc/self/status; grep SigIgn /proc/self/status",
     .log = "SigBlk:\t0000000000000000\n"},
    {.name = "signals_ignored",
     .script = "grep SigIgn /proc/self/status",
     .log = "SigIgn:\t0000000000000000\n"},
    {.name = "descriptors", .script = "ls /proc/self/fd | tr '\\n' ' '", .log = "0 1 2 3 60 "},
    {.name = "session",
     .script = "set -- $(cat /proc/$$/stat); [ $5 = $$ ] && [ $6 = $$ ] && echo own",
     .log = "Z own\n"},
    {.name = "large_output", .script = "seq 200000", .log = "Z 200000\n", .not_log = "left out"},
    {.name = "timeout",
     .script = "sleep 100",
     .timeout_ms = 50,
     .exit_code = -1,
     .signal = 15,
     .killed = KILLED_TIMEOUT,
     .log = "[leat] timeout: TERM sent\n"},
    {.name = "timeout_polite",
     .script = "trap 'echo bye; exit 4' TERM; " READY "while :; do sleep 0.01; done",
     .timeout_ms = 100,
     .exit_code = 4,
     .killed = KILLED_TIMEOUT,
     .log = "Z bye\n"},
    {.name = "ignored_term",
     .script = "trap '' TERM; " READY "while :; do sleep 0.01; done",
     .timeout_ms = 50,
     .grace_ms = 100,
     .exit_code = -1,
     .signal = 9,
     .killed = KILLED_TIMEOUT},
    {.name = "stopped",
     .script = "kill -STOP $$",
     .timeout_ms = 50,
     .exit_code = -1,
     .signal = 15,
     .killed = KILLED_TIMEOUT},
    {.name = "cancel",
     .script = READY "sleep 100",
     .cancel = true,
     .exit_code = -1,
     .signal = 15,
     .killed = KILLED_CANCEL,
     .log = "[leat] cancelled: TERM sent\n"},
    {.name = "cancel_now",
     .script = "trap '' TERM; " READY "while :; do sleep 0.01; done",
     .cancel = true,
     .kill_now = true,
     .exit_code = -1,
     .signal = 9,
     .killed = KILLED_CANCEL},
    {.name = "cancel_tree",
     .script = "setsid sh -c 'trap \"echo child got it; exit\" TERM; echo ready; while :; do sleep 0.01; "
               "done' & wait",
     .cancel = true,
     .exit_code = -1,
     .signal = 15,
     .killed = KILLED_CANCEL,
     .log = "child got it"},
    {.name = "finishing_touch", .script = "(sleep 0.05; echo last words) & exit 0", .log = "Z last words\n"},
    {.name = "holds_pipe",
     .script = "sleep 1000 & echo $! > pid_holds_pipe; exit 5",
     .exit_code = 5,
     .escaped = 1,
     .log = "1 process was still running"},
    {.name = "daemon",
     .script = "(setsid sleep 1000 >/dev/null 2>&1 & echo $! > pid_daemon); echo done",
     .escaped = 1,
     .log = "Z done\n"},
    {.name = "timeout_tree",
     .timeout_ms = 100,
     .grace_ms = 100,
     .exit_code = -1,
     .signal = 9,
     .killed = KILLED_TIMEOUT,
     .escaped = 1,
     .script = "rm -f pid_timeout_tree; trap '' TERM; (setsid sh -c 'trap \"\" TERM; echo $$ > "
               "pid_timeout_tree; exec >/dev/null 2>&1; while :; do sleep 0.01; done' &) ; "
               "while [ ! -s pid_timeout_tree ]; do sleep 0.01; done; " READY "while :; do sleep 0.01; done"},
    {.name = "file_limit", .script = "ulimit -f", .log = "unlimited"},
};

static void start_case(struct fixture *f, const struct run_case *c, int64_t times) {
    fixture_start_shell(f, c->name, c->script,
                        (struct job_spec){.cwd = f->state,
                                          .timeout = times * c->timeout_ms * US_PER_MS,
                                          .grace = c->grace_ms * US_PER_MS});
    if (!c->cancel) return;
    WAIT_UNTIL(fixture_log_has(f, c->name, "ready\n"));
    struct err err = {0};
    assert_int_equal(warden_cancel(f->w, c->name, c->kill_now, &err), 0);
    fixture_flush(f);
}

static void check_left(struct fixture *f, const struct run_case *c) {
    char name[64], path[160];
    snprintf(name, sizeof name, "pid_%s", c->name);
    snprintf(path, sizeof path, "%s/%s", f->state, name);
    if (fs_exists(path) && !process_gone(fixture_pid_file(f, name)))
        fail_msg("%s: a process is left", c->name);
}

/* A timeout that comes before the script's traps are set says nothing about them. */
static bool is_void(const struct fixture *f, const struct run_case *c) {
    return c->timeout_ms && strstr(c->script, READY) && !fixture_log_has(f, c->name, "ready\n");
}

/* A void one again, with twice the time. */
static struct job_exit run_case(struct fixture *f, const struct run_case *c) {
    char log[256];
    fixture_log_path(f, c->name, log);
    for (int64_t times = 1;; times *= 2) {
        start_case(f, c, times);
        struct job_exit e = fixture_exit(f, c->name);
        if (!is_void(f, c) || times * c->timeout_ms * US_PER_MS > PATIENCE) return e;
        unlink(log);
    }
}

static void check_case(struct fixture *f, const struct run_case *c) {
    struct job_exit e = run_case(f, c);
    char *log = fixture_log(f, c->name);
    if (!e.started || e.exit_code != c->exit_code || e.signal != c->signal || e.killed != c->killed ||
        e.escaped < c->escaped || (!c->escaped && e.escaped))
        fail_msg("%s: started %d (%s %d) code %d signal %d killed %d escaped %d; log:\n%s", c->name,
                 e.started, e.stage, e.error, e.exit_code, e.signal, (int)e.killed, e.escaped, log);
    if (c->log && !strstr(log, c->log)) fail_msg("%s: log lacks [%s]:\n%s", c->name, c->log, log);
    if (c->not_log && strstr(log, c->not_log)) fail_msg("%s: log has [%s]:\n%s", c->name, c->not_log, log);
    assert_int_equal(e.log_bytes, strlen(log));
    assert_true(e.started_at > 0 && e.ended_at >= e.started_at);
    check_left(f, c);
    free(log);
}

static void processes_end_as_they_should(void **state) {
    for (size_t i = 0; i < sizeof run_cases / sizeof *run_cases; i++) check_case(*state, &run_cases[i]);
}

/* No session, no environment, no tree lock: only a cgroup can tell whose it is; and this one leaves its
 * cgroup too where it is allowed to. Then nobody knows, and it must live. */
static const char stranger[] =
    "(env -i setsid bash -c 'exec 60>&- >/dev/null 2>&1; echo $$ > /sys/fs/cgroup/cgroup.procs; "
    "echo $$ > /sys/fs/cgroup/unified/cgroup.procs; echo $$ > pid_stranger; exec sleep 1000' &); "
    "while [ ! -s pid_stranger ]; do sleep 0.01; done";

static void a_process_of_nobody_is_reported_not_killed(void **state) {
    struct fixture *f = *state;
    char path[128];
    fixture_start_shell(f, "stranger", stranger, (struct job_spec){.cwd = f->state});
    struct job_exit e = fixture_exit(f, "stranger");
    assert_int_equal(e.exit_code, 0);
    pid_t pid = fixture_pid_file(f, "pid_stranger");
    if (e.escaped) {
        snprintf(path, sizeof path, "%s/warden.cgroup", f->state);
        assert_true(fs_exists(path) && process_gone(pid));
        return;
    }
    assert_false(process_gone(pid));
    kill(pid, SIGKILL);
    snprintf(path, sizeof path, "%s/warden.log", f->state);
    char *log = fs_read(path, 65536, NULL, NULL), line[64];
    snprintf(line, sizeof line, "process %d escaped from an unknown job; left alone\n", (int)pid);
    assert_non_null(strstr(log, line));
    free(log);
}

/* ---- starts that fail ---- */

struct fail_case {
    const char *name, *program, *cwd, *stage;
    int error;
};

static const struct fail_case fail_cases[] = {
    {"no_file", "/no/such/program", "/", "exec", ENOENT},
    {"not_in_path", "no-such-program-anywhere", "/", "exec", ENOENT},
    {"empty_name", "", "/", "exec", ENOENT},
    {"no_permission", "/etc/passwd", "/", "exec", EACCES},
    {"a_folder", "/tmp", "/", "exec", EACCES},
    {"no_cwd", "/bin/true", "/no/such/folder", "chdir", ENOENT},
    {"cwd_is_file", "/bin/true", "/etc/passwd", "chdir", ENOTDIR},
    {"relative_cwd", "/bin/true", "tmp", "spec", EINVAL},
};

static void failed_starts_name_stage_and_errno(void **state) {
    for (size_t i = 0; i < sizeof fail_cases / sizeof *fail_cases; i++) {
        const struct fail_case *c = &fail_cases[i];
        const char *const argv[] = {c->program, NULL};
        fixture_start(*state, c->name, (struct job_spec){.argv = argv, .cwd = c->cwd});
        struct job_exit e = fixture_exit(*state, c->name);
        if (e.started || strcmp(e.stage, c->stage) != 0 || e.error != c->error)
            fail_msg("%s: started %d, %s: %s", c->name, e.started, e.stage, strerror(e.error));
        assert_int_equal(e.exit_code, -1);
    }
    assert_true(
        fixture_log_has(*state, "no_file", "[leat] could not start: exec: No such file or directory\n"));
}

static void a_log_that_cannot_be_is_a_failed_start(void **state) {
    const char *const argv[] = {"/bin/true", NULL};
    fixture_start(*state, "log", (struct job_spec){.argv = argv, .log_path = "/proc/no/such.log"});
    struct job_exit e = fixture_exit(*state, "log");
    assert_string_equal(e.stage, "log");
    assert_int_equal(e.error, ENOENT);
}

static void too_long_an_argument_is_e2big(void **state) {
    char *long_one = malloc(200001);
    memset(long_one, 'x', 200000);
    long_one[200000] = '\0';
    const char *const argv[] = {"/bin/true", long_one, NULL};
    fixture_start(*state, "e2big", (struct job_spec){.argv = argv});
    struct job_exit e = fixture_exit(*state, "e2big");
    assert_string_equal(e.stage, "exec");
    assert_int_equal(e.error, E2BIG);
    free(long_one);
}

/* 2 MB of arguments do not fit a datagram, but they fit an exec (with a stack limit that allows it: a quarter
 * of 8 MiB), so they must arrive whole. */
static void two_megabytes_of_arguments_arrive(void **state) {
    enum { PIECES = 18, PIECE = 100000 };
    const char *argv[PIECES + 5] = {"/bin/sh", "-c", "echo $# $(printf %s \"$@\" | wc -c)", "sh"};
    char *piece = malloc(PIECE + 1);
    memset(piece, 'y', PIECE);
    piece[PIECE] = '\0';
    for (int i = 0; i < PIECES; i++) argv[4 + i] = piece;
    fixture_start(*state, "big", (struct job_spec){.argv = argv});
    assert_int_equal(fixture_exit(*state, "big").exit_code, 0);
    assert_true(fixture_log_has(*state, "big", "Z 18 1800000\n"));
    free(piece);
}

/* ---- output ---- */

static void long_output_is_capped(void **state) {
    fixture_start_shell(*state, "cap", "seq 300000",
                        (struct job_spec){.log_head_bytes = 10000, .log_tail_bytes = 10000});
    struct job_exit e = fixture_exit(*state, "cap");
    assert_true(e.log_bytes < 21000 && e.dropped_bytes > 1000000);
    assert_true(fixture_log_has(*state, "cap", "Z 1\n") && fixture_log_has(*state, "cap", "Z 300000\n"));
    assert_true(fixture_log_has(*state, "cap", "bytes of output left out here"));
}

static void binary_output_is_kept(void **state) {
    fixture_start_shell(*state, "binary", "printf '\\000\\001\\377\\376binary\\000'", (struct job_spec){0});
    assert_int_equal(fixture_exit(*state, "binary").log_bytes, LOG_STAMP + 11);
}

/* The secret arrives in two writes, so in two reads. */
static void secrets_are_masked(void **state) {
    const char *const masks[] = {"hunter2!", NULL};
    fixture_start_shell(*state, "mask",
                        "printf 'is hunt'; sleep 0.05; printf 'er2!\\n'; printf hunter2! | base64",
                        (struct job_spec){.masks = masks});
    fixture_exit(*state, "mask");
    assert_true(fixture_log_has(*state, "mask", "Z is ***\n"));
    assert_false(fixture_log_has(*state, "mask", "hunter2"));
    assert_false(fixture_log_has(*state, "mask", "aHVudGVyMi"));
}

static void a_full_log_disk_does_not_stop_a_step(void **state) {
    fixture_start_shell(*state, "full", "seq 100000; exit 6", (struct job_spec){.log_path = "/dev/full"});
    struct job_exit e = fixture_exit(*state, "full");
    assert_int_equal(e.exit_code, 6);
    assert_int_equal(e.log_bytes, 0);
    assert_true(e.dropped_bytes > 588895);
}

/* ---- limits ---- */

static void limits_reach_the_step(void **state) {
    struct job_limits l = {.cpu_seconds = 5, .open_files = 77, .file_bytes = 1 << 20};
    fixture_start_shell(*state, "limits", "ulimit -t; ulimit -n; ulimit -f", (struct job_spec){.limits = l});
    fixture_exit(*state, "limits");
    char *log = fixture_log(*state, "limits");
    assert_true(strstr(log, "Z 5\n") && strstr(log, "Z 77\n") &&
                (strstr(log, "Z 2048\n") || strstr(log, "Z 1024\n")));
    free(log);
}

static void a_cpu_limit_ends_the_step(void **state) {
    fixture_start_shell(*state, "cpu", "while :; do :; done",
                        (struct job_spec){.limits = {.cpu_seconds = 1}});
    struct job_exit e = fixture_exit(*state, "cpu");
    assert_int_equal(e.signal, SIGXCPU);
    assert_true(e.user_cpu + e.system_cpu > 500 * US_PER_MS);
}

/* Without a memory controller the limit is on the address space: the program itself reports it. */
static void a_memory_limit_is_felt(void **state) {
    fixture_start_shell(*state, "memory",
                        "head -c 200000000 /dev/zero | tail -c 1 > /dev/null; x=$(head -c 50000000 /dev/zero "
                        "| tr '\\0' x); echo alive",
                        (struct job_spec){.limits = {.memory_bytes = 20 << 20}});
    struct job_exit e = fixture_exit(*state, "memory");
    assert_true(e.exit_code != 0 || e.killed == KILLED_MEMORY);
    assert_false(fixture_log_has(*state, "memory", "alive"));
}

static void usage_is_reported(void **state) {
    fixture_start_shell(*state, "usage", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done",
                        (struct job_spec){0});
    struct job_exit e = fixture_exit(*state, "usage");
    assert_true(e.user_cpu > 0 && e.max_rss_bytes > 100000 && e.max_rss_bytes < (1 << 30));
}

static void start_as(struct fixture *f, const char *id, uid_t uid, gid_t gid) {
    char log[256];
    struct err err = {0};
    const char *const argv[] = {"sh", "-c", "echo $(id -u) $(id -g) $(id -G)", NULL};
    fixture_log_path(f, id, log);
    struct job_spec spec = {
        .id = id, .argv = argv, .env = plain_env, .cwd = "/", .log_path = log, .uid = uid, .gid = gid};
    if (warden_start(f->w, &spec, &err) < 0 || warden_flush(f->w, &err) < 0) fail_msg("%s", err.msg);
}

static void a_step_may_run_as_another_user(void **state) {
    bool root = geteuid() == 0;
    start_as(*state, "user", 65534, 65533);
    struct job_exit e = fixture_exit(*state, "user");
    if (root)
        assert_true(fixture_log_has(*state, "user", "Z 65534 65533 65533\n"));
    else
        assert_string_equal(e.stage, "user");
    assert_int_equal(e.error, root ? 0 : EPERM);
}

/* ---- descriptors ---- */

/* A warden that may open few files: starts fail with EMFILE, and work again when there is room. */
static void no_descriptors_is_a_failed_start(void **state) {
    struct fixture *f = *state;
    struct err err = {0};
    char command[256];
    snprintf(command, sizeof command, "ulimit -n 40; exec %s --idle 90 --state %s", PROGRAM, f->state);
    assert_int_equal(system(command), 0);
    f->w = NULL;
    WAIT_UNTIL((f->w = warden_find(f->state, &err)) != NULL);
    char id[16];
    int failed = 0;
    for (int i = 0; i < 30; i++) {
        snprintf(id, sizeof id, "f%d", i);
        fixture_start_shell(f, id, "sleep 1000", (struct job_spec){0});
        struct warden_event e;
        do e = fixture_next(f);
        while (strcmp(e.id, id) != 0);
        if (e.kind != WARDEN_EXIT) continue;
        assert_int_equal(e.exit.error, EMFILE);
        assert_false(e.exit.started);
        failed++;
    }
    assert_in_range(failed, 5, 28);
    for (int i = 0; i < 30; i++) {
        snprintf(id, sizeof id, "f%d", i);
        warden_cancel(f->w, id, true, &err);
        warden_ack(f->w, id, &err);
    }
    fixture_flush(f);
    for (int left = 30 - failed; left > 0; left--) fixture_await(f, WARDEN_EXIT, NULL);
    fixture_start_shell(f, "again", "exit 9", (struct job_spec){0});
    assert_int_equal(fixture_exit(f, "again").exit_code, 9);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_open_connected, fixture_close)
    const struct CMUnitTest tests[] = {
        T(processes_end_as_they_should),
        T(a_process_of_nobody_is_reported_not_killed),
        T(failed_starts_name_stage_and_errno),
        T(a_log_that_cannot_be_is_a_failed_start),
        T(too_long_an_argument_is_e2big),
        T(two_megabytes_of_arguments_arrive),
        T(long_output_is_capped),
        T(binary_output_is_kept),
        T(secrets_are_masked),
        T(a_full_log_disk_does_not_stop_a_step),
        T(limits_reach_the_step),
        T(a_cpu_limit_ends_the_step),
        T(a_memory_limit_is_felt),
        T(usage_is_reported),
        T(a_step_may_run_as_another_user),
        cmocka_unit_test_setup_teardown(no_descriptors_is_a_failed_start, fixture_open, fixture_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
