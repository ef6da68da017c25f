/* The warden's protocol: what is written is read back; what is damaged is refused, never believed. */
#include "warden/protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const argv_sample[] = {"/bin/echo", "", "two words", NULL};
static const char *const env_sample[] = {"PATH=/bin", "X=\xff\x01", NULL};

static const struct job_spec spec_sample = {
    .id = "r1-s2-g1-a1-00ff.m",
    .argv = argv_sample,
    .env = env_sample,
    .cwd = "/tmp",
    .log_path = "/tmp/x.log",
    .masks = NULL,
    .timeout = 5 * US_PER_SECOND,
    .grace = 1,
    .limits = {1, 2, 3, 4, INT64_MAX},
    .log_head_bytes = 7,
    .log_tail_bytes = 8,
    .uid = (uid_t)-1,
    .gid = 42,
};

static const struct job_exit exit_sample = {
    .id = "r1-s2-g1-a1-00ff.m",
    .started = true,
    .stage = "exec",
    .error = ENOENT,
    .exit_code = -1,
    .signal = 9,
    .killed = KILLED_MEMORY,
    .started_at = INT64_MIN,
    .ended_at = INT64_MAX,
    .user_cpu = 3,
    .system_cpu = 4,
    .max_rss_bytes = 5,
    .log_bytes = 6,
    .dropped_bytes = 7,
    .escaped = 8,
};

static struct msg_reader reader_of(const struct buf *b) {
    return (struct msg_reader){.at = (const unsigned char *)b->s,
                               .end = (const unsigned char *)b->s + b->len};
}

static struct msg read_one(const struct buf *b) {
    struct msg_reader r = reader_of(b);
    struct msg m;
    assert_int_equal(msg_read(&r, &m), MSG_READ);
    return m;
}

static void a_spec_comes_back(void **state) {
    (void)state;
    struct buf b = BUF_INIT;
    msg_add(&b, &(struct msg){.type = MSG_START, .spec = spec_sample});
    struct msg m = read_one(&b);
    const struct job_spec *s = &m.spec;
    assert_string_equal(s->id, spec_sample.id);
    assert_string_equal(s->argv[2], "two words");
    assert_null(s->argv[3]);
    assert_string_equal(s->env[1], "X=\xff\x01");
    assert_null(s->masks[0]);
    assert_true(s->timeout == spec_sample.timeout && s->limits.file_bytes == INT64_MAX);
    assert_true(s->uid == (uid_t)-1 && s->gid == 42 && s->log_tail_bytes == 8);
    msg_release(&m);
    buf_release(&b);
}

static void an_exit_comes_back(void **state) {
    (void)state;
    struct buf b = BUF_INIT;
    msg_add(&b, &(struct msg){.type = MSG_EXIT, .exit = exit_sample});
    struct msg m = read_one(&b);
    assert_memory_equal(&m.exit.started_at, &exit_sample.started_at, 2 * sizeof(instant_t));
    assert_string_equal(m.exit.stage, "exec");
    assert_int_equal(m.exit.exit_code, -1);
    assert_int_equal(m.exit.killed, KILLED_MEMORY);
    assert_true(m.exit.dropped_bytes == 7 && m.exit.escaped == 8);
    buf_release(&b);
}

static void samples(struct buf *b) {
    msg_add(b, &(struct msg){.type = MSG_HELLO, .version = 1});
    msg_add(b, &(struct msg){.type = MSG_START, .spec = spec_sample});
    msg_add(b, &(struct msg){.type = MSG_EXIT, .exit = exit_sample});
    msg_add(b, &(struct msg){.type = MSG_REFUSED, .text = "no"});
}

/* Reads all frames from an exact copy, so that a tool for memory errors sees any step beyond the end. */
static enum msg_result read_all(const char *p, size_t n) {
    unsigned char *copy = malloc(n ? n : 1);
    memcpy(copy, p, n);
    struct msg_reader r = {.at = copy, .end = copy + n};
    struct msg m;
    enum msg_result got;
    while ((got = msg_read(&r, &m)) == MSG_READ) msg_release(&m);
    free(copy);
    return got;
}

static void damage_is_survived(void **state) {
    (void)state;
    struct buf b = BUF_INIT;
    samples(&b);
    for (size_t n = 0; n < b.len; n++) read_all(b.s, n);
    for (size_t i = 0; i < b.len * 8; i++) {
        b.s[i / 8] = (char)(b.s[i / 8] ^ 1 << i % 8);
        read_all(b.s, b.len);
        b.s[i / 8] = (char)(b.s[i / 8] ^ 1 << i % 8);
    }
    assert_int_equal(read_all(b.s, b.len), MSG_END);
    assert_int_equal(read_all(b.s, b.len - 1), MSG_BROKEN);
    buf_release(&b);
}

