/* publish_intent.c: P4 and P5 of the intent in the database. See publish.h. */
#include "base/arena.h"
#include "base/json.h"
#include "store/intents.h"
#include "zones/publish.h"

#include <string.h>

static enum publish_end no_intent(int64_t intent, struct err *err) {
    err_set(err, EX_CONFLICT, "intent %lld is not there to be published", (long long)intent);
    err_reason(err, "no_intent");
    return PUBLISH_STOPPED;
}

static enum publish_end run_row(const struct intent_row *row, json_t **outside, struct err *err) {
    /* P6 has happened: there is nothing left for a late worker to do. */
    if (strcmp(row->state, "committed") == 0 || strcmp(row->state, "done") == 0) return PUBLISH_DONE;
    if (strcmp(row->state, "prepared") != 0 || !row->plan) return no_intent(row->id, err);
    json_t *plan = json_parse(row->plan, err);
    if (!plan) return PUBLISH_FAILED;
    enum publish_end end = publish_run(plan, row->id, outside, err);
    json_decref(plan);
    return end;
}

json_t *publish_plan(struct store *s, int64_t intent, struct err *err) {
    struct arena *a = arena_new();
    struct intent_row row;
    int r = store_intent_get(s, intent, a, &row, err);
    json_t *plan = r > 0 && row.plan ? json_parse(row.plan, err) : NULL;
    if (r >= 0 && !plan) no_intent(intent, err);
    arena_free(a);
    return plan;
}

enum publish_end publish_run_intent(struct store *s, int64_t intent, json_t **outside, struct err *err) {
    struct arena *a = arena_new();
    struct intent_row row;
    *outside = NULL;
    int r = store_intent_get(s, intent, a, &row, err);
    enum publish_end end = r < 0    ? PUBLISH_FAILED
                           : r == 0 ? no_intent(intent, err)
                                    : run_row(&row, outside, err);
    arena_free(a);
    return end;
}
