/* expr_functions.c: the functions of expressions, one row each. */
#include "base/buf.h"
#include "base/json.h"
#include "dag/expr.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool wrong(struct eval *v, const char *text) { return expr_complain(v->c, "E0505", 0, 0, "%s", text); }

static bool is_text(const struct ev *x) { return x->type == TYPE_TEXT || x->type == TYPE_PATH; }

static bool need_text(struct eval *v, const struct ev *x) {
    return is_text(x) ||
           expr_complain(v->c, "E0505", 0, 0, "text is needed, not %s", expr_type_texts[x->type]);
}

static bool give_text(struct eval *v, struct buf *b, struct ev *out) {
    *out = (struct ev){.type = TYPE_TEXT, .text = arena_strdup(v->arena, buf_str(b))};
    buf_release(b);
    return true;
}

/* ---- times */

/* Local wall time of a time, or the day itself. */
static bool local_time(struct eval *v, const struct ev *x, struct civil *c) {
    if (x->type == TYPE_INSTANT)
        *c = v->tz ? tz_civil(v->tz, x->integer) : civil_of(x->integer);
    else if (x->type == TYPE_DATE)
        *c = civil_of(x->integer * US_PER_DAY);
    else
        return wrong(v, "a time or date is needed");
    return true;
}

static int weekday(const struct civil *c) { /* Monday is 1, Sunday is 7 */
    int64_t day = days_from_civil(c->year, c->month, c->day);
    return (int)(((day + 3) % 7 + 7) % 7) + 1;
}

static int day_of_year(const struct civil *c) {
    return (int)(days_from_civil(c->year, c->month, c->day) - days_from_civil(c->year, 1, 1)) + 1;
}

/* ISO 8601: the week belongs to the year its Thursday is in. */
static void iso_week(const struct civil *c, int64_t *year, int *week) {
    int64_t thursday = days_from_civil(c->year, c->month, c->day) - weekday(c) + 4;
    struct civil t = civil_of(thursday * US_PER_DAY);
    *year = t.year;
    *week = (day_of_year(&t) - 1) / 7 + 1;
}

static const char date_letters[] = "YmdHMSjyGVuabFTzZs%";

