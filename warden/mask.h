/* mask.h: hides secrets in a stream of bytes.
 *
 * Each secret of at least MASK_MIN bytes is looked for as it is, base64 (at any of the three alignments, both
 * alphabets), percent- and form-encoded, JSON-escaped; and line by line when it has several. Found ones
 * become "***". Bytes that could be the beginning of a secret are held back until it is known what follows,
 * so a secret that is cut by a buffer's edge is found too. */
#ifndef LEAT_WARDEN_MASK_H
#define LEAT_WARDEN_MASK_H

#include "base/buf.h"

enum {
    MASK_MIN = 6,       /* shorter secrets would mask ordinary words */
    MASK_LINE_MIN = 16, /* shorter lines of a longer secret are punctuation and words ("{", "END") */
};

struct mask;

struct mask *
mask_new(const char *const *secrets); /* NULL when there is nothing to hide; secrets may be NULL */
void mask_free(struct mask *m);
void mask_feed(struct mask *m, const char *p, size_t n, struct buf *out); /* appends what is safe to show */
/* The stream is over: what was held back comes out, and is hidden when it is MASK_MIN or more bytes of a
 * secret. */
void mask_end(struct mask *m, struct buf *out);

#endif
