/* read.c: a cron text as a whole: [zone] (nickname | "@every" duration | 5, 6 or 7 fields). */
#include "cron/read.h"

#include "base/suggest.h"
#include "base/utf8.h"
#include "cron/item.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { FEWEST = 5 };

const struct cron_nickname cron_nicknames[] = {
    {"@yearly", "0 0 1 1 *"},           {"@annually", "0 0 1 1 *"},
    {"@quarterly", "0 0 1 1,4,7,10 *"}, {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"},           {"@daily", "0 0 * * *"},
    {"@midnight", "0 0 * * *"},         {"@hourly", "0 * * * *"},
    {"@minutely", "* * * * *"},         {NULL, NULL},
};

enum { NICKNAMES = sizeof cron_nicknames / sizeof *cron_nicknames - 1 };

static bool blank(char c) { return c == ' ' || c == '\t'; }

static struct part word_at(const char *s, size_t at) {
    size_t end = at;
    while (s[end] && !blank(s[end])) end++;
    return (struct part){(uint16_t)at, (uint16_t)(end - at)};
}

/* All that is left, without blanks at its end. */
static struct part rest_at(const char *s, size_t at) {
    size_t end = strlen(s);
    while (end > at && blank(s[end - 1])) end--;
    return (struct part){(uint16_t)at, (uint16_t)(end - at)};
}

static size_t skip(const char *s, size_t at) {
    while (blank(s[at])) at++;
    return at;
}

/* ---- characters */

static int check_characters(const char *s, struct cron_note *err) {
    size_t n = strnlen(s, LIMIT_CRON_BYTES + 1);
    const struct part whole = {0};
    if (n > LIMIT_CRON_BYTES)
        return cron_say(err, CRON_E_LONG, CRON_WHOLE, whole, "a cron text has %d bytes at most",
                        LIMIT_CRON_BYTES);
    for (size_t i = 0; i < n; i++) {
        if ((s[i] >= ' ' && s[i] <= '~') || s[i] == '\t') continue;
        uint32_t c;
        struct part at = {(uint16_t)i, (uint16_t)utf8_decode(s + i, n - i, &c)};
        return cron_say(err, CRON_E_CHAR, CRON_WHOLE, at, "only printable ASCII can be in a cron text");
    }
    return 0;
}

/* ---- the zone in front */

static int check_zone(const char *s, struct part at, struct cron_note *err) {
    char name[TZ_NAME], meant[TZ_NAME] = "";
    snprintf(name, sizeof name, "%.*s", (int)at.length, s + at.at);
    if (!at.length) return cron_say(err, CRON_E_TZ, CRON_WHOLE, at, "a time zone is missing after `=`");
    if (at.length < TZ_NAME && tz_exists(name)) return 0;
    cron_say(err, CRON_E_TZ, CRON_WHOLE, at, "unknown time zone `%s`", name);
    tz_suggest(name, meant, sizeof meant);
    return cron_meant(err, *meant ? meant : NULL);
}

static int read_zone(const char *s, size_t *at, struct cron_text *out, struct cron_note *err) {
    static const char *const prefixes[] = {"CRON_TZ=", "TZ="};
    if (!isalpha((unsigned char)s[*at])) return 0;
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(prefixes[i]);
        if (strncasecmp(s + *at, prefixes[i], n) != 0) continue;
        out->zone = word_at(s, *at + n);
        *at = skip(s, *at + n + out->zone.length);
        return check_zone(s, out->zone, err);
    }
    return 0;
}

/* ---- @every */

static int bad_duration(const char *s, struct part at, struct cron_note *err) {
    if (at.length)
        cron_say(err, CRON_E_DURATION, CRON_WHOLE, at, "`%.*s` is not a duration of `@every`",
                 at.length < 40 ? (int)at.length : 40, s + at.at);
    else
        cron_say(err, CRON_E_DURATION, CRON_WHOLE, at, "`@every` needs a duration");
    return cron_hint(err, "such as `90s`, `15m`, `1h30m`, `2d` or `1w`; one second at least");
}

