/* shim.c: an LD_PRELOAD library that makes the disk fail, kills, or writes down what is done to it.
 *
 * Only calls that change files below $FAULT_ROOT count: creating, writing, truncating, syncing, linking,
 * renaming, removing. Set in the environment:
 *
 *   FAULT_COUNT=FILE     at exit, add a line with how many such calls there were, and the command line
 *   FAULT_AT=N           at the N-th call (from 1): FAULT_KIND=kill sends SIGKILL before it is made, stop
 *                        SIGSTOP; enospc and eio let it fail with that error
 *   FAULT_STICKY=1       all later calls fail too
 *   FAULT_ONLY=PATTERN   only in processes whose command line fits the pattern of fnmatch(3); FAULT_NOT: does
 *                        not
 *   FAULT_ONCE=FILE      only in the first process that strikes: it makes FILE
 *   FAULT_LOG=FILE       write every call down with its data, for power-loss replay (publish.py)
 *   FAULT_MUTANT=NAME    change what the program does: the mutants below. A test that passes with one of them
 *                        is no test
 *
 * Everything the shim does itself goes through syscall(2), so it never sees its own calls. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum { PATH_BYTES = 1024 };

static long calls;
static int log_fd = -2;

/* ---- settings ---- */

static const char *setting(const char *name) {
    const char *v = getenv(name);
    return v ? v : "";
}

static bool is_below_root(const char *path) {
    const char *root = setting("FAULT_ROOT");
    size_t n = strlen(root);
    return n && strncmp(path, root, n) == 0 && (path[n] == '/' || !path[n]);
}

static const char *path_of(int fd, char out[PATH_BYTES]) {
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(name, out, PATH_BYTES - 1);
    out[n > 0 ? n : 0] = 0;
    return out;
}

/* The shared memory of SQLite's readers is no file to keep. */
static bool counts(const char *path) {
    size_t n = strlen(path);
    return is_below_root(path) && !(n > 4 && strcmp(path + n - 4, "-shm") == 0);
}

/* ---- failing and dying ---- */

/* The command line, its words parted by spaces. */
static void command_line(char out[PATH_BYTES]) {
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY);
    long n = fd < 0 ? 0 : syscall(SYS_read, fd, out, PATH_BYTES - 1);
    syscall(SYS_close, fd);
    for (long i = 0; i + 1 < n; i++)
        if (!out[i]) out[i] = ' ';
    out[n > 0 ? n : 0] = 0;
}

static bool is_meant(void) {
    static int meant = -1;
    if (meant >= 0) return meant;
    char words[PATH_BYTES];
    const char *only = setting("FAULT_ONLY"), *but = setting("FAULT_NOT");
    command_line(words);
    meant = (!*only || fnmatch(only, words, 0) == 0) && !(*but && fnmatch(but, words, 0) == 0);
    return meant;
}

static bool is_first(void) {
    const char *path = setting("FAULT_ONCE");
    if (!*path) return true;
    static int first = -1;
    if (first < 0) {
        int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
        first = fd >= 0;
        if (first) syscall(SYS_close, fd);
    }
    return first;
}

/* true: the call must fail with errno. */
static bool strikes(const char *path) {
    if (!counts(path) || !is_meant()) return false;
    long at = atol(setting("FAULT_AT"));
    bool now = ++calls == at || (at > 0 && calls > at && *setting("FAULT_STICKY"));
    if (!now || !is_first()) return false;
    const char *kind = setting("FAULT_KIND");
    if (strcmp(kind, "kill") == 0) syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    if (strcmp(kind, "stop") == 0) {
        syscall(SYS_kill, syscall(SYS_getpid), SIGSTOP);
        return false;
    }
    errno = strcmp(kind, "eio") == 0 ? EIO : ENOSPC;
    return true;
}

