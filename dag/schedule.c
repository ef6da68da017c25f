/* schedule.c: `schedule:`. When it fires is compiled by cron/; the other words are checked here for their
 * shape. What cron/ says about bytes of a text becomes a diagnostic at its line and column. */
#include "dag/schedule.h"
#include "base/json.h"
#include "cron/every.h"
#include "dag/build.h"

#include <stdio.h>
#include <string.h>

/* ---- diagnostics of cron/ */

static const char *const codes[] = {
    [CRON_E_EMPTY] = "E0304",         [CRON_E_LONG] = "E0304",        [CRON_E_COUNT] = "E0304",
    [CRON_E_CHAR] = "E0307",          [CRON_E_SYNTAX] = "E0307",      [CRON_E_VALUE] = "E0307",
    [CRON_E_HASH] = "E0307",          [CRON_E_RANGE] = "E0308",       [CRON_E_STEP] = "E0309",
    [CRON_E_NEVER] = "E0310",         [CRON_E_MACRO] = "E0311",       [CRON_E_EVENT] = "E0311",
    [CRON_E_DURATION] = "E0312",      [CRON_E_TZ] = "E0303",          [CRON_E_PHRASE] = "E0302",
    [CRON_E_TIME] = "E0301",          [CRON_W_STAR_STEP] = "W0301",   [CRON_W_BOTH_DAYS] = "W0302",
    [CRON_W_STEP_GT_RANGE] = "W0303", [CRON_W_UNEVEN_STEP] = "W0304", [CRON_W_DOM_29_31] = "W0305",
    [CRON_W_RARE] = "W0306",
};

void schedule_tell(struct diags *d, struct span at, const struct cron_note *note) {
    struct diag *g = diag_add(d, codes[note->code], at, "%s", note->message);
    bool of_phrase = note->code == CRON_E_PHRASE || note->code == CRON_E_TIME;
    if (*note->meant)
        diag_meant(d, g, note->meant);
    else if (of_phrase)
        diag_label(d, g, "%s", note->hint);
    else if (*note->hint)
        diag_help(d, g, "%s", note->hint);
}

static void tell(struct build *b, const struct node *n, const struct cron_note *note) {
    uint32_t end = note->offset + note->length;
    schedule_tell(b->l.d, note->length ? node_part(n, note->offset, end) : node_span(n), note);
}

/* ---- firings */

static enum cron_dst dst_of(const struct node *schedule) {
    const struct node *n = node_get(schedule, "dst");
    const char *word = n && n->kind == NODE_SCALAR ? n->text : "";
    if (strcmp(word, "fixed") == 0) return CRON_DST_FIXED;
    return strcmp(word, "interval") == 0 ? CRON_DST_INTERVAL : CRON_DST_AUTO;
}

static struct firing *add_firing(struct build *b, const struct node *n) {
    struct schedule *s = &b->full->pub.schedule;
    struct firing *f = &s->firings[s->firing_count];
    const char *name = b->full->pub.name;
    f->text = arena_strdup(b->l.arena, n->text);
    f->cron_text = f->text;
    f->seed = arena_printf(b->l.arena, "%s/%zu", name ? name : "", s->firing_count);
    f->at = node_span(n);
    b->firing_nodes[s->firing_count++] = n;
    return f;
}

static void build_cron(struct build *b, const struct node *schedule, const struct node *n) {
    struct firing *f = add_firing(b, n);
    struct cron_note err;
    const struct cron_options opts = {.seed = f->seed, .dst = dst_of(schedule)};
    if (cron_parse(f->text, &opts, &f->cron, &err) == 0) return;
    tell(b, n, &err);
    b->full->pub.schedule.firing_count--;
}

static void build_every(struct build *b, const struct node *schedule, const struct node *n) {
    struct firing *f = add_firing(b, n);
    struct cron_note err;
    char text[EVERY_CRON_TEXT];
    f->phrase = true;
    if (every_parse(f->text, dst_of(schedule), &f->cron, text, &err) == 0) {
        f->cron_text = arena_strdup(b->l.arena, text);
        return;
    }
    tell(b, n, &err);
    b->full->pub.schedule.firing_count--;
}

