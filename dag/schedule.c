/* schedule.c: `schedule:`, one map or a list of them. When it fires is compiled in firings.c; here are its
 * windows, its bounds, its calendar, what starts it otherwise, and what becomes of its slots. A schedule that
 * could never have a slot is an error. */
#include "base/suggest.h"
#include "dag/build.h"

#include <string.h>

const char *const if_missed_names[] = {
#define X(name) #name,
    IF_MISSED_LIST(X) NULL
#undef X
};
const char *const if_running_names[] = {
#define X(name) #name,
    IF_RUNNING_LIST(X) NULL
#undef X
};
static const char *const dst_names[] = {"auto", "fixed", "interval", NULL};

/* One schedule while it is made. */
struct maker {
    struct build *b;
    struct schedule_note *note;
    const struct node *n;
    struct schedule *s;
    struct value row;
    bool good; /* nothing of it was reported */
};

static struct diag *complain(struct maker *m, const char *code, const struct node *n, const char *message) {
    m->good = false;
    return load_diag(&m->b->l, code, node_span(n ? n : m->n), "%s", message);
}

static void label(struct maker *m, struct diag *g, const char *text) { diag_label(m->b->l.d, g, "%s", text); }

static const char *text_of(const struct maker *m, const char *key) {
    const struct value *v = value_member(&m->row, key);
    return v && v->shape == VALUE_TEXT ? v->text : NULL;
}

static duration_t duration_of(const struct maker *m, const char *key) {
    const struct value *v = value_member(&m->row, key);
    return v && v->shape == VALUE_INTEGER ? v->integer : 0;
}

static unsigned word_of(const struct maker *m, const char *key, const char *const *words) {
    const char *word = text_of(m, key);
    for (unsigned i = 0; word && words[i]; i++)
        if (strcmp(words[i], word) == 0) return i;
    return 0;
}

/* ---- zones */

static struct tz *zone_of(struct build *b, const char *name) {
    struct pipeline_full *full = b->full;
    for (size_t i = 0; i < full->zone_count; i++)
        if (strcmp(tz_name(full->zones[i]), name) == 0) return full->zones[i];
    struct tz *tz = tz_set_load(b->l.project->zone_data, name, NULL);
    if (!tz) return NULL;
    GROW(full->zones, full->zone_count, full->zone_cap);
    return full->zones[full->zone_count++] = tz;
}

/* ---- windows */

static bool phrase_begins(const struct schedule *s, const char *word) {
    if (s->firing_count != 1 || !s->firings[0].phrase) return false;
    const char *text = s->firings[0].text + strspn(s->firings[0].text, " \t");
    size_t n = strlen(word);
    return strncmp(text, word, n) == 0 && !(text[n] >= 'a' && text[n] <= 'z');
}

/* What a schedule in words is about unless it says so: whole units, put side by side. Where a calendar leaves
 * out days they go on to be of the next firing. */
static struct covers default_covers(const struct schedule *s, bool calendar) {
    static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday",    "weekday"};
    if (phrase_begins(s, "day")) return (struct covers){.unit = WINDOW_DAY, .since = calendar, .count = 1};
    if (phrase_begins(s, "month"))
        return (struct covers){.unit = WINDOW_MONTH, .since = calendar, .count = 1};
    for (size_t i = 0; i < sizeof days / sizeof *days; i++)
        if (phrase_begins(s, days[i])) return (struct covers){.unit = WINDOW_DAY, .since = true, .count = 1};
    return (struct covers){.unit = WINDOW_FIRING, .count = 1};
}

static void make_covers(struct maker *m) {
    const char *text = text_of(m, "covers");
    m->s->rule.covers = default_covers(m->s, text_of(m, "calendar") != NULL);
    if (!text || covers_parse(text, &m->s->rule.covers)) return;
    const struct node *n = node_get(m->n, "covers");
    m->good = false;
    struct diag *g = load_diag(&m->b->l, "E0306", node_span(n), "`%.80s` is not a span of time", text);
    label(m, g, "write `previous firing`, `previous day`, `previous 7 days` or `days since previous firing`");
}

