/* expr.h: the expressions of ${…}: parsed and type-checked when a file is read, evaluated once at run time.
 *
 *   expr := or ; or := and {"or" and} ; and := not {"and" not} ; not := ["not"] cmp
 *   cmp  := sum [("=="|"!="|"<"|"<="|">"|">="|"in") sum]
 *   sum  := term {("+"|"-") term} ; term := dflt {("*"|"/") dflt} ; dflt := prim ["??" prim]
 *   prim := ["-"] number | duration | "text" | 'text' | true | false | null | path
 *         | name "(" [expr {"," expr}] ")" | "(" expr ")" | "[" [expr {"," expr}] "]"
 *   path := name { "." name | "[" expr "]" }
 *
 * No loops, assignment, I/O or clock; depth is at most LIMIT_EXPR_DEPTH, work is bounded by the length. */
#ifndef LEAT_DAG_EXPR_H
#define LEAT_DAG_EXPR_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/tz.h"
#include "dag/pipeline.h"
#include "dag/types.h"

/* X(name, text for people) */
#define EXPR_TYPE_LIST(X)                                                                                    \
    X(ANY, "any value")                                                                                      \
    X(NULL, "null")                                                                                          \
    X(BOOL, "true or false")                                                                                 \
    X(INTEGER, "an integer")                                                                                 \
    X(DECIMAL, "a decimal")                                                                                  \
    X(TEXT, "text")                                                                                          \
    X(PATH, "text")                                                                                          \
    X(INSTANT, "a time")                                                                                     \
    X(DATE, "a date")                                                                                        \
    X(DURATION, "a duration")                                                                                \
    X(LIST, "a list")                                                                                        \
    X(MAP, "a map")                                                                                          \
    X(IDENT, "an identifier")

enum expr_type {
#define X(name, text) TYPE_##name,
    EXPR_TYPE_LIST(X)
#undef X
};
extern const char *const expr_type_texts[];

enum expr_op {
    EX_NULL,
    EX_BOOL,
    EX_INTEGER,
    EX_DECIMAL,
    EX_TEXT,
    EX_DURATION,
    EX_PATH,
    EX_CALL,
    EX_LIST,
    EX_WITH, /* a template's parameter: what the call site wrote for it */
    EX_NEG,
    EX_NOT,
    EX_AND,
    EX_OR,
    EX_EQ,
    EX_NE,
    EX_LT,
    EX_LE,
    EX_GT,
    EX_GE,
    EX_IN,
    EX_ADD,
    EX_SUB,
    EX_MUL,
    EX_DIV,
    EX_OTHERWISE, /* ?? */
};

struct template;
struct function;

struct path_part {
    const char *name;   /* NULL: index */
    struct expr *index; /* [expr] */
    uint32_t start, end;
};

struct expr {
    uint8_t op;
    uint8_t type; /* enum expr_type, by expr_check */
    bool secret;  /* a secret's value is in it, by expr_check */
    uint8_t depth;
    uint32_t start, end; /* in the text it was parsed from */
    uint32_t count;      /* parts, arguments, items */
    union {
        bool yes;
        int64_t integer; /* also microseconds of a duration */
        double real;
        const char *text;
        struct path_part *parts;
        struct {
            const struct function *function;
            struct expr **items;
        };
        struct {
            struct expr *a, *b;
        };
        const struct template *with;
    };
};

/* What expressions of one place may name. */
struct expr_scope {
    const struct project *project;
    const struct param *params;
    size_t param_count;
    bool project_only;       /* leat.yaml: env, project, secrets only */
    const struct map *steps; /* step name -> index */
    const struct map *groups;
    const json_t *each;        /* of this instance; NULL: none */
    const char *const *inputs; /* datasets named by reads: and promote */
    size_t input_count;
    bool has_output, in_finally;
    bool no_suggestions;         /* there are many errors already, and each suggestion is a walk over names */
    const struct with_arg *with; /* inside of a template: its parameters */
    size_t with_count;
    /* out */
    bool uses_window;
    uint64_t *params_used; /* a bit each; may be NULL */
    uint32_t *refs;        /* malloc'ed: steps named by steps.NAME */
    size_t ref_count, ref_cap;
};

struct with_arg {
    const char *name;
    const struct template *value;
};

/* Parses text[at…len) up to where the grammar ends; *end is the offset after the last token. NULL with a
 * complaint whose offsets are into text. */
struct expr *expr_parse(struct arena *a, const char *text, size_t at, size_t len, size_t *end,
                        struct complaint *c);
/* Finds types; false with a complaint. Turns params.X of a template into EX_WITH. */
bool expr_check(struct expr *e, struct expr_scope *scope, struct complaint *c);
void expr_print(const struct expr *e, struct buf *out); /* parses back to the same tree */
/* Names only each.* and template parameters, so that its value is known when the file is read. */
bool expr_is_early(const struct expr *e);

/* ---- evaluation */

struct ev {
    uint8_t type; /* enum expr_type; never ANY */
    bool yes;
    int64_t integer;    /* INTEGER; microseconds of INSTANT, DURATION; days since 1970 of DATE */
    double real;        /* DECIMAL */
    const char *text;   /* TEXT, PATH, IDENT */
    const json_t *json; /* MAP, LIST from the scope */
    struct ev *items;   /* LIST written in the expression */
    size_t count;
};

struct eval {
    const json_t *scope;
    const struct tz *tz; /* NULL: UTC */
    struct arena *arena; /* texts of results */
    struct complaint *c;
};

bool expr_eval(struct eval *v, const struct expr *e, struct ev *out);
/* A value of the scope's JSON as an expression sees it. */
bool ev_of_json(struct eval *v, const json_t *j, struct ev *out);
/* As text for embedding. false with a complaint for null, lists and maps. */
bool ev_text(struct eval *v, const struct ev *x, const char **out);
json_t *ev_json(struct eval *v, const struct ev *x); /* new reference; times and dates as text */

/* ---- functions */

struct function {
    const char *name;
    const char *args; /* a letter each: t time or date, s text, d duration, l list, a any; lower case optional
                         from `|` on */
    enum expr_type type; /* ANY: that of the first argument */
    const char *help;
    bool (*eval)(struct eval *v, const struct ev *args, size_t n, struct ev *out);
    bool (*check)(const struct expr *call, struct complaint *c); /* further checks of literals; may be NULL */
};
extern const struct function expr_functions[]; /* name NULL at the end */
const struct function *function_find(const char *name);

/* Fills a complaint and returns false. */
bool expr_complain(struct complaint *c, const char *code, uint32_t start, uint32_t end, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

#endif