static bool is_text(const struct node *n) { return n->kind == NODE_SCALAR && !node_is_null(n); }

static void build_firings(struct build *b, const struct node *schedule) {
    const struct node *cron = node_get(schedule, "cron"), *every = node_get(schedule, "every");
    size_t most = (cron && cron->kind == NODE_LIST ? cron->count : 1) + 1u;
    b->full->pub.schedule.firings = arena_array(b->l.arena, most, sizeof(struct firing));
    b->firing_nodes = arena_array(b->l.nodes, most, sizeof *b->firing_nodes);
    if (every && is_text(every)) build_every(b, schedule, every);
    for (uint32_t i = 0; cron && cron->kind == NODE_LIST && i < cron->count; i++)
        if (is_text(cron->items[i])) build_cron(b, schedule, cron->items[i]);
    if (cron && is_text(cron)) build_cron(b, schedule, cron);
}

void lint_schedule(struct build *b) {
    const struct schedule *s = &b->full->pub.schedule;
    struct cron_note notes[CRON_NOTES_MAX];
    for (size_t i = 0; i < s->firing_count; i++) {
        const struct firing *f = &s->firings[i];
        const struct cron_options opts = {.seed = f->seed};
        size_t n = cron_lint(f->cron_text, &opts, notes);
        for (size_t k = 0; k < n; k++) {
            if (f->phrase) notes[k].length = 0;
            if (f->phrase) snprintf(notes[k].hint, sizeof notes[k].hint, "write `month on last`");
            tell(b, b->firing_nodes[i], &notes[k]);
        }
    }
}

/* ---- one schedule, one zone */

static struct span zone_span(struct build *b, size_t i) {
    const struct cron *c = &b->full->pub.schedule.firings[i].cron;
    return node_part(b->firing_nodes[i], c->zone_at, (size_t)c->zone_at + c->zone_len);
}

static void zone_conflict(struct build *b, struct span at, const char *message, struct span other,
                          const char *help) {
    struct diag *g = load_diag(&b->l, "E0313", at, "%s", message);
    diag_also(b->l.d, g, other, "the other one");
    diag_help(b->l.d, g, "%s", help);
}

/* What a cron text says about the zone agrees with `timezone` and with the other texts. Without `timezone` it
 * is the zone of the whole schedule, so then all texts say it; UTC goes without saying. */
static void settle_zone(struct build *b, const struct node *schedule) {
    struct schedule *s = &b->full->pub.schedule;
    const char *said = s->timezone;
    const struct node *key = node_get(schedule, "timezone");
    size_t first = s->firing_count;
    char zone[TZ_NAME];
    for (size_t i = 0; i < s->firing_count; i++) {
        if (!cron_zone(&s->firings[i].cron, s->firings[i].text, zone)) continue;
        if (said && strcmp(said, zone) != 0)
            zone_conflict(b, zone_span(b, i), "the cron text and the schedule name different time zones",
                          key ? node_span(key) : zone_span(b, first),
                          "one schedule has one time zone: leave it out of the cron text");
        if (!said) said = arena_strdup(b->l.arena, zone);
        if (first == s->firing_count) first = i;
    }
    bool silent = !s->timezone && said && strcmp(said, "UTC") != 0;
    for (size_t i = 0; silent && i < s->firing_count; i++)
        if (!s->firings[i].cron.zone_len && !s->firings[i].phrase)
            zone_conflict(b, s->firings[i].at, "this cron text names no time zone, another one does",
                          zone_span(b, first), "write `timezone:` once for all of them");
    s->timezone = said;
}

/* ---- the other keys */

static void check_instant(struct build *b, const struct node *schedule, const char *key) {
    const struct node *n = node_get(schedule, key);
    instant_t t;
    if (!n || n->kind != NODE_SCALAR || text_is_date(n->text) || instant_parse(n->text, &t)) return;
    struct diag *g = load_diag(&b->l, "E0305", node_span(n), "`%.80s` is not a date", n->text);
    diag_label(b->l.d, g, "write `2026-01-31`, or with a time and zone `2026-01-31T06:00:00Z`");
}

