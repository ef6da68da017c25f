/* protocol.h: what conductor and warden say to each other.
 *
 * A datagram of the SOCK_SEQPACKET socket holds one or more frames:
 *
 *     u32 length of what follows | u8 type | the fields of the type, in the order of enum msg_field
 *
 * Integers are little endian; a text is u32 length, bytes, NUL; a list is u32 count and its texts. Fields are
 * only ever added at the end of a frame: a reader skips what it does not know, so a newer conductor can talk
 * to a warden that was started before an upgrade. A frame too large for a datagram travels as MSG_LARGE
 * (alone in its datagram) with a sealed memfd that holds the frame.
 *
 * Decoding trusts nothing: every length is checked against what is there. Decoded texts point into the
 * datagram; only the pointer lists of a spec are allocated. */
#ifndef LEAT_WARDEN_PROTOCOL_H
#define LEAT_WARDEN_PROTOCOL_H

#include "base/buf.h"
#include "warden/client.h"

enum {
    PROTOCOL_VERSION = 1,
    PROTOCOL_DATAGRAM = 60 * 1024, /* below the default socket buffer with room for the kernel's own use */
    PROTOCOL_FRAME_MAX = 64 << 20, /* a memfd larger than this is refused */
    JOB_ID_MAX = 120,
};

enum msg_field {
    FIELD_VERSION = 1 << 0, /* u32 */
    FIELD_ID = 1 << 1,      /* text */
    FIELD_PID = 1 << 2,     /* u32 */
    FIELD_NOW = 1 << 3,     /* u8 */
    FIELD_TEXT = 1 << 4,    /* text */
    FIELD_SPEC = 1 << 5,
    FIELD_EXIT = 1 << 6,
};

/* X(name, number on the wire, fields) */
#define MSG_LIST(X)                                                                                          \
    X(HELLO, 1, FIELD_VERSION)                /* conductor: first message of a connection */                 \
    X(START, 2, FIELD_SPEC)                   /* repeated for a known job: answered, not started again */    \
    X(CANCEL, 3, FIELD_ID | FIELD_NOW)        /* unknown job: ignored */                                     \
    X(ACK, 4, FIELD_ID)                       /* the exit record may be forgotten */                         \
    X(LIST, 5, 0)                             /* answered by JOB…, LISTED */                               \
    X(WELCOME, 16, FIELD_VERSION | FIELD_PID) /* warden: then every exit record not acknowledged */          \
    X(REFUSED, 17, FIELD_TEXT)                /* and the connection ends */                                  \
    X(STARTED, 18, FIELD_ID | FIELD_PID)                                                                     \
    X(EXIT, 19, FIELD_EXIT)                                                                                  \
    X(JOB, 20, FIELD_ID | FIELD_PID)                                                                         \
    X(LISTED, 21, 0)                                                                                         \
    X(LARGE, 32, 0) /* both: the frame is in the memfd that came along */

enum msg_type {
#define X(name, number, fields) MSG_##name = number,
    MSG_LIST(X)
#undef X
};

struct msg {
    enum msg_type type;
    uint32_t version;
    const char *id;
    pid_t pid;
    bool now;
    const char *text;
    struct job_spec spec; /* decoded: argv, env and masks are one allocation, see msg_release() */
    struct job_exit exit;
    const char **lists;
};

struct msg_reader {
    const unsigned char *at, *end;
};

enum msg_result { MSG_END, MSG_READ, MSG_BROKEN };

void msg_add(struct buf *out, const struct msg *m); /* appends one frame */
/* The next frame. MSG_BROKEN: the datagram cannot be understood and the connection should end. A frame of an
 * unknown type is skipped. */
enum msg_result msg_read(struct msg_reader *r, struct msg *out);
void msg_release(struct msg *m); /* what msg_read() allocated */
bool job_id_valid(const char *id);

/* Sends as many whole frames of bytes [*sent, len) as the socket takes; moves *sent.
 * 0: all sent or the socket is full; -1 with errno: the connection is over. */
int frames_send(int fd, const struct buf *frames, size_t *sent);
/* Receives one datagram (or the frame in its memfd) into `in`. 1: received; 0: none now; -1: the connection
 * is over (errno 0 at an orderly end). */
int frames_receive(int fd, struct buf *in);

#endif
