/* check_rules.h: one rule, compiled to SQL; private to zones/. */
#ifndef LEAT_ZONES_CHECK_RULES_H
#define LEAT_ZONES_CHECK_RULES_H

#include "zones/audit_rows.h"

enum rule_kind { RULE_ROW, RULE_SET, RULE_SQL };

struct rule {
    enum rule_kind kind;
    const json_t *spec; /* NULL: an implicit rule of Leat's own */
    const char *text;
    bool warn_only;

    char *bad;    /* row: true for rows that fail; never NULL as a value */
    char *why;    /* row: text for people about one such row */
    char *value;  /* set: the measure */
    char *pass;   /* set: holds for the measure; may be NULL as a value */
    char *sample; /* rows to show when it fails; NULL: none */
    char *expected;
    char *metric; /* name in the history; NULL: not kept */
    double mean;  /* of the history it is compared with */
    size_t runs;  /* in that history; 0: there is none */

    char error[320]; /* the rule cannot run, and why */
    int64_t failed_rows;
    json_t *sample_rows; /* NULL: none */
    char *actual;
    bool passed;
    double number; /* of the measure */
    bool has_number;
};

struct rule_set {
    struct audit_rows *rows;
    struct rule *rules;
    size_t count, cap;
    json_t *params; /* of all rules */
};

/* Compiles into.checks and the implicit rules. A rule that makes no sense gets its error text. -1 only when
 * the engine or the database failed. */
int rule_set_build(struct rule_set *set, struct audit_rows *rows, struct err *err);
void rule_set_release(struct rule_set *set);

/* Asks rules (check_ask.c): fills in failed_rows, actual, number, passed and sample_rows, or the rule's
 * error. -1 only when the engine itself failed or was stopped. */
enum { ASK_ROW = 1, ASK_SET = 2, ASK_SQL = 4 };
int rule_set_ask(struct rule_set *set, unsigned kinds, struct err *err);

/* A number for people: six digits, or all of those before the point. */
enum { RULE_NUMBER_TEXT = DURATION_TEXT };
const char *rule_number(double v, char text[RULE_NUMBER_TEXT]);

/* Makes the datasets a rule names readable: view exists afterwards. -1 with err. */
int rule_attach(struct audit *a, const char *dataset, struct err *err);

#endif
