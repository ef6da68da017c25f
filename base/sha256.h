/* sha256.h: SHA-256 (libcrypto), as 64 lower-case hex digits. */
#ifndef LEAT_BASE_SHA256_H
#define LEAT_BASE_SHA256_H

#include "base/err.h"

#include <stddef.h>

enum { SHA256_HEX = 65 }; /* with the NUL */

void sha256_text(const void *p, size_t n, char hex[SHA256_HEX]);
int sha256_file(const char *path, char hex[SHA256_HEX], struct err *err);

#endif
