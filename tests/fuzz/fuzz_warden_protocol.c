/* The warden's decoder, as conductor and as warden see it, fed with anything.
 *
 * The first byte chooses: even, the rest is a datagram; odd, the rest is cut into frames with right lengths
 * (byte: type, byte: length), so that the fields inside are reached too. What decodes must encode to bytes
 * that decode to the same again. */
#include "base/arena.h"
#include "warden/protocol.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct msg *m) {
    struct buf once = BUF_INIT, twice = BUF_INIT;
    struct msg again;
    msg_add(&once, m);
    struct msg_reader r = {.at = (const unsigned char *)once.s,
                           .end = (const unsigned char *)once.s + once.len};
    if (msg_read(&r, &again) != MSG_READ || r.at != r.end) abort();
    msg_add(&twice, &again);
    if (once.len != twice.len || memcmp(once.s, twice.s, once.len) != 0) abort();
    msg_release(&again);
    buf_release(&once);
    buf_release(&twice);
}

static void read_datagram(const unsigned char *p, size_t n) {
    struct msg_reader r = {.at = p, .end = p + n};
    struct msg m;
    while (msg_read(&r, &m) == MSG_READ) {
        check_round_trip(&m);
        msg_release(&m);
    }
}

static void add_frames(struct buf *out, const uint8_t *p, size_t n) {
    while (n >= 2) {
        size_t length = p[1] < n - 2 ? p[1] : n - 2;
        const unsigned char head[5] = {(unsigned char)((length + 1) & 255),
                                       (unsigned char)((length + 1) >> 8), 0, 0, p[0]};
        buf_add(out, head, sizeof head);
        buf_add(out, p + 2, length);
        p += 2 + length;
        n -= 2 + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    struct buf frames = BUF_INIT;
    if (data[0] % 2)
        add_frames(&frames, data + 1, size - 1);
    else
        buf_add(&frames, data + 1, size - 1);
    /* An exact copy: a step beyond its end is seen. */
    unsigned char *copy = xmalloc(frames.len);
    if (frames.len) memcpy(copy, frames.s, frames.len);
    read_datagram(copy, frames.len);
    free(copy);
    buf_release(&frames);
    return 0;
}
