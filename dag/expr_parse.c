/* expr_parse.c: tokens, the parser and the printer of expressions.
 *
 * Binary operators are one table with binding strengths, climbed by one function; the recursion it takes is
 * counted, and so is the depth of the tree, so that neither parsing nor evaluating can use much stack. */
#include "base/instant.h"
#include "base/limits.h"
#include "base/suggest.h"
#include "dag/expr.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const expr_type_texts[] = {
#define X(name, text) text,
    EXPR_TYPE_LIST(X)
#undef X
};

bool expr_complain(struct complaint *c, const char *code, uint32_t start, uint32_t end, const char *fmt,
                   ...) {
    *c = (struct complaint){.start = start, .end = end > start ? end : start ? start + 1 : 0};
    snprintf(c->code, sizeof c->code, "%s", code);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->message, sizeof c->message, fmt, ap);
    va_end(ap);
    return false;
}

/* ---- tokens */

enum token_kind { T_END, T_NAME, T_INTEGER, T_DECIMAL, T_DURATION, T_TEXT, T_SIGN, T_BAD };

struct token {
    enum token_kind kind;
    uint32_t start, end;
    char sign[3];
    int64_t integer;
    double real;
    const char *text; /* name, or text with escapes undone */
};

struct parser {
    struct arena *arena;
    const char *text;
    size_t at, len;
    struct token token;
    struct complaint *c;
    int depth;
};

static bool name_char(char c) { return isalnum((unsigned char)c) || c == '_'; }

static void bad_token(struct parser *p, size_t end, const char *why) {
    p->token.kind = T_BAD;
    expr_complain(p->c, "E0501", p->token.start, (uint32_t)end, "%s", why);
    p->at = end;
}

static void read_number(struct parser *p) {
    size_t start = p->at, i = start;
    char digits[64];
    while (i < p->len && isdigit((unsigned char)p->text[i])) i++;
    bool real = i + 1 < p->len && p->text[i] == '.' && isdigit((unsigned char)p->text[i + 1]);
    if (real)
        for (i++; i < p->len && isdigit((unsigned char)p->text[i]); i++) continue;
    size_t unit = i;
    while (i < p->len && name_char(p->text[i])) i++;
    if (i - start >= sizeof digits) {
        bad_token(p, i, "this number is too long");
        return;
    }
    memcpy(digits, p->text + start, i - start);
    digits[i - start] = 0;
    p->at = i;
    p->token.real = strtod(digits, NULL);
    p->token.kind = real ? T_DECIMAL : T_INTEGER;
    if (unit != i) p->token.kind = T_DURATION;
    bool good =
        unit != i ? !real && duration_parse(digits, &p->token.integer) : real || text_is_integer(digits);
    if (!good)
        bad_token(p, i,
                  unit != i ? "this is neither a number nor a duration such as 30s, 5m, 2h or 1d"
                            : "this is not a decimal number of 64 bits");
    else if (p->token.kind == T_INTEGER)
        p->token.integer = strtoll(digits, NULL, 10);
}

