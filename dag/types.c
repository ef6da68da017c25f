/* types.c: see types.h. */
#include "dag/types.h"

#include "base/instant.h"
#include "base/suggest.h"
#include "base/tz.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(a) (sizeof(a) / sizeof *(a))

/* ---- small questions */

bool text_is_name(const char *s, size_t n) {
    if (n < 1 || n > 63 || !(*s >= 'a' && *s <= 'z')) return false;
    for (size_t i = 0; i < n; i++)
        if (!(s[i] >= 'a' && s[i] <= 'z') && !(s[i] >= '0' && s[i] <= '9') && s[i] != '_') return false;
    return true;
}

bool text_is_dataset(const char *s) {
    const char *dot = strchr(s, '.');
    return dot && text_is_name(s, (size_t)(dot - s)) && text_is_name(dot + 1, strlen(dot + 1));
}

static bool all_digits(const char *s) { return *s && strspn(s, "0123456789") == strlen(s); }

static bool to_integer(const char *s, int64_t *out) {
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    *out = v;
    return !*end && errno == 0;
}

bool text_is_integer(const char *s) {
    const char *digits = *s == '-' ? s + 1 : s;
    int64_t v;
    return all_digits(digits) && (digits[0] != '0' || !digits[1]) && to_integer(s, &v);
}

bool text_is_decimal(const char *s) {
    if (*s == '-') s++;
    size_t whole = strspn(s, "0123456789");
    return whole && s[whole] == '.' && all_digits(s + whole + 1) && strlen(s) < 64;
}

bool parse_day(const char *s, int64_t *day) {
    char text[32];
    instant_t t;
    if (strlen(s) != 10) return false;
    snprintf(text, sizeof text, "%sT00:00:00Z", s);
    if (!instant_parse(text, &t)) return false;
    *day = t / US_PER_DAY - (t % US_PER_DAY < 0);
    return true;
}

bool text_is_date(const char *s) {
    int64_t day;
    return parse_day(s, &day);
}

static const struct {
    const char *name;
    int64_t size;
} sizes[] = {
    {"B", 1},           {"kB", 1000},
    {"KB", 1000},       {"MB", 1000000},
    {"GB", 1000000000}, {"TB", INT64_C(1000000000000)},
    {"KiB", 1 << 10},   {"MiB", 1 << 20},
    {"GiB", 1 << 30},   {"TiB", INT64_C(1) << 40},
};

bool parse_size(const char *s, int64_t *out) {
    int64_t n = 0;
    if (!isdigit((unsigned char)*s)) return false;
    for (; isdigit((unsigned char)*s); s++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s - '0', &n)) return false;
    while (*s == ' ') s++;
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        if (strcmp(s, sizes[i].name) == 0) return !__builtin_mul_overflow(n, sizes[i].size, out);
    return false;
}

bool parse_percent(const char *s, double *out) {
    size_t n = strlen(s);
    if (n < 2 || n > 32 || s[n - 1] != '%') return false;
    char number[32];
    memcpy(number, s, n - 1);
    number[n - 1] = 0;
    while (n > 2 && number[n - 2] == ' ') number[--n - 1] = 0;
    if (!all_digits(number) && !text_is_decimal(number)) return false;
    if (*number == '-') return false;
    *out = strtod(number, NULL) / 100;
    return true;
}

const char *words_text(const char *const *words, char *out, size_t size) {
    size_t n = 0;
    *out = 0;
    for (size_t i = 0; words[i] && n < size; i++) {
        const char *between = i == 0 ? "" : words[i + 1] ? ", " : " or ";
        n += (size_t)snprintf(out + n, size - n, "%s`%s`", between, words[i]);
    }
    return out;
}

/* ---- complaints */

static bool complain(struct complaint *c, const char *code, const char *key, const char *found,
                     const char *label) {
    snprintf(c->code, sizeof c->code, "%s", code);
    snprintf(c->message, sizeof c->message, "`%s` %s", key, found);
    snprintf(c->label, sizeof c->label, "%s", label);
    return false;
}

