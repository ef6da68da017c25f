/* Many short processes: every exit is told exactly once, and nothing piles up in the warden. */
#include "warden_fixture.h"

#include <dirent.h>

/* The AddressSanitizer keeps freed memory, 256 MiB of it, with a shadow of an eighth; no other build may
 * grow. */
#ifdef __SANITIZE_ADDRESS__
#define GROWTH_KB ((256 << 10) + (32 << 10))
#else
#define GROWTH_KB 4096
#endif

enum { JOBS = 10000, WIDTH = 32 };

static int count_entries(const char *path) {
    DIR *d = opendir(path);
    int n = 0;
    if (!d) return -1;
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

static int open_files(pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    return count_entries(path);
}

static char *children_of(pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    return fs_read(path, 1 << 20, NULL, NULL);
}

static long resident_kb(pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    char *s = fs_read(path, 65536, NULL, NULL);
    const char *at = s ? strstr(s, "VmRSS:") : NULL;
    long kb = at ? strtol(at + 6, NULL, 10) : -1;
    free(s);
    return kb;
}

struct storm {
    struct fixture *f;
    int started, ended;
    unsigned char told[JOBS];
};

/* All logs go to few files: the storm is about processes, not about folders. */
static void start_next(struct storm *s) {
    char id[32], log[128];
    const char *const argv[] = {"/bin/true", NULL};
    struct err err = {0};
    snprintf(id, sizeof id, "job-%d", s->started);
    snprintf(log, sizeof log, "%s/log/%d.log", s->f->state, s->started % 100);
    struct job_spec spec = {.id = id,
                            .argv = argv,
                            .env = plain_env,
                            .cwd = "/",
                            .log_path = log,
                            .uid = (uid_t)-1,
                            .gid = (gid_t)-1};
    if (warden_start(s->f->w, &spec, &err) < 0) fail_msg("%s", err.msg);
    s->started++;
}

static void take_exit(struct storm *s, const struct job_exit *e) {
    struct err err = {0};
    int n = atoi(e->id + 4);
    if (!e->started || e->exit_code != 0)
        fail_msg("%s: %s %s, code %d", e->id, e->stage, strerror(e->error), e->exit_code);
    s->told[n]++;
    s->ended++;
    warden_ack(s->f->w, e->id, &err);
}

static void run_jobs(struct storm *s, int jobs) {
    while (s->ended < jobs) {
        while (s->started < jobs && s->started - s->ended < WIDTH) start_next(s);
        fixture_flush(s->f);
        struct warden_event e = fixture_next(s->f);
        if (e.kind == WARDEN_EXIT) take_exit(s, &e.exit);
    }
    fixture_flush(s->f);
}

static void ten_thousand_quick_exits(void **state) {
    struct storm s = {.f = *state};
    pid_t pid = fixture_warden_pid(s.f);
    run_jobs(&s, JOBS / 10);
    int files = open_files(pid);
    long resident = resident_kb(pid);
    run_jobs(&s, JOBS);
    for (int i = 0; i < JOBS; i++) assert_int_equal(s.told[i], 1);
    assert_true(open_files(pid) <= files + 2);
    assert_true(resident_kb(pid) < resident + GROWTH_KB);
    char *children = children_of(pid);
    assert_string_equal(children ? children : "", "");
    free(children);
}

/* The conductor reads nothing while they end: answers wait in the warden, none is lost. */
static void a_slow_reader_gets_everything(void **state) {
    struct storm s = {.f = *state};
    while (s.started < 2000) start_next(&s);
    fixture_flush(s.f);
    run_jobs(&s, 2000);
    for (int i = 0; i < 2000; i++) assert_int_equal(s.told[i], 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ten_thousand_quick_exits, fixture_open_connected, fixture_close),
        cmocka_unit_test_setup_teardown(a_slow_reader_gets_everything, fixture_open_connected, fixture_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
