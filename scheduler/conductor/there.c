/* there.c: whether a dataset that a `wait` step waits for is there: complete for a span
 * (scheduler/complete.h), or, without `complete:`, published, since the end of the run's window if it has
 * one. And who writes what, for whoever asks. */
#include "base/arena.h"
#include "base/tz.h"
#include "scheduler/conductor/attended.h"

#include <string.h>

/* ---- who writes what ---- */

/* Made when it is first asked for, from all definitions there are; triggers.c keeps it up. */
struct wiring *conductor_wiring(struct conductor *c) {
    const struct conductor_options *o = &c->options;
    const struct pipeline *p;
    if (c->wiring) return c->wiring;
    c->wiring = wiring_new();
    for (size_t at = 0; o->next && (p = o->next(o->find_ctx, &at));) wiring_put(c->wiring, p);
    return c->wiring;
}

struct complete_asks conductor_completeness(struct conductor *c) {
    return (struct complete_asks){.store = c->store,
                                  .zones = c->options.project ? c->options.project->zone_data : NULL,
                                  .wiring = conductor_wiring(c)};
}

/* ---- the span ---- */

static enum window_unit unit_of(const char *word) {
    return strcmp(word, "hours") == 0   ? WINDOW_HOUR
           : strcmp(word, "days") == 0  ? WINDOW_DAY
           : strcmp(word, "weeks") == 0 ? WINDOW_WEEK
                                        : WINDOW_MONTH;
}

/* `previous 30 days`: the whole days before the one in which the window ends, in the pipeline's zone. */
static int find_span(const struct live_attempt *a, instant_t *start, instant_t *end, struct err *err) {
    const struct op_attend *what = &a->attended->what;
    const struct live_run *r = a->run;
    *start = r->window_start;
    *end = r->window_end;
    if (strcmp(what->unit, "window") == 0) return 0;
    struct tz *tz = tz_load(r->pipeline ? r->pipeline->timezone : "UTC", err);
    if (!tz) return -1;
    struct covers covers = {.unit = unit_of(what->unit), .count = (int32_t)what->count};
    struct firing_at at = firing_at(tz, r->window_end != INSTANT_NONE ? r->window_end : a->started_at);
    window_of(&covers, tz, NULL, &at, start, end);
    tz_free(tz);
    return 0;
}

int dataset_there(struct conductor *c, const struct live_attempt *a, struct arena *arena, const char **why,
                  struct err *err) {
    const struct op_attend *what = &a->attended->what;
    struct complete_asks asks = conductor_completeness(c);
    instant_t start, end;
    if (!what->unit) return complete_published(&asks, what->what, a->run->window_end, arena, why, err);
    if (find_span(a, &start, &end, err)) return -1;
    if (end == INSTANT_NONE) return err_set(err, EX_INVALID, "`complete: window` needs a run with a window");
    return complete_span(&asks, what->what, start, end, arena, why, err);
}
