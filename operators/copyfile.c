/* copyfile.c: see copyfile.h. The source's size and times are looked at before the first byte and after the
 * last one, on the open file and by name: a file that was written to, replaced or removed meanwhile is not
 * taken. */
#include "operators/copyfile.h"

#include "base/arena.h"
#include "base/fsio.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 20 };

static bool is_the_same(const struct copy_job *job, const struct stat *st) {
    int64_t mtime = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
    return st->st_size == job->size && mtime == job->mtime_ns;
}

static bool is_unchanged(const struct copy_job *job, int in) {
    struct stat open_one, named;
    if (fstat(in, &open_one) < 0 || stat(job->from, &named) < 0) return false;
    return is_the_same(job, &open_one) && is_the_same(job, &named) && open_one.st_ino == named.st_ino;
}

static int copy_bytes(const struct copy_job *job, int in, int out, EVP_MD_CTX *hash, struct err *err) {
    char *block = xmalloc(COPY_BYTES);
    int rc = 0;
    for (;;) {
        ssize_t n = read(in, block, COPY_BYTES);
        if (n == 0) break;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) rc = err_errno(err, "cannot read %s", job->from);
        if (n > 0 && fs_write_all(out, block, (size_t)n) < 0) rc = err_errno(err, "cannot write %s", job->to);
        if (rc == 0 && job->stop && job->stop(job->ctx)) {
            rc = err_set(err, EX_INTERRUPTED, "the copy was stopped");
            err_reason(err, "cancelled");
        }
        if (rc < 0) break;
        EVP_DigestUpdate(hash, block, (size_t)n);
        if (job->moved) job->moved(job->ctx, n);
    }
    free(block);
    return rc;
}

static void hex_of(EVP_MD_CTX *hash, char hex[SHA256_HEX]) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_DigestFinal_ex(hash, digest, &n);
    for (unsigned i = 0; i < n && 2 * i + 2 < SHA256_HEX; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

static int open_target(const char *to, struct err *err) {
    char *folder = fs_parent(to);
    int rc = fs_mkdirs(folder, 0755, err);
    free(folder);
    if (rc < 0) return -1;
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    return fd < 0 ? err_errno(err, "cannot create %s", to) : fd;
}

static int copy_open(const struct copy_job *job, int in, char hex[SHA256_HEX], struct err *err) {
    int out = open_target(job->to, err);
    if (out < 0) return -1;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
    int rc = copy_bytes(job, in, out, hash, err);
    if (rc == 0) hex_of(hash, hex);
    EVP_MD_CTX_free(hash);
    if (close(out) < 0 && rc == 0) rc = err_errno(err, "cannot write %s", job->to);
    return rc;
}

int copy_file(const struct copy_job *job, char hex[SHA256_HEX], struct err *err) {
    int in = open(job->from, O_RDONLY | O_CLOEXEC);
    if (in < 0 && errno == ENOENT) return 1;
    if (in < 0) return err_errno(err, "cannot read %s", job->from);
    int rc = is_unchanged(job, in) ? copy_open(job, in, hex, err) : 1;
    if (rc == 0 && !is_unchanged(job, in)) rc = 1;
    close(in);
    if (rc) unlink(job->to);
    return rc;
}