/* [n w][n d][n h][n m][n s], in this order. */
static int read_every(const char *s, struct part at, struct cron_text *out, struct cron_note *err) {
    static const struct {
        char name;
        int64_t seconds;
    } units[] = {{'w', 604800}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
    const int64_t most = (int64_t)(CRON_YEAR_MAX - CRON_YEAR_MIN + 1) * 366 * 86400;
    const char *p = s + at.at, *end = p + at.length;
    int64_t sum = 0;
    for (size_t u = 0; p < end; u++, p++) {
        int64_t n = 0;
        const char *digits = p;
        for (; isdigit((unsigned char)*p) && n <= most; p++) n = n * 10 + (*p - '0');
        while (u < 5 && tolower((unsigned char)*p) != units[u].name) u++;
        if (p == digits || u == 5 || n > most) return bad_duration(s, at, err);
        sum += n * units[u].seconds;
    }
    if (sum < 1 || sum > most) return bad_duration(s, at, err);
    out->every = sum;
    return 0;
}

/* ---- fields */

static int wrong_count(const char *s, size_t at, int count, struct cron_note *err) {
    struct part all = rest_at(s, at);
    cron_say(err, CRON_E_COUNT, CRON_WHOLE, all, "a cron text has 5 fields, this one has %d", count);
    if (strstr(s + at, " #")) return cron_hint(err, "there are no comments inside of a cron text");
    return count < FEWEST ? cron_hint(err, "minute, hour, day of month, month, day of week")
                          : cron_hint(err, "with seconds in front there are 6, with a year behind too 7");
}

/* A year as the last of six fields: with six, the first is the second. */
static void hint_year(const char *s, const struct cron_text *t, struct cron_note *err) {
    struct part last = t->fields[CRON_DOW];
    bool year = t->field_count == 6 && last.length == 4 && strspn(s + last.at, "0123456789") == 4;
    if (year) cron_hint(err, "six fields begin with the second; with a year there are seven");
}

static int read_fields(const char *s, size_t at, struct cron_text *out, struct cron_note *err) {
    struct part words[CRON_FIELDS] = {0};
    int count = 0;
    for (size_t p = at; s[p]; count++) {
        struct part w = word_at(s, p);
        if (count < CRON_FIELDS) words[count] = w;
        p = skip(s, p + w.length);
    }
    if (count < FEWEST || count > CRON_FIELDS) return wrong_count(s, at, count, err);
    out->field_count = count;
    int first = count == FEWEST ? CRON_MINUTE : CRON_SECOND;
    memcpy(out->fields + first, words, (size_t)count * sizeof *words);
    struct reader r = {.text = s, .out = out, .err = err};
    for (int i = 0; i < count; i++) {
        if (cron_read_field(&r, (enum cron_field)(first + i), words[i]) == 0) continue;
        hint_year(s, out, err);
        return -1;
    }
    return 0;
}

/* ---- nicknames */

static int unknown_nickname(const char *s, struct part at, struct cron_note *err) {
    const char *names[NICKNAMES + 2] = {"@every", "@reboot"};
    char word[32];
    for (size_t i = 0; i < NICKNAMES; i++) names[i + 2] = cron_nicknames[i].name;
    snprintf(word, sizeof word, "%.*s", (int)at.length, s + at.at);
    cron_say(err, CRON_E_MACRO, CRON_WHOLE, at, "unknown nickname `%s`", word);
    const char *meant = suggest(word, names, NICKNAMES + 2);
    return meant ? cron_meant(err, meant)
                 : cron_hint(err, "there are @yearly, @quarterly, @monthly, @weekly, @daily, @hourly, "
                                  "@minutely and @every");
}

static bool same_word(const char *s, struct part at, const char *word) {
    return strlen(word) == at.length && strncasecmp(s + at.at, word, at.length) == 0;
}

static int read_nickname(const char *s, size_t at, struct cron_text *out, struct cron_note *err) {
    out->nickname = word_at(s, at);
    size_t next = skip(s, at + out->nickname.length);
    if (same_word(s, out->nickname, "@every")) return read_every(s, rest_at(s, next), out, err);
    if (same_word(s, out->nickname, "@reboot")) {
        cron_say(err, CRON_E_EVENT, CRON_WHOLE, out->nickname, "`@reboot` is an event: it has no times");
        return cron_hint(err, "let what starts the machine call `leat run`");
    }
    for (size_t i = 0; i < NICKNAMES; i++) {
        if (!same_word(s, out->nickname, cron_nicknames[i].name)) continue;
        if (s[next])
            return cron_say(err, CRON_E_COUNT, CRON_WHOLE, rest_at(s, next), "nothing may follow `%s`",
                            cron_nicknames[i].name);
        return read_fields(cron_nicknames[i].means, 0, out, err);
    }
    return unknown_nickname(s, out->nickname, err);
}

int cron_read(const char *s, struct cron_text *out, struct cron_note *err) {
    memset(out, 0, offsetof(struct cron_text, items));
    if (check_characters(s, err) != 0) return -1;
    size_t at = skip(s, 0);
    if (read_zone(s, &at, out, err) != 0) return -1;
    if (!s[at]) return cron_say(err, CRON_E_EMPTY, CRON_WHOLE, (struct part){0}, "the cron text is empty");
    return s[at] == '@' ? read_nickname(s, at, out, err) : read_fields(s, at, out, err);
}
