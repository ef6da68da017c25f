/* treelock.c: open file description locks (F_OFD_SETLK, Linux 3.15). */
#include "warden/treelock.h"

#include "base/buf.h"
#include "base/map.h"
#include "warden/proc.h"
#include "warden/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Offsets are positive; 62 bits keep room for the byte after. */
int64_t treelock_key(const char *id) { return (int64_t)(hash_bytes(id, strlen(id)) >> 2); }

static struct flock byte_of(int64_t key, short type) {
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = key, .l_len = 1};
}

static int open_locks(int state_dir) {
    return openat(state_dir, TREELOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int treelock_take(int state_dir, int64_t key) {
    int fd = open_locks(state_dir);
    struct flock l = byte_of(key, F_WRLCK);
    if (fd < 0 || fcntl(fd, F_OFD_SETLK, &l) == 0) return fd;
    int saved = errno;
    close(fd);
    return errno = saved, -1;
}

bool treelock_held(int state_dir, int64_t key) {
    int fd = openat(state_dir, TREELOCK_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return false;
    struct flock l = byte_of(key, F_WRLCK);
    bool held = fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
    close(fd);
    return held;
}

/* "lock:\t1: OFDLCK ADVISORY  WRITE -1 fe:00:1234 <start> <end>" */
static int64_t key_in(const char *info) {
    const char *p = strstr(info, "OFDLCK");
    int64_t start, end;
    if (!p || sscanf(p, "OFDLCK ADVISORY WRITE %*s %*s %" SCNd64 " %" SCNd64, &start, &end) != 2) return -1;
    return start == end ? start : -1;
}

static bool is_lock_file(const char *target) {
    const size_t n = strlen(target), tail = sizeof TREELOCK_FILE;
    return n >= tail && strcmp(target + n - tail, "/" TREELOCK_FILE) == 0;
}

static bool read_fd(pid_t pid, const char *fd, struct treelock *out) {
    char name[64], target[PATH_MAX];
    struct stat st;
    snprintf(name, sizeof name, "/proc/%d/fd/%s", (int)pid, fd);
    ssize_t n = readlink(name, target, sizeof target - 1);
    target[n > 0 ? n : 0] = '\0';
    if (!is_lock_file(target) || stat(name, &st) < 0) return false;
    snprintf(name, sizeof name, "fdinfo/%s", fd);
    struct buf b = BUF_INIT;
    *out = (struct treelock){
        .key = proc_read(pid, name, &b) ? key_in(buf_str(&b)) : -1, .device = st.st_dev, .file = st.st_ino};
    buf_release(&b);
    return out->key >= 0;
}

struct treelock treelock_of(pid_t pid) {
    char folder[64], usual[16];
    struct treelock l = {.key = -1};
    snprintf(usual, sizeof usual, "%d", SPAWN_TREE_FD);
    bool found = read_fd(pid, usual, &l);
    snprintf(folder, sizeof folder, "/proc/%d/fd", (int)pid);
    DIR *d = found ? NULL : opendir(folder);
    if (!d) return l;
    for (struct dirent *e; !found && (e = readdir(d));) found = read_fd(pid, e->d_name, &l);
    closedir(d);
    return l;
}

bool treelock_is_in(const struct treelock *l, int state_dir) {
    struct stat st;
    return fstatat(state_dir, TREELOCK_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == l->device &&
           st.st_ino == l->file;
}
