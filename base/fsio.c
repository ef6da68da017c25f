/* fsio.c: see fsio.h. A failed fsync is an error the caller must not retry: the kernel may have dropped the
 * pages. */
#include "base/fsio.h"

#include "base/arena.h"
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens what can be read to an end without waiting for anybody: not a named pipe. */
static int open_readable(const char *path, struct err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd >= 0 && (fstat(fd, &st) || !S_ISFIFO(st.st_mode))) return fd;
    if (fd < 0) return err_errno(err, "cannot read %s", path);
    close(fd);
    return err_set(err, EX_ENVIRONMENT, "cannot read %s: it is a pipe, not a file", path);
}

char *fs_read(const char *path, size_t max, size_t *len, struct err *err) {
    int fd = open_readable(path, err);
    if (fd < 0) return NULL;
    struct buf b = BUF_INIT;
    char chunk[65536];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR)) {
        if (n > 0) buf_add(&b, chunk, (size_t)n);
        if (b.len > max) break;
    }
    if (n < 0)
        err_errno(err, "cannot read %s", path);
    else if (b.len > max)
        err_set(err, EX_INVALID, "%s is larger than %zu bytes", path, max);
    close(fd);
    if (n < 0 || b.len > max) {
        buf_release(&b);
        return NULL;
    }
    if (len) *len = b.len;
    return buf_take(&b);
}

int fs_write_all(int fd, const void *p, size_t n) {
    const char *s = p;
    while (n) {
        ssize_t k = write(fd, s, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return -1;
        s += k;
        n -= (size_t)k;
    }
    return 0;
}

char *fs_join(const char *folder, const char *name) {
    struct buf b = BUF_INIT;
    if (name[0] != '/' && folder[0]) {
        buf_adds(&b, folder);
        if (b.s[b.len - 1] != '/') buf_addc(&b, '/');
    }
    buf_adds(&b, name);
    return buf_take(&b);
}

char *fs_parent(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return xstrdup(".");
    if (slash == path) return xstrdup("/");
    char *s = xstrdup(path);
    s[slash - path] = 0;
    return s;
}

bool fs_exists(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0;
}

int fs_sync_path(const char *path, struct err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return err_errno(err, "cannot open %s", path);
    int r = fsync(fd) ? err_errno(err, "cannot make %s durable", path) : 0;
    close(fd);
    return r;
}

static int sync_parent(const char *path, struct err *err) {
    char *dir = fs_parent(path);
    int r = fs_sync_path(dir, err);
    free(dir);
    return r;
}

/* Writes and fsyncs a temporary beside path; its malloc'ed name, or NULL. */
static char *write_temporary(const char *path, const void *p, size_t n, mode_t mode, struct err *err) {
    struct buf t = BUF_INIT;
    const char *slash = strrchr(path, '/');
    size_t dir = slash ? (size_t)(slash - path) + 1 : 0;
    buf_add(&t, path, dir);
    buf_addf(&t, ".%s.XXXXXX", path + dir);
    int fd = mkostemp(t.s, O_CLOEXEC);
    if (fd < 0) {
        err_errno(err, "cannot write %s", path);
        buf_release(&t);
        return NULL;
    }
    int bad = fchmod(fd, mode) || fs_write_all(fd, p, n) || fsync(fd);
    if (bad) err_errno(err, "cannot write %s", path);
    close(fd);
    if (!bad) return buf_take(&t);
    unlink(t.s);
    buf_release(&t);
    return NULL;
}

int fs_replace(const char *path, const void *p, size_t n, mode_t mode, struct err *err) {
    char *t = write_temporary(path, p, n, mode, err);
    if (!t) return -1;
    int r = rename(t, path) ? err_errno(err, "cannot write %s", path) : sync_parent(path, err);
    if (r) unlink(t);
    free(t);
    return r;
}

int fs_create(const char *path, const void *p, size_t n, mode_t mode, struct err *err) {
    char *t = write_temporary(path, p, n, mode, err);
    if (!t) return -1;
    int r = 0;
    if (link(t, path)) r = errno == EEXIST ? 1 : err_errno(err, "cannot create %s", path);
    unlink(t);
    free(t);
    return r == 0 ? sync_parent(path, err) : r;
}

int fs_mkdirs(const char *path, mode_t mode, struct err *err) {
    struct stat st;
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode)) return 0;
        return err_set(err, EX_ENVIRONMENT, "%s is in the way: it is not a folder", path);
    }
    char *parent = fs_parent(path);
    int r = strcmp(parent, path) == 0 ? 0 : fs_mkdirs(parent, mode, err);
    if (!r && mkdir(path, mode) && errno != EEXIST) r = err_errno(err, "cannot create folder %s", path);
    if (!r) r = fs_sync_path(parent, err);
    free(parent);
    return r;
}

int fs_rename(const char *from, const char *to, struct err *err) {
    if (rename(from, to)) return err_errno(err, "cannot move %s to %s", from, to);
    if (sync_parent(to, err)) return -1;
    return sync_parent(from, err);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st, (void)at;
    int r = type == FTW_DP ? rmdir(path) : unlink(path);
    return r && errno != ENOENT ? -1 : 0;
}

int fs_remove_tree(const char *path, struct err *err) {
    if (!fs_exists(path)) return 0;
    if (nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0 || errno == ENOENT) return 0;
    return err_errno(err, "cannot remove %s", path);
}
