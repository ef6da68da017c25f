/* backfill_request.c: what is asked of a plan, as JSON: between programs, and kept with the backfill. */
#include "scheduler/plans/backfill.h"

#include "base/json.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *const redo_words[] = {
    [REDO_NEVER] = "never", [REDO_FAILED] = "failed", [REDO_ALL] = "all"};

/* The texts, one row each. */
static const struct {
    const char *key;
    size_t at;
} texts[] = {
    {"pipeline", offsetof(struct plan_request, pipeline)},
    {"schedule", offsetof(struct plan_request, schedule)},
    {"every", offsetof(struct plan_request, every)},
    {"step", offsetof(struct plan_request, step)},
    {"from_step", offsetof(struct plan_request, from_step)},
    {"name", offsetof(struct plan_request, name)},
    {"author", offsetof(struct plan_request, author)},
    {"reason", offsetof(struct plan_request, reason)},
};

static const char **text_of(struct plan_request *r, size_t i) {
    return (const char **)((char *)r + texts[i].at);
}

static enum backfill_redo redo_named(const char *word) {
    for (int i = REDO_NEVER; i <= REDO_ALL; i++)
        if (strcmp(redo_words[i], word) == 0) return (enum backfill_redo)i;
    return REDO_NEVER;
}

json_t *plan_request_json(const struct plan_request *r) {
    struct plan_request copy = *r;
    json_t *j = json_pack("{sI sI ss sb sb sb sI sI}", "from", (json_int_t)r->from, "to", (json_int_t)r->to,
                          "redo", redo_words[r->redo], "newest_first", r->order == NEWEST_FIRST, "missing",
                          r->missing, "move_bookmark", r->move_bookmark, "max_parallel",
                          (json_int_t)r->max_parallel, "max_failures", (json_int_t)r->max_failures);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (*text_of(&copy, i)) json_put_text(j, texts[i].key, *text_of(&copy, i));
    if (r->params) json_put(j, "params", json_deep_copy(r->params));
    return j;
}

void plan_request_read(const json_t *from, struct plan_request *out) {
    *out = (struct plan_request){
        .from = json_int(from, "from", 0),
        .to = json_int(from, "to", 0),
        .redo = redo_named(json_text_or(from, "redo", "")),
        .order = json_flag(from, "newest_first") ? NEWEST_FIRST : OLDEST_FIRST,
        .missing = json_flag(from, "missing"),
        .move_bookmark = json_flag(from, "move_bookmark"),
        .max_parallel = json_int(from, "max_parallel", 1),
        .max_failures = json_int(from, "max_failures", -1),
        .params = json_object_get(from, "params"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *text_of(out, i) = json_text(from, texts[i].key);
}

const char *only_text(const char *const *steps, size_t n, struct arena *a) {
    if (!n) return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(list, json_string(steps[i]));
    char *text = json_line(list);
    const char *kept = arena_strdup(a, text);
    json_decref(list);
    free(text);
    return kept;
}
