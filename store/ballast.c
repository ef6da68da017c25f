/* ballast.c: a file whose only use is to be removed: when the disk is full, its space is enough to record
 * what failed. */
#include "base/fsio.h"
#include "base/limits.h"
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int64_t wanted(const struct store *s) {
    return s->ballast_bytes ? s->ballast_bytes : (int64_t)LIMIT_BALLAST_BYTES;
}

bool store_ballast_whole(const struct store *s) {
    if (wanted(s) < 0) return true;
    struct stat st;
    char *path = fs_join(s->state, "ballast");
    bool whole = stat(path, &st) == 0 && st.st_size >= wanted(s) && (int64_t)st.st_blocks * 512 >= wanted(s);
    free(path);
    return whole;
}

/* Under a temporary name first: a half-made ballast must not look whole. */
static int ballast_create(struct store *s) {
    char *path = fs_join(s->state, "ballast"), *part = fs_join(s->state, "ballast.new");
    unlink(part);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int error = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)wanted(s));
    if (fd >= 0) close(fd);
    if (!error && rename(part, path)) error = errno;
    if (error) unlink(part);
    free(part);
    free(path);
    return error;
}

void ballast_make(struct store *s) {
    if (store_ballast_whole(s)) return;
    int error = ballast_create(s);
    if (!error) return;
    snprintf(s->warning, sizeof s->warning,
             "no %lld MiB could be set aside in %s for recording failures on a full disk: %s",
             (long long)(wanted(s) >> 20), s->state, strerror(error));
}

/* Only when there is room for it twice: making it must not be what fills the disk again. */
void ballast_remake(struct store *s) {
    struct statvfs fs;
    if (store_ballast_whole(s) || statvfs(s->state, &fs)) return;
    if ((int64_t)(fs.f_bavail * fs.f_frsize) >= 2 * wanted(s)) ballast_create(s);
}

bool ballast_drop(const char *state) {
    char *path = fs_join(state, "ballast");
    bool dropped = unlink(path) == 0;
    free(path);
    return dropped;
}

int store_disk_full(struct store *s, struct err *err) {
    char *path = fs_join(s->state, "ballast");
    int r = 1;
    if (unlink(path)) r = errno == ENOENT ? 0 : err_errno(err, "cannot remove %s", path);
    free(path);
    return r;
}
