/* diag.h: diagnostics of text files: errors and warnings with a place, collected, sorted, capped, rendered.
 *
 * A span is two byte offsets into the source's text; line, column and caret are computed only when printing
 * (columns count characters from 1; carets are placed in display columns). */
#ifndef LEAT_BASE_DIAG_H
#define LEAT_BASE_DIAG_H

#include "base/arena.h"
#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct source {
    const char *path; /* as shown to people, relative to the project where it can be */
    const char *text;
    size_t len;
};

struct span {
    const struct source *source; /* NULL: nowhere */
    uint32_t start, end;         /* byte offsets, end exclusive */
};

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

struct fix {
    struct span at;
    const char *text; /* what to put there */
};

struct diag {
    char code[8]; /* "E0104" */
    enum severity severity;
    const char *message; /* stands alone, one line */
    struct span at;
    const char *label; /* what was found, under the caret; may be NULL */
    struct span also;  /* secondary place; also.source NULL: none */
    const char *also_label;
    const char *help; /* what to type, may have several lines; may be NULL */
    const char *note;
    struct fix fix; /* fix.text NULL: none */
};

struct diags {
    struct arena *arena; /* texts live here */
    struct diag *list;
    size_t count, cap, errors, warnings;
};

struct diags *diags_new(void);
void diags_free(struct diags *d);

/* Adds one and returns it for more detail (label, help, …); valid until the next call. The severity follows
 * the code's first letter. */
struct diag *diag_add(struct diags *d, const char *code, struct span at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

enum diag_format { DIAG_HUMAN, DIAG_JSON, DIAG_GCC, DIAG_GITHUB };

struct place {
    uint32_t line, column; /* from 1; columns count characters */
};
struct place place_of(const struct source *s, uint32_t offset);

void diags_sort(struct diags *d); /* by file, line, column; drops exact repeats */
void diags_render(struct diags *d, enum diag_format format, size_t max, bool color,
                  struct buf *out); /* not DIAG_JSON */
json_t *diags_json(struct diags *d,
                   const char *path); /* array of those of one file (NULL: all), cli.md 1.6 shape */

#endif
