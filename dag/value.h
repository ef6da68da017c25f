/* value.h: typed values that are not yet evaluated, and sql texts with bound parameters. */
#ifndef LEAT_DAG_VALUE_H
#define LEAT_DAG_VALUE_H

#include "base/fields.h"
#include "dag/template.h"

enum value_shape {
    VALUE_NULL,
    VALUE_TEXT,
    VALUE_BOOL,
    VALUE_INTEGER,
    VALUE_REAL,
    VALUE_TEMPLATE,
    VALUE_EXPR,
    VALUE_SQL,
    VALUE_CHECK,
    VALUE_LIST,
    VALUE_OBJECT,
};

struct member;
struct sql_text;
struct check_text;

struct value {
    uint8_t shape; /* enum value_shape */
    uint8_t kind;  /* enum field_kind: what its template must become */
    uint32_t count;
    struct span at;
    union {
        const char *text;
        bool yes;
        int64_t integer;
        double real;
        const struct template *template;
        const struct expr *expr;
        const struct sql_text *sql;
        const struct check_text *check;
        struct value *items;
        struct member *members;
    };
};

struct member {
    const char *key;
    struct span key_at;
    struct value value;
};

/* SQL whose ${…} are parameters $p1, $p2, …; ${ident(x)} is a quoted name put into the text. */
struct sql_part {
    const char *text; /* literal text; NULL: expression */
    uint32_t len;
    const struct expr *expr;
    uint32_t param;    /* its number; 0: an identifier */
    uint32_t from;     /* where the part begins in the text as written */
    uint32_t rendered; /* and in the text below */
};

struct sql_text {
    const char *text; /* identifiers stand as SQL_IDENT */
    uint32_t part_count;
    struct sql_part *parts;
    uint32_t line, column;   /* of the text's first character */
    const char *path;        /* of a file of its own, as written; NULL */
    const struct node *node; /* the scalar; valid while loading only */
};
#define SQL_IDENT "__leat_ident__"

/* A check: parsed when it holds no ${}, else text to be parsed once that is known. */
struct check_text {
    json_t *object;                /* borrowed from the pipeline; NULL when it holds ${} */
    json_t *tried;                 /* likewise: the rule with something in the place of each ${} */
    const struct template *text;   /* of a rule in words */
    const struct sql_text *sql;    /* of {sql: …} */
    const struct template *expect; /* of {sql: …}, as it is compared */
    const char *dataset;           /* what references() names; NULL: nothing */
    const char *written, *severity;
    uint32_t line, column;
    const struct node *node; /* the rule in words; valid while loading only */
    const char *doubt;       /* a function seems to be misspelled: what to say, unless … NULL: no doubt */
    const char *doubtful;    /* … this is a column */
    size_t doubt_at;
};

const struct value *value_member(const struct value *object, const char *key); /* NULL when absent */

/* New reference, or NULL with a complaint in v->c; v->c->start is then an offset into *where's source. */
json_t *value_json(struct eval *v, const struct value *x, struct span *where);

/* What is known of a value before any run, null where ${} decides; new reference. SQL is {"text", "params":
 * [{"name", "type"}], "open": parts of the text are not known}. */
json_t *value_known(const struct value *x);
json_t *sql_known(const struct sql_text *sql);

/* Text as a literal that check_parse reads back as the same value. */
void check_literal(const struct ev *x, const char *text, struct buf *out);
/* The offset in the text as written that offset `rendered` of sql->text came from. */
size_t sql_written_offset(const struct sql_text *sql, size_t rendered);

#endif