static bool complain_value(struct complaint *c, const char *code, const char *text, const char *is_not,
                           const char *label) {
    snprintf(c->code, sizeof c->code, "%s", code);
    snprintf(c->message, sizeof c->message, "`%.80s` %s", text, is_not);
    snprintf(c->label, sizeof c->label, "%s", label);
    return false;
}

/* ---- one parser a kind */

static bool parse_text(const struct field *f, const char *s, struct parsed *out, struct complaint *c) {
    (void)f, (void)s, (void)out, (void)c;
    return true;
}

static bool parse_bool(const struct field *f, const char *s, struct parsed *out, struct complaint *c) {
    static const struct {
        const char *word, *meant;
    } words[] = {{"yes", "true"}, {"no", "false"}, {"on", "true"}, {"off", "false"},
                 {"y", "true"},   {"n", "false"},  {"1", "true"},  {"0", "false"}};
    out->yes = strcmp(s, "true") == 0;
    if (out->yes || strcmp(s, "false") == 0) return true;
    complain(c, "E0201", f->name, "is true or false", "write `true` or `false`");
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcasecmp(s, words[i].word) == 0) snprintf(c->meant, sizeof c->meant, "%s", words[i].meant);
    if (strcasecmp(s, "true") == 0 || strcasecmp(s, "false") == 0)
        snprintf(c->meant, sizeof c->meant, "%s", tolower((unsigned char)*s) == 't' ? "true" : "false");
    return false;
}

static bool complain_zeros(const struct field *f, const char *s, struct complaint *c) {
    char label[120];
    const char *rest = s + strspn(s, "0");
    snprintf(label, sizeof label, "write `%.40s`, or quote it if it is text", *rest ? rest : "0");
    complain(c, "E0209", f->name, "has a leading zero", label);
    snprintf(c->meant, sizeof c->meant, "%.40s", *rest ? rest : "0");
    return false;
}

static bool parse_count(const struct field *f, const char *s, struct parsed *out, struct complaint *c) {
    if (all_digits(s) && s[0] == '0' && s[1]) return complain_zeros(f, s, c);
    if (all_digits(s) && to_integer(s, &out->integer)) return true;
    const char *label = all_digits(s)                    ? "this is more than 64 bits hold"
                        : *s == '-' && all_digits(s + 1) ? "it cannot be negative"
                                                         : "digits only";
    return complain(c, "E0202", f->name, "is a count", label);
}

static bool parse_number(const struct field *f, const char *s, struct parsed *out, struct complaint *c) {
    const char *digits = *s == '-' ? s + 1 : s;
    if (all_digits(digits) && digits[0] == '0' && digits[1]) return complain_zeros(f, s, c);
    if (text_is_integer(s)) return to_integer(s, &out->integer);
    if (!text_is_decimal(s))
        return complain(c, "E0202", f->name, "is a number", "digits, perhaps with a point, only");
    out->real = strtod(s, NULL);
    out->is_real = true;
    return true;
}

static bool parse_duration(const struct field *f, const char *s, struct parsed *out, struct complaint *c) {
    char label[200];
    if (duration_parse(s, &out->integer)) return true;
    if (all_digits(s)) {
        snprintf(label, sizeof label, "write `%.20ss`, `%.20sm` or `%.20sh`", s, s, s);
        return complain(c, "E0203", f->name, "needs a unit", label);
    }
    return complain_value(c, "E0203", s, "is not a duration",
                          "such as `30s`, `5m`, `2h`, `1d` or `20 minutes`");
}

static bool parse_bytes(const struct field *f, const char *s, struct parsed *out, struct complaint *c) {
    char label[200];
    if (parse_size(s, &out->integer)) return true;
    if (all_digits(s)) {
        snprintf(label, sizeof label, "write `%.20sMiB` or `%.20sGiB`", s, s);
        return complain(c, "E0204", f->name, "needs a unit", label);
    }
    return complain_value(c, "E0204", s, "is not a size", "such as `512KiB`, `64MiB` or `2GB`");
}

static bool parse_share(const struct field *f, const char *s, struct parsed *out, struct complaint *c) {
    (void)f;
    if (parse_percent(s, &out->real)) return true;
    return complain_value(c, "E0205", s, "is not a percentage", "such as `1%` or `0.5%`");
}

