/* The warden's own life: connections that come and go, deaths on both sides, what is kept. */
#include "warden_fixture.h"

#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void disconnect(struct fixture *f) {
    warden_close(f->w);
    f->w = NULL;
}

static void kill_warden(struct fixture *f) {
    pid_t pid = fixture_warden_pid(f);
    kill(pid, SIGKILL);
    fixture_wait_gone(f);
}

static void one_warden_serves_two_connections_in_turn(void **state) {
    struct fixture *f = *state;
    assert_true(f->fresh);
    pid_t pid = fixture_warden_pid(f);
    fixture_start_shell(f, "a", "sleep 1000", (struct job_spec){0});
    pid_t job = fixture_await(f, WARDEN_STARTED, "a").pid;
    disconnect(f);
    fixture_connect(f);
    assert_false(f->fresh);
    assert_int_equal(fixture_warden_pid(f), pid);
    struct err err = {0};
    warden_list(f->w, &err);
    fixture_flush(f);
    assert_int_equal(fixture_await(f, WARDEN_JOB, "a").pid, job);
    fixture_await(f, WARDEN_LISTED, NULL);
    warden_cancel(f->w, "a", true, &err);
    fixture_flush(f);
    assert_int_equal(fixture_exit(f, "a").killed, KILLED_CANCEL);
}

static void a_second_conductor_is_refused(void **state) {
    struct fixture *f = *state;
    struct err err = {0};
    bool fresh;
    assert_null(warden_connect(f->state, PROGRAM, &fresh, &err));
    assert_int_equal(err.exit, EX_CONFLICT);
    char pid[64];
    snprintf(pid, sizeof pid, "already serves the conductor with pid %d", (int)getpid());
    assert_non_null(strstr(err.msg, pid));
}

static void find_starts_nothing(void **state) {
    struct fixture *f = *state;
    struct err err = {0};
    assert_null(warden_find(f->state, &err));
    assert_string_equal(err.msg, "");
    assert_false(fixture_lock_held(f));
    assert_null(warden_find("/no/such/state", &err));
    assert_non_null(strstr(err.msg, "/no/such/state"));
}

static void a_missing_program_is_named(void **state) {
    struct fixture *f = *state;
    struct err err = {0};
    bool fresh;
    assert_null(warden_connect(f->state, "/no/such/leat-warden", &fresh, &err));
    if (!strstr(err.msg, "/no/such/leat-warden")) fail_msg("%s", err.msg);
}

/* The path of a project may be longer than an address of a socket can be. */
static void long_state_paths_work(void **state) {
    struct fixture *f = *state;
    struct err err = {0};
    char path[400];
    int n = snprintf(path, sizeof path, "%s/", f->state);
    memset(path + n, 'p', 200);
    path[n + 200] = '\0';
    assert_int_equal(fs_mkdirs(path, 0700, &err), 0);
    bool fresh;
    struct warden *w = warden_connect(path, PROGRAM, &fresh, &err);
    if (!w) fail_msg("%s", err.msg);
    struct stat st;
    strcat(path, "/warden.sock");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    warden_close(w);
    path[n + 200] = '\0';
    memcpy(f->state + n - 1, "", 1);
    char lock[420];
    snprintf(lock, sizeof lock, "%s/warden.sock", path);
    WAIT_UNTIL(!fs_exists(lock));
}

/* ---- exit records ---- */

/* Between two connections the test may be slower than an idle warden is patient. */
static void keep_busy(struct fixture *f) {
    fixture_start_shell(f, "busy", "sleep 1000", (struct job_spec){0});
}

static void records_come_again_until_acknowledged(void **state) {
    struct fixture *f = *state;
    keep_busy(f);
    fixture_start_shell(f, "a", "exit 3", (struct job_spec){0});
    fixture_start_shell(f, "b", "exit 4", (struct job_spec){0});
    fixture_await(f, WARDEN_EXIT, NULL);
    fixture_await(f, WARDEN_EXIT, NULL);
    for (int i = 0; i < 3; i++) {
        disconnect(f);
        fixture_connect(f);
        assert_false(f->fresh);
        assert_int_equal(fixture_await(f, WARDEN_EXIT, NULL).kind, WARDEN_EXIT);
        fixture_await(f, WARDEN_EXIT, NULL);
    }
    fixture_ack(f, "a");
    disconnect(f);
    fixture_connect(f);
    struct job_exit left = fixture_await(f, WARDEN_EXIT, NULL).exit; /* "a" is not told again */
    assert_string_equal(left.id, "b");
    assert_int_equal(left.exit_code, 4);
    fixture_ack(f, "b");
    struct err err = {0};
    warden_list(f->w, &err);
    fixture_flush(f);
    assert_string_equal(fixture_next(f).id, "busy");
    assert_int_equal(fixture_next(f).kind, WARDEN_LISTED);
}

