/* landing.c: what steps wait for: a file that comes and goes, and the morning. */
#include "stage.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    const char *step, *target;
} waits[] = {{"arrives", "landing/ready"}, {"morning", "\"06:15\""}};

bool step_waits(const char *step) {
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
        if (strcmp(waits[i].step, step) == 0) return true;
    return false;
}

void write_wait(FILE *f, const char *step) {
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
        if (strcmp(waits[i].step, step) == 0)
            fprintf(f, "  %s:\n    wait: {for: %s, poll: %dm, timeout: %dh}\n", step, waits[i].target,
                    WAIT_POLL_M, WAIT_HOURS);
}

static const char *path_of(const char *file, char path[320]) {
    snprintf(path, 320, "%s/landing%s", stage->folder, file);
    return path;
}

/* ---- it comes and goes ---- */

static struct landing *there(void) {
    struct landing *last = stage->landing_count ? &stage->landings[stage->landing_count - 1] : NULL;
    return last && last->to == INSTANT_NONE ? last : NULL;
}

static void go(struct landing *l) {
    char path[320];
    l->to = stage_wall();
    remove(path_of("/ready", path));
}

static void come(void) {
    char path[320];
    mkdir(path_of("", path), 0700);
    FILE *f = fopen(path_of("/ready", path), "w");
    if (!f) abort();
    fclose(f);
    stage->landings[stage->landing_count++] = (struct landing){.from = stage_wall(), .to = INSTANT_NONE};
}

void landing_due(void) {
    struct landing *l = there();
    if (stage->now < stage->lands_at) return;
    if (l)
        go(l);
    else if (stage->landing_count < LANDINGS)
        come();
    stage->lands_at = stage->now + (int64_t)chance_below(there() ? 3 * 3600 : 9 * 3600) * US_PER_SECOND;
}

int64_t landing_next(void) { return stage->lands_at; }
