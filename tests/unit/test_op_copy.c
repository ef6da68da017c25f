/* test_op_copy.c: copy steps through the real worker: globs, names, bookmarks, files that change, gzip. */
#include "workbench.h"

#include "operators/copyfile.h"
#include "operators/glob.h"

#include <sys/mount.h>

static int setup(void **state) {
    *state = lake_new("UTC");
    return 0;
}

static int teardown(void **state) {
    lake_free(*state);
    return 0;
}

#define INTO_RAW "{'dataset': 'raw.orders', 'format': 'files', 'schema': 'any'}"

/* Names of the copies in the version to come, with spaces. */
static const char *targets(struct lake *l, const struct done *d) {
    struct buf b = BUF_INIT;
    size_t i;
    json_t *file;
    json_array_foreach(json_object_get(done_output(d, 0), "files"), i, file) {
        const char *target = json_text(file, "target");
        assert_non_null(strstr(target, d->attempt.token));
        buf_addf(&b, "%s%s", i ? " " : "", strchr(target, '/') + 1);
    }
    const char *out = arena_strdup(l->arena, buf_str(&b));
    buf_release(&b);
    return out;
}

/* ---- what a pattern finds ------------------------------------------------------------------------------ */

static const struct {
    const char *from, *names;
} patterns[] = {
    {"in/a/x.csv", "x.csv"},
    {"in/*/x.csv", "a/x.csv b/x.csv"},
    {"in/*.csv", "top.csv"},
    {"in", "a/deep/z.json a/x.csv b/x.csv top.csv"},
    {"in/", "a/deep/z.json a/x.csv b/x.csv top.csv"},
    {"in/**/*.csv", "a/x.csv b/x.csv top.csv"},
    {"in/**", ""},
    {"./in/[ab]/?.csv", "a/x.csv b/x.csv"},
    {"in/.*", ".hidden"},
    {"nowhere/*.csv", ""},
    {"in/top.csv/*", ""},
    {"in/**/deep/**/*", "a/deep/z.json"},
};

static void test_patterns(void **state) {
    struct lake *l = *state;
    static const char *const names[] = {"in/a/x.csv",       "in/b/x.csv", "in/top.csv",
                                        "in/a/deep/z.json", "in/.hidden", "in/_SUCCESS"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) bench_file(l, names[i], "x");
    assert_int_equal(symlink("..", arena_printf(l->arena, "%s/in/b/loop", l->root)), 0);
    assert_int_equal(chdir(l->root), 0);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct found f;
        struct buf b = BUF_INIT;
        if (glob_find(patterns[i].from, &f, &l->err)) fail_msg("%s", l->err.msg);
        for (size_t k = 0; k < f.count; k++) buf_addf(&b, "%s%s", k ? " " : "", f.files[k].name);
        if (strcmp(buf_str(&b), patterns[i].names) != 0)
            fail_msg("%s finds: %s", patterns[i].from, buf_str(&b));
        buf_release(&b);
        found_release(&f);
    }
}

/* ---- copying ------------------------------------------------------------------------------------------- */

static void test_same_names_do_not_meet(void **state) {
    struct lake *l = *state;
    bench_file(l, "in/a/x.csv", "id\n1\n");
    bench_file(l, "in/b/x.csv", "id\n2\n");
    struct job j = {.verb = "copy", .config = "'in/*/*.csv'", .into = INTO_RAW};
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "ok");
    assert_string_equal(targets(l, &d), "a/x.csv b/x.csv");
    assert_int_equal(json_int(d.result, "bytes_read", 0), 10);
    bench_publish(l, &d);
    assert_string_equal(bench_rows(l, "raw.orders", "SELECT id FROM raw.orders ORDER BY id"), "1 2");
    done_free(&d);
}

static void test_bookmark_takes_each_once(void **state) {
    struct lake *l = *state;
    struct job j = {.verb = "copy", .config = "{'from': 'in/*.csv'}", .bookmark = "files", .into = INTO_RAW};
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "nothing_new");
    done_free(&d);
    bench_file(l, "in/1.csv", "id\n1\n");
    bench_publish_job(l, &j);
    bench_file(l, "in/2.csv", "id\n2\n");
    d = bench_run(l, &j);
    assert_string_equal(targets(l, &d), "2.csv");
    bench_publish(l, &d);
    done_free(&d);
    /* Rewritten: the new file goes in instead of the old copy. */
    bench_file(l, "in/1.csv", "id\n10\n11\n");
    bench_publish_job(l, &j);
    assert_string_equal(bench_rows(l, "raw.orders", "SELECT id FROM raw.orders ORDER BY id"), "2 10 11");
    d = bench_run(l, &j);
    assert_outcome(&d, "nothing_new");
    done_free(&d);
}

