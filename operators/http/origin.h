/* origin.h: whether two URLs lead to the same place: scheme, host and port. */
#ifndef LEAT_OPERATORS_HTTP_ORIGIN_H
#define LEAT_OPERATORS_HTTP_ORIGIN_H

#include <stdbool.h>

bool http_same_origin(const char *a, const char *b); /* false when one of them is no URL */

#endif
