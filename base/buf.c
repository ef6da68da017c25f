/* buf.c: growth by doubling; a failed allocation aborts (arena.h says why). */
#include "base/buf.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(struct buf *b, size_t more) {
    size_t cap = b->cap;
    grow_array((void **)&b->s, &cap, b->len + more + 1, 1);
    b->cap = cap;
}

void buf_release(struct buf *b) {
    free(b->s);
    *b = (struct buf)BUF_INIT;
}

void buf_clear(struct buf *b) {
    b->len = 0;
    if (b->s) b->s[0] = 0;
}

void buf_add(struct buf *b, const void *p, size_t n) {
    reserve(b, n);
    if (n) memcpy(b->s + b->len, p, n);
    b->len += n;
    b->s[b->len] = 0;
}

void buf_addc(struct buf *b, char c) { buf_add(b, &c, 1); }
void buf_adds(struct buf *b, const char *s) { buf_add(b, s, strlen(s)); }

void buf_vaddf(struct buf *b, const char *fmt, va_list ap) {
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n > 0) {
        reserve(b, (size_t)n);
        vsnprintf(b->s + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void buf_addf(struct buf *b, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    buf_vaddf(b, fmt, ap);
    va_end(ap);
}

static void add_doubled(struct buf *b, const char *s, char q) {
    buf_addc(b, q);
    for (; *s; s++) {
        if (*s == q) buf_addc(b, q);
        buf_addc(b, *s);
    }
    buf_addc(b, q);
}

void buf_sql_ident(struct buf *b, const char *s) { add_doubled(b, s, '"'); }
void buf_sql_text(struct buf *b, const char *s) { add_doubled(b, s, '\''); }
const char *buf_str(const struct buf *b) { return b->s ? b->s : ""; }

char *buf_take(struct buf *b) {
    char *s = b->s ? b->s : xstrdup("");
    *b = (struct buf)BUF_INIT;
    return s;
}
