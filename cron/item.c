/* item.c: one field: item {"," item}.
 *
 *   item  = "*" ["/" step] | value ["-" value] ["/" step] | "H" ["(" value "-" value ")"] ["/" step]
 *   day of month also    "L" ["-" n] ["W"] | value "W"
 *   day of week also     value "L" | value "#" (1..5 | "L");  a "+" may stand in front of the field
 *   both, whole field    "?"
 *
 * Numbers have one or two digits, years four; so nothing overflows and nothing is guessed. */
#include "cron/item.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SHOWN = 40, LAST_MAX = 30 };

#define TOKEN(r, p) (int)((p).length < SHOWN ? (p).length : SHOWN), (r)->text + (p).at

static const char months[][4] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                 "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
static const char days[][4] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

/* ---- pieces of text */

static char char_at(const struct reader *r, struct part p, uint16_t i) {
    return (char)toupper((unsigned char)r->text[p.at + i]);
}

static struct part sub(struct part p, size_t from, size_t to) {
    return (struct part){(uint16_t)(p.at + from), (uint16_t)(to - from)};
}

/* Where c is first; the length when it is not there. */
static uint16_t find(const struct reader *r, struct part p, char c) {
    const char *s = r->text + p.at;
    uint16_t i = 0;
    while (i < p.length && s[i] != c) i++;
    return i;
}

static bool all(const struct reader *r, struct part p, int (*is)(int)) {
    for (uint16_t i = 0; i < p.length; i++)
        if (!is((unsigned char)r->text[p.at + i])) return false;
    return p.length > 0;
}

static int number(const struct reader *r, struct part p) { /* of a few digits */
    int n = 0;
    for (uint16_t i = 0; i < p.length; i++) n = n * 10 + (r->text[p.at + i] - '0');
    return n;
}

/* ---- values */

/* The value of a name that begins with these three letters; -1: none. */
static int name_of(const struct reader *r, struct part p) {
    const char(*names)[4] = r->field == CRON_MONTH ? months : days;
    int count = r->field == CRON_MONTH ? 12 : r->field == CRON_DOW ? 7 : 0;
    for (int i = 0; i < count; i++)
        if (strncasecmp(r->text + p.at, names[i], 3) == 0) return r->field == CRON_MONTH ? i + 1 : i;
    return -1;
}

static int meant_name(const struct reader *r, struct part p) {
    char name[4];
    snprintf(name, sizeof name, "%.3s", r->text + p.at);
    return cron_meant(r->err, name);
}

static int value_hint(const struct reader *r, struct part p) {
    uint16_t tilde = find(r, p, '~');
    bool day = r->field == CRON_DOM || r->field == CRON_DOW;
    if (tilde < p.length)
        return cron_hint(r->err, "write `H(%.*s-%.*s)` for one value of a range that stays the same",
                         TOKEN(r, sub(p, 0, tilde)), TOKEN(r, sub(p, tilde + 1u, p.length)));
    if (p.length > 3 && all(r, p, isalpha) && name_of(r, p) >= 0) return meant_name(r, p);
    if (r->field == CRON_DOW && p.length == 1 && char_at(r, p, 0) == 'L')
        return cron_hint(r->err, "the last Friday of the month is `5L` or `FRIL`");
    if (r->field == CRON_DOM && p.length > 1 && char_at(r, p, (uint16_t)(p.length - 1)) == 'W')
        return cron_hint(r->err, "`W` stands behind one day, such as `15W` or `LW`");
    if (r->text[p.at] == '+' && r->field != CRON_DOW)
        return cron_hint(r->err, "`+` stands at the beginning of the day of week");
    if (find(r, p, '?') < p.length)
        return day ? cron_hint(r->err, "`?` stands alone in its field")
                   : cron_hint(r->err, "`?` is for the day fields; write `*`");
    return -1;
}

static int bad_value(const struct reader *r, struct part p) {
    bool question = find(r, p, '?') < p.length;
    cron_say(r->err, question ? CRON_E_CHAR : CRON_E_VALUE, r->field, p, "`%.*s` cannot be the %s",
             TOKEN(r, p), cron_field_words[r->field]);
    return value_hint(r, p);
}

