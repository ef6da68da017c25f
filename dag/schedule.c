/* schedule.c: the shape of `schedule:`. When a schedule fires is for the clock to say; here its words are
 * checked.
 *
 *   every := N minutes|hours | "hour at" :MM | "day at" HH:MM | "weekday at" HH:MM
 *          | monday{, thursday} "at" HH:MM | "month on" D|last "at" HH:MM */
#include "base/json.h"
#include "base/suggest.h"
#include "dag/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                   "friday", "saturday", "sunday"};

struct words {
    struct build *b;
    const struct node *node;
    size_t at;         /* in the text */
    size_t start, end; /* of the word */
};

static bool next_word(struct words *w) {
    const char *s = w->node->text;
    w->at += strspn(s + w->at, " ");
    w->start = w->at;
    w->at += strcspn(s + w->at, " ,");
    w->end = w->at;
    if (s[w->at] == ',') w->at++;
    return w->end > w->start;
}

static bool word_is(const struct words *w, const char *what) {
    return strlen(what) == w->end - w->start &&
           strncmp(w->node->text + w->start, what, w->end - w->start) == 0;
}

static bool complain(struct words *w, const char *label) {
    struct complaint c = {.start = (uint32_t)w->start,
                          .end = (uint32_t)(w->end > w->start ? w->end : w->node->count)};
    if (w->end <= w->start) c.start = c.end = 0;
    snprintf(c.code, sizeof c.code, "E0302");
    snprintf(c.message, sizeof c.message, "`every: %.100s` is not a schedule", w->node->text);
    snprintf(c.label, sizeof c.label, "%s", label);
    load_complain(&w->b->l, w->node, &c);
    return false;
}

static bool time_of_day(struct words *w) {
    char text[64];
    struct complaint c = {0};
    if (!next_word(w)) return complain(w, "a time such as `06:15` is missing at the end");
    snprintf(text, sizeof text, "%.*s", (int)(w->end - w->start > 60 ? 60 : w->end - w->start),
             w->node->text + w->start);
    if (parse_time_of_day(text, &c)) return next_word(w) ? complain(w, "nothing may follow the time") : true;
    c.start = (uint32_t)w->start;
    c.end = (uint32_t)w->end;
    load_complain(&w->b->l, w->node, &c);
    return false;
}

static bool at_time(struct words *w) {
    if (!next_word(w) || !word_is(w, "at"))
        return complain(w, "`at` and a time are expected here, such as `at 06:15`");
    return time_of_day(w);
}

static bool every_hour(struct words *w) {
    if (!next_word(w) || !word_is(w, "at")) return complain(w, "write `hour at :05`");
    const char *s = w->node->text;
    if (!next_word(w)) return complain(w, "write `hour at :05`");
    const char *m = s + w->start;
    bool good =
        w->end - w->start == 3 && m[0] == ':' && m[1] >= '0' && m[1] <= '5' && m[2] >= '0' && m[2] <= '9';
    if (!good) return complain(w, "minutes are written `:00` to `:59`");
    return !next_word(w) || complain(w, "nothing may follow the minutes");
}

static bool every_month(struct words *w) {
    if (!next_word(w) || !word_is(w, "on"))
        return complain(w, "write `month on 1 at 06:15` or `month on last at 06:15`");
    if (!next_word(w)) return complain(w, "the day of the month is missing");
    int day = atoi(w->node->text + w->start);
    if (!word_is(w, "last") && (day < 1 || day > 31)) return complain(w, "days are `1` to `31`, or `last`");
    return at_time(w);
}

static bool every_count(struct words *w) {
    long n = strtol(w->node->text + w->start, NULL, 10);
    size_t digits = strspn(w->node->text + w->start, "0123456789");
    if (digits != w->end - w->start || n < 1) return complain(w, "a count starts at 1");
    if (!next_word(w)) return complain(w, "`minutes` or `hours` is missing");
    bool good = word_is(w, "minutes") || word_is(w, "hours") || word_is(w, "minute") || word_is(w, "hour");
    if (!good) return complain(w, "count in `minutes` or `hours`; for days write `day at 06:15`");
    return !next_word(w) || complain(w, "nothing may follow the unit");
}

