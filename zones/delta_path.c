/* delta_path.c: how Delta and Hive write paths: percent-encoding, partition folders, log names. */
#include "base/arena.h"
#include "base/sha256.h"
#include "zones/delta.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_plain(unsigned char c) { return isalnum(c) || (c && strchr("-_.!~*'()/", c)); }

void delta_path_encode(struct buf *out, const char *path) {
    for (const char *p = path; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (is_plain(c) || c == '=' || c == ':' || c == '@' || c == '&' || c == '+' || c == '$' || c == ',')
            buf_addc(out, *p);
        else
            buf_addf(out, "%%%02X", c);
    }
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *delta_path_decode(const char *path) {
    char *out = xmalloc(strlen(path) + 1), *to = out;
    for (const char *p = path; *p; p++) {
        if (*p != '%') {
            *to++ = *p;
            continue;
        }
        int high = hex_digit(p[1]), low = high < 0 ? -1 : hex_digit(p[2]);
        if (low < 0 || (high == 0 && low == 0)) {
            free(out);
            return NULL;
        }
        *to++ = (char)(high * 16 + low);
        p += 2;
    }
    *to = 0;
    return out;
}

/* Hive's own list (FileUtils.charToEscape), and nothing that a path may not hold. */
static void hive_escape(struct buf *out, const char *s) {
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 0x20 || c == 0x7F || strchr("\"#%'*/:=?\\{[]^", c))
            buf_addf(out, "%%%02X", c);
        else
            buf_addc(out, *s);
    }
}

void delta_partition_folder(struct buf *out, const char *column, const char *value) {
    hive_escape(out, column);
    buf_addc(out, '=');
    if (value && *value)
        hive_escape(out, value);
    else
        buf_adds(out, "__HIVE_DEFAULT_PARTITION__");
}

char *delta_log_path(const char *table, int64_t version) {
    struct buf b = BUF_INIT;
    buf_addf(&b, "%s/_delta_log/%020lld.json", table, (long long)version);
    return buf_take(&b);
}

void delta_uuid(const char *text, char out[37]) {
    char hex[SHA256_HEX];
    sha256_text(text, strlen(text), hex);
    /* Version 8 (free use of the bits), variant 10: RFC 9562. */
    hex[12] = '8';
    hex[16] = "89ab"[hex_digit(hex[16]) & 3];
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}
