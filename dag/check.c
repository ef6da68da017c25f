/* check.c: data-quality rules in words (dag/check.h).
 *
 *   rule    := metric [compare | "between" value "and" value
 *                      | "within" percent "of" "average" "(" "last" N "runs" ")"]
 *            | column [compare | between | ["not"] "in" "(" values ")" | ["not"] "matches" text | references]
 *            | references
 *   metric  := "row_count" | function "(" column {"," column} ")"
 *
 * Words are lower case; a column may be written in `back quotes`. Text stands in quotes, a quote inside is
 * doubled. */
#include "dag/check.h"

#include "base/instant.h"
#include "base/json.h"
#include "base/suggest.h"
#include "base/utf8.h"
#include "dag/types.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 32, VALUES_MAX = 10000, WORD_MAX = 256 };

const char *const check_functions[] = {"row_count", "missing", "duplicates", "freshness", "sum",
                                       "avg",       "min",     "max",        "references"};
const size_t check_function_count = sizeof check_functions / sizeof *check_functions;

enum token_kind { C_END, C_WORD, C_COLUMN, C_NUMBER, C_PERCENT, C_DURATION, C_DATE, C_TEXT, C_SIGN };

struct token {
    enum token_kind kind;
    size_t start, end;
    char sign[3];
    json_t *value; /* of literals; owned */
};

struct checker {
    const char *s;
    size_t at, len;
    struct token t;
    char *message;
    size_t *offset;
    bool trusting; /* a name without parentheses is a column */
    bool failed;
};

static bool fail_at(struct checker *k, size_t at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static bool fail_at(struct checker *k, size_t at, const char *fmt, ...) {
    if (k->failed) return false;
    k->failed = true;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(k->message, 256, fmt, ap);
    va_end(ap);
    *k->offset = at;
    return false;
}

/* ---- tokens */

static bool word_char(char c) { return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80; }

static void literal(struct checker *k, enum token_kind kind, json_t *value) {
    k->t.kind = kind;
    k->t.value = value;
    if (!value) fail_at(k, k->t.start, "this is not a value that can be stored");
}

static bool is_date(const char *s, size_t left) {
    char text[11];
    if (left < 10 || s[4] != '-') return false;
    memcpy(text, s, 10);
    text[10] = 0;
    return text_is_date(text) && (left == 10 || !word_char(s[10]));
}

static void read_number(struct checker *k) {
    char text[64];
    size_t i = k->at, start = i;
    i += k->s[i] == '-';
    while (i < k->len && isdigit((unsigned char)k->s[i])) i++;
    if (i + 1 < k->len && k->s[i] == '.' && isdigit((unsigned char)k->s[i + 1]))
        for (i++; i < k->len && isdigit((unsigned char)k->s[i]); i++) continue;
    size_t digits = i;
    while (i < k->len && word_char(k->s[i])) i++;
    if (i - start >= sizeof text) {
        fail_at(k, start, "this number is too long");
        return;
    }
    memcpy(text, k->s + start, i - start);
    text[i - start] = 0;
    k->at = i;
    duration_t d;
    if (digits != i) {
        if (!duration_parse(text, &d))
            fail_at(k, start, "`%s` is neither a number nor a duration", text);
        else
            literal(k, C_DURATION, json_pack("{sI}", "duration", (json_int_t)d));
        return;
    }
    bool percent = i < k->len && k->s[i] == '%';
    double real = strtod(text, NULL);
    k->at += percent;
    if (percent)
        literal(k, C_PERCENT, json_real(real / 100));
    else if (text_is_integer(text))
        literal(k, C_NUMBER, json_integer(strtoll(text, NULL, 10)));
    else if (text_is_decimal(text))
        literal(k, C_NUMBER, json_real(real));
    else
        fail_at(k, start, "`%s` is not a number", text);
}

/* Up to the closing quote; a doubled quote is one. Columns may be quoted with `. */
static void read_quoted(struct checker *k) {
    char quote = k->s[k->at], *out = malloc(k->len - k->at + 1);
    size_t n = 0, i = k->at + 1;
    if (!out) abort();
    for (; i < k->len; i++) {
        if (k->s[i] == quote && !(i + 1 < k->len && k->s[i + 1] == quote)) break;
        i += k->s[i] == quote;
        out[n++] = k->s[i];
    }
    k->at = i + 1;
    if (i >= k->len) {
        k->at = k->len;
        fail_at(k, k->t.start, "this quote is never closed");
    } else {
        literal(k, quote == '`' ? C_COLUMN : C_TEXT, json_stringn(out, n));
    }
    free(out);
}

static void read_sign(struct checker *k) {
    static const char *const signs[] = {"==", "!=", "<>", "<=", ">=", "=", "<", ">", "(", ")", ",", "."};
    static const struct { const char *written, *meant; } same[] = {{"==", "="}, {"<>", "!="}};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t n = strlen(signs[i]);
        if (k->len - k->at < n || memcmp(k->s + k->at, signs[i], n) != 0) continue;
        const char *sign = signs[i];
        for (size_t j = 0; j < 2; j++)
            if (strcmp(sign, same[j].written) == 0) sign = same[j].meant;
        k->t.kind = C_SIGN;
        snprintf(k->t.sign, sizeof k->t.sign, "%s", sign);
        k->at += n;
        return;
    }
    fail_at(k, k->at, "unexpected `%c`", k->s[k->at]);
    k->at = k->len;
}

