/* mask.c: looks for any of a few patterns in a stream.
 *
 * The patterns are sorted by their first byte, longest first. A bitmap of the first two bytes turns away
 * nearly every position at the cost of one load, so output without secrets passes at memory speed.
 *
 * Invariant: `held` is empty or begins with a proper prefix of a pattern. At one position the longest
 * candidate decides: while it is still possible nothing is let out, even when a shorter one is already whole.
 */
#include "warden/mask.h"

#include "base/arena.h"
#include "warden/mask_forms.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct pattern {
    char *s;
    size_t n;
};

struct mask {
    struct pattern *patterns;
    size_t count, cap;
    size_t first[257];         /* patterns of first byte b: [first[b], first[b + 1]) */
    unsigned char pairs[8192]; /* bit: some pattern begins with these two bytes */
    struct buf held;
};

enum { NO_MATCH = 0, UNDECIDED = -1 };

static bool has_pattern(const struct mask *m, const char *p, size_t n) {
    for (size_t i = 0; i < m->count; i++)
        if (m->patterns[i].n == n && memcmp(m->patterns[i].s, p, n) == 0) return true;
    return false;
}

static void add_pattern(void *ctx, const char *p, size_t n) {
    struct mask *m = ctx;
    if (n < MASK_MIN || n > INT_MAX || has_pattern(m, p, n)) return;
    GROW(m->patterns, m->count, m->cap);
    m->patterns[m->count] = (struct pattern){.s = xmalloc(n), .n = n};
    memcpy(m->patterns[m->count++].s, p, n);
}

static int pattern_order(const void *a, const void *b) {
    const struct pattern *x = a, *y = b;
    int bytes = (unsigned char)x->s[0] - (unsigned char)y->s[0];
    return bytes ? bytes : (x->n < y->n) - (x->n > y->n);
}

static unsigned pair_of(const char *p) { return (unsigned)(unsigned char)p[0] << 8 | (unsigned char)p[1]; }

static void index_patterns(struct mask *m) {
    qsort(m->patterns, m->count, sizeof *m->patterns, pattern_order);
    for (size_t i = 0; i < m->count; i++) {
        unsigned pair = pair_of(m->patterns[i].s);
        m->pairs[pair / 8] |= (unsigned char)(1u << pair % 8);
        m->first[(pair >> 8) + 1]++;
    }
    for (size_t b = 0; b < 256; b++) m->first[b + 1] += m->first[b];
}

struct mask *mask_new(const char *const *secrets) {
    struct mask *m = xcalloc(1, sizeof *m);
    for (size_t i = 0; secrets && secrets[i]; i++)
        if (strlen(secrets[i]) >= MASK_MIN) mask_forms(secrets[i], add_pattern, m);
    if (!m->count) return free(m), NULL;
    index_patterns(m);
    return m;
}

void mask_free(struct mask *m) {
    if (!m) return;
    for (size_t i = 0; i < m->count; i++) free(m->patterns[i].s);
    free(m->patterns);
    buf_release(&m->held);
    free(m);
}

static bool possible(const struct mask *m, const char *p, size_t left) {
    if (left == 1) return m->first[(unsigned char)*p] != m->first[(unsigned char)*p + 1];
    unsigned pair = pair_of(p);
    return m->pairs[pair / 8] >> pair % 8 & 1;
}

/* Length of the pattern at p, NO_MATCH, or UNDECIDED when the bytes end inside one that still fits. */
static int match_at(const struct mask *m, const char *p, size_t left) {
    if (!possible(m, p, left)) return NO_MATCH;
    unsigned char b = (unsigned char)*p;
    for (size_t i = m->first[b]; i < m->first[b + 1]; i++) {
        const struct pattern *x = &m->patterns[i];
        if (memcmp(x->s, p, x->n < left ? x->n : left) != 0) continue;
        return x->n <= left ? (int)x->n : UNDECIDED;
    }
    return NO_MATCH;
}

/* Extends a match over patterns that begin inside it. False: the bytes end before that can be known. */
static bool whole_match(const struct mask *m, const char *p, size_t left, size_t *n) {
    for (size_t i = 1; i < *n; i++) {
        int inside = match_at(m, p + i, left - i);
        if (inside == UNDECIDED) return false;
        if (inside > 0 && i + (size_t)inside > *n) *n = i + (size_t)inside;
    }
    return true;
}

/* Copies [p, p + n) to out with matches replaced. Returns how many bytes at the end are undecided. */
static size_t scan(const struct mask *m, const char *p, size_t n, struct buf *out) {
    size_t from = 0, i = 0;
    while (i < n) {
        int match = match_at(m, p + i, n - i);
        if (match == NO_MATCH) {
            i++;
            continue;
        }
        size_t length = match > 0 ? (size_t)match : 0;
        buf_add(out, p + from, i - from);
        if (match == UNDECIDED || !whole_match(m, p + i, n - i, &length)) return n - i;
        buf_adds(out, "***");
        from = i += length;
    }
    buf_add(out, p + from, n - from);
    return 0;
}

void mask_feed(struct mask *m, const char *p, size_t n, struct buf *out) {
    if (!n) return;
    size_t kept;
    if (!m->held.len) {
        kept = scan(m, p, n, out);
        buf_add(&m->held, p + n - kept, kept);
        return;
    }
    buf_add(&m->held, p, n);
    kept = scan(m, m->held.s, m->held.len, out);
    memmove(m->held.s, m->held.s + m->held.len - kept, kept);
    m->held.len = kept;
}

/* What is held matches the beginning of a pattern to its last byte. */
void mask_end(struct mask *m, struct buf *out) {
    if (m->held.len >= MASK_MIN)
        buf_adds(out, "***");
    else if (m->held.len)
        buf_add(out, m->held.s, m->held.len);
    buf_clear(&m->held);
}