static void read_text(struct parser *p) {
    char quote = p->text[p->at], *out = arena_alloc(p->arena, p->len - p->at);
    size_t i = p->at + 1, n = 0;
    for (; i < p->len && p->text[i] != quote; i++) {
        char c = p->text[i];
        if (c == '\\' && i + 1 < p->len) {
            c = p->text[++i];
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        out[n++] = c;
    }
    p->token.kind = T_TEXT;
    p->token.text = out;
    p->at = i + 1;
    if (i >= p->len) bad_token(p, p->len, "this text is never closed");
}

static void read_sign(struct parser *p) {
    static const char *const signs[] = {"==", "!=", "<=", ">=", "??", "<", ">", "+", "-",
                                        "*",  "/",  "(",  ")",  "[",  "]", ",", ".", "}"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t n = strlen(signs[i]);
        if (p->len - p->at < n || memcmp(p->text + p->at, signs[i], n) != 0) continue;
        p->token.kind = T_SIGN;
        memcpy(p->token.sign, signs[i], n + 1);
        p->at += n;
        return;
    }
    bool single = p->text[p->at] == '=';
    bad_token(p, p->at + 1,
              single ? "`=` does not compare; write `==`" : "unexpected character in an expression");
}

static void next_token(struct parser *p) {
    while (p->at < p->len && isspace((unsigned char)p->text[p->at])) p->at++;
    p->token = (struct token){.start = (uint32_t)p->at};
    if (p->at >= p->len) {
        p->token.kind = T_END;
    } else if (isdigit((unsigned char)p->text[p->at])) {
        read_number(p);
    } else if (p->text[p->at] == '"' || p->text[p->at] == '\'') {
        read_text(p);
    } else if (name_char(p->text[p->at])) {
        size_t start = p->at;
        while (p->at < p->len && name_char(p->text[p->at])) p->at++;
        p->token.kind = T_NAME;
        p->token.text = arena_strndup(p->arena, p->text + start, p->at - start);
    } else {
        read_sign(p);
    }
    p->token.end = (uint32_t)p->at;
}

static bool is_sign(const struct parser *p, const char *s) {
    return p->token.kind == T_SIGN && strcmp(p->token.sign, s) == 0;
}
static bool is_word(const struct parser *p, const char *s) {
    return p->token.kind == T_NAME && strcmp(p->token.text, s) == 0;
}

static struct expr *expected(struct parser *p, const char *what) {
    const struct token *t = &p->token;
    if (t->kind == T_BAD) return NULL;
    if (t->kind == T_END || is_sign(p, "}"))
        expr_complain(p->c, "E0501", t->start, t->end, "%s is missing here", what);
    else
        expr_complain(p->c, "E0501", t->start, t->end, "expected %s, found `%.*s`", what,
                      (int)(t->end - t->start), p->text + t->start);
    return NULL;
}

/* ---- the tree */

static struct expr *new_expr(struct parser *p, enum expr_op op, uint32_t start) {
    struct expr *e = arena_alloc(p->arena, sizeof *e);
    *e = (struct expr){.op = (uint8_t)op, .start = start, .end = p->token.end, .depth = 1};
    return e;
}

static bool deepen(struct parser *p, struct expr *e, const struct expr *kid) {
    if (kid && kid->depth >= e->depth) e->depth = (uint8_t)(kid->depth + 1);
    if (e->depth < LIMIT_EXPR_TREE) return true;
    return expr_complain(p->c, "E0501", e->start, e->end, "the expression is nested too deeply");
}

static struct expr *parse_or(struct parser *p);

/* Items up to `close`, which is consumed; the opening sign was. */
static bool parse_items(struct parser *p, struct expr *e, const char *close) {
    struct expr *list[64];
    if (!is_sign(p, close)) {
        for (;;) {
            if (e->count == sizeof list / sizeof *list)
                return expr_complain(p->c, "E0501", p->token.start, p->token.end, "more than 64 items");
            struct expr *kid = parse_or(p);
            if (!kid || !deepen(p, e, kid)) return false;
            list[e->count++] = kid;
            if (!is_sign(p, ",")) break;
            next_token(p);
        }
    }
    if (!is_sign(p, close)) return expected(p, strcmp(close, ")") == 0 ? "`,` or `)`" : "`,` or `]`") != NULL;
    e->end = p->token.end;
    e->items = arena_array(p->arena, e->count, sizeof *e->items);
    if (e->count) memcpy(e->items, list, e->count * sizeof *list);
    next_token(p);
    return true;
}

static struct expr *parse_call(struct parser *p, const struct token *name) {
    struct expr *e = new_expr(p, EX_CALL, name->start);
    const struct function *f = function_find(name->text);
    if (!f) {
        const char *names[32], *meant;
        size_t n = 0;
        while (expr_functions[n].name) names[n] = expr_functions[n].name, n++;
        expr_complain(p->c, "E0506", name->start, name->end, "unknown function `%s`", name->text);
        if ((meant = suggest(name->text, names, n))) snprintf(p->c->meant, sizeof p->c->meant, "%s", meant);
        return NULL;
    }
    e->function = f;
    next_token(p);
    return parse_items(p, e, ")") ? e : NULL;
}

static bool parse_part(struct parser *p, struct expr *e, struct path_part *part) {
    bool dot = is_sign(p, ".");
    next_token(p);
    *part = (struct path_part){.start = p->token.start, .end = p->token.end};
    if (dot) {
        if (p->token.kind != T_NAME) return expected(p, "a name after the `.`") != NULL;
        part->name = p->token.text;
    } else {
        part->index = parse_or(p);
        if (!part->index || !deepen(p, e, part->index)) return false;
        part->end = part->index->end;
        if (!is_sign(p, "]")) return expected(p, "`]`") != NULL;
    }
    e->end = p->token.end;
    next_token(p);
    return true;
}

static struct expr *parse_path(struct parser *p, const struct token *name) {
    struct path_part parts[16] = {{.name = name->text, .start = name->start, .end = name->end}};
    struct expr *e = new_expr(p, EX_PATH, name->start);
    e->end = name->end;
    e->count = 1;
    while (is_sign(p, ".") || is_sign(p, "[")) {
        if (e->count == sizeof parts / sizeof *parts) {
            expr_complain(p->c, "E0501", e->start, e->end, "a name has at most 16 parts");
            return NULL;
        }
        if (!parse_part(p, e, &parts[e->count])) return NULL;
        e->count++;
    }
    e->parts = arena_array(p->arena, e->count, sizeof *e->parts);
    memcpy(e->parts, parts, e->count * sizeof *parts);
    return e;
}

static const struct {
    const char *word;
    enum expr_op op;
    bool yes;
} words[] = {{"true", EX_BOOL, true}, {"false", EX_BOOL, false}, {"null", EX_NULL, false}};

static struct expr *parse_name(struct parser *p) {
    struct token name = p->token;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(name.text, words[i].word) != 0) continue;
        struct expr *e = new_expr(p, words[i].op, name.start);
        e->yes = words[i].yes;
        next_token(p);
        return e;
    }
    if (is_word(p, "and") || is_word(p, "or") || is_word(p, "in") || is_word(p, "not"))
        return expected(p, "a value");
    next_token(p);
    return is_sign(p, "(") ? parse_call(p, &name) : parse_path(p, &name);
}

