/* lint.c: texts that are right, and may mean something else than was meant. One rule a function; each looks
 * at one item, or once at the whole. */
#include "cron/local.h"
#include "cron/read.h"

#include <stdio.h>

enum { TOKEN_MAX = 40, RARE_DATES = (CRON_YEAR_MAX - CRON_YEAR_MIN + 1) / 5 };

struct lint {
    const char *text;
    const struct cron_text *t;
    const struct cron *c;
    struct cron_note *out;
    size_t count;
};

#define PART(l, p) (int)((p).length < TOKEN_MAX ? (p).length : TOKEN_MAX), (l)->text + (p).at

/* Where the next warning goes; past the last place they overwrite it. */
static struct cron_note *next(struct lint *l) {
    if (l->count == CRON_NOTES_MAX) l->count--;
    return &l->out[l->count++];
}

static struct part part_of(const struct item *i) { return (struct part){i->at, i->length}; }

/* ---- of one item */

static void star_step(struct lint *l, const struct item *i) {
    enum cron_field other = i->field == CRON_DOM ? CRON_DOW : CRON_DOM;
    bool day = i->field == CRON_DOM || i->field == CRON_DOW;
    if (!day || i->form != FORM_STAR || i->step < 2 || l->t->star[other] || l->t->plus) return;
    struct cron_note *n = next(l);
    cron_say(n, CRON_W_STAR_STEP, i->field, part_of(i),
             "`%.*s` begins with `*`, so both day fields must match", PART(l, part_of(i)));
    cron_hint(n, "say so: `%.*s %.*s +%.*s`", PART(l, l->t->fields[CRON_DOM]),
              PART(l, l->t->fields[CRON_MONTH]), PART(l, l->t->fields[CRON_DOW]));
}

static void step_beyond(struct lint *l, const struct item *i) {
    int size = cron_field_high[i->field] - cron_field_low[i->field] + 1;
    int span = i->high >= i->low ? i->high - i->low : i->high - i->low + size;
    if (i->kind != ITEM_RANGE || i->form != FORM_SPAN || !i->stepped || i->step <= span) return;
    struct cron_note *n = next(l);
    cron_say(n, CRON_W_STEP_GT_RANGE, i->field, part_of(i),
             "the step of `%.*s` is wider than its range: only %d matches", PART(l, part_of(i)), i->low);
    cron_hint(n, "write `%d`", i->low);
}

static bool adjacent(uint64_t mask) { return mask & mask >> 1; }

/* One round of the field follows another: 06:56 is followed by 07:00 when hours 6 and 7 both match. */
static bool goes_round(const struct cron *c, enum cron_field field) {
    if (field == CRON_SECOND) return adjacent(c->minute);
    return field == CRON_MINUTE ? adjacent(c->hour) : adjacent(c->dom) && adjacent(c->dow);
}

static void uneven_step(struct lint *l, const struct item *i) {
    static const char unit[] = {'s', 'm', 'h'};
    int size = cron_field_high[i->field] + 1;
    if (i->field > CRON_HOUR || i->form != FORM_STAR || !i->stepped || size % i->step == 0) return;
    if (!goes_round(l->c, i->field)) return;
    struct cron_note *n = next(l);
    cron_say(n, CRON_W_UNEVEN_STEP, i->field, part_of(i),
             "`%.*s` begins anew at 0: the last stretch of each round is %d, not %d", PART(l, part_of(i)),
             size % i->step, i->step);
    cron_hint(n, "an even one is `@every %d%c`", i->step, unit[i->field]);
}

/* The first month of those asked for that does not have the day; 0: all do. February has 28 here, unless it
 * alone is asked for: then the 29th is meant. */
static int month_without(const struct cron *c, int day) {
    static const int lengths[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (int m = 1; m <= 12; m++)
        if (c->month >> m & 1 && lengths[m] < day) return c->month == 1u << 2 ? 0 : m;
    return 0;
}

static void late_day(struct lint *l, const struct item *i) {
    bool one = i->field == CRON_DOM && i->kind == ITEM_RANGE && i->form == FORM_VALUE && !i->stepped;
    if (!one || i->low < 29 || !month_without(l->c, i->low)) return;
    struct cron_note *n = next(l);
    cron_say(n, CRON_W_DOM_29_31, CRON_DOM, part_of(i), "months without a day %d are left out", i->low);
    cron_hint(n, "the last day of every month is `L`");
}

/* ---- of the whole */

static void both_days(struct lint *l) {
    const struct part *f = l->t->fields;
    struct part both = {f[CRON_DOM].at, (uint16_t)(f[CRON_DOW].at + f[CRON_DOW].length - f[CRON_DOM].at)};
    if (!l->c->either) return;
    struct cron_note *n = next(l);
    cron_say(n, CRON_W_BOTH_DAYS, CRON_DOW, both, "either of the day fields is enough");
    cron_hint(n, "for both to match write `%.*s %.*s +%.*s`", PART(l, f[CRON_DOM]), PART(l, f[CRON_MONTH]),
              PART(l, f[CRON_DOW]));
}

/* Years that are named are meant. */
static void rare(struct lint *l) {
    const struct part *f = l->t->fields;
    struct part days = {f[CRON_DOM].at, (uint16_t)(f[CRON_DOW].at + f[CRON_DOW].length - f[CRON_DOM].at)};
    int dates = l->t->field_count < CRON_FIELDS ? cron_local_dates(l->c) : RARE_DATES;
    if (dates >= RARE_DATES) return;
    cron_say(next(l), CRON_W_RARE, CRON_DOM, days, "only %d dates match from %d to %d", dates, CRON_YEAR_MIN,
             CRON_YEAR_MAX);
}

size_t cron_lint(const char *text, const struct cron_options *opts, struct cron_note out[CRON_NOTES_MAX]) {
    static void (*const rules[])(struct lint *, const struct item *) = {star_step, step_beyond, uneven_step,
                                                                        late_day};
    struct cron_text t;
    struct cron c;
    struct cron_note err;
    struct lint l = {.text = text, .t = &t, .c = &c, .out = out};
    if (cron_parse(text, opts, &c, &err) != 0 || cron_read(text, &t, &err) != 0) return 0;
    if (t.every || t.nickname.length) return 0;
    for (uint16_t i = 0; i < t.count; i++)
        for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) rules[r](&l, &t.items[i]);
    both_days(&l);
    rare(&l);
    return l.count;
}
