/* every.c: phrases to cron texts. Words are separated by spaces or commas; each shape of phrase is a function
 * that reads on from its first word and writes the cron text, which is then compiled like any other. */
#include "cron/every.h"

#include "base/suggest.h"
#include "cron/read.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { COUNT_DIGITS = 9 };

struct phrase {
    const char *text;
    struct part word; /* length 0: the text is over */
    size_t at;        /* behind it */
    char *cron;
    struct cron_note *err;
};

struct time_of_day {
    int hour, minute;
};

static const char *const days[] = {"sunday",   "monday", "tuesday", "wednesday",
                                   "thursday", "friday", "saturday"};

static bool next_word(struct phrase *p) {
    const char *s = p->text;
    p->at += strspn(s + p->at, " ");
    p->word.at = (uint16_t)p->at;
    p->at += strcspn(s + p->at, " ,");
    p->word.length = (uint16_t)(p->at - p->word.at);
    if (s[p->at] == ',') p->at++;
    return p->word.length > 0;
}

static bool word_is(const struct phrase *p, const char *what) {
    return strlen(what) == p->word.length && strncmp(p->text + p->word.at, what, p->word.length) == 0;
}

static int complain(struct phrase *p, const char *hint) {
    cron_say(p->err, CRON_E_PHRASE, CRON_WHOLE, p->word, "`every: %.100s` is not a schedule", p->text);
    return cron_hint(p->err, "%s", hint);
}

static int write_cron(struct phrase *p, struct time_of_day t, const char *dom, const char *dow) {
    snprintf(p->cron, EVERY_CRON_TEXT, "%d %d %s * %s", t.minute, t.hour, dom, dow);
    return 0;
}

/* ---- parts */

/* Two digits at s[0] and s[1]; -1: they are not. */
static int two_digits(const char *s) {
    bool good = isdigit((unsigned char)s[0]) && isdigit((unsigned char)s[1]);
    return good ? (s[0] - '0') * 10 + (s[1] - '0') : -1;
}

static int bad_time(struct phrase *p, const char *hint) {
    cron_say(p->err, CRON_E_TIME, CRON_WHOLE, p->word, "`%.*s` is not a time of day",
             p->word.length < 40 ? (int)p->word.length : 40, p->text + p->word.at);
    return cron_hint(p->err, "%s", hint);
}

static int time_of_day(struct phrase *p, struct time_of_day *out) {
    if (!next_word(p)) return complain(p, "a time such as `06:15` is missing at the end");
    const char *s = p->text + p->word.at;
    bool shape = p->word.length == 5 && s[2] == ':';
    out->hour = shape ? two_digits(s) : -1;
    out->minute = shape ? two_digits(s + 3) : -1;
    if (out->hour < 0 || out->minute < 0)
        return bad_time(p, "write hours and minutes with two digits each: `06:15`");
    if (out->hour > 23) return bad_time(p, "hours go from 00 to 23");
    if (out->minute > 59) return bad_time(p, "minutes go from 00 to 59");
    return next_word(p) ? complain(p, "nothing may follow the time") : 0;
}

static int at_time(struct phrase *p, struct time_of_day *out) {
    if (!next_word(p) || !word_is(p, "at"))
        return complain(p, "`at` and a time are expected here, such as `at 06:15`");
    return time_of_day(p, out);
}

/* ---- shapes */

static int every_hour(struct phrase *p) {
    if (!next_word(p) || !word_is(p, "at") || !next_word(p)) return complain(p, "write `hour at :05`");
    const char *s = p->text + p->word.at;
    int minute = p->word.length == 3 && s[0] == ':' ? two_digits(s + 1) : -1;
    if (minute < 0 || minute > 59) return complain(p, "minutes are written `:00` to `:59`");
    snprintf(p->cron, EVERY_CRON_TEXT, "%d * * * *", minute);
    return next_word(p) ? complain(p, "nothing may follow the minutes") : 0;
}

static int every_day(struct phrase *p) {
    const char *dow = word_is(p, "weekday") ? "1-5" : "*";
    struct time_of_day t;
    return at_time(p, &t) == 0 ? write_cron(p, t, "*", dow) : -1;
}

/* 1 to 31 in canonical digits; 0: it is none. */
static int day_of_month(const struct phrase *p) {
    const char *s = p->text + p->word.at;
    if (p->word.length == 1 && *s >= '1' && *s <= '9') return *s - '0';
    int day = p->word.length == 2 && *s != '0' ? two_digits(s) : 0;
    return day > 0 && day <= 31 ? day : 0;
}

static int every_month(struct phrase *p) {
    struct time_of_day t;
    char dom[4] = "L";
    if (!next_word(p) || !word_is(p, "on"))
        return complain(p, "write `month on 1 at 06:15` or `month on last at 06:15`");
    if (!next_word(p)) return complain(p, "the day of the month is missing");
    int day = day_of_month(p);
    if (!day && !word_is(p, "last")) return complain(p, "days are `1` to `31`, or `last`");
    if (day) snprintf(dom, sizeof dom, "%d", day);
    return at_time(p, &t) == 0 ? write_cron(p, t, dom, "*") : -1;
}

