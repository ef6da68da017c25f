/* control.h: the conductor's socket, <state>/leat.sock (mode 0600, same user only): one JSON line asks, one
 * answers.
 *
 * What may be asked is the table of conductor/asks.c. */
#ifndef LEAT_SCHEDULER_CONTROL_H
#define LEAT_SCHEDULER_CONTROL_H

#include "base/err.h"

#include <jansson.h>
#include <uv.h>

struct control;

/* Answers a request: new reference. */
typedef json_t *control_answer(void *ctx, const json_t *request);

/* Binds and listens on the loop. A socket file left by a dead conductor is replaced (the caller holds the
 * instance lock). */
struct control *control_open(uv_loop_t *loop, const char *state, control_answer *answer, void *ctx,
                             struct err *err);
void control_close(struct control *c); /* the loop must run once more before it is closed; NULL is fine */

/* The other side, blocking for a few seconds at most: 0 with *answer (new reference), 1 when nobody listens,
 * -1 with err. */
int control_ask(const char *state, const json_t *request, json_t **answer, struct err *err);

#endif
