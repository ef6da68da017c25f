/* why_datasets.c: what a pipeline that starts after datasets waits for, down to the pipelines that have not
 * written them. */
#include "scheduler/complete.h"
#include "scheduler/why/why_impl.h"

#include "store/datasets.h"

#include <inttypes.h>
#include <string.h>

struct awaiting {
    struct whying *k;
    const struct schedule *s;
    struct complete_asks complete;
    struct schedule_row row; /* id 0: nobody has served it yet */
    instant_t start, end;
};

static int find_row(struct awaiting *w, struct err *err) {
    struct schedule_row *rows;
    size_t n = 0, len;
    if (w->k->store && store_schedules_list(w->k->store, w->k->name, w->k->out->arena, &rows, &n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (after_part(rows[i].name, &len) && strlen(w->s->name) == len &&
            strncmp(rows[i].name, w->s->name, len) == 0)
            w->row = rows[i];
    return 0;
}

/* It could have started, and nothing says that it did. */
static int of_untouched(struct awaiting *w, const char *what, struct err *err) {
    struct whying *k = w->k;
    struct err failed = {0};
    const struct pause_row *p = k->store ? why_paused(k, &failed) : NULL;
    if (failed.exit) return *err = failed, -1;
    if (p)
        why_say(k, "%s, and %s is paused: it is decided when it is resumed", what, k->name);
    else if (!k->serves)
        why_say(k, "%s, and nobody has decided about it: %s", what, why_nobody(k));
    else
        why_say(k, "%s, before this schedule was first served", what);
    if (p) why_text(k, "next", "pause", "leat resume %s [--catch-up all|latest|none]", k->name);
    if (!p && !k->serves) why_alive(k);
    if (w->row.id) why_time(k, "first served at", "schedule", w->row.created_at);
    return 1;
}

/* Why the pipelines that write it have not. */
static int tell_upstream(struct awaiting *w, const char *dataset, const char **why, struct err *err) {
    int complete = complete_span(&w->complete, dataset, w->start, w->end, w->k->out->arena, why, err);
    if (complete == 0) why_text(w->k, "missing", dataset, "%s", *why);
    return complete;
}

static int of_same(struct awaiting *w, struct err *err) {
    struct whying *k = w->k;
    const char *unit = w->s->after.same == SAME_MONTH ? "month" : "day";
    after_unit(w->s, w->start, &w->start, &w->end);
    for (size_t i = 0; i < w->s->after.count; i++) {
        const char *why, *dataset = w->s->after.datasets[i];
        int complete = tell_upstream(w, dataset, &why, err);
        if (complete < 0) return -1;
        if (complete == 0)
            why_say(k, "%s starts when its datasets are complete for a %s, and %s is not: %s", k->name, unit,
                    dataset, why);
    }
    if (k->out->answer) return 1;
    return of_untouched(w, why_print(k, "its datasets are complete for this %s", unit), err);
}

static int of_versions(struct awaiting *w, struct err *err) {
    struct whying *k = w->k;
    struct dataset_row d;
    const char *why;
    for (size_t i = 0; i < w->s->after.count; i++) {
        const char *dataset = w->s->after.datasets[i];
        int64_t version;
        int found = store_dataset_find(k->store, dataset, k->out->arena, &d, err);
        if (found == 1) found = store_version_pending(k->store, d.id, -1, w->start, w->end, &version, err);
        if (found < 0) return -1;
        if (found && !w->s->after.all)
            return of_untouched(
                w, why_print(k, "%s version %" PRId64 " was published for it", dataset, version), err);
        if (found) continue;
        why_say(k, "%s starts after %s, of which nothing has been published for %s", k->name, dataset,
                why_about(k, w->start, w->end));
        if (tell_upstream(w, dataset, &why, err) < 0) return -1;
    }
    return k->out->answer ? 1 : of_untouched(w, "all of its datasets have a version for it", err);
}

int why_datasets(struct whying *k, instant_t start, instant_t end, struct err *err) {
    for (size_t i = 0; k->pipeline && i < k->pipeline->schedule_count; i++) {
        struct awaiting w = {.k = k, .s = &k->pipeline->schedules[i], .start = start, .end = end};
        if (!w.s->after.count) continue;
        if (!k->store) {
            why_say(k, "%s starts after datasets, and nothing has ever run here", k->name);
            return 1;
        }
        w.complete = (struct complete_asks){
            .store = k->store, .zones = k->asks->zones, .wiring = k->asks->wiring(k->asks->ctx)};
        if (find_row(&w, err)) return -1;
        return w.s->after.same ? of_same(&w, err) : of_versions(&w, err);
    }
    return 0;
}
