/* link.h: the warden's end of the socket: one conductor at a time.
 *
 * While one is connected another is refused with the holder's pid; a conductor that died is noticed first
 * (what it had sent is still obeyed), so its successor never has to wait. Only processes of the same user are
 * listened to. */
#ifndef LEAT_WARDEN_LINK_H
#define LEAT_WARDEN_LINK_H

#include "warden/protocol.h"
#include "warden/supervise.h"

#define SOCKET_FILE "warden.sock"

struct link {
    int epoll, listener, conductor; /* conductor: -1 when there is none */
    bool greeted, writing;
    pid_t peer;
    struct buf in, out;
    size_t sent;
    struct supervisor *s;
};

int link_open(struct link *l, int state_dir, struct err *err); /* fill in epoll and s first */
void link_close(struct link *l);
void link_accept(struct link *l);                    /* the listener is readable */
void link_receive(struct link *l);                   /* the conductor's socket is readable */
void link_send(struct link *l, const struct msg *m); /* queued; without a conductor dropped */
void link_flush(struct link *l);

#endif