static const struct {
    const char *options, *outcome, *message;
} changes[] = {
    {"{'on_change': 'ignore'}", "nothing_new", ""},
    {"{'on_change': 'fail'}", "failed", "in/1.csv changed after it was consumed (on_change: fail)"},
    {"{'settle': 3600000000}", "nothing_new", ""},
    {"{'identity': 'hash'}", "ok", ""},
};

static void test_changed_files(void **state) {
    struct lake *l = *state;
    bench_file(l, "in/1.csv", "id\n1\n");
    bench_publish_job(
        l, &(struct job){.verb = "copy", .config = "'in/*.csv'", .bookmark = "files", .into = INTO_RAW});
    bench_file(l, "in/1.csv", "id\n2\n3\n");
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct job j = {.verb = "copy",
                        .config = "'in/*.csv'",
                        .bookmark = "files",
                        .options = changes[i].options,
                        .into = INTO_RAW};
        struct done d = bench_run(l, &j);
        assert_outcome(&d, changes[i].outcome);
        assert_string_equal(done_message(&d), changes[i].message);
        done_free(&d);
    }
}

/* Touched without a change: by content it is the same file. */
static void test_identity_by_hash(void **state) {
    struct lake *l = *state;
    struct job j = {.verb = "copy",
                    .config = "'in/*.csv'",
                    .bookmark = "files",
                    .options = "{'identity': 'hash'}",
                    .into = INTO_RAW};
    bench_file(l, "in/1.csv", "id\n1\n");
    bench_publish_job(l, &j);
    assert_int_equal(utime(arena_printf(l->arena, "%s/in/1.csv", l->root), &(struct utimbuf){1, 1}), 0);
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "nothing_new");
    done_free(&d);
}

/* A run about a window neither asks nor moves the bookmark. */
static void test_window_run_leaves_bookmark(void **state) {
    struct lake *l = *state;
    bench_file(l, "in/1.csv", "id\n1\n");
    struct job j = {.verb = "copy", .config = "'in/*.csv'", .bookmark = "files", .into = INTO_RAW};
    bench_publish_job(l, &j);
    j.keep_bookmark = true;
    struct done d = bench_run(l, &j);
    assert_outcome(&d, "ok");
    assert_int_equal(done_files(&d, 0), 1);
    assert_true(json_is_null(json_object_get(d.result, "bookmark")));
    done_free(&d);
}

struct writer {
    const char *path;
    bool done;
};

static void append_once(void *ctx, int64_t bytes) {
    struct writer *w = ctx;
    (void)bytes;
    if (w->done) return;
    w->done = true;
    FILE *f = fopen(w->path, "ae");
    fputs("more\n", f);
    fclose(f);
}

static void replace_once(void *ctx, int64_t bytes) {
    struct writer *w = ctx;
    (void)bytes;
    if (w->done) return;
    w->done = true;
    char *other = NULL;
    assert_true(asprintf(&other, "%s.new", w->path) > 0);
    FILE *f = fopen(other, "we");
    fputs("id\n1\n", f);
    fclose(f);
    assert_int_equal(rename(other, w->path), 0);
    free(other);
}

static void remove_once(void *ctx, int64_t bytes) {
    (void)bytes;
    unlink(((struct writer *)ctx)->path);
}

static void test_file_changes_while_copied(void **state) {
    struct lake *l = *state;
    static void (*const doings[])(void *, int64_t) = {append_once, replace_once, remove_once};
    for (size_t i = 0; i < 3; i++) {
        bench_file(l, "in/1.csv", "id\n1\n");
        struct writer w = {.path = arena_printf(l->arena, "%s/in/1.csv", l->root)};
        struct stat st;
        assert_int_equal(stat(w.path, &st), 0);
        struct copy_job job = {.from = w.path,
                               .to = arena_printf(l->arena, "%s/out/1.csv", l->root),
                               .size = st.st_size,
                               .mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
                               .moved = doings[i],
                               .ctx = &w};
        char hex[SHA256_HEX];
        assert_int_equal(copy_file(&job, hex, &l->err), 1);
        assert_false(fs_exists(job.to));
    }
}

/* ---- what the verb may say ----------------------------------------------------------------------------- */

