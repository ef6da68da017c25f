/* ask.c: fire times for lines on stdin: expression, zone, seed, from, count, next or prev; separated by tabs.
 * One line out for each: the times with commas between, or `!` and the code of the error. */
#include "base/arena.h"
#include "cron/cron.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS = 6, LINE = 4096 };

static void answer(const struct cron *c, const struct tz *tz, char *const *cell) {
    struct cron_clock k;
    char text[INSTANT_TEXT];
    instant_t t;
    bool back = strcmp(cell[5], "prev") == 0;
    cron_clock_init(&k, c, tz);
    if (!instant_parse(cell[3], &t)) abort();
    for (int i = atoi(cell[4]); i > 0; i--) {
        t = back ? cron_prev(&k, t) : cron_next(&k, t);
        if (t == INSTANT_NONE) break;
        printf("%s,", instant_text(t, text));
    }
    putchar('\n');
}

static void one(char *line) {
    char *cell[CELLS] = {0}, zone[TZ_NAME];
    struct cron c;
    struct cron_note err;
    for (size_t i = 0; i < CELLS; i++) cell[i] = strsep(&line, "\t\n");
    struct cron_options opts = {.seed = *cell[2] ? cell[2] : NULL};
    if (cron_parse(cell[0], &opts, &c, &err) != 0) {
        printf("!%s\n", cron_code_names[err.code]);
        return;
    }
    struct tz *tz = tz_load(cron_zone(&c, cell[0], zone) ? zone : cell[1], NULL);
    if (!tz) abort();
    answer(&c, tz, cell);
    tz_free(tz);
}

int main(void) {
    char line[LINE];
    while (fgets(line, sizeof line, stdin)) {
        one(line);
        fflush(stdout);
    }
    return 0;
}
