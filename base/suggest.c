/* suggest.c: see suggest.h. */
#include "base/suggest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { WORD_MAX_LEN = 64 };

static size_t min3(size_t a, size_t b, size_t c) { return a < b ? (a < c ? a : c) : (b < c ? b : c); }
static int folded(char c) { return tolower((unsigned char)c); }

size_t edit_distance(const char *a, const char *b, size_t limit) {
    size_t la = strlen(a), lb = strlen(b);
    if (la > WORD_MAX_LEN || lb > WORD_MAX_LEN) return strcasecmp(a, b) == 0 ? 0 : limit + 1;
    size_t d[3][WORD_MAX_LEN + 1]; /* the row being filled and the two before it */
    for (size_t j = 0; j <= lb; j++) d[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t *row = d[i % 3], *up = d[(i + 2) % 3], *up2 = d[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t cost = folded(a[i - 1]) != folded(b[j - 1]);
            row[j] = min3(up[j] + 1, row[j - 1] + 1, up[j - 1] + cost);
            int swapped = i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                          folded(a[i - 2]) == folded(b[j - 1]);
            if (swapped && up2[j - 2] + 1 < row[j]) row[j] = up2[j - 2] + 1;
        }
    }
    size_t n = d[la % 3][lb];
    return n > limit ? limit + 1 : n;
}

static const char *unique_prefix(const char *word, const char *const *c, size_t n) {
    const char *found = NULL;
    size_t len = strlen(word);
    if (len < 2) return NULL;
    for (size_t i = 0; i < n; i++) {
        if (strncasecmp(word, c[i], len) != 0) continue;
        if (found && strcmp(found, c[i]) != 0) return NULL;
        found = c[i];
    }
    return found;
}

const char *suggest(const char *word, const char *const *c, size_t n) {
    size_t limit = (strlen(word) + 2) / 3, best = limit + 1;
    const char *found = NULL;
    int ties = 0;
    for (size_t i = 0; i < n; i++) {
        size_t d = edit_distance(word, c[i], limit);
        if (d > limit) continue;
        if (d < best)
            best = d, found = c[i], ties = 0;
        else if (d == best && found && strcmp(found, c[i]) != 0)
            ties++;
    }
    if (found && !ties) return found;
    return found ? NULL : unique_prefix(word, c, n);
}
