/* landing.h: which landing files a `files` bookmark lets through; private to operators/.
 *
 *   settle      files changed less than this ago are left for the next run
 *   horizon     older files are left alone: the set may have forgotten that they were consumed
 *   identity    path, size and mtime; or the content's hash
 *   on_change   a consumed file that changed since: reprocess (the new one instead of its old copy), ignore,
 *               fail */
#ifndef LEAT_OPERATORS_LANDING_H
#define LEAT_OPERATORS_LANDING_H

#include "base/sha256.h"
#include "operators/glob.h"
#include "operators/work.h"

#include <stdbool.h>

struct landing_file {
    const char *path, *name;
    int64_t size, mtime_ns;
    char hash[SHA256_HEX]; /* "" unless identity: hash */
    bool replaces;         /* an earlier copy of it is live */
};

struct landing {
    struct found found;
    struct landing_file *files; /* to take */
    size_t count;
    size_t known, unsettled, past, ignored; /* left alone, and why */
    bool bookmarked;
};

/* match: array of patterns for names, NULL: any. */
int landing_look(struct work *w, const char *from, const json_t *match, struct landing *out, struct err *err);
void landing_release(struct landing *l);

#endif
