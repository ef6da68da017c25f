/* A really full disk, a really read-only one: a small tmpfs (needs root; skipped otherwise). */
#include "tests/unit/store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

static const struct store_options ballasted = {.ballast_bytes = 2 << 20};

static bool small_disk(struct fx *f, const char *size) {
    fx_folder(f);
    if (mount("tmpfs", f->dir, "tmpfs", 0, size) == 0) return true;
    print_message("no tmpfs can be mounted: %s\n", strerror(errno));
    arena_free(f->a);
    rmdir(f->dir);
    return false;
}

static void small_disk_end(struct fx *f) {
    store_close(f->s);
    arena_free(f->a);
    if (umount(f->dir)) fail_msg("cannot unmount %s", f->dir);
    rmdir(f->dir);
}

/* To the last byte. */
static void fill_up(struct fx *f) {
    static const char block[4096];
    char *path = arena_printf(f->a, "%s/filler", f->dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    while (write(fd, block, sizeof block) > 0) {
    }
    close(fd);
}

static void make_room(struct fx *f) { unlink(arena_printf(f->a, "%s/filler", f->dir)); }

static void failures_can_be_recorded_on_a_full_disk(void **state) {
    (void)state;
    struct fx f;
    struct err err = {0};
    int64_t versions;
    if (!small_disk(&f, "size=10m")) skip();
    f.s = store_open_writer(f.state, &ballasted, &err);
    assert_non_null(f.s);
    struct story t = {.s = f.s};
    struct chapter c = {0};
    assert_ok(story_begin(&t, &err));
    assert_ok(story_chapter(&t, &c, &err));
    assert_ok(store_tend(f.s, true, &err));
    fill_up(&f);
    c = (struct chapter){.n = 1};
    int r = 0;
    for (int i = 0; i < 50 && r == 0; i++) { /* what the log has left may hold a few turns more */
        r = story_chapter(&t, &c, &err);
        if (r == 0) c = (struct chapter){.n = c.n + 1};
    }
    assert_int_equal(-1, r);
    assert_string_equal("disk_full", err.reason);
    store_rollback(f.s);
    assert_null(story_broken(f.s, &versions)); /* reading goes on */
    assert_int_equal(c.n, versions);
    assert_hit(1, store_disk_full(f.s, &err));
    assert_false(store_ballast_whole(f.s));
    assert_ok(story_recover(&t, &err)); /* the failure is written down */
    assert_null(story_broken(f.s, &versions));
    assert_ok(store_tend(f.s, true, &err));
    assert_false(store_ballast_whole(f.s)); /* no room for it yet */
    make_room(&f);
    assert_ok(store_tend(f.s, true, &err));
    assert_true(store_ballast_whole(f.s));
    c = (struct chapter){.n = versions};
    assert_ok(story_chapter(&t, &c, &err));
    assert_null(story_broken(f.s, &versions));
    small_disk_end(&f);
}

static void no_room_for_the_ballast_is_a_warning(void **state) {
    (void)state;
    struct fx f;
    struct err err = {0};
    if (!small_disk(&f, "size=4m")) skip();
    f.s = store_open_writer(f.state, NULL, &err); /* 64 MiB on 4 */
    assert_non_null(f.s);
    assert_non_null(strstr(store_warning(f.s), "no 64 MiB could be set aside"));
    assert_false(fs_exists(fx_path(&f, "ballast.new")));
    struct statvfs fs;
    assert_int_equal(0, statvfs(f.dir, &fs));
    assert_true(fs.f_bavail > 0);
    small_disk_end(&f);
}

static void no_room_for_the_database_is_said(void **state) {
    (void)state;
    struct fx f;
    struct err err = {0};
    if (!small_disk(&f, "size=128k")) skip();
    assert_null(store_open_writer(f.state, &ballasted, &err));
    assert_string_equal("disk_full", err.reason);
    assert_int_equal(EX_ENVIRONMENT, err.exit);
    assert_false(fs_exists(fx_path(&f, "leat.db")));
    assert_false(fs_exists(fx_path(&f, "leat.db.new")));
    f.s = NULL;
    small_disk_end(&f);
}

/* A disk that was full already when the program began: it opens, and the ballast of the last time helps. */
static void opening_on_a_full_disk(void **state) {
    (void)state;
    struct fx f;
    struct err err = {0};
    int64_t versions;
    if (!small_disk(&f, "size=10m")) skip();
    f.s = store_open_writer(f.state, &ballasted, &err);
    struct story t = {.s = f.s};
    assert_ok(story_begin(&t, &err));
    store_close(f.s);
    fill_up(&f);
    f.s = store_open_writer(f.state, &ballasted, &err);
    assert_non_null(f.s); /* not even the log's index fitted beside the ballast */
    assert_non_null(strstr(store_warning(f.s), "is full"));
    assert_false(store_ballast_whole(f.s));
    t.s = f.s;
    struct chapter c = {0};
    assert_ok(story_chapter(&t, &c, &err));
    assert_null(story_broken(f.s, &versions));
    make_room(&f);
    assert_ok(store_tend(f.s, true, &err));
    assert_true(store_ballast_whole(f.s));
    small_disk_end(&f);
}

/* A read-only disk, or a folder of somebody else: what is there can be read, though nothing can be made
 * beside it. */
static void a_read_only_disk_can_be_read(void **state) {
    (void)state;
    struct fx f;
    struct err err = {0};
    struct store *r = NULL;
    int64_t versions;
    if (!small_disk(&f, "size=10m")) skip();
    snprintf(f.state, sizeof f.state, "%s/a%%20b?#", f.dir); /* a name that means something in a URI */
    f.s = store_open_writer(f.state, &ballasted, &err);
    struct story t = {.s = f.s};
    struct chapter c = {0};
    assert_ok(story_begin(&t, &err));
    assert_ok(story_chapter(&t, &c, &err));
    store_close(f.s);
    f.s = NULL;
    assert_int_equal(0, mount("none", f.dir, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL));
    assert_hit(1, store_open_reader(f.state, NULL, &r, &err));
    assert_null(story_broken(r, &versions));
    assert_int_equal(1, versions);
    store_close(r);
    assert_null(store_open_writer(f.state, &ballasted, &err));
    assert_string_equal("read_only", err.reason);
    assert_int_equal(0, mount("none", f.dir, "tmpfs", MS_REMOUNT, NULL));
    small_disk_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_can_be_recorded_on_a_full_disk),
        cmocka_unit_test(no_room_for_the_ballast_is_a_warning),
        cmocka_unit_test(no_room_for_the_database_is_said),
        cmocka_unit_test(opening_on_a_full_disk),
        cmocka_unit_test(a_read_only_disk_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