/* A date is its midnight in the schedule's zone. */
static instant_t bound_of(struct maker *m, const char *key) {
    const char *text = text_of(m, key);
    instant_t t;
    int64_t day;
    if (!text) return INSTANT_NONE;
    if (parse_day(text, &day)) {
        struct civil c = civil_of(day * US_PER_DAY);
        return m->s->rule.tz ? tz_instant(m->s->rule.tz, &c) : instant_of(&c);
    }
    if (instant_parse(text, &t)) return t;
    m->good = false;
    struct diag *g =
        load_diag(&m->b->l, "E0305", node_span(node_get(m->n, key)), "`%.80s` is not a date", text);
    label(m, g, "write `2026-01-31`, or with a time and zone `2026-01-31T06:00:00Z`");
    return INSTANT_NONE;
}

static void make_bounds(struct maker *m) {
    struct slot_rule *r = &m->s->rule;
    r->start = bound_of(m, "start");
    r->end = bound_of(m, "end");
    if (r->start == INSTANT_NONE || r->end == INSTANT_NONE || r->start < r->end) return;
    struct diag *g = complain(m, "E0314", node_get(m->n, "end"), "`end` is not after `start`");
    diag_also(m->b->l.d, g, node_span(node_get(m->n, "start")), "the start");
}

/* ---- the calendar */

static const struct calendar *calendar_named(const struct project *p, const char *name) {
    for (size_t i = 0; i < p->calendar_count; i++)
        if (strcmp(p->calendars[i].name, name) == 0) return &p->calendars[i];
    return NULL;
}

static void unknown_calendar(struct maker *m, const char *name) {
    const struct project *p = m->b->l.project;
    const char **names = arena_array(m->b->l.nodes, p->calendar_count, sizeof *names);
    for (size_t i = 0; i < p->calendar_count; i++) names[i] = p->calendars[i].name;
    m->good = false;
    struct diag *g =
        load_diag(&m->b->l, "E0315", node_span(node_get(m->n, "calendar")), "unknown calendar `%.80s`", name);
    diag_meant(m->b->l.d, g, suggest(name, names, p->calendar_count));
    if (!g->label) label(m, g, "calendars are in leat.yaml: `calendars: {holidays: [2026-12-25]}`");
}

static void make_calendar(struct maker *m) {
    const char *name = text_of(m, "calendar");
    if (!name) return;
    const struct calendar *c = calendar_named(m->b->l.project, name);
    if (!c) {
        unknown_calendar(m, name);
        return;
    }
    m->s->calendar = c->name;
    m->s->rule.closed = c->days;
    m->s->rule.closed_count = c->day_count;
    m->s->rule.closed_tz = c->tz;
}

/* ---- `after:` */

static void add_dataset(struct maker *m, const struct node *n) {
    static const struct field f = {
        .name = "after", .kind = FK_DATASET, .flags = FIELD_FIXED, .example = "trusted.orders"};
    static const struct where w = {.noun = "the schedule"};
    struct after *a = &m->s->after;
    struct value v;
    if (field_parse(&m->b->l, n, &f, &w, &v)) {
        a->places[a->count] = node_span(n);
        a->datasets[a->count++] = v.text;
    } else {
        m->good = false;
    }
}

static void add_datasets(struct maker *m, const struct node *n) {
    struct after *a = &m->s->after;
    bool list = n->kind == NODE_LIST;
    a->datasets = arena_array(m->b->l.arena, list ? n->count : 1, sizeof *a->datasets);
    a->places = arena_array(m->b->l.arena, list ? n->count : 1, sizeof *a->places);
    a->count = 0;
    if (!list) add_dataset(m, n);
    if (list && !n->count) complain(m, "E0103", n, "`after` is an empty list");
    for (uint32_t i = 0; list && i < n->count; i++) add_dataset(m, n->items[i]);
}

static void set_same(struct maker *m, const struct node *n) {
    const char *word = n->kind == NODE_SCALAR ? n->text : "";
    m->s->after.same = strcmp(word, "day") == 0     ? SAME_DAY
                       : strcmp(word, "month") == 0 ? SAME_MONTH
                                                    : SAME_NONE;
    if (!m->s->after.same) complain(m, "E0207", n, "`same` is `day` or `month`");
}