static void next(struct checker *k) {
    json_decref(k->t.value);
    while (k->at < k->len && isspace((unsigned char)k->s[k->at])) k->at++;
    k->t = (struct token){.start = k->at};
    char c = k->at < k->len ? k->s[k->at] : 0;
    bool negative = c == '-' && k->at + 1 < k->len && isdigit((unsigned char)k->s[k->at + 1]);
    if (k->at >= k->len || k->failed) {
        k->t.kind = C_END;
    } else if (isdigit((unsigned char)c) && is_date(k->s + k->at, k->len - k->at)) {
        k->at += 10;
        literal(k, C_DATE, json_stringn(k->s + k->t.start, 10));
    } else if (isdigit((unsigned char)c) || negative) {
        read_number(k);
    } else if (c == '"' || c == '\'' || c == '`') {
        read_quoted(k);
    } else if (word_char(c)) {
        while (k->at < k->len && word_char(k->s[k->at])) k->at++;
        k->t.kind = C_WORD;
    } else {
        read_sign(k);
    }
    k->t.end = k->at;
    if (k->failed) k->t.kind = C_END;
}

static bool is_word(const struct checker *k, const char *w) {
    return k->t.kind == C_WORD && strlen(w) == k->t.end - k->t.start &&
           strncmp(k->s + k->t.start, w, strlen(w)) == 0;
}

static bool is_sign(const struct checker *k, const char *s) {
    return k->t.kind == C_SIGN && strcmp(k->t.sign, s) == 0;
}

static bool eat_word(struct checker *k, const char *w) {
    if (!is_word(k, w)) return false;
    next(k);
    return true;
}

static bool expect(struct checker *k, const char *what) {
    if (k->t.kind == C_END) return fail_at(k, k->len, "%s is missing at the end", what);
    return fail_at(k, k->t.start, "expected %s, found `%.*s`", what,
                   (int)(k->t.end - k->t.start > 60 ? 60 : k->t.end - k->t.start), k->s + k->t.start);
}

static bool eat_sign(struct checker *k, const char *s) {
    char what[8];
    snprintf(what, sizeof what, "`%s`", s);
    if (!is_sign(k, s)) return expect(k, what);
    next(k);
    return true;
}

static bool take_column(struct checker *k, json_t *list) {
    bool quoted = k->t.kind == C_COLUMN;
    if (!quoted && k->t.kind != C_WORD) return expect(k, "a column");
    if (k->t.end - k->t.start > WORD_MAX)
        return fail_at(k, k->t.start, "a name has at most %d characters", WORD_MAX);
    json_array_append_new(list, quoted ? json_incref(k->t.value)
                                       : json_stringn(k->s + k->t.start, k->t.end - k->t.start));
    next(k);
    return true;
}