/* N of a unit of which `round` make the next larger one: along the wall clock when they fit, else elapsed. */
static void write_count(char *cron, long n, long round, char unit) {
    if (unit == 'm' && n % 60 == 0) n /= 60, round = 24, unit = 'h';
    const char *step = unit == 'm' ? "*/%ld * * * *" : "0 */%ld * * *";
    const char *each = unit == 'm' ? "* * * * *" : "0 * * * *";
    if (n == round)
        snprintf(cron, EVERY_CRON_TEXT, "0 0 * * *");
    else if (n == 1)
        snprintf(cron, EVERY_CRON_TEXT, "%s", each);
    else if (round % n == 0)
        snprintf(cron, EVERY_CRON_TEXT, step, n);
    else
        snprintf(cron, EVERY_CRON_TEXT, "@every %ld%c", n, unit);
}

static int every_count(struct phrase *p) {
    long n = 0;
    size_t digits = strspn(p->text + p->word.at, "0123456789");
    for (size_t i = 0; i < digits && digits <= COUNT_DIGITS; i++)
        n = n * 10 + (p->text[p->word.at + i] - '0');
    if (digits != p->word.length) return complain(p, "write the unit as a word of its own: `20 minutes`");
    if (digits > COUNT_DIGITS) return complain(p, "a count has 9 digits at most");
    if (n < 1) return complain(p, "a count starts at 1");
    if (!next_word(p)) return complain(p, "`minutes` or `hours` is missing");
    bool minutes = word_is(p, "minutes") || word_is(p, "minute");
    if (!minutes && !word_is(p, "hours") && !word_is(p, "hour"))
        return complain(p, "count in `minutes` or `hours`; for days write `day at 06:15`");
    write_count(p->cron, n, minutes ? 60 : 24, minutes ? 'm' : 'h');
    return next_word(p) ? complain(p, "nothing may follow the unit") : 0;
}

static int not_a_phrase(struct phrase *p, bool at_wanted) {
    static const char *const known[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
                                        "sunday", "hour",    "day",       "weekday",  "month"};
    char word[32], hint[80];
    snprintf(word, sizeof word, "%.*s", (int)p->word.length, p->text + p->word.at);
    const char *meant = suggest(word, known, sizeof known / sizeof *known);
    snprintf(hint, sizeof hint, "did you mean `%s`?", meant ? meant : "");
    if (!meant && at_wanted) return complain(p, "`at` and a time are expected here, such as `at 06:15`");
    return complain(p, meant ? hint
                             : "write `20 minutes`, `hour at :05`, `day at 06:15`, `monday at 06:15` or "
                               "`month on 1 at 06:15`");
}

static int day_named(const struct phrase *p) {
    for (int i = 0; i < 7; i++)
        if (word_is(p, days[i])) return i;
    return -1;
}

static int every_weekdays(struct phrase *p) {
    struct time_of_day t;
    char dow[16] = "";
    unsigned mask = 0;
    for (int day; (day = day_named(p)) >= 0;) {
        mask |= 1u << day;
        if (!next_word(p)) return complain(p, "`at` and a time are missing");
    }
    if (!mask || !word_is(p, "at")) return not_a_phrase(p, mask != 0);
    for (int i = 0, n = 0; i < 7; i++)
        if (mask >> i & 1) n += snprintf(dow + n, sizeof dow - (size_t)n, n ? ",%d" : "%d", i);
    return time_of_day(p, &t) == 0 ? write_cron(p, t, "*", dow) : -1;
}

static int read_phrase(struct phrase *p) {
    if (strnlen(p->text, LIMIT_CRON_BYTES + 1) > LIMIT_CRON_BYTES) return complain(p, "it is too long");
    if (!next_word(p)) return complain(p, "it is empty");
    if (isdigit((unsigned char)p->text[p->word.at])) return every_count(p);
    if (word_is(p, "hour")) return every_hour(p);
    if (word_is(p, "day") || word_is(p, "weekday")) return every_day(p);
    return word_is(p, "month") ? every_month(p) : every_weekdays(p);
}

int every_parse(const char *phrase, enum cron_dst dst, struct cron *out, char cron_text[EVERY_CRON_TEXT],
                struct cron_note *err) {
    char text[EVERY_CRON_TEXT];
    struct phrase p = {.text = phrase, .cron = text, .err = err};
    const struct cron_options opts = {.dst = dst};
    if (read_phrase(&p) != 0) return -1;
    if (cron_parse(text, &opts, out, err) != 0)
        return complain(&p, "that is longer than time goes"); /* more hours than there are to 2200 */
    if (cron_text) memcpy(cron_text, text, sizeof text);
    return 0;
}