/* A conductor that does not know whether its start arrived may repeat it. */
static void a_repeated_start_is_answered_not_obeyed(void **state) {
    struct fixture *f = *state;
    const char *script = "echo x >> count; while [ ! -e end ]; do sleep 0.01; done";
    char path[96];
    for (int i = 0; i < 2; i++) {
        fixture_start_shell(f, "a", script, (struct job_spec){.cwd = f->state});
        fixture_await(f, WARDEN_STARTED, "a");
    }
    snprintf(path, sizeof path, "%s/end", f->state);
    assert_int_equal(fs_replace(path, "", 0, 0600, NULL), 0);
    fixture_await(f, WARDEN_EXIT, "a");
    fixture_start_shell(f, "a", script, (struct job_spec){.cwd = f->state});
    assert_int_equal(fixture_exit(f, "a").exit_code, 0);
    snprintf(path, sizeof path, "%s/count", f->state);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 2);
}

/* Nobody comes for the records: they go to disk, the warden ends, the next one has them. */
static void unclaimed_records_go_to_disk(void **state) {
    struct fixture *f = *state;
    char path[96];
    snprintf(path, sizeof path, "%s/warden.exits", f->state);
    fixture_start_shell(f, "a", "exit 3", (struct job_spec){0});
    fixture_await(f, WARDEN_EXIT, "a");
    fixture_start_shell(f, "b", "sleep 0.3; exit 4", (struct job_spec){0});
    fixture_await(f, WARDEN_STARTED, "b");
    disconnect(f);
    fixture_wait_gone(f);
    assert_true(fs_exists(path));
    fixture_connect(f);
    assert_true(f->fresh);
    struct job_exit first = fixture_await(f, WARDEN_EXIT, NULL).exit,
                    second = fixture_await(f, WARDEN_EXIT, NULL).exit;
    assert_int_equal(first.exit_code + second.exit_code, 7);
    assert_true(first.log_bytes == 0 && first.started);
    fixture_ack(f, "a");
    fixture_ack(f, "b");
    disconnect(f);
    fixture_wait_gone(f);
    assert_false(fs_exists(path));
}

static void damaged_records_are_set_aside(void **state) {
    struct fixture *f = *state;
    char path[96];
    snprintf(path, sizeof path, "%s/warden.exits", f->state);
    assert_int_equal(fs_replace(path, "leat-exits 1 0000000000000000\nrubbish", 37, 0600, NULL), 0);
    fixture_connect(f);
    struct err err = {0};
    warden_list(f->w, &err);
    fixture_flush(f);
    assert_int_equal(fixture_next(f).kind, WARDEN_LISTED);
    assert_false(fs_exists(path));
    strcat(path, ".bad");
    assert_true(fs_exists(path));
}

/* ---- deaths ---- */