/* A literal, or a column; `percent` is set when it is a share. */
static bool take_value(struct checker *k, json_t *args, bool *percent) {
    static const char *const words[] = {"true", "false", "null"};
    if (k->t.kind >= C_NUMBER && k->t.kind <= C_TEXT) {
        *percent = *percent || k->t.kind == C_PERCENT;
        json_array_append(args, k->t.value);
        next(k);
        return true;
    }
    for (int i = 0; i < 3; i++) {
        if (!is_word(k, words[i])) continue;
        json_array_append_new(args, i == 2 ? json_null() : json_boolean(i == 0));
        next(k);
        return true;
    }
    if (k->t.kind != C_WORD && k->t.kind != C_COLUMN) return expect(k, "a value");
    json_t *columns = json_array();
    bool good = take_column(k, columns);
    if (good) json_array_append_new(args, json_pack("{sO}", "column", json_array_get(columns, 0)));
    json_decref(columns);
    return good;
}

/* ---- the rule */

/* What a function measures, and which comparisons make sense of it. */
static const struct metric {
    const char *name;
    int columns; /* how many it takes; 0: none and no parentheses, -1: one or more */
    bool share;  /* may be compared with a percentage */
    bool time;   /* is compared with a duration */
} metrics[] = {
    {"row_count", 0, false, false}, {"missing", 1, true, false}, {"duplicates", -1, true, false},
    {"freshness", 1, false, true},  {"sum", 1, false, false},    {"avg", 1, false, false},
    {"min", 1, false, false},       {"max", 1, false, false},
};

static const struct metric *metric_here(const struct checker *k) {
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
        if (is_word(k, metrics[i].name)) return &metrics[i];
    return NULL;
}

static bool next_is_open(const struct checker *k) {
    size_t i = k->at;
    while (i < k->len && isspace((unsigned char)k->s[i])) i++;
    return i < k->len && k->s[i] == '(';
}

static bool columns_in_parens(struct checker *k, const struct metric *m, json_t *columns) {
    if (!eat_sign(k, "(")) return false;
    for (;;) {
        if (!take_column(k, columns)) return false;
        if (!is_sign(k, ",")) break;
        if (m->columns == 1) return fail_at(k, k->t.start, "`%s` takes one column", m->name);
        if (json_array_size(columns) == COLUMNS_MAX)
            return fail_at(k, k->t.start, "more than %d columns", COLUMNS_MAX);
        next(k);
    }
    return eat_sign(k, ")");
}

static bool parse_comparison(struct checker *k, json_t *out, bool *percent) {
    static const char *const signs[] = {"=", "!=", "<", "<=", ">", ">="};
    json_t *args = json_array();
    json_put(out, "args", args);
    for (size_t i = 0; i < 6; i++) {
        if (!is_sign(k, signs[i])) continue;
        json_put_text(out, "op", signs[i]);
        next(k);
        return take_value(k, args, percent);
    }
    if (!eat_word(k, "between")) return expect(k, "a comparison such as `= 0`, `> 0` or `between 1 and 10`");
    json_put_text(out, "op", "between");
    bool second = false;
    if (!take_value(k, args, percent)) return false;
    if (!eat_word(k, "and")) return expect(k, "`and`");
    size_t at = k->t.start;
    if (!take_value(k, args, &second)) return false;
    return second == *percent || fail_at(k, at, "both bounds are percentages, or none is");
}

static bool parse_within(struct checker *k, json_t *out) {
    if (k->t.kind != C_PERCENT) return expect(k, "a percentage such as `30%`");
    double share = json_real_value(k->t.value);
    next(k);
    if (!eat_word(k, "of")) return expect(k, "`of`");
    if (!eat_word(k, "average")) return expect(k, "`average(last 7 runs)`");
    if (!eat_sign(k, "(")) return false;
    if (!eat_word(k, "last")) return expect(k, "`last`");
    json_int_t runs =
        k->t.kind == C_NUMBER && json_is_integer(k->t.value) ? json_integer_value(k->t.value) : 0;
    if (runs < 1 || runs > 1000) return expect(k, "a number of runs from 1 to 1000");
    next(k);
    if (!eat_word(k, "runs") && !eat_word(k, "run")) return expect(k, "`runs`");
    if (!eat_sign(k, ")")) return false;
    json_put_text(out, "op", "within");
    json_put(out, "args", json_array());
    json_put(out, "history", json_pack("{ss sI sf}", "function", "average", "runs", runs, "percent", share));
    return true;
}

