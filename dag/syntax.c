/* syntax.c: one row per mistake that people make in YAML (design: pipelines.md 2.2).
 *
 * A row matches libyaml's problem text, and perhaps a character at the place, and explains it. The first
 * match wins; the last row matches everything. */
#include "dag/syntax.h"

#include <string.h>

static struct span around(const struct syntax_error *e, uint32_t start, uint32_t end) {
    return (struct span){.source = e->source, .start = start, .end = end};
}

static char char_at(const struct syntax_error *e, uint32_t at) {
    return at < e->source->len ? e->source->text[at] : '\0';
}

static uint32_t line_start(const struct syntax_error *e, uint32_t at) {
    while (at && e->source->text[at - 1] != '\n') at--;
    return at;
}

static uint32_t line_end(const struct syntax_error *e, uint32_t at) {
    while (at < e->source->len && !strchr("\r\n", e->source->text[at])) at++;
    return at;
}

/* The line at `at` without what follows ` #` and trailing blanks. */
static uint32_t value_end(const struct syntax_error *e, uint32_t at) {
    uint32_t end = line_end(e, at);
    for (uint32_t i = at; i + 1 < end; i++)
        if (e->source->text[i] == ' ' && e->source->text[i + 1] == '#') end = i;
    while (end > at && e->source->text[end - 1] == ' ') end--;
    return end;
}

static uint32_t first_word(const struct syntax_error *e, uint32_t at) {
    at = line_start(e, at);
    while (char_at(e, at) == ' ') at++;
    return at;
}

/* ---- explanations: each adds one diagnostic and returns the offset to blame */

static uint32_t explain_tab(struct diags *d, const struct syntax_error *e) {
    uint32_t at = e->at;
    while (at > line_start(e, e->at) && char_at(e, at) != '\t') at--;
    struct diag *g = diag_add(d, "E0115", around(e, at, at + 1), "a tab is used for indentation");
    diag_label(d, g, "write spaces here");
    return e->at;
}

static uint32_t explain_star(struct diags *d, const struct syntax_error *e) {
    uint32_t at = e->context_at, end = value_end(e, at);
    int len = (int)(end - at);
    const char *text = e->source->text + at;
    const char *what = *text == '*'   ? "`*`"
                       : *text == '@' ? "`@`"
                       : *text == '&' ? "`&`"
                       : *text == '%' ? "`%`"
                                      : "a backquote";
    struct diag *g =
        diag_add(d, "E0116", around(e, at, end), "a value starting with %s must be quoted", what);
    diag_label(d, g, "write \"%.*s\"", len, text);
    struct buf quoted = BUF_INIT;
    buf_addf(&quoted, "\"%.*s\"", len, text);
    if (!memchr(text, '"', (size_t)len)) diag_fix(d, g, around(e, at, end), buf_str(&quoted));
    buf_release(&quoted);
    if (strncmp(e->source->text + first_word(e, at), "cron:", 5) == 0)
        diag_help(d, g, "or write it in words: every: %s", *text == '@' ? "day at 00:00" : "5 minutes");
    return at;
}

/* The line above has the same indentation and no `:`: YAML took both for one text. */
static bool bare_line_above(struct diags *d, const struct syntax_error *e, uint32_t start) {
    uint32_t line = line_start(e, start);
    if (!line) return false;
    uint32_t above = line_start(e, line - 1), word = first_word(e, line - 1), end = value_end(e, above);
    if (word - above != start - line || end <= word || memchr(e->source->text + word, ':', end - word))
        return false;
    struct diag *g = diag_add(d, "E0102", around(e, word, end), "this line is not `key: value`");
    diag_label(d, g, "a `:` is missing");
    return true;
}

static uint32_t explain_second_colon(struct diags *d, const struct syntax_error *e) {
    uint32_t start = first_word(e, e->at);
    const char *text = e->source->text + start, *colon = memchr(text, ':', e->source->len - start);
    if (colon && colon - e->source->text >= e->at && bare_line_above(d, e, start)) return e->at;
    if (colon && colon - e->source->text >= e->at) {
        struct diag *g = diag_add(d, "E0117", around(e, start, line_end(e, start)),
                                  "this line is indented deeper than the value it follows");
        diag_label(d, g, "the line above already has a value");
        return e->at;
    }
    struct diag *g =
        diag_add(d, "E0117", around(e, e->at, e->at + 1), "the `: ` makes this a second key on one line");
    int key = colon ? (int)(colon - text) : 0;
    diag_label(d, g, "quote the value, or use a block");
    diag_help(d, g, "%.*s: |\n  %.*s", key, text,
              (int)(value_end(e, start) - start) - key - 2 > 0 ? (int)(value_end(e, start) - start) - key - 2
                                                               : 0,
              text + key + 2);
    return e->at;
}

static bool has_expression(const struct syntax_error *e) {
    for (uint32_t i = e->context_at; i + 1 < e->source->len && i <= e->at; i++)
        if (e->source->text[i] == '$' && e->source->text[i + 1] == '{') return true;
    return false;
}