/* A child process plays the conductor: starts a job, is killed, and another one finds the result. */
static void a_killed_conductor_loses_nothing(void **state) {
    struct fixture *f = *state;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t conductor = fork();
    if (conductor == 0) {
        fixture_connect(f);
        keep_busy(f);
        fixture_start_shell(f, "quick", "exit 5", (struct job_spec){0});
        fixture_start_shell(f, "slow", "sleep 0.3; exit 6", (struct job_spec){0});
        /* The last ones may not even have been received when the kill comes. */
        for (int i = 0; i < 20; i++) {
            char id[16];
            snprintf(id, sizeof id, "more%d", i);
            fixture_start_shell(f, id, "exit 0", (struct job_spec){0});
        }
        if (write(ready[1], "x", 1) != 1) _exit(1);
        pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    kill(conductor, SIGKILL);
    waitpid(conductor, NULL, 0);
    fixture_connect(f);
    assert_false(f->fresh);
    int codes = 0;
    for (int i = 0; i < 22; i++) {
        struct job_exit e = fixture_await(f, WARDEN_EXIT, NULL).exit;
        codes += e.exit_code;
        fixture_ack(f, e.id);
    }
    assert_int_equal(codes, 11);
    close(ready[0]), close(ready[1]);
}

/* kill -9 of the warden: the connection tells, the main process dies with it, what escaped is found and
 * killed. */
static void a_killed_warden_is_told_and_its_trees_reaped(void **state) {
    struct fixture *f = *state;
    fixture_start_shell(
        f, "a",
        "trap '' TERM; (setsid sleep 1000 & echo $! > pid_child); sleep 1000 & echo $! > pid_group; wait",
        (struct job_spec){.cwd = f->state});
    fixture_start_shell(f, "b", "(setsid sleep 1000 & echo $! > pid_other); wait; sleep 1000",
                        (struct job_spec){.cwd = f->state});
    pid_t main_pid = fixture_await(f, WARDEN_STARTED, "a").pid;
    pid_t child = fixture_pid_file(f, "pid_child"), group = fixture_pid_file(f, "pid_group"),
          other = fixture_pid_file(f, "pid_other");
    kill_warden(f);
    struct warden_event e;
    do e = fixture_next(f);
    while (e.kind != WARDEN_LOST);
    assert_false(warden_next(f->w, &e));
    WAIT_UNTIL(process_gone(main_pid));
    assert_false(process_gone(child));
    struct err err = {0};
    assert_int_equal(warden_reap_tree(f->state, "a", PATIENCE, &err), 0);
    assert_true(process_gone(child) && process_gone(group));
    assert_false(process_gone(other)); /* of another job: not touched */
    assert_int_equal(warden_reap_tree(f->state, "b", PATIENCE, &err), 0);
    assert_true(process_gone(other));
    disconnect(f);
    fixture_connect(f);
    assert_true(f->fresh);
}

/* A copied project has the rows of running attempts; the original's are not its to kill. */
static void the_same_job_of_another_folder_lives(void **state) {
    static const char script[] = "(setsid sleep 1000 & echo $! > pid_child); sleep 1000";
    struct fixture *f = *state;
    void *other = NULL;
    struct err err = {0};
    assert_int_equal(fixture_open_connected(&other), 0);
    struct fixture *const both[] = {f, other};
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        fixture_start_shell(both[i], "same", script, (struct job_spec){.cwd = both[i]->state});
        fixture_await(both[i], WARDEN_STARTED, "same");
        children[i] = fixture_pid_file(both[i], "pid_child");
    }
    kill_warden(f);
    assert_int_equal(warden_reap_tree(f->state, "same", PATIENCE, &err), 0);
    assert_true(process_gone(children[0]));
    assert_false(process_gone(children[1]));
    warden_cancel(both[1]->w, "same", true, &err);
    fixture_flush(both[1]);
    assert_int_equal(fixture_exit(both[1], "same").killed, KILLED_CANCEL);
    assert_int_equal(fixture_close(&other), 0);
}

/* Its control group is the next one's, who must not be born into one that was killed. */
static void reaping_what_has_ended_harms_nobody(void **state) {
    struct fixture *f = *state;
    struct err err = {0};
    for (int i = 0; i < 8; i++) {
        char ended[8], next[8];
        snprintf(ended, sizeof ended, "a%d", i);
        snprintf(next, sizeof next, "b%d", i);
        fixture_start_shell(f, ended, "true", (struct job_spec){0});
        assert_int_equal(fixture_exit(f, ended).exit_code, 0);
        assert_int_equal(warden_reap_tree(f->state, ended, PATIENCE, &err), 0);
        fixture_start_shell(f, next, "exit 7", (struct job_spec){0});
        assert_int_equal(fixture_exit(f, next).exit_code, 7);
    }
}

static void reaping_nothing_is_quick(void **state) {
    struct fixture *f = *state;
    struct err err = {0};
    duration_t from = fixture_now();
    assert_int_equal(warden_reap_tree(f->state, "nothing.m", PATIENCE, &err), 0);
    assert_true(fixture_now() - from < PATIENCE / 2);
}

/* SIGTERM: jobs are stopped as a cancel would, their records kept for the next warden. */
static void asked_to_end_the_warden_stops_its_jobs(void **state) {
    struct fixture *f = *state;
    fixture_start_shell(f, "a", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done",
                        (struct job_spec){0});
    WAIT_UNTIL(fixture_log_has(f, "a", "ready"));
    kill(fixture_warden_pid(f), SIGTERM);
    struct job_exit e = fixture_await(f, WARDEN_EXIT, "a").exit;
    assert_int_equal(e.exit_code, 9);
    assert_int_equal(e.killed, KILLED_CANCEL);
    assert_int_equal(fixture_next(f).kind, WARDEN_LOST);
    disconnect(f);
    fixture_connect(f);
    assert_true(f->fresh);
    assert_int_equal(fixture_exit(f, "a").exit_code, 9);
}