static void put_zone(struct eval *v, const struct ev *x, char letter, struct buf *out) {
    struct tz_local local = {.abbreviation = "UTC"};
    if (x->type == TYPE_INSTANT && v->tz) tz_at(v->tz, x->integer, &local);
    int minutes = abs(local.offset) / 60;
    if (letter == 'Z')
        buf_adds(out, local.abbreviation);
    else
        buf_addf(out, "%c%02d%02d", local.offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

static void put_field(struct eval *v, const struct ev *x, const struct civil *c, char letter,
                      struct buf *out) {
    static const char days[] = "MonTueWedThuFriSatSun", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t year;
    int week;
    iso_week(c, &year, &week);
    switch (letter) {
    case 'Y': buf_addf(out, "%04lld", (long long)c->year); break;
    case 'm': buf_addf(out, "%02d", c->month); break;
    case 'd': buf_addf(out, "%02d", c->day); break;
    case 'H': buf_addf(out, "%02d", c->hour); break;
    case 'M': buf_addf(out, "%02d", c->minute); break;
    case 'S': buf_addf(out, "%02d", c->second); break;
    case 'j': buf_addf(out, "%03d", day_of_year(c)); break;
    case 'y': buf_addf(out, "%02d", (int)(c->year % 100)); break;
    case 'G': buf_addf(out, "%04lld", (long long)year); break;
    case 'V': buf_addf(out, "%02d", week); break;
    case 'u': buf_addf(out, "%d", weekday(c)); break;
    case 'a': buf_addf(out, "%.3s", days + (weekday(c) - 1) * 3); break;
    case 'b': buf_addf(out, "%.3s", months + (c->month - 1) * 3); break;
    case 'F': buf_addf(out, "%04lld-%02d-%02d", (long long)c->year, c->month, c->day); break;
    case 'T': buf_addf(out, "%02d:%02d:%02d", c->hour, c->minute, c->second); break;
    case 's':
        buf_addf(out, "%lld",
                 (long long)(x->type == TYPE_DATE ? x->integer * 86400 : x->integer / US_PER_SECOND));
        break;
    case '%': buf_addc(out, '%'); break;
    default: put_zone(v, x, letter, out); break;
    }
}

static const char *bad_letter(const char *format) {
    for (const char *p = format; (p = strchr(p, '%')); p += 2)
        if (!p[1] || !strchr(date_letters, p[1])) return p;
    return NULL;
}

static bool eval_date(struct eval *v, const struct ev *a, size_t n, struct ev *out) {
    struct civil c = {0};
    (void)n;
    if (!need_text(v, &a[1]) || !local_time(v, &a[0], &c)) return false;
    if (bad_letter(a[1].text)) return wrong(v, "the format holds an unknown `%` letter");
    struct buf b = BUF_INIT;
    for (const char *p = a[1].text; *p; p++) {
        if (*p == '%')
            put_field(v, &a[0], &c, *++p, &b);
        else
            buf_addc(&b, *p);
    }
    return give_text(v, &b, out);
}

static bool check_date(const struct expr *call, struct complaint *c) {
    const struct expr *format = call->items[1];
    if (format->op != EX_TEXT) return true;
    const char *bad = bad_letter(format->text);
    if (!bad) {
        ((struct expr *)(uintptr_t)call)->type = TYPE_PATH; /* its `/` were written in the file */
        return true;
    }
    expr_complain(c, "E0506", format->start, format->end, "`%.2s` is not a date format", bad);
    snprintf(c->label, sizeof c->label,
             "known: %%Y %%m %%d %%H %%M %%S %%F %%T %%j %%y %%G %%V %%u %%a %%b %%z %%Z %%s %%%%");
    return false;
}

enum unit { UNIT_MINUTE, UNIT_HOUR, UNIT_DAY, UNIT_WEEK, UNIT_MONTH, UNIT_QUARTER, UNIT_YEAR, UNITS };
static const char *const unit_names[] = {"minute", "hour", "day", "week", "month", "quarter", "year", NULL};

static int unit_of(const char *s) {
    int i = 0;
    while (unit_names[i] && strcmp(unit_names[i], s) != 0) i++;
    return i;
}

static void start_of_civil(struct civil *c, int unit) {
    c->micros = c->second = 0;
    if (unit >= UNIT_HOUR) c->minute = 0;
    if (unit >= UNIT_DAY) c->hour = 0;
    if (unit == UNIT_WEEK) {
        struct civil day =
            civil_of((days_from_civil(c->year, c->month, c->day) - weekday(c) + 1) * US_PER_DAY);
        *c = day;
    }
    if (unit >= UNIT_MONTH) c->day = 1;
    if (unit == UNIT_QUARTER) c->month = (c->month - 1) / 3 * 3 + 1;
    if (unit == UNIT_YEAR) c->month = 1;
}

static bool eval_start_of(struct eval *v, const struct ev *a, size_t n, struct ev *out) {
    struct civil c;
    (void)n;
    if (!need_text(v, &a[1]) || !local_time(v, &a[0], &c)) return false;
    int unit = unit_of(a[1].text);
    if (unit == UNITS) return wrong(v, "the unit is minute, hour, day, week, month, quarter or year");
    start_of_civil(&c, unit);
    *out = (struct ev){.type = a[0].type};
    if (a[0].type == TYPE_DATE)
        out->integer = days_from_civil(c.year, c.month, c.day);
    else if (unit <= UNIT_HOUR && v->tz) { /* within an overlap the hour that is meant is the one t is in */
        struct tz_local local;
        tz_at(v->tz, a[0].integer, &local);
        out->integer = instant_of(&c) - local.offset * US_PER_SECOND;
    } else
        out->integer = v->tz ? tz_instant(v->tz, &c) : instant_of(&c);
    return true;
}

static bool check_start_of(const struct expr *call, struct complaint *c) {
    const struct expr *unit = call->items[1];
    if (unit->op != EX_TEXT || unit_of(unit->text) < UNITS) return true;
    expr_complain(c, "E0506", unit->start, unit->end, "`%.40s` is not a unit", unit->text);
    char words[160];
    snprintf(c->label, sizeof c->label, "one of %s", words_text(unit_names, words, sizeof words));
    return false;
}

static bool eval_add(struct eval *v, const struct ev *a, size_t n, struct ev *out) {
    (void)n;
    int64_t by = a[1].integer;
    if (a[1].type != TYPE_DURATION || (a[0].type != TYPE_INSTANT && a[0].type != TYPE_DATE))
        return wrong(v, "add() takes a time and a duration");
    if (a[0].type == TYPE_DATE && by % US_PER_DAY) return wrong(v, "only whole days can be added to a date");
    *out = (struct ev){.type = a[0].type};
    if (a[0].type == TYPE_DATE) by /= US_PER_DAY;
    return !__builtin_add_overflow(a[0].integer, by, &out->integer) ||
           wrong(v, "the result does not fit 64 bits");
}

/* ---- text */

static bool map_text(struct eval *v, const struct ev *x, int (*change)(int), struct ev *out) {
    if (!need_text(v, x)) return false;
    char *s = arena_strdup(v->arena, x->text);
    for (char *p = s; *p; p++)
        if ((unsigned char)*p < 0x80) *p = (char)change((unsigned char)*p);
    *out = (struct ev){.type = TYPE_TEXT, .text = s};
    return true;
}

static bool eval_lower(struct eval *v, const struct ev *a, size_t n, struct ev *out) {
    (void)n;
    return map_text(v, a, tolower, out);
}

static bool eval_upper(struct eval *v, const struct ev *a, size_t n, struct ev *out) {
    (void)n;
    return map_text(v, a, toupper, out);
}

static bool eval_trim(struct eval *v, const struct ev *a, size_t n, struct ev *out) {
    (void)n;
    if (!need_text(v, a)) return false;
    const char *s = a->text + strspn(a->text, " \t\r\n");
    size_t len = strlen(s);
    while (len && strchr(" \t\r\n", s[len - 1])) len--;
    *out = (struct ev){.type = TYPE_TEXT, .text = arena_strndup(v->arena, s, len)};
    return true;
}

enum { RESULT_BYTES = 1 << 20 };

static bool eval_replace(struct eval *v, const struct ev *a, size_t n, struct ev *out) {
    (void)n;
    if (!need_text(v, &a[0]) || !need_text(v, &a[1]) || !need_text(v, &a[2])) return false;
    size_t len = strlen(a[1].text);
    if (!len) return wrong(v, "replace() cannot look for empty text");
    struct buf b = BUF_INIT;
    const char *s = a[0].text;
    for (const char *hit; (hit = strstr(s, a[1].text)) && b.len < RESULT_BYTES; s = hit + len) {
        buf_add(&b, s, (size_t)(hit - s));
        buf_adds(&b, a[2].text);
    }
    buf_adds(&b, s);
    bool large = b.len >= RESULT_BYTES;
    give_text(v, &b, out);
    return !large || wrong(v, "the result is larger than 1 MiB");
}

static bool eval_length(struct eval *v, const struct ev *a, size_t n, struct ev *out) {
    (void)n;
    *out = (struct ev){.type = TYPE_INTEGER, .integer = (int64_t)a->count};
    if (a->type == TYPE_LIST) return true;
    if (!need_text(v, a)) return false;
    for (const char *p = a->text; *p; p++) out->integer += ((unsigned char)*p & 0xc0) != 0x80;
    return true;
}

static bool eval_join(struct eval *v, const struct ev *a, size_t n, struct ev *out) {
    (void)n;
    if (a[0].type != TYPE_LIST) return wrong(v, "join() takes a list and text");
    if (!need_text(v, &a[1])) return false;
    struct buf b = BUF_INIT;
    bool good = true;
    for (size_t i = 0; i < a[0].count && good; i++) {
        struct ev item = {0};
        const char *text = "";
        good = a[0].json ? ev_of_json(v, json_array_get(a[0].json, i), &item) : (item = a[0].items[i], true);
        good = good && ev_text(v, &item, &text);
        if (i) buf_adds(&b, a[1].text);
        buf_adds(&b, text);
    }
    give_text(v, &b, out);
    return good;
}

static bool eval_ident(struct eval *v, const struct ev *a, size_t n, struct ev *out) {
    (void)n;
    if (!need_text(v, a)) return false;
    if (!*a->text) return wrong(v, "an identifier cannot be empty");
    *out = (struct ev){.type = TYPE_IDENT, .text = a->text};
    return true;
}

static bool eval_json(struct eval *v, const struct ev *a, size_t n, struct ev *out) {
    (void)n;
    json_t *j = ev_json(v, a);
    char *line = j ? json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    json_decref(j);
    if (!line) return wrong(v, "this cannot be written as JSON");
    *out = (struct ev){.type = TYPE_TEXT, .text = arena_strdup(v->arena, line)};
    free(line);
    return true;
}

const struct function expr_functions[] = {
    {"date", "ts", TYPE_TEXT,
     "a time or date as text, with the letters of strftime, in the schedule's time zone", eval_date,
     check_date},
    {"start_of", "ts", TYPE_ANY,
     "the start of the minute, hour, day, week, month, quarter or year a time is in", eval_start_of,
     check_start_of},
    {"add", "td", TYPE_ANY, "a time so much later; 1d is 24 hours to a time, a day to a date", eval_add,
     NULL},
    {"lower", "s", TYPE_TEXT, "text with A-Z as a-z", eval_lower, NULL},
    {"upper", "s", TYPE_TEXT, "text with a-z as A-Z", eval_upper, NULL},
    {"trim", "s", TYPE_TEXT, "text without white space at its ends", eval_trim, NULL},
    {"replace", "sss", TYPE_TEXT, "text with every occurrence of the second replaced by the third",
     eval_replace, NULL},
    {"length", "n", TYPE_INTEGER, "characters of a text, or items of a list", eval_length, NULL},
    {"join", "ls", TYPE_TEXT, "the items of a list with text between them", eval_join, NULL},
    {"ident", "s", TYPE_IDENT, "a quoted name in SQL", eval_ident, NULL},
    {"json", "a", TYPE_TEXT, "a value as JSON text", eval_json, NULL},
    {0},
};

const struct function *function_find(const char *name) {
    for (const struct function *f = expr_functions; f->name; f++)
        if (strcmp(f->name, name) == 0) return f;
    return NULL;
}