static void after_keys(struct maker *m, const struct node *n) {
    static const char *const known[] = {"all", "any", "same"};
    static const struct where w = {.noun = "`after` of the schedule"};
    const struct entry *all = node_find(n, "all"), *any = node_find(n, "any"), *same = node_find(n, "same");
    for (uint32_t i = 0; i < n->count; i++) {
        const struct entry *e = &n->entries[i];
        if (e == all || e == any)
            add_datasets(m, e->value);
        else if (e == same)
            set_same(m, e->value);
        else
            m->good = false, unknown_key(&m->b->l, n, e, known, 3, &w);
    }
    m->s->after.all = all != NULL;
    if (all && any) {
        struct diag *g = complain(m, "E0106", any->value, "`after` has `all` or `any`, not both");
        diag_also(m->b->l.d, g, key_span(n, all), "the other one");
    }
    if (!all && !any && !n->partial) complain(m, "E0105", n, "`after` needs `all` or `any`");
    if (same && any && !all)
        label(m, complain(m, "E0108", same->value, "`same` needs `all`"),
              "with `any` each new version starts a run");
}

static void make_after(struct maker *m) {
    const struct node *n = node_get(m->n, "after");
    if (!n) return;
    if (n->kind == NODE_MAP)
        after_keys(m, n);
    else
        add_datasets(m, n);
}

/* ---- what starts it */

static void check_starts(struct maker *m) {
    const struct entry *cron = node_find(m->n, "cron"), *every = node_find(m->n, "every"),
                       *after = node_find(m->n, "after");
    static const char *const timed[] = {"covers", "start",  "end",      "if_missed", "start_within",
                                        "dst",    "jitter", "calendar", NULL};
    if (cron && every) {
        m->good = false;
        struct diag *g =
            load_diag(&m->b->l, "E0106", key_span(m->n, every), "a schedule has `cron` or `every`, not both");
        diag_also(m->b->l.d, g, key_span(m->n, cron), "the other one");
    }
    if (!cron && !every && !after && !m->b->l.damaged && !m->n->partial)
        complain(m, "E0105", m->n, "`schedule` needs `every`, `cron` or `after`");
    for (size_t i = 0; !cron && !every && after && timed[i]; i++) {
        const struct entry *e = node_find(m->n, timed[i]);
        if (!e) continue;
        m->good = false;
        load_diag(&m->b->l, "E0108", key_span(m->n, e), "`%s` needs `cron` or `every`", timed[i]);
    }
}

/* ---- a schedule that makes no sense as a whole */

/* With whole units since the firing before, a second firing in one unit would be about nothing. */
static bool crowded(struct slots *s) {
    enum { LOOK_AT = 400 };
    const struct slot_rule *r = slots_rule(s);
    struct slot w;
    if (!r->covers.since) return false;
    instant_t t = r->start == INSTANT_NONE ? 0 : r->start;
    for (int i = 0; i < LOOK_AT && (t = slots_fire_next(s, t)) != INSTANT_NONE; i++)
        if (slots_window(s, t, &w) && w.start == w.end) return true;
    return false;
}

static void check_slots(struct maker *m) {
    struct slots *slots = slots_new(&m->s->rule);
    const struct node *end = node_get(m->n, "end"), *start = node_get(m->n, "start");
    char covers[COVERS_TEXT];
    struct diag *g;
    switch (slots_fault(slots)) {
    case SLOTS_NEVER: complain(m, "E0310", NULL, "this schedule never fires"); break;
    case SLOTS_CLOSED:
        g = complain(m, "E0317", node_get(m->n, "calendar"), "the calendar leaves no firing");
        label(m, g, "every day this schedule fires on is left out");
        break;
    case SLOTS_BOUNDS:
        g = complain(m, "E0314", end ? end : start,
                     start && end ? "no window lies between `start` and `end`"
                     : end        ? "no window ends by then"
                     : start      ? "no window starts after that"
                                  : "no firing of it has a window");
        diag_label(m->b->l.d, g, "each covers `%s`", covers_text(&m->s->rule.covers, covers));
        break;
    case SLOTS_NONE:
        if (!crowded(slots)) break;
        g = complain(m, "E0318", node_get(m->n, "covers"), "some firings would be about no time at all");
        label(m, g, "it fires more than once in such a span; write `covers: previous firing`");
        break;
    }
    slots_free(slots);
}