__attribute__((destructor)) static void write_count(void) {
    const char *path = setting("FAULT_COUNT");
    if (!*path) return;
    char words[PATH_BYTES], text[PATH_BYTES + 32];
    command_line(words);
    int n = snprintf(text, sizeof text, "%ld %s\n", calls, words);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0) return;
    if (syscall(SYS_write, fd, text, (size_t)n) < 0) _exit(99);
    syscall(SYS_close, fd);
}

/* ---- writing down ---- */

static void put(const void *p, size_t n) {
    if (syscall(SYS_write, log_fd, p, n) != (long)n) _exit(98);
}

static void record(const char *path, const char *head, const void *data, size_t n) {
    if (!counts(path)) return;
    if (log_fd == -2) {
        const char *file = setting("FAULT_LOG");
        log_fd =
            *file ? (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)
                  : -1;
    }
    if (log_fd < 0) return;
    char line[2 * PATH_BYTES + 64];
    int len = snprintf(line, sizeof line, "%s\n", head);
    put(line, (size_t)len);
    if (n) put(data, n);
}

__attribute__((format(printf, 2, 3))) static void recordf(const char *path, const char *fmt, ...) {
    char head[2 * PATH_BYTES + 64];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(head, sizeof head, fmt, ap);
    va_end(ap);
    record(path, head, NULL, 0);
}

/* ---- mutants ---- */

static bool is_mutant(const char *name) { return strcmp(setting("FAULT_MUTANT"), name) == 0; }