static void a_newer_peer_is_understood(void **state) {
    (void)state;
    struct buf b = BUF_INIT;
    buf_add(&b, "\x05\x00\x00\x00\xc8more", 9); /* a type of the future */
    msg_add(&b, &(struct msg){.type = MSG_ACK, .id = "a.m"});
    buf_add(&b, "new field", 9);
    size_t ack = 9;
    b.s[ack] = (char)(b.s[ack] + 9); /* a field of the future at the end of the frame */
    struct msg m = read_one(&b);
    assert_int_equal(m.type, MSG_ACK);
    assert_string_equal(m.id, "a.m");
    buf_release(&b);
}

static void ids_are_strict(void **state) {
    (void)state;
    char longest[JOB_ID_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[JOB_ID_MAX] = '\0';
    assert_true(job_id_valid(longest));
    longest[JOB_ID_MAX] = 'a';
    longest[JOB_ID_MAX + 1] = '\0';
    static const char *const bad[] = {"", "a b", "a/b", "a\n", "ü", "a=b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(job_id_valid(bad[i]));
    assert_false(job_id_valid(longest));
}

/* ---- over a socket ---- */

struct ends {
    int a, b;
};

static struct ends socket_pair(void) {
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    return (struct ends){fds[0], fds[1]};
}

static void small_frames_share_a_datagram(void **state) {
    (void)state;
    struct ends s = socket_pair();
    struct buf out = BUF_INIT, in = BUF_INIT;
    size_t sent = 0;
    samples(&out);
    assert_int_equal(frames_send(s.a, &out, &sent), 0);
    assert_int_equal(sent, out.len);
    assert_int_equal(frames_receive(s.b, &in), 1);
    assert_int_equal(in.len, out.len);
    assert_int_equal(frames_receive(s.b, &in), 0);
    close(s.a);
    assert_int_equal(frames_receive(s.b, &in), -1);
    close(s.b);
    buf_release(&out);
    buf_release(&in);
}

static void a_large_frame_travels_in_a_memfd(void **state) {
    (void)state;
    struct ends s = socket_pair();
    struct buf out = BUF_INIT, in = BUF_INIT;
    size_t sent = 0;
    char *text = malloc((2 << 20) + 1);
    memset(text, 'x', 2 << 20);
    text[2 << 20] = '\0';
    msg_add(&out, &(struct msg){.type = MSG_REFUSED, .text = text});
    msg_add(&out, &(struct msg){.type = MSG_LISTED});
    assert_int_equal(frames_send(s.a, &out, &sent), 0);
    assert_int_equal(frames_receive(s.b, &in), 1);
    struct msg m = read_one(&in);
    assert_string_equal(m.text, text);
    assert_int_equal(frames_receive(s.b, &in), 1);
    assert_int_equal(read_one(&in).type, MSG_LISTED);
    close(s.a), close(s.b), free(text);
    buf_release(&out);
    buf_release(&in);
}

/* A memfd the sender could still change or cut under the reader is not read. */
static void an_unsealed_memfd_is_refused(void **state) {
    (void)state;
    struct ends s = socket_pair();
    struct buf in = BUF_INIT;
    int fd = memfd_create("t", MFD_CLOEXEC);
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char byte = 1;
    struct iovec iov = {&byte, 1};
    struct msghdr h = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    *CMSG_FIRSTHDR(&h) =
        (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&h)), &fd, sizeof fd);
    assert_int_equal(sendmsg(s.a, &h, 0), 1);
    errno = 0;
    assert_int_equal(frames_receive(s.b, &in), -1);
    assert_int_equal(errno, EPROTO);
    close(fd), close(s.a), close(s.b);
    buf_release(&in);
}

static void a_full_socket_keeps_the_rest(void **state) {
    (void)state;
    struct ends s = socket_pair();
    struct buf out = BUF_INIT, in = BUF_INIT;
    size_t sent = 0, received = 0;
    for (int i = 0; i < 100000; i++)
        msg_add(&out, &(struct msg){.type = MSG_ACK, .id = "some-id-of-a-job.m"});
    assert_int_equal(frames_send(s.a, &out, &sent), 0);
    assert_in_range(sent, 1, out.len - 1);
    while (received < out.len) {
        while (frames_receive(s.b, &in) == 1) {
            assert_int_equal(read_all(in.s, in.len), MSG_END);
            received += in.len;
        }
        assert_int_equal(frames_send(s.a, &out, &sent), 0);
    }
    close(s.a), close(s.b);
    buf_release(&out);
    buf_release(&in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spec_comes_back),
        cmocka_unit_test(an_exit_comes_back),
        cmocka_unit_test(damage_is_survived),
        cmocka_unit_test(a_newer_peer_is_understood),
        cmocka_unit_test(ids_are_strict),
        cmocka_unit_test(small_frames_share_a_datagram),
        cmocka_unit_test(a_large_frame_travels_in_a_memfd),
        cmocka_unit_test(an_unsealed_memfd_is_refused),
        cmocka_unit_test(a_full_socket_keeps_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
