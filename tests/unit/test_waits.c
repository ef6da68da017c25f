/* test_waits.c: whom the conductor looks at when: looks that cannot be made. */
#include "base/arena.h"
#include "scheduler/conductor/attended.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>

/* In the place of libcurl's: there is no memory for it, or too few files. */
CURLM *curl_multi_init(void) { return NULL; }

static void close_handle(uv_handle_t *h, void *ctx) {
    (void)ctx;
    if (!uv_is_closing(h)) uv_close(h, NULL);
}

/* A URL that cannot be asked now is asked a poll later, not never. */
static void a_look_that_fails_at_once_is_made_again(void **state) {
    (void)state;
    struct conductor c = {.options = {.world = world_real()}};
    struct live_run run = {.id = 1};
    struct attended w = {
        .what = {.kind = ATTEND_URL, .what = "http://localhost/x", .poll = US_PER_MINUTE},
        .until = INSTANT_NONE,
        .over = INSTANT_NONE,
        .next = INSTANT_NONE,
        .slot = UINT32_MAX,
        .place = NO_PLACE,
        .wall_place = NO_PLACE,
    };
    struct live_attempt a = {.id = 7, .run = &run, .attended = &w};
    uv_loop_init(&c.loop);
    c.waits = waits_open(&c);
    waits_add(&c, &a);
    waits_arm(&c);
    uv_run(&c.loop, UV_RUN_ONCE);
    assert_string_equal(w.problem, "libcurl cannot start");
    assert_false(w.looking);
    assert_true(w.next != INSTANT_NONE && w.next > turn_now(&c));
    assert_true(w.place != NO_PLACE);
    assert_true(c.wants_turn);
    waits_remove(&c, &a);
    waits_close(c.waits);
    uv_walk(&c.loop, close_handle, NULL);
    uv_run(&c.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&c.loop), 0);
    waits_free(c.waits);
    free(w.problem);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_look_that_fails_at_once_is_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
