/* restate_items.c: nodes of one stage, pipeline and window are one run; what is gone refuses it. */
#include "scheduler/plans/restate_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(int64_t a, int64_t b) { return (a > b) - (a < b); }

/* By stage, window, pipeline; then by place in the file. */
static int by_start(const void *x, const void *y, void *ctx) {
    const struct restating *k = ctx;
    const struct restate_node *a = &k->nodes[*(const uint32_t *)x], *b = &k->nodes[*(const uint32_t *)y];
    const struct restate_step *s = &k->steps[a->step], *t = &k->steps[b->step];
    const int order[] = {compare(a->stage, b->stage), compare(a->start, b->start), compare(a->end, b->end),
                         strcmp(s->pipeline->name, t->pipeline->name),
                         compare(s->step->index, t->step->index)};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (order[i]) return order[i];
    return 0;
}

static bool is_same_run(const struct restating *k, const struct restate_node *a,
                        const struct restate_node *b) {
    return a->stage == b->stage && a->start == b->start && a->end == b->end &&
           k->steps[a->step].pipeline == k->steps[b->step].pipeline;
}

/* ---- what is gone ---- */

/* Mostly for the very same window: that is found at once. */
static bool writes_meeting(const struct restating *k, uint32_t writer, const struct restate_node *n) {
    const struct restate_step *w = &k->steps[writer];
    char key[RESTATE_KEY];
    if (map_get(&k->node_keys, restate_key(writer, n->start, n->end, key), NULL)) return true;
    for (size_t i = 0; i < w->node_count; i++) {
        const struct restate_node *o = &k->nodes[w->nodes[i]];
        if (o->start < n->end && o->end > n->start) return true;
    }
    return false;
}

/* Something of this plan writes it for a window that meets this one. */
static bool is_restated(const struct restating *k, const char *dataset, const struct restate_node *n) {
    size_t first;
    if (!map_get(&k->writers, dataset, &first)) return false;
    for (uint32_t i = (uint32_t)first; i != NO_WRITER; i = k->steps[i].next_writer)
        if (writes_meeting(k, i, n)) return true;
    return false;
}

static int look_for(struct restating *k, const char *dataset, const struct restate_node *n, const char **why,
                    struct err *err) {
    const struct restate_asks *asks = k->s->asks;
    size_t at;
    char text[GONE_TEXT] = "";
    bool known = map_get(&k->writers, dataset, &at);
    const struct step *writer = known ? k->steps[at].step : NULL;
    const char *zone = known ? k->steps[at].pipeline->timezone : "UTC";
    int gone = asks->gone(asks->ctx, dataset, writer, zone, n->start, n->end, text, err);
    if (gone == 1) *why = arena_strdup(k->out->arena, text);
    return gone < 0 ? -1 : 0;
}

static int look_at_inputs(struct restating *k, const struct restate_node *n, const char **why,
                          struct err *err) {
    const struct step *s = k->steps[n->step].step;
    for (size_t i = 0; i < s->read_count && !*why; i++)
        if (!is_restated(k, s->reads[i].dataset, n) && look_for(k, s->reads[i].dataset, n, why, err))
            return -1;
    return 0;
}

/* ---- items ---- */

static const char *reason_of(const struct restating *k, const struct restate_node *n) {
    const char *verb = k->steps[n->step].root ? "writes" : "reads";
    return arena_printf(k->out->arena, "%s %s", verb, n->dataset);
}

static int add_item(struct restating *k, const uint32_t *nodes, size_t n, struct err *err) {
    const struct restate_node *first = &k->nodes[nodes[0]];
    struct restate_item *item = &k->out->items[k->out->count++];
    *item = (struct restate_item){.stage = first->stage,
                                  .pipeline = k->steps[first->step].pipeline,
                                  .start = first->start,
                                  .end = first->end,
                                  .steps = arena_array(k->out->arena, n, sizeof *item->steps),
                                  .reason = reason_of(k, first)};
    for (size_t i = 0; i < n; i++) {
        const struct restate_node *node = &k->nodes[nodes[i]];
        item->steps[item->step_count++] = k->steps[node->step].step->name;
        if (look_at_inputs(k, node, &item->gone, err)) return -1;
    }
    k->out->refused += item->gone != NULL;
    if (item->stage >= k->out->stages) k->out->stages = item->stage + 1;
    return 0;
}

static void put_token(struct restate_plan *p) {
    uint64_t h = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct restate_item *item = &p->items[i];
        const char *gone = item->gone ? item->gone : "";
        h = hash_more(hash_more(h, &item->stage, sizeof item->stage), gone, strlen(gone));
        h = hash_more(h, item->pipeline->name, strlen(item->pipeline->name));
        h = hash_more(hash_more(h, &item->start, sizeof item->start), &item->end, sizeof item->end);
        for (size_t s = 0; s < item->step_count; s++)
            h = hash_more(h, item->steps[s], strlen(item->steps[s]));
    }
    snprintf(p->token, sizeof p->token, "%016" PRIx64, h);
}

int restate_items(struct restating *k, struct err *err) {
    uint32_t *sorted = xcalloc(k->node_count + 1, sizeof *sorted);
    int rc = 0;
    for (uint32_t i = 0; i < k->node_count; i++) sorted[i] = i;
    qsort_r(sorted, k->node_count, sizeof *sorted, by_start, k);
    k->out->items = arena_array(k->out->arena, k->node_count + 1, sizeof *k->out->items);
    for (size_t i = 0, to; i < k->node_count && !rc; i = to) {
        for (to = i + 1; to < k->node_count && is_same_run(k, &k->nodes[sorted[i]], &k->nodes[sorted[to]]);)
            to++;
        rc = add_item(k, sorted + i, to - i, err);
    }
    free(sorted);
    if (!rc) put_token(k->out);
    return rc;
}
