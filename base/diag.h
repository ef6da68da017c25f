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

/* A source as diagnostics keep it: a copy, so that they outlive the pipeline they are about. */
struct diag_source {
    const struct source *from; /* whose copy this is; compared, never followed */
    const char *from_text;
    struct source copy;
    uint32_t *lines; /* offset of each line, made when first asked for */
    uint32_t line_count;
};

struct diags {
    struct arena *arena; /* texts live here */
    struct diag *list;
    size_t count, cap, errors, warnings; /* past LIMIT_DIAG_KEPT they are only counted */
    struct diag_source **sources;
    size_t source_count, source_cap;
    struct diag spare; /* what diag_add hands out past the limit */
};

struct diags *diags_new(void);
void diags_free(struct diags *d);

/* Adds one and returns it for more detail (label, help, …); valid until the next call. The severity follows
 * the code's first letter. The source is copied: it may go before the diagnostics do. */
struct diag *diag_add(struct diags *d, const char *code, struct span at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void diag_label(struct diags *d, struct diag *g, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void diag_help(struct diags *d, struct diag *g, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void diag_note(struct diags *d, struct diag *g, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void diag_also(struct diags *d, struct diag *g, struct span at, const char *label); /* label is copied */
void diag_fix(struct diags *d, struct diag *g, struct span at, const char *text);   /* text is copied */
/* "did you mean `word`?" as the label, and the fix that puts it there; nothing when word is NULL. */
void diag_meant(struct diags *d, struct diag *g, const char *word);

enum diag_format { DIAG_HUMAN, DIAG_JSON, DIAG_GCC, DIAG_GITHUB };

struct place {
    uint32_t line, column; /* from 1; columns count characters */
};
struct place place_of(const struct source *s, uint32_t offset);

void diags_sort(struct diags *d); /* by file, line, column; drops exact repeats */
/* At most max of them, then how many more there are; DIAG_HUMAN ends with a line that counts. Call
 * diags_sort first. Not for DIAG_JSON. */
void diags_render(struct diags *d, enum diag_format format, size_t max, bool color, struct buf *out);
/* "pipelines/x.yaml:31:5: the message (the label)" of the first error; malloc'ed; NULL: there is none. */
char *diags_first(struct diags *d);
json_t *diags_json(struct diags *d,
                   const char *path); /* array of those of one file (NULL: all), cli.md 1.6 shape */

/* The text of the file at `path` with every fix of its diagnostics applied (overlapping ones: the first).
 * Returns how many; out is the whole new text. 0: out is untouched. */
size_t diags_apply_fixes(struct diags *d, const char *path, struct buf *out);

#endif
