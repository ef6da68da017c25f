/* mask_forms.c: plain, base64, percent, form and JSON spellings of a secret.
 *
 * Base64 of a text that *contains* the secret depends on how many bytes stand before it (0, 1, 2 modulo 3).
 * For each alignment only the characters that the secret alone decides are kept; the ones shared with its
 * neighbours are cut off. */
#include "warden/mask_forms.h"

#include "base/buf.h"
#include "warden/mask.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef void add_fn(void *ctx, const char *p, size_t n);

static const char b64_standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char b64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* base64 of `skip` zero bytes and the secret, without padding. */
static void base64(struct buf *out, const char *digits, const char *s, size_t n, size_t skip) {
    uint32_t bits = 0;
    int have = 0;
    for (size_t i = 0; i < n + skip; i++) {
        bits = bits << 8 | (i < skip ? 0 : (unsigned char)s[i - skip]);
        for (have += 8; have >= 6; have -= 6) buf_addc(out, digits[bits >> (have - 6) & 63]);
    }
    if (have) buf_addc(out, digits[bits << (6 - have) & 63]);
}

static void add_base64(const char *digits, const char *s, add_fn *add, void *ctx) {
    size_t n = strlen(s);
    for (size_t skip = 0; skip < 3; skip++) {
        struct buf b = BUF_INIT;
        base64(&b, digits, s, n, skip);
        size_t shared_end = (n + skip) % 3 != 0;
        size_t shared_start = skip ? skip + 1 : 0;
        if (!skip) add(ctx, b.s, b.len);
        if (b.len > shared_start + shared_end)
            add(ctx, b.s + shared_start, b.len - shared_start - shared_end);
        if (!skip && shared_end) {
            buf_adds(&b, n % 3 == 1 ? "==" : "=");
            add(ctx, b.s, b.len);
        }
        buf_release(&b);
    }
}

static bool unreserved(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("-._~", c));
}

static void add_percent(const char *s, const char *format, bool plus, add_fn *add, void *ctx) {
    struct buf b = BUF_INIT;
    for (; *s; s++) {
        if (unreserved(*s))
            buf_addc(&b, *s);
        else if (plus && *s == ' ')
            buf_addc(&b, '+');
        else
            buf_addf(&b, format, (unsigned char)*s);
    }
    add(ctx, b.s, b.len);
    buf_release(&b);
}

/* One UTF-8 character at *s as \uXXXX (a pair above the basic plane); bytes that are not UTF-8 stay as they
 * are. */
static void unicode_escape(struct buf *b, const char **s) {
    const unsigned char *p = (const unsigned char *)*s;
    size_t more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
    uint32_t c = more ? *p & (0x3fu >> more) : 0;
    for (size_t i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80) more = 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if (!more)
        buf_addc(b, **s);
    else if (c < 0x10000)
        buf_addf(b, "\\u%04x", c);
    else
        buf_addf(b, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10 & 0x3ff),
                 0xdc00 + ((c - 0x10000) & 0x3ff));
    *s += more;
}

static bool json_short(char c, char *letter) {
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *at = c ? strchr(from, c) : NULL;
    if (at) *letter = to[at - from];
    return at != NULL;
}

static void add_json(const char *s, bool ascii, bool slash, add_fn *add, void *ctx) {
    struct buf b = BUF_INIT;
    char letter;
    for (; *s; s++) {
        if (json_short(*s, &letter))
            buf_addf(&b, "\\%c", letter);
        else if ((unsigned char)*s < 0x20)
            buf_addf(&b, "\\u%04x", (unsigned)*s);
        else if (slash && *s == '/')
            buf_adds(&b, "\\/");
        else if (ascii && (unsigned char)*s >= 0x80)
            unicode_escape(&b, &s);
        else
            buf_addc(&b, *s);
    }
    add(ctx, b.s, b.len);
    buf_release(&b);
}

static void add_lines(const char *s, add_fn *add, void *ctx) {
    if (!strchr(s, '\n')) return;
    for (;;) {
        size_t n = strcspn(s, "\r\n");
        if (n >= MASK_LINE_MIN) add(ctx, s, n);
        s += n + strspn(s + n, "\r\n");
        if (!*s) return;
    }
}

void mask_forms(const char *secret, add_fn *add, void *ctx) {
    add(ctx, secret, strlen(secret));
    add_lines(secret, add, ctx);
    add_base64(b64_standard, secret, add, ctx);
    add_base64(b64_url, secret, add, ctx);
    add_percent(secret, "%%%02X", false, add, ctx);
    add_percent(secret, "%%%02x", false, add, ctx);
    add_percent(secret, "%%%02X", true, add, ctx);
    for (int ascii = 0; ascii < 2; ascii++)
        for (int slash = 0; slash < 2; slash++) add_json(secret, ascii, slash, add, ctx);
}