static void other_signals_leave_the_warden_alone(void **state) {
    struct fixture *f = *state;
    static const int signals[] = {SIGHUP, SIGINT, SIGPIPE, SIGUSR1, SIGQUIT, SIGXFSZ};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) kill(fixture_warden_pid(f), signals[i]);
    fixture_start_shell(f, "a", "exit 2", (struct job_spec){0});
    assert_int_equal(fixture_exit(f, "a").exit_code, 2);
}

/* ---- two wardens ---- */

static int run_foreground(const struct fixture *f) {
    char command[256];
    snprintf(command, sizeof command, "%s --state %s --foreground --idle 0.1 2>%s/said", PROGRAM, f->state,
             f->state);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_second_warden_is_refused_by_the_lock(void **state) {
    struct fixture *f = *state;
    assert_int_equal(run_foreground(f), EX_ENVIRONMENT);
    fixture_start_shell(f, "a", "exit 2", (struct job_spec){0});
    assert_int_equal(fixture_exit(f, "a").exit_code, 2);
}

/* Also what a sanitizer build uses to report a leak of the whole program. */
static void unused_it_ends_by_itself_and_clean(void **state) {
    struct fixture *f = *state;
    assert_int_equal(run_foreground(f), 0);
}

static void used_it_ends_clean(void **state) {
    struct fixture *f = *state;
    const char *program = PROGRAM;
    const char *argv[] = {program, "--state", f->state, "--foreground", "--idle", "1", NULL};
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, PROGRAM, NULL, NULL, (char *const *)(uintptr_t)argv, NULL), 0);
    WAIT_UNTIL(fixture_lock_held(f));
    fixture_connect(f);
    const char *const masks[] = {"hunter2!", NULL};
    fixture_start_shell(f, "a", "seq 100000; echo hunter2!; (sleep 100 &)",
                        (struct job_spec){.masks = masks});
    fixture_start_shell(f, "b", "exit 1", (struct job_spec){.cwd = "/no/where"});
    fixture_start_shell(f, "c", "exit 1", (struct job_spec){0}); /* its record stays */
    fixture_exit(f, "a");
    fixture_ack(f, "b");
    disconnect(f);
    int status = -1;
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Refused for as long as another one is served, which may be long on a busy machine; nothing else may
 * happen. */
static bool connects(const struct fixture *f) {
    duration_t until = fixture_now() + PATIENCE;
    struct warden *w;
    struct err err;
    do {
        bool fresh;
        err = (struct err){0};
        w = warden_connect(f->state, PROGRAM, &fresh, &err);
    } while (!w && err.exit == EX_CONFLICT && fixture_now() < until);
    if (!w) print_error("%s\n", err.msg);
    warden_close(w);
    return w;
}

static void many_conductors_race_for_one_warden(void **state) {
    enum { RACERS = 8 };
    pid_t pids[RACERS];
    for (int i = 0; i < RACERS; i++)
        if ((pids[i] = fork()) == 0) _exit(connects(*state) ? 0 : 1);
    for (int i = 0; i < RACERS; i++) {
        int status;
        waitpid(pids[i], &status, 0);
        assert_int_equal(status, 0);
    }
}

int main(void) {
#define CONNECTED(f) cmocka_unit_test_setup_teardown(f, fixture_open_connected, fixture_close)
#define ALONE(f)     cmocka_unit_test_setup_teardown(f, fixture_open, fixture_close)
    const struct CMUnitTest tests[] = {
        CONNECTED(one_warden_serves_two_connections_in_turn),
        CONNECTED(a_second_conductor_is_refused),
        ALONE(find_starts_nothing),
        ALONE(a_missing_program_is_named),
        ALONE(long_state_paths_work),
        CONNECTED(records_come_again_until_acknowledged),
        CONNECTED(a_repeated_start_is_answered_not_obeyed),
        CONNECTED(unclaimed_records_go_to_disk),
        ALONE(damaged_records_are_set_aside),
        ALONE(a_killed_conductor_loses_nothing),
        CONNECTED(a_killed_warden_is_told_and_its_trees_reaped),
        CONNECTED(the_same_job_of_another_folder_lives),
        CONNECTED(reaping_what_has_ended_harms_nobody),
        ALONE(reaping_nothing_is_quick),
        CONNECTED(asked_to_end_the_warden_stops_its_jobs),
        CONNECTED(other_signals_leave_the_warden_alone),
        CONNECTED(a_second_warden_is_refused_by_the_lock),
        ALONE(unused_it_ends_by_itself_and_clean),
        ALONE(used_it_ends_clean),
        ALONE(many_conductors_race_for_one_warden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
