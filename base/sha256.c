/* sha256.c: see sha256.h. */
#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

static void to_hex(const unsigned char *d, size_t n, char *hex) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        hex[2 * i] = digits[d[i] >> 4];
        hex[2 * i + 1] = digits[d[i] & 15];
    }
    hex[2 * n] = 0;
}

void sha256_text(const void *p, size_t n, char hex[SHA256_HEX]) {
    unsigned char d[32];
    EVP_Digest(p, n, d, NULL, EVP_sha256(), NULL);
    to_hex(d, sizeof d, hex);
}

int sha256_file(const char *path, char hex[SHA256_HEX], struct err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return err_errno(err, "cannot read %s", path);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    EVP_DigestInit_ex(c, EVP_sha256(), NULL);
    unsigned char chunk[65536], d[32];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0) EVP_DigestUpdate(c, chunk, (size_t)n);
    int r = n < 0 ? err_errno(err, "cannot read %s", path) : 0;
    EVP_DigestFinal_ex(c, d, NULL);
    EVP_MD_CTX_free(c);
    close(fd);
    if (!r) to_hex(d, sizeof d, hex);
    return r;
}
