/* format.h: numbers as people read them. Thousands separators only on a terminal. */
#ifndef LEAT_CLI_FORMAT_H
#define LEAT_CLI_FORMAT_H

#include "cli/out.h"

#include <stdint.h>

enum { FORMAT_TEXT = 40 };

/* 14,402,118 on a terminal, 14402118 elsewhere; "" for a negative number (not known). Returns text. */
const char *format_count(const struct out *o, int64_t n, char text[FORMAT_TEXT]);
/* 1.9 GB in binary units with one decimal; whole bytes below 1 KB; "" for a negative number. */
const char *format_bytes(int64_t n, char text[FORMAT_TEXT]);
/* "1 file", "3 files": an s is added, or es. */
const char *format_plural(int64_t n, const char *noun, char text[FORMAT_TEXT]);

#endif
