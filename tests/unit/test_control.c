/* test_control.c: who asks a conductor that ends meanwhile: whether anything was done is known, or said. */
#include "base/err.h"
#include "base/json.h"
#include "scheduler/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct asked_side {
    char state[32];
    pid_t child;
};

/* Somebody listens, does `what` and ends. */
static void begin(struct asked_side *s, void (*what)(int listener)) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(s->state, sizeof s->state, "/tmp/leat-control-XXXXXX");
    assert_non_null(mkdtemp(s->state));
    snprintf(a.sun_path, sizeof a.sun_path, "%s/leat.sock", s->state);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, bind(fd, (struct sockaddr *)&a, sizeof a));
    assert_int_equal(0, listen(fd, 4));
    s->child = fork();
    if (s->child == 0) {
        what(fd);
        _exit(0);
    }
    close(fd);
}

static void end(struct asked_side *s) {
    char path[64];
    waitpid(s->child, NULL, 0);
    snprintf(path, sizeof path, "%s/leat.sock", s->state);
    unlink(path);
    rmdir(s->state);
}

static int ask(const struct asked_side *s, struct err *err) {
    json_t *answer = NULL, *request = json_pack("{ss}", "ask", "queue");
    int r = control_ask(s->state, request, &answer, err);
    json_decref(request);
    json_decref(answer);
    return r;
}

static void never_takes(int fd) {
    (void)fd;
    usleep(200000);
}

static void takes_and_does_not_read(int fd) {
    (void)accept(fd, NULL, NULL);
    usleep(200000);
}

static void reads_and_does_not_answer(int fd) {
    char line[256];
    (void)!read(accept(fd, NULL, NULL), line, sizeof line);
}

static void answers(int fd) {
    int c = accept(fd, NULL, NULL);
    char line[256];
    (void)!read(c, line, sizeof line);
    (void)!write(c, "{\"ok\": true}\n", 13);
}

static void one_that_ends_unheard_is_nobody(void **state) {
    (void)state;
    void (*const ends[])(int) = {never_takes, takes_and_does_not_read};
    for (size_t i = 0; i < 2; i++) {
        struct asked_side s;
        struct err err = {0};
        begin(&s, ends[i]);
        assert_int_equal(1, ask(&s, &err));
        end(&s);
        assert_int_equal(1, ask(&s, &err)); /* nor is there one now */
    }
}

static void one_that_ends_before_it_answers(void **state) {
    (void)state;
    struct asked_side s;
    struct err err = {0};
    begin(&s, reads_and_does_not_answer);
    assert_int_equal(-1, ask(&s, &err));
    assert_string_equal("the conductor ended before it answered", err.msg);
    assert_non_null(strstr(err.hint, "leat status"));
    end(&s);
}

static void one_that_answers(void **state) {
    (void)state;
    struct asked_side s;
    struct err err = {0};
    begin(&s, answers);
    assert_int_equal(0, ask(&s, &err));
    end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_ends_unheard_is_nobody),
        cmocka_unit_test(one_that_ends_before_it_answers),
        cmocka_unit_test(one_that_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
