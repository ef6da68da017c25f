/* unchanged.c: `when_unchanged: skip`: would this attempt make what the head of its dataset already is?
 *
 * Yes, when the head was published by the same step from the same pinned inputs, the same definition and
 * parameters, and, where the step may see it, for the same window. Any doubt is a no: the step then runs. */
#include "scheduler/conductor/inner.h"

#include "base/arena.h"
#include "base/json.h"
#include "scheduler/plans/windowed.h"
#include "store/datasets.h"

#include <string.h>

static bool same_inputs(struct conductor *c, const struct live_attempt *a, int64_t before,
                        struct arena *arena) {
    struct input_row *rows;
    size_t n, i;
    struct err ignored;
    const json_t *inputs = json_object_get(a->request, "inputs");
    if (store_inputs_list(c->store, before, arena, &rows, &n, &ignored) < 0 || n != json_array_size(inputs))
        return false;
    json_t *in;
    json_array_foreach(inputs, i, in) {
        bool found = false;
        for (size_t k = 0; k < n; k++)
            found |= rows[k].dataset_id == json_int(in, "dataset_id", -1) &&
                     rows[k].version == json_int(in, "version", -1);
        if (!found) return false;
    }
    return true;
}

static bool same_window(const struct live_run *r, const struct run_row *before) {
    return before->window_start == r->window_start && before->window_end == r->window_end;
}

static bool same_question(const struct live_run *r, const struct step *s, const struct run_row *before) {
    json_t *params = before->params ? json_loads(before->params, 0, NULL) : json_object();
    bool same = json_equal(params, r->params) && strcmp(before->sha256, r->pipeline->definition) == 0 &&
                (!step_sees_window(s) || same_window(r, before));
    json_decref(params);
    return same;
}

/* The attempt that published the head, when it was one of this very step. */
static bool published_by(struct conductor *c, const struct live_attempt *a, struct arena *arena,
                         struct version_row *head, struct attempt_row *by) {
    struct err ignored;
    const json_t *into = json_object_get(a->request, "into");
    int64_t id = json_int(into, "dataset_id", -1), version = json_int(into, "base_version", -1);
    if (id < 0 || version < 0 || store_version_get(c->store, id, version, arena, head, &ignored) != 1)
        return false;
    if (!head->run || !head->token || store_attempt_by_token(c->store, head->token, arena, by, &ignored) != 1)
        return false;
    return strcmp(by->pipeline, a->run->pipeline_name) == 0 &&
           strcmp(by->step_name, a->run->names[a->step]) == 0;
}

bool attempt_unchanged(struct conductor *c, const struct live_attempt *a) {
    const struct step *s = live_step(a->run, a->step);
    if (!s->into || !s->into->skip_unchanged) return false;
    struct arena *arena = arena_new();
    struct version_row head;
    struct attempt_row by;
    struct run_row run;
    struct err ignored;
    bool same = published_by(c, a, arena, &head, &by) &&
                store_run_get(c->store, head.run, arena, &run, &ignored) == 1 &&
                same_question(a->run, s, &run) && same_inputs(c, a, by.id, arena);
    arena_free(arena);
    return same;
}
