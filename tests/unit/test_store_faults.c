/* Every call that can fail, fails: full disk, broken disk, failed sync, no memory; once and for good.
 * Afterwards the invariants hold, what was acknowledged is there, and the story can be told to its end. */
#include "tests/unit/store_fixture.h"
#include "tests/unit/store_vfs.h"

enum { CHAPTERS = 2 };

/* A state folder to copy, so that each of the many tries begins the same. */
static char template_db[128];

static void copy_file(const char *from, const char *to) {
    struct err err = {0};
    size_t n;
    char *bytes = fs_read(from, 64 << 20, &n, &err);
    FILE *f = bytes ? fopen(to, "wb") : NULL;
    if (!f || fwrite(bytes, 1, n, f) != n) fail_msg("cannot copy %s: %s", from, err.msg);
    fclose(f);
    free(bytes);
}

static void begin_again(struct fx *f) {
    struct err err;
    fx_folder_in(f, "/dev/shm");
    assert_ok(fs_mkdirs(f->state, 0700, &err));
    copy_file(template_db, fx_path(f, "leat.db"));
}

static const struct store_options faulty = {.vfs = "shim", .ballast_bytes = -1};

static int published(struct store *s, int64_t *versions, struct err *err) {
    struct arena *a = arena_new();
    struct dataset_row d = {.head = -1};
    int r = store_dataset_find(s, "raw.orders", a, &d, err);
    *versions = d.head + 1;
    arena_free(a);
    return r < 0 ? -1 : 0;
}

/* Tells the story from where it stands; *told counts acknowledged chapters. */
static int tell(struct story *t, int64_t *told, struct err *err) {
    struct chapter c = {0};
    if (story_begin(t, err) || story_recover(t, err) || published(t->s, &c.n, err)) return -1;
    for (; c.n < CHAPTERS; c.n++) {
        if (story_chapter(t, &c, err)) return -1;
        *told = c.n + 1;
        if (store_tend(t->s, c.n % 2, err)) return -1;
    }
    return 0;
}

struct fault {
    const char *name;
    int code;
    bool sticky, syncs, memory;
    const char *reason;
};

static void expect_reason(const struct fault *f, int64_t at, const struct err *err) {
    if (strcmp(err->reason, f->reason) == 0) return;
    fail_msg("%s at call %lld: reason %s, %s", f->name, (long long)at, err->reason, err->msg);
}

static void expect_whole(const struct fault *f, int64_t at, struct store *s, int64_t acknowledged) {
    int64_t versions = 0;
    const char *broken = story_broken(s, &versions);
    if (broken) fail_msg("%s at call %lld: %s", f->name, (long long)at, broken);
    if (versions < acknowledged)
        fail_msg("%s at call %lld: %lld of %lld commits lost", f->name, (long long)at,
                 (long long)(acknowledged - versions), (long long)acknowledged);
}

/* A disk that is full for a while: the same store goes on once there is space. */
static void carry_on(const struct fault *f, int64_t at, struct story *t, int64_t *told) {
    struct err err = {0};
    store_rollback(t->s);
    expect_whole(f, at, t->s, *told);
    if (tell(t, told, &err)) fail_msg("%s at call %lld: cannot go on: %s", f->name, (long long)at, err.msg);
}

/* One try: true when the fault came up. */
static bool try_fault(const struct fault *f, int64_t at, void (*arm)(const struct fault *, int64_t),
                      bool (*fired)(void), void (*disarm)(void)) {
    struct fx x;
    struct err err = {0};
    int64_t told = 0;
    begin_again(&x);
    arm(f, at);
    struct story t = {.s = store_open_writer(x.state, &faulty, &err)};
    int r = t.s ? tell(&t, &told, &err) : -1;
    bool hit = fired();
    disarm();
    if (r) {
        if (!hit) fail_msg("%s: failed without a fault: %s", f->name, err.msg);
        expect_reason(f, at, &err);
        if (t.s && strcmp(err.reason, "disk_full") == 0) carry_on(f, at, &t, &told);
    }
    store_close(t.s);
    x.s = store_open_writer(x.state, &fx_options, &err);
    if (!x.s) fail_msg("%s at call %lld: cannot open again: %s", f->name, (long long)at, err.msg);
    expect_whole(f, at, x.s, told);
    t = (struct story){.s = x.s};
    if (tell(&t, &told, &err))
        fail_msg("%s at call %lld: not to the end: %s", f->name, (long long)at, err.msg);
    expect_whole(f, at, x.s, CHAPTERS);
    fx_end(&x);
    return hit;
}

