/* schedules.c: what the clock and the triggers both ask of a schedule and its row. */
#include "scheduler/conductor/inner.h"

#include "base/json.h"
#include "scheduler/timetable/timetable.h"
#include "store/schedules.h"

#include <stdlib.h>
#include <string.h>

#define AWAY_AS_IF_NOT SLOT_ON_TIME

static char *rule_text(const struct schedule *s) {
    json_t *rule = schedule_rule_json(s);
    char *text = json_dumps(rule, JSON_SORT_KEYS | JSON_COMPACT);
    json_decref(rule);
    return text;
}

bool schedule_same_words(const struct schedule *a, const struct schedule *b) {
    char *one = rule_text(a), *other = rule_text(b);
    bool same = strcmp(one, other) == 0;
    free(one);
    free(other);
    return same;
}

bool schedule_was_away(const struct schedule_row *row, instant_t now) {
    return row->gone_at != INSTANT_NONE && now - row->gone_at > AWAY_AS_IF_NOT;
}

int write_alone(struct conductor *c, write_fn *write, void *ctx, struct err *err) {
    if (store_in_transaction(c->store)) return write(c, ctx, err);
    if (store_begin(c->store, err)) return -1;
    if (write(c, ctx, err) == 0) return store_commit(c->store, err);
    store_rollback(c->store);
    return -1;
}
