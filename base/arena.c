/* arena.c: a list of blocks that grow with what is in it, up to a ceiling; large requests get a block of
 * their own. */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The next block is a fourth of what is there: little is left empty, and many bytes take few blocks. */
enum { BLOCK_MIN = 4096, BLOCK_MAX = 1 << 20, GROWS_AFTER = 4 };

struct block {
    struct block *next;
    size_t used, size;
    max_align_t data[];
};

struct arena {
    struct block *head;
    size_t next_size, bytes;
};

static _Noreturn void out_of_memory(size_t n) {
    fprintf(stderr, "leat: out of memory (asked for %zu bytes)\n", n);
    abort();
}

void *xmalloc(size_t n) {
    void *p = malloc(n ? n : 1);
    if (!p) out_of_memory(n);
    return p;
}

void *xcalloc(size_t n, size_t size) {
    void *p = calloc(n ? n : 1, size ? size : 1);
    if (!p) out_of_memory(n);
    return p;
}

void *xrealloc(void *p, size_t n) {
    void *q = realloc(p, n ? n : 1);
    if (!q) out_of_memory(n);
    return q;
}

char *xstrdup(const char *s) {
    if (!s) return NULL;
    size_t n = strlen(s) + 1;
    return memcpy(xmalloc(n), s, n);
}

void grow_array(void **p, size_t *cap, size_t need, size_t size) {
    if (need <= *cap) return;
    size_t n = *cap ? *cap : 8;
    while (n < need) {
        if (n > SIZE_MAX / 2 / size) out_of_memory(SIZE_MAX);
        n *= 2;
    }
    *p = xrealloc(*p, n * size);
    *cap = n;
}

struct arena *arena_new(void) {
    struct arena *a = xcalloc(1, sizeof *a);
    a->next_size = BLOCK_MIN;
    return a;
}

void arena_free(struct arena *a) {
    if (!a) return;
    for (struct block *b = a->head, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(a);
}

static struct block *add_block(struct arena *a, size_t n) {
    size_t size = a->next_size;
    if (n > size) size = n;
    struct block *b = xcalloc(1, sizeof *b + size);
    b->size = size;
    b->next = a->head;
    a->head = b;
    a->bytes += sizeof *b + size;
    if (a->bytes > a->next_size * GROWS_AFTER && a->next_size < BLOCK_MAX) a->next_size *= 2;
    return b;
}

void *arena_alloc(struct arena *a, size_t n) {
    const size_t align = sizeof(max_align_t);
    if (n > SIZE_MAX - align - sizeof(struct block)) out_of_memory(n);
    n = (n + align - 1) / align * align;
    struct block *b = a->head;
    if (!b || b->size - b->used < n) b = add_block(a, n);
    void *p = (char *)b->data + b->used;
    b->used += n;
    return p;
}

void *arena_array(struct arena *a, size_t n, size_t size) {
    if (size && n > SIZE_MAX / size) out_of_memory(SIZE_MAX);
    return arena_alloc(a, n * size);
}

char *arena_strndup(struct arena *a, const char *s, size_t n) {
    if (!s) return NULL;
    char *p = arena_alloc(a, n + 1);
    memcpy(p, s, n);
    p[n] = 0;
    return p;
}

char *arena_strdup(struct arena *a, const char *s) { return s ? arena_strndup(a, s, strlen(s)) : NULL; }

char *arena_printf(struct arena *a, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = arena_alloc(a, (size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}

size_t arena_bytes(const struct arena *a) { return a->bytes; }