static struct expr *parse_literal(struct parser *p, enum expr_op op) {
    struct expr *e = new_expr(p, op, p->token.start);
    if (op == EX_TEXT)
        e->text = p->token.text;
    else if (op == EX_DECIMAL)
        e->real = p->token.real;
    else
        e->integer = p->token.integer;
    next_token(p);
    return e;
}

static struct expr *parse_sign(struct parser *p) {
    uint32_t start = p->token.start;
    if (is_sign(p, "[")) {
        struct expr *e = new_expr(p, EX_LIST, start);
        next_token(p);
        return parse_items(p, e, "]") ? e : NULL;
    }
    if (!is_sign(p, "(")) return expected(p, "a value");
    next_token(p);
    struct expr *e = parse_or(p);
    if (!e) return NULL;
    if (!is_sign(p, ")")) return expected(p, "`)`");
    next_token(p);
    return e;
}

static struct expr *parse_prim(struct parser *p) {
    switch (p->token.kind) {
    case T_NAME: return parse_name(p);
    case T_INTEGER: return parse_literal(p, EX_INTEGER);
    case T_DECIMAL: return parse_literal(p, EX_DECIMAL);
    case T_DURATION: return parse_literal(p, EX_DURATION);
    case T_TEXT: return parse_literal(p, EX_TEXT);
    case T_SIGN: break;
    default: return expected(p, "a value");
    }
    if (!is_sign(p, "-")) return parse_sign(p);
    struct expr *e = new_expr(p, EX_NEG, p->token.start);
    next_token(p);
    if (is_sign(p, "-")) return expected(p, "a value"); /* one sign is enough, and bounds the recursion */
    e->a = parse_prim(p);
    if (!e->a || !deepen(p, e, e->a)) return NULL;
    e->end = e->a->end;
    return e;
}

