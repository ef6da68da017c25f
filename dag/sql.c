/* sql.c: ${…} in SQL text.
 *
 * Each becomes a parameter $p1, $p2, …, never text; ${ident(x)} becomes a quoted name when the step runs.
 * Inside of quotes neither would do what it looks like, so that is an error; comments are left alone. Only as
 * much of SQL's grammar is known here as it takes to tell quotes and comments (SQL-92 5.2, dollar quotes of
 * PostgreSQL). */
#include "dag/load.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum region { SQL_CODE, SQL_TEXT, SQL_NAME, SQL_DOLLAR, SQL_LINE_COMMENT, SQL_BLOCK_COMMENT };

struct scan {
    const char *s;
    size_t at, len;
    enum region region;
    char tag[64]; /* of a dollar quote, with both dollars */
    int nested;   /* block comments nest in DuckDB and PostgreSQL */
};

static bool here(const struct scan *k, const char *what) {
    return strncmp(k->s + k->at, what, strlen(what)) == 0;
}

static size_t dollar_tag(const struct scan *k, char tag[64]) {
    size_t n = 1;
    while (isalnum((unsigned char)k->s[k->at + n]) || k->s[k->at + n] == '_') n++;
    if (k->s[k->at + n] != '$' || isdigit((unsigned char)k->s[k->at + 1]) || n + 2 > 64) return 0;
    memcpy(tag, k->s + k->at, n + 1);
    tag[n + 1] = 0;
    return n + 1;
}

static size_t step_in_code(struct scan *k) {
    char c = k->s[k->at];
    if (c == '\'') k->region = SQL_TEXT;
    if (c == '"') k->region = SQL_NAME;
    if (here(k, "--")) k->region = SQL_LINE_COMMENT;
    if (here(k, "/*")) {
        k->region = SQL_BLOCK_COMMENT;
        k->nested = 1;
        return 2;
    }
    size_t tag = c == '$' && k->s[k->at + 1] != '{' ? dollar_tag(k, k->tag) : 0;
    if (tag) k->region = SQL_DOLLAR;
    return tag ? tag : 1;
}

static size_t step_in_comment(struct scan *k) {
    if (here(k, "/*")) k->nested++;
    if (!here(k, "/*") && !here(k, "*/")) return 1;
    if (here(k, "*/") && --k->nested == 0) k->region = SQL_CODE;
    return 2;
}

/* Bytes of the next step; changes region. A doubled quote leaves and enters at once, which comes to the
 * same. */
static size_t step(struct scan *k) {
    char c = k->s[k->at];
    switch (k->region) {
    case SQL_CODE: return step_in_code(k);
    case SQL_BLOCK_COMMENT: return step_in_comment(k);
    case SQL_DOLLAR:
        if (!here(k, k->tag)) return 1;
        k->region = SQL_CODE;
        return strlen(k->tag);
    case SQL_TEXT:
        if (c == '\'') k->region = SQL_CODE;
        return 1;
    case SQL_NAME:
        if (c == '"') k->region = SQL_CODE;
        return 1;
    default:
        if (c == '\n') k->region = SQL_CODE;
        return 1;
    }
}

static bool refuse_quoted(struct load *l, const struct node *n, const struct scan *k) {
    const char *close = strchr(k->s + k->at, '}');
    size_t end = close ? (size_t)(close - k->s) + 1 : k->at + 2;
    bool name = k->region == SQL_NAME;
    struct diag *g = load_diag(l, "E0504", node_part(n, k->at, end), "`%.*s` is not replaced inside quotes",
                               (int)(end - k->at), k->s + k->at);
    diag_label(l->d, g,
               name ? "for an identifier write ${ident(…)} without quotes"
                    : "remove the quotes: it is a bound value, whatever is in it");
    return false;
}

struct build {
    struct load *l;
    const struct node *node;
    struct sql_part *parts;
    size_t count, cap;
    uint32_t params;
    struct buf text;
};

