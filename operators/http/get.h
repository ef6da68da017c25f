/* get.h: one small answer of a local HTTP service, as text. */
#ifndef LEAT_OPERATORS_HTTP_GET_H
#define LEAT_OPERATORS_HTTP_GET_H

#include <stddef.h>

/* The body of a 200 answer of at most max bytes, malloc'ed; NULL when anything else happened within
 * timeout_ms. Never through a proxy. */
char *http_get(const char *url, long timeout_ms, size_t max);

#endif
