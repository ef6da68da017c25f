/* complete.c: whether a dataset that is waited for is there. */
#include "base/arena.h"
#include "scheduler/conductor/attended.h"
#include "store/datasets.h"

/* With a window: something published since its end; without: anything. */
static int published(struct conductor *c, const struct live_attempt *a, struct arena *arena, const char **why,
                     struct err *err) {
    const char *name = a->attended->what.what;
    struct dataset_row d;
    struct version_row v;
    char text[INSTANT_TEXT];
    int found = store_dataset_find(c->store, name, arena, &d, err);
    if (found == 1 && d.head >= 0) found = store_version_get(c->store, d.id, d.head, arena, &v, err);
    if (found < 0) return -1;
    if (found == 0 || d.head < 0) {
        *why = arena_printf(arena, "%s has not been published yet", name);
        return 0;
    }
    instant_t since = a->run->window_end;
    if (since == INSTANT_NONE || v.published_at >= since) return 1;
    *why = arena_printf(arena, "%s has not been published since the window ended (%s)", name,
                        instant_text(since, text));
    return 0;
}

int dataset_there(struct conductor *c, const struct live_attempt *a, struct arena *arena, const char **why,
                  struct err *err) {
    return published(c, a, arena, why, err);
}
