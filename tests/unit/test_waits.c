/* test_waits.c: whom the conductor looks at when: looks that cannot be made, looks that hang. */
#include "base/arena.h"
#include "scheduler/conductor/attended.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>

/* In the place of libcurl's: there is no memory for it, or too few files. */
CURLM *curl_multi_init(void) { return NULL; }

static void close_handle(uv_handle_t *h, void *ctx) {
    (void)ctx;
    if (!uv_is_closing(h)) uv_close(h, NULL);
}

/* A share that does not answer. */
int stat(const char *restrict path, struct stat *restrict out) {
    while (strncmp(path, "/hung/", 6) == 0) pause();
    return fstatat(AT_FDCWD, path, out, 0);
}

struct scene {
    struct conductor c;
    struct live_run run;
    struct attended w;
    struct live_attempt a;
};

static void scene_open(struct scene *s, enum attend_kind kind, const char *what) {
    *s = (struct scene){.c = {.options = {.world = world_real()}}, .run = {.id = 1}};
    s->w = (struct attended){
        .what = {.kind = kind, .what = what, .poll = US_PER_MINUTE},
        .until = INSTANT_NONE,
        .over = INSTANT_NONE,
        .next = INSTANT_NONE,
        .slot = UINT32_MAX,
        .place = NO_PLACE,
        .wall_place = NO_PLACE,
    };
    s->a = (struct live_attempt){.id = 7, .run = &s->run, .attended = &s->w};
    uv_loop_init(&s->c.loop);
    s->c.waits = waits_open(&s->c);
    waits_add(&s->c, &s->a);
    waits_arm(&s->c);
}

static void scene_close(struct scene *s) {
    waits_remove(&s->c, &s->a);
    waits_close(s->c.waits);
    uv_walk(&s->c.loop, close_handle, NULL);
    uv_run(&s->c.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->c.loop), 0);
    waits_free(s->c.waits);
    free(s->w.problem);
}

/* A URL that cannot be asked now is asked a poll later, not never. */
static void a_look_that_fails_at_once_is_made_again(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, ATTEND_URL, "http://localhost/x");
    uv_run(&s.c.loop, UV_RUN_ONCE);
    assert_string_equal(s.w.problem, "libcurl cannot start");
    assert_false(s.w.looking);
    assert_true(s.w.next != INSTANT_NONE && s.w.next > turn_now(&s.c));
    assert_true(s.w.place != NO_PLACE);
    assert_true(s.c.wants_turn);
    scene_close(&s);
}

static void a_path_is_found(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, ATTEND_PATH, "/");
    for (int i = 0; i < 100 && !s.w.there; i++) uv_run(&s.c.loop, UV_RUN_ONCE);
    assert_true(s.w.there && !s.w.looking);
    scene_close(&s);
}

/* The end does not wait for a look that does not come back. */
static void a_look_that_hangs_is_left_behind(void **state) {
    (void)state;
    struct scene s;
    scene_open(&s, ATTEND_PATH, "/hung/x");
    uv_run(&s.c.loop, UV_RUN_NOWAIT);
    assert_true(s.w.looking);
    scene_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_look_that_fails_at_once_is_made_again),
        cmocka_unit_test(a_path_is_found),
        cmocka_unit_test(a_look_that_hangs_is_left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