/* From weakest to strongest. */
static const struct binary {
    const char *text;
    enum expr_op op;
    int strength;
    bool once; /* a < b < c is an error, a ?? b ?? c too */
} binaries[] = {
    {"or", EX_OR, 1, false}, {"and", EX_AND, 2, false},     {"==", EX_EQ, 4, true},  {"!=", EX_NE, 4, true},
    {"<", EX_LT, 4, true},   {"<=", EX_LE, 4, true},        {">", EX_GT, 4, true},   {">=", EX_GE, 4, true},
    {"in", EX_IN, 4, true},  {"+", EX_ADD, 5, false},       {"-", EX_SUB, 5, false}, {"*", EX_MUL, 6, false},
    {"/", EX_DIV, 6, false}, {"??", EX_OTHERWISE, 7, true},
};
enum { STRENGTH_NOT = 3, STRENGTH_PRIM = 8 };

static const struct binary *binary_here(const struct parser *p) {
    if (p->token.kind != T_SIGN && p->token.kind != T_NAME) return NULL;
    for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++)
        if (is_sign(p, binaries[i].text) || is_word(p, binaries[i].text)) return &binaries[i];
    return NULL;
}

static struct expr *parse_from(struct parser *p, int strength);

static struct expr *parse_not(struct parser *p) {
    struct expr *e = new_expr(p, EX_NOT, p->token.start);
    next_token(p);
    if (is_word(p, "not")) return expected(p, "a condition");
    e->a = parse_from(p, STRENGTH_NOT + 1);
    if (!e->a || !deepen(p, e, e->a)) return NULL;
    e->end = e->a->end;
    return e;
}

static struct expr *parse_from(struct parser *p, int strength) {
    if (strength == STRENGTH_PRIM) return parse_prim(p);
    struct expr *left = strength <= STRENGTH_NOT && is_word(p, "not") ? parse_not(p) : parse_prim(p);
    int least = STRENGTH_PRIM; /* what was used once cannot follow itself */
    for (const struct binary *b; left && (b = binary_here(p)) && b->strength >= strength;) {
        if (b->strength >= least) {
            expected(p, "parentheses to say which comes first");
            return NULL;
        }
        next_token(p);
        struct expr *e = new_expr(p, b->op, left->start);
        e->a = left;
        e->b = parse_from(p, b->strength + 1);
        if (!e->b || !deepen(p, e, e->a) || !deepen(p, e, e->b)) return NULL;
        e->end = e->b->end;
        if (b->once) least = b->strength;
        left = e;
    }
    return left;
}

static struct expr *parse_or(struct parser *p) {
    if (++p->depth > LIMIT_EXPR_DEPTH) {
        expr_complain(p->c, "E0501", p->token.start, p->token.end, "the expression is nested too deeply");
        return NULL;
    }
    struct expr *e = parse_from(p, 1);
    p->depth--;
    return e;
}

struct expr *expr_parse(struct arena *a, const char *text, size_t at, size_t len, size_t *end,
                        struct complaint *c) {
    struct parser p = {.arena = a, .text = text, .at = at, .len = len, .c = c};
    next_token(&p);
    struct expr *e = parse_or(&p);
    if (!e) return NULL;
    if (p.token.kind == T_BAD) return NULL;
    *end = p.token.start;
    return e;
}

/* ---- printing */

static int strength_of(const struct expr *e) {
    if (e->op == EX_NOT) return STRENGTH_NOT;
    for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++)
        if (binaries[i].op == e->op) return binaries[i].strength;
    return STRENGTH_PRIM;
}