static void vfs_arm(const struct fault *f, int64_t at) {
    shim.only_syncs = f->syncs;
    shim_arm(at, f->sticky, f->code);
}
static bool vfs_fired(void) { return shim.fired; }
static void vfs_disarm(void) { shim.fail_at = 0; }

static const struct fault disk_faults[] = {
    {"full once", SQLITE_FULL, false, false, false, "disk_full"},
    {"full for good", SQLITE_FULL, true, false, false, "disk_full"},
    {"write error once", SQLITE_IOERR_WRITE, false, false, false, "io_error"},
    {"write error for good", SQLITE_IOERR_WRITE, true, false, false, "io_error"},
    {"failed sync once", SQLITE_IOERR_FSYNC, false, true, false, "io_error"},
    {"failed sync for good", SQLITE_IOERR_FSYNC, true, true, false, "io_error"},
};

static void every_failing_call_of_the_disk(void **state) {
    (void)state;
    int64_t stride = getenv("LEAT_QUICK") ? 16 : 1; /* under valgrind; every call elsewhere */
    for (size_t i = 0; i < sizeof disk_faults / sizeof *disk_faults; i++) {
        int64_t at = 1;
        while (try_fault(&disk_faults[i], at, vfs_arm, vfs_fired, vfs_disarm))
            at += disk_faults[i].syncs ? 1 : stride;
        print_message("%s: %lld calls\n", disk_faults[i].name, (long long)at - 1);
        assert_true(at > 5);
    }
}

/* ---- memory ---- */

static sqlite3_mem_methods real_memory;
static int64_t allocations, fail_allocation;
static bool memory_sticky, memory_failed;

static bool memory_fails(void) {
    if (!fail_allocation) return false;
    allocations++;
    bool fails = memory_sticky ? allocations >= fail_allocation : allocations == fail_allocation;
    memory_failed |= fails;
    return fails;
}
static void *thin_malloc(int n) { return memory_fails() ? NULL : real_memory.xMalloc(n); }
static void *thin_realloc(void *p, int n) { return memory_fails() ? NULL : real_memory.xRealloc(p, n); }

static void memory_arm(const struct fault *f, int64_t at) {
    allocations = 0, fail_allocation = at, memory_sticky = f->sticky, memory_failed = false;
}
static bool memory_fired(void) { return memory_failed; }
static void memory_disarm(void) { fail_allocation = 0; }

static void thin_memory(void) {
    sqlite3_shutdown();
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
    sqlite3_mem_methods thin = real_memory;
    thin.xMalloc = thin_malloc;
    thin.xRealloc = thin_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &thin);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0); /* every allocation is one that can fail */
    sqlite3_initialize();
}

/* SQLite lives through most failed allocations; where it does not, the turn is off and nothing else. Every
 * one would take minutes: steps that grow, from the first. */
static void failing_allocations(void **state) {
    (void)state;
    static const struct fault memory[] = {{"no memory once", 0, false, false, true, "out_of_memory"},
                                          {"no memory for good", 0, true, false, true, "out_of_memory"}};
    for (size_t i = 0; i < 2; i++) {
        int64_t at = 1, tries = 0;
        while (try_fault(&memory[i], at, memory_arm, memory_fired, memory_disarm))
            at += 1 + at / (getenv("LEAT_QUICK") ? 2 : 24), tries++;
        print_message("%s: %lld tries up to allocation %lld\n", memory[i].name, (long long)tries,
                      (long long)at);
    }
}

static int make_template(void **state) {
    (void)state;
    struct fx f;
    struct err err = {0};
    thin_memory();
    shim_register();
    fx_begin(&f);
    store_close(f.s);
    snprintf(template_db, sizeof template_db, "/tmp/leat-template-%d.db", (int)getpid());
    copy_file(fx_path(&f, "leat.db"), template_db);
    arena_free(f.a);
    return fs_remove_tree(f.dir, &err);
}

static int drop_template(void **state) {
    (void)state;
    return unlink(template_db);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failing_call_of_the_disk),
        cmocka_unit_test(failing_allocations),
    };
    return cmocka_run_group_tests(tests, make_template, drop_template);
}
