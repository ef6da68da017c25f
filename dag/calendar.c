/* calendar.c: `calendars:` of leat.yaml: named sets of days on which nothing fires.
 *
 *   calendars:
 *     holidays: [2026-12-25, 2026-12-31..2027-01-02]          days of the zone of each schedule
 *     plant: {timezone: Asia/Tokyo, days: [2026-08-11..2026-08-16]}
 *
 * A range has both its days. */
#include "dag/build.h"

#include <stdlib.h>
#include <string.h>

enum { DATE_TEXT = 10 };

static bool day_of(const char *text, size_t n, int64_t *day) {
    char date[DATE_TEXT + 1];
    if (n != DATE_TEXT) return false;
    memcpy(date, text, n);
    date[n] = 0;
    return parse_day(date, day);
}

static bool range_of(const char *text, struct date_range *out) {
    size_t n = strlen(text);
    if (day_of(text, n, &out->first)) {
        out->last = out->first;
        return true;
    }
    return n == 2 * DATE_TEXT + 2 && memcmp(text + DATE_TEXT, "..", 2) == 0 &&
           day_of(text, DATE_TEXT, &out->first) && day_of(text + DATE_TEXT + 2, DATE_TEXT, &out->last);
}

static void add_day(struct load *l, struct calendar *c, const struct node *n) {
    struct date_range r;
    if (n->bad) return;
    if (n->kind != NODE_SCALAR || !range_of(n->text, &r)) {
        const char *text = n->kind == NODE_SCALAR ? n->text : node_noun(n);
        struct diag *g = load_diag(l, "E0319", node_span(n), "`%.80s` is not a day of a calendar", text);
        diag_label(l->d, g, "write `2026-12-25`, or `2026-12-24..2026-12-26` for three days");
        return;
    }
    if (r.first > r.last) {
        struct diag *g = load_diag(l, "E0319", node_span(n), "the last day comes before the first");
        diag_label(l->d, g, "write the earlier one first");
        return;
    }
    c->days[c->day_count++] = r;
}

static int by_first(const void *a, const void *b) {
    const struct date_range *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

/* Sorted, and what touches joined: the order a search needs. */
static void tidy(struct calendar *c) {
    size_t n = 0;
    if (c->day_count) qsort(c->days, c->day_count, sizeof *c->days, by_first);
    for (size_t i = 0; i < c->day_count; i++) {
        struct date_range r = c->days[i];
        if (n && r.first <= c->days[n - 1].last + 1) {
            if (r.last > c->days[n - 1].last) c->days[n - 1].last = r.last;
        } else {
            c->days[n++] = r;
        }
    }
    c->day_count = n;
}

static void take_days(struct load *l, struct calendar *c, const struct node *n) {
    static const struct field f = {.name = "days", .kind = FK_TEXT, .example = "[2026-12-25]"};
    if (n->kind != NODE_LIST) {
        wrong_shape(l, n, &f, "a list of days");
        return;
    }
    c->days = arena_array(l->arena, n->count, sizeof *c->days);
    for (uint32_t i = 0; i < n->count; i++) add_day(l, c, n->items[i]);
    tidy(c);
}

static void take_map(struct load *l, struct calendar *c, const struct node *n) {
    static const char *const later[] = {"days", NULL};
    struct where w = {.noun = "calendar", .name = c->name, .at = node_span(n)};
    struct value row;
    fields_parse_except(l, n, calendar_fields, later, &w, &row);
    const struct value *zone = value_member(&row, "timezone");
    const struct node *days = node_get(n, "days");
    if (zone && zone->shape == VALUE_TEXT) c->tz = tz_load(zone->text, NULL);
    if (days) take_days(l, c, days);
}

void calendars_build(struct load *l, struct project *p, const struct node *n) {
    static const struct field f = {
        .name = "calendars", .kind = FK_OBJECT, .example = "{holidays: [2026-12-25]}"};
    if (n->kind != NODE_MAP) {
        wrong_shape(l, n, &f, "a map of calendars");
        return;
    }
    p->calendars = arena_array(p->arena, n->count, sizeof *p->calendars);
    for (uint32_t i = 0; i < n->count; i++) {
        const struct entry *e = &n->entries[i];
        if (!name_check(l, n, e, "calendar")) continue;
        struct calendar *c = &p->calendars[p->calendar_count++];
        c->name = e->key;
        if (e->value->kind == NODE_MAP)
            take_map(l, c, e->value);
        else
            take_days(l, c, e->value);
    }
}