/* Percentages, durations and plain bounds each fit some metrics only. */
static bool check_bounds(struct checker *k, const struct metric *m, const json_t *out, bool percent,
                         size_t at) {
    const json_t *args = json_object_get(out, "args"), *arg;
    size_t i;
    if (percent && !m->share)
        return fail_at(k, at, "`%s` is not a share: compare it with a value, not a percentage", m->name);
    json_array_foreach(args, i, arg) {
        bool duration = json_is_integer(json_object_get(arg, "duration"));
        bool plain = json_is_number(arg);
        if (json_object_get(arg, "column"))
            return fail_at(k, at, "`%s` is compared with a value, not a column", m->name);
        if (m->time && !duration)
            return fail_at(k, at, "`%s` is compared with a duration such as `2h`", m->name);
        if (!m->time && duration) return fail_at(k, at, "`%s` is not a duration", m->name);
        bool free_type = strcmp(m->name, "min") == 0 || strcmp(m->name, "max") == 0;
        if (!m->time && !plain && !free_type)
            return fail_at(k, at, "`%s` is compared with a number", m->name);
    }
    return true;
}

/* `missing(c) = 0` says something of every row; all other metrics, and shares, are of the set (contract.md
 * 39). */
static bool is_row_rule(const struct metric *m, const json_t *out, bool percent) {
    const json_t *bound = json_array_get(json_object_get(out, "args"), 0);
    return strcmp(m->name, "missing") == 0 && !percent && strcmp(json_text_or(out, "op", ""), "=") == 0 &&
           json_is_integer(bound) && json_integer_value(bound) == 0;
}

static bool parse_metric(struct checker *k, const struct metric *m, json_t *out) {
    json_t *metric = json_object(), *columns = json_array();
    bool percent = false;
    json_put(out, "metric", metric);
    json_put_text(metric, "name", m->name);
    json_put(metric, "columns", columns);
    next(k);
    if (m->columns && !columns_in_parens(k, m, columns)) return false;
    size_t at = k->t.start;
    bool good = eat_word(k, "within") ? parse_within(k, out) : parse_comparison(k, out, &percent);
    if (!good || !check_bounds(k, m, out, percent, at)) return false;
    json_put_text(out, "kind", is_row_rule(m, out, percent) ? "row" : "set");
    if (percent) json_put(out, "percent", json_true());
    return true;
}

/* references(zone.name.column), the word consumed. */
static bool parse_references(struct checker *k, json_t *out, json_t *columns) {
    char name[3][WORD_MAX + 1];
    if (!eat_sign(k, "(")) return false;
    for (int i = 0; i < 3; i++) {
        size_t len = k->t.end - k->t.start;
        if (k->t.kind != C_WORD || len > WORD_MAX) return expect(k, "zone.name.column");
        snprintf(name[i], sizeof name[i], "%.*s", (int)len, k->s + k->t.start);
        next(k);
        if (i < 2 && !eat_sign(k, ".")) return false;
    }
    if (!json_array_size(columns)) json_array_append_new(columns, json_string(name[2]));
    json_t *metric = json_pack("{ss sO ss}", "name", "references", "columns", columns, "column", name[2]);
    if (metric) json_put(metric, "dataset", json_sprintf("%s.%s", name[0], name[1]));
    json_put(out, "metric", metric);
    json_put_text(out, "op", "references");
    json_put(out, "args", json_array());
    json_put_text(out, "kind", "row");
    return eat_sign(k, ")");
}

/* Inside of the parentheses bare words are text. */
static bool parse_in(struct checker *k, json_t *out, bool negated) {
    json_t *args = json_array();
    bool percent = false;
    json_put(out, "args", args);
    json_put_text(out, "op", negated ? "not in" : "in");
    if (!eat_sign(k, "(")) return false;
    for (;;) {
        bool word = k->t.kind == C_WORD && !is_word(k, "true") && !is_word(k, "false") && !is_word(k, "null");
        if (json_array_size(args) == VALUES_MAX)
            return fail_at(k, k->t.start, "more than %d values", VALUES_MAX);
        if (word) {
            json_array_append_new(args, json_stringn(k->s + k->t.start, k->t.end - k->t.start));
            next(k);
        } else if (k->t.kind == C_SIGN || k->t.kind == C_END) {
            return expect(k, "a value");
        } else if (k->t.kind == C_PERCENT) {
            return fail_at(k, k->t.start, "a percentage is no value of a column");
        } else if (!take_value(k, args, &percent)) {
            return false;
        }
        if (!is_sign(k, ",")) break;
        next(k);
    }
    return eat_sign(k, ")");
}

