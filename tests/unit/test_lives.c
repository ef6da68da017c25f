/* test_lives.c: how long a daemon that broke waits before it tries again. */
#include "scheduler/conductor/lives.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void pauses_grow_and_begin_anew_after_a_healthy_life(void **state) {
    (void)state;
    static const struct {
        int before;
        duration_t lasted;
        int pause;
    } cases[] = {
        {0, 0, 1},
        {0, US_PER_HOUR, 1},
        {1, 0, 2},
        {16, US_PER_SECOND, 30},
        {30, US_PER_MINUTE, 30},
        {30, 10 * US_PER_MINUTE - 1, 30},
        {30, 10 * US_PER_MINUTE, 1},
        {2, US_PER_DAY, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(lives_pause(cases[i].before, cases[i].lasted), cases[i].pause);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_grow_and_begin_anew_after_a_healthy_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