static int digits_of(const struct reader *r) { return r->field == CRON_YEAR ? 4 : 2; }

static int value(const struct reader *r, struct part p, uint16_t *out) {
    int n = p.length == 3 ? name_of(r, p) : -1;
    int low = cron_field_low[r->field], high = cron_field_high[r->field];
    *out = (uint16_t)n;
    if (n >= 0) return 0;
    if (!all(r, p, isdigit)) return bad_value(r, p);
    if (p.length > digits_of(r) || (r->field == CRON_YEAR && p.length != 4))
        return cron_say(r->err, CRON_E_VALUE, r->field, p, "the %s has %s digits, not `%.*s`",
                        cron_field_words[r->field], r->field == CRON_YEAR ? "four" : "one or two",
                        TOKEN(r, p));
    n = number(r, p);
    *out = (uint16_t)n;
    if (n >= low && n <= high) return 0;
    cron_say(r->err, CRON_E_RANGE, r->field, p, "%s goes from %d to %d, not %d", cron_field_words[r->field],
             low, high, n);
    return r->field == CRON_HOUR && n == 24 ? cron_hint(r->err, "midnight is hour 0") : -1;
}

/* ---- steps */

/* Debian has a way to say "first Monday": a star with a step of 100 in front of 1-7, so that both fields
 * count. */
static bool hint_first_monday(const struct reader *r, struct part item) {
    struct part dom = r->out->fields[CRON_DOM], month = r->out->fields[CRON_MONTH],
                dow = r->out->fields[CRON_DOW];
    uint16_t rest = (uint16_t)(item.at + item.length + 1);
    if (r->field != CRON_DOM || rest >= dom.at + dom.length || strchr("*?+", r->text[dow.at])) return false;
    cron_hint(r->err, "for both day fields to match write `%.*s %.*s +%.*s`", dom.at + dom.length - rest,
              r->text + rest, TOKEN(r, month), TOKEN(r, dow));
    return true;
}

/* The whole text with 0 instead of the item: once in each of the larger unit. */
static int hint_once(const struct reader *r, struct part item, const char *larger) {
    struct part first = r->out->fields[r->out->field_count == 5 ? CRON_MINUTE : CRON_SECOND];
    return cron_hint(r->err, "`%.*s0%s` runs once %s", item.at - first.at, r->text + first.at,
                     r->text + item.at + item.length, larger);
}

/* What a step beyond its field was meant to be: once a larger unit, or elapsed time. */
static int step_hint(const struct reader *r, struct part item, int n) {
    static const struct {
        int size;
        const char *larger;
        char unit;
    } units[] = {{60, "a minute", 's'}, {60, "an hour", 'm'}, {24, "a day", 'h'}};
    if (hint_first_monday(r, item) || r->field > CRON_HOUR || n < units[r->field].size) return -1;
    if (n == units[r->field].size) return hint_once(r, item, units[r->field].larger);
    return cron_hint(r->err, "write `@every %d%c`", n, units[r->field].unit);
}

static int step_of(const struct reader *r, struct part item, struct part p, uint16_t *out) {
    int top = r->field == CRON_YEAR ? CRON_YEAR_MAX - CRON_YEAR_MIN : cron_field_high[r->field];
    bool short_number = p.length <= 3 && all(r, p, isdigit);
    int n = short_number ? number(r, p) : 0;
    *out = (uint16_t)n;
    if (n >= 1 && n <= top) return 0;
    if (!p.length) return cron_say(r->err, CRON_E_STEP, r->field, item, "a step is missing after `/`");
    cron_say(r->err, CRON_E_STEP, r->field, p, "a step of %s goes from 1 to %d, not `%.*s`",
             cron_field_words[r->field], top, TOKEN(r, p));
    return short_number ? step_hint(r, item, n) : -1;
}

/* ---- items */

static struct item *add(const struct reader *r, enum item_kind kind, struct part p) {
    struct item *i = &r->out->items[r->out->count++];
    *i = (struct item){.kind = (uint8_t)kind,
                       .form = FORM_SPECIAL,
                       .field = (uint8_t)r->field,
                       .step = 1,
                       .at = p.at,
                       .length = p.length};
    return i;
}