static uint32_t explain_unclosed(struct diags *d, const struct syntax_error *e) {
    bool list = char_at(e, e->context_at) == '[';
    if (has_expression(e)) {
        uint32_t at = e->context_at;
        while (strncmp(e->source->text + at, "${", 2) != 0) at++;
        const char *close = memchr(e->source->text + at, '}', e->source->len - at);
        uint32_t end = close ? (uint32_t)(close - e->source->text) + 1 : at + 2;
        struct diag *g = diag_add(d, "E0119", around(e, at, end), "`${…}` needs quotes inside %s",
                                  list ? "`[ ]`" : "`{ }`");
        diag_label(d, g, "write \"%.*s\", or use one `- item` per line", (int)(end - at),
                   e->source->text + at);
        return e->context_at;
    }
    struct diag *g = diag_add(d, "E0118", around(e, e->context_at, e->context_at + 1),
                              "this %s is never closed", list ? "list" : "map");
    diag_label(d, g, "opened here");
    diag_also(d, g, around(e, e->at, e->at + 1),
              list ? "a `,` or `]` was expected here" : "a `,` or `}` was expected here");
    return e->context_at;
}

static uint32_t explain_open_quote(struct diags *d, const struct syntax_error *e) {
    struct diag *g =
        diag_add(d, "E0118", around(e, e->context_at, e->context_at + 1), "this quote is never closed");
    diag_label(d, g, "opened here");
    return e->context_at;
}

static uint32_t explain_no_colon(struct diags *d, const struct syntax_error *e) {
    uint32_t at = e->context_at;
    struct diag *g = diag_add(d, "E0102", around(e, at, value_end(e, at)), "this line is not `key: value`");
    diag_label(d, g, "a `:` is missing");
    return at;
}

static uint32_t explain_indent(struct diags *d, const struct syntax_error *e) {
    uint32_t at = first_word(e, e->at);
    bool rest = at != e->at;
    struct diag *g = diag_add(d, "E0102", around(e, e->at, value_end(e, e->at)),
                              rest ? "nothing may follow the value on this line"
                                   : "this line does not line up with the lines above");
    diag_label(d, g, rest ? "unexpected" : "indent it exactly like its neighbours");
    return e->at;
}

static uint32_t explain_dash(struct diags *d, const struct syntax_error *e) {
    struct diag *g =
        diag_add(d, "E0102", around(e, e->at, e->at + 1), "a list item cannot start on the line of its key");
    diag_label(d, g, "put `- ` on a line of its own, or quote the value if it is text");
    return e->at;
}

static uint32_t explain_escape(struct diags *d, const struct syntax_error *e) {
    struct diag *g =
        diag_add(d, "E0102", around(e, e->at, e->at + 2), "unknown escape in a double-quoted text");
    diag_label(d, g, "write `\\\\` for a backslash, or use single quotes");
    return e->at;
}

static uint32_t explain_directive(struct diags *d, const struct syntax_error *e) {
    struct diag *g = diag_add(d, "E0102", around(e, e->context_at, value_end(e, e->context_at)),
                              "a line cannot start with `%%` here");
    diag_label(d, g, "quote the text");
    return e->context_at;
}

static uint32_t explain_header(struct diags *d, const struct syntax_error *e) {
    struct diag *g = diag_add(d, "E0102", around(e, e->at, value_end(e, e->at)),
                              "nothing may follow the `%c`", char_at(e, e->context_at));
    diag_label(d, g, "start the text on the next line");
    return e->at;
}

static uint32_t explain_other(struct diags *d, const struct syntax_error *e) {
    uint32_t end = value_end(e, e->at);
    struct diag *g = diag_add(d, "E0102", around(e, e->at, end > e->at ? end : e->at + 1),
                              "this is not YAML: %s", e->problem);
    if (e->context) diag_label(d, g, "%s", e->context);
    return e->at;
}

static const struct {
    const char *problem; /* a part of libyaml's words */
    const char *chars;   /* when not NULL: one of these stands at the place */
    uint32_t (*explain)(struct diags *d, const struct syntax_error *e);
} rows[] = {
    {"tab character", NULL, explain_tab},
    {"cannot start any token", "\t", explain_tab},
    {"cannot start any token", "@`%", explain_star},
    {"alphabetic or numeric character", NULL, explain_star},
    {"mapping values are not allowed", NULL, explain_second_colon},
    {"expected ',' or", NULL, explain_unclosed},
    {"unexpected end of stream", NULL, explain_open_quote},
    {"unexpected document indicator", NULL, explain_open_quote},
    {"expected ':'", NULL, explain_no_colon},
    {"expected key", NULL, explain_indent},
    {"expected '-' indicator", NULL, explain_indent},
    {"block sequence entries", NULL, explain_dash},
    {"unknown escape", NULL, explain_escape},
    {"directive", NULL, explain_directive},
    {"comment or line break", NULL, explain_header},
    {"", NULL, explain_other},
};

uint32_t syntax_explain(struct diags *d, const struct syntax_error *e) {
    size_t i = 0;
    while (!strstr(e->problem, rows[i].problem) ||
           (rows[i].chars && (!char_at(e, e->at) || !strchr(rows[i].chars, char_at(e, e->at)))))
        i++;
    return rows[i].explain(d, e);
}