bool parse_time_of_day(const char *s, struct complaint *c) {
    bool shape = strlen(s) == 5 && isdigit((unsigned char)s[0]) && isdigit((unsigned char)s[1]) &&
                 s[2] == ':' && isdigit((unsigned char)s[3]) && isdigit((unsigned char)s[4]);
    if (!shape)
        return complain_value(c, "E0301", s, "is not a time of day",
                              "write hours and minutes with two digits each: `06:15`");
    if (memcmp(s, "24", 2) >= 0)
        return complain_value(c, "E0301", s, "is not a time of day", "hours go from 00 to 23");
    if (s[3] > '5') return complain_value(c, "E0301", s, "is not a time of day", "minutes go from 00 to 59");
    return true;
}

static bool parse_wall_time(const struct field *f, const char *s, struct parsed *out, struct complaint *c) {
    (void)f, (void)out;
    return parse_time_of_day(s, c);
}

static bool parse_zone(const struct field *f, const char *s, struct parsed *out, struct complaint *c) {
    (void)f, (void)out;
    if (tz_exists(s)) return true;
    snprintf(c->code, sizeof c->code, "E0303");
    snprintf(c->message, sizeof c->message, "unknown time zone `%.80s`", s);
    tz_suggest(s, c->meant, sizeof c->meant);
    if (!*c->meant)
        snprintf(c->label, sizeof c->label, "write an IANA name such as `Europe/Berlin` or `UTC`");
    return false;
}

static bool parse_enum(const struct field *f, const char *s, struct parsed *out, struct complaint *c) {
    (void)out;
    size_t n = 0;
    for (; f->values[n]; n++)
        if (strcmp(f->values[n], s) == 0) return true;
    char words[200];
    snprintf(c->code, sizeof c->code, "E0207");
    snprintf(c->message, sizeof c->message, "`%s` cannot be `%.60s`", f->name, s);
    const char *meant = suggest(s, f->values, n);
    if (meant)
        snprintf(c->meant, sizeof c->meant, "%s", meant);
    else
        snprintf(c->label, sizeof c->label, "one of %.220s", words_text(f->values, words, sizeof words));
    return false;
}

static bool parse_name(const struct field *f, const char *s, struct parsed *out, struct complaint *c) {
    (void)f, (void)out;
    if (text_is_name(s, strlen(s))) return true;
    const char *label = strlen(s) > 63 ? "names have at most 63 characters"
                                       : "names are a-z, 0-9 and `_`, and start with a letter";
    return complain_value(c, "E0206", s, "is not a name", label);
}

static bool parse_dataset(const struct field *f, const char *s, struct parsed *out, struct complaint *c) {
    (void)f, (void)out;
    if (text_is_dataset(s)) return true;
    return complain_value(c, "E0208", s, "is not a dataset", "write `zone.name`, both of a-z, 0-9 and `_`");
}

typedef bool parse_fn(const struct field *f, const char *s, struct parsed *out, struct complaint *c);

static parse_fn *const parsers[] = {
    [FK_TEXT] = parse_text,
    [FK_BOOL] = parse_bool,
    [FK_COUNT] = parse_count,
    [FK_NUMBER] = parse_number,
    [FK_DURATION] = parse_duration,
    [FK_SIZE] = parse_bytes,
    [FK_PERCENT] = parse_share,
    [FK_TIME_OF_DAY] = parse_wall_time,
    [FK_TIME_ZONE] = parse_zone,
    [FK_ENUM] = parse_enum,
    [FK_NAME] = parse_name,
    [FK_DATASET] = parse_dataset,
    [FK_STEP] = parse_text,
    [FK_PATH] = parse_text,
    [FK_URL] = parse_text,
    [FK_ARG] = parse_text,
    [FK_SHELL] = parse_text,
    [FK_MAP] = parse_text, /* the values of a map of text */
    [FK_ANY] = NULL,
};

bool type_is_scalar(enum field_kind kind) { return kind < COUNT_OF(parsers) && parsers[kind]; }

bool type_parse(const struct field *f, const char *text, struct parsed *out, struct complaint *c) {
    *out = (struct parsed){0};
    *c = (struct complaint){0};
    return parsers[f->kind](f, text, out, c);
}
