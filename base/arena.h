/* arena.h: memory that lives and dies together.
 *
 * An arena belongs to one lifetime (a pipeline, a run, one turn of the loop). Blocks are never freed alone.
 * Running out of memory aborts the process with a message: recovery is the start path, so dying loses
 * nothing. */
#ifndef LEAT_BASE_ARENA_H
#define LEAT_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);                          /* NULL is fine */
void *arena_alloc(struct arena *a, size_t n);              /* zeroed, aligned for any type; never NULL */
void *arena_array(struct arena *a, size_t n, size_t size); /* zeroed; aborts when n * size overflows */
char *arena_strdup(struct arena *a, const char *s);        /* NULL in, NULL out */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
size_t arena_bytes(const struct arena *a); /* bytes taken from the system */

/* malloc family that aborts instead of returning NULL. */
void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);

/* Makes room for `need` elements of `size` bytes in the malloc'ed array *p of *cap elements (doubling).
 * GROW(array, count, cap) makes room for one more element after `count`. */
void grow_array(void **p, size_t *cap, size_t need, size_t size);
#define GROW(p, n, cap) grow_array((void **)&(p), &(cap), (n) + 1, sizeof *(p))

#endif
