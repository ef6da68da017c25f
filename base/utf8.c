/* utf8.c: see utf8.h. */
#include "base/utf8.h"

#include <string.h>

static const struct {
    uint32_t first, last;
} zero_width[] =
    {
        {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a},   {0x064b, 0x065f},
        {0x06d6, 0x06dc}, {0x0900, 0x0902}, {0x093c, 0x093c}, {0x0941, 0x0948},   {0x0e31, 0x0e31},
        {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},   {0x200b, 0x200f},
        {0x202a, 0x202e}, {0x2060, 0x2064}, {0x20d0, 0x20ff}, {0x302a, 0x302d},   {0x3099, 0x309a},
        {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef},
},
  double_width[] = {
      {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
      {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xa960, 0xa97c},   {0xac00, 0xd7a3},
      {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
      {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

/* Per length: the bits that mark a lead byte, the bits it carries, and the least character worth it. */
static const struct {
    unsigned char mask, lead, bits;
    uint32_t least;
} lengths[] = {
    {0x80, 0x00, 0x7f, 0}, {0xe0, 0xc0, 0x1f, 0x80}, {0xf0, 0xe0, 0x0f, 0x800}, {0xf8, 0xf0, 0x07, 0x10000}};

static size_t broken(uint32_t *c) {
    *c = UINT32_MAX;
    return 1;
}

size_t utf8_decode(const char *text, size_t n, uint32_t *c) {
    const unsigned char *s = (const unsigned char *)text;
    size_t len = 0;
    while (len < 4 && (s[0] & lengths[len].mask) != lengths[len].lead) len++;
    if (len == 4 || len >= n) return broken(c);
    uint32_t v = s[0] & lengths[len].bits;
    for (size_t i = 1; i <= len; i++) {
        if ((s[i] & 0xc0) != 0x80) return broken(c);
        v = v << 6 | (s[i] & 0x3fu);
    }
    if (v < lengths[len].least || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff)) return broken(c);
    *c = v;
    return len + 1;
}

size_t utf8_check(const char *s, size_t n) {
    uint32_t c;
    for (size_t i = 0, len; i < n; i += len) {
        len = (unsigned char)s[i] < 0x80 ? 1 : utf8_decode(s + i, n - i, &c);
        if ((unsigned char)s[i] >= 0x80 && c == UINT32_MAX) return i;
    }
    return n;
}

static size_t length_of(unsigned char lead) {
    for (size_t len = 0; len < 4; len++)
        if ((lead & lengths[len].mask) == lengths[len].lead) return len + 1;
    return 1;
}

size_t utf8_whole(const char *s, size_t n) {
    size_t at = n;
    while (at > 0 && n - at < 4 && ((unsigned char)s[at - 1] & 0xc0) == 0x80) at--;
    if (at == 0) return n;
    return length_of((unsigned char)s[at - 1]) > n - at + 1 ? at - 1 : n;
}

void utf8_mend(char *text) {
    size_t n = strlen(text);
    for (size_t i = 0; (i += utf8_check(text + i, n - i)) < n;) text[i] = '?';
}

int utf8_width(uint32_t c) {
    if (c < 0x300) return 1;
    for (size_t i = 0; i < sizeof zero_width / sizeof *zero_width; i++)
        if (c >= zero_width[i].first && c <= zero_width[i].last) return 0;
    for (size_t i = 0; i < sizeof double_width / sizeof *double_width; i++)
        if (c >= double_width[i].first && c <= double_width[i].last) return 2;
    return 1;
}

size_t utf8_columns(const char *s, size_t n) {
    size_t columns = 0;
    uint32_t c;
    for (size_t i = 0; i < n;) {
        i += utf8_decode(s + i, n - i, &c);
        columns += (size_t)utf8_width(c);
    }
    return columns;
}

size_t utf8_characters(const char *s, size_t n) {
    size_t count = 0;
    uint32_t c;
    for (size_t i = 0; i < n; count++) i += utf8_decode(s + i, n - i, &c);
    return count;
}
