/* sqltext.c: see sqltext.h. */
#include "zones/sqltext.h"

#include "base/arena.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static const char *past(const char *s, const char *ending) {
    const char *end = strstr(s, ending);
    return end ? end + strlen(ending) : s + strlen(s);
}

/* 'text' and "name": a doubled quote stays inside, for the next round begins with it. */
static const char *past_quote(const char *s) {
    const char *end = strchr(s + 1, *s);
    return end ? end + 1 : s + strlen(s);
}

/* $$ … $$ and $tag$ … $tag$; a lone $name is a parameter. */
static const char *past_dollar(const char *s) {
    const char *p = s + 1;
    while (isalnum((unsigned char)*p) || *p == '_') p++;
    if (*p != '$') return p;
    size_t n = (size_t)(p - s) + 1;
    for (const char *q = s + n; *q; q++)
        if (strncmp(q, s, n) == 0) return q + n;
    return s + strlen(s);
}

/* Skips what is one thing; sets blank when it is white space or a comment. */
static const char *past_token(const char *s, bool *blank) {
    *blank = true;
    if (isspace((unsigned char)*s)) return s + 1;
    if (strncmp(s, "--", 2) == 0) return past(s, "\n");
    if (strncmp(s, "/*", 2) == 0) return past(s + 2, "*/");
    *blank = false;
    if (*s == '\'' || *s == '"') return past_quote(s);
    return *s == '$' ? past_dollar(s) : s + 1;
}

char *sql_one_statement(const char *text, struct err *err) {
    const char *end = NULL;
    bool any = false, blank;
    for (const char *s = text, *next; *s; s = next) {
        next = past_token(s, &blank);
        if (blank) continue;
        if (*s == ';') {
            if (!end) end = s;
            continue;
        }
        any = true;
        if (!end) continue;
        err_set(err, EX_INVALID, "a step runs one SELECT; there is more after the first `;`");
        err_hint(err, "give each statement a step of its own");
        return NULL;
    }
    if (!any) {
        err_set(err, EX_INVALID, "the SQL text is empty");
        return NULL;
    }
    size_t n = end ? (size_t)(end - text) : strlen(text);
    char *one = xmalloc(n + 1);
    memcpy(one, text, n);
    one[n] = 0;
    return one;
}