/* L, L-n, LW, L-nW. 1: it is none of them. */
static int last_item(const struct reader *r, struct part p) {
    bool weekday = p.length > 1 && char_at(r, p, (uint16_t)(p.length - 1)) == 'W';
    struct part n = sub(p, 2, p.length - weekday);
    bool bare = p.length == 1u + weekday;
    if (char_at(r, p, 0) != 'L') return 1;
    if (!bare && (p.length < 3u + weekday || char_at(r, p, 1) != '-' || n.length > 2 || !all(r, n, isdigit)))
        return 1;
    int back = bare ? 0 : number(r, n);
    if (back > LAST_MAX)
        return cron_say(r->err, CRON_E_RANGE, CRON_DOM, p, "`L-n` goes from 0 to %d days back, not %d",
                        LAST_MAX, back);
    add(r, weekday ? ITEM_LAST_WEEKDAY : ITEM_LAST, p)->low = (uint16_t)back;
    return 0;
}

static int dom_item(const struct reader *r, struct part p) {
    struct part day = sub(p, 0, p.length - 1u);
    uint16_t v;
    if (char_at(r, p, 0) == 'L') return last_item(r, p);
    if (p.length < 2 || p.length > 3 || char_at(r, p, day.length) != 'W' || !all(r, day, isdigit)) return 1;
    if (value(r, day, &v) != 0) return -1;
    add(r, ITEM_WEEKDAY, p)->low = v;
    return 0;
}

static int dow_item(const struct reader *r, struct part p) {
    uint16_t hash = find(r, p, '#'), w;
    struct part day = sub(p, 0, hash), which = sub(p, hash < p.length ? hash + 1u : hash, p.length);
    bool last = char_at(r, p, (uint16_t)(p.length - 1)) == 'L';
    if (hash == p.length) {
        if (!last || p.length < 2 || !all(r, p, isalnum)) return 1;
        day.length--;
    } else if (which.length != 1 || !strchr("12345Ll", r->text[which.at])) {
        cron_say(r->err, CRON_E_VALUE, CRON_DOW, p, "`%.*s` cannot be the day of week", TOKEN(r, p));
        return cron_hint(r->err, "the second Monday is `MON#2`; behind `#` stands 1 to 5, or L");
    }
    if (value(r, day, &w) != 0) return -1;
    struct item *i = add(r, last ? ITEM_DOW_LAST : ITEM_NTH, p);
    i->low = w % 7;
    i->high = last ? 0 : (uint16_t)(r->text[which.at] - '0');
    return 0;
}

static int hash_range(const struct reader *r, struct part inner, struct item *i) {
    uint16_t dash = find(r, inner, '-');
    if (dash == inner.length)
        return cron_say(r->err, CRON_E_SYNTAX, r->field, inner, "a range is written `H(a-b)`");
    if (value(r, sub(inner, 0, dash), &i->low) != 0) return -1;
    if (value(r, sub(inner, dash + 1u, inner.length), &i->high) != 0) return -1;
    if (i->low > i->high)
        return cron_say(r->err, CRON_E_RANGE, r->field, inner, "`H(a-b)` does not go past the end: %d-%d",
                        i->low, i->high);
    return 0;
}

static int hash_step(const struct reader *r, struct part p, struct part step, struct item *i) {
    if (step_of(r, p, step, &i->step) != 0) return -1;
    i->stepped = true;
    if (i->step <= i->high - i->low + 1) return 0;
    return cron_say(r->err, CRON_E_STEP, r->field, step, "a step of %d does not fit into %d-%d", i->step,
                    i->low, i->high);
}

/* H, H/n, H(a-b), H(a-b)/n. Without a range days end at the 28th, which every month has. */
static int hash_item(const struct reader *r, struct part p) {
    char next = p.length > 1 ? char_at(r, p, 1) : 0;
    if (char_at(r, p, 0) != 'H' || (next && next != '(' && next != '/')) return 1;
    if (r->field == CRON_YEAR) return cron_say(r->err, CRON_E_HASH, CRON_YEAR, p, "`H` cannot be a year");
    struct item *i = add(r, ITEM_HASH, p);
    i->low = cron_field_low[r->field];
    i->high = r->field == CRON_DOM ? 28 : r->field == CRON_DOW ? 6 : cron_field_high[r->field];
    i->step = 0;
    uint16_t end = 1;
    if (next == '(') {
        end = find(r, p, ')');
        if (end == p.length) return cron_say(r->err, CRON_E_SYNTAX, r->field, p, "`)` is missing");
        if (hash_range(r, sub(p, 2, end), i) != 0) return -1;
        end++;
    }
    if (end == p.length) return 0;
    if (r->text[p.at + end] == '/') return hash_step(r, p, sub(p, end + 1u, p.length), i);
    return cron_say(r->err, CRON_E_SYNTAX, r->field, p, "nothing but `/n` may follow `H(a-b)`");
}

