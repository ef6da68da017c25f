/* The log file: stamps, the cap, disks that are full. */
#include "base/fsio.h"
#include "base/limits.h"
#include "warden/logfile.h"
#include "warden/logline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW INT64_C(1795154400123456) /* 2026-11-20T05:20:00.123456Z … whatever it is, it is fixed */

enum { LINE = LOG_STAMP + 12 }; /* bytes of "line 000000\n" with its stamp */
static const size_t TWO_STAMPS = 2 * (size_t)LOG_STAMP;

static char folder[64], path[128];

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/leat-logfile-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/a/b/x.log", folder);
    return 0;
}

static int drop_folder(void **state) {
    (void)state;
    return fs_remove_tree(folder, NULL);
}

static char *content(void) {
    char *s = fs_read(path, 1 << 30, NULL, NULL);
    assert_non_null(s);
    return s;
}

/* The log without its stamps. */
static char *text_of(void) {
    char *s = content(), *to = s;
    for (char *p = s; *p;) {
        size_t n = strcspn(p, "\n") + (strchr(p, '\n') != NULL);
        bool stamped = n >= LOG_STAMP && p[LOG_STAMP - 2] == 'Z' && p[10] == 'T';
        size_t skip = stamped ? LOG_STAMP : 0;
        memmove(to, p + skip, n - skip);
        to += n - skip;
        p += n;
    }
    *to = '\0';
    return s;
}

static struct logfile *open_log(int64_t head, int64_t tail) {
    return logfile_open(&(struct logfile_options){.path = path, .head = head, .tail = tail});
}

static void every_line_gets_a_stamp(void **state) {
    (void)state;
    struct logfile *l = open_log(1000, 1000);
    struct stat st;
    logfile_write(l, "one\ntw", 6, NOW);
    logfile_write(l, "o\n\nend", 6, NOW + 1000);
    logfile_note(l, NOW, "note %d", 7);
    struct logfile_sizes sizes = logfile_close(l, NOW);
    char *s = content();
    assert_string_equal(s + LOG_STAMP, strstr(s, "one"));
    assert_int_equal(s[LOG_STAMP - 1], ' ');
    assert_int_equal(sizes.kept, strlen(s));
    free(s);
    s = text_of();
    assert_string_equal(s, "one\ntwo\n\nend\n[leat] note 7\n");
    free(s);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(sizes.dropped, 0);
}

static void a_second_attempt_appends(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct logfile *l = open_log(1000, 1000);
        logfile_write(l, "no newline", 10, NOW);
        logfile_close(l, NOW);
    }
    char *s = text_of();
    assert_string_equal(s, "no newline\nno newline");
    free(s);
}

static void binary_passes_through(void **state) {
    (void)state;
    unsigned char all[256], got[512];
    for (int i = 0; i < 256; i++) all[i] = (unsigned char)i;
    struct logfile *l = open_log(4096, 4096);
    logfile_write(l, (char *)all, 256, NOW);
    logfile_close(l, NOW);
    FILE *f = fopen(path, "r");
    size_t n = fread(got, 1, sizeof got, f);
    fclose(f);
    assert_int_equal(n, 256 + 2 * LOG_STAMP);
    assert_memory_equal(got + LOG_STAMP, all, 11);
    assert_memory_equal(got + TWO_STAMPS + 11, all + 11, 245);
}

static void write_lines(struct logfile *l, int from, int to) {
    char line[32];
    for (int i = from; i < to; i++)
        logfile_write(l, line, (size_t)snprintf(line, sizeof line, "line %06d\n", i), NOW);
}

/* Any mix of sizes: beginning and end are there, in order, the note counts what is missing. */
static void check_capped(int lines, int head, int tail) {
    struct logfile *l = open_log((int64_t)head * LINE + 5, (int64_t)tail * LINE + 5);
    struct stat st;
    write_lines(l, 0, lines / 2);
    stat(path, &st);
    assert_true(st.st_size <= (head + 2 * tail + 12) * LINE + 500);
    write_lines(l, lines / 2, lines);
    struct logfile_sizes sizes = logfile_close(l, NOW);
    char *s = text_of(), expected[64];
    snprintf(expected, sizeof expected, "line %06d\n[leat] %020lld bytes", head - 1,
             (long long)sizes.dropped);
    assert_non_null(strstr(s, expected));
    snprintf(expected, sizeof expected, "and its end\nline %06d\n", lines - tail);
    assert_non_null(strstr(s, expected));
    snprintf(expected, sizeof expected, "line %06d\n", lines - 1);
    assert_string_equal(s + strlen(s) - 12, expected);
    assert_int_equal(sizes.dropped, (int64_t)(lines - head - tail) * LINE);
    free(s);
    unlink(path);
}