static bool every_weekdays(struct words *w) {
    char word[32];
    for (;;) {
        bool known = false;
        for (size_t i = 0; i < 7; i++) known = known || word_is(w, days[i]);
        if (!known) break;
        if (!next_word(w)) return complain(w, "`at` and a time are missing");
        if (word_is(w, "at")) return time_of_day(w);
    }
    static const char *const known[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
                                        "sunday", "hour",    "day",       "weekday",  "month"};
    snprintf(word, sizeof word, "%.*s", (int)(w->end - w->start > 30 ? 30 : w->end - w->start),
             w->node->text + w->start);
    const char *meant = suggest(word, known, sizeof known / sizeof *known);
    char label[120] =
        "write `20 minutes`, `hour at :05`, `day at 06:15`, `monday at 06:15` or `month on 1 at 06:15`";
    if (meant) snprintf(label, sizeof label, "did you mean `%s`?", meant);
    return complain(w, label);
}

static bool check_every(struct build *b, const struct node *n) {
    struct words w = {.b = b, .node = n};
    if (!next_word(&w)) return complain(&w, "it is empty");
    if (n->text[w.start] >= '0' && n->text[w.start] <= '9') return every_count(&w);
    if (word_is(&w, "hour")) return every_hour(&w);
    if (word_is(&w, "day") || word_is(&w, "weekday")) return at_time(&w);
    return word_is(&w, "month") ? every_month(&w) : every_weekdays(&w);
}

/* scheduling.md 2.1: a zone in front, then a nickname, @every, or 5 to 7 fields. */
static void check_cron(struct build *b, const struct node *n) {
    const char *s = n->text + strspn(n->text, " ");
    if (strncmp(s, "TZ=", 3) == 0 || strncmp(s, "CRON_TZ=", 8) == 0) s += strcspn(s, " ");
    size_t fields = 0;
    for (s += strspn(s, " \t"); *s; s += strspn(s, " \t")) {
        fields++;
        s += strcspn(s, " \t");
    }
    bool nickname = n->text[0] == '@' && fields <= 2;
    if (nickname || (fields >= 5 && fields <= 7)) return;
    struct diag *g =
        load_diag(&b->l, "E0304", node_span(n), "a cron text has 5 fields, this one has %zu", fields);
    diag_label(b->l.d, g, "minute, hour, day of month, month, day of week");
}

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
    if (every && every->value->kind == NODE_SCALAR && !node_is_null(every->value))
        check_every(b, every->value);
    for (uint32_t i = 0; cron && cron->value->kind == NODE_LIST && i < cron->value->count; i++)
        if (cron->value->items[i]->kind == NODE_SCALAR) check_cron(b, cron->value->items[i]);
    if (cron && cron->value->kind == NODE_SCALAR && !node_is_null(cron->value)) check_cron(b, cron->value);
    if (after) check_after(b, after->value);
}

void build_schedule(struct build *b, const struct node *n) {
    struct where w = {.name = "schedule", .at = node_span(n)};
    struct value shape;
    if (n->kind != NODE_MAP) {
        static const struct field f = {
            .name = "schedule", .kind = FK_OBJECT, .example = "{every: day at 06:15}"};
        wrong_shape(&b->l, n, &f, "a map");
        return;
    }
    struct schedule *s = arena_alloc(b->l.arena, sizeof *s);
    *s = (struct schedule){.name = "main", .timezone = "UTC", .at = node_span(n)};
    b->full->pub.schedules = s;
    b->full->pub.schedule_count = 1;
    fields_parse(&b->l, n, schedule_fields, &w, &shape);
    check_trigger(b, n);
    check_instant(b, n, "start");
    check_instant(b, n, "end");
    check_covers(b, node_get(n, "covers"));
    const struct value *zone = value_member(&shape, "timezone");
    if (zone && zone->shape == VALUE_TEXT) s->timezone = zone->text;
}
