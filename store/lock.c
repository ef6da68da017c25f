/* lock.c: the instance lock: flock() on <state>/lock for as long as the writer lives.
 *
 * The lock is the kernel's: a crash leaves none behind and no clock is asked. The content is only for people
 * and for two questions: "did the last writer close the database?" and "is this the file it closed?". It is
 * one record of fixed size, overwritten in place, so that a full disk cannot keep it from being written. The
 * file is never removed. */
#include "base/fsio.h"
#include "base/json.h"
#include "base/tz.h"
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

enum { RECORD_BYTES = 512 };

static void boot_id(char out[64]) {
    size_t len = 0;
    char *text = fs_read("/proc/sys/kernel/random/boot_id", 256, &len, NULL);
    snprintf(out, 64, "%.*s", text ? (int)strcspn(text, "\n") : 0, text ? text : "");
    free(text);
}

/* Field 22 of /proc/<pid>/stat: with the pid and the boot it names a process for ever. 0: no such process, or
 * one that is dead and only waits for its parent to take note (in a container that may be never). */
static int64_t process_start(int64_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    char *text = fs_read(path, 4096, NULL, NULL);
    char *at = text ? strrchr(text, ')') : NULL; /* the name before it may hold anything */
    if (at && strchr("ZX", at[2])) at = NULL;    /* proc(5): zombie, dead */
    for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
    int64_t ticks = at ? strtoll(at, NULL, 10) : 0;
    free(text);
    return ticks;
}

static json_t *record_read(int fd) {
    char text[RECORD_BYTES + 1];
    ssize_t n = pread(fd, text, RECORD_BYTES, 0);
    if (n <= 0) return NULL;
    text[n] = 0;
    return json_loads(text, 0, NULL);
}

/* What a copy put in its place does not share. */
static void file_mark(const struct store *s, char out[96]) {
    struct stat st;
    out[0] = 0;
    if (stat(s->path, &st)) return;
    snprintf(out, 96, "%llu:%llu:%lld:%lld.%09ld", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino, (long long)st.st_size, (long long)st.st_mtim.tv_sec,
             st.st_mtim.tv_nsec);
}

/* Best effort: only people and the integrity check at the next start depend on it. */
static void record_write(struct store *s, bool clean) {
    char boot[64], host[128] = "", mark[96], text[RECORD_BYTES + 1];
    boot_id(boot);
    file_mark(s, mark);
    gethostname(host, sizeof host - 1);
    json_t *record = json_pack("{s:I,s:s,s:s,s:I,s:I,s:s,s:b}", "pid", (json_int_t)getpid(), "boot", boot,
                               "host", host, "start", (json_int_t)process_start(getpid()), "since",
                               (json_int_t)world_wall(s->world), "file", mark, "clean", clean);
    char *line = record ? json_dumps(record, JSON_COMPACT) : NULL;
    json_decref(record);
    snprintf(text, sizeof text, "%-*.*s\n", RECORD_BYTES - 1, RECORD_BYTES - 1, line ? line : "{}");
    free(line);
    if (pwrite(s->lock_fd, text, RECORD_BYTES, 0) == RECORD_BYTES) fdatasync(s->lock_fd);
}

static int held_error(int fd, const char *path, struct err *err) {
    json_t *r = record_read(fd);
    char since[TZ_TEXT];
    if (!r || !json_int(r, "pid", 0))
        err_set(err, EX_CONFLICT, "another leat is writing to this project (lock %s)", path);
    else
        err_set(err, EX_CONFLICT, "another leat is writing to this project: process %lld on %s, since %s",
                (long long)json_int(r, "pid", 0), json_text_or(r, "host", "this host"),
                tz_text_in("UTC", json_int(r, "since", 0), since));
    json_decref(r);
    err_reason(err, "held");
    return err_hint(err, "wait for it, or look at it with: leat status");
}

/* A descriptor that came through exec(): it must be of this very file. */
static bool is_this_lock(int fd, const char *path) {
    struct stat of, is;
    if (fd <= 0 || fstat(fd, &of) || stat(path, &is)) return false;
    return of.st_dev == is.st_dev && of.st_ino == is.st_ino && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

int store_keep_lock(struct store *s) {
    int fd = dup(s->lock_fd); /* the same open file, so the same lock; no close-on-exec */
    return fd < 0 ? 0 : fd;
}

int lock_take(struct store *s, struct err *err) {
    char *path = fs_join(s->state, "lock");
    int fd = s->inherited_lock, r = 0;
    s->inherited_lock = 0;
    if (!is_this_lock(fd, path)) {
        if (fd > 0) close(fd); /* of a folder that is not there any more */
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    }
    if (fd < 0)
        r = err_errno(err, "cannot open %s", path);
    else if (flock(fd, LOCK_EX | LOCK_NB))
        r = errno == EWOULDBLOCK ? held_error(fd, path, err) : err_errno(err, "cannot lock %s", path);
    if (r && fd >= 0) close(fd);
    if (!r) {
        json_t *before = record_read(fd);
        char mark[96];
        file_mark(s, mark);
        s->unclean = before && !json_flag(before, "clean");
        s->replaced = before && !s->unclean && strcmp(json_text_or(before, "file", mark), mark) != 0;
        json_decref(before);
        s->lock_fd = fd;
        record_write(s, false);
    }
    free(path);
    return r;
}

void lock_mark_clean(struct store *s) { record_write(s, true); }

int store_holder(const char *state, struct store_holder *out) {
    char *path = fs_join(state, "lock");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    if (fd < 0) return 0;
    json_t *r = record_read(fd);
    close(fd);
    char boot[64];
    boot_id(boot);
    int64_t pid = json_int(r, "pid", 0), start = json_int(r, "start", 0);
    bool lives = pid && !json_flag(r, "clean") && strcmp(json_text_or(r, "boot", ""), boot) == 0 &&
                 process_start(pid) == start;
    if (lives) {
        *out = (struct store_holder){.pid = pid, .since = json_int(r, "since", 0)};
        snprintf(out->host, sizeof out->host, "%s", json_text_or(r, "host", ""));
    }
    json_decref(r);
    return lives;
}

/* WAL needs memory shared by all readers on one host, and locks that mean something. */
static const struct {
    unsigned long type;
    const char *name;
} network_disks[] = {
    {0x6969, "NFS"},        {0xFF534D42, "CIFS"}, {0xFE534D42, "SMB"},   {0x517B, "SMB"},
    {0x01021997, "9p"},     {0x65735546, "FUSE"}, {0x5346414F, "AFS"},   {0x00C36400, "Ceph"},
    {0x0BD00BD0, "Lustre"}, {0x47504653, "GPFS"}, {0x7461636F, "OCFS2"}, {0x01161970, "GFS2"},
    {0x73757245, "Coda"},
};

const char *network_disk_name(unsigned long type) {
    for (size_t i = 0; i < sizeof network_disks / sizeof *network_disks; i++)
        if (network_disks[i].type == type) return network_disks[i].name;
    return NULL;
}

int network_disk_refuse(const char *path, struct err *err) {
    struct statfs fs;
    if (statfs(path, &fs)) return err_errno(err, "cannot look at %s", path);
    const char *name = network_disk_name((unsigned long)fs.f_type);
    if (!name) return 0;
    err_set(err, EX_ENVIRONMENT, "%s is on %s: the database needs a local file system", path, name);
    err_reason(err, "network_disk");
    return err_hint(err, "say a local folder with `state:` in leat.yaml; data may stay where it is");
}
