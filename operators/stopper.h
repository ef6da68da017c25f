/* stopper.h: SIGTERM and SIGINT as a question ("were we asked to stop?") instead of an interruption.
 *
 * The signals are blocked in every thread and taken by one that waits for nothing else; it sets the flag and
 * calls the function registered last, which may do anything a thread may do (interrupt the engine, signal a
 * child). */
#ifndef LEAT_OPERATORS_STOPPER_H
#define LEAT_OPERATORS_STOPPER_H

#include "base/err.h"

#include <signal.h>
#include <stdbool.h>

struct stopper;

/* Blocks the signals for the calling thread and all that it starts from here on. NULL with err. */
struct stopper *stopper_start(struct err *err);
/* Ends the thread and puts the old signal mask back; NULL is fine. */
void stopper_end(struct stopper *s);
bool stopper_stopped(const struct stopper *s);
/* fn(ctx) is called once for every stop signal from now on; NULL: nothing is. Not called after this returns
 * with another function. */
void stopper_on_stop(struct stopper *s, void (*fn)(void *ctx), void *ctx);
/* The mask a child must start with: as it was before stopper_start(). */
const sigset_t *stopper_mask(const struct stopper *s);

#endif