/* contract.md 11. */
static void check_covers(struct build *b, const struct node *n) {
    static const char *const units[] = {"firing", "hour",  "hours", "day",   "days",
                                        "week",   "weeks", "month", "months"};
    if (!n || n->kind != NODE_SCALAR) return;
    char unit[16] = "", extra;
    int count = 1;
    bool good = strcmp(n->text, "days since previous firing") == 0;
    if (!good && sscanf(n->text, "previous %d %15s %c", &count, unit, &extra) != 2) {
        count = 1;
        if (sscanf(n->text, "previous %15s %c", unit, &extra) != 1) unit[0] = 0;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        good = good || (count > 0 && strcmp(unit, units[i]) == 0);
    if (good) return;
    struct diag *g = load_diag(&b->l, "E0306", node_span(n), "`%.80s` is not a span of time", n->text);
    diag_label(b->l.d, g,
               "write `previous firing`, `previous day`, `previous 7 days` or `days since previous firing`");
}

static void check_dataset(struct build *b, const struct node *n) {
    static const struct field f = {
        .name = "after", .kind = FK_DATASET, .flags = FIELD_FIXED, .example = "trusted.orders"};
    struct value v;
    static const struct where w = {.noun = "the schedule"};
    field_parse(&b->l, n, &f, &w, &v);
}

static void check_datasets(struct build *b, const struct node *n) {
    if (n->kind != NODE_LIST) {
        check_dataset(b, n);
        return;
    }
    for (uint32_t i = 0; i < n->count; i++) check_dataset(b, n->items[i]);
}

static void check_after(struct build *b, const struct node *n) {
    static const char *const known[] = {"all", "any", "same"};
    static const struct where w = {.noun = "`after` of the schedule"};
    if (n->kind != NODE_MAP) {
        check_datasets(b, n);
        return;
    }
    for (uint32_t i = 0; i < n->count; i++) {
        const struct entry *e = &n->entries[i];
        if (strcmp(e->key, "all") == 0 || strcmp(e->key, "any") == 0)
            check_datasets(b, e->value);
        else if (strcmp(e->key, "same") != 0)
            unknown_key(&b->l, n, e, known, 3, &w);
        else if (e->value->kind != NODE_SCALAR ||
                 (strcmp(e->value->text, "day") != 0 && strcmp(e->value->text, "month") != 0))
            load_diag(&b->l, "E0207", node_span(e->value), "`same` is `day` or `month`");
    }
}

static void check_trigger(struct build *b, const struct node *n) {
    const struct entry *cron = node_find(n, "cron"), *every = node_find(n, "every"),
                       *after = node_find(n, "after");
    if (cron && every) {
        struct diag *g =
            load_diag(&b->l, "E0106", key_span(n, every), "a schedule has `cron` or `every`, not both");
        diag_also(b->l.d, g, key_span(n, cron), "the other one");
    }
    if (!cron && !every && !after && !b->l.damaged)
        load_diag(&b->l, "E0105", node_span(n), "`schedule` needs `every`, `cron` or `after`");
    if (after) check_after(b, after->value);
}

void build_schedule(struct build *b, const struct node *n) {
    struct schedule *s = &b->full->pub.schedule;
    struct where w = {.name = "schedule", .at = node_span(n)};
    struct value shape;
    s->present = true;
    if (n->kind != NODE_MAP) {
        static const struct field f = {
            .name = "schedule", .kind = FK_OBJECT, .example = "{every: day at 06:15}"};
        wrong_shape(&b->l, n, &f, "a map");
        return;
    }
    bool good = fields_parse(&b->l, n, schedule_fields, &w, &shape);
    check_trigger(b, n);
    build_firings(b, n);
    check_instant(b, n, "start");
    check_instant(b, n, "end");
    check_covers(b, node_get(n, "covers"));
    const struct value *zone = value_member(&shape, "timezone");
    if (zone && zone->shape == VALUE_TEXT) s->timezone = zone->text;
    settle_zone(b, n);
    if (!good) return;
    struct complaint c = {0};
    struct eval v = {.arena = b->l.arena, .c = &c};
    struct span at;
    json_t *j = value_json(&v, &shape, &at);
    if (j) s->shape = keep_json(&b->l, j);
}