static bool is_folder(const char *path) {
    struct stat st;
    return syscall(SYS_newfstatat, AT_FDCWD, path, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

/* The mutants that leave an fsync out; `in` must be part of the path, `not` must not. */
static const struct {
    const char *name, *in, *not ;
    bool folder;
} unsynced[] = {
    {"database-not-full", "leat.db", "?", false},   {"stage-folder", "/_leat_stage", "?", true},
    {"stage-content", "/_leat_stage/", "?", false}, {"moved-names", "/lake/trusted/", "/_", true},
    {"log-content", "/_delta_log/.", "?", false},   {"log-name", "/_delta_log", "?", true},
};

static bool leaves_out_sync(const char *path) {
    for (size_t i = 0; i < sizeof unsynced / sizeof *unsynced; i++)
        if (is_mutant(unsynced[i].name) && strstr(path, unsynced[i].in) && !strstr(path, unsynced[i].not ) &&
            is_folder(path) == unsynced[i].folder)
            return true;
    return false;
}

static bool copy_in_two(const char *from, const char *to);

/* ---- the calls ---- */

/* POSIX says that a pointer from dlsym() may be used as a function's. */
#define REAL(name)                                                                                           \
    static __typeof__(name) *real;                                                                           \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)

static bool will_create(const char *path, int flags) {
    struct stat st;
    return (flags & O_CREAT) && syscall(SYS_newfstatat, AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) != 0;
}

/* What open() may do to a file: 'c' creates, 't' truncates, 0 nothing. */
static char open_does(const char *path, int flags) {
    if (will_create(path, flags)) return 'c';
    return flags & O_TRUNC ? 't' : 0;
}

static void record_open(const char *path, char does, int fd) {
    if (fd < 0 || !does) return;
    if (does == 'c')
        recordf(path, "CREATE %s", path);
    else
        recordf(path, "TRUNC %s 0", path);
}

#define OPEN(name)                                                                                           \
    int name(const char *path, int flags, ...) {                                                             \
        REAL(name);                                                                                          \
        va_list ap;                                                                                          \
        va_start(ap, flags);                                                                                 \
        mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;                                              \
        va_end(ap);                                                                                          \
        char does = counts(path) ? open_does(path, flags) : 0;                                               \
        if (does && strikes(path)) return -1;                                                                \
        int fd = real(path, flags, mode);                                                                    \
        record_open(path, does, fd);                                                                         \
        return fd;                                                                                           \
    }
OPEN(open)
OPEN(open64)

int mkostemp(char *name, int flags) {
    REAL(mkostemp);
    if (strikes(name)) return -1;
    int fd = real(name, flags);
    record_open(name, 'c', fd);
    return fd;
}

static void record_write(const char *path, const void *p, ssize_t n, long long at) {
    char head[PATH_BYTES + 64];
    if (n <= 0) return;
    snprintf(head, sizeof head, "WRITE %s %lld %zd", path, at, n);
    record(path, head, p, (size_t)n);
}

ssize_t write(int fd, const void *p, size_t n) {
    REAL(write);
    char path[PATH_BYTES];
    if (strikes(path_of(fd, path))) return -1;
    long long at = counts(path) ? (long long)syscall(SYS_lseek, fd, 0, SEEK_CUR) : 0;
    ssize_t done = real(fd, p, n);
    record_write(path, p, done, at);
    return done;
}

#define PWRITE(name, offset)                                                                                 \
    ssize_t name(int fd, const void *p, size_t n, offset at) {                                               \
        REAL(name);                                                                                          \
        char path[PATH_BYTES];                                                                               \
        if (strikes(path_of(fd, path))) return -1;                                                           \
        ssize_t done = real(fd, p, n, at);                                                                   \
        record_write(path, p, done, at);                                                                     \
        return done;                                                                                         \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATE(name, offset)                                                                               \
    int name(int fd, offset size) {                                                                          \
        REAL(name);                                                                                          \
        char path[PATH_BYTES];                                                                               \
        if (strikes(path_of(fd, path))) return -1;                                                           \
        int r = real(fd, size);                                                                              \
        if (r == 0) recordf(path, "TRUNC %s %lld", path, (long long)size);                                   \
        return r;                                                                                            \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(name)                                                                                           \
    int name(int fd) {                                                                                       \
        REAL(name);                                                                                          \
        char path[PATH_BYTES];                                                                               \
        if (leaves_out_sync(path_of(fd, path))) return 0;                                                    \
        if (strikes(path)) return -1;                                                                        \
        int r = real(fd);                                                                                    \
        if (r == 0) recordf(path, "SYNC %s", path);                                                          \
        return r;                                                                                            \
    }
SYNC(fsync)
SYNC(fdatasync)

int rename(const char *from, const char *to) {
    REAL(rename);
    if (is_mutant("move-by-copy") && strstr(from, "/_leat_stage/"))
        return copy_in_two(from, to) && unlink(from) == 0 ? 0 : -1;
    if (strikes(to)) return -1;
    int r = real(from, to);
    if (r == 0) recordf(to, "RENAME %s %s", from, to);
    return r;
}

int link(const char *from, const char *to) {
    REAL(link);
    if (is_mutant("log-in-place")) return copy_in_two(from, to) ? 0 : -1;
    if (strikes(to)) return -1;
    int r = real(from, to);
    if (r == 0) recordf(to, "LINK %s %s", from, to);
    return r;
}

int unlink(const char *path) {
    REAL(unlink);
    if (strikes(path)) return -1;
    int r = real(path);
    if (r == 0) recordf(path, "UNLINK %s", path);
    return r;
}

int rmdir(const char *path) {
    REAL(rmdir);
    if (strikes(path)) return -1;
    int r = real(path);
    if (r == 0) recordf(path, "UNLINK %s", path);
    return r;
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    if (strikes(path)) return -1;
    int r = real(path, mode);
    if (r == 0) recordf(path, "MKDIR %s", path);
    return r;
}

/* What the two non-atomic mutants do instead of link() and rename(): the name is there before the content is.
 * Uses the calls above, so that they are counted and written down. */
static bool copy_in_two(const char *from, const char *to) {
    char data[65536];
    int in = (int)syscall(SYS_openat, AT_FDCWD, from, O_RDONLY);
    long n = syscall(SYS_read, in, data, sizeof data);
    syscall(SYS_close, in);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (n < 0 || out < 0) return false;
    bool good = write(out, data, (size_t)n / 2) >= 0 && write(out, data + n / 2, (size_t)(n - n / 2)) >= 0 &&
                fsync(out) == 0;
    close(out);
    return good;
}