static bool parse_matches(struct checker *k, json_t *out, bool negated) {
    if (k->t.kind != C_TEXT) return expect(k, "a regular expression in quotes");
    json_put_text(out, "op", negated ? "not matches" : "matches");
    json_put(out, "args", json_pack("[O]", k->t.value));
    next(k);
    return true;
}

/* A bare name that is nearly `row_count` is not a column: all other functions need parentheses. */
static bool resembles_row_count(const char *word) {
    return suggest(word, check_functions, 1) && edit_distance(word, check_functions[0], 2) <= 2;
}

static bool misspelled_function(struct checker *k) {
    char word[WORD_MAX + 1];
    bool call = next_is_open(k);
    size_t len = k->t.end - k->t.start;
    if (k->t.kind != C_WORD || len > WORD_MAX) return false;
    snprintf(word, sizeof word, "%.*s", (int)len, k->s + k->t.start);
    if (!call && (k->trusting || !resembles_row_count(word))) return false;
    const char *meant = suggest(word, check_functions, call ? check_function_count : 1);
    if (meant)
        fail_at(k, k->t.start, "unknown function `%.80s`: did you mean `%s`?", word, meant);
    else
        fail_at(k, k->t.start, "unknown function `%.80s`", word);
    return true;
}

static bool parse_column_rule(struct checker *k, json_t *out) {
    json_t *columns = json_array();
    bool percent = false;
    json_put(out, "metric", json_pack("{ss so}", "name", "value", "columns", columns));
    json_put_text(out, "kind", "row");
    if (misspelled_function(k) || !take_column(k, columns)) return false;
    if (eat_word(k, "references")) return parse_references(k, out, columns);
    bool negated = eat_word(k, "not");
    if (eat_word(k, "in")) return parse_in(k, out, negated);
    if (eat_word(k, "matches")) return parse_matches(k, out, negated);
    if (negated) return expect(k, "`in` or `matches`");
    size_t at = k->t.start;
    if (!parse_comparison(k, out, &percent)) return false;
    return !percent ||
           fail_at(k, at,
                   "a column's own value is not compared with a percentage; did you mean `missing(…)`?");
}

static bool parse_rule(struct checker *k, json_t *out) {
    const struct metric *m = metric_here(k);
    if (m && (m->columns ? next_is_open(k) : !next_is_open(k))) return parse_metric(k, m, out);
    if (is_word(k, "references") && next_is_open(k)) {
        json_t *columns = json_array();
        next(k);
        bool good = parse_references(k, out, columns);
        json_decref(columns);
        return good;
    }
    if (m && !m->columns) return fail_at(k, k->t.start, "`%s` takes no parentheses", m->name);
    return parse_column_rule(k, out);
}

static json_t *parse(struct checker *k) {
    json_t *out = json_object();
    json_put(out, "text", json_stringn(k->s, k->len));
    json_put_text(out, "severity", "fail");
    bool good = utf8_check(k->s, k->len) == k->len && !memchr(k->s, 0, k->len);
    if (!good) fail_at(k, 0, "a check is UTF-8 text");
    next(k);
    good = good && parse_rule(k, out);
    if (good && k->t.kind != C_END) good = fail_at(k, k->t.start, "nothing may follow here");
    json_decref(k->t.value);
    if (good && !k->failed) return out;
    fail_at(k, 0, "this is not a check");
    json_decref(out);
    return NULL;
}

json_t *check_parse(const char *text, size_t len, char message[256], size_t *offset) {
    return parse(&(struct checker){.s = text, .len = len, .message = message, .offset = offset});
}

