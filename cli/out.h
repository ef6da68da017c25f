/* out.h: a stream and what it can show: colour, box characters, width.
 *
 * stdout and stderr are asked separately. NO_COLOR, LEAT_NO_COLOR and TERM=dumb switch colour off,
 * FORCE_COLOR and --color=always on (clig.dev, no-color.org). Box characters only where the locale is UTF-8.
 * Status is always also a word, never colour alone. */
#ifndef LEAT_CLI_OUT_H
#define LEAT_CLI_OUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct out {
    FILE *file;
    bool tty, color, utf8;
    int columns; /* of the terminal; 0: not one, never truncate */
};

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
enum paint { PAINT_NONE, PAINT_BOLD, PAINT_DIM, PAINT_RED, PAINT_GREEN, PAINT_YELLOW, PAINT_CYAN };

struct out out_open(FILE *file, enum color_when when);
void out_printf(const struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The text in a colour, padded to `width` display columns (negative: to the right). */
void out_paint(const struct out *o, enum paint paint, const char *text, int width);
/* The colour of a status word: ok green, warn yellow, failed red, … */
enum paint out_status_paint(const char *word);
const char *out_arrow(const struct out *o);    /* "→" or "->" */
const char *out_ellipsis(const struct out *o); /* "…" or "..." */

/* Reals of documents and events: fifteen digits, so that 0.012538 s is not 0.012538000000000001. */
#define OUT_JSON_REALS JSON_REAL_PRECISION(15)

/* The one document of a command on stdout: {"schema": "leat.<noun>/1", "generated_at", "items"}. Steals
 * items. */
void out_document(const struct out *o, const char *noun, json_t *items);
/* The same with one more member; steals both. */
void out_document_beside(const struct out *o, const char *noun, json_t *items, const char *key,
                         json_t *value);

#endif
