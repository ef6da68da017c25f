/* why_rules.c: the words by which the clock decides a pipeline: those it keeps in the database, those of the
 * file where nobody has taken them over yet. */
#include "scheduler/complete.h"
#include "scheduler/why/why_impl.h"

#include <stdlib.h>
#include <string.h>

static const struct schedule *written_as(const struct whying *k, const char *name) {
    for (size_t i = 0; k->pipeline && i < k->pipeline->schedule_count; i++)
        if (strcmp(k->pipeline->schedules[i].name, name) == 0) return &k->pipeline->schedules[i];
    return NULL;
}

static bool says_the_same(const json_t *stored, const struct schedule *written) {
    json_t *a = json_copy((json_t *)(uintptr_t)stored), *b = schedule_rule_json(written);
    json_object_del(a, "joined");
    json_object_del(a, "zone_data");
    bool same = json_equal(a, b);
    json_decref(a);
    json_decref(b);
    return same;
}

/* What it is decided by: its words in the database; those in the file when nobody has taken them over yet. */
static struct schedule *words_of(struct whying *k, const struct schedule_row *row,
                                 const struct schedule *written) {
    struct err ignored;
    json_t *rule = json_loads(row->rule, 0, NULL);
    bool stale = written && !k->serves && !says_the_same(rule, written);
    struct schedule *s =
        stale ? schedule_copy(written) : schedule_from_rule(row->name, rule, k->asks->zones, &ignored);
    json_decref(rule);
    return s ? s : written ? schedule_copy(written) : NULL;
}

static void add_rule(struct ruled **list, size_t *n, size_t *cap, struct ruled r) {
    r.slots = slots_new(&r.schedule->rule);
    GROW(*list, *n, *cap);
    (*list)[(*n)++] = r;
}

static bool is_listed(const struct ruled *list, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].schedule->name, name) == 0) return true;
    return false;
}

int why_rules(struct whying *k, struct ruled **out, size_t *n, struct err *err) {
    struct schedule_row *rows;
    size_t count = 0, cap = 0, len;
    *out = NULL;
    *n = 0;
    if (k->store && store_schedules_list(k->store, k->name, k->out->arena, &rows, &count, err) < 0) return -1;
    for (size_t i = 0; i < count; i++) {
        struct ruled r = {.row = rows[i], .written = written_as(k, rows[i].name)};
        if (after_part(rows[i].name, &len) || (rows[i].gone_at != INSTANT_NONE && !r.written)) continue;
        if ((r.schedule = words_of(k, &rows[i], r.written))) add_rule(out, n, &cap, r);
    }
    for (size_t i = 0; k->pipeline && i < k->pipeline->schedule_count; i++) {
        const struct schedule *s = &k->pipeline->schedules[i];
        if (s->firing_count && !is_listed(*out, *n, s->name))
            add_rule(out, n, &cap, (struct ruled){.schedule = schedule_copy(s), .written = s});
    }
    return 0;
}

void why_rules_release(struct ruled *rules, size_t n) {
    for (size_t i = 0; i < n; i++) {
        slots_free(rules[i].slots);
        schedule_free(rules[i].schedule);
    }
    free(rules);
}