static void the_middle_is_left_out(void **state) {
    (void)state;
    check_capped(1000, 10, 10);
    check_capped(5000, 3, 200);
    check_capped(5000, 200, 8);
    check_capped(100, 20, 30);
}

static void nothing_is_left_out_within_the_cap(void **state) {
    (void)state;
    struct logfile *l = open_log(INT64_C(100) * LINE, INT64_C(100) * LINE);
    write_lines(l, 0, 200);
    assert_int_equal(logfile_close(l, NOW).dropped, 0);
}

static void long_lines_are_cut_hard(void **state) {
    (void)state;
    struct logfile *l = open_log(1000, 1000);
    char chunk[500];
    memset(chunk, 'z', sizeof chunk);
    for (int i = 0; i < 1000; i++) logfile_write(l, chunk, sizeof chunk, NOW);
    struct logfile_sizes sizes = logfile_close(l, NOW);
    char *s = text_of();
    assert_int_equal(sizes.kept + sizes.dropped - (500000 + LOG_STAMP),
                     (int64_t)strlen(strstr(s, "\n[leat]")) - 1000 + LOG_STAMP);
    assert_true(sizes.kept < 2300);
    free(s);
}

static void secrets_do_not_reach_the_disk(void **state) {
    (void)state;
    const char *const masks[] = {"hunter2!", NULL};
    struct logfile *l =
        logfile_open(&(struct logfile_options){.path = path, .head = 1000, .tail = 1000, .masks = masks});
    logfile_write(l, "a hunt", 6, NOW);
    logfile_write(l, "er2! b\nhunter2", 14, NOW);
    logfile_close(l, NOW);
    char *s = text_of();
    assert_string_equal(s, "a *** b\n***");
    free(s);
}

/* /dev/full refuses every byte: nothing blocks, nothing fails, everything is counted. */
static void a_full_disk_is_survived(void **state) {
    (void)state;
    struct logfile *l =
        logfile_open(&(struct logfile_options){.path = "/dev/full", .head = 1000, .tail = 1000});
    assert_non_null(l);
    write_lines(l, 0, 10000);
    struct logfile_sizes sizes = logfile_close(l, NOW);
    assert_int_equal(sizes.kept, 0);
    assert_int_equal(sizes.dropped, 10000 * LINE);
}

/* A limit on the file's size stands for a disk that fills and is then given room. */
static void room_again_brings_the_rest(void **state) {
    (void)state;
    struct rlimit old;
    getrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_IGN);
    struct logfile *l = open_log(1 << 20, 1 << 20);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 10 * LINE + 5, .rlim_max = old.rlim_max});
    write_lines(l, 0, 10000);
    setrlimit(RLIMIT_FSIZE, &old);
    write_lines(l, 10000, 10001);
    struct logfile_sizes sizes = logfile_close(l, NOW);
    char *s = text_of();
    assert_non_null(strstr(s, "line 000009\n"));
    assert_non_null(strstr(s, "bytes of output lost here: File too large\n"));
    assert_string_equal(s + strlen(s) - 24, "line 009999\nline 010000\n");
    assert_in_range(sizes.dropped, 9980 * LINE - LOGFILE_SPARE - LINE, 9990 * LINE - LOGFILE_SPARE + LINE);
    free(s);
}

static void a_full_tmpfs_is_survived(void **state) {
    (void)state;
    char disk[96];
    snprintf(disk, sizeof disk, "%s/disk", folder);
    mkdir(disk, 0700);
    if (mount("tmpfs", disk, "tmpfs", 0, "size=64k") < 0) skip();
    snprintf(path, sizeof path, "%s/x.log", disk);
    struct logfile *l = open_log(1 << 20, 1 << 20);
    write_lines(l, 0, 10000);
    struct logfile_sizes sizes = logfile_close(l, NOW);
    assert_int_equal(sizes.kept + sizes.dropped, 10000 * LINE);
    assert_in_range(sizes.kept, 1, 64 << 10);
    umount(disk);
}

static void opening_says_why_not(void **state) {
    (void)state;
    errno = 0;
    assert_null(logfile_open(&(struct logfile_options){.path = "/proc/no/such"}));
    assert_int_equal(errno, ENOENT);
    assert_null(logfile_open(&(struct logfile_options){.path = folder}));
    assert_int_equal(errno, EISDIR);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, make_folder, drop_folder)
    const struct CMUnitTest tests[] = {
        T(every_line_gets_a_stamp),       T(a_second_attempt_appends), T(binary_passes_through),
        T(the_middle_is_left_out),        T(long_lines_are_cut_hard),  T(nothing_is_left_out_within_the_cap),
        T(secrets_do_not_reach_the_disk), T(a_full_disk_is_survived),  T(room_again_brings_the_rest),
        T(a_full_tmpfs_is_survived),      T(opening_says_why_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