json_t *check_parse_trusting(const char *text, size_t len, char message[256], size_t *offset) {
    return parse(
        &(struct checker){.s = text, .len = len, .message = message, .offset = offset, .trusting = true});
}

/* ---- printing */

static void print_quoted(const char *s, char quote, struct buf *out) {
    buf_addc(out, quote);
    for (; *s; s++) {
        if (*s == quote) buf_addc(out, quote);
        buf_addc(out, *s);
    }
    buf_addc(out, quote);
}

static void print_column(const char *name, struct buf *out) {
    bool plain = *name && !isdigit((unsigned char)*name);
    for (const char *p = name; *p; p++) plain = plain && word_char(*p);
    static const char *const words[] = {"true", "false",   "null",    "row_count", "not",
                                        "in",   "matches", "between", "within",    "references"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) plain = plain && strcmp(words[i], name) != 0;
    if (plain && !resembles_row_count(name))
        buf_adds(out, name);
    else
        print_quoted(name, '`', out);
}

static void print_real(double x, struct buf *out) {
    char text[400];
    for (int digits = 1; digits < 40; digits++) {
        snprintf(text, sizeof text, "%.*f", digits, x);
        if (strtod(text, NULL) == x) break;
    }
    buf_adds(out, text);
}

static void print_share(double x, struct buf *out) {
    char text[400];
    for (int digits = 0; digits < 40; digits++) {
        snprintf(text, sizeof text, "%.*f", digits, x * 100);
        if (strtod(text, NULL) / 100 == x) break;
    }
    buf_addf(out, "%s%%", text);
}

static void print_arg(const json_t *arg, bool percent, struct buf *out) {
    const json_t *duration = json_object_get(arg, "duration");
    if (json_is_string(arg))
        print_quoted(json_string_value(arg), '"', out);
    else if (json_is_real(arg) && percent)
        print_share(json_real_value(arg), out);
    else if (json_is_real(arg))
        print_real(json_real_value(arg), out);
    else if (json_is_integer(arg))
        buf_addf(out, "%lld", (long long)json_integer_value(arg));
    else if (json_is_boolean(arg) || json_is_null(arg))
        buf_adds(out, json_is_true(arg) ? "true" : json_is_false(arg) ? "false" : "null");
    else if (duration)
        buf_addf(out, "%lldms", (long long)(json_integer_value(duration) / US_PER_MS));
    else
        print_column(json_text_or(arg, "column", ""), out);
}

static void print_metric(const json_t *metric, struct buf *out) {
    const char *name = json_text_or(metric, "name", "");
    const json_t *columns = json_object_get(metric, "columns"), *c;
    bool value = strcmp(name, "value") == 0 || strcmp(name, "references") == 0;
    size_t i;
    if (!value) buf_adds(out, name);
    if (!json_array_size(columns)) return;
    if (!value) buf_addc(out, '(');
    json_array_foreach(columns, i, c) {
        if (i) buf_adds(out, ", ");
        print_column(json_string_value(c), out);
    }
    if (!value) buf_addc(out, ')');
}

static void print_args(const json_t *check, const char *op, struct buf *out) {
    const json_t *args = json_object_get(check, "args"), *arg;
    bool list = strcmp(op, "in") == 0 || strcmp(op, "not in") == 0;
    size_t i;
    if (list) buf_addc(out, '(');
    json_array_foreach(args, i, arg) {
        if (i) buf_adds(out, list ? ", " : " and ");
        print_arg(arg, json_flag(check, "percent"), out);
    }
    if (list) buf_addc(out, ')');
}

void check_print(const json_t *check, struct buf *out) {
    const json_t *metric = json_object_get(check, "metric"), *history = json_object_get(check, "history");
    const char *op = json_text_or(check, "op", "");
    print_metric(metric, out);
    buf_addf(out, " %s ", op);
    if (strcmp(op, "references") == 0) {
        out->s[--out->len] = 0;
        buf_addf(out, "(%s.%s)", json_text_or(metric, "dataset", ""), json_text_or(metric, "column", ""));
    } else if (history) {
        print_share(json_num(history, "percent", 0), out);
        buf_addf(out, " of average(last %lld runs)", (long long)json_int(history, "runs", 1));
    } else {
        print_args(check, op, out);
    }
}