/* ---- one schedule */

static void make_policies(struct maker *m) {
    struct schedule *s = m->s;
    s->dst = (enum cron_dst)word_of(m, "dst", dst_names);
    s->if_missed = (enum if_missed)word_of(m, "if_missed", if_missed_names);
    s->if_running = (enum if_running)word_of(m, "if_running", if_running_names);
    s->start_within = duration_of(m, "start_within");
    s->jitter = duration_of(m, "jitter");
    schedule_set_delay(s);
}

static void make(struct maker *m) {
    struct where w = {.name = "schedule", .at = node_span(m->n)};
    size_t errors = m->b->l.d->errors;
    m->good = fields_parse(&m->b->l, m->n, schedule_fields, &w, &m->row);
    struct schedule *s = m->s;
    const char *pipeline = m->b->full->pub.name, *name = text_of(m, "name");
    s->name = name ? name : "main";
    s->timezone = text_of(m, "timezone");
    s->at = node_span(m->n);
    s->seed = pipeline ? pipeline : "";
    if (strcmp(s->name, "main") != 0) s->seed = arena_printf(m->b->l.arena, "%s.%s", s->seed, s->name);
    make_policies(m);
    m->good &= build_firings(m->b, m->note);
    if (!s->timezone) s->timezone = "UTC";
    s->rule.tz = zone_of(m->b, s->timezone);
    check_starts(m);
    make_after(m);
    make_covers(m);
    make_bounds(m);
    make_calendar(m);
    if (m->good && m->b->l.d->errors == errors) check_slots(m);
}

/* ---- all of them */

/* Runs, slots and cursors belong to the name. */
static void check_names(struct build *b) {
    const struct pipeline *p = &b->full->pub;
    for (size_t i = 0; p->schedule_count > 1 && i < p->schedule_count; i++) {
        const struct schedule_note *note = &b->schedule_notes[i];
        const struct node *name = node_get(note->node, "name");
        if (!name) {
            struct diag *g =
                load_diag(&b->l, "E0316", node_span(note->node), "one of several schedules needs a name");
            diag_label(b->l.d, g, "add `name:`; what was decided is remembered by it");
        }
        for (size_t k = 0; name && k < i; k++) {
            const struct node *other = node_get(b->schedule_notes[k].node, "name");
            if (!other || strcmp(p->schedules[k].name, p->schedules[i].name) != 0) continue;
            struct diag *g = load_diag(&b->l, "E0316", node_span(name), "two schedules are called `%s`",
                                       p->schedules[i].name);
            diag_also(b->l.d, g, node_span(other), "the other one");
            break;
        }
    }
}

static void add_schedule(struct build *b, const struct node *n) {
    struct pipeline *p = &b->full->pub;
    if (n->bad) return;
    if (n->kind != NODE_MAP) {
        static const struct field f = {
            .name = "schedule", .kind = FK_OBJECT, .example = "{every: day at 06:15}"};
        wrong_shape(&b->l, n, &f, "a map");
        return;
    }
    struct schedule_note *note = &b->schedule_notes[p->schedule_count];
    struct schedule *s = &p->schedules[p->schedule_count++];
    *s = (struct schedule){.rule = {.start = INSTANT_NONE, .end = INSTANT_NONE}};
    *note = (struct schedule_note){.s = s, .node = n};
    struct maker m = {.b = b, .note = note, .n = n, .s = s};
    make(&m);
}

void build_schedule(struct build *b, const struct node *n) {
    struct pipeline *p = &b->full->pub;
    bool list = n->kind == NODE_LIST;
    uint32_t count = list ? n->count : 1;
    p->schedules = arena_array(b->l.arena, count, sizeof *p->schedules);
    b->schedule_notes = arena_array(b->l.nodes, count, sizeof *b->schedule_notes);
    if (list && !count) load_diag(&b->l, "E0103", node_span(n), "`schedule` is an empty list");
    for (uint32_t i = 0; i < count; i++) add_schedule(b, list ? n->items[i] : n);
    check_names(b);
}
