/* copyurl.h: `copy:` from an http(s) URL; private to operators/. */
#ifndef LEAT_OPERATORS_COPYURL_H
#define LEAT_OPERATORS_COPYURL_H

#include "operators/work.h"

#include <stdbool.h>

bool copy_is_url(const char *from);

/* Downloads into the stage. staged: the name below the stage, malloc'ed; source: {path, size, mtime_ns, etag,
 * hash}, new reference. 1: the content is what the bookmark has seen already. */
int copy_url(struct work *w, const char *url, char **staged, json_t **source, struct err *err);

#endif
