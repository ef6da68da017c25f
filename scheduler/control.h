/* control.h: the conductor's socket, <state>/leat.sock (mode 0600, same user only): one JSON line asks, one
 * answers.
 *
 * What may be asked is the table of conductor/asks.c. */
#ifndef LEAT_SCHEDULER_CONTROL_H
#define LEAT_SCHEDULER_CONTROL_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

struct control;

/* Answers a request: new reference. */
typedef json_t *control_answer(void *ctx, const json_t *request);

struct control_options {
    const char *state;
    control_answer *answer;
    void *ctx;
    int listen_fd; /* of control_keep(); 0: none */
};

/* Binds. A socket file left by a dead conductor is replaced (the caller holds the instance lock). Who asks
 * from now on waits, until control_listen() answers on the loop. */
struct control *control_open(uv_loop_t *loop, const struct control_options *o, struct err *err);
int control_listen(struct control *c, struct err *err);
/* The socket has its name still: who asks finds it. */
bool control_there(const struct control *c);
bool control_busy(const struct control *c); /* somebody asked who has no answer yet */
/* A descriptor of the listening socket that outlives control_close() and exec(), for
 * control_options.listen_fd: who asks in between waits. 0 when it cannot be had. */
int control_keep(struct control *c);
void control_close(struct control *c); /* the loop must run once more before it is closed; NULL is fine */

/* The other side, blocking for half a minute at most, or as long as the request's `patience_seconds`
 * says: 0 with *answer (new reference), -1 with err; 1 when nobody listens, or whoever did ended
 * without having read it: nothing was done. */
int control_ask(const char *state, const json_t *request, json_t **answer, struct err *err);

#endif
