/* firings.c: `cron:` and `every:` of a schedule, and its one time zone. Texts are compiled by cron/; what
 * that says about bytes of a text becomes a diagnostic at its line and column. */
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

static struct firing *add_firing(struct build *b, struct schedule_note *note, const struct node *n) {
    struct schedule *s = note->s;
    struct firing *f = &s->firings[s->firing_count];
    f->text = arena_strdup(b->l.arena, n->text);
    f->cron_text = f->text;
    f->seed = arena_printf(b->l.arena, "%s/%zu", s->seed, s->firing_count);
    f->at = node_span(n);
    note->firing_nodes[s->firing_count] = n;
    return f;
}

static bool compiled(struct schedule *s, struct firing *f, const struct cron *cron, struct cron *crons) {
    f->cron = &crons[s->firing_count];
    crons[s->firing_count++] = *cron;
    return true;
}

static bool build_cron(struct build *b, struct schedule_note *note, const struct node *n,
                       struct cron *crons) {
    struct firing *f = add_firing(b, note, n);
    struct cron_note err;
    struct cron cron;
    const struct cron_options opts = {.seed = f->seed, .dst = note->s->dst};
    if (cron_parse(f->text, &opts, &cron, &err) == 0) return compiled(note->s, f, &cron, crons);
    tell(b, n, &err);
    return false;
}

static bool build_every(struct build *b, struct schedule_note *note, const struct node *n,
                        struct cron *crons) {
    struct firing *f = add_firing(b, note, n);
    struct cron_note err;
    struct cron cron;
    char text[EVERY_CRON_TEXT];
    f->phrase = true;
    if (every_parse(f->text, note->s->dst, &cron, text, &err) == 0) {
        f->cron_text = arena_strdup(b->l.arena, text);
        return compiled(note->s, f, &cron, crons);
    }
    tell(b, n, &err);
    return false;
}

static bool is_text(const struct node *n) { return n->kind == NODE_SCALAR && !node_is_null(n); }

static bool build_texts(struct build *b, struct schedule_note *note) {
    const struct node *cron = node_get(note->node, "cron"), *every = node_get(note->node, "every");
    size_t most = (cron && cron->kind == NODE_LIST ? cron->count : 1) + 1u;
    bool good = true;
    struct cron *crons = arena_array(b->l.arena, most, sizeof *crons);
    note->s->rule.crons = crons;
    note->s->firings = arena_array(b->l.arena, most, sizeof(struct firing));
    note->firing_nodes = arena_array(b->l.nodes, most, sizeof *note->firing_nodes);
    if (every && is_text(every)) good &= build_every(b, note, every, crons);
    for (uint32_t i = 0; cron && cron->kind == NODE_LIST && i < cron->count; i++)
        if (is_text(cron->items[i])) good &= build_cron(b, note, cron->items[i], crons);
    if (cron && is_text(cron)) good &= build_cron(b, note, cron, crons);
    note->s->rule.cron_count = note->s->firing_count;
    return good;
}

void lint_firings(struct build *b, const struct schedule_note *note) {
    struct cron_note notes[CRON_NOTES_MAX];
    for (size_t i = 0; i < note->s->firing_count; i++) {
        const struct firing *f = &note->s->firings[i];
        const struct cron_options opts = {.seed = f->seed};
        size_t n = cron_lint(f->cron_text, &opts, notes);
        for (size_t k = 0; k < n; k++) {
            if (f->phrase) notes[k].length = 0;
            if (f->phrase) snprintf(notes[k].hint, sizeof notes[k].hint, "write `month on last`");
            tell(b, note->firing_nodes[i], &notes[k]);
        }
    }
}

/* ---- one schedule, one zone */

static struct span zone_span(const struct schedule_note *note, size_t i) {
    const struct cron *c = note->s->firings[i].cron;
    return node_part(note->firing_nodes[i], c->zone_at, (size_t)c->zone_at + c->zone_len);
}

static bool zone_conflict(struct build *b, struct span at, const char *message, struct span other,
                          const char *help) {
    struct diag *g = load_diag(&b->l, "E0313", at, "%s", message);
    diag_also(b->l.d, g, other, "the other one");
    diag_help(b->l.d, g, "%s", help);
    return false;
}

/* What a cron text says about the zone agrees with `timezone` and with the other texts. Without `timezone` it
 * is the zone of the whole schedule, so then all texts say it; UTC goes without saying. */
static bool settle_zone(struct build *b, const struct schedule_note *note) {
    struct schedule *s = note->s;
    const char *said = s->timezone;
    const struct node *key = node_get(note->node, "timezone");
    size_t first = s->firing_count;
    bool good = true;
    char zone[TZ_NAME];
    for (size_t i = 0; i < s->firing_count; i++) {
        if (!cron_zone(s->firings[i].cron, s->firings[i].text, zone)) continue;
        if (said && strcmp(said, zone) != 0)
            good = zone_conflict(b, zone_span(note, i),
                                 "the cron text and the schedule name different time zones",
                                 key ? node_span(key) : zone_span(note, first),
                                 "one schedule has one time zone: leave it out of the cron text");
        if (!said) said = arena_strdup(b->l.arena, zone);
        if (first == s->firing_count) first = i;
    }
    bool silent = !s->timezone && said && strcmp(said, "UTC") != 0;
    for (size_t i = 0; silent && i < s->firing_count; i++)
        if (!s->firings[i].cron->zone_len && !s->firings[i].phrase)
            good = zone_conflict(b, s->firings[i].at, "this cron text names no time zone, another one does",
                                 zone_span(note, first), "write `timezone:` once for all of them");
    s->timezone = said;
    return good;
}

bool build_firings(struct build *b, struct schedule_note *note) {
    bool good = build_texts(b, note);
    return settle_zone(b, note) && good;
}
