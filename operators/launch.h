/* launch.h: helpers for operators that only fill an argv; private to operators/. */
#ifndef LEAT_OPERATORS_LAUNCH_H
#define LEAT_OPERATORS_LAUNCH_H

#include "operators/op.h"

/* Linux takes at most this many bytes, NUL included, in one argument (MAX_ARG_STRLEN, 32 pages). */
enum { LAUNCH_ARG_BYTES = 32 * 4096 };

/* A malloc'ed argv of copies; NULL with err when an element is too long for one argument. */
char **launch_argv(const char *const *words, size_t n, struct err *err);
void op_launch_release(struct op_launch *l);

#endif