static const char gz[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\x4c\xe1\x32\xe4\x02\x00\x0f\xe9\x5b\xcd\x05\x00\x00\x00";

static const struct {
    const char *config, *outcome, *targets, *message;
} verbs[] = {
    {"{'from': 'in', 'match': '*.csv'}", "ok", "a.csv", ""},
    {"{'from': 'in', 'match': ['*.csv', 'b.*']}", "ok", "a.csv b.txt", ""},
    {"{'from': 'in', 'match': 'z*', 'if_empty': 'fail'}", "gate", "", "nothing came for raw.orders"},
    {"{'from': 'in', 'match': 'z*', 'if_empty': 'skip'}", "nothing_new", "", ""},
    {"{'from': 'in', 'match': 'z*'}", "ok", "", ""},
    {"{'from': 'in/a.csv', 'compressed': 'gzip'}", "failed", "", "in/a.csv is not compressed with gzip"},
    {"{'from': 'packed/p.csv', 'compressed': 'gzip'}", "ok", "p.csv.gz", ""},
};

static void test_verb(void **state) {
    struct lake *l = *state;
    bench_file(l, "in/a.csv", "id\n1\n");
    bench_file(l, "in/b.txt", "text");
    bench_file(l, "packed/note", "");
    assert_int_equal(
        fs_replace(arena_printf(l->arena, "%s/packed/p.csv", l->root), gz, sizeof gz - 1, 0644, &l->err), 0);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        struct job j = {.verb = "copy", .config = verbs[i].config, .into = INTO_RAW};
        struct done d = bench_run(l, &j);
        assert_outcome(&d, verbs[i].outcome);
        assert_string_equal(done_message(&d), verbs[i].message);
        if (done_output(&d, 0)) assert_string_equal(targets(l, &d), verbs[i].targets);
        done_free(&d);
    }
}

static void test_gzip_is_read(void **state) {
    struct lake *l = *state;
    assert_int_equal(fs_mkdirs(arena_printf(l->arena, "%s/in", l->root), 0755, &l->err), 0);
    assert_int_equal(
        fs_replace(arena_printf(l->arena, "%s/in/p.csv.gz", l->root), gz, sizeof gz - 1, 0644, &l->err), 0);
    bench_publish_job(l, &(struct job){.verb = "copy", .config = "'in'", .into = INTO_RAW});
    assert_string_equal(bench_rows(l, "raw.orders", "SELECT * FROM raw.orders"), "1");
}

static void test_refused_places(void **state) {
    struct lake *l = *state;
    bench_file(l, "in/a.csv", "id\n1\n");
    struct job j = {.verb = "copy", .config = "'in'", .into = "{'dataset': 'trusted.orders'}"};
    struct done d = bench_run(l, &j);
    assert_string_equal(done_message(&d),
                        "trusted.orders cannot take files as they came: its zone has the format delta");
    done_free(&d);
    j.into = "{'dataset': 'raw.orders', 'format': 'files', 'schema': 'any', 'requires_checks': true}";
    d = bench_run(l, &j);
    assert_string_equal(done_message(&d), "zone `raw` takes nothing without checks, and the step has none");
    done_free(&d);
    j.into = "{'dataset': 'raw.orders', 'format': 'files', 'schema': 'any', 'partition_by': ['day']}";
    d = bench_run(l, &j);
    assert_string_equal(done_message(&d),
                        "a.csv does not say its partition: `partition_by` needs folders like day=…");
    done_free(&d);
}

/* ---- a bad disk ---------------------------------------------------------------------------------------- */

static const char *small_disk(struct lake *l, const char *options, unsigned long flags) {
    const char *path = arena_printf(l->arena, "%s/lake/raw", l->root);
    assert_int_equal(fs_mkdirs(path, 0755, &l->err), 0);
    if (mount("tmpfs", path, "tmpfs", flags, options) == 0) return path;
    print_message("not allowed to mount: skipped\n");
    return NULL;
}

static void test_disk_full(void **state) {
    struct lake *l = *state;
    const char *disk = small_disk(l, "size=64k", 0);
    if (!disk) skip();
    char *big = calloc(200001, 1);
    memset(big, 'x', 200000);
    bench_file(l, "in/big.csv", big);
    free(big);
    struct done d = bench_run(l, &(struct job){.verb = "copy", .config = "'in'", .into = INTO_RAW});
    umount2(disk, MNT_DETACH);
    assert_outcome(&d, "failed");
    assert_string_equal(done_reason(&d), "disk_full");
    assert_int_equal(json_int(json_object_get(d.result, "error"), "exit", 0), EX_ENVIRONMENT);
    done_free(&d);
}

static void test_read_only_zone(void **state) {
    struct lake *l = *state;
    bench_file(l, "in/a.csv", "id\n1\n");
    struct done d = bench_begin(l, &(struct job){.verb = "copy", .config = "'in'", .into = INTO_RAW});
    const char *disk = small_disk(l, "size=64k", MS_RDONLY);
    if (!disk) {
        done_free(&d);
        skip();
    }
    bench_execute(l, &d);
    umount2(disk, MNT_DETACH);
    assert_outcome(&d, "failed");
    assert_string_equal(done_reason(&d), "read_only");
    assert_non_null(strstr(done_message(&d), "cannot stage raw.orders"));
    assert_non_null(
        strstr(json_text(json_object_get(d.result, "error"), "hint"), "zone `raw` must be writable"));
    done_free(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_patterns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_names_do_not_meet, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bookmark_takes_each_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_identity_by_hash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_window_run_leaves_bookmark, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_changes_while_copied, setup, teardown),
        cmocka_unit_test_setup_teardown(test_verb, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gzip_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_places, setup, teardown),
        cmocka_unit_test_setup_teardown(test_disk_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_only_zone, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
