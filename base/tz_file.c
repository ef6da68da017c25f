/* tz_file.c: TZif files (RFC 9636).
 *
 * A file holds transitions (instant, type) and types (offset, dst, abbreviation). Version 2 and later repeat
 * the data with 64-bit times after the 32-bit block, then a footer between newlines: the rule for everything
 * later. Only the 64-bit block is read. Every count and index of the file is checked; a file that is not as
 * the RFC says is refused. */
#include "base/arena.h"
#include "base/limits.h"
#include "base/tz_inner.h"

#include <string.h>

enum { HEADER = 44, FOOTER = 128 };

#define BIG_BANG (-(INT64_C(1) << 59)) /* the earliest time there is, RFC 9636 3.2 */

struct header {
    size_t isutc, isstd, leap, time, type, chars;
};

static uint32_t be32(const char *p) {
    const unsigned char *s = (const unsigned char *)p;
    return (uint32_t)s[0] << 24 | (uint32_t)s[1] << 16 | (uint32_t)s[2] << 8 | s[3];
}

static int64_t be64(const char *p) { return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4)); }

static bool none_or_all(size_t n, size_t all) { return n == 0 || n == all; }

static bool read_header(const char *p, size_t left, struct header *h) {
    if (left < HEADER || memcmp(p, "TZif", 4) != 0) return false;
    *h = (struct header){be32(p + 20), be32(p + 24), be32(p + 28), be32(p + 32), be32(p + 36), be32(p + 40)};
    return h->type && h->type <= 256 && h->chars && h->chars < LIMIT_TZ_FILE_BYTES &&
           h->time < LIMIT_TZ_FILE_BYTES && h->leap < LIMIT_TZ_FILE_BYTES && none_or_all(h->isutc, h->type) &&
           none_or_all(h->isstd, h->type);
}

static size_t data_size(const struct header *h, size_t time_size) {
    return h->time * time_size + h->time + h->type * 6 + h->chars + h->leap * (time_size + 4) + h->isstd +
           h->isutc;
}

static bool read_types(struct tz *z, const char *p, const struct header *h) {
    const char *chars = p + h->type * 6;
    z->types = xcalloc(h->type, sizeof *z->types);
    z->type_count = h->type;
    for (size_t i = 0; i < h->type; i++, p += 6) {
        size_t at = (unsigned char)p[5];
        if (at >= h->chars || !memchr(chars + at, 0, h->chars - at)) return false;
        z->types[i] =
            (struct tz_type){.offset = (int32_t)be32(p), .dst = p[4] != 0, .abbreviation = chars + at};
        if (z->types[i].offset < -TZ_OFFSET_MAX || z->types[i].offset > TZ_OFFSET_MAX) return false;
    }
    return true;
}

static bool read_times(struct tz *z, const char *p, const struct header *h) {
    z->times = xcalloc(h->time, sizeof *z->times);
    z->indexes = xcalloc(h->time, sizeof *z->indexes);
    z->time_count = h->time;
    for (size_t i = 0; i < h->time; i++) {
        z->times[i] = be64(p + i * 8);
        z->indexes[i] = (uint8_t)p[h->time * 8 + i];
        if (z->indexes[i] >= h->type || z->times[i] < (i ? z->times[i - 1] + 1 : BIG_BANG)) return false;
    }
    return true;
}

/* Empty: the last type goes on. */
static bool read_footer(struct tz *z, const char *p, size_t left) {
    if (left < 2 || *p != '\n') return false;
    const char *end = memchr(p + 1, '\n', left - 1);
    char rule[FOOTER];
    size_t n = end ? (size_t)(end - p) - 1 : sizeof rule;
    if (n >= sizeof rule) return false;
    memcpy(rule, p + 1, n);
    rule[n] = 0;
    return !n || tz_rule_parse(rule, &z->rule);
}

const char *tz_file_parse(struct tz *z, size_t left) {
    static const char *const odd = "is not a zone file as RFC 9636 describes";
    const char *p = z->data;
    struct header h;
    if (!read_header(p, left, &h)) return odd;
    if (p[4] < '2') return "is a zone file of version 1, whose times end in 2038";
    size_t skip = HEADER + data_size(&h, 4);
    if (skip > left || !read_header(p + skip, left - skip, &h)) return odd;
    if (h.leap) return "counts leap seconds, which POSIX time does not";
    p += skip, left -= skip;
    size_t size = HEADER + data_size(&h, 8);
    bool good = size <= left && read_times(z, p + HEADER, &h) && read_types(z, p + HEADER + h.time * 9, &h) &&
                read_footer(z, p + size, left - size);
    return good ? NULL : odd;
}