static void print_at(const struct expr *e, int strength, struct buf *out);

static void print_text(const char *s, struct buf *out) {
    buf_addc(out, '"');
    for (; *s; s++) {
        if (*s == '\n') {
            buf_adds(out, "\\n");
            continue;
        }
        if (*s == '"' || *s == '\\') buf_addc(out, '\\');
        buf_addc(out, *s);
    }
    buf_addc(out, '"');
}

static void print_items(const struct expr *e, const char *open, const char *close, struct buf *out) {
    buf_adds(out, open);
    for (uint32_t i = 0; i < e->count; i++) {
        if (i) buf_adds(out, ", ");
        print_at(e->items[i], 1, out);
    }
    buf_adds(out, close);
}

static void print_path(const struct expr *e, struct buf *out) {
    for (uint32_t i = 0; i < e->count; i++) {
        const struct path_part *part = &e->parts[i];
        if (part->name) {
            buf_addf(out, "%s%s", i ? "." : "", part->name);
            continue;
        }
        buf_addc(out, '[');
        print_at(part->index, 1, out);
        buf_addc(out, ']');
    }
}

static void print_real(double v, struct buf *out) {
    char text[160]; /* the shortest that reads back the same */
    for (int digits = 1; digits < 64; digits++) {
        snprintf(text, sizeof text, "%.*f", digits, v);
        if (strtod(text, NULL) == v) break;
    }
    buf_adds(out, text);
}

static void print_duration(int64_t us, struct buf *out) {
    static const struct {
        const char *unit;
        int64_t size;
    } units[] = {
        {"d", US_PER_DAY}, {"h", US_PER_HOUR}, {"m", US_PER_MINUTE}, {"s", US_PER_SECOND}, {"ms", US_PER_MS}};
    size_t i = 0;
    while (i < 4 && (us % units[i].size || !us)) i++;
    buf_addf(out, "%lld%s", (long long)(us / units[i].size), units[i].unit);
}

static void print_leaf(const struct expr *e, struct buf *out) {
    switch (e->op) {
    case EX_NULL: buf_adds(out, "null"); break;
    case EX_BOOL: buf_adds(out, e->yes ? "true" : "false"); break;
    case EX_INTEGER: buf_addf(out, "%lld", (long long)e->integer); break;
    case EX_DECIMAL: print_real(e->real, out); break;
    case EX_DURATION: print_duration(e->integer, out); break;
    case EX_TEXT: print_text(e->text, out); break;
    case EX_PATH: print_path(e, out); break;
    case EX_LIST: print_items(e, "[", "]", out); break;
    case EX_CALL:
        buf_adds(out, e->function->name);
        print_items(e, "(", ")", out);
        break;
    default: buf_adds(out, "params"); break; /* EX_WITH: stands for what the call site wrote */
    }
}

static void print_operator(const struct expr *e, int own, struct buf *out) {
    const char *sign = "";
    bool once = false;
    for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++)
        if (binaries[i].op == e->op) sign = binaries[i].text, once = binaries[i].once;
    print_at(e->a, own + once, out);
    buf_addf(out, " %s ", sign);
    print_at(e->b, own + 1, out);
}

static void print_at(const struct expr *e, int strength, struct buf *out) {
    int own = strength_of(e);
    bool parens = own < strength;
    if (parens) buf_addc(out, '(');
    if (e->op == EX_NOT || e->op == EX_NEG) {
        buf_adds(out, e->op == EX_NOT ? "not " : "-");
        print_at(e->a, e->op == EX_NOT ? own + 1 : STRENGTH_PRIM, out);
    } else if (own == STRENGTH_PRIM) {
        print_leaf(e, out);
    } else {
        print_operator(e, own, out);
    }
    if (parens) buf_addc(out, ')');
}

void expr_print(const struct expr *e, struct buf *out) { print_at(e, 1, out); }
