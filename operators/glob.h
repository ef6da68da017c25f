/* glob.h: the files a `from:` means: a file, a folder with everything below it, or a pattern.
 *
 * `*`, `?` and `[…]` stay inside one name, `**` stands for any number of folders. Hidden names (`.`) are
 * taken only by patterns that begin with a point; names with `_` in front are left alone below a folder. A
 * symbolic link to a file is that file; `**` and folders do not follow links to folders, so no walk goes in
 * circles. */
#ifndef LEAT_OPERATORS_GLOB_H
#define LEAT_OPERATORS_GLOB_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct found_file {
    char *path;       /* as `from` was written: relative stays relative */
    const char *name; /* the part below the fixed beginning of `from`: unique in the list */
    int64_t size, mtime_ns;
};

struct found {
    struct found_file *files; /* sorted by path */
    size_t count, cap;
};

/* Relative patterns start at the current folder. A missing folder finds nothing; an unreadable one is an
 * error. */
int glob_find(const char *from, struct found *out, struct err *err);
/* 1: something is there, a file or a folder; 0: nothing yet. The search ends with the first match. */
int glob_any(const char *from, struct err *err);
void found_release(struct found *f);
/* Takes one out. */
void found_drop(struct found *f, size_t index);

#endif