static uint16_t top_of(const struct reader *r) {
    return r->field == CRON_DOW ? 6 : cron_field_high[r->field];
}

static int range_values(const struct reader *r, struct part from, struct part to, bool span, struct item *i) {
    if (from.length == 1 && r->text[from.at] == '*' && !span) {
        i->form = FORM_STAR;
        i->low = cron_field_low[r->field];
        i->high = top_of(r);
        return 0;
    }
    if (value(r, from, &i->low) != 0) return -1;
    i->form = span ? FORM_SPAN : FORM_VALUE;
    i->high = i->stepped ? (i->low > top_of(r) ? i->low : top_of(r)) : i->low;
    if (!span) return 0;
    if (value(r, to, &i->high) != 0) return -1;
    if (r->field == CRON_YEAR && i->low > i->high)
        return cron_say(r->err, CRON_E_RANGE, CRON_YEAR, (struct part){i->at, i->length},
                        "years do not wrap: %d-%d", i->low, i->high);
    return 0;
}

/* "*", a, a-b, each with or without /n. */
static int range_item(const struct reader *r, struct part p) {
    uint16_t slash = find(r, p, '/');
    struct part body = sub(p, 0, slash);
    uint16_t dash = find(r, body, '-');
    bool span = dash < body.length;
    struct part from = sub(body, 0, dash), to = sub(body, span ? dash + 1u : dash, body.length);
    if (!from.length || (span && !to.length) || find(r, to, '-') < to.length ||
        (span && r->text[from.at] == '*'))
        return cron_say(r->err, CRON_E_SYNTAX, r->field, p, "`%.*s` cannot be read as %s", TOKEN(r, p),
                        cron_field_words[r->field]);
    struct item *i = add(r, ITEM_RANGE, p);
    i->stepped = slash < p.length;
    if (i->stepped && step_of(r, p, sub(p, slash + 1u, p.length), &i->step) != 0) return -1;
    return range_values(r, from, to, span, i);
}

static int read_item(const struct reader *r, struct part p) {
    int got = 1;
    if (!p.length) {
        struct part comma = {p.at > r->out->fields[r->field].at ? (uint16_t)(p.at - 1) : p.at, 1};
        return cron_say(r->err, CRON_E_SYNTAX, r->field, comma, "an item of the list is missing");
    }
    if (r->field == CRON_DOM) got = dom_item(r, p);
    if (r->field == CRON_DOW) got = dow_item(r, p);
    if (got == 1) got = hash_item(r, p);
    return got == 1 ? range_item(r, p) : got;
}

static int read_list(const struct reader *r, struct part p) {
    for (;;) {
        uint16_t comma = find(r, p, ',');
        if (read_item(r, sub(p, 0, comma)) != 0) return -1;
        if (comma == p.length) return 0;
        p = sub(p, comma + 1u, p.length);
    }
}

int cron_read_field(struct reader *r, enum cron_field field, struct part p) {
    r->field = field;
    r->out->plus = r->out->plus || (field == CRON_DOW && r->text[p.at] == '+');
    if (field == CRON_DOW && r->text[p.at] == '+') p = sub(p, 1, p.length);
    char first = p.length ? r->text[p.at] : 0;
    r->out->star[field] = first == '*' || first == '?';
    if (p.length != 1 || first != '?' || (field != CRON_DOM && field != CRON_DOW)) return read_list(r, p);
    struct item *i = add(r, ITEM_RANGE, p);
    i->form = FORM_STAR;
    i->low = cron_field_low[field];
    i->high = top_of(r);
    return 0;
}
