/* buf.h: a growable byte string, always NUL-terminated. */
#ifndef LEAT_BASE_BUF_H
#define LEAT_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
    char *s;    /* NULL while empty and never written; buf_str() gives "" then */
    size_t len; /* without the NUL */
    size_t cap;
};

#define BUF_INIT                                                                                             \
    { 0 }

void buf_release(struct buf *b); /* frees the memory; b is empty and usable again */
void buf_clear(struct buf *b);   /* length 0, memory kept */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_addc(struct buf *b, char c);
void buf_adds(struct buf *b, const char *s);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void buf_sql_ident(struct buf *b, const char *s); /* "quoted", inner quotes doubled */
void buf_sql_text(struct buf *b, const char *s);  /* 'quoted', inner quotes doubled */
const char *buf_str(const struct buf *b);
char *buf_take(struct buf *b); /* hands the malloc'ed string over; b is empty after */

#endif
