/* utf8.h: just enough Unicode to check text and to put things into columns.
 *
 * Widths follow Unicode's East Asian Width (wide and full width count two columns) and the combining marks
 * that terminals draw on top of the character before them. No locale is asked. */
#ifndef LEAT_BASE_UTF8_H
#define LEAT_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Decodes one character of the n > 0 bytes at s. Returns its length in bytes; for bytes that are not UTF-8
 * (RFC 3629: no overlong forms, no surrogates) returns 1 and sets *c to UINT32_MAX. */
size_t utf8_decode(const char *s, size_t n, uint32_t *c);
/* Offset of the first byte that is not UTF-8, or n when all is well. */
size_t utf8_check(const char *s, size_t n);
/* How much of the first n bytes of a longer text can be kept without a piece of a character at the end. */
size_t utf8_whole(const char *s, size_t n);
/* Makes UTF-8 of a text in place: each byte that is none becomes a `?`. */
void utf8_mend(char *text);
int utf8_width(uint32_t c);                      /* 0, 1 or 2 columns */
size_t utf8_columns(const char *s, size_t n);    /* of a text without line breaks */
size_t utf8_characters(const char *s, size_t n); /* a broken byte counts as one */

#endif