static void add_part(struct build *b, struct sql_part part) {
    part.rendered = (uint32_t)b->text.len;
    GROW(b->parts, b->count, b->cap);
    b->parts[b->count++] = part;
}

static void add_literal(struct build *b, const char *s, size_t start, size_t end) {
    for (size_t cut; start < end; start = cut) {
        const char *escape = memmem(s + start, end - start, "$${", 3);
        cut = escape ? (size_t)(escape - s) + 1 : end; /* the first dollar goes, what follows is text */
        size_t len = cut - start - (escape != NULL);
        if (len)
            add_part(b, (struct sql_part){.text = arena_strndup(b->l->arena, s + start, len),
                                          .len = (uint32_t)len,
                                          .from = (uint32_t)start});
        buf_add(&b->text, s + start, len);
        if (!escape) break;
        add_part(b, (struct sql_part){.text = "${", .len = 2, .from = (uint32_t)cut});
        buf_adds(&b->text, "${");
        cut += 2;
    }
}

static bool refuse_secret(struct build *b, size_t start, size_t end) {
    struct load *l = b->l;
    struct diag *g = load_diag(l, "E0702", node_part(b->node, start, end), "a secret may not be in SQL");
    diag_label(l->d, g, "the text of a statement and its values are recorded");
    return false;
}

/* The expression at `start`; sets *end behind its brace. */
static bool add_expression(struct build *b, size_t start, size_t *end) {
    struct complaint c = {0};
    const struct node *n = b->node;
    struct expr *e = expr_parse(b->l->arena, n->text, start + 2, n->count, end, &c);
    if (e && (*end >= n->count || n->text[*end] != '}')) {
        expr_complain(&c, "E0501", (uint32_t)start, (uint32_t)start + 2, "this `${` is never closed");
        e = NULL;
    }
    if (!e || !expr_check(e, &b->l->scope, &c)) {
        load_complain(b->l, n, &c);
        return false;
    }
    *end += 1;
    if (e->secret) return refuse_secret(b, start, *end);
    bool ident = e->type == TYPE_IDENT;
    add_part(b, (struct sql_part){.expr = e, .from = (uint32_t)start, .param = ident ? 0 : ++b->params});
    if (ident)
        buf_adds(&b->text, SQL_IDENT);
    else
        buf_addf(&b->text, "$p%u", b->params);
    return true;
}

static bool split(struct build *b) {
    struct scan k = {.s = b->node->text, .len = b->node->count};
    size_t from = 0;
    bool good = true;
    while (k.at < k.len) {
        bool comment = k.region == SQL_LINE_COMMENT || k.region == SQL_BLOCK_COMMENT;
        bool open = !comment && here(&k, "${") && (k.at == 0 || k.s[k.at - 1] != '$');
        if (!open) {
            k.at += step(&k);
            continue;
        }
        size_t end = k.at + 2;
        if (k.region != SQL_CODE) {
            good = refuse_quoted(b->l, b->node, &k);
        } else {
            add_literal(b, k.s, from, k.at);
            if (!add_expression(b, k.at, &end)) {
                good = false;
                end = k.at + 2;
            }
            from = end;
        }
        k.at = end;
    }
    add_literal(b, k.s, from, k.len);
    return good;
}

struct sql_text *sql_parse(struct load *l, const struct node *n) {
    struct build b = {.l = l, .node = n};
    struct sql_text *sql = NULL;
    if (split(&b)) {
        struct place at = load_place(l, node_part(n, 0, 1));
        sql = arena_alloc(l->arena, sizeof *sql);
        *sql = (struct sql_text){.text = arena_strdup(l->arena, buf_str(&b.text)),
                                 .part_count = (uint32_t)b.count,
                                 .line = at.line,
                                 .column = at.column,
                                 .node = n};
        sql->parts = arena_array(l->arena, b.count, sizeof *sql->parts);
        if (b.count) memcpy(sql->parts, b.parts, b.count * sizeof *b.parts);
    }
    free(b.parts);
    buf_release(&b.text);
    return sql;
}
